// SPDX-License-Identifier: Apache-2.0
#pragma once
// A .tflite file as plain structs: subgraphs, tensors, operators with their options, buffers, signatures. Field and
// enum numbers are those of the published schema (tensorflow/lite/schema/schema.fbs, version 3c). Nothing is
// interpreted here but the layout of the file; indices are checked. Layer 8.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

enum class tensor_type : std::int8_t {
  float32 = 0, float16 = 1, int32 = 2, uint8 = 3, int64 = 4, string = 5, boolean = 6, int16 = 7, complex64 = 8,
  int8 = 9, float64 = 10, complex128 = 11, uint64 = 12, resource = 13, variant = 14, uint32 = 15, uint16 = 16,
  int4 = 17, bfloat16 = 18,
};
std::string_view to_string(tensor_type t);
/// Bits of one element, 0 where it has no fixed size.
int bits_of(tensor_type t);

/// BuiltinOperator, as far as it is named here.
enum class builtin : std::int32_t {
#define QNNX_TFLITE_OP(NAME, NUMBER) NAME = NUMBER,
#include "frontend/tflite/operators.inc"
#undef QNNX_TFLITE_OP
};
/// The schema's spelling, "CONV_2D"; "operator 200" for numbers that have no name here.
std::string operator_name(std::int32_t code, const std::string& custom = {});

enum class padding : std::int8_t { same = 0, valid = 1 };
enum class fused_activation : std::int8_t { none = 0, relu = 1, relu_n1_to_1 = 2, relu6 = 3, tanh = 4, sign_bit = 5 };

struct quantization {
  std::vector<float> scale;
  std::vector<std::int64_t> zero_point;
  std::int32_t dimension = 0;
  bool custom = false;      // a scheme of another kind: block-wise or custom
  bool defined() const { return !scale.empty() && scale[0] > 0; }
};

struct tensor {
  std::string name;
  tensor_type type = tensor_type::float32;
  std::vector<std::int32_t> shape;
  std::vector<std::int32_t> signature;  // with -1 where a size is not known, or empty
  std::uint32_t buffer = 0;
  bool variable = false;
  bool sparse = false;
  quantization quant;
};

/// The fields of every option table that the front end reads; those of other tables keep their defaults.
struct options {
  int kind = 0;  // number in the union BuiltinOptions
  tflite::padding pad = tflite::padding::same;
  fused_activation act = fused_activation::none;
  std::int32_t stride_h = 1, stride_w = 1;
  std::int32_t dilation_h = 1, dilation_w = 1;
  std::int32_t filter_h = 1, filter_w = 1;
  std::int32_t depth_multiplier = 0;
  std::int32_t axis = 0;
  std::int32_t count = 0;       // splits, packed values
  std::int32_t block_size = 0;
  std::int32_t batch_dims = 0;
  std::int8_t weights_format = 0;
  bool keep_dims = false;       // reductions; FullyConnected: keep_num_dims
  bool align_corners = false;
  bool half_pixel_centers = false;
  bool adj_x = false, adj_y = false;
  bool exclusive = false, reverse = false;
  bool approximate = false;     // GELU
  bool pot_scale_int16 = true;  // ADD, SUB
  float factor = 0;             // SOFTMAX beta, LEAKY_RELU alpha
  std::int8_t mode = 0;         // MIRROR_PAD: 0 reflect, 1 symmetric
  tensor_type in_type = tensor_type::float32, out_type = tensor_type::float32;
  std::int32_t begin_mask = 0, end_mask = 0, ellipsis_mask = 0, new_axis_mask = 0, shrink_axis_mask = 0;
  bool offset = false;
  std::vector<std::int32_t> list;  // RESHAPE new_shape, SQUEEZE dims
};

struct operation {
  std::int32_t code = 0;
  std::string custom;
  std::vector<std::int32_t> inputs;  // -1: an optional input left out
  std::vector<std::int32_t> outputs;
  tflite::options opt;
};

struct subgraph {
  std::string name;
  std::vector<tensor> tensors;
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
  std::vector<operation> operators;
};

struct signature_def {
  struct entry {
    std::string name;
    std::int32_t tensor = 0;
  };
  std::string key;
  std::uint32_t subgraph = 0;
  std::vector<entry> inputs;
  std::vector<entry> outputs;
};

struct model {
  std::string file;
  std::string description;
  std::vector<std::byte> bytes;                     // the file; buffers point into it
  std::vector<std::span<const std::byte>> buffers;
  std::vector<subgraph> subgraphs;
  std::vector<signature_def> signatures;

  model() = default;
  model(const model&) = delete;
  model& operator=(const model&) = delete;
  model(model&&) = default;  // a moved vector keeps its bytes where they are
  model& operator=(model&&) = default;
};

/// Reads a file of at most 2 GB. Throws `error` with one line.
model read_model(const std::string& path);
/// The same from memory; `file` is the name for messages.
model parse_model(std::vector<std::byte> bytes, const std::string& file);

}  // namespace qnnx::inline QNNX_ABI::tflite
