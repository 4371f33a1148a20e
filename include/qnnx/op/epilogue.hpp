// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a kernel does to each result before it stores it: activation, residual add, table. Part of every node and of
// the kernel contract, so that fusion needs no special ops. Fusing never changes a bit: with a residual the
// accumulator is first rounded to the encoding the unfused tensor had (`mid_*`). Layer 4.

#include <cstdint>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

enum class activation : std::uint8_t { none, relu, clamp };

struct epilogue {
  activation act = activation::none;  // applied last (before the table)
  float lo = 0;                       // clamp: real bounds
  float hi = 0;
  std::int8_t residual = -1;          // index of the node input that is added, -1: none
  activation mid_act = activation::none;  // applied before the add
  float mid_lo = 0;
  float mid_hi = 0;
  float mid_scale = 0;                // encoding of the value before the add (quantized nodes)
  std::int32_t mid_offset = 0;
  std::int8_t table = -1;             // index of the node input that holds a 256-entry table, -1: none

  constexpr bool plain() const { return act == activation::none && residual < 0 && table < 0; }
  friend constexpr bool operator==(const epilogue&, const epilogue&) = default;
};

}  // namespace qnnx::inline QNNX_ABI
