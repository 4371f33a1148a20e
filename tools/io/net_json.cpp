// SPDX-License-Identifier: Apache-2.0
// model_net.json as the SDK documents it: enumerations as numbers, no static data but that of tensor parameters.
#include <algorithm>
#include <cstdio>
#include <set>

#include "qnnx/io/emit_cpp.hpp"
#include "qnnx/io/param_fields.hpp"
#include "qnnx/io/text.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

constexpr std::uint32_t undefined_number = 0x7fffffff;  // Qnn_Definition_t and Qnn_QuantizationEncoding_t

std::string share(std::int64_t part, std::int64_t whole) {
  char text[64];
  std::snprintf(text, sizeof text, "%lld (%.3g%%)", static_cast<long long>(part),
                whole ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0);
  return text;
}

std::string scale_json(const net_tensor& t, std::size_t i) {
  const float scale = t.enc.scales[i];
  const std::int32_t offset = i < t.enc.offsets.size() ? t.enc.offsets[i] : 0;
  const int bits = t.enc.bits ? t.enc.bits : bits_of(t.type);
  const bool is_signed = is_signed_fixed(t.type);
  const std::int64_t low = is_signed ? -(std::int64_t{1} << (bits - 1)) : 0;
  const std::int64_t high = low + (std::int64_t{1} << bits) - 1;
  const auto real = [&](std::int64_t q) { return float_json(static_cast<float>((static_cast<double>(q) + offset) * static_cast<double>(scale))); };
  const bool symmetric = is_signed ? offset == 0 : offset == -(std::int64_t{1} << (bits - 1));
  return "{\"bitwidth\":" + std::to_string(bits) + ",\"minimum\":" + real(low) + ",\"maximum\":" + real(high) +
         ",\"scale\":" + float_json(scale) + ",\"offset\":" + std::to_string(offset) +
         ",\"is_symmetric\":" + (symmetric ? "true" : "false") + ",\"is_fixed_point\":true}";
}

std::string quant_json(const net_tensor& t) {
  const std::string overridden = std::string(",\"is_overridden\":") + (t.overridden ? "true" : "false");
  if (!t.enc.defined() || t.enc.scales.empty())
    return "{\"definition\":" + std::to_string(undefined_number) + ",\"encoding\":" + std::to_string(undefined_number) + overridden +
           ",\"scale_offset\":{\"bitwidth\":0,\"minimum\":0.0,\"maximum\":0.0,\"scale\":0.0,\"offset\":0,"
           "\"is_symmetric\":false,\"is_fixed_point\":false}}";
  std::string s = "{\"definition\":1,\"encoding\":" + std::to_string(static_cast<int>(t.enc.kind)) + overridden;
  if (t.enc.kind == encoding_kind::scale_offset || t.enc.kind == encoding_kind::bw_scale_offset)
    return s + ",\"scale_offset\":" + scale_json(t, 0) + "}";
  s += ",\"axis_scale_offset\":{\"axis\":" + std::to_string(t.enc.axis);
  if (t.enc.block) s += ",\"block_size\":" + std::to_string(t.enc.block);
  s += ",\"num_scale_offsets\":" + std::to_string(t.enc.scales.size()) + ",\"scale_offsets\":[";
  for (std::size_t i = 0; i < t.enc.scales.size(); ++i) s += (i ? "," : "") + scale_json(t, i);
  return s + "]}}";
}

std::string tensor_json(const net_tensor& t, std::size_t id, std::int64_t parameters) {
  const std::string layout = t.layout.empty() ? "ANY" : t.layout;
  std::string s = "{\"id\":" + std::to_string(id) + ",\"type\":" + std::to_string(static_cast<int>(t.kind)) +
                  ",\"dataFormat\":0,\"data_type\":" + std::to_string(static_cast<int>(t.type)) +
                  ",\"unquantized_data_type\":" + std::to_string(static_cast<int>(is_fixed(t.type) ? dtype::float_32 : t.type)) +
                  ",\"src_axis_format\":" + json_string(layout) + ",\"axis_format\":" + json_string(layout) +
                  ",\"quant_params\":" + quant_json(t) + ",\"current_dims\":[" + dims_text(t.dims) + "],\"max_dims\":[" + dims_text(t.dims) +
                  "],\"dims\":[" + dims_text(t.dims) + "],\"is_dynamic_dims\":[";
  for (int i = 0; i < t.dims.rank(); ++i) s += i ? ",0" : "0";
  s += std::string("],\"is_quantizable\":") + (is_fixed(t.type) || is_float(t.type) ? "true" : "false") + ",\"is_updateable\":false";
  if (t.kind == tensor_kind::constant) s += ",\"params_count\":" + json_string(share(t.dims.size(), parameters));
  return s + "}";
}

