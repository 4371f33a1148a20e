// SPDX-License-Identifier: Apache-2.0
#pragma once
// The inner step of sums of products, per vector type: one 4-byte piece of a data row times one vector of packed
// weights, added to one vector of accumulators.
//   float      a piece is one float, a vector of weights holds one row of channels; fused multiply-add, in the order
//              of the taps, so |fast - reference| <= 2 g (|bias| + sum |x w|), g = n u / (1 - n u), n taps, u = 2^-24
//   8 bit      a piece is 4 bytes of u8 data, weights are s8 in groups of 4 taps (vpdpbusd): exact modulo 2^32.
//              Signed data is read with its sign bit flipped (x + 128)
// Layer 5a.

#include "qnnx/kernel/contract.hpp"

#if QNNX_HAS_AVX2
#include <immintrin.h>

#include <cstring>

namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// 8 floats.
struct f32x8 {
  using vec = __m256;
  static constexpr int lanes = 8;
  static constexpr int group = 2;        // vectors of channels in one tile
  static constexpr int piece_elements = 1;
  static QNNX_INLINE vec load(const void* p) { return _mm256_loadu_ps(static_cast<const float*>(p)); }
  static QNNX_INLINE void store(void* p, vec v) { _mm256_storeu_ps(static_cast<float*>(p), v); }
  static QNNX_INLINE vec flip(std::uint32_t) { return _mm256_setzero_ps(); }
  static QNNX_INLINE vec piece(const std::byte* p, vec) { return _mm256_broadcast_ss(reinterpret_cast<const float*>(p)); }
  static QNNX_INLINE void add_product(vec& acc, vec x, vec w) { acc = _mm256_fmadd_ps(x, w, acc); }
  static QNNX_INLINE __m256i first(std::int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  /// The first n floats; the others are 0, respectively not written.
  static QNNX_INLINE vec load_first(const float* p, std::int64_t n) { return _mm256_maskload_ps(p, first(n)); }
  static QNNX_INLINE void store_first(float* p, vec v, std::int64_t n) { _mm256_maskstore_ps(p, first(n), v); }
  static QNNX_INLINE vec sum(vec a, vec b) { return _mm256_add_ps(a, b); }
  static QNNX_INLINE vec activate(vec v, activation act, float lo, float hi) {
    if (act == activation::relu) return _mm256_max_ps(v, _mm256_setzero_ps());  // of a NaN and 0 the second: 0
    if (act == activation::clamp) return _mm256_max_ps(_mm256_set1_ps(lo), _mm256_min_ps(_mm256_set1_ps(hi), v));
    return v;
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// 16 floats.
struct f32x16 {
  using vec = __m512;
  static constexpr int lanes = 16;
  static constexpr int group = 4;
  static constexpr int piece_elements = 1;
  static QNNX_INLINE vec load(const void* p) { return _mm512_loadu_ps(p); }
  static QNNX_INLINE void store(void* p, vec v) { _mm512_storeu_ps(p, v); }
  static QNNX_INLINE vec flip(std::uint32_t) { return _mm512_setzero_ps(); }
  static QNNX_INLINE vec piece(const std::byte* p, vec) { return _mm512_set1_ps(*reinterpret_cast<const float*>(p)); }
  static QNNX_INLINE void add_product(vec& acc, vec x, vec w) { acc = _mm512_fmadd_ps(x, w, acc); }
  static QNNX_INLINE __mmask16 first(std::int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << n) - 1); }
  /// The first n floats; the others are 0, respectively not written.
  static QNNX_INLINE vec load_first(const float* p, std::int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static QNNX_INLINE void store_first(float* p, vec v, std::int64_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static QNNX_INLINE vec sum(vec a, vec b) { return _mm512_add_ps(a, b); }
  static QNNX_INLINE vec activate(vec v, activation act, float lo, float hi) {
    if (act == activation::relu) return _mm512_max_ps(v, _mm512_setzero_ps());  // of a NaN and 0 the second: 0
    if (act == activation::clamp) return _mm512_max_ps(_mm512_set1_ps(lo), _mm512_min_ps(_mm512_set1_ps(hi), v));
    return v;
  }
};

/// 16 channels of 8-bit data and weights, 4 taps at once.
struct u8s8x16 {
  using vec = __m512i;
  static constexpr int lanes = 16;
  static constexpr int group = 4;
  static constexpr int piece_elements = 4;
  static QNNX_INLINE vec load(const void* p) { return _mm512_loadu_si512(p); }
  static QNNX_INLINE void store(void* p, vec v) { _mm512_storeu_si512(p, v); }
  static QNNX_INLINE vec sum(vec a, vec b) { return _mm512_add_epi32(a, b); }
  static QNNX_INLINE vec flip(std::uint32_t pattern) { return _mm512_set1_epi32(static_cast<int>(pattern)); }
  static QNNX_INLINE vec piece(const std::byte* p, vec flipped) {
    std::int32_t four = 0;
    std::memcpy(&four, p, 4);
    return _mm512_xor_si512(flipped, _mm512_set1_epi32(four));  // one instruction: xor with a broadcast from memory
  }
  /// g++ 12 spills around the intrinsic; one line of assembly does not.
  static QNNX_INLINE void add_product(vec& acc, vec x, vec w) { asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w)); }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
