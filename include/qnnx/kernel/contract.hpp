// SPDX-License-Identifier: Apache-2.0
#pragma once
// The kernel contract. A kernel is `impl<Op, Isa>` with
//   run(call)                     the work; `call` gives typed views, params, rounding, epilogue, constants, scratch
//   supports<Sig>                 which signatures it takes (optional: all)
//   constant_words, prepare       32-bit words computed from encodings and params when the model is built or loaded:
//                                 multipliers, lookup tables (optional)
//   constants_serve               whether a node's constants serve a call for a band of its rows too (optional: where the
//                                 band's own would be the same words)
//   scratch_bytes                 planned like a tensor (optional: none)
//   packed_bytes, pack            another form of its static operands, made when the model is built or loaded; the
//                                 canonical form stays in the container (optional: none)
//   replaces                      which operands run() no longer reads where the packed form is given: a firmware archive
//                                 leaves them out (optional: none)
//   packed_is_enough              run() asks nothing of the operands that the packed form stands for, not even their
//                                 sizes: a firmware archive has no entries for them (optional: false)
//   takes                         which nodes of a signature it runs; where packed weights are embedded, the others get
//                                 the parent's kernel, elsewhere run() hands them on (optional: all)
//   overlap                       how far before a dying input the output must begin so that both may share memory
//                                 (optional: no sharing). An optimized kernel accepts the reference's distance, so
//                                 that one memory plan serves every instruction set; where config::own_plan is set it
//                                 may ask for another (firmware archives are planned for their target)
//   parts                         into how many pieces run() may split its work by call.piece, over output rows, columns
//                                 or channels and never over a sum: any number gives the same bits (optional: 1)
//   independent_dims              leading dimensions of the output along which results depend on nothing but the
//                                 operands' elements at the same place (broadcasts allowed): the caller may cut the
//                                 operands there and run() sees smaller ones (optional: 0). kernel/split.hpp uses both
// All but run are constexpr functions of the node. One source serves static and dynamic extents: `call.in<0>()` is a
// view whose extents are constants or values. The reference kernel asks for nothing but constants. Layer 5a.

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "qnnx/kernel/isa.hpp"
#include "qnnx/numeric/requantize.hpp"
#include "qnnx/numeric/rounding.hpp"
#include "qnnx/op/contract.hpp"
#include "qnnx/tensor/view.hpp"

namespace qnnx::inline QNNX_ABI {

enum class bank : std::uint8_t { arena, weights, absent };

/// An operand of a lowered step: where its bytes are and what they mean.
struct operand {
  bank where = bank::absent;
  std::ptrdiff_t at = 0;  // byte offset in the bank
  shape dims{};
  quant q{};
  friend constexpr bool operator==(const operand&, const operand&) = default;
};

/// Operands of a step, by pointer: steps share them.
class operand_list {
 public:
  constexpr operand_list() = default;
  constexpr explicit operand_list(const operand* const* first) : first_(first) {}
  constexpr const operand& operator[](std::int32_t i) const { return *first_[i]; }

 private:
  const operand* const* first_ = nullptr;
};

/// The memory a model runs in. (void: so that a static model is constant-initialised from any weight array.)
struct memory {
  std::byte* arena = nullptr;
  const void* weights = nullptr;
  const void* packed = nullptr;
  /// Banks behind the first, where the arena has several.
  [[no_unique_address]] std::array<std::byte*, config::bank_count - 1> more{};

  /// Where an offset of the plan is.
  QNNX_INLINE std::byte* at(std::ptrdiff_t offset) const {
    if constexpr (config::bank_count > 1)
      for (std::size_t k = config::bank_count - 1; k > 0; --k)
        if (offset >= config::bank_ends[k - 1]) return more[k - 1] + (offset - config::bank_ends[k - 1]);
    return arena + offset;
  }
};

inline constexpr epilogue no_epilogue{};

/// A node ready to run. Static path: constant data in flash; dynamic path: built when the DLC is loaded.
struct step {
  operand_list inputs;
  operand_list outputs;
  std::int16_t input_count = 0;
  std::int16_t output_count = 0;
  const void* params = nullptr;            // Op::params
  const std::int32_t* constants = nullptr;
  std::ptrdiff_t scratch_at = 0;           // in the arena
  std::ptrdiff_t packed_at = 0;            // in the packed weights
  const epilogue& epi = no_epilogue;
};

/// What prepare(), overlap() and the other contract functions read.
struct node_facts {
  context c;
  const quant* in = nullptr;
  const quant* out = nullptr;
  epilogue epi{};
  rounding_mode rounding = rounding_mode::rne;  // the model's
};

namespace detail {
template <class Sig> struct signature_types;
template <class Out, class... In>
struct signature_types<Out(In...)> {
  using out = Out;
  static constexpr int count = sizeof...(In);
  template <int I, class First, class... Rest>
  static auto pick() {
    if constexpr (I == 0 || sizeof...(Rest) == 0) return std::type_identity<First>{};
    else return pick<I - 1, Rest...>();
  }
  template <int I> using in = typename decltype(pick<I, In...>())::type;
};
}  // namespace detail

/// Which piece of a split run this is.
struct part {
  std::int32_t index = 0;
  std::int32_t count = 1;
};

/// Items [from, to) of `total` that piece p makes: whole groups of `grain`, nearly equal. May be empty.
struct slice {
  std::int64_t from = 0;
  std::int64_t to = 0;
  constexpr bool holds(std::int64_t i) const { return !config::hosted || (i >= from && i < to); }
};
constexpr slice slice_of(part p, std::int64_t total, std::int64_t grain = 1) {
  if (!config::hosted || p.count == 1) return {0, total};
  const std::int64_t groups = (total + grain - 1) / grain;
  const std::int64_t from = groups * p.index / p.count * grain;
  const std::int64_t to = groups * (p.index + 1) / p.count * grain;
  return {from < total ? from : total, to < total ? to : total};
}

/// A call with extents known at run time: the form that all nodes of one configuration share.
template <class Op, class Sig, class Rounding>
struct shared_call {
  using op = Op;
  using signature = Sig;
  using rounding_type = Rounding;
  using out_type = typename detail::signature_types<Sig>::out;
  template <int I> using in_type = typename detail::signature_types<Sig>::template in<I>;

