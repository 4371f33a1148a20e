// SPDX-License-Identifier: Apache-2.0
#pragma once
// Extents of a DepthWiseConv2d and how its rows and channels are shared out to threads. Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

struct depthwise_shape {
  std::int64_t batch, height, width, channels, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left;
  constexpr std::int64_t taps() const { return kernel_h * kernel_w; }
  /// Pixels that make whole vectors of `lanes` channels.
  constexpr std::int64_t together(std::int64_t lanes) const {
    std::int64_t n = 1;
    if (stride_w == 1 && channels < 8 * lanes)
      while (n * channels % lanes != 0) n *= 2;
    return n;
  }
  /// Virtual channels, whole vectors.
  constexpr std::int64_t padded(std::int64_t lanes) const { return (together(lanes) * channels + lanes - 1) / lanes * lanes; }
};
constexpr depthwise_shape depthwise_of(const shape& x, const shape& w, const shape& y, const op::depthwise_conv2d::params& p) {
  return {x[0], x[1], x[2], x[3], y[1], y[2], w[0], w[1], p.stride[0], p.stride[1], p.dilation[0], p.dilation[1], p.pad_amount[0], p.pad_amount[2]};
}
inline constexpr int most_taps = 128;

/// Output rows and blocks of channels of one piece: cut where the pieces are more alike.
struct depthwise_share {
  slice rows;
  slice channels;
};
constexpr depthwise_share share_of(const depthwise_shape& s, std::int64_t block, part p, std::int64_t rows_together = 1) {
  const std::int64_t rows = s.batch * s.out_h;
  const std::int64_t blocks = (s.channels + block - 1) / block;
  if (p.count == 1) return {{0, rows}, {0, s.channels}};
  const auto largest = [&](std::int64_t n, std::int64_t of) { return (n + p.count - 1) / p.count * of; };
  if (largest(rows, blocks) <= largest(blocks, rows)) return {slice_of(p, rows, rows_together), {0, s.channels}};
  return {{0, rows}, slice_of(p, s.channels, block)};
}
constexpr int depthwise_parts(const depthwise_shape& s, std::int64_t block) {
  const std::int64_t rows = s.batch * s.out_h;
  const std::int64_t blocks = (s.channels + block - 1) / block;
  const std::int64_t most = rows > blocks ? rows : blocks;
  return static_cast<int>(most < 256 ? most : 256);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
