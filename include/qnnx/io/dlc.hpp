// SPDX-License-Identifier: Apache-2.0
#pragma once
// The DLC container: a store-only ZIP with the members
//   model          JSON, "format": "qnnx-graph", "version": 1: the whole net but its static data
//   model.params   the static tensors in tensor order, each 16-byte aligned: the bytes that kernels read
//   dlc.metadata   key=value lines
// Parameters are stored by field name, ops by QNN type name, so that a file survives a new field or a new order of
// fields. The layout is ours, documented in docs/reference/dlc.md. Layer 7.

#include <cstddef>
#include <span>
#include <string>

#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI {

inline constexpr int dlc_version = 1;

void write_dlc(const net& n, const std::string& path);
/// Reads and verifies; whatever is wrong with the file is one line that names the file and the place.
net read_dlc(const std::string& path);
/// The same from memory; `source` names it in errors.
net parse_dlc(std::span<const std::byte> bytes, const std::string& source);

/// A net from the members `model` and `model.params`.
net parse_model(std::span<const std::byte> model, std::span<const std::byte> params, const std::string& source);

/// The member `model` of a net.
std::string model_json(const net& n);

}  // namespace qnnx::inline QNNX_ABI
