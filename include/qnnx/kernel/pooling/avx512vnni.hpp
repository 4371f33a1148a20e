// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d and PoolMax2d with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/pooling.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::pool_avg2d, isa::avx512vnni> : x86::pool_kernel<op::pool_avg2d, x86::avx512_vectors> {};
template <>
struct impl<op::pool_max2d, isa::avx512vnni> : x86::pool_kernel<op::pool_max2d, x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
