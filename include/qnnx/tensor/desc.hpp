// SPDX-License-Identifier: Apache-2.0
#pragma once
// Description of one tensor in a graph value: name, role, datatype, shape, encoding. No data. Layer 3.

#include <cstdint>
#include <string_view>

#include "qnnx/quant/encoding.hpp"
#include "qnnx/tensor/dtype.hpp"
#include "qnnx/tensor/shape.hpp"

namespace qnnx::inline QNNX_ABI {

/// Qnn_TensorType_t.
enum class tensor_kind : std::uint8_t {
  app_write = 0,      // graph input
  app_read = 1,       // graph output
  app_readwrite = 2,  // state, kept over inferences
  native = 3,         // between nodes
  constant = 4,       // STATIC: weights
  null = 5,           // an optional input that is left out
};

struct tensor_desc {
  std::string_view name;
  tensor_kind kind = tensor_kind::native;
  dtype type = dtype::float_32;
  shape dims{};
  encoding enc{};
};

/// Bytes of the stored tensor. Packed 4-bit: two values to a byte; with a per-axis encoding each channel's values
/// are contiguous and begin on a byte (27 values take 14 bytes).
constexpr std::int64_t byte_size(const tensor_desc& t) {
  const int bits = bits_of(t.type);
  if (bits >= 8) return t.dims.size() * (bits / 8);
  if (t.enc.per_axis() && t.enc.axis >= 0 && t.enc.axis < t.dims.rank()) {
    const std::int64_t channels = t.dims[t.enc.axis];
    const std::int64_t per_channel = channels ? t.dims.size() / channels : 0;
    return channels * ((per_channel * bits + 7) / 8);
  }
  return (t.dims.size() * bits + 7) / 8;
}

/// Which of the four schemas a fixed-point tensor uses, read off its datatype and offset.
constexpr schema schema_of(const tensor_desc& t) {
  const int bits = t.enc.bits ? t.enc.bits : bits_of(t.type);
  if (is_signed_fixed(t.type)) return t.enc.offset == 0 ? schema::signed_symmetric : schema::signed_asymmetric;
  const bool middle = bits < 32 && t.enc.offset == -(std::int32_t{1} << (bits - 1));
  return middle && !t.enc.per_axis() ? schema::unsigned_symmetric : schema::unsigned_asymmetric;
}

}  // namespace qnnx::inline QNNX_ABI
