// SPDX-License-Identifier: Apache-2.0
#pragma once
// The 8-bit half of accumulate_kernel and matmul_kernel on AVX2. Data is widened to 16 bits, its offset added, into a
// band of lines that stays in the cache, padding and all; products are those of pairs (s16x8). Why not vpmaddubsw, which
// takes bytes: it saturates (255 * 127 * 2 > 32767), and to rule that out costs more than widening once per band.
//   sum (x + ox) (w + ow): x + ox is in the band, w + ow in the weights where they are unsigned (s16 panels); signed
//   weights stay bytes, and where they have an offset the sum of the data comes on top
// 1x1 windows take only the pixels that they read into the band; 3x3 ones of stride 1 go to winograd.hpp,
// where winograd4_windows.hpp has not taken them before. Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/winograd.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// n bytes as 16-bit values, `offset` added. Writes whole vectors of 16.
QNNX_INLINE void widen(const std::byte* from, std::int64_t n, bool is_signed, std::int32_t offset, std::int16_t* to) {
  const __m256i add = _mm256_set1_epi16(static_cast<short>(offset));
  const auto put = [&](__m128i bytes, std::int16_t* at) {
    const __m256i x = is_signed ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), _mm256_add_epi16(x, add));
  };
  std::int64_t i = 0;
  for (; i + 16 <= n; i += 16) put(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i)), to + i);
  if (i < n) {
    alignas(16) std::byte last[16] = {};
    std::memcpy(last, from + i, static_cast<std::size_t>(n - i));
    put(_mm_load_si128(reinterpret_cast<const __m128i*>(last)), to + i);
  }
}

/// Sum of n 16-bit values.
inline std::int32_t word_sum(const std::byte* p, std::int64_t n) {
  std::int32_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    std::int16_t v = 0;
    std::memcpy(&v, p + 2 * i, 2);
    sum += v;
  }
  return sum;
}

/// The widened data that output lines read. `flat`: every window is one pixel, all pixels are one line of windows.
struct widened_band {
  window_shape s;         // of the node
  bool flat;
  std::int64_t lines;     // of windows made at once (flat: pixels)
  std::int64_t columns;   // pixels of a line of the band
  std::int64_t row_step, column_step;  // data rows and columns from one line or pixel of the band to the next

  static constexpr std::int64_t budget = 96 * 1024;
  static constexpr std::int64_t slack = 64;  // bytes that vectors reach beyond it

