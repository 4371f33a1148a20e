// SPDX-License-Identifier: Apache-2.0
#pragma once
// Is this graph valid? One pass over the nodes with the ops' own rules; the first fault is returned as a value with
// the node's index. The static path turns it into a static_assert, the interpreter and the drivers into a message:
// the same words. Linear in nodes and tensors (names are checked by the builder and the readers). Layer 5b.

#include "qnnx/ir/graph.hpp"

namespace qnnx::inline QNNX_ABI {

struct verdict {
  issue what;
  int node = -1;    // index of the faulty node, -1: a tensor or the graph
  int tensor = -1;  // index of the faulty tensor where there is no node
  constexpr bool ok() const { return what.ok(); }
};

namespace detail {

constexpr bool type_fits(const signature& s, const context& c) {
  if (c.output_count > 0 && s.out != c.out(0).type) return false;
  for (int i = 0; i < c.input_count; ++i) {
    if (!c.has(i)) continue;
    if (s.count == 0) continue;
    const dtype wanted = s.in[static_cast<std::size_t>(i < s.count ? i : s.count - 1)];
    if (c.in(i).type != wanted) return false;
  }
  return true;
}

constexpr text types_of(const context& c) {
  text t;
  t << (c.output_count > 0 ? to_string(c.out(0).type) : std::string_view("?")) << "(";
  for (int i = 0; i < c.input_count; ++i) {
    if (i) t << ", ";
    t << (c.has(i) ? to_string(c.in(i).type) : std::string_view("-"));
  }
  return t << ")";
}

constexpr text nearest_types(const op_info& op, const context& c) {
  text t;
  int shown = 0;
  for (int k = 0; k < op.type_count && shown < 4; ++k) {  // the rows that start with the same data type first
    const signature& s = op.types[k];
    if (s.count > 0 && c.input_count > 0 && s.in[0] != c.in(0).type) continue;
    if (shown++) t << " or ";
    t << to_string(s.out) << "(";
    for (int i = 0; i < s.count; ++i) t << (i ? ", " : "") << to_string(s.in[static_cast<std::size_t>(i)]);
    t << ")";
  }
  if (shown == 0) {
    t << "input 0 of";
    for (int k = 0; k < op.type_count; ++k) t << " " << to_string(op.types[k].in[0]);
  }
  return t;
}

/// real 0 is stored as -offset, which must be a value of the datatype.
constexpr bool offset_fits(dtype t, std::int64_t offset) {
  return bits_of(t) >= 32 || (-offset >= min_value(t) && -offset <= max_value(t));
}

constexpr issue bad_offset(const text& where, dtype t, std::int64_t offset) {
  return {errc::bad_encoding, where, text("offset ") << offset,
          text{} << -max_value(t) << " to " << -min_value(t) << " for " << to_string(t)};
}

constexpr issue check_encoding(const graph_view& g, const tensor_desc& t) {
  if (!is_fixed(t.type)) return {};
  const bool fits = t.enc.per_axis() || offset_fits(t.type, t.enc.offset);
  if (t.enc.kind == encoding_kind::scale_offset && t.enc.scale > 0 && fits) return {};  // the usual case, before any words
  text where;
  where << "tensor " << t.name;
  if (!t.enc.defined()) {
    if (t.type == dtype::sfixed_32 && t.kind == tensor_kind::constant) return {};  // a bias: scale_in * scale_weight
    return {errc::missing_encoding, where, "no encoding", text("scale and offset of a ") << to_string(t.type) << " tensor"};
  }
  if (t.enc.per_axis()) {
    if (t.enc.axis < 0 || t.enc.axis >= t.dims.rank())
      return {errc::bad_encoding, where, text("axis ") << static_cast<int>(t.enc.axis), text("an axis of ") << to_text(t.dims).view()};
    if (static_cast<std::int64_t>(t.enc.count) != t.dims[t.enc.axis])
      return {errc::bad_encoding, where, text{} << t.enc.count << " scales", text{} << t.dims[t.enc.axis] << " scales"};
    if (t.enc.first + t.enc.count > g.pool_count)
      return {errc::bad_encoding, where, "scales outside the pool", text{} << t.enc.count << " scales in the pool"};
    if (g.offsets)
      for (std::uint32_t i = t.enc.first; i < t.enc.first + t.enc.count; ++i)
        if (!offset_fits(t.type, g.offsets[i])) return bad_offset(where, t.type, g.offsets[i]);
    return {};
  }
  if (t.enc.kind == encoding_kind::block) return {};
  if (!fits) return bad_offset(where, t.type, t.enc.offset);
  if (!(t.enc.scale > 0)) return {errc::bad_encoding, where, "a scale of 0, negative or NaN", "a scale above 0"};
  return {};
}

}  // namespace detail

/// The first fault among tensors [from, to), or ok.
constexpr verdict verify_tensors(const graph_view& g, int from, int to) {
  for (int i = from; i < to; ++i) {
    const tensor_desc& t = g.tensors[i];
    for (int d = 0; d < t.dims.rank(); ++d)
      if (t.dims[d] < 1) {
        text where;
        where << "tensor " << t.name;
        return {{errc::wrong_shape, where, to_text(t.dims), "sizes of 1 or more"}, -1, i};
      }
    if (issue e = detail::check_encoding(g, t)) return {e, -1, i};
  }
  return {};
}

/// The first fault among nodes [from, to), or ok. (The static path checks a large graph in pieces, because compilers
/// count the steps of one constant expression.)
constexpr verdict verify_nodes(const graph_view& g, int from, int to, bool with_shapes = true) {
  bound_context bound;  // outside the loop: initialising them costs a compiler more than the checks
  shapes inferred;
  for (int k = from; k < to; ++k) {
    const node_desc& n = g.nodes[k];
    const op_info& op = *n.op;
    int most = op.variadic_in() ? max_inputs : op.input_count;
    if (n.epi.residual >= 0) ++most;
    if (n.epi.table >= 0) ++most;
    int least = 0;
    for (int i = 0; i < op.input_count; ++i)
      if (op.inputs[i].kind != port_kind::optional) least = i + 1;
    if (n.input_count > most || n.input_count < least)
      return {{errc::input_count, "inputs", text{} << n.input_count,
               least == most ? text{} << least : text{} << least << " to " << most}, k, -1};
    if (n.output_count < 1 || (!op.variadic_out() && n.output_count > op.output_count))
      return {{errc::input_count, "outputs", text{} << n.output_count, text{} << op.output_count}, k, -1};
    for (int i = 0; i < n.input_count; ++i) {
      const std::int32_t t = n.inputs[static_cast<std::size_t>(i)];
      if (t >= g.tensor_count)
        return {{errc::unknown_name, op::operand("input", i, op.input_port(i).name), text("tensor ") << t,
                 "a tensor of the graph"}, k, -1};
      if (t < 0 && op.input_port(i).kind == port_kind::required && i < op.input_count)
        return {{errc::input_count, op::operand("input", i, op.input_port(i).name), "nothing",
                 "a tensor: this input is mandatory"}, k, -1};
    }
    bound.bind(g, n);
    context c = bound.get();
    int operands = n.input_count;  // the rules do not see residual and table operands
    if (n.epi.table >= 0) --operands;
    if (n.epi.residual >= 0) --operands;
    c.input_count = operands;
    bool typed = false;
    for (int s = 0; s < op.type_count && !typed; ++s) typed = detail::type_fits(op.types[s], c);
    if (!typed) return {{errc::wrong_dtype, "types", detail::types_of(c), detail::nearest_types(op, c)}, k, -1};
    inferred.count = 0;
    if (issue e = op.rules(c, n.params, inferred)) return {e, k, -1};
    if (with_shapes)
      for (int i = 0; i < n.output_count && i < inferred.count; ++i)
        if (!(c.out(i).dims == inferred[i]))
          return {{errc::wrong_shape, op::operand("output", i, c.out(i).name), to_text(c.out(i).dims),
                   to_text(inferred[i])}, k, -1};
  }
  return {};
}

/// The first fault of the graph, or ok.
constexpr verdict verify(const graph_view& g, bool with_shapes = true) {
  verdict v = verify_tensors(g, 0, g.tensor_count);
  return v.ok() ? verify_nodes(g, 0, g.node_count, with_shapes) : v;
}

/// Execution order: every input is made before it is read, every tensor is made once. `maker` is scratch of
/// tensor_count ints.
constexpr verdict verify_order(const graph_view& g, int* maker) {
  for (int i = 0; i < g.tensor_count; ++i) {
    const tensor_kind kind = g.tensors[i].kind;
    maker[i] = kind == tensor_kind::native || kind == tensor_kind::app_read ? g.node_count : -1;
  }
  for (int k = 0; k < g.node_count; ++k)
    for (int o = 0; o < g.nodes[k].output_count; ++o) {
      const std::int32_t t = g.nodes[k].outputs[static_cast<std::size_t>(o)];
      if (t < 0 || t >= g.tensor_count)
        return {{errc::unknown_name, op::operand("output", o, ""), text("tensor ") << t, "a tensor of the graph"}, k, -1};
      if (maker[t] != g.node_count || g.tensors[t].kind == tensor_kind::constant)
        return {{errc::duplicate_name, op::operand("output", o, g.tensors[t].name), "written before",
                 "a tensor that nothing else writes"}, k, -1};
      maker[t] = k;
    }
  for (int k = 0; k < g.node_count; ++k)
    for (int i = 0; i < g.nodes[k].input_count; ++i) {
      const std::int32_t t = g.nodes[k].inputs[static_cast<std::size_t>(i)];
      if (t < 0) continue;
      if (t >= g.tensor_count)
        return {{errc::unknown_name, op::operand("input", i, ""), text("tensor ") << t, "a tensor of the graph"}, k, -1};
      if (maker[t] == g.node_count)
        return {{errc::unknown_name, op::operand("input", i, g.tensors[t].name), "a tensor that nothing writes",
                 "an input, a constant or a node's output"}, k, -1};
      if (maker[t] >= k)
        return {{errc::cycle, op::operand("input", i, g.tensors[t].name), "made by a later node or by itself",
                 "nodes in execution order"}, k, -1};
    }
  return {};
}

namespace detail {
constexpr bool same_name(std::string_view a, std::string_view b) {  // the cheap differences first
  return a.size() == b.size() && (a.empty() || (a.back() == b.back() && a == b));
}
}  // namespace detail

/// Every tensor and every node has a name of its own. Quadratic: the static path asks it of hand-written nets.
constexpr verdict verify_names(const graph_view& g) {
  for (int i = 0; i < g.tensor_count; ++i)
    for (int j = 0; j < i; ++j)
      if (!g.tensors[i].name.empty() && detail::same_name(g.tensors[i].name, g.tensors[j].name))
        return {{errc::duplicate_name, text("tensor ") << g.tensors[i].name, "a name used twice", "a new name"}, -1, i};
  for (int i = 0; i < g.node_count; ++i)
    for (int j = 0; j < i; ++j)
      if (!g.nodes[i].name.empty() && detail::same_name(g.nodes[i].name, g.nodes[j].name))
        return {{errc::duplicate_name, "node", "a name used twice", "a new name"}, i, -1};
  return {};
}

/// The verdict on a memory plan that puts `tensor` where it may not be.
constexpr verdict bad_plan(const graph_view& g, int tensor, std::int64_t offset) {
  return {{errc::bad_plan, text("tensor ") << g.tensors[tensor].name, text("arena offset ") << offset,
           "aligned bytes inside the arena that no other live tensor has"}, -1, tensor};
}

/// One line: "Conv2d 'stem': wrong shape: input 1 (weight): got [3,3,4,8], expected [3,3,3,8]".
constexpr basic_text<512> describe(const graph_view& g, const verdict& v) {
  basic_text<512> line;
  int node = v.node;
  for (int k = 0; node < 0 && v.tensor >= 0 && k < g.node_count; ++k) {  // a tensor's fault: the first node that has it
    for (int i = 0; i < g.nodes[k].input_count; ++i)
      if (g.nodes[k].inputs[static_cast<std::size_t>(i)] == v.tensor) node = k;
    for (int o = 0; o < g.nodes[k].output_count; ++o)
      if (g.nodes[k].outputs[static_cast<std::size_t>(o)] == v.tensor) node = k;
  }
  if (node >= 0 && node < g.node_count) line << g.nodes[node].op->name << " '" << g.nodes[node].name << "': ";
  line << to_string(v.what.code) << ": " << v.what.where.view() << ": got " << v.what.got.view() << ", expected "
       << v.what.expected.view();
  return line;
}

}  // namespace qnnx::inline QNNX_ABI
