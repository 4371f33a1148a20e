// SPDX-License-Identifier: Apache-2.0
#pragma once
// A longer search for a small arena than the compile-time planner can afford: first fit in many orders, hill climbing
// on the order, and a node order with a lower peak. The result is checked by find_collision and comes with a bound
// that no plan for this node order can beat. Layer 6b.

#include "qnnx/runtime/dispatch.hpp"
#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI::passes {

struct memory_plan {
  std::vector<std::int64_t> offset;  // per tensor, -1: not in the arena
  std::int64_t bytes = 0;            // with scratch
  std::int64_t lower_bound = 0;      // most bytes that must live at one node, allowed overlaps counted
  std::string how;                   // which order found it
};

struct plan_search_options {
  int tries = 4000;        // orders tried after the fixed ones; the search is deterministic
  std::uint32_t seed = 1;
};

/// Most bytes live at any node.
std::int64_t plan_lower_bound(const graph_view& g, std::span<const kernel_entry> table);

memory_plan search_plan(const graph_view& g, std::span<const kernel_entry> table, const plan_search_options& options = {});

/// Reorders the nodes where that lowers the bound: at each step the ready node that leaves the fewest live bytes.
/// Returns the bytes won (0: order unchanged).
std::int64_t reorder_nodes(net& n, std::span<const kernel_entry> table);

}  // namespace qnnx::inline QNNX_ABI::passes
