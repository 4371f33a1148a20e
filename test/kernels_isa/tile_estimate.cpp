// SPDX-License-Identifier: Apache-2.0
// How many tile instructions the AMX kernels execute for the shapes of docs/reference/x86.md, and the cycles that
// emulated/tile_clock.hpp derives from the manual's numbers: an estimate, no measurement. Prints a table.
#include <cstdio>

#include "kernels_isa/amx_unit.hpp"
#include "kernels_isa/net_maker.hpp"
#include "kernels_isa/unit_entries.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

namespace {

/// Of 64 results, plain, under rne: 16 vector instructions (4 conversions, 4 products and sums, 4 differences, 3 packs, a permutation), two a
/// cycle, between the products of the next block.
constexpr double finishing_cycles = 8;

struct shape_of_case {
  int kernel, stride, size, in, out;  // kernel 0: FullyConnected of `size` rows
};
constexpr shape_of_case cases[] = {
    {0, 1, 512, 512, 512}, {0, 1, 128, 256, 1024}, {0, 1, 1, 1280, 1000}, {0, 1, 16, 1024, 1024},
    {3, 1, 56, 64, 64},    {3, 1, 28, 128, 128},   {3, 1, 14, 256, 256},  {3, 1, 7, 512, 512},
    {1, 1, 112, 32, 16},   {1, 1, 56, 24, 144},    {1, 1, 14, 96, 576},   {1, 1, 7, 320, 1280},
    {7, 2, 224, 3, 64},    {3, 2, 224, 3, 32},     {1, 1, 56, 64, 256},   {1, 1, 56, 256, 64},
    {3, 2, 56, 128, 128},  {1, 1, 28, 128, 512},   {1, 1, 28, 512, 128},  {1, 1, 14, 256, 1024},
    {1, 1, 14, 1024, 256}, {1, 1, 7, 512, 2048},   {1, 1, 7, 2048, 512},  {1, 2, 56, 256, 512},
    {3, 1, 32, 16, 16},    {3, 1, 16, 32, 32},     {3, 1, 8, 64, 64}};

void print(const shape_of_case& c, const std::vector<kernel_entry>& entries) {
  const signature types{.out = dtype::ufixed_8, .in = {dtype::ufixed_8, dtype::sfixed_8, dtype::sfixed_32}};
  isa_test::net_maker m(1, types);
  m.n.rounding = rounding_mode::rne;
  const bool rows = c.kernel == 0;
  const int x = m.n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = types.in[0], .dims = rows ? shape{c.size, c.in} : shape{1, c.size, c.size, c.in}, .enc = net_encoding::tensor(0.05f, -128)});
  net_tensor w{.name = "w", .kind = tensor_kind::constant, .type = types.in[1], .dims = rows ? shape{c.out, c.in} : shape{c.kernel, c.kernel, c.in, c.out}, .enc = net_encoding::tensor(0.01f, 0)};
  w.data = isa_test::random_bytes(m.d, w);
  const std::vector<int> inputs{x, m.n.add_tensor(w), m.bias(c.out)};
  op::conv2d::params p;
  p.stride = {static_cast<std::uint32_t>(c.stride), static_cast<std::uint32_t>(c.stride)};
  p.pad_amount.fill(static_cast<std::uint32_t>(c.kernel / 2));
  if (rows) m.n.add_node<op::fully_connected>("node", inputs, {}, {});
  else m.n.add_node<op::conv2d>("node", inputs, {}, p);
  net_tensor y{.name = "y", .kind = tensor_kind::app_read, .type = types.out, .enc = net_encoding::tensor(0.5f, -128)};
  y.dims = m.n.infer(m.n.nodes.back())[0];
  m.n.nodes.back().outputs = {m.n.add_tensor(y)};
  interpreter run(std::shared_ptr<const frozen_net>(m.n.freeze()), {.backend = "reference", .extra_kernels = entries});
  const qnnx_test_tile_work a = qnnx_test_tiles();
  run.run();
  const qnnx_test_tile_work b = qnnx_test_tiles();
  const auto outputs = static_cast<double>(y.dims.size());
  const double macs = outputs * c.in * (rows ? 1 : c.kernel * c.kernel);
  const auto cycles = static_cast<double>(b.cycles - a.cycles);
  char name[64];
  if (rows) std::snprintf(name, sizeof name, "FullyConnected %dx%dx%d", c.size, c.in, c.out);
  else std::snprintf(name, sizeof name, "Conv2d %dx%d%s %dx%d %d->%d", c.kernel, c.kernel, c.stride > 1 ? " stride 2" : "", c.size, c.size, c.in, c.out);
  const auto thousands = [](std::int64_t n) { return static_cast<double>(n) / 1000; };
  const double finishing = outputs / 64 * finishing_cycles;
  std::printf("| %s | %lld | %lld | %lld | %.0f | %.1f | %.1f | %.1f | %.1f | %.1f | %.0f | %.0f |\n", name, static_cast<long long>(b.products - a.products),
              static_cast<long long>(b.loads - a.loads), static_cast<long long>(b.stores - a.stores), static_cast<double>(b.bytes_loaded - a.bytes_loaded + b.bytes_stored - a.bytes_stored) / 1024,
              thousands(b.product_cycles - a.product_cycles), thousands(b.load_cycles - a.load_cycles), thousands(b.store_cycles - a.store_cycles), cycles / 1000, finishing / 1000,
              macs / 1024 / cycles * 100, macs / 1024 / (cycles > finishing ? cycles : finishing) * 100);
}

}  // namespace

int main() {
  if (!processor_has("avx512vnni")) return std::printf("this processor does not have avx512vnni, which amx's kernels are compiled for\n"), 77;
  const std::vector<kernel_entry> entries = isa_test::entries_of(qnnx_test_kernels_amx);
  std::printf("| case | products | loads | stores | KB | k cycles: products | loads | stores | tiles, with latencies | finishing | %% of peak, tiles alone | with finishing |\n"
              "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
  for (const shape_of_case& c : cases) print(c, entries);
  return 0;
}
