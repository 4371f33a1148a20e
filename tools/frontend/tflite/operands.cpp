// SPDX-License-Identifier: Apache-2.0
// Operands: types, encodings, constants, weights in our layout, nodes with inferred sizes.
#include "frontend/tflite/importer.hpp"


#include <algorithm>
#include <limits>

#include "qnnx/numeric/saturate.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

namespace {

constexpr std::int64_t most_elements = std::int64_t{1} << 31;

std::int64_t load_integer(tensor_type type, const std::byte* data, std::size_t i) {
  const auto get = [&]<class T>(T v) {
    std::memcpy(&v, data + i * sizeof(T), sizeof(T));
    return static_cast<std::int64_t>(v);
  };
  switch (type) {
    case tensor_type::int8: return get(std::int8_t{});
    case tensor_type::boolean:
    case tensor_type::uint8: return get(std::uint8_t{});
    case tensor_type::int16: return get(std::int16_t{});
    case tensor_type::uint16: return get(std::uint16_t{});
    case tensor_type::int32: return get(std::int32_t{});
    case tensor_type::uint32: return get(std::uint32_t{});
    default: return get(std::int64_t{});
  }
}

bool is_integer(tensor_type t) {
  return t == tensor_type::int8 || t == tensor_type::uint8 || t == tensor_type::int16 || t == tensor_type::uint16 ||
         t == tensor_type::int32 || t == tensor_type::uint32 || t == tensor_type::int64 || t == tensor_type::boolean;
}

}  // namespace

const tensor& importer::in(int i) const {
  if (!has(i)) fail("operand " + std::to_string(i) + " is left out", "repair the model");
  return graph_->tensors[static_cast<std::size_t>(op_->inputs[static_cast<std::size_t>(i)])];
}

const tensor& importer::out(int i) const {
  if (i >= output_count()) fail("result " + std::to_string(i) + " is left out", "repair the model");
  return graph_->tensors[static_cast<std::size_t>(op_->outputs[static_cast<std::size_t>(i)])];
}

dtype importer::type_of(const tensor& t) const {
  const bool q = t.quant.defined();
  switch (t.type) {
    case tensor_type::float32: return dtype::float_32;
    case tensor_type::float16: return dtype::float_16;
    case tensor_type::int32: return q ? dtype::sfixed_32 : dtype::int_32;
    case tensor_type::uint8: return q ? dtype::ufixed_8 : dtype::uint_8;
    case tensor_type::int8: return q ? dtype::sfixed_8 : dtype::int_8;
    case tensor_type::int16: return q ? dtype::sfixed_16 : dtype::int_16;
    case tensor_type::uint16: return q ? dtype::ufixed_16 : dtype::uint_16;
    case tensor_type::int64: return dtype::int_64;
    case tensor_type::uint32: return dtype::uint_32;
    case tensor_type::boolean: return dtype::bool_8;
    case tensor_type::int4: return dtype::sfixed_4;
    default:
      fail("tensor '" + t.name + "' has the type " + std::string(to_string(t.type)) + ", which is not supported",
           "use FLOAT32, FLOAT16, BOOL or an integer type");
  }
}

net_encoding importer::encoding_of(const tensor& t, int axis) const {
  if (t.quant.custom)
    fail("tensor '" + t.name + "' is quantized block-wise or in a custom way, which is not supported",
         "quantize the model per tensor or per channel");
  if (!t.quant.defined() || !is_fixed(type_of(t))) return {};
  const std::size_t n = t.quant.scale.size();
  const std::vector<std::int64_t>& zero = t.quant.zero_point;
  if (!zero.empty() && zero.size() != 1 && zero.size() != n)
    fail("tensor '" + t.name + "' has " + std::to_string(n) + " scales and " + std::to_string(zero.size()) + " zero points", "repair the model");
  std::vector<std::int32_t> offsets;
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t z = zero.empty() ? 0 : zero[zero.size() == 1 ? 0 : i];
    if (z < -65536 || z > 65536 || !(t.quant.scale[i] > 0) || !(t.quant.scale[i] < std::numeric_limits<float>::infinity()))
      fail("tensor '" + t.name + "' has an impossible scale or zero point", "quantize the model again");
    offsets.push_back(static_cast<std::int32_t>(-z));
  }
  if (n == 1) return net_encoding::tensor(t.quant.scale[0], offsets[0]);
  if (std::all_of(offsets.begin(), offsets.end(), [](std::int32_t o) { return o == 0; })) offsets.clear();
  return net_encoding::per_axis(axis >= 0 ? axis : t.quant.dimension, t.quant.scale, std::move(offsets));
}

