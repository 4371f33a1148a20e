// SPDX-License-Identifier: Apache-2.0
// FullyConnected and MatMul in all their types against sums written down index by index.
#include "kernels_accumulate/operands.hpp"

using namespace accumulate_test;

TEST_CASE("FullyConnected") {
  auto g = generator();
  each_signature<op::fully_connected>([&](const signature& t, rounding_mode mode) {
    for (int round = 0; round < 6; ++round) {
      const int n = between(g, 1, 70), m = between(g, 1, 40);
      const bool keep = between(g, 0, 1) != 0;
      const shape dims = keep ? shape{between(g, 1, 2), between(g, 1, 3), n} : shape{between(g, 1, 3), 1, n};
      const int axis = is_fixed(t.in[1]) && is_signed_fixed(t.in[1]) && between(g, 0, 2) != 0 ? 0 : -1;
      const auto x = random_tensor(g, t.in[0], dims);
      const auto w = random_tensor(g, t.in[1], {m, n}, axis);
      const auto b = random_tensor(g, t.in[2], {m}, -1, 5000);
      const bool biased = between(g, 0, 2) != 0;
      std::vector<value> in{x.v, w.v};
      if (biased) in.push_back(b.v);
      const auto y = run<op::fully_connected>(in, {.keep_dims = keep}, {output_type(g, t.out, x, w, n)}, mode)[0];
      CHECK(y.dims == (keep ? shape{dims[0], dims[1], m} : shape{dims[0], m}));
      check_output(y, x, w, biased ? &b : nullptr, mode, layer::fully_connected, m, [&](const place& p) {
        sum_of_products sum;
        for (int k = 0; k < n; ++k)
          sum.add(x, keep ? place{p[0], p[1], k} : place{p[0], 0, k}, w,
                  {p[static_cast<std::size_t>(y.dims.rank() - 1)], k});
        return sum;
      });
    }
  });
}

TEST_CASE("MatMul: batches broadcast, both sides transposed or not") {
  auto g = generator();
  each_signature<op::matmul>([&](const signature& t, rounding_mode mode) {
    for (int round = 0; round < 8; ++round) {
      const bool ta = round & 1, tb = round & 2;
      const int m = between(g, 1, 5), n = between(g, 1, 36), k = between(g, 1, 40);
      const int b0 = between(g, 1, 2), b1 = between(g, 1, 3);
      const bool one_a = between(g, 0, 2) == 0, short_b = between(g, 0, 1) == 0;
      shape da{b0, one_a ? 1 : b1};
      da.push_back(ta ? k : m);
      da.push_back(ta ? m : k);
      shape db = short_b ? shape{} : shape{1, b1};
      db.push_back(tb ? n : k);
      db.push_back(tb ? k : n);
      const int columns = db.rank() - (tb ? 2 : 1);
      const int axis = is_fixed(t.in[1]) && is_signed_fixed(t.in[1]) && between(g, 0, 3) == 0 ? columns : -1;
      const auto a = random_tensor(g, t.in[0], da);
      const auto w = random_tensor(g, t.in[1], db, axis);
      const auto bias = random_tensor(g, t.in[2], {n}, -1, 5000);
      const bool biased = between(g, 0, 1) != 0;
      std::vector<value> in{a.v, w.v};
      if (biased) in.push_back(bias.v);
      const auto y =
          run<op::matmul>(in, {.transpose_in0 = ta, .transpose_in1 = tb}, {output_type(g, t.out, a, w, k)}, mode)[0];
      CHECK(y.dims == shape{b0, short_b && one_a ? 1 : b1, m, n});
      check_output(y, a, w, biased ? &bias : nullptr, mode, layer::product, n, [&](const place& p) {
        sum_of_products sum;
        for (int i = 0; i < k; ++i) {
          const place pa{p[0], one_a ? 0 : p[1], ta ? i : p[2], ta ? p[2] : i};
          const place pb = short_b ? place{tb ? p[3] : i, tb ? i : p[3]} : place{0, p[1], tb ? p[3] : i, tb ? i : p[3]};
          sum.add(a, pa, w, pb);
        }
        return sum;
      });
    }
  });
}
