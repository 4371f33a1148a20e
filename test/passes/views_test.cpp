// SPDX-License-Identifier: Apache-2.0
// Parts in their wholes, with real kernels: random 8-bit nets of branches that are joined, cut and joined again give the same
// bytes where every tensor is apart, where the quick and the searched plan place them, and on threads; the arena shrinks.
#include <doctest/doctest.h>

#include <random>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/plan_search.hpp"

using namespace qnnx;

namespace {

struct joined_net {
  net n;
  std::mt19937 rng;
  std::vector<int> alive;
  int serial = 0;

  int pick(int lo, int hi) { return lo + static_cast<int>(rng() % static_cast<unsigned>(hi - lo + 1)); }
  const shape& dims(int t) const { return n.tensors[static_cast<std::size_t>(t)].dims; }
  net_encoding encoding() { return pick(0, 5) ? net_encoding::tensor(0.05f, -20) : net_encoding::tensor(0.08f, -3); }
  template <class Op>
  std::vector<int> add(std::vector<int> inputs, const typename Op::params& p, bool rescales) {
    const net_encoding enc = rescales ? encoding() : n.tensors[static_cast<std::size_t>(inputs[0])].enc;
    net_node& k = n.add_node<Op>("n" + std::to_string(serial), std::move(inputs), {}, p);
    const shapes s = n.infer(k);
    std::vector<int> out;
    for (int i = 0; i < s.count; ++i) out.push_back(n.add_tensor({.name = "t" + std::to_string(serial++), .type = dtype::ufixed_8, .dims = s[i], .enc = enc}));
    n.nodes.back().outputs = out;
    alive.insert(alive.end(), out.begin(), out.end());
    return out;
  }
  int any() { return alive[rng() % alive.size()]; }
  explicit joined_net(unsigned seed) : rng(seed) {
    const int columns = pick(2, 6), channels = pick(0, 3) ? 8 : 5;
    for (int k = pick(1, 2); k-- > 0;)
      alive.push_back(n.add_tensor({.name = "x" + std::to_string(k), .kind = tensor_kind::app_write, .type = dtype::ufixed_8,
                                    .dims = {1, pick(2, 6), columns, channels}, .enc = encoding()}));
    for (int k = pick(6, 20); k-- > 0;) {
      const int x = any();
      const int rows = dims(x)[1];
      switch (pick(0, 7)) {
        case 0: add<op::relu>({x}, {}, false); break;
        case 1: add<op::pool_max2d>({x}, {.filter_size = {3, 3}, .stride = {1, 1}, .pad_amount = {1, 1, 1, 1}}, false); break;
        case 2:
          if (const int y = any(); dims(y) == dims(x)) add<op::elementwise_add>({x, y}, {}, true);
          break;
        case 3:
        case 4: {
          std::vector<int> in{x};
          int sum = rows;
          for (int j = pick(1, 3); j-- > 0;)
            if (const int y = any(); sum + dims(y)[1] < 40) {
              in.push_back(y);
              sum += dims(y)[1];
            }
          add<op::concat>(in, {.axis = 1}, true);
          break;
        }
        case 5:
        case 6: {
          if (rows < 2) break;
          op::split::params p;
          p.axis = 1;
          p.split_index.push_back(pick(1, rows - 1));
          if (p.split_index[0] + 1 < rows) p.split_index.push_back(rows - 1);
          add<op::split>({x}, p, false);
          break;
        }
        default: {
          op::strided_slice::params p;
          const int from = pick(0, rows - 1);
          p.ranges = {0, 1, 1, from, pick(from + 1, rows), 1, 0, columns, 1, 0, channels, 1};
          add<op::strided_slice>({x}, p, false);
        }
      }
    }
    add<op::concat>({any(), any(), alive.back()}, {.axis = 1}, true);
    for (int t : alive)
      if (n.tensors[static_cast<std::size_t>(t)].kind == tensor_kind::native && (t == alive.back() || pick(0, 6) == 0))
        n.tensors[static_cast<std::size_t>(t)].kind = tensor_kind::app_read;
  }
};

std::vector<std::byte> results(interpreter& run, const graph_view& g) {
  std::mt19937 data(9);
  std::vector<std::byte> all;
  for (int t = 0; t < g.tensor_count; ++t)
    if (g.tensors[t].kind == tensor_kind::app_write)
      for (std::byte& v : run.bytes(t)) v = static_cast<std::byte>(data());
  run.run();
  for (int t = 0; t < g.tensor_count; ++t)
    if (g.tensors[t].kind == tensor_kind::app_read) all.insert(all.end(), run.bytes(t).begin(), run.bytes(t).end());
  return all;
}

}  // namespace

TEST_CASE("joined and cut nets: the bytes of tensors that share nothing") {
  std::int64_t searched = 0, quick = 0;
  int views = 0;
  for (unsigned seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    const joined_net j(seed);
    std::shared_ptr<frozen_net> f = j.n.freeze();
    interpreter apart(f, {.keep_all = true}), placed(f), reference(f, {.backend = "reference"});
    const std::vector<std::byte> expected = results(apart, f->g);
    REQUIRE(results(placed, f->g) == expected);
    REQUIRE(results(reference, f->g) == expected);
    const passes::memory_plan p = passes::search_plan(f->g, kernel_table("cpu"), {.tries = 100});
    CHECK(p.bytes <= placed.arena_bytes());
    CHECK(p.bytes >= p.lower_bound);
    for (int k = 0; k < f->g.node_count; ++k) views += nothing_to_copy(f->g, k, p.offset.data()) ? 1 : 0;
    searched += p.bytes;
    quick += placed.arena_bytes();
    f->plan = p.offset;
    f->g.plan = f->plan.data();
    f->g.planned_bytes = p.bytes;
    interpreter given(f);
    REQUIRE(results(given, f->g) == expected);
  }
  CHECK(views > 2000);  // nodes that copy nothing
  MESSAGE(views << " nodes copy nothing; arenas " << quick << " quick, " << searched << " searched");
}
