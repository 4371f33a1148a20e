// SPDX-License-Identifier: Apache-2.0
// ONNX's own node tests, run through the front end and the reference kernels.
//   onnx_nodes DATA CASE...                      one line per case: PASS, FAIL or UNSUPPORTED
//   onnx_nodes DATA --list FILE [INDEX COUNT]    the cases of a list (of the INDEX-th of COUNT shares); ends with 1
//                                                unless all pass
// DATA is the folder of the cases, each with model.onnx and test_data_set_*/{input,output}_N.pb. Every output is
// compared element by element: |ours - expected| <= 1e-4 + 1e-4 |expected|, whole numbers exactly. Inputs that hold
// whole numbers (axes, shapes, indices), then scalars, then all but the first become constants where the graph cannot
// be imported with them as inputs.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "frontend/onnx/onnx.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "tensor_file.hpp"

using namespace qnnx;
using namespace conformance;
namespace fs = std::filesystem;

namespace {

struct verdict_line {
  std::string word;
  std::string why;
};

std::vector<std::string> numbered(const fs::path& folder, const std::string& kind) {
  std::vector<std::string> files;
  for (int i = 0; fs::exists(folder / (kind + "_" + std::to_string(i) + ".pb")); ++i)
    files.push_back(read_file((folder / (kind + "_" + std::to_string(i) + ".pb")).string()));
  return files;
}
std::string clean(const std::string& name) {
  std::string s;
  for (char c : name) s += (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ? c : '_';
  return !s.empty() && s[0] >= '0' && s[0] <= '9' ? "_" + s : s;
}
int tensor_of(const net& n, const std::string& name, tensor_kind kind, std::size_t place) {
  const std::vector<int> all = n.of_kind(kind);
  for (int t : all)
    if (n.tensors[static_cast<std::size_t>(t)].source_name == name) return t;
  for (int t : all)
    if (n.tensors[static_cast<std::size_t>(t)].name == clean(name)) return t;
  return name.empty() && place < all.size() ? all[place] : -1;
}

template <class T>
void put(std::span<std::byte> to, std::size_t i, T v) {
  if ((i + 1) * sizeof v <= to.size()) std::memcpy(to.data() + i * sizeof v, &v, sizeof v);
}
void store(std::span<std::byte> to, const net_tensor& t, std::size_t i, double real, std::int64_t whole) {
  switch (t.type) {
    case dtype::float_32:
      return put(to, i, static_cast<float>(real));
    case dtype::float_16:
      return put(to, i, half(static_cast<float>(real)));
    case dtype::int_64:
    case dtype::uint_64:
      return put(to, i, whole);
    case dtype::int_32:
    case dtype::uint_32:
    case dtype::sfixed_32:
    case dtype::ufixed_32:
      return put(to, i, static_cast<std::int32_t>(whole));
    case dtype::int_16:
    case dtype::uint_16:
    case dtype::sfixed_16:
    case dtype::ufixed_16:
      return put(to, i, static_cast<std::int16_t>(whole));
    default:
      return put(to, i, static_cast<std::int8_t>(whole));
  }
}
template <class T>
T get(std::span<const std::byte> from, std::size_t i) {
  T v{};
  if ((i + 1) * sizeof v <= from.size()) std::memcpy(&v, from.data() + i * sizeof v, sizeof v);
  return v;
}
double load(std::span<const std::byte> from, const net_tensor& t, std::size_t i, bool stored) {
  double q = 0;
  switch (t.type) {
    case dtype::float_32:
      return static_cast<double>(get<float>(from, i));
    case dtype::float_16:
      return static_cast<double>(static_cast<float>(get<half>(from, i)));
    case dtype::int_64:
      return static_cast<double>(get<std::int64_t>(from, i));
    case dtype::int_32:
    case dtype::sfixed_32:
      q = get<std::int32_t>(from, i);
      break;
    case dtype::uint_32:
      q = get<std::uint32_t>(from, i);
      break;
    case dtype::int_16:
    case dtype::sfixed_16:
      q = get<std::int16_t>(from, i);
      break;
    case dtype::uint_16:
    case dtype::ufixed_16:
      q = get<std::uint16_t>(from, i);
      break;
    case dtype::int_8:
    case dtype::sfixed_8:
      q = get<std::int8_t>(from, i);
      break;
    default:
      q = get<std::uint8_t>(from, i);
      break;
  }
  return is_fixed(t.type) && !stored ? (q + t.enc.offset()) * static_cast<double>(t.enc.scale()) : q;
}

verdict_line compare(const tensor_file& want, std::span<const std::byte> bytes, const net_tensor& t) {
  std::vector<std::int64_t> dims;
  for (int d = 0; d < t.dims.rank(); ++d) dims.push_back(t.dims[d]);
  const bool scalar = want.dims.empty() && dims == std::vector<std::int64_t>{1};  // a full reduction has rank 1 in QNN
  if (dims != want.dims && !scalar)
    return {"FAIL", "'" + t.name + "' has the shape " + std::string(to_text(t.dims).view())};
  double worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double b = want.whole_numbers() ? static_cast<double>(want.ints[i]) : want.reals[i];
    const double a = load(bytes, t, i, want.whole_numbers());
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double limit = want.whole_numbers() ? 0 : 1e-4 + 1e-4 * std::fabs(b);
    if (!(std::fabs(a - b) <= limit))
      return {"FAIL", "'" + t.name + "' element " + std::to_string(i) + ": got " + std::to_string(a) + ", expected " +
                          std::to_string(b)};
    worst = std::fmax(worst, std::fabs(a - b));
  }
  return {"PASS", ""};
}

/// Imports with some inputs as constants; null and the reason where that does not work.
std::unique_ptr<net> import(const std::string& path, const std::string& bytes,
                            const std::vector<std::pair<std::string, std::string>>& constants, std::string& why) {
  try {
    onnx::import_options o;
    o.preserve_io_layout = true;
    if (constants.empty()) return std::make_unique<net>(onnx::import_model(path, o));
    return std::make_unique<net>(
        onnx::import_bytes(with_constants(bytes, constants), path, o, fs::path(path).parent_path().string()));
  } catch (const error& e) {
    why = e.what();
    return nullptr;
  }
}

verdict_line run_case(const fs::path& folder) {
  const std::string path = (folder / "model.onnx").string();
  const std::string bytes = read_file(path);
  verdict_line last{"UNSUPPORTED", "no test data"};
  for (int set = 0; fs::exists(folder / ("test_data_set_" + std::to_string(set))); ++set) {
    const fs::path data = folder / ("test_data_set_" + std::to_string(set));
    const auto in_files = numbered(data, "input");
    std::vector<tensor_file> ins, outs;
    std::vector<std::pair<std::string, std::string>> constants;
    try {
      for (const std::string& f : in_files) {
        ins.push_back(parse_tensor(f));
        if (ins.back().whole_numbers() && ins.back().type == 7 && !ins.back().name.empty())
          constants.emplace_back(ins.back().name, f);
      }
      for (const std::string& f : numbered(data, "output")) outs.push_back(parse_tensor(f));
    } catch (const std::runtime_error& e) {
      return {"UNSUPPORTED", std::string("test data: ") + e.what()};
    }
    std::string why;
    std::unique_ptr<net> n = import(path, bytes, {}, why);
    if (!n && !constants.empty()) n = import(path, bytes, constants, why);
    for (const std::size_t most : {std::size_t{1}, std::size_t{1} << 20}) {  // a pad value, a clip bound; then scales
      if (n) break;
      auto more = constants;
      for (std::size_t i = 1; i < ins.size(); ++i)
        if (ins[i].size() <= most && ins[i].type != 7 && !ins[i].name.empty())
          more.emplace_back(ins[i].name, in_files[i]);
      std::string again;
      if (more.size() > constants.size()) n = import(path, bytes, more, again);
    }
    if (!n) return {"UNSUPPORTED", why};
    try {
      interpreter go(std::shared_ptr<const frozen_net>(n->freeze()), {.backend = "reference"});
      for (std::size_t i = 0; i < ins.size(); ++i) {
        const int t = tensor_of(*n, ins[i].name, tensor_kind::app_write, i);
        if (t < 0) continue;  // a constant, or not used
        const net_tensor& to = n->tensors[static_cast<std::size_t>(t)];
        if (static_cast<std::size_t>(to.dims.size()) != ins[i].size())
          return {"FAIL", "input '" + to.name + "' has the shape " + std::string(to_text(to.dims).view())};
        for (std::size_t k = 0; k < ins[i].size(); ++k) {
          const bool whole = ins[i].whole_numbers();
          const double real = whole ? static_cast<double>(ins[i].ints[k]) : ins[i].reals[k];
          store(go.bytes(t), to, k, real, whole ? ins[i].ints[k] : static_cast<std::int64_t>(real));
        }
      }
      go.run();
      for (std::size_t i = 0; i < outs.size(); ++i) {
        const int t = tensor_of(*n, outs[i].name, tensor_kind::app_read, i);
        if (t < 0) return {"FAIL", "the net has no output '" + outs[i].name + "'"};
        last = compare(outs[i], go.bytes(t), n->tensors[static_cast<std::size_t>(t)]);
        if (last.word != "PASS") return last;
      }
    } catch (const error& e) {
      return {"UNSUPPORTED", e.what()};
    }
  }
  return last;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "onnx_nodes: expected DATA CASE... or DATA --list FILE [INDEX COUNT]\n");
    return 2;
  }
  const fs::path data = argv[1];
  std::vector<std::string> cases;
  const bool listed = std::string(argv[2]) == "--list";
  if (listed && argc < 4) {
    std::fprintf(stderr, "onnx_nodes: --list: expected a file\n");
    return 2;
  }
  if (!fs::exists(data)) {
    std::printf("skipped: %s is not there (Debian package libonnx-testdata)\n", data.string().c_str());
    return 0;
  }
  if (listed) {
    std::ifstream in(argv[3]);
    if (!in) {
      std::fprintf(stderr, "onnx_nodes: %s: cannot be opened\n", argv[3]);
      return 2;
    }
    const long index = argc > 5 ? std::atol(argv[4]) : 0;
    const long count = argc > 5 ? std::max(1L, std::atol(argv[5])) : 1;
    long k = 0;
    for (std::string line; std::getline(in, line);)
      if (!line.empty() && line[0] != '#' && k++ % count == index) cases.push_back(line);
  } else {
    cases.assign(argv + 2, argv + argc);
  }
  std::size_t passed = 0;
  for (const std::string& c : cases) {
    verdict_line v;
    try {
      v = run_case(data / c);
    } catch (const std::exception& e) {
      v = {"FAIL", e.what()};
    }
    passed += v.word == "PASS";
    if (v.word != "PASS" || !listed)
      std::printf("%s %s%s%s\n", v.word.c_str(), c.c_str(), v.why.empty() ? "" : ": ", v.why.c_str());
    std::fflush(stdout);
  }
  std::printf("%zu of %zu cases pass\n", passed, cases.size());
  return passed == cases.size() ? 0 : 1;
}
