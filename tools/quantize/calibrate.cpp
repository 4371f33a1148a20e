// SPDX-License-Identifier: Apache-2.0
// Runs samples through the float net and records what every tensor held.
#include <cmath>

#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/quantize.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

template <class F>
void each_float(const net_tensor& t, std::span<const std::byte> bytes, F&& f) {
  if (t.type == dtype::float_32) {
    const auto* p = reinterpret_cast<const float*>(bytes.data());
    for (std::size_t i = 0, n = bytes.size() / sizeof(float); i < n; ++i) f(static_cast<double>(p[i]));
  } else if (t.type == dtype::float_16) {
    const auto* p = reinterpret_cast<const half*>(bytes.data());
    for (std::size_t i = 0, n = bytes.size() / sizeof(half); i < n; ++i) f(static_cast<double>(static_cast<float>(p[i])));
  }
}

/// One pass over all samples: `seen(tensor, bytes)` for every fed and every computed tensor.
template <class Seen>
std::size_t each_sample(const net& n, interpreter& run, const sample_source& samples, Seen&& seen) {
  const std::vector<int> inputs = n.of_kind(tensor_kind::app_write);
  std::vector<std::span<std::byte>> bytes;
  for (int t : inputs) bytes.push_back(run.bytes(t));
  std::size_t k = 0;
  for (; samples(k, bytes); ++k) {
    for (int t : inputs) seen(t, run.bytes(t));
    run.run([&](int step, double) {
      for (int t : n.nodes[static_cast<std::size_t>(step)].outputs)
        if (t >= 0) seen(t, run.bytes(t));
    });
  }
  return k;
}

}  // namespace

std::size_t calibrate(net& n, const sample_source& samples, const quantize_options& options) {
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()));
  std::vector<std::optional<real_range>> seen(n.tensors.size());
  const std::size_t count = each_sample(n, run, samples, [&](int t, std::span<const std::byte> bytes) {
    const net_tensor& tensor = n.tensors[static_cast<std::size_t>(t)];
    if (!is_float(tensor.type)) return;
    double lo = INFINITY;
    double hi = -INFINITY;
    each_float(tensor, bytes, [&](double x) {
      if (!std::isfinite(x)) return;
      lo = std::min(lo, x);
      hi = std::max(hi, x);
    });
    if (lo > hi) return;
    auto& r = seen[static_cast<std::size_t>(t)];
    r = r ? hull(*r, {lo, hi}) : real_range{lo, hi};
  });
  if (count == 0)
    throw error("calibration: got no samples, expected one line or more in the input list");

  if (options.act_calibration != calibration::min_max) {
    std::map<int, histogram> bins;
    for (std::size_t t = 0; t < seen.size(); ++t)
      if (seen[t]) bins.emplace(static_cast<int>(t), histogram(*seen[t]));
    each_sample(n, run, samples, [&](int t, std::span<const std::byte> bytes) {
      const auto at = bins.find(t);
      if (at == bins.end()) return;
      each_float(n.tensors[static_cast<std::size_t>(t)], bytes, [&](double x) { at->second.add(x); });
    });
    for (const auto& [t, h] : bins)
      seen[static_cast<std::size_t>(t)] =
          calibrated_range(h, options.act_calibration, options.act_schema, options.act_bitwidth, options.percentile);
  }
  for (std::size_t t = 0; t < seen.size(); ++t)
    if (seen[t] && !n.tensors[t].overridden)
      n.tensors[t].range = std::pair(static_cast<float>(seen[t]->lo), static_cast<float>(seen[t]->hi));
  return count;
}

}  // namespace qnnx::inline QNNX_ABI
