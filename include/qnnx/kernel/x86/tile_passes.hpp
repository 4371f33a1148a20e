// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sums of one block of pixels by one to four vectors of channels, made in tiles (AMX) in one pass over the taps, while the
// sums of the block before are finished a few rows at a time. Layer 5a.

#include "qnnx/kernel/x86/finish.hpp"
#include "qnnx/kernel/x86/tiles.hpp"

#if QNNX_HAS_AMX
namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr int tile_pixels = 32;              // of a block
inline constexpr std::int64_t tile_columns = 4;     // vectors of channels that are finished together

namespace detail {

/// Rows of a block whose sums are of outputs that follow each other.
struct tile_segment {
  int row, rows;
  std::int64_t pixel;
};
struct tile_block {
  tile_segment segments[tile_pixels];
  int count = 0;
  int rows = 0;  // that the tiles have
  std::int32_t data_sums[tile_pixels];
};

/// The sums of one block that are not finished yet.
class pending_sums {
 public:
  /// `plain`: plain_results, bounded.
  pending_sums(const byte_output& o, bool plain) : o_(o), plain_(plain) {}
  void begin(const tile_block& block, std::int32_t* sums, std::int64_t channel, std::int64_t channels) {
    block_ = &block, sums_ = sums, channel_ = channel, channels_ = channels, segment_ = 0, done_ = 0;
    left_ = block.count > 0;
  }
  QNNX_INLINE void some() {
    if (left_) four();
  }
  void rest() {
    while (left_) four();
  }

 private:
  QNNX_NOINLINE void four() {
    const tile_segment& s = block_->segments[segment_];
    const int rows = s.rows - done_ < 4 ? s.rows - done_ : 4;
    const std::int32_t* sums = sums_ + (s.row + done_) * 16 * tile_columns;
    if (plain_ && channels_ > 48) {
      finish_rows<1, 4>(sums, rows, s.pixel + done_);
    } else if (plain_ && rows == 4 && channels_ <= 32) {
      channels_ <= 16 ? finish_rows<4, 1>(sums, 4, s.pixel + done_) : finish_rows<4, 2>(sums, 4, s.pixel + done_);
    } else {
      o_.data_sums = block_->data_sums + s.row + done_;
      take_bytes(&o_, reinterpret_cast<const std::byte*>(sums), rows, s.pixel + done_, channel_, channels_);
    }
    done_ += rows;
    if (done_ < s.rows) return;
    done_ = 0;
    left_ = ++segment_ < block_->count;
  }

  /// `rows` rows, Rows at once, of exactly Vectors vectors of channels.
  template <int Rows, int Vectors>
  QNNX_INLINE void finish_rows(const std::int32_t* sums, int rows, std::int64_t pixel) const {
    tile_input in;
    in.pixel = pixel;
    in.channel = channel_;
    in.channels = channels_;
    const finish_bytes done(in, o_);
    for (int r = 0; r < rows; r += Rows, sums += Rows * 16 * tile_columns) {
      __m512i acc[Rows][Vectors];
      for (int k = 0; k < Rows; ++k)
        for (int v = 0; v < Vectors; ++v) acc[k][v] = _mm512_loadu_si512(sums + (k * tile_columns + v) * 16);
      done.block(acc, r);
    }
  }

