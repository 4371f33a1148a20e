// SPDX-License-Identifier: Apache-2.0
#pragma once
// The table that finds a kernel at run time: op id and types -> the same run_shared instance the static path calls,
// with the contract's questions as function pointers. One entry per line of an op's type table. Layer 6b.

#include <span>
#include <vector>

#include "qnnx/kernel/split.hpp"

namespace qnnx::inline QNNX_ABI {

struct kernel_entry {
  const op_info* op = nullptr;
  signature types;
  const char* isa = "reference";
  void (*run)(const step&, const memory&, rounding_mode, part) = nullptr;
  std::int64_t (*constant_words)(const node_facts&, const words&) = nullptr;
  void (*prepare)(const node_facts&, const words&, rounding_mode, std::int32_t*) = nullptr;
  std::int64_t (*scratch_bytes)(const node_facts&, const words&) = nullptr;
  std::int64_t (*packed_bytes)(const node_facts&, const words&) = nullptr;
  void (*pack)(const step&, const memory&, rounding_mode, std::byte*) = nullptr;
  std::int64_t (*overlap)(const node_facts&, const words&, int) = nullptr;
  split (*pieces)(const node_facts&, const words&, std::int64_t least_ns) = nullptr;
  void* (*make_params)(const words&) = nullptr;  // heap copy of the typed params
  void (*free_params)(void*) = nullptr;
};

template <class Op, class Isa, class Sig>
kernel_entry make_entry(const char* isa_name) {
  using K = kernel::select<Op, Isa, Sig>;
  using P = typename Op::params;
  kernel_entry e;
  e.op = &info<Op>;
  e.types = signature_of<Sig>;
  e.isa = isa_name;
  e.run = [](const step& s, const memory& m, rounding_mode r, part piece) {
    kernel::run_shared<Op, Isa, Sig, rounding::dynamic>(s, m, rounding::dynamic{r}, piece);
  };
  e.constant_words = [](const node_facts& f, const words& w) { return std::int64_t{kernel::constant_words<K>(f, from_words<P>(w))}; };
  e.prepare = [](const node_facts& f, const words& w, rounding_mode r, std::int32_t* out) {
    kernel::prepare<K>(f, from_words<P>(w), rounding::dynamic{r}, out);
  };
  e.scratch_bytes = [](const node_facts& f, const words& w) { return std::int64_t{kernel::scratch_bytes<K>(f, from_words<P>(w))}; };
  e.packed_bytes = [](const node_facts& f, const words& w) { return std::int64_t{kernel::packed_bytes<K>(f, from_words<P>(w))}; };
  if constexpr (requires(const shared_call<Op, Sig, rounding::dynamic>& c, std::byte* out) { K::pack(c, out); }) {
    e.pack = [](const step& s, const memory& m, rounding_mode r, std::byte* out) {
      K::pack(shared_call<Op, Sig, rounding::dynamic>{s, m, rounding::dynamic{r}, {}}, out);
    };
  }
  e.overlap = [](const node_facts& f, const words& w, int i) { return std::int64_t{kernel::overlap<K>(f, from_words<P>(w), i)}; };
  e.pieces = [](const node_facts& f, const words& w, std::int64_t least_ns) {
    constexpr bool optimized = kernel::is_specialised<Op, Isa, Sig>();
    return kernel::split_of<K>(f, from_words<P>(w), kernel::estimated_ns(f.c, info<Op>.price(f.c, w), optimized), least_ns);
  };
  e.make_params = [](const words& w) -> void* { return new P(from_words<P>(w)); };
  e.free_params = [](void* p) { delete static_cast<P*>(p); };
  return e;
}

namespace detail {
template <class Op, class Isa, class... Sigs>
void append(std::vector<kernel_entry>& table, const char* isa_name, signatures<Sigs...>) {
  (table.push_back(make_entry<Op, Isa, Sigs>(isa_name)), ...);
}
}  // namespace detail

/// All entries of one op for an instruction set; an op from outside joins the interpreter through this.
template <class Op, class Isa = isa::best>
void append_kernels(std::vector<kernel_entry>& table, const char* isa_name) {
  detail::append<Op, Isa>(table, isa_name, typename Op::types{});
}

/// The library's own table for a backend: "reference", "cpu" (the best instruction set this machine has; QNNX_ISA
/// lowers it), or one instruction set by name. Defined in qnnx::runtime.
const std::vector<kernel_entry>& kernel_table(std::string_view backend);
/// Whether this machine runs the kernels of an instruction set.
bool processor_has(std::string_view isa);

/// The entry for an op and its operand types, or null.
inline const kernel_entry* find_kernel(std::span<const kernel_entry> table, const op_info& op, const context& c) {
  for (const kernel_entry& e : table) {
    if (e.op->id != op.id) continue;
    bool fits = c.output_count == 0 || e.types.out == c.out(0).type;
    for (int i = 0; i < c.input_count && fits; ++i)
      if (c.has(i) && e.types.count > 0)
        fits = c.in(i).type == e.types.in[static_cast<std::size_t>(i < e.types.count ? i : e.types.count - 1)];
    if (fits) return &e;
  }
  return nullptr;
}

}  // namespace qnnx::inline QNNX_ABI
