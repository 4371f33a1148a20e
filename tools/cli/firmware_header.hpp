// SPDX-License-Identifier: Apache-2.0
#pragma once
// The C and C++ headers of a firmware archive, from the facts that the compiler left in the object file. Layer 8.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qnnx::cli {

/// What lives in the arena where it is fullest: "step 'x': a 8000 bytes at 2240, scratch 3096 at 10880".
std::string arena_peak(std::span<const std::byte> facts);
/// Bytes of the arena.
std::int64_t arena_bytes(std::span<const std::byte> facts);

/// A memory bank as a plan uses it.
struct used_bank {
  std::string name;
  std::string section;     // empty: none
  std::int64_t first = 0;  // offset of the plan where it begins
  std::int64_t bytes = 0;  // that the plan reaches
};

/// `facts`: the bytes of section .qnnx_facts. `name`: prefix of the model's symbols. `banks`: none where the arena is one.
std::string firmware_header(std::span<const std::byte> facts, const std::string& name, const std::vector<used_bank>& banks);
/// The same as a C++ class over it, which stands in `file`.h.
std::string firmware_class(std::span<const std::byte> facts, const std::string& name, const std::string& file, const std::vector<used_bank>& banks);

}  // namespace qnnx::cli
