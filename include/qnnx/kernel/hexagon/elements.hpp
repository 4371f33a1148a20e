// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stored elements as words, and a table of 256 bytes applied to a tensor. Layer 5a.

#include "qnnx/tensor/dtype.hpp"
#include "qnnx/kernel/hexagon/hvx.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel::hvx {

/// A vector of stored elements as words, interleaved: four vectors or two. Signed: how they are read.
template <dtype Type, bool Signed = is_signed_fixed(Type)>
struct elements {
  static constexpr int vectors = bits_of(Type) == 16 ? 2 : 4;
  vec v[vectors];

  QNNX_INLINE explicit elements(vec x) {
    if constexpr (vectors == 4) {
      const four f = widen<Signed>(x);
      for (int k = 0; k < 4; ++k) v[k] = f.v[k];
    } else {
      const two t = widen_halves<Signed>(x);
      v[0] = t.v[0], v[1] = t.v[1];
    }
  }
};
QNNX_INLINE vec load_up_to(const std::byte* p, std::int32_t n) {
  return n >= vector_bytes ? load(p) : load_part(p, n);
}

/// y[i] = table[x[i] - lowest] for n bytes, the lowest number being 0 or, of signed ones, -128.
template <bool Signed>
void look_up_all(const void* table, const void* x, void* y, std::int32_t n) {
  const auto* entries = static_cast<const std::byte*>(table);
  const vec low = load(entries), high = load(entries + vector_bytes);
  const vec arranged[2] = {interleave_bytes(low, rotate(low, 64)).v[0], interleave_bytes(high, rotate(high, 64)).v[0]};
  const vec flip = splat_byte(Signed ? 128 : 0);
  const auto* from = static_cast<const std::byte*>(x);
  auto* to = static_cast<std::byte*>(y);
  for (std::int32_t k = vectors_of(n); k > 0; --k, n -= vector_bytes, from += vector_bytes, to += vector_bytes)
    put(to, look_up(arranged, bit_xor(load_up_to(from, n), flip)), n);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
