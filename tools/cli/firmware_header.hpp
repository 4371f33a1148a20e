// SPDX-License-Identifier: Apache-2.0
#pragma once
// The C header of a firmware archive, from the facts that the compiler left in the object file. Layer 8.

#include <cstddef>
#include <span>
#include <string>

namespace qnnx::cli {

/// `facts`: the bytes of section .qnnx_facts. `name`: prefix of the model's symbols.
std::string firmware_header(std::span<const std::byte> facts, const std::string& name);

}  // namespace qnnx::cli
