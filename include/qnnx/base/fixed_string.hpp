// SPDX-License-Identifier: Apache-2.0
#pragma once
// A string that can be a template argument: `model<net>::tensor<"conv0">`. Layer 0.

#include <cstddef>
#include <string_view>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

template <std::size_t N>
struct fixed_string {
  char data[N] = {};

  constexpr fixed_string() = default;
  constexpr fixed_string(const char (&s)[N]) {  // NOLINT: implicit, so that a literal can be written as argument
    for (std::size_t i = 0; i < N; ++i) data[i] = s[i];
  }
  /// The text without its closing NUL.
  constexpr std::string_view view() const { return {data, N - 1}; }
  static constexpr std::size_t size() { return N - 1; }
  friend constexpr bool operator==(const fixed_string&, const fixed_string&) = default;
};

}  // namespace qnnx::inline QNNX_ABI
