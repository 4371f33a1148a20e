// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax of 8 bits on Hexagon, in scalar code: softmax/integers.hpp. Layer 5a.

#include "qnnx/kernel/softmax/integers.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::softmax, isa::hvx> : integer_softmax {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
