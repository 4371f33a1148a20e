// SPDX-License-Identifier: Apache-2.0
#pragma once
// Weights as the aarch64 kernels read them, and which nodes these take; without the instructions, so that another machine
// packs a firmware's weights (config.hpp: QNNX_EMULATE_NEON). For Conv2d, FullyConnected and MatMul: integers (8- or
// 16-bit data, 8- or 4-bit weights) a node head, then per eight channels of a group two quad heads and panels of 16
// elements; floats per eight channels their biases and panels of four elements. A panel has the order of its level:
//   neon      [16][8]
//   neon_dot  [4][8][4]
//   i8mm      [2][4][2][8]
// 4-bit weights stand in the same order: byte i of 16 has weight i of one vector in its low half, of the next in its high
// half. Weights are stored as signed ones, u8 less 128. Where they have an offset,
//   sum x (w + c) = sum x w + c sum x
// the second sum is that of a channel of ones: eight channels more (of which one is read), then c of every channel.
// Layer 5a.

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
/// Part of the code of archives (kernel/code_parts.hpp): weights with an offset.
inline constexpr unsigned weight_offsets = 1u << 22;
inline constexpr bool needs_weight_offsets = (config::packed_forms & weight_offsets) != 0;

/// What is added to the signed form of a channel's weights.
template <class T>
constexpr std::int32_t centre_of(const quant& q, std::int32_t o) {
  return q.offset_at(o) + (T::code == dtype::ufixed_8 ? 128 : 0);
}
/// Its largest magnitude.
constexpr std::int64_t largest_centre(const quant& q, dtype t) {
  std::int64_t most = 0;
  for (std::int32_t o = 0, n = q.scales ? q.count : 1; o < n; ++o) {
    const std::int64_t v = std::int64_t{q.offset_at(o)} + (t == dtype::ufixed_8 ? 128 : 0);
    most = v > most ? v : -v > most ? -v : most;
  }
  return most;
}

inline constexpr std::int64_t most_centre = 384;

/// Rows of a tile for `count` rows of data: what scratch has to hold.
constexpr std::int32_t tile_rows(std::int64_t count) { return count > 4 ? 8 : count > 1 ? 4 : 1; }

