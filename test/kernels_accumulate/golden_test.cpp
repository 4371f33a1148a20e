// SPDX-License-Identifier: Apache-2.0
// Against others: under the tflite policy every integer is that of TFLite's reference kernels; float resizing and pools
// agree with onnxruntime. golden.py wrote the cases.
#include <bit>
#include <fstream>
#include <map>
#include <sstream>

#include "kernels_accumulate/operands.hpp"

using namespace accumulate_test;

namespace {

std::vector<std::string> split(const std::string& s, char by) {
  std::vector<std::string> parts;
  std::istringstream in(s);
  for (std::string p; std::getline(in, p, by);) parts.push_back(p);
  return parts;
}
/// `axis`: where several scales run along.
value read_operand(const std::string& s, int axis) {
  static const std::map<std::string, dtype> types{{"int8", dtype::sfixed_8},
                                                  {"uint8", dtype::ufixed_8},
                                                  {"int16", dtype::sfixed_16},
                                                  {"bias", dtype::sfixed_32},
                                                  {"float32", dtype::float_32}};
  std::istringstream in(s);
  std::string type, sizes, bits;
  int zero = 0;
  in >> type >> sizes >> bits >> zero;
  value v;
  v.type = types.at(type);
  for (const std::string& d : split(sizes, 'x')) v.dims.push_back(std::stoi(d));
  std::vector<float> scales;
  for (const std::string& b : split(bits, ','))
    scales.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(std::stoul(b))));
  if (is_fixed(v.type))
    v.enc = scales.size() > 1 ? net_encoding::per_axis(axis, scales) : net_encoding::tensor(scales[0], -zero);
  const auto size = static_cast<std::size_t>(bits_of(v.type) / 8);
  for (long long n = 0; in >> n;) {
    v.data.resize(v.data.size() + size);
    std::memcpy(v.data.data() + v.data.size() - size, &n, size);  // little endian
  }
  return v;
}
struct golden {
  std::string kind;
  std::vector<std::uint32_t> p;
  std::vector<value> in;
  value out;
  std::string line;
};
std::vector<golden> read_cases(const char* name) {
  std::vector<golden> all;
  const char* source = std::getenv("QNNX_SOURCE");
  std::ifstream file(std::string(source ? source : ".") + "/test/kernels_accumulate/" + name);
  for (std::string line; std::getline(file, line);) {
    const auto parts = split(line, '|');
    golden c;
    c.kind = parts[0];
    for (const std::string& n : split(parts[1], ',')) c.p.push_back(static_cast<std::uint32_t>(std::stoul(n)));
    for (std::size_t i = 2; i + 1 < parts.size(); ++i)
      c.in.push_back(read_operand(parts[i], c.kind == "dense" ? 0 : 3));
    c.out = read_operand(parts.back(), 0);
    c.line = line.substr(0, 160);
    all.push_back(std::move(c));
  }
  return all;
}
value ours(const golden& c, rounding_mode mode) {
  const std::vector<element_type> out{{c.out.type, c.out.enc}};
  const auto& p = c.p;
  if (c.kind == "conv")
    return run<op::conv2d>(
        c.in, {.stride = {p[0], p[1]}, .pad_amount = {p[2], p[3], p[4], p[5]}, .dilation = {p[6], p[7]}}, out, mode)[0];
  if (c.kind == "depthwise")
    return run<op::depthwise_conv2d>(
        c.in, {.stride = {p[0], p[1]}, .pad_amount = {p[2], p[3], p[4], p[5]}, .dilation = {p[6], p[7]}}, out, mode)[0];
  if (c.kind == "transpose")
    return run<op::transpose_conv2d>(
        c.in, {.stride = {p[0], p[1]}, .pad_amount = {p[2], p[3], p[4], p[5]}, .output_padding = {p[6], p[7]}}, out,
        mode)[0];
  if (c.kind == "dense") return run<op::fully_connected>(c.in, {}, out, mode)[0];
  if (c.kind == "matmul")
    return run<op::matmul>(c.in, {.transpose_in0 = p[0] != 0, .transpose_in1 = p[1] != 0}, out, mode)[0];
  const auto ceil = p.size() > 8 && p[8] ? op::pool_rounding::ceil : op::pool_rounding::floor;
  if (c.kind == "average")
    return run<op::pool_avg2d>(c.in,
                               {.filter_size = {p[0], p[1]},
                                .stride = {p[2], p[3]},
                                .pad_amount = {p[4], p[5], p[6], p[7]},
                                .count_pad_for_edges = p.size() > 9 && p[9],
                                .rounding_mode = ceil},
                               out, mode)[0];
  if (c.kind == "maximum")
    return run<op::pool_max2d>(c.in,
                               {.filter_size = {p[0], p[1]},
                                .stride = {p[2], p[3]},
                                .pad_amount = {p[4], p[5], p[6], p[7]},
                                .rounding_mode = ceil},
                               out, mode)[0];
  if (c.kind == "bilinear")
    return run<op::resize_bilinear>(
        c.in, {.align_corners = p[0] != 0, .half_pixel_centers = p[1] != 0, .output_size = {p[2], p[3]}}, out, mode)[0];
  if (c.kind == "nearest")
    return run<op::resize_nearest_neighbor>(
        c.in, {.align_corners = p[0] != 0, .half_pixel_centers = p[1] != 0, .output_size = {p[2], p[3]}}, out, mode)[0];
  REQUIRE(c.kind == "resize");
  op::resize::params r;
  r.exclude_outside = p[0] != 0;
  r.transformation_mode = static_cast<op::resize_transformation>(p[1]);
  r.interpolation_mode = static_cast<op::resize_interpolation>(p[2]);
  r.nearest_mode = static_cast<op::resize_nearest>(p[3]);
  for (std::size_t i = 4; i < p.size(); ++i) r.output_size.push_back(static_cast<std::int32_t>(p[i]));
  return run<op::resize>(c.in, r, out, mode)[0];
}
}  // namespace

