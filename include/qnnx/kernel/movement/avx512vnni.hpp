// SPDX-License-Identifier: Apache-2.0
#pragma once
// Transpose of 8-, 16- and 32-bit elements, Concat of 8- and 16-bit data with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/concat.hpp"
#include "qnnx/kernel/x86/movement.hpp"

#if QNNX_HAS_AVX512VBMI
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::transpose, isa::avx512vnni> : x86::transpose_kernel<x86::avx512_vectors> {};
template <>
struct impl<op::concat, isa::avx512vnni> : x86::concat_kernel<x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
