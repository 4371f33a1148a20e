// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "qnnx/op/activations.hpp"
#include "qnnx/op/conv2d.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"
#include "qnnx/op/pad.hpp"
#include "qnnx/op/pool.hpp"
#include "qnnx/runtime/passes/optimize.hpp"

namespace qnnx::inline QNNX_ABI::passes {

namespace {

using sides = std::array<std::uint32_t, 4>;  // top, bottom, left, right

sides operator+(sides a, const sides& b) {
  for (std::size_t i = 0; i < 4; ++i) a[i] += b[i];
  return a;
}
bool none(const sides& s) { return s == sides{}; }

/// Values of this tensor cannot be below zero: its least stored value stands for zero or more, or it comes out of a Relu or a
/// clamp at zero.
bool not_negative(const net& n, const connections& c, int t) {
  const net_tensor& x = tensor_of(n, t);
  if (is_fixed(x.type) && x.enc.kind == encoding_kind::scale_offset && min_value(x.type) + x.enc.offset() >= 0) return true;
  if (c.maker_of(t) < 0) return false;
  const net_node& m = n.nodes[static_cast<std::size_t>(c.maker_of(t))];
  if (removed(m)) return false;
  if (m.epi.table < 0 && (m.epi.act == activation::relu || (m.epi.act == activation::clamp && m.epi.lo >= 0))) return true;
  return m.is<op::relu>() || m.is<op::relu6>() || m.is<op::sigmoid>() ||
         (m.is<op::relu_min_max>() && m.get<op::relu_min_max>().min_value >= 0);
}

template <class Op>
bool widen_window(net_node& k, const sides& more) {
  auto p = k.get<Op>();
  p.pad_amount = p.pad_amount + more;
  k.set<Op>(p);
  return true;
}

bool fold_into(net& n, const connections& c, net_node& k, const sides& more, int source) {
  if (k.is<op::conv2d>()) return widen_window<op::conv2d>(k, more);
  if (k.is<op::depthwise_conv2d>()) return widen_window<op::depthwise_conv2d>(k, more);
  if (k.is<op::pool_avg2d>()) {
    auto p = k.get<op::pool_avg2d>();
    // An explicit Pad counts in the mean; the pool's own padding may not.
    if ((!none(p.pad_amount) && !p.count_pad_for_edges) || p.rounding_mode != op::pool_rounding::floor) return false;
    p.count_pad_for_edges = true;
    p.pad_amount = p.pad_amount + more;
    for (std::size_t i = 0; i < 4; ++i)
      if (p.pad_amount[i] >= p.filter_size[i / 2]) return false;
    k.set<op::pool_avg2d>(p);
    return true;
  }
  if (k.is<op::pool_max2d>()) {
    auto p = k.get<op::pool_max2d>();
    if (p.rounding_mode != op::pool_rounding::floor || !not_negative(n, c, source)) return false;
    p.pad_amount = p.pad_amount + more;
    for (std::size_t i = 0; i < 4; ++i)
      if (p.pad_amount[i] >= p.filter_size[i / 2]) return false;  // every window must touch the data
    k.set<op::pool_max2d>(p);
    return true;
  }
  return false;
}

}  // namespace

int fold_pads(net& n) {
  int count = 0;
  for (net_node& pad : n.nodes) {
    if (removed(pad) || !pad.is<op::pad>()) continue;
    const auto p = pad.get<op::pad>();
    const net_tensor& x = tensor_of(n, pad.inputs[0]);
    const net_tensor& y = tensor_of(n, pad.outputs[0]);
    if (p.scheme != op::pad_scheme::constant || p.pad_constant_value != 0 || x.dims.rank() != 4 || x.enc != y.enc) continue;
    if (p.pad_amount[0] || p.pad_amount[1] || p.pad_amount[6] || p.pad_amount[7]) continue;
    const connections c(n);
    const int reader = c.only_reader(n, pad.outputs[0]);
    if (reader < 0 || node_of(n, reader).inputs[0] != pad.outputs[0]) continue;
    const sides more{p.pad_amount[2], p.pad_amount[3], p.pad_amount[4], p.pad_amount[5]};
    if (!fold_into(n, c, node_of(n, reader), more, pad.inputs[0])) continue;
    node_of(n, reader).inputs[0] = pad.inputs[0];
    remove_node(pad);
    ++count;
  }
  return count;
}

}  // namespace qnnx::inline QNNX_ABI::passes