/// Heads of all channels, `at(o)` the two quad heads of eight channels, `lane(o)` which of them o is. Data is seen as
/// x - base; weight(k, o) has its offset.
template <bool Once, class Call, class Weight, class At, class Lane>
bool pack_heads(const Call& c, std::int32_t channels, std::int32_t depth, std::int32_t base, scale_product product,
                Weight&& weight, At&& at, Lane&& lane) {
  constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
  bool fast = true;
  const auto put = [&](std::int32_t o, const dsp::channel_head& h) {
    quad_head pair[2];
    const std::int32_t i = lane(o) % 4;
    std::memcpy(pair, at(o), sizeof pair);
    quad_head& q = pair[lane(o) / 4];
    q.bias[i] = h.bias, q.factor[i] = h.factor, q.add[i] = h.add, q.shift[i] = h.shift;
    std::memcpy(at(o), pair, sizeof pair);
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

/// Matrices of weights [elements][channels], one for each group, in packed form; floats have 32 bits.
struct panel_sizes {
  std::int32_t elements, channels;
  std::int32_t data_bits = 8, weight_bits = 8;
  std::int32_t groups = 1;
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
  /// Of eight channels each, those of a group of channels; then all of them.
  constexpr std::int32_t blocks() const { return (channels + 7) / 8; }
  constexpr std::int32_t all_channels() const { return groups * channels; }
  /// Where the panels of ones begin, and the offsets of weights behind them.
  constexpr std::int64_t ones_at() const { return groups_at() + std::int64_t{groups} * blocks() * group_bytes(); }
  constexpr std::int64_t offsets_at() const { return ones_at() + std::int64_t{padded()} * weight_bits; }
  constexpr std::int64_t bytes(bool with_offsets) const {
    return with_offsets ? offsets_at() + std::int64_t{groups} * blocks() * 8 * 4 : ones_at();
  }
  /// Where channel o is: which eight, and its place among them.
  constexpr std::int32_t block_of(std::int32_t o) const { return o / channels * blocks() + o % channels / 8; }
  constexpr std::int32_t lane_of(std::int32_t o) const { return o % channels % 8; }
  /// Whether the sums of the high and of the low bytes of 16-bit data fit 32 bits whatever the weights.
  constexpr bool fits() const { return data_bits != 16 || elements < 1 << 17; }
};
/// Of the operands of a node or of a call.
constexpr panel_sizes sizes_of(const node_facts& f, std::int32_t elements, std::int32_t channels,
                               std::int32_t groups = 1) {
  return {elements, channels, bits_of(f.c.out(0).type), bits_of(f.c.in(1).type), groups};
}
template <class Call>
constexpr panel_sizes sizes_of(std::int32_t elements, std::int32_t channels, std::int32_t groups = 1) {
  return {elements, channels, bits_of(Call::out_type::code), bits_of(Call::template in_type<1>::code), groups};
}
constexpr bool has_offsets(const node_facts& f) {
  return !is_float(f.c.out(0).type) && largest_centre(f.in[1], f.c.in(1).type) != 0;
}
constexpr std::int64_t packed_bytes_of(const node_facts& f, const panel_sizes& s) { return s.bytes(has_offsets(f)); }

/// weight(k, o): the stored number of weight k of channel o of all.
template <bool Once, class Call, class Weight>
void pack_panels(const Call& c, const panel_sizes& size, scale_product product, Weight&& weight, std::byte* out) {
  using W = typename Call::template in_type<1>;
  const auto group = [&](std::int32_t o) { return out + size.groups_at() + size.block_of(o) * size.group_bytes(); };
  if constexpr (is_float_v<typename Call::out_type>) {
    std::memset(out, 0, static_cast<std::size_t>(size.bytes(false)));
    const auto b = c.template in<2>();
    for (std::int32_t o = 0; o < size.all_channels(); ++o) {
      auto* to = reinterpret_cast<float*>(group(o));
      if (b.present()) to[size.lane_of(o)] = b.load(o);
      for (std::int32_t k = 0; k < size.elements; ++k) to[8 + 8 * k + size.lane_of(o)] = weight(k, o);
    }
  } else {
    const quant& q = c.s.inputs[1].q;
    const bool with_offsets = largest_centre(q, W::code) != 0;
    std::memset(out, 0, static_cast<std::size_t>(size.bytes(with_offsets)));
    constexpr bool wide = bits_of(Call::out_type::code) == 16, nibbles = bits_of(W::code) == 4;
    constexpr std::int32_t base = wide ? (splits_words ? 128 : 0) : is_signed_fixed(Call::out_type::code) ? 0 : 128;
    constexpr std::int32_t down = W::code == dtype::ufixed_8 ? 128 : 0;
    const bool fast = pack_heads<Once>(
        c, size.all_channels(), size.elements, base, product,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{weight(k, o)} + q.offset_at(o); }, group,
        [&](std::int32_t o) { return size.lane_of(o); });
    const auto put = [](std::byte* panels, std::int32_t k, std::int32_t lane, std::int32_t w) {
      const std::int32_t at = k / 16 * 128 + panel_at(k % 16, lane);
      std::byte* const to = panels + (nibbles ? at / 32 * 16 + at % 16 : at);
      *to = nibbles ? *to | static_cast<std::byte>((w & 0xf) << at / 16 % 2 * 4) : static_cast<std::byte>(w);
    };
    for (std::int32_t o = 0; o < size.all_channels(); ++o)
      for (std::int32_t k = 0; k < size.elements; ++k)
        put(group(o) + size.head_bytes(), k, size.lane_of(o), std::int32_t{weight(k, o)} - down);
    if (with_offsets) {
      for (std::int32_t k = 0; k < size.elements; ++k) put(out + size.ones_at(), k, 0, 1);
      for (std::int32_t o = 0; o < size.all_channels(); ++o) {
        const std::int32_t centre = centre_of<W>(q, o);
        std::memcpy(out + size.offsets_at() + 4 * (8 * size.block_of(o) + size.lane_of(o)), &centre, sizeof centre);
      }
    }
    const dsp::node_head head{fast ? 1 : 0, with_offsets ? 1 : 0, {}};
    std::memcpy(out, &head, sizeof head);
  }
}

/// Which signatures and nodes the kernels on panels take.
template <class Sig>
inline constexpr bool is_float_product = std::is_same_v<Sig, types::f32(types::f32, types::f32, types::f32)>;
template <class Sig>
inline constexpr bool is_product = is_float_product<Sig> || dsp::is_8_bit<Sig> || dsp::is_mixed<Sig> ||
                                   std::is_same_v<Sig, types::u8(types::u8, types::u8, types::s32)> ||
                                   std::is_same_v<Sig, types::u16(types::u16, types::u8, types::s32)>;

/// As the compiler asks, and as a running interpreter finds out.
constexpr bool takes_operands(const node_facts& f) {
  const bool bias =
      f.c.input_count < 3 || f.c.in(2).kind == tensor_kind::constant || f.c.in(2).kind == tensor_kind::null;
  const bool plain = is_float(f.c.out(0).type) || (f.epi.residual < 0 && f.epi.table < 0 &&
                                                   largest_centre(f.in[1], f.c.in(1).type) <= most_centre);
  return plain && f.c.in(1).kind == tensor_kind::constant && bias;
}
template <class Call>
bool takes_operands(const Call& c) {
  const bool bias = c.s.input_count < 3 || c.s.inputs[2].where != bank::arena;
  const bool plain = is_float_v<typename Call::out_type> ||
                     (c.s.epi.residual < 0 && c.s.epi.table < 0 &&
                      largest_centre(c.s.inputs[1].q, Call::template in_type<1>::code) <= most_centre);
  return plain && c.s.inputs[1].where == bank::weights && bias;
}

/// Base of the kernels whose packed form replaces weights and bias of the nodes that `Kernel::packs`, and the multipliers
/// of integers.
template <class Kernel, class Op>
struct packed_kernel : answers_as<Op> {
  using params = typename Op::params;

  static constexpr bool has_bounds(const node_facts& f, const params& p) {
    return config::embedded_packed && !is_float(f.c.out(0).type) && Kernel::packs(f, p);
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return has_bounds(f, p) ? 2 : answers_as<Op>::constant_words(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (has_bounds(f, p)) dsp::make_bounds(f, r, out);
    else answers_as<Op>::prepare(f, p, r, out);
  }
  static constexpr bool replaces(const node_facts& f, const params& p, int input) {
    return (input == 1 || input == 2) && Kernel::packs(f, p);
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    return Kernel::packs(f, p) && has_offsets(f) ? weight_offsets : 0;
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
