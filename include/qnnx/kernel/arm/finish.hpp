// SPDX-License-Identifier: Apache-2.0
#pragma once
// From a 32-bit sum to an 8-bit output in five to eight instructions; the same bits as requantize().
//   tflite        h = round(2 acc * m / 2^32) is the doubling high multiply; adding acc >> 31 (-1 for negative sums)
//                 and half of 2^shift before the shift rounds ties away from zero. A negative acc whose h is 0 may be
//                 treated as negative: half - 1 shifts to 0 as well. The zero point is in `add`, shifted left.
//   tflite, once  floor(floor(acc * m / 2^32) + add) >> shift: one rounding, half up (fully connected layers)
//   rne           one fused multiply-add with 1.5 * 2^23 rounds the exact product (2^-16 <= M < 2^8, all |sum * M| < 2^22)
// What the packed head of a channel holds depends on the policy; channels outside the ranges above make the whole node
// take the general form. Layer 5a.

#include <bit>
#include <type_traits>

#include "qnnx/kernel/arm/dsp.hpp"
#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/epilogue.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

/// What a channel needs beside its weights, in the packed form.
struct channel_head {
  std::int32_t bias = 0;    // with the zero point of the data folded in
  std::int32_t factor = 0;  // tflite: Q31 mantissa; rne: bits of the float; general: mantissa
  std::int32_t add = 0;     // tflite: see above; rne: zero point less the bits of 1.5 * 2^23; general: exponent
  std::int32_t shift = 0;
};

/// The float of a multiplier made for rne.
constexpr float as_float(multiplier m) {
  float value = static_cast<float>(m.mantissa);
  for (int k = m.exponent; k < 0 && value > 0; ++k) value *= 0.5f;
  for (int k = 0; k < m.exponent && value < 0x1p30f; ++k) value *= 2.0f;
  return value;
}
/// A channel as the packer knows it: |sum - bias| <= spread.
struct channel_facts {
  multiplier m;
  std::int32_t bias = 0;
  std::int64_t spread = 0;
  std::int32_t zero = 0;

  constexpr std::int64_t largest() const { return spread + (bias < 0 ? -std::int64_t{bias} : std::int64_t{bias}); }
  template <bool Once, bool Signed, class Rounding>
  constexpr std::int32_t output(std::int64_t sum, Rounding r) const {
    const auto acc = static_cast<std::int32_t>(sum);
    const std::int64_t q = Once ? scale_accumulator_once(acc, m, r) : scale_accumulator(acc, m, r);
    return static_cast<std::int32_t>(clamp<std::int64_t>(q + zero, Signed ? -128 : 0, Signed ? 127 : 255));
  }
  /// Whether all sums have one output: dead channels, with zero weights and multipliers out of all proportion.
  template <bool Once, bool Signed, class Rounding>
  constexpr bool is_constant(Rounding r) const {
    return largest() < (std::int64_t{1} << 31) &&
           output<Once, Signed>(bias - spread, r) == output<Once, Signed>(bias + spread, r);
  }
  template <bool Once, bool Signed, class Rounding>
  constexpr bool fits_fast(Rounding r) const {
    if (r.mode() == rounding_mode::half_up) return false;
    if (is_constant<Once, Signed>(r)) return true;
    if (r.mode() == rounding_mode::rne)
      return as_float(m) >= 0x1p-16f && as_float(m) < 0x1p8f &&
             static_cast<double>(largest()) * static_cast<double>(as_float(m)) < 4194304.0;
    const int e = -m.exponent;
    if (e < (Once ? 2 : 1) || e > 30 || largest() >= (std::int64_t{1} << 30)) return false;
    return largest() + (std::int64_t{1} << (e - 1)) + (zero < 0 ? -zero : zero) * (std::int64_t{1} << e) <
           (std::int64_t{1} << 31);
  }
  template <bool Once, bool Signed, class Rounding>
  constexpr channel_head head(Rounding r, bool fast) const {
    if (!fast) return {bias, m.mantissa, m.exponent, 0};
    const bool constant = is_constant<Once, Signed>(r);
    const std::int32_t value = constant ? output<Once, Signed>(bias, r) : zero;
    if (r.mode() == rounding_mode::rne)
      return {bias, constant ? 0 : std::bit_cast<std::int32_t>(as_float(m)),
              value - std::bit_cast<std::int32_t>(12582912.0f), 0};
    if (constant) return {bias, 0, 2 * value + 1, 1};
    const int shift = -m.exponent - (Once ? 1 : 0);
    return {bias, m.mantissa, (1 << (shift - 1)) + zero * (1 << shift), shift};
  }
};

