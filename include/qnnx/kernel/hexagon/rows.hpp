// SPDX-License-Identifier: Apache-2.0
#pragma once
// The data rows under a window, copied into scratch with their padding (the zero point): what follows reads whole
// vectors without a question where the data ends. A row is kept until the window has passed it. Columns may be split by
// their number modulo a stride, so that a column of every window is contiguous ("planes"). Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/kernel/hexagon/hvx.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel::hvx {

inline constexpr std::int32_t most_rows = 32;

/// Geometry of a convolution's windows, as the compiler knows it and as a call has it. Divisions are made here alone:
/// Hexagon has no instruction for them.
struct window_geometry {
  std::int32_t height, width, depth, out_height, out_width;  // depth: bytes of a pixel of a padded row
  std::int32_t data_depth;                                   // of the data
  std::int32_t rows, columns, stride_h, stride_w, step_h, step_w, top, left;
  std::int32_t planes;
  std::int32_t plane_columns;  // of a padded row
  std::int32_t between;        // bytes from the window of an output column to the next

  template <class Params>
  constexpr window_geometry(const shape& x, std::int32_t element, const shape& w, const shape& y, const Params& p,
                            bool splits, std::int32_t repeats = 1)
      : height(x[1]),
        width(x[2]),
        depth(x[3] * element * repeats),
        out_height(y[1]),
        out_width(y[2]),
        data_depth(x[3] * element),
        rows(w[0]),
        columns(w[1]),
        stride_h(static_cast<std::int32_t>(p.stride[0])),
        stride_w(static_cast<std::int32_t>(p.stride[1])),
        step_h(static_cast<std::int32_t>(p.dilation[0])),
        step_w(static_cast<std::int32_t>(p.dilation[1])),
        top(static_cast<std::int32_t>(p.pad_amount[0])),
        left(static_cast<std::int32_t>(p.pad_amount[2])),
        planes(splits ? stride_w : 1),
        plane_columns(((out_width - 1) * stride_w + (columns - 1) * step_w + planes) / planes),
        between(splits ? depth : stride_w * depth) {}

  constexpr std::int32_t kept() const { return (rows - 1) * step_h + 1; }
  constexpr std::int32_t plane_bytes() const { return plane_columns * depth; }
  /// With what whole vectors read and write behind it.
  constexpr std::int32_t row_bytes() const { return (planes * plane_bytes() + 15) / 16 * 16 + vector_bytes; }
  constexpr std::int64_t bytes() const { return std::int64_t{row_bytes()} * (kept() + 1); }
  /// Where the window of output column 0 finds its columns in a row: at[0..columns).
  void find_columns(std::int32_t* at) const {
    for (std::int32_t kw = 0, plane = 0, first = 0; kw < columns; ++kw, plane += step_w) {
      for (; plane >= planes; plane -= planes) first += depth;
      at[kw] = plane * plane_bytes() + first;
    }
  }
};

/// Begin once an image, then advance to each output row in order. Unsigned halfwords get their highest bit turned over,
/// so that they can be read as signed ones. Repeats: each channel stands as many times as the geometry says.
template <dtype Type, bool Repeats = false>
class padded_rows {
 public:
  padded_rows(const window_geometry& geometry, std::int32_t zero_point, std::byte* scratch)
      : g_(geometry), zero_(bits_of(Type) == 16 ? splat_half(zero_point ^ turn) : splat_byte(zero_point)) {
    for (std::int32_t i = 0; i < g_.kept(); ++i) store_[i] = scratch + i * g_.row_bytes();
    outside_ = scratch + g_.kept() * g_.row_bytes();
    fill(outside_, zero_, g_.row_bytes() - vector_bytes);
  }
  void begin(const std::byte* image) {
    image_ = image;
    first_ = -g_.top;
    next_ = 0;
    fetch();
  }
  void advance() {
    for (std::int32_t n = g_.stride_h < g_.kept() ? g_.stride_h : g_.kept(); n > 0; --n) {
      std::byte* const passed = store_[0];
      for (std::int32_t i = 1; i < g_.kept(); ++i) store_[i - 1] = store_[i];
      store_[g_.kept() - 1] = passed;
    }
    first_ += g_.stride_h;
    fetch();
  }
  /// The row that line kh of the window reads.
  const std::byte* line(std::int32_t kh) const {
    const std::int32_t i = kh * g_.step_h, row = first_ + i;
    return row < 0 || row >= g_.height ? outside_ : store_[i];
  }

  /// n bytes of data, and up to 127 more; what may be read ends at `end`.
  static QNNX_INLINE void take(std::byte* to, const std::byte* from, std::int32_t n, const std::byte* end) {
    if constexpr (turn == 0) return copy(to, from, n, end);
    for (; n > 0; n -= vector_bytes, to += vector_bytes, from += vector_bytes)
      store(to, bit_xor(end - from >= vector_bytes ? load(from) : load_part(from, n), splat_half(turn)));
  }

 private:
  static constexpr std::int32_t turn = Type == dtype::ufixed_16 ? 32768 : 0;

  static constexpr int element = bits_of(Type) / 8;

  /// Each element of a pixel `times` times.
  static QNNX_NOINLINE void repeat(std::byte* to, const std::byte* from, std::int32_t bytes, std::int32_t times) {
    for (; bytes > 0; bytes -= element, from += element) {
      std::byte one[element];
      for (int i = 0; i < element; ++i) one[i] = from[i];
      if constexpr (turn != 0) one[1] ^= std::byte{128};
      for (std::int32_t k = 0; k < times; ++k)
        for (int i = 0; i < element; ++i) *to++ = one[i];
    }
  }
  void fetch() {
    if (next_ < first_) next_ = first_;
    const std::int32_t end = first_ + g_.kept() < g_.height ? first_ + g_.kept() : g_.height;
    for (; next_ < end; ++next_) copy_row(next_, store_[next_ - first_]);
  }
  QNNX_NOINLINE void copy_row(std::int32_t row, std::byte* to) const {
    const std::int32_t depth = g_.depth, data = Repeats ? g_.data_depth : depth;
    const std::byte* const end = image_ + g_.height * g_.width * data;
    const std::byte* const from = image_ + row * g_.width * data;
    for (std::int32_t plane = 0; plane < g_.planes; ++plane) {
      std::int32_t column = plane - g_.left, left = g_.plane_columns;
      std::int32_t n = 0;  // columns before the data
      while (n < left && column < 0) ++n, column += g_.planes;
      fill(to, zero_, n * depth);
      to += n * depth, left -= n;
      if constexpr (Repeats) {
        for (; left > 0 && column < g_.width; --left, column += g_.planes, to += depth)
          repeat(to, from + column * data, data, depth / data);
      } else if (g_.planes == 1) {
        n = g_.width - column < left ? g_.width - column : left;
        take(to, from + column * depth, n * depth, end);
        to += n * depth, left -= n;
      } else {
        for (; left > 0 && column < g_.width; --left, column += g_.planes, to += depth)
          take(to, from + column * depth, depth, end);
      }
      fill(to, zero_, left * depth);
      to += left * depth;
    }
  }

  window_geometry g_;
  vec zero_;
  const std::byte* image_ = nullptr;
  std::byte* outside_ = nullptr;
  std::byte* store_[most_rows] = {};
  std::int32_t first_ = 0;  // data row of the window's first line
  std::int32_t next_ = 0;   // first data row not yet copied
};

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
