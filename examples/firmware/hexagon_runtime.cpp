// SPDX-License-Identifier: Apache-2.0
// The arithmetic that clang calls by name on Hexagon, which Debian has no runtime library for: integer division,
// division of doubles (round to nearest even), and copies of aligned words. Written for clarity; hot loops do not divide.
#include <cstdint>

namespace {

template <class U>
struct divided {
  U quotient = 0;
  U remainder = 0;
};

int leading_zeros(std::uint32_t a) { return __builtin_clz(a); }
int leading_zeros(std::uint64_t a) { return __builtin_clzll(a); }

/// Long division, a bit of the quotient at a time. By 0: all ones, as the hardware of other processors.
template <class U>
divided<U> divide(U a, U b) {
  if (b == 0) return {static_cast<U>(~U{0}), a};
  if (a < b) return {0, a};
  int shift = leading_zeros(b) - leading_zeros(a);
  U quotient = 0;
  for (U part = static_cast<U>(b << shift); shift >= 0; --shift, part >>= 1) {
    quotient = static_cast<U>(quotient << 1);
    if (a >= part) a = static_cast<U>(a - part), quotient |= 1;
  }
  return {quotient, a};
}
template <class U, class S>
U magnitude(S a) {
  return a < 0 ? U{0} - static_cast<U>(a) : static_cast<U>(a);
}
template <class U, class S>
S quotient(S a, S b) {
  const U q = divide<U>(magnitude<U>(a), magnitude<U>(b)).quotient;
  return static_cast<S>((a < 0) != (b < 0) ? U{0} - q : q);
}
template <class U, class S>
S remainder(S a, S b) {
  const U r = divide<U>(magnitude<U>(a), magnitude<U>(b)).remainder;
  return static_cast<S>(a < 0 ? U{0} - r : r);
}

struct number {  // value = mantissa * 2^(exponent - 52), mantissa in [2^52, 2^53) or 0
  std::uint64_t mantissa = 0;
  int exponent = 0;
};
number unpack(std::uint64_t bits) {
  const int e = static_cast<int>((bits >> 52) & 0x7ff);
  std::uint64_t m = bits & ((std::uint64_t{1} << 52) - 1);
  if (e != 0) return {m | (std::uint64_t{1} << 52), e - 1023};
  if (m == 0) return {};
  int shift = 0;
  while (!(m >> 52)) {
    m <<= 1;
    ++shift;
  }
  return {m, -1022 - shift};
}

}  // namespace

extern "C" {
std::int32_t __hexagon_divsi3(std::int32_t a, std::int32_t b) { return quotient<std::uint32_t>(a, b); }
std::int32_t __hexagon_modsi3(std::int32_t a, std::int32_t b) { return remainder<std::uint32_t>(a, b); }
std::uint32_t __hexagon_udivsi3(std::uint32_t a, std::uint32_t b) { return divide(a, b).quotient; }
std::uint32_t __hexagon_umodsi3(std::uint32_t a, std::uint32_t b) { return divide(a, b).remainder; }
std::int64_t __hexagon_divdi3(std::int64_t a, std::int64_t b) { return quotient<std::uint64_t>(a, b); }
std::int64_t __hexagon_moddi3(std::int64_t a, std::int64_t b) { return remainder<std::uint64_t>(a, b); }
std::uint64_t __hexagon_udivdi3(std::uint64_t a, std::uint64_t b) { return divide(a, b).quotient; }
std::uint64_t __hexagon_umoddi3(std::uint64_t a, std::uint64_t b) { return divide(a, b).remainder; }

double __hexagon_divdf3(double a, double b) {
  const auto x = __builtin_bit_cast(std::uint64_t, a);
  const auto y = __builtin_bit_cast(std::uint64_t, b);
  const std::uint64_t sign = (x ^ y) & (std::uint64_t{1} << 63);
  const std::uint64_t infinity = std::uint64_t{0x7ff} << 52;
  const std::uint64_t ax = x & ~(std::uint64_t{1} << 63);
  const std::uint64_t ay = y & ~(std::uint64_t{1} << 63);
  if (ax > infinity || ay > infinity || (ax == infinity && ay == infinity) || (ax == 0 && ay == 0))
    return __builtin_bit_cast(double, infinity | (std::uint64_t{1} << 51));
  if (ax == infinity || ay == 0) return __builtin_bit_cast(double, sign | infinity);
  if (ax == 0 || ay == infinity) return __builtin_bit_cast(double, sign);
  const number n = unpack(ax);
  const number d = unpack(ay);
  // 55 bits of quotient and a sticky one; the first step tells whether the quotient begins at 1 or at 1/2.
  int exponent = n.exponent - d.exponent;
  std::uint64_t rest = n.mantissa;
  if (rest < d.mantissa) {
    rest <<= 1;
    --exponent;
  }
  std::uint64_t q = 0;
  for (int i = 0; i < 55; ++i) {
    q <<= 1;
    if (rest >= d.mantissa) {
      rest -= d.mantissa;
      q |= 1;
    }
    rest <<= 1;
  }
  q = (q << 1) | (rest != 0);  // the leading bit at 55, three below the last kept one
  int drop = 3;
  if (exponent < -1022) drop += -1022 - exponent > 56 ? 56 : -1022 - exponent;
  const std::uint64_t half = std::uint64_t{1} << (drop - 1);
  const std::uint64_t tail = q & ((half << 1) - 1);
  std::uint64_t m = q >> drop;
  if (tail > half || (tail == half && (m & 1))) ++m;
  if (exponent >= -1022) m += static_cast<std::uint64_t>(exponent + 1022) << 52;  // carries run into the exponent
  if (m >= infinity) m = infinity;
  return __builtin_bit_cast(double, sign | m);
}

/// Copies n bytes, a multiple of eight and at least 32, mostly from and to multiples of eight.
void __hexagon_memcpy_likely_aligned_min32bytes_mult8bytes(void* to, const void* from, std::uint32_t n) {
  auto* t = static_cast<volatile unsigned char*>(to);  // volatile: not compiled into a call of a copy
  const auto* f = static_cast<const unsigned char*>(from);
  if ((reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from)) % 8 != 0) {
    for (std::uint32_t i = 0; i < n; ++i) t[i] = f[i];
    return;
  }
  for (std::uint32_t i = 0; i < n; i += 8) {
    std::uint64_t word = 0;
    __builtin_memcpy(&word, __builtin_assume_aligned(f + i, 8), 8);
    *reinterpret_cast<volatile std::uint64_t*>(t + i) = word;
  }
}
}
