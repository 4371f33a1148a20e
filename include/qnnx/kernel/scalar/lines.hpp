// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the lines of a convolution's windows lie: one line is the kernel_w * depth elements of a window in one row of
// the data. Lines inside the data are used in place, others are put together in scratch, with the zero point outside.
// Layer 5a.

#include <cstring>

#include "qnnx/kernel/contract.hpp"

namespace qnnx::inline QNNX_ABI::kernel::scalar {

struct window_lines {
  std::int32_t rows, columns, depth, channels;  // kh, kw, bytes of a data pixel, Co
  std::int32_t height = 0, width = 0, out_height = 0, out_width = 0;
  std::int32_t stride_h = 1, stride_w = 1, step_h = 1, step_w = 1, top = 0, left = 0;
  std::byte* patches = nullptr;  // a line of zero points, then a line for each pixel

  constexpr explicit window_lines(const shape& w, std::int32_t element_bytes = 1)
      : rows(w[0]), columns(w[1]), depth(w[2] * element_bytes), channels(w[3]) {}
  constexpr std::int32_t line() const { return columns * depth; }  // bytes
  constexpr std::int64_t patch_bytes(std::int32_t pixels) const { return std::int64_t{line()} * (pixels + 1); }
  /// Output pixels of one image.
  constexpr std::int32_t pixels() const { return out_height * out_width; }
  constexpr std::int32_t image_bytes() const { return height * width * depth; }

  template <class Call>
  window_lines(const Call& c, std::byte* scratch)
      : window_lines(shape(c.s.inputs[1].dims), (bits_of(Call::out_type::code) + 7) / 8) {
    const shape& x = c.s.inputs[0].dims;
    const shape& y = c.s.outputs[0].dims;
    const auto& p = c.params();
    height = x[1], width = x[2], out_height = y[1], out_width = y[2];
    stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    step_h = static_cast<std::int32_t>(p.dilation[0]), step_w = static_cast<std::int32_t>(p.dilation[1]);
    top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    patches = scratch;
    const std::int32_t zero = c.s.inputs[0].q.zero();
    if constexpr (bits_of(Call::out_type::code) == 16)
      for (std::int32_t k = 0; k < line() / 2; ++k)
        reinterpret_cast<std::uint16_t*>(patches)[k] = static_cast<std::uint16_t>(zero);
    else
      std::memset(patches, static_cast<int>(static_cast<std::byte>(zero)), static_cast<std::size_t>(line()));
  }

  /// Line kh of the window of an output pixel; `slot` is its place among the pixels whose lines are used together.
  const std::byte* at(const std::byte* image, std::int32_t oh, std::int32_t ow, std::int32_t kh,
                      std::int32_t slot) const {
    const std::int32_t row = oh * stride_h - top + kh * step_h, column = ow * stride_w - left;
    if (row < 0 || row >= height) return patches;
    const std::byte* from = image + (row * width + column) * depth;
    if (column >= 0 && step_w == 1 && column + columns <= width) return from;
    return put_together(from, column, patches + (slot + 1) * line());
  }

 private:
  QNNX_NOINLINE const std::byte* put_together(const std::byte* from, std::int32_t column, std::byte* to) const {
    for (std::int32_t kw = 0; kw < columns; ++kw, column += step_w, from += step_w * depth, to += depth) {
      const std::byte* pixel = column >= 0 && column < width ? from : patches;
      for (std::int32_t k = 0; k < depth; ++k) to[k] = pixel[k];
    }
    return to - line();
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::scalar
