// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/quantize.hpp"

#include "quantizer.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {
void expect_one_of(const char* what, int got, std::initializer_list<int> allowed) {
  std::string list;
  for (int a : allowed) {
    if (a == got) return;
    list += (list.empty() ? "" : ", ") + std::to_string(a);
  }
  throw error(std::string(what) + ": got " + std::to_string(got) + ", expected one of " + list);
}
}  // namespace

void quantize(net& n, const quantize_options& o) {
  expect_one_of("act_bitwidth", o.act_bitwidth, {8, 16});
  expect_one_of("weights_bitwidth", o.weights_bitwidth, {4, 8, 16});
  expect_one_of("bias_bitwidth", o.bias_bitwidth, {8, 32});
  if (o.weights_bitwidth == 16 && o.act_bitwidth != 16)
    throw error("weights_bitwidth: got 16 with 8-bit activations, expected act_bitwidth 16");
  if (!(o.percentile >= 90 && o.percentile <= 100)) throw error("percentile: got a value outside 90 to 100");
  for (const net_node& k : n.nodes)
    if (k.epi.residual >= 0) {
      for (int t : k.outputs)
        if (t >= 0 && n.tensors[static_cast<std::size_t>(t)].type == dtype::float_32)
          throw error(std::string(k.op->name) + " '" + k.name + "': a residual was fused before quantization; fuse after it");
    }
  quantizing::quantizer(n, o).run();
}

}  // namespace qnnx::inline QNNX_ABI
