// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sums of thin_windows.hpp: a few pixels of a row of results by vectors of channels, one broadcast of 4 bytes of data per
// pixel and group; or, for up to 8 channels, 16 pixels in a vector by broadcast weights. Layer 5a.

#include "qnnx/kernel/x86/finish.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// A stretch of a row of results.
struct thin_row {
  const std::byte* const* groups;  // where whole group g of the row's first window lies
  std::int64_t count, whole;       // groups; those that lie in lines
  std::int64_t step;               // of these
  const std::byte* left;           // the others, 4 bytes for each pixel
  std::int64_t left_plane;         // bytes from one to the next
  std::int64_t from, to;           // pixels of the row
  const std::byte* w;
  const std::byte* bias;
  bool plain;
  const byte_output* o;
  take_function take;              // of sums that are not plain; called, not inlined in every tile
  std::int64_t pixel;              // of the result, of the row's first
  std::int64_t channel, channels;
};

/// Pixels [at, at + rows) of a row, rows <= Pixels.
template <int Pixels, int Vectors>
QNNX_NOINLINE void thin_tile(const thin_row& r, std::int64_t at, int rows) {
  __m512i acc[Pixels][Vectors];
#pragma GCC unroll 4
  for (int v = 0; v < Vectors; ++v) {
    const __m512i b = _mm512_loadu_si512(r.bias + v * 64);
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p) acc[p][v] = b;
  }
  const std::byte* w = r.w;
  const auto add = [&](const std::byte* x, std::int64_t step) __attribute__((always_inline)) {
    __m512i weights[Vectors];
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) weights[v] = _mm512_loadu_si512(w + v * 64);
    w += Vectors * 64;
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p, x += step) {
      std::int32_t four = 0;
      std::memcpy(&four, x, 4);
      const __m512i piece = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) u8s8x16::add_product(acc[p][v], piece, weights[v]);
    }
  };
  for (std::int64_t g = 0; g < r.whole; ++g) add(r.groups[g] + at * r.step, r.step);
  const std::byte* x = r.left + at * 4;
  for (std::int64_t g = r.whole; g < r.count; ++g, x += r.left_plane) add(x, 4);
  const byte_output& o = *r.o;
  const std::int64_t pixel = r.pixel + at;
  if (!r.plain) {
    alignas(64) std::byte sums[Pixels * 256];
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) _mm512_store_si512(sums + p * 256 + v * 64, acc[p][v]);
    return r.take(&o, sums, rows, pixel, r.channel, r.channels);
  }
  const byte_scale scale(scaling::rne, o);
  const std::byte* factors = o.packed + 64 + (factor_word * o.padded + r.channel) * 4;
  const auto result = [&](int p, int v) __attribute__((always_inline)) { return scale.rne(acc[p][v], _mm512_loadu_ps(factors + 64 * v)); };
  std::uint8_t* to = o.y + pixel * o.channels + r.channel;
  const __mmask64 mask = r.channels >= 64 ? ~0ull : (1ull << r.channels) - 1;
  if constexpr (Vectors > 2) {
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; ++p, to += o.channels) {
      if (p >= rows) break;
      _mm512_mask_storeu_epi8(to, mask, scale.bytes(result(p, 0), result(p, 1), result(p, 2), result(p, Vectors - 1)));
    }
  } else {
    constexpr int together = 4 / Vectors;  // pixels of a vector of results
    const bool dense = r.channels == 16 * Vectors && o.channels == r.channels;
#pragma GCC unroll 16
    for (int p = 0; p < Pixels; p += together, to += together * o.channels) {
      if (p >= rows) break;
      const __m512i q = Vectors == 1 ? scale.bytes(result(p, 0), result(p + 1, 0), result(p + 2, 0), result(p + 3, 0))
                                     : scale.bytes(result(p, 0), result(p, 1), result(p + 1, 0), result(p + 1, Vectors - 1));
      if (dense && rows - p >= together) {
        _mm512_storeu_si512(to, q);
      } else if constexpr (Vectors == 1) {
        _mm_mask_storeu_epi8(to, static_cast<__mmask16>(mask), _mm512_castsi512_si128(q));
        if (rows - p > 1) _mm_mask_storeu_epi8(to + o.channels, static_cast<__mmask16>(mask), _mm512_extracti32x4_epi32(q, 1));
        if (rows - p > 2) _mm_mask_storeu_epi8(to + 2 * o.channels, static_cast<__mmask16>(mask), _mm512_extracti32x4_epi32(q, 2));
        if (rows - p > 3) _mm_mask_storeu_epi8(to + 3 * o.channels, static_cast<__mmask16>(mask), _mm512_extracti32x4_epi32(q, 3));
      } else {
        _mm256_mask_storeu_epi8(to, static_cast<__mmask32>(mask), _mm512_castsi512_si256(q));
        if (rows - p > 1) _mm256_mask_storeu_epi8(to + o.channels, static_cast<__mmask32>(mask), _mm512_extracti64x4_epi64(q, 1));
      }
    }
  }
}

