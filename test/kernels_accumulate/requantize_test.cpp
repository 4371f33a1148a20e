// SPDX-License-Identifier: Apache-2.0
// Laws of the requantization: every policy equals the 128-bit formulation, ties and extremes included.
#include <doctest/doctest.h>

#include "kernels_accumulate/exact.hpp"
#include "kernels_movement/one_node.hpp"
#include "qnnx/numeric/requantize.hpp"

using namespace qnnx;

namespace {
constexpr std::int64_t everything = std::int64_t{1} << 31;

template <class Acc>
void compare(Acc acc, double real, rounding_mode mode) {
  const rounding::dynamic r{mode};
  const multiplier m = make_multiplier(real, r);
  const std::int64_t got = clamp<std::int64_t>(scale_accumulator(acc, m, r), -everything, everything);
  const std::int64_t expected =
      exact::clamped(exact::scaled(acc, real, mode, sizeof(Acc) > 4), -everything, everything);
  if (got != expected) {
    INFO("acc " << acc << " real " << real << " mode " << static_cast<int>(mode));
    CHECK(got == expected);
  }
}
void compare_once(std::int64_t acc, double real) {
  const rounding::tflite r;
  const std::int64_t got =
      clamp<std::int64_t>(scale_accumulator_once(acc, make_multiplier(real, r), r), -everything, everything);
  const std::int64_t expected =
      exact::clamped(exact::scaled_once(acc, real, rounding_mode::tflite), -everything, everything);
  if (got != expected) {
    INFO("acc " << acc << " real " << real);
    CHECK(got == expected);
  }
}
constexpr rounding_mode modes[] = {rounding_mode::rne, rounding_mode::tflite, rounding_mode::half_up};
}  // namespace

TEST_CASE("scaled sums equal the exact product, rounded as the policy says") {
  auto g = one_node::generator();
  std::uniform_real_distribution<double> exponent(-34, 6);
  for (int i = 0; i < 300000; ++i) {
    const double real = std::exp2(exponent(g));
    const int bits = one_node::between(g, 1, 31);
    const auto acc = static_cast<std::int32_t>(static_cast<std::int64_t>(g()) - (std::int64_t{1} << 31)) >> (31 - bits);
    const bool fits = std::abs(static_cast<double>(acc) * real) < 1e9;  // beyond, TFLite's left shift wraps
    for (const rounding_mode mode : modes)
      if (mode != rounding_mode::tflite || fits) compare(acc, real, mode);
  }
}
TEST_CASE("64-bit sums: below and above the fast path") {
  auto g = one_node::generator();
  std::uniform_real_distribution<double> exponent(-50, 6);
  for (int i = 0; i < 300000; ++i) {
    const double real = std::exp2(exponent(g));
    const int bits = one_node::between(g, 1, 63);
    const auto raw = (static_cast<std::uint64_t>(g()) << 32) | g();
    const std::int64_t acc = static_cast<std::int64_t>(raw) >> (63 - bits);
    compare(acc, real, rounding_mode::rne);
    compare(acc, real, rounding_mode::half_up);
    if (bits < 47 && real < 128) compare(acc, real, rounding_mode::tflite);
    compare_once(acc, real);
  }
}
TEST_CASE("ties: multipliers that are powers of two and their neighbours") {
  for (int shift = 1; shift <= 20; ++shift)
    for (std::int32_t n = -2000; n <= 2000; ++n)
      for (const rounding_mode mode : modes) {
        const auto acc =
            static_cast<std::int32_t>(static_cast<std::int64_t>(n) * (1 << (shift - 1)));  // k + 1/2 for odd n
        for (const std::int32_t a : {acc - 1, acc, acc + 1}) {
          compare(a, std::exp2(-shift), mode);
          compare(static_cast<std::int64_t>(a), std::exp2(-shift), mode);
          if (mode == rounding_mode::tflite) compare_once(a, std::exp2(-shift));
        }
      }
}
TEST_CASE("extremes do not overflow") {
  for (const double real : {1e-45, 1e-30, 1e-12, 0x1p-31, 0x1p-32, 1.0, 3.0, 8388607.0, 8388608.0, 1e12, 3e38})
    for (const std::int64_t acc : {std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, INT64_MAX, INT64_MIN,
                                   std::int64_t{INT32_MAX}, std::int64_t{INT32_MIN}})
      for (const rounding_mode mode : {rounding_mode::rne, rounding_mode::half_up}) {
        if (real >= 1e-38)
          compare(acc, real, mode);  // smaller ones are not normal floats: the multiplier is 0
        else
          CHECK(scale_accumulator(acc, make_multiplier(real, rounding::dynamic{mode}), rounding::dynamic{mode}) == 0);
        if (acc >= INT32_MIN && acc <= INT32_MAX && real >= 1e-38) compare(static_cast<std::int32_t>(acc), real, mode);
      }
  for (const double real : {1e-40, 1.0, 1e30})
    for (const std::int64_t acc : {INT64_MAX, INT64_MIN}) {
      const rounding::tflite r;
      const std::int64_t q = scale_accumulator(acc, make_multiplier(real, r), r);
      CHECK((real < 1 ? q == 0 : (acc > 0) == (q > 0)));
    }
}
TEST_CASE("the Q31 form is TFLite's QuantizeMultiplier") {
  auto g = one_node::generator();
  std::uniform_real_distribution<double> exponent(-40, 29);
  for (int i = 0; i < 100000; ++i) {
    const double real = std::exp2(exponent(g));
    int shift = 0;
    auto q = static_cast<std::int64_t>(std::round(std::frexp(real, &shift) * 2147483648.0));
    if (q == (std::int64_t{1} << 31)) q /= 2, ++shift;
    if (shift < -31) q = 0, shift = 0;
    const multiplier m = split_q31(real);
    REQUIRE(m.mantissa == q);
    REQUIRE(m.exponent == shift);
  }
  CHECK(split_q31(std::nextafter(0.5, 0.0)).exponent == 0);  // rounds up to 2^31: halved, exponent + 1
  CHECK(split_q31(std::nextafter(0.5, 0.0)).mantissa == 1 << 30);
}
