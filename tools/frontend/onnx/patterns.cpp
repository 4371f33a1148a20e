// SPDX-License-Identifier: Apache-2.0
// Groups of nodes that exporters write for one op: x/2 * (1 + erf(x / sqrt 2)) is Gelu, (x - mean) / sqrt(variance +
// epsilon) * gamma + beta is LayerNormalization, x * clip(x + 3, 0, 6) / 6 is HardSwish. Found on the file's nodes
// before anything is translated; the parts become unread and are dropped.
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

  /// The x of HardSigmoid(x) with slope 1/6 and offset 1/2.
  std::string hard_sigmoid_of(const std::string& name) const {
    const node_proto* h = made_by(name, "HardSigmoid");
    if (!h || h->inputs.size() != 1) return "";
    const attribute_proto* alpha = h->find("alpha");
    const attribute_proto* beta = h->find("beta");
    const bool sixth = alpha && std::abs(alpha->f - 1.0f / 6) < 1e-4f && (!beta || std::abs(beta->f - 0.5f) < 1e-4f);
    return sixth ? h->inputs[0] : "";
  }
  /// The x of clip(x + 3, 0, 6).
  std::string clipped_of(const std::string& name) const {
    const node_proto* c = made_by(name, "Clip");
    if (!c || c->inputs.empty()) return "";
    const attribute_proto* lo = c->find("min");
    const attribute_proto* hi = c->find("max");
    const double low = lo ? static_cast<double>(lo->f) : c->inputs.size() == 3 ? number(c->inputs[1]) : 1.0;
    const double high = hi ? static_cast<double>(hi->f) : c->inputs.size() == 3 ? number(c->inputs[2]) : 1.0;
    const node_proto* sum = made_by(c->inputs[0], "Add");
    if (low != 0.0 || high != 6.0 || !sum || sum->inputs.size() != 2) return "";
    if (is(sum->inputs[1], 3.0)) return sum->inputs[0];
    return is(sum->inputs[0], 3.0) ? sum->inputs[1] : "";
  }
  /// What is divided by 6 to make this, or nothing.
  std::string six_times(const std::string& name) const {
    if (const node_proto* d = made_by(name, "Div"); d && d->inputs.size() == 2 && is(d->inputs[1], 6.0)) return d->inputs[0];
    const node_proto* p = made_by(name, "Mul");
    if (!p || p->inputs.size() != 2) return "";
    if (is(p->inputs[1], 1.0 / 6)) return p->inputs[0];
    return is(p->inputs[0], 1.0 / 6) ? p->inputs[1] : "";
  }
  /// Node k makes x * hard_sigmoid(x), in one of three spellings: rewrites it.
  void hard_swish(std::size_t k) {
    node_proto& n = nodes[k];
    if (n.outputs.size() != 1 || n.inputs.size() != 2) return;
    std::string x;
    const auto product = [&](const node_proto& m, auto&& factor) {
      for (const std::size_t i : {std::size_t{0}, std::size_t{1}})
        if (const std::string from = factor(m.inputs[i]); !from.empty() && from == m.inputs[1 - i]) x = from;
    };
    if (n.op_type == "Mul") {
      product(n, [&](const std::string& t) { return hard_sigmoid_of(t); });
      if (x.empty()) product(n, [&](const std::string& t) { return clipped_of(six_times(t)); });
    }
    if (x.empty())
      if (const node_proto* m = made_by(six_times(n.outputs[0]), "Mul"); m && m->inputs.size() == 2)
        product(*m, [&](const std::string& t) { return clipped_of(t); });
    if (x.empty()) return;
    n.op_type = "HardSwish";
    n.domain.clear();
    n.inputs = {x};
    n.attributes.clear();
  }

  const node_proto* made_by(const std::string& tensor, const char* op) const {
    const auto i = maker.find(tensor);
    return i != maker.end() && nodes[i->second].op_type == op ? &nodes[i->second] : nullptr;
  }
  /// The data of a constant, or null. Small ones only.
  const tensor_proto* constant_of(const std::string& name) const {
    if (const auto i = initializers.find(name); i != initializers.end()) return i->second;
    const node_proto* k = made_by(name, "Constant");
    const attribute_proto* a = k ? k->find("value") : nullptr;
    return a ? a->t.get() : nullptr;
  }
  /// A mean over the last n axes, kept as ones: n. Else 0.
  int mean_over_last(const node_proto* r) const {
    if (!r || r->inputs.empty()) return 0;
    if (const attribute_proto* k = r->find("keepdims"); k && k->i == 0) return 0;
    std::vector<std::int64_t> axes;
    if (const attribute_proto* a = r->find("axes")) axes = a->ints;
    else if (r->inputs.size() > 1)
      if (const tensor_proto* t = constant_of(r->inputs[1]); t && !t->external) axes = decode(m, *t).ints();
    std::sort(axes.begin(), axes.end());
    const auto n = static_cast<int>(axes.size());
    for (int i = 0; i < n; ++i)
      if (axes[static_cast<std::size_t>(i)] != i - n) return 0;
    return n;
  }
  /// The other operand of the only reader of `tensor`, if that multiplies or adds a constant of n axes; the reader.
  std::size_t affine(const std::string& tensor, const char* op, int n, std::string& operand) const {
    const std::size_t k = only_reader(tensor, op);
    if (k == nodes.size() || nodes[k].inputs.size() != 2) return nodes.size();
    operand = other(nodes[k], tensor);
    const tensor_proto* t = constant_of(operand);
    const bool many = t && std::any_of(t->dims.begin(), t->dims.end(), [](std::int64_t d) { return d > 1; });  // not one for all
    return many && static_cast<int>(t->dims.size()) == n ? k : nodes.size();
  }
  void layer_norm(std::size_t sqrt) {
    if (nodes[sqrt].inputs.size() != 1 || nodes[sqrt].outputs.size() != 1) return;
    const node_proto* sum = made_by(nodes[sqrt].inputs[0], "Add");
    if (!sum || sum->inputs.size() != 2) return;
    const std::size_t at = std::isnan(number(sum->inputs[1])) ? 1 : 0;  // where the variance is
    const double epsilon = number(sum->inputs[1 - at]);
    const node_proto* variance = made_by(sum->inputs[at], "ReduceMean");
    const int n = mean_over_last(variance);
    if (n == 0 || !(epsilon > 0)) return;
    std::string centred;
    if (const node_proto* p = made_by(variance->inputs[0], "Pow"); p && p->inputs.size() == 2 && is(p->inputs[1], 2.0)) centred = p->inputs[0];
    else if (const node_proto* q = made_by(variance->inputs[0], "Mul"); q && q->inputs.size() == 2 && q->inputs[0] == q->inputs[1]) centred = q->inputs[0];
    const node_proto* d = made_by(centred, "Sub");
    if (!d || d->inputs.size() != 2) return;
    const node_proto* mean = made_by(d->inputs[1], "ReduceMean");
    if (mean_over_last(mean) != n || mean->inputs[0] != d->inputs[0]) return;
    const std::size_t div = only_reader(nodes[sqrt].outputs[0], "Div");
    if (div == nodes.size() || nodes[div].inputs.size() != 2 || nodes[div].inputs[0] != centred || nodes[div].inputs[1] != nodes[sqrt].outputs[0]) return;
    const std::string x = d->inputs[0];
    std::vector<std::string> inputs{x};
    std::size_t last = div;
    std::string operand;
    if (const std::size_t scaled = affine(nodes[last].outputs[0], "Mul", n, operand); scaled != nodes.size()) {
      inputs.push_back(operand);
      last = scaled;
      if (const std::size_t shifted = affine(nodes[last].outputs[0], "Add", n, operand); shifted != nodes.size()) {
        inputs.push_back(operand);
        last = shifted;
      }
    }
    node_proto& g = nodes[last];
    g.op_type = "LayerNormalization";
    g.domain.clear();
    g.inputs = inputs;
    g.attributes.clear();
    attribute_proto axis;
    axis.name = "axis";
    axis.i = -n;
    attribute_proto small;
    small.name = "epsilon";
    small.f = static_cast<float>(epsilon);
    g.attributes = {axis, small};
  }
};
}  // namespace

void find_patterns(const model& m, std::vector<node_proto>& nodes) {
  const auto any = [&](std::initializer_list<const char*> ops) {
    return std::any_of(nodes.begin(), nodes.end(), [&](const node_proto& n) {
      return n.domain.empty() && std::find(ops.begin(), ops.end(), n.op_type) != ops.end();
    });
  };
  const bool swish = any({"HardSigmoid", "Clip"});
  if (!swish && !any({"Erf", "Sqrt"})) return;
  finder f(m, nodes);
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    if (!nodes[k].domain.empty()) continue;
    if (nodes[k].op_type == "Erf") f.gelu(k);
    else if (nodes[k].op_type == "Sqrt") f.layer_norm(k);
    else if (swish && (nodes[k].op_type == "Mul" || nodes[k].op_type == "Div")) f.hard_swish(k);
  }
}

}  // namespace qnnx::inline QNNX_ABI::onnx
