// SPDX-License-Identifier: Apache-2.0
#pragma once
// From model<Tag> to a small C interface: QNNX_EXPORT_MODEL(tag, "name") at the end of a generated model.cpp. In a
// library for a host the symbols begin with `qnnx_model`; the library generator sets QNNX_MODEL_SYMBOL to the model's
// own name for firmware archives, so that several models link into one program. Weights come from the symbol
// <prefix>_weights where the build embedded a blob, else from the caller. Layer 6a.

#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/model/abi.h"
#include "qnnx/model/model.hpp"

#ifndef QNNX_MODEL_SYMBOL
#define QNNX_MODEL_SYMBOL qnnx_model
#endif
#ifndef QNNX_WEIGHTS_SYMBOL
#define QNNX_WEIGHTS_SYMBOL QNNX_PASTE(QNNX_MODEL_SYMBOL, _weights)
#endif

namespace qnnx::inline QNNX_ABI {

/// A graph and what its kernels ask of the planner (plan_buffers has the layout).
struct plan_needs {
  const graph_view* g = nullptr;
  const std::int64_t* distance = nullptr;
  const std::int64_t* scratch = nullptr;
  int stride = 0;
  const tensor_view* views = nullptr;
  int view_count = 0;
};

/// The descriptor tables of a model and its entry points as plain functions.
template <class Tag, class Isa = isa::best>
struct exported {
  using lowered = lowering<Tag, Isa>;
  static constexpr int tensor_count = lowered::g.tensor_count;
  static constexpr int step_count = lowered::g.node_count;

  struct tensor_table {
    qnnx_model_tensor rows[tensor_count + 1]{};
  };
  static constexpr tensor_table make_tensors() {
    tensor_table t;
    for (int i = 0; i < tensor_count; ++i) {
      const tensor_desc& d = lowered::g.tensors[i];
      const quant q = lowered::g.quant_of(i);
      qnnx_model_tensor& r = t.rows[i];
      r.name = d.name.data();
      r.type = static_cast<std::uint32_t>(d.type);
      r.kind = static_cast<std::uint32_t>(d.kind);
      r.encoding = static_cast<std::uint32_t>(d.enc.kind);
      r.bits = d.enc.bits;
      r.axis = d.enc.axis;
      r.block = d.enc.block;
      r.scale = d.enc.scale;
      r.offset = d.enc.offset;
      r.scales = q.scales;
      r.offsets = q.offsets;
      r.scale_count = static_cast<std::uint32_t>(q.count);
      r.rank = d.dims.rank();
      for (int k = 0; k < d.dims.rank(); ++k) r.dims[k] = d.dims[k];
      r.bytes = d.kind == tensor_kind::null ? 0 : byte_size(d);
      r.arena_offset = in_arena(d) ? lowered::plan.offset[static_cast<std::size_t>(i)] : -1;
      r.weight_offset = d.kind == tensor_kind::constant ? lowered::data.offset[static_cast<std::size_t>(i)] : -1;
    }
    return t;
  }
  static constexpr tensor_table tensors = make_tensors();

  static constexpr int operand_total() {
    int n = 0;
    for (int k = 0; k < step_count; ++k) n += lowered::g.nodes[k].input_count + lowered::g.nodes[k].output_count;
    return n;
  }
  struct operand_table {
    std::int32_t index[operand_total() + 1]{};
  };
  static constexpr operand_table make_operands() {
    operand_table t;
    int n = 0;
    for (int k = 0; k < step_count; ++k) {
      const node_desc& d = lowered::g.nodes[k];
      for (int i = 0; i < d.input_count; ++i) t.index[n++] = d.inputs[static_cast<std::size_t>(i)];
      for (int i = 0; i < d.output_count; ++i) t.index[n++] = d.outputs[static_cast<std::size_t>(i)];
    }
    return t;
  }
  static constexpr operand_table operands = make_operands();

