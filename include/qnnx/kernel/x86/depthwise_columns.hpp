// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d on 8-bit data with 3x3 windows, VNNI: one walk along a row of results, columns of data in registers.
//   column     32 bytes of 3 or 4 rows, byte by byte, are 32 groups of 4 rows (two vectors): one operand of vpdpbusd
//   window     three columns; a step along the row makes one (stride 1) or two (stride 2) and moves on. With stride 1 and
//              four rows the same columns serve a second row of results, its weights one byte on
//   narrow     16 or 8 channels: 32 bytes are 2 or 4 pixels, neighbours come from the vectors before and after
// Nothing is staged: padding and the ends of rows are masks of loads. The packed form is depthwise_bytes.hpp's, which
// takes all other windows and weights with an offset. Layer 5a.

#include "qnnx/kernel/x86/depthwise_units.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// A stretch of some rows of results of one image, 32 channels of it (narrow data: all).
struct column_job {
  const depthwise_shape* s;
  const std::byte* image;      // data of these channels
  std::int64_t line;           // bytes of a row of data
  std::int64_t row, rows;      // of results: first, how many
  bool pairs;                  // two of them at once
  std::int64_t first;          // byte of the first window in a row: negative in the padding
  std::int64_t step;           // to the next column (narrow data: vector)
  __mmask32 lanes;             // of a column
  std::int64_t steps;          // along the row
  std::int64_t out_step;       // bytes
  std::uint8_t* to;            // results
  std::int64_t out_line;       // bytes of a row of results
  std::uint8_t* second;        // where second rows go, if not after the first
  bool plain;                  // rne, a clamp and nothing after it
  __mmask32 mask, last_mask;   // of the results of a step
  const std::byte* weights;    // [column][row of results][2 vectors][16 lanes][4 rows]
  std::int64_t weights_step;   // bytes from one column's to the next
  const std::byte* padding;    // 64 bytes
  std::uint32_t flip;
  std::int32_t clamp[2];       // of plain results, as byte_scale's
  std::int32_t zero;
  std::int32_t block_base;     // depthwise_blocks.hpp: what is a 0 of the results as bytes without sign; and their clamp
  std::int32_t block_clamp[2];
  unit_job unit;
  std::int32_t* sums;          // where results are not plain, of one line: [step][row][32]
};

/// Instructions with operands that stay in memory, in assembly: the loop below needs more registers than there are, and g++ 12
/// would keep copies of all constants on the stack.
QNNX_INLINE __m512i flipped(__m512i x, const std::uint32_t& flip) {
  asm("vpxord %2%{1to16%}, %1, %0" : "=v"(x) : "v"(x), "m"(flip));
  return x;
}
/// The results of 32 sums under rne, for `zero` to be added to.
QNNX_INLINE __m256i scaled_bytes(__m512i a, __m512i b, const std::byte* factors, const std::int32_t (&clamp)[2]) {
  __m512 p = _mm512_cvtepi32_ps(a);
  __m512 q = _mm512_cvtepi32_ps(b);
  const __m512 magic = _mm512_set1_ps(12582912.0f);
  asm("vfmadd132ps %2, %1, %0" : "+v"(p) : "v"(magic), "m"(*reinterpret_cast<const __m512*>(factors)));
  asm("vfmadd132ps %2, %1, %0" : "+v"(q) : "v"(magic), "m"(*reinterpret_cast<const __m512*>(factors + 64)));
  __m512i x = _mm512_castps_si512(p);
  __m512i y = _mm512_castps_si512(q);
  asm("vpmaxsd %2%{1to16%}, %1, %0" : "=v"(x) : "v"(x), "m"(clamp[0]));
  asm("vpmaxsd %2%{1to16%}, %1, %0" : "=v"(y) : "v"(y), "m"(clamp[0]));
  asm("vpminsd %2%{1to16%}, %1, %0" : "=v"(x) : "v"(x), "m"(clamp[1]));
  asm("vpminsd %2%{1to16%}, %1, %0" : "=v"(y) : "v"(y), "m"(clamp[1]));
  return _mm512_castsi512_si256(low_bytes(x, y));
}

/// Four rows of 32 bytes as two vectors of groups. Apart: bytes of pixels of 8 channels, even ones in the first vector.
template <bool Apart>
class column_groups {
 public:
  column_groups() {
#if QNNX_HAS_AVX512VBMI
    // byte i of a vector is byte i / 4 of row i % 4, rows being 32 bytes
    low_ = _mm512_add_epi8(_mm512_set4_epi32(0x03030303, 0x02020202, 0x01010101, 0), _mm512_set1_epi32(0x60402000));
    const char quarter[4] = {0, 4, Apart ? 16 : 8, Apart ? 20 : 12};
    low_ = _mm512_add_epi8(low_, _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(_mm_set1_epi8(quarter[1]), _mm_set1_epi8(quarter[0]))),
                                                    _mm256_set_m128i(_mm_set1_epi8(quarter[3]), _mm_set1_epi8(quarter[2])), 1));
    high_ = _mm512_add_epi8(low_, _mm512_set1_epi8(Apart ? 8 : 16));