  const step& s;
  const memory& m;
  [[no_unique_address]] Rounding r{};
  part piece{};

  const typename Op::params& params() const { return *static_cast<const typename Op::params*>(s.params); }
  Rounding rounding() const { return r; }
  const epilogue& epi() const { return s.epi; }
  const std::int32_t* constants() const { return s.constants; }
  std::byte* scratch() const { return m.at(s.scratch_at); }
  const std::byte* packed() const { return static_cast<const std::byte*>(m.packed) + s.packed_at; }
  bool packed_missing() const { return m.packed == nullptr; }
  int input_count() const { return s.input_count; }
  int output_count() const { return s.output_count; }
  bool has(int i) const { return i < s.input_count && s.inputs[i].where != bank::absent; }

  /// Where data in the arena begins, for kernels that need no view: less code.
  const std::byte* input_bytes(int i) const { return m.at(s.inputs[i].at); }
  std::byte* output_bytes() const { return m.at(s.outputs[0].at); }
  template <class T>
  view<T, shape> read(const operand& o) const {
    if (o.where == bank::absent) return {};
    const std::byte* first = o.where == bank::arena ? m.at(o.at) : static_cast<const std::byte*>(m.weights) + o.at;
    return {reinterpret_cast<const typename T::storage*>(first), o.dims, &o.q};
  }
  /// Input I; a view that is not present() where an optional input is left out.
  template <int I>
  view<in_type<I>, shape> in() const {
    if (I >= s.input_count) return {};
    return read<in_type<I>>(s.inputs[I]);
  }
  /// Input i of a variadic op (the last type repeats).
  template <int Type = 0>
  view<in_type<Type>, shape> in_at(int i) const { return read<in_type<Type>>(s.inputs[i]); }
  view<out_type, shape, false> out_at(int i) const {
    const operand& o = s.outputs[i];
    return {reinterpret_cast<typename out_type::storage*>(m.at(o.at)), o.dims, &o.q};
  }
  view<out_type, shape, false> out() const { return out_at(0); }
  view<out_type, shape> residual() const { return read<out_type>(s.inputs[s.epi.residual]); }
  view<out_type, shape> table() const { return read<out_type>(s.inputs[s.epi.table]); }
};

namespace kernel {

/// A kernel of an op for an instruction set; a missing one is the parent's.
template <class Op, class Isa>
struct impl : impl<Op, typename Isa::parent> {
  using handed_on_by = impl;
};
template <class Op>
struct impl<Op, isa::reference>;  // defined by the op's family: kernel/<family>/reference.hpp

namespace detail {
template <class K, class Sig>
constexpr bool takes() {
  if constexpr (requires { K::template supports<Sig>; }) return K::template supports<Sig>;
  else return true;
}
template <class Op, class Isa, class Sig>
constexpr auto choose() {
  if constexpr (std::is_same_v<Isa, isa::reference>) return std::type_identity<impl<Op, Isa>>{};
  else if constexpr (takes<impl<Op, Isa>, Sig>()) return std::type_identity<impl<Op, Isa>>{};
  else return choose<Op, typename Isa::parent, Sig>();
}
}  // namespace detail

/// The kernel that runs signature Sig of Op on Isa.
template <class Op, class Isa, class Sig>
using select = typename decltype(detail::choose<Op, Isa, Sig>())::type;

/// Whether Isa or one of its parents has a kernel of its own for this signature, other than the reference. (An impl
/// that is not specialised inherits from its parent's, down to the reference.)
template <class Op, class Isa, class Sig>
constexpr bool is_specialised() {
  using chosen = select<Op, Isa, Sig>;
  if constexpr (std::is_same_v<chosen, impl<Op, isa::reference>>) return false;
  else return !std::is_base_of_v<impl<Op, isa::reference>, chosen>;
}

/// Whether it is Isa's own kernel that runs this signature, not one of its parents.
template <class Op, class Isa, class Sig>
constexpr bool is_own() {
  using chosen = select<Op, Isa, Sig>;
  if constexpr (!std::is_same_v<chosen, impl<Op, Isa>>) return false;
  else if constexpr (requires { typename chosen::handed_on_by; }) return !std::is_same_v<typename chosen::handed_on_by, chosen>;
  else return true;
}

// The contract's questions, with their defaults.
template <class K, class Params>
constexpr std::int64_t constant_words(const node_facts& f, const Params& p) {
  if constexpr (requires { K::constant_words(f, p); }) return K::constant_words(f, p);
  else return (void)f, (void)p, 0;
}
template <class K, class Params, class Rounding>
constexpr void prepare(const node_facts& f, const Params& p, Rounding r, std::int32_t* out) {
  if constexpr (requires { K::prepare(f, p, r, out); }) K::prepare(f, p, r, out);
}
/// Whether a node's constants serve a call of the node for a band of its rows, whose own would be `band`.
template <class K>
constexpr bool constants_serve(const std::int32_t* node, std::int64_t words, const std::int32_t* band, std::int64_t band_words) {
  if constexpr (requires { K::constants_serve(node, words, band, band_words); }) {
    return K::constants_serve(node, words, band, band_words);
  } else {
    for (std::int64_t i = 0; i < words; ++i)
      if (node[i] != band[i]) return false;
    return words == band_words;
  }
}
template <class K, class Params>
constexpr std::int64_t scratch_bytes(const node_facts& f, const Params& p) {
  if constexpr (requires { K::scratch_bytes(f, p); }) return K::scratch_bytes(f, p);
  else return (void)f, (void)p, 0;
}
template <class K, class Params>
constexpr std::int64_t packed_bytes(const node_facts& f, const Params& p) {
  if constexpr (requires { K::packed_bytes(f, p); }) return K::packed_bytes(f, p);
  else return (void)f, (void)p, 0;
}
template <class K, class Params>
constexpr bool replaces(const node_facts& f, const Params& p, int input) {
  if constexpr (requires { K::replaces(f, p, input); }) return K::replaces(f, p, input);
  else return (void)f, (void)p, (void)input, false;
}
template <class K, class Params>
constexpr bool takes_node(const node_facts& f, const Params& p) {
  if constexpr (requires { K::takes(f, p); }) return K::takes(f, p);
  else return (void)f, (void)p, true;
}
template <class K>
constexpr bool packed_is_enough() {
  if constexpr (requires { K::packed_is_enough; }) return K::packed_is_enough;
  else return false;
}
/// Distance for input i, in_place_only, or no_overlap: its bytes may not be shared with the output.
template <class K, class Params>
constexpr std::int64_t overlap(const node_facts& f, const Params& p, int input) {
  if constexpr (requires { K::overlap(f, p, input); }) return f.epi.residual >= 0 ? -1 : K::overlap(f, p, input);
  else return (void)f, (void)p, (void)input, -1;
}
template <class K, class Params>
constexpr int parts(const node_facts& f, const Params& p) {
  if constexpr (requires { K::parts(f, p); }) return K::parts(f, p);
  else return (void)f, (void)p, 1;
}

template <class K, class Params>
constexpr int independent_dims(const node_facts& f, const Params& p) {
  if constexpr (requires { K::independent_dims(f, p); }) return K::independent_dims(f, p);
  else return (void)f, (void)p, 0;
}

/// Base of a kernel that answers the contract's questions about constants, shared memory and independent dimensions as
/// another kernel of the op does: the reference, or that of instruction set Isa.
template <class Op, class Isa = isa::reference>
struct answers_as {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;

  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return kernel::constant_words<impl<Op, Isa>>(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    kernel::prepare<impl<Op, Isa>>(f, p, r, out);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return kernel::overlap<impl<Op, Isa>>(f, p, input);
  }
  static constexpr int independent_dims(const node_facts& f, const params& p) {
    return kernel::independent_dims<impl<Op, Isa>>(f, p);
  }
};

/// Runs one step; the same function serves every node of this configuration, in the static and the dynamic path.
template <class Op, class Isa, class Sig, class Rounding>
QNNX_NOINLINE void run_shared(const step& s, const memory& m, Rounding r, part piece) {
  select<Op, Isa, Sig>::run(shared_call<Op, Sig, Rounding>{s, m, r, piece});
}

}  // namespace kernel

/// independent_dims of a kernel that goes element by element.
constexpr int every_dim(const node_facts& f) { return f.c.out(0).dims.rank(); }

/// Bytes between the start of the output and the start of a dying input that an element-by-element kernel needs:
/// none, or what the output is longer.
constexpr std::int64_t elementwise_overlap(const context& c, int input) {
  if (!(c.in(input).dims.size() == c.out(0).dims.size())) return -1;
  const std::int64_t grown = byte_size(c.out(0)) - byte_size(c.in(input));
  return grown > 0 ? grown : 0;
}

}  // namespace qnnx::inline QNNX_ABI
