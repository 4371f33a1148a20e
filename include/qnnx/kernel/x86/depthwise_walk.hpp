// SPDX-License-Identifier: Apache-2.0
#pragma once
// What depthwise_columns.hpp, depthwise_blocks.hpp and depthwise_quads.hpp walk through, and in which order. Layer 5a.

#include "qnnx/kernel/x86/depthwise_blocks.hpp"
#include "qnnx/kernel/x86/depthwise_quads.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Bytes of results that are kept until all that they may lie over has been read: a second row, or some.
inline constexpr std::int64_t most_kept = 16 * 1024;
/// Steps of a stretch after which the next channels come: the lines of the cache that their neighbours touched are there.
inline constexpr std::int64_t stretch_steps = 32;
/// Bytes of lines of the cache that are walked through for some channels before the next ones.
inline constexpr std::int64_t walked_bytes = 16 * 1024;

/// Output rows [from, to) over the batch, channels [first, last): whole units or all.
inline void walk_depthwise(const depthwise_shape& s, const byte_windows& l, const byte_image& d, std::int64_t from, std::int64_t to, std::int64_t first,
                           std::int64_t last, const std::byte* packed, const packed_flags& flags, const byte_output& o) {
  const bool narrow = l.together > 1;
  alignas(64) std::byte padding[64];
  std::memset(padding, d.padding, sizeof padding);
  alignas(64) std::uint8_t kept[most_kept];
  alignas(64) std::int32_t sums[2 * stretch_steps * unit_channels];
  const std::int64_t out_line = s.out_w * s.channels;
  const std::int64_t pixels = narrow ? l.together : 1;  // of a step
  const std::int64_t wide = pixels * s.channels;
  const std::int64_t steps = (s.out_w + pixels - 1) / pixels;
  column_job j{};
  j.s = &s;
  j.padding = padding;
  j.flip = d.flip;
  j.zero = o.zero;
  const byte_scale scale(scaling::rne, o);
  j.clamp[0] = _mm_cvtsi128_si32(_mm512_castsi512_si128(scale.lo)), j.clamp[1] = _mm_cvtsi128_si32(_mm512_castsi512_si128(scale.hi));
  j.line = s.width * s.channels;
  j.step = narrow ? 32 : s.channels;
  j.out_step = wide;
  j.out_line = out_line;
  j.weights_step = l.rows * 128;
  const std::int64_t before = flags.ordered ? l.blocks * (block_bytes - 2 * l.unit_bytes()) : 0;  // what blocks have more than their units
  j.plain = flags.how == scaling::rne && o.vector && !o.residual;
  j.unit.padded = l.padded;
  j.unit.how = flags.how;
  j.unit.o = &o;
  j.sums = sums;
  const auto quads = [&] {
    if (s.stride_w == 1) return s.channels == 8 ? &walk_quads<8, 1> : &walk_quads<32, 1>;
    return s.channels == 16 ? &walk_quads<16, 2> : s.channels == 32 ? &walk_quads<32, 2> : &walk_quads<0, 2>;
  };
  const auto run = flags.quads        ? quads()
                   : s.stride_w == 1 ? (!narrow ? &walk_columns<1, 0> : s.channels == 16 ? &walk_columns<1, 16> : &walk_columns<1, 8>)
                                   : (!narrow ? &walk_columns<2, 0> : s.channels == 16 ? &walk_columns<2, 16> : &walk_columns<2, 8>);
  const std::int32_t up = o.is_signed ? 128 : 0;
  j.block_base = j.clamp[0] - o.constants[0] - up;
  j.block_clamp[0] = o.constants[0] + up, j.block_clamp[1] = o.constants[1] + up;
  const auto mask = [](std::int64_t n) { return n >= 32 ? ~__mmask32{0} : (__mmask32{1} << n) - 1; };
  // Results that lie so far before the data that one of row r + 1 is at most over its own pixel of the first data row of r, which
  // has been read, and over no other channels, need no care
  const std::int64_t behind = d.data - reinterpret_cast<const std::byte*>(o.y);
  // Nor do rows that are made one after the other, all channels at once: no row of results reaches data that a later one needs
  const bool by_rows = flags.quads && s.channels <= unit_channels && j.plain;
  const bool apart = !o.shares_memory || by_rows || (l.rows == 2 && s.stride_w == 1 && s.out_w == s.width && (s.batch == 1 || s.out_h == s.height) && s.left <= 2 &&
                                          behind >= (1 + s.top) * j.line && behind % s.channels == 0 && j.plain);
  const bool keeps = !apart && j.plain && out_line <= most_kept && first == 0 && last == s.channels;
  j.pairs = !flags.quads && l.rows == 2 && s.stride_w == 1 && (apart || keeps);
  const std::int64_t together = j.pairs ? 2 : 1;
  // Rows at once: what is not kept of them must not lie over data that is still read, and sums are those of one line
  std::int64_t rows = walked_bytes / (s.width * (s.channels < 64 ? s.channels : 64) * s.stride_h) / together * together;
  if (keeps && rows > most_kept / out_line) rows = most_kept / out_line;
  if (rows < together || !j.plain || (!apart && !keeps)) rows = together;
  const bool keeps_all = keeps && rows > together;
  const bool whole = narrow || last - first <= unit_channels || (apart && o.shares_memory);  // a stretch would read again
  const std::int64_t stretch = j.plain && whole ? steps : stretch_steps;
  for (std::int64_t row = from; row < to; row += j.rows) {
    const std::int64_t image = row / s.out_h;
    j.row = row - image * s.out_h;
    j.rows = to - row < rows ? to - row : rows;
    if (j.rows > s.out_h - j.row) j.rows = s.out_h - j.row;
    for (std::int64_t from_step = 0; from_step < steps; from_step += stretch) {
      j.steps = steps - from_step < stretch ? steps - from_step : stretch;
      j.first = (from_step * pixels * s.stride_w - s.left) * s.channels;
      for (std::int64_t c = first; c < last;) {
        const bool block = flags.ordered && c / 64 < l.blocks;
        j.image = d.data + image * s.height * j.line + c;
        j.lanes = narrow ? ~__mmask32{0} : mask(last - c);
        j.mask = mask(wide - c);
        const bool ends = from_step + j.steps == steps;
        j.last_mask = mask(ends ? (s.out_w - (steps - 1) * pixels) * s.channels - c : wide - c);
        const std::int64_t unit = c / unit_channels;
        j.weights = packed + l.weights_at() + (block ? c / 64 * block_bytes : before + unit * l.unit_bytes());
        j.unit.words = packed + l.word(0) + unit * unit_channels * 4;
        j.unit.channel = c;
        const std::int64_t place = from_step * wide + c;
        j.to = keeps_all ? kept + place : o.y + row * out_line + place;
        j.second = keeps && !keeps_all ? kept + place : nullptr;
        if (block) s.stride_w == 1 ? walk_block_pairs(j) : walk_block_steps(j);
        else run(j);
        c += block ? 2 * unit_channels : unit_channels;
        if (j.plain) continue;
        const std::int32_t* sum = sums;
        for (std::int64_t k = 0; k < j.steps; ++k)
          for (std::int64_t r = 0; r < j.rows; ++r, sum += 32)
            finish_unit(j.unit, sum, (row + r) * out_line + place + k * wide, k + 1 == j.steps ? j.last_mask : j.mask);
      }
    }
    if (keeps_all) std::memcpy(o.y + row * out_line, kept, static_cast<std::size_t>(j.rows * out_line));
    else if (keeps && j.rows == 2) std::memcpy(o.y + (row + 1) * out_line, kept, static_cast<std::size_t>(out_line));
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
