// SPDX-License-Identifier: Apache-2.0
#pragma once
// Convert between encodings of 8 and 16 bits with HVX: 128 elements as words, rescaled (hexagon/finish.hpp), in the other
// type. Dequantize of 8 bits to float: a table of 256 floats, looked up as words. One scale a tensor. What does not fit,
// and all else, runs the reference. Layer 5a.

#include <bit>

#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/conversion/reference.hpp"
#include "qnnx/kernel/hexagon/elements.hpp"
#include "qnnx/kernel/hexagon/finish.hpp"
#include "qnnx/kernel/hexagon/word_table.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {

template <class T>
inline constexpr bool is_short_fixed = std::is_same_v<T, types::u8> || std::is_same_v<T, types::s8> || std::is_same_v<T, types::u16> ||
                                       std::is_same_v<T, types::s16>;
template <class Sig>
inline constexpr bool is_conversion = false;
template <class Y, class X>
inline constexpr bool is_conversion<Y(X)> = is_short_fixed<X> && is_short_fixed<Y>;

/// 128 elements of a type as words: those of bytes interleaved, those of halves the even and odd ones of two vectors.
template <dtype Type>
QNNX_INLINE four load_words(const std::byte* at, std::int32_t count) {
  if constexpr (bits_of(Type) == 8) {
    const elements<Type> e(load_up_to(at, count));
    return {{e.v[0], e.v[1], e.v[2], e.v[3]}};
  } else {
    const vec a = load_up_to(at, 2 * count);
    const elements<Type> first(a), second(2 * count > vector_bytes ? load_up_to(at + vector_bytes, 2 * count - vector_bytes) : a);
    return {{first.v[0], first.v[1], second.v[0], second.v[1]}};
  }
}
/// Stores outputs (words as made) of elements that load_words<From>() gave.
template <dtype From, dtype To, class Finisher>
QNNX_INLINE void store_words(const Finisher& done, std::byte* to, const four& w, std::int32_t count) {
  constexpr bool bytes_in = bits_of(From) == 8, bytes_out = bits_of(To) == 8;
  if constexpr (bytes_in && bytes_out) {
    put(to, done.pack_interleaved(w.v), count);
    return;
  }
  two halves{{narrow_halves_interleaved(w.v[0], w.v[bytes_in ? 2 : 1]), narrow_halves_interleaved(w.v[bytes_in ? 1 : 2], w.v[3])}};
  if constexpr (bytes_in) halves = interleave_all_halves(halves.v[0], halves.v[1]);
  if constexpr (bytes_out) {
    put(to, done.bounded(narrow_bytes(halves.v[0], halves.v[1])), count);
  } else {
    put(to, done.bounded(halves.v[0]), 2 * count);
    if (2 * count > vector_bytes) put(to + vector_bytes, done.bounded(halves.v[1]), 2 * count - vector_bytes);
  }
}
/// f(index of the first, how many) for 128 elements at a time.
template <class F>
QNNX_INLINE void each_block(std::int32_t n, F&& f) {
  std::int32_t at = 0;
  for (std::int32_t k = vectors_of(n); k > 0; --k, at += vector_bytes) f(at, n - at < vector_bytes ? n - at : vector_bytes);
}

}  // namespace hvx

template <>
struct impl<op::convert, isa::hvx> : answers_as<op::convert> {
  template <class Sig>
  static constexpr bool supports = hvx::is_conversion<Sig>;

