// SPDX-License-Identifier: Apache-2.0
// The pool under ThreadSanitizer: threads that come late, jobs one after the other, more and fewer pieces than threads.
// Pieces write plain memory that the caller reads after run().
#include <chrono>
#include <cstdio>

#include "qnnx/runtime/thread_pool.hpp"

int main() {
  long wrong = 0;
  for (const int threads : {2, 3, 7}) {
    qnnx::thread_pool pool(threads);
    std::vector<int> seen(64);
    for (int round = 0; round < 1000; ++round) {
      if (round % 500 == 499) std::this_thread::sleep_for(std::chrono::milliseconds(2));  // the threads fall asleep
      const int count = round % 13;
      for (int& n : seen) n = 0;
      std::atomic<int> begun{0};  // relaxed: it must not order what the pool has to order
      pool.run(count, [&](int i) {
        begun.fetch_add(1, std::memory_order_relaxed);
        for (int spins = 0; i == 0 && round % 50 == 7 && begun.load(std::memory_order_relaxed) < 2 && spins < 1000;
             ++spins)
          std::this_thread::yield();  // until another thread has come
        ++seen[static_cast<std::size_t>(i)];
      });
      for (int i = 0; i < 64; ++i) wrong += seen[static_cast<std::size_t>(i)] != (i < count ? 1 : 0);
    }
  }
  if (wrong != 0) std::printf("%ld pieces were not made once\n", wrong);
  return wrong == 0 ? 0 : 1;
}
