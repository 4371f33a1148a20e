// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d on 16-bit data and with 4-bit weights (arm/mixed.hpp), by the plan of the 8-bit kernel: the windows of four
// pixels stand interleaved as 16-bit pairs in scratch, every channel is one pass over its weights. Each window line is
// filled to a multiple of four elements. Layer 5a.

#include "qnnx/kernel/arm/mixed.hpp"
#include "qnnx/kernel/convolution/reference.hpp"

#if QNNX_HAS_ARMV7EM_DSP
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// Sizes and steps of the windows of a call.
struct window_steps {
  std::int32_t rows, columns, depth, channels;  // kh, kw, Ci, Co
  std::int32_t height, width, out_height, out_width;
  std::int32_t stride_h, stride_w, step_h, step_w, top, left;
  std::int32_t zero;  // the zero point

  template <class Call>
  explicit window_steps(const Call& c) {
    const shape &x = c.s.inputs[0].dims, &w = c.s.inputs[1].dims, &y = c.s.outputs[0].dims;
    const auto& p = c.params();
    rows = w[0], columns = w[1], depth = w[2], channels = w[3];
    height = x[1], width = x[2], out_height = y[1], out_width = y[2];
    stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    step_h = static_cast<std::int32_t>(p.dilation[0]), step_w = static_cast<std::int32_t>(p.dilation[1]);
    top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    zero = c.s.inputs[0].q.zero();
  }
  constexpr bool is_pointwise() const {
    return rows * columns == 1 && stride_h * stride_w == 1 && height == out_height && width == out_width;
  }
};
/// Elements of a window line, filled up, and quads of a window.
constexpr std::int32_t filled_line(const shape& w) {
  return (w[1] * w[2] + 3) / 4 * 4;
}
constexpr mixed_sizes mixed_sizes_of(const shape& w, int bits) {
  return {w[3], w[0] * filled_line(w) / 4, bits};
}

/// Gathers blocks of four windows. Scratch: the block, a line of zero points, a line for each pixel.
template <class Kind>
struct mixed_gatherer {
  window_steps at;
  const std::byte* image;
  std::byte* scratch;
  std::int32_t line, quads;  // elements of a filled line; quads of a block, an even number with nibbles

  template <class Call>
  explicit mixed_gatherer(const Call& c)
      : at(c),
        image(reinterpret_cast<const std::byte*>(c.template in<0>().data)),
        scratch(c.scratch()),
        line(filled_line(c.s.inputs[1].dims)),
        quads(mixed_sizes_of(c.s.inputs[1].dims, Kind::nibbles ? 4 : 8).quads) {
    fill(zeros(), line);
    for (std::int32_t k = at.rows * line * 2; k < quads * 8; ++k) block()[k] = 0;  // a quad that no line reaches
  }
  word* block() const { return reinterpret_cast<word*>(scratch); }
  static constexpr std::int64_t scratch_bytes(const shape& w, int bits, int bytes) {
    return std::int64_t{32} * mixed_sizes_of(w, bits).quads + 5 * filled_line(w) * bytes;
  }
  /// The next rows of the windows whose first elements are at columns[i] of data row rows[i].
  QNNX_NOINLINE void gather(const std::int32_t* row, const std::int32_t* column) const {
    word* to = block();
    const std::int32_t pixel = at.depth * Kind::bytes, pitch = at.width * pixel;
    const std::byte* const end = image + at.height * pitch;
    const std::int32_t last = at.step_w == 1 ? at.width - at.columns : -1;
    for (std::int32_t kh = 0; kh < at.rows; ++kh) {
      const std::byte* from[4];
      for (int i = 0; i < 4; ++i) {
        const std::int32_t r = row[i] + kh * at.step_h;
        from[i] = zeros();
        if (r < 0 || r >= at.height) continue;
        const std::byte* start = image + r * pitch;
        from[i] = start + column[i] * pixel;
        if (column[i] < 0 || column[i] > last || end - from[i] < line * Kind::bytes)
          from[i] = put_together(start, column[i], zeros() + (i + 1) * line * Kind::bytes);
      }
      to = interleave_rows(from, to);
    }
  }
  /// The same for 1x1 windows of neighbouring pixels whose depth is a multiple of four; the last of `count` repeats.
  void gather_pixels(const std::byte* first, std::int32_t count) const {
    const std::int32_t step = at.depth * Kind::bytes;
    const std::byte* from[4];
    for (int i = 0; i < 4; ++i) from[i] = first + (i < count ? i : count - 1) * step;
    interleave_rows(from, block());
  }
  /// -8 times the sums of the four windows of the block.
  QNNX_NOINLINE void nibble_sums(std::int32_t first, std::int32_t count, std::int32_t* sum) const {
    constexpr word ones = 0x00010001u;
    const word* x = block() + first * 8;
    const word* const end = x + count * 8;
    std::int32_t a = 0, b = 0, c = 0, d = 0;
    for (; x != end; x += 8) {
      a = smlad(x[4], ones, smlad(x[0], ones, a));
      b = smlad(x[5], ones, smlad(x[1], ones, b));
      c = smlad(x[6], ones, smlad(x[2], ones, c));
      d = smlad(x[7], ones, smlad(x[3], ones, d));
    }
    const auto times = [](std::int32_t s) { return static_cast<std::int32_t>(-8u * static_cast<word>(s)); };
    sum[0] = times(a), sum[1] = times(b), sum[2] = times(c), sum[3] = times(d);
  }

