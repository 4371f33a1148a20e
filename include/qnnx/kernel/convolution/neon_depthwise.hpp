// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on aarch64: eight channels of a tap at once. Taps outside the data read a row
// of zero points. With 3x3 windows eight channels go along the row with their weights in registers, over the pixels whose
// columns lie in the data; where those at the edges are more than an eighth of a row, over copies of the rows with their
// padding. With a channel multiplier all rows are copied, every channel as often as it is read. Weights and heads are
// filled up to multiples of eight channels; data is not, so the last channels of a tap are read through a copy.
// Sums of 64 taps fit 32 bits for 16-bit data too. The packed form is in neon_depthwise_packing.hpp.
// Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/neon/elements.hpp"
#include "qnnx/kernel/neon/products.hpp"

#if QNNX_HAS_NEON_PACKING
#include "qnnx/kernel/convolution/neon_depthwise_packing.hpp"
#endif

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

/// Eight 8-bit data as 16-bit lanes, 16-bit data with the highest bit of unsigned ones turned over.
template <class T>
QNNX_INLINE int16x8_t wide_lanes(const typename T::storage* x) {
  if constexpr (bits_of(T::code) == 16) {
    if constexpr (is_signed_fixed(T::code)) return vld1q_s16(x);
    else return vreinterpretq_s16_u16(veorq_u16(vld1q_u16(x), vdupq_n_u16(0x8000)));
  } else {
    if constexpr (is_signed_fixed(T::code)) return vmovl_s8(vld1_s8(x));
    else return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(x)));
  }
}

/// Eight numbers of floats as two vectors.
struct eight_floats {
  float32x4_t low, high;
};
/// Sums of eight channels: data times weights of a tap added.
template <class T>
struct eight_sums {
  using numbers = std::conditional_t<is_float_v<T>, eight_floats, int16x8_t>;
  using sums = std::conditional_t<is_float_v<T>, float32x4_t, int32x4_t>;
  sums a, b;
  QNNX_INLINE void add(const numbers& v, const numbers& w) {
    if constexpr (is_float_v<T>) {
      a = vfmaq_f32(a, v.low, w.low), b = vfmaq_f32(b, v.high, w.high);
    } else {
      a = vmlal_s16(a, vget_low_s16(v), vget_low_s16(w)), b = vmlal_high_s16(b, v, w);
    }
  }
  static QNNX_INLINE numbers data(const typename T::storage* x) {
    if constexpr (is_float_v<T>) return {vld1q_f32(x), vld1q_f32(x + 4)};
    else return wide_lanes<T>(x);
  }
};
/// Weights of tap t of the eight channels from o on.
template <class T, int Bits>
QNNX_INLINE auto tap_weights(const std::byte* weights, std::int32_t padded, std::int32_t t, std::int32_t o) {
  if constexpr (is_float_v<T>) {
    const float* w = reinterpret_cast<const float*>(weights) + std::int64_t{t} * padded + o;
    return eight_floats{vld1q_f32(w), vld1q_f32(w + 4)};
  } else if constexpr (Bits == 16) {
    return vld1q_s16(reinterpret_cast<const std::int16_t*>(weights) + std::int64_t{t} * padded + o);
  } else if constexpr (Bits == 4) {
    const int8x8_t both = vld1_s8(reinterpret_cast<const std::int8_t*>(weights) + std::int64_t{t / 2} * padded + o);
    return t % 2 ? vmovl_s8(vshr_n_s8(both, 4)) : vmovl_s8(vshr_n_s8(vshl_n_s8(both, 4), 4));
  } else {
    return vmovl_s8(vld1_s8(reinterpret_cast<const std::int8_t*>(weights) + std::int64_t{t} * padded + o));
  }
}

