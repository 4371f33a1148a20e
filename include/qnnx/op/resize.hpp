// SPDX-License-Identifier: Apache-2.0
#pragma once
// Resize, ResizeBilinear, ResizeNearestNeighbor. QNN reads the size off the declared output; here it is the parameter
// output_size, so that the rule can make the output. Where output index i lies in the input, per axis:
//   half_pixel (i + 1/2) * in / out - 1/2; pytorch_half_pixel the same, 0 where out = 1; align_corners
//   i * (in-1) / (out-1), 0 where out = 1; asymmetric i * in / out
// ResizeBilinear: half_pixel_centers, align_corners or else asymmetric. ResizeNearestNeighbor: floor(i * in / out),
// half_pixel_centers floor((i + 1/2) * in / out), align_corners to the nearest, ties up.
// Source: QNN MasterOpDef; ONNX Resize; TFLite RESIZE_*. Layer 4.

#include "qnnx/op/pool.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class resize_transformation : std::uint32_t {
  half_pixel = 0,
  pytorch_half_pixel = 1,
  align_corners = 2,
  asymmetric = 3
};
enum class resize_interpolation : std::uint32_t { nearest = 0, linear = 1, cubic = 2 };
enum class resize_nearest : std::uint32_t { round_prefer_floor = 0, round_prefer_ceil = 1, floor = 2, ceil = 3 };

inline constexpr std::int32_t largest_resize = 65536;  // of one dimension: coordinates are exact in 64 bits

struct resize {
  static constexpr std::string_view name = "Resize";
  struct params {
    bool exclude_outside = false;
    resize_transformation transformation_mode = resize_transformation::half_pixel;
    resize_interpolation interpolation_mode = resize_interpolation::nearest;
    resize_nearest nearest_mode = resize_nearest::round_prefer_floor;
    float cubic_coeff = -0.75f;
    axes output_size{};  // of every dimension
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  using types = pool_types;

  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    if (p.output_size.size() != x.rank())
      return bad_parameter("output_size", text{} << p.output_size.size() << " numbers",
                           text{} << x.rank() << " numbers");
    if (static_cast<std::uint32_t>(p.transformation_mode) > 3)
      return bad_parameter("transformation_mode", number(static_cast<std::int64_t>(p.transformation_mode)), "0 to 3");
    if (static_cast<std::uint32_t>(p.interpolation_mode) > 2)
      return bad_parameter("interpolation_mode", number(static_cast<std::int64_t>(p.interpolation_mode)), "0 to 2");
    if (static_cast<std::uint32_t>(p.nearest_mode) > 3)
      return bad_parameter("nearest_mode", number(static_cast<std::int64_t>(p.nearest_mode)), "0 to 3");
    int resized = 0;
    for (int d = 0; d < x.rank(); ++d) {
      if (p.output_size[d] == x[d]) continue;
      ++resized;
      if (p.output_size[d] < 1 || p.output_size[d] > largest_resize || x[d] > largest_resize)
        return bad_parameter("output_size", number(p.output_size[d]), text("1 to ") << largest_resize);
    }
    const int most = p.interpolation_mode == resize_interpolation::cubic ? 2 : 3;
    if (p.interpolation_mode != resize_interpolation::nearest && resized > most)
      return bad_parameter("output_size", text{} << resized << " resized dimensions", text("at most ") << most);
    return {};
  }
  static constexpr issue infer(const context&, const params& p, shapes& out) {
    shape y;
    for (int d = 0; d < p.output_size.size(); ++d) y.push_back(p.output_size[d]);
    out.set(y);
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params& p) {
    const std::int64_t taps = p.interpolation_mode == resize_interpolation::nearest  ? 1
                              : p.interpolation_mode == resize_interpolation::linear ? 4
                                                                                     : 16;
    return {0, c.out(0).dims.size() * taps};
  }
};

/// Height and width of NHWC data.
struct resize_2d {
  struct params {
    bool align_corners = false;
    bool half_pixel_centers = false;
    std::array<std::uint32_t, 2> output_size{};  // height, width
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  using types = pool_types;

  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    if (x.rank() != 4) return bad_rank(0, "in", x, "[N,H,W,C]");
    for (const std::uint32_t s : p.output_size)
      if (s < 1 || s > static_cast<std::uint32_t>(largest_resize))
        return bad_parameter("output_size", number(s), text("1 to ") << largest_resize);
    if (x[1] > largest_resize || x[2] > largest_resize)
      return bad_shape(0, "in", x, {x[0], largest_resize, largest_resize, x[3]});
    if (p.align_corners && p.half_pixel_centers)
      return bad_parameter("half_pixel_centers", "align_corners too", "one of the two");
    return {};
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const shape& x = c.dims(0);
    out.set({x[0], static_cast<std::int32_t>(p.output_size[0]), static_cast<std::int32_t>(p.output_size[1]), x[3]});
    return {};
  }
};
struct resize_bilinear : resize_2d {
  static constexpr std::string_view name = "ResizeBilinear";
  static constexpr qnnx::cost cost(const context& c, const params&) { return {0, c.out(0).dims.size() * 4}; }
};
struct resize_nearest_neighbor : resize_2d {
  static constexpr std::string_view name = "ResizeNearestNeighbor";
};

}  // namespace qnnx::inline QNNX_ABI::op
