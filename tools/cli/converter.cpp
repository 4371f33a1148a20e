// SPDX-License-Identifier: Apache-2.0
#include "cli/converter.hpp"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <map>

#include "cli/convert_options.hpp"
#include "frontend/onnx/onnx.hpp"
#include "frontend/tflite/tflite.hpp"
#include "qnnx/io/dlc.hpp"
#include "qnnx/io/emit_cpp.hpp"
#include "qnnx/io/encodings.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/io/input_list.hpp"
#include "qnnx/runtime/equalize.hpp"
#include "qnnx/runtime/passes/optimize.hpp"
#include "qnnx/runtime/passes/plan_search.hpp"

namespace qnnx::cli {

namespace {

namespace fs = std::filesystem;

source_format format_of(const std::string& path, source_format asked) {
  if (asked != source_format::by_extension) return asked;
  const std::string extension = fs::path(path).extension().string();
  if (extension == ".onnx") return source_format::onnx;
  if (extension == ".tflite") return source_format::tflite;
  throw error(path + ": the extension is '" + extension + "', expected .onnx or .tflite");
}

bool preserves(const command& c, std::string_view what) {
  if (!c.given("--preserve_io")) return false;
  for (const auto& use : c.uses("--preserve_io")) {
    if (use.empty()) return true;
    if (use[0] != "layout" && use[0] != "datatype")
      throw usage_error("--preserve_io: got '" + use[0] + "', expected nothing, layout or datatype");
    if (use.size() > 1) throw usage_error("--preserve_io " + use[0] + " with names is not done; leave the names out");
    if (use[0] == what) return true;
  }
  return false;
}

net import(const command& c, const std::string& path, source_format format, bool onnx_options, bool tflite_options) {
  std::vector<std::pair<std::string, shape>> dims;
  for (const auto& use : c.uses("--input_dim")) dims.emplace_back(use[0], parse_dims(use[1], "--input_dim"));
  std::vector<std::string> out;
  for (const auto& use : c.uses("--out_node"))
    for (const std::string& name : split(use[0], ',')) out.push_back(name);
  if (format == source_format::onnx) {
    onnx::import_options o;
    o.input_dims = dims;
    o.out_nodes = out;
    if (c.given("--batch")) o.batch = static_cast<int>(c.integer("--batch", 1, 1 << 20));
    for (const auto& use : c.uses("--define_symbol")) {
      char* end = nullptr;
      const long v = std::strtol(use[1].c_str(), &end, 10);
      if (*end != 0 || v < 0) throw usage_error("--define_symbol " + use[0] + ": got '" + use[1] + "', expected a number");
      o.symbols.emplace_back(use[0], static_cast<int>(v));
    }
    o.preserve_io_layout = preserves(c, "layout");
    o.no_simplification = c.given("--no_simplification");
    return onnx::import_model(path, o);
  }
  if (onnx_options && (c.given("--batch") || c.given("--define_symbol") || c.given("--no_simplification")))
    throw usage_error("--batch, --define_symbol and --no_simplification are for .onnx files; give sizes with --input_dim");
  tflite::import_options o;
  o.input_dims = dims;
  o.out_nodes = out;
  if (tflite_options) o.signature = c.text("--signature_name");
  return tflite::import_model(path, o);
}

/// Every line of the list as a sample; progress on a terminal unless `quiet`.
sample_source samples_of(const net& n, const input_list& list, bool native, bool quiet = false) {
  std::vector<std::string> names;
  std::vector<std::size_t> elements;
  std::vector<dtype> kinds;
  for (const int t : n.of_kind(tensor_kind::app_write)) {
    const net_tensor& in = n.tensors[static_cast<std::size_t>(t)];
    names.push_back(in.name);
    elements.push_back(static_cast<std::size_t>(in.dims.size()));
    kinds.push_back(in.type);
  }
  return [=](std::size_t k, std::span<const std::span<std::byte>> inputs) {
    const bool shown = !quiet && isatty(2) != 0;
    if (k >= list.lines.size()) {
      if (shown) std::fprintf(stderr, "\n");
      return false;
    }
    const std::vector<std::string> files = files_for(list, list.lines[k], names);
    for (std::size_t i = 0; i < files.size(); ++i) {
      const std::vector<std::byte> bytes = read_file(files[i]);
      const bool as_stored = native || kinds[i] == dtype::float_32;
      const std::size_t expected = as_stored ? inputs[i].size() : elements[i] * 4;
      if (bytes.size() != expected)
        throw error(files[i] + ": got " + std::to_string(bytes.size()) + " bytes, expected " + std::to_string(expected) +
                    " for input '" + names[i] + "'");
      if (as_stored) {
        std::memcpy(inputs[i].data(), bytes.data(), bytes.size());
      } else {  // integer inputs of a float net: token ids and the like
        for (std::size_t e = 0; e < elements[i]; ++e) {
          float v = 0;
          std::memcpy(&v, bytes.data() + 4 * e, 4);
          const auto whole = static_cast<std::int64_t>(v);
          std::memcpy(inputs[i].data() + e * inputs[i].size() / elements[i], &whole, inputs[i].size() / elements[i]);
        }
      }
    }
    if (shown) std::fprintf(stderr, "\rcalibrating: %zu of %zu", k + 1, list.lines.size());
    return true;
  };
}

/// Floats become float16, data and declarations.
void to_half(net& n) {
  for (net_tensor& t : n.tensors) {
    if (t.type != dtype::float_32) continue;
    t.type = dtype::float_16;
    if (t.kind != tensor_kind::constant) continue;
    std::vector<std::byte> narrow(t.data.size() / 2);
    for (std::size_t i = 0; i < narrow.size() / 2; ++i) {
      const std::uint16_t bits = half_bits(t.as<float>()[i]);
      std::memcpy(narrow.data() + 2 * i, &bits, 2);
    }
    t.data = std::move(narrow);
  }
}

/// Calibrates, quantizes and refines a float net.
void quantize_with(const command& c, net& n, const input_list& list, const quantize_options& q, const algorithms& chosen) {
  const bool native = c.given("--use_native_input_files");
  if (chosen.cle) {
    const equalize_report r = equalize_layers(n);
    const int gave = absorb_biases(n, samples_of(n, list, native, true));
    std::fprintf(stderr, "cle: %d pairs and %d triples of layers, %d Relu6 became Relu, %d layers passed bias on\n", r.pairs, r.triples, r.relu6, gave);
  }
  const net real = n;
  calibrate(n, samples_of(n, list, native), q);
  quantize(n, q);
  if (!chosen.bias && !chosen.rounding) return;
  const bool shown = isatty(2) != 0;
  const auto progress = [&](std::string_view layer) {
    if (shown) std::fprintf(stderr, "\rrefined: %.*s\033[K", static_cast<int>(layer.size()), layer.data());
  };
  refine(n, real, samples_of(real, list, native, true), {.rounding = chosen.rounding, .bias = chosen.bias, .log = progress});
  if (shown) std::fprintf(stderr, "\n");
}

bool is_quantized(const net& n) {
  for (const net_node& k : n.nodes)
    for (const int t : k.outputs)
      if (is_fixed(n.tensors[static_cast<std::size_t>(t)].type)) return true;
  return false;
}

int convert(const command& c, source_format asked, output_format output) {
  const std::string path = c.text("--input_network");
  const source_format format = format_of(path, asked);
  const algorithms chosen = chosen_algorithms(c);  // a wrong command line is told before the model is read
  net n = import(c, path, format, asked != source_format::tflite, asked != source_format::onnx);
  n.name = fs::path(path).stem().string();

  passes::optimize_options passes;
  passes.fold_batchnorm = !c.given("--disable_batchnorm_folding");
  passes.squash_relu = !c.given("--disable_relu_squashing");
  passes::optimize(n, passes);

  if (asked != source_format::tflite && c.given("--dry_run")) {
    std::map<std::string, int> counts;
    for (const net_node& k : n.nodes) ++counts[std::string(k.op->name)];
    std::printf("%s: %zu nodes, %zu tensors\n", path.c_str(), n.nodes.size(), n.tensors.size());
    for (const auto& [type, count] : counts) std::printf("  %-28s %d\n", type.c_str(), count);
    return 0;
  }

  quantize_options q = quantizer_options(c);
  q.native_io = asked == source_format::tflite || !preserves(c, "datatype");
  const bool was_quantized = is_quantized(n);
  if (c.given("--quantization_overrides")) {
    for (const std::string& name : apply_encodings(n, read_encodings(c.text("--quantization_overrides"))))
      std::fprintf(stderr, "%s: the overrides name tensor '%s', which the model does not have\n", c.program().c_str(), name.c_str());
  }
  if (c.given("--input_list")) {
    if (was_quantized) throw error(path + ": the model is quantized already; convert it without --input_list");
    const input_list list = read_input_list(c.text("--input_list"));
    quantize_with(c, n, list, q, chosen);
    passes::optimize(n, passes);
  } else if (c.given("--float_fallback")) {
    quantize(n, q);
    passes::optimize(n, passes);
  } else if (c.text("--float_bitwidth") == "16" && !was_quantized) {
    to_half(n);
  }

  passes::fold_byte_functions(n);
  if (output == output_format::cpp) passes::fuse_silu(n);  // a DLC keeps to QNN's operations
  const auto& table = kernel_table("reference");
  passes::reorder_nodes(n, table);
  n.metadata["converter-command"] = c.program() + " " + c.summary();
  n.metadata["converter-version"] = "qnnx";
  fs::path out = c.given("--output_path") ? fs::path(c.text("--output_path")) : fs::path(path).replace_extension();
  if (c.given("--output_path") && (out.extension() == ".cpp" || out.extension() == ".dlc")) out.replace_extension();
  if (!out.filename().string().empty()) n.name = out.filename().string();

  if (output == output_format::cpp) {
    emit_options e;
    e.command = c.program() + " " + c.summary();
    if (c.given("--copyright_file")) {
      const std::vector<std::byte> text = read_file(c.text("--copyright_file"));
      e.copyright.assign(reinterpret_cast<const char*>(text.data()), text.size());
    }
    const auto frozen = n.freeze();
    const passes::memory_plan plan = passes::search_plan(frozen->g, table);
    e.plan = memory_plan{plan.offset, plan.bytes};
    const emitted_files files = emit_model(n, out.string() + ".cpp", e);
    std::printf("%s\n%s\n%s\n", files.cpp.c_str(), files.bin.c_str(), files.net_json.c_str());
    std::printf("arena: %lld bytes; no plan for this order is below %lld\n", static_cast<long long>(plan.bytes),
                static_cast<long long>(plan.lower_bound));
  } else {
    write_dlc(n, out.string() + ".dlc");
    std::printf("%s.dlc\n", out.string().c_str());
  }
  if (c.given("--dump_encoding_json")) write_text(c.text("--dump_encoding_json"), dump_encodings(n));
  return 0;
}

}  // namespace

int run_converter(int argc, const char* const* argv, const char* program, source_format source, output_format output) {
  return guarded(program, 2, [&] {
    command c = converter_options(program, source, output);
    if (!c.parse(argc, argv)) return 0;
    return convert(c, source, output);
  });
}

}  // namespace qnnx::cli
