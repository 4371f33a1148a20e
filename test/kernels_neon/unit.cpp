// SPDX-License-Identifier: Apache-2.0
// The kernels of this directory's test for the instruction set that the unit is compiled for
// (tools/runtime/kernel_isa.cpp for a few ops); with QNNX_TEST_TABLE the interpreter's whole table, of the same ops'
// reference kernels.
#include "qnnx/kernel/kernels.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/dispatch.hpp"
#include "qnnx/runtime/error.hpp"

#define QNNX_TEXT2(A) #A
#define QNNX_TEXT(A) QNNX_TEXT2(A)
#define QNNX_CONCAT2(A, B) A##B
#define QNNX_CONCAT(A, B) QNNX_CONCAT2(A, B)

namespace qnnx::inline QNNX_ABI {
namespace {

/// Types that some set has kernels for.
template <class T>
inline constexpr bool is_tested = std::is_same_v<T, types::f32> || std::is_same_v<T, types::u8> ||
                                  std::is_same_v<T, types::s8> || std::is_same_v<T, types::u16> ||
                                  std::is_same_v<T, types::s16>;
template <class Sig>
inline constexpr bool is_tested_signature = false;
template <class Y, class X, class... More>
inline constexpr bool is_tested_signature<Y(X, More...)> = is_tested<Y> && is_tested<X>;

template <class Op, class Isa, class... Sigs>
void append_own(std::vector<kernel_entry>& table, const char* name, signatures<Sigs...>) {
  const auto one = [&]<class Sig>(std::type_identity<Sig>) {
    if constexpr (is_tested_signature<Sig>)
      if constexpr (std::is_same_v<Isa, isa::reference> || kernel::is_specialised<Op, Isa, Sig>())
        table.push_back(make_entry<Op, Isa, Sig>(name));
  };
  (one(std::type_identity<Sigs>{}), ...);
}
template <class Isa, class... Ops>
std::vector<kernel_entry> table_of(const char* name) {
  std::vector<kernel_entry> table;
  (append_own<Ops, Isa>(table, name, typename Ops::types{}), ...);
  return table;
}
/// The better sets of aarch64 differ in sums of products alone; the rest is the same source.
template <class Isa>
const std::vector<kernel_entry>& tested(const char* name) {
  static const std::vector<kernel_entry> table = [&] {
    auto all = table_of<Isa, op::conv2d, op::depthwise_conv2d, op::fully_connected, op::matmul, op::elementwise_add,
                        op::pool_avg2d>(name);
    if constexpr (!std::is_same_v<Isa, isa::neon_dot> && !std::is_same_v<Isa, isa::i8mm>) {
      const auto more =
          table_of<Isa, op::elementwise_binary, op::elementwise_subtract, op::elementwise_multiply,
                   op::elementwise_maximum, op::elementwise_minimum, op::pool_max2d, op::reduce_mean, op::reduce_sum,
                   op::elementwise_neuron, op::relu, op::relu6, op::sigmoid, op::tanh, op::gelu, op::elu, op::hard_swish,
                   op::elementwise_softplus,
                   op::elementwise_unary, op::erf, op::lookup, op::quantize, op::dequantize, op::convert, op::softmax>(name);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }();
  return table;
}

}  // namespace

#ifdef QNNX_TEST_TABLE
const std::vector<kernel_entry>& kernel_table(std::string_view backend) {
  if (backend != "reference") throw error("backend '" + std::string(backend) + "': this test has the reference alone");
  return tested<isa::reference>("reference");
}
#endif

}  // namespace qnnx::inline QNNX_ABI

#ifndef QNNX_TEST_TABLE
extern "C" const void* QNNX_CONCAT(qnnx_test_kernels_, QNNX_ISA_BEST)(std::size_t* count) {
  const auto& table = qnnx::tested<qnnx::isa::best>(QNNX_TEXT(QNNX_ISA_BEST));
  *count = table.size();
  return table.data();
}
#endif
