// SPDX-License-Identifier: Apache-2.0
#pragma once
// 3x3 windows with stride 1 as Winograd's F(2x2, 3x3), in integers: a tile of 2x2 results from 4x4 values of the data,
//   4 y = A' [ (2G) g (2G)' * (B' d B) ] A,   * element by element, summed over input channels
//   B' = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1], 2G = [2 0 0; 1 1 1; 1 -1 1; 0 0 2], A' = [1 1 1 0; 0 1 -1 -1]
// 16 products of numbers where windows take 36, a speed that vpmaddwd alone does not have. Exact: data
// with its offset is within 255, transformed within 1020, weights within 9 * 255, all 16 bits; sums wrap modulo 2^32, and
// 4 y is below 2^31 (takes()). The packed form is 3.6 times the weights (s16): larger layers stay with windows.
// Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr std::int64_t winograd_tiles = 24;  // made at once: weights are read once for them

struct winograd_layout {
  packed_layout words;  // constants per channel
  std::int64_t depth, channels;

  constexpr explicit winograd_layout(const window_shape& s) : words(s, 8, 2, 4), depth(s.depth), channels(s.channels) {}
  static constexpr bool takes(const window_shape& s) {
    return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 &&
           s.depth >= 32 && s.depth % 16 == 0 && s.channels % 16 == 0 && s.depth * s.channels <= 256 * 256 && s.taps() <= 8000 && s.out_h > 1 && s.out_w > 1;
  }
  constexpr std::int64_t panels_at() const { return words.panels_at(packed_words); }
  constexpr std::int64_t position_bytes() const { return depth * 32; }  // of 16 channels
  constexpr std::int64_t bytes() const { return panels_at() + 16 * depth * channels * 2; }
  /// Byte offset of a weight from the first panel: [16 channels][position][pair of taps][2 vectors][8 channels][2].
  constexpr std::int64_t at(std::int64_t position, std::int64_t tap, std::int64_t o) const {
    return (o / 16 * 16 + position) * position_bytes() + ((tap / 2 * 2 + o / 8 % 2) * 8 + o % 8) * 4 + tap % 2 * 2;
  }
};

template <class W, class B>
void pack_winograd(const window_shape& s, const W& w, const B& bias, const byte_scales& q, std::byte* out) {
  const winograd_layout l(s);
  std::memset(out, 0, static_cast<std::size_t>(l.panels_at()));
  const auto word = [&](int i) { return reinterpret_cast<std::int32_t*>(out + l.words.word(i)); };
  channel_packer<W, B> packer{q, w, bias, s.taps()};
  for (std::int64_t o = 0; o < s.channels; ++o) {
    const std::int32_t offset = w.q->offset_at(q.per_channel ? o : 0);
    std::int32_t sum = 0;
    std::int64_t most = 0;
    for (std::int64_t c = 0; c < s.depth; ++c) {
      std::int32_t rows[4][3];  // 2G g
      for (std::int64_t kw = 0; kw < 3; ++kw) {
        std::int32_t g[3];
        for (std::int64_t kh = 0; kh < 3; ++kh) {
          g[kh] = weight_value(w, ((kh * 3 + kw) * s.depth + c) * s.channels + o) + offset;
          sum += g[kh];
          most += g[kh] < 0 ? -g[kh] : g[kh];
        }
        rows[0][kw] = 2 * g[0], rows[1][kw] = g[0] + g[1] + g[2], rows[2][kw] = g[0] - g[1] + g[2], rows[3][kw] = 2 * g[2];
      }
      for (std::int64_t i = 0; i < 4; ++i) {
        const std::int32_t* g = rows[i];
        const std::int32_t u[4] = {2 * g[0], g[0] + g[1] + g[2], g[0] - g[1] + g[2], 2 * g[2]};
        for (std::int64_t j = 0; j < 4; ++j) {
          const auto wide = static_cast<std::int16_t>(u[j]);
          std::memcpy(out + l.panels_at() + l.at(4 * i + j, c, o), &wide, 2);
        }
      }
    }
    packer.fold(o, sum, most, word(bias_word) + o, word(offset_word) + o);
  }
  packer.store(out, l.words, 0);
}

/// B' d B of `depth` channels of the 4x4 pixels from `d` on; position p goes to to + p * next.
inline void winograd_data(const std::int16_t* d, std::int64_t line, std::int64_t depth, std::int16_t* to, std::int64_t next) {
  const auto add = [](__m256i a, __m256i b) { return _mm256_add_epi16(a, b); };
  const auto sub = [](__m256i a, __m256i b) { return _mm256_sub_epi16(a, b); };
  for (std::int64_t c = 0; c < depth; c += 16) {
    __m256i t[4][4];
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const auto at = [&](int i) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(d + i * line + j * depth + c)); };
      const __m256i x1 = at(1), x2 = at(2);
      t[0][j] = sub(at(0), x2), t[1][j] = add(x1, x2), t[2][j] = sub(x2, x1), t[3][j] = sub(x1, at(3));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const __m256i v[4] = {sub(t[i][0], t[i][2]), add(t[i][1], t[i][2]), sub(t[i][2], t[i][1]), sub(t[i][1], t[i][3])};
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + (4 * i + j) * next + c), v[j]);
    }
  }
}