  /// ask(single_scale) of encodings.
  template <class F>
  static constexpr auto asked(dtype from, const quant& x, dtype to, const quant& y, rounding_mode mode, F&& ask) {
    const std::int64_t low = min_value(from) + x.offset, high = max_value(from) + x.offset, most = high > -low ? high : -low;
    const multiplier m = make_multiplier(static_cast<double>(x.scale) / static_cast<double>(y.scale), rounding::dynamic{mode});
    return bits_of(to) == 16 ? ask(hvx::single_scale<true>(to, m, most, y.zero())) : ask(hvx::single_scale<false>(to, m, most, y.zero()));
  }
  static constexpr bool takes_encodings(dtype from, const quant& x, dtype to, const quant& y, rounding_mode mode) {
    return !x.scales && !y.scales && asked(from, x, to, y, mode, [&](const auto& s) { return s.fits(rounding::dynamic{mode}); });
  }
  static constexpr bool takes(const node_facts& f, const params&) {
    return takes_encodings(f.c.in(0).type, f.in[0], f.c.out(0).type, f.out[0], f.rounding);
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    if (!takes(f, p)) return 0;
    return asked(f.c.in(0).type, f.in[0], f.c.out(0).type, f.out[0], f.rounding,
                 [&](const auto& s) { return s.code_parts(rounding::dynamic{f.rounding}); });
  }

  template <class Call>
  static void run(const Call& c) {
    constexpr dtype from = Call::template in_type<0>::code, to = Call::out_type::code;
    using rounding_type = std::decay_t<decltype(c.rounding())>;
    const quant &x = c.s.inputs[0].q, &y = c.s.outputs[0].q;
    if constexpr (!config::embedded_packed)
      if (!takes_encodings(from, x, to, y, c.rounding().mode())) return reference::run(c);
    const std::int64_t low = min_value(from) + x.offset, high = max_value(from) + x.offset;
    const hvx::rescaler<to, rounding_type> scale(c, {c.constants()[2], c.constants()[3]}, high > -low ? high : -low);
    const hvx::finisher<to, false, rounding_type, false> done(c);
    const hvx::vec plus = hvx::splat(x.offset);
    const auto* data = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* out = reinterpret_cast<std::byte*>(c.out().data);
    hvx::each_block(static_cast<std::int32_t>(c.out().size()), [&](std::int32_t at, std::int32_t count) {
      hvx::four w = hvx::load_words<from>(data + at * (bits_of(from) / 8), count);
      for (hvx::vec& v : w.v) v = scale(hvx::add(v, plus), done);
      hvx::store_words<from, to>(done, out + at * (bits_of(to) / 8), w, count);
    });
  }
};

template <>
struct impl<op::dequantize, isa::hvx> : answers_as<op::dequantize> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::f32(types::u8)> || std::is_same_v<Sig, types::f32(types::s8)>;

  static constexpr bool takes(const node_facts& f, const params&) { return !f.in[0].scales; }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return takes(f, p) ? 256 : kernel::constant_words<reference>(f, p);
  }
  /// The float of every byte.
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (!takes(f, p)) return reference::prepare(f, p, r, out);
    const bool is_signed = is_signed_fixed(f.c.in(0).type);
    for (int i = 0; i < 256; ++i)
      out[i] = std::bit_cast<std::int32_t>(dequantize_value(is_signed && i > 127 ? i - 256 : i, f.in[0].scale, f.in[0].offset));
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.s.inputs[0].q.scales) return reference::run(c);
    const hvx::word_table table(c.constants(), [](hvx::vec v) { return v; });
    const auto* x = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* y = reinterpret_cast<std::byte*>(c.out().data);
    hvx::each_block(static_cast<std::int32_t>(c.out().size()), [&](std::int32_t at, std::int32_t count) {
      const hvx::vec q = hvx::load_up_to(x + at, count);
      const hvx::two low = hvx::interleave_bytes(hvx::look_up(table.bytes[0], q), hvx::look_up(table.bytes[1], q));
      const hvx::two high = hvx::interleave_bytes(hvx::look_up(table.bytes[2], q), hvx::look_up(table.bytes[3], q));
      std::byte* out = y + 4 * at;
      std::int32_t left = 4 * count;
      for (int k = 0; k < 2; ++k) {
        const hvx::two words = hvx::interleave_all_halves(low.v[k], high.v[k]);
        for (const hvx::vec& v : words.v) {
          if (left > 0) hvx::put(out, v, left);
          out += hvx::vector_bytes, left -= hvx::vector_bytes;
        }
      }
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
