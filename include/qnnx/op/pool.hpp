// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pooling over windows of channel-last data: PoolAvg2d, PoolAvg3d, PoolMax2d, PoolMax3d, L2Pool2d.
//   avg   sum / count; count leaves padding out unless count_pad_for_edges (then windows are cut at the padded edge)
//   max   padding never wins
//   l2    sqrt(sum x^2)
//   Ho = round((top + H + bottom - kh) / sh) + 1, round = floor or ceil. With ceil, a last window that would begin
//   behind the data is left out, as ONNX and PyTorch do.
// Every window touches the data: padding smaller than the window. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/conv2d.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class pool_rounding : std::uint32_t { floor = 0, ceil = 1 };

// clang-format off
using pool_types = signatures<types::f32(types::f32), types::f16(types::f16), types::u8(types::u8), types::s8(types::s8),
                              types::u16(types::u16), types::s16(types::s16)>;
// clang-format on

constexpr std::int32_t pool_count(std::int32_t size, std::uint32_t before, std::uint32_t after, std::uint32_t filter,
                                  std::uint32_t stride, pool_rounding rounding) {
  const std::int64_t room = static_cast<std::int64_t>(size) + before + after - filter;
  if (room < 0) return 0;
  std::int64_t n = room / stride + 1;
  if (rounding == pool_rounding::ceil && room % stride != 0) ++n;
  if (n > 1 && (n - 1) * stride >= static_cast<std::int64_t>(size) + before) --n;
  return static_cast<std::int32_t>(n);
}

namespace detail {
template <int Axes, bool CountsPads, bool Rounds>
struct pool_params;
template <int Axes>
struct pool_params<Axes, true, true> {
  std::array<std::uint32_t, Axes> filter_size{};
  std::array<std::uint32_t, Axes> stride{};
  std::array<std::uint32_t, 2 * Axes> pad_amount{};  // before, after of each axis
  bool count_pad_for_edges = false;
  pool_rounding rounding_mode = pool_rounding::floor;
  friend constexpr bool operator==(const pool_params&, const pool_params&) = default;
};
template <int Axes>
struct pool_params<Axes, false, true> {
  std::array<std::uint32_t, Axes> filter_size{};
  std::array<std::uint32_t, Axes> stride{};
  std::array<std::uint32_t, 2 * Axes> pad_amount{};
  pool_rounding rounding_mode = pool_rounding::floor;
  friend constexpr bool operator==(const pool_params&, const pool_params&) = default;
};
template <int Axes>
struct pool_params<Axes, false, false> {
  std::array<std::uint32_t, Axes> filter_size{};
  std::array<std::uint32_t, Axes> stride{};
  std::array<std::uint32_t, 2 * Axes> pad_amount{};
  friend constexpr bool operator==(const pool_params&, const pool_params&) = default;
};
}  // namespace detail

/// Rules shared by all pools; Axes spatial axes between batch and channels.
template <int Axes, bool CountsPads, bool Rounds, class Types>
struct pool {
  using params = detail::pool_params<Axes, CountsPads, Rounds>;
  static constexpr int spatial_axes = Axes;
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  using types = Types;

  static constexpr pool_rounding rounding_of(const params& p) {
    if constexpr (Rounds)
      return p.rounding_mode;
    else
      return pool_rounding::floor;
  }
  static constexpr issue check(const context& c, const params& p) {
    const shape& x = c.dims(0);
    if (x.rank() != Axes + 2) return bad_rank(0, "in", x, Axes == 2 ? "[N,H,W,C]" : "[N,D,H,W,C]");
    if (issue e = check_steps("filter_size", p.filter_size)) return e;
    if (issue e = check_steps("stride", p.stride)) return e;
    for (std::size_t k = 0; k < 2 * Axes; ++k)
      if (p.pad_amount[k] >= p.filter_size[k / 2])
        return bad_parameter("pad_amount", number(p.pad_amount[k]),
                             text("less than the filter size ") << p.filter_size[k / 2]);
    if (static_cast<std::uint32_t>(rounding_of(p)) > 1)
      return bad_parameter("rounding_mode", number(static_cast<std::int64_t>(rounding_of(p))), "0 (floor) or 1 (ceil)");
    return {};
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const shape& x = c.dims(0);
    shape y = x;
    for (std::size_t k = 0; k < Axes; ++k) {
      const int axis = static_cast<int>(k) + 1;
      y[axis] = pool_count(x[axis], p.pad_amount[2 * k], p.pad_amount[2 * k + 1], p.filter_size[k], p.stride[k],
                           rounding_of(p));
      if (y[axis] < 1)
        return bad_parameter("filter_size", number(p.filter_size[k]),
                             text("at most the padded size of dimension ") << axis << " of " << to_text(x).view());
    }
    out.set(y);
    return {};
  }
  static constexpr qnnx::cost cost(const context& c, const params& p) {
    std::int64_t taps = 1;
    for (const std::uint32_t f : p.filter_size) taps *= f;
    return {0, c.out(0).dims.size() * taps};
  }
};

struct pool_avg2d : pool<2, true, true, pool_types> {
  static constexpr std::string_view name = "PoolAvg2d";
};
struct pool_avg3d : pool<3, true, true, pool_types> {
  static constexpr std::string_view name = "PoolAvg3d";
};
struct pool_max2d : pool<2, false, true, pool_types> {
  static constexpr std::string_view name = "PoolMax2d";
};
struct pool_max3d : pool<3, false, true, pool_types> {
  static constexpr std::string_view name = "PoolMax3d";
};
struct l2_pool2d : pool<2, false, false, signatures<types::f32(types::f32), types::f16(types::f16)>> {
  static constexpr std::string_view name = "L2Pool2d";
};

}  // namespace qnnx::inline QNNX_ABI::op
