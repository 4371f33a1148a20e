// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pixels of a two-dimensional pool, one by one: the part of each window that lies in the data, as a rectangle that a
// kernel goes through channel block by channel block. Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/op/pool.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Places [from, to) of an axis that a window covers; `padded` with the padding that may count.
struct pool_span {
  std::int32_t from = 0, to = 0, padded = 0;

  constexpr pool_span(std::int32_t first, std::int32_t count) : from(first), to(first + count), padded(count) {}
  constexpr pool_span(std::int32_t at, std::uint32_t stride, std::uint32_t before, std::uint32_t after, std::uint32_t filter,
                      std::int32_t size) {
    const std::int32_t start = at * static_cast<std::int32_t>(stride) - static_cast<std::int32_t>(before);
    const std::int32_t end = start + static_cast<std::int32_t>(filter), limit = size + static_cast<std::int32_t>(after);
    from = start > 0 ? start : 0;
    to = end < size ? end : size;
    padded = (end < limit ? end : limit) - start;
  }
  /// Along axis 0 or 1 of the image.
  template <bool Cut = true, class Params>
  static constexpr pool_span along(std::size_t axis, std::int32_t at, const Params& p, const shape& x) {
    if constexpr (!Cut) return {at * static_cast<std::int32_t>(p.stride[axis]), static_cast<std::int32_t>(p.filter_size[axis])};
    return {at, p.stride[axis], p.pad_amount[2 * axis], p.pad_amount[2 * axis + 1], p.filter_size[axis], x[static_cast<int>(axis) + 1]};
  }
  constexpr std::int32_t count() const { return to - from; }
};

/// f(rows, columns, first element of the window in the data, output pixel) with T as storage. Cut: some window may be.
template <bool Cut = true, class T, class Params, class F>
QNNX_INLINE void each_clipped(const shape& x, const shape& y, const Params& p, const T* data, T* to, F&& f) {
  const std::int32_t channels = x[3];
  for (std::int32_t n = 0; n < y[0]; ++n, data += static_cast<std::ptrdiff_t>(x[1]) * x[2] * channels)
    for (std::int32_t oh = 0; oh < y[1]; ++oh) {
      const pool_span rows = pool_span::along<Cut>(0, oh, p, x);
      for (std::int32_t ow = 0; ow < y[2]; ++ow, to += channels) {
        const pool_span columns = pool_span::along<Cut>(1, ow, p, x);
        f(rows, columns, data + (rows.from * x[2] + columns.from) * channels, to);
      }
    }
}

}  // namespace qnnx::inline QNNX_ABI::kernel
