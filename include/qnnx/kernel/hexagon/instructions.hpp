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
QNNX_INLINE vec least_bytes(vec a, vec b) {
  return __builtin_HEXAGON_V6_vminub_128B(a, b);
}
QNNX_INLINE vec greatest_bytes(vec a, vec b) {
  return __builtin_HEXAGON_V6_vmaxub_128B(a, b);
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
