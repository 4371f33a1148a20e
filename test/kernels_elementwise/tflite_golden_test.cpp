// SPDX-License-Identifier: Apache-2.0
// The tflite policy against what TensorFlow Lite's reference kernels gave (tflite_golden.py wrote tflite_golden.txt).
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "kernels_elementwise/kernel_call.hpp"
#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/elementwise/binary.hpp"
#include "qnnx/kernel/softmax/reference.hpp"

using namespace kernel_call;

namespace {

struct golden {
  std::string op;
  dtype type = dtype::sfixed_8;
  float beta = 1;
  bool relu6 = false;
  std::vector<value> in;
  value out;
};

golden parse(const std::string& line) {
  std::vector<std::string> parts;
  std::istringstream words(line);
  for (std::string p; std::getline(words, p, '|');) parts.push_back(p);
  golden g;
  g.op = parts[0];
  g.type = parts[1] == "int8" ? dtype::sfixed_8 : (parts[1] == "uint8" ? dtype::ufixed_8 : dtype::sfixed_16);
  g.beta = std::stof(parts[2]);
  g.relu6 = parts[3] == "1";
  shape dims;
  std::istringstream sizes(parts[4]);
  for (std::string d; std::getline(sizes, d, 'x');) dims.push_back(std::stoi(d));
  for (std::size_t i = 5; i < parts.size(); ++i) {
    std::istringstream text(parts[i]);
    std::uint32_t bits = 0;
    std::int32_t zero = 0;
    text >> bits >> zero;
    value v{g.type, dims, std::bit_cast<float>(bits), -zero, {}};
    for (int q = 0; text >> q;)
      for (int b = 0; b < bits_of(g.type) / 8; ++b) v.bytes.push_back(static_cast<std::byte>(q >> (8 * b)));
    if (i + 1 == parts.size()) g.out = v;
    else g.in.push_back(v);
  }
  return g;
}

value ours(const golden& g) {
  value y = g.out;
  y.bytes.clear();
  const auto mode = rounding_mode::tflite;
  epilogue epi;
  if (g.relu6) epi = {.act = activation::clamp, .lo = 0, .hi = 6};
  if (g.op == "LOGISTIC") return run<op::sigmoid>(g.in, {}, y, mode);
  if (g.op == "TANH") return run<op::tanh>(g.in, {}, y, mode);
  if (g.op == "HARD_SWISH") return run<op::hard_swish>(g.in, {}, y, mode);
  if (g.op == "RELU") return run<op::relu>(g.in, {}, y, mode);
  if (g.op == "RELU6") return run<op::relu6>(g.in, {}, y, mode);
  if (g.op == "RELU_N1_TO_1") return run<op::relu1>(g.in, {}, y, mode);
  if (g.op == "SOFTMAX") return run<op::softmax>(g.in, {.axis = -1, .beta = g.beta}, y, mode);
  if (g.op == "LOG_SOFTMAX") return run<op::log_softmax>(g.in, {.axis = -1, .beta = 1}, y, mode);
  if (g.op == "ADD") return run<op::elementwise_add>(g.in, {}, y, mode, epi);
  if (g.op == "SUB") return run<op::elementwise_subtract>(g.in, {}, y, mode, epi);
  if (g.op == "MUL") return run<op::elementwise_multiply>(g.in, {}, y, mode, epi);
  if (g.op == "MAXIMUM") return run<op::elementwise_maximum>(g.in, {}, y, mode);
  if (g.op == "MINIMUM") return run<op::elementwise_minimum>(g.in, {}, y, mode);
  if (g.op == "SQUARED_DIFFERENCE") return run<op::elementwise_squared_difference>(g.in, {}, y, mode);
  FAIL("no such operator: " << g.op);
  return y;
}

}  // namespace

TEST_CASE("element-wise operators, activations and softmax give TensorFlow Lite's integers under the tflite policy") {
  const char* source = std::getenv("QNNX_SOURCE");
  if (!source) {
    std::puts("skipped: QNNX_SOURCE is not set");
    return;
  }
  std::ifstream file(std::string(source) + "/test/kernels_elementwise/tflite_golden.txt");
  REQUIRE(file.good());
  int cases = 0;
  for (std::string line; std::getline(file, line); ++cases) {
    const golden g = parse(line);
    const value y = ours(g);
    int differ = 0;
    double furthest = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(y.dims.size()); ++i) {
      const double d = element(y, i) - element(g.out, i);
      differ += d != 0;
      if (d * d > furthest * furthest) furthest = d;
    }
    CAPTURE(g.op);
    CAPTURE(to_string(g.type));
    CAPTURE(g.in[0].scale);
    CAPTURE(furthest);
    CHECK(differ == 0);
  }
  CHECK(cases > 90);
}
