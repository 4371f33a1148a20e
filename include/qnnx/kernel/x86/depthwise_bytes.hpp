// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 8-bit data with VNNI, channel multiplier 1, in two passes over a stretch of a row that stays in L1:
//   stage      4 rows of the data become one line of 4-byte groups, a group being one column of one channel: a window's
//              column is then one operand of vpdpbusd. Padding is staged like data, columns of a stride apart come
//              together in a plane (stride 2: even and odd columns), so that the second pass has no edges
//   multiply   per 32 channels and pixel one vpdpbusd per column, 16 channels and group of rows
// Where the vertical stride is 1 the group of rows serves two output rows, the second with its weights one byte on:
// 4 rows are staged once for the 3 + 1 rows that two rows of 3x3 windows need.
// Narrow data: `together` pixels make one "pixel" of full vectors of 32 ("virtual channels"), with their weights
// repeated; possible because a plane is one line without gaps.
// Weights with an offset take a second sum, of the data alone. Most 3x3 windows without: depthwise_columns.hpp. Layer 5a.

#include "qnnx/kernel/x86/depthwise_walk.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr std::int64_t staged_groups = 6 * 1024;  // 4-byte groups that are staged at once and stay in L1
inline constexpr std::int64_t most_staged = 16 * 1024;   // where a row must be staged whole
inline constexpr std::int64_t stage_slack = 128 * unit_channels + 64;  // that vectors may reach beyond it

/// A stretch of output pixels and channels, and where its groups lie.
struct staged_line {
  std::int64_t channels;     // of this stretch
  std::int64_t pixels;       // of an output row
  std::int64_t plane;        // groups from one plane to the next
  std::int64_t all_planes;   // groups from one group of rows to the next
  constexpr staged_line(const depthwise_shape& s, std::int64_t n, std::int64_t count) : channels(n), pixels(count) {
    plane = (count + reach(s)) * n;
    all_planes = plane * s.stride_w;
  }
  /// Pixels beyond the last that a window reaches.
  static constexpr std::int64_t reach(const depthwise_shape& s) { return (s.kernel_w - 1) * s.dilation_w / s.stride_w; }
  constexpr std::int64_t size(const byte_windows& w) const { return all_planes * w.groups; }
};
/// What is staged at once: `lines` rows of windows (of one or two output rows) of one stretch.
struct staged_block {
  staged_line line;
  std::int64_t lines;
};
/// The largest block that fits: narrow data whole; else 64 channels (a line of the cache) of many rows, more of few. With
/// `whole` all channels of whole rows if they fit: then all that these rows read is read before they are written.
constexpr staged_block block_of(const depthwise_shape& s, const byte_windows& w, std::int64_t rows, bool whole) {
  const std::int64_t one = staged_line(s, 1, s.out_w).size(w);  // of one channel
  const std::int64_t lines = s.out_h / rows > 1 ? s.out_h / rows : 1;
  std::int64_t n = s.channels;
  if (whole && n * one <= most_staged) {
    const std::int64_t room = staged_groups / (n * one);
    return {{s, n, s.out_w}, room < 1 ? 1 : room < lines ? room : lines};
  }
  if (w.together == 1) {
    n = staged_groups / (lines * one) / unit_channels * unit_channels;
    if (n < 64) n = 64 * one <= staged_groups ? 64 : 32;
    if (n > s.channels) n = s.channels;
  }
  const std::int64_t room = staged_groups / (n * one);
  if (room >= 1) return {{s, n, s.out_w}, room < lines ? room : lines};
  const std::int64_t pixels = staged_groups / (n * s.stride_w * w.groups) - staged_line::reach(s);
  return {{s, n, pixels / w.together * w.together}, 1};
}
/// Whether the smallest block fits.
constexpr bool fits_stage(const depthwise_shape& s) { return block_of(s, byte_windows(s), 1, false).line.pixels > 0; }

