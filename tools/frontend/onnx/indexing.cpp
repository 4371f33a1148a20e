// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
/// Indices as a tensor of int32 in ONNX order.
int indices(call& c, std::size_t i) {
  const value v = c.input(i);
  int t = c.stored(v, identity_order(v.dims.size()));
  const dtype type = c.type_of(t);
  if (type != dtype::int_32 && type != dtype::uint_32)
    t = c.im.emit(c, &info<op::cast>, {}, {t}, c.out_name() + "_indices", dtype::int_32, {});
  return t;
}

void gather(call& c) {
  const value x = c.input(0);
  const value i = c.input(1);
  if (x.rank() == 0) c.fail("data of rank 0", "correct the model");
  const int axis = c.axis(c.integer("axis", 0), x.dims.size());
  const bool scalar = i.rank() == 0;
  if (i.host) {
    for (std::int64_t k : i.host->ints())
      if (k < -x.dim(axis) || k >= x.dim(axis)) c.fail("index " + std::to_string(k) + " outside " + std::to_string(x.dim(axis)), "correct the model");
    if (i.host->size() == 0) c.fail("no indices", "correct the model");
  }
  const order_t order = i.rank() <= 1 ? x.order : identity_order(x.dims.size());
  const auto at = static_cast<std::size_t>(std::find(order.begin(), order.end(), axis) - order.begin());
  const std::vector<int> operands{c.stored(x, order), indices(c, 1)};
  const int made = c.emit<op::gather>(operands, {.axis = static_cast<std::int32_t>(at)}, scalar ? "kept" : "");
  if (!scalar) return c.set(0, made, i.rank() == 1 ? order : identity_order(static_cast<std::size_t>(c.rank_of(made))), x.spatial && i.rank() == 1);
  dims_t d = to_dims(c.shape_of(made));
  d.erase(d.begin() + static_cast<std::ptrdiff_t>(at));
  order_t left;
  for (int k : order)
    if (k != axis) left.push_back(k > axis ? k - 1 : k);
  if (d.empty()) {
    d.push_back(1);
    left.push_back(0);
  }
  c.set(0, c.reshape(made, d, ""), left);
}

void gather_elements(call& c) {
  const int x = c.plain(0);
  c.set_plain(0, c.emit<op::gather_elements>({x, indices(c, 1)}, {.axis = static_cast<std::uint32_t>(c.axis(c.integer("axis", 0), static_cast<std::size_t>(c.rank_of(x))))}));
}
void gather_nd(call& c) {
  const int x = c.plain(0);
  c.set_plain(0, c.emit<op::gather_nd>({x, indices(c, 1)}, {.batch_dims = static_cast<std::uint32_t>(c.integer_in("batch_dims", 0, 0, max_rank))}));
}

op::scatter_reduction scatter_mode(const call& c) {
  const std::string r = c.word("reduction", "none");
  if (r == "none") return op::scatter_reduction::none;
  if (r == "add") return op::scatter_reduction::add;
  if (r == "mul") return op::scatter_reduction::mul;
  if (r == "max") return op::scatter_reduction::max;
  c.fail("reduction '" + r + "'", "use none, add, mul or max");
}
int updates(call& c) {
  value u = c.input(2);
  if (c.quantized) {
    if (!u.q || !(*u.q == *c.plan)) throw no_integer_form{};
  }
  return c.stored(u, identity_order(u.dims.size()));
}
void scatter_nd(call& c) {
  const int x = c.plain(0);
  const int i = indices(c, 1);
  c.set_plain(0, c.emit<op::scatter_nd>({x, i, updates(c)}, {.reduction = scatter_mode(c)}));
}
void scatter_elements(call& c) {
  const int x = c.plain(0);
  const int i = indices(c, 1);
  const auto axis = static_cast<std::uint32_t>(c.axis(c.integer("axis", 0), static_cast<std::size_t>(c.rank_of(x))));
  c.set_plain(0, c.emit<op::scatter_elements>({x, i, updates(c)}, {.axis = axis, .reduction = scatter_mode(c)}));
}

void top_k(call& c) {
  const value x = c.input(0);
  const int axis = c.axis(c.integer("axis", -1), x.dims.size());
  const std::vector<std::int64_t> k = c.opset < 10 ? std::vector<std::int64_t>{c.integer("k", 0)} : c.known_ints(1, "k");
  if (k.size() != 1 || k[0] < 1 || k[0] > x.dim(axis)) c.fail("k of " + std::to_string(k.empty() ? 0 : k[0]), "use 1 to " + std::to_string(x.dim(axis)));
  order_t order;
  for (int a : x.order)
    if (a != axis) order.push_back(a);
  order.push_back(axis);
  const int in = c.stored(x, order);
  const op::top_k::params p{.k = static_cast<std::uint32_t>(k[0]), .largest = c.integer("largest", 1) != 0};
  const int first = c.im.emit(c, &info<op::top_k>, to_words(p), {in}, c.out_name() + "_part", c.type_of(in), c.tensor(in).enc, 2);
  net_tensor& index = c.tensor(first + 1);
  index.type = dtype::int_32;
  index.enc = {};
  for (int i = 0; i < 2; ++i) {
    const auto o = static_cast<std::size_t>(i);
    if (c.has_output(o)) c.im.rename_tensor(first + i, c.n->outputs[o]);
    c.set(o, first + i, order);
  }
}

void one_hot(call& c) {
  const int i = indices(c, 0);
  const std::vector<std::int64_t> depth = c.known_ints(1, "depth");
  const std::vector<float> values = c.known_floats(2, "the values");
  if (depth.size() != 1 || depth[0] < 1 || depth[0] > 0x7fffffff || values.size() != 2) c.fail("depth or values are unusable", "correct the model");
  const int axis = c.axis(c.integer("axis", -1), static_cast<std::size_t>(c.rank_of(i)) + 1);
  c.set_plain(0, c.emit<op::one_hot>({i}, {.depth = static_cast<std::uint32_t>(depth[0]), .axis = static_cast<std::uint32_t>(axis),
                                           .on_value = values[1], .off_value = values[0]}, "", plain_type(c.in[2].host->type)));
}

void cum_sum(call& c) {
  const value x = c.input(0);
  const std::vector<std::int64_t> a = c.known_ints(1, "axis");
  if (a.size() != 1) c.fail("several axes", "use one");
  const int axis = c.axis(a[0], x.dims.size());
  const auto at = std::find(x.order.begin(), x.order.end(), axis) - x.order.begin();
  c.set(0, c.emit<op::cumulative_sum>({c.stored(x, x.order)}, {.axis = static_cast<std::uint32_t>(at), .exclusive = c.integer("exclusive", 0) != 0,
                                                               .reverse = c.integer("reverse", 0) != 0}), x.order, x.spatial);
}
}  // namespace

void add_indexing(translator_table& t) {
  t["Gather"] = {gather, integer_form::moves};
  t["GatherElements"] = {gather_elements, integer_form::moves};
  t["GatherND"] = {gather_nd, integer_form::moves};
  t["ScatterND"] = {scatter_nd, integer_form::moves};
  t["Scatter"] = {scatter_elements, integer_form::moves};
  t["ScatterElements"] = {scatter_elements, integer_form::moves};
  t["TopK"] = {top_k, integer_form::moves};
  t["OneHot"] = {one_hot, integer_form::never};
  t["CumSum"] = {cum_sum, integer_form::never};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
