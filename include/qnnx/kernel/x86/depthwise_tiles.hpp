// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d of floats in tiles: a vector of channels of two output rows and four neighbouring pixels (seven where rows
// are that short and there are 32 registers), all their sums in registers. A vector of data is loaded once for every sum
// that it goes into: 24 loads for 72 products of 3 x 3, stride 1. Data comes row by row and column by column, so each sum
// has its taps in order; taps outside the data are left out. Windows of 3 x 3 and 5 x 5 with stride 1 or 2, without
// dilation, whole vectors of channels: else depthwise.hpp. A row of results never reaches data that it or a later row
// needs, so in memory that data and results share the second row waits aside until the first is done. Layer 5a.

#include "qnnx/kernel/x86/depthwise_shape.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// One tile; steps in floats, [from, to) of its input rows and columns are data.
struct depthwise_tile {
  const float* x;  // first row and column of the tile's windows, there or not
  std::int64_t line, column;
  const float* weights;
  std::int64_t tap;
  const float* bias;
  std::int64_t out, out_line, out_column;
  float* second;  // where the second row of results goes
  int row_from, row_to, column_from, column_to;
  int rows, pixels;  // of results
  std::int64_t vectors;
  std::int64_t count;  // of neighbouring tiles
};

/// All vectors of channels of some tiles. Whole: every row, column and result is there; else it is one tile.
template <class V, int Kernel, int Stride, int Rows, int Pixels, bool Whole>
QNNX_NOINLINE void depthwise_tile_sums(const depthwise_tile& tiles, const float_output& o) {
  depthwise_tile t = tiles;
  const std::int64_t channels = t.vectors * V::lanes;
  for (std::int64_t c = 0; t.count > 0; c += V::lanes) {
    typename V::vec acc[Rows][Pixels];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
      for (int p = 0; p < Pixels; ++p) acc[r][p] = V::load(t.bias + c);
#pragma GCC unroll 16
    for (int i = 0; i < (Rows - 1) * Stride + Kernel; ++i) {
      if (!Whole && (i < t.row_from || i >= t.row_to)) continue;
#pragma GCC unroll 32
      for (int j = 0; j < (Pixels - 1) * Stride + Kernel; ++j) {
        if (!Whole && (j < t.column_from || j >= t.column_to)) continue;
        const typename V::vec x = V::load(t.x + c + i * t.line + j * t.column);
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) {
          const int kh = i - r * Stride;
#pragma GCC unroll 8
          for (int p = 0; p < Pixels; ++p) {
            const int kw = j - p * Stride;
            if (kh >= 0 && kh < Kernel && kw >= 0 && kw < Kernel) V::add_product(acc[r][p], x, V::load(t.weights + c + (kh * Kernel + kw) * t.tap));
          }
        }
      }
    }
    const auto each = [&](auto f) __attribute__((always_inline)) {
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        if (!Whole && r >= t.rows) break;
#pragma GCC unroll 8
        for (int p = 0; p < Pixels; ++p) {
          if (!Whole && p >= t.pixels) break;
          f(acc[r][p], c + p * t.out_column, r);
        }
      }
    };
    const auto activate = [&](activation act, float lo, float hi) __attribute__((always_inline)) {  // one choice for all sums
      const auto all = [&](auto which) __attribute__((always_inline)) {
#pragma GCC unroll 16
        for (int k = 0; k < Rows * Pixels; ++k) acc[k / Pixels][k % Pixels] = V::activate(acc[k / Pixels][k % Pixels], which(), lo, hi);
      };
      if (act == activation::relu) all(std::integral_constant<activation, activation::relu>{});
      else if (act == activation::clamp) all(std::integral_constant<activation, activation::clamp>{});
    };
    if (o.residual) [[unlikely]] {
      activate(o.epi.mid_act, o.epi.mid_lo, o.epi.mid_hi);
      each([&](typename V::vec& v, std::int64_t at, int r) { v = V::sum(v, V::load(o.residual + t.out + at + r * t.out_line)); });
    }
    activate(o.epi.act, o.epi.lo, o.epi.hi);
    each([&](typename V::vec v, std::int64_t at, int r) { V::store((r == 0 ? o.y + t.out : t.second) + at, v); });
    if (c + V::lanes == channels) {  // the next tile
      c = -V::lanes;
      t.x += Pixels * Stride * t.column;
      t.out += Pixels * t.out_column;
      t.second += Pixels * t.out_column;
      --t.count;
    }
  }
}

