// SPDX-License-Identifier: Apache-2.0
#pragma once
// Quantize, Dequantize and Convert between floats (of 32 or 16 bits) and 8- or 16-bit data of one scale, and between
// encodings of 8 and 16 bits; Convert and Cast between floats of 32 and of 16 bits. On vectors V. The reference's bits.
//   quantize    tflite: the float quotient, halves away from zero. Others: x * (1 / scale) in float decides the integer
//               unless a lane lies within 2^-13 of a tie; then the vector is divided in double, as the reference does.
//               For |x / scale| < 2^10 the product is wrong by less than 2^-13; beyond, 8-bit results saturate.
//               To 16 bits: divided in double
//   dequantize  (q + offset) is exact as a float: one multiplication rounds once, and once more to 16 bits
// Layer 5a.

#include "qnnx/kernel/conversion/reference.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// round(x / scale) as int32, within +-2^20.
template <class V>
class quantizer {
  using floats = typename V::floats;
  using doubles = typename V::doubles;
  using words = typename V::words;

 public:
  quantizer(float scale, rounding_mode mode) : scale_(scale), mode_(mode), inverse_(V::all(1.0f / scale)) {}
  QNNX_INLINE words operator()(floats x) const {
    x = number(x);
    if (mode_ == rounding_mode::tflite) return divided(x);
    const floats q = bounded(V::mul(x, inverse_));
    const floats whole = V::template rounded<_MM_FROUND_TO_NEAREST_INT>(q);
    if (V::any(close_to_tie(q, whole))) [[unlikely]] return exact(x);
    return V::to_words(whole);
  }
  /// For results of more than 10 bits.
  QNNX_INLINE words wide(floats x) const { return mode_ == rounding_mode::tflite ? divided(number(x)) : exact(number(x)); }

  /// rne, as many blocks of four vectors as there are: bytes clamped to [lo, hi] + zero. The sum with 1.5 * 2^23 has
  /// the rounded quotient in its low bits, and orders as an integer whatever its size; a block with a lane close to a
  /// tie, without number or beyond 2^22 is done again by the exact form.
  template <class Real, class Byte>
  std::int64_t blocks(const Real* x, Byte* y, std::int64_t n, std::int32_t lo, std::int32_t hi, std::int32_t zero) const {
    const floats magic = V::all(12582912.0f);
    const words low = V::add(V::bits_of(magic), V::all(lo));
    const words high = V::add(V::bits_of(magic), V::all(hi));
    const words zero8 = V::all_bytes(zero);
    std::int64_t i = 0;
    for (; i + V::byte_lanes <= n; i += V::byte_lanes) {
      words q[4];
      const auto part = [&](int v) {
        const floats p = V::mul(V::load(x + i + V::lanes * v), inverse_);
        const floats sum = V::add(p, magic);
        q[v] = V::min(V::max(V::bits_of(sum), low), high);
        return V::template compare<_CMP_NLE_UQ>(V::abs(V::sub(p, V::sub(sum, magic))), V::all(0.5f - 0x1p-13f));
      };
      auto ties = part(0);
#pragma GCC unroll 3
      for (int v = 1; v < 4; ++v) ties = V::either(ties, part(v));
      if (V::any(ties)) [[unlikely]]
        for (int v = 0; v < 4; ++v)
          q[v] = V::min(V::max((*this)(V::load(x + i + V::lanes * v)), V::all(lo)), V::all(hi));
      V::store_vector(y + i, V::add_bytes(V::low_bytes(q), zero8));
    }
    return i;
  }

 private:
  static QNNX_INLINE floats number(floats x) { return V::keep(V::template compare<_CMP_ORD_Q>(x, x), x); }  // NaN is 0
  static QNNX_INLINE floats bounded(floats v) { return V::min(V::max(v, V::all(-1048576.0f)), V::all(1048576.0f)); }
  static QNNX_INLINE auto close_to_tie(floats q, floats whole) {
    return V::template compare<_CMP_GT_OQ>(V::abs(V::sub(q, whole)), V::all(0.5f - 0x1p-13f));
  }
  /// TFLite's: the quotient is a float, halves go away from zero.
  QNNX_INLINE words divided(floats x) const {
    const floats q = bounded(V::div(x, V::all(scale_)));
    const floats whole = V::template rounded<_MM_FROUND_TO_ZERO>(q);
    const floats rest = V::sub(q, whole);
    const auto up = V::template compare<_CMP_GE_OQ>(V::abs(rest), V::all(0.5f));
    return V::to_words_truncated(V::select(up, V::add(whole, V::with_sign_of(V::all(1.0f), rest)), whole));
  }
  QNNX_INLINE words exact(floats x) const {
    const doubles low = rounded(V::low_half(x));
    const doubles high = rounded(V::high_half(x));
    return mode_ == rounding_mode::rne ? V::to_words(low, high) : V::to_words_truncated(low, high);
  }
  QNNX_INLINE doubles rounded(doubles x) const {
    const doubles q = V::min(V::max(V::div(x, V::all(static_cast<double>(scale_))), V::all(-1048576.0)), V::all(1048576.0));
    if (mode_ == rounding_mode::rne) return q;
    const doubles floor = V::template rounded<_MM_FROUND_TO_NEG_INF>(q);
    const auto up = V::template compare<_CMP_GE_OQ>(V::sub(q, floor), V::all(0.5));
    return V::select(up, V::add(floor, V::all(1.0)), floor);
  }
  float scale_;
  rounding_mode mode_;
  floats inverse_;
};

