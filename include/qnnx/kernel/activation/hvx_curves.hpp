// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions of 16 bits with HVX, two vectors of halves (a and b) at a time. The pieces' numbers of both are the bytes of
// one vector, so that the bytes looked up for them interleave to words of: even halves of a, even ones of b, odd ones of
// a, odd ones of b.
//   curves        activation/curve_16.hpp: its constants stand as tables of 128 bytes, one for each byte of k0 ... bound;
//                 elements whose rounding is not sure are put right one by one
//   interpolated  TFLite's logistic and tanh, activation/interpolated_16.hpp: value and slope of an interval in a word
// Layer 5a.

#include "qnnx/kernel/activation/curve_16.hpp"
#include "qnnx/kernel/activation/interpolated_16.hpp"
#include "qnnx/kernel/hexagon/elements.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {

/// f(a, b, put) for n bytes of halves; put(vectors of outputs) stores them.
template <class F>
QNNX_INLINE void each_pair_of_vectors(const void* x, void* y, std::int32_t n, F&& f) {
  const auto* from = static_cast<const std::byte*>(x);
  auto* to = static_cast<std::byte*>(y);
  for (std::int32_t k = (n + 2 * vector_bytes - 1) / (2 * vector_bytes); k > 0;
       --k, n -= 2 * vector_bytes, from += 2 * vector_bytes, to += 2 * vector_bytes) {
    const bool both = n > vector_bytes;
    const vec a = load_up_to(from, n), b = both ? load_up_to(from + vector_bytes, n - vector_bytes) : a;
    const two y2 = f(a, b, n / 2);
    put(to, y2.v[0], n);
    if (both) put(to + vector_bytes, y2.v[1], n - vector_bytes);
  }
}
/// Halves of a and b as words, in the order above.
template <bool Signed>
QNNX_INLINE four words_of_halves(vec a, vec b) {
  const two x = widen_halves<Signed>(a), z = widen_halves<Signed>(b);
  return {{x.v[0], z.v[0], x.v[1], z.v[1]}};
}
/// And back, saturated to signed halves.
QNNX_INLINE two halves_of_words(const four& w) {
  return {{narrow_halves_interleaved(w.v[0], w.v[2]), narrow_halves_interleaved(w.v[1], w.v[3])}};
}

struct curve_vectors : dsp::curve {
  /// Table 4 j + i has byte i of word j of the pieces, in the order that look_up_low() wants.
  static constexpr void arrange(std::int32_t* out) {
    std::int32_t piece[words] = {};
    for (int i = 0; i < words; ++i) piece[i] = out[i], out[i] = 0;
    for (int i = 0; i < pieces; ++i)
      for (int j = 0; j < words_of_piece; ++j)
        for (int b = 0; b < 4; ++b) {
          const int at = i % 64 * 2 + i / 64, table = 4 * j + b;
          const std::uint32_t byte = (static_cast<std::uint32_t>(piece[i * words_of_piece + j]) >> (8 * b)) & 255u;
          std::int32_t& word = out[table * lanes + at / 4];
          word = static_cast<std::int32_t>(static_cast<std::uint32_t>(word) | byte << (8 * (at % 4)));
        }
  }
  template <class Call, class F>
  static QNNX_INLINE void run(const Call& c, const F& exact) {
    const reference_value one{&exact, [](const void* f, std::int32_t x) { return static_cast<std::int32_t>((*static_cast<const F*>(f))(x)); }};
    all<is_signed_fixed(Call::out_type::code)>(reinterpret_cast<const std::byte*>(c.constants()), c.template in<0>().data, c.out().data,
                                               static_cast<std::int32_t>(c.out().size()) * 2, one);
  }

 private:
  /// The reference's stored value for a stored x.
  struct reference_value {
    const void* of;
    std::int32_t (*make)(const void* of, std::int32_t x);
  };
  /// One body for the functions of a type.
  template <bool Signed>
  static QNNX_NOINLINE void all(const std::byte* tables, const void* from, void* to, std::int32_t n, const reference_value& exact) {
    const vec flip = splat_half(Signed ? 32768 : 0), none = zeros();
    each_pair_of_vectors(from, to, n, [&](vec a, vec b, std::int32_t count) {
      const vec place_a = bit_xor(a, flip), place_b = bit_xor(b, flip);
      const vec number = bit_or(bit_and(shift_right_halves(place_a, along), splat_half(127)),
                                bit_and(shift_right_halves(place_b, along - 8), splat_half(127 * 256)));
      four t = words_of_halves<false>(bit_and(place_a, splat_half(511)), bit_and(place_b, splat_half(511)));
      for (vec& v : t.v) v = shift_left(v, 30 - along);
      const auto table = [&](int k) { return look_up_low(load(tables + k * vector_bytes), number); };
      const auto word = [&](int j) { return interleave(table(4 * j), table(4 * j + 1), table(4 * j + 2), table(4 * j + 3)); };
      four v = word(3);
      unrolled<3>([&](auto j) {
        const four k = word(2 - j);
        for (int i = 0; i < 4; ++i) v.v[i] = add(k.v[i], multiply_floor(v.v[i], t.v[i]));
      });
      const four bound = interleave(table(16), table(17), none, none);
      four open;
      vec any = none;
      for (int i = 0; i < 4; ++i) {
        const vec up = add(v.v[i], splat(half));
        open.v[i] = shift_right(subtract(bit_and(add(up, bound.v[i]), splat((1 << point) - 1)), shift_left(bound.v[i], 1)), 31);
        any = bit_or(any, open.v[i]);
        v.v[i] = add(shift_right(up, point), splat(Signed ? 0 : -32768));
      }
      two y = halves_of_words(v);
      for (vec& h : y.v) h = Signed ? h : bit_xor(h, splat_half(32768));
      if (first_word(greatest_byte(any)) != 0) put_right<Signed>(a, b, halves_of_words(open), y, count, exact);
      return y;
    });
  }

