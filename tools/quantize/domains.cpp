// SPDX-License-Identifier: Apache-2.0
// In which type each node runs: the type its output was asked to have, if the op's type table has a row for it.
#include <algorithm>

#include "qnnx/op/matmul.hpp"
#include "quantizer.hpp"

namespace qnnx::inline QNNX_ABI::quantizing {

bool is_weighted(const op_info& op) {
  for (std::string_view name : {"Conv1d", "Conv2d", "Conv3d", "DepthWiseConv1d", "DepthWiseConv2d", "TransposeConv1d",
                                "TransposeConv2d", "TransposeConv3d", "FullyConnected", "MatMul"})
    if (op.name == name) return true;
  return false;
}

int channel_axis(const net& n, const net_node& k) {
  const int rank = n.tensors[static_cast<std::size_t>(k.inputs[1])].dims.rank();
  if (k.op->name == "FullyConnected") return 0;
  if (k.is<op::matmul>() && k.get<op::matmul>().transpose_in1) return rank - 2;
  return rank - 1;
}

dtype quantizer::activation_type(int bits) const {
  const bool s = is_signed(o_.act_schema);
  return bits <= 8 ? (s ? dtype::sfixed_8 : dtype::ufixed_8) : (s ? dtype::sfixed_16 : dtype::ufixed_16);
}

/// Asked to stay float, by name or by an override of type float.
bool quantizer::stays_float(int t) const {
  const net_tensor& x = tensor(t);
  if (o_.keep_float.count(x.name) || (!x.source_name.empty() && o_.keep_float.count(x.source_name))) return true;
  return !o_.ignore_encodings && x.overridden && !x.enc.defined();
}

dtype quantizer::wanted(int t) const {
  if (stays_float(t)) return dtype::float_32;
  const auto& given = imposed_[static_cast<std::size_t>(t)];
  return activation_type(given ? given->bits : o_.act_bitwidth);
}

/// Types for the weights of a node, best first.
std::vector<dtype> quantizer::weight_types(const net_node& k, dtype domain) const {
  const auto& given = imposed_[static_cast<std::size_t>(k.inputs[1])];
  int bits = given ? given->bits : o_.weights_bitwidth;
  if (bits == 16 && bits_of(domain) != 16) bits = 8;
  if (bits == 4) return {o_.pack_4_bit_weights ? dtype::sfixed_4 : dtype::sfixed_8, dtype::sfixed_8, dtype::ufixed_8};
  if (bits == 16) return {dtype::sfixed_16, dtype::sfixed_8};
  const bool rows = k.op->name == "FullyConnected" || k.op->name == "MatMul";
  const bool split = given ? given->scales.size() > 1 : (rows ? o_.per_row : o_.per_channel);
  const bool middle = given && std::all_of(given->offsets.begin(), given->offsets.end(), [](auto o) { return o == -128; });
  if (split || is_signed(o_.param_schema) || is_signed_fixed(domain) || middle) return {dtype::sfixed_8, dtype::ufixed_8};
  return {dtype::ufixed_8, dtype::sfixed_8};
}

const signature* quantizer::fitting(const net_node& k, dtype domain) const {
  if (k.epi.residual >= 0 || k.epi.table >= 0) return nullptr;
  if (k.op->name == "Cast") return nullptr;  // between integers and fixed point it keeps the stored number, not the value
  const bool weighted = is_weighted(*k.op) && k.inputs.size() > 1 && is_constant(k.inputs[1]);
  const dtype wide = bits_of(domain) == 16 ? dtype::sfixed_16 : domain;  // of a constant like LayerNorm's gamma
  const std::vector<dtype> weights = weighted ? weight_types(k, domain) : std::vector<dtype>{domain, wide, dtype::undefined};
  for (dtype weight : weights)
    for (int row = 0; row < k.op->type_count; ++row) {
      const signature& s = k.op->types[row];
      if (s.out != (is_real(k.outputs[0]) ? domain : tensor(k.outputs[0]).type)) continue;
      bool fits = true;
      for (std::size_t i = 0; i < k.inputs.size() && fits && s.count > 0; ++i) {
        const int t = k.inputs[i];
        const dtype here = s.in[std::min(i, static_cast<std::size_t>(s.count - 1))];
        if (t < 0) continue;
        if (!is_real(t)) fits = here == tensor(t).type;
        else if (!is_constant(t)) fits = here == domain;
        else if (i == 1 && weight != dtype::undefined) fits = here == weight;
        else fits = is_fixed(here);
      }
      if (fits) return &s;
    }
  return nullptr;
}

void quantizer::choose_domains() {
  domain_.assign(n_.nodes.size(), dtype::undefined);
  for (std::size_t at = 0; at < n_.nodes.size(); ++at) {
    const net_node& k = n_.nodes[at];
    int first = -1;  // the tensor that decides
    std::vector<int> computed;
    for (int t : k.outputs)
      if (is_real(t)) computed.push_back(t);
    for (int t : k.inputs)
      if (is_real(t) && !is_constant(t)) computed.push_back(t);
    if (computed.empty()) {
      if (!std::any_of(k.inputs.begin(), k.inputs.end(), [&](int t) { return is_real(t); })) continue;
      domain_[at] = dtype::float_32;
      continue;
    }
    first = computed[0];
    dtype domain = wanted(first);
    const std::string who = std::string(k.op->name) + " '" + k.name + "'";
    if (is_fixed(domain) && is_weighted(*k.op))
      for (int t : k.inputs)
        if (is_real(t) && is_constant(t) && stays_float(t)) domain = dtype::float_32;
    if (is_fixed(domain))
      for (int t : computed)
        if (!has_range(t)) {
          if (!o_.float_fallback)
            throw error(who + ": tensor '" + tensor(t).name +
                        "' has no range: got no calibration data for it, expected an input list, an override, or float fallback");
          domain = dtype::float_32;
          break;
        }
    if (is_fixed(domain) && !fitting(k, domain)) {
      say(who + " stays float: it has no " + std::string(to_string(domain)) + " form for these operands");
      domain = dtype::float_32;
    }
    domain_[at] = domain;
  }
}

}  // namespace qnnx::inline QNNX_ABI::quantizing
