// SPDX-License-Identifier: Apache-2.0
// One-operand element-wise ops: the axis order, and a pending flattening, of the operand stay as they are.
#include <cmath>
#include <limits>

#include "frontend/onnx/single.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

int data_of(call& c) {
  if (!c.has(0)) c.fail("input 0 is missing", "correct the model");
  value& v = c.in[0];
  if (v.rank() > max_rank) c.fail("an input of rank " + std::to_string(v.rank()), "use rank " + std::to_string(max_rank) + " or less");
  if (v.host) {
    const int t = c.stored(v, identity_order(v.dims.size()));
    v.host = nullptr;
    v.tensor = t;
    v.dims = v.base = to_dims(c.shape_of(t));
    v.order = identity_order(v.dims.size());
    return t;
  }
  if (c.quantized) v = c.as_type(v, c.plan->type);
  return v.tensor;
}

void set_like(call& c, int tensor) {
  const value& v = c.in[0];
  c.set(0, tensor, v.order, v.spatial);
  if (!c.out.empty()) c.out[0].dims = v.dims;
}

namespace {
constexpr float unlimited = std::numeric_limits<float>::max();

template <class Op>
void simple(call& c) { set_like(c, c.emit<Op>({data_of(c)})); }

/// True where integers of this encoding cannot leave [lo, hi]: the clamp changes nothing.
bool inside(const quantization& q, float lo, float hi) {
  const std::int64_t least = q.type == element::int8 ? -128 : q.type == element::int16 ? -32768 : 0;
  const std::int64_t most = q.type == element::int8 ? 127 : q.type == element::int16 ? 32767 : q.type == element::uint16 ? 65535 : 255;
  return static_cast<float>(least - q.zeros[0]) * q.scales[0] >= lo && static_cast<float>(most - q.zeros[0]) * q.scales[0] <= hi;
}

void clamp(call& c, float lo, float hi) {
  const int in = data_of(c);
  const value v = c.in[0];
  if (c.quantized && v.q && *v.q == *c.plan && inside(*c.plan, lo, hi)) return c.set_alias(0, v);
  const dtype type = c.type_of(in);
  if (type == dtype::int_32) {
    int t = in;
    if (lo > -unlimited) t = c.emit<op::elementwise_maximum>({t, c.numbers("min", {1}, {lo}, type)}, {}, hi < unlimited ? "low" : "");
    if (hi < unlimited) t = c.emit<op::elementwise_minimum>({t, c.numbers("max", {1}, {hi}, type)});
    return t == in ? c.set_alias(0, v) : set_like(c, t);
  }
  if (lo == 0.0f && hi >= unlimited) return set_like(c, c.emit<op::relu>({in}));
  if (lo <= -unlimited && hi >= unlimited) return c.set_alias(0, v);
  set_like(c, c.emit<op::relu_min_max>({in}, {.min_value = lo, .max_value = hi}));
}
void relu(call& c) { clamp(c, 0.0f, unlimited); }
void clip(call& c) {
  float lo = -unlimited;
  float hi = unlimited;
  if (c.opset < 11) {
    lo = c.real("min", lo);
    hi = c.real("max", hi);
  } else {
    const auto bound = [&](std::size_t i, float otherwise) {
      if (!c.has(i)) return otherwise;
      const std::vector<float> v = c.known_floats(i, i == 1 ? "min" : "max");
      if (v.size() != 1 || std::isnan(v[0])) c.fail("a bound that is not one number", "correct the model");
      return std::min(std::max(v[0], -unlimited), unlimited);
    };
    lo = bound(1, lo);
    hi = bound(2, hi);
  }
  if (lo > hi) lo = hi;  // as ONNX says
  clamp(c, lo, hi);
}

void elu(call& c) { set_like(c, c.emit<op::elu>({data_of(c)}, {.alpha = c.real("alpha", 1.0f)})); }
void selu(call& c) {
  const int in = data_of(c);
  const int e = c.emit<op::elu>({in}, {.alpha = c.real("alpha", 1.67326319217681884765625f)}, "elu");
  set_like(c, c.emit<op::elementwise_multiply>({e, c.number(c.real("gamma", 1.05070102214813232421875f), in)}));
}
void celu(call& c) {
  const float alpha = c.real("alpha", 1.0f);
  if (!(alpha > 0)) c.fail("alpha " + std::to_string(alpha), "use a positive alpha");
  const int in = data_of(c);
  const int x = c.emit<op::elementwise_multiply>({in, c.number(1.0f / alpha, in)}, {}, "scaled");
  const int e = c.emit<op::elu>({x}, {}, "elu");
  set_like(c, c.emit<op::elementwise_multiply>({e, c.number(alpha, in)}));
}
void hard_sigmoid(call& c) {
  set_like(c, c.emit<op::elementwise_neuron>({data_of(c)}, {.operation = op::neuron::hard_sigmoid, .alpha = c.real("alpha", 0.2f), .beta = c.real("beta", 0.5f)}));
}
void mish(call& c) {
  const int in = data_of(c);
  const int s = c.emit<op::elementwise_softplus>({in}, {}, "softplus");
  const int t = c.emit<op::tanh>({s}, {}, "tanh");
  set_like(c, c.emit<op::elementwise_multiply>({in, t}));
}
/// x * sigmoid(alpha * x)
void swish(call& c) {
  const int in = data_of(c);
  const float alpha = c.real("alpha", c.n->op_type == "QuickGelu" ? 1.702f : 1.0f);
  const int x = alpha == 1.0f ? in : c.emit<op::elementwise_multiply>({in, c.number(alpha, in)}, {}, "scaled");
  const int s = c.emit<op::sigmoid>({x}, {}, "sigmoid");
  set_like(c, c.emit<op::elementwise_multiply>({in, s}));
}
/// x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))
void tanh_gelu(call& c, int in) {
  const int square = c.emit<op::elementwise_multiply>({in, in}, {}, "square");
  const int scaled = c.emit<op::elementwise_multiply>({square, c.number(0.044715f * 0.7978845608f, in)}, {}, "scaled");
  const int factor = c.emit<op::elementwise_add>({scaled, c.number(0.7978845608f, in)}, {}, "factor");
  const int inner = c.emit<op::elementwise_multiply>({in, factor}, {}, "inner");
  const int t = c.emit<op::tanh>({inner}, {}, "tanh");
  const int one = c.emit<op::elementwise_add>({t, c.number(1.0f, in)}, {}, "plus_one");
  const int half_x = c.emit<op::elementwise_multiply>({in, c.number(0.5f, in)}, {}, "half");
  set_like(c, c.emit<op::elementwise_multiply>({half_x, one}));
}
void gelu(call& c) {
  const std::string form = c.word("approximate", "none");
  const int in = data_of(c);
  if (form == "none") return set_like(c, c.emit<op::gelu>({in}));
  if (form != "tanh") c.fail("approximate '" + form + "'", "use none or tanh");
  if (c.quantized) throw no_integer_form{};
  tanh_gelu(c, in);
}
void fast_gelu(call& c) {
  if (c.has(1)) c.fail("FastGelu with a bias", "add the bias before");
  tanh_gelu(c, data_of(c));
}

template <class Op>
void softmax(call& c) {
  value v = c.input(0);
  if (c.quantized) v = c.as_type(v, c.plan->type);
  const int axis = c.axis(c.integer("axis", c.opset < 13 ? 1 : -1), v.dims.size());
  std::int64_t after = 1;
  for (int d = axis + 1; d < v.rank(); ++d) after *= v.dim(d);
  if (c.opset < 13 && after != 1) {  // older opsets: over all axes from `axis` on
    dims_t two{1, 1};
    for (int d = 0; d < v.rank(); ++d) two[d < axis ? 0 : 1] *= v.dim(d);
    const int flat = c.reshape(c.stored(v, identity_order(v.dims.size())), two, "in_2d");
    const int s = c.emit<Op>({flat}, {.axis = 1}, "2d");
    return c.set_plain(0, c.reshape(s, v.dims, ""));
  }
  std::int32_t at = 0;
  while (v.order[static_cast<std::size_t>(at)] != axis) ++at;
  c.set(0, c.emit<Op>({c.stored(v, v.order)}, {.axis = at}), v.order, v.spatial);
}
}  // namespace

void add_activations(translator_table& t) {
  const auto add = [&](const char* name, void (*run)(call&), integer_form form = integer_form::rescale) { t[name] = {run, form, false, true}; };
  add("Relu", relu);
  add("Clip", clip);
  add("Sigmoid", simple<op::sigmoid>);
  add("Tanh", simple<op::tanh>);
  add("Softplus", simple<op::elementwise_softplus>);
  add("HardSwish", simple<op::hard_swish>);
  add("HardSigmoid", hard_sigmoid);
  add("Elu", elu);
  add("Selu", selu, integer_form::never);
  add("Celu", celu, integer_form::never);
  add("Mish", mish, integer_form::never);
  add("Swish", swish, integer_form::never);
  add("com.microsoft.QuickGelu", swish, integer_form::never);
  add("Gelu", gelu);
  add("com.microsoft.Gelu", gelu);
  add("com.microsoft.FastGelu", fast_gelu, integer_form::never);
  add("Softmax", softmax<op::softmax>);
  add("LogSoftmax", softmax<op::log_softmax>);
  add_functions(t);
  add_compositions(t);
}

}  // namespace qnnx::inline QNNX_ABI::onnx
