// SPDX-License-Identifier: Apache-2.0
// A factor and a shift per channel go into the weights next to them:
//   after:   (W x + b) * f + s = (W * f) x + (b * f + s)
//   before:  W (x * f + s) + b = (W * f) x + (b + W s), where no padding brings in zeros that would not be shifted
#include <algorithm>
#include <optional>

#include "qnnx/op/conv2d.hpp"
#include "qnnx/op/transpose_conv2d.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

struct affine {
  int input = -1;  // the tensor that is scaled
  std::vector<double> factor;
  std::vector<double> shift;
  bool shifts() const { return std::any_of(shift.begin(), shift.end(), [](double s) { return s != 0; }); }
};

/// One value per channel of the last axis, or one for all; empty where the constant varies otherwise.
std::vector<double> per_channel(const net_tensor& t, std::int32_t channels) {
  const std::vector<float> v = floats_of(t);
  if (v.size() == 1) return std::vector<double>(static_cast<std::size_t>(channels), static_cast<double>(v[0]));
  if (static_cast<std::int32_t>(v.size()) != channels || t.dims[t.dims.rank() - 1] != channels) return {};
  return {v.begin(), v.end()};
}

std::optional<affine> affine_of(const net& n, const net_node& k) {
  if (removed(k) || k.outputs.size() != 1 || k.inputs.empty() || k.inputs[0] < 0 || !k.epi.plain()) return std::nullopt;
  const net_tensor& out = tensor_of(n, k.outputs[0]);
  if (out.type != dtype::float_32 || out.dims.rank() < 1) return std::nullopt;
  const std::int32_t channels = out.dims[out.dims.rank() - 1];
  const std::string_view name = k.op->name;
  affine a;
  if (name == "Batchnorm") {
    if (!is_constant(n, k.inputs.at(1)) || (k.inputs.size() > 2 && k.inputs[2] >= 0 && !is_constant(n, k.inputs[2]))) return std::nullopt;
    a.input = k.inputs[0];
    a.factor = per_channel(tensor_of(n, k.inputs[1]), channels);
    a.shift = k.inputs.size() > 2 && k.inputs[2] >= 0 ? per_channel(tensor_of(n, k.inputs[2]), channels)
                                                     : std::vector<double>(static_cast<std::size_t>(channels), 0.0);
  } else if (name == "ElementWiseMultiply" || name == "ElementWiseAdd" || name == "ElementWiseSubtract" || name == "ElementWiseDivide") {
    const bool second = is_constant(n, k.inputs.at(1));
    const bool first = is_constant(n, k.inputs[0]);
    if (first == second || (first && (name == "ElementWiseSubtract" || name == "ElementWiseDivide"))) return std::nullopt;
    a.input = k.inputs[first ? 1 : 0];
    const std::vector<double> v = per_channel(tensor_of(n, k.inputs[first ? 0 : 1]), channels);
    const std::vector<double> ones(v.size(), 1.0);
    const std::vector<double> zeros(v.size(), 0.0);
    a.factor = name == "ElementWiseMultiply" || name == "ElementWiseDivide" ? v : ones;
    a.shift = name == "ElementWiseAdd" || name == "ElementWiseSubtract" ? v : zeros;
    if (name == "ElementWiseSubtract")
      for (double& s : a.shift) s = -s;
    if (name == "ElementWiseDivide")
      for (double& f : a.factor) {
        if (f == 0) return std::nullopt;
        f = 1 / f;
      }
  } else {
    return std::nullopt;
  }
  if (a.factor.empty() || a.shift.empty() || !(tensor_of(n, a.input).dims == out.dims)) return std::nullopt;
  return a;
}

bool foldable(const net& n, const net_node& k) {
  if (removed(k) || !k.epi.plain() || k.inputs.size() < 2 || !is_constant(n, k.inputs[1])) return false;
  const std::string_view name = k.op->name;
  if (name != "Conv2d" && name != "DepthWiseConv2d" && name != "TransposeConv2d" && name != "FullyConnected") return false;
  if (tensor_of(n, k.inputs[1]).type != dtype::float_32) return false;
  return k.inputs.size() < 3 || k.inputs[2] < 0 || is_constant(n, k.inputs[2]);
}

/// Weights and bias of a node as doubles, to be edited and put back as constants of its own.
struct parameters {
  net& n;
  net_node& k;
  std::vector<double> w;
  std::vector<double> b;
  shape dims;

