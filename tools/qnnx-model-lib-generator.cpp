// SPDX-License-Identifier: Apache-2.0
// qnnx-model-lib-generator: model.cpp and model.bin to a library per target. Exit codes: docs/reference/drivers.md.
#include <cstdio>
#include <filesystem>

#include "cli/model_library.hpp"
#include "cli/options.hpp"

using namespace qnnx;

namespace {

int run(int argc, char** argv) {
  cli::command c("qnnx-model-lib-generator", "Compiles a generated model into <output_dir>/<target>/lib<name>.so, or lib<name>.a and <name>.h for Cortex-M.");
  c.value("-c, --cpp", "FILE", "The model's .cpp.").required();
  c.value("-b, --bin", "FILE", "The model's .bin; without it the library carries no weights.");
  c.values("-t, --targets", cli::arity::one_or_more, "TARGET", "Targets, separated by spaces: x86_64-linux-gnu x86_64-linux-clang aarch64-linux-gnu cortex-m4 cortex-m7 cortex-m55.").standard("x86_64-linux-gnu");
  c.value("-l, --lib_name", "NAME", "Name of the library. Default: the name of the .bin, else qnn_model.");
  c.value("-o, --output_dir", "DIR", "Where the target folders go.").standard("./lib");
  c.value("--isa", "LIST", "x86-64 targets: instruction sets compiled in, the best is taken when the library is loaded: reference,avx2,avx512vnni, or native.").standard("reference,avx512vnni");
  c.flag("--verbose", "Print the commands and what the compilers say.");
  if (!c.parse(argc, argv)) return 0;
  cli::library_request r;
  r.cpp = c.text("--cpp");
  r.bin = c.text("--bin");
  r.output_dir = c.text("--output_dir");
  r.verbose = c.given("--verbose");
  r.isas = cli::split(c.text("--isa"), ',');
  r.name = c.text("--lib_name");
  if (r.name.empty()) r.name = r.bin.empty() ? "qnn_model" : std::filesystem::path(r.bin).stem().string();
  if (r.name.find('/') != std::string::npos) throw cli::usage_error("option --lib_name: got a path, expected a name");
  std::vector<std::string> targets;
  for (const auto& use : c.uses("--targets"))
    for (const std::string& word : use)
      for (const std::string& part : cli::split(word, ' '))
        for (const std::string& t : cli::split(part, ',')) targets.push_back(t);
  if (targets.empty()) targets.push_back(c.text("--targets"));
  for (const std::string& t : targets)
    for (const std::string& file : cli::build_library(r, t)) std::printf("%s\n", file.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  return cli::guarded("qnnx-model-lib-generator", 2, [&] { return run(argc, argv); });
}
