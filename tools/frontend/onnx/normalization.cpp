// SPDX-License-Identifier: Apache-2.0
// Normalizations. BatchNormalization becomes y = x*w + b; those without an op of their own become means and products.
#include <cmath>

#include "frontend/onnx/window.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
void batch_norm(call& c) {
  const value x = c.input(0);
  if (x.rank() < 2) c.fail("an input of rank " + std::to_string(x.rank()), "use [N,C,...]");
  if (c.integer("training_mode", 0) != 0 || c.reads_output(1)) c.fail("training mode", "export the model for inference");
  if (c.integer("spatial", 1) == 0) c.fail("spatial 0", "use one scale per channel");
  const std::vector<float> scale = c.known_floats(1, "scale");
  const std::vector<float> shift = c.known_floats(2, "B");
  const std::vector<float> mean = c.known_floats(3, "mean");
  const std::vector<float> variance = c.known_floats(4, "variance");
  const auto channels = static_cast<std::size_t>(x.dim(1));
  if (scale.size() != channels || shift.size() != channels || mean.size() != channels || variance.size() != channels)
    c.fail("statistics of another size than the " + std::to_string(channels) + " channels", "correct the model");
  const double epsilon = static_cast<double>(c.real("epsilon", 1e-5f));
  std::vector<float> w(channels);
  std::vector<float> b(channels);
  for (std::size_t i = 0; i < channels; ++i) {
    const double f = static_cast<double>(scale[i]) / std::sqrt(static_cast<double>(variance[i]) + epsilon);
    w[i] = static_cast<float>(f);
    b[i] = static_cast<float>(static_cast<double>(shift[i]) - static_cast<double>(mean[i]) * f);
  }
  const order_t order = channel_last(x.dims.size());
  const int in = c.stored(x, order);
  const dtype type = c.type_of(in);
  const auto n = static_cast<std::int64_t>(channels);
  c.set(0, c.emit<op::batchnorm>({in, c.numbers("weight", {n}, w, type), c.numbers("bias", {n}, b, type)}), order, x.rank() > 2);
}

/// LayerNormalization's other results: mean and 1 / sqrt(variance + epsilon).
void statistics(call& c, int x, const op::norm_params& p) {
  if (c.quantized) throw no_integer_form{};
  const op::reduce_params over{p.over, true};
  const int mean = c.emit<op::reduce_mean>({x}, over, "mean");
  const int d = c.emit<op::elementwise_subtract>({x, mean}, {}, "centered");
  const int variance = c.emit<op::reduce_mean>({c.emit<op::elementwise_multiply>({d, d}, {}, "squares")}, over, "variance");
  const int sum = c.emit<op::elementwise_add>({variance, c.number(p.epsilon, x)}, {}, "with_epsilon");
  c.set_plain(1, mean);
  c.set_plain(2, c.emit<op::elementwise_rsqrt>({sum}, {}, "rsqrt"));
}

template <class Op>
void over_last_axes(call& c, float epsilon) {
  const value x = c.input(0);
  const bool others = c.reads_output(1) || c.reads_output(2);
  if (others && !std::is_same_v<Op, op::layer_norm>) c.fail("outputs other than the first", "only the normalized data are supported");
  const int first = c.axis(c.integer("axis", -1), x.dims.size());
  std::int64_t count = 1;
  op::norm_params p;
  p.over = {};
  for (int d = first; d < x.rank(); ++d) {
    p.over.push_back(d);
    count *= x.dim(d);
  }
  p.epsilon = c.real("epsilon", epsilon);
  if (c.quantized) c.in[0] = c.as_type(x, c.plan->type);
  std::vector<int> operands{c.plain(0)};
  if (others) statistics(c, operands[0], p);
  if (c.quantized && c.has(1)) {  // integers: a scale of its own for gamma, that of the products for beta
    value g = c.input(1);
    if (!g.host || !g.dequantized || g.q->axis >= 0) throw no_integer_form{};
    if (c.plan->type == element::int8 && g.q->type == element::uint8) g = c.as_type(g, element::int8);
    if (g.host->size() != count) throw no_integer_form{};
    operands.push_back(c.im.constant_tensor(*g.host, c.n->inputs[1], g.q.get()));
    if (const int bias = read_bias(c, 2, operands[0], g.q->scales, count); bias >= 0) operands.push_back(bias);
    return c.set_plain(0, c.emit<Op>(operands, p));
  }
  for (std::size_t i = 1; i < c.in.size() && i < 3; ++i) {
    if (!c.has(i)) break;
    value g = c.input(i);
    std::int64_t size = 1;
    for (std::int64_t d : g.dims) size *= d;
    if (size != count) c.fail("a scale or bias of " + std::to_string(size) + " values for " + std::to_string(count), "give one value per normalized element");
    operands.push_back(c.stored(g, identity_order(g.dims.size())));
  }
  c.set_plain(0, c.emit<Op>(operands, p));
}
void layer_norm(call& c) { over_last_axes<op::layer_norm>(c, 1e-5f); }
void rms_norm(call& c) { over_last_axes<op::rms_norm>(c, 1e-5f); }

