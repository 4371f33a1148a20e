// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 8-bit data without vectors, 3x3 windows. A few channels at a time (all, where the plan was made
// for another kernel) go through the whole image: each of their data rows is turned once into a line per channel,
// unsigned bytes padded with the zero point; the last three rows of lines stand in scratch. A channel of an output row
// is then made four pixels at a time, so that a weight is loaded once for four products. Packed form: a node head, then
// per channel a head and nine weights in 12 bytes. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/scalar/products.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel {

namespace scalar {

struct depthwise_record {
  channel_head head;
  std::int8_t weights[12];
};
inline constexpr std::int32_t most_line_bytes = 1024;  // of all channels made at a time, where these are more than one
/// Lines in scratch: [slot][channel][columns], as many columns as the windows of an output row touch, the row filled to
/// a multiple of four pixels.
struct depthwise_lines {
  std::int32_t all, channels, columns;  // channels of a pixel, of a turn
  constexpr depthwise_lines(std::int32_t c, std::int32_t out_width, std::int32_t stride, bool few)
      : all(c), channels(c), columns(((out_width + 3) / 4 * 4 - 1) * stride + 3) {
    if (!few) return;
    const std::int32_t fit = most_line_bytes / (3 * columns), most = fit < 1 ? 1 : fit, turns = (c + most - 1) / most;
    channels = (c + turns - 1) / turns;
  }
  constexpr std::int32_t slot() const { return channels * columns; }
  constexpr std::int64_t bytes() const { return std::int64_t{3} * slot(); }
};

/// `count` channels of a data row into the lines at `to`; column j of a line is data column j - left. Signed data is
/// stored plus 128.
template <bool Signed>
QNNX_NOINLINE void split_row(const depthwise_lines& size, const std::byte* row, std::int32_t count, std::int32_t width,
                             std::int32_t left, std::byte zero, std::byte* to) {
  constexpr std::byte flip = Signed ? std::byte{0x80} : std::byte{0};
  const std::int32_t before = left < size.columns ? left : size.columns;
  const std::int32_t inside = size.columns - before < width ? size.columns - before : width;
  for (std::int32_t c = 0; c < count; ++c) {
    std::byte* const end = to + size.columns;
    for (std::int32_t j = 0; j < before; ++j) *to++ = zero ^ flip;
    const std::byte* from = row + c;
    for (std::byte* const stop = to + inside; to != stop; from += size.all) *to++ = *from ^ flip;
    while (to != end) *to++ = zero ^ flip;
  }
}

/// Sums of Pixels neighbouring pixels of one channel; lines of the window's three rows.
template <int Stride, int Pixels>
QNNX_INLINE void window_sums(const std::byte* const* lines, const std::int8_t* w, std::int32_t at, std::int32_t* sums) {
  std::int32_t sum[Pixels] = {};
#pragma GCC unroll 3
  for (int r = 0; r < 3; ++r) {
    const std::byte* x = lines[r] + at;
#pragma GCC unroll 3
    for (int k = 0; k < 3; ++k) {
      const std::int32_t v = w[3 * r + k];
#pragma GCC unroll 4
      for (int i = 0; i < Pixels; ++i) sum[i] += static_cast<std::int32_t>(x[i * Stride + k]) * v;
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < Pixels; ++i) sums[i] = sum[i];
}

}  // namespace scalar

/// A row's data is taken over before the row is written: with all channels at a time the reference's distance will do,
/// with a few, outputs may take the places of their data.
template <>
struct impl<op::depthwise_conv2d, isa::scalar>
    : dsp::packed_kernel<impl<op::depthwise_conv2d, isa::scalar>, op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = dsp::is_8_bit<Sig>;

