// SPDX-License-Identifier: Apache-2.0
#pragma once
// Prelu on vectors V, the reference's bits: y = x, below 0 x times a slope.
//   float    one multiplication, of which the better half is kept; of 16 bits: rounded once more
//   8 bit    x k in floats, k = s_x / s_y or s_x s_slope slope / s_y: wrong by less than 2^-12 where |x k| < 2^9 and beyond
//            that far outside of the type. It decides the integer but within 2^-11 of a tie, where the reference's
//            operations do
//   16 bit   those: products and quotients of doubles, rounded as there
//   tflite   32-bit products, scaled by one of two multipliers; 16-bit slopes run the reference
// Broadcasts are walked as rows in which an operand is contiguous or constant. Layer 5a.

#include "qnnx/kernel/elementwise/broadcast_rows.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V>
struct prelu_kernel : answers_as<op::prelu> {
  using params = no_params;
  using reference = impl<op::prelu, isa::reference>;
  using floats = typename V::floats;
  using doubles = typename V::doubles;
  using words = typename V::words;

  template <class Sig>
  static constexpr bool supports = is_float_v<typename qnnx::detail::signature_types<Sig>::out> ||
                                   is_fixed_v<typename qnnx::detail::signature_types<Sig>::out>;

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto slope = c.template in<1>();
    const auto y = c.out();
    const broadcast_rows rows(x, slope, y);
    if (rows.length < 4) return reference::run(c);
    if constexpr (is_float_v<typename Call::out_type>) {
      rows.each(x, slope, y, [&](std::int64_t i, std::int64_t ix, std::int64_t is) {
        const auto load = [](auto part, const auto* p, bool fixed, std::int64_t k) { return fixed ? V::all(static_cast<float>(*p)) : V::load(part, p + k); };
        V::each(rows.length, [&](std::int64_t k, auto part) {
          const floats v = load(part, x.data + ix, rows.fixed_a, k);
          const floats bent = V::mul(v, load(part, slope.data + is, rows.fixed_b, k));
          V::store(part, y.data + i + k, V::select(V::template compare<_CMP_LT_OQ>(v, V::all(0.0f)), bent, v));
        });
      });
    } else {
      if (!has_real_zero(x) || !has_real_zero(slope) || !has_real_zero(y) || !fixed_rows(c, rows)) reference::run(c);
    }
  }

 private:
  template <class T, class Part>
  static QNNX_INLINE words load_number(Part part, const typename T::storage* p, bool fixed, std::int64_t k) {
    if (fixed) return V::all(static_cast<std::int32_t>(*p));
    if constexpr (bits_of(T::code) == 8) return V::template load_bytes<is_signed_fixed(T::code)>(part, p + k);
    else return V::template load_halves<is_signed_fixed(T::code)>(part, p + k);
  }
  /// combine(numbers of x, of the slope) for every result.
  template <class Call, class Combine>
  static void each_number(const Call& c, const broadcast_rows& rows, const Combine& combine) {
    using X = typename Call::template in_type<0>;
    using S = typename Call::template in_type<1>;
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto slope = c.template in<1>();
    const auto y = c.out();
    const words offset_x = V::all(x.offset()), offset_s = V::all(slope.offset()), zero = V::all(y.zero());
    const words lo = V::all(static_cast<std::int32_t>(min_value(T::code)) - y.zero()), hi = V::all(static_cast<std::int32_t>(max_value(T::code)) - y.zero());
    rows.each(x, slope, y, [&](std::int64_t i, std::int64_t ix, std::int64_t is) {
      V::each(rows.length, [&](std::int64_t k, auto part) {
        const words q = V::add(load_number<X>(part, x.data + ix, rows.fixed_a, k), offset_x);
        const words s = V::add(load_number<S>(part, slope.data + is, rows.fixed_b, k), offset_s);
        const words r = V::add(V::min(V::max(combine(q, s), lo), hi), zero);
        if constexpr (bits_of(T::code) == 8) V::store_low_bytes(part, y.data + i + k, r);
        else V::store_low_halves(part, y.data + i + k, r);
      });
    });
  }
  /// False: the reference has to do it.
  template <class Call>
  static bool fixed_rows(const Call& c, const broadcast_rows& rows) {
    const auto x = c.template in<0>();
    const auto slope = c.template in<1>();
    const auto y = c.out();
    const rounding_mode mode = c.rounding().mode();
    constexpr bool bytes = bits_of(Call::out_type::code) == 8;
    if (mode == rounding_mode::tflite) {
      if (bits_of(Call::template in_type<1>::code) != 8) return false;
      const std::int32_t* k = c.constants();
      const vector_multiplier keep = vector_form({k[0], k[1]}, mode), bend = vector_form({k[2], k[3]}, mode);
      if (!keep.shifted_fits || !bend.shifted_fits) return false;
      using shifted = typename shifted_scale_of<V::lanes>::type;
      const shifted kept(V::all(keep.mantissa), V::all(keep.shift), true), bent(V::all(bend.mantissa), V::all(bend.shift), true);
      each_number(c, rows, [&](words q, words s) {
        const words below = V::shifted_right(q, _mm_cvtsi32_si128(31));  // -1 or 0
        const words straight = kept(q), turned = bent(V::mul(q, s));
        return V::add(straight, V::and_bits(below, V::sub(turned, straight)));
      });
      return true;
    }
    const doubles unit_x = V::all(static_cast<double>(x.scale())), unit_s = V::all(static_cast<double>(slope.scale())), unit_y = V::all(static_cast<double>(y.scale()));
    const real_rounding<V> round(mode);
    const auto exact = [&](words q, words s) {
      return by_doubles<V>(q, s, [&](doubles a, doubles b) {
        const doubles v = V::mul(a, unit_x);
        const doubles r = V::select(V::template compare<_CMP_LT_OQ>(v, V::all(0.0)), V::mul(v, V::mul(b, unit_s)), v);
        return round(V::div(r, unit_y));
      });
    };
    if constexpr (bytes) {
      const double step = static_cast<double>(x.scale()) / static_cast<double>(y.scale()), turn = step * static_cast<double>(slope.scale());
      if (!(step < 0x1p100 && turn < 0x1p100)) return false;  // 0 k has to be 0
      const floats keep = V::all(static_cast<float>(step)), bend = V::all(static_cast<float>(turn));
      each_number(c, rows, [&](words q, words s) {
        const floats v = V::to_floats(q);
        const floats k = V::select(V::template compare<_CMP_LT_OQ>(v, V::all(0.0f)), V::mul(V::to_floats(s), bend), keep);
        const floats near = V::min(V::max(V::mul(v, k), V::all(-0x1p20f)), V::all(0x1p20f));
        const floats whole = V::template rounded<_MM_FROUND_TO_NEAREST_INT>(near);
        if (V::any(V::template compare<_CMP_NLE_UQ>(V::abs(V::sub(near, whole)), V::all(0.5f - 0x1p-11f)))) [[unlikely]] return exact(q, s);
        return V::to_words(whole);
      });
    } else {
      each_number(c, rows, exact);
    }
    return true;
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
