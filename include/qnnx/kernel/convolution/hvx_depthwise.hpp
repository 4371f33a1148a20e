// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with HVX on 8- and 16-bit data with 8- and 4-bit weights. With a channel multiplier the copied rows have
// each channel as many times, and the rest is as without. A row of outputs is one
// sequence of elements (pixel by pixel, channel by channel), a vector at a time whatever the channels: in padded rows
// (hexagon/rows.hpp) a tap of all of them is one vector. Four taps of bytes, or two of halfwords, are interleaved to
// words and multiplied with their weights. Packed form: a node head, then per vector of a period (channels / gcd(channels,
// elements of a vector) vectors) four or two heads of 32 words and the weights as bytes, all interleaved. Layer 5a.

#include "qnnx/kernel/convolution/hvx.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {

inline constexpr std::int32_t most_taps = 32;
inline constexpr std::int32_t longest_period = 16;

struct depthwise_sizes {
  std::int32_t element;  // bytes
  std::int32_t taps, channels;
  std::int32_t period;    // vectors after which channels and lanes meet again
  std::int32_t words;     // of taps
  std::int32_t heads;     // bytes of a vector's heads,
  std::int32_t vector_weights;  // of all that it has
  constexpr depthwise_sizes(std::int32_t bytes, const shape& w)
      : element(bytes),
        taps(w[0] * w[1]),
        channels(w[3]),
        period(w[3]),
        words(bytes == 2 ? (taps + 1) >> 1 : (taps + 3) >> 2),
        heads(bytes == 2 ? 2 * head_bytes : 4 * head_bytes),
        vector_weights(heads + words * (bytes == 2 ? vector_bytes : 4 * vector_bytes)) {
    for (std::int32_t common = bytes == 2 ? vector_bytes / 2 : vector_bytes; common > 1 && period % 2 == 0; common >>= 1)
      period >>= 1;
  }
  constexpr std::int64_t bytes() const {
    return static_cast<std::int64_t>(sizeof(node_head)) + std::int64_t{period} * vector_weights;
  }
  /// Where the weights of a vector have that of tap k and element `lane`.
  constexpr std::int32_t place(std::int32_t k, std::int32_t lane) const {
    return element == 2 ? k / 2 * vector_bytes + (lane / 2 * 2 + k % 2) * 2 + lane % 2
                        : (k / 4 * 4 + lane % 4) * vector_bytes + lane / 4 * 4 + k % 4;
  }
};

/// Sums of a vector of outputs whose taps are at tap[t] + at: four vectors interleaved, or two.
template <dtype Type>
QNNX_INLINE void tap_sums(const std::byte* const* tap, std::int32_t at, std::int32_t words, const std::byte* w,
                          vec* s) {
  if constexpr (bits_of(Type) == 16) {
    s[0] = s[1] = zeros();
    for (; words > 0; --words, tap += 2, w += vector_bytes) {
      const two x = interleave_halves(load(tap[0] + at), load(tap[1] + at)), k = widen_bytes(load(w));
      s[0] = dot_halves(s[0], x.v[0], k.v[0]);
      s[1] = dot_halves(s[1], x.v[1], k.v[1]);
    }
  } else {
    for (int k = 0; k < 4; ++k) s[k] = zeros();
    for (; words > 0; --words, tap += 4, w += 4 * vector_bytes) {
      const four x = interleave(load(tap[0] + at), load(tap[1] + at), load(tap[2] + at), load(tap[3] + at));
      for (int k = 0; k < 4; ++k) s[k] = dot<is_signed_fixed(Type)>(s[k], x.v[k], load(w + k * vector_bytes));
    }
  }
}

/// A row of `bytes` outputs.
template <int Form, class Finisher>
QNNX_NOINLINE void depthwise_row(const Finisher& done, const depthwise_sizes& size, const std::byte* packed,
                                 const std::byte* const* tap, std::int32_t bytes, std::byte* y) {
  constexpr int vectors = Finisher::words_of_vector;
  const std::byte* const first = packed + sizeof(node_head);
  const std::byte* const last = first + (size.period - 1) * size.vector_weights;
  const std::byte* w = first;
  for (std::int32_t at = 0; at < bytes; at += vector_bytes) {
    vec s[vectors];
    tap_sums<Finisher::type>(tap, at, size.words, w + size.heads, s);
    const std::int32_t count = bytes - at < vector_bytes ? bytes - at : vector_bytes;
    if constexpr (Form != one_by_one) {
      for (int k = 0; k < vectors; ++k) s[k] = done.template words<Form>(s[k], head_rows(w + k * head_bytes));
      put(y + at, done.pack_interleaved(s), count);
    } else {
      std::int32_t sum[vectors][lanes];
      for (int k = 0; k < vectors; ++k) store(sum[k], s[k]);
      for (std::int32_t i = 0; i < count / Finisher::bytes; ++i)
        done.general(sum[i % vectors][i / vectors], w + i % vectors * head_bytes, i / vectors, y + at, i);
    }
    w = w == last ? first : w + size.vector_weights;
  }
}

}  // namespace hvx

