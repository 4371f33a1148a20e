// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which convolutions winograd4_windows.hpp makes, in which blocks, and the packed form of their weights:
// 8 bytes for one, so beyond takes() reading them costs more than products. Layer 5a.

#include "qnnx/kernel/x86/winograd4.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

namespace winograd {

/// The tiles of a block. Each position has those that need it one after the other: whole ones, narrow ones; of each tall ones
/// before low ones, which have shared points only.
struct tile_set {
  std::int64_t tall = 0, low = 0;      // rows
  std::int64_t whole = 0, narrow = 0;  // tiles of a row
  /// How many tiles need a position whose row, whose column is of a shared point.
  constexpr std::int64_t count(bool row_shared, bool column_shared) const { return (tall + (row_shared ? low : 0)) * (whole + (column_shared ? narrow : 0)); }
  /// Where a position has tile `column` of tall row `row`, or low row row - tall.
  constexpr std::int64_t index(std::int64_t row, std::int64_t column, bool row_shared) const {
    return column < whole ? row * whole + column : (tall + (row_shared ? low : 0)) * whole + row;
  }
};

/// Sizes of a convolution's packed form and blocks. A: s16x16 or s16x8.
template <class A>
struct layout {
  packed_layout words;  // constants per channel, groups of vectors of channels
  std::int64_t depth, pairs, rows, wide;  // rows of tiles of an image, tiles of a row
  std::int64_t columns;                   // pixels of a line of data
  bool low, narrow;                       // the last row, the last tile of a row has two results
  std::int64_t tiles;                     // of a block: whole rows, or a part of one
  std::int64_t line_chunks, chunks;       // of result_tiles tiles, of a row and of a block

  static constexpr std::int64_t result_tiles = 8;               // finished together
  static constexpr std::int64_t result_row = A::group * A::lanes;  // values from one pixel to the next
  static constexpr std::int64_t chunk_values = 16 * result_tiles * result_row;
  static constexpr std::int64_t safe_depth = 112;               // 128 * 255 * 9 * 112 < 2^25
  static constexpr std::int64_t depth_block_at = 8;             // in the packed form, after packed_flags

