// SPDX-License-Identifier: Apache-2.0
// Functions of aarch64's kernels on their own, over their whole range: the fixed-point exponential of TFLite's softmax, and
// TFLite's 16-bit logistic and tanh. Compiled for aarch64 and run in qemu-aarch64 (neon.py).
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "qnnx/kernel/activation/neon.hpp"
#include "qnnx/kernel/neon/tflite_exp.hpp"

using namespace qnnx;
namespace neon = qnnx::kernel::neon;
namespace tflite = qnnx::kernel::tflite;

TEST_CASE("aarch64: the exponential of TFLite's softmax has its bits") {
  std::vector<std::int32_t> inputs;
  const auto around = [&](std::int64_t centre, int reach) {
    for (std::int64_t v = centre - reach; v <= centre + reach; ++v)
      if (v <= 0 && v >= INT32_MIN) inputs.push_back(static_cast<std::int32_t>(v));
  };
  around(0, 5000);
  around(INT32_MIN, 5000);
  for (std::int64_t quarter = 1; quarter <= 128; ++quarter) around(-(quarter << 24), 300);  // where a factor comes in
  for (int bit = 0; bit < 32; ++bit) around(-(std::int64_t{1} << bit), 8);
  std::mt19937 g(7);
  for (int i = 0; i < 400000; ++i) inputs.push_back(-static_cast<std::int32_t>(g() >> (1 + i % 24)));
  while (inputs.size() % 4) inputs.push_back(0);
  for (std::size_t i = 0; i < inputs.size(); i += 4) {
    std::int32_t made[4];
    vst1q_s32(made, neon::exp_negative(vld1q_s32(&inputs[i])));
    for (std::size_t k = 0; k < 4; ++k) {
      if (made[k] == tflite::exp_negative(inputs[i + k])) continue;
      CAPTURE(inputs[i + k]);
      REQUIRE(made[k] == tflite::exp_negative(inputs[i + k]));
    }
  }
}

namespace {
template <bool Tanh>
void compare_curve(float scale) {
  const tflite::curve_scale s(scale, Tanh);
  std::vector<std::int16_t> x, y(65536 + 3);
  for (int i = 0; i < 65536; ++i) x.push_back(static_cast<std::int16_t>(i));
  x.insert(x.end(), {-32768, 0, 32767});  // and a rest of a chunk
  neon::tflite_curve<Tanh>(s, x.data(), y.data(), static_cast<std::int64_t>(x.size()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto expected = static_cast<std::int16_t>(Tanh ? tflite::tanh_16(x[i], s) : tflite::logistic_16(x[i], s));
    if (y[i] == expected) continue;
    CAPTURE(scale);
    CAPTURE(x[i]);
    REQUIRE(y[i] == expected);
  }
}
}  // namespace

TEST_CASE("aarch64: TFLite's 16-bit logistic and tanh have its bits for every input") {
  for (const float scale : {1.0f / 4096, 1.0f / 2048, 1.0f / 32768, 8.0f / 32768, 1.0f / 65536, 3e-7f, 0.0007f, 0.02f, 0.5f, 2.5f}) {
    compare_curve<false>(scale);
    compare_curve<true>(scale);
  }
}
