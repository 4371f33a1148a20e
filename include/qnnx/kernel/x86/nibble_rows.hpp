// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of a few rows of bytes with packed 4-bit weights: what a layer with one row of data is limited by is the
// memory that its weights are read from, so they stay packed. Per group of channel vectors [8 taps][vector][channel]
// [4 bytes]: the low nibbles are taps 0-3, the high ones 4-7.
//   16 lanes  a nibble goes to the upper half of its byte, so that it keeps its sign; sums are 16 times too large and
//             shifted back, which is exact while 128 * 255 * taps < 2^31
//   8 lanes   nibbles are the weights + 8, without sign, and the 8 is part of their offset: two pairs of vpmaddubsw, 16
//             taps, stay below 2^15 (8 * 255 * 15 = 30600) and are added before they are widened
// Layer 5a.

#include "qnnx/kernel/x86/finish8.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr std::int64_t nibble_rows = 4;      // with more rows unpacking once, into bytes, is cheaper
inline constexpr std::int64_t nibble_ahead = 2048;  // bytes that are asked for ahead

/// The packed form: words per channel as packed_layout has them, then the panels.
struct nibble_layout {
  packed_layout words;
  std::int64_t steps;  // of 8 taps
  std::int64_t group;  // vectors of channels

  constexpr nibble_layout(const window_shape& s, int lanes)
      : words(s, lanes, 4), steps(lanes == 16 ? (s.depth + 7) / 8 : (s.depth + 15) / 16 * 2), group(lanes == 16 ? 4 : 2) {}
  static constexpr bool fits(const window_shape& s) { return s.height <= nibble_rows && s.depth <= 65000; }
  constexpr std::int64_t panels_at() const { return words.panels_at(packed_words); }
  constexpr std::int64_t bytes() const { return panels_at() + steps * words.padded * 4; }
  /// One row of data, and nothing beyond it, is read as whole steps.
  constexpr std::int64_t row_bytes() const { return steps * 8; }
  constexpr std::int64_t at(std::int64_t tap, std::int64_t o) const {
    const std::int64_t first = o / words.lanes / group * group;
    const std::int64_t wide = words.vectors - first < group ? words.vectors - first : group;
    return ((first * steps + tap / 8 * wide + (o / words.lanes - first)) * words.lanes + o % words.lanes) * 4 + tap % 4;
  }
};

#if QNNX_HAS_AVX2
/// Sums of Rows rows and Vectors vectors of 8 channels, bias added, to out[row][16].
template <int Rows, int Vectors>
QNNX_NOINLINE void nibble_tile8(const std::byte* x, std::int64_t row_bytes, std::int64_t steps, const std::byte* w, const std::int32_t* bias,
                                std::uint32_t flip, std::int32_t* out) {
  const __m256i flipped = _mm256_set1_epi32(static_cast<int>(flip));
  const __m256i low_half = _mm256_set1_epi8(15);
  const __m256i ones = _mm256_set1_epi16(1);
  const auto load = [](const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); };
  const auto four = [&](const std::byte* p) {
    std::int32_t v = 0;
    std::memcpy(&v, p, 4);
    return _mm256_xor_si256(_mm256_set1_epi32(v), flipped);
  };
  __m256i acc[Rows][Vectors];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) acc[r][v] = load(bias + 8 * v);
  for (std::int64_t k = 0; k < steps; k += 2, w += 2 * Vectors * 32) {
    _mm_prefetch(reinterpret_cast<const char*>(w + nibble_ahead), _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(w + nibble_ahead + 64), _MM_HINT_T0);
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) {
      const __m256i first = load(w + 32 * v);
      const __m256i second = load(w + 32 * (Vectors + v));
      const __m256i nibbles[4] = {_mm256_and_si256(first, low_half), _mm256_and_si256(_mm256_srli_epi16(first, 4), low_half),
                                  _mm256_and_si256(second, low_half), _mm256_and_si256(_mm256_srli_epi16(second, 4), low_half)};
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        const std::byte* from = x + r * row_bytes + k * 8;
        const __m256i a = _mm256_add_epi16(_mm256_maddubs_epi16(four(from), nibbles[0]), _mm256_maddubs_epi16(four(from + 4), nibbles[1]));
        const __m256i b = _mm256_add_epi16(_mm256_maddubs_epi16(four(from + 8), nibbles[2]), _mm256_maddubs_epi16(four(from + 12), nibbles[3]));
        acc[r][v] = _mm256_add_epi32(acc[r][v], _mm256_madd_epi16(_mm256_add_epi16(a, b), ones));
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + r * 16 + v * 8), acc[r][v]);
}

