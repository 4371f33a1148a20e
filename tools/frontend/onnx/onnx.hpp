// SPDX-License-Identifier: Apache-2.0
#pragma once
// The ONNX front end: a file in, a net in channel-last form out. Opset 7 and newer, fixed sizes (dynamic ones are given
// with the options), shape arithmetic folded away, QuantizeLinear/DequantizeLinear pairs read as encodings.
//
// Layout: images [N,C,H,W] become [N,H,W,C] inside and, unless `preserve_io_layout`, at the graph's inputs and outputs
// too, as the QNN converters do; net_tensor::layout says what a tensor holds and metadata["layout.<name>"] what the
// source had. Transposes are kept only where the order of elements really has to change. Layer 8.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

struct import_options {
  std::vector<std::pair<std::string, shape>> input_dims{};      // -d NAME DIMS
  std::vector<std::string> out_nodes{};                         // --out_node: the graph ends at these tensors
  std::optional<int> batch{};                                   // -b: dimension 0 of every input
  std::vector<std::pair<std::string, int>> symbols{};           // -s NAME VALUE
  bool preserve_io_layout = false;                            // inputs and outputs keep the model's axis order
  bool no_simplification = false;                             // float arithmetic on constants stays in the graph
};

/// Reads a model. Every fault is one line: "FILE: node 'name' (OpType): what: remedy" or "FILE: byte N: ...".
net import_model(const std::string& path, const import_options& options = {});
/// The same from memory; external data is refused unless `folder` is given.
net import_bytes(std::string bytes, const std::string& name, const import_options& options = {}, const std::string& folder = "");

}  // namespace qnnx::inline QNNX_ABI::onnx
