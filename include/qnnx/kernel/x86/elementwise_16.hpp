// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd and the forms of ElementWiseBinary on 16-bit data, vectors V; the reference's bits.
//   add, subtract     a m0 + b m1 + what the offsets give has 49 bits: exact in doubles, 2^-shift in the multipliers
//   multiply          the product of two numbers has 34 bits, one rounding of its scaled value
//   maximum, minimum  of one encoding the numbers themselves; else both scaled
//   divide, squared_difference   the reference's operations in doubles
//   tflite            the shifted products of requantize.hpp, in 32 bits as TFLite's
// Other operations, zero points outside of the type and multipliers whose results no word holds run the reference.
// Layer 5a.

#include "qnnx/kernel/elementwise/binary.hpp"
#include "qnnx/kernel/elementwise/broadcast_rows.hpp"
#include "qnnx/kernel/x86/halves.hpp"
#include "qnnx/kernel/x86/requantize.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// A row of two operands, each contiguous or one value: combine() sees numbers without offsets.
template <class V, bool Signed, class Combine>
QNNX_INLINE void half_row(const std::uint16_t* a, bool fixed_a, const std::uint16_t* b, bool fixed_b, std::uint16_t* y, std::int64_t n,
                          const number_writer<V, Signed>& write, const Combine& combine) {
  // one value fills a vector that is read again and again: one loop for all kinds of rows
  std::uint16_t still_a[V::half_lanes], still_b[V::half_lanes];
  if (fixed_a) V::store_vector(still_a, V::all_halves(*a));
  if (fixed_b) V::store_vector(still_b, V::all_halves(*b));
  const std::uint16_t* from_a = fixed_a ? still_a : a;
  const std::uint16_t* from_b = fixed_b ? still_b : b;
  const std::int64_t moving_a = fixed_a ? 0 : -1, moving_b = fixed_b ? 0 : -1;
  V::each_halves(n, [&](std::int64_t i, auto part) {
    const two_words<V> p = load_numbers<V, Signed>(part, from_a + (i & moving_a)), q = load_numbers<V, Signed>(part, from_b + (i & moving_b));
    write(part, y + i, combine(p.even, q.even), combine(p.odd, q.odd));
  });
}

/// add_quantized() but TFLite's. Far beyond any result it is kept within a word.
template <class V, bool Even>
struct sum_of_halves {
  using words = typename V::words;
  using doubles = typename V::doubles;
  doubles m0, m1, constant;

  sum_of_halves(const std::int32_t* k, std::int32_t offset_a, std::int32_t offset_b, bool subtract) {
    const double a = value_of({k[0], -k[6]}), b = subtract ? -value_of({k[2], -k[6]}) : value_of({k[2], -k[6]});
    m0 = V::all(a), m1 = V::all(b);
    constant = V::all(a * offset_a + b * offset_b);  // multiples of 2^-shift below 2^49 of them
  }
  QNNX_INLINE words operator()(words p, words q) const {
    return by_doubles<V>(p, q, [&](doubles a, doubles b) {
      const doubles sum = V::fmadd(b, m1, V::fmadd(a, m0, constant));
      const doubles kept = V::min(V::max(sum, V::all(-0x1p30)), V::all(0x1p30));
      if constexpr (Even) return kept;
      else return V::template rounded<_MM_FROUND_TO_NEG_INF>(V::add(kept, V::all(0.5)));
    });
  }
};

template <class Op, class V>
struct sixteen_bit_elementwise {
  using reference = impl<Op, isa::reference>;
  using words = typename V::words;
  using doubles = typename V::doubles;
  using shifted = typename shifted_scale_of<V::lanes>::type;

  /// Runs `what`; false where there is no vector form. may(o...): the code of other operations is not made.
  template <class Call, class Rows, class May>
  static bool run(const Call& c, const Rows& rows, op::binary what, May may) {
    using T = typename Call::out_type;
    using enum op::binary;
    constexpr bool is_signed = is_signed_fixed(T::code);
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    const std::int32_t* k = c.constants();
    const rounding_mode mode = c.rounding().mode();
    if (!has_real_zero(a) || !has_real_zero(b) || !has_real_zero(y)) return false;
    const number_writer<V, is_signed> write(y.zero(), k[0], k[1]);
    const auto each = [&](const auto& combine) {
      rows.each(a, b, y, [&](std::int64_t i, std::int64_t ia, std::int64_t ib) {
        half_row<V, is_signed>(reinterpret_cast<const std::uint16_t*>(a.data) + ia, rows.fixed_a, reinterpret_cast<const std::uint16_t*>(b.data) + ib,
                               rows.fixed_b, reinterpret_cast<std::uint16_t*>(y.data) + i, rows.length, write, combine);
      });
      return true;
    };
    const words offset_a = V::all(a.offset()), offset_b = V::all(b.offset());
    const auto each_number = [&](const auto& combine) {
      return each([&](words p, words q) { return combine(V::add(p, offset_a), V::add(q, offset_b)); });
    };
    if constexpr (may(add, subtract)) {
      if (what == add || what == subtract) return sums(c, what == subtract, each, each_number);
    }
    if constexpr (may(multiply)) {
      if (what == multiply) return products(multiplier{k[2], k[3]}, mode, each_number);
    }
    if constexpr (may(maximum, minimum)) {
      if (what == maximum || what == minimum) return picks(c, what == maximum, each_number);
    }
    if constexpr (may(divide, squared_difference)) {
      if (what == divide || what == squared_difference) return reals(c, what == divide, each_number);
    }
    return false;
  }