/// Four rows, byte by byte, as 4-byte groups.
class row_interleave {
 public:
  /// `moving`: -1, or 0 for a row that is padding: 32 bytes that serve every column.
  row_interleave(const std::byte* const* rows, const std::int64_t* moving, std::uint32_t flip) : flip_(_mm512_set1_epi32(static_cast<int>(flip))) {
    for (int r = 0; r < 4; ++r) row_[r] = rows[r], moving_[r] = moving[r];
#if QNNX_HAS_AVX512VBMI
    // byte i of a vector is byte i / 4 of row i % 4, rows being 32 bytes
    low_ = _mm512_add_epi8(_mm512_set4_epi32(0x03030303, 0x02020202, 0x01010101, 0), _mm512_set1_epi32(0x60402000));
    low_ = _mm512_add_epi8(low_, _mm512_inserti32x8(_mm512_inserti32x4(_mm512_setzero_si512(), _mm_set1_epi8(4), 1),
                                                    _mm256_set_m128i(_mm_set1_epi8(12), _mm_set1_epi8(8)), 1));
    high_ = _mm512_add_epi8(low_, _mm512_set1_epi8(16));
#endif
  }
  /// n bytes that begin `from` bytes into the rows; writes whole vectors of 32 groups.
  QNNX_INLINE void operator()(std::int64_t from, std::int64_t n, std::uint32_t* to) const {
    for (; n >= 32; n -= 32, from += 32, to += 32)
      store(to, [&](int r) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row_[r] + (from & moving_[r]))); });
    if (n > 0) {
      const __mmask32 mask = (1u << n) - 1;
      store(to, [&](int r) { return _mm256_maskz_loadu_epi8(mask, row_[r] + (from & moving_[r])); });
    }
  }

 private:
  template <class Load>
  QNNX_INLINE void store(std::uint32_t* to, Load&& load) const {
#if QNNX_HAS_AVX512VBMI
    const __m512i a = _mm512_xor_si512(flip_, _mm512_inserti64x4(_mm512_castsi256_si512(load(0)), load(1), 1));
    const __m512i b = _mm512_xor_si512(flip_, _mm512_inserti64x4(_mm512_castsi256_si512(load(2)), load(3), 1));
    _mm512_storeu_si512(to, _mm512_permutex2var_epi8(a, low_, b));
    _mm512_storeu_si512(to + 16, _mm512_permutex2var_epi8(a, high_, b));
#else
    __m512i low = flip_;
    __m512i high = flip_;
    for (int r = 0; r < 4; ++r) {
      const __m256i row = load(r);
      const auto up = static_cast<unsigned>(8 * r);
      low = _mm512_xor_si512(low, _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm256_castsi256_si128(row)), up));
      high = _mm512_xor_si512(high, _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm256_extracti128_si256(row, 1)), up));
    }
    _mm512_storeu_si512(to, low);
    _mm512_storeu_si512(to + 16, high);
#endif
  }
  const std::byte* row_[4];
  std::int64_t moving_[4];
  __m512i flip_;
#if QNNX_HAS_AVX512VBMI
  __m512i low_, high_;
#endif
};

