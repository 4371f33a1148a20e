// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/emit_cpp.hpp"

#include <filesystem>

#include "qnnx/io/file.hpp"
#include "qnnx/io/param_fields.hpp"
#include "qnnx/io/text.hpp"
#include "qnnx/io/ustar.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

// Names are quoted with json_string: clean names are plain ASCII, where JSON and C++ agree.

/// The tag: the model's name, unless a member of the tag or the language has that name.
std::string tag_name(const std::string& name) {
  std::string tag = clean_name(name);
  for (const char* taken : {"scales", "offsets", "tensors", "nodes", "plan", "define", "int", "float",
                            "double", "char", "bool", "auto", "class", "struct", "new", "this", "default", "switch"})
    if (tag == taken) return tag + "_model";
  return tag;
}

std::string comment_lines(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    while (!line.empty() && (line.back() == '\\' || line.back() == '\r')) line.pop_back();  // no line continuation
    out += "// " + line + "\n";
    at = end + 1;
  }
  return out;
}

std::string encoding_cpp(const encoding& e) {
  const std::string bits = e.bits ? ", " + std::to_string(e.bits) : "";
  switch (e.kind) {
    case encoding_kind::none: return "{}";
    case encoding_kind::scale_offset:
    case encoding_kind::bw_scale_offset:
      return "scale_offset(" + float_literal(e.scale) + ", " + std::to_string(e.offset) + bits + ")";
    case encoding_kind::axis_scale_offset:
    case encoding_kind::bw_axis_scale_offset:
      return "axis_scales(" + std::to_string(e.axis) + ", " + std::to_string(e.first) + ", " + std::to_string(e.count) + bits + ")";
    case encoding_kind::block:
    case encoding_kind::blockwise_expansion: break;
  }
  return "{.kind = encoding_kind::" + std::string(to_string(e.kind)) + ", .bits = " + std::to_string(e.bits) +
         ", .axis = " + std::to_string(e.axis) + ", .block = " + std::to_string(e.block) + ", .scale = " +
         float_literal(e.scale) + ", .offset = " + std::to_string(e.offset) + ", .first = " + std::to_string(e.first) +
         ", .count = " + std::to_string(e.count) + "}";
}

std::string dtype_cpp(dtype t) {  // "ufixed8" -> dtype::ufixed_8
  std::string s(to_string(t));
  const std::size_t digit = s.find_first_of("0123456789");
  if (digit != std::string::npos) s.insert(digit, "_");
  return "dtype::" + s;
}

std::string epilogue_cpp(const epilogue& e) {
  std::string s = "{";
  const auto field = [&](bool shown, const char* name, const std::string& value) {
    if (!shown) return;
    if (s.size() > 1) s += ", ";
    s += std::string(".") + name + " = " + value;
  };
  const epilogue d;
  const auto act = [](activation a) { return "activation::" + std::string(to_string(a)); };
  field(e.act != d.act, "act", act(e.act));
  field(e.lo != d.lo, "lo", float_literal(e.lo));
  field(e.hi != d.hi, "hi", float_literal(e.hi));
  field(e.residual != d.residual, "residual", std::to_string(e.residual));
  field(e.mid_act != d.mid_act, "mid_act", act(e.mid_act));
  field(e.mid_lo != d.mid_lo, "mid_lo", float_literal(e.mid_lo));
  field(e.mid_hi != d.mid_hi, "mid_hi", float_literal(e.mid_hi));
  field(e.mid_scale != d.mid_scale, "mid_scale", float_literal(e.mid_scale));
  field(e.mid_offset != d.mid_offset, "mid_offset", std::to_string(e.mid_offset));
  field(e.table != d.table, "table", std::to_string(e.table));
  return s + "}";
}

template <class T, std::size_t N>
std::string index_list(const std::array<T, N>& a, std::int32_t count) {
  std::string s = "{";
  for (std::int32_t i = 0; i < count; ++i) s += (i ? ", " : "") + std::to_string(a[static_cast<std::size_t>(i)]);
  return s + "}";
}

template <class T, class Spell>
void array_cpp(std::string& out, const char* type, const char* name, const std::vector<T>& values, Spell&& spell) {
  out += std::string("  static constexpr ") + type + " " + name + "[] = {";
  std::size_t column = 200;
  for (const T& v : values) {
    const std::string text = spell(v);
    if (column + text.size() > 112) {
      out += "\n     ";
      column = 5;
    }
    out += " " + text + ",";
    column += text.size() + 2;
  }
  out += "};\n";
}

}  // namespace

std::vector<std::int64_t> node_macs(const frozen_net& f) {
  std::vector<std::int64_t> macs;
  for (const node_desc& n : f.nodes) {
    const bound_context b(f.g, n);
    macs.push_back(n.op->price(b.get(), n.params).macs);
  }
  return macs;
}

