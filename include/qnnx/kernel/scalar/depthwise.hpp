// SPDX-License-Identifier: Apache-2.0
#pragma once
// The walk of DepthWiseConv2d without vectors. A few channels at a time (all, where the plan was made for another kernel)
// go through the whole image: each of their data rows is turned once into a line per channel, unsigned bytes or signed
// halfwords, with the zero point outside the data; the last rows of lines that a window reaches stand in scratch. Layer 5a.

#include "qnnx/kernel/scalar/layout.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel::scalar {

/// Elements of lines.
template <class Kind>
using line_of = std::conditional_t<Kind::wide, std::int16_t, std::uint8_t>;
template <class Kind>
QNNX_INLINE line_of<Kind> line_element(typename Kind::storage x) {
  if constexpr (Kind::wide) return static_cast<std::int16_t>(Kind::signed_element(x));
  return static_cast<std::uint8_t>(Kind::is_signed ? static_cast<unsigned>(x) ^ 0x80u : static_cast<unsigned>(x));
}
/// What is taken from 8-bit data before it is multiplied (heads_of).
template <class Kind>
inline constexpr std::int32_t line_base = Kind::is_signed ? -128 : 0;

inline constexpr std::int32_t most_line_bytes = 1024;  // of all channels made at a time, where these are more than one
/// Lines in scratch: [slot][channel][columns], as many columns as the windows of an output row touch, the row filled to
/// a multiple of four pixels; as many slots as a window has rows, with those that dilation leaves out.
struct depthwise_lines {
  std::int32_t all, channels;  // data channels of a pixel, of a turn
  std::int32_t outputs;        // of a channel
  std::int32_t rows, taps, step_h, step_w, stride_h, stride_w;  // taps: of a window's row
  std::int32_t element, slots, columns;

  constexpr depthwise_lines(const shape& x, const shape& w, const shape& y, const op::depthwise_conv2d::params& p,
                            std::int32_t element_bytes)
      : all(x[3]),
        channels(x[3]),
        outputs(w[3] / x[3]),
        rows(w[0]),
        taps(w[1]),
        step_h(static_cast<std::int32_t>(p.dilation[0])),
        step_w(static_cast<std::int32_t>(p.dilation[1])),
        stride_h(static_cast<std::int32_t>(p.stride[0])),
        stride_w(static_cast<std::int32_t>(p.stride[1])),
        element(element_bytes),
        slots((rows - 1) * step_h + 1),
        columns(((y[2] + 3) / 4 * 4 - 1) * stride_w + (taps - 1) * step_w + 1) {
    if (!config::own_plan) return;
    const std::int32_t fit = most_line_bytes / (slots * columns * element), most = fit < 1 ? 1 : fit;
    const std::int32_t turns = (all + most - 1) / most;
    channels = (all + turns - 1) / turns;
  }
  constexpr std::int32_t slot() const { return channels * columns; }  // elements
  constexpr std::int64_t bytes() const { return std::int64_t{slots} * slot() * element; }
};

/// Whether outputs may stand where the data was: no row reaches data that is not in scratch when it is written.
constexpr bool depthwise_in_place(const shape& x, const shape& w, const shape& y,
                                  const op::depthwise_conv2d::params& p) {
  if (x[0] != 1 || w[3] != x[3]) return false;
  const std::int32_t reach = (w[0] - 1) * static_cast<std::int32_t>(p.dilation[0]) + 1;
  for (std::int32_t r = 0; r < y[1]; ++r) {
    const std::int32_t taken =
        r * static_cast<std::int32_t>(p.stride[0]) - static_cast<std::int32_t>(p.pad_amount[0]) + reach;
    if (taken < x[1] && (r + 1) * y[2] > (taken < 0 ? 0 : taken) * x[2]) return false;
  }
  return true;
}

/// `count` channels of a data row into the lines at `to`; column j of a line is data column j - left.
template <class Kind>
QNNX_NOINLINE void split_row(const depthwise_lines& size, const typename Kind::storage* row, std::int32_t count,
                             std::int32_t width, std::int32_t left, line_of<Kind> zero, line_of<Kind>* to) {
  const std::int32_t before = left < size.columns ? left : size.columns;
  const std::int32_t inside = size.columns - before < width ? size.columns - before : width;
  for (std::int32_t c = 0; c < count; ++c) {
    line_of<Kind>* const end = to + size.columns;
    for (std::int32_t j = 0; j < before; ++j) *to++ = zero;
    const typename Kind::storage* from = row + c;
    for (line_of<Kind>* const stop = to + inside; to != stop; from += size.all) *to++ = line_element<Kind>(*from);
    while (to != end) *to++ = zero;
  }
}

/// All output rows, `make_row` for each turn of channels: done, sizes, the first channel's record, scratch, the slot of
/// the window's first row, the row's outputs of these channels, pixels, data channels.
template <class Kind, class Call, class Finisher, class Row>
QNNX_INLINE void walk_rows(const Call& c, const Finisher& done, const depthwise_lines& size, std::int32_t record_bytes,
                           Row make_row) {
  using line = line_of<Kind>;
  using storage = typename Kind::storage;
  const shape& x = c.s.inputs[0].dims;
  const shape& y = c.s.outputs[0].dims;
  const std::int32_t height = x[1], pitch = x[2] * x[3];
  const auto top = static_cast<std::int32_t>(c.params().pad_amount[0]);
  const auto left = static_cast<std::int32_t>(c.params().pad_amount[2]);
  const line zero = line_element<Kind>(static_cast<storage>(c.s.inputs[0].q.zero()));
  auto* const scratch = reinterpret_cast<line*>(c.scratch());
  const std::byte* const records = c.packed() + sizeof(dsp::node_head);
  const auto* image = reinterpret_cast<const storage*>(c.template in<0>().data);
  auto* made = reinterpret_cast<storage*>(c.out().data);
  for (std::int32_t n = 0; n < y[0]; ++n, image += height * pitch, made += y[1] * y[2] * y[3])
    for (std::int32_t first = 0; first < size.all; first += size.channels) {
      const std::int32_t count = size.all - first < size.channels ? size.all - first : size.channels;
      storage* out = made + first * size.outputs;
      std::int32_t next = -top, free = 0;  // the first row that is not in scratch, and its slot
      std::int32_t low = -top, turn = 0;   // the window's first row, and its slot
      for (std::int32_t oh = 0; oh < y[1]; ++oh, out += y[2] * y[3]) {
        if (next < low) next = low, free = turn;
        for (; next < low + size.slots; ++next) {
          const bool inside = next >= 0 && next < height;
          split_row<Kind>(size, inside ? image + next * pitch + first : image, count, inside ? x[2] : 0, left, zero,
                          scratch + free * size.slot());
          if (++free == size.slots) free = 0;
        }
        make_row(done, size, records + first * size.outputs * record_bytes, scratch, turn, out, y[2], count);
        low += size.stride_h;
        for (turn += size.stride_h; turn >= size.slots;) turn -= size.slots;
      }
    }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::scalar
#endif
