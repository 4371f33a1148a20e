// SPDX-License-Identifier: Apache-2.0
#pragma once
// The table of a unit that is compiled for another instruction set.

#include <cstring>
#include <vector>

#include "qnnx/runtime/dispatch.hpp"

namespace qnnx::isa_test {

inline std::vector<kernel_entry> entries_of(const void* (*table)(std::size_t*)) {
  std::size_t count = 0;
  const auto* bytes = static_cast<const unsigned char*>(table(&count));
  std::vector<kernel_entry> entries(count);
  for (std::size_t i = 0; i < count; ++i)  // the same struct, compiled under another namespace name
    std::memcpy(static_cast<void*>(&entries[i]), bytes + i * sizeof(kernel_entry), sizeof(kernel_entry));
  return entries;
}

}  // namespace qnnx::isa_test
