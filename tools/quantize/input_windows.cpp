// SPDX-License-Identifier: Apache-2.0
#include "input_windows.hpp"

#include <algorithm>

#include "qnnx/op/depthwise_conv2d.hpp"
#include "qnnx/op/fully_connected.hpp"

namespace qnnx::inline QNNX_ABI::quantizing {

std::optional<input_windows> input_windows::of(const net& n, const net_node& k) {
  input_windows v;
  v.x_ = n.tensors[static_cast<std::size_t>(k.inputs[0])].dims;
  v.w_ = n.tensors[static_cast<std::size_t>(k.inputs[1])].dims;
  if (k.is<op::fully_connected>()) {
    v.dense_ = true;
    v.taps_ = v.w_[1];
    v.outputs_ = v.w_[0];
    v.batch_ = v.x_.size() / v.w_[1];
    return v;
  }
  const auto take = [&](const auto& p) {
    v.stride_ = p.stride;
    v.dilation_ = p.dilation;
    v.pad_ = p.pad_amount;
  };
  if (k.is<op::conv2d>()) {
    take(k.get<op::conv2d>());
    v.groups_ = static_cast<int>(k.get<op::conv2d>().group);
  } else if (k.is<op::depthwise_conv2d>()) {
    take(k.get<op::depthwise_conv2d>());
    v.groups_ = v.x_[nhwc::c];
  } else {
    return std::nullopt;
  }
  v.taps_ = static_cast<int>(v.w_.size() / v.w_[hwio::o]);
  v.outputs_ = v.w_[hwio::o] / v.groups_;
  const shape& y = n.tensors[static_cast<std::size_t>(k.outputs[0])].dims;
  v.batch_ = y[nhwc::n];
  v.high_ = y[nhwc::h];
  v.wide_ = y[nhwc::w];
  return v;
}

void input_windows::read(const float* x, std::int64_t position, int g, float* row) const {
  if (dense_) {
    std::copy_n(x + position * taps_, taps_, row);
    return;
  }
  const std::int64_t depth = w_[hwio::i];
  const std::int64_t left = position % wide_ * stride_[1] - pad_[2];
  const std::int64_t top = position / wide_ % high_ * stride_[0] - pad_[0];
  const std::int64_t image = position / wide_ / high_;
  for (std::int64_t ky = 0; ky < w_[0]; ++ky)
    for (std::int64_t kx = 0; kx < w_[1]; ++kx, row += depth) {
      const std::int64_t iy = top + ky * dilation_[0];
      const std::int64_t ix = left + kx * dilation_[1];
      if (iy < 0 || ix < 0 || iy >= x_[nhwc::h] || ix >= x_[nhwc::w]) std::fill_n(row, depth, 0.0f);
      else std::copy_n(x + ((image * x_[nhwc::h] + iy) * x_[nhwc::w] + ix) * x_[nhwc::c] + g * depth, depth, row);
    }
}

}  // namespace qnnx::inline QNNX_ABI::quantizing