  struct step_table {
    qnnx_model_step rows[step_count + 1]{};
  };
  static constexpr step_table make_steps() {
    step_table t;
    int n = 0;
    for (int k = 0; k < step_count; ++k) {
      const node_desc& d = lowered::g.nodes[k];
      const bound_context b(lowered::g, d);
      qnnx_model_step& r = t.rows[k];
      r.name = d.name.data();
      r.type = d.op->name.data();
      r.macs = d.op->price(b.get(), d.params).macs;
      r.input_count = d.input_count;
      r.output_count = d.output_count;
      r.inputs = operands.index + n;
      n += d.input_count;
      r.outputs = operands.index + n;
      n += d.output_count;
    }
    return t;
  }
  static constexpr step_table steps = make_steps();

  /// Where the arena has several banks, `arena` points to as many pointers.
  static memory at(void* arena, const void* weights, const void* packed) {
    memory m;
    if constexpr (config::bank_count > 1) {
      const auto* first = static_cast<void* const*>(arena);
      m.arena = static_cast<std::byte*>(first[0]);
      for (std::size_t k = 0; k < m.more.size(); ++k) m.more[k] = static_cast<std::byte*>(first[k + 1]);
    } else {
      m.arena = static_cast<std::byte*>(arena);
    }
    m.weights = weights;
    m.packed = config::embedded_packed && !packed ? static_cast<const std::byte*>(weights) + lowered::data.total : packed;
    return m;
  }
  /// A step as data: the shared kernel call of its configuration and the node's constants. A table of these costs the
  /// compiler far less than a function for each node, and no code in the library.
  using kernel_function = void (*)(const step&, const memory&, typename lowered::rounding_type, part);
  struct call {
    kernel_function kernel;  // null: nothing is left to do
    step node;
  };
  /// Nodes that run in bands of rows, or that the tag wants compiled for their shapes, have a function of their own.
  template <int I>
  static void run_own(const step&, const memory& m, typename lowered::rounding_type, part) {
    lowered::template run_node<I>(m);
  }
  template <int I>
  static constexpr kernel_function function_of() {
    using n = typename lowered::template node_type<I>;
    if constexpr (lowered::chain_of(I) >= 0) return &run_own<I>;
    else if constexpr (lowered::template is_done<I>()) return nullptr;
    else if constexpr (detail::specialises<Tag>(I)) return &run_own<I>;
    else return &kernel::run_shared<typename n::op, typename n::isa, typename n::signature, typename lowered::rounding_type>;
  }
  struct call_table {
    call rows[step_count > 0 ? step_count : 1];
  };
  template <int I>
  static constexpr step step_of() {
    if constexpr (lowered::chain_of(I) >= 0) return {};
    else return lowered::template step_data<I>::value;
  }
  template <int... I>
  static constexpr call_table make_calls(std::integer_sequence<int, I...>) {
    return {{call{function_of<I>(), step_of<I>()}...}};
  }
  static constexpr call_table calls = make_calls(std::make_integer_sequence<int, step_count>{});

  static void run_step(void* arena, const void* weights, const void* packed, std::int32_t i) {
    const call& c = calls.rows[i];
    if (c.kernel) c.kernel(c.node, at(arena, weights, packed), {}, {});
  }
  static void run(void* arena, const void* weights, const void* packed) {
    const memory m = at(arena, weights, packed);
    for (const call* c = calls.rows; c != calls.rows + step_count; ++c)
      if (c->kernel) c->kernel(c->node, m, {}, {});
  }

  struct split_table {
    split rows[step_count + 1];
  };
  template <int... I>
  static constexpr split_table make_splits(std::integer_sequence<int, I...>) {
    return {{lowered::template node_split<I>..., {}}};
  }
  static void run_on(const qnnx_executor* e, void* arena, const void* weights, const void* packed, std::int32_t first, std::int32_t last) {
    static constexpr split_table splits = make_splits(std::make_integer_sequence<int, step_count>{});
    const memory m = at(arena, weights, packed);
    const executor threads{e->threads, e->context, e->run};
    for (std::int32_t k = first; k < last; ++k) {
      const call& c = calls.rows[k];
      if (!c.kernel) continue;
      if (threads.threads <= 1 || splits.rows[k].parts <= 1) c.kernel(c.node, m, {}, {});
      else
        kernel::run_pieces(threads, splits.rows[k], c.node, lowered::scratch_of_pieces(),
                           [&](const step& s, part p) { c.kernel(s, m, {}, p); });
    }
  }

