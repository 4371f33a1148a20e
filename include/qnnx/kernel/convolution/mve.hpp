// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d on 8-bit data with Helium: two output pixels and four channels at a time, 16 elements an instruction.
// Windows are copied into scratch; 1x1 convolutions read the data as it is (what follows meets zero weights). The
// data's offset is in the bias, padding holds the zero point; unsigned data is turned to x - 128 in registers. Packed form: a node head, then per four channels a quad
// head and per 16 window elements four rows of 16 bytes (zeros behind the last element and channel). Layer 5a.

#include "qnnx/kernel/arm/mve.hpp"
#include "qnnx/kernel/arm/packing.hpp"
#include "qnnx/kernel/convolution/armv7em_dsp.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {

template <class Sig>
inline constexpr bool is_bytes =
    std::is_same_v<Sig, types::s8(types::s8, types::s8, types::s32)> || std::is_same_v<Sig, types::u8(types::u8, types::s8, types::s32)>;
/// Whether the data of a call is unsigned.
template <class Call>
inline constexpr bool is_unsigned = !is_signed_fixed(Call::out_type::code);

/// Packed sizes of `channels` rows of `depth` weights.
struct panel_sizes {
  std::int32_t channels, depth, groups, steps;
  constexpr panel_sizes(std::int32_t k, std::int32_t n)
      : channels(n), depth(k), groups((n + 3) / 4), steps((k + 15) / 16) {}
  constexpr std::int64_t group_bytes() const {
    return static_cast<std::int64_t>(sizeof(quad_head)) + std::int64_t{64} * steps;
  }
  constexpr std::int64_t bytes() const {
    return static_cast<std::int64_t>(sizeof(dsp::node_head)) + groups * group_bytes();
  }
};

template <bool Once, class Call, class Weight>
void pack_panels(const Call& c, const panel_sizes& size, scale_product product, Weight&& weight, std::byte* out) {
  std::memset(out, 0, static_cast<std::size_t>(size.bytes()));
  const bool fast = dsp::each_channel<Once>(
      c, size.channels, size.depth, product, weight, [&](std::int32_t o, const dsp::channel_facts& f, bool quick) {
        std::byte* group = out + sizeof(dsp::node_head) + o / 4 * size.group_bytes();
        quad_head h;
        std::memcpy(&h, group, sizeof h);
        h.template set<Once, !is_unsigned<Call>>(o % 4, f, c.rounding(), quick);
        std::memcpy(group, &h, sizeof h);
        for (std::int32_t k = 0; k < size.depth; ++k)
          group[static_cast<std::int32_t>(sizeof h) + k / 16 * 64 + o % 4 * 16 + k % 16] =
              static_cast<std::byte>(weight(k, o));
      }, is_unsigned<Call> ? 128 : 0);
  const dsp::node_head head{fast ? 1 : 0, 0, {}};
  std::memcpy(out, &head, sizeof head);
}

/// All channels of two pixels (of one, given twice, where x0 == x1 and y0 == y1).
template <bool Fast, bool Turned, class Rounding>
QNNX_NOINLINE void two_pixels(const panel_sizes& size, const std::byte* packed, const std::int8_t* x0,
                              const std::int8_t* x1, std::int8_t* y0, std::int8_t* y1, limits l, Rounding r) {
  const std::byte* at = packed + sizeof(dsp::node_head);
  const std::int32_t steps = size.steps;
  const auto step = static_cast<std::int32_t>(size.group_bytes());
  for (std::int32_t left = size.channels; left > 0; left -= 4, at += step, y0 += 4, y1 += 4) {
    const auto& h = *reinterpret_cast<const quad_head*>(at);
    const pair_of_sums s = two_rows<Turned>(x0, x1, reinterpret_cast<const std::int8_t*>(at + sizeof(quad_head)), steps);
    if constexpr (Fast) {
      const four a = finish_four<false>(s.first, h, l, r), b = finish_four<false>(s.second, h, l, r);
      if (left >= 4) {
        store_four(y0, a);
        store_four(y1, b);
      } else {
        store_four(y0, a, left);
        store_four(y1, b, left);
      }
    } else {
      std::int32_t sums[8];
      std::memcpy(sums, &s, sizeof sums);
      finish_general<false>(sums, h, l, r, y0, 1, left < 4 ? left : 4);
      finish_general<false>(sums + 4, h, l, r, y1, 1, left < 4 ? left : 4);
    }
  }
}

}  // namespace mve

/// Memory is shared by pixels, two at a time; those of 1x1 windows are read while they are written.
template <>
struct impl<op::conv2d, isa::mve> : dsp::packed_kernel<impl<op::conv2d, isa::mve>, op::conv2d> {
  template <class Sig>
  static constexpr bool supports = mve::is_bytes<Sig>;

