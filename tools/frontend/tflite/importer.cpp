// SPDX-License-Identifier: Apache-2.0
// The walk over the operators: which are needed, in what order, constants folded on the way, dead ones swept.
#include "frontend/tflite/importer.hpp"

#include <algorithm>

#include "qnnx/runtime/interpreter.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

namespace {

std::uint32_t crc32(const std::string& s) {
  std::uint32_t c = 0xffffffffu;
  for (char ch : s) {
    c ^= static_cast<unsigned char>(ch);
    for (int k = 0; k < 8; ++k) c = (c >> 1) ^ ((c & 1) ? 0xedb88320u : 0u);
  }
  return ~c;
}

}  // namespace

std::string clean_name(const std::string& name) {
  std::string r;
  for (char c : name) {
    const bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    r.push_back(legal ? c : '_');
  }
  if (r.empty() || (r[0] >= '0' && r[0] <= '9')) r.insert(0, "_");
  if (r.size() > 200) {
    constexpr char digits[] = "0123456789abcdef";
    const std::uint32_t crc = crc32(r);
    r.resize(191);
    r.push_back('_');
    for (int k = 28; k >= 0; k -= 4) r.push_back(digits[(crc >> k) & 15]);
  }
  return r;
}

std::string importer::unique(const std::string& source_name) {
  const std::string base = clean_name(source_name);
  std::string name = base;
  for (int& n = names_.try_emplace(base, 0).first->second; n > 0 && names_.contains(name);) name = base + "_" + std::to_string(++n);
  names_.try_emplace(name, 0).first->second = std::max(names_[name], 1);
  return name;
}

importer::importer(const model& m, const import_options& options) : model_(m), options_(options) {}

void importer::choose_signature() {
  graph_ = &model_.subgraphs[0];
  if (!options_.signature.empty()) {
    std::string known;
    const signature_def* found = nullptr;
    for (const signature_def& s : model_.signatures) {
      known += (known.empty() ? "" : ", ") + s.key;
      if (s.key == options_.signature) found = &s;
    }
    if (!found)
      throw error(model_.file + ": there is no signature '" + options_.signature + "'; " +
                  (known.empty() ? "the model has none, leave the option out" : "choose one of " + known));
    graph_ = &model_.subgraphs[found->subgraph];
    for (const auto& e : found->inputs) net_.metadata["signature.input." + e.name] = graph_->tensors[static_cast<std::size_t>(e.tensor)].name;
    for (const auto& e : found->outputs) net_.metadata["signature.output." + e.name] = graph_->tensors[static_cast<std::size_t>(e.tensor)].name;
    net_.metadata["signature"] = found->key;
  }
  outputs_ = graph_->outputs;
  if (options_.out_nodes.empty()) return;
  outputs_.clear();
  for (const std::string& name : options_.out_nodes) {
    int found = -1;
    for (std::size_t i = 0; i < graph_->tensors.size() && found < 0; ++i)
      if (graph_->tensors[i].name == name || clean_name(graph_->tensors[i].name) == name) found = static_cast<int>(i);
    if (found < 0) throw error(model_.file + ": there is no tensor '" + name + "' to end at; give the name of an operator's output");
    outputs_.push_back(found);
  }
}

void importer::mark_needed() {
  needed_.assign(graph_->tensors.size(), false);
  made_.assign(graph_->tensors.size(), false);
  for (std::int32_t t : outputs_) needed_[static_cast<std::size_t>(t)] = true;
  for (auto o = graph_->operators.rbegin(); o != graph_->operators.rend(); ++o) {
    const bool wanted = std::any_of(o->outputs.begin(), o->outputs.end(), [&](std::int32_t t) { return needed_[static_cast<std::size_t>(t)]; });
    for (std::int32_t t : o->outputs) made_[static_cast<std::size_t>(t)] = true;
    if (!wanted) continue;
    for (std::int32_t t : o->inputs)
      if (t >= 0) needed_[static_cast<std::size_t>(t)] = true;
  }
  for (std::int32_t t : graph_->inputs) made_[static_cast<std::size_t>(t)] = true;
}

