// SPDX-License-Identifier: Apache-2.0
// Operators with weights or windows: convolutions, fully-connected layers, matrix products, pools.
#include <algorithm>

#include "frontend/tflite/importer.hpp"
#include "qnnx/op/conv2d.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"
#include "qnnx/op/fully_connected.hpp"
#include "qnnx/op/matmul.hpp"
#include "qnnx/op/pool.hpp"
#include "qnnx/op/transpose_conv2d.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

namespace {

constexpr std::int32_t most = 1 << 16;  // of a stride, a dilation, a window

std::uint32_t step(importer& t, std::int32_t v, const char* what) {
  if (v < 1 || v > most) t.fail(std::string("a ") + what + " of " + std::to_string(v), "use 1 to " + std::to_string(most));
  return static_cast<std::uint32_t>(v);
}

struct margin {
  std::uint32_t before = 0, after = 0;
};
/// SAME: the output has ceil(size / stride) elements; an odd amount has one more behind.
margin resolve(padding pad, std::int32_t size, std::int64_t kernel, std::int64_t stride, std::int64_t dilation) {
  if (pad == padding::valid) return {};
  const std::int64_t count = (size + stride - 1) / stride;
  const std::int64_t total = std::max<std::int64_t>((count - 1) * stride + (kernel - 1) * dilation + 1 - size, 0);
  return {static_cast<std::uint32_t>(total / 2), static_cast<std::uint32_t>(total - total / 2)};
}

shape weight_sizes(importer& t, int i, int rank) {
  const shape w = t.is_constant(i) ? t.constant_dims(i) : t.dims(i);
  if (w.rank() != rank) t.fail("weights of the sizes " + std::string(to_text(w).view()), "give " + std::to_string(rank) + " dimensions");
  for (int d = 0; d < rank; ++d)
    if (w[d] < 1 || (rank == 4 && d != 0 && d != 3 && w[d] > most)) t.fail("weights of the sizes " + std::string(to_text(w).view()), "repair the model");
  return w;
}
const shape& image_sizes(importer& t, int i) {
  if (t.rank(i) != 4) t.fail("data of the sizes " + std::string(to_text(t.dims(i)).view()), "give [N,H,W,C]");
  return t.dims(i);
}
bool float_data(importer& t, int i) { return is_float(t.in_type(i)); }

std::vector<int> with_bias(int x, int w, int b) { return b >= 0 ? std::vector<int>{x, w, b} : std::vector<int>{x, w}; }

void conv_2d(importer& t) {
  const options& o = t.opt();
  const shape x = image_sizes(t, 0);
  const shape w = weight_sizes(t, 1, 4);
  op::conv2d::params p;
  p.stride = {step(t, o.stride_h, "stride"), step(t, o.stride_w, "stride")};
  p.dilation = {step(t, o.dilation_h, "dilation"), step(t, o.dilation_w, "dilation")};
  const margin v = resolve(o.pad, x[1], w[1], o.stride_h, o.dilation_h);
  const margin h = resolve(o.pad, x[2], w[2], o.stride_w, o.dilation_w);
  p.pad_amount = {v.before, v.after, h.before, h.after};
  if (x[3] % w[3] != 0) t.fail(std::to_string(x[3]) + " channels for weights of " + std::to_string(w[3]), "repair the model");
  p.group = static_cast<std::uint32_t>(x[3] / w[3]);
  const int data = t.value(0);
  const int weight = t.weights(1, {1, 2, 3, 0}, {w[1], w[2], w[3], w[0]}, 3, float_data(t, 0));
  t.fuse(t.emit<op::conv2d>(with_bias(data, weight, t.bias(2, w[0])), p), o.act);
}

void depthwise_conv_2d(importer& t) {
  const options& o = t.opt();
  const shape x = image_sizes(t, 0);
  const shape w = weight_sizes(t, 1, 4);
  if (w[0] != 1) t.fail("weights of the sizes " + std::string(to_text(w).view()), "give [1,h,w,channels]");
  op::depthwise_conv2d::params p;
  p.stride = {step(t, o.stride_h, "stride"), step(t, o.stride_w, "stride")};
  p.dilation = {step(t, o.dilation_h, "dilation"), step(t, o.dilation_w, "dilation")};
  const margin v = resolve(o.pad, x[1], w[1], o.stride_h, o.dilation_h);
  const margin h = resolve(o.pad, x[2], w[2], o.stride_w, o.dilation_w);
  p.pad_amount = {v.before, v.after, h.before, h.after};
  const int data = t.value(0);
  const int weight = t.weights(1, {1, 2, 0, 3}, {w[1], w[2], 1, w[3]}, 3, float_data(t, 0));
  t.fuse(t.emit<op::depthwise_conv2d>(with_bias(data, weight, t.bias(2, w[3])), p), o.act);
}

/// The operator names the sizes of its result; padding and output_padding follow from them.
void transpose_conv(importer& t) {
  const options& o = t.opt();
  const shape x = image_sizes(t, 2);
  const shape w = weight_sizes(t, 1, 4);
  std::vector<std::int32_t> out = t.is_constant(0) ? t.integers(0, "sizes of the result") : t.out().shape;
  if (out.size() != 4 || out[1] < 1 || out[2] < 1) t.fail("sizes of the result that are not known", "freeze them to a constant");
  op::transpose_conv2d::params p;
  p.stride = {step(t, o.stride_h, "stride"), step(t, o.stride_w, "stride")};
  const std::int64_t strides[] = {o.stride_h, o.stride_w};
  for (int d = 0; d < 2; ++d) {
    const auto k = static_cast<std::size_t>(d);
    const margin m = resolve(o.pad, out[k + 1], w[d + 1], strides[d], 1);
    const std::int64_t full = strides[d] * (x[d + 1] - 1) + w[d + 1] - m.before;
    p.pad_amount[2 * k] = m.before;
    if (full >= out[k + 1]) p.pad_amount[2 * k + 1] = static_cast<std::uint32_t>(full - out[k + 1]);
    else p.output_padding[k] = static_cast<std::uint32_t>(out[k + 1] - full);
  }
  if (w[3] != x[3]) t.fail("weights of " + std::to_string(w[3]) + " channels for data of " + std::to_string(x[3]), "repair the model");
  if (!t.is_constant(0)) t.warn("'" + t.in(0).name + "' is ignored: the sizes of the result are those of the model");
  const int data = t.value(2);
  const int weight = t.weights(1, {1, 2, 3, 0}, {w[1], w[2], w[3], w[0]}, 3, float_data(t, 2));
  t.fuse(t.emit<op::transpose_conv2d>(with_bias(data, weight, t.bias(3, w[0])), p), o.act);
}

void fully_connected(importer& t) {
  const options& o = t.opt();
  if (o.weights_format != 0) t.fail("shuffled weights are not supported", "convert the model with default weights");
  const int data = t.value(0);
  if (!t.is_constant(1)) {  // both sides computed: a matrix product
    t.fuse(t.emit<op::matmul>(with_bias(data, t.value(1), t.has(2) ? t.value(2) : -1), {.transpose_in0 = false, .transpose_in1 = true}), o.act);
    return;
  }
  const shape w = weight_sizes(t, 1, 2);
  const int weight = t.weights(1, {0, 1}, w, 0, float_data(t, 0));
  t.fuse(t.emit<op::fully_connected>(with_bias(data, weight, t.bias(2, w[0])), {.keep_dims = o.keep_dims}), o.act);
}

void batch_matmul(importer& t) {
  const int a = t.value(0);
  const int b = t.value(1);
  t.emit<op::matmul>({a, b}, {.transpose_in0 = t.opt().adj_x, .transpose_in1 = t.opt().adj_y});
}

template <class Op>
void pool(importer& t) {
  const options& o = t.opt();
  const shape x = image_sizes(t, 0);
  typename Op::params p;
  p.filter_size = {step(t, o.filter_h, "window"), step(t, o.filter_w, "window")};
  p.stride = {step(t, o.stride_h, "stride"), step(t, o.stride_w, "stride")};
  const margin v = resolve(o.pad, x[1], o.filter_h, o.stride_h, 1);
  const margin h = resolve(o.pad, x[2], o.filter_w, o.stride_w, 1);
  p.pad_amount = {v.before, v.after, h.before, h.after};
  t.fuse(t.emit<Op>({t.value(0)}, p), o.act);
}

}  // namespace

translator find_convolution(builtin code) {
  switch (code) {
    case builtin::CONV_2D: return conv_2d;
    case builtin::DEPTHWISE_CONV_2D: return depthwise_conv_2d;
    case builtin::TRANSPOSE_CONV: return transpose_conv;
    case builtin::FULLY_CONNECTED: return fully_connected;
    case builtin::BATCH_MATMUL: return batch_matmul;
    case builtin::AVERAGE_POOL_2D: return pool<op::pool_avg2d>;
    case builtin::MAX_POOL_2D: return pool<op::pool_max2d>;
    default: return nullptr;
  }
}

}  // namespace qnnx::inline QNNX_ABI::tflite
