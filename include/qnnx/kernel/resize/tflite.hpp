// SPDX-License-Identifier: Apache-2.0
#pragma once
// TFLite's reference resizing, for models that were quantized for it: coordinates in float32, or in 10-bit fixed point
// for signed data. Needs equal encodings of input and output. Layer 5a.
//   signed   scale = round(1024 * in / out); weights in 1/1024; the sum of four / 2^20 rounded half away from zero
//   float    the four products in float32; unsigned data: + 0.5, cut off
// Source: tensorflow/lite/kernels/internal/reference/resize_bilinear.h, resize_nearest_neighbor.h.

#include <cmath>

#include "qnnx/kernel/epilogue.hpp"
#include "qnnx/op/resize.hpp"

namespace qnnx::inline QNNX_ABI::kernel::tflite_resize {

struct neighbours {
  std::int32_t low = 0;
  std::int32_t high = 0;
  std::int32_t fixed = 0;  // position minus low, in 1/1024
  float real = 0;          // position minus low
};

constexpr std::int32_t fixed_scale(std::int32_t in, std::int32_t out, bool corners) {
  if (corners && out > 1) return ((1 << 10) * (in - 1) + (out - 1) / 2) / (out - 1);
  return ((1 << 10) * in + out / 2) / out;
}
inline float real_scale(std::int32_t in, std::int32_t out, bool corners) {
  if (corners && out > 1) return static_cast<float>(in - 1) / static_cast<float>(out - 1);
  return static_cast<float>(in) / static_cast<float>(out);
}
constexpr neighbours fixed_neighbours(std::int32_t i, std::int32_t scale, bool half, std::int32_t size) {
  neighbours n;
  const std::int32_t at = half ? i * scale + scale / 2 - (1 << 9) : i * scale;
  n.low = at / (1 << 10) > 0 ? at / (1 << 10) : 0;
  n.high = (at + (1 << 10) - 1) / (1 << 10) < size - 1 ? (at + (1 << 10) - 1) / (1 << 10) : size - 1;
  n.fixed = at - (1 << 10) * n.low;
  return n;
}
inline neighbours real_neighbours(std::int32_t i, float scale, bool half, std::int32_t size) {
  neighbours n;
  const float at = half ? (static_cast<float>(i) + 0.5f) * scale - 0.5f : static_cast<float>(i) * scale;
  const auto floor = static_cast<std::int32_t>(std::floor(at));
  const auto ceil = static_cast<std::int32_t>(std::ceil(at));
  n.low = floor > 0 ? floor : 0;
  n.high = ceil < size - 1 ? ceil : size - 1;
  n.real = at - static_cast<float>(n.low);
  return n;
}

template <class Call, class X, class Y>
void bilinear(const X& x, const Y& y, const typename Call::op::params& p, const finish<Call>& done, part piece) {
  using T = typename Call::out_type;
  constexpr bool fixed = is_signed_fixed(T::code);
  const std::int32_t height = x.extent(1), width = x.extent(2), depth = x.extent(3);
  const float scale_h = real_scale(height, y.extent(1), p.align_corners),
              scale_w = real_scale(width, y.extent(2), p.align_corners);
  const std::int32_t step_h = fixed_scale(height, y.extent(1), p.align_corners),
                     step_w = fixed_scale(width, y.extent(2), p.align_corners);
  const slice lines = slice_of(piece, std::int64_t{y.extent(0)} * y.extent(1));
  std::int64_t index = lines.from * y.extent(2) * depth;
  for (std::int32_t n = 0; n < y.extent(0); ++n)
    for (std::int32_t oh = 0; oh < y.extent(1); ++oh) {
      if (!lines.holds(std::int64_t{n} * y.extent(1) + oh)) continue;
      const neighbours v = fixed ? fixed_neighbours(oh, step_h, p.half_pixel_centers, height)
                                 : real_neighbours(oh, scale_h, p.half_pixel_centers, height);
      for (std::int32_t ow = 0; ow < y.extent(2); ++ow) {
        const neighbours h = fixed ? fixed_neighbours(ow, step_w, p.half_pixel_centers, width)
                                   : real_neighbours(ow, scale_w, p.half_pixel_centers, width);
        const auto at = [&](std::int32_t row, std::int32_t column) {
          return ((static_cast<std::int64_t>(n) * height + row) * width + column) * depth;
        };
        const std::int64_t a = at(v.low, h.low), b = at(v.high, h.low), c = at(v.low, h.high), d = at(v.high, h.high);
        for (std::int32_t k = 0; k < depth; ++k, ++index) {
          if constexpr (fixed) {
            const auto product = [&](std::int64_t from, std::int32_t wv, std::int32_t wh) {
              return static_cast<std::int64_t>(x.load(from + k)) * wv * wh;
            };
            const std::int64_t sum = product(a, 1024 - v.fixed, 1024 - h.fixed) + product(b, v.fixed, 1024 - h.fixed) +
                                     product(c, 1024 - v.fixed, h.fixed) + product(d, v.fixed, h.fixed);
            y.store(index, static_cast<std::int32_t>((sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20)));
          } else {
            const auto value = [&](std::int64_t from) { return static_cast<float>(x.load(from + k)); };
            const float sum = value(a) * (1 - v.real) * (1 - h.real) + value(b) * v.real * (1 - h.real) +
                              value(c) * (1 - v.real) * h.real + value(d) * v.real * h.real;
            if constexpr (is_fixed_v<T>)
              y.store(index, static_cast<std::int32_t>(sum + 0.5f));
            else
              done.store(index, 0, sum);
          }
        }
      }
    }
}

inline std::int32_t nearest(std::int32_t i, std::int32_t in, std::int32_t out, bool corners, bool half) {
  const float at = (static_cast<float>(i) + (half ? 0.5f : 0.0f)) * real_scale(in, out, corners);
  const auto whole = static_cast<std::int32_t>(corners ? std::round(at) : std::floor(at));
  return whole < in - 1 ? whole : in - 1;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::tflite_resize
