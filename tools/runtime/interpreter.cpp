// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/interpreter.hpp"

#include "qnnx/runtime/node_needs.hpp"

namespace qnnx::inline QNNX_ABI {

interpreter::interpreter(std::shared_ptr<const frozen_net> model, interpreter_options options) : model_(std::move(model)), threads_(options.threads) {
  prepare_steps(options.extra_kernels, kernel_table(options.backend), options.keep_all, options.least_ns);
}

interpreter::~interpreter() {
  for (std::size_t k = 0; k < steps_.size(); ++k)
    if (steps_[k].params) entries_[k]->free_params(const_cast<void*>(steps_[k].params));
}

void interpreter::prepare_steps(std::span<const kernel_entry> extra, const std::vector<kernel_entry>& table, bool keep_all, std::int64_t least_ns) {
  const graph_view& g = model_->g;
  const auto nodes = static_cast<std::size_t>(g.node_count);
  const auto tensors = static_cast<std::size_t>(g.tensor_count);
  extra_.assign(extra.begin(), extra.end());

  const node_needs needs = needs_of(g, extra_, table, threads_.threads > 1, least_ns);
  entries_ = needs.entries;
  plan_storage planned(g, needs, keep_all);
  plan_buffers& b = planned.b;
  if (g.plan && !keep_all) {  // the plan that came with the model: checked, then used
    for (std::size_t t = 0; t < tensors; ++t) planned.offset[t] = g.plan[t];
    arena_size_ = g.planned_bytes;
    if (const int t = find_collision(g, b); t >= 0) {
      const node_needs plain = needs_of(g, extra_, table);
      plan_storage whole(g, plain, false);
      std::copy(planned.offset.begin(), planned.offset.end(), whole.offset.begin());
      if (const int bad = find_collision(g, whole.b); bad >= 0)
        throw error("the memory plan of the model lets tensor '" + std::string(g.tensors[bad].name) + "' share bytes with another live tensor");
      arena_size_ = best_plan(g, b);  // right for one thread, but with overlaps that would keep steps from running in pieces
    } else {
      for (std::size_t i = 0; i < tensors; ++i)
        if (b.size[i] > 0 && b.first[i] <= b.last[i] && b.offset[i] + b.size[i] > arena_size_)
          throw error("the memory plan of the model puts tensor '" + std::string(g.tensors[i].name) + "' outside the arena");
      place_scratch(g, b, arena_size_);
    }
  } else {
    arena_size_ = best_plan(g, b);
  }
  plan_offset_ = planned.offset;
  pieces_ = needs.pieces;
  for (std::size_t k = 0; k < nodes; ++k) allow_pieces(static_cast<int>(k), needs.scratch[k]);
  piece_scratch_.first = static_cast<std::ptrdiff_t>(align_up(arena_size_, 64));
  arena_ = aligned_bytes(static_cast<std::size_t>(piece_scratch_.first + (threads_.threads - 1) * piece_scratch_.bytes));
  weights_ = aligned_bytes(model_->weights.size());
  if (!model_->weights.empty()) std::memcpy(weights_.data(), model_->weights.data(), model_->weights.size());
  packed_ = aligned_bytes(static_cast<std::size_t>(needs.packed_total));
  memory_ = {arena_.data(), weights_.data(), packed_.data()};

  operands_.resize(nodes);
  operand_refs_.resize(nodes);
  constants_.resize(nodes);
  steps_.reserve(nodes);
  for (std::size_t k = 0; k < nodes; ++k) {
    const node_desc& n = g.nodes[k];
    const facts_storage facts(g, static_cast<int>(k));
    const auto add = [&](std::int32_t t) {
      operand o;
      if (t >= 0 && g.tensors[t].kind != tensor_kind::null) {
        const bool constant = g.tensors[t].kind == tensor_kind::constant;
        o.where = constant ? bank::weights : bank::arena;
        o.at = constant ? model_->data_offset[static_cast<std::size_t>(t)] : plan_offset_[static_cast<std::size_t>(t)];
        o.dims = g.tensors[t].dims;
        o.q = g.quant_of(t);
      }
      operands_[k].push_back(o);
    };
    for (int i = 0; i < n.input_count; ++i) add(n.inputs[static_cast<std::size_t>(i)]);
    for (int i = 0; i < n.output_count; ++i) add(n.outputs[static_cast<std::size_t>(i)]);
    const kernel_entry& e = *entries_[k];
    constants_[k].resize(static_cast<std::size_t>(e.constant_words(facts.get(), n.params)) + 1);
    e.prepare(facts.get(), n.params, g.rounding, constants_[k].data());
    for (const operand& o : operands_[k]) operand_refs_[k].push_back(&o);
    steps_.push_back({.inputs = operand_list(operand_refs_[k].data()),
                      .outputs = operand_list(operand_refs_[k].data() + n.input_count),
                      .input_count = static_cast<std::int16_t>(n.input_count),
                      .output_count = static_cast<std::int16_t>(n.output_count),
                      .params = e.make_params(n.params),
                      .constants = constants_[k].data(),
                      .scratch_at = planned.scratch_offset[k],
                      .packed_at = needs.packed_at[k],
                      .epi = n.epi});
    const step& s = steps_[k];
    if (e.pack && e.packed_bytes(facts.get(), n.params) > 0) e.pack(s, memory_, g.rounding, packed_.data() + needs.packed_at[k]);
  }
}

std::span<std::byte> interpreter::bytes(int tensor) {
  const tensor_desc& t = model_->g.tensors[tensor];
  const auto n = static_cast<std::size_t>(byte_size(t));
  if (t.kind == tensor_kind::constant)
    return {weights_.data() + model_->data_offset[static_cast<std::size_t>(tensor)], n};
  const std::int64_t at = plan_offset_[static_cast<std::size_t>(tensor)];
  if (at < 0) return {};
  return {arena_.data() + at, n};
}

/// Node k runs whole where the plan lets it overlap; else the scratch of a piece is kept for it.
void interpreter::allow_pieces(int k, std::int64_t scratch) {
  const graph_view& g = model_->g;
  split& s = pieces_[static_cast<std::size_t>(k)];
  if (s.parts <= 1) return;
  const node_desc& n = g.nodes[k];
  const auto at = [&](std::int32_t t) { return plan_offset_[static_cast<std::size_t>(t)]; };
  for (int o = 0; o < n.output_count; ++o)
    for (int i = 0; i < n.input_count; ++i) {
      const std::int32_t in = n.inputs[static_cast<std::size_t>(i)];
      const std::int32_t out = n.outputs[static_cast<std::size_t>(o)];
      if (in >= 0 && in_arena(g.tensors[in]) &&
          !kernel::places_allow_pieces(s, i, at(in), byte_size(g.tensors[in]), at(out), byte_size(g.tensors[out])))
        s.parts = 1;
    }
  if (s.parts > 1) piece_scratch_.bytes = std::max(piece_scratch_.bytes, static_cast<std::ptrdiff_t>(align_up(scratch, 64)));
}

void interpreter::run_step(std::size_t k) {
  const rounding_mode r = model_->g.rounding;
  const auto run = [&](const step& s, part p) { entries_[k]->run(s, memory_, r, p); };
  if (threads_.threads > 1 && pieces_[k].parts > 1) kernel::run_pieces(threads_, pieces_[k], steps_[k], piece_scratch_, run);
  else run(steps_[k], {});
}

void interpreter::run() {
  for (std::size_t k = 0; k < steps_.size(); ++k) run_step(k);
}

void interpreter::run(const observer& seen) {
  using clock = std::chrono::steady_clock;
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    const auto start = clock::now();
    run_step(k);
    const std::chrono::duration<double, std::micro> took = clock::now() - start;
    seen(static_cast<int>(k), took.count());
  }
}

}  // namespace qnnx::inline QNNX_ABI
