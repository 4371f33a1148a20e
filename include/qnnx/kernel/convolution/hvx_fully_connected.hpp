// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected with HVX on 8- and 16-bit data with 8- and 4-bit weights: 128 channels of a row at a time
// (hexagon/panels.hpp). A row that is no whole number of steps, or of unsigned 16-bit data, is copied into scratch.
// Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/hexagon/panels.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::fully_connected, isa::hvx>
    : dsp::packed_kernel<impl<op::fully_connected, isa::hvx>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = hvx::is_packed<Sig>;

  static constexpr bool takes(const node_facts& f, const params&) {
    return sizes(hvx::widths_of(f), f.c.dims(1)).sums_fit() && dsp::takes_operands(f);
  }
  static constexpr hvx::panel_sizes sizes(hvx::widths of, const shape& w) { return {of, 1, w[1], w[0], false}; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? sizes(hvx::widths_of(f), f.c.dims(1)).bytes() : 0;
  }
  static unsigned code_parts(const node_facts& f, const params& p, const std::byte* packed) {
    return takes(f, p) ? hvx::form_parts(packed) : 0u;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const hvx::panel_sizes size = sizes(hvx::widths_of(f), f.c.dims(1));
    return takes(f, p) && !in_place(size, f.c.in(0).type) ? size.padded() + 2 * hvx::vector_bytes : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const hvx::panel_sizes size = sizes(hvx::call_widths<Call>, c.s.inputs[1].dims);
    hvx::pack_panels<true>(
        c, size, scale_product::always_exact,
        [&](std::int32_t k, std::int32_t o) { return std::int32_t{w.load(std::int64_t{o} * size.line + k)}; }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !sizes(hvx::call_widths<Call>, c.s.inputs[1].dims).sums_fit() ||
          !dsp::takes_operands(c))
        return reference::run(c);
    hvx::with_form(c.packed(), [&](auto form) { rows<form.value>(c); });
  }

 private:
  static constexpr bool in_place(const hvx::panel_sizes& size, dtype t) {
    return size.line_bytes() == size.padded() && t != dtype::ufixed_16;
  }
  template <int Form, class Call>
  static QNNX_NOINLINE void rows(const Call& c) {
    constexpr dtype type = Call::out_type::code;
    constexpr hvx::widths of = hvx::call_widths<Call>;
    const hvx::finisher<type, true, std::decay_t<decltype(c.rounding())>> done(c);
    const hvx::panel_sizes size = sizes(of, c.s.inputs[1].dims);
    const auto total = static_cast<std::int32_t>(c.s.inputs[0].dims.size()) * of.data;
    const auto* x = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    const std::byte* const end = x + total;
    hvx::destination to{reinterpret_cast<std::byte*>(c.out().data), 1, size.channels};
    for (; x < end; x += size.line_bytes(), to.y += size.channels * of.data) {
      const std::byte* row = x;
      if (!in_place(size, type)) {
        hvx::padded_rows<type>::take(c.scratch(), x, size.line_bytes(), end);
        row = c.scratch();
      }
      hvx::window_block block;  // of one pixel and line
      block.line[0] = row, block.lines = 1, block.steps = size.steps, block.offset[0] = 0;
      hvx::multiply_block<hvx::panel_kind<type, of.weights>, Form, 1>(done, size, c.packed(), block, to);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
