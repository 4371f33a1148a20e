// SPDX-License-Identifier: Apache-2.0
// The dispatch entries of one kernel family; compiled once per family with QNNX_FAMILY set, so that the table builds
// in parallel and in little memory.
#include "qnnx/kernel/kernels.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/dispatch.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {
enum class family : int {
#define QNNX_FAMILY_NAME(NAME) NAME,
#include "qnnx/kernel/families.inc"
#undef QNNX_FAMILY_NAME
};
template <class Op, family Of>
void append_if(std::vector<kernel_entry>& table) {
  if constexpr (Of == family::QNNX_FAMILY) append_kernels<Op, isa::reference>(table, "reference");
  else (void)table;
}
}  // namespace

#define QNNX_CONCAT2(A, B) A##B
#define QNNX_CONCAT(A, B) QNNX_CONCAT2(A, B)
void QNNX_CONCAT(append_family_, QNNX_FAMILY)(std::vector<kernel_entry>& table) {
#define QNNX_OP(TYPE, HEADER, FAMILY) append_if<op::TYPE, family::FAMILY>(table);
#include "qnnx/op/ops.inc"
#undef QNNX_OP
}

}  // namespace qnnx::inline QNNX_ABI
