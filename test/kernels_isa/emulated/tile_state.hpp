// SPDX-License-Identifier: Apache-2.0
#pragma once
// The tiles of a thread: palette 1, eight of up to 16 rows of 64 bytes, of which the configuration says how many there are.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "kernels_isa/emulated/tile_clock.hpp"
#include "qnnx/kernel/contract.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86::tiles {

struct tile_fault : std::logic_error {
  using std::logic_error::logic_error;
};
inline void require(bool met, const char* what) {
  if (met) return;
#if defined(__cpp_exceptions)
  throw tile_fault(what);
#else  // libraries of models
  std::fprintf(stderr, "%s\n", what);
  std::abort();
#endif
}

class tile_state {
 public:
  static constexpr int count = 8, most_rows = 16, most_bytes = 64;

  bool configured() const { return configured_; }
  tile_clock& clock() { return clock_; }

  /// LDTILECFG: 0 palette, 1 start row, 2 to 15 zero, 16 to 31 bytes of a row of each tile, 32 to 47 zero, 48 to 55 rows, 56 to 63 zero.
  void configure(const std::uint8_t* bytes) {
    const auto zero = [&](int from, int to) {
      for (int i = from; i <= to; ++i) require(bytes[i] == 0, "ldtilecfg: #GP, reserved bytes are not zero");
    };
    require(bytes[0] <= 1, "ldtilecfg: #GP, no such palette");
    if (bytes[0] == 0) return release();
    require(bytes[1] == 0, "ldtilecfg: a start row, which only an interrupted instruction has");
    zero(2, 15);
    zero(32, 47);
    zero(56, 63);
    int rows[count], row_bytes[count];
    for (int i = 0; i < count; ++i) {
      row_bytes[i] = bytes[16 + 2 * i] | bytes[17 + 2 * i] << 8;
      rows[i] = bytes[48 + i];
      require(row_bytes[i] <= most_bytes, "ldtilecfg: #GP, a row has more than 64 bytes");
      require(rows[i] <= most_rows, "ldtilecfg: #GP, more than 16 rows");
      require((rows[i] == 0) == (row_bytes[i] == 0), "ldtilecfg: #GP, rows without bytes, or bytes without rows");
    }
    std::copy(rows, rows + count, rows_);
    std::copy(row_bytes, row_bytes + count, row_bytes_);
    std::memset(data_, 0, sizeof data_);
    configured_ = true;
    clock_.configure();
  }
  /// TILERELEASE: the initial state.
  void release() {
    configured_ = false;
    std::memset(rows_, 0, sizeof rows_);
    std::memset(row_bytes_, 0, sizeof row_bytes_);
    std::memset(data_, 0, sizeof data_);
    clock_.release();
  }
  /// TILELOADD: what is beyond the rows and their bytes becomes zero.
  void load(int tile, const unsigned char* first, std::int64_t step) {
    valid(tile);
    std::memset(data_[tile], 0, sizeof data_[tile]);
    for (int r = 0; r < rows_[tile]; ++r) std::memcpy(data_[tile][r], first + r * step, static_cast<std::size_t>(row_bytes_[tile]));
    clock_.load(tile, rows_[tile], row_bytes_[tile]);
  }
  /// TILESTORED: only the rows and bytes that the tile has.
  void store(int tile, unsigned char* first, std::int64_t step) {
    valid(tile);
    for (int r = 0; r < rows_[tile]; ++r) std::memcpy(first + r * step, data_[tile][r], static_cast<std::size_t>(row_bytes_[tile]));
    clock_.store(tile, rows_[tile], row_bytes_[tile]);
  }
  /// TDPB{S,U}{S,U}D sum, a, b: for all rows m, words n and k: sum[m][n] += four bytes a[m][k] times four bytes b[k][n],
  /// modulo 2^32.
  void add_product(int sum, int a, bool a_signed, int b, bool b_signed) {
    require(sum != a && sum != b && a != b, "tile product: #UD, a tile twice");
    for (const int tile : {sum, a, b}) {
      valid(tile);
      require(row_bytes_[tile] % 4 == 0, "tile product: #UD, rows of no whole words");
    }
    require(rows_[sum] == rows_[a], "tile product: #UD, rows of the sums and of the first operand");
    require(row_bytes_[a] / 4 == rows_[b], "tile product: #UD, words of the first operand and rows of the second");
    require(row_bytes_[sum] == row_bytes_[b], "tile product: #UD, columns of the sums and of the second operand");
    const auto value = [](std::uint8_t byte, bool is_signed) { return is_signed ? static_cast<std::int8_t>(byte) : std::int32_t{byte}; };
    std::int32_t columns[most_rows * 4][16];  // of b, byte by byte
    for (int k = 0; k < rows_[b] * 4; ++k)
      for (int n = 0; n < 16; ++n) columns[k][n] = value(data_[b][k / 4][4 * n + k % 4], b_signed);
    for (int m = 0; m < rows_[sum]; ++m) {
      std::uint32_t row[16];
      std::memcpy(row, data_[sum][m], sizeof row);
      for (int k = 0; k < row_bytes_[a]; ++k) {
        const std::int32_t v = value(data_[a][m][k], a_signed);
        for (int n = 0; n < 16; ++n) row[n] += static_cast<std::uint32_t>(v * columns[k][n]);  // beyond the tile's columns b is zero
      }
      std::memcpy(data_[sum][m], row, sizeof row);
    }
    clock_.product(sum, a, b, rows_[a]);
  }

 private:
  void valid(int tile) const {
    require(configured_, "#UD, tiles are not configured");
    require(rows_[tile] != 0, "#UD, this tile has no rows");
  }

  std::uint8_t data_[count][most_rows][most_bytes] = {};
  int rows_[count] = {}, row_bytes_[count] = {};
  bool configured_ = false;
  tile_clock clock_;
};

/// This thread's.
inline tile_state& state() {
  static thread_local tile_state tiles;
  return tiles;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86::tiles
