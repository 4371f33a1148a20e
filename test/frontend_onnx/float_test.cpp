// SPDX-License-Identifier: Apache-2.0
// Float models written by hand against loops in ONNX's own layout. All numbers are small integers: results are exact.
#include <algorithm>

#include "import.hpp"

using namespace qnnx;
using namespace tested;
using writer::dims;

namespace {
writer::graph small_cnn(bool channel_input = true) {
  writer::graph g;
  g.input("x", channel_input ? dims{1, 2, 4, 4} : dims{-1, 2, 4, 4}).output("y");
  g.initializer(writer::floats("w", {3, 2, 3, 3}, counting(54))).initializer(writer::floats("b", {3}, {1, -2, 3}));
  g.initializer(writer::floats("fw", {12, 5}, counting(60, 5, -2))).initializer(writer::floats("fb", {5}, {1, 2, 3, 4, 5}));
  g.add(writer::node("Conv", {"x", "w", "b"}, {"c"}, {{"pads", dims{1, 1, 1, 1}}, {"kernel_shape", dims{3, 3}}}));
  g.add(writer::node("Relu", {"c"}, {"r"}));
  g.add(writer::node("MaxPool", {"r"}, {"p"}, {{"kernel_shape", dims{2, 2}}, {"strides", dims{2, 2}}}));
  g.add(writer::node("Flatten", {"p"}, {"f"}));
  g.add(writer::node("Gemm", {"f", "fw", "fb"}, {"y"}));
  return g;
}
std::vector<float> small_cnn_expected(const std::vector<float>& x) {
  int h = 0;
  int w = 0;
  std::vector<float> c = conv_nchw(x, 2, 4, 4, counting(54), 3, 3, {1, -2, 3}, 1, h, w);
  const std::vector<float> fw = counting(60, 5, -2);
  std::vector<float> y{1, 2, 3, 4, 5};
  for (int ch = 0; ch < 3; ++ch)
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 2; ++j) {
        float m = 0;
        for (int a = 0; a < 4; ++a) m = std::max(m, c[static_cast<std::size_t>((ch * 4 + 2 * i + a / 2) * 4 + 2 * j + a % 2)]);
        for (int o = 0; o < 5; ++o) y[static_cast<std::size_t>(o)] += m * fw[static_cast<std::size_t>((ch * 4 + i * 2 + j) * 5 + o)];
      }
  return y;
}
}  // namespace

TEST_CASE("convolution, relu, pool, flatten, gemm: no Transpose, the flattening goes into the weights") {
  const net n = import(small_cnn());
  CHECK(count(n, "Transpose") == 0);
  CHECK(count(n, "FullyConnected") == 1);
  CHECK(shape_of(n, "x") == "[1,4,4,2]");
  CHECK(n.tensors[static_cast<std::size_t>(n.find("x"))].layout == "NHWC");
  CHECK(n.metadata.at("layout.x") == "NCHW");
  const std::vector<float> x = counting(32, 9, -4);
  CHECK(run(n, to_nhwc(x, 2, 16)) == small_cnn_expected(x));
}

TEST_CASE("preserve_io_layout keeps NCHW at the boundary") {
  const net n = import(small_cnn(), {.preserve_io_layout = true});
  CHECK(shape_of(n, "x") == "[1,2,4,4]");
  CHECK(count(n, "Transpose") == 1);
  const std::vector<float> x = counting(32, 9, -4);
  CHECK(run(n, x) == small_cnn_expected(x));
}

TEST_CASE("sizes of symbols come from -b, -s or -d; without them the message says so") {
  const writer::graph g = small_cnn(false);
  CHECK(message(g.model()) ==
        "m.onnx: input 'x': dimension 0 ('N') has no size: give the sizes with -d x DIMS, or with -b N, or with -s N N");
  CHECK(shape_of(import(g, {.batch = 1}), "x") == "[1,4,4,2]");
  CHECK(shape_of(import(g, {.symbols = {{"N", 3}}}), "y") == "[3,5]");
  CHECK(shape_of(import(g, {.input_dims = {{"x", {2, 2, 4, 4}}}}), "y") == "[2,5]");
  CHECK(message(g.model(), {.input_dims = {{"z", {1}}}}) == "m.onnx: -d z: the model has no such input: take a name from the model");
}

TEST_CASE("out_node ends the graph early; an image output is channel-last") {
  const net n = import(small_cnn(), {.out_nodes = {"r"}});
  CHECK(n.nodes.size() == 2);
  CHECK(shape_of(n, "r") == "[1,4,4,3]");
  CHECK(n.tensors[static_cast<std::size_t>(n.find("r"))].kind == tensor_kind::app_read);
  CHECK(message(small_cnn().model(), {.out_nodes = {"nope"}}) == "m.onnx: out node 'nope': no tensor or node has this name: take a name from the model");
}

