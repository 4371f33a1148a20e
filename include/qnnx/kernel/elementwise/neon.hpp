// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd, Subtract, Multiply, Maximum and Minimum with NEON on floats, 8- and 16-bit data, broadcasts as rows.
//   add, subtract  tflite: three scalings; else the sum of two products (32 bits for 8-bit data, 64 for 16-bit) and one
//                  rounding shift
//   multiply       the product of the two numbers, scaled, where it fits 32 bits
//   maximum, minimum  both scaled and compared; of one encoding the stored values are compared
// Zero points outside of the type and shifts outside of a lane run the reference. Layer 5a.

#include "qnnx/kernel/elementwise/binary.hpp"
#include "qnnx/kernel/neon/elements.hpp"
#include "qnnx/kernel/neon/requantize.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

template <class Op, op::binary What>
struct binary_kernel : answers_as<Op> {
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = is_of_one_type<Sig>;

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    if constexpr (is_float_v<T>) {
      const float_activation act(c.epi());
      each_pair<4>(a, b, y, [&](const float* pa, const float* pb, float* to) {
        vst1q_f32(to, act(of_floats(vld1q_f32(pa), vld1q_f32(pb))));
      });
    } else {
      if (!has_zero(a) || !has_zero(b) || !has_zero(y)) return reference::run(c);
      bool done = false;
      if constexpr (What == op::binary::add || What == op::binary::subtract) done = sums(c);
      else if constexpr (What == op::binary::multiply) done = products(c);
      else done = choices(c);
      if (!done) reference::run(c);
    }
  }

 private:
  static QNNX_INLINE float32x4_t of_floats(float32x4_t a, float32x4_t b) {
    if constexpr (What == op::binary::add) return vaddq_f32(a, b);
    else if constexpr (What == op::binary::subtract) return vsubq_f32(a, b);
    else if constexpr (What == op::binary::multiply) return vmulq_f32(a, b);
    else if constexpr (What == op::binary::maximum) return vbslq_f32(vcltq_f32(a, b), b, a);
    else return vbslq_f32(vcltq_f32(b, a), b, a);
  }
  /// f(four numbers of each operand) gives four results without zero point.
  template <class Call, class F>
  static QNNX_INLINE void each(const Call& c, F&& f) {
    using T = typename Call::out_type;
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    const reader<T> read_a(a.offset()), read_b(b.offset());
    const writer<T> write(y.zero(), c.constants()[0], c.constants()[1]);
    using storage = typename T::storage;
    each_pair<chunk<T>>(a, b, y, [&](const storage* pa, const storage* pb, storage* to) {
      const numbers<T> va = read_a(pa), vb = read_b(pb);
      numbers<T> q;
#pragma GCC unroll 4
      for (int i = 0; i < numbers<T>::count; ++i) q.v[i] = f(va.v[i], vb.v[i]);
      write(to, q);
    });
  }

  template <class Call>
  static bool sums(const Call& c) {
    constexpr bool minus = What == op::binary::subtract, wide = bits_of(Call::out_type::code) == 16;
    const std::int32_t* k = c.constants() + 2;
    const std::int32_t shift = k[6];
    if (c.rounding().mode() == rounding_mode::tflite) {
      const doubled_scaler fa(multiplier{k[0], k[1]}), fb(multiplier{k[2], k[3]}), fy(multiplier{k[4], k[5]});
      each(c, [&](int32x4_t a, int32x4_t b) {
        constexpr int left = wide ? 15 : 20;
        const int32x4_t sa = fa(vshlq_n_s32(a, left)), sb = fb(vshlq_n_s32(b, left));
        return fy(minus ? vsubq_s32(sa, sb) : vaddq_s32(sa, sb));
      });
      return true;
    }
    if (shift < 1 || shift > (wide ? 62 : 31)) return false;
    const bool even = c.rounding().mode() == rounding_mode::rne;
    const std::int32_t second = minus ? -k[2] : k[2];
    if constexpr (wide) {
      const int32x2_t m0 = vdup_n_s32(k[0]), m1 = vdup_n_s32(second);
      const int64x2_t right = vdupq_n_s64(-shift);
      const auto one = [&](int32x2_t a, int32x2_t b) {
        const int64x2_t sum = vmlal_s32(vmull_s32(a, m0), b, m1);
        return vqmovn_s64(vrshlq_s64(even ? before_even_shift(sum, right) : sum, right));
      };
      each(c, [&](int32x4_t a, int32x4_t b) {
        return vcombine_s32(one(vget_low_s32(a), vget_low_s32(b)), one(vget_high_s32(a), vget_high_s32(b)));
      });
    } else {
      const int32x4_t m0 = vdupq_n_s32(k[0]), m1 = vdupq_n_s32(second), right = vdupq_n_s32(-shift);
      each(c, [&](int32x4_t a, int32x4_t b) {
        const int32x4_t sum = vmlaq_s32(vmulq_s32(a, m0), b, m1);
        return vrshlq_s32(even ? before_even_shift(sum, right) : sum, right);
      });
    }
    return true;
  }

  /// The largest magnitude of the numbers of an operand.
  template <class View>
  static std::int64_t largest(const View& v) {
    const std::int64_t low = min_value(View::type::code) + v.offset(), high = max_value(View::type::code) + v.offset();
    return -low > high ? -low : high;
  }
  template <class Call>
  static bool products(const Call& c) {
    const std::int64_t most = largest(c.template in<0>()) * largest(c.template in<1>());
    if (most >= std::int64_t{1} << 31) return false;
    const std::int32_t* k = c.constants();
    return with_scalers(std::array{multiplier{k[2], k[3]}}, most, c.rounding(), [&](const auto& scale) {
      each(c, [&](int32x4_t a, int32x4_t b) { return scale[0](vmulq_s32(a, b)); });
    });
  }

  template <class Call>
  static bool choices(const Call& c) {
    constexpr bool larger = What == op::binary::maximum;
    using T = typename Call::out_type;
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    if (a.scale() == y.scale() && b.scale() == y.scale() && a.offset() == y.offset() && b.offset() == y.offset()) {
      each(c, [&](int32x4_t va, int32x4_t vb) { return larger ? vmaxq_s32(va, vb) : vminq_s32(va, vb); });
      return true;
    }
    const std::int32_t* k = c.constants();
    return with_scalers(std::array{multiplier{k[2], k[3]}, multiplier{k[4], k[5]}}, 1 << bits_of(T::code), c.rounding(),
                        [&](const auto& scale) {
                          each(c, [&](int32x4_t va, int32x4_t vb) {
                            const int32x4_t qa = scale[0](va), qb = scale[1](vb);
                            return larger ? vmaxq_s32(qa, qb) : vminq_s32(qa, qb);
                          });
                        });
  }
};

}  // namespace neon

