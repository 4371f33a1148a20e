// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected on 8-bit data with dual multiply-adds: four channels at a time (arm/dense.hpp), no scratch.
// Packed form: a node head, then per four channels four channel heads and depth / 4 * 4 words of shared lanes. Layer
// 5a.

#include "qnnx/kernel/arm/dense.hpp"
#include "qnnx/kernel/arm/packing.hpp"
#include "qnnx/kernel/convolution/reference.hpp"

#if QNNX_HAS_ARMV7EM_DSP
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

struct dense_sizes {
  std::int32_t channels, depth, groups, quads;
  constexpr dense_sizes(std::int32_t n, std::int32_t k)
      : channels(n), depth(k), groups((n + 3) / 4), quads((k + 3) / 4) {}
  constexpr explicit dense_sizes(const shape& w) : dense_sizes(w[0], w[1]) {}
  /// Whether sums of whole groups of channels are made in one go.
  constexpr bool whole_groups(const node_head& h) const { return h.undivided != 0 && depth % 4 == 0; }
  constexpr std::int64_t group_bytes() const {
    return static_cast<std::int64_t>(4 * sizeof(channel_head)) + std::int64_t{16} * quads;
  }
  constexpr std::int64_t bytes() const { return static_cast<std::int64_t>(sizeof(node_head)) + groups * group_bytes(); }
};

/// Groups of four channels whose depth needs no splitting and is a multiple of four. Returns the end of the groups.
template <int Form, bool Signed, class Finisher>
QNNX_NOINLINE const word* dense_groups(const Finisher& done, std::int32_t groups, std::int32_t quads,
                                       const std::byte* x, const word* at, word data_sum, std::byte* y) {
  for (; groups > 0; --groups, y += 4) {
    const auto* h = reinterpret_cast<const channel_head*>(at);
    pair_sums s;
    at = four_channels<Signed>(x, at + 4 * sizeof(channel_head) / sizeof(word), quads, s);
    const auto finish = [&](int j, word sum) {
      return static_cast<std::byte>(
          done.template operator()<Form>(static_cast<std::int32_t>(sum + static_cast<word>(h[j].bias)), h[j]));
    };
    y[0] = finish(0, high_sum(s, 0));
    y[1] = finish(1, static_cast<word>(s.plain[0]) + data_sum);
    y[2] = finish(2, high_sum(s, 1));
    y[3] = finish(3, static_cast<word>(s.plain[1]) + data_sum);
  }
  return at;
}

/// A group of up to four channels and any depth. Returns the end of the group.
template <int Form, bool Signed, class Finisher>
QNNX_NOINLINE const word* dense_group(const Finisher& done, std::int32_t channels, std::int32_t depth,
                                      const std::byte* x, const word* at, word data_sum, std::byte* y) {
  const auto* h = reinterpret_cast<const channel_head*>(at);
  at += 4 * sizeof(channel_head) / sizeof(word);
  word sums[4] = {0, data_sum, 0, data_sum};
  pair_sums s;
  for (std::int32_t k = 0; k < depth; k += 4) {
    std::byte last[4] = {};  // nothing behind the row is read
    for (std::int32_t i = 0; i < 4 && k + i < depth; ++i) last[i] = x[k + i];
    at = one_quad<Signed>(last, at, s);
    if (k + 4 < depth && (k + 4) % chunk<Signed> != 0) continue;
    for (int p = 0; p < 2; ++p) {
      sums[2 * p] += high_sum(s, p);
      sums[2 * p + 1] += static_cast<word>(s.plain[p]);
    }
    s = {};
  }
  for (std::int32_t j = 0; j < channels; ++j)
    y[j] = static_cast<std::byte>(
        done.template operator()<Form>(static_cast<std::int32_t>(sums[j] + static_cast<word>(h[j].bias)), h[j]));
  return at;
}

