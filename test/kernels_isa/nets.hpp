// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-node graphs with random extents, encodings, parameters and constants for the operand types of a kernel: what
// the instruction-set tests run on both tables. A generator per op; kernels.inc names the ops that need one.

#include <functional>
#include <map>

#include "kernels_isa/axis_nets.hpp"
#include "kernels_isa/element_nets.hpp"
#include "kernels_isa/product_nets.hpp"
#include "kernels_isa/spatial_nets.hpp"

namespace qnnx::isa_test {

using generator = std::function<net(unsigned seed, const signature& types)>;
/// The generator of an op that has a kernel of its own for some instruction set.
inline const std::map<std::string_view, generator>& generators() {
  static const std::map<std::string_view, generator> all{
      {op::conv2d::name, [](unsigned s, const signature& t) { return window_net<op::conv2d>(s, t, false); }},
      {op::depthwise_conv2d::name, [](unsigned s, const signature& t) { return window_net<op::depthwise_conv2d>(s, t, true); }},
      {op::transpose_conv2d::name, transposed_net},
      {op::concat::name, concat_net},
      {op::channel_shuffle::name, shuffle_net},
      {op::fully_connected::name, connected_net},
      {op::quantize::name, one_input_net<op::quantize>},
      {op::dequantize::name, one_input_net<op::dequantize>},
      {op::convert::name, one_input_net<op::convert>},
      {op::cast::name, one_input_net<op::cast>},
      {op::elementwise_neuron::name, one_input_net<op::elementwise_neuron>},
      {op::relu::name, one_input_net<op::relu>},
      {op::relu6::name, one_input_net<op::relu6>},
      {op::relu1::name, one_input_net<op::relu1>},
      {op::relu_min_max::name, one_input_net<op::relu_min_max>},
      {op::sigmoid::name, one_input_net<op::sigmoid>},
      {op::tanh::name, one_input_net<op::tanh>},
      {op::gelu::name, one_input_net<op::gelu>},
      {op::hard_swish::name, one_input_net<op::hard_swish>},
      {op::elu::name, one_input_net<op::elu>},
      {op::elementwise_softplus::name, one_input_net<op::elementwise_softplus>},
      {op::softmax::name, [](unsigned s, const signature& t) { return s % 3 == 0 ? one_input_net<op::softmax>(s, t) : line_net<op::softmax>(s, t); }},
      {op::log_softmax::name, line_net<op::log_softmax>},
      {op::elementwise_unary::name, one_input_net<op::elementwise_unary>},
      {op::elementwise_abs::name, one_input_net<op::elementwise_abs>},
      {op::elementwise_asin::name, one_input_net<op::elementwise_asin>},
      {op::elementwise_atan::name, one_input_net<op::elementwise_atan>},
      {op::elementwise_ceil::name, one_input_net<op::elementwise_ceil>},
      {op::elementwise_cos::name, one_input_net<op::elementwise_cos>},
      {op::elementwise_exp::name, one_input_net<op::elementwise_exp>},
      {op::elementwise_floor::name, one_input_net<op::elementwise_floor>},
      {op::elementwise_log::name, one_input_net<op::elementwise_log>},
      {op::elementwise_neg::name, one_input_net<op::elementwise_neg>},
      {op::elementwise_round::name, one_input_net<op::elementwise_round>},
      {op::elementwise_rsqrt::name, one_input_net<op::elementwise_rsqrt>},
      {op::elementwise_sign::name, one_input_net<op::elementwise_sign>},
      {op::elementwise_sin::name, one_input_net<op::elementwise_sin>},
      {op::elementwise_square_root::name, one_input_net<op::elementwise_square_root>},
      {op::erf::name, one_input_net<op::erf>},
      {op::elementwise_power::name, power_net},
      {op::lookup::name, lookup_net},
      {op::prelu::name, prelu_net},
      {op::reduce_sum::name, reduce_net<op::reduce_sum>},
      {op::reduce_mean::name, reduce_net<op::reduce_mean>},
      {op::reduce_max::name, reduce_net<op::reduce_max>},
      {op::reduce_min::name, reduce_net<op::reduce_min>},
      {op::layer_norm::name, norm_net<op::layer_norm>},
      {op::rms_norm::name, norm_net<op::rms_norm>},
      {op::transpose::name, transpose_net},
      {op::matmul::name, matmul_net},
      {op::pool_avg2d::name, pool_net<op::pool_avg2d>},
      {op::resize::name, resize_net<op::resize>},
      {op::resize_bilinear::name, resize_net<op::resize_bilinear>},
      {op::resize_nearest_neighbor::name, resize_net<op::resize_nearest_neighbor>},
      {op::pool_max2d::name, pool_net<op::pool_max2d>},
      {op::elementwise_add::name, binary_net<op::elementwise_add>},
      {op::elementwise_binary::name, binary_net<op::elementwise_binary>},
      {op::elementwise_subtract::name, binary_net<op::elementwise_subtract>},
      {op::elementwise_multiply::name, binary_net<op::elementwise_multiply>},
      {op::elementwise_divide::name, binary_net<op::elementwise_divide>},
      {op::elementwise_squared_difference::name, binary_net<op::elementwise_squared_difference>},
      {op::elementwise_maximum::name, binary_net<op::elementwise_maximum>},
      {op::elementwise_minimum::name, binary_net<op::elementwise_minimum>},
  };
  return all;
}

}  // namespace qnnx::isa_test
