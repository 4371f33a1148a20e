// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 8-bit data with HVX, channel multiplier 1. A row of outputs is one sequence of bytes (pixel by
// pixel, channel by channel), 128 at a time whatever the channels: in padded rows (hexagon/rows.hpp) a tap of all of
// them is one vector. Four taps are interleaved to words and multiplied with their weights. Packed form: a node head,
// then per vector of a period (channels / gcd(channels, 128) vectors) four heads of 32 words and per four taps four
// rows of weights, all interleaved. Layer 5a.

#include "qnnx/kernel/convolution/hvx.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {

inline constexpr std::int32_t most_taps = 32;
inline constexpr std::int32_t longest_period = 16;

struct depthwise_sizes {
  std::int32_t taps, channels;
  std::int32_t period;  // vectors after which channels and lanes meet again
  constexpr explicit depthwise_sizes(const shape& w) : taps(w[0] * w[1]), channels(w[3]), period(w[3]) {
    for (std::int32_t common = vector_bytes; common > 1 && period % 2 == 0; common /= 2) period /= 2;
  }
  constexpr std::int32_t quads() const { return (taps + 3) / 4; }
  constexpr std::int32_t vector_weights() const { return 4 * head_bytes + 4 * vector_bytes * quads(); }
  constexpr std::int64_t bytes() const {
    return static_cast<std::int64_t>(sizeof(node_head)) + std::int64_t{period} * vector_weights();
  }
};

/// Sums of 128 outputs whose taps are at tap[t] + at.
template <bool Signed>
QNNX_INLINE void tap_sums(const std::byte* const* tap, std::int32_t at, std::int32_t quads, const std::byte* w,
                          four& s) {
  for (int k = 0; k < 4; ++k) s.v[k] = zeros();
  for (; quads > 0; --quads, tap += 4, w += 4 * vector_bytes) {
    const four x = interleave(load(tap[0] + at), load(tap[1] + at), load(tap[2] + at), load(tap[3] + at));
    for (int k = 0; k < 4; ++k) s.v[k] = dot<Signed>(s.v[k], x.v[k], load(w + k * vector_bytes));
  }
}

/// A row of `bytes` outputs.
template <bool Fast, bool Signed, class Rounding>
QNNX_NOINLINE void depthwise_row(const finisher<Signed, false, Rounding>& done, const depthwise_sizes& size,
                                 const std::byte* packed, const std::byte* const* tap, std::int32_t bytes,
                                 std::byte* y) {
  const std::byte* const first = packed + sizeof(node_head);
  const std::byte* const last = first + (size.period - 1) * size.vector_weights();
  const std::byte* w = first;
  for (std::int32_t at = 0; at < bytes; at += vector_bytes) {
    four s;
    tap_sums<Signed>(tap, at, size.quads(), w + 4 * head_bytes, s);
    const std::int32_t count = bytes - at < vector_bytes ? bytes - at : vector_bytes;
    if constexpr (Fast) {
      for (int k = 0; k < 4; ++k) s.v[k] = done.words(s.v[k], w + k * head_bytes);
      put(y + at, done.bounded(narrow_interleaved(s.v[0], s.v[1], s.v[2], s.v[3])), count);
    } else {
      for (std::int32_t i = 0; i < count; ++i) y[at + i] = done.general(s.v[i % 4], w + i % 4 * head_bytes, i / 4);
    }
    w = w == last ? first : w + size.vector_weights();
  }
}

}  // namespace hvx

/// The distance of shared memory is the reference's: rows are copied before the first output row that needs them.
template <>
struct impl<op::depthwise_conv2d, isa::hvx>
    : dsp::packed_kernel<impl<op::depthwise_conv2d, isa::hvx>, op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = dsp::is_8_bit<Sig>;

  static constexpr bool takes_shape(const shape& x, const shape& w, const params& p) {
    return w[3] == x[3] && w[0] * w[1] <= hvx::most_taps && hvx::depthwise_sizes(w).period <= hvx::longest_period &&
           (w[0] - 1) * static_cast<std::int32_t>(p.dilation[0]) < hvx::most_rows;
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(f.c.dims(0), f.c.dims(1), p) && dsp::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? hvx::depthwise_sizes(f.c.dims(1)).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? hvx::window_geometry(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p, true).bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const hvx::depthwise_sizes size(c.s.inputs[1].dims);
    std::memset(out, 0, static_cast<std::size_t>(size.bytes()));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * size.channels + o)};
    };
    hvx::node_head head;
    head.fast = hvx::pack_channels<false>(
        c, size.channels, size.taps, scale_product::exact, weight,
        [&](std::int32_t o, const dsp::channel_facts& f, bool fast) {
          for (std::int32_t i = o; i < size.period * hvx::vector_bytes; i += size.channels) {
            const std::int32_t lane = i % hvx::vector_bytes;
            std::byte* at = out + sizeof(hvx::node_head) + i / hvx::vector_bytes * size.vector_weights();
            hvx::put_head<false>(at + lane % 4 * hvx::head_bytes, lane / 4, f, c.rounding(), fast);
            for (std::int32_t k = 0; k < size.taps; ++k)
              at[4 * hvx::head_bytes + (k / 4 * 4 + lane % 4) * hvx::vector_bytes + lane / 4 * 4 + k % 4] =
                  static_cast<std::byte>(weight(k, o));
          }
        });
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !takes_shape(c.s.inputs[0].dims, c.s.inputs[1].dims, c.params()) ||
          !dsp::takes_operands(c))
        return reference::run(c);
    if ((config::packed_forms & 4u) == 0 || reinterpret_cast<const hvx::node_head*>(c.packed())->fast)
      images<true>(c);
    else
      images<false>(c);
  }

 private:
  template <bool Fast, class Call>
  static QNNX_NOINLINE void images(const Call& c) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const hvx::finisher<is_signed, false, std::decay_t<decltype(c.rounding())>> done(c);
    const hvx::depthwise_sizes size(c.s.inputs[1].dims);
    const shape& ys = c.s.outputs[0].dims;
    const hvx::window_geometry g(c.s.inputs[0].dims, c.s.inputs[1].dims, ys, c.params(), true);
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* y = reinterpret_cast<std::byte*>(c.out().data);
    hvx::padded_rows rows(g, static_cast<std::byte>(c.s.inputs[0].q.zero()), c.scratch());
    const std::int32_t bytes = g.out_width * g.depth;
    std::int32_t columns[hvx::most_taps];
    g.find_columns(columns);
    for (std::int32_t n = 0; n < ys[0]; ++n, image += g.height * g.width * g.depth) {
      rows.begin(image);
      for (std::int32_t oh = 0; oh < g.out_height; ++oh, y += bytes) {
        if (oh > 0) rows.advance();
        const std::byte* tap[hvx::most_taps];
        std::int32_t t = 0;
        for (std::int32_t kh = 0; kh < g.rows; ++kh)
          for (std::int32_t kw = 0; kw < g.columns; ++kw) tap[t++] = rows.line(kh) + columns[kw];
        for (; t % 4 != 0; ++t) tap[t] = tap[0];  // meets zero weights
        hvx::depthwise_row<Fast>(done, size, c.packed(), tap, bytes, y);
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
