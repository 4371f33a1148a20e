// SPDX-License-Identifier: Apache-2.0
// Inputs and outputs of the graph: which, of what size, in which order of axes, under which name.
#include "frontend/onnx/importer.hpp"

#include <algorithm>

namespace qnnx::inline QNNX_ABI::onnx {

void importer::pick_outputs() {
  if (options_.out_nodes.empty()) {
    for (const value_info& v : m_.graph.outputs) outputs_.push_back(v.name);
  } else {
    for (const std::string& name : options_.out_nodes) {
      if (maker_.count(name)) {
        outputs_.push_back(name);
        continue;
      }
      const auto node = std::find_if(nodes_.begin(), nodes_.end(), [&](const node_proto& n) { return n.name == name; });
      if (name.empty() || node == nodes_.end())
        throw error(m_.file.name + ": out node '" + name + "': no tensor or node has this name: take a name from the model");
      for (const std::string& o : node->outputs)
        if (!o.empty()) outputs_.push_back(o);
    }
  }
  if (outputs_.empty()) throw error(m_.file.name + ": the graph has no output: export the model with outputs");
  for (std::size_t i = 0; i < outputs_.size(); ++i)
    if (std::find(outputs_.begin(), outputs_.begin() + static_cast<std::ptrdiff_t>(i), outputs_[i]) != outputs_.begin() + static_cast<std::ptrdiff_t>(i))
      throw error(m_.file.name + ": output '" + outputs_[i] + "' is listed twice: name it once");
}

/// Nodes that the outputs depend on, each after its makers; iterative, so that a deep graph cannot exhaust the stack.
bool importer::feeds_image_op(const std::string& first) const {
  std::set<std::string> seen;
  std::vector<std::string> open{first};
  while (!open.empty()) {
    const std::string name = open.back();
    open.pop_back();
    if (!seen.insert(name).second) continue;
    for (const node_proto* n : readers(name)) {
      const translator* t = find_translator(n->domain, n->op_type);
      if (t && t->image && !n->inputs.empty() && n->inputs[0] == name) return true;
      if (t && t->passes_image)
        for (const std::string& o : n->outputs) open.push_back(o);
    }
  }
  return false;
}

dims_t importer::input_dims(const value_info& v) const {
  for (const auto& [name, s] : options_.input_dims)
    if (name == v.name) return to_dims(s);
  if (!v.has_shape)
    throw error(m_.file.name + ": input '" + v.name + "' has no shape: give it with -d " + v.name + " DIMS");
  dims_t dims;
  for (std::size_t i = 0; i < v.dims.size(); ++i) {
    std::int64_t d = v.dims[i].value;
    if (d <= 0 && !v.dims[i].symbol.empty())
      for (const auto& [symbol, size] : options_.symbols)
        if (symbol == v.dims[i].symbol) d = size;
    if (i == 0 && options_.batch) d = *options_.batch;
    if (d <= 0 || d > 0x7fffffff) {
      const std::string symbol = v.dims[i].symbol.empty() ? "" : " ('" + v.dims[i].symbol + "')";
      const std::string how = v.dims[i].symbol.empty() ? "" : ", or with -s " + v.dims[i].symbol + " N";
      throw error(m_.file.name + ": input '" + v.name + "': dimension " + std::to_string(i) + symbol +
                  " has no size: give the sizes with -d " + v.name + " DIMS" + (i == 0 ? ", or with -b N" : "") + how);
    }
    dims.push_back(d);
  }
  return dims;
}

void importer::make_inputs() {
  for (const auto& [name, dims] : options_.input_dims)
    if (std::none_of(m_.graph.inputs.begin(), m_.graph.inputs.end(), [&, &wanted = name](const value_info& v) { return v.name == wanted; }))
      throw error(m_.file.name + ": -d " + name + ": the model has no such input: take a name from the model");
  std::set<std::string> used(outputs_.begin(), outputs_.end());
  for (const node_proto* n : sequence_) used.insert(n->inputs.begin(), n->inputs.end());
  for (const value_info& v : m_.graph.inputs) {
    if (known(v.name) || !used.count(v.name)) continue;
    if (!v.is_tensor) throw error(m_.file.name + ": input '" + v.name + "' is not a tensor: sequences, maps and optionals are not supported");
    const dims_t dims = input_dims(v);
    if (dims.size() > static_cast<std::size_t>(max_rank))
      throw error(m_.file.name + ": input '" + v.name + "' has rank " + std::to_string(dims.size()) + ": reshape it to rank " + std::to_string(max_rank) + " or less");
    std::int64_t total = 1;
    for (std::int64_t d : dims)
      if (total > (std::int64_t{1} << 31) / d) throw error(m_.file.name + ": input '" + v.name + "' is too large: check its sizes");
      else total *= d;
    net_tensor t;
    t.name = unique(clean_name(v.name));
    t.source_name = v.name;
    t.kind = tensor_kind::app_write;
    value x;
    x.type = v.type;
    x.dims = x.base = dims.empty() ? dims_t{1} : dims;
    x.order = identity_order(x.dims.size());
    if (const auto q = quantized_.find(v.name); q != quantized_.end() && element_bytes(v.type) && fixed_type(v.type) != dtype::undefined) {
      x.q = q->second;
      t.type = fixed_type(v.type);
      t.enc = encoding_of(*x.q, x.q->axis);
      t.overridden = true;
    } else {
      t.type = plain_type(v.type);
      if (t.type == dtype::undefined)
        throw error(m_.file.name + ": input '" + v.name + "' has type " + to_string(v.type) + ": only numbers and bool can be imported");
    }
    if (x.rank() >= 3 && x.rank() <= 5) {
      static const char* const first[] = {"NCF", "NCHW", "NCDHW"};
      static const char* const last[] = {"NFC", "NHWC", "NDHWC"};
      if (feeds_image_op(v.name)) {
        t.layout = first[x.rank() - 3];
        net_.metadata["layout." + t.name] = t.layout;
        if (!options_.preserve_io_layout) {
          x.order = channel_last(x.dims.size());
          x.spatial = true;
          t.layout = last[x.rank() - 3];
        }
      }
    } else if (x.rank() == 2) {
      t.layout = "NF";
    }
    for (int k : x.order) t.dims.push_back(static_cast<std::int32_t>(x.dim(k)));
    x.tensor = net_.add_tensor(std::move(t));
    values_[v.name] = std::move(x);
  }
}

void importer::finish_outputs() {
  static const char* const last[] = {"NFC", "NHWC", "NDHWC"};
  static const char* const first[] = {"NCF", "NCHW", "NCDHW"};
  std::set<int> taken;
  for (const std::string& name : outputs_) {
    const auto found = values_.find(name);
    if (found == values_.end())
      throw error(m_.file.name + ": output '" + name + "' is made by no node: correct the model or choose with --out_node");
    node_proto ends;
    ends.op_type = "output";
    ends.name = name;
    ends.outputs = {name};
    const arguments a{&m_, &ends, m_.opset()};
    value v = settled(found->second);
    if (v.dequantized) v = real(v);
    const bool image = v.tensor >= 0 && v.spatial && v.rank() >= 3 && v.rank() <= 5 && v.order == channel_last(v.dims.size());
    const bool keep = image && !options_.preserve_io_layout;
    int t = stored(v, keep ? v.order : identity_order(v.dims.size()));
    const tensor_kind kind = net_.tensors[static_cast<std::size_t>(t)].kind;
    const std::string wanted = clean_name(name);
    if (kind != tensor_kind::native || taken.count(t)) {
      const net_tensor& from = net_.tensors[static_cast<std::size_t>(t)];
      op::reshape::params p;
      for (int d = 0; d < from.dims.rank(); ++d) p.shape.push_back(from.dims[d]);
      const net_encoding enc = from.enc;
      const dtype type = from.type;
      t = emit(a, &info<op::reshape>, to_words(p), {t}, wanted + "_copy", type, enc);
    }
    taken.insert(t);
    if (net_.tensors[static_cast<std::size_t>(t)].name != wanted) {
      for (std::size_t i = 0; i < net_.tensors.size(); ++i)
        if (net_.tensors[i].name == wanted && (net_.tensors[i].kind == tensor_kind::native || net_.tensors[i].kind == tensor_kind::constant) && !taken.count(static_cast<int>(i)))
          net_.tensors[i].name = unique(wanted + "_inner");
      bool free = true;
      for (const net_tensor& other : net_.tensors) free = free && other.name != wanted;
      net_.tensors[static_cast<std::size_t>(t)].name = free ? wanted : unique(wanted);
      names_.insert(net_.tensors[static_cast<std::size_t>(t)].name);
    }
    net_tensor& out = net_.tensors[static_cast<std::size_t>(t)];
    out.kind = tensor_kind::app_read;
    out.source_name = name;
    if (image) {
      out.layout = keep ? last[v.rank() - 3] : first[v.rank() - 3];
      net_.metadata["layout." + out.name] = first[v.rank() - 3];
    } else if (v.rank() == 2) {
      out.layout = "NF";
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::onnx
