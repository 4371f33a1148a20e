// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d and FullyConnected with Helium on 16-bit data with 8- and 4-bit weights and on 8-bit data with 4-bit weights: two
// pixels and four channels at a time, by the plan of the 8-bit kernel (convolution/mve.hpp). Unsigned data is read as
// signed, the highest bit turned over. Sums of 16-bit data are 32-bit where the packer proves that they fit, else pieces
// are added up in 64 bits (arm/mixed.hpp). Packed form: a node head, then per four channels a quad head and the weights
// of arm/mve_mixed.hpp. Layer 5a.

#include "qnnx/kernel/arm/mixed.hpp"
#include "qnnx/kernel/arm/mve_mixed.hpp"
#include "qnnx/kernel/convolution/armv7em_dsp_mixed.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {

/// Signatures: 16-bit data with 4-bit weights (their DepthWiseConv2d runs the kernel of armv7em_dsp, which needs less for the
/// few channels of small networks); those, 16-bit data with 8-bit weights, 8-bit data with 4-bit weights.
template <class Sig>
inline constexpr bool is_halves_with_nibbles = std::is_same_v<Sig, types::s16(types::s16, types::s4, types::s32)> ||
                                               std::is_same_v<Sig, types::u16(types::u16, types::s4, types::s32)>;
template <class Sig>
inline constexpr bool is_mixed = is_halves_with_nibbles<Sig> || std::is_same_v<Sig, types::s16(types::s16, types::s8, types::s32)> ||
                                 std::is_same_v<Sig, types::u16(types::u16, types::s8, types::s32)> ||
                                 std::is_same_v<Sig, types::s8(types::s8, types::s4, types::s32)> ||
                                 std::is_same_v<Sig, types::u8(types::u8, types::s4, types::s32)>;

/// Bits of data and weights, and what a step of a row's sum reads.
struct mixed_step {
  bool wide, nibbles;
  constexpr mixed_step(dtype x, dtype w) : wide(bits_of(x) == 16), nibbles(bits_of(w) == 4) {}
  constexpr explicit mixed_step(const node_facts& f) : mixed_step(f.c.in(0).type, f.c.in(1).type) {}
  constexpr std::int32_t elements() const { return !wide ? 32 : nibbles ? 16 : 8; }
  constexpr std::int32_t row_bytes() const { return elements() * (wide ? 2 : 1); }
  constexpr std::int32_t weight_bytes() const { return elements() * 4 / (nibbles ? 2 : 1); }  // of four channels
};

/// Data of type X with weights of type W.
template <class X, class W>
struct mixed_kind {
  static constexpr mixed_step step{X::code, W::code};
  static constexpr dtype type = X::code;
  static constexpr bool wide = bits_of(type) == 16;
  static constexpr bool is_signed = is_signed_fixed(type);
  static constexpr int bytes = wide ? 2 : 1;
  static constexpr std::uint32_t turn = is_signed ? 0u : wide ? 0x80008000u : 0x80808080u;
  static constexpr std::int32_t turned_zero = is_signed ? 0 : wide ? 32768 : 128;
  static constexpr std::int32_t elements = step.elements(), row_bytes = step.row_bytes(), weight_bytes = step.weight_bytes();
  static constexpr std::int32_t piece = dsp::piece / elements;  // steps whose sums of 16-bit data fit 32 bits
  using storage = std::conditional_t<wide, std::int16_t, std::int8_t>;

