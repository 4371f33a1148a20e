// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "qnnx/op/activations.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

struct clip {
  activation act = activation::none;
  float lo = 0;
  float hi = 0;
};

std::optional<clip> clip_of(const net_node& k) {
  op::neuron_params p;
  if (k.is<op::relu>()) p = op::relu::as_neuron({});
  else if (k.is<op::relu6>()) p = op::relu6::as_neuron({});
  else if (k.is<op::relu1>()) p = op::relu1::as_neuron({});
  else if (k.is<op::relu_min_max>()) p = op::relu_min_max::as_neuron(k.get<op::relu_min_max>());
  else if (k.is<op::elementwise_neuron>()) p = k.get<op::elementwise_neuron>();
  else return std::nullopt;
  if (p.operation == op::neuron::relu) return clip{activation::relu, 0, 0};
  if (p.operation != op::neuron::relu_min_max) return std::nullopt;
  if (p.min_value == 0 && p.max_value >= std::numeric_limits<float>::max()) return clip{activation::relu, 0, 0};
  return clip{activation::clamp, p.min_value, p.max_value};
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// The bounds still apply in order: relu then clamp is a clamp inside both.
clip then(const epilogue& e, const clip& c) {
  if (e.act == activation::none) return c;
  const float inf = std::numeric_limits<float>::max();
  const float lo0 = e.act == activation::relu ? 0.0f : e.lo;
  const float hi0 = e.act == activation::relu ? inf : e.hi;
  const float lo1 = c.act == activation::relu ? 0.0f : c.lo;
  const float hi1 = c.act == activation::relu ? inf : c.hi;
  const float lo = std::min(std::max(lo0, lo1), hi1);
  const float hi = std::max(std::min(hi0, hi1), lo1);
  if (lo == 0 && hi == inf) return {activation::relu, 0, 0};
  return {activation::clamp, lo, hi};
}

}  // namespace

bool takes_activation(const op_info& op) {
  return one_of(op.name, {"Conv2d", "DepthWiseConv2d", "TransposeConv2d", "FullyConnected", "ElementWiseAdd"});
}
bool takes_residual(const op_info& op) {
  return one_of(op.name, {"Conv2d", "DepthWiseConv2d", "TransposeConv2d", "FullyConnected"});
}

int fuse_activations(net& n) {
  int count = 0;
  const connections c(n);
  std::vector<int> maker = c.maker;
  for (net_node& k : n.nodes) {
    if (removed(k) || k.inputs.size() != 1 || k.outputs.size() != 1) continue;
    const auto act = clip_of(k);
    if (!act) continue;
    const int in = k.inputs[0];
    const int out = k.outputs[0];
    const int before = maker[static_cast<std::size_t>(in)];
    if (before < 0 || c.only_reader(n, in) < 0) continue;
    net_node& p = node_of(n, before);
    if (!takes_activation(*p.op) || p.outputs.size() != 1 || p.epi.table >= 0) continue;
    if (tensor_of(n, in).type != tensor_of(n, out).type) continue;
    if (is_fixed(tensor_of(n, in).type) && tensor_of(n, in).enc != tensor_of(n, out).enc) continue;
    if (p.epi.act != activation::none && is_fixed(tensor_of(n, in).type)) continue;
    const clip joined = then(p.epi, *act);
    p.epi.act = joined.act;
    p.epi.lo = joined.lo;
    p.epi.hi = joined.hi;
    p.outputs[0] = out;
    maker[static_cast<std::size_t>(out)] = before;
    remove_node(k);
    ++count;
  }
  return count;
}

int fuse_residuals(net& n) {
  int count = 0;
  const connections c(n);
  for (std::size_t at = 0; at < n.nodes.size(); ++at) {
    net_node& add = n.nodes[at];
    if (removed(add) || add.op->name != "ElementWiseAdd" || add.epi.residual >= 0 || add.epi.table >= 0) continue;
    for (int side : {0, 1}) {
      const int branch = add.inputs[static_cast<std::size_t>(side)];
      const int other = add.inputs[static_cast<std::size_t>(1 - side)];
      const int maker = c.maker_of(branch);
      if (maker < 0 || c.only_reader(n, branch) < 0 || branch == other) continue;
      net_node& conv = node_of(n, maker);
      const net_tensor& mid = tensor_of(n, branch);
      const net_tensor& out = tensor_of(n, add.outputs[0]);
      if (removed(conv) || !takes_residual(*conv.op) || conv.epi.residual >= 0 || conv.epi.table >= 0) continue;
      if (!(mid.dims == out.dims) || !(tensor_of(n, other).dims == out.dims) || tensor_of(n, other).type != out.type) continue;
      if (is_constant(n, other) || conv.inputs.size() >= static_cast<std::size_t>(max_inputs)) continue;
      if (is_fixed(mid.type) && mid.enc.scales.size() != 1) continue;
      // The sum happens where the convolution stood: the other operand must already exist there, so the
      // convolution moves down to the Add's place.
      net_node fused = conv;
      fused.epi.mid_act = conv.epi.act;
      fused.epi.mid_lo = conv.epi.lo;
      fused.epi.mid_hi = conv.epi.hi;
      fused.epi.mid_scale = mid.enc.scale();
      fused.epi.mid_offset = mid.enc.offset();
      fused.epi.act = add.epi.act;
      fused.epi.lo = add.epi.lo;
      fused.epi.hi = add.epi.hi;
      while (static_cast<int>(fused.inputs.size()) < fused.op->input_count) fused.inputs.push_back(-1);
      fused.epi.residual = static_cast<std::int8_t>(fused.inputs.size());
      fused.inputs.push_back(other);
      fused.outputs = add.outputs;
      remove_node(conv);
      add = std::move(fused);
      ++count;
      break;
    }
  }
  return count;
}

}  // namespace qnnx::inline QNNX_ABI::passes