std::string model_cpp(const net& n, const emit_options& options) {
  const auto frozen = n.freeze();
  const graph_view& g = frozen->g;
  const std::string tag = tag_name(n.name);
  std::string out;
  out += comment_lines(options.copyright.empty() ? "No copyright text was passed to the converter." : options.copyright);
  out += comment_lines(options.command.empty() ? "Written by qnnx." : options.command);
  out += "// Weights: " + clean_name(n.name) + ".bin. Graph: " + std::to_string(g.node_count) + " nodes, " + std::to_string(g.tensor_count) + " tensors.\n";
  out += "#include <limits>\n\n#include \"qnnx/model/export.hpp\"\n\n";
  out += "namespace qnnx_models {\nusing namespace qnnx;  // NOLINT\n\n";
  out += "// clang-format off\nstruct " + tag + " {\n";
  if (!frozen->scales.empty()) {
    array_cpp(out, "float", "scales", frozen->scales, float_literal);
    bool all_zero = true;
    for (std::int32_t o : frozen->offsets) all_zero = all_zero && o == 0;
    if (all_zero) out += "  static constexpr const std::int32_t* offsets = nullptr;\n";
    else array_cpp(out, "std::int32_t", "offsets", frozen->offsets, [](std::int32_t v) { return std::to_string(v); });
  }
  out += "  static constexpr tensor_desc tensors[] = {\n";
  for (int i = 0; i < g.tensor_count; ++i) {
    const tensor_desc& t = g.tensors[i];
    out += "    /* " + std::to_string(i) + " */ {.name = " + json_string(t.name) + ", .kind = tensor_kind::" + std::string(to_string(t.kind)) +
           ", .type = " + dtype_cpp(t.type) + ", .dims = {" + dims_text(t.dims, ", ") + "}";
    if (t.enc.defined()) out += ", .enc = " + encoding_cpp(t.enc);
    out += "},\n";
  }
  out += "  };\n  static constexpr node_desc nodes[] = {\n";
  for (const node_desc& d : frozen->nodes) {
    const auto fields = param_fields(*d.op, d.params);
    const std::string params = param_initializer(fields);
    const std::string epi = epilogue_cpp(d.epi);
    std::string type(cpp_name(*d.op));
    out += "    node<" + type.substr(6) + ">(" + json_string(d.name) + ", " + index_list(d.inputs, d.input_count) + ", " +
           index_list(d.outputs, d.output_count);
    if (params != "{}" || epi != "{}") out += ", " + params;
    if (epi != "{}") out += ", " + epi;
    out += "),\n";
  }
  out += "  };\n";
  if (options.plan)
    array_cpp(out, "std::int64_t", "plan", options.plan->offsets, [](std::int64_t v) { return std::to_string(v); });
  out += "  static consteval graph_view define() {\n    graph_view g;\n";
  out += "    g.name = " + json_string(n.name) + ";\n";
  out += "    g.tensors = tensors;\n    g.tensor_count = " + std::to_string(g.tensor_count) + ";\n";
  out += "    g.nodes = nodes;\n    g.node_count = " + std::to_string(g.node_count) + ";\n";
  if (!frozen->scales.empty())
    out += "    g.scales = scales;\n    g.offsets = offsets;\n    g.pool_count = " + std::to_string(frozen->scales.size()) + ";\n";
  out += "    g.rounding = rounding_mode::" + std::string(rounding_text(g.rounding)) + ";\n";
  if (options.plan) out += "    g.plan = plan;\n    g.planned_bytes = " + std::to_string(options.plan->bytes) + ";\n";
  out += "    return g;\n  }\n};\n// clang-format on\n\n}  // namespace qnnx_models\n\n";
  out += "QNNX_EXPORT_MODEL(qnnx_models::" + tag + ", " + json_string(n.name) + ");\n";
  return out;
}

std::vector<std::byte> model_bin(const net& n) {
  std::vector<archive_member> members;
  for (const net_tensor& t : n.tensors)
    if (t.kind == tensor_kind::constant) members.push_back({t.name + ".raw", t.data});
  return write_ustar(members);
}

emitted_files emit_model(const net& n, const std::string& path, const emit_options& options) {
  const std::string stem = path.ends_with(".cpp") ? path.substr(0, path.size() - 4) : path;
  if (const std::string parent = std::filesystem::path(stem).parent_path().string(); !parent.empty()) make_folder(parent);
  const emitted_files files{stem + ".cpp", stem + ".bin", stem + "_net.json"};
  pending_file cpp(files.cpp);
  pending_file bin(files.bin);
  pending_file json(files.net_json);
  cpp.append(model_cpp(n, options));
  bin.append(model_bin(n));
  json.append(model_net_json(n, options));
  cpp.commit();
  bin.commit();
  json.commit();
  return files;
}

}  // namespace qnnx::inline QNNX_ABI
