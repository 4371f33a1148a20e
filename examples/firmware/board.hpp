// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the firmware examples use of the board: text out, an exit code, a timer.
#include <cstddef>
#include <cstdint>

namespace board {
void print(const char* text);
[[noreturn]] void finish(int code);
void start_timer();     // SysTick from 0
std::uint64_t ticks();  // since start_timer; QEMU -icount shift=0: 40 instructions a tick on M4/M7, 31.25 on M55, 1 on
                        // Hexagon; on others where QNNX_COUNTED is defined (bench/firmware/measure.py)

inline void print(const char* name, std::uint32_t value) {  // "name value\n"
  char line[80];
  std::size_t n = 0;
  while (*name && n < 60) line[n++] = *name++;
  line[n++] = ' ';
  char digits[10];
  int count = 0;
  do {
    digits[count++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value);
  while (count) line[n++] = digits[--count];
  line[n++] = '\n';
  line[n] = 0;
  print(line);
}

}  // namespace board
