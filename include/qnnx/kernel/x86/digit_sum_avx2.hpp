// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of two quantized 8-bit vectors (kernel/rescale.hpp, not TFLite's form) in 16-bit lanes, 32 results at once; the
// same bits. With a, b stored as signed bytes and the multipliers' 21 bits as three digits of 7, D_i = a m0_i + b m1_i
// fits 16 bits, and since floors nest
//   floor((a m0 + b m1 + c) / 2^s) = (D_2 + c_2 + ((D_1 + c_1 + ((D_0 + c_0) >> 7)) >> 7)) >> (s - 14)
// where c holds half, what the offsets give and the output's zero point. The last sum saturates, beyond the 8-bit range
// for s <= 22. rne differs from it in ties only: solved for b, tested for all a, and left to the general form. Layer 5a.

#include "qnnx/kernel/x86/vectors_avx2.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

class digit_sum {
 public:
  /// k: the constants of kernel/rescale.hpp; offsets of the operands, zero point of the result, its limits.
  digit_sum(const std::int32_t* k, bool is_signed, std::int32_t offset_a, std::int32_t offset_b, std::int32_t zero,
           std::int32_t lo, std::int32_t hi, bool subtract)
      : centre_(is_signed ? 0 : 128), shift_(k[6]), m0_(k[0]), m1_(k[2]) {
    const std::int32_t half_range = 1 << 21;
    fits_ = shift_ >= 15 && shift_ <= 22 && m0_ >= 0 && m1_ >= 0 && m0_ < half_range && m1_ < half_range;
    if (!fits_) return;
    // b' = -1 - b for a difference
    const std::int64_t from_b = subtract ? 1 - (offset_b + centre_) : offset_b + centre_;
    c_ = std::int64_t{m0_} * (offset_a + centre_) + m1_ * from_b + (std::int64_t{1} << (shift_ - 1)) +
         std::int64_t{zero - centre_} * (std::int64_t{1} << shift_);
    fits_ = c_ >= -(std::int64_t{1} << 29) && c_ < (std::int64_t{1} << 29);
    flip_a_ = _mm256_set1_epi8(static_cast<char>(centre_));
    flip_b_ = _mm256_set1_epi8(static_cast<char>(centre_ ^ (subtract ? 0xff : 0)));
    clamped_ = lo - centre_ > -128 || hi - centre_ < 127;
    lo_ = _mm256_set1_epi8(static_cast<char>(lo - centre_));
    hi_ = _mm256_set1_epi8(static_cast<char>(hi - centre_));
  }
  bool fits() const { return fits_; }
  /// Whether some pair of operands gives a tie.
  bool has_ties() const {
    const auto m0 = static_cast<std::uint32_t>(m0_);
    const auto m1 = static_cast<std::uint32_t>(m1_);
    const auto c = static_cast<std::uint32_t>(c_);
    int zeros = m1 == 0 ? shift_ : __builtin_ctz(m1);
    if (zeros > shift_) zeros = shift_;
    const std::uint32_t low = (1u << zeros) - 1;
    const std::uint32_t mask = (1u << (shift_ - zeros)) - 1;
    std::uint32_t odd = zeros == shift_ ? 1 : m1 >> zeros;
    std::uint32_t inverse = odd;  // modulo 2^3, doubled four times
    for (int i = 0; i < 4; ++i) inverse *= 2 - odd * inverse;
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < 256; ++i) {  // a = i - 128, b = j - 128: (a m0 + b m1 + c) mod 2^s is 0 for which j?
      const std::uint32_t t = 128 * (m0 + m1) - i * m0 - c;
      const std::uint32_t j = ((t & ((1u << shift_) - 1)) >> zeros) * inverse & mask;
      found |= static_cast<std::uint32_t>((t & low) == 0) & static_cast<std::uint32_t>(j <= 255);
    }
    return found != 0;
  }
  void row(const std::uint8_t* a, bool fixed_a, const std::uint8_t* b, bool fixed_b, std::uint8_t* y, std::int64_t n) const {
    if (clamped_) row_of<true>(a, fixed_a, b, fixed_b, y, n);
    else row_of<false>(a, fixed_a, b, fixed_b, y, n);
  }

 private:
  template <bool Clamped>
  void row_of(const std::uint8_t* a, bool fixed_a, const std::uint8_t* b, bool fixed_b, std::uint8_t* y, std::int64_t n) const {
    const __m256i all_a = _mm256_set1_epi8(static_cast<char>(*a));
    const __m256i all_b = _mm256_set1_epi8(static_cast<char>(*b));
    const lanes<Clamped> l(*this);
    const auto at = [](const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); };
    const auto put = [](std::uint8_t* p, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v); };
    std::int64_t i = 0;
    if (!fixed_a && !fixed_b) {
      for (; i + 32 <= n; i += 32) put(y + i, l.sum(at(a + i), at(b + i)));
    } else {
      for (; i + 32 <= n; i += 32) put(y + i, l.sum(fixed_a ? all_a : at(a + i), fixed_b ? all_b : at(b + i)));
    }
    if (i == n) return;
    std::uint8_t few_a[32] = {};
    std::uint8_t few_b[32] = {};
    if (!fixed_a) copy_few<32>(few_a, a + i, n - i);
    if (!fixed_b) copy_few<32>(few_b, b + i, n - i);
    std::uint8_t few[32];
    put(few, l.sum(fixed_a ? all_a : at(few_a), fixed_b ? all_b : at(few_b)));
    copy_few<32>(y + i, few, n - i);
  }

  /// The constants in registers. Clamped: to less than the type's range, which the last pack cuts to.
  template <bool Clamped>
  struct lanes {
    __m256i digit[3], c[3], flip_a, flip_b, flip_y, lo, hi;
    __m128i shift;
    explicit lanes(const digit_sum& s)
        : flip_a(s.flip_a_), flip_b(s.flip_b_), flip_y(s.flip_a_), lo(s.lo_), hi(s.hi_), shift(_mm_cvtsi32_si128(s.shift_ - 14)) {
      for (int i = 0; i < 3; ++i) {
        const int two = ((s.m0_ >> (7 * i)) & 127) | ((s.m1_ >> (7 * i)) & 127) << 8;
        digit[i] = _mm256_set1_epi16(static_cast<short>(two));
        c[i] = _mm256_set1_epi16(static_cast<short>(i == 2 ? s.c_ >> 14 : (s.c_ >> (7 * i)) & 127));
      }
    }
    /// 16 results of interleaved pairs.
    QNNX_INLINE __m256i half(__m256i pairs) const {
      const __m256i d0 = _mm256_add_epi16(_mm256_maddubs_epi16(digit[0], pairs), c[0]);
      const __m256i d1 = _mm256_add_epi16(_mm256_maddubs_epi16(digit[1], pairs), c[1]);
      const __m256i d2 = _mm256_maddubs_epi16(digit[2], pairs);
      const __m256i e = _mm256_add_epi16(d1, _mm256_srai_epi16(d0, 7));
      return _mm256_sra_epi16(_mm256_adds_epi16(_mm256_add_epi16(d2, _mm256_srai_epi16(e, 7)), c[2]), shift);
    }
    QNNX_INLINE __m256i sum(__m256i a, __m256i b) const {
      a = _mm256_xor_si256(a, flip_a);
      b = _mm256_xor_si256(b, flip_b);
      __m256i q = _mm256_packs_epi16(half(_mm256_unpacklo_epi8(a, b)), half(_mm256_unpackhi_epi8(a, b)));
      if (Clamped) q = _mm256_min_epi8(_mm256_max_epi8(q, lo), hi);
      return _mm256_xor_si256(q, flip_y);
    }
  };
  bool fits_ = false;
  bool clamped_ = false;
  std::int32_t centre_, shift_, m0_, m1_;
  std::int64_t c_ = 0;
  __m256i flip_a_{}, flip_b_{}, lo_{}, hi_{};
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