/// (x - mean) / sqrt(variance + epsilon) over `axes` of a stored tensor.
int normalized(call& c, int x, const qnnx::axes& axes, float epsilon, const std::string& part) {
  const op::reduce_params over{axes, true};
  const int mean = c.emit<op::reduce_mean>({x}, over, "mean");
  const int d = c.emit<op::elementwise_subtract>({x, mean}, {}, "centered");
  const int square = c.emit<op::elementwise_multiply>({d, d}, {}, "squares");
  const int variance = c.emit<op::reduce_mean>({square}, over, "variance");
  const int sum = c.emit<op::elementwise_add>({variance, c.number(epsilon, x)}, {}, "with_epsilon");
  const int factor = c.emit<op::elementwise_rsqrt>({sum}, {}, "rsqrt");
  return c.emit<op::elementwise_multiply>({d, factor}, {}, part);
}
int scaled(call& c, int x, int scale, int bias) {
  const int y = c.emit<op::elementwise_multiply>({x, scale}, {}, "scaled");
  return c.emit<op::elementwise_add>({y, bias});
}

void instance_norm(call& c) {
  const value x = c.input(0);
  if (x.rank() < 3) c.fail("an input of rank " + std::to_string(x.rank()), "use [N,C,...]");
  const order_t order = channel_last(x.dims.size());
  qnnx::axes over;
  for (int d = 1; d + 1 < x.rank(); ++d) over.push_back(d);
  const int y = normalized(c, c.stored(x, order), over, c.real("epsilon", 1e-5f), "normalized");
  c.set(0, scaled(c, y, c.plain(1), c.plain(2)), order, true);
}

/// (x - mean) / standard deviation over `axes`.
void mean_variance(call& c) {
  const value x = c.input(0);
  std::vector<bool> over(x.dims.size(), false);
  for (std::int64_t a : c.integers("axes").value_or(std::vector<std::int64_t>{0, 2, 3})) over[static_cast<std::size_t>(c.axis(a, x.dims.size()))] = true;
  qnnx::axes stored;
  for (int d = 0; d < x.rank(); ++d)
    if (over[static_cast<std::size_t>(x.order[static_cast<std::size_t>(d)])]) stored.push_back(d);
  c.set(0, normalized(c, c.stored(x, x.order), stored, 1e-9f, ""), x.order, x.spatial);
}

void group_norm(call& c) {
  const value x = c.input(0);
  if (x.rank() < 3) c.fail("an input of rank " + std::to_string(x.rank()), "use [N,C,...]");
  const std::int64_t channels = x.dim(1);
  const std::int64_t groups = c.integer_in("num_groups", 0, 1, channels);
  if (channels % groups != 0) c.fail(std::to_string(groups) + " groups of " + std::to_string(channels) + " channels", "use a divisor");
  const order_t order = channel_last(x.dims.size());
  const int in = c.stored(x, order);
  const dims_t dims = to_dims(c.shape_of(in));
  std::int64_t area = 1;
  for (int d = 2; d < x.rank(); ++d) area *= x.dim(d);
  const int grouped = c.reshape(in, {x.dim(0), area, groups, channels / groups}, "grouped");
  const int y = c.reshape(normalized(c, grouped, {1, 3}, c.real("epsilon", 1e-5f), "normalized"), dims, "ungrouped");
  const auto per_channel = [&](std::size_t i, const char* part) {
    std::vector<float> v = c.known_floats(i, part);
    if (static_cast<std::int64_t>(v.size()) == groups && groups != channels) {
      std::vector<float> wide;
      for (float f : v) wide.insert(wide.end(), static_cast<std::size_t>(channels / groups), f);
      v = wide;
    }
    if (static_cast<std::int64_t>(v.size()) != channels) c.fail("a scale or bias of the wrong size", "correct the model");
    return c.numbers(part, {channels}, v, c.type_of(in));
  };
  c.set(0, scaled(c, y, per_channel(1, "scale"), per_channel(2, "bias")), order, true);
}

