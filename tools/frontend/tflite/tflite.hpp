// SPDX-License-Identifier: Apache-2.0
#pragma once
// TensorFlow Lite front end: a .tflite file becomes a `net`. Data stays channel-last; convolution weights become HWIO,
// zero points become offsets (offset = -zero point), SAME padding becomes explicit, fused activations become the
// node's epilogue, integer arithmetic on shapes is folded. A quantized model keeps its encodings and asks for the
// `tflite` rounding policy, so that the integers equal those of TFLite's reference kernels. What is not supported is
// refused in one line that names file, operator and remedy. Layer 8.

#include <string>
#include <utility>
#include <vector>

#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

struct import_options {
  std::vector<std::pair<std::string, shape>> input_dims;  // sizes of inputs, by name; for models with unknown sizes
  std::vector<std::string> out_nodes;                     // tensors to end at instead of the model's outputs
  std::string signature;                                  // signature to import; empty: the first subgraph
};

/// Throws `error` with one line.
net import_model(const std::string& path, const import_options& options = {});
/// The same from bytes in memory; `file` is the name for messages.
net import_bytes(std::vector<std::byte> bytes, const std::string& file, const import_options& options = {});

}  // namespace qnnx::inline QNNX_ABI::tflite
