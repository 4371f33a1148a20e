// SPDX-License-Identifier: Apache-2.0
#pragma once
// The inner step of sums of products, per vector type: one 4-byte piece of a data row times one vector of packed
// weights, added to one vector of accumulators.
//   float      a piece is one float, a vector of weights holds one row of channels; fused multiply-add, in the order
//              of the taps, so |fast - reference| <= 2 g (|bias| + sum |x w|), g = n u / (1 - n u), n taps, u = 2^-24
//              (3x3 windows of stride 1 go to winograd_floats.hpp, which has a bound of its own)
//   8 bit      a piece is 4 bytes of u8 data, weights are s8 in groups of 4 taps (vpdpbusd): exact modulo 2^32.
//              Signed data is read with its sign bit flipped (x + 128)
//   16 bit     8-bit data that was widened before, its offset added: a piece is 2 values, weights are pairs of s8, or of
//              s16 with their offset in (vpmaddwd, vpdpwssd): exact, where vpmaddubsw would saturate
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
  static constexpr int lane_bytes = 4;   // of packed weights, per channel and piece
  static QNNX_INLINE vec load_weights(const void* p) { return load(p); }
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
  /// store or store_first.
  static QNNX_INLINE void store_most(float* p, vec v, std::int64_t n) { n >= lanes ? store(p, v) : store_first(p, v, n); }
  static QNNX_INLINE vec sum(vec a, vec b) { return _mm256_add_ps(a, b); }
  static QNNX_INLINE vec activate(vec v, activation act, float lo, float hi) {
    if (act == activation::relu) return _mm256_max_ps(v, _mm256_setzero_ps());  // of a NaN and 0 the second: 0
    if (act == activation::clamp) return _mm256_max_ps(_mm256_set1_ps(lo), _mm256_min_ps(_mm256_set1_ps(hi), v));
    return v;
  }
};

