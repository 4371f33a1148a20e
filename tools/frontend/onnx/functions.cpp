// SPDX-License-Identifier: Apache-2.0
#include "frontend/onnx/single.hpp"

namespace qnnx::inline QNNX_ABI::onnx {
void add_functions(translator_table&) {}
void add_normalizations(translator_table&) {}
}  // namespace qnnx::inline QNNX_ABI::onnx
