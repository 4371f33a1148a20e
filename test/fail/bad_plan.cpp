// SPDX-License-Identifier: Apache-2.0
// words: ElementWiseAdd | 'sum' | bad memory plan | tensor s | got arena offset 0 | expected aligned bytes inside the arena that no other live tensor has
#include "two_adds.hpp"
struct net : two_adds<1, 2> {
  static constexpr std::int64_t plan[4] = {0, 16, QNNX_WRONG ? 0 : 32, 48};
  static constexpr graph_view define() {
    graph_view g = two_adds<1, 2>::define();
    g.plan = plan;
    g.planned_bytes = 64;
    return g;
  }
};
qnnx::model<net> m{nullptr};
