// SPDX-License-Identifier: Apache-2.0
#pragma once
// 3x3 windows of stride 1 by winograd4.hpp; other windows go to `Base`. A block of tiles is made at once, whole rows of
// tiles where they are short: lines of data transformed down their columns, tiles along their rows, then for a group of
// vectors of channels 36 products [tiles x inputs] [inputs x channels], and the results of a row of tiles at a time.
// All but the weights stays in the second cache, and weights are read once a block.
//   sum (x + ox) (w + ow) = sum x' (w + ow) + ox' sum (w + ow), x' = x - 128 of unsigned data, ox' = ox + 128: padding is
//   the zero point, and the second term is in the bias
// Layer 5a.

#include "qnnx/kernel/x86/winograd4_layout.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

namespace winograd {

using product_function = void (*)(const product_input&);
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

/// The products of a position's tiles, as equal as they can be.
template <class A>
struct position_calls {
  int calls = 0, more = 0;  // of `less` tiles, the first `more` of one more
  std::int64_t less = 0;
  product_function larger = nullptr, smaller = nullptr;

  position_calls(std::int64_t tiles, std::int64_t vectors) {
    if (tiles == 0) return;
    const int n = static_cast<int>(tiles), most = most_rows<A>(vectors);
    calls = (n + most - 1) / most;
    less = n / calls;
    more = n % calls;
    larger = product_for<A>(vectors, less + 1);
    smaller = product_for<A>(vectors, less);
  }
};

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
    const std::int64_t most = l_.tiles < l_.wide ? 1 : l_.tiles / l_.wide;  // rows of a block
    const std::int64_t piece = l_.tiles < l_.wide ? l_.tiles : l_.wide;
    for (std::int64_t r = rows.from; r < rows.to; r += most) {
      const slice some{r, rows.to - r < most ? rows.to : r + most};
      for (std::int64_t t = 0; t < l_.wide; t += piece) {
        const slice columns{t, l_.wide - t < piece ? l_.wide : t + piece};
        set_.narrow = l_.narrow && columns.to == l_.wide;
        set_.whole = columns.to - t - set_.narrow;
        set_.low = set_.tall = 0;
        for (std::int64_t i = some.from; i < some.to; ++i) (is_low(i) ? set_.low : set_.tall) += 1;
        each_row(some, [&](std::int64_t row, std::int64_t number) {
          if (t == 0) make_lines(row);  // the whole row: results may lie over its data
          make_tiles(row, number, columns);
        });
        make_results(some, columns, groups);
      }
    }
  }

 private:
  static constexpr int lanes = A::lanes;

  bool is_low(std::int64_t row) const { return l_.low && row % l_.rows == l_.rows - 1; }
  /// f(row, its number in set_) of some rows.
  template <class F>
  QNNX_INLINE void each_row(slice rows, const F& f) const {
    std::int64_t tall = 0, low = set_.tall;
    for (std::int64_t r = rows.from; r < rows.to; ++r) f(r, is_low(r) ? low++ : tall++);
  }
  /// f<results of their lines, of their columns>(first, count, where their values are) of the tiles [from, to) of a row,
  /// counted from the block's first; `size` values of a tile, `next` from a position to the next.
  template <class T, class F>
  QNNX_INLINE void each_form(std::int64_t row, std::int64_t number, slice tiles, T* all, std::int64_t next, std::int64_t size, const F& f) const {
    const auto form = [&]<int High>() __attribute__((always_inline)) {
      const std::int64_t whole = tiles.to < set_.whole ? tiles.to : set_.whole;
      if (whole > tiles.from) f.template operator()<High, 4>(tiles.from, whole - tiles.from, tile_values<T>{all + set_.index(number, tiles.from, true) * size, next, 0});
      if (tiles.to == whole) return;
      const std::int64_t index = set_.index(number, whole, true);
      f.template operator()<High, 2>(whole, 1, tile_values<T>{all + index * size, next, (set_.index(number, whole, false) - index) * size});
    };
    is_low(row) ? form.template operator()<2>() : form.template operator()<4>();
  }

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
      if (last <= first) return;
      if (is_low(row)) data_columns<2 * lanes, 2>(from, (last - first) * s_.depth, flip_, lines_ + first * s_.depth, l_.line());
      else data_columns<2 * lanes, 4>(from, (last - first) * s_.depth, flip_, lines_ + first * s_.depth, l_.line());
    };
    some(padding, 0, s_.left);
    some(lines, s_.left, end);
    some(padding, end, l_.columns);
  }
  void make_tiles(std::int64_t row, std::int64_t number, slice columns) {
    const std::int16_t* from = lines_ + 4 * columns.from * s_.depth;
    each_form(row, number, {0, columns.to - columns.from}, transformed_, l_.position(), s_.depth,
              [&]<int High, int Wide>(std::int64_t first, std::int64_t count, tile_values<std::int16_t> to) {
                data_rows<2 * lanes, High, Wide>(from + 4 * first * s_.depth, l_.line(), s_.depth, count, to);
              });
  }
  void make_results(slice rows, slice columns, slice groups) {
    for (std::int64_t g = groups.from; g < groups.to; ++g) {
      const std::int64_t vector = g * l_.words.group;
      const std::int64_t vectors = l_.vectors_of(vector);
      for (std::int64_t d = 0; d < s_.depth; d += depth_block_) {
        make_sums(vector, vectors, d);
        const bool last = d + depth_block_ >= s_.depth;
        std::int32_t* to = results_;
        each_row(rows, [&](std::int64_t row, std::int64_t number) {
          for (std::int64_t t = columns.from; t < columns.to; t += l_.result_tiles) {
            const slice some{t - columns.from, (columns.to - t < l_.result_tiles ? columns.to : t + l_.result_tiles) - columns.from};
            add_results(vector, vectors, d == 0, row, number, some, to);
            if (last) finish(vector, vectors, row, t, some.to - some.from, to);
            if (depth_block_ < s_.depth) to += l_.chunk_values;
          }
        });
      }
    }
  }
  void make_sums(std::int64_t vector, std::int64_t vectors, std::int64_t from) {
    const std::int64_t depth = s_.depth - from < depth_block_ ? s_.depth - from : depth_block_;
    const std::byte* const w = o_.packed + l_.panels_at() + l_.group_at(vector) + from / 2 * vectors * lanes * 4;
    const position_calls<A> every(set_.count(true, true), vectors);
    if (set_.low + set_.narrow == 0) return make_positions(every, 0, positions, w, vectors, from, depth);
    const position_calls<A> whole(set_.count(false, false), vectors), tall(set_.count(false, true), vectors), wide(set_.count(true, false), vectors);
    for (int i = 0; i < 6; ++i) {
      const bool shared = shared_point(i);
      make_positions(shared ? every : tall, 6 * i, 3, w, vectors, from, depth);
      make_positions(shared ? wide : whole, 6 * i + 3, 2, w, vectors, from, depth);
      make_positions(shared ? every : tall, 6 * i + 5, 1, w, vectors, from, depth);
    }
  }
  /// `count` positions of as many tiles. Where the first cache holds their weights, tiles stay in registers' reach, else weights.
  void make_positions(const position_calls<A>& made, int position, int count, const std::byte* w, std::int64_t vectors, std::int64_t from, std::int64_t depth) {
    const bool together = positions * l_.position_bytes(vectors) <= 20 * 1024;
    product_input in;
    in.step = s_.depth;
    in.x_next = l_.position();
    in.pairs = depth / 2;
    in.w_next = l_.position_bytes(vectors);
    in.to_next = l_.sums();
    in.count = together ? count : 1;
    for (const int end = position + count; position < end; position += static_cast<int>(in.count)) {
      in.w = w + position * in.w_next;
      in.x = transformed_ + position * in.x_next + from;
      in.to = sums_ + position * in.to_next;
      for (int k = 0; k < made.calls; ++k) {
        const bool more = k < made.more;
        bring(in, vectors, k, made.calls);
        (more ? made.larger : made.smaller)(in);
        in.x += (made.less + more) * s_.depth;
        in.to += (made.less + more) * vectors * lanes;
      }
    }
  }
  /// What call k of `calls` brings of the weights of the next position: a share of 64 bytes a pair, or two where there
  /// are more shares than calls. The last calls bring what is there.
  static void bring(product_input& in, std::int64_t vectors, int k, int calls) {
    const int shares = static_cast<int>(vectors * lanes + 15) / 16;
    const int first = shares > calls ? 2 * k : k < shares ? k : shares - 1;
    in.ahead = in.w + in.w_next + first * 64 * in.pairs;
    in.apart = shares > calls ? 64 * in.pairs : 0;
  }
  /// Of `tiles` of a row, counted from the block's first.
  void add_results(std::int64_t vector, std::int64_t vectors, bool fresh, std::int64_t row, std::int64_t number, slice tiles, std::int32_t* to) {
    constexpr std::int64_t line = 4 * layout<A>::result_tiles * layout<A>::result_row;
    const auto* bias = reinterpret_cast<const std::int32_t*>(o_.packed + l_.words.word(bias_word)) + vector * lanes;
    each_form<const std::int32_t>(row, number, tiles, sums_, l_.sums(), vectors * lanes, [&]<int High, int Wide>(std::int64_t first, std::int64_t count, tile_values<const std::int32_t> m) __attribute__((always_inline)) {
      std::int32_t* first_made = to + (first - tiles.from) * 4 * l_.result_row;
      for (; count > 0; --count, first_made += 4 * l_.result_row)
        for (std::int64_t v = 0; v < vectors; ++v, m.first += lanes) {
          std::int32_t* const made = first_made + v * lanes;
          if (fresh) results<lanes, High, Wide>(m, bias + v * lanes, 0, 0, made, line, l_.result_row);
          else results<lanes, High, Wide>(m, made, line, l_.result_row, made, line, l_.result_row);
        }
    });
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
  tile_set set_{};
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
    // Pieces of channels make all tiles' data, but read their own weights only
    const bool by_channel = groups >= j.piece.count && (rows < 2 * j.piece.count || (!tiles::few_weights(s) && groups % j.piece.count == 0));
    winograd::block_maker<A>(s, j, o).run(by_channel ? slice{0, rows} : slice_of(j.piece, rows), by_channel ? slice_of(j.piece, groups) : slice{0, groups});
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
