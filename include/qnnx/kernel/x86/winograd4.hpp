// SPDX-License-Identifier: Apache-2.0
#pragma once
// Winograd's F(4x4, 3x3) in integers: a tile of 4x4 results y from 6x6 values d of the data and 3x3 weights g,
//   d' = B d B',  g' = G g G',  m = sum over input channels of d' * g' element by element,  y = A m A' / (9 * 2^(k_i + k_j))
//       4  0 -5  0  1  0        6  0  0                          1  4  4  1  1  0
//       0 -4 -4  1  1  0       -1 -1 -1                          0  2 -2  1 -1  0
//   B = 0  4 -4 -1  1  0   G = -1  1 -1   (A of 3 * 2^k y)   A = 0  1  1  1  1  0    k = 3, 2, 1, 1
//       0 -2 -1  2  1  0        1  2  4                          0  1 -1  2 -2  1
//       0  2 -1 -2  1  0        1 -2  4
//       0  4  0 -5  0  1        0  0  6
// 36 products where windows take 144. These are Lavin and Gray's matrices (arXiv:1509.09308) with the fractions of G
// moved to the results. Exact modulo 2^32: data is a signed byte, |d'| <= 10 * 10 * 128; weights are within 255, |g'| <=
// 7 * 7 * 255, both 16 bits; 9 has an inverse, and what is left, 2^(k_i + k_j) y, keeps its value where |y| < 2^25. Sums
// that may exceed that are made in blocks of input channels.
// Where one or two results are left over in a dimension, the tile is F(2, 3) there, of the points 0, 1, -1 and infinity, rows
// 0, 1, 2 and 5 of G, the same weights:
//        1  0 -1  0        1  1  1  0
//   B =  0 -3 -3  0   A =  0  1 -1  1   k = 1, 1, |d'| <= 6 for 10
//        0  3 -3  0
//        0 -1  0  1
// Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

namespace winograd {

inline constexpr int positions = 36;

/// Vectors of Lanes 16-bit values, and of Lanes 32-bit sums; wrap.
template <int Lanes>
struct vectors {
  using words [[gnu::vector_size(Lanes * 2)]] = std::uint16_t;
  using sums [[gnu::vector_size(Lanes * 4)]] = std::uint32_t;
  using signed_sums [[gnu::vector_size(Lanes * 4)]] = std::int32_t;
};
template <class V>
QNNX_INLINE V load(const void* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
QNNX_INLINE void store(void* p, V v) { std::memcpy(p, &v, sizeof v); }
/// Bytes as signed values, their sign bits flipped where `flip` says so.
template <int Lanes>
QNNX_INLINE auto widened(const std::byte* p, std::uint32_t flip) {
  using words = typename vectors<Lanes>::words;
#if QNNX_HAS_AVX512VNNI
  if constexpr (Lanes == 32)
    return (words)_mm512_cvtepi8_epi16(_mm256_xor_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)), _mm256_set1_epi32(static_cast<int>(flip))));
  else
#endif
    return (words)_mm256_cvtepi8_epi16(_mm_xor_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), _mm_set1_epi32(static_cast<int>(flip))));
}

/// One dimension of a tile: how many results, from how many values, at which of the six points.
template <int Results>
struct points;
template <>
struct points<4> {
  static constexpr int count = 6;
  static constexpr int at[count] = {0, 1, 2, 3, 4, 5};
  static constexpr int bits[4] = {3, 2, 1, 1};
  /// B x.
  template <class V>
  static QNNX_INLINE void data(const V (&x)[6], V (&y)[6]) {
    const V even = x[4] - (x[2] << 2), odd = x[3] - (x[1] << 2);
    const V less = x[4] - x[2], twice = (x[3] - x[1]) + (x[3] - x[1]);
    y[0] = ((x[0] - x[2]) << 2) + less;
    y[1] = even + odd;
    y[2] = even - odd;
    y[3] = less + twice;
    y[4] = less - twice;
    y[5] = (x[5] - x[3]) - (twice + twice);
  }
  /// A m.
  template <class V>
  static QNNX_INLINE void results(const V (&m)[6], V (&y)[4]) {
    const V a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
    y[0] = (m[0] + c) + (a << 2);
    y[1] = (b + b) + d;
    y[2] = a + c;
    y[3] = (b + m[5]) + (d + d);
  }
};
template <>
struct points<2> {
  static constexpr int count = 4;
  static constexpr int at[count] = {0, 1, 2, 5};
  static constexpr int bits[2] = {1, 1};
  template <class V>
  static QNNX_INLINE void data(const V (&x)[4], V (&y)[4]) {
    const V sum = x[1] + x[2], less = x[1] - x[2];
    y[0] = x[0] - x[2];
    y[1] = -(sum + sum + sum);
    y[2] = less + less + less;
    y[3] = x[3] - x[1];
  }
  template <class V>
  static QNNX_INLINE void results(const V (&m)[4], V (&y)[2]) {
    y[0] = m[0] + (m[1] + m[2]);
    y[1] = (m[1] - m[2]) + m[3];
  }
};
/// Whether a smaller tile has the point.
constexpr bool shared_point(int i) { return i != 3 && i != 4; }
inline constexpr std::uint32_t inverse_of_9 = 954437177;

/// G g G' of one input and output channel.
inline void weights_of(const std::int32_t (&g)[3][3], std::int16_t (&to)[positions]) {
  const auto pass = [](std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t(&y)[6]) {
    y[0] = 6 * a, y[1] = -a - b - c, y[2] = -a + b - c, y[3] = a + 2 * b + 4 * c, y[4] = a - 2 * b + 4 * c, y[5] = 6 * c;
  };
  std::int32_t columns[3][6];
  for (int j = 0; j < 3; ++j) pass(g[0][j], g[1][j], g[2][j], columns[j]);
  for (int i = 0; i < 6; ++i) {
    std::int32_t row[6];
    pass(columns[0][i], columns[1][i], columns[2][i], row);
    for (int j = 0; j < 6; ++j) to[6 * i + j] = static_cast<std::int16_t>(row[j]);
  }
}

/// B down the columns of n >= 16 bytes of as many lines as `High` results need; row i goes to to + i * next.
template <int Lanes, int High>
inline void data_columns(const std::byte* const (&lines)[6], std::int64_t n, std::uint32_t flip, std::int16_t* to, std::int64_t next) {
  if constexpr (Lanes > 16)
    if (n < Lanes) return data_columns<16, High>(lines, n, flip, to, next);
  using words = typename vectors<Lanes>::words;
  using rows = points<High>;
  const auto some = [&](std::int64_t at) __attribute__((always_inline)) {
    words x[rows::count], y[rows::count];
#pragma GCC unroll 6
    for (int i = 0; i < rows::count; ++i) x[i] = widened<Lanes>(lines[i] + at, flip);
    rows::data(x, y);
#pragma GCC unroll 6
    for (int i = 0; i < rows::count; ++i) store(to + rows::at[i] * next + at, y[i]);
  };
  for (std::int64_t at = 0; at + Lanes <= n; at += Lanes) some(at);
  if (n % Lanes != 0) some(n - Lanes);
}

/// Where a tile's values lie: position p at first + p * next, of a narrow one (of four lines of results) `shift` further
/// where its row of points is not shared.
template <class T>
struct tile_values {
  T* first;
  std::int64_t next, shift;
  template <int High, int Wide>
  QNNX_INLINE T* at(int i, int j) const {
    T* const shared = first + (6 * i + j) * next;
    return High == Wide || Wide == 4 || shared_point(i) ? shared : shared + shift;
  }
};

/// d' of `count` tiles of a row from the lines of data_columns, pixels `depth` apart.
template <int Lanes, int High, int Wide>
inline void data_rows(const std::int16_t* from, std::int64_t line, std::int64_t depth, std::int64_t count, tile_values<std::int16_t> to) {
  if constexpr (Lanes > 16)
    if (depth < Lanes) return data_rows<16, High, Wide>(from, line, depth, count, to);
  using words = typename vectors<Lanes>::words;
  using columns = points<Wide>;
  const auto some = [&](std::int64_t at) __attribute__((always_inline)) {
    const std::int16_t* data = from + at;
    std::int16_t* made = to.first + at;
    for (int k = 0; k < points<High>::count; ++k) {
      words x[columns::count], y[columns::count];
#pragma GCC unroll 6
      for (int j = 0; j < columns::count; ++j) x[j] = load<words>(data + j * depth);
      columns::data(x, y);
#pragma GCC unroll 6
      for (int j = 0; j < columns::count; ++j) store(made + columns::at[j] * to.next, y[j]);
      const int rows = High == 2 && k == 2 ? 3 : 1;  // to the next that is there
      data += rows * line;
      made += rows * 6 * to.next;
      if (High == 4 && Wide == 2) made += k == 2 ? to.shift : k == 4 ? -to.shift : 0;
    }
  };
  for (; count > 0; --count, from += 4 * depth, to.first += depth) {
    for (std::int64_t at = 0; at + Lanes <= depth; at += Lanes) some(at);
    if (depth % Lanes != 0) some(depth - Lanes);
  }
}

