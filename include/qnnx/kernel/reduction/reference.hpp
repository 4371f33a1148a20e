// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of the reductions. Elements are taken in row-major order of the reduced axes. Floats accumulate in
// double and are rounded once; integers in int64, wrapping; quantized sums are exact in int64 and requantized once:
//   sum  q = clamp(zero + round(sum(q_in + offset) * s_in / s_out));  mean: s_in / (s_out * count)
// tflite policy: the mean's multiplier is TFLite's, ((M << shift) / count) (reference_ops::QuantizedMeanOrSum).
// Bound: |sum| < 2^39, so 2^23 elements of 16 bits. Layer 5a.

#include "qnnx/kernel/movement/walk.hpp"
#include "qnnx/op/reduce.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// The kept axes and the reduced ones as two nests over the input; `to` is not used.
struct reduce_walk {
  walk kept;
  walk over;
  std::int64_t count = 1;  // elements reduced into one

  template <class Extents>
  constexpr reduce_walk(const Extents& x, const qnnx::axes& axes) {
    for (int d = 0; d < x.rank(); ++d) {
      const std::int64_t step = step_of(x, d);
      if (axes.contains(d)) {
        over.add(x.extent(d), step, step);
        count *= x.extent(d);
      } else {
        kept.add(x.extent(d), step, step);
      }
    }
  }
};
/// Calls f(offset) for every place of a nest, in row-major order.
template <class F>
QNNX_INLINE void each_place(const walk& w, std::int64_t start, F&& f) {
  std::array<std::int64_t, 2 * max_rank> at{};
  walk::axis inner{1, 0, 0};
  int outer = w.rank;
  if (outer > 0) inner = w.axes[static_cast<std::size_t>(--outer)];
  std::int64_t place = start;
  for (;;) {
    for (std::int64_t i = 0; i < inner.extent; ++i) f(place + i * inner.from);
    int d = outer - 1;
    for (; d >= 0; --d) {
      const walk::axis& a = w.axes[static_cast<std::size_t>(d)];
      place += a.from;
      if (++at[static_cast<std::size_t>(d)] < a.extent) break;
      place -= a.from * a.extent;
      at[static_cast<std::size_t>(d)] = 0;
    }
    if (d < 0) return;
  }
}

