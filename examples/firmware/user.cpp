// SPDX-License-Identifier: Apache-2.0
// The board for programs without an operating system's libraries: Linux system calls on RISC-V, aarch64 and Hexagon
// (qemu-riscv32, qemu-riscv64, qemu-aarch64, qemu-hexagon run them), two imported functions in WebAssembly. Nothing of a C library is used.
// QNNX_MAIN: the application's entry, an extern "C" function; freestanding compilers treat main as any name.
#include "board.hpp"

#ifndef QNNX_MAIN
#define QNNX_MAIN main
#endif
extern "C" int QNNX_MAIN();

#if defined(__riscv)
namespace {
long call(long number, long a, long b, long c) {
  register long a0 asm("a0") = a;
  register long a1 asm("a1") = b;
  register long a2 asm("a2") = c;
  register long a7 asm("a7") = number;
  asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
  return a0;
}
}  // namespace
asm(".globl _start\n_start:\n  .option push\n  .option norelax\n  la gp, __global_pointer$\n  .option pop\n"
    "  andi sp, sp, -16\n  call user_start\n");
#elif defined(__aarch64__)
namespace {
long call(long number, long a, long b, long c) {
  register long x0 asm("x0") = a;
  register long x1 asm("x1") = b;
  register long x2 asm("x2") = c;
  register long x8 asm("x8") = number;
  asm volatile("svc #0" : "+r"(x0) : "r"(x1), "r"(x2), "r"(x8) : "memory");
  return x0;
}
}  // namespace
asm(".globl _start\n_start:\n  mov x29, #0\n  bl user_start\n");
#elif defined(__hexagon__)
namespace {
long call(long number, long a, long b, long c) {
  register long r0 asm("r0") = a;
  register long r1 asm("r1") = b;
  register long r2 asm("r2") = c;
  register long r6 asm("r6") = number;
  asm volatile("trap0(#1)" : "+r"(r0) : "r"(r1), "r"(r2), "r"(r6) : "memory");
  return r0;
}
}  // namespace
asm(".globl _start\n_start:\n  { r29 = and(r29, #-128) }\n  { call user_start }\n");
#elif defined(__wasm__)
extern "C" {
__attribute__((import_module("env"), import_name("write"))) void host_write(const char*, unsigned);
[[noreturn]] __attribute__((import_module("env"), import_name("finish"))) void host_finish(int);
__attribute__((export_name("start"))) void user_start();
}
#else
#error "no board for this processor"
#endif
extern "C" void user_start() { board::finish(QNNX_MAIN()); }

namespace board {

void print(const char* text) {
  unsigned n = 0;
  while (text[n]) ++n;
#if defined(__wasm__)
  host_write(text, n);
#else
  call(64, 1, reinterpret_cast<long>(text), static_cast<long>(n));
#endif
}

void finish(int code) {
#if defined(__wasm__)
  host_finish(code);
#else
  call(93, code, 0, 0);
  for (;;) {}
#endif
}

#if defined(QNNX_COUNTED) && (defined(__riscv) || defined(__aarch64__))
// Marks for bench/firmware/instruction_counter.c, which counts outside of the program: writes that are refused.
void start_timer() { call(64, -1, 0, 1); }
std::uint64_t ticks() { return call(64, -1, 0, 2) < 0 ? 0 : 1; }
#elif defined(__hexagon__) || (defined(QNNX_COUNTED) && defined(__wasm__))
namespace {
#if defined(__wasm__)
/// Of a module that bench/firmware/wasm_counter.py has rewritten.
extern "C" __attribute__((import_module("env"), import_name("executed"))) std::uint32_t host_executed();
std::uint32_t counter() { return host_executed(); }
#else
/// qemu-hexagon counts in control registers that assemblers do not know (r0 = c21): packets in 20, instructions in 21
/// (without nops and the ends of hardware loops), those of HVX in 22.
#ifndef QNNX_COUNTER
#define QNNX_COUNTER 21
#endif
#define QNNX_TEXT2(A) #A
#define QNNX_TEXT(A) QNNX_TEXT2(A)
std::uint32_t counter() {
  register std::uint32_t r0 asm("r0");
  asm volatile(".word 0x6a00c000 + (" QNNX_TEXT(QNNX_COUNTER) " << 16)" : "=r"(r0) : : "memory");
  return r0;
}
#endif
std::uint32_t begun = 0;
}  // namespace
void start_timer() { begun = counter(); }
std::uint64_t ticks() { return counter() - begun; }
#else
void start_timer() {}
std::uint64_t ticks() { return 0; }
#endif

}  // namespace board

// What compilers call for copies; volatile keeps them from being compiled into calls of themselves.
extern "C" {
void* memcpy(void* to, const void* from, __SIZE_TYPE__ n) {
  auto* t = static_cast<volatile unsigned char*>(to);
  const auto* f = static_cast<const unsigned char*>(from);
  for (__SIZE_TYPE__ i = 0; i < n; ++i) t[i] = f[i];
  return to;
}
void* memmove(void* to, const void* from, __SIZE_TYPE__ n) {
  auto* t = static_cast<volatile unsigned char*>(to);
  const auto* f = static_cast<const volatile unsigned char*>(from);
  if (static_cast<void*>(const_cast<unsigned char*>(t)) < from)
    for (__SIZE_TYPE__ i = 0; i < n; ++i) t[i] = f[i];
  else
    for (__SIZE_TYPE__ i = n; i > 0; --i) t[i - 1] = f[i - 1];
  return to;
}
void* memset(void* to, int value, __SIZE_TYPE__ n) {
  auto* t = static_cast<volatile unsigned char*>(to);
  for (__SIZE_TYPE__ i = 0; i < n; ++i) t[i] = static_cast<unsigned char>(value);
  return to;
}
}
