// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd, Subtract, Multiply, Maximum and Minimum of two 8- or 16-bit tensors with HVX, a vector at a time along
// rows in which each operand is contiguous or one element. All is done on words:
//   add, subtract  8 bits: two products in 32 bits, 16 bits: in 64, then one rounding; tflite: as
//                  elementwise/armv7em_dsp.hpp, 16 bits of data without offset
//   multiply       a product of 32 bits, rescaled (hexagon/finish.hpp)
//   maximum, minimum  both rescaled, then compared
// What does not fit (pair_facts) runs the reference. Layer 5a.

#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/elementwise/binary.hpp"
#include "qnnx/kernel/elementwise/broadcast_rows.hpp"
#include "qnnx/kernel/hexagon/elements.hpp"
#include "qnnx/kernel/hexagon/finish.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {

/// Elements of a row of an operand: vectors, or one element everywhere.
template <dtype Type>
struct row_of {
  const std::byte* at;
  std::int32_t step;
  vec all;
  row_of(const std::byte* first, bool fixed) : at(first), step(fixed ? 0 : vector_bytes) {
    if (!fixed) return;
    std::uint16_t half = 0;
    if constexpr (bits_of(Type) == 16) std::memcpy(&half, first, sizeof half);
    all = bits_of(Type) == 16 ? splat_half(half) : splat_byte(static_cast<std::int32_t>(*first));
  }
  QNNX_INLINE vec next(std::int32_t n) {
    const vec v = step != 0 ? load_up_to(at, n) : all;
    at += step;
    return v;
  }
};

/// y = done(f(a, b)) for a call's elements as words.
template <class Call, class Finisher, class F>
QNNX_INLINE void each_pair(const Call& c, const Finisher& done, F&& f) {
  constexpr dtype type = Call::out_type::code;
  const auto a = c.template in<0>();
  const auto b = c.template in<1>();
  const auto y = c.out();
  const auto* const from = reinterpret_cast<const std::byte*>(a.data);
  const auto* const with = reinterpret_cast<const std::byte*>(b.data);
  auto* const to = reinterpret_cast<std::byte*>(y.data);
  const auto row = [&](std::int32_t index, std::int32_t ia, bool fixed_a, std::int32_t ib, bool fixed_b, std::int32_t length) {
    row_of<type> first(from + ia * Finisher::bytes, fixed_a);
    row_of<type> second(with + ib * Finisher::bytes, fixed_b);
    std::byte* out = to + index * Finisher::bytes;
    std::int32_t n = length * Finisher::bytes;
    for (std::int32_t left = vectors_of(n); left > 0; --left, n -= vector_bytes, out += vector_bytes) {
      const elements<type> x(first.next(n));
      elements<type> z(second.next(n));
      for (int k = 0; k < elements<type>::vectors; ++k) z.v[k] = f(x.v[k], z.v[k]);
      put(out, done.pack_interleaved(z.v), n);
    }
  };
  if constexpr (!needs<code_part::repeated>) {
    row(0, 0, false, 0, false, static_cast<std::int32_t>(y.size()));
  } else {
    const broadcast_rows rows(a, b, y);
    rows.each(a, b, y, [&](std::int64_t index, std::int64_t ia, std::int64_t ib) QNNX_NOINLINE {
      row(static_cast<std::int32_t>(index), static_cast<std::int32_t>(ia), rows.fixed_a, static_cast<std::int32_t>(ib), rows.fixed_b,
          static_cast<std::int32_t>(rows.length));
    });
  }
}

/// divide_by_power(doubling_high_mul((q + offset) << Left, factor), right) of 32 words.
template <int Left>
struct scaled_operand {
  vec offset, factor, half, sign;
  std::int32_t right;
  scaled_operand(const std::int32_t* k, std::int32_t zero_offset)
      : offset(splat(zero_offset)),
        factor(splat(k[0])),
        half(splat(k[1] < 0 ? 1 << (-k[1] - 1) : 0)),
        sign(splat(k[1] < 0 ? -1 : 0)),
        right(-k[1]) {}
  QNNX_INLINE vec operator()(vec q) const {
    const vec x = add(q, offset);
    const vec h = multiply_rounded(shift_left(x, Left), factor);
    return shift_right(add(add(h, half), bit_and(shift_right(x, 31), sign)), right);
  }
};

/// sum / 2^shift, rounded to nearest: ties to even, or upward.
struct rounding_shift {
  std::int32_t shift;
  bool even;
  vec half;
  rounding_shift(std::int32_t s, bool to_even)
      : shift(s), even(to_even), half(splat((1 << (s - 1)) - (to_even ? 1 : 0))) {}
  QNNX_INLINE vec operator()(vec sum) const {
    const vec odd = bit_and(shift_right(sum, shift), splat(even ? 1 : 0));
    return shift_right(add(add(sum, half), odd), shift);
  }
  /// The same of 64 bits; the result has 32.
  QNNX_INLINE vec operator()(wide_words sum) const {
    const vec odd = bit_and(shift_right_unsigned(sum.low, shift), splat(even ? 1 : 0));
    const wide_words all = add_wide(sum, {add(half, odd), zeros()});
    return bit_or(shift_right_unsigned(all.low, shift), shift_left(all.high, 32 - shift));
  }
};

