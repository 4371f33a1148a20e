// SPDX-License-Identifier: Apache-2.0
#pragma once
// Between float32 files and a tensor's own storage: q = clamp(round_half_even(x / scale) - offset), real = (q + offset)
// * scale; floats are rounded once, integers to nearest even and saturated, bool is x != 0. The division and the
// product are in double, so that one result exists. Layer 7.

#include <span>
#include <vector>

#include "qnnx/ir/graph.hpp"
#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI {

/// Stores dims.size() reals in the form of byte_size(t) bytes.
void store_reals(const tensor_desc& t, const quant& q, std::span<const float> reals, std::span<std::byte> out);
std::vector<float> load_reals(const tensor_desc& t, const quant& q, std::span<const std::byte> bytes);

}  // namespace qnnx::inline QNNX_ABI
