// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of two quantized 8-bit vectors (kernel/rescale.hpp, not TFLite's form) in 16-bit lanes, 32 or 64 results at once;
// the same bits. The multipliers' 21 bits are three digits, cut where the data need not be changed (digit_plan.hpp); where
// no such cut exists a, b are stored as signed bytes and the digits have 7 bits: D_i = a m0_i + b m1_i fits 16 bits, and
//   floor((a m0 + b m1 + c) / 2^s) = (D_2 + c_2 + ((D_1 + c_1 + ((D_0 + c_0) >> 7)) >> 7)) >> (s - 14)
// where c holds half, what the offsets give and the output's zero point. The last sum saturates, beyond the 8-bit range
// for s <= 22. rne differs from it in ties only: solved for b, tested for all a, and left to the general form. Layer 5a.

#include "qnnx/kernel/x86/digit_plan.hpp"
#include "qnnx/kernel/x86/digit_vectors.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V, bool Signed>
class digit_sum {
  using I = digit_vectors<V>;
  using vec = typename I::vec;
  static constexpr std::int32_t centre = Signed ? 0 : 128;

 public:
  /// k: the constants of kernel/rescale.hpp; offsets of the operands, zero point of the result, its limits.
  digit_sum(const std::int32_t* k, std::int32_t offset_a, std::int32_t offset_b, std::int32_t zero, std::int32_t lo,
            std::int32_t hi, bool subtract)
      : shift_(k[6]), m0_(k[0]), m1_(k[2]), lo_(lo), hi_(hi), subtract_(subtract) {
    const std::int32_t half_range = 1 << 21;
    fits_ = shift_ >= 15 && shift_ <= 22 && m0_ >= 0 && m1_ >= 0 && m0_ < half_range && m1_ < half_range;
    if (!fits_) return;
    // b' = -1 - b for a difference
    const std::int64_t from_b = subtract ? 1 - (offset_b + centre) : offset_b + centre;
    c_ = std::int64_t{m0_} * (offset_a + centre) + m1_ * from_b + (std::int64_t{1} << (shift_ - 1)) +
         std::int64_t{zero - centre} * (std::int64_t{1} << shift_);
    // general: its highest digits, less half where shifts round, are 16 bits
    fits_ = c_ >= -(std::int64_t{1} << 29) + (I::rounds ? std::int64_t{1} << (shift_ - 1) : 0) && c_ < (std::int64_t{1} << 29);
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
  /// Every row of each_rows(row), row(a, fixed_a, b, fixed_b, y, n).
  template <class EachRow>
  void rows(const EachRow& each_rows) const {
    if (Signed && subtract_) return rows_of(general(*this), each_rows);  // unsigned digits have no sign for it
    // a sum of the data as it lies: c_ is that of the values less the centre
    const std::int64_t c = c_ + centre * (std::int64_t{1} << shift_) - std::int64_t{centre} * m0_ +
                           (subtract_ ? std::int64_t{centre - 1} : -std::int64_t{centre}) * m1_;
    const digit_plan plan(m0_, subtract_ ? -m1_ : m1_, c, shift_, Signed, I::rounds);
    constexpr std::int32_t least = Signed ? -128 : 0;
    if (!plan.found) rows_of(general(*this), each_rows);
    else if (lo_ > least || hi_ < least + 255) rows_of(planned<true>(plan, lo_, hi_), each_rows);
    else rows_of(planned<false>(plan, lo_, hi_), each_rows);
  }

 private:
  template <class Sum, class EachRow>
  static void rows_of(const Sum& sum, const EachRow& each_rows) {
    each_rows([&](const std::uint8_t* a, bool fixed_a, const std::uint8_t* b, bool fixed_b, std::uint8_t* y, std::int64_t n) {
      const Sum s = sum;  // its constants in registers, whatever y points to
      each_byte_vector<V>(a, fixed_a, b, fixed_b, y, n, [&](vec p, vec q) { return s(p, q); });
    });
  }
  static vec two_digits(std::int32_t of_a, std::int32_t of_b) { return I::all_halves((of_a & 255) | (of_b & 255) << 8); }

  /// The data as it lies. Clamped: to less than the type's range, which the pack cuts to.
  template <bool Clamped>
  struct planned {
    vec digit[3], low, high, down[3], lo, hi;
    planned(const digit_plan& p, std::int32_t least, std::int32_t most)
        : low(I::all_halves(p.low)), high(I::all_halves(p.high)), lo(I::all_bytes(least)), hi(I::all_bytes(most)) {
      for (int i = 0; i < 3; ++i) {
        digit[i] = two_digits(p.digit[i][0], p.digit[i][1]);
        down[i] = I::counts(p.down[i]);
      }
    }
    QNNX_INLINE vec products(int i, vec pairs) const {
      return Signed ? I::products(digit[i], pairs) : I::products(pairs, digit[i]);  // unsigned by signed
    }
    /// The results of one half of interleaved pairs.
    QNNX_INLINE vec half(vec pairs) const {
      const vec e0 = I::down(I::add(products(0, pairs), low), down[0]);
      const vec e1 = I::down(I::add(products(1, pairs), e0), down[1]);
      return I::down(I::add_saturated(I::add(products(2, pairs), e1), high), down[2]);
    }
    QNNX_INLINE vec operator()(vec a, vec b) const {
      const vec p = half(I::low_pairs(a, b));
      const vec q = half(I::high_pairs(a, b));
      const vec y = Signed ? I::pack(p, q) : I::pack_unsigned(p, q);
      return Clamped ? I::template clamped<Signed>(y, lo, hi) : y;
    }
  };

  /// Digits of 7 bits, for all multipliers.
  struct general {
    vec digit[3], c[3], flip_a, flip_b, lo, hi, shift;
    explicit general(const digit_sum& s)
        : flip_a(I::all_bytes(centre)), flip_b(I::all_bytes(centre ^ (s.subtract_ ? 0xff : 0))), lo(I::all_bytes(s.lo_ - centre)),
          hi(I::all_bytes(s.hi_ - centre)), shift(I::counts(s.shift_ - 14)) {
      for (int i = 0; i < 3; ++i) {
        digit[i] = two_digits((s.m0_ >> (7 * i)) & 127, (s.m1_ >> (7 * i)) & 127);
        const std::int64_t half = I::rounds ? std::int64_t{1} << (s.shift_ - 15) : 0;
        c[i] = I::all_halves(i == 2 ? (s.c_ >> 14) - half : (s.c_ >> (7 * i)) & 127);
      }
    }
    QNNX_INLINE vec half(vec pairs) const {
      const vec d0 = I::add(I::products(digit[0], pairs), c[0]);
      const vec d1 = I::add(I::products(digit[1], pairs), c[1]);
      const vec d2 = I::products(digit[2], pairs);
      const vec e = I::add(d1, I::down7(d0));
      return I::down(I::add_saturated(I::add(d2, I::down7(e)), c[2]), shift);
    }
    QNNX_INLINE vec operator()(vec a, vec b) const {
      a = I::flipped(a, flip_a);
      b = I::flipped(b, flip_b);
      const vec q = I::pack(half(I::low_pairs(a, b)), half(I::high_pairs(a, b)));
      return I::flipped(I::template clamped<true>(q, lo, hi), flip_a);
    }
  };
  bool fits_ = false;
  std::int32_t shift_, m0_, m1_, lo_, hi_;
  bool subtract_;
  std::int64_t c_ = 0;
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
