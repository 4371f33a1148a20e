// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected without vectors: four channels at a time, so that an element of data is loaded once for four products.
// Weights are kept as w + 128 (nibbles: w + 8), because every processor loads unsigned bytes in one instruction:
//   sum x w = sum x (w + 128) - 128 sum x
// Packed form: a node head, then per four channels four heads and the weights [depth][4]. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/scalar/products.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel {

namespace scalar {

/// What is added to the weights.
template <class Kind>
inline constexpr std::int32_t weight_base = Kind::nibbles ? 8 : 128;
/// Data as it is multiplied: 8 bits as they are, 16 bits signed.
template <class Kind>
QNNX_INLINE std::int32_t dense_element(typename Kind::storage x) {
  if constexpr (Kind::wide) return Kind::signed_element(x);
  return std::int32_t{x};
}
/// Sums of four channels, of 16-bit data modulo 2^32; `w` walks over [depth][4].
template <class Kind>
QNNX_INLINE void four_sums(const typename Kind::storage* x, const std::uint8_t* w, std::int32_t depth,
                           std::int32_t* sums) {
  using sum = std::conditional_t<Kind::wide, std::uint32_t, std::int32_t>;
  sum a = 0, b = 0, c = 0, d = 0;
  const auto add = [&](int k) {
    const auto v = static_cast<sum>(dense_element<Kind>(x[k]));
    const auto weight = [&](int j) {
      return static_cast<sum>(Kind::nibbles ? w[2 * k + j / 2] >> (j % 2 * 4) & 15 : w[4 * k + j]);
    };
    a += v * weight(0), b += v * weight(1), c += v * weight(2), d += v * weight(3);
    if constexpr (Kind::wide)  // else compilers add the products of several elements first, and spill
      asm("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
  };
  constexpr int step = Kind::nibbles ? 2 : 4;
  for (; depth >= 4; depth -= 4, x += 4, w += 4 * step) add(0), add(1), add(2), add(3);
  for (; depth > 0; --depth, ++x, w += step) add(0);
  sums[0] = static_cast<std::int32_t>(a), sums[1] = static_cast<std::int32_t>(b);
  sums[2] = static_cast<std::int32_t>(c), sums[3] = static_cast<std::int32_t>(d);
}
/// -128 or -8 times the sum of the data, modulo 2^32.
template <class Kind>
QNNX_INLINE std::uint32_t base_sum(const typename Kind::storage* x, std::int32_t depth) {
  std::uint32_t sum = 0;
  for (; depth > 0; --depth) sum += static_cast<std::uint32_t>(dense_element<Kind>(*x++));
  return 0u - static_cast<std::uint32_t>(weight_base<Kind>) * sum;
}

}  // namespace scalar

template <>
struct impl<op::fully_connected, isa::scalar>
    : dsp::packed_kernel<impl<op::fully_connected, isa::scalar>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = scalar::is_taken<Sig>;

  static constexpr bool takes(const node_facts& f, const params&) {
    return f.c.dims(1)[1] <= scalar::most_elements && dsp::takes_operands(f);
  }
  /// Four heads, and the weights of four channels, filled up to words.
  static constexpr std::int64_t group_bytes(std::int32_t depth, bool nibbles) {
    return static_cast<std::int64_t>(4 * sizeof(dsp::channel_head)) +
           (nibbles ? std::int64_t{4} * ((depth + 1) / 2) : std::int64_t{4} * depth);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? static_cast<std::int64_t>(sizeof(dsp::node_head)) +
                             (f.c.dims(1)[0] + 3) / 4 * group_bytes(f.c.dims(1)[1], scalar::layout_of(f).nibbles)
                       : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    using kind = scalar::kind_of<Call>;
    const auto w = c.template in<1>();
    const std::int32_t channels = c.s.inputs[1].dims[0], depth = c.s.inputs[1].dims[1];
    const std::int64_t bytes = group_bytes(depth, kind::nibbles);
    const auto group = [&](std::int32_t o) { return out + sizeof(dsp::node_head) + o / 4 * bytes; };
    std::memset(out, 0, sizeof(dsp::node_head) + static_cast<std::size_t>((channels + 3) / 4 * bytes));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{o} * depth + k)};
    };
    const bool fast = scalar::heads_of<kind, true>(
        c, channels, depth, 0, scale_product::always_exact, weight, [&](std::int32_t o, const dsp::channel_head& h) {
          std::memcpy(group(o) + static_cast<std::size_t>(o % 4) * sizeof h, &h, sizeof h);
          for (std::int32_t k = 0; k < depth; ++k)
            kind::put_weight(group(o) + 4 * sizeof h, 4 * k + o % 4, weight(k, o) + scalar::weight_base<kind>);
        });
    const dsp::node_head head{fast ? 1 : 0, 0, {}};
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || c.s.inputs[1].dims[1] > scalar::most_elements || !dsp::takes_operands(c))
        return reference::run(c);
    const auto done = scalar::finish_of<scalar::kind_of<Call>, true>(c);
    dsp::with_form(done, c.packed(), [&](auto form) { rows<form.value>(c, done); });
  }

 private:
  template <int Form, class Call, class Finisher>
  static QNNX_INLINE void rows(const Call& c, const Finisher& done) {
    using kind = scalar::kind_of<Call>;
    using storage = typename kind::storage;
    const std::int32_t channels = c.s.inputs[1].dims[0], depth = c.s.inputs[1].dims[1];
    const std::int64_t bytes = group_bytes(depth, kind::nibbles);
    const auto* x = reinterpret_cast<const storage*>(c.template in<0>().data);
    auto* y = reinterpret_cast<storage*>(c.out().data);
    const auto count = static_cast<std::int32_t>(c.s.inputs[0].dims.size()) / depth;
    for (std::int32_t r = 0; r < count; ++r, x += depth) {
      const std::uint32_t start = scalar::base_sum<kind>(x, dsp::adds_pieces<kind, Form> ? 0 : depth);
      const std::byte* at = c.packed() + sizeof(dsp::node_head);
      for (std::int32_t o = 0; o < channels; o += 4, at += bytes) {
        const auto* h = reinterpret_cast<const dsp::channel_head*>(at);
        const auto* w = reinterpret_cast<const std::uint8_t*>(h + 4);
        std::int32_t sums[4];
        if constexpr (dsp::adds_pieces<kind, Form>) {
          std::int64_t totals[4] = {};
          for (std::int32_t k = 0; k < depth; k += dsp::piece) {
            const std::int32_t some = depth - k < dsp::piece ? depth - k : dsp::piece;
            const std::uint32_t base = scalar::base_sum<kind>(x + k, some);
            scalar::four_sums<kind>(x + k, w + k * (kind::nibbles ? 2 : 4), some, sums);
            for (std::int32_t j = 0; j < 4; ++j)
              totals[j] += static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[j]) + base);
          }
          for (std::int32_t j = 0; j < 4 && o + j < channels; ++j)
            *y++ = static_cast<storage>(done.general(totals[j], h[j]));
        } else {
          scalar::four_sums<kind>(x, w, depth, sums);
          for (std::int32_t j = 0; j < 4 && o + j < channels; ++j)
            *y++ = static_cast<storage>(done.template operator()<Form>(
                static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[j]) + start +
                                          static_cast<std::uint32_t>(h[j].bias)),
                h[j]));
        }
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
