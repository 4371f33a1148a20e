// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pieces of the Helium kernels for 16-bit data with 8- and 4-bit weights and 8-bit data with 4-bit weights, and the same
// written out for other machines. Layer 5a.
//   16 by 8 bits  eight elements an instruction; weights are widened as they are loaded: per eight elements four rows of
//                 8 bytes
//   16 by 4 bits  per 16 elements four rows of 8 bytes, elements 0..7 in the low nibbles, 8..15 in the high ones: bytes are
//                 widened as they are loaded, then shifted
//   8 by 4 bits   per 32 elements four rows of 16 bytes, elements 0..15 in the low nibbles, 16..31 in the high ones:
//                 w << 4 and w & 0xf0 are 16 times the weights, and the sums 16 times theirs
//   four outputs  of 16 bits as arm/finish_16.hpp: high multiply, then a rounding shift; rne: 1 less before the shift
//                 where neither the lower word nor the lowest kept bit is set

#include "qnnx/kernel/arm/finish_16.hpp"
#include "qnnx/kernel/arm/mve.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel::mve {

/// Puts channel j of a node with 16-bit data into a quad head. General form: the bias is shift-free, `add` its upper word.
template <bool Once, class Rounding>
void set_16(quad_head& h, int j, const dsp::channel_facts_16& f, Rounding r, bool fast) {
  const dsp::channel_head c = f.head<Once>(r, fast);
  h.bias[j] = c.bias;
  h.factor[j] = c.factor;
  h.shift[j] = fast ? -c.shift : c.add;
  h.add[j] = !fast ? c.shift : f.is_constant<Once>(r) ? f.output<Once>(f.bias, r) : f.zero;
}
/// The general form of up to four 64-bit sums.
template <bool Once, class T, class Rounding>
QNNX_NOINLINE void finish_general_16(const std::int64_t* sums, const quad_head& h, std::int32_t zero, limits l,
                                     Rounding r, T* y, std::int32_t step, std::int32_t count) {
  for (std::int32_t j = 0; j < count; ++j)
    y[j * step] = static_cast<T>(dsp::finish_general_16<Once>(
        sums[j], dsp::channel_head{h.bias[j], h.factor[j], h.shift[j], h.add[j]}, zero, l.lo, l.hi, r));
}

#if QNNX_HAS_MVE_INSTRUCTIONS

/// Four sums (bias not yet in) to 16-bit outputs as 32-bit lanes.
template <class Rounding>
QNNX_INLINE four finish_four_16(four sums, const quad_head& h, limits l, Rounding r) {
  const four v = vaddq_s32(sums, vldrwq_s32(h.bias)), factor = vldrwq_s32(h.factor), shift = vldrwq_s32(h.shift);
  four high = vmulhq_s32(v, factor);
  if (r.mode() == rounding_mode::rne) {
    const four rest = vorrq_s32(vmulq_s32(v, factor), vandq_s32(vshlq_s32(high, shift), vdupq_n_s32(1)));
    // not VSUB under a comparison: g++ 12 ends with an internal error at -Os
    const uint32x4_t one = vdupq_n_u32(1), above = vminq_u32(vreinterpretq_u32_s32(rest), one);
    high = vaddq_s32(high, vreinterpretq_s32_u32(vsubq_u32(above, one)));
  }
  const four q = vaddq_s32(vrshlq_s32(high, shift), vldrwq_s32(h.add));
  return vminq_s32(vmaxq_s32(q, vdupq_n_s32(l.lo)), vdupq_n_s32(l.hi));
}
QNNX_INLINE void store_four(std::int16_t* y, four q) {
  vstrhq_s32(y, q);
}
QNNX_INLINE void store_four(std::int16_t* y, four q, std::int32_t count) {
  vstrhq_p_s32(y, q, vctp32q(static_cast<std::uint32_t>(count)));
}
QNNX_INLINE void store_eight(std::int16_t* y, four even, four odd) {
  vstrhq_s16(y, vmovntq_s32(vreinterpretq_s16_s32(even), odd));
}