/// The distance of shared memory is the reference's: rows are copied before the first output row that needs them.
template <>
struct impl<op::depthwise_conv2d, isa::hvx>
    : dsp::packed_kernel<impl<op::depthwise_conv2d, isa::hvx>, op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = hvx::is_packed<Sig>;

  static constexpr std::int32_t multiplier(const shape& x, const shape& w) { return w[3] / x[3]; }
  static constexpr bool takes_shape(std::int32_t element, const shape& x, const shape& w, const params& p) {
    return w[3] % x[3] == 0 && w[0] * w[1] <= hvx::most_taps &&
           hvx::depthwise_sizes(element, w).period <= hvx::longest_period &&
           (w[0] - 1) * static_cast<std::int32_t>(p.dilation[0]) < hvx::most_rows;
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(hvx::widths_of(f).data, f.c.dims(0), f.c.dims(1), p) && dsp::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? hvx::depthwise_sizes(hvx::widths_of(f).data, f.c.dims(1)).bytes() : 0;
  }
  static unsigned code_parts(const node_facts& f, const params& p, const std::byte* packed) {
    return takes(f, p) ? hvx::form_parts(packed) | (multiplier(f.c.dims(0), f.c.dims(1)) > 1 ? bit(code_part::multiplied) : 0u) : 0u;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return 0;
    return hvx::window_geometry(f.c.dims(0), hvx::widths_of(f).data, f.c.dims(1), f.c.out(0).dims, p, true,
                                multiplier(f.c.dims(0), f.c.dims(1))).bytes();
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const hvx::depthwise_sizes size(hvx::call_widths<Call>.data, c.s.inputs[1].dims);
    std::memset(out, 0, static_cast<std::size_t>(size.bytes()));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * size.channels + o)};
    };
    const std::int32_t in_vector = hvx::vector_bytes / size.element, heads = 4 / size.element;
    hvx::node_head head;
    head.fast = hvx::pack_channels<false>(
        c, size.channels, size.taps, scale_product::exact, weight,
        [&](std::int32_t o, const std::array<std::int32_t, 4>& row) {
          for (std::int32_t i = o; i < size.period * in_vector; i += size.channels) {
            const std::int32_t lane = i % in_vector;
            std::byte* at = out + sizeof(hvx::node_head) + i / in_vector * size.vector_weights;
            hvx::put_head(at + lane % heads * hvx::head_bytes, lane / heads, row);
            for (std::int32_t k = 0; k < size.taps; ++k)
              at[size.heads + size.place(k, lane)] = static_cast<std::byte>(weight(k, o));
          }
        });
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() ||
          !takes_shape(hvx::call_widths<Call>.data, c.s.inputs[0].dims, c.s.inputs[1].dims, c.params()) ||
          !dsp::takes_operands(c))
        return reference::run(c);
    hvx::with_form(c.packed(), [&](auto form) {
      if constexpr (needs<code_part::multiplied>)
        if (multiplier(c.s.inputs[0].dims, c.s.inputs[1].dims) > 1) return images<form.value, true>(c);
      images<form.value, false>(c);
    });
  }

 private:
  template <int Form, bool Multiplied, class Call>
  static QNNX_NOINLINE void images(const Call& c) {
    constexpr dtype type = Call::out_type::code;
    constexpr std::int32_t element = hvx::call_widths<Call>.data;
    const hvx::finisher<type, false, std::decay_t<decltype(c.rounding())>> done(c);
    const hvx::depthwise_sizes size(element, c.s.inputs[1].dims);
    const shape& ys = c.s.outputs[0].dims;
    const hvx::window_geometry g(c.s.inputs[0].dims, element, c.s.inputs[1].dims, ys, c.params(), true,
                                 Multiplied ? multiplier(c.s.inputs[0].dims, c.s.inputs[1].dims) : 1);
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* y = reinterpret_cast<std::byte*>(c.out().data);
    hvx::padded_rows<type, Multiplied> rows(g, c.s.inputs[0].q.zero(), c.scratch());
    const std::int32_t bytes = g.out_width * g.depth;
    std::int32_t columns[hvx::most_taps];
    g.find_columns(columns);
    for (std::int32_t n = 0; n < ys[0]; ++n, image += g.height * g.width * g.data_depth) {
      rows.begin(image);
      for (std::int32_t oh = 0; oh < g.out_height; ++oh, y += bytes) {
        if (oh > 0) rows.advance();
        const std::byte* tap[hvx::most_taps];
        std::int32_t t = 0;
        for (std::int32_t kh = 0; kh < g.rows; ++kh) {
          const std::byte* const line = rows.line(kh);
          for (std::int32_t kw = 0; kw < g.columns; ++kw) tap[t++] = line + columns[kw];
        }
        for (; t % 4 != 0; ++t) tap[t] = tap[0];  // meets zero weights
        hvx::depthwise_row<Form>(done, size, c.packed(), tap, bytes, y);
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
