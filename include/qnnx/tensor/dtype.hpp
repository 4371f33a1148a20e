// SPDX-License-Identifier: Apache-2.0
#pragma once
// Element datatypes: a tag type each (what a graph is typed with), the QNN enum number, and the storage type.
// Layer 3.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "qnnx/numeric/half.hpp"

namespace qnnx::inline QNNX_ABI {

/// Qnn_DataType_t: the low byte is the bit count, written as decimal digits in hexadecimal.
enum class dtype : std::uint16_t {
  int_8 = 0x0008, int_16 = 0x0016, int_32 = 0x0032, int_64 = 0x0064,
  uint_8 = 0x0108, uint_16 = 0x0116, uint_32 = 0x0132, uint_64 = 0x0164,
  float_16 = 0x0216, float_32 = 0x0232, float_64 = 0x0264,
  sfixed_4 = 0x0304, sfixed_8 = 0x0308, sfixed_16 = 0x0316, sfixed_32 = 0x0332,
  ufixed_4 = 0x0404, ufixed_8 = 0x0408, ufixed_16 = 0x0416, ufixed_32 = 0x0432,
  bool_8 = 0x0508,
  undefined = 0x7fff,
};

constexpr int bits_of(dtype t) {
  const int low = static_cast<int>(t) & 0xff;
  return (low >> 4) * 10 + (low & 0xf);
}
constexpr bool is_fixed(dtype t) {
  const int kind = static_cast<int>(t) >> 8;
  return kind == 3 || kind == 4;
}
constexpr bool is_float(dtype t) { return (static_cast<int>(t) >> 8) == 2; }
constexpr bool is_signed_fixed(dtype t) { return (static_cast<int>(t) >> 8) == 3; }

/// Smallest and largest stored value of a fixed-point or integer type of at most 32 bits.
constexpr std::int64_t min_value(dtype t) {
  const int kind = static_cast<int>(t) >> 8;
  return kind == 3 || kind == 0 ? -(std::int64_t{1} << (bits_of(t) - 1)) : 0;
}
constexpr std::int64_t max_value(dtype t) {
  const int kind = static_cast<int>(t) >> 8;
  return (std::int64_t{1} << (kind == 3 || kind == 0 ? bits_of(t) - 1 : bits_of(t))) - 1;
}

/// Fixed point with an encoding: real = (q + offset) * scale.
template <int Bits> struct ufixed;
template <int Bits> struct sfixed;
/// Plain integers without an encoding.
template <int Bits> struct uint_;
template <int Bits> struct sint_;
struct float16;
struct float32;
struct boolean;

template <class Storage, dtype Code>
struct datatype {
  using storage = Storage;
  static constexpr dtype code = Code;
};
template <> struct ufixed<4> : datatype<std::uint8_t, dtype::ufixed_4> {};   // packed two to a byte
template <> struct ufixed<8> : datatype<std::uint8_t, dtype::ufixed_8> {};
template <> struct ufixed<16> : datatype<std::uint16_t, dtype::ufixed_16> {};
template <> struct sfixed<4> : datatype<std::uint8_t, dtype::sfixed_4> {};   // packed two to a byte
template <> struct sfixed<8> : datatype<std::int8_t, dtype::sfixed_8> {};
template <> struct sfixed<16> : datatype<std::int16_t, dtype::sfixed_16> {};
template <> struct sfixed<32> : datatype<std::int32_t, dtype::sfixed_32> {};
template <> struct uint_<8> : datatype<std::uint8_t, dtype::uint_8> {};
template <> struct uint_<16> : datatype<std::uint16_t, dtype::uint_16> {};
template <> struct uint_<32> : datatype<std::uint32_t, dtype::uint_32> {};
template <> struct sint_<8> : datatype<std::int8_t, dtype::int_8> {};
template <> struct sint_<16> : datatype<std::int16_t, dtype::int_16> {};
template <> struct sint_<32> : datatype<std::int32_t, dtype::int_32> {};
template <> struct sint_<64> : datatype<std::int64_t, dtype::int_64> {};
struct float16 : datatype<half, dtype::float_16> {};
struct float32 : datatype<float, dtype::float_32> {};
struct boolean : datatype<std::uint8_t, dtype::bool_8> {};

/// Short names for signatures: `u8(u8, s8, s32)` is an op that maps u8 data and s8 weights to u8.
namespace types {
using f32 = float32;
using f16 = float16;
using u4 = ufixed<4>;
using s4 = sfixed<4>;
using u8 = ufixed<8>;
using s8 = sfixed<8>;
using u16 = ufixed<16>;
using s16 = sfixed<16>;
using s32 = sfixed<32>;
using i8 = sint_<8>;
using i16 = sint_<16>;
using i32 = sint_<32>;
using i64 = sint_<64>;
using n8 = uint_<8>;
using n16 = uint_<16>;
using n32 = uint_<32>;
using b8 = boolean;
}  // namespace types

template <dtype Code> struct datatype_of;
#define QNNX_DATATYPE(T) template <> struct datatype_of<T::code> { using type = T; };
QNNX_DATATYPE(ufixed<4>) QNNX_DATATYPE(ufixed<8>) QNNX_DATATYPE(ufixed<16>)
QNNX_DATATYPE(sfixed<4>) QNNX_DATATYPE(sfixed<8>) QNNX_DATATYPE(sfixed<16>) QNNX_DATATYPE(sfixed<32>)
QNNX_DATATYPE(uint_<8>) QNNX_DATATYPE(uint_<16>) QNNX_DATATYPE(uint_<32>)
QNNX_DATATYPE(sint_<8>) QNNX_DATATYPE(sint_<16>) QNNX_DATATYPE(sint_<32>) QNNX_DATATYPE(sint_<64>)
QNNX_DATATYPE(float16) QNNX_DATATYPE(float32) QNNX_DATATYPE(boolean)
#undef QNNX_DATATYPE

template <class T> inline constexpr bool is_fixed_v = is_fixed(T::code);
template <class T> inline constexpr bool is_float_v = is_float(T::code);
template <class T> inline constexpr bool is_packed_v = bits_of(T::code) == 4;

constexpr std::string_view to_string(dtype t) {
  switch (t) {
    case dtype::int_8: return "int8";
    case dtype::int_16: return "int16";
    case dtype::int_32: return "int32";
    case dtype::int_64: return "int64";
    case dtype::uint_8: return "uint8";
    case dtype::uint_16: return "uint16";
    case dtype::uint_32: return "uint32";
    case dtype::uint_64: return "uint64";
    case dtype::float_16: return "float16";
    case dtype::float_32: return "float32";
    case dtype::float_64: return "float64";
    case dtype::sfixed_4: return "sfixed4";
    case dtype::sfixed_8: return "sfixed8";
    case dtype::sfixed_16: return "sfixed16";
    case dtype::sfixed_32: return "sfixed32";
    case dtype::ufixed_4: return "ufixed4";
    case dtype::ufixed_8: return "ufixed8";
    case dtype::ufixed_16: return "ufixed16";
    case dtype::ufixed_32: return "ufixed32";
    case dtype::bool_8: return "bool8";
    case dtype::undefined: return "undefined";
  }
  return "?";
}

}  // namespace qnnx::inline QNNX_ABI
