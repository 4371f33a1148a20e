// SPDX-License-Identifier: Apache-2.0
#pragma once
// The memory plan: where in the arena each tensor lives. Tensors whose lives do not meet share bytes. A node's output
// may also overlap its dying input when its kernel says that is safe: the output then begins at least `distance`
// bytes before the input (0: exactly in place is enough), because the kernel walks both in the same order and never
// writes what it still has to read; or at the input's own address and no other (in_place_only). The arena may be several
// banks of memory one behind the other: no tensor stands in two. Layer 5b; usable in constant evaluation.

#include <array>
#include <cstdint>

#include "qnnx/ir/graph.hpp"

namespace qnnx::inline QNNX_ABI {

inline constexpr std::int64_t arena_alignment = 16;

constexpr std::int64_t align_up(std::int64_t n, std::int64_t to = arena_alignment) { return (n + to - 1) / to * to; }

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
/// Keeps of the live set order[0, live) what is read at node k or later; returns the new count.
constexpr int drop_dead(plan_buffers& b, int live, int k) {
  int kept = 0;
  for (int m = 0; m < live; ++m)
    if (b.last[b.order[m]] >= k) b.order[kept++] = b.order[m];
  return kept;
}
constexpr bool alive_together(const plan_buffers& b, int i, int j) {
  return b.first[i] <= b.last[j] && b.first[j] <= b.last[i];
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
/// The lowest place at or behind `at` where `size` bytes stand in one bank.
constexpr std::int64_t past_wall(const plan_buffers& b, std::int64_t at, std::int64_t size) {
  for (int w = 0; w < b.wall_count; ++w)
    if (at < b.walls[w] && b.walls[w] < at + size) at = b.walls[w];
  return at;
}
}  // namespace detail

enum class plan_order : unsigned char { by_size, by_time, by_time_reversed };

/// Puts each node's scratch into the lowest gap between the tensors that live at it, or above them; grows `total`. Uses
/// b.order as the live set.
constexpr void place_scratch(const graph_view& g, plan_buffers& b, std::int64_t& total) {
  if (!b.scratch_offset || !b.scratch) return;
  int live = 0;
  for (int i = 0; i < g.tensor_count; ++i)
    if (b.first[i] < 0 && b.offset[i] >= 0) b.order[live++] = i;
  for (int k = 0; k < g.node_count; ++k) {
    live = detail::drop_dead(b, live, k);
    const node_desc& n = g.nodes[k];
    for (int o = 0; o < n.output_count; ++o)
      if (const auto t = n.outputs[static_cast<std::size_t>(o)]; b.first[t] == k && b.offset[t] >= 0) b.order[live++] = t;
    if (b.scratch[k] <= 0) continue;
    const std::int64_t wanted = align_up(b.scratch[k]);
    std::int64_t at = 0;
    for (bool moved = true; moved;) {
      at = detail::past_wall(b, at, wanted);
      moved = false;
      for (int m = 0; m < live; ++m) {
        const int i = b.order[m];
        if (at < b.offset[i] + b.size[i] && b.offset[i] < at + wanted) {
          at = align_up(b.offset[i] + b.size[i]);
          moved = true;
        }
      }
    }
    b.scratch_offset[k] = at;
    if (total >= 0 && at + wanted > total) total = at + wanted;
  }
}

namespace detail {
/// The lowest place for tensor i that none of the placed tensors order[0, placed) forbids.
constexpr std::int64_t first_fit(const graph_view& g, const plan_buffers& b, int i, int placed) {
  constexpr int room = 32;  // gaps kept between passes; with more neighbours each pass computes them again
  std::array<taboo, room> kept{};
  int near = 0;
  const int born = b.first[i];
  const int dies = b.last[i];
  for (int m = 0; m < placed; ++m) {
    const int j = b.order[m];
    if (born > b.last[j] || b.first[j] > dies) continue;
    if (near < room) kept[static_cast<std::size_t>(near)] = forbidden(g, b, i, j);
    ++near;
  }
  std::int64_t at = 0;
  for (bool moved = true; moved;) {
    at = past_wall(b, at, b.size[i]);
    moved = false;
    for (int m = 0; m < (near <= room ? near : 0); ++m)
      if (const taboo& t = kept[static_cast<std::size_t>(m)]; t.holds(at)) {
        at = t.next(at);
        moved = true;
      }
    for (int m = 0; m < (near <= room ? 0 : placed); ++m) {
      if (!alive_together(b, i, b.order[m])) continue;
      if (const taboo t = forbidden(g, b, i, b.order[m]); t.holds(at)) {
        at = t.next(at);
        moved = true;
      }
    }
  }
  return at;
}
}  // namespace detail

/// Greedy first fit in the given order; returns arena bytes. By time: linear in tensors times those that live
/// together; else quadratic. Call lifetimes() first. Scratch of a node is placed after the tensors that live at it.
constexpr std::int64_t plan(const graph_view& g, plan_buffers& b, plan_order how) {
  int n = 0;
  for (int i = 0; i < g.tensor_count; ++i)
    if (in_arena(g.tensors[i]) && b.first[i] <= b.last[i]) {
      b.offset[i] = -1;
      b.order[n++] = i;
    }
  const auto before = [&](int x, int y) {
    if (how == plan_order::by_size && b.size[x] != b.size[y]) return b.size[x] > b.size[y];
    if (b.first[x] != b.first[y])
      return how == plan_order::by_time_reversed ? b.first[x] > b.first[y] : b.first[x] < b.first[y];
    return x < y;
  };
  for (int gap = n / 2; gap > 0; gap /= 2)  // shell sort: constexpr, no recursion
    for (int i = gap; i < n; ++i) {
      const int moving = b.order[i];
      int j = i;
      for (; j >= gap && before(moving, b.order[j - gap]); j -= gap) b.order[j] = b.order[j - gap];
      b.order[j] = moving;
    }
  std::int64_t total = 0;
  int placed = 0;
  for (int k = 0; k < n; ++k) {
    const int i = b.order[k];
    if (how == plan_order::by_time) placed = detail::drop_dead(b, placed, b.first[i]);
    b.offset[i] = detail::first_fit(g, b, i, placed);
    b.order[placed++] = i;
    if (b.offset[i] + b.size[i] > total) total = b.offset[i] + b.size[i];
  }
  place_scratch(g, b, total);
  return total;
}

/// The best of the three orders for up to 200 tensors in the arena, first fit by time beyond: compilers stop constant
/// evaluation after about a million steps. (A longer search belongs in the converter, whose plan comes as data and is
/// checked by find_collision.)
constexpr std::int64_t best_plan(const graph_view& g, plan_buffers& b) {
  int planned = 0;
  for (int i = 0; i < g.tensor_count; ++i) planned += in_arena(g.tensors[i]) ? 1 : 0;
  if (planned > 200) return plan(g, b, plan_order::by_time);
  const std::int64_t size = plan(g, b, plan_order::by_size);
  const std::int64_t time = plan(g, b, plan_order::by_time);
  const std::int64_t reversed = plan(g, b, plan_order::by_time_reversed);
  if (reversed <= size && reversed <= time) return reversed;
  return size <= time ? plan(g, b, plan_order::by_size) : plan(g, b, plan_order::by_time);
}

namespace detail {
constexpr bool collides(const graph_view& g, const plan_buffers& b, int i, int j) {
  return alive_together(b, i, j) && forbidden(g, b, i, j).holds(b.offset[i]);
}
}  // namespace detail

/// Index of a node whose scratch is not where no live tensor is, or -1; `total`: bytes of the arena.
constexpr int find_scratch_collision(const graph_view& g, const plan_buffers& b, std::int64_t total) {
  for (int k = 0; k < g.node_count; ++k) {
    if (!b.scratch || b.scratch[k] <= 0) continue;
    const std::int64_t at = b.scratch_offset[k], end = at + b.scratch[k];
    if (at < 0 || at % arena_alignment != 0 || end > total || detail::past_wall(b, at, b.scratch[k]) != at) return k;
    for (int t = 0; t < g.tensor_count; ++t)
      if (b.size[t] > 0 && b.first[t] <= k && k <= b.last[t] && at < b.offset[t] + b.size[t] && b.offset[t] < end) return k;
  }
  return -1;
}

/// Index of a tensor whose place collides with another live one, stands in two banks or is not aligned, or -1. For plans that came as
/// data. Walks the nodes with the set of live tensors in b.order: linear in tensors times those that live together.
constexpr int find_collision(const graph_view& g, plan_buffers& b) {
  int live = 0;
  const auto enter = [&](int i) {
    if (b.size[i] == 0 || b.first[i] > b.last[i]) return true;
    if (b.offset[i] < 0 || b.offset[i] % arena_alignment != 0) return false;
    if (detail::past_wall(b, b.offset[i], b.size[i]) != b.offset[i]) return false;
    for (int m = 0; m < live; ++m)
      if (detail::collides(g, b, i, b.order[m])) return false;
    b.order[live++] = i;
    return true;
  };
  for (int i = 0; i < g.tensor_count; ++i)
    if (b.first[i] < 0 && !enter(i)) return i;
  for (int k = 0; k < g.node_count; ++k) {
    live = detail::drop_dead(b, live, k);
    const node_desc& n = g.nodes[k];
    for (int o = 0; o < n.output_count; ++o)
      if (const auto t = n.outputs[static_cast<std::size_t>(o)]; b.first[t] == k && !enter(t)) return t;
  }
  return -1;
}

}  // namespace qnnx::inline QNNX_ABI
