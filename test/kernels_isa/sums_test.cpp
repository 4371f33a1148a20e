// SPDX-License-Identifier: Apache-2.0
// ElementWiseAdd and ElementWiseSubtract of 8 bits over every pair of bytes, random encodings: the kernels' digits
// (kernel/x86/digit_sum.hpp) against the reference. Nets are counted by the form of their digits, so that each is seen.
#include <doctest/doctest.h>

#include <array>

#include "kernels_isa/nets.hpp"
#include "qnnx/kernel/rescale.hpp"
#include "qnnx/kernel/x86/digit_plan.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;
using namespace qnnx::isa_test;

namespace {

constexpr int bytes = 256;

/// x + z or x - z over every pair, scales far apart or near each other, results that fill the range or leave it.
template <class Op>
net pairs_net(unsigned seed, dtype t) {
  const signature types{.out = t, .in = {t, t}};
  net_maker m(seed, types);
  dice& d = m.d;
  m.n.rounding = d.chance(50) ? rounding_mode::rne : rounding_mode::half_up;
  const float a = d.real(0.01f, 0.1f);
  const float b = d.chance(10) ? a : d.chance(70) ? a * d.real(0.5f, 1.5f) : a * std::exp2(d.real(-9.0f, 9.0f));
  const bool symmetric = is_signed_fixed(t) && d.chance(50);
  // The lowest constants: results from real 0 on, data about it, and as many bits shifted out as there may be
  const bool lowest = seed % 4 == 0;
  const int middle = is_signed_fixed(t) ? 0 : -128;
  const auto encoding = [&](float scale) { return net_encoding::tensor(scale, lowest ? middle + d.roll(-2, 2) : symmetric ? 0 : m.offset_for(t)); };
  net& n = m.n;
  const int x = n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = t, .dims = {bytes, bytes}, .enc = encoding(a)});
  const int z = n.add_tensor({.name = "z", .kind = tensor_kind::app_write, .type = t, .dims = {bytes, bytes}, .enc = encoding(b)});
  n.add_node<Op>("node", {x, z}, {}, {});
  const float y = lowest ? (a > b ? a : b) * d.real(2.05f, 3.9f) : d.chance(10) ? a : d.chance(10) ? a * 256 : (a + b) * d.real(0.1f, 1.2f);
  net made = m.finish(false);
  made.tensors.back().enc = lowest ? net_encoding::tensor(y, middle + 128) : encoding(y);
  return made;
}

struct seen {
  int cut = 0;      // digits of the data as it lies
  int general = 0;  // digits of 7 bits
};

template <class Op>
void check_pairs(const std::string& isa, dtype t, seen& count) {
  for (unsigned seed = 1; seed <= 120; ++seed) {
    CAPTURE(seed);
    const auto n = std::shared_ptr<const frozen_net>(pairs_net<Op>(seed, t).freeze());
    const auto& node = n->g.nodes[0];
    const auto result = [&](const std::string& backend) {
      interpreter run(n, {.backend = backend});
      CHECK(run.kernel_isa(0) == backend);
      for (int i = 0; i < 2; ++i) {
        const auto data = run.bytes(node.inputs[static_cast<std::size_t>(i)]);
        for (std::size_t at = 0; at < data.size(); ++at) data[at] = static_cast<std::byte>(i == 0 ? at % bytes : at / bytes);
      }
      run.run();
      const auto y = run.bytes(node.outputs[0]);
      return std::vector<std::byte>(y.begin(), y.end());
    };
    CHECK(result(isa) == result("reference"));

    const auto enc = [&](auto tensor) { return n->g.tensors[static_cast<std::size_t>(tensor)].enc; };
    const auto a = enc(node.inputs[0]), b = enc(node.inputs[1]), y = enc(node.outputs[0]);
    std::int32_t k[kernel::add_constants_words];
    kernel::make_add_constants(a.scale, b.scale, y.scale, 8, rounding::half_up{}, k);
    const bool subtract = std::is_same_v<Op, op::elementwise_subtract>;
    const std::int32_t m1 = subtract ? -k[2] : k[2];
    if (k[6] < 15 || k[6] > 22) continue;
    const std::int64_t c = std::int64_t{k[0]} * a.offset + std::int64_t{m1} * b.offset + (std::int64_t{1} << (k[6] - 1)) -
                           std::int64_t{y.offset} * (std::int64_t{1} << k[6]);
    const bool cut = kernel::x86::digit_plan(k[0], m1, c, k[6], is_signed_fixed(t), isa == "avx2").found && !(is_signed_fixed(t) && subtract);
    ++(cut ? count.cut : count.general);
  }
}

}  // namespace

TEST_CASE("x86: sums and differences of every pair of bytes") {
  for (const std::string isa : {"avx2", "avx512vnni"}) {
    if (!processor_has(isa)) {
      std::printf("skipped: this processor does not have %s\n", isa.c_str());
      continue;
    }
    CAPTURE(isa);
    for (const dtype t : {dtype::ufixed_8, dtype::sfixed_8}) {
      CAPTURE(is_signed_fixed(t));
      seen count;
      check_pairs<op::elementwise_add>(isa, t, count);
      CHECK(count.cut > 30);
      check_pairs<op::elementwise_subtract>(isa, t, count);
      CHECK(count.general > 10);
    }
  }
}