  static QNNX_INLINE pair_of_sums rows(const std::int8_t* x0, const std::int8_t* x1, const std::int8_t* w,
                                       std::int32_t steps) {
    if constexpr (wide && step.nibbles)
      return two_rows_16_nibbles(reinterpret_cast<const std::int16_t*>(x0), reinterpret_cast<const std::int16_t*>(x1), w, steps);
    else if constexpr (wide)
      return two_rows(reinterpret_cast<const std::int16_t*>(x0), reinterpret_cast<const std::int16_t*>(x1), w, steps);
    else
      return two_rows_nibbles(x0, x1, w, steps);
  }
  static QNNX_INLINE four row(const std::int8_t* x, const std::int8_t* w, std::int32_t depth) {
    if constexpr (wide && step.nibbles)
      return one_row_16_nibbles(reinterpret_cast<const std::int16_t*>(x), w, depth, static_cast<std::int32_t>(turn & 0xffffu));
    else if constexpr (wide)
      return one_row(reinterpret_cast<const std::int16_t*>(x), w, depth, static_cast<std::int32_t>(turn & 0xffffu));
    else
      return one_row_nibbles(x, w, depth, static_cast<std::int32_t>(turn & 0xffu));
  }
  template <bool Once, class Rounding>
  static QNNX_INLINE four finish(four sums, const quad_head& h, limits l, Rounding r) {
    if constexpr (wide)
      return finish_four_16(sums, h, l, r);
    else
      return finish_four<Once>(sums, h, l, r);
  }
  /// Puts weight k of channel j of a group at its place.
  static void put(std::byte* group, std::int32_t k, std::int32_t j, std::int32_t value) {
    if constexpr (!step.nibbles) {
      group[k / 8 * 32 + 8 * j + k % 8] = static_cast<std::byte>(value);
    } else {  // the second half of a step in the high nibbles
      constexpr std::int32_t half = elements / 2;
      std::byte& b = group[k / elements * weight_bytes + half * j + k % half];
      b |= static_cast<std::byte>((static_cast<unsigned>(value) & 0xfu) << (k % elements >= half ? 4 : 0));
    }
  }
};

/// Packed sizes of `channels` rows of `depth` weights.
struct mixed_panels {
  std::int32_t channels, depth, groups, steps, group_bytes;
  constexpr mixed_panels(std::int32_t k, std::int32_t n, mixed_step step)
      : channels(n),
        depth(k),
        groups((n + 3) / 4),
        steps((k + step.elements() - 1) / step.elements()),
        group_bytes(static_cast<std::int32_t>(sizeof(quad_head)) + steps * step.weight_bytes()) {}
  constexpr std::int64_t bytes() const {
    return static_cast<std::int64_t>(sizeof(dsp::node_head)) + std::int64_t{groups} * group_bytes;
  }
};

/// Puts the facts of channel o into a quad head, place j, in the fast or the general form; with no head: whether the
/// fast form is possible.
template <class Kind, bool Once, class Call, class Weight>
bool set_channel(const Call& c, std::int32_t o, std::int32_t depth, scale_product product, Weight&& weight,
                 quad_head* h, int j, bool fast) {
  if constexpr (Kind::wide) {
    const dsp::channel_facts_16 f = dsp::facts_of_16(c, o, depth, product, weight);
    if (h) set_16<Once>(*h, j, f, c.rounding(), fast);
    return h || f.template fits_fast<Once>(c.rounding());
  } else {
    const dsp::channel_facts f =
        dsp::facts_of(c, o, depth, c.s.inputs[0].q.offset + Kind::turned_zero, product, weight);
    if (h) h->template set<Once, Kind::is_signed>(j, f, c.rounding(), fast);
    return h || f.template fits_fast<Once, Kind::is_signed>(c.rounding());
  }
}
/// Whether all channels have the fast form.
template <class Kind, bool Once, class Call, class Weight>
bool all_fast(const Call& c, std::int32_t channels, std::int32_t depth, scale_product product, Weight&& weight) {
  for (std::int32_t o = 0; o < channels; ++o)
    if (!set_channel<Kind, Once>(c, o, depth, product, weight, nullptr, 0, false)) return false;
  return true;
}
template <class Kind, bool Once, class Call, class Weight>
void pack_mixed(const Call& c, const mixed_panels& size, scale_product product, Weight&& weight, std::byte* out) {
  std::memset(out, 0, static_cast<std::size_t>(size.bytes()));
  const bool fast = all_fast<Kind, Once>(c, size.channels, size.depth, product, weight);
  for (std::int32_t o = 0; o < size.channels; ++o) {
    std::byte* group = out + sizeof(dsp::node_head) + std::int64_t{o / 4} * size.group_bytes;
    quad_head h;
    std::memcpy(&h, group, sizeof h);
    set_channel<Kind, Once>(c, o, size.depth, product, weight, &h, o % 4, fast);
    std::memcpy(group, &h, sizeof h);
    for (std::int32_t k = 0; k < size.depth; ++k) Kind::put(group + sizeof h, k, o % 4, weight(k, o));
  }
  const dsp::node_head head{fast ? 1 : 0, 0, {}};
  std::memcpy(out, &head, sizeof head);
}