 private:
  std::byte* zeros() const { return scratch + quads * 32; }
  void fill(std::byte* to, std::int32_t elements) const {
    for (std::int32_t k = 0; k < elements; ++k) put(to + k * Kind::bytes, at.zero);
  }
  static void put(std::byte* to, std::int32_t value) {
    const auto v = static_cast<typename Kind::storage>(value);
    std::memcpy(to, &v, sizeof v);
  }
  QNNX_NOINLINE const std::byte* put_together(const std::byte* start, std::int32_t column, std::byte* to) const {
    const std::int32_t pixel = at.depth * Kind::bytes;
    std::byte* next = to;
    for (std::int32_t kw = 0; kw < at.columns; ++kw, column += at.step_w, next += pixel) {
      if (column < 0 || column >= at.width) {
        fill(next, at.depth);
        continue;
      }
      const std::byte* from = start + column * pixel;
      std::int32_t k = 0;
      for (; k + 4 <= pixel; k += 4) {
        const word w = load_word(from + k);
        std::memcpy(next + k, &w, 4);
      }
      for (; k < pixel; ++k) next[k] = from[k];
    }
    return to;
  }
  QNNX_NOINLINE word* interleave_rows(const std::byte* const* from, word* to) const {
    if constexpr (Kind::wide) {
      const std::byte *p0 = from[0], *p1 = from[1], *p2 = from[2], *p3 = from[3];
      for (std::int32_t k = line / 2; k > 0; --k, to += 4) {
        to[0] = load_word(p0) ^ Kind::turn;
        to[1] = load_word(p1) ^ Kind::turn;
        to[2] = load_word(p2) ^ Kind::turn;
        to[3] = load_word(p3) ^ Kind::turn;
        p0 += 4, p1 += 4, p2 += 4, p3 += 4;
      }
      return to;
    } else {
      return interleave<Kind::is_signed>(from[0], from[1], from[2], from[3], to, line / 4);
    }
  }
};

/// Sums of a piece: quads [first, first + count) of a block with a channel's weights, which end at the result.
template <class Kind>
QNNX_NOINLINE const std::byte* multiply_piece(const mixed_gatherer<Kind>& g, const std::byte* w, std::int32_t first,
                                              std::int32_t count, std::int64_t* sums) {
  std::int32_t acc[4] = {};
  if constexpr (Kind::nibbles) g.nibble_sums(first, count, acc);
  w = Kind::multiply(g.block() + first * 8, w, count, acc);
  for (int p = 0; p < 4; ++p) sums[p] += acc[p];
  return w;
}

