// SPDX-License-Identifier: Apache-2.0
// The programs of bands: in random chains and blocks, every row stands where a node reads it, at the time it does, in
// memory of just the bytes that were planned, with the chain's output over its input as near as is allowed.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <vector>

#include "qnnx/ir/band_program.hpp"
#include "qnnx/op/ops.hpp"

using namespace qnnx;

namespace {
struct random_chain {
  std::vector<tensor_desc> tensors;
  std::vector<node_desc> nodes;
  graph_view g;
};
/// 16 bytes a row.
random_chain make_chain(std::mt19937& random) {
  const auto pick = [&](int from, int to) { return from + static_cast<int>(random() % static_cast<unsigned>(to - from + 1)); };
  random_chain c;
  const auto add_tensor = [&](tensor_kind kind, int rows, int bytes) {
    c.tensors.push_back({.name = "t", .kind = kind, .type = dtype::uint_8, .dims = {1, rows, 1, bytes}});
    return static_cast<std::int32_t>(c.tensors.size() - 1);
  };
  std::vector<std::int32_t> made{add_tensor(tensor_kind::app_write, pick(5, 40), 16 * pick(1, 3))};
  const int count = pick(2, 7);
  for (int k = 0; k < count; ++k) {
    const std::int32_t x = made.back();
    const int rows = c.tensors[static_cast<std::size_t>(x)].dims[1];
    std::vector<std::int32_t> alike;  // for an addition
    for (std::int32_t t : made)
      if (t != x && c.tensors[static_cast<std::size_t>(t)].dims[1] == rows) alike.push_back(t);
    if (!alike.empty() && pick(0, 1) == 0) {
      const std::int32_t y = add_tensor(tensor_kind::native, rows, 16 * pick(1, 3));
      c.nodes.push_back(node<op::elementwise_add>("add", {x, alike[static_cast<std::size_t>(pick(0, static_cast<int>(alike.size()) - 1))]}, {y}));
      made.push_back(y);
      continue;
    }
    const auto size = static_cast<std::uint32_t>(pick(1, 4)), stride = static_cast<std::uint32_t>(pick(1, 3));
    const auto top = static_cast<std::uint32_t>(random() % size), bottom = static_cast<std::uint32_t>(random() % size);
    const std::int32_t out = op::window_count(rows, top, bottom, static_cast<std::int32_t>(size), stride, 1);
    if (out < 1) break;
    const std::int32_t y = add_tensor(tensor_kind::native, out, 16 * pick(1, 3));
    c.nodes.push_back(node<op::pool_max2d>("pool", {x}, {y}, {.filter_size = {size, 1}, .stride = {stride, 1}, .pad_amount = {top, bottom, 0, 0}}));
    made.push_back(y);
  }
  // Blocks read no tensor behind the last: it alone leaves.
  c.g.tensors = c.tensors.data();
  c.g.tensor_count = static_cast<std::int32_t>(c.tensors.size());
  c.g.nodes = c.nodes.data();
  c.g.node_count = static_cast<std::int32_t>(c.nodes.size());
  return c;
}
using row_name = std::pair<std::int32_t, std::int32_t>;  // tensor, row
}  // namespace

