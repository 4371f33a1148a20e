// SPDX-License-Identifier: Apache-2.0
#pragma once
// Any function of a byte with NEON: a table of 256 entries in sixteen registers, four lookups of 64 entries for 16
// values; an index outside of a lookup's part leaves what is there. Layer 5a.

#include "qnnx/kernel/neon/elements.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

struct byte_table {
  uint8x16x4_t part[4];
  explicit byte_table(const void* bytes) {
    for (int i = 0; i < 4; ++i) part[i] = vld1q_u8_x4(static_cast<const std::uint8_t*>(bytes) + 64 * i);
  }
  QNNX_INLINE uint8x16_t operator()(uint8x16_t at) const {
    uint8x16_t v = vqtbl4q_u8(part[0], at);
    v = vqtbx4q_u8(v, part[1], veorq_u8(at, vdupq_n_u8(0x40)));
    v = vqtbx4q_u8(v, part[2], veorq_u8(at, vdupq_n_u8(0x80)));
    return vqtbx4q_u8(v, part[3], veorq_u8(at, vdupq_n_u8(0xc0)));
  }
};

/// y[i] = table[x[i] - lowest value of the type X].
template <class X>
void look_up(const void* table_bytes, const typename X::storage* x, void* y, std::int64_t count) {
  const byte_table table(table_bytes);
  const uint8x16_t turn = vdupq_n_u8(is_signed_fixed(X::code) ? 0x80 : 0);
  each_chunk<16>(reinterpret_cast<const std::uint8_t*>(x), static_cast<std::uint8_t*>(y), count,
                 [&](const std::uint8_t* from, std::uint8_t* to) { vst1q_u8(to, table(veorq_u8(vld1q_u8(from), turn))); });
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
