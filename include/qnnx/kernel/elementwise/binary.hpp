// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of ElementWiseBinary and its forms other than ElementWiseAdd.
//   subtract            as the sum with the second multiplier subtracted
//   multiply            q = clamp(zero + round((q0 + o0) * (q1 + o1) * M)), M = s0 * s1 / so
//   maximum, minimum    both brought to the output's encoding, then compared
//   divide, power, floor_div, fmod, mod, squared_difference   on real values in double, rounded once
//                       (tflite, squared_difference of signed 8 bit: TFLite's fixed point, inputs shifted left by 7)
//   comparisons         on real values, exact (products of a 24-bit scale and a 17-bit integer)
// Floats: the operation in double rounded once; add, subtract, multiply, divide that way equal float arithmetic.
// Layer 5a.

#include "qnnx/kernel/elementwise/reference.hpp"
#include "qnnx/numeric/math.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

constexpr double binary_value(op::binary what, double a, double b) {
  switch (what) {
    case op::binary::add: return a + b;
    case op::binary::subtract: return a - b;
    case op::binary::multiply: return a * b;
    case op::binary::divide: return a / b;
    case op::binary::maximum: return a < b ? b : a;
    case op::binary::minimum: return b < a ? b : a;
    case op::binary::power: return math::pow(a, b);
    case op::binary::floor_div: return math::floor(a / b);
    case op::binary::fmod: return math::fmod(a, b);
    case op::binary::mod: return math::modulo(a, b);
    case op::binary::squared_difference: return (a - b) * (a - b);
    case op::binary::equal: return a == b;
    case op::binary::not_equal: return a != b;
    case op::binary::greater: return a > b;
    case op::binary::greater_equal: return a >= b;
    case op::binary::less: return a < b;
    case op::binary::less_equal: return a <= b;
    case op::binary::logical_and: return a != 0 && b != 0;
    case op::binary::logical_or: return a != 0 || b != 0;
    case op::binary::logical_xor: return (a != 0) != (b != 0);
  }
  return 0;
}
/// Integer arithmetic wraps; division by zero gives 0.
constexpr std::int64_t binary_whole(op::binary what, std::int64_t a, std::int64_t b) {
  const auto floor_div = [&] { return b == 0 ? 0 : a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0); };
  switch (what) {
    case op::binary::add: return a + b;
    case op::binary::subtract: return a - b;
    case op::binary::multiply: return a * b;
    case op::binary::divide: return b == 0 ? 0 : a / b;
    case op::binary::floor_div: return floor_div();
    case op::binary::fmod: return b == 0 ? 0 : a % b;
    case op::binary::mod: return b == 0 ? 0 : a - floor_div() * b;
    case op::binary::squared_difference: return (a - b) * (a - b);
    default: return static_cast<std::int64_t>(binary_value(what, static_cast<double>(a), static_cast<double>(b)));
  }
}

template <class Op>
concept binary_op = (requires { Op::operation; } || std::is_same_v<Op, op::elementwise_binary>) && !std::is_same_v<Op, op::elementwise_add>;

template <class Op>
  requires binary_op<Op>
struct impl<Op, isa::reference> {
  using params = typename Op::params;
  static constexpr int words = 2 + add_constants_words;  // bounds, then what the operation needs

