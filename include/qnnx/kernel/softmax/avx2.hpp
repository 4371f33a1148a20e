// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax and LogSoftmax with AVX2. Layer 5a.

#include "qnnx/kernel/x86/softmax.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::softmax, isa::avx2> : x86::softmax_kernel<x86::avx2_vectors> {};
template <>
struct impl<op::log_softmax, isa::avx2> : x86::log_softmax_kernel<x86::avx2_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
