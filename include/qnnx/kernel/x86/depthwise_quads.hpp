// SPDX-License-Identifier: Apache-2.0
#pragma once
// The walk of depthwise_columns.hpp for what has fewer than 64 channels: a group of 4 bytes is four neighbouring columns of one
// row, put in order by permutations of one vector, which share half of the pipes that vpdpbusd takes on a Zen 4 (those of
// two vectors share all).
//   16 channels   stride 2: 64 bytes of a row are four columns: of two pixels one has its window in them, the other in them
//                 and in the last column before
//   8 channels    stride 1: 64 bytes are eight columns, groups from the first and from the third on; each group serves two
//                 pixels, of the second with its weights one byte on
//   others        pairs of columns of 32 channels; two pairs that follow each other are interleaved. With stride 1 they
//                 serve two pixels
// Vectors of stride 2 begin where rows do if the padding is one column: what crosses a line of the cache takes twice as long
// to load. Only plain results: rne, a clamp. Layer 5a.

#include "qnnx/kernel/x86/depthwise_columns.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// 64 bytes of a row as groups. Channels: 16 or 8, of which four columns become a group; else two columns of 32 become pairs,
/// channels 4 k to 4 k + 3 and those 16 later in each quarter.
template <int Channels>
class column_order {
 public:
  column_order() {
    alignas(64) std::uint8_t at[64];
    for (int i = 0; i < 64; ++i) {
      if constexpr (Channels == 16) at[i] = static_cast<std::uint8_t>(i % 4 * 16 + i / 4);
      else if constexpr (Channels == 8) at[i] = static_cast<std::uint8_t>((i / 32 * 2 + i % 4) * 8 + i / 4 % 8);
      else at[i] = static_cast<std::uint8_t>(i % 2 * 32 + i / 8 % 2 * 16 + i / 16 * 4 + i / 2 % 4);
    }
#if QNNX_HAS_AVX512VBMI
#else
    // Words of four bytes first
    alignas(64) std::uint32_t word[16];
    for (std::uint32_t i = 0; i < 16; ++i)
      word[i] = Channels == 16 ? i % 4 * 4 + i / 4 : Channels == 8 ? (i / 8 * 2 + i % 4) * 2 + i / 4 % 2 : i % 4 / 2 * 8 + i % 2 * 4 + i / 4;
    for (std::uint32_t i = 0; i < 64; ++i) {
      const std::uint32_t quarter = i / 16;
      for (std::uint32_t k = 0; k < 4; ++k)
        if (word[quarter * 4 + k] == at[i] / 4u) {
          at[i] = static_cast<std::uint8_t>(k * 4 + at[i] % 4);
          break;
        }
    }
    words_ = _mm512_load_si512(word);
#endif
    order_ = _mm512_load_si512(at);
  }
  QNNX_INLINE __m512i operator()(__m512i x) const {
#if QNNX_HAS_AVX512VBMI
    return _mm512_permutexvar_epi8(order_, x);
#else
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words_, x), order_);
#endif
  }

 private:
  __m512i order_;
#if QNNX_HAS_AVX512VBMI
#else
  __m512i words_;
#endif
};

/// Of 8, 16 and 32 channels: padding of at most two columns (walks_quads) lies in a group at the left of a row and two at the
/// right, of two vectors each, and in the vector before.
inline constexpr int most_edge_vectors = 1 + 3 * 2;

