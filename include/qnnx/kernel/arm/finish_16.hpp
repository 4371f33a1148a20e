// SPDX-License-Identifier: Apache-2.0
#pragma once
// From the sum of 16-bit data to a 16-bit output; the same bits as requantize() of a 64-bit sum. Where the packer proves
// that a channel's sums fit 32 bits, acc * factor (31 bits) is one multiply, and the shift is behind 32 bits of it:
//   tflite, half_up  floor((floor(acc * factor / 2^32) + half + zero 2^shift) / 2^shift): the lower word does not matter
//   rne              the upper word + half - 1, and 1 more where the lower word or the lowest kept bit is not 0
// tflite: the multiplier of convolutions has 16 bits (TFLite's 16x8 path), that of fully connected layers 31. A node
// with a channel outside of this takes the general form: 64-bit sums, the reference's functions. Layer 5a.

#include "qnnx/kernel/arm/finish.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

/// Whether a type's numbers are read as signed ones with the highest bit turned over.
constexpr std::int32_t turned_offset(dtype t) {
  return t == dtype::ufixed_16 ? 32768 : 0;
}

/// A channel of 16-bit data as the packer knows it: |sum - bias| <= spread.
struct channel_facts_16 {
  multiplier m;
  std::int64_t bias = 0;
  std::int64_t spread = 0;
  std::int32_t zero = 0;
  dtype type = dtype::sfixed_16;

  constexpr std::int64_t largest() const { return spread + (bias < 0 ? -bias : bias); }
  template <bool Once, class Rounding>
  constexpr std::int32_t output(std::int64_t sum, Rounding r) const {
    const std::int64_t q = Once ? scale_accumulator_once(sum, m, r) : scale_accumulator(sum, m, r);
    return static_cast<std::int32_t>(clamp<std::int64_t>(q + zero, min_value(type), max_value(type)));
  }
  template <bool Once, class Rounding>
  constexpr bool is_constant(Rounding r) const {
    return output<Once>(bias - spread, r) == output<Once>(bias + spread, r);
  }
  /// acc * M = acc * mantissa / 2^(32 + exponent), mantissa below 2^31.
  template <bool Once, class Rounding>
  constexpr multiplier fixed(Rounding r) const {
    if (r.mode() != rounding_mode::tflite) return {m.mantissa << 7, -m.exponent - 25};
    if constexpr (Once) return {m.mantissa, -m.exponent - 1};
    const std::int32_t reduced = m.mantissa < 0x7fff0000 ? (m.mantissa + (1 << 15)) >> 16 : 0x7fff;
    return {reduced << 15, -m.exponent - 2};
  }
  template <bool Once, class Rounding>
  constexpr bool fits_fast(Rounding r) const {
    if (largest() >= (std::int64_t{1} << 31)) return false;
    if (is_constant<Once>(r)) return true;
    const multiplier f = fixed<Once>(r);
    if (f.exponent < 1 || f.exponent > 29) return false;
    const std::int64_t high = (largest() * f.mantissa >> 32) + 1;
    return high + (std::int64_t{1} << f.exponent) + (zero < 0 ? -zero : zero) * (std::int64_t{1} << f.exponent) <
           (std::int64_t{1} << 31);
  }
  template <bool Once, class Rounding>
  constexpr channel_head head(Rounding r, bool fast) const {
    if (!fast)
      return {static_cast<std::int32_t>(static_cast<word>(bias & 0xffffffff)), m.mantissa, m.exponent,
              static_cast<std::int32_t>(bias >> 32)};
    const bool constant = is_constant<Once>(r);
    const std::int32_t value = constant ? output<Once>(bias, r) : zero;
    const multiplier f = constant ? multiplier{0, 1} : fixed<Once>(r);
    const bool even = r.mode() == rounding_mode::rne;
    return {static_cast<std::int32_t>(bias), f.mantissa,
            even ? value : (1 << (f.exponent - 1)) + value * (1 << f.exponent), f.exponent};
  }
};

/// The output of one sum in the node's fast form; rne not yet saturated to the 16-bit range.
template <class Rounding>
QNNX_INLINE std::int32_t finish_fast_16(std::int32_t acc, const channel_head& h, Rounding r) {
  if (r.mode() != rounding_mode::rne) return smmla(acc, h.factor, h.add) >> h.shift;
  const long_product p = multiply_long(acc, h.factor);
  const word low = p.low | (static_cast<word>(p.high >> h.shift) & 1u);
  const std::int32_t half = (1 << (h.shift - 1)) - 1;
  return ((p.high + half + (low != 0 ? 1 : 0)) >> h.shift) + h.add;
}
/// The same for any multiplier, policy and size of the sum.
template <bool Once, class Rounding>
QNNX_NOINLINE std::int32_t finish_general_16(std::int64_t sum, const channel_head& h, std::int32_t zero,
                                             std::int32_t lo, std::int32_t hi, Rounding r) {
  const std::int64_t bias = static_cast<std::int64_t>(h.shift) * (std::int64_t{1} << 32) + static_cast<word>(h.bias);
  const multiplier m{h.factor, h.add};
  const std::int64_t q = Once ? scale_accumulator_once(sum + bias, m, r) : scale_accumulator(sum + bias, m, r);
  return static_cast<std::int32_t>(clamp<std::int64_t>(q + zero, lo, hi));
}

/// How the 16-bit outputs of a node are finished. Forms as of `finisher`; the general one takes 64-bit sums without bias.
template <bool Signed, bool Once, class Rounding>
struct finisher_16 {
  Rounding r;
  std::int32_t lo = 0;
  std::int32_t hi = 0;
  std::int32_t zero = 0;

  bool whole_range() const { return lo <= (Signed ? -32768 : 0) && hi >= (Signed ? 32767 : 65535); }
  template <int Form>
  QNNX_INLINE std::int32_t operator()(std::int32_t acc, const channel_head& h) const {
    const std::int32_t q = finish_fast_16(acc, h, r);
    if constexpr (Form == 0) return saturate16<Signed>(q);
    const std::int32_t up = q < lo ? lo : q;
    return up > hi ? hi : up;
  }
  QNNX_INLINE std::int32_t general(std::int64_t sum, const channel_head& h) const {
    return finish_general_16<Once>(sum, h, zero, lo, hi, r);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