  template <int I>
  static void pack_node(const memory& m, std::byte* packed) {
    using n = typename lowered::template node_type<I>;
    using typed_call = shared_call<typename n::op, typename n::signature, typename lowered::rounding_type>;
    if constexpr (n::asks.packed > 0 && requires(const typed_call& c, std::byte* out) { n::kernel::pack(c, out); })
      n::kernel::pack(typed_call{lowered::template step_data<I>::value, m, {}, {}}, packed + lowered::packed.offset[I]);
    else (void)m, (void)packed;
  }
  static void pack(void* arena, const void* weights, void* packed) {
    const memory m = at(arena, weights, packed);
    [&]<int... I>(std::integer_sequence<int, I...>) {
      const int done[] = {0, (pack_node<I>(m, static_cast<std::byte*>(packed)), 0)...};
      (void)done;
    }(std::make_integer_sequence<int, lowered::packed.total == 0 ? 0 : step_count>{});
  }

  /// What a firmware carries (config::embedded_packed): the static tensors that are still read, then the packed form.
  static std::int64_t firmware_bytes() { return lowered::make_kept().total + lowered::packed.total; }
  static unsigned make_firmware_weights(const std::byte* weights, std::byte* out) {
    static constexpr auto kept = lowered::make_kept();
    for (int t = 0; t < tensor_count; ++t)
      if (kept.offset[static_cast<std::size_t>(t)] >= 0 && lowered::g.tensors[t].kind == tensor_kind::constant)
        std::memcpy(out + kept.offset[static_cast<std::size_t>(t)], weights + lowered::canonical.offset[static_cast<std::size_t>(t)],
                    static_cast<std::size_t>(byte_size(lowered::g.tensors[t])));
    pack(nullptr, weights, out + kept.total);
    return packed_forms(out + kept.total);
  }

  /// What the generator plans the memory of a firmware from.
  static plan_needs needs() {
    return {&lowered::g, lowered::asked.distance.data(), lowered::asked.scratch.data(), lowered::plan_width,
            lowered::views.first.data(), lowered::views.second};
  }

  /// config::packed_forms of the model. A packed form begins with a word that is 0 for the general one.
  static unsigned packed_forms(const std::byte* packed) {
    unsigned forms = 0;
    [&]<int... I>(std::integer_sequence<int, I...>) {
      const auto add = [&]<int K>(std::integral_constant<int, K>) {
        using n = typename lowered::template node_type<K>;
        const std::byte* own = packed + lowered::packed.offset[K];
        const detail::bound_facts<n::ins, n::outs> bound(lowered::g, K);
        forms |= kernel::code_parts<typename n::kernel>(bound.get(), n::params, own);
        constexpr dtype t = lowered::g.tensors[lowered::g.nodes[K].outputs[0]].type;
        if constexpr (n::asks.packed > 0 && is_fixed(t)) {
          std::int32_t fast = 0;
          std::memcpy(&fast, own, sizeof fast);
          const bool whole = n::constants[0] <= min_value(t) && n::constants[1] >= max_value(t);
          forms |= fast == 0 ? 4u : whole ? 1u : 2u;
        }
      };
      const int done[] = {0, (add(std::integral_constant<int, I>{}), 0)...};
      (void)done;
    }(std::make_integer_sequence<int, step_count>{});
    return forms;
  }

  /// FNV-1a over names and sizes of the static tensors: ties a weights file to its model.
  static constexpr std::uint64_t weights_id() {
    std::uint64_t h = 14695981039346656037u;
    for (int i = 0; i < tensor_count; ++i) {
      const tensor_desc& d = lowered::g.tensors[i];
      if (d.kind != tensor_kind::constant) continue;
      for (char c : d.name) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
      h = (h ^ static_cast<std::uint64_t>(byte_size(d))) * 1099511628211u;
    }
    return h;
  }

