// SPDX-License-Identifier: Apache-2.0
// The quantizer on small random nets: noise against the float net, types and encodings of what it writes.
#include <doctest/doctest.h>

#include "passes/float_net.hpp"
#include "qnnx/runtime/passes/optimize.hpp"
#include "qnnx/runtime/quantize.hpp"

using namespace testing;

namespace {

net small_net() {
  layers l;
  const int x = l.input("x", {1, 12, 12, 3});
  int t = l.add<op::relu>({l.conv(x, 3, 16, {.stride = {2, 2}, .pad_amount = {1, 1, 1, 1}})});
  // channels of very different size: what per-channel weights are for
  net_tensor& w = l.n.tensors[static_cast<std::size_t>(l.n.nodes[0].inputs[1])];
  for (std::size_t i = 0; i < 3 * 3 * 3 * 16; ++i) w.as<float>()[i] *= 0.1f + 0.2f * static_cast<float>(i % 16);
  const int skip = t;
  t = l.add<op::relu6>({l.depthwise(t, 3, {.pad_amount = {1, 1, 1, 1}})});
  t = l.conv(t, 1, 16);
  t = l.add<op::relu>({l.add<op::elementwise_add>({t, skip})});
  t = l.add<op::pool_max2d>({t}, {.filter_size = {2, 2}, .stride = {2, 2}});
  t = l.add<op::concat>({t, l.conv(t, 1, 8)}, {.axis = 3});
  t = l.add<op::reshape>({t}, {.shape = {1, 216}});
  t = l.add<op::fully_connected>({t, l.constant({10, 216}, -0.1f, 0.1f), l.constant({10})});
  l.output(t);
  net n = l.n;
  passes::optimize(n);
  return n;
}

/// Seeds 1, 2, ...: noise() measures on the first of them, so that no value is clipped.
sample_source samples(const net& n, std::size_t count) {
  return [&n, count](std::size_t k, std::span<const std::span<std::byte>> inputs) {
    if (k >= count) return false;
    const auto v = random_inputs(n, 1 + static_cast<unsigned>(k));
    for (std::size_t i = 0; i < inputs.size(); ++i) std::memcpy(inputs[i].data(), v[i].data(), inputs[i].size());
    return true;
  };
}

net quantized(const net& source, const quantize_options& o) {
  net n = source;
  calibrate(n, samples(source, 16), o);
  quantize(n, o);
  return n;
}

double noise(const net& real, const net& stored) {
  std::vector<float> a;
  std::vector<float> b;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const auto in = random_inputs(real, seed);
    const auto x = run(real, in);
    const auto y = run(stored, in);
    a.insert(a.end(), x.begin(), x.end());
    b.insert(b.end(), y.begin(), y.end());
  }
  return sqnr_db(a, b);
}

const net_tensor& weight_of(const net& n, std::string_view op) {
  for (const net_node& k : n.nodes)
    if (k.op->name == op) return n.tensors[static_cast<std::size_t>(k.inputs[1])];
  throw error("no such node");
}
int count(const net& n, std::string_view op) {
  int c = 0;
  for (const net_node& k : n.nodes) c += k.op->name == op ? 1 : 0;
  return c;
}

}  // namespace

TEST_CASE("noise of the quantized net against the float net") {
  const net real = small_net();
  quantize_options o;
  const net plain = quantized(real, o);
  o.per_channel = o.per_row = true;
  const net channels = quantized(real, o);
  o.act_bitwidth = 16;
  o.weights_bitwidth = 16;
  o.act_schema = schema::signed_symmetric;
  const net wide = quantized(real, o);
  o.weights_bitwidth = 8;
  const net wide8 = quantized(real, o);
  o = {};
  o.weights_bitwidth = 4;
  o.per_channel = o.per_row = true;
  const net narrow = quantized(real, o);
  o.pack_4_bit_weights = false;
  const net unpacked = quantized(real, o);
  o = {};
  o.bias_bitwidth = 8;
  const net bias8 = quantized(real, o);
  const double db[] = {noise(real, plain), noise(real, channels), noise(real, wide), noise(real, wide8), noise(real, narrow), noise(real, bias8)};
  MESSAGE("SQNR in dB: per tensor " << db[0] << ", per channel " << db[1] << ", s16 x s16 " << db[2] << ", s16 x s8 "
                                    << db[3] << ", 4-bit weights " << db[4] << ", 8-bit bias " << db[5]);
  CHECK(db[0] > 25);
  CHECK(db[1] > 30);
  CHECK(db[1] > db[0]);
  CHECK(db[2] > 60);
  CHECK(db[3] > 30);
  CHECK(db[4] > 8);
  CHECK(db[5] > 20);
  const auto in = random_inputs(real, 5);
  CHECK(run(narrow, in) == run(unpacked, in));  // where the values lie changes nothing
}

