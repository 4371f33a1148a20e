// SPDX-License-Identifier: Apache-2.0
// Every pass removes what it should and keeps the function of the net: the interpreter before against after.
#include <doctest/doctest.h>

#include "passes/float_net.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

using namespace testing;

namespace {

/// Optimizes a copy and compares on random inputs; returns the optimized net.
net same_after(const net& before, passes::optimize_options options = {}, double tolerance = 1e-5) {
  net after = before;
  passes::optimize(after, options);
  for (unsigned seed : {1u, 2u, 3u}) {
    const auto in = random_inputs(before, seed);
    CHECK(difference(run(before, in), run(after, in)) <= tolerance);
  }
  return after;
}
bool has(const net& n, std::string_view op) {
  for (const net_node& k : n.nodes)
    if (k.op->name == op) return true;
  return false;
}

}  // namespace

TEST_CASE("constants fold, but not when that grows the model") {
  layers l;
  const int x = l.input("x", {1, 4});
  const int a = l.constant({1, 4});
  const int b = l.constant({1, 4});
  l.output(l.add<op::elementwise_add>({x, l.add<op::elementwise_add>({a, b})}));
  CHECK(same_after(l.n, {}, 0).nodes.size() == 1);

  layers big;
  const int y = big.input("y", {512, 512});
  const int row = big.constant({1, 512});
  const int column = big.constant({512, 1});
  big.output(big.add<op::elementwise_add>({y, big.add<op::elementwise_add>({row, column})}));
  CHECK(same_after(big.n, {}, 0).nodes.size() == 2);
}

TEST_CASE("dead nodes and dead tensors go") {
  layers l;
  const int x = l.input("x", {1, 4, 4, 2});
  l.add<op::relu>({l.conv(x, 1, 3)});
  l.output(l.add<op::relu>({x}));
  const net after = same_after(l.n, {}, 0);
  CHECK(after.nodes.size() == 1);
  CHECK(after.tensors.size() == 2);
}

TEST_CASE("reshapes and transposes that do nothing go, chains merge, unit transposes become reshapes") {
  layers l;
  const int x = l.input("x", {2, 3, 4, 1});
  int t = l.add<op::reshape>({x}, {.shape = {6, 4}});
  t = l.add<op::reshape>({t}, {.shape = {4, 6}});
  t = l.add<op::reshape>({t}, {.shape = {2, 3, 4, 1}});
  t = l.add<op::relu>({t});
  t = l.add<op::transpose>({t}, {.perm = {0, 3, 1, 2}});  // only the 1 moves
  t = l.add<op::transpose>({t}, {.perm = {0, 3, 2, 1}});
  t = l.add<op::transpose>({t}, {.perm = {0, 3, 2, 1}});
  l.output(l.add<op::relu>({t}));
  const net after = same_after(l.n, {}, 0);
  CHECK(!has(after, "Transpose"));
  CHECK(after.nodes.size() == 3);  // relu, reshape, relu
}

TEST_CASE("a reshape that is a graph output keeps the output's name") {
  layers l;
  const int x = l.input("x", {2, 3});
  const int r = l.add<op::relu>({x});
  const int y = l.add<op::reshape>({r}, {.shape = {2, 3}});
  l.output(y);
  const std::string name = l.n.tensors[static_cast<std::size_t>(y)].name;
  const net after = same_after(l.n, {}, 0);
  CHECK(after.nodes.size() == 1);
  CHECK(after.find(name) >= 0);
}

