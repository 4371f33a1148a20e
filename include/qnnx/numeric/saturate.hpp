// SPDX-License-Identifier: Apache-2.0
#pragma once
// Clamping and packed 4-bit access. Layer 1.

#include <cstddef>
#include <cstdint>
#include <limits>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

template <class T>
constexpr T clamp(T x, T lo, T hi) {
  return x < lo ? lo : (x > hi ? hi : x);
}

/// Nearest value of integer type `To`.
template <class To>
constexpr To saturate(std::int64_t x) {
  return static_cast<To>(clamp<std::int64_t>(x, std::numeric_limits<To>::min(), std::numeric_limits<To>::max()));
}

/// Element `i` of packed 4-bit data, two to a byte, first in the low nibble: (10, 4) is the byte 0x4A.
constexpr std::int32_t load_u4(const std::uint8_t* bytes, std::size_t i) {
  return (bytes[i / 2] >> ((i % 2) * 4)) & 0xf;
}
constexpr std::int32_t load_s4(const std::uint8_t* bytes, std::size_t i) {
  return ((load_u4(bytes, i) ^ 8) - 8);
}
constexpr void store_4(std::uint8_t* bytes, std::size_t i, std::int32_t value) {
  const int shift = static_cast<int>(i % 2) * 4;
  const auto keep = static_cast<unsigned>(bytes[i / 2]) & (0xf0u >> shift);
  bytes[i / 2] = static_cast<std::uint8_t>(keep | ((static_cast<unsigned>(value) & 0xfu) << shift));
}

}  // namespace qnnx::inline QNNX_ABI
