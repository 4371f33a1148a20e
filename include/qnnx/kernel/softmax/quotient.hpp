// SPDX-License-Identifier: Apache-2.0
#pragma once
// The quotient of the 8-bit softmax in integers, with the bits that doubles give it:
//   round(fl(t / fl(sum * scale))), fl: to the nearest double
// fl(sum * scale) = unit * 2^exponent is made exactly. t times a 32-bit reciprocal gives the quotient with some 20 bits
// behind the point; where these are next to one half, t and (k + 1/2) unit are compared exactly, and a difference below
// half of a double's last place is a tie, as it is after the division in doubles. Layer 5a.

#include <bit>

#include "qnnx/kernel/contract.hpp"
#include "qnnx/numeric/requantize.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

struct softmax_quotient {
  static constexpr std::int64_t most_elements = 32767;  // of a row, each up to 2^30
  static constexpr bool takes_scale(float scale) { return scale >= 0x1p-16f && scale < 0x1p16f; }
  static constexpr std::int32_t beyond = 512;  // stands for all larger quotients: past any 8-bit range

  std::uint64_t unit = 0;  // 53 bits
  std::int32_t exponent = 0;
  std::uint32_t reciprocal = 0;  // 2^84 / unit
  std::int32_t shift = 0;        // t * reciprocal / 2^32 counts 2^-shift

  constexpr softmax_quotient(std::int64_t sum, float scale) {
    const multiplier m = split_float(scale);
    const auto mantissa = static_cast<std::uint32_t>(m.mantissa);
    std::uint64_t product = static_cast<std::uint64_t>(sum) * mantissa;
    exponent = m.exponent;
    if (sum >> 40) {  // beyond 64 bits: what is shifted out is kept as one bit, which serves to round as well
      const std::uint64_t low = (static_cast<std::uint64_t>(sum) & 0xff) * mantissa, rest = low & 0xff;
      product = static_cast<std::uint64_t>(sum >> 8) * mantissa + (low >> 8);
      product |= rest != 0 ? 1 : 0;
      exponent += 8;
    }
    const int more = 64 - std::countl_zero(product) - 53;
    exponent += more;
    if (more <= 0) {
      unit = product << -more;
    } else {
      unit = product >> more;
      const std::uint64_t rest = product & ((std::uint64_t{1} << more) - 1), half = std::uint64_t{1} << (more - 1);
      unit += rest > half || (rest == half && (unit & 1)) ? 1 : 0;
      if (unit >> 53) unit >>= 1, ++exponent;
    }
    reciprocal = inverse(static_cast<std::uint32_t>(unit >> 21));
    shift = 52 + exponent;
  }

  static constexpr std::uint32_t near = 4;  // more than scaled() is off
  /// t over the unit, in units of 2^-shift, +-2; t < 2^31.
  QNNX_INLINE constexpr std::uint32_t scaled(std::int32_t t) const {
    return static_cast<std::uint32_t>((std::uint64_t{static_cast<std::uint32_t>(t)} * reciprocal) >> 32);
  }
  template <class Rounding>
  QNNX_INLINE std::int32_t rounded(std::int32_t t, Rounding r) const {
    if (shift > 31) return 0;  // below 1/4
    const std::uint32_t up = scaled(t) + (1u << (shift - 1)), mask = (1u << (shift - 1)) * 2 - 1;
    if (((up + near) & mask) < 2 * near) return compared(t, static_cast<std::int32_t>((up + near) >> shift), r);
    const auto q = static_cast<std::int32_t>(up >> shift);
    return q > beyond ? beyond : q;
  }

 private:
  /// floor((2^63 - 1) / d), d >= 2^31: by three of Newton's steps, as a division of 64 bits is a few hundred instructions.
  static constexpr std::uint32_t inverse(std::uint32_t d) {
    const auto high = [](std::uint32_t a, std::uint32_t b) { return static_cast<std::uint32_t>((std::uint64_t{a} * b) >> 32); };
    std::uint32_t r = 3031741620u - high(d, 2021161080u);  // 48/17 - 32/17 d of d in [1/2, 1): 1 / d with 30 bits behind the point
    for (int i = 0; i < 3; ++i) {
      const auto off = static_cast<std::int32_t>((1u << 30) - high(d, r));
      r += static_cast<std::uint32_t>((static_cast<std::int64_t>(r) * off) >> 30);
    }
    r = r > 0x7ffffff0u ? 0xffffffe0u : 2 * r;
    std::uint64_t rest = static_cast<std::uint64_t>(INT64_MAX) - std::uint64_t{r} * d;
    for (; rest > static_cast<std::uint64_t>(INT64_MAX); rest += d) --r;
    for (; rest >= d; rest -= d) ++r;
    return r;
  }
  /// k or k - 1: on which side of k - 1/2 the quotient is.
  template <class Rounding>
  QNNX_NOINLINE constexpr std::int32_t compared(std::int32_t t, std::int32_t k, Rounding r) const {
    if (k > beyond) return beyond;
    const std::uint64_t middle = static_cast<std::uint64_t>(2 * k - 1) * unit;  // in units of 2^(exponent - 1)
    const std::uint64_t value = static_cast<std::uint64_t>(t) << (1 - exponent);
    const std::uint64_t apart = value > middle ? value - middle : middle - value;
    const int place = static_cast<int>(std::bit_width(static_cast<std::uint32_t>(k - 1))) - 1;  // of k - 1/2; -1 for 1/2
    if (apart > (unit >> (52 - place))) return value > middle ? k : k - 1;
    return r.mode() == rounding_mode::rne && (k & 1) ? k - 1 : k;
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
