// SPDX-License-Identifier: Apache-2.0
#pragma once
// The models of the tests, made by formulas, so that the oracle can be given the very same files.

#include "frontend_tflite/file_writer.hpp"

namespace models {

inline std::vector<std::int8_t> pattern(std::size_t n, int step, int shift) {
  std::vector<std::int8_t> v;
  for (std::size_t i = 0; i < n; ++i) v.push_back(static_cast<std::int8_t>((static_cast<int>(i) * step + shift) % 255 - 127));
  return v;
}

/// int8: [1,4,4,2] -> conv 3x3 to 3 channels, SAME, stride 2, RELU6, per channel -> reshape [1,12] -> dense 5 ->
/// + itself -> softmax.
inline std::vector<std::byte> int8_net() {
  using namespace file_writer;
  model m;
  const int x = m.tensor("serving:x", int8, {1, 4, 4, 2}, {0.05f}, -3);
  const int w = m.tensor<std::int8_t>("conv/w", int8, {3, 3, 3, 2}, {0.01f, 0.02f, 0.005f}, 0, pattern(54, 37, 5));
  const int b = m.tensor<std::int32_t>("conv/b", int32, {3}, {0.0005f, 0.001f, 0.00025f}, 0, {100, -250, 4000});
  const int y = m.tensor("conv/out", int8, {1, 2, 2, 3}, {0.03f}, -128);
  const int to = m.tensor<std::int32_t>("shape", int32, {2}, {}, 0, {1, 12});
  const int r = m.tensor("flat", int8, {1, 12}, {0.03f}, -128);
  const int fw = m.tensor<std::int8_t>("fc/w", int8, {5, 12}, {0.011f}, 0, pattern(60, 91, 17));
  const int fb = m.tensor<std::int32_t>("fc/b", int32, {5}, {0.00033f}, 0, {-800, 300, 12, 0, 77});
  const int f = m.tensor("fc/out", int8, {1, 5}, {0.21f}, 7);
  const int s = m.tensor("sum", int8, {1, 5}, {0.37f}, 4);
  const int p = m.tensor("probabilities", int8, {1, 5}, {0.00390625f}, -128);
  m.node(conv_2d, {x, w, b}, {y}, conv_options, {u8(0, 0), i32(1, 2), i32(2, 2), u8(3, 3)});
  m.node(reshape, {y, to}, {r});
  m.node(fully_connected, {r, fw, fb}, {f}, fully_connected_options, {u8(0, 0)});
  m.node(add, {f, f}, {s}, add_options, {u8(0, 0)});
  m.node(softmax, {s}, {p}, softmax_options, {f32(0, 0.1f)});
  return m.file({x}, {y, f, s, p});
}

/// float: [2,3] -> dense 4 with RELU.
inline std::vector<std::byte> float_net() {
  using namespace file_writer;
  model m;
  const int x = m.tensor("x", float32, {2, 3});
  const int w = m.tensor<float>("w", float32, {4, 3}, {}, 0, {1, 2, 3, -1, 0, 1, 0.5f, 0.5f, 0.5f, -2, 1, -1});
  const int b = m.tensor<float>("b", float32, {4}, {}, 0, {0.5f, 0, -1, 2});
  const int y = m.tensor("1y", float32, {2, 4});
  m.node(fully_connected, {x, w, b}, {y}, fully_connected_options, {u8(0, 1)});
  return m.file({x}, {y});
}

}  // namespace models