/// All channels of the four pixels of a block; where there are fewer, the last one stands in for the rest.
template <class Kind, int Form, class Finisher>
QNNX_NOINLINE void multiply_mixed(const Finisher& done, const mixed_gatherer<Kind>& g, const std::byte* packed,
                                  typename Kind::storage* y, std::int32_t count) {
  using storage = typename Kind::storage;
  const std::int32_t channels = g.at.channels;
  const std::byte* w = packed + sizeof(node_head);
  const std::int32_t second = count > 1 ? channels : 0;
  const std::int32_t third = count > 2 ? 2 * channels : second;
  const std::int32_t fourth = count > 3 ? 3 * channels : third;
  if constexpr (adds_pieces<Kind, Form>) {
    constexpr std::int32_t step = piece / 4;
    for (storage* const end = y + channels; y != end; ++y) {
      const channel_head h = *reinterpret_cast<const channel_head*>(w);
      w += sizeof(channel_head);
      std::int64_t sums[4] = {};
      for (std::int32_t k = 0; k < g.quads; k += step)
        w = multiply_piece(g, w, k, g.quads - k < step ? g.quads - k : step, sums);
      y[0] = static_cast<storage>(done.general(sums[0], h));
      y[second] = static_cast<storage>(done.general(sums[1], h));
      y[third] = static_cast<storage>(done.general(sums[2], h));
      y[fourth] = static_cast<storage>(done.general(sums[3], h));
    }
  } else {
    std::int32_t start[4] = {};
    if constexpr (Kind::nibbles) g.nibble_sums(0, g.quads, start);
    const word* const block = g.block();
    const std::int32_t quads = g.quads;
    for (storage* const end = y + channels; y != end; ++y) {
      const channel_head h = *reinterpret_cast<const channel_head*>(w);
      const std::int32_t a = hidden(second), b = hidden(third),
                         d = hidden(fourth);  // else four pointers are kept on the stack
      const auto bias = static_cast<word>(h.bias);
      std::int32_t acc[4] = {
          static_cast<std::int32_t>(bias + static_cast<word>(start[0])),
          static_cast<std::int32_t>(bias + static_cast<word>(start[1])),
          static_cast<std::int32_t>(bias + static_cast<word>(start[2])),
          static_cast<std::int32_t>(bias + static_cast<word>(start[3]))};
      w = Kind::multiply(block, w + sizeof(channel_head), quads, acc);
      y[0] = static_cast<storage>(done.template operator()<Form>(acc[0], h));
      y[a] = static_cast<storage>(done.template operator()<Form>(acc[1], h));
      y[b] = static_cast<storage>(done.template operator()<Form>(acc[2], h));
      y[d] = static_cast<storage>(done.template operator()<Form>(acc[3], h));
    }
  }
}

}  // namespace dsp

/// Memory is shared by pixels, as by the 8-bit kernel: a block's windows are gathered before any of it is written.
template <>
struct impl<op::conv2d, isa::armv7em_dsp_mixed>
    : dsp::packed_kernel<impl<op::conv2d, isa::armv7em_dsp_mixed>, op::conv2d> {
  template <class Sig>
  static constexpr bool supports = dsp::is_mixed<Sig>;

  static constexpr bool takes(const node_facts& f, const params& p) { return p.group == 1 && dsp::takes_operands(f); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? dsp::mixed_sizes_of(f.c.dims(1), bits_of(f.c.in(1).type)).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return 0;
    return dsp::mixed_gatherer<dsp::mixed_kind<types::s8, types::s4>>::scratch_bytes(
        f.c.dims(1), bits_of(f.c.in(1).type), bits_of(f.c.in(0).type) / 8);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, 4, true) : no_overlap;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const shape& ws = c.s.inputs[1].dims;
    const std::int32_t line = ws[1] * ws[2];
    dsp::pack_mixed<kind<Call>, false>(
        c, dsp::mixed_sizes_of(ws, bits_of(Call::template in_type<1>::code)), ws[0] * line, scale_product::exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{k} * ws[3] + o)}; },
        [&](std::int32_t k) { return k / line * dsp::filled_line(ws) + k % line; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || c.params().group != 1 || !dsp::takes_operands(c)) return reference::run(c);
    using k = kind<Call>;
    const auto done = dsp::mixed_finisher_of<k, false>(c);
    dsp::with_form(done, c.packed(), [&](auto form) {
      blocks<k>(c, done, &dsp::multiply_mixed<k, form.value, std::decay_t<decltype(done)>>);
    });
  }

 private:
  template <class Call>
  using kind = dsp::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;

  template <class Kind, class Call, class Finisher, class Multiply>
  static QNNX_NOINLINE void blocks(const Call& c, const Finisher& done, Multiply multiply) {
    dsp::mixed_gatherer<Kind> g(c);
    auto* y = c.out().data;
    const bool pointwise = g.at.is_pointwise() && g.at.depth % 4 == 0;
    const std::int32_t image = g.at.out_height * g.at.out_width, pixel = g.at.depth * Kind::bytes;
    for (std::int32_t n = c.s.outputs[0].dims[0]; n > 0; --n, g.image += g.at.height * g.at.width * pixel) {
      std::int32_t oh = 0, ow = 0;
      for (std::int32_t first = 0; first < image; first += 4) {
        const std::int32_t count = image - first < 4 ? image - first : 4;
        if (pointwise) {
          g.gather_pixels(g.image + first * pixel, count);
        } else {
          std::int32_t row[4], column[4];
          for (int i = 0; i < 4; ++i) {
            row[i] = oh * g.at.stride_h - g.at.top, column[i] = ow * g.at.stride_w - g.at.left;
            if (first + i + 1 < image && ++ow == g.at.out_width) ow = 0, ++oh;
          }
          g.gather(row, column);
        }
        multiply(done, g, c.packed(), y, count);
        y += count * g.at.channels;
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
