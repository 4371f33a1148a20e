// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax on Hexagon. 8 bits, along the last axis: a row's exponentials are looked up and added up 128 at a time (four
// bytes of a word each by itself). Outputs depend on nothing but the distance to the row's largest element: those of all
// 256 distances are made 32 at a time, down to where they are zero, and then looked up.
//   rne, half_up  quotients of softmax/quotient.hpp; a row with one that must be compared exactly is made one by one
//   tflite        products with TFLite's reciprocal
// Short rows, other axes and 16 bits in scalar integers: softmax/integers.hpp, softmax/halves.hpp, interpolated_16.hpp.
// Layer 5a.

#include "qnnx/kernel/hexagon/by_width.hpp"
#include "qnnx/kernel/hexagon/elements.hpp"
#include "qnnx/kernel/hexagon/word_table.hpp"
#include "qnnx/kernel/softmax/halves.hpp"
#include "qnnx/kernel/softmax/integers.hpp"
#include "qnnx/kernel/softmax/interpolated_16.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {

/// Outputs of 256 distances in the order that look_up() wants.
struct distance_outputs {
  vec bytes[2];

  /// word(k): outputs, as unsigned bytes that are not yet saturated, of distances from 32 k on; is_rest(k): whether all
  /// from there on are `rest`.
  template <class Word, class Rest>
  QNNX_INLINE distance_outputs(vec rest, Rest&& is_rest, Word&& word) {
    vec made[8];
    int k = 0;
    for (; k < 8 && !is_rest(k); ++k) made[k] = word(k);
    for (; k < 8; ++k) made[k] = rest;
    for (int i = 0; i < 2; ++i)
      bytes[i] = narrow_turns(narrow_halves(made[4 * i], made[4 * i + 1]), narrow_halves(made[4 * i + 2], made[4 * i + 3]));
  }
};

template <bool Signed>
struct byte_row {
  const std::byte* from;
  std::byte* to;
  std::int32_t n;
  vec flip = splat_byte(Signed ? 128 : 0);
  vec top = zeros();

  QNNX_INLINE byte_row(const void* x, void* y, std::int32_t count)
      : from(static_cast<const std::byte*>(x)), to(static_cast<std::byte*>(y)), n(count) {
    each([&](const std::byte* at, std::byte*, std::int32_t left) {
      top = greatest_bytes(top, bit_and(bit_xor(load_up_to(at, left), flip), ones_below(left)));
    });
    top = greatest_byte(top);
  }
  /// Sums of the table's bytes for all elements.
  QNNX_INLINE void sum(const word_table& table, vec* sums) const {
    for (int k = 0; k < 4; ++k) sums[k] = zeros();
    each([&](const std::byte* at, std::byte*, std::int32_t left) {
      const vec d = distances(at, left), ones = bit_and(ones_below(left), splat_byte(1));
      unrolled<4>([&](auto k) { sums[k] = dot<false>(sums[k], look_up(table.bytes[k], d), ones); });
    });
  }
  QNNX_INLINE void put_all(const distance_outputs& y) const {
    each([&](const std::byte* at, std::byte* out, std::int32_t left) {
      put(out, bit_xor(look_up(y.bytes, distances(at, left)), flip), left);
    });
  }

 private:
  QNNX_INLINE vec distances(const std::byte* at, std::int32_t left) const {
    return subtract_bytes(top, bit_xor(load_up_to(at, left), flip));
  }
  /// f(x, y, bytes of them, at most 128) for each vector.
  template <class F>
  QNNX_INLINE void each(F&& f) const {
    const std::byte* at = from;
    std::byte* out = to;
    std::int32_t left = n;
    for (std::int32_t k = vectors_of(n); k > 0; --k, left -= vector_bytes, at += vector_bytes, out += vector_bytes)
      f(at, out, left < vector_bytes ? left : vector_bytes);
  }
};

struct softmax_of_bytes : integer_softmax {
  static constexpr std::int32_t shortest_row = 12;  // shorter ones are made faster one by one

  static constexpr bool in_vectors(const shape& xs, const params& p) {
    return op::along_axis::resolved(p, xs.rank()) == xs.rank() - 1 && xs[xs.rank() - 1] >= shortest_row;
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    return in_vectors(f.c.dims(0), p) ? bit(code_part::row_vectors) : 0u;
  }

