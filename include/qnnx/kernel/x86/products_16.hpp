// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d, FullyConnected and MatMul of 16-bit data with constant weights of at most 8 bits: windows of some pixels are
// copied to scratch (unsigned data with its highest bit turned over), rows of pairs times blocks of V::half_lanes
// channels by multiply-add of pairs. Weights are stored as 16 bits with their offset in:
//   sum (x + ox) (w + ow) = sum x' w' + t sum w',  x' = x - turned, w' = w + ow, t = turned + ox: in the bias
// 32-bit sums hold as many pairs as the packer proves, then they are added up in doubles, which are exact. Padding is
// the zero point. Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/finish_16.hpp"
#include "qnnx/op/matmul.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Sizes of the packed form and of the scratch.
template <class V>
struct layout_16 {
  std::int64_t elements, pairs;         // of a window of one group
  std::int64_t groups, group_channels;
  std::int64_t blocks;                  // of channels of a group
  std::int64_t rows;                    // pixels whose windows are copied at once

  static constexpr std::int64_t tile_rows = 6;
  static constexpr std::int64_t budget = 96 * 1024;

  constexpr explicit layout_16(const window_shape& s)
      : elements(s.taps()),
        pairs((elements + 1) / 2),
        groups(s.groups),
        group_channels(s.group_channels()),
        blocks((group_channels + V::half_lanes - 1) / V::half_lanes),
        rows(budget / (groups * pairs * 4) / tile_rows * tile_rows) {
    if (rows < tile_rows) rows = tile_rows;
    if (rows > 8 * tile_rows) rows = 8 * tile_rows;
    if (rows > s.pixels()) rows = s.pixels();
  }
  constexpr std::int64_t pair_bytes() const { return V::half_lanes * 4; }
  constexpr std::int64_t block_bytes() const { return static_cast<std::int64_t>(sizeof(block_head<V>)) + pairs * pair_bytes(); }
  constexpr std::int64_t block_at(std::int64_t group, std::int64_t block) const {
    return static_cast<std::int64_t>(sizeof(head_16)) + (group * blocks + block) * block_bytes();
  }
  constexpr std::int64_t bytes() const { return block_at(groups, 0); }
  constexpr std::int64_t sums_bytes() const { return rows * V::half_lanes * 8; }
  constexpr std::int64_t row_bytes() const { return pairs * 4; }
  constexpr std::int64_t scratch() const { return sums_bytes() + rows * groups * row_bytes(); }
};

/// Sums of Rows rows with one block of channels: [Rows][even, odd].
template <class V, int Rows>
QNNX_NOINLINE void pair_tile(const std::byte* x, std::int64_t pitch, const std::byte* w, std::int64_t pairs, std::int32_t* sums) {
  typename V::words even[Rows], odd[Rows];
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) even[r] = odd[r] = V::all(std::int32_t{0});
  for (; pairs > 0; --pairs, x += 4, w += 8 * V::lanes) {
    const auto w0 = V::load_vector(w), w1 = V::load_vector(w + 4 * V::lanes);
#pragma GCC unroll 6
    for (int r = 0; r < Rows; ++r) {
      std::int32_t pair = 0;
      std::memcpy(&pair, x + r * pitch, 4);
      const auto v = V::all(pair);
      even[r] = V::add_pair_products(even[r], v, w0);
      odd[r] = V::add_pair_products(odd[r], v, w1);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
    V::store(sums + r * V::half_lanes, even[r]);
    V::store(sums + r * V::half_lanes + V::lanes, odd[r]);
  }
}

/// `count` rows with one block of channels; `totals`: room for their doubles.
template <class V>
void multiply_block(const layout_16<V>& l, const std::byte* rows, std::int64_t pitch, std::int64_t count, const std::byte* block,
                    std::int64_t chunk, const output_16& o, std::int64_t pixel, std::int64_t channel, std::int64_t channels, double* totals) {
  const auto* head = reinterpret_cast<const block_head<V>*>(block);
  const std::byte* panels = block + sizeof(block_head<V>);
  alignas(64) std::int32_t sums[layout_16<V>::tile_rows * V::half_lanes];
  for (std::int64_t from = 0; from < l.pairs; from += chunk) {
    const std::int64_t pairs = l.pairs - from < chunk ? l.pairs - from : chunk;
    const std::byte* w = panels + from * l.pair_bytes();
    for (std::int64_t r = 0; r < count;) {
      const std::byte* x = rows + r * pitch + from * 4;
      std::int64_t made = 1;
      if (count - r >= 6) pair_tile<V, 6>(x, pitch, w, pairs, sums), made = 6;
      else if (count - r >= 3) pair_tile<V, 3>(x, pitch, w, pairs, sums), made = 3;
      else pair_tile<V, 1>(x, pitch, w, pairs, sums);
      for (std::int64_t i = 0; i < made; ++i, ++r) {
        block_sums<V> s(V::load(sums + i * V::half_lanes), V::load(sums + i * V::half_lanes + V::lanes));
        s.add(from == 0 ? head->bias : totals + r * V::half_lanes);
        if (from + pairs < l.pairs) s.store(totals + r * V::half_lanes);
        else finish_block<V>(o, s, head->factor, pixel + r, channel, channels);
      }
    }
  }
}

