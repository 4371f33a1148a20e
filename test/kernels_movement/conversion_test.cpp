// SPDX-License-Identifier: Apache-2.0
// Quantize, Dequantize, Convert, Cast: every 8-bit code, ties, saturation, per-axis and packed encodings.
#include <bit>
#include <cmath>

#include "one_node.hpp"

using namespace one_node;
using std::size_t;

namespace {
template <class T>
value every_code(net_encoding enc) {
  std::vector<typename T::storage> v;
  for (std::int64_t q = min_value(T::code); q <= max_value(T::code); ++q)
    v.push_back(static_cast<typename T::storage>(q));
  return make(T::code, {static_cast<std::int32_t>(v.size())}, v, std::move(enc));
}
std::int64_t inside(double x, dtype t) {
  return static_cast<std::int64_t>(
      std::fmin(std::fmax(x, static_cast<double>(min_value(t))), static_cast<double>(max_value(t))));
}
}  // namespace

TEST_CASE_TEMPLATE("Dequantize then Quantize returns every code; the reals are (q + offset) * scale", T, types::u8,
                   types::s8, types::u16, types::s16) {
  for (const net_encoding& e :
       {net_encoding::tensor(0.0073f, -37), net_encoding::tensor(0.25f, 0), net_encoding::tensor(1.7e-5f, -127)}) {
    const value x = every_code<T>(e);
    const value r = run<op::dequantize>({x}, {}, {{}})[0];
    const auto real = r.template as<float>();
    const auto codes = x.template as<typename T::storage>();
    bool right = true;
    for (size_t i = 0; i < real.size(); ++i)
      right = right &&
              real[i] == static_cast<float>((static_cast<int>(codes[i]) + e.offset()) * static_cast<double>(e.scale()));
    CHECK(right);
    for (const auto policy : {rounding_mode::rne, rounding_mode::tflite, rounding_mode::half_up})
      CHECK(run<op::quantize>({r}, {}, {{T::code, e}}, policy)[0].data == x.data);
  }
}

TEST_CASE("Quantize: ties by policy, saturation, infinity and NaN") {
  const value x =
      make<float>(dtype::float_32, {10}, {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 1e30f, -1e30f, INFINITY, -INFINITY, NAN});
  const net_encoding e = net_encoding::tensor(1.0f, -3);
  const auto go = [&](rounding_mode r) {
    return run<op::quantize>({x}, {}, {{dtype::sfixed_8, e}}, r)[0].as<std::int8_t>();
  };
  CHECK(go(rounding_mode::rne) == std::vector<std::int8_t>{3, 5, 5, 3, 1, 127, -128, 127, -128, 3});
  CHECK(go(rounding_mode::tflite) == std::vector<std::int8_t>{4, 5, 6, 2, 1, 127, -128, 127, -128, 3});
  CHECK(go(rounding_mode::half_up) == std::vector<std::int8_t>{4, 5, 6, 3, 2, 127, -128, 127, -128, 3});
}

TEST_CASE("a bit-width encoding narrows the stored range") {
  const value x = make<float>(dtype::float_32, {4}, {-100, -3, 3, 100});
  CHECK(run<op::quantize>({x}, {}, {{dtype::sfixed_8, net_encoding::tensor(1.0f, 0, 4)}})[0].as<std::int8_t>() ==
        std::vector<std::int8_t>{-8, -3, 3, 7});
  CHECK(run<op::quantize>({x}, {}, {{dtype::ufixed_8, net_encoding::tensor(1.0f, -8, 4)}})[0].as<std::uint8_t>() ==
        std::vector<std::uint8_t>{0, 5, 11, 15});
}

