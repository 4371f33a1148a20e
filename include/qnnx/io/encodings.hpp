// SPDX-License-Identifier: Apache-2.0
#pragma once
// Encodings files (--quantization_overrides, --dump_encoding_json): JSON of versions 0.4.0, 0.5.0, 0.6.1 (sections of
// {tensor: [encoding, ...]}), 1.0.0 (lists of {name, bw, scale, offset, ...}) and 2.0.0 (y_scale, y_zero_point). What
// they say is put on a float net: encodings on the unsigned grid (offset <= 0) with their range, or "stays float".
// min, max and bit width win over scale and offset, as the SDK's converters do. Layer 7.

#include <string>
#include <string_view>
#include <vector>

#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI {

/// What a file says about one tensor.
struct encoding_entry {
  std::string name;
  bool parameter = false;  // from param_encodings
  bool is_float = false;
  int bits = 8;
  bool symmetric = false;
  std::vector<float> scales{};            // one, or one per channel
  std::vector<std::int32_t> offsets{};    // on the unsigned grid
};

struct encodings_file {
  std::string version = "0.4.0";
  std::vector<encoding_entry> entries{};
};

/// Throws error "FILE: place: got ..., expected ..." where the file is not such a JSON.
encodings_file read_encodings(const std::string& path);
encodings_file parse_encodings(std::string_view json, const std::string& file);

/// Puts the entries on the float tensors of the same name or source name. Returns the names that the net does not have.
std::vector<std::string> apply_encodings(net& n, const encodings_file& f);

enum class encodings_version { v0_6_1, v1_0_0 };
/// The encodings of every fixed-point tensor of a quantized net.
std::string dump_encodings(const net& n, encodings_version version = encodings_version::v1_0_0);

}  // namespace qnnx::inline QNNX_ABI
