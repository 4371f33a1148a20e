// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with channel multiplier 1 of 16-bit data with constant weights of at most 8 bits: per pixel the taps
// two by two, V::half_lanes channels at a time; their elements are interleaved, so that a multiply-add of pairs sums
// two taps. Taps outside the data read a row of zero points. Layer 5a.

#include "qnnx/kernel/x86/depthwise.hpp"
#include "qnnx/kernel/x86/finish_16.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V>
struct depthwise_layout_16 {
  std::int64_t pairs;   // of taps
  std::int64_t blocks;  // of channels
  std::int64_t line;    // bytes of the row of zero points

  constexpr explicit depthwise_layout_16(const depthwise_shape& s)
      : pairs((s.taps() + 1) / 2), blocks((s.channels + V::half_lanes - 1) / V::half_lanes), line(blocks * V::half_lanes * 2) {}
  constexpr std::int64_t pair_bytes() const { return V::half_lanes * 4; }
  constexpr std::int64_t block_bytes() const { return static_cast<std::int64_t>(sizeof(block_head<V>)) + pairs * pair_bytes(); }
  constexpr std::int64_t block_at(std::int64_t b) const { return static_cast<std::int64_t>(sizeof(head_16)) + b * block_bytes(); }
  constexpr std::int64_t bytes() const { return block_at(blocks); }
};

/// One pixel: taps[2 * pairs] point to its elements. `count` channels from `channel` on, all vectors whole or not.
template <class V, bool Whole>
QNNX_INLINE void depthwise_block(const std::byte* const* taps, std::int64_t pairs, const std::byte* block, typename V::words turn,
                                 const output_16& o, std::int64_t pixel, std::int64_t channel, std::int64_t count) {
  const auto* head = reinterpret_cast<const block_head<V>*>(block);
  const std::byte* w = block + sizeof(block_head<V>);
  const auto part = V::first_halves(count);
  const auto load = [&](const std::byte* row) __attribute__((always_inline)) {
    const std::byte* p = row + 2 * channel;
    if constexpr (Whole) return V::xor_bits(V::load_vector(p), turn);
    else return V::xor_bits(V::load_vector(part, p), turn);
  };
  auto even = V::all(std::int32_t{0}), odd = even;
  for (std::int64_t k = 0; k < pairs; ++k, w += 8 * V::lanes) {
    const auto a = load(taps[2 * k]), b = load(taps[2 * k + 1]);
    even = V::add_pair_products(even, V::low_pairs(a, b), V::load_vector(w));
    odd = V::add_pair_products(odd, V::high_pairs(a, b), V::load_vector(w + 4 * V::lanes));
  }
  block_sums<V> s(even, odd);
  s.add(head->bias);
  finish_block<V>(o, s, head->factor, pixel, channel, count);
}

/// Output rows [rows.from, rows.to) over the batch; `zeros`: the row of zero points.
template <class V>
void depthwise_rows_16(const depthwise_shape& s, const std::byte* data, const std::byte* packed, const std::byte* zeros, const output_16& o,
                       slice rows) {
  const depthwise_layout_16<V> l(s);
  const std::byte* end = data + s.batch * s.height * s.width * s.channels * 2;
  const std::byte* taps[most_taps + 1];
  const auto turn = V::all_halves(o.is_signed ? 0 : -32768);
  taps[s.taps()] = zeros;  // beside a last tap alone, where the weight is 0
  for (std::int64_t row = rows.from; row < rows.to; ++row) {
    const std::int64_t top = row % s.out_h * s.stride_h - s.top;
    const std::byte* image = data + row / s.out_h * s.height * s.width * s.channels * 2;
    for (std::int64_t ow = 0; ow < s.out_w; ++ow) {
      const std::int64_t left = ow * s.stride_w - s.left;
      const std::byte* last = data;
      std::int64_t t = 0;
      for (std::int64_t kh = 0, ih = top; kh < s.kernel_h; ++kh, ih += s.dilation_h)
        for (std::int64_t kw = 0, iw = left; kw < s.kernel_w; ++kw, iw += s.dilation_w) {
          const bool inside = ih >= 0 && ih < s.height && iw >= 0 && iw < s.width;
          if (inside) last = image + (ih * s.width + iw) * s.channels * 2;
          taps[t++] = inside ? last : zeros;
        }
      const bool room = end - last >= l.line;  // vectors may reach beyond a pixel
      for (std::int64_t b = 0; b < l.blocks; ++b) {
        const std::int64_t channel = b * V::half_lanes, count = s.channels - channel;
        const std::int64_t pixel = row * s.out_w + ow;
        const std::byte* block = packed + l.block_at(b);
        if (room || count >= V::half_lanes)
          depthwise_block<V, true>(taps, l.pairs, block, turn, o, pixel, channel, count < V::half_lanes ? count : V::half_lanes);
        else depthwise_block<V, false>(taps, l.pairs, block, turn, o, pixel, channel, count);
      }
    }
  }
}

