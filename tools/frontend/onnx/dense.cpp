// SPDX-License-Identifier: Apache-2.0
// Gemm and MatMul. Constant second operands become FullyConnected weights [out,in]; where the first operand is a
// flattened channel-last image, the columns of the weights are put in its order instead of moving the activation.
#include <algorithm>

#include "frontend/onnx/window.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {

constant scaled(const constant& c, float by) {
  if (by == 1.0f) return c;
  std::vector<float> v = c.floats();
  for (float& f : v) f *= by;
  return constant::of_floats(c.dims, v);
}

/// Weights [out,in] of a dequantized or float constant; the quantized axis must be the outputs.
value weight_rows(call& c, const value& b, bool transposed_already, float factor) {
  value w = b;
  if (c.quantized) {
    if (!w.dequantized || factor != 1.0f) throw no_integer_form{};
    if (c.plan->type != element::uint8 && c.plan->type != element::uint16 && w.q->type == element::uint8) w = c.as_type(w, element::int8);
    if (w.q->type == element::uint16) w = c.as_type(w, element::int16);
    if (w.q->axis >= 0 && w.q->axis != (transposed_already ? 0 : 1)) throw no_integer_form{};
  }
  constant k = transposed_already ? *w.host : transposed(*w.host, {1, 0});
  if (!c.quantized && factor != 1.0f) k = scaled(k, factor);
  if (w.q) {
    auto q = std::make_shared<quantization>(*w.q);
    if (q->axis >= 0) q->axis = 0;
    w.q = q;
  }
  w.host = std::make_shared<const constant>(std::move(k));
  w.dims = w.base = w.host->dims;
  w.order = identity_order(2);
  return w;
}

/// y = x * rows^T + bias. Returns the tensor.
int fully_connected(call& c, value x, value rows, std::size_t bias_input, const std::string& part, const std::string& weight_name) {
  if (c.quantized) x = c.as_type(x, c.plan->type);
  const bool image = x.flat() && x.tensor >= 0 && x.rank() == 2 && !x.order.empty() && x.order[0] == 0 && x.dim(0) == x.base[0] && rows.dim(1) == x.dim(1);
  int in = -1;
  if (image) {
    constant k = *rows.host;
    k.dims = x.base;
    k.dims[0] = rows.dim(0);
    k = transposed(k, x.order);
    k.dims = rows.dims;
    rows.host = std::make_shared<const constant>(std::move(k));
    in = x.tensor;
  } else {
    x = c.im.settled(x);
    in = c.stored(x, identity_order(x.dims.size()));
  }
  const int w = c.im.constant_tensor(*rows.host, weight_name, rows.q && rows.dequantized ? rows.q.get() : nullptr);
  const int bias = read_bias(c, bias_input, in, c.quantized ? rows.q->scales : std::vector<float>{}, rows.dim(0));
  std::vector<int> operands{in, w};
  if (bias >= 0) operands.push_back(bias);
  return c.emit<op::fully_connected>(operands, {.keep_dims = !image && x.rank() != 2}, part);
}

void gemm(call& c) {
  const float alpha = c.real("alpha", 1.0f);
  const float beta = c.real("beta", 1.0f);
  if (!c.has(0) || !c.has(1)) c.fail("inputs are missing", "correct the model");
  value a = c.in[0];
  const value b = c.input(1);
  if (a.rank() != 2 || b.rank() != 2) c.fail("operands of rank " + std::to_string(a.rank()) + " and " + std::to_string(b.rank()), "Gemm takes matrices");
  if (c.quantized && (alpha != 1.0f || beta != 1.0f)) throw no_integer_form{};
  const bool turn_a = c.integer("transA", 0) != 0;
  const bool turn_b = c.integer("transB", 0) != 0;
  if (turn_a) {
    a = c.input(0);
    std::swap(a.dims[0], a.dims[1]);
    for (int& k : a.order) k = 1 - k;
    a.base = a.dims;
    if (a.host) c.fail("a constant first operand that is transposed", "simplify the model (onnxsim)");
  }
  const std::int64_t units = b.dim(turn_b ? 0 : 1);
  bool simple_bias = true;
  if (c.has(2)) {
    std::int64_t count = 1;
    for (std::int64_t d : c.in[2].dims) count *= d;
    simple_bias = c.in[2].host && count == units && c.in[2].dims.back() == units;
    if (simple_bias && beta != 1.0f) {
      value s = c.in[2];
      s.host = std::make_shared<const constant>(scaled(*s.host, beta));
      c.in[2] = s;
    }
  }
  const bool needs_add = c.has(2) && !simple_bias;
  if (needs_add && c.quantized) throw no_integer_form{};
  const std::string part = needs_add ? "product" : "";
  int made = -1;
  if (b.host) {
    const value rows = weight_rows(c, b, turn_b, alpha);
    made = fully_connected(c, a, rows, needs_add ? 99 : 2, part, c.n->inputs[1]);
  } else {
    if (alpha != 1.0f) c.fail("alpha " + std::to_string(alpha) + " with a second operand computed at run time", "use alpha 1");
    a = c.im.settled(a);
    if (a.host && c.quantized) a = c.as_type(a, c.plan->type);
    std::vector<int> operands{c.stored(a, identity_order(2)), c.stored(b, identity_order(2))};
    if (!needs_add && c.has(2)) {
      const int bias = read_bias(c, 2, operands[0], {b.q ? b.q->scales[0] : 1.0f}, units);
      operands.push_back(bias);
    }
    made = c.emit<op::matmul>(operands, {.transpose_in1 = turn_b}, part);
  }
  if (needs_add) {
    value product = c.im.tensor_value(made, {a.dim(0), units}, identity_order(2), element::float32);
    value addend = c.input(2);
    order_t order;
    bool spatial = false;
    std::vector<int> operands = c.aligned({product, addend}, order, spatial);
    if (beta != 1.0f) operands[1] = c.emit<op::elementwise_multiply>({operands[1], c.number(beta, made)}, {}, "scaled");
    made = c.emit<op::elementwise_add>(operands);
  }
  c.set_plain(0, made);
}

