// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lowering: from the graph value behind a tag to types, constants and calls, node by node. Symbols are keyed on the
// tag and a node number; kernels are shared per op configuration. Layer 6a.

#include <utility>

#include "qnnx/ir/plan.hpp"
#include "qnnx/ir/verify.hpp"
#include "qnnx/kernel/kernels.hpp"
#include "qnnx/kernel/split.hpp"
#include "qnnx/model/invalid.hpp"
#include "qnnx/model/static_call.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/tensor/tensor.hpp"

namespace qnnx::inline QNNX_ABI {

namespace detail {

template <class Signatures, int K> struct signature_at;
template <int K, class First, class... Rest>
struct signature_at<signatures<First, Rest...>, K> : signature_at<signatures<Rest...>, K - 1> {};
template <class First, class... Rest>
struct signature_at<signatures<First, Rest...>, 0> { using type = First; };

template <rounding_mode R> struct policy_of;
template <> struct policy_of<rounding_mode::rne> { using type = rounding::rne; };
template <> struct policy_of<rounding_mode::tflite> { using type = rounding::tflite; };
template <> struct policy_of<rounding_mode::half_up> { using type = rounding::half_up; };

constexpr int operand_count(const node_desc& n) {
  return n.input_count - (n.epi.residual >= 0 ? 1 : 0) - (n.epi.table >= 0 ? 1 : 0);
}
template <int Inputs, int Outputs>
constexpr int matching_signature(const graph_view& g, int node) {
  const basic_bound_context<Inputs, Outputs> b(g, g.nodes[node]);
  context c = b.get();
  c.input_count = operand_count(g.nodes[node]);
  for (int s = 0; s < g.nodes[node].op->type_count; ++s)
    if (type_fits(g.nodes[node].op->types[s], c)) return s;
  return -1;
}

/// Facts of a node with resolved encodings; an object, because the contract functions take pointers.
template <int Inputs, int Outputs>
struct bound_facts {
  basic_bound_context<Inputs, Outputs> bound;
  std::array<quant, Inputs + 1> in{};
  std::array<quant, Outputs + 1> out{};
  epilogue epi;
  rounding_mode rounding;

