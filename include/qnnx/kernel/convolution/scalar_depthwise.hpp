// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d without vectors, 3x3 windows (other shapes: scalar_depthwise_any.hpp). A channel of an output row is
// made four pixels at a time from its lines (scalar/depthwise.hpp), so that a weight is loaded once for four products.
// Packed form: a node head, then per channel a head and nine weights in 12 bytes, 4-bit ones too: then the code is one.
// Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/convolution/scalar_depthwise_any.hpp"
#include "qnnx/kernel/scalar/depthwise.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel {

namespace scalar {

struct depthwise_record {
  channel_head head;
  std::int8_t weights[12];
};

/// Sums of Pixels neighbouring pixels of one channel; lines of the window's three rows.
template <int Stride, int Pixels, class Line>
QNNX_INLINE void window_sums(const Line* const* lines, const std::int8_t* w, std::int32_t at, std::int32_t* sums) {
  std::int32_t sum[Pixels] = {};
#pragma GCC unroll 3
  for (int r = 0; r < 3; ++r) {
    const Line* x = lines[r] + at;
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
  using others = impl<op::depthwise_conv2d, isa::scalar_general>;
  template <class Sig>
  static constexpr bool supports = scalar::is_taken<Sig>;

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
               : others::packed_bytes(f, p);
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return others::scratch_bytes(f, p);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return others::overlap(f, p, input);
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    using kind = scalar::kind_of<Call>;
    if constexpr (!config::packs_only)
      if (!takes_shape(c.s.inputs[0].dims, c.s.inputs[1].dims, c.params())) return others::pack(c, out);
    const auto w = c.template in<1>();
    const std::int32_t channels = c.s.inputs[1].dims[3];
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    const bool fast = scalar::heads_of<kind, false>(
        c, channels, 9, scalar::line_base<kind>, scale_product::exact, weight,
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
        return others::run(c);
    using kind = scalar::kind_of<Call>;
    const auto done = scalar::finish_of<kind, false>(c);
    using finisher = std::decay_t<decltype(done)>;
    const scalar::depthwise_lines size(c.s.inputs[0].dims, c.s.inputs[1].dims, c.s.outputs[0].dims, c.params(),
                                       kind::form.bytes());
    dsp::with_form(done, c.packed(), [&](auto form) {
      scalar::walk_rows<kind>(
          c, done, size, static_cast<std::int32_t>(sizeof(scalar::depthwise_record)),
          size.stride_w == 1 ? &row<kind, form.value, 1, finisher> : &row<kind, form.value, 2, finisher>);
    });
  }

 private:
  template <class Kind, int Form, int Stride, class Finisher>
  static QNNX_NOINLINE void row(const Finisher& done, const scalar::depthwise_lines& size,
                                const std::byte* records, const scalar::line_of<Kind>* scratch, std::int32_t turn,
                                typename Kind::storage* y, std::int32_t width, std::int32_t count) {
    using storage = typename Kind::storage;
    const auto* record = reinterpret_cast<const scalar::depthwise_record*>(records);
    const scalar::line_of<Kind>* lines[3];
    for (int r = 0; r < 3; ++r) lines[r] = scratch + (turn + r) % 3 * size.slot();
    for (std::int32_t c = 0; c < count; ++c, ++record, ++y) {
      const dsp::channel_head h = record->head;
      storage* to = y;
      for (std::int32_t ow = 0; ow < width; ow += 4) {
        std::int32_t sums[4];
        const std::int32_t have = width - ow < 4 ? width - ow : 4;
        if (have > 2)
          scalar::window_sums<Stride, 4>(lines, record->weights, ow * Stride, sums);
        else
          scalar::window_sums<Stride, 2>(lines, record->weights, ow * Stride, sums);
        for (std::int32_t i = 0; i < have; ++i, to += size.all)
          if constexpr (dsp::adds_pieces<Kind, Form>)
            *to = static_cast<storage>(done.general(sums[i], h));
          else
            *to = static_cast<storage>(done.template operator()<Form>(
                static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) + static_cast<std::uint32_t>(h.bias)),
                h));
      }
      for (int r = 0; r < 3; ++r) lines[r] += size.columns;
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
