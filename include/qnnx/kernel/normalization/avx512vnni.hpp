// SPDX-License-Identifier: Apache-2.0
#pragma once
// LayerNorm and RmsNorm over trailing axes with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/normalization.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::layer_norm, isa::avx512vnni> : x86::norm_kernel<op::layer_norm, x86::avx512_vectors> {};
template <>
struct impl<op::rms_norm, isa::avx512vnni> : x86::norm_kernel<op::rms_norm, x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
