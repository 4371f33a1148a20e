// SPDX-License-Identifier: Apache-2.0
#pragma once
// Edit primitives of a net: who makes and who reads a tensor, reconnecting, removing, sweeping, ordering, naming.
// Indices stay valid until compact(): a removed node keeps its place with a null op. Layer 6b.

#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI::passes {

/// Makers and readers of every tensor; valid until nodes change.
struct connections {
  std::vector<int> maker;                 // node index, -1: input, constant or nothing
  std::vector<std::vector<int>> readers;  // node indices, one entry per operand that reads the tensor
  explicit connections(const net& n);
  int maker_of(int tensor) const { return tensor < 0 ? -1 : maker[static_cast<std::size_t>(tensor)]; }
  /// The only reader of a tensor that is not a graph output or state, or -1.
  int only_reader(const net& n, int tensor) const;
};

inline net_tensor& tensor_of(net& n, int t) { return n.tensors[static_cast<std::size_t>(t)]; }
inline const net_tensor& tensor_of(const net& n, int t) { return n.tensors[static_cast<std::size_t>(t)]; }
inline net_node& node_of(net& n, int k) { return n.nodes[static_cast<std::size_t>(k)]; }
inline bool is_constant(const net& n, int t) { return t >= 0 && tensor_of(n, t).kind == tensor_kind::constant; }
/// Read from outside, or kept over inferences: must keep its identity.
inline bool is_visible(const net_tensor& t) {
  return t.kind == tensor_kind::app_read || t.kind == tensor_kind::app_readwrite || t.kind == tensor_kind::app_write;
}

inline bool removed(const net_node& k) { return k.op == nullptr; }
inline void remove_node(net_node& k) {
  k.op = nullptr;
  k.inputs.clear();
  k.outputs.clear();
}
/// Every operand that reads `from` reads `to` instead. Returns how many.
int replace_uses(net& n, int from, int to);

/// Removes a node that only passes input 0 on: its readers read the input. A graph output keeps its name: then the
/// input's maker writes the output tensor directly. False where neither is possible (input straight to output).
bool bypass(net& n, int node);

/// Values of a float constant.
std::vector<float> floats_of(const net_tensor& t);
void set_floats(net_tensor& t, const std::vector<float>& values);
/// A new tensor name that begins with `base`.
std::string unique_tensor_name(const net& n, std::string_view base);
std::string unique_node_name(const net& n, std::string_view base);

/// Gives a reader its own copy of a constant that others read too; returns the tensor to edit.
int own_constant(net& n, const connections& c, int tensor);

/// Execution order. Throws error naming the nodes of a cycle.
void sort_nodes(net& n);
/// Drops removed nodes and the tensors that nothing refers to (inputs and outputs of the graph stay), and renumbers.
void compact(net& n);

}  // namespace qnnx::inline QNNX_ABI::passes
