// SPDX-License-Identifier: Apache-2.0
// Movement ops against their index formulas on random shapes and all datatypes.
#include "one_node.hpp"

using namespace one_node;
using std::size_t;

TEST_CASE("Transpose: axis d of the output is axis perm[d] of the input") {
  auto g = generator();
  for (int round = 0; round < 12; ++round) {
    const shape in = random_shape(g, between(g, 1, 6), 4);
    op::transpose::params p;
    std::vector<int> order;
    for (int d = 0; d < in.rank(); ++d) order.push_back(d);
    std::shuffle(order.begin(), order.end(), g);
    for (int d : order) p.perm.push_back(d);
    moves<op::transpose>(g, in, p, [&](size_t, const shape&, const place& at) {
      place c{};
      for (int d = 0; d < in.rank(); ++d) c[static_cast<size_t>(p.perm[d])] = at[static_cast<size_t>(d)];
      return flat(in, c);
    });
  }
}

TEST_CASE("StridedSlice: begin + i * stride, with masks, new and dropped axes") {
  auto g = generator();
  for (int round = 0; round < 30; ++round) {
    const shape in = random_shape(g, between(g, 1, 4), 7);
    op::strided_slice::params p;
    p.new_axes_mask = static_cast<std::uint32_t>(between(g, 0, 3)) & (round % 2 ? 3u : 0u);
    shape wide;
    std::vector<int> axis_in;  // axis of the input, -1: new
    for (int i = 0, d = 0; d < in.rank() || ((p.new_axes_mask >> i) & 1u); ++i) {
      const bool fresh = (p.new_axes_mask >> i) & 1u;
      wide.push_back(fresh ? 1 : in[d]);
      axis_in.push_back(fresh ? -1 : d++);
    }
    std::vector<int> begin, stride;
    for (int d = 0; d < wide.rank(); ++d) {
      int step = between(g, -3, 3);
      if (step == 0) step = 1;
      int first = between(g, 0, wide[d] - 1);
      int end = step > 0 ? between(g, first + 1, wide[d]) : between(g, -1, first - 1);
      if (axis_in[static_cast<size_t>(d)] < 0) step = 1;
      p.ranges[static_cast<size_t>(3 * d)] = first;
      p.ranges[static_cast<size_t>(3 * d + 1)] = end;
      p.ranges[static_cast<size_t>(3 * d + 2)] = step;
      if (between(g, 0, 3) == 0) p.begin_mask |= 1u << d, first = step > 0 ? 0 : wide[d] - 1;
      if (between(g, 0, 3) == 0) p.end_mask |= 1u << d;
      if (axis_in[static_cast<size_t>(d)] < 0)
        first = 0;
      else if (between(g, 0, 3) == 0)
        p.shrink_axes |= 1u << d;
      begin.push_back(first);
      stride.push_back(step);
    }
    moves<op::strided_slice>(g, in, p, [&](size_t, const shape&, const place& at) {
      place c{};
      int k = 0;
      for (int d = 0; d < wide.rank(); ++d) {
        const bool dropped = (p.shrink_axes >> d) & 1u;
        const std::int64_t i = dropped ? 0 : at[static_cast<size_t>(k++)];
        if (axis_in[static_cast<size_t>(d)] >= 0)
          c[static_cast<size_t>(axis_in[static_cast<size_t>(d)])] =
              begin[static_cast<size_t>(d)] + i * stride[static_cast<size_t>(d)];
      }
      return flat(in, c);
    });
  }
}

TEST_CASE("StridedSlice: sizes are ceil((end - begin) / stride)") {
  const value x = make<float>(dtype::float_32, {7}, {0, 1, 2, 3, 4, 5, 6});
  const auto take = [&](int b, int e, int s) {
    return run<op::strided_slice>({x}, {.ranges = {b, e, s}}, {{}})[0].as<float>();
  };
  CHECK(take(1, 7, 3) == std::vector<float>{1, 4});
  CHECK(take(0, 7, 3) == std::vector<float>{0, 3, 6});
  CHECK(take(6, -1, -2) == std::vector<float>{6, 4, 2, 0});
  CHECK(take(5, 2, -1) == std::vector<float>{5, 4, 3});
  CHECK_THROWS_WITH_AS(take(0, 7, 0), doctest::Contains("parameter ranges"), error);
  CHECK_THROWS_WITH_AS(take(3, 2, 1), doctest::Contains("parameter ranges"), error);
}

