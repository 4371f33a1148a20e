// SPDX-License-Identifier: Apache-2.0
#pragma once
// Loops over elements for kernels that go one by one: a chunk is 16 bytes of data, as vectors of four 32-bit numbers
// without offset on the way in, with zero point, saturated and clamped on the way out. The last elements of a row go
// through copies. Layer 5a.

#include <cstring>

#include "qnnx/kernel/elementwise/broadcast_rows.hpp"
#include "qnnx/kernel/epilogue.hpp"

#if QNNX_HAS_NEON
#include <arm_neon.h>

namespace qnnx::inline QNNX_ABI::kernel::neon {

/// Elements of a chunk of T.
template <class T>
inline constexpr std::int32_t chunk = 128 / bits_of(T::code);
template <class T>
inline constexpr bool is_narrow = std::is_same_v<T, types::u8> || std::is_same_v<T, types::s8> ||
                                  std::is_same_v<T, types::u16> || std::is_same_v<T, types::s16>;
/// Signatures of one type that these loops know.
template <class T>
inline constexpr bool is_known = is_narrow<T> || std::is_same_v<T, types::f32>;
template <class Sig>
inline constexpr bool is_of_one_type = false;
template <class T>
inline constexpr bool is_of_one_type<T(T)> = is_known<T>;
template <class T>
inline constexpr bool is_of_one_type<T(T, T)> = is_known<T>;

/// f(x, y) for every N elements of y[0, count), y may be x.
template <std::int32_t N, class X, class Y, class F>
QNNX_INLINE void each_chunk(const X* x, Y* y, std::int64_t count, F&& f) {
  for (; count >= N; count -= N, x += N, y += N) f(x, y);
  if (count == 0) return;
  X from[N] = {};
  Y to[N];
  std::memcpy(from, x, static_cast<std::size_t>(count) * sizeof(X));
  f(static_cast<const X*>(from), to);
  std::memcpy(y, to, static_cast<std::size_t>(count) * sizeof(Y));
}
/// f(a, b, y) for every N elements of a broadcast.
template <std::int32_t N, class A, class B, class Y, class F>
QNNX_INLINE void each_pair(const A& a, const B& b, const Y& y, F&& f) {
  using storage = std::remove_const_t<typename Y::storage>;
  const broadcast_rows rows(a, b, y);
  rows.each(a, b, y, [&](std::int64_t i, std::int64_t ia, std::int64_t ib) {
    const storage *pa = a.data + ia, *pb = b.data + ib;
    storage* to = y.data + i;
    storage all_a[N] = {}, all_b[N] = {}, last[N];
    if (rows.fixed_a)
      for (storage& v : all_a) v = *pa;
    if (rows.fixed_b)
      for (storage& v : all_b) v = *pb;
    if (rows.fixed_a) pa = all_a;
    if (rows.fixed_b) pb = all_b;
    const std::int32_t step_a = rows.fixed_a ? 0 : N, step_b = rows.fixed_b ? 0 : N;
    std::int64_t n = rows.length;
    for (; n >= N; n -= N, pa += step_a, pb += step_b, to += N) f(pa, pb, to);
    if (n == 0) return;
    const std::size_t bytes = static_cast<std::size_t>(n) * sizeof(storage);
    if (!rows.fixed_a) std::memcpy(all_a, pa, bytes);
    if (!rows.fixed_b) std::memcpy(all_b, pb, bytes);
    f(static_cast<const storage*>(all_a), static_cast<const storage*>(all_b), last);
    std::memcpy(to, last, bytes);
  });
}

/// A chunk of 8- or 16-bit data as numbers.
template <class T>
struct numbers {
  static constexpr int count = chunk<T> / 4;
  int32x4_t v[count];
};

/// Whether the zero point is one of the type's values: all |x + offset| are below 2^bits.
template <class View>
bool has_zero(const View& v) {
  constexpr dtype t = View::type::code;
  return -std::int64_t{v.offset()} >= min_value(t) && -std::int64_t{v.offset()} <= max_value(t);
}

/// Reads chunks, the offset added.
template <class T>
struct reader {
  int16x8_t narrow;
  int32x4_t wide;
  explicit reader(std::int32_t offset)
      : narrow(vdupq_n_s16(static_cast<std::int16_t>(offset))), wide(vdupq_n_s32(offset)) {}
  QNNX_INLINE numbers<T> operator()(const typename T::storage* x) const {
    if constexpr (bits_of(T::code) == 8) {
      int16x8_t a, b;
      if constexpr (is_signed_fixed(T::code)) {
        const int8x16_t all = vld1q_s8(x);
        a = vaddw_s8(narrow, vget_low_s8(all)), b = vaddw_high_s8(narrow, all);
      } else {
        const uint8x16_t all = vld1q_u8(x);
        a = vreinterpretq_s16_u16(vaddw_u8(vreinterpretq_u16_s16(narrow), vget_low_u8(all)));
        b = vreinterpretq_s16_u16(vaddw_high_u8(vreinterpretq_u16_s16(narrow), all));
      }
      return {{vmovl_s16(vget_low_s16(a)), vmovl_high_s16(a), vmovl_s16(vget_low_s16(b)), vmovl_high_s16(b)}};
    } else if constexpr (is_signed_fixed(T::code)) {
      const int16x8_t all = vld1q_s16(x);
      return {{vaddw_s16(wide, vget_low_s16(all)), vaddw_high_s16(wide, all)}};
    } else {
      const uint16x8_t all = vld1q_u16(x);
      const uint32x4_t add = vreinterpretq_u32_s32(wide);
      return {{vreinterpretq_s32_u32(vaddw_u16(add, vget_low_u16(all))),
               vreinterpretq_s32_u32(vaddw_high_u16(add, all))}};
    }
  }
};

/// Writes chunks: zero point, saturation, bounds. What saturates first stays outside of the bounds.
template <class T>
struct writer {
  int32x4_t zero, lo, hi;
  writer(std::int32_t z, std::int32_t low, std::int32_t high)
      : zero(vdupq_n_s32(z)), lo(vdupq_n_s32(low)), hi(vdupq_n_s32(high)) {}
  QNNX_INLINE void operator()(typename T::storage* y, const numbers<T>& q) const {
    constexpr bool is_signed = is_signed_fixed(T::code);
    if constexpr (bits_of(T::code) == 8) {
      const int16x8_t z = vmovn_high_s32(vmovn_s32(zero), zero);
      const int16x8_t low = vmovn_high_s32(vmovn_s32(lo), lo), high = vmovn_high_s32(vmovn_s32(hi), hi);
      const auto half = [&](int32x4_t a, int32x4_t b) {
        return vmovn_s16(vminq_s16(vmaxq_s16(vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), z), low), high));
      };
      vst1q_u8(reinterpret_cast<std::uint8_t*>(y),
               vreinterpretq_u8_s8(vcombine_s8(half(q.v[0], q.v[1]), half(q.v[2], q.v[3]))));
    } else {
      const auto part = [&](int32x4_t a) { return vminq_s32(vmaxq_s32(vqaddq_s32(a, zero), lo), hi); };
      const int16x8_t all = vmovn_high_s32(vmovn_s32(part(q.v[0])), part(q.v[1]));
      if constexpr (is_signed) vst1q_s16(y, all);
      else vst1q_u16(y, vreinterpretq_u16_s16(all));
    }
  }
};

/// The fused activation on floats, as activate().
struct float_activation {
  activation act;
  float32x4_t lo, hi;
  explicit float_activation(const epilogue& e)
      : act(e.act),
        lo(vdupq_n_f32(e.act == activation::relu ? 0.0f : e.act == activation::clamp ? e.lo : -__builtin_inff())),
        hi(vdupq_n_f32(e.act == activation::clamp ? e.hi : __builtin_inff())) {}
  QNNX_INLINE float32x4_t operator()(float32x4_t x) const {
    if (act == activation::none) return x;
    const uint32x4_t keeps = act == activation::relu ? vcgtq_f32(x, lo) : vmvnq_u32(vcltq_f32(x, lo));
    const float32x4_t low = vbslq_f32(keeps, x, lo);
    return vbslq_f32(vcgtq_f32(low, hi), hi, low);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
