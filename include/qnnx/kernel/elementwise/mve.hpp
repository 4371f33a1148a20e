// SPDX-License-Identifier: Apache-2.0
#pragma once
// The element-wise kernels of pairs (elementwise/armv7em_dsp.hpp, armv7em_dsp_binary.hpp) with Helium, four elements at a
// time, and functions of 8 bits by their table, sixteen at a time. ElementWiseAdd and -Subtract of 16 bits: under tflite.
// Layer 5a.

#include "qnnx/kernel/arm/mve_lanes.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp_mixed.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp_table.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {

struct four_by_four {
  template <class B>
  static QNNX_INLINE four plus(four a, B b) { return mve::plus(a, b); }
  static QNNX_INLINE four times(four a, four b) { return mve::times(a, b); }
  static QNNX_INLINE four larger(four a, four b) { return mve::larger(a, b); }
  static QNNX_INLINE four smaller(four a, four b) { return mve::smaller(a, b); }
  template <bool Wide>
  static QNNX_INLINE scaler<Wide> scaled(const dsp::scaler<Wide>& s, std::int32_t zero) { return {s, zero}; }
  template <class T, class F>
  static QNNX_INLINE void with_bounds(const dsp::bounder<T>& b, F&& f) { f(bounder<T>(b)); }

  template <class T, class F>
  static QNNX_INLINE void each(const pair_walk& w, const T* a, const T* b, T* to, F&& f) {
    if (needs<code_part::one_shape> && (!needs<code_part::repeated> || w.one_shape())) {
      row<1, 1>(w.inner, a, b, to, f);
    } else if constexpr (needs<code_part::repeated>) {
      for (std::int32_t k = w.outer; k > 0; --k, to += w.inner) {
        if (w.a.step == 0) row<0, 1>(w.inner, a, b, to, f);
        else if (w.b.step == 0) row<1, 0>(w.inner, a, b, to, f);
        else row<1, 1>(w.inner, a, b, to, f);
        a += w.a.step * w.inner + w.a.jump;
        b += w.b.step * w.inner + w.b.jump;
      }
    }
  }

 private:
  template <int StepA, int StepB, class T, class F>
  static QNNX_INLINE void row(std::int32_t n, const T* a, const T* b, T* to, F&& f) {
    const four all_a = splat(*a), all_b = splat(*b);
    for (; n >= 4; n -= 4, a += 4 * StepA, b += 4 * StepB, to += 4) store(to, f(StepA ? load(a) : all_a, StepB ? load(b) : all_b));
    if (n > 0) store(to, f(StepA ? load(a, n) : all_a, StepB ? load(b, n) : all_b), n);
  }
};

/// divide_by_power(doubling_high_mul(x << Left, m), right).
template <int Left>
struct scaled_operand {
  std::int32_t factor, right, sign;
  explicit scaled_operand(const std::int32_t* k) : factor(k[0]), right(k[1]), sign(k[1] < 0 ? -1 : 0) {}
  QNNX_INLINE four operator()(four x) const {
    return rounded(plus(doubled_high(shifted(x, Left), factor), both(signs(x), splat(sign))), right);
  }
};
/// TFLite's sum of two operands.
template <int Left, std::int32_t Sign, class F>
QNNX_INLINE void with_tflite_sum(const std::int32_t* k, std::int32_t zero, F&& f) {
  const scaled_operand<Left> fa(k), fb(k + 2);
  f([=](four x, four z) {
    const four sum = Sign > 0 ? plus(fa(x), fb(z)) : minus(fa(x), fb(z));
    return plus(rounded(plus(doubled_high(sum, k[4]), signs(sum)), k[5]), zero);
  });
}

template <class Op>
struct sum_of_bytes : dsp::sum_kernel<Op, sum_of_bytes<Op>, four_by_four> {
  template <class Sig>
  static constexpr bool supports = dsp::is_pair_of_bytes<Sig>;