/// Windows of 16-bit pixels as rows in scratch.
struct window_rows_16 {
  const window_shape& s;
  const std::uint16_t* data;
  std::uint16_t turn;  // turns the highest bit of unsigned data over
  std::uint16_t zero;  // the zero point, as stored

  void copy(std::uint16_t*& to, const std::uint16_t* from, std::int64_t n) const {
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<std::uint16_t>(from[i] ^ turn);
    to += n;
  }
  void fill(std::uint16_t*& to, std::int64_t n) const {
    for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<std::uint16_t>(zero ^ turn);
    to += n;
  }
  /// The window of a pixel for a group.
  void make(std::int64_t pixel, std::int64_t group, std::uint16_t* to) const {
    const std::int64_t image = pixel / (s.out_h * s.out_w), at = pixel % (s.out_h * s.out_w);
    const std::int64_t top = at / s.out_w * s.stride_h - s.top, left = at % s.out_w * s.stride_w - s.left;
    const std::int64_t depth = s.group_depth();
    const std::uint16_t* from = data + image * s.height * s.width * s.depth + group * depth;
    const bool whole = depth == s.depth && s.dilation_w == 1 && left >= 0 && left + s.kernel_w <= s.width;
    for (std::int64_t kh = 0; kh < s.kernel_h; ++kh) {
      const std::int64_t row = top + kh * s.dilation_h;
      if (row < 0 || row >= s.height) {
        fill(to, s.kernel_w * depth);
        continue;
      }
      const std::uint16_t* line = from + (row * s.width + left) * s.depth;
      if (whole) {
        copy(to, line, s.kernel_w * depth);
        continue;
      }
      for (std::int64_t kw = 0, column = left; kw < s.kernel_w; ++kw, column += s.dilation_w) {
        if (column >= 0 && column < s.width) copy(to, line + kw * s.dilation_w * s.depth, depth);
        else fill(to, depth);
      }
    }
    if (s.taps() % 2 != 0) *to = 0;  // meets a weight that is 0
  }
};

/// Everything of one call. `direct`: rows may be read where the data is.
template <class V>
void multiply_16(const window_shape& s, const layout_16<V>& l, const window_rows_16& windows, const std::byte* packed, const output_16& o,
                 std::byte* scratch, bool direct, part piece) {
  head_16 head;
  std::memcpy(&head, packed, sizeof head);
  // Pixels are cut, or, where there are few, blocks of channels.
  const bool by_channel = piece.count > 1 && l.groups == 1 && s.pixels() < l.tile_rows * piece.count;
  const slice pixels = by_channel ? slice{0, s.pixels()} : slice_of(piece, s.pixels(), l.tile_rows);
  const slice blocks = by_channel ? slice_of(piece, l.blocks) : slice{0, l.blocks};
  auto* totals = reinterpret_cast<double*>(scratch);
  std::byte* rows = scratch + l.sums_bytes();
  const std::int64_t step = l.rows * l.row_bytes();  // from one group's rows to the next
  for (std::int64_t first = pixels.from; first < pixels.to; first += l.rows) {
    const std::int64_t count = pixels.to - first < l.rows ? pixels.to - first : l.rows;
    if (!direct)
      for (std::int64_t g = 0; g < l.groups; ++g)
        for (std::int64_t r = 0; r < count; ++r)
          windows.make(first + r, g, reinterpret_cast<std::uint16_t*>(rows + g * step + r * l.row_bytes()));
    for (std::int64_t g = 0; g < l.groups; ++g)
      for (std::int64_t b = blocks.from; b < blocks.to; ++b) {
        const std::int64_t channel = b * V::half_lanes, left = l.group_channels - channel;
        const std::byte* x = direct ? reinterpret_cast<const std::byte*>(windows.data + first * s.depth) : rows + g * step;
        multiply_block<V>(l, x, l.row_bytes(), count, packed + l.block_at(g, b), head.pairs, o, first, g * l.group_channels + channel,
                          left < V::half_lanes ? left : V::half_lanes, totals);
      }
  }
}

