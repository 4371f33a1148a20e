// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the translators of single operators work with: operands of the current operator as net tensors or as constant
// integers, weights in our layout, nodes with inferred output sizes, and refusals that name the place. One translator
// is a function of an importer; translators.hpp lists them by operator. Layer 8.

#include <map>
#include <span>

#include "frontend/tflite/model.hpp"
#include "frontend/tflite/tflite.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

/// The result of an operator whose operands are all constant.
struct folded_value {
  std::vector<std::byte> data;
  shape dims;
};

/// [A-Za-z0-9_], no leading digit; names beyond 200 characters (TFLite joins the names of fused layers) are cut and end
/// in the CRC of the whole name.
std::string clean_name(const std::string& name);

class importer {
 public:
  importer(const model& m, const import_options& options);
  net run();

  // The current operator.
  const operation& op() const { return *op_; }
  const options& opt() const { return op_->opt; }
  int input_count() const { return static_cast<int>(op_->inputs.size()); }
  int output_count() const { return static_cast<int>(op_->outputs.size()); }
  /// Operand i is there.
  bool has(int i) const { return i < input_count() && op_->inputs[static_cast<std::size_t>(i)] >= 0; }
  const tensor& in(int i) const;
  const tensor& out(int i = 0) const;
  bool is_constant(int i) const;
  dtype in_type(int i) const { return type_of(in(i)); }
  dtype out_type(int i = 0) const { return type_of(out(i)); }
  bool is_float() const { return qnnx::is_float(out_type()); }
  const shape& dims(int i);
  int rank(int i) { return dims(i).rank(); }
  /// Sizes of a constant operand that need not become a tensor of the net.
  shape constant_dims(int i) const;
  /// Operand i as a tensor of the net, -1 where it is left out.
  int value(int i);
  /// Operand i as a list of constant integers; refused where it is computed at run time.
  std::vector<std::int32_t> integers(int i, const char* what);
  /// One constant integer or float.
  std::int32_t integer(int i, const char* what);
  /// Constant operand i as real values: floats, halves, integers by their scale.
  std::vector<float> reals(int i, const char* what);
  float real(int i, const char* what);
  /// An axis in [0, rank); negative ones count from the end.
  std::int32_t axis(std::int32_t a, int rank) const;
  /// Operand i as an int32 tensor (indices): int64 constants are narrowed.
  int indices(int i);
  /// Constant operand i with its dimensions permuted (result dimension d is source dimension order[d]) and reshaped to
  /// `wanted`; `channel` is the axis of per-channel scales in the result. Integers meant for float data are
  /// dequantized.
  int weights(int i, std::vector<int> order, const shape& wanted, int channel, bool to_float);
  /// Bias operand i: 32-bit with scale s_in * s_w, or float; -1 where it is left out.
  int bias(int i, std::int32_t channels);

  /// The node that makes output `o` of the operator; its sizes come from the op's own rule.
  template <class Op>
  net_node& emit(std::vector<int> inputs, const typename Op::params& p = {}, int o = 0) {
    return finish_node(make_node<Op>(std::move(inputs), p), {o});
  }
  /// The same for an op whose result has the encoding of its input 0; a Convert follows where the file says otherwise.
  template <class Op>
  void emit_moved(std::vector<int> inputs, const typename Op::params& p = {}, int o = 0) {
    const net_encoding from = at(inputs.at(0)).enc;
    if (is_fixed(out_type(o)) && from.defined() && !(from == encoding_of(out(o)))) {
      const dtype type = at(inputs.at(0)).type;
      recode(intermediate<Op>(std::move(inputs), p, type, from, "moved"), o);
    } else {
      emit<Op>(std::move(inputs), p, o);
    }
  }
  /// The node that makes all outputs of the operator.
  template <class Op>
  net_node& emit_all(std::vector<int> inputs, const typename Op::params& p = {}) {
    std::vector<int> all;
    for (int o = 0; o < output_count(); ++o) all.push_back(o);
    return finish_node(make_node<Op>(std::move(inputs), p), all);
  }
  /// A node with a result of its own, for operators that become several nodes. Returns the tensor.
  template <class Op>
  int intermediate(std::vector<int> inputs, const typename Op::params& p, dtype type, const net_encoding& enc, const char* suffix) {
    return intermediate_node(make_node<Op>(std::move(inputs), p), type, enc, suffix);
  }
  /// The activation of the operator as the node's epilogue.
  void fuse(net_node& n, fused_activation act);
  /// Tensor v with the type and encoding of result o: a Convert.
  void recode(int v, int o);
  /// A tensor of the net; refuses the operator where an operand that it needs is left out (-1).
  const net_tensor& at(int v) const {
    if (v < 0) fail("an operand that it needs is left out", "repair the model");
    return net_.tensors[static_cast<std::size_t>(v)];
  }
  int constant(const char* suffix, dtype type, const shape& dims, std::vector<std::byte> data, const net_encoding& enc = {});
  template <class T>
  int constant_of(const char* suffix, dtype type, const shape& dims, const std::vector<T>& values, const net_encoding& enc = {}) {
    const auto* first = reinterpret_cast<const std::byte*>(values.data());
    return constant(suffix, type, dims, {first, first + values.size() * sizeof(T)}, enc);
  }
  void fold(int o, folded_value value);
  void warn(const std::string& what);

  /// "FILE: operator 3 (CONV_2D): WHAT; REMEDY"
  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const;
  dtype type_of(const tensor& t) const;
  net_encoding encoding_of(const tensor& t, int axis = -1) const;

 private:
  template <class Op>
  net_node make_node(std::vector<int> inputs, const typename Op::params& p) {
    net_node n;
    n.op = &info<Op>;
    n.inputs = std::move(inputs);
    n.params = to_words(p);
    return n;
  }
  net_node& finish_node(net_node n, const std::vector<int>& outs);
  int intermediate_node(net_node n, dtype type, const net_encoding& enc, const char* suffix);
  std::string unique(const std::string& source_name);
  shape shape_of(const tensor& t) const;
  bool constant_tensor(int t) const;
  std::span<const std::byte> data_of(int t) const;
  std::vector<std::int32_t> unpacked(int t) const;
  int tensor_value(int t);
  void choose_signature();
  void mark_needed();
  void add_inputs();
  void translate(const operation& o);
  void evaluate(std::size_t first_node);
  void sweep();

  const model& model_;
  const import_options& options_;
  const subgraph* graph_ = nullptr;
  std::vector<std::int32_t> outputs_;
  const operation* op_ = nullptr;
  int op_index_ = -1;
  net net_;
  std::vector<int> value_of_;           // tensor of the subgraph -> tensor of the net, or -1
  std::vector<bool> needed_, made_;     // tensors that the outputs depend on; that an operator or the caller makes
  std::map<int, folded_value> folded_;
  std::map<std::string, int> names_;
};

/// The translator of an operator, or null.
using translator = void (*)(importer&);
translator find_translator(std::int32_t code);
// The families that it is put together from.
translator find_convolution(builtin code);
translator find_elementwise(builtin code);
translator find_movement(builtin code);
translator find_reduction(builtin code);

}  // namespace qnnx::inline QNNX_ABI::tflite