  /// What the generator of a firmware header reads from the object file.
  static constexpr int io_count = lowered::io.input_count + lowered::io.output_count;
  static constexpr int most_alive = 24;  // rows for the fullest step
  struct fact_table {
    qnnx_model_facts head{};
    qnnx_model_fact rows[io_count + most_alive + 1]{};
  };
  template <std::size_t N>
  static constexpr void put_name(std::string_view name, char (&to)[N]) {
    for (std::size_t c = 0; c < name.size() && c + 1 < N; ++c) to[c] = name[c];
  }
  /// Adds the step that reaches furthest into the arena, and what lives then.
  static constexpr void add_peak(fact_table& t) {
    std::array<int, tensor_count + 1> first{};
    std::array<int, tensor_count + 1> last{};
    std::array<int, tensor_count + 1> order{};
    std::array<std::int64_t, tensor_count + 1> size{};
    std::array<std::int64_t, tensor_count + 1> offset{};  // written, not used
    plan_buffers b{first.data(), last.data(), order.data(), size.data(), offset.data()};
    lifetimes(lowered::planned_graph, b);
    std::int64_t top = -1;
    for (int k = 0; k < step_count; ++k) {
      const auto step = static_cast<std::size_t>(k);
      qnnx_model_fact rows[most_alive]{};
      std::uint32_t count = 0;
      std::int64_t reach = 0;
      const auto add = [&](std::string_view name, std::uint32_t kind, std::int64_t at, std::int64_t bytes) {
        if (at + bytes > reach) reach = at + bytes;
        if (count == most_alive) return;
        put_name(name, rows[count].name);
        rows[count].kind = kind;
        rows[count].arena_offset = at;
        rows[count++].bytes = bytes;
      };
      for (std::size_t i = 0; i < static_cast<std::size_t>(tensor_count); ++i)
        if (size[i] > 0 && in_arena(lowered::g.tensors[i]) && first[i] <= k && k <= last[i])
          add(lowered::g.tensors[i].name, static_cast<std::uint32_t>(lowered::g.tensors[i].kind), lowered::plan.offset[i], size[i]);
      if (const std::int64_t bytes = lowered::asked.scratch[step]; bytes > 0)
        add(lowered::chain_of(k) >= 0 ? "line buffers" : "scratch", 255, lowered::plan.scratch[step], bytes);
      if (reach <= top) continue;
      top = reach;
      t.head.peak_step = static_cast<std::uint32_t>(k);
      t.head.peak_count = count;
      for (char& c : t.head.peak_name) c = 0;
      put_name(lowered::g.nodes[k].name, t.head.peak_name);
      for (int i = 0; i < most_alive; ++i) t.rows[io_count + i] = rows[i];
    }
  }
  static constexpr fact_table make_facts() {
    fact_table t;
    t.head.version = QNNX_MODEL_FACTS_VERSION;
    t.head.count = io_count;
    add_peak(t);
    t.head.arena_bytes = lowered::plan.total;
    t.head.weight_bytes = lowered::data.total + (config::embedded_packed ? lowered::packed.total : 0);
    t.head.packed_bytes = config::embedded_packed ? 0 : lowered::packed.total;
    t.head.macs = lowered::cost_total().macs;
    t.head.steps = step_count;
    for (int k = 0; k < io_count; ++k) {
      const int inputs = lowered::io.input_count;
      const int i = k < inputs ? lowered::io.inputs[static_cast<std::size_t>(k)] : lowered::io.outputs[static_cast<std::size_t>(k - inputs)];
      const tensor_desc& d = lowered::g.tensors[i];
      qnnx_model_fact& f = t.rows[k];
      put_name(d.name, f.name);
      f.kind = static_cast<std::uint32_t>(d.kind);
      f.type = static_cast<std::uint32_t>(d.type);
      f.arena_offset = lowered::plan.offset[static_cast<std::size_t>(i)];
      f.bytes = byte_size(d);
      f.scale = d.enc.scale;
      f.offset = d.enc.offset;
      f.rank = d.dims.rank();
      for (int x = 0; x < d.dims.rank(); ++x) f.dims[x] = d.dims[x];
    }
    return t;
  }

