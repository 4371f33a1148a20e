// SPDX-License-Identifier: Apache-2.0
// qnnx-model-lib-generator: model.cpp and model.bin to a library per target. Exit codes: docs/reference/drivers.md.
#include <cstdio>
#include <filesystem>

#include "cli/library_targets.hpp"
#include "cli/model_library.hpp"
#include "cli/options.hpp"
#include "qnnx/io/text.hpp"

using namespace qnnx;

namespace {

int run(int argc, char** argv) {
  cli::command c("qnnx-model-lib-generator", "Compiles a generated model into <output_dir>/<target>/lib<name>.so, or lib<name>.a and <name>.h for firmware.");
  c.value("-c, --cpp", "FILE", "The model's .cpp.").required();
  c.value("-b, --bin", "FILE", "The model's .bin; without it the library carries no weights.");
  c.values("-t, --targets", cli::arity::one_or_more, "TARGET", "Targets, separated by spaces: " + joined(cli::library_targets(), " ") + ".").standard("x86_64-linux-gnu");
  c.value("-l, --lib_name", "NAME", "Name of the library. Default: the name of the .bin, else qnn_model.");
  c.value("-o, --output_dir", "DIR", "Where the target folders go.").standard("./lib");
  c.value("--isa", "LIST", "Linux targets: instruction sets compiled in, the best is taken when the library is loaded. x86-64: reference,avx2,avxvnni,avx512vnni,amx, or native (else reference,avx2,avx512vnni); aarch64: reference,neon,neon_dot,i8mm (else the last three). Those of the other kind of processor are passed over. Firmware: reference alone leaves out the kernels of the processor's own; an archive for aarch64 has those of the first named, else of neon.");
  c.value("--optimize", "LEVEL", "What the compiler optimizes for: s (size), 2 or 3 (speed). Default: s for firmware, 2 for hosts and aarch64-linux-gnu.");
  c.value("--ram_budget", "BYTES", "Firmware: most bytes of arena; a larger model runs in bands of rows (--stream_rows) or is an error that names what lives where it is fullest.");
  c.value("--stream_rows", "WHEN", "Firmware: run chains of layers in bands of rows, so that what lies between them never exists whole: never; auto, where the arena exceeds --ram_budget or the banks; always, for the smallest arena.").standard("auto");
  c.values("--ram_bank", cli::arity::one_or_more, "NAME=BYTES[:SECTION]", "Firmware: a memory that tensors may be placed in, in order of preference; <name>_infer takes a pointer to each. SECTION: of the array that the header's <NAME>_ARENA_<BANK> macro defines.");
  c.value("--flash_budget", "BYTES", "Firmware: most bytes of code, tables and weights together, without the C library.");
  c.flag("--verbose", "Print the commands and what the compilers say.");
  if (!c.parse(argc, argv)) return 0;
  cli::library_request r;
  r.cpp = c.text("--cpp");
  r.bin = c.text("--bin");
  r.output_dir = c.text("--output_dir");
  r.verbose = c.given("--verbose");
  r.stream_rows = c.text("--stream_rows");
  if (r.stream_rows != "never" && r.stream_rows != "auto" && r.stream_rows != "always")
    throw cli::usage_error("option --stream_rows: got '" + r.stream_rows + "', expected never, auto or always");
  if (c.given("--ram_budget")) r.ram_budget = c.integer("--ram_budget", 0, 1L << 40);
  if (c.given("--flash_budget")) r.flash_budget = c.integer("--flash_budget", 0, 1L << 40);
  for (const auto& use : c.uses("--ram_bank"))
    for (const std::string& word : use) r.banks.push_back(cli::parse_ram_bank(word));
  for (const cli::ram_bank& a : r.banks)
    for (const cli::ram_bank& b : r.banks)
      if (&a != &b && a.name == b.name) throw cli::usage_error("option --ram_bank: got '" + a.name + "' twice, expected different names");
  r.optimize = c.text("--optimize");
  if (!r.optimize.empty() && r.optimize != "s" && r.optimize != "2" && r.optimize != "3")
    throw cli::usage_error("option --optimize: got '" + r.optimize + "', expected s, 2 or 3");
  if (c.given("--isa")) r.isas = cli::split(c.text("--isa"), ',');
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
