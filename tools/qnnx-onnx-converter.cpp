// SPDX-License-Identifier: Apache-2.0
#include "cli/converter.hpp"

int main(int argc, char** argv) {
  return qnnx::cli::run_converter(argc, argv, "qnnx-onnx-converter", qnnx::cli::source_format::onnx, qnnx::cli::output_format::cpp);
}
