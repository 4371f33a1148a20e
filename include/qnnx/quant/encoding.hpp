// SPDX-License-Identifier: Apache-2.0
#pragma once
// Quantization encodings: real = (q + offset) * scale, offset = -zero_point. Layer 2.
// `encoding` describes (in a graph value); `quant` is what a kernel reads.

#include <cstdint>
#include <string_view>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

/// Qnn_QuantizationEncoding_t; `none` where the definition is UNDEFINED.
enum class encoding_kind : std::uint8_t {
  scale_offset = 0,          // one scale and offset for the tensor
  axis_scale_offset = 1,     // one per index of `axis`
  bw_scale_offset = 2,       // as 0, values use only `bits` bits of the storage (4 in 8)
  bw_axis_scale_offset = 3,  // as 1 with `bits`
  block = 4,                 // one per block of block_size[] elements
  blockwise_expansion = 5,   // integer block scales times one float scale per axis item
  none = 255,
};

/// Which corner of the quantization table an encoding belongs to. `unsigned_symmetric` is the SDK's: the zero
/// point sits in the middle of the unsigned range.
enum class schema : std::uint8_t { unsigned_asymmetric, signed_asymmetric, signed_symmetric, unsigned_symmetric };

constexpr std::string_view to_string(schema s) {
  switch (s) {
    case schema::unsigned_asymmetric: return "unsigned_asymmetric";
    case schema::signed_asymmetric: return "signed_asymmetric";
    case schema::signed_symmetric: return "signed_symmetric";
    case schema::unsigned_symmetric: return "unsigned_symmetric";
  }
  return "?";
}

struct encoding {
  encoding_kind kind = encoding_kind::none;
  std::uint8_t bits = 0;      // effective width; 0 = width of the datatype
  std::int8_t axis = -1;      // axis kinds, block (the axis that blocks run along)
  std::int32_t block = 0;     // block kind: elements per block along `axis`
  float scale = 0;            // scale_offset kinds
  std::int32_t offset = 0;
  std::uint32_t first = 0;    // axis and block kinds: entries [first, first + count) of the graph's scale pool
  std::uint32_t count = 0;

  constexpr bool defined() const { return kind != encoding_kind::none; }
  constexpr bool per_axis() const {
    return kind == encoding_kind::axis_scale_offset || kind == encoding_kind::bw_axis_scale_offset;
  }
};

/// One scale and offset for the whole tensor.
constexpr encoding scale_offset(float scale, std::int32_t offset = 0, std::uint8_t bits = 0) {
  encoding e;
  e.kind = bits ? encoding_kind::bw_scale_offset : encoding_kind::scale_offset;
  e.bits = bits;
  e.scale = scale;
  e.offset = offset;
  return e;
}
/// `count` scales along `axis`, beginning at entry `first` of the graph's pool.
constexpr encoding axis_scales(int axis, std::uint32_t first, std::uint32_t count, std::uint8_t bits = 0) {
  encoding e;
  e.kind = bits ? encoding_kind::bw_axis_scale_offset : encoding_kind::axis_scale_offset;
  e.bits = bits;
  e.axis = static_cast<std::int8_t>(axis);
  e.first = first;
  e.count = count;
  return e;
}

/// An encoding with its pool entries resolved: what kernels read.
struct quant {
  float scale = 0;
  std::int32_t offset = 0;
  const float* scales = nullptr;          // per axis or per block: count entries
  const std::int32_t* offsets = nullptr;  // the same, or null where all are 0
  std::int32_t count = 0;
  std::int16_t axis = -1;
  std::int16_t block = 0;

  friend constexpr bool operator==(const quant&, const quant&) = default;
  constexpr bool defined() const { return scale > 0 || scales != nullptr; }
  constexpr std::int32_t zero() const { return -offset; }
  constexpr float scale_at(std::int64_t channel) const { return scales ? scales[channel] : scale; }
  constexpr std::int32_t offset_at(std::int64_t channel) const {
    return scales ? (offsets ? offsets[channel] : 0) : offset;
  }
};

}  // namespace qnnx::inline QNNX_ABI
