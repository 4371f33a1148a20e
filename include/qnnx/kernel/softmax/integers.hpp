// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax of 8 bits in integers, from a table of exponentials by the distance to the row's largest element.
//   rne, half_up  the reference's table; its division of doubles by softmax/quotient.hpp
//   tflite        the reference's exponentials of all 256 distances, where the node has more elements than the table
//                 (fewer are computed as the reference does)
// Layer 5a.

#include "qnnx/kernel/arm/dsp.hpp"
#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/softmax/quotient.hpp"
#include "qnnx/kernel/softmax/reference.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

struct integer_softmax : answers_as<op::softmax> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)>;

  static constexpr std::int64_t row_length(const node_facts& f, const params& p) {
    return f.c.dims(0)[op::along_axis::resolved(p, f.c.dims(0).rank())];
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    if (f.rounding == rounding_mode::tflite) return f.c.out(0).dims.size() > 256;
    return row_length(f, p) <= softmax_quotient::most_elements && softmax_quotient::takes_scale(f.out[0].scale);
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return takes(f, p) ? 256 : reference::constant_words(f, p);
  }
  /// Under tflite the number of elements chooses the constants: operands must not be cut.
  static constexpr int independent_dims(const node_facts& f, const params& p) {
    return f.rounding == rounding_mode::tflite ? 0 : reference::independent_dims(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (r.mode() != rounding_mode::tflite || !takes(f, p)) return reference::prepare(f, p, r, out);
    std::int32_t k[3] = {};
    reference::prepare(f, p, r, k);
    for (std::int32_t d = 0; d < 256; ++d) {
      const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(-d) << (k[1] > 0 ? k[1] : 0));
      out[d] = -d < k[2] ? 0 : tflite::exp_negative(tflite::mul(shifted, k[0]));
    }
  }

  /// Whether the constants are those of this kernel.
  template <class Call>
  static bool is_taken(const Call& c) {
    if constexpr (config::embedded_packed) return (void)c, true;
    if (c.rounding().mode() == rounding_mode::tflite) return c.s.outputs[0].dims.size() > 256;
    const shape& xs = c.s.inputs[0].dims;
    return xs[op::along_axis::resolved(c.params(), xs.rank())] <= softmax_quotient::most_elements &&
           softmax_quotient::takes_scale(c.out().scale());
  }
  template <class Call>
  static void run(const Call& c) {
    if (!is_taken(c)) return reference::run(c);
    run_rows(c, [](const auto*, auto*) { return false; });
  }
  /// own(from, to) says whether it made the row that begins there.
  template <class Call, class Own>
  static QNNX_INLINE void run_rows(const Call& c, Own&& own) {
    using T = typename Call::out_type;
    const shape& xs = c.s.inputs[0].dims;
    const axis_rows rows(c.template in<0>(), op::along_axis::resolved(c.params(), xs.rank()));
    const bool tflite = c.rounding().mode() == rounding_mode::tflite;
    const auto* x = c.template in<0>().data;
    auto* y = c.out().data;
    const std::int32_t* table = c.constants();
    const std::int32_t zero = -c.s.outputs[0].q.offset;
    rows.each([&](std::ptrdiff_t base) {
      const std::ptrdiff_t n = rows.count * rows.stride, step = rows.stride;
      const auto* from = x + base;
      auto* to = y + base;
      if (own(from, to)) return;
      std::int32_t top = from[0];
      for (std::ptrdiff_t k = step; k < n; k += step) top = from[k] > top ? from[k] : top;
      if (tflite) {
        std::uint32_t sum = 0;  // wraps, as TFLite's does
        for (std::ptrdiff_t k = 0; k < n; k += step) sum += (static_cast<std::uint32_t>(table[top - from[k]]) + 2048u) >> 12;
        const tflite::reciprocal inverse = tflite::invert(static_cast<std::int32_t>(sum));
        const int shift = inverse.over_unit + 31 - 8;
        constexpr auto lowest = static_cast<std::int32_t>(min_value(T::code));
        for (std::ptrdiff_t k = 0; k < n; k += step) {
          const auto part = static_cast<std::int32_t>((static_cast<std::int64_t>(inverse.value) * table[top - from[k]] + (1 << 30)) >> 31);
          const std::int32_t q = lowest + static_cast<std::int32_t>(shift > 31 ? 0 : (static_cast<std::uint32_t>(part) + (1u << (shift - 1))) >> shift);
          to[k] = static_cast<typename T::storage>(dsp::saturate8<is_signed_fixed(T::code)>(q));
        }
      } else {
        std::int64_t sum = 0;
        for (std::ptrdiff_t k = 0; k < n; k += step) sum += table[top - from[k]];
        const softmax_quotient quotient(sum, c.s.outputs[0].q.scale);
        for (std::ptrdiff_t k = 0; k < n; k += step)
          to[k] = static_cast<typename T::storage>(
              dsp::saturate8<is_signed_fixed(T::code)>(quotient.rounded(table[top - from[k]], c.rounding()) + zero));
      }
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
