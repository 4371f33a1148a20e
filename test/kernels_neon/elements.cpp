// SPDX-License-Identifier: Apache-2.0
// The aarch64 kernels that go element by element or window by window (kernels_isa/nets.hpp has the random nets): the
// reference's bits, floats too.
#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "kernels_isa/nets.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;
using namespace qnnx::isa_test;

#define SET(NAME) extern "C" const void* qnnx_test_kernels_##NAME(std::size_t*);
QNNX_TEST_SETS
#undef SET

namespace {

std::vector<std::byte> result(const std::shared_ptr<const frozen_net>& n, const std::vector<kernel_entry>& kernels,
                              unsigned seed, std::string& isa) {
  interpreter_options options{.backend = "reference"};
  options.extra_kernels = kernels;
  interpreter run(n, options);
  dice d(seed);
  for (int i = 0; i < n->g.tensor_count; ++i) {
    const tensor_desc& t = n->g.tensors[i];
    if (t.kind != tensor_kind::app_write) continue;
    auto b = random_bytes(d, {.type = t.type, .dims = t.dims});
    if (seed % 3 == 0 && is_fixed(t.type))  // the ends of the range alone, and 0 and -1
      for (std::size_t k = 0, step = static_cast<std::size_t>(bits_of(t.type)) / 8; k + step <= b.size(); k += step) {
        static constexpr unsigned char ends[][2] = {{0, 0}, {0xff, 0xff}, {0, 0x80}, {0xff, 0x7f}};
        const auto* end = ends[d.g() & 3];
        for (std::size_t i = 0; i < step; ++i) b[k + i] = static_cast<std::byte>(end[step == 1 ? 1 : i]);
      }
    std::copy(b.begin(), b.end(), run.bytes(i).begin());
  }
  run.run();
  isa = run.kernel_isa(0);
  const auto y = run.bytes(n->g.nodes[0].outputs[0]);
  return {y.begin(), y.end()};
}

/// Those whose floats have bounds instead: test/kernels_neon/floats.cpp, test/kernels_arm.
bool has_products(std::string_view op) {
  return op == op::conv2d::name || op == op::depthwise_conv2d::name || op == op::fully_connected::name ||
         op == op::matmul::name;
}

void compare(const char* name, const void* (*unit)(std::size_t*)) {
  std::size_t count = 0;
  const auto* bytes = static_cast<const unsigned char*>(unit(&count));
  std::vector<kernel_entry> kernels(count);
  for (std::size_t i = 0; i < count; ++i)
    std::memcpy(static_cast<void*>(&kernels[i]), bytes + i * sizeof(kernel_entry), sizeof(kernel_entry));
  for (const kernel_entry& e : kernels) {
    if (has_products(e.op->name) && !is_fixed(e.types.out)) continue;
    CAPTURE(name);
    CAPTURE(e.op->name);
    CAPTURE(to_string(e.types.out));
    CAPTURE(to_string(e.types.in[0]));
    const auto make = generators().find(e.op->name);
    REQUIRE(make != generators().end());
    int own = 0;
    for (unsigned seed = 1, most = has_products(e.op->name) ? 30 : 60; seed <= most; ++seed) {
      CAPTURE(seed);
      const auto n = std::shared_ptr<const frozen_net>(make->second(seed, e.types).freeze());
      std::string plain, fast;
      const auto expected = result(n, {}, seed, plain);
      CHECK(result(n, kernels, seed, fast) == expected);
      CHECK(plain == "reference");
      own += fast == name;
    }
    CHECK(own > 0);
  }
}

}  // namespace

TEST_CASE("aarch64: kernels of integers, and those by elements and by windows of floats, have the reference's bits") {
#define SET(NAME) compare(#NAME, qnnx_test_kernels_##NAME);
  QNNX_TEST_SETS
#undef SET
}
