// SPDX-License-Identifier: Apache-2.0
#include "cli/firmware_plan.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "qnnx/runtime/error.hpp"

namespace qnnx::cli {

const char* const print_needs_source = R"(
void print_needs() {
  const qnnx::plan_needs p = qnnx_firmware_needs();
  for (int t = 0; t < p.g->tensor_count; ++t) {
    const qnnx::tensor_desc& d = p.g->tensors[t];
    std::printf("tensor %d %lld %.*s\n", static_cast<int>(d.kind), qnnx::in_arena(d) ? static_cast<long long>(qnnx::byte_size(d)) : 0ll,
                static_cast<int>(d.name.size()), d.name.data());
  }
  for (int k = 0; k < p.g->node_count; ++k) {
    const qnnx::node_desc& n = p.g->nodes[k];
    std::printf("node %lld %d %d %.*s\n", static_cast<long long>(p.scratch[k]), n.input_count, n.output_count,
                static_cast<int>(n.name.size()), n.name.data());
    for (int i = 0; i < n.input_count; ++i)
      std::printf("in %d %lld\n", static_cast<int>(n.inputs[i]), static_cast<long long>(p.distance[k * p.stride + i]));
    for (int i = 0; i < n.output_count; ++i) std::printf("out %d\n", static_cast<int>(n.outputs[i]));
  }
  for (int k = 0; k < p.view_count; ++k)
    std::printf("view %d %d %d %lld\n", p.views[k].node, p.views[k].whole, p.views[k].part, static_cast<long long>(p.views[k].at));
}
)";

namespace {
std::string rest_of_line(std::istream& in) {
  std::string s;
  std::getline(in, s);
  return s.empty() ? s : s.substr(1);
}
std::string numbers(const std::vector<std::int64_t>& values) {
  std::string s;
  for (std::int64_t v : values) s += (s.empty() ? "" : ", ") + std::to_string(v);
  return s;
}
}  // namespace

firmware_plan::firmware_plan(const std::string& printed, const std::vector<ram_bank>& banks) : banks_(banks) {
  std::istringstream in(printed);
  for (std::string what; in >> what;) {
    if (what == "tensor") {
      int kind = 0;
      tensor_desc t;
      std::int64_t bytes = 0;
      in >> kind >> bytes;
      t.kind = static_cast<tensor_kind>(kind);
      t.type = dtype::uint_8;
      t.dims = {static_cast<std::int32_t>(bytes)};
      tensors_.push_back(t);
      names_.push_back(rest_of_line(in));
    } else if (what == "node") {
      node_desc n;
      std::int64_t scratch = 0;
      in >> scratch >> n.input_count >> n.output_count;
      names_.push_back(rest_of_line(in));
      const std::size_t first = needs_.distance.size();
      needs_.scratch.push_back(scratch);
      needs_.distance.resize(first + max_inputs, no_overlap);
      for (std::int32_t i = 0; i < n.input_count; ++i)
        in >> what >> n.inputs[static_cast<std::size_t>(i)] >> needs_.distance[first + static_cast<std::size_t>(i)];
      for (std::int32_t i = 0; i < n.output_count; ++i) in >> what >> n.outputs[static_cast<std::size_t>(i)];
      nodes_.push_back(n);
    } else if (what == "view") {
      tensor_view v;
      in >> v.node >> v.whole >> v.part >> v.at;
      needs_.views.push_back(v);
    } else {
      throw error("the program that packs the weights printed '" + what + "', expected tensor, node or view");
    }
  }
  for (std::size_t t = 0; t < tensors_.size(); ++t) tensors_[t].name = names_[t];
  for (std::size_t k = 0; k < nodes_.size(); ++k) nodes_[k].name = names_[tensors_.size() + k];
  needs_.scratch.push_back(0);
  g_.tensors = tensors_.data();
  g_.tensor_count = static_cast<std::int32_t>(tensors_.size());
  g_.nodes = nodes_.data();
  g_.node_count = static_cast<std::int32_t>(nodes_.size());

  for (const ram_bank& b : banks_) {
    room_ += b.bytes / arena_alignment * arena_alignment;
    if (&b != &banks_.back()) walls_.push_back(room_);
  }
  plan_ = lay_out({}).plan;
}