/// What finishing needs of a call.
template <class Rounding>
struct ending {
  limits l;
  std::int32_t zero;
  Rounding r;
};
template <class Call>
auto ending_of(const Call& c) {
  return ending<std::decay_t<decltype(c.rounding())>>{
      {c.constants()[0], c.constants()[1]}, c.s.outputs[0].q.zero(), c.rounding()};
}
/// General form: up to four channels of two pixels (of one, given twice).
template <class Kind, class Ending>
QNNX_NOINLINE void two_general(const mixed_panels& size, const quad_head& h, const std::int8_t* x0,
                               const std::int8_t* x1, typename Kind::storage* y0, typename Kind::storage* y1,
                               const Ending& e, std::int32_t count) {
  const auto* w = reinterpret_cast<const std::int8_t*>(&h + 1);
  if constexpr (Kind::wide) {
    std::int64_t sums[2][4] = {};
    for (std::int32_t k = 0; k < size.steps; k += Kind::piece) {
      const std::int32_t n = size.steps - k < Kind::piece ? size.steps - k : Kind::piece;
      const pair_of_sums s =
          Kind::rows(x0 + k * Kind::row_bytes, x1 + k * Kind::row_bytes, w + k * Kind::weight_bytes, n);
      std::int32_t part[2][4];
      std::memcpy(part, &s, sizeof part);
      for (int i = 0; i < 4; ++i) sums[0][i] += part[0][i], sums[1][i] += part[1][i];
    }
    finish_general_16<false>(sums[0], h, e.zero, e.l, e.r, y0, 1, count);
    finish_general_16<false>(sums[1], h, e.zero, e.l, e.r, y1, 1, count);
  } else {
    const pair_of_sums s = Kind::rows(x0, x1, w, size.steps);
    std::int32_t sums[8];
    std::memcpy(sums, &s, sizeof sums);
    finish_general<false>(sums, h, e.l, e.r, y0, 1, count);
    finish_general<false>(sums + 4, h, e.l, e.r, y1, 1, count);
  }
}
/// All channels of two pixels (of one, given twice).
template <class Kind, bool Fast, class Ending>
QNNX_NOINLINE void two_mixed(const mixed_panels& size, const std::byte* packed, const std::int8_t* x0,
                             const std::int8_t* x1, typename Kind::storage* y0, typename Kind::storage* y1,
                             const Ending& e) {
  const std::byte* at = packed + sizeof(dsp::node_head);
  const std::int32_t step = size.group_bytes, steps = size.steps;
  const limits l = e.l;
  for (std::int32_t left = size.channels; left > 0; left -= 4, at += step, y0 += 4, y1 += 4) {
    const auto& h = *reinterpret_cast<const quad_head*>(at);
    if constexpr (Fast) {
      const pair_of_sums s = Kind::rows(x0, x1, reinterpret_cast<const std::int8_t*>(&h + 1), steps);
      const four a = Kind::template finish<false>(s.first, h, l, e.r);
      const four b = Kind::template finish<false>(s.second, h, l, e.r);
      if (left >= 4) {
        store_four(y0, a);
        store_four(y1, b);
      } else {
        store_four(y0, a, left);
        store_four(y1, b, left);
      }
    } else {
      two_general<Kind>(size, h, x0, x1, y0, y1, e, left < 4 ? left : 4);
    }
  }
}

