// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "one_node.hpp"

using namespace one_node;

TEST_CASE("IsNan and IsInf find what they name, in float32 and float16") {
  const value x = make<float>(dtype::float_32, {6}, {0.0f, -1e38f, INFINITY, -INFINITY, NAN, 65504.0f});
  const value h = run<op::cast>({x}, {}, {{dtype::float_16, {}}})[0];  // -1e38 becomes -infinity
  const auto nan = [](const value& v) { return run<op::is_nan>({v}, {}, {{dtype::bool_8, {}}})[0].as<std::uint8_t>(); };
  const auto inf = [](const value& v, bool n, bool p) {
    return run<op::is_inf>({v}, {.detect_negative = n, .detect_positive = p}, {{dtype::bool_8, {}}})[0]
        .as<std::uint8_t>();
  };
  CHECK(nan(x) == std::vector<std::uint8_t>{0, 0, 0, 0, 1, 0});
  CHECK(nan(h) == std::vector<std::uint8_t>{0, 0, 0, 0, 1, 0});
  CHECK(inf(x, true, true) == std::vector<std::uint8_t>{0, 0, 1, 1, 0, 0});
  CHECK(inf(x, true, false) == std::vector<std::uint8_t>{0, 0, 0, 1, 0, 0});
  CHECK(inf(x, false, true) == std::vector<std::uint8_t>{0, 0, 1, 0, 0, 0});
  CHECK(inf(h, true, true) == std::vector<std::uint8_t>{0, 1, 1, 1, 0, 0});
}
