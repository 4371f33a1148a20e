// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/real_values.hpp"

#include <cstring>
#include <string>

#include "qnnx/numeric/rounding.hpp"
#include "qnnx/tensor/view.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

template <class F>
void with_type(dtype t, F&& f) {
  switch (t) {
    case dtype::int_8: return f(types::i8{});
    case dtype::int_16: return f(types::i16{});
    case dtype::int_32: return f(types::i32{});
    case dtype::int_64: return f(types::i64{});
    case dtype::uint_8: return f(types::n8{});
    case dtype::uint_16: return f(types::n16{});
    case dtype::uint_32: return f(types::n32{});
    case dtype::float_16: return f(types::f16{});
    case dtype::float_32: return f(types::f32{});
    case dtype::sfixed_4: return f(types::s4{});
    case dtype::sfixed_8: return f(types::s8{});
    case dtype::sfixed_16: return f(types::s16{});
    case dtype::sfixed_32: return f(types::s32{});
    case dtype::ufixed_4: return f(types::u4{});
    case dtype::ufixed_8: return f(types::u8{});
    case dtype::ufixed_16: return f(types::u16{});
    case dtype::bool_8: return f(types::b8{});
    case dtype::uint_64:
    case dtype::float_64:
    case dtype::ufixed_32:
    case dtype::undefined: break;
  }
  throw error("a tensor of type " + std::string(to_string(t)) + " cannot be read or written as float32");
}

/// Channel of flat element i along the axis of a per-axis encoding.
std::int64_t channel_of(const shape& s, const quant& q, std::int64_t i) {
  if (!q.scales || q.axis < 0) return 0;
  return i / s.product(q.axis + 1, s.rank()) % s[q.axis];
}

}  // namespace

void store_reals(const tensor_desc& t, const quant& q, std::span<const float> reals, std::span<std::byte> out) {
  with_type(t.type, [&](auto tag) {
    using T = decltype(tag);
    using storage = typename T::storage;
    const view<T, shape, false> v{reinterpret_cast<storage*>(out.data()), t.dims, &q};
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(reals.size()); ++i) {
      const float x = reals[static_cast<std::size_t>(i)];
      if constexpr (is_fixed_v<T>) {
        const std::int64_t c = channel_of(t.dims, q, i);
        const std::int64_t n = round_rne(static_cast<double>(x) / static_cast<double>(q.scale_at(c))) ;
        const std::int64_t limit = std::int64_t{1} << 40;  // far outside every type: the offset cannot overflow
        v.store(i, clamp<std::int64_t>(clamp<std::int64_t>(n, -limit, limit) - q.offset_at(c), min_value(T::code), max_value(T::code)));
      } else if constexpr (is_float_v<T>) {
        v.store(i, x);
      } else if constexpr (T::code == dtype::bool_8) {
        v.store(i, static_cast<std::int32_t>(x != 0.0f));
      } else if constexpr (bits_of(T::code) == 64) {
        v.store(i, round_rne(static_cast<double>(x)));
      } else {
        v.store(i, clamp<std::int64_t>(round_rne(static_cast<double>(x)), min_value(T::code), max_value(T::code)));
      }
    }
  });
}

std::vector<float> load_reals(const tensor_desc& t, const quant& q, std::span<const std::byte> bytes) {
  std::vector<float> reals(static_cast<std::size_t>(t.dims.size()));
  with_type(t.type, [&](auto tag) {
    using T = decltype(tag);
    using storage = typename T::storage;
    const view<T, shape> v{reinterpret_cast<const storage*>(bytes.data()), t.dims, &q};
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(reals.size()); ++i) {
      float& x = reals[static_cast<std::size_t>(i)];
      if constexpr (is_fixed_v<T>) {
        const std::int64_t c = channel_of(t.dims, q, i);
        x = static_cast<float>((static_cast<double>(v.load(i)) + static_cast<double>(q.offset_at(c))) * static_cast<double>(q.scale_at(c)));
      } else {
        x = static_cast<float>(v.load(i));
      }
    }
  });
  return reals;
}

}  // namespace qnnx::inline QNNX_ABI
