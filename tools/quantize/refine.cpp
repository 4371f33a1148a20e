// SPDX-License-Identifier: Apache-2.0
// Error-feedback rounding and bias correction, layer by layer on the stored net's own activations.
#include <numeric>

#include "input_windows.hpp"
#include "qnnx/numeric/saturate.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/optimize.hpp"
#include "quantizer.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

using passes::floats_of;
using passes::tensor_of;
using quantizing::error_feedback;
using quantizing::input_windows;
using quantizing::moments;

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

/// The values of a tensor in units of its scale: q + offset, or the floats themselves.
void read_steps(const net_tensor& t, std::span<const std::byte> bytes, std::vector<float>& out) {
  const auto count = static_cast<std::size_t>(t.dims.size());
  out.resize(count);
  const auto fill = [&]<class T>(const T* p) {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(static_cast<std::int32_t>(p[i]) + t.enc.offset());
  };
  switch (t.type) {
    case dtype::ufixed_8: fill(reinterpret_cast<const std::uint8_t*>(bytes.data())); break;
    case dtype::sfixed_8: fill(reinterpret_cast<const std::int8_t*>(bytes.data())); break;
    case dtype::ufixed_16: fill(reinterpret_cast<const std::uint16_t*>(bytes.data())); break;
    case dtype::sfixed_16: fill(reinterpret_cast<const std::int16_t*>(bytes.data())); break;
    default: throw error("tensor '" + t.name + "': activations of type " + std::string(to_string(t.type)) + " cannot be refined for");
  }
}

/// The samples of the float net, in the stored net's input types.
class feeder {
 public:
  feeder(const net& real, const net& stored, const sample_source& samples) : samples_(samples) {
    const std::vector<int> from = real.of_kind(tensor_kind::app_write);
    const std::vector<int> to = stored.of_kind(tensor_kind::app_write);
    if (from.size() != to.size()) throw error("refine: the stored net has other inputs than the float net");
    for (std::size_t i = 0; i < from.size(); ++i) {
      pairs_.emplace_back(tensor_of(real, from[i]), tensor_of(stored, to[i]));
      buffers_.emplace_back(frozen_bytes(pairs_[i].first));
      spans_.emplace_back(buffers_[i]);
    }
  }
  bool fill(std::size_t k, const std::vector<std::span<std::byte>>& inputs) {
    if (!samples_(k, spans_)) return false;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto& [real, stored] = pairs_[i];
      if (real.type == stored.type) {
        std::copy(buffers_[i].begin(), buffers_[i].end(), inputs[i].begin());
        continue;
      }
      const grid g{stored.enc.scale(), stored.enc.offset(), min_value(stored.type), max_value(stored.type)};
      const auto* x = reinterpret_cast<const float*>(buffers_[i].data());
      for (std::size_t e = 0; e < static_cast<std::size_t>(real.dims.size()); ++e) {
        const std::int64_t q = quantize_value(static_cast<double>(x[e]), g);
        if (bits_of(stored.type) == 8) inputs[i][e] = static_cast<std::byte>(q);
        else reinterpret_cast<std::uint16_t*>(inputs[i].data())[e] = static_cast<std::uint16_t>(q);
      }
    }
    return true;
  }

 private:
  static std::size_t frozen_bytes(const net_tensor& t) {
    tensor_desc d;
    d.type = t.type;
    d.dims = t.dims;
    return static_cast<std::size_t>(byte_size(d));
  }
  const sample_source& samples_;
  std::vector<std::pair<net_tensor, net_tensor>> pairs_;
  std::vector<std::vector<std::byte>> buffers_;
  std::vector<std::span<std::byte>> spans_;
};

