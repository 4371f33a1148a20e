// SPDX-License-Identifier: Apache-2.0
// The smallest round: a net built by hand, frozen, interpreted.
#include <doctest/doctest.h>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

TEST_CASE("a 1x1 convolution in float multiplies each pixel by the weight matrix") {
  net n;
  const int x = n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .dims = {1, 1, 2, 2}});
  const int w = n.add_constant<float>("w", dtype::float_32, {1, 1, 2, 2}, {1, 2, 3, 4});
  const int b = n.add_constant<float>("b", dtype::float_32, {2}, {10, 20});
  const int y = n.add_tensor({.name = "y", .kind = tensor_kind::app_read, .dims = {1, 1, 2, 2}});
  n.add_node<op::conv2d>("conv", {x, w, b}, {y});
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()));
  const float in[] = {1, 2, 3, 4};
  std::memcpy(run.bytes(x).data(), in, sizeof in);
  run.run();
  const auto* out = reinterpret_cast<const float*>(run.bytes(y).data());
  CHECK(out[0] == 17);
  CHECK(out[1] == 30);
  CHECK(out[2] == 25);
  CHECK(out[3] == 42);
}
