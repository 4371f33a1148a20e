// SPDX-License-Identifier: Apache-2.0
// Conv and ConvTranspose: weights OIHW or IOHW to [kh,kw,Ci,Co], one spatial axis done as two, paddings made explicit.
#include <algorithm>
#include <cmath>

#include "frontend/onnx/window.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

window read_window(const call& c, std::vector<std::int64_t> kernel, const std::vector<std::int64_t>& sizes, const dims_t& out_sizes) {
  window w;
  const std::size_t axes = sizes.size();
  if (kernel.size() != axes) c.fail("a kernel of " + std::to_string(kernel.size()) + " axes on " + std::to_string(axes) + " spatial axes", "correct the model");
  const auto list = [&](const char* name, std::size_t count, std::int64_t otherwise, std::int64_t least) {
    std::vector<std::int64_t> v = c.integers(name).value_or(std::vector<std::int64_t>{});
    if (v.empty()) v.assign(count, otherwise);
    if (v.size() != count) c.fail(std::string(name) + " has " + std::to_string(v.size()) + " numbers, expected " + std::to_string(count), "correct the model");
    for (std::int64_t k : v)
      if (k < least || k > 65535) c.fail(std::string(name) + " of " + std::to_string(k), "use " + std::to_string(least) + " to 65535");
    return v;
  };
  const std::vector<std::int64_t> stride = list("strides", axes, 1, 1);
  const std::vector<std::int64_t> dilation = list("dilations", axes, 1, 1);
  const std::vector<std::int64_t> extra = list("output_padding", axes, 0, 0);
  std::vector<std::int64_t> pads(2 * axes, 0);
  const std::string mode = c.word("auto_pad", "NOTSET");
  if (mode == "NOTSET" || mode.empty()) pads = list("pads", 2 * axes, 0, 0);
  else if (mode != "VALID" && mode != "SAME_UPPER" && mode != "SAME_LOWER") c.fail("auto_pad '" + mode + "'", "use explicit pads");
  for (std::size_t i = 0; i < axes; ++i) {
    if (kernel[i] < 1 || kernel[i] > 65535) c.fail("a kernel of size " + std::to_string(kernel[i]), "use 1 to 65535");
    const std::int64_t span = (kernel[i] - 1) * dilation[i] + 1;
    std::int64_t total = 0;
    bool split = false;
    if (!out_sizes.empty()) {
      total = stride[i] * (sizes[i] - 1) + extra[i] + span - out_sizes[i];
      split = true;
    } else if (mode == "SAME_UPPER" || mode == "SAME_LOWER") {
      total = std::max<std::int64_t>(0, ((sizes[i] + stride[i] - 1) / stride[i] - 1) * stride[i] + span - sizes[i]);
      split = true;
    }
    if (split) {
      if (total < 0) c.fail("an output size that needs negative padding", "use output_padding");
      const bool first_half = mode == "SAME_UPPER" || (out_sizes.empty() && mode != "SAME_LOWER");
      pads[i] = first_half ? total / 2 : total - total / 2;
      pads[i + axes] = total - pads[i];
    }
  }
  const std::size_t at = axes == 1 ? 1 : 0;  // one spatial axis is the width
  for (std::size_t i = 0; i < axes; ++i) {
    w.kernel[i + at] = static_cast<std::uint32_t>(kernel[i]);
    w.stride[i + at] = static_cast<std::uint32_t>(stride[i]);
    w.dilation[i + at] = static_cast<std::uint32_t>(dilation[i]);
    w.extra[i + at] = static_cast<std::uint32_t>(extra[i]);
    w.pad[2 * (i + at)] = static_cast<std::uint32_t>(pads[i]);
    w.pad[2 * (i + at) + 1] = static_cast<std::uint32_t>(pads[i + axes]);
  }
  return w;
}

