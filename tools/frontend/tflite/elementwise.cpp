// SPDX-License-Identifier: Apache-2.0
// Operators that work element by element, and softmax.
#include "frontend/tflite/importer.hpp"
#include "qnnx/op/activations.hpp"
#include "qnnx/op/elementwise_binary.hpp"
#include "qnnx/op/elementwise_unary.hpp"
#include "qnnx/op/reduce.hpp"
#include "qnnx/op/select.hpp"
#include "qnnx/op/softmax.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

namespace {

template <class Op>
void binary(importer& t) {
  const int a = t.value(0);
  const int b = t.value(1);
  if (t.out_type() == dtype::int_32 && t.opt().act != fused_activation::none)
    t.fail("a fused activation of integers is not supported", "export the activation as an operator of its own");
  t.fuse(t.emit<Op>({a, b}), t.opt().act);
}

/// 16-bit sums with scales that are powers of two have a kernel of their own in TFLite.
template <class Op>
void sum(importer& t) {
  if (t.out_type() == dtype::sfixed_16 && t.opt().pot_scale_int16)
    t.warn("'" + t.out().name + "': 16-bit operands marked as power-of-two scales are added with general scales");
  binary<Op>(t);
}

template <class Op>
void unary(importer& t) { t.emit<Op>({t.value(0)}); }

void relu_n1_to_1(importer& t) { t.emit<op::relu_min_max>({t.value(0)}, {.min_value = -1.0f, .max_value = 1.0f}); }
void relu6(importer& t) { t.emit<op::relu_min_max>({t.value(0)}, {.min_value = 0.0f, .max_value = 6.0f}); }
void relu_0_to_1(importer& t) { t.emit<op::relu_min_max>({t.value(0)}, {.min_value = 0.0f, .max_value = 1.0f}); }
void elu(importer& t) { t.emit<op::elu>({t.value(0)}, {.alpha = 1.0f}); }

/// x > 0 ? x : alpha * x: Prelu with a constant slope. Quantized: the slope is the integer +-1 at the scale |alpha|.
void leaky_relu(importer& t) {
  const int x = t.value(0);
  const float alpha = t.opt().factor;
  const dtype type = t.at(x).type;
  if (qnnx::is_float(type)) {
    t.emit<op::prelu>({x, t.constant_of<float>("slope", dtype::float_32, {1}, {alpha})});
    return;
  }
  if (type == dtype::ufixed_8 ? !(alpha > 0) : alpha == 0.0f || !(alpha == alpha)) t.fail("a slope of " + std::to_string(alpha), "use a positive slope");
  const net_encoding enc = net_encoding::tensor(alpha < 0 ? -alpha : alpha, 0);
  const auto sign = static_cast<std::int8_t>(alpha < 0 ? -1 : 1);
  if (type == dtype::sfixed_16) t.emit<op::prelu>({x, t.constant_of<std::int16_t>("slope", type, {1}, {sign}, enc)});
  else t.emit<op::prelu>({x, t.constant_of<std::int8_t>("slope", type, {1}, {sign}, enc)});
}

void prelu(importer& t) {
  const int x = t.value(0);
  t.emit<op::prelu>({x, t.value(1)});
}

/// SELECT_V2 broadcasts; the older SELECT has a condition of one axis that chooses rows.
void select_v2(importer& t) { t.emit<op::elementwise_select>({t.value(0), t.value(1), t.value(2)}); }
void select(importer& t) {
  const shape condition = t.at(t.value(0)).dims;  // copies: value() may add a tensor
  const shape data = t.at(t.value(1)).dims;
  if (condition.rank() == 1 && data.rank() > 1 && condition[0] > 1) t.fail("a condition that chooses rows", "export the model with SELECT_V2");
  select_v2(t);
}

void square(importer& t) { t.emit<op::elementwise_multiply>({t.value(0), t.value(0)}); }

/// The tanh form has no op: x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))).
void gelu(importer& t) {
  const int x = t.value(0);
  if (!t.opt().approximate || !t.is_float()) {
    if (t.opt().approximate) t.warn("'" + t.out().name + "': the tanh form of GELU is computed in its exact form");
    t.emit<op::gelu>({x});
    return;
  }
  const dtype type = t.at(x).type;
  const auto number = [&](const char* name, float v) { return t.constant_of<float>(name, dtype::float_32, {1}, {v}); };
  const int square = t.intermediate<op::elementwise_multiply>({x, x}, {}, type, {}, "square");
  const int cubic = t.intermediate<op::elementwise_multiply>({square, number("c3", 0.7978845608f * 0.044715f)}, {}, type, {}, "scaled");
  const int sum = t.intermediate<op::elementwise_add>({cubic, number("c1", 0.7978845608f)}, {}, type, {}, "sum");
  const int inner = t.intermediate<op::elementwise_multiply>({sum, x}, {}, type, {}, "inner");
  const int tanh = t.intermediate<op::tanh>({inner}, {}, type, {}, "tanh");
  const int one = t.intermediate<op::elementwise_add>({tanh, number("one", 1.0f)}, {}, type, {}, "shifted");
  const int twice = t.intermediate<op::elementwise_multiply>({one, x}, {}, type, {}, "twice");
  t.emit<op::elementwise_multiply>({twice, number("half", 0.5f)});
}

/// x / max(sqrt(sum of x^2 over the last axis), 1e-6)
void l2_normalization(importer& t) {
  if (!t.is_float()) t.fail("quantized data is not supported", "keep this operator in float");
  const int x = t.value(0);
  const dtype type = t.at(x).type;
  if (t.at(x).dims.rank() < 1) t.fail("data without dimensions", "repair the model");
  const op::reduce_params last{.axes = {t.at(x).dims.rank() - 1}, .keep_dims = true};
  const int square = t.intermediate<op::elementwise_multiply>({x, x}, {}, type, {}, "square");
  const int sum = t.intermediate<op::reduce_sum>({square}, last, type, {}, "sum");
  const int root = t.intermediate<op::elementwise_square_root>({sum}, {}, type, {}, "root");
  const int least = t.constant_of<float>("least", dtype::float_32, {1}, {1e-6f});
  const int norm = t.intermediate<op::elementwise_maximum>({root, least}, {}, type, {}, "norm");
  t.fuse(t.emit<op::elementwise_divide>({x, norm}), t.opt().act);
}

void softmax(importer& t) { t.emit<op::softmax>({t.value(0)}, {.axis = -1, .beta = t.opt().factor}); }
void log_softmax(importer& t) { t.emit<op::log_softmax>({t.value(0)}, {.axis = -1, .beta = 1.0f}); }

}  // namespace

