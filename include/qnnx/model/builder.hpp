// SPDX-License-Identifier: Apache-2.0
#pragma once
// Writing a net by hand, at compile time. Shapes are inferred as nodes are added; the first mistake is kept in
// `problem` and becomes the compile error. Every layer has a name; its output tensor has the same name. Layer 6a.
//
//   static consteval auto define() {
//     qnnx::builder b;
//     auto x = b.input("x", {1, 28, 28, 1});
//     auto w = b.weight("w", {3, 3, 1, 8});
//     x = b.add<op::conv2d>("conv", {x, w}, {.stride = {2, 2}});
//     b.output(b.add<op::relu>("y", {x}));
//     return b;
//   }

#include "qnnx/ir/graph.hpp"
#include "qnnx/ir/verify.hpp"

namespace qnnx::inline QNNX_ABI {

/// Datatype and encoding of a tensor that is being declared.
struct element {
  dtype type = dtype::float_32;
  encoding enc{};
};
template <class T>
constexpr element quantized(float scale, std::int32_t offset = 0) {
  return {T::code, scale_offset(scale, offset)};
}
inline constexpr element real32{};

struct tensor_id {
  std::int32_t index = node_desc::skipped;
};

template <int MaxTensors, int MaxNodes, int MaxScales>
class basic_builder {
 public:
  basic_text<512> problem;
  std::array<tensor_desc, MaxTensors> tensors{};
  std::array<node_desc, MaxNodes> nodes{};
  std::array<float, MaxScales> scales{};
  std::array<std::string_view, MaxTensors> suffix{};  // of composed names
  int tensor_count = 0;
  int node_count = 0;
  int scale_count = 0;
  rounding_mode rounding = rounding_mode::rne;

  constexpr tensor_id input(std::string_view name, shape dims, element e = {}) {
    return declare({.name = name, .kind = tensor_kind::app_write, .type = e.type, .dims = dims, .enc = e.enc});
  }
  /// Static data: weights, tables. Bytes are laid out in the order of these calls.
  constexpr tensor_id weight(std::string_view name, shape dims, element e = {}) {
    return declare({.name = name, .kind = tensor_kind::constant, .type = e.type, .dims = dims, .enc = e.enc});
  }
  /// Static data with one scale per index of `axis`.
  template <class T>
  constexpr tensor_id weight(std::string_view name, shape dims, int axis, std::initializer_list<float> per_channel) {
    const auto first = static_cast<std::uint32_t>(scale_count);
    for (float s : per_channel) {
      if (scale_count >= MaxScales) return fail(name, "scales", "more than the builder holds"), tensor_id{};
      scales[static_cast<std::size_t>(scale_count++)] = s;
    }
    return declare({.name = name, .kind = tensor_kind::constant, .type = T::code, .dims = dims,
                    .enc = axis_scales(axis, first, static_cast<std::uint32_t>(per_channel.size()))});
  }
  /// Adds a node with one output. `e` is the output's type; without it the output has input 0's type and encoding.
  template <class Op>
  constexpr tensor_id add(std::string_view name, std::initializer_list<tensor_id> inputs,
                          const typename Op::params& p = {}) {
    element e;
    if (inputs.size() > 0 && inputs.begin()->index >= 0) {
      const tensor_desc& first = tensors[static_cast<std::size_t>(inputs.begin()->index)];
      e = {first.type, first.enc};
    }
    return add<Op>(name, inputs, p, e);
  }
  template <class Op>
  constexpr tensor_id add(std::string_view name, std::initializer_list<tensor_id> inputs, const typename Op::params& p,
                          element e, const epilogue& epi = {}) {
    tensor_id out;
    add_many<Op>(name, inputs, p, e, {name}, &out, epi);
    return out;
  }
  /// Adds a node with several outputs named by `names`; their ids go to out[].
  template <class Op>
  constexpr void add_many(std::string_view name, std::initializer_list<tensor_id> inputs, const typename Op::params& p,
                          element e, std::initializer_list<std::string_view> names, tensor_id* out,
                          const epilogue& epi = {}) {
    add_many<Op>(name, inputs.begin(), static_cast<int>(inputs.size()), p, e, names, out, epi);
  }
  template <class Op>
  constexpr void add_many(std::string_view name, const tensor_id* inputs, int input_count, const typename Op::params& p,
                          element e, std::initializer_list<std::string_view> names, tensor_id* out,
                          const epilogue& epi = {}) {
    if (!problem.empty()) return;
    if (node_count >= MaxNodes) return fail(name, "nodes", "more than the builder holds");
    if (input_count > max_inputs)
      return fail(name, "too many inputs", "at most 24", errc::input_count);
    for (int k = 0; k < node_count; ++k)
      if (nodes[static_cast<std::size_t>(k)].name == name) return fail(name, "a name used twice", "a new name", errc::duplicate_name);
    node_desc n = node<Op>(name, {}, {}, p, epi);
    for (int i = 0; i < input_count; ++i) {
      const tensor_id t = inputs[i];
      if (t.index >= tensor_count) return fail(name, "an unknown tensor", "a tensor of this builder", errc::unknown_name);
      n.inputs[static_cast<std::size_t>(n.input_count++)] = t.index;
    }
    nodes[static_cast<std::size_t>(node_count++)] = n;
    // Shapes: the rules see the node before its outputs exist.
    shapes s;
    {
      graph_view g = view();
      const bound_context bound(g, n);
      context c = bound.get();
      c.input_count = n.input_count - (epi.residual >= 0 ? 1 : 0) - (epi.table >= 0 ? 1 : 0);
      verdict v;
      v.node = node_count - 1;
      int least = 0;
      for (int i = 0; i < n.op->input_count; ++i)
        if (n.op->inputs[i].kind != port_kind::optional) least = i + 1;
      const int most = n.op->variadic_in() ? max_inputs : n.op->input_count;
      if (c.input_count < least || c.input_count > most)
        v.what = {errc::input_count, "inputs", text{} << c.input_count, text{} << least << " to " << most};
      for (int i = 0; i < c.input_count && v.ok(); ++i)
        if (!c.has(i) && n.op->input_port(i).kind == port_kind::required)
          v.what = {errc::input_count, op::operand("input", i, n.op->input_port(i).name), "nothing", "a tensor"};
      if (v.ok()) {
        context bare = c;
        bare.output_count = 0;
        v.what = n.op->check(bare, n.params);
      }
      if (v.ok()) v.what = n.op->infer(c, n.params, s);
      if (!v.ok()) {
        problem = describe(g, v);
        return;
      }
    }
    if (static_cast<std::size_t>(s.count) != names.size()) return fail(name, "a wrong number of outputs", "one name each", errc::input_count);
    int k = 0;
    for (std::string_view output : names) {
      out[k] = declare({.name = output, .kind = tensor_kind::native, .type = e.type, .dims = s[k], .enc = e.enc});
      nodes[static_cast<std::size_t>(node_count - 1)].outputs[static_cast<std::size_t>(k)] = out[k].index;
      ++k;
    }
    nodes[static_cast<std::size_t>(node_count - 1)].output_count = k;
  }
  /// Marks a tensor as an output of the graph; it keeps its name.
  constexpr void output(tensor_id t) {
    if (!problem.empty()) return;
    if (t.index < 0 || t.index >= tensor_count) return fail("output", "an unknown tensor", "a tensor of this builder", errc::unknown_name);
    tensors[static_cast<std::size_t>(t.index)].kind = tensor_kind::app_read;
  }

