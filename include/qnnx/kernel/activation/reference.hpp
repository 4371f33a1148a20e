// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of the one-input activations: every op with `as_neuron(params)`, and ElementWiseNeuron.
//   float   the formula in double, rounded once to 32 bits (16-bit floats: and from there to 16); silu: the factor is
//           rounded, then the product
//   8 bit   a table of 256 stored values in the step's constants (four to a word, first in the low byte)
//   16 bit  the formula on the real value, rounded once by the model's policy
// Under tflite every integer is TFLite's: Relu forms are a requantization and a clamp, hard-swish is 16-bit fixed point,
// 8-bit tables are made in float, 16-bit logistic and tanh interpolate in a table (kernel/activation/tflite.hpp).
// Layer 5a.

#include "qnnx/kernel/activation/tflite.hpp"
#include "qnnx/kernel/epilogue.hpp"
#include "qnnx/numeric/error_function.hpp"
#include "qnnx/numeric/math.hpp"
#include "qnnx/op/activations.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// The value of an activation at a real x.
constexpr double neuron_value(const op::neuron_params& p, double x) {
  const auto alpha = static_cast<double>(p.alpha);
  const auto beta = static_cast<double>(p.beta);
  switch (p.operation) {
    case op::neuron::elu: return x > 0 ? x : alpha * math::expm1(x);
    case op::neuron::gelu: return x * math::normal_cdf(x);
    case op::neuron::hard_sigmoid: return clamp(alpha * x + beta, 0.0, 1.0);
    case op::neuron::hard_swish: return x * clamp(x + 3.0, 0.0, 6.0) / 6.0;
    case op::neuron::relu: return x > 0 ? x : 0.0;
    case op::neuron::relu_min_max: return clamp(x, static_cast<double>(p.min_value), static_cast<double>(p.max_value));
    case op::neuron::sigmoid: return math::sigmoid(x);
    case op::neuron::softplus:
      if (p.threshold >= 0 && beta * x > static_cast<double>(p.threshold)) return x;
      return math::softplus(beta * x) / beta;
    case op::neuron::tanh: return math::tanh(x);
    case op::neuron::silu: return x * math::sigmoid(x);
  }
  return x;
}

/// The stored value of a real under an encoding.
template <class Rounding>
constexpr std::int32_t stored(double real, dtype t, const quant& q, Rounding r) {
  const std::int64_t n = round_real(real / static_cast<double>(q.scale), r) - q.offset;
  return static_cast<std::int32_t>(clamp<std::int64_t>(n, min_value(t), max_value(t)));
}

/// TFLite's stored value for an 8-bit x with its offset added.
constexpr std::int32_t tflite_stored(const op::neuron_params& p, std::int32_t x, dtype t, const quant& in, const quant& out) {
  const bool relu = p.operation == op::neuron::relu;
  if (relu || p.operation == op::neuron::relu_min_max) {
    const bounds limit =
        activation_bounds(t, relu ? activation::relu : activation::clamp, p.min_value, p.max_value, out.scale, out.offset);
    const multiplier m = make_multiplier(static_cast<double>(in.scale) / static_cast<double>(out.scale), rounding::tflite{});
    return requantize(x, m, -out.offset, limit.lo, limit.hi, rounding::tflite{});
  }
  if (p.operation == op::neuron::hard_swish) {
    if (const tflite::hard_swish_multipliers m(in.scale, out.scale); m.defined())
      return static_cast<std::int32_t>(clamp<std::int64_t>(tflite::hard_swish(x, m) - std::int64_t{out.offset}, min_value(t), max_value(t)));
  }
  const float real = in.scale * static_cast<float>(x);
  if (p.operation == op::neuron::sigmoid) return tflite::table_entry(tflite::logistic(real), t, out);
  return tflite::table_entry(static_cast<float>(neuron_value(p, static_cast<double>(real))), t, out);
}

template <class Op>
concept neuron_op = requires(const typename Op::params& p) { Op::as_neuron(p); } || std::is_same_v<Op, op::elementwise_neuron>;

