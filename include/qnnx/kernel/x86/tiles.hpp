// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the tile registers of AMX hold: eight of up to 16 rows of 64 bytes.
//   0 to 3   sums: 16 pixels by 16 channels, [first or second 16 pixels][first or second 16 channels]; of up to 16 pixels
//            [first to fourth 16 channels]
//   4, 5     data: 16 pixels, a step of 64 bytes of each
//   6, 7     weights: [piece][channel][4 bytes], 16 channels
// The configuration belongs to the thread: whoever uses tiles configures them first and releases them after. Layer 5a.

#include "qnnx/kernel/x86/tile_instructions.hpp"

#if QNNX_HAS_AMX
namespace qnnx::inline QNNX_ABI::kernel::x86::tiles {

struct alignas(64) configuration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(configuration) == 64);
/// Tiles for `pixels` <= 32 pixels and steps of `pieces` <= 16 pieces of 4 bytes.
QNNX_INLINE void configure(int pixels, int pieces) {
  const int first = pixels < 16 ? pixels : 16;
  const int second = pixels - first;
  const int more = second > 0 ? second : first;
  const int rows[8] = {first, first, more, more, first, second, pieces, pieces};
  configuration c;
  for (int i = 0; i < 8; ++i) {
    const bool data = i == 4 || i == 5;
    c.rows[i] = static_cast<std::uint8_t>(rows[i]);
    c.row_bytes[i] = static_cast<std::uint16_t>(rows[i] == 0 ? 0 : data ? pieces * 4 : 64);
  }
  load_configuration(&c);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86::tiles
#endif