  constexpr bound_facts(const graph_view& g, int node) : bound(g, g.nodes[node]), epi(g.nodes[node].epi), rounding(g.rounding) {
    const node_desc& n = g.nodes[node];
    for (int i = 0; i < n.input_count; ++i)
      if (n.inputs[static_cast<std::size_t>(i)] >= 0)
        in[static_cast<std::size_t>(i)] = g.quant_of(n.inputs[static_cast<std::size_t>(i)]);
    for (int i = 0; i < n.output_count; ++i)
      out[static_cast<std::size_t>(i)] = g.quant_of(n.outputs[static_cast<std::size_t>(i)]);
  }
  constexpr node_facts get() const { return {bound.get(), in.data(), out.data(), epi, rounding}; }
};

/// What a node's kernel asks for.
template <int Inputs>
struct node_asks {
  std::int64_t constant_words = 0;
  std::int64_t scratch = 0;
  std::int64_t packed = 0;
  std::array<std::int64_t, Inputs + 1> distance{};
  std::uint32_t replaced = 0;  // bit i: the packed form stands for input i
  split pieces{};
};
template <class Kernel, int Inputs, int Outputs, int Widest, class Params>
constexpr node_asks<Widest> ask(const graph_view& g, int node, const Params& p, bool optimized) {
  const bound_facts<Inputs, Outputs> bound(g, node);
  const node_facts f = bound.get();
  node_asks<Widest> a;
  a.constant_words = kernel::constant_words<Kernel>(f, p);
  a.scratch = kernel::scratch_bytes<Kernel>(f, p);
  a.packed = kernel::packed_bytes<Kernel>(f, p);
  for (int i = 0; i < Inputs; ++i) {
    const std::int32_t t = g.nodes[node].inputs[static_cast<std::size_t>(i)];
    a.distance[static_cast<std::size_t>(i)] = t < 0 || !in_arena(g.tensors[t]) ? no_overlap : kernel::overlap<Kernel>(f, p, i);
    if (t >= 0 && g.tensors[t].kind == tensor_kind::constant && kernel::replaces<Kernel>(f, p, i)) a.replaced |= 1u << i;
  }
  if constexpr (config::split_steps)
    a.pieces = kernel::split_of<Kernel>(f, p, kernel::estimated_ns(f.c, g.nodes[node].op->price(f.c, g.nodes[node].params), optimized));
  else (void)optimized;
  return a;
}
template <class Kernel, int Inputs, int Outputs, class Params>
constexpr bool takes_node(const graph_view& g, int node, const Params& p) {
  const bound_facts<Inputs, Outputs> bound(g, node);
  return kernel::takes_node<Kernel>(bound.get(), p);
}
template <class Kernel, class Rounding, int Inputs, int Outputs, std::size_t Words, class Params>
constexpr std::array<std::int32_t, Words + 1> make_constants(const graph_view& g, int node, const Params& p) {
  std::array<std::int32_t, Words + 1> w{};
  const bound_facts<Inputs, Outputs> bound(g, node);
  kernel::prepare<Kernel>(bound.get(), p, Rounding{}, w.data());
  return w;
}
/// The instruction set of node I: where packed weights are embedded or made, the first of At and its parents whose kernel
/// takes the node; elsewhere At.
template <class Lowering, int I, class Op, class Sig, int Inputs, int Outputs, class At>
constexpr auto isa_for() {
  if constexpr (!(config::embedded_packed || config::packs_only) || std::is_same_v<At, isa::reference>) return std::type_identity<At>{};
  else if constexpr (takes_node<kernel::select<Op, At, Sig>, Inputs, Outputs>(Lowering::g, I, from_words<typename Op::params>(Lowering::g.nodes[I].params)))
    return std::type_identity<At>{};
  else return isa_for<Lowering, I, Op, Sig, Inputs, Outputs, typename At::parent>();
}
constexpr int widest_node(const graph_view& g) {
  int most = 0;
  for (int k = 0; k < g.node_count; ++k)
    if (g.nodes[k].input_count > most) most = g.nodes[k].input_count;
  return most;
}

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
/// Rows of a list that are alike: `row` has the first of each kind, `slot` the kind of each row.
template <int Count>
struct distinct {
  std::array<int, Count + 1> slot{};
  std::array<int, Count + 1> row{};
  int count = 0;
};
template <int Count, class Same>
constexpr distinct<Count> find_distinct(Same same) {
  distinct<Count> d;
  for (int i = 0; i < Count; ++i) {
    int k = 0;
    while (k < d.count && !same(d.row[static_cast<std::size_t>(k)], i)) ++k;
    if (k == d.count) d.row[static_cast<std::size_t>(d.count++)] = i;
    d.slot[static_cast<std::size_t>(i)] = k;
  }
  return d;
}
/// Where the operands of each node begin in a list of all, and how many of them are inputs.
template <int Nodes>
struct operand_uses {
  std::array<int, Nodes + 1> first{};
  std::array<int, Nodes + 1> inputs{};
  int total = 0;
};
/// The constants of all nodes.
template <int Nodes>
struct constant_rows {
  const std::int32_t* row[Nodes + 1];
  int count[Nodes + 1];
  constexpr bool same(int i, int j) const {
    if (count[i] != count[j]) return false;
    for (int w = 0; w < count[i]; ++w)
      if (row[i][w] != row[j][w]) return false;
    return true;
  }
  /// Where each kind of row begins when they stand one behind the other; the last entry is the end.
  constexpr std::array<int, Nodes + 1> starts(const distinct<Nodes>& kinds) const {
    std::array<int, Nodes + 1> at{};
    for (std::size_t k = 0; k < static_cast<std::size_t>(kinds.count); ++k) at[k + 1] = at[k] + count[kinds.row[k]];
    return at;
  }
};
template <int Count>
struct laid_out {
  std::array<std::int64_t, Count + 1> offset{};
  std::int64_t total = 0;
};
struct graph_io {
  std::array<std::int32_t, 64> inputs{};  // int32_t is long on arm-none-eabi
  std::array<std::int32_t, 64> outputs{};
  int input_count = 0;
  int output_count = 0;
};
constexpr graph_io find_io(const graph_view& g) {
  graph_io io;
  for (int i = 0; i < g.tensor_count; ++i) {
    if (g.tensors[i].kind == tensor_kind::app_write && io.input_count < 64)
      io.inputs[static_cast<std::size_t>(io.input_count++)] = i;
    if (g.tensors[i].kind == tensor_kind::app_read && io.output_count < 64)
      io.outputs[static_cast<std::size_t>(io.output_count++)] = i;
  }
  return io;
}
}  // namespace detail

/// Byte offsets of the static tensors in the weights: in tensor order, each aligned to 16. Those marked in `left_out`
/// get none.
template <int Count>
constexpr detail::laid_out<Count> lay_out_weights(const graph_view& g, const bool* left_out = nullptr) {
  detail::laid_out<Count> d;
  for (int i = 0; i < g.tensor_count; ++i) {
    d.offset[static_cast<std::size_t>(i)] = -1;
    if (g.tensors[i].kind != tensor_kind::constant || (left_out && left_out[i])) continue;
    d.offset[static_cast<std::size_t>(i)] = d.total;
    d.total += align_up(byte_size(g.tensors[i]));
  }
  return d;
}

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

template <class Tag, class Isa>
struct lowering {
  static constexpr bool valid = valid_graph<Tag>();  // a wrong graph ends the compilation here, with one sentence;
  static constexpr graph_view g = valid ? detail::graph_source<Tag>::get() : graph_view{};  // the rest sees none
  using rounding_type = typename detail::policy_of<g.rounding>::type;
  static constexpr detail::graph_io io = detail::find_io(g);
  static constexpr int widest = detail::widest_node(g);