shape importer::shape_of(const tensor& t) const {
  if (t.shape.size() > max_rank)
    fail("tensor '" + t.name + "' has " + std::to_string(t.shape.size()) + " dimensions", "use at most " + std::to_string(max_rank));
  shape s;
  std::int64_t total = 1;
  for (std::int32_t d : t.shape) {
    s.push_back(d);
    total = d > 0 && total < most_elements ? total * d : total;
  }
  if (total >= most_elements) fail("tensor '" + t.name + "' has the sizes " + std::string(to_text(s).view()), "use tensors under 2^31 elements");
  return s;
}

bool importer::constant_tensor(int t) const {
  if (folded_.contains(t)) return true;
  const tensor& s = graph_->tensors[static_cast<std::size_t>(t)];
  if (s.variable || made_[static_cast<std::size_t>(t)]) return false;
  if (s.buffer != 0 && !model_.buffers[s.buffer].empty()) return true;
  return std::find(s.shape.begin(), s.shape.end(), 0) != s.shape.end();  // an empty list
}
bool importer::is_constant(int i) const { return has(i) && constant_tensor(op_->inputs[static_cast<std::size_t>(i)]); }

std::span<const std::byte> importer::data_of(int t) const {
  if (const auto f = folded_.find(t); f != folded_.end()) return f->second.data;
  const tensor& s = graph_->tensors[static_cast<std::size_t>(t)];
  if (s.sparse) fail("tensor '" + s.name + "' is stored sparse, which is not supported", "convert the model without sparsity");
  const int bits = bits_of(s.type);
  if (bits == 0) fail("tensor '" + s.name + "' has the type " + std::string(to_string(s.type)), "use numbers");
  const shape dims = shape_of(s);
  for (std::int32_t d : s.shape)
    if (d < 0) fail("constant '" + s.name + "' has the sizes " + std::string(to_text(dims).view()), "repair the model");
  const auto expected = static_cast<std::size_t>((dims.size() * bits + 7) / 8);
  const std::span<const std::byte> data = expected == 0 ? std::span<const std::byte>{} : model_.buffers[s.buffer];
  if (data.size() != expected)
    fail("constant '" + s.name + "' has " + std::to_string(data.size()) + " bytes, expected " + std::to_string(expected), "repair the model");
  return data;
}

const shape& importer::dims(int i) {
  return at(value(i)).dims;
}

shape importer::constant_dims(int i) const {
  const auto f = folded_.find(op_->inputs[static_cast<std::size_t>(i)]);
  return f != folded_.end() ? f->second.dims : shape_of(in(i));
}

int importer::value(int i) { return has(i) ? tensor_value(op_->inputs[static_cast<std::size_t>(i)]) : -1; }

int importer::tensor_value(int t) {
  int& v = value_of_[static_cast<std::size_t>(t)];
  if (v >= 0) return v;
  const tensor& s = graph_->tensors[static_cast<std::size_t>(t)];
  if (!constant_tensor(t)) {
    if (s.variable) fail("tensor '" + s.name + "' is a variable that is kept over inferences, which is not supported", "export the model without state");
    fail("tensor '" + s.name + "' is read before anything makes it", "repair the model");
  }
  net_tensor n;
  n.source_name = s.name;
  n.kind = tensor_kind::constant;
  n.type = type_of(s);
  n.dims = folded_.contains(t) ? folded_.at(t).dims : shape_of(s);
  n.enc = encoding_of(s);
  n.overridden = n.enc.defined();
  for (int d = 0; d < n.dims.rank(); ++d)
    if (n.dims[d] < 1) fail("constant '" + s.name + "' is empty", "remove it from the model");
  const auto data = data_of(t);
  if (n.type == dtype::sfixed_4 && n.enc.kind == encoding_kind::axis_scale_offset)
    fail("tensor '" + s.name + "' is 4-bit per channel and not a weight", "quantize it per tensor");
  n.data.assign(data.begin(), data.end());
  n.name = unique(s.name);
  return v = net_.add_tensor(std::move(n));
}

