// SPDX-License-Identifier: Apache-2.0
#pragma once
// Loops over the elements of one-input kernels: bytes through a table of 256 entries, floats in vectors of 16, and
// floats as 8 doubles. Layer 5a.

#include "qnnx/kernel/contract.hpp"

#if QNNX_HAS_AVX512VBMI
#include <immintrin.h>

namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// A table of 256 bytes in four vectors.
struct byte_table {
  __m512i part[4];
  QNNX_INLINE explicit byte_table(const void* bytes) {
    for (int i = 0; i < 4; ++i) part[i] = _mm512_loadu_si512(static_cast<const char*>(bytes) + 64 * i);
  }
  QNNX_INLINE __m512i operator()(__m512i at) const {  // each half takes 7 bits of the index
    const __m512i low = _mm512_permutex2var_epi8(part[0], at, part[1]);
    return _mm512_mask_mov_epi8(low, _mm512_movepi8_mask(at), _mm512_permutex2var_epi8(part[2], at, part[3]));
  }
};

QNNX_INLINE __mmask64 first_bytes(std::int64_t n) {
  return n >= 64 ? ~0ull : (1ull << n) - 1;
}

/// y[i] = table[x[i] - lowest value of the type], the form of the reference's 8-bit tables.
template <class T>
inline void look_up(const void* table_bytes, const typename T::storage* x, void* out, std::int64_t count) {
  auto* y = static_cast<std::uint8_t*>(out);
  const byte_table table(table_bytes);
  const __m512i flip = _mm512_set1_epi8(is_signed_fixed(T::code) ? static_cast<char>(0x80) : 0);
  std::int64_t i = 0;
  for (; i + 128 <= count; i += 128) {
    const __m512i a = table(_mm512_xor_si512(flip, _mm512_loadu_si512(x + i)));
    const __m512i b = table(_mm512_xor_si512(flip, _mm512_loadu_si512(x + i + 64)));
    _mm512_storeu_si512(y + i, a);
    _mm512_storeu_si512(y + i + 64, b);
  }
  for (; i < count; i += 64) {
    const __mmask64 mask = first_bytes(count - i);
    _mm512_mask_storeu_epi8(y + i, mask, table(_mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(mask, x + i))));
  }
}

/// y[i] = f(x[i]) on 16 floats.
template <class F>
QNNX_INLINE void each_float(const float* x, float* y, std::int64_t count, F&& f) {
  std::int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    const __m512 a = f(_mm512_loadu_ps(x + i));
    const __m512 b = f(_mm512_loadu_ps(x + i + 16));
    _mm512_storeu_ps(y + i, a);
    _mm512_storeu_ps(y + i + 16, b);
  }
  for (; i < count; i += 16) {
    const auto mask = static_cast<__mmask16>(count - i >= 16 ? 0xffff : (1u << (count - i)) - 1);
    _mm512_mask_storeu_ps(y + i, mask, f(_mm512_maskz_loadu_ps(mask, x + i)));
  }
}
/// y[i] = f(x[i]) on 8 doubles, rounded to float.
template <class F>
QNNX_INLINE void each_double(const float* x, float* y, std::int64_t count, F&& f) {
  for (std::int64_t i = 0; i < count; i += 8) {
    const auto mask = static_cast<__mmask8>(count - i >= 8 ? 0xff : (1u << (count - i)) - 1);
    _mm256_mask_storeu_ps(y + i, mask, _mm512_cvtpd_ps(f(_mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, x + i)))));
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
