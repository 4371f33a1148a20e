// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/equalize.hpp"

#include <algorithm>

#include "qnnx/op/depthwise_conv2d.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/edit.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

using passes::connections;
using passes::is_constant;
using passes::node_of;
using passes::tensor_of;

bool is_depthwise(const net_node& k) { return k.is<op::depthwise_conv2d>(); }

/// A float Conv2d (one group) or DepthWiseConv2d (one output per channel) with constant parameters, results not added.
bool takes_part(const net& n, const net_node& k) {
  if (k.epi.residual >= 0 || k.epi.table >= 0 || k.inputs.size() < 2 || !is_constant(n, k.inputs[1])) return false;
  if (k.inputs.size() > 2 && k.inputs[2] >= 0 && !is_constant(n, k.inputs[2])) return false;
  const net_tensor& w = tensor_of(n, k.inputs[1]);
  if (w.type != dtype::float_32) return false;
  if (is_depthwise(k)) return w.dims[hwio::o] == tensor_of(n, k.inputs[0]).dims[nhwc::c];
  return k.is<op::conv2d>() && k.get<op::conv2d>().group == 1;
}

bool is_relu6(const epilogue& e) { return e.act == activation::clamp && e.lo == 0 && e.hi == 6; }

/// The layer that alone reads layer k's output, or -1.
int next_layer(const net& n, const connections& c, int k) {
  const net_node& a = n.nodes[static_cast<std::size_t>(k)];
  if (!takes_part(n, a) || (a.epi.act == activation::clamp && !is_relu6(a.epi))) return -1;
  const int reader = c.only_reader(n, a.outputs[0]);
  if (reader < 0) return -1;
  const net_node& b = n.nodes[static_cast<std::size_t>(reader)];
  return takes_part(n, b) && b.inputs[0] == a.outputs[0] ? reader : -1;
}

/// Weights and bias of a layer as doubles while they are scaled.
struct layer {
  int node = -1;
  shape dims{};
  std::vector<double> w{};
  std::vector<double> b{};
  bool depthwise = false;

  std::size_t out(std::size_t i) const { return i % static_cast<std::size_t>(dims[hwio::o]); }
  std::size_t in(std::size_t i) const {
    return depthwise ? out(i) : i / static_cast<std::size_t>(dims[hwio::o]) % static_cast<std::size_t>(dims[hwio::i]);
  }
  std::vector<double> largest(bool by_input) const {
    std::vector<double> r(static_cast<std::size_t>(by_input && !depthwise ? dims[hwio::i] : dims[hwio::o]), 0.0);
    for (std::size_t i = 0; i < w.size(); ++i) {
      double& m = r[by_input ? in(i) : out(i)];
      m = std::max(m, std::abs(w[i]));
    }
    return r;
  }
};

layer read_layer(const net& n, int node) {
  const net_node& k = n.nodes[static_cast<std::size_t>(node)];
  layer l;
  l.node = node;
  l.dims = tensor_of(n, k.inputs[1]).dims;
  l.depthwise = is_depthwise(k);
  const std::vector<float> w = passes::floats_of(tensor_of(n, k.inputs[1]));
  l.w.assign(w.begin(), w.end());
  if (k.inputs.size() > 2 && k.inputs[2] >= 0) {
    const std::vector<float> b = passes::floats_of(tensor_of(n, k.inputs[2]));
    l.b.assign(b.begin(), b.end());
  }
  return l;
}

void write_layer(net& n, const layer& l) {
  net_node& k = node_of(n, l.node);
  const connections c(n);
  k.inputs[1] = passes::own_constant(n, c, k.inputs[1]);
  passes::set_floats(tensor_of(n, k.inputs[1]), {l.w.begin(), l.w.end()});
  if (l.b.empty()) return;
  if (k.inputs.size() > 2 && k.inputs[2] >= 0) {
    k.inputs[2] = passes::own_constant(n, c, k.inputs[2]);
    passes::set_floats(tensor_of(n, k.inputs[2]), {l.b.begin(), l.b.end()});
  } else {
    const int b = n.add_constant<float>(passes::unique_tensor_name(n, k.name + "_bias"), dtype::float_32,
                                        {static_cast<std::int32_t>(l.b.size())}, {l.b.begin(), l.b.end()});
    node_of(n, l.node).inputs.resize(3);
    node_of(n, l.node).inputs[2] = b;
  }
}

/// Between layers a and b: channel i of a is divided by s[i]. Returns how far the largest is from 1.
double scale_between(layer& a, layer& b, const std::vector<double>& s) {
  for (std::size_t i = 0; i < a.w.size(); ++i) a.w[i] /= s[a.out(i)];
  for (std::size_t i = 0; i < a.b.size(); ++i) a.b[i] /= s[i];
  for (std::size_t i = 0; i < b.w.size(); ++i) b.w[i] *= s[b.in(i)];
  double moved = 0;
  for (double x : s) moved = std::max(moved, std::abs(std::log(x)));
  return moved;
}

}  // namespace

