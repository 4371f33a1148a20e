// SPDX-License-Identifier: Apache-2.0
#pragma once
// Graph passes and their order. Each pass edits the net in place, keeps what the net computes (folds change floats by
// rounding only, everything else not at all), and returns how many nodes it removed or changed. Layer 6b.

#include <functional>

#include "qnnx/runtime/passes/edit.hpp"

namespace qnnx::inline QNNX_ABI::passes {

/// Runs nodes whose inputs are all constant and keeps the result as a constant, unless that grows the model by more
/// than `most_growth` bytes. Nodes without a kernel for their types are left alone.
int fold_constants(net& n, std::int64_t most_growth = 1 << 16);

/// Removes nodes that nothing visible depends on.
int remove_dead(net& n);

/// Removes what changes nothing: Reshape to the same sizes, Reshape of Reshape, Transpose that moves nothing, Transpose
/// of Transpose, Cast and Convert to the same type, Concat of one, Pad by nothing. A Transpose that only moves axes of
/// size 1 becomes a Reshape.
int simplify(net& n);

/// Zero Pad of height and width becomes the padding of the convolution or pool that reads it (max pool: only where
/// the padded values cannot be negative).
int fold_pads(net& n);

/// Batchnorm, or Multiply and Add by one constant per channel, goes into the weights of the convolution, transposed
/// convolution or FullyConnected before it, or (no padding) of the convolution after it.
int fold_batchnorms(net& n);

/// Relu, Relu6, Relu1, ReluMinMax and their ElementWiseNeuron forms become the epilogue of the node before. The
/// squashed tensor takes the activation's range. In a quantized net only where both tensors have one encoding.
int fuse_activations(net& n);

/// Conv -> Add(other) -> (Relu) becomes one node with a residual. Works on quantized nets, where the encoding of the
/// tensor in between becomes the epilogue's mid encoding: the same bits as before.
int fuse_residuals(net& n);

/// Nodes that together compute a function of one 8-bit tensor, value by value (Dequantize, Erf, Quantize; Sigmoid and
/// Multiply by its input; a whole GELU), become one Lookup: a table that the reference kernels fill. Only where that
/// leaves fewer nodes. Not part of optimize(): the tensors in between are gone.
int fold_byte_functions(net& n);

/// Sigmoid and ElementWiseMultiply by its input, on floats, become one ElementWiseNeuron (op::neuron::silu): the same bits.
/// Not part of optimize(): a quantizer wants the tensor in between, and QNN has no such operation.
int fuse_silu(net& n);

/// Ops whose kernels end in the shared epilogue.
bool takes_activation(const op_info& op);
bool takes_residual(const op_info& op);

struct optimize_options {
  bool fold_batchnorm = true;    // --disable_batchnorm_folding
  bool squash_relu = true;       // --disable_relu_squashing
  bool fuse_residual = false;
  std::int64_t most_growth = 1 << 16;
  std::function<void(std::string_view pass, int count)> log{};  // passes that changed something
};

/// All passes in order, until none changes anything; ends compact and in execution order.
void optimize(net& n, const optimize_options& options = {});

}  // namespace qnnx::inline QNNX_ABI::passes
