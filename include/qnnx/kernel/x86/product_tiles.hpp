// SPDX-License-Identifier: Apache-2.0
#pragma once
// The tiles of window_products.hpp: sums of a few pixels times one to four vectors of channels, in registers. One call
// makes many tiles; few pixels at the end are tiles of half the rows and of one. Layer 5a.

#include <type_traits>

#include "qnnx/kernel/x86/arithmetic.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86 {
inline constexpr int tile_rows = 8;  // pixels of the largest tile, entries of a row table
}  // namespace qnnx::inline QNNX_ABI::kernel::x86

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86::detail {

/// What tiles read and where their sums go.
struct tile_input {
  const std::byte* const* table = nullptr;  // row tables, one per tile, or null: row r begins r * step after `first`
  const std::byte* first = nullptr;
  std::int64_t step = 0;
  std::int64_t runs = 1, pieces = 1;
  const std::byte* w = nullptr;
  const std::byte* bias = nullptr;
  const std::byte* ahead = nullptr;  // weights that are wanted next; they come to the second cache meanwhile
  std::int64_t ahead_step = 0;       // most_ahead, or 0: they are there
  std::uint32_t flip = 0;
  std::int64_t rows = 0;      // of all tiles
  std::byte* sums = nullptr;  // without Finish
  // with Finish
  const void* finish = nullptr;
  std::int64_t pixel = 0, channel = 0, channels = 0;
};

/// Finishes nothing: sums are stored.
struct no_finish {};

/// The sums of a tile whose first row is `row` to Finish: to its block<Rows, Vectors>(sums, row), or two rows at a time to
/// store_two<Vectors>(sums of a row, of the next, row), a last one to store.
template <int Rows, int Vectors, class Vec, class Finish>
QNNX_INLINE void finish_tile(const Finish& finish, const Vec (&acc)[Rows][Vectors], std::int64_t row) {
  if constexpr (requires { finish.template block<Rows, Vectors>(acc, row); }) {
    finish.template block<Rows, Vectors>(acc, row);
  } else {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; r += 2) {
      if (r + 1 < Rows) finish.template store_two<Vectors>(acc[r], acc[r + 1 < Rows ? r + 1 : r], row + r);
      else finish.template store<Vectors>(acc[r], row + r);
    }
  }
}

/// Where the sums of a tile go.
template <class A>
struct sum_store {
  std::byte* sums;
  explicit sum_store(const tile_input& in) : sums(in.sums) {}
  template <int Rows, int Vectors>
  QNNX_INLINE void block(const typename A::vec (&acc)[Rows][Vectors], std::int64_t row) const {
    constexpr std::int64_t size = A::lanes * 4;
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) A::store(sums + ((row + r) * A::group + v) * size, acc[r][v]);
  }
};

/// Signed data of direct tiles is read from a copy of this many bytes at most.
inline constexpr std::int64_t most_flipped = 8 * 1024;
QNNX_INLINE void flip_bytes(const std::byte* from, std::int64_t n, std::uint32_t flip, std::byte* to) {
  const __m256i pattern = _mm256_set1_epi32(static_cast<int>(flip));
  std::int64_t i = 0;
  for (; i + 32 <= n; i += 32)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), _mm256_xor_si256(pattern, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i))));
  for (; i < n; ++i) to[i] = from[i] ^ static_cast<std::byte>(flip & 255);
}

/// Where rows begin that are a step apart: as an address and a few steps, not eight addresses.
struct row_steps {
  std::int64_t one, three, five, seven;
  explicit row_steps(std::int64_t step) : one(step), three(3 * step), five(5 * step), seven(7 * step) {}
  QNNX_INLINE const std::byte* at(const std::byte* p, int row) const {
    switch (row) {
      case 0: return p;
      case 1: return p + one;
      case 2: return p + 2 * one;
      case 3: return p + three;
      case 4: return p + 4 * one;
      case 5: return p + five;
      case 6: return p + 2 * three;
      default: return p + seven;
    }
  }
};

/// Bytes of weights ahead that come with a piece of data: two tiles bring a whole group of 64 channels.
inline constexpr int most_ahead = 128;
/// Narrower groups have few weights, or instructions to spare for nothing but products.
template <int Rows, int Vectors>
inline constexpr bool brings_weights = Vectors == 4 && Rows > 1;

