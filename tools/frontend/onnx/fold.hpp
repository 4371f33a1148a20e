// SPDX-License-Identifier: Apache-2.0
#pragma once
// Evaluation of ONNX nodes whose inputs are all known at import: the shape arithmetic of dynamic-looking exports and
// transforms of weights. Layer 8.

#include <functional>
#include <optional>

#include "frontend/onnx/model.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

using dims_t = std::vector<std::int64_t>;

/// Reading of attributes and of inputs that older opsets had as attributes.
struct arguments {
  const model* m = nullptr;
  const node_proto* n = nullptr;
  std::int64_t opset = 0;

  [[noreturn]] void fail(const std::string& what, const std::string& remedy) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  /// The same, refused outside [least, most].
  std::int64_t integer_in(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most) const;
  float real(std::string_view name, float otherwise) const;
  std::string word(std::string_view name, const std::string& otherwise) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  bool has_output(std::size_t i) const { return i < n->outputs.size() && !n->outputs[i].empty(); }
  /// An axis counted from the end made positive; complains outside [0, rank).
  int axis(std::int64_t a, std::size_t rank) const;
};

/// Sizes that are not too big to hold; complains otherwise.
std::int64_t checked_size(const arguments& a, const dims_t& dims);
/// The dims of Reshape: 0 copies, -1 infers.
dims_t reshaped(const arguments& a, const dims_t& in, const std::vector<std::int64_t>& wanted, bool allow_zero);
dims_t broadcast(const arguments& a, const dims_t& x, const dims_t& y);
/// Range of Slice along one axis: begin, end and step made plain.
struct cut { std::int64_t begin, step, count; };
cut slice_range(std::int64_t size, std::int64_t begin, std::int64_t end, std::int64_t step);
/// Starts, ends, axes, steps of a Slice node; `get` reads constant input i.
struct slices { std::vector<std::int64_t> starts, ends, axes, steps; };

/// out[i] = in[place(i)], any type.
constant remap(const constant& in, const dims_t& out, const std::function<std::int64_t(const dims_t&)>& place);
constant transposed(const constant& in, const std::vector<int>& order);

/// Results of the node, or nothing where this op is not evaluated here.
std::optional<std::vector<constant>> fold(const arguments& a, const std::vector<const constant*>& in);

}  // namespace qnnx::inline QNNX_ABI::onnx
