// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where the multipliers of an 8-bit sum are cut into digits, so that 16-bit lanes hold every step (digit_sum.hpp):
//   a m0 + b m1 + c = D_0 + 2^p1 D_1 + 2^p2 D_2 + c,   D_i = a d0_i + b d1_i,
//   floor(. / 2^s) = (D_2 + high + ((D_1 + ((D_0 + low) >> w0)) >> w1)) >> k,   c = low + 2^p2 high,
// since floors nest. Data is taken as it lies: vpmaddubsw multiplies signed digits by unsigned data and unsigned digits by
// signed data. The cut of the general form, 7 bits each, costs a turned sign of unsigned data and a constant for each level;
// what a cut needs instead, that no step leaves 16 bits for any data, is checked here for the multipliers at hand. Layer 5a.

#include <cstdint>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86 {

struct digit_plan {
  std::int32_t digit[3][2] = {};  // of a and b
  std::int32_t low = 0, high = 0;
  std::int32_t down[3] = {};      // w0, w1, k
  bool found = false;

  /// floor((a m0 + b m1 + c) / 2^s) for all bytes a and b; results beyond those of a byte saturate. rounds: the shifts are
  /// to the nearest (vpmulhrsw), halves upward, which the constants take back.
  constexpr digit_plan(std::int32_t m0, std::int32_t m1, std::int64_t c, int s, bool is_signed, bool rounds) {
    constexpr int tops[] = {14, 15, 13, 16};
    constexpr int widths[] = {7, 8, 6};
    for (const int top : tops) {
      if (s - top < 1 || s - top > (is_signed ? 8 : 7)) continue;  // what saturates stays beyond the limits of a byte
      for (const int width : widths)
        if (!found && top - width <= 8) cut(m0, m1, c, s, top, width, is_signed, rounds);
    }
  }

 private:
  struct range {
    std::int64_t lo, hi;
    constexpr bool fits() const { return lo >= -32768 && hi <= 32767; }
    constexpr range operator+(range r) const { return {lo + r.lo, hi + r.hi}; }
    constexpr range operator+(std::int64_t x) const { return {lo + x, hi + x}; }
    constexpr range operator>>(int n) const { return {lo >> n, hi >> n}; }
  };
  constexpr range products(int i, bool is_signed) const {
    range r{0, 0};
    for (const std::int64_t d : digit[i]) {
      const std::int64_t least = d * (is_signed ? -128 : 0);
      const std::int64_t most = d * (is_signed ? 127 : 255);
      r = r + (least < most ? range{least, most} : range{most, least});
    }
    return r;
  }
  constexpr void cut(std::int32_t m0, std::int32_t m1, std::int64_t c, int s, int top, int width, bool is_signed, bool rounds) {
    down[0] = width;
    down[1] = top - width;
    down[2] = s - top;
    const std::int32_t least = is_signed ? 0 : -128;
    std::int32_t rest[2] = {m0, m1};
    for (int i = 0; i < 3; ++i)
      for (int v = 0; v < 2; ++v) {
        const std::int32_t half = is_signed ? 0 : 1 << (down[i] - 1);
        const std::int32_t d = i == 2 ? rest[v] : ((rest[v] + half) & ((1 << down[i]) - 1)) - half;
        if (d < least || d > least + 255) return;
        digit[i][v] = d;
        rest[v] = (rest[v] - d) >> down[i];
      }
    const auto half_of = [&](int i) { return rounds ? std::int64_t{1} << (down[i] - 1) : 0; };
    const range d0 = products(0, is_signed), d1 = products(1, is_signed), d2 = products(2, is_signed);
    const std::int64_t floor = c >> top;
    for (int carry = 0; carry < 2 && !found; ++carry) {  // the low part from 0 to 2^top or below 0
      const std::int64_t l = c - (floor + carry) * (std::int64_t{1} << top) - half_of(0) - half_of(1) * (std::int64_t{1} << width);
      const std::int64_t h = floor + carry - half_of(2);
      const range e0 = d0 + l;
      const range e1 = d1 + ((e0 + half_of(0)) >> width);
      const range e2 = d2 + ((e1 + half_of(1)) >> down[1]);
      found = d0.fits() && d1.fits() && d2.fits() && e0.fits() && e1.fits() && e2.fits() && range{l, l}.fits() && range{h, h}.fits();
      low = static_cast<std::int32_t>(found ? l : 0);
      high = static_cast<std::int32_t>(found ? h : 0);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
