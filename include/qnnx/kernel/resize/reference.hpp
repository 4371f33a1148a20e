// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of resizing. One walk for all: each resized axis has its taps, a pixel is the sum over their
// products, the trailing axes that keep their size are the inner loop.
//   float   sum x * (w_0 * w_1 * ..), taps in row-major order
//   fixed   q = clamp(zero + round(sum (q + offset) * W * M)), W = product of 15-bit weights, M = s_in / s_out / 2^(15
//   k) nearest the element itself; with other encodings as above. Layer 5a.

#include "qnnx/kernel/resize/coordinates.hpp"
#include "qnnx/kernel/resize/tflite.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Axes that change: their number makes the power of two of the multiplier.
template <class X, class Y>
constexpr int resized_axes(const X& x, const Y& y, int rank) {
  int n = 0;
  for (int d = 0; d < rank; ++d)
    if (x.extent(d) != y.extent(d)) ++n;
  return n;
}
constexpr double resize_factor(const node_facts& f, bool interpolates) {
  double factor = 1.0;
  const int n = interpolates ? resized_axes(f.c.dims(0), f.c.out(0).dims, f.c.dims(0).rank()) : 0;
  for (int i = 0; i < n * resize_weight_bits; ++i) factor /= 2;
  return factor;
}

/// Pieces: output pixels where the reference runs, lines of images elsewhere.
constexpr int resize_parts(const node_facts& f) {
  const shape& y = f.c.out(0).dims;
  const std::int64_t lines = y.rank() < 2 ? 1 : y.product(0, 2);
  return static_cast<int>(lines < 256 ? lines : 256);
}

/// taps(axis, output index) for every axis that changes size.
template <class Call, class Taps>
void resize_with(const Call& c, Taps&& taps) {
  constexpr bool fixed = is_fixed_v<typename Call::out_type>;
  constexpr int most = 64;
  using weight = std::conditional_t<fixed, std::int64_t, float>;
  const auto x = c.template in<0>();
  const auto y = c.out();
  const finish<Call> done(c, false);
  const int rank = y.rank();
  int last = -1;
  for (int d = 0; d < rank; ++d)
    if (x.extent(d) != y.extent(d)) last = d;
  std::int64_t inner = 1;
  for (int d = last + 1; d < rank; ++d) inner *= y.extent(d);
  std::int32_t at[max_rank] = {};
  const slice own = slice_of(c.piece, y.size() / inner);
  if constexpr (config::hosted) {
    std::int64_t left = own.from;
    for (int d = last; d >= 0; left /= y.extent(d), --d) at[d] = static_cast<std::int32_t>(left % y.extent(d));
  }
  for (std::int64_t pixel = own.from; pixel < own.to; ++pixel) {
    std::int64_t from[most] = {};
    weight w[most] = {};
    w[0] = 1;
    std::int32_t count = 1;
    for (int d = 0; d <= last; ++d) {
      const std::int64_t size = x.extent(d);
      if (size == y.extent(d)) {
        for (std::int32_t k = 0; k < count; ++k) from[k] = from[k] * size + at[d];
        continue;
      }
      const resize_taps t = taps(d, at[d]);
      for (std::int32_t k = count - 1; k >= 0; --k) {  // from the end, so that taps unfold in place and in order
        const std::int64_t base = from[k] * size;
        const weight before = w[k];
        for (std::int32_t j = t.count - 1; j >= 0; --j) {
          from[k * t.count + j] = base + t.index[j];
          if constexpr (fixed)
            w[k * t.count + j] = t.count == 1 ? before : before * t.fixed[j];
          else
            w[k * t.count + j] = before * t.weight[j];
        }
      }
      count *= t.count;
    }
    for (std::int64_t i = 0; i < inner; ++i) {
      if constexpr (fixed) {
        std::int64_t sum = 0;
        for (std::int32_t k = 0; k < count; ++k) sum += w[k] * (x.load(from[k] * inner + i) + x.offset());
        done.store(pixel * inner + i, 0, sum);
      } else {
        float sum = count == 1 ? x.load(from[0] * inner + i) : 0.0f;
        if (count > 1)
          for (std::int32_t k = 0; k < count; ++k) sum += x.load(from[k] * inner + i) * w[k];
        done.store(pixel * inner + i, 0, sum);
      }
    }
    for (int d = last; d >= 0; --d) {
      if (++at[d] < y.extent(d)) break;
      at[d] = 0;
    }
  }
}

