// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the outputs of a Conv2d, DepthWiseConv2d or FullyConnected read: every output value is a row of weights times a
// row of inputs (a window, padding as 0). Outputs of one group read the same rows. Layer 6b.

#include <optional>

#include "error_feedback.hpp"
#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI::quantizing {

class input_windows {
 public:
  /// None for other ops. `x` are the sizes of the input.
  static std::optional<input_windows> of(const net& n, const net_node& k);

  int groups() const { return groups_; }
  int taps() const { return taps_; }        // values in a row
  int outputs() const { return outputs_; }  // rows of weights in a group
  std::int64_t positions() const { return batch_ * high_ * wide_; }
  /// Element of the weight tensor at tap r of output o of group g.
  std::int64_t weight(int g, int r, int o) const {
    if (dense_) return static_cast<std::int64_t>(o) * taps_ + r;
    return static_cast<std::int64_t>(r) * groups_ * outputs_ + static_cast<std::int64_t>(g) * outputs_ + o;
  }
  int channel(int g, int o) const { return g * outputs_ + o; }
  /// The row of group g at an output position.
  void read(const float* x, std::int64_t position, int g, float* row) const;

 private:
  bool dense_ = false;
  int groups_ = 1, taps_ = 0, outputs_ = 0;
  std::int64_t batch_ = 1, high_ = 1, wide_ = 1;
  shape x_{}, w_{};
  std::array<std::uint32_t, 2> stride_{1, 1}, dilation_{1, 1};
  std::array<std::uint32_t, 4> pad_{};
};

}  // namespace qnnx::inline QNNX_ABI::quantizing
