// SPDX-License-Identifier: Apache-2.0
// The board for programs of Linux with its C library: position-independent, as compilers make them there.
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "board.hpp"

extern "C" int app_main();

namespace board {
void print(const char* text) {
  if (::write(1, text, std::strlen(text)) < 0) finish(2);
}
void finish(int code) {
  std::exit(code);
}
void start_timer() {}
std::uint64_t ticks() {
  return 0;
}
}  // namespace board

int main() {
  return app_main();
}
