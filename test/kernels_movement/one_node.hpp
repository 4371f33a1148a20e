// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs one node of the reference backend on bytes, and small tools for tests that compare with index formulas.
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

namespace one_node {

using namespace qnnx;
using bytes = std::vector<std::byte>;

struct value {
  dtype type = dtype::float_32;
  shape dims{};
  bytes data{};
  net_encoding enc{};

  template <class T>
  std::vector<T> as() const {
    std::vector<T> v(data.size() / sizeof(T));
    std::memcpy(v.data(), data.data(), data.size());
    return v;
  }
};
template <class T>
value make(dtype type, const shape& dims, const std::vector<T>& v, net_encoding enc = {}) {
  value r{type, dims, bytes(v.size() * sizeof(T)), std::move(enc)};
  std::memcpy(r.data.data(), v.data(), r.data.size());
  return r;
}

struct element_type {
  dtype type = dtype::float_32;
  net_encoding enc{};
};

/// The outputs of Op on `in`. `out` gives type and encoding of each output; one entry serves all.
template <class Op>
std::vector<value> run(const std::vector<value>& in, const typename Op::params& p, const std::vector<element_type>& out,
                       rounding_mode rounding = rounding_mode::rne) {
  net n;
  n.rounding = rounding;
  std::vector<int> ids;
  for (const value& v : in)
    ids.push_back(n.add_tensor({.name = "in" + std::to_string(ids.size()),
                                .kind = tensor_kind::app_write,
                                .type = v.type,
                                .dims = v.dims,
                                .enc = v.enc}));
  net_node node;
  node.name = "node";
  node.op = &info<Op>;
  node.inputs = ids;
  node.params = to_words(p);
  const shapes s = n.infer(node);
  std::vector<int> outs;
  for (int i = 0; i < s.count; ++i) {
    const element_type& e =
        out[static_cast<std::size_t>(i) < out.size() ? static_cast<std::size_t>(i) : out.size() - 1];
    outs.push_back(n.add_tensor({.name = "out" + std::to_string(i),
                                 .kind = tensor_kind::app_read,
                                 .type = e.type,
                                 .dims = s[i],
                                 .enc = e.enc}));
  }
  node.outputs = outs;
  n.nodes.push_back(node);
  interpreter go(std::shared_ptr<const frozen_net>(n.freeze()), {.backend = "reference"});
  for (std::size_t i = 0; i < in.size(); ++i) {
    const auto to = go.bytes(ids[i]);
    REQUIRE(to.size() >= in[i].data.size());
    std::memcpy(to.data(), in[i].data.data(), in[i].data.size());
  }
  go.run();
  std::vector<value> r;
  for (std::size_t i = 0; i < outs.size(); ++i) {
    const net_tensor& t = n.tensors[static_cast<std::size_t>(outs[i])];
    const tensor_desc d{.name = t.name, .kind = t.kind, .type = t.type, .dims = t.dims, .enc = {}};
    const auto b = go.bytes(outs[i]);
    r.push_back({t.type, t.dims, bytes(b.begin(), b.begin() + byte_size(d)), t.enc});
  }
  return r;
}

/// A generator whose seed is printed, so that a failure can be repeated: QNNX_SEED sets it.
inline std::mt19937 generator() {
  const char* given = std::getenv("QNNX_SEED");
  const unsigned seed = given ? static_cast<unsigned>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
  std::printf("seed: QNNX_SEED=%u\n", seed);
  return std::mt19937(seed);
}
inline int between(std::mt19937& g, int lo, int hi) {
  return std::uniform_int_distribution<int>(lo, hi)(g);
}

using place = std::array<std::int64_t, max_rank>;
inline place coordinates(const shape& s, std::int64_t i) {
  place c{};
  for (int d = s.rank() - 1; d >= 0; --d) {
    c[static_cast<std::size_t>(d)] = i % s[d];
    i /= s[d];
  }
  return c;
}
inline std::int64_t flat(const shape& s, const place& c) {
  std::int64_t i = 0;
  for (int d = 0; d < s.rank(); ++d) i = i * s[d] + c[static_cast<std::size_t>(d)];
  return i;
}

/// Types of the four element sizes and the encoding a quantized one carries.
struct moved_type {
  dtype type;
  int size;
  net_encoding enc{};
};
inline const std::vector<moved_type>& moved_types() {
  static const std::vector<moved_type> all{{dtype::float_32, 4},
                                           {dtype::float_16, 2},
                                           {dtype::ufixed_8, 1, net_encoding::tensor(0.5f, -7)},
                                           {dtype::sfixed_8, 1, net_encoding::tensor(0.5f, 3)},
                                           {dtype::ufixed_16, 2, net_encoding::tensor(0.1f, -9)},
                                           {dtype::sfixed_16, 2, net_encoding::tensor(0.1f, 0)},
                                           {dtype::sfixed_32, 4, net_encoding::tensor(0.1f, 0)},
                                           {dtype::int_32, 4},
                                           {dtype::uint_8, 1},
                                           {dtype::int_8, 1},
                                           {dtype::uint_32, 4},
                                           {dtype::int_64, 8},
                                           {dtype::bool_8, 1}};
  return all;
}
inline value random_value(std::mt19937& g, const moved_type& t, const shape& dims) {
  value v{t.type, dims, bytes(static_cast<std::size_t>(dims.size() * t.size)), t.enc};
  for (std::byte& b : v.data)
    b = static_cast<std::byte>(t.type == dtype::bool_8 ? between(g, 0, 1) : between(g, 0, 255));
  return v;
}
inline shape random_shape(std::mt19937& g, int rank, int most = 5) {
  shape s;
  for (int d = 0; d < rank; ++d) s.push_back(between(g, 1, most));
  return s;
}

/// Checks on every movement type that element i of output k is element from(k, coordinates of i) of the first input.
template <class Op>
void moves(std::mt19937& g, const shape& in, const typename Op::params& p,
           const std::function<std::int64_t(std::size_t, const shape&, const place&)>& from) {
  for (const moved_type& t : moved_types()) {
    const value x = random_value(g, t, in);
    const auto ys = run<Op>({x}, p, {{t.type, t.enc}});
    for (std::size_t k = 0; k < ys.size(); ++k) {
      bool same = true;
      for (std::int64_t i = 0; i < ys[k].dims.size(); ++i)
        same = same && std::memcmp(ys[k].data.data() + i * t.size,
                                   x.data.data() + from(k, ys[k].dims, coordinates(ys[k].dims, i)) * t.size,
                                   static_cast<std::size_t>(t.size)) == 0;
      CHECK_MESSAGE(same, Op::name, " ", to_string(t.type), " in ", to_text(in).view(), " output ", k, " ",
                    to_text(ys[k].dims).view());
    }
  }
}

}  // namespace one_node
