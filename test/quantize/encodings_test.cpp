// SPDX-License-Identifier: Apache-2.0
// Encodings files: every version, a file that AIMET wrote, hostile text, and what is dumped reads back.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

#include "passes/float_net.hpp"
#include "qnnx/io/encodings.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/runtime/quantize.hpp"

using namespace testing;

namespace {

const encoding_entry& entry(const encodings_file& f, std::string_view name) {
  for (const encoding_entry& e : f.entries)
    if (e.name == name) return e;
  throw error("no entry");
}

net one_conv() {
  layers l;
  const int x = l.input("x", {1, 4, 4, 2});
  l.output(l.conv(x, 3, 4));
  l.n.tensors[1].name = "w";
  l.n.tensors[2].name = "b";
  l.n.tensors[3].name = "conv_out";
  l.n.tensors[3].source_name = "conv/out:0";
  return l.n;
}

}  // namespace

TEST_CASE("versions 0.4.0 to 0.6.1: ranges win over scales, offsets of either sign") {
  const encodings_file f = parse_encodings(R"({"activation_encodings": {
      "x": [{"bitwidth": 8, "is_symmetric": "False", "min": -1.8, "max": 0.5, "scale": 99, "offset": 3}],
      "conv/out:0": [{"bitwidth": 16, "min": -1, "max": 1}],
      "only_scale": [{"bitwidth": 8, "scale": 0.5, "offset": 127}]},
    "param_encodings": {"w": [{"bitwidth": 8, "is_symmetric": "True", "max": 0.70111752, "min": -0.70663813, "offset": -128, "scale": 0.0055206104}],
      "b": [{"bitwidth": 32, "dtype": "float"}]}})", "f.json");
  CHECK(f.version == "0.4.0");
  CHECK(entry(f, "x").scales[0] == doctest::Approx(0.00901961));
  CHECK(entry(f, "x").offsets[0] == -200);
  CHECK(entry(f, "conv/out:0").bits == 16);
  CHECK(entry(f, "conv/out:0").offsets[0] == -32768);
  CHECK(entry(f, "only_scale").offsets[0] == -127);
  CHECK(entry(f, "w").scales[0] == 0.0055206104f);
  CHECK(entry(f, "w").offsets[0] == -128);
  CHECK(entry(f, "b").is_float);

  net n = one_conv();
  CHECK(apply_encodings(n, f) == std::vector<std::string>{"only_scale"});
  quantize(n);  // the bias is float by override: so is the convolution, and nothing is left to quantize
  CHECK(n.nodes.size() == 1);
}

TEST_CASE("overrides decide type, scale and offset") {
  net n = one_conv();
  apply_encodings(n, parse_encodings(R"({"version": "1.0.0", "activation_encodings": [
      {"name": "x", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 8, "is_sym": false, "scale": [0.25], "offset": [-100]},
      {"name": "conv_out", "dtype": "INT", "bw": 8, "is_sym": false, "scale": [0.125], "offset": [-7]}],
    "param_encodings": [{"name": "w", "enc_type": "PER_CHANNEL", "dtype": "INT", "bw": 8, "is_sym": true,
      "scale": [0.01, 0.02, 0.03, 0.04], "offset": [-128, -128, -128, -128]}]})", "f.json"));
  quantize(n);
  const net_tensor& w = n.tensors[static_cast<std::size_t>(n.find("w"))];
  CHECK(w.type == dtype::sfixed_8);
  CHECK(w.enc == net_encoding::per_axis(3, {0.01f, 0.02f, 0.03f, 0.04f}));
  const net_node& quantize_x = n.nodes[0];
  CHECK(n.tensors[static_cast<std::size_t>(quantize_x.outputs[0])].enc == net_encoding::tensor(0.25f, -100));
  CHECK(n.tensors[static_cast<std::size_t>(n.nodes[1].outputs[0])].enc == net_encoding::tensor(0.125f, -7));

  // what is dumped says the same
  const encodings_file back = parse_encodings(dump_encodings(n), "dump");
  CHECK(entry(back, "w").scales == w.enc.scales);
  CHECK(entry(back, "w").offsets == std::vector<std::int32_t>{-128, -128, -128, -128});
  const encodings_file old = parse_encodings(dump_encodings(n, encodings_version::v0_6_1), "dump");
  CHECK(old.version == "0.6.1");
  CHECK(entry(old, "w").scales == w.enc.scales);
}