  static constexpr bool takes_shape(const shape& x, const shape& w, const params& p) {
    return w[0] == 3 && w[1] == 3 && w[3] == x[3] && p.dilation[0] == 1 && p.dilation[1] == 1 &&
           (p.stride[1] == 1 || p.stride[1] == 2);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(f.c.dims(0), f.c.dims(1), p) && dsp::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p)
               ? static_cast<std::int64_t>(sizeof(dsp::node_head) +
                                           sizeof(scalar::depthwise_record) * static_cast<std::size_t>(f.c.dims(1)[3]))
               : 0;
  }
  static constexpr scalar::depthwise_lines lines_of(const shape& x, const shape& y, const params& p) {
    return {x[3], y[2], static_cast<std::int32_t>(p.stride[1]), config::own_plan};
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? lines_of(f.c.dims(0), f.c.out(0).dims, p).bytes() : 0;
  }

  /// Whether outputs may stand where the data was: no row reaches data that is not in scratch when it is written.
  static constexpr bool in_place(const shape& x, const shape& y, const params& p) {
    if (x[0] != 1) return false;
    for (std::int32_t r = 0; r < y[1]; ++r) {
      const std::int32_t taken =
          r * static_cast<std::int32_t>(p.stride[0]) - static_cast<std::int32_t>(p.pad_amount[0]) + 3;
      if (taken < x[1] && (r + 1) * y[2] > (taken < 0 ? 0 : taken) * x[2]) return false;
    }
    return true;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 && in_place(f.c.dims(0), f.c.out(0).dims, p) ? in_place_only : no_overlap;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const std::int32_t channels = c.s.inputs[1].dims[3];
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    const bool fast = scalar::make_heads<false>(
        c, channels, 9, is_signed_fixed(Call::out_type::code) ? -128 : 0, scale_product::exact, weight,
        [&](std::int32_t o, const dsp::channel_head& h) {
          scalar::depthwise_record r{h, {}};
          for (std::int32_t k = 0; k < 9; ++k) r.weights[k] = static_cast<std::int8_t>(weight(k, o));
          std::memcpy(out + sizeof(dsp::node_head) + static_cast<std::size_t>(o) * sizeof r, &r, sizeof r);
        });
    const dsp::node_head head{fast ? 1 : 0, 0, {}};
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !takes_shape(c.s.inputs[0].dims, c.s.inputs[1].dims, c.params()) ||
          !dsp::takes_operands(c))
        return reference::run(c);
    const auto done = scalar::finisher_of<false>(c);
    using finisher = std::decay_t<decltype(done)>;
    const bool one = c.params().stride[1] == 1;
    dsp::with_form(done, c.packed(), [&](auto form) {
      rows(c, done, one ? &row<form.value, 1, finisher> : &row<form.value, 2, finisher>);
    });
  }

 private:
  /// `count` channels of an output row; `turn` slots of scratch lie between the first one and that of the window's
  /// first row.
  template <int Form, int Stride, class Finisher>
  static QNNX_NOINLINE void row(const Finisher& done, const scalar::depthwise_lines& size,
                                const scalar::depthwise_record* record, const std::byte* scratch, std::int32_t turn,
                                std::byte* y, std::int32_t width, std::int32_t count) {
    const std::byte* lines[3];
    for (int r = 0; r < 3; ++r) lines[r] = scratch + (turn + r) % 3 * size.slot();
    for (std::int32_t c = 0; c < count; ++c, ++record, ++y) {
      const dsp::channel_head h = record->head;
      std::byte* to = y;
      for (std::int32_t ow = 0; ow < width; ow += 4) {
        std::int32_t sums[4];
        const std::int32_t have = width - ow < 4 ? width - ow : 4;
        if (have > 2)
          scalar::window_sums<Stride, 4>(lines, record->weights, ow * Stride, sums);
        else
          scalar::window_sums<Stride, 2>(lines, record->weights, ow * Stride, sums);
        for (std::int32_t i = 0; i < have; ++i, to += size.all)
          *to = static_cast<std::byte>(done.template operator()<Form>(
              static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) + static_cast<std::uint32_t>(h.bias)), h));
      }
      for (int r = 0; r < 3; ++r) lines[r] += size.columns;
    }
  }
  template <class Finisher>
  using row_function = void (*)(const Finisher&, const scalar::depthwise_lines&, const scalar::depthwise_record*,
                                const std::byte*, std::int32_t, std::byte*, std::int32_t, std::int32_t);

  template <class Call, class Finisher>
  static QNNX_INLINE void rows(const Call& c, const Finisher& done, row_function<Finisher> make_row) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const shape& x = c.s.inputs[0].dims;
    const shape& y = c.s.outputs[0].dims;
    const params& p = c.params();
    const scalar::depthwise_lines size = lines_of(x, y, p);
    const std::int32_t height = x[1], pitch = x[2] * x[3];
    const auto stride = static_cast<std::int32_t>(p.stride[0]), top = static_cast<std::int32_t>(p.pad_amount[0]);
    const auto left = static_cast<std::int32_t>(p.pad_amount[2]);
    const auto zero = static_cast<std::byte>(c.s.inputs[0].q.zero());
    const auto* record = reinterpret_cast<const scalar::depthwise_record*>(c.packed() + sizeof(dsp::node_head));
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* made = reinterpret_cast<std::byte*>(c.out().data);
    for (std::int32_t n = 0; n < y[0]; ++n, image += height * pitch, made += y[1] * y[2] * y[3])
      for (std::int32_t first = 0; first < size.all; first += size.channels) {
        const std::int32_t count = size.all - first < size.channels ? size.all - first : size.channels;
        std::byte* out = made + first;
        std::int32_t next = -top;  // the first row that is not in scratch; row r is in slot (r + top) % 3
        for (std::int32_t oh = 0; oh < y[1]; ++oh, out += y[2] * size.all) {
          const std::int32_t low = oh * stride - top;
          if (next < low) next = low;
          for (; next < low + 3; ++next) {
            const bool inside = next >= 0 && next < height;
            scalar::split_row<is_signed>(size, inside ? image + next * pitch + first : image, count, inside ? x[2] : 0,
                                         left, zero, c.scratch() + (next + top) % 3 * size.slot());
          }
          make_row(done, size, record + first, c.scratch(), (low + top) % 3, out, y[2], count);
        }
      }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
