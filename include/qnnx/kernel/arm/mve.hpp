// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pieces of the kernels for Helium (Armv8.1-M vectors: 16 bytes, four 32-bit lanes), and the same written out for other
// machines, so that the kernels' bits can be tested on a host. 8-bit data; where products need signed numbers, unsigned ones
// have their highest bit turned over (Turned: x - 128). Layer 5a.
//   sums of four channels  packed weights per 16 elements: four rows of 16 bytes
//   four outputs           tflite: doubling high multiply, then a rounding shift of h + (sum >> 31), which sends ties
//                          away from zero; once: high multiply, then a rounding shift; rne: one fused multiply-add

#include "qnnx/kernel/arm/finish.hpp"

#if QNNX_HAS_MVE
#if QNNX_HAS_MVE_INSTRUCTIONS
#include <arm_mve.h>
#endif

namespace qnnx::inline QNNX_ABI::kernel::mve {

inline constexpr std::int32_t magic = 0x4b400000;  // 1.5 * 2^23 as a float

/// What four channels need beside their weights, in the packed form.
struct quad_head {
  std::int32_t bias[4] = {};    // with the zero point of the data folded in
  std::int32_t factor[4] = {};  // tflite: Q31 mantissa; rne: bits of the float; general: mantissa
  std::int32_t shift[4] = {};   // tflite: of the rounding shift, negative; general: exponent
  std::int32_t add[4] = {};     // the zero point, or the output of a dead channel; rne: less `magic`

  /// Puts channel j in, in the fast or the general form.
  template <bool Once, bool Signed = true, class Rounding>
  constexpr void set(int j, const dsp::channel_facts& f, Rounding r, bool fast) {
    bias[j] = f.bias;
    factor[j] = f.m.mantissa;
    shift[j] = f.m.exponent;
    add[j] = f.zero;
    if (!fast) return;
    const bool constant = f.is_constant<Once, Signed>(r);
    if (constant) add[j] = f.output<Once, Signed>(f.bias, r);
    if (r.mode() == rounding_mode::rne) {
      factor[j] = constant ? 0 : std::bit_cast<std::int32_t>(dsp::as_float(f.m));
      add[j] -= magic;
    } else if (constant) {
      factor[j] = 0;
      shift[j] = -1;
    } else if (Once) {
      shift[j] += 1;
    }
  }
};

struct limits {
  std::int32_t lo = -128;
  std::int32_t hi = 127;
};


#if QNNX_HAS_MVE_INSTRUCTIONS

using four = int32x4_t;

QNNX_INLINE four load_four(const std::int32_t* p) {
  return vldrwq_s32(p);
}
QNNX_INLINE four lanes(std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) {
  four v;
  asm("vmov %q0[2], %q0[0], %1, %3\n\tvmov %q0[3], %q0[1], %2, %4" : "=&w"(v) : "r"(a), "r"(b), "r"(c), "r"(d));
  return v;
}
QNNX_INLINE four add(four a, four b) {
  return vaddq_s32(a, b);
}

/// Four sums (bias not yet in) to outputs as 32-bit lanes.
template <bool Once, class Rounding>
QNNX_INLINE four finish_four(four sums, const quad_head& h, limits l, Rounding r) {
  const four v = vaddq_s32(sums, vldrwq_s32(h.bias));
  const four factor = vldrwq_s32(h.factor);
  four q;
  if (r.mode() == rounding_mode::rne) {
    q = vreinterpretq_s32_f32(vfmaq_f32(vdupq_n_f32(12582912.0f), vcvtq_f32_s32(v), vreinterpretq_f32_s32(factor)));
  } else {
    const four shift = vldrwq_s32(h.shift);
    if constexpr (Once)
      q = vrshlq_s32(vmulhq_s32(v, factor), shift);
    else
      q = vrshlq_s32(vaddq_s32(vqrdmulhq_s32(v, factor), vshrq_n_s32(v, 31)), shift);
  }
  q = vaddq_s32(q, vldrwq_s32(h.add));
  return vminq_s32(vmaxq_s32(q, vdupq_n_s32(l.lo)), vdupq_n_s32(l.hi));
}
QNNX_INLINE void store_four(std::int8_t* y, four q) {
  vstrbq_s32(y, q);
}
QNNX_INLINE void store_four(std::int8_t* y, four q, std::int32_t count) {
  vstrbq_p_s32(y, q, vctp32q(static_cast<std::uint32_t>(count)));
}

/// Sums of 16 * steps elements of one or two rows with four channels.
struct pair_of_sums {
  four first, second;
};
/// In assembly: VMLADAVA takes even registers only, and the compiler shuffles them.
template <bool Turned>
QNNX_INLINE pair_of_sums two_rows(const std::int8_t* x0, const std::int8_t* x1, const std::int8_t* w,
                                  std::int32_t steps) {
  register const std::int8_t* a asm("r1") = x0;
  register const std::int8_t* b asm("r3") = x1;
  register const std::int8_t* k asm("r5") = w;
  register std::int32_t n asm("r9") = steps;
  pair_of_sums s;
  asm volatile(
      "movs r0, #0\n\tmovs r2, #0\n\tmovs r4, #0\n\tmovs r6, #0\n\t"
      "mov r8, #0\n\tmov r10, #0\n\tmov r12, #0\n\tmov lr, #0\n"
      "1:\n\t"
      "vldrb.8 q0, [r1], #16\n\t"
      "vldrb.8 q1, [r3], #16\n\t"
      ".if %c[turned]\n\t"
      "vmov.i8 q2, #0x80\n\t"
      "veor q0, q0, q2\n\t"
      "veor q1, q1, q2\n\t"
      ".endif\n\t"
      "vldrb.8 q2, [r5], #16\n\t"
      "vmladava.s8 r0, q0, q2\n\t"
      "vmladava.s8 r2, q1, q2\n\t"
      "vldrb.8 q2, [r5], #16\n\t"
      "vmladava.s8 r4, q0, q2\n\t"
      "vmladava.s8 r6, q1, q2\n\t"
      "vldrb.8 q2, [r5], #16\n\t"
      "vmladava.s8 r8, q0, q2\n\t"
      "vmladava.s8 r10, q1, q2\n\t"
      "vldrb.8 q2, [r5], #16\n\t"
      "vmladava.s8 r12, q0, q2\n\t"
      "vmladava.s8 lr, q1, q2\n\t"
      "subs r9, r9, #1\n\t"
      "bne 1b\n\t"
      "vmov %q[f][2], %q[f][0], r0, r8\n\t"
      "vmov %q[f][3], %q[f][1], r4, r12\n\t"
      "vmov %q[s][2], %q[s][0], r2, r10\n\t"
      "vmov %q[s][3], %q[s][1], r6, lr"
      : [f] "=&w"(s.first), [s] "=&w"(s.second), "+r"(a), "+r"(b), "+r"(k), "+r"(n)
      : [turned] "i"(Turned ? 1 : 0)
      : "r0", "r2", "r4", "r6", "r8", "r10", "r12", "lr", "q0", "q1", "q2", "cc", "memory");
  return s;
}
/// `depth` elements of one row; nothing behind it is read.
template <bool Turned>
QNNX_INLINE four one_row(const std::int8_t* x, const std::int8_t* w, std::int32_t depth) {
  std::int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  for (; depth > 0; depth -= 16, x += 16, w += 64) {
    int8x16_t a = vldrbq_z_s8(x, vctp8q(static_cast<std::uint32_t>(depth)));
    if constexpr (Turned) a = veorq_s8(a, vdupq_n_s8(-128));
    a0 = vmladavaq_s8(a0, a, vldrbq_s8(w));
    a1 = vmladavaq_s8(a1, a, vldrbq_s8(w + 16));
    a2 = vmladavaq_s8(a2, a, vldrbq_s8(w + 32));
    a3 = vmladavaq_s8(a3, a, vldrbq_s8(w + 48));
  }
  return lanes(a0, a1, a2, a3);
}

/// Sums of eight channels: even ones and odd ones.
struct eight {
  four even, odd;
};
/// x and w of each tap: rows[t] + at and weights + t * channels.
template <bool Unsigned>
QNNX_INLINE eight taps_of_eight(const std::int8_t* const* rows, std::int32_t at, const std::int8_t* w,
                                std::int32_t channels, std::int32_t taps) {
  eight s{vdupq_n_s32(0), vdupq_n_s32(0)};
  do {
    const std::int8_t* from = *rows++ + at;
    const int16x8_t k = vldrbq_s16(w);
    int16x8_t x;
    if constexpr (Unsigned) x = vreinterpretq_s16_u16(vldrbq_u16(reinterpret_cast<const std::uint8_t*>(from)));
    else x = vldrbq_s16(from);
    w += channels;
    s.even = vaddq_s32(s.even, vmullbq_int_s16(x, k));
    s.odd = vaddq_s32(s.odd, vmulltq_int_s16(x, k));
  } while (--taps);
  return s;
}
QNNX_INLINE void store_eight(std::int8_t* y, four even, four odd) {
  vstrbq_s16(y, vmovntq_s32(vreinterpretq_s16_s32(even), odd));
}
QNNX_INLINE void copy(std::int8_t* to, const std::int8_t* from, std::int32_t n) {
  for (; n >= 16; n -= 16, to += 16, from += 16) vstrbq_s8(to, vldrbq_s8(from));
  if (n <= 0) return;
  const mve_pred16_t p = vctp8q(static_cast<std::uint32_t>(n));
  vstrbq_p_s8(to, vldrbq_z_s8(from, p), p);
}
/// rows[t] += steps[t], t < taps rounded up to four.
QNNX_INLINE void advance(const std::int8_t** rows, const std::int32_t* steps, std::int32_t taps) {
  auto* p = reinterpret_cast<std::int32_t*>(rows);
  for (; taps > 0; taps -= 4, p += 4, steps += 4) vstrwq_s32(p, vaddq_s32(vldrwq_s32(p), vldrwq_s32(steps)));
}
QNNX_INLINE void fill(std::int8_t* to, std::int8_t value, std::int32_t n) {
  for (; n > 0; n -= 16, to += 16) vstrbq_p_s8(to, vdupq_n_s8(value), vctp8q(static_cast<std::uint32_t>(n)));
}

/// Sums of eight channels over a window of at most 256 elements.
QNNX_INLINE int16x8_t load_eight(const std::int8_t* p) {
  return vldrbq_s16(p);
}
QNNX_INLINE int16x8_t load_eight(const std::uint8_t* p) {
  return vreinterpretq_s16_u16(vldrbq_u16(p));
}
template <class T>
QNNX_INLINE void add_window(const T* from, std::int32_t rows, std::int32_t columns, std::int32_t step, std::int32_t pitch,
                            std::int32_t* sum) {
  int16x8_t s = vdupq_n_s16(0);
  for (std::int32_t r = 0; r < rows; ++r, from += pitch) {
    const T* at = from;
    for (std::int32_t k = 0; k < columns; ++k, at += step) s = vaddq_s16(s, load_eight(at));
  }
  std::conditional_t<std::is_signed_v<T>, std::int16_t, std::uint16_t> lanes_of[8];
  std::memcpy(lanes_of, &s, sizeof s);
  for (int j = 0; j < 8; ++j) sum[j] = lanes_of[j];
}

#else

struct four {
  std::int32_t v[4];
};
inline four load_four(const std::int32_t* p) {
  return {{p[0], p[1], p[2], p[3]}};
}
inline four add(four a, four b) {
  for (int i = 0; i < 4; ++i)
    a.v[i] = static_cast<std::int32_t>(static_cast<std::uint32_t>(a.v[i]) + static_cast<std::uint32_t>(b.v[i]));
  return a;
}
constexpr std::int32_t rounding_shift(std::int64_t x, std::int32_t shift) {  // VRSHL to the right
  return static_cast<std::int32_t>(shift >= 0 ? x << shift : (x + (std::int64_t{1} << (-shift - 1))) >> -shift);
}
template <bool Once, class Rounding>
four finish_four(four sums, const quad_head& h, limits l, Rounding r) {
  const four v = add(sums, load_four(h.bias));
  four q{};
  for (int i = 0; i < 4; ++i) {
    std::int32_t x = 0;
    if (r.mode() == rounding_mode::rne) {
      x = std::bit_cast<std::int32_t>(
          __builtin_fmaf(static_cast<float>(v.v[i]), std::bit_cast<float>(h.factor[i]), 12582912.0f));
    } else if (Once) {
      x = rounding_shift((static_cast<std::int64_t>(v.v[i]) * h.factor[i]) >> 32, h.shift[i]);
    } else {
      x = rounding_shift(((static_cast<std::int64_t>(v.v[i]) * h.factor[i] + (1 << 30)) >> 31) + (v.v[i] >> 31),
                         h.shift[i]);
    }
    x += h.add[i];
    q.v[i] = x < l.lo ? l.lo : x > l.hi ? l.hi : x;
  }
  return q;
}
inline void store_four(std::int8_t* y, four q, std::int32_t count = 4) {
  for (int i = 0; i < 4 && i < count; ++i) y[i] = static_cast<std::int8_t>(q.v[i]);
}
struct pair_of_sums {
  four first, second;
};
template <bool Turned>
four one_row(const std::int8_t* x, const std::int8_t* w, std::int32_t depth) {
  std::uint32_t s[4] = {};
  for (std::int32_t k = 0; k < depth; ++k)
    for (int c = 0; c < 4; ++c) s[c] += static_cast<std::uint32_t>((Turned ? static_cast<std::int8_t>(x[k] ^ 0x80) : x[k]) * w[k / 16 * 64 + 16 * c + k % 16]);
  four f{};
  for (int c = 0; c < 4; ++c) f.v[c] = static_cast<std::int32_t>(s[c]);
  return f;
}
template <bool Turned>
pair_of_sums two_rows(const std::int8_t* x0, const std::int8_t* x1, const std::int8_t* w, std::int32_t steps) {
  return {one_row<Turned>(x0, w, 16 * steps), one_row<Turned>(x1, w, 16 * steps)};
}
struct eight {
  four even, odd;
};
template <bool Unsigned>
eight taps_of_eight(const std::int8_t* const* rows, std::int32_t at, const std::int8_t* w, std::int32_t channels,
                           std::int32_t taps) {
  eight s{};
  for (; taps > 0; --taps, ++rows, w += channels)
    for (int i = 0; i < 4; ++i) {
      const auto x = [&](int k) { return Unsigned ? static_cast<std::uint8_t>((*rows)[at + k]) : (*rows)[at + k]; };
      s.even.v[i] += x(2 * i) * w[2 * i];
      s.odd.v[i] += x(2 * i + 1) * w[2 * i + 1];
    }
  return s;
}
inline void store_eight(std::int8_t* y, four even, four odd) {
  for (int i = 0; i < 4; ++i) {
    y[2 * i] = static_cast<std::int8_t>(even.v[i]);
    y[2 * i + 1] = static_cast<std::int8_t>(odd.v[i]);
  }
}
inline void copy(std::int8_t* to, const std::int8_t* from, std::int32_t n) {
  if (n > 0) std::memcpy(to, from, static_cast<std::size_t>(n));
}
inline void fill(std::int8_t* to, std::int8_t value, std::int32_t n) {
  if (n > 0) std::memset(to, value, static_cast<std::size_t>(n));
}
inline void advance(const std::int8_t** rows, const std::int32_t* steps, std::int32_t taps) {
  for (std::int32_t t = 0; t < taps; ++t) rows[t] += steps[t];
}
template <class T>
void add_window(const T* from, std::int32_t rows, std::int32_t columns, std::int32_t step,
                       std::int32_t pitch, std::int32_t* sum) {
  for (int j = 0; j < 8; ++j) {
    sum[j] = 0;
    for (std::int32_t r = 0; r < rows; ++r)
      for (std::int32_t k = 0; k < columns; ++k) sum[j] += from[r * pitch + k * step + j];
  }
}

#endif

/// The general form of a quad, channel by channel: any multiplier and policy.
template <bool Once, class Rounding>
QNNX_NOINLINE void finish_general(const std::int32_t* sums, const quad_head& h, limits l, Rounding r, std::int8_t* y,
                                  std::int32_t step, std::int32_t count) {
  for (std::int32_t j = 0; j < count; ++j) {
    const auto acc =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[j]) + static_cast<std::uint32_t>(h.bias[j]));
    y[j * step] = static_cast<std::int8_t>(
        dsp::finish_general<Once>(acc, multiplier{h.factor[j], h.shift[j]}, h.add[j], l.lo, l.hi, r));
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::mve
#endif
