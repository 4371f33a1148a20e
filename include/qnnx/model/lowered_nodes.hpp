// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lowering, first part: from the graph value behind a tag to the types and constants of each node, and what its kernel
// asks for, whole or by rows. Layer 6a.

#include <utility>

#include "qnnx/ir/bands.hpp"
#include "qnnx/ir/plan.hpp"
#include "qnnx/ir/verify.hpp"
#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/kernels.hpp"
#include "qnnx/kernel/split.hpp"
#include "qnnx/model/invalid.hpp"
#include "qnnx/op/ops.hpp"

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

/// What a kernel asks for a band of rows of its node. `whole`: the constants of the node, `Words` of them. `weights`: its
/// packed weights, where the parts of its code are wanted.
template <class Kernel, class Rounding, int Inputs, int Outputs, std::size_t Words, class Params>
constexpr band_asks ask_rows(const graph_view& g, int node, Params p, const band_shape& s, const std::int32_t* whole,
                             const std::byte* weights = nullptr) {
  bound_facts<Inputs, Outputs> bound(g, node);
  const bool takes = kernel::takes_node<Kernel>(bound.get(), p);
  const std::int64_t packed = kernel::packed_bytes<Kernel>(bound.get(), p);
  std::array<tensor_desc, Inputs + 1> in{};
  tensor_desc out = *bound.bound.out[0];
  out.dims[1] = s.rows;
  bound.bound.out[0] = &out;
  std::array<int, 4> which{};
  std::size_t reads = 0;
  for (int i = 0; i < Inputs; ++i) {
    const std::int32_t t = g.nodes[node].inputs[static_cast<std::size_t>(i)];
    if (t < 0 || !in_arena(g.tensors[t])) continue;
    tensor_desc& d = in[static_cast<std::size_t>(i)];
    d = g.tensors[t];
    d.dims[1] = s.in_rows[reads];
    bound.bound.in[static_cast<std::size_t>(i)] = &d;
    which[reads++] = i;
  }
  if constexpr (requires { p.pad_amount[0] = 0u; }) {
    p.pad_amount[0] = static_cast<std::uint32_t>(s.top);
    p.pad_amount[1] = static_cast<std::uint32_t>(s.bottom);
  }
  const node_facts f = bound.get();
  band_asks a;
  a.scratch = kernel::scratch_bytes<Kernel>(f, p);
  for (std::size_t i = 0; i < reads; ++i) a.distance[i] = kernel::overlap<Kernel>(f, p, which[i]);
  const std::int64_t count = kernel::constant_words<Kernel>(f, p);
  a.same = kernel::takes_node<Kernel>(f, p) == takes && kernel::packed_bytes<Kernel>(f, p) == packed &&
           count <= static_cast<std::int64_t>(Words);
  if (!a.same) return a;
  if (weights) a.code = kernel::code_parts<Kernel>(f, p, weights);
  std::array<std::int32_t, Words + 1> words{};
  kernel::prepare<Kernel>(f, p, Rounding{}, words.data());
  a.same = kernel::constants_serve<Kernel>(whole, static_cast<std::int64_t>(Words), words.data(), count);
  return a;
}
/// Whether each row of the output is made from nothing but the same row of the operands.
template <class Kernel, int Inputs, int Outputs, class Params>
constexpr bool is_row_wise(const graph_view& g, int node, const Params& p) {
  const bound_facts<Inputs, Outputs> bound(g, node);
  return kernel::independent_dims<Kernel>(bound.get(), p) >= 2;
}

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

template <class Tag, class Isa>
struct lowered_nodes {
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
    using isa = typename decltype(detail::isa_for<lowered_nodes, I, op, signature, ins, outs, Isa>())::type;
    using kernel = qnnx::kernel::select<op, isa, signature>;
    static constexpr detail::node_asks<widest> asks = detail::ask<kernel, ins, outs, widest>(g, I, params, qnnx::kernel::is_specialised<op, isa, signature>());
    static constexpr auto constants =
        detail::make_constants<kernel, rounding_type, ins, outs, static_cast<std::size_t>(asks.constant_words)>(g, I, params);
  };

  /// Of a node that runs in bands of rows.
  template <int I>
  static constexpr band_asks ask_rows(const band_shape& s, const std::byte* weights = nullptr) {
    using n = node_type<I>;
    return detail::ask_rows<typename n::kernel, rounding_type, n::ins, n::outs, static_cast<std::size_t>(n::asks.constant_words)>(
        g, I, n::params, s, n::constants.data(), weights);
  }
  template <int I>
  static constexpr bool is_row_wise() {
    using n = node_type<I>;
    return detail::is_row_wise<typename n::kernel, n::ins, n::outs>(g, I, n::params);
  }
};

}  // namespace qnnx::inline QNNX_ABI