template <>
struct impl<op::elementwise_add, isa::neon> : neon::binary_kernel<op::elementwise_add, op::binary::add> {};
template <>
struct impl<op::elementwise_subtract, isa::neon> : neon::binary_kernel<op::elementwise_subtract, op::binary::subtract> {
};
template <>
struct impl<op::elementwise_multiply, isa::neon> : neon::binary_kernel<op::elementwise_multiply, op::binary::multiply> {
};
template <>
struct impl<op::elementwise_maximum, isa::neon> : neon::binary_kernel<op::elementwise_maximum, op::binary::maximum> {};
template <>
struct impl<op::elementwise_minimum, isa::neon> : neon::binary_kernel<op::elementwise_minimum, op::binary::minimum> {};

/// Whichever of these the parameters name.
template <>
struct impl<op::elementwise_binary, isa::neon> : answers_as<op::elementwise_binary> {
  template <class Sig>
  static constexpr bool supports = neon::is_of_one_type<Sig>;

  template <class Call>
  static void run(const Call& c) {
    using op::binary;
    switch (c.params().operation) {
      case binary::add: return as<binary::add>(c);
      case binary::subtract: return as<binary::subtract>(c);
      case binary::multiply: return as<binary::multiply>(c);
      case binary::maximum: return as<binary::maximum>(c);
      case binary::minimum: return as<binary::minimum>(c);
      default: return reference::run(c);
    }
  }

 private:
  template <op::binary What, class Call>
  static void as(const Call& c) {
    neon::binary_kernel<op::elementwise_binary, What>::run(c);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
