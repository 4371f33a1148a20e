// SPDX-License-Identifier: Apache-2.0
#pragma once
// Resize, ResizeBilinear and ResizeNearestNeighbor with AVX2. Layer 5a.

#include "qnnx/kernel/x86/resize.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::resize, isa::avx2> : x86::resize_kernel<op::resize, x86::avx2_vectors> {};
template <>
struct impl<op::resize_bilinear, isa::avx2> : x86::resize_kernel<op::resize_bilinear, x86::avx2_vectors> {};
template <>
struct impl<op::resize_nearest_neighbor, isa::avx2> : x86::resize_kernel<op::resize_nearest_neighbor, x86::avx2_vectors> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
