// SPDX-License-Identifier: Apache-2.0
// The plan search never loses to the compile-time planner, never goes below its bound, and its plans run.
#include <doctest/doctest.h>

#include <random>

#include "passes/float_net.hpp"
#include "qnnx/runtime/passes/plan_search.hpp"

using namespace testing;

namespace {
net branches(unsigned seed) {
  layers l;
  l.rng.seed(seed);
  std::vector<int> alive{l.input("x", {1, 8, 8, 4})};
  for (int k = 0; k < 14; ++k) {
    const int from = alive[l.rng() % alive.size()];
    const int to = l.conv(from, 3, static_cast<int>(4 + l.rng() % 8), {.pad_amount = {1, 1, 1, 1}});
    alive.push_back(to);
  }
  std::vector<int> all;
  for (int t : alive) all.push_back(l.conv(t, 1, 2));
  l.output(l.add<op::concat>(all, {.axis = 3}));
  return l.n;
}
}  // namespace

TEST_CASE("searched plans are valid, no larger than the quick plan and not below the bound") {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    const net n = branches(seed);
    auto f = n.freeze();
    const auto& table = kernel_table("cpu");
    interpreter quick(std::shared_ptr<const frozen_net>(n.freeze()));
    const passes::memory_plan p = passes::search_plan(f->g, table, {.tries = 500});
    CHECK(p.bytes <= quick.arena_bytes());
    CHECK(p.bytes >= p.lower_bound);
    const auto in = random_inputs(n, seed);
    const std::vector<float> expected = run(n, in);

    f->plan = p.offset;  // the interpreter checks the plan and gives the same values with it
    f->g.plan = f->plan.data();
    f->g.planned_bytes = p.bytes;
    const int x = n.of_kind(tensor_kind::app_write)[0];
    const int y = n.of_kind(tensor_kind::app_read)[0];
    interpreter planned{std::shared_ptr<const frozen_net>(std::move(f))};
    CHECK(planned.arena_bytes() == p.bytes);
    std::memcpy(planned.bytes(x).data(), in[0].data(), planned.bytes(x).size());
    planned.run();
    const auto* got = reinterpret_cast<const float*>(planned.bytes(y).data());
    CHECK(std::vector<float>(got, got + expected.size()) == expected);
  }
}

TEST_CASE("reordering runs short-lived branches first and keeps the values") {
  net n = branches(3);  // all wide tensors are alive until the late 1x1 convolutions: reading them early frees them
  const auto in = random_inputs(n, 1);
  const std::vector<float> before = run(n, in);
  CHECK(passes::reorder_nodes(n, kernel_table("cpu")) > 0);
  CHECK(run(n, in) == before);
  CHECK(passes::reorder_nodes(n, kernel_table("cpu")) == 0);
}
