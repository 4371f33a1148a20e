// SPDX-License-Identifier: Apache-2.0
// One net in three notations, and interpreted: the same graph, the same bits in every tensor.
#include <doctest/doctest.h>

#include <memory>

#include "nets.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

namespace {
struct alignas(64) weight_memory {
  std::array<std::byte, 4096> bytes{};
};

template <class Net>
std::vector<std::vector<std::uint8_t>> run_all(const std::vector<std::byte>& weights, unsigned seed) {
  static weight_memory memory;
  std::copy(weights.begin(), weights.end(), memory.bytes.begin());
  static model<Net> m{memory.bytes.data()};
  std::mt19937 random(seed);
  for (auto& v : m.template input<"x">()) v = static_cast<std::uint8_t>(random());
  std::vector<std::vector<std::uint8_t>> steps;
  m.run([&](int step) {
    constexpr graph_view g = model<Net>::graph();
    const auto t = g.nodes[step].outputs[0];
    const auto* first = reinterpret_cast<const std::uint8_t*>(m.arena()) + model<Net>::lowered::plan.offset[static_cast<std::size_t>(t)];
    steps.emplace_back(first, first + byte_size(g.tensors[t]));
  });
  return steps;
}

/// The graph value of a tag as an editable net.
template <class Net>
net as_net(const std::vector<std::byte>& weights) {
  constexpr graph_view g = model<Net>::graph();
  net n;
  n.rounding = g.rounding;
  for (int t = 0; t < g.tensor_count; ++t) {
    const tensor_desc& d = g.tensors[t];
    net_tensor x{.name = std::string(d.name), .kind = d.kind, .type = d.type, .dims = d.dims};
    if (d.enc.per_axis()) x.enc = net_encoding::per_axis(d.enc.axis, {g.scales + d.enc.first, g.scales + d.enc.first + d.enc.count});
    else if (d.enc.defined()) x.enc = net_encoding::tensor(d.enc.scale, d.enc.offset);
    if (d.kind == tensor_kind::constant) {
      const auto at = weights.begin() + model<Net>::lowered::data.offset[static_cast<std::size_t>(t)];
      x.data.assign(at, at + byte_size(d));
    }
    n.add_tensor(std::move(x));
  }
  for (int k = 0; k < g.node_count; ++k) {
    const node_desc& d = g.nodes[k];
    net_node x{.name = std::string(d.name), .op = d.op, .params = d.params, .epi = d.epi};
    x.inputs.assign(d.inputs.begin(), d.inputs.begin() + d.input_count);
    x.outputs.assign(d.outputs.begin(), d.outputs.begin() + d.output_count);
    n.nodes.push_back(std::move(x));
  }
  return n;
}
}  // namespace

TEST_CASE("builder, composition and arrays are one graph") {
  constexpr graph_view a = model<nets::arrays>::graph();
  constexpr graph_view b = model<nets::built>::graph();
  constexpr graph_view c = model<nets::composed>::graph();
  REQUIRE(a.tensor_count == b.tensor_count);
  REQUIRE(a.tensor_count == c.tensor_count);
  for (int t = 0; t < a.tensor_count; ++t)
    for (const graph_view* other : {&b, &c}) {
      CHECK(a.tensors[t].name == other->tensors[t].name);
      CHECK(a.tensors[t].kind == other->tensors[t].kind);
      CHECK(a.tensors[t].type == other->tensors[t].type);
      CHECK(a.tensors[t].dims == other->tensors[t].dims);
      CHECK(a.tensors[t].enc.scale == other->tensors[t].enc.scale);
    }
  for (int k = 0; k < a.node_count; ++k)
    for (const graph_view* other : {&b, &c}) {
      CHECK(a.nodes[k].name == other->nodes[k].name);
      CHECK(a.nodes[k].params == other->nodes[k].params);
    }
  CHECK(model<nets::arrays>::arena_bytes == model<nets::composed>::arena_bytes);
}

TEST_CASE("every notation, static or interpreted or specialised, gives the same bits in every tensor") {
  for (unsigned seed : {1u, 2u, 3u}) {
    CAPTURE(seed);
    const auto weights = nets::random_weights(model<nets::arrays>::graph(), seed);
    REQUIRE(static_cast<std::int64_t>(weights.size()) == model<nets::arrays>::weight_bytes);
    const auto expected = run_all<nets::arrays>(weights, seed);
    CHECK(expected == run_all<nets::built>(weights, seed));
    CHECK(expected == run_all<nets::composed>(weights, seed));
    CHECK(expected == run_all<nets::specialised>(weights, seed));

    interpreter run(std::shared_ptr<const frozen_net>(as_net<nets::arrays>(weights).freeze()), {.backend = "reference"});
    std::mt19937 random(seed);
    for (auto& v : run.bytes(0)) v = static_cast<std::byte>(random());
    std::size_t k = 0;
    run.run([&](int step, double) {
      const auto bytes = run.bytes(run.graph().nodes[step].outputs[0]);
      const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
      CHECK(expected[k++] == std::vector<std::uint8_t>(first, first + bytes.size()));
    });
    int distinct = 0;  // the net must say something
    for (std::uint8_t v : expected[3]) distinct += v != expected[3][0] ? 1 : 0;
    CHECK(distinct > 10);
  }
}