  template <bool Signed>
  static QNNX_NOINLINE void put_right(vec a, vec b, two open, two& y, std::int32_t count, const reference_value& exact) {
    using half_type = std::conditional_t<Signed, std::int16_t, std::uint16_t>;
    half_type x[vector_bytes], made[vector_bytes];
    std::int16_t flags[vector_bytes];
    store(x, a), store(x + vector_bytes / 2, b);
    store(made, y.v[0]), store(made + vector_bytes / 2, y.v[1]);
    store(flags, open.v[0]), store(flags + vector_bytes / 2, open.v[1]);
    for (std::int32_t i = 0; i < count && i < vector_bytes; ++i)
      if (flags[i] != 0) made[i] = static_cast<half_type>(exact.make(exact.of, x[i]));
    y = {{load(made), load(made + vector_bytes / 2)}};
  }
};

template <bool Tanh>
struct interpolated_vectors {
  using scalar = dsp::interpolated_curve<Tanh>;
  /// Tables of 256 bytes: of value + 2^15 and of slope, low and high ones, in the order that look_up() wants.
  static constexpr auto tables = [] {
    std::array<std::uint8_t, 4 * 256> t{};
    for (std::size_t i = 0; i < 256; ++i) {
      const std::size_t at = i / 128 * 128 + i % 64 * 2 + i % 128 / 64;
      const auto value = static_cast<unsigned>(scalar::table[i] + 32768), slope = static_cast<unsigned>(scalar::table[i + 1] - scalar::table[i]);
      t[at] = static_cast<std::uint8_t>(value & 255u), t[256 + at] = static_cast<std::uint8_t>(value >> 8);
      t[512 + at] = static_cast<std::uint8_t>(slope & 255u), t[768 + at] = static_cast<std::uint8_t>(slope >> 8);
    }
    return t;
  }();

  static void run(const std::int16_t* x, std::int16_t* y, std::int32_t n, std::int32_t factor, std::int32_t shift) {
    constexpr int bits = scalar::bits;
    const vec by = splat(factor), half = splat(shift > 0 ? 1 << (shift - 1) : 0);
    each_pair_of_vectors(x, y, n * 2, [&](vec a, vec b, std::int32_t) {
      four v = words_of_halves<true>(a, b), sign, number;
      for (int i = 0; i < 4; ++i) {
        const vec s = shift_right(add(multiply_low(by, v.v[i]), half), shift);
        sign.v[i] = shift_right(s, 31);
        v.v[i] = least_words(subtract(bit_xor(s, sign.v[i]), sign.v[i]), splat(scalar::most));
        number.v[i] = shift_right(v.v[i], bits);
      }
      const vec at = narrow_interleaved(number.v[0], number.v[1], number.v[2], number.v[3]);
      const auto table = [&](int k) {
        const vec halves[2] = {load(tables.data() + 256 * k), load(tables.data() + 256 * k + vector_bytes)};
        return look_up(halves, at);
      };
      const four found = interleave(table(0), table(1), table(2), table(3));
      for (int i = 0; i < 4; ++i) {
        const vec value = subtract(shift_left(bit_and(found.v[i], splat(65535)), bits), splat(1 << (15 + bits)));
        const vec d = multiply_add(value, shift_right_unsigned(found.v[i], 16), bit_and(v.v[i], splat((1 << bits) - 1)));
        v.v[i] = shift_right(add(bit_xor(d, sign.v[i]), splat(scalar::add)), scalar::down);
      }
      return halves_of_words(v);
    });
  }
};

/// Activations of 16 bits: curves, and TFLite's two.
template <class Op>
struct neuron_of_halves : dsp::curve_kernel<Op, curve_vectors> {
  using base = dsp::curve_kernel<Op, curve_vectors>;
  using typename base::params;
  using interpolated = dsp::interpolated_kernel<Op>;

  static constexpr bool takes(const node_facts& f, const params& p) { return base::takes(f, p) || interpolated::takes(f, p); }
  template <class Call>
  static void run(const Call& c) {
    if constexpr (std::is_same_v<typename Call::out_type, sfixed<16>>)
      if (interpolated::takes_call(c)) return interpolated::template run<interpolated_vectors>(c);
    base::run(c);
  }
};

}  // namespace hvx

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
