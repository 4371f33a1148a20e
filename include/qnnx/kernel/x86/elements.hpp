// SPDX-License-Identifier: Apache-2.0
#pragma once
// Loops over the elements of one-input kernels: bytes through a table of 256 entries, floats (of 16 bits too: computed as
// floats, the result rounded once more) in vectors, and floats as doubles. V: vectors of vectors_avx2.hpp or vectors_avx512.hpp. Layer 5a.

#include "qnnx/kernel/x86/vectors_avx2.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// A table of 256 bytes for vectors V of bytes.
template <class V>
struct byte_table_of;

/// 16 tables of 16 bytes, of which pshufb gives 0 where an index is negative. In each half of the entries, with the index
/// of 7 bits going down by 16, all tables up to the right one answer: each has the exclusive or with the one before.
template <>
struct byte_table_of<avx2_vectors> {
  __m256i part[16];
  explicit byte_table_of(const void* bytes) {
    for (int i = 0; i < 16; ++i) {
      const auto* p = static_cast<const __m128i*>(bytes) + i;
      __m128i v = _mm_loadu_si128(p);
      if (i % 8 != 0) v = _mm_xor_si128(v, _mm_loadu_si128(p - 1));
      part[i] = _mm256_broadcastsi128_si256(v);
    }
  }
  /// Two vectors at once: the tables are loaded once.
  QNNX_INLINE void two(__m256i& a, __m256i& b) const {
    const __m256i low7 = _mm256_set1_epi8(127);
    const __m256i sixteen = _mm256_set1_epi8(16);
    __m256i at_a = _mm256_and_si256(a, low7);
    __m256i at_b = _mm256_and_si256(b, low7);
    __m256i low_a = _mm256_shuffle_epi8(part[0], at_a);
    __m256i low_b = _mm256_shuffle_epi8(part[0], at_b);
    __m256i high_a = _mm256_shuffle_epi8(part[8], at_a);
    __m256i high_b = _mm256_shuffle_epi8(part[8], at_b);
#pragma GCC unroll 7
    for (int i = 1; i < 8; ++i) {
      at_a = _mm256_sub_epi8(at_a, sixteen);
      at_b = _mm256_sub_epi8(at_b, sixteen);
      low_a = _mm256_xor_si256(low_a, _mm256_shuffle_epi8(part[i], at_a));
      low_b = _mm256_xor_si256(low_b, _mm256_shuffle_epi8(part[i], at_b));
      high_a = _mm256_xor_si256(high_a, _mm256_shuffle_epi8(part[8 + i], at_a));
      high_b = _mm256_xor_si256(high_b, _mm256_shuffle_epi8(part[8 + i], at_b));
    }
    a = _mm256_blendv_epi8(low_a, high_a, a);
    b = _mm256_blendv_epi8(low_b, high_b, b);
  }
};

/// y[i] = table[x[i] - lowest value of the type], the form of the reference's 8-bit tables.
template <class V, class T>
inline void look_up(const void* table_bytes, const typename T::storage* x, void* out, std::int64_t count) {
  using words = typename V::words;
  auto* y = static_cast<std::uint8_t*>(out);
  const auto* entries = static_cast<const std::uint8_t*>(table_bytes);
  constexpr std::int32_t sign = is_signed_fixed(T::code) ? 0x80 : 0;
  const auto one_by_one = [&](std::int64_t i) {
    for (; i < count; ++i) y[i] = entries[static_cast<std::uint8_t>(x[i]) ^ static_cast<std::uint32_t>(sign)];
  };
  if constexpr (!requires { V::first_bytes(count); })
    if (count < 2 * V::byte_lanes) return one_by_one(0);  // less than the vectors of the table take
  const byte_table_of<V> table(table_bytes);
  const words flip = V::all_bytes(sign);
  std::int64_t i = 0;
  for (; i + 2 * V::byte_lanes <= count; i += 2 * V::byte_lanes) {
    words a = V::xor_bits(flip, V::load_vector(x + i));
    words b = V::xor_bits(flip, V::load_vector(x + i + V::byte_lanes));
    table.two(a, b);
    V::store_vector(y + i, a);
    V::store_vector(y + i + V::byte_lanes, b);
  }
  if constexpr (requires { V::first_bytes(count); }) {
    for (; i < count; i += V::byte_lanes) {
      const auto mask = V::first_bytes(count - i);
      V::store_vector(mask, y + i, table(V::xor_bits(flip, V::load_vector(mask, x + i))));
    }
  } else {
    one_by_one(i);
  }
}

/// From floats to floats, of 32 or of 16 bits.
template <class Sig>
inline constexpr bool is_real_signature = std::is_same_v<Sig, types::f32(types::f32)> || std::is_same_v<Sig, types::f16(types::f16)>;

/// y[i] = f(x[i]) on vectors of floats; Real: float or half.
template <class V, class Real, class F>
QNNX_INLINE void each_float(const Real* x, Real* y, std::int64_t count, F&& f) {
  std::int64_t i = 0;
  for (; i + 2 * V::lanes <= count; i += 2 * V::lanes) {
    const auto a = f(V::load(x + i));
    const auto b = f(V::load(x + i + V::lanes));
    V::store(y + i, a);
    V::store(y + i + V::lanes, b);
  }
  V::each(count - i, [&](std::int64_t k, auto part) { V::store(part, y + i + k, f(V::load(part, x + i + k))); });
}
/// y[i] = f(x[i]) on vectors of doubles, rounded to float, and from there to half.
template <class V, class Real, class F>
QNNX_INLINE void each_double(const Real* x, Real* y, std::int64_t count, F&& f) {
  V::each_doubles(count, [&](std::int64_t i, auto part) { V::store_narrowed(part, y + i, f(V::load_widened(part, x + i))); });
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif

#if QNNX_HAS_AVX512VBMI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <>
struct byte_table_of<avx512_vectors> {
  __m512i part[4];
  QNNX_INLINE explicit byte_table_of(const void* bytes) {
    for (int i = 0; i < 4; ++i) part[i] = _mm512_loadu_si512(static_cast<const char*>(bytes) + 64 * i);
  }
  QNNX_INLINE __m512i operator()(__m512i at) const {  // each half takes 7 bits of the index
    const __m512i low = _mm512_permutex2var_epi8(part[0], at, part[1]);
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(at), _mm512_permutex2var_epi8(part[2], at, part[3]));
  }
  QNNX_INLINE void two(__m512i& a, __m512i& b) const {
    a = (*this)(a);
    b = (*this)(b);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
