// SPDX-License-Identifier: Apache-2.0
#pragma once
// Groups of nodes that stand for one op. Layer 8.

#include <unordered_map>

#include "frontend/onnx/model.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

/// Rewrites the last node of each group; the others lose their readers.
void find_patterns(const model& m, std::vector<node_proto>& nodes);

}  // namespace qnnx::inline QNNX_ABI::onnx
