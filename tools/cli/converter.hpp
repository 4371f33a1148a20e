// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the converters share: the options of the SDK's legacy converters (front part and quantizer part), and the road
// from a model file to a written model: import, passes, overrides, calibration, quantization, memory plan. Layer 8.

namespace qnnx::cli {

enum class source_format { onnx, tflite, by_extension };
enum class output_format { cpp, dlc };

/// Runs a converter; returns its exit code: 0 done, 1 failed, 2 bad command line.
int run_converter(int argc, const char* const* argv, const char* program, source_format source, output_format output);

}  // namespace qnnx::cli
