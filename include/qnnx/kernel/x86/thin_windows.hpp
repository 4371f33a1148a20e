// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d on 8-bit data with few channels, VNNI: first layers. A row of a window is kernel_w * depth bytes, 9 of 3x3x3; padded
// to whole operands of vpdpbusd it would be 12.
//   lines     the rows that windows of one row of results read, with padding, signs flipped; copied once, a ring of them
//   groups    whole groups of 4 bytes are read where they lie; what is left over of all rows of a window is put together
//             once per pixel: 27 taps are 7 groups
// A tile of pixels by all channels then takes one broadcast per pixel and group. Sums end as those of window_products.hpp.
// Weights with an offset stay there. Layer 5a.

#include "qnnx/kernel/x86/thin_pixels.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr std::int64_t most_thin_groups = 64;  // of a window
inline constexpr std::int64_t most_thin_rows = 64;
inline constexpr std::int64_t thin_slack = 192;  // bytes that may be read after a line

/// How windows are cut, and where the weights of one lie: per tile of channel vectors [group][vector][16 lanes][4].
struct thin_layout {
  std::int64_t row_bytes;    // of a window
  std::int64_t whole;        // groups of a row
  std::int64_t left_bytes;   // of a row
  std::int64_t left_groups;  // of a window
  std::int64_t groups;
  std::int64_t step;         // bytes from one pixel's window to the next
  std::int64_t line;         // bytes of a line, and what may be read after it
  std::int64_t left_plane;   // bytes of one left group of a row of results

  constexpr explicit thin_layout(const window_shape& s) {
    row_bytes = s.kernel_w * s.depth;
    whole = row_bytes / 4;
    left_bytes = row_bytes % 4;
    left_groups = (s.kernel_h * left_bytes + 3) / 4;
    groups = s.kernel_h * whole + left_groups;
    step = s.stride_w * s.depth;
    line = ((s.out_w - 1) * step + row_bytes + thin_slack + 63) / 64 * 64;
    left_plane = (s.out_w + 16 + 15) / 16 * 64;
  }
  static constexpr bool fits(const window_shape& s) {
    if (s.groups != 1 || s.dilation_h != 1 || s.dilation_w != 1 || s.depth > 4 || s.pointwise()) return false;
    const thin_layout l(s);
    return l.groups <= most_thin_groups && s.kernel_h <= most_thin_rows && s.stride_h <= s.kernel_h && l.scratch(s) <= 128 * 1024;
  }
  /// Lines that are kept: those of a row of results, and what the next one adds.
  static constexpr std::int64_t ring(const window_shape& s) { return s.kernel_h + s.stride_h; }
  /// A tile reads the windows of up to 15 pixels after the last, which nothing uses.
  constexpr std::int64_t scratch(const window_shape& s) const {
    return ring(s) * line + left_groups * left_plane + (15 * step > thin_slack ? 15 * step - thin_slack : 0);
  }
  /// Group and byte of it of a tap.
  constexpr std::int64_t byte_at(std::int64_t row, std::int64_t at) const {
    return at < whole * 4 ? row * whole * 4 + at : (groups - left_groups) * 4 + row * left_bytes + at - whole * 4;
  }
  /// Byte offset of the weight of channel `o` for byte `b` of all groups.
  constexpr std::int64_t weight_at(const packed_layout& l, std::int64_t b, std::int64_t o) const {
    const std::int64_t first = o / 16 / l.group * l.group;
    const std::int64_t wide = l.vectors - first < l.group ? l.vectors - first : l.group;
    return ((first * groups + b / 4 * wide + o / 16 - first) * 16 + o % 16) * 4 + b % 4;
  }
};

/// Panels of thin_layout in place of packed_layout's, which are not smaller; value(tap, channel) is a signed byte.
template <class Value>
void pack_thin(const window_shape& s, const packed_layout& l, std::byte* panels, Value&& value) {
  const thin_layout t(s);
  std::memset(panels, 0, static_cast<std::size_t>(l.panel_bytes()));
  for (std::int64_t o = 0; o < l.channels; ++o)
    for (std::int64_t row = 0; row < s.kernel_h; ++row)
      for (std::int64_t k = 0; k < t.row_bytes; ++k)
        panels[t.weight_at(l, t.byte_at(row, k), o)] = static_cast<std::byte>(value(row * t.row_bytes + k, o));
}

/// What is left over of the rows of the windows of pixels [from, to).
QNNX_INLINE void gather_left(const window_shape& s, const thin_layout& l, const std::byte* const* lines, std::int64_t from, std::int64_t to, std::byte* out) {
  std::int64_t row = 0;
  std::int64_t at = 0;  // of the left bytes of this row
  for (std::int64_t g = 0; g < l.left_groups; ++g, out += l.left_plane) {
    const std::byte* x[4];
    int have = 0;
    for (; have < 4 && row < s.kernel_h; ++have) {
      x[have] = lines[row] + l.whole * 4 + at;
      if (++at == l.left_bytes) at = 0, ++row;
    }
    std::int64_t p = from;
#if QNNX_HAS_AVX512VBMI
    if (l.step <= 8) {  // 16 pixels lie in 128 bytes
      const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
      const __m512i index = _mm512_mullo_epi32(lane, _mm512_set1_epi32(static_cast<int>(l.step * 0x01010101)));
      for (; p < to; p += 16) {
        __m512i all = _mm512_setzero_si512();
        for (int b = 0; b < have; ++b) {
          const std::byte* y = x[b] + p * l.step;
          all = _mm512_or_si512(all, _mm512_maskz_permutex2var_epi8(0x1111111111111111ull << b, _mm512_loadu_si512(y), index, _mm512_loadu_si512(y + 64)));
        }
        _mm512_storeu_si512(out + p * 4, all);
      }
    }
#endif
    for (; p < to; ++p) {
      std::byte four[4] = {};
      for (int b = 0; b < have; ++b) four[b] = x[b][p * l.step];
      std::memcpy(out + p * 4, four, 4);
    }
  }
}

