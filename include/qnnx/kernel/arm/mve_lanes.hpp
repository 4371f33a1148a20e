// SPDX-License-Identifier: Apache-2.0
#pragma once
// Four numbers at a time with Helium: what the element-wise kernels are made of, as instructions and written out for other
// machines (arm/mve.hpp has the type). Layer 5a.

#include "qnnx/kernel/arm/mve.hpp"
#include "qnnx/kernel/arm/scaler.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel::mve {

#if QNNX_HAS_MVE_INSTRUCTIONS

QNNX_INLINE four splat(std::int32_t x) { return vdupq_n_s32(x); }
QNNX_INLINE four load(const std::uint8_t* p) { return vreinterpretq_s32_u32(vldrbq_u32(p)); }
QNNX_INLINE four load(const std::int8_t* p) { return vldrbq_s32(p); }
QNNX_INLINE four load(const std::uint16_t* p) { return vreinterpretq_s32_u32(vldrhq_u32(p)); }
QNNX_INLINE four load(const std::int16_t* p) { return vldrhq_s32(p); }
/// The first n of four; nothing behind them is read.
QNNX_INLINE four load(const std::uint8_t* p, std::int32_t n) { return vreinterpretq_s32_u32(vldrbq_z_u32(p, vctp32q(static_cast<std::uint32_t>(n)))); }
QNNX_INLINE four load(const std::int8_t* p, std::int32_t n) { return vldrbq_z_s32(p, vctp32q(static_cast<std::uint32_t>(n))); }
QNNX_INLINE four load(const std::uint16_t* p, std::int32_t n) { return vreinterpretq_s32_u32(vldrhq_z_u32(p, vctp32q(static_cast<std::uint32_t>(n)))); }
QNNX_INLINE four load(const std::int16_t* p, std::int32_t n) { return vldrhq_z_s32(p, vctp32q(static_cast<std::uint32_t>(n))); }
/// The low bits of each.
QNNX_INLINE void store(std::uint8_t* p, four x) { vstrbq_u32(p, vreinterpretq_u32_s32(x)); }
QNNX_INLINE void store(std::int8_t* p, four x) { vstrbq_s32(p, x); }
QNNX_INLINE void store(std::uint16_t* p, four x) { vstrhq_u32(p, vreinterpretq_u32_s32(x)); }
QNNX_INLINE void store(std::int16_t* p, four x) { vstrhq_s32(p, x); }
QNNX_INLINE void store(std::uint8_t* p, four x, std::int32_t n) { vstrbq_p_u32(p, vreinterpretq_u32_s32(x), vctp32q(static_cast<std::uint32_t>(n))); }
QNNX_INLINE void store(std::int8_t* p, four x, std::int32_t n) { vstrbq_p_s32(p, x, vctp32q(static_cast<std::uint32_t>(n))); }
QNNX_INLINE void store(std::uint16_t* p, four x, std::int32_t n) { vstrhq_p_u32(p, vreinterpretq_u32_s32(x), vctp32q(static_cast<std::uint32_t>(n))); }
QNNX_INLINE void store(std::int16_t* p, four x, std::int32_t n) { vstrhq_p_s32(p, x, vctp32q(static_cast<std::uint32_t>(n))); }

QNNX_INLINE four plus(four a, four b) { return vaddq_s32(a, b); }
QNNX_INLINE four plus(four a, std::int32_t b) { return vaddq_n_s32(a, b); }
QNNX_INLINE four minus(four a, four b) { return vsubq_s32(a, b); }
QNNX_INLINE four times(four a, four b) { return vmulq_s32(a, b); }
QNNX_INLINE four times(four a, std::int32_t b) { return vmulq_n_s32(a, b); }
QNNX_INLINE four larger(four a, four b) { return vmaxq_s32(a, b); }
QNNX_INLINE four smaller(four a, four b) { return vminq_s32(a, b); }
QNNX_INLINE four both(four a, four b) { return vandq_s32(a, b); }
QNNX_INLINE four either(four a, four b) { return vorrq_s32(a, b); }
QNNX_INLINE four differing(four a, four b) { return veorq_s32(a, b); }
QNNX_INLINE four magnitude(four a) { return vabsq_s32(a); }
/// table[at], each.
QNNX_INLINE four gather(const std::int16_t* table, four at) { return vldrhq_gather_shifted_offset_s32(table, vreinterpretq_u32_s32(at)); }
/// sum + all four; the first n of them.
QNNX_INLINE std::int32_t added(std::int32_t sum, four a) { return vaddvaq_s32(sum, a); }
QNNX_INLINE std::int32_t added(std::int32_t sum, four a, std::int32_t n) { return vaddvaq_p_s32(sum, a, vctp32q(static_cast<std::uint32_t>(n))); }
QNNX_INLINE std::int32_t largest(std::int32_t top, four a) { return vmaxvq_s32(top, a); }
/// To the left, or where n is negative to the right, rounding down.
QNNX_INLINE four shifted(four a, std::int32_t n) { return vshlq_r_s32(a, n); }
/// The same to the right with half of the last place added.
QNNX_INLINE four rounded(four a, std::int32_t n) { return vrshlq_n_s32(a, n); }
QNNX_INLINE four signs(four a) { return vshrq_n_s32(a, 31); }
/// round(2 a b / 2^32), half up; floor(a b / 2^32).
QNNX_INLINE four doubled_high(four a, std::int32_t b) { return vqrdmulhq_n_s32(a, b); }
QNNX_INLINE four high(four a, four b) { return vmulhq_s32(a, b); }
/// 1 where a is not 0.
QNNX_INLINE four not_zero(four a) { return vreinterpretq_s32_u32(vminq_u32(vreinterpretq_u32_s32(a), vdupq_n_u32(1))); }
/// The bits of a * b + c in floats, one rounding.
QNNX_INLINE four fused(four a, std::int32_t b, float c) {
  return vreinterpretq_s32_f32(vfmaq_f32(vdupq_n_f32(c), vcvtq_f32_s32(a), vreinterpretq_f32_s32(vdupq_n_s32(b))));
}

