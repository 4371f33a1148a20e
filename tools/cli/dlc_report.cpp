// SPDX-License-Identifier: Apache-2.0
#include "cli/dlc_report.hpp"

#include <algorithm>
#include <cstdio>

#include "qnnx/io/emit_cpp.hpp"
#include "qnnx/io/param_fields.hpp"
#include "qnnx/io/text.hpp"
#include "qnnx/runtime/passes/plan_search.hpp"

namespace qnnx::cli {

namespace {

std::string tensor_text(const net_tensor& t) {
  return t.name + " [" + dims_text(t.dims) + "] " + std::string(to_string(t.type));
}

std::string encoding_text(const net_tensor& t) {
  const net_encoding& e = t.enc;
  if (!e.defined()) return "-";
  std::string s(to_string(e.kind));
  if (e.bits) s += " bits=" + std::to_string(e.bits);
  if (e.scales.size() <= 1) return s + " scale=" + float_text(e.scale()) + " offset=" + std::to_string(e.offset());
  const auto [low, high] = std::minmax_element(e.scales.begin(), e.scales.end());
  return s + " axis=" + std::to_string(e.axis) + " scales=" + std::to_string(e.scales.size()) + " (" + float_text(*low) + " to " + float_text(*high) + ")";
}

std::string params_text(const net_node& d) {
  std::string s;
  for (const param_field& f : param_fields(*d.op, d.params)) s += (s.empty() ? "" : "; ") + f.name + "=" + field_json(f);
  if (d.epi.act == activation::relu) s += std::string(s.empty() ? "" : "; ") + "then=relu";
  if (d.epi.act == activation::clamp) s += std::string(s.empty() ? "" : "; ") + "then=clamp[" + float_text(d.epi.lo) + "," + float_text(d.epi.hi) + "]";
  if (d.epi.residual >= 0) s += std::string(s.empty() ? "" : "; ") + "adds=input " + std::to_string(d.epi.residual);
  if (d.epi.table >= 0) s += std::string(s.empty() ? "" : "; ") + "table=input " + std::to_string(d.epi.table);
  return s;
}

template <class Spell>
std::string operands(const net& n, const std::vector<int>& list, const char* separator, Spell&& spell) {
  std::string s;
  for (int t : list) s += (s.empty() ? "" : separator) + (t < 0 ? std::string("-") : spell(n.tensors[static_cast<std::size_t>(t)]));
  return s;
}

}  // namespace

dlc_report::dlc_report(const net& n) : net_(n), frozen_(n.freeze()), macs_(node_macs(*frozen_)) {
  const passes::memory_plan plan = passes::search_plan(frozen_->g, kernel_table("reference"));
  offset_ = plan.offset;
  arena_ = plan.bytes;
  bound_ = plan.lower_bound;
  for (const net_tensor& t : n.tensors)
    if (t.kind == tensor_kind::constant) parameters_ += t.dims.size();
  for (std::int64_t m : macs_) all_macs_ += m;
}

std::string dlc_report::text(const std::string& path) const {
  std::string s = "DLC info for " + path + "\nmodel: " + net_.name + ", rounding " + std::string(rounding_text(net_.rounding)) + "\n";
  for (const auto& [key, value] : net_.metadata) s += key + ": " + value + "\n";
  s += "\nlayers:\n";
  char line[160];
  for (std::size_t k = 0; k < net_.nodes.size(); ++k) {
    const net_node& d = net_.nodes[k];
    std::snprintf(line, sizeof line, "%4zu  %-24.24s MACs %lld\n", k, std::string(d.op->name).c_str(), static_cast<long long>(macs_[k]));
    s += line;
    s += "      name: " + d.name + "\n";
    for (int t : d.inputs) s += "      in:   " + (t < 0 ? std::string("-") : tensor_text(net_.tensors[static_cast<std::size_t>(t)])) + "\n";
    for (int t : d.outputs) s += "      out:  " + tensor_text(net_.tensors[static_cast<std::size_t>(t)]) + "\n";
    if (const std::string p = params_text(d); !p.empty()) s += "      with: " + p + "\n";
  }
  s += "\ntensors (kind, bytes, arena offset, encoding):\n";
  for (std::size_t i = 0; i < net_.tensors.size(); ++i) {
    const net_tensor& t = net_.tensors[i];
    if (t.kind == tensor_kind::null) continue;
    s += "  " + tensor_text(t) + "  " + std::string(to_string(t.kind)) + "  " + std::to_string(byte_size(frozen_->tensors[i])) + "  " +
         (offset_[i] < 0 ? std::string("-") : std::to_string(offset_[i])) + "  " + encoding_text(t) + "\n";
  }
  s += "\ntotal layers: " + std::to_string(net_.nodes.size()) + "\ntotal parameters: " + std::to_string(parameters_) + " (" +
       std::to_string(frozen_->weights.size()) + " bytes)\ntotal MACs per inference: " + std::to_string(all_macs_) + "\narena: " +
       std::to_string(arena_) + " bytes, no plan for this order of nodes is below " + std::to_string(bound_) + "\n";
  return s;
}

std::string dlc_report::csv() const {
  std::string s = "Id,Name,Type,Inputs,Outputs,Out Dims,Out Type,Out Encoding,Parameters,MACs\n";
  const auto name = [](const net_tensor& t) { return t.name; };
  for (std::size_t k = 0; k < net_.nodes.size(); ++k) {
    const net_node& d = net_.nodes[k];
    const auto all = [&](auto&& spell) { return csv_cell(operands(net_, d.outputs, "; ", spell)); };
    s += std::to_string(k) + "," + csv_cell(d.name) + "," + std::string(d.op->name) + "," + csv_cell(operands(net_, d.inputs, "; ", name)) + "," +
         all(name) + "," + all([](const net_tensor& t) { return dims_text(t.dims, "x"); }) + "," +
         all([](const net_tensor& t) { return std::string(to_string(t.type)); }) + "," + all(encoding_text) + "," + csv_cell(params_text(d)) +
         "," + std::to_string(macs_[k]) + "\n";
  }
  s += "\nTotal layers," + std::to_string(net_.nodes.size()) + "\nTotal parameters," + std::to_string(parameters_) + "\nWeight bytes," +
       std::to_string(frozen_->weights.size()) + "\nTotal MACs per inference," + std::to_string(all_macs_) + "\nArena bytes," + std::to_string(arena_) + "\n";
  return s;
}

std::string dlc_report::json() const {
  std::string s = "{\"name\":" + json_string(net_.name) + ",\"rounding\":" + json_string(rounding_text(net_.rounding)) + ",\"metadata\":{";
  bool first = true;
  for (const auto& [key, value] : net_.metadata) {
    s += (first ? "" : ",") + json_string(key) + ":" + json_string(value);
    first = false;
  }
  s += "},\"total_layers\":" + std::to_string(net_.nodes.size()) + ",\"total_parameters\":" + std::to_string(parameters_) + ",\"weight_bytes\":" +
       std::to_string(frozen_->weights.size()) + ",\"total_macs\":" + std::to_string(all_macs_) + ",\"arena_bytes\":" + std::to_string(arena_) +
       ",\"arena_lower_bound\":" + std::to_string(bound_) + ",\n\"layers\":[";
  const auto names = [](const net_tensor& t) { return json_string(t.name); };
  for (std::size_t k = 0; k < net_.nodes.size(); ++k) {
    const net_node& d = net_.nodes[k];
    s += std::string(k ? ",\n" : "\n") + "{\"id\":" + std::to_string(k) + ",\"name\":" + json_string(d.name) + ",\"type\":" + json_string(d.op->name) +
         ",\"inputs\":[" + operands(net_, d.inputs, ",", names) + "],\"outputs\":[" + operands(net_, d.outputs, ",", names) + "],\"params\":{";
    first = true;
    for (const param_field& f : param_fields(*d.op, d.params)) {
      s += (first ? "" : ",") + json_string(f.name) + ":" + field_json(f);
      first = false;
    }
    s += "},\"macs\":" + std::to_string(macs_[k]) + "}";
  }
  s += "],\n\"tensors\":[";
  first = true;
  for (std::size_t i = 0; i < net_.tensors.size(); ++i) {
    const net_tensor& t = net_.tensors[i];
    if (t.kind == tensor_kind::null) continue;
    s += std::string(first ? "\n" : ",\n") + "{\"name\":" + json_string(t.name) + ",\"kind\":" + json_string(to_string(t.kind)) + ",\"type\":" +
         json_string(to_string(t.type)) + ",\"dims\":[" + dims_text(t.dims) + "],\"bytes\":" + std::to_string(byte_size(frozen_->tensors[i])) +
         ",\"arena_offset\":" + std::to_string(offset_[i]);
    if (t.enc.defined()) {
      s += ",\"encoding\":{\"kind\":" + json_string(to_string(t.enc.kind)) + ",\"axis\":" + std::to_string(t.enc.axis) + ",\"scales\":[";
      for (std::size_t k = 0; k < t.enc.scales.size(); ++k) s += (k ? "," : "") + float_json(t.enc.scales[k]);
      s += "],\"offsets\":[" + joined(t.enc.offsets) + "]}";
    }
    s += "}";
    first = false;
  }
  return s + "]}\n";
}

}  // namespace qnnx::cli