/// The walk. Channels: 16 (stride 2), 8 (stride 1) or 32 if these are all, else 0.
template <int Channels, int Stride>
QNNX_NOINLINE void walk_quads(const column_job& j) {
  constexpr bool narrow = Channels == 16 || Channels == 8;
  constexpr int vectors = narrow ? 1 : 2;                                        // of channels
  constexpr std::int64_t together = Channels == 8 ? 8 : Channels == 16 ? 4 : 2;  // pixels of a vector of results, a group
  constexpr std::int64_t columns = narrow ? 4 : 2;                               // from one vector of data to the next
  constexpr std::int64_t reads = Channels == 8 ? 8 : columns;                    // columns of one
  constexpr std::int64_t halves = narrow || Stride == 2 ? 2 : 1;                 // vectors of a group
  const depthwise_shape& s = *j.s;
  const column_order<Channels> ordered;
  const std::byte* const factors = j.unit.words + factor_word * j.unit.padded * 4;
  __m512 factor[vectors];
#pragma GCC unroll 2
  for (int v = 0; v < vectors; ++v) factor[v] = _mm512_loadu_ps(factors + 64 * v);
  // Packed results have a quad of channels of each of four vectors in a quarter
  const __m512i in_order = Channels == 8 ? _mm512_setr_epi32(0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15)
                                         : _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i base = _mm512_set1_epi32(j.block_base);
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(j.block_clamp[0]));
  const __m512i hi = _mm512_set1_epi8(static_cast<char>(j.block_clamp[1]));
  const __m512i flip = _mm512_set1_epi32(static_cast<int>(j.flip));
  const bool flips = j.flip != 0;
  const __m512 magic = _mm512_set1_ps(12582912.0f);
  const __m512i padding = _mm512_load_si512(j.padding);
  const __m256i half_padding = _mm512_castsi512_si256(padding);
  const std::int64_t count = narrow ? s.out_w : j.steps;
  const std::int64_t groups = (count + together - 1) / together;
  const std::int64_t last_pixels = count - (groups - 1) * together;
  const std::int64_t odd = Stride == 2 ? s.left & 1 : 0;
  // The first column of the vector before the first group: the last column of it is the first of a window, or (pairs) the first
  const std::int64_t before = j.first / s.channels - (Channels == 8 ? columns : narrow ? 3 : odd);
  // Groups of which all columns are there
  const std::int64_t front = before + columns < 0 ? 1 : 0;
  std::int64_t inside = (s.width - before - reads) / (halves * columns) - front;
  if (inside > groups - front) inside = groups - front;
  if (inside < 0 || (Channels == 0 && j.lanes != ~__mmask32{0})) inside = 0;
  __mmask64 masks[most_edge_vectors];  // of the vectors at the edges of a row, in order
  if constexpr (Channels != 0) {
    __mmask64* to = masks;
    const auto add = [&](std::int64_t c) { *to++ = avx512_vectors::bytes_before((s.width - c) * Channels) & ~avx512_vectors::bytes_before(-c * Channels); };
    if (Channels != 8) add(before);
    for (std::int64_t g = 0; g < groups; ++g)
      if (g < front || g >= front + inside)
        for (std::int64_t h = 1; h <= halves; ++h) add(before + (halves * g + h) * columns);
  }
  const __mmask64 last_mask = avx512_vectors::bytes_before(last_pixels * Channels);
  const std::int64_t start = (before + (Channels == 8 ? columns : 0)) * s.channels - j.first;  // bytes from j.first
  for (std::int64_t row = 0; row < j.rows; ++row) {
    // A row of padding adds the same to all sums of a channel; what is read in its place has no weights then
    __m512i w[3][vectors], bias[vectors];
    const std::byte* at[3];
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) bias[v] = _mm512_loadu_si512(j.unit.words + 64 * v);
    const std::int64_t top = (j.row + row) * s.stride_h - s.top;
