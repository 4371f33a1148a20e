// SPDX-License-Identifier: Apache-2.0
#pragma once
// The quantizer's working state: which type each node runs in, which tensors share an encoding, what was already
// converted. ranges.cpp ties and encodes, domains.cpp chooses types, parameters.cpp stores weights, rewrite.cpp edits
// the net. Layer 6b.

#include <map>
#include <tuple>

#include "qnnx/runtime/passes/edit.hpp"
#include "qnnx/runtime/quantize.hpp"

namespace qnnx::inline QNNX_ABI::quantizing {

/// An encoding that came from outside, on the unsigned grid: lowest stored value 0, offset <= 0.
struct imposed {
  int bits = 8;
  std::vector<float> scales{};
  std::vector<std::int32_t> offsets{};
  friend bool operator==(const imposed&, const imposed&) = default;
};

class quantizer {
 public:
  quantizer(net& n, const quantize_options& o);
  void run();

 private:
  // ranges.cpp
  void tie_ranges();
  int root(int t) const;
  void join(int a, int b);
  bool has_range(int t) const { return ranges_[static_cast<std::size_t>(root(t))].has_value(); }
  net_encoding encoding_for(int t, dtype d) const;

  // domains.cpp
  void choose_domains();
  dtype wanted(int t) const;
  dtype activation_type(int bits) const;
  std::vector<dtype> weight_types(const net_node& k, dtype domain) const;
  const signature* fitting(const net_node& k, dtype domain) const;
  bool stays_float(int t) const;

  // parameters.cpp
  struct weight_plan {
    dtype type = dtype::undefined;
    int bits = 8;
    int axis = -1;
    std::vector<double> least_scale{};  // per channel: what the bias needs
  };
  weight_plan plan_weight(const net_node& k, dtype type) const;
  int store_weight(int t, const weight_plan& p);
  int store_bias(int t, float scale_in, int weight, std::int64_t channels);
  int store_constant(int t, dtype type, const net_encoding& enc);
  real_range data_range(const net_tensor& t, schema s, int bits) const;

  // rewrite.cpp
  void rewrite();
  void rewrite_node(net_node k, dtype domain);
  int operand(int t, dtype domain, const net_encoding* required);
  int convert(int t, dtype to, const net_encoding& enc);
  int declare(int like, std::string_view suffix, dtype type, const net_encoding& enc);
  int replace_constant(int old, net_tensor fresh);
  void say(const std::string& line) const {
    if (o_.log) o_.log(line);
  }

  const net_tensor& tensor(int t) const { return n_.tensors[static_cast<std::size_t>(t)]; }
  net_tensor& tensor(int t) { return n_.tensors[static_cast<std::size_t>(t)]; }
  /// A float tensor of the net as it came.
  bool is_real(int t) const { return t >= 0 && t < static_cast<int>(real_.size()) && real_[static_cast<std::size_t>(t)]; }
  bool is_constant(int t) const { return t >= 0 && tensor(t).kind == tensor_kind::constant; }

  net& n_;
  const quantize_options& o_;
  std::vector<bool> real_;
  std::vector<bool> renamed_;                        // per source constant: its name went to the stored form
  std::vector<int> parent_;                          // union-find over tensors that share an encoding
  std::vector<std::optional<real_range>> ranges_;    // per root
  std::vector<std::optional<imposed>> imposed_;      // per tensor, later per root
  std::vector<dtype> domain_;                        // per node; undefined: node without floats
  std::vector<int> home_;                            // per source tensor: the tensor its maker writes
  std::vector<net_node> done_;
  std::map<std::tuple<int, dtype, float, std::int32_t>, int> converted_;
  std::map<std::tuple<int, dtype, float, std::int32_t>, int> stored_;
};

/// Fills a constant's data with stored values, in the form of its type and encoding (t.enc is set before).
void store_values(net_tensor& t, const std::vector<std::int64_t>& q);
/// Convolutions, FullyConnected and MatMul: input 1 is a weight, input 2 a bias.
bool is_weighted(const op_info& op);
/// The axis of output channels of a weighted op's weights.
int channel_axis(const net& n, const net_node& k);
/// Moves values by definition or in effect: input and output share an encoding.
bool shares_encoding(const net_node& k);
/// The schema that a stored type takes when the user asked for `asked`.
schema schema_for(dtype d, schema asked);

}  // namespace qnnx::inline QNNX_ABI::quantizing