/// Sums of any number of pixels, Rows at a time, and Vectors vectors of channels. Direct: no row tables, one run of data
/// that has no sign to flip.
/// Products of one tile go on while the one before is finished: nothing of a Finish but the rows it stores differs from
/// tile to tile.
template <class A, int Rows, int Vectors, class Finish, bool Direct>
QNNX_NOINLINE void tile(const tile_input& input) {
  constexpr std::int64_t size = A::lanes * 4;
  constexpr std::int64_t weight_size = A::lanes * A::lane_bytes;
  const tile_input in = input;  // what is written may not overlap it
  const typename A::vec flipped = A::flip(in.flip);
  const std::conditional_t<std::is_same_v<Finish, no_finish>, sum_store<A>, Finish> finish(in);
  constexpr int sets = Rows == 1 ? 2 : 1;  // the sums of one row hide no latency: pieces go to two sets in turn
  const std::byte* const* table = in.table;
  const std::byte* first = in.first;
  const row_steps steps(in.step);
  const std::byte* ahead = in.ahead;
  for (std::int64_t row = 0; row < in.rows; row += Rows) {
    const std::byte* w = in.w;
    typename A::vec acc[Rows][Vectors];
    typename A::vec more[Rows][Vectors];
#pragma GCC unroll 8
    for (int v = 0; v < Vectors; ++v) {
      const typename A::vec b = A::load(in.bias + v * size);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) acc[r][v] = b, more[r][v] = typename A::vec{};
    }
    const auto add = [&](typename A::vec(&sums)[Rows][Vectors], auto&& x, const std::byte* from) __attribute__((always_inline)) {
      if constexpr (brings_weights<Rows, Vectors>) {
#pragma GCC unroll 2
        for (int i = 0; i < most_ahead; i += 64) _mm_prefetch(reinterpret_cast<const char*>(ahead + i), _MM_HINT_T1);
        ahead += in.ahead_step;
      }
      typename A::vec weights[Vectors];
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) weights[v] = A::load_weights(from + v * weight_size);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r) {
        const typename A::vec piece = [&]() __attribute__((always_inline)) {
          if constexpr (Direct) return A::plain_piece(x(r));
          else return A::piece(x(r), flipped);
        }();
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) A::add_product(sums[r][v], piece, weights[v]);
      }
    };
    for (std::int64_t run = Direct ? 1 : in.runs; run > 0; --run) {
      if constexpr (Direct) {
        const std::byte* p = first;
        const std::byte* const end = p + in.pieces * 4;
        const auto x = [&](int r) __attribute__((always_inline)) { return steps.at(p, r); };
        if constexpr (sets == 2)
          for (; p + 4 < end; w += 2 * Vectors * weight_size) {
            add(acc, x, w);
            p += 4;
            add(more, x, w + Vectors * weight_size);
            p += 4;
          }
        for (; p < end; p += 4, w += Vectors * weight_size) add(acc, x, w);
        first += Rows * in.step;
      } else {
        const std::byte* rows[Rows];
#pragma GCC unroll 8
        for (int r = 0; r < Rows; ++r) rows[r] = table[r];
        table += tile_rows;
        std::int64_t k = 0;
        const std::int64_t end = in.pieces * 4;
        const auto x = [&](int r) __attribute__((always_inline)) { return rows[r] + k; };
        if constexpr (sets == 2)
          for (; k + 4 < end; w += 2 * Vectors * weight_size) {
            add(acc, x, w);
            k += 4;
            add(more, x, w + Vectors * weight_size);
            k += 4;
          }
        for (; k < end; k += 4, w += Vectors * weight_size) add(acc, x, w);
      }
    }
    if constexpr (sets == 2)
#pragma GCC unroll 8
      for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < Vectors; ++v) acc[r][v] = A::sum(acc[r][v], more[r][v]);
    finish_tile<Rows, Vectors>(finish, acc, row);
  }
}

using tile_function = void (*)(const tile_input&);

/// How many pixels the tiles of a layout whose groups are `group` vectors take: enough accumulators for the latency, few
/// enough for registers.
template <class A>
constexpr int rows_for(std::int64_t group) { return A::group == 4 && group <= 3 ? 8 : 6; }

/// How many of `have` pixels the next tile takes, at most `most`.
constexpr int next_rows(int have, int most) {
  const int half = most > 4 ? most / 2 : 1;  // there are tiles of 8, 6, 4, 3 and one
  return have >= most ? most : have >= half ? half : 1;
}

/// The tile for as many rows, or the next larger one.
template <class A, class Finish, bool Direct = false>
tile_function tile_for(std::int64_t rows, std::int64_t vectors) {
  if constexpr (A::group == 4) {
    switch (vectors) {
      case 1: return rows > 4 ? &tile<A, 8, 1, Finish, Direct> : rows > 1 ? &tile<A, 4, 1, Finish, Direct> : &tile<A, 1, 1, Finish, Direct>;
      case 2: return rows > 4 ? &tile<A, 8, 2, Finish, Direct> : rows > 1 ? &tile<A, 4, 2, Finish, Direct> : &tile<A, 1, 2, Finish, Direct>;
      case 3: return rows > 4 ? &tile<A, 8, 3, Finish, Direct> : rows > 1 ? &tile<A, 4, 3, Finish, Direct> : &tile<A, 1, 3, Finish, Direct>;
      default: return rows > 3 ? &tile<A, 6, 4, Finish, Direct> : rows > 1 ? &tile<A, 3, 4, Finish, Direct> : &tile<A, 1, 4, Finish, Direct>;
    }
  } else {
    if (vectors == 1) return rows > 3 ? &tile<A, 6, 1, Finish, Direct> : rows > 1 ? &tile<A, 3, 1, Finish, Direct> : &tile<A, 1, 1, Finish, Direct>;
    return rows > 3 ? &tile<A, 6, 2, Finish, Direct> : rows > 1 ? &tile<A, 3, 2, Finish, Direct> : &tile<A, 1, 2, Finish, Direct>;
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86::detail
#endif