template <class Op>
struct reduce_kernel {
  using params = op::reduce_params;
  static constexpr op::reduction kind = Op::kind;

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return is_fixed(f.c.out(0).type) ? 3 : 0;
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (!is_fixed(f.c.out(0).type)) return;
    const auto s_in = static_cast<double>(f.in[0].scale);
    const auto s_out = static_cast<double>(f.out[0].scale);
    const std::int64_t count = reduce_walk(f.c.dims(0), p.axes).count;
    double real = s_in / s_out;
    if constexpr (kind == op::reduction::sum_square) real = s_in * s_in / s_out;
    multiplier m{};
    if (kind == op::reduction::mean && r.mode() == rounding_mode::tflite) {
      m = make_multiplier(real, r);
      int shift = 0;
      while ((count >> (shift + 1)) > 0 && shift < 32) ++shift;
      if (shift > 31 + m.exponent) shift = 31 + m.exponent;
      m.mantissa =
          static_cast<std::int32_t>(static_cast<std::int64_t>(m.mantissa) * (std::int64_t{1} << shift) / count);
      m.exponent -= shift;
    } else {
      m = make_multiplier(kind == op::reduction::mean ? s_in / (s_out * static_cast<double>(count)) : real, r);
    }
    out[0] = m.mantissa;
    out[1] = m.exponent;
    out[2] = f.in[0].scale == f.out[0].scale && f.in[0].offset == f.out[0].offset;  // max and min are copied
  }
  template <class T>
  using accumulator_of =
      std::conditional_t<is_float_v<T>, double, std::conditional_t<is_fixed_v<T>, std::int64_t, std::uint64_t>>;

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    using acc_t = accumulator_of<T>;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const reduce_walk w(x.ext, c.params().axes);
    std::int64_t k = 0;
    each_place(w.kept, 0, [&](std::int64_t start) {
      if constexpr (kind == op::reduction::max || kind == op::reduction::min) {
        std::int64_t best = start;
        each_place(w.over, start, [&](std::int64_t i) {
          const auto a = x.load(i);
          const auto b = x.load(best);
          if constexpr (is_float_v<T>) {
            if (b != b) return;  // a NaN stays
            if (a != a) best = i;
          }
          if (kind == op::reduction::max ? a > b : a < b) best = i;
        });
        store_picked(c, y, k++, x.data[best]);
      } else {
        acc_t acc = kind == op::reduction::prod ? acc_t{1} : acc_t{0};
        each_place(w.over, start, [&](std::int64_t i) {
          acc_t v = static_cast<acc_t>(x.load(i));
          if constexpr (is_fixed_v<T>) v += x.offset();
          if constexpr (kind == op::reduction::prod)
            acc *= v;
          else if constexpr (kind == op::reduction::sum_square)
            acc += v * v;
          else
            acc += v;
        });
        store_sum(c, y, k++, acc, w.count);
      }
    });
  }
  template <class Call, class Y, class V>
  static void store_picked(const Call& c, const Y& y, std::int64_t k, V value) {
    using T = typename Y::type;
    if constexpr (is_fixed_v<T>) {
      const std::int32_t* words = c.constants();
      if (!words[2]) {
        y.store(k, rescaled<T>(c, y, static_cast<std::int32_t>(value) + c.template in<0>().offset()));
        return;
      }
    }
    y.data[k] = value;
  }
  template <class T, class Call, class Y, class Acc>
  static std::int32_t rescaled(const Call& c, const Y& y, Acc acc) {
    return requantize(acc, multiplier{c.constants()[0], c.constants()[1]}, y.zero(),
                      static_cast<std::int32_t>(min_value(T::code)), static_cast<std::int32_t>(max_value(T::code)),
                      c.rounding());
  }
  template <class Call, class Y, class Acc>
  static void store_sum(const Call& c, const Y& y, std::int64_t k, Acc acc, std::int64_t count) {
    using T = typename Y::type;
    if constexpr (is_fixed_v<T>) {
      // TFLite multiplies in 32 bits wherever the sum fits.
      if (c.rounding().mode() == rounding_mode::tflite && acc >= INT32_MIN && acc <= INT32_MAX)
        y.store(k, rescaled<T>(c, y, static_cast<std::int32_t>(acc)));
      else
        y.store(k, rescaled<T>(c, y, acc));
    } else if constexpr (is_float_v<T>) {
      y.store(k, static_cast<float>(kind == op::reduction::mean ? acc / static_cast<double>(count) : acc));
    } else {
      auto total = static_cast<std::int64_t>(acc);
      if constexpr (kind == op::reduction::mean) total /= count;  // toward zero
      y.data[k] = static_cast<typename T::storage>(total);
    }
  }
};
template <>
struct impl<op::reduce_sum, isa::reference> : reduce_kernel<op::reduce_sum> {};
template <>
struct impl<op::reduce_mean, isa::reference> : reduce_kernel<op::reduce_mean> {};
template <>
struct impl<op::reduce_max, isa::reference> : reduce_kernel<op::reduce_max> {};
template <>
struct impl<op::reduce_min, isa::reference> : reduce_kernel<op::reduce_min> {};
template <>
struct impl<op::reduce_prod, isa::reference> : reduce_kernel<op::reduce_prod> {};
template <>
struct impl<op::reduce_sum_square, isa::reference> : reduce_kernel<op::reduce_sum_square> {};

template <class Op>
struct arg_kernel {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const int axis = static_cast<int>(c.params().axis);
    const std::int64_t n = x.extent(axis);
    const std::int64_t inner = step_of(x.ext, axis);
    for (std::int64_t k = 0, lines = x.size() / n; k < lines; ++k) {
      const std::int64_t first = k / inner * inner * n + k % inner;
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < n; ++i) {
        const auto a = x.load(first + i * inner);
        const auto b = x.load(first + best * inner);
        if (Op::largest ? a > b : a < b) best = i;
      }
      y.data[k] = static_cast<typename Call::out_type::storage>(best);
    }
  }
};
template <>
struct impl<op::argmax, isa::reference> : arg_kernel<op::argmax> {};
template <>
struct impl<op::argmin, isa::reference> : arg_kernel<op::argmin> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