TEST_CASE("types and encodings of the default") {
  const net n = quantized(small_net(), {});
  CHECK(count(n, "Quantize") == 1);
  CHECK(count(n, "Dequantize") == 1);
  CHECK(count(n, "Convert") == 0);
  CHECK(n.tensors[static_cast<std::size_t>(n.of_kind(tensor_kind::app_write)[0])].type == dtype::float_32);
  CHECK(weight_of(n, "Conv2d").type == dtype::ufixed_8);
  for (const net_node& k : n.nodes) {
    if (k.op->name == "Conv2d" || k.op->name == "DepthWiseConv2d" || k.op->name == "FullyConnected") {
      const net_tensor& b = n.tensors[static_cast<std::size_t>(k.inputs[2])];
      const float s = n.tensors[static_cast<std::size_t>(k.inputs[0])].enc.scale() * n.tensors[static_cast<std::size_t>(k.inputs[1])].enc.scale();
      CHECK(b.type == dtype::sfixed_32);
      CHECK(b.enc.scale() == s);
    }
    if (k.op->name == "PoolMax2d" || k.op->name == "Reshape" || k.op->name == "Concat")
      for (int t : k.inputs) CHECK(n.tensors[static_cast<std::size_t>(t)].enc == n.tensors[static_cast<std::size_t>(k.outputs[0])].enc);
  }
}

TEST_CASE("packed 4-bit weights: one scale per channel, channels begin on a byte") {
  layers l;
  l.output(l.conv(l.input("x", {1, 5, 5, 3}), 3, 4));
  quantize_options o;
  o.weights_bitwidth = 4;
  o.per_channel = true;
  const net n = quantized(l.n, o);
  const net_tensor& w = weight_of(n, "Conv2d");
  CHECK(w.type == dtype::sfixed_4);
  CHECK(w.enc.scales.size() == 4);
  CHECK(w.data.size() == 4 * 14);  // 27 values take 14 bytes
}

TEST_CASE("native inputs and outputs, kept float tensors, mixed widths") {
  const net real = small_net();
  quantize_options o;
  o.native_io = true;
  const net native = quantized(real, o);
  CHECK(count(native, "Quantize") + count(native, "Dequantize") == 0);
  CHECK(native.tensors[static_cast<std::size_t>(native.of_kind(tensor_kind::app_write)[0])].type == dtype::ufixed_8);
  CHECK(native.tensors[static_cast<std::size_t>(native.of_kind(tensor_kind::app_read)[0])].type == dtype::ufixed_8);

  o = {};
  const net_node* depthwise = nullptr;
  for (const net_node& k : real.nodes)
    if (k.op->name == "DepthWiseConv2d") depthwise = &k;
  REQUIRE(depthwise != nullptr);
  const std::string middle = real.tensors[static_cast<std::size_t>(depthwise->outputs[0])].name;
  o.keep_float.insert(middle);
  const net mixed = quantized(real, o);
  CHECK(weight_of(mixed, "DepthWiseConv2d").type == dtype::float_32);
  CHECK(count(mixed, "Dequantize") == 2);
  CHECK(count(mixed, "Quantize") == 2);
  CHECK(noise(real, mixed) > 25);

  net wide = real;  // one activation of 16 bits by override
  calibrate(wide, samples(real, 8));
  net_tensor& t = wide.tensors[static_cast<std::size_t>(wide.find(middle))];
  t.overridden = true;
  t.enc = net_encoding::tensor(6.0f / 65535, 0, 16);
  quantize(wide);
  CHECK(count(wide, "Convert") == 2);
  CHECK(wide.tensors[static_cast<std::size_t>(wide.find(middle))].type == dtype::ufixed_16);
  CHECK(noise(real, wide) > 25);
}

TEST_CASE("calibration methods and schemas run") {
  const net real = small_net();
  for (calibration c : {calibration::percentile, calibration::sqnr, calibration::mse}) {
    quantize_options o;
    o.act_calibration = c;
    const double db = noise(real, quantized(real, o));
    CAPTURE(to_string(c));
    CHECK(db > 20);
  }
  for (schema s : {schema::signed_asymmetric, schema::signed_symmetric, schema::unsigned_symmetric}) {
    quantize_options o;
    o.act_schema = s;
    o.param_schema = schema::signed_symmetric;
    CAPTURE(to_string(s));
    CHECK(noise(real, quantized(real, o)) > 20);
  }
}