  constexpr explicit widened_band(const window_shape& shape) : s(shape) {
    flat = s.pointwise();
    row_step = s.kernel_h == 1 ? s.stride_h : 1;
    column_step = s.kernel_w == 1 ? s.stride_w : 1;
    columns = flat ? 1 : s.kernel_w == 1 ? s.out_w : (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;
    const std::int64_t all = flat ? s.pixels() : s.out_h;
    lines = budget / line_bytes();
    if (!flat) lines = lines <= reach() ? 1 : (lines - reach()) / line_stride() + 1;
    else lines = lines < batch_rows ? batch_rows : lines / 30 * 30;
    if (lines > all) lines = all;
  }
  constexpr std::int64_t line_bytes() const { return columns * s.depth * 2; }
  /// Band lines from one line of windows to the next, and of one line of windows.
  constexpr std::int64_t line_stride() const { return row_step == s.stride_h ? 1 : s.stride_h; }
  constexpr std::int64_t reach() const { return (s.kernel_h - 1) * s.dilation_h + 1; }
  constexpr std::int64_t band_lines(std::int64_t n) const { return flat ? n : (n - 1) * line_stride() + reach(); }
  constexpr std::int64_t bytes() const { return (band_lines(lines) * line_bytes() + slack + 63) / 64 * 64; }

  /// The windows of `n` lines on the band.
  constexpr window_shape windows(std::int64_t n) const {
    window_shape b = s;
    b.batch = 1;
    b.height = band_lines(n);
    b.width = columns;
    b.out_h = n;
    if (flat) b.out_w = 1;
    b.stride_h = line_stride();
    b.stride_w = column_step == s.stride_w ? 1 : s.stride_w;
    b.top = b.left = 0;
    b.padded = false;
    return b;
  }
  /// Fills it for n lines of windows from line `from` on (over the batch; within one image unless flat).
  void make(const std::byte* data, std::int64_t from, std::int64_t n, bool is_signed, std::int32_t offset, std::int16_t* to) const {
    if (flat) return widen(data + from * s.depth, n * s.depth, is_signed, offset, to);
    const std::int64_t line = columns * s.depth;
    const std::byte* image = data + from / s.out_h * s.height * s.width * s.depth;
    const std::int64_t top = from % s.out_h * s.stride_h - s.top;
    const auto zeros = [&](std::int64_t count) {
      if (count > 0) std::memset(to, 0, static_cast<std::size_t>(count * s.depth * 2)), to += count * s.depth;
    };
    for (std::int64_t b = 0; b < band_lines(n); ++b) {
      const std::int64_t row = top + b * row_step;
      if (row < 0 || row >= s.height) {
        std::memset(to, 0, static_cast<std::size_t>(line * 2));
        to += line;
        continue;
      }
      const std::byte* pixel = image + row * s.width * s.depth;
      // columns of the band that lie in the data: [first, end)
      std::int64_t first = (s.left + column_step - 1) / column_step;
      std::int64_t end = (s.width - 1 + s.left) / column_step + 1;
      if (end > columns) end = columns;
      if (first > end) first = end;
      zeros(first);
      if (column_step == 1) {
        widen(pixel + (first - s.left) * s.depth, (end - first) * s.depth, is_signed, offset, to);
        to += (end - first) * s.depth;
      } else {
        for (std::int64_t c = first; c < end; ++c, to += s.depth) widen(pixel + (c * column_step - s.left) * s.depth, s.depth, is_signed, offset, to);
      }
      zeros(columns - end);
    }
  }
};

/// The panels of a computed matrix, pack_bytes' bytes of one scale: pairs of taps of 8 channels, gathered from rows side
/// by side or from columns by a transpose of 8x8 pairs. Weight: s8 as it is, or s16 with `offset` added.
template <class Weight>
void pack_pairs(const packed_layout& l, const std::byte* from, std::int64_t depth, bool columns, std::int32_t offset, std::byte* panels) {
  const __m256i add = _mm256_set1_epi16(static_cast<short>(offset));
  const auto put = [&](std::int64_t pair, std::int64_t o, __m128i bytes) {
    std::byte* to = panels + l.at(0, pair, o);
    if constexpr (sizeof(Weight) == 1) _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
    else _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_add_epi16(_mm256_cvtepu8_epi16(bytes), add));
  };
  const auto some = [](const std::byte* p, std::int64_t n) {  // of 16 bytes
    if (n >= 16) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    alignas(16) std::byte all[16] = {};
    if (n > 0) std::memcpy(all, p, static_cast<std::size_t>(n));
    return _mm_load_si128(reinterpret_cast<const __m128i*>(all));
  };
  for (std::int64_t o = 0; o < l.channels; o += 8) {
    const std::int64_t have = l.channels - o;
    if (columns) {
      for (std::int64_t k = 0; k < depth; k += 16) {
        __m128i r[8], t[8];
        for (int i = 0; i < 8; ++i) r[i] = some(from + (o + i) * depth + k, i < have ? depth - k : 0);
        for (int i = 0; i < 4; ++i) t[i] = _mm_unpacklo_epi16(r[2 * i], r[2 * i + 1]), t[i + 4] = _mm_unpackhi_epi16(r[2 * i], r[2 * i + 1]);
        for (int h = 0; h < 2; ++h) {  // pairs 0-3 of 8 channels from t[0..3], 4-7 from t[4..7]
          const __m128i* u = t + 4 * h;
          const __m128i low[2] = {_mm_unpacklo_epi32(u[0], u[1]), _mm_unpacklo_epi32(u[2], u[3])};
          const __m128i high[2] = {_mm_unpackhi_epi32(u[0], u[1]), _mm_unpackhi_epi32(u[2], u[3])};
          const __m128i pairs[4] = {_mm_unpacklo_epi64(low[0], low[1]), _mm_unpackhi_epi64(low[0], low[1]),
                                    _mm_unpacklo_epi64(high[0], high[1]), _mm_unpackhi_epi64(high[0], high[1])};
          for (std::int64_t i = 0; i < 4; ++i)
            if (k / 2 + 4 * h + i < l.pieces) put(k / 2 + 4 * h + i, o, pairs[i]);
        }
      }
    } else {
      for (std::int64_t k = 0; k < depth; k += 2) {
        const std::byte* row = from + k * l.channels + o;
        const std::int64_t n = have < 8 ? have : 8;
        const auto half = [&](const std::byte* p) { return n == 8 ? _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)) : some(p, n); };
        put(k / 2, o, _mm_unpacklo_epi8(half(row), k + 1 < depth ? half(row + l.channels) : _mm_setzero_si128()));
      }
    }
    if (sizeof(Weight) == 2 && depth % 2 != 0)  // what stands beside a last tap alone: no weight
      for (std::int64_t i = 0; i < 8; ++i) std::memset(panels + l.at(0, l.pieces - 1, o) + 4 * i + 2, 0, 2);
  }
}

