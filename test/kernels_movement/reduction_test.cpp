// SPDX-License-Identifier: Apache-2.0
// Reductions against sums over coordinates in double, quantized ones against the formula with one rounding.
#include <cmath>

#include "one_node.hpp"

using namespace one_node;
using std::size_t;

namespace {
struct groups {
  shape kept;  // with keep_dims
  std::vector<std::vector<std::int64_t>> members;
};
groups group(const shape& in, const qnnx::axes& over) {
  groups r;
  for (int d = 0; d < in.rank(); ++d) r.kept.push_back(over.contains(d) ? 1 : in[d]);
  r.members.resize(static_cast<size_t>(r.kept.size()));
  for (std::int64_t i = 0; i < in.size(); ++i) {
    place at = coordinates(in, i);
    for (int d = 0; d < in.rank(); ++d)
      if (over.contains(d)) at[static_cast<size_t>(d)] = 0;
    r.members[static_cast<size_t>(flat(r.kept, at))].push_back(i);
  }
  return r;
}
qnnx::axes random_axes(std::mt19937& g, int rank) {
  qnnx::axes a;
  while (a.size() == 0)
    for (int d = 0; d < rank; ++d)
      if (between(g, 0, 1)) a.push_back(d);
  return a;
}
template <class Op>
std::vector<float> real(const value& x, const qnnx::axes& a) {
  return run<Op>({x}, {.axes = a}, {{}})[0].template as<float>();
}
}  // namespace

TEST_CASE("float reductions are the double result rounded once") {
  auto g = generator();
  for (int round = 0; round < 20; ++round) {
    const shape in = random_shape(g, between(g, 1, 5), 4);
    const qnnx::axes a = random_axes(g, in.rank());
    std::vector<float> data;
    for (std::int64_t i = 0; i < in.size(); ++i) data.push_back(static_cast<float>(between(g, -1000, 1000)) / 300.0f);
    const value x = make(dtype::float_32, in, data);
    const groups gr = group(in, a);
    const auto sum = real<op::reduce_sum>(x, a), mean = real<op::reduce_mean>(x, a), most = real<op::reduce_max>(x, a),
               least = real<op::reduce_min>(x, a), product = real<op::reduce_prod>(x, a),
               squares = real<op::reduce_sum_square>(x, a);
    REQUIRE(sum.size() == gr.members.size());
    for (size_t k = 0; k < gr.members.size(); ++k) {
      double s = 0, p = 1, q = 0, hi = -1e9, lo = 1e9;
      for (std::int64_t i : gr.members[k]) {
        const auto v = static_cast<double>(data[static_cast<size_t>(i)]);
        s += v, p *= v, q += v * v, hi = std::fmax(hi, v), lo = std::fmin(lo, v);
      }
      CHECK(sum[k] == static_cast<float>(s));
      CHECK(mean[k] == static_cast<float>(s / static_cast<double>(gr.members[k].size())));
      CHECK(product[k] == static_cast<float>(p));
      CHECK(squares[k] == static_cast<float>(q));
      CHECK(most[k] == static_cast<float>(hi));
      CHECK(least[k] == static_cast<float>(lo));
    }
  }
}

