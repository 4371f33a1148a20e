// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolMax2d of bytes into another encoding: the maxima stand where the results will, and go through a table of the
// reference's 256 results. Layer 5a.

#include "qnnx/kernel/epilogue.hpp"
#include "qnnx/kernel/x86/elements.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Fewer results of a piece are not worth a table.
inline constexpr std::int64_t least_rescaled = 512;

/// `count` maxima at y become results; k: finish_constants.
template <class V, class Call>
QNNX_NOINLINE void rescale_maxima(const Call& c, typename Call::out_type::storage* y, std::int64_t count) {
  using T = typename Call::out_type;
  const std::int32_t* k = c.constants();
  const multiplier m{k[finish_constants::header], k[finish_constants::header + 1]};
  const std::int32_t offset = c.template in<0>().offset(), zero = c.out().zero();
  alignas(64) std::uint8_t table[256];
  for (std::int32_t q = 0; q < 256; ++q)
    table[q] = static_cast<std::uint8_t>(requantize(q + static_cast<std::int32_t>(min_value(T::code)) + offset, m, zero, k[2], k[3], c.rounding()));
  look_up<V, T>(table, y, y, count);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