/// `seen` gets the bytes of tensor `wanted` of the stored net for every sample; only what makes it is run.
template <class Seen>
void each_value(const net& stored, std::size_t node, int wanted, feeder& feed, Seen&& seen) {
  const net_tensor& t = tensor_of(stored, wanted);
  net part = stored;
  part.nodes.resize(node);
  for (net_tensor& other : part.tensors)
    if (other.kind == tensor_kind::app_read) other.kind = tensor_kind::native;
  if (t.kind != tensor_kind::app_write) tensor_of(part, wanted).kind = tensor_kind::app_read;
  passes::remove_dead(part);
  passes::compact(part);
  if (part.nodes.empty()) {  // the input itself
    std::vector<std::vector<std::byte>> raw;
    std::vector<std::span<std::byte>> inputs;
    std::size_t at = 0;
    for (int i : part.of_kind(tensor_kind::app_write)) {
      const net_tensor& in = tensor_of(part, i);
      if (in.name == t.name) at = raw.size();
      raw.emplace_back(static_cast<std::size_t>(in.dims.size() * bits_of(in.type) / 8));
    }
    for (auto& r : raw) inputs.emplace_back(r);
    for (std::size_t k = 0; feed.fill(k, inputs); ++k) seen(std::span<const std::byte>(inputs[at]));
    return;
  }
  interpreter run(std::shared_ptr<const frozen_net>(part.freeze()));
  std::vector<std::span<std::byte>> inputs;
  for (int i : part.of_kind(tensor_kind::app_write)) inputs.push_back(run.bytes(i));
  const int out = part.find(t.name);
  for (std::size_t k = 0; feed.fill(k, inputs); ++k) {
    run.run();
    seen(std::span<const std::byte>(run.bytes(out)));
  }
}

/// Means of the inputs of the named nodes of the float net, per element; returns the number of samples.
std::size_t mean_inputs(const net& real, const std::map<std::string, const net_node*>& layers, const sample_source& samples,
                        std::map<int, std::vector<double>>& means) {
  for (const auto& [name, k] : layers)
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
  if (count == 0) throw error("refine: got no samples, expected one line or more in the input list");
  for (auto& [t, m] : means)
    for (double& x : m) x /= static_cast<double>(count);
  return count;
}

/// A step through output positions that takes about `wanted` of them and never the same columns of every image.
std::int64_t stride_through(std::int64_t positions, std::size_t samples, std::int64_t wanted) {
  std::int64_t step = std::max<std::int64_t>(1, positions * static_cast<std::int64_t>(samples) / wanted);
  while (std::gcd(step, positions) != 1) ++step;
  return step;
}

/// Chooses the stored weights of a layer anew.
void round_weights(net_tensor& stored, const net_tensor& real, const input_windows& w, const std::vector<moments>& seen, bool centred) {
  const std::vector<float> exact = floats_of(real);
  const bool split = stored.enc.scales.size() > 1;
  const bool symmetric = is_signed_fixed(stored.type) && stored.enc.offset() == 0;
  const int bits = stored.enc.bits ? stored.enc.bits : bits_of(stored.type);
  const schema s = is_signed_fixed(stored.type) ? schema::signed_symmetric : schema::unsigned_asymmetric;
  std::vector<std::int64_t> q(exact.size());
  std::vector<double> row(static_cast<std::size_t>(w.taps()));
  for (int g = 0; g < w.groups(); ++g) {
    const error_feedback feedback(seen[static_cast<std::size_t>(g)], centred);
    for (int o = 0; o < w.outputs(); ++o) {
      const auto at = [&](int r) { return static_cast<std::size_t>(w.weight(g, r, o)); };
      grid steps{stored.enc.scales[split ? static_cast<std::size_t>(w.channel(g, o)) : 0], stored.enc.offset(), grid_min(s, bits), grid_max(s, bits)};
      std::int64_t most = 0;
      for (int r = 0; r < w.taps(); ++r) {
        row[static_cast<std::size_t>(r)] = static_cast<double>(exact[at(r)]);
        most = std::max(most, std::abs(quantize_value(row[static_cast<std::size_t>(r)], steps)));
      }
      if (symmetric) {  // no magnitude that nearest rounding does not use: -128 stays out
        steps.q_min = std::max(steps.q_min, -most);
        steps.q_max = std::min(steps.q_max, most);
      }
      const std::vector<std::int64_t> best = feedback.round(row, steps);
      for (int r = 0; r < w.taps(); ++r) q[at(r)] = best[static_cast<std::size_t>(r)];
    }
  }
  quantizing::store_values(stored, q);
}

}  // namespace

