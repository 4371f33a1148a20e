// SPDX-License-Identifier: Apache-2.0
#pragma once
// HVX by what its instructions do: clang's builtins for vectors of 128 bytes. kernel/hexagon/written_out.hpp has the
// same functions for other machines. "Interleaved": word j of vector c of four belongs to byte 4 j + c. Layer 5a.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "qnnx/config.hpp"

#if QNNX_HAS_HVX_INSTRUCTIONS
namespace qnnx::inline QNNX_ABI::kernel::hvx {

inline constexpr std::int32_t vector_bytes = 128;
inline constexpr std::int32_t lanes = 32;  // words of a vector

using vec = int __attribute__((vector_size(128)));
using pair = int __attribute__((vector_size(256)));
typedef vec unaligned __attribute__((aligned(1), may_alias));
typedef vec aligned __attribute__((may_alias));

struct two {
  vec v[2];
};

QNNX_INLINE vec load(const void* p) {
  return *static_cast<const unaligned*>(p);
}
QNNX_INLINE void store(void* p, vec v) {
  *static_cast<unaligned*>(p) = v;
}
/// Byte i becomes byte i - n, modulo 128.
QNNX_INLINE vec rotate(vec v, std::int32_t n) {
  return __builtin_HEXAGON_V6_vror_128B(v, n);
}
/// n bytes, 0 < n < 128, the rest is anything; only 128-byte lines of memory that hold one of them are read.
QNNX_INLINE vec load_part(const void* p, std::int32_t n) {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  const auto in_line = static_cast<std::int32_t>(at & 127u);
  if (in_line + n > vector_bytes) return load(p);
  return rotate(*reinterpret_cast<const aligned*>(at & ~std::uintptr_t{127}), in_line);
}
/// n bytes, 0 < n < 128; no other byte is written.
QNNX_INLINE void store_part(void* p, vec v, std::int32_t n) {
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  const auto in_line = static_cast<std::int32_t>(at & 127u);
  auto* line = reinterpret_cast<vec*>(at & ~std::uintptr_t{127});
  const vec turned = rotate(v, vector_bytes - in_line);
  const auto before = __builtin_HEXAGON_V6_pred_scalar2_128B(in_line);  // bytes of the line below p
  if (in_line + n > vector_bytes) {
    __builtin_HEXAGON_V6_vS32b_nqpred_ai_128B(before, line, turned);
    __builtin_HEXAGON_V6_vS32b_qpred_ai_128B(__builtin_HEXAGON_V6_pred_scalar2_128B(in_line + n - vector_bytes),
                                             line + 1, turned);
  } else {
    const auto upto = __builtin_HEXAGON_V6_pred_scalar2v2_128B(in_line + n);
    __builtin_HEXAGON_V6_vS32b_qpred_ai_128B(__builtin_HEXAGON_V6_pred_and_n_128B(upto, before), line, turned);
  }
}
QNNX_INLINE vec zeros() {
  return __builtin_HEXAGON_V6_vd0_128B();
}
QNNX_INLINE vec splat(std::int32_t x) {
  return __builtin_HEXAGON_V6_lvsplatw_128B(x);
}
QNNX_INLINE vec add(vec a, vec b) {
  return __builtin_HEXAGON_V6_vaddw_128B(a, b);
}
QNNX_INLINE vec subtract(vec a, vec b) {
  return __builtin_HEXAGON_V6_vsubw_128B(a, b);
}
/// floor((a + b + 1) / 2), the sum in 33 bits.
QNNX_INLINE vec average_rounded(vec a, vec b) {
  return __builtin_HEXAGON_V6_vavgwrnd_128B(a, b);
}
/// x where words of a and b are equal, else 0.
QNNX_INLINE vec where_equal(vec a, vec b, vec x) {
  return __builtin_HEXAGON_V6_vandvqv_128B(__builtin_HEXAGON_V6_veqw_128B(a, b), x);
}
QNNX_INLINE vec bit_and(vec a, vec b) {
  return __builtin_HEXAGON_V6_vand_128B(a, b);
}
QNNX_INLINE vec bit_or(vec a, vec b) {
  return __builtin_HEXAGON_V6_vor_128B(a, b);
}
QNNX_INLINE vec bit_xor(vec a, vec b) {
  return __builtin_HEXAGON_V6_vxor_128B(a, b);
}
QNNX_INLINE vec shift_left(vec a, std::int32_t n) {
  return __builtin_HEXAGON_V6_vaslw_128B(a, n);
}
QNNX_INLINE vec shift_right(vec a, std::int32_t n) {
  return __builtin_HEXAGON_V6_vasrw_128B(a, n);
}
/// Each word by its own count, 0 to 31.
QNNX_INLINE vec shift_left_each(vec a, vec n) {
  return __builtin_HEXAGON_V6_vaslwv_128B(a, n);
}
/// Each word by its own count, 0 to 31.
QNNX_INLINE vec shift_right_each(vec a, vec n) {
  return __builtin_HEXAGON_V6_vasrwv_128B(a, n);
}
/// Adds to each word the products of its four bytes of data (of the stated sign) and of weights (signed).
template <bool Signed>
QNNX_INLINE vec dot(vec sums, vec data, vec weights) {
  if constexpr (Signed)
    return __builtin_HEXAGON_V6_vrmpybv_acc_128B(sums, data, weights);
  else
    return __builtin_HEXAGON_V6_vrmpybusv_acc_128B(sums, data, weights);
}
/// Adds to each word the products of its two halfwords of weights and those of `data`, saturated.
QNNX_INLINE vec dot_pairs(vec sums, vec weights, std::int32_t data) {
  return __builtin_HEXAGON_V6_vdmpyhsat_acc_128B(sums, weights, data);
}
/// The same with a vector of data.
QNNX_INLINE vec dot_halves(vec sums, vec data, vec weights) {
  return __builtin_HEXAGON_V6_vdmpyhvsat_acc_128B(sums, data, weights);
}
/// Halfwords.
QNNX_INLINE vec shift_left_halves(vec a, std::int32_t n) {
  return __builtin_HEXAGON_V6_vaslh_128B(a, n);
}
QNNX_INLINE vec shift_right_halves(vec a, std::int32_t n) {
  return __builtin_HEXAGON_V6_vasrh_128B(a, n);
}
/// The low words of a * b, b from -2^15 to 2^15 - 1.
QNNX_INLINE vec multiply_low(vec a, vec b) {
  return __builtin_HEXAGON_V6_vmpyiowh_128B(a, __builtin_HEXAGON_V6_vaslw_128B(b, 16));
}
/// The low words of sums + a * b, b from 0 to 2^16 - 1.
QNNX_INLINE vec multiply_add(vec sums, vec a, vec b) {
  return __builtin_HEXAGON_V6_vmpyiewuh_acc_128B(sums, a, b);
}
QNNX_INLINE vec shift_right_unsigned(vec a, std::int32_t n) {
  return __builtin_HEXAGON_V6_vlsrw_128B(a, n);
}
QNNX_INLINE vec least_words(vec a, vec b) {
  return __builtin_HEXAGON_V6_vminw_128B(a, b);
}
QNNX_INLINE vec greatest_words(vec a, vec b) {
  return __builtin_HEXAGON_V6_vmaxw_128B(a, b);
}
/// Numbers of 64 bits.
struct wide_words {
  vec low, high;
};
QNNX_INLINE wide_words multiply_wide(vec a, vec b) {
  const pair p = __builtin_HEXAGON_V6_vmpyowh_64_acc_128B(__builtin_HEXAGON_V6_vmpyewuh_64_128B(a, b), a, b);
  return {__builtin_HEXAGON_V6_lo_128B(p), __builtin_HEXAGON_V6_hi_128B(p)};
}
QNNX_INLINE wide_words add_wide(wide_words a, wide_words b) {
  const vec low = __builtin_HEXAGON_V6_vaddw_128B(a.low, b.low), high = __builtin_HEXAGON_V6_vaddw_128B(a.high, b.high);
  return {low, __builtin_HEXAGON_V6_vaddwq_128B(__builtin_HEXAGON_V6_vgtuw_128B(b.low, low), high, splat(1))};
}
/// floor((a * m + 2^30) / 2^31), m >= 0: the doubling high multiply.
QNNX_INLINE vec multiply_rounded(vec a, vec m) {
  return __builtin_HEXAGON_V6_vmpyowh_rnd_sacc_128B(__builtin_HEXAGON_V6_vmpyewuh_128B(a, m), a, m);
}
/// floor(a * m / 2^31), m >= 0.
QNNX_INLINE vec multiply_floor(vec a, vec m) {
  return __builtin_HEXAGON_V6_vmpyowh_sacc_128B(__builtin_HEXAGON_V6_vmpyewuh_128B(a, m), a, m);
}
/// Words to unsigned bytes, saturated: those of a, then b, c, d.
QNNX_INLINE vec narrow(vec a, vec b, vec c, vec d) {
  return __builtin_HEXAGON_V6_vpackhub_sat_128B(__builtin_HEXAGON_V6_vpackwh_sat_128B(d, c),
                                                __builtin_HEXAGON_V6_vpackwh_sat_128B(b, a));
}
/// The same of interleaved words.
QNNX_INLINE vec narrow_interleaved(vec a, vec b, vec c, vec d) {
  return __builtin_HEXAGON_V6_vsathub_128B(__builtin_HEXAGON_V6_vsatwh_128B(d, b),
                                           __builtin_HEXAGON_V6_vsatwh_128B(c, a));
}
template <bool Signed>
QNNX_INLINE vec greatest_bytes_of(vec a, vec b) {
  return Signed ? __builtin_HEXAGON_V6_vmaxb_128B(a, b) : __builtin_HEXAGON_V6_vmaxub_128B(a, b);
}
/// Byte i of the table of 256 bytes for every byte i of x; `table` as arrange_table makes it.
QNNX_INLINE vec look_up(const vec* table, vec x) {
  vec y = __builtin_HEXAGON_V6_vlutvvb_128B(x, table[0], 0);
  y = __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table[0], 1);
  y = __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table[0], 2);
  y = __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table[0], 3);
  y = __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table[1], 4);
  y = __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table[1], 5);
  y = __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table[1], 6);
  return __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table[1], 7);
}
/// The same of a table of 128 bytes: x below 128.
QNNX_INLINE vec look_up_low(vec table, vec x) {
  vec y = __builtin_HEXAGON_V6_vlutvvb_128B(x, table, 0);
  y = __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table, 1);
  y = __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table, 2);
  return __builtin_HEXAGON_V6_vlutvvb_oracc_128B(y, x, table, 3);
}
/// Two vectors of bytes a and b, in turns: a0 b0 a1 b1 ... of the first 64, then of the others.
QNNX_INLINE two interleave_bytes(vec a, vec b) {
  const pair p = __builtin_HEXAGON_V6_vshuffvdd_128B(b, a, -1);
  return {{__builtin_HEXAGON_V6_lo_128B(p), __builtin_HEXAGON_V6_hi_128B(p)}};
}
/// Bytes 0, 2, 4 ... of a, then of b.
QNNX_INLINE vec pack_even_bytes(vec a, vec b) {
  return __builtin_HEXAGON_V6_vpackeb_128B(b, a);
}
/// Bytes 1, 3, 5 ... of a, then of b.
QNNX_INLINE vec pack_odd_bytes(vec a, vec b) {
  return __builtin_HEXAGON_V6_vpackob_128B(b, a);
}
/// Bytes 0, 2, 4 ... of a and b in turns; bytes 1, 3, 5 ... in turns.
QNNX_INLINE two turns_of_bytes(vec a, vec b) {
  const pair p = __builtin_HEXAGON_V6_vshufoeb_128B(b, a);
  return {{__builtin_HEXAGON_V6_lo_128B(p), __builtin_HEXAGON_V6_hi_128B(p)}};
}
/// Signed halfwords of a and b in turns, as unsigned bytes, saturated.
QNNX_INLINE vec narrow_turns(vec a, vec b) {
  return __builtin_HEXAGON_V6_vsathub_128B(b, a);
}
/// Signed halfwords to unsigned bytes, saturated: those of a, then b.
QNNX_INLINE vec narrow_bytes(vec a, vec b) {
  return __builtin_HEXAGON_V6_vpackhub_sat_128B(b, a);
}
/// Two vectors of halfwords, in turns: of the first 32, then of the others.
QNNX_INLINE two interleave_all_halves(vec a, vec b) {
  const pair p = __builtin_HEXAGON_V6_vshuffvdd_128B(b, a, -2);
  return {{__builtin_HEXAGON_V6_lo_128B(p), __builtin_HEXAGON_V6_hi_128B(p)}};
}
QNNX_INLINE vec subtract_bytes(vec a, vec b) {
  return __builtin_HEXAGON_V6_vsubb_128B(a, b);
}
/// Ones in the first n bytes, 0 < n <= 128, zeros behind them.
QNNX_INLINE vec ones_below(std::int32_t n) {
  return __builtin_HEXAGON_V6_vandqrt_128B(__builtin_HEXAGON_V6_pred_scalar2v2_128B(n), -1);
}
QNNX_INLINE std::int32_t first_word(vec a) {
  return __builtin_HEXAGON_V6_extractw_128B(a, 0);
}
QNNX_INLINE vec least_bytes(vec a, vec b) {
  return __builtin_HEXAGON_V6_vminub_128B(a, b);
}
QNNX_INLINE vec greatest_bytes(vec a, vec b) {
  return __builtin_HEXAGON_V6_vmaxub_128B(a, b);
}

