// SPDX-License-Identifier: Apache-2.0
// Runs samples through the float net and records what every tensor held. What only a Softmax reads is recorded as far
// down as it counts: attention masks add -10000 or the lowest float, and a range that reached there would leave no
// steps for the scores. A value c below its row's largest has a probability of at most e^-c; with
// c = log(2^bits * row length), what is cut off adds up to less than one step of the result.
#include <algorithm>
#include <cmath>
#include <map>

#include "qnnx/op/elementwise_binary.hpp"
#include "qnnx/op/select.hpp"
#include "qnnx/op/softmax.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/edit.hpp"
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

/// The rows of a tensor that a Softmax reads: `size` elements, `step` apart; `depth` is the c above.
struct score_rows {
  std::int64_t size = 1;
  std::int64_t step = 1;
  double depth = 0;
};

/// Tensors that nothing but Softmax reads.
std::map<int, score_rows> scores_of(const net& n, const passes::connections& c, int bits) {
  std::map<int, score_rows> found;
  for (const net_node& k : n.nodes) {
    if (!k.is<op::softmax>()) continue;
    const int t = k.inputs[0];
    const net_tensor& x = n.tensors[static_cast<std::size_t>(t)];
    if (x.kind != tensor_kind::native || x.type != dtype::float_32) continue;
    const auto& readers = c.readers[static_cast<std::size_t>(t)];
    const auto p = k.get<op::softmax>();
    if (!(p.beta > 0) || !std::all_of(readers.begin(), readers.end(), [&](int r) {
          const net_node& other = n.nodes[static_cast<std::size_t>(r)];
          return other.is<op::softmax>() && other.get<op::softmax>() == p;
        }))
      continue;
    const int axis = op::softmax::resolved(p, x.dims.rank());
    const std::int64_t size = x.dims[axis];
    found[t] = {size, x.dims.product(axis + 1, x.dims.rank()),
                (std::log(2.0) * bits + std::log(static_cast<double>(size))) / static_cast<double>(p.beta)};
  }
  return found;
}

/// The range of scores that counts: from each row, what lies less than `depth` below its largest.
std::optional<real_range> range_that_counts(std::span<const std::byte> bytes, const score_rows& rows) {
  const auto* p = reinterpret_cast<const float*>(bytes.data());
  const auto count = static_cast<std::int64_t>(bytes.size() / sizeof(float));
  std::optional<real_range> all;
  for (std::int64_t outer = 0; outer < count; outer += rows.size * rows.step)
    for (std::int64_t inner = 0; inner < rows.step; ++inner) {
      double lo = INFINITY;
      double hi = -INFINITY;
      for (std::int64_t i = 0; i < rows.size; ++i) {
        const auto x = static_cast<double>(p[outer + i * rows.step + inner]);
        if (!(x < INFINITY)) continue;
        lo = std::min(lo, x);  // may be -infinity: a mask
        hi = std::max(hi, x);
      }
      if (!std::isfinite(hi)) continue;
      const real_range row{std::max(lo, hi - rows.depth), hi};
      all = all ? hull(*all, row) : row;
    }
  return all;
}

/// What is added to a score, or chosen instead of one, counts as far as the sum stays in the score's range: below that
/// it saturates all the same. Masks have many readers, the lowest bound of all is theirs.
void bound_addends(net& n, const passes::connections& c, const std::map<int, score_rows>& scores,
                   std::vector<std::optional<real_range>>& seen) {
  const auto range_of = [&](int t) -> std::optional<real_range> {
    const net_tensor& x = n.tensors[static_cast<std::size_t>(t)];
    if (x.type != dtype::float_32) return std::nullopt;
    if (x.kind != tensor_kind::constant) return seen[static_cast<std::size_t>(t)];
    std::optional<real_range> r;
    for (float f : passes::floats_of(x))
      if (!std::isnan(f)) r = r ? hull(*r, {static_cast<double>(f), static_cast<double>(f)}) : real_range{static_cast<double>(f), static_cast<double>(f)};
    return r;
  };
  std::map<int, std::optional<double>> bound;  // no value: some reader needs all of it
  for (const net_node& k : n.nodes) {
    const bool sum = k.is<op::elementwise_add>();
    const bool choice = k.is<op::elementwise_select>();
    if (!sum && !choice) continue;
    for (std::size_t i = choice ? 1 : 0; i < k.inputs.size(); ++i) {
      const int t = k.inputs[i];
      if (t < 0 || bound.count(t)) continue;
      std::optional<double> lowest;
      for (int reader : c.readers[static_cast<std::size_t>(t)]) {
        const net_node& r = n.nodes[static_cast<std::size_t>(reader)];
        const bool adds = r.is<op::elementwise_add>();
        const bool fits = (adds || r.is<op::elementwise_select>()) && scores.count(r.outputs[0]) && seen[static_cast<std::size_t>(r.outputs[0])];
        std::optional<real_range> other{real_range{}};
        if (fits && adds) other = range_of(r.inputs[r.inputs[0] == t ? 1 : 0]);
        if (!fits || !other || (adds && r.inputs[0] == r.inputs[1])) {
          lowest.reset();
          break;
        }
        const double here = seen[static_cast<std::size_t>(r.outputs[0])]->lo - std::max(0.0, other->hi);
        lowest = lowest ? std::min(*lowest, here) : here;
      }
      if (n.tensors[static_cast<std::size_t>(t)].kind == tensor_kind::app_read) lowest.reset();
      bound[t] = lowest;
    }
  }
  for (const auto& [t, lowest] : bound) {
    std::optional<real_range> r = range_of(t);
    if (!lowest || !r || r->lo >= *lowest) continue;
    r->lo = std::min(*lowest, r->hi);
    seen[static_cast<std::size_t>(t)] = r;  // of a constant too: its data reach further than they count
  }
}

}  // namespace

std::size_t calibrate(net& n, const sample_source& samples, const quantize_options& options) {
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()));
  std::vector<std::optional<real_range>> seen(n.tensors.size());
  const passes::connections links(n);
  const std::map<int, score_rows> scores = scores_of(n, links, options.act_bitwidth);
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
    if (const auto rows = scores.find(t); rows != scores.end())
      if (const auto part = range_that_counts(bytes, rows->second)) lo = part->lo;
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
  bound_addends(n, links, scores, seen);
  for (std::size_t t = 0; t < seen.size(); ++t)
    if (seen[t] && !n.tensors[t].overridden)
      n.tensors[t].range = std::pair(static_cast<float>(seen[t]->lo), static_cast<float>(seen[t]->hi));
  return count;
}

}  // namespace qnnx::inline QNNX_ABI
