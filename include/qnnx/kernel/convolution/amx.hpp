// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d, FullyConnected and MatMul on 8-bit data with tiles (AMX). Everything else is avx512vnni's. Layer 5a.

#include "qnnx/kernel/convolution/avx512vnni.hpp"

#if QNNX_HAS_AMX
#include "qnnx/kernel/x86/tile_products.hpp"

namespace qnnx::inline QNNX_ABI::kernel {
namespace x86 {

template <class Kernel>
struct bytes_only : Kernel {
  template <class Sig>
  static constexpr bool supports = operand_types<Sig>::bytes;
};

}  // namespace x86

template <>
struct impl<op::conv2d, isa::amx> : x86::bytes_only<x86::accumulate_kernel<op::conv2d, x86::f32x16, x86::tile_windows>> {};
template <>
struct impl<op::fully_connected, isa::amx>
    : x86::bytes_only<x86::accumulate_kernel<op::fully_connected, x86::f32x16, x86::tile_windows>> {};
template <>
struct impl<op::matmul, isa::amx> : x86::bytes_only<x86::matmul_kernel<x86::f32x16, x86::tile_windows>> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
