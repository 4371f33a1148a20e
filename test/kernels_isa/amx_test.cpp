// SPDX-License-Identifier: Apache-2.0
// AMX on tiles in memory (emulated/): the instructions against the manual's words, and the kernels on shapes of every kind
// against the reference, each array in memory of exactly its size, in pieces and on several threads.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdio>
#include <span>
#include <thread>

#include "kernels_isa/amx_unit.hpp"
#include "kernels_isa/emulated/tile_state.hpp"
#include "kernels_isa/exact_memory.hpp"
#include "kernels_isa/tile_nets.hpp"
#include "kernels_isa/unit_entries.hpp"

#if defined(__x86_64__)
using namespace qnnx;
using namespace qnnx::isa_test;

namespace {

using kernel::x86::tiles::tile_fault;
using kernel::x86::tiles::tile_state;

struct tile_sizes {
  std::uint8_t bytes[64] = {1};
  tile_sizes& tile(int i, int rows, int row_bytes) {
    bytes[48 + i] = static_cast<std::uint8_t>(rows);
    bytes[16 + 2 * i] = static_cast<std::uint8_t>(row_bytes);
    bytes[17 + 2 * i] = static_cast<std::uint8_t>(row_bytes >> 8);
    return *this;
  }
  tile_sizes& byte(int at, int value) { return bytes[at] = static_cast<std::uint8_t>(value), *this; }
};

/// Everything that a run is asked for.
struct run_request {
  std::span<const kernel_entry> more{};
  unsigned seed = 1;
  int pieces = 1;
  void (*run)(void*, void (*)(void*, std::int32_t), void*, std::int32_t) = nullptr;
};
std::vector<std::byte> result(const std::shared_ptr<const frozen_net>& n, const run_request& r) {
  interpreter run(n, {.backend = "reference", .extra_kernels = r.more, .threads = {r.pieces, nullptr, r.run}, .least_ns = r.pieces > 1 ? 0 : kernel::serial_ns});
  CHECK(std::string(run.kernel_isa(0)) == (r.more.empty() ? "reference" : "amx"));
  dice d(r.seed);
  for (int i = 0; i < n->g.tensor_count; ++i) {
    const tensor_desc& t = n->g.tensors[i];
    if (t.kind != tensor_kind::app_write) continue;
    std::vector<std::byte> b = random_bytes(d, {.type = t.type, .dims = t.dims});
    if (t.name.starts_with("ends")) {
      const int low = is_signed_fixed(t.type) ? 128 : 0;
      for (std::byte& v : b) v = static_cast<std::byte>(low ^ (r.seed % 3 == 0 ? 0 : r.seed % 3 == 1 ? 255 : std::to_integer<int>(v) % 2 * 255));
    }
    std::copy(b.begin(), b.end(), run.bytes(i).begin());
  }
  run.run();
  const auto y = run.bytes(n->g.nodes[0].outputs[0]);
  return {y.begin(), y.end()};
}

std::atomic<int> threads_with_tiles, threads_with_products;
/// Each piece on a thread of its own, all at once.
void run_on_threads(void*, void (*work)(void*, std::int32_t), void* data, std::int32_t count) {
  std::vector<std::thread> threads;
  for (std::int32_t i = 0; i < count; ++i)
    threads.emplace_back([=] {
      work(data, i);
      const qnnx_test_tile_work done = qnnx_test_tiles();
      threads_with_tiles += done.configured;
      threads_with_products += done.products > 0;
    });
  for (std::thread& t : threads) t.join();
}
void run_backwards(void*, void (*work)(void*, std::int32_t), void* data, std::int32_t count) {
  while (count-- > 0) work(data, count);
}

bool may_run() {
  if (processor_has("avx512vnni")) return true;
  std::printf("skipped: this processor does not have avx512vnni, which amx's kernels are compiled for\n");
  return false;
}
net make_net(const kernel_entry& e, unsigned seed) {
  if (e.op->name == op::conv2d::name) return tile_window_net(seed, e.types);
  return e.op->name == op::fully_connected::name ? tile_rows_net(seed, e.types) : tile_matrix_net(seed, e.types);
}

}  // namespace