std::vector<std::int32_t> importer::integers(int i, const char* what) {
  const tensor& s = in(i);
  const int t = op_->inputs[static_cast<std::size_t>(i)];
  if (!constant_tensor(t))
    fail(std::string("the ") + what + " ('" + s.name + "') is computed at run time", "freeze it to a constant, or give the sizes of the inputs (input_dim)");
  if (!is_integer(s.type)) fail(std::string("the ") + what + " ('" + s.name + "') is " + std::string(to_string(s.type)), "give INT32 or INT64");
  const auto data = data_of(t);
  const std::size_t bytes = static_cast<std::size_t>(bits_of(s.type)) / 8;
  std::vector<std::int32_t> r;
  for (std::size_t k = 0; k < data.size() / bytes; ++k) {
    const std::int64_t v = load_integer(s.type, data.data(), k);
    r.push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(v, INT32_MIN, INT32_MAX)));
  }
  return r;
}

std::int32_t importer::integer(int i, const char* what) {
  const std::vector<std::int32_t> v = integers(i, what);
  if (v.size() != 1) fail(std::string("the ") + what + " has " + std::to_string(v.size()) + " values", "give one");
  return v[0];
}

std::int32_t importer::axis(std::int32_t a, int rank) const {
  const std::int32_t r = a < 0 ? a + rank : a;
  if (r < 0 || r >= rank) fail("axis " + std::to_string(a) + " of a tensor with " + std::to_string(rank) + " dimensions", "repair the model");
  return r;
}

int importer::indices(int i) {
  if (in(i).type != tensor_type::int64 || !is_constant(i)) return value(i);
  const std::vector<std::int32_t> v = integers(i, "index list");
  return constant_of("indices", dtype::int_32, constant_dims(i), v);
}

float importer::real(int i, const char* what) {
  const std::vector<float> v = reals(i, what);
  if (v.size() != 1) fail(std::string("the ") + what + " has " + std::to_string(v.size()) + " values", "give one");
  return v[0];
}

std::vector<float> importer::reals(int i, const char* what) {
  const tensor& s = in(i);
  const int t = op_->inputs[static_cast<std::size_t>(i)];
  if (!constant_tensor(t)) fail(std::string("the ") + what + " ('" + s.name + "') is computed at run time", "freeze it to a constant");
  std::vector<float> r;
  if (s.type == tensor_type::float32 || s.type == tensor_type::float16) {
    const auto data = data_of(t);
    const std::size_t bytes = s.type == tensor_type::float16 ? 2 : 4;
    for (std::size_t k = 0; k < data.size() / bytes; ++k) {
      half h;
      float v = 0;
      if (bytes == 2) std::memcpy(&h, data.data() + k * 2, 2);
      else std::memcpy(&v, data.data() + k * 4, 4);
      r.push_back(bytes == 2 ? static_cast<float>(h) : v);
    }
    return r;
  }
  if (!is_integer(s.type) && s.type != tensor_type::int4)
    fail(std::string("the ") + what + " ('" + s.name + "') is " + std::string(to_string(s.type)), "give numbers");
  const net_encoding enc = encoding_of(s);
  const shape sizes = folded_.contains(t) ? folded_.at(t).dims : shape_of(s);
  const bool per_axis = enc.scales.size() > 1;
  if (per_axis && (enc.axis >= sizes.rank() || enc.axis < 0 || sizes[enc.axis] != static_cast<std::int32_t>(enc.scales.size())))
    fail("tensor '" + s.name + "' has " + std::to_string(enc.scales.size()) + " scales for " + std::string(to_text(sizes).view()), "quantize the model again");
  const std::vector<std::int32_t> q = unpacked(t);
  const std::int64_t inner = per_axis ? sizes.product(enc.axis + 1, sizes.rank()) : 1;
  for (std::size_t k = 0; k < q.size(); ++k) {
    const std::size_t c = per_axis ? static_cast<std::size_t>(static_cast<std::int64_t>(k) / inner % sizes[enc.axis]) : 0;
    const std::int32_t offset = enc.offsets.empty() ? 0 : enc.offsets[c];
    r.push_back(static_cast<float>(q[k] + offset) * (enc.defined() ? enc.scales[c] : 1.0f));
  }
  return r;
}

