// SPDX-License-Identifier: Apache-2.0
#pragma once
// What stands beside a firmware archive for build systems and for people: a CMake package file with the archive as an
// imported target, and a report of what it adds to flash. Layer 8.

#include <cstdint>
#include <string>

#include "cli/library_targets.hpp"

namespace qnnx::cli {

/// <name>-config.cmake: target qnnx::<name> with the archive, its headers' folder, and the processor's flags.
std::string package_file(const target_info& target, const std::string& name, const std::string& library);
/// Bytes that a program that only runs the model carries of it.
struct firmware_sizes {
  std::int64_t code = 0, tables = 0, weights = 0, arena = 0, other_ram = 0;
  std::int64_t flash() const { return code + tables + weights; }
  /// "code 6476, tables 1793, weights 32832"
  std::string parts() const;
};
/// <name>_size.txt: these, `bounds` of the memory plan, then a line for each function and table, as `nm` listed them.
std::string size_file(const target_info& target, const std::string& name, const firmware_sizes& n, const std::string& bounds, const std::string& symbols);

}  // namespace qnnx::cli