  /// Types and constants of node I. Nothing but data: what a compiler would instantiate per node is in detail, per
  /// kernel.
  template <int I>
  struct node_type {
    using op = typename op_of<g.nodes[I].op->id>::type;
    static constexpr int ins = g.nodes[I].input_count;
    static constexpr int outs = g.nodes[I].output_count;
    using signature = typename detail::signature_at<typename op::types, detail::matching_signature<ins, outs>(g, I)>::type;
    static constexpr typename op::params params = from_words<typename op::params>(g.nodes[I].params);
    using isa = typename decltype(detail::isa_for<lowering, I, op, signature, ins, outs, Isa>())::type;
    using kernel = qnnx::kernel::select<op, isa, signature>;
    static constexpr detail::node_asks<widest> asks = detail::ask<kernel, ins, outs, widest>(g, I, params, qnnx::kernel::is_specialised<op, isa, signature>());
    static constexpr auto constants =
        detail::make_constants<kernel, rounding_type, ins, outs, static_cast<std::size_t>(asks.constant_words)>(g, I, params);
  };

  /// What the kernels ask of the planner; where steps run in pieces, fewer overlaps.
  static constexpr auto make_asked(bool in_pieces) {
    return [=]<int... I>(std::integer_sequence<int, I...>) {
      const detail::node_asks<widest> rows[] = {node_type<I>::asks..., {}};
      detail::plan_asks<g.node_count, widest> a;
      for (int k = 0; k < g.node_count; ++k) {
        a.scratch[static_cast<std::size_t>(k)] = rows[k].scratch;
        for (int i = 0; i < widest; ++i)
          a.distance[static_cast<std::size_t>(k * widest + i)] =
              in_pieces ? kernel::overlap_when_cut(rows[k].pieces, i, rows[k].distance[static_cast<std::size_t>(i)]) : rows[k].distance[static_cast<std::size_t>(i)];
      }
      return a;
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static constexpr detail::plan_asks<g.node_count, widest> asked = make_asked(false);
  static constexpr detail::plan_asks<g.node_count, widest> asked_in_pieces = make_asked(config::split_steps);

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
      plan_buffers b{first.data(), last.data(), order.data(), size.data(), r.offset.data(), r.scratch.data(),
                     asked.distance.data(), asked.scratch.data(), widest, given::walls, given::wall_count};
      lifetimes(g, b);
      constexpr bool for_target = given::offset != nullptr;
      if (for_target || (g.plan && !config::own_plan)) {
        for (int t = 0; t < tensors; ++t) r.offset[static_cast<std::size_t>(t)] = for_target ? given::offset[t] : g.plan[t];
        r.total = for_target ? given::bytes : g.planned_bytes;
        r.fault = find_collision(g, b);
        for (int t = 0; t < tensors && r.fault < 0; ++t)
          if (b.size[t] > 0 && b.first[t] <= b.last[t] && b.offset[t] + b.size[t] > r.total) r.fault = t;
        if constexpr (for_target) {
          for (int k = 0; k < g.node_count; ++k) r.scratch[static_cast<std::size_t>(k)] = given::scratch[k];
          if (r.fault < 0)
            if (const int k = find_scratch_collision(g, b, r.total); k >= 0) r.fault = g.nodes[k].outputs[0];
        } else {
          // A right plan may still let steps overlap that could run in pieces.
          b.distance = asked_in_pieces.distance.data();
          if (r.fault >= 0 || !config::split_steps || find_collision(g, b) < 0) place_scratch(g, b, r.total);
          else r.total = best_plan(g, b);
        }
      } else {
        b.distance = asked_in_pieces.distance.data();
        r.total = best_plan(g, b);
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
  static constexpr detail::laid_out<g.tensor_count> canonical = lay_out_weights<g.tensor_count>(g);
  /// Static tensors that stay beside the packed form: all but those that every reader has packed.
  static constexpr auto make_kept() {
    return [&]<int... I>(std::integer_sequence<int, I...>) {
      const std::uint32_t replaced[] = {node_type<I>::asks.replaced..., 0};
      std::array<bool, g.tensor_count + 1> gone{};
      for (bool wanted : {false, true})  // first who is packed somewhere, then who is read plainly
        for (int k = 0; k < g.node_count; ++k)
          for (int i = 0; i < g.nodes[k].input_count; ++i) {
            const std::int32_t t = g.nodes[k].inputs[static_cast<std::size_t>(i)];
            if (t >= 0 && ((replaced[k] >> i) & 1u) != wanted) gone[static_cast<std::size_t>(t)] = !wanted;
          }
      return lay_out_weights<g.tensor_count>(g, gone.data());
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static constexpr auto make_data() {
    if constexpr (config::embedded_packed) return make_kept();
    else return canonical;
  }
  static constexpr detail::laid_out<g.tensor_count> data = make_data();

  static constexpr auto make_packed() {
    return [&]<int... I>(std::integer_sequence<int, I...>) {
      detail::laid_out<g.node_count> r;
      const std::int64_t bytes[] = {node_type<I>::asks.packed..., 0};
      for (int k = 0; k < g.node_count; ++k) {
        r.offset[static_cast<std::size_t>(k)] = r.total;
        r.total += align_up(bytes[k], 64);
      }
      return r;
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static constexpr detail::laid_out<g.node_count> packed = make_packed();

  static constexpr operand make_operand(std::int32_t t) {
    operand o;
    if (t < 0) return o;
    const tensor_desc& d = g.tensors[t];
    o.dims = d.dims;
    o.q = g.quant_of(t);
    o.where = d.kind == tensor_kind::constant ? bank::weights : d.kind == tensor_kind::null ? bank::absent : bank::arena;
    const auto i = static_cast<std::size_t>(t);
    o.at = static_cast<std::ptrdiff_t>(d.kind == tensor_kind::constant ? data.offset[i] : plan.offset[i]);
    if (d.kind == tensor_kind::constant && o.at < 0) o.q = {};  // left out: nothing reads its scales
    return o;
  }
  /// Inputs that the kernel of node I is told of: not the last ones where the packed form stands for them.
  template <int I>
  static constexpr int told_inputs() {
    const node_desc& n = g.nodes[I];
    int count = n.input_count;
    if constexpr (config::embedded_packed && kernel::packed_is_enough<typename node_type<I>::kernel>())
      for (; count > 1 && node_type<I>::asks.packed > 0; --count) {
        const std::int32_t t = n.inputs[static_cast<std::size_t>(count - 1)];
        const bool absent = t < 0 || g.tensors[t].kind == tensor_kind::null;
        if (!absent && ((node_type<I>::asks.replaced >> (count - 1)) & 1u) == 0) break;
      }
    return count;
  }
  /// What steps have in common stands in flash once: operands, parameters, constants, epilogues. Models of many nodes are
  /// for hosts, where that would cost the compiler more than it saves.
  static constexpr bool shares_tables = g.node_count <= 128;
  struct shared {
    static constexpr int nodes = g.node_count;
    static constexpr auto make_uses() {
      return []<int... I>(std::integer_sequence<int, I...>) {
        const int ins[] = {told_inputs<I>()..., 0};
        detail::operand_uses<nodes> u;
        for (int k = 0; k < nodes; ++k) {
          u.inputs[static_cast<std::size_t>(k)] = ins[k];
          u.first[static_cast<std::size_t>(k)] = u.total;
          u.total += ins[k] + g.nodes[k].output_count;
        }
        return u;
      }(std::make_integer_sequence<int, nodes>{});
    }
    static constexpr auto uses = make_uses();
    static constexpr auto make_used() {
      std::array<operand, static_cast<std::size_t>(uses.total) + 1> a{};
      for (int k = 0; k < nodes; ++k) {
        auto at = static_cast<std::size_t>(uses.first[static_cast<std::size_t>(k)]);
        for (int i = 0; i < uses.inputs[static_cast<std::size_t>(k)]; ++i)
          a[at++] = make_operand(g.nodes[k].inputs[static_cast<std::size_t>(i)]);
        for (int i = 0; i < g.nodes[k].output_count; ++i)
          a[at++] = make_operand(g.nodes[k].outputs[static_cast<std::size_t>(i)]);
      }
      return a;
    }
    static constexpr auto make_operand_kinds() {
      constexpr auto used = make_used();
      return detail::find_distinct<uses.total>([&](int i, int j) {
        return used[static_cast<std::size_t>(i)] == used[static_cast<std::size_t>(j)];
      });
    }
    static constexpr auto operand_kinds = make_operand_kinds();
    static constexpr auto make_operands() {
      constexpr auto used = make_used();
      std::array<operand, static_cast<std::size_t>(operand_kinds.count)> a{};
      for (std::size_t i = 0; i < a.size(); ++i) a[i] = used[static_cast<std::size_t>(operand_kinds.row[i])];
      return a;
    }
    static constexpr auto operands = make_operands();
    static constexpr auto make_refs() {
      std::array<const operand*, static_cast<std::size_t>(uses.total)> a{};
      for (std::size_t i = 0; i < a.size(); ++i) a[i] = &operands[static_cast<std::size_t>(operand_kinds.slot[i])];
      return a;
    }
    static constexpr auto refs = make_refs();

    static constexpr auto param_kinds = detail::find_distinct<nodes>(
        [](int i, int j) { return g.nodes[i].op == g.nodes[j].op && g.nodes[i].params == g.nodes[j].params; });
    static constexpr auto epilogue_kinds =
        detail::find_distinct<nodes>([](int i, int j) { return g.nodes[i].epi == g.nodes[j].epi; });

    static constexpr auto make_words() {
      return []<int... I>(std::integer_sequence<int, I...>) {
        return detail::constant_rows<nodes>{{node_type<I>::constants.data()..., nullptr},
                                            {static_cast<int>(node_type<I>::asks.constant_words)..., 0}};
      }(std::make_integer_sequence<int, nodes>{});
    }
    static constexpr auto words = make_words();
    static constexpr auto word_kinds = detail::find_distinct<nodes>([](int i, int j) { return words.same(i, j); });
    static constexpr auto word_starts = words.starts(word_kinds);
    static constexpr auto make_pool() {
      std::array<std::int32_t, static_cast<std::size_t>(word_starts[static_cast<std::size_t>(word_kinds.count)]) + 1> a{};
      for (std::size_t kind = 0; kind < static_cast<std::size_t>(word_kinds.count); ++kind)
        for (int w = 0; w < words.count[word_kinds.row[kind]]; ++w)
          a[static_cast<std::size_t>(word_starts[kind] + w)] = words.row[word_kinds.row[kind]][w];
      return a;
    }
    static constexpr auto pool = make_pool();
  };

  /// The constant data that node I runs from.
  template <int I>
  struct own_data {
    static constexpr auto make_operands() {
      constexpr int ins = g.nodes[I].input_count;
      std::array<operand, static_cast<std::size_t>(ins + g.nodes[I].output_count)> a{};
      for (int i = 0; i < ins; ++i) a[static_cast<std::size_t>(i)] = make_operand(g.nodes[I].inputs[static_cast<std::size_t>(i)]);
      for (int i = 0; i < g.nodes[I].output_count; ++i)
        a[static_cast<std::size_t>(ins + i)] = make_operand(g.nodes[I].outputs[static_cast<std::size_t>(i)]);
      return a;
    }
    static constexpr auto operands = make_operands();
    static constexpr auto make_refs() {
      std::array<const operand*, operands.size()> a{};
      for (std::size_t i = 0; i < a.size(); ++i) a[i] = &operands[i];
      return a;
    }
    static constexpr auto refs = make_refs();
  };
  template <int I>
  struct step_epilogue {
    static constexpr epilogue value = g.nodes[I].epi;
  };
  template <int I>
  struct step_data {
    static constexpr step make() {
      constexpr auto place = static_cast<std::ptrdiff_t>(plan.scratch[I]);
      constexpr auto at = static_cast<std::ptrdiff_t>(packed.offset[I]);
      constexpr auto outs = static_cast<std::int16_t>(g.nodes[I].output_count);
      if constexpr (shares_tables) {
        constexpr int ins = shared::uses.inputs[I];
        constexpr const operand* const* first = shared::refs.data() + shared::uses.first[I];
        return {operand_list(first), operand_list(first + ins), static_cast<std::int16_t>(ins), outs,
                &node_type<shared::param_kinds.row[static_cast<std::size_t>(shared::param_kinds.slot[I])]>::params,
                shared::pool.data() + shared::word_starts[static_cast<std::size_t>(shared::word_kinds.slot[I])], place, at,
                step_epilogue<shared::epilogue_kinds.row[static_cast<std::size_t>(shared::epilogue_kinds.slot[I])]>::value};
      } else {
        constexpr int ins = g.nodes[I].input_count;
        return {operand_list(own_data<I>::refs.data()), operand_list(own_data<I>::refs.data() + ins), static_cast<std::int16_t>(ins),
                outs, &node_type<I>::params, node_type<I>::constants.data(), place, at, step_epilogue<I>::value};
      }
    }
    static constexpr step value = make();
  };

  /// How node I is cut; whole where it is compiled for its shapes, or where the plan lets it overlap.
  template <int I>
  static constexpr split make_split() {
    constexpr split s = node_type<I>::asks.pieces;
    if (detail::specialises<Tag>(I)) return {};
    const auto at = [](std::int32_t t) { return plan.offset[static_cast<std::size_t>(t)]; };
    for (int o = 0; o < g.nodes[I].output_count; ++o)
      for (int i = 0; i < g.nodes[I].input_count; ++i) {
        const std::int32_t in = g.nodes[I].inputs[static_cast<std::size_t>(i)];
        const std::int32_t out = g.nodes[I].outputs[static_cast<std::size_t>(o)];
        if (in >= 0 && in_arena(g.tensors[in]) &&
            !kernel::places_allow_pieces(s, i, at(in), byte_size(g.tensors[in]), at(out), byte_size(g.tensors[out])))
          return {};
      }
    return s;
  }
  template <int I>
  static constexpr split node_split = make_split<I>();

  /// Scratch that each piece after the first needs, behind the arena.
  static constexpr std::int64_t piece_bytes() {
    return []<int... I>(std::integer_sequence<int, I...>) {
      std::int64_t most = 0;
      for (const std::int64_t b : {std::int64_t{0}, (node_split<I>.parts > 1 ? node_type<I>::asks.scratch : 0)...}) most = b > most ? b : most;
      return align_up(most, 64);
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static constexpr kernel::piece_scratch scratch_of_pieces() {
    return {static_cast<std::ptrdiff_t>(align_up(plan.total, 64)), static_cast<std::ptrdiff_t>(piece_bytes())};
  }
  static constexpr std::int64_t arena_bytes(int threads) {
    return threads <= 1 || piece_bytes() == 0 ? plan.total : align_up(plan.total, 64) + (threads - 1) * piece_bytes();
  }

  template <int I>
  QNNX_NOINLINE static void run_specialised(const memory& m) {
    using call = static_call<lowering, I>;
    node_type<I>::kernel::run(call{m});
  }
  template <int I>
  static void run_node(const memory& m) {
    using n = node_type<I>;
    if constexpr (detail::specialises<Tag>(I)) run_specialised<I>(m);
    else kernel::run_shared<typename n::op, typename n::isa, typename n::signature, rounding_type>(step_data<I>::value, m, {}, {});
  }
  static constexpr int chunk = 32;  // nodes per function: bounds the compiler's work on one function
  template <int First, int... J>
  QNNX_NOINLINE static void run_chunk(const memory& m, std::integer_sequence<int, J...>) {
    (run_node<First + J>(m), ...);
  }
  template <int First>
  static void run_from(const memory& m) {
    constexpr int left = g.node_count - First;
    run_chunk<First>(m, std::make_integer_sequence<int, (left < chunk ? left : chunk)>{});
  }
  static void run(const memory& m) {
    [&]<int... C>(std::integer_sequence<int, C...>) {
      const int done[] = {0, (run_from<C * chunk>(m), 0)...};
      (void)done;
    }(std::make_integer_sequence<int, (g.node_count + chunk - 1) / chunk>{});
  }
  template <int I>
  static void run_node_on(const executor& e, const memory& m) {
    using n = node_type<I>;
    if constexpr (node_split<I>.parts > 1) {
      if (e.threads > 1)
        return kernel::run_pieces(e, node_split<I>, step_data<I>::value, scratch_of_pieces(), [&](const step& s, part p) {
          kernel::run_shared<typename n::op, typename n::isa, typename n::signature, rounding_type>(s, m, {}, p);
        });
    }
    run_node<I>(m);
  }
  static void run_on(const executor& e, const memory& m) {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      const int done[] = {0, (run_node_on<I>(e, m), 0)...};
      (void)done;
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  template <class Tap>
  static void run_tapped(const memory& m, Tap& tap) {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      const int done[] = {0, (run_node<I>(m), tap(I), 0)...};
      (void)done;
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static void run_one(const memory& m, int i) {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      using fn = void (*)(const memory&);
      static constexpr fn table[] = {&run_node<I>..., nullptr};
      table[i](m);
    }(std::make_integer_sequence<int, g.node_count>{});
  }

  template <int T, int... D>
  static auto extents_of(std::integer_sequence<int, D...>) -> extents<g.tensors[T].dims[D]...>;
  template <int T>
  using extents_at = decltype(extents_of<T>(std::make_integer_sequence<int, g.tensors[T].dims.rank()>{}));
  template <int T>
  static auto encoding_of() {
    constexpr tensor_desc d = g.tensors[T];
    if constexpr (!is_fixed(d.type) || !d.enc.defined()) return unquantized{};
    else if constexpr (d.enc.per_axis()) return per_axis<d.enc.axis>{};
    else if constexpr (d.enc.kind == encoding_kind::block) return per_block<d.enc.axis, d.enc.block>{};
    else return per_tensor<schema_of(d)>{};
  }
  template <int T>
  using tensor_type = tensor<typename datatype_of<g.tensors[T].type>::type,
                             extents_at<T>,
                             decltype(encoding_of<T>())>;

  static constexpr cost cost_total() {
    cost sum;
    for (int k = 0; k < g.node_count; ++k) {
      const bound_context b(g, g.nodes[k]);
      const cost one = g.nodes[k].op->price(b.get(), g.nodes[k].params);
      sum.macs += one.macs;
      sum.ops += one.ops;
    }
    return sum;
  }
};

}  // namespace qnnx::inline QNNX_ABI