int image_of(call& c, const value& x) {
  if (x.rank() != 3 && x.rank() != 4)
    c.fail("an input of rank " + std::to_string(x.rank()), "only images [N,C,H,W] and sequences [N,C,W] are supported");
  const int t = c.stored(x, channel_last(x.dims.size()));
  if (x.rank() == 4) return t;
  return c.reshape(t, {x.dim(0), 1, x.dim(2), x.dim(1)}, "in_2d");
}
void set_image(call& c, int t, bool flat) {
  if (flat) {
    const shape s = c.shape_of(t);
    t = c.reshape(t, {s[0], s[2], s[3]}, "");
  }
  c.set_image(t);
}

namespace {
struct weights {
  int tensor = -1;
  std::vector<float> scales;  // one, or one per output channel
};

/// The weights of a convolution in the order [kh,kw,in,out]; unsigned ones made signed where the data are.
weights read_weights(call& c, value w, const order_t& order) {
  if (c.quantized) {
    if (!w.dequantized || !w.host) throw no_integer_form{};
    const bool wide = c.plan->type == element::uint16;
    if (c.plan->type != element::uint8 && w.q->type == element::uint8 && !wide) w = c.as_type(w, element::int8);
    if (w.q->type == element::uint16) w = c.as_type(w, element::int16);
  }
  weights r;
  r.tensor = c.stored(w, order);
  if (c.quantized) r.scales = w.q->scales;
  return r;
}
}  // namespace

int read_bias(call& c, std::size_t i, int x, const std::vector<float>& weight_scales, std::int64_t channels) {
  if (!c.has(i)) return -1;
  value b = c.input(i);
  std::int64_t count = 1;
  for (std::int64_t d : b.dims) count *= d;
  if (count != channels) c.fail("a bias of " + std::to_string(count) + " values for " + std::to_string(channels) + " channels", "correct the model");
  if (!c.quantized) return c.im.stored(b, identity_order(b.dims.size()));
  if (!b.host) throw no_integer_form{};
  // The stored bias has the scale of the accumulator, input scale * weight scale, whatever the file says.
  std::vector<std::int64_t> v(static_cast<std::size_t>(channels));
  const std::vector<std::int64_t> given = b.q ? b.host->ints() : std::vector<std::int64_t>{};
  const std::vector<float> real = b.dequantized ? c.im.real(b).host->floats() : b.host->floats();
  std::vector<float> scales;
  const float sx = c.tensor(x).enc.scale();
  for (std::size_t k = 0; k < v.size(); ++k) {
    const float s = sx * weight_scales[weight_scales.size() == 1 ? 0 : k];
    if (weight_scales.size() > 1 || k == 0) scales.push_back(s);
    const float sb = b.q ? b.q->scales[b.q->scales.size() == 1 ? 0 : k] : 0.0f;
    const std::int64_t zero = b.q ? b.q->zeros[b.q->zeros.size() == 1 ? 0 : k] : 0;
    const bool same = b.q && std::abs(sb - s) <= 1e-5f * s;
    const double scaled = std::nearbyint(static_cast<double>(real[k]) / static_cast<double>(s));
    v[k] = same ? given[k] - zero : std::isfinite(scaled) ? static_cast<std::int64_t>(std::clamp(scaled, -2147483648.0, 2147483647.0)) : 0;
  }
  const int t = c.im.constant_tensor(constant::of_ints({channels}, v, element::int32), i < c.n->inputs.size() ? c.n->inputs[i] : c.out_name() + "_bias");
  net_tensor& stored = c.tensor(t);
  stored.type = dtype::sfixed_32;
  stored.enc = scales.size() == 1 ? net_encoding::tensor(scales[0], 0) : net_encoding::per_axis(0, scales, std::vector<std::int32_t>(scales.size(), 0));
  return t;
}

