// SPDX-License-Identifier: Apache-2.0
#include "qnnx/op/activations.hpp"
#include "qnnx/op/elementwise_binary.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/passes/edit.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

bool is_sigmoid(const net_node& k) {
  return k.is<op::sigmoid>() || (k.is<op::elementwise_neuron>() && k.get<op::elementwise_neuron>().operation == op::neuron::sigmoid);
}
bool is_product(const net_node& k) {
  return k.is<op::elementwise_multiply>() ||
         (k.is<op::elementwise_binary>() && k.get<op::elementwise_binary>().operation == op::binary::multiply);
}

}  // namespace

int fuse_silu(net& n) {
  int count = 0;
  const connections c(n);
  for (net_node& gate : n.nodes) {
    if (removed(gate) || !is_sigmoid(gate) || gate.epi != epilogue{}) continue;
    const int x = gate.inputs[0];
    const int between = gate.outputs[0];
    const int reader = c.only_reader(n, between);
    if (reader < 0 || tensor_of(n, x).type != dtype::float_32 || tensor_of(n, between).type != dtype::float_32) continue;
    net_node& product = node_of(n, reader);
    if (!is_product(product) || product.epi != epilogue{} || product.inputs.size() != 2) continue;
    if (!((product.inputs[0] == x && product.inputs[1] == between) || (product.inputs[0] == between && product.inputs[1] == x))) continue;
    net_node fused;
    fused.name = product.name;
    fused.op = &info<op::elementwise_neuron>;
    fused.inputs = {x};
    fused.outputs = product.outputs;
    op::neuron_params p;
    p.operation = op::neuron::silu;
    fused.params = to_words(p);
    product = fused;
    remove_node(gate);
    ++count;
  }
  if (count > 0) compact(n);
  return count;
}

}  // namespace qnnx::inline QNNX_ABI::passes
