// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input activations with NEON: 8-bit data through the reference's table; Relu and its bounded forms on floats; other
// floats and 16-bit data by the reference's formula in pairs of doubles (Relu forms, HardSwish, HardSigmoid, Sigmoid,
// Tanh, Elu), TFLite's 16-bit Sigmoid and Tanh, Gelu and Softplus by the reference. Lookup and the functions of
// ElementWiseUnary on 8-bit data: the same table. Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/elementwise/lookup.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"
#include "qnnx/kernel/neon/byte_table.hpp"
#include "qnnx/kernel/neon/doubles.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

template <class Sig>
inline constexpr bool is_byte_function =
    std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)>;

template <class Op>
struct neuron_kernel : answers_as<Op> {
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = is_of_one_type<Sig>;

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    if constexpr (is_fixed_v<T> && bits_of(T::code) == 8) {
      look_up<T>(c.constants(), x.data, y.data, y.size());
    } else {
      const op::neuron_params p = reference::neuron(c.params());
      if constexpr (is_fixed_v<T>) {
        const bool curve = p.operation == op::neuron::sigmoid || p.operation == op::neuron::tanh;
        if ((curve && c.rounding().mode() == rounding_mode::tflite) || !has_zero(x) || !has_zero(y) || !reals_of(c, p))
          reference::run(c);
      } else {
        if (!reference::is_clamp(p.operation)) {
          if (!reals_of(c, p)) reference::run(c);
          return;
        }
        const bool bounded = p.operation != op::neuron::relu;
        const float32x4_t lo = vdupq_n_f32(bounded ? p.min_value : 0.0f);
        const float32x4_t hi = vdupq_n_f32(bounded ? p.max_value : __builtin_inff());
        each_chunk<4>(x.data, y.data, y.size(), [&](const float* from, float* to) {
          const float32x4_t v = vld1q_f32(from), most = vbslq_f32(vcgtq_f32(v, hi), hi, v);
          vst1q_f32(to, vbslq_f32(vcltq_f32(v, lo), lo, most));
        });
      }
    }
  }

 private:
  /// By doubles; false where the function is none of these.
  template <class Call>
  static bool reals_of(const Call& c, const op::neuron_params& p) {
    const float64x2_t zero = all_of(0.0), alpha = all_of(static_cast<double>(p.alpha));
    const auto within = [](float64x2_t v, float64x2_t lo, float64x2_t hi) { return vminq_f64(vmaxq_f64(v, lo), hi); };
    switch (p.operation) {
      case op::neuron::relu: each_real(c, [&](float64x2_t v) { return vmaxq_f64(v, zero); }); return true;
      case op::neuron::relu_min_max: {
        const float64x2_t lo = all_of(static_cast<double>(p.min_value)), hi = all_of(static_cast<double>(p.max_value));
        if (p.min_value > p.max_value) return false;
        each_real(c, [&](float64x2_t v) { return within(v, lo, hi); });
        return true;
      }
      case op::neuron::hard_swish:
        each_real(c, [&](float64x2_t v) {
          const float64x2_t six = all_of(6.0);
          return vdivq_f64(vmulq_f64(v, within(vaddq_f64(v, all_of(3.0)), zero, six)), six);
        });
        return true;
      case op::neuron::hard_sigmoid: {
        const float64x2_t beta = all_of(static_cast<double>(p.beta));
        each_real(c, [&](float64x2_t v) { return within(vaddq_f64(vmulq_f64(alpha, v), beta), zero, all_of(1.0)); });
        return true;
      }
      case op::neuron::sigmoid: each_real(c, [](float64x2_t v) { return sigmoid_of(v); }); return true;
      case op::neuron::tanh: each_real(c, [](float64x2_t v) { return tanh_of(v); }); return true;
      case op::neuron::elu:
        each_real(c, [&](float64x2_t v) {
          return vbslq_f64(vcgtq_f64(v, zero), v, vmulq_f64(alpha, expm1_of(vminq_f64(v, zero))));
        });
        return true;
      default: return false;
    }
  }
  template <class Call, class F>
  static QNNX_INLINE void each_real(const Call& c, F&& f) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    const auto x = c.template in<0>();
    const auto y = c.out();
    if constexpr (is_float_v<T>) {
      each_chunk<4>(x.data, y.data, y.size(), [&](const float* from, float* to) {
        vst1q_f32(to, floats_of(both(real_numbers(vld1q_f32(from)), f)));
      });
    } else {
      const reader<T> read(x.offset());
      const writer<T> write(y.zero(), static_cast<std::int32_t>(min_value(T::code)),
                            static_cast<std::int32_t>(max_value(T::code)));
      const real_rounding round(c.rounding());
      const float64x2_t in = all_of(static_cast<double>(x.scale())), out = all_of(static_cast<double>(y.scale()));
      each_chunk<8>(x.data, y.data, y.size(), [&](const storage* from, storage* to) {
        numbers<T> q = read(from);
#pragma GCC unroll 2
        for (int32x4_t& four : q.v)
          four = round(both(real_numbers(four), [&](float64x2_t v) { return vdivq_f64(f(vmulq_f64(v, in)), out); }));
        write(to, q);
      });
    }
  }
};

/// 8-bit data of an op whose reference has a table of 256 stored values in the constants.
template <class Op>
struct byte_function : answers_as<Op> {
  template <class Sig>
  static constexpr bool supports = is_byte_function<Sig>;
  template <class Call>
  static void run(const Call& c) {
    look_up<typename Call::out_type>(c.constants(), c.template in<0>().data, c.out().data, c.out().size());
  }
};

}  // namespace neon

template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::neon> : neon::neuron_kernel<Op> {};
template <class Op>
  requires unary_op<Op>
struct impl<Op, isa::neon> : neon::byte_function<Op> {};

template <>
struct impl<op::lookup, isa::neon> : answers_as<op::lookup> {
  template <class Call>
  static void run(const Call& c) {
    neon::look_up<typename Call::template in_type<0>>(c.template in<1>().data, c.template in<0>().data, c.out().data,
                                                      c.out().size());
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
