// SPDX-License-Identifier: Apache-2.0
#pragma once
// Transposes of small blocks in registers: 16x16 words of 32 bits, 16x16 bytes. Layer 5a.

#include "qnnx/kernel/contract.hpp"

#if QNNX_HAS_AVX512VBMI
#include <immintrin.h>

namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// r[i] lane j becomes r[j] lane i.
QNNX_INLINE void transpose_words(__m512i (&r)[16]) {
  __m512i t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {  // pairs of rows: words of two rows side by side
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {  // four rows: r[i + j] has in lane group L column 4 L + j of rows i ... i + 3
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
#pragma GCC unroll 16
  for (int j = 0; j < 4; ++j) {
    const __m512i a = _mm512_shuffle_i32x4(r[j], r[j + 4], 0x88);       // columns j, 8 + j of rows 0-3, 4-7
    const __m512i b = _mm512_shuffle_i32x4(r[j + 8], r[j + 12], 0x88);  // of rows 8-11, 12-15
    const __m512i c = _mm512_shuffle_i32x4(r[j], r[j + 4], 0xdd);       // columns 4 + j, 12 + j
    const __m512i d = _mm512_shuffle_i32x4(r[j + 8], r[j + 12], 0xdd);
    t[j] = _mm512_shuffle_i32x4(a, b, 0x88);
    t[j + 8] = _mm512_shuffle_i32x4(a, b, 0xdd);
    t[j + 4] = _mm512_shuffle_i32x4(c, d, 0x88);
    t[j + 12] = _mm512_shuffle_i32x4(c, d, 0xdd);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) r[i] = t[i];
}

/// Four rows of 16 bytes, one to a lane group: byte r of word j becomes byte j of row r.
QNNX_INLINE __m512i columns_to_words(__m512i rows) {
  const __m512i order =
      _mm512_set_epi8(63, 47, 31, 15, 62, 46, 30, 14, 61, 45, 29, 13, 60, 44, 28, 12, 59, 43, 27, 11, 58, 42, 26, 10,
                      57, 41, 25, 9, 56, 40, 24, 8, 55, 39, 23, 7, 54, 38, 22, 6, 53, 37, 21, 5, 52, 36, 20, 4, 51, 35,
                      19, 3, 50, 34, 18, 2, 49, 33, 17, 1, 48, 32, 16, 0);
  return _mm512_permutexvar_epi8(order, rows);
}

/// Writes the transpose of a block of bytes: `columns` <= 16 rows of `rows` <= 16 bytes.
QNNX_INLINE void transpose_bytes(const std::byte* from, std::int64_t from_step, int rows, int columns, std::byte* to,
                                 std::int64_t to_step) {
  const auto read = static_cast<__mmask16>((1u << columns) - 1);
  const auto write = static_cast<__mmask16>((1u << rows) - 1);
  const auto row = [&](int r) {
    return r < rows ? _mm_maskz_loadu_epi8(read, from + r * from_step) : _mm_setzero_si128();
  };
  __m512i q[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    __m512i v = _mm512_castsi128_si512(row(4 * i));
    v = _mm512_inserti32x4(v, row(4 * i + 1), 1);
    v = _mm512_inserti32x4(v, row(4 * i + 2), 2);
    q[i] = columns_to_words(_mm512_inserti32x4(v, row(4 * i + 3), 3));
  }
  const __m512i low01 = _mm512_unpacklo_epi32(q[0], q[1]);
  const __m512i high01 = _mm512_unpackhi_epi32(q[0], q[1]);
  const __m512i low23 = _mm512_unpacklo_epi32(q[2], q[3]);
  const __m512i high23 = _mm512_unpackhi_epi32(q[2], q[3]);
  const __m512i out[4] = {_mm512_unpacklo_epi64(low01, low23), _mm512_unpackhi_epi64(low01, low23),
                          _mm512_unpacklo_epi64(high01, high23),
                          _mm512_unpackhi_epi64(high01, high23)};  // column 4 L + j in lane group L of out[j]
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    const auto put = [&](int column, __m128i v) {
      if (column < columns) _mm_mask_storeu_epi8(to + column * to_step, write, v);
    };
    put(j, _mm512_castsi512_si128(out[j]));
    put(4 + j, _mm512_extracti32x4_epi32(out[j], 1));
    put(8 + j, _mm512_extracti32x4_epi32(out[j], 2));
    put(12 + j, _mm512_extracti32x4_epi32(out[j], 3));
  }
}
/// The same of 32-bit words; steps in bytes.
QNNX_INLINE void transpose_words(const std::byte* from, std::int64_t from_step, int rows, int columns, std::byte* to,
                                 std::int64_t to_step) {
  const auto read = static_cast<__mmask16>((1u << columns) - 1);
  const auto write = static_cast<__mmask16>((1u << rows) - 1);
  __m512i r[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i)
    r[i] = i < rows ? _mm512_maskz_loadu_epi32(read, from + i * from_step) : _mm512_setzero_si512();
  transpose_words(r);
#pragma GCC unroll 16
  for (int j = 0; j < 16; ++j)
    if (j < columns) _mm512_mask_storeu_epi32(to + j * to_step, write, r[j]);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
