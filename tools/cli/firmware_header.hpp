// SPDX-License-Identifier: Apache-2.0
#pragma once
// The C header of a firmware archive, from the facts that the compiler left in the object file. Layer 8.

#include <cstddef>
#include <span>
#include <string>

namespace qnnx::cli {

/// What lives in the arena where it is fullest: "step 'x': a 8000 bytes at 2240, scratch 3096 at 10880".
std::string arena_peak(std::span<const std::byte> facts);
/// Bytes of the arena.
std::int64_t arena_bytes(std::span<const std::byte> facts);

/// `facts`: the bytes of section .qnnx_facts. `name`: prefix of the model's symbols.
std::string firmware_header(std::span<const std::byte> facts, const std::string& name);

}  // namespace qnnx::cli
