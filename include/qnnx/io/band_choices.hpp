// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which chains of a model can run in bands of rows on a target, and what memory each takes: asked of the target's
// kernels by the program that packs a firmware's weights (QNNX_PACK_CHAINS), on the machine that builds it. Here alone it
// is seen whether the weights packed for a band are those packed for the whole node. Hosted. Layer 7.

#include <cstring>
#include <utility>
#include <vector>

#include "qnnx/model/export.hpp"

namespace qnnx::inline QNNX_ABI {

struct band_choice {
  band_chain chain;
  band_memory memory;
};

template <class Tag, class Isa = isa::best>
class band_choices {
  using model = exported<Tag, Isa>;
  using lowered = typename model::lowered;

 public:
  /// `weights`: of the model's file, or null; `firmware`: what make_firmware_weights made of them.
  band_choices(const std::byte* weights, const std::byte* firmware) : packed_(firmware ? firmware + lowered::make_kept().total : nullptr) {
    m_.weights = weights;
  }

  void find(void (*found)(const band_choice&)) {
    static constexpr auto row_wise = make_row_wise(std::make_integer_sequence<int, nodes>{});
    for (std::int32_t first = 0; first + 1 < nodes; ++first)
      for (std::int32_t last = first + 1; last < nodes && last - first < band_walk::most_stages; ++last) {
        const band_walk walk(lowered::g, {first, last, 1}, row_wise.data());
        if (walk.fault() && !may_grow(first, last, row_wise.data())) break;
        if (walk.fault()) continue;
        const std::int32_t height = walk.height(walk.stages() - 1);
        for (std::int32_t rows = 1; rows < height && rows <= 8; rows *= 2) {
          const band_choice c{{first, last, rows},
                              plan_bands(lowered::g, {first, last, rows}, row_wise.data(),
                                         [&](int stage, const band_shape& s) { return asked(first + stage, s); })};
          if (!c.memory.fault) found(c);
        }
      }
  }

 private:
  static constexpr int nodes = lowered::g.node_count;
  using function = band_asks (band_choices::*)(const band_shape&) const;

  template <int... I>
  static constexpr std::array<bool, nodes + 1> make_row_wise(std::integer_sequence<int, I...>) {
    return {lowered::template is_row_wise<I>()...};
  }
  /// Whether the nodes run by rows and only what is read behind them stands against the chain.
  static bool may_grow(std::int32_t first, std::int32_t last, const bool* row_wise) {
    graph_view g = lowered::g;
    g.node_count = last + 1;
    return band_walk(g, {first, last, 1}, row_wise).fault() == nullptr;
  }

  /// The answers are kept: chains that begin or end elsewhere ask again.
  const band_asks& asked(int node, const band_shape& s) {
    static constexpr auto table = make_table(std::make_integer_sequence<int, nodes>{});
    auto& known = known_[static_cast<std::size_t>(node)];
    for (const auto& [shape, asks] : known)
      if (shape == s) return asks;
    known.emplace_back(s, (this->*table[static_cast<std::size_t>(node)])(s));
    return known.back().second;
  }
  template <int... I>
  static constexpr std::array<function, nodes> make_table(std::integer_sequence<int, I...>) {
    return {&band_choices::ask<I>...};
  }
  template <int I>
  band_asks ask(const band_shape& s) const {
    using n = typename lowered::template node_type<I>;
    using typed_call = shared_call<typename n::op, typename n::signature, typename lowered::rounding_type>;
    const std::byte* own = packed_ ? packed_ + lowered::packed.offset[I] : nullptr;
    band_asks a = lowered::template ask_rows<I>(s, own);
    if constexpr (n::asks.packed > 0 && requires(const typed_call& c, std::byte* out) { n::kernel::pack(c, out); }) {
      if (!own || !a.same) return a;
      const step& whole = lowered::template step_data<I>::value;
      std::vector<operand> operands;
      std::vector<const operand*> list;
      for (int i = 0; i < whole.input_count; ++i) operands.push_back(whole.inputs[i]);
      operands.push_back(whole.outputs[0]);
      std::size_t reads = 0;
      for (operand& o : operands) {
        if (o.where == bank::arena) o.dims[1] = &o == &operands.back() ? s.rows : s.in_rows[reads++];
        list.push_back(&o);
      }
      auto params = n::params;
      if constexpr (requires { params.pad_amount[0] = 0u; }) {
        params.pad_amount[0] = static_cast<std::uint32_t>(s.top);
        params.pad_amount[1] = static_cast<std::uint32_t>(s.bottom);
      }
      step band = whole;
      band.inputs = operand_list(list.data());
      band.outputs = operand_list(&list.back());
      band.params = &params;
      std::vector<std::byte> out(static_cast<std::size_t>(align_up(n::asks.packed, 64)) + 64);
      std::byte* const to = out.data() + (64 - reinterpret_cast<std::uintptr_t>(out.data()) % 64) % 64;
      n::kernel::pack(typed_call{band, m_, {}, {}}, to);
      a.same = std::memcmp(to, own, static_cast<std::size_t>(n::asks.packed)) == 0;
    }
    return a;
  }

  memory m_;
  const std::byte* packed_;
  std::array<std::vector<std::pair<band_shape, band_asks>>, static_cast<std::size_t>(nodes) + 1> known_;
};

}  // namespace qnnx::inline QNNX_ABI