/// 8 channels of widened data, 2 taps at once; Weight is how weights are packed.
template <class Weight>
struct s16x8 {
  using vec = __m256i;
  using weight = Weight;
  static constexpr int lanes = 8;
  static constexpr int group = 2;
  static constexpr int piece_elements = 2;
  static constexpr int lane_bytes = 2 * sizeof(Weight);
  static QNNX_INLINE vec load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static QNNX_INLINE void store(void* p, vec v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  static QNNX_INLINE vec load_weights(const void* p) {
    if constexpr (sizeof(Weight) == 1) return _mm256_cvtepi8_epi16(_mm_loadu_si128(static_cast<const __m128i*>(p)));
    else return load(p);
  }
  static QNNX_INLINE vec sum(vec a, vec b) { return _mm256_add_epi32(a, b); }
  static QNNX_INLINE vec flip(std::uint32_t) { return _mm256_setzero_si256(); }
  static QNNX_INLINE vec piece(const std::byte* p, vec) {
    std::int32_t two = 0;
    std::memcpy(&two, p, 4);
    return _mm256_set1_epi32(two);
  }
  static QNNX_INLINE vec plain_piece(const std::byte* p) { return piece(p, vec{}); }
  static QNNX_INLINE void add_product(vec& acc, vec x, vec w) {
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(x, w));
    asm("" : "+x"(acc));  // else g++ 12 makes all products of a tile first, and spills them
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif

#if QNNX_HAS_AVXVNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// 8 channels of 8-bit data and weights, 4 taps at once.
struct u8s8x8 {
  using vec = __m256i;
  static constexpr int lanes = 8;
  static constexpr int group = 2;
  static constexpr int piece_elements = 4;
  static constexpr int lane_bytes = 4;
  static QNNX_INLINE vec load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static QNNX_INLINE void store(void* p, vec v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  static QNNX_INLINE vec load_weights(const void* p) { return load(p); }
  static QNNX_INLINE vec sum(vec a, vec b) { return _mm256_add_epi32(a, b); }
  static QNNX_INLINE vec flip(std::uint32_t pattern) { return _mm256_set1_epi32(static_cast<int>(pattern)); }
  static QNNX_INLINE vec piece(const std::byte* p, vec flipped) {
    std::int32_t four = 0;
    std::memcpy(&four, p, 4);
    return _mm256_xor_si256(flipped, _mm256_set1_epi32(four));
  }
  static QNNX_INLINE vec plain_piece(const std::byte* p) {
    std::int32_t four = 0;
    std::memcpy(&four, p, 4);
    return _mm256_set1_epi32(four);
  }
  static QNNX_INLINE void add_product(vec& acc, vec x, vec w) {
#if QNNX_HAS_DOT_BYTES_WRITTEN_OUT
    const __m256i even = _mm256_set1_epi16(0xff);  // 16-bit products of single taps, which nothing saturates
    const __m256i low = _mm256_madd_epi16(_mm256_and_si256(x, even), _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8));
    const __m256i high = _mm256_madd_epi16(_mm256_srli_epi16(x, 8), _mm256_srai_epi16(w, 8));
    acc = _mm256_add_epi32(acc, _mm256_add_epi32(low, high));
#else
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(x), "x"(w));
#endif
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
  static constexpr int lane_bytes = 4;
  static QNNX_INLINE vec load_weights(const void* p) { return load(p); }
  static QNNX_INLINE vec load(const void* p) { return _mm512_loadu_ps(p); }
  static QNNX_INLINE void store(void* p, vec v) { _mm512_storeu_ps(p, v); }
  static QNNX_INLINE vec flip(std::uint32_t) { return _mm512_setzero_ps(); }
  static QNNX_INLINE vec piece(const std::byte* p, vec) { return _mm512_set1_ps(*reinterpret_cast<const float*>(p)); }
  static QNNX_INLINE void add_product(vec& acc, vec x, vec w) { acc = _mm512_fmadd_ps(x, w, acc); }
  static QNNX_INLINE __mmask16 first(std::int64_t n) { return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << n) - 1); }
  /// The first n floats; the others are 0, respectively not written.
  static QNNX_INLINE vec load_first(const float* p, std::int64_t n) { return _mm512_maskz_loadu_ps(first(n), p); }
  static QNNX_INLINE void store_first(float* p, vec v, std::int64_t n) { _mm512_mask_storeu_ps(p, first(n), v); }
  static QNNX_INLINE void store_most(float* p, vec v, std::int64_t n) { store_first(p, v, n); }
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
  static constexpr int lane_bytes = 4;
  static QNNX_INLINE vec load_weights(const void* p) {
    vec w = load(p);
    asm("" : "+v"(w));  // in a register: g++ 12 loads them again for each row
    return w;
  }
  static QNNX_INLINE vec load(const void* p) { return _mm512_loadu_si512(p); }
  static QNNX_INLINE void store(void* p, vec v) { _mm512_storeu_si512(p, v); }
  static QNNX_INLINE vec sum(vec a, vec b) { return _mm512_add_epi32(a, b); }
  static QNNX_INLINE vec flip(std::uint32_t pattern) { return _mm512_set1_epi32(static_cast<int>(pattern)); }
  static QNNX_INLINE vec piece(const std::byte* p, vec flipped) {
    std::int32_t four = 0;
    std::memcpy(&four, p, 4);
    return _mm512_xor_si512(flipped, _mm512_set1_epi32(four));  // one instruction: xor with a broadcast from memory
  }
  static QNNX_INLINE vec plain_piece(const std::byte* p) {
    std::int32_t four = 0;
    std::memcpy(&four, p, 4);
    return _mm512_set1_epi32(four);
  }
  /// g++ 12 spills around the intrinsic; one line of assembly does not.
  static QNNX_INLINE void add_product(vec& acc, vec x, vec w) { asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w)); }
};

/// 16 channels of widened data and weights, 2 taps at once.
struct s16x16 {
  using vec = __m512i;
  static constexpr int lanes = 16;
  static constexpr int group = 4;
  static constexpr int piece_elements = 2;
  static constexpr int lane_bytes = 4;
  static QNNX_INLINE vec load_weights(const void* p) { return load(p); }
  static QNNX_INLINE vec load(const void* p) { return _mm512_loadu_si512(p); }
  static QNNX_INLINE void store(void* p, vec v) { _mm512_storeu_si512(p, v); }
  static QNNX_INLINE vec sum(vec a, vec b) { return _mm512_add_epi32(a, b); }
  static QNNX_INLINE vec flip(std::uint32_t) { return _mm512_setzero_si512(); }
  static QNNX_INLINE vec piece(const std::byte* p, vec) {
    std::int32_t two = 0;
    std::memcpy(&two, p, 4);
    return _mm512_set1_epi32(two);
  }
  static QNNX_INLINE void add_product(vec& acc, vec x, vec w) { asm("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(x), "v"(w)); }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
