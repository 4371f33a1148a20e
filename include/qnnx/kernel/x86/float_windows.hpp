// SPDX-License-Identifier: Apache-2.0
#pragma once
// Float convolutions and matrix products: window_products' sums (the same packed weights, the same order) without tables
// of rows. Pixels of one line of results are a constant step apart, the runs of a window at constant distances from
// their pixel, so a tile is R pixels from an address on. Where there is padding, bands of lines are copied with it.
// A 1x1 convolution or a product is one long line. Tiles of a line are as equal as they can be, no row is made twice;
// of a last vector that is half empty only the half is made. Results are finished in registers.
// Results may begin the reference's distance before their dying data: a band is copied before its results are written,
// else, for several groups of channels, a batch stays inside of a line (window_products.hpp). Layer 5a.

#include "qnnx/kernel/x86/finish.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Lines of the data with the padding around them.
struct float_band {
  static constexpr std::int64_t budget(const window_shape& s) { return s.taps() * s.group_channels() > 128 * 1024 ? 512 * 1024 : 128 * 1024; }
  std::int64_t columns, reach, lines;  // pixels of a line, data lines of one line of results, lines of results at once

  constexpr explicit float_band(const window_shape& s)
      : columns((s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1), reach((s.kernel_h - 1) * s.dilation_h + 1) {
    const std::int64_t fit = budget(s) / (columns * s.depth * 4);
    lines = fit <= reach ? 1 : (fit - reach) / s.stride_h + 1;
    if (lines > s.out_h) lines = s.out_h;
  }
  constexpr std::int64_t bytes(const window_shape& s) const { return ((lines - 1) * s.stride_h + reach) * columns * s.depth * 4; }
  /// What `n` lines of results from line `first` (over the batch, within one image) read.
  void make(const window_shape& s, const float* data, std::int64_t first, std::int64_t n, float* to) const {
    const std::int64_t wide = columns * s.depth;
    const std::int64_t before = s.left * s.depth;
    std::int64_t have = s.width * s.depth;
    if (have > wide - before) have = wide - before;
    const float* image = data + first / s.out_h * s.height * s.width * s.depth;
    const std::int64_t top = first % s.out_h * s.stride_h - s.top;
    for (std::int64_t b = 0; b < (n - 1) * s.stride_h + reach; ++b, to += wide) {
      const std::int64_t row = top + b;
      if (row < 0 || row >= s.height || have <= 0) {
        std::memset(to, 0, static_cast<std::size_t>(wide) * 4);
        continue;
      }
      std::memset(to, 0, static_cast<std::size_t>(before) * 4);
      std::memcpy(to + before, image + row * s.width * s.depth, static_cast<std::size_t>(have) * 4);
      std::memset(to + before + have, 0, static_cast<std::size_t>(wide - before - have) * 4);
    }
  }
};
/// Bytes of scratch.
constexpr std::int64_t float_scratch(const window_shape& s) { return s.padded ? (float_band(s).bytes(s) + 63) / 64 * 64 : 0; }

namespace detail {

/// What the tiles of one group of vectors have in common; distances in floats.
struct float_tiles {
  const float_output* o;
  const float* w;
  const float* bias;
  const std::int64_t* offsets;  // of the runs
  std::int64_t runs, pieces;
  std::int64_t step;            // from a pixel to the next
  std::int64_t wide, jump;      // pixels of a line, from the end of one to the next
  std::int64_t steps[8];        // of the pixels of a tile that lies in one line
  std::int64_t channel, left;   // of the results, to the end of the pixel
};

/// The low half of a vector.
template <class A>
struct half_of { using type = A; };
#if QNNX_HAS_AVX512VNNI
template <>
struct half_of<f32x16> { using type = f32x8; };
#endif

/// Rows of sums with a residual.
template <class A>
QNNX_NOINLINE void add_residual(const float_output& o, const float* sums, int rows, int vectors, std::int64_t at, std::int64_t left) {
  for (int r = 0; r < rows; ++r, at += o.channels)
    for (int v = 0; v < vectors; ++v, sums += A::lanes) store_floats<A>(o, at + v * A::lanes, left - v * A::lanes, A::load(sums));
}
template <int R, int V, class Sums, class F>
QNNX_INLINE void for_all(Sums& sums, F&& f) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) f(sums[r][v]);
}

