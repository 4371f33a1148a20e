// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 8-bit data, 3x3 windows, with dual multiply-adds. A few channels at a time, so that scratch is
// small, go through the whole image: each of their data rows is turned once into 16-bit pairs, one line per channel,
// padded with the zero point; the last three rows stand side by side in scratch. An output row is then made channel by
// channel, first the sums (arm/window.hpp), then the outputs. A channel's outputs may take the places of its data.
// Packed form: a node head, then per channel a channel head and three times the bytes w0 w1 w1 w2, which extend to the
// pairs (w0, w1) and (w1, w2). Layer 5a.

#include "qnnx/kernel/arm/packing.hpp"
#include "qnnx/kernel/arm/window.hpp"
#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/convolution/scalar_depthwise_any.hpp"

#if QNNX_HAS_ARMV7EM_DSP
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

struct depthwise_record {
  channel_head head;
  std::int8_t rows[3][4];
};

/// Output rows of up to size.channels channels.
struct depthwise_rows {
  lines size;
  std::int32_t channels;  // of a pixel
  std::int32_t width;     // of an output row
  std::int32_t* sums;
};

/// One output row of `count` channels: sums of a channel into `sums`, from there to outputs.
template <int Form, int Stride, class Finisher>
QNNX_NOINLINE void depthwise_row(const Finisher& done, const depthwise_rows& rows, const depthwise_record* record,
                                 const word* line, std::int32_t turn, std::byte* y, std::int32_t count) {
  const std::int32_t channels = rows.channels, width = rows.width, line_words = rows.size.line_words();
  std::int32_t* const sums = rows.sums;
  const std::int32_t k0 = turn, k1 = turn == 2 ? 0 : turn + 1,
                     k2 = turn == 0 ? 2 : turn - 1;  // window rows in slots 0, 1, 2
  for (const std::byte* const end = y + count; y != end; ++y, ++record, line += line_words) {
    window_sums<Stride>(line, load_word(record->rows[k0]), load_word(record->rows[k1]), load_word(record->rows[k2]),
                        sums, width);
    const channel_head h = record->head;
    std::byte* to = y;
    const std::int32_t* sum = sums;
    for (const std::int32_t* const last = sums + width; sum != last; to += channels)
      *to = static_cast<std::byte>(done.template operator()<Form>(
          static_cast<std::int32_t>(static_cast<word>(*sum++) + static_cast<word>(h.bias)), h));
  }
}

}  // namespace dsp