/// What the compiler and a call know of a node: the constants of the reference without the bounds, offsets, zero point.
struct pair_facts {
  dtype type;
  rounding::dynamic r;
  const std::int32_t* k;
  std::int32_t first, second, zero;

  constexpr bool wide() const { return bits_of(type) == 16; }
  /// The largest magnitude of an operand with its offset added.
  constexpr std::int64_t largest(std::int32_t offset) const {
    const std::int64_t low = min_value(type) + offset, high = max_value(type) + offset;
    return high > -low ? high : -low;
  }
  /// Sums, differences: k of make_add_constants.
  constexpr bool can_add() const {
    if (r.mode() == rounding_mode::tflite) {
      if (k[1] > 0 || k[1] <= -31 || k[3] > 0 || k[3] <= -31 || k[5] >= 0 || k[5] < (wide() ? -29 : -20)) return false;
      return !wide() || (type == dtype::sfixed_16 && first == 0 && second == 0);
    }
    if (wide()) return k[6] >= 18 && k[6] <= 31;  // sums below 2^49, of what stays behind the shift 31 bits
    const std::int32_t low = type == dtype::sfixed_8 ? -128 : 0;
    return k[6] >= 1 && k[6] <= 30 && first <= -low && first >= -low - 255 && second <= -low && second >= -low - 255;
  }
  /// f(single_scale) of an operand or a product.
  template <class F>
  constexpr auto scale(int at, std::int64_t most, F&& f) const {
    const multiplier m{k[at], k[at + 1]};
    return wide() ? f(single_scale<true>(type, m, most, zero)) : f(single_scale<false>(type, m, most, zero));
  }
  constexpr bool can_scale(int at, std::int64_t most) const {
    return scale(at, most, [&](const auto& s) { return s.fits(r); });
  }
  constexpr unsigned scale_parts(int at, std::int64_t most) const {
    return scale(at, most, [&](const auto& s) { return s.code_parts(r); });
  }
  constexpr bool can_multiply() const {
    return min_value(type) + second >= -32768 && max_value(type) + second <= 32767 &&
           can_scale(0, largest(first) * largest(second));
  }
  constexpr bool can_choose() const { return can_scale(0, largest(first)) && can_scale(2, largest(second)); }
  constexpr unsigned code_parts(op::binary what) const {
    if (what == op::binary::multiply) return scale_parts(0, largest(first) * largest(second));
    if (what == op::binary::maximum || what == op::binary::minimum)
      return scale_parts(0, largest(first)) | scale_parts(2, largest(second));
    return 0;
  }
  constexpr bool can(op::binary what) const {
    switch (what) {
      case op::binary::add:
      case op::binary::subtract: return can_add();
      case op::binary::multiply: return can_multiply();
      case op::binary::maximum:
      case op::binary::minimum: return can_choose();
      default: return false;
    }
  }
};

/// Sum (Sign 1) or difference (-1) of a call. k: make_add_constants.
template <int Sign, class Call>
void add_elements(const Call& c, const std::int32_t* k) {
  constexpr dtype type = Call::out_type::code;
  constexpr bool wide = bits_of(type) == 16;
  using rounding_type = std::decay_t<decltype(c.rounding())>;
  const finisher<type, false, rounding_type, false> done(c);
  const std::int32_t first = c.s.inputs[0].q.offset, second = c.s.inputs[1].q.offset;
  const std::int32_t zero = c.s.outputs[0].q.zero() + turned(type);
  if (c.rounding().mode() == rounding_mode::tflite) {
    const scaled_operand<wide ? 15 : 20> a(k, first), b(k + 2, second);
    const std::int32_t right = -k[5];
    const vec factor = splat(k[4]), half = splat(1 << (right - 1)), plus = splat(zero);
    each_pair(c, done, [&](vec x, vec z) {
      const vec sum = Sign > 0 ? add(a(x), b(z)) : subtract(a(x), b(z));
      const vec h = add(multiply_rounded(sum, factor), shift_right(sum, 31));
      return add(shift_right(add(h, half), right), plus);
    });
    return;
  }
  const vec by_first = splat(k[0]), by_second = splat(Sign * k[2]), plus = splat(zero);
  const bool even = c.rounding().mode() == rounding_mode::rne;
  if constexpr (wide) {
    const vec a = splat(first), b = splat(second);
    const rounding_shift rounded(k[6], even);
    each_pair(c, done, [&](vec x, vec z) {
      return add(rounded(add_wide(multiply_wide(by_first, add(x, a)), multiply_wide(by_second, add(z, b)))), plus);
    });
  } else {
    constexpr std::int32_t low = is_signed_fixed(type) ? -128 : 0;
    const rounding_shift rounded(k[6], even);
    // (q + offset) k = (q - low) k + (low + offset) k: the first factor has no sign
    const vec start = splat(k[0] * (low + first) + Sign * k[2] * (low + second)), up = splat(-low);
    each_pair(c, done, [&](vec x, vec z) {
      return add(rounded(multiply_add(multiply_add(start, by_first, add(x, up)), by_second, add(z, up))), plus);
    });
  }
}

