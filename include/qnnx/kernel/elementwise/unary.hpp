// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of ElementWiseUnary, its forms, ElementWiseNot and Prelu: the function on real values in double,
// rounded once; 8-bit data through a table of 256 stored values in the step's constants. Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/elementwise/reference.hpp"
#include "qnnx/numeric/error_function.hpp"
#include "qnnx/numeric/trigonometry.hpp"
#include "qnnx/op/elementwise_unary.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

constexpr double unary_value(op::unary what, double x) {
  switch (what) {
    case op::unary::abs: return math::abs(x);
    case op::unary::asin: return math::asin(x);
    case op::unary::atan: return math::atan(x);
    case op::unary::ceil: return math::ceil(x);
    case op::unary::cos: return math::cos(x);
    case op::unary::exp: return math::exp(x);
    case op::unary::floor: return math::floor(x);
    case op::unary::log: return math::log(x);
    case op::unary::neg: return -x;
    case op::unary::logical_not: return x == 0 ? 1.0 : 0.0;
    case op::unary::reciprocal: return 1.0 / x;
    case op::unary::round: return math::round_even(x);
    case op::unary::rsqrt: return 1.0 / math::sqrt(x);
    case op::unary::sign: return x > 0 ? 1.0 : (x < 0 ? -1.0 : x);
    case op::unary::sin: return math::sin(x);
    case op::unary::sqrt: return math::sqrt(x);
    case op::unary::erf: return math::erf(x);
  }
  return x;
}

template <class Op>
concept unary_op = requires { Op::unary_operation; } || std::is_same_v<Op, op::elementwise_unary>;

template <class Op>
  requires unary_op<Op>
struct impl<Op, isa::reference> {
  using params = typename Op::params;
  static constexpr op::unary what(const params& p) {
    if constexpr (std::is_same_v<Op, op::elementwise_unary>) return p.operation;
    else return (void)p, Op::unary_operation;
  }
  static constexpr bool by_table(const node_facts& f) { return is_fixed(f.c.out(0).type) && bits_of(f.c.out(0).type) == 8; }
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) { return by_table(f) ? 64 : 0; }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (!by_table(f)) return;
    const dtype t = f.c.out(0).type;
    for (int w = 0; w < 64; ++w) {
      std::uint32_t word = 0;
      for (int b = 0; b < 4; ++b) {
        const std::int64_t centred = min_value(t) + 4 * w + b + f.in[0].offset;
        const double real = static_cast<double>(centred) * static_cast<double>(f.in[0].scale);
        word |= (static_cast<std::uint32_t>(stored(unary_value(what(p), real), t, f.out[0], r)) & 0xffu) << (8 * b);
      }
      out[w] = static_cast<std::int32_t>(word);
    }
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params&, int input) { return elementwise_overlap(f.c, input); }
  static constexpr int independent_dims(const node_facts& f, const params&) { return every_dim(f); }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    using T = typename Call::out_type;
    const op::unary o = what(c.params());
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) {
      if constexpr (is_fixed_v<T> && bits_of(T::code) == 8) {
        const auto at = static_cast<std::uint32_t>(x.load(i) - static_cast<std::int32_t>(min_value(T::code)));
        y.store(i, static_cast<typename T::storage>((static_cast<std::uint32_t>(c.constants()[at / 4]) >> (at % 4 * 8)) & 0xffu));
      } else if constexpr (is_fixed_v<T>) {
        y.store(i, stored(unary_value(o, x.real(i)), T::code, *y.q, c.rounding()));
      } else {
        y.store(i, static_cast<float>(unary_value(o, static_cast<double>(x.load(i)))));
      }
    }
  }
};

template <>
struct impl<op::elementwise_not, isa::reference> {
  static constexpr std::int64_t overlap(const node_facts& f, const no_params&, int input) { return elementwise_overlap(f.c, input); }
  static constexpr int independent_dims(const node_facts& f, const no_params&) { return every_dim(f); }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) y.store(i, x.load(i) == 0 ? 1 : 0);
  }
};

template <>
struct impl<op::prelu, isa::reference> {
  /// tflite: multipliers of the input and of input * slope, made from float32 quotients as TFLite's Prepare does.
  static constexpr std::int64_t constant_words(const node_facts& f, const no_params&) {
    return is_fixed(f.c.out(0).type) ? 4 : 0;
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const no_params&, Rounding r, std::int32_t* out) {
    if (!is_fixed(f.c.out(0).type)) return;
    const multiplier keep = make_multiplier(static_cast<double>(f.in[0].scale / f.out[0].scale), r);
    const multiplier bend = make_multiplier(static_cast<double>(f.in[0].scale * f.in[1].scale / f.out[0].scale), r);
    out[0] = keep.mantissa;
    out[1] = keep.exponent;
    out[2] = bend.mantissa;
    out[3] = bend.exponent;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const no_params&, int input) {
    return input == 0 ? elementwise_overlap(f.c, 0) : -1;
  }
  static constexpr int independent_dims(const node_facts& f, const no_params&) { return every_dim(f); }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto s = c.template in<1>();
    const auto y = c.out();
    using T = typename Call::out_type;
    each_broadcast(x, s, y, [&](std::int64_t i, std::int64_t ix, std::int64_t is) {
      if constexpr (is_fixed_v<T>) {
        if (c.rounding().mode() == rounding_mode::tflite) {
          const std::int32_t* k = c.constants();
          const std::int32_t q = x.load(ix) + x.offset();
          const std::int64_t slope = q < 0 ? static_cast<std::int64_t>(s.load(is)) + s.offset() : 1;
          const auto bent = saturate<std::int32_t>(q * slope);
          y.store(i, requantize(bent, multiplier{k[q < 0 ? 2 : 0], k[q < 0 ? 3 : 1]}, y.zero(),
                                static_cast<std::int32_t>(min_value(T::code)), static_cast<std::int32_t>(max_value(T::code)),
                                c.rounding()));
          return;
        }
      }
      const double v = x.real(ix);
      const double r = v < 0 ? v * s.real(is) : v;
      if constexpr (is_fixed_v<T>) y.store(i, stored(r, T::code, *y.q, c.rounding()));
      else y.store(i, static_cast<float>(r));
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
