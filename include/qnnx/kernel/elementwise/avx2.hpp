// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd and the forms of ElementWiseBinary with AVX2. Layer 5a.

#include "qnnx/kernel/x86/elementwise.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::elementwise_add, isa::avx2> : x86::elementwise_kernel<op::elementwise_add, x86::avx2_vectors> {};
template <>
struct impl<op::elementwise_binary, isa::avx2> : x86::elementwise_kernel<op::elementwise_binary, x86::avx2_vectors> {};
template <>
struct impl<op::elementwise_subtract, isa::avx2> : x86::elementwise_kernel<op::elementwise_subtract, x86::avx2_vectors> {};
template <>
struct impl<op::elementwise_multiply, isa::avx2> : x86::elementwise_kernel<op::elementwise_multiply, x86::avx2_vectors> {};
template <>
struct impl<op::elementwise_divide, isa::avx2> : x86::elementwise_kernel<op::elementwise_divide, x86::avx2_vectors> {};
template <>
struct impl<op::elementwise_squared_difference, isa::avx2> : x86::elementwise_kernel<op::elementwise_squared_difference, x86::avx2_vectors> {};
template <>
struct impl<op::elementwise_power, isa::avx2> : x86::elementwise_kernel<op::elementwise_power, x86::avx2_vectors> {};
template <>
struct impl<op::elementwise_maximum, isa::avx2> : x86::elementwise_kernel<op::elementwise_maximum, x86::avx2_vectors> {};
template <>
struct impl<op::elementwise_minimum, isa::avx2> : x86::elementwise_kernel<op::elementwise_minimum, x86::avx2_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
