// SPDX-License-Identifier: Apache-2.0
#pragma once
// The graph as a value: tensors, nodes, a pool of scales, by index. `graph_view` is a set of spans over any storage:
// constexpr arrays of a tag (static path) or vectors (interpreter). Nodes stand in execution order. Layer 5b.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "qnnx/numeric/rounding.hpp"
#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI {

/// One node. Operands are indices into the graph's tensors; `skipped` marks an optional input left out in the middle.
struct node_desc {
  static constexpr std::int32_t skipped = -1;

  std::string_view name;
  const op_info* op = nullptr;
  std::array<std::int32_t, max_inputs> inputs{};
  std::array<std::int32_t, max_outputs> outputs{};
  std::int32_t input_count = 0;
  std::int32_t output_count = 0;
  words params{};
  epilogue epi{};
};

/// A node written in one expression: `node<op::conv2d>("stem", {0, 1, 2}, {3}, {.stride = {2, 2}})`.
template <class Op>
constexpr node_desc node(std::string_view name, std::initializer_list<std::int32_t> inputs,
                         std::initializer_list<std::int32_t> outputs, const typename Op::params& p = {},
                         const epilogue& e = {}) {
  node_desc n;
  n.name = name;
  n.op = &info<Op>;
  for (std::int32_t i : inputs)
    if (n.input_count < max_inputs) n.inputs[static_cast<std::size_t>(n.input_count++)] = i;
  for (std::int32_t i : outputs)
    if (n.output_count < max_outputs) n.outputs[static_cast<std::size_t>(n.output_count++)] = i;
  n.params = to_words(p);
  n.epi = e;
  return n;
}

struct graph_view {
  std::string_view name;
  const tensor_desc* tensors = nullptr;
  std::int32_t tensor_count = 0;
  const node_desc* nodes = nullptr;
  std::int32_t node_count = 0;
  const float* scales = nullptr;          // pool of per-axis and block scales
  const std::int32_t* offsets = nullptr;  // the same length, or null where all are 0
  std::uint32_t pool_count = 0;
  rounding_mode rounding = rounding_mode::rne;
  const std::int64_t* plan = nullptr;     // arena offset of every tensor (-1: not in the arena), or null: plan here
  std::int64_t planned_bytes = 0;

  constexpr const tensor_desc& tensor(int i) const { return tensors[i]; }
  constexpr const node_desc& node(int i) const { return nodes[i]; }
  constexpr int find(std::string_view tensor_name) const {
    for (int i = 0; i < tensor_count; ++i)
      if (tensors[i].name == tensor_name) return i;
    return -1;
  }
  constexpr int find_node(std::string_view node_name) const {
    for (int i = 0; i < node_count; ++i)
      if (nodes[i].name == node_name) return i;
    return -1;
  }
  /// The encoding of tensor `i` with its pool entries resolved.
  constexpr quant quant_of(int i) const {
    const encoding& e = tensors[i].enc;
    quant q;
    q.scale = e.scale;
    q.offset = e.offset;
    if (e.per_axis() || e.kind == encoding_kind::block) {
      q.scales = scales + e.first;
      q.offsets = offsets ? offsets + e.first : nullptr;
      q.count = static_cast<std::int32_t>(e.count);
      q.axis = e.axis;
      q.block = static_cast<std::int16_t>(e.block);
    }
    return q;
  }
};

inline constexpr tensor_desc absent_tensor{.name = "", .kind = tensor_kind::null};

/// Operand pointers of one node, for the rules. The sizes may be the node's own, which is kinder to the compiler.
template <int Inputs = max_inputs, int Outputs = max_outputs>
struct basic_bound_context {
  std::array<const tensor_desc*, Inputs + 1> in{};
  std::array<const tensor_desc*, Outputs + 1> out{};
  int input_count = 0;
  int output_count = 0;
  std::string_view node;

  constexpr basic_bound_context() = default;
  constexpr basic_bound_context(const graph_view& g, const node_desc& n) { bind(g, n); }
  constexpr void bind(const graph_view& g, const node_desc& n) {
    input_count = n.input_count;
    output_count = n.output_count;
    node = n.name;
    for (int i = 0; i < n.input_count; ++i) {
      const std::int32_t t = n.inputs[static_cast<std::size_t>(i)];
      in[static_cast<std::size_t>(i)] = t < 0 ? &absent_tensor : &g.tensors[t];
    }
    for (int i = 0; i < n.output_count; ++i)
      out[static_cast<std::size_t>(i)] = &g.tensors[n.outputs[static_cast<std::size_t>(i)]];
  }
  constexpr context get() const { return {node, in.data(), input_count, out.data(), output_count}; }
};
using bound_context = basic_bound_context<>;

}  // namespace qnnx::inline QNNX_ABI
