// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of ops that put the same values in another order, each written as a walk (walk.hpp): Transpose,
// StridedSlice, Tile, DepthToSpace, SpaceToDepth, BatchToSpace, SpaceToBatch, ChannelShuffle; and the ops that only
// change the sizes: Reshape, Squeeze, ExpandDims. Layer 5a.

#include "qnnx/kernel/movement/walk.hpp"
#include "qnnx/op/reshape.hpp"
#include "qnnx/op/slice.hpp"
#include "qnnx/op/space.hpp"
#include "qnnx/op/tile.hpp"
#include "qnnx/op/transpose.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Same bytes, other sizes; nothing to do where the plan put the output on its input.
template <class Params>
struct keep_bytes {
  static constexpr bool keeps_bytes = true;  // nothing to do in place
  static constexpr std::int64_t overlap(const node_facts& f, const Params&, int input) {
    return elementwise_overlap(f.c, input);
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    std::memmove(bytes_out(y), bytes_in(x), static_cast<std::size_t>(y.size()) * sizeof(*y.data));
  }
};
template <>
struct impl<op::reshape, isa::reference> : keep_bytes<op::reshape::params> {};
template <>
struct impl<op::squeeze, isa::reference> : keep_bytes<op::squeeze::params> {};
template <>
struct impl<op::expand_dims, isa::reference> : keep_bytes<op::expand_dims::params> {};

template <>
struct impl<op::transpose, isa::reference> {
  using params = op::transpose::params;
  /// The axis of the output that is cut into pieces: the outermost one of more than one element.
  template <class Extents>
  static constexpr int cut_axis(const Extents& y, int rank) {
    for (int d = 0; d < rank; ++d)
      if (y[d] > 1) return d;
    return 0;
  }
  /// Blocks of 16 stay whole where there are several.
  static constexpr std::int64_t grain(std::int64_t extent) { return extent >= 64 ? 16 : 1; }
  static constexpr int parts(const node_facts& f, const params&) {
    const shape& y = f.c.out(0).dims;
    if (y.rank() == 0) return 1;
    const std::int64_t extent = y[cut_axis(y, y.rank())];
    return static_cast<int>((extent + grain(extent) - 1) / grain(extent));
  }
  /// The walk of a piece; of no elements: rank 0 and `nothing`.
  template <class Call>
  static walk walk_of(const Call& c, bool& nothing) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const int axis = config::hosted && c.piece.count > 1 ? cut_axis(y.ext, y.rank()) : -1;
    walk w;
    nothing = false;
    for (int d = 0; d < y.rank(); ++d) {
      std::int64_t extent = y.extent(d);
      const std::int64_t from = step_of(x.ext, c.params().perm[d]), to = step_of(y.ext, d);
      if (d == axis) {
        const slice own = slice_of(c.piece, extent, grain(extent));
        w.source = own.from * from;
        w.target = own.from * to;
        extent = own.to - own.from;
        nothing = extent == 0;
      }
      w.add(extent, from, to);
    }
    return w;
  }
  template <class Call>
  static void run(const Call& c) {
    bool nothing = false;
    const walk w = walk_of(c, nothing);
    if (!nothing) move_along(c.template in<0>(), c.out(), w);
  }
};

template <>
struct impl<op::strided_slice, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    using op = op::strided_slice;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const shape wide = op::widened(x.ext, c.params());
    walk w;
    std::int64_t to = y.size();
    for (int d = 0; d < wide.rank(); ++d) {
      const op::cut cut = op::cut_of(c.params(), d, wide[d]);
      const std::int64_t step = step_of(wide, d);
      to /= cut.count;
      w.source += cut.begin * step;
      w.add(cut.count, cut.stride * step, to);
    }
    if (!stands(x, y, w)) move_along(x, y, w);
  }
};

template <>
struct impl<op::tile, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    walk w;
    for (int d = 0; d < x.rank(); ++d) {
      const std::int64_t to = step_of(y.ext, d);
      w.add(c.params().multiples[d], 0, to * x.extent(d));
      w.add(x.extent(d), step_of(x.ext, d), to);
    }
    move_along(x, y, w);
  }
};