TEST_CASE("Tile: index modulo size") {
  auto g = generator();
  for (int round = 0; round < 8; ++round) {
    const shape in = random_shape(g, between(g, 1, 5), 3);
    op::tile::params p;
    for (int d = 0; d < in.rank(); ++d) p.multiples.push_back(between(g, 1, 3));
    moves<op::tile>(g, in, p, [&](size_t, const shape&, place at) {
      for (int d = 0; d < in.rank(); ++d) at[static_cast<size_t>(d)] %= in[d];
      return flat(in, at);
    });
  }
}

TEST_CASE("DepthToSpace, SpaceToDepth: block (i, j) of the space is part of the depth, in DCR and CRD order") {
  auto g = generator();
  for (int round = 0; round < 8; ++round) {
    const auto bh = static_cast<std::uint32_t>(between(g, 1, 3)), bw = static_cast<std::uint32_t>(between(g, 1, 3));
    const auto h = static_cast<std::int32_t>(bh), w = static_cast<std::int32_t>(bw);
    for (const auto mode : {op::depth_order::dcr, op::depth_order::crd}) {
      const shape space{between(g, 1, 2), between(g, 1, 3) * h, between(g, 1, 3) * w, between(g, 1, 4)};
      const std::int32_t c = space[3];
      const shape deep{space[0], space[1] / h, space[2] / w, c * h * w};
      const auto depth = [&](std::int64_t i, std::int64_t j, std::int64_t k) {
        return mode == op::depth_order::dcr ? (i * w + j) * c + k : k * h * w + i * w + j;
      };
      moves<op::depth_to_space>(g, deep, {.block_size = {bh, bw}, .mode = mode},
                                [&](size_t, const shape& out, const place& at) {
                                  CHECK(out == space);
                                  return flat(deep, {at[0], at[1] / h, at[2] / w, depth(at[1] % h, at[2] % w, at[3])});
                                });
      moves<op::space_to_depth>(g, space, {.block_size = {bh, bw}, .mode = mode},
                                [&](size_t, const shape& out, const place& at) {
                                  CHECK(out == deep);
                                  const std::int64_t d = at[3];
                                  const std::int64_t i = mode == op::depth_order::dcr ? d / c / w : d / w % h;
                                  const std::int64_t j = mode == op::depth_order::dcr ? d / c % w : d % w;
                                  const std::int64_t k = mode == op::depth_order::dcr ? d % c : d / (h * w);
                                  return flat(space, {at[0], at[1] * h + i, at[2] * w + j, k});
                                });
    }
  }
}

