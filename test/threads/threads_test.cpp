// SPDX-License-Identifier: Apache-2.0
// Steps in pieces: every kernel that can be cut gives the bits of the whole step for any number of threads, also where
// pieces are made in the reverse order; the pool makes every piece once; plans keep pieces from each other's operands.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "kernels_isa/edge_nets.hpp"
#include "qnnx/runtime/error.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/plan_search.hpp"
#include "qnnx/runtime/thread_pool.hpp"

using namespace qnnx;
using namespace qnnx::isa_test;

namespace {

using frozen = std::shared_ptr<const frozen_net>;

/// Pieces one after the other, the last one first: what one piece must not do to another shows without luck.
struct reversed {
  int threads = 1;
  long pieces = 0;
  executor get() {
    return {threads, this, [](void* self, void (*work)(void*, std::int32_t), void* data, std::int32_t count) {
              static_cast<reversed*>(self)->pieces += count;
              for (std::int32_t i = count; i-- > 0;) work(data, i);
            }};
  }
};

std::vector<std::vector<std::byte>> results(const frozen& n, const std::string& backend, const executor& threads,
                                            unsigned seed, std::int64_t least_ns = 0) {
  interpreter run(n, {.backend = backend, .threads = threads, .least_ns = least_ns});
  dice d(seed);
  for (int i = 0; i < n->g.tensor_count; ++i) {
    const tensor_desc& t = n->g.tensors[i];
    if (t.kind != tensor_kind::app_write) continue;
    const std::vector<std::byte> b = random_bytes(d, {.type = t.type, .dims = t.dims});
    std::copy(b.begin(), b.end(), run.bytes(i).begin());
  }
  run.run();
  std::vector<std::vector<std::byte>> out;
  for (int i = 0; i < n->g.tensor_count; ++i)
    if (n->g.tensors[i].kind == tensor_kind::app_read) out.emplace_back(run.bytes(i).begin(), run.bytes(i).end());
  return out;
}

/// conv 3x3 -> depthwise 3x3 -> conv 1x1 with a residual -> add -> max pool -> fully connected -> softmax, 8 bit.
net chain(unsigned seed) {
  dice d(seed);
  net n;
  n.name = "chain";
  n.rounding = seed % 2 ? rounding_mode::rne : rounding_mode::tflite;
  const int h = d.roll(5, 17);
  const int w = d.roll(5, 17);
  const int c = 8 * d.roll(1, 12);
  int made = 0;
  const auto data = [&](const shape& dims, tensor_kind kind = tensor_kind::native) {
    return n.add_tensor({.name = "t" + std::to_string(made++),
                         .kind = kind,
                         .type = dtype::ufixed_8,
                         .dims = dims,
                         .enc = net_encoding::tensor(0.05f, -d.roll(100, 150))});
  };
  const auto constant = [&](dtype t, const shape& dims, float scale) {
    net_tensor k{.name = "k" + std::to_string(made++),
                 .kind = tensor_kind::constant,
                 .type = t,
                 .dims = dims,
                 .enc = net_encoding::tensor(scale, 0)};
    k.data = random_bytes(d, k);
    if (t == dtype::sfixed_32)
      for (int i = 0; i < dims[0]; ++i) k.as<std::int32_t>()[i] = d.roll(-9000, 9000);
    return n.add_tensor(k);
  };
  const auto weights = [&](const shape& dims) { return constant(dtype::sfixed_8, dims, 0.004f); };
  const auto bias = [&](int channels) { return constant(dtype::sfixed_32, {channels}, 0.0002f); };
  const int x = data({1, h, w, 3}, tensor_kind::app_write);
  const int a = data({1, h, w, c});
  const int b = data({1, h, w, c});
  const int e = data({1, h, w, c});
  const int s = data({1, h, w, c});
  const int p = data({1, h / 2, w / 2, c});
  const int f = data({1, 40});
  const int y = data({1, 40}, tensor_kind::app_read);
  n.add_node<op::conv2d>("conv", {x, weights({3, 3, 3, c}), bias(c)}, {a}, {.pad_amount = {1, 1, 1, 1}});
  n.add_node<op::depthwise_conv2d>("depthwise", {a, weights({3, 3, 1, c}), bias(c)}, {b}, {.pad_amount = {1, 1, 1, 1}})
      .epi.act = activation::relu;
  n.add_node<op::conv2d>("pointwise", {b, weights({1, 1, c, c}), bias(c)}, {e});
  n.add_node<op::elementwise_add>("add", {e, b}, {s});
  n.add_node<op::pool_max2d>("pool", {s}, {p}, {.filter_size = {2, 2}, .stride = {2, 2}});
  n.add_node<op::fully_connected>("connected", {p, weights({40, h / 2 * (w / 2) * c}), bias(40)}, {f});
  n.add_node<op::softmax>("softmax", {f}, {y});
  return n;
}

}  // namespace

