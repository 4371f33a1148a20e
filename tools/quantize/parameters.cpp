// SPDX-License-Identifier: Apache-2.0
// Constants: weights (per tensor or per channel, packed or not), biases at the accumulator's scale, other data.
#include <algorithm>
#include <cmath>

#include "qnnx/numeric/saturate.hpp"
#include "quantizer.hpp"

namespace qnnx::inline QNNX_ABI::quantizing {

namespace {

real_range range_of(const std::vector<double>& v, calibration how, schema s, int bits, double percent) {
  real_range r{};
  for (double x : v)
    if (std::isfinite(x)) r = hull(r, {x, x});
  if (how == calibration::min_max || v.size() < 64) return r;  // too few values for a histogram to say more
  histogram h(r);
  for (double x : v) h.add(x);
  return calibrated_range(h, how, s, bits, percent);
}

/// Writes stored value q of element i.
void put(net_tensor& t, std::int64_t i, std::int64_t q) {
  const auto at = static_cast<std::size_t>(i);
  switch (bits_of(t.type)) {
    case 4: store_4(t.as<std::uint8_t>(), at, static_cast<std::int32_t>(q)); break;
    case 8: t.as<std::uint8_t>()[at] = static_cast<std::uint8_t>(q); break;
    case 16: t.as<std::uint16_t>()[at] = static_cast<std::uint16_t>(q); break;
    default: t.as<std::int32_t>()[at] = static_cast<std::int32_t>(q); break;
  }
}

std::size_t stored_bytes(const net_tensor& t) {
  tensor_desc d;
  d.type = t.type;
  d.dims = t.dims;
  d.enc.kind = t.enc.kind;
  d.enc.axis = static_cast<std::int8_t>(t.enc.axis);
  return static_cast<std::size_t>(byte_size(d));
}

}  // namespace

void store_values(net_tensor& t, const std::vector<std::int64_t>& q) {
  t.data.assign(stored_bytes(t), std::byte{0});
  const bool by_channel = bits_of(t.type) == 4 && t.enc.axis >= 0;
  const std::int64_t channels = by_channel ? t.dims[t.enc.axis] : 1;
  const std::int64_t inner = by_channel ? t.dims.product(t.enc.axis + 1, t.dims.rank()) : 1;
  const std::int64_t row = (t.dims.size() / channels + 1) / 2 * 2;  // packed: channels begin on a byte
  std::vector<std::int64_t> filled(static_cast<std::size_t>(channels), 0);
  for (std::size_t i = 0; i < q.size(); ++i) {
    const std::int64_t c = static_cast<std::int64_t>(i) / inner % channels;
    put(t, by_channel ? c * row + filled[static_cast<std::size_t>(c)]++ : static_cast<std::int64_t>(i), q[i]);
  }
}

real_range quantizer::data_range(const net_tensor& t, schema s, int bits) const {
  const std::vector<float> v = passes::floats_of(t);
  return range_of({v.begin(), v.end()}, calibration::min_max, s, bits, o_.percentile);
}

quantizer::weight_plan quantizer::plan_weight(const net_node& k, dtype type) const {
  weight_plan p;
  p.type = type;
  p.bits = bits_of(type);
  const auto& given = imposed_[static_cast<std::size_t>(k.inputs[1])];
  const int asked = given ? given->bits : o_.weights_bitwidth;
  if (asked < p.bits) p.bits = asked;
  const bool rows = k.op->name == "FullyConnected" || k.op->name == "MatMul";
  const bool split = given ? given->scales.size() > 1 : (rows ? o_.per_row : o_.per_channel);
  if (split && is_signed_fixed(type)) p.axis = channel_axis(n_, k);
  return p;
}

int quantizer::store_weight(int t, const weight_plan& p) {
  const net_tensor& source = tensor(t);
  const std::vector<float> v = passes::floats_of(source);
  const int axis = p.axis;
  const std::int64_t channels = axis >= 0 ? source.dims[axis] : 1;
  const std::int64_t inner = axis >= 0 ? source.dims.product(axis + 1, source.dims.rank()) : 1;
  const auto channel_of = [&](std::int64_t i) { return axis >= 0 ? i / inner % channels : 0; };
  schema s = schema_for(p.type, o_.param_schema);
  if (axis >= 0 || p.bits == 4 || bits_of(p.type) == 16 || is_signed_fixed(p.type)) s = schema::signed_symmetric;
  if (!is_signed_fixed(p.type) && s == schema::signed_symmetric) s = schema::unsigned_symmetric;

  std::vector<std::vector<double>> split(static_cast<std::size_t>(channels));
  for (std::size_t i = 0; i < v.size(); ++i)
    split[static_cast<std::size_t>(channel_of(static_cast<std::int64_t>(i)))].push_back(static_cast<double>(v[i]));
  const auto& given = imposed_[static_cast<std::size_t>(t)];
  std::vector<grid> grids;
  for (std::int64_t c = 0; c < channels; ++c) {
    const auto at = static_cast<std::size_t>(c);
    grid g;
    if (given && given->bits == p.bits && static_cast<std::int64_t>(given->scales.size()) == channels) {
      const std::int32_t shift = is_signed_fixed(p.type) ? std::int32_t{1} << (p.bits - 1) : 0;
      const schema grid_of = is_signed_fixed(p.type) ? schema::signed_symmetric : schema::unsigned_asymmetric;
      g = {given->scales[at], given->offsets[at] + shift, grid_min(grid_of, p.bits), grid_max(grid_of, p.bits)};
      if (axis >= 0) g.offset = 0;  // per-channel encodings are symmetric
    } else {
      const real_range r = range_of(split[at], o_.param_calibration, s, p.bits, o_.percentile);
      g = o_.restricted_steps && is_symmetric(s) ? encode_steps(r, s, p.bits, o_.restricted_steps->first, o_.restricted_steps->second)
                                                 : encode_range(r, s, p.bits);
    }
    double least = 0;
    for (std::size_t b = at; b < p.least_scale.size(); b += static_cast<std::size_t>(channels)) least = std::max(least, p.least_scale[b]);
    if (static_cast<double>(g.scale) < least) {
      g.scale = static_cast<float>(least);  // the bias must fit 31 bits at scale_in * scale_weight
      if (!is_symmetric(s)) g.offset = static_cast<std::int32_t>(round_rne(std::min(0.0, *std::min_element(split[at].begin(), split[at].end())) / least));
    }
    grids.push_back(g);
  }

  net_tensor out = source;
  out.type = p.type;
  out.overridden = false;
  const int narrow = p.bits < bits_of(p.type) ? p.bits : 0;
  if (axis >= 0) {
    std::vector<float> scales;
    for (const grid& g : grids) scales.push_back(g.scale);
    out.enc = net_encoding::per_axis(axis, std::move(scales), {}, narrow);
  } else {
    out.enc = net_encoding::tensor(grids[0].scale, grids[0].offset, narrow);
  }
  std::vector<std::int64_t> stored;
  for (std::size_t i = 0; i < v.size(); ++i)
    stored.push_back(quantize_value(static_cast<double>(v[i]), grids[static_cast<std::size_t>(channel_of(static_cast<std::int64_t>(i)))]));
  store_values(out, stored);
  return replace_constant(t, std::move(out));
}

int quantizer::store_bias(int t, float scale_in, int weight, std::int64_t channels) {
  const net_tensor& source = tensor(t);
  std::vector<float> v = passes::floats_of(source);
  const auto& given = imposed_[static_cast<std::size_t>(t)];
  if (given && given->bits == 8 && given->scales.size() == 1) {
    const grid g{given->scales[0], given->offsets[0], 0, 255};
    for (float& x : v) x = static_cast<float>(round_trip(static_cast<double>(x), g));
  } else if (!given && o_.bias_bitwidth == 8) {
    const grid g = encode_range(data_range(source, o_.param_schema, 8), o_.param_schema, 8);
    for (float& x : v) x = static_cast<float>(round_trip(static_cast<double>(x), g));
  }
  const net_encoding& w = tensor(weight).enc;
  net_tensor out = source;
  out.type = dtype::sfixed_32;
  out.overridden = false;
  std::vector<float> scales;
  for (std::size_t c = 0; c < (w.scales.size() > 1 ? static_cast<std::size_t>(channels) : 1); ++c)
    scales.push_back(scale_in * w.scales[c % w.scales.size()]);
  if (w.scales.size() > 1) {
    out.dims = {static_cast<std::int32_t>(channels)};
    out.enc = net_encoding::per_axis(0, scales);
  } else {
    out.enc = net_encoding::tensor(scales[0], 0);
  }
  out.data.resize(v.size() * sizeof(std::int32_t));
  for (std::size_t i = 0; i < v.size(); ++i) {
    const double step = static_cast<double>(scale_in) * static_cast<double>(w.scales[i % w.scales.size()]);
    out.as<std::int32_t>()[i] = saturate<std::int32_t>(round_rne(static_cast<double>(v[i]) / step));
  }
  return replace_constant(t, std::move(out));
}

int quantizer::store_constant(int t, dtype type, const net_encoding& enc) {
  const auto key = std::tuple(t, type, enc.scale(), enc.offset());
  if (const auto at = stored_.find(key); at != stored_.end()) return at->second;
  const std::vector<float> v = passes::floats_of(tensor(t));
  net_tensor out = tensor(t);
  out.type = type;
  out.enc = enc;
  out.overridden = false;
  out.data.assign(stored_bytes(out), std::byte{0});
  const grid g{enc.scale(), enc.offset(), min_value(type), max_value(type)};
  for (std::size_t i = 0; i < v.size(); ++i) put(out, static_cast<std::int64_t>(i), quantize_value(static_cast<double>(v[i]), g));
  return stored_[key] = replace_constant(t, std::move(out));
}

}  // namespace qnnx::inline QNNX_ABI::quantizing
