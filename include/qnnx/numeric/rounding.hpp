// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rounding as a policy type, never ambient. A model says which one its numbers were made with:
//   rne      one rounding of the exact product, ties to even (the default; vectorises to one FMA)
//   tflite   the double rounding of TensorFlow Lite's reference kernels
//   half_up  one rounding of the exact product, ties toward +infinity
// `dynamic` holds the choice at run time for the interpreter. Layer 1.

#include <cstdint>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

enum class rounding_mode : std::uint8_t { rne = 0, tflite = 1, half_up = 2 };

namespace rounding {
struct rne {
  static constexpr rounding_mode mode() { return rounding_mode::rne; }
};
struct tflite {
  static constexpr rounding_mode mode() { return rounding_mode::tflite; }
};
struct half_up {
  static constexpr rounding_mode mode() { return rounding_mode::half_up; }
};
struct dynamic {
  rounding_mode value = rounding_mode::rne;
  constexpr rounding_mode mode() const { return value; }
};
}  // namespace rounding

/// x / 2^shift rounded to nearest, ties to even. 0 <= shift < 63.
constexpr std::int64_t shift_right_rne(std::int64_t x, int shift) {
  if (shift <= 0) return x;
  const std::int64_t floor = x >> shift;
  const std::int64_t rest = x - static_cast<std::int64_t>(static_cast<std::uint64_t>(floor) << shift);
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  return floor + ((rest > half || (rest == half && (floor & 1))) ? 1 : 0);
}
/// x / 2^shift rounded to nearest, ties toward +infinity.
constexpr std::int64_t shift_right_half_up(std::int64_t x, int shift) {
  if (shift <= 0) return x;
  return (x >> shift) + ((x >> (shift - 1)) & 1);
}

/// Nearest integer, ties to even, as int64. From 2^52 on values are integers already; +-2^62 stands for all beyond, so
/// that an offset can still be added. NaN gives 0.
constexpr std::int64_t round_rne(double x) {
  if (!(x > -4503599627370496.0 && x < 4503599627370496.0)) {
    if (!(x == x)) return 0;
    constexpr std::int64_t most = std::int64_t{1} << 62;
    return x > 0 ? (x < 4.6e18 ? static_cast<std::int64_t>(x) : most) : (x > -4.6e18 ? static_cast<std::int64_t>(x) : -most);
  }
  auto whole = static_cast<std::int64_t>(x);
  const double rest = x - static_cast<double>(whole);  // exact, in (-1, 1)
  if (rest > 0.5 || (rest == 0.5 && (whole & 1))) ++whole;
  if (rest < -0.5 || (rest == -0.5 && (whole & 1))) --whole;
  return whole;
}
/// Nearest integer, ties away from zero (std::round).
constexpr std::int64_t round_half_away(double x) {
  if (!(x > -4503599627370496.0 && x < 4503599627370496.0)) return round_rne(x);
  auto whole = static_cast<std::int64_t>(x);
  const double rest = x - static_cast<double>(whole);
  if (rest >= 0.5) ++whole;
  if (rest <= -0.5) --whole;
  return whole;
}

/// Rounding of a real to an integer under a model's policy. TFLite rounds half away from zero there.
template <class Rounding>
constexpr std::int64_t round_real(double x, Rounding r) {
  if (r.mode() == rounding_mode::tflite) return round_half_away(x);
  if (r.mode() == rounding_mode::half_up) {
    const std::int64_t n = round_half_away(x);
    return (static_cast<double>(n) - x == -0.5) ? n + 1 : n;  // a negative tie went down: bring it up
  }
  return round_rne(x);
}

}  // namespace qnnx::inline QNNX_ABI