TEST_CASE("the tflite policy gives the bits of TFLite's reference kernels") {
  const auto cases = read_cases("tflite_golden.txt");
  REQUIRE(cases.size() > 150);
  for (const golden& c : cases) {
    INFO(c.line);
    const value y = ours(c, rounding_mode::tflite);
    CHECK(y.dims == c.out.dims);
    CHECK(y.data == c.out.data);
  }
}
TEST_CASE("float resizing and pools agree with onnxruntime") {
  const auto cases = read_cases("onnx_golden.txt");
  REQUIRE(cases.size() > 40);
  for (const golden& c : cases) {
    INFO(c.line);
    const value y = ours(c, rounding_mode::rne);
    REQUIRE(y.dims == c.out.dims);
    const auto got = y.as<float>(), expected = c.out.as<float>();
    for (std::size_t i = 0; i < got.size(); ++i)
      if (!(std::abs(got[i] - expected[i]) <= 2e-6f)) {
        CHECK(got[i] == expected[i]);
        break;
      }
  }
}
TEST_CASE("quantized resizing is the float result to half a step and the weights' rounding") {
  auto g = generator();
  for (int round = 0; round < 200; ++round) {
    const dtype t = std::array{dtype::ufixed_8, dtype::sfixed_8, dtype::ufixed_16,
                               dtype::sfixed_16}[static_cast<std::size_t>(between(g, 0, 3))];
    const auto x = random_tensor(g, t, {1, between(g, 1, 6), between(g, 1, 6), between(g, 1, 5)});
    op::resize::params p;
    p.transformation_mode = static_cast<op::resize_transformation>(between(g, 0, 3));
    p.interpolation_mode = static_cast<op::resize_interpolation>(between(g, 0, 2));
    p.nearest_mode = static_cast<op::resize_nearest>(between(g, 0, 3));
    p.output_size = {1, between(g, 1, 9), between(g, 1, 9), x.v.dims[3]};
    std::vector<float> reals;
    for (const std::int64_t q : x.q) reals.push_back(static_cast<float>(q) * x.scales[0]);
    const auto f = run<op::resize>({make(dtype::float_32, x.v.dims, reals)}, p, {{dtype::float_32, {}}})[0].as<float>();
    const auto lo = static_cast<int>(min_value(t)), hi = static_cast<int>(max_value(t));
    const element_type e{t, net_encoding::tensor(x.scales[0] * 1.3f, -between(g, lo, hi))};
    for (const rounding_mode mode : {rounding_mode::rne, rounding_mode::half_up}) {
      const value y = run<op::resize>({x.v}, p, {e}, mode)[0];
      for (std::size_t i = 0; i < f.size(); ++i) {
        const double real = static_cast<double>(f[i]) / static_cast<double>(e.enc.scale()) - e.enc.offset();
        const double expected = std::min(std::max(real, static_cast<double>(lo)), static_cast<double>(hi));
        const double bound = bits_of(t) == 8 ? 0.52 : 6;  // weights are off by 2^-16 of the range
        REQUIRE(std::abs(static_cast<double>(get_element(t, y.data, i)) - expected) <= bound);
      }
    }
  }
}