/// Whether tiles have pixels of several lines, each with an address of its own: where few pixels in a tile are too few
/// sums for the latency of two 8-wide additions a cycle. 16-wide ones lose more by the addresses.
template <class A>
inline constexpr bool crosses_lines = A::group == 2;

/// R pixels, `at` from x on, V vectors of channels, of the last one the low half where `Half`. The first is result `pixel`.
template <class A, int R, int V, bool Half>
QNNX_NOINLINE void float_tile(const float_tiles& in, const float* x, const std::int64_t* at, std::int64_t pixel) {
  using H = typename half_of<A>::type;
  constexpr int whole = V - Half;
  const float* w = in.w;
  typename A::vec acc[R][whole + 1];
  typename H::vec half[R][1];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < whole; ++v) acc[r][v] = A::load(in.bias + v * A::lanes);
    if constexpr (Half) half[r][0] = H::load(in.bias + whole * A::lanes);
  }
  // Rows 0 to 3 from one address, 4 to 7 from another: with one address for all of them g++ runs out of registers and keeps
  // addresses in vectors, behind whose additions the next tile would have to wait.
  std::int64_t one = in.step * 4, three = 3 * one;
  asm("" : "+r"(one), "+r"(three));
  for (std::int64_t run = 0; run < in.runs; ++run) {
    const auto* low = reinterpret_cast<const std::byte*>(x + in.offsets[run]);
    const std::byte* high = low + 4 * one;
    if constexpr (R > 4) asm("" : "+r"(high));
    const std::byte* const end = low + in.pieces * 4;
    const float* first[R];
    if constexpr (crosses_lines<A>) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) first[r] = x + in.offsets[run] + at[r];
    }
    for (std::int64_t k = 0; low < end; low += 4, high += 4, ++k, w += V * A::lanes) {
      typename A::vec weights[whole + 1];
      typename H::vec last{};
#pragma GCC unroll 8
      for (int v = 0; v < whole; ++v) weights[v] = A::load(w + v * A::lanes);
      if constexpr (Half) last = H::load(w + whole * A::lanes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const std::int64_t away = r % 4 == 0 ? 0 : r % 4 == 1 ? one : r % 4 == 2 ? 2 * one : three;
        const std::byte* const value = crosses_lines<A> ? reinterpret_cast<const std::byte*>(first[r] + k) : (r < 4 ? low : high) + away;
        if constexpr (whole > 0) {
          const typename A::vec piece = A::piece(value, typename A::vec{});
#pragma GCC unroll 8
          for (int v = 0; v < whole; ++v) A::add_product(acc[r][v], piece, weights[v]);
        }
        if constexpr (Half) H::add_product(half[r][0], H::piece(value, typename H::vec{}), last);
      }
    }
  }
  const float_output& o = *in.o;
  const std::int64_t next = o.channels;
  const std::int64_t left = in.left - (V - 1) * A::lanes;  // results of the last vector
  float* to = o.y + pixel * next + in.channel;
  if (o.residual) {  // through memory: one piece of code for all tiles
    alignas(64) float sums[R][V * A::lanes];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < whole; ++v) A::store(sums[r] + v * A::lanes, acc[r][v]);
      if constexpr (Half) H::store(sums[r] + whole * A::lanes, half[r][0]);
    }
    return add_residual<A>(o, sums[0], R, V, pixel * next + in.channel, in.left);
  }
  if (const activation act = o.epi.act; act != activation::none) {
    const float lo = o.epi.lo, hi = o.epi.hi;
    if (act == activation::relu) {
      for_all<R, whole>(acc, [](auto& v) __attribute__((always_inline)) { v = A::activate(v, activation::relu, 0, 0); });
      if constexpr (Half) for_all<R, 1>(half, [](auto& v) __attribute__((always_inline)) { v = H::activate(v, activation::relu, 0, 0); });
    } else if (act == activation::clamp) {
      for_all<R, whole>(acc, [&](auto& v) __attribute__((always_inline)) { v = A::activate(v, activation::clamp, lo, hi); });
      if constexpr (Half) for_all<R, 1>(half, [&](auto& v) __attribute__((always_inline)) { v = H::activate(v, activation::clamp, lo, hi); });
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r, to += next) {
#pragma GCC unroll 8
    for (int v = 0; v < V - 1; ++v) A::store(to + v * A::lanes, acc[r][v]);
    if constexpr (Half) H::store_most(to + whole * A::lanes, half[r][0], left);
    else A::store_most(to + (V - 1) * A::lanes, acc[r][V - 1], left);
  }
}