template <class Call>
void multiply_elements(const Call& c, const pair_facts& f) {
  constexpr dtype type = Call::out_type::code;
  using rounding_type = std::decay_t<decltype(c.rounding())>;
  const rescaler<type, rounding_type> scale(c, {f.k[0], f.k[1]}, f.largest(f.first) * f.largest(f.second));
  const finisher<type, false, rounding_type, false> done(c);
  const vec plus_first = splat(f.first), plus_second = splat(f.second);
  each_pair(c, done, [&](vec x, vec z) { return scale(multiply_low(add(x, plus_first), add(z, plus_second)), done); });
}

template <bool Greatest, class Call>
void choose_elements(const Call& c, const pair_facts& f) {
  constexpr dtype type = Call::out_type::code;
  using rounding_type = std::decay_t<decltype(c.rounding())>;
  using scale_type = rescaler<type, rounding_type>;
  const scale_type a(c, {f.k[0], f.k[1]}, f.largest(f.first));
  const scale_type b(c, {f.k[2], f.k[3]}, f.largest(f.second));
  const vec plus_first = splat(f.first), plus_second = splat(f.second);
  const finisher<type, false, rounding_type, false> done(c);
  each_pair(c, done, [&](vec x, vec z) {
    const vec p = a(add(x, plus_first), done), q = b(add(z, plus_second), done);
    return Greatest ? greatest_words(p, q) : least_words(p, q);
  });
}

template <class Sig>
inline constexpr bool is_pair = false;
template <class X>
inline constexpr bool is_pair<X(X)> = std::is_same_v<X, types::u8> || std::is_same_v<X, types::s8> ||
                                      std::is_same_v<X, types::u16> || std::is_same_v<X, types::s16>;
template <class X>
inline constexpr bool is_pair<X(X, X)> = is_pair<X(X)>;

template <class Op>
struct pair_kernel : answers_as<Op> {
  using base = answers_as<Op>;
  using typename base::params;
  using typename base::reference;
  template <class Sig>
  static constexpr bool supports = is_pair<Sig>;

  static constexpr op::binary what(const params& p) {
    if constexpr (requires { reference::what(p); }) return reference::what(p);
    else return (void)p, op::binary::add;
  }
  // The body of a constexpr template before the functions that call it: clang else has none when they are asked in a
  // constant expression.
  template <class F>
  static constexpr auto asked(const node_facts& f, const params& p, F&& ask) {
    std::int32_t k[2 + add_constants_words] = {};
    const rounding::dynamic r{f.rounding};
    base::prepare(f, p, r, k);
    return ask(pair_facts{f.c.out(0).type, r, k + 2, f.in[0].offset, f.in[1].offset, f.out[0].zero()});
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return asked(f, p, [&](const pair_facts& n) { return n.can(what(p)); });
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    const shape& y = f.c.out(0).dims;
    return (f.c.dims(0) == y && f.c.dims(1) == y ? bit(code_part::one_shape) : bit(code_part::repeated)) |
           asked(f, p, [&](const pair_facts& n) { return n.code_parts(what(p)); });
  }

  template <class Call>
  static void run(const Call& c) {
    const op::binary o = what(c.params());
    const pair_facts f{Call::out_type::code, {c.rounding().mode()}, c.constants() + 2, c.s.inputs[0].q.offset,
                       c.s.inputs[1].q.offset, c.s.outputs[0].q.zero()};
    if constexpr (!config::embedded_packed)
      if (!f.can(o)) return reference::run(c);
    switch (o) {
      case op::binary::subtract: return add_elements<-1>(c, f.k);
      case op::binary::multiply: return multiply_elements(c, f);
      case op::binary::maximum: return choose_elements<true>(c, f);
      case op::binary::minimum: return choose_elements<false>(c, f);
      default: return add_elements<1>(c, f.k);
    }
  }
};

}  // namespace hvx

template <>
struct impl<op::elementwise_add, isa::hvx> : hvx::pair_kernel<op::elementwise_add> {};
template <>
struct impl<op::elementwise_binary, isa::hvx> : hvx::pair_kernel<op::elementwise_binary> {};
template <>
struct impl<op::elementwise_subtract, isa::hvx> : hvx::pair_kernel<op::elementwise_subtract> {};
template <>
struct impl<op::elementwise_multiply, isa::hvx> : hvx::pair_kernel<op::elementwise_multiply> {};
template <>
struct impl<op::elementwise_maximum, isa::hvx> : hvx::pair_kernel<op::elementwise_maximum> {};
template <>
struct impl<op::elementwise_minimum, isa::hvx> : hvx::pair_kernel<op::elementwise_minimum> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
