// SPDX-License-Identifier: Apache-2.0
// Transpose, Reshape and its kin. A Transpose only renames axes. A Reshape of a value whose axes are stored in another
// order is done in that order where each group of axes that it joins lies together; else the axes are brought together
// first. A flattening to [N, rest] stays pending: FullyConnected takes it as it is.
#include <algorithm>

#include "frontend/onnx/importer.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {

/// Axes [from, to) of the old sizes become [begin, end) of the new ones.
struct group {
  std::size_t from, to, begin, end;
};
std::vector<group> groups_of(const dims_t& old_dims, const dims_t& new_dims) {
  std::vector<group> groups;
  std::size_t i = 0;
  std::size_t k = 0;
  while (i < old_dims.size() || k < new_dims.size()) {
    group g{i, i, k, k};
    std::int64_t a = i < old_dims.size() ? old_dims[i++] : 1;
    std::int64_t b = k < new_dims.size() ? new_dims[k++] : 1;
    while (a != b) {
      if (a < b) a *= i < old_dims.size() ? old_dims[i++] : 1;
      else b *= k < new_dims.size() ? new_dims[k++] : 1;
    }
    g.to = i;
    g.end = k;
    groups.push_back(g);
  }
  // A group without old or without new axes (sizes of 1) joins its neighbour.
  for (std::size_t g = 0; g < groups.size() && groups.size() > 1;) {
    if (groups[g].from != groups[g].to && groups[g].begin != groups[g].end) {
      ++g;
      continue;
    }
    const std::size_t into = g > 0 ? g - 1 : g;
    groups[into].to = groups[into + 1].to;
    groups[into].end = groups[into + 1].end;
    groups.erase(groups.begin() + static_cast<std::ptrdiff_t>(into) + 1);
    g = into;
  }
  return groups;
}

void reshape_to(call& c, value v, const dims_t& wanted) {
  if (wanted.size() > static_cast<std::size_t>(max_rank)) c.fail("a result of rank " + std::to_string(wanted.size()), "use rank " + std::to_string(max_rank) + " or less");
  const dims_t dims = wanted.empty() ? dims_t{1} : wanted;
  if (v.flat() && v.dims == dims) return c.set_alias(0, v);
  v = c.im.settled(v);
  if (v.dims == dims) return c.set_alias(0, v);
  const auto plain = [&](const value& x) {
    const int t = c.stored(x, identity_order(x.dims.size()));
    const int made = c.reshape(t, dims, "");
    c.set_plain(0, made);
  };
  if (v.host || v.plain()) return plain(v);
  const std::vector<group> groups = groups_of(v.dims, dims);
  // Axes of one group must follow each other in storage; axes of size 1 do not matter.
  std::vector<std::size_t> group_at(v.dims.size());
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (std::size_t d = groups[g].from; d < groups[g].to; ++d) group_at[d] = g;
  order_t order;  // the storage order that the reshape needs
  std::vector<bool> placed(groups.size(), false);
  std::vector<std::size_t> sequence;
  for (int k : v.order) {
    const auto axis = static_cast<std::size_t>(k);
    bool alone = true;
    for (std::size_t d = groups[group_at[axis]].from; d < groups[group_at[axis]].to; ++d) alone = alone && v.dims[d] == 1;
    if ((v.dims[axis] == 1 && !alone) || placed[group_at[axis]]) continue;
    const std::size_t g = group_at[axis];
    placed[g] = true;
    sequence.push_back(g);
    for (std::size_t d = groups[g].from; d < groups[g].to; ++d) order.push_back(static_cast<int>(d));
  }
  order_t big_have;
  order_t big_need;
  for (int k : v.order)
    if (v.dim(k) != 1) big_have.push_back(k);
  for (int k : order)
    if (v.dim(k) != 1) big_need.push_back(k);
  const bool in_place = big_have == big_need;
  const bool flattens = dims.size() == 2 && v.rank() > 2 && v.order[0] == 0 && dims[0] == v.dim(0);
  if (!in_place && flattens) {
    value r = v;
    r.dims = dims;
    r.spatial = false;
    return c.set_alias(0, r);
  }
  order_t result;
  dims_t stored_dims;
  for (std::size_t g : sequence)
    for (std::size_t d = groups[g].begin; d < groups[g].end; ++d) {
      result.push_back(static_cast<int>(d));
      stored_dims.push_back(dims[d]);
    }
  const int t = in_place ? v.tensor : c.stored(v, order);
  c.set(0, c.reshape(t, stored_dims, ""), result, result.size() == 4 && result == channel_last(4));
}

void reshape(call& c) {
  if (!c.has(0)) c.fail("input 0 is missing", "correct the model");
  const value v = c.in[0];
  const std::vector<std::int64_t> wanted = c.in.size() > 1 ? c.known_ints(1, "the new shape") : c.integers("shape").value_or(std::vector<std::int64_t>{});
  reshape_to(c, v, reshaped(c, v.dims, wanted, c.integer("allowzero", 0) != 0));
}