/// Stored integers of a constant, 4-bit ones unpacked.
std::vector<std::int32_t> importer::unpacked(int t) const {
  const tensor& s = graph_->tensors[static_cast<std::size_t>(t)];
  const auto data = data_of(t);
  std::vector<std::int32_t> r;
  if (s.type == tensor_type::int4) {
    const auto n = static_cast<std::size_t>(shape_of(s).size());
    for (std::size_t k = 0; k < n; ++k) r.push_back(load_s4(reinterpret_cast<const std::uint8_t*>(data.data()), k));
    return r;
  }
  const std::size_t n = data.size() * 8 / static_cast<std::size_t>(bits_of(s.type));
  for (std::size_t k = 0; k < n; ++k) r.push_back(static_cast<std::int32_t>(load_integer(s.type, data.data(), k)));
  return r;
}

namespace {

/// Source index of every element of a permuted array.
std::vector<std::size_t> permuted(const shape& from, const std::vector<int>& order) {
  const int rank = from.rank();
  std::vector<std::size_t> stride(static_cast<std::size_t>(rank) + 1, 1);
  for (int d = rank - 1; d >= 0; --d) stride[static_cast<std::size_t>(d)] = stride[static_cast<std::size_t>(d) + 1] * static_cast<std::size_t>(from[d]);
  std::vector<std::size_t> source;
  source.reserve(static_cast<std::size_t>(from.size()));
  std::vector<std::int32_t> at(static_cast<std::size_t>(rank), 0);
  for (std::int64_t k = 0; k < from.size(); ++k) {
    std::size_t index = 0;
    for (int d = 0; d < rank; ++d) index += static_cast<std::size_t>(at[static_cast<std::size_t>(d)]) * stride[static_cast<std::size_t>(order[static_cast<std::size_t>(d)]) + 1];
    source.push_back(index);
    for (int d = rank - 1; d >= 0; --d) {
      if (++at[static_cast<std::size_t>(d)] < from[order[static_cast<std::size_t>(d)]]) break;
      at[static_cast<std::size_t>(d)] = 0;
    }
  }
  return source;
}

}  // namespace

