// SPDX-License-Identifier: Apache-2.0
#pragma once
// The editable graph of the hosted side: what front ends build, passes rewrite, quantizers annotate and writers
// serialise. freeze() turns it into the graph value that the interpreter and the verifier share with the static path.
// Layer 6b.

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "qnnx/ir/graph.hpp"
#include "qnnx/ir/verify.hpp"
#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI {

/// An encoding that owns its scales. One scale: per tensor; several: per axis (or per block).
struct net_encoding {
  encoding_kind kind = encoding_kind::none;
  int bits = 0;   // 0: width of the datatype
  int axis = -1;
  int block = 0;
  std::vector<float> scales{};
  std::vector<std::int32_t> offsets{};  // the same length, or empty where all are 0

  bool defined() const { return kind != encoding_kind::none; }
  float scale() const { return scales.empty() ? 0.0f : scales[0]; }
  std::int32_t offset() const { return offsets.empty() ? 0 : offsets[0]; }
  static net_encoding tensor(float scale, std::int32_t offset, int bits = 0) {
    return {bits ? encoding_kind::bw_scale_offset : encoding_kind::scale_offset, bits, -1, 0, {scale}, {offset}};
  }
  static net_encoding per_axis(int axis, std::vector<float> scales, std::vector<std::int32_t> offsets = {}, int bits = 0) {
    return {bits ? encoding_kind::bw_axis_scale_offset : encoding_kind::axis_scale_offset, bits, axis, 0,
            std::move(scales), std::move(offsets)};
  }
  friend bool operator==(const net_encoding&, const net_encoding&) = default;
};

struct net_tensor {
  std::string name{};  // clean: [A-Za-z0-9_], no leading digit
  tensor_kind kind = tensor_kind::native;
  dtype type = dtype::float_32;
  shape dims{};
  net_encoding enc{};
  std::vector<std::byte> data{};             // constants, little endian, in the storage form of byte_size()
  std::string source_name{};                 // name in the source model
  std::string layout{};                      // "NHWC", "NCHW", "NF", ... or empty: not known
  std::optional<std::pair<float, float>> range{};  // observed or overridden real range
  bool overridden = false;                 // encoding came from an overrides file or the source model

  template <class T>
  const T* as() const { return reinterpret_cast<const T*>(data.data()); }
  template <class T>
  T* as() { return reinterpret_cast<T*>(data.data()); }
};

struct net_node {
  std::string name{};
  const op_info* op = nullptr;
  std::vector<int> inputs{};  // -1: optional input left out
  std::vector<int> outputs{};
  words params{};
  epilogue epi{};

  template <class Op>
  bool is() const { return op->id == op_id(Op::name); }
  template <class Op>
  typename Op::params get() const { return from_words<typename Op::params>(params); }
  template <class Op>
  void set(const typename Op::params& p) { params = to_words(p); }
};

struct frozen_net;

/// A network under construction. Indices stay valid: removed tensors and nodes are swept by compact().
struct net {
  std::string name = "model";
  std::vector<net_tensor> tensors;
  std::vector<net_node> nodes;  // in execution order when frozen
  rounding_mode rounding = rounding_mode::rne;
  std::map<std::string, std::string> metadata;  // converter command, version, ...