  static constexpr qnnx_model describe(const char* name, const char* isa_name, const void* weights, const void* prepacked) {
    qnnx_model m{};
    m.abi_version = QNNX_MODEL_ABI_VERSION;
    m.rounding = static_cast<std::uint32_t>(lowered::rounding_type::mode());
    m.name = name;
    m.isa = isa_name;
    m.arena_bytes = lowered::plan.total;
    m.weight_bytes = lowered::data.total + (config::embedded_packed ? lowered::packed.total : 0);
    m.packed_bytes = config::embedded_packed ? 0 : lowered::packed.total;
    m.macs = lowered::cost_total().macs;
    m.tensors = tensors.rows;
    m.steps = steps.rows;
    m.inputs = lowered::io.inputs.data();
    m.outputs = lowered::io.outputs.data();
    m.tensor_count = tensor_count;
    m.step_count = step_count;
    m.input_count = lowered::io.input_count;
    m.output_count = lowered::io.output_count;
    m.weights = weights;
    m.run = &run;
    m.run_step = &run_step;
    m.pack = &pack;
    if constexpr (config::split_steps) {
      m.run_on = &run_on;
      m.thread_bytes = lowered::piece_bytes();
      m.prepacked = prepacked;
    }
    return m;
  }
};

}  // namespace qnnx::inline QNNX_ABI

#define QNNX_PASTE2(A, B) A##B
#define QNNX_PASTE(A, B) QNNX_PASTE2(A, B)
#define QNNX_SPELL2(A) #A
#define QNNX_SPELL(A) QNNX_SPELL2(A)

#ifdef QNNX_MODEL_FACTS
#define QNNX_EXPORT_FACTS(TAG)                                                                                         \
  __attribute__((section(".qnnx_facts"), used)) static constexpr qnnx::exported<TAG>::fact_table qnnx_model_fact_table = \
      qnnx::exported<TAG>::make_facts();
#else
#define QNNX_EXPORT_FACTS(TAG)
#endif
/// Weights that the library generator packed, where it could.
#ifdef QNNX_SPLIT_STEPS
#define QNNX_PREPACKED_SYMBOL QNNX_PASTE(QNNX_MODEL_SYMBOL, _packed)
#define QNNX_DECLARE_PREPACKED extern __attribute__((weak, visibility("hidden"))) const unsigned char QNNX_PREPACKED_SYMBOL[];
#else
#define QNNX_PREPACKED_SYMBOL nullptr
#define QNNX_DECLARE_PREPACKED
#endif
#ifdef QNNX_WEIGHTS_ID
#define QNNX_CHECK_WEIGHTS(TAG) \
  static_assert(qnnx::exported<TAG>::weights_id() == QNNX_WEIGHTS_ID, "qnnx: the weights file belongs to another model")
#else
#define QNNX_CHECK_WEIGHTS(TAG) static_assert(true)
#endif

#ifdef QNNX_TARGET_BANDS
#define QNNX_PLACE_BANDS(TAG)                                                                                          \
  template <>                                                                                                          \
  struct qnnx::target_bands<TAG> {                                                                                     \
    static constexpr qnnx::band_chain chains[] = {QNNX_TARGET_BANDS};                                                  \
    static constexpr int count = static_cast<int>(sizeof chains / sizeof chains[0]);                                   \
  };
#else
#define QNNX_PLACE_BANDS(TAG)
#endif
#ifdef QNNX_TARGET_OFFSETS
/// The generator's plan, in a header of macros that is included before the model.
#define QNNX_PLACE_MODEL(TAG)                                                                                          \
  QNNX_PLACE_BANDS(TAG)                                                                                                \
  template <>                                                                                                          \
  struct qnnx::target_plan<TAG> {                                                                                      \
    static constexpr std::int64_t offset[] = {QNNX_TARGET_OFFSETS};                                                    \
    static constexpr std::int64_t scratch[] = {QNNX_TARGET_SCRATCH};                                                   \
    static constexpr std::int64_t walls[] = {QNNX_TARGET_WALLS};                                                       \
    static constexpr int wall_count = static_cast<int>(sizeof walls / sizeof walls[0]) - 1;                            \
    static constexpr std::int64_t bytes = QNNX_TARGET_ARENA;                                                           \
  };
#else
#define QNNX_PLACE_MODEL(TAG)
#endif

/// Checks and plans in two functions of their own, first: g++ frees what a function cost it only between functions
/// (1500 nodes: 450 MB instead of 720 MB).
#define QNNX_LOWER_IN_STEPS(TAG)                                                                                       \
  namespace {                                                                                                          \
  [[maybe_unused]] bool qnnx_model_is_valid() { return qnnx::valid_graph<TAG>(); }                                     \
  [[maybe_unused]] std::int64_t qnnx_model_arena() { return qnnx::model_traits<TAG>::arena_bytes; }                    \
  }

