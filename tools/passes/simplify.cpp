// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "qnnx/op/pad.hpp"
#include "qnnx/op/reshape.hpp"
#include "qnnx/op/transpose.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

void become_reshape(net_node& k, const shape& to) {
  op::reshape::params p;
  for (int d = 0; d < to.rank(); ++d) p.shape.push_back(to[d]);
  k.op = &info<op::reshape>;
  k.set<op::reshape>(p);
  k.inputs.resize(1);
}

/// The node before that makes input 0, if it is of type Op and only this node reads it.
template <class Op>
int feeding(const net& n, const connections& c, const net_node& k) {
  const int maker = c.maker_of(k.inputs[0]);
  if (maker < 0 || c.only_reader(n, k.inputs[0]) < 0) return -1;
  const net_node& m = n.nodes[static_cast<std::size_t>(maker)];
  return !removed(m) && m.is<Op>() && m.epi.plain() ? maker : -1;
}

bool same_type(const net_tensor& a, const net_tensor& b) {
  return a.type == b.type && a.enc == b.enc && a.dims == b.dims;
}

/// Applies one rule to node k. Returns true when something changed (connections are stale then).
bool simplify_node(net& n, const connections& c, int index) {
  net_node& k = node_of(n, index);
  if (removed(k) || k.inputs.empty() || k.outputs.size() != 1 || k.inputs[0] < 0 || !k.epi.plain()) return false;
  const net_tensor& in = tensor_of(n, k.inputs[0]);
  const net_tensor& out = tensor_of(n, k.outputs[0]);
  const std::string_view name = k.op->name;

  if (k.is<op::reshape>()) {
    if (in.dims == out.dims) return same_type(in, out) && bypass(n, index);
    if (const int before = feeding<op::reshape>(n, c, k); before >= 0) {
      const int source = node_of(n, before).inputs[0];
      become_reshape(k, out.dims);
      k.inputs[0] = source;
      remove_node(node_of(n, before));
      return true;
    }
    return false;
  }
  if (k.is<op::transpose>()) {
    const axes perm = k.get<op::transpose>().perm;
    int moved = 0;      // axes that leave their place
    int last_real = -1;  // axes of more than one element must keep their order for a reshape
    bool in_order = true;
    for (int d = 0; d < perm.size(); ++d) {
      if (perm[d] != d) ++moved;
      if (in.dims[perm[d]] == 1) continue;
      if (perm[d] < last_real) in_order = false;
      last_real = perm[d];
    }
    if (moved == 0) return bypass(n, index);
    if (in_order) {
      become_reshape(k, out.dims);
      return true;
    }
    if (const int before = feeding<op::transpose>(n, c, k); before >= 0) {
      const axes first = node_of(n, before).get<op::transpose>().perm;
      axes both;
      for (int d = 0; d < perm.size(); ++d) both.push_back(first[perm[d]]);
      k.set<op::transpose>({.perm = both});
      k.inputs[0] = node_of(n, before).inputs[0];
      remove_node(node_of(n, before));
      return true;
    }
    return false;
  }
  if (k.is<op::pad>()) {
    const auto p = k.get<op::pad>();
    return std::all_of(p.pad_amount.begin(), p.pad_amount.end(), [](auto a) { return a == 0; }) && same_type(in, out) &&
           bypass(n, index);
  }
  if (name == "Cast" || name == "Convert") return same_type(in, out) && bypass(n, index);
  if (name == "Concat" && k.inputs.size() == 1) return same_type(in, out) && bypass(n, index);
  if (k.op->data_movement && k.inputs.size() == 1 && (name == "Squeeze" || name == "ExpandDims")) {
    become_reshape(k, out.dims);
    return true;
  }
  return false;
}

}  // namespace

int simplify(net& n) {
  int count = 0;
  for (bool again = true; again;) {
    again = false;
    const connections c(n);
    for (std::size_t k = 0; k < n.nodes.size() && !again; ++k)
      if (simplify_node(n, c, static_cast<int>(k))) {
        ++count;
        again = true;
      }
  }
  return count;
}

}  // namespace qnnx::inline QNNX_ABI::passes
