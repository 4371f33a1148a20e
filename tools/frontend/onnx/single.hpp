// SPDX-License-Identifier: Apache-2.0
#pragma once
// Ops of one operand that do not care how its axes are stored. Layer 8.

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

/// Input 0 as it is stored, of the type of the result in integer form.
int data_of(call& c);
/// Result 0 with the axis order (and pending flattening) of input 0.
void set_like(call& c, int tensor);
/// Abs, Exp, Sqrt and their like.
void add_functions(translator_table& t);
/// Sinh, Hardmax and others that become several ops.
void add_compositions(translator_table& t);

}  // namespace qnnx::inline QNNX_ABI::onnx
