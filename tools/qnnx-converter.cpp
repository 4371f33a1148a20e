// SPDX-License-Identifier: Apache-2.0
#include "cli/converter.hpp"

int main(int argc, char** argv) {
  return qnnx::cli::run_converter(argc, argv, "qnnx-converter", qnnx::cli::source_format::by_extension, qnnx::cli::output_format::dlc);
}
