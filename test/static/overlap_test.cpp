// SPDX-License-Identifier: Apache-2.0
// How far an output must begin before its dying input: by rows, by pixels; plans in place and in banks.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "qnnx/ir/plan.hpp"
#include "qnnx/kernel/convolution/accumulate.hpp"

using namespace qnnx;

TEST_CASE("window_overlap is the worst row") {
  std::mt19937 random(11);
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<std::int64_t>(from, to)(random); };
  for (int k = 0; k < 20000; ++k) {
    const std::int64_t in_rows = pick(1, 40), stride = pick(1, 5), before = pick(0, 6), out_rows = pick(1, 45);
    const std::int64_t in_row = pick(1, 300), out_row = pick(1, 300);
    std::int64_t worst = 0;
    for (std::int64_t r = 0; r < out_rows; ++r)
      worst = std::max(worst, (r + 1) * out_row - std::clamp<std::int64_t>(r * stride - before, 0, in_rows) * in_row);
    CAPTURE(k);
    REQUIRE(kernel::window_overlap(out_rows, out_row, in_rows, in_row, stride, before) == worst);
  }
}

TEST_CASE("pixel_overlap: no window reads what was written before it") {
  std::mt19937 random(12);
  const auto pick = [&](int from, int to) { return std::uniform_int_distribution<std::int64_t>(from, to)(random); };
  for (int k = 0; k < 2000; ++k) {
    const std::int64_t height = pick(1, 9), width = pick(1, 9), rows = pick(1, 4), columns = pick(1, 4),
                       top = pick(0, 3) % rows, left = pick(0, 3) % columns, stride_h = pick(1, 3),
                       stride_w = pick(1, 3), x = pick(1, 9), y = pick(1, 9);
    const std::int64_t out_height = (height + top - rows) / stride_h + 1,
                       out_width = (width + left - columns) / stride_w + 1;
    if (height + top < rows || width + left < columns) continue;
    const auto i = [](std::int64_t n) { return static_cast<std::int32_t>(n); };
    const tensor_desc in{.name = "x", .type = dtype::uint_8, .dims = {1, i(height), i(width), i(x)}};
    const tensor_desc out{.name = "y", .type = dtype::uint_8, .dims = {1, i(out_height), i(out_width), i(y)}};
    const tensor_desc* ins[] = {&in};
    const tensor_desc* outs[] = {&out};
    const context c{"node", ins, 1, outs, 1};
    const auto read = [&](std::int64_t pixel) {  // the lowest byte of a pixel's window
      const std::int64_t row = std::max<std::int64_t>(pixel / out_width * stride_h - top, 0);
      const std::int64_t column = std::max<std::int64_t>(pixel % out_width * stride_w - left, 0);
      return row < height && column < width ? (row * width + column) * x : height * width * x;
    };
    for (const std::int64_t group : {1, 2, 4})
      for (const bool gathered : {false, true}) {
        const std::int64_t d =
            kernel::pixel_overlap(c, {height, width, stride_h, stride_w, top, left, x, y}, group, gathered);
        for (std::int64_t first = 0; first < out_height * out_width; first += group) {
          const std::int64_t end = std::min(first + group, out_height * out_width);
          for (std::int64_t later = gathered ? end : first; later < out_height * out_width; ++later) {
            CAPTURE(k);
            REQUIRE(end * y <= d + read(later));
          }
        }
        CHECK(d <= std::max<std::int64_t>(out_height * out_width * y, 0));
      }
  }
}

TEST_CASE("a plan: in place or apart, banks that no tensor crosses") {
  // x -> a -> b -> y of 64 bytes each; a node's output stands on its input or shares nothing with it
  static constexpr tensor_desc tensors[] = {
      {.name = "x", .kind = tensor_kind::app_write, .type = dtype::uint_8, .dims = {64}},
      {.name = "a", .kind = tensor_kind::native, .type = dtype::uint_8, .dims = {48}},
      {.name = "b", .kind = tensor_kind::native, .type = dtype::uint_8, .dims = {64}},
      {.name = "y", .kind = tensor_kind::app_read, .type = dtype::uint_8, .dims = {32}}};
  node_desc nodes[3];
  for (int k = 0; k < 3; ++k) {
    nodes[k].inputs[0] = k;
    nodes[k].outputs[0] = k + 1;
    nodes[k].input_count = nodes[k].output_count = 1;
  }
  graph_view g;
  g.tensors = tensors;
  g.tensor_count = 4;
  g.nodes = nodes;
  g.node_count = 3;
  const std::int64_t distance[] = {in_place_only, in_place_only, no_overlap}, scratch[] = {16, 0, 0};
  const auto planned = [&](std::initializer_list<std::int64_t> walls, std::int64_t(&offset)[4], std::int64_t(&at)[3]) {
    int first[4], last[4], order[4];
    std::int64_t size[4];
    plan_buffers b{
        first, last, order, size, offset, at, distance, scratch, 1, walls.begin(), static_cast<int>(walls.size())};
    lifetimes(g, b);
    const std::int64_t total = best_plan(g, b);
    CHECK(find_collision(g, b) == -1);
    CHECK(find_scratch_collision(g, b, total) == -1);
    ++offset[1];  // neither in place nor aligned
    CHECK(find_collision(g, b) >= 0);
    offset[1] += 15;  // aligned, sixteen bytes into its input
    CHECK(find_collision(g, b) >= 0);
    offset[1] -= 16;
    return total;
  };
  std::int64_t offset[4], at[3];
  CHECK(planned({}, offset, at) == 96);  // x, a, b in one place; y or scratch beside
  CHECK(offset[0] == offset[1]);
  CHECK(offset[1] == offset[2]);
  planned({48}, offset, at);  // x and b do not fit into the first bank
  CHECK(offset[0] >= 48);
  CHECK(offset[2] >= 48);
  for (int t = 0; t < 4; ++t) CHECK((offset[t] >= 48 || offset[t] + byte_size(tensors[t]) <= 48));
}
