// SPDX-License-Identifier: Apache-2.0
#pragma once
// The fixed-point exponential of TFLite's 8-bit softmax (kernel/softmax/tflite.hpp), four at a time. Layer 5a.

#include "qnnx/kernel/softmax/tflite.hpp"
#include "qnnx/kernel/neon/elements.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

/// tflite::shift_right by a constant.
template <int N>
QNNX_INLINE int32x4_t divided(int32x4_t x) {
  return vrshrq_n_s32(vqaddq_s32(x, vshrq_n_s32(x, 31)), N);
}
/// tflite::exp_small.
QNNX_INLINE int32x4_t exp_small(int32x4_t a) {
  const int32x4_t eighth = vdupq_n_s32(1895147668), third = vdupq_n_s32(715827883);
  const int32x4_t x = vaddq_s32(a, vdupq_n_s32(1 << 28)), x2 = vqrdmulhq_s32(x, x);
  const int32x4_t x3 = vqrdmulhq_s32(x2, x), x4 = vqrdmulhq_s32(x2, x2);
  const int32x4_t tail = divided<1>(vaddq_s32(vqrdmulhq_s32(vaddq_s32(divided<2>(x4), x3), third), x2));
  return vaddq_s32(eighth, vqrdmulhq_s32(eighth, vaddq_s32(x, tail)));
}
/// tflite::exp_negative.
QNNX_INLINE int32x4_t exp_negative(int32x4_t a) {
  constexpr int fraction = 26;
  constexpr std::int32_t quarter = 1 << (fraction - 2);
  constexpr std::int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const int32x4_t mod = vsubq_s32(vandq_s32(a, vdupq_n_s32(quarter - 1)), vdupq_n_s32(quarter));
  const int32x4_t remainder = vsubq_s32(mod, a);
  int32x4_t result = exp_small(vshlq_n_s32(mod, 5));  // from -2^29 on
#pragma GCC unroll 7
  for (int k = 0; k < 7; ++k) {
    const uint32x4_t has = vtstq_s32(remainder, vdupq_n_s32(quarter << k));
    result = vbslq_s32(has, vqrdmulhq_s32(result, vdupq_n_s32(factors[k])), result);
  }
  return vbslq_s32(vceqzq_s32(a), vdupq_n_s32(INT32_MAX), result);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
