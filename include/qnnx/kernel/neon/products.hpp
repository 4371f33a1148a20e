// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of data times all channels, for Conv2d, FullyConnected and MatMul: the packed form and its use. Integers (8- or
// 16-bit data, 8- or 4-bit weights): a node head, then per eight channels two quad heads and panels of 16 elements;
// floats: per eight channels their biases and panels of four elements. Sums of 16-bit data are 32-bit where the packer
// proves that they fit (arm/mixed.hpp). Else they are added up in 64 bits: with rows of bytes 256 high + low, both of
// which fit 32 bits for up to 2^17 elements, with rows of words pieces of 496 elements. Layer 5a.

#include "qnnx/kernel/neon/finish.hpp"
#include "qnnx/kernel/neon/rows.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

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

/// The tile for `rows` rows, of at most 8.
template <int Bits, class X>
QNNX_INLINE void tile_of(std::int32_t rows, const X* x, std::ptrdiff_t pitch, const std::int8_t* w,
                         std::int32_t panels, std::int32_t* sums) {
  if (rows > 4)
    row_tile<8, Bits>(x, pitch, w, panels, sums);
  else if (rows > 2 || (rows > 1 && sizeof(X) > 1))
    row_tile<4, Bits>(x, pitch, w, panels, sums);
  else if (rows > 1)
    row_tile<2, Bits>(x, pitch, w, panels, sums);
  else
    row_tile<1, Bits>(x, pitch, w, panels, sums);
}

/// `count` rows of 16-bit data with eight channels: finish(row, two vectors of sums) where they fit 32 bits, else
/// general(row, eight sums).
template <int Bits, class Finish, class General>
QNNX_INLINE void multiply_words(const panel_sizes& size, const std::byte* rows, const std::int8_t* w,
                                std::int32_t count, bool fast, Finish&& finish, General&& general) {
  const std::int32_t panels = size.padded() / panel_elements;
  std::int32_t sums[most_rows * panel_channels];
  if constexpr (splits_words) {
    for (std::int32_t r = 0; r < count; r += 4) {
      const std::int32_t have = count - r < 4 ? count - r : 4;
      tile_of<Bits>(2 * have, reinterpret_cast<const std::int8_t*>(rows + r * size.row_bytes()), size.pitch(), w, panels,
                    sums);
      for (std::int32_t i = 0; i < have; ++i) {
        const std::int32_t* s = sums + 16 * i;
        if (fast) {
          finish(r + i, vaddq_s32(vshlq_n_s32(vld1q_s32(s), 8), vld1q_s32(s + 8)),
                 vaddq_s32(vshlq_n_s32(vld1q_s32(s + 4), 8), vld1q_s32(s + 12)));
        } else {
          std::int64_t total[8];
          for (int j = 0; j < 8; ++j) total[j] = std::int64_t{s[j]} * 256 + s[j + 8];
          general(r + i, total);
        }
      }
    }
  } else {
    const auto* x = reinterpret_cast<const std::int16_t*>(rows);
    if (fast) {
      tile_of<Bits>(count, x, size.pitch(), w, panels, sums);
      for (std::int32_t i = 0; i < count; ++i) finish(i, vld1q_s32(sums + 8 * i), vld1q_s32(sums + 8 * i + 4));
      return;
    }
    constexpr std::int32_t most = 31;  // panels: 496 * 2^15 * 2^7 < 2^31
    std::int64_t total[most_rows * panel_channels] = {};
    for (std::int32_t p = 0; p < panels; p += most) {
      tile_of<Bits>(count, x + p * panel_elements, size.pitch(), w + std::int64_t{p} * 16 * Bits,
                    panels - p < most ? panels - p : most, sums);
      for (std::int32_t i = 0; i < count * panel_channels; ++i) total[i] += sums[i];
    }
    for (std::int32_t i = 0; i < count; ++i) general(i, total + 8 * i);
  }
}

/// `count` rows (at most most_rows) of padded data times all channels; output row r begins at element (first + r) *
/// channels. Rows beyond `count` up to the tile's size are read, not stored.
template <bool Once, class Call>
QNNX_INLINE void multiply_rows(const Call& c, const panel_sizes& size, const std::byte* packed, const std::byte* rows,
                               std::int64_t first, std::int32_t count) {
  const std::byte* at = packed + size.groups_at();
  if constexpr (is_float_v<typename Call::out_type>) {
    const finish<Call, Once> done(c, false);
    float sums[most_rows * panel_channels];
    for (std::int32_t o = 0; o < size.channels; o += 8, at += size.group_bytes()) {
      const auto* bias = reinterpret_cast<const float*>(at);
      const auto* x = reinterpret_cast<const float*>(rows);
      if (count > 4)
        float_tile<8>(x, size.pitch(), bias + 8, bias, size.padded() / 4, sums);
      else if (count > 1)
        float_tile<4>(x, size.pitch(), bias + 8, bias, size.padded() / 4, sums);
      else
        float_tile<1>(x, size.pitch(), bias + 8, bias, size.padded() / 4, sums);
      const std::int32_t have = size.channels - o < 8 ? size.channels - o : 8;
      for (std::int32_t r = 0; r < count; ++r)
        for (std::int32_t j = 0; j < have; ++j) done.store((first + r) * size.channels + o + j, o + j, sums[8 * r + j]);
    }
  } else {
    constexpr bool wide = bits_of(Call::out_type::code) == 16;
    constexpr int bits = bits_of(Call::template in_type<1>::code);
    const limits l{c.constants()[0], c.constants()[1]};
    const std::int32_t zero = c.s.outputs[0].q.zero();
    const bool fast = reinterpret_cast<const dsp::node_head*>(packed)->fast != 0;
    const std::int64_t pixel = std::int64_t{size.channels} * (wide ? 2 : 1);
    auto* y = reinterpret_cast<std::byte*>(c.out().data) + first * pixel;
    for (std::int32_t o = 0; o < size.channels; o += 8, at += size.group_bytes(), y += wide ? 16 : 8) {
      const auto* w = reinterpret_cast<const std::int8_t*>(at + size.head_bytes());
      const auto* h = reinterpret_cast<const quad_head*>(at);
      const std::int32_t have = size.channels - o;
      const eight_heads heads(h, l);
      if constexpr (wide) {
        multiply_words<bits>(
            size, rows, w, count, fast,
            [&](std::int32_t r, int32x4_t a, int32x4_t b) {
              finish_eight_16(a, b, heads, c.rounding(), y + r * pixel, have);
            },
            [&](std::int32_t r, const std::int64_t* sums) {
              finish_eight_general_16<Once>(sums, h, l, zero, c.rounding(), y + r * pixel, have);
            });
      } else {
        std::int32_t sums[most_rows * panel_channels];
        tile_of<bits>(count, reinterpret_cast<const std::int8_t*>(rows), size.pitch(), w,
                      size.padded() / panel_elements, sums);
        for (std::int32_t r = 0; r < count; ++r) {
          const std::int32_t* s = sums + 8 * r;
          if (fast)
            finish_eight<Once>(vld1q_s32(s), vld1q_s32(s + 4), heads, c.rounding(), y + r * pixel, have);
          else
            finish_eight_general<Once>(s, h, l, zero, c.rounding(), y + r * pixel, have);
        }
      }
    }
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

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
