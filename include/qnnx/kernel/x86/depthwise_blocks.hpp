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

/// What the walks below have in common: how sums become results. The block is at j.weights.
class block_finish {
 public:
  explicit block_finish(const column_job& j)
      : j_(j), lo_(_mm512_set1_epi8(static_cast<char>(j.block_clamp[0]))), hi_(_mm512_set1_epi8(static_cast<char>(j.block_clamp[1]))) {}
  /// A vector of sums, to be packed.
  QNNX_INLINE __m512i scaled(__m512i sum, __m512 factor) const {
    const __m512i q = _mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), factor, magic_));
    __m512i r;
    asm("vpsubd %2%{1to16%}, %1, %0" : "=v"(r) : "v"(q), "m"(j_.block_base));
    return r;
  }
  QNNX_INLINE void store(std::uint8_t* to, __m512i a, __m512i b) const {
    __m512i q = _mm512_packus_epi16(a, b);
    q = _mm512_min_epu8(_mm512_max_epu8(q, lo_), hi_);
    _mm512_storeu_si512(to, flipped(q, j_.flip));
  }

 private:
  const column_job& j_;
  __m512i lo_, hi_;
  __m512 magic_ = _mm512_set1_ps(12582912.0f);
};

/// The walk in steps of one column: two pixels of up to two rows at once, so that each weight is loaded once for both. (A
/// vector is loaded in as many cycles as it is multiplied, and there are no registers for the weights.)
inline QNNX_NOINLINE void walk_block_pairs(const column_job& j) {
  block_reader<4> columns(j);
  const std::byte* const block = j.weights;
  const block_finish finish(j);
  for (std::int64_t row = 0; row < j.rows; row += 1 + j.pairs) {
    const bool two = j.pairs && row + 1 < j.rows;
    columns.begin(j.row + row, two);
    std::uint8_t* to = j.to + row * j.out_line;
    const std::int64_t to_second = (j.second ? j.second : j.to + (row + 1) * j.out_line) - to;
    __m512i c0[4], c1[4], c2[4], c3[4];
    columns.next(c0);
    columns.next(c1);
    for (std::int64_t left = j.steps; left > 0; left -= 2, to += 2 * j.out_step) {
      columns.next(c2);
      columns.next(c3);
#pragma GCC unroll 2
      for (int r = 0; r < 2; ++r) {
        if (r == 1 && !two) break;
        __m512i a[4], b[4];
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) {
          const std::byte* const w = block + 512 + r * 256 + v * 64;
          a[v] = b[v] = _mm512_loadu_si512(block + v * 64);
          const __m512i w0 = _mm512_loadu_si512(w);
          u8s8x16::add_product(a[v], c0[v], w0);
          u8s8x16::add_product(b[v], c1[v], w0);
          const __m512i w1 = _mm512_loadu_si512(w + 512);
          u8s8x16::add_product(a[v], c1[v], w1);
          u8s8x16::add_product(b[v], c2[v], w1);
          const __m512i w2 = _mm512_loadu_si512(w + 1024);
          u8s8x16::add_product(a[v], c2[v], w2);
          u8s8x16::add_product(b[v], c3[v], w2);
          const __m512 factor = _mm512_loadu_ps(block + 256 + v * 64);
          a[v] = finish.scaled(a[v], factor);
          b[v] = finish.scaled(b[v], factor);
        }
        std::uint8_t* const at = r == 0 ? to : to + to_second;
        finish.store(at, _mm512_packs_epi32(a[0], a[1]), _mm512_packs_epi32(a[2], a[3]));
        if (left > 1) finish.store(at + j.out_step, _mm512_packs_epi32(b[0], b[1]), _mm512_packs_epi32(b[2], b[3]));
      }
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) c0[v] = c2[v], c1[v] = c3[v];
    }
  }
}

/// The walk in steps of two columns.
inline QNNX_NOINLINE void walk_block_steps(const column_job& j) {
  block_reader<3> columns(j);
  const std::byte* const block = j.weights;
  const block_finish finish(j);
  __m512i w[3][4];
#pragma GCC unroll 3
  for (int t = 0; t < 3; ++t)
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) w[t][v] = _mm512_loadu_si512(block + 512 + t * 512 + v * 64);
  for (std::int64_t row = 0; row < j.rows; ++row) {
    columns.begin(j.row + row, false);
    std::uint8_t* to = j.to + row * j.out_line;
    __m512i first[4], second[4], third[4];
    columns.next(first);
    for (std::int64_t left = j.steps; left > 0; --left, to += j.out_step) {
      columns.next(second);
      columns.next(third);
      __m512i acc[4];
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        acc[v] = _mm512_loadu_si512(block + v * 64);
        u8s8x16::add_product(acc[v], first[v], w[0][v]);
        u8s8x16::add_product(acc[v], second[v], w[1][v]);
        u8s8x16::add_product(acc[v], third[v], w[2][v]);
        acc[v] = finish.scaled(acc[v], _mm512_loadu_ps(block + 256 + v * 64));
        first[v] = third[v];
      }
      finish.store(to, _mm512_packs_epi32(acc[0], acc[1]), _mm512_packs_epi32(acc[2], acc[3]));
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
