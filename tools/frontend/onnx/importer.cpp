// SPDX-License-Identifier: Apache-2.0
#include "frontend/onnx/importer.hpp"
#include "frontend/onnx/patterns.hpp"

#include <algorithm>

#include "qnnx/runtime/passes/edit.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
/// Ops whose meaning below opset 7 is that of opset 7. (Arithmetic had other broadcasting, BatchNormalization a mode.)
bool means_the_same_in_old_opsets(const std::string& op) {
  static const std::set<std::string> same{
      "Abs", "ArgMax", "ArgMin", "AveragePool", "Ceil", "Clip", "Concat", "Constant", "Conv", "Elu", "Exp", "Flatten",
      "Floor", "Gather", "GlobalAveragePool", "GlobalMaxPool", "HardSigmoid", "Hardmax", "Identity", "InstanceNormalization",
      "LRN", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "MatMul", "MaxPool", "Neg", "Not", "Reciprocal", "ReduceL1",
      "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
      "ReduceSumSquare", "Relu", "Selu", "Shape", "Sigmoid", "Slice", "Softmax", "Softplus", "Softsign", "Split", "Sqrt",
      "Squeeze", "Tanh", "ThresholdedRelu", "Transpose", "Unsqueeze"};
  return same.count(op) != 0;
}
}  // namespace

importer::importer(const model& m, const import_options& options) : m_(m), options_(options), nodes_(m.graph.nodes) {
  find_patterns(m, nodes_);
  net_.name = clean_name(m.graph.name.empty() ? "model" : m.graph.name);
}

net importer::run() {
  const std::int64_t opset = m_.opset();
  if (opset < 1)
    throw error(m_.file.name + ": no opset of domain ai.onnx is declared: convert the model to opset 13 or newer with onnx.version_converter");
  for (const node_proto& n : nodes_) {
    for (const std::string& i : n.inputs)
      if (!i.empty()) readers_[i].push_back(&n);
    for (const std::string& o : n.outputs)
      if (!o.empty() && !maker_.emplace(o, &n).second) args(n).fail("tensor '" + o + "' is made twice", "correct the model");
  }
  pick_outputs();
  order_nodes();
  if (opset < 7)
    for (const node_proto* n : sequence_)
      if (!means_the_same_in_old_opsets(n->op_type))
        args(*n).fail("opset " + std::to_string(opset) + " is too old for it", "convert the model to opset 13 or newer with onnx.version_converter");
  read_initializers();
  read_quantizers();
  make_inputs();
  for (const node_proto* n : sequence_) translate(*n);
  finish_outputs();
  passes::sort_nodes(net_);
  sweep();
  net_.metadata["source"] = "onnx opset " + std::to_string(opset);
  return std::move(net_);
}

void importer::order_nodes() {
  std::unordered_map<const node_proto*, int> state;  // 1: being visited, 2: placed
  std::vector<std::pair<const node_proto*, std::size_t>> stack;
  for (const std::string& o : outputs_) {
    const auto root = maker_.find(o);
    if (root == maker_.end() || state[root->second] == 2) continue;
    stack.push_back({root->second, 0});
    state[root->second] = 1;
    while (!stack.empty()) {
      auto& [n, i] = stack.back();
      if (i == n->inputs.size()) {
        state[n] = 2;
        sequence_.push_back(n);
        stack.pop_back();
        continue;
      }
      const auto maker = maker_.find(n->inputs[i++]);
      if (maker == maker_.end()) continue;
      int& s = state[maker->second];
      if (s == 1) args(*maker->second).fail("it depends on its own result", "the model has a cycle, export it again");
      if (s == 2) continue;
      s = 1;
      stack.push_back({maker->second, 0});
    }
  }
  std::unordered_map<const node_proto*, std::size_t> place;  // the file's order is topological in valid files: keep it
  for (std::size_t i = 0; i < nodes_.size(); ++i) place[&nodes_[i]] = i;
  std::vector<const node_proto*> filed = sequence_;
  std::sort(filed.begin(), filed.end(), [&](auto a, auto b) { return place[a] < place[b]; });
  std::set<std::string> made;
  bool ordered = true;
  for (const node_proto* n : filed) {
    for (const std::string& i : n->inputs) ordered = ordered && (!maker_.count(i) || made.count(i));
    made.insert(n->outputs.begin(), n->outputs.end());
  }
  if (ordered) sequence_ = std::move(filed);
}