equalize_report equalize_layers(net& n) {
  const connections c(n);
  equalize_report report;
  std::map<int, layer> layers;
  std::vector<std::vector<int>> chains;  // two or three nodes
  for (int k = 0; k < static_cast<int>(n.nodes.size()); ++k) {
    const int second = next_layer(n, c, k);
    if (second < 0 || is_depthwise(node_of(n, k))) continue;
    if (!is_depthwise(node_of(n, second))) {
      chains.push_back({k, second});
      ++report.pairs;
      continue;
    }
    const int third = next_layer(n, c, second);
    if (third < 0 || is_depthwise(node_of(n, third))) continue;
    chains.push_back({k, second, third});
    ++report.triples;
  }
  for (const auto& chain : chains)
    for (std::size_t i = 0; i < chain.size(); ++i) {
      layers.try_emplace(chain[i], read_layer(n, chain[i]));
      net_node& k = node_of(n, chain[i]);
      if (i + 1 == chain.size() || !is_relu6(k.epi)) continue;
      k.epi.act = activation::relu;
      k.epi.lo = k.epi.hi = 0;
      ++report.relu6;
    }
  double moved = 1;
  while (moved > 1e-4 && report.sweeps < 100 && !chains.empty()) {
    ++report.sweeps;
    moved = 0;
    for (const auto& chain : chains) {
      layer& a = layers.at(chain[0]);
      layer& b = layers.at(chain[1]);
      const std::vector<double> r1 = a.largest(false);
      const std::vector<double> r2 = b.largest(true);
      std::vector<double> s(r1.size());
      if (chain.size() == 2) {
        for (std::size_t i = 0; i < s.size(); ++i) s[i] = pair_divisor(r1[i], r2[i]);
        moved = std::max(moved, scale_between(a, b, s));
        continue;
      }
      layer& d = layers.at(chain[2]);
      const std::vector<double> r3 = d.largest(true);
      std::vector<double> s2(r1.size());
      for (std::size_t i = 0; i < s.size(); ++i) {
        const triple_divisors t = divisors_of_three(r1[i], r2[i], r3[i]);
        s[i] = t.first;
        s2[i] = t.second;
      }
      moved = std::max({moved, scale_between(a, b, s), scale_between(b, d, s2)});
    }
  }
  for (const auto& [node, l] : layers) write_layer(n, l);
  return report;
}

int absorb_biases(net& n, const sample_source& samples) {
  const connections c(n);
  std::vector<std::pair<int, int>> edges;
  net probe = n;  // with a twin of every giver that stops before the activation
  std::map<int, std::size_t> twin_of;  // probe node -> edge
  std::vector<net_node> nodes;
  for (int k = 0; k < static_cast<int>(n.nodes.size()); ++k) {
    nodes.push_back(n.nodes[static_cast<std::size_t>(k)]);
    const int to = next_layer(n, c, k);
    if (to < 0 || is_relu6(nodes.back().epi)) continue;
    if (nodes.back().inputs.size() < 3 || nodes.back().inputs[2] < 0) continue;
    const auto padded = [](const auto& p) { return std::any_of(p.pad_amount.begin(), p.pad_amount.end(), [](auto x) { return x != 0; }); };
    const net_node& receiver = node_of(n, to);
    if (is_depthwise(receiver) ? padded(receiver.get<op::depthwise_conv2d>()) : padded(receiver.get<op::conv2d>())) continue;
    net_node twin = nodes.back();
    net_tensor t = tensor_of(n, twin.outputs[0]);
    t.name = passes::unique_tensor_name(probe, t.name + "_before");
    twin.name = passes::unique_node_name(n, twin.name + "_before");
    twin.outputs[0] = probe.add_tensor(std::move(t));
    twin.epi = {};
    twin_of[static_cast<int>(nodes.size())] = edges.size();
    nodes.push_back(std::move(twin));
    edges.emplace_back(k, to);
  }
  probe.nodes = std::move(nodes);
  if (edges.empty()) return 0;

  struct stats {
    std::vector<double> sum, square;
    double count = 0;
  };
  std::vector<stats> seen(edges.size());
  interpreter run(std::shared_ptr<const frozen_net>(probe.freeze()));
  std::vector<std::span<std::byte>> inputs;
  for (int t : probe.of_kind(tensor_kind::app_write)) inputs.push_back(run.bytes(t));
  std::size_t samples_seen = 0;
  for (; samples(samples_seen, inputs); ++samples_seen)
    run.run([&](int step, double) {
      const auto at = twin_of.find(step);
      if (at == twin_of.end()) return;
      const int t = probe.nodes[static_cast<std::size_t>(step)].outputs[0];
      const shape& dims = tensor_of(probe, t).dims;
      const auto channels = static_cast<std::size_t>(dims[nhwc::c]);
      stats& s = seen[at->second];
      s.sum.resize(channels);
      s.square.resize(channels);
      const auto* x = reinterpret_cast<const float*>(run.bytes(t).data());
      for (std::size_t i = 0; i < static_cast<std::size_t>(dims.size()); ++i) {
        const auto v = static_cast<double>(x[i]);
        s.sum[i % channels] += v;
        s.square[i % channels] += v * v;
      }
      s.count += static_cast<double>(dims.size()) / static_cast<double>(channels);
    });
  if (samples_seen == 0) throw error("bias absorption: got no samples, expected one line or more in the input list");

  int gave = 0;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    layer a = read_layer(n, edges[e].first);
    layer b = read_layer(n, edges[e].second);
    if (b.b.empty()) b.b.assign(static_cast<std::size_t>(b.dims[hwio::o]), 0.0);
    const bool relu = node_of(n, edges[e].first).epi.act != activation::none;
    std::vector<double> moves(a.b.size());
    for (std::size_t i = 0; i < moves.size(); ++i) {
      const double mean = seen[e].sum[i] / seen[e].count;
      moves[i] = absorbed(mean, std::sqrt(std::max(0.0, seen[e].square[i] / seen[e].count - mean * mean)), relu);
      a.b[i] -= moves[i];
    }
    for (std::size_t i = 0; i < b.w.size(); ++i) b.b[b.out(i)] += b.w[i] * moves[b.in(i)];
    if (std::none_of(moves.begin(), moves.end(), [](double m) { return m != 0; })) continue;
    write_layer(n, a);
    write_layer(n, b);
    ++gave;
  }
  return gave;
}

}  // namespace qnnx::inline QNNX_ABI
