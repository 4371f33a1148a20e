// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input activations with NEON: 8-bit data through the reference's table; Relu and its bounded forms on floats; other
// floats and 16-bit data by the reference's formula in pairs of doubles (Relu forms, HardSwish, HardSigmoid, Sigmoid,
// Tanh, Elu). 16-bit Gelu and Softplus: cubics (curve_16.hpp), floats by the reference; TFLite's 16-bit Sigmoid and Tanh
// in its integers. Lookup and functions of ElementWiseUnary on 8-bit data: the same table. Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/elementwise/lookup.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"
#include "qnnx/kernel/neon/byte_table.hpp"
#include "qnnx/kernel/neon/doubles.hpp"

#if QNNX_HAS_NEON
#include "qnnx/kernel/activation/curve_16.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

/// TFLite's logistic or tanh as dsp::interpolated_curve has them; lanes wrap as the reference's words do.
template <bool Tanh>
struct curve_bytes {
  using curve = dsp::interpolated_curve<Tanh>;
  /// The lower and upper bytes of the table's entries, then of their distances to the next.
  alignas(16) static constexpr std::array<std::uint8_t, 1024> planes = [] {
    std::array<std::uint8_t, 1024> p{};
    for (std::size_t i = 0; i < 256; ++i) {
      const std::int32_t step = curve::table[i + 1] - curve::table[i];
      p[i] = static_cast<std::uint8_t>(curve::table[i] & 0xff), p[256 + i] = static_cast<std::uint8_t>(curve::table[i] >> 8 & 0xff);
      p[512 + i] = static_cast<std::uint8_t>(step & 0xff), p[768 + i] = static_cast<std::uint8_t>(step >> 8 & 0xff);
    }
    return p;
  }();
};
template <bool Tanh>
void tflite_curve(const tflite::curve_scale& s, const std::int16_t* x, std::int16_t* y, std::int64_t count) {
  using curve = dsp::interpolated_curve<Tanh>;
  const std::uint8_t* const planes = curve_bytes<Tanh>::planes.data();
  const int32x4_t factor = vdupq_n_s32(s.factor), right = vdupq_n_s32(-s.shift);
  const int32x4_t half = vdupq_n_s32(s.shift > 0 ? 1 << (s.shift - 1) : 0);
  const uint32x4_t most = vdupq_n_u32(curve::most);
  each_chunk<16>(x, y, count, [&](const std::int16_t* from, std::int16_t* to) {
    int32x4_t v[4];
    uint32x4_t size[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[i] = vshlq_s32(vmlaq_s32(half, vmovl_s16(vld1_s16(from + 4 * i)), factor), right);
      size[i] = vminq_u32(vreinterpretq_u32_s32(vabsq_s32(v[i])), most);
    }
    const auto places = [&](int i) { return vcombine_u16(vshrn_n_u32(size[i], curve::bits), vshrn_n_u32(size[i + 1], curve::bits)); };
    const uint8x16_t at = vcombine_u8(vmovn_u16(places(0)), vmovn_u16(places(2)));
    const uint8x16_t low = byte_table(planes)(at), high = byte_table(planes + 256)(at);
    const uint8x16_t step_low = byte_table(planes + 512)(at), step_high = byte_table(planes + 768)(at);
    const int16x8_t first[2] = {vreinterpretq_s16_u8(vzip1q_u8(low, high)), vreinterpretq_s16_u8(vzip2q_u8(low, high))};
    const int16x8_t step[2] = {vreinterpretq_s16_u8(vzip1q_u8(step_low, step_high)), vreinterpretq_s16_u8(vzip2q_u8(step_low, step_high))};
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int32x4_t rest = vreinterpretq_s32_u32(vandq_u32(size[i], vdupq_n_u32((1u << curve::bits) - 1)));
      const int32x4_t entry = i % 2 ? vmovl_high_s16(first[i / 2]) : vmovl_s16(vget_low_s16(first[i / 2]));
      const int32x4_t slope = i % 2 ? vmovl_high_s16(step[i / 2]) : vmovl_s16(vget_low_s16(step[i / 2]));
      const int32x4_t d = vmlaq_s32(vshlq_n_s32(entry, curve::bits), rest, slope), sign = vshrq_n_s32(v[i], 31);
      v[i] = vshrq_n_s32(vaddq_s32(veorq_s32(d, sign), vdupq_n_s32(curve::add)), curve::down);
    }
    vst1q_s16(to, vmovn_high_s32(vmovn_s32(v[0]), v[1]));
    vst1q_s16(to + 8, vmovn_high_s32(vmovn_s32(v[2]), v[3]));
  });
}

template <class Sig>
inline constexpr bool is_byte_function =
    std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)>;

template <class Op>
struct neuron_kernel : answers_as<Op> {
  using reference = impl<Op, isa::reference>;
  using params = typename Op::params;
  using curve = dsp::curve_kernel<Op>;

  template <class Sig>
  static constexpr bool supports = is_of_one_type<Sig>;

  /// 16-bit functions that are cubics. A cubic is checked at nine places of 512: their distance has to be small beside what
  /// the function does around 0, which Gelu hides from places farther away (both 0 and what is beyond are on its lines).
  static constexpr bool by_curve(const op::neuron_params& p, float scale) {
    const float unit = p.operation == op::neuron::softplus ? p.beta : 1.0f;
    return (p.operation == op::neuron::gelu || p.operation == op::neuron::softplus) && unit > 0 && scale * unit <= 1.0f / 64;
  }
  static constexpr bool by_curve(const node_facts& f, const params& p) {
    const dtype t = f.c.out(0).type;
    return is_fixed(t) && bits_of(t) == 16 && by_curve(reference::neuron(p), f.in[0].scale);
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return by_curve(f, p) ? curve::constant_words(f, p) : answers_as<Op>::constant_words(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (by_curve(f, p)) curve::prepare(f, p, r, out);
    else answers_as<Op>::prepare(f, p, r, out);
  }

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
        if (by_curve(p, x.scale())) return curve::run(c);
        if constexpr (std::is_same_v<T, types::s16>)
          if (dsp::interpolated_kernel<Op>::is_tflite(c.params(), *x.q, *y.q, c.rounding().mode())) {
            const bool tanh = p.operation == op::neuron::tanh;
            const tflite::curve_scale s(x.scale(), tanh);
            return tanh ? tflite_curve<true>(s, x.data, y.data, y.size()) : tflite_curve<false>(s, x.data, y.data, y.size());
          }
        if (!has_zero(x) || !has_zero(y) || !reals_of(c, p)) reference::run(c);
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
      case op::neuron::silu:  // the factor is rounded, then the product, as in the reference
        if constexpr (!is_float_v<typename Call::out_type>) return false;
        each_real(c, [](float64x2_t v) { return vmulq_f64(v, vcvt_f64_f32(vcvt_f32_f64(sigmoid_of(v)))); });
        return true;
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