/// The work of impl<op::depthwise_conv2d, isa::neon>.
struct depthwise_kernel {
  using packing = impl<op::depthwise_conv2d, isa::neon>;

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !packing::takes_shape(c.s.inputs[1].dims) || !takes_operands(c))
        return packing::reference::run(c);
    constexpr int bits = bits_of(Call::template in_type<1>::code);
    if constexpr (needs_weight_offsets && !is_float_v<typename Call::out_type>)
      if (reinterpret_cast<const dsp::node_head*>(c.packed())->undivided != 0) return rows_of_pixels<16>(c);
    rows_of_pixels<bits>(c);
  }

 private:
  template <int Bits, class Call>
  static void rows_of_pixels(const Call& c) {
    using element = typename Call::out_type::storage;
    const shape& x = c.s.inputs[0].dims;
    const shape& w = c.s.inputs[1].dims;
    const shape& y = c.s.outputs[0].dims;
    const auto& p = c.params();
    const auto stride_h = static_cast<std::int32_t>(p.stride[0]), stride_w = static_cast<std::int32_t>(p.stride[1]);
    const auto step_h = static_cast<std::int32_t>(p.dilation[0]), step_w = static_cast<std::int32_t>(p.dilation[1]);
    const auto top = static_cast<std::int32_t>(p.pad_amount[0]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    const std::int32_t height = x[1], width = x[2], depth = x[3], channels = w[3];
    auto* zeros = reinterpret_cast<element*>(c.scratch());
    for (std::int32_t k = 0; k < channels; ++k) zeros[k] = static_cast<element>(c.s.inputs[0].q.zero());
    const element* image = c.template in<0>().data;
    const row_plan plan(x, w, y, p);
    const std::int32_t blocks = channels / 8 * 8;
    const std::int32_t first = plan.copies ? 0 : plan.first, last = plan.copies ? y[2] : plan.last;
    const bool whole = w[0] == 3 && w[1] == 3 && blocks > 0 && last - first > (plan.copies ? 0 : 1);
    for (std::int32_t n = 0; n < y[0]; ++n, image += std::int64_t{height} * width * depth)
      for (std::int32_t oh = 0; oh < y[1]; ++oh) {
        const std::int64_t pixel = (std::int64_t{n} * y[1] + oh) * y[2];
        const auto copy_of = [&](std::int32_t kh) { return zeros + (1 + std::int64_t{kh} * plan.columns) * channels; };
        if (depth != channels)  // then they are read by all pixels
          for (std::int32_t kh = 0; kh < w[0]; ++kh)
            if (const std::int32_t row = oh * stride_h - top + kh * step_h; row >= 0 && row < height)
              repeat_row(image + std::int64_t{row} * width * depth, width, depth, left, plan.columns, zeros, channels, copy_of(kh));
        if (whole) {
          windows_of_row<element> at{};
          for (std::int32_t kh = 0; kh < 3; ++kh) {
            const std::int32_t row = oh * stride_h - top + kh * step_h;
            const bool there = row >= 0 && row < height;
            at.rows[kh] = zeros;
            at.steps[kh] = there ? step_w * channels : 0;
            at.advance[kh] = there ? stride_w * channels : 0;
            if (!there) continue;
            const element* from = image + std::int64_t{row} * width * depth;
            if (plan.copies) {
              if (depth == channels) copy_row(from, width, left, plan.columns, zeros, channels, copy_of(kh));
              at.rows[kh] = copy_of(kh);
            } else {
              at.rows[kh] = from + std::int64_t{first * stride_w - left} * channels;
            }
          }
          for (std::int32_t o = 0; o < blocks; o += 8) along_row<Bits>(c, at, pixel + first, last - first, o);
        }
        for (std::int32_t ow = 0; ow < y[2]; ++ow) {
          const bool rest = whole && ow >= first && ow < last;
          if (rest && blocks == channels) {
            ow = last - 1;
            continue;
          }
          const element* taps[most_taps];
          std::int32_t t = 0;
          for (std::int32_t kh = 0; kh < w[0]; ++kh)
            for (std::int32_t kw = 0; kw < w[1]; ++kw, ++t) {
              const std::int32_t row = oh * stride_h - top + kh * step_h, column = ow * stride_w - left + kw * step_w;
              const bool there = row >= 0 && row < height && column >= 0 && column < width;
              taps[t] = !there             ? zeros
                        : depth != channels ? copy_of(kh) + std::int64_t{column + left} * channels
                                            : image + (std::int64_t{row} * width + column) * channels;
            }
          one_pixel<Bits>(c, taps, pixel + ow, rest ? blocks : 0);
        }
      }
  }

  /// What finishes eight channels from `o` on.
  template <class Call>
  struct finisher {
    using T = typename Call::out_type;
    static constexpr bool floats = is_float_v<T>;
    const Call& c;
    const quad_head* h = nullptr;
    limits l{};
    bool plain = false;  // integers: the fast form; floats: no residual
    std::conditional_t<floats, float_activation, eight_heads> how;

    QNNX_INLINE finisher(const Call& call, std::int32_t)
      requires floats
        : c(call), plain(c.epi().residual < 0), how(c.epi()) {}
    QNNX_INLINE finisher(const Call& call, std::int32_t o)
      requires(!floats)
        : c(call),
          h(reinterpret_cast<const quad_head*>(c.packed() + sizeof(dsp::node_head)) + o / 4),
          l{c.constants()[0], c.constants()[1]},
          plain(is_fast(c.packed())),
          how(h, l) {}
    template <class Sums>
    QNNX_INLINE void operator()(const Sums& s, std::int64_t at, std::int32_t o, std::int32_t have) const {
      auto* to = c.out().data + at;
      if constexpr (floats) {
        if (plain && have >= 8) {
          vst1q_f32(to, how(s.a)), vst1q_f32(to + 4, how(s.b));
          return;
        }
        float sums[8];
        vst1q_f32(sums, s.a), vst1q_f32(sums + 4, s.b);
        const finish<Call> done(c, false);
        for (std::int32_t j = 0; j < have; ++j) done.store(at + j, o + j, sums[j]);
      } else {
        auto* bytes = reinterpret_cast<std::byte*>(to);
        constexpr bool wide = bits_of(T::code) == 16;
        if (plain) {
          if constexpr (wide) finish_eight_16(s.a, s.b, how, c.rounding(), bytes, have);
          else finish_eight<false>(s.a, s.b, how, c.rounding(), bytes, have);
          return;
        }
        std::int32_t sums[8];
        vst1q_s32(sums, s.a), vst1q_s32(sums + 4, s.b);
        if constexpr (wide) {
          std::int64_t total[8];
          for (int j = 0; j < 8; ++j) total[j] = sums[j];
          finish_eight_general_16<false>(total, h, l, c.s.outputs[0].q.zero(), c.rounding(), bytes, have);
        } else {
          finish_eight_general<false>(sums, h, l, c.s.outputs[0].q.zero(), c.rounding(), bytes, have);
        }
      }
    }
  };

  /// Sums before the first tap: the bias of floats.
  template <class Call>
  static QNNX_INLINE eight_sums<typename Call::out_type> first_sums(const Call& c, std::int32_t o) {
    if constexpr (is_float_v<typename Call::out_type>) {
      const auto* bias = reinterpret_cast<const float*>(c.packed()) + o;
      return {vld1q_f32(bias), vld1q_f32(bias + 4)};
    } else {
      return {vdupq_n_s32(0), vdupq_n_s32(0)};
    }
  }

  /// A row of data from column -left on, with its padding.
  template <class Element>
  static QNNX_NOINLINE void copy_row(const Element* row, std::int32_t width, std::int32_t left, std::int32_t columns,
                                     const Element* zeros, std::int32_t channels, Element* to) {
    const auto pixels = [&](const Element* from, std::int32_t count) {
      copy_bytes(to, from, std::int64_t{count} * channels * static_cast<std::int64_t>(sizeof *to));
      to += std::int64_t{count} * channels;
    };
    const std::int32_t before = left < columns ? left : columns;
    const std::int32_t inside = columns - before < width ? columns - before : width;
    for (std::int32_t k = 0; k < before; ++k) pixels(zeros, 1);
    pixels(row, inside);
    for (std::int32_t k = before + inside; k < columns; ++k) pixels(zeros, 1);
  }

  /// The same with every channel as often as a channel multiplier says.
  template <class Element>
  static QNNX_NOINLINE void repeat_row(const Element* row, std::int32_t width, std::int32_t depth, std::int32_t left,
                                       std::int32_t columns, const Element* zeros, std::int32_t channels, Element* to) {
    const std::int32_t times = channels / depth;
    for (std::int32_t k = 0; k < columns; ++k, to += channels) {
      const std::int32_t column = k - left;
      if (column < 0 || column >= width) {
        copy_bytes(to, zeros, std::int64_t{channels} * static_cast<std::int64_t>(sizeof *to));
        continue;
      }
      const Element* from = row + std::int64_t{column} * depth;
      Element* at = to;
      for (std::int32_t d = 0; d < depth; ++d)
        for (std::int32_t j = 0; j < times; ++j) *at++ = from[d];
    }
  }
  /// memcpy, without a call for every pixel.
  static QNNX_INLINE void copy_bytes(void* to, const void* from, std::int64_t count) {
    auto* t = static_cast<std::uint8_t*>(to);
    const auto* f = static_cast<const std::uint8_t*>(from);
    if (count < 16) {
      for (std::int64_t i = 0; i < count; ++i) t[i] = f[i];
      return;
    }
    for (std::int64_t i = 0; i + 16 < count; i += 16) vst1q_u8(t + i, vld1q_u8(f + i));
    vst1q_u8(t + count - 16, vld1q_u8(f + count - 16));
  }

  template <class Element>
  struct windows_of_row {
    const Element* rows[3];  // first element of the windows' rows
    std::int32_t steps[3];   // to the next column of a window; 0 in the row of zero points
    std::int32_t advance[3];
  };

  /// Eight channels of `count` neighbouring pixels with 3x3 windows.
  template <int Bits, class Call, class Windows>
  static QNNX_NOINLINE void along_row(const Call& c, Windows at, std::int64_t pixel, std::int32_t count,
                                      std::int32_t o) {
    using T = typename Call::out_type;
    using sums = eight_sums<T>;
    const depthwise_sizes s = packing::sizes(c.s.inputs[1].dims, Call::template in_type<1>::code, Bits == 16);
    const std::byte* weights = c.packed() + s.weights_at();
    typename sums::numbers w[9];
#pragma GCC unroll 9
    for (int t = 0; t < 9; ++t) w[t] = tap_weights<T, Bits>(weights, s.padded(), t, o);
    const sums begin = first_sums(c, o);
    const finisher<Call> done(c, o);
    const auto *r0 = at.rows[0] + o, *r1 = at.rows[1] + o, *r2 = at.rows[2] + o;
    for (std::int64_t to = pixel * s.channels + o; count > 0; --count, to += s.channels) {
      sums v = begin;
#pragma GCC unroll 3
      for (int k = 0; k < 3; ++k) v.add(sums::data(r0 + k * at.steps[0]), w[k]);
#pragma GCC unroll 3
      for (int k = 0; k < 3; ++k) v.add(sums::data(r1 + k * at.steps[1]), w[3 + k]);
#pragma GCC unroll 3
      for (int k = 0; k < 3; ++k) v.add(sums::data(r2 + k * at.steps[2]), w[6 + k]);
      r0 += at.advance[0], r1 += at.advance[1], r2 += at.advance[2];
      done(v, to, o, 8);
    }
  }

  /// Channels from `o` on of an output pixel.
  template <int Bits, class Call, class Element>
  static QNNX_NOINLINE void one_pixel(const Call& c, const Element* const* taps, std::int64_t pixel, std::int32_t o) {
    using T = typename Call::out_type;
    using sums = eight_sums<T>;
    const depthwise_sizes s = packing::sizes(c.s.inputs[1].dims, Call::template in_type<1>::code, Bits == 16);
    const std::byte* weights = c.packed() + s.weights_at();
    for (; o < s.channels; o += 8) {
      const std::int32_t have = s.channels - o;
      sums v = first_sums(c, o);
      if (have >= 8) {
        for (std::int32_t t = 0; t < s.taps; ++t)
          v.add(sums::data(taps[t] + o), tap_weights<T, Bits>(weights, s.padded(), t, o));
      } else {
        Element copy[8] = {};
        for (std::int32_t t = 0; t < s.taps; ++t) {
          for (std::int32_t j = 0; j < have; ++j) copy[j] = taps[t][o + j];
          v.add(sums::data(copy), tap_weights<T, Bits>(weights, s.padded(), t, o));
        }
      }
      finisher<Call>(c, o)(v, pixel * s.channels + o, o, have < 8 ? have : 8);
    }
  }
};

}  // namespace neon

template <class Call>
void impl<op::depthwise_conv2d, isa::neon>::run(const Call& c) {
  neon::depthwise_kernel::run(c);
}

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