void firmware_plan::check_banks() const {
  if (!fits_banks())
    throw error("memory banks: got " + std::to_string(room_) + " bytes in all, expected " + std::to_string(plan_.bytes) + " (--ram_bank); " + bounds());
}

firmware_plan::layout firmware_plan::lay_out(const std::vector<streamed_chain>& chains) const {
  layout l{nodes_, needs_, {}};
  fold_chains(chains, l.nodes, l.needs);
  graph_view g = g_;
  g.nodes = l.nodes.data();
  passes::plan_search_options options;
  options.walls = walls_;
  l.plan = passes::search_plan(g, l.needs, options);
  return l;
}

void firmware_plan::stream(const std::string& printed, std::int64_t budget) {
  const chain_choice choice(g_, needs_, printed);
  const auto& bounds = choice.bounds();
  // A plan may need more than the largest step: then the steps are given less, down to the least that chains can do.
  const auto above = std::upper_bound(bounds.begin(), bounds.end(), budget);
  std::size_t k = static_cast<std::size_t>(above - bounds.begin());
  layout best{nodes_, needs_, plan_};
  for (int tries = 0; tries < 12 && k-- > 0;) {
    std::vector<streamed_chain> chosen;
    if (!choice.choose(bounds[k], chosen)) break;
    layout l = lay_out(chosen);
    ++tries;
    if (l.plan.bytes < best.plan.bytes) {
      best = std::move(l);
      chains_ = std::move(chosen);
    }
    if (best.plan.bytes <= budget) break;
  }
  if (best.plan.bytes > budget && !bounds.empty()) {
    std::vector<streamed_chain> chosen;
    choice.choose(bounds[0], chosen);
    if (layout l = lay_out(chosen); l.plan.bytes < best.plan.bytes) {
      best = std::move(l);
      chains_ = std::move(chosen);
    }
  }
  nodes_ = std::move(best.nodes);
  needs_ = std::move(best.needs);
  plan_ = std::move(best.plan);
  g_.nodes = nodes_.data();
}

std::string firmware_plan::chain_list() const {
  std::string s;
  for (const streamed_chain& c : chains_)
    s += (s.empty() ? "; in bands of rows: steps " : ", ") + std::to_string(c.nodes.first) + " to " + std::to_string(c.nodes.last);
  return s;
}

std::vector<used_bank> firmware_plan::banks() const {
  std::vector<used_bank> used;
  std::int64_t first = 0;
  for (const ram_bank& b : banks_) {
    used.push_back({b.name, b.section, first, 0});
    first += b.bytes / arena_alignment * arena_alignment;
  }
  const auto add = [&](std::int64_t at, std::int64_t bytes) {
    if (at < 0 || bytes <= 0) return;
    std::size_t bank = used.size();
    while (bank > 0 && at < used[bank - 1].first) --bank;
    if (bank > 0) used[bank - 1].bytes = std::max(used[bank - 1].bytes, at + align_up(bytes) - used[bank - 1].first);
  };
  for (std::size_t t = 0; t < tensors_.size(); ++t) add(plan_.offset[t], byte_size(tensors_[t]));
  for (std::size_t k = 0; k < nodes_.size(); ++k)
    if (needs_.scratch[k] > 0) add(plan_.scratch[k], needs_.scratch[k]);
  return used;
}

std::string firmware_plan::bank_list() const {
  std::string s;
  const std::vector<used_bank> used = banks();
  for (std::size_t k = 0; k < used.size(); ++k)
    s += (k ? ", " : " (") + used[k].name + " " + std::to_string(used[k].bytes) + " of " + std::to_string(banks_[k].bytes);
  return s.empty() ? s : s + ")";
}

std::int64_t firmware_plan::bytes() const {
  std::int64_t sum = 0;
  for (const used_bank& b : banks()) sum += b.bytes;
  return banks_.empty() ? plan_.bytes : sum;
}

