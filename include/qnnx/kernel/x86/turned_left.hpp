// SPDX-License-Identifier: Apache-2.0
#pragma once
// The left side of MatMul where it is transposed: matrices [depth][rows] are written to scratch as [rows][depth], which
// costs 1 / columns of the products' work. Layer 5a.

#include "qnnx/kernel/x86/transpose.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// `count` matrices of elements of Size bytes, one after the other.
template <class V, int Size>
QNNX_NOINLINE void turn_left(const std::byte* from, std::int64_t count, std::int64_t depth, std::int64_t rows, std::byte* to) {
  for (; count > 0; --count, from += depth * rows * Size, to += depth * rows * Size)
    for (std::int64_t r = 0; r < rows; r += 16)
      for (std::int64_t k = 0; k < depth; k += 16) {
        const int high = static_cast<int>(depth - k < 16 ? depth - k : 16), wide = static_cast<int>(rows - r < 16 ? rows - r : 16);
        const std::byte* block = from + (k * rows + r) * Size;
        std::byte* put = to + (r * depth + k) * Size;
        if constexpr (Size == 1) transpose_bytes(V{}, block, rows, high, wide, put, depth);
        else transpose_words(V{}, block, rows * 4, high, wide, put, depth * 4);
      }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
