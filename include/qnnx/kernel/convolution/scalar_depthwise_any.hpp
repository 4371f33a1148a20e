// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d of any window, stride, dilation and channel multiplier, for the processors without vectors and for
// armv7em_dsp, in place of the reference: lines as of the 3x3 kernel (scalar/depthwise.hpp), four neighbouring pixels at
// a time, tap by tap. Packed form: a node head, then per output channel a head and the window's weights as bytes, filled
// up to words. Sums of 16-bit data fit 32 bits up to `piece` taps (arm/mixed.hpp); longer windows are not taken. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/scalar/depthwise.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace scalar {

constexpr std::int32_t any_record_bytes(const shape& w) {
  return static_cast<std::int32_t>(sizeof(channel_head)) + (w[0] * w[1] + 3) / 4 * 4;
}

/// Sums of four neighbouring pixels of one channel; `lines` is its line in slot 0, `turn` the slot of the first row.
template <class Line>
QNNX_INLINE void any_sums(const depthwise_lines& size, const Line* lines, std::int32_t turn, const std::int8_t* w,
                          std::int32_t* sums) {
  std::int32_t a = 0, b = 0, c = 0, d = 0;
  const std::int32_t one = size.stride_w, two = 2 * one, three = two + one, step = size.step_w, slot = size.slot();
  for (std::int32_t r = size.rows; r > 0; --r) {
    const Line* x = lines + turn * slot;
    for (std::int32_t k = size.taps; k > 0; --k, x += step) {
      const std::int32_t v = *w++;
      a += x[0] * v, b += x[one] * v, c += x[two] * v, d += x[three] * v;
    }
    for (turn += size.step_h; turn >= size.slots;) turn -= size.slots;
  }
  sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

/// Of all instruction sets that have it.
struct depthwise_any : dsp::packed_kernel<depthwise_any, op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = is_taken<Sig>;

  static constexpr bool takes_shape(const shape& w) { return w[0] * w[1] <= dsp::piece; }
  static constexpr bool takes(const node_facts& f, const params&) {
    return takes_shape(f.c.dims(1)) && dsp::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? static_cast<std::int64_t>(sizeof(dsp::node_head)) +
                             std::int64_t{any_record_bytes(f.c.dims(1))} * f.c.dims(1)[3]
                       : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return 0;
    return depthwise_lines(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p, layout_of(f).bytes()).bytes();
  }
  /// As of the 3x3 kernel: a row's data is taken over before the row is written.
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 && depthwise_in_place(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p) ? in_place_only : no_overlap;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    using kind = kind_of<Call>;
    const auto w = c.template in<1>();
    const shape& ws = c.s.inputs[1].dims;
    const std::int32_t channels = ws[3], taps = ws[0] * ws[1], record = any_record_bytes(ws);
    std::memset(out, 0, sizeof(dsp::node_head) + static_cast<std::size_t>(record) * static_cast<std::size_t>(channels));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    const bool fast = heads_of<kind, false>(
        c, channels, taps, line_base<kind>, scale_product::exact, weight,
        [&](std::int32_t o, const dsp::channel_head& h) {
          std::byte* to = out + sizeof(dsp::node_head) + std::int64_t{o} * record;
          std::memcpy(to, &h, sizeof h);
          for (std::int32_t k = 0; k < taps; ++k) to[sizeof h + static_cast<std::size_t>(k)] = static_cast<std::byte>(weight(k, o));
        });
    const dsp::node_head head{fast ? 1 : 0, 0, {}};
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || !takes_shape(c.s.inputs[1].dims) || !dsp::takes_operands(c)) return reference::run(c);
    using kind = kind_of<Call>;
    const auto done = finish_of<kind, false>(c);
    const depthwise_lines size(c.s.inputs[0].dims, c.s.inputs[1].dims, c.s.outputs[0].dims, c.params(),
                               kind::form.bytes());
    dsp::with_form(done, c.packed(), [&](auto form) {
      walk_rows<kind>(c, done, size, any_record_bytes(c.s.inputs[1].dims),
                      &row<kind, form.value, std::decay_t<decltype(done)>>);
    });
  }

 private:
  template <class Kind, int Form, class Finisher>
  static QNNX_NOINLINE void row(const Finisher& done, const depthwise_lines& size, const std::byte* record,
                                const line_of<Kind>* lines, std::int32_t turn, typename Kind::storage* y,
                                std::int32_t width, std::int32_t count) {
    using storage = typename Kind::storage;
    const std::int32_t bytes = static_cast<std::int32_t>(sizeof(channel_head)) + (size.rows * size.taps + 3) / 4 * 4;
    for (std::int32_t c = 0; c < count; ++c, lines += size.columns)
      for (std::int32_t o = 0; o < size.outputs; ++o, record += bytes, ++y) {
        const channel_head h = *reinterpret_cast<const channel_head*>(record);
        const auto* w = reinterpret_cast<const std::int8_t*>(record + sizeof h);
        storage* to = y;
        for (std::int32_t ow = 0; ow < width; ow += 4) {
          std::int32_t sums[4];
          any_sums(size, lines + ow * size.stride_w, turn, w, sums);
          const std::int32_t have = width - ow < 4 ? width - ow : 4;
          for (std::int32_t i = 0; i < have; ++i, to += size.all * size.outputs)
            if constexpr (dsp::adds_pieces<Kind, Form>)
              *to = static_cast<storage>(done.general(sums[i], h));
            else
              *to = static_cast<storage>(done.template operator()<Form>(
                  static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) + static_cast<std::uint32_t>(h.bias)),
                  h));
        }
      }
  }
};

}  // namespace scalar

template <>
struct impl<op::depthwise_conv2d, isa::scalar_general> : scalar::depthwise_any {};
template <>
struct impl<op::depthwise_conv2d, isa::armv7em_dsp_general> : scalar::depthwise_any {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