template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::reference> {
  using params = typename Op::params;

  static constexpr op::neuron_params neuron(const params& p) {
    if constexpr (std::is_same_v<Op, op::elementwise_neuron>) return p;
    else return Op::as_neuron(p);
  }
  static constexpr bool by_table(const node_facts& f) { return is_fixed(f.c.out(0).type) && bits_of(f.c.out(0).type) == 8; }
  static constexpr bool is_clamp(op::neuron n) { return n == op::neuron::relu || n == op::neuron::relu_min_max; }

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) { return by_table(f) ? 64 : 0; }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (!by_table(f)) return;
    const op::neuron_params n = neuron(p);
    const dtype t = f.c.out(0).type;
    const auto lowest = static_cast<std::int32_t>(min_value(t));
    for (int w = 0; w < 64; ++w) {
      std::uint32_t word = 0;
      for (int b = 0; b < 4; ++b) {
        const std::int32_t centred = lowest + 4 * w + b + f.in[0].offset;
        const std::int32_t q = r.mode() == rounding_mode::tflite
                                   ? tflite_stored(n, centred, t, f.in[0], f.out[0])
                                   : stored(neuron_value(n, centred * static_cast<double>(f.in[0].scale)), t, f.out[0], r);
        word |= (static_cast<std::uint32_t>(q) & 0xffu) << (8 * b);
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
    const op::neuron_params n = neuron(c.params());
    const std::int64_t count = y.size();
    if constexpr (is_fixed_v<T> && bits_of(T::code) == 8) {
      const std::int32_t* table = c.constants();
      const auto lowest = static_cast<std::int32_t>(min_value(T::code));
      for (std::int64_t i = 0; i < count; ++i) {
        const auto at = static_cast<std::uint32_t>(x.load(i) - lowest);
        y.store(i, static_cast<typename T::storage>((static_cast<std::uint32_t>(table[at / 4]) >> (at % 4 * 8)) & 0xffu));
      }
    } else if constexpr (is_fixed_v<T>) {
      if constexpr (std::is_same_v<T, sfixed<16>>) {
        if (c.rounding().mode() == rounding_mode::tflite && tflite_curve(c, n.operation)) return;
      }
      for (std::int64_t i = 0; i < count; ++i) y.store(i, stored(neuron_value(n, x.real(i)), T::code, *y.q, c.rounding()));
    } else {
      if (is_clamp(n.operation)) {  // no rounding happens: stay in float
        const float lo = n.operation == op::neuron::relu ? 0.0f : n.min_value;
        const bool bounded = n.operation != op::neuron::relu;
        for (std::int64_t i = 0; i < count; ++i) {
          const float v = x.load(i);
          y.store(i, v < lo ? lo : (bounded && v > n.max_value ? n.max_value : v));
        }
      } else if (n.operation == op::neuron::silu) {  // as Sigmoid and ElementWiseMultiply
        for (std::int64_t i = 0; i < count; ++i) y.store(i, x.load(i) * static_cast<float>(math::sigmoid(x.real(i))));
      } else {
        for (std::int64_t i = 0; i < count; ++i) y.store(i, static_cast<float>(neuron_value(n, x.real(i))));
      }
    }
  }

 private:
  /// TFLite's 16-bit logistic and tanh; false where its kernels do not take the encodings.
  template <class Call>
  static bool tflite_curve(const Call& c, op::neuron n) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const bool is_tanh = n == op::neuron::tanh;
    if ((!is_tanh && n != op::neuron::sigmoid) || x.offset() != 0 || y.offset() != 0 || y.scale() != 1.0f / 32768) return false;
    const tflite::curve_scale s(x.scale(), is_tanh);
    for (std::int64_t i = 0, count = y.size(); i < count; ++i)
      y.store(i, is_tanh ? tflite::tanh_16(x.load(i), s) : tflite::logistic_16(x.load(i), s));
    return true;
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
