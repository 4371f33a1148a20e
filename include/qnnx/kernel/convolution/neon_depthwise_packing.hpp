// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on aarch64, without the work: which nodes it takes, its packed form, its scratch. Weights, floats and
// heads are filled up to multiples of eight channels. Packed form: integers a node head, two quad heads per eight channels,
// then [taps][channels], 4-bit weights [pairs of taps][channels], the first in the low half, weights with an offset as 16
// bits with it; floats biases, then [taps][channels]. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/neon/panels.hpp"

#if QNNX_HAS_NEON_PACKING
namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

inline constexpr std::int32_t most_taps = 64;

struct depthwise_sizes {
  std::int32_t taps, channels;
  int weight_bits;  // 32: floats; 16: weights with their offset
  constexpr std::int32_t padded() const { return (channels + 7) / 8 * 8; }
  constexpr std::int64_t weights_at() const {
    return weight_bits == 32 ? std::int64_t{4} * padded()
                             : static_cast<std::int64_t>(sizeof(dsp::node_head)) +
                                   padded() / 4 * static_cast<std::int64_t>(sizeof(quad_head));
  }
  constexpr std::int64_t bytes() const {
    return weights_at() + std::int64_t{padded()} * (weight_bits == 4 ? (taps + 1) / 2 * 8 : taps * weight_bits) / 8;
  }
};

/// The output pixels of a row whose windows' columns lie in the data, and whether rows are copied with their padding.
struct row_plan {
  std::int32_t first, last;  // [first, last)
  std::int32_t columns;      // of the copies, three rows of them
  bool copies;

  template <class Params>
  constexpr row_plan(const shape& x, const shape& w, const shape& y, const Params& p) {
    const auto stride = static_cast<std::int32_t>(p.stride[1]), left = static_cast<std::int32_t>(p.pad_amount[2]);
    const std::int32_t reach = (w[1] - 1) * static_cast<std::int32_t>(p.dilation[1]), room = x[2] - 1 - reach + left;
    const std::int32_t inside = (left + stride - 1) / stride, outside = room < 0 ? 0 : room / stride + 1;
    first = inside < y[2] ? inside : y[2], last = outside < y[2] ? outside : y[2];
    if (last < first) last = first;
    columns = (y[2] - 1) * stride + reach + 1;
    copies = w[3] != x[3] || (w[0] == 3 && w[1] == 3 && w[3] >= 8 && 8 * (y[2] - (last - first)) > y[2]);
  }
};

}  // namespace neon

/// The distance of shared memory is the reference's: rows stay until the output rows that read them are written.
template <>
struct impl<op::depthwise_conv2d, isa::neon> : neon::packed_kernel<impl<op::depthwise_conv2d, isa::neon>, op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr bool takes_shape(const shape& w) { return w[0] * w[1] <= neon::most_taps; }
  static constexpr bool takes(const node_facts& f, const params&) {
    return takes_shape(f.c.dims(1)) && neon::takes_operands(f);
  }
  static constexpr bool packs(const node_facts& f, const params& p) { return takes(f, p); }
  static constexpr neon::depthwise_sizes sizes(const shape& w, dtype weights, bool with_offsets) {
    return {w[0] * w[1], w[3], with_offsets ? 16 : bits_of(weights)};
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1), f.c.in(1).type, neon::has_offsets(f)).bytes() : 0;
  }
  /// A row of zero points, and copies of rows; with a channel multiplier the channels of the output.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return 0;
    const neon::row_plan plan(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
    const std::int64_t columns = 1 + (plan.copies ? std::int64_t{f.c.dims(1)[0]} * plan.columns : 0);
    return columns * f.c.dims(1)[3] * bits_of(f.c.out(0).type) / 8;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    constexpr bool floats = is_float_v<typename Call::out_type>;
    using W = typename Call::template in_type<1>;
    const quant& q = c.s.inputs[1].q;
    const bool with_offsets = !floats && neon::largest_centre(q, W::code) != 0;
    const neon::depthwise_sizes s = sizes(c.s.inputs[1].dims, W::code, with_offsets);
    std::memset(out, 0, static_cast<std::size_t>(s.bytes()));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      const auto v = w.load(std::int64_t{k} * s.channels + o);
      if constexpr (floats) return v;
      else return std::int32_t{v} + q.offset_at(o);
    };
    if constexpr (floats) {
      const auto b = c.template in<2>();
      auto* to = reinterpret_cast<float*>(out);
      for (std::int32_t o = 0; o < s.channels; ++o) {
        if (b.present()) to[o] = b.load(o);
        for (std::int32_t k = 0; k < s.taps; ++k) to[(k + 1) * s.padded() + o] = weight(k, o);
      }
    } else {
      const bool fast =
          neon::pack_heads<false>(
              c, s.channels, s.taps, 0, scale_product::exact, weight,
              [&](std::int32_t o) {
                return out + sizeof(dsp::node_head) + static_cast<std::size_t>(o / 8 * 2) * sizeof(neon::quad_head);
              },
              [](std::int32_t o) { return o % 8; });
      for (std::int32_t o = 0; o < s.channels; ++o)
        for (std::int32_t k = 0; k < s.taps; ++k) {
          const std::int32_t v = weight(k, o);
          if (s.weight_bits == 16) {
            const auto wide = static_cast<std::int16_t>(v);
            std::memcpy(out + s.weights_at() + 2 * (k * s.padded() + o), &wide, sizeof wide);
          } else if (s.weight_bits == 4)
            out[s.weights_at() + k / 2 * s.padded() + o] |= static_cast<std::byte>((v & 0xf) << k % 2 * 4);
          else
            out[s.weights_at() + k * s.padded() + o] = static_cast<std::byte>(v);
        }
      const dsp::node_head head{fast ? 1 : 0, with_offsets ? 1 : 0, {}};
      std::memcpy(out, &head, sizeof head);
    }
  }

  template <class Call>
  static void run(const Call& c);
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
