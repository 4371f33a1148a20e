// SPDX-License-Identifier: Apache-2.0
#pragma once
// The functions of kernel/hexagon/instructions.hpp in plain C++, so that the kernels' bits can be tested on a host and
// weights packed there. test/firmware/hvx_instructions.py compares both. Layer 5a.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "qnnx/config.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel::hvx {

inline constexpr std::int32_t vector_bytes = 128;
inline constexpr std::int32_t lanes = 32;  // words of a vector

struct vec {
  std::int32_t w[lanes] = {};
};
struct bytes {
  std::uint8_t b[vector_bytes] = {};
  bytes() = default;
  explicit bytes(const vec& v) { std::memcpy(b, &v, sizeof b); }
  operator vec() const {
    vec v;
    std::memcpy(&v, b, sizeof b);
    return v;
  }
};
template <class F>
vec words(F&& f) {
  vec v;
  for (int i = 0; i < lanes; ++i) v.w[i] = static_cast<std::int32_t>(f(i));
  return v;
}
template <class F>
vec each_byte(F&& f) {
  bytes v;
  for (int i = 0; i < vector_bytes; ++i) v.b[i] = static_cast<std::uint8_t>(f(i));
  return v;
}
constexpr std::uint32_t bits(std::int32_t x) {
  return static_cast<std::uint32_t>(x);
}
constexpr std::int64_t wide(std::int32_t x) {
  return x;
}

inline vec load_part(const void* p, std::int32_t n) {
  vec v;
  std::memcpy(&v, p, static_cast<std::size_t>(n & 255));
  return v;
}
inline void store_part(void* p, const vec& v, std::int32_t n) {
  std::memcpy(p, &v, static_cast<std::size_t>(n & 255));
}
inline vec load(const void* p) {
  return load_part(p, vector_bytes);
}
inline void store(void* p, const vec& v) {
  store_part(p, v, vector_bytes);
}
inline vec rotate(const vec& v, std::int32_t n) {
  const bytes x(v);
  return each_byte([&](int i) { return x.b[(i + n) & 127]; });
}
inline vec zeros() {
  return {};
}
inline vec splat(std::int32_t x) {
  return words([&](int) { return x; });
}
inline vec add(const vec& a, const vec& b) {
  return words([&](int i) { return bits(a.w[i]) + bits(b.w[i]); });
}
inline vec bit_and(const vec& a, const vec& b) {
  return words([&](int i) { return a.w[i] & b.w[i]; });
}
inline vec bit_or(const vec& a, const vec& b) {
  return words([&](int i) { return a.w[i] | b.w[i]; });
}
inline vec bit_xor(const vec& a, const vec& b) {
  return words([&](int i) { return a.w[i] ^ b.w[i]; });
}
inline vec shift_left(const vec& a, std::int32_t n) {
  return words([&](int i) { return bits(a.w[i]) << n; });
}
inline vec shift_right(const vec& a, std::int32_t n) {
  return words([&](int i) { return a.w[i] >> n; });
}
inline vec shift_right_each(const vec& a, const vec& n) {
  return words([&](int i) { return a.w[i] >> (n.w[i] & 31); });
}
template <bool Signed>
vec dot(const vec& sums, const vec& data, const vec& weights) {
  const bytes x(data), k(weights);
  return words([&](int i) {
    std::uint32_t s = bits(sums.w[i]);
    for (int j = 4 * i; j < 4 * i + 4; ++j)
      s += bits((Signed ? static_cast<std::int8_t>(x.b[j]) : std::int32_t{x.b[j]}) * static_cast<std::int8_t>(k.b[j]));
    return s;
  });
}
inline vec multiply_rounded(const vec& a, const vec& m) {
  return words([&](int i) { return (wide(a.w[i]) * m.w[i] + (1 << 30)) >> 31; });
}
inline vec multiply_floor(const vec& a, const vec& m) {
  return words([&](int i) { return (wide(a.w[i]) * m.w[i]) >> 31; });
}
constexpr std::int32_t saturated(std::int32_t x) {
  return x < 0 ? 0 : x > 255 ? 255 : x;
}
inline vec narrow(const vec& a, const vec& b, const vec& c, const vec& d) {
  const vec* of[4] = {&a, &b, &c, &d};
  return each_byte([&](int i) { return saturated(of[i / lanes]->w[i % lanes]); });
}
inline vec narrow_interleaved(const vec& a, const vec& b, const vec& c, const vec& d) {
  const vec* of[4] = {&a, &b, &c, &d};
  return each_byte([&](int i) { return saturated(of[i % 4]->w[i / 4]); });
}
inline vec least_bytes(const vec& a, const vec& b) {
  const bytes x(a), y(b);
  return each_byte([&](int i) { return x.b[i] < y.b[i] ? x.b[i] : y.b[i]; });
}
inline vec greatest_bytes(const vec& a, const vec& b) {
  const bytes x(a), y(b);
  return each_byte([&](int i) { return x.b[i] > y.b[i] ? x.b[i] : y.b[i]; });
}
struct four {
  vec v[4];
};
template <bool Signed>
four widen(const vec& v) {
  const bytes x(v);
  four f;
  for (int i = 0; i < vector_bytes; ++i)
    f.v[i % 4].w[i / 4] = Signed ? static_cast<std::int8_t>(x.b[i]) : std::int32_t{x.b[i]};
  return f;
}
inline four interleave(const vec& a, const vec& b, const vec& c, const vec& d) {
  const bytes of[4] = {bytes(a), bytes(b), bytes(c), bytes(d)};
  four f;
  for (int k = 0; k < 4; ++k) f.v[k] = each_byte([&](int i) { return of[i % 4].b[i / 4 * 4 + k]; });
  return f;
}
struct byte_sums {
  vec even, odd;
  void operator+=(const vec& x) {
    const bytes b(x);
    std::uint16_t e[64], o[64];
    std::memcpy(e, &even, sizeof e);
    std::memcpy(o, &odd, sizeof o);
    for (int i = 0; i < 64; ++i) {
      e[i] = static_cast<std::uint16_t>(e[i] + b.b[2 * i]);
      o[i] = static_cast<std::uint16_t>(o[i] + b.b[2 * i + 1]);
    }
    std::memcpy(&even, e, sizeof e);
    std::memcpy(&odd, o, sizeof o);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
