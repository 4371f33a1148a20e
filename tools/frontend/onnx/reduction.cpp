// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
/// What is left of an axis order when axes disappear.
order_t without(const order_t& order, const std::vector<bool>& gone) {
  std::vector<int> renamed(gone.size(), 0);
  int next = 0;
  for (std::size_t d = 0; d < gone.size(); ++d) renamed[d] = gone[d] ? -1 : next++;
  order_t r;
  for (int k : order)
    if (renamed[static_cast<std::size_t>(k)] >= 0) r.push_back(renamed[static_cast<std::size_t>(k)]);
  if (r.empty()) r.push_back(0);
  return r;
}

struct reduced {
  value x;
  std::vector<bool> gone;
  op::reduce_params params;
  order_t order;  // of the result
};
reduced read(call& c) {
  reduced r{c.input(0), {}, {}, {}};
  r.gone.assign(r.x.dims.size(), false);
  std::vector<std::int64_t> axes = c.has(1) ? c.known_ints(1, "axes") : c.integers("axes").value_or(std::vector<std::int64_t>{});
  for (std::int64_t a : axes) r.gone[static_cast<std::size_t>(c.axis(a, r.x.dims.size()))] = true;
  if (axes.empty() && !c.integer("noop_with_empty_axes", 0)) r.gone.assign(r.x.dims.size(), true);
  r.params.keep_dims = c.integer("keepdims", 1) != 0;
  for (int d = 0; d < r.x.rank(); ++d)
    if (r.gone[static_cast<std::size_t>(r.x.order[static_cast<std::size_t>(d)])]) r.params.axes.push_back(d);
  r.order = r.params.keep_dims ? r.x.order : without(r.x.order, r.gone);
  return r;
}

template <class Op>
void reduce(call& c) {
  reduced r = read(c);
  if (r.params.axes.size() == 0) return c.set_alias(0, r.x);
  if (c.quantized) r.x = c.as_type(r.x, c.plan->type);
  const int in = c.stored(r.x, r.x.order);
  c.set(0, c.emit<Op>({in}, r.params), r.order, r.x.spatial && r.params.keep_dims);
}

/// A node before the sum and one after it.
void reduce_norm(call& c) {
  const std::string kind = c.n->op_type;
  reduced r = read(c);
  if (r.params.axes.size() == 0) c.fail("no axes", "remove the node");
  int t = c.stored(r.x, r.x.order);
  if (kind == "ReduceL1") {
    t = c.emit<op::reduce_sum>({c.emit<op::elementwise_abs>({t}, {}, "abs")}, r.params);
  } else if (kind == "ReduceL2") {
    t = c.emit<op::elementwise_square_root>({c.emit<op::reduce_sum_square>({t}, r.params, "squares")});
  } else if (kind == "ReduceLogSum") {
    t = c.emit<op::elementwise_log>({c.emit<op::reduce_sum>({t}, r.params, "sum")});
  } else {
    op::reduce_params keep = r.params;
    keep.keep_dims = true;
    const int top = c.emit<op::reduce_max>({t}, keep, "max");
    const int e = c.emit<op::elementwise_exp>({c.emit<op::elementwise_subtract>({t, top}, {}, "shifted")}, {}, "exp");
    const int l = c.emit<op::elementwise_log>({c.emit<op::reduce_sum>({e}, keep, "sum")}, {}, "log");
    t = c.emit<op::elementwise_add>({l, top}, {}, r.params.keep_dims ? "" : "kept");
    if (!r.params.keep_dims) {
      dims_t d;
      for (int i = 0; i < c.rank_of(t); ++i)
        if (!r.params.axes.contains(i)) d.push_back(c.shape_of(t)[i]);
      t = c.reshape(t, d.empty() ? dims_t{1} : d, "");
    }
  }
  c.set(0, t, r.order);
}

template <class Op>
void arg(call& c) {
  value x = c.input(0);
  const bool last = c.integer("select_last_index", 0) != 0;
  const int axis = c.axis(c.integer("axis", 0), x.dims.size());
  std::vector<bool> gone(x.dims.size(), false);
  gone[static_cast<std::size_t>(axis)] = true;
  const bool keep = c.integer("keepdims", 1) != 0;
  const auto at = std::find(x.order.begin(), x.order.end(), axis) - x.order.begin();
  int in = c.stored(x, x.order);
  if (last) {  // the first of the data backwards
    op::strided_slice::params back;
    for (int d = 0; d < x.rank(); ++d) {
      const bool here = d == static_cast<int>(at);
      const std::array<std::int32_t, 3> range{here ? c.shape_of(in)[d] - 1 : 0, here ? -1 : c.shape_of(in)[d], here ? -1 : 1};
      std::copy(range.begin(), range.end(), back.ranges.begin() + 3 * d);
    }
    in = c.emit<op::strided_slice>({in}, back, "backwards");
  }
  int made = c.emit<Op>({in}, {.axis = static_cast<std::uint32_t>(at), .keep_dims = keep}, last ? "from_the_end" : "", dtype::int_32);
  if (last) {
    const int end = c.numbers("end", {1}, {static_cast<float>(x.dim(axis) - 1)}, dtype::int_32);
    made = c.emit<op::elementwise_subtract>({end, made}, {}, "", dtype::int_32);
  }
  c.set(0, made, keep ? x.order : without(x.order, gone), x.spatial && keep);
}
}  // namespace

void add_reductions(translator_table& t) {
  t["ReduceSum"] = {reduce<op::reduce_sum>, integer_form::rescale, false, true};
  t["ReduceMean"] = {reduce<op::reduce_mean>, integer_form::rescale, false, true};
  t["ReduceMax"] = {reduce<op::reduce_max>, integer_form::rescale, false, true};
  t["ReduceMin"] = {reduce<op::reduce_min>, integer_form::rescale, false, true};
  t["ReduceProd"] = {reduce<op::reduce_prod>, integer_form::never, false, true};
  t["ReduceSumSquare"] = {reduce<op::reduce_sum_square>, integer_form::never, false, true};
  for (const char* name : {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp"}) t[name] = {reduce_norm, integer_form::never, false, true};
  t["ArgMax"] = {arg<op::argmax>, integer_form::never};
  t["ArgMin"] = {arg<op::argmin>, integer_form::never};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
