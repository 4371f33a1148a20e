// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/passes/plan_search.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "qnnx/runtime/node_needs.hpp"
#include "qnnx/runtime/passes/edit.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

std::vector<step_memory> steps_of(const graph_view& g, const plan_buffers& b) {
  std::vector<step_memory> steps(static_cast<std::size_t>(g.node_count));
  for (int t = 0; t < g.tensor_count; ++t) {
    if (b.size[t] == 0 || b.first[t] > b.last[t]) continue;
    for (int k = std::max(b.first[t], 0); k <= std::min(b.last[t], g.node_count - 1); ++k) {
      step_memory& s = steps[static_cast<std::size_t>(k)];
      (b.first[t] == k ? s.made : b.last[t] == k ? s.dying : s.others) += b.size[t];
    }
  }
  for (int k = 0; k < g.node_count; ++k) {
    const node_desc& n = g.nodes[k];
    step_memory& s = steps[static_cast<std::size_t>(k)];
    for (int i = 0; i < n.input_count; ++i) {
      const int in = n.inputs[static_cast<std::size_t>(i)];
      const int out = n.outputs[0];
      if (in < 0 || b.size[in] == 0) continue;
      const std::int64_t d = detail::overlap_distance(g, b, in, out);
      if (d >= 0) s.shared = std::max(s.shared, b.size[in] + b.size[out] - std::max(b.size[out], d + b.size[in]));
      if (d == in_place_only) s.shared = std::max(s.shared, std::min(b.size[in], b.size[out]));
    }
    if (b.scratch) s.scratch = align_up(b.scratch[k]);
  }
  return steps;
}

std::int64_t lower_bound_of(const graph_view& g, const plan_buffers& b) {
  std::int64_t most = 0;
  for (const step_memory& s : steps_of(g, b)) most = std::max(most, s.kernel_bound());
  return most;
}

/// First fit with the neighbours of every tensor worked out once.
class fitter {
 public:
  fitter(const graph_view& g, plan_buffers& b) : g_(g), b_(b) {
    for (int t = 0; t < g.tensor_count; ++t)
      if (b.size[t] > 0 && b.first[t] <= b.last[t]) planned_.push_back(t);
    near_.resize(static_cast<std::size_t>(g.tensor_count));
    for (int i : planned_)
      for (int j : planned_)
        if (i != j && detail::alive_together(b, i, j)) near_[static_cast<std::size_t>(i)].push_back(j);
  }
  const std::vector<int>& planned() const { return planned_; }

  /// Places all tensors in this order; gives up once above `limit`.
  std::int64_t fit(const std::vector<int>& order, std::int64_t limit) {
    for (int t : planned_) b_.offset[t] = -1;
    std::int64_t total = 0;
    for (int i : order) {
      gaps_.clear();
      for (int j : near_[static_cast<std::size_t>(i)]) {
        if (b_.offset[j] < 0) continue;
        gaps_.push_back(detail::forbidden(g_, b_, i, j));
      }
      std::int64_t at = 0;
      for (bool moved = true; moved;) {
        at = detail::past_wall(b_, at, b_.size[i]);
        moved = false;
        for (const detail::taboo& t : gaps_)
          if (t.holds(at)) {
            at = t.next(at);
            moved = true;
          }
      }
      b_.offset[i] = at;
      total = std::max(total, at + b_.size[i]);
      if (total > limit) return total;
    }
    place_scratch(g_, b_, total);
    return total;
  }

 private:
  const graph_view& g_;
  plan_buffers& b_;
  std::vector<int> planned_;
  std::vector<std::vector<int>> near_;
  std::vector<detail::taboo> gaps_;
};

/// Moves outputs to where their only overlapping input of the same size is, one by one, if the plan stays valid.
void settle_in_place(const graph_view& g, plan_buffers& b, std::int64_t bytes) {
  for (int k = 0; k < g.node_count; ++k) {
    const node_desc& n = g.nodes[k];
    const int out = n.outputs[0];
    const int in = n.input_count > 0 ? n.inputs[0] : -1;
    if (n.output_count != 1 || in < 0 || b.size[in] == 0 || b.size[in] != b.size[out]) continue;
    if (const std::int64_t d = detail::overlap_distance(g, b, in, out); d != 0 && d != in_place_only) continue;
    for (const auto& [moved, to] : {std::pair{out, in}, std::pair{in, out}}) {
      if (b.offset[moved] == b.offset[to]) break;
      const std::int64_t before = std::exchange(b.offset[moved], b.offset[to]);
      if (find_collision(g, b) < 0 && find_scratch_collision(g, b, bytes) < 0) break;
      b.offset[moved] = before;
    }
  }
}

}  // namespace

std::vector<step_memory> memory_of_steps(const graph_view& g, const node_needs& needs) {
  const plan_storage s(g, needs, false);
  return steps_of(g, s.b);
}

std::int64_t plan_lower_bound(const graph_view& g, std::span<const kernel_entry> table) {
  const node_needs needs = needs_of(g, {}, table);
  const plan_storage s(g, needs, false);
  return lower_bound_of(g, s.b);
}

memory_plan search_plan(const graph_view& g, std::span<const kernel_entry> table, const plan_search_options& options) {
  return search_plan(g, needs_of(g, {}, table), options);
}

