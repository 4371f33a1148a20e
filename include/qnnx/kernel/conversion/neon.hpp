// SPDX-License-Identifier: Apache-2.0
#pragma once
// Quantize, Dequantize and Convert with NEON between floats, 8- and 16-bit data of one scale a tensor.
//   quantize    tflite: the quotient is a float and rounds away from zero in one instruction; else pairs of doubles
//   dequantize  the product of two floats: (q + offset) and the scale have 17 and 24 bits, so one rounding either way
//   convert     of integers: neon/requantize.hpp
// Bits equal the reference's. Layer 5a.

#include "qnnx/kernel/conversion/reference.hpp"
#include "qnnx/kernel/neon/doubles.hpp"
#include "qnnx/kernel/neon/requantize.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

template <class Sig>
inline constexpr bool is_conversion = false;
template <class Y, class X>
inline constexpr bool is_conversion<Y(X)> = is_known<X> && is_known<Y> && (is_narrow<X> || is_narrow<Y>);

template <class Op>
struct conversion_kernel : answers_as<Op> {
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = is_conversion<Sig>;

  template <class Call>
  static void run(const Call& c) {
    using X = typename Call::template in_type<0>;
    using Y = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (x.q->scales || y.q->scales) return reference::run(c);
    if constexpr (is_float_v<Y>) {
      if (!has_zero(x)) return reference::run(c);
      const float32x4_t scale = vdupq_n_f32(x.scale());
      each<X>(c, [&](int32x4_t q) { return vmulq_f32(vcvtq_f32_s32(q), scale); });
    } else if constexpr (is_float_v<X>) {
      if (!has_zero(y)) return reference::run(c);
      const real_rounding round(c.rounding());
      const float32x4_t scale = vdupq_n_f32(y.scale());
      const float64x2_t wide = vdupq_n_f64(static_cast<double>(y.scale()));
      if (c.rounding().mode() == rounding_mode::tflite)
        each<X>(c, [&](float32x4_t v) { return vcvtaq_s32_f32(vdivq_f32(v, scale)); });
      else
        each<X>(c, [&](float32x4_t v) {
          return round(both(real_numbers(v), [&](float64x2_t r) { return vdivq_f64(r, wide); }));
        });
    } else {
      const std::int32_t* k = c.constants();
      const auto scaled = [&](const auto& scale) { each<X>(c, [&](int32x4_t q) { return scale[0](q); }); };
      if (!has_zero(x) || !has_zero(y) ||
          !with_scalers(std::array{multiplier{k[2], k[3]}}, 1 << bits_of(X::code), c.rounding(), scaled))
        reference::run(c);
    }
  }

 private:
  static constexpr std::int32_t step = 16;  // elements of a chunk of either type
  template <class T>
  static constexpr std::int32_t own = is_float_v<T> ? 4 : chunk<T>;

  template <class X, class Call, class F>
  static QNNX_INLINE void each(const Call& c, F&& f) {
    using Y = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    each_chunk<step>(x.data, y.data, y.size(), [&](const typename X::storage* from, typename Y::storage* to) {
      std::invoke_result_t<F, std::conditional_t<is_float_v<X>, float32x4_t, int32x4_t>> out[step / 4];
      if constexpr (is_float_v<X>) {
#pragma GCC unroll 4
        for (int i = 0; i < step / 4; ++i) out[i] = f(vld1q_f32(from + 4 * i));
      } else {
        const reader<X> read(x.offset());
#pragma GCC unroll 2
        for (int i = 0; i < step / own<X>; ++i) {
          const numbers<X> q = read(from + own<X> * i);
#pragma GCC unroll 4
          for (int j = 0; j < numbers<X>::count; ++j) out[i * numbers<X>::count + j] = f(q.v[j]);
        }
      }
      if constexpr (is_float_v<Y>) {
#pragma GCC unroll 4
        for (int i = 0; i < step / 4; ++i) vst1q_f32(to + 4 * i, out[i]);
      } else {
        const writer<Y> write(y.zero(), c.constants()[0], c.constants()[1]);
#pragma GCC unroll 2
        for (int i = 0; i < step / own<Y>; ++i) {
          numbers<Y> q;
#pragma GCC unroll 4
          for (int j = 0; j < numbers<Y>::count; ++j) q.v[j] = out[i * numbers<Y>::count + j];
          write(to + own<Y> * i, q);
        }
      }
    });
  }
};

}  // namespace neon

template <>
struct impl<op::quantize, isa::neon> : neon::conversion_kernel<op::quantize> {};
template <>
struct impl<op::dequantize, isa::neon> : neon::conversion_kernel<op::dequantize> {};
template <>
struct impl<op::convert, isa::neon> : neon::conversion_kernel<op::convert> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