void importer::read_initializers() {
  std::set<std::string> used(outputs_.begin(), outputs_.end());
  for (const node_proto* n : sequence_) used.insert(n->inputs.begin(), n->inputs.end());
  const auto host = [&](const std::string& name, constant c) {
    value v;
    v.type = c.type;
    v.dims = v.base = c.dims;
    v.order = identity_order(c.dims.size());
    v.host = std::make_shared<const constant>(std::move(c));
    values_[name] = std::move(v);
  };
  for (const tensor_proto& t : m_.graph.initializers)
    if (used.count(t.name)) host(t.name, decode(m_, t));
  for (const node_proto* n : sequence_)
    if (n->op_type == "Constant" && n->domain.empty() && !n->outputs.empty()) host(n->outputs[0], std::move(fold(args(*n), {})->front()));
}

/// Integer tensors and their scales, read off the QuantizeLinear and DequantizeLinear around them, and carried back to
/// graph inputs through nodes that only move data.
void importer::read_quantizers() {
  const auto note = [&](const arguments& a, const std::string& name, std::size_t scale) {
    if (name.empty() || quantized_.count(name) || known(name) || scale >= a.n->inputs.size()) return;
    const std::string zero = scale + 1 < a.n->inputs.size() ? a.n->inputs[scale + 1] : "";
    if (!known(a.n->inputs[scale]) || (!zero.empty() && !known(zero))) return;
    quantized_[name] = scales(a, a.n->inputs[scale], zero, static_cast<int>(a.integer("axis", 1)));
  };
  for (const node_proto* n : sequence_) {
    const arguments a = args(*n);
    if (n->inputs.empty() || n->outputs.empty()) continue;
    if (n->op_type == "QuantizeLinear") note(a, n->outputs[0], 1);
    if (n->op_type == "DequantizeLinear") note(a, n->inputs[0], 1);
    if (n->op_type == "QLinearConv" || n->op_type == "QLinearMatMul") {
      note(a, n->inputs[0], 1);
      if (n->inputs.size() > 7) note(a, n->outputs[0], 6);
      if (n->inputs.size() > 5) note(a, n->inputs[3], 4);
    }
  }
  for (auto n = sequence_.rbegin(); n != sequence_.rend(); ++n) {
    const translator* t = find_translator((*n)->domain, (*n)->op_type);
    if (!t || t->form != integer_form::moves || (*n)->inputs.empty() || (*n)->outputs.empty()) continue;
    const auto q = quantized_.find((*n)->outputs[0]);
    if (q != quantized_.end() && !known((*n)->inputs[0])) quantized_.emplace((*n)->inputs[0], q->second);
  }
}

std::shared_ptr<const quantization> importer::scales(const arguments& a, const std::string& scale, const std::string& zero, int axis) const {
  const value s = lookup(a, scale);
  auto q = std::make_shared<quantization>();
  if (!s.host) a.fail("the scale '" + scale + "' is not constant", "only fixed scales can be imported");
  q->scales = s.host->floats();
  for (float f : q->scales)
    if (!(f > 0) || f > 3.4e38f) a.fail("the scale '" + scale + "' is not a positive number", "correct the model");
  if (s.rank() > 1 || q->scales.empty()) a.fail("scales in blocks", "quantize per tensor or per channel");
  if (a.integer("block_size", 0) != 0) a.fail("scales in blocks of " + std::to_string(a.integer("block_size", 0)), "quantize per tensor or per channel");
  q->axis = s.host->size() > 1 || s.rank() == 1 ? axis : -1;
  if (q->scales.size() == 1) q->axis = -1;
  q->zeros.assign(q->scales.size(), 0);
  if (!zero.empty()) {
    const value z = lookup(a, zero);
    if (!z.host) a.fail("the zero point '" + zero + "' is not constant", "only fixed zero points can be imported");
    q->type = z.host->type;
    const std::vector<std::int64_t> zeros = z.host->ints();
    if (zeros.size() != q->scales.size()) a.fail("scales and zero points differ in number", "correct the model");
    q->zeros = zeros;
  } else if (const auto t = static_cast<element>(a.integer("output_dtype", 0)); t != element::undefined) {
    q->type = t;
  }
  return q;
}

