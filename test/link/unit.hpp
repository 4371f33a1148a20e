// SPDX-License-Identifier: Apache-2.0
#pragma once
// A model that several units use.
#include "qnnx/model/layers.hpp"
#include "qnnx/model/model.hpp"

struct shared_net {
  static consteval auto define() {
    qnnx::layers b;
    const auto x = b.input("x", {1, 6, 6, 2}, qnnx::quantized<qnnx::ufixed<8>>(0.1f, -12));
    b.output(b.conv2d("y", x, {.kernel = {3, 3}, .channels = 4, .weight_scale = 0.02f}, qnnx::quantized<qnnx::ufixed<8>>(0.2f, -90)));
    return b;
  }
};

struct unit_result {
  std::uint8_t bytes[64];
  const char* run_name;  // mangled namespace of the instruction set
};
