// SPDX-License-Identifier: Apache-2.0
#pragma once
// HVX (Hexagon v67, 128-byte vectors: 32 words): the instructions, or the same written out, and what is made of them.
// Layer 5a.

#include <utility>

#include "qnnx/config.hpp"

#if QNNX_HAS_HVX_INSTRUCTIONS
#include "qnnx/kernel/hexagon/instructions.hpp"
#else
#include "qnnx/kernel/hexagon/written_out.hpp"
#endif

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel::hvx {

/// All bytes alike.
QNNX_INLINE vec splat_byte(std::int32_t x) {
  return splat(static_cast<std::int32_t>(static_cast<std::uint32_t>(x & 255) * 0x01010101u));
}
/// All halfwords alike.
QNNX_INLINE vec splat_half(std::int32_t x) {
  return splat(static_cast<std::int32_t>(static_cast<std::uint32_t>(x & 65535) * 0x00010001u));
}
/// n bytes; up to 127 behind them are written too. What may be read ends at `end`.
QNNX_INLINE void copy(std::byte* to, const std::byte* from, std::int32_t n, const std::byte* end) {
  for (; n > 0; n -= vector_bytes, to += vector_bytes, from += vector_bytes)
    store(to, end - from >= vector_bytes ? load(from) : load_part(from, n));
}
/// The same with one value.
QNNX_INLINE void fill(std::byte* to, vec value, std::int32_t n) {
  for (; n > 0; n -= vector_bytes, to += vector_bytes) store(to, value);
}
/// f(i) for the constants i below N.
template <int N, class F>
QNNX_INLINE void unrolled(F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }(std::make_integer_sequence<int, N>{});
}
/// Vectors of n bytes, the last one perhaps not full. Loops whose last vector is another case (put, load_up_to) count
/// these: of `n > 0; n -= 128` clang 14 at -Os makes a loop of n / 128 rounds and leaves the rest out.
QNNX_INLINE std::int32_t vectors_of(std::int32_t n) { return (n + vector_bytes - 1) / vector_bytes; }
/// n bytes of a vector, n <= 128.
QNNX_INLINE void put(std::byte* to, vec v, std::int32_t n) {
  if (n >= vector_bytes)
    store(to, v);
  else
    store_part(to, v, n);
}
/// The greatest of all unsigned bytes, in each.
QNNX_INLINE vec greatest_byte(vec v) {
  unrolled<7>([&](auto k) { v = greatest_bytes(v, rotate(v, 64 >> k)); });
  return v;
}
/// The sum of all words, in each.
QNNX_INLINE vec sum_of_words(vec v) {
  unrolled<5>([&](auto k) { v = add(v, rotate(v, 64 >> k)); });
  return v;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
