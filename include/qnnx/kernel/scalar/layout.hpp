// SPDX-License-Identifier: Apache-2.0
#pragma once
// Types and forms of the kernels without vectors: 8-bit and 16-bit data, 8-bit and 4-bit weights.
//   block    per window element `words` words: of two output pixels each where two sums of products stay in a word side by
//            side for long (64 bits; 8-bit data with 4-bit weights), else of one
//   record   a channel's head and its weights in the order of the window, bytes or nibbles (the first one low)
// Both are filled up with zeros to as many elements as the loops take at once. Data is signed: unsigned data is read with
// the highest bit turned over. Layer 5a.

#include "qnnx/kernel/arm/mixed.hpp"
#include "qnnx/kernel/scalar/finish.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel::scalar {

using word = std::conditional_t<QNNX_SCALAR_BITS == 64, std::uint64_t, std::uint32_t>;
using half = std::conditional_t<QNNX_SCALAR_BITS == 64, std::int32_t, std::int16_t>;
inline constexpr int half_bits = QNNX_SCALAR_BITS / 2;
inline constexpr std::int32_t pixels = QNNX_SCALAR_BITS == 64 ? 8 : 4;  // of a block
inline constexpr std::int32_t most_elements = 65535;

/// Before a channel's weights in the packed form, in words of 32 bits that two pixels share (scalar/chunks.hpp).
struct chunk_head {
  channel_head head;
  std::uint16_t chunk = 0;  // elements, a multiple of eight
  std::uint16_t whole = 0;  // chunks
  std::uint16_t rest = 0;   // elements of one more, shorter chunk
  std::uint16_t unused = 0;
};

struct layout {
  bool wide, nibbles;  // 16-bit data, 4-bit weights

  constexpr std::int32_t bytes() const { return wide ? 2 : 1; }
  constexpr bool chunks() const { return !QNNX_HAS_SCALAR_64 && nibbles && !wide; }
  constexpr bool two_pixels() const { return QNNX_HAS_SCALAR_64 || chunks(); }
  constexpr std::int32_t words() const { return two_pixels() ? pixels / 2 : pixels; }  // of a window element
  constexpr std::int32_t step() const { return nibbles ? 8 : 4; }  // elements that loops take at once
  constexpr std::int32_t filled(std::int32_t elements) const { return (elements + step() - 1) / step() * step(); }
  constexpr std::int32_t head_bytes() const {
    return static_cast<std::int32_t>(chunks() ? sizeof(chunk_head) : sizeof(channel_head));
  }
  constexpr std::int64_t record_bytes(std::int32_t elements) const {
    return head_bytes() + std::int64_t{nibbles ? filled(elements) / 2 : (elements + 3) / 4 * 4};
  }
  constexpr std::int64_t block_bytes(std::int32_t elements) const {
    return std::int64_t{filled(elements)} * words() * static_cast<std::int64_t>(sizeof(word));
  }
};
constexpr layout layout_of(const node_facts& f) {
  return {bits_of(f.c.in(0).type) == 16, bits_of(f.c.in(1).type) == 4};
}
/// Signatures of these kernels.
template <class Sig>
inline constexpr bool is_taken = dsp::is_8_bit<Sig> || dsp::is_mixed<Sig>;

/// Data of type X with weights of type W.
template <class X, class W>
struct kind {
  static constexpr bool is_signed = is_signed_fixed(X::code);
  static constexpr bool wide = bits_of(X::code) == 16;
  static constexpr bool nibbles = bits_of(W::code) == 4;
  static constexpr layout form{wide, nibbles};
  static constexpr std::int32_t words = form.words();
  /// What is taken from the data where it is read as signed.
  static constexpr std::int32_t base = is_signed ? 0 : wide ? 32768 : 128;
  using storage = typename X::storage;
  using signed_storage = std::conditional_t<wide, std::int16_t, std::int8_t>;

  static QNNX_INLINE std::int32_t signed_element(storage x) {
    return static_cast<signed_storage>(is_signed ? x : static_cast<storage>(x ^ base));
  }
  /// Element k of a channel's weights.
  static QNNX_INLINE std::int32_t weight(const std::byte* w, std::int32_t k) {
    if constexpr (!nibbles) return static_cast<std::int8_t>(w[k]);
    const std::int32_t b = static_cast<std::int8_t>(w[k / 2]);
    return k % 2 != 0 ? b >> 4 : static_cast<std::int32_t>(static_cast<std::uint32_t>(b) << 28) >> 28;
  }
  /// Puts it at its place among zeros.
  static void put_weight(std::byte* w, std::int32_t k, std::int32_t value) {
    if constexpr (nibbles)
      w[k / 2] |= static_cast<std::byte>((static_cast<unsigned>(value) & 15u) << (k % 2 * 4));
    else
      w[k] = static_cast<std::byte>(value);
  }
};
template <class Call>
using kind_of = kind<typename Call::out_type, typename Call::template in_type<1>>;

/// Heads of all channels: put(o, head). 8-bit data is seen as x - `base` (16-bit data as signed), a weight of x - base
/// times weight(k, o). Returns whether the heads are of the fast form.
template <class Kind, bool Once, class Call, class Weight, class Put>
bool heads_of(const Call& c, std::int32_t channels, std::int32_t depth, std::int32_t base, scale_product product,
              Weight&& weight, Put&& put) {
  if constexpr (Kind::wide)
    return dsp::mixed_heads<Kind, Once>(c, channels, depth, product, weight, put);
  else
    return make_heads<Once>(c, channels, depth, base, product, weight, put);
}
template <class Kind, bool Once, class Call>
auto finish_of(const Call& c) {
  if constexpr (Kind::wide)
    return dsp::mixed_finisher_of<Kind, Once>(c);
  else
    return finisher_of<Once>(c);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::scalar
#endif