#endif
  }
  QNNX_INLINE void operator()(__m256i r0, __m256i r1, __m256i r2, __m256i r3, const std::uint32_t& flip, __m512i (&g)[2]) const {
#if QNNX_HAS_AVX512VBMI
    const __m512i a = _mm512_inserti64x4(_mm512_castsi256_si512(r0), r1, 1);
    const __m512i b = _mm512_inserti64x4(_mm512_castsi256_si512(r2), r3, 1);
    g[0] = flipped(_mm512_permutex2var_epi8(a, low_, b), flip);
    g[1] = flipped(_mm512_permutex2var_epi8(a, high_, b), flip);
#else
    const __m256i rows[4] = {r0, r1, r2, r3};
    g[0] = g[1] = _mm512_setzero_si512();
    for (unsigned r = 0; r < 4; ++r) {
      const __m256i row = Apart ? _mm256_permute4x64_epi64(rows[r], 0xd8) : rows[r];
      g[0] = _mm512_or_si512(g[0], _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm256_castsi256_si128(row)), 8 * r));
      g[1] = _mm512_or_si512(g[1], _mm512_slli_epi32(_mm512_cvtepu8_epi32(_mm256_extracti128_si256(row, 1)), 8 * r));
    }
    g[0] = flipped(g[0], flip), g[1] = flipped(g[1], flip);
#endif
  }

#if QNNX_HAS_AVX512VBMI
 private:
  __m512i low_, high_;
#endif
};

/// Where the 3 or 4 rows of data are read that a row of results needs, or two.
template <int Rows>
class row_cursor {
 public:
  explicit row_cursor(const column_job& j) : j_(j) {}
  /// The rows of row `row` of results.
  QNNX_INLINE void begin(std::int64_t row, bool two) {
    const depthwise_shape& s = *j_.s;
    std::int64_t ih = row * s.stride_h - s.top;
    at_ = j_.first;
    const std::byte* from[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r, ih += s.dilation_h) {
      const bool inside = ih >= 0 && ih < s.height && (r < 3 || two);
      moving_[r] = inside ? j_.step : 0;
      from[r] = inside ? j_.image + ih * j_.line + at_ : j_.padding;
    }
    r0_ = from[0], r1_ = from[1], r2_ = from[2], r3_ = from[3];
  }

 protected:
  /// To the next column.
  QNNX_INLINE void advance() {
    r0_ += moving_[0], r1_ += moving_[1], r2_ += moving_[2];
    if constexpr (Rows == 4) r3_ += moving_[3];
    asm("" : "+r"(r0_), "+r"(r1_), "+r"(r2_), "+r"(r3_));  // scalars: g++ makes vectors of them
    at_ += j_.step;
  }
  const column_job& j_;
  std::int64_t at_ = 0;
  std::int64_t moving_[4] = {};
  const std::byte *r0_ = nullptr, *r1_ = nullptr, *r2_ = nullptr, *r3_ = nullptr;
};

/// Columns of a row one after the other.
template <int Rows, bool Narrow, bool Apart>
class column_reader : public row_cursor<Rows> {
 public:
  explicit column_reader(const column_job& j) : row_cursor<Rows>(j), fast_(j.lanes == ~__mmask32{0} && j.line >= 32 ? j.line - 31 : 0) {}
  QNNX_INLINE void next(__m512i (&g)[2]) {
    __m256i rows[4] = {};
    if (static_cast<std::uint64_t>(at_) < static_cast<std::uint64_t>(fast_)) [[likely]] {
      rows[0] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(r0_));
      rows[1] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(r1_));
      rows[2] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(r2_));
      if constexpr (Rows == 4) rows[3] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(r3_));
    } else {
      edge(rows);
    }
    this->advance();
    groups_(rows[0], rows[1], rows[2], rows[3], j_.flip, g);
  }

 private:
  /// A column that reaches out of the row, or has fewer channels.
  QNNX_INLINE void edge(__m256i (&rows)[4]) const {
    __mmask32 mask = j_.lanes;
    if constexpr (Narrow) {
      if (at_ < 0) mask = at_ <= -32 ? 0 : mask << -at_;
      if (at_ + 32 > j_.line) mask = at_ >= j_.line ? 0 : mask & (~__mmask32{0} >> (at_ + 32 - j_.line));
    } else if (at_ < 0 || at_ >= j_.line) {
      mask = 0;
    }
    const __m256i padding = _mm256_load_si256(reinterpret_cast<const __m256i*>(j_.padding));
    const std::byte* from[4] = {r0_, r1_, r2_, r3_};
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) rows[r] = mask == 0 || moving_[r] == 0 ? padding : _mm256_mask_loadu_epi8(padding, mask, from[r]);
  }
  using row_cursor<Rows>::j_, row_cursor<Rows>::at_, row_cursor<Rows>::moving_;
  using row_cursor<Rows>::r0_, row_cursor<Rows>::r1_, row_cursor<Rows>::r2_, row_cursor<Rows>::r3_;
  std::int64_t fast_;
  column_groups<Apart> groups_;
};