void importer::add_inputs() {
  for (const auto& [name, dims] : options_.input_dims) {
    const bool known = std::any_of(graph_->inputs.begin(), graph_->inputs.end(), [&, &n = name](std::int32_t t) {
      return graph_->tensors[static_cast<std::size_t>(t)].name == n || clean_name(graph_->tensors[static_cast<std::size_t>(t)].name) == n;
    });
    if (!known) throw error(model_.file + ": there is no input '" + name + "' to give sizes to; the inputs are named in the model");
  }
  for (std::int32_t i : graph_->inputs) {
    const tensor& t = graph_->tensors[static_cast<std::size_t>(i)];
    if (value_of_[static_cast<std::size_t>(i)] >= 0) throw error(model_.file + ": input '" + t.name + "' is listed twice; repair the model");
    net_tensor n;
    n.name = unique(t.name);
    n.source_name = t.name;
    n.kind = tensor_kind::app_write;
    n.type = type_of(t);
    n.enc = encoding_of(t);
    n.overridden = n.enc.defined();
    n.dims = shape_of(t);
    for (const auto& [name, dims] : options_.input_dims)
      if (name == t.name || name == n.name) {
        if (dims.rank() != n.dims.rank() && !t.shape.empty())
          throw error(model_.file + ": input '" + t.name + "' has " + std::to_string(t.shape.size()) + " dimensions, the given sizes " +
                      std::string(to_text(dims).view()) + " do not fit; give as many sizes");
        n.dims = dims;
      }
    for (int d = 0; d < n.dims.rank(); ++d)
      if (n.dims[d] < 1)
        throw error(model_.file + ": input '" + t.name + "' has the sizes " + std::string(to_text(n.dims).view()) +
                    "; give its sizes on the command line (input_dim)");
    value_of_[static_cast<std::size_t>(i)] = net_.add_tensor(std::move(n));
  }
}

net importer::run() {
  choose_signature();
  value_of_.assign(graph_->tensors.size(), -1);
  net_.name = "model";
  mark_needed();
  add_inputs();
  for (const operation& o : graph_->operators) {
    ++op_index_;
    if (std::any_of(o.outputs.begin(), o.outputs.end(), [&](std::int32_t t) { return needed_[static_cast<std::size_t>(t)]; })) translate(o);
  }
  op_ = nullptr;
  for (std::int32_t o : outputs_) {
    const tensor& t = graph_->tensors[static_cast<std::size_t>(o)];
    const int v = value_of_[static_cast<std::size_t>(o)];
    if (v < 0) throw error(model_.file + ": output '" + t.name + "' is a constant or is made by no operator; leave it out of the outputs");
    net_tensor& n = net_.tensors[static_cast<std::size_t>(v)];
    if (n.kind == tensor_kind::app_write) throw error(model_.file + ": output '" + t.name + "' is an input as well; leave it out of the outputs");
    n.kind = tensor_kind::app_read;
  }
  sweep();
  for (const net_tensor& t : net_.tensors)
    if (is_fixed(t.type) && t.kind != tensor_kind::constant) net_.rounding = rounding_mode::tflite;
  return std::move(net_);
}

void importer::translate(const operation& o) {
  op_ = &o;
  for (std::int32_t t : o.outputs)
    if (value_of_[static_cast<std::size_t>(t)] >= 0 || folded_.contains(t))
      fail("tensor '" + graph_->tensors[static_cast<std::size_t>(t)].name + "' is made twice", "repair the model");
  const translator f = o.custom.empty() ? find_translator(o.code) : nullptr;
  if (!f) fail("this operator is not supported", "remove it from the model or end before it with out_node");
  bool all_constant = !o.inputs.empty();
  for (std::int32_t t : o.inputs)
    if (t >= 0) all_constant = all_constant && constant_tensor(t);
  const std::size_t first_node = net_.nodes.size();
  try {
    f(*this);
    if (all_constant) evaluate(first_node);
  } catch (const error& e) {
    const std::string text = e.what();
    if (text.starts_with(model_.file + ": ")) throw;
    fail(text, "repair the model");
  }
  for (std::int32_t t : o.outputs)
    if (value_of_[static_cast<std::size_t>(t)] < 0 && !folded_.contains(t) && needed_[static_cast<std::size_t>(t)])
      fail("output '" + graph_->tensors[static_cast<std::size_t>(t)].name + "' is not supported", "end before it with out_node");
}