  int add_tensor(net_tensor t) {
    tensors.push_back(std::move(t));
    return static_cast<int>(tensors.size()) - 1;
  }
  template <class T>
  int add_constant(std::string tensor_name, dtype type, const shape& dims, const std::vector<T>& values,
                   net_encoding enc = {}) {
    net_tensor t;
    t.name = std::move(tensor_name);
    t.kind = tensor_kind::constant;
    t.type = type;
    t.dims = dims;
    t.enc = std::move(enc);
    t.data.resize(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(t.data.data(), values.data(), t.data.size());
    return add_tensor(std::move(t));
  }
  template <class Op>
  net_node& add_node(std::string node_name, std::vector<int> inputs, std::vector<int> outputs,
                     const typename Op::params& p = {}) {
    net_node n;
    n.name = std::move(node_name);
    n.op = &info<Op>;
    n.inputs = std::move(inputs);
    n.outputs = std::move(outputs);
    n.params = to_words(p);
    nodes.push_back(std::move(n));
    return nodes.back();
  }
  int find(std::string_view tensor_name) const {
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (tensors[i].name == tensor_name) return static_cast<int>(i);
    return -1;
  }
  std::vector<int> of_kind(tensor_kind k) const {
    std::vector<int> r;
    for (std::size_t i = 0; i < tensors.size(); ++i)
      if (tensors[i].kind == k) r.push_back(static_cast<int>(i));
    return r;
  }
  /// Shapes of a node's outputs by the op's own rule; throws error with the rule's sentence.
  shapes infer(const net_node& n) const;
  /// The graph value over vectors owned by the result. Throws error with verify()'s sentence unless `check` is false.
  std::unique_ptr<frozen_net> freeze(bool check = true) const;
};

/// A graph value with its storage. Weights are laid out as lay_out_weights does: tensor order, 16-byte aligned.
struct frozen_net {
  std::vector<std::string> names;
  std::vector<tensor_desc> tensors;
  std::vector<node_desc> nodes;
  std::vector<float> scales;
  std::vector<std::int32_t> offsets;
  std::vector<std::int64_t> data_offset;  // per tensor, -1 where not constant
  std::vector<std::byte> weights;         // 64-byte alignment is the loader's business: copy or map it aligned
  std::vector<std::int64_t> plan{};       // storage of g.plan, empty where the plan is made when it is loaded
  graph_view g;
};

inline shapes net::infer(const net_node& n) const {
  std::vector<tensor_desc> descs;
  descs.reserve(n.inputs.size());
  std::vector<const tensor_desc*> in;
  for (int t : n.inputs) {
    if (t < 0) {
      in.push_back(&absent_tensor);
      continue;
    }
    const net_tensor& s = tensors.at(static_cast<std::size_t>(t));
    descs.push_back({.name = s.name, .kind = s.kind, .type = s.type, .dims = s.dims, .enc = {}});
    in.push_back(&descs.back());
  }
  const context c{n.name, in.data(), static_cast<int>(in.size()), nullptr, 0};
  shapes out;
  issue e = n.op->check(c, n.params);
  if (e.ok()) e = n.op->infer(c, n.params, out);
  if (!e.ok()) {
    graph_view none;
    throw error(std::string(n.op->name) + " '" + n.name + "'" + std::string(describe(none, {e, -1, -1}).view()).insert(0, ": "));
  }
  return out;
}

inline std::unique_ptr<frozen_net> net::freeze(bool check) const {
  auto f = std::make_unique<frozen_net>();
  f->names.reserve(tensors.size() + nodes.size() + 1);
  f->names.push_back(name);
  std::int64_t at = 0;
  for (const net_tensor& t : tensors) {
    f->names.push_back(t.name);
    tensor_desc d;
    d.name = f->names.back();
    d.kind = t.kind;
    d.type = t.type;
    d.dims = t.dims;
    d.enc.kind = t.enc.kind;
    d.enc.bits = static_cast<std::uint8_t>(t.enc.bits);
    d.enc.axis = static_cast<std::int8_t>(t.enc.axis);
    d.enc.block = t.enc.block;
    d.enc.scale = t.enc.scale();
    d.enc.offset = t.enc.offset();
    if (t.enc.kind == encoding_kind::axis_scale_offset || t.enc.kind == encoding_kind::bw_axis_scale_offset ||
        t.enc.kind == encoding_kind::block) {
      d.enc.first = static_cast<std::uint32_t>(f->scales.size());
      d.enc.count = static_cast<std::uint32_t>(t.enc.scales.size());
      for (std::size_t i = 0; i < t.enc.scales.size(); ++i) {
        f->scales.push_back(t.enc.scales[i]);
        f->offsets.push_back(i < t.enc.offsets.size() ? t.enc.offsets[i] : 0);
      }
    }
    f->tensors.push_back(d);
    f->data_offset.push_back(t.kind == tensor_kind::constant ? at : -1);
    if (t.kind == tensor_kind::constant) {
      if (static_cast<std::int64_t>(t.data.size()) != byte_size(d))
        throw error("tensor '" + t.name + "': got " + std::to_string(t.data.size()) + " bytes of data, expected " +
                    std::to_string(byte_size(d)) + " for " + std::string(to_string(t.type)) + std::string(to_text(t.dims).view()));
      f->weights.resize(static_cast<std::size_t>(at));
      f->weights.insert(f->weights.end(), t.data.begin(), t.data.end());
      at = (at + byte_size(d) + 15) / 16 * 16;
    }
  }
  f->weights.resize(static_cast<std::size_t>(at));
  for (const net_node& n : nodes) {
    f->names.push_back(n.name);
    node_desc d;
    d.name = f->names.back();
    d.op = n.op;
    if (n.inputs.size() > max_inputs || n.outputs.size() > max_outputs)
      throw error(std::string(n.op->name) + " '" + n.name + "': got " + std::to_string(n.inputs.size()) + " inputs and " +
                  std::to_string(n.outputs.size()) + " outputs, expected at most " + std::to_string(max_inputs) + " and " +
                  std::to_string(max_outputs));
    for (int t : n.inputs) d.inputs[static_cast<std::size_t>(d.input_count++)] = t;
    for (int t : n.outputs) d.outputs[static_cast<std::size_t>(d.output_count++)] = t;
    d.params = n.params;
    d.epi = n.epi;
    f->nodes.push_back(d);
  }
  graph_view& g = f->g;
  g.name = f->names.front();
  g.tensors = f->tensors.data();
  g.tensor_count = static_cast<std::int32_t>(f->tensors.size());
  g.nodes = f->nodes.data();
  g.node_count = static_cast<std::int32_t>(f->nodes.size());
  g.scales = f->scales.data();
  g.offsets = f->offsets.data();
  g.pool_count = static_cast<std::uint32_t>(f->scales.size());
  g.rounding = rounding;
  if (check) {
    std::vector<int> maker(f->tensors.size() + 1);
    verdict v = verify_order(g, maker.data());
    if (v.ok()) v = verify(g);
    if (!v.ok()) throw error(std::string(describe(g, v).view()));
  }
  return f;
}

}  // namespace qnnx::inline QNNX_ABI
