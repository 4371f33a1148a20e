// SPDX-License-Identifier: Apache-2.0
#pragma once
// The walk of depthwise_columns.hpp for 64 channels at once, a line of the cache. Four rows of 64 bytes become four vectors of
// groups by interleaving bytes and then pairs, which vpdpbusd does not wait for as it does for permutations; the channels
// of a vector are then 4 of every 16 (byte_windows::ordered), and the packing of results puts them in order again.
// Only plain results: rne, a clamp. Layer 5a.

#include "qnnx/kernel/x86/depthwise_columns.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Columns of a row one after the other.
template <int Rows>
class block_reader : row_cursor<Rows> {
 public:
  using row_cursor<Rows>::row_cursor, row_cursor<Rows>::begin;
  QNNX_INLINE void next(__m512i (&g)[4]) {
    __m512i rows[4] = {};
    if (static_cast<std::uint64_t>(at_) < static_cast<std::uint64_t>(j_.line)) [[likely]] {
      rows[0] = _mm512_loadu_si512(r0_);
      rows[1] = _mm512_loadu_si512(r1_);
      rows[2] = _mm512_loadu_si512(r2_);
      if constexpr (Rows == 4) rows[3] = _mm512_loadu_si512(r3_);
    } else {
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) rows[r] = _mm512_load_si512(j_.padding);
    }
    if (j_.flip != 0) {
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) rows[r] = flipped(rows[r], j_.flip);
    }
    this->advance();
    const __m512i a = _mm512_unpacklo_epi8(rows[0], rows[1]);
    const __m512i b = _mm512_unpackhi_epi8(rows[0], rows[1]);
    const __m512i c = _mm512_unpacklo_epi8(rows[2], rows[3]);
    const __m512i d = _mm512_unpackhi_epi8(rows[2], rows[3]);
    g[0] = _mm512_unpacklo_epi16(a, c), g[1] = _mm512_unpackhi_epi16(a, c);
    g[2] = _mm512_unpacklo_epi16(b, d), g[3] = _mm512_unpackhi_epi16(b, d);
  }

 private:
  using row_cursor<Rows>::j_, row_cursor<Rows>::at_;
  using row_cursor<Rows>::r0_, row_cursor<Rows>::r1_, row_cursor<Rows>::r2_, row_cursor<Rows>::r3_;
};

/// The walk; the block is at j.weights.
template <int Stride>
QNNX_NOINLINE void walk_blocks(const column_job& j) {
  constexpr int most_rows = Stride == 1 ? 2 : 1;
  constexpr std::int64_t ahead = Stride == 1 ? 2 : 1;  // steps that only read
  block_reader<2 + most_rows> columns(j);
  const std::byte* const block = j.weights;
  __m512i kept[3][4];
  if constexpr (Stride == 2) {
#pragma GCC unroll 3
    for (int t = 0; t < 3; ++t)
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) kept[t][v] = _mm512_loadu_si512(block + 512 + t * 512 + v * 64);
  }
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(j.block_clamp[0]));
  const __m512i hi = _mm512_set1_epi8(static_cast<char>(j.block_clamp[1]));
  const __m512 magic = _mm512_set1_ps(12582912.0f);
  for (std::int64_t row = 0; row < j.rows; row += 1 + j.pairs) {
    const bool two = j.pairs && row + 1 < j.rows;
    columns.begin(j.row + row, two);
    std::uint8_t* to[2] = {j.to + row * j.out_line, j.second ? j.second : j.to + (row + 1) * j.out_line};
    __m512i first[4] = {}, second[4] = {}, third[4];  // columns; the first (stride 1: two) are of the step before
    for (std::int64_t left = j.steps + ahead; left > 0; --left) {
      if constexpr (Stride == 2)
        if (left <= j.steps) columns.next(second);
      columns.next(third);
      if (left <= j.steps) {
#pragma GCC unroll 2
        for (int r = 0; r < most_rows; ++r) {
          if (r == 1 && !two) break;
          __m512i acc[4];
#pragma GCC unroll 4
          for (int v = 0; v < 4; ++v) acc[v] = _mm512_loadu_si512(block + v * 64);
#pragma GCC unroll 3
          for (int t = 0; t < 3; ++t)
#pragma GCC unroll 4
            for (int v = 0; v < 4; ++v) {
              const __m512i x = t == 0 ? first[v] : t == 1 ? second[v] : third[v];
              if constexpr (Stride == 2) u8s8x16::add_product(acc[v], x, kept[t][v]);
              else asm("vpdpbusd %2, %1, %0" : "+v"(acc[v]) : "v"(x), "m"(*reinterpret_cast<const __m512i*>(block + 512 + t * 512 + r * 256 + v * 64)));
            }
#pragma GCC unroll 4
          for (int v = 0; v < 4; ++v) {
            __m512 q = _mm512_cvtepi32_ps(acc[v]);
            asm("vfmadd132ps %2, %1, %0" : "+v"(q) : "v"(magic), "m"(*reinterpret_cast<const __m512*>(block + 256 + v * 64)));
            asm("vpsubd %2%{1to16%}, %1, %0" : "=v"(acc[v]) : "v"(q), "m"(j.block_base));
          }
          __m512i q = _mm512_packus_epi16(_mm512_packs_epi32(acc[0], acc[1]), _mm512_packs_epi32(acc[2], acc[3]));
          q = _mm512_min_epu8(_mm512_max_epu8(q, lo), hi);
          _mm512_storeu_si512(to[r], flipped(q, j.flip));
          to[r] += j.out_step;
        }
      }
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        if constexpr (ahead == 2) first[v] = second[v], second[v] = third[v];
        else first[v] = third[v];
      }
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
