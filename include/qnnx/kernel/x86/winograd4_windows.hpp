// SPDX-License-Identifier: Apache-2.0
#pragma once
// 3x3 windows of stride 1 by winograd4.hpp; other windows go to `Base`. A block of tiles is made at once, whole rows of
// tiles where they are short: lines of data transformed down their columns, tiles along their rows, then for a group of
// vectors of channels 36 products [tiles x inputs] [inputs x channels], and the results of a row of tiles at a time.
// All but the weights stays in the second cache, and weights are read once a block.
//   sum (x + ox) (w + ow) = sum x' (w + ow) + ox' sum (w + ow), x' = x - 128 of unsigned data, ox' = ox + 128: padding is
//   the zero point, and the second term is in the bias
// Packed weights take 8 bytes for one: beyond takes() reading them costs more than products. Layer 5a.

#include "qnnx/kernel/x86/winograd4.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

namespace winograd {

/// Sizes of a convolution's packed form and blocks. A: s16x16 or s16x8.
template <class A>
struct layout {
  packed_layout words;  // constants per channel, groups of vectors of channels
  std::int64_t depth, pairs, rows, wide;  // rows of tiles of an image, tiles of a row
  std::int64_t columns;                   // pixels of a line of data
  std::int64_t tiles;                     // of a block: whole rows, or a part of one
  std::int64_t line_chunks, chunks;       // of result_tiles tiles, of a row and of a block

  static constexpr std::int64_t result_tiles = 8;               // finished together
  static constexpr std::int64_t result_row = A::group * A::lanes;  // values from one pixel to the next
  static constexpr std::int64_t chunk_values = 16 * result_tiles * result_row;
  static constexpr std::int64_t safe_depth = 112;               // 128 * 255 * 9 * 112 < 2^25
  static constexpr std::int64_t depth_block_at = 8;             // in the packed form, after packed_flags