/// One window into scratch, turned; outside the data it holds the zero point.
template <class Kind>
QNNX_NOINLINE void gather(const dsp::window_steps& g, const std::int8_t* image, std::int32_t row, std::int32_t column,
                          std::int8_t* to) {
  const std::int32_t pixel = g.depth * Kind::bytes, line = g.columns * pixel;
  const auto zero = static_cast<std::uint32_t>(g.zero);
  const std::uint32_t pattern =
      (Kind::wide ? (zero & 0xffffu) * 0x00010001u : (zero & 0xffu) * 0x01010101u) ^ Kind::turn;
  for (std::int32_t kh = 0; kh < g.rows; ++kh, row += g.step_h, to += line) {
    const std::int8_t* from = image + (row * g.width + column) * pixel;
    const bool inside = row >= 0 && row < g.height;
    if (inside && g.step_w == 1) {  // the part inside is one piece
      const std::int32_t before = column < 0 ? -column : 0;
      const std::int32_t after = column + g.columns > g.width ? column + g.columns - g.width : 0;
      if (before + after > 0) fill_words(to, pattern, line);
      copy_turned(to + before * pixel, from + before * pixel, (g.columns - before - after) * pixel, Kind::turn);
      continue;
    }
    fill_words(to, pattern, line);
    if (!inside) continue;
    for (std::int32_t kw = 0, at = column; kw < g.columns; ++kw, at += g.step_w, from += g.step_w * pixel)
      if (at >= 0 && at < g.width) copy_turned(to + kw * pixel, from, pixel, Kind::turn);
  }
}

}  // namespace mve

/// Memory is shared by pixels, as by the 8-bit kernel.
template <>
struct impl<op::conv2d, isa::mve_mixed>
    : dsp::packed_kernel<impl<op::conv2d, isa::mve_mixed>, op::conv2d> {
  template <class Sig>
  static constexpr bool supports = mve::is_mixed<Sig>;

  static constexpr bool takes(const node_facts& f, const params& p) { return p.group == 1 && dsp::takes_operands(f); }
  static constexpr mve::mixed_panels sizes(const shape& w, mve::mixed_step step) { return {w[0] * w[1] * w[2], w[3], step}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1), mve::mixed_step(f)).bytes() : 0;
  }
  /// Windows of two pixels.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const mve::mixed_step step(f);
    return takes(f, p) ? std::int64_t{2} * step.row_bytes() * sizes(f.c.dims(1), step).steps : 0;
  }
  /// Two pixels are written while the windows of both may still be read.
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, 2, false) : no_overlap;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    using kind = mve::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;
    const auto w = c.template in<1>();
    const mve::mixed_panels size = sizes(c.s.inputs[1].dims, kind::step);
    mve::pack_mixed<kind, false>(
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
    using kind = mve::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;
    const dsp::window_steps g(c);
    const mve::mixed_panels size = sizes(c.s.inputs[1].dims, kind::step);
    const auto e = mve::ending_of(c);
    auto* const window = reinterpret_cast<std::int8_t*>(c.scratch());
    const auto* image = reinterpret_cast<const std::int8_t*>(c.template in<0>().data);
    auto* y = reinterpret_cast<typename kind::storage*>(c.out().data);
    const std::int32_t count = g.out_height * g.out_width, row = kind::row_bytes * size.steps;
    const std::int32_t pixel = g.depth * kind::bytes;
    const bool pointwise = kind::turn == 0 && g.is_pointwise();
    const std::int32_t last = pointwise ? g.height * g.width * pixel - row : -1;  // where a whole read may begin
    // Data that is read as it is may lie as near as the reference's rows allow: then a pair must not reach further.
    const bool in_pairs = !pointwise || size.channels <= (g.out_width - 1) * g.depth;
    for (std::int32_t n = c.s.outputs[0].dims[0]; n > 0; --n, image += g.height * g.width * pixel) {
      std::int32_t oh = 0, ow = 0;
      for (std::int32_t first = 0; first < count; first += in_pairs ? 2 : 1) {
        const bool both = first + 1 < count && in_pairs;
        const std::int8_t* x0 = image + first * pixel;
        const std::int8_t* x1 = both ? x0 + pixel : x0;
        if (x1 - image > last) {
          if (pointwise) oh = first / g.out_width, ow = first % g.out_width;
          x0 = x1 = window;
          for (int i = 0; i <= (both ? 1 : 0); ++i) {
            mve::gather<kind>(g, image, oh * g.stride_h - g.top, ow * g.stride_w - g.left, window + i * row);
            if (++ow == g.out_width) ow = 0, ++oh;
          }
          if (both) x1 = window + row;
        }
        auto* y1 = both ? y + size.channels : y;
        mve::two_mixed<kind, Fast>(size, c.packed(), x0, x1, y, y1, e);
        y = y1 + size.channels;
      }
    }
  }
};

