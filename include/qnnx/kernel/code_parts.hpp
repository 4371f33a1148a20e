// SPDX-License-Identifier: Apache-2.0
#pragma once
// Parts of kernels that a firmware archive leaves out where no node of the model needs them. A kernel says with
//   code_parts(facts, params, packed)
// which parts a node needs; its run() asks needs<part> before it goes there. Layer 5a.

#include "qnnx/kernel/contract.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

enum class code_part : unsigned {
  whole_groups = 1u << 3,     // fully connected: channels and depth are multiples of four
  rest_of_groups = 1u << 4,   // fully connected: others
  windows = 1u << 5,          // convolution: windows of several pixels
  single_pixels = 1u << 6,    // convolution: 1x1 windows
  column_stride_1 = 1u << 7,  // depthwise
  column_stride_2 = 1u << 8,
  mean = 1u << 9,             // average pool of one encoding
  scaled_mean = 1u << 10,     // average pool from one encoding to another
  full_windows = 1u << 17,    // average pool: none is cut by padding
  cut_windows = 1u << 18,
  channel_blocks = 1u << 19,  // average pool: several channels at once
  single_channels = 1u << 20,
  whole_range = 1u << 11,     // outputs of element-wise kernels and pools that no activation bounds
  bounded = 1u << 12,         // others
  kept = 1u << 13,            // values that keep their encoding
  scaled = 1u << 14,          // others
  one_shape = 1u << 15,       // element-wise operands of one shape
  repeated = 1u << 16,        // one of them repeated
  ties = 1u << 21,            // Hexagon: rne with multipliers that make ties
  row_vectors = 1u << 22,     // Hexagon: Softmax of rows that are worth vectors
  multiplied = 1u << 23,      // Hexagon: depthwise with a channel multiplier
};
constexpr unsigned bit(code_part p) { return static_cast<unsigned>(p); }

template <code_part P>
inline constexpr bool needs = (config::packed_forms & bit(P)) != 0;

/// The parts that a node needs; none of those above where its kernel does not say.
template <class K, class Params>
constexpr unsigned code_parts(const node_facts& f, const Params& p, const std::byte* packed) {
  if constexpr (requires { K::code_parts(f, p, packed); }) return K::code_parts(f, p, packed);
  else return (void)f, (void)p, (void)packed, 0u;
}

}  // namespace qnnx::inline QNNX_ABI::kernel
