// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sums of thin_windows.hpp: a few pixels of a row of results by vectors of channels, one broadcast of 4 bytes of data per
// pixel and group. Up to 8 channels: thin_pixels.hpp. Layer 5a.

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

inline void thin_tiles(const thin_row& r, std::int64_t vectors) {
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
