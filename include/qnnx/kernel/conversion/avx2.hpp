// SPDX-License-Identifier: Apache-2.0
#pragma once
// Quantize, Dequantize, Convert and Cast (between floats) with AVX2. Layer 5a.

#include "qnnx/kernel/x86/conversion.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::quantize, isa::avx2> : x86::conversion_kernel<op::quantize, x86::avx2_vectors> {};
template <>
struct impl<op::dequantize, isa::avx2> : x86::conversion_kernel<op::dequantize, x86::avx2_vectors> {};
template <>
struct impl<op::convert, isa::avx2> : x86::conversion_kernel<op::convert, x86::avx2_vectors> {};
template <>
struct impl<op::cast, isa::avx2> : x86::conversion_kernel<op::cast, x86::avx2_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
