// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input activations with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/activation.hpp"

#if QNNX_HAS_AVX512VBMI
namespace qnnx::inline QNNX_ABI::kernel {

template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::avx512vnni> : x86::neuron_kernel<Op, x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