int importer::weights(int i, std::vector<int> order, const shape& wanted, int channel, bool to_float) {
  const tensor& s = in(i);
  const int t = op_->inputs[static_cast<std::size_t>(i)];
  if (!constant_tensor(t)) fail("the weights ('" + s.name + "') are computed at run time", "freeze them to a constant");
  const shape from = folded_.contains(t) ? folded_.at(t).dims : shape_of(s);
  if (from.rank() != static_cast<int>(order.size()))
    fail("the weights ('" + s.name + "') have the sizes " + std::string(to_text(from).view()), "give " + std::to_string(order.size()) + " dimensions");
  const std::span<const std::byte> data = data_of(t);  // checks its size against the shape
  const std::vector<std::size_t> source = permuted(from, order);
  const bool integers_inside = s.type != tensor_type::float32 && s.type != tensor_type::float16;
  const net_encoding enc = integers_inside ? encoding_of(s, channel) : net_encoding{};
  if (integers_inside && !enc.defined()) fail("the weights ('" + s.name + "') are " + std::string(to_string(s.type)) + " without a scale", "quantize the model again");
  if (wanted.size() != from.size())
    fail("the weights ('" + s.name + "') have the sizes " + std::string(to_text(from).view()) + ", expected " + std::string(to_text(wanted).view()) + " in our order", "repair the model");
  const bool per_axis = enc.scales.size() > 1;
  if (per_axis && static_cast<std::int32_t>(enc.scales.size()) != wanted[channel])
    fail("the weights ('" + s.name + "') have " + std::to_string(enc.scales.size()) + " scales for " + std::to_string(wanted[channel]) + " channels", "quantize the model again");

  if (!integers_inside) {
    std::vector<float> values;
    values.reserve(source.size());
    for (std::size_t k : source) {
      if (s.type == tensor_type::float16) {
        half h;
        std::memcpy(&h, data.data() + k * 2, 2);
        values.push_back(static_cast<float>(h));
      } else {
        float v = 0;
        std::memcpy(&v, data.data() + k * 4, 4);
        values.push_back(v);
      }
    }
    return constant_of("weight", dtype::float_32, wanted, values);
  }
  const std::vector<std::int32_t> q = unpacked(t);
  const std::int64_t inner = channel >= 0 ? wanted.product(channel + 1, wanted.rank()) : 1;
  const auto channel_of = [&](std::size_t k) { return static_cast<std::size_t>(static_cast<std::int64_t>(k) / inner % wanted[channel]); };
  if (to_float) {
    warn("weights '" + s.name + "' are stored as integers in a float operator: computed in float");
    std::vector<float> values;
    for (std::size_t k = 0; k < source.size(); ++k) {
      const std::size_t c = per_axis ? channel_of(k) : 0;
      const std::int32_t offset = enc.offsets.empty() ? 0 : enc.offsets[c];
      values.push_back(static_cast<float>(q[source[k]] + offset) * enc.scales[c]);
    }
    return constant_of("weight", dtype::float_32, wanted, values);
  }
  const dtype type = type_of(s);
  std::vector<std::byte> stored;
  if (type == dtype::sfixed_4) {  // per channel: each channel's row begins on a byte
    const auto channels = per_axis ? static_cast<std::size_t>(wanted[channel]) : 1;
    const std::size_t row = (q.size() / channels + 1) / 2;
    stored.resize(channels * row);
    std::vector<std::size_t> next(channels, 0);
    for (std::size_t k = 0; k < source.size(); ++k) {
      const std::size_t c = per_axis ? channel_of(k) : 0;
      store_4(reinterpret_cast<std::uint8_t*>(stored.data()), c * row * 2 + next[c]++, q[source[k]]);
    }
  } else {
    const auto bytes = static_cast<std::size_t>(qnnx::bits_of(type)) / 8;
    stored.resize(source.size() * bytes);
    for (std::size_t k = 0; k < source.size(); ++k) std::memcpy(stored.data() + k * bytes, &q[source[k]], bytes);
  }
  return constant("weight", type, wanted, std::move(stored), enc);
}

int importer::bias(int i, std::int32_t channels) {
  if (!has(i)) return -1;
  const tensor& s = in(i);
  const int t = op_->inputs[static_cast<std::size_t>(i)];
  if (!constant_tensor(t)) return value(i);
  const std::span<const std::byte> data = data_of(t);
  const std::size_t bytes = static_cast<std::size_t>(bits_of(s.type)) / 8;
  if (data.size() != static_cast<std::size_t>(channels) * bytes)
    fail("the bias ('" + s.name + "') has " + std::to_string(data.size() / bytes) + " values, expected " + std::to_string(channels), "repair the model");
  if (s.type == tensor_type::float32 || s.type == tensor_type::float16) return weights(i, {0}, {channels}, 0, true);
  if (s.type != tensor_type::int32 && s.type != tensor_type::int64) fail("the bias ('" + s.name + "') is " + std::string(to_string(s.type)), "give INT32 or INT64");
  std::vector<std::int32_t> values;
  for (std::size_t k = 0; k < static_cast<std::size_t>(channels); ++k) {
    const std::int64_t v = load_integer(s.type, data.data(), k);
    if (v < INT32_MIN || v > INT32_MAX)
      fail("the bias ('" + s.name + "') holds " + std::to_string(v) + ", which needs more than 32 bits", "quantize the model with a 32-bit bias");
    values.push_back(static_cast<std::int32_t>(v));
  }
  net_encoding enc;
  if (s.quant.defined()) {
    enc = s.quant.scale.size() == 1 ? net_encoding::tensor(s.quant.scale[0], 0)
                                    : net_encoding::per_axis(0, s.quant.scale);
    const bool fits = enc.scales.size() == 1 || enc.scales.size() == static_cast<std::size_t>(channels);
    if (!fits || !std::all_of(enc.scales.begin(), enc.scales.end(), [](float scale) { return scale > 0; })) enc = {};
  }
  return constant_of("bias", dtype::sfixed_32, {channels}, values, enc);
}

