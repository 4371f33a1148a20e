// SPDX-License-Identifier: Apache-2.0
#pragma once
// Weights as the aarch64 kernels read them, and which nodes these take; without the instructions, so that another machine
// packs a firmware's weights (config.hpp: QNNX_EMULATE_NEON). For Conv2d, FullyConnected and MatMul: integers (8- or
// 16-bit data, 8- or 4-bit weights) a node head, then per eight channels two quad heads and panels of 16 elements;
// floats per eight channels their biases and panels of four elements. A panel has the order of its level:
//   neon      [16][8]
//   neon_dot  [4][8][4]
//   i8mm      [2][4][2][8]
// 4-bit weights stand in the same order: byte i of 16 has weight i of one vector in its low half, of the next in its high
// half. Layer 5a.

#include "qnnx/kernel/arm/mixed.hpp"

#if QNNX_HAS_NEON_PACKING
namespace qnnx::inline QNNX_ABI::kernel::neon {

inline constexpr std::int32_t panel_channels = 8;
inline constexpr std::int32_t panel_elements = 16;
inline constexpr std::int32_t most_rows = 8;  // of a tile
inline constexpr bool splits_words = !std::is_same_v<isa::best, isa::neon>;  // 16-bit data is two rows of bytes

/// Where (element, channel) of a panel lies.
constexpr std::int32_t panel_at(std::int32_t k, std::int32_t o) {
  if constexpr (std::is_same_v<isa::best, isa::i8mm>) return k / 8 * 64 + o / 2 * 16 + o % 2 * 8 + k % 8;
  else return splits_words ? k / 4 * 32 + o * 4 + k % 4 : k * 8 + o;
}

/// Four heads, field by field.
struct quad_head {
  std::int32_t bias[4] = {};
  std::int32_t factor[4] = {};
  std::int32_t add[4] = {};
  std::int32_t shift[4] = {};
};
/// Heads of all channels, `at(o / 8)` the two quad heads of eight channels. Data is seen as x - base.
template <bool Once, class Call, class Weight, class At>
bool pack_heads(const Call& c, std::int32_t channels, std::int32_t depth, std::int32_t base, scale_product product,
                Weight&& weight, At&& at) {
  constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
  bool fast = true;
  const auto put = [&](std::int32_t o, const dsp::channel_head& h) {
    quad_head pair[2];
    std::memcpy(pair, at(o / 8), sizeof pair);
    quad_head& q = pair[o % 8 / 4];
    q.bias[o % 4] = h.bias, q.factor[o % 4] = h.factor, q.add[o % 4] = h.add, q.shift[o % 4] = h.shift;
    std::memcpy(at(o / 8), pair, sizeof pair);
  };
  if constexpr (bits_of(Call::out_type::code) == 16) {
    for (std::int32_t o = 0; o < channels && fast; ++o)
      fast = dsp::facts_of_16(c, o, depth, product, weight).template fits_fast<Once>(c.rounding());
    for (std::int32_t o = 0; o < channels; ++o) {
      std::int64_t sum = 0;
      for (std::int32_t k = 0; k < depth; ++k) sum += weight(k, o);
      dsp::channel_facts_16 f = dsp::facts_of_16(c, o, depth, product, weight);
      if (!fast) f.bias += base * sum;
      dsp::channel_head h = f.template head<Once>(c.rounding(), fast);
      if (fast) h.bias = static_cast<std::int32_t>((std::int64_t{h.bias} + base * sum) & 0xffffffff);
      put(o, h);
    }
  } else {
    const std::int32_t fold = c.s.inputs[0].q.offset + base;
    for (std::int32_t o = 0; o < channels && fast; ++o)
      fast = dsp::facts_of(c, o, depth, fold, product, weight).template fits_fast<Once, is_signed>(c.rounding());
    for (std::int32_t o = 0; o < channels; ++o)
      put(o, dsp::facts_of(c, o, depth, fold, product, weight).template head<Once, is_signed>(c.rounding(), fast));
  }
  return fast;
}

/// A matrix of weights [elements][channels] in packed form; floats have 32 bits.
struct panel_sizes {
  std::int32_t elements, channels;
  std::int32_t data_bits = 8, weight_bits = 8;
  constexpr bool floats() const { return data_bits == 32; }
  constexpr std::int32_t step() const { return floats() ? 4 : panel_elements; }
  constexpr std::int32_t padded() const { return (elements + step() - 1) / step() * step(); }
  /// From a row of data to the next, in elements (of bytes, where words are split).
  constexpr std::int32_t pitch() const { return floats() ? padded() : padded() + panel_elements; }
  constexpr std::int64_t row_bytes() const { return std::int64_t{pitch()} * data_bits / 8; }
  constexpr std::int64_t head_bytes() const {
    return static_cast<std::int64_t>(floats() ? panel_channels * sizeof(float) : 2 * sizeof(quad_head));
  }
  constexpr std::int64_t group_bytes() const { return head_bytes() + std::int64_t{padded()} * weight_bits; }
  constexpr std::int64_t groups_at() const { return floats() ? 0 : static_cast<std::int64_t>(sizeof(dsp::node_head)); }
  constexpr std::int64_t bytes() const { return groups_at() + (channels + 7) / 8 * group_bytes(); }
  /// Whether the sums of the high and of the low bytes of 16-bit data fit 32 bits whatever the weights.
  constexpr bool fits() const { return data_bits != 16 || elements < 1 << 17; }
};
/// Of the operands of a node or of a call.
constexpr panel_sizes sizes_of(const node_facts& f, std::int32_t elements, std::int32_t channels) {
  return {elements, channels, bits_of(f.c.out(0).type), bits_of(f.c.in(1).type)};
}
template <class Call>
constexpr panel_sizes sizes_of(std::int32_t elements, std::int32_t channels) {
  return {elements, channels, bits_of(Call::out_type::code), bits_of(Call::template in_type<1>::code)};
}

template <bool Once, class Call, class Weight>
void pack_panels(const Call& c, const panel_sizes& size, scale_product product, Weight&& weight, std::byte* out) {
  std::memset(out, 0, static_cast<std::size_t>(size.bytes()));
  const auto group = [&](std::int32_t g) { return out + size.groups_at() + g * size.group_bytes(); };
  if constexpr (is_float_v<typename Call::out_type>) {
    const auto b = c.template in<2>();
    for (std::int32_t o = 0; o < size.channels; ++o) {
      auto* to = reinterpret_cast<float*>(group(o / 8));
      if (b.present()) to[o % 8] = b.load(o);
      for (std::int32_t k = 0; k < size.elements; ++k) to[8 + 8 * k + o % 8] = weight(k, o);
    }
  } else {
    constexpr bool wide = bits_of(Call::out_type::code) == 16, nibbles = bits_of(Call::template in_type<1>::code) == 4;
    constexpr std::int32_t base = wide ? (splits_words ? 128 : 0) : is_signed_fixed(Call::out_type::code) ? 0 : 128;
    const bool fast = pack_heads<Once>(c, size.channels, size.elements, base, product, weight, group);
    for (std::int32_t o = 0; o < size.channels; ++o)
      for (std::int32_t k = 0; k < size.elements; ++k) {
        const std::int32_t at = k / 16 * 128 + panel_at(k % 16, o % 8), w = weight(k, o);
        std::byte* const to = group(o / 8) + size.head_bytes() + (nibbles ? at / 32 * 16 + at % 16 : at);
        *to = nibbles ? *to | static_cast<std::byte>((w & 0xf) << at / 16 % 2 * 4) : static_cast<std::byte>(w);
      }
    const dsp::node_head head{fast ? 1 : 0, 0, {}};
    std::memcpy(out, &head, sizeof head);
  }
}

/// Which signatures and nodes the kernels on panels take.
template <class Sig>
inline constexpr bool is_float_product = std::is_same_v<Sig, types::f32(types::f32, types::f32, types::f32)>;
template <class Sig>
inline constexpr bool is_product = is_float_product<Sig> || dsp::is_8_bit<Sig> || dsp::is_mixed<Sig>;

constexpr bool takes_operands(const node_facts& f) {
  if (!is_float(f.c.out(0).type)) return dsp::takes_operands(f);
  const bool bias =
      f.c.input_count < 3 || f.c.in(2).kind == tensor_kind::constant || f.c.in(2).kind == tensor_kind::null;
  return f.c.in(1).kind == tensor_kind::constant && bias;
}
template <class Call>
bool takes_operands(const Call& c) {
  if constexpr (!is_float_v<typename Call::out_type>) return dsp::takes_operands(c);
  const bool bias = c.s.input_count < 3 || c.s.inputs[2].where != bank::arena;
  return c.s.inputs[1].where == bank::weights && bias;
}

/// Base of the kernels whose packed form replaces weights and bias of the nodes that `Kernel::takes`, and the multipliers
/// of integers.
template <class Kernel, class Op>
struct packed_kernel : dsp::packed_kernel<Kernel, Op> {
  using params = typename Op::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return is_float(f.c.out(0).type) ? answers_as<Op>::constant_words(f, p)
                                     : dsp::packed_kernel<Kernel, Op>::constant_words(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (is_float(f.c.out(0).type)) answers_as<Op>::prepare(f, p, r, out);
    else dsp::packed_kernel<Kernel, Op>::prepare(f, p, r, out);
  }
  static constexpr bool replaces(const node_facts& f, const params& p, int input) {
    return (input == 1 || input == 2) && Kernel::takes(f, p);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
