// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of Softmax and LogSoftmax.
//   float     max-subtraction form in double, summed in index order, one rounding at the end
//   8 bit     rne: T[d] = round(exp(-beta * scale * d) * 2^30), q = zero + round(T[max - x] / (sum T * scale_out));
//             tflite: the fixed-point definition of TFLite's reference kernel (Softmax only)
//   16 bit, LogSoftmax: the formula in double, rounded once by the model's policy; tflite softmax of signed data with
//             symmetric encodings: TFLite's interpolated tables
// Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/kernel/softmax/tflite.hpp"
#include "qnnx/kernel/softmax/tflite_16.hpp"
#include "qnnx/numeric/math.hpp"
#include "qnnx/op/softmax.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// The rows along an axis: element k of row (outer, inner) stands at base + k * stride.
struct axis_rows {
  std::ptrdiff_t outer = 1;  // what fits memory, for code on 32-bit machines
  std::ptrdiff_t count = 1;
  std::ptrdiff_t stride = 1;

  template <class View>
  axis_rows(const View& x, int axis) {
    for (int i = 0; i < x.rank(); ++i) {
      if (i < axis) outer *= x.extent(i);
      else if (i == axis) count = x.extent(i);
      else stride *= x.extent(i);
    }
  }
  template <class F>
  void each(F&& f) const {
    for (std::ptrdiff_t o = 0; o < outer; ++o)
      for (std::ptrdiff_t i = 0; i < stride; ++i) f(o * count * stride + i);
  }
};

/// Each row is read whole before it is written; along the last axis a lower output address is safe too.
constexpr std::int64_t softmax_overlap(const node_facts& f, const op::softmax_params& p, int input) {
  const int rank = f.c.dims(0).rank();
  return op::along_axis::resolved(p, rank) == rank - 1 ? elementwise_overlap(f.c, input) : -1;
}

template <class Call>
void softmax_real(const Call& c, bool logarithm) {
  const auto x = c.template in<0>();
  const auto y = c.out();
  using T = typename Call::out_type;
  const double beta = static_cast<double>(c.params().beta);
  const axis_rows rows(x, op::along_axis::resolved(c.params(), x.rank()));
  rows.each([&](std::int64_t base) {
    double top = x.real(base);
    for (std::int64_t k = 1; k < rows.count; ++k)
      if (const double v = x.real(base + k * rows.stride); v > top) top = v;
    double sum = 0;
    for (std::int64_t k = 0; k < rows.count; ++k) sum += math::exp((x.real(base + k * rows.stride) - top) * beta);
    const double log_sum = logarithm ? math::log(sum) : 0.0;
    for (std::int64_t k = 0; k < rows.count; ++k) {
      const std::int64_t i = base + k * rows.stride;
      const double d = (x.real(i) - top) * beta;
      const double r = logarithm ? d - log_sum : math::exp(d) / sum;
      if constexpr (is_fixed_v<T>) {
        const std::int64_t q = round_real(r / static_cast<double>(y.scale()), c.rounding()) - y.offset();
        y.store(i, clamp<std::int64_t>(q, min_value(T::code), max_value(T::code)));
      } else {
        y.store(i, static_cast<float>(r));
      }
    }
  });
}

template <>
struct impl<op::softmax, isa::reference> {
  using params = op::softmax_params;