/// TFLite's own arithmetic applies: its rounding, equal encodings, nothing fused.
template <class Call>
bool as_tflite(const Call& c) {
  if (c.rounding().mode() != rounding_mode::tflite) return false;
  if constexpr (is_fixed_v<typename Call::out_type>) {
    const auto x = c.template in<0>();
    return Call::out_type::code != dtype::ufixed_16 && c.epi().plain() && x.scale() == c.out().scale() &&
           x.offset() == c.out().offset();
  } else {
    return true;
  }
}

template <>
struct impl<op::resize, isa::reference> {
  using params = op::resize::params;
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, -1);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    finish_constants::make(f, -1, resize_factor(f, p.interpolation_mode != op::resize_interpolation::nearest), r, out);
  }
  static constexpr int parts(const node_facts& f, const params&) { return resize_parts(f); }
  /// Of output index i along an axis of `in` elements that becomes one of `out`.
  static resize_taps taps(const params& p, rounding_mode, std::int32_t i, std::int32_t in, std::int32_t out) {
    const coordinate at = resize_coordinate(i, in, out, p.transformation_mode);
    if (p.interpolation_mode == op::resize_interpolation::linear) return linear_taps(at, in);
    if (p.interpolation_mode == op::resize_interpolation::cubic)
      return cubic_taps(at, in, static_cast<double>(p.cubic_coeff), p.exclude_outside);
    resize_taps t;
    t.index[0] = resize_nearest_index(at, in, p.nearest_mode);
    return t;
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    resize_with(c, [&](int axis, std::int32_t i) { return taps(c.params(), c.rounding().mode(), i, x.extent(axis), y.extent(axis)); });
  }
};

template <>
struct impl<op::resize_bilinear, isa::reference> {
  using params = op::resize_bilinear::params;
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, -1);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    finish_constants::make(f, -1, resize_factor(f, true), r, out);
  }
  static constexpr int parts(const node_facts& f, const params&) { return resize_parts(f); }
  static resize_taps taps(const params& p, rounding_mode, std::int32_t i, std::int32_t in, std::int32_t out) {
    const auto mode = p.align_corners ? op::resize_transformation::align_corners
                                      : (p.half_pixel_centers ? op::resize_transformation::half_pixel
                                                              : op::resize_transformation::asymmetric);
    return linear_taps(resize_coordinate(i, in, out, mode), in);
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (as_tflite(c)) return tflite_resize::bilinear<Call>(x, y, c.params(), finish<Call>(c, false), c.piece);
    resize_with(c, [&](int axis, std::int32_t i) { return taps(c.params(), c.rounding().mode(), i, x.extent(axis), y.extent(axis)); });
  }
};

template <>
struct impl<op::resize_nearest_neighbor, isa::reference> {
  using params = op::resize_nearest_neighbor::params;
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, -1);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    finish_constants::make(f, -1, 1.0, r, out);
  }
  static constexpr int parts(const node_facts& f, const params&) { return resize_parts(f); }
  static resize_taps taps(const params& p, rounding_mode rounding, std::int32_t i, std::int32_t in, std::int32_t out) {
    resize_taps t;
    if (rounding == rounding_mode::tflite)  // in float
      t.index[0] = tflite_resize::nearest(i, in, out, p.align_corners, p.half_pixel_centers);
    else if (p.align_corners)
      t.index[0] = resize_nearest_index(resize_coordinate(i, in, out, op::resize_transformation::align_corners), in,
                                        op::resize_nearest::round_prefer_ceil);
    else
      t.index[0] = resize_nearest_index(p.half_pixel_centers
                                            ? coordinate{(2 * std::int64_t{i} + 1) * in, 2 * std::int64_t{out}}
                                            : resize_coordinate(i, in, out, op::resize_transformation::asymmetric),
                                        in, op::resize_nearest::floor);
    return t;
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    resize_with(c, [&](int axis, std::int32_t i) { return taps(c.params(), c.rounding().mode(), i, x.extent(axis), y.extent(axis)); });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