template <class V, class T, class Part>
QNNX_INLINE typename V::words load_fixed(Part part, const typename T::storage* p) {
  if constexpr (bits_of(T::code) == 8) return V::template load_bytes<is_signed_fixed(T::code)>(part, p);
  else return V::template load_halves<is_signed_fixed(T::code)>(part, p);
}

template <class T>
inline constexpr bool is_byte_data = is_fixed_v<T> && bits_of(T::code) == 8;
template <class T>
inline constexpr bool is_narrow_data = is_byte_data<T> || is_half_data<T>;
template <class T>
inline constexpr bool is_real_type = std::is_same_v<T, types::f32> || std::is_same_v<T, types::f16>;
template <class Sig>
struct conversion_types;
template <class Out, class In>
struct conversion_types<Out(In)> {
  static constexpr bool quantizes = is_narrow_data<Out> && is_real_type<In>;
  static constexpr bool dequantizes = is_real_type<Out> && is_narrow_data<In>;
  static constexpr bool resizes = is_real_type<Out> && is_real_type<In> && !std::is_same_v<Out, In>;  // floats of 32 and 16 bits
  static constexpr bool rescales = is_narrow_data<Out> && is_narrow_data<In>;
};

template <class Op, class V>
struct conversion_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = conversion_types<Sig>::resizes || (!std::is_same_v<Op, op::cast> && (conversion_types<Sig>::quantizes || conversion_types<Sig>::dequantizes ||
                                                                                                       conversion_types<Sig>::rescales));

  template <class Call>
  static void run(const Call& c) {
    using In = typename Call::template in_type<0>;
    using kind = conversion_types<typename Call::out_type(In)>;
    const auto x = c.template in<0>();
    const auto y = c.out();
    if constexpr (kind::resizes) {
      V::each(y.size(), [&](std::int64_t i, auto part) { V::store(part, y.data + i, V::load(part, x.data + i)); });
    } else {
      run_scaled(c, x, y);
    }
  }

 private:
  template <class Call, class X, class Y>
  static void run_scaled(const Call& c, const X& x, const Y& y) {
    using In = typename Call::template in_type<0>;
    using Out = typename Call::out_type;
    using kind = conversion_types<Out(In)>;
    using words = typename V::words;
    if (x.q->scales || y.q->scales) return reference::run(c);
    if constexpr (is_half_data<In>)
      if (!has_real_zero(x)) return reference::run(c);
    if constexpr (is_half_data<Out>)
      if (!has_real_zero(y)) return reference::run(c);  // numbers and quotients have at most 17 bits
    const std::int32_t* w = c.constants();
    const std::int64_t n = y.size();
    if constexpr (kind::dequantizes) {
      const words offset = V::all(x.offset());
      const auto scale = V::all(x.scale());
      V::each(n, [&](std::int64_t i, auto part) {
        const words q = V::add(load_fixed<V, In>(part, x.data + i), offset);
        V::store(part, y.data + i, V::mul(V::to_floats(q), scale));
      });
    } else {
      const std::int32_t least = w[0] - y.zero();
      const std::int32_t most = w[1] - y.zero();
      const words lo = V::all(least);
      const words hi = V::all(most);
      const words zero = V::all(y.zero());
      const auto store = [&](std::int64_t i, auto part, words q) {
        const words cut = V::add(V::min(V::max(q, lo), hi), zero);
        if constexpr (is_half_data<Out>) V::store_low_halves(part, y.data + i, cut);
        else V::store_low_bytes(part, y.data + i, cut);
      };
      if constexpr (kind::quantizes && is_half_data<Out>) {
        const quantizer<V> quantize(y.scale(), c.rounding().mode());
        V::each(n, [&](std::int64_t i, auto part) { store(i, part, quantize.wide(V::load(part, x.data + i))); });
      } else if constexpr (kind::quantizes) {
        const quantizer<V> quantize(y.scale(), c.rounding().mode());
        std::int64_t from = 0;
        if (c.rounding().mode() == rounding_mode::rne) from = quantize.blocks(x.data, y.data, n, least, most, y.zero());
        V::each(n - from, [&](std::int64_t i, auto part) { store(from + i, part, quantize(V::load(part, x.data + from + i))); });
      } else {
        const vector_multiplier v = vector_form({w[2], w[3]}, c.rounding().mode());
        const words offset = V::all(x.offset());
        const auto each = [&](const auto& scale) {
          V::each(n, [&](std::int64_t i, auto part) { store(i, part, scale(V::add(load_fixed<V, In>(part, x.data + i), offset))); });
        };
        if (v.rne_fits) {
          const auto m = V::all(v.factor);
          each([&](words q) { return scale_rne(q, m); });
        } else if (v.shifted_fits) {
          each(typename shifted_scale_of<V::lanes>::type(V::all(v.mantissa), V::all(v.shift), c.rounding().mode() == rounding_mode::tflite));
        } else {
          bool done = false;
          if constexpr (is_half_data<In> || is_half_data<Out>)
            done = with_scale<V>({w[2], w[3]}, c.rounding().mode(), 0x1p16, each);
          if (!done) reference::run(c);
        }
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
