// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd and the forms of ElementWiseBinary with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/elementwise.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::elementwise_add, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_add, x86::avx512_vectors> {};
template <>
struct impl<op::elementwise_binary, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_binary, x86::avx512_vectors> {};
template <>
struct impl<op::elementwise_subtract, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_subtract, x86::avx512_vectors> {};
template <>
struct impl<op::elementwise_multiply, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_multiply, x86::avx512_vectors> {};
template <>
struct impl<op::elementwise_divide, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_divide, x86::avx512_vectors> {};
template <>
struct impl<op::elementwise_squared_difference, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_squared_difference, x86::avx512_vectors> {};
template <>
struct impl<op::elementwise_power, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_power, x86::avx512_vectors> {};
template <>
struct impl<op::elementwise_maximum, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_maximum, x86::avx512_vectors> {};
template <>
struct impl<op::elementwise_minimum, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_minimum, x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
