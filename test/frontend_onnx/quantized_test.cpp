// SPDX-License-Identifier: Apache-2.0
// QDQ models: scales become encodings, the ops run on integers, float inputs and outputs keep their Quantize and
// Dequantize. Expected values by the formulas of ONNX in double.
#include <cmath>

#include "import.hpp"

using namespace qnnx;
using namespace tested;
using writer::dims;

namespace {
constexpr float sx = 0.5f;
constexpr float sy = 0.25f;
const std::vector<float> sw{0.125f, 0.5f, 0.25f};

std::string scalar(const char* name, float v) { return writer::floats(name, {}, {v}); }
std::string zero_u8(const char* name, std::uint8_t v) { return writer::tensor(name, 2, {}, writer::raw(std::vector<std::uint8_t>{v})); }

std::vector<std::int8_t> weights() {
  std::vector<std::int8_t> w(54);
  for (std::size_t i = 0; i < 54; ++i) w[i] = static_cast<std::int8_t>(static_cast<int>(i * 37 % 255) - 127);
  return w;
}
const std::vector<std::int32_t> bias{100, -50, 7};

writer::graph conv(bool relu) {
  writer::graph g;
  g.input("x", {1, 2, 4, 4}).output("y");
  g.initializer(scalar("sx", sx)).initializer(zero_u8("zx", 128)).initializer(scalar("sy", sy)).initializer(zero_u8("zy", relu ? 0 : 120));
  g.initializer(writer::tensor("w", 3, {3, 2, 3, 3}, writer::raw(weights()))).initializer(writer::floats("sw", {3}, sw));
  g.initializer(writer::tensor("zw", 3, {3}, std::string(3, '\0')));
  g.initializer(writer::tensor("b", 6, {3}, writer::raw(bias))).initializer(writer::floats("sb", {3}, {sx * sw[0], sx * sw[1], sx * sw[2]}));
  g.initializer(writer::tensor("zb", 6, {3}, std::string(12, '\0')));
  g.add(writer::node("QuantizeLinear", {"x", "sx", "zx"}, {"xq"}));
  g.add(writer::node("DequantizeLinear", {"xq", "sx", "zx"}, {"xd"}));
  g.add(writer::node("DequantizeLinear", {"w", "sw", "zw"}, {"wd"}, {{"axis", std::int64_t{0}}}));
  g.add(writer::node("DequantizeLinear", {"b", "sb", "zb"}, {"bd"}, {{"axis", std::int64_t{0}}}));
  g.add(writer::node("Conv", {"xd", "wd", "bd"}, {"c"}, {{"pads", dims{1, 1, 1, 1}}}));
  if (relu) g.add(writer::node("Relu", {"c"}, {"r"}));
  g.add(writer::node("QuantizeLinear", {relu ? "r" : "c", "sy", "zy"}, {"yq"}));
  g.add(writer::node("DequantizeLinear", {"yq", "sy", "zy"}, {"y"}));
  return g;
}
std::vector<float> conv_expected(const std::vector<float>& x, bool relu) {
  std::vector<float> xd;
  for (float v : x) xd.push_back(static_cast<float>((std::clamp(std::nearbyint(v / sx) + 128.0f, 0.0f, 255.0f) - 128.0f) * sx));
  std::vector<float> w;
  for (std::size_t i = 0; i < 54; ++i) w.push_back(static_cast<float>(weights()[i]) * sw[i / 18]);
  int h = 0;
  int v = 0;
  std::vector<float> y = conv_nchw(xd, 2, 4, 4, w, 3, 3, {100 * sx * sw[0], -50 * sx * sw[1], 7 * sx * sw[2]}, 1, h, v);
  const float z = relu ? 0.0f : 120.0f;
  for (float& f : y) f = (std::clamp(std::nearbyint((relu ? std::max(f, 0.0f) : f) / sy) + z, 0.0f, 255.0f) - z) * sy;
  return y;
}
}  // namespace

TEST_CASE("a QDQ convolution with scales per channel: integers inside, exact result (all scales are powers of two)") {
  for (const bool relu : {false, true}) {
    const net n = import(conv(relu));
    CHECK(n.nodes.size() == 3);  // Quantize, Conv2d, Dequantize; the zero point makes the Relu
    CHECK(count(n, "Conv2d") == 1);
    const net_tensor& w = n.tensors[static_cast<std::size_t>(n.nodes[1].inputs[1])];
    CHECK(w.type == dtype::sfixed_8);
    CHECK(w.enc.axis == 3);
    CHECK(w.enc.scales == sw);
    CHECK(std::string(to_text(w.dims).view()) == "[3,3,2,3]");
    CHECK(w.as<std::int8_t>()[0] == weights()[0]);
    CHECK(w.as<std::int8_t>()[1] == weights()[18]);
    const net_tensor& b = n.tensors[static_cast<std::size_t>(n.nodes[1].inputs[2])];
    CHECK(b.type == dtype::sfixed_32);
    CHECK(b.as<std::int32_t>()[1] == -50);
    const net_tensor& q = n.tensors[static_cast<std::size_t>(n.nodes[0].outputs[0])];
    CHECK(q.enc.offset() == -128);
    const std::vector<float> x = counting(32, 23, -9);
    CHECK(run(n, to_nhwc(x, 2, 16)) == to_nhwc(conv_expected(x, relu), 3, 16));
  }
}

