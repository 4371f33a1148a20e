// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/dlc.hpp"
#include "qnnx/io/param_fields.hpp"
#include "qnnx/io/text.hpp"
#include "qnnx/io/zip.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

template <class T, class Spell>
std::string list_json(const std::vector<T>& values, Spell&& spell) {
  std::string s = "[";
  for (std::size_t i = 0; i < values.size(); ++i) s += (i ? "," : "") + spell(values[i]);
  return s + "]";
}
std::string int_text(std::int64_t v) { return std::to_string(v); }

std::string encoding_json(const net_encoding& e) {
  std::string s = "{\"kind\":" + json_string(to_string(e.kind));
  if (e.bits) s += ",\"bits\":" + std::to_string(e.bits);
  if (e.axis >= 0) s += ",\"axis\":" + std::to_string(e.axis);
  if (e.block) s += ",\"block\":" + std::to_string(e.block);
  s += ",\"scales\":" + list_json(e.scales, float_json);
  if (!e.offsets.empty()) s += ",\"offsets\":" + list_json(e.offsets, int_text);
  return s + "}";
}

std::string tensor_json(const net_tensor& t, std::int64_t data_at) {
  std::string s = "{\"name\":" + json_string(t.name) + ",\"kind\":" + json_string(to_string(t.kind)) + ",\"type\":" +
                  json_string(to_string(t.type)) + ",\"dims\":[" + dims_text(t.dims) + "]";
  if (t.enc.defined()) s += ",\"encoding\":" + encoding_json(t.enc);
  if (!t.source_name.empty()) s += ",\"source_name\":" + json_string(t.source_name);
  if (!t.layout.empty()) s += ",\"layout\":" + json_string(t.layout);
  if (t.range) s += ",\"range\":[" + float_json(t.range->first) + "," + float_json(t.range->second) + "]";
  if (t.overridden) s += ",\"overridden\":true";
  if (t.kind == tensor_kind::constant) s += ",\"data\":[" + std::to_string(data_at) + "," + std::to_string(t.data.size()) + "]";
  return s + "}";
}

std::string epilogue_json(const epilogue& e) {
  return "{\"act\":" + json_string(to_string(e.act)) + ",\"lo\":" + float_json(e.lo) + ",\"hi\":" + float_json(e.hi) +
         ",\"residual\":" + std::to_string(e.residual) + ",\"mid_act\":" + json_string(to_string(e.mid_act)) + ",\"mid_lo\":" +
         float_json(e.mid_lo) + ",\"mid_hi\":" + float_json(e.mid_hi) + ",\"mid_scale\":" + float_json(e.mid_scale) +
         ",\"mid_offset\":" + std::to_string(e.mid_offset) + ",\"table\":" + std::to_string(e.table) + "}";
}

std::string node_json(const net_node& d) {
  std::string s = "{\"name\":" + json_string(d.name) + ",\"op\":" + json_string(d.op->name) + ",\"inputs\":" +
                  list_json(d.inputs, int_text) + ",\"outputs\":" + list_json(d.outputs, int_text);
  std::string params;
  for (const param_field& f : param_fields(*d.op, d.params))
    params += (params.empty() ? "" : ",") + json_string(f.name) + ":" + field_json(f);
  if (!params.empty()) s += ",\"params\":{" + params + "}";
  if (!(d.epi == epilogue{})) s += ",\"epilogue\":" + epilogue_json(d.epi);
  return s + "}";
}

std::string one_line(std::string s) {
  for (char& c : s)
    if (c == '\n' || c == '\r') c = ' ';
  return s;
}

}  // namespace

std::string model_json(const net& n) {
  std::string s = "{\"format\":\"qnnx-graph\",\"version\":" + std::to_string(dlc_version) + ",\n\"name\":" + json_string(n.name) +
                  ",\n\"rounding\":" + json_string(rounding_text(n.rounding)) + ",\n\"tensors\":[";
  std::int64_t at = 0;
  for (std::size_t i = 0; i < n.tensors.size(); ++i) {
    const net_tensor& t = n.tensors[i];
    s += (i ? ",\n" : "\n") + tensor_json(t, at);
    if (t.kind == tensor_kind::constant) at = (at + static_cast<std::int64_t>(t.data.size()) + 15) / 16 * 16;
  }
  s += "],\n\"nodes\":[";
  for (std::size_t k = 0; k < n.nodes.size(); ++k) s += (k ? ",\n" : "\n") + node_json(n.nodes[k]);
  return s + "]}\n";
}

void write_dlc(const net& n, const std::string& path) {
  const auto frozen = n.freeze();  // a net that does not verify is not written
  const std::string model = model_json(n);
  std::string metadata = "model-version=" + std::to_string(dlc_version) + "\n";
  for (const auto& [key, value] : n.metadata) metadata += one_line(key) + "=" + one_line(value) + "\n";
  const auto bytes_of = [](const std::string& s) { return std::as_bytes(std::span(s.data(), s.size())); };
  write_zip(path, {{"model", bytes_of(model)}, {"model.params", frozen->weights}, {"dlc.metadata", bytes_of(metadata)}});
}

}  // namespace qnnx::inline QNNX_ABI