/// Output rows [from, to) over the batch in tiles of Rows x Pixels; `t`: what all tiles have in common, from the first channel on.
/// `aside`: a row of results where memory is shared, else null.
template <class V, int Kernel, int Stride, int Rows, int Pixels, bool AnyWhole>
void depthwise_tile_rows(const depthwise_shape& s, const float* data, std::int64_t from, std::int64_t to, std::int64_t channel, depthwise_tile t,
                         const float_output& o, float* aside) {
  constexpr int high = (Rows - 1) * Stride + Kernel;
  constexpr int wide = (Pixels - 1) * Stride + Kernel;
  const auto least = [](std::int64_t a, std::int64_t b) { return static_cast<int>(a < b ? a : b); };
  const auto outside = [](std::int64_t at) { return static_cast<int>(at < 0 ? -at : 0); };
  for (std::int64_t row = from; row < to; row += t.rows) {
    const std::int64_t oh = row % s.out_h;
    const std::int64_t top = oh * Stride - s.top;
    t.rows = least(Rows, least(to - row, s.out_h - oh));
    t.row_from = outside(top);
    t.row_to = least((t.rows - 1) * Stride + Kernel, s.height - top);
    for (std::int64_t ow = 0; ow < s.out_w; ow += Pixels * t.count) {
      const std::int64_t left = ow * Stride - s.left;
      t.pixels = least(Pixels, s.out_w - ow);
      t.column_from = outside(left);
      t.column_to = least((t.pixels - 1) * Stride + Kernel, s.width - left);
      t.x = data + (row / s.out_h * s.height + top) * t.line + left * t.column + channel;
      t.out = (row * s.out_w + ow) * s.channels + channel;
      t.second = aside ? aside + ow * s.channels : o.y + t.out + t.out_line;
      t.count = 1;
      if constexpr (AnyWhole) {
        if (t.row_from == 0 && t.row_to == high && t.column_from == 0 && t.column_to == wide) {
          const std::int64_t columns = (s.width - left - wide) / (Pixels * Stride);
          const std::int64_t results = (s.out_w - ow - Pixels) / Pixels;
          t.count += columns < results ? columns : results;
          depthwise_tile_sums<V, Kernel, Stride, Rows, Pixels, true>(t, o);
          continue;
        }
      }
      depthwise_tile_sums<V, Kernel, Stride, Rows, Pixels, false>(t, o);
    }
    if (aside && t.rows > 1) std::memcpy(o.y + (row + 1) * t.out_line, aside, static_cast<std::size_t>(t.out_line) * sizeof(float));
  }
}

constexpr bool fits_depthwise_tiles(const depthwise_shape& s, std::int64_t lanes) {
  return s.kernel_h == s.kernel_w && (s.kernel_h == 3 || s.kernel_h == 5) && s.stride_h == s.stride_w && s.stride_h <= 2 && s.dilation_h == 1 &&
         s.dilation_w == 1 && s.together(lanes) == 1 && s.channels >= lanes;
}

/// Whole vectors of channels of [first, last), output rows [from, to): the first channel that is left. With a row `aside` all
/// channels are whole vectors.
template <class V>
std::int64_t depthwise_tiles(const depthwise_shape& s, const float* data, std::int64_t from, std::int64_t to, std::int64_t first, std::int64_t last,
                             const float* bias, const float* weights, const float_output& o, float* aside) {
  const std::int64_t k = s.kernel_h;
  const std::int64_t stride = s.stride_h;
  depthwise_tile t{};
  t.line = s.width * s.channels;
  t.column = t.out_column = s.channels;
  t.out_line = s.out_w * s.channels;
  t.weights = weights + first;
  t.bias = bias + first;
  t.tap = s.padded(V::lanes);
  t.vectors = (last - first) / V::lanes;
  const auto rows = [&](auto kernel, auto step, auto pixels) {
    depthwise_tile_rows<V, kernel(), step(), 2, pixels(), pixels() == 4>(s, data, from, to, first, t, o, aside);
  };
  constexpr std::integral_constant<int, 1> one{};
  constexpr std::integral_constant<int, 2> two{};
  constexpr std::integral_constant<int, 3> three{};
  constexpr std::integral_constant<int, 4> four{};
  constexpr std::integral_constant<int, 5> five{};
  if constexpr (V::lanes == 16) {
    if (constexpr std::integral_constant<int, 7> seven{}; s.out_w <= seven() && k == 3 && stride == 1) {
      rows(three, one, seven);
      return first + t.vectors * V::lanes;
    }
  }
  if (k == 3) stride == 1 ? rows(three, one, four) : rows(three, two, four);
  else stride == 1 ? rows(five, one, four) : rows(five, two, four);
  return first + t.vectors * V::lanes;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
