// SPDX-License-Identifier: Apache-2.0
#pragma once
// One small 8-bit net with a skip, written three times: by builder, by composition and as arrays. Seven nodes.

#include <random>
#include <vector>

#include "qnnx/model/compose.hpp"
#include "qnnx/model/model.hpp"

namespace nets {
using namespace qnnx;

inline constexpr element q_in = quantized<ufixed<8>>(0.02f, -128);
inline constexpr element q_conv = quantized<ufixed<8>>(0.05f, 0);
inline constexpr element q_dw = quantized<ufixed<8>>(0.04f, -100);
inline constexpr element q_sum = quantized<ufixed<8>>(0.08f, -60);
inline constexpr element q_logits = quantized<ufixed<8>>(0.5f, -120);
inline constexpr element q_probs = quantized<ufixed<8>>(1.0f / 256, 0);
inline constexpr std::array<float, 8> conv_scales{0.01f, 0.02f, 0.015f, 0.011f, 0.012f, 0.013f, 0.03f, 0.009f};

struct built {
  static consteval auto define() {
    qnnx::layers b;
    auto x = b.input("x", {1, 12, 12, 3}, q_in);
    x = b.conv2d("conv", x, {.kernel = {3, 3}, .stride = {2, 2}, .channels = 8, .pad = same, .act = activation::relu,
                             .weight_scales = conv_scales}, q_conv);
    const auto d = b.depthwise_conv2d("dw", x, {.kernel = {3, 3}, .pad = same, .weight_scale = 0.02f}, q_dw);
    x = b.add("sum", x, d, q_sum);
    x = b.relu("bent", x);
    x = b.max_pool("pool", x);
    x = b.fully_connected("dense", x, {.channels = 10, .weight_scale = 0.01f}, q_logits);
    b.output(b.softmax("probs", x, q_probs));
    return b;
  }
};

using conv = layer::per_channel<conv_scales, layer::conv2d<8, 3, 3, layer::conv_options{.stride = {2, 2}, .pad = same,
                                                                                       .act = activation::relu, .out = q_conv}>>;
using depthwise = layer::depthwise_conv2d<3, 3, layer::conv_options{.pad = same, .out = q_dw, .weight_scale = 0.02f}>;
using dense = layer::fully_connected<10, layer::dense_options{.out = q_logits, .weight_scale = 0.01f}>;
using expression = decltype(
    qnnx::input<"x", extents<1, 12, 12, 3>, q_in> >> layer::named<"conv", conv>{} >>
    fork(layer::identity{}, layer::named<"dw", depthwise>{}) >> layer::named<"sum", layer::add<q_sum>>{} >>
    layer::named<"bent", layer::relu<>>{} >> layer::named<"pool", layer::max_pool<>>{} >>
    layer::named<"dense", dense>{} >> layer::named<"probs", layer::softmax<q_probs>>{});
struct composed : expression {};

struct arrays {
  static constexpr tensor_desc tensors[14] = {
      {"x", tensor_kind::app_write, dtype::ufixed_8, {1, 12, 12, 3}, q_in.enc},
      {"conv_weight", tensor_kind::constant, dtype::sfixed_8, {3, 3, 3, 8}, axis_scales(3, 0, 8)},
      {"conv_bias", tensor_kind::constant, dtype::sfixed_32, {8}},
      {"conv", tensor_kind::native, dtype::ufixed_8, {1, 6, 6, 8}, q_conv.enc},
      {"dw_weight", tensor_kind::constant, dtype::sfixed_8, {3, 3, 1, 8}, scale_offset(0.02f)},
      {"dw_bias", tensor_kind::constant, dtype::sfixed_32, {8}},
      {"dw", tensor_kind::native, dtype::ufixed_8, {1, 6, 6, 8}, q_dw.enc},
      {"sum", tensor_kind::native, dtype::ufixed_8, {1, 6, 6, 8}, q_sum.enc},
      {"bent", tensor_kind::native, dtype::ufixed_8, {1, 6, 6, 8}, q_sum.enc},
      {"pool", tensor_kind::native, dtype::ufixed_8, {1, 3, 3, 8}, q_sum.enc},
      {"dense_weight", tensor_kind::constant, dtype::sfixed_8, {10, 72}, scale_offset(0.01f)},
      {"dense_bias", tensor_kind::constant, dtype::sfixed_32, {10}},
      {"dense", tensor_kind::native, dtype::ufixed_8, {1, 10}, q_logits.enc},
      {"probs", tensor_kind::app_read, dtype::ufixed_8, {1, 10}, q_probs.enc}};
  static constexpr node_desc nodes[7] = {
      node<op::conv2d>("conv", {0, 1, 2}, {3}, {.stride = {2, 2}, .pad_amount = {0, 1, 0, 1}}, {.act = activation::relu}),
      node<op::depthwise_conv2d>("dw", {3, 4, 5}, {6}, {.pad_amount = {1, 1, 1, 1}}),
      node<op::elementwise_add>("sum", {3, 6}, {7}),
      node<op::relu>("bent", {7}, {8}),
      node<op::pool_max2d>("pool", {8}, {9}, {.filter_size = {2, 2}, .stride = {2, 2}}),
      node<op::fully_connected>("dense", {9, 10, 11}, {12}),
      node<op::softmax>("probs", {12}, {13})};
  static constexpr std::array<float, 8> scales = conv_scales;
  static constexpr graph_view define() { return {"arrays", tensors, 14, nodes, 7, scales.data(), nullptr, 8}; }
};

/// As `arrays`, with every step compiled for its own shapes.
struct specialised : arrays {
  static constexpr bool specialise(int) { return true; }
};

/// Weight bytes: small random 8-bit values and biases, from a printed seed.
inline std::vector<std::byte> random_weights(const graph_view& g, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> bytes;
  for (int t = 0; t < g.tensor_count; ++t) {
    const tensor_desc& d = g.tensors[t];
    if (d.kind != tensor_kind::constant) continue;
    const auto n = static_cast<std::size_t>(byte_size(d));
    for (std::size_t i = 0; i < n; ++i) {
      const bool low = d.type != dtype::sfixed_32 || i % 4 == 0;  // a bias of 0 to 255
      bytes.push_back(static_cast<std::byte>(low ? random() & 255u : 0u));
    }
    bytes.resize((bytes.size() + 15) / 16 * 16);
  }
  return bytes;
}

}  // namespace nets
