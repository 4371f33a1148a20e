// SPDX-License-Identifier: Apache-2.0
#pragma once
// Concat, Split, slices and Reshape without copying: a tensor may stand in another whose bytes it has. Which nodes hand
// bytes on as they are follows from their ops, sizes and encodings (views_of). For a plan, two rules:
//   allowed   two live tensors share bytes where every shared byte was written once, by the same node, for both
//             (same_bytes): a plan that came as data is checked by nothing else.
//   planned   tensors that such nodes tie together are one body, placed as one thing whose members keep their own lives
//             (make_bodies). A tie is left out, and the kernel copies, where two members would write the same bytes.
// State (app_readwrite) is written while others may still read it, so it shares bytes with nothing. Layer 5b; usable in
// constant evaluation.

#include <array>
#include <cstdint>

#include "qnnx/ir/lifetimes.hpp"
#include "qnnx/op/concat.hpp"
#include "qnnx/op/reshape.hpp"
#include "qnnx/op/slice.hpp"
#include "qnnx/op/split.hpp"

namespace qnnx::inline QNNX_ABI {

namespace detail {
constexpr bool may_share_bytes(const tensor_desc& t) {
  return in_arena(t) && t.kind != tensor_kind::app_readwrite && bits_of(t.type) >= 8;
}
/// First byte of what a StridedSlice takes, where that is one piece of its input; else -1.
constexpr std::int64_t slice_start(const tensor_desc& in, const op::strided_slice::params& p) {
  const shape wide = op::strided_slice::widened(in.dims, p);
  std::int64_t start = 0;
  bool whole = true;  // the axes inside are taken whole
  bool one = true;    // outside of an axis that is cut, one index is taken
  for (int d = wide.rank() - 1; d >= 0; --d) {
    const op::strided_slice::cut cut = op::strided_slice::cut_of(p, d, wide[d]);
    if (cut.count > 1 && cut.stride != 1) return -1;
    one &= whole || cut.count == 1;
    whole &= cut.count == wide[d];
    start = start + cut.begin * wide.product(d + 1, wide.rank());
  }
  return one ? start * (bits_of(in.type) / 8) : -1;
}
}  // namespace detail

/// Calls found(view) for every view of node `node`.
template <class Found>
constexpr void views_of(const graph_view& g, int node, Found&& found) {
  const node_desc& n = g.nodes[node];
  if (!n.op || n.input_count < 1 || n.output_count < 1 || !(n.epi == epilogue{})) return;
  const auto id = n.op->id;
  const bool stacks = id == op_id(op::pack::name), joins = stacks || id == op_id(op::concat::name);
  const bool unstacks = id == op_id(op::unpack::name), cuts = unstacks || id == op_id(op::split::name);
  const bool slices = id == op_id(op::strided_slice::name);
  const bool keeps = id == op_id(op::reshape::name) || id == op_id(op::squeeze::name) || id == op_id(op::expand_dims::name);
  if (!joins && !cuts && !slices && !keeps) return;
  const int whole = joins ? n.outputs[0] : n.inputs[0];
  if (whole < 0 || !detail::may_share_bytes(g.tensors[whole])) return;
  const tensor_desc& w = g.tensors[whole];
  std::int64_t at = 0;
  if (joins || cuts) {
    const int axis = stacks     ? static_cast<int>(from_words<op::pack::params>(n.params).axis)
                     : joins    ? op::concat::axis_of(from_words<op::concat::params>(n.params), w.dims)
                     : unstacks ? static_cast<int>(from_words<op::unpack::params>(n.params).axis)
                                : static_cast<int>(from_words<op::split::params>(n.params).axis);
    if (w.dims.product(0, axis) != 1) return;
  } else if (slices) {
    at = detail::slice_start(w, from_words<op::strided_slice::params>(n.params));
    if (at < 0) return;
  }
  for (int i = 0; i < (joins ? n.input_count : n.output_count); ++i) {
    const int part = joins ? n.inputs[static_cast<std::size_t>(i)] : n.outputs[static_cast<std::size_t>(i)];
    if (part < 0) return;
    const tensor_desc& p = g.tensors[part];
    if (detail::may_share_bytes(p) && p.type == w.type && op::same_encoding(p, w)) found(tensor_view{node, whole, part, at});
    at += byte_size(p);
  }
}
constexpr int count_views(const graph_view& g) {
  int count = 0;
  for (int k = 0; k < g.node_count; ++k) views_of(g, k, [&](const tensor_view&) { ++count; });
  return count;
}
/// Whether a plan puts all that node `node` would copy where it belongs: nothing is left to do.
constexpr bool nothing_to_copy(const graph_view& g, int node, const std::int64_t* offset) {
  const auto at = [&](int t) { return offset[static_cast<std::size_t>(t)]; };
  int stand = 0;
  views_of(g, node, [&](const tensor_view& v) { stand += at(v.part) >= 0 && at(v.part) == at(v.whole) + v.at ? 1 : 0; });
  const node_desc& n = g.nodes[node];
  return stand > 0 && stand == (n.output_count > n.input_count ? n.output_count : n.input_count);
}

namespace detail {
/// The first view of node `node` or of a later one.
constexpr int first_view(const plan_buffers& b, int node) {
  int from = 0, to = b.view_count;
  while (from < to) {
    const int middle = (from + to) / 2;
    if (b.views[middle].node < node) from = middle + 1;
    else to = middle;
  }
  return from;
}
/// Whether the part stands in the whole; while bodies are made, only what they tie counts.
constexpr bool stands(const plan_buffers& b, const tensor_view& v, bool tied) {
  return b.offset[v.part] >= 0 && b.offset[v.whole] >= 0 && b.offset[v.part] == b.offset[v.whole] + v.at &&
         (!tied || b.body[v.part].lead == b.body[v.whole].lead);
}
/// The tensor whose node wrote the byte at `a` of live tensor t; that is so up to `end`.
struct byte_origin {
  int tensor = 0;
  std::int64_t end = 0;
};
constexpr byte_origin origin_of(const graph_view& g, const plan_buffers& b, int t, std::int64_t a, bool tied) {
  std::int64_t end = b.offset[t] + byte_size(g.tensors[t]);
  for (;;) {
    const int node = b.first[t];
    int from = -1;
    for (int k = first_view(b, node); node >= 0 && from < 0 && k < b.view_count && b.views[k].node == node; ++k) {
      const tensor_view& v = b.views[k];
      const int source = v.whole == t ? v.part : v.part == t ? v.whole : -1;
      if (source < 0 || !stands(b, v, tied)) continue;
      const std::int64_t begins = b.offset[source], ends = begins + byte_size(g.tensors[source]);
      if (a >= begins && a < ends) {
        from = source;
        end = ends < end ? ends : end;
      } else if (begins > a && begins < end) {
        end = begins;
      }
    }
    if (from < 0) return {t, end};
    t = from;
  }
}
/// Whether the bytes that two live tensors share are the same data.
constexpr bool same_bytes(const graph_view& g, const plan_buffers& b, int i, int j, bool tied = false) {
  if (b.view_count == 0) return false;
  const std::int64_t end_i = b.offset[i] + byte_size(g.tensors[i]), end_j = b.offset[j] + byte_size(g.tensors[j]);
  const std::int64_t end = end_i < end_j ? end_i : end_j;
  std::int64_t a = b.offset[i] > b.offset[j] ? b.offset[i] : b.offset[j];
  if (a >= end) return false;
  while (a < end) {
    const byte_origin x = origin_of(g, b, i, a, tied), y = origin_of(g, b, j, a, tied);
    if (x.tensor != y.tensor) return false;
    a = x.end < y.end ? x.end : y.end;
  }
  return true;
}

/// Ties the bodies of a view's tensors where no two members then write the same bytes.
constexpr void tie(const graph_view& g, plan_buffers& b, const tensor_view& v) {
  constexpr int most = 40;  // members: pairs are compared, and compilers count steps
  if (v.at % arena_alignment != 0 || b.size[v.part] == 0 || b.size[v.whole] == 0) return;
  if (b.first[v.part] > b.last[v.part] || b.first[v.whole] > b.last[v.whole]) return;
  const int mine = b.body[v.part].lead, other = b.body[v.whole].lead;
  if (mine == other || b.body[mine].members + b.body[other].members > most) return;
  const auto move = [&](int lead, std::int64_t by) {
    for (int m = mine; m >= 0; m = b.body[m].next) {
      b.body[m].lead = lead;
      b.offset[m] = b.body[m].at += by;
    }
  };
  const std::int64_t by = b.body[v.whole].at + v.at - b.body[v.part].at;
  move(other, by);
  bool apart = false;
  for (int i = mine; i >= 0 && !apart; i = b.body[i].next)
    for (int j = other; j >= 0 && !apart; j = b.body[j].next)
      apart = alive_together(b, i, j) && forbidden(g, b, i, j).holds(b.offset[i]) && !same_bytes(g, b, i, j, true);
  if (apart) return move(mine, -by);
  int tail = mine;
  while (b.body[tail].next >= 0) tail = b.body[tail].next;
  b.body[tail].next = b.body[other].next;
  b.body[other].next = mine;
  b.body[other].members += b.body[mine].members;
}
}  // namespace detail

/// Makes b.body from b.views; false: no tensor is tied to another. Call lifetimes() first. Uses b.offset. A reshape whose
/// input dies there can be in place by itself (plan.hpp): it is tied only where one side is tied to more, or where all are.
constexpr bool make_bodies(const graph_view& g, plan_buffers& b, bool all = false) {
  constexpr std::int64_t middle = std::int64_t{1} << 40;  // so that no offset is below 0 meanwhile
  for (int t = 0; t < g.tensor_count; ++t) {
    b.body[t] = {t, -1, middle, 0, 0, 1};
    b.offset[t] = middle;
  }
  const auto in_place = [&](const tensor_view& v) {
    return !all && b.distance && b.distance[v.node * b.stride] >= 0 && b.first[v.part] == v.node && b.last[v.whole] == v.node &&
           byte_size(g.tensors[v.part]) == byte_size(g.tensors[v.whole]);
  };
  const auto tied = [&](int t) { return b.body[b.body[t].lead].members > 1; };
  for (int k = 0; k < b.view_count; ++k)
    if (!in_place(b.views[k])) detail::tie(g, b, b.views[k]);
  for (int k = b.view_count - 1; k >= 0; --k)
    if (in_place(b.views[k]) && tied(b.views[k].part)) detail::tie(g, b, b.views[k]);
  for (int k = 0; k < b.view_count; ++k)
    if (in_place(b.views[k]) && tied(b.views[k].whole)) detail::tie(g, b, b.views[k]);
  bool any = false;
  for (int t = 0; t < g.tensor_count; ++t) {
    b.offset[t] = -1;
    if (b.body[t].lead != t) continue;
    std::int64_t low = middle * 2, high = 0;
    int first = g.node_count;
    for (int m = t; m >= 0; m = b.body[m].next) {
      low = b.body[m].at < low ? b.body[m].at : low;
      high = b.body[m].at + b.size[m] > high ? b.body[m].at + b.size[m] : high;
      first = b.first[m] < first ? b.first[m] : first;
    }
    for (int m = t; m >= 0; m = b.body[m].next) b.body[m].at -= low;
    b.body[t].extent = high - low;
    b.body[t].first = first;
    any |= b.body[t].members > 1;
  }
  return any;
}

}  // namespace qnnx::inline QNNX_ABI
