// SPDX-License-Identifier: Apache-2.0
#include "cli/converter.hpp"

int main(int argc, char** argv) {
  return qnnx::cli::run_converter(argc, argv, "qnnx-tflite-converter", qnnx::cli::source_format::tflite, qnnx::cli::output_format::cpp);
}