TEST_CASE("a relu whose zero point does not clamp stays as a node with the same scales") {
  writer::graph g;
  g.input("x", {4}).output("y");
  g.initializer(scalar("s", 0.5f)).initializer(zero_u8("z", 100));
  g.add(writer::node("QuantizeLinear", {"x", "s", "z"}, {"q"}));
  g.add(writer::node("DequantizeLinear", {"q", "s", "z"}, {"d"}));
  g.add(writer::node("Relu", {"d"}, {"r"}));
  g.add(writer::node("QuantizeLinear", {"r", "s", "z"}, {"rq"}));
  g.add(writer::node("DequantizeLinear", {"rq", "s", "z"}, {"y"}));
  const net n = import(g);
  CHECK(count(n, "Relu") == 1);
  CHECK(run(n, {-3, 0, 1.5f, 200}) == std::vector<float>{0, 0, 1.5f, 77.5f});
}

TEST_CASE("quantized graph inputs and outputs need no Quantize; data movement keeps the scales") {
  writer::graph g;
  g.input("x", {1, 4}, 2).output("y", {}, 2);
  g.initializer(scalar("s", 0.5f)).initializer(zero_u8("z", 3)).initializer(writer::longs("to", {2}, {2, 2}));
  g.add(writer::node("DequantizeLinear", {"x", "s", "z"}, {"d"}));
  g.add(writer::node("Reshape", {"d", "to"}, {"r"}));
  g.add(writer::node("QuantizeLinear", {"r", "s", "z"}, {"y"}));
  const net n = import(g);
  CHECK(n.nodes.size() == 1);
  const net_tensor& x = n.tensors[static_cast<std::size_t>(n.find("x"))];
  CHECK(x.type == dtype::ufixed_8);
  CHECK(x.enc.offset() == -3);
  CHECK(n.tensors[static_cast<std::size_t>(n.find("y"))].enc.scale() == 0.5f);
}

TEST_CASE("an op whose result is not quantized runs in float on dequantized data") {
  writer::graph g;
  g.input("x", {4}).output("y");
  g.initializer(scalar("s", 0.5f)).initializer(zero_u8("z", 100));
  g.add(writer::node("QuantizeLinear", {"x", "s", "z"}, {"q"}));
  g.add(writer::node("DequantizeLinear", {"q", "s", "z"}, {"d"}));
  g.add(writer::node("Sigmoid", {"d"}, {"y"}));
  const net n = import(g);
  CHECK(count(n, "Dequantize") == 1);
  CHECK(n.tensors[static_cast<std::size_t>(n.find("y"))].type == dtype::float_32);
}

TEST_CASE("4-bit weights are stored packed, each channel from a byte on") {
  writer::graph g;
  g.input("x", {1, 3}).output("y");
  g.initializer(scalar("sx", 0.5f)).initializer(zero_u8("zx", 0)).initializer(writer::floats("sw", {2}, {1.0f, 2.0f}));
  // [2,3] = {1,-2,3},{-4,5,-6}: nibbles low first: E1 C3 A5
  g.initializer(writer::tensor("w", 22, {2, 3}, "\xE1\xC3\xA5")).initializer(writer::tensor("zw", 22, {2}, std::string(1, '\0')));
  g.add(writer::node("QuantizeLinear", {"x", "sx", "zx"}, {"q"}));
  g.add(writer::node("DequantizeLinear", {"q", "sx", "zx"}, {"d"}));
  g.add(writer::node("DequantizeLinear", {"w", "sw", "zw"}, {"wd"}, {{"axis", std::int64_t{0}}}));
  g.add(writer::node("Gemm", {"d", "wd"}, {"f"}, {{"transB", std::int64_t{1}}}));
  g.add(writer::node("QuantizeLinear", {"f", "sx", "zx"}, {"yq"}));
  g.add(writer::node("DequantizeLinear", {"yq", "sx", "zx"}, {"y"}));
  const net n = import(g, {}, 21);
  const net_tensor& w = n.tensors[static_cast<std::size_t>(n.nodes[1].inputs[1])];
  CHECK(w.type == dtype::sfixed_4);
  const std::vector<std::byte> expected{std::byte{0xE1}, std::byte{0x03}, std::byte{0x5C}, std::byte{0x0A}};
  CHECK(w.data == expected);
  CHECK(run(n, {1, 2, 3}) == std::vector<float>{6, 0});  // 1-4+9, 2*(-4+10-18) cut off at 0
}

TEST_CASE("quantization at run time is refused") {
  writer::graph g;
  g.input("x", {4}).output("y", {}, 2);
  g.add(writer::node("DynamicQuantizeLinear", {"x"}, {"y", "s", "z"}, {}, "dyn"));
  CHECK(message(g.model()) ==
        "m.onnx: node 'dyn' (DynamicQuantizeLinear): operators that quantize at run time are not supported: export the float model, or quantize it statically (QDQ)");
}