std::string firmware_plan::variant() const {
  std::string s;
  for (std::int64_t w : walls_) s += "_" + std::to_string(w);
  for (const streamed_chain& c : chains_)
    s += "_b" + std::to_string(c.nodes.first) + "_" + std::to_string(c.nodes.last) + "_" + std::to_string(c.nodes.rows);
  return s;
}

std::string firmware_plan::macros() const {
  std::vector<std::int64_t> walls = walls_;
  walls.push_back(plan_.bytes);
  std::string bands;
  for (const streamed_chain& c : chains_)
    bands += (bands.empty() ? "#define QNNX_TARGET_BANDS {" : "}, {") + numbers({c.nodes.first, c.nodes.last, c.nodes.rows});
  if (!bands.empty()) bands += "}\n";
  return bands + "#define QNNX_TARGET_OFFSETS " + numbers(plan_.offset) + "\n#define QNNX_TARGET_SCRATCH " + numbers(plan_.scratch) +
         "\n#define QNNX_TARGET_WALLS " + numbers(walls) + "\n#define QNNX_TARGET_ARENA " + std::to_string(plan_.bytes) + "\n";
}

std::string firmware_plan::bounds() const {
  std::int64_t graph = 0;
  for (const passes::step_memory& s : passes::memory_of_steps(g_, needs_)) graph = std::max(graph, s.graph_bound());
  return "no plan for these kernels is below " + std::to_string(plan_.lower_bound) + ", no execution step by step below " + std::to_string(graph);
}

std::string firmware_plan::report() const {
  std::string s = "arena " + std::to_string(bytes()) + " bytes" + bank_list() + "; " + bounds() + "\n\n" +
                  "Bytes while a step runs. kernels = others + dying + made - shared + scratch: what no plan for these kernels is below;\n"
                  "graph = others + the larger of dying and made: what no execution step by step is below.\n"
                  "step  others   dying    made  shared scratch kernels   graph  scratch_at  name\n";
  const std::vector<passes::step_memory> steps = passes::memory_of_steps(g_, needs_);
  char line[256];
  for (std::size_t k = 0; k < steps.size(); ++k) {
    const passes::step_memory& m = steps[k];
    std::snprintf(line, sizeof line, "%4zu %7lld %7lld %7lld %7lld %7lld %7lld %7lld %11lld  ", k, static_cast<long long>(m.others),
                  static_cast<long long>(m.dying), static_cast<long long>(m.made), static_cast<long long>(m.shared),
                  static_cast<long long>(m.scratch), static_cast<long long>(m.kernel_bound()), static_cast<long long>(m.graph_bound()),
                  static_cast<long long>(m.scratch ? plan_.scratch[k] : -1));
    s += line + std::string(nodes_[k].name) + "\n";
  }
  for (const streamed_chain& c : chains_) {
    const auto first = static_cast<std::size_t>(c.nodes.first), last = static_cast<std::size_t>(c.nodes.last);
    s += "\nin bands of " + std::to_string(c.nodes.rows) + " rows of the last output: " + std::string(nodes_[first].name) + " to " + std::string(nodes_[last].name) +
         ", the scratch of step " + std::to_string(last) + "; no row is made twice (0 MACs more), " + std::to_string(c.moved) + " bytes are moved in " +
         std::to_string(c.calls) + " calls\n  offset    rows  line buffer behind\n";
    for (std::size_t k = first; k < last; ++k) {
      std::snprintf(line, sizeof line, "%8lld %7d  ", static_cast<long long>(plan_.scratch[last] + c.offset[k - first]), c.rows[k - first]);
      s += line + std::string(nodes_[k].name) + "\n";
    }
  }
  s += "\n  offset   bytes  tensor\n";
  for (std::size_t t = 0; t < tensors_.size(); ++t) {
    if (plan_.offset[t] < 0) continue;
    std::snprintf(line, sizeof line, "%8lld %7lld  ", static_cast<long long>(plan_.offset[t]), static_cast<long long>(byte_size(tensors_[t])));
    s += line + std::string(tensors_[t].name) + "\n";
  }
  return s;
}

}  // namespace qnnx::cli
