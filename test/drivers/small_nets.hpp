// SPDX-License-Identifier: Apache-2.0
#pragma once
// Nets for the tests of writers and drivers: every kind of encoding, an epilogue, parameters off their default.
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/net.hpp"

namespace small {

/// conv (per-axis weights, relu) -> conv with stride 2 -> add of itself, 8-bit.
inline qnnx::net quantized() {
  using namespace qnnx;
  net n;
  n.name = "small";
  n.rounding = rounding_mode::rne;
  n.metadata["converter-command"] = "test -i \"x\"";
  const auto act = net_encoding::tensor(0.7f, -30);
  const int x = n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = dtype::ufixed_8, .dims = {1, 4, 4, 2}, .enc = net_encoding::tensor(0.5f, -3), .source_name = "in/x:0", .layout = "NHWC"});
  const int w = n.add_constant<std::int8_t>("w", dtype::sfixed_8, {1, 1, 2, 2}, {1, -2, 3, 4}, net_encoding::per_axis(3, {0.1f, 0.3f}));
  const int b = n.add_constant<std::int32_t>("b", dtype::sfixed_32, {2}, {10, 20}, net_encoding::per_axis(0, {0.05f, 0.15f}));
  const int y = n.add_tensor({.name = "y", .type = dtype::ufixed_8, .dims = {1, 4, 4, 2}, .enc = act});
  const int z = n.add_tensor({.name = "z", .type = dtype::ufixed_8, .dims = {1, 2, 2, 2}, .enc = act, .range = std::pair{-1.5f, 3.25f}, .overridden = true});
  const int s = n.add_tensor({.name = "s", .kind = tensor_kind::app_read, .type = dtype::ufixed_8, .dims = {1, 2, 2, 2}, .enc = act});
  n.add_node<op::conv2d>("conv", {x, w, b}, {y}).epi.act = activation::relu;
  n.add_node<op::conv2d>("conv_2", {y, w, b}, {z}, {.stride = {2, 2}});
  n.add_node<op::elementwise_add>("add", {z, z}, {s});
  return n;
}

inline bool same(const qnnx::net& a, const qnnx::net& b) {
  if (a.name != b.name || a.rounding != b.rounding || a.metadata != b.metadata || a.tensors.size() != b.tensors.size() || a.nodes.size() != b.nodes.size())
    return false;
  for (std::size_t i = 0; i < a.tensors.size(); ++i) {
    const auto& s = a.tensors[i];
    const auto& t = b.tensors[i];
    if (s.name != t.name || s.kind != t.kind || s.type != t.type || !(s.dims == t.dims) || !(s.enc == t.enc) || s.data != t.data ||
        s.source_name != t.source_name || s.layout != t.layout || s.range != t.range || s.overridden != t.overridden)
      return false;
  }
  for (std::size_t k = 0; k < a.nodes.size(); ++k) {
    const auto& s = a.nodes[k];
    const auto& t = b.nodes[k];
    if (s.name != t.name || s.op->id != t.op->id || s.inputs != t.inputs || s.outputs != t.outputs || s.params != t.params || !(s.epi == t.epi)) return false;
  }
  return true;
}

}  // namespace small