/// One row of data [depth] to one row of outputs [channels].
template <int Form, bool Signed, class Finisher>
QNNX_NOINLINE void dense_row(const Finisher& done, const dense_sizes& size, const std::byte* x, const std::byte* packed,
                             std::byte* y) {
  const word data_sum = -128u * static_cast<word>(sum_bytes<Signed>(x, size.depth));
  const auto* at = reinterpret_cast<const word*>(packed + sizeof(node_head));
  std::int32_t o = 0;
  if constexpr (needs<code_part::whole_groups>)
    if (size.whole_groups(*reinterpret_cast<const node_head*>(packed))) {
      at = dense_groups<Form, Signed>(done, size.channels / 4, size.quads, x, at, data_sum, y);
      o = size.channels / 4 * 4;
    }
  if constexpr (needs<code_part::rest_of_groups>)
    for (; o < size.channels; o += 4) {
      const std::int32_t count = size.channels - o < 4 ? size.channels - o : 4;
      at = dense_group<Form, Signed>(done, count, size.depth, x, at, data_sum, y + o);
    }
}

}  // namespace dsp

template <>
struct impl<op::fully_connected, isa::armv7em_dsp>
    : dsp::packed_kernel<impl<op::fully_connected, isa::armv7em_dsp>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = dsp::is_8_bit<Sig>;
  static constexpr bool packed_is_enough = true;

  static constexpr bool takes(const node_facts& f, const params&) { return dsp::takes_operands(f); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? dsp::dense_sizes(f.c.dims(1)).bytes() : 0;
  }

  static unsigned code_parts(const node_facts& f, const params& p, const std::byte* packed) {
    if (!takes(f, p)) return 0;
    const dsp::dense_sizes size(f.c.dims(1));
    dsp::node_head h;
    std::memcpy(&h, packed, sizeof h);
    if (!size.whole_groups(h)) return bit(code_part::rest_of_groups);
    return (size.channels >= 4 ? bit(code_part::whole_groups) : 0) |
           (size.channels % 4 ? bit(code_part::rest_of_groups) : 0);
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const dsp::dense_sizes size(c.s.inputs[1].dims);
    std::memset(out, 0, static_cast<std::size_t>(size.bytes()));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{o} * size.depth + k)};
    };
    const auto group = [&](std::int32_t o) { return out + sizeof(dsp::node_head) + o / 4 * size.group_bytes(); };
    const bool fast =
        dsp::make_heads<true>(c, size.channels, size.depth, scale_product::always_exact, weight,
                              [&](std::int32_t o, const dsp::channel_head& h) {
                                std::memcpy(group(o) + static_cast<std::size_t>(o % 4) * sizeof h, &h, sizeof h);
                              });
    dsp::node_head head{fast ? 1 : 0, 1, {}};
    for (std::int32_t o = 0; o < size.channels; o += 2) {
      std::int64_t magnitude = 0;
      for (std::int32_t k = 0; k < size.depth; ++k) {
        const std::uint16_t lane = dsp::shared_lane(weight(k, o), o + 1 < size.channels ? weight(k, o + 1) : -128);
        const std::int32_t at = k / 4 * 16 + o % 4 / 2 * 8 + k % 2 * 4 + k % 4 / 2 * 2;
        std::memcpy(group(o) + 4 * sizeof(dsp::channel_head) + at, &lane, 2);
        magnitude += weight(k, o) < 0 ? -weight(k, o) : weight(k, o);
      }
      if (magnitude * (is_signed_fixed(Call::out_type::code) ? 128 : 255) >= 1 << 23) head.undivided = 0;
    }
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !dsp::takes_operands(c)) return reference::run(c);
    const auto done = dsp::finisher_of<true>(c);
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    using finisher = std::decay_t<decltype(done)>;
    const shape& ys = c.s.outputs[0].dims;
    const std::int32_t channels = ys[ys.rank() - 1];
    const auto rows = static_cast<std::int32_t>(ys.size()) / channels;
    const dsp::dense_sizes size(channels, static_cast<std::int32_t>(c.s.inputs[0].dims.size()) / rows);
    const std::byte* x = c.input_bytes(0);
    std::byte* y = c.output_bytes();
    dsp::with_form(done, c.packed(), [&](auto form) {
      for (std::int32_t r = 0; r < rows; ++r, x += size.depth, y += size.channels)
        dsp::dense_row<form.value, is_signed, finisher>(done, size, x, c.packed(), y);
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
