// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 8-bit data with VNNI: the packed form of the weights, and a unit of 32 channels, which the kernels of
// depthwise_bytes.hpp and depthwise_columns.hpp share. Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/depthwise.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr std::int64_t unit_channels = 32;
/// A block of 64 channels in the order of depthwise_blocks.hpp, before the units of the others: biases, factors, then
/// [column][2 rows of results][4 vectors][16 lanes][4 rows], lane 4 k + i of vector v being channel 16 k + 4 v + i.
inline constexpr std::int64_t block_bytes = 512 + 3 * 2 * 256;

/// Whether the windows of a node can be walked through (depthwise_columns.hpp): 3x3, steps of one or two columns.
constexpr bool walks_columns(const depthwise_shape& s) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.dilation_w == 1 && s.stride_w <= 2 && (s.channels >= 16 || s.channels == 8);
}

/// Whether plain results of units of 32 channels are made by depthwise_quads.hpp; `rows` of results at once.
constexpr bool walks_quads(const depthwise_shape& s, std::int64_t rows) {
  if (!walks_columns(s) || s.left > 2 || s.stride_w * (s.out_w - 1) - s.left >= s.width) return false;
  return s.stride_w == 2 ? rows == 1 && s.channels >= 16 : s.channels == 8 || s.channels == 32;
}

/// How the windows of a node are cut, and its packed form: flags (64 bytes), word arrays in the order of channels, then
/// per unit of 32 channels [column][group of rows][output row][2 vectors][lane][4 rows], or (packed_flags::quads)
/// [row][2 vectors][lane][4 columns].
struct byte_windows {
  std::int64_t rows;      // output rows made at once
  std::int64_t groups;    // groups of 4 data rows
  std::int64_t together;  // pixels
  std::int64_t units;
  std::int64_t padded;    // virtual channels, whole units
  std::int64_t kernel_w;
  std::int64_t blocks;    // of 64 channels that may be ordered

  constexpr explicit byte_windows(const depthwise_shape& s) {
    rows = s.stride_h == 1 && s.dilation_h == 1 && s.out_h > 1 ? 2 : 1;
    groups = (s.kernel_h + rows - 1 + 3) / 4;
    together = 1;
    if (s.channels < 128 && (!walks_columns(s) || s.channels <= 16))
      while (together * s.channels % unit_channels != 0) together *= 2;
    units = (together * s.channels + unit_channels - 1) / unit_channels;
    padded = units * unit_channels;
    kernel_w = s.kernel_w;
    blocks = walks_columns(s) && together == 1 ? s.channels / 64 : 0;
  }
  constexpr std::int64_t columns() const { return kernel_w * groups; }
  constexpr std::int64_t word(int i) const { return 64 + i * padded * 4; }
  constexpr std::int64_t unit_bytes() const { return columns() * rows * 128; }
  constexpr std::int64_t weights_at() const { return word(packed_words); }
  constexpr std::int64_t bytes() const {
    const std::int64_t ordered = blocks * (block_bytes - 2 * unit_bytes());
    return weights_at() + units * unit_bytes() + (ordered > 0 ? ordered : 0);
  }
};

/// The data of a node.
struct byte_image {
  const std::byte* data;
  std::uint8_t padding;  // byte that stands for real 0
  std::uint32_t flip;    // 0x80808080: signed data
};