/// One line with its padding; `row` is the data's, or null.
inline void stage_line(const window_shape& s, const thin_layout& l, const window_job& j, const std::byte* row, std::byte* out) {
  const std::int64_t bytes = (s.out_w - 1) * l.step + l.row_bytes;
  const std::int64_t left = s.left * s.depth < bytes ? s.left * s.depth : bytes;
  std::int64_t n = s.width * s.depth;
  if (n > bytes - left) n = bytes - left;
  if (!row) n = 0;
  const __m512i flip = _mm512_set1_epi32(static_cast<int>(j.flip));
  const __m512i padding = _mm512_xor_si512(flip, _mm512_set1_epi8(static_cast<char>(j.padding)));
  for (std::int64_t i = 0; i < left; i += 64) _mm512_storeu_si512(out + i, padding);
  std::byte* to = out + left;
  std::int64_t i = 0;
  for (; i + 64 <= n; i += 64) _mm512_storeu_si512(to + i, _mm512_xor_si512(flip, _mm512_loadu_si512(row + i)));
  if (i < n) {
    const __mmask64 mask = (1ull << (n - i)) - 1;
    _mm512_storeu_si512(to + i, _mm512_xor_si512(flip, _mm512_mask_loadu_epi8(_mm512_set1_epi8(static_cast<char>(j.padding)), mask, row + i)));
    i += 64;
  }
  for (; left + i < bytes; i += 64) _mm512_storeu_si512(to + i, padding);
}

#if QNNX_HAS_AVX512VBMI
/// Whether thin_pixels.hpp makes a convolution of plain, bounded results, without copies of lines.
constexpr bool fits_pixels(const window_shape& s, const packed_layout& l) {
  const thin_layout t(s);
  return l.channels <= 8 && t.step <= 8 && 15 * t.step + t.row_bytes <= 128;
}
#endif

/// The convolution of one piece; `o` as for take_bytes.
inline void thin_products(const window_shape& s, const packed_layout& l, const window_job& j, const byte_output& o) {
  const thin_layout t(s);
  const window_share mine = share_of(s, l, j.piece, 1);
  if (mine.pixels.from >= mine.pixels.to || mine.vectors.from >= mine.vectors.to) return;
#if QNNX_HAS_AVX512VBMI
  if (fits_pixels(s, l) && plain_results(s, o, o.packed, true))
    return thin_pixels(s, {t.whole, t.left_bytes, j.data, j.packed, j.bias, j.padding, j.flip, &o}, mine.pixels);
#endif
  // Lines and whole groups of the ring, twice in a row, so that those of a window follow each other wherever it begins.
  const std::int64_t ring = t.ring(s);
  const std::byte* lines[4 * most_thin_rows];
  const std::byte* groups[4 * most_thin_groups];
  for (std::int64_t k = 0; k < 2 * ring; ++k) {
    lines[k] = j.scratch + (k < ring ? k : k - ring) * t.line;
    for (std::int64_t i = 0; i < t.whole; ++i) groups[k * t.whole + i] = lines[k] + 4 * i;
  }
  std::byte* const left = j.scratch + ring * t.line;
  thin_row r{nullptr, t.groups, t.groups - t.left_groups, t.step, left, t.left_plane, 0, 0, nullptr, nullptr, plain_results(s, o, o.packed), &o, take_bytes, 0, 0, 0};
  std::int64_t staged = 0;  // rows of the padded image before this one are in lines
  std::int64_t image = -1;
  std::int64_t first = 0, next = 0;  // where in the ring the window's first row is, and the next staged one will be
  for (std::int64_t p = mine.pixels.from; p < mine.pixels.to;) {
    const std::int64_t row = p / s.out_w;
    const std::int64_t n = row / s.out_h;
    const std::int64_t top = row % s.out_h * s.stride_h;
    r.from = p - row * s.out_w;
    r.to = mine.pixels.to - row * s.out_w < s.out_w ? mine.pixels.to - row * s.out_w : s.out_w;
    if (n != image) image = n, staged = top, first = next = 0;
    else if ((first += s.stride_h) >= ring) first -= ring;
    // The rows that the next row of results adds, too: what was written a moment ago is read late.
    const std::int64_t last = row % s.out_h + 1 < s.out_h && row * s.out_w + r.to < mine.pixels.to ? top + s.stride_h : top;
    for (; staged < last + s.kernel_h; ++staged) {
      const std::int64_t ih = staged - s.top;
      const std::byte* data = j.data + (n * s.height + ih) * s.width * s.depth;
      stage_line(s, t, j, ih >= 0 && ih < s.height ? data : nullptr, j.scratch + next * t.line);
      if (++next == ring) next = 0;
    }
    r.groups = groups + first * t.whole;
    gather_left(s, t, lines + first, r.from, r.to, left);
    r.pixel = row * s.out_w;
    for (std::int64_t v = mine.vectors.from; v < mine.vectors.to; v += l.group) {
      const std::int64_t vectors = l.vectors - v < l.group ? l.vectors - v : l.group;
      r.w = j.packed + v * t.groups * 64;
      r.bias = j.bias + v * 64;
      r.channel = v * 16;
      r.channels = l.channels - r.channel < vectors * 16 ? l.channels - r.channel : vectors * 16;
      thin_tiles(r, vectors);
    }
    p = row * s.out_w + r.to;
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
