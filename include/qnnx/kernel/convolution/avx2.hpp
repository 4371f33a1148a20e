// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d, DepthWiseConv2d, TransposeConv2d, FullyConnected and MatMul with AVX2, 8 channels per vector: floats of 32 and 16 bits, and 8- or 16-bit data with
// 8- or 4-bit weights. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"

#if QNNX_HAS_AVX2
#include "qnnx/kernel/x86/channel_multiplier.hpp"
#include "qnnx/kernel/x86/depthwise_16.hpp"
#include "qnnx/kernel/x86/depthwise_pairs.hpp"
#include "qnnx/kernel/x86/matmul_kernel.hpp"
#include "qnnx/kernel/x86/products_16.hpp"
#include "qnnx/kernel/x86/short_products.hpp"
#include "qnnx/kernel/x86/transposed_16.hpp"
#include "qnnx/kernel/x86/transposed_windows.hpp"
#include "qnnx/kernel/x86/widened_windows.hpp"
#include "qnnx/kernel/x86/winograd4_windows.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::conv2d, isa::avx2>
    : x86::with_short_products<op::conv2d, x86::avx2_vectors, x86::with_16_bits<op::conv2d, x86::accumulate_kernel<op::conv2d, x86::f32x8, x86::winograd_windows<x86::s16x8<std::int16_t>, x86::widened_windows>>,
                        x86::dense_16<op::conv2d, x86::avx2_vectors>>> {};
template <>
struct impl<op::fully_connected, isa::avx2>
    : x86::with_short_products<op::fully_connected, x86::avx2_vectors, x86::with_16_bits<op::fully_connected, x86::accumulate_kernel<op::fully_connected, x86::f32x8, x86::widened_windows>,
                        x86::dense_16<op::fully_connected, x86::avx2_vectors>>> {};
template <>
struct impl<op::depthwise_conv2d, isa::avx2>
    : x86::with_short_products<op::depthwise_conv2d, x86::avx2_vectors, x86::with_channel_multiplier<x86::with_16_bits<op::depthwise_conv2d, x86::depthwise_kernel<x86::f32x8, x86::pair_depthwise>,
                        x86::depthwise_16<x86::avx2_vectors>>>> {};
template <>
struct impl<op::matmul, isa::avx2>
    : x86::with_short_products<op::matmul, x86::avx2_vectors, x86::with_16_bits<op::matmul, x86::matmul_kernel<x86::f32x8, x86::widened_windows>,
                        x86::dense_16<op::matmul, x86::avx2_vectors>>> {};
template <>
struct impl<op::transpose_conv2d, isa::avx2>
    : x86::with_short_products<op::transpose_conv2d, x86::avx2_vectors, x86::with_transposed_16<x86::avx2_vectors, x86::transposed_kernel<x86::f32x8, x86::widened_windows, x86::pair_depthwise>>> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