struct widened_windows {
  static constexpr packed_layout layout(const window_shape& s, dtype weights) {
    return packed_layout(s, 8, 2, is_signed_fixed(weights) ? 2 : 4);
  }
  static constexpr std::int64_t packed_bytes(const window_shape& s, dtype weights) {
    return winograd_layout::takes(s) ? winograd_layout(s).bytes() : layout(s, weights).bytes(packed_words) * s.groups;
  }
  static constexpr std::int64_t scratch_bytes(const window_shape& s) {
    return winograd_layout::takes(s) ? winograd_band(s).bytes() + 16 * winograd_tiles * s.depth * 2 : widened_band(s).bytes();
  }
  /// The band of whole tiles.
  static constexpr widened_band winograd_band(window_shape s) {
    s.out_h = (s.out_h + 1) / 2 * 2;
    s.out_w = (s.out_w + 1) / 2 * 2;
    widened_band band(s);
    band.lines = band.lines < 2 ? 2 : band.lines / 2 * 2;
    return band;
  }
  static constexpr bool copies(const window_shape&) { return false; }  // a band is read before its results are written
  static constexpr int parts(const window_shape& s, dtype weights) {
    if (!winograd_layout::takes(s)) return window_parts(s, layout(s, weights));
    const std::int64_t rows = s.batch * ((s.out_h + 1) / 2);
    const std::int64_t most = rows > s.channels / 16 ? rows : s.channels / 16;
    return static_cast<int>(most < 256 ? most : 256);
  }
  using nibbles = nibble_weights<8>;

