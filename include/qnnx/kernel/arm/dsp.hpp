// SPDX-License-Identifier: Apache-2.0
#pragma once
// Instructions of the DSP extension (Armv7E-M, Armv8-M), by name, on 32-bit words that hold two 16-bit or four 8-bit
// lanes. On other machines the same functions are written out, so that the kernels' bits can be tested on a host.
// Layer 5a.

#include <cstdint>
#include <cstring>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

using word = std::uint32_t;

/// x * y in two words: of four products of halves where the processor multiplies words to words.
struct long_product {
  std::int32_t high;
  word low;
};
constexpr long_product multiply_long(std::int32_t x, std::int32_t y) {
  if constexpr (QNNX_HAS_LONG_MULTIPLY) {
    const std::int64_t p = static_cast<std::int64_t>(x) * y;
    return {static_cast<std::int32_t>(p >> 32), static_cast<word>(p & 0xffffffff)};
  }
  const std::int32_t xl = x & 0xffff, yl = y & 0xffff, xh = x >> 16, yh = y >> 16;
  const word low = static_cast<word>(xl) * static_cast<word>(yl);
  const std::int32_t first = xh * yl + static_cast<std::int32_t>(low >> 16);
  const std::int32_t second = xl * yh + (first & 0xffff);
  return {xh * yh + (first >> 16) + (second >> 16), (static_cast<word>(second) << 16) | (low & 0xffffu)};
}

#if QNNX_HAS_DSP_INSTRUCTIONS

