// SPDX-License-Identifier: Apache-2.0
#pragma once
// First layers of up to 8 channels: 16 pixels are the lanes of a vector, a channel's weights are broadcast. A row of data is
// read where it lies, 128 bytes for 16 windows: whole groups of 4 bytes by one permutation each, what is left over of the rows
// of a window is put together. Padding and the ends of rows are masks. Plain, bounded results only. Layer 5a.

#include "qnnx/kernel/x86/thin_tiles.hpp"

#if QNNX_HAS_AVX512VNNI
#if QNNX_HAS_AVX512VBMI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// A convolution as thin_pixels takes it.
struct thin_pixel_job {
  std::int64_t whole, left_bytes;  // groups of a row of a window, and what is left over of it
  const std::byte* data;
  const std::byte* w;              // [group][16 lanes][4], groups of what is left over after the others
  const std::byte* bias;
  std::uint8_t padding;
  std::uint32_t flip;
  const byte_output* o;
};

/// Some pixels of the output, counted over the batch. 16 windows take 128 bytes of a row at most.
inline QNNX_NOINLINE void thin_pixels(const window_shape& s, const thin_pixel_job& j, slice pixels) {
  const std::int64_t step = s.stride_w * s.depth;
  const std::int64_t line = s.width * s.depth;
  // Lane 4 k + i has pixel 2 k + i, or 8 + 2 k + i - 2 for i > 1: two interleavings of four channels' bytes are pixels in order
  const __m512i lane = _mm512_setr_epi32(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
  const __m512i start = _mm512_mullo_epi32(lane, _mm512_set1_epi32(static_cast<int>(step * 0x01010101)));
  const __m512i group = _mm512_add_epi8(start, _mm512_set1_epi32(0x03020100));
  const byte_output& o = *j.o;
  const auto* factors = reinterpret_cast<const float*>(o.packed + 64 + factor_word * o.padded * 4);
  const auto* bias = reinterpret_cast<const std::int32_t*>(j.bias);
  const std::int32_t up = o.is_signed ? 128 : 0;
  const __m512i base = _mm512_set1_epi32(0x4b400000 - o.zero - up);  // the bits of the constant
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(o.constants[0] + up));
  const __m512i hi = _mm512_set1_epi8(static_cast<char>(o.constants[1] + up));
  const __m512i sign = _mm512_set1_epi8(static_cast<char>(up));
  const __m512i flip = _mm512_set1_epi32(static_cast<int>(j.flip));
  const __m512i padding = _mm512_set1_epi8(static_cast<char>(j.padding));
  // Four pixels of one channel after the other, of four channels: channels of one pixel after the other
  const __m512i turned = _mm512_set4_epi32(0x0f0b0703, 0x0e0a0602, 0x0d090501, 0x0c080400);
  std::int64_t at = pixels.from % s.out_w;  // pixel of the row
  std::int64_t row = pixels.from / s.out_w % s.out_h;
  const std::byte* image = j.data + pixels.from / s.out_w / s.out_h * s.height * line;
  std::uint8_t* y = o.y + pixels.from * o.channels;
  for (std::int64_t pixel = pixels.from; pixel < pixels.to;) {
    const std::int64_t left_in_row = s.out_w - at < pixels.to - pixel ? s.out_w - at : pixels.to - pixel;
    const std::int64_t have = left_in_row < 16 ? left_in_row : 16;
    const std::int64_t top = row * s.stride_h - s.top;
    __m512i acc[8];
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) acc[c] = _mm512_set1_epi32(bias[c]);
    const std::byte* whole = j.w;
    const std::byte* rest = j.w + s.kernel_h * j.whole * 64;
    const auto add = [&](__m512i pieces, const std::byte*& weights) __attribute__((always_inline)) {
#pragma GCC unroll 8
      for (int c = 0; c < 8; ++c)
        asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(acc[c]) : "v"(pieces), "m"(reinterpret_cast<const std::int32_t*>(weights)[c]));
      weights += 64;
    };
    const std::int64_t begin = at * step - s.left * s.depth;
    const bool inside = begin >= 0 && begin + 128 <= line;
    const __mmask64 low_there = inside ? ~0ull : avx512_vectors::bytes_before(line - begin) & ~avx512_vectors::bytes_before(-begin);
    const __mmask64 high_there = inside ? ~0ull : avx512_vectors::bytes_before(line - begin - 64) & ~avx512_vectors::bytes_before(-begin - 64);
    __m512i left = _mm512_setzero_si512();
    int have_left = 0;
    for (std::int64_t k = 0; k < s.kernel_h; ++k) {
      __m512i low = padding;
      __m512i high = padding;
      const std::byte* const from = image + (top + k) * line + begin;
      const bool there = top + k >= 0 && top + k < s.height;
      if (there && inside) {
        low = _mm512_loadu_si512(from);
        high = _mm512_loadu_si512(from + 64);
      } else if (there) {
        low = _mm512_mask_loadu_epi8(padding, low_there, from);
        high = _mm512_mask_loadu_epi8(padding, high_there, from + 64);
      }
      if (j.flip != 0) low = _mm512_xor_si512(low, flip), high = _mm512_xor_si512(high, flip);
      __m512i index = group;
      for (std::int64_t g = 0; g < j.whole; ++g) {
        add(_mm512_permutex2var_epi8(low, index, high), whole);
        index = _mm512_add_epi8(index, _mm512_set1_epi8(4));
      }
      for (std::int64_t b = 0; b < j.left_bytes; ++b) {
        const __m512i byte = _mm512_add_epi8(start, _mm512_set1_epi8(static_cast<char>(4 * j.whole + b)));
        left = _mm512_or_si512(left, _mm512_maskz_permutex2var_epi8(0x1111111111111111ull << have_left, low, byte, high));
        if (++have_left == 4) add(left, rest), left = _mm512_setzero_si512(), have_left = 0;
      }
    }
    if (have_left != 0) add(left, rest);
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) {
      const __m512 q = _mm512_fmadd_ps(_mm512_cvtepi32_ps(acc[c]), _mm512_set1_ps(factors[c]), _mm512_set1_ps(12582912.0f));
      acc[c] = _mm512_sub_epi32(_mm512_castps_si512(q), base);
    }
    const auto four = [&](int c) __attribute__((always_inline)) {
      const __m512i q = _mm512_packus_epi16(_mm512_packs_epi32(acc[c], acc[c + 1]), _mm512_packs_epi32(acc[c + 2], acc[c + 3]));
      return _mm512_shuffle_epi8(_mm512_xor_si512(_mm512_min_epu8(_mm512_max_epu8(q, lo), hi), sign), turned);
    };
    const __m512i a = four(0);
    const __m512i b = four(4);
    const __m512i first = _mm512_unpacklo_epi32(a, b);
    const __m512i second = _mm512_unpackhi_epi32(a, b);
    if (o.channels == 8) {
      _mm512_mask_storeu_epi8(y, avx512_vectors::bytes_before(8 * have), first);
      if (have > 8) _mm512_mask_storeu_epi8(y + 64, avx512_vectors::bytes_before(8 * have - 64), second);
    } else {
      alignas(64) std::uint8_t made[128];
      _mm512_store_si512(made, first);
      _mm512_store_si512(made + 64, second);
      for (std::int64_t p = 0; p < have; ++p) std::memcpy(y + p * o.channels, made + 8 * p, static_cast<std::size_t>(o.channels));
    }
    pixel += have, at += have, y += have * o.channels;
    if (at == s.out_w) {
      at = 0;
      if (++row == s.out_h) row = 0, image += s.height * line;
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
#endif
