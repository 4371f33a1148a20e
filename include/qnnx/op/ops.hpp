// SPDX-License-Identifier: Apache-2.0
#pragma once
// Every op of the set and the map from id to type. Layer 4.

#include "qnnx/op/activations.hpp"
#include "qnnx/op/concat.hpp"
#include "qnnx/op/conv2d.hpp"
#include "qnnx/op/convert.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"
#include "qnnx/op/elementwise_binary.hpp"
#include "qnnx/op/elementwise_unary.hpp"
#include "qnnx/op/float_class.hpp"
#include "qnnx/op/fully_connected.hpp"
#include "qnnx/op/gather.hpp"
#include "qnnx/op/indexing.hpp"
#include "qnnx/op/lookup.hpp"
#include "qnnx/op/matmul.hpp"
#include "qnnx/op/normalization.hpp"
#include "qnnx/op/pad.hpp"
#include "qnnx/op/pool.hpp"
#include "qnnx/op/reduce.hpp"
#include "qnnx/op/reshape.hpp"
#include "qnnx/op/resize.hpp"
#include "qnnx/op/scatter.hpp"
#include "qnnx/op/select.hpp"
#include "qnnx/op/slice.hpp"
#include "qnnx/op/softmax.hpp"
#include "qnnx/op/space.hpp"
#include "qnnx/op/split.hpp"
#include "qnnx/op/tile.hpp"
#include "qnnx/op/transpose.hpp"
#include "qnnx/op/transpose_conv2d.hpp"

namespace qnnx::inline QNNX_ABI {

#define QNNX_OP(TYPE, HEADER, FAMILY) \
  template <>                         \
  struct op_of<op_id(op::TYPE::name)> { using type = op::TYPE; };
#include "qnnx/op/ops.inc"
#undef QNNX_OP

/// The op with this QNN type name, or null.
constexpr const op_info* find_op(std::string_view name) {
#define QNNX_OP(TYPE, HEADER, FAMILY) \
  if (name == op::TYPE::name) return &info<op::TYPE>;
#include "qnnx/op/ops.inc"
#undef QNNX_OP
  return nullptr;
}

}  // namespace qnnx::inline QNNX_ABI
