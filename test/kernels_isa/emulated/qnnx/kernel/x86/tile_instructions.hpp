// SPDX-License-Identifier: Apache-2.0
#pragma once
// Found before the library's header of this name: the same functions on eight tiles in memory, one set for each thread,
// after the pseudo-code of Intel's Software Developer's Manual, volume 2 (LDTILECFG, TILERELEASE, TILELOADD, TILESTORED,
// TDPBUSD, TDPBSSD). What raises #UD or #GP there throws tile_fault. Memory is read and written byte for byte, so that
// sanitizers see what an instruction touches. tile_clock.hpp counts.

#include "kernels_isa/emulated/tile_state.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86::tiles {

inline void load_configuration(const void* bytes) { state().configure(static_cast<const std::uint8_t*>(bytes)); }
inline void release() { state().release(); }
template <int Tile>
void load(const void* first, std::int64_t step) {
  state().load(Tile, static_cast<const unsigned char*>(first), step);
}
template <int Tile>
void store(void* first, std::int64_t step) {
  state().store(Tile, static_cast<unsigned char*>(first), step);
}
template <bool Signed, int Sum, int Data, int Weights>
void add_product() {
  state().add_product(Sum, Data, Signed, Weights, true);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86::tiles
