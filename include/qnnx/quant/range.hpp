// SPDX-License-Identifier: Apache-2.0
#pragma once
// From a real range to an encoding, for the four schemas and any bit width:
//   widen      min = min(min, 0), max = max(max, 0), max = max(max, min + 1e-4)
//   asymmetric scale = (max - min) / (2^bits - 1), offset = round(min / scale), clamped; a signed grid is the same
//              with offset + 2^(bits-1)
//   symmetric  scale = max(|min|, |max|) / (2^(bits-1) - 1), offset 0 (signed) or -2^(bits-1) (unsigned)
// and real = (q + offset) * scale. Source: the quantization page of the QNN SDK. The scale is stored as float32 and
// values are divided by that float32, so that what is stored is what was used. Layer 2, no heap.

#include <cstdint>

#include "qnnx/numeric/rounding.hpp"
#include "qnnx/quant/encoding.hpp"

namespace qnnx::inline QNNX_ABI {

struct real_range {
  double lo = 0;
  double hi = 0;
  friend constexpr bool operator==(const real_range&, const real_range&) = default;
};

/// Least distance between the ends of a range that is encoded.
inline constexpr double least_range = 1e-4;

/// The smallest range that holds both.
constexpr real_range hull(real_range a, real_range b) {
  return {a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

/// The range that is encoded: with 0 inside and at least least_range wide. NaN and infinite ends count as 0.
constexpr real_range widen(real_range r) {
  const auto finite = [](double x) { return x - x == 0 ? x : 0.0; };
  r = hull({finite(r.lo), finite(r.hi)}, {0, 0});
  if (r.hi < r.lo + least_range) r.hi = r.lo + least_range;
  return r;
}

constexpr bool is_symmetric(schema s) { return s == schema::signed_symmetric || s == schema::unsigned_symmetric; }
constexpr bool is_signed(schema s) { return s == schema::signed_symmetric || s == schema::signed_asymmetric; }

/// Smallest and largest stored value of a schema.
constexpr std::int64_t grid_min(schema s, int bits) { return is_signed(s) ? -(std::int64_t{1} << (bits - 1)) : 0; }
constexpr std::int64_t grid_max(schema s, int bits) {
  return (std::int64_t{1} << (is_signed(s) ? bits - 1 : bits)) - 1;
}

/// Scale and offset, the stored values in use, and what those reach.
struct grid {
  float scale = 0;
  std::int32_t offset = 0;
  std::int64_t q_min = 0;
  std::int64_t q_max = 0;

  constexpr double lo() const { return static_cast<double>(q_min + offset) * static_cast<double>(scale); }
  constexpr double hi() const { return static_cast<double>(q_max + offset) * static_cast<double>(scale); }
  friend constexpr bool operator==(const grid&, const grid&) = default;
};

/// The encoding of a range. Asymmetric schemas: bits <= 31.
constexpr grid encode_range(real_range r, schema s, int bits) {
  r = widen(r);
  grid g;
  g.q_min = grid_min(s, bits);
  g.q_max = grid_max(s, bits);
  const std::int64_t half = std::int64_t{1} << (bits - 1);
  if (is_symmetric(s)) {
    const double most = -r.lo > r.hi ? -r.lo : r.hi;
    g.scale = static_cast<float>(most / static_cast<double>(half - 1));
    g.offset = s == schema::signed_symmetric ? 0 : static_cast<std::int32_t>(-half);
    return g;
  }
  const auto steps = static_cast<double>(2 * half - 1);
  g.scale = static_cast<float>((r.hi - r.lo) / steps);
  std::int64_t offset = round_rne(r.lo * steps / (r.hi - r.lo));
  if (offset < -(2 * half - 1)) offset = -(2 * half - 1);
  if (offset > 0) offset = 0;
  if (s == schema::signed_asymmetric) offset += half;
  g.offset = static_cast<std::int32_t>(offset);
  return g;
}

/// A symmetric encoding with a chosen span of stored values (restrict_quantization_steps): scale = (max - min) / steps.
constexpr grid encode_steps(real_range r, schema s, int bits, std::int64_t q_min, std::int64_t q_max) {
  r = widen(r);
  const double most = -r.lo > r.hi ? -r.lo : r.hi;
  grid g;
  g.scale = static_cast<float>(2 * most / static_cast<double>(q_max - q_min));
  g.offset = s == schema::signed_symmetric ? 0 : static_cast<std::int32_t>(-(std::int64_t{1} << (bits - 1)));
  g.q_min = q_min - (is_signed(s) ? 0 : g.offset);
  g.q_max = q_max - (is_signed(s) ? 0 : g.offset);
  return g;
}

/// The stored value of x: clamp(round(x / scale) - offset), ties to even.
constexpr std::int64_t quantize_value(double x, const grid& g) {
  const std::int64_t q = round_rne(x / static_cast<double>(g.scale)) - g.offset;
  return q < g.q_min ? g.q_min : (q > g.q_max ? g.q_max : q);
}
constexpr double dequantize_value(std::int64_t q, const grid& g) {
  return static_cast<double>(q + g.offset) * static_cast<double>(g.scale);
}
/// What x becomes after it was stored and read back.
constexpr double round_trip(double x, const grid& g) { return dequantize_value(quantize_value(x, g), g); }

}  // namespace qnnx::inline QNNX_ABI