/// x / (bias + alpha * mean of squares over `size` channels)^beta; the mean is a pool along the channels.
void lrn(call& c) {
  const value x = c.input(0);
  if (x.rank() < 2) c.fail("an input of rank " + std::to_string(x.rank()), "use [N,C,...]");
  const auto size = static_cast<std::uint32_t>(c.integer_in("size", 0, 1, 65535));
  const order_t order = channel_last(x.dims.size());
  const int in = c.stored(x, order);
  const dims_t dims = to_dims(c.shape_of(in));
  std::int64_t others = 1;
  for (std::int64_t d : dims) others *= d;
  others /= x.dim(1);
  const int squares = c.emit<op::elementwise_multiply>({in, in}, {}, "squares");
  const int rows = c.reshape(squares, {1, others, x.dim(1), 1}, "rows");
  op::pool_avg2d::params p;
  p.filter_size = {1, size};
  p.stride = {1, 1};
  p.pad_amount = {0, 0, (size - 1) / 2, size / 2};
  p.count_pad_for_edges = true;
  const int means = c.reshape(c.emit<op::pool_avg2d>({rows}, p, "row_means"), dims, "means");
  const int a = c.emit<op::elementwise_multiply>({means, c.number(c.real("alpha", 1e-4f), in)}, {}, "times_alpha");
  const int b = c.emit<op::elementwise_add>({a, c.number(c.real("bias", 1.0f), in)}, {}, "plus_bias");
  const int f = c.emit<op::elementwise_power>({b, c.number(-c.real("beta", 0.75f), in)}, {}, "factor");
  c.set(0, c.emit<op::elementwise_multiply>({in, f}), order, x.rank() > 2);
}

void lp_norm(call& c) {
  const value x = c.input(0);
  const std::int64_t kind = c.integer("p", 2);
  if (kind != 1 && kind != 2) c.fail("p of " + std::to_string(kind), "use p 1 or 2");
  const int axis = c.axis(c.integer("axis", -1), x.dims.size());
  const int in = c.stored(x, x.order);
  op::reduce_params over;
  over.keep_dims = true;
  for (int d = 0; d < x.rank(); ++d)
    if (x.order[static_cast<std::size_t>(d)] == axis) over.axes.push_back(d);
  int length = -1;
  if (kind == 1) length = c.emit<op::reduce_sum>({c.emit<op::elementwise_abs>({in}, {}, "abs")}, over, "length");
  else length = c.emit<op::elementwise_square_root>({c.emit<op::reduce_sum_square>({in}, over, "squares")}, {}, "length");
  c.set(0, c.emit<op::elementwise_divide>({in, length}), x.order, x.spatial);
}
}  // namespace

void add_normalizations(translator_table& t) {
  t["BatchNormalization"] = {batch_norm, integer_form::never, true, true};
  t["LayerNormalization"] = {layer_norm, integer_form::rescale};
  t["RMSNormalization"] = {rms_norm, integer_form::never};
  t["SimplifiedLayerNormalization"] = {rms_norm, integer_form::never};
  t["com.microsoft.SimplifiedLayerNormalization"] = {rms_norm, integer_form::never};
  t["InstanceNormalization"] = {instance_norm, integer_form::never, true};
  t["MeanVarianceNormalization"] = {mean_variance, integer_form::never, false, true};
  t["GroupNormalization"] = {group_norm, integer_form::never, true};
  t["LRN"] = {lrn, integer_form::never, true};
  t["LpNormalization"] = {lp_norm, integer_form::never, false, true};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