translator find_elementwise(builtin code) {
  switch (code) {
    case builtin::ADD: return sum<op::elementwise_add>;
    case builtin::SUB: return sum<op::elementwise_subtract>;
    case builtin::MUL: return binary<op::elementwise_multiply>;
    case builtin::DIV: return binary<op::elementwise_divide>;
    case builtin::MAXIMUM: return binary<op::elementwise_maximum>;
    case builtin::MINIMUM: return binary<op::elementwise_minimum>;
    case builtin::POW: return binary<op::elementwise_power>;
    case builtin::SQUARED_DIFFERENCE: return binary<op::elementwise_squared_difference>;
    case builtin::FLOOR_DIV: return binary<op::elementwise_floor_div>;
    case builtin::FLOOR_MOD: return binary<op::elementwise_mod>;
    case builtin::EQUAL: return binary<op::elementwise_equal>;
    case builtin::NOT_EQUAL: return binary<op::elementwise_not_equal>;
    case builtin::GREATER: return binary<op::elementwise_greater>;
    case builtin::GREATER_EQUAL: return binary<op::elementwise_greater_equal>;
    case builtin::LESS: return binary<op::elementwise_less>;
    case builtin::LESS_EQUAL: return binary<op::elementwise_less_equal>;
    case builtin::LOGICAL_AND: return binary<op::elementwise_and>;
    case builtin::LOGICAL_OR: return binary<op::elementwise_or>;
    case builtin::RELU: return unary<op::relu>;
    case builtin::RELU6: return relu6;
    case builtin::RELU_N1_TO_1: return relu_n1_to_1;
    case builtin::RELU_0_TO_1: return relu_0_to_1;
    case builtin::LOGISTIC: return unary<op::sigmoid>;
    case builtin::TANH: return unary<op::tanh>;
    case builtin::HARD_SWISH: return unary<op::hard_swish>;
    case builtin::ELU: return elu;
    case builtin::ABS: return unary<op::elementwise_abs>;
    case builtin::CEIL: return unary<op::elementwise_ceil>;
    case builtin::COS: return unary<op::elementwise_cos>;
    case builtin::EXP: return unary<op::elementwise_exp>;
    case builtin::FLOOR: return unary<op::elementwise_floor>;
    case builtin::LOG: return unary<op::elementwise_log>;
    case builtin::LOGICAL_NOT: return unary<op::elementwise_not>;
    case builtin::NEG: return unary<op::elementwise_neg>;
    case builtin::ROUND: return unary<op::elementwise_round>;
    case builtin::RSQRT: return unary<op::elementwise_rsqrt>;
    case builtin::SIN: return unary<op::elementwise_sin>;
    case builtin::SQRT: return unary<op::elementwise_square_root>;
    case builtin::GELU: return gelu;
    case builtin::LEAKY_RELU: return leaky_relu;
    case builtin::PRELU: return prelu;
    case builtin::SQUARE: return square;
    case builtin::SELECT: return select;
    case builtin::SELECT_V2: return select_v2;
    case builtin::L2_NORMALIZATION: return l2_normalization;
    case builtin::SOFTMAX: return softmax;
    case builtin::LOG_SOFTMAX: return log_softmax;
    default: return nullptr;
  }
}

translator find_translator(std::int32_t code) {
  const auto b = static_cast<builtin>(code);
  for (const auto find : {find_convolution, find_elementwise, find_movement, find_reduction})
    if (const translator f = find(b)) return f;
  return nullptr;
}

}  // namespace qnnx::inline QNNX_ABI::tflite