/// Stages `line.pixels` output pixels from `first` of output row `row` (over the batch) and the channels from `c`.
inline void stage(const depthwise_shape& s, const byte_windows& l, const byte_image& d, const staged_line& line, std::int64_t row,
                  std::int64_t first, std::int64_t c, std::uint32_t* out) {
  alignas(32) std::byte padding[32];
  std::memset(padding, d.padding, sizeof padding);
  const std::uint32_t pad_group = (d.padding * 0x01010101u) ^ d.flip;
  const std::int64_t line_bytes = s.width * s.channels;
  const std::byte* image = d.data + row / s.out_h * s.height * line_bytes + c;
  const std::int64_t top = row % s.out_h * s.stride_h - s.top;
  const std::int64_t columns = line.pixels + staged_line::reach(s);
  const std::int64_t planes = s.stride_w < s.kernel_w * s.dilation_w ? s.stride_w : s.kernel_w * s.dilation_w;
  const auto pad = [&](std::uint32_t* to, std::int64_t n) {
    const __m512i v = _mm512_set1_epi32(static_cast<int>(pad_group));
    for (std::int64_t i = 0; i < n; i += 16) _mm512_storeu_si512(to + i, v);
  };
  for (std::int64_t g = 0; g < l.groups; ++g, out += line.all_planes) {
    const std::byte* rows[4];
    std::int64_t moving[4];
    for (std::int64_t j = 0; j < 4; ++j) {
      const std::int64_t ih = top + (4 * g + j) * s.dilation_h;
      const bool inside = ih >= 0 && ih < s.height && 4 * g + j < s.kernel_h + l.rows - 1;
      rows[j] = inside ? image + ih * line_bytes : padding;
      moving[j] = inside ? -1 : 0;
    }
    const row_interleave interleave(rows, moving, d.flip);
    for (std::int64_t p = 0; p < planes; ++p) {
      std::uint32_t* to = out + p * line.plane;
      const std::int64_t start = first * s.stride_w + p - s.left;  // data column of the plane's first
      std::int64_t from = start < 0 ? (-start + s.stride_w - 1) / s.stride_w : 0;
      std::int64_t end = s.width > start ? (s.width - 1 - start) / s.stride_w + 1 : 0;
      if (end > columns) end = columns;
      if (from > end) from = end;
      pad(to, from * line.channels);
      to += from * line.channels;
      if (s.stride_w == 1 && line.channels == s.channels) {
        interleave((start + from) * s.channels, (end - from) * s.channels, to);
        to += (end - from) * s.channels;
      } else {
        for (std::int64_t k = from; k < end; ++k, to += line.channels) interleave((start + k * s.stride_w) * s.channels, line.channels, to);
      }
      pad(to, (columns - end) * line.channels);
    }
  }
}

/// Multiplies and stores. Rows: output rows; Plain: rne and nothing after it; Offsets: of the weights.
template <int Rows, bool Plain, bool Offsets>
QNNX_NOINLINE void depthwise_unit(const unit_job& j) {
  constexpr int per_pixel = Rows * 2;
  const byte_output& o = *j.o;
  const byte_scale scale(scaling::rne, o);
  const __m512i bias[2] = {j.word(bias_word, 0), j.word(bias_word, 1)};
  const __m512 factor[2] = {_mm512_castsi512_ps(j.word(factor_word, 0)), _mm512_castsi512_ps(j.word(factor_word, 1))};
  const std::uint32_t* x = j.staged;
  std::int64_t at = j.output;
  const auto pixels = [&](auto together, std::int64_t left) __attribute__((always_inline)) {
    constexpr int count = decltype(together)::value;
    __m512i acc[count][per_pixel];
    __m512i sums[count][per_pixel];
#pragma GCC unroll 2
    for (int p = 0; p < count; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < per_pixel; ++v) acc[p][v] = bias[v % 2], sums[p][v] = _mm512_setzero_si512();
    const std::byte* w = j.weights;
    const auto column = [&](std::int64_t i) __attribute__((always_inline)) {
      __m512i weight[per_pixel];
#pragma GCC unroll 4
      for (int v = 0; v < per_pixel; ++v) weight[v] = _mm512_loadu_si512(w + v * 64);
#pragma GCC unroll 2
      for (int p = 0; p < count; ++p) {
        const std::uint32_t* from = x + p * j.step + j.columns[i];
        const __m512i group[2] = {_mm512_loadu_si512(from), _mm512_loadu_si512(from + 16)};
#pragma GCC unroll 4
        for (int v = 0; v < per_pixel; ++v) {
          u8s8x16::add_product(acc[p][v], group[v % 2], weight[v]);
          if constexpr (Offsets) u8s8x16::add_product(sums[p][v], group[v % 2], _mm512_set1_epi32(j.ones[i][v / 2]));
        }
      }
      w += j.weights_step;
    };
    for (std::int64_t i = 0; i < j.column_count; ++i) column(i);
#pragma GCC unroll 2
    for (int p = 0; p < count; ++p, at += j.output_step) {
      const __mmask32 mask = left == p + 1 ? j.last_mask : j.mask;
#pragma GCC unroll 2
      for (int r = 0; r < Rows; ++r) {
        const __m512i* sum = acc[p] + 2 * r;
        const std::int64_t to = at + r * j.next_row;
        if constexpr (Plain) {
          _mm256_mask_storeu_epi8(o.y + to, mask, _mm512_castsi512_si256(scale.bytes(scale.rne(sum[0], factor[0]), scale.rne(sum[1], factor[1]))));
        } else {
          alignas(64) std::int32_t all[32];
#pragma GCC unroll 2
          for (int v = 0; v < 2; ++v)
            _mm512_store_si512(all + 16 * v, Offsets ? _mm512_add_epi32(sum[v], _mm512_mullo_epi32(sums[p][2 * r + v], j.word(offset_word, v))) : sum[v]);
          finish_unit(j, all, to, mask);
        }
      }
    }
    x += count * j.step;
  };
  for (std::int64_t line = 0; line < j.lines; ++line) {
    x = j.staged + line * j.next_staged;
    at = j.output + line * Rows * j.next_row;
    std::int64_t left = j.pixels;
    for (; left >= 2; left -= 2) pixels(std::integral_constant<int, 2>{}, left);
    for (; left > 0; --left) pixels(std::integral_constant<int, 1>{}, left);
  }
}