  static constexpr bool by_table(const node_facts& f) { return is_fixed(f.c.out(0).type) && bits_of(f.c.out(0).type) == 8; }
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return !by_table(f) ? 0 : f.rounding == rounding_mode::tflite ? 3 : 256;
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (!by_table(f)) return;
    const double step = static_cast<double>(p.beta) * static_cast<double>(f.in[0].scale);
    if (r.mode() == rounding_mode::tflite) {
      double real = step * 67108864.0;  // 2^(31 - 5)
      if (real > 2147483647.0) real = 2147483647.0;
      const multiplier m = split_q31(real);
      out[0] = m.mantissa;
      out[1] = m.exponent;
      const double radius = 31.0 * 67108864.0 / static_cast<double>(std::int64_t{1} << (m.exponent > 0 ? m.exponent : 0));
      out[2] = static_cast<std::int32_t>(-math::floor(radius < 2147483647.0 ? radius : 2147483647.0));
      return;
    }
    for (int d = 0; d < 256; ++d) out[d] = static_cast<std::int32_t>(round_rne(math::exp(-step * d) * 1073741824.0));
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) { return softmax_overlap(f, p, input); }
  static constexpr int independent_dims(const node_facts& f, const params& p) { return op::along_axis::resolved(p, f.c.dims(0).rank()); }

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    if constexpr (is_fixed_v<T> && bits_of(T::code) == 8) {
      if (c.rounding().mode() == rounding_mode::tflite) tflite_rows(c);
      else table_rows(c);
    } else {
      if constexpr (std::is_same_v<T, sfixed<16>>) {
        if (c.rounding().mode() == rounding_mode::tflite && c.out().offset() == 0 && c.out().scale() == 1.0f / 32768) {
          tflite_rows_16(c);
          return;
        }
      }
      softmax_real(c, false);
    }
  }

 private:
  template <class X>
  static std::int32_t top_of(const X& x, const axis_rows& rows, std::int64_t base) {
    std::int32_t top = x.load(base);
    for (std::int64_t k = 1; k < rows.count; ++k)
      if (const std::int32_t v = x.load(base + k * rows.stride); v > top) top = v;
    return top;
  }
  template <class Call>
  static void table_rows(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    using T = typename Call::out_type;
    const std::int32_t* table = c.constants();
    const axis_rows rows(x, op::along_axis::resolved(c.params(), x.rank()));
    rows.each([&](std::int64_t base) {
      const std::int32_t top = top_of(x, rows, base);
      std::int64_t sum = 0;
      for (std::int64_t k = 0; k < rows.count; ++k) sum += table[top - x.load(base + k * rows.stride)];
      const double unit = static_cast<double>(sum) * static_cast<double>(y.scale());
      for (std::int64_t k = 0; k < rows.count; ++k) {
        const std::int64_t i = base + k * rows.stride;
        const std::int64_t q = round_real(static_cast<double>(table[top - x.load(i)]) / unit, c.rounding()) - y.offset();
        y.store(i, clamp<std::int64_t>(q, min_value(T::code), max_value(T::code)));
      }
    });
  }
  template <class Call>
  static void tflite_rows_16(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const axis_rows rows(x, op::along_axis::resolved(c.params(), x.rank()));
    const multiplier m = split_q31(static_cast<double>(x.scale() * c.params().beta) / (10.0 / 65535.0));
    rows.each([&](std::int64_t base) {
      const std::int32_t top = top_of(x, rows, base);
      std::int32_t sum = 0;
      for (std::int64_t k = 0; k < rows.count; ++k) sum += tflite::softmax_exp_16(x.load(base + k * rows.stride) - top, m);
      const tflite::softmax_scale_16 scale(sum);
      for (std::int64_t k = 0; k < rows.count; ++k) {
        const std::int64_t i = base + k * rows.stride;
        y.store(i, scale.apply(tflite::softmax_exp_16(x.load(i) - top, m)));
      }
    });
  }
  template <class Call>
  static void tflite_rows(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    using T = typename Call::out_type;
    const std::int32_t* k3 = c.constants();
    const auto lowest = static_cast<std::int32_t>(min_value(T::code)), highest = static_cast<std::int32_t>(max_value(T::code));
    const axis_rows rows(x, op::along_axis::resolved(c.params(), x.rank()));
    const auto exponential = [&](std::int32_t diff) {
      const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(diff) << (k3[1] > 0 ? k3[1] : 0));
      return tflite::exp_negative(tflite::mul(shifted, k3[0]));
    };
    rows.each([&](std::ptrdiff_t base) {
      const std::int32_t top = top_of(x, rows, base);
      std::int32_t sum = 0;
      for (std::ptrdiff_t k = 0; k < rows.count; ++k) {
        const std::int32_t diff = x.load(base + k * rows.stride) - top;
        if (diff >= k3[2]) sum = tflite::wrap_add(sum, tflite::shift_right(exponential(diff), 12));
      }
      const tflite::reciprocal inverse = tflite::invert(sum);
      for (std::ptrdiff_t k = 0; k < rows.count; ++k) {
        const std::ptrdiff_t i = base + k * rows.stride;
        const std::int32_t diff = x.load(i) - top;
        std::int32_t q = lowest;  // plus at most 2^27
        if (diff >= k3[2]) q += tflite::shift_right(tflite::mul(inverse.value, exponential(diff)), inverse.over_unit + 31 - 8);
        y.store(i, clamp(q, lowest, highest));
      }
    });
  }
};

template <>
struct impl<op::log_softmax, isa::reference> {
  using params = op::softmax_params;
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) { return softmax_overlap(f, p, input); }
  static constexpr int independent_dims(const node_facts& f, const params& p) { return op::along_axis::resolved(p, f.c.dims(0).rank()); }
  template <class Call>
  static void run(const Call& c) { softmax_real(c, true); }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
