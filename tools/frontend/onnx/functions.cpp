// SPDX-License-Identifier: Apache-2.0
// Mathematical functions of one operand, Prelu, and the reductions that are a sum between two functions.
#include <cmath>

#include "frontend/onnx/single.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
template <class Op>
void function(call& c) { set_like(c, c.emit<Op>({data_of(c)})); }
void reciprocal(call& c) { set_like(c, c.emit<op::elementwise_unary>({data_of(c)}, {.operation = op::unary::reciprocal})); }
void tangent(call& c) {
  const int in = data_of(c);
  const int s = c.emit<op::elementwise_sin>({in}, {}, "sin");
  const int k = c.emit<op::elementwise_cos>({in}, {}, "cos");
  set_like(c, c.emit<op::elementwise_divide>({s, k}));
}
/// x / (1 + |x|)
void softsign(call& c) {
  const int in = data_of(c);
  const int a = c.emit<op::elementwise_abs>({in}, {}, "abs");
  const int one = c.emit<op::elementwise_add>({a, c.number(1.0f, in)}, {}, "plus_one");
  set_like(c, c.emit<op::elementwise_divide>({in, one}));
}
void is_nan(call& c) { set_like(c, c.emit<op::is_nan>({data_of(c)}, {}, "", dtype::bool_8)); }
void is_inf(call& c) {
  set_like(c, c.emit<op::is_inf>({data_of(c)}, {.detect_negative = c.integer("detect_negative", 1) != 0, .detect_positive = c.integer("detect_positive", 1) != 0}, "",
                                 dtype::bool_8));
}

void leaky_relu(call& c) {
  const int in = data_of(c);
  const float alpha = c.real("alpha", 0.01f);
  int slope = -1;
  if (c.quantized) {  // 127 steps of alpha / 127
    quantization q{element::int8, {alpha == 0.0f ? 1.0f : std::abs(alpha) / 127.0f}, {0}, -1};
    const std::int64_t v = alpha == 0.0f ? 0 : alpha < 0 ? -127 : 127;
    slope = c.im.constant_tensor(constant::of_ints({1}, {v}, element::int8), c.out_name() + "_slope", &q);
  } else {
    slope = c.numbers("slope", {1}, {alpha}, c.type_of(in));
  }
  set_like(c, c.emit<op::prelu>({in, slope}));
}
void prelu(call& c) {
  value x = c.input(0);
  const value slope = c.input(1);
  if (c.quantized) x = c.as_type(x, c.plan->type);
  order_t order;
  bool spatial = false;
  const std::vector<int> t = c.aligned({x, slope}, order, spatial);
  c.set(0, c.emit<op::prelu>(t), order, spatial);
}
}  // namespace

void add_functions(translator_table& t) {
  const auto add = [&](const char* name, void (*run)(call&), integer_form form = integer_form::rescale) { t[name] = {run, form, false, true}; };
  add("Abs", function<op::elementwise_abs>);
  add("Asin", function<op::elementwise_asin>);
  add("Atan", function<op::elementwise_atan>);
  add("Ceil", function<op::elementwise_ceil>);
  add("Cos", function<op::elementwise_cos>);
  add("Exp", function<op::elementwise_exp>);
  add("Floor", function<op::elementwise_floor>);
  add("Log", function<op::elementwise_log>);
  add("Neg", function<op::elementwise_neg>);
  add("Round", function<op::elementwise_round>);
  add("Sign", function<op::elementwise_sign>);
  add("Sin", function<op::elementwise_sin>);
  add("Sqrt", function<op::elementwise_square_root>);
  add("Not", function<op::elementwise_not>, integer_form::never);
  add("Reciprocal", reciprocal);
  add("Tan", tangent, integer_form::never);
  add("Softsign", softsign, integer_form::never);
  add("Erf", function<op::erf>);
  add("IsNaN", is_nan, integer_form::never);
  add("IsInf", is_inf, integer_form::never);
  add("LeakyRelu", leaky_relu);
  add("PRelu", prelu);
}

}  // namespace qnnx::inline QNNX_ABI::onnx