TEST_CASE("a fused residual gives the bits of the unfused quantized net") {
  layers l;
  const int x = l.input("x", {1, 6, 6, 8});
  const int a = l.add<op::relu>({l.conv(x, 3, 8, {.pad_amount = {1, 1, 1, 1}})});
  l.output(l.add<op::relu>({l.add<op::elementwise_add>({l.conv(a, 3, 8, {.pad_amount = {1, 1, 1, 1}}), x})}));
  net real = l.n;
  passes::optimize(real);
  const net stored = quantized(real, {});
  net fused = stored;
  CHECK(passes::fuse_residuals(fused) == 1);
  passes::compact(fused);
  for (unsigned seed = 1; seed < 20; ++seed) {
    const auto in = random_inputs(real, seed, -2, 2);
    CHECK(run(stored, in) == run(fused, in));
  }
}

TEST_CASE("bias correction removes the mean error that rounding the weights makes") {
  layers l;
  const int x = l.input("x", {1, 8, 8, 4});
  l.output(l.conv(l.add<op::relu>({l.depthwise(l.add<op::relu>({l.conv(x, 3, 8)}), 3)}), 1, 6));
  net real = l.n;
  passes::optimize(real);
  quantize_options o;
  o.weights_bitwidth = 4;  // coarse: a large mean error
  o.act_bitwidth = 16;
  o.per_channel = true;
  const net plain = quantized(real, o);
  net corrected = plain;
  CHECK(refine(corrected, real, samples(real, 16)) == 3);
  const auto mean_error = [&](const net& n) {
    std::vector<double> e(6, 0.0);
    for (unsigned seed = 1; seed <= 16; ++seed) {
      const auto in = random_inputs(real, seed);
      const auto a = run(real, in);
      const auto b = run(n, in);
      for (std::size_t i = 0; i < a.size(); ++i) e[i % 6] += static_cast<double>(b[i]) - static_cast<double>(a[i]);
    }
    double sum = 0;
    for (double v : e) sum += std::abs(v);
    return sum;
  };
  CHECK(mean_error(corrected) < 0.5 * mean_error(plain));
  CHECK(noise(real, corrected) > noise(real, plain));
}

TEST_CASE("what cannot be done is said in one line") {
  net n = small_net();
  quantize_options o;
  CHECK_THROWS_WITH_AS(quantize(n, o), doctest::Contains("has no range"), error);
  o.float_fallback = true;
  net floats = small_net();
  quantize(floats, o);
  CHECK(floats.nodes.size() == n.nodes.size());
  o.act_bitwidth = 7;
  CHECK_THROWS_WITH_AS(quantize(n, o), doctest::Contains("act_bitwidth: got 7"), error);
  CHECK_THROWS_WITH_AS(calibrate(n, [](auto, auto) { return false; }), doctest::Contains("no samples"), error);
}

TEST_CASE("an offset outside the datatype is refused with the words of the compile error") {
  const auto frozen = [](dtype type, net_encoding enc, shape dims = {1, 4}) {
    layers l;
    const int x = l.n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = type, .dims = dims, .enc = enc});
    const int y = l.n.add_tensor({.name = "y", .kind = tensor_kind::app_read, .type = type, .dims = dims, .enc = enc});
    l.n.add_node<op::relu>("bend", {x}, {y});
    l.n.freeze();
  };
  CHECK_NOTHROW(frozen(dtype::ufixed_8, net_encoding::tensor(0.5f, -255)));
  CHECK_NOTHROW(frozen(dtype::sfixed_8, net_encoding::tensor(0.5f, 128)));
  CHECK_NOTHROW(frozen(dtype::ufixed_16, net_encoding::tensor(0.5f, -65535)));
  CHECK_THROWS_WITH_AS(frozen(dtype::ufixed_8, net_encoding::tensor(0.5f, -256)),
                       doctest::Contains("got offset -256, expected -255 to 0 for ufixed8"), error);
  CHECK_THROWS_WITH_AS(frozen(dtype::ufixed_8, net_encoding::tensor(0.5f, 1)), doctest::Contains("got offset 1, expected -255 to 0"), error);
  CHECK_THROWS_WITH_AS(frozen(dtype::sfixed_8, net_encoding::tensor(0.5f, 129)), doctest::Contains("expected -127 to 128 for sfixed8"), error);
  CHECK_THROWS_WITH_AS(frozen(dtype::ufixed_8, net_encoding::per_axis(1, {1, 1, 1, 1}, {0, -3, -300, 0})),
                       doctest::Contains("got offset -300"), error);
}