  constexpr explicit layout(const window_shape& s)
      : words(s, A::lanes, 2, 4), depth(s.depth), pairs(s.depth / 2), rows((s.out_h + 3) / 4), wide((s.out_w + 3) / 4), columns(4 * wide + 2) {
    std::int64_t most = few_weights(s) ? 16 : 32;
    if (most * depth > 72 * 64) most = 72 * 64 / depth < 4 ? 4 : 72 * 64 / depth;
    const std::int64_t parts = (wide + most - 1) / most;
    tiles = parts > 1 ? (wide + parts - 1) / parts : most / wide * wide;
    if (parts == 1 && tiles > s.batch * rows * wide) tiles = s.batch * rows * wide;
    line_chunks = (wide + result_tiles - 1) / result_tiles;
    chunks = parts > 1 ? (tiles + result_tiles - 1) / result_tiles : tiles / wide * line_chunks;
  }
  /// Tiles must save products, whole ones and at least four (36 products where a pixel takes 9 of 16 bits, or as long as 4.5
  /// of 8 bits), and where weights come from memory enough of them must share them: 64 bytes / tiles a cycle.
  static constexpr bool takes(const window_shape& s) {
    if (s.kernel_h != 3 || s.kernel_w != 3 || s.stride_h != 1 || s.stride_w != 1 || s.dilation_h != 1 || s.dilation_w != 1 || s.groups != 1) return false;
    if (s.depth < 16 || s.depth % 2 != 0 || s.channels < 16 || s.depth * s.channels > 256 * 256) return false;
    if (6 * ((s.out_w + 3) / 4 * 4 + 2) * s.depth > 256 * 1024) return false;
    const std::int64_t tiles = s.batch * ((s.out_h + 3) / 4) * ((s.out_w + 3) / 4);
    return 37 * (tiles < 4 ? 4 : tiles) < (A::lanes == 16 ? 4 : 8) * s.pixels() && (few_weights(s) || tiles >= 12);
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

using product_function = void (*)(const std::int16_t*, std::int64_t, std::int64_t, const std::byte*, weights_ahead, std::int32_t*);
template <class A>
constexpr int most_rows(std::int64_t vectors) { return vectors > (A::group == 4 ? 2 : 1) ? 6 : 8; }
/// For up to most_rows tiles; rows beyond read and write what nothing uses.
template <class A, int Vectors>
product_function product_for(std::int64_t rows) {
  if (rows <= 4) return &product<A, 4, Vectors>;
  if constexpr (most_rows<A>(Vectors) == 8) return rows > 6 ? &product<A, 8, Vectors> : &product<A, 6, Vectors>;
  else return rows > 5 ? &product<A, 6, Vectors> : &product<A, 5, Vectors>;
}
template <class A>
product_function product_for(std::int64_t vectors, std::int64_t rows) {
  if (vectors == 1) return product_for<A, 1>(rows);
  if constexpr (A::group == 4) {
    if (vectors == 4) return product_for<A, 4>(rows);
    if (vectors == 3) return product_for<A, 3>(rows);
  }
  return product_for<A, 2>(rows);
}

/// The tiles of one call.
template <class A>
class block_maker {
 public:
  block_maker(const window_shape& s, const window_job& j, const byte_output& o) : s_(s), l_(s), o_(o), data_(j.data), flip_(j.flip) {
    std::byte* at = j.scratch;
    const auto next = [&](std::int64_t bytes) {
      std::byte* const part = at;
      at += bytes;
      return part;
    };
    lines_ = reinterpret_cast<std::int16_t*>(next(l_.lines_bytes()));
    padding_ = next(l_.padding_bytes());
    transformed_ = reinterpret_cast<std::int16_t*>(next(l_.data_bytes()));
    sums_ = reinterpret_cast<std::int32_t*>(next(l_.sums_bytes()));
    results_ = reinterpret_cast<std::int32_t*>(next(l_.results_bytes()));
    std::memset(padding_, j.padding, static_cast<std::size_t>(l_.padding_bytes()));
    std::int32_t block = 0;
    std::memcpy(&block, o.packed + l_.depth_block_at, sizeof block);
    depth_block_ = block;
  }
  /// Rows of tiles, counted over the batch, channels from vector groups.from * group on.
  void run(slice rows, slice groups) {
    if (l_.tiles >= l_.wide) {
      const std::int64_t most = l_.tiles / l_.wide;
      for (std::int64_t r = rows.from; r < rows.to; r += most) {
        const std::int64_t n = rows.to - r < most ? rows.to - r : most;
        for (std::int64_t i = 0; i < n; ++i) {
          make_lines(r + i);
          make_tiles(0, l_.wide, i * l_.wide);
        }
        make_results(r, 0, l_.wide, n, groups);
      }
      return;
    }
    for (std::int64_t r = rows.from; r < rows.to; ++r) {
      make_lines(r);  // of the whole row: results may lie over its data
      for (std::int64_t t = 0; t < l_.wide; t += l_.tiles) {
        const std::int64_t n = l_.wide - t < l_.tiles ? l_.wide - t : l_.tiles;
        make_tiles(t, n, 0);
        make_results(r, t, n, 1, groups);
      }
    }
  }

 private:
  static constexpr int lanes = A::lanes;

  void make_lines(std::int64_t row) {
    const std::byte* image = data_ + row / l_.rows * s_.height * s_.width * s_.depth;
    const std::int64_t top = row % l_.rows * 4 - s_.top;
    const std::byte* lines[6];
    const std::byte* padding[6];
    for (std::int64_t i = 0; i < 6; ++i) {
      padding[i] = padding_;
      lines[i] = top + i < 0 || top + i >= s_.height ? padding_ : image + (top + i) * s_.width * s_.depth;
    }
    const std::int64_t end = s_.left + s_.width < l_.columns ? s_.left + s_.width : l_.columns;
    const auto some = [&](const std::byte* const(&from)[6], std::int64_t first, std::int64_t last) {
      if (last > first) data_columns<2 * lanes>(from, (last - first) * s_.depth, flip_, lines_ + first * s_.depth, l_.line());
    };
    some(padding, 0, s_.left);
    some(lines, s_.left, end);
    some(padding, end, l_.columns);
  }
  void make_tiles(std::int64_t first, std::int64_t count, std::int64_t to) {
    for (std::int64_t t = 0; t < count; ++t)
      data_rows<2 * lanes>(lines_ + 4 * (first + t) * s_.depth, l_.line(), s_.depth, transformed_ + (to + t) * s_.depth, l_.position());
  }
  /// `rows` rows of `wide` tiles each, the first of them tile `first` of row `row`.
  void make_results(std::int64_t row, std::int64_t first, std::int64_t wide, std::int64_t rows, slice groups) {
    for (std::int64_t g = groups.from; g < groups.to; ++g) {
      const std::int64_t vector = g * l_.words.group;
      const std::int64_t vectors = l_.vectors_of(vector);
      for (std::int64_t d = 0; d < s_.depth; d += depth_block_) {
        make_sums(vector, vectors, d, rows * wide);
        const bool last = d + depth_block_ >= s_.depth;
        std::int32_t* to = results_;
        for (std::int64_t r = 0; r < rows; ++r)
          for (std::int64_t t = 0; t < wide; t += l_.result_tiles) {
            const std::int64_t n = wide - t < l_.result_tiles ? wide - t : l_.result_tiles;
            add_results(vector, vectors, d == 0, r * wide + t, n, to);
            if (last) finish(vector, vectors, row + r, first + t, n, to);
            if (depth_block_ < s_.depth) to += l_.chunk_values;
          }
      }
    }
  }
  void make_sums(std::int64_t vector, std::int64_t vectors, std::int64_t from, std::int64_t tiles) {
    const std::int64_t depth = s_.depth - from < depth_block_ ? s_.depth - from : depth_block_;
    const std::byte* w = o_.packed + l_.panels_at() + l_.group_at(vector) + from / 2 * vectors * lanes * 4;
    const std::int64_t calls = (tiles + most_rows<A>(vectors) - 1) / most_rows<A>(vectors);
    const std::int64_t less = tiles / calls;  // tiles of a call, or one more
    const product_function larger = product_for<A>(vectors, less + 1);
    const product_function smaller = product_for<A>(vectors, less);
    for (std::int64_t p = 0; p < positions; ++p, w += l_.position_bytes(vectors)) {
      const std::int16_t* x = transformed_ + p * l_.position() + from;
      std::int32_t* to = sums_ + p * l_.sums();
      for (std::int64_t k = 0; k < calls; ++k) {
        const bool more = k < tiles % calls;
        (more ? larger : smaller)(x, s_.depth, depth / 2, w, ahead_of(w + l_.position_bytes(vectors), vectors, depth / 2, k, calls), to);
        x += (less + more) * s_.depth;
        to += (less + more) * vectors * lanes;
      }
    }
  }
  /// Of the weights of the next position, what call k of `calls` brings: a share of 64 bytes a pair, or two where there
  /// are more shares than calls. The last calls bring what is there.
  static weights_ahead ahead_of(const std::byte* next, std::int64_t vectors, std::int64_t pairs, std::int64_t k, std::int64_t calls) {
    const std::int64_t shares = (vectors * lanes + 15) / 16;
    const std::int64_t first = shares > calls ? 2 * k : k < shares ? k : shares - 1;
    return {next + first * 64 * pairs, shares > calls ? 64 * pairs : 0};
  }
  void add_results(std::int64_t vector, std::int64_t vectors, bool fresh, std::int64_t tile, std::int64_t count, std::int32_t* to) {
    constexpr std::int64_t line = 4 * layout<A>::result_tiles * layout<A>::result_row;
    const auto* bias = reinterpret_cast<const std::int32_t*>(o_.packed + l_.words.word(bias_word)) + vector * lanes;
    for (std::int64_t t = 0; t < count; ++t, to += 4 * l_.result_row)
      for (std::int64_t v = 0; v < vectors; ++v) {
        const std::int32_t* m = sums_ + ((tile + t) * vectors + v) * lanes;
        std::int32_t* const made = to + v * lanes;
        if (fresh) results<lanes>(m, l_.sums(), bias + v * lanes, 0, 0, made, line, l_.result_row);
        else results<lanes>(m, l_.sums(), made, line, l_.result_row, made, line, l_.result_row);
      }
  }
  void finish(std::int64_t vector, std::int64_t vectors, std::int64_t row, std::int64_t tile, std::int64_t count, const std::int32_t* from) {
    const std::int64_t left = s_.out_w - 4 * tile;
    const auto pixels = static_cast<int>(left < 4 * count ? left : 4 * count);
    const std::int64_t channel = vector * lanes;
    const std::int64_t channels = s_.channels - channel < vectors * lanes ? s_.channels - channel : vectors * lanes;
    for (std::int64_t i = 0; i < 4; ++i, from += 4 * l_.result_tiles * l_.result_row) {
      const std::int64_t line = row % l_.rows * 4 + i;
      if (line >= s_.out_h) return;
      const std::int64_t pixel = (row / l_.rows * s_.out_h + line) * s_.out_w + 4 * tile;
      byte_finish<A>::take(&o_, reinterpret_cast<const std::byte*>(from), pixels, pixel, channel, channels);
    }
  }

  const window_shape& s_;
  const layout<A> l_;
  const byte_output& o_;
  const std::byte* data_;
  std::uint32_t flip_;
  std::int16_t* lines_;
  std::byte* padding_;
  std::int16_t* transformed_;
  std::int32_t* sums_;
  std::int32_t* results_;
  std::int64_t depth_block_;
};

}  // namespace winograd

template <class A, class Base>
struct winograd_windows : Base {
  using tiles = winograd::layout<A>;

