// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReduceSum, ReduceMean, ReduceMax and ReduceMin with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/reduction.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::reduce_sum, isa::avx512vnni> : x86::reduce_vectors<op::reduce_sum, x86::avx512_vectors> {};
template <>
struct impl<op::reduce_mean, isa::avx512vnni> : x86::reduce_vectors<op::reduce_mean, x86::avx512_vectors> {};
template <>
struct impl<op::reduce_max, isa::avx512vnni> : x86::reduce_vectors<op::reduce_max, x86::avx512_vectors> {};
template <>
struct impl<op::reduce_min, isa::avx512vnni> : x86::reduce_vectors<op::reduce_min, x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
