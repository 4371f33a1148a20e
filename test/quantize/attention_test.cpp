// SPDX-License-Identifier: Apache-2.0
// Attention masks under quantization: a mask of -10000, of the lowest float or of -infinity must not take the steps
// from the scores.
#include <doctest/doctest.h>

#include <limits>

#include "passes/float_net.hpp"
#include "qnnx/runtime/passes/optimize.hpp"
#include "qnnx/runtime/quantize.hpp"

using namespace testing;

namespace {

constexpr int rows = 6;
constexpr int keys = 8;
enum class form { added, added_constant, chosen };

/// softmax(2 * x masked) times v. `keep` is 1 where a key counts; added: (1 - keep) * lowest, chosen: Select.
net attention(form f, float lowest) {
  layers l;
  const int x = l.input("x", {1, rows, keys});
  const int v = l.input("v", {1, keys, 4});
  int scores = l.add<op::elementwise_multiply>({x, l.constant({1}, std::vector<float>{2.0f})});
  if (f == form::added_constant) {
    std::vector<float> mask(rows * keys, 0.0f);
    for (int r = 0; r < rows; ++r)
      for (int k = r + 3; k < keys; ++k) mask[static_cast<std::size_t>(r * keys + k)] = lowest;
    scores = l.add<op::elementwise_add>({scores, l.constant({1, rows, keys}, mask)});
  } else {
    const int keep = l.input("keep", {1, 1, keys});
    const int hidden = l.add<op::elementwise_subtract>({l.constant({1}, std::vector<float>{1.0f}), keep});
    if (f == form::added) {
      const int mask = l.add<op::elementwise_multiply>({hidden, l.constant({1}, std::vector<float>{lowest})});
      scores = l.add<op::elementwise_add>({scores, mask});
    } else {
      const int yes = l.add<op::elementwise_greater>({hidden, l.constant({1}, std::vector<float>{0.5f})});
      l.n.tensors[static_cast<std::size_t>(yes)].type = dtype::bool_8;
      scores = l.add<op::elementwise_select>({yes, l.constant({1}, std::vector<float>{lowest}), scores});
    }
  }
  l.output(l.add<op::matmul>({l.add<op::softmax>({scores}), v}));
  return l.n;
}

std::vector<std::vector<float>> inputs(const net& n, unsigned seed) {
  auto v = random_inputs(n, seed, -1.5f, 1.5f);
  if (v.size() == 3)
    for (int k = 0; k < keys; ++k) v[2][static_cast<std::size_t>(k)] = k < 3 + static_cast<int>(seed % 4) ? 1.0f : 0.0f;
  return v;
}

net stored(const net& real, const quantize_options& o) {
  net n = real;
  calibrate(
      n,
      [&](std::size_t k, std::span<const std::span<std::byte>> to) {
        if (k >= 16) return false;
        const auto v = inputs(n, static_cast<unsigned>(k) + 1);
        for (std::size_t i = 0; i < to.size(); ++i) std::memcpy(to[i].data(), v[i].data(), to[i].size());
        return true;
      },
      o);
  quantize(n, o);
  return n;
}

double noise(const net& real, const net& q) {
  std::vector<float> a;
  std::vector<float> b;
  for (unsigned seed = 1; seed <= 8; ++seed) {
    const auto x = run(real, inputs(real, seed));
    const auto y = run(q, inputs(real, seed));
    a.insert(a.end(), x.begin(), x.end());
    b.insert(b.end(), y.begin(), y.end());
  }
  return sqnr_db(a, b);
}

}  // namespace

TEST_CASE("masked scores keep their steps, whatever the mask's number is") {
  const float least = std::numeric_limits<float>::lowest();
  for (const form f : {form::added, form::added_constant, form::chosen})
    for (const float lowest : {-10000.0f, least, -std::numeric_limits<float>::infinity()}) {
      if (f == form::added && !std::isfinite(lowest)) continue;  // 0 * infinity
      for (const int bits : {8, 16}) {
        CAPTURE(static_cast<int>(f));
        CAPTURE(lowest);
        CAPTURE(bits);
        net real = attention(f, lowest);
        quantize_options o;
        o.act_bitwidth = bits;
        const net q = stored(real, o);
        int floats = 0;
        for (const net_node& k : q.nodes)
          if (k.op->name != "Quantize" && k.op->name != "Dequantize")
            for (int t : k.outputs) floats += q.tensors[static_cast<std::size_t>(t)].type == dtype::float_32;
        CHECK(floats == 0);
        CHECK(noise(real, q) > (bits == 8 ? 28 : 60));
      }
    }
}

TEST_CASE("a tensor that others read too keeps its whole range") {
  net real = attention(form::added, -10000.0f);
  int mask = -1;
  for (const net_node& k : real.nodes)
    if (k.is<op::elementwise_add>()) mask = k.inputs[1];
  real.tensors[static_cast<std::size_t>(mask)].kind = tensor_kind::app_read;
  const net q = stored(real, {});
  for (const net_node& k : q.nodes)
    if (k.is<op::elementwise_add>())
      CHECK(q.tensors[static_cast<std::size_t>(k.inputs[1])].enc.scale() == doctest::Approx(10000.0 / 255));
}
