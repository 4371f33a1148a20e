// SPDX-License-Identifier: Apache-2.0
#pragma once
// 3x3 windows with stride 1 on floats as Winograd's F(2x2, 3x3): a tile of 2x2 results from 4x4 values of the data,
//   y = A' [ (G g G') * (B' d B) ] A,   * element by element, summed over input channels
//   B' = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1], G = [1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1], A' = [1 1 1 0; 0 1 -1 -1]
// 16 products where windows take 36 (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, 2015).
// Error: B' d B has at most four terms of the data, each rounded twice; G g G' is made in doubles and rounded once; a
// sum of n channels rounds n times; a result is nine of them, each in four additions, and the bias. In a row of results
// an even one takes |g0| 2, |g1| 1, |g2| 1 times from the columns of |G| (rows 0 to 2), an odd one 1, 1, 2 (rows 1 to 3):
//   |fast - exact| <= g (|bias| + 4 sum_c X_c sum_ij r_i s_j |w_ijc|),  g = m u / (1 - m u), m = n + 8, u = 2^-24
//   X_c: the largest |x| of channel c in the 4x4 values of the tile; r, s: (2, 1, 1) for even rows, columns, else (1, 1, 2)
// where nothing over- or underflows: data below 2^125. A value that is not finite, or overflows, makes all four results
// of a tile that reads it NaN or infinite, also those whose windows it is not in, as in every Winograd convolution.
// Blocks of tiles: transformed data and the sums of one group of channels stay in the second cache. Layer 5a.

#include "qnnx/kernel/x86/finish.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class A>
struct float_winograd {
  using vec = typename A::vec;
  static constexpr std::int64_t line = 16;  // floats between positions, which else would lie on one set of the cache
  static constexpr int rows = 6;            // tiles in registers at once

  packed_layout words;   // of one position
  std::int64_t depth, wide, tile_rows, block;  // tiles in a row, rows in an image, most tiles made at once

  constexpr explicit float_winograd(const window_shape& s) : words(of_position(s), A::lanes, 1), depth(s.depth), wide((s.out_w + 1) / 2), tile_rows((s.out_h + 1) / 2) {
    // whole rows of tiles: results that lie over dying data are written after what their row reads
    const std::int64_t most = most_block(s) / wide;
    block = wide * (most < 1 ? 1 : most < s.batch * tile_rows ? most : s.batch * tile_rows);
  }
  static constexpr std::int64_t most_block(const window_shape& s) {
    const std::int64_t n = data_budget / (s.depth * 64);
    return n < 48 ? n : 48;
  }
  static constexpr std::int64_t data_budget = 512 * 1024;
  static constexpr bool takes(const window_shape& s) {
    return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 &&
           s.depth >= 16 && s.depth % A::lanes == 0 && s.channels >= 16 && s.depth * s.channels <= 512 * 512 && s.out_h > 1 && s.out_w > 1 &&
           (s.out_w + 1) / 2 * s.depth * 64 <= 2 * data_budget;
  }
  static constexpr window_shape of_position(const window_shape& s) {
    window_shape p;
    p.depth = s.depth;
    p.channels = s.channels;
    return p;
  }
  constexpr std::int64_t panels_at() const { return words.panels_at(1); }
  constexpr std::int64_t bytes() const { return (panels_at() + 16 * words.panel_bytes() + 63) / 64 * 64; }
  /// Floats from the data, and the sums, of one position to the next.
  constexpr std::int64_t data_step() const { return block * depth + line; }
  constexpr std::int64_t sums_step() const { return block * words.group * A::lanes + line; }
  constexpr std::int64_t scratch() const { return (depth + 16 * (data_step() + sums_step())) * 4; }
  /// Byte offset of a weight from the first panel: [group of vectors][position][channel of the data][vector][lane].
  constexpr std::int64_t at(std::int64_t position, std::int64_t c, std::int64_t o) const {
    const std::int64_t first = o / A::lanes / words.group * words.group;
    const std::int64_t some = words.vectors - first < words.group ? words.vectors - first : words.group;
    return (first * 16 * depth * A::lanes + ((position * depth + c) * some + (o / A::lanes - first)) * A::lanes + o % A::lanes) * 4;
  }

  /// Most pieces worth making: rows of tiles, or groups of channels.
  constexpr int parts(const window_shape& s) const {
    const std::int64_t rows_of_tiles = s.batch * tile_rows;
    const std::int64_t most = rows_of_tiles > groups() ? rows_of_tiles : groups();
    return static_cast<int>(most < 256 ? most : 256);
  }
  constexpr std::int64_t groups() const { return (words.vectors + words.group - 1) / words.group; }