 private:
  template <class Call, class Each, class EachNumber>
  static bool sums(const Call& c, bool subtract, const Each& each, const EachNumber& each_number) {
    const std::int32_t* k = c.constants() + 2;
    const std::int32_t oa = c.template in<0>().offset(), ob = c.template in<1>().offset();
    const rounding_mode mode = c.rounding().mode();
    if (mode == rounding_mode::rne) return each(sum_of_halves<V, true>(k, oa, ob, subtract));
    if (mode == rounding_mode::half_up) return each(sum_of_halves<V, false>(k, oa, ob, subtract));
    const auto form = [&](int at) { return vector_form({k[at], k[at + 1]}, rounding_mode::tflite); };
    const vector_multiplier f0 = form(0), f1 = form(2), fy = form(4);
    if (!f0.shifted_fits || !f1.shifted_fits || !fy.shifted_fits || k[6] != 15) return false;
    const auto made = [](const vector_multiplier& v) { return shifted(V::all(v.mantissa), V::all(v.shift), true); };
    const shifted s0 = made(f0), s1 = made(f1), sy = made(fy);
    return each_number([&](words p, words q) {
      const words wide_p = s0(V::shifted_left(p, 15)), wide_q = s1(V::shifted_left(q, 15));
      return sy(subtract ? V::sub(wide_p, wide_q) : V::add(wide_p, wide_q));
    });
  }

  template <class Each>
  static bool products(multiplier k, rounding_mode mode, const Each& each_number) {
    if (mode == rounding_mode::tflite) {  // of products modulo 2^32
      const vector_multiplier v = vector_form(k, mode);
      if (!v.shifted_fits) return false;
      const shifted scale(V::all(v.mantissa), V::all(v.shift), true);
      return each_number([&](words p, words q) { return scale(V::mul(p, q)); });
    }
    if (!product_fits(k, 0x1p32)) return false;
    const doubles m = V::all(value_of(k));
    const auto made = [&]<bool Even>() {
      return each_number([&](words p, words q) {
        return by_doubles<V>(p, q, [&](doubles a, doubles b) { return scaled_double<V, Even>(V::mul(a, b), m); });
      });
    };
    return mode == rounding_mode::rne ? made.template operator()<true>() : made.template operator()<false>();
  }

  template <class Call, class Each>
  static bool picks(const Call& c, bool larger, const Each& each_number) {
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    const std::int32_t* k = c.constants();
    const rounding_mode mode = c.rounding().mode();
    const auto pick = [larger](words p, words q) { return larger ? V::max(p, q) : V::min(p, q); };
    const auto as_y = [&](const auto& v) { return v.scale() == y.scale(); };
    if (as_y(a) && as_y(b)) return each_number(pick);
    const multiplier m0{k[2], k[3]}, m1{k[4], k[5]};
    if (mode == rounding_mode::tflite) {
      const vector_multiplier v = vector_form(m0, mode), w = vector_form(m1, mode);
      if (!v.shifted_fits || !w.shifted_fits) return false;
      const shifted s0(V::all(v.mantissa), V::all(v.shift), true), s1(V::all(w.mantissa), V::all(w.shift), true);
      return each_number([&](words p, words q) { return pick(s0(p), s1(q)); });
    }
    if (!product_fits(m0, 0x1p16) || !product_fits(m1, 0x1p16)) return false;
    const doubles d0 = V::all(value_of(m0)), d1 = V::all(value_of(m1));
    const auto made = [&]<bool Even>() {
      return each_number([&](words p, words q) {
        return pick(by_doubles<V>(p, [&](doubles x) { return scaled_double<V, Even>(x, d0); }),
                    by_doubles<V>(q, [&](doubles x) { return scaled_double<V, Even>(x, d1); }));
      });
    };
    return mode == rounding_mode::rne ? made.template operator()<true>() : made.template operator()<false>();
  }

  template <class Call, class Each>
  static bool reals(const Call& c, bool divide, const Each& each_number) {
    const auto wide = [](const auto& v) { return V::all(static_cast<double>(v.scale())); };
    const doubles sa = wide(c.template in<0>()), sb = wide(c.template in<1>()), sy = wide(c.out());
    const real_rounding<V> round(c.rounding().mode());
    return each_number([&](words p, words q) {
      return by_doubles<V>(p, q, [&](doubles a, doubles b) {
        const doubles x = V::mul(a, sa), z = V::mul(b, sb);
        const doubles apart = V::sub(x, z);
        return round(V::div(divide ? V::div(x, z) : V::mul(apart, apart), sy));
      });
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