TEST_CASE("per-axis scales on each axis, both ways") {
  auto g = generator();
  const shape in{2, 3, 4};
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<float> scales;
    std::vector<std::int32_t> offsets;
    for (int c = 0; c < in[axis]; ++c)
      scales.push_back(0.01f * static_cast<float>(between(g, 1, 50))), offsets.push_back(-between(g, 0, 9));
    const net_encoding e = net_encoding::per_axis(axis, scales, offsets);
    std::vector<float> data;
    for (int i = 0; i < 24; ++i) data.push_back(static_cast<float>(between(g, -500, 500)) / 100.0f);
    const auto q = run<op::quantize>({make(dtype::float_32, in, data)}, {}, {{dtype::sfixed_8, e}})[0];
    const auto back = run<op::dequantize>({q}, {}, {{}})[0].as<float>();
    for (std::int64_t i = 0; i < 24; ++i) {
      const auto c = static_cast<size_t>(coordinates(in, i)[static_cast<size_t>(axis)]);
      const auto k = static_cast<size_t>(i);
      const std::int64_t want = inside(
          std::nearbyint(static_cast<double>(data[k]) / static_cast<double>(scales[c])) - offsets[c], dtype::sfixed_8);
      CHECK(q.as<std::int8_t>()[k] == want);
      CHECK(back[k] == static_cast<float>(static_cast<double>(want + offsets[c]) * static_cast<double>(scales[c])));
    }
  }
}

TEST_CASE("packed 4-bit: first value in the low nibble; channels of a per-axis encoding begin on a byte") {
  const value x = make<float>(dtype::float_32, {5}, {-8, 7, 3, -1, 2});
  const value q = run<op::quantize>({x}, {}, {{dtype::sfixed_4, net_encoding::tensor(1.0f, 0)}})[0];
  CHECK(q.as<std::uint8_t>() == std::vector<std::uint8_t>{0x78, 0xf3, 0x02});
  CHECK(run<op::dequantize>({q}, {}, {{}})[0].as<float>() == x.as<float>());
  const value u = run<op::quantize>({x}, {}, {{dtype::ufixed_4, net_encoding::tensor(1.0f, -8)}})[0];
  CHECK(u.as<std::uint8_t>() == std::vector<std::uint8_t>{0xf0, 0x7b, 0x0a});
  CHECK(run<op::dequantize>({u}, {}, {{}})[0].as<float>() == x.as<float>());
  const value rows =
      make<std::uint8_t>(dtype::sfixed_4, {2, 3}, {0x21, 0x03, 0x65, 0x07}, net_encoding::per_axis(0, {1.0f, 10.0f}));
  CHECK(run<op::dequantize>({rows}, {}, {{}})[0].as<float>() == std::vector<float>{1, 2, 3, 50, 60, 70});
  CHECK_THROWS_WITH_AS(run<op::quantize>({make<float>(dtype::float_32, {2}, {1, 2})}, {},
                                         {{dtype::sfixed_4, net_encoding::per_axis(0, {1.0f, 1.0f})}}),
                       doctest::Contains("packed 4-bit values with scales per axis"), error);
}

namespace {
template <class In, class Out>
void requantizes() {
  const net_encoding pairs[][2] = {{net_encoding::tensor(0.01f, -5), net_encoding::tensor(0.013f, -100)},
                                   {net_encoding::tensor(0.5f, -127), net_encoding::tensor(0.25f, 0)},
                                   {net_encoding::tensor(0.02f, 0), net_encoding::tensor(0.0001f, -7)}};
  for (const auto& p : pairs) {
    const value x = every_code<In>(p[0]);
    const auto m =
        static_cast<double>(static_cast<float>(static_cast<double>(p[0].scale()) / static_cast<double>(p[1].scale())));
    const auto got = run<op::convert>({x}, {}, {{Out::code, p[1]}})[0].template as<typename Out::storage>();
    const auto codes = x.template as<typename In::storage>();
    bool right = true;
    for (size_t i = 0; i < got.size(); ++i)
      right =
          right && got[i] == inside(std::nearbyint((static_cast<double>(codes[i]) + p[0].offset()) * m) - p[1].offset(),
                                    Out::code);
    CHECK_MESSAGE(right, to_string(In::code), " to ", to_string(Out::code));
  }
}
template <class In>
void requantizes_all() {
  requantizes<In, types::u8>();
  requantizes<In, types::s8>();
  requantizes<In, types::u16>();
  requantizes<In, types::s16>();
}
}  // namespace
TEST_CASE("Convert between fixed-point types: every code, exact product, one rounding") {
  requantizes_all<types::u8>();
  requantizes_all<types::s8>();
  requantizes_all<types::u16>();
  requantizes_all<types::s16>();
}

