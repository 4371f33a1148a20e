// SPDX-License-Identifier: Apache-2.0
// Small models through the front end and the interpreter. The expected integers are LiteRT 2.3's (BUILTIN_REF): the
// bytes of models::int8_net() were given to it with the same input.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "frontend/tflite/tflite.hpp"
#include "frontend_tflite/models.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

namespace {

net import(std::vector<std::byte> bytes, const tflite::import_options& o = {}) { return tflite::import_bytes(std::move(bytes), "m.tflite", o); }

template <class T>
std::vector<T> values(interpreter& run, const net& n, const char* name) {
  const auto bytes = run.bytes(n.find(name));
  std::vector<T> v(bytes.size() / sizeof(T));
  std::memcpy(v.data(), bytes.data(), bytes.size());
  return v;
}

std::string refusal(std::vector<std::byte> bytes, const tflite::import_options& o = {}) {
  try {
    import(std::move(bytes), o);
  } catch (const error& e) {
    return e.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("an int8 model gives the integers of TFLite's reference kernels") {
  const net n = import(models::int8_net());
  CHECK(n.rounding == rounding_mode::tflite);
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()), {.backend = "reference"});
  const int x = n.find("serving_x");
  REQUIRE(x >= 0);
  CHECK(n.tensors[static_cast<std::size_t>(x)].source_name == "serving:x");
  const auto to = run.bytes(x);
  REQUIRE(to.size() == 32);
  for (std::size_t i = 0; i < 32; ++i) to[i] = static_cast<std::byte>(static_cast<std::int8_t>((static_cast<int>(i) * 29 + 3) % 256 - 128));
  run.run();
  using list = std::vector<std::int8_t>;
  CHECK(values<std::int8_t>(run, n, "conv_out") == list{72, -128, 8, -128, 72, -80, -128, 72, -128, -4, -128, 47});
  CHECK(values<std::int8_t>(run, n, "fc_out") == list{22, 3, -36, 37, 10});
  CHECK(values<std::int8_t>(run, n, "sum") == list{21, -1, -45, 38, 7});
  CHECK(values<std::int8_t>(run, n, "probabilities") == list{-64, -100, -122, -8, -90});
}

TEST_CASE("weights, encodings and padding arrive in our form") {
  const net n = import(models::int8_net());
  const net_node& conv = n.nodes.at(0);
  REQUIRE(conv.is<op::conv2d>());
  const auto p = conv.get<op::conv2d>();
  CHECK(p.stride == std::array<std::uint32_t, 2>{2, 2});
  CHECK(p.pad_amount == std::array<std::uint32_t, 4>{0, 1, 0, 1});  // SAME of size 4, stride 2: one row below
  CHECK(conv.epi.act == activation::clamp);
  CHECK(conv.epi.hi == 6.0f);
  const net_tensor& x = n.tensors.at(static_cast<std::size_t>(conv.inputs.at(0)));
  CHECK(x.enc.offset() == 3);  // - zero point
  const net_tensor& w = n.tensors.at(static_cast<std::size_t>(conv.inputs.at(1)));
  CHECK(w.dims == shape{3, 3, 2, 3});
  CHECK(w.enc.axis == 3);
  CHECK(w.enc.scales == std::vector<float>{0.01f, 0.02f, 0.005f});
  const auto source = models::pattern(54, 37, 5);  // [o,h,w,i] -> [h,w,i,o]
  for (std::size_t o = 0; o < 3; ++o)
    for (std::size_t t = 0; t < 18; ++t) CHECK(w.as<std::int8_t>()[t * 3 + o] == source[o * 18 + t]);
}

TEST_CASE("a float model, a fused RELU, a name that begins with a digit") {
  const net n = import(models::float_net());
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()), {.backend = "reference"});
  const float in[] = {1, 2, 3, -1, 0.5f, 2};
  std::memcpy(run.bytes(n.find("x")).data(), in, sizeof in);
  run.run();
  CHECK(values<float>(run, n, "_1y") == std::vector<float>{14.5f, 2, 2, 0, 6.5f, 3, 0, 2.5f});
}

