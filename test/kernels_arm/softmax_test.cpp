// SPDX-License-Identifier: Apache-2.0
// Softmax gives the reference's bits.
#include <doctest/doctest.h>

#include "kernels_arm/instruction_sets.hpp"
#include "qnnx/kernel/softmax/quotient.hpp"

using namespace kernels_arm;
using kernel::softmax_quotient;

namespace {

/// Rows along some axis; equal elements, whose quotients are often ties; scales of the output far from 1/256.
net softmax_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int count = d.maybe(8) ? d.roll(900, d.maybe(4) ? 32000 : 1200) : d.maybe(3) ? 1 << d.roll(0, 9) : d.roll(1, 300);
  op::softmax_params p;
  p.beta = d.maybe(2) ? 1.0f : 0.1f * static_cast<float>(d.roll(1, 30));
  const bool last = !d.maybe(4);
  if (!last) p.axis = 1;
  const int x = add_input(n, "x", e, last ? shape{d.roll(1, 3), count} : shape{1, count, 3},
                          e.unit() * (d.maybe(4) ? 1e-9f : 0.002f * static_cast<float>(d.roll(1, 200))), roll_offset(d, e));
  net_node& node = n.add_node<op::softmax>("node", {x}, {}, p);
  const float scale = d.maybe(3)   ? 1.0f / static_cast<float>(e.span() + 1)
                      : d.maybe(3) ? 2.0f / static_cast<float>(count * (2 * d.roll(0, 300) + 1))  // equal ones: nearly ties
                      : d.maybe(8) ? 1e-6f : 0.00003f * static_cast<float>(d.roll(1, 1000));
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type,
                 .enc = net_encoding::tensor(scale, d.maybe(2) ? -e.low : roll_offset(d, e))};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

/// Rows of 2^k elements that are all alike to the table, or of which 2^k are: quotients of exactly one half.
net equal_rows_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int power = d.roll(0, 9);
  const int x = add_input(n, "x", e, {d.roll(1, 3), 1 << power}, e.unit() * (d.maybe(2) ? 1e-9f : 50.0f), roll_offset(d, e));
  net_node& node = n.add_node<op::softmax>("node", {x}, {}, {});
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type,
                 .enc = net_encoding::tensor(std::exp2(static_cast<float>(1 - d.roll(0, power))), -e.low)};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

/// TFLite's 16-bit form: signed, the output in 1/32768 without offset.
net tflite_softmax_net(dice& d) {
  net n;
  n.rounding = rounding_mode::tflite;
  const encoded e{dtype::sfixed_16, -32768};
  const int count = d.maybe(8) ? d.roll(900, 2000) : d.maybe(3) ? 1 << d.roll(0, 9) : d.roll(1, 300);
  op::softmax_params p;
  p.beta = d.maybe(2) ? 1.0f : 0.1f * static_cast<float>(d.roll(1, 30));
  const bool last = !d.maybe(4);
  if (!last) p.axis = 1;
  const float scale = d.scale(std::ldexp(0.001f * static_cast<float>(d.roll(500, 1000)), -d.roll(d.maybe(6) ? -4 : 3, d.maybe(4) ? 30 : 16)));
  const int x = add_input(n, "x", e, last ? shape{d.roll(1, 3), count} : shape{1, count, 3}, scale, d.maybe(2) ? 0 : roll_offset(d, e));
  net_node& node = n.add_node<op::softmax>("node", {x}, {}, p);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type, .enc = net_encoding::tensor(1.0f / 32768, 0)};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

}  // namespace

TEST_CASE("Cortex-M, without vectors: the quotient of the softmax is that of doubles, ties and their neighbours included") {
  std::mt19937_64 g(1);
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(g() % n); };
  for (int i = 0; i < 2000000; ++i) {
    const int kind = static_cast<int>(below(4)), power = static_cast<int>(below(16));
    std::int64_t sum = (std::int64_t{1} << 30) + below(std::uint64_t{1} << (20 + below(25)));
    float scale = std::bit_cast<float>(static_cast<std::uint32_t>((111 + below(32)) << 23 | below(1 << 23)));
    if (kind == 0) scale = std::ldexp(1.0f, -power);
    if (kind == 1) sum &= -(std::int64_t{1} << 29), scale = std::ldexp(1.0f, -power);
    const double unit = static_cast<double>(sum) * static_cast<double>(scale);
    const auto middle = static_cast<double>(below(260)) + 0.5;  // t as near to a tie as whole numbers come, or any
    double t = kind == 3 ? static_cast<double>(below(1u << 30)) : std::floor(middle * unit) + static_cast<double>(below(3) - 1);
    if (t < 0 || t > 1073741824.0) t = static_cast<double>(below(1u << 30));
    const auto whole = static_cast<std::int32_t>(t);
    const softmax_quotient q(sum, scale);
    const auto limited = [](std::int64_t v) { return static_cast<std::int32_t>(v < 512 ? v : 512); };
    const bool even = q.rounded(whole, rounding::rne{}) == limited(round_real(t / unit, rounding::rne{}));
    const bool up = q.rounded(whole, rounding::half_up{}) == limited(round_real(t / unit, rounding::half_up{}));
    if (even && up) continue;
    CAPTURE(sum);
    CAPTURE(scale);
    CAPTURE(whole);
    CHECK(even);
    CHECK(up);
    return;
  }
}
TEST_CASE("Cortex-M, Hexagon, without vectors: Softmax has the reference's bits") {
  compare(softmax_net, widths::bytes, sets::with_every_op);
  compare(softmax_net, widths::mixed, sets::with_every_op);
}
TEST_CASE("Cortex-M, Hexagon, without vectors: TFLite's softmax of 16 bits has the reference's bits") {
  compare(tflite_softmax_net, widths::mixed, sets::with_curves);
}
TEST_CASE("Cortex-M, without vectors: Softmax of equal elements has the reference's bits") {
  compare(equal_rows_net, widths::bytes, sets::armv7em_dsp);
  compare(equal_rows_net, widths::mixed, sets::armv7em_dsp);
}
TEST_CASE("Hexagon: Softmax has the reference's bits in vectors, ties included") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare_hexagon(softmax_net, kind);
    compare_hexagon(equal_rows_net, kind);
  }
}
