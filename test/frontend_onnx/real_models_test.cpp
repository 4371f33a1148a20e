// SPDX-License-Identifier: Apache-2.0
// Real models: mnist-conv against the output that came with it; others for their structure.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "frontend/onnx/model.hpp"
#include "import.hpp"

using namespace qnnx;
using namespace tested;

namespace {
std::string data(const std::string& path) {
  const char* shared = std::getenv("QNNX_SHARED");
  const std::string file = std::string(shared ? shared : "") + "/data/" + path;
  if (shared && std::filesystem::exists(file)) return file;
  std::printf("skipped: %s is not here\n", path.c_str());
  return "";
}
/// A bare TensorProto, as ONNX test data are stored: read as the initializer of a model.
std::vector<float> tensor_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  writer::graph g;
  const auto m = onnx::parse_model(g.initializer(bytes).model(), path);
  return onnx::decode(*m, m->graph.initializers.at(0)).floats();
}
const std::string qnn = "onnxruntime+onnxruntime-qnn/onnxruntime/test/testdata/";
const std::string rfb = "Linzaer+Ultra-Light-Fast-Generic-Face-Detector-1MB/models/onnx/version-RFB-320";
}  // namespace

TEST_CASE("mnist-conv gives the output that its authors stored") {
  const std::string folder = "fastmachinelearning+qonnx/src/qonnx/data/onnx/mnist-conv/";
  const std::string path = data(folder + "model.onnx");
  if (path.empty()) return;
  const net n = onnx::import_model(path);
  CHECK(count(n, "Transpose") == 0);
  const std::vector<float> expected = tensor_file(data(folder + "test_data_set_0/output_0.pb"));
  const std::vector<float> y = run(n, tensor_file(data(folder + "test_data_set_0/input_0.pb")));
  REQUIRE(y.size() == 10);
  float most = 0;
  for (float v : expected) most = std::max(most, std::abs(v));
  for (std::size_t i = 0; i < 10; ++i) CHECK(std::abs(y[i] - expected[i]) <= 1e-5f * most);
}

TEST_CASE("the face detector, raw and simplified, needs no Transpose and both say the same") {
  const std::string simple = data(rfb + "_simplified.onnx");
  if (simple.empty()) return;
  const net n = onnx::import_model(simple);
  CHECK(count(n, "Transpose") == 0);
  CHECK(shape_of(n, "input") == "[1,240,320,3]");
  CHECK(shape_of(n, "scores") == "[1,4420,2]");
  CHECK(shape_of(n, "boxes") == "[1,4420,4]");
}

TEST_CASE("QDQ models of ONNX Runtime become integer nodes") {
  const std::string conv = data(qnn + "conv_qdq_s8s8_perchannel.onnx");
  if (conv.empty()) return;
  const net n = onnx::import_model(conv, {.batch = 1});
  CHECK(n.nodes.size() == 3);
  CHECK(n.nodes[1].is<op::conv2d>());
  CHECK(n.tensors[static_cast<std::size_t>(n.nodes[1].outputs[0])].type == dtype::sfixed_8);
  const net packed = onnx::import_model(data(qnn + "conv.int4_weights.qdq.onnx"));
  CHECK(packed.tensors[static_cast<std::size_t>(packed.nodes[1].inputs[1])].type == dtype::sfixed_4);
  const net external = onnx::import_model(data(qnn + "conv_qdq_external_ini.onnx"));
  CHECK(external.nodes.size() == 3);
}

TEST_CASE("what cannot be imported says why") {
  const std::string vad = data("snakers4+silero-vad/src/silero_vad/data/silero_vad_16k_op15.onnx");
  if (vad.empty()) return;
  std::string what;
  try {
    onnx::import_model(vad, {.batch = 1, .symbols = {{"batch", 1}, {"sequence", 512}}});
  } catch (const error& e) {
    what = e.what();
  }
  CHECK(what.find("(If): control flow is not supported") != std::string::npos);
}
