// SPDX-License-Identifier: Apache-2.0
// run_net MODEL --input_list FILE --out DIR [--all] [--backend reference|cpu] [--shape INPUT=AxBxC]
// Imports a .tflite or .onnx model, interprets it on every line of the list (files in the tensors' own types) and writes
// Result_<n>/<tensor>.raw for the outputs, or for every tensor with --all, and names.tsv: file, name in the source
// model, datatype, sizes, encoding. The counterpart of test/oracles/oracle.py run.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "frontend/onnx/onnx.hpp"
#include "frontend/tflite/tflite.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;
namespace fs = std::filesystem;

namespace {

struct arguments {
  std::string model, list, out, backend = "reference";
  bool all = false;
  tflite::import_options import;
};

arguments parse(int argc, char** argv) {
  arguments a;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) throw error(word + ": a value is missing");
      return argv[++i];
    };
    if (word == "--input_list") a.list = value();
    else if (word == "--out") a.out = value();
    else if (word == "--backend") a.backend = value();
    else if (word == "--all") a.all = true;
    else if (word == "--shape") {
      const std::string v = value();
      const std::size_t eq = v.rfind('=');
      if (eq == std::string::npos) throw error("--shape " + v + ": expected INPUT=AxBxC");
      shape s;
      std::stringstream sizes(v.substr(eq + 1));
      for (std::string n; std::getline(sizes, n, 'x') && s.rank() < max_rank;) s.push_back(std::stoi(n));
      a.import.input_dims.emplace_back(v.substr(0, eq), s);
    } else if (a.model.empty()) a.model = word;
    else throw error(word + ": unknown argument");
  }
  if (a.model.empty() || a.list.empty() || a.out.empty()) throw error("usage: run_net MODEL --input_list FILE --out DIR [--all]");
  return a;
}

void read_into(const fs::path& file, std::span<std::byte> to) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw error(file.string() + ": cannot be opened");
  in.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()));
  if (static_cast<std::size_t>(in.gcount()) != to.size() || in.peek() != std::ifstream::traits_type::eof())
    throw error(file.string() + ": expected " + std::to_string(to.size()) + " bytes");
}

int run(const arguments& a) {
  const net n = a.model.ends_with(".onnx") ? onnx::import_model(a.model, {.input_dims = a.import.input_dims})
                                           : tflite::import_model(a.model, a.import);
  interpreter machine(std::shared_ptr<const frozen_net>(n.freeze()), {.backend = a.backend, .keep_all = a.all});
  const std::vector<int> inputs = n.of_kind(tensor_kind::app_write);
  std::vector<int> outputs = n.of_kind(tensor_kind::app_read);
  if (a.all)
    for (int t : n.of_kind(tensor_kind::native)) outputs.push_back(t);

  fs::create_directories(a.out);
  std::ofstream names(fs::path(a.out) / "names.tsv");
  for (int t : outputs) {
    const net_tensor& s = n.tensors[static_cast<std::size_t>(t)];
    if (s.source_name.empty()) continue;
    names << s.name << ".raw\t" << s.source_name << '\t' << to_string(s.type) << '\t' << to_text(s.dims).view() << '\n';
  }
  std::ifstream list(a.list);
  if (!list) throw error(a.list + ": cannot be opened");
  int count = 0;
  for (std::string line; std::getline(list, line);) {
    if (line.empty() || line[0] == '#' || line[0] == '%') continue;
    std::stringstream items(line);
    std::size_t position = 0;
    for (std::string item; items >> item;) {
      const std::size_t eq = item.find(":=");
      int t = -1;
      if (eq == std::string::npos) {
        if (position < inputs.size()) t = inputs[position++];
      } else {
        for (int i : inputs)
          if (n.tensors[static_cast<std::size_t>(i)].source_name == item.substr(0, eq)) t = i;
      }
      if (t < 0) continue;  // an input that nothing reads
      read_into(eq == std::string::npos ? item : item.substr(eq + 2), machine.bytes(t));
    }
    machine.run();
    const fs::path folder = fs::path(a.out) / ("Result_" + std::to_string(count++));
    fs::create_directories(folder);
    for (int t : outputs) {
      const auto bytes = machine.bytes(t);
      std::ofstream file(folder / (n.tensors[static_cast<std::size_t>(t)].name + ".raw"), std::ios::binary);
      file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
  }
  if (const auto w = n.metadata.find("warnings"); w != n.metadata.end()) std::printf("%s\n", w->second.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "run_net: %s\n", e.what());
    return 2;
  }
}
