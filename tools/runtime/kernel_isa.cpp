// SPDX-License-Identifier: Apache-2.0
// The dispatch entries of one kernel family for one instruction set: only kernels that the set has of its own.
// Compiled once per family and set, with that set's flags; the inline namespace keeps its functions apart from those
// of other units. The table crosses to the others as plain memory: the same struct under another name.
#include <vector>

#include "qnnx/kernel/kernels.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/dispatch.hpp"

#define QNNX_TEXT2(A) #A
#define QNNX_TEXT(A) QNNX_TEXT2(A)
#define QNNX_CONCAT2(A, B, C, D) A##B##C##D
#define QNNX_CONCAT(A, B, C, D) QNNX_CONCAT2(A, B, C, D)

namespace qnnx::inline QNNX_ABI {
namespace {

enum class family : int {
#define QNNX_FAMILY_NAME(NAME) NAME,
#include "qnnx/kernel/families.inc"
#undef QNNX_FAMILY_NAME
};

std::vector<kernel_entry> entries;

// A parent set has a unit of its own, but where the tests take the unit of one set alone.
#ifdef QNNX_WITH_PARENTS
constexpr bool with_parents = true;
#else
constexpr bool with_parents = false;
#endif

template <class Op, class Sig>
void append_one() {
  if constexpr (with_parents ? kernel::is_specialised<Op, isa::best, Sig>() : kernel::is_own<Op, isa::best, Sig>())
    entries.push_back(make_entry<Op, isa::best, Sig>(QNNX_TEXT(QNNX_ISA_BEST)));
}
template <class Op, class... Sigs>
void append_all(signatures<Sigs...>) {
  (append_one<Op, Sigs>(), ...);
}
template <class Op, family Of>
void append_if() {
  if constexpr (Of == family::QNNX_FAMILY) append_all<Op>(typename Op::types{});
}

}  // namespace
}  // namespace qnnx::inline QNNX_ABI

extern "C" const void* QNNX_CONCAT(qnnx_kernels_, QNNX_FAMILY, _, QNNX_ISA_BEST)(std::size_t* number) {
  using namespace qnnx;
  if (entries.empty()) {
#define QNNX_OP(TYPE, HEADER, FAMILY) append_if<op::TYPE, family::FAMILY>();
#include "qnnx/op/ops.inc"
#undef QNNX_OP
  }
  *number = entries.size();
  return entries.data();
}
