// SPDX-License-Identifier: Apache-2.0
#pragma once
// Transpose of 8-, 16- and 32-bit elements, Concat of 8- and 16-bit data, ChannelShuffle with AVX2. Layer 5a.

#include "qnnx/kernel/x86/channel_shuffle.hpp"
#include "qnnx/kernel/x86/concat.hpp"
#include "qnnx/kernel/x86/movement.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::transpose, isa::avx2> : x86::transpose_kernel<x86::avx2_vectors> {};
template <>
struct impl<op::concat, isa::avx2> : x86::concat_kernel<x86::avx2_vectors> {};
template <>
struct impl<op::channel_shuffle, isa::avx2> : x86::channel_shuffle_kernel {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