  constexpr explicit layout(const window_shape& s)
      : words(s, A::lanes, 2, 4), depth(s.depth), pairs(s.depth / 2), rows((s.out_h + 3) / 4), wide((s.out_w + 3) / 4), columns(4 * wide + 2), low(leaves_two(s.out_h)), narrow(leaves_two(s.out_w)) {
    std::int64_t most = few_weights(s) ? 16 : 32;
    if (most * depth > 72 * 64) most = 72 * 64 / depth < 4 ? 4 : 72 * 64 / depth;
    const std::int64_t parts = (wide + most - 1) / most;
    tiles = parts > 1 ? (wide + parts - 1) / parts : most / wide * wide;
    if (parts == 1 && tiles > s.batch * rows * wide) tiles = s.batch * rows * wide;
    line_chunks = (wide + result_tiles - 1) / result_tiles;
    chunks = parts > 1 ? (tiles + result_tiles - 1) / result_tiles : tiles / wide * line_chunks;
  }
  static constexpr bool leaves_two(std::int64_t results) { return (results - 1) % 4 < 2; }
  /// Tiles must save products (of 16 bits, as long as 2 of 8 bits), of which calls make four at least, and where weights come
  /// from memory enough tiles must share them: 64 bytes / tiles a cycle.
  static constexpr bool takes(const window_shape& s) {
    if (s.kernel_h != 3 || s.kernel_w != 3 || s.stride_h != 1 || s.stride_w != 1 || s.dilation_h != 1 || s.dilation_w != 1 || s.groups != 1) return false;
    if (s.depth < 16 || s.depth % 2 != 0 || s.channels < 16 || s.depth * s.channels > 256 * 256) return false;
    if (6 * ((s.out_w + 3) / 4 * 4 + 2) * s.depth > 256 * 1024) return false;
    const std::int64_t rows = (s.out_h + 3) / 4, wide = (s.out_w + 3) / 4;
    const std::int64_t low = leaves_two(s.out_h), narrow = leaves_two(s.out_w);
    const tile_set all{s.batch * (rows - low), s.batch * low, wide - narrow, narrow};
    const auto calls = [&](bool row_shared, bool column_shared) {
      const std::int64_t n = all.count(row_shared, column_shared);
      return n == 0 || n > 4 ? n : 4;
    };
    const std::int64_t products = 16 * calls(true, true) + 8 * (calls(true, false) + calls(false, true)) + 4 * calls(false, false);
    return 37 * products < 36 * (A::lanes == 16 ? 4 : 8) * s.pixels() && (few_weights(s) || s.batch * rows * wide >= 12);
  }
  /// Whose packed form is in the second cache, or soon there.
  static constexpr bool few_weights(const window_shape& s) { return s.depth * s.channels <= 96 * 96; }
  constexpr std::int64_t panels_at() const { return words.panels_at(packed_words); }
  constexpr std::int64_t bytes() const { return panels_at() + positions * pairs * words.padded * 4; }
  constexpr std::int64_t vectors_of(std::int64_t first) const { return words.vectors - first < words.group ? words.vectors - first : words.group; }
  /// Byte offset of the weights of a group from vector `first` on: [position][pair][vector][lanes][2].
  constexpr std::int64_t group_at(std::int64_t first) const { return positions * first * position_bytes(1); }
  constexpr std::int64_t position_bytes(std::int64_t vectors) const { return pairs * vectors * A::lanes * 4; }
  constexpr std::int64_t at(std::int64_t position, std::int64_t tap, std::int64_t o) const {
    const std::int64_t first = o / A::lanes / words.group * words.group;
    const std::int64_t wide_group = vectors_of(first);
    return group_at(first) + position * position_bytes(wide_group) + ((tap / 2 * wide_group + o / A::lanes - first) * A::lanes + o % A::lanes) * 4 + tap % 2 * 2;
  }
  // Scratch, in values: whole lines of 64 bytes; one more a position, so that positions do not meet in a set of the cache
  constexpr std::int64_t line() const { return (columns * depth + 31) / 32 * 32; }              // of data
  constexpr std::int64_t position() const { return (tiles * depth + 31) / 32 * 32 + 32; }       // of transformed data
  constexpr std::int64_t sums() const { return tiles * words.group * A::lanes + 16; }           // of a position
  constexpr std::int64_t lines_bytes() const { return 6 * line() * 2; }
  constexpr std::int64_t padding_bytes() const { return (columns * depth + 63) / 64 * 64; }
  constexpr std::int64_t data_bytes() const { return positions * position() * 2 + (3 * depth * 2 + 63) / 64 * 64; }  // 3 rows more are read
  constexpr std::int64_t sums_bytes() const { return (positions * sums() * 4 + 3 * words.group * A::lanes * 4 + 63) / 64 * 64; }  // and written
  constexpr std::int64_t results_bytes() const { return (depth > safe_depth ? chunks : 1) * chunk_values * 4; }
  constexpr std::int64_t scratch_bytes() const { return lines_bytes() + padding_bytes() + data_bytes() + sums_bytes() + results_bytes(); }
};

template <class A, class W, class B>
void pack(const window_shape& s, const W& w, const B& bias, const byte_scales& q, std::byte* out) {
  const layout<A> l(s);
  std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
  channel_packer<W, B> packer{q, w, bias, s.taps()};
  std::int64_t largest = 0;
  for (std::int64_t o = 0; o < s.channels; ++o) {
    const std::int32_t offset = w.q->offset_at(q.per_channel ? o : 0);
    std::int32_t sum = 0;
    std::int64_t most = 0;
    for (std::int64_t c = 0; c < s.depth; ++c) {
      std::int32_t g[3][3];
      for (std::int64_t k = 0; k < 9; ++k) {
        const std::int32_t v = weight_value(w, (k * s.depth + c) * s.channels + o) + offset;
        g[k / 3][k % 3] = v;
        sum += v;
        most += v < 0 ? -v : v;
      }
      std::int16_t made[positions];
      weights_of(g, made);
      for (std::int64_t p = 0; p < positions; ++p) std::memcpy(out + l.panels_at() + l.at(p, c, o), made + p, 2);
    }
    if (most > largest) largest = most;
    packer.fold(o, sum, most, out, l.words);
  }
  packer.store(out, l.words, 0);
  const auto block = static_cast<std::int32_t>(128 * largest < (std::int64_t{1} << 25) ? s.depth : l.safe_depth);
  std::memcpy(out + l.depth_block_at, &block, sizeof block);
}

}  // namespace winograd
}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