std::shared_ptr<const quantization> importer::planned(const std::string& name) const {
  if (std::find(outputs_.begin(), outputs_.end(), name) != outputs_.end()) return nullptr;
  const auto& r = readers(name);
  std::shared_ptr<const quantization> q;
  for (const node_proto* n : r) {
    if (n->inputs.empty() || n->outputs.empty() || n->inputs[0] != name) return nullptr;
    std::shared_ptr<const quantization> here;
    if (n->op_type == "QuantizeLinear") {
      const auto i = quantized_.find(n->outputs[0]);
      if (i != quantized_.end()) here = i->second;
    } else if (r.size() == 1 && (n->op_type == "Relu" || n->op_type == "Clip") && n->outputs[0] != name) {
      here = planned(n->outputs[0]);  // a clamp keeps the scales of what it clamps
    }
    if (!here || (q && !(*q == *here))) return nullptr;
    q = here;
  }
  return q;
}

const std::vector<const node_proto*>& importer::readers(const std::string& name) const {
  static const std::vector<const node_proto*> none;
  const auto i = readers_.find(name);
  return i == readers_.end() ? none : i->second;
}

void importer::translate(const node_proto& n) {
  const arguments a = args(n);
  if (n.outputs.empty() || (n.op_type == "Constant" && n.domain.empty())) return;
  for (const attribute_proto& at : n.attributes)
    if (at.has_graph)
      a.fail("control flow is not supported", "export the model without " + n.op_type + ", or end the graph before it with --out_node");
  if (std::find(m_.functions.begin(), m_.functions.end(), n.domain + ":" + n.op_type) != m_.functions.end())
    a.fail("it calls a function of the model", "inline functions first (onnx.inliner.inline_local_functions)");
  call c(*this, a);
  for (const std::string& i : n.inputs) c.in.push_back(i.empty() ? value{} : lookup(a, i));
  if (n.op_type == "Shape" && n.domain.empty() && c.has(0)) {
    const auto rank = static_cast<std::int64_t>(c.in[0].dims.size());
    const auto clip = [&](std::int64_t k) { return std::clamp<std::int64_t>(k < 0 ? k + rank : k, 0, rank); };
    const std::int64_t from = clip(a.integer("start", 0));
    const std::int64_t to = std::max(from, clip(a.integer("end", rank)));
    const dims_t d(c.in[0].dims.begin() + from, c.in[0].dims.begin() + to);
    value v;
    v.host = std::make_shared<const constant>(constant::of_ints({to - from}, d));
    v.type = element::int64;
    return define(n.outputs[0], v);
  }
  bool all_host = !c.in.empty();
  bool scaled = false;
  bool all_integer = true;
  for (const value& v : c.in) {
    if (v.tensor >= 0) all_host = false;
    scaled = scaled || v.dequantized || v.q;
    if (v.host) all_integer = all_integer && v.host->is_integer();
  }
  const translator* t = find_translator(n.domain, n.op_type);
  if (all_host && n.op_type != "QuantizeLinear" && n.op_type != "DequantizeLinear" && (all_integer || scaled || !options_.no_simplification)) {
    // Integer data with one scale are only moved; else the floats are folded.
    const bool keep = scaled && t && t->form == integer_form::moves && c.in[0].q && c.in[0].q->axis < 0;
    const bool turn = scaled && n.op_type == "Transpose" && c.in[0].q;
    std::vector<const constant*> in;
    std::vector<value> reals;
    reals.reserve(c.in.size());
    for (const value& v : c.in) {
      reals.push_back(v.dequantized && !keep && !turn ? real(v) : v);
      in.push_back(reals.back().host.get());
    }
    if (auto folded = fold(a, in)) {
      for (std::size_t i = 0; i < folded->size() && i < n.outputs.size(); ++i) {
        value v;
        v.host = std::make_shared<const constant>(std::move((*folded)[i]));
        v.type = v.host->type;
        if (keep || turn) {
          auto q = std::make_shared<quantization>(*c.in[0].q);
          if (q->axis >= 0) {
            const std::vector<std::int64_t> perm = a.integers("perm").value_or(std::vector<std::int64_t>{});
            const int from = a.axis(q->axis, c.in[0].dims.size());
            const auto at = std::find(perm.begin(), perm.end(), from);
            q->axis = perm.empty() ? c.in[0].rank() - 1 - from : static_cast<int>(at - perm.begin());
          }
          v.q = q;
          v.dequantized = c.in[0].dequantized;
        }
        if (!n.outputs[i].empty()) define(n.outputs[i], v);
      }
      return;
    }
  }
  if (!t) {
    const std::string name = n.domain.empty() ? n.op_type : n.domain + "." + n.op_type;
    a.fail("operator " + name + " is not supported", "replace it by supported operators, or end the graph before it with --out_node");
  }
  const std::vector<value> operands = c.in;
  c.form = t->form;
  const auto is_scaled = [](const value& v) { return v.q != nullptr && (v.dequantized || v.tensor >= 0); };
  const bool table = n.op_type == "Gather" && !c.in.empty() && c.in[0].host && c.in[0].dequantized && c.in[0].q->axis < 0;
  if (t->form == integer_form::moves && !c.in.empty() && is_scaled(c.in[0]) && (c.in[0].tensor >= 0 || table)) {
    c.plan = c.in[0].q;
    c.quantized = true;
  } else if (t->form == integer_form::rescale) {
    c.plan = planned(n.outputs[0]);
    c.quantized = c.plan && c.plan->axis < 0;
    bool any = false;
    for (const value& v : c.in)
      if (v.tensor >= 0) {
        if (v.type == element::boolean) continue;  // the condition of a choice
        c.quantized = c.quantized && is_scaled(v);
        any = true;
      }
    c.quantized = c.quantized && any;
  }
  const std::size_t tensors = net_.tensors.size();
  const std::size_t nodes = net_.nodes.size();
  if (c.quantized) {
    try {
      c.out.assign(n.outputs.size(), {});
      t->run(c);
    } catch (const no_integer_form&) {
      for (std::size_t i = tensors; i < net_.tensors.size(); ++i) names_.erase(net_.tensors[i].name);
      for (std::size_t i = nodes; i < net_.nodes.size(); ++i) names_.erase("node " + net_.nodes[i].name);
      net_.tensors.resize(tensors);
      net_.nodes.resize(nodes);
      std::erase_if(moved_, [&](const auto& e) { return e.second >= static_cast<int>(tensors); });
      std::erase_if(dequantized_, [&](const auto& e) { return e.second >= static_cast<int>(tensors); });
      c.quantized = false;
      c.in = operands;
    }
  }
  if (!c.quantized) {
    c.plan = nullptr;
    if (n.op_type != "QuantizeLinear" && n.op_type != "DequantizeLinear" && n.op_type != "QLinearConv" && n.op_type != "QLinearMatMul")
      for (value& v : c.in)
        if (v.dequantized) v = real(v);
    c.out.assign(n.outputs.size(), {});
    t->run(c);
  }
  for (std::size_t i = 0; i < n.outputs.size(); ++i)
    if (!n.outputs[i].empty() && (c.out[i].host || c.out[i].tensor >= 0)) define(n.outputs[i], c.out[i]);
}

