// SPDX-License-Identifier: Apache-2.0
#pragma once
// StridedSlice. First new axes of size 1 are put in (bit i of new_axes_mask: axis i of the result of this step), then
// each axis is cut to begin, begin + stride, ... before end, then the axes in shrink_axes are dropped.
//   size = ceil((end - begin) / stride); a set bit of begin_mask or end_mask means "from the first" or "to the last".
//   end is -1 where a negative stride runs to index 0. Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct strided_slice : moves_data {
  static constexpr std::string_view name = "StridedSlice";
  struct params {
    std::array<std::int32_t, 3 * max_rank> ranges{};  // begin, end, stride of each axis
    std::uint32_t begin_mask = 0;
    std::uint32_t end_mask = 0;
    std::uint32_t shrink_axes = 0;
    std::uint32_t new_axes_mask = 0;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  struct cut {
    std::int32_t begin = 0;
    std::int32_t stride = 1;
    std::int32_t count = 0;
  };
  static constexpr bool bit(std::uint32_t mask, int i) { return (mask >> i) & 1u; }

  /// The input's sizes with the new axes in; rank -1 where there is no room.
  template <class Shape>
  static constexpr shape widened(const Shape& in, const params& p) {
    shape s;
    for (int i = 0, d = 0; d < in.rank() || bit(p.new_axes_mask, i); ++i) {
      if (s.rank() == max_rank) {
        s.count = -1;
        return s;
      }
      if (bit(p.new_axes_mask, i))
        s.push_back(1);
      else
        s.push_back(in.extent(d++));
    }
    return s;
  }
  /// What is taken of axis d of size `size`.
  static constexpr cut cut_of(const params& p, int d, std::int32_t size) {
    const auto at = static_cast<std::size_t>(3 * d);
    cut r;
    r.stride = bit(p.new_axes_mask, d) ? 1 : p.ranges[at + 2];
    if (r.stride == 0) return r;
    r.begin = bit(p.begin_mask, d) || bit(p.new_axes_mask, d) ? (r.stride > 0 ? 0 : size - 1) : p.ranges[at];
    std::int32_t end = bit(p.end_mask, d) || bit(p.new_axes_mask, d) ? (r.stride > 0 ? size : -1) : p.ranges[at + 1];
    if (end > size) end = size;
    if (bit(p.shrink_axes, d)) {
      r.stride = 1;
      end = r.begin + 1;
    }
    const std::int64_t room =
        r.stride > 0 ? static_cast<std::int64_t>(end) - r.begin : static_cast<std::int64_t>(r.begin) - end;
    const std::int64_t step = r.stride > 0 ? r.stride : -static_cast<std::int64_t>(r.stride);
    r.count = room <= 0 ? 0 : static_cast<std::int32_t>((room + step - 1) / step);
    return r;
  }
  static constexpr issue check(const context& c, const params& p) {
    const shape s = widened(c.dims(0), p);
    if (s.count < 0) return bad_rank(0, "in", c.dims(0), "rank 6 or less with the new axes");
    for (int d = 0; d < s.rank(); ++d) {
      const cut r = cut_of(p, d, s[d]);
      text where;
      where << "axis " << d << ": begin " << r.begin << ", end " << p.ranges[static_cast<std::size_t>(3 * d + 1)]
            << ", stride " << r.stride;
      if (r.stride == 0 || r.begin < 0 || r.begin >= s[d] || r.count < 1)
        return bad_parameter("ranges", where, text("one element or more of ") << s[d]);
      if (p.ranges[static_cast<std::size_t>(3 * d + 1)] < -1)
        return bad_parameter("ranges", where, "an end of -1 or more");
    }
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const shape s = widened(c.dims(0), p);
    shape r;
    for (int d = 0; d < s.rank(); ++d)
      if (!bit(p.shrink_axes, d)) r.push_back(cut_of(p, d, s[d]).count);
    out.set(r);
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
