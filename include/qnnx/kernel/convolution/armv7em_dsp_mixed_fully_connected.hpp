// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected on 16-bit data and with 4-bit weights (arm/mixed.hpp): two channels and eight elements at a time, no
// scratch. Packed form: per channel a head and the weights, filled up to a multiple of eight. Layer 5a.

#include "qnnx/kernel/arm/mixed.hpp"
#include "qnnx/kernel/convolution/reference.hpp"

#if QNNX_HAS_ARMV7EM_DSP
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// A row of data as octets; the last one, where the depth is no multiple of eight, is a copy.
template <class Kind>
struct mixed_row {
  static constexpr std::int32_t step = 8 * Kind::bytes;
  const std::byte* x;
  std::int32_t whole;
  std::byte last[step] = {};

  mixed_row(const std::byte* data, std::int32_t depth) : x(data), whole(depth / 8) {
    const std::int32_t rest = depth % 8 * Kind::bytes;
    for (std::int32_t k = 0; k < rest; ++k) last[k] = data[whole * step + k];
  }
  /// Adds octets [from, to) times the weights of two channels.
  QNNX_INLINE void multiply(std::int32_t from, std::int32_t to, const std::byte* w0, const std::byte* w1,
                            std::int32_t& s0, std::int32_t& s1) const {
    const auto add = [&](const std::byte* at) {
      const octet v = Kind::data(at), a = Kind::weights(w0), b = Kind::weights(w1);
      w0 += Kind::octet_bytes, w1 += Kind::octet_bytes;
      for (int i = 0; i < 4; ++i) s0 = smlad(v.pair[i], a.pair[i], s0), s1 = smlad(v.pair[i], b.pair[i], s1);
    };
    const std::byte* at = x + from * step;
    for (std::int32_t k = (to < whole ? to : whole) - from; k > 0; --k, at += step) add(at);
    if (to > whole) add(last);
  }
  /// -8 times the sum of octets [from, to).
  QNNX_NOINLINE std::int32_t nibble_sum(std::int32_t from, std::int32_t to) const {
    word sum = 0;
    for (std::int32_t k = from; k < to; ++k) {
      const octet v = Kind::data(k < whole ? x + k * step : last);
      for (int i = 0; i < 4; ++i) sum = static_cast<word>(smlad(v.pair[i], 0x00010001u, static_cast<std::int32_t>(sum)));
    }
    return static_cast<std::int32_t>(-8u * sum);
  }
};

/// One row of outputs.
template <class Kind, int Form, class Finisher>
QNNX_NOINLINE void dense_mixed(const Finisher& done, const mixed_sizes& size, const mixed_row<Kind>& row,
                               const std::byte* packed, typename Kind::storage* y) {
  using storage = typename Kind::storage;
  const std::int32_t octets = size.quads / 2, record = size.record();
  const std::byte* w = packed + sizeof(node_head);
  [[maybe_unused]] const std::int32_t start = Kind::nibbles && !adds_pieces<Kind, Form> ? row.nibble_sum(0, octets) : 0;
  for (std::int32_t left = size.channels; left > 0; left -= 2, w += 2 * record, y += 2) {
    const std::byte* const other = left > 1 ? w + record : w;
    const auto &h0 = *reinterpret_cast<const channel_head*>(w), &h1 = *reinterpret_cast<const channel_head*>(other);
    const std::byte *w0 = w + sizeof(channel_head), *w1 = other + sizeof(channel_head);
    storage q0, q1;
    if constexpr (adds_pieces<Kind, Form>) {
      constexpr std::int32_t step = piece / 8;
      std::int64_t t0 = 0, t1 = 0;
      for (std::int32_t k = 0; k < octets; k += step, w0 += step * Kind::octet_bytes, w1 += step * Kind::octet_bytes) {
        const std::int32_t to = octets - k < step ? octets : k + step;
        std::int32_t s0 = Kind::nibbles ? row.nibble_sum(k, to) : 0, s1 = s0;
        row.multiply(k, to, w0, w1, s0, s1);
        t0 += s0, t1 += s1;
      }
      q0 = static_cast<storage>(done.general(t0, h0));
      q1 = static_cast<storage>(done.general(t1, h1));
    } else {
      auto s0 = static_cast<std::int32_t>(static_cast<word>(start) + static_cast<word>(h0.bias));
      auto s1 = static_cast<std::int32_t>(static_cast<word>(start) + static_cast<word>(h1.bias));
      row.multiply(0, octets, w0, w1, s0, s1);
      q0 = static_cast<storage>(done.template operator()<Form>(s0, h0));
      q1 = static_cast<storage>(done.template operator()<Form>(s1, h1));
    }
    y[0] = q0;
    if (left > 1) y[1] = q1;
  }
}

}  // namespace dsp

template <>
struct impl<op::fully_connected, isa::armv7em_dsp_mixed>
    : dsp::packed_kernel<impl<op::fully_connected, isa::armv7em_dsp_mixed>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = dsp::is_mixed<Sig>;

  static constexpr bool takes(const node_facts& f, const params&) { return dsp::takes_operands(f); }
  static constexpr dsp::mixed_sizes sizes(const shape& w, int bits) { return {w[0], (w[1] + 7) / 8 * 2, bits}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1), bits_of(f.c.in(1).type)).bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const std::int32_t depth = c.s.inputs[1].dims[1];
    dsp::pack_mixed<kind<Call>, true>(
        c, size_of(c), depth, scale_product::always_exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{o} * depth + k)}; },
        [](std::int32_t k) { return k; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !dsp::takes_operands(c)) return reference::run(c);
    using k = kind<Call>;
    const auto done = dsp::mixed_finisher_of<k, true>(c);
    const dsp::mixed_sizes size = size_of(c);
    const std::int32_t depth = c.s.inputs[1].dims[1];
    dsp::with_form(done, c.packed(), [&](auto form) {
      const auto* x = reinterpret_cast<const std::byte*>(c.template in<0>().data);
      auto* y = c.out().data;
      const auto rows = static_cast<std::int32_t>(c.s.inputs[0].dims.size()) / depth;
      for (std::int32_t r = 0; r < rows; ++r, x += depth * k::bytes, y += size.channels)
        dsp::dense_mixed<k, form.value>(done, size, dsp::mixed_row<k>(x, depth), c.packed(), y);
    });
  }

 private:
  template <class Call>
  using kind = dsp::mixed_kind<typename Call::out_type, typename Call::template in_type<1>>;
  template <class Call>
  static constexpr dsp::mixed_sizes size_of(const Call& c) {
    return sizes(c.s.inputs[1].dims, bits_of(Call::template in_type<1>::code));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