/// What a call needs beside its block.
struct depthwise_job {
  const depthwise_shape& s;
  const byte_windows& l;
  const byte_image& d;
  std::uint32_t* staged;
  unit_job unit;
};

/// `count` lines of windows of `rows` output rows each from output row `row` on, channels [first, last).
inline void depthwise_lines(const depthwise_job& job, std::int64_t row, std::int64_t count, std::int64_t rows, std::int64_t first, std::int64_t last,
                            void (*run)(const unit_job&)) {
  const depthwise_shape& s = job.s;
  const byte_windows& l = job.l;
  const staged_block block = block_of(s, l, rows, job.unit.o->shares_memory);
  std::int64_t columns[most_taps];
  unit_job j = job.unit;
  j.columns = columns;
  for (std::int64_t done = 0; done < count; done += block.lines, row += block.lines * rows) {
    j.lines = count - done < block.lines ? count - done : block.lines;
    for (std::int64_t c = first; c < last; c += block.line.channels) {
      const std::int64_t have = last - c < block.line.channels ? last - c : block.line.channels;
      for (std::int64_t ow = 0; ow < s.out_w; ow += block.line.pixels) {
        const staged_line line(s, have, s.out_w - ow < block.line.pixels ? s.out_w - ow : block.line.pixels);
        j.next_staged = line.size(l);
        for (std::int64_t k = 0; k < j.lines; ++k) stage(s, l, job.d, line, row + k * rows, ow, c, job.staged + k * j.next_staged);
        for (std::int64_t kw = 0, i = 0; kw < s.kernel_w; ++kw) {
          const std::int64_t at = kw * s.dilation_w % s.stride_w * line.plane + kw * s.dilation_w / s.stride_w * have;
          for (std::int64_t g = 0; g < l.groups; ++g) columns[i++] = g * line.all_planes + at;
        }
        j.step = l.together * have;
        j.pixels = (line.pixels + l.together - 1) / l.together;
        const std::int64_t used = l.together * have;
        const std::int64_t last_used = have * (line.pixels - (j.pixels - 1) * l.together);
        for (std::int64_t u = 0; u < used; u += unit_channels) {
          const auto mask = [u](std::int64_t n) { return n - u >= 32 ? ~__mmask32{0} : n <= u ? __mmask32{0} : (__mmask32{1} << (n - u)) - 1; };
          const std::int64_t index = (c + u) / unit_channels;
          j.staged = job.staged + u;
          j.weights = job.unit.weights + index * l.unit_bytes();
          j.words = job.unit.words + index * unit_channels * 4;
          j.channel = c + u;
          j.output = (row * s.out_w + ow) * s.channels + c + u;
          j.mask = mask(used);
          j.last_mask = mask(last_used);
          run(j);
        }
      }
    }
  }
}

