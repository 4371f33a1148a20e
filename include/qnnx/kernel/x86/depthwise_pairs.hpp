// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 8-bit data with AVX2, channel multiplier 1, in two passes over a block of channels:
//   stage      two rows of the data become one line of pairs of 16 bits, a pair being one column of one channel: what
//              vpmaddwd multiplies. Padding is staged like data, so that the second pass has no edges
//   multiply   per 8 channels and pixel one vpmaddwd per column and pair of rows
// Where the vertical stride is 1 the pairs serve two output rows, the second with its weights one row on. Lines stay in
// a ring while the next rows of windows need them: then each row of the data is staged once. Weights are 16 bits with
// their offset in, so that no sum of the data is needed. Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/depthwise.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// How the windows of a node are cut, and its packed form: flags (64 bytes), word arrays in the order of channels, then
/// per 8 channels [column][pair of rows][output row][lane][2 rows].
struct pair_windows {
  std::int64_t rows;     // output rows made at once
  std::int64_t pairs;    // of data rows
  std::int64_t columns;  // of data that the windows of a row read
  std::int64_t padded;   // channels, whole vectors
  std::int64_t kernel_w;
  bool ring;             // the next windows need all lines but one again

  static constexpr std::int64_t slack = 16;  // pairs that vectors reach beyond a line

  constexpr explicit pair_windows(const depthwise_shape& s) {
    rows = s.stride_h == 1 && s.dilation_h == 1 && s.out_h > 1 ? 2 : 1;
    pairs = (s.kernel_h + rows) / 2;
    columns = (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1;
    padded = (s.channels + 7) / 8 * 8;
    kernel_w = s.kernel_w;
    ring = rows * s.stride_h == 2 * s.dilation_h;
  }
  constexpr std::int64_t steps() const { return kernel_w * pairs; }
  constexpr std::int64_t word(int i) const { return 64 + i * padded * 4; }
  constexpr std::int64_t unit_bytes() const { return steps() * rows * 32; }
  constexpr std::int64_t weights_at() const { return (word(packed_words) + 63) / 64 * 64; }
  constexpr std::int64_t bytes() const { return weights_at() + padded / 8 * unit_bytes(); }
  /// Pairs of one line, and bytes of all lines, for a block of channels.
  constexpr std::int64_t line(std::int64_t channels) const { return columns * channels + slack; }
  constexpr std::int64_t staged_bytes(std::int64_t channels) const { return pairs * line(channels) * 4; }
  /// Channels whose lines stay in L1; all where a block would write what a later one has not read.
  constexpr std::int64_t block(std::int64_t channels, bool whole) const {
    constexpr std::int64_t budget = 32 * 1024;
    if (whole || staged_bytes(channels) <= budget) return channels;
    std::int64_t n = budget / (pairs * columns * 4) / 64 * 64;
    if (n < 64) n = staged_bytes(32) <= budget ? 32 : 16;
    return n < channels ? n : channels;
  }
};

template <class W, class B>
void pack_depthwise_pairs(const depthwise_shape& s, const W& w, const B& bias, const byte_scales& q, std::byte* out) {
  const pair_windows l(s);
  std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
  const auto word = [&](int i) { return reinterpret_cast<std::int32_t*>(out + l.word(i)); };
  channel_packer<W, B> packer{q, w, bias, s.taps()};
  for (std::int64_t c = 0; c < s.channels; ++c) {
    const std::int32_t offset = w.q->offset_at(q.per_channel ? c : 0);
    std::int32_t sum = 0;
    std::int64_t most = 0;
    std::byte* unit = out + l.weights_at() + c / 8 * l.unit_bytes() + c % 8 * 4;
    for (std::int64_t t = 0; t < s.taps(); ++t) {
      const std::int32_t v = weight_value(w, t * s.channels + c) + offset;
      sum += v;
      most += v < 0 ? -v : v;
      const auto wide = static_cast<std::int16_t>(v);
      for (std::int64_t r = 0; r < l.rows; ++r) {
        const std::int64_t row = t / s.kernel_w + r;
        std::memcpy(unit + ((t % s.kernel_w * l.pairs + row / 2) * l.rows + r) * 32 + row % 2 * 2, &wide, 2);
      }
    }
    packer.fold(c, sum, most, word(bias_word) + c, word(offset_word) + c);
  }
  packer.flags.how = packer.choice.best();
  for (std::int64_t c = 0; c < l.padded; ++c) {
    word(shift_word)[c] = 31;
    if (c < s.channels)
      store_multiplier(packer.multiplier_of(c), packer.flags.how, word(factor_word) + c, word(mantissa_word) + c, word(shift_word) + c);
  }
  std::memcpy(out, &packer.flags, sizeof packer.flags);
}

/// n bytes of two rows as pairs of 16 bits; null: a row of padding. Writes whole vectors of 16 pairs.
inline void interleave_rows(const std::byte* a, const std::byte* b, std::int64_t n, std::uint8_t padding, __m128i flip, std::uint32_t* to) {
  const __m128i pad = _mm_set1_epi8(static_cast<char>(padding));
  const auto put = [&](__m128i x, __m128i y, std::uint32_t* at) {
    x = _mm_xor_si128(x, flip);
    y = _mm_xor_si128(y, flip);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(x, y)));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at + 8), _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(x, y)));
  };
  const auto load = [](const std::byte* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
  std::int64_t i = 0;
  if (a && b) for (; i + 16 <= n; i += 16) put(load(a + i), load(b + i), to + i);
  else for (; i + 16 <= n; i += 16) put(a ? load(a + i) : pad, b ? load(b + i) : pad, to + i);
  if (i == n) return;
  const auto rest = [&](const std::byte* p) {
    if (!p) return pad;
    if (n - i == 8) return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p + i));
    alignas(16) std::byte last[16] = {};
    std::memcpy(last, p + i, static_cast<std::size_t>(n - i));
    return _mm_load_si128(reinterpret_cast<const __m128i*>(last));
  };
  put(rest(a), rest(b), to + i);
}

