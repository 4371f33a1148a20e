// SPDX-License-Identifier: Apache-2.0
// A compiled model on threads of the caller: through the C descriptor of a library and through model_view.
#define QNNX_SPLIT_STEPS  // as the library generator does for machines with an operating system
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "qnnx/model/export.hpp"
#include "qnnx/model/layers.hpp"
#include "qnnx/runtime/thread_pool.hpp"

using namespace qnnx;

namespace {

constexpr element q_in = quantized<ufixed<8>>(0.02f, -128);
constexpr element q_map = quantized<ufixed<8>>(0.05f, -90);
constexpr element q_logits = quantized<ufixed<8>>(0.5f, -120);

/// Enough work in a step for several pieces.
struct wide {
  static consteval auto define() {
    qnnx::layers b;
    auto x = b.input("x", {1, 24, 24, 3}, q_in);
    x = b.conv2d("conv", x,
                 {.kernel = {3, 3}, .channels = 8, .pad = same, .act = activation::relu, .weight_scale = 0.01f}, q_map);
    const auto d = b.depthwise_conv2d("dw", x, {.kernel = {3, 3}, .pad = same, .weight_scale = 0.02f}, q_map);
    x = b.add("sum", x, d, q_map);
    x = b.max_pool("pool", x);
    b.output(b.fully_connected("dense", x, {.channels = 10, .weight_scale = 0.01f}, q_logits));
    return b;
  }
};
using lowered = lowering<wide, isa::reference>;
static_assert(lowered::node_split<0>.parts > 1 && lowered::node_split<1>.parts > 1);
static_assert(model_traits<wide, isa::reference>::arena_bytes_for(1) ==
              model_traits<wide, isa::reference>::arena_bytes);

/// Pieces one after the other, the last one first.
struct reversed {
  int count = 1;
  long pieces = 0;
  int threads() const { return count; }
  template <class F>
  void run(std::int32_t n, F&& f) {
    pieces += n;
    while (n-- > 0) f(n);
  }
};

struct memory_of {
  alignas(64) std::byte arena[static_cast<std::size_t>(model_traits<wide, isa::reference>::arena_bytes_for(7)) + 64]{};
  alignas(64) std::byte weights[static_cast<std::size_t>(model_traits<wide, isa::reference>::weight_bytes) + 64]{};
  alignas(64) std::byte packed[static_cast<std::size_t>(model_traits<wide, isa::reference>::packed_bytes) + 64]{};
  explicit memory_of(unsigned seed) {
    std::mt19937 g(seed);
    for (std::byte& b : weights) b = static_cast<std::byte>(g() % 16);  // biases stay small
    exported<wide, isa::reference>::pack(arena, weights, packed);
    for (auto& b : view().input<"x">()) b = static_cast<std::uint8_t>(g());
  }
  model_view<wide, isa::reference> view() { return {weights, arena, packed}; }
  std::vector<int> logits() {
    const auto y = view().output<"dense">();
    return {y.begin(), y.end()};
  }
};

}  // namespace

TEST_CASE("model_view: the same bits on any executor") {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    memory_of plain(seed);
    plain.view().run();
    const std::vector<int> expected = plain.logits();
    for (const int threads : {1, 2, 3, 7}) {
      CAPTURE(threads);
      memory_of m(seed);
      reversed serial{threads};
      m.view().run(serial);
      CHECK(m.logits() == expected);
      CHECK((serial.pieces > 0) == (threads > 1));
      memory_of n(seed);
      thread_pool pool(threads);
      n.view().run(pool);
      CHECK(n.logits() == expected);
    }
  }
}

TEST_CASE("C descriptor: run_on makes what run makes") {
  const qnnx_model d = exported<wide, isa::reference>::describe("wide", "test", nullptr, nullptr);
  memory_of plain(9);
  d.run(plain.arena, plain.weights, plain.packed);
  thread_pool pool(3);
  const executor threads = pool.threads_of_steps();
  const qnnx_executor on{threads.threads, threads.context, threads.run};
  memory_of m(9);
  CHECK(sizeof m.arena >= static_cast<std::size_t>((d.arena_bytes + 63) / 64 * 64 + 2 * d.thread_bytes));
  for (std::int32_t k = 0; k < d.step_count; ++k) d.run_on(&on, m.arena, m.weights, m.packed, k, k + 1);
  CHECK(m.logits() == plain.logits());
}