int importer::constant(const char* suffix, dtype type, const shape& dims, std::vector<std::byte> data, const net_encoding& enc) {
  net_tensor n;
  n.name = unique(out(0).name + "_" + suffix);
  n.kind = tensor_kind::constant;
  n.type = type;
  n.dims = dims;
  n.enc = enc;
  n.overridden = enc.defined();
  n.data = std::move(data);
  return net_.add_tensor(std::move(n));
}

net_node& importer::finish_node(net_node n, const std::vector<int>& outs) {
  if (n.inputs.size() > max_inputs || outs.size() > max_outputs)
    fail(std::to_string(n.inputs.size()) + " operands and " + std::to_string(outs.size()) + " results",
         "use at most " + std::to_string(max_inputs) + " and " + std::to_string(max_outputs));
  n.name = clean_name(out(outs[0]).name);
  const shapes s = net_.infer(n);
  for (std::size_t k = 0; k < outs.size(); ++k) {
    const tensor& t = out(outs[k]);
    if (static_cast<int>(k) >= s.count) fail("result " + std::to_string(outs[k]) + " is not known", "repair the model");
    net_tensor r;
    r.name = unique(t.name);
    if (k == 0) n.name = r.name;
    r.source_name = t.name;
    r.type = type_of(t);
    r.enc = encoding_of(t);
    r.overridden = r.enc.defined();
    r.dims = s[static_cast<int>(k)];
    std::int64_t total = 1;
    for (int d = 0; d < r.dims.rank(); ++d) {
      if (r.dims[d] < 1 || (total *= r.dims[d]) >= most_elements)
        fail("result '" + t.name + "' would have the sizes " + std::string(to_text(r.dims).view()), "use sizes of 1 or more and under 2^31 elements");
    }
    const int v = net_.add_tensor(std::move(r));
    value_of_[static_cast<std::size_t>(op_->outputs[static_cast<std::size_t>(outs[k])])] = v;
    n.outputs.push_back(v);
  }
  net_.nodes.push_back(std::move(n));
  return net_.nodes.back();
}

int importer::intermediate_node(net_node n, dtype type, const net_encoding& enc, const char* suffix) {
  net_tensor r;
  r.name = unique(out(0).name + "_" + suffix);
  n.name = r.name;
  r.dims = net_.infer(n)[0];
  for (int d = 0; d < r.dims.rank(); ++d)
    if (r.dims[d] < 1) fail("an empty tensor of the sizes " + std::string(to_text(r.dims).view()), "use sizes of 1 or more");
  r.type = type;
  r.enc = enc;
  const int v = net_.add_tensor(std::move(r));
  n.outputs = {v};
  net_.nodes.push_back(std::move(n));
  return v;
}

void importer::fuse(net_node& n, fused_activation act) {
  switch (act) {
    case fused_activation::none: return;
    case fused_activation::relu: n.epi.act = activation::relu; return;
    case fused_activation::relu6:
      n.epi.act = activation::clamp;
      n.epi.lo = 0;
      n.epi.hi = 6;
      return;
    case fused_activation::relu_n1_to_1:
      n.epi.act = activation::clamp;
      n.epi.lo = -1;
      n.epi.hi = 1;
      return;
    default: fail("the fused activation TANH or SIGN_BIT is not supported", "export the activation as an operator of its own");
  }
}

}  // namespace qnnx::inline QNNX_ABI::tflite
