// SPDX-License-Identifier: Apache-2.0
#pragma once
// Resize, ResizeBilinear and ResizeNearestNeighbor with AVX-512. Layer 5a.

#include "qnnx/kernel/x86/resize.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::resize, isa::avx512vnni> : x86::resize_kernel<op::resize, x86::avx512_vectors> {};
template <>
struct impl<op::resize_bilinear, isa::avx512vnni> : x86::resize_kernel<op::resize_bilinear, x86::avx512_vectors> {};
template <>
struct impl<op::resize_nearest_neighbor, isa::avx512vnni> : x86::resize_kernel<op::resize_nearest_neighbor, x86::avx512_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
