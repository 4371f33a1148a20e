// SPDX-License-Identifier: Apache-2.0
#pragma once
// The option table of the converters and what it means for the quantizer. Layer 8.

#include "cli/converter.hpp"
#include "cli/options.hpp"
#include "qnnx/runtime/quantize.hpp"

namespace qnnx::cli {

command converter_options(const char* program, source_format source, output_format output);
/// The quantizer's options from a parsed command line; notices go to stderr.
quantize_options quantizer_options(const command& c);
/// What is done to make the integer net better, beside choosing encodings.
struct algorithms {
  bool cle = false;       // equalize layers, absorb biases
  bool bias = false;      // correct biases
  bool rounding = false;  // round weights with error feedback
};
algorithms chosen_algorithms(const command& c);
/// "1,3,224,224" as sizes.
shape parse_dims(const std::string& text, const std::string& option);
/// A flag that may also be written with true or false.
bool switched_on(const command& c, const char* name);

}  // namespace qnnx::cli