/// The walk between [N, H*bh, W*bw, C] and [N, H, W, bh*bw*C]; `deep` has the depth, `wide` the space.
template <class Deep, class Wide>
constexpr walk depth_walk(const Deep& deep, const Wide& wide, const op::block_params& p, bool from_deep) {
  const std::int64_t bh = p.block_size[0];
  const std::int64_t bw = p.block_size[1];
  const std::int64_t c = wide.extent(3);
  const bool dcr = p.mode == op::depth_order::dcr;
  const std::int64_t pixel = c * bh * bw;
  walk w;
  const auto add = [&](std::int64_t extent, std::int64_t in_deep, std::int64_t in_wide) {
    if (from_deep)
      w.add(extent, in_deep, in_wide);
    else
      w.add(extent, in_wide, in_deep);
  };
  add(deep.extent(0), step_of(deep, 0), step_of(wide, 0));
  add(deep.extent(1), step_of(deep, 1), step_of(wide, 1) * bh);
  add(bh, dcr ? bw * c : bw, step_of(wide, 1));
  add(deep.extent(2), pixel, bw * c);
  add(bw, dcr ? c : 1, c);
  add(c, dcr ? 1 : bh * bw, 1);
  return w;
}
template <>
struct impl<op::depth_to_space, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    move_along(x, y, depth_walk(x.ext, y.ext, c.params(), true));
  }
};
template <>
struct impl<op::space_to_depth, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    move_along(x, y, depth_walk(y.ext, x.ext, c.params(), false));
  }
};

/// Block index (i, j) of the batch against rows and columns: f(i, j, first row and column of the many, their counts).
/// Row r of image (i, j) of `many` is row r * block + i - before of `one`; those outside [0, size) are left out.
struct block_rows {
  std::int64_t first = 0;
  std::int64_t count = 0;
  constexpr block_rows(std::int64_t block, std::int64_t i, std::int64_t before, std::int64_t size, std::int64_t rows) {
    const std::int64_t short_by = before - i;
    first = short_by > 0 ? (short_by + block - 1) / block : 0;
    const std::int64_t room = size - 1 - (i - before);  // the largest r * block
    const std::int64_t last = room < 0 ? 0 : room / block + 1;
    count = (last < rows ? last : rows) - first;
  }
};
/// The walk of one block index between `many` [N*bh*bw, h, w, C] and `one` [N, H, W, C]; extent 0 where it is empty.
template <class Many, class One, class F>
void each_block(const Many& many, const One& one, const std::array<std::uint32_t, 2>& block,
                const std::array<std::uint32_t, 4>& before_after, bool from_many, F&& f) {
  const std::int64_t bh = block[0];
  const std::int64_t bw = block[1];
  for (std::int64_t i = 0; i < bh; ++i)
    for (std::int64_t j = 0; j < bw; ++j) {
      const block_rows rows(bh, i, before_after[0], one.extent(1), many.extent(1));
      const block_rows columns(bw, j, before_after[2], one.extent(2), many.extent(2));
      if (rows.count <= 0 || columns.count <= 0) continue;
      const std::int64_t at_many = (i * bw + j) * one.extent(0) * step_of(many, 0) + rows.first * step_of(many, 1) +
                                   columns.first * step_of(many, 2);
      const std::int64_t at_one = (rows.first * bh + i - before_after[0]) * step_of(one, 1) +
                                  (columns.first * bw + j - before_after[2]) * step_of(one, 2);
      walk w;
      w.source = from_many ? at_many : at_one;
      w.target = from_many ? at_one : at_many;
      const auto add = [&](std::int64_t extent, std::int64_t in_many, std::int64_t in_one) {
        if (from_many)
          w.add(extent, in_many, in_one);
        else
          w.add(extent, in_one, in_many);
      };
      add(one.extent(0), step_of(many, 0), step_of(one, 0));
      add(rows.count, step_of(many, 1), step_of(one, 1) * bh);
      add(columns.count, step_of(many, 2), step_of(one, 2) * bw);
      add(one.extent(3), 1, 1);
      f(w);
    }
}
template <>
struct impl<op::batch_to_space, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    each_block(x.ext, y.ext, c.params().block_size, c.params().crops, true,
               [&](const walk& w) { move_along(x, y, w); });
  }
};
template <>
struct impl<op::space_to_batch, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const stored_real zero(y, 0.0, c.rounding());
    fill<element_size<decltype(y)>>(bytes_out(y), y.size(), zero.bytes());
    each_block(y.ext, x.ext, c.params().block_size, c.params().pad_amount, false,
               [&](const walk& w) { move_along(x, y, w); });
  }
};

template <>
struct impl<op::channel_shuffle, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const int axis = op::channel_shuffle::axis_of(c.params(), x);
    const std::int64_t groups = c.params().num_groups;
    const std::int64_t each = x.extent(axis) / groups;
    const std::int64_t inner = step_of(x.ext, axis);
    walk w;
    w.add(x.ext.product(0, axis), inner * x.extent(axis), inner * x.extent(axis));
    w.add(each, inner, groups * inner);
    w.add(groups, each * inner, inner);
    w.add(inner, 1, 1);
    move_along(x, y, w);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
