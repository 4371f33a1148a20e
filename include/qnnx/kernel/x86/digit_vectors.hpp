// SPDX-License-Identifier: Apache-2.0
#pragma once
// Vectors of bytes and 16-bit lanes of one width, 32 or 64 bytes, for the kernels that stay within lanes of 16 bytes, where
// packing undoes interleaving (digit_sum.hpp, byte_products.hpp, pixel_sums.hpp), and the walk over two operands. Layer 5a.

#include "qnnx/kernel/x86/vectors_avx2.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// The instructions of one width. All stay within lanes of 16 bytes, where the pack undoes the unpacking.
template <class V>
struct digit_vectors;
template <>
struct digit_vectors<avx2_vectors> {
  using vec = __m256i;
  static constexpr int bytes = 32;
  static QNNX_INLINE vec all_bytes(std::int32_t x) { return _mm256_set1_epi8(static_cast<char>(x)); }
  static QNNX_INLINE vec all_halves(std::int64_t x) { return _mm256_set1_epi16(static_cast<short>(x)); }
  static QNNX_INLINE vec load(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
  static QNNX_INLINE void store(std::uint8_t* p, vec v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); }
  /// n < bytes of them.
  static QNNX_INLINE vec load(const std::uint8_t* p, std::int64_t n) {
    std::uint8_t few[bytes] = {};
    copy_few<bytes>(few, p, n);
    return load(few);
  }
  static QNNX_INLINE void store(std::uint8_t* p, vec v, std::int64_t n) {
    std::uint8_t few[bytes];
    store(few, v);
    copy_few<bytes>(p, few, n);
  }
  static QNNX_INLINE vec low_pairs(vec a, vec b) { return _mm256_unpacklo_epi8(a, b); }
  static QNNX_INLINE vec high_pairs(vec a, vec b) { return _mm256_unpackhi_epi8(a, b); }
  static QNNX_INLINE vec products(vec digits, vec pairs) { return _mm256_maddubs_epi16(digits, pairs); }
  static QNNX_INLINE vec add(vec a, vec b) { return _mm256_add_epi16(a, b); }
  static QNNX_INLINE vec add_saturated(vec a, vec b) { return _mm256_adds_epi16(a, b); }
  static QNNX_INLINE vec down7(vec a) { return _mm256_srai_epi16(a, 7); }
  /// Shifts by a number that is no constant, to the nearest: those by a count in a register take two of the pipe's turns.
  static constexpr bool rounds = true;
  static QNNX_INLINE vec counts(int n) { return all_halves(1 << (15 - n)); }
  static QNNX_INLINE vec down(vec a, vec n) { return _mm256_mulhrs_epi16(a, n); }
  static QNNX_INLINE vec pack(vec a, vec b) { return _mm256_packs_epi16(a, b); }
  static QNNX_INLINE vec pack_unsigned(vec a, vec b) { return _mm256_packus_epi16(a, b); }
  template <bool Signed>
  static QNNX_INLINE vec clamped(vec a, vec lo, vec hi) {
    return Signed ? _mm256_min_epi8(_mm256_max_epi8(a, lo), hi) : _mm256_min_epu8(_mm256_max_epu8(a, lo), hi);
  }
  static QNNX_INLINE vec flipped(vec a, vec bits) { return _mm256_xor_si256(a, bits); }
};
#if QNNX_HAS_AVX512VNNI
template <>
struct digit_vectors<avx512_vectors> {
  using vec = __m512i;
  static constexpr int bytes = 64;
  static QNNX_INLINE vec all_bytes(std::int32_t x) { return _mm512_set1_epi8(static_cast<char>(x)); }
  static QNNX_INLINE vec all_halves(std::int64_t x) { return _mm512_set1_epi16(static_cast<short>(x)); }
  static QNNX_INLINE vec load(const std::uint8_t* p) { return _mm512_loadu_si512(p); }
  static QNNX_INLINE void store(std::uint8_t* p, vec v) { _mm512_storeu_si512(p, v); }
  static QNNX_INLINE vec load(const std::uint8_t* p, std::int64_t n) { return _mm512_maskz_loadu_epi8(avx512_vectors::first_bytes(n), p); }
  static QNNX_INLINE void store(std::uint8_t* p, vec v, std::int64_t n) { _mm512_mask_storeu_epi8(p, avx512_vectors::first_bytes(n), v); }
  static QNNX_INLINE vec low_pairs(vec a, vec b) { return _mm512_unpacklo_epi8(a, b); }
  static QNNX_INLINE vec high_pairs(vec a, vec b) { return _mm512_unpackhi_epi8(a, b); }
  static QNNX_INLINE vec products(vec digits, vec pairs) { return _mm512_maddubs_epi16(digits, pairs); }
  static QNNX_INLINE vec add(vec a, vec b) { return _mm512_add_epi16(a, b); }
  static QNNX_INLINE vec add_saturated(vec a, vec b) { return _mm512_adds_epi16(a, b); }
  static QNNX_INLINE vec down7(vec a) { return _mm512_srai_epi16(a, 7); }
  static constexpr bool rounds = false;
  static QNNX_INLINE vec counts(int n) { return all_halves(n); }
  static QNNX_INLINE vec down(vec a, vec n) { return _mm512_srav_epi16(a, n); }
  static QNNX_INLINE vec pack(vec a, vec b) { return _mm512_packs_epi16(a, b); }
  static QNNX_INLINE vec pack_unsigned(vec a, vec b) { return _mm512_packus_epi16(a, b); }
  template <bool Signed>
  static QNNX_INLINE vec clamped(vec a, vec lo, vec hi) {
    return Signed ? _mm512_min_epi8(_mm512_max_epi8(a, lo), hi) : _mm512_min_epu8(_mm512_max_epu8(a, lo), hi);
  }
  static QNNX_INLINE vec flipped(vec a, vec bits) { return _mm512_xor_si512(a, bits); }
};
#endif

/// y = combine(a, b), a vector of bytes at a time; either operand may be one value.
template <class V, class Combine>
QNNX_INLINE void each_byte_vector(const std::uint8_t* a, bool fixed_a, const std::uint8_t* b, bool fixed_b, std::uint8_t* y, std::int64_t n,
                                  const Combine& combine) {
  using I = digit_vectors<V>;
  const auto all_a = I::all_bytes(*a);
  const auto all_b = I::all_bytes(*b);
  std::int64_t i = 0;
  if (!fixed_a && !fixed_b) {
    for (; i + I::bytes <= n; i += I::bytes) I::store(y + i, combine(I::load(a + i), I::load(b + i)));
  } else {
    for (; i + I::bytes <= n; i += I::bytes) I::store(y + i, combine(fixed_a ? all_a : I::load(a + i), fixed_b ? all_b : I::load(b + i)));
  }
  if (i == n) return;
  I::store(y + i, combine(fixed_a ? all_a : I::load(a + i, n - i), fixed_b ? all_b : I::load(b + i, n - i)), n - i);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