/// Runs the nodes that the operator became, all of constants, and keeps the results.
void importer::evaluate(std::size_t first_node) {
  if (first_node == net_.nodes.size()) return;
  constexpr std::int64_t most_elements = std::int64_t{1} << 24;  // larger ones are computed with the model
  for (std::size_t k = first_node; k < net_.nodes.size(); ++k)
    for (int t : net_.nodes[k].outputs)
      if (net_.tensors[static_cast<std::size_t>(t)].dims.size() > most_elements) return;
  net part;
  part.rounding = rounding_mode::tflite;
  part.nodes.assign(net_.nodes.begin() + static_cast<std::ptrdiff_t>(first_node), net_.nodes.end());
  std::map<int, int> here;
  const auto take = [&](int& t) {
    if (t < 0) return;
    const auto [place, added] = here.try_emplace(t, static_cast<int>(part.tensors.size()));
    if (added) part.tensors.push_back(net_.tensors[static_cast<std::size_t>(t)]);
    t = place->second;
  };
  for (net_node& n : part.nodes) {
    for (int& t : n.inputs) take(t);
    for (int& t : n.outputs) take(t);
  }
  for (std::int32_t t : op_->outputs)
    if (const int v = value_of_[static_cast<std::size_t>(t)]; v >= 0)
      part.tensors[static_cast<std::size_t>(here.at(v))].kind = tensor_kind::app_read;
  interpreter machine(std::shared_ptr<const frozen_net>(part.freeze()), {.backend = "reference"});
  machine.run();
  for (std::int32_t t : op_->outputs) {
    int& v = value_of_[static_cast<std::size_t>(t)];
    if (v < 0) continue;
    const auto bytes = machine.bytes(here.at(v));
    folded_[t] = {{bytes.begin(), bytes.end()}, net_.tensors[static_cast<std::size_t>(v)].dims};
    v = -1;
  }
  net_.nodes.resize(first_node);
}

void importer::sweep() {
  std::vector<bool> live(net_.tensors.size(), false);
  for (std::size_t i = 0; i < net_.tensors.size(); ++i) live[i] = net_.tensors[i].kind == tensor_kind::app_read;
  std::vector<net_node> kept;
  for (auto n = net_.nodes.rbegin(); n != net_.nodes.rend(); ++n) {
    if (std::none_of(n->outputs.begin(), n->outputs.end(), [&](int t) { return live[static_cast<std::size_t>(t)]; })) continue;
    for (int t : n->inputs)
      if (t >= 0) live[static_cast<std::size_t>(t)] = true;
    for (int t : n->outputs) live[static_cast<std::size_t>(t)] = true;
    kept.push_back(std::move(*n));
  }
  std::reverse(kept.begin(), kept.end());
  std::vector<int> moved(net_.tensors.size(), -1);
  std::vector<net_tensor> tensors;
  for (std::size_t i = 0; i < net_.tensors.size(); ++i) {
    const bool input = net_.tensors[i].kind == tensor_kind::app_write;
    if (!live[i] && !input) continue;
    if (!live[i]) {
      net_.metadata["unused_inputs"] += (net_.metadata["unused_inputs"].empty() ? "" : ", ") + net_.tensors[i].name;
      continue;
    }
    moved[i] = static_cast<int>(tensors.size());
    tensors.push_back(std::move(net_.tensors[i]));
  }
  for (net_node& n : kept) {
    for (int& t : n.inputs)
      if (t >= 0) t = moved[static_cast<std::size_t>(t)];
    for (int& t : n.outputs) t = moved[static_cast<std::size_t>(t)];
  }
  net_.tensors = std::move(tensors);
  net_.nodes = std::move(kept);
}

void importer::fold(int o, folded_value value) { folded_[op_->outputs.at(static_cast<std::size_t>(o))] = std::move(value); }

void importer::warn(const std::string& what) {
  std::string& all = net_.metadata["warnings"];
  all += (all.empty() ? "" : "\n") + what;
}

void importer::fail(const std::string& what, const std::string& remedy) const {
  std::string at;
  if (op_) at = "operator " + std::to_string(op_index_) + " (" + operator_name(op_->code, op_->custom) + "): ";
  throw error(model_.file + ": " + at + what + "; " + remedy);
}

net import_bytes(std::vector<std::byte> bytes, const std::string& file, const import_options& options) {
  const model m = parse_model(std::move(bytes), file);
  return importer(m, options).run();
}

net import_model(const std::string& path, const import_options& options) {
  const model m = read_model(path);
  net n = importer(m, options).run();
  const std::size_t slash = path.find_last_of('/');
  std::string stem = slash == std::string::npos ? path : path.substr(slash + 1);
  if (const std::size_t dot = stem.find_last_of('.'); dot != std::string::npos) stem.resize(dot);
  n.name = clean_name(stem);
  return n;
}

}  // namespace qnnx::inline QNNX_ABI::tflite