/// 8 channels of a row (or two) of windows.
struct pair_job {
  const std::uint32_t* staged;  // of the first channel
  const std::int64_t* offsets;  // of each step
  std::int64_t steps;
  std::int64_t step;            // pairs from one pixel to the next
  std::int64_t pixels;
  const std::byte* weights;
  const std::byte* bias;
  const std::byte* factor;
  std::int64_t pixel, next_row;  // of the result: first, and to the next output row
  std::int64_t channel, count;
  int rows;                      // that exist
  const byte_output* o;
};

/// Sums of Count pixels. Steps: how many, 0 if not known; Rows: output rows.
template <int Steps, int Rows, int Count>
QNNX_INLINE void pair_sums(const std::uint32_t* x, std::int64_t step, const std::int64_t* offsets, std::int64_t steps, const std::byte* w,
                           __m256i bias, __m256i (&acc)[Count][Rows]) {
  const auto load = [](const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); };
#pragma GCC unroll 4
  for (int k = 0; k < Count; ++k)
#pragma GCC unroll 2
    for (int r = 0; r < Rows; ++r) acc[k][r] = bias;
  if constexpr (Steps != 0) steps = Steps;
#pragma GCC unroll 6
  for (std::int64_t i = 0; i < steps; ++i, w += 32 * Rows) {
    const std::uint32_t* from = x + offsets[i];
#pragma GCC unroll 4
    for (int k = 0; k < Count; ++k) {
      const __m256i data = load(from + k * step);
#pragma GCC unroll 2
      for (int r = 0; r < Rows; ++r) {
        acc[k][r] = _mm256_add_epi32(acc[k][r], _mm256_madd_epi16(data, load(w + 32 * r)));
        asm("" : "+x"(acc[k][r]));  // else g++ 12 makes all products first, and spills them
      }
    }
  }
}

/// Full vectors of channels, results under rne and nothing after it.
template <int Steps, int Rows>
QNNX_NOINLINE void pair_unit(const pair_job& j) {
  const byte_output& o = *j.o;
  const byte_scale8 scale(scaling::rne, o);
  const __m256i bias = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(j.bias));
  const __m256 factor = _mm256_loadu_ps(reinterpret_cast<const float*>(j.factor));
  const std::int64_t channels = o.channels, step = j.step;
  const std::int64_t* const offsets = j.offsets;
  const std::uint32_t* x = j.staged;
  std::uint8_t* y[2] = {o.y + j.pixel * channels + j.channel, o.y + (j.pixel + j.next_row) * channels + j.channel};
  const auto put = [](std::uint8_t* to, __m128i q) { _mm_storel_epi64(reinterpret_cast<__m128i*>(to), q); };
  std::int64_t left = j.pixels;
  for (; left >= 4; left -= 4, x += 4 * step) {
    __m256i acc[4][Rows];
    pair_sums<Steps, Rows, 4>(x, step, offsets, j.steps, j.weights, bias, acc);
#pragma GCC unroll 2
    for (int r = 0; r < Rows; ++r) {
      if (r == j.rows) break;
      const __m256i q = scale.bytes(scale.rne(acc[0][r], factor), scale.rne(acc[1][r], factor), scale.rne(acc[2][r], factor), scale.rne(acc[3][r], factor));
      const __m128i high = _mm256_extracti128_si256(q, 1);
      put(y[r], _mm256_castsi256_si128(q));
      put(y[r] + channels, _mm_unpackhi_epi64(_mm256_castsi256_si128(q), high));
      put(y[r] + 2 * channels, high);
      put(y[r] + 3 * channels, _mm_unpackhi_epi64(high, high));
      y[r] += 4 * channels;
    }
  }
  for (; left > 0; --left, x += step) {
    __m256i acc[1][Rows];
    pair_sums<Steps, Rows, 1>(x, step, offsets, j.steps, j.weights, bias, acc);
#pragma GCC unroll 2
    for (int r = 0; r < Rows; ++r) {
      if (r == j.rows) break;
      const __m256i q = scale.rne(acc[0][r], factor);
      put(y[r], scale.bytes(q, q));
      y[r] += channels;
    }
  }
}

