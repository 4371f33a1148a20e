// SPDX-License-Identifier: Apache-2.0
// Pools in all their types against windows written down index by index.
#include <algorithm>

#include "kernels_accumulate/operands.hpp"

using namespace accumulate_test;

namespace {

struct pool_case {
  shape x;
  std::vector<int> filter, stride, before, after;
  bool ceil = false, count_pads = false;
};
pool_case random_pool(std::mt19937& g, int axes) {
  pool_case c;
  c.x = {between(g, 1, 2)};
  for (int k = 0; k < axes; ++k) {
    const int f = between(g, 1, 4);
    c.filter.push_back(f);
    c.stride.push_back(between(g, 1, 3));
    c.before.push_back(between(g, 0, f - 1));
    c.after.push_back(between(g, 0, f - 1));
    c.x.push_back(between(g, 4, 7));
  }
  c.x.push_back(between(g, 1, 20));
  c.ceil = between(g, 0, 1) != 0;
  c.count_pads = between(g, 0, 1) != 0;
  return c;
}

template <class Op>
typename Op::params to_params(const pool_case& c) {
  typename Op::params p;
  for (std::size_t k = 0; k < c.filter.size(); ++k) {
    p.filter_size[k] = static_cast<std::uint32_t>(c.filter[k]);
    p.stride[k] = static_cast<std::uint32_t>(c.stride[k]);
    p.pad_amount[2 * k] = static_cast<std::uint32_t>(c.before[k]);
    p.pad_amount[2 * k + 1] = static_cast<std::uint32_t>(c.after[k]);
  }
  if constexpr (requires { p.rounding_mode; })
    p.rounding_mode = c.ceil ? op::pool_rounding::ceil : op::pool_rounding::floor;
  if constexpr (requires { p.count_pad_for_edges; }) p.count_pad_for_edges = c.count_pads;
  return p;
}

/// The elements of a window that lie in the data, and how many the window has when padding counts.
struct window_content {
  std::vector<std::int64_t> q;
  std::vector<double> r;
  std::int64_t padded = 0;
};
window_content content(const tensor_values& x, const pool_case& c, const place& p) {
  window_content w;
  const int axes = static_cast<int>(c.filter.size());
  std::int64_t positions = 1;
  for (int f : c.filter) positions *= f;
  for (std::int64_t i = 0; i < positions; ++i) {
    std::int64_t rest = i;
    place at = p;
    bool in_data = true, in_padding = true;
    for (int k = axes - 1; k >= 0; --k) {
      const auto a = static_cast<std::size_t>(k);
      const std::int64_t v = p[a + 1] * c.stride[a] - c.before[a] + rest % c.filter[a];
      rest /= c.filter[a];
      at[a + 1] = v;
      in_data = in_data && v >= 0 && v < c.x[k + 1];
      in_padding = in_padding && v < c.x[k + 1] + c.after[a];
    }
    if (in_padding) ++w.padded;
    if (!in_data) continue;
    if (is_float(x.v.type))
      w.r.push_back(x.real(at));
    else
      w.q.push_back(x.at(at));
  }
  return w;
}
double output_real(const value& y, std::int64_t i) {
  const auto k = static_cast<std::size_t>(i);
  return y.type == dtype::float_16 ? static_cast<double>(static_cast<float>(y.as<half>()[k]))
                                   : static_cast<double>(y.as<float>()[k]);
}
element_type pool_output(std::mt19937& g, dtype t, const tensor_values& x, bool same) {
  if (is_float(t)) return {t, {}};
  if (same) return {t, x.v.enc};
  const auto lo = static_cast<int>(min_value(t)), hi = static_cast<int>(max_value(t));
  return {t, net_encoding::tensor(x.scales[0] * (0.4f + 0.01f * static_cast<float>(between(g, 0, 150))),
                                  -between(g, lo, hi))};
}

template <class Op>
void check_average(std::mt19937& g) {
  each_signature<Op>([&](const signature& t, rounding_mode mode) {
    for (int round = 0; round < 10; ++round) {
      const pool_case c = random_pool(g, Op::spatial_axes);
      const bool same = between(g, 0, 1) != 0;
      const auto x = random_tensor(g, t.in[0], c.x);
      const auto y = run<Op>({x.v}, to_params<Op>(c), {pool_output(g, t.out, x, same)}, mode)[0];
      for (std::int64_t i = 0; i < y.dims.size(); ++i) {
        const window_content w = content(x, c, coordinates(y.dims, i));
        const auto count = c.count_pads ? w.padded : static_cast<std::int64_t>(w.q.size() + w.r.size());
        REQUIRE(count > 0);
        if (is_float(t.out)) {
          double sum = 0;
          for (double r : w.r) sum += r;
          const double mean = sum / static_cast<double>(count);
          REQUIRE(std::abs(output_real(y, i) - mean) <= 1e-6 + (t.out == dtype::float_16 ? std::abs(mean) / 2000 : 0));
          continue;
        }
        std::int64_t sum = 0;
        for (std::int64_t q : w.q) sum += q;
        exact::wide q = 0;
        if (mode == rounding_mode::tflite && same) {  // the mean of the stored values, half away from zero
          q = exact::divide(sum - count * x.v.enc.offset(), count, exact::tie::away);
        } else {
          const double real = static_cast<double>(x.scales[0]) * (1.0 / static_cast<double>(count)) /
                              static_cast<double>(y.enc.scale());
          q = exact::scaled(sum, real, mode, bits_of(t.out) > 8) - y.enc.offset();
        }
        REQUIRE(get_element(t.out, y.data, static_cast<std::size_t>(i)) ==
                exact::clamped(q, min_value(t.out), max_value(t.out)));
      }
    }
  });
}
template <class Op>
void check_maximum(std::mt19937& g) {
  each_signature<Op>([&](const signature& t, rounding_mode mode) {
    for (int round = 0; round < 10; ++round) {
      const pool_case c = random_pool(g, Op::spatial_axes);
      const bool same = between(g, 0, 1) != 0;
      const auto x = random_tensor(g, t.in[0], c.x);
      const auto y = run<Op>({x.v}, to_params<Op>(c), {pool_output(g, t.out, x, same)}, mode)[0];
      for (std::int64_t i = 0; i < y.dims.size(); ++i) {
        const window_content w = content(x, c, coordinates(y.dims, i));
        if (is_float(t.out)) {
          REQUIRE(output_real(y, i) == *std::max_element(w.r.begin(), w.r.end()));
          continue;
        }
        const std::int64_t most = *std::max_element(w.q.begin(), w.q.end());
        const double real = static_cast<double>(x.scales[0]) / static_cast<double>(y.enc.scale());
        const exact::wide q = same ? exact::wide(most) : exact::scaled(most, real, mode, false);
        REQUIRE(get_element(t.out, y.data, static_cast<std::size_t>(i)) ==
                exact::clamped(q - y.enc.offset(), min_value(t.out), max_value(t.out)));
      }
    }
  });
}
}  // namespace

