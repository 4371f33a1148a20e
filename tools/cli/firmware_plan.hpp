// SPDX-License-Identifier: Apache-2.0
#pragma once
// The memory plan of a firmware archive. The program that packs the weights (it is compiled with the target's kernels)
// prints the tensors and what each node asks; the plan is searched here and compiled into the archive, which checks it
// again.

#include <string>
#include <vector>

#include "cli/firmware_bands.hpp"
#include "cli/firmware_header.hpp"
#include "cli/model_library.hpp"
#include "qnnx/runtime/passes/plan_search.hpp"

namespace qnnx::cli {

/// C++ that prints a plan_needs as lines: "tensor KIND BYTES NAME", "node SCRATCH INPUTS OUTPUTS NAME" and for each
/// operand of it "in TENSOR DISTANCE" or "out TENSOR".
extern const char* const print_needs_source;

class firmware_plan {
 public:
  /// Reads what the packing program printed and searches.
  firmware_plan(const std::string& printed, const std::vector<ram_bank>& banks);
  firmware_plan(const firmware_plan&) = delete;

  /// Runs chains of nodes in bands of rows, of those that print_chains_source printed: the least work with which the arena
  /// has at most `budget` bytes; where nothing has, the smallest arena.
  void stream(const std::string& chains, std::int64_t budget);
  const std::vector<streamed_chain>& chains() const { return chains_; }
  /// "; in bands of rows: steps 1 to 3, 5 to 8" or nothing.
  std::string chain_list() const;

  /// A header of macros for the model's translation unit (model/export.hpp).
  std::string macros() const;
  /// One line about how near the plan is to what the graph and the kernels allow.
  std::string bounds() const;
  /// A table of the steps and one of the tensors.
  std::string report() const;

  /// The banks and how far the plan reaches into each; none where none were given.
  std::vector<used_bank> banks() const;
  /// " (dtcm 8000 of 8192, sram 800 of 65536)"; empty where there are no banks.
  std::string bank_list() const;
  /// Throws error where the banks have no room.
  void check_banks() const;
  /// Bytes of all banks.
  std::int64_t room() const { return room_; }
  /// Whether they have.
  bool fits_banks() const { return banks_.empty() || plan_.bytes <= room_; }
  /// Bytes of all banks that the plan reaches.
  std::int64_t bytes() const;
  /// Tells code for these banks from code for others.
  std::string variant() const;

 private:
  struct layout {  // a network as the planner sees it, and its plan
    std::vector<node_desc> nodes;
    node_needs needs;
    passes::memory_plan plan;
  };
  layout lay_out(const std::vector<streamed_chain>& chains) const;
  std::vector<std::string> names_;
  std::vector<tensor_desc> tensors_;
  std::vector<node_desc> nodes_;
  graph_view g_;
  node_needs needs_;
  std::vector<ram_bank> banks_;
  std::vector<std::int64_t> walls_;
  std::int64_t room_ = 0;
  std::vector<streamed_chain> chains_;
  passes::memory_plan plan_;
};

}  // namespace qnnx::cli
