// SPDX-License-Identifier: Apache-2.0
// The least that a Cortex-M needs before main: vectors, FPU on, data copied, and semihosting to print and exit (QEMU
// and debug probes answer it). SysTick counts instructions when QEMU runs with -icount. QNNX_MAIN: the application's
// entry where it is not main, an extern "C" function.
#include "board.hpp"

#include <cstring>

#ifndef QNNX_MAIN
#define QNNX_MAIN main
int main();
#else
extern "C" int QNNX_MAIN();
#endif
extern "C" {
extern unsigned char __data_start[], __data_end[], __data_load[], __bss_start__[], __bss_end__[], __stack[];
[[noreturn]] void reset();
void fault() { board::finish(99); }
volatile std::uint32_t board_wraps = 0;
void systick() { board_wraps = board_wraps + 1; }
}

namespace {
using vector = void (*)();
[[gnu::section(".vectors"), gnu::used]] const vector vectors[16] = {
    reinterpret_cast<vector>(__stack), reset, fault, fault, fault, fault, fault, nullptr, nullptr, nullptr, nullptr,
    fault, fault, nullptr, fault, systick};

std::uint32_t semihost(std::uint32_t operation, const void* argument) {
  register std::uint32_t r0 asm("r0") = operation;
  register const void* r1 asm("r1") = argument;
  asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
volatile std::uint32_t& reg(std::uint32_t address) { return *reinterpret_cast<volatile std::uint32_t*>(address); }
}  // namespace

extern "C" void reset() {
#if defined(__ARM_FP)
  reg(0xE000ED88) = reg(0xE000ED88) | (0xfu << 20);  // CPACR: allow the FPU (and MVE)
  asm volatile("dsb\nisb");
#endif
  std::memcpy(__data_start, __data_load, static_cast<std::size_t>(__data_end - __data_start));
  std::memset(__bss_start__, 0, static_cast<std::size_t>(__bss_end__ - __bss_start__));
  board::finish(QNNX_MAIN());
}

namespace board {

void print(const char* text) { semihost(0x04, text); }

void finish(int code) {
  const std::uint32_t block[2] = {0x20026, static_cast<std::uint32_t>(code)};  // ADP_Stopped_ApplicationExit
  semihost(0x20, block);                                                      // SYS_EXIT_EXTENDED
  for (;;) {}
}

void start_timer() {
  board_wraps = 0;
  reg(0xE000E014) = 0xffffff;
  reg(0xE000E018) = 0;
  reg(0xE000E010) = 7;  // core clock, interrupt at wrap, on
}

std::uint64_t ticks() {
  std::uint32_t wraps = 0;
  std::uint32_t now = 0;
  do {
    wraps = board_wraps;
    now = reg(0xE000E018);
  } while (wraps != board_wraps);
  return static_cast<std::uint64_t>(wraps) * 0x1000000u + (0xffffffu - now);
}

}  // namespace board
