// SPDX-License-Identifier: Apache-2.0
#pragma once
// Elementwise ops, pools and Softmax without vectors: the kernels of armv7em_dsp, whose instructions are written out (the
// products by arm/dsp.hpp's multiply_long). Layer 5a.

#include "qnnx/kernel/elementwise/armv7em_dsp.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp_binary.hpp"
#include "qnnx/kernel/elementwise/armv7em_dsp_mixed.hpp"
#include "qnnx/kernel/pooling/armv7em_dsp.hpp"
#include "qnnx/kernel/pooling/armv7em_dsp_max.hpp"
#include "qnnx/kernel/softmax/armv7em_dsp.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::elementwise_add, isa::scalar> : impl<op::elementwise_add, isa::armv7em_dsp> {};
template <>
struct impl<op::elementwise_add, isa::scalar_general> : impl<op::elementwise_add, isa::armv7em_dsp_mixed> {};
template <>
struct impl<op::elementwise_subtract, isa::scalar> : impl<op::elementwise_subtract, isa::armv7em_dsp> {};
template <>
struct impl<op::elementwise_subtract, isa::scalar_general> : impl<op::elementwise_subtract, isa::armv7em_dsp_mixed> {};
template <>
struct impl<op::elementwise_multiply, isa::scalar> : impl<op::elementwise_multiply, isa::armv7em_dsp> {};
template <>
struct impl<op::elementwise_maximum, isa::scalar> : impl<op::elementwise_maximum, isa::armv7em_dsp> {};
template <>
struct impl<op::elementwise_minimum, isa::scalar> : impl<op::elementwise_minimum, isa::armv7em_dsp> {};
template <>
struct impl<op::pool_avg2d, isa::scalar> : impl<op::pool_avg2d, isa::armv7em_dsp> {};
template <>
struct impl<op::pool_max2d, isa::scalar> : impl<op::pool_max2d, isa::armv7em_dsp> {};
template <>
struct impl<op::softmax, isa::scalar> : impl<op::softmax, isa::armv7em_dsp> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
