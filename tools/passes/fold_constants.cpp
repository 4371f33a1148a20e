// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

std::int64_t bytes_of(const net_tensor& t) {
  tensor_desc d;
  d.type = t.type;
  d.dims = t.dims;
  d.enc.kind = t.enc.kind;
  d.enc.axis = static_cast<std::int8_t>(t.enc.axis);
  return byte_size(d);
}

/// Runs one node with constant operands; false where it has no kernel or breaks a rule.
bool evaluate(net& n, const net_node& k) {
  net one;
  one.rounding = n.rounding;
  net_node copy = k;
  for (int& t : copy.inputs)
    if (t >= 0) t = one.add_tensor(tensor_of(n, t));
  for (int& t : copy.outputs) {
    net_tensor out = tensor_of(n, t);
    out.kind = tensor_kind::app_read;
    t = one.add_tensor(std::move(out));
  }
  for (std::size_t i = 0; i < one.tensors.size(); ++i) one.tensors[i].name = "t" + std::to_string(i);
  one.nodes.push_back(copy);
  try {
    interpreter run(std::shared_ptr<const frozen_net>(one.freeze()), {.backend = "reference"});
    run.run();
    for (std::size_t o = 0; o < copy.outputs.size(); ++o) {
      const auto bytes = run.bytes(copy.outputs[o]);
      net_tensor& t = tensor_of(n, k.outputs[o]);
      t.data.assign(bytes.begin(), bytes.end());
      t.kind = tensor_kind::constant;
    }
  } catch (const error&) {
    return false;
  }
  return true;
}

}  // namespace

int fold_constants(net& n, std::int64_t most_growth) {
  int folded = 0;
  for (net_node& k : n.nodes) {
    if (removed(k) || k.inputs.empty()) continue;
    const bool inputs = std::all_of(k.inputs.begin(), k.inputs.end(), [&](int t) { return t < 0 || is_constant(n, t); }) &&
                        std::any_of(k.inputs.begin(), k.inputs.end(), [&](int t) { return t >= 0; });
    const bool outputs = std::all_of(k.outputs.begin(), k.outputs.end(),
                                     [&](int t) { return t >= 0 && tensor_of(n, t).kind == tensor_kind::native; });
    if (!inputs || !outputs) continue;
    std::int64_t before = 0;
    std::int64_t after = 0;
    for (int t : k.inputs)
      if (t >= 0) before += bytes_of(tensor_of(n, t));
    for (int t : k.outputs) after += bytes_of(tensor_of(n, t));
    if (after > before + most_growth || !evaluate(n, k)) continue;
    remove_node(k);
    ++folded;
  }
  return folded;
}

int remove_dead(net& n) {
  int count = 0;
  for (bool again = true; again;) {
    again = false;
    const connections c(n);
    for (net_node& k : n.nodes) {
      if (removed(k)) continue;
      const bool alive = std::any_of(k.outputs.begin(), k.outputs.end(), [&](int t) {
        return t >= 0 && (is_visible(tensor_of(n, t)) || !c.readers[static_cast<std::size_t>(t)].empty());
      });
      if (alive) continue;
      remove_node(k);
      ++count;
      again = true;
    }
  }
  return count;
}

}  // namespace qnnx::inline QNNX_ABI::passes