template <class V>
struct depthwise_16 : answers_as<op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = operands_16<Sig>::fit;

  static constexpr bool takes(const depthwise_shape& s, std::int64_t weight_channels) {
    return s.channels == weight_channels && s.taps() <= most_taps;
  }
  static constexpr depthwise_shape shape_of(const node_facts& f, const params& p) {
    return depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
  }
  static constexpr bool takes_facts(const node_facts& f, const params& p) {
    return constant_operands(f) && takes(shape_of(f, p), f.c.dims(1)[3]);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes_facts(f, p) ? depthwise_layout_16<V>(shape_of(f, p)).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes_facts(f, p) ? depthwise_layout_16<V>(shape_of(f, p)).line : 0;
  }
  static constexpr int parts(const node_facts& f, const params&) { return output_lines(f.c); }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const depthwise_shape s = depthwise_of(dims_of(c.template in<0>()), dims_of(w), dims_of(c.out()), c.params());
    const depthwise_layout_16<V> l(s);
    packer_16<V, Call> packer{c, false};
    std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
    for (std::int64_t o = 0; o < s.channels; ++o) {
      std::byte* block = out + l.block_at(o / V::half_lanes);
      std::byte* to = block + sizeof(block_head<V>) + place_of<V>(o % V::half_lanes) * 4;
      std::int64_t sum = 0, most = 0;
      const std::int32_t offset = packer.weight_offset(o);
      for (std::int64_t k = 0; k < s.taps(); ++k) {
        const std::int16_t v = packer.take(std::int64_t{weight_value(w, k * s.channels + o)} + offset, sum, most);
        std::memcpy(to + k / 2 * l.pair_bytes() + k % 2 * 2, &v, 2);
      }
      packer.put(reinterpret_cast<block_head<V>*>(block), o % V::half_lanes, o, sum, most);
    }
    packer.finish(s.taps(), out);
  }

  template <class Call>
  static void run(const Call& c) {
    if (c.packed_missing() || !constant_operands(c)) return reference::run(c);
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto y = c.out();
    const depthwise_shape s = depthwise_of(dims_of(x), dims_of(w), dims_of(y), c.params());
    if (!takes(s, w.extent(3))) return reference::run(c);
    head_16 head;
    std::memcpy(&head, c.packed(), sizeof head);
    if (head.fits == 0) return reference::run(c);
    const finish<Call> done(c, w.q->scales != nullptr);
    const output_16 o = output_of_16(c, done, s.channels);
    auto* zeros = reinterpret_cast<std::uint16_t*>(c.scratch());
    const std::int64_t line = depthwise_layout_16<V>(s).line / 2;
    for (std::int64_t i = 0; i < line; ++i) zeros[i] = static_cast<std::uint16_t>(x.zero());
    depthwise_rows_16<V>(s, reinterpret_cast<const std::byte*>(x.data), c.packed(), c.scratch(), o, slice_of(c.piece, s.batch * s.out_h));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
