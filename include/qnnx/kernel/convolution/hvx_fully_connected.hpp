// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected on 8-bit data with HVX: 128 channels of a row at a time (hexagon/panels.hpp). A row that is no
// multiple of eight elements is copied into scratch. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/hexagon/panels.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::fully_connected, isa::hvx>
    : dsp::packed_kernel<impl<op::fully_connected, isa::hvx>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = dsp::is_8_bit<Sig>;

  static constexpr bool takes(const node_facts& f, const params&) { return dsp::takes_operands(f); }
  static constexpr hvx::panel_sizes sizes(const shape& w) { return {1, w[1], w[0], false}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(f.c.dims(1)).bytes() : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const std::int32_t depth = f.c.dims(1)[1];
    return takes(f, p) && depth % 8 != 0 ? depth + 2 * hvx::vector_bytes : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const hvx::panel_sizes size = sizes(c.s.inputs[1].dims);
    hvx::pack_panels<true>(
        c, size, scale_product::always_exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{o} * size.line + k)}; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !dsp::takes_operands(c)) return reference::run(c);
    if ((config::packed_forms & 4u) == 0 || reinterpret_cast<const hvx::node_head*>(c.packed())->fast)
      rows<true>(c);
    else
      rows<false>(c);
  }

 private:
  template <bool Fast, class Call>
  static QNNX_NOINLINE void rows(const Call& c) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const hvx::finisher<is_signed, true, std::decay_t<decltype(c.rounding())>> done(c);
    const hvx::panel_sizes size = sizes(c.s.inputs[1].dims);
    const auto total = static_cast<std::int32_t>(c.s.inputs[0].dims.size());
    const auto* x = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    const std::byte* const end = x + total;
    hvx::destination to{reinterpret_cast<std::byte*>(c.out().data), 1, size.channels};
    for (; x < end; x += size.line, to.y += size.channels) {
      const std::byte* row = x;
      if (size.line % 8 != 0) {
        hvx::copy(c.scratch(), x, size.line, end);
        row = c.scratch();
      }
      hvx::multiply_block<Fast, 1>(done, size, c.packed(), &row, to);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
