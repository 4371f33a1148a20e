// SPDX-License-Identifier: Apache-2.0
#pragma once
// Spelling of values in the files that we write: floats that read back to the same bits, JSON strings, CSV cells,
// shapes, and the names of the small enumerations. Layer 7.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "qnnx/ir/graph.hpp"

namespace qnnx::inline QNNX_ABI {

/// Shortest decimal that reads back to the same float; "inf", "-inf", "nan" where there is none.
std::string float_text(float x);
/// The same as a C++ expression: "0.5f", "std::numeric_limits<float>::infinity()".
std::string float_literal(float x);
/// The same as JSON: numbers, and strings for what JSON has no number for.
std::string float_json(float x);
/// Reads what float_text writes.
bool parse_float(std::string_view text, float& x);

std::string json_string(std::string_view text);
std::string csv_cell(std::string_view text);
/// "1,28,28,1"
std::string dims_text(const shape& s, std::string_view separator = ",");
template <class T>
std::string joined(const std::vector<T>& values, std::string_view separator = ",") {
  std::string s;
  for (const T& v : values) {
    if (!s.empty()) s += separator;
    if constexpr (std::is_convertible_v<T, std::string_view>) s += v;
    else s += std::to_string(v);
  }
  return s;
}

std::string_view to_string(tensor_kind kind);
std::string_view to_string(encoding_kind kind);
std::string_view to_string(activation a);
/// Inverse of the spellings above and of to_string(dtype), to_string(rounding_mode); false where there is none.
bool from_string(std::string_view text, tensor_kind& kind);
bool from_string(std::string_view text, encoding_kind& kind);
bool from_string(std::string_view text, activation& a);
bool from_string(std::string_view text, dtype& type);
bool from_string(std::string_view text, rounding_mode& mode);
std::string_view rounding_text(rounding_mode mode);

/// A name as C++ and the SDK allow it: other characters become '_', a leading digit gets '_'.
std::string clean_name(std::string_view name);

}  // namespace qnnx::inline QNNX_ABI