TEST_CASE("pool: every piece once, for any number of pieces and threads") {
  for (const int threads : {1, 2, 3, 7}) {
    CAPTURE(threads);
    thread_pool pool(threads);
    CHECK(pool.threads() == threads);
    std::vector<int> seen(9000);
    for (int round = 0; round < 300; ++round) {
      const int count = round % 100 == 99 ? 9000 : round % 11;
      std::fill(seen.begin(), seen.end(), 0);
      pool.run(count, [&](int i) { ++seen[static_cast<std::size_t>(i)]; });
      long wrong = 0;
      for (int i = 0; i < 9000; ++i) wrong += seen[static_cast<std::size_t>(i)] != (i < count ? 1 : 0);
      CHECK(wrong == 0);
    }
  }
  CHECK(physical_cores() >= 1);
}

TEST_CASE("a piece of every item, none twice") {
  for (const int total : {0, 1, 5, 64, 1000})
    for (const int count : {1, 2, 3, 7})
      for (const int grain : {1, 6, 64}) {
        std::int64_t at = 0;
        for (int i = 0; i < count; ++i) {
          const slice s = slice_of({i, count}, total, grain);
          CHECK(s.from == at);
          CHECK((s.to == total || s.to % grain == 0));
          at = s.to;
        }
        CHECK(at == total);
      }
}

TEST_CASE("kernels: the whole step's bits in any number of pieces") {
  thread_pool pool(3);
  for (const std::string backend : {"cpu", "reference"}) {
    std::map<std::string, long> pieces;
    for (const kernel_entry& e : kernel_table(backend)) {
      const auto make = generators().find(e.op->name);
      if (make == generators().end()) continue;
      CAPTURE(backend);
      CAPTURE(e.op->name);
      CAPTURE(to_string(e.types.out));
      CAPTURE(to_string(e.types.in[0]));
      CAPTURE(to_string(e.types.in[1]));
      for (unsigned seed = 1; seed <= 6; ++seed) {
        CAPTURE(seed);
        frozen n;
        try {
          n = make->second(seed, e.types).freeze();
        } catch (const error&) {
          break;  // the generators make nets for the types of instruction sets only
        }
        const auto whole = results(n, backend, {}, seed);
        for (const int threads : {2, 3, 7}) {
          reversed serial{threads};
          CHECK(results(n, backend, serial.get(), seed) == whole);
          pieces[std::string(e.op->name)] += serial.pieces;
        }
        CHECK(results(n, backend, pool.threads_of_steps(), seed) == whole);
      }
    }
    // Ops whose kernels run whole as yet: the reference's reductions, which those of an instruction set are not.
    std::set<std::string> whole{"ChannelShuffle"};
    if (backend == "reference") whole.insert({"ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum"});
    for (const auto& found : pieces) {
      CAPTURE(found.first);
      CHECK((found.second > 0) == !whole.contains(found.first));
    }
    CHECK(pieces.size() > 20);
  }
}

TEST_CASE("3x3 windows without the taps at padding: the whole step's bits in any number of pieces") {
  for (const kernel_entry& e : kernel_table("cpu")) {
    if (e.op->name != op::conv2d::name || !is_fixed(e.types.out) || bits_of(e.types.out) != 8) continue;
    for (unsigned seed = 1; seed <= 3; ++seed) {
      CAPTURE(seed);
      const frozen n = isa_test::edge_net(seed, e.types).freeze();
      const auto whole = results(n, "cpu", {}, seed);
      for (const int threads : {2, 3, 7}) {
        reversed serial{threads};
        CHECK(results(n, "cpu", serial.get(), seed) == whole);
      }
    }
  }
}

TEST_CASE("nets: the same bits for 1, 2, 3 and 7 threads, planned at load or ahead") {
  thread_pool two(2);
  thread_pool seven(7);
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    const net n = chain(seed);
    for (const bool ahead : {false, true}) {
      CAPTURE(ahead);
      const auto made = std::shared_ptr<frozen_net>(n.freeze());
      if (ahead) {  // a plan for one thread: it lets windows overlap their data
        const passes::memory_plan plan = passes::search_plan(made->g, kernel_table("reference"));
        made->plan = plan.offset;
        made->g.plan = made->plan.data();
        made->g.planned_bytes = plan.bytes;
      }
      const auto whole = results(n.freeze(), "reference", {}, seed);
      for (const std::string backend : {"cpu", "reference"}) {
        for (const int threads : {1, 2, 3, 7}) {
          reversed serial{threads};
          CHECK(results(made, backend, serial.get(), seed) == whole);
          CHECK((serial.pieces > 0) == (threads > 1));
        }
        CHECK(results(made, backend, two.threads_of_steps(), seed) == whole);
        CHECK(results(made, backend, seven.threads_of_steps(), seed) == whole);
      }
    }
  }
}

TEST_CASE("a step of little work runs whole") {
  const net n = chain(3);
  reversed serial{2};
  const auto made = frozen(n.freeze());
  CHECK(results(made, "cpu", serial.get(), 1, std::int64_t{1} << 40) == results(made, "cpu", {}, 1));
  CHECK(serial.pieces == 0);
}
