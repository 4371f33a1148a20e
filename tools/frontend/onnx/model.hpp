// SPDX-License-Identifier: Apache-2.0
#pragma once
// An ONNX file as plain structs. Text and raw weights are views into the file's bytes, which `model` owns. What the
// importer cannot use (training info, sparse initializers) is refused here or where it is used. Layer 8.
// Field numbers: onnx/onnx.proto3.

#include <memory>

#include "frontend/onnx/wire.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

/// TensorProto.DataType.
enum class element : std::int32_t {
  undefined = 0, float32 = 1, uint8 = 2, int8 = 3, uint16 = 4, int16 = 5, int32 = 6, int64 = 7, string = 8, boolean = 9,
  float16 = 10, float64 = 11, uint32 = 12, uint64 = 13, complex64 = 14, complex128 = 15, bfloat16 = 16, float8e4m3fn = 17,
  float8e4m3fnuz = 18, float8e5m2 = 19, float8e5m2fnuz = 20, uint4 = 21, int4 = 22, float4e2m1 = 23,
};
std::string to_string(element e);

struct tensor_proto {
  std::string name;
  std::vector<std::int64_t> dims;
  element type = element::undefined;
  std::string_view raw;
  bool has_raw = false;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;  // int32_data, int64_data, uint64_data
  std::vector<double> doubles;
  bool external = false;
  std::vector<std::pair<std::string, std::string>> external_data;
  const char* at = nullptr;  // where the tensor begins in the file
};

struct graph_proto;

struct attribute_proto {
  std::string name;
  int type = 0;  // AttributeProto.AttributeType, 0 in very old files
  float f = 0;
  std::int64_t i = 0;
  std::string s;
  std::shared_ptr<tensor_proto> t;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  std::vector<std::string> strings;
  bool has_graph = false;
};

struct node_proto {
  std::string name;
  std::string op_type;
  std::string domain;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<attribute_proto> attributes;

  const attribute_proto* find(std::string_view attribute) const;
};

struct dimension {
  std::int64_t value = -1;  // -1: not given
  std::string symbol;
};

struct value_info {
  std::string name;
  element type = element::undefined;
  bool has_shape = false;
  bool is_tensor = true;
  std::vector<dimension> dims;
};

struct graph_proto {
  std::string name;
  std::vector<node_proto> nodes;
  std::vector<tensor_proto> initializers;
  std::vector<value_info> inputs;
  std::vector<value_info> outputs;
  std::vector<value_info> values;
};

struct model {
  wire::source file;
  std::string bytes;
  std::string folder;  // of the file, for external data; empty: none allowed
  std::int64_t ir_version = 0;
  std::string producer;
  std::vector<std::pair<std::string, std::int64_t>> opsets;  // domain, version
  std::vector<std::string> functions;                        // "domain:name" of local functions
  graph_proto graph;
  bool has_graph = false;

  std::int64_t opset(std::string_view domain = "") const;
};

/// Reads a file. Throws qnnx::error with "FILE: ...".
std::unique_ptr<model> read_model(const std::string& path);
/// Parses bytes in memory; `name` stands for the file in messages, `folder` holds external data.
std::unique_ptr<model> parse_model(std::string bytes, const std::string& name, const std::string& folder = "");

/// A tensor's value on the host: dense little-endian elements, 4-bit ones unpacked to a byte each.
struct constant {
  element type = element::undefined;
  std::vector<std::int64_t> dims;
  std::vector<std::byte> data;

  std::int64_t size() const;
  template <class T>
  const T* as() const { return reinterpret_cast<const T*>(data.data()); }
  bool is_integer() const;
  /// All elements converted; integers only / any number.
  std::vector<std::int64_t> ints() const;
  std::vector<float> floats() const;
  static constant of_ints(std::vector<std::int64_t> dims, const std::vector<std::int64_t>& values, element type = element::int64);
  static constant of_floats(std::vector<std::int64_t> dims, const std::vector<float>& values);
};
/// Bytes of one unpacked element; 0 for types that have no dense form here.
int element_bytes(element e);
constant decode(const model& m, const tensor_proto& t);

}  // namespace qnnx::inline QNNX_ABI::onnx