TEST_CASE("tiles in memory: what the manual's pseudo-code does") {
  tile_state t;
  std::uint8_t a[16 * 80], b[16 * 64], c[16 * 64];
  dice d(1);
  for (std::uint8_t& v : a) v = static_cast<std::uint8_t>(d.g());
  for (std::uint8_t& v : b) v = static_cast<std::uint8_t>(d.g());
  for (std::uint8_t& v : c) v = static_cast<std::uint8_t>(d.g());
  for (int signs = 0; signs < 4; ++signs) {
    const int rows = 5, words = 7, columns = 9;
    t.configure(tile_sizes().tile(0, rows, columns * 4).tile(1, rows, words * 4).tile(2, words, columns * 4).bytes);
    CHECK(t.configured());
    t.load(0, c, 64);
    t.load(1, a, 80);
    t.load(2, b, 64);
    t.add_product(0, 1, signs & 1, 2, signs & 2);
    std::uint8_t out[16 * 64];
    std::fill(std::begin(out), std::end(out), std::uint8_t{0x77});
    t.store(0, out, 64);
    for (int m = 0; m < 16; ++m)
      for (int n = 0; n < 16; ++n) {
        std::uint32_t sum = 0, got = 0;
        std::memcpy(&got, out + m * 64 + n * 4, 4);
        if (m >= rows || n >= columns) {
          CHECK(got == 0x77777777u);
          continue;
        }
        std::memcpy(&sum, c + m * 64 + n * 4, 4);
        for (int k = 0; k < words * 4; ++k) {
          const int x = a[m * 80 + k], w = b[k / 4 * 64 + n * 4 + k % 4];
          sum += static_cast<std::uint32_t>((signs & 1 && x > 127 ? x - 256 : x) * (signs & 2 && w > 127 ? w - 256 : w));
        }
        CHECK(got == sum);
      }
  }
  // a row again and again; a configuration makes all tiles zero
  t.load(0, c, 0);
  std::uint8_t out[16 * 64] = {};
  t.store(0, out, 36);
  for (int m = 0; m < 5; ++m) CHECK(std::memcmp(out + m * 36, c, 36) == 0);
  t.configure(tile_sizes().tile(0, 16, 64).bytes);
  t.store(0, out, 64);
  CHECK(std::all_of(std::begin(out), std::end(out), [](std::uint8_t v) { return v == 0; }));
  t.release();
  CHECK_FALSE(t.configured());
}
TEST_CASE("tiles in memory: the manual's faults") {
  tile_state t;
  std::uint8_t x[16 * 64] = {};
  CHECK_THROWS_AS(t.load(0, x, 64), tile_fault);
  for (const tile_sizes& wrong : {tile_sizes().byte(0, 2), tile_sizes().byte(2, 1), tile_sizes().byte(15, 1), tile_sizes().byte(32, 1), tile_sizes().byte(63, 1),
                                  tile_sizes().tile(0, 17, 64), tile_sizes().tile(0, 16, 65), tile_sizes().tile(7, 1, 256), tile_sizes().tile(3, 0, 4), tile_sizes().tile(3, 4, 0)})
    CHECK_THROWS_AS(t.configure(wrong.bytes), tile_fault);
  CHECK_FALSE(t.configured());
  const auto product = [&](const tile_sizes& sizes, int sum = 0, int a = 1, int b = 2) {
    t.configure(sizes.bytes);
    t.add_product(sum, a, false, b, true);
  };
  CHECK_NOTHROW(product(tile_sizes().tile(0, 3, 8).tile(1, 3, 12).tile(2, 3, 8)));
  CHECK_THROWS_AS(product(tile_sizes().tile(0, 3, 8).tile(1, 2, 12).tile(2, 3, 8)), tile_fault);
  CHECK_THROWS_AS(product(tile_sizes().tile(0, 3, 8).tile(1, 3, 8).tile(2, 3, 8)), tile_fault);
  CHECK_THROWS_AS(product(tile_sizes().tile(0, 3, 8).tile(1, 3, 12).tile(2, 3, 12)), tile_fault);
  CHECK_THROWS_AS(product(tile_sizes().tile(0, 3, 6).tile(1, 3, 12).tile(2, 3, 6)), tile_fault);
  CHECK_THROWS_AS(product(tile_sizes().tile(0, 3, 8).tile(1, 3, 12)), tile_fault);
  CHECK_THROWS_AS(product(tile_sizes().tile(0, 2, 8).tile(1, 2, 8).tile(2, 2, 8), 0, 0, 2), tile_fault);
  CHECK_THROWS_AS(t.store(5, x, 64), tile_fault);
  t.configure(tile_sizes().byte(0, 0).bytes);
  CHECK_FALSE(t.configured());
}

TEST_CASE("amx, every kind of window and product: the reference's bits, in memory of exactly their size, in pieces, on threads") {
  if (!may_run()) return;
  const std::vector<kernel_entry> entries = entries_of(qnnx_test_kernels_amx);
  threads_with_products = 0;
  for (const kernel_entry& e : entries) {
    CAPTURE(e.op->name);
    CAPTURE(to_string(e.types.in[0]));
    CAPTURE(to_string(e.types.in[1]));
    for (unsigned seed = 1; seed <= 120; ++seed) {
      CAPTURE(seed);
      const net made = make_net(e, seed);
      const auto n = std::shared_ptr<const frozen_net>(made.freeze());
      const std::vector<std::byte> expected = result(n, {.seed = seed});
      const std::int64_t before = qnnx_test_tiles().products;
      {
        const exact_memory exact(e, *n);
        CHECK(result(n, {.more = {&exact.entry, 1}, .seed = seed}) == expected);
        CHECK(exact.whole());
        const int pieces = 2 + static_cast<int>(seed % 6);
        CHECK(result(n, {.more = {&exact.entry, 1}, .seed = seed, .pieces = pieces, .run = run_backwards}) == expected);
        CHECK(exact.whole());
      }
      // 4-bit weights of a few rows are avx512vnni's
      const bool few = e.types.in[1] == dtype::sfixed_4 && made.tensors[static_cast<std::size_t>(made.nodes[0].inputs[0])].dims[0] <= 4;
      if (e.op->name != op::fully_connected::name || !few) CHECK(qnnx_test_tiles().products > before);
      if (seed % 3 == 0) CHECK(result(n, {.more = {&e, 1}, .seed = seed, .pieces = 4, .run = run_on_threads}) == expected);
      CHECK(qnnx_test_tiles().configured == 0);
    }
  }
  CHECK(threads_with_products > 100);
  CHECK(threads_with_tiles == 0);
}
#endif