TEST_CASE("zero pads go into convolutions and pools; other pads stay") {
  layers l;
  const int x = l.input("x", {1, 6, 6, 4});
  const op::pad::params one{.pad_amount = {0, 0, 1, 2, 2, 1}};
  int t = l.conv(l.add<op::pad>({x}, one), 3, 4);
  t = l.depthwise(l.add<op::pad>({t}, one), 3);
  t = l.add<op::pool_avg2d>({l.add<op::pad>({t}, one)}, {.filter_size = {3, 3}, .stride = {1, 1}});
  t = l.add<op::relu>({t});
  t = l.add<op::pool_max2d>({l.add<op::pad>({t}, one)}, {.filter_size = {3, 3}, .stride = {2, 2}});
  l.output(t);
  CHECK(!has(same_after(l.n), "Pad"));

  layers negative;  // max of values that may be below zero: the zeros win
  const int y = negative.input("y", {1, 6, 6, 4});
  negative.output(negative.add<op::pool_max2d>({negative.add<op::pad>({y}, one)}, {.filter_size = {3, 3}, .stride = {1, 1}}));
  CHECK(has(same_after(negative.n, {}, 0), "Pad"));

  for (const int zero : {0, 1}) {  // 8 bit: the encoding says whether values may be below zero
    net q;
    const net_encoding enc = net_encoding::tensor(0.1f, -zero);
    const auto add = [&](const char* name, tensor_kind kind, const shape& dims) {
      return q.add_tensor({.name = name, .kind = kind, .type = dtype::ufixed_8, .dims = dims, .enc = enc});
    };
    const int u = add("u", tensor_kind::app_write, {1, 6, 6, 4}), wide = add("wide", tensor_kind::native, {1, 9, 9, 4}),
              most = add("most", tensor_kind::app_read, {1, 7, 7, 4});
    q.add_node<op::pad>("pad", {u}, {wide}, one);
    q.add_node<op::pool_max2d>("pool", {wide}, {most}, {.filter_size = {3, 3}, .stride = {1, 1}});
    const auto bytes_of = [&](const net& n) {
      interpreter r{std::shared_ptr<const frozen_net>(n.freeze())};
      std::mt19937 random(4);
      for (std::byte& b : r.bytes(n.of_kind(tensor_kind::app_write)[0])) b = static_cast<std::byte>(random() % 4);
      r.run();
      const auto y = r.bytes(n.of_kind(tensor_kind::app_read)[0]);
      return std::vector<std::byte>(y.begin(), y.end());
    };
    net folded = q;
    passes::optimize(folded, {});
    CHECK(has(folded, "Pad") == (zero > 0));
    CHECK(bytes_of(folded) == bytes_of(q));
  }

  layers ones;
  const int z = ones.input("z", {1, 6, 6, 4});
  op::pad::params p = one;
  p.pad_constant_value = 1;
  ones.output(ones.conv(ones.add<op::pad>({z}, p), 3, 4));
  CHECK(has(same_after(ones.n, {}, 0), "Pad"));
}

TEST_CASE("factors and shifts per channel go into the weights") {
  layers l;
  const int x = l.input("x", {1, 5, 5, 4});
  int t = l.conv(x, 3, 8, {.pad_amount = {1, 1, 1, 1}}, false);
  t = l.add<op::elementwise_multiply>({t, l.constant({8}, 0.5f, 2)});
  t = l.add<op::elementwise_add>({t, l.constant({1, 1, 1, 8})});
  t = l.depthwise(t, 3);
  t = l.add<op::elementwise_add>({l.constant({8}), t});
  t = l.add<op::transpose_conv2d>({t, l.constant({2, 2, 8, 3}), l.constant({6})}, {.stride = {2, 2}, .group = 2});
  t = l.add<op::elementwise_multiply>({t, l.constant({6}, 0.5f, 2)});
  t = l.add<op::reshape>({t}, {.shape = {1, 216}});
  t = l.add<op::fully_connected>({t, l.constant({5, 216}), -1});
  t = l.add<op::elementwise_add>({t, l.constant({1, 5})});
  l.output(t);
  const net after = same_after(l.n);
  CHECK(after.nodes.size() == 5);
  passes::optimize_options off;
  off.fold_batchnorm = false;
  CHECK(same_after(l.n, off).nodes.size() == 10);
}

TEST_CASE("activations become epilogues when nothing else reads the value") {
  layers l;
  const int x = l.input("x", {1, 5, 5, 4});
  int t = l.add<op::relu>({l.conv(x, 3, 8)});
  t = l.add<op::relu6>({l.depthwise(t, 3)});
  const int u = l.conv(t, 1, 8);
  t = l.add<op::relu_min_max>({l.add<op::elementwise_add>({t, u})}, {.min_value = -0.5f, .max_value = 1.5f});
  const int shared = l.conv(t, 1, 4);
  l.output(shared);
  l.output(l.add<op::relu>({shared}));
  const net after = same_after(l.n);
  CHECK(after.nodes.size() == 6);
  passes::optimize_options off;
  off.squash_relu = false;
  CHECK(same_after(l.n, off, 0).nodes.size() == 9);
}

