// SPDX-License-Identifier: Apache-2.0
// Einsum of one operand (sums and a permutation) and of two (also a MatMul): labels in both operands and in the result
// are batches, labels in both but not in the result are summed over, the rest are rows and columns.
#include <algorithm>

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
bool has_label(const std::string& labels, char l) { return labels.find(l) != std::string::npos; }

struct equation {
  std::vector<std::string> terms;
  std::string result;
};
equation read_equation(call& c) {
  std::string text = c.word("equation", "");
  std::erase(text, ' ');
  if (text.find('.') != std::string::npos) c.fail("an equation with '...'", "write the axes out");
  equation e;
  const std::size_t arrow = text.find("->");
  std::string left = text.substr(0, arrow);
  left += ',';
  for (std::size_t at = 0, comma; (comma = left.find(',', at)) != std::string::npos; at = comma + 1) e.terms.push_back(left.substr(at, comma - at));
  if (arrow != std::string::npos) {
    e.result = text.substr(arrow + 2);
  } else {  // labels that occur once, in alphabetic order
    for (char l : left)
      if (l != ',' && std::count(left.begin(), left.end(), l) == 1) e.result += l;
    std::sort(e.result.begin(), e.result.end());
  }
  if (e.terms.size() != c.in.size() || e.terms.size() > 2)
    c.fail("an equation of " + std::to_string(e.terms.size()) + " terms for " + std::to_string(c.in.size()) + " inputs", "use one or two operands");
  for (const std::string& t : e.terms)
    for (char l : t)
      if (std::count(t.begin(), t.end(), l) != 1) c.fail("a label twice in one operand", "take the diagonal with Gather");
  for (char l : e.result)
    if (std::count(e.result.begin(), e.result.end(), l) != 1 || std::none_of(e.terms.begin(), e.terms.end(), [&](const auto& t) { return has_label(t, l); }))
      c.fail("the result's label '" + std::string(1, l) + "'", "correct the model");
  return e;
}

/// An operand with its labels; those that only it has are already summed over.
struct term {
  value v;
  std::string labels;
  std::int64_t size_of(const std::string& some) const {
    std::int64_t n = 1;
    for (char l : some)
      if (const auto at = labels.find(l); at != std::string::npos) n *= v.dims[at];
    return n;
  }
  order_t order(const std::string& wanted) const {
    order_t r;
    for (char l : wanted) r.push_back(static_cast<int>(labels.find(l)));
    return r;
  }
};
term read_term(call& c, std::size_t i, const std::string& labels, const std::string& needed) {
  term t{c.input(i), labels};
  if (t.v.dims.size() != labels.size()) c.fail("operand " + std::to_string(i) + " of rank " + std::to_string(t.v.rank()) + " for '" + labels + "'", "correct the model");
  if (c.quantized) t.v = c.as_type(t.v, c.plan->type);
  op::reduce_params sum{{}, false};
  std::string kept;
  dims_t dims;
  for (std::size_t d = 0; d < labels.size(); ++d) {
    if (has_label(needed, labels[d])) {
      kept += labels[d];
      dims.push_back(t.v.dims[d]);
    } else {
      sum.axes.push_back(static_cast<int>(d));
    }
  }
  if (sum.axes.size() == 0) return t;
  if (c.quantized) throw no_integer_form{};
  if (kept.empty()) c.fail("a sum of all of operand " + std::to_string(i), "use ReduceSum");
  const int summed = c.emit<op::reduce_sum>({c.stored(t.v, identity_order(labels.size()))}, sum, "sum_" + std::to_string(i));
  return {c.im.tensor_value(summed, dims, identity_order(dims.size()), t.v.type), kept};
}

/// The tensor with its axes in the result's order.
int permuted(call& c, int tensor, const std::string& from, const std::string& to) {
  op::transpose::params p;
  for (char l : to) p.perm.push_back(static_cast<std::int32_t>(from.find(l)));
  return from == to ? tensor : c.emit<op::transpose>({tensor}, p);
}

void einsum(call& c) {
  const equation e = read_equation(c);
  if (e.terms.size() == 1) {
    const term t = read_term(c, 0, e.terms[0], e.result);
    const int in = c.stored(t.v, identity_order(t.labels.size()));
    return c.set_plain(0, permuted(c, in, t.labels, e.result));
  }
  const term a = read_term(c, 0, e.terms[0], e.result + e.terms[1]);
  const term b = read_term(c, 1, e.terms[1], e.result + e.terms[0]);
  if (c.quantized && ((a.v.q && a.v.q->axis >= 0) || (b.v.q && b.v.q->axis >= 0))) throw no_integer_form{};
  std::string batch;
  std::string depth;
  std::string rows;
  std::string columns;
  for (char l : a.labels) {
    if (!has_label(b.labels, l)) rows += l;
    else (has_label(e.result, l) ? batch : depth) += l;
    if (has_label(b.labels, l) && a.size_of({l}) != b.size_of({l})) c.fail("two sizes for label '" + std::string(1, l) + "'", "correct the model");
  }
  for (char l : b.labels)
    if (!has_label(a.labels, l)) columns += l;
  const int x = c.reshape(c.stored(a.v, a.order(batch + rows + depth)), {a.size_of(batch), a.size_of(rows), a.size_of(depth)}, "rows");
  const int y = c.reshape(c.stored(b.v, b.order(batch + depth + columns)), {b.size_of(batch), b.size_of(depth), b.size_of(columns)}, "columns");
  const int product = c.emit<op::matmul>({x, y}, {}, "product");
  dims_t dims;
  const std::string made = batch + rows + columns;
  for (char l : made) dims.push_back(has_label(a.labels, l) ? a.size_of({l}) : b.size_of({l}));
  if (dims.empty()) dims.push_back(1);
  c.set_plain(0, permuted(c, c.reshape(product, dims, made == e.result ? "" : "made"), made, e.result));
}
}  // namespace

void add_einsum(translator_table& t) { t["Einsum"] = {einsum, integer_form::rescale}; }

}  // namespace qnnx::inline QNNX_ABI::onnx
