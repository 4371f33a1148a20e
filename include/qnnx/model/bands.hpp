// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs a chain of nodes in bands of rows: the nodes' own kernels, constants and packed weights, on operands whose
// places and rows the band program gives. A model's steps stay what they are: each node of the chain runs its share of the
// bands, so that all are done when the last node has run. Layer 6a.

#include <cstddef>
#include <cstring>
#include <utility>

#include "qnnx/ir/band_program.hpp"
#include "qnnx/kernel/contract.hpp"

namespace qnnx::inline QNNX_ABI {

template <class Tag>
struct target_bands;

/// A node of a chain: its kernel, what it runs from when it is whole, and where its parameters have the padding.
template <class Rounding>
struct band_stage {
  void (*run)(const step&, const memory&, Rounding, part) = nullptr;
  const step* whole = nullptr;
  std::int16_t params_bytes = 0;  // 0: rows do not change them
  std::int16_t pad_at = 0;
};

namespace detail {
template <class Params>
constexpr std::int16_t pad_place() {
  if constexpr (requires(Params p) { p.pad_amount[0] = 0u; }) return static_cast<std::int16_t>(offsetof(Params, pad_amount));
  else return -1;
}
/// Rows to the front of their buffer, in pieces that do not overlap.
inline void move_rows(std::byte* to, const std::byte* from, std::int32_t bytes) {
  const auto piece = static_cast<std::int32_t>(from - to);
  for (; bytes > 0; bytes -= piece, to += piece, from += piece)
    std::memcpy(to, from, static_cast<std::size_t>(bytes < piece ? bytes : piece));
}

/// A chain's bands as the runner reads them.
template <class Rounding>
struct band_run {
  const band_stage<Rounding>* stages;
  const band_group* groups;
  const band_call* calls;
  const band_operand* operands;
};

/// `left` bands behind the first `skip`. Operands, Inputs: most of a node in the arena, most of all. One function for all
/// chains of a model.
template <int Operands, int Inputs, int ParamsBytes, class Rounding>
QNNX_NOINLINE void run_bands(const band_run<Rounding>& run, std::int32_t skip, std::int32_t left, const memory& m) {
  const band_call* call = run.calls;
  const band_operand* patch = run.operands;
  std::int32_t turn = skip;
  for (const band_group* g = run.groups; left > 0; ++g) {
    const band_call* const end = call + g->calls;
    const band_operand* next = patch;
    for (const band_call* c = call; c != end; ++c) next += c->operands;
    for (; turn < g->bands && left > 0; ++turn, --left) {
      const band_operand* p = patch;
      for (const band_call* c = call; c != end; ++c) {
        if (c->stage < 0) {
          move_rows(m.at(p[1].at + turn * p[1].step), m.at(p[0].at + turn * p[0].step), p[0].rows);
          p += 2;
          continue;
        }
        const band_stage<Rounding>& stage = run.stages[c->stage];
        step s = *stage.whole;
        std::array<operand, Operands> own;
        std::array<const operand*, Inputs + 1> list;
        operand* mine = own.data();
        const std::int32_t inputs = s.input_count;
        for (std::int32_t i = 0; i <= inputs; ++i) {
          const operand* o = i < inputs ? &s.inputs[i] : &s.outputs[0];
          if (o->where == bank::arena) {
            *mine = *o;
            mine->at = p->at + turn * p->step;
            mine->dims[1] = p->rows;
            o = mine++;
            ++p;
          }
          list[static_cast<std::size_t>(i)] = o;
        }
        s.inputs = operand_list(list.data());
        s.outputs = operand_list(list.data() + inputs);
        alignas(8) std::byte params[ParamsBytes > 0 ? ParamsBytes : 1];
        if (stage.params_bytes > 0) {
          const std::uint32_t pads[] = {static_cast<std::uint32_t>(c->top), static_cast<std::uint32_t>(c->bottom)};
          std::memcpy(params, s.params, static_cast<std::size_t>(stage.params_bytes));
          std::memcpy(params + stage.pad_at, pads, sizeof pads);
          s.params = params;
        }
        stage.run(s, m, {}, {});
      }
    }
    turn = turn < g->bands ? turn : turn - g->bands;
    call = end;
    patch = next;
  }
}
}  // namespace detail

template <class Lowering>
struct bands_of_all;

/// Chain C of a lowering.
template <class Lowering, int C>
struct bands_of_chain {
  using rounding_type = typename Lowering::rounding_type;
  static constexpr band_chain chain = target_bands<typename Lowering::tag>::chains[C];
  static constexpr int stages = chain.last - chain.first + 1;

