// SPDX-License-Identifier: Apache-2.0
// Edits the net: stored operands for every node, and the conversions between types.
#include <algorithm>
#include <cmath>

#include "qnnx/op/convert.hpp"
#include "quantizer.hpp"

namespace qnnx::inline QNNX_ABI::quantizing {

quantizer::quantizer(net& n, const quantize_options& o) : n_(n), o_(o), renamed_(n.tensors.size(), false) {
  for (const net_tensor& t : n.tensors) real_.push_back(t.type == dtype::float_32);
}

void quantizer::run() {
  tie_ranges();
  choose_domains();
  rewrite();
  passes::compact(n_);
  n_.freeze();  // throws with the rule that a mistake here would break
}

int quantizer::declare(int like, std::string_view suffix, dtype type, const net_encoding& enc) {
  const net_tensor source = tensor(like);
  net_tensor t;
  t.name = passes::unique_tensor_name(n_, source.name + std::string(suffix));
  t.kind = tensor_kind::native;
  t.type = type;
  t.dims = source.dims;
  t.enc = enc;
  t.layout = source.layout;
  t.range = source.range;
  return n_.add_tensor(std::move(t));
}

/// The stored form takes the constant's name; the float form, if a float node still reads it, another one.
int quantizer::replace_constant(int old, net_tensor fresh) {
  const std::string name = fresh.name;
  fresh.name = passes::unique_tensor_name(n_, name + "_stored");
  const int index = n_.add_tensor(std::move(fresh));
  if (!renamed_[static_cast<std::size_t>(old)]) {
    renamed_[static_cast<std::size_t>(old)] = true;
    tensor(old).name = passes::unique_tensor_name(n_, name + "_float");
    tensor(index).name = name;
  }
  return index;
}

int quantizer::convert(int t, dtype to, const net_encoding& enc) {
  const auto key = std::tuple(t, to, enc.scale(), enc.offset());
  if (const auto at = converted_.find(key); at != converted_.end()) return at->second;
  const int from = home_[static_cast<std::size_t>(t)];
  const int fresh = declare(t, is_fixed(to) ? (bits_of(to) == 16 ? "_q16" : "_q8") : "_real", to, enc);
  net_node k;
  k.op = !is_fixed(to) ? &info<op::dequantize> : (is_fixed(tensor(from).type) ? &info<op::convert> : &info<op::quantize>);
  if (k.op == &info<op::convert>) k.set<op::convert>({});
  k.name = tensor(fresh).name;
  k.inputs = {from};
  k.outputs = {fresh};
  done_.push_back(std::move(k));
  return converted_[key] = fresh;
}

/// The tensor a node of this type reads for `t`; `required` where its encoding must be this one.
int quantizer::operand(int t, dtype domain, const net_encoding* required) {
  const int home = home_[static_cast<std::size_t>(t)];
  if (!is_fixed(domain)) return is_fixed(tensor(home).type) ? convert(t, domain, {}) : home;
  const net_encoding enc = required ? *required : encoding_for(t, domain);
  if (tensor(home).type == domain && (!required || tensor(home).enc == enc)) return home;
  return convert(t, domain, enc);
}

void quantizer::rewrite_node(net_node k, dtype domain) {
  const bool fixed = is_fixed(domain);
  const signature* s = fixed ? fitting(k, domain) : nullptr;
  const bool weighted = fixed && is_weighted(*k.op) && k.inputs.size() > 1 && is_constant(k.inputs[1]) && is_real(k.inputs[1]);
  const std::vector<int> source = k.inputs;

  net_encoding out_enc;
  if (fixed && is_real(k.outputs[0])) out_enc = encoding_for(k.outputs[0], domain);
  const bool tied = fixed && shares_encoding(k) && is_real(k.outputs[0]);
  for (std::size_t i = 0; i < source.size(); ++i) {
    const int t = source[i];
    if (!is_real(t)) continue;
    if (!is_constant(t)) {
      k.inputs[i] = operand(t, domain, tied ? &out_enc : nullptr);
      continue;
    }
    if (!fixed || (weighted && (i == 1 || i == 2))) continue;
    const dtype type = s->in[std::min(i, static_cast<std::size_t>(s->count - 1))];
    if (type == dtype::sfixed_32) {
      const bool product = i >= 2 && is_fixed(tensor(k.inputs[1]).type);
      const float scale = product ? tensor(k.inputs[0]).enc.scale() * tensor(k.inputs[1]).enc.scale()
                                  : encode_range(data_range(tensor(t), schema::signed_symmetric, 32), schema::signed_symmetric, 32).scale;
      k.inputs[i] = store_constant(t, type, net_encoding::tensor(scale, 0));
    } else if (tied) {
      k.inputs[i] = store_constant(t, type, out_enc);
    } else {
      k.inputs[i] = store_constant(t, type, encoding_for(t, type));
    }
  }
  if (weighted) {
    weight_plan p = plan_weight(k, s->in[1]);
    const bool bias = source.size() > 2 && is_real(source[2]) && is_constant(source[2]);
    const float scale_in = tensor(k.inputs[0]).enc.scale();
    if (bias)  // |bias| / (scale_in * scale_weight) below 2^30 leaves room for the products
      for (float b : passes::floats_of(tensor(source[2])))
        p.least_scale.push_back(std::abs(static_cast<double>(b)) / (static_cast<double>(scale_in) * 1073741824.0));
    const std::int64_t channels = bias ? tensor(source[2]).dims.size() : 0;
    k.inputs[1] = store_weight(source[1], p);
    if (bias) k.inputs[2] = store_bias(source[2], scale_in, k.inputs[1], channels);
  }

  std::vector<int> back;  // graph outputs that stay float
  for (int& t : k.outputs) {
    if (!is_real(t) || !fixed) continue;
    const net_encoding enc = encoding_for(t, domain);
    if (tensor(t).kind == tensor_kind::app_read && !o_.native_io) {
      const int fresh = declare(t, "_q", domain, enc);
      home_[static_cast<std::size_t>(t)] = fresh;
      back.push_back(t);
      t = fresh;
    } else {
      tensor(t).type = domain;
      tensor(t).enc = enc;
    }
  }
  done_.push_back(std::move(k));
  for (int t : back) {
    net_node d;
    d.op = &info<op::dequantize>;
    d.name = passes::unique_node_name(n_, tensor(t).name + "_dequantize");
    d.inputs = {home_[static_cast<std::size_t>(t)]};
    d.outputs = {t};
    done_.push_back(std::move(d));
  }
}

void quantizer::rewrite() {
  const std::vector<net_node> nodes = n_.nodes;
  home_.resize(n_.tensors.size());
  for (std::size_t t = 0; t < home_.size(); ++t) home_[t] = static_cast<int>(t);
  if (o_.native_io) {
    const passes::connections c(n_);
    for (int t : n_.of_kind(tensor_kind::app_write)) {
      const auto& readers = c.readers[static_cast<std::size_t>(t)];
      const bool used = std::any_of(readers.begin(), readers.end(), [&](int k) { return is_fixed(domain_[static_cast<std::size_t>(k)]); });
      if (!is_real(t) || !used || !is_fixed(wanted(t))) continue;
      const dtype d = wanted(t);
      const net_encoding enc = encoding_for(t, d);
      tensor(t).type = d;
      tensor(t).enc = enc;
    }
  }
  for (std::size_t at = 0; at < nodes.size(); ++at) {
    if (domain_[at] == dtype::undefined) done_.push_back(nodes[at]);
    else rewrite_node(nodes[at], domain_[at]);
  }
  n_.nodes = std::move(done_);
}

}  // namespace qnnx::inline QNNX_ABI::quantizing
