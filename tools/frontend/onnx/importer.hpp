// SPDX-License-Identifier: Apache-2.0
#pragma once
// The state of one import: what every ONNX name stands for in the net being built. A value remembers in which order
// its axes are stored, so that a Transpose in the model costs nothing until somebody needs the elements moved:
// spatial ops store channel-last, element-wise ops keep what they get, a Transpose only renames axes. Layer 8.

#include <map>
#include <set>
#include <unordered_map>

#include "frontend/onnx/fold.hpp"
#include "frontend/onnx/onnx.hpp"
#include "qnnx/op/ops.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

/// Scales of a quantized tensor in ONNX terms.
struct quantization {
  element type = element::uint8;
  std::vector<float> scales;
  std::vector<std::int64_t> zeros;  // the same length
  int axis = -1;                    // -1: one scale
  friend bool operator==(const quantization&, const quantization&) = default;
};

using order_t = std::vector<int>;

/// What an ONNX name stands for. `base` are its sizes in ONNX order; the tensor stores axis order[k] of base at place k.
/// `dims` differ from `base` only while a flattening to [N, rest] is pending.
struct value {
  std::shared_ptr<const constant> host;  // known at import
  int tensor = -1;                       // else: in the net
  element type = element::float32;       // as ONNX sees it
  dims_t dims;
  dims_t base;
  order_t order;
  bool spatial = false;                  // still the image that a spatial op made
  bool dequantized = false;              // ONNX sees floats, the data are integers with scales `q`
  std::shared_ptr<const quantization> q;

  int rank() const { return static_cast<int>(dims.size()); }
  bool flat() const { return dims != base; }
  bool plain() const;                    // stored in ONNX order
  std::int64_t dim(int i) const { return dims[static_cast<std::size_t>(i)]; }
};

order_t identity_order(std::size_t rank);
/// [0, 2, ..., rank-1, 1]
order_t channel_last(std::size_t rank);

/// Thrown inside when an op has no integer kernel for its operands: the node is done again in float.
struct no_integer_form {};

class importer {
 public:
  importer(const model& m, const import_options& options);
  net run();

  // For the translators.
  const model& file() const { return m_; }
  const import_options& options() const { return options_; }
  net& graph() { return net_; }
  std::string unique(const std::string& wanted);
  void rename_tensor(int tensor, const std::string& to);
  std::string rename_node(const std::string& from, const std::string& to);
  /// The tensor of a value with its axes stored in `order` (of dims); constants are permuted, others transposed.
  int stored(const value& v, const order_t& order);
  value settled(const value& v);          // without a pending flattening
  value real(const value& v);             // floats: Dequantize where needed
  int constant_tensor(const constant& c, const std::string& name, const quantization* q = nullptr);
  net_encoding encoding_of(const quantization& q, int axis) const;
  value tensor_value(int tensor, dims_t dims, order_t order, element type) const;
  /// Adds a node with one or more outputs; shapes and types come from the op's rule.
  int emit(const arguments& a, const op_info* op, const words& params, const std::vector<int>& inputs, const std::string& name,
           dtype type, const net_encoding& enc, int outputs = 1);
  value lookup(const arguments& a, const std::string& name) const;
  void define(const std::string& name, value v);
  /// Somebody reads this name, or it is an output.
  bool is_read(const std::string& name) const;
  bool known(const std::string& name) const { return values_.count(name) != 0; }
  /// The quantization that the readers of a value agree on, if any.
  std::shared_ptr<const quantization> planned(const std::string& name) const;
  std::shared_ptr<const quantization> scales(const arguments& a, const std::string& scale, const std::string& zero, int axis) const;
  const std::vector<const node_proto*>& readers(const std::string& name) const;

 private:
  void read_initializers();
  void read_quantizers();
  void pick_outputs();
  void order_nodes();
  void make_inputs();
  void translate(const node_proto& n);
  void finish_outputs();
  bool feeds_image_op(const std::string& name) const;
  dims_t input_dims(const value_info& v) const;
  arguments args(const node_proto& n) const { return {&m_, &n, m_.opset(n.domain == "" ? "" : n.domain)}; }
  void sweep();

  const model& m_;
  const import_options& options_;
  std::vector<node_proto> nodes_;
  net net_;
  std::map<std::string, value> values_;
  std::set<std::string> names_;
  std::unordered_map<std::string, std::vector<const node_proto*>> readers_;
  std::unordered_map<std::string, const node_proto*> maker_;
  std::vector<const node_proto*> sequence_;
  std::vector<std::string> outputs_;
  std::map<std::string, std::shared_ptr<const quantization>> quantized_;  // names of integer tensors with scales
  std::map<std::tuple<int, order_t, dims_t>, int> moved_;
  std::map<int, int> dequantized_;
};

