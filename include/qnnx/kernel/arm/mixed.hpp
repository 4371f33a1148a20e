// SPDX-License-Identifier: Apache-2.0
#pragma once
// Kernels beside the 8-bit ones: 16-bit data with 8-bit weights, 8- and 16-bit data with 4-bit weights. What they share:
//   mixed_kind    data and weights of a signature: how data becomes 16-bit pairs, how weights are unpacked and packed
//   mixed_sizes   a channel's record: a head, then the weights of the window in quads of four elements
//   multiply      sums of four pixels with one channel
// Unsigned 16-bit data is read as signed, the highest bit turned over: the difference is in the offset. Sums of 16-bit
// data are 32-bit where the packer proves that they fit (sum |w| * 2^15 + |bias| < 2^31 for every channel of the node);
// else pieces of 504 elements, which always fit, are added up in 64 bits. Layer 5a.

#include "qnnx/kernel/arm/dot.hpp"
#include "qnnx/kernel/arm/finish_16.hpp"
#include "qnnx/kernel/arm/nibbles.hpp"
#include "qnnx/kernel/arm/packing.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

/// Signatures: 16-bit data with signed 8- or 4-bit weights, 8-bit data with signed 4-bit weights.
template <class Sig>
inline constexpr bool is_mixed = false;
template <class X, class W>
inline constexpr bool is_mixed<X(X, W, types::s32)> =
    std::is_same_v<W, types::s4> ? (std::is_same_v<X, types::u8> || std::is_same_v<X, types::s8> ||
                                    std::is_same_v<X, types::u16> || std::is_same_v<X, types::s16>)
                                 : std::is_same_v<W, types::s8> &&
                                       (std::is_same_v<X, types::u16> || std::is_same_v<X, types::s16>);

/// Pairs of 16-bit lanes of eight elements, in the order of the data: of 8-bit data elements 0 and 2, 1 and 3, of 16-bit
/// data 0 and 1, 2 and 3.
struct octet {
  word pair[4];
};

/// Elements of 16-bit data whose sums of products with 8-bit weights fit 32 bits: 504 * 2^15 * 2^7 < 2^31.
inline constexpr std::int32_t piece = 504;

/// Bytes of a channel's weights.
constexpr std::int32_t weight_bytes(std::int32_t quads, int bits) {
  return bits == 4 ? (quads + 1) / 2 * 4 : 4 * quads;
}
/// Puts weight `value` of element k at its place in a channel's weights, which begin as zeros (nibbles: as 0x88).
constexpr void put_weight(std::byte* w, std::int32_t k, std::int32_t value, int bits, bool wide) {
  const std::int32_t pair = wide ? k % 4 / 2 : k % 2, lane = wide ? k % 2 : k % 4 / 2;
  if (bits == 8) {
    w[k / 4 * 4 + pair + 2 * lane] = static_cast<std::byte>(value);
    return;
  }
  const std::int32_t nibble = k / 4 % 2 * 2 + pair + 4 * lane;  // of the word
  std::byte& b = w[k / 8 * 4 + nibble / 2];
  const int shift = nibble % 2 * 4;
  b = static_cast<std::byte>((static_cast<unsigned>(b) & (0xf0u >> shift)) |
                             (static_cast<unsigned>(value + 8) << shift));
}

/// Data type X with weights of type W.
template <class X, class W>
struct mixed_kind {
  static constexpr dtype type = X::code;
  static constexpr bool is_signed = is_signed_fixed(type);
  static constexpr bool wide = bits_of(type) == 16;
  static constexpr bool nibbles = bits_of(W::code) == 4;
  static constexpr int bytes = wide ? 2 : 1;
  static constexpr word turn = type == dtype::ufixed_16 ? 0x80008000u : 0u;
  using storage = typename X::storage;

  static QNNX_INLINE octet data(const std::byte* x) {
    if constexpr (wide)
      return {{load_word(x) ^ turn, load_word(x + 4) ^ turn, load_word(x + 8) ^ turn, load_word(x + 12) ^ turn}};
    const word a = load_word(x), b = load_word(x + 4);
    return {{even_bytes<is_signed>(a), odd_bytes<is_signed>(a), even_bytes<is_signed>(b), odd_bytes<is_signed>(b)}};
  }
  /// Eight weights; nibbles plus 8.
  static QNNX_INLINE octet weights(const std::byte* w) {
    const word a = load_word(w);
    if constexpr (nibbles)
      return {{a & nibble_lanes, (a >> 4) & nibble_lanes, (a >> 8) & nibble_lanes, (a >> 12) & nibble_lanes}};
    const word b = load_word(w + 4);
    return {{sxtb16(a), sxtb16_ror8(a), sxtb16(b), sxtb16_ror8(b)}};
  }
  static constexpr std::int32_t octet_bytes = nibbles ? 4 : 8;

