// SPDX-License-Identifier: Apache-2.0
#pragma once
// Row streaming of a firmware archive: which chains of nodes run in bands of rows. The program that packs the weights
// prints the chains that the target's kernels can run so; those that keep the arena within a budget, at the least
// work, are chosen here.

#include <cstdint>
#include <string>
#include <vector>

#include "qnnx/ir/bands.hpp"
#include "qnnx/runtime/node_needs.hpp"

namespace qnnx::cli {

/// C++ that prints each chain as a line: "chain FIRST LAST ROWS BYTES MOVED CALLS CODE", then "enters" and pairs of tensor and
/// distance, "buffers" and pairs of rows and offset.
extern const char* const print_chains_source;

struct streamed_chain {
  band_chain nodes;
  std::int64_t bytes = 0;  // of all buffers and scratch
  std::int64_t moved = 0;  // in one run
  std::int64_t calls = 0;  // of kernels in one run
  unsigned code = 0;
  std::vector<std::int32_t> enters;
  std::vector<std::int64_t> distance;
  std::vector<std::int32_t> rows;  // of the buffer of each node but the last
  std::vector<std::int64_t> offset;
};

class chain_choice {
 public:
  /// `g`, `needs`: of the network without chains; they outlive this. `printed`: by print_chains_source.
  chain_choice(const graph_view& g, const node_needs& needs, const std::string& printed);

  /// Bounds that some choice of chains meets, ascending.
  const std::vector<std::int64_t>& bounds() const { return bounds_; }
  /// Chains with which no step needs more than `most` bytes, at the least work; false where there are none.
  bool choose(std::int64_t most, std::vector<streamed_chain>& chosen) const;

 private:
  struct rated {
    streamed_chain chain;
    std::int64_t bound = 0, work = 0;
  };
  std::vector<rated> found_;
  std::vector<std::int64_t> node_bound_, bounds_;
};

/// The nodes and needs of a network whose chains are one node each (the last; the others read and make nothing).
void fold_chains(const std::vector<streamed_chain>& chains, std::vector<node_desc>& nodes, node_needs& needs);

}  // namespace qnnx::cli