  template <class Rounding>
  static constexpr bool words_fit(dtype t, const std::int32_t* k, std::int32_t oa, std::int32_t ob, std::int32_t oy, Rounding r) {
    return dsp::sum_of_bytes<Op>::words_fit(t, k, oa, ob, oy, r);
  }
  template <class Rounding, class F>
  static QNNX_INLINE void with_sum(const std::int32_t* k, std::int32_t zero, Rounding r, F&& f) {
    if (r.mode() == rounding_mode::tflite) return with_tflite_sum<20, sum_of_bytes::sign>(k, zero, f);
    const std::int32_t ka = k[0], kb = sum_of_bytes::sign * k[2], shift = k[6];
    const bool to_even = r.mode() == rounding_mode::rne;
    f([=](four x, four z) {
      const four sum = plus(times(x, ka), times(z, kb));
      if (!to_even) return plus(rounded(sum, -shift), zero);
      const four odd = both(shifted(sum, -shift), splat(1));
      return plus(shifted(plus(plus(sum, (1 << (shift - 1)) - 1), odd), -shift), zero);
    });
  }
};

/// Under tflite; other policies run the kernel of armv7em_dsp.
template <class Op>
struct sum_of_halves : dsp::sum_kernel<Op, sum_of_halves<Op>, four_by_four> {
  using base = dsp::sum_kernel<Op, sum_of_halves<Op>, four_by_four>;
  using parent = dsp::sum_of_halves<Op>;
  template <class Sig>
  static constexpr bool supports = dsp::is_pair_of_halves<Sig>;

  template <class Rounding>
  static constexpr bool words_fit(dtype t, const std::int32_t* k, std::int32_t oa, std::int32_t ob, std::int32_t oy, Rounding r) {
    return parent::words_fit(t, k, oa, ob, oy, r);
  }
  template <class Rounding, class F>
  static QNNX_INLINE void with_sum(const std::int32_t* k, std::int32_t zero, Rounding, F&& f) {
    with_tflite_sum<15, sum_of_halves::sign>(k, zero, f);
  }
  template <class Call>
  static void run(const Call& c) {
    if (c.rounding().mode() == rounding_mode::tflite) base::run(c);
    else parent::run(c);
  }
};

/// Sixteen bytes are looked up at once.
struct byte_tables {
  template <bool Signed>
  static QNNX_INLINE void run(const std::uint8_t* table, const std::uint8_t* x, std::uint8_t* y, std::int32_t n) {
#if QNNX_HAS_MVE_INSTRUCTIONS
    const uint8x16_t turn = vdupq_n_u8(Signed ? 0x80 : 0);
    for (; n >= 16; n -= 16, x += 16, y += 16) vst1q_u8(y, vldrbq_gather_offset_u8(table, Signed ? veorq_u8(vld1q_u8(x), turn) : vld1q_u8(x)));
    if (n <= 0) return;
    const mve_pred16_t p = vctp8q(static_cast<std::uint32_t>(n));
    vstrbq_p_u8(y, vldrbq_gather_offset_z_u8(table, veorq_u8(vldrbq_z_u8(x, p), turn), p), p);
#else
    for (std::int32_t i = 0; i < n; ++i) y[i] = table[x[i] ^ (Signed ? 0x80u : 0u)];
#endif
  }
};

}  // namespace mve

template <>
struct impl<op::elementwise_add, isa::mve> : mve::sum_of_bytes<op::elementwise_add> {};
template <>
struct impl<op::elementwise_subtract, isa::mve> : mve::sum_of_bytes<op::elementwise_subtract> {};
template <>
struct impl<op::elementwise_add, isa::mve_mixed> : mve::sum_of_halves<op::elementwise_add> {};
template <>
struct impl<op::elementwise_subtract, isa::mve_mixed> : mve::sum_of_halves<op::elementwise_subtract> {};
template <>
struct impl<op::elementwise_multiply, isa::mve> : dsp::pair_kernel<op::elementwise_multiply, mve::four_by_four> {};
template <>
struct impl<op::elementwise_maximum, isa::mve> : dsp::pair_kernel<op::elementwise_maximum, mve::four_by_four> {};
template <>
struct impl<op::elementwise_minimum, isa::mve> : dsp::pair_kernel<op::elementwise_minimum, mve::four_by_four> {};
template <class Op>
  requires neuron_op<Op> || unary_op<Op>
struct impl<Op, isa::mve> : dsp::table_kernel<Op, mve::byte_tables> {};
template <>
struct impl<op::lookup, isa::mve> : dsp::lookup_kernel<mve::byte_tables> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
