// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "qnnx/op/convert.hpp"
#include "qnnx/op/elementwise_binary.hpp"
#include "qnnx/op/lookup.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

template <class Op>
constexpr bool works_by_value() {
  const bool other = std::is_same_v<Op, op::quantize> || std::is_same_v<Op, op::dequantize> ||
                     std::is_same_v<Op, op::convert> || std::is_same_v<Op, op::cast> ||
                     std::is_same_v<Op, op::elementwise_binary> || std::is_same_v<Op, op::elementwise_unary> ||
                     std::is_same_v<Op, op::elementwise_neuron> || std::is_same_v<Op, op::lookup>;
  return other || requires {
    Op::operation;
  }
  || requires {
    Op::unary_operation;
  }
  || requires(typename Op::params p) {
    Op::as_neuron(p);
  };
}
bool works_by_value(const op_info& op) {
  bool found = false;
#define QNNX_OP(TYPE, HEADER, FAMILY) found |= works_by_value<op::TYPE>() && op.name == op::TYPE::name;
#include "qnnx/op/ops.inc"
#undef QNNX_OP
  return found;
}

bool is_bytes(const net_tensor& t) {
  return is_fixed(t.type) && bits_of(t.type) == 8 && t.enc.defined() && t.enc.scales.size() == 1;
}

/// The nodes that compute functions of tensor `x` alone, in execution order.
std::vector<int> functions_of(const net& n, int x, const std::vector<bool>& by_value) {
  const shape& dims = tensor_of(n, x).dims;
  std::vector<bool> made(n.tensors.size(), false);
  made[static_cast<std::size_t>(x)] = true;
  std::vector<int> nodes;
  for (std::size_t k = 0; k < n.nodes.size(); ++k) {
    const net_node& node = n.nodes[k];
    if (removed(node) || node.outputs.size() != 1 || node.epi.residual >= 0 || node.epi.table >= 0 || !by_value[k])
      continue;
    if (!(tensor_of(n, node.outputs[0]).dims == dims)) continue;
    bool from_x = false;
    bool others = false;
    for (const int t : node.inputs) {
      if (t >= 0 && made[static_cast<std::size_t>(t)])
        from_x = true;
      else if (t >= 0 && !(is_constant(n, t) &&
                           (tensor_of(n, t).dims.size() == 1 || (node.is<op::lookup>() && t == node.inputs[1]))))
        others = true;
    }
    if (!from_x || others) continue;
    made[static_cast<std::size_t>(node.outputs[0])] = true;
    nodes.push_back(static_cast<int>(k));
  }
  return nodes;
}

/// The values of tensors for each of the 256 values of x, by the reference kernels; empty where a node has none.
std::vector<std::vector<std::byte>> tables_of(const net& n, int x, const std::vector<int>& nodes,
                                              const std::vector<int>& wanted) {
  net one;
  one.rounding = n.rounding;
  std::vector<int> index(n.tensors.size(), -1);
  shape line = tensor_of(n, x).dims;
  for (int d = 0; d < line.rank(); ++d) line[d] = d + 1 == line.rank() ? 256 : 1;
  const auto use = [&](int t) {
    int& to = index[static_cast<std::size_t>(t)];
    if (to >= 0) return to;
    net_tensor copy = tensor_of(n, t);
    copy.name = "t" + std::to_string(t);
    if (copy.kind != tensor_kind::constant)
      copy.dims = line, copy.kind = t == x ? tensor_kind::app_write : tensor_kind::app_read;
    return to = one.add_tensor(std::move(copy));
  };
  for (const int k : nodes) {
    net_node copy = n.nodes[static_cast<std::size_t>(k)];
    for (int& t : copy.inputs)
      if (t >= 0) t = use(t);
    for (int& t : copy.outputs) t = use(t);
    one.nodes.push_back(std::move(copy));
  }
  std::vector<std::vector<std::byte>> all;
  try {
    interpreter run(std::shared_ptr<const frozen_net>(one.freeze()), {.backend = "reference"});
    const auto data = run.bytes(index[static_cast<std::size_t>(x)]);
    const unsigned sign = is_signed_fixed(tensor_of(n, x).type) ? 0x80 : 0;
    for (unsigned i = 0; i < 256; ++i) data[i] = static_cast<std::byte>(i ^ sign);
    run.run();
    for (const int t : wanted) {
      const auto bytes = run.bytes(index[static_cast<std::size_t>(t)]);
      all.emplace_back(bytes.begin(), bytes.end());
    }
  } catch (const error&) {
    all.clear();
  }
  return all;
}

/// Makes lookups of x of what is read outside its functions. Returns how many nodes that saves.
int fold_functions_of(net& n, int x, const std::vector<bool>& by_value) {
  const std::vector<int> nodes = functions_of(n, x, by_value);
  if (nodes.size() < 2) return 0;
  const connections c(n);
  const auto inside = [&](int k) { return std::find(nodes.begin(), nodes.end(), k) != nodes.end(); };
  // Results that others read; a result that is no byte keeps the nodes it is made of.
  std::vector<int> results;
  std::vector<bool> kept(n.nodes.size(), false);
  for (const int k : nodes) {
    const int t = n.nodes[static_cast<std::size_t>(k)].outputs[0];
    const auto& readers = c.readers[static_cast<std::size_t>(t)];
    if (!is_visible(tensor_of(n, t)) && std::all_of(readers.begin(), readers.end(), inside)) continue;
    if (is_bytes(tensor_of(n, t)))
      results.push_back(t);
    else
      kept[static_cast<std::size_t>(k)] = true;
  }
  for (auto k = nodes.rbegin(); k != nodes.rend(); ++k)
    if (kept[static_cast<std::size_t>(*k)])
      for (const int t : n.nodes[static_cast<std::size_t>(*k)].inputs)
        if (const int maker = c.maker_of(t); maker >= 0 && inside(maker)) kept[static_cast<std::size_t>(maker)] = true;
  std::erase_if(results, [&](int t) { return kept[static_cast<std::size_t>(c.maker_of(t))]; });
  const auto gone =
      std::count_if(nodes.begin(), nodes.end(), [&](int k) { return !kept[static_cast<std::size_t>(k)]; });
  if (results.empty() || gone <= static_cast<std::ptrdiff_t>(results.size())) return 0;
  const auto tables = tables_of(n, x, nodes, results);
  if (tables.size() != results.size()) return 0;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const net_tensor& y = tensor_of(n, results[i]);
    net_tensor table{.name = unique_tensor_name(n, y.name + "_table"),
                     .kind = tensor_kind::constant,
                     .type = y.type,
                     .dims = {256},
                     .enc = y.enc,
                     .data = tables[i]};
    net_node& k = node_of(n, c.maker_of(results[i]));
    k.op = &info<op::lookup>;
    k.params = {};
    k.epi = {};
    k.inputs = {x, n.add_tensor(std::move(table))};
  }
  remove_dead(n);
  return static_cast<int>(gone) - static_cast<int>(results.size());
}

}  // namespace

int fold_byte_functions(net& n) {
  sort_nodes(n);
  std::vector<bool> by_value;
  for (const net_node& k : n.nodes) by_value.push_back(works_by_value(*k.op));
  int count = 0;
  const auto tensors = static_cast<int>(n.tensors.size());  // tables are added behind
  for (int x = 0; x < tensors; ++x)
    if (!is_constant(n, x) && is_bytes(tensor_of(n, x)) && tensor_of(n, x).dims.rank() > 0)
      count += fold_functions_of(n, x, by_value);
  if (count > 0) compact(n);
  return count;
}

}  // namespace qnnx::inline QNNX_ABI::passes
