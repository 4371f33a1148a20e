// SPDX-License-Identifier: Apache-2.0
#pragma once
// Windows of convolutions and pools: kernel, stride, dilation and explicit padding, always on two axes. Layer 8.

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

struct window {
  std::array<std::uint32_t, 2> kernel{1, 1};
  std::array<std::uint32_t, 2> stride{1, 1};
  std::array<std::uint32_t, 2> dilation{1, 1};
  std::array<std::uint32_t, 2> extra{};  // output_padding
  std::array<std::uint32_t, 4> pad{};    // top, bottom, left, right
};

/// Attributes strides, dilations, pads, auto_pad, output_padding; `out_sizes` where a transposed convolution names them.
window read_window(const call& c, std::vector<std::int64_t> kernel, const std::vector<std::int64_t>& sizes, const dims_t& out_sizes = {});
/// [N,C,H,W] or [N,C,W] as [N,H,W,C].
int image_of(call& c, const value& x);
/// The result of a 2-D op; `one_axis`: of a sequence.
void set_image(call& c, int tensor, bool one_axis);
/// Bias of a node whose data is tensor `x`: float, or int32 with scale x * weight. -1 where there is none.
int read_bias(call& c, std::size_t input, int x, const std::vector<float>& weight_scales, std::int64_t channels);

}  // namespace qnnx::inline QNNX_ABI::onnx
