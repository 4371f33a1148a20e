// SPDX-License-Identifier: Apache-2.0
#pragma once
// What tile instructions were executed and, for want of a processor, how many cycles they would take by the numbers of Intel's
// optimization manual for Sapphire Rapids: throughput and latency of a tile product 16 and 52 cycles, of a tile load 8 and 45,
// a tile store 16, ldtilecfg 204, tilerelease 13, each with 16 rows. A product takes its unit one cycle for each row of its
// data, a load half a cycle for each row, a store one. Three units (products, loads, stores) that begin in the order of the
// program as soon as their operands are there. Not in it: vector instructions, caches, the length of the reorder buffer.

#include <algorithm>
#include <cstdint>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86::tiles {

struct tile_counts {
  std::int64_t configurations, loads, stores, products;
  std::int64_t bytes_loaded, bytes_stored;
  std::int64_t product_cycles, load_cycles, store_cycles;  // that each unit is busy
  std::int64_t cycles;                                     // from the first instruction to the end of the last
};

class tile_clock {
 public:
  void configure() {
    ++c_.configurations;
    wait_for_all();
    advance(204);
  }
  void release() {
    wait_for_all();
    advance(13);
  }
  void load(int tile, int rows, int row_bytes) {
    ++c_.loads;
    c_.bytes_loaded += std::int64_t{rows} * row_bytes;
    const std::int64_t busy = (rows + 1) / 2;
    c_.load_cycles += busy;
    const std::int64_t from = loads_free_;
    loads_free_ = from + busy;
    done(ready_[tile] = from + 37 + busy);
  }
  void store(int tile, int rows, int row_bytes) {
    ++c_.stores;
    c_.bytes_stored += std::int64_t{rows} * row_bytes;
    c_.store_cycles += rows;
    const std::int64_t from = std::max(stores_free_, ready_[tile]);
    done(stores_free_ = from + rows);
  }
  void product(int sum, int data, int weights, int rows) {
    ++c_.products;
    c_.product_cycles += rows;
    const std::int64_t from = std::max({products_free_, ready_[sum], ready_[data], ready_[weights]});
    products_free_ = from + rows;
    done(ready_[sum] = from + 36 + rows);
  }
  tile_counts counts() const {
    tile_counts c = c_;
    c.cycles = end_;
    return c;
  }

 private:
  void done(std::int64_t at) { end_ = std::max(end_, at); }
  void wait_for_all() { advance(0); }
  void advance(std::int64_t cycles) {
    end_ += cycles;
    products_free_ = loads_free_ = stores_free_ = end_;
  }

  tile_counts c_{};
  std::int64_t products_free_ = 0, loads_free_ = 0, stores_free_ = 0, end_ = 0;
  std::int64_t ready_[8] = {};
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86::tiles
