// SPDX-License-Identifier: Apache-2.0
#pragma once
// Instruction sets as tags. A kernel that is missing for a tag falls to the tag's parent, and at last to
// `reference`, which has every kernel. Layer 5a.

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI::isa {

struct reference {};
struct avx2 { using parent = reference; };
struct avxvnni { using parent = avx2; };
struct avx512vnni { using parent = avx2; };
struct amx { using parent = avx512vnni; };
struct neon { using parent = reference; };
struct neon_dot { using parent = neon; };
struct i8mm { using parent = neon_dot; };
struct armv7em_dsp_general { using parent = reference; };          // nodes that the special kernels do not take
struct armv7em_dsp_mixed { using parent = armv7em_dsp_general; };  // 16-bit data, 4-bit weights
struct armv7em_dsp { using parent = armv7em_dsp_mixed; };
struct mve_mixed { using parent = armv7em_dsp; };
struct mve { using parent = mve_mixed; };
struct hvx { using parent = reference; };
struct scalar_general { using parent = reference; };
struct scalar { using parent = scalar_general; };  // kernel/scalar: one source for the processors below
struct armv6m { using parent = scalar; };
struct armv7m { using parent = scalar; };
struct rv32 { using parent = scalar; };
struct rv64 { using parent = scalar; };
struct wasm { using parent = scalar; };

/// What this translation unit is compiled for.
using best = QNNX_ISA_BEST;

}  // namespace qnnx::inline QNNX_ABI::isa
