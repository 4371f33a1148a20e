// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of products, the part that all kernels of this family share. A block of `channel_block` neighbouring output
// channels is summed at once, in the order of the taps, so that the compiler can use vectors and float sums keep one
// order. 8-bit sums are 32-bit integers modulo 2^32: exact while taps * 255 * 255 + |bias| < 2^31, and every
// instruction set wraps alike beyond. 16-bit sums are 64-bit, float sums float. Layer 5a.
//   sum (x + ox) * (w + ow) = sum (x + ox) * w  +  ow * sum (x + ox)

#include "qnnx/kernel/epilogue.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Accumulator of a data type as the epilogue takes it.
template <class T>
using accumulator =
    std::conditional_t<is_float_v<T>, float, std::conditional_t<(bits_of(T::code) > 8), std::int64_t, std::int32_t>>;

inline constexpr std::int32_t channel_block = 16;

/// Arithmetic of data X times weights W.
template <class X, class W>
struct product_of {
  static constexpr bool fixed = is_fixed_v<X>;
  static constexpr bool narrow = bits_of(X::code) <= 8 && bits_of(W::code) <= 8;
  /// |x + ox| <= 65535; times a weight of at most 15 bits and sign it fits int32.
  static constexpr bool medium = bits_of(W::code) <= 8 || W::code == dtype::sfixed_16;
  /// What factors are before they are multiplied: 16 bits wide, so that compilers find the widening multiply.
  using factor = std::conditional_t<
      !fixed, float, std::conditional_t<narrow, std::int16_t, std::conditional_t<medium, std::int32_t, std::int64_t>>>;
  using sum = std::conditional_t<!fixed, float, std::conditional_t<bits_of(X::code) <= 8, std::uint32_t, std::int64_t>>;
  using result = accumulator<X>;

  static QNNX_INLINE void add(sum& s, factor a, factor b) {
    if constexpr (fixed)
      s += static_cast<sum>(a * b);
    else
      s += a * b;
  }
};

/// Data seen as factors: the offset is added.
template <class P, class X>
QNNX_INLINE typename P::factor data_factor(const X& x, std::int64_t at, std::int32_t offset) {
  if constexpr (P::fixed)
    return static_cast<typename P::factor>(x.load(at) + offset);
  else
    return static_cast<typename P::factor>(x.load(at));
}

/// Weights [taps][channels], or packed nibbles in the same order or by channel.
template <class W>
struct weight_matrix {
  using type = typename W::type;
  const typename type::storage* data;
  std::int64_t channels;
  std::int64_t row = 0;  // packed by channel: nibbles from one channel to the next

  explicit weight_matrix(const W& w, std::int64_t output_channels) : data(w.data), channels(output_channels) {
    if (is_packed_v<type> && w.q->scales) row = (w.size() / channels + 1) / 2 * 2;
  }
  template <class Factor>
  QNNX_INLINE Factor load(std::int64_t tap, std::int64_t channel) const {
    if constexpr (is_packed_v<type>) {
      const auto at = static_cast<std::size_t>(row ? channel * row + tap : tap * channels + channel);
      if constexpr (is_signed_fixed(type::code))
        return static_cast<Factor>(load_s4(data, at));
      else
        return static_cast<Factor>(load_u4(data, at));
    } else {
      return static_cast<Factor>(data[tap * channels + channel]);
    }
  }
};

/// The finished sum of an output channel: weight offset and bias added.
template <class P, class W, class B>
QNNX_INLINE typename P::result finished(typename P::sum sum, typename P::sum data_sum, std::int64_t channel,
                                        std::int64_t scale_channel, const W& w, const B& bias) {
  if constexpr (P::fixed) {
    using sum_t = typename P::sum;
    sum += static_cast<sum_t>(w.q->offset_at(scale_channel)) * data_sum;
    if (bias.present()) sum += static_cast<sum_t>(bias.load(channel));
  } else {
    (void)data_sum, (void)channel, (void)scale_channel, (void)w, (void)bias;
  }
  return static_cast<typename P::result>(sum);
}

/// Sums of a block of output channels of one output pixel.
template <class P>
struct channel_sums {
  using factor = typename P::factor;
  typename P::sum sum[channel_block];
  typename P::sum data_sum{};  // sum of the data, for weights with an offset

  /// Floats begin with the bias; integers take it at the end, the order of their additions makes no difference.
  template <class B>
  explicit QNNX_INLINE channel_sums(const B& bias, std::int64_t first, std::int32_t count) {
    for (std::int32_t j = 0; j < channel_block; ++j) sum[j] = 0;
    if constexpr (!P::fixed) {
      if (bias.present())
        for (std::int32_t j = 0; j < count; ++j) sum[j] = bias.load(first + j);
    } else {
      (void)first, (void)count;
    }
  }
  /// Adds `taps` products of data[at + i] with the weights of rows tap + i, channels first..first + count.
  template <class X, class M>
  QNNX_INLINE void add(const X& x, std::int64_t at, std::int32_t offset, const M& w, std::int64_t tap,
                       std::int64_t first, std::int32_t count, std::int32_t taps) {
    if (count == channel_block) {
      for (std::int32_t i = 0; i < taps; ++i) {
        const factor v = data_factor<P>(x, at + i, offset);
        if constexpr (P::fixed) data_sum += static_cast<typename P::sum>(v);
        for (std::int32_t j = 0; j < channel_block; ++j) P::add(sum[j], v, w.template load<factor>(tap + i, first + j));
      }
    } else {
      for (std::int32_t i = 0; i < taps; ++i) {
        const factor v = data_factor<P>(x, at + i, offset);
        if constexpr (P::fixed) data_sum += static_cast<typename P::sum>(v);
        for (std::int32_t j = 0; j < count; ++j) P::add(sum[j], v, w.template load<factor>(tap + i, first + j));
      }
    }
  }
  template <class W, class B>
  QNNX_INLINE typename P::result total(std::int32_t j, std::int64_t channel, std::int64_t scale_channel, const W& w,
                                       const B& bias) const {
    return finished<P>(sum[j], data_sum, channel, scale_channel, w, bias);
  }
};

