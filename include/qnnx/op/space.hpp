// SPDX-License-Identifier: Apache-2.0
#pragma once
// Moves between space, depth and batch of an NHWC tensor.
//   DepthToSpace  out[n, h*bh+i, w*bw+j, c] = in[n, h, w, DCR: (i*bw+j)*C + c, CRD: c*bh*bw + i*bw + j]
//   SpaceToDepth  the inverse
//   BatchToSpace  TF batch_to_space: block index from the batch to H and W, then crops
//   SpaceToBatch  its inverse: pad with real 0, then the block index goes to the batch
//   ChannelShuffle  out[i*g + k] = in[k*(C/g) + i] on an axis
// Source: QNN MasterOpDef. Layer 4.

#include "qnnx/op/movement.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class depth_order : std::uint32_t { dcr = 0, crd = 1 };

struct block_params {
  std::array<std::uint32_t, 2> block_size{1, 1};
  depth_order mode = depth_order::dcr;
  friend constexpr bool operator==(const block_params&, const block_params&) = default;
};
constexpr issue block_fits(const context& c, const std::array<std::uint32_t, 2>& block) {
  if (c.dims(0).rank() != 4) return bad_rank(0, "in", c.dims(0), "[N,H,W,C]");
  if (block[0] < 1 || block[1] < 1 || block[0] > 65535 || block[1] > 65535)
    return bad_parameter("block_size", number(block[0] < 1 ? block[0] : block[1]), "1 to 65535");
  return {};
}

struct depth_to_space : moves_data {
  static constexpr std::string_view name = "DepthToSpace";
  using params = block_params;
  static constexpr issue check(const context& c, const params& p) {
    if (issue e = block_fits(c, p.block_size)) return e;
    const auto block = static_cast<std::int64_t>(p.block_size[0]) * p.block_size[1];
    if (c.dims(0)[3] % block != 0)
      return bad_parameter("block_size", number(block) << " elements",
                           text("a divisor of ") << c.dims(0)[3] << " channels");
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const auto bh = static_cast<std::int32_t>(p.block_size[0]);
    const auto bw = static_cast<std::int32_t>(p.block_size[1]);
    const shape& x = c.dims(0);
    out.set({x[0], x[1] * bh, x[2] * bw, x[3] / (bh * bw)});
    return {};
  }
};

struct space_to_depth : moves_data {
  static constexpr std::string_view name = "SpaceToDepth";
  using params = block_params;
  static constexpr issue check(const context& c, const params& p) {
    if (issue e = block_fits(c, p.block_size)) return e;
    const shape& x = c.dims(0);
    if (static_cast<std::uint32_t>(x[1]) % p.block_size[0] != 0 ||
        static_cast<std::uint32_t>(x[2]) % p.block_size[1] != 0)
      return bad_parameter("block_size", text{} << p.block_size[0] << "x" << p.block_size[1],
                           text("divisors of ") << x[1] << "x" << x[2]);
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const auto bh = static_cast<std::int32_t>(p.block_size[0]);
    const auto bw = static_cast<std::int32_t>(p.block_size[1]);
    const shape& x = c.dims(0);
    out.set({x[0], x[1] / bh, x[2] / bw, x[3] * bh * bw});
    return {};
  }
};

struct batch_to_space : moves_data {
  static constexpr std::string_view name = "BatchToSpace";
  struct params {
    std::array<std::uint32_t, 2> block_size{1, 1};
    std::array<std::uint32_t, 4> crops{};  // top, bottom, left, right
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    if (issue e = block_fits(c, p.block_size)) return e;
    const auto block = static_cast<std::int64_t>(p.block_size[0]) * p.block_size[1];
    const shape& x = c.dims(0);
    if (x[0] % block != 0)
      return bad_parameter("block_size", number(block) << " elements", text("a divisor of the batch ") << x[0]);
    for (int d = 0; d < 2; ++d) {
      const auto i = static_cast<std::size_t>(d);
      const std::int64_t size = static_cast<std::int64_t>(x[d + 1]) * p.block_size[i];
      const std::int64_t cut = static_cast<std::int64_t>(p.crops[2 * i]) + p.crops[2 * i + 1];
      if (cut >= size) return bad_parameter("crops", number(cut), text("less than ") << size);
    }
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const auto bh = static_cast<std::int32_t>(p.block_size[0]);
    const auto bw = static_cast<std::int32_t>(p.block_size[1]);
    const shape& x = c.dims(0);
    out.set({x[0] / (bh * bw), x[1] * bh - static_cast<std::int32_t>(p.crops[0] + p.crops[1]),
             x[2] * bw - static_cast<std::int32_t>(p.crops[2] + p.crops[3]), x[3]});
    return {};
  }
};

struct space_to_batch : moves_data {
  static constexpr std::string_view name = "SpaceToBatch";
  struct params {
    std::array<std::uint32_t, 2> block_size{1, 1};
    std::array<std::uint32_t, 4> pad_amount{};  // top, bottom, left, right
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr issue check(const context& c, const params& p) {
    if (issue e = block_fits(c, p.block_size)) return e;
    for (std::size_t d = 0; d < 2; ++d) {
      const std::int64_t size =
          c.dims(0)[static_cast<int>(d) + 1] + static_cast<std::int64_t>(p.pad_amount[2 * d]) + p.pad_amount[2 * d + 1];
      if (size % p.block_size[d] != 0)
        return bad_parameter("block_size", number(p.block_size[d]), text("a divisor of the padded size ") << size);
    }
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params& p, shapes& out) {
    const auto bh = static_cast<std::int32_t>(p.block_size[0]);
    const auto bw = static_cast<std::int32_t>(p.block_size[1]);
    const shape& x = c.dims(0);
    out.set({x[0] * bh * bw, (x[1] + static_cast<std::int32_t>(p.pad_amount[0] + p.pad_amount[1])) / bh,
             (x[2] + static_cast<std::int32_t>(p.pad_amount[2] + p.pad_amount[3])) / bw, x[3]});
    return {};
  }
};

struct channel_shuffle : moves_data {
  static constexpr std::string_view name = "ChannelShuffle";
  struct params {
    std::uint32_t num_groups = 1;
    std::uint32_t axis = last_axis;
    static constexpr std::uint32_t last_axis = 0xffffffffu;  // QNN's default, N-1
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  template <class Shape>
  static constexpr int axis_of(const params& p, const Shape& s) {
    return p.axis == params::last_axis ? s.rank() - 1 : static_cast<int>(p.axis);
  }
  static constexpr issue check(const context& c, const params& p) {
    const int axis = axis_of(p, c.dims(0));
    if (issue e = axis_inside("axis", axis, c.dims(0).rank())) return e;
    if (p.num_groups < 1 || static_cast<std::uint32_t>(c.dims(0)[axis]) % p.num_groups != 0)
      return bad_parameter("num_groups", number(p.num_groups), text("a divisor of ") << c.dims(0)[axis]);
    return keeps_encoding(c);
  }
  static constexpr issue infer(const context& c, const params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
