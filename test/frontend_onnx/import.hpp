// SPDX-License-Identifier: Apache-2.0
#pragma once
// Import and run a model, looking at it as a user would.
#include <doctest/doctest.h>

#include <numeric>

#include "frontend/onnx/onnx.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "writer.hpp"

namespace tested {

inline int count(const qnnx::net& n, std::string_view op) {
  int k = 0;
  for (const auto& node : n.nodes) k += node.op->name == op;
  return k;
}
inline std::string shape_of(const qnnx::net& n, std::string_view tensor) {
  const int t = n.find(tensor);
  return t < 0 ? "no such tensor" : std::string(qnnx::to_text(n.tensors[static_cast<std::size_t>(t)].dims).view());
}
/// Runs with one input and returns the first output.
inline std::vector<float> run(const qnnx::net& n, const std::vector<float>& x) {
  qnnx::interpreter r(std::shared_ptr<const qnnx::frozen_net>(n.freeze()));
  const int in = n.of_kind(qnnx::tensor_kind::app_write).at(0);
  const int out = n.of_kind(qnnx::tensor_kind::app_read).at(0);
  REQUIRE(r.bytes(in).size() == 4 * x.size());
  std::memcpy(r.bytes(in).data(), x.data(), 4 * x.size());
  r.run();
  std::vector<float> y(r.bytes(out).size() / 4);
  std::memcpy(y.data(), r.bytes(out).data(), 4 * y.size());
  return y;
}
inline std::vector<float> counting(std::size_t n, int period = 7, float start = -3) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = start + static_cast<float>(static_cast<int>(i * 5 + i / 3) % period);
  return v;
}
/// [N,C,H,W] to [N,H,W,C].
inline std::vector<float> to_nhwc(const std::vector<float>& x, std::size_t c, std::size_t hw) {
  std::vector<float> y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i / (c * hw) * c * hw + i % hw * c + i / hw % c] = x[i];
  return y;
}
inline qnnx::net import(const writer::graph& g, const qnnx::onnx::import_options& o = {}, int opset = 13) {
  return qnnx::onnx::import_bytes(g.model(opset), "m.onnx", o);
}
inline std::string message(const std::string& bytes, const qnnx::onnx::import_options& o = {}) {
  try {
    qnnx::onnx::import_bytes(bytes, "m.onnx", o);
  } catch (const qnnx::error& e) {
    return e.what();
  }
  return "imported";
}

/// Convolution in ONNX layout, straight from the definition.
inline std::vector<float> conv_nchw(const std::vector<float>& x, int ci, int h, int w, const std::vector<float>& k, int co, int size,
                                    const std::vector<float>& bias, int pad, int& ho, int& wo) {
  ho = h + 2 * pad - size + 1;
  wo = w + 2 * pad - size + 1;
  std::vector<float> y(static_cast<std::size_t>(co * ho * wo));
  for (int o = 0; o < co; ++o)
    for (int r = 0; r < ho; ++r)
      for (int q = 0; q < wo; ++q) {
        float sum = bias[static_cast<std::size_t>(o)];
        for (int i = 0; i < ci; ++i)
          for (int a = 0; a < size; ++a)
            for (int b = 0; b < size; ++b) {
              const int yy = r + a - pad;
              const int xx = q + b - pad;
              if (yy < 0 || xx < 0 || yy >= h || xx >= w) continue;
              sum += x[static_cast<std::size_t>((i * h + yy) * w + xx)] * k[static_cast<std::size_t>(((o * ci + i) * size + a) * size + b)];
            }
        y[static_cast<std::size_t>((o * ho + r) * wo + q)] = sum;
      }
  return y;
}

}  // namespace tested
