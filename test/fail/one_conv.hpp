// SPDX-License-Identifier: Apache-2.0
#pragma once
// A graph of one convolution whose weight can be made wrong.
#include "qnnx/model/model.hpp"
using namespace qnnx;

template <int Channels, dtype Weight = dtype::float_32>
struct one_conv {
  static constexpr tensor_desc tensors[4] = {{"x", tensor_kind::app_write, dtype::float_32, {1, 8, 8, 3}},
                                             {"w", tensor_kind::constant, Weight, {3, 3, Channels, 8}},
                                             {"b", tensor_kind::constant, dtype::float_32, {8}},
                                             {"y", tensor_kind::app_read, dtype::float_32, {1, 6, 6, 8}}};
  static constexpr node_desc nodes[1] = {node<op::conv2d>("stem", {0, 1, 2}, {3})};
  static constexpr graph_view define() { return {"net", tensors, 4, nodes, 1}; }
};
