// SPDX-License-Identifier: Apache-2.0
// Wrong, damaged and hostile files: one line each, never a crash.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "import.hpp"

using namespace qnnx;
using namespace tested;
using writer::dims;

namespace {
std::string whole_model() {
  writer::graph g;
  g.input("x", {1, 2, 4, 4}).output("y");
  g.initializer(writer::floats("w", {3, 2, 3, 3}, counting(54))).initializer(writer::floats("b", {3}, {1, -2, 3}));
  g.initializer(writer::longs("to", {2}, {1, -1}));
  g.add(writer::node("Conv", {"x", "w", "b"}, {"c"}, {{"pads", dims{1, 1, 1, 1}}, {"auto_pad", "NOTSET"}}));
  g.add(writer::node("Clip", {"c"}, {"r"}));
  g.add(writer::node("AveragePool", {"r"}, {"p"}, {{"kernel_shape", dims{2, 2}}, {"ceil_mode", std::int64_t{1}}}));
  g.add(writer::node("Transpose", {"p"}, {"t"}, {{"perm", dims{0, 2, 3, 1}}}));
  g.add(writer::node("Reshape", {"t", "to"}, {"f"}));
  g.add(writer::node("Softmax", {"f"}, {"y"}, {{"axis", std::int64_t{-1}}}));
  return g.model();
}
/// A value or one line that names the file.
void survives(const std::string& bytes) {
  try {
    onnx::import_bytes(bytes, "m.onnx").freeze();
  } catch (const error& e) {
    const std::string what = e.what();
    if (what.find('\n') != std::string::npos) FAIL("more than one line: ", what);
  }
}
}  // namespace

TEST_CASE("a file cut anywhere gives a net or one line") {
  const std::string all = whole_model();
  REQUIRE(message(all) == "imported");
  int refused = 0;
  for (std::size_t n = 0; n < all.size(); ++n) {
    const std::string cut = all.substr(0, n);
    survives(cut);
    const std::string m = message(cut);
    if (m != "imported") {
      ++refused;
      CHECK(m.substr(0, 8) == "m.onnx: ");
    }
  }
  CHECK(refused > static_cast<int>(all.size()) * 9 / 10);
  CHECK(message(all.substr(0, 40)).find("m.onnx: byte ") == 0);
}

TEST_CASE("random damage gives a net or one line") {
  const std::string all = whole_model();
  std::mt19937 random(20240711);
  for (int k = 0; k < 6000; ++k) {
    std::string bytes = all;
    for (unsigned i = 0, n = 1 + random() % 4; i < n; ++i) {
      const std::size_t at = random() % bytes.size();
      switch (random() % 4) {
        case 0: bytes[at] = static_cast<char>(random()); break;
        case 1: bytes[at] = static_cast<char>(bytes[at] ^ static_cast<char>(1u << random() % 8)); break;
        case 2: bytes.erase(at, 1 + random() % 8); break;
        default: bytes.insert(at, 1 + random() % 3, static_cast<char>(random())); break;
      }
      if (bytes.empty()) bytes = all;
    }
    survives(bytes);
  }
}