TEST_CASE("residual adds join the convolution before them") {
  layers l;
  const int x = l.input("x", {1, 5, 5, 4});
  const int a = l.add<op::relu>({l.conv(x, 3, 4, {.pad_amount = {1, 1, 1, 1}})});
  const int b = l.conv(a, 3, 4, {.pad_amount = {1, 1, 1, 1}});
  l.output(l.add<op::relu>({l.add<op::elementwise_add>({x, b})}));
  passes::optimize_options on;
  on.fuse_residual = true;
  const net after = same_after(l.n, on, 0);
  CHECK(after.nodes.size() == 2);
  CHECK(after.nodes.back().epi.residual == 3);
}

TEST_CASE("a cycle is reported with its nodes") {
  layers l;
  const int x = l.input("x", {1, 4});
  const int a = l.add<op::elementwise_add>({x, x});
  const int b = l.add<op::relu>({a});
  l.n.nodes[0].inputs[1] = b;
  try {
    passes::sort_nodes(l.n);
    CHECK(false);
  } catch (const error& e) {
    CHECK(std::string(e.what()).find("cycle") != std::string::npos);
    CHECK(std::string(e.what()).find(l.n.nodes[0].name) != std::string::npos);
  }
}

namespace {

/// A net of one 8-bit input, x * sigmoid(x) and a GELU by Erf in floats between 8-bit tensors, as QDQ models have them.
net byte_functions(dtype t, int& x) {
  layers l;
  const auto enc = [&](float scale, int zero) { return net_encoding::tensor(scale, t == dtype::ufixed_8 ? -zero : 128 - zero); };
  const auto tensor = [&](const char* name, dtype type, net_encoding e, tensor_kind kind = tensor_kind::native) {
    return l.n.add_tensor({.name = name, .kind = kind, .type = type, .dims = {2, 3, 128}, .enc = e});
  };
  x = tensor("x", t, enc(0.05f, 120), tensor_kind::app_write);
  const int gate = tensor("gate", t, enc(1.0f / 256, 0));
  l.n.add_node<op::sigmoid>("sigmoid", {x}, {gate});
  const int silu = tensor("silu", t, enc(0.03f, 10), tensor_kind::app_read);
  l.n.add_node<op::elementwise_multiply>("times", {gate, x}, {silu});
  const int real = tensor("real", dtype::float_32, {});
  l.n.add_node<op::dequantize>("dequantize", {x}, {real});
  const int error = tensor("error", dtype::float_32, {});
  l.n.add_node<op::erf>("erf", {real}, {error});
  const int narrow = tensor("narrow", t, enc(1.0f / 120, 128));
  l.n.add_node<op::quantize>("quantize", {error}, {narrow});
  const int one = l.n.add_constant<std::uint8_t>("one", t, {1}, {200}, enc(0.01f, 100));
  const int sum = tensor("sum", t, enc(2.0f / 255, 0));
  l.n.add_node<op::elementwise_add>("plus", {narrow, one}, {sum});
  const int out = tensor("gelu", t, enc(0.05f, 8), tensor_kind::app_read);
  l.n.add_node<op::elementwise_multiply>("product", {x, sum}, {out});
  return l.n;
}

}  // namespace

TEST_CASE("functions of one 8-bit tensor become lookups with the same bits") {
  for (const dtype t : {dtype::ufixed_8, dtype::sfixed_8}) {
    int x = -1;
    const net before = byte_functions(t, x);
    net after = before;
    CHECK(passes::fold_byte_functions(after) == 5);
    CHECK(after.nodes.size() == 2);
    CHECK(has(after, "Lookup"));
    std::vector<std::byte> results[2];
    for (int k = 0; k < 2; ++k) {
      const net& n = k == 0 ? before : after;
      interpreter r(std::shared_ptr<const frozen_net>(n.freeze()));
      const auto in = r.bytes(n.find("x"));
      for (std::size_t i = 0; i < in.size(); ++i) in[i] = static_cast<std::byte>(i * 7);
      r.run();
      for (const char* name : {"silu", "gelu"}) {
        const auto y = r.bytes(n.find(name));
        results[k].insert(results[k].end(), y.begin(), y.end());
      }
    }
    CHECK(results[0] == results[1]);
  }
}
TEST_CASE("8-bit functions stay where others read the floats in between, and where they save nothing") {
  int x = -1;
  net n = byte_functions(dtype::ufixed_8, x);
  for (const char* name : {"gate", "real", "sum", "narrow"}) n.tensors[static_cast<std::size_t>(n.find(name))].kind = tensor_kind::app_read;
  CHECK(passes::fold_byte_functions(n) == 1);  // Erf goes; all other results are read
  CHECK(n.nodes.size() == 6);
  layers single;
  const int in = single.n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = dtype::ufixed_8, .dims = {4}, .enc = net_encoding::tensor(0.1f, 0)});
  const int y = single.n.add_tensor({.name = "y", .kind = tensor_kind::app_read, .type = dtype::ufixed_8, .dims = {4}, .enc = net_encoding::tensor(0.1f, 0)});
  single.n.add_node<op::sigmoid>("sigmoid", {in}, {y});
  CHECK(passes::fold_byte_functions(single.n) == 0);
  CHECK(single.n.nodes.size() == 1);
}

