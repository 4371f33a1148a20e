// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one exception of the hosted side: a clear line for the user. Files are named with place and remedy by whoever
// throws. Layer 6b.

#include <stdexcept>
#include <string>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

/// A message on one line: names from files may hold any bytes, and control characters are shown as \xNN.
inline std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      out += c;
    } else {
      constexpr const char* digits = "0123456789abcdef";
      out += "\\x";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

struct error : std::runtime_error {
  explicit error(const std::string& text) : std::runtime_error(printable(text)) {}
};

}  // namespace qnnx::inline QNNX_ABI
