// SPDX-License-Identifier: Apache-2.0
#pragma once
// 3x3 windows of stride 1 with one line and column of padding around the data, 8-bit data with VNNI, without the taps that
// meet padding: of a 7x7 image 0.82 of the products are left. A tile is seven pixels of a line by 32 channels. Padding is
// one byte p, so what is left out of a sum is p * (sum of the weights of these taps), which the packer adds to the bias:
// 12 biases a channel, for no, the first, the last or both rows of taps times no, the first or the last column.
// Weights are more than the second cache holds: while a line is made, its share of those of the next channels is brought there.
// Layer 5a.

#include "qnnx/kernel/x86/finish.hpp"
#include "qnnx/kernel/x86/window_products.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// What follows the packed weights: biases [rows left out][columns left out][channel], 32-bit words.
struct edge_layout {
  static constexpr std::int64_t pixels = 7;    // of a tile
  static constexpr std::int64_t channels = 32;
  enum : int { none = 0, first = 1, last = 2 };  // rows: 3 = both
  static constexpr int row_sets = 4, column_sets = 3;

  static constexpr bool fits(const window_shape& s) {
    return s.kernel_h == 3 && s.kernel_w == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dilation_h == 1 && s.dilation_w == 1 && s.groups == 1 &&
           s.top == 1 && s.left == 1 && s.out_h == s.height && s.out_w == s.width && s.width % pixels == 0 && s.width <= 4 * pixels &&
           s.depth % 4 == 0 && s.depth >= 64 && s.channels % 64 == 0;
  }
  static constexpr std::int64_t bytes(const window_shape& s) { return fits(s) ? row_sets * column_sets * s.channels * 4 : 0; }
};

/// weight(tap, channel): as packed, tap = (kh * 3 + kw) * depth + input channel. `bias`: the folded one. padding: the byte
/// that stands for real 0, as it is multiplied.
template <class Weight>
void pack_edges(const window_shape& s, const std::int32_t* bias, std::int32_t padding, const Weight& weight, std::int32_t* to) {
  for (std::int64_t o = 0; o < s.channels; ++o) {
    std::int32_t sums[3][3] = {};
    for (int tap = 0; tap < 9; ++tap)
      for (std::int64_t c = 0; c < s.depth; ++c) sums[tap / 3][tap % 3] += weight(tap * s.depth + c, o);
    for (int rows = 0; rows < edge_layout::row_sets; ++rows)
      for (int columns = 0; columns < edge_layout::column_sets; ++columns) {
        std::uint32_t left_out = 0;
        for (int h = 0; h < 3; ++h)
          for (int v = 0; v < 3; ++v) {
            const bool out = (h == 0 && (rows & edge_layout::first)) || (h == 2 && (rows & edge_layout::last)) ||
                             (v == 0 && columns == edge_layout::first) || (v == 2 && columns == edge_layout::last);
            if (out) left_out += static_cast<std::uint32_t>(sums[h][v]);
          }
        to[(rows * edge_layout::column_sets + columns) * s.channels + o] =
            static_cast<std::int32_t>(static_cast<std::uint32_t>(bias[o]) + static_cast<std::uint32_t>(padding) * left_out);
      }
  }
}

