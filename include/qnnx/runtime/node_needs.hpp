// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the nodes of a graph need from a backend before memory can be planned: the kernel each runs, its scratch and
// packed bytes, and how its output may overlap its inputs. The interpreter and the plan search share it. Layer 6b.

#include <vector>

#include "qnnx/ir/plan.hpp"
#include "qnnx/runtime/dispatch.hpp"

namespace qnnx::inline QNNX_ABI {

/// Facts of a node: the resolved encodings next to the operand pointers.
struct facts_storage {
  bound_context bound;
  std::vector<quant> in;
  std::vector<quant> out;
  epilogue epi;
  rounding_mode rounding;

  facts_storage(const graph_view& g, int k);
  node_facts get() const { return {bound.get(), in.data(), out.data(), epi, rounding}; }
};

struct node_needs {
  std::vector<const kernel_entry*> entries;
  std::vector<std::int64_t> distance;  // max_inputs per node, as plan_buffers wants it
  std::vector<std::int64_t> scratch;
  std::vector<std::int64_t> packed_at;
  std::int64_t packed_total = 0;
  std::vector<split> pieces;           // how each node is cut
  std::vector<tensor_view> views;      // by node
};

/// Throws error with the types where a node has no kernel. `extra` is searched before `table`; the entries point into
/// both. `in_pieces`: nodes of at least `least_ns` are cut, and then overlap their inputs in place only.
node_needs needs_of(const graph_view& g, std::span<const kernel_entry> extra, std::span<const kernel_entry> table, bool in_pieces = false,
                    std::int64_t least_ns = kernel::serial_ns);

/// Storage of plan_buffers for one graph.
struct plan_storage {
  std::vector<int> first, last, order;
  std::vector<std::int64_t> size, offset, scratch_offset;
  std::vector<tensor_body> body;
  plan_buffers b;
  plan_storage(const graph_view& g, const node_needs& needs, bool keep_all);
  plan_storage(const plan_storage&) = delete;
};

}  // namespace qnnx::inline QNNX_ABI
