// SPDX-License-Identifier: Apache-2.0
// QuantizeLinear and DequantizeLinear: scales move into encodings; nodes remain only where floats really become
// integers or back.
#include <algorithm>
#include <cmath>

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
std::pair<std::int64_t, std::int64_t> bounds(element e) {
  switch (e) {
    case element::uint8: return {0, 255};
    case element::int8: return {-128, 127};
    case element::uint16: return {0, 65535};
    case element::int16: return {-32768, 32767};
    case element::uint4: return {0, 15};
    case element::int4: return {-8, 7};
    default: return {INT32_MIN, INT32_MAX};
  }
}

std::shared_ptr<quantization> scales_of(call& c, const value& v) {
  if (c.in.size() < 2) c.fail("the scale is missing", "correct the model");
  const bool zero = c.in.size() > 2 && c.has(2);
  auto q = std::make_shared<quantization>(
      *c.im.scales(c, c.n->inputs[1], zero ? c.n->inputs[2] : "", static_cast<int>(c.integer("axis", 1))));
  if (q->axis >= 0 || q->scales.size() > 1) {
    q->axis = c.axis(c.integer("axis", 1), v.dims.size());
    if (static_cast<std::int64_t>(q->scales.size()) != v.dim(q->axis))
      c.fail(std::to_string(q->scales.size()) + " scales for " + std::to_string(v.dim(q->axis)) + " channels", "correct the model");
  }
  return q;
}

void check_type(call& c, element e) {
  if (fixed_type(e) == dtype::undefined) c.fail("quantized type " + to_string(e), "use int4, int8, int16, int32 or their unsigned forms");
}

void quantize(call& c) {
  if (!c.has(0)) c.fail("input 0 is missing", "correct the model");
  value v = c.in[0];
  const std::shared_ptr<quantization> q = scales_of(c, v);
  check_type(c, q->type);
  if (v.host) {
    const std::vector<float> f = c.known_floats(0, "the data");
    std::size_t inner = 1;
    if (q->axis >= 0)
      for (std::size_t d = static_cast<std::size_t>(q->axis) + 1; d < v.dims.size(); ++d) inner *= static_cast<std::size_t>(v.dims[d]);
    const auto [lo, hi] = bounds(q->type);
    std::vector<std::int64_t> r(f.size());
    for (std::size_t i = 0; i < f.size(); ++i) {
      const std::size_t k = q->axis < 0 ? 0 : i / inner % q->scales.size();
      const double x = std::nearbyint(static_cast<double>(f[i] / q->scales[k])) + static_cast<double>(q->zeros[k]);
      r[i] = std::isnan(x) ? 0 : static_cast<std::int64_t>(std::clamp(x, static_cast<double>(lo), static_cast<double>(hi)));
    }
    value out;
    out.host = std::make_shared<const constant>(constant::of_ints(v.dims, r, q->type));
    out.type = q->type;
    return c.set_alias(0, out);
  }
  if (q->axis >= 0) c.fail("activations with a scale per channel", "quantize activations per tensor");
  if (v.dequantized && *v.q == *q) {
    v.dequantized = false;
    v.type = q->type;
    return c.set_alias(0, v);
  }
  if (bounds(q->type).second < 127) c.fail("activations of 4 bits", "use 8 or 16 bits");
  const bool again = v.dequantized;
  const int made = again ? c.im.emit(c, &info<op::convert>, to_words(op::convert::params{}), {v.tensor}, c.out_name(), fixed_type(q->type), c.im.encoding_of(*q, -1))
                         : c.im.emit(c, &info<op::quantize>, {}, {v.tensor}, c.out_name(), fixed_type(q->type), c.im.encoding_of(*q, -1));
  c.tensor(made).overridden = true;
  v.tensor = made;
  v.q = q;
  v.dequantized = false;
  v.type = q->type;
  c.set_alias(0, v);
}

void dequantize(call& c) {
  if (!c.has(0)) c.fail("input 0 is missing", "correct the model");
  value v = c.in[0];
  const std::shared_ptr<quantization> q = scales_of(c, v);
  q->type = v.host ? v.host->type : v.q ? v.q->type : v.type;
  check_type(c, q->type);
  if (v.dequantized) c.fail("its input is already float", "correct the model");
  if (!v.host) {
    if (q->axis >= 0) c.fail("activations with a scale per channel", "quantize activations per tensor");
    if (!v.q) c.fail("integers that no QuantizeLinear made", "quantize the model with QuantizeLinear and DequantizeLinear pairs");
    if (v.q->scales != q->scales || v.q->zeros != q->zeros)
      c.fail("its scale differs from that of the tensor it reads", "use one scale and zero point on both sides");
  }
  v.q = q;
  v.dequantized = true;
  v.type = element::float32;
  c.set_alias(0, v);
}
}  // namespace

void add_quantization(translator_table& t) {
  for (const char* domain : {"", "com.microsoft."}) {
    t[std::string(domain) + "QuantizeLinear"] = {quantize, integer_form::never, false, true};
    t[std::string(domain) + "DequantizeLinear"] = {dequantize, integer_form::never, false, true};
  }
}

}  // namespace qnnx::inline QNNX_ABI::onnx
