// SPDX-License-Identifier: Apache-2.0
#pragma once
// The memory plan: where in the arena each tensor lives. Tensors whose lives do not meet share bytes. A node's output
// may also overlap its dying input when its kernel says that is safe: the output then begins at least `distance`
// bytes before the input (0: exactly in place is enough), because the kernel walks both in the same order and never
// writes what it still has to read; or at the input's own address and no other (in_place_only). A tensor whose bytes are
// part of another's may stand in it (ir/views.hpp). The arena may be several banks of memory one behind the other: no
// tensor stands in two. Layer 5b; usable in constant evaluation.

#include <array>
#include <cstdint>

#include "qnnx/ir/views.hpp"

namespace qnnx::inline QNNX_ABI {

namespace detail {
/// Keeps of the live set order[0, live) what is read at node k or later; returns the new count.
constexpr int drop_dead(plan_buffers& b, int live, int k) {
  int kept = 0;
  for (int m = 0; m < live; ++m)
    if (b.last[b.order[m]] >= k) b.order[kept++] = b.order[m];
  return kept;
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

/// The same for all members of a body.
constexpr std::int64_t first_fit_of_body(const graph_view& g, const plan_buffers& b, int lead, int placed) {
  std::int64_t at = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (int i = lead; i >= 0; i = b.body[i].next) {
      const std::int64_t in_body = b.body[i].at;
      const std::int64_t past = past_wall(b, at + in_body, b.size[i]) - in_body;
      moved |= past != at;
      at = past;
      for (int m = 0; m < placed; ++m) {
        if (!alive_together(b, i, b.order[m])) continue;
        if (const taboo t = forbidden(g, b, i, b.order[m]); t.holds(at + in_body)) {
          at = t.next(at + in_body) - in_body;
          moved = true;
        }
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
  const auto lead_of = [&](int t) { return b.body ? b.body[t].lead : t; };
  const auto first_of = [&](int lead) { return b.body ? b.body[lead].first : b.first[lead]; };
  const auto before = [&](int one, int two) {  // members of a body stand together
    const int x = lead_of(one), y = lead_of(two);
    if (x == y) return one < two;
    if (how == plan_order::by_size) {
      const std::int64_t size_x = b.body ? b.body[x].extent : b.size[x], size_y = b.body ? b.body[y].extent : b.size[y];
      if (size_x != size_y) return size_x > size_y;
    }
    if (first_of(x) != first_of(y)) return how == plan_order::by_time_reversed ? first_of(x) > first_of(y) : first_of(x) < first_of(y);
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
  for (int k = 0; k < n;) {
    const int lead = lead_of(b.order[k]);
    const int members = b.body ? b.body[lead].members : 1;
    if (how == plan_order::by_time) placed = detail::drop_dead(b, placed, first_of(lead));
    const std::int64_t at = members > 1 ? detail::first_fit_of_body(g, b, lead, placed) : detail::first_fit(g, b, lead, placed);
    for (const int end = k + members; k < end; ++k) {
      const int i = b.order[k];
      b.offset[i] = members > 1 ? at + b.body[i].at : at;
      b.order[placed++] = i;
      if (b.offset[i] + b.size[i] > total) total = b.offset[i] + b.size[i];
    }
  }
  place_scratch(g, b, total);
  return total;
}

namespace detail {
constexpr std::int64_t best_order(const graph_view& g, plan_buffers& b) {
  int planned = 0;
  for (int i = 0; i < g.tensor_count; ++i) planned += in_arena(g.tensors[i]) ? 1 : 0;
  if (planned > 200) return plan(g, b, plan_order::by_time);
  const std::int64_t size = plan(g, b, plan_order::by_size);
  const std::int64_t time = plan(g, b, plan_order::by_time);
  const std::int64_t reversed = plan(g, b, plan_order::by_time_reversed);
  if (reversed <= size && reversed <= time) return reversed;
  return size <= time ? plan(g, b, plan_order::by_size) : plan(g, b, plan_order::by_time);
}
}  // namespace detail

/// The best of the three orders for up to 200 tensors in the arena, first fit by time beyond: compilers stop constant
/// evaluation after about a million steps. (A longer search belongs in the converter, whose plan comes as data and is
/// checked by find_collision.) Parts stand in their wholes unless the arena is smaller where they do not.
constexpr std::int64_t best_plan(const graph_view& g, plan_buffers& b) {
  tensor_body* const bodies = b.body;
  if (!bodies || b.view_count == 0 || !make_bodies(g, b)) {
    b.body = nullptr;
    const std::int64_t alone = detail::best_order(g, b);
    b.body = bodies;
    return alone;
  }
  const std::int64_t tied = detail::best_order(g, b);
  b.body = nullptr;
  const std::int64_t alone = detail::best_order(g, b);
  b.body = bodies;
  return alone < tied ? alone : detail::best_order(g, b);
}

namespace detail {
constexpr bool collides(const graph_view& g, const plan_buffers& b, int i, int j) {
  return alive_together(b, i, j) && forbidden(g, b, i, j).holds(b.offset[i]) && !same_bytes(g, b, i, j);
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