/// The output of one sum in the node's fast form; saturated to the 8-bit range.
template <bool Signed, bool Once, class Rounding>
QNNX_INLINE std::int32_t finish_fast(std::int32_t acc, const channel_head& h, Rounding r) {
  if (r.mode() == rounding_mode::tflite) {
    if constexpr (Once)
      return saturate8<Signed>(smmla(acc, h.factor, h.add) >> h.shift);
    else
      return saturate8<Signed>((smmlar(acc * 2, h.factor, h.add) + (acc >> 31)) >> h.shift);
  }
  const float q = __builtin_fmaf(static_cast<float>(acc), std::bit_cast<float>(h.factor), 12582912.0f);
  return saturate8<Signed>(std::bit_cast<std::int32_t>(q) + h.add);
}

/// The same for any multiplier and policy.
template <bool Once, class Rounding>
QNNX_NOINLINE std::int32_t finish_general(std::int32_t acc, multiplier m, std::int32_t zero, std::int32_t lo,
                                          std::int32_t hi, Rounding r) {
  if constexpr (Once)
    return static_cast<std::int32_t>(clamp<std::int64_t>(scale_accumulator_once(acc, m, r) + zero, lo, hi));
  else
    return requantize(acc, m, zero, lo, hi, r);
}

/// Beginning of a node's packed operands.
struct node_head {
  std::int32_t fast = 0;
  std::int32_t undivided = 0;  // fully connected: sums of the whole depth fit (arm/dense.hpp)
  std::int32_t window[2] = {};     // convolutions: rows, columns
};

/// How the outputs of a node are finished.
template <bool Signed, bool Once, class Rounding>
struct finisher {
  Rounding r;
  std::int32_t lo = 0;
  std::int32_t hi = 0;
  std::int32_t zero = 0;

  bool whole_range() const { return lo <= (Signed ? -128 : 0) && hi >= (Signed ? 127 : 255); }
  /// Form: 0 fast over the whole range, 1 fast with bounds, 2 general.
  template <int Form>
  QNNX_INLINE std::int32_t operator()(std::int32_t acc, const channel_head& h) const {
    if constexpr (Form == 2) return finish_general<Once>(acc, multiplier{h.factor, h.add}, zero, lo, hi, r);
    const std::int32_t q = finish_fast<Signed, Once>(acc, h, r);
    if constexpr (Form == 0) return q;
    const std::int32_t up = q < lo ? lo : q;
    return up > hi ? hi : up;
  }
};

/// Calls f(std::integral_constant<int, form>) with the form of a node, out of those that the model needs.
template <class Finisher, class F>
QNNX_INLINE void with_form(const Finisher& done, const std::byte* packed, F&& f) {
  const bool fast = reinterpret_cast<const node_head*>(packed)->fast != 0;
  const int form = !fast ? 2 : done.whole_range() ? 0 : 1;
  if constexpr ((config::packed_forms & 4u) != 0)
    if (form == 2) return f(std::integral_constant<int, 2>{});
  if constexpr ((config::packed_forms & 2u) != 0)
    if (form == 1) return f(std::integral_constant<int, 1>{});
  if constexpr ((config::packed_forms & 1u) != 0) f(std::integral_constant<int, 0>{});
}

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
