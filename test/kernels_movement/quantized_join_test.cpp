// SPDX-License-Identifier: Apache-2.0
// Concat and constant Pad bring inputs to the output's encoding with one rounding of the exact product.
#include <cmath>

#include "one_node.hpp"

using namespace one_node;

namespace {
/// clamp(nearest even of (q + offset) * M - out offset), M the float32 nearest to the ratio of the scales; the product
/// of a 17-bit and a 24-bit number is exact in double.
std::int64_t requantized(std::int64_t q, float s_in, int o_in, float s_out, int o_out, std::int64_t lo,
                         std::int64_t hi) {
  const auto m = static_cast<float>(static_cast<double>(s_in) / static_cast<double>(s_out));
  const double x = std::nearbyint(static_cast<double>(q + o_in) * static_cast<double>(m)) - o_out;
  return static_cast<std::int64_t>(std::fmin(std::fmax(x, static_cast<double>(lo)), static_cast<double>(hi)));
}
}  // namespace

TEST_CASE_TEMPLATE("Concat requantizes inputs that have another encoding than the output", T, types::u8, types::s8,
                   types::u16, types::s16) {
  using storage = typename T::storage;
  auto g = generator();
  for (int round = 0; round < 10; ++round) {
    shape part = random_shape(g, between(g, 1, 4), 4);
    const int axis = between(g, 0, part.rank() - 1);
    const int count = between(g, 1, 5);
    const float s_out = static_cast<float>(between(g, 1, 1000)) / 1000.0f;
    const int o_out = -between(g, 0, 100);
    std::vector<value> ins;
    for (int i = 0; i < count; ++i) {
      part[axis] = between(g, 1, 6);
      const bool same = between(g, 0, 2) == 0;
      const net_encoding enc =
          same ? net_encoding::tensor(s_out, o_out)
               : net_encoding::tensor(static_cast<float>(between(g, 1, 1000)) / 700.0f, -between(g, 0, 100));
      ins.push_back(random_value(g, {T::code, static_cast<int>(sizeof(storage)), enc}, part));
    }
    const value y = run<op::concat>(ins, {.axis = static_cast<std::uint32_t>(axis)},
                                    {{T::code, net_encoding::tensor(s_out, o_out)}})[0];
    const auto out = y.as<storage>();
    bool right = true;
    for (std::int64_t i = 0; i < y.dims.size(); ++i) {
      place at = coordinates(y.dims, i);
      std::size_t which = 0;
      while (at[static_cast<std::size_t>(axis)] >= ins[which].dims[axis])
        at[static_cast<std::size_t>(axis)] -= ins[which++].dims[axis];
      const value& x = ins[which];
      const auto q = static_cast<std::int64_t>(x.as<storage>()[static_cast<std::size_t>(flat(x.dims, at))]);
      const std::int64_t want = x.enc == y.enc ? q
                                               : requantized(q, x.enc.scale(), x.enc.offset(), s_out, o_out,
                                                             min_value(T::code), max_value(T::code));
      right = right && out[static_cast<std::size_t>(i)] == want;
    }
    CHECK(right);
  }
}