template <>
struct impl<op::fully_connected, isa::mve_mixed>
    : dsp::packed_kernel<impl<op::fully_connected, isa::mve_mixed>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = mve::is_mixed<Sig>;

  static constexpr bool takes(const node_facts& f, const params&) { return dsp::takes_operands(f); }
  static constexpr mve::mixed_panels sizes(const shape& w, mve::mixed_step step) { return {w[1], w[0], step}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1), mve::mixed_step(f)).bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    using kind = mve::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;
    const auto w = c.template in<1>();
    const mve::mixed_panels size = sizes(c.s.inputs[1].dims, kind::step);
    mve::pack_mixed<kind, true>(
        c, size, scale_product::always_exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{o} * size.depth + k)}; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !dsp::takes_operands(c)) return reference::run(c);
    using kind = mve::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;
    const mve::mixed_panels size = sizes(c.s.inputs[1].dims, kind::step);
    const auto e = mve::ending_of(c);
    const bool fast =
        (config::packed_forms & 4u) == 0 || reinterpret_cast<const dsp::node_head*>(c.packed())->fast != 0;
    const auto* x = reinterpret_cast<const std::int8_t*>(c.template in<0>().data);
    auto* y = reinterpret_cast<typename kind::storage*>(c.out().data);
    const auto rows = static_cast<std::int32_t>(c.s.inputs[0].dims.size()) / size.depth;
    for (std::int32_t r = 0; r < rows; ++r, x += size.depth * kind::bytes, y += size.channels) {
      const std::byte* at = c.packed() + sizeof(dsp::node_head);
      for (std::int32_t o = 0; o < size.channels; o += 4, at += size.group_bytes) {
        const auto& h = *reinterpret_cast<const mve::quad_head*>(at);
        const std::int32_t left = size.channels - o, count = left < 4 ? left : 4;
        if (fast) {
          const mve::four s = kind::row(x, reinterpret_cast<const std::int8_t*>(&h + 1), size.depth);
          mve::store_four(y + o, kind::template finish<true>(s, h, e.l, e.r), count);
        } else {
          general<kind>(size, h, x, y + o, e, count);
        }
      }
    }
  }

 private:
  template <class Kind, class Ending>
  static QNNX_NOINLINE void general(const mve::mixed_panels& size, const mve::quad_head& h, const std::int8_t* x,
                                    typename Kind::storage* y, const Ending& e, std::int32_t count) {
    const auto* w = reinterpret_cast<const std::int8_t*>(&h + 1);
    std::int32_t part[4];
    if constexpr (Kind::wide) {
      std::int64_t sums[4] = {};
      constexpr std::int32_t piece = Kind::piece * Kind::elements;
      for (std::int32_t k = 0; k < size.depth; k += piece, w += Kind::piece * Kind::weight_bytes) {
        const std::int32_t n = size.depth - k < piece ? size.depth - k : piece;
        const mve::four s = Kind::row(x + k * Kind::bytes, w, n);
        std::memcpy(part, &s, sizeof part);
        for (int i = 0; i < 4; ++i) sums[i] += part[i];
      }
      mve::finish_general_16<true>(sums, h, e.zero, e.l, e.r, y, 1, count);
    } else {
      const mve::four s = Kind::row(x, w, size.depth);
      std::memcpy(part, &s, sizeof part);
      mve::finish_general<true>(part, h, e.l, e.r, y, 1, count);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
