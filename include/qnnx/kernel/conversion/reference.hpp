// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of Quantize, Dequantize, Convert and Cast.
//   quantize    rne, half_up: q = clamp(round(double(x) / double(scale)) - offset); tflite: the quotient is a float and
//               halves go away from zero (AffineQuantize). NaN gives real 0.
//   dequantize  x = float((q + offset) * double(scale)), exact but for the one rounding to float
//   requantize  q = clamp(zero + round((q + offset) * s_in / s_out)) as in numeric/requantize.hpp
// Constants: lowest and highest stored value (a bit-width encoding narrows them), multiplier. Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/op/convert.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

struct conversion_words {
  static constexpr int count = 4;  // lo, hi, mantissa, exponent

  template <class Rounding>
  static constexpr void make(const node_facts& f, Rounding r, std::int32_t* w) {
    const tensor_desc& x = f.c.in(0);
    const tensor_desc& y = f.c.out(0);
    for (int i = 0; i < count; ++i) w[i] = 0;
    if (!is_fixed(y.type)) return;
    const int bits = y.enc.bits && y.enc.bits < bits_of(y.type) ? y.enc.bits : bits_of(y.type);
    const bool sign = is_signed_fixed(y.type);
    w[0] = sign ? static_cast<std::int32_t>(-(std::int64_t{1} << (bits - 1))) : 0;
    w[1] = static_cast<std::int32_t>((std::int64_t{1} << (sign ? bits - 1 : bits)) - 1);
    if (!is_fixed(x.type) || f.in[0].scales || f.out[0].scales) return;
    const multiplier m = make_multiplier(static_cast<double>(f.in[0].scale) / static_cast<double>(f.out[0].scale), r);
    w[2] = m.mantissa;
    w[3] = m.exponent;
  }
};

/// Index of the scale that element i uses.
template <class View>
constexpr std::int64_t channel_of(const View& v, std::int64_t i) {
  if (!v.q->scales || v.q->axis < 0) return 0;
  return i / v.ext.product(v.q->axis + 1, v.rank()) % v.extent(v.q->axis);
}

template <class Rounding>
constexpr std::int32_t quantize_value(float x, float scale, std::int32_t offset, std::int32_t lo, std::int32_t hi,
                                      Rounding r) {
  const double quotient = r.mode() == rounding_mode::tflite ? static_cast<double>(x / scale)
                                                            : static_cast<double>(x) / static_cast<double>(scale);
  const std::int64_t n = clamp<std::int64_t>(round_real(quotient, r), -(std::int64_t{1} << 40), std::int64_t{1} << 40);
  return static_cast<std::int32_t>(clamp<std::int64_t>(n - offset, lo, hi));
}
constexpr float dequantize_value(std::int64_t q, float scale, std::int32_t offset) {
  return static_cast<float>(static_cast<double>(q + offset) * static_cast<double>(scale));
}

/// Element i of x in the type and encoding of y.
template <class X, class Y, class Rounding>
QNNX_INLINE void convert_element(const X& x, const Y& y, std::int64_t i, const std::int32_t* w, Rounding r) {
  using In = typename X::type;
  using Out = typename Y::type;
  if constexpr (is_fixed_v<In> && is_fixed_v<Out>) {
    if constexpr (bits_of(In::code) <= 16) {
      y.store(i, requantize(x.load(i) + x.offset(), multiplier{w[2], w[3]}, y.zero(), w[0], w[1], r));
    } else {  // a 32-bit value times a 24-bit multiplier fits int64
      y.store(i, requantize(static_cast<std::int64_t>(x.load(i)) + x.offset(), multiplier{w[2], w[3]}, y.zero(), w[0],
                            w[1], r));
    }
  } else if constexpr (is_fixed_v<In>) {
    const std::int64_t c = channel_of(x, i);
    const float real = dequantize_value(x.load(i), x.q->scale_at(c), x.q->offset_at(c));
    if constexpr (is_float_v<Out>)
      y.store(i, real);
    else
      y.store(i, saturate<typename Out::storage>(round_real(static_cast<double>(real), r)));
  } else if constexpr (is_fixed_v<Out>) {
    const std::int64_t c = channel_of(y, i);
    if constexpr (is_float_v<In>) {
      y.store(i, quantize_value(x.load(i), y.q->scale_at(c), y.q->offset_at(c), w[0], w[1], r));
    } else {
      const std::int64_t n = round_real(static_cast<double>(x.load(i)) / static_cast<double>(y.q->scale_at(c)), r);
      y.store(i, static_cast<std::int32_t>(clamp<std::int64_t>(
                     clamp<std::int64_t>(n, -(std::int64_t{1} << 40), std::int64_t{1} << 40) - y.q->offset_at(c), w[0],
                     w[1])));
    }
  } else if constexpr (is_float_v<In> && !is_float_v<Out>) {
    y.store(i, saturate<typename Out::storage>(round_real(static_cast<double>(x.load(i)), r)));
  } else if constexpr (is_float_v<Out>) {
    y.store(i, static_cast<float>(x.load(i)));
  } else {
    y.store(i, x.load(i));
  }
}

template <class Params>
struct convert_kernel {
  static constexpr std::int64_t constant_words(const node_facts&, const Params&) { return conversion_words::count; }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const Params&, Rounding r, std::int32_t* out) {
    conversion_words::make(f, r, out);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const Params&, int input) {
    const bool packed =
        bits_of(f.c.in(0).type) < 8 || bits_of(f.c.out(0).type) < 8;  // packed values are read and written in pairs
    return packed ? -1 : elementwise_overlap(f.c, input);
  }
  static constexpr int independent_dims(const node_facts& f, const Params&) { return every_dim(f); }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if constexpr (is_packed_v<typename Call::out_type>) {
      if (y.size() % 2) y.data[y.size() / 2] = 0;  // the unused half of the last byte
    }
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) convert_element(x, y, i, c.constants(), c.rounding());
  }
};
template <>
struct impl<op::quantize, isa::reference> : convert_kernel<op::quantize::params> {};
template <>
struct impl<op::dequantize, isa::reference> : convert_kernel<op::dequantize::params> {};
template <>
struct impl<op::convert, isa::reference> : convert_kernel<op::convert::params> {};

/// A stored value in another type: truncated and saturated from float, wrapped from integer.
template <class Out, class V>
constexpr typename Out::storage cast_value(V v) {
  using storage = typename Out::storage;
  if constexpr (Out::code == dtype::bool_8) {
    return static_cast<storage>(v != 0 ? 1 : 0);
  } else if constexpr (is_float_v<Out>) {
    return static_cast<storage>(static_cast<float>(v));
  } else if constexpr (std::is_same_v<V, float>) {
    if (!(v == v)) return 0;
    if (v >= 9.2e18f) return saturate<storage>(INT64_MAX);
    if (v <= -9.2e18f) return saturate<storage>(INT64_MIN);
    return saturate<storage>(static_cast<std::int64_t>(v));
  } else {
    return static_cast<storage>(v);
  }
}
template <>
struct impl<op::cast, isa::reference> {
  static constexpr std::int64_t overlap(const node_facts& f, const op::cast::params&, int input) {
    return elementwise_overlap(f.c, input);
  }
  static constexpr int independent_dims(const node_facts& f, const op::cast::params&) { return every_dim(f); }
  template <class Call>
  static void run(const Call& c) {
    using Out = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) y.data[i] = cast_value<Out>(x.load(i));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