/// Taps [from, to) of a window of `kernel` taps whose first one lies at `start`: those inside [0, size).
struct tap_range {
  std::int32_t from = 0;
  std::int32_t to = 0;
};
constexpr tap_range taps_inside(std::int32_t start, std::int32_t kernel, std::int32_t dilation, std::int32_t size) {
  tap_range r;
  r.from = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
  const std::int64_t room = static_cast<std::int64_t>(size) - start;
  const std::int64_t fit = room <= 0 ? 0 : (room + dilation - 1) / dilation;
  r.to = fit < kernel ? static_cast<std::int32_t>(fit) : kernel;
  if (r.from > r.to) r.from = r.to;
  return r;
}

/// Rows of output pixels, which pieces share.
constexpr int output_lines(const context& c) { return c.out(0).dims[0] * c.out(0).dims[1]; }

/// Bytes the output of a sliding window must begin before its dying input: rows are made in order, row r reads input
/// rows from low(r) = r * stride - before (within the image) on, and all bytes of a row may be written before its last
/// pixel is read. So the worst of (r + 1) * out_row - low(r) * in_row, which is linear in r but where low(r) meets the
/// first and the last row: the ends of those three stretches are enough.
constexpr std::int64_t window_overlap(std::int64_t out_rows, std::int64_t out_row, std::int64_t in_rows,
                                      std::int64_t in_row, std::int64_t stride, std::int64_t before) {
  const std::int64_t top = before / stride;
  const std::int64_t bottom = (in_rows + before) / stride;
  std::int64_t worst = 0;
  for (const std::int64_t r : {std::int64_t{0}, top, top + 1, bottom, bottom + 1, out_rows - 1}) {
    if (r >= out_rows) continue;
    std::int64_t low = r * stride - before;
    low = low < 0 ? 0 : low > in_rows ? in_rows : low;
    const std::int64_t ahead = (r + 1) * out_row - low * in_row;
    if (ahead > worst) worst = ahead;
  }
  return worst;
}
/// The same for kernels that make `group` neighbouring pixels at a time and, where `gathered`, read all their windows
/// before they write: not whole rows but pixels are counted. `x`, `y`: bytes of a pixel of data and of output.
struct window_walk {
  std::int64_t height, width, stride_h, stride_w, top, left, x, y;
  /// First byte of the data that the pixels from (row, column) on read.
  constexpr std::int64_t unread(std::int64_t row, std::int64_t column) const {
    const auto inside = [](std::int64_t at, std::int64_t size) { return at < 0 ? 0 : at > size ? size : at; };
    const std::int64_t line = inside(row * stride_h - top, height);
    const std::int64_t here = (line * width + inside(column * stride_w - left, width)) * x;
    const std::int64_t next = inside((row + 1) * stride_h - top, height) * width * x;  // a line above the data repeats
    return here < next ? here : next;
  }
};
constexpr std::int64_t pixel_overlap(const context& c, const window_walk& w, std::int64_t group, bool gathered) {
  const shape& y = c.out(0).dims;
  if (c.dims(0)[0] != 1 || w.stride_h == 0 || w.stride_w == 0) return -1;
  const std::int64_t pixels = static_cast<std::int64_t>(y[1]) * y[2];
  std::int64_t worst = 0;
  for (std::int64_t first = 0; first < pixels; first += group) {
    const std::int64_t end = first + group < pixels ? first + group : pixels;
    const std::int64_t from = gathered ? end : first;  // the first pixel that still reads while these are written
    if (from >= pixels) continue;
    const std::int64_t ahead = end * w.y - w.unread(from / y[2], from % y[2]);
    if (ahead > worst) worst = ahead;
  }
  return worst;
}
/// For a convolution's parameters.
template <class Params>
constexpr std::int64_t pixel_overlap(const context& c, const Params& p, std::int64_t group, bool gathered) {
  const shape& x = c.dims(0);
  const shape& y = c.out(0).dims;
  return pixel_overlap(c,
                       {x[1], x[2], p.stride[0], p.stride[1], p.pad_amount[0], p.pad_amount[2],
                        byte_size(c.in(0)) / (static_cast<std::int64_t>(x[0]) * x[1] * x[2]),
                        byte_size(c.out(0)) / (static_cast<std::int64_t>(y[0]) * y[1] * y[2])},
                       group, gathered);
}

constexpr std::int64_t window_overlap(const context& c, std::uint32_t stride, std::uint32_t before) {
  const shape& x = c.dims(0);
  const shape& y = c.out(0).dims;
  if (x[0] != 1 || stride == 0) return -1;
  return window_overlap(y[1], byte_size(c.out(0)) / y[1], x[1], byte_size(c.in(0)) / x[1], stride, before);
}

}  // namespace qnnx::inline QNNX_ABI::kernel