  static constexpr bool takes(const node_facts& f, const params& p) { return p.group == 1 && dsp::takes_operands(f); }
  static constexpr mve::panel_sizes sizes(const shape& w) { return {w[0] * w[1] * w[2], w[3]}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1)).bytes() : 0;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, 2, false) : -1;
  }
  /// Windows of two pixels.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? std::int64_t{32} * sizes(f.c.dims(1)).steps : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const mve::panel_sizes size = sizes(c.s.inputs[1].dims);
    mve::pack_panels<false>(
        c, size, scale_product::exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{k} * size.channels + o)}; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || c.params().group != 1 || !dsp::takes_operands(c)) return reference::run(c);
    if ((config::packed_forms & 4u) == 0 || reinterpret_cast<const dsp::node_head*>(c.packed())->fast)
      pixels<true>(c);
    else
      pixels<false>(c);
  }

 private:
  template <bool Fast, class Call>
  static QNNX_NOINLINE void pixels(const Call& c) {
    const dsp::gatherer g(c, dsp::window_sizes(c.s.inputs[1].dims));
    const mve::panel_sizes size = sizes(c.s.inputs[1].dims);
    const mve::limits l{c.constants()[0], c.constants()[1]};
    auto* window = reinterpret_cast<std::int8_t*>(c.scratch());
    const auto* image = reinterpret_cast<const std::int8_t*>(g.data);
    auto* y = reinterpret_cast<std::int8_t*>(c.out().data);
    const std::int32_t batches = c.s.outputs[0].dims[0], count = g.out_height * g.out_width;
    const bool pointwise = g.height == g.out_height && g.width == g.out_width && g.size.rows * g.size.columns == 1 &&
                           g.stride_h * g.stride_w == 1;
    // Data that is read as it is may lie as near as the reference's rows allow: then a pair must not reach further.
    const bool in_pairs = config::own_plan || !pointwise || size.channels <= (g.out_width - 1) * size.depth;
    const std::int32_t last =
        pointwise ? g.height * g.width * size.depth - 16 * size.steps : -1;  // where a whole read may begin
    for (std::int32_t n = 0; n < batches; ++n, image += g.height * g.width * g.size.depth) {
      std::int32_t oh = 0, ow = 0;
      for (std::int32_t first = 0; first < count; first += in_pairs ? 2 : 1) {
        const bool both = first + 1 < count && in_pairs;
        const std::int8_t* x0 = image + first * size.depth;
        const std::int8_t* x1 = both ? x0 + size.depth : x0;
        if (x1 - image > last) {
          if (pointwise) oh = first / g.out_width, ow = first % g.out_width;
          x0 = x1 = window;
          for (int i = 0; i <= (both ? 1 : 0); ++i) {
            gather(g, image, oh * g.stride_h - g.top, ow * g.stride_w - g.left, window + i * 16 * size.steps);
            if (++ow == g.out_width) ow = 0, ++oh;
          }
          if (both) x1 = window + 16 * size.steps;
        }
        std::int8_t* y1 = both ? y + size.channels : y;
        mve::two_pixels<Fast, mve::is_unsigned<Call>>(size, c.packed(), x0, x1, y, y1, l, c.rounding());
        y = y1 + size.channels;
      }
    }
  }
  /// One window; outside the data it holds the zero point.
  static QNNX_NOINLINE void gather(const dsp::gatherer& g, const std::int8_t* image, std::int32_t row,
                                   std::int32_t column, std::int8_t* to) {
    const std::int32_t depth = g.size.depth, line = g.size.line();
    const auto zero = static_cast<std::int8_t>(g.zero);
    const bool inside = g.step_w == 1 && column >= 0 && column + g.size.columns <= g.width;
    for (std::int32_t kh = 0; kh < g.size.rows; ++kh, row += g.step_h, to += line) {
      if (row < 0 || row >= g.height) {
        mve::fill(to, zero, line);
        continue;
      }
      const std::int8_t* from = image + (row * g.width + column) * depth;
      if (inside) {
        mve::copy(to, from, line);
        continue;
      }
      if (g.step_w == 1) {  // the part inside is one piece
        const std::int32_t before = column < 0 ? -column : 0;
        const std::int32_t after = column + g.size.columns > g.width ? column + g.size.columns - g.width : 0;
        const std::int32_t part = g.size.columns - before - after;
        mve::fill(to, zero, line);
        mve::copy(to + before * depth, from + before * depth, part * depth);
        continue;
      }
      for (std::int32_t kw = 0, at = column; kw < g.size.columns; ++kw, at += g.step_w) {
        if (at >= 0 && at < g.width)
          mve::copy(to + kw * depth, from + kw * g.step_w * depth, depth);
        else
          mve::fill(to + kw * depth, zero, depth);
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
