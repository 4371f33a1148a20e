// SPDX-License-Identifier: Apache-2.0
#pragma once
// A store-only ZIP: what a DLC is. The writer begins every member's bytes at a multiple of 64, so that the file can be
// mapped and used in place; the reader takes stored members only and checks every offset, size and CRC. Layer 7.
// Source: PKWARE APPNOTE 6.3 (local header, central directory, end record; no zip64: a container stays below 4 GiB).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "qnnx/io/ustar.hpp"

namespace qnnx::inline QNNX_ABI {

inline constexpr std::size_t zip_alignment = 64;

/// CRC-32 (IEEE 802.3), as ZIP uses it.
std::uint32_t crc32(std::span<const std::byte> bytes);

/// Writes the container to `path` (temporary + rename).
void write_zip(const std::string& path, const std::vector<archive_member>& members);
/// The members as spans into `archive`; `source` names the file in errors.
std::vector<archive_member> read_zip(std::span<const std::byte> archive, const std::string& source);

}  // namespace qnnx::inline QNNX_ABI
