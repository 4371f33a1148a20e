// SPDX-License-Identifier: Apache-2.0
#pragma once
// The memory plan of a firmware archive. The program that packs the weights (it is compiled with the target's kernels)
// prints the tensors and what each node asks; the plan is searched here and compiled into the archive, which checks it
// again.

#include <string>
#include <vector>

#include "cli/firmware_header.hpp"
#include "cli/model_library.hpp"
#include "qnnx/runtime/passes/plan_search.hpp"

namespace qnnx::cli {

/// C++ that prints a plan_needs as lines: "tensor KIND BYTES NAME", "node SCRATCH INPUTS OUTPUTS NAME" and for each
/// operand of it "in TENSOR DISTANCE" or "out TENSOR".
extern const char* const print_needs_source;

class firmware_plan {
 public:
  /// Reads what the packing program printed and searches; throws error where the banks have no room.
  firmware_plan(const std::string& printed, const std::vector<ram_bank>& banks);
  firmware_plan(const firmware_plan&) = delete;

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
  /// Bytes of all banks that the plan reaches.
  std::int64_t bytes() const;
  /// Tells code for these banks from code for others.
  std::string variant() const;

 private:
  std::vector<std::string> names_;
  std::vector<tensor_desc> tensors_;
  std::vector<node_desc> nodes_;
  graph_view g_;
  node_needs needs_;
  std::vector<ram_bank> banks_;
  std::vector<std::int64_t> walls_;
  passes::memory_plan plan_;
};

}  // namespace qnnx::cli
