// SPDX-License-Identifier: Apache-2.0
// Element-wise ops of two and more operands. All operands are brought to one axis order; constants are permuted.
#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
/// The operands with one type: constants follow the tensors.
std::vector<value> operands_of(call& c) {
  std::vector<value> r;
  element type = element::undefined;
  for (std::size_t i = 0; i < c.in.size(); ++i) {
    value v = c.input(i);
    if (c.quantized) v = c.as_type(v, c.plan->type);
    if (v.tensor >= 0 && type == element::undefined) type = v.type;
    r.push_back(std::move(v));
  }
  if (c.quantized) return r;
  for (value& v : r) {
    if (!v.host || type == element::undefined) continue;
    const bool real = type == element::float32 || type == element::float16 || type == element::float64 || type == element::bfloat16;
    if (real && v.host->is_integer()) v.host = std::make_shared<const constant>(constant::of_floats(v.host->dims, v.host->floats()));
    if (type == element::float16 && v.host->type != element::float16) {
      node_proto n;
      n.op_type = "Cast";
      attribute_proto to;
      to.name = "to";
      to.i = static_cast<std::int64_t>(element::float16);
      n.attributes.push_back(to);
      const arguments a{c.m, &n, c.opset};
      v.host = std::make_shared<const constant>(std::move(fold(a, {v.host.get()})->front()));
    }
  }
  return r;
}

/// 8-bit integers without scales are worked on as 32-bit ones: the type to go back to, or undefined.
dtype widened(call& c, std::vector<int>& operands) {
  const dtype type = c.type_of(operands[0]);
  if (type != dtype::int_8 && type != dtype::uint_8) return dtype::undefined;
  for (std::size_t i = 0; i < operands.size(); ++i) operands[i] = c.emit<op::cast>({operands[i]}, {}, "wide_" + std::to_string(i), dtype::int_32);
  return type;
}

template <class Op>
void binary(call& c) {
  std::vector<value> v = operands_of(c);
  if (v.size() != 2) c.fail(std::to_string(v.size()) + " inputs", "two are expected");
  order_t order;
  bool spatial = false;
  std::vector<int> t = c.aligned(v, order, spatial);
  const bool to_bool = op_id(Op::name) == op_id(op::elementwise_equal::name) || op_id(Op::name) == op_id(op::elementwise_less::name) ||
                       op_id(Op::name) == op_id(op::elementwise_less_equal::name) || op_id(Op::name) == op_id(op::elementwise_greater::name) ||
                       op_id(Op::name) == op_id(op::elementwise_greater_equal::name);
  const dtype narrow = widened(c, t);
  if (to_bool || narrow == dtype::undefined) return c.set(0, c.emit<Op>(t, {}, "", to_bool ? dtype::bool_8 : dtype::undefined), order, spatial);
  c.set(0, c.emit<op::cast>({c.emit<Op>(t, {}, "wide")}, {}, "", narrow), order, spatial);
}

/// a op b op c ...
template <class Op>
void chain(call& c) {
  std::vector<value> v = operands_of(c);
  if (v.empty()) c.fail("no inputs", "correct the model");
  if (v.size() > 2 && c.quantized) throw no_integer_form{};
  order_t order;
  bool spatial = false;
  std::vector<int> t = c.aligned(v, order, spatial);
  const dtype narrow = t.size() > 1 ? widened(c, t) : dtype::undefined;
  const bool mean = c.n->op_type == "Mean";
  if (mean && c.quantized) throw no_integer_form{};
  int sum = t[0];
  for (std::size_t i = 1; i < t.size(); ++i) {
    const bool last = i + 1 == t.size() && !mean && narrow == dtype::undefined;
    sum = c.emit<Op>({sum, t[i]}, {}, last ? "" : std::to_string(i));
  }
  if (mean && t.size() > 1) sum = c.emit<op::elementwise_multiply>({sum, c.number(1.0f / static_cast<float>(t.size()), sum)});
  if (t.size() == 1) return c.set_alias(0, c.in[0]);
  if (narrow != dtype::undefined) sum = c.emit<op::cast>({sum}, {}, "", narrow);
  c.set(0, sum, order, spatial);
}

/// Where: condition ? a : b.
void select(call& c) {
  if (c.in.size() != 3) c.fail(std::to_string(c.in.size()) + " inputs", "three are expected");
  const value condition = c.input(0);
  if (condition.type != element::boolean) c.fail("a condition of type " + to_string(condition.type), "use a bool condition");
  c.in.erase(c.in.begin());
  std::vector<value> v = operands_of(c);
  c.in.insert(c.in.begin(), condition);
  if (v[0].host && v[1].host && !c.quantized && v[0].host->type != v[1].host->type) c.fail("operands of different types", "correct the model");
  v.insert(v.begin(), condition);
  order_t order;
  bool spatial = false;
  const std::vector<int> t = c.aligned(v, order, spatial);
  c.set(0, c.emit<op::elementwise_select>(t), order, spatial);
}

void mod(call& c) {
  if (c.integer("fmod", 0)) binary<op::elementwise_fmod>(c);
  else binary<op::elementwise_mod>(c);
}
}  // namespace

void add_arithmetic(translator_table& t) {
  t["Add"] = {binary<op::elementwise_add>, integer_form::rescale, false, true};
  t["Sub"] = {binary<op::elementwise_subtract>, integer_form::rescale, false, true};
  t["Mul"] = {binary<op::elementwise_multiply>, integer_form::rescale, false, true};
  t["Div"] = {binary<op::elementwise_divide>, integer_form::rescale, false, true};
  t["Pow"] = {binary<op::elementwise_power>, integer_form::rescale, false, true};
  t["Where"] = {select, integer_form::rescale, false, true};
  t["Mod"] = {mod, integer_form::never, false, true};
  t["Max"] = {chain<op::elementwise_maximum>, integer_form::rescale, false, true};
  t["Min"] = {chain<op::elementwise_minimum>, integer_form::rescale, false, true};
  t["Sum"] = {chain<op::elementwise_add>, integer_form::rescale, false, true};
  t["Mean"] = {chain<op::elementwise_add>, integer_form::rescale, false, true};
  t["Equal"] = {binary<op::elementwise_equal>, integer_form::never, false, true};
  t["Less"] = {binary<op::elementwise_less>, integer_form::never, false, true};
  t["LessOrEqual"] = {binary<op::elementwise_less_equal>, integer_form::never, false, true};
  t["Greater"] = {binary<op::elementwise_greater>, integer_form::never, false, true};
  t["GreaterOrEqual"] = {binary<op::elementwise_greater_equal>, integer_form::never, false, true};
  t["And"] = {binary<op::elementwise_and>, integer_form::never, false, true};
  t["Or"] = {binary<op::elementwise_or>, integer_form::never, false, true};
  t["Xor"] = {binary<op::elementwise_xor>, integer_form::never, false, true};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
