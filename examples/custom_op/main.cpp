// SPDX-License-Identifier: Apache-2.0
// The op of soft_sign.hpp in a model written by hand and in the interpreter: the same 8-bit results from both.
#include <cstdio>

#include "qnnx/model/builder.hpp"
#include "qnnx/model/model.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "soft_sign.hpp"

namespace {

using u8 = qnnx::types::u8;
constexpr qnnx::element in_type = qnnx::quantized<u8>(4.0f / 255.0f, -128);   // -2 .. 2
constexpr qnnx::element out_type = qnnx::quantized<u8>(2.0f / 255.0f, -128);  // -1 .. 1
constexpr acme::soft_sign::params steep{.steepness = 3.0f};

// [static]
struct net {
  static consteval auto define() {
    qnnx::builder b;
    const auto x = b.input("x", {1, 4, 4, 2}, in_type);
    const auto s = b.add<acme::soft_sign>("sign", {x}, steep, out_type);
    b.output(b.add<qnnx::op::reshape>("y", {s}, {.shape = {1, 32}}));
    return b;
  }
};
// [/static]

// [dynamic]
std::shared_ptr<const qnnx::frozen_net> build() {
  const auto encoding = [](const qnnx::element& e) { return qnnx::net_encoding::tensor(e.enc.scale, e.enc.offset); };
  qnnx::net n;
  const int x = n.add_tensor({.name = "x",
                              .kind = qnnx::tensor_kind::app_write,
                              .type = u8::code,
                              .dims = {1, 4, 4, 2},
                              .enc = encoding(in_type)});
  const int s = n.add_tensor({.name = "sign", .type = u8::code, .dims = {1, 4, 4, 2}, .enc = encoding(out_type)});
  const int y = n.add_tensor(
      {.name = "y", .kind = qnnx::tensor_kind::app_read, .type = u8::code, .dims = {1, 32}, .enc = encoding(out_type)});
  n.add_node<acme::soft_sign>("sign", {x}, {s}, steep);
  n.add_node<qnnx::op::reshape>("y", {s}, {y}, {.shape = {1, 32}});
  return n.freeze();
}
// [/dynamic]

}  // namespace

int main() {
  static qnnx::model<net> fixed{nullptr};
  for (std::size_t i = 0; i < 32; ++i) fixed.input<"x">()[i] = static_cast<std::uint8_t>(8 * i);
  fixed.run();
  const auto y = fixed.output<"y">();

  // [kernels]
  std::vector<qnnx::kernel_entry> mine;
  qnnx::append_kernels<acme::soft_sign>(mine, "reference");
  qnnx::interpreter dynamic(build(), {.backend = "reference", .extra_kernels = mine});
  // [/kernels]
  const int in = dynamic.graph().find("x");
  const int out = dynamic.graph().find("y");
  for (std::size_t i = 0; i < 32; ++i) dynamic.bytes(in)[i] = static_cast<std::byte>(8 * i);
  dynamic.run();

  int different = 0;
  int wrong = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    different += static_cast<std::uint8_t>(dynamic.bytes(out)[i]) != y[i];
    const double x = (8.0 * static_cast<double>(i) - 128.0) * 4.0 / 255.0;
    const double exact = 3.0 * x / (1.0 + (x < 0 ? -3.0 * x : 3.0 * x));
    const double error = static_cast<double>(y.real(i)) - exact;
    wrong += error > 0.0040 || error < -0.0040;  // half a step of the output is 1/255
    if (i % 8 == 0) std::printf("x %6.3f -> %6.3f\n", x, static_cast<double>(y.real(i)));
  }
  std::printf("static and interpreter: %d of 32 results differ; %d of 32 are more than half a step off\n", different,
              wrong);
  return different || wrong;
}