TEST_CASE("PoolAvg2d and PoolAvg3d") {
  auto g = generator();
  check_average<op::pool_avg2d>(g);
  check_average<op::pool_avg3d>(g);
}
TEST_CASE("PoolMax2d and PoolMax3d") {
  auto g = generator();
  check_maximum<op::pool_max2d>(g);
  check_maximum<op::pool_max3d>(g);
}
TEST_CASE("L2Pool2d") {
  auto g = generator();
  for (const dtype t : {dtype::float_32, dtype::float_16})
    for (int round = 0; round < 10; ++round) {
      pool_case c = random_pool(g, 2);
      c.ceil = false;
      const auto x = random_tensor(g, t, c.x);
      const auto y = run<op::l2_pool2d>({x.v}, to_params<op::l2_pool2d>(c), {{t, {}}})[0];
      for (std::int64_t i = 0; i < y.dims.size(); ++i) {
        double sum = 0;
        for (double r : content(x, c, coordinates(y.dims, i)).r) sum += r * r;
        REQUIRE(std::abs(output_real(y, i) - std::sqrt(sum)) <=
                1e-6 + (t == dtype::float_16 ? std::sqrt(sum) / 2000 : 0));
      }
    }
}
TEST_CASE("ceil leaves out a window that would begin behind the data") {
  // size, before, after, filter, stride: torch.nn.MaxPool2d(ceil_mode=True)
  CHECK(op::pool_count(7, 0, 0, 2, 2, op::pool_rounding::floor) == 3);
  CHECK(op::pool_count(7, 0, 0, 2, 2, op::pool_rounding::ceil) == 4);
  CHECK(op::pool_count(4, 0, 0, 1, 2, op::pool_rounding::ceil) == 2);  // ceil(3/2) + 1 = 3 would begin at 4
  CHECK(op::pool_count(6, 1, 1, 3, 3, op::pool_rounding::ceil) == 3);
  CHECK(op::pool_count(5, 1, 1, 3, 3, op::pool_rounding::ceil) == 2);  // the third would begin in the padding behind
  CHECK(op::pool_count(5, 1, 1, 2, 3, op::pool_rounding::ceil) == 2);  // the third would begin in the padding behind
}
