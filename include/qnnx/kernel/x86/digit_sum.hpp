// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of two quantized 8-bit vectors (kernel/rescale.hpp, not TFLite's form) in 16-bit lanes, 32 or 64 results at once;
// the same bits. With a, b stored as signed bytes and the multipliers' 21 bits as three digits of 7, D_i = a m0_i + b m1_i
// fits 16 bits, and since floors nest
//   floor((a m0 + b m1 + c) / 2^s) = (D_2 + c_2 + ((D_1 + c_1 + ((D_0 + c_0) >> 7)) >> 7)) >> (s - 14)
// where c holds half, what the offsets give and the output's zero point. The last sum saturates, beyond the 8-bit range
// for s <= 22. rne differs from it in ties only: solved for b, tested for all a, and left to the general form. Layer 5a.

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
  static QNNX_INLINE vec down(vec a, __m128i n) { return _mm256_sra_epi16(a, n); }
  static QNNX_INLINE vec pack(vec a, vec b) { return _mm256_packs_epi16(a, b); }
  static QNNX_INLINE vec clamped(vec a, vec lo, vec hi) { return _mm256_min_epi8(_mm256_max_epi8(a, lo), hi); }
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
  static QNNX_INLINE vec down(vec a, __m128i n) { return _mm512_sra_epi16(a, n); }
  static QNNX_INLINE vec pack(vec a, vec b) { return _mm512_packs_epi16(a, b); }
  static QNNX_INLINE vec clamped(vec a, vec lo, vec hi) { return _mm512_min_epi8(_mm512_max_epi8(a, lo), hi); }
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

template <class V>
class digit_sum {
  using I = digit_vectors<V>;
  using vec = typename I::vec;

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
    flip_a_ = I::all_bytes(centre_);
    flip_b_ = I::all_bytes(centre_ ^ (subtract ? 0xff : 0));
    clamped_ = lo - centre_ > -128 || hi - centre_ < 127;
    lo_ = I::all_bytes(lo - centre_);
    hi_ = I::all_bytes(hi - centre_);
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
    const lanes<Clamped> l(*this);
    each_byte_vector<V>(a, fixed_a, b, fixed_b, y, n, [&](vec p, vec q) { return l.sum(p, q); });
  }

  /// The constants in registers. Clamped: to less than the type's range, which the last pack cuts to.
  template <bool Clamped>
  struct lanes {
    vec digit[3], c[3], flip_a, flip_b, flip_y, lo, hi;
    __m128i shift;
    explicit lanes(const digit_sum& s)
        : flip_a(s.flip_a_), flip_b(s.flip_b_), flip_y(s.flip_a_), lo(s.lo_), hi(s.hi_), shift(_mm_cvtsi32_si128(s.shift_ - 14)) {
      for (int i = 0; i < 3; ++i) {
        const int two = ((s.m0_ >> (7 * i)) & 127) | ((s.m1_ >> (7 * i)) & 127) << 8;
        digit[i] = I::all_halves(two);
        c[i] = I::all_halves(i == 2 ? s.c_ >> 14 : (s.c_ >> (7 * i)) & 127);
      }
    }
    /// The results of one half of interleaved pairs.
    QNNX_INLINE vec half(vec pairs) const {
      const vec d0 = I::add(I::products(digit[0], pairs), c[0]);
      const vec d1 = I::add(I::products(digit[1], pairs), c[1]);
      const vec d2 = I::products(digit[2], pairs);
      const vec e = I::add(d1, I::down7(d0));
      return I::down(I::add_saturated(I::add(d2, I::down7(e)), c[2]), shift);
    }
    QNNX_INLINE vec sum(vec a, vec b) const {
      a = I::flipped(a, flip_a);
      b = I::flipped(b, flip_b);
      vec q = I::pack(half(I::low_pairs(a, b)), half(I::high_pairs(a, b)));
      if (Clamped) q = I::clamped(q, lo, hi);
      return I::flipped(q, flip_y);
    }
  };
  bool fits_ = false;
  bool clamped_ = false;
  std::int32_t centre_, shift_, m0_, m1_;
  std::int64_t c_ = 0;
  vec flip_a_{}, flip_b_{}, lo_{}, hi_{};
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