dtype number_type(field_form form) {
  switch (form) {
    case field_form::boolean: return dtype::bool_8;
    case field_form::integer: return dtype::int_32;
    case field_form::natural:
    case field_form::symbol: return dtype::uint_32;
    case field_form::real: return dtype::float_32;
  }
  return dtype::undefined;
}

/// The values as numbers, enumerations too.
std::string numbers(param_field f) {
  f.symbols.assign(f.whole.size(), "");
  return field_json(f);
}

std::string node_json(const net& n, const net_node& d, std::int64_t macs, std::int64_t all_macs, std::size_t& next_id) {
  std::string tensors;
  std::string scalars;
  for (const param_field& f : param_fields(*d.op, d.params)) {
    const std::string type = std::to_string(static_cast<int>(number_type(f.form)));
    if (!f.list) {
      const std::string value = f.form == field_form::boolean ? std::to_string(f.whole[0]) : numbers(f);
      scalars += (scalars.empty() ? "" : ",") + json_string(f.name) + ":{\"" + type + "\":" + value + "}";
      continue;
    }
    net_tensor t;
    t.kind = tensor_kind::constant;
    t.type = number_type(f.form);
    t.dims = {static_cast<std::int32_t>(f.size())};
    std::string record = tensor_json(t, next_id++, 0);
    record.pop_back();
    tensors += (tensors.empty() ? "" : ",") + json_string(f.name) + ":{" + json_string(d.name + "_" + f.name) + ":" + record +
               ",\"data\":" + numbers(f) + "}}";
  }
  const auto names = [&](const std::vector<int>& list) {
    std::string s;
    for (int t : list) s += (s.empty() ? "" : ",") + (t < 0 ? "\"\"" : json_string(n.tensors[static_cast<std::size_t>(t)].name));
    return s;
  };
  return "{\"package\":\"qti.aisw\",\"type\":" + json_string(d.op->name) + ",\"tensor_params\":{" + tensors + "},\"scalar_params\":{" + scalars +
         "},\"input_names\":[" + names(d.inputs) + "],\"output_names\":[" + names(d.outputs) +
         "],\"macs_per_inference\":" + json_string(macs ? share(macs, all_macs) : "") + "}";
}

}  // namespace

std::string model_net_json(const net& n, const emit_options& options) {
  const auto frozen = n.freeze();
  const std::vector<std::int64_t> macs = node_macs(*frozen);
  std::int64_t all_macs = 0;
  for (std::int64_t m : macs) all_macs += m;
  std::int64_t parameters = 0;
  std::set<std::string> types;
  for (const net_tensor& t : n.tensors)
    if (t.kind == tensor_kind::constant) parameters += t.dims.size();
  for (const net_node& d : n.nodes) types.insert(std::string(d.op->name));
  const std::string stem = clean_name(n.name);

  std::string s = "{\n\"model.cpp\":" + json_string(stem + ".cpp") + ",\n\"model.bin\":" + json_string(parameters ? stem + ".bin" : "NA") +
                  ",\n\"converter_command\":" + json_string(options.command) + ",\n\"copyright_str\":" + json_string(options.copyright) + ",\n\"op_types\":[";
  bool first = true;
  for (const std::string& t : types) {
    s += (first ? "" : ",") + json_string(t);
    first = false;
  }
  s += "],\n\"Total parameters\":\"" + std::to_string(parameters) + "\",\n\"Total MACs per inference\":\"" + std::to_string(all_macs) +
       "\",\n\"graph\":{\n\"tensors\":{";
  std::size_t id = 0;
  for (const net_tensor& t : n.tensors) {
    if (t.kind == tensor_kind::null) continue;
    s += (id ? ",\n" : "\n") + json_string(t.name) + ":" + tensor_json(t, id, parameters);
    ++id;
  }
  s += "\n},\n\"nodes\":{";
  for (std::size_t k = 0; k < n.nodes.size(); ++k)
    s += (k ? ",\n" : "\n") + json_string(n.nodes[k].name) + ":" + node_json(n, n.nodes[k], macs[k], all_macs, id);
  return s + "\n}\n}\n}\n";
}

}  // namespace qnnx::inline QNNX_ABI
