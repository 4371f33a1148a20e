// SPDX-License-Identifier: Apache-2.0
// Gather, scatter, one-hot, running sums and top-k against their definitions.
#include <algorithm>

#include "one_node.hpp"

using namespace one_node;
using std::size_t;

namespace {
/// Random indices of each index type; negative ones where the type has them.
value random_indices(std::mt19937& g, dtype t, const shape& dims, const std::function<int(std::int64_t)>& size) {
  value v{t, dims, {}, {}};
  for (std::int64_t i = 0; i < dims.size(); ++i) {
    const int n = size(i);
    const std::int64_t k = between(g, t == dtype::uint_32 ? 0 : -n, n - 1);
    const auto* p = reinterpret_cast<const std::byte*>(&k);
    v.data.insert(v.data.end(), p, p + bits_of(t) / 8);
  }
  return v;
}
std::int64_t index_at(const value& v, std::int64_t i, std::int64_t size) {
  std::int64_t k = 0;
  if (v.type == dtype::int_64)
    k = v.as<std::int64_t>()[static_cast<size_t>(i)];
  else if (v.type == dtype::uint_32)
    k = v.as<std::uint32_t>()[static_cast<size_t>(i)];
  else
    k = v.as<std::int32_t>()[static_cast<size_t>(i)];
  return k < 0 ? k + size : k;
}
bool equal(const value& y, std::int64_t i, const value& x, std::int64_t k, int size) {
  return std::memcmp(y.data.data() + i * size, x.data.data() + k * size, static_cast<size_t>(size)) == 0;
}
constexpr dtype index_types[] = {dtype::int_32, dtype::uint_32, dtype::int_64};
}  // namespace

TEST_CASE("Gather, GatherElements, GatherNd take what the indices name") {
  auto g = generator();
  for (const moved_type& t : moved_types())
    for (const dtype it : index_types) {
      const shape in = random_shape(g, between(g, 1, 3), 4);
      const int axis = between(g, 0, in.rank() - 1);
      const value x = random_value(g, t, in);
      {
        const shape id = random_shape(g, between(g, 1, 2), 3);
        const value ix = random_indices(g, it, id, [&](std::int64_t) { return in[axis]; });
        const value y =
            run<op::gather>({x, ix}, {.axis = between(g, 0, 1) ? axis : axis - in.rank()}, {{t.type, t.enc}})[0];
        bool right = y.dims.rank() == in.rank() + id.rank() - 1;
        for (std::int64_t i = 0; i < y.dims.size(); ++i) {
          const place at = coordinates(y.dims, i);
          place from{}, in_index{};
          for (int d = 0; d < y.dims.rank(); ++d) {
            if (d < axis)
              from[static_cast<size_t>(d)] = at[static_cast<size_t>(d)];
            else if (d < axis + id.rank())
              in_index[static_cast<size_t>(d - axis)] = at[static_cast<size_t>(d)];
            else
              from[static_cast<size_t>(d - id.rank() + 1)] = at[static_cast<size_t>(d)];
          }
          from[static_cast<size_t>(axis)] = index_at(ix, flat(id, in_index), in[axis]);
          right = right && equal(y, i, x, flat(in, from), t.size);
        }
        CHECK_MESSAGE(right, "Gather ", to_string(t.type));
      }
      {
        shape id = in;
        for (int d = 0; d < in.rank(); ++d) id[d] = between(g, 1, d == axis ? 5 : in[d]);
        const value ix = random_indices(g, it, id, [&](std::int64_t) { return in[axis]; });
        const value y =
            run<op::gather_elements>({x, ix}, {.axis = static_cast<std::uint32_t>(axis)}, {{t.type, t.enc}})[0];
        bool right = y.dims == id;
        for (std::int64_t i = 0; i < id.size(); ++i) {
          place at = coordinates(id, i);
          at[static_cast<size_t>(axis)] = index_at(ix, i, in[axis]);
          right = right && equal(y, i, x, flat(in, at), t.size);
        }
        CHECK_MESSAGE(right, "GatherElements ", to_string(t.type));
      }
      {
        const int batch = between(g, 0, in.rank() - 1);
        const int depth = between(g, 1, in.rank() - batch);
        shape id;
        for (int d = 0; d < batch; ++d) id.push_back(in[d]);
        id.push_back(between(g, 1, 3));
        id.push_back(depth);
        const value ix =
            random_indices(g, it, id, [&](std::int64_t i) { return in[batch + static_cast<int>(i % depth)]; });
        const value y =
            run<op::gather_nd>({x, ix}, {.batch_dims = static_cast<std::uint32_t>(batch)}, {{t.type, t.enc}})[0];
        bool right = true;
        for (std::int64_t i = 0; i < y.dims.size(); ++i) {
          const place at = coordinates(y.dims, i);
          place from{}, tuple{};
          for (int d = 0; d < batch; ++d) from[static_cast<size_t>(d)] = at[static_cast<size_t>(d)];
          for (int d = 0; d + 1 < id.rank(); ++d) tuple[static_cast<size_t>(d)] = at[static_cast<size_t>(d)];
          for (int d = 0; d < depth; ++d) {
            tuple[static_cast<size_t>(id.rank() - 1)] = d;
            from[static_cast<size_t>(batch + d)] = index_at(ix, flat(id, tuple), in[batch + d]);
          }
          for (int d = batch + depth; d < in.rank(); ++d)
            from[static_cast<size_t>(d)] = at[static_cast<size_t>(d - batch - depth + id.rank() - 1)];
          right = right && equal(y, i, x, flat(in, from), t.size);
        }
        CHECK_MESSAGE(right, "GatherNd ", to_string(t.type));
      }
    }
}