TEST_CASE("shapes: kept as 1, dropped, and the rank of a full reduction") {
  const value x = make<float>(dtype::float_32, {2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(run<op::reduce_sum>({x}, {.axes = {1}, .keep_dims = true}, {{}})[0].dims == shape{2, 1});
  CHECK(run<op::reduce_sum>({x}, {.axes = {0}}, {{}})[0].dims == shape{3});
  CHECK(run<op::reduce_sum>({x}, {.axes = {0, 1}}, {{}})[0].dims == shape{1});
  CHECK(run<op::reduce_sum_square>({x}, {.axes = {0, 1}}, {{}})[0].dims == shape{});
  CHECK(run<op::reduce_sum_square>({x}, {.axes = {0, 1}}, {{}})[0].as<float>() == std::vector<float>{91});
  CHECK_THROWS_WITH_AS(run<op::reduce_sum>({x}, {.axes = {2}}, {{}}),
                       doctest::Contains("parameter axes: got 2, expected an axis: 0 to 1"), error);
}

TEST_CASE_TEMPLATE("quantized sum, mean, max, min: exact sum, one rounding to nearest even", T, types::u8, types::s8,
                   types::u16, types::s16) {
  using storage = typename T::storage;
  auto g = generator();
  for (int round = 0; round < 20; ++round) {
    const shape in = random_shape(g, between(g, 1, 4), 5);
    const qnnx::axes a = random_axes(g, in.rank());
    const groups gr = group(in, a);
    const auto count = static_cast<double>(gr.members[0].size());
    const net_encoding from =
        net_encoding::tensor(static_cast<float>(between(g, 1, 999)) / 1000.0f, -between(g, 0, 120));
    const net_encoding to = net_encoding::tensor(static_cast<float>(between(g, 1, 999)) / 800.0f, -between(g, 0, 120));
    const value x = random_value(g, {T::code, static_cast<int>(sizeof(storage)), from}, in);
    const auto data = x.as<storage>();
    const double ratio = static_cast<double>(from.scale()) / static_cast<double>(to.scale());
    const auto finish = [&](double acc, double factor) {
      const double v =
          std::nearbyint(acc * static_cast<double>(static_cast<float>(factor))) - to.offset();  // exact: 24 + 24 bits
      return static_cast<std::int64_t>(
          std::fmin(std::fmax(v, static_cast<double>(min_value(T::code))), static_cast<double>(max_value(T::code))));
    };
    const auto sum = run<op::reduce_sum>({x}, {.axes = a}, {{T::code, to}})[0].template as<storage>();
    const auto mean = run<op::reduce_mean>({x}, {.axes = a}, {{T::code, to}})[0].template as<storage>();
    const auto most = run<op::reduce_max>({x}, {.axes = a}, {{T::code, from}})[0].template as<storage>();
    const auto least = run<op::reduce_min>({x}, {.axes = a}, {{T::code, to}})[0].template as<storage>();
    for (size_t k = 0; k < gr.members.size(); ++k) {
      double s = 0;
      storage hi = data[static_cast<size_t>(gr.members[k][0])], lo = hi;
      for (std::int64_t i : gr.members[k]) {
        const storage v = data[static_cast<size_t>(i)];
        s += static_cast<double>(v) + from.offset();
        hi = std::max(hi, v), lo = std::min(lo, v);
      }
      CHECK(sum[k] == finish(s, ratio));
      CHECK(mean[k] == finish(s, static_cast<double>(from.scale()) / (static_cast<double>(to.scale()) * count)));
      CHECK(most[k] == hi);
      CHECK(least[k] == finish(static_cast<double>(lo) + from.offset(), ratio));
    }
  }
}

TEST_CASE("integers wrap, their mean goes toward zero") {
  const value x = make<std::int32_t>(dtype::int_32, {4}, {INT32_MAX, 1, 0, -3});
  const value y = make<std::int32_t>(dtype::int_32, {2}, {-3, -4});
  CHECK(run<op::reduce_sum>({x}, {.axes = {0}}, {{dtype::int_32, {}}})[0].as<std::int32_t>()[0] == INT32_MAX - 2);
  CHECK(run<op::reduce_mean>({y}, {.axes = {0}}, {{dtype::int_32, {}}})[0].as<std::int32_t>()[0] == -3);
  CHECK(run<op::reduce_prod>({y}, {.axes = {0}}, {{dtype::int_32, {}}})[0].as<std::int32_t>()[0] == 12);
}

TEST_CASE("Argmax and Argmin: the first of equals, int32 or uint32") {
  auto g = generator();
  for (int round = 0; round < 20; ++round) {
    const shape in = random_shape(g, between(g, 1, 4), 6);
    const int axis = between(g, 0, in.rank() - 1);
    std::vector<float> data;
    for (std::int64_t i = 0; i < in.size(); ++i) data.push_back(static_cast<float>(between(g, -3, 3)));
    const value x = make(dtype::float_32, in, data);
    const groups gr = group(in, {axis});
    const auto most = run<op::argmax>({x}, {.axis = static_cast<std::uint32_t>(axis), .keep_dims = round % 2 == 0},
                                      {{dtype::int_32, {}}})[0];
    const auto least = run<op::argmin>({x}, {.axis = static_cast<std::uint32_t>(axis)}, {{dtype::uint_32, {}}})[0];
    if (round % 2 == 0) CHECK(most.dims == gr.kept);
    for (size_t k = 0; k < gr.members.size(); ++k) {
      const auto& m = gr.members[k];
      const auto less = [&](std::int64_t a, std::int64_t b) {
        return data[static_cast<size_t>(a)] < data[static_cast<size_t>(b)];
      };
      CHECK(most.as<std::int32_t>()[k] == std::max_element(m.begin(), m.end(), less) - m.begin());
      CHECK(least.as<std::uint32_t>()[k] ==
            static_cast<std::uint32_t>(std::min_element(m.begin(), m.end(), less) - m.begin()));
    }
  }
}
