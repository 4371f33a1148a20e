// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the firmware examples use of the board: text out, an exit code, a timer.
#include <cstddef>
#include <cstdint>

namespace board {
void print(const char* text);
void print(const char* name, std::uint32_t value);  // "name value\n"
[[noreturn]] void finish(int code);
void start_timer();     // SysTick from 0
std::uint64_t ticks();  // since start_timer; QEMU -icount shift=0: 40 instructions a tick on M4/M7, 31.25 on M55
}  // namespace board