/// Bytes 0 and 2 (after a rotation: 1 and 3) extended to two 16-bit lanes.
QNNX_INLINE word sxtb16(word x) {
  word r;
  asm("sxtb16 %0, %1" : "=r"(r) : "r"(x));
  return r;
}
QNNX_INLINE word sxtb16_ror8(word x) {
  word r;
  asm("sxtb16 %0, %1, ror #8" : "=r"(r) : "r"(x));
  return r;
}
QNNX_INLINE word uxtb16(word x) {
  word r;
  asm("uxtb16 %0, %1" : "=r"(r) : "r"(x));
  return r;
}
QNNX_INLINE word uxtb16_ror8(word x) {
  word r;
  asm("uxtb16 %0, %1, ror #8" : "=r"(r) : "r"(x));
  return r;
}
/// a + x.low * y.low + x.high * y.high, modulo 2^32.
QNNX_INLINE std::int32_t smlad(word x, word y, std::int32_t a) {
  asm("smlad %0, %1, %2, %0" : "+r"(a) : "r"(x), "r"(y));
  return a;
}
/// x.low * y.low + x.high * y.high, modulo 2^32.
QNNX_INLINE std::int32_t smuad(word x, word y) {
  std::int32_t r;
  asm("smuad %0, %1, %2" : "=r"(r) : "r"(x), "r"(y));
  return r;
}
/// a + x.low * y.high, modulo 2^32.
QNNX_INLINE std::int32_t smlabt(word x, word y, std::int32_t a) {
  asm("smlabt %0, %1, %2, %0" : "+r"(a) : "r"(x), "r"(y));
  return a;
}
/// a + x.high * y.low, modulo 2^32.
QNNX_INLINE std::int32_t smlatb(word x, word y, std::int32_t a) {
  asm("smlatb %0, %1, %2, %0" : "+r"(a) : "r"(x), "r"(y));
  return a;
}
/// a + round(x * y / 2^32), half up.
QNNX_INLINE std::int32_t smmlar(std::int32_t x, std::int32_t y, std::int32_t a) {
  std::int32_t r;
  asm("smmlar %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(a));
  return r;
}
/// a + round(-x * y / 2^32), half up.
QNNX_INLINE std::int32_t smmlsr(std::int32_t x, std::int32_t y, std::int32_t a) {
  std::int32_t r;
  asm("smmlsr %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(a));
  return r;
}
/// a + floor(x * y / 2^32).
QNNX_INLINE std::int32_t smmla(std::int32_t x, std::int32_t y, std::int32_t a) {
  std::int32_t r;
  asm("smmla %0, %1, %2, %3" : "=r"(r) : "r"(x), "r"(y), "r"(a));
  return r;
}
/// low.low, high.low << 16
QNNX_INLINE word pkhbt16(word low, word high) {
  word r;
  asm("pkhbt %0, %1, %2, lsl #16" : "=r"(r) : "r"(low), "r"(high));
  return r;
}
/// low.high, high.high << 16
QNNX_INLINE word pkhtb16(word low, word high) {
  word r;
  asm("pkhtb %0, %1, %2, asr #16" : "=r"(r) : "r"(high), "r"(low));
  return r;
}
/// The larger, or the smaller, of each pair of lanes of 8 or 16 bits.
template <int Bits, bool Signed, bool Larger>
QNNX_INLINE word pick_lanes(word a, word b) {
  word r;
  if constexpr (!Larger) {
    if constexpr (Bits == 8 && Signed)
      asm("ssub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b));
    else if constexpr (Bits == 8)
      asm("usub8 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b));
    else if constexpr (Signed)
      asm("ssub16 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b));
    else
      asm("usub16 %0, %1, %2\n\tsel %0, %2, %1" : "=&r"(r) : "r"(a), "r"(b));
  } else {
    if constexpr (Bits == 8 && Signed)
      asm("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b));
    else if constexpr (Bits == 8)
      asm("usub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b));
    else if constexpr (Signed)
      asm("ssub16 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b));
    else
      asm("usub16 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(r) : "r"(a), "r"(b));
  }
  return r;
}
template <bool Signed>
QNNX_INLINE std::int32_t saturate8(std::int32_t x) {
  std::int32_t r;
  if constexpr (Signed)
    asm("ssat %0, #8, %1" : "=r"(r) : "r"(x));
  else
    asm("usat %0, #8, %1" : "=r"(r) : "r"(x));
  return r;
}
template <bool Signed>
QNNX_INLINE std::int32_t saturate16(std::int32_t x) {
  std::int32_t r;
  if constexpr (Signed)
    asm("ssat %0, #16, %1" : "=r"(r) : "r"(x));
  else
    asm("usat %0, #16, %1" : "=r"(r) : "r"(x));
  return r;
}
/// x in 0..2^Bits - 1.
template <int Bits>
QNNX_INLINE std::int32_t saturate_unsigned(std::int32_t x) {
  std::int32_t r;
  asm("usat %0, #%c[bits], %1" : "=r"(r) : "r"(x), [bits] "i"(Bits));
  return r;
}

#else

namespace detail {
constexpr word lanes(std::int32_t low, std::int32_t high) {
  return (static_cast<word>(low) & 0xffffu) | (static_cast<word>(high) << 16);
}
constexpr std::int32_t low(word x) {
  return static_cast<std::int16_t>(x & 0xffffu);
}
constexpr std::int32_t high(word x) {
  return static_cast<std::int16_t>(x >> 16);
}
constexpr std::int32_t wrap(std::int64_t x) {
  return static_cast<std::int32_t>(static_cast<word>(x & 0xffffffff));
}
}  // namespace detail

constexpr word sxtb16(word x) {
  return detail::lanes(static_cast<std::int8_t>(x & 0xffu), static_cast<std::int8_t>((x >> 16) & 0xffu));
}
constexpr word sxtb16_ror8(word x) {
  return sxtb16(x >> 8);
}
constexpr word uxtb16(word x) {
  return x & 0x00ff00ffu;
}
constexpr word uxtb16_ror8(word x) {
  return (x >> 8) & 0x00ff00ffu;
}
constexpr std::int32_t smlad(word x, word y, std::int32_t a) {
  return detail::wrap(std::int64_t{a} + detail::low(x) * detail::low(y) +
                      std::int64_t{detail::high(x)} * detail::high(y));
}
constexpr std::int32_t smuad(word x, word y) {
  return smlad(x, y, 0);
}
template <int Bits>
constexpr std::int32_t saturate_unsigned(std::int32_t x) {
  constexpr std::int32_t most = (std::int32_t{1} << Bits) - 1;
  return x < 0 ? 0 : x > most ? most : x;
}
constexpr std::int32_t smlabt(word x, word y, std::int32_t a) {
  return detail::wrap(std::int64_t{a} + detail::low(x) * detail::high(y));
}
constexpr std::int32_t smlatb(word x, word y, std::int32_t a) {
  return detail::wrap(std::int64_t{a} + detail::high(x) * detail::low(y));
}
constexpr std::int32_t smmlar(std::int32_t x, std::int32_t y, std::int32_t a) {
  if constexpr (QNNX_HAS_LONG_MULTIPLY)
    return detail::wrap(a + ((static_cast<std::int64_t>(x) * y + 0x80000000LL) >> 32));
  const long_product p = multiply_long(x, y);
  return static_cast<std::int32_t>(static_cast<word>(p.high) + (p.low >> 31) + static_cast<word>(a));
}
constexpr std::int32_t smmlsr(std::int32_t x, std::int32_t y, std::int32_t a) {
  if constexpr (QNNX_HAS_LONG_MULTIPLY)
    return detail::wrap(a + ((0x80000000LL - static_cast<std::int64_t>(x) * y) >> 32));
  const long_product p = multiply_long(x, y);
  return static_cast<std::int32_t>(static_cast<word>(a) - static_cast<word>(p.high) - (p.low > 0x80000000u ? 1u : 0u));
}
constexpr std::int32_t smmla(std::int32_t x, std::int32_t y, std::int32_t a) {
  return static_cast<std::int32_t>(static_cast<word>(multiply_long(x, y).high) + static_cast<word>(a));
}
constexpr word pkhbt16(word low, word high) {
  return (low & 0xffffu) | (high << 16);
}
template <int Bits, bool Signed, bool Larger>
constexpr word pick_lanes(word a, word b) {
  constexpr word mask = (word{1} << Bits) - 1, turn = Signed ? word{1} << (Bits - 1) : 0;  // signs turned over: unsigned order
  word r = 0;
  for (int at = 0; at < 32; at += Bits) {
    const word x = (a >> at) & mask, y = (b >> at) & mask;
    r |= (((x ^ turn) >= (y ^ turn)) == Larger ? x : y) << at;
  }
  return r;
}
constexpr word pkhtb16(word low, word high) {
  return (low >> 16) | (high & 0xffff0000u);
}
#if QNNX_HAS_ARMV7M_ASSEMBLY
template <bool Signed>
QNNX_INLINE std::int32_t saturate8(std::int32_t x) {
  std::int32_t r;
  if constexpr (Signed)
    asm("ssat %0, #8, %1" : "=r"(r) : "r"(x));
  else
    asm("usat %0, #8, %1" : "=r"(r) : "r"(x));
  return r;
}
#else
template <bool Signed>
constexpr std::int32_t saturate8(std::int32_t x) {
  constexpr std::int32_t lo = Signed ? -128 : 0;
  constexpr std::int32_t hi = Signed ? 127 : 255;
  return x < lo ? lo : (x > hi ? hi : x);
}
#endif
template <bool Signed>
constexpr std::int32_t saturate16(std::int32_t x) {
  constexpr std::int32_t lo = Signed ? -32768 : 0;
  constexpr std::int32_t hi = Signed ? 32767 : 65535;
  return x < lo ? lo : (x > hi ? hi : x);
}

#endif

/// The same value, of which the compiler knows nothing.
QNNX_INLINE std::int32_t hidden(std::int32_t x) {
  asm("" : "+r"(x));
  return x;
}
/// Four bytes as they lie in memory (these cores load words from any address).
QNNX_INLINE word load_word(const void* p) {
  word w;
  std::memcpy(&w, p, 4);
  return w;
}
/// Lanes of bytes 0, 2 and of bytes 1, 3, extended by the data's sign.
template <bool Signed>
QNNX_INLINE word even_bytes(word x) {
  if constexpr (Signed)
    return sxtb16(x);
  else
    return uxtb16(x);
}
template <bool Signed>
QNNX_INLINE word odd_bytes(word x) {
  if constexpr (Signed)
    return sxtb16_ror8(x);
  else
    return uxtb16_ror8(x);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