  template <class Call>
  static void run(const Call& c) {
    if (!is_taken(c)) return reference::run(c);
    if constexpr (needs<code_part::row_vectors>)
      if (const shape& xs = c.s.inputs[0].dims; in_vectors(xs, c.params())) {
        const bool tflite = c.rounding().mode() == rounding_mode::tflite;
        const word_table exponentials(c.constants(), [&](vec t) {
          return tflite ? shift_right_unsigned(add(t, splat(2048)), 12) : t;
        });
        return run_rows(c, [&](const auto* from, auto* to) { return made(c, from, to, xs[xs.rank() - 1], exponentials); });
      }
    run_rows(c, [](const auto*, auto*) { return false; });
  }

 private:
  template <class Call>
  static QNNX_NOINLINE bool made(const Call& c, const void* from, void* to, std::int32_t n, const word_table& exponentials) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const std::int32_t* table = c.constants();
    const byte_row<is_signed> row(from, to, n);
    vec sums[4];
    row.sum(exponentials, sums);
    const vec low = add(sums[0], shift_left(sums[1], 8)), high = add(sums[2], shift_left(sums[3], 8));
    if (c.rounding().mode() == rounding_mode::tflite) {
      const auto sum = first_word(sum_of_words(add(low, shift_left(high, 16))));  // wraps, as TFLite's does
      const tflite::reciprocal inverse = tflite::invert(sum);
      const int shift = inverse.over_unit + 31 - 8;
      const std::int32_t half = 1 << ((shift > 31 ? 1 : shift) - 1);
      const vec factor = splat(inverse.value), up = splat(half);
      row.put_all({zeros(),
                   [&](int k) { return shift > 31 || tflite::mul(table[lanes * k], inverse.value) < half / 2; },
                   [&](int k) { return shift_right_unsigned(add(multiply_rounded(load(table + lanes * k), factor), up), shift); }});
      return true;
    }
    const std::int64_t sum = first_word(sum_of_words(low)) + (std::int64_t{first_word(sum_of_words(high))} << 16);
    const softmax_quotient quotient(sum, c.s.outputs[0].q.scale);
    const int shift = quotient.shift;
    const vec factor = splat(static_cast<std::int32_t>(quotient.reciprocal)), zero = splat(turned_zero<is_signed>(c));
    constexpr std::uint32_t near = softmax_quotient::near;
    const std::uint32_t half = 1u << ((shift > 31 ? 1 : shift) - 1);
    const vec up = splat(static_cast<std::int32_t>(half)), mask = splat(static_cast<std::int32_t>(half * 2 - 1));
    vec open = zeros();
    const distance_outputs y(
        zero,
        [&](int k) { return shift > 31 || quotient.scaled(table[lanes * k]) + near < half; },
        [&](int k) {
          const vec t = load(table + lanes * k);
          const vec q = add(add(multiply_wide(t, factor).high, t), up);  // the factor counts 2^32 more
          open = bit_or(open, subtract(bit_and(add(q, splat(near)), mask), splat(2 * near)));
          return add(shift_right_unsigned(q, shift), zero);
        });
    if (first_word(greatest_byte(bit_and(open, splat(INT32_MIN)))) != 0) return false;
    row.put_all(y);
    return true;
  }
  template <bool Signed, class Call>
  static std::int32_t turned_zero(const Call& c) {
    return (Signed ? 128 : 0) - c.s.outputs[0].q.offset;
  }
};

/// 16 bits, one by one: TFLite's form too.
struct softmax_of_16 : dsp::softmax_of_halves {
  using interpolated = dsp::interpolated_softmax;
  static constexpr bool takes(const node_facts& f, const params& p) {
    if (interpolated::is_tflite(f.c.out(0).type, f.out[0], f.rounding)) return interpolated::takes(f, p);
    return dsp::softmax_of_halves::takes(f, p);
  }
  template <class Call>
  static void run(const Call& c) {
    if constexpr (std::is_same_v<typename Call::out_type, sfixed<16>>)
      if (interpolated::is_tflite(Call::out_type::code, c.s.outputs[0].q, c.rounding().mode())) return interpolated::run(c);
    dsp::softmax_of_halves::run(c);
  }
};

}  // namespace hvx

template <>
struct impl<op::softmax, isa::hvx> : by_width<op::softmax, hvx::softmax_of_bytes, hvx::softmax_of_16> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