/// y of a tile and one vector of channels, added to `before` (rows `before_row` values apart, columns before_column);
/// result (i, j) goes to to + i * row + j * column.
template <int Lanes, int High, int Wide>
QNNX_INLINE void results(tile_values<const std::int32_t> m, const std::int32_t* before, std::int64_t before_row, std::int64_t before_column,
                         std::int32_t* to, std::int64_t row, std::int64_t column) {
  using sums = typename vectors<Lanes>::sums;
  using rows = points<High>;
  using columns = points<Wide>;
  sums half[columns::count][High];
#pragma GCC unroll 6
  for (int j = 0; j < columns::count; ++j) {
    sums x[rows::count];
#pragma GCC unroll 6
    for (int i = 0; i < rows::count; ++i) x[i] = load<sums>(m.template at<High, Wide>(rows::at[i], columns::at[j]));
    rows::results(x, half[j]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < High; ++i) {
    sums x[columns::count], y[Wide];
#pragma GCC unroll 6
    for (int j = 0; j < columns::count; ++j) x[j] = half[j][i];
    columns::results(x, y);
#pragma GCC unroll 4
    for (int j = 0; j < Wide; ++j) {
      const auto whole = (typename vectors<Lanes>::signed_sums)(y[j] * inverse_of_9) >> (rows::bits[i] + columns::bits[j]);
      store(to + i * row + j * column, (sums)whole + load<sums>(before + i * before_row + j * before_column));
    }
  }
}

/// Products of some tiles at some positions, one after the other; `next`: from one to the next.
struct product_input {
  const std::int16_t* x;  // of the first tile, `step` values from each to the next
  std::int64_t step, x_next, pairs;
  const std::byte* w;
  std::int64_t w_next;
  const std::byte* ahead;  // weights that are wanted soon: 64 bytes a pair of input channels, and as many `apart` bytes further
  std::int64_t apart;
  std::int32_t* to;
  std::int64_t to_next, count;
};

/// Sums of Rows tiles and Vectors vectors of channels over pairs of input channels. Meanwhile weights ahead come to the
/// second cache: more than two vectors of channels have more weights than that keeps from one run to the next.
template <class A, int Rows, int Vectors>
QNNX_NOINLINE void product(const product_input& input) {
  constexpr std::int64_t size = A::lanes * 4;
  const typename A::vec none = A::flip(0);
  const product_input in = input;  // what is written may not overlap it
  const std::int16_t* first = in.x;
  std::int32_t* to = in.to;
  const std::byte* first_weights = in.w;
  for (std::int64_t n = in.count; n > 0; --n, first += in.x_next, first_weights += in.w_next, to += in.to_next) {
    typename A::vec acc[Rows][Vectors];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) acc[r][v] = typename A::vec{};
    const std::int16_t* x = first;
    const std::byte* w = first_weights;
    const std::byte* ahead = in.ahead;
    for (const std::int16_t* const end = x + 2 * in.pairs; x < end; x += 2, w += Vectors * size) {
      if constexpr (2 * Vectors > A::group) {
        _mm_prefetch(reinterpret_cast<const char*>(ahead), _MM_HINT_T1);
        _mm_prefetch(reinterpret_cast<const char*>(ahead + in.apart), _MM_HINT_T1);
        ahead += 64;
      }
      typename A::vec weights[Vectors];
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) weights[v] = A::load(w + v * size);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        const typename A::vec both = A::piece(reinterpret_cast<const std::byte*>(x + r * in.step), none);
#pragma GCC unroll 4
        for (int v = 0; v < Vectors; ++v) A::add_product(acc[r][v], both, weights[v]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < Vectors; ++v) A::store(to + (r * Vectors + v) * A::lanes, acc[r][v]);
  }
}

}  // namespace winograd
}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