namespace {

/// Puts a height of 1 before the width of a weight [O,I,k].
value as_2d(call& c, value w) {
  if (w.rank() == 4) return w;
  if (w.rank() != 3) c.fail("weights of rank " + std::to_string(w.rank()), "only 1-D and 2-D convolutions are supported");
  if (!w.host) c.fail("1-D weights computed at run time", "make the weights constant");
  constant k = *w.host;
  k.dims.insert(k.dims.begin() + 2, 1);
  w.dims = w.base = k.dims;
  w.order = identity_order(4);
  w.host = std::make_shared<const constant>(std::move(k));
  return w;
}

void conv(call& c) {
  value x = c.input(0);
  value given = c.input(1);
  if (given.dims.size() != x.dims.size()) c.fail("weights of rank " + std::to_string(given.rank()) + " on data of rank " + std::to_string(x.rank()), "correct the model");
  const bool one_axis = x.rank() == 3;
  if (c.quantized) x = c.as_type(x, c.plan->type);
  const int in = image_of(c, x);
  const value w = as_2d(c, given);
  std::vector<std::int64_t> kernel(w.dims.begin() + (one_axis ? 3 : 2), w.dims.end());
  if (const auto k = c.integers("kernel_shape"); k && !k->empty() && *k != kernel) c.fail("kernel_shape differs from the weights", "correct the model");
  const window g = read_window(c, kernel, dims_t(x.dims.begin() + 2, x.dims.end()));
  const std::int64_t group = c.integer_in("group", 1, 1, 0x7fffffff);
  const bool depthwise = group > 1 && group == x.dim(1) && w.dim(1) == 1 && w.dim(0) % group == 0;
  const weights k = read_weights(c, w, {2, 3, 1, 0});
  const int bias = read_bias(c, 2, in, k.scales, w.dim(0));
  std::vector<int> operands{in, k.tensor};
  if (bias >= 0) operands.push_back(bias);
  const std::string part = one_axis ? "2d" : "";
  int made = -1;
  if (depthwise) made = c.emit<op::depthwise_conv2d>(operands, {.stride = g.stride, .pad_amount = g.pad, .dilation = g.dilation}, part);
  else made = c.emit<op::conv2d>(operands, {.stride = g.stride, .pad_amount = g.pad, .group = static_cast<std::uint32_t>(group), .dilation = g.dilation}, part);
  set_image(c, made, one_axis);
}

/// A transposed convolution has no dilation here: the kernel gets gaps of real zeros.
value spread(call& c, const value& w, const std::array<std::uint32_t, 2>& by) {
  if (by[0] == 1 && by[1] == 1) return w;
  if (!w.host) c.fail("dilations other than 1 with weights computed at run time", "make the weights constant");
  if (w.q && w.q->axis >= 0) throw no_integer_form{};
  const constant& k = *w.host;
  const std::int64_t kh = k.dims[2];
  const std::int64_t kw = k.dims[3];
  constant r;
  r.type = k.type;
  r.dims = {k.dims[0], k.dims[1], (kh - 1) * by[0] + 1, (kw - 1) * by[1] + 1};
  checked_size(c, r.dims);
  const auto width = static_cast<std::size_t>(element_bytes(k.type));
  r.data.assign(static_cast<std::size_t>(r.size()) * width, w.q ? static_cast<std::byte>(w.q->zeros[0]) : std::byte{});
  for (std::int64_t i = 0; i < k.size(); ++i) {
    const std::int64_t plane = i / (kh * kw);
    const std::int64_t row = i / kw % kh * by[0];
    const auto to = static_cast<std::size_t>((plane * r.dims[2] + row) * r.dims[3] + i % kw * by[1]);
    std::memcpy(r.data.data() + to * width, k.data.data() + static_cast<std::size_t>(i) * width, width);
  }
  value v = w;
  v.dims = v.base = r.dims;
  v.host = std::make_shared<const constant>(std::move(r));
  return v;
}

void conv_transpose(call& c) {
  value x = c.input(0);
  value given = c.input(1);
  if (given.dims.size() != x.dims.size()) c.fail("weights of rank " + std::to_string(given.rank()) + " on data of rank " + std::to_string(x.rank()), "correct the model");
  const bool one_axis = x.rank() == 3;
  if (c.quantized) x = c.as_type(x, c.plan->type);
  const int in = image_of(c, x);
  const value w = as_2d(c, given);
  std::vector<std::int64_t> kernel(w.dims.begin() + (one_axis ? 3 : 2), w.dims.end());
  const dims_t sizes(x.dims.begin() + 2, x.dims.end());
  dims_t wanted = c.integers("output_shape").value_or(dims_t{});
  if (wanted.size() == x.dims.size()) wanted.erase(wanted.begin(), wanted.begin() + 2);
  const std::string mode = c.word("auto_pad", "NOTSET");
  const auto strides = c.integers("strides").value_or(dims_t(sizes.size(), 1));
  if (wanted.empty() && (mode == "SAME_UPPER" || mode == "SAME_LOWER"))
    for (std::size_t i = 0; i < sizes.size(); ++i) wanted.push_back(sizes[i] * (i < strides.size() ? std::clamp<std::int64_t>(strides[i], 1, 65535) : 1));
  if (!wanted.empty() && wanted.size() != sizes.size()) c.fail("output_shape has the wrong length", "correct the model");
  for (std::int64_t d : wanted)
    if (d < 1 || d > 0x7fffffff) c.fail("output_shape of " + std::to_string(d), "correct the model");
  const window g = read_window(c, kernel, sizes, wanted);
  if (c.quantized && (g.dilation[0] != 1 || g.dilation[1] != 1) && w.q && element_bytes(w.q->type) != 1) throw no_integer_form{};
  const std::int64_t group = c.integer_in("group", 1, 1, 0x7fffffff);
  if (w.dim(1) > 0x7fffffff / group) c.fail("too many channels", "correct the model");
  const weights k = read_weights(c, spread(c, w, g.dilation), {2, 3, 0, 1});
  if (c.quantized && group > 1 && k.scales.size() > 1) throw no_integer_form{};
  const int bias = read_bias(c, 2, in, k.scales, w.dim(1) * group);
  std::vector<int> operands{in, k.tensor};
  if (bias >= 0) operands.push_back(bias);
  const int made = c.emit<op::transpose_conv2d>(
      operands, {.stride = g.stride, .pad_amount = g.pad, .group = static_cast<std::uint32_t>(group), .output_padding = g.extra}, one_axis ? "2d" : "");
  set_image(c, made, one_axis);
}

/// QLinearConv: x, scale, zero, w, scale, zero, y scale, y zero, bias in units of x scale * w scale.
void qlinear_conv(call& c) {
  if (c.in.size() < 8) c.fail("inputs are missing", "correct the model");
  const auto scaled = [&](std::size_t i, int axis) {
    value v = c.input(i);
    auto q = std::make_shared<quantization>(*c.im.scales(c, c.n->inputs[i + 1], c.n->inputs[i + 2], axis));
    v.q = q;
    v.dequantized = true;
    return v;
  };
  const value x = scaled(0, -1);
  const value w = scaled(3, 0);
  if (!w.host) c.fail("weights computed at run time", "make the weights constant");
  c.plan = c.im.scales(c, c.n->inputs[6], c.n->inputs[7], -1);
  if (c.plan->axis >= 0 || x.q->axis >= 0) c.fail("activations with a scale per channel", "quantize activations per tensor");
  value b = c.in.size() > 8 ? c.in[8] : value{};
  if (b.host) {
    auto q = std::make_shared<quantization>();
    q->type = element::int32;
    for (float s : w.q->scales) q->scales.push_back(x.q->scales[0] * s);
    q->zeros.assign(q->scales.size(), 0);
    q->axis = q->scales.size() > 1 ? 0 : -1;
    b.q = q;
    b.dequantized = true;
  }
  c.in = {x, w, b};
  c.quantized = true;
  c.form = integer_form::rescale;
  try {
    conv(c);
  } catch (const no_integer_form&) {
    c.fail("no integer kernel for " + to_string(x.q->type) + " data and " + to_string(w.q->type) + " weights", "requantize the model with uint8 or int8");
  }
  c.out[0].dequantized = false;
}
}  // namespace

void add_convolutions(translator_table& t) {
  t["Conv"] = {conv, integer_form::rescale, true};
  t["ConvTranspose"] = {conv_transpose, integer_form::rescale, true};
  t["QLinearConv"] = {qlinear_conv, integer_form::never, true};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