/// A piece's channels of `rows` <= nibble_rows rows; tiles go to take_bytes8.
inline void nibble_products8(const nibble_layout& l, const std::byte* x, int rows, const std::byte* packed, std::uint32_t flip, const byte_output& o,
                             part piece) {
  using tile = void (*)(const std::byte*, std::int64_t, std::int64_t, const std::byte*, const std::int32_t*, std::uint32_t, std::int32_t*);
  static constexpr tile tiles[4][2] = {{&nibble_tile8<1, 1>, &nibble_tile8<1, 2>}, {&nibble_tile8<2, 1>, &nibble_tile8<2, 2>},
                                       {&nibble_tile8<3, 1>, &nibble_tile8<3, 2>}, {&nibble_tile8<4, 1>, &nibble_tile8<4, 2>}};
  alignas(32) std::int32_t sums[nibble_rows * 16];
  const auto* bias = reinterpret_cast<const std::int32_t*>(packed + l.words.word(bias_word));
  const slice mine = slice_of(piece, l.words.vectors, 2);
  const std::byte* w = packed + l.panels_at() + mine.from * 32 * l.steps;
  for (std::int64_t v = mine.from; v < mine.to; v += 2) {
    const std::int64_t vectors = l.words.vectors - v < 2 ? 1 : 2;
    tiles[rows - 1][vectors - 1](x, l.row_bytes(), l.steps, w, bias + v * 8, flip, sums);
    w += vectors * 32 * l.steps;
    const std::int64_t left = l.words.channels - v * 8;
    take_bytes8(&o, reinterpret_cast<const std::byte*>(sums), rows, 0, v * 8, left < vectors * 8 ? left : vectors * 8);
  }
}
#endif

#if QNNX_HAS_AVX512VNNI
/// Sums of Rows rows and Vectors vectors of channels, bias added, to out[row][64].
template <int Rows, int Vectors>
QNNX_NOINLINE void nibble_tile(const std::byte* x, std::int64_t row_bytes, std::int64_t steps, const std::byte* w,
                               const std::int32_t* bias, std::uint32_t flip, std::int32_t* out) {
  using A = u8s8x16;
  const __m512i flipped = A::flip(flip);
  const __m512i upper = _mm512_set1_epi8(static_cast<char>(0xf0));
  __m512i low[Rows][Vectors];
  __m512i high[Rows][Vectors];
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) low[r][v] = high[r][v] = _mm512_setzero_si512();
  for (std::int64_t k = 0; k < steps; ++k, w += Vectors * 64) {
    __m512i a[Rows];
    __m512i b[Rows];
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      a[r] = A::piece(x + r * row_bytes + k * 8, flipped);
      b[r] = A::piece(x + r * row_bytes + k * 8 + 4, flipped);
    }
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v) {
      _mm_prefetch(reinterpret_cast<const char*>(w + v * 64 + nibble_ahead), _MM_HINT_T0);
      const __m512i both = _mm512_loadu_si512(w + v * 64);
      const __m512i first = _mm512_and_si512(_mm512_slli_epi16(both, 4), upper);
      const __m512i second = _mm512_and_si512(both, upper);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        A::add_product(low[r][v], a[r], first);
        A::add_product(high[r][v], b[r], second);
      }
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < Vectors; ++v)
      _mm512_storeu_si512(out + r * 64 + v * 16,
                          _mm512_add_epi32(_mm512_srai_epi32(_mm512_add_epi32(low[r][v], high[r][v]), 4),
                                           _mm512_loadu_si512(bias + v * 16)));
}

/// A piece's channels of `rows` <= nibble_rows rows; tiles go to take_bytes.
inline void nibble_products(const nibble_layout& l, const std::byte* x, int rows, const std::byte* packed,
                            std::uint32_t flip, const byte_output& o, part piece) {
  using tile = void (*)(const std::byte*, std::int64_t, std::int64_t, const std::byte*, const std::int32_t*,
                        std::uint32_t, std::int32_t*);
  static constexpr tile tiles[4][4] = {
      {&nibble_tile<1, 1>, &nibble_tile<1, 2>, &nibble_tile<1, 3>, &nibble_tile<1, 4>},
      {&nibble_tile<2, 1>, &nibble_tile<2, 2>, &nibble_tile<2, 3>, &nibble_tile<2, 4>},
      {&nibble_tile<3, 1>, &nibble_tile<3, 2>, &nibble_tile<3, 3>, &nibble_tile<3, 4>},
      {&nibble_tile<4, 1>, &nibble_tile<4, 2>, &nibble_tile<4, 3>, &nibble_tile<4, 4>}};
  alignas(64) std::int32_t sums[nibble_rows * 64];
  const auto* bias = reinterpret_cast<const std::int32_t*>(packed + l.words.word(bias_word));
  const slice mine = slice_of(piece, l.words.vectors, 4);
  const std::byte* w = packed + l.panels_at() + mine.from * 64 * l.steps;
  for (std::int64_t v = mine.from; v < mine.to; v += 4) {
    const std::int64_t vectors = l.words.vectors - v < 4 ? l.words.vectors - v : 4;
    tiles[rows - 1][vectors - 1](x, l.row_bytes(), l.steps, w, bias + v * 16, flip, sums);
    w += vectors * 64 * l.steps;
    const std::int64_t left = l.words.channels - v * 16;
    take_bytes(&o, reinterpret_cast<const std::byte*>(sums), rows, 0, v * 16,
               left < vectors * 16 ? left : vectors * 16);
  }
}
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
