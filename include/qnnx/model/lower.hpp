// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lowering, last part: the calls. What a node runs from is constant data; symbols are keyed on the tag and a node number;
// kernels are shared per op configuration. The parts before: lowered_nodes.hpp, lowered_plan.hpp, lowered_weights.hpp. Layer 6a.

#include "qnnx/model/bands.hpp"
#include "qnnx/model/lowered_weights.hpp"
#include "qnnx/model/static_call.hpp"
#include "qnnx/tensor/tensor.hpp"

namespace qnnx::inline QNNX_ABI {

namespace detail {
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
}  // namespace detail

template <class Tag, class Isa>
struct lowering : lowered_weights<Tag, Isa> {
  using tag = Tag;
  using laid = lowered_weights<Tag, Isa>;
  using laid::data;
  using laid::g;
  using laid::packed;
  using laid::plan;
  using typename laid::rounding_type;
  template <int I>
  using node_type = typename laid::template node_type<I>;

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
      constexpr auto place = laid::template scratch_at<I>();
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
    if (detail::specialises<Tag>(I) || laid::chain_of(I) >= 0) return {};
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

  /// A node that hands its bytes on has nothing to do where the plan puts its output on its input, or one in the other.
  template <int I>
  static constexpr bool is_done() {
    if constexpr (laid::chain_of(I) >= 0) {
      return false;
    } else if constexpr (requires { node_type<I>::kernel::keeps_bytes; }) {
      const node_desc& n = g.nodes[I];
      return in_arena(g.tensors[n.inputs[0]]) &&
             plan.offset[static_cast<std::size_t>(n.inputs[0])] == plan.offset[static_cast<std::size_t>(n.outputs[0])];
    } else {
      return nothing_to_copy(g, I, plan.offset.data());
    }
  }

  template <int I>
  QNNX_NOINLINE static void run_specialised(const memory& m) {
    using call = static_call<lowering, I>;
    node_type<I>::kernel::run(call{m});
  }
  template <int I>
  static void run_node(const memory& m) {
    using n = node_type<I>;
    constexpr int chain = laid::chain_of(I);
    if constexpr (chain >= 0) bands_of_chain<lowering, chain>::run_share(m, I - target_bands<Tag>::chains[chain].first);
    else if constexpr (is_done<I>()) (void)m;
    else if constexpr (detail::specialises<Tag>(I)) run_specialised<I>(m);
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
    if constexpr (node_split<I>.parts > 1 && !is_done<I>()) {
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