namespace detail {

struct edge_input {
  const std::byte* line = nullptr;  // the tile's first pixel in the data's line of the first row of taps that is made
  std::int64_t line_bytes = 0, depth = 0;
  int rows = 3;                     // of taps
  const std::byte* w = nullptr;     // of the first of them
  std::int64_t weight_step = 0;     // bytes from a piece's weights to the next's
  const std::int32_t* bias = nullptr;  // of the row set
  std::int64_t bias_step = 0;       // words from a column set to the next
  const std::byte* ahead = nullptr;  // pieces of weights that are wanted next, weight_step apart
  std::int64_t ahead_pieces = 0;     // times 2^16, for one piece of the middle column of taps
  std::uint32_t flip = 0;
  tile_input to{};                  // for the finish
};

/// Left, Right: the tile's first, last pixel is the line's.
template <class A, class Finish, bool Left, bool Right>
QNNX_NOINLINE void edge_tile(const edge_input& in) {
  using vec = typename A::vec;
  constexpr int rows = edge_layout::pixels;
  const vec flipped = A::flip(in.flip);
  vec acc[rows][2];
#pragma GCC unroll 7
  for (int r = 0; r < rows; ++r) {
    const int set = Left && r == 0 ? edge_layout::first : Right && r == rows - 1 ? edge_layout::last : edge_layout::none;
    acc[r][0] = A::load(in.bias + set * in.bias_step);
    acc[r][1] = A::load(in.bias + set * in.bias_step + A::lanes);
  }
  const row_steps steps(in.depth);
  const std::byte* w = in.w;
  std::int64_t ahead = 0;
  const auto column = [&]<int From, int To, bool Ahead>(const std::byte* first) __attribute__((always_inline)) {
    for (std::int64_t k = 0; k < in.depth; k += 4, w += in.weight_step) {
      if constexpr (Ahead) {
        const auto* next = reinterpret_cast<const char*>(in.ahead + (ahead >> 16) * in.weight_step);
        _mm_prefetch(next, _MM_HINT_T1);
        _mm_prefetch(next + 64, _MM_HINT_T1);
        ahead += in.ahead_pieces;
      }
      const vec a = A::load_weights(w), b = A::load_weights(w + 64);
#pragma GCC unroll 7
      for (int r = From; r < To; ++r) {
        const vec x = A::piece(steps.at(first + k, r), flipped);
        A::add_product(acc[r][0], x, a);
        A::add_product(acc[r][1], x, b);
      }
    }
  };
  const std::byte* line = in.line;
  for (int h = 0; h < in.rows; ++h, line += in.line_bytes) {
    column.template operator()<Left ? 1 : 0, rows, false>(line - in.depth);
    column.template operator()<0, rows, true>(line);
    column.template operator()<0, Right ? rows - 1 : rows, false>(line + in.depth);
  }
  const Finish finish(in.to);
  const auto part = [&]<int From, int Count>() __attribute__((always_inline)) {
    vec some[Count][2];
#pragma GCC unroll 4
    for (int r = 0; r < Count; ++r) some[r][0] = acc[From + r][0], some[r][1] = acc[From + r][1];
    finish_tile<Count, 2>(finish, some, From);
  };
  part.template operator()<0, 4>();
  part.template operator()<4, 2>();
  part.template operator()<6, 1>();
}

}  // namespace detail

/// The convolution, to Finish. Results do not lie over the data. `biases`: what pack_edges made.
template <class A, class Finish>
void edge_products(const window_shape& s, const packed_layout& l, const window_job& j, const std::int32_t* biases, const void* finish) {
  const slice units = slice_of(j.piece, s.channels / edge_layout::channels);
  detail::edge_input in;
  in.depth = s.depth;
  in.line_bytes = s.width * s.depth;
  in.weight_step = l.group * A::lanes * A::lane_bytes;
  in.bias_step = s.channels;
  in.flip = j.flip;
  in.to.finish = finish;
  in.to.channels = edge_layout::channels;
  const std::int64_t row_weights = l.pieces * in.weight_step;
  const std::int64_t tiles = s.batch * s.height * (s.width / edge_layout::pixels);
  const std::int64_t share = (3 * l.pieces + tiles - 1) / tiles;  // pieces ahead of a tile
  for (std::int64_t u = units.from; u < units.to; ++u) {
    const std::int64_t channel = u * edge_layout::channels;
    const std::byte* panel = j.packed + l.at(0, 0, channel);
    const std::byte* next = j.packed + l.at(0, 0, channel + (u + 1 < units.to ? edge_layout::channels : 0));
    std::int64_t made = 0;  // tiles
    in.to.channel = channel;
    for (std::int64_t line = 0; line < s.batch * s.height; ++line) {
      const std::int64_t h = line % s.height;
      const int before = h == 0 ? 1 : 0, behind = h == s.height - 1 ? 1 : 0;
      in.rows = 3 - before - behind;
      in.w = panel + before * row_weights;
      in.ahead_pieces = (share << 16) / (in.rows * (s.depth / 4)) + 1;
      in.bias = biases + (before * edge_layout::first + behind * edge_layout::last) * edge_layout::column_sets * s.channels + channel;
      for (std::int64_t v = 0; v < s.width; v += edge_layout::pixels) {
        in.line = j.data + ((line - 1 + before) * s.width + v) * s.depth;
        in.to.pixel = line * s.width + v;
        in.ahead = next + made++ * share * in.weight_step;
        const bool left = v == 0, right = v + edge_layout::pixels == s.width;
        if (left && right) detail::edge_tile<A, Finish, true, true>(in);
        else if (left) detail::edge_tile<A, Finish, true, false>(in);
        else if (right) detail::edge_tile<A, Finish, false, true>(in);
        else detail::edge_tile<A, Finish, false, false>(in);
      }
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