/// Sums of 8 * steps elements of one or two rows of 16-bit data with four channels.
QNNX_INLINE pair_of_sums two_rows(const std::int16_t* x0, const std::int16_t* x1, const std::int8_t* w,
                                  std::int32_t steps) {
  register const std::int16_t* a asm("r1") = x0;
  register const std::int16_t* b asm("r3") = x1;
  register const std::int8_t* k asm("r5") = w;
  register std::int32_t n asm("r9") = steps;
  pair_of_sums s;
  asm volatile(
      "movs r0, #0\n\tmovs r2, #0\n\tmovs r4, #0\n\tmovs r6, #0\n\t"
      "mov r8, #0\n\tmov r10, #0\n\tmov r12, #0\n\tmov lr, #0\n"
      "1:\n\t"
      "vldrh.16 q0, [r1], #16\n\t"
      "vldrh.16 q1, [r3], #16\n\t"
      "vldrb.s16 q2, [r5], #8\n\t"
      "vmladava.s16 r0, q0, q2\n\t"
      "vmladava.s16 r2, q1, q2\n\t"
      "vldrb.s16 q2, [r5], #8\n\t"
      "vmladava.s16 r4, q0, q2\n\t"
      "vmladava.s16 r6, q1, q2\n\t"
      "vldrb.s16 q2, [r5], #8\n\t"
      "vmladava.s16 r8, q0, q2\n\t"
      "vmladava.s16 r10, q1, q2\n\t"
      "vldrb.s16 q2, [r5], #8\n\t"
      "vmladava.s16 r12, q0, q2\n\t"
      "vmladava.s16 lr, q1, q2\n\t"
      "subs r9, r9, #1\n\t"
      "bne 1b\n\t"
      "vmov %q[f][2], %q[f][0], r0, r8\n\t"
      "vmov %q[f][3], %q[f][1], r4, r12\n\t"
      "vmov %q[s][2], %q[s][0], r2, r10\n\t"
      "vmov %q[s][3], %q[s][1], r6, lr"
      : [f] "=&w"(s.first), [s] "=&w"(s.second), "+r"(a), "+r"(b), "+r"(k), "+r"(n)
      :
      : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q0", "q1", "q2", "cc", "memory");
  return s;
}
#define QNNX_NIBBLE_CHANNEL(FIRST, SECOND) \
  "vldrb.8 q2, [r5], #16\n\t"              \
  "vshl.i8 q5, q2, #4\n\t"                 \
  "vand q2, q2, q6\n\t"                    \
  "vmladava.s8 " FIRST ", q0, q5\n\t"      \
  "vmladava.s8 " SECOND ", q1, q5\n\t"     \
  "vmladava.s8 " FIRST ", q3, q2\n\t"      \
  "vmladava.s8 " SECOND ", q4, q2\n\t"
/// Sums of 32 * steps elements of one or two rows of 8-bit data with four channels of 4-bit weights.
QNNX_INLINE pair_of_sums two_rows_nibbles(const std::int8_t* x0, const std::int8_t* x1, const std::int8_t* w,
                                          std::int32_t steps) {
  register const std::int8_t* a asm("r1") = x0;
  register const std::int8_t* b asm("r3") = x1;
  register const std::int8_t* k asm("r5") = w;
  register std::int32_t n asm("r9") = steps;
  register four first asm("q0");
  register four second asm("q1");
  asm volatile(
      "movs r0, #0\n\tmovs r2, #0\n\tmovs r4, #0\n\tmovs r6, #0\n\t"
      "mov r8, #0\n\tmov r10, #0\n\tmov r12, #0\n\tmov lr, #0\n\t"
      "vmov.i8 q6, #0xf0\n"
      "1:\n\t"
      "vldrb.8 q0, [r1], #16\n\t"
      "vldrb.8 q3, [r1], #16\n\t"
      "vldrb.8 q1, [r3], #16\n\t"
      "vldrb.8 q4, [r3], #16\n\t" QNNX_NIBBLE_CHANNEL("r0", "r2") QNNX_NIBBLE_CHANNEL("r4", "r6")
          QNNX_NIBBLE_CHANNEL("r8", "r10") QNNX_NIBBLE_CHANNEL("r12", "lr")
      "subs r9, r9, #1\n\t"
      "bne 1b\n\t"
      "vmov q0[2], q0[0], r0, r8\n\t"
      "vmov q0[3], q0[1], r4, r12\n\t"
      "vmov q1[2], q1[0], r2, r10\n\t"
      "vmov q1[3], q1[1], r6, lr\n\t"
      "vshr.s32 q0, q0, #4\n\t"
      "vshr.s32 q1, q1, #4"
      : "=w"(first), "=w"(second), "+r"(a), "+r"(b), "+r"(k), "+r"(n)
      :
      : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q2", "q3", "q4", "q5", "q6", "cc", "memory");
  return {first, second};
}
#undef QNNX_NIBBLE_CHANNEL

#define QNNX_NIBBLE_CHANNEL(FIRST, SECOND) \
  "vldrb.s16 q2, [r5], #8\n\t"             \
  "vshl.i16 q5, q2, #12\n\t"               \
  "vshr.s16 q2, q2, #4\n\t"                \
  "vshr.s16 q5, q5, #12\n\t"               \
  "vmladava.s16 " FIRST ", q3, q2\n\t"     \
  "vmladava.s16 " SECOND ", q4, q2\n\t"    \
  "vmladava.s16 " FIRST ", q0, q5\n\t"     \
  "vmladava.s16 " SECOND ", q1, q5\n\t"
/// Sums of 16 * steps elements of one or two rows of 16-bit data with four channels of 4-bit weights.
QNNX_INLINE pair_of_sums two_rows_16_nibbles(const std::int16_t* x0, const std::int16_t* x1, const std::int8_t* w,
                                             std::int32_t steps) {
  register const std::int16_t* a asm("r1") = x0;
  register const std::int16_t* b asm("r3") = x1;
  register const std::int8_t* k asm("r5") = w;
  register std::int32_t n asm("r9") = steps;
  register four first asm("q0");
  register four second asm("q1");
  asm volatile(
      "movs r0, #0\n\tmovs r2, #0\n\tmovs r4, #0\n\tmovs r6, #0\n\t"
      "mov r8, #0\n\tmov r10, #0\n\tmov r12, #0\n\tmov lr, #0\n"
      "1:\n\t"
      "vldrh.16 q0, [r1], #16\n\t"
      "vldrh.16 q3, [r1], #16\n\t"
      "vldrh.16 q1, [r3], #16\n\t"
      "vldrh.16 q4, [r3], #16\n\t" QNNX_NIBBLE_CHANNEL("r0", "r2") QNNX_NIBBLE_CHANNEL("r4", "r6")
          QNNX_NIBBLE_CHANNEL("r8", "r10") QNNX_NIBBLE_CHANNEL("r12", "lr")
      "subs r9, r9, #1\n\t"
      "bne 1b\n\t"
      "vmov q0[2], q0[0], r0, r8\n\t"
      "vmov q0[3], q0[1], r4, r12\n\t"
      "vmov q1[2], q1[0], r2, r10\n\t"
      "vmov q1[3], q1[1], r6, lr"
      : "=w"(first), "=w"(second), "+r"(a), "+r"(b), "+r"(k), "+r"(n)
      :
      : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q2", "q3", "q4", "q5", "cc", "memory");
  return {first, second};
}
#undef QNNX_NIBBLE_CHANNEL

/// `depth` elements of one row, each with `turn` turned over; nothing behind it is read.
QNNX_INLINE four one_row(const std::int16_t* x, const std::int8_t* w, std::int32_t depth, std::int32_t turn) {
  std::int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  const int16x8_t mask = vdupq_n_s16(static_cast<std::int16_t>(turn));
  for (; depth > 0; depth -= 8, x += 8, w += 32) {
    const int16x8_t a = veorq_s16(vldrhq_z_s16(x, vctp16q(static_cast<std::uint32_t>(depth))), mask);
    a0 = vmladavaq_s16(a0, a, vldrbq_s16(w));
    a1 = vmladavaq_s16(a1, a, vldrbq_s16(w + 8));
    a2 = vmladavaq_s16(a2, a, vldrbq_s16(w + 16));
    a3 = vmladavaq_s16(a3, a, vldrbq_s16(w + 24));
  }
  return lanes(a0, a1, a2, a3);
}
QNNX_INLINE four one_row_16_nibbles(const std::int16_t* x, const std::int8_t* w, std::int32_t depth, std::int32_t turn) {
  std::int32_t s[4] = {};
  const int16x8_t mask = vdupq_n_s16(static_cast<std::int16_t>(turn));
  for (; depth > 0; depth -= 16, x += 16, w += 32) {
    const int16x8_t a = veorq_s16(vldrhq_z_s16(x, vctp16q(static_cast<std::uint32_t>(depth))), mask);
    const auto behind = static_cast<std::uint32_t>(depth > 8 ? depth - 8 : 0);
    const int16x8_t b = veorq_s16(vldrhq_z_s16(x + 8, vctp16q(behind)), mask);
    for (int j = 0; j < 4; ++j) {
      const int16x8_t k = vldrbq_s16(w + 8 * j);
      s[j] = vmladavaq_s16(vmladavaq_s16(s[j], a, vshrq_n_s16(vshlq_n_s16(k, 12), 12)), b, vshrq_n_s16(k, 4));
    }
  }
  return lanes(s[0], s[1], s[2], s[3]);
}
QNNX_INLINE four one_row_nibbles(const std::int8_t* x, const std::int8_t* w, std::int32_t depth, std::int32_t turn) {
  std::int32_t s[4] = {};
  const int8x16_t mask = vdupq_n_s8(static_cast<std::int8_t>(turn)), upper = vdupq_n_s8(-16);
  for (; depth > 0; depth -= 32, x += 32, w += 64) {
    const int8x16_t a = veorq_s8(vldrbq_z_s8(x, vctp8q(static_cast<std::uint32_t>(depth))), mask);
    const auto behind = static_cast<std::uint32_t>(depth > 16 ? depth - 16 : 0);
    const int8x16_t b = veorq_s8(vldrbq_z_s8(x + 16, vctp8q(behind)), mask);
    for (int j = 0; j < 4; ++j) {
      const int8x16_t k = vldrbq_s8(w + 16 * j);
      s[j] = vmladavaq_s8(vmladavaq_s8(s[j], a, vshlq_n_s8(k, 4)), b, vandq_s8(k, upper));
    }
  }
  return vshrq_n_s32(lanes(s[0], s[1], s[2], s[3]), 4);
}

/// Sums of eight channels over the taps of a depthwise window; rows[t] + at: eight elements of tap t.
QNNX_INLINE eight taps_of_eight_16(const std::int8_t* const* rows, std::int32_t at, const std::int8_t* w,
                                   std::int32_t channels, std::int32_t taps, std::int32_t turn) {
  eight s{vdupq_n_s32(0), vdupq_n_s32(0)};
  const int16x8_t mask = vdupq_n_s16(static_cast<std::int16_t>(turn));
  do {
    const int16x8_t x = veorq_s16(vldrhq_s16(reinterpret_cast<const std::int16_t*>(*rows++ + at)), mask);
    const int16x8_t k = vldrbq_s16(w);
    w += channels;
    s.even = vaddq_s32(s.even, vmullbq_int_s16(x, k));
    s.odd = vaddq_s32(s.odd, vmulltq_int_s16(x, k));
  } while (--taps);
  return s;
}
/// The same on 8-bit data, two taps a byte of weights, the first in the low nibble. At most 16 taps: sums fit 16 bits.
template <bool Signed>
QNNX_INLINE eight taps_of_eight_nibbles(const std::int8_t* const* rows, std::int32_t at, const std::int8_t* w,
                                        std::int32_t channels, std::int32_t pairs) {
  const auto load = [&](const std::int8_t* p) {
    if constexpr (Signed)
      return vldrbq_s16(p);
    else
      return vreinterpretq_s16_u16(vldrbq_u16(reinterpret_cast<const std::uint8_t*>(p)));
  };
  int16x8_t s = vdupq_n_s16(0);
  do {
    const int16x8_t k = vldrbq_s16(w), low = vshrq_n_s16(vshlq_n_s16(k, 12), 12);
    w += channels;
    s = vaddq_s16(s, vmulq_s16(load(*rows++ + at), low));
    s = vaddq_s16(s, vmulq_s16(load(*rows++ + at), vshrq_n_s16(k, 4)));
  } while (--pairs);
  return {vmovlbq_s16(s), vmovltq_s16(s)};
}

/// n bytes, each word of them with `mask` turned over.
QNNX_INLINE void copy_turned(std::int8_t* to, const std::int8_t* from, std::int32_t n, std::uint32_t mask) {
  const uint8x16_t m = vreinterpretq_u8_u32(vdupq_n_u32(mask));
  for (; n > 0; n -= 16, to += 16, from += 16) {
    const mve_pred16_t p = vctp8q(static_cast<std::uint32_t>(n));
    const uint8x16_t v = vldrbq_z_u8(reinterpret_cast<const std::uint8_t*>(from), p);
    vstrbq_p_u8(reinterpret_cast<std::uint8_t*>(to), veorq_u8(v, m), p);
  }
}
/// n bytes of a pattern of four.
QNNX_INLINE void fill_words(std::int8_t* to, std::uint32_t pattern, std::int32_t n) {
  const uint8x16_t v = vreinterpretq_u8_u32(vdupq_n_u32(pattern));
  for (; n > 0; n -= 16, to += 16)
    vstrbq_p_u8(reinterpret_cast<std::uint8_t*>(to), v, vctp8q(static_cast<std::uint32_t>(n)));
}

#else

template <class Rounding>
four finish_four_16(four sums, const quad_head& h, limits l, Rounding r) {
  const four v = add(sums, load_four(h.bias));
  four q{};
  for (int i = 0; i < 4; ++i) {
    const std::int64_t product = static_cast<std::int64_t>(v.v[i]) * h.factor[i];
    std::int64_t high = product >> 32;
    if (r.mode() == rounding_mode::rne && (product & 0xffffffff) == 0 && ((high >> -h.shift[i]) & 1) == 0) high -= 1;
    const std::int32_t x = rounding_shift(high, h.shift[i]) + h.add[i];
    q.v[i] = x < l.lo ? l.lo : x > l.hi ? l.hi : x;
  }
  return q;
}
inline void store_four(std::int16_t* y, four q, std::int32_t count = 4) {
  for (int i = 0; i < 4 && i < count; ++i) y[i] = static_cast<std::int16_t>(q.v[i]);
}
inline void store_eight(std::int16_t* y, four even, four odd) {
  for (int i = 0; i < 4; ++i) {
    y[2 * i] = static_cast<std::int16_t>(even.v[i]);
    y[2 * i + 1] = static_cast<std::int16_t>(odd.v[i]);
  }
}
/// Sums of value(k, c), k < depth, of four channels.
template <class Value>
four sums_of_four(std::int32_t depth, Value&& value) {
  std::uint32_t s[4] = {};
  for (std::int32_t k = 0; k < depth; ++k)
    for (int c = 0; c < 4; ++c) s[c] += static_cast<std::uint32_t>(value(k, c));
  four f{};
  for (int c = 0; c < 4; ++c) f.v[c] = static_cast<std::int32_t>(s[c]);
  return f;
}
constexpr std::int32_t nibble(std::int8_t b, bool high) {
  return high ? b >> 4 : static_cast<std::int8_t>(static_cast<std::uint8_t>(b) << 4) >> 4;
}
inline four one_row(const std::int16_t* x, const std::int8_t* w, std::int32_t depth, std::int32_t turn) {
  return sums_of_four(depth, [&](std::int32_t k, int c) {
    return static_cast<std::int16_t>(x[k] ^ turn) * w[k / 8 * 32 + 8 * c + k % 8];
  });
}
inline four one_row_16_nibbles(const std::int16_t* x, const std::int8_t* w, std::int32_t depth, std::int32_t turn) {
  return sums_of_four(depth, [&](std::int32_t k, int c) {
    return static_cast<std::int16_t>(x[k] ^ turn) * nibble(w[k / 16 * 32 + 8 * c + k % 8], k % 16 >= 8);
  });
}
inline four one_row_nibbles(const std::int8_t* x, const std::int8_t* w, std::int32_t depth, std::int32_t turn) {
  return sums_of_four(depth, [&](std::int32_t k, int c) {
    return static_cast<std::int8_t>(x[k] ^ turn) * nibble(w[k / 32 * 64 + 16 * c + k % 16], k % 32 >= 16);
  });
}
inline pair_of_sums two_rows(const std::int16_t* x0, const std::int16_t* x1, const std::int8_t* w,
                             std::int32_t steps) {
  return {one_row(x0, w, 8 * steps, 0), one_row(x1, w, 8 * steps, 0)};
}
inline pair_of_sums two_rows_16_nibbles(const std::int16_t* x0, const std::int16_t* x1, const std::int8_t* w,
                                        std::int32_t steps) {
  return {one_row_16_nibbles(x0, w, 16 * steps, 0), one_row_16_nibbles(x1, w, 16 * steps, 0)};
}
inline pair_of_sums two_rows_nibbles(const std::int8_t* x0, const std::int8_t* x1, const std::int8_t* w,
                                     std::int32_t steps) {
  return {one_row_nibbles(x0, w, 32 * steps, 0), one_row_nibbles(x1, w, 32 * steps, 0)};
}
inline eight taps_of_eight_16(const std::int8_t* const* rows, std::int32_t at, const std::int8_t* w,
                              std::int32_t channels, std::int32_t taps, std::int32_t turn) {
  eight s{};
  for (; taps > 0; --taps, ++rows, w += channels)
    for (int i = 0; i < 8; ++i) {
      std::int16_t v = 0;
      std::memcpy(&v, *rows + at + 2 * i, 2);
      (i % 2 ? s.odd : s.even).v[i / 2] += static_cast<std::int16_t>(v ^ turn) * w[i];
    }
  return s;
}
template <bool Signed>
eight taps_of_eight_nibbles(const std::int8_t* const* rows, std::int32_t at, const std::int8_t* w,
                            std::int32_t channels, std::int32_t pairs) {
  eight s{};
  for (std::int32_t t = 0; t < 2 * pairs; ++t)
    for (int i = 0; i < 8; ++i) {
      const std::int32_t x = Signed ? rows[t][at + i] : static_cast<std::uint8_t>(rows[t][at + i]);
      (i % 2 ? s.odd : s.even).v[i / 2] += x * nibble(w[t / 2 * channels + i], t % 2 != 0);
    }
  return s;
}
inline void copy_turned(std::int8_t* to, const std::int8_t* from, std::int32_t n, std::uint32_t mask) {
  for (std::int32_t k = 0; k < n; ++k)
    to[k] = static_cast<std::int8_t>(from[k] ^ static_cast<std::int8_t>(mask >> (k % 4 * 8)));
}
inline void fill_words(std::int8_t* to, std::uint32_t pattern, std::int32_t n) {
  for (std::int32_t k = 0; k < n; ++k) to[k] = static_cast<std::int8_t>(pattern >> (k % 4 * 8));
}

#endif
}  // namespace qnnx::inline QNNX_ABI::kernel::mve
#endif
