// SPDX-License-Identifier: Apache-2.0
// Functions of one operand, PRelu forms, and the normalizations.
#include <cmath>

#include "frontend/onnx/single.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {

template <class Op>
void function(call& c) { set_like(c, c.emit<Op>({data_of(c)})); }
void reciprocal(call& c) { set_like(c, c.emit<op::elementwise_unary>({data_of(c)}, {.operation = op::unary::reciprocal})); }

void leaky_relu(call& c) {
  const int in = data_of(c);
  set_like(c, c.emit<op::prelu>({in, c.number(c.real("alpha", 0.01f), in)}));
}
void prelu(call& c) {
  order_t order;
  bool spatial = false;
  const std::vector<int> both = c.aligned({c.input(0), c.input(1)}, order, spatial);
  c.set(0, c.emit<op::prelu>(both), order, spatial);
}

/// (x - mean) / sqrt(variance + epsilon) * scale + bias, folded to x * w + b per channel.
void batch_normalization(call& c) {
  if (c.integer("training_mode", 0) != 0) c.fail("training_mode 1", "export the model for inference");
  const std::vector<float> scale = c.known_floats(1, "scale");
  const std::vector<float> bias = c.known_floats(2, "bias");
  const std::vector<float> mean = c.known_floats(3, "mean");
  const std::vector<float> variance = c.known_floats(4, "variance");
  if (bias.size() != scale.size() || mean.size() != scale.size() || variance.size() != scale.size())
    c.fail("scale, bias, mean and variance of different sizes", "correct the model");
  const double epsilon = static_cast<double>(c.real("epsilon", 1e-5f));
  std::vector<float> w(scale.size());
  std::vector<float> b(scale.size());
  for (std::size_t i = 0; i < scale.size(); ++i) {
    const double factor = static_cast<double>(scale[i]) / std::sqrt(static_cast<double>(variance[i]) + epsilon);
    w[i] = static_cast<float>(factor);
    b[i] = static_cast<float>(static_cast<double>(bias[i]) - static_cast<double>(mean[i]) * factor);
  }
  const int in = c.image(0);
  const dims_t dims{static_cast<std::int64_t>(w.size())};
  c.set_image(c.emit<op::batchnorm>({in, c.numbers("weight", dims, w), c.numbers("bias", dims, b)}));
}

op::norm_params trailing(call& c, int rank, float epsilon) {
  const std::int64_t first = c.integer("axis", -1);
  op::norm_params p;
  p.over = axes{};
  for (std::int64_t a = first < 0 ? first + rank : first; a < rank; ++a) p.over.push_back(static_cast<std::int32_t>(a));
  p.epsilon = c.real("epsilon", epsilon);
  return p;
}
template <class Op>
void over_axes(call& c) {
  const int in = c.plain(0);
  std::vector<int> inputs{in};
  for (std::size_t i = 1; i < 3; ++i)
    if (c.has(i)) inputs.push_back(c.plain(i));
  c.set_plain(0, c.emit<Op>(inputs, trailing(c, c.rank_of(in), 1e-5f)));
}

}  // namespace

void add_functions(translator_table& t) {
  const auto add = [&](const char* name, void (*run)(call&)) { t[name] = {run, integer_form::rescale, false, true}; };
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
  add("Reciprocal", reciprocal);
  t["Not"] = {function<op::elementwise_not>, integer_form::never, false, true};
  t["LeakyRelu"] = {leaky_relu, integer_form::never, false, true};
  t["PRelu"] = {prelu, integer_form::never, false, true};
}

void add_normalizations(translator_table& t) {
  t["BatchNormalization"] = {batch_normalization, integer_form::never, true, true};
  t["LayerNormalization"] = {over_axes<op::layer_norm>, integer_form::never};
  t["RMSNormalization"] = {over_axes<op::rms_norm>, integer_form::never};
  t["SimplifiedLayerNormalization"] = {over_axes<op::rms_norm>, integer_form::never};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
