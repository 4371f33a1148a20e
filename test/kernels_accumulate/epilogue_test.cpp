// SPDX-License-Identifier: Apache-2.0
// What a kernel does after its sums: activation, residual, table. Fused equals unfused bit for bit.
#include "kernels_accumulate/operands.hpp"

using namespace accumulate_test;

namespace {

/// x -> Conv2d(w, b) -> y; residual and table are added to a net that is built by `more`.
struct conv_net {
  net n;
  int x, w, b, y;
  conv_net(const tensor_values& xv, const tensor_values& wv, const tensor_values& bv, const shape& out,
           const element_type& e, rounding_mode mode, tensor_kind kind) {
    n.rounding = mode;
    x = n.add_tensor(
        {.name = "x", .kind = tensor_kind::app_write, .type = xv.v.type, .dims = xv.v.dims, .enc = xv.v.enc});
    w = n.add_tensor({.name = "w",
                      .kind = tensor_kind::constant,
                      .type = wv.v.type,
                      .dims = wv.v.dims,
                      .enc = wv.v.enc,
                      .data = wv.v.data});
    b = n.add_tensor({.name = "b",
                      .kind = tensor_kind::constant,
                      .type = bv.v.type,
                      .dims = bv.v.dims,
                      .enc = bv.v.enc,
                      .data = bv.v.data});
    y = n.add_tensor({.name = "y", .kind = kind, .type = e.type, .dims = out, .enc = e.enc});
    n.add_node<op::conv2d>("conv", {x, w, b}, {y});
  }
  bytes go(const std::vector<std::pair<int, const value*>>& inputs, int wanted) {
    interpreter i(std::shared_ptr<const frozen_net>(n.freeze()), {.backend = "reference"});
    for (const auto& [t, v] : inputs) std::memcpy(i.bytes(t).data(), v->data.data(), v->data.size());
    i.run();
    const auto out = i.bytes(wanted);
    return {out.begin(), out.end()};
  }
};
const signature& pick(dtype data, dtype weight) {
  for (int s = 0; s < info<op::conv2d>.type_count; ++s)
    if (info<op::conv2d>.types[s].in[0] == data && info<op::conv2d>.types[s].in[1] == weight)
      return info<op::conv2d>.types[s];
  FAIL("no such signature");
  return info<op::conv2d>.types[0];
}
const std::vector<std::pair<dtype, dtype>> tried{{dtype::ufixed_8, dtype::sfixed_8},
                                                 {dtype::sfixed_8, dtype::sfixed_8},
                                                 {dtype::sfixed_16, dtype::sfixed_8},
                                                 {dtype::ufixed_16, dtype::sfixed_8},
                                                 {dtype::float_32, dtype::float_32}};
}  // namespace

TEST_CASE("an activation clamps to the quantized real bounds") {
  auto g = generator();
  for (const auto& pair : tried)
    for (const rounding_mode mode : modes) {
      const dtype data = pair.first;  // clang 14 does not capture structured bindings
      const dtype weight = pair.second;
      const auto x = random_tensor(g, data, {1, 4, 4, 5});
      const auto w = random_tensor(g, weight, {1, 1, 5, 19}, is_float(weight) ? -1 : 3);
      const auto b = random_tensor(g, pick(data, weight).in[2], {19}, -1, 3000);
      const element_type e = output_type(g, data, x, w, 5);
      const float hi = is_float(data) ? 0.5f : e.enc.scale() * 40.4f;
      for (const activation act : {activation::relu, activation::clamp}) {
        conv_net plain(x, w, b, {1, 4, 4, 19}, e, mode, tensor_kind::app_read);
        conv_net active(x, w, b, {1, 4, 4, 19}, e, mode, tensor_kind::app_read);
        active.n.nodes[0].epi.act = act;
        active.n.nodes[0].epi.lo = -hi / 2;
        active.n.nodes[0].epi.hi = hi;
        const bytes a = plain.go({{plain.x, &x.v}}, plain.y);
        const bytes c = active.go({{active.x, &x.v}}, active.y);
        for (std::size_t i = 0; i < 4 * 4 * 19; ++i) {
          if (is_float(data)) {
            float p = 0, q = 0;
            std::memcpy(&p, a.data() + 4 * i, 4);
            std::memcpy(&q, c.data() + 4 * i, 4);
            REQUIRE(q == (act == activation::relu ? std::max(p, 0.0f) : std::min(std::max(p, -hi / 2), hi)));
            continue;
          }
          const auto quantized = [&](float real) {
            return exact::clamped(std::llround(real / e.enc.scale()) - e.enc.offset(), min_value(data),
                                  max_value(data));
          };
          const std::int64_t q = get_element(data, a, i);
          const std::int64_t lowest = quantized(act == activation::relu ? 0.0f : -hi / 2);
          const std::int64_t expected =
              act == activation::relu ? std::max(q, lowest) : std::min(std::max(q, lowest), quantized(hi));
          REQUIRE(get_element(data, c, i) == expected);
        }
      }
    }
}