void matmul(call& c) {
  if (!c.has(0) || !c.has(1)) c.fail("inputs are missing", "correct the model");
  value a = c.in[0];
  value b = c.input(1);
  if (a.rank() < 1 || b.rank() < 1 || a.rank() > max_rank) c.fail("an operand of unusable rank", "reshape it to 1 to " + std::to_string(max_rank));
  const bool vector_b = b.rank() == 1;
  if (vector_b) {
    if (!b.host) c.fail("a second operand of rank 1 computed at run time", "reshape it to [k,1]");
    constant k = *b.host;
    k.dims.push_back(1);
    b.host = std::make_shared<const constant>(std::move(k));
    b.dims = b.base = b.host->dims;
    b.order = identity_order(2);
  }
  if (a.rank() == 1) c.fail("a first operand of rank 1", "reshape it to [1,k]");
  if (b.host && b.rank() == 2 && !a.host) {
    const value rows = weight_rows(c, b, false, 1.0f);
    int made = fully_connected(c, a, rows, 99, vector_b ? "column" : "", c.n->inputs[1]);
    if (vector_b) {
      dims_t d = to_dims(c.shape_of(made));
      d.pop_back();
      made = c.reshape(made, d, "");
    }
    return c.set_plain(0, made);
  }
  if (vector_b) c.fail("two constant operands", "simplify the model (onnxsim)");
  a = c.im.settled(a);
  if (c.quantized) a = c.as_type(a, c.plan->type);
  if (c.quantized && b.q && c.plan->type != element::uint8 && b.q->type == element::uint8) b = c.as_type(b, element::int8);
  // Exchanged last axes are a flag of the op.
  const auto operand = [&](const value& v, bool& turned) {
    order_t swapped = identity_order(v.dims.size());
    if (swapped.size() >= 2) std::swap(swapped[swapped.size() - 1], swapped[swapped.size() - 2]);
    turned = v.tensor >= 0 && v.order == swapped && swapped != identity_order(v.dims.size());
    return c.stored(v, turned ? swapped : identity_order(v.dims.size()));
  };
  op::matmul::params p;
  bool t0 = false;
  bool t1 = false;
  const int x = operand(a, t0);
  const int y = operand(b, t1);
  p.transpose_in0 = t0;
  p.transpose_in1 = t1;
  c.set_plain(0, c.emit<op::matmul>({x, y}, p));
}

/// QLinearMatMul: a, scale, zero, b, scale, zero, y scale, y zero.
void qlinear_matmul(call& c) {
  if (c.in.size() < 8) c.fail("inputs are missing", "correct the model");
  const auto scaled_input = [&](std::size_t i, int axis) {
    value v = c.input(i);
    v.q = c.im.scales(c, c.n->inputs[i + 1], c.n->inputs[i + 2], axis);
    v.dequantized = true;
    return v;
  };
  const value a = scaled_input(0, -1);
  const value b = scaled_input(3, 1);
  c.plan = c.im.scales(c, c.n->inputs[6], c.n->inputs[7], -1);
  if (c.plan->axis >= 0 || a.q->axis >= 0) c.fail("activations with a scale per channel", "quantize activations per tensor");
  c.in = {a, b};
  c.quantized = true;
  c.form = integer_form::rescale;
  try {
    matmul(c);
  } catch (const no_integer_form&) {
    c.fail("no integer kernel for " + to_string(a.q->type) + " and " + to_string(b.q->type), "requantize the model with uint8 or int8");
  }
  c.out[0].dequantized = false;
}

void dynamic(call& c) {
  c.fail("operators that quantize at run time are not supported", "export the float model, or quantize it statically (QDQ)");
}
}  // namespace

void add_dense(translator_table& t) {
  t["Gemm"] = {gemm, integer_form::rescale};
  t["MatMul"] = {matmul, integer_form::rescale};
  t["QLinearMatMul"] = {qlinear_matmul, integer_form::never};
  for (const char* name : {"DynamicQuantizeLinear", "MatMulInteger", "ConvInteger", "com.microsoft.DynamicQuantizeMatMul",
                           "com.microsoft.MatMulIntegerToFloat", "com.microsoft.DynamicQuantizeLSTM"})
    t[name] = {dynamic, integer_form::never};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