TEST_CASE("shape arithmetic of a dynamic export is folded away") {
  writer::graph g;
  g.input("x", {-1, 2, 3, 4}).output("y");
  g.initializer(writer::longs("zero", {}, {0})).initializer(writer::longs("axis", {1}, {0})).initializer(writer::longs("rest", {1}, {-1}));
  g.add(writer::node("Identity", {"x"}, {"i"}));
  g.add(writer::node("Shape", {"i"}, {"s"}));
  g.add(writer::node("Gather", {"s", "zero"}, {"n"}));
  g.add(writer::node("Unsqueeze", {"n", "axis"}, {"n1"}));
  g.add(writer::node("Concat", {"n1", "rest"}, {"shape"}, {{"axis", std::int64_t{0}}}));
  g.add(writer::node("Reshape", {"i", "shape"}, {"y"}));
  const net n = import(g, {.batch = 5});
  CHECK(n.nodes.size() == 1);
  CHECK(shape_of(n, "y") == "[5,24]");
}

TEST_CASE("an SSD head, NCHW -> Transpose -> Reshape, moves nothing; a channel shuffle moves once") {
  writer::graph g;
  g.input("x", {1, 2, 4, 4}).output("y");
  g.initializer(writer::floats("w", {6, 2, 1, 1}, counting(12))).initializer(writer::longs("to", {3}, {1, -1, 3}));
  g.add(writer::node("Conv", {"x", "w"}, {"c"}));
  g.add(writer::node("Transpose", {"c"}, {"t"}, {{"perm", dims{0, 2, 3, 1}}}));
  g.add(writer::node("Reshape", {"t", "to"}, {"y"}));
  const net head = import(g);
  CHECK(count(head, "Transpose") == 0);
  CHECK(shape_of(head, "y") == "[1,32,3]");

  writer::graph s;
  s.input("x", {1, 2, 4, 4}).output("y");
  s.initializer(writer::floats("w", {6, 2, 1, 1}, counting(12)));
  s.initializer(writer::longs("split", {5}, {1, 2, 3, 4, 4})).initializer(writer::longs("join", {4}, {1, 6, 4, 4}));
  s.add(writer::node("Conv", {"x", "w"}, {"c"}));
  s.add(writer::node("Reshape", {"c", "split"}, {"g"}));
  s.add(writer::node("Transpose", {"g"}, {"t"}, {{"perm", dims{0, 2, 1, 3, 4}}}));
  s.add(writer::node("Reshape", {"t", "join"}, {"j"}));
  s.add(writer::node("Relu", {"j"}, {"y"}));
  const net shuffle = import(s);
  CHECK(count(shuffle, "Transpose") == 1);
  const std::vector<float> x = counting(32, 9, -4);
  int h = 0;
  int w = 0;
  const std::vector<float> c = conv_nchw(x, 2, 4, 4, counting(12), 6, 1, std::vector<float>(6, 0.0f), 0, h, w);
  CHECK(shape_of(shuffle, "y") == "[1,4,4,6]");
  std::vector<float> expected(96);
  for (std::size_t k = 0; k < 6; ++k)
    for (std::size_t p = 0; p < 16; ++p) expected[p * 6 + k] = std::max(0.0f, c[(k % 2 * 3 + k / 2) * 16 + p]);
  CHECK(run(shuffle, to_nhwc(x, 2, 16)) == expected);
}

TEST_CASE("operands in two orders, constants per channel, concat and slice over channels") {
  writer::graph g;
  g.input("x", {1, 2, 4, 4}).output("y");
  g.initializer(writer::floats("w", {3, 2, 1, 1}, counting(6))).initializer(writer::floats("add", {3, 1, 1}, {10, 20, 30}));
  g.initializer(writer::longs("from", {1}, {1})).initializer(writer::longs("to", {1}, {5})).initializer(writer::longs("axis", {1}, {1}));
  g.add(writer::node("Conv", {"x", "w"}, {"c"}));
  g.add(writer::node("Add", {"c", "add"}, {"a"}));
  g.add(writer::node("Concat", {"a", "c"}, {"k"}, {{"axis", std::int64_t{1}}}));
  g.add(writer::node("Slice", {"k", "from", "to", "axis"}, {"y"}));
  const net n = import(g);
  CHECK(count(n, "Transpose") == 0);
  const std::vector<float> x = counting(32, 9, -4);
  int h = 0;
  int w = 0;
  const std::vector<float> c = conv_nchw(x, 2, 4, 4, counting(6), 3, 1, {0, 0, 0}, 0, h, w);
  std::vector<float> expected;
  for (std::size_t ch = 1; ch < 5; ++ch)
    for (std::size_t p = 0; p < 16; ++p) expected.push_back(ch < 3 ? c[ch * 16 + p] + 10.0f * static_cast<float>(ch + 1) : c[(ch - 3) * 16 + p]);
  CHECK(run(n, to_nhwc(x, 2, 16)) == to_nhwc(expected, 4, 16));
}

TEST_CASE("names become C names and stay unique; the source's name is kept") {
  writer::graph g;
  g.input("x.1", {2, 2}).output("1/y");
  g.add(writer::node("Relu", {"x.1"}, {"x_1"}, {}, "a/b"));
  g.add(writer::node("Sigmoid", {"x_1"}, {"1/y"}, {}, "a.b"));
  const net n = import(g);
  CHECK(n.find("x_1") >= 0);
  CHECK(n.find("x_1_1") >= 0);
  CHECK(n.tensors[static_cast<std::size_t>(n.find("_1_y"))].source_name == "1/y");
  CHECK(n.nodes[0].name == "a_b");
  CHECK(n.nodes[1].name == "a_b_1");
}
