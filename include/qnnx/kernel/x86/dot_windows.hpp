// SPDX-License-Identifier: Apache-2.0
#pragma once
// The 8-bit half of accumulate_kernel and its kin where one instruction multiplies 4 bytes with 4 and adds (vpdpbusd):
// which form a node's weights have, and which of window_products, thin_windows and edge_windows runs it. Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/edge_windows.hpp"
#include "qnnx/kernel/x86/thin_windows.hpp"

#if QNNX_HAS_DOT_BYTES
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// The 8-bit half of accumulate_kernel where one instruction multiplies 4 bytes with 4 and adds (vpdpbusd).
template <class A>
struct dot_windows {
  using arithmetic = A;
  static constexpr bool packs_matrices = false;  // matrix_packing.hpp, where there are its instructions
  static constexpr bool flips = true;  // signed data is read with its sign bit flipped

  static constexpr packed_layout layout(const window_shape& s, dtype) { return packed_layout(s, A::lanes, A::piece_elements); }
  static constexpr std::int64_t packed_bytes(const window_shape& s, dtype weights) { return layout(s, weights).bytes(packed_words) * s.groups + edge_bytes(s); }
  static constexpr std::int64_t scratch_bytes(const window_shape& s) { return (window_scratch(s, 1) + 63) / 64 * 64; }
  /// Of the biases that edge_windows.hpp wants.
  static constexpr std::int64_t edge_bytes(const window_shape& s) {
#if QNNX_HAS_AVX512VNNI
    if constexpr (A::lanes == 16) return edge_layout::bytes(s);
#endif
    return (void)s, 0;
  }
  /// A product of several rows whose result overwrites its data would go row by row: it reads a copy.
  static constexpr bool copies(const window_shape& s) { return s.height > 1 && layout(s, dtype::sfixed_8).vectors > A::group; }
  static constexpr int parts(const window_shape& s, dtype weights) { return window_parts(s, layout(s, weights)); }
  template <class Call>
  static void pack(const Call& c, const window_shape& s, weight_steps step, std::int64_t first, bool once, std::byte* out, std::int64_t origin = 0) {
    const auto w = c.template in<1>();
    const byte_scales q{c.template in<0>().offset(), is_signed_fixed(Call::out_type::code), c.constants() + finish_constants::header,
                        w.q->scales != nullptr, c.rounding().mode(), once};
    const packed_layout l = layout(s, dtype::sfixed_8);
    pack_bytes(l, s, w, origin, step, c.template in<2>(), first, q, out);
#if QNNX_HAS_AVX512VNNI
    if (edge_bytes(s) > 0) {
      const std::int32_t down = is_signed_fixed(std::decay_t<decltype(w)>::type::code) ? 0 : 128;
      pack_edges(s, reinterpret_cast<const std::int32_t*>(out + l.word(bias_word)), (c.template in<0>().zero() & 255) ^ (q.data_signed ? 128 : 0),
                 [&](std::int64_t tap, std::int64_t channel) { return weight_value(w, origin + tap * step.tap + (first + channel) * step.channel) - down; },
                 reinterpret_cast<std::int32_t*>(out + l.bytes(packed_words)));
    }
#endif
  }
  template <class Call, class Finish>
  static byte_output output(const Call& c, const Finish& done, const window_shape& s, const packed_layout& l, const std::byte* packed, bool once) {
    byte_output o = byte_output_of(c, done, once);
    o.channels = s.channels;
    o.group_channels = s.group_channels();
    o.packed = packed;
    o.padded = l.padded;
    return o;
  }
  using nibbles = nibble_weights<A::lanes>;
#if QNNX_HAS_AVX512VNNI
  /// Windows of few channels, where the packed weights have no offset (thin_windows.hpp): bytes of scratch, 0 for others.
  static constexpr std::int64_t thin_scratch(const window_shape& s) { return A::lanes == 16 && thin_layout::fits(s) ? thin_layout(s).scratch(s) : 0; }
  template <class Call>
  static void pack_thin(const Call& c, const window_shape& s, weight_steps step, std::byte* out) {
    packed_flags flags;
    std::memcpy(&flags, out, sizeof flags);
    if (flags.weight_offset) return;
    const auto w = c.template in<1>();
    const std::int32_t down = is_signed_fixed(Call::template in_type<1>::code) ? 0 : 128;
    const packed_layout l = layout(s, dtype::sfixed_8);
    x86::pack_thin(s, l, out + l.panels_at(packed_words),
                   [&](std::int64_t tap, std::int64_t channel) { return weight_value(w, tap * step.tap + channel * step.channel) - down; });
  }
  /// Whether it was one of these.
  template <class Call>
  static bool run_thin(const Call& c, const window_shape& s, const packed_layout& l, window_job j, const std::byte* packed) {
    const auto x = c.template in<0>();
    const finish<Call, false> done(c, c.template in<1>().q->scales != nullptr);
    const byte_output o = output(c, done, s, l, packed, false);
    if (any_weight_offset(s, o, packed)) return false;
    j.padding = static_cast<std::uint8_t>(x.zero());
    j.flip = o.is_signed ? 0x80808080u : 0;
    thin_products(s, l, j, o);
    return true;
  }
#endif
  /// Rows of the result begin at pixel `first`.
  template <bool Once, class Call>
  static void run(const Call& c, const window_shape& s, const packed_layout& l, window_job j, const std::byte* packed, std::int64_t first) {
    const auto x = c.template in<0>();
    const finish<Call, Once> done(c, c.template in<1>().q->scales != nullptr);
    byte_output o = output(c, done, s, l, packed, Once);
    o.first_pixel = first;
    o.packed_step = j.packed_step;
    j.padding = static_cast<std::uint8_t>(x.zero());
    j.flip = o.is_signed ? 0x80808080u : 0;
    const bool plain = plain_results(s, o, packed, byte_finish<A>::bounded);
#if QNNX_HAS_AVX512VNNI
    if constexpr (A::lanes == 16)
      if (plain && edge_bytes(s) > 0 && (!j.shares_memory || padded_of(s, 1).needed)) {
        if (j.shares_memory) {  // scratch has room for the data with its padding
          std::memcpy(j.scratch, j.data, static_cast<std::size_t>(s.batch * s.height * s.width * s.depth));
          j.data = j.scratch;
        }
        return edge_products<arithmetic, typename byte_finish<A>::in_registers>(s, l, j, reinterpret_cast<const std::int32_t*>(packed + l.bytes(packed_words)), &o);
      }
#endif
    if (plain)
      return window_products<arithmetic, typename byte_finish<A>::in_registers>(s, j, {}, [](const std::byte* const*, int, int) {}, &o);
    const bool weight_offset = any_weight_offset(s, o, packed);
    std::int32_t data_sums[batch_rows];
    o.data_sums = data_sums;
    window_products<arithmetic>(s, j, {byte_finish<A>::take, &o}, [&](const std::byte* const* table, int from, int rows) {
      if (!weight_offset) return;
      for (int r = 0; r < rows; ++r) {
        data_sums[from + r] = 0;
        for (std::int64_t run = 0; run < l.runs; ++run) data_sums[from + r] += byte_sum(table[run * tile_rows + r], s.run_elements(), j.flip);
      }
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
