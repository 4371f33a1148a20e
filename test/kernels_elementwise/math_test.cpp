// SPDX-License-Identifier: Apache-2.0
// The library's own real functions against the C library's long double ones, and at compile time.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "qnnx/numeric/error_function.hpp"
#include "qnnx/numeric/math.hpp"
#include "qnnx/numeric/trigonometry.hpp"

namespace math = qnnx::math;

static_assert(math::exp(0.0) == 1.0);
static_assert(math::exp(1.0) == 0x1.5bf0a8b145769p+1);
static_assert(math::log(10.0) == 0x1.26bb1bbb55516p+1);
static_assert(math::sqrt(2.0) == 0x1.6a09e667f3bcdp+0);
static_assert(math::pow(2.0, 10.0) == 1024.0 && math::pow(-2.0, 3.0) == -8.0);
static_assert(math::sin(1e22) < -0.85220084976 && math::sin(1e22) > -0.85220084977);
static_assert(math::floor(-0.5) == -1.0 && math::ceil(-1.5) == -1.0 && math::round_even(2.5) == 2.0);
static_assert(math::fmod(-7.5, 2.0) == -1.5 && math::modulo(-7.5, 2.0) == 0.5);
static_assert(math::tanh(100.0) == 1.0 && math::sigmoid(0.0) == 0.5 && math::erf(7.0) == 1.0);

namespace {

struct range {
  double lo, hi;
  bool logarithmic = false;
};

/// Largest relative error over random points.
template <class Ours, class True>
double worst_error(Ours ours, True real, range r) {
  std::mt19937_64 bits(1);
  double worst = 0;
  for (int i = 0; i < 40000; ++i) {
    const double u = static_cast<double>(bits() >> 11) * 0x1p-53;
    const double x = r.logarithmic ? std::exp(std::log(r.lo) + u * (std::log(r.hi) - std::log(r.lo))) : r.lo + u * (r.hi - r.lo);
    const double got = ours(x);
    const long double expected = real(static_cast<long double>(x));
    if (got == static_cast<double>(expected) || std::fabs(expected) < 1e-300L) continue;
    const auto e = static_cast<double>(std::fabs((static_cast<long double>(got) - expected) / expected));
    if (!(e <= worst)) worst = e;
  }
  return worst;
}
#define WORST(NAME, ...) \
  worst_error([](double x) { return math::NAME(x); }, [](long double x) { return std::NAME(x); }, range{__VA_ARGS__})

bool same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::signbit(a) == std::signbit(b) && (a == b || std::fabs(a - b) <= 4e-15 * std::fabs(b));
}
const double corners[] = {0.0, -0.0, 1, -1, 2, -2, 3, 0.5, -0.5, 2.5, 1e300, -1e300, 1e-300, 5e-324, 710, -750,
                          HUGE_VAL, -HUGE_VAL, NAN};

}  // namespace

TEST_CASE("real functions are within 3e-15 of the true value") {
  CHECK(WORST(exp, -700, 709.7) < 1e-15);
  CHECK(WORST(expm1, -50, 50) < 1e-15);
  CHECK(WORST(expm1, 1e-300, 1, true) < 1e-15);
  CHECK(WORST(log, 1e-320, 1e308, true) < 1e-15);
  CHECK(WORST(log, 0.5, 2) < 1e-15);
  CHECK(WORST(log1p, -0.999, 3) < 1e-15);
  CHECK(WORST(log1p, 1e-300, 1e300, true) < 1e-15);
  CHECK(WORST(tanh, -25, 25) < 1e-15);
  CHECK(WORST(sin, -1000, 1000) < 1e-15);
  CHECK(WORST(sin, 1e-300, 1e300, true) < 1e-15);
  CHECK(WORST(cos, 1e-10, 1e300, true) < 1e-15);
  CHECK(WORST(cos, -2, 2) < 1e-15);
  CHECK(WORST(atan, -10, 10) < 1e-15);
  CHECK(WORST(atan, 1e-300, 1e300, true) < 1e-15);
  CHECK(WORST(asin, -1, 1) < 1e-15);
  CHECK(WORST(erf, -7, 7) < 3e-15);
  CHECK(WORST(erfc, -6, 26) < 3e-15);
  for (const double y : {0.1, 3.0, -7.3, 2.2, 50.0, 300.7})
    CHECK(worst_error([y](double x) { return math::pow(x, y); },
                      [y](long double x) { return std::pow(x, static_cast<long double>(y)); }, {0.1, 10}) < 1e-15);
  CHECK(worst_error([](double x) { return math::sigmoid(x); }, [](long double x) { return 1 / (1 + std::exp(-x)); },
                    {-600, 40}) < 1e-15);
  CHECK(worst_error([](double x) { return math::softplus(x); }, [](long double x) { return std::log1p(std::exp(x)); },
                    {-600, 40}) < 1e-15);
}

TEST_CASE("square root, remainder and rounding are exact") {
  std::mt19937_64 bits(3);
  int wrong = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto number = [&] { return std::ldexp(static_cast<double>(bits() >> 11) + 1, static_cast<int>(bits() % 600) - 300); };
    const double x = (i & 1) ? number() : -number();
    const double y = (i & 2) ? number() : -number();
    wrong += math::sqrt(std::fabs(x)) != std::sqrt(std::fabs(x));
    wrong += math::fmod(x, y) != std::fmod(x, y);
    const double z = static_cast<double>(bits() >> 11) * 0x1p-40 - 4000;
    wrong += math::floor(z) != std::floor(z) || math::ceil(z) != std::ceil(z) || math::round_even(z) != std::nearbyint(z);
  }
  CHECK(wrong == 0);
}

TEST_CASE("special values are the C library's") {
  for (const double x : corners) {
    CAPTURE(x);
    CHECK(same(math::exp(x), std::exp(x)));
    CHECK(same(math::expm1(x), std::expm1(x)));
    CHECK(same(math::log(x), std::log(x)));
    CHECK(same(math::log1p(x), std::log1p(x)));
    CHECK(same(math::sqrt(x), std::sqrt(x)));
    CHECK(same(math::tanh(x), std::tanh(x)));
    CHECK(same(math::sin(x), std::sin(x)));
    CHECK(same(math::cos(x), std::cos(x)));
    CHECK(same(math::atan(x), std::atan(x)));
    CHECK(same(math::asin(x), std::asin(x)));
    CHECK(same(math::erf(x), std::erf(x)));
    CHECK(same(math::erfc(x), std::erfc(x)));
    CHECK(same(math::floor(x), std::floor(x)));
    for (const double y : corners) {
      CAPTURE(y);
      CHECK(same(math::pow(x, y), std::pow(x, y)));
      CHECK(same(math::fmod(x, y), std::fmod(x, y)));
    }
  }
}
