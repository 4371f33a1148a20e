// SPDX-License-Identifier: Apache-2.0
// Values becoming tensors: constants in storage form, axes moved, scales removed; nodes added with inferred shapes.
#include <algorithm>
#include <bit>

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

std::string clean_name(const std::string& name) {
  std::string r;
  for (char ch : name) r += (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' ? ch : '_';
  if (r.empty() || (r[0] >= '0' && r[0] <= '9')) r.insert(r.begin(), '_');
  return r;
}

shape to_shape(const dims_t& dims) {
  shape s;
  for (std::int64_t d : dims)
    if (s.rank() < max_rank) s.push_back(static_cast<std::int32_t>(d));
  return s;
}
dims_t to_dims(const shape& s) {
  dims_t d;
  for (int i = 0; i < s.rank(); ++i) d.push_back(s[i]);
  return d;
}

dtype fixed_type(element e) {
  switch (e) {
    case element::uint8: return dtype::ufixed_8;
    case element::int8: return dtype::sfixed_8;
    case element::uint16: return dtype::ufixed_16;
    case element::int16: return dtype::sfixed_16;
    case element::int32: return dtype::sfixed_32;
    case element::int4: case element::uint4: return dtype::sfixed_4;
    default: return dtype::undefined;
  }
}
dtype plain_type(element e) {
  switch (e) {
    case element::float32: case element::float64: case element::bfloat16: return dtype::float_32;
    case element::float16: return dtype::float_16;
    case element::int64: case element::int32: return dtype::int_32;
    case element::uint64: case element::uint32: return dtype::uint_32;
    case element::uint8: return dtype::uint_8;
    case element::int8: return dtype::int_8;
    case element::uint16: return dtype::uint_16;
    case element::int16: return dtype::int_16;
    case element::boolean: return dtype::bool_8;
    default: return dtype::undefined;
  }
}

order_t identity_order(std::size_t rank) {
  order_t o;
  for (std::size_t i = 0; i < rank; ++i) o.push_back(static_cast<int>(i));
  return o;
}
order_t channel_last(std::size_t rank) {
  order_t o = identity_order(rank);
  if (rank > 2) std::rotate(o.begin() + 1, o.begin() + 2, o.end());
  return o;
}
bool value::plain() const { return !flat() && order == identity_order(dims.size()); }

std::string importer::unique(const std::string& wanted) {
  std::string name = wanted;
  for (int k = 1; !names_.insert(name).second; ++k) name = wanted + "_" + std::to_string(k);
  return name;
}

void importer::rename_tensor(int tensor, const std::string& to) {
  net_tensor& t = net_.tensors[static_cast<std::size_t>(tensor)];
  names_.erase(t.name);
  t.name = unique(clean_name(to));
}
std::string importer::rename_node(const std::string& from, const std::string& to) {
  names_.erase("node " + from);
  return unique("node " + to).substr(5);
}

bool importer::is_read(const std::string& name) const {
  return !readers(name).empty() || std::find(outputs_.begin(), outputs_.end(), name) != outputs_.end();
}

value importer::lookup(const arguments& a, const std::string& name) const {
  const auto i = values_.find(name);
  if (i == values_.end()) a.fail("input '" + name.substr(0, 200) + "' is made by no node", "correct the model");
  return i->second;
}

void importer::define(const std::string& name, value v) {
  if (v.host) {
    v.dims = v.base = v.host->dims;
    v.order = identity_order(v.dims.size());
  } else if (net_tensor& t = net_.tensors[static_cast<std::size_t>(v.tensor)]; t.source_name.empty()) {
    t.source_name = name;
  }
  values_[name] = std::move(v);
}

value importer::tensor_value(int tensor, dims_t dims, order_t order, element type) const {
  value v;
  v.tensor = tensor;
  v.type = type;
  v.dims = v.base = std::move(dims);
  v.order = std::move(order);
  return v;
}

net_encoding importer::encoding_of(const quantization& q, int axis) const {
  std::vector<std::int32_t> offsets;
  const std::int64_t shift = q.type == element::uint4 ? 8 : 0;  // stored as signed nibbles
  for (std::int64_t z : q.zeros) offsets.push_back(static_cast<std::int32_t>(shift - z));
  if (q.axis < 0) return net_encoding::tensor(q.scales[0], offsets[0]);
  return net_encoding::per_axis(axis, q.scales, offsets);
}

int importer::constant_tensor(const constant& c, const std::string& name, const quantization* q) {
  net_tensor t;
  t.name = unique(clean_name(name));
  t.source_name = name;
  t.kind = tensor_kind::constant;
  t.dims = to_shape(c.dims.empty() ? dims_t{1} : c.dims);
  const auto n = static_cast<std::size_t>(c.size());
  if (q) {
    t.type = fixed_type(c.type);
    const int axis = q->axis;
    t.enc = encoding_of(*q, axis);
    t.overridden = true;
    if (c.type == element::int4 || c.type == element::uint4) {  // low nibble first, each channel begins on a byte
      const std::size_t channels = axis >= 0 ? static_cast<std::size_t>(t.dims[axis]) : 1;
      const std::size_t inner = axis >= 0 ? static_cast<std::size_t>(t.dims.product(axis + 1, t.dims.rank())) : n;
      const std::size_t per = n / channels;
      const int shift = c.type == element::uint4 ? 8 : 0;
      t.data.assign(channels * ((per + 1) / 2), std::byte{});
      for (std::size_t k = 0; k < channels; ++k)
        for (std::size_t j = 0; j < per; ++j) {
          const std::size_t from = axis >= 0 ? (j / inner) * channels * inner + k * inner + j % inner : j;
          const auto nibble = static_cast<unsigned>(static_cast<int>(c.as<std::int8_t>()[from]) - shift) & 15u;
          t.data[k * ((per + 1) / 2) + j / 2] |= static_cast<std::byte>(j % 2 ? nibble << 4 : nibble);
        }
    } else {
      t.data = c.data;
    }
    return net_.add_tensor(std::move(t));
  }
  t.type = plain_type(c.type);
  if (t.type == dtype::float_32 && c.type != element::float32) {
    const std::vector<float> f = c.floats();
    t.data.resize(4 * n);
    if (n) std::memcpy(t.data.data(), f.data(), 4 * n);
  } else if (c.type == element::int64 || c.type == element::uint64) {
    t.data.resize(4 * n);
    const std::vector<std::int64_t> v = c.ints();
    for (std::size_t i = 0; i < n; ++i) {
      const std::int64_t lo = c.type == element::uint64 ? 0 : INT32_MIN;
      const auto x = static_cast<std::int32_t>(static_cast<std::uint32_t>(std::clamp<std::int64_t>(v[i], lo, c.type == element::uint64 ? UINT32_MAX : INT32_MAX)));
      std::memcpy(t.data.data() + 4 * i, &x, 4);
    }
  } else if (c.type == element::int4 || c.type == element::uint4) {
    t.type = c.type == element::int4 ? dtype::int_8 : dtype::uint_8;
    t.data = c.data;
  } else {
    t.data = c.data;
  }
  return net_.add_tensor(std::move(t));
}

int importer::stored(const value& given, const order_t& order) {
  value v = settled(given);
  if (v.host) {
    const constant c = order == identity_order(v.dims.size()) ? *v.host : transposed(*v.host, order);
    std::string name = "constant";
    for (const auto& [n, other] : values_)
      if (other.host == v.host) {
        name = n;
        break;
      }
    if (!v.q) return constant_tensor(c, name);
    quantization q = *v.q;
    if (q.axis >= 0) q.axis = static_cast<int>(std::find(order.begin(), order.end(), q.axis) - order.begin());
    return constant_tensor(c, name, &q);
  }
  if (v.order == order) return v.tensor;
  const auto key = std::make_tuple(v.tensor, v.order, dims_t(order.begin(), order.end()));
  if (const auto i = moved_.find(key); i != moved_.end()) return i->second;
  op::transpose::params p;
  order_t big_from;  // axes longer than 1, in stored order
  order_t big_to;
  for (int k : order) {
    p.perm.push_back(static_cast<std::int32_t>(std::find(v.order.begin(), v.order.end(), k) - v.order.begin()));
    if (v.dim(k) != 1) big_to.push_back(k);
  }
  for (int k : v.order)
    if (v.dim(k) != 1) big_from.push_back(k);
  const net_tensor& t = net_.tensors[static_cast<std::size_t>(v.tensor)];
  const std::string name = t.name + "_transposed";
  const net_encoding enc = t.enc;
  const dtype type = t.type;
  node_proto moves;
  moves.op_type = "Transpose";
  moves.name = name;
  const arguments a{&m_, &moves, m_.opset()};
  int made = -1;
  if (big_from == big_to) {
    op::reshape::params r;
    for (int k : order) r.shape.push_back(static_cast<std::int32_t>(v.dim(k)));
    made = emit(a, &info<op::reshape>, to_words(r), {v.tensor}, t.name + "_reshaped", type, enc);
  } else {
    made = emit(a, &info<op::transpose>, to_words(p), {v.tensor}, name, type, enc);
  }
  moved_[key] = made;
  return made;
}

value importer::settled(const value& v) {
  if (v.host || !v.flat()) return v;
  value image = v;
  image.dims = v.base;
  const int t = stored(image, identity_order(v.base.size()));
  const net_tensor& from = net_.tensors[static_cast<std::size_t>(t)];
  const auto key = std::make_tuple(t, order_t{-1}, v.dims);
  value r = v;
  r.base = v.dims;
  r.order = identity_order(v.dims.size());
  r.spatial = false;
  if (const auto i = moved_.find(key); i != moved_.end()) {
    r.tensor = i->second;
    return r;
  }
  op::reshape::params p;
  for (std::int64_t d : v.dims) p.shape.push_back(static_cast<std::int32_t>(d));
  node_proto flattens;
  flattens.op_type = "Reshape";
  flattens.name = from.name + "_flat";
  const arguments a{&m_, &flattens, m_.opset()};
  const net_encoding enc = from.enc;
  const dtype type = from.type;
  r.tensor = emit(a, &info<op::reshape>, to_words(p), {t}, flattens.name, type, enc);
  moved_[key] = r.tensor;
  return r;
}

value importer::real(const value& v) {
  if (!v.dequantized) return v;
  value r = v;
  r.dequantized = false;
  r.type = element::float32;
  r.q = nullptr;
  if (v.host) {
    const std::vector<std::int64_t> q = v.host->ints();
    std::vector<float> f(q.size());
    const int axis = v.q->axis;
    std::size_t inner = 1;
    std::size_t count = 1;
    if (axis >= 0) {
      count = v.q->scales.size();
      for (std::size_t d = static_cast<std::size_t>(axis) + 1; d < v.dims.size(); ++d) inner *= static_cast<std::size_t>(v.dims[d]);
    }
    for (std::size_t i = 0; i < q.size(); ++i) {
      const std::size_t k = axis < 0 ? 0 : i / inner % count;
      f[i] = static_cast<float>(q[i] - v.q->zeros[k]) * v.q->scales[k];
    }
    r.host = std::make_shared<const constant>(constant::of_floats(v.host->dims, f));
    return r;
  }
  const auto i = dequantized_.find(v.tensor);
  if (i != dequantized_.end()) {
    r.tensor = i->second;
    return r;
  }
  node_proto n;
  n.op_type = "DequantizeLinear";
  n.name = net_.tensors[static_cast<std::size_t>(v.tensor)].name + "_float";
  const arguments a{&m_, &n, m_.opset()};
  r.tensor = emit(a, &info<op::dequantize>, {}, {v.tensor}, n.name, dtype::float_32, {});
  dequantized_[v.tensor] = r.tensor;
  return r;
}

int importer::emit(const arguments& a, const op_info* op, const words& params, const std::vector<int>& inputs, const std::string& name,
                   dtype type, const net_encoding& enc, int outputs) {
  if (inputs.size() > static_cast<std::size_t>(max_inputs) || outputs > max_outputs)
    a.fail(std::to_string(inputs.size()) + " inputs and " + std::to_string(outputs) + " outputs",
           "split the node: at most " + std::to_string(max_inputs) + " and " + std::to_string(max_outputs));
  net_node n;
  n.name = unique("node " + clean_name(name)).substr(5);
  n.op = op;
  n.inputs = inputs;
  n.params = params;
  shapes s;
  try {
    s = net_.infer(n);
  } catch (const error& e) {
    a.fail(e.what(), "check the model's sizes and attributes");
  }
  for (int i = 0; i < outputs; ++i) {
    net_tensor t;
    t.name = unique(clean_name(outputs == 1 ? name : name + "_" + std::to_string(i)));
    t.type = type;
    t.enc = enc;
    t.dims = s[i];
    std::int64_t total = 1;
    for (int d = 0; d < t.dims.rank(); ++d) {
      if (t.dims[d] < 1 || total > (std::int64_t{1} << 31) / t.dims[d])
        a.fail("a result of size " + std::string(to_text(t.dims).view()), "check the model's sizes and attributes");
      total *= t.dims[d];
    }
    n.outputs.push_back(net_.add_tensor(std::move(t)));
  }
  const int first = n.outputs[0];
  net_.nodes.push_back(std::move(n));
  return first;
}

}  // namespace qnnx::inline QNNX_ABI::onnx