namespace {

/// x, sigmoid(x), their product, in this order or the other.
net gated(bool gate_first, bool general) {
  layers l;
  const auto tensor = [&](const char* name, tensor_kind kind) {
    return l.n.add_tensor({.name = name, .kind = kind, .type = dtype::float_32, .dims = {3, 5, 77}});
  };
  const int x = tensor("x", tensor_kind::app_write);
  const int gate = tensor("gate", tensor_kind::native);
  const int y = tensor("y", tensor_kind::app_read);
  const int a = gate_first ? gate : x;
  const int b = gate_first ? x : gate;
  if (general) {
    l.n.add_node<op::elementwise_neuron>("gate", {x}, {gate}, {.operation = op::neuron::sigmoid});
    l.n.add_node<op::elementwise_binary>("times", {a, b}, {y}, {.operation = op::binary::multiply});
  } else {
    l.n.add_node<op::sigmoid>("gate", {x}, {gate});
    l.n.add_node<op::elementwise_multiply>("times", {a, b}, {y});
  }
  return l.n;
}

}  // namespace

TEST_CASE("sigmoid and the product with its input become one node with the same bits") {
  for (const int kind : {0, 1, 2, 3}) {
    const net before = gated(kind % 2 == 1, kind / 2 == 1);
    net after = before;
    CHECK(passes::fuse_silu(after) == 1);
    REQUIRE(after.nodes.size() == 1);
    CHECK(after.nodes[0].name == "times");
    CHECK(after.nodes[0].get<op::elementwise_neuron>().operation == op::neuron::silu);
    CHECK(after.find("gate") < 0);
    for (const std::string backend : {"reference", "avx2", "avx512vnni"}) {
      if (!processor_has(backend)) continue;
      CAPTURE(backend);
      std::vector<std::byte> results[2];
      for (int k = 0; k < 2; ++k) {
        const net& n = k == 0 ? before : after;
        interpreter r(std::shared_ptr<const frozen_net>(n.freeze()), {.backend = backend});
        CHECK(r.kernel_isa(0) == backend);
        auto* in = reinterpret_cast<float*>(r.bytes(n.find("x")).data());
        for (int i = 0; i < 3 * 5 * 77; ++i) in[i] = static_cast<float>(i - 577) * 0.171f;
        r.run();
        const auto y = r.bytes(n.find("y"));
        results[k].assign(y.begin(), y.end());
      }
      CHECK(results[0] == results[1]);
    }
  }
}
TEST_CASE("sigmoids stay where others read them, and beside another factor or another type") {
  net read = gated(false, false);
  read.tensors[static_cast<std::size_t>(read.find("gate"))].kind = tensor_kind::app_read;
  CHECK(passes::fuse_silu(read) == 0);
  net other = gated(false, false);
  const int z = other.add_tensor({.name = "z", .kind = tensor_kind::app_write, .type = dtype::float_32, .dims = {3, 5, 77}});
  other.nodes[1].inputs[0] = z;
  CHECK(passes::fuse_silu(other) == 0);
  net squared = gated(false, false);
  squared.nodes[1].inputs[0] = squared.nodes[1].inputs[1];
  CHECK(passes::fuse_silu(squared) == 0);
  net half = gated(false, false);
  for (net_tensor& t : half.tensors) t.type = dtype::float_16;
  CHECK(passes::fuse_silu(half) == 0);
}
