// SPDX-License-Identifier: Apache-2.0
#pragma once
// A short text built piece by piece, usable in constant expressions and without heap: the words of a diagnostic.
// Text that does not fit is cut. Layer 0.

#include <concepts>
#include <cstddef>
#include <string_view>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

template <std::size_t Capacity>
struct basic_text {
  char data[Capacity] = {};
  std::size_t length = 0;

  constexpr basic_text() = default;
  constexpr basic_text(std::string_view s) { *this << s; }  // NOLINT: implicit
  constexpr basic_text(const char* s) { *this << std::string_view(s); }  // NOLINT: implicit

  constexpr std::string_view view() const { return {data, length}; }
  constexpr bool empty() const { return length == 0; }

  constexpr basic_text& operator<<(std::string_view s) {
    for (char c : s)
      if (length + 1 < Capacity) data[length++] = c;
    return *this;
  }
  constexpr basic_text& operator<<(const char* s) { return *this << std::string_view(s); }
  template <std::integral Int>
    requires(!std::same_as<Int, char> && !std::same_as<Int, bool>)
  constexpr basic_text& operator<<(Int value) {
    char digits[24] = {};
    int n = 0;
    bool negative = value < 0;
    auto rest = static_cast<unsigned long long>(value);
    if (negative) rest = 0 - rest;
    do {
      digits[n++] = static_cast<char>('0' + rest % 10);
      rest /= 10;
    } while (rest != 0);
    if (negative) digits[n++] = '-';
    while (n > 0) *this << std::string_view(&digits[--n], 1);
    return *this;
  }
};

using text = basic_text<160>;

}  // namespace qnnx::inline QNNX_ABI
