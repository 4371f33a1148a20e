// SPDX-License-Identifier: Apache-2.0
// How far a window's output must begin before its dying input: the three-stretch formula against every row.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "qnnx/kernel/convolution/accumulate.hpp"

using namespace qnnx;

TEST_CASE("window_overlap is the worst row") {
  std::mt19937 random(11);
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<std::int64_t>(from, to)(random); };
  for (int k = 0; k < 20000; ++k) {
    const std::int64_t in_rows = pick(1, 40), stride = pick(1, 5), before = pick(0, 6), out_rows = pick(1, 45);
    const std::int64_t in_row = pick(1, 300), out_row = pick(1, 300);
    std::int64_t worst = 0;
    for (std::int64_t r = 0; r < out_rows; ++r)
      worst = std::max(worst, (r + 1) * out_row - std::clamp<std::int64_t>(r * stride - before, 0, in_rows) * in_row);
    CAPTURE(k);
    REQUIRE(kernel::window_overlap(out_rows, out_row, in_rows, in_row, stride, before) == worst);
  }
}