/// Words to signed halfwords, saturated: those of a, then b.
QNNX_INLINE vec narrow_halves(vec a, vec b) {
  return __builtin_HEXAGON_V6_vpackwh_sat_128B(b, a);
}
/// The same of words that belong to even (a) and odd (b) halfwords.
QNNX_INLINE vec narrow_halves_interleaved(vec a, vec b) {
  return __builtin_HEXAGON_V6_vsatwh_128B(b, a);
}
QNNX_INLINE vec least_halves(vec a, vec b) {
  return __builtin_HEXAGON_V6_vminh_128B(a, b);
}
QNNX_INLINE vec greatest_halves(vec a, vec b) {
  return __builtin_HEXAGON_V6_vmaxh_128B(a, b);
}

/// Signed bytes to halfwords: the even ones, the odd ones.
QNNX_INLINE two widen_bytes(vec x) {
  const pair h = __builtin_HEXAGON_V6_vsb_128B(x);
  return {{__builtin_HEXAGON_V6_lo_128B(h), __builtin_HEXAGON_V6_hi_128B(h)}};
}
/// Halfwords to words: the even ones, the odd ones.
template <bool Signed>
QNNX_INLINE two widen_halves(vec x) {
  const pair w = Signed ? __builtin_HEXAGON_V6_vsh_128B(x) : __builtin_HEXAGON_V6_vzh_128B(x);
  return {{__builtin_HEXAGON_V6_lo_128B(w), __builtin_HEXAGON_V6_hi_128B(w)}};
}
/// Halfwords i of a and b become the halfwords of a word: of even i, of odd i.
QNNX_INLINE two interleave_halves(vec a, vec b) {
  const pair h = __builtin_HEXAGON_V6_vshufoeh_128B(b, a);
  return {{__builtin_HEXAGON_V6_lo_128B(h), __builtin_HEXAGON_V6_hi_128B(h)}};
}
struct four {
  vec v[4];
};
/// Bytes to interleaved words.
template <bool Signed>
QNNX_INLINE four widen(vec x) {
  if constexpr (Signed) {
    const pair h = __builtin_HEXAGON_V6_vsb_128B(x);
    const pair e = __builtin_HEXAGON_V6_vsh_128B(__builtin_HEXAGON_V6_lo_128B(h));
    const pair o = __builtin_HEXAGON_V6_vsh_128B(__builtin_HEXAGON_V6_hi_128B(h));
    return {{__builtin_HEXAGON_V6_lo_128B(e), __builtin_HEXAGON_V6_lo_128B(o), __builtin_HEXAGON_V6_hi_128B(e),
             __builtin_HEXAGON_V6_hi_128B(o)}};
  } else {
    const pair h = __builtin_HEXAGON_V6_vzb_128B(x);
    const pair e = __builtin_HEXAGON_V6_vzh_128B(__builtin_HEXAGON_V6_lo_128B(h));
    const pair o = __builtin_HEXAGON_V6_vzh_128B(__builtin_HEXAGON_V6_hi_128B(h));
    return {{__builtin_HEXAGON_V6_lo_128B(e), __builtin_HEXAGON_V6_lo_128B(o), __builtin_HEXAGON_V6_hi_128B(e),
             __builtin_HEXAGON_V6_hi_128B(o)}};
  }
}
/// Bytes i of a, b, c, d become the bytes of an interleaved word.
QNNX_INLINE four interleave(vec a, vec b, vec c, vec d) {
  const pair ab = __builtin_HEXAGON_V6_vshufoeb_128B(b, a), cd = __builtin_HEXAGON_V6_vshufoeb_128B(d, c);
  const pair e = __builtin_HEXAGON_V6_vshufoeh_128B(__builtin_HEXAGON_V6_lo_128B(cd), __builtin_HEXAGON_V6_lo_128B(ab));
  const pair o = __builtin_HEXAGON_V6_vshufoeh_128B(__builtin_HEXAGON_V6_hi_128B(cd), __builtin_HEXAGON_V6_hi_128B(ab));
  return {{__builtin_HEXAGON_V6_lo_128B(e), __builtin_HEXAGON_V6_lo_128B(o), __builtin_HEXAGON_V6_hi_128B(e),
           __builtin_HEXAGON_V6_hi_128B(o)}};
}
/// Unsigned 16-bit sums of bytes: even ones and odd ones.
struct byte_sums {
  vec even = zeros(), odd = zeros();
  QNNX_INLINE void operator+=(vec x) {
    const pair h = __builtin_HEXAGON_V6_vzb_128B(x);
    even = __builtin_HEXAGON_V6_vaddh_128B(even, __builtin_HEXAGON_V6_lo_128B(h));
    odd = __builtin_HEXAGON_V6_vaddh_128B(odd, __builtin_HEXAGON_V6_hi_128B(h));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