TEST_CASE("BatchToSpace with crops, SpaceToBatch with padding are each other's inverse on what is kept") {
  auto g = generator();
  for (int round = 0; round < 10; ++round) {
    const auto bh = static_cast<std::uint32_t>(between(g, 1, 3)), bw = static_cast<std::uint32_t>(between(g, 1, 3));
    const auto h = static_cast<std::int32_t>(bh), w = static_cast<std::int32_t>(bw);
    const shape many{h * w * between(g, 1, 2), between(g, 2, 4), between(g, 2, 4), between(g, 1, 3)};
    const std::int32_t n = many[0] / (h * w);
    const std::array<std::uint32_t, 4> cut{
        static_cast<std::uint32_t>(between(g, 0, h - 1)), static_cast<std::uint32_t>(between(g, 0, h - 1)),
        static_cast<std::uint32_t>(between(g, 0, w - 1)), static_cast<std::uint32_t>(between(g, 0, w - 1))};
    const shape one{n, many[1] * h - static_cast<std::int32_t>(cut[0] + cut[1]),
                    many[2] * w - static_cast<std::int32_t>(cut[2] + cut[3]), many[3]};
    moves<op::batch_to_space>(g, many, {.block_size = {bh, bw}, .crops = cut},
                              [&](size_t, const shape& out, const place& at) {
                                CHECK(out == one);
                                const std::int64_t y = at[1] + cut[0], x = at[2] + cut[2];
                                return flat(many, {((y % h) * w + x % w) * n + at[0], y / h, x / w, at[3]});
                              });
    for (const moved_type& t : moved_types()) {
      const value x = random_value(g, t, one);
      const value y = run<op::space_to_batch>({x}, {.block_size = {bh, bw}, .pad_amount = cut}, {{t.type, t.enc}})[0];
      CHECK(y.dims == many);
      bytes zero(static_cast<size_t>(t.size));
      const std::int64_t zero_point = -t.enc.offset();
      std::memcpy(zero.data(), &zero_point, zero.size());
      bool same = true;
      for (std::int64_t i = 0; i < many.size(); ++i) {
        const place at = coordinates(many, i);
        const std::int64_t block = at[0] / n;
        const place from{at[0] % n, at[1] * h + block / w - cut[0], at[2] * w + block % w - cut[2], at[3]};
        const bool inside = from[1] >= 0 && from[1] < one[1] && from[2] >= 0 && from[2] < one[2];
        const std::byte* want = inside ? x.data.data() + flat(one, from) * t.size : zero.data();
        same = same && std::memcmp(y.data.data() + i * t.size, want, static_cast<size_t>(t.size)) == 0;
      }
      CHECK_MESSAGE(same, to_string(t.type), " ", to_text(one).view());
    }
  }
}

TEST_CASE("ChannelShuffle: out[i*g + k] = in[k*(C/g) + i]") {
  auto g = generator();
  for (int round = 0; round < 8; ++round) {
    shape in = random_shape(g, between(g, 1, 4), 3);
    const int axis = between(g, 0, in.rank() - 1);
    const int groups = between(g, 1, 4), each = between(g, 1, 3);
    in[axis] = groups * each;
    moves<op::channel_shuffle>(
        g, in, {.num_groups = static_cast<std::uint32_t>(groups), .axis = static_cast<std::uint32_t>(axis)},
        [&](size_t, const shape&, place at) {
          auto& c = at[static_cast<size_t>(axis)];
          c = c % groups * each + c / groups;
          return flat(in, at);
        });
  }
}

TEST_CASE("Reshape, Squeeze, ExpandDims keep the order of the elements") {
  auto g = generator();
  const auto same_order = [](size_t, const shape& out, const place& at) { return flat(out, at); };
  moves<op::reshape>(g, {2, 3, 4}, {.shape = {4, -1}}, same_order);
  moves<op::squeeze>(g, {1, 3, 1, 4}, {}, same_order);
  moves<op::squeeze>(g, {1, 3, 1, 4}, {.axes = {2}}, same_order);
  moves<op::expand_dims>(g, {3, 4}, {.axis = 2}, same_order);
  net n;
  n.add_tensor({.name = "x", .dims = {1, 3, 1, 4}});
  net_node node{.name = "s", .op = &info<op::squeeze>, .inputs = {0}, .outputs = {}};
  CHECK(n.infer(node)[0] == shape{3, 4});
  node.set<op::squeeze>({.axes = {2}});
  CHECK(n.infer(node)[0] == shape{1, 3, 4});
  node.set<op::squeeze>({.axes = {1}});
  CHECK_THROWS_WITH_AS(n.infer(node), doctest::Contains("an axis of size 1 of [1,3,1,4]"), error);
}

TEST_CASE("Split at start positions, UnPack by index") {
  auto g = generator();
  for (int round = 0; round < 8; ++round) {
    shape in = random_shape(g, between(g, 1, 4), 4);
    const int axis = between(g, 0, in.rank() - 1);
    in[axis] = between(g, 4, 16);
    op::split::params p{.axis = static_cast<std::uint32_t>(axis), .split_index = {}};
    std::vector<std::int64_t> starts{0};
    for (int at = between(g, 1, 3); at < in[axis] && p.split_index.size() < 15; at += between(g, 1, 5)) {
      p.split_index.push_back(at);
      starts.push_back(at);
    }
    moves<op::split>(g, in, p, [&](size_t k, const shape&, place at) {
      at[static_cast<size_t>(axis)] += starts[k];
      return flat(in, at);
    });
    moves<op::unpack>(
        g, in, {.axis = static_cast<std::uint32_t>(axis)}, [&](size_t k, const shape& out, const place& at) {
          place c{};
          for (int d = 0, o = 0; d < in.rank(); ++d)
            c[static_cast<size_t>(d)] = d == axis ? static_cast<std::int64_t>(k) : at[static_cast<size_t>(o++)];
          CHECK(out.rank() == in.rank() - 1);
          return flat(in, c);
        });
  }
}