TEST_CASE("version 2.0.0 has ONNX signs") {
  const encodings_file f = parse_encodings(R"({"version": "2.0.0", "encodings": [
      {"name": "a", "output_dtype": "uint8", "y_scale": 0.5, "y_zero_point": 100},
      {"name": "b", "output_dtype": "int8", "y_scale": 0.5, "y_zero_point": -3},
      {"name": "c", "output_dtype": "int4", "y_scale": [0.5, 1], "axis": 0},
      {"name": "d", "output_dtype": "float32"}]})", "f.json");
  CHECK(entry(f, "a").offsets[0] == -100);
  CHECK(entry(f, "b").offsets[0] == -125);
  CHECK(entry(f, "c").offsets == std::vector<std::int32_t>{-8, -8});
  CHECK(entry(f, "d").is_float);
}

TEST_CASE("a file that AIMET wrote") {
  const char* shared = std::getenv("QNNX_SHARED");
  const std::string path = std::string(shared ? shared : "") + "/data/mlcommons+tiny_results_v1.3/kws_aimet_symmetric.json";
  if (!shared || !std::filesystem::exists(path)) {
    MESSAGE("skipped: no shared data");
    return;
  }
  const encodings_file f = read_encodings(path);
  CHECK(f.version == "0.5.0");
  CHECK(f.entries.size() > 15);
  CHECK(entry(f, "activation/Relu").offsets[0] == 0);
  CHECK(entry(f, "activation/Relu").scales[0] == 0.0892578872979856f);
  CHECK(entry(f, "conv2d/kernel").offsets[0] == -128);
  CHECK(entry(f, "conv2d/kernel").scales[0] == 0.0017595535188209355f);
}

TEST_CASE("every cut and every fault is one line that names the file") {
  const std::string good = R"({"version": "0.6.1", "activation_encodings": {"x": [{"bitwidth": 8, "min": -1, "max": 1}]}, "param_encodings": {}})";
  CHECK(parse_encodings(good, "f.json").entries.size() == 1);
  for (std::size_t cut = 0; cut < good.size(); ++cut) {
    try {
      parse_encodings(good.substr(0, cut), "f.json");
      CHECK_MESSAGE(false, "accepted " << cut << " bytes");
    } catch (const error& e) {
      CHECK(std::string(e.what()).rfind("f.json: ", 0) == 0);
      CHECK(std::string(e.what()).find('\n') == std::string::npos);
    }
  }
  for (const char* bad : {
           "[]", R"({"version": "9"})", R"({"activation_encodings": {}})",
           R"({"activation_encodings": {"x": 3}, "param_encodings": {}})",
           R"({"activation_encodings": {"x": []}, "param_encodings": {}})",
           R"({"activation_encodings": {"x": [{"bitwidth": 8, "min": 2, "max": 1}]}, "param_encodings": {}})",
           R"({"activation_encodings": {"x": [{"bitwidth": 99, "min": 0, "max": 1}]}, "param_encodings": {}})",
           R"({"activation_encodings": {"x": [{"bitwidth": 8, "scale": 0, "offset": 0}]}, "param_encodings": {}})",
           R"({"activation_encodings": {"x": [{"bitwidth": 8, "scale": 1, "offset": -999}]}, "param_encodings": {}})",
           R"({"activation_encodings": {"x": [{"bitwidth": 8, "min": "a", "max": 1}]}, "param_encodings": {}})",
           R"({"version": "1.0.0", "activation_encodings": [{"name": "x", "enc_type": "LPBQ", "bw": 8, "scale": [1]}], "param_encodings": []})",
           R"({"version": "1.0.0", "activation_encodings": [{"name": "x", "bw": 8, "scale": [1, 2], "offset": [0]}], "param_encodings": []})",
           R"({"version": "2.0.0", "encodings": [{"name": "x", "output_dtype": "cheese", "y_scale": 1}]})",
       })
    CHECK_THROWS_WITH_AS(parse_encodings(bad, "f.json"), doctest::Contains("f.json: "), error);
  CHECK_THROWS_AS(read_encodings("/nonexistent.json"), error);
}
