// SPDX-License-Identifier: Apache-2.0
#pragma once
// Transposes of small blocks in registers: 16x16 words of 32 bits (AVX2: four blocks of 8x8), 16x16 bytes, 16x16 halves of
// words (four blocks of 8x8). Layer 5a.

#include "qnnx/kernel/x86/vectors_avx2.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Writes the transpose of a block of bytes: `columns` <= 16 rows of `rows` <= 16 bytes.
inline void transpose_bytes(avx2_vectors, const std::byte* from, std::int64_t from_step, int rows, int columns,
                            std::byte* to, std::int64_t to_step) {
  const auto row = [&](int r) {
    if (r >= rows) return _mm_setzero_si128();
    if (columns == 16) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + r * from_step));
    alignas(16) std::byte few[16] = {};
    copy_few<16>(few, from + r * from_step, columns);
    return _mm_load_si128(reinterpret_cast<const __m128i*>(few));
  };
  // Each step puts the first and the second half of the rows together: after four, columns are rows. a[i] has rows i and
  // i + 4 in its halves, later the lines that the same step makes of both.
  __m256i a[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) a[i] = _mm256_set_m128i(row(i + 8), row(i));
  __m256i b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {  // rows i and i + 8 byte by byte: 32 bytes, (row, row + 8) of columns 0 ... 15
    const __m128i low = _mm256_castsi256_si128(a[i]);
    const __m128i high = _mm256_extracti128_si256(a[i], 1);
    b[i] = _mm256_set_m128i(_mm_unpackhi_epi8(low, high), _mm_unpacklo_epi8(low, high));
  }
  // b[i]: columns 0-7 in the low half, 8-15 in the high half, each the pair (i, i + 8)
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {  // quadruples (i, i + 4, i + 8, i + 12) of four columns to a half
    a[2 * i] = _mm256_unpacklo_epi8(b[i], b[i + 4]);
    a[2 * i + 1] = _mm256_unpackhi_epi8(b[i], b[i + 4]);
  }
  // a[2 i + h]: columns 4 h + 0 ... 3 (and 8 more), (i, i + 4, i + 8, i + 12)
#pragma GCC unroll 2
  for (int h = 0; h < 2; ++h)
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {  // eights of two columns to a half: rows i, i + 2, ... i + 14
      b[4 * h + 2 * i] = _mm256_unpacklo_epi8(a[2 * i + h], a[2 * (i + 2) + h]);
      b[4 * h + 2 * i + 1] = _mm256_unpackhi_epi8(a[2 * i + h], a[2 * (i + 2) + h]);
    }
#pragma GCC unroll 2
  for (int h = 0; h < 2; ++h)
#pragma GCC unroll 2
    for (int k = 0; k < 2; ++k) {
      a[4 * h + 2 * k] = _mm256_unpacklo_epi8(b[4 * h + k], b[4 * h + 2 + k]);
      a[4 * h + 2 * k + 1] = _mm256_unpackhi_epi8(b[4 * h + k], b[4 * h + 2 + k]);
    }
#pragma GCC unroll 8
  for (int j = 0; j < 8; ++j) {
    const auto put = [&](int column, __m128i v) {
      if (column >= columns) return;
      if (rows == 16) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to + column * to_step), v);
      alignas(16) std::byte few[16];
      _mm_store_si128(reinterpret_cast<__m128i*>(few), v);
      copy_few<16>(to + column * to_step, few, rows);
    };
    put(j, _mm256_castsi256_si128(a[j]));
    put(j + 8, _mm256_extracti128_si256(a[j], 1));
  }
}
/// The same of 16-bit elements; steps in bytes. Of both sets: an 8x8 block is 8 vectors of 16 bytes.
inline void transpose_halves(const std::byte* from, std::int64_t from_step, int rows, int columns, std::byte* to, std::int64_t to_step) {
  for (int c = 0; c < columns; c += 8)
    for (int r = 0; r < rows; r += 8) {
      const int wide = columns - c < 8 ? columns - c : 8, high = rows - r < 8 ? rows - r : 8;
      __m128i x[8], t[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        const std::byte* p = from + (r + i) * from_step + c * 2;
        alignas(16) std::byte few[16] = {};
        if (i < high && wide == 8) x[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        else {
          if (i < high) copy_few<16>(few, p, wide * 2);
          x[i] = _mm_load_si128(reinterpret_cast<const __m128i*>(few));
        }
      }
      // each step puts the first and the second half of the rows together: after three, columns are rows
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) t[2 * i] = _mm_unpacklo_epi16(x[i], x[i + 4]), t[2 * i + 1] = _mm_unpackhi_epi16(x[i], x[i + 4]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) x[2 * i] = _mm_unpacklo_epi16(t[i], t[i + 4]), x[2 * i + 1] = _mm_unpackhi_epi16(t[i], t[i + 4]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) t[2 * i] = _mm_unpacklo_epi16(x[i], x[i + 4]), t[2 * i + 1] = _mm_unpackhi_epi16(x[i], x[i + 4]);
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j) {
        std::byte* p = to + (c + j) * to_step + r * 2;
        if (j >= wide) continue;
        if (high == 8) {
          _mm_storeu_si128(reinterpret_cast<__m128i*>(p), t[j]);
        } else {
          alignas(16) std::byte few[16];
          _mm_store_si128(reinterpret_cast<__m128i*>(few), t[j]);
          copy_few<16>(p, few, high * 2);
        }
      }
    }
}
/// The same of 32-bit words; steps in bytes.
inline void transpose_words(avx2_vectors, const std::byte* from, std::int64_t from_step, int rows, int columns,
                            std::byte* to, std::int64_t to_step) {
  using V = avx2_vectors;
  for (int c = 0; c < columns; c += 8)
    for (int r = 0; r < rows; r += 8) {
      __m256 x[8];
#pragma GCC unroll 8
      for (int i = 0; i < 8; ++i) {
        const auto* p = reinterpret_cast<const float*>(from + (r + i) * from_step) + c;
        x[i] = r + i >= rows ? V::all(0.0f) : columns - c >= 8 ? V::load(p) : V::load(V::first(columns - c), p);
      }
      __m256 t[8];
#pragma GCC unroll 4
      for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
      }
#pragma GCC unroll 2
      for (int i = 0; i < 8; i += 4) {  // x[i + j]: column j of rows i ... i + 3, and column 4 + j
        x[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        x[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        x[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        x[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
      }
#pragma GCC unroll 8
      for (int j = 0; j < 8; ++j) {
        const __m256 v = j < 4 ? _mm256_permute2f128_ps(x[j], x[j + 4], 0x20) : _mm256_permute2f128_ps(x[j - 4], x[j], 0x31);
        auto* p = reinterpret_cast<float*>(to + (c + j) * to_step) + r;
        if (c + j < columns) {
          if (rows - r >= 8) V::store(p, v);
          else V::store(V::first(rows - r), p, v);
        }
      }
    }
}
}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif

#if QNNX_HAS_AVX512VBMI
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
QNNX_INLINE void transpose_bytes(avx512_vectors, const std::byte* from, std::int64_t from_step, int rows, int columns, std::byte* to,
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
QNNX_INLINE void transpose_words(avx512_vectors, const std::byte* from, std::int64_t from_step, int rows, int columns, std::byte* to,
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