/// Drops nodes whose results nobody reads, then what nothing refers to.
void importer::sweep() {
  std::vector<bool> wanted(net_.tensors.size(), false);
  for (std::size_t i = 0; i < net_.tensors.size(); ++i) wanted[i] = net_.tensors[i].kind == tensor_kind::app_read;
  for (std::size_t k = net_.nodes.size(); k-- > 0;) {
    net_node& n = net_.nodes[k];
    const bool used = std::any_of(n.outputs.begin(), n.outputs.end(), [&](int t) { return wanted[static_cast<std::size_t>(t)]; });
    if (!used) {
      passes::remove_node(n);
      continue;
    }
    for (int t : n.inputs)
      if (t >= 0) wanted[static_cast<std::size_t>(t)] = true;
  }
  passes::compact(net_);
}

namespace {
/// Names in a hostile file may be of any length.
std::string shortened(std::string text) {
  if (text.size() > 1000) text = text.substr(0, 1000) + "...";
  return text;
}
template <class Read>
net imported(const import_options& options, Read&& read) {
  try {
    const std::unique_ptr<model> m = read();
    return importer(*m, options).run();
  } catch (const error& e) {
    throw error(shortened(e.what()));
  }
}
}  // namespace

net import_bytes(std::string bytes, const std::string& name, const import_options& options, const std::string& folder) {
  return imported(options, [&] { return parse_model(std::move(bytes), name, folder); });
}
net import_model(const std::string& path, const import_options& options) {
  return imported(options, [&] { return read_model(path); });
}

}  // namespace qnnx::inline QNNX_ABI::onnx
