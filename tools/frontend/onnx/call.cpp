// SPDX-License-Identifier: Apache-2.0
// What translators build with: operands in the axis order they need, nodes with checked types, results with scales.
#include <algorithm>

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

value call::input(std::size_t i) {
  if (!has(i)) fail("input " + std::to_string(i) + " is missing", "correct the model");
  if (in[i].rank() > max_rank) fail("input " + std::to_string(i) + " has rank " + std::to_string(in[i].rank()), "use rank " + std::to_string(max_rank) + " or less");
  in[i] = im.settled(in[i]);
  return in[i];
}

std::vector<std::int64_t> call::known_ints(std::size_t i, const char* what) const {
  if (!is_host(i)) fail(std::string(what) + " is computed at run time", "make it constant or simplify the model (onnxsim)");
  return in[i].host->ints();
}
std::vector<float> call::known_floats(std::size_t i, const char* what) const {
  if (!is_host(i)) fail(std::string(what) + " is computed at run time", "make it constant or simplify the model (onnxsim)");
  return in[i].dequantized ? im.real(in[i]).host->floats() : in[i].host->floats();
}

std::string call::out_name(std::size_t i) const {
  return has_output(i) ? n->outputs[i] : n->outputs[0] + "_" + std::to_string(i);
}

const shape& call::shape_of(int t) const { return im.graph().tensors[static_cast<std::size_t>(t)].dims; }
dtype call::type_of(int t) const { return im.graph().tensors[static_cast<std::size_t>(t)].type; }

int call::emit(const op_info* op, const words& params, std::vector<int> inputs, const std::string& part, dtype type, int outputs) {
  net_encoding enc;
  const int first = inputs.empty() ? -1 : inputs[op == &info<op::elementwise_select> ? 1 : 0];  // what the result is like
  if (type == dtype::undefined) {
    const bool carries = op->data_movement || form == integer_form::moves || !quantized;
    if (carries && first >= 0) {
      type = type_of(first);
      enc = tensor(first).enc;
    } else {
      type = fixed_type(plan->type);
      enc = im.encoding_of(*plan, -1);
    }
  }
  std::string name = outputs == 1 ? out_name() : out_name() + "_part";
  if (!part.empty()) name = out_name() + "_" + part;
  const int made = im.emit(*this, op, params, inputs, name, type, enc, outputs);
  net& g = im.graph();
  std::vector<tensor_desc> descs;
  descs.reserve(inputs.size() + static_cast<std::size_t>(outputs));
  std::vector<const tensor_desc*> pointers;
  const auto add = [&](int t) {
    const net_tensor& s = g.tensors[static_cast<std::size_t>(t)];
    tensor_desc d{.name = s.name, .kind = s.kind, .type = s.type, .dims = s.dims, .enc = {}};
    d.enc.kind = s.enc.kind;
    d.enc.axis = static_cast<std::int8_t>(s.enc.axis);
    d.enc.count = static_cast<std::uint32_t>(s.enc.scales.size());
    d.enc.scale = s.enc.scale();
    d.enc.offset = s.enc.offset();
    descs.push_back(d);
    pointers.push_back(&descs.back());
  };
  for (int t : inputs)
    if (t < 0) pointers.push_back(&absent_tensor);
    else add(t);
  for (int i = 0; i < outputs; ++i) add(made + i);
  const auto count = static_cast<int>(inputs.size());
  const context c{name, pointers.data(), count, pointers.data() + count, outputs};
  bool typed = false;
  for (int i = 0; i < op->type_count && !typed; ++i) typed = detail::type_fits(op->types[i], c);
  if (quantized && (!typed || op->check(c, params))) throw no_integer_form{};
  if (!typed)
    fail(std::string(op->name) + " takes " + std::string(detail::nearest_types(*op, c).view()) + ", not " + std::string(detail::types_of(c).view()),
         "cast the operands");
  if (const issue e = op->check(c, params)) {
    fail(describe_issue(e), "check the model's sizes and attributes");
  }
  if (part.empty() && outputs == 1 && !n->name.empty() && !g.nodes.empty()) {
    const std::string name_of_node = clean_name(n->name);
    g.nodes.back().name = im.rename_node(g.nodes.back().name, name_of_node);
  }
  return made;
}

std::string call::describe_issue(const issue& e) {
  const graph_view none;
  return std::string(qnnx::describe(none, {e, -1, -1}).view());
}

void call::set(std::size_t i, int t, const order_t& order, bool spatial) {
  if (i >= out.size()) return;
  const net_tensor& s = im.graph().tensors[static_cast<std::size_t>(t)];
  dims_t dims(order.size());
  for (std::size_t k = 0; k < order.size(); ++k) dims[static_cast<std::size_t>(order[k])] = s.dims[static_cast<int>(k)];
  element type = element::float32;
  switch (s.type) {
    case dtype::float_16: type = element::float16; break;
    case dtype::bool_8: type = element::boolean; break;
    case dtype::int_32: type = element::int64; break;
    case dtype::uint_8: type = element::uint8; break;
    case dtype::int_8: type = element::int8; break;
    case dtype::uint_32: type = element::uint32; break;
    default: break;
  }
  out[i] = im.tensor_value(t, std::move(dims), order, type);
  out[i].spatial = spatial;
  if (is_fixed(s.type)) {
    out[i].q = form == integer_form::moves && !in.empty() ? in[0].q : plan;
    out[i].dequantized = form == integer_form::moves && !in.empty() ? in[0].dequantized : true;
  }
}

void call::set_alias(std::size_t i, value v) {
  if (i < out.size()) out[i] = std::move(v);
}

