// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lowering, second part: the memory plan. The generator's for the target, the model's own, or one made here; chains of
// nodes that run in bands of rows (ir/bands.hpp) are one node to the planner, whose scratch are their line buffers. Layer 6a.

#include "qnnx/model/lowered_nodes.hpp"

namespace qnnx::inline QNNX_ABI {

namespace detail {
template <int Tensors, int Nodes>
struct planned {
  std::array<std::int64_t, Tensors + 1> offset{};
  std::array<std::int64_t, Nodes + 1> scratch{};
  std::int64_t total = 0;
  int fault = -1;  // a tensor that a plan given as data puts where it may not be
};
template <int Nodes, int Widest>
struct plan_asks {
  std::array<std::int64_t, static_cast<std::size_t>(Nodes) * static_cast<std::size_t>(Widest) + 1> distance{};  // plan_buffers
  std::array<std::int64_t, Nodes + 1> scratch{};
};
}  // namespace detail

/// The memory plan that the library generator made for one target: specialised in its builds (model/export.hpp).
/// offset: per tensor; scratch: per node; walls: the ends of all banks but the last.
template <class Tag>
struct target_plan {
  static constexpr const std::int64_t* offset = nullptr;
  static constexpr const std::int64_t* scratch = nullptr;
  static constexpr const std::int64_t* walls = nullptr;
  static constexpr int wall_count = 0;
  static constexpr std::int64_t bytes = 0;
};

/// Chains of nodes that run in bands of rows, in order: specialised by the library generator's builds where a budget
/// demands it.
template <class Tag>
struct target_bands {
  static constexpr const band_chain* chains = nullptr;
  static constexpr int count = 0;
};

template <class Tag, class Isa>
struct lowered_plan : lowered_nodes<Tag, Isa> {
  using nodes = lowered_nodes<Tag, Isa>;
  using nodes::g;
  using nodes::widest;
  template <int I>
  using node_type = typename nodes::template node_type<I>;

