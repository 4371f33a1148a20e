// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d and FullyConnected with AVX-VNNI: 8-bit data with 8- or 4-bit weights, 4 taps of 8 channels an instruction.
// The rest is avx2's. Layer 5a.

#include "qnnx/kernel/convolution/avx2.hpp"
#include "qnnx/kernel/x86/dot_windows.hpp"

#if QNNX_HAS_AVXVNNI
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::conv2d, isa::avxvnni> : x86::accumulate_kernel<op::conv2d, x86::f32x8, x86::dot_windows<x86::u8s8x8>> {};
template <>
struct impl<op::fully_connected, isa::avxvnni> : x86::accumulate_kernel<op::fully_connected, x86::f32x8, x86::dot_windows<x86::u8s8x8>> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
