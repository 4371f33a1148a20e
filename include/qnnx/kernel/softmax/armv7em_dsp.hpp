// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax of 8 bits on Cortex-M with the DSP extension: softmax/integers.hpp. Layer 5a.

#include "qnnx/kernel/softmax/integers.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::softmax, isa::armv7em_dsp> : integer_softmax {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