  static constexpr int chain_count = target_bands<Tag>::count;
  static constexpr bool streams = chain_count > 0 && !config::packs_only;
  /// The chain that node `node` is in, or -1.
  static constexpr int chain_of(int node) {
    for (int c = 0; streams && c < chain_count; ++c)
      if (target_bands<Tag>::chains[c].holds(node)) return c;
    return -1;
  }
  template <int I>
  static constexpr bool row_wise_in_chain() {
    if constexpr (chain_of(I) >= 0) return nodes::template is_row_wise<I>();
    else return false;
  }
  static constexpr auto make_row_wise() {
    return []<int... I>(std::integer_sequence<int, I...>) {
      return std::array<bool, g.node_count + 1>{row_wise_in_chain<I>()...};
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static constexpr std::array<bool, g.node_count + 1> row_wise = make_row_wise();
  using rows_question = band_asks (*)(const band_shape&, const std::byte*);
  template <int First, int... S>
  static constexpr auto questions_of(std::integer_sequence<int, S...>) {
    return std::array<rows_question, sizeof...(S)>{&nodes::template ask_rows<First + S>...};
  }
  template <int C>
  static constexpr band_memory make_memory() {
    constexpr band_chain c = target_bands<Tag>::chains[C];
    static_assert(c.first >= 0 && c.first < c.last && c.last < g.node_count, "qnnx: target_bands: no such nodes");
    const auto ask = questions_of<c.first>(std::make_integer_sequence<int, c.last - c.first + 1>{});
    return plan_bands(g, c, row_wise.data(), [&](int stage, const band_shape& s) { return ask[static_cast<std::size_t>(stage)](s, nullptr); });
  }
  template <int C>
  static constexpr band_memory memory_of = make_memory<C>();
  template <int C>
  struct chain_fault {
    static constexpr auto make_line() {
      basic_text<512> line;
      constexpr band_chain c = target_bands<Tag>::chains[C];
      if (memory_of<C>.fault)
        line << "model " << g.name << ": nodes " << g.nodes[c.first].name << " to " << g.nodes[c.last].name << " cannot run in bands of rows: " << memory_of<C>.fault;
      return line;
    }
    static constexpr basic_text<512> line = make_line();
  };
  /// The line buffers of all chains.
  static constexpr auto make_memories() {
    return []<int... C>(std::integer_sequence<int, C...>) {
      static_assert((none<chain_fault<C>>() && ...));
      return std::array<band_memory, chain_count + 1>{memory_of<C>...};
    }(std::make_integer_sequence<int, streams ? chain_count : 0>{});
  }
  static constexpr std::array<band_memory, chain_count + 1> memories = make_memories();

  /// Distances per node that the planner is given.
  static constexpr int make_width() {
    int most = widest;
    for (int c = 0; streams && c < chain_count; ++c)
      if (memories[static_cast<std::size_t>(c)].enter_count > most) most = memories[static_cast<std::size_t>(c)].enter_count;
    return most;
  }
  static constexpr int plan_width = make_width();
  /// The graph that is planned: a chain is its last node, which reads all that enters; its others read and make nothing.
  static constexpr auto make_planned_nodes() {
    std::array<node_desc, (streams ? g.node_count : 0) + 1> n{};
    for (int k = 0; streams && k < g.node_count; ++k) {
      const auto at = static_cast<std::size_t>(k);
      n[at] = g.nodes[k];
      const int c = chain_of(k);
      if (c < 0) continue;
      n[at].input_count = n[at].output_count = 0;
      n[at].epi = {};
      if (k != target_bands<Tag>::chains[c].last) continue;
      const band_memory& m = memories[static_cast<std::size_t>(c)];
      n[at].output_count = 1;
      n[at].input_count = m.enter_count;
      for (std::size_t i = 0; i < static_cast<std::size_t>(m.enter_count); ++i) n[at].inputs[i] = m.enters[i];
    }
    return n;
  }
  static constexpr std::array<node_desc, (streams ? g.node_count : 0) + 1> planned_nodes = make_planned_nodes();
  static constexpr graph_view make_planned_graph() {
    graph_view p = g;
    if (streams) p.nodes = planned_nodes.data();
    return p;
  }
  static constexpr graph_view planned_graph = make_planned_graph();

  /// Nodes whose output may stand in an input, or the other way round; none inside a chain.
  static constexpr int view_count = count_views(g);
  static constexpr auto make_views() {
    std::pair<std::array<tensor_view, view_count + 1>, int> v{};
    for (int k = 0; k < g.node_count; ++k)
      if (chain_of(k) < 0) views_of(g, k, [&](const tensor_view& one) { v.first[static_cast<std::size_t>(v.second++)] = one; });
    return v;
  }
  static constexpr auto views = make_views();

  static constexpr void ask_as_chains(detail::plan_asks<g.node_count, plan_width>& a) {
    for (int k = 0; k < g.node_count; ++k) {
      const int c = chain_of(k);
      if (c < 0) continue;
      const band_memory& m = memories[static_cast<std::size_t>(c)];
      const bool last = k == target_bands<Tag>::chains[c].last;
      a.scratch[static_cast<std::size_t>(k)] = last ? m.bytes : 0;
      for (int i = 0; i < plan_width; ++i)
        a.distance[static_cast<std::size_t>(k * plan_width + i)] = last && i < m.enter_count ? m.distance[static_cast<std::size_t>(i)] : no_overlap;
    }
  }
  /// What the kernels ask of the planner; where steps run in pieces, fewer overlaps.
  static constexpr auto make_asked(bool in_pieces) {
    return [=]<int... I>(std::integer_sequence<int, I...>) {
      const detail::node_asks<widest> rows[] = {node_type<I>::asks..., {}};
      detail::plan_asks<g.node_count, plan_width> a;
      for (int k = 0; k < g.node_count; ++k) {
        a.scratch[static_cast<std::size_t>(k)] = rows[k].scratch;
        for (int i = 0; i < widest; ++i)
          a.distance[static_cast<std::size_t>(k * plan_width + i)] =
              in_pieces ? kernel::overlap_when_cut(rows[k].pieces, i, rows[k].distance[static_cast<std::size_t>(i)]) : rows[k].distance[static_cast<std::size_t>(i)];
      }
      if constexpr (streams) ask_as_chains(a);
      return a;
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static constexpr detail::plan_asks<g.node_count, plan_width> asked = make_asked(false);
  static constexpr detail::plan_asks<g.node_count, plan_width> asked_in_pieces = make_asked(config::split_steps);

  /// The plan: the generator's for this target, or the model's own where the kernels accept the reference's distances,
  /// or made here. One that is given is checked.
  static constexpr auto make_plan() {
    constexpr int tensors = g.tensor_count;
    using given = target_plan<Tag>;
    detail::planned<tensors, g.node_count> r;
    if constexpr (config::packs_only) return r;  // runs no node: the generator plans later
    else {
      std::array<int, tensors + 1> first{};
      std::array<int, tensors + 1> last{};
      std::array<int, tensors + 1> order{};
      std::array<std::int64_t, tensors + 1> size{};
      std::array<tensor_body, (view_count > 0 ? tensors : 0) + 1> body{};
      plan_buffers b{first.data(), last.data(), order.data(), size.data(), r.offset.data(), r.scratch.data(),
                     asked.distance.data(), asked.scratch.data(), plan_width, given::walls, given::wall_count,
                     views.first.data(), views.second, view_count > 0 ? body.data() : nullptr};
      lifetimes(planned_graph, b);
      constexpr bool for_target = given::offset != nullptr;
      if (for_target || (g.plan && !config::own_plan && !streams)) {
        for (int t = 0; t < tensors; ++t) r.offset[static_cast<std::size_t>(t)] = for_target ? given::offset[t] : g.plan[t];
        r.total = for_target ? given::bytes : g.planned_bytes;
        r.fault = find_collision(planned_graph, b);
        for (int t = 0; t < tensors && r.fault < 0; ++t)
          if (b.size[t] > 0 && b.first[t] <= b.last[t] && b.offset[t] + b.size[t] > r.total) r.fault = t;
        if constexpr (for_target) {
          for (int k = 0; k < g.node_count; ++k) r.scratch[static_cast<std::size_t>(k)] = given::scratch[k];
          if (r.fault < 0)
            if (const int k = find_scratch_collision(planned_graph, b, r.total); k >= 0) r.fault = planned_graph.nodes[k].outputs[0];
        } else {
          // A right plan may still let steps overlap that could run in pieces.
          b.distance = asked_in_pieces.distance.data();
          if (r.fault >= 0 || !config::split_steps || find_collision(planned_graph, b) < 0) place_scratch(planned_graph, b, r.total);
          else r.total = best_plan(planned_graph, b);
        }
      } else {
        b.distance = asked_in_pieces.distance.data();
        r.total = best_plan(planned_graph, b);
      }
      return r;
    }
  }
  static constexpr detail::planned<g.tensor_count, g.node_count> plan = make_plan();
  struct plan_fault {
    static constexpr auto make_line() {
      basic_text<512> line;
      if constexpr (plan.fault >= 0) line = describe(g, bad_plan(g, plan.fault, plan.offset[plan.fault]));
      return line;
    }
    static constexpr basic_text<512> line = make_line();
  };
  static_assert(none<plan_fault>());
  /// Where the scratch of node I is.
  template <int I>
  static constexpr std::ptrdiff_t scratch_at() {
    constexpr int c = chain_of(I);
    if constexpr (c < 0) {
      return static_cast<std::ptrdiff_t>(plan.scratch[I]);
    } else {
      constexpr band_chain chain = target_bands<Tag>::chains[c];
      return static_cast<std::ptrdiff_t>(plan.scratch[chain.last] + memories[c].scratch[I - chain.first]);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI
