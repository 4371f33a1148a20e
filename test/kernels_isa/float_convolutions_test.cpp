// SPDX-License-Identifier: Apache-2.0
// Float convolutions of x86 sets. With small integers in the data and multiples of four in the weights everything is
// exact, so every result is the reference's, in Winograd's form (kernel/x86/winograd_floats.hpp) as in windows
// (float_windows.hpp, data of several bands and batches). With values of very different magnitudes Winograd's bound, tile
// by tile. Results that lie over their dying data; pieces.
#include <doctest/doctest.h>

#include <cstdio>

#include "kernels_isa/nets.hpp"
#include "kernels_isa/winograd_bound.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;
using namespace qnnx::isa_test;

namespace {

constexpr signature floats{dtype::float_32, {dtype::float_32, dtype::float_32, dtype::float_32}, 3};
enum class values { integers, magnitudes };

void fill(dice& d, std::vector<std::byte>& bytes, values how, int step) {
  for (std::size_t i = 0; i + 4 <= bytes.size(); i += 4) {
    float v = static_cast<float>(step * d.roll(-8, 8));
    if (how == values::magnitudes) v = std::ldexp(d.real(-1, 1), d.chance(10) ? d.roll(-20, 10) : 0);
    std::memcpy(&bytes[i], &v, 4);
  }
}

/// Layers of 3x3 windows, one after the other.
net tiled_net(unsigned seed, values how, int layers) {
  net_maker m(seed, floats);
  dice& d = m.d;
  m.n.rounding = rounding_mode::rne;
  const bool large = d.chance(15);
  int depth = 16 * d.roll(1, d.chance(20) ? 9 : 3);
  if (layers == 1 && d.chance(20)) depth += 8;  // whole vectors of avx2 only
  int x = m.input("x", {large ? 1 : d.roll(1, 3), large ? d.roll(20, 40) : d.roll(2, 13), large ? d.roll(20, 40) : d.roll(2, 13), depth});
  for (int k = 0; k < layers; ++k) {
    const std::string number = layers == 1 ? "" : std::to_string(k);
    const shape in = m.n.tensors[static_cast<std::size_t>(x)].dims;
    const int channels = layers > 1 ? depth : d.chance(50) ? 16 * d.roll(1, 9) : d.roll(16, 150);
    const int w = m.weights({3, 3, in[3], channels}, 3);
    std::vector<int> inputs{x, w};
    if (layers > 1 || d.chance(80)) inputs.push_back(m.bias(channels));
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      net_tensor& t = m.n.tensors[static_cast<std::size_t>(inputs[i])];
      t.name += number;
      fill(d, t.data, how, i == 1 ? 4 : 1);
    }
    op::conv2d::params p;
    for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = layers > 1 ? 1 : static_cast<std::uint32_t>(d.roll(in[i < 2 ? 1 : 2] < 4 ? 1 : 0, 2));
    m.n.add_node<op::conv2d>("node" + number, inputs, {}, p);
    if (layers == 1) break;
    net_tensor y{.name = "y" + number, .kind = k + 1 == layers ? tensor_kind::app_read : tensor_kind::native, .type = floats.out};
    y.dims = m.n.infer(m.n.nodes.back())[0];
    x = m.n.add_tensor(y);
    m.n.nodes.back().outputs = {x};
  }
  if (layers > 1) return std::move(m.n);
  return m.finish(m.n.nodes[0].inputs.size() == 3);
}

/// Data of more than one band of lines, or batch of pixels.
net banded_net(unsigned seed) {
  net_maker m(seed, floats);
  dice& d = m.d;
  m.n.rounding = rounding_mode::rne;
  const bool pointwise = d.chance(30);
  const int group = d.chance(20) ? 2 : 1;
  const int depth = group * d.roll(12, 40), channels = group * (d.chance(30) ? d.roll(1, 12) : d.roll(13, 70));
  const int kh = pointwise ? 1 : d.roll(1, 4), kw = pointwise ? 1 : d.roll(1, 4);
  op::conv2d::params p;
  p.group = static_cast<std::uint32_t>(group);
  if (!pointwise) {
    p.stride = {static_cast<std::uint32_t>(d.roll(1, 2)), static_cast<std::uint32_t>(d.roll(1, 2))};
    if (d.chance(25)) p.dilation = {static_cast<std::uint32_t>(d.roll(1, 2)), 2};
    for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = static_cast<std::uint32_t>(d.chance(30) ? 0 : d.roll(0, 3));
  }
  const int x = m.input("x", {d.roll(1, 2), d.roll(30, 60), d.roll(30, 60), depth});
  std::vector<int> inputs{x, m.weights({kh, kw, depth / group, channels}, 3)};
  if (d.chance(80)) inputs.push_back(m.bias(channels));
  for (std::size_t i = 1; i < inputs.size(); ++i) fill(d, m.n.tensors[static_cast<std::size_t>(inputs[i])].data, values::integers, 1);
  m.n.add_node<op::conv2d>("node", inputs, {}, p);
  return m.finish(inputs.size() == 3);
}

/// Pieces one after the other, the last one first.
void run_backwards(void*, void (*work)(void*, std::int32_t), void* data, std::int32_t count) {
  while (count-- > 0) work(data, count);
}

struct outcome {
  std::vector<float> y, x;
  int laid_over = 0;  // results that begin inside their data
};
outcome result(const std::shared_ptr<const frozen_net>& n, const std::string& isa, unsigned seed, values how, int pieces = 1, bool keep_all = false) {
  interpreter run(n, {.backend = isa, .keep_all = keep_all, .threads = {pieces, nullptr, run_backwards}, .least_ns = pieces > 1 ? 0 : kernel::serial_ns});
  dice d(seed);
  outcome r;
  for (int i = 0; i < n->g.tensor_count; ++i) {
    const tensor_desc& t = n->g.tensors[i];
    if (t.kind != tensor_kind::app_write) continue;
    std::vector<std::byte> b(static_cast<std::size_t>(t.dims.size()) * 4);
    fill(d, b, how, 1);
    std::copy(b.begin(), b.end(), run.bytes(i).begin());
    if (r.x.empty()) r.x.resize(b.size() / 4), std::memcpy(r.x.data(), b.data(), b.size());
  }
  run.run();
  const auto y = run.bytes(n->g.nodes[n->g.node_count - 1].outputs[0]);
  r.y.resize(y.size() / 4);
  std::memcpy(r.y.data(), y.data(), y.size());
  for (int k = 0; k < n->g.node_count; ++k) {
    const std::int64_t from = run.arena_offset(n->g.nodes[k].inputs[0]), to = run.arena_offset(n->g.nodes[k].outputs[0]);
    r.laid_over += to <= from && from < to + byte_size(n->g.tensors[n->g.nodes[k].outputs[0]]);
    CHECK(run.kernel_isa(k) == isa);
  }
  return r;
}

const float* constants_of(const net& n, std::size_t input) {
  const auto& inputs = n.nodes[0].inputs;
  if (inputs.size() <= input || n.tensors[static_cast<std::size_t>(inputs[input])].kind != tensor_kind::constant) return nullptr;
  return reinterpret_cast<const float*>(n.tensors[static_cast<std::size_t>(inputs[input])].data.data());
}

template <class F>
void for_sets(F&& f) {
  for (const std::string isa : {"avx2", "avx512vnni"}) {
    CAPTURE(isa);
    if (processor_has(isa)) f(isa);
    else std::printf("skipped: this processor does not have %s\n", isa.c_str());
  }
}

}  // namespace

TEST_CASE("windows of exact data in bands: the reference's results, whole and in pieces") {
  for_sets([](const std::string& isa) {
    for (unsigned seed = 1; seed <= 40; ++seed) {
      CAPTURE(seed);
      const auto n = std::shared_ptr<const frozen_net>(banded_net(seed).freeze());
      const outcome fast = result(n, isa, seed, values::integers);
      CHECK(fast.y == result(n, "reference", seed, values::integers).y);
      CHECK(fast.y == result(n, isa, seed, values::integers, 2 + static_cast<int>(seed % 5)).y);
    }
  });
}
TEST_CASE("Winograd's form of exact data: the reference's results, whole and in pieces") {
  for_sets([](const std::string& isa) {
    int taken = 0;
    for (unsigned seed = 1; seed <= 80; ++seed) {
      CAPTURE(seed);
      const net made = tiled_net(seed, values::integers, 1);
      const auto n = std::shared_ptr<const frozen_net>(made.freeze());
      taken += winograd_form(isa, n->g, 0);
      const outcome fast = result(n, isa, seed, values::integers);
      CHECK(fast.y == result(n, "reference", seed, values::integers).y);
      CHECK(fast.y == result(n, isa, seed, values::integers, 2 + static_cast<int>(seed % 5)).y);
    }
    CHECK(taken >= 50);
  });
}
TEST_CASE("values of many magnitudes: within the bound") {
  for_sets([](const std::string& isa) {
    int taken = 0;
    double nearest = 0;  // of a difference to its bound
    for (unsigned seed = 1; seed <= 40; ++seed) {
      CAPTURE(seed);
      net made = tiled_net(seed, values::magnitudes, 1);
      const bool residual = made.nodes[0].epi.residual >= 0;
      const auto n = std::shared_ptr<const frozen_net>(made.freeze());
      if (!winograd_form(isa, n->g, 0)) continue;
      ++taken;
      const outcome fast = result(n, isa, seed, values::magnitudes), slow = result(n, "reference", seed, values::magnitudes);
      const std::vector<double> bound = winograd_bounds(n->g, fast.x.data(), constants_of(made, 1), constants_of(made, 2));
      REQUIRE(bound.size() == fast.y.size());
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < bound.size(); ++i) {
        const double away = std::fabs(static_cast<double>(fast.y[i]) - static_cast<double>(slow.y[i]));
        const double most = bound[i] + (residual ? 0x1p-23 * (std::fabs(slow.y[i]) + bound[i]) : 0);  // both round the sum with it
        wrong += !(away <= most);
        if (away > 0) nearest = std::max(nearest, away / most);
      }
      CHECK(wrong == 0);
      CHECK(fast.y != slow.y);  // another order of additions
    }
    CHECK(taken > 20);
    CHECK(nearest > 0);
    std::printf("%s: at most %.3f of the bound\n", isa.c_str(), nearest);
  });
}
TEST_CASE("results over their dying data") {
  for_sets([](const std::string& isa) {
    for (const std::string form : {"Winograd's", "windows", "products"}) {
      CAPTURE(form);
      int laid_over = 0;
      for (unsigned seed = 1; seed <= 25; ++seed) {
        CAPTURE(seed);
        const bool tiles = form == "Winograd's";
        const net made = tiles ? tiled_net(seed, values::magnitudes, 4) : chain_net(seed, floats, form == "products");
        const auto n = std::shared_ptr<const frozen_net>(made.freeze());
        for (int k = 0; tiles && k < 4; ++k) CHECK(winograd_form(isa, n->g, k));
        const outcome shared = result(n, isa, seed, values::magnitudes);
        const outcome apart = result(n, isa, seed, values::magnitudes, 1, true);
        CHECK(apart.laid_over == 0);
        laid_over += shared.laid_over;
        CHECK(shared.y == apart.y);
      }
      CHECK(laid_over > 10);
    }
  });
}
