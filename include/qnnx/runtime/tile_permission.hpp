// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whether this process may use the tiles of AMX. A processor has them (leaf 7, EDX bits 24 and 25), an operating system
// keeps their state (XCR0 bits 17 and 18), and Linux lets a process use them that has asked once; all its threads then
// may. Needs no other header of the library: generated libraries ask too. Hosted.

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace qnnx {

/// Asks. False where the processor has no tiles or the operating system refuses.
inline bool tiles_permitted() {
#if defined(__x86_64__) && defined(__linux__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return false;  // OSXSAVE: xgetbv exists
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d >> 24 & 3) != 3) return false;
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low >> 17 & 3) != 3) return false;
  constexpr long request = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long tile_data = 18;
  return syscall(SYS_arch_prctl, request, tile_data) == 0;
#else
  return false;
#endif
}

}  // namespace qnnx