memory_plan search_plan(const graph_view& g, const node_needs& needs, const plan_search_options& options) {
  plan_storage s(g, needs, false);
  s.b.walls = options.walls.data();
  s.b.wall_count = static_cast<int>(options.walls.size());
  memory_plan best;
  best.lower_bound = lower_bound_of(g, s.b);
  best.bytes = INT64_MAX;
  fitter f(g, s.b);
  std::vector<int> best_order;
  const auto offer = [&](const std::vector<int>& order, const char* how) {
    const std::int64_t total = f.fit(order, best.bytes);
    if (total >= best.bytes) return total;
    best.bytes = total;
    best.how = how;
    best.offset = s.offset;
    best.scratch = s.scratch_offset;
    best_order = order;
    return total;
  };
  std::vector<int> order = f.planned();
  const auto by = [&](auto key, const char* how) {
    std::stable_sort(order.begin(), order.end(), [&](int x, int y) { return key(x) < key(y); });
    offer(order, how);
  };
  by([&](int t) { return -s.size[static_cast<std::size_t>(t)]; }, "by size");
  by([&](int t) { return s.first[static_cast<std::size_t>(t)]; }, "by time");
  by([&](int t) { return -s.last[static_cast<std::size_t>(t)]; }, "by end, reversed");
  by([&](int t) { return -s.first[static_cast<std::size_t>(t)]; }, "by time, reversed");
  by([&](int t) {
    return -s.size[static_cast<std::size_t>(t)] * (s.last[static_cast<std::size_t>(t)] - s.first[static_cast<std::size_t>(t)] + 1);
  }, "by size and life");

  // Hill climbing with restarts: move one tensor to another place in the order, keep what is not worse.
  std::mt19937 rng(options.seed);
  std::vector<int> current = best_order;
  std::int64_t now = best.bytes;
  int stale = 0;
  for (int k = 0; k < options.tries && best.bytes > best.lower_bound && current.size() > 1; ++k) {
    std::vector<int> next = current;
    const std::size_t from = rng() % next.size();
    const int moving = next[from];
    next.erase(next.begin() + static_cast<std::ptrdiff_t>(from));
    next.insert(next.begin() + static_cast<std::ptrdiff_t>(rng() % (next.size() + 1)), moving);
    const std::int64_t total = f.fit(next, now);
    if (total > now) {
      if (++stale < 400) continue;
      stale = 0;  // stuck: begin again from a shuffle of the best
      current = best_order;
      for (std::size_t i = 0; i < current.size() / 4 + 1; ++i) std::swap(current[rng() % current.size()], current[rng() % current.size()]);
      now = f.fit(current, INT64_MAX);
      continue;
    }
    if (total < now) stale = 0;
    now = total;
    current = std::move(next);
    if (total < best.bytes) {
      best.bytes = total;
      best.how = "search";
      best.offset = s.offset;
      best.scratch = s.scratch_offset;
      best_order = current;
    }
  }
  std::copy(best.offset.begin(), best.offset.end(), s.offset.begin());
  std::copy(best.scratch.begin(), best.scratch.end(), s.scratch_offset.begin());
  settle_in_place(g, s.b, best.bytes);
  best.offset = s.offset;
  if (const int t = find_collision(g, s.b); t >= 0)
    throw error("plan search: tensor '" + std::string(g.tensors[t].name) + "' shares bytes with another live tensor");
  best.offset.resize(static_cast<std::size_t>(g.tensor_count));
  best.scratch.resize(static_cast<std::size_t>(g.node_count));
  return best;
}

std::int64_t reorder_nodes(net& n, std::span<const kernel_entry> table) {
  const std::int64_t before = plan_lower_bound(n.freeze()->g, table);
  const connections c(n);
  std::vector<int> waiting(n.nodes.size(), 0);
  std::vector<int> uses(n.tensors.size(), 0);
  for (std::size_t t = 0; t < n.tensors.size(); ++t) uses[t] = static_cast<int>(c.readers[t].size());
  std::vector<int> ready;
  for (std::size_t k = 0; k < n.nodes.size(); ++k) {
    for (int t : n.nodes[k].inputs)
      if (c.maker_of(t) >= 0) ++waiting[k];
    if (waiting[k] == 0) ready.push_back(static_cast<int>(k));
  }
  const auto bytes = [&](int t) -> std::int64_t {
    const net_tensor& x = tensor_of(n, t);
    if (x.kind == tensor_kind::constant) return 0;
    return x.dims.size() * bits_of(x.type) / 8;
  };
  net sorted = n;
  sorted.nodes.clear();
  while (!ready.empty()) {
    std::size_t pick = 0;
    std::int64_t least = INT64_MAX;
    for (std::size_t r = 0; r < ready.size(); ++r) {
      std::int64_t grown = 0;
      const net_node& k = node_of(n, ready[r]);
      for (int t : k.outputs) grown += bytes(t);
      for (int t : k.inputs)
        if (t >= 0 && !is_visible(tensor_of(n, t)) && uses[static_cast<std::size_t>(t)] == 1) grown -= bytes(t);
      if (grown < least) {
        least = grown;
        pick = r;
      }
    }
    const int k = ready[pick];
    ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(pick));
    for (int t : node_of(n, k).inputs)
      if (t >= 0) --uses[static_cast<std::size_t>(t)];
    for (int t : node_of(n, k).outputs)
      for (int r : c.readers[static_cast<std::size_t>(t)])
        if (--waiting[static_cast<std::size_t>(r)] == 0) ready.insert(std::lower_bound(ready.begin(), ready.end(), r), r);
    sorted.nodes.push_back(node_of(n, k));
  }
  const std::int64_t after = plan_lower_bound(sorted.freeze()->g, table);
  if (after >= before) return 0;
  n = std::move(sorted);
  return before - after;
}

}  // namespace qnnx::inline QNNX_ABI::passes