#if QNNX_HAS_AVX512VBMI
/// Up to 8 channels: 16 pixels are the lanes, a channel's weights are broadcast. Lane 4 k + i has pixel 2 k + i, or
/// 8 + 2 k + i - 2 for i > 1, so that two interleavings of 4 channels' bytes are pixels in order.
inline QNNX_NOINLINE void thin_pixels(const thin_row& r) {
  const __m512i pixel = _mm512_setr_epi32(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15);
  const auto index_of = [&](std::int64_t step) {
    return _mm512_add_epi8(_mm512_mullo_epi32(pixel, _mm512_set1_epi32(static_cast<int>(step * 0x01010101))), _mm512_set1_epi32(0x03020100));
  };
  const __m512i index = index_of(r.step);
  const byte_output& o = *r.o;
  const byte_scale scale(scaling::rne, o);
  const float* factors = reinterpret_cast<const float*>(o.packed + 64 + (factor_word * o.padded + r.channel) * 4);
  const auto* bias = reinterpret_cast<const std::int32_t*>(r.bias);
  // Bytes of four channels in each lane, then pixels of eight
  const __m512i pairs = _mm512_set_epi64(0, 0, 0, 0, 0x7c3c783874347030, 0x6c2c682864246020, 0x5c1c581854145010, 0x4c0c480844044000);
  const __m512i quads = _mm512_set_epi16(47, 15, 46, 14, 45, 13, 44, 12, 43, 11, 42, 10, 41, 9, 40, 8, 39, 7, 38, 6, 37, 5, 36, 4, 35, 3, 34, 2, 33, 1, 32, 0);
  std::uint8_t* to = o.y + (r.pixel + r.from) * o.channels + r.channel;
  for (std::int64_t at = r.from; at < r.to; at += 16, to += 16 * o.channels) {
    __m512i acc[8];
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) acc[c] = _mm512_set1_epi32(bias[c]);
    const auto add = [&](__m512i pieces, const std::byte* w) __attribute__((always_inline)) {
#pragma GCC unroll 8
      for (int c = 0; c < 8; ++c)
        asm("vpdpbusd %2%{1to16%}, %1, %0" : "+v"(acc[c]) : "v"(pieces), "m"(reinterpret_cast<const std::int32_t*>(w)[c]));
    };
    const std::byte* w = r.w;
    std::int64_t g = 0;
    for (; g < r.whole; ++g, w += 64) {
      const std::byte* x = r.groups[g] + at * r.step;
      add(_mm512_permutex2var_epi8(_mm512_loadu_si512(x), index, _mm512_loadu_si512(x + 64)), w);
    }
    const std::byte* x = r.left + at * 4;
    for (; g < r.count; ++g, w += 64, x += r.left_plane) add(_mm512_permutexvar_epi32(pixel, _mm512_loadu_si512(x)), w);
#pragma GCC unroll 8
    for (int c = 0; c < 8; ++c) acc[c] = scale.rne(acc[c], _mm512_set1_ps(factors[c]));
    const auto two = [&](int c) __attribute__((always_inline)) { return _mm512_permutex2var_epi8(acc[c], pairs, acc[c + 1]); };
    const __m512i low = _mm512_permutex2var_epi16(two(0), quads, two(2));
    const __m512i high = _mm512_permutex2var_epi16(two(4), quads, two(6));
    const __m512i first = _mm512_add_epi8(_mm512_unpacklo_epi32(low, high), scale.zero);
    const __m512i second = _mm512_add_epi8(_mm512_unpackhi_epi32(low, high), scale.zero);
    const std::int64_t rows = r.to - at < 16 ? r.to - at : 16;
    if (o.channels == 8) {
      const auto mask = [](std::int64_t n) { return n >= 8 ? ~0ull : n <= 0 ? 0ull : (1ull << (8 * n)) - 1; };
      _mm512_mask_storeu_epi8(to, mask(rows), first);
      if (rows > 8) _mm512_mask_storeu_epi8(to + 64, mask(rows - 8), second);
      continue;
    }
    alignas(64) std::uint8_t made[128];
    _mm512_store_si512(made, first);
    _mm512_store_si512(made + 64, second);
    for (std::int64_t p = 0; p < rows; ++p) {
      // What is too much for this pixel is written again by the next ones
      if (o.channels == r.channels && (rows - p) * o.channels >= 8) std::memcpy(to + p * o.channels, made + 8 * p, 8);
      else std::memcpy(to + p * o.channels, made + 8 * p, static_cast<std::size_t>(r.channels));
    }
  }
}
#endif

inline void thin_tiles(const thin_row& r, std::int64_t vectors) {
#if QNNX_HAS_AVX512VBMI
  if (r.plain && r.channels <= 8 && r.step <= 8) return thin_pixels(r);
#endif
  for (std::int64_t at = r.from; at < r.to;) {
    const int left = static_cast<int>(r.to - at < 16 ? r.to - at : 16);
    const auto tile = [&](auto function, int pixels) {
      const int rows = left < pixels ? left : pixels;
      function(r, at, rows);
      at += rows;
    };
    switch (vectors) {
      case 1: tile(&thin_tile<16, 1>, 16); break;
      case 2: tile(&thin_tile<8, 2>, 8); break;
      case 3: tile(&thin_tile<8, 3>, 8); break;
      default: left == 5 ? tile(&thin_tile<5, 4>, 5) : tile(&thin_tile<6, 4>, 6); break;
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