/// Any channels and results.
template <int Rows>
QNNX_NOINLINE void pair_unit_other(const pair_job& j) {
  const __m256i bias = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(j.bias));
  constexpr int batch = 16;
  alignas(32) std::int32_t sums[Rows][batch * 16];
  for (std::int64_t p = 0; p < j.pixels; p += batch) {
    const std::int64_t count = j.pixels - p < batch ? j.pixels - p : batch;
    for (std::int64_t k = 0; k < count; ++k) {
      __m256i acc[1][Rows];
      pair_sums<0, Rows, 1>(j.staged + (p + k) * j.step, j.step, j.offsets, j.steps, j.weights, bias, acc);
      for (int r = 0; r < Rows; ++r) _mm256_store_si256(reinterpret_cast<__m256i*>(sums[r] + k * 16), acc[0][r]);
    }
    for (int r = 0; r < j.rows; ++r)
      take_bytes8(j.o, reinterpret_cast<const std::byte*>(sums[r]), static_cast<int>(count), j.pixel + r * j.next_row + p, j.channel, j.count);
  }
}

/// The data of a node.
struct pair_image {
  const std::byte* data;
  std::uint8_t padding;  // byte that stands for real 0
  bool is_signed;
};

/// One line: rows `first` and `first + dilation` of the image, the channels [c, c + n).
inline void stage_pairs(const depthwise_shape& s, const pair_windows& l, const pair_image& d, const std::byte* image, std::int64_t first,
                        std::int64_t c, std::int64_t n, std::uint32_t* to) {
  const std::byte* row[2];
  for (std::int64_t i = 0; i < 2; ++i) {
    const std::int64_t ih = first + i * s.dilation_h;
    row[i] = ih >= 0 && ih < s.height ? image + ih * s.width * s.channels + c : nullptr;
  }
  const __m128i flip = _mm_set1_epi8(static_cast<char>(d.is_signed ? 128 : 0));
  std::int64_t end = s.width + s.left < l.columns ? s.width + s.left : l.columns;
  const std::int64_t begin = s.left < l.columns ? s.left : l.columns;
  if (end < begin) end = begin;
  const auto pad = [&](std::int64_t columns) { interleave_rows(nullptr, nullptr, columns * n, d.padding, flip, to), to += columns * n; };
  pad(begin);
  const auto at = [&](int i, std::int64_t column) { return row[i] ? row[i] + column * s.channels : nullptr; };
  if (n == s.channels) {
    interleave_rows(row[0], row[1], (end - begin) * n, d.padding, flip, to);
    to += (end - begin) * n;
  } else {
    for (std::int64_t k = 0; k < end - begin; ++k, to += n) interleave_rows(at(0, k), at(1, k), n, d.padding, flip, to);
  }
  pad(l.columns - end);
}

