// SPDX-License-Identifier: Apache-2.0
#pragma once
// s = a + b, y = s + a; what the first sum reads, how many inputs it has and one name can be made wrong.
#include "qnnx/model/model.hpp"
using namespace qnnx;

constexpr node_desc with_inputs(node_desc n, int count) {
  n.input_count = count;
  return n;
}
template <int Second, int Inputs, bool SameName = false>
struct two_adds {
  static constexpr tensor_desc tensors[4] = {{"a", tensor_kind::app_write, dtype::float_32, {1, 4}},
                                             {SameName ? "a" : "b", tensor_kind::app_write, dtype::float_32, {1, 4}},
                                             {"s", tensor_kind::native, dtype::float_32, {1, 4}},
                                             {"y", tensor_kind::app_read, dtype::float_32, {1, 4}}};
  static constexpr node_desc nodes[2] = {with_inputs(node<op::elementwise_add>("sum", {0, Second, 0}, {2}), Inputs),
                                         node<op::elementwise_add>("again", {2, 0}, {3})};
  static constexpr graph_view define() { return {"net", tensors, 4, nodes, 2}; }
};