TEST_CASE("an index outside reads real 0 and writes nothing") {
  const value x = make<std::uint8_t>(dtype::ufixed_8, {3}, {10, 11, 12}, net_encoding::tensor(0.5f, -7));
  const value i = make<std::int32_t>(dtype::int_32, {4}, {0, 3, -4, -1});
  CHECK(run<op::gather>({x, i}, {.axis = 0}, {{x.type, x.enc}})[0].as<std::uint8_t>() ==
        std::vector<std::uint8_t>{10, 7, 7, 12});
  const value u = make<std::uint8_t>(dtype::ufixed_8, {4}, {1, 2, 3, 4}, x.enc);
  CHECK(run<op::scatter_elements>({x, i, u}, {}, {{x.type, x.enc}})[0].as<std::uint8_t>() ==
        std::vector<std::uint8_t>{1, 11, 4});
}

TEST_CASE("ScatterNd and ScatterElements: write, add, multiply, maximum") {
  const value x = make<float>(dtype::float_32, {4}, {1, 2, 3, 4});
  const value i = make<std::int64_t>(dtype::int_64, {3, 1}, {1, 3, 1});
  const value u = make<float>(dtype::float_32, {3}, {10, 2, 5});
  const auto nd = [&](op::scatter_reduction r) {
    return run<op::scatter_nd>({x, i, u}, {.reduction = r}, {{}})[0].as<float>();
  };
  CHECK(nd(op::scatter_reduction::none) == std::vector<float>{1, 5, 3, 2});
  CHECK(nd(op::scatter_reduction::add) == std::vector<float>{1, 17, 3, 6});
  CHECK(nd(op::scatter_reduction::mul) == std::vector<float>{1, 100, 3, 8});
  CHECK(nd(op::scatter_reduction::max) == std::vector<float>{1, 10, 3, 4});
  // Rows: the ONNX example of two index tuples that name whole rows.
  const value rows = make<std::int32_t>(dtype::int_32, {3, 2}, {1, 2, 3, 4, 5, 6});
  const value which = make<std::int32_t>(dtype::int_32, {2, 1}, {2, 0});
  const value news = make<std::int32_t>(dtype::int_32, {2, 2}, {7, 8, 9, 10});
  CHECK(run<op::scatter_nd>({rows, which, news}, {}, {{dtype::int_32, {}}})[0].as<std::int32_t>() ==
        std::vector<std::int32_t>{9, 10, 3, 4, 7, 8});
  CHECK(run<op::scatter_nd>({rows, which, news}, {.reduction = op::scatter_reduction::add}, {{dtype::int_32, {}}})[0]
            .as<std::int32_t>() == std::vector<std::int32_t>{10, 12, 3, 4, 12, 14});
  // ONNX ScatterElements, axis 1.
  const value row = make<float>(dtype::float_32, {1, 5}, {1, 2, 3, 4, 5});
  const value at = make<std::int32_t>(dtype::int_32, {1, 2}, {1, -2});
  const value up = make<float>(dtype::float_32, {1, 2}, {1.1f, 2.1f});
  CHECK(run<op::scatter_elements>({row, at, up}, {.axis = 1}, {{}})[0].as<float>() ==
        std::vector<float>{1, 1.1f, 3, 2.1f, 5});
  // Quantized: (q + offset) * scale of data and updates, summed and multiplied as reals, rounded once.
  const net_encoding e = net_encoding::tensor(0.5f, -10);
  const value q = make<std::uint8_t>(dtype::ufixed_8, {2}, {14, 6}, e);  // 2, -2
  const value j = make<std::int32_t>(dtype::int_32, {2, 1}, {0, 1});
  const value r = make<std::uint8_t>(dtype::ufixed_8, {2}, {13, 16}, e);  // 1.5, 3
  CHECK(
      run<op::scatter_nd>({q, j, r}, {.reduction = op::scatter_reduction::add}, {{q.type, e}})[0].as<std::uint8_t>() ==
      std::vector<std::uint8_t>{17, 12});  // 3.5, 1
  CHECK(
      run<op::scatter_nd>({q, j, r}, {.reduction = op::scatter_reduction::mul}, {{q.type, e}})[0].as<std::uint8_t>() ==
      std::vector<std::uint8_t>{16, 0});  // 3, -6 -> -5
  CHECK_THROWS_WITH_AS(run<op::scatter_nd>({x, i, x}, {}, {{}}),
                       doctest::Contains("input 2 (updates): got [4], expected [3]"), error);
}

