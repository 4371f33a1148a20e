// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of data in scratch as the tiles of neon/tiles.hpp read them: unsigned data with its highest bit turned over,
// 16-bit data at the levels that split it as a row of high and one of low bytes (less 128), floats as they are. Integers
// are copied 16 bytes at a time where the tensor reaches far enough, so a row has room for 16 elements more; what lies
// beyond its end meets zero weights. Layer 5a.

#include <cstring>

#include "qnnx/kernel/neon/tiles.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

/// One row; `pitch`: elements from one row to the next. `end`: that of the data.
template <class T>
struct data_row {
  using storage = typename T::storage;
  static constexpr bool floats = is_float_v<T>;
  static constexpr bool wide = !floats && bits_of(T::code) == 16;
  static constexpr bool planes = wide && splits_words;
  static constexpr std::uint8_t turn = floats || is_signed_fixed(T::code) ? 0 : 0x80;
  static constexpr std::int32_t step = wide && !planes ? 8 : 16;  // elements of a copy

  std::byte* row;
  std::int32_t pitch;
  const storage* end;

  /// Elements [k, k + n) from the data.
  QNNX_INLINE void copy(std::int32_t k, const storage* from, std::int32_t n) const {
    if constexpr (floats) {
      std::memcpy(row + std::int64_t{k} * 4, from, static_cast<std::size_t>(n) * 4);
    } else {
      std::int32_t i = 0;
      const std::int32_t whole = end - from >= (n + step - 1) / step * step ? n : n / step * step;
      for (; i < whole; i += step) vector(k + i, reinterpret_cast<const std::uint8_t*>(from + i));
      if (i < n) rest(k + i, from + i, n - i);
    }
  }
  /// n elements of one value (floats: 0).
  QNNX_INLINE void fill(std::int32_t k, std::int32_t n, std::int32_t value) const {
    if constexpr (floats) {
      std::memset(row + std::int64_t{k} * 4, 0, static_cast<std::size_t>(n) * 4);
    } else {
      const auto low = static_cast<std::uint8_t>(value), high = static_cast<std::uint8_t>(value >> 8 & 0xff);
      auto* to = reinterpret_cast<std::uint8_t*>(row) + (wide && !planes ? 2 * k : k);
      const uint8x16_t first = vdupq_n_u8(static_cast<std::uint8_t>((planes ? high : low) ^ turn));
      const uint16x8_t word = vdupq_n_u16(static_cast<std::uint16_t>(static_cast<std::uint16_t>(value) ^ (turn << 8)));
      for (; n > 0; n -= step, to += 16) {
        vst1q_u8(to, wide && !planes ? vreinterpretq_u8_u16(word) : first);
        if constexpr (planes) vst1q_u8(to + pitch, vdupq_n_u8(low ^ 0x80));
      }
    }
  }

 private:
  QNNX_INLINE void vector(std::int32_t k, const std::uint8_t* from) const {
    auto* to = reinterpret_cast<std::uint8_t*>(row) + k;
    const uint8x16_t t = vdupq_n_u8(turn);
    if constexpr (planes) {
      const uint8x16x2_t v = vld2q_u8(from);
      vst1q_u8(to, veorq_u8(v.val[1], t));
      vst1q_u8(to + pitch, veorq_u8(v.val[0], vdupq_n_u8(0x80)));
    } else if constexpr (wide) {
      const uint16x8_t v = veorq_u16(vreinterpretq_u16_u8(vld1q_u8(from)), vdupq_n_u16(turn << 8));
      vst1q_u8(to + k, vreinterpretq_u8_u16(v));
    } else {
      vst1q_u8(to, veorq_u8(vld1q_u8(from), t));
    }
  }
  QNNX_NOINLINE void rest(std::int32_t k, const storage* from, std::int32_t n) const {
    storage last[16] = {};
    std::memcpy(last, from, static_cast<std::size_t>(n) * sizeof *from);
    vector(k, reinterpret_cast<const std::uint8_t*>(last));
  }
};

/// The windows of a convolution.
struct windows {
  std::int32_t rows, columns, depth;  // depth: channels of a group, `pitch` all of them
  std::int32_t pitch;
  bool by_lines;  // the pixels of a window's row follow each other in memory
  std::int32_t height, width, out_height, out_width;
  std::int32_t stride_h, stride_w, step_h, step_w, top, left, zero;

  template <class Call>
  explicit windows(const Call& c) {
    const shape &x = c.s.inputs[0].dims, &w = c.s.inputs[1].dims, &y = c.s.outputs[0].dims;
    const auto& p = c.params();
    rows = w[0], columns = w[1], depth = w[2], pitch = x[3];
    height = x[1], width = x[2], out_height = y[1], out_width = y[2];
    stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    step_h = static_cast<std::int32_t>(p.dilation[0]), step_w = static_cast<std::int32_t>(p.dilation[1]);
    top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    zero = c.s.inputs[0].q.zero();
    by_lines = step_w == 1 && depth == pitch;
  }
  /// The window of an output pixel; `image` begins with the first channel of the group.
  template <class T>
  QNNX_INLINE void copy(const typename T::storage* image, std::int32_t oh, std::int32_t ow, const data_row<T>& to) const {
    const std::int32_t column = ow * stride_w - left, line = columns * depth;
    std::int32_t k = 0, row = oh * stride_h - top;
    for (std::int32_t kh = 0; kh < rows; ++kh, row += step_h) {
      if (row < 0 || row >= height) {
        to.fill(k, line, zero);
        k += line;
        continue;
      }
      const auto* from = image + (static_cast<std::int64_t>(row) * width + column) * pitch;
      if (by_lines) {  // what is left of the data, in it, and right of it
        const std::int32_t before = column < 0 ? (-column < columns ? -column : columns) * depth : 0;
        const std::int32_t after = column + columns > width
                                       ? (column + columns - width < columns ? column + columns - width : columns) * depth
                                       : 0;
        if (before > 0) to.fill(k, before, zero);
        if (before + after < line) to.copy(k + before, from + before, line - before - after);
        if (after > 0) to.fill(k + line - after, after, zero);
        k += line;
        continue;
      }
      for (std::int32_t kw = 0, at = column; kw < columns; ++kw, at += step_w, from += step_w * pitch, k += depth) {
        if (at >= 0 && at < width)
          to.copy(k, from, depth);
        else
          to.fill(k, depth, zero);
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
