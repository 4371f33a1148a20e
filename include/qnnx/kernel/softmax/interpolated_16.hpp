// SPDX-License-Identifier: Apache-2.0
#pragma once
// TFLite's 16-bit softmax (softmax/tflite_16.hpp) with its multiplier in constants, so that no float is left. A row's
// exponentials, 15 bits each, stand in the output until their sum is known. With the scaled distance u in [0, 65535],
//   e = (E[u / 128] (128 - r) + E[u / 128 + 1] r + 64) >> 7, r = u mod 128
// Layer 5a.

#include "qnnx/kernel/activation/interpolated_16.hpp"
#include "qnnx/kernel/arm/scaler.hpp"
#include "qnnx/kernel/softmax/reference.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// The three passes over a row of n elements, `step` apart, one number at a time.
struct row_of_halves {
  static QNNX_INLINE std::int32_t top(const std::int16_t* x, std::ptrdiff_t n, std::ptrdiff_t step) {
    std::int32_t top = x[0];
    for (std::ptrdiff_t k = step; k < n; k += step) top = x[k] > top ? x[k] : top;
    return top;
  }
  /// Writes exponentials and gives their sum.
  static QNNX_INLINE word exponentials(const std::int16_t* x, std::int16_t* y, std::ptrdiff_t n, std::ptrdiff_t step,
                                       std::int32_t top, const scaler<true>& distance) {
    const std::int16_t* table = tflite::softmax_tables<>::exponential.data();
    word sum = 0;
    for (std::ptrdiff_t k = 0; k < n; k += step) {
      std::int32_t u = distance(x[k] - top, rounding::tflite{});
      u = u < 0 ? 0 : u;
      const std::int32_t e = between<7>(table + (u >> 7), u & 127, 64) >> 7;
      sum += static_cast<word>(e);
      y[k] = static_cast<std::int16_t>(e);
    }
    return sum;
  }
  static QNNX_INLINE void divide(std::int16_t* y, std::ptrdiff_t n, std::ptrdiff_t step, const tflite::softmax_scale_16& by) {
    const std::int32_t factor = by.reciprocal, shift = by.shift, half = 1 << (shift - 1);
    for (std::ptrdiff_t k = 0; k < n; k += step) y[k] = static_cast<std::int16_t>(saturate16<true>((y[k] * factor + half) >> shift));
  }
};

struct interpolated_softmax : answers_as<op::softmax> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::s16(types::s16)>;

  static constexpr bool is_tflite(dtype t, const quant& y, rounding_mode r) {
    return r == rounding_mode::tflite && t == dtype::sfixed_16 && y.offset == 0 && y.scale == 1.0f / 32768;
  }
  /// A distance of at most 65535 below the row's largest becomes 65535 less what it scales to.
  static constexpr scaler<true> distances(const std::int32_t* k) {
    return {multiplier{k[0], k[1]}, 65535, 65536, rounding::tflite{}};
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return is_tflite(f.c.out(0).type, f.out[0], f.rounding) ? 2 : 0;
  }
  /// The multiplier to 10/65535 a step.
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding, std::int32_t* out) {
    if (constant_words(f, p) == 0) return;
    const multiplier m = split_q31(static_cast<double>(f.in[0].scale * p.beta) / (10.0 / 65535.0));
    out[0] = m.mantissa;
    out[1] = m.exponent;
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    std::int32_t k[2] = {};
    prepare(f, p, rounding::tflite{}, k);
    return distances(k).fits;
  }

  template <class Row = row_of_halves, class Call>
  static void run(const Call& c) {
    const scaler<true> distance = distances(c.constants());
    if constexpr (!config::embedded_packed)
      if (!distance.fits) return reference::run(c);
    const std::int16_t* x = c.template in<0>().data;
    std::int16_t* y = c.out().data;
    const axis_rows rows(c.template in<0>(), op::along_axis::resolved(c.params(), c.s.inputs[0].dims.rank()));
    const std::ptrdiff_t n = rows.count * rows.stride, step = rows.stride;
    rows.each([&](std::ptrdiff_t base) {
      const std::int32_t top = Row::top(x + base, n, step);
      const word sum = Row::exponentials(x + base, y + base, n, step, top, distance);
      Row::divide(y + base, n, step, tflite::softmax_scale_16(static_cast<std::int32_t>(sum)));
    });
  }
};

}  // namespace dsp

#if QNNX_HAS_DSP_KERNELS
template <>
struct impl<op::softmax, isa::armv7em_dsp_general> : dsp::interpolated_softmax {};
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel
