// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/passes/plan_search.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <utility>

#include "qnnx/runtime/node_needs.hpp"
#include "qnnx/runtime/passes/edit.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

/// Tensors that views tie to each other, however far: only these may share bytes while they live. By tensor; -1: alone.
std::vector<int> relations_of(const graph_view& g, const plan_buffers& b) {
  std::vector<int> group(static_cast<std::size_t>(g.tensor_count), -1);
  const auto of = [&](int t) -> int& { return group[static_cast<std::size_t>(t)]; };
  for (int k = 0; k < b.view_count; ++k) {
    const tensor_view& v = b.views[k];
    if (v.at % arena_alignment != 0 || b.size[v.part] == 0 || b.size[v.whole] == 0) continue;
    const int one = of(v.part), other = of(v.whole), name = other >= 0 ? other : one >= 0 ? one : v.whole;
    of(v.part) = of(v.whole) = name;
    if (one >= 0 && other >= 0) std::replace(group.begin(), group.end(), one, other);
  }
  return group;
}

/// Of related tensors that live at one node: what they need at least. Those whose nodes write them share nothing with each
/// other.
struct related_bytes {
  std::int64_t written = 0;
  std::int64_t largest = 0;
  void add(const graph_view& g, const plan_buffers& b, int t) {
    const int view = detail::first_view(b, b.first[t]);
    const bool handed_on = b.first[t] >= 0 && b.first[t] < g.node_count && view < b.view_count && b.views[view].node == b.first[t];
    if (!handed_on) written += b.size[t];
    largest = std::max(largest, b.size[t]);
  }
  std::int64_t least() const { return std::max(written, largest); }
};
struct related_at_step {
  related_bytes all, others, made, dying;
};

std::vector<step_memory> steps_of(const graph_view& g, const plan_buffers& b) {
  std::vector<step_memory> steps(static_cast<std::size_t>(g.node_count));
  const std::vector<int> group = relations_of(g, b);
  std::map<std::pair<int, int>, related_at_step> related;
  for (int t = 0; t < g.tensor_count; ++t) {
    if (b.size[t] == 0 || b.first[t] > b.last[t]) continue;
    for (int k = std::max(b.first[t], 0); k <= std::min(b.last[t], g.node_count - 1); ++k) {
      if (const int name = group[static_cast<std::size_t>(t)]; name >= 0) {
        related_at_step& r = related[{k, name}];
        r.all.add(g, b, t);
        (b.first[t] == k ? r.made : b.last[t] == k ? r.dying : r.others).add(g, b, t);
        continue;
      }
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
  for (const auto& [at, r] : related) {
    step_memory& s = steps[static_cast<std::size_t>(at.first)];
    const std::int64_t left = r.all.least() - r.others.least();  // for what this node makes and what dies in it
    const std::int64_t made = std::min(r.made.least(), left), dying = std::min(r.dying.least(), left);
    s.others += r.others.least();
    s.made += made;
    s.dying += dying;
    s.shared += made + dying - left;
  }
  for (step_memory& s : steps) s.shared = std::min({s.shared, s.made, s.dying});
  return steps;
}

std::int64_t lower_bound_of(const graph_view& g, const plan_buffers& b) {
  std::int64_t most = 0;
  for (const step_memory& s : steps_of(g, b)) most = std::max(most, s.kernel_bound());
  return most;
}

/// First fit with the neighbours of every tensor worked out once. Bodies (ir/views.hpp) are placed as one.
class fitter {
 public:
  fitter(const graph_view& g, plan_buffers& b) : g_(g), b_(b) {
    std::vector<int> all;
    for (int t = 0; t < g.tensor_count; ++t)
      if (b.size[t] > 0 && b.first[t] <= b.last[t]) all.push_back(t);
    near_.resize(static_cast<std::size_t>(g.tensor_count));
    for (int i : all) {
      if (lead_of(i) == i) planned_.push_back(i);
      for (int j : all)
        if (i != j && lead_of(i) != lead_of(j) && detail::alive_together(b, i, j)) near_[static_cast<std::size_t>(i)].push_back(j);
    }
  }
  /// One tensor of every body.
  const std::vector<int>& planned() const { return planned_; }
  std::int64_t size_of(int lead) const { return b_.body ? b_.body[lead].extent : b_.size[lead]; }
  int first_of(int lead) const { return b_.body ? b_.body[lead].first : b_.first[lead]; }
  int last_of(int lead) const {
    int last = b_.last[lead];
    for (int i = lead; i >= 0; i = next_of(i)) last = std::max(last, b_.last[i]);
    return last;
  }

  /// Places all bodies in this order; gives up once above `limit`.
  std::int64_t fit(const std::vector<int>& order, std::int64_t limit) {
    for (int lead : planned_)
      for (int i = lead; i >= 0; i = next_of(i)) b_.offset[i] = -1;
    std::int64_t total = 0;
    for (int lead : order) {
      gaps_.clear();
      for (int i = lead; i >= 0; i = next_of(i))
        for (int j : near_[static_cast<std::size_t>(i)])
          if (b_.offset[j] >= 0) gaps_.push_back({detail::forbidden(g_, b_, i, j), at_of(i)});
      std::int64_t at = 0;
      for (bool moved = true; moved;) {
        moved = false;
        for (int i = lead; i >= 0; i = next_of(i)) {
          const std::int64_t past = detail::past_wall(b_, at + at_of(i), b_.size[i]) - at_of(i);
          moved |= past != at;
          at = past;
        }
        for (const auto& [taboo, in_body] : gaps_)
          if (taboo.holds(at + in_body)) {
            at = taboo.next(at + in_body) - in_body;
            moved = true;
          }
      }
      for (int i = lead; i >= 0; i = next_of(i)) b_.offset[i] = at + at_of(i);
      total = std::max(total, at + size_of(lead));
      if (total > limit) return total;
    }
    place_scratch(g_, b_, total);
    return total;
  }

 private:
  int lead_of(int t) const { return b_.body ? b_.body[t].lead : t; }
  int next_of(int t) const { return b_.body ? b_.body[t].next : -1; }
  std::int64_t at_of(int t) const { return b_.body ? b_.body[t].at : 0; }

  const graph_view& g_;
  plan_buffers& b_;
  std::vector<int> planned_;
  std::vector<std::vector<int>> near_;
  std::vector<std::pair<detail::taboo, std::int64_t>> gaps_;
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
      if (b.body && b.body[b.body[moved].lead].members > 1) continue;
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

namespace {
/// The search, with bodies as they stand in s.
memory_plan search_orders(const graph_view& g, plan_storage& s, const plan_search_options& options) {
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
  by([&](int t) { return -f.size_of(t); }, "by size");
  by([&](int t) { return f.first_of(t); }, "by time");
  by([&](int t) { return -f.last_of(t); }, "by end, reversed");
  by([&](int t) { return -f.first_of(t); }, "by time, reversed");
  by([&](int t) { return -f.size_of(t) * (f.last_of(t) - f.first_of(t) + 1); }, "by size and life");

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
}  // namespace

memory_plan search_plan(const graph_view& g, const node_needs& needs, const plan_search_options& options) {
  plan_storage s(g, needs, false);
  s.b.walls = options.walls.data();
  s.b.wall_count = static_cast<int>(options.walls.size());
  tensor_body* const bodies = s.b.body;
  const auto search = [&](bool tied) {
    s.b.body = tied ? bodies : nullptr;
    memory_plan p = search_orders(g, s, options);
    s.b.body = bodies;
    return p;
  };
  const auto copied = [&](const memory_plan& p) {
    return std::count_if(needs.views.begin(), needs.views.end(), [&](const tensor_view& v) {
      return p.offset[static_cast<std::size_t>(v.part)] != p.offset[static_cast<std::size_t>(v.whole)] + v.at;
    });
  };
  // Parts in their wholes, unless the arena is smaller where they are not.
  const bool tied = make_bodies(g, s.b);
  memory_plan best = search(tied);
  if (tied && best.bytes > best.lower_bound) {
    if (memory_plan alone = search(false); alone.bytes < best.bytes) best = std::move(alone);
    if (const std::int64_t bytes = best_plan(g, s.b); bytes < best.bytes) {
      best.bytes = bytes;
      best.how = "as compiled";
      std::copy_n(s.offset.begin(), best.offset.size(), best.offset.begin());
      std::copy_n(s.scratch_offset.begin(), best.scratch.size(), best.scratch.begin());
    }
  }
  // Every reshape in place, where that costs no bytes.
  if (copied(best) > 0 && make_bodies(g, s.b, true))
    if (memory_plan all = search(true); all.bytes <= best.bytes && copied(all) < copied(best)) best = std::move(all);
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