int call::reshape(int t, const dims_t& dims, const std::string& part) {
  op::reshape::params p;
  if (dims.size() > static_cast<std::size_t>(max_rank)) fail("a result of rank " + std::to_string(dims.size()), "use rank " + std::to_string(max_rank) + " or less");
  for (std::int64_t d : dims) p.shape.push_back(static_cast<std::int32_t>(d));
  return emit<op::reshape>({t}, p, part);
}

int call::numbers(const std::string& part, const dims_t& dims, const std::vector<float>& values, dtype type) {
  constant c = constant::of_floats(dims, values);
  if (type == dtype::float_16) {
    c.type = element::float16;
    c.data.resize(2 * values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint16_t h = half_bits(values[i]);
      std::memcpy(c.data.data() + 2 * i, &h, 2);
    }
  } else if (type == dtype::int_32) {
    std::vector<std::int64_t> v;
    for (float f : values) v.push_back(static_cast<std::int64_t>(f));
    c = constant::of_ints(dims, v, element::int32);
  }
  return im.constant_tensor(c, out_name() + "_" + part);
}
int call::number(float v, int like) {
  if (quantized) throw no_integer_form{};
  return numbers("number", {1}, {v}, type_of(like));
}

value call::as_type(const value& v, element wanted) {
  if (!v.q) throw no_integer_form{};
  if (v.q->type == wanted) return v;
  const auto bits = [](element e) { return element_bytes(e) * (e == element::uint8 || e == element::int8 || e == element::uint16 || e == element::int16); };
  if (bits(v.q->type) == 0 || bits(v.q->type) != bits(wanted)) throw no_integer_form{};
  const bool to_signed = wanted == element::int8 || wanted == element::int16;
  const std::int64_t shift = (std::int64_t{1} << (8 * bits(wanted) - 1)) * (to_signed ? -1 : 1);
  auto q = std::make_shared<quantization>(*v.q);
  q->type = wanted;
  for (std::int64_t& z : q->zeros) z += shift;
  value r = v;
  r.q = q;
  if (v.host) {
    std::vector<std::int64_t> data = v.host->ints();
    for (std::int64_t& d : data) d += shift;
    r.host = std::make_shared<const constant>(constant::of_ints(v.host->dims, data, wanted));
    return r;
  }
  if (q->axis >= 0) throw no_integer_form{};
  r.tensor = im.emit(*this, &info<op::convert>, to_words(op::convert::params{}), {v.tensor}, tensor(v.tensor).name + "_" + to_string(wanted),
                     fixed_type(wanted), im.encoding_of(*q, -1));
  return r;
}

std::vector<int> call::aligned(const std::vector<value>& operands, order_t& order, bool& spatial) {
  dims_t dims;
  for (const value& v : operands) dims = broadcast(*this, dims, v.dims);
  if (dims.empty()) dims = {1};
  if (dims.size() > static_cast<std::size_t>(max_rank)) fail("a result of rank " + std::to_string(dims.size()), "use rank " + std::to_string(max_rank) + " or less");
  order = identity_order(dims.size());
  spatial = false;
  std::int64_t most = 0;
  for (const value& v : operands) {
    if (v.host || v.dims.size() != dims.size()) continue;
    std::int64_t size = 1;
    for (std::int64_t d : v.dims) size *= d;
    const bool better = v.order != identity_order(dims.size()) && (order == identity_order(dims.size()) || size > most);
    if (better) {
      order = v.order;
      most = size;
    }
  }
  for (const value& v : operands) spatial = spatial || (v.tensor >= 0 && v.spatial && v.order == order && v.dims.size() == dims.size());
  std::vector<int> tensors;
  for (const value& given : operands) {
    value v = given;
    if (v.dims.size() < dims.size() && (v.host || order != identity_order(dims.size()))) {
      const std::size_t grow = dims.size() - v.dims.size();
      dims_t wide(grow, 1);
      wide.insert(wide.end(), v.dims.begin(), v.dims.end());
      if (v.host) {
        constant c = *v.host;
        c.dims = wide;
        v.host = std::make_shared<const constant>(std::move(c));
        if (v.q && v.q->axis >= 0) throw no_integer_form{};
      } else {
        v.tensor = reshape(stored(v, identity_order(v.dims.size())), wide, "wide");
      }
      v.dims = v.base = wide;
      v.order = identity_order(wide.size());
    }
    if (v.host) {
      if (quantized && !v.dequantized) throw no_integer_form{};
      if (v.q && v.q->axis >= 0) throw no_integer_form{};
      constant c = transposed(*v.host, order);
      while (c.dims.size() > 1 && c.dims[0] == 1) c.dims.erase(c.dims.begin());
      std::string name = out_name() + "_operand";
      for (std::size_t i = 0; i < in.size(); ++i)
        if (in[i].host == given.host && i < n->inputs.size() && !n->inputs[i].empty()) name = n->inputs[i];
      tensors.push_back(im.constant_tensor(c, name, v.dequantized ? v.q.get() : nullptr));
      continue;
    }
    tensors.push_back(v.dims.size() == dims.size() ? stored(v, order) : stored(v, identity_order(v.dims.size())));
  }
  return tensors;
}

const translator* find_translator(const std::string& domain, const std::string& op_type) {
  static const translator_table table = [] {
    translator_table t;
    add_arithmetic(t);
    add_activations(t);
    add_convolutions(t);
    add_pools(t);
    add_dense(t);
    add_einsum(t);
    add_normalizations(t);
    add_movement(t);
    add_shapes(t);
    add_indexing(t);
    add_reductions(t);
    add_quantization(t);
    return t;
  }();
  const auto i = table.find(domain.empty() ? op_type : domain + "." + op_type);
  return i == table.end() ? nullptr : &i->second;
}

}  // namespace qnnx::inline QNNX_ABI::onnx
