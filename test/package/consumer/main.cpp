// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <qnnx/model/layers.hpp>
#include <qnnx/model/model.hpp>

struct net {
  static consteval auto define() {
    qnnx::layers b;
    const auto x = b.input("x", {1, 4, 4, 1});
    b.output(b.relu("y", b.conv2d("conv", x, {.kernel = {2, 2}, .stride = {2, 2}, .channels = 1})));
    return b;
  }
};

int main() {
  alignas(16) static const float weights[] = {1, 2, 3, -4, 0.5f, 0, 0, 0};  // 2x2 kernel, bias
  static qnnx::model<net> m{weights};
  for (std::size_t i = 0; i < 16; ++i) m.input<"x">()[i] = static_cast<float>(i);
  m.run();
  const auto y = m.output<"y">();
  std::printf("%g %g %g %g\n", static_cast<double>(y[0]), static_cast<double>(y[1]), static_cast<double>(y[2]), static_cast<double>(y[3]));
  // windows {0,1,4,5} {2,3,6,7} {8,9,12,13} {10,11,14,15}: a + 2b + 3c - 4d + 0.5, below 0 cut
  return y[0] == 0.0f && y[1] == 0.0f && y[2] == 10.5f && y[3] == 14.5f ? 0 : 1;
}
