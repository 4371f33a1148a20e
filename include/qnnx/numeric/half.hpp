// SPDX-License-Identifier: Apache-2.0
#pragma once
// IEEE binary16 as a storage type. Arithmetic happens in float: load with to_float, store with one rounding to
// nearest even. (clang 14 on x86 has no _Float16.) Layer 1.

#include <bit>
#include <cstdint>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

/// Bits of the binary16 nearest to `x`, ties to even; overflow gives infinity, NaN stays a quiet NaN.
constexpr std::uint16_t half_bits(float x) {
  const auto u = std::bit_cast<std::uint32_t>(x);
  const auto sign = static_cast<std::uint16_t>((u >> 16) & 0x8000u);
  const std::uint32_t a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (a >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // rounds to >= 65520: infinity
  if (a < 0x33000001u) return sign;                                         // <= 2^-25: zero (tie goes to even 0)
  std::uint32_t mantissa = (a & 0x7fffffu) | 0x800000u;
  const int exponent = static_cast<int>(a >> 23) - 127;
  const int shift = exponent < -14 ? 13 + (-14 - exponent) : 13;  // subnormals lose more bits
  const std::uint32_t half = 1u << (shift - 1);
  const std::uint32_t rest = mantissa & ((1u << shift) - 1);
  mantissa >>= shift;
  if (rest > half || (rest == half && (mantissa & 1u))) ++mantissa;
  const std::uint32_t base = exponent < -14 ? 0u : static_cast<std::uint32_t>(exponent + 14) << 10;
  return static_cast<std::uint16_t>(sign + base + mantissa);  // a carry moves to the next exponent by itself
}

/// Exact value of the binary16 with these bits.
constexpr float half_value(std::uint16_t h) {
  const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
  const std::uint32_t exponent = (h >> 10) & 0x1fu;
  std::uint32_t mantissa = h & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  if (mantissa == 0) return std::bit_cast<float>(sign);
  std::uint32_t e = 113;
  while ((mantissa & 0x400u) == 0) {
    mantissa <<= 1;
    --e;
  }
  return std::bit_cast<float>(sign | (e << 23) | ((mantissa & 0x3ffu) << 13));
}

/// Storage of one binary16 number.
struct half {
  std::uint16_t bits = 0;

  constexpr half() = default;
  constexpr explicit half(float x) : bits(half_bits(x)) {}
  constexpr explicit operator float() const { return half_value(bits); }
  friend constexpr bool operator==(half, half) = default;  // compares bits: +0 and -0 differ
};

/// Storage of one bfloat16 number: the upper half of a binary32.
struct bfloat16 {
  std::uint16_t bits = 0;

  constexpr bfloat16() = default;
  constexpr explicit bfloat16(float x) {
    const auto u = std::bit_cast<std::uint32_t>(x);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  constexpr explicit operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
  friend constexpr bool operator==(bfloat16, bfloat16) = default;
};

}  // namespace qnnx::inline QNNX_ABI