/// `plain`: nothing comes after the scale but a clamp.
template <class W, class B>
void pack_depthwise_bytes(const depthwise_shape& s, const W& w, const B& bias, const byte_scales& q, bool plain, std::byte* out) {
  const byte_windows l(s);
  std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
  const auto word = [&](int i) { return reinterpret_cast<std::int32_t*>(out + l.word(i)); };
  channel_packer<W, B> packer{q, w, bias, s.taps()};
  const auto value = [&](std::int64_t t, std::int64_t channel) { return weight_value(w, t * s.channels + channel) - packer.down; };
  const std::int64_t used = l.together * s.channels;
  bool small = true;  // results before the clamp
  for (std::int64_t c = 0; c < l.padded; ++c) {
    word(shift_word)[c] = 31;
    if (c >= used) continue;
    const std::int64_t channel = c % s.channels;
    std::int32_t sum = 0;
    std::int64_t most = 0;
    for (std::int64_t t = 0; t < s.taps(); ++t) {
      const std::int32_t v = value(t, channel);
      sum += v;
      most += v < 0 ? -v : v;
    }
    packer.fold(channel, sum, most, word(bias_word) + c, word(offset_word) + c);
    const double start = word(bias_word)[c];
    small &= (255.0 * static_cast<double>(most) + (start < 0 ? -start : start)) * static_cast<double>(packer.multiplier_of(channel).factor) < 0x1p22;
  }
  packed_flags& flags = packer.flags;
  flags.how = packer.choice.best();
  const bool packs = plain && small && flags.how == scaling::rne && !flags.weight_offset;
  flags.ordered = packs && l.blocks > 0;
  flags.quads = packs && walks_quads(s, l.rows);
  for (std::int64_t c = 0; c < used; ++c) {
    const std::int64_t channel = c % s.channels;
    store_multiplier(packer.multiplier_of(channel), flags.how, word(factor_word) + c, word(mantissa_word) + c, word(shift_word) + c);
    const std::int64_t block = flags.ordered ? l.blocks : 0;
    const bool ordered = c / 64 < block;
    const std::int64_t lane = c % 16 / 4 * 16 + c % 64 / 16 * 4 + c % 4;
    std::byte* of_block = out + l.weights_at() + c / 64 * block_bytes;
    std::byte* of_unit = out + l.weights_at() + block * block_bytes + (c / unit_channels - 2 * block) * l.unit_bytes() + c % unit_channels * 4;
    if (ordered) {
      std::memcpy(of_block + lane * 4, word(bias_word) + c, 4);
      std::memcpy(of_block + 256 + lane * 4, word(factor_word) + c, 4);
    }
    for (std::int64_t t = 0; t < s.taps(); ++t)
      for (std::int64_t r = 0; r < (flags.quads && !ordered ? 1 : l.rows); ++r) {
        const std::int64_t row = t / s.kernel_w + r;
        const std::int64_t column = t % s.kernel_w;
        std::byte* to = of_unit + ((column * l.groups + row / 4) * l.rows + r) * 128 + row % 4;
        if (ordered) to = of_block + 512 + (column * 2 + r) * 256 + lane * 4 + row % 4;
        else if (flags.quads) to = of_unit + row * 128 + column;
        *to = static_cast<std::byte>(value(t, channel));
      }
  }
  std::memcpy(out, &flags, sizeof flags);
}

/// One unit of 32 channels over staged lines.
struct unit_job {
  const std::uint32_t* staged;  // of the unit's first channel
  std::int64_t lines;
  std::int64_t next_staged;     // groups to the next line
  const std::int64_t* columns;  // groups from there to each column of a window
  std::int64_t column_count;
  std::int64_t step;            // groups from one (combined) pixel to the next
  std::int64_t pixels;          // combined ones
  const std::byte* weights;
  std::int64_t weights_step;    // bytes from one column's to the next
  const std::byte* words;       // of the unit's first channel
  std::int64_t padded;          // channels of a word array
  std::int64_t output;          // element of the first result
  std::int64_t output_step;     // elements to the next
  std::int64_t next_row;        // elements to the next output row
  std::int64_t channel;         // first of the unit
  __mmask32 mask, last_mask;    // results of a pixel, of the last one
  const std::int32_t (*ones)[2];  // per column and output row: which rows of the group belong to the window
  scaling how;
  const byte_output* o;
  QNNX_INLINE __m512i word(int i, int v) const { return _mm512_loadu_si512(words + (i * padded + 16 * v) * 4); }
};

/// 32 sums under any rounding but plain rne, stored from element `to` on.
inline QNNX_NOINLINE void finish_unit(const unit_job& j, const std::int32_t* sums, std::int64_t to, __mmask32 mask) {
  const byte_output& o = *j.o;
  if (!o.vector || o.residual || j.how == scaling::scalar) {
    for (std::int64_t k = 0; k < unit_channels; ++k)
      if (mask >> k & 1) o.store(o.finish, to + k, (j.channel + k) % o.channels, sums[k]);
    return;
  }
  const byte_scale scale(j.how, o);
  const auto value = [&](int v) {
    const __m512i sum = _mm512_loadu_si512(sums + 16 * v);
    if (j.how == scaling::rne) return scale.rne(sum, _mm512_castsi512_ps(j.word(factor_word, v)));
    return scale.other(sum, j.word(mantissa_word, v), j.word(factor_word, v), j.word(shift_word, v));
  };
  _mm256_mask_storeu_epi8(o.y + to, mask, _mm512_castsi512_si256(scale.bytes(value(0), value(1))));
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
