// SPDX-License-Identifier: Apache-2.0
// What model<Tag> offers: types, constants, typed buffers, taps, single steps, several inputs and outputs.
#include <doctest/doctest.h>

#include "nets.hpp"

using namespace qnnx;

namespace {
struct two_in_two_out {
  static consteval auto define() {
    layers b;
    const auto a = b.input("a", {1, 4});
    const auto c = b.input("c", {1, 4});
    const auto sum = b.add("sum", a, c);
    b.output(sum);
    b.output(b.relu("bent", sum));
    return b;
  }
};
using joined = decltype(fork(qnnx::input<"a", extents<1, 4>>, qnnx::input<"c", extents<1, 4>>) >> layer::add<>{} >>
                        fork(layer::identity{}, layer::relu<>{}));
}  // namespace

// Types and constants are there at compile time.
using net = model<nets::arrays>;
static_assert(std::is_same_v<net::tensor<"conv">, tensor<ufixed<8>, extents<1, 6, 6, 8>, per_tensor<schema::unsigned_asymmetric>>>);
static_assert(std::is_same_v<net::tensor<"conv_weight">, tensor<sfixed<8>, extents<3, 3, 3, 8>, per_axis<3>>>);
static_assert(std::is_same_v<net::step_op<1>, op::depthwise_conv2d>);
static_assert(net::step_name(2) == "sum" && net::step_type(0) == "Conv2d");
static_assert(net::step_count == 7);
static_assert(net::macs == 6 * 6 * 8 * 27 + 6 * 6 * 8 * 9 + 72 * 10);
static_assert(net::weight_bytes == 224 + 32 + 80 + 32 + 720 + 48);
// x is 432 bytes, the five maps 288, 288, 288, 288 and 80: conv and dw live together, and conv needs x.
static_assert(net::arena_bytes <= 432 + 288);

TEST_CASE("typed buffers go in and out; several inputs and outputs") {
  static model<two_in_two_out> m{nullptr};
  using in = model<two_in_two_out>::tensor<"a">;
  const in a{{1, -2, 3, -4}};
  const in c{{1, 1, -5, 1}};
  m.set_inputs(a, c);
  m.run();
  model<two_in_two_out>::tensor<"sum"> sum;
  model<two_in_two_out>::tensor<"bent"> bent;
  m.get_output<0>(sum);
  m.get_output<1>(bent);
  CHECK(sum.data == std::array<float, 4>{2, -1, -2, -3});
  CHECK(bent.data == std::array<float, 4>{2, 0, 0, 0});

  static model<joined> other{nullptr};
  other.set_inputs(a, c);
  other.run();
  other.get_output<1>(bent);
  CHECK(bent.data == std::array<float, 4>{2, 0, 0, 0});
}

TEST_CASE("steps one by one are the whole run; taps read what a step made") {
  alignas(16) static std::array<std::byte, 4096> memory{};
  const auto weights = nets::random_weights(net::graph(), 7);
  std::copy(weights.begin(), weights.end(), memory.begin());
  static net whole{memory.data()};
  static net stepped{memory.data()};
  for (auto* m : {&whole, &stepped})
    for (std::size_t i = 0; i < m->input<"x">().size(); ++i) m->input<"x">().set_real(i, 0.01f * static_cast<float>(i % 200) - 1.0f);
  int steps = 0;
  std::vector<std::uint8_t> sum;
  whole.run([&](int i) {
    CHECK(i == steps++);
    if (net::step_name(i) == "sum") sum.assign(whole.tap<"sum">().begin(), whole.tap<"sum">().end());
  });
  CHECK(steps == 7);
  for (int i = 0; i < 7; ++i) {
    stepped.run_step(i);
    if (i == 2) CHECK(std::equal(sum.begin(), sum.end(), stepped.tap<"sum">().begin()));
  }
  float total = 0;
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(whole.output<"probs">()[i] == stepped.output<"probs">()[i]);
    total += whole.output<"probs">().real(i);
  }
  CHECK(total == doctest::Approx(1.0).epsilon(0.05));
}
