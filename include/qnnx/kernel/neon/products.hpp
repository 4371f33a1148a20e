// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of data times all channels, for Conv2d, FullyConnected and MatMul, whose packed form is in neon/panels.hpp: a
// tile is up to eight rows and eight channels.
// Sums of 16-bit data are 32-bit where the packer proves that they fit (arm/mixed.hpp). Else they are added up in 64
// bits: with rows of bytes 256 high + low, both of which fit 32 bits for up to 2^17 elements, with rows of words pieces
// of 496 elements. Layer 5a.

#include "qnnx/kernel/neon/finish.hpp"
#include "qnnx/kernel/neon/rows.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

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

/// How a node's outputs are finished, out of the forms that the model needs.
QNNX_INLINE bool is_fast(const std::byte* packed) {
  if constexpr ((config::packed_forms & 4u) == 0) return true;
  return (config::packed_forms & 3u) != 0 && reinterpret_cast<const dsp::node_head*>(packed)->fast != 0;
}

/// Sums of `count` rows of data, where weights have an offset.
template <int Bits, bool Wide>
QNNX_NOINLINE void sum_rows(const panel_sizes& size, const std::byte* ones, const std::byte* rows, std::int32_t count,
                            std::int64_t* row_sums) {
  const auto* w = reinterpret_cast<const std::int8_t*>(ones);
  if constexpr (Wide) {
    multiply_words<Bits>(
        size, rows, w, count, false, [](std::int32_t, int32x4_t, int32x4_t) {},
        [&](std::int32_t r, const std::int64_t* sums) { row_sums[r] = sums[0]; });
  } else {
    std::int32_t sums[most_rows * panel_channels];
    tile_of<Bits>(count, reinterpret_cast<const std::int8_t*>(rows), size.pitch(), w, size.padded() / panel_elements, sums);
    for (std::int32_t r = 0; r < count; ++r) row_sums[r] = sums[panel_channels * r];
  }
}

/// `count` rows (at most most_rows) of padded data times the channels of group g; output row r begins at element
/// (first + r) * all channels. Rows beyond `count` up to the tile's size are read, not stored.
template <bool Once, class Call>
QNNX_INLINE void multiply_rows(const Call& c, const panel_sizes& size, const std::byte* packed, const std::byte* rows,
                               std::int64_t first, std::int32_t count, std::int32_t g = 0) {
  const std::byte* at = packed + size.groups_at() + std::int64_t{g} * size.blocks() * size.group_bytes();
  const std::int32_t begin = g * size.channels;
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
        for (std::int32_t j = 0; j < have; ++j) 
          done.store((first + r) * size.all_channels() + begin + o + j, begin + o + j, sums[8 * r + j]);
    }
  } else {
    constexpr bool wide = bits_of(Call::out_type::code) == 16;
    constexpr int bits = bits_of(Call::template in_type<1>::code);
    const limits l{c.constants()[0], c.constants()[1]};
    const std::int32_t zero = c.s.outputs[0].q.zero();
    const bool fast = is_fast(packed);
    const std::int64_t pixel = std::int64_t{size.all_channels()} * (wide ? 2 : 1);
    auto* y = reinterpret_cast<std::byte*>(c.out().data) + first * pixel + begin * (wide ? 2 : 1);
    std::int64_t row_sums[most_rows];
    const std::int32_t* offsets = nullptr;
    if constexpr (needs_weight_offsets)
      if (reinterpret_cast<const dsp::node_head*>(packed)->undivided != 0) {
        offsets = reinterpret_cast<const std::int32_t*>(packed + size.offsets_at()) + std::int64_t{8} * g * size.blocks();
        sum_rows<bits, wide>(size, packed + size.ones_at(), rows, count, row_sums);
      }
    for (std::int32_t o = 0; o < size.channels; o += 8, at += size.group_bytes(), y += wide ? 16 : 8) {
      const auto* w = reinterpret_cast<const std::int8_t*>(at + size.head_bytes());
      const auto* h = reinterpret_cast<const quad_head*>(at);
      const std::int32_t have = size.channels - o;
      const eight_heads heads(h, l);
      if constexpr (wide) {
        multiply_words<bits>(
            size, rows, w, count, fast,
            [&](std::int32_t r, int32x4_t a, int32x4_t b) {
              if constexpr (needs_weight_offsets)
                if (offsets) {
                  const auto sum = static_cast<std::int32_t>(row_sums[r] & 0xffffffff);
                  a = vmlaq_n_s32(a, vld1q_s32(offsets + o), sum), b = vmlaq_n_s32(b, vld1q_s32(offsets + o + 4), sum);
                }
              finish_eight_16(a, b, heads, c.rounding(), y + r * pixel, have);
            },
            [&](std::int32_t r, std::int64_t* sums) {
              if constexpr (needs_weight_offsets)
                for (int j = 0; offsets && j < 8; ++j) sums[j] += offsets[o + j] * row_sums[r];
              finish_eight_general_16<Once>(sums, h, l, zero, c.rounding(), y + r * pixel, have);
            });
      } else {
        std::int32_t sums[most_rows * panel_channels];
        tile_of<bits>(count, reinterpret_cast<const std::int8_t*>(rows), size.pitch(), w,
                      size.padded() / panel_elements, sums);
        for (std::int32_t r = 0; r < count; ++r) {
          std::int32_t* s = sums + 8 * r;
          if constexpr (needs_weight_offsets)
            if (offsets) {
              const auto sum = static_cast<std::int32_t>(row_sums[r]);
              vst1q_s32(s, vmlaq_n_s32(vld1q_s32(s), vld1q_s32(offsets + o), sum));
              vst1q_s32(s + 4, vmlaq_n_s32(vld1q_s32(s + 4), vld1q_s32(offsets + o + 4), sum));
            }
          if (fast)
            finish_eight<Once>(vld1q_s32(s), vld1q_s32(s + 4), heads, c.rounding(), y + r * pixel, have);
          else
            finish_eight_general<Once>(s, h, l, zero, c.rounding(), y + r * pixel, have);
        }
      }
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
