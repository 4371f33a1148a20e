// SPDX-License-Identifier: Apache-2.0
#pragma once
// TFLite's 16-bit logistic and tanh (activation/tflite.hpp) with their scale in constants, so that no float is left.
//   v = (x factor + half) >> shift, a = |v|; d = the table at a / 2^bits, turned to signed, times 2^bits
//   y = ((v < 0 ? -1 - d : d) + add) >> down
// which are the reference's two cases: of a sum and its ones' complement the roundings are those of v >= 0 and v < 0. The end
// of the table, where the reference gives its largest result, is two entries that give it too (logistic: 65534, as all
// sums from 2^25 - 2^10 to 2^25 - 2^9 - 1 have one result; tanh: 65535). Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/arm/dsp.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// t[0] (2^Bits - rest) + t[1] rest + add.
template <int Bits>
QNNX_INLINE std::int32_t between(const std::int16_t* t, std::int32_t rest, std::int32_t add) {
  if constexpr (!QNNX_HAS_ARMV7EM_DSP) return t[0] * (1 << Bits) + (t[1] - t[0]) * rest + add;
  const word parts = (word{1} << Bits) + static_cast<word>(rest) * 0xffffu;
  return add == 0 ? smuad(load_word(t), parts) : smlad(load_word(t), parts, add);
}

template <bool Tanh>
struct interpolated_curve {
  static constexpr int bits = Tanh ? 8 : 9, down = Tanh ? 8 : 10;
  static constexpr std::int32_t add = Tanh ? 1 << 7 : (1 << 24) + (1 << 9);
  static constexpr std::int32_t most = (1 << (8 + bits)) - 1;
  /// sigmoid(i / 24) * 2^16 - 2^15; the last two stand for all beyond.
  static constexpr std::array<std::int16_t, 257> table = [] {
    std::array<std::int16_t, 257> t{};
    for (std::size_t i = 0; i < 255; ++i) t[i] = static_cast<std::int16_t>(tflite::sigmoid_table<>::values[i] - 32768);
    t[255] = t[256] = Tanh ? 32767 : 32766;
    return t;
  }();

  static QNNX_INLINE std::int32_t at(std::int32_t x, std::int32_t factor, std::int32_t half, std::int32_t shift) {
    const std::int32_t v = (x * factor + half) >> shift, sign = v >> 31;
    std::int32_t a = (v ^ sign) - sign;
    if constexpr (QNNX_HAS_ARMV7EM_DSP) a = saturate_unsigned<8 + bits>(a);
    else a = a > most ? most : a;
    return ((between<bits>(table.data() + (a >> bits), a & ((1 << bits) - 1), 0) ^ sign) + add) >> down;
  }
  static QNNX_INLINE void run(const std::int16_t* x, std::int16_t* y, std::int32_t n, std::int32_t factor, std::int32_t shift) {
    const std::int32_t half = shift > 0 ? 1 << (shift - 1) : 0;
    for (; n > 0; --n) *y++ = static_cast<std::int16_t>(at(*x++, factor, half, shift));
  }
};

template <class Op>
struct interpolated_kernel : answers_as<Op> {
  using params = typename answers_as<Op>::params;
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::s16(types::s16)>;

  static constexpr float most_scale = 4.0f;  // of the input: up to here x * factor + half fits 32 bits

  static constexpr bool is_tanh(const params& p) { return reference::neuron(p).operation == op::neuron::tanh; }
  /// Whether TFLite's kernels compute a node of signed 16 bits.
  static constexpr bool is_tflite(const params& p, const quant& x, const quant& y, rounding_mode r) {
    const op::neuron n = reference::neuron(p).operation;
    return r == rounding_mode::tflite && (n == op::neuron::sigmoid || n == op::neuron::tanh) && x.offset == 0 && y.offset == 0 &&
           y.scale == 1.0f / 32768;
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return f.c.out(0).type == dtype::sfixed_16 && is_tflite(p, f.in[0], f.out[0], f.rounding) && f.in[0].scale < most_scale;
  }
  template <class Call>
  static bool takes_call(const Call& c) {
    const quant& x = c.s.inputs[0].q;
    return is_tflite(c.params(), x, c.s.outputs[0].q, c.rounding().mode()) && x.scale < most_scale;
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) { return takes(f, p) ? 2 : 0; }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding, std::int32_t* out) {
    if (!takes(f, p)) return;
    const tflite::curve_scale s(f.in[0].scale, is_tanh(p));
    out[0] = s.factor;
    out[1] = s.shift;
  }

  template <template <bool> class Curve = interpolated_curve, class Call>
  static void run(const Call& c) {
    if (is_tanh(c.params())) all<Curve<true>>(c);
    else all<Curve<false>>(c);
  }

 private:
  template <class Curve, class Call>
  static QNNX_INLINE void all(const Call& c) {
    Curve::run(c.template in<0>().data, c.out().data, static_cast<std::int32_t>(c.out().size()), c.constants()[0], c.constants()[1]);
  }
};

}  // namespace dsp

#if QNNX_HAS_DSP_KERNELS
template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::armv7em_dsp_general> : dsp::interpolated_kernel<Op> {};
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel
