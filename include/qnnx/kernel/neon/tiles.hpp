// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums of products on aarch64: rows of data (windows of output pixels) times panels of eight channels. A unit is
// compiled for one of three levels, each with its own panel of 16 window elements by 8 channels:
//   neon      [16][8]: bytes widened to 16 bits, multiply-add by a lane; 16-bit data as it is
//   neon_dot  [4][8][4]: sdot, four elements of four channels an instruction
//   i8mm      [2][4][2][8]: smmla, eight elements of two channels and two rows an instruction
// The last two take 16-bit data as two rows of signed bytes, x = 256 high + low + 128. 4-bit weights stand in the same
// order: byte i of 16 has weight i of one vector in its low half, of the next in its high half. Exact modulo 2^32. Floats:
// panels [16][8], fused multiply-adds in the reference's order, so
// |fast - reference| <= 2 g (|bias| + sum |x w|), g = n u / (1 - n u), n products, u = 2^-24. Layer 5a.

#include "qnnx/kernel/contract.hpp"

#if QNNX_HAS_NEON
#include <arm_neon.h>

#include "qnnx/kernel/neon/panels.hpp"

namespace qnnx::inline QNNX_ABI::kernel::neon {

/// Two vectors of weights, the ones that follow each other in a panel; Bits 4: of 16 bytes.
template <int Bits>
QNNX_INLINE int8x16x2_t two_vectors(const std::int8_t* w) {
  if constexpr (Bits == 4) {
    const int8x16_t both = vld1q_s8(w);
    return {{vshrq_n_s8(vshlq_n_s8(both, 4), 4), vshrq_n_s8(both, 4)}};
  } else {
    return {{vld1q_s8(w), vld1q_s8(w + 16)}};
  }
}

/// Sums of Rows rows and eight channels; row r begins at x + r * pitch, `panels` panels of weights of Bits bits. X is
/// int8_t, at level neon int16_t too.
template <int Rows, int Bits, class X>
QNNX_NOINLINE void row_tile(const X* x, std::ptrdiff_t pitch, const std::int8_t* w, std::int32_t panels,
                            std::int32_t* sums) {
  constexpr int pair_bytes = 4 * Bits;  // of two vectors
#if QNNX_HAS_I8MM
  constexpr int pairs = (Rows + 1) / 2;
  int32x4_t acc[pairs][4] = {};  // [row pair][channel pair]: (r0 c0, r0 c1, r1 c0, r1 c1)
  for (; panels > 0; --panels, x += 16, w += 4 * pair_bytes) {
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      const std::int8_t* const at = w + 2 * h * pair_bytes;
      const int8x16x2_t w0 = two_vectors<Bits>(at), w1 = two_vectors<Bits>(at + pair_bytes);
#pragma GCC unroll 4
      for (int p = 0; p < pairs; ++p) {
        const int8x8_t first = vld1_s8(x + 2 * p * pitch + 8 * h);
        const int8x16_t v =
            vcombine_s8(first, 2 * p + 1 < Rows ? vld1_s8(x + (2 * p + 1) * pitch + 8 * h) : first);
        acc[p][0] = vmmlaq_s32(acc[p][0], v, w0.val[0]);
        acc[p][1] = vmmlaq_s32(acc[p][1], v, w0.val[1]);
        acc[p][2] = vmmlaq_s32(acc[p][2], v, w1.val[0]);
        acc[p][3] = vmmlaq_s32(acc[p][3], v, w1.val[1]);
      }
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < pairs; ++p)
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      const auto a = vreinterpretq_s64_s32(acc[p][2 * h]), b = vreinterpretq_s64_s32(acc[p][2 * h + 1]);
      vst1q_s32(sums + 16 * p + 4 * h, vreinterpretq_s32_s64(vzip1q_s64(a, b)));
      if (2 * p + 1 < Rows) vst1q_s32(sums + 16 * p + 8 + 4 * h, vreinterpretq_s32_s64(vzip2q_s64(a, b)));
    }
#else
  int32x4_t acc[Rows][2] = {};
  for (; panels > 0; --panels, x += 16, w += 4 * pair_bytes) {
#if QNNX_HAS_NEON_DOT
    int8x16_t v[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) v[r] = vld1q_s8(x + r * pitch);
    const auto step = [&]<int Q>(std::integral_constant<int, Q>) {
      const int8x16x2_t wide = two_vectors<Bits>(w + pair_bytes * Q);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        acc[r][0] = vdotq_laneq_s32(acc[r][0], wide.val[0], v[r], Q);
        acc[r][1] = vdotq_laneq_s32(acc[r][1], wide.val[1], v[r], Q);
      }
    };
    step(std::integral_constant<int, 0>{}), step(std::integral_constant<int, 1>{});
    step(std::integral_constant<int, 2>{}), step(std::integral_constant<int, 3>{});
#else
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
      int16x8_t v[Rows];
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        if constexpr (sizeof(X) == 1)
          v[r] = vmovl_s8(vld1_s8(x + r * pitch + 8 * h));
        else
          v[r] = vld1q_s16(x + r * pitch + 8 * h);
      }
      const auto step = [&]<int K>(std::integral_constant<int, K>) {  // elements K to K + 3
        const int8x16x2_t bytes = two_vectors<Bits>(w + pair_bytes * (2 * h + K / 4));
        const auto one = [&]<int L>(std::integral_constant<int, L>, int16x8_t wide) {
#pragma GCC unroll 8
          for (int r = 0; r < Rows; ++r) {
            acc[r][0] = vmlal_laneq_s16(acc[r][0], vget_low_s16(wide), v[r], L);
            acc[r][1] = vmlal_high_laneq_s16(acc[r][1], wide, v[r], L);
          }
        };
        one(std::integral_constant<int, K>{}, vmovl_s8(vget_low_s8(bytes.val[0])));
        one(std::integral_constant<int, K + 1>{}, vmovl_high_s8(bytes.val[0]));
        one(std::integral_constant<int, K + 2>{}, vmovl_s8(vget_low_s8(bytes.val[1])));
        one(std::integral_constant<int, K + 3>{}, vmovl_high_s8(bytes.val[1]));
      };
      step(std::integral_constant<int, 0>{}), step(std::integral_constant<int, 4>{});
    }
#endif
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) vst1q_s32(sums + 8 * r, acc[r][0]), vst1q_s32(sums + 8 * r + 4, acc[r][1]);
#endif
}

/// The same on floats, beginning with the bias of eight channels. `quads`: elements / 4; panels are [4][8].
template <int Rows>
QNNX_NOINLINE void float_tile(const float* x, std::ptrdiff_t pitch, const float* w, const float* bias,
                              std::int32_t quads, float* sums) {
  float32x4_t acc[Rows][2];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) acc[r][0] = vld1q_f32(bias), acc[r][1] = vld1q_f32(bias + 4);
  for (; quads > 0; --quads, x += 4, w += 32) {
    float32x4_t v[Rows];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) v[r] = vld1q_f32(x + r * pitch);
    const auto step = [&]<int K>(std::integral_constant<int, K>) {
      const float32x4_t w0 = vld1q_f32(w + 8 * K), w1 = vld1q_f32(w + 8 * K + 4);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        acc[r][0] = vfmaq_laneq_f32(acc[r][0], w0, v[r], K);
        acc[r][1] = vfmaq_laneq_f32(acc[r][1], w1, v[r], K);
      }
    };
    step(std::integral_constant<int, 0>{}), step(std::integral_constant<int, 1>{});
    step(std::integral_constant<int, 2>{}), step(std::integral_constant<int, 3>{});
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) vst1q_f32(sums + 8 * r, acc[r][0]), vst1q_f32(sums + 8 * r + 4, acc[r][1]);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
