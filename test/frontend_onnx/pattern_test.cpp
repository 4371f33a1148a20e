// SPDX-License-Identifier: Apache-2.0
// Groups of nodes that become one op, and functions that become several.
#include <cmath>

#include "import.hpp"

using namespace qnnx;
using namespace tested;
using writer::dims;

namespace {
constexpr std::size_t width = 6;

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta, as PyTorch writes it below opset 17.
writer::graph decomposed_norm(std::int64_t axis, bool affine, const char* extra_output = nullptr) {
  writer::graph g;
  g.input("x", {2, 3, width}).output("y");
  if (extra_output) g.output(extra_output);
  g.initializer(writer::floats("two", {}, {2})).initializer(writer::floats("eps", {}, {1e-5f}));
  g.initializer(writer::floats("gamma", {width}, {1, 2, 3, -1, 0.5f, 4}))
      .initializer(writer::floats("beta", {width}, {0, 1, -1, 2, 0, 3}));
  g.add(writer::node("ReduceMean", {"x"}, {"mean"}, {{"axes", dims{axis}}}));
  g.add(writer::node("Sub", {"x", "mean"}, {"d"}));
  g.add(writer::node("Pow", {"d", "two"}, {"squares"}));
  g.add(writer::node("ReduceMean", {"squares"}, {"variance"}, {{"axes", dims{axis}}}));
  g.add(writer::node("Add", {"variance", "eps"}, {"sum"}));
  g.add(writer::node("Sqrt", {"sum"}, {"root"}));
  g.add(writer::node("Div", {"d", "root"}, {affine ? "normal" : "y"}));
  if (affine) {
    g.add(writer::node("Mul", {"normal", "gamma"}, {"scaled"}));
    g.add(writer::node("Add", {"scaled", "beta"}, {"y"}));
  }
  return g;
}
std::vector<float> normalized(const std::vector<float>& x, bool affine) {
  const std::vector<double> gamma{1, 2, 3, -1, 0.5, 4};
  const std::vector<double> beta{0, 1, -1, 2, 0, 3};
  std::vector<float> y(x.size());
  for (std::size_t r = 0; r < x.size(); r += width) {
    double mean = 0;
    double var = 0;
    for (std::size_t i = 0; i < width; ++i) mean += static_cast<double>(x[r + i]) / width;
    for (std::size_t i = 0; i < width; ++i) var += std::pow(static_cast<double>(x[r + i]) - mean, 2) / width;
    for (std::size_t i = 0; i < width; ++i) {
      const double v = (static_cast<double>(x[r + i]) - mean) / std::sqrt(var + 1e-5);
      y[r + i] = static_cast<float>(affine ? v * gamma[i] + beta[i] : v);
    }
  }
  return y;
}
void close(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-5));
}
}  // namespace

TEST_CASE("the nine nodes of a layer norm become LayerNorm, with and without scale and bias") {
  const std::vector<float> x = counting(36, 11, -4);
  for (const bool affine : {true, false}) {
    const net n = import(decomposed_norm(-1, affine));
    CHECK(n.nodes.size() == 1);
    CHECK(count(n, "LayerNorm") == 1);
    close(run(n, x), normalized(x, affine));
  }
}

TEST_CASE("a part that is read elsewhere is still made") {
  const std::vector<float> x = counting(36, 11, -4);
  const net n = import(decomposed_norm(-1, true, "variance"));
  CHECK(count(n, "LayerNorm") == 1);
  CHECK(count(n, "ReduceMean") == 2);
  CHECK(n.of_kind(tensor_kind::app_read).size() == 2);
}

TEST_CASE("one factor for all is no scale of the norm") {
  writer::graph g = decomposed_norm(-1, false);
  g.output("z").initializer(writer::floats("half", {1}, {0.5f}));
  g.add(writer::node("Mul", {"y", "half"}, {"z"}));
  const net n = import(g);
  CHECK(count(n, "LayerNorm") == 1);
  CHECK(count(n, "ElementWiseMultiply") == 1);
}

TEST_CASE("means over another axis stay as they are") {
  const net n = import(decomposed_norm(1, false));
  CHECK(count(n, "LayerNorm") == 0);
  CHECK(count(n, "ReduceMean") == 2);
}

TEST_CASE("three spellings of hard-swish become HardSwish; other factors stay") {
  const auto spelled = [](int form, float three, float six) {
    writer::graph g;
    g.input("x", {6}).output("y");
    g.initializer(writer::floats("three", {}, {three})).initializer(writer::floats("zero", {}, {0}));
    g.initializer(writer::floats("six", {}, {six})).initializer(writer::floats("sixth", {}, {1 / six}));
    if (form == 0) {
      g.add(writer::node("HardSigmoid", {"x"}, {"h"}, {{"alpha", 1 / six}, {"beta", 0.5f}}));
      g.add(writer::node("Mul", {"x", "h"}, {"y"}));
    } else {
      g.add(writer::node("Add", {"x", "three"}, {"s"}));
      g.add(writer::node("Clip", {"s", "zero", "six"}, {"c"}));
      g.add(form == 1 ? writer::node("Div", {"c", "six"}, {"h"}) : writer::node("Mul", {"x", "c"}, {"h"}));
      g.add(form == 1 ? writer::node("Mul", {"h", "x"}, {"y"}) : writer::node("Mul", {"h", "sixth"}, {"y"}));
    }
    return import(g);
  };
  for (int form = 0; form < 3; ++form) {
    const net n = spelled(form, 3, 6);
    CHECK(n.nodes.size() == 1);
    CHECK(count(n, "HardSwish") == 1);
    close(run(n, {-4, -3, -1.5f, 0, 1.5f, 5}), {0, 0, -0.375f, 0, 1.125f, 5});
    CHECK(count(spelled(form, 3, 5), "HardSwish") == 0);
  }
  CHECK(count(spelled(1, 2, 6), "HardSwish") == 0);
}