  static constexpr auto make_long() {
    return write_bands<512, 2048, 64>(Lowering::g, chain, Lowering::row_wise.data(), Lowering::memories[C], Lowering::plan.offset.data(),
                                      Lowering::plan.scratch[chain.last]);
  }
  static constexpr auto make_program() {
    constexpr auto whole = make_long();
    static_assert(!whole.full, "qnnx: too many different bands of rows");
    band_program<whole.call_count, whole.operand_count, whole.group_count> p;
    for (std::size_t i = 0; i < p.groups.size(); ++i) p.groups[i] = whole.groups[i];
    for (std::size_t i = 0; i < p.calls.size(); ++i) p.calls[i] = whole.calls[i];
    for (std::size_t i = 0; i < p.operands.size(); ++i) p.operands[i] = whole.operands[i];
    p.bands = whole.bands;
    return p;
  }
  static constexpr auto program = make_program();
  static constexpr int band_count = program.bands;
  static constexpr auto groups = program.groups;
  static constexpr auto calls = program.calls;
  static constexpr auto operands = program.operands;

  template <int I>
  static constexpr band_stage<rounding_type> make_stage() {
    using n = typename Lowering::template node_type<I>;
    using params = typename n::op::params;
    constexpr std::int16_t pad = detail::pad_place<params>();
    return {&kernel::run_shared<typename n::op, typename n::isa, typename n::signature, rounding_type>, &Lowering::template step_data<I>::value,
            static_cast<std::int16_t>(pad < 0 ? 0 : sizeof(params)), pad};
  }
  template <int... S>
  static constexpr std::array<band_stage<rounding_type>, stages> make_stages(std::integer_sequence<int, S...>) {
    return {make_stage<chain.first + S>()...};
  }
  static constexpr auto table = make_stages(std::make_integer_sequence<int, stages>{});
  /// Most operands in the arena of a call, most bytes of parameters.
  static constexpr int most_operands() {
    int n = 0;
    for (const band_call& c : calls) n = c.operands > n ? c.operands : n;
    return n;
  }
  static constexpr int most_params() {
    int n = 0;
    for (const auto& s : table) n = s.params_bytes > n ? s.params_bytes : n;
    return n;
  }

  /// Bands of node `share` of the chain.
  static void run_share(const memory& m, int share) {
    static constexpr detail::band_run<rounding_type> run{table.data(), groups.data(), calls.data(), operands.data()};
    const std::int32_t skip = band_count * share / stages;
    using all = bands_of_all<Lowering>;
    detail::run_bands<all::operands, Lowering::widest, all::params>(run, skip, band_count * (share + 1) / stages - skip, m);
  }
};

/// The most that any chain has: one runner serves them all.
template <class Lowering>
struct bands_of_all {
  template <int... C>
  static constexpr std::array<int, 2> most(std::integer_sequence<int, C...>) {
    std::array<int, 2> m{};
    for (const auto& n : {std::array<int, 2>{bands_of_chain<Lowering, C>::most_operands(), bands_of_chain<Lowering, C>::most_params()}...})
      for (std::size_t i = 0; i < 2; ++i) m[i] = n[i] > m[i] ? n[i] : m[i];
    return m;
  }
  static constexpr std::array<int, 2> sizes = most(std::make_integer_sequence<int, target_bands<typename Lowering::tag>::count>{});
  static constexpr int operands = sizes[0];
  static constexpr int params = sizes[1];
};

}  // namespace qnnx::inline QNNX_ABI
