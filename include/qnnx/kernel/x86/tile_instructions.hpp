// SPDX-License-Identifier: Apache-2.0
#pragma once
// The instructions of AMX that kernels use, one function each. In assembly, because the intrinsics want literal numbers and
// g++ 12's do not say that a load reads memory. Tests put a header of the same name before this one in the search path
// (test/kernels_isa/emulated), whose functions follow the manual's pseudo-code on any processor. Layer 5a.

#include "qnnx/kernel/contract.hpp"

#if QNNX_HAS_AMX
namespace qnnx::inline QNNX_ABI::kernel::x86::tiles {

/// Of 64 bytes; all tiles are zero after it.
QNNX_INLINE void load_configuration(const void* bytes) { asm volatile("ldtilecfg (%0)" ::"r"(bytes) : "memory"); }
QNNX_INLINE void release() { asm volatile("tilerelease" ::: "memory"); }

/// Rows `step` bytes apart.
template <int Tile>
QNNX_INLINE void load(const void* first, std::int64_t step) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(first), "r"(step), "i"(Tile) : "memory");
}
template <int Tile>
QNNX_INLINE void store(void* first, std::int64_t step) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(first), "r"(step), "i"(Tile) : "memory");
}
/// Sum tile += data tile * weight tile. Weights are signed, data as said.
template <bool Signed, int Sum, int Data, int Weights>
QNNX_INLINE void add_product() {
  if constexpr (Signed) asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum), "i"(Data), "i"(Weights));
  else asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum), "i"(Data), "i"(Weights));
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86::tiles
#endif