TEST_CASE("Concat and Pack of every type put inputs one behind the other") {
  auto g = generator();
  for (const moved_type& t : moved_types()) {
    for (int axis = 0; axis < 3; ++axis) {
      shape a{2, 3, 4}, b{2, 3, 4};
      a[axis] = 2;
      b[axis] = 5;
      const value x = random_value(g, t, a), z = random_value(g, t, b);
      const value y = run<op::concat>({x, z}, {.axis = static_cast<std::uint32_t>(axis)}, {{t.type, t.enc}})[0];
      bool right = y.dims[axis] == 7;
      for (std::int64_t i = 0; i < y.dims.size(); ++i) {
        place at = coordinates(y.dims, i);
        auto& k = at[static_cast<std::size_t>(axis)];
        const value& from = k < 2 ? x : z;
        if (k >= 2) k -= 2;
        right = right && std::memcmp(y.data.data() + i * t.size, from.data.data() + flat(from.dims, at) * t.size,
                                     static_cast<std::size_t>(t.size)) == 0;
      }
      CHECK_MESSAGE(right, "Concat ", to_string(t.type));
    }
    for (int axis = 0; axis < 4; ++axis) {
      const value x = random_value(g, t, {2, 3, 4}), z = random_value(g, t, {2, 3, 4});
      const value y = run<op::pack>({x, z}, {.axis = static_cast<std::uint32_t>(axis)}, {{t.type, t.enc}})[0];
      bool right = y.dims.rank() == 4 && y.dims[axis] == 2;
      for (std::int64_t i = 0; i < y.dims.size(); ++i) {
        const place at = coordinates(y.dims, i);
        place from{};
        for (int d = 0, o = 0; d < 4; ++d)
          if (d != axis) from[static_cast<std::size_t>(o++)] = at[static_cast<std::size_t>(d)];
        const value& source = at[static_cast<std::size_t>(axis)] ? z : x;
        right = right && std::memcmp(y.data.data() + i * t.size, source.data.data() + flat(source.dims, from) * t.size,
                                     static_cast<std::size_t>(t.size)) == 0;
      }
      CHECK_MESSAGE(right, "Pack ", to_string(t.type));
    }
  }
}

TEST_CASE("Pad with a constant stores the real value in the output's encoding") {
  auto g = generator();
  for (int round = 0; round < 10; ++round) {
    const shape in = random_shape(g, between(g, 1, 4), 4);
    op::pad::params p;
    p.pad_constant_value = static_cast<float>(between(g, -20, 20)) / 4.0f;
    for (int d = 0; d < 2 * in.rank(); ++d)
      p.pad_amount[static_cast<std::size_t>(d)] = static_cast<std::uint32_t>(between(g, 0, 2));
    const bool same = round % 2 == 0;
    const net_encoding from = net_encoding::tensor(0.25f, -100), to = same ? from : net_encoding::tensor(0.3f, -90);
    const value x = random_value(g, {dtype::ufixed_8, 1, from}, in);
    const value y = run<op::pad>({x}, p, {{dtype::ufixed_8, to}})[0];
    const double steps =
        std::nearbyint(static_cast<double>(p.pad_constant_value) / static_cast<double>(to.scale())) - to.offset();
    const auto fill = static_cast<std::int64_t>(std::fmin(std::fmax(steps, 0.0), 255.0));
    bool right = true;
    for (std::int64_t i = 0; i < y.dims.size(); ++i) {
      place at = coordinates(y.dims, i);
      bool inside = true;
      for (int d = 0; d < in.rank(); ++d) {
        auto& k = at[static_cast<std::size_t>(d)];
        k -= p.pad_amount[static_cast<std::size_t>(2 * d)];
        inside = inside && k >= 0 && k < in[d];
      }
      std::int64_t want = fill;
      if (inside) {
        want = x.as<std::uint8_t>()[static_cast<std::size_t>(flat(in, at))];
        if (!same) want = requantized(want, from.scale(), from.offset(), to.scale(), to.offset(), 0, 255);
      }
      right = right && y.as<std::uint8_t>()[static_cast<std::size_t>(i)] == want;
    }
    CHECK(right);
  }
  const value x = make<float>(dtype::float_32, {2}, {1, 2});
  CHECK(run<op::pad>({x}, {.pad_amount = {1, 2}, .pad_constant_value = 9}, {{}})[0].as<float>() ==
        std::vector<float>{9, 1, 2, 9, 9});
  const value n = make<std::int64_t>(dtype::int_64, {2}, {1, 2});
  CHECK(run<op::pad>({n}, {.pad_amount = {1, 0}, .pad_constant_value = -3}, {{dtype::int_64, {}}})[0]
            .as<std::int64_t>() == std::vector<std::int64_t>{-3, 1, 2});
}