TEST_CASE("OneHot: on at the index, off elsewhere, on any axis") {
  const value i = make<std::int32_t>(dtype::int_32, {2, 2}, {0, 2, -1, 5});
  CHECK(run<op::one_hot>({i}, {.depth = 3, .on_value = 5, .off_value = 1}, {{}})[0].as<float>() ==
        std::vector<float>{5, 1, 1, 1, 1, 5, 1, 1, 5, 1, 1, 1});
  const value y = run<op::one_hot>({i}, {.depth = 3, .axis = 1}, {{dtype::int_32, {}}})[0];
  CHECK(y.dims == shape{2, 3, 2});
  CHECK(y.as<std::int32_t>() == std::vector<std::int32_t>{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0});
}

TEST_CASE("CumulativeSum: exclusive, reverse, and quantized with one rounding per element") {
  const value x = make<float>(dtype::float_32, {2, 3}, {1, 2, 3, 4, 5, 6});
  const auto go = [&](std::uint32_t axis, bool ex, bool rev) {
    return run<op::cumulative_sum>({x}, {.axis = axis, .exclusive = ex, .reverse = rev}, {{}})[0].as<float>();
  };
  CHECK(go(1, false, false) == std::vector<float>{1, 3, 6, 4, 9, 15});
  CHECK(go(1, true, false) == std::vector<float>{0, 1, 3, 0, 4, 9});
  CHECK(go(1, false, true) == std::vector<float>{6, 5, 3, 15, 11, 6});
  CHECK(go(1, true, true) == std::vector<float>{5, 3, 0, 11, 6, 0});
  CHECK(go(0, false, false) == std::vector<float>{1, 2, 3, 5, 7, 9});
  const value q =
      make<std::uint8_t>(dtype::ufixed_8, {4}, {11, 12, 13, 9}, net_encoding::tensor(0.5f, -10));  // .5 1 1.5 -.5
  CHECK(run<op::cumulative_sum>({q}, {}, {{dtype::ufixed_8, net_encoding::tensor(1.0f, -3)}})[0].as<std::uint8_t>() ==
        std::vector<std::uint8_t>{3, 5, 6, 5});  // .5 -> 0, 1.5 -> 2, 3, 2.5 -> 2
}

TEST_CASE("TopK: sorted, the smaller index first on ties") {
  auto g = generator();
  for (int round = 0; round < 20; ++round) {
    const int n = between(g, 1, 12), rows = between(g, 1, 3), k = between(g, 1, n);
    const bool largest = between(g, 0, 1) == 1;
    std::vector<std::int32_t> data;
    for (int i = 0; i < n * rows; ++i) data.push_back(between(g, -4, 4));
    const value x = make<std::int32_t>(dtype::int_32, {rows, n}, data);
    const auto ys = run<op::top_k>({x}, {.k = static_cast<std::uint32_t>(k), .largest = largest},
                                   {{dtype::int_32, {}}, {dtype::uint_32, {}}});
    for (int r = 0; r < rows; ++r) {
      std::vector<int> order;
      for (int i = 0; i < n; ++i) order.push_back(i);
      std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
        const int va = data[static_cast<size_t>(r * n + a)], vb = data[static_cast<size_t>(r * n + b)];
        return largest ? va > vb : va < vb;
      });
      for (int j = 0; j < k; ++j) {
        CHECK(ys[1].as<std::uint32_t>()[static_cast<size_t>(r * k + j)] ==
              static_cast<std::uint32_t>(order[static_cast<size_t>(j)]));
        CHECK(ys[0].as<std::int32_t>()[static_cast<size_t>(r * k + j)] ==
              data[static_cast<size_t>(r * n + order[static_cast<size_t>(j)])]);
      }
    }
  }
}
