// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 16-bit data and with 4-bit weights (arm/mixed.hpp), 3x3 windows, by the plan of the 8-bit kernel:
// a few channels at a time, rows of their data as 16-bit pairs, one line per channel (arm/window.hpp). Packed form: per channel a head and three rows of
// weights, as the bytes w0 w1 w1 w2 or the nibbles w0 w1 w2. Layer 5a.

#include "qnnx/kernel/arm/mixed.hpp"
#include "qnnx/kernel/arm/window.hpp"
#include "qnnx/kernel/convolution/armv7em_dsp_depthwise.hpp"
#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/convolution/scalar_depthwise_any.hpp"

#if QNNX_HAS_ARMV7EM_DSP
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// A channel; Row: what three weights are stored as.
template <class Kind>
struct mixed_window {
  using row_type = std::conditional_t<Kind::nibbles, std::uint16_t, word>;
  channel_head head;
  row_type rows[Kind::nibbles ? 4 : 3];

  static row_type make_row(std::int32_t w0, std::int32_t w1, std::int32_t w2) {
    const auto part = [](std::int32_t v, int shift) {
      return (static_cast<word>(v) & (Kind::nibbles ? 0xfu : 0xffu)) << shift;
    };
    if constexpr (Kind::nibbles) return static_cast<row_type>(part(w0, 0) | part(w1, 4) | part(w2, 8));
    return static_cast<row_type>(part(w0, 0) | part(w1, 8) | part(w1, 16) | part(w2, 24));
  }
  /// The bytes w0 w1 w1 w2.
  QNNX_INLINE word row(std::int32_t k) const {
    if constexpr (!Kind::nibbles) return rows[k];
    const auto r = static_cast<std::int32_t>(static_cast<word>(rows[k]) << 20);  // w2 on top, then w1, w0
    const auto w1 = static_cast<word>(r << 4 >> 28) & 0xffu;
    return (static_cast<word>(r << 8 >> 28) & 0xffu) | w1 << 8 | w1 << 16 | static_cast<word>(r >> 28) << 24;
  }
};

/// `count` channels of a data row [width][channels] of 16 bits into a slot of their lines, as split_row; count % 2 == 0.
template <word Turn>
QNNX_NOINLINE void split_row_16(const lines& size, const std::byte* row, std::int32_t channels, std::int32_t count,
                                std::int32_t width, std::int32_t left, word zeros, word* to) {
  const std::int32_t step = size.line_words();
  for (std::int32_t q = size.pairs, column = -left; q > 0; --q, column += 2, to += 3) {
    const bool first = column >= 0 && column < width, second = column + 1 >= 0 && column + 1 < width;
    const std::byte* a = first ? row + 2 * column * channels : reinterpret_cast<const std::byte*>(&zeros);
    const std::byte* b = second ? row + 2 * (column + 1) * channels : reinterpret_cast<const std::byte*>(&zeros);
    const std::int32_t next_a = first ? 4 : 0, next_b = second ? 4 : 0;
    word* line = to;
    for (std::int32_t c = count; c > 0; c -= 2, a += next_a, b += next_b, line += 2 * step) {
      const word x = load_word(a), y = load_word(b);
      line[0] = pkhbt16(x, y) ^ Turn;
      line[step] = pkhtb16(x, y) ^ Turn;
    }
  }
}

/// `count` channels of an output row: sums of a channel into those of `size`, from there to outputs.
template <class Kind, int Form, int Stride, class Finisher>
QNNX_NOINLINE void depthwise_row_mixed(const Finisher& done, const depthwise_rows& size, const mixed_window<Kind>* record,
                                       const word* line, std::int32_t turn, typename Kind::storage* y, std::int32_t count) {
  using storage = typename Kind::storage;
  const std::int32_t channels = size.channels, width = size.width, line_words = size.size.line_words();
  std::int32_t* const sums = size.sums;
  const std::int32_t k0 = turn, k1 = turn == 2 ? 0 : turn + 1, k2 = turn == 0 ? 2 : turn - 1;
  for (const storage* const end = y + count; y != end; ++y, ++record, line += line_words) {
    window_sums<Stride>(line, record->row(k0), record->row(k1), record->row(k2), sums, width);
    const channel_head h = record->head;
    storage* to = y;
    const std::int32_t* sum = sums;
    for (const std::int32_t* const last = sums + width; sum != last; to += channels) {
      if constexpr (adds_pieces<Kind, Form>)
        *to = static_cast<storage>(done.general(*sum++, h));
      else
        *to = static_cast<storage>(done.template operator()<Form>(
            static_cast<std::int32_t>(static_cast<word>(*sum++) + static_cast<word>(h.bias)), h));
    }
  }
}

}  // namespace dsp