/// Output rows [from, to) over the batch, channels [first, last). `staged`: scratch.
inline void depthwise_pairs(const depthwise_shape& s, const pair_image& d, slice rows, slice channels, bool shares_memory, const std::byte* packed,
                            const byte_output& o, std::uint32_t* staged) {
  const pair_windows l(s);
  packed_flags flags;
  std::memcpy(&flags, packed, sizeof flags);
  const bool plain = flags.how == scaling::rne && o.vector && !o.residual;
  using function = void (*)(const pair_job&);
  const function other = l.rows == 2 ? &pair_unit_other<2> : &pair_unit_other<1>;
  const function unit = !plain ? other : l.steps() == 6 ? (l.rows == 2 ? &pair_unit<6, 2> : &pair_unit<6, 1>) : l.rows == 2 ? &pair_unit<0, 2> : &pair_unit<0, 1>;
  std::int64_t offsets[most_taps];
  const std::int64_t block = l.block(channels.to - channels.from, shares_memory);
  pair_job j{};
  j.offsets = offsets;
  j.steps = l.steps();
  j.pixels = s.out_w;
  j.next_row = s.out_w;
  j.o = &o;
  for (std::int64_t from = rows.from; from < rows.to;) {
    const std::int64_t n = from / s.out_h;
    const std::int64_t to = (n + 1) * s.out_h < rows.to ? (n + 1) * s.out_h : rows.to;  // of this image
    const std::byte* image = d.data + n * s.height * s.width * s.channels;
    for (std::int64_t c = channels.from; c < channels.to; c += block) {
      const std::int64_t have = channels.to - c < block ? channels.to - c : block;
      const std::int64_t line = l.line(have);
      std::int64_t turn = 0;  // the ring's line of the first pair
      for (std::int64_t row = from; row < to; row += l.rows, turn = l.ring ? (turn + 1) % l.pairs : 0) {
        const std::int64_t top = row % s.out_h * s.stride_h - s.top;
        for (std::int64_t k = l.ring && row != from ? l.pairs - 1 : 0; k < l.pairs; ++k)
          stage_pairs(s, l, d, image, top + 2 * k * s.dilation_h, c, have, staged + (turn + k) % l.pairs * line);
        for (std::int64_t kw = 0; kw < s.kernel_w; ++kw)
          for (std::int64_t k = 0; k < l.pairs; ++k) offsets[kw * l.pairs + k] = (turn + k) % l.pairs * line + kw * s.dilation_w * have;
        j.step = s.stride_w * have;
        j.rows = static_cast<int>(to - row < l.rows ? to - row : l.rows);
        j.pixel = row * s.out_w;
        for (std::int64_t u = 0; u < have; u += 8) {
          j.staged = staged + u;
          j.weights = packed + l.weights_at() + (c + u) / 8 * l.unit_bytes();
          j.bias = packed + l.word(bias_word) + (c + u) * 4;
          j.factor = packed + l.word(factor_word) + (c + u) * 4;
          j.channel = c + u;
          j.count = have - u < 8 ? have - u : 8;
          (j.count == 8 ? unit : other)(j);
        }
      }
    }
    from = to;
  }
}

/// The 8-bit half of depthwise_kernel.
struct pair_depthwise {
  static constexpr std::int64_t packed_bytes(const depthwise_shape& s) { return pair_windows(s).bytes(); }
  static constexpr std::int64_t scratch_bytes(const depthwise_shape& s) { return pair_windows(s).staged_bytes(s.channels); }
  static constexpr bool takes(const depthwise_shape& s) { return pair_windows(s).steps() <= most_taps; }
  /// Channels that pieces do not divide.
  static constexpr std::int64_t share_block(const depthwise_shape&) { return 64; }
  template <class Call>
  static void pack(const Call& c, const depthwise_shape& s, std::byte* out) {
    const auto w = c.template in<1>();
    byte_scales q{c.template in<0>().offset(), is_signed_fixed(Call::out_type::code), c.constants() + finish_constants::header,
                  w.q->scales != nullptr, c.rounding().mode(), false};
    q.weights_whole = true;
    pack_depthwise_pairs(s, w, c.template in<2>(), q, out);
  }
  template <class Call>
  static void run(const Call& c, const depthwise_shape& s) {
    const auto x = c.template in<0>();
    const finish<Call> done(c, c.template in<1>().q->scales != nullptr);
    byte_output o = byte_output_of(c, done, false);
    o.channels = s.channels;
    o.group_channels = s.channels;
    o.packed = c.packed();
    o.padded = pair_windows(s).padded;
    const pair_image d{reinterpret_cast<const std::byte*>(x.data), static_cast<std::uint8_t>(x.zero()), o.is_signed};
    const depthwise_share mine = share_of(s, share_block(s), c.piece, pair_windows(s).rows);
    const bool shares = memory_shared(x.data, x.size(), o.y, c.out().size());
    if (mine.channels.from < mine.channels.to)
      depthwise_pairs(s, d, mine.rows, mine.channels, shares, c.packed(), o, reinterpret_cast<std::uint32_t*>(c.scratch()));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