TEST_CASE("out_nodes end the net early and drop what is behind") {
  const net n = import(models::int8_net(), {.input_dims = {}, .out_nodes = {"conv/out"}, .signature = ""});
  CHECK(n.nodes.size() == 1);
  CHECK(n.of_kind(tensor_kind::app_read).size() == 1);
  CHECK(refusal(models::int8_net(), {.input_dims = {}, .out_nodes = {"nothing"}, .signature = ""}) ==
        "m.tflite: there is no tensor 'nothing' to end at; give the name of an operator's output");
  CHECK(refusal(models::int8_net(), {.input_dims = {}, .out_nodes = {}, .signature = "s"}) ==
        "m.tflite: there is no signature 's'; the model has none, leave the option out");
}

TEST_CASE("other sizes for an input") {
  const net n = import(models::float_net(), {.input_dims = {{"x", {5, 3}}}, .out_nodes = {}, .signature = ""});
  CHECK(n.tensors.at(static_cast<std::size_t>(n.find("_1y"))).dims == shape{5, 4});
  CHECK(refusal(models::float_net(), {.input_dims = {{"z", {5, 3}}}, .out_nodes = {}, .signature = ""}).starts_with("m.tflite: there is no input 'z'"));
}

TEST_CASE("an operator that is not known is refused with place and remedy") {
  file_writer::model m;
  const int x = m.tensor("x", file_writer::float32, {1});
  const int y = m.tensor("y", file_writer::float32, {1});
  m.node(16, {x}, {y});  // LSTM
  CHECK(refusal(m.file({x}, {y})) ==
        "m.tflite: operator 0 (LSTM): this operator is not supported; remove it from the model or end before it with out_node");
}

TEST_CASE("a file cut at any length is refused in one line or read as it stands") {
  for (const auto& whole : {models::int8_net(), models::float_net()}) {
    int refused = 0;
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const std::string line = refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n)});
      CHECK(line.find('\n') == std::string::npos);
      refused += line != "accepted";
      if (line != "accepted") CHECK(line.starts_with("m.tflite: "));
    }
    CHECK(refused > static_cast<int>(whole.size()) - 32);  // padding at the very end carries nothing
  }
}

TEST_CASE("changed bytes never crash the front end") {
  const auto whole = models::int8_net();
  std::uint32_t state = 12345;
  const auto random = [&] { return state = state * 1664525u + 1013904223u, state >> 8; };
  int refused = 0;
  for (int round = 0; round < 6000; ++round) {
    auto bytes = whole;
    for (std::uint32_t k = 1 + random() % 3; k > 0; --k) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    const std::string line = refusal(std::move(bytes));
    CHECK(line.find('\n') == std::string::npos);
    refused += line != "accepted";
  }
  CHECK(refused > 500);
}

TEST_CASE("the models of the field import") {
  const char* shared = std::getenv("QNNX_SHARED");
  const std::filesystem::path data = std::filesystem::path(shared ? shared : "") / "data";
  if (!shared || !std::filesystem::is_directory(data)) {
    MESSAGE("skipped: QNNX_SHARED has no data");
    return;
  }
  int count = 0;
  for (const char* name : {"mlcommons+tiny/benchmark/training/keyword_spotting/trained_models/kws_ref_model.tflite",
                           "mlcommons+tiny/benchmark/training/visual_wake_words/trained_models/vww_96_int8.tflite",
                           "mlcommons+tiny/benchmark/training/anomaly_detection/trained_models/ad01_fp32.tflite",
                           "tensorflow+tflite-support/tensorflow_lite_support/cc/test/testdata/task/vision/mobilenet_v1_0.25_224_quant.tflite"}) {
    const auto path = data / name;
    if (!std::filesystem::exists(path)) continue;
    const net n = tflite::import_model(path.string());
    CHECK(n.freeze()->nodes.size() >= 10);
    ++count;
  }
  CHECK(count > 0);
}
