// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of two quantized 8-bit vectors under rne, 32 or 64 results at once, the reference's bits:
//   q = clamp(zero + round((a + oa) (b + ob) M), lo, hi)
// Values with their offsets are 16-bit words within [-510, 510], so a product is two halves of 16 bits that the unpacking
// of words puts together (18 bits are exact as a float), and one fused multiply-add with 1.5 * 2^23 rounds it: below 2^22
// for M < 16. Saturating packs then do what remains of the clamp to the type. Unpacking and packing stay within lanes of 16
// bytes, so the order is that of the data. Layer 5a.

#include "qnnx/kernel/x86/digit_vectors.hpp"
#include "qnnx/kernel/x86/requantize.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// The instructions of one width.
template <class V>
struct product_vectors;
template <>
struct product_vectors<avx2_vectors> : digit_vectors<avx2_vectors> {
  using reals = __m256;
  static QNNX_INLINE reals all_reals(float x) { return _mm256_set1_ps(x); }
  static QNNX_INLINE vec product_low(vec a, vec b) { return _mm256_mullo_epi16(a, b); }
  static QNNX_INLINE vec product_high(vec a, vec b) { return _mm256_mulhi_epi16(a, b); }
  static QNNX_INLINE vec low_halves(vec a, vec b) { return _mm256_unpacklo_epi16(a, b); }
  static QNNX_INLINE vec high_halves(vec a, vec b) { return _mm256_unpackhi_epi16(a, b); }
  /// round(p m), |p m| < 2^22.
  static QNNX_INLINE vec scaled(vec p, reals m) {
    const reals magic = _mm256_set1_ps(12582912.0f);
    return _mm256_sub_epi32(_mm256_castps_si256(_mm256_fmadd_ps(_mm256_cvtepi32_ps(p), m, magic)), _mm256_castps_si256(magic));
  }
  static QNNX_INLINE vec pack_words(vec a, vec b) { return _mm256_packs_epi32(a, b); }
};
#if QNNX_HAS_AVX512VNNI
template <>
struct product_vectors<avx512_vectors> : digit_vectors<avx512_vectors> {
  using reals = __m512;
  static QNNX_INLINE reals all_reals(float x) { return _mm512_set1_ps(x); }
  static QNNX_INLINE vec product_low(vec a, vec b) { return _mm512_mullo_epi16(a, b); }
  static QNNX_INLINE vec product_high(vec a, vec b) { return _mm512_mulhi_epi16(a, b); }
  static QNNX_INLINE vec low_halves(vec a, vec b) { return _mm512_unpacklo_epi16(a, b); }
  static QNNX_INLINE vec high_halves(vec a, vec b) { return _mm512_unpackhi_epi16(a, b); }
  static QNNX_INLINE vec scaled(vec p, reals m) {
    const reals magic = _mm512_set1_ps(12582912.0f);
    return _mm512_sub_epi32(_mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(p), m, magic)), _mm512_castps_si512(magic));
  }
  static QNNX_INLINE vec pack_words(vec a, vec b) { return _mm512_packs_epi32(a, b); }
};
#endif

/// Signed: of the data and the result.
template <class V, bool Signed>
class byte_products {
  using I = product_vectors<V>;
  using vec = typename I::vec;

 public:
  /// Whether the scaled product stays below 2^22.
  static bool fits(const vector_multiplier& m, std::int32_t offset_a, std::int32_t offset_b) {
    const auto near = [](std::int32_t offset) { return offset >= -255 && offset <= 255; };
    return m.rne_fits && m.factor < 16.0f && near(offset_a) && near(offset_b);
  }

  byte_products(const vector_multiplier& m, std::int32_t offset_a, std::int32_t offset_b, std::int32_t zero, std::int32_t lo, std::int32_t hi)
      : factor_(I::all_reals(m.factor)),
        offset_a_(I::all_halves(offset_a - centre)),
        offset_b_(I::all_halves(offset_b - centre)),
        zero_(I::all_halves(zero)),
        lo_(I::all_bytes(lo)),
        hi_(I::all_bytes(hi)),
        clamped_(lo > (Signed ? -128 : 0) || hi < (Signed ? 127 : 255)) {}

  void row(const std::uint8_t* a, bool fixed_a, const std::uint8_t* b, bool fixed_b, std::uint8_t* y, std::int64_t n) const {
    if (clamped_) each_byte_vector<V>(a, fixed_a, b, fixed_b, y, n, [&](vec p, vec q) {
      const vec r = product(p, q);
      return I::template clamped<Signed>(r, lo_, hi_);
    });
    else each_byte_vector<V>(a, fixed_a, b, fixed_b, y, n, [&](vec p, vec q) { return product(p, q); });
  }

 private:
  static constexpr std::int32_t centre = Signed ? 128 : 0;  // signed bytes are read as x + 128

  QNNX_INLINE vec half(vec a, vec b) const {
    a = I::add(a, offset_a_);
    b = I::add(b, offset_b_);
    const vec low = I::product_low(a, b), high = I::product_high(a, b);
    return I::add_saturated(I::pack_words(I::scaled(I::low_halves(low, high), factor_), I::scaled(I::high_halves(low, high), factor_)), zero_);
  }
  QNNX_INLINE vec product(vec a, vec b) const {
    const vec nothing = I::all_bytes(0);
    if (Signed) {
      const vec flip = I::all_bytes(0x80);
      a = I::flipped(a, flip);
      b = I::flipped(b, flip);
    }
    const vec first = half(I::low_pairs(a, nothing), I::low_pairs(b, nothing));
    const vec second = half(I::high_pairs(a, nothing), I::high_pairs(b, nothing));
    return Signed ? I::pack(first, second) : I::pack_unsigned(first, second);
  }

  typename I::reals factor_;
  vec offset_a_, offset_b_, zero_, lo_, hi_;
  bool clamped_;
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
