// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected on 8-bit data without vectors: four channels at a time, so that an element of data is loaded once for
// four products. Weights are kept as w + 128, because every processor loads unsigned bytes in one instruction:
//   sum x w = sum x (w + 128) - 128 sum x
// Packed form: a node head, then per four channels four heads and the weights [depth][4]. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/scalar/products.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel {

namespace scalar {

/// Sums of four channels; `w` walks over [depth][4].
template <bool Signed>
QNNX_INLINE void four_sums(const std::byte* x, const std::uint8_t* w, std::int32_t depth, std::int32_t* sums) {
  std::int32_t a = 0, b = 0, c = 0, d = 0;
  const auto add = [&](int k) {
    const std::int32_t v = Signed ? std::int32_t{static_cast<std::int8_t>(x[k])} : static_cast<std::int32_t>(x[k]);
    a += v * w[4 * k], b += v * w[4 * k + 1], c += v * w[4 * k + 2], d += v * w[4 * k + 3];
  };
  for (; depth >= 4; depth -= 4, x += 4, w += 16) add(0), add(1), add(2), add(3);
  for (; depth > 0; --depth, ++x, w += 4) add(0);
  sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

}  // namespace scalar

template <>
struct impl<op::fully_connected, isa::scalar>
    : dsp::packed_kernel<impl<op::fully_connected, isa::scalar>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = dsp::is_8_bit<Sig>;

  static constexpr bool takes(const node_facts& f, const params&) {
    return f.c.dims(1)[1] <= scalar::most_elements && dsp::takes_operands(f);
  }
  static constexpr std::int64_t group_bytes(std::int32_t depth) {
    return static_cast<std::int64_t>(4 * sizeof(dsp::channel_head)) + std::int64_t{4} * depth;
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? static_cast<std::int64_t>(sizeof(dsp::node_head)) +
                             (f.c.dims(1)[0] + 3) / 4 * group_bytes(f.c.dims(1)[1])
                       : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const std::int32_t channels = c.s.inputs[1].dims[0], depth = c.s.inputs[1].dims[1];
    const auto group = [&](std::int32_t o) { return out + sizeof(dsp::node_head) + o / 4 * group_bytes(depth); };
    std::memset(out, 0, sizeof(dsp::node_head) + static_cast<std::size_t>((channels + 3) / 4 * group_bytes(depth)));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{o} * depth + k)};
    };
    const bool fast = scalar::make_heads<true>(
        c, channels, depth, 0, scale_product::always_exact, weight, [&](std::int32_t o, const dsp::channel_head& h) {
          std::memcpy(group(o) + static_cast<std::size_t>(o % 4) * sizeof h, &h, sizeof h);
          for (std::int32_t k = 0; k < depth; ++k)
            group(o)[static_cast<std::int32_t>(4 * sizeof h) + 4 * k + o % 4] =
                static_cast<std::byte>(weight(k, o) + 128);
        });
    const dsp::node_head head{fast ? 1 : 0, 0, {}};
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || c.s.inputs[1].dims[1] > scalar::most_elements || !dsp::takes_operands(c))
        return reference::run(c);
    const auto done = scalar::finisher_of<true>(c);
    dsp::with_form(done, c.packed(), [&](auto form) { rows<form.value>(c, done); });
  }

 private:
  template <int Form, class Call, class Finisher>
  static QNNX_INLINE void rows(const Call& c, const Finisher& done) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const std::int32_t channels = c.s.inputs[1].dims[0], depth = c.s.inputs[1].dims[1];
    const auto* x = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* y = reinterpret_cast<std::byte*>(c.out().data);
    const auto count = static_cast<std::int32_t>(c.s.inputs[0].dims.size()) / depth;
    for (std::int32_t r = 0; r < count; ++r, x += depth) {
      std::int32_t data_sum = 0;
      for (std::int32_t k = 0; k < depth; ++k)
        data_sum += is_signed ? std::int32_t{static_cast<std::int8_t>(x[k])} : static_cast<std::int32_t>(x[k]);
      const std::byte* at = c.packed() + sizeof(dsp::node_head);
      for (std::int32_t o = 0; o < channels; o += 4, at += group_bytes(depth)) {
        const auto* h = reinterpret_cast<const dsp::channel_head*>(at);
        std::int32_t sums[4];
        scalar::four_sums<is_signed>(x, reinterpret_cast<const std::uint8_t*>(h + 4), depth, sums);
        for (std::int32_t j = 0; j < 4 && o + j < channels; ++j)
          *y++ = static_cast<std::byte>(done.template operator()<Form>(sums[j] - 128 * data_sum + h[j].bias, h[j]));
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
