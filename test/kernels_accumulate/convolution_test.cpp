// SPDX-License-Identifier: Apache-2.0
// Conv2d, DepthWiseConv2d and TransposeConv2d in all their types against sums written down index by index.
#include "kernels_accumulate/operands.hpp"

using namespace accumulate_test;

namespace {
struct window {
  int n, h, w, ci, co, kh, kw, group;
  std::array<std::uint32_t, 2> stride, dilation;
  std::array<std::uint32_t, 4> pad;
};
window random_window(std::mt19937& g) {
  window s{};
  s.group = between(g, 0, 2) == 0 ? between(g, 2, 3) : 1;
  s.n = between(g, 1, 2);
  s.kh = between(g, 1, 3);
  s.kw = between(g, 1, 3);
  s.dilation = {static_cast<std::uint32_t>(between(g, 1, 2)), static_cast<std::uint32_t>(between(g, 1, 2))};
  s.stride = {static_cast<std::uint32_t>(between(g, 1, 3)), static_cast<std::uint32_t>(between(g, 1, 3))};
  s.h = between(g, 5, 8);
  s.w = between(g, 5, 8);
  s.ci = s.group * between(g, 1, 5);
  s.co = s.group * between(g, 1, 20);
  for (auto& p : s.pad) p = static_cast<std::uint32_t>(between(g, 0, 3));
  return s;
}
int i32(std::uint32_t x) {
  return static_cast<int>(x);
}
int axis_or_none(std::mt19937& g, dtype weight, int axis) {
  return is_fixed(weight) && is_signed_fixed(weight) && between(g, 0, 3) != 0 ? axis : -1;
}
}  // namespace

TEST_CASE("Conv2d") {
  auto g = generator();
  each_signature<op::conv2d>([&](const signature& t, rounding_mode mode) {
    for (int round = 0; round < 5; ++round) {
      const window s = random_window(g);
      const auto x = random_tensor(g, t.in[0], {s.n, s.h, s.w, s.ci});
      const auto w = random_tensor(g, t.in[1], {s.kh, s.kw, s.ci / s.group, s.co}, axis_or_none(g, t.in[1], 3));
      const bool biased = between(g, 0, 2) != 0;
      const auto b = random_tensor(g, t.in[2], {s.co}, -1, 5000);
      std::vector<value> in{x.v, w.v};
      if (biased) in.push_back(b.v);
      const auto y = run<op::conv2d>(in,
                                     {.stride = s.stride,
                                      .pad_amount = s.pad,
                                      .group = static_cast<std::uint32_t>(s.group),
                                      .dilation = s.dilation},
                                     {output_type(g, t.out, x, w, s.kh * s.kw * s.ci / s.group)}, mode)[0];
      check_output(y, x, w, biased ? &b : nullptr, mode, layer::convolution, s.co, [&](const place& p) {
        sum_of_products sum;
        const std::int64_t first = p[3] / (s.co / s.group) * (s.ci / s.group);
        for (int kh = 0; kh < s.kh; ++kh)
          for (int kw = 0; kw < s.kw; ++kw) {
            const std::int64_t ih = p[1] * i32(s.stride[0]) + kh * i32(s.dilation[0]) - i32(s.pad[0]);
            const std::int64_t iw = p[2] * i32(s.stride[1]) + kw * i32(s.dilation[1]) - i32(s.pad[2]);
            if (ih < 0 || iw < 0 || ih >= s.h || iw >= s.w) continue;
            for (int i = 0; i < s.ci / s.group; ++i) sum.add(x, {p[0], ih, iw, first + i}, w, {kh, kw, i, p[3]});
          }
        return sum;
      });
    }
  });
}

TEST_CASE("DepthWiseConv2d") {
  auto g = generator();
  each_signature<op::depthwise_conv2d>([&](const signature& t, rounding_mode mode) {
    for (int round = 0; round < 5; ++round) {
      const window s = random_window(g);
      const int multiplier = between(g, 1, 3);
      const int ci = between(g, 1, 40);
      const auto x = random_tensor(g, t.in[0], {s.n, s.h, s.w, ci});
      const auto w = random_tensor(g, t.in[1], {s.kh, s.kw, 1, ci * multiplier}, axis_or_none(g, t.in[1], 3));
      const auto b = random_tensor(g, t.in[2], {ci * multiplier}, -1, 5000);
      const auto y =
          run<op::depthwise_conv2d>({x.v, w.v, b.v}, {.stride = s.stride, .pad_amount = s.pad, .dilation = s.dilation},
                                    {output_type(g, t.out, x, w, s.kh * s.kw)}, mode)[0];
      check_output(y, x, w, &b, mode, layer::convolution, ci * multiplier, [&](const place& p) {
        sum_of_products sum;
        for (int kh = 0; kh < s.kh; ++kh)
          for (int kw = 0; kw < s.kw; ++kw) {
            const std::int64_t ih = p[1] * i32(s.stride[0]) + kh * i32(s.dilation[0]) - i32(s.pad[0]);
            const std::int64_t iw = p[2] * i32(s.stride[1]) + kw * i32(s.dilation[1]) - i32(s.pad[2]);
            if (ih < 0 || iw < 0 || ih >= s.h || iw >= s.w) continue;
            sum.add(x, {p[0], ih, iw, p[3] / multiplier}, w, {kh, kw, 0, p[3]});
          }
        return sum;
      });
    }
  });
}