  static constexpr std::int64_t packed_bytes(const window_shape& s, dtype weights) {
    return tiles::takes(s) ? tiles(s).bytes() : Base::packed_bytes(s, weights);
  }
  static constexpr std::int64_t scratch_bytes(const window_shape& s) { return tiles::takes(s) ? tiles(s).scratch_bytes() : Base::scratch_bytes(s); }
  static constexpr int parts(const window_shape& s, dtype weights) {
    if (!tiles::takes(s)) return Base::parts(s, weights);
    const tiles l(s);
    const std::int64_t rows = s.batch * l.rows;
    const std::int64_t groups = (l.words.vectors + l.words.group - 1) / l.words.group;
    const std::int64_t most = rows > groups ? rows : groups;
    return static_cast<int>(most < 256 ? most : 256);
  }
  template <class Call>
  static void pack(const Call& c, const window_shape& s, weight_steps step, std::int64_t first, bool once, std::byte* out, std::int64_t origin = 0) {
    if (!tiles::takes(s)) return Base::pack(c, s, step, first, once, out, origin);
    const auto w = c.template in<1>();
    byte_scales q{c.template in<0>().offset() + 128, is_signed_fixed(Call::out_type::code), c.constants() + finish_constants::header,
                  w.q->scales != nullptr, c.rounding().mode(), once};
    q.weights_whole = true;
    winograd::pack<A>(s, w, c.template in<2>(), q, out);
  }
  template <bool Once, class Call>
  static void run(const Call& c, const window_shape& s, const packed_layout& l, window_job j, const std::byte* packed, std::int64_t first) {
    if (!tiles::takes(s)) return Base::template run<Once>(c, s, l, j, packed, first);
    const auto x = c.template in<0>();
    const finish<Call, Once> done(c, c.template in<1>().q->scales != nullptr);
    byte_output o = byte_output_of(c, done, Once);
    const tiles made(s);
    o.channels = o.group_channels = s.channels;
    o.packed = packed;
    o.padded = made.words.padded;
    j.padding = static_cast<std::uint8_t>(x.zero());
    j.flip = o.is_signed ? 0 : 0x80808080u;
    const std::int64_t rows = s.batch * made.rows;
    const std::int64_t groups = (made.words.vectors + made.words.group - 1) / made.words.group;
    const bool by_channel = rows < 2 * j.piece.count && groups >= j.piece.count;
    winograd::block_maker<A>(s, j, o).run(by_channel ? slice{0, rows} : slice_of(j.piece, rows), by_channel ? slice_of(j.piece, groups) : slice{0, groups});
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
