// SPDX-License-Identifier: Apache-2.0
// Functions without an op of their own, as a few ops that have one. Float only: their steps have no scales.
#include <numbers>

#include "frontend/onnx/single.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
int times(call& c, int a, int b, const char* part = "") {
  return c.emit<op::elementwise_multiply>({a, b}, {}, part);
}
int plus(call& c, int a, int b, const char* part = "") {
  return c.emit<op::elementwise_add>({a, b}, {}, part);
}
int minus(call& c, int a, int b, const char* part = "") {
  return c.emit<op::elementwise_subtract>({a, b}, {}, part);
}

void arc_cosine(call& c) {
  const int in = data_of(c);
  const int half_turn = c.numbers("half_pi", {1}, {static_cast<float>(std::numbers::pi / 2)}, c.type_of(in));
  set_like(c, minus(c, half_turn, c.emit<op::elementwise_asin>({in}, {}, "asin")));
}
/// (e^x +- e^-x) / 2
void hyperbolic(call& c) {
  const int in = data_of(c);
  const int grows = c.emit<op::elementwise_exp>({in}, {}, "exp");
  const int falls = c.emit<op::elementwise_exp>({c.emit<op::elementwise_neg>({in}, {}, "neg")}, {}, "exp_of_neg");
  const int both = c.n->op_type == "Cosh" ? plus(c, grows, falls, "both") : minus(c, grows, falls, "both");
  set_like(c, times(c, both, c.number(0.5f, in)));
}
/// sign(x) * log(|x| + sqrt(x^2 + 1))
void area_sine(call& c) {
  const int in = data_of(c);
  const int size = c.emit<op::elementwise_abs>({in}, {}, "abs");
  const int square = plus(c, times(c, in, in, "square"), c.number(1.0f, in), "plus_one");
  const int sum = plus(c, size, c.emit<op::elementwise_square_root>({square}, {}, "root"), "sum");
  set_like(c, times(c, c.emit<op::elementwise_sign>({in}, {}, "sign"), c.emit<op::elementwise_log>({sum}, {}, "log")));
}
/// log(x + sqrt(x^2 - 1))
void area_cosine(call& c) {
  const int in = data_of(c);
  const int square = minus(c, times(c, in, in, "square"), c.number(1.0f, in), "minus_one");
  const int sum = plus(c, in, c.emit<op::elementwise_square_root>({square}, {}, "root"), "sum");
  set_like(c, c.emit<op::elementwise_log>({sum}));
}
/// log((1 + x) / (1 - x)) / 2
void area_tangent(call& c) {
  const int in = data_of(c);
  const int one = c.number(1.0f, in);
  const int ratio =
      c.emit<op::elementwise_divide>({plus(c, one, in, "above"), minus(c, one, in, "below")}, {}, "ratio");
  set_like(c, times(c, c.emit<op::elementwise_log>({ratio}, {}, "log"), c.number(0.5f, in)));
}
/// x > alpha ? x : 0
void thresholded_relu(call& c) {
  const int in = data_of(c);
  const int above =
      c.emit<op::elementwise_greater>({in, c.number(c.real("alpha", 1.0f), in)}, {}, "above", dtype::bool_8);
  set_like(c, c.emit<op::elementwise_select>({above, in, c.numbers("zero", {1}, {0.0f}, c.type_of(in))}));
}
/// x < -lambd ? x + bias : x > lambd ? x - bias : 0
void shrink(call& c) {
  const int in = data_of(c);
  const float edge = c.real("lambd", 0.5f);
  const dtype type = c.type_of(in);
  const int bias = c.numbers("bias", {1}, {c.real("bias", 0.0f)}, type);
  const int below =
      c.emit<op::elementwise_less>({in, c.numbers("low", {1}, {-edge}, type)}, {}, "is_below", dtype::bool_8);
  const int above =
      c.emit<op::elementwise_greater>({in, c.numbers("high", {1}, {edge}, type)}, {}, "is_above", dtype::bool_8);
  const int rest = c.emit<op::elementwise_select>(
      {above, minus(c, in, bias, "lowered"), c.numbers("zero", {1}, {0.0f}, type)}, {}, "rest");
  set_like(c, c.emit<op::elementwise_select>({below, plus(c, in, bias, "raised"), rest}));
}
/// 1 where the first largest value is.
void hardmax(call& c) {
  const value x = c.input(0);
  const std::size_t rank = x.dims.size();
  const int axis = c.axis(c.integer("axis", c.opset < 13 ? 1 : -1), rank);
  dims_t dims = x.dims;
  int t = c.stored(x, identity_order(rank));
  int at = axis;
  const bool flat = c.opset < 13 && axis + 1 != x.rank();  // older opsets: over all axes from `axis` on
  if (flat) {
    dims = {1, 1};
    for (int d = 0; d < x.rank(); ++d) dims[d < axis ? 0 : 1] *= x.dim(d);
    t = c.reshape(t, dims, "in_2d");
    at = 1;
  }
  const int place =
      c.emit<op::argmax>({t}, {.axis = static_cast<std::uint32_t>(at), .keep_dims = false}, "place", dtype::int_32);
  const int one = c.emit<op::one_hot>(
      {place},
      {.depth = static_cast<std::uint32_t>(dims[static_cast<std::size_t>(at)]), .axis = static_cast<std::uint32_t>(at)},
      flat ? "2d" : "", c.type_of(t));
  c.set_plain(0, flat ? c.reshape(one, x.dims, "") : one);
}
/// Upper or lower triangle of the last two axes: a choice by a constant mask.
void triangle(call& c) {
  const value x = c.input(0);
  if (x.rank() < 2) c.fail("an input of rank " + std::to_string(x.rank()), "use matrices");
  const std::int64_t rows = x.dim(x.rank() - 2);
  const std::int64_t columns = x.dim(x.rank() - 1);
  const std::vector<std::int64_t> k = c.has(1) ? c.known_ints(1, "k") : std::vector<std::int64_t>{0};
  if (k.size() != 1) c.fail("k is not one number", "correct the model");
  const bool upper = c.integer("upper", 1) != 0;
  std::vector<std::int64_t> kept;
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t i = 0; i < columns; ++i) kept.push_back(upper ? i - r >= k[0] : i - r <= k[0]);
  const int in = c.stored(x, identity_order(x.dims.size()));
  const int mask =
      c.im.constant_tensor(constant::of_ints({rows, columns}, kept, element::boolean), c.out_name() + "_mask");
  c.set_plain(0, c.emit<op::elementwise_select>({mask, in, c.numbers("zero", {1}, {0.0f}, c.type_of(in))}));
}
/// Ones on a diagonal, of the size of a tensor whose data are not read.
void eye_like(call& c) {
  const dims_t d = c.input(0).dims;
  if (d.size() != 2) c.fail("an input of rank " + std::to_string(d.size()), "use a matrix");
  const auto type = static_cast<element>(c.integer("dtype", static_cast<std::int64_t>(c.in[0].type)));
  const std::int64_t k = c.integer("k", 0);
  std::vector<std::int64_t> v;
  for (std::int64_t r = 0; r < d[0]; ++r)
    for (std::int64_t i = 0; i < d[1]; ++i) v.push_back(i - r == k);
  const bool real = type == element::float32 || type == element::float64;
  if (!real && plain_type(type) == dtype::undefined) c.fail("type " + to_string(type), "use numbers");
  value out;
  out.host = std::make_shared<const constant>(real ? constant::of_floats(d, std::vector<float>(v.begin(), v.end()))
                                                   : constant::of_ints(d, v, type));
  out.type = real ? element::float32 : type;
  c.set_alias(0, out);
}
void open_ended(call& c) {
  c.fail("its result has a size that only the data give", "end the graph before it with --out_node");
}
}  // namespace

void add_compositions(translator_table& t) {
  const auto add = [&](const char* name, void (*run)(call&)) { t[name] = {run, integer_form::never, false, true}; };
  add("Acos", arc_cosine);
  add("Sinh", hyperbolic);
  add("Cosh", hyperbolic);
  add("Asinh", area_sine);
  add("Acosh", area_cosine);
  add("Atanh", area_tangent);
  add("ThresholdedRelu", thresholded_relu);
  add("Shrink", shrink);
  t["Hardmax"] = {hardmax, integer_form::never};
  t["Trilu"] = {triangle, integer_form::never};
  t["EyeLike"] = {eye_like, integer_form::never};
  for (const char* name : {"NonZero", "Unique", "Compress", "NonMaxSuppression"})
    t[name] = {open_ended, integer_form::never};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
