// SPDX-License-Identifier: Apache-2.0
#pragma once
// From model.cpp and model.bin to a library per target: a shared library for hosts, with one build of the model for
// each instruction set and a choice at load time; a static archive and a C header for Cortex-M. The weights are
// embedded by .incbin in an aligned read-only section. Layer 8.

#include <cstdint>
#include <string>
#include <vector>

namespace qnnx::cli {

/// A memory of the target that tensors may be placed in.
struct ram_bank {
  std::string name;
  std::int64_t bytes = 0;
  std::string section;  // of the array that the header defines; empty: none
};

/// "dtcm=65536:.dtcm"; throws usage_error.
ram_bank parse_ram_bank(const std::string& text);

struct library_request {
  std::string cpp;
  std::string bin;                  // empty: no weights inside
  std::string name;                 // lib<name>.so, lib<name>.a
  std::string output_dir;
  std::vector<std::string> isas;    // Linux targets; empty: the usual ones. Firmware: reference alone, or its own kernels
  std::string optimize;             // s, 2 or 3; empty: s for firmware, 2 for hosts
  std::int64_t ram_budget = -1;     // most bytes of arena; -1: any
  std::int64_t flash_budget = -1;   // most bytes of code, tables and weights
  std::string stream_rows = "auto";  // never, auto (where the arena exceeds ram_budget or the banks), always
  std::vector<ram_bank> banks;      // where tensors may be placed, the first choice first; empty: one arena
  bool verbose = false;
};

/// Builds one target; returns the files written. Throws error with one line; nothing is left half-written.
std::vector<std::string> build_library(const library_request& request, const std::string& target);

}  // namespace qnnx::cli