  template <class W, class B>
  static void pack(const window_shape& s, const W& w, const B& bias, std::byte* out) {
    const float_winograd l(s);
    std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
    for (std::int64_t o = 0; o < s.channels; ++o) {
      if (bias.present()) reinterpret_cast<float*>(out + l.words.word(bias_word))[o] = static_cast<float>(bias.load(o));
      for (std::int64_t c = 0; c < s.depth; ++c) {
        double rows_of[4][3];  // G g
        for (std::int64_t j = 0; j < 3; ++j) {
          double g[3];
          for (std::int64_t i = 0; i < 3; ++i) g[i] = static_cast<double>(w.load(((i * 3 + j) * s.depth + c) * s.channels + o));
          rows_of[0][j] = g[0], rows_of[1][j] = (g[0] + g[1] + g[2]) / 2, rows_of[2][j] = (g[0] - g[1] + g[2]) / 2, rows_of[3][j] = g[2];
        }
        for (std::int64_t i = 0; i < 4; ++i) {
          const double* g = rows_of[i];
          const double u[4] = {g[0], (g[0] + g[1] + g[2]) / 2, (g[0] - g[1] + g[2]) / 2, g[2]};
          for (std::int64_t j = 0; j < 4; ++j) {
            const auto v = static_cast<float>(u[j]);
            std::memcpy(out + l.panels_at() + l.at(4 * i + j, c, o), &v, 4);
          }
        }
      }
    }
  }

  /// j.piece of the work.
  static void run(const window_shape& s, const window_job& j, const std::byte* packed, const float_output& o) {
    const float_winograd l(s);
    const std::int64_t all = s.batch * l.tile_rows;
    const bool by_channel = all < 2 * j.piece.count && l.groups() >= j.piece.count;
    const slice mine = by_channel ? slice{0, all} : slice_of(j.piece, all);
    const slice groups = by_channel ? slice_of(j.piece, l.groups()) : slice{0, l.groups()};
    auto* scratch = reinterpret_cast<float*>(j.scratch);
    std::memset(scratch, 0, static_cast<std::size_t>(s.depth) * 4);
    const std::int64_t end = mine.to * l.wide;
    for (std::int64_t t = mine.from * l.wide; t < end; t += l.block) l.make(s, j, packed, o, t, end - t < l.block ? end - t : l.block, groups, scratch);
  }

