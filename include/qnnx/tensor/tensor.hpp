// SPDX-License-Identifier: Apache-2.0
#pragma once
// A tensor as a type: datatype, extents, encoding class. What `model<net>::tensor<"conv0">` names, and a buffer that
// only fits where the graph expects it. Layer 3.

#include <array>
#include <cstddef>

#include "qnnx/quant/encoding.hpp"
#include "qnnx/tensor/desc.hpp"

namespace qnnx::inline QNNX_ABI {

/// Encoding classes of a tensor type. Scales are values, not types.
template <schema S> struct per_tensor { static constexpr schema value = S; };
template <int Axis> struct per_axis { static constexpr int axis = Axis; };
template <int Axis, int Block> struct per_block { static constexpr int axis = Axis; static constexpr int block = Block; };
struct unquantized {};

template <class T, class Extents, class Encoding = unquantized>
struct tensor {
  using datatype = T;
  using extents_type = Extents;
  using encoding_type = Encoding;
  using storage = typename T::storage;
  static_assert(Extents::is_static, "qnnx: a tensor buffer has constant extents; use view for dynamic ones");
  static constexpr std::int64_t element_count = Extents{}.size();
  /// Elements of `data`; packed 4-bit types keep two values in one element.
  static constexpr std::size_t length =
      static_cast<std::size_t>(is_packed_v<T> ? (element_count + 1) / 2 : element_count);

  alignas(16) std::array<storage, length> data{};

  static constexpr std::size_t byte_count() { return sizeof(storage) * length; }
  constexpr storage& operator[](std::size_t i) { return data[i]; }
  constexpr const storage& operator[](std::size_t i) const { return data[i]; }
};


}  // namespace qnnx::inline QNNX_ABI