/// Most pixels of a tile of V vectors: sums, weights and a value of the data are in registers. Tiles also have one pixel
/// less, so that stretches end even, or 4, 2 or 1.
template <class A>
constexpr int float_rows(std::int64_t vectors) {
  if (A::group == 4) return vectors == 4 ? 7 : 8;
  return vectors == 2 ? 6 : 8;
}
constexpr int float_rows_of(std::int64_t count, int most) {
  const std::int64_t tiles = (count + most - 1) / most;
  const std::int64_t even = (count + tiles - 1) / tiles;
  return static_cast<int>(even >= most - 1 ? even : even >= 4 ? 4 : even >= 2 ? 2 : 1);
}

/// `count` pixels from x on, which lies in column `column` of its line.
template <class A, int V, bool Half>
void float_stretch(const float_tiles& in, const float* x, std::int64_t column, std::int64_t pixel, std::int64_t count) {
  constexpr int most = float_rows<A>(V);
  std::int64_t crossing[8];
  while (count > 0) {
    const std::int64_t some = crosses_lines<A> || count < in.wide - column ? count : in.wide - column;
    const int n = float_rows_of(some, most);
    const std::int64_t* at = in.steps;
    if (crosses_lines<A> && column + n > in.wide) {
      std::int64_t c = column, to = 0;
      for (std::int64_t r = 0; r < n; ++r, to += in.step) {
        crossing[r] = to;
        if (++c == in.wide) c = 0, to += in.jump;
      }
      at = crossing;
    }
    switch (n) {
      case 1: float_tile<A, 1, V, Half>(in, x, at, pixel); break;
      case 2: float_tile<A, 2, V, Half>(in, x, at, pixel); break;
      case 4: float_tile<A, 4, V, Half>(in, x, at, pixel); break;
      case most - 1: float_tile<A, most - 1, V, Half>(in, x, at, pixel); break;
      default: float_tile<A, most, V, Half>(in, x, at, pixel);
    }
    count -= n;
    pixel += n;
    x += n * in.step;
    for (column += n; column >= in.wide; column -= in.wide) x += in.jump;
  }
}
template <class A>
QNNX_INLINE void float_stretch_of(std::int64_t vectors, bool half, const float_tiles& in, const float* x, std::int64_t column, std::int64_t pixel, std::int64_t count) {
  if constexpr (A::group == 4) {
    if (vectors == 4) return float_stretch<A, 4, false>(in, x, column, pixel, count);
    if (vectors == 3) return half ? float_stretch<A, 3, true>(in, x, column, pixel, count) : float_stretch<A, 3, false>(in, x, column, pixel, count);
    if (half) return vectors == 2 ? float_stretch<A, 2, true>(in, x, column, pixel, count) : float_stretch<A, 1, true>(in, x, column, pixel, count);
  }
  if (vectors == 2) return float_stretch<A, 2, false>(in, x, column, pixel, count);
  float_stretch<A, 1, false>(in, x, column, pixel, count);
}

}  // namespace detail

