// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input activations: Relu, ReluMinMax, Relu6, Relu1, Sigmoid, Tanh, Elu, Gelu, HardSwish, Softplus and the
// general ElementWiseNeuron. Shape in = shape out. Source: QNN MasterOpDef; `operation` numbers below 256 are QNN's.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

enum class neuron : std::uint32_t {
  elu = 0, gelu = 1, hard_sigmoid = 2, hard_swish = 3, relu = 4, relu_min_max = 5, sigmoid = 6, softplus = 7, tanh = 8,
  silu = 256,  // x sigmoid(x); not QNN's, passes::fuse_silu makes it
};

// clang-format off
using unary_types = signatures<types::f32(types::f32), types::f16(types::f16), types::u8(types::u8),
                               types::s8(types::s8), types::u16(types::u16), types::s16(types::s16)>;
// clang-format on

struct neuron_params {
  neuron operation = neuron::relu;
  float alpha = 1.0f;  // ELU slope; HARD_SIGMOID slope (its own default is 0.2)
  float beta = 0.5f;   // HARD_SIGMOID offset, SOFTPLUS steepness
  float min_value = 0.0f;
  float max_value = 0.0f;
  float threshold = -1.0f;  // SOFTPLUS: linear where beta*x > threshold >= 0
  friend constexpr bool operator==(const neuron_params&, const neuron_params&) = default;
};

/// Output shape = input shape: the base of every one-input op.
struct same_shape {
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  template <class Params>
  static constexpr issue infer(const context& c, const Params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};

struct elementwise_neuron : same_shape {
  static constexpr std::string_view name = "ElementWiseNeuron";
  using params = neuron_params;
  using types = unary_types;
};

/// Forms with a fixed operation. `as_neuron` gives the general parameters that the shared kernel reads.
template <neuron Operation>
struct neuron_form : same_shape {
  using params = no_params;
  using types = unary_types;
  static constexpr neuron_params as_neuron(const params&) { return {.operation = Operation}; }
};
struct relu : neuron_form<neuron::relu> { static constexpr std::string_view name = "Relu"; };
struct sigmoid : neuron_form<neuron::sigmoid> { static constexpr std::string_view name = "Sigmoid"; };
struct tanh : neuron_form<neuron::tanh> { static constexpr std::string_view name = "Tanh"; };
struct gelu : neuron_form<neuron::gelu> { static constexpr std::string_view name = "Gelu"; };
struct hard_swish : neuron_form<neuron::hard_swish> { static constexpr std::string_view name = "HardSwish"; };
struct relu6 : neuron_form<neuron::relu_min_max> {
  static constexpr std::string_view name = "Relu6";
  static constexpr neuron_params as_neuron(const params&) {
    return {.operation = neuron::relu_min_max, .min_value = 0.0f, .max_value = 6.0f};
  }
};
struct relu1 : neuron_form<neuron::relu_min_max> {
  static constexpr std::string_view name = "Relu1";
  static constexpr neuron_params as_neuron(const params&) {
    return {.operation = neuron::relu_min_max, .min_value = -1.0f, .max_value = 1.0f};
  }
};
struct relu_min_max : same_shape {
  static constexpr std::string_view name = "ReluMinMax";
  struct params {
    float min_value = 0.0f;
    float max_value = 6.0f;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  using types = unary_types;
  static constexpr neuron_params as_neuron(const params& p) {
    return {.operation = neuron::relu_min_max, .min_value = p.min_value, .max_value = p.max_value};
  }
};
struct elu : same_shape {
  static constexpr std::string_view name = "Elu";
  struct params {
    float alpha = 1.0f;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  using types = unary_types;
  static constexpr neuron_params as_neuron(const params& p) { return {.operation = neuron::elu, .alpha = p.alpha}; }
};
struct elementwise_softplus : same_shape {
  static constexpr std::string_view name = "ElementWiseSoftplus";
  struct params {
    float beta = 1.0f;
    float threshold = -1.0f;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  using types = unary_types;
  static constexpr neuron_params as_neuron(const params& p) {
    return {.operation = neuron::softplus, .beta = p.beta, .threshold = p.threshold};
  }
};

}  // namespace qnnx::inline QNNX_ABI::op
