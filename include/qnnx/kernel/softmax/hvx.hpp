// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax on Hexagon, in scalar integers: softmax/integers.hpp, softmax/halves.hpp. Layer 5a.

#include "qnnx/kernel/hexagon/by_width.hpp"
#include "qnnx/kernel/softmax/halves.hpp"
#include "qnnx/kernel/softmax/integers.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::softmax, isa::hvx> : by_width<op::softmax, integer_softmax, dsp::softmax_of_halves> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
