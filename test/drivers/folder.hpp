// SPDX-License-Identifier: Apache-2.0
#pragma once
// A folder for one test, gone afterwards; what an error says.
#include <filesystem>
#include <string>

#include "cli/process.hpp"
#include "qnnx/runtime/error.hpp"

inline std::string temporary_root() { return std::filesystem::temp_directory_path().string(); }

/// The message of the error that f ends in, or empty.
template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const qnnx::error& e) {
    return e.what();
  }
  return {};
}
inline bool one_line(const std::string& s) { return !s.empty() && s.find('\n') == std::string::npos; }