#pragma GCC unroll 3
    for (int r = 0; r < 3; ++r) {
      std::int64_t ih = top + r * s.dilation_h;
      const bool there = ih >= 0 && ih < s.height;
      if (!there) ih = 0;
      at[r] = j.image + ih * j.line + j.first + start;
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) {
        w[r][v] = _mm512_loadu_si512(j.weights + r * 128 + v * 64);
        if (!there) {
          u8s8x16::add_product(bias[v], _mm512_xor_si512(padding, flip), w[r][v]);
          w[r][v] = _mm512_setzero_si512();
        }
        if (!narrow && odd) w[r][v] = _mm512_slli_epi32(w[r][v], 8);
      }
    }
    // 16 channels: of the first pixel of two, in the vector before and in this one; of the second (also of 8 channels)
    const __m512i ahead[3] = {_mm512_slli_epi32(w[0][0], 24), _mm512_slli_epi32(w[1][0], 24), _mm512_slli_epi32(w[2][0], 24)};
    const __m512i early[3] = {_mm512_srli_epi32(w[0][0], 8), _mm512_srli_epi32(w[1][0], 8), _mm512_srli_epi32(w[2][0], 8)};
    const __m512i late[3] = {_mm512_slli_epi32(w[0][0], 8), _mm512_slli_epi32(w[1][0], 8), _mm512_slli_epi32(w[2][0], 8)};
    const __m512i late_high[3] = {_mm512_slli_epi32(w[0][vectors - 1], 8), _mm512_slli_epi32(w[1][vectors - 1], 8), _mm512_slli_epi32(w[2][vectors - 1], 8)};
    const std::byte *x0 = at[0], *x1 = at[1], *x2 = at[2];
    std::uint8_t* to = j.to + row * j.out_line;
    const __mmask64* mask = masks;  // of the next vector at an edge
    __m512i last[3] = {};           // vectors
    // Two columns of 32 channels, four of 16 or eight of 8
    const auto next = [&](auto edge, std::int64_t c, __m512i(&x)[3]) __attribute__((always_inline)) {
      if constexpr (Channels != 0) {
        const __mmask64 there = edge() ? *mask++ : 0;
        const auto load = [&](const std::byte* from) __attribute__((always_inline)) {
          return edge() ? _mm512_mask_loadu_epi8(padding, there, from) : _mm512_loadu_si512(from);
        };
        x[0] = load(x0), x[1] = load(x1), x[2] = load(x2);
      } else {
        const __mmask32 a = !edge() || (c >= 0 && c < s.width) ? j.lanes : 0;
        const __mmask32 b = !edge() || (c >= -1 && c + 1 < s.width) ? j.lanes : 0;
        const auto half = [&](__mmask32 there, const std::byte* from) __attribute__((always_inline)) {
          return edge() ? _mm256_mask_loadu_epi8(half_padding, there, from) : _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
        };
        const auto load = [&](const std::byte* from) __attribute__((always_inline)) {
          return _mm512_inserti64x4(_mm512_castsi256_si512(half(a, from)), half(b, from + s.channels), 1);
        };
        x[0] = load(x0), x[1] = load(x1), x[2] = load(x2);
      }
      const std::int64_t step = Channels != 0 ? columns * Channels : 2 * s.channels;
      x0 += step, x1 += step, x2 += step;
      if (flips) x[0] = _mm512_xor_si512(x[0], flip), x[1] = _mm512_xor_si512(x[1], flip), x[2] = _mm512_xor_si512(x[2], flip);
      x[0] = ordered(x[0]), x[1] = ordered(x[1]), x[2] = ordered(x[2]);
    };
    constexpr std::true_type at_edge{};
    constexpr std::false_type whole{};
    const auto results = [&](__m512i sum, __m512 scale) __attribute__((always_inline)) {
      return _mm512_sub_epi32(_mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), scale, magic)), base);
    };
    // What one vector of data completes: two pixels, or both halves of one
    const auto half_group = [&](auto edge, std::int64_t c, __m512i& a, __m512i& b) __attribute__((always_inline)) {
      __m512i x[3];
      next(edge, c, x);
      __m512i first = bias[0];
      __m512i second = bias[vectors - 1];
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r) {
        if constexpr (Channels == 8) {
          u8s8x16::add_product(first, x[r], w[r][0]);
          u8s8x16::add_product(second, x[r], late[r]);
        } else if constexpr (narrow) {
          u8s8x16::add_product(first, last[r], ahead[r]);
          u8s8x16::add_product(second, x[r], late[r]);
          u8s8x16::add_product(first, x[r], early[r]);
        } else {
          u8s8x16::add_product(first, _mm512_unpacklo_epi16(last[r], x[r]), w[r][0]);
          u8s8x16::add_product(second, _mm512_unpackhi_epi16(last[r], x[r]), w[r][vectors - 1]);
        }
        last[r] = x[r];
      }
      a = results(first, factor[0]);
      b = results(second, factor[vectors - 1]);
    };
    // Two pixels of pairs, stride 1
    const auto two_pixels = [&](auto edge, std::int64_t c, __m512i& a0, __m512i& a1, __m512i& b0, __m512i& b1) __attribute__((always_inline)) {
      __m512i x[3];
      next(edge, c, x);
      a0 = b0 = bias[0];
      a1 = b1 = bias[vectors - 1];
#pragma GCC unroll 3
      for (int r = 0; r < 3; ++r) {
        const __m512i low = _mm512_unpacklo_epi16(last[r], x[r]);
        const __m512i high = _mm512_unpackhi_epi16(last[r], x[r]);
        u8s8x16::add_product(a0, low, w[r][0]);
        u8s8x16::add_product(b0, low, late[r]);
        u8s8x16::add_product(a1, high, w[r][vectors - 1]);
        u8s8x16::add_product(b1, high, late_high[r]);
        last[r] = x[r];
      }
      a0 = results(a0, factor[0]), b0 = results(b0, factor[0]);
      a1 = results(a1, factor[vectors - 1]), b1 = results(b1, factor[vectors - 1]);
    };
    const auto make = [&](auto edge, std::int64_t group) __attribute__((always_inline)) {
      const std::int64_t c = before + (halves * group + 1) * columns;
      __m512i a0, a1, b0, b1;
      if constexpr (halves == 1) {
        two_pixels(edge, c, a0, a1, b0, b1);
      } else {
        half_group(edge, c, a0, a1);
        half_group(edge, c + columns, b0, b1);
      }
      __m512i q = _mm512_packus_epi16(_mm512_packs_epi32(a0, a1), _mm512_packs_epi32(b0, b1));
      q = _mm512_min_epu8(_mm512_max_epu8(q, lo), hi);
      if (flips) q = _mm512_xor_si512(q, flip);
      return _mm512_permutexvar_epi32(in_order, q);
    };
    if constexpr (Channels != 8) next(at_edge, before, last);
    for (std::int64_t g = 0; g < groups; ++g, to += Channels != 0 ? 64 : 2 * j.out_step) {
      const __m512i q = static_cast<std::uint64_t>(g - front) < static_cast<std::uint64_t>(inside) ? make(whole, g) : make(at_edge, g);
      if constexpr (Channels != 0) {
        if (g + 1 < groups) _mm512_storeu_si512(to, q);
        else _mm512_mask_storeu_epi8(to, last_mask, q);
      } else {
        _mm256_mask_storeu_epi8(to, j.mask, _mm512_castsi512_si256(q));
        if (g + 1 < groups || last_pixels > 1) _mm256_mask_storeu_epi8(to + j.out_step, j.mask, _mm512_extracti64x4_epi64(q, 1));
      }
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