TEST_CASE("Convert the same encoding shifted by 128 between u8 and s8 is exact") {
  const value u = every_code<types::u8>(net_encoding::tensor(0.1f, -77));
  const auto s = run<op::convert>({u}, {}, {{dtype::sfixed_8, net_encoding::tensor(0.1f, 51)}})[0].as<std::int8_t>();
  for (int q = 0; q < 256; ++q) CHECK(s[static_cast<size_t>(q)] == q - 128);
}

TEST_CASE("Convert between real types and integers") {
  std::vector<std::uint16_t> halves;
  for (int h = 0; h < 65536; ++h)
    if ((h & 0x7c00) != 0x7c00) halves.push_back(static_cast<std::uint16_t>(h));  // every finite half
  const value h = make(dtype::float_16, {static_cast<std::int32_t>(halves.size())}, halves);
  const value f = run<op::convert>({h}, {}, {{}})[0];
  CHECK(run<op::convert>({f}, {}, {{dtype::float_16, {}}})[0].data == h.data);
  const value x = make<float>(dtype::float_32, {5}, {0.5f, 1.5f, -2.5f, 3e9f, -3e9f});
  CHECK(run<op::convert>({x}, {}, {{dtype::int_32, {}}})[0].as<std::int32_t>() ==
        std::vector<std::int32_t>{0, 2, -2, INT32_MAX, INT32_MIN});
  const value i = make<std::int32_t>(dtype::int_32, {3}, {-5, 7, 1000});
  CHECK(run<op::convert>({i}, {}, {{dtype::ufixed_8, net_encoding::tensor(2.0f, -10)}})[0].as<std::uint8_t>() ==
        std::vector<std::uint8_t>{8, 14, 255});
  const value q = make<std::uint8_t>(dtype::ufixed_8, {3}, {0, 13, 255}, net_encoding::tensor(0.5f, -10));
  CHECK(run<op::convert>({q}, {}, {{dtype::int_32, {}}})[0].as<std::int32_t>() ==
        std::vector<std::int32_t>{-5, 2, 122});
}

TEST_CASE("Cast works on stored values") {
  const value f = make<float>(dtype::float_32, {8}, {1.9f, -1.9f, 300.0f, -0.0f, 0.4f, NAN, 1e20f, -1e20f});
  const auto to = [](const value& x, dtype t, net_encoding e = {}) { return run<op::cast>({x}, {}, {{t, e}})[0]; };
  CHECK(to(f, dtype::int_32).as<std::int32_t>() ==
        std::vector<std::int32_t>{1, -1, 300, 0, 0, 0, INT32_MAX, INT32_MIN});
  CHECK(to(f, dtype::uint_8).as<std::uint8_t>() == std::vector<std::uint8_t>{1, 0, 255, 0, 0, 0, 255, 0});
  CHECK(to(f, dtype::bool_8).as<std::uint8_t>() == std::vector<std::uint8_t>{1, 1, 1, 0, 1, 1, 1, 1});
  CHECK(to(f, dtype::int_64).as<std::int64_t>()[6] == INT64_MAX);
  const value i = make<std::int64_t>(dtype::int_64, {3}, {-1, 257, std::int64_t{1} << 40});
  CHECK(to(i, dtype::uint_8).as<std::uint8_t>() == std::vector<std::uint8_t>{255, 1, 0});
  CHECK(to(i, dtype::int_32).as<std::int32_t>() == std::vector<std::int32_t>{-1, 257, 0});
  CHECK(to(i, dtype::float_32).as<float>() == std::vector<float>{-1, 257, 1099511627776.0f});
  const value q = make<std::uint8_t>(dtype::ufixed_8, {2}, {3, 200}, net_encoding::tensor(0.5f, -7));
  CHECK(to(q, dtype::float_32).as<float>() == std::vector<float>{3, 200});
  CHECK(to(q, dtype::uint_8).as<std::uint8_t>() == std::vector<std::uint8_t>{3, 200});
}
