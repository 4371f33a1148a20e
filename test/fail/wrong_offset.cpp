// SPDX-License-Identifier: Apache-2.0
// words: Relu | 'bend' | bad encoding | tensor x | got offset -256 | expected -255 to 0 for ufixed8
#include "qnnx/model/model.hpp"
using namespace qnnx;
struct net {
  static constexpr tensor_desc tensors[2] = {
      {"x", tensor_kind::app_write, dtype::ufixed_8, {1, 4}, scale_offset(0.5f, QNNX_WRONG ? -256 : -255)},
      {"y", tensor_kind::app_read, dtype::ufixed_8, {1, 4}, scale_offset(0.5f)}};
  static constexpr node_desc nodes[1] = {node<op::relu>("bend", {0}, {1})};
  static constexpr graph_view define() { return {"net", tensors, 2, nodes, 1}; }
};
qnnx::model<net> m{nullptr};
