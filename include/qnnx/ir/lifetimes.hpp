// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the memory planner works on: which tensors stand in the arena, how large they are, from which node to which they
// live, and where one may not stand because of another. Layer 5b; usable in constant evaluation.

#include <cstdint>

#include "qnnx/ir/graph.hpp"

namespace qnnx::inline QNNX_ABI {

inline constexpr std::int64_t arena_alignment = 16;

constexpr std::int64_t align_up(std::int64_t n, std::int64_t to = arena_alignment) { return (n + to - 1) / to * to; }

/// Node `node` makes tensor `whole` from tensor `part`, or `part` from `whole`, and hands the bytes on as they are: those of the
/// part are the whole's from byte `at`. Where the plan puts the part there, nothing is left to do for it.
struct tensor_view {
  int node = 0;
  int whole = 0;
  int part = 0;
  std::int64_t at = 0;
};
/// Tensors that the planner places as one, so that parts stand in their wholes. Alone, a tensor is a body of its own.
struct tensor_body {
  int lead = 0;             // names the body
  int next = -1;            // member, or -1
  std::int64_t at = 0;      // of this tensor, from the body's first byte
  std::int64_t extent = 0;  // of the body; kept by its lead
  int first = 0;            // node that makes its first tensor; kept by its lead
  int members = 1;          // kept by its lead
};

/// Arrays the caller owns. `distance` has `stride` entries per node or is null; `scratch` one per node or is null.
/// The result: offset per tensor (-1: not in the arena), scratch_offset per node.
struct plan_buffers {
  int* first = nullptr;                  // tensor_count: node that makes it (-1: before the first)
  int* last = nullptr;                   // tensor_count: last node that reads it
  int* order = nullptr;                  // tensor_count
  std::int64_t* size = nullptr;          // tensor_count
  std::int64_t* offset = nullptr;        // tensor_count
  std::int64_t* scratch_offset = nullptr;  // node_count or null
  const std::int64_t* distance = nullptr;
  const std::int64_t* scratch = nullptr;
  int stride = max_inputs;
  const std::int64_t* walls = nullptr;  // where a bank ends and the next begins, ascending, or null
  int wall_count = 0;
  const tensor_view* views = nullptr;  // by node (ir/views.hpp), or null: every tensor has bytes of its own
  int view_count = 0;
  tensor_body* body = nullptr;  // tensor_count, or null: views are not planned, only allowed
};

constexpr bool in_arena(const tensor_desc& t) {
  return t.kind != tensor_kind::constant && t.kind != tensor_kind::null;
}

/// Lifetimes and sizes. Graph inputs live from -1, outputs to node_count; state (app_readwrite) for ever.
constexpr void lifetimes(const graph_view& g, plan_buffers& b, bool keep_all = false) {
  for (int i = 0; i < g.tensor_count; ++i) {
    const tensor_desc& t = g.tensors[i];
    b.first[i] = t.kind == tensor_kind::app_write || t.kind == tensor_kind::app_readwrite ? -1 : g.node_count;
    b.last[i] = t.kind == tensor_kind::app_read || t.kind == tensor_kind::app_readwrite || keep_all ? g.node_count : -1;
    b.size[i] = in_arena(t) ? align_up(byte_size(t)) : 0;
    b.offset[i] = -1;
  }
  for (int k = 0; k < g.node_count; ++k) {
    const node_desc& n = g.nodes[k];
    for (int o = 0; o < n.output_count; ++o) {
      const auto t = n.outputs[static_cast<std::size_t>(o)];
      if (b.first[t] > k) b.first[t] = k;
      if (b.last[t] < k) b.last[t] = k;
    }
    for (int i = 0; i < n.input_count; ++i) {
      const auto t = n.inputs[static_cast<std::size_t>(i)];
      if (t >= 0 && b.last[t] < k) b.last[t] = k;
    }
  }
}

namespace detail {
constexpr bool alive_together(const plan_buffers& b, int i, int j) {
  return b.first[i] <= b.last[j] && b.first[j] <= b.last[i];
}
/// Distance that lets `out` overlap `in`, where `out` is made by the very node that reads `in` last, or in_place_only;
/// else no_overlap.
constexpr std::int64_t overlap_distance(const graph_view& g, const plan_buffers& b, int in, int out) {
  if (!b.distance || b.last[in] != b.first[out] || b.first[out] < 0 || b.first[out] >= g.node_count) return no_overlap;
  const node_desc& n = g.nodes[b.first[out]];
  if (n.outputs[0] != out) return no_overlap;
  std::int64_t d = no_overlap;
  int reads = 0;
  for (int i = 0; i < n.input_count; ++i)
    if (n.inputs[static_cast<std::size_t>(i)] == in) {
      d = b.distance[b.first[out] * b.stride + i];
      ++reads;
    }
  return reads != 1 ? no_overlap : d >= 0 ? align_up(d) : d;
}
/// Where a tensor may not begin because of another: in [from, to), but for `hole`.
struct taboo {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::int64_t hole = -1;
  constexpr bool holds(std::int64_t at) const { return at >= from && at < to && at != hole; }
  /// The first place behind `at`, which it holds.
  constexpr std::int64_t next(std::int64_t at) const { return at < hole ? hole : align_up(to); }
};
/// Where tensor i may not begin because of placed tensor j.
constexpr taboo forbidden(const graph_view& g, const plan_buffers& b, int i, int j) {
  taboo t{b.offset[j] - b.size[i] + 1, b.offset[j] + b.size[j]};
  const std::int64_t over = overlap_distance(g, b, j, i);  // i is the output, j the dying input
  if (over >= 0 && b.offset[j] - over + 1 > t.from) t.from = b.offset[j] - over + 1;
  const std::int64_t under = overlap_distance(g, b, i, j);  // i is the dying input, j the output
  if (under >= 0 && b.offset[j] + under < t.to) t.to = b.offset[j] + under;
  if (over == in_place_only || under == in_place_only) t.hole = b.offset[j];
  return t;
}
}  // namespace detail

}  // namespace qnnx::inline QNNX_ABI
