// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lookup, Prelu, ElementWiseUnary and its forms with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/prelu.hpp"
#include "qnnx/kernel/x86/unary.hpp"

#if QNNX_HAS_AVX512VBMI
namespace qnnx::inline QNNX_ABI::kernel {

template <class Op>
  requires unary_op<Op>
struct impl<Op, isa::avx512vnni> : x86::unary_kernel<Op, x86::avx512_vectors> {};
template <>
struct impl<op::lookup, isa::avx512vnni> : x86::lookup_kernel<x86::avx512_vectors> {};
template <>
struct impl<op::prelu, isa::avx512vnni> : x86::prelu_kernel<x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