/// A' m A of 8 channels, a quarter of it, plus bias: results (row, column) go to to[row * next + column * 16].
QNNX_INLINE void winograd_result(const std::int32_t* m, std::int64_t position, __m256i bias, std::int32_t* to, std::int64_t next) {
  __m256i a[2][4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto at = [&](int i) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(m + (4 * i + j) * position)); };
    const __m256i x1 = at(1), x2 = at(2);
    a[0][j] = _mm256_add_epi32(at(0), _mm256_add_epi32(x1, x2));
    a[1][j] = _mm256_sub_epi32(_mm256_sub_epi32(x1, x2), at(3));
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const __m256i y[2] = {_mm256_add_epi32(a[i][0], _mm256_add_epi32(a[i][1], a[i][2])), _mm256_sub_epi32(_mm256_sub_epi32(a[i][1], a[i][2]), a[i][3])};
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j)
      _mm256_store_si256(reinterpret_cast<__m256i*>(to + i * next + j * 16), _mm256_add_epi32(_mm256_srai_epi32(y[j], 2), bias));
  }
}

/// Tiles [from, from + count) of a band whose first row of tiles begins at `band` (16-bit pixels, `line` values a line),
/// channels of the groups of 16 in `groups`. `first`: the first tile of the band; row of tiles r is output line 2 r of
/// image r / tile_rows. v: scratch of 16 * winograd_tiles * depth values.
inline void winograd_block(const window_shape& s, const std::int16_t* band, std::int64_t line, std::int64_t first, std::int64_t from, std::int64_t count,
                           slice groups, const byte_output& o, std::int16_t* v) {
  using arithmetic = s16x8<std::int16_t>;
  const winograd_layout l(s);
  const std::int64_t tile_rows_of_image = (s.out_h + 1) / 2;
  const std::int64_t wide = (s.out_w + 1) / 2;
  const std::int64_t next = winograd_tiles * s.depth;
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int64_t row = (from + t) / wide - first / wide;
    winograd_data(band + 2 * row * line + (from + t) % wide * 2 * s.depth, line, s.depth, v + t * s.depth, next);
  }
  alignas(32) std::int32_t sums[16 * winograd_tiles * 16];
  alignas(32) std::int32_t results[2 * 2 * winograd_tiles * 16];
  alignas(32) static constexpr std::int32_t zeros[16] = {};
  detail::tile_input in;
  in.step = s.depth * 2;
  in.pieces = s.depth / 2;
  in.bias = reinterpret_cast<const std::byte*>(zeros);
  for (std::int64_t g = groups.from; g < groups.to; ++g) {
    for (std::int64_t p = 0; p < 16; ++p) {
      in.w = o.packed + l.panels_at() + (g * 16 + p) * l.position_bytes();
      in.first = reinterpret_cast<const std::byte*>(v + p * next);
      in.rows = (count + 5) / 6 * 6;  // of winograd_tiles
      in.sums = reinterpret_cast<std::byte*>(sums + p * winograd_tiles * 16);
      detail::tile<arithmetic, 6, 2, detail::no_finish, true>(in);
    }
    const auto* bias = reinterpret_cast<const __m256i*>(o.packed + l.words.word(bias_word) + g * 64);
    for (int h = 0; h < 2; ++h) {
      const __m256i b = _mm256_loadu_si256(bias + h);
      for (std::int64_t t = 0; t < count; ++t)
        winograd_result(sums + t * 16 + 8 * h, winograd_tiles * 16, b, results + 2 * t * 16 + 8 * h, 2 * winograd_tiles * 16);
    }
    for (std::int64_t t = 0; t < count;) {  // the tiles of one row of tiles: two lines of pixels
      const std::int64_t row = (from + t) / wide;
      const std::int64_t column = (from + t) % wide;
      const std::int64_t n = wide - column < count - t ? wide - column : count - t;
      const std::int64_t pixels = s.out_w - 2 * column < 2 * n ? s.out_w - 2 * column : 2 * n;
      for (std::int64_t i = 0; i < 2; ++i) {
        const std::int64_t out = row % tile_rows_of_image * 2 + i;
        if (out >= s.out_h) break;
        take_bytes8(&o, reinterpret_cast<const std::byte*>(results + (i * 2 * winograd_tiles + 2 * t) * 16), static_cast<int>(pixels),
                    (row / tile_rows_of_image * s.out_h + out) * s.out_w + 2 * column, g * 16, 16);
      }
      t += n;
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
