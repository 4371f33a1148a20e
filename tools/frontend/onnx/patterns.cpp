// SPDX-License-Identifier: Apache-2.0
// Groups of nodes that exporters write for one op: x/2 * (1 + erf(x / sqrt 2)) is Gelu. Found on the file's nodes before
// anything is translated; the parts become unread and are dropped.
#include <algorithm>
#include <cmath>

#include "frontend/onnx/patterns.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
struct finder {
  const model& m;
  std::vector<node_proto>& nodes;
  std::unordered_map<std::string, std::size_t> maker{};
  std::unordered_map<std::string, std::vector<std::size_t>> readers{};
  std::unordered_map<std::string, const tensor_proto*> initializers{};

  finder(const model& file, std::vector<node_proto>& n) : m(file), nodes(n) {
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      for (const std::string& i : nodes[k].inputs) readers[i].push_back(k);
      for (const std::string& o : nodes[k].outputs) maker.emplace(o, k);
    }
    for (const tensor_proto& t : m.graph.initializers) initializers.emplace(t.name, &t);
  }
  /// The only reader of a tensor with this op, or nodes.size().
  std::size_t only_reader(const std::string& tensor, const char* op) const {
    const auto i = readers.find(tensor);
    if (i == readers.end() || i->second.size() != 1 || nodes[i->second[0]].op_type != op || nodes[i->second[0]].outputs.size() != 1) return nodes.size();
    return i->second[0];
  }
  /// The one number that a name stands for, or NaN.
  double number(const std::string& name) const {
    const tensor_proto* t = nullptr;
    if (const auto i = initializers.find(name); i != initializers.end()) {
      t = i->second;
    } else if (const auto k = maker.find(name); k != maker.end() && nodes[k->second].op_type == "Constant") {
      const attribute_proto* a = nodes[k->second].find("value");
      if (a && a->t) t = a->t.get();
      else if (const attribute_proto* f = nodes[k->second].find("value_float")) return static_cast<double>(f->f);
    }
    if (!t || t->external) return std::nan("");
    for (std::int64_t d : t->dims)
      if (d != 1) return std::nan("");
    const std::vector<float> v = decode(m, *t).floats();
    return v.size() == 1 ? static_cast<double>(v[0]) : std::nan("");
  }
  bool is(const std::string& name, double wanted) const { return std::abs(number(name) - wanted) <= 1e-3 * wanted; }
  /// The other operand of a node of two.
  static const std::string& other(const node_proto& n, const std::string& one) { return n.inputs[0] == one ? n.inputs[1] : n.inputs[0]; }

  void gelu(std::size_t erf) {
    if (nodes[erf].inputs.size() != 1 || nodes[erf].outputs.size() != 1) return;
    const auto scale = maker.find(nodes[erf].inputs[0]);
    if (scale == maker.end() || nodes[scale->second].inputs.size() != 2) return;
    const node_proto& s = nodes[scale->second];
    std::string x;
    if (s.op_type == "Div" && is(s.inputs[1], std::sqrt(2.0))) x = s.inputs[0];
    else if (s.op_type == "Mul" && is(s.inputs[1], std::sqrt(0.5))) x = s.inputs[0];
    else if (s.op_type == "Mul" && is(s.inputs[0], std::sqrt(0.5))) x = s.inputs[1];
    else return;
    const std::size_t add = only_reader(nodes[erf].outputs[0], "Add");
    if (add == nodes.size() || nodes[add].inputs.size() != 2 || !is(other(nodes[add], nodes[erf].outputs[0]), 1.0)) return;
    const std::string& one = nodes[add].outputs[0];
    const std::size_t first = only_reader(one, "Mul");
    if (first == nodes.size() || nodes[first].inputs.size() != 2) return;
    const std::string& factor = other(nodes[first], one);
    std::size_t last = nodes.size();
    if (factor == x || is(factor, 0.5)) {  // (1 + erf) * x, then * 0.5; or the other way round
      last = only_reader(nodes[first].outputs[0], "Mul");
      if (last == nodes.size() || nodes[last].inputs.size() != 2) return;
      const std::string& rest = other(nodes[last], nodes[first].outputs[0]);
      if (factor == x ? !is(rest, 0.5) : rest != x) return;
    } else {  // (x * 0.5) * (1 + erf)
      const auto half = maker.find(factor);
      if (half == maker.end() || nodes[half->second].inputs.size() != 2) return;
      const node_proto& h = nodes[half->second];
      const bool multiplied = h.op_type == "Mul" && ((h.inputs[0] == x && is(h.inputs[1], 0.5)) || (h.inputs[1] == x && is(h.inputs[0], 0.5)));
      const bool divided = h.op_type == "Div" && h.inputs[0] == x && is(h.inputs[1], 2.0);
      if (!multiplied && !divided) return;
      last = first;
    }
    node_proto& g = nodes[last];
    g.op_type = "Gelu";
    g.domain.clear();
    g.inputs = {x};
    g.attributes.clear();
  }
};
}  // namespace

void find_patterns(const model& m, std::vector<node_proto>& nodes) {
  if (std::none_of(nodes.begin(), nodes.end(), [](const node_proto& n) { return n.op_type == "Erf"; })) return;
  finder f(m, nodes);
  for (std::size_t k = 0; k < nodes.size(); ++k)
    if (nodes[k].op_type == "Erf") f.gelu(k);
}

}  // namespace qnnx::inline QNNX_ABI::onnx
