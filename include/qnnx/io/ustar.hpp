// SPDX-License-Identifier: Apache-2.0
#pragma once
// The model's .bin: a plain POSIX ustar archive with one `<tensor>.raw` for each static tensor, in tensor order, owner
// 0, time 0. A name longer than the header's 100 bytes goes through a GNU long name record. The reader trusts nothing:
// magic, checksums and sizes are checked. Layer 7.
// Source: POSIX.1-1988 ustar interchange format.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI {

struct archive_member {
  std::string name;
  std::span<const std::byte> bytes;
};

/// The archive as bytes.
std::vector<std::byte> write_ustar(const std::vector<archive_member>& members);
/// The members as spans into `archive`; `source` names the file in errors.
std::vector<archive_member> read_ustar(std::span<const std::byte> archive, const std::string& source);

}  // namespace qnnx::inline QNNX_ABI
