// SPDX-License-Identifier: Apache-2.0
#pragma once
// What amx_unit.cpp gives: it is compiled for AVX-512, so call it only where the processor has that.

#include <cstddef>
#include <cstdint>

/// Of the calling thread, since it began; emulated/tile_clock.hpp says what the cycles are.
struct qnnx_test_tile_work {
  int configured;  // now
  std::int64_t configurations, loads, stores, products;
  std::int64_t bytes_loaded, bytes_stored;
  std::int64_t product_cycles, load_cycles, store_cycles, cycles;
};
extern "C" {
const void* qnnx_test_kernels_amx(std::size_t* count);  // kernel_entry, compiled under another namespace name
qnnx_test_tile_work qnnx_test_tiles();
}
