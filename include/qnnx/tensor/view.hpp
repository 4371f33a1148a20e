// SPDX-License-Identifier: Apache-2.0
#pragma once
// A tensor as a kernel sees it: typed pointer, extents (static or not), encoding. Layer 3.
// load(i)/store(i) work on the flat row-major index; fixed point and integers as int32 (int64 type as int64),
// floats as float; packed 4-bit honours the channel-contiguous storage of per-axis encodings.

#include "qnnx/numeric/saturate.hpp"
#include "qnnx/quant/encoding.hpp"
#include "qnnx/tensor/dtype.hpp"
#include "qnnx/tensor/shape.hpp"

namespace qnnx::inline QNNX_ABI {

template <class T, class Extents, bool Const = true>
struct view {
  using type = T;
  using storage = std::conditional_t<Const, const typename T::storage, typename T::storage>;

  storage* data = nullptr;
  Extents ext{};
  const quant* q = nullptr;

  constexpr bool present() const { return data != nullptr; }
  constexpr int rank() const { return ext.rank(); }
  constexpr std::int32_t extent(int i) const { return ext.extent(i); }
  constexpr std::int64_t size() const { return ext.size(); }
  constexpr float scale() const { return q->scale; }
  constexpr std::int32_t offset() const { return q->offset; }
  constexpr std::int32_t zero() const { return -q->offset; }

  constexpr auto load(std::int64_t i) const {
    if constexpr (is_packed_v<T>) {
      std::int64_t position = i;
      if (q->scales && q->axis >= 0 && !q->block) {  // element (outer, channel, inner) sits in its channel's row
        const std::int64_t inner = ext.product(q->axis + 1, ext.rank());
        const std::int64_t channels = ext.extent(q->axis);
        const std::int64_t row = (ext.product(0, q->axis) * inner + 1) / 2;  // bytes per channel
        const std::int64_t channel = i / inner % channels;
        position = channel * row * 2 + i / (inner * channels) * inner + i % inner;
      }
      if constexpr (is_signed_fixed(T::code)) return load_s4(data, static_cast<std::size_t>(position));
      else return load_u4(data, static_cast<std::size_t>(position));
    } else if constexpr (is_float_v<T>) {
      return static_cast<float>(data[i]);
    } else if constexpr (sizeof(storage) == 8) {
      return static_cast<std::int64_t>(data[i]);
    } else if constexpr (T::code == dtype::uint_32) {
      return static_cast<std::int64_t>(data[i]);
    } else {
      return static_cast<std::int32_t>(data[i]);
    }
  }
  /// Stores a float (rounded once) or an integer already inside the type's range.
  template <class V>
  constexpr void store(std::int64_t i, V value) const {
    if constexpr (is_packed_v<T>) store_4(data, static_cast<std::size_t>(i), static_cast<std::int32_t>(value));
    else data[i] = static_cast<typename T::storage>(value);
  }
  /// Real value of element `i` of a per-tensor encoded or unquantized tensor, in double (exact for <= 32 bits).
  constexpr double real(std::int64_t i) const {
    if constexpr (is_fixed_v<T>) {
      return (static_cast<double>(load(i)) + static_cast<double>(q->offset)) * static_cast<double>(q->scale);
    } else {
      return static_cast<double>(load(i));
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI
