// SPDX-License-Identifier: Apache-2.0
// A model as firmware has it; check_object.py looks at what the compiler made of it.
#include "qnnx/model/model.hpp"
using namespace qnnx;

struct table_net {
  static constexpr tensor_desc tensors[5] = {{"x", tensor_kind::app_write, dtype::sfixed_8, {1, 8, 8, 2}, scale_offset(0.1f, 1)},
                                             {"w", tensor_kind::constant, dtype::sfixed_8, {3, 3, 2, 4}, scale_offset(0.02f)},
                                             {"b", tensor_kind::constant, dtype::sfixed_32, {4}},
                                             {"c", tensor_kind::native, dtype::sfixed_8, {1, 6, 6, 4}, scale_offset(0.2f, 2)},
                                             {"y", tensor_kind::app_read, dtype::sfixed_8, {1, 6, 6, 4}, scale_offset(0.2f, 2)}};
  static constexpr node_desc nodes[2] = {node<op::conv2d>("c", {0, 1, 2}, {3}), node<op::relu>("y", {3}, {4})};
  static constexpr graph_view define() { return {"table_net", tensors, 5, nodes, 2}; }
};

extern const unsigned char firmware_weights[];
constinit qnnx::model<table_net> firmware_model{firmware_weights};
extern "C" void firmware_step() { firmware_model.run(); }
