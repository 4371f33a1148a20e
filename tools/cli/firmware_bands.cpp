// SPDX-License-Identifier: Apache-2.0
#include "cli/firmware_bands.hpp"

#include <algorithm>
#include <sstream>
#include <vector>

#include "qnnx/runtime/passes/plan_search.hpp"

namespace qnnx::cli {

const char* const print_chains_source = R"(
void print_chain(const qnnx::band_choice& c) {
  const qnnx::band_memory& m = c.memory;
  std::printf("chain %d %d %d %lld %lld %d %u enters %d", static_cast<int>(c.chain.first), static_cast<int>(c.chain.last), static_cast<int>(c.chain.rows),
              static_cast<long long>(m.bytes), static_cast<long long>(m.moved), static_cast<int>(m.calls), m.code, m.enter_count);
  for (int i = 0; i < m.enter_count; ++i) std::printf(" %d %lld", static_cast<int>(m.enters[i]), static_cast<long long>(m.distance[i]));
  std::printf(" buffers %d", static_cast<int>(c.chain.last - c.chain.first));
  for (int s = 0; s < c.chain.last - c.chain.first; ++s) std::printf(" %d %lld", static_cast<int>(m.rows[s]), static_cast<long long>(m.offset[s]));
  std::printf("\n");
}
)";

chain_choice::chain_choice(const graph_view& g, const node_needs& needs, const std::string& printed) {
  const plan_storage s(g, needs, false);
  for (const passes::step_memory& m : passes::memory_of_steps(g, needs)) node_bound_.push_back(m.kernel_bound());
  const auto bound_of = [&](const streamed_chain& c) {
    std::int64_t sum = align_up(c.bytes), shared = 0;
    const int out = g.nodes[c.nodes.last].outputs[0];
    for (int t = 0; t < g.tensor_count; ++t) {
      const bool inside = t != out && c.nodes.holds(s.first[static_cast<std::size_t>(t)]);
      if (!inside && s.size[static_cast<std::size_t>(t)] > 0 && s.first[static_cast<std::size_t>(t)] <= c.nodes.last && s.last[static_cast<std::size_t>(t)] >= c.nodes.first)
        sum += s.size[static_cast<std::size_t>(t)];
    }
    for (std::size_t i = 0; i < c.enters.size(); ++i) {
      const auto in = static_cast<std::size_t>(c.enters[i]);
      const std::int64_t d = align_up(c.distance[i]), y = s.size[static_cast<std::size_t>(out)];
      if (s.last[in] <= c.nodes.last) shared = std::max(shared, s.size[in] + y - std::max(y, d + s.size[in]));
    }
    return sum - shared;
  };
  std::istringstream in(printed);
  for (std::string word; in >> word;) {
    if (word != "chain") throw error("the program that packs the weights printed '" + word + "', expected chain");
    rated r;
    streamed_chain& c = r.chain;
    std::size_t count = 0;
    in >> c.nodes.first >> c.nodes.last >> c.nodes.rows >> c.bytes >> c.moved >> c.calls >> c.code >> word >> count;
    c.enters.resize(count);
    c.distance.resize(count);
    for (std::size_t i = 0; i < count; ++i) in >> c.enters[i] >> c.distance[i];
    in >> word >> count;
    c.rows.resize(count);
    c.offset.resize(count);
    for (std::size_t i = 0; i < count; ++i) in >> c.rows[i] >> c.offset[i];
    if (!in) throw error("the program that packs the weights printed a chain that cannot be read");
    r.bound = bound_of(c);
    // Rough instructions: a call is set up in some 600, a byte is moved in half of one. A chain is a thousand, for its tables.
    r.work = 1000 + 600 * (c.calls - (c.nodes.last - c.nodes.first + 1)) + c.moved / 2;
    found_.push_back(std::move(r));
  }
  std::vector<std::int64_t> all = node_bound_;
  for (const rated& r : found_) all.push_back(r.bound);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<streamed_chain> chosen;
  const auto first = std::partition_point(all.begin(), all.end(), [&](std::int64_t most) { return !choose(most, chosen); });
  bounds_.assign(first, all.end());
}

bool chain_choice::choose(std::int64_t most, std::vector<streamed_chain>& chosen) const {
  constexpr std::int64_t never = INT64_MAX / 2;
  const std::size_t nodes = node_bound_.size();
  std::vector<std::int64_t> work(nodes + 1, never);  // of the nodes from here on
  std::vector<const rated*> with(nodes + 1, nullptr);
  std::vector<std::vector<const rated*>> begins(nodes + 1);
  for (const rated& r : found_)
    if (r.bound <= most) begins[static_cast<std::size_t>(r.chain.nodes.first)].push_back(&r);
  work[nodes] = 0;
  for (std::size_t k = nodes; k-- > 0;) {
    if (node_bound_[k] <= most) work[k] = work[k + 1];
    for (const rated* r : begins[k])
      if (const std::int64_t w = r->work + work[static_cast<std::size_t>(r->chain.nodes.last) + 1]; w < work[k]) {
        work[k] = w;
        with[k] = r;
      }
  }
  chosen.clear();
  if (work[0] >= never) return false;
  for (std::size_t k = 0; k < nodes;) {
    if (with[k]) {
      chosen.push_back(with[k]->chain);
      k = static_cast<std::size_t>(with[k]->chain.nodes.last) + 1;
    } else {
      ++k;
    }
  }
  return true;
}

void fold_chains(const std::vector<streamed_chain>& chains, std::vector<node_desc>& nodes, node_needs& needs) {
  std::erase_if(needs.views, [&](const tensor_view& v) {
    return std::any_of(chains.begin(), chains.end(), [&](const streamed_chain& c) { return c.nodes.holds(v.node); });
  });
  for (const streamed_chain& c : chains)
    for (std::int32_t k = c.nodes.first; k <= c.nodes.last; ++k) {
      const auto at = static_cast<std::size_t>(k);
      const bool last = k == c.nodes.last;
      node_desc& n = nodes[at];
      n.input_count = last ? static_cast<std::int32_t>(c.enters.size()) : 0;
      n.output_count = last ? 1 : 0;
      needs.scratch[at] = last ? c.bytes : 0;
      for (std::size_t i = 0; i < max_inputs; ++i) needs.distance[at * max_inputs + i] = last && i < c.distance.size() ? c.distance[i] : no_overlap;
      for (std::size_t i = 0; last && i < c.enters.size(); ++i) n.inputs[i] = c.enters[i];
    }
}

}  // namespace qnnx::cli
