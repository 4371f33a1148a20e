// SPDX-License-Identifier: Apache-2.0
// Which tensors share an encoding, and what that encoding is.
#include <algorithm>
#include <cmath>

#include "qnnx/op/pad.hpp"
#include "qnnx/op/select.hpp"
#include "quantizer.hpp"

namespace qnnx::inline QNNX_ABI::quantizing {

namespace {

/// The encoding a front end or an overrides file left on a float tensor, brought to the unsigned grid. The range, where
/// present, says which grid the offset counts from; else a positive offset or data below the grid means signed.
std::optional<imposed> read_imposed(const net_tensor& t) {
  if (!t.overridden || !t.enc.defined() || t.enc.scales.empty()) return std::nullopt;
  imposed r;
  r.bits = t.enc.bits ? t.enc.bits : 8;
  r.scales = t.enc.scales;
  r.offsets = t.enc.offsets;
  r.offsets.resize(r.scales.size(), 0);
  if (r.bits > 16) {
    for (auto& o : r.offsets) o = 0;
    return r;
  }
  const std::int32_t half = std::int32_t{1} << (r.bits - 1);
  bool is_signed = std::any_of(r.offsets.begin(), r.offsets.end(), [](auto o) { return o > 0; });
  const bool symmetric = std::all_of(r.offsets.begin(), r.offsets.end(), [](auto o) { return o == 0; });
  if (symmetric && r.scales.size() > 1) is_signed = true;
  if (t.range && r.scales.size() == 1) {
    const auto lo = static_cast<double>(t.range->first);
    const auto s = static_cast<double>(r.scales[0]);
    const double as_unsigned = std::abs(lo - s * r.offsets[0]);
    const double as_signed = std::abs(lo - s * (r.offsets[0] - half));
    is_signed = is_signed || as_signed < as_unsigned;
  } else if (symmetric && t.kind == tensor_kind::constant) {
    const std::vector<float> v = passes::floats_of(t);
    is_signed = is_signed || std::any_of(v.begin(), v.end(), [](float x) { return x < 0; });
  }
  if (is_signed)
    for (auto& o : r.offsets) o -= half;
  return r;
}

}  // namespace

bool shares_encoding(const net_node& k) {
  const std::string_view name = k.op->name;
  return k.op->data_movement || name == "Concat" || name == "PoolMax2d" || name == "PoolMax3d" ||
         name == "ElementWiseSelect" || name == "ResizeBilinear" || name == "ResizeNearestNeighbor" || name == "Resize";
}

schema schema_for(dtype d, schema asked) {
  if (is_signed_fixed(d)) return is_signed(asked) ? asked : (is_symmetric(asked) ? schema::signed_symmetric : schema::signed_asymmetric);
  return is_signed(asked) ? (is_symmetric(asked) ? schema::unsigned_symmetric : schema::unsigned_asymmetric) : asked;
}

int quantizer::root(int t) const {
  while (parent_[static_cast<std::size_t>(t)] != t) t = parent_[static_cast<std::size_t>(t)];
  return t;
}

void quantizer::join(int a, int b) {
  a = root(a);
  b = root(b);
  if (a == b) return;
  auto& ia = imposed_[static_cast<std::size_t>(a)];
  auto& ib = imposed_[static_cast<std::size_t>(b)];
  if (ia && ib && *ia != *ib) return;  // two wishes: a Convert will stand between
  if (!ia) ia = ib;
  auto& ra = ranges_[static_cast<std::size_t>(a)];
  const auto& rb = ranges_[static_cast<std::size_t>(b)];
  if (ra && rb) ra = hull(*ra, *rb);
  else if (rb) ra = rb;
  parent_[static_cast<std::size_t>(b)] = a;
}

void quantizer::tie_ranges() {
  const std::size_t count = n_.tensors.size();
  parent_.resize(count);
  ranges_.assign(count, std::nullopt);
  imposed_.assign(count, std::nullopt);
  for (std::size_t t = 0; t < count; ++t) {
    parent_[t] = static_cast<int>(t);
    const net_tensor& x = n_.tensors[t];
    if (!is_real(static_cast<int>(t))) continue;
    if (!o_.ignore_encodings) imposed_[t] = read_imposed(x);
    if (x.kind == tensor_kind::constant && !x.range) ranges_[t] = data_range(x, o_.param_schema, 8);
    else if (x.range) ranges_[t] = real_range{static_cast<double>(x.range->first), static_cast<double>(x.range->second)};
    if (!ranges_[t] && imposed_[t]) ranges_[t] = real_range{};  // the imposed encoding is the range
  }
  for (const net_node& k : n_.nodes) {
    if (!shares_encoding(k) || k.outputs.empty() || !is_real(k.outputs[0])) continue;
    if (k.is<op::pad>()) {
      const auto value = static_cast<double>(k.get<op::pad>().pad_constant_value);
      auto& r = ranges_[static_cast<std::size_t>(root(k.outputs[0]))];
      if (r) r = hull(*r, {value, value});
    }
    for (int t : k.inputs)  // what a Select puts in place of data takes their encoding, however far it reaches
      if (is_real(t) && !(k.is<op::elementwise_select>() && is_constant(t))) join(t, k.outputs[0]);
    for (int t : k.outputs)
      if (is_real(t)) join(t, k.outputs[0]);
  }
}

net_encoding quantizer::encoding_for(int t, dtype d) const {
  const auto r = static_cast<std::size_t>(root(t));
  const int bits = bits_of(d);
  if (const auto& given = imposed_[r]; given && given->bits == bits && given->scales.size() == 1) {
    const std::int32_t shift = is_signed_fixed(d) ? std::int32_t{1} << (bits - 1) : 0;
    return net_encoding::tensor(given->scales[0], given->offsets[0] + shift);
  }
  real_range range = ranges_[r].value_or(real_range{});
  if (const auto& given = imposed_[r]; given && given->scales.size() == 1) {  // another width: its range
    const auto s = static_cast<double>(given->scales[0]);
    const auto steps = static_cast<double>((std::int64_t{1} << given->bits) - 1);
    range = {s * given->offsets[0], s * (given->offsets[0] + steps)};
  }
  const grid g = encode_range(range, schema_for(d, o_.act_schema), bits);
  return net_encoding::tensor(g.scale, g.offset);
}

}  // namespace qnnx::inline QNNX_ABI::quantizing