/// Memory is shared as by the 8-bit kernel: in place, where no row reaches data that is not in scratch.
template <>
struct impl<op::depthwise_conv2d, isa::armv7em_dsp_mixed>
    : dsp::packed_kernel<impl<op::depthwise_conv2d, isa::armv7em_dsp_mixed>, op::depthwise_conv2d> {
  using others = impl<op::depthwise_conv2d, isa::armv7em_dsp_general>;
  template <class Sig>
  static constexpr bool supports = dsp::is_mixed<Sig>;

  static constexpr bool takes_shape(const shape& x, const shape& w, const params& p) {
    return w[0] == 3 && w[1] == 3 && w[3] == x[3] && x[3] % 4 == 0 && p.dilation[0] == 1 && p.dilation[1] == 1 &&
           (p.stride[1] == 1 || p.stride[1] == 2);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(f.c.dims(0), f.c.dims(1), p) && dsp::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return others::packed_bytes(f, p);
    const std::size_t record = bits_of(f.c.in(1).type) == 4
                                   ? sizeof(dsp::mixed_window<dsp::mixed_kind<types::s8, types::s4>>)
                                   : sizeof(dsp::mixed_window<dsp::mixed_kind<types::s16, types::s8>>);
    return static_cast<std::int64_t>(sizeof(dsp::node_head) + record * static_cast<std::size_t>(f.c.dims(1)[3]));
  }
  using bytes = impl<op::depthwise_conv2d, isa::armv7em_dsp>;
  static constexpr dsp::lines lines_of(const shape& x, const shape& y, const params& p) { return bytes::lines_of(x, y, p); }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? lines_of(f.c.dims(0), f.c.out(0).dims, p).bytes() : others::scratch_bytes(f, p);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return others::overlap(f, p, input);
    return input == 0 && bytes::in_place(f.c.dims(0), f.c.out(0).dims, p) ? in_place_only : no_overlap;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    if constexpr (!config::packs_only)
      if (!takes_shape(c.s.inputs[0].dims, c.s.inputs[1].dims, c.params())) return others::pack(c, out);
    using window = dsp::mixed_window<kind<Call>>;
    const auto w = c.template in<1>();
    const std::int32_t channels = c.s.inputs[1].dims[3];
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    const bool fast = dsp::mixed_heads<kind<Call>, false>(
        c, channels, 9, scale_product::exact, weight, [&](std::int32_t o, const dsp::channel_head& h) {
          window r{h, {}};
          for (std::int32_t k = 0; k < 3; ++k)
            r.rows[k] = window::make_row(weight(3 * k, o), weight(3 * k + 1, o), weight(3 * k + 2, o));
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
      if (!bytes::shares_well(c)) return reference::run(c);
    using k = kind<Call>;
    const auto done = dsp::mixed_finisher_of<k, false>(c);
    using finisher = std::decay_t<decltype(done)>;
    const bool one = c.params().stride[1] == 1;
    dsp::with_form(done, c.packed(), [&](auto form) {
      rows<k>(c, done,
              one ? &dsp::depthwise_row_mixed<k, form.value, 1, finisher>
                  : &dsp::depthwise_row_mixed<k, form.value, 2, finisher>);
    });
  }

 private:
  template <class Call>
  using kind = dsp::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;

  template <class Kind, class Call, class Finisher, class Row>
  static QNNX_INLINE void rows(const Call& c, const Finisher& done, Row make_row) {
    const shape &x = c.s.inputs[0].dims, &y = c.s.outputs[0].dims;
    const params& p = c.params();
    const dsp::lines size = lines_of(x, y, p);
    const std::int32_t height = x[1], width = x[2], channels = x[3], pitch = width * channels * Kind::bytes;
    const auto stride = static_cast<std::int32_t>(p.stride[0]), top = static_cast<std::int32_t>(p.pad_amount[0]);
    const auto left = static_cast<std::int32_t>(p.pad_amount[2]);
    auto* scratch = reinterpret_cast<dsp::word*>(c.scratch());
    const dsp::depthwise_rows out_rows{size, channels, y[2],
                                       reinterpret_cast<std::int32_t*>(scratch + size.line_words() * size.channels)};
    const auto zero = static_cast<dsp::word>(c.s.inputs[0].q.zero());
    const dsp::word zeros = Kind::wide ? (zero & 0xffffu) * 0x00010001u : (zero & 0xffu) * 0x01010101u;
    const auto* record = reinterpret_cast<const dsp::mixed_window<Kind>*>(c.packed() + sizeof(dsp::node_head));
    const auto* data = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* image = c.out().data;
    for (std::int32_t n = 0; n < y[0]; ++n, data += height * pitch, image += y[1] * y[2] * channels)
      for (std::int32_t first = 0; first < channels; first += size.channels) {
        const std::int32_t count = channels - first < size.channels ? channels - first : size.channels;
        auto* out = image + first;
        const std::byte* from = data + first * Kind::bytes;
        std::int32_t next = -top;             // the first row that is not in scratch
        std::int32_t slot = 0, low_slot = 0;  // its slot, and that of the window's first row
        for (std::int32_t oh = 0; oh < y[1]; ++oh, out += y[2] * channels) {
          const std::int32_t low = oh * stride - top;
          for (; next < low + 3; ++next) {
            if (next >= low) {
              if (next == low) low_slot = slot;
              const std::int32_t there = next >= 0 && next < height ? width : 0;
              if constexpr (Kind::wide)
                dsp::split_row_16<Kind::turn>(size, from + next * pitch, channels, count, there, left, zeros, scratch + slot);
              else
                dsp::split_row<Kind::is_signed>(size, from + next * pitch, channels, count, there, left, zeros, scratch + slot);
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
