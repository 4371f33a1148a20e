// SPDX-License-Identifier: Apache-2.0
// A five-layer quantized network by hand: shapes are inferred, checked and planned by the compiler.
#include <cstdio>

// [example]
#include "qnnx/qnnx.hpp"
using namespace qnnx;

struct net {
  static consteval auto define() {
    layers b;
    const element q = quantized<ufixed<8>>(0.02f, -128);  // real = (q - 128) * 0.02
    auto x = b.input("image", {1, 28, 28, 1}, q);
    x = b.conv2d("conv", x, {.kernel = {3, 3}, .stride = {2, 2}, .channels = 8, .pad = same, .act = activation::relu, .weight_scale = 0.01f}, q);
    x = b.depthwise_conv2d("dw", x, {.kernel = {3, 3}, .pad = same, .weight_scale = 0.01f}, q);
    x = b.max_pool("pool", x, {.window = {2, 2}, .stride = {2, 2}});
    x = b.fully_connected("dense", x, {.channels = 10, .weight_scale = 0.01f}, quantized<ufixed<8>>(0.1f, -128));
    b.output(b.softmax("probs", x, quantized<ufixed<8>>(1.0f / 256)));
    return b;
  }
};
static_assert(model_traits<net>::arena_bytes < 4096);
// [example]

namespace {
alignas(16) unsigned char weights[model_traits<net>::weight_bytes];
}

int main() {
  for (std::size_t i = 0; i < sizeof weights; ++i) weights[i] = static_cast<unsigned char>(i * 7 % 5);  // yours come from training
  static model<net> m{weights};
  auto image = m.input<"image">();
  for (std::size_t i = 0; i < image.size(); ++i) image.set_real(i, static_cast<float>(i % 9) * 0.1f);
  m.run();
  float sum = 0;
  for (std::size_t i = 0; i < 10; ++i) sum += m.output<"probs">().real(i);
  std::printf("arena %lld bytes, weights %lld bytes, %lld multiply-accumulates, probabilities sum to %.2f\n",
              static_cast<long long>(m.arena_bytes), static_cast<long long>(m.weight_bytes), static_cast<long long>(m.macs),
              static_cast<double>(sum));
  return sum > 0.9f && sum < 1.1f ? 0 : 1;
}
