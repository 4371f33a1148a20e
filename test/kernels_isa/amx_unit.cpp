// SPDX-License-Identifier: Apache-2.0
// The kernels that AMX has of its own, on the tiles of emulated/, for test_kernels_isa (units.cmake): a table like those of
// tools/runtime/kernel_isa.cpp, and what the tiles of the calling thread did.
#include "kernels_isa/amx_unit.hpp"

#include "qnnx/kernel/kernels.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/dispatch.hpp"

namespace qnnx::inline QNNX_ABI {
namespace {

template <class Op, class... Sigs>
void append_own(std::vector<kernel_entry>& table, signatures<Sigs...>) {
  const auto one = [&]<class Sig>(std::type_identity<Sig>) {
    if constexpr (kernel::is_own<Op, isa::amx, Sig>()) table.push_back(make_entry<Op, isa::amx, Sig>("amx"));
  };
  (one(std::type_identity<Sigs>{}), ...);
}
template <class... Ops>
std::vector<kernel_entry> own_table() {
  std::vector<kernel_entry> table;
  (append_own<Ops>(table, typename Ops::types{}), ...);
  return table;
}

}  // namespace
}  // namespace qnnx::inline QNNX_ABI

const void* qnnx_test_kernels_amx(std::size_t* count) {
  static const auto table = qnnx::own_table<qnnx::op::conv2d, qnnx::op::fully_connected, qnnx::op::matmul>();
  *count = table.size();
  return table.data();
}
qnnx_test_tile_work qnnx_test_tiles() {
  auto& here = qnnx::kernel::x86::tiles::state();
  const auto c = here.clock().counts();
  return {here.configured() ? 1 : 0, c.configurations, c.loads, c.stores, c.products, c.bytes_loaded, c.bytes_stored, c.product_cycles, c.load_cycles, c.store_cycles, c.cycles};
}
