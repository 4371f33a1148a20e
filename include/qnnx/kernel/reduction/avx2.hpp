// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReduceSum, ReduceMean, ReduceMax and ReduceMin with AVX2. Layer 5a.

#include "qnnx/kernel/x86/reduction.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::reduce_sum, isa::avx2> : x86::reduce_vectors<op::reduce_sum, x86::avx2_vectors> {};
template <>
struct impl<op::reduce_mean, isa::avx2> : x86::reduce_vectors<op::reduce_mean, x86::avx2_vectors> {};
template <>
struct impl<op::reduce_max, isa::avx2> : x86::reduce_vectors<op::reduce_max, x86::avx2_vectors> {};
template <>
struct impl<op::reduce_min, isa::avx2> : x86::reduce_vectors<op::reduce_min, x86::avx2_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
