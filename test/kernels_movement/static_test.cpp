// SPDX-License-Identifier: Apache-2.0
// The static path runs the same kernels from constants: its bytes are the interpreter's. The chain grows and shrinks
// elements so that the planner puts outputs on dying inputs.
#include "one_node.hpp"
#include "qnnx/model/builder.hpp"
#include "qnnx/model/model.hpp"

using namespace one_node;

namespace {
constexpr element u8_a = quantized<types::u8>(0.02f, -100);
constexpr element u8_b = quantized<types::u8>(0.03f, -90);
struct chain {
  static consteval auto define() {
    builder b;
    const auto x = b.input("x", {1, 4, 6, 8});
    const auto q = b.add<op::quantize>("q", {x}, {}, u8_a);
    const auto wide = b.add<op::convert>("wide", {q}, {}, quantized<types::u16>(0.0002f, -9000));
    const auto back = b.add<op::convert>("back", {wide}, {}, u8_b);
    const auto padded =
        b.add<op::pad>("padded", {back}, {.pad_amount = {0, 0, 1, 1, 1, 1, 0, 0}, .pad_constant_value = 0.5f});
    tensor_id halves[2];
    b.add_many<op::split>("cut", {padded}, {.axis = 3, .split_index = {3}}, u8_b, {"left", "right"}, halves);
    const auto joined = b.add<op::concat>("joined", {halves[1], halves[0]}, {}, u8_a);
    const auto turned = b.add<op::transpose>("turned", {joined}, {.perm = {0, 3, 1, 2}});
    const auto part = b.add<op::strided_slice>("part", {turned}, {.ranges = {0, 1, 1, 7, -1, -2, 0, 6, 1, 1, 8, 3}});
    const auto deep = b.add<op::space_to_depth>("deep", {part}, {.block_size = {2, 2}});
    const auto mean = b.add<op::reduce_mean>("mean", {deep}, {.axes = {1, 2}, .keep_dims = true}, u8_b);
    const auto real = b.add<op::dequantize>("real", {mean}, {}, real32);
    b.output(b.add<op::cumulative_sum>("y", {real}, {.axis = 3}));
    return b;
  }
};
}  // namespace

TEST_CASE("a static chain of movement, conversion and reduction gives the interpreter's bytes") {
  auto g = generator();
  model<chain> m{nullptr};
  const graph_view view = model<chain>::graph();
  net n;
  for (int i = 0; i < view.tensor_count; ++i) {
    const tensor_desc& t = view.tensors[i];
    net_encoding e;
    if (t.enc.defined()) e = net_encoding::tensor(t.enc.scale, t.enc.offset);
    n.add_tensor({.name = std::string(t.name), .kind = t.kind, .type = t.type, .dims = t.dims, .enc = e});
  }
  for (int k = 0; k < view.node_count; ++k) {
    const node_desc& d = view.nodes[k];
    n.nodes.push_back({.name = std::string(d.name),
                       .op = d.op,
                       .inputs = {d.inputs.begin(), d.inputs.begin() + d.input_count},
                       .outputs = {d.outputs.begin(), d.outputs.begin() + d.output_count},
                       .params = d.params,
                       .epi = d.epi});
  }
  const std::shared_ptr<const frozen_net> frozen(n.freeze());
  interpreter shared_memory(frozen, {.backend = "reference"});
  interpreter own_memory(frozen, {.backend = "reference", .keep_all = true});
  CHECK(shared_memory.arena_bytes() < own_memory.arena_bytes());
  const int x = view.find("x"), y = view.find("y");
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < m.input<"x">().size(); ++i) {
      const float v = static_cast<float>(between(g, -300, 400)) / 100.0f;
      m.input<"x">()[i] = v;
      std::memcpy(shared_memory.bytes(x).data() + 4 * i, &v, 4);
      std::memcpy(own_memory.bytes(x).data() + 4 * i, &v, 4);
    }
    m.run();
    shared_memory.run();
    own_memory.run();
    const auto out = m.output<"y">();
    CHECK(std::memcmp(out.data, shared_memory.bytes(y).data(), out.size() * 4) == 0);
    CHECK(std::memcmp(out.data, own_memory.bytes(y).data(), out.size() * 4) == 0);
  }
}