 private:
  /// Tiles [first, first + count), channels of the groups in `groups`. scratch: zeros, transformed data, sums.
  void make(const window_shape& s, const window_job& j, const std::byte* packed, const float_output& o, std::int64_t first, std::int64_t count,
            slice groups, float* scratch) const {
    float* const data = scratch + depth;
    float* const sums = data + 16 * data_step();
    transform(s, reinterpret_cast<const float*>(j.data), first, count, scratch, data);
    for (std::int64_t g = groups.from; g < groups.to; ++g) {
      const std::int64_t vector = g * words.group;
      const std::int64_t some = words.vectors - vector < words.group ? words.vectors - vector : words.group;
      const auto* w = reinterpret_cast<const float*>(packed + panels_at()) + vector * 16 * depth * A::lanes;
      for (std::int64_t p = 0; p < 16; ++p, w += some * depth * A::lanes) {
        std::int64_t parts = (count + rows - 1) / rows;
        std::int64_t n = 0;
        for (std::int64_t t = 0; t < count; t += n, --parts) {
          n = (count - t + parts - 1) / parts;  // as equal as they can be
          products(data + p * data_step() + t * depth, n, w, some, sums + p * sums_step() + t * words.group * A::lanes);
        }
      }
      results(s, packed, o, first, count, vector, some, sums);
    }
  }
  /// Sums over the channels of R tiles and V vectors.
  template <int R, int V>
  QNNX_INLINE void sums_of(const float* x, const float* w, float* to) const {
    vec acc[R][V];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[r][v] = vec{};
    for (std::int64_t k = 0; k < depth; ++k, w += V * A::lanes) {
      vec weights[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) weights[v] = A::load(w + v * A::lanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const vec piece = A::piece(reinterpret_cast<const std::byte*>(x + r * depth + k), vec{});
#pragma GCC unroll 8
        for (int v = 0; v < V; ++v) A::add_product(acc[r][v], piece, weights[v]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) A::store(to + (r * words.group + v) * A::lanes, acc[r][v]);
  }
  template <int V>
  QNNX_NOINLINE void products_of(const float* x, std::int64_t n, const float* w, float* to) const {
    switch (n) {
      case 1: return sums_of<1, V>(x, w, to);
      case 2: return sums_of<2, V>(x, w, to);
      case 3: return sums_of<3, V>(x, w, to);
      case 4: return sums_of<4, V>(x, w, to);
      case 5: return sums_of<5, V>(x, w, to);
      default: return sums_of<6, V>(x, w, to);
    }
  }
  void products(const float* x, std::int64_t n, const float* w, std::int64_t some, float* to) const {
    if constexpr (A::group == 4) {
      if (some == 4) return products_of<4>(x, n, w, to);
      if (some == 3) return products_of<3>(x, n, w, to);
    }
    if (some == 2) return products_of<2>(x, n, w, to);
    products_of<1>(x, n, w, to);
  }

  /// B' d B of tiles; position p of tile t goes to to + p * data_step() + t * depth.
  void transform(const window_shape& s, const float* x, std::int64_t first, std::int64_t count, const float* none, float* to) const {
    const std::int64_t step = data_step();
    std::int64_t column = first % wide, row = first / wide % tile_rows, image = first / wide / tile_rows;
    const float* from[16];
    bool inside = false;  // the last tile was
    for (std::int64_t t = 0; t < count; ++t, to += depth) {
      const std::int64_t top = 2 * row - s.top, left = 2 * column - s.left;
      if (inside && column > 0 && left + 4 <= s.width) {
        for (const float*& p : from) p += 2 * depth;
      } else {
        const float* const corner = x + (image * s.height + top) * s.width * depth + left * depth;
        inside = top >= 0 && top + 4 <= s.height && left >= 0 && left + 4 <= s.width;
        for (std::int64_t i = 0; i < 4; ++i)
          for (std::int64_t j = 0; j < 4; ++j) {
            const bool there = top + i >= 0 && top + i < s.height && left + j >= 0 && left + j < s.width;
            from[4 * i + j] = there ? corner + (i * s.width + j) * depth : none;
          }
      }
      for (std::int64_t c = 0; c < depth; c += A::lanes) {
        vec v[4][4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const auto at = [&](int i) __attribute__((always_inline)) { return A::load(from[4 * i + j] + c); };
          const vec x1 = at(1), x2 = at(2);
          v[0][j] = at(0) - x2, v[1][j] = x1 + x2, v[2][j] = x2 - x1, v[3][j] = x1 - at(3);
        }
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          float* const put = to + 4 * i * step + c;
          A::store(put, v[i][0] - v[i][2]);
          A::store(put + step, v[i][1] + v[i][2]);
          A::store(put + 2 * step, v[i][2] - v[i][1]);
          A::store(put + 3 * step, v[i][1] - v[i][3]);
        }
      }
      if (++column == wide) {
        column = 0;
        inside = false;
        if (++row == tile_rows) row = 0, ++image;
      }
    }
  }

  /// A' m A and the bias, activation and residual.
  void results(const window_shape& s, const std::byte* packed, const float_output& o, std::int64_t first, std::int64_t count, std::int64_t vector,
               std::int64_t some, const float* sums) const {
    const auto* bias = reinterpret_cast<const float*>(packed + words.word(bias_word)) + vector * A::lanes;
    const std::int64_t channel = vector * A::lanes;
    std::int64_t column = first % wide, row = first / wide % tile_rows, image = first / wide / tile_rows;
    for (std::int64_t t = 0; t < count; ++t, sums += words.group * A::lanes) {
      const std::int64_t pixel = (image * s.out_h + 2 * row) * s.out_w + 2 * column;
      for (std::int64_t v = 0; v < some; ++v) {
        const float* m = sums + v * A::lanes;
        vec a[2][4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const auto at = [&](int i) __attribute__((always_inline)) { return A::load(m + (4 * i + j) * sums_step()); };
          const vec x1 = at(1), x2 = at(2);
          a[0][j] = at(0) + (x1 + x2), a[1][j] = (x1 - x2) - at(3);
        }
        const vec b = A::load(bias + v * A::lanes);
        const std::int64_t left = s.channels - channel - v * A::lanes;
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i) {
          if (2 * row + i >= s.out_h) break;
          const std::int64_t at = (pixel + i * s.out_w) * o.channels + channel + v * A::lanes;
          store_floats<A>(o, at, left, (a[i][0] + (a[i][1] + a[i][2])) + b);
          if (2 * column + 1 < s.out_w) store_floats<A>(o, at + o.channels, left, ((a[i][1] - a[i][2]) - a[i][3]) + b);
        }
      }
      if (++column == wide) {
        column = 0;
        if (++row == tile_rows) row = 0, ++image;
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