  static constexpr op::binary what(const params& p) {
    if constexpr (std::is_same_v<Op, op::elementwise_binary>) return p.operation;
    else return (void)p, Op::operation;
  }
  template <class Rounding>
  static constexpr bool squares_in_fixed_point(dtype t, Rounding r) {
    return t == dtype::sfixed_8 && r.mode() == rounding_mode::tflite;
  }
  static constexpr bool is_quantized(const node_facts& f) { return is_fixed(f.c.out(0).type); }
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) { return is_quantized(f) ? words : 0; }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (!is_quantized(f)) return;
    const dtype t = f.c.out(0).type;
    const float so = f.out[0].scale;
    const bounds b = activation_bounds(t, f.epi.act, f.epi.lo, f.epi.hi, so, f.out[0].offset);
    out[0] = b.lo;
    out[1] = b.hi;
    const op::binary o = what(p);
    const auto put = [&](int at, multiplier m) {
      out[at] = m.mantissa;
      out[at + 1] = m.exponent;
    };
    if (o == op::binary::add || o == op::binary::subtract) make_add_constants(f.in[0].scale, f.in[1].scale, so, bits_of(t), r, out + 2);
    if (o == op::binary::squared_difference && squares_in_fixed_point(t, r)) {
      const double twice = 2.0 * static_cast<double>(f.in[0].scale > f.in[1].scale ? f.in[0].scale : f.in[1].scale);
      put(2, split_q31(static_cast<double>(f.in[0].scale) / twice));
      put(4, split_q31(static_cast<double>(f.in[1].scale) / twice));
      put(6, split_q31(twice * twice / (16384.0 * static_cast<double>(so))));
    }
    if (o == op::binary::multiply) {
      double m = static_cast<double>(f.in[0].scale) * static_cast<double>(f.in[1].scale) / static_cast<double>(so);
      if (r.mode() == rounding_mode::tflite) m = static_cast<double>(f.in[0].scale * f.in[1].scale / so);  // TFLite's is a float
      put(2, make_multiplier(m, r));
    }
    if (o == op::binary::maximum || o == op::binary::minimum) {
      put(2, make_multiplier(static_cast<double>(f.in[0].scale) / static_cast<double>(so), r));
      put(4, make_multiplier(static_cast<double>(f.in[1].scale) / static_cast<double>(so), r));
    }
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params&, int input) { return elementwise_overlap(f.c, input); }
  static constexpr int independent_dims(const node_facts& f, const params&) { return every_dim(f); }

  template <class Call>
  static void run(const Call& c) {
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    using T = typename Call::out_type;
    using In = typename Call::template in_type<0>;
    const op::binary o = what(c.params());
    each_broadcast(a, b, y, [&](std::int64_t i, std::int64_t ia, std::int64_t ib) {
      if constexpr (is_fixed_v<T>) {
        y.store(i, quantized(c, o, a, b, y, ia, ib));
      } else if constexpr (std::is_same_v<T, boolean>) {
        y.store(i, binary_value(o, a.real(ia), b.real(ib)) != 0 ? 1 : 0);
      } else if constexpr (is_float_v<In>) {
        const auto v = static_cast<float>(binary_value(o, static_cast<double>(a.load(ia)), static_cast<double>(b.load(ib))));
        y.store(i, activate(v, c.epi().act, c.epi().lo, c.epi().hi));
      } else {
        y.store(i, binary_whole(o, a.load(ia), b.load(ib)));
      }
    });
  }

 private:
  template <class Call, class A, class B, class Y>
  static std::int32_t quantized(const Call& c, op::binary o, const A& a, const B& b, const Y& y, std::int64_t ia, std::int64_t ib) {
    using T = typename Call::out_type;
    const std::int32_t* k = c.constants();
    const std::int32_t x0 = a.load(ia) + a.offset();
    const std::int32_t x1 = b.load(ib) + b.offset();
    const auto r = c.rounding();
    const bool tflite = r.mode() == rounding_mode::tflite;
    switch (o) {
      case op::binary::add: return add_quantized(x0, x1, k + 2, y.zero(), k[0], k[1], bits_of(T::code), r);
      case op::binary::subtract: {
        if (!tflite) return add_quantized(x0, -x1, k + 2, y.zero(), k[0], k[1], bits_of(T::code), r);
        const std::int64_t d = scale_accumulator(x0 * (1 << k[8]), multiplier{k[2], k[3]}, r) -
                               scale_accumulator(x1 * (1 << k[8]), multiplier{k[4], k[5]}, r);
        return requantize(static_cast<std::int32_t>(d), multiplier{k[6], k[7]}, y.zero(), k[0], k[1], r);
      }
      case op::binary::multiply:
        if (tflite) return requantize(static_cast<std::int32_t>(static_cast<std::int64_t>(x0) * x1), multiplier{k[2], k[3]}, y.zero(), k[0], k[1], r);
        return requantize(static_cast<std::int64_t>(x0) * x1, multiplier{k[2], k[3]}, y.zero(), k[0], k[1], r);
      case op::binary::maximum:
      case op::binary::minimum: {
        const std::int32_t q0 = requantize(x0, multiplier{k[2], k[3]}, y.zero(), k[0], k[1], r);
        const std::int32_t q1 = requantize(x1, multiplier{k[4], k[5]}, y.zero(), k[0], k[1], r);
        return (o == op::binary::maximum) == (q0 > q1) ? q0 : q1;
      }
      default: {
        if (o == op::binary::squared_difference && squares_in_fixed_point(T::code, r)) {
          const auto d = static_cast<std::int32_t>(scale_accumulator(x0 * 128, multiplier{k[2], k[3]}, r) -
                                                   scale_accumulator(x1 * 128, multiplier{k[4], k[5]}, r));
          return requantize(d * d, multiplier{k[6], k[7]}, y.zero(), k[0], k[1], r);
        }
        const double v = binary_value(o, a.real(ia), b.real(ib)) / static_cast<double>(y.scale());
        return static_cast<std::int32_t>(clamp<std::int64_t>(round_real(v, r) - y.offset(), k[0], k[1]));
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