/// All results of a convolution.
template <class A>
void float_windows(const window_shape& s, const window_job& j, const float_output& o) {
  const packed_layout l(s, A::lanes, 1);
  window_share mine = share_of(s, l, j.piece, detail::float_rows<A>(l.group));
  if (j.vectors.to >= 0) mine.vectors = j.vectors;
  if (mine.pixels.from >= mine.pixels.to || mine.vectors.from >= mine.vectors.to) return;
  const auto* data = reinterpret_cast<const float*>(j.data);
  const float_band band(s);
  const std::int64_t columns = s.padded ? band.columns : s.width;
  std::int64_t offsets[most_runs];
  for (std::int64_t run = 0; run < l.runs; ++run)
    offsets[run] = s.whole_rows() ? run * s.dilation_h * columns * s.depth : (run / s.kernel_w * s.dilation_h * columns + run % s.kernel_w * s.dilation_w) * s.depth;
  const bool flat = s.pointwise();
  detail::float_tiles in{&o, nullptr, nullptr, offsets, l.runs, l.pieces, s.stride_w * s.depth, flat ? s.pixels() : s.out_w, 0, {}, 0, 0};
  in.jump = s.stride_h * columns * s.depth - s.out_w * in.step;
  for (int r = 0; r < 8; ++r) in.steps[r] = r * in.step;
  // All channels of `count` pixels from x on, in column `column` of their line.
  const auto make = [&](const float* x, std::int64_t column, std::int64_t pixel, std::int64_t count) {
    const auto* panels = reinterpret_cast<const float*>(j.packed);
    const auto* bias = reinterpret_cast<const float*>(j.bias);
    for (std::int64_t g = 0; g < s.groups; ++g, panels += j.packed_step / 4, bias += j.packed_step / 4, x += s.group_depth())
      for (std::int64_t v = mine.vectors.from; v < mine.vectors.to; v += l.group) {
        const std::int64_t vectors = l.vectors - v < l.group ? l.vectors - v : l.group;
        in.w = panels + v * A::lanes * l.runs * l.pieces;
        in.bias = bias + v * A::lanes;
        in.channel = g * l.channels + v * A::lanes;
        in.left = l.channels - v * A::lanes;
        const bool half = A::lanes == 16 && in.left <= vectors * 16 - 8 && vectors < 4;
        detail::float_stretch_of<A>(vectors, half, in, x, column, pixel, count);
      }
  };
  const bool stay = j.shares_memory && (l.vectors > l.group || s.groups > 1);
  if (flat) {
    // Pixels made with one group of weights before the next: the weights are read once for them, the data stays in a cache.
    const std::int64_t fit = (l.panel_bytes() <= 16 * 1024 ? 12 * 1024 : 192 * 1024) / (s.depth * 4) + 1;
    for (std::int64_t p = mine.pixels.from; p < mine.pixels.to;) {
      std::int64_t n = mine.pixels.to - p;
      if (const std::int64_t batches = (n + fit - 1) / fit; batches > 1) n = ((n + batches - 1) / batches + 55) / 56 * 56;  // 7 and 8 divide it
      if (n > mine.pixels.to - p) n = mine.pixels.to - p;
      if (stay && n > s.out_w - p % s.out_w) n = s.out_w - p % s.out_w;
      make(data + p * s.depth, p, p, n);
      p += n;
    }
    return;
  }
  auto* const copied = reinterpret_cast<float*>(j.scratch);
  for (std::int64_t p = mine.pixels.from; p < mine.pixels.to;) {
    const std::int64_t first = p / s.out_w;
    std::int64_t n = (mine.pixels.to + s.out_w - 1) / s.out_w - first;  // lines
    if (n > band.lines) n = band.lines;
    if (n > s.out_h - first % s.out_h) n = s.out_h - first % s.out_h;
    if (stay && !s.padded) n = 1;
    if (s.padded) band.make(s, data, first, n, copied);
    const float* const from = s.padded ? copied : data + (first / s.out_h * s.height + first % s.out_h * s.stride_h) * s.width * s.depth;
    const std::int64_t end = (first + n) * s.out_w < mine.pixels.to ? (first + n) * s.out_w : mine.pixels.to;
    const std::int64_t column = p - first * s.out_w;
    make(from + column * in.step, column, p, end - p);
    p = end;
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
