// SPDX-License-Identifier: Apache-2.0
#pragma once
// From a float net to an integer net: calibrate() runs samples through the interpreter and leaves a range on every
// tensor; quantize() chooses types, ties the ranges that must agree, turns ranges and data into encodings and stored
// values (quant/range.hpp), and puts Quantize, Dequantize and Convert where types meet. Layer 6b.

#include <functional>
#include <map>
#include <set>
#include <span>

#include "qnnx/quant/calibrate.hpp"
#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI {

struct quantize_options {
  int act_bitwidth = 8;      // 8 | 16
  int weights_bitwidth = 8;  // 4 | 8 | 16 (16 only with 16-bit activations)
  int bias_bitwidth = 32;    // 8 | 32; kernels always read s32 at the accumulator's scale, 8 rounds the values first
  schema act_schema = schema::unsigned_asymmetric;
  schema param_schema = schema::unsigned_asymmetric;
  calibration act_calibration = calibration::min_max;
  calibration param_calibration = calibration::min_max;
  double percentile = 99.99;
  bool per_channel = false;         // convolution weights: one symmetric scale per output channel
  bool per_row = false;             // FullyConnected and MatMul weights: one per row
  bool pack_4_bit_weights = true;   // two to a byte; else one to a byte with a bit width of 4
  bool ignore_encodings = false;    // forget overrides and encodings of the source model
  bool float_fallback = false;      // what has no range stays float instead of being an error
  bool native_io = false;           // graph inputs and outputs take the stored type
  std::set<std::string> keep_float{};  // tensors (by name or source name) that stay float
  std::optional<std::pair<std::int64_t, std::int64_t>> restricted_steps{};  // symmetric parameters: MIN MAX
  std::function<void(std::string_view)> log{};  // one line per decision that a user may want to know
};

/// Fills the graph's inputs (order of the net's inputs, bytes of their type) with sample k; false after the last.
/// Samples are asked for from 0 again when the method needs a second pass.
using sample_source = std::function<bool(std::size_t k, std::span<const std::span<std::byte>> inputs)>;

/// Leaves `range` on every float tensor that is computed or fed. The net must be sorted and compact.
/// Returns the number of samples. Throws error where there are none.
std::size_t calibrate(net& n, const sample_source& samples, const quantize_options& options = {});

/// Rewrites the net. Throws error naming the tensor or node and the remedy.
void quantize(net& n, const quantize_options& options = {});

struct refine_options {
  bool rounding = false;  // round the weights with error feedback (tools/quantize/error_feedback.hpp)
  bool bias = true;       // correct the biases
  std::function<void(std::string_view)> log{};
};

/// Improves a quantized net layer by layer, in order of execution, on what its layers really read: the stored inputs,
/// made by the layers before, which are refined already. The scales stay. For each Conv2d, FullyConnected and so on
///   rounding  chooses the stored weights anew (Conv2d, DepthWiseConv2d, FullyConnected), so that the squared error of
///             the outputs is least, not that of the weights
///   bias      takes the mean error of each output channel, E[W_q x_q + b_q] - E[W x + b] before the activation, from
///             the bias. The operation is linear, so that is the same operation run on the mean inputs.
/// `stored` came from `real` by quantize(); nodes are matched by name. Costs one run of half the net per sample and
/// layer. Returns how many layers were refined. Sources: arXiv 1906.04721 section 4.2 (measured means), 2210.17323.
int refine(net& stored, const net& real, const sample_source& samples, const refine_options& options = {});

}  // namespace qnnx::inline QNNX_ABI