/// Output rows [from, to) over the batch, channels [first, last): whole units or all.
inline void depthwise_bytes(const depthwise_shape& s, const byte_image& d, std::int64_t from, std::int64_t to, std::int64_t first, std::int64_t last,
                            const std::byte* packed, const byte_output& o) {
  const byte_windows l(s);
  packed_flags flags;
  std::memcpy(&flags, packed, sizeof flags);
  if (walks_columns(s) && !flags.weight_offset) return walk_depthwise(s, l, d, from, to, first, last, packed, flags, o);
  alignas(64) std::uint32_t staged[most_staged + stage_slack];
  std::int32_t ones[most_taps][2];
  depthwise_job job{s, l, d, staged, {}};
  unit_job& j = job.unit;
  j.column_count = l.columns();
  j.weights = packed + l.weights_at();
  j.weights_step = l.rows * 128;
  j.words = packed + l.word(0);
  j.padded = l.padded;
  j.output_step = l.together * s.channels;
  j.next_row = s.out_w * s.channels;
  j.ones = ones;
  j.how = flags.how;
  j.o = &o;
  const auto unit_of = [&](bool two) {
    if (flags.weight_offset) return two ? &depthwise_unit<2, false, true> : &depthwise_unit<1, false, true>;
    if (flags.how != scaling::rne || !o.vector || o.residual) return two ? &depthwise_unit<2, false, false> : &depthwise_unit<1, false, false>;
    return two ? &depthwise_unit<2, true, false> : &depthwise_unit<1, true, false>;
  };
  if (flags.weight_offset)
    for (std::int64_t i = 0; i < l.columns(); ++i)
      for (int r = 0; r < 2; ++r) {
        ones[i][r] = 0;
        for (std::int64_t b = 0; b < 4; ++b) {
          const std::int64_t row = i % l.groups * 4 + b - r;
          if (row >= 0 && row < s.kernel_h) ones[i][r] |= 1 << (8 * b);
        }
      }
  // Two output rows at once need all their data staged before the first is written, where the two share memory.
  const staged_line whole = block_of(s, l, 2, true).line;
  const bool two = l.rows == 2 && (!o.shares_memory || (whole.channels == s.channels && whole.pixels == s.out_w));
  for (std::int64_t row = from; row < to;) {
    std::int64_t end = (row / s.out_h + 1) * s.out_h;  // of the image
    if (end > to) end = to;
    const std::int64_t pairs = two ? (end - row) / 2 : 0;
    if (pairs > 0) depthwise_lines(job, row, pairs, 2, first, last, unit_of(true));
    row += 2 * pairs;
    // One row at a time may write what the next one of another block of channels has not read.
    for (; row < end; row += o.shares_memory ? 1 : end - row) depthwise_lines(job, row, o.shares_memory ? 1 : end - row, 1, first, last, unit_of(false));
  }
}

/// The 8-bit half of depthwise_kernel.
struct vnni_depthwise {
  static constexpr std::int64_t packed_bytes(const depthwise_shape& s) { return byte_windows(s).bytes(); }
  static constexpr std::int64_t scratch_bytes(const depthwise_shape&) { return 0; }
  static constexpr bool takes(const depthwise_shape& s) { return fits_stage(s); }
  /// Channels that pieces do not divide.
  static constexpr std::int64_t share_block(const depthwise_shape& s) { return byte_windows(s).together == 1 ? 64 : s.channels; }
  template <class Call>
  static void pack(const Call& c, const depthwise_shape& s, std::byte* out) {
    const auto w = c.template in<1>();
    const byte_scales q{c.template in<0>().offset(), is_signed_fixed(Call::out_type::code), c.constants() + finish_constants::header,
                        w.q->scales != nullptr, c.rounding().mode(), false};
    pack_depthwise_bytes(s, w, c.template in<2>(), q, c.epi().table < 0 && c.epi().residual < 0, out);
  }
  template <class Call>
  static void run(const Call& c, const depthwise_shape& s) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const finish<Call> done(c, w.q->scales != nullptr);
    byte_output o = byte_output_of(c, done, false);
    o.channels = s.channels;
    o.shares_memory = memory_shared(x.data, x.size(), o.y, c.out().size());
    const byte_image d{reinterpret_cast<const std::byte*>(x.data), static_cast<std::uint8_t>(x.zero()), o.is_signed ? 0x80808080u : 0};
    const depthwise_share mine = share_of(s, share_block(s), c.piece, byte_windows(s).rows);
    if (mine.channels.from < mine.channels.to)
      depthwise_bytes(s, d, mine.rows.from, mine.rows.to, mine.channels.from, mine.channels.to, c.packed(), o);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