/// The product that a MatMul with one constant right side is.
constexpr window_shape window_of(const shape& x, const shape& w, const shape& y, const op::matmul::params&) {
  window_shape s;
  s.depth = x[x.rank() - 1];
  s.channels = y[y.rank() - 1];
  s.height = s.out_h = w.size() == s.depth * s.channels && s.depth > 0 ? x.size() / s.depth : 0;
  return s;
}

template <class Op, class V>
struct dense_16 : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;
  template <class Sig>
  static constexpr bool supports = operands_16<Sig>::fit;

  static constexpr window_shape window(const node_facts& f, const params& p) {
    return window_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
  }
  template <class Call>
  static window_shape window(const Call& c) {
    return window_of(dims_of(c.template in<0>()), dims_of(c.template in<1>()), dims_of(c.out()), c.params());
  }
  /// A MatMul of one matrix, its left side not transposed.
  static constexpr bool takes(const window_shape& s, std::int64_t results, const params& p) {
    if constexpr (requires { p.transpose_in0; }) return !p.transpose_in0 && s.height * s.channels == results;
    else return results > 0;
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return constant_operands(f) && takes(window(f, p), f.c.out(0).dims.size(), p);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? layout_16<V>(window(f, p)).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? layout_16<V>(window(f, p)).scratch() : 0;
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    if (!takes(f, p)) return kernel::parts<reference>(f, p);
    const window_shape s = window(f, p);
    const layout_16<V> l(s);
    const std::int64_t tiles = (s.pixels() + l.tile_rows - 1) / l.tile_rows;
    const std::int64_t most = s.groups == 1 && l.blocks > tiles ? l.blocks : tiles;
    return static_cast<int>(most < 256 ? most : 256);
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const window_shape s = window(c);
    const layout_16<V> l(s);
    bool columns = std::is_same_v<Op, op::fully_connected>;  // the weights of a channel lie side by side
    if constexpr (std::is_same_v<Op, op::matmul>) columns = c.params().transpose_in1;
    const weight_steps step = columns ? weight_steps{1, l.elements} : weight_steps{s.channels, 1};
    packer_16<V, Call> packer{c, std::is_same_v<Op, op::fully_connected>};
    std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
    for (std::int64_t o = 0; o < s.channels; ++o) {
      const std::int64_t in_group = o % l.group_channels, in_block = in_group % V::half_lanes;
      std::byte* block = out + l.block_at(o / l.group_channels, in_group / V::half_lanes);
      std::byte* to = block + sizeof(block_head<V>) + place_of<V>(in_block) * 4;
      std::int64_t sum = 0, most = 0;
      const std::int32_t offset = packer.weight_offset(o);
      for (std::int64_t k = 0; k < l.elements; ++k) {
        const std::int16_t v = packer.take(std::int64_t{weight_value(w, k * step.tap + o * step.channel)} + offset, sum, most);
        std::memcpy(to + k / 2 * l.pair_bytes() + k % 2 * 2, &v, 2);
      }
      packer.put(reinterpret_cast<block_head<V>*>(block), in_block, o, sum, most);
    }
    packer.finish(l.elements, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if (c.packed_missing() || !constant_operands(c)) return reference::run(c);
    const auto x = c.template in<0>();
    const auto y = c.out();
    const window_shape s = window(c);
    if (!takes(s, y.size(), c.params())) return reference::run(c);
    head_16 head;
    std::memcpy(&head, c.packed(), sizeof head);
    if (head.fits == 0) return reference::run(c);
    const layout_16<V> l(s);
    const finish<Call, std::is_same_v<Op, op::fully_connected>> done(c, c.template in<1>().q->scales != nullptr);
    const output_16 o = output_of_16(c, done, s.channels);
    const bool direct = o.is_signed && s.pointwise() && l.groups == 1 && l.elements % 2 == 0 &&
                        !memory_shared(x.data, x.size() * 2, y.data, y.size() * 2);
    const window_rows_16 windows{s, reinterpret_cast<const std::uint16_t*>(x.data), static_cast<std::uint16_t>(o.is_signed ? 0 : 0x8000),
                                 static_cast<std::uint16_t>(x.zero())};
    multiply_16<V>(s, l, windows, c.packed(), o, c.scratch(), direct, c.piece);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