TEST_CASE("TransposeConv2d: every input pixel is scattered over the output") {
  auto g = generator();
  each_signature<op::transpose_conv2d>([&](const signature& t, rounding_mode mode) {
    for (int round = 0; round < 5; ++round) {
      window s = random_window(g);
      const std::array<std::uint32_t, 2> extra{static_cast<std::uint32_t>(between(g, 0, i32(s.stride[0]) - 1)),
                                               static_cast<std::uint32_t>(between(g, 0, i32(s.stride[1]) - 1))};
      for (auto& p : s.pad) p %= 2;
      const int per_group = s.co / s.group;
      const auto x = random_tensor(g, t.in[0], {s.n, s.h, s.w, s.ci});
      const auto w = random_tensor(g, t.in[1], {s.kh, s.kw, s.ci, per_group}, axis_or_none(g, t.in[1], 3));
      const auto b = random_tensor(g, t.in[2], {s.co}, -1, 5000);
      const auto y = run<op::transpose_conv2d>({x.v, w.v, b.v},
                                               {.stride = s.stride,
                                                .pad_amount = s.pad,
                                                .group = static_cast<std::uint32_t>(s.group),
                                                .output_padding = extra},
                                               {output_type(g, t.out, x, w, s.kh * s.kw * s.ci / s.group)}, mode)[0];
      CHECK(y.dims[1] == i32(s.stride[0]) * (s.h - 1) + s.kh - i32(s.pad[0] + s.pad[1]) + i32(extra[0]));
      std::vector<sum_of_products> sums(static_cast<std::size_t>(y.dims.size()));
      for (std::int64_t k = 0; k < x.v.dims.size(); ++k) {
        const place px = coordinates(x.v.dims, k);
        const std::int64_t group = px[3] / (s.ci / s.group);
        for (int kh = 0; kh < s.kh; ++kh)
          for (int kw = 0; kw < s.kw; ++kw)
            for (int o = 0; o < per_group; ++o) {
              const std::int64_t oh = px[1] * i32(s.stride[0]) + kh - i32(s.pad[0]);
              const std::int64_t ow = px[2] * i32(s.stride[1]) + kw - i32(s.pad[2]);
              if (oh < 0 || ow < 0 || oh >= y.dims[1] || ow >= y.dims[2]) continue;
              const place py{px[0], oh, ow, group * per_group + o};
              sums[static_cast<std::size_t>(flat(y.dims, py))].add(x, px, w, {kh, kw, px[3], o});
            }
      }
      check_output(y, x, w, &b, mode, layer::convolution, per_group,
                   [&](const place& p) { return sums[static_cast<std::size_t>(flat(y.dims, p))]; });
    }
  });
}

TEST_CASE("the rules refuse what does not fit, in one line") {
  auto g = generator();
  const auto x = random_tensor(g, dtype::float_32, {1, 4, 4, 6});
  const auto refused = [&](auto&& f) {
    try {
      f();
    } catch (const error& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  const std::vector<element_type> out{{dtype::float_32, {}}};
  const auto w = [&](const shape& s) { return random_tensor(g, dtype::float_32, s).v; };
  CHECK(refused([&] {
          run<op::conv2d>({x.v, w({3, 3, 5, 8})}, {}, out);
        }).find("expected [3,3,6,8]") != std::string::npos);
  CHECK(refused([&] {
          run<op::conv2d>({x.v, w({3, 3, 6, 8})}, {.stride = {0, 1}}, out);
        }).find("parameter stride") != std::string::npos);
  CHECK(refused([&] { run<op::conv2d>({x.v, w({5, 3, 6, 8})}, {}, out); }) != "accepted");
  CHECK(refused([&] {
          run<op::depthwise_conv2d>({x.v, w({3, 3, 1, 8})}, {}, out);
        }).find("multiple of 6") != std::string::npos);
  CHECK(refused([&] {
          run<op::transpose_conv2d>({x.v, w({3, 3, 6, 8})}, {.output_padding = {1, 0}}, out);
        }).find("output_padding") != std::string::npos);
  CHECK(refused([&] {
          run<op::fully_connected>({x.v, w({8, 5})}, {}, out);
        }).find("multiple of 5") != std::string::npos);
  CHECK(refused([&] { run<op::matmul>({x.v, w({5, 8})}, {}, out); }).find("in1") != std::string::npos);
  CHECK(refused([&] {
          run<op::pool_max2d>({x.v}, {.filter_size = {2, 2}, .stride = {1, 1}, .pad_amount = {2, 0, 0, 0}}, out);
        }).find("pad_amount") != std::string::npos);
  CHECK(refused([&] {
          run<op::pool_avg2d>({x.v}, {.filter_size = {5, 2}, .stride = {1, 1}}, out);
        }).find("filter_size") != std::string::npos);
}