  byte_output o_;
  bool plain_ = false;
  const tile_block* block_ = nullptr;
  std::int32_t* sums_ = nullptr;
  std::int64_t channel_ = 0, channels_ = 0;
  int segment_ = 0, done_ = 0;
  bool left_ = false;
};

/// What one pass over the taps reads and writes.
struct pass_input {
  const std::byte* data = nullptr;
  std::int64_t row_step = 0;
  const std::int64_t* run_at = nullptr;  // offset of each run
  std::int64_t runs = 1, steps = 1, step_bytes = 64;
  const std::byte* w = nullptr;
  std::int64_t vector_bytes = 0;  // of weights, from one vector of channels to the next
  const std::byte* bias = nullptr;
  std::int32_t* sums = nullptr;
};

/// Sums of Rows * 16 pixels and Columns * 16 channels.
template <bool Signed, int Rows, int Columns>
QNNX_NOINLINE void tile_pass(const pass_input& in, pending_sums& before) {
  constexpr std::int64_t sums_step = 64 * tile_columns;
  tiles::load<0>(in.bias, 0);
  if constexpr (Columns == 2) tiles::load<1>(in.bias + 64, 0);
  if constexpr (Rows == 2) tiles::load<2>(in.bias, 0);
  if constexpr (Rows == 2 && Columns == 2) tiles::load<3>(in.bias + 64, 0);
  const std::byte* w = in.w;
  for (std::int64_t run = 0; run < in.runs; ++run) {
    const std::byte* x = in.data + in.run_at[run];
    for (std::int64_t step = 0; step < in.steps; ++step, x += in.step_bytes, w += in.step_bytes * 16) {
      tiles::load<4>(x, in.row_step);
      tiles::load<6>(w, 64);
      tiles::add_product<Signed, 0, 4, 6>();
      if constexpr (Columns == 2) {
        tiles::load<7>(w + in.vector_bytes, 64);
        tiles::add_product<Signed, 1, 4, 7>();
      }
      if constexpr (Rows == 2) {
        tiles::load<5>(x + 16 * in.row_step, in.row_step);
        tiles::add_product<Signed, 2, 5, 6>();
      }
      if constexpr (Rows == 2 && Columns == 2) tiles::add_product<Signed, 3, 5, 7>();
      before.some();
    }
  }
  tiles::store<0>(in.sums, sums_step);
  if constexpr (Columns == 2) tiles::store<1>(in.sums + 16, sums_step);
  if constexpr (Rows == 2) tiles::store<2>(in.sums + 256 * tile_columns, sums_step);
  if constexpr (Rows == 2 && Columns == 2) tiles::store<3>(in.sums + 256 * tile_columns + 16, sums_step);
}
/// Sums of up to 16 pixels and Columns * 16 channels, 3 or 4: a sum waits for the one before it, so more of them side by
/// side where pixels do not give two rows of tiles.
template <bool Signed, int Columns>
QNNX_NOINLINE void tile_row_pass(const pass_input& in, pending_sums& before) {
  constexpr std::int64_t sums_step = 64 * tile_columns;
  tiles::load<0>(in.bias, 0);
  tiles::load<1>(in.bias + 64, 0);
  tiles::load<2>(in.bias + 128, 0);
  if constexpr (Columns == 4) tiles::load<3>(in.bias + 192, 0);
  const std::byte* w = in.w;
  for (std::int64_t run = 0; run < in.runs; ++run) {
    const std::byte* x = in.data + in.run_at[run];
    for (std::int64_t step = 0; step < in.steps; ++step, x += in.step_bytes, w += in.step_bytes * 16) {
      tiles::load<4>(x, in.row_step);
      tiles::load<6>(w, 64);
      tiles::add_product<Signed, 0, 4, 6>();
      tiles::load<7>(w + in.vector_bytes, 64);
      tiles::add_product<Signed, 1, 4, 7>();
      tiles::load<6>(w + 2 * in.vector_bytes, 64);
      tiles::add_product<Signed, 2, 4, 6>();
      if constexpr (Columns == 4) {
        tiles::load<7>(w + 3 * in.vector_bytes, 64);
        tiles::add_product<Signed, 3, 4, 7>();
      }
      before.some();
    }
  }
  tiles::store<0>(in.sums, sums_step);
  tiles::store<1>(in.sums + 16, sums_step);
  tiles::store<2>(in.sums + 32, sums_step);
  if constexpr (Columns == 4) tiles::store<3>(in.sums + 48, sums_step);
}
/// Makes some of `columns` vectors of channels, at most 4; returns how many.
template <bool Signed>
std::int64_t tile_pass(const pass_input& in, bool two_rows, std::int64_t columns, pending_sums& before) {
  if (two_rows) columns > 1 ? tile_pass<Signed, 2, 2>(in, before) : tile_pass<Signed, 2, 1>(in, before);
  else if (columns > 2) columns > 3 ? tile_row_pass<Signed, 4>(in, before) : tile_row_pass<Signed, 3>(in, before);
  else columns > 1 ? tile_pass<Signed, 1, 2>(in, before) : tile_pass<Signed, 1, 1>(in, before);
  return columns < 2 || !two_rows ? columns : 2;
}

}  // namespace detail

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
