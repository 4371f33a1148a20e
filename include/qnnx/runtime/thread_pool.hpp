// SPDX-License-Identifier: Apache-2.0
#pragma once
// Threads for the steps of a model: they wait for the next step in a short loop, and in the kernel (a futex, through
// std::atomic) when none comes. One job at a time; the caller works too, and takes over what sleeping threads have not
// begun, so a job never waits for a thread to wake up. Header only, so that a program with nothing but a model library
// can use it. Layer 6b.

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "qnnx/kernel/split.hpp"

namespace qnnx::inline QNNX_ABI {

/// Cores this process may run on, threads of one core counted once; at least 1. Defined in qnnx::runtime.
int physical_cores();

class thread_pool {
 public:
  using work = void (*)(void* data, std::int32_t index);

  /// `threads` in all: the caller and threads - 1 others.
  explicit thread_pool(int threads) : threads_(threads < 1 ? 1 : threads > most_threads ? most_threads : threads) {
    for (int t = 1; t < threads_; ++t) others_.emplace_back([this] { serve(); });
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    stop_ = true;
    publish(0);
    for (std::thread& t : others_) t.join();
  }

  int threads() const { return threads_; }
  /// Calls f(data, 0) .. f(data, count - 1) and returns when all are done. From one thread at a time; f must not call
  /// it.
  void run(std::int32_t count, work f, void* data) {
    if (threads_ == 1 || count <= 1) {
      for (std::int32_t i = 0; i < count; ++i) f(data, i);
      return;
    }
    for (std::int32_t first = 0; first < count; first += most_threads) {
      const std::int32_t some = count - first < most_threads ? count - first : most_threads;
      work_ = f;
      data_ = data;
      first_ = first;
      done_.store(0, std::memory_order_relaxed);
      take(publish(some));
      for (int spins = 0; done_.load(std::memory_order_acquire) != some; ++spins) {
        if (spins < spins_before_sleep)
          QNNX_PAUSE();
        else
          std::this_thread::yield();
      }
    }
  }
  template <class F>
  void run(std::int32_t count, F&& f) {
    run(
        count, [](void* self, std::int32_t index) { (*static_cast<std::remove_reference_t<F>*>(self))(index); }, &f);
  }
  /// For interpreter_options::threads and qnnx_model::run_on.
  executor threads_of_steps() {
    return {threads_, this, [](void* self, work f, void* data, std::int32_t count) {
              static_cast<thread_pool*>(self)->run(count, f, data);
            }};
  }

 private:
  static constexpr int most_threads = 4096;        // and pieces of one job: 16 bits
  static constexpr int spins_before_sleep = 4096;  // some 50 us: longer than most steps that run on one thread
  static constexpr std::uint32_t job_of(std::uint64_t ticket) { return static_cast<std::uint32_t>(ticket >> 32); }

  /// Offers the pieces of a job: ticket = job number, number of pieces, next piece.
  std::uint32_t publish(std::int32_t count) {
    const std::uint32_t job = job_of(ticket_.load(std::memory_order_relaxed)) + 1;
    ticket_.store(std::uint64_t{job} << 32 | static_cast<std::uint64_t>(count) << 16, std::memory_order_release);
    latest_.store(job, std::memory_order_release);
    latest_.notify_all();
    return job;
  }
  /// Makes pieces of `job` while there are any. A ticket of that number that still has a piece means the job is live.
  void take(std::uint32_t job) {
    std::uint64_t t = ticket_.load(std::memory_order_acquire);
    while (job_of(t) == job && (t & 0xffff) < (t >> 16 & 0xffff)) {
      if (!ticket_.compare_exchange_weak(t, t + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      work_(data_, first_ + static_cast<std::int32_t>(t & 0xffff));
      done_.fetch_add(1, std::memory_order_release);
      t = ticket_.load(std::memory_order_acquire);
    }
  }
  void serve() {
    std::uint32_t seen = 0;
    for (;;) {
      for (int spins = 0; latest_.load(std::memory_order_acquire) == seen; ++spins) {
        if (spins < spins_before_sleep)
          QNNX_PAUSE();
        else
          latest_.wait(seen, std::memory_order_acquire);
      }
      seen = latest_.load(std::memory_order_acquire);
      if (stop_) return;
      take(seen);
    }
  }

  int threads_;
  std::vector<std::thread> others_;
  std::atomic<bool> stop_{false};
  work work_ = nullptr;
  void* data_ = nullptr;
  std::int32_t first_ = 0;
  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<std::uint32_t> latest_{0};
  alignas(64) std::atomic<std::int32_t> done_{0};
};

}  // namespace qnnx::inline QNNX_ABI