/// Memory is shared in place: then the outputs of a channel stand where data of the same channel was.
template <>
struct impl<op::depthwise_conv2d, isa::armv7em_dsp>
    : dsp::packed_kernel<impl<op::depthwise_conv2d, isa::armv7em_dsp>, op::depthwise_conv2d> {
  using others = impl<op::depthwise_conv2d, isa::armv7em_dsp_general>;
  template <class Sig>
  static constexpr bool supports = dsp::is_8_bit<Sig>;
  static constexpr bool packed_is_enough = true;

  static constexpr bool takes_shape(const shape& x, const shape& w, const params& p) {
    return w[0] == 3 && w[1] == 3 && w[3] == x[3] && x[3] % 4 == 0 && p.dilation[0] == 1 && p.dilation[1] == 1 &&
           (p.stride[1] == 1 || p.stride[1] == 2);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(f.c.dims(0), f.c.dims(1), p) && dsp::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p)
               ? static_cast<std::int64_t>(sizeof(dsp::node_head) +
                                           sizeof(dsp::depthwise_record) * static_cast<std::size_t>(f.c.dims(1)[3]))
               : others::packed_bytes(f, p);
  }
  static constexpr std::int32_t most_line_bytes =
      1024;  // of all channels made at a time, where these are more than four
  static constexpr dsp::lines lines_of(const shape& x, const shape& y, const params& p) {
    const dsp::lines one(1, y[2], static_cast<std::int32_t>(p.stride[1]));
    const std::int32_t fours = x[3] / 4, fit = most_line_bytes / (16 * one.line_words()), most = fit < 1 ? 1 : fit;
    const std::int32_t turns = (fours + most - 1) / most;
    return {(fours + turns - 1) / turns * 4, y[2], static_cast<std::int32_t>(p.stride[1])};
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? lines_of(f.c.dims(0), f.c.out(0).dims, p).bytes() : others::scratch_bytes(f, p);
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
    if (!config::own_plan || !takes(f, p)) return others::overlap(f, p, input);
    return input == 0 && in_place(f.c.dims(0), f.c.out(0).dims, p) ? in_place_only : no_overlap;
  }

  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    return !takes(f, p) ? 0 : bit(p.stride[1] == 1 ? code_part::column_stride_1 : code_part::column_stride_2);
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    if constexpr (!config::packs_only)
      if (!takes_shape(c.s.inputs[0].dims, c.s.inputs[1].dims, c.params())) return others::pack(c, out);
    const auto w = c.template in<1>();
    const std::int32_t channels = c.s.inputs[1].dims[3];
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    const bool fast = dsp::make_heads<false>(
        c, channels, 9, scale_product::exact, weight, [&](std::int32_t o, const dsp::channel_head& h) {
          dsp::depthwise_record r{h, {}};
          for (std::int32_t row = 0; row < 3; ++row)
            for (std::int32_t at = 0; at < 4; ++at)
              r.rows[row][at] = static_cast<std::int8_t>(weight(3 * row + (at + 1) / 2, o));
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
        return others::run(c);
    if constexpr (!config::own_plan)
      if (!shares_well(c)) return reference::run(c);
    const auto done = dsp::finisher_of<false>(c);
    using finisher = std::decay_t<decltype(done)>;
    dsp::with_form(done, c.packed(), [&](auto form) {
      if constexpr (!needs<code_part::column_stride_2>)
        rows(c, done, &dsp::depthwise_row<form.value, 1, finisher>);
      else if constexpr (!needs<code_part::column_stride_1>)
        rows(c, done, &dsp::depthwise_row<form.value, 2, finisher>);
      else
        rows(c, done,
             c.params().stride[1] == 1 ? &dsp::depthwise_row<form.value, 1, finisher>
                                       : &dsp::depthwise_row<form.value, 2, finisher>);
    });
  }

  /// Whether a plan made for another kernel keeps data and outputs apart, or has them in place.
  template <class Call>
  static bool shares_well(const Call& c) {
    constexpr int bytes = bits_of(Call::out_type::code) / 8;
    const std::byte* x = c.input_bytes(0);
    const std::byte* y = c.output_bytes();
    const shape& xs = c.s.inputs[0].dims;
    const shape& ys = c.s.outputs[0].dims;
    return y + ys.size() * bytes <= x || x + xs.size() * bytes <= y || (x == y && in_place(xs, ys, c.params()));
  }

 private:

  template <class Finisher>
  using row_function = void (*)(const Finisher&, const dsp::depthwise_rows&, const dsp::depthwise_record*,
                                const dsp::word*, std::int32_t, std::byte*, std::int32_t);

  template <class Call, class Finisher>
  static QNNX_INLINE void rows(const Call& c, const Finisher& done, row_function<Finisher> make_row) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const shape& x = c.s.inputs[0].dims;
    const shape& y = c.s.outputs[0].dims;
    const params& p = c.params();
    const dsp::lines size = lines_of(x, y, p);
    const std::int32_t height = x[1], width = x[2], channels = x[3];
    const auto stride = static_cast<std::int32_t>(p.stride[0]), top = static_cast<std::int32_t>(p.pad_amount[0]);
    const auto left = static_cast<std::int32_t>(p.pad_amount[2]);
    auto* scratch = reinterpret_cast<dsp::word*>(c.scratch());
    const dsp::depthwise_rows out_rows{size, channels, y[2],
                                       reinterpret_cast<std::int32_t*>(scratch + size.line_words() * size.channels)};
    const dsp::word zeros = (static_cast<dsp::word>(c.s.inputs[0].q.zero()) & 0xffu) * 0x01010101u;
    const auto* record = reinterpret_cast<const dsp::depthwise_record*>(c.packed() + sizeof(dsp::node_head));
    const std::byte* data = c.input_bytes(0);
    std::byte* image = c.output_bytes();
    for (std::int32_t n = 0; n < y[0]; ++n, data += static_cast<std::ptrdiff_t>(height) * width * channels,
                      image += static_cast<std::ptrdiff_t>(y[1]) * y[2] * channels)
      for (std::int32_t first = 0; first < channels; first += size.channels) {
        const std::int32_t count = channels - first < size.channels ? channels - first : size.channels;
        std::byte* out = image + first;
        std::int32_t next = -top;             // the first row that is not in scratch
        std::int32_t slot = 0, low_slot = 0;  // its slot, and that of the window's first row
        for (std::int32_t oh = 0; oh < y[1]; ++oh, out += y[2] * channels) {
          const std::int32_t low = oh * stride - top;
          for (; next < low + 3; ++next) {
            if (next >= low) {
              if (next == low) low_slot = slot;
              const bool inside = next >= 0 && next < height;
              dsp::split_row<is_signed>(size, data + static_cast<std::ptrdiff_t>(next) * width * channels + first,
                                        channels, count, inside ? width : 0, left, zeros, scratch + slot);
            }
            slot = slot == 2 ? 0 : slot + 1;
          }
          make_row(done, out_rows, record + first, scratch, low_slot == 0 ? 0 : 3 - low_slot, out, count);
          low_slot = (low_slot + stride) % 3;
        }
      }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