#else

inline std::int32_t wrap(std::int64_t x) { return static_cast<std::int32_t>(static_cast<std::uint32_t>(x & 0xffffffff)); }
template <class F>
four each_lane(F&& f) {
  four r{};
  for (int i = 0; i < 4; ++i) r.v[i] = wrap(f(i));
  return r;
}
inline four splat(std::int32_t x) { return {{x, x, x, x}}; }
template <class T>
four load(const T* p, std::int32_t n = 4) {
  return each_lane([&](int i) { return i < n ? std::int64_t{p[i]} : 0; });
}
template <class T>
void store(T* p, four x, std::int32_t n = 4) {
  for (int i = 0; i < 4 && i < n; ++i) p[i] = static_cast<T>(x.v[i]);
}
inline four plus(four a, four b) { return each_lane([&](int i) { return std::int64_t{a.v[i]} + b.v[i]; }); }
inline four plus(four a, std::int32_t b) { return plus(a, splat(b)); }
inline four minus(four a, four b) { return each_lane([&](int i) { return std::int64_t{a.v[i]} - b.v[i]; }); }
inline four times(four a, four b) { return each_lane([&](int i) { return std::int64_t{a.v[i]} * b.v[i]; }); }
inline four times(four a, std::int32_t b) { return times(a, splat(b)); }
inline four larger(four a, four b) { return each_lane([&](int i) { return std::int64_t{a.v[i] > b.v[i] ? a.v[i] : b.v[i]}; }); }
inline four smaller(four a, four b) { return each_lane([&](int i) { return std::int64_t{a.v[i] < b.v[i] ? a.v[i] : b.v[i]}; }); }
inline four both(four a, four b) { return each_lane([&](int i) { return std::int64_t{a.v[i] & b.v[i]}; }); }
inline four either(four a, four b) { return each_lane([&](int i) { return std::int64_t{a.v[i] | b.v[i]}; }); }
inline four differing(four a, four b) { return each_lane([&](int i) { return std::int64_t{a.v[i] ^ b.v[i]}; }); }
inline four magnitude(four a) { return each_lane([&](int i) { return std::int64_t{a.v[i] < 0 ? -a.v[i] : a.v[i]}; }); }
inline four gather(const std::int16_t* table, four at) { return each_lane([&](int i) { return std::int64_t{table[at.v[i]]}; }); }
inline std::int32_t added(std::int32_t sum, four a, std::int32_t n = 4) {
  for (int i = 0; i < 4 && i < n; ++i) sum = wrap(std::int64_t{sum} + a.v[i]);
  return sum;
}
inline std::int32_t largest(std::int32_t top, four a) {
  for (const std::int32_t v : a.v) top = v > top ? v : top;
  return top;
}
inline four shifted(four a, std::int32_t n) { return each_lane([&](int i) { return n >= 0 ? std::int64_t{a.v[i]} << n : std::int64_t{a.v[i]} >> -n; }); }
inline four rounded(four a, std::int32_t n) { return each_lane([&](int i) { return std::int64_t{rounding_shift(a.v[i], n)}; }); }
inline four signs(four a) { return shifted(a, -31); }
inline four doubled_high(four a, std::int32_t b) { return each_lane([&](int i) { return (std::int64_t{a.v[i]} * b + (1 << 30)) >> 31; }); }
inline four high(four a, four b) { return each_lane([&](int i) { return (std::int64_t{a.v[i]} * b.v[i]) >> 32; }); }
inline four not_zero(four a) { return each_lane([&](int i) { return std::int64_t{a.v[i] != 0}; }); }
inline four fused(four a, std::int32_t b, float c) {
  return each_lane([&](int i) {
    return std::int64_t{std::bit_cast<std::int32_t>(__builtin_fmaf(static_cast<float>(a.v[i]), std::bit_cast<float>(b), c))};
  });
}

#endif

/// dsp::scaler on four numbers.
template <bool Wide>
struct scaler {
  dsp::scaler<Wide> s;
  std::int32_t zero;

  template <class Rounding>
  QNNX_INLINE four operator()(four x, Rounding r) const {
    if (r.mode() == rounding_mode::rne && s.by_float) return plus(fused(x, s.factor, 12582912.0f), s.add);
    if (r.mode() == rounding_mode::tflite) {
      const four h = plus(doubled_high(shifted(x, s.left - 1), s.factor), both(signs(x), splat(s.sign)));
      return plus(rounded(h, -s.shift), zero);
    }
    const four wide = shifted(x, s.left), h = high(wide, splat(s.factor));
    if (r.mode() == rounding_mode::half_up) return plus(rounded(h, -s.shift), zero);
    const four low = times(wide, s.factor), odd = both(shifted(h, -s.shift), splat(1));
    return shifted(plus(plus(h, not_zero(either(low, odd))), s.add), -s.shift);
  }
};

/// Bounds of a type of 8 or 16 bits, or narrower ones.
template <class T>
struct bounder {
  four lo, hi;
  explicit bounder(const dsp::bounder<T>& b) : lo(splat(b.lo < b.least ? b.least : b.lo)), hi(splat(b.hi > b.most ? b.most : b.hi)) {}
  QNNX_INLINE four operator()(four q) const { return smaller(larger(q, lo), hi); }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::mve
#endif