  template <class Call>
  static void pack(const Call& c, const window_shape& s, weight_steps step, std::int64_t first, bool once, std::byte* out, std::int64_t origin = 0) {
    const auto w = c.template in<1>();
    byte_scales q{c.template in<0>().offset(), is_signed_fixed(Call::out_type::code), c.constants() + finish_constants::header,
                  w.q->scales != nullptr, c.rounding().mode(), once};
    q.widened = true;
    q.weights_whole = winograd_layout::takes(s) || !is_signed_fixed(Call::template in_type<1>::code);
    if (winograd_layout::takes(s)) return pack_winograd(s, w, c.template in<2>(), q, out);
    pack_bytes(layout(s, Call::template in_type<1>::code), s, w, origin, step, c.template in<2>(), first, q, out);
  }
  /// The same for a computed matrix of one scale.
  static constexpr bool packs_matrices = true;
  template <class Call>
  static void pack_matrix(const Call& c, const window_shape& s, bool columns, std::byte* out, std::int64_t origin) {
    const auto w = c.template in<1>();
    const auto bias = c.template in<2>();
    constexpr bool bytes = is_signed_fixed(Call::template in_type<1>::code);
    using weight = std::conditional_t<bytes, std::int8_t, std::int16_t>;
    const packed_layout l = layout(s, Call::template in_type<1>::code);
    pack_pairs<weight>(l, reinterpret_cast<const std::byte*>(w.data) + origin, s.depth, columns, bytes ? 0 : w.q->offset, out + l.panels_at(packed_words));
    byte_scales q{0, false, c.constants() + finish_constants::header, false, c.rounding().mode(), false};
    q.widened = true;
    channel_packer<std::decay_t<decltype(w)>, std::decay_t<decltype(bias)>> packer{q, w, bias, s.depth};
    const auto word = [&](int i) { return reinterpret_cast<std::int32_t*>(out + l.word(i)); };
    const std::int32_t offset = bytes ? w.q->offset : 0;
    std::int64_t most = 0;
    for (std::int64_t o = 0; o < l.padded; ++o) {
      const std::int32_t b = bias.present() && o < l.channels ? static_cast<std::int32_t>(bias.load(o)) : 0;
      const std::int64_t magnitude = b;
      most = magnitude > most ? magnitude : -magnitude > most ? -magnitude : most;
      word(bias_word)[o] = b;
      word(offset_word)[o] = offset;
    }
    const vector_multiplier m = packer.multiplier_of(0);
    packer.flags.weight_offset = offset != 0;
    packer.choice.add(m, most + 255 * 255 * s.depth);
    packer.flags.how = packer.choice.best();
    std::int32_t scale[3];
    store_multiplier(m, packer.flags.how, scale, scale + 1, scale + 2);
    for (int i = 0; i < 3; ++i)
      for (std::int64_t o = 0; o < l.padded; ++o) word(factor_word + i)[o] = scale[i];
    std::memcpy(out, &packer.flags, sizeof packer.flags);
  }
  /// Rows of the result begin at pixel `first`.
  template <bool Once, class Call>
  static void run(const Call& c, const window_shape& s, const packed_layout& l, window_job j, const std::byte* packed, std::int64_t first) {
    constexpr bool bytes = is_signed_fixed(Call::template in_type<1>::code);
    using arithmetic = s16x8<std::conditional_t<bytes, std::int8_t, std::int16_t>>;
    const auto x = c.template in<0>();
    const finish<Call, Once> done(c, c.template in<1>().q->scales != nullptr);
    byte_output o = byte_output_of(c, done, Once);
    o.channels = s.channels;
    o.group_channels = s.group_channels();
    o.packed = packed;
    o.padded = l.padded;
    o.packed_step = j.packed_step;
    if (winograd_layout::takes(s)) return run_winograd(s, j, o, x.offset());
    packed_flags flags;
    std::memcpy(&flags, packed, sizeof flags);
    const bool plain = plain_results(s, o, packed);
    const widened_band band(s);
    const std::int64_t image_lines = band.flat ? s.pixels() : s.out_h;
    const std::int64_t lines = band.flat ? s.pixels() : s.batch * s.out_h;
    const window_share mine = share_of(s, l, j.piece, 6);
    const bool by_channel = mine.vectors.from != 0 || mine.vectors.to != l.vectors;
    const slice rows = by_channel ? slice{0, lines} : slice_of(j.piece, lines, band.flat ? 6 : 1);
    j.vectors = mine.vectors;
    j.piece = {};
    const std::byte* data = j.data;
    auto* widened = reinterpret_cast<std::int16_t*>(j.scratch);
    j.data = j.scratch;
    j.element_bytes = 2;
    j.shares_memory = false;
    j.slack = widened_band::slack;
    std::int32_t data_sums[batch_rows];
    o.data_sums = data_sums;
    for (std::int64_t from = rows.from; from < rows.to;) {
      std::int64_t n = rows.to - from < band.lines ? rows.to - from : band.lines;
      if (n > image_lines - from % image_lines) n = image_lines - from % image_lines;
      band.make(data, from, n, o.is_signed, x.offset(), widened);
      o.first_pixel = first + from * (band.flat ? 1 : s.out_w);
      const window_shape windows = band.windows(n);
      if (plain) {
        window_products<arithmetic, finish_bytes8>(windows, j, {}, [](const std::byte* const*, int, int) {}, &o);
      } else {
        window_products<arithmetic>(windows, j, {take_bytes8, &o}, [&](const std::byte* const* table, int at, int count) {
          if (!flags.weight_offset) return;
          for (int r = 0; r < count; ++r) {
            data_sums[at + r] = 0;
            for (std::int64_t run = 0; run < l.runs; ++run) data_sums[at + r] += word_sum(table[run * tile_rows + r], s.run_elements());
          }
        });
      }
      from += n;
    }
  }

 private:
  static void run_winograd(const window_shape& s, const window_job& j, const byte_output& o, std::int32_t offset) {
    const widened_band band = winograd_band(s);
    const std::int64_t image_rows = (s.out_h + 1) / 2;  // of tiles
    const std::int64_t wide = (s.out_w + 1) / 2;
    const std::int64_t all = s.batch * image_rows;
    const bool by_channel = all < 2 * j.piece.count && s.channels / 16 >= j.piece.count;
    const slice rows = by_channel ? slice{0, all} : slice_of(j.piece, all);
    const slice groups = by_channel ? slice_of(j.piece, s.channels / 16) : slice{0, s.channels / 16};
    auto* lines = reinterpret_cast<std::int16_t*>(j.scratch);
    auto* v = reinterpret_cast<std::int16_t*>(j.scratch + band.bytes());
    for (std::int64_t r = rows.from; r < rows.to;) {
      std::int64_t n = rows.to - r < band.lines / 2 ? rows.to - r : band.lines / 2;
      if (n > image_rows - r % image_rows) n = image_rows - r % image_rows;
      band.make(j.data, 2 * r, 2 * n, o.is_signed, offset, lines);
      for (std::int64_t t = r * wide; t < (r + n) * wide; t += winograd_tiles) {
        const std::int64_t left = (r + n) * wide - t;
        winograd_block(s, lines, band.columns * s.depth, r * wide, t, left < winograd_tiles ? left : winograd_tiles, groups, o, v);
      }
      r += n;
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
