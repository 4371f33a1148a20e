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
struct two {
  vec v[2];
};
template <class F>
vec words(F&& f) {
  vec v;
  for (int i = 0; i < lanes; ++i) v.w[i] = static_cast<std::int32_t>(f(i));
  return v;
}
struct halves {
  std::int16_t h[vector_bytes / 2] = {};
  halves() = default;
  explicit halves(const vec& v) { std::memcpy(h, &v, sizeof h); }
  operator vec() const {
    vec v;
    std::memcpy(&v, h, sizeof h);
    return v;
  }
};
template <class F>
vec each_half(F&& f) {
  halves v;
  for (int i = 0; i < vector_bytes / 2; ++i) v.h[i] = static_cast<std::int16_t>(f(i));
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
inline vec subtract(const vec& a, const vec& b) {
  return words([&](int i) { return bits(a.w[i]) - bits(b.w[i]); });
}
inline vec average_rounded(const vec& a, const vec& b) {
  return words([&](int i) { return (wide(a.w[i]) + b.w[i] + 1) >> 1; });
}
inline vec where_equal(const vec& a, const vec& b, const vec& x) {
  return words([&](int i) { return a.w[i] == b.w[i] ? x.w[i] : 0; });
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
inline vec shift_left_each(const vec& a, const vec& n) {
  return words([&](int i) { return bits(a.w[i]) << (n.w[i] & 31); });
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
constexpr std::int32_t saturated_word(std::int64_t x) {
  return static_cast<std::int32_t>(x < INT32_MIN ? INT32_MIN : x > INT32_MAX ? INT32_MAX : x);
}
inline vec dot_halves(const vec& sums, const vec& data, const vec& weights) {
  const halves x(data), k(weights);
  return words([&](int i) {
    return saturated_word(wide(sums.w[i]) + wide(x.h[2 * i]) * k.h[2 * i] + wide(x.h[2 * i + 1]) * k.h[2 * i + 1]);
  });
}
inline vec dot_pairs(const vec& sums, const vec& weights, std::int32_t data) {
  return dot_halves(sums, weights, splat(data));
}
inline vec shift_left_halves(const vec& a, std::int32_t n) {
  const halves x(a);
  return each_half([&](int i) { return static_cast<std::uint32_t>(static_cast<std::uint16_t>(x.h[i])) << n; });
}
inline vec shift_right_halves(const vec& a, std::int32_t n) {
  const halves x(a);
  return each_half([&](int i) { return x.h[i] >> n; });
}
inline vec multiply_low(const vec& a, const vec& b) {
  return words([&](int i) { return bits(a.w[i]) * bits(static_cast<std::int16_t>(b.w[i] & 0xffff)); });
}
inline vec multiply_add(const vec& sums, const vec& a, const vec& b) {
  return words([&](int i) { return bits(sums.w[i]) + bits(a.w[i]) * (bits(b.w[i]) & 0xffffu); });
}
inline vec shift_right_unsigned(const vec& a, std::int32_t n) {
  return words([&](int i) { return bits(a.w[i]) >> n; });
}
inline vec least_words(const vec& a, const vec& b) {
  return words([&](int i) { return a.w[i] < b.w[i] ? a.w[i] : b.w[i]; });
}
inline vec greatest_words(const vec& a, const vec& b) {
  return words([&](int i) { return a.w[i] > b.w[i] ? a.w[i] : b.w[i]; });
}
struct wide_words {
  vec low, high;
};
constexpr std::int64_t whole(const wide_words& a, int i) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(bits(a.high.w[i])) << 32 | bits(a.low.w[i]));
}
template <class F>
wide_words each_wide(F&& f) {
  wide_words v;
  for (int i = 0; i < lanes; ++i) {
    const auto x = static_cast<std::uint64_t>(f(i));
    v.low.w[i] = static_cast<std::int32_t>(x & 0xffffffffu);
    v.high.w[i] = static_cast<std::int32_t>(x >> 32);
  }
  return v;
}
inline wide_words multiply_wide(const vec& a, const vec& b) {
  return each_wide([&](int i) { return wide(a.w[i]) * b.w[i]; });
}
inline wide_words add_wide(const wide_words& a, const wide_words& b) {
  return each_wide([&](int i) { return static_cast<std::uint64_t>(whole(a, i)) + static_cast<std::uint64_t>(whole(b, i)); });
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
template <bool Signed>
vec greatest_bytes_of(const vec& a, const vec& b) {
  const bytes x(a), y(b);
  const auto above = [](std::uint8_t p, std::uint8_t q) {
    return Signed ? static_cast<std::int8_t>(p) > static_cast<std::int8_t>(q) : p > q;
  };
  return each_byte([&](int i) { return above(x.b[i], y.b[i]) ? x.b[i] : y.b[i]; });
}
inline vec look_up(const vec* table, const vec& v) {
  const bytes x(v), of[2] = {bytes(table[0]), bytes(table[1])};
  return each_byte([&](int i) { return of[x.b[i] / 128].b[x.b[i] % 64 * 2 + x.b[i] % 128 / 64]; });
}
inline vec look_up_low(const vec& table, const vec& v) {
  const bytes x(v), of(table);
  return each_byte([&](int i) { return of.b[x.b[i] % 64 * 2 + x.b[i] / 64]; });
}
inline two interleave_bytes(const vec& a, const vec& b) {
  const bytes of[2] = {bytes(a), bytes(b)};
  two t;
  for (int k = 0; k < 2; ++k) t.v[k] = each_byte([&](int i) { return of[i % 2].b[i / 2 + 64 * k]; });
  return t;
}
inline vec pack_even_bytes(const vec& a, const vec& b) {
  const bytes of[2] = {bytes(a), bytes(b)};
  return each_byte([&](int i) { return of[i / 64].b[i % 64 * 2]; });
}
inline vec pack_odd_bytes(const vec& a, const vec& b) {
  const bytes of[2] = {bytes(a), bytes(b)};
  return each_byte([&](int i) { return of[i / 64].b[i % 64 * 2 + 1]; });
}
inline two turns_of_bytes(const vec& a, const vec& b) {
  const bytes of[2] = {bytes(a), bytes(b)};
  two t;
  for (int k = 0; k < 2; ++k) t.v[k] = each_byte([&](int i) { return of[i % 2].b[i / 2 * 2 + k]; });
  return t;
}
inline vec narrow_turns(const vec& a, const vec& b) {
  const halves of[2] = {halves(a), halves(b)};
  return each_byte([&](int i) { return saturated(of[i % 2].h[i / 2]); });
}
inline vec narrow_bytes(const vec& a, const vec& b) {
  const halves of[2] = {halves(a), halves(b)};
  return each_byte([&](int i) { return saturated(of[i / 64].h[i % 64]); });
}
inline two interleave_all_halves(const vec& a, const vec& b) {
  const halves of[2] = {halves(a), halves(b)};
  two t;
  for (int k = 0; k < 2; ++k) t.v[k] = each_half([&](int i) { return of[i % 2].h[i / 2 + 32 * k]; });
  return t;
}
inline vec subtract_bytes(const vec& a, const vec& b) {
  const bytes x(a), y(b);
  return each_byte([&](int i) { return x.b[i] - y.b[i]; });
}
inline vec ones_below(std::int32_t n) {
  return each_byte([&](int i) { return i < n ? 255 : 0; });
}
inline std::int32_t first_word(const vec& a) {
  return a.w[0];
}
inline vec least_bytes(const vec& a, const vec& b) {
  const bytes x(a), y(b);
  return each_byte([&](int i) { return x.b[i] < y.b[i] ? x.b[i] : y.b[i]; });
}
inline vec greatest_bytes(const vec& a, const vec& b) {
  const bytes x(a), y(b);
  return each_byte([&](int i) { return x.b[i] > y.b[i] ? x.b[i] : y.b[i]; });
}
constexpr std::int32_t saturated_half(std::int32_t x) {
  return x < -32768 ? -32768 : x > 32767 ? 32767 : x;
}
inline vec narrow_halves(const vec& a, const vec& b) {
  return each_half([&](int i) { return saturated_half(i < lanes ? a.w[i] : b.w[i - lanes]); });
}
inline vec narrow_halves_interleaved(const vec& a, const vec& b) {
  return each_half([&](int i) { return saturated_half(i % 2 == 0 ? a.w[i / 2] : b.w[i / 2]); });
}
inline vec least_halves(const vec& a, const vec& b) {
  const halves x(a), y(b);
  return each_half([&](int i) { return x.h[i] < y.h[i] ? x.h[i] : y.h[i]; });
}
inline vec greatest_halves(const vec& a, const vec& b) {
  const halves x(a), y(b);
  return each_half([&](int i) { return x.h[i] > y.h[i] ? x.h[i] : y.h[i]; });
}
inline two widen_bytes(const vec& v) {
  const bytes x(v);
  two t;
  for (int k = 0; k < 2; ++k) t.v[k] = each_half([&](int i) { return static_cast<std::int8_t>(x.b[2 * i + k]); });
  return t;
}
template <bool Signed>
two widen_halves(const vec& v) {
  const halves x(v);
  two t;
  for (int k = 0; k < 2; ++k)
    t.v[k] = words([&](int i) { return Signed ? x.h[2 * i + k] : static_cast<std::uint16_t>(x.h[2 * i + k]); });
  return t;
}
inline two interleave_halves(const vec& a, const vec& b) {
  const halves of[2] = {halves(a), halves(b)};
  two t;
  for (int k = 0; k < 2; ++k) t.v[k] = each_half([&](int i) { return of[i % 2].h[i / 2 * 2 + k]; });
  return t;
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
