// SPDX-License-Identifier: Apache-2.0
// words: tensor_fits | float32 | extents<1, 4> | extents<1, 3>
#include "two_adds.hpp"
struct net : two_adds<1, 2> {};
qnnx::model<net> m{nullptr};
void feed() {
  const qnnx::tensor<float32, extents<1, 4 - QNNX_WRONG>> a;
  const model<net>::tensor<"b"> b;
  m.set_inputs(a, b);
}
