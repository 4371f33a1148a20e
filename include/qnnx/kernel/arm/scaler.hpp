// SPDX-License-Identifier: Apache-2.0
#pragma once
// requantize() by one multiplier for a whole run, in six to nine instructions and without its bounds; the same bits.
//   tflite   h = round(2 (x << left') m / 2^32), divided by a power of two, ties away from zero (not where the power is 1;
//            arm/finish.hpp has the reason that the sum's sign serves); wide numbers are negated, and their product is
//            subtracted: twice -2^30 fits 32 bits, twice 2^30, a product of 16-bit numbers, does not
//   half_up  floor((floor(x' f / 2^32) + half) / 2^shift), x' f = x M 2^(32 + shift): the lower word does not matter
//   rne      the upper word + half - 1, and 1 more where the lower word or the lowest kept bit is not 0; with an FPU
//            and numbers below 2^24 one fused multiply-add with 1.5 * 2^23, which rounds the exact product
// The zero point is added before the shift. A multiplier of 1 leaves x. Layer 5a.

#include <bit>

#include "qnnx/kernel/arm/dsp.hpp"
#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/epilogue.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

/// The float of a multiplier made for rne, exactly.
constexpr float exact_float(multiplier m) {
  const int e = m.exponent + 150;
  return m.mantissa == 0 || e <= 0 || e >= 255
             ? 0.0f
             : std::bit_cast<float>((static_cast<std::uint32_t>(m.mantissa) & 0x7fffffu) | static_cast<std::uint32_t>(e) << 23);
}

/// Wide: numbers from 2^24 on, which are no floats; above -largest under tflite.
template <bool Wide>
struct scaler {
  static constexpr bool by_float = QNNX_HAS_ARMV7EM_DSP && !Wide;  // these cores have an FPU

  std::int32_t factor = 0;
  std::int32_t add = 0;
  std::int32_t shift = 0;
  std::int32_t left = 0;
  std::int32_t sign = 0;
  bool fits = false;  // |x| <= largest gives the reference's results

  constexpr scaler() = default;
  template <class Rounding>
  constexpr scaler(multiplier m, std::int32_t zero, std::int64_t largest, Rounding r) {
    if (m.mantissa <= 0 || largest >= (std::int64_t{1} << 31)) return;
    if (r.mode() == rounding_mode::tflite) {
      if (m.exponent > 15 || m.exponent < -30) return;
      left = 1 + (m.exponent > 0 ? m.exponent : 0);
      shift = m.exponent < 0 ? -m.exponent : 0;
      sign = shift > 0 ? -1 : 0;
      factor = m.mantissa;
      set_add(zero, shift > 0 ? std::int64_t{1} << (shift - 1) : 0, Wide ? largest - 1 : largest);
      return;
    }
    if (by_float && r.mode() == rounding_mode::rne) {
      const float f = exact_float(m);
      factor = std::bit_cast<std::int32_t>(f);
      add = zero - std::bit_cast<std::int32_t>(magic);
      fits = f > 0 && largest < (1 << 24) && static_cast<double>(f) * static_cast<double>(largest) < 4194304.0;
      return;
    }
    shift = -m.exponent - 25;
    if (shift < 1) left = 1 - shift, shift = 1;
    if (shift > 30 || left > 20) return;
    factor = m.mantissa * 128;
    set_add(zero, (std::int64_t{1} << (shift - 1)) - (r.mode() == rounding_mode::rne ? 1 : 0), largest);
  }

  template <class Rounding>
  QNNX_INLINE std::int32_t operator()(std::int32_t x, Rounding r) const {
    if (r.mode() == rounding_mode::tflite) {
      if constexpr (Wide) return (smmlsr(static_cast<std::int32_t>(-(static_cast<word>(x) << left)), factor, add) + ((x >> 31) & sign)) >> shift;
      else return (smmlar(x << left, factor, add) + ((x >> 31) & sign)) >> shift;
    }
    if (r.mode() == rounding_mode::half_up) return smmla(x << left, factor, add) >> shift;
    if constexpr (by_float)
      return std::bit_cast<std::int32_t>(__builtin_fmaf(static_cast<float>(x), std::bit_cast<float>(factor), magic)) + add;
    const long_product p = multiply_long(x << left, factor);
    const word odd = static_cast<word>(p.high >> shift) & 1u;
    return (p.high + add + ((p.low | odd) != 0 ? 1 : 0)) >> shift;
  }

 private:
  static constexpr float magic = 12582912.0f;
  constexpr void set_add(std::int32_t zero, std::int64_t half, std::int64_t largest) {
    const std::int64_t wide = largest * (std::int64_t{1} << left), zeros = zero * (std::int64_t{1} << shift);
    const std::int64_t high = (wide >> 32) * factor + ((wide & 0xffffffff) * factor >> 32) + 2;
    add = static_cast<std::int32_t>(half + zeros);
    fits = wide < (std::int64_t{1} << 31) && high + half + (zeros < 0 ? -zeros : zeros) < (std::int64_t{1} << 31) - 2;
  }
};

/// Whether a multiplier leaves every number as it is.
template <class Rounding>
constexpr bool is_one(multiplier m, Rounding r) {
  const multiplier one = make_multiplier(1.0, r);
  return m.mantissa == one.mantissa && m.exponent == one.exponent;
}

/// The largest magnitude of a number of type t with its offset added.
constexpr std::int64_t largest_centred(dtype t, std::int32_t offset) {
  const std::int64_t low = min_value(t) + std::int64_t{offset}, high = max_value(t) + std::int64_t{offset};
  return -low > high ? -low : high;
}

/// The part of a kernel that bounds its outputs.
constexpr unsigned bounds_part(dtype t, std::int32_t lo, std::int32_t hi) {
  return bit(lo <= min_value(t) && hi >= max_value(t) ? code_part::whole_range : code_part::bounded);
}
/// Saturates to a type of 8 or 16 bits; with bounds inside its range to those.
template <class T>
struct bounder {
  std::int32_t lo, hi;
  static constexpr auto least = static_cast<std::int32_t>(min_value(T::code)), most = static_cast<std::int32_t>(max_value(T::code));
  constexpr bool whole_range() const { return lo <= least && hi >= most; }
  QNNX_INLINE std::int32_t operator()(std::int32_t q) const {
    q = q < lo ? lo : q;
    return q > hi ? hi : q;
  }
  static QNNX_INLINE std::int32_t saturate(std::int32_t q) {
    if constexpr (bits_of(T::code) == 8) return saturate8<is_signed_fixed(T::code)>(q);
    else return saturate16<is_signed_fixed(T::code)>(q);
  }
  /// f(how to bound): out of the forms that the model needs.
  template <class F>
  QNNX_INLINE void with_form(F&& f) const {
    if (needs<code_part::whole_range> && (!needs<code_part::bounded> || whole_range())) f([](std::int32_t q) { return saturate(q); });
    else if constexpr (needs<code_part::bounded>) f(*this);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