/// The walk. Channels: 16 or 8 of narrow data, else 0.
template <int Stride, int Channels>
QNNX_NOINLINE void walk_columns(const column_job& j) {
  constexpr bool narrow = Channels != 0;
  constexpr int most_rows = Stride == 1 ? 2 : 1;
  constexpr std::int64_t ahead = Stride == 1 && !narrow ? 2 : 1;  // steps that only read
  const auto between = [](__m512i a, __m512i b) __attribute__((always_inline)) { return _mm512_alignr_epi64(b, a, 4); };
  column_reader<2 + most_rows, narrow, Channels == 8 && Stride == 2> columns(j);
  __m512i w[3][most_rows][2];
#pragma GCC unroll 3
  for (int t = 0; t < 3; ++t)
#pragma GCC unroll 2
    for (int r = 0; r < most_rows; ++r)
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) w[t][r][v] = _mm512_loadu_si512(j.weights + t * j.weights_step + (j.pairs ? r * 128 : 0) + (narrow ? 0 : v * 64));
  const std::byte* words = j.unit.words;
  const std::byte* factors = words + factor_word * j.unit.padded * 4;
  for (std::int64_t row = 0; row < j.rows; row += 1 + j.pairs) {
    const bool two = j.pairs && row + 1 < j.rows;
    columns.begin(j.row + row, two);
    __mmask32 mask = j.mask;
    std::int32_t* sums = j.sums;
    std::uint8_t* to[2] = {j.to + row * j.out_line, j.second ? j.second : j.to + (row + 1) * j.out_line};
    __m512i first[2] = {}, second[2] = {}, third[2];  // columns; the first (stride 1: two) are of the step before
    for (std::int64_t left = j.steps + ahead; left > 0; --left) {
      if constexpr (Stride == 2)
        if (left <= j.steps) columns.next(second);
      columns.next(third);
      if (left <= j.steps) {
        __m512i x[3][2];
        if constexpr (!narrow) {
#pragma GCC unroll 2
          for (int v = 0; v < 2; ++v) x[0][v] = first[v], x[1][v] = second[v], x[2][v] = third[v];
        } else if constexpr (Stride == 1) {
          x[0][0] = first[0], x[0][1] = first[1];
          x[1][0] = Channels == 16 ? first[1] : between(first[0], first[1]);
          x[1][1] = Channels == 16 ? third[0] : between(first[1], third[0]);
          x[2][0] = Channels == 16 ? third[0] : first[1];
          x[2][1] = Channels == 16 ? third[1] : third[0];
        } else {
          x[0][0] = first[0], x[0][1] = second[0];
          x[1][0] = first[1], x[1][1] = second[1];
          x[2][0] = Channels == 16 ? second[0] : between(first[0], second[0]);
          x[2][1] = Channels == 16 ? third[0] : between(second[0], third[0]);
        }
        if (left == 1) mask = j.last_mask;
#pragma GCC unroll 2
        for (int r = 0; r < most_rows; ++r) {
          if (r == 1 && !two) break;
          __m512i acc[2] = {_mm512_loadu_si512(words), _mm512_loadu_si512(words + 64)};
#pragma GCC unroll 3
          for (int t = 0; t < 3; ++t)
#pragma GCC unroll 2
            for (int v = 0; v < 2; ++v) u8s8x16::add_product(acc[v], x[t][v], w[t][r][v]);
          if (j.plain) {
            const __m256i q = _mm256_add_epi8(scaled_bytes(acc[0], acc[1], factors, j.clamp), _mm256_set1_epi8(static_cast<char>(j.zero)));
            _mm256_mask_storeu_epi8(to[r], mask, q);
          } else {
            _mm512_storeu_si512(sums, acc[0]);
            _mm512_storeu_si512(sums + 16, acc[1]);
            sums += 32;
          }
          to[r] += j.out_step;
        }
      }
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        if constexpr (ahead == 2) first[v] = second[v], second[v] = third[v];
        else first[v] = third[v];
      }
    }
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