TEST_CASE("Pad by mirroring and repeating the border") {
  auto g = generator();
  for (const auto scheme : {op::pad_scheme::mirror_symmetric, op::pad_scheme::mirror_reflect, op::pad_scheme::edge})
    for (int round = 0; round < 5; ++round) {
      const shape in = random_shape(g, between(g, 1, 4), 4);
      op::pad::params p{.scheme = scheme, .pad_amount = {}, .pad_constant_value = 0};
      for (int d = 0; d < in.rank(); ++d) {
        const int most = scheme == op::pad_scheme::edge             ? 3
                         : scheme == op::pad_scheme::mirror_reflect ? in[d] - 1
                                                                    : in[d];
        p.pad_amount[static_cast<size_t>(2 * d)] = static_cast<std::uint32_t>(between(g, 0, most));
        p.pad_amount[static_cast<size_t>(2 * d + 1)] = static_cast<std::uint32_t>(between(g, 0, most));
      }
      moves<op::pad>(g, in, p, [&](size_t, const shape&, place at) {
        for (int d = 0; d < in.rank(); ++d) {
          auto& i = at[static_cast<size_t>(d)];
          i -= p.pad_amount[static_cast<size_t>(2 * d)];
          const std::int64_t n = in[d];
          while (i < 0 || i >= n) {  // fold at the ends
            if (scheme == op::pad_scheme::edge)
              i = i < 0 ? 0 : n - 1;
            else if (scheme == op::pad_scheme::mirror_reflect)
              i = i < 0 ? -i : 2 * n - 2 - i;
            else
              i = i < 0 ? -1 - i : 2 * n - 1 - i;
          }
        }
        return flat(in, at);
      });
    }
}

TEST_CASE("an output with an encoding of its own is refused where values are only moved") {
  const value x = make<std::uint8_t>(dtype::ufixed_8, {2, 2}, {1, 2, 3, 4}, net_encoding::tensor(0.5f, -3));
  CHECK_THROWS_WITH_AS(run<op::transpose>({x}, {.perm = {1, 0}}, {{dtype::ufixed_8, net_encoding::tensor(0.25f, -3)}}),
                       doctest::Contains("expected the encoding of input 0; insert a Convert"), error);
  CHECK_NOTHROW(run<op::transpose>({x}, {.perm = {1, 0}}, {{dtype::ufixed_8, x.enc}}));
}

TEST_CASE("parameters that do not fit are refused with a sentence") {
  const value x = make<float>(dtype::float_32, {1, 2, 2, 3}, std::vector<float>(12));
  CHECK_THROWS_WITH_AS(run<op::transpose>({x}, {.perm = {0, 1, 2, 2}}, {{}}),
                       doctest::Contains("parameter perm: got no axis 3"), error);
  CHECK_THROWS_WITH_AS(run<op::depth_to_space>({x}, {.block_size = {2, 2}}, {{}}),
                       doctest::Contains("a divisor of 3 channels"), error);
  CHECK_THROWS_WITH_AS(run<op::split>({x}, {.axis = 3, .split_index = {2, 1}}, {{}}),
                       doctest::Contains("parameter split_index"), error);
  CHECK_THROWS_WITH_AS(run<op::tile>({x}, {.multiples = {1, 0, 1, 1}}, {{}}), doctest::Contains("parameter multiples"),
                       error);
  CHECK_THROWS_WITH_AS(run<op::unpack>({x}, {.axis = 4}, {{}}), doctest::Contains("an axis: 0 to 3"), error);
}
