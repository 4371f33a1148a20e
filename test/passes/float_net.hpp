// SPDX-License-Identifier: Apache-2.0
#pragma once
// Float nets for tests: a cursor that adds layers with random weights, and running a net on given inputs.

#include <cmath>
#include <random>
#include <vector>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

namespace testing {

using namespace qnnx;

struct layers {
  net n;
  std::mt19937 rng{1};
  int serial = 0;

  std::vector<float> random(std::int64_t count, float lo = -1, float hi = 1) {
    std::uniform_real_distribution<float> u(lo, hi);
    std::vector<float> v(static_cast<std::size_t>(count));
    for (float& x : v) x = u(rng);
    return v;
  }
  int input(const char* name, shape dims) { return n.add_tensor({.name = name, .kind = tensor_kind::app_write, .dims = dims}); }
  int constant(shape dims, float lo = -1, float hi = 1) {
    return n.add_constant<float>("c" + std::to_string(serial++), dtype::float_32, dims, random(dims.size(), lo, hi));
  }
  int constant(shape dims, const std::vector<float>& values) {
    return n.add_constant<float>("c" + std::to_string(serial++), dtype::float_32, dims, values);
  }
  template <class Op>
  int add(std::vector<int> inputs, const typename Op::params& p = {}) {
    const std::string name = "t" + std::to_string(serial++);
    net_node& k = n.add_node<Op>("n_" + name, std::move(inputs), {}, p);
    const shapes s = n.infer(k);
    const int out = n.add_tensor({.name = name, .dims = s[0]});
    n.nodes.back().outputs = {out};
    return out;
  }
  int conv(int x, int kernel, int channels, const op::conv2d::params& p = {}, bool bias = true) {
    const std::int32_t ci = n.tensors[static_cast<std::size_t>(x)].dims[3] / static_cast<std::int32_t>(p.group);
    const float a = std::sqrt(3.0f / static_cast<float>(kernel * kernel * ci));
    const int w = constant({kernel, kernel, ci, channels}, -a, a);
    std::vector<int> in{x, w};
    if (bias) in.push_back(constant({channels}, -0.2f, 0.2f));
    return add<op::conv2d>(in, p);
  }
  int depthwise(int x, int kernel, const op::depthwise_conv2d::params& p = {}) {
    const std::int32_t c = n.tensors[static_cast<std::size_t>(x)].dims[3];
    const float a = std::sqrt(3.0f / static_cast<float>(kernel * kernel));
    return add<op::depthwise_conv2d>({x, constant({kernel, kernel, 1, c}, -a, a), constant({c}, -0.2f, 0.2f)}, p);
  }
  void output(int t) { n.tensors[static_cast<std::size_t>(t)].kind = tensor_kind::app_read; }
};

/// Values of all float outputs after each other.
inline std::vector<float> run(const net& n, const std::vector<std::vector<float>>& inputs) {
  interpreter r(std::shared_ptr<const frozen_net>(n.freeze()));
  std::size_t i = 0;
  for (int t : n.of_kind(tensor_kind::app_write)) std::memcpy(r.bytes(t).data(), inputs[i].data(), r.bytes(t).size()), ++i;
  r.run();
  std::vector<float> v;
  for (int t : n.of_kind(tensor_kind::app_read)) {
    const auto b = r.bytes(t);
    const auto* p = reinterpret_cast<const float*>(b.data());
    v.insert(v.end(), p, p + b.size() / sizeof(float));
  }
  return v;
}

inline std::vector<std::vector<float>> random_inputs(const net& n, unsigned seed, float lo = -1, float hi = 1) {
  std::mt19937 rng(seed);
  std::uniform_real_distribution<float> u(lo, hi);
  std::vector<std::vector<float>> all;
  for (int t : n.of_kind(tensor_kind::app_write)) {
    std::vector<float> v(static_cast<std::size_t>(n.tensors[static_cast<std::size_t>(t)].dims.size()));
    for (float& x : v) x = u(rng);
    all.push_back(std::move(v));
  }
  return all;
}

/// Largest difference relative to the largest value.
inline double difference(const std::vector<float>& a, const std::vector<float>& b) {
  double most = 0;
  double scale = 1e-30;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    scale = std::max(scale, std::abs(static_cast<double>(a[i])));
  }
  return a.size() == b.size() ? most / scale : 1e30;
}

inline double sqnr_db(const std::vector<float>& real, const std::vector<float>& stored) {
  double signal = 0;
  double noise = 1e-30;
  for (std::size_t i = 0; i < real.size(); ++i) {
    const double e = static_cast<double>(real[i]) - static_cast<double>(stored[i]);
    signal += static_cast<double>(real[i]) * static_cast<double>(real[i]);
    noise += e * e;
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace testing
