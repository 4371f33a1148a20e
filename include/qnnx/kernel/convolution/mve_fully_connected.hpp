// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected on 8-bit data with Helium: four channels at a time, 16 elements an instruction, no scratch.
// Packed form as Conv2d's (convolution/mve.hpp). Layer 5a.

#include "qnnx/kernel/convolution/armv7em_dsp_fully_connected.hpp"
#include "qnnx/kernel/convolution/mve.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::fully_connected, isa::mve>
    : dsp::packed_kernel<impl<op::fully_connected, isa::mve>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = mve::is_bytes<Sig>;

  static constexpr bool takes(const node_facts& f, const params&) { return dsp::takes_operands(f); }
  static constexpr mve::panel_sizes sizes(const shape& w) { return {w[1], w[0]}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1)).bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const mve::panel_sizes size = sizes(c.s.inputs[1].dims);
    mve::pack_panels<true>(
        c, size, scale_product::always_exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{o} * size.depth + k)}; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !dsp::takes_operands(c)) return reference::run(c);
    const mve::panel_sizes size = sizes(c.s.inputs[1].dims);
    const mve::limits l{c.constants()[0], c.constants()[1]};
    const bool fast =
        (config::packed_forms & 4u) == 0 || reinterpret_cast<const dsp::node_head*>(c.packed())->fast != 0;
    const auto* x = reinterpret_cast<const std::int8_t*>(c.template in<0>().data);
    auto* y = reinterpret_cast<std::int8_t*>(c.out().data);
    const auto rows = static_cast<std::int32_t>(c.s.inputs[0].dims.size()) / size.depth;
    const auto step = static_cast<std::int32_t>(size.group_bytes());
    for (std::int32_t r = 0; r < rows; ++r, x += size.depth, y += size.channels) {
      const std::byte* at = c.packed() + sizeof(dsp::node_head);
      for (std::int32_t o = 0; o < size.channels; o += 4, at += step) {
        const auto& h = *reinterpret_cast<const mve::quad_head*>(at);
        const mve::four s =
            mve::one_row<mve::is_unsigned<Call>>(x, reinterpret_cast<const std::int8_t*>(at + sizeof(mve::quad_head)), size.depth);
        const std::int32_t count = size.channels - o;
        if (fast) {
          mve::store_four(y + o, mve::finish_four<true>(s, h, l, c.rounding()), count);
        } else {
          std::int32_t sums[4];
          std::memcpy(sums, &s, sizeof sums);
          mve::finish_general<true>(sums, h, l, c.rounding(), y + o, 1, count < 4 ? count : 4);
        }
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
