// SPDX-License-Identifier: Apache-2.0
// The worked examples of the SDK's quantization page and of real converter output, as numbers.
#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "qnnx/quant/calibrate.hpp"
#include "qnnx/quant/range.hpp"

using namespace qnnx;

namespace {
constexpr auto ua = schema::unsigned_asymmetric;
constexpr auto ss = schema::signed_symmetric;
constexpr bool near(double a, double b, double tolerance = 1e-6) {
  const double d = a - b;
  return (d < 0 ? -d : d) <= tolerance;
}
constexpr bool gives(real_range r, schema s, int bits, double scale, int offset, double lo, double hi) {
  const grid g = encode_range(r, s, bits);
  return near(static_cast<double>(g.scale), scale, scale * 1e-5) && g.offset == offset && near(g.lo(), lo, 2e-6) && near(g.hi(), hi, 2e-6);
}

static_assert(gives({-1.8, 0.5}, ua, 8, 0.00901961, -200, -1.803922, 0.496078));
static_assert(gives({-5.1, 5.1}, ua, 8, 0.04, -128, -5.12, 5.08));
static_assert(gives({5, 10}, ua, 8, 0.0392157, 0, 0, 10));
static_assert(gives({-20, -6}, ua, 8, 0.0784314, -255, -20, 0));
static_assert(gives({0, 0}, ua, 8, 3.92157e-7, 0, 0, 1e-4));
static_assert(gives({-1, 1}, ua, 8, 0.00784314, -128, -1.003922, 0.996078));
static_assert(gives({1, 1}, ua, 8, 0.00392157, 0, 0, 1));
static_assert(gives({-1, 1}, ua, 16, 3.05180e-5, -32768, -1.0000153, 0.9999847));
static_assert(gives({-1.8, .5}, ua, 16, 3.5096e-5, -51288, -1.7999908, 0.5000092));
static_assert(gives({-.5, 1}, ss, 8, 0.00787402, 0, -1.007874, 1));
static_assert(gives({-.5, 1}, schema::unsigned_symmetric, 8, 0.00787402, -128, -1.007874, 1));
static_assert(gives({-.5, 1}, ss, 4, 1.0 / 7, 0, -1.142857, 1));
static_assert(gives({-.7, 0.70111752}, ss, 8, 0.0055206104, 0, -0.70663813, 0.70111752));
static_assert(near(static_cast<double>(encode_range({0, 0.160477}, ss, 32).scale), 7.47279e-11, 1e-15));
static_assert(near(static_cast<double>(encode_range({0, 0}, ss, 32).scale), 4.65661e-14, 1e-18));
static_assert(encode_range({-1.8, 0.5}, schema::signed_asymmetric, 8).offset == -72);

constexpr grid page = encode_range({-1.8, 0.5}, ua, 8);
static_assert(quantize_value(-1.8, page) == 0 && quantize_value(-1, page) == 89 && quantize_value(0, page) == 200 && quantize_value(.5, page) == 255);
static_assert(near(round_trip(-1.0, page), -1.0011, 2e-4) && near(round_trip(0.5, page), 0.4961, 1e-4));
static_assert(near(static_cast<double>(encode_steps({-1, 0.5}, ss, 8, -0x80, 0x7f).scale), 2.0 / 255, 1e-9));
static_assert(near(static_cast<double>(encode_steps({-1, 0.5}, ss, 16, -0x8000, 0x7f7f).scale), 2.0 / 65407, 1e-10));
}  // namespace

TEST_CASE("zero is always represented exactly and q is inside the grid") {
  std::mt19937 rng(7);
  std::uniform_real_distribution<double> u(-30, 30);
  for (int k = 0; k < 2000; ++k) {
    const real_range r{std::min(0.0, u(rng)), std::max(0.0, u(rng))};
    for (schema s : {ua, schema::signed_asymmetric, ss, schema::unsigned_symmetric})
      for (int bits : {4, 8, 16}) {
        const grid g = encode_range(r, s, bits);
        CHECK(round_trip(0.0, g) == 0.0);
        CHECK(quantize_value(1e9, g) == grid_max(s, bits));
        CHECK(quantize_value(-1e9, g) == grid_min(s, bits));
        const double x = r.lo + (r.hi - r.lo) * 0.37;
        CHECK(std::abs(round_trip(x, g) - x) <= static_cast<double>(g.scale) * 0.5001);
      }
  }
}

TEST_CASE("not-a-number and infinite ranges count as zero") {
  const grid g = encode_range({std::nan(""), INFINITY}, ua, 8);
  CHECK(g == encode_range({0, 0}, ua, 8));
}

TEST_CASE("calibration methods find the published clips of a normal distribution") {
  // Best 4-bit symmetric clip of N(0,1) by mse: about 2.36 (signed symmetric), 8 bit about 3.95.
  std::mt19937 rng(1);
  std::normal_distribution<double> normal(0, 1);
  std::vector<double> v(400000);
  for (double& x : v) x = normal(rng);
  real_range seen{};
  for (double x : v) seen = hull(seen, {x, x});
  histogram h(seen);
  for (double x : v) h.add(x);
  CHECK(mse_range(h, ss, 4).hi == doctest::Approx(2.36).epsilon(0.04));
  CHECK(mse_range(h, ss, 8).hi == doctest::Approx(3.95).epsilon(0.06));
  const real_range p = percentile_range(h, 99.0);
  CHECK(p.hi == doctest::Approx(2.326).epsilon(0.02));
  CHECK(p.lo == doctest::Approx(-2.326).epsilon(0.02));
  CHECK(percentile_range(h, 100.0).hi == doctest::Approx(seen.hi).epsilon(1e-3));
  const real_range q = sqnr_range(h, ua, 4);  // clips, but less than mse: clipped error counts three times
  CHECK(q.hi < seen.hi);
  CHECK(q.hi > 2.3);
}

TEST_CASE("an outlier is cut by mse at 4 bits and kept at 8 bits") {
  std::mt19937 rng(2);
  std::normal_distribution<double> normal(0, 1);
  std::vector<double> v(9999);
  for (double& x : v) x = normal(rng);
  v.push_back(20.0);
  histogram h(real_range{-4, 20});
  for (double x : v) h.add(x);
  CHECK(mse_range(h, ua, 4).hi < 8);
  CHECK(mse_range(h, ua, 8).hi > 15);
  CHECK(percentile_range(h, 99.99).hi < 6);
}