void flatten(call& c) {
  if (!c.has(0)) c.fail("input 0 is missing", "correct the model");
  const value v = c.in[0];
  const std::int64_t a = c.integer("axis", 1);
  const int axis = a == v.rank() ? v.rank() : c.axis(a, v.dims.size());
  dims_t d{1, 1};
  for (int i = 0; i < v.rank(); ++i) d[i < axis ? 0 : 1] *= v.dim(i);
  reshape_to(c, v, d);
}

void squeeze(call& c) {
  if (!c.has(0)) c.fail("input 0 is missing", "correct the model");
  const value v = c.in[0];
  const bool drop = c.n->op_type == "Squeeze";
  std::vector<std::int64_t> axes = c.has(1) ? c.known_ints(1, "axes") : c.integers("axes").value_or(std::vector<std::int64_t>{});
  const std::size_t rank = drop ? v.dims.size() : v.dims.size() + axes.size();
  std::vector<bool> marked(rank, false);
  for (std::int64_t a : axes) marked[static_cast<std::size_t>(c.axis(a, rank))] = true;
  dims_t d;
  std::size_t from = 0;
  for (std::size_t i = 0; i < rank; ++i) {
    if (drop) {
      if (axes.empty() ? v.dims[i] == 1 : marked[i]) {
        if (v.dims[i] != 1) c.fail("axis " + std::to_string(i) + " has size " + std::to_string(v.dims[i]), "only axes of size 1 can be dropped");
        continue;
      }
      d.push_back(v.dims[i]);
    } else {
      if (!marked[i] && from >= v.dims.size()) c.fail("axes are given twice", "correct the model");
      d.push_back(marked[i] ? 1 : v.dims[from++]);
    }
  }
  if (!drop && from != v.dims.size()) c.fail("axes are given twice", "correct the model");
  reshape_to(c, v, d);
}

void transpose(call& c) {
  value v = c.input(0);
  const std::size_t rank = v.dims.size();
  std::vector<std::int64_t> perm = c.integers("perm").value_or(std::vector<std::int64_t>{});
  if (perm.empty())
    for (std::size_t d = rank; d-- > 0;) perm.push_back(static_cast<std::int64_t>(d));
  std::vector<int> becomes(rank, -1);  // old axis -> new axis
  if (perm.size() != rank) c.fail("perm has the wrong length", "correct the model");
  for (std::size_t i = 0; i < rank; ++i) {
    int& b = becomes[static_cast<std::size_t>(c.axis(perm[i], rank))];
    if (b >= 0) c.fail("perm is not a permutation", "correct the model");
    b = static_cast<int>(i);
  }
  if (v.host) {
    order_t order;
    for (std::int64_t p : perm) order.push_back(c.axis(p, rank));
    return c.set_plain(0, c.stored(v, order));
  }
  dims_t dims(rank);
  for (std::size_t i = 0; i < rank; ++i) dims[static_cast<std::size_t>(becomes[i])] = v.dims[i];
  for (int& k : v.order) k = becomes[static_cast<std::size_t>(k)];
  v.dims = v.base = dims;
  v.spatial = false;
  c.set_alias(0, v);
}

void same(call& c) {
  if (!c.has(0)) c.fail("input 0 is missing", "correct the model");
  if (c.n->op_type == "Dropout" && c.has(2) && (!c.is_host(2) || c.in[2].host->ints()[0] != 0)) c.fail("training mode", "export the model for inference");
  if (c.reads_output(1)) c.fail("the mask output", "only the data output of Dropout is supported");
  c.set_alias(0, c.in[0]);
}

void cast(call& c) {
  const value v = c.input(0);
  const bool like = c.n->op_type == "CastLike";
  const auto to = like ? c.input(1).type : static_cast<element>(c.integer("to", 1));
  const dtype target = plain_type(to);
  if (target == dtype::undefined) c.fail("cast to " + to_string(to), "only numbers and bool can be imported");
  const int in = c.stored(v, v.order);
  if (c.type_of(in) == target) {
    value same_value = v;
    same_value.host = nullptr;
    same_value.tensor = in;
    same_value.type = to;
    return c.set_alias(0, same_value);
  }
  const int made = c.emit<op::cast>({in}, {}, "", target);
  c.set(0, made, v.order, v.spatial);
  c.out[0].type = to;
}

void size(call& c) {
  std::int64_t n = 1;
  for (std::int64_t d : c.input(0).dims) n *= d;
  value v;
  v.host = std::make_shared<const constant>(constant::of_ints({}, {n}));
  v.type = element::int64;
  c.set_alias(0, v);
}
}  // namespace

void add_shapes(translator_table& t) {
  t["Reshape"] = {reshape, integer_form::moves};
  t["Flatten"] = {flatten, integer_form::moves};
  t["Squeeze"] = {squeeze, integer_form::moves};
  t["Unsqueeze"] = {squeeze, integer_form::moves};
  t["Transpose"] = {transpose, integer_form::moves};
  t["Identity"] = {same, integer_form::moves, false, true};
  t["Dropout"] = {same, integer_form::moves, false, true};
  t["Cast"] = {cast, integer_form::never, false, true};
  t["CastLike"] = {cast, integer_form::never, false, true};
  t["Size"] = {size, integer_form::moves};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
