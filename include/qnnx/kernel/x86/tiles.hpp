// SPDX-License-Identifier: Apache-2.0
#pragma once
// The tile registers of AMX: eight of up to 16 rows of 64 bytes. In assembly, because the intrinsics want literal numbers
// and g++ 12's do not say that a load reads memory.
//   0 to 3   sums: 16 pixels by 16 channels, [first or second 16 pixels][first or second 16 channels]
//   4, 5     data: 16 pixels, a step of 64 bytes of each
//   6, 7     weights: [piece][channel][4 bytes], 16 channels
// The configuration belongs to the thread: whoever uses tiles configures them first and releases them after. Layer 5a.

#include "qnnx/kernel/contract.hpp"

#if QNNX_HAS_AMX
namespace qnnx::inline QNNX_ABI::kernel::x86::tiles {

struct alignas(64) configuration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
/// Tiles for `pixels` <= 32 pixels and steps of `pieces` <= 16 pieces of 4 bytes.
QNNX_INLINE void configure(int pixels, int pieces) {
  const int first = pixels < 16 ? pixels : 16;
  const int rows[8] = {first, first, pixels - first, pixels - first, first, pixels - first, pieces, pieces};
  configuration c;
  for (int i = 0; i < 8; ++i) {
    const bool data = i == 4 || i == 5;
    c.rows[i] = static_cast<std::uint8_t>(rows[i]);
    c.row_bytes[i] = static_cast<std::uint16_t>(rows[i] == 0 ? 0 : data ? pieces * 4 : 64);
  }
  asm volatile("ldtilecfg %0" ::"m"(c) : "memory");
}
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
