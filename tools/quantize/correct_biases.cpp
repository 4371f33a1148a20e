// SPDX-License-Identifier: Apache-2.0
#include "qnnx/numeric/saturate.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "quantizer.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

using passes::floats_of;
using passes::tensor_of;

/// Real values of stored weights, in the order of the float constant.
std::vector<float> real_values(const net_tensor& t) {
  net one;  // the view knows every storage form: per channel, packed, narrow
  net_tensor copy = t;
  const int w = one.add_tensor(std::move(copy));
  const auto f = one.freeze(false);
  const quant q = f->g.quant_of(w);
  std::vector<float> v(static_cast<std::size_t>(t.dims.size()));
  const std::int64_t inner = q.scales ? t.dims.product(q.axis + 1, t.dims.rank()) : 1;
  const std::int64_t channels = q.scales ? t.dims[q.axis] : 1;
  const auto fill = [&](const auto& values) {
    for (std::size_t i = 0; i < v.size(); ++i) {
      const std::int64_t c = static_cast<std::int64_t>(i) / inner % channels;
      v[i] = static_cast<float>(static_cast<std::int32_t>(values.load(static_cast<std::int64_t>(i))) + q.offset_at(c)) * q.scale_at(c);
    }
  };
  switch (t.type) {
    case dtype::sfixed_4: fill(view<sfixed<4>, shape>{t.as<std::uint8_t>(), t.dims, &q}); break;
    case dtype::ufixed_8: fill(view<ufixed<8>, shape>{t.as<std::uint8_t>(), t.dims, &q}); break;
    case dtype::sfixed_8: fill(view<sfixed<8>, shape>{t.as<std::int8_t>(), t.dims, &q}); break;
    case dtype::sfixed_16: fill(view<sfixed<16>, shape>{t.as<std::int16_t>(), t.dims, &q}); break;
    default: throw error("tensor '" + t.name + "': weights of type " + std::string(to_string(t.type)) + " cannot be corrected for");
  }
  return v;
}

/// Mean over everything but the last axis of what node k computes from `mean` with weights `w` and no bias.
std::vector<double> mean_output(const net& real, const net_node& k, const std::vector<double>& mean, const std::vector<float>& w) {
  net one;
  net_tensor x = tensor_of(real, k.inputs[0]);
  x.kind = tensor_kind::app_write;
  net_tensor weight = tensor_of(real, k.inputs[1]);
  passes::set_floats(weight, w);
  net_tensor y = tensor_of(real, k.outputs[0]);
  y.kind = tensor_kind::app_read;
  net_node node = k;
  node.epi = {};
  node.inputs = {one.add_tensor(std::move(x)), one.add_tensor(std::move(weight))};
  const int out = one.add_tensor(std::move(y));
  node.outputs = {out};
  one.nodes.push_back(std::move(node));
  interpreter run(std::shared_ptr<const frozen_net>(one.freeze()));
  auto* in = reinterpret_cast<float*>(run.bytes(0).data());
  for (std::size_t i = 0; i < mean.size(); ++i) in[i] = static_cast<float>(mean[i]);
  run.run();
  const shape& dims = tensor_of(one, out).dims;
  const auto channels = static_cast<std::size_t>(dims[dims.rank() - 1]);
  std::vector<double> sums(channels, 0.0);
  const auto* p = reinterpret_cast<const float*>(run.bytes(out).data());
  const auto count = static_cast<std::size_t>(dims.size());
  for (std::size_t i = 0; i < count; ++i) sums[i % channels] += static_cast<double>(p[i]);
  for (double& s : sums) s *= static_cast<double>(channels) / static_cast<double>(count);
  return sums;
}

}  // namespace

int correct_biases(net& stored, const net& real, const sample_source& samples) {
  std::map<std::string, const net_node*> by_name;
  for (const net_node& k : real.nodes)
    if (quantizing::is_weighted(*k.op) && k.inputs.size() > 1 && passes::is_constant(real, k.inputs[1]) &&
        tensor_of(real, k.inputs[1]).type == dtype::float_32)
      by_name.emplace(k.name, &k);

  std::map<int, std::vector<double>> means;  // of every input of those nodes
  for (const auto& [name, k] : by_name)
    means.emplace(k->inputs[0], std::vector<double>(static_cast<std::size_t>(tensor_of(real, k->inputs[0]).dims.size()), 0.0));
  interpreter run(std::shared_ptr<const frozen_net>(real.freeze()));
  const std::vector<int> inputs = real.of_kind(tensor_kind::app_write);
  std::vector<std::span<std::byte>> bytes;
  for (int t : inputs) bytes.push_back(run.bytes(t));
  const auto add = [&](int t) {
    const auto at = means.find(t);
    if (at == means.end()) return;
    const auto* p = reinterpret_cast<const float*>(run.bytes(t).data());
    for (std::size_t i = 0; i < at->second.size(); ++i) at->second[i] += static_cast<double>(p[i]);
  };
  std::size_t count = 0;
  for (; samples(count, bytes); ++count) {
    for (int t : inputs) add(t);
    run.run([&](int step, double) {
      for (int t : real.nodes[static_cast<std::size_t>(step)].outputs) add(t);
    });
  }
  if (count == 0) throw error("bias correction: got no samples, expected one line or more in the input list");
  for (auto& [t, m] : means)
    for (double& x : m) x /= static_cast<double>(count);

  int corrected = 0;
  for (net_node& k : stored.nodes) {
    const auto at = by_name.find(k.name);
    if (at == by_name.end() || !passes::is_constant(stored, k.inputs[1]) || k.inputs.size() < 3 || k.inputs[2] < 0) continue;
    if (!is_fixed(tensor_of(stored, k.inputs[1]).type) || tensor_of(stored, k.inputs[2]).type != dtype::sfixed_32) continue;
    const net_node& source = *at->second;
    std::vector<float> error_of = real_values(tensor_of(stored, k.inputs[1]));
    const std::vector<float> exact = floats_of(tensor_of(real, source.inputs[1]));
    for (std::size_t i = 0; i < exact.size(); ++i) error_of[i] -= exact[i];
    const std::vector<double> e = mean_output(real, source, means.at(source.inputs[0]), error_of);
    net_tensor& bias = tensor_of(stored, k.inputs[2]);
    for (std::size_t c = 0; c < e.size() && c < static_cast<std::size_t>(bias.dims.size()); ++c) {
      const auto scale = static_cast<double>(bias.enc.scales[bias.enc.scales.size() > 1 ? c : 0]);
      auto& b = bias.as<std::int32_t>()[c];
      b = saturate<std::int32_t>(b - round_rne(e[c] / scale));
    }
    ++corrected;
  }
  return corrected;
}

}  // namespace qnnx::inline QNNX_ABI
