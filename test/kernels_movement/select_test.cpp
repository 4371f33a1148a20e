// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "one_node.hpp"

using namespace one_node;

namespace {
std::int64_t place_in(const shape& s, const shape& out, std::int64_t i) {
  const place c = coordinates(out, i);
  place own{};
  for (int d = 0; d < s.rank(); ++d)
    own[static_cast<std::size_t>(d)] = s[d] == 1 ? 0 : c[static_cast<std::size_t>(d + out.rank() - s.rank())];
  return flat(s, own);
}
}  // namespace

TEST_CASE("Select takes the element that the condition names, all operands broadcast") {
  std::mt19937 g = generator();
  const shape sw{2, 1, 4};
  const shape sa{3, 1};
  const shape sb{2, 3, 4};
  for (const moved_type& t : moved_types()) {
    if (t.type == dtype::sfixed_32) continue;
    const value w = random_value(g, {dtype::bool_8, 1}, sw);
    const value a = random_value(g, t, sa);
    const value b = random_value(g, t, sb);
    const value y = run<op::elementwise_select>({w, a, b}, {}, {{t.type, t.enc}})[0];
    REQUIRE(y.dims == sb);
    bool same = true;
    for (std::int64_t i = 0; i < sb.size(); ++i) {
      const bool first = w.data[static_cast<std::size_t>(place_in(sw, sb, i))] != std::byte{0};
      const std::byte* from = first ? a.data.data() + place_in(sa, sb, i) * t.size : b.data.data() + i * t.size;
      same = same && std::memcmp(y.data.data() + i * t.size, from, static_cast<std::size_t>(t.size)) == 0;
    }
    CHECK_MESSAGE(same, to_string(t.type));
  }
}

TEST_CASE("Select brings quantized operands to the output's encoding; what is out of range saturates") {
  const value w = make<std::uint8_t>(dtype::bool_8, {4}, {1, 0, 1, 0});
  const value a = make<std::uint8_t>(dtype::ufixed_8, {4}, {0, 0, 255, 255}, net_encoding::tensor(1.33e36f, -255));
  const value b = make<std::uint8_t>(dtype::ufixed_8, {4}, {10, 13, 200, 140}, net_encoding::tensor(0.1f, -10));
  const value y = run<op::elementwise_select>({w, a, b}, {}, {{dtype::ufixed_8, net_encoding::tensor(0.2f, -100)}})[0];
  // -3.4e38 is below the range, 13 is 0.3 (1.5 steps, to even), 255 of a is 0, 140 is 13.0
  CHECK(y.as<std::uint8_t>() == std::vector<std::uint8_t>{0, 102, 100, 165});
}

TEST_CASE("sums, products and comparisons with an operand of enormous scale saturate") {
  const net_encoding huge = net_encoding::tensor(1.33e36f, -255);
  const net_encoding small = net_encoding::tensor(0.05f, -128);
  const value mask = make<std::uint8_t>(dtype::ufixed_8, {4}, {255, 0, 255, 254}, huge);
  const value x = make<std::uint8_t>(dtype::ufixed_8, {4}, {130, 255, 12, 255}, small);
  for (const rounding_mode r : {rounding_mode::rne, rounding_mode::half_up}) {
    CHECK(run<op::elementwise_add>({x, mask}, {}, {{dtype::ufixed_8, small}}, r)[0].as<std::uint8_t>() ==
          std::vector<std::uint8_t>{130, 0, 12, 0});
    CHECK(run<op::elementwise_subtract>({x, mask}, {}, {{dtype::ufixed_8, small}}, r)[0].as<std::uint8_t>() ==
          std::vector<std::uint8_t>{130, 255, 12, 255});
    CHECK(run<op::elementwise_multiply>({x, mask}, {}, {{dtype::ufixed_8, small}}, r)[0].as<std::uint8_t>() ==
          std::vector<std::uint8_t>{128, 0, 128, 0});
    CHECK(run<op::elementwise_minimum>({x, mask}, {}, {{dtype::ufixed_8, small}}, r)[0].as<std::uint8_t>() ==
          std::vector<std::uint8_t>{128, 0, 12, 0});
  }
  // a mask of -10000 leaves the scores their places
  const value mild =
      make<std::uint8_t>(dtype::ufixed_8, {4}, {255, 0, 255, 255}, net_encoding::tensor(10000.0f / 255, -255));
  CHECK(run<op::elementwise_add>({x, mild}, {}, {{dtype::ufixed_8, small}})[0].as<std::uint8_t>() ==
        std::vector<std::uint8_t>{130, 0, 12, 255});
}

TEST_CASE("Quantize saturates infinities") {
  const value x = make<float>(dtype::float_32, {5}, {INFINITY, -INFINITY, 3e38f, -3e38f, 1.0f});
  CHECK(run<op::quantize>({x}, {}, {{dtype::ufixed_8, net_encoding::tensor(0.1f, -100)}})[0].as<std::uint8_t>() ==
        std::vector<std::uint8_t>{255, 0, 255, 0, 110});
  CHECK(run<op::quantize>({x}, {}, {{dtype::sfixed_8, net_encoding::tensor(0.1f, 28)}})[0].as<std::int8_t>() ==
        std::vector<std::int8_t>{127, -128, 127, -128, -18});
}

TEST_CASE("Select refuses operands that do not broadcast") {
  const value w = make<std::uint8_t>(dtype::bool_8, {3}, {1, 0, 1});
  const value a = make<float>(dtype::float_32, {2}, {1, 2});
  try {
    run<op::elementwise_select>({w, a, a}, {}, {{dtype::float_32, {}}});
    FAIL("accepted");
  } catch (const error& e) {
    CHECK(std::string(e.what()).find("input 1 (in1): got [2], expected [3]") != std::string::npos);
  }
}
