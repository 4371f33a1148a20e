// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax and LogSoftmax with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/softmax.hpp"

#if QNNX_HAS_AVX512VBMI
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::softmax, isa::avx512vnni> : x86::softmax_kernel<x86::avx512_vectors> {};
template <>
struct impl<op::log_softmax, isa::avx512vnni> : x86::log_softmax_kernel<x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
