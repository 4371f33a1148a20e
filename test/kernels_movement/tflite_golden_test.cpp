// SPDX-License-Identifier: Apache-2.0
// The tflite policy against what TensorFlow Lite's reference kernels gave (tflite_golden.py wrote tflite_golden.txt):
// every integer must be the same.
#include <bit>
#include <fstream>
#include <sstream>

#include "one_node.hpp"

using namespace one_node;

namespace {

element_type with_encoding(const std::string& type, float scale, int zero) {
  const dtype t = type == "int8"    ? dtype::sfixed_8
                  : type == "uint8" ? dtype::ufixed_8
                  : type == "int16" ? dtype::sfixed_16
                                    : dtype::float_32;
  return {t, t == dtype::float_32 ? net_encoding{} : net_encoding::tensor(scale, -zero)};
}
value read_value(const std::string& text) {
  std::istringstream in(text);
  std::string type, sizes;
  std::uint32_t bits = 0;
  int zero = 0;
  in >> type >> sizes >> bits >> zero;
  const element_type e = with_encoding(type, std::bit_cast<float>(bits), zero);
  value v{e.type, {}, {}, e.enc};
  std::istringstream dims(sizes);
  for (std::string d; std::getline(dims, d, 'x');) v.dims.push_back(std::stoi(d));
  for (long long n = 0; in >> n;) {
    const auto size = static_cast<std::size_t>(bits_of(v.type) / 8);
    const std::size_t at = v.data.size();
    v.data.resize(at + size);
    std::memcpy(v.data.data() + at, &n, size);  // little endian
  }
  return v;
}
qnnx::axes read_axes(const std::string& text) {
  qnnx::axes a;
  std::istringstream in(text);
  for (std::string d; std::getline(in, d, ',');) a.push_back(std::stoi(d));
  return a;
}

}  // namespace

TEST_CASE("MEAN, SUM, QUANTIZE, CONCATENATION give TensorFlow Lite's integers under the tflite policy") {
  const char* source = std::getenv("QNNX_SOURCE");
  if (!source) {
    std::puts("skipped: QNNX_SOURCE is not set");
    return;
  }
  std::ifstream file(std::string(source) + "/test/kernels_movement/tflite_golden.txt");
  REQUIRE(file.good());
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    std::vector<std::string> parts;
    std::istringstream in(line);
    for (std::string p; std::getline(in, p, '|');) parts.push_back(p);
    std::vector<value> ins;
    for (std::size_t i = 2; i + 1 < parts.size(); ++i) ins.push_back(read_value(parts[i]));
    const value want = read_value(parts.back());
    const std::vector<element_type> out{{want.type, want.enc}};
    value got;
    if (parts[0] == "mean")
      got = run<op::reduce_mean>(ins, {.axes = read_axes(parts[1])}, out, rounding_mode::tflite)[0];
    else if (parts[0] == "sum")
      got = run<op::reduce_sum>(ins, {.axes = read_axes(parts[1])}, out, rounding_mode::tflite)[0];
    else if (parts[0] == "concat")
      got = run<op::concat>(ins, {.axis = 1}, out, rounding_mode::tflite)[0];
    else if (ins[0].type == dtype::float_32)
      got = run<op::quantize>(ins, {}, out, rounding_mode::tflite)[0];
    else
      got = run<op::convert>(ins, {}, out, rounding_mode::tflite)[0];
    REQUIRE(got.data.size() == want.data.size());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < got.data.size(); ++i) wrong += got.data[i] != want.data[i];
    CHECK_MESSAGE(wrong == 0, parts[0], " ", parts[1], " line ", cases + 1, ": ", parts[2].substr(0, 40), ": ", wrong,
                  " bytes of ", got.data.size());
  }
  CHECK(cases == 61);
}