TEST_CASE("Where of computed and constant operands, broadcast") {
  writer::graph g;
  g.input("x", {2, 3}).output("y");
  g.initializer(writer::floats("zero", {}, {0})).initializer(writer::floats("low", {1, 3}, {-1, -2, -3}));
  g.add(writer::node("Less", {"x", "zero"}, {"c"}));
  g.add(writer::node("Where", {"c", "low", "x"}, {"y"}));
  const net n = import(g);
  CHECK(count(n, "ElementWiseSelect") == 1);
  CHECK(run(n, {1, -5, 2, -7, 3, -9}) == std::vector<float>{1, -2, 2, -1, 3, -3});
}

TEST_CASE("Erf alone, and functions made of several ops") {
  const auto one = [](const char* op, const std::vector<writer::attribute>& attributes = {}) {
    writer::graph g;
    g.input("x", {4}).output("y");
    g.add(writer::node(op, {"x"}, {"y"}, attributes));
    return import(g);
  };
  const auto follows = [&](const char* op, double (*f)(double), const std::vector<float>& x) {
    std::vector<float> y;
    for (float v : x) y.push_back(static_cast<float>(f(static_cast<double>(v))));
    close(run(one(op), x), y);
  };
  follows("Erf", std::erf, {-2, -0.1f, 0.5f, 3});
  follows("Acos", std::acos, {-0.9f, -0.1f, 0.5f, 1});
  follows("Sinh", std::sinh, {-2, -0.5f, 1, 3});
  follows("Cosh", std::cosh, {-2, -0.5f, 1, 3});
  follows("Asinh", std::asinh, {-20, -0.5f, 1, 3});
  follows("Acosh", std::acosh, {1.5f, 2, 5, 30});
  follows("Atanh", std::atanh, {-0.9f, -0.1f, 0.5f, 0.7f});
  CHECK(run(one("ThresholdedRelu", {{"alpha", 2.0f}}), {1, 2, 3, -4}) == std::vector<float>{0, 0, 3, 0});
  CHECK(run(one("Shrink", {{"lambd", 1.0f}, {"bias", 0.5f}}), {-2, -1, 0.5f, 3}) ==
        std::vector<float>{-1.5f, 0, 0, 2.5f});
}

TEST_CASE("Einsum of two operands is a MatMul between permutations") {
  const std::vector<float> x = counting(24);    // b=2, i=3, d=4
  const std::vector<float> w = counting(40, 9); // b=2, j=5, d=4
  const auto made = [&](const char* equation) {
    writer::graph g;
    g.input("x", {2, 3, 4}).output("y").initializer(writer::floats("w", {2, 5, 4}, w));
    g.add(writer::node("Einsum", {"x", "w"}, {"y"}, {{"equation", equation}}));
    return import(g);
  };
  const auto at = [&](int b, int i, int j, int d) {
    return x[static_cast<std::size_t>((b * 3 + i) * 4 + d)] * w[static_cast<std::size_t>((b * 5 + j) * 4 + d)];
  };
  std::vector<float> scores;   // bid,bjd->bij
  std::vector<float> swapped;  // bid,bjd->jbi
  std::vector<float> summed;   // bid,bjd->id: j and b summed
  for (int b = 0; b < 2; ++b)
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 5; ++j) scores.push_back(at(b, i, j, 0) + at(b, i, j, 1) + at(b, i, j, 2) + at(b, i, j, 3));
  for (int j = 0; j < 5; ++j)
    for (int b = 0; b < 2; ++b)
      for (int i = 0; i < 3; ++i) swapped.push_back(scores[static_cast<std::size_t>((b * 3 + i) * 5 + j)]);
  for (int i = 0; i < 3; ++i)
    for (int d = 0; d < 4; ++d) {
      float s = 0;
      for (int b = 0; b < 2; ++b)
        for (int j = 0; j < 5; ++j) s += at(b, i, j, d);
      summed.push_back(s);
    }
  CHECK(run(made("bid, bjd -> bij"), x) == scores);
  CHECK(run(made("bid,bjd->jbi"), x) == swapped);
  CHECK(run(made("bid,bjd->id"), x) == summed);
}

TEST_CASE("results whose size only the data give are refused by name") {
  writer::graph g;
  g.input("x", {4}).output("y", {-1}, 7);
  g.add(writer::node("NonZero", {"x"}, {"y"}));
  CHECK(message(g.model()).find("(NonZero): its result has a size that only the data give") != std::string::npos);
}