/// How a node treats integer data with scales.
enum class integer_form : std::uint8_t {
  never,   // float only
  rescale, // its result has scales of its own
  moves,   // the result has the scales of input 0
};

/// One ONNX node being translated.
struct call : arguments {
  importer& im;
  std::vector<value> in;
  bool quantized = false;                          // operands stay integers
  integer_form form{};
  std::shared_ptr<const quantization> plan;        // of output 0 in integer form
  std::vector<value> out;

  call(importer& i, const arguments& a) : arguments(a), im(i) {}
  bool reads_output(std::size_t i) const { return has_output(i) && im.is_read(n->outputs[i]); }
  bool has(std::size_t i) const { return i < in.size() && (in[i].host || in[i].tensor >= 0); }
  bool is_host(std::size_t i) const { return i < in.size() && in[i].host != nullptr; }
  /// Input i without a pending flattening; complains if it is missing.
  value input(std::size_t i);
  std::vector<std::int64_t> known_ints(std::size_t i, const char* what) const;
  std::vector<float> known_floats(std::size_t i, const char* what) const;
  int plain(std::size_t i) { value v = input(i); return im.stored(v, identity_order(v.dims.size())); }
  int image(std::size_t i) { value v = input(i); return im.stored(v, channel_last(v.dims.size())); }
  std::string out_name(std::size_t i = 0) const;

  /// Adds a node of the op; the result's type is the operand's or, in integer form, what the readers expect.
  /// `part` names inner results of a node that becomes several.
  template <class Op>
  int emit(std::vector<int> inputs, const typename Op::params& p = {}, const std::string& part = "", dtype type = dtype::undefined,
           int outputs = 1) {
    return emit(&info<Op>, to_words(p), std::move(inputs), part, type, outputs);
  }
  int emit(const op_info* op, const words& params, std::vector<int> inputs, const std::string& part, dtype type, int outputs = 1);
  /// Result i: a tensor whose axes are stored in `order`.
  void set(std::size_t i, int tensor, const order_t& order, bool spatial = false);
  void set_image(int tensor) { set(0, tensor, channel_last(static_cast<std::size_t>(rank_of(tensor))), true); }
  void set_plain(std::size_t i, int tensor) { set(i, tensor, identity_order(static_cast<std::size_t>(rank_of(tensor)))); }
  void set_alias(std::size_t i, value v);
  static std::string describe_issue(const issue& e);
  int rank_of(int tensor) const { return shape_of(tensor).rank(); }
  const shape& shape_of(int tensor) const;
  dtype type_of(int tensor) const;
  int reshape(int tensor, const dims_t& dims, const std::string& part);
  /// A constant operand of arithmetic: of the type of tensor `like`. In integer form there is none.
  int number(float value, int like);
  int numbers(const std::string& part, const dims_t& dims, const std::vector<float>& values, dtype type = dtype::float_32);
  /// An operand of integer arithmetic brought to the type of the result: the sign bit flipped, the real values kept.
  value as_type(const value& v, element wanted);
  int stored(const value& v, const order_t& order) { return im.stored(v, order); }
  /// Tensors of several operands in one axis order, ready to broadcast; `order` gets that order.
  std::vector<int> aligned(const std::vector<value>& operands, order_t& order, bool& spatial);
  net_tensor& tensor(int t) { return im.graph().tensors[static_cast<std::size_t>(t)]; }
};

struct translator {
  void (*run)(call&) = nullptr;
  integer_form form = integer_form::never;
  bool image = false;         // works on [N,C,spatial...]
  bool passes_image = false;  // an image in, the same image out: layout runs through
};
/// Null where the op is unknown.
const translator* find_translator(const std::string& domain, const std::string& op_type);

using translator_table = std::unordered_map<std::string, translator>;
void add_arithmetic(translator_table& t);
void add_activations(translator_table& t);
void add_convolutions(translator_table& t);
void add_pools(translator_table& t);
void add_dense(translator_table& t);
void add_einsum(translator_table& t);
void add_normalizations(translator_table& t);
void add_movement(translator_table& t);
void add_shapes(translator_table& t);
void add_indexing(translator_table& t);
void add_reductions(translator_table& t);
void add_quantization(translator_table& t);

/// Characters that no C name has become '_'; a leading digit gets a '_' before it.
std::string clean_name(const std::string& name);
shape to_shape(const dims_t& dims);
dims_t to_dims(const shape& s);
dtype fixed_type(element e);  // of quantized data
dtype plain_type(element e);  // of data without scales

}  // namespace qnnx::inline QNNX_ABI::onnx
