// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/node_needs.hpp"

#include "qnnx/ir/verify.hpp"
#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI {

facts_storage::facts_storage(const graph_view& g, int k) : bound(g, g.nodes[k]), epi(g.nodes[k].epi), rounding(g.rounding) {
  const node_desc& n = g.nodes[k];
  for (int i = 0; i < n.input_count; ++i) {
    const auto t = n.inputs[static_cast<std::size_t>(i)];
    in.push_back(t < 0 ? quant{} : g.quant_of(t));
  }
  for (int i = 0; i < n.output_count; ++i) out.push_back(g.quant_of(n.outputs[static_cast<std::size_t>(i)]));
}

node_needs needs_of(const graph_view& g, std::span<const kernel_entry> extra, std::span<const kernel_entry> table, bool in_pieces, std::int64_t least_ns) {
  const auto nodes = static_cast<std::size_t>(g.node_count);
  node_needs r;
  r.distance.assign(nodes * max_inputs, no_overlap);
  r.scratch.assign(nodes + 1, 0);
  r.packed_at.assign(nodes + 1, 0);
  for (std::size_t k = 0; k < nodes; ++k) {
    const node_desc& n = g.nodes[k];
    const facts_storage facts(g, static_cast<int>(k));
    context c = facts.bound.get();
    c.input_count = n.input_count - (n.epi.residual >= 0 ? 1 : 0) - (n.epi.table >= 0 ? 1 : 0);
    const kernel_entry* e = find_kernel(extra, *n.op, c);
    if (!e) e = find_kernel(table, *n.op, c);
    if (!e)
      throw error(std::string(n.op->name) + " '" + std::string(n.name) + "': no kernel for " +
                  std::string(detail::types_of(c).view()) + ", expected " + std::string(detail::nearest_types(*n.op, c).view()));
    r.entries.push_back(e);
    views_of(g, static_cast<int>(k), [&](const tensor_view& v) { r.views.push_back(v); });
    r.scratch[k] = e->scratch_bytes(facts.get(), n.params);
    r.packed_at[k] = r.packed_total;
    r.packed_total += align_up(e->packed_bytes(facts.get(), n.params), 64);
    r.pieces.push_back(in_pieces ? e->pieces(facts.get(), n.params, least_ns) : split{});
    for (int i = 0; i < n.input_count; ++i)
      if (n.inputs[static_cast<std::size_t>(i)] >= 0)
        r.distance[k * max_inputs + static_cast<std::size_t>(i)] = kernel::overlap_when_cut(r.pieces[k], i, e->overlap(facts.get(), n.params, i));
  }
  return r;
}

plan_storage::plan_storage(const graph_view& g, const node_needs& needs, bool keep_all)
    : first(static_cast<std::size_t>(g.tensor_count) + 1),
      last(first.size()),
      order(first.size()),
      size(first.size()),
      offset(first.size(), -1),
      scratch_offset(static_cast<std::size_t>(g.node_count) + 1, 0),
      body(first.size()) {
  b = {first.data(), last.data(), order.data(), size.data(), offset.data(), scratch_offset.data(),
       keep_all ? nullptr : needs.distance.data(), needs.scratch.data()};
  if (!keep_all) {
    b.views = needs.views.data();
    b.view_count = static_cast<int>(needs.views.size());
    b.body = body.data();
  }
  lifetimes(g, b, keep_all);
}

}  // namespace qnnx::inline QNNX_ABI