#ifdef QNNX_PACK_CHAINS
#define QNNX_EXPORT_CHAINS(TAG)                                                                                        \
  void qnnx_firmware_chains(const std::byte* weights, const std::byte* firmware, void (*found)(const qnnx::band_choice&)) { \
    qnnx::band_choices<TAG>(weights, firmware).find(found);                                                            \
  }
#else
#define QNNX_EXPORT_CHAINS(TAG)
#endif
#ifdef QNNX_PACK_PROGRAM
/// On the machine that builds a firmware: the weights in the form its kernels read.
#define QNNX_EXPORT_MODEL(TAG, NAME)                                                                                   \
  qnnx::plan_needs qnnx_firmware_needs() { return qnnx::exported<TAG>::needs(); }                                      \
  std::int64_t qnnx_firmware_bytes() { return qnnx::exported<TAG>::firmware_bytes(); }                                 \
  unsigned qnnx_make_firmware_weights(const std::byte* weights, std::byte* out) {                                      \
    return qnnx::exported<TAG>::make_firmware_weights(weights, out);                                                   \
  }                                                                                                                    \
  QNNX_EXPORT_CHAINS(TAG)                                                                                              \
  QNNX_CHECK_WEIGHTS(TAG)
#else
/// Defines <prefix>_get, <prefix>_abi_version, <prefix>_run and <prefix>_run_step for the model behind TAG; a link without embedded
/// weights leaves qnnx_model::weights null.
#define QNNX_EXPORT_MODEL(TAG, NAME)                                                                                   \
  QNNX_PLACE_MODEL(TAG)                                                                                                \
  QNNX_LOWER_IN_STEPS(TAG)                                                                                             \
  extern "C" {                                                                                                         \
  extern __attribute__((weak, visibility("hidden"))) const unsigned char QNNX_WEIGHTS_SYMBOL[];                        \
  QNNX_DECLARE_PREPACKED                                                                                               \
  __attribute__((visibility("default"))) std::uint32_t QNNX_PASTE(QNNX_MODEL_SYMBOL, _abi_version)(void);              \
  __attribute__((visibility("default"))) const qnnx_model* QNNX_PASTE(QNNX_MODEL_SYMBOL, _get)(void);                  \
  __attribute__((visibility("default"))) void QNNX_PASTE(QNNX_MODEL_SYMBOL, _run)(void*, const void*, const void*);    \
  __attribute__((visibility("default"))) void QNNX_PASTE(QNNX_MODEL_SYMBOL, _run_step)(void*, const void*, const void*, std::int32_t); \
  }                                                                                                                    \
  std::uint32_t QNNX_PASTE(QNNX_MODEL_SYMBOL, _abi_version)(void) { return QNNX_MODEL_ABI_VERSION; }                   \
  const qnnx_model* QNNX_PASTE(QNNX_MODEL_SYMBOL, _get)(void) {                                                        \
    static constinit const qnnx_model described =                                                                      \
        qnnx::exported<TAG>::describe(NAME, QNNX_SPELL(QNNX_ISA_BEST), QNNX_WEIGHTS_SYMBOL, QNNX_PREPACKED_SYMBOL);    \
    return &described;                                                                                                 \
  }                                                                                                                    \
  void QNNX_PASTE(QNNX_MODEL_SYMBOL, _run)(void* arena, const void* weights, const void* packed) {                     \
    qnnx::exported<TAG>::run(arena, weights ? weights : QNNX_WEIGHTS_SYMBOL, packed);                                  \
  }                                                                                                                    \
  void QNNX_PASTE(QNNX_MODEL_SYMBOL, _run_step)(void* arena, const void* weights, const void* packed, std::int32_t i) {\
    qnnx::exported<TAG>::run_step(arena, weights ? weights : QNNX_WEIGHTS_SYMBOL, packed, i);                          \
  }                                                                                                                    \
  QNNX_EXPORT_FACTS(TAG)                                                                                               \
  QNNX_CHECK_WEIGHTS(TAG)
#endif