int refine(net& stored, const net& real, const sample_source& samples, const refine_options& o) {
  std::map<std::string, const net_node*> layers;
  for (const net_node& k : real.nodes)
    if (quantizing::is_weighted(*k.op) && k.inputs.size() > 1 && passes::is_constant(real, k.inputs[1]) &&
        tensor_of(real, k.inputs[1]).type == dtype::float_32)
      layers.emplace(k.name, &k);
  std::map<int, std::vector<double>> means;
  const std::size_t count = mean_inputs(real, layers, samples, means);
  feeder feed(real, stored, samples);

  int refined = 0;
  for (std::size_t at = 0; at < stored.nodes.size(); ++at) {
    const net_node k = stored.nodes[at];
    const auto found = layers.find(k.name);
    if (found == layers.end() || !passes::is_constant(stored, k.inputs[1]) || !is_fixed(tensor_of(stored, k.inputs[1]).type)) continue;
    const net_node& source = *found->second;
    const net_tensor& x = tensor_of(stored, k.inputs[0]);
    if (!is_fixed(x.type)) continue;
    const bool with_bias = o.bias && k.inputs.size() > 2 && k.inputs[2] >= 0 && tensor_of(stored, k.inputs[2]).type == dtype::sfixed_32;
    const auto windows = o.rounding ? input_windows::of(stored, k) : std::nullopt;
    if (!with_bias && !windows) continue;

    std::vector<moments> seen;
    std::vector<float> row;
    std::int64_t step = 1;
    if (windows) {
      seen.assign(static_cast<std::size_t>(windows->groups()), moments(windows->taps()));
      row.resize(static_cast<std::size_t>(windows->taps()));
      step = stride_through(windows->positions(), count, std::max(8192, 8 * windows->taps()));
    }
    std::vector<double> mean(static_cast<std::size_t>(x.dims.size()), 0.0);
    std::vector<float> steps;
    std::int64_t position = 0;  // over all samples
    each_value(stored, at, k.inputs[0], feed, [&](std::span<const std::byte> bytes) {
      read_steps(x, bytes, steps);
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += static_cast<double>(steps[i]);
      if (!windows) return;
      for (; position < windows->positions(); position += step)
        for (int g = 0; g < windows->groups(); ++g) {
          windows->read(steps.data(), position, g, row.data());
          seen[static_cast<std::size_t>(g)].add(row.data());
        }
      position -= windows->positions();
    });
    net_tensor& weight = tensor_of(stored, k.inputs[1]);
    const net_tensor& exact = tensor_of(real, source.inputs[1]);
    if (windows) round_weights(weight, exact, *windows, seen, with_bias);
    if (with_bias) {
      for (double& m : mean) m *= static_cast<double>(x.enc.scale()) / static_cast<double>(count);
      const std::vector<double> now = mean_output(real, source, mean, real_values(weight));
      const std::vector<double> then = mean_output(real, source, means.at(source.inputs[0]), floats_of(exact));
      const std::vector<float> real_bias = floats_of(tensor_of(real, source.inputs[2]));
      net_tensor& bias = tensor_of(stored, k.inputs[2]);
      for (std::size_t c = 0; c < now.size() && c < static_cast<std::size_t>(bias.dims.size()); ++c) {
        const auto scale = static_cast<double>(bias.enc.scales[bias.enc.scales.size() > 1 ? c : 0]);
        bias.as<std::int32_t>()[c] = saturate<std::int32_t>(round_rne((static_cast<double>(real_bias[c]) + then[c] - now[c]) / scale));
      }
    }
    ++refined;
    if (o.log) o.log(std::string(k.op->name) + " '" + k.name + "'");
  }
  return refined;
}

}  // namespace qnnx::inline QNNX_ABI