TEST_CASE("every row is there when it is read") {
  std::mt19937 random(5);
  int streamed = 0;
  for (int round = 0; round < 4000; ++round) {
    const random_chain r = make_chain(random);
    if (r.nodes.size() < 2) continue;
    const auto first = static_cast<std::int32_t>(random() % 2);
    const band_chain c{first, r.g.node_count - 1, static_cast<std::int32_t>(1 + random() % 4)};
    if (c.last <= c.first) continue;
    bool row_wise[16] = {};
    for (std::size_t k = 0; k < r.nodes.size(); ++k) row_wise[k] = r.nodes[k].op->name == op::elementwise_add::name;
    const band_memory m = plan_bands(r.g, c, row_wise, [](int, const band_shape&) {
      band_asks a;
      a.distance.fill(no_overlap);
      return a;
    });
    if (m.fault) continue;
    ++streamed;
    // Whole tensors apart, but for the output: as near before one that enters as its distance allows.
    std::vector<std::int64_t> offset(r.tensors.size(), -1);
    const std::int32_t out = r.nodes.back().outputs[0];
    const std::int64_t out_bytes = align_up(byte_size(r.tensors[static_cast<std::size_t>(out)]));
    std::int64_t at = align_up(m.bytes) + out_bytes;
    for (int e = 0; e < m.enter_count; ++e) {
      const auto t = static_cast<std::size_t>(m.enters[static_cast<std::size_t>(e)]);
      if (e > 0) at += out_bytes;  // reached by the output of the first alone
      offset[t] = at;
      at += align_up(byte_size(r.tensors[t])) + out_bytes;
    }
    offset[static_cast<std::size_t>(out)] = offset[static_cast<std::size_t>(m.enters[0])] - align_up(m.distance[0]);
    const auto p = write_bands<1000, 4000, 100>(r.g, c, row_wise, m, offset.data(), 0);
    REQUIRE(!p.full);

    std::vector<row_name> memory(static_cast<std::size_t>(at / 16), row_name{-1, -1});  // which row's bytes each 16 are of
    const auto width = [&](std::int32_t t) { return r.tensors[static_cast<std::size_t>(t)].dims[3] / 16; };
    for (int e = 0; e < m.enter_count; ++e) {
      const std::int32_t t = m.enters[static_cast<std::size_t>(e)];
      for (std::int32_t i = 0; i < r.tensors[static_cast<std::size_t>(t)].dims[1] * width(t); ++i)
        memory[static_cast<std::size_t>(offset[static_cast<std::size_t>(t)] / 16 + i)] = {t, i / width(t)};
    }
    std::map<std::int32_t, std::int32_t> made;  // rows of each output
    int call = 0, operand = 0, bands = 0;
    CAPTURE(round);
    for (int group = 0; group < p.group_count; ++group) {
      const band_group& g = p.groups[static_cast<std::size_t>(group)];
      int used = 0;
      for (int turn = 0; turn < g.bands; ++turn, ++bands) {
        used = 0;
        for (int k = 0; k < g.calls; ++k) {
          const band_call& now = p.calls[static_cast<std::size_t>(call + k)];
          const band_operand* o = &p.operands[static_cast<std::size_t>(operand + used)];
          used += now.operands;
          const auto place = [&](int i) { return static_cast<std::size_t>((o[i].at + turn * o[i].step) / 16); };
          if (now.stage < 0) {
            REQUIRE(place(0) > place(1));
            for (std::int32_t i = 0; i < o[0].rows / 16; ++i)
              memory[place(1) + static_cast<std::size_t>(i)] = memory[place(0) + static_cast<std::size_t>(i)];
            continue;
          }
          const node_desc& n = r.nodes[static_cast<std::size_t>(c.first + now.stage)];
          const std::int32_t y = n.outputs[0];
          const std::int32_t from = made[y], rows = o[n.input_count].rows;
          for (int i = 0; i < n.input_count; ++i) {
            const std::int32_t x = n.inputs[static_cast<std::size_t>(i)];
            const row_window w = i == 0 ? rows_of(r.g, n, row_wise[c.first + now.stage]) : row_window{1, 1, 0};
            const std::int32_t begin = from * w.stride - w.before;
            if (i == 0) REQUIRE(now.top == (begin < 0 ? -begin : 0));
            // the window of the rows made, its padding taken off, is what the node sees
            const std::int32_t low = begin < 0 ? 0 : begin, high = (from + rows - 1) * w.stride - w.before + w.size;
            const std::int32_t height = r.tensors[static_cast<std::size_t>(x)].dims[1];
            if (i == 0) REQUIRE(now.bottom == (high > height ? high - height : 0));
            REQUIRE(o[i].rows == (high < height ? high : height) - low);
            for (std::int32_t k16 = 0; k16 < o[i].rows * width(x); ++k16)
              REQUIRE(memory[place(i) + static_cast<std::size_t>(k16)] == row_name{x, low + k16 / width(x)});
          }
          for (std::int32_t k16 = 0; k16 < rows * width(y); ++k16)
            memory[place(n.input_count) + static_cast<std::size_t>(k16)] = {y, from + k16 / width(y)};
          made[y] += rows;
        }
      }
      call += g.calls;
      operand += used;
    }
    CHECK(bands == p.bands);
    for (std::int32_t i = 0; i < r.tensors[static_cast<std::size_t>(out)].dims[1] * width(out); ++i)
      REQUIRE(memory[static_cast<std::size_t>(offset[static_cast<std::size_t>(out)] / 16 + i)] == row_name{out, i / width(out)});
  }
  CHECK(streamed > 800);
  MESSAGE(streamed);
}
