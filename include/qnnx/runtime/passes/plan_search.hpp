// SPDX-License-Identifier: Apache-2.0
#pragma once
// A longer search for a small arena than the compile-time planner can afford: first fit in many orders, hill climbing
// on the order, and a node order with a lower peak. The result is checked by find_collision and comes with a bound
// that no plan for this node order can beat. Layer 6b.

#include <algorithm>

#include "qnnx/runtime/node_needs.hpp"
#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI::passes {

struct memory_plan {
  std::vector<std::int64_t> offset;  // per tensor, -1: not in the arena
  std::int64_t bytes = 0;            // with scratch
  std::vector<std::int64_t> scratch;  // offset per node
  std::int64_t lower_bound = 0;      // most bytes that must live at one node, allowed overlaps counted
  std::string how;                   // which order found it
};

struct plan_search_options {
  int tries = 4000;        // orders tried after the fixed ones; the search is deterministic
  std::uint32_t seed = 1;
  std::vector<std::int64_t> walls{};  // ends of all memory banks but the last
};

/// Bytes that one node needs while it runs.
struct step_memory {
  std::int64_t others = 0;   // live tensors that are neither its dying inputs nor its outputs
  std::int64_t dying = 0;    // inputs that nobody reads later
  std::int64_t made = 0;     // its outputs
  std::int64_t shared = 0;   // of these, what the kernel lets one output share with one dying input at best
  std::int64_t scratch = 0;
  /// No execution node by node needs less: all data at its beginning, all outputs at its end.
  std::int64_t graph_bound() const { return others + std::max(dying, made); }
  /// No plan for these kernels needs less.
  std::int64_t kernel_bound() const { return others + dying + made - shared + scratch; }
};
std::vector<step_memory> memory_of_steps(const graph_view& g, const node_needs& needs);

/// Most bytes live at any node.
std::int64_t plan_lower_bound(const graph_view& g, std::span<const kernel_entry> table);

/// Searches, then puts outputs on their inputs where that costs nothing: a node that hands its bytes on is then no work.
memory_plan search_plan(const graph_view& g, const node_needs& needs, const plan_search_options& options = {});
memory_plan search_plan(const graph_view& g, std::span<const kernel_entry> table, const plan_search_options& options = {});

/// Reorders the nodes where that lowers the bound: at each step the ready node that leaves the fewest live bytes.
/// Returns the bytes won (0: order unchanged).
std::int64_t reorder_nodes(net& n, std::span<const kernel_entry> table);

}  // namespace qnnx::inline QNNX_ABI::passes