TEST_CASE("what is wrong is said with file, node and remedy") {
  const auto one = [](const std::string& node, int opset = 13) {
    writer::graph g;
    g.input("x", {1, 2, 4, 4}).output("y").initializer(writer::floats("w", {3, 5, 3, 3}, counting(135)));
    return message(g.add(node).model(opset));
  };
  CHECK(one(writer::node("Bogus", {"x"}, {"y"}, {}, "n1")) ==
        "m.onnx: node 'n1' (Bogus): operator Bogus is not supported: replace it by supported operators, or end the graph before it with --out_node");
  CHECK(one(writer::node("Relu", {"x"}, {"y"}, {}, "n1", "my.own")) ==
        "m.onnx: node 'n1' (my.own.Relu): operator my.own.Relu is not supported: replace it by supported operators, or end the graph before it with --out_node");
  CHECK(one(writer::node("Relu", {"z"}, {"y"}, {}, "n1")) == "m.onnx: node 'n1' (Relu): input 'z' is made by no node: correct the model");
  CHECK(one(writer::node("Relu", {"y"}, {"y"}, {}, "n1")) == "m.onnx: node 'n1' (Relu): it depends on its own result: the model has a cycle, export it again");
  CHECK(one(writer::node("Relu", {"x"}, {"a"}, {}, "n1")) == "m.onnx: output 'y' is made by no node: correct the model or choose with --out_node");
  CHECK(one(writer::node("Conv", {"x", "w"}, {"y"}, {}, "n1")).find("m.onnx: node 'n1' (Conv): ") == 0);
  CHECK(one(writer::node("Conv", {"x", "w"}, {"y"}, {}, "n1")).find("[3,3,2,3]") != std::string::npos);
  CHECK(one(writer::node("MaxPool", {"x"}, {"y"}, {{"kernel_shape", dims{2, 2}}, {"dilations", dims{2, 2}}}, "n1")) ==
        "m.onnx: node 'n1' (MaxPool): dilations other than 1: pools have none; use dilation 1");
  CHECK(one(writer::node("Relu", {"x"}, {"y"}), 6) == "imported");
  CHECK(one(writer::node("Add", {"x", "x"}, {"y"}, {}, "n1"), 6) ==
        "m.onnx: node 'n1' (Add): opset 6 is too old for it: convert the model to opset 13 or newer with onnx.version_converter");
  CHECK(message("hello, I am not a model").find("m.onnx: byte ") == 0);
  CHECK(message("") == "m.onnx: byte 0: no graph found: check that this is a whole ONNX file");
}

TEST_CASE("external data: beside the model only, of the right length") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("qnnx_onnx_" + std::to_string(std::random_device{}()));
  fs::create_directories(folder / "inside");
  const std::vector<float> v{0, 1, 2, 3, 4, 5};
  std::ofstream(folder / "w.bin", std::ios::binary) << "1234" << writer::raw(v);
  std::ofstream(folder / "inside" / "w.bin", std::ios::binary) << "1234" << writer::raw(v);
  const auto with = [&](const std::string& location, const std::string& offset, const std::string& length) {
    const auto entry = [](const std::string& key, const std::string& value) { return writer::bytes(13, writer::bytes(1, key) + writer::bytes(2, value)); };
    writer::graph g;
    g.input("x", {6}).output("y");
    g.initializer(writer::number(1, 6) + writer::number(2, 1) + writer::bytes(8, "w") + entry("location", location) + entry("offset", offset) +
                  entry("length", length) + writer::number(14, 1));
    g.add(writer::node("Add", {"x", "w"}, {"y"}));
    std::ofstream(folder / "inside" / "m.onnx", std::ios::binary) << g.model();
    try {
      const net n = onnx::import_model((folder / "inside" / "m.onnx").string());
      return std::to_string(run(n, {10, 10, 10, 10, 10, 10})[5]);
    } catch (const error& e) {
      return std::string(e.what());
    }
  };
  CHECK(with("w.bin", "4", "24") == "15.000000");
  CHECK(with("../w.bin", "4", "24").find("external data '../w.bin' is not inside the model's folder: keep the weights file beside the model") != std::string::npos);
  CHECK(with((folder / "w.bin").string(), "4", "24").find("is not inside the model's folder") != std::string::npos);
  CHECK(with("w.bin", "8", "24").find("has 28 bytes, expected 32: copy the weights file again") != std::string::npos);
  CHECK(with("w.bin", "99999999999999999999", "24").find("external offset '99999999999999999999' is not a number") != std::string::npos);
  CHECK(with("w.bin", "4", "20").find("external length 20, expected 24 bytes") != std::string::npos);
  CHECK(with("gone.bin", "0", "24").find("cannot open") != std::string::npos);
  fs::create_symlink(folder / "w.bin", folder / "inside" / "link.bin");
  CHECK(with("link.bin", "4", "24").find("leads out of the model's folder") != std::string::npos);
  fs::remove_all(folder);
}

TEST_CASE("missing files, folders") {
  const auto open = [](const std::string& path) {
    try {
      onnx::import_model(path);
    } catch (const error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(open("/nowhere/m.onnx") == "/nowhere/m.onnx: cannot be opened: check the path and its permissions");
  const std::string tmp = std::filesystem::temp_directory_path().string();
  CHECK(open(tmp) == tmp + ": this is a folder: name the .onnx file in it");
}