TEST_CASE("a fused residual equals Conv2d, activation, ElementWiseAdd, activation") {
  auto g = generator();
  for (const auto& pair : tried)
    for (const rounding_mode mode : modes)
      for (int round = 0; round < 6; ++round) {
        const dtype data = pair.first;
        const dtype weight = pair.second;
        const shape out{1, 4, 4, 19};
        const auto x = random_tensor(g, data, {1, 4, 4, 5});
        const auto w = random_tensor(g, weight, {1, 1, 5, 19}, is_float(weight) ? -1 : 3);
        const auto b = random_tensor(g, pick(data, weight).in[2], {19}, -1, 3000);
        const auto other = random_tensor(g, data, out);
        const element_type mid = output_type(g, data, x, w, 5);
        element_type last = mid;
        if (is_fixed(data)) last.enc = net_encoding::tensor(mid.enc.scale() * 1.37f, mid.enc.offset() / 2);
        epilogue middle, end;
        middle.act = round % 2 ? activation::relu : activation::none;
        end.act = round % 3 ? activation::relu : activation::clamp;
        end.lo = -1;
        end.hi = 1;

        conv_net apart(x, w, b, out, mid, mode, tensor_kind::native);
        apart.n.nodes[0].epi = middle;
        const int r0 = apart.n.add_tensor(
            {.name = "other", .kind = tensor_kind::app_write, .type = data, .dims = out, .enc = other.v.enc});
        const int sum = apart.n.add_tensor(
            {.name = "sum", .kind = tensor_kind::app_read, .type = data, .dims = out, .enc = last.enc});
        apart.n.add_node<op::elementwise_add>("add", {apart.y, r0}, {sum}).epi = end;

        conv_net fused(x, w, b, out, last, mode, tensor_kind::app_read);
        const int r1 = fused.n.add_tensor(
            {.name = "other", .kind = tensor_kind::app_write, .type = data, .dims = out, .enc = other.v.enc});
        net_node& node = fused.n.nodes[0];
        node.inputs.push_back(r1);
        node.epi = end;
        node.epi.residual = 3;
        node.epi.mid_act = middle.act;
        node.epi.mid_scale = mid.enc.scale();
        node.epi.mid_offset = mid.enc.offset();
        INFO(to_string(data) << " " << static_cast<int>(mode));
        REQUIRE(apart.go({{apart.x, &x.v}, {r0, &other.v}}, sum) ==
                fused.go({{fused.x, &x.v}, {r1, &other.v}}, fused.y));
      }
}

TEST_CASE("a table is looked up with the rounded result") {
  auto g = generator();
  for (const dtype data : {dtype::ufixed_8, dtype::sfixed_8})
    for (const rounding_mode mode : modes) {
      const auto x = random_tensor(g, data, {1, 4, 4, 5});
      const auto w = random_tensor(g, dtype::sfixed_8, {1, 1, 5, 19}, 3);
      const auto b = random_tensor(g, dtype::sfixed_32, {19}, -1, 3000);
      const element_type e = output_type(g, data, x, w, 5);
      const auto table = random_tensor(g, data, {256});
      conv_net plain(x, w, b, {1, 4, 4, 19}, e, mode, tensor_kind::app_read);
      conv_net mapped(x, w, b, {1, 4, 4, 19}, e, mode, tensor_kind::app_read);
      const int t = mapped.n.add_tensor({.name = "table",
                                         .kind = tensor_kind::constant,
                                         .type = data,
                                         .dims = {256},
                                         .enc = table.v.enc,
                                         .data = table.v.data});
      mapped.n.nodes[0].inputs.push_back(t);
      mapped.n.nodes[0].epi.table = 3;
      const bytes a = plain.go({{plain.x, &x.v}}, plain.y);
      const bytes c = mapped.go({{mapped.x, &x.v}}, mapped.y);
      for (std::size_t i = 0; i < a.size(); ++i)
        REQUIRE(c[i] == table.v.data[static_cast<std::size_t>(get_element(data, a, i) - min_value(data))]);
    }
}