  parameters(net& net_, net_node& node, std::int32_t channels) : n(net_), k(node) {
    const std::vector<float> weights = floats_of(tensor_of(n, k.inputs[1]));
    w.assign(weights.begin(), weights.end());
    dims = tensor_of(n, k.inputs[1]).dims;
    b.assign(static_cast<std::size_t>(channels), 0.0);
    if (k.inputs.size() > 2 && k.inputs[2] >= 0) {
      const std::vector<float> bias = floats_of(tensor_of(n, k.inputs[2]));
      b.assign(bias.begin(), bias.end());
    }
  }
  void store() {
    const connections c(n);
    const int weight = own_constant(n, c, k.inputs[1]);
    set_floats(tensor_of(n, weight), {w.begin(), w.end()});
    int bias = k.inputs.size() > 2 ? k.inputs[2] : -1;
    if (bias >= 0) {
      bias = own_constant(n, c, bias);
      set_floats(tensor_of(n, bias), {b.begin(), b.end()});
    } else {
      bias = n.add_constant<float>(unique_tensor_name(n, k.name + "_bias"), dtype::float_32,
                                   {static_cast<std::int32_t>(b.size())}, {b.begin(), b.end()});
    }
    k.inputs.resize(3);
    k.inputs[1] = weight;
    k.inputs[2] = bias;
  }
};

/// Output channel that weight element i adds to.
std::int64_t output_channel(const net_node& k, const shape& w, std::int64_t i) {
  if (k.op->name == "FullyConnected") return i / w[1];
  const std::int64_t o = i % w[hwio::o];
  if (!k.is<op::transpose_conv2d>()) return o;
  const auto group = static_cast<std::int64_t>(k.get<op::transpose_conv2d>().group);
  const std::int64_t ci = i / w[hwio::o] % w[hwio::i];
  return ci / (w[hwio::i] / group) * w[hwio::o] + o;
}

bool fold_after(net& n, int index) {
  const connections c(n);
  net_node& bn = node_of(n, index);
  const auto a = affine_of(n, bn);
  if (!a || c.only_reader(n, a->input) != index || c.maker_of(a->input) < 0) return false;
  net_node& conv = node_of(n, c.maker_of(a->input));
  if (!foldable(n, conv)) return false;
  const auto channels = static_cast<std::int32_t>(a->factor.size());
  parameters p(n, conv, channels);
  if (p.b.size() != a->factor.size()) return false;
  for (std::size_t i = 0; i < p.w.size(); ++i)
    p.w[i] *= a->factor[static_cast<std::size_t>(output_channel(conv, p.dims, static_cast<std::int64_t>(i)))];
  for (std::size_t o = 0; o < p.b.size(); ++o) p.b[o] = p.b[o] * a->factor[o] + a->shift[o];
  conv.outputs[0] = bn.outputs[0];
  remove_node(bn);
  p.store();
  return true;
}

bool fold_before(net& n, int index) {
  const connections c(n);
  net_node& bn = node_of(n, index);
  const auto a = affine_of(n, bn);
  if (!a || bn.op->name != "Batchnorm") return false;
  const int reader = c.only_reader(n, bn.outputs[0]);
  if (reader < 0) return false;
  net_node& conv = node_of(n, reader);
  if (!foldable(n, conv) || conv.inputs[0] != bn.outputs[0]) return false;
  std::int64_t group = 1;
  if (conv.is<op::conv2d>()) {
    const auto q = conv.get<op::conv2d>();
    group = static_cast<std::int64_t>(q.group);
    if (a->shifts() && std::any_of(q.pad_amount.begin(), q.pad_amount.end(), [](auto x) { return x != 0; })) return false;
  } else if (conv.op->name != "FullyConnected" || tensor_of(n, a->input).dims.rank() != 2) {
    return false;
  }
  const bool dense = conv.op->name == "FullyConnected";
  const shape w = tensor_of(n, conv.inputs[1]).dims;
  const std::int32_t channels = dense ? w[0] : w[hwio::o];
  parameters p(n, conv, channels);
  const std::int64_t group_out = channels / group;
  for (std::size_t i = 0; i < p.w.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    const std::int64_t o = dense ? at / w[1] : at % w[hwio::o];
    const std::int64_t in = dense ? at % w[1] : o / group_out * w[hwio::i] + at / w[hwio::o] % w[hwio::i];
    p.b[static_cast<std::size_t>(o)] += p.w[i] * a->shift[static_cast<std::size_t>(in)];
    p.w[i] *= a->factor[static_cast<std::size_t>(in)];
  }
  conv.inputs[0] = a->input;
  remove_node(bn);
  p.store();
  return true;
}

}  // namespace

int fold_batchnorms(net& n) {
  int count = 0;
  for (std::size_t k = 0; k < n.nodes.size(); ++k)
    if (fold_after(n, static_cast<int>(k))) ++count;
  for (std::size_t k = 0; k < n.nodes.size(); ++k)
    if (fold_before(n, static_cast<int>(k))) ++count;
  return count;
}

}  // namespace qnnx::inline QNNX_ABI::passes
