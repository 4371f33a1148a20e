// SPDX-License-Identifier: Apache-2.0
#pragma once
// LayerNorm and RmsNorm over trailing axes with AVX2. Layer 5a.

#include "qnnx/kernel/x86/normalization.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::layer_norm, isa::avx2> : x86::norm_kernel<op::layer_norm, x86::avx2_vectors> {};
template <>
struct impl<op::rms_norm, isa::avx2> : x86::norm_kernel<op::rms_norm, x86::avx2_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