  constexpr graph_view view() const {
    graph_view g;
    g.tensors = tensors.data();
    g.tensor_count = tensor_count;
    g.nodes = nodes.data();
    g.node_count = node_count;
    g.scales = scales.data();
    g.pool_count = static_cast<std::uint32_t>(scale_count);
    g.rounding = rounding;
    return g;
  }

 protected:
  /// `ending`: the rest of a name that is composed ("conv" + "_weight"); see layers.hpp.
  constexpr tensor_id declare(const tensor_desc& t, std::string_view ending = {}) {
    if (!problem.empty()) return {};
    if (tensor_count >= MaxTensors) return fail(t.name, "tensors", "more than the builder holds"), tensor_id{};
    for (int i = 0; i < tensor_count; ++i)
      if (is_named(i, t.name, ending)) return fail(t.name, "a name used twice", "a new name", errc::duplicate_name), tensor_id{};
    suffix[static_cast<std::size_t>(tensor_count)] = ending;
    tensors[static_cast<std::size_t>(tensor_count)] = t;
    return {tensor_count++};
  }
  constexpr bool is_named(int i, std::string_view name, std::string_view ending) const {
    const std::string_view head = tensors[static_cast<std::size_t>(i)].name;
    const std::string_view tail = suffix[static_cast<std::size_t>(i)];
    if (head.size() + tail.size() != name.size() + ending.size()) return false;
    if (head.size() == name.size()) return head == name && tail == ending;
    for (std::size_t k = 0; k < head.size() + tail.size(); ++k)
      if ((k < head.size() ? head[k] : tail[k - head.size()]) != (k < name.size() ? name[k] : ending[k - name.size()]))
        return false;
    return true;
  }
  constexpr void fail(std::string_view name, std::string_view got, std::string_view expected, errc code = errc::unsupported) {
    if (problem.empty()) problem << to_string(code) << ": '" << name << "': got " << got << ", expected " << expected;
  }
};

using builder = basic_builder<128, 96, 1024>;

}  // namespace qnnx::inline QNNX_ABI
