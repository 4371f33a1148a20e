// SPDX-License-Identifier: Apache-2.0
// words: FullyConnected | 'dense' | wrong shape | got | expected
#include "qnnx/model/layers.hpp"
#include "qnnx/model/model.hpp"
struct net {
  static consteval auto define() {
    qnnx::layers b;
    const auto x = b.input("x", {2, 3});
    const auto w = b.weight("w", {5, QNNX_WRONG ? 4 : 3});
    b.output(b.add<qnnx::op::fully_connected>("dense", {x, w}));
    return b;
  }
};
qnnx::model<net> m{nullptr};