  /// Sums of 4 * quads elements of four pixels with one channel's weights; returns their end.
  static QNNX_INLINE const std::byte* multiply(const word* block, const std::byte* w, std::int32_t quads,
                                               std::int32_t* acc) {
    if constexpr (nibbles)
      return four_pixels_nibbles(block, w, (quads + 1) / 2, acc);
    else
      return four_pixels(block, w, quads, acc);
  }
};

/// Sizes of the packed channels: `quads` of four window elements each.
struct mixed_sizes {
  std::int32_t channels, quads, weights;
  constexpr mixed_sizes(std::int32_t count, std::int32_t q, int bits)
      : channels(count), quads(bits == 4 ? (q + 1) / 2 * 2 : q), weights(weight_bytes(q, bits)) {}
  constexpr std::int32_t record() const { return static_cast<std::int32_t>(sizeof(channel_head)) + weights; }
  constexpr std::int64_t bytes() const {
    return static_cast<std::int64_t>(sizeof(node_head)) + std::int64_t{record()} * channels;
  }
};

/// Facts of a channel of 16-bit data; weight, depth as facts_of.
template <class Call, class Weight>
channel_facts_16 facts_of_16(const Call& c, std::int32_t o, std::int32_t depth, scale_product product,
                             Weight&& weight) {
  const auto x = c.template in<0>();
  const auto b = c.template in<2>();
  const auto y = c.out();
  std::int64_t sum = 0, magnitude = 0;
  for (std::int32_t k = 0; k < depth; ++k) {
    const std::int32_t v = weight(k, o);
    sum += v;
    magnitude += v < 0 ? -v : v;
  }
  constexpr dtype type = Call::out_type::code;
  const std::int64_t bias = b.present() ? std::int64_t{b.load(o)} : 0;
  return {finish_constants::of_channel(x.scale(), c.template in<1>().q, o, y.scale(), 1.0, type, c.rounding(), product),
          bias + sum * (x.offset() + turned_offset(type)), magnitude * 32768, y.zero(), type};
}

/// Heads of all channels of any kind: put(o, head). Returns whether the fast forms are used.
template <class Kind, bool Once, class Call, class Weight, class Put>
bool mixed_heads(const Call& c, std::int32_t channels, std::int32_t depth, scale_product product, Weight&& weight,
                 Put&& put) {
  if constexpr (Kind::wide) {
    bool fast = true;
    for (std::int32_t o = 0; o < channels && fast; ++o)
      fast = facts_of_16(c, o, depth, product, weight).template fits_fast<Once>(c.rounding());
    for (std::int32_t o = 0; o < channels; ++o)
      put(o, facts_of_16(c, o, depth, product, weight).template head<Once>(c.rounding(), fast));
    return fast;
  } else {
    return make_heads<Once>(c, channels, depth, product, weight, put);
  }
}
/// The whole packed form: element(k) is the place of weight k in a channel's quads.
template <class Kind, bool Once, class Call, class Weight, class Element>
void pack_mixed(const Call& c, const mixed_sizes& size, std::int32_t depth, scale_product product, Weight&& weight,
                Element&& element, std::byte* out) {
  constexpr int bits = Kind::nibbles ? 4 : 8;
  const bool fast = mixed_heads<Kind, Once>(
      c, size.channels, depth, product, weight, [&](std::int32_t o, const channel_head& h) {
        std::byte* record = out + sizeof(node_head) + std::int64_t{o} * size.record();
        std::memcpy(record, &h, sizeof h);
        std::memset(record + sizeof h, bits == 4 ? 0x88 : 0, static_cast<std::size_t>(size.weights));
        for (std::int32_t k = 0; k < depth; ++k)
          put_weight(record + sizeof h, element(k), weight(k, o), bits, Kind::wide);
      });
  const node_head head{fast ? 1 : 0, 0, {}};
  std::memcpy(out, &head, sizeof head);
}

/// Form 2 of 16-bit data: 64-bit sums.
template <class Kind, int Form>
inline constexpr bool adds_pieces = Kind::wide && Form == 2;

template <class Kind, bool Once, class Call>
auto mixed_finisher_of(const Call& c) {
  using rounding_type = std::decay_t<decltype(c.rounding())>;
  if constexpr (Kind::wide)
    return finisher_16<Kind::is_signed, Once, rounding_type>{c.rounding(), c.constants()[0], c.constants()[1],
                                                             c.s.outputs[0].q.zero()};
  else
    return finisher_of<Once>(c);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
