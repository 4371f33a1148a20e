// SPDX-License-Identifier: Apache-2.0
// Ops that move data: Concat, Split, Slice, Pad, Tile, Expand, DepthToSpace, SpaceToDepth, Resize. Axes are mapped to the
// order in which the operand is stored.
#include <algorithm>
#include <cmath>

#include "frontend/onnx/window.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
int place(const order_t& order, int axis) { return static_cast<int>(std::find(order.begin(), order.end(), axis) - order.begin()); }

/// Joins up to max_inputs tensors at a time.
int joined(call& c, std::vector<int> parts, std::uint32_t axis) {
  for (int level = 0; parts.size() > static_cast<std::size_t>(max_inputs); ++level) {
    std::vector<int> next;
    for (std::size_t i = 0; i < parts.size(); i += static_cast<std::size_t>(max_inputs)) {
      const std::vector<int> some(parts.begin() + static_cast<std::ptrdiff_t>(i),
                                  parts.begin() + static_cast<std::ptrdiff_t>(std::min(parts.size(), i + static_cast<std::size_t>(max_inputs))));
      next.push_back(some.size() == 1 ? some[0] : c.emit<op::concat>(some, {.axis = axis}, "some"));
    }
    parts = std::move(next);
  }
  return c.emit<op::concat>(parts, {.axis = axis});
}

void concat(call& c) {
  std::vector<value> parts;
  for (std::size_t i = 0; i < c.in.size(); ++i) {
    value v = c.input(i);
    std::int64_t size = 1;
    for (std::int64_t d : v.dims) size *= d;
    if (size == 0) continue;  // an empty part
    if (c.quantized) {
      if (!v.dequantized) throw no_integer_form{};
      v = c.as_type(v, c.plan->type);
    }
    parts.push_back(std::move(v));
  }
  if (parts.empty()) c.fail("nothing to join", "correct the model");
  const std::size_t rank = parts[0].dims.size();
  if (rank == 0) c.fail("scalars", "reshape them to [1]");
  const int axis = c.axis(c.integer("axis", 0), rank);
  order_t order = identity_order(rank);
  bool spatial = false;
  for (const value& v : parts) {
    if (v.dims.size() != rank) c.fail("inputs of different rank", "correct the model");
    if (v.host || v.order == identity_order(rank)) continue;
    order = v.order;
    spatial = v.spatial;
    break;
  }
  std::vector<int> tensors;
  for (const value& v : parts) tensors.push_back(c.stored(v, order));
  if (tensors.size() == 1 && !c.quantized) return c.set(0, tensors[0], order, spatial);
  c.set(0, joined(c, tensors, static_cast<std::uint32_t>(place(order, axis))), order, spatial);
}

void split(call& c) {
  const value x = c.input(0);
  const int axis = c.axis(c.integer("axis", 0), x.dims.size());
  const std::int64_t size = x.dim(axis);
  std::vector<std::int64_t> parts;
  if (c.has(1)) parts = c.known_ints(1, "the list of parts");
  else if (const auto p = c.integers("split"); p && !p->empty()) parts = *p;
  else {
    const auto count = static_cast<std::int64_t>(c.integer("num_outputs", static_cast<std::int64_t>(c.n->outputs.size())));
    if (count < 1 || count > size) c.fail(std::to_string(count) + " parts of " + std::to_string(size) + " elements", "correct the model");
    const std::int64_t each = (size + count - 1) / count;
    for (std::int64_t left = size; left > 0; left -= each) parts.push_back(std::min(left, each));
  }
  std::int64_t total = 0;
  for (std::int64_t p : parts) {
    if (p < 1 || p > size) c.fail("a part of " + std::to_string(p) + " elements", "correct the model");
    total += p;
  }
  if (total != size || parts.size() != c.n->outputs.size())
    c.fail(std::to_string(parts.size()) + " parts with " + std::to_string(total) + " elements of " + std::to_string(size) + " in " +
               std::to_string(c.n->outputs.size()) + " outputs", "correct the model");
  const int in = c.stored(x, x.order);
  if (parts.size() == 1) return c.set(0, in, x.order, x.spatial);
  const int at = place(x.order, axis);
  if (parts.size() > static_cast<std::size_t>(max_outputs)) {  // more than one node can have: a slice each
    std::int32_t begin = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      op::strided_slice::params p;
      for (int d = 0; d < x.rank(); ++d) {
        const auto k = static_cast<std::size_t>(3 * d);
        p.ranges[k + 1] = c.shape_of(in)[d];
        p.ranges[k + 2] = 1;
      }
      p.ranges[static_cast<std::size_t>(3 * at)] = begin;
      begin += static_cast<std::int32_t>(parts[i]);
      p.ranges[static_cast<std::size_t>(3 * at) + 1] = begin;
      c.set(i, c.emit<op::strided_slice>({in}, p, std::to_string(i)), x.order, x.spatial);
    }
    return;
  }
  op::split::params p;
  p.axis = static_cast<std::uint32_t>(at);
  std::int32_t begin = 0;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) p.split_index.push_back(begin += static_cast<std::int32_t>(parts[i]));
  const int first = c.emit<op::split>({in}, p, "", dtype::undefined, static_cast<int>(parts.size()));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (c.has_output(i)) c.im.rename_tensor(first + static_cast<int>(i), c.n->outputs[i]);
    c.set(i, first + static_cast<int>(i), x.order, x.spatial);
  }
}

void slice(call& c) {
  const value x = c.input(0);
  slices s;
  if (c.opset < 10) {
    s.starts = c.integers("starts").value_or(std::vector<std::int64_t>{});
    s.ends = c.integers("ends").value_or(std::vector<std::int64_t>{});
    s.axes = c.integers("axes").value_or(std::vector<std::int64_t>{});
  } else {
    s.starts = c.known_ints(1, "starts");
    s.ends = c.known_ints(2, "ends");
    if (c.has(3)) s.axes = c.known_ints(3, "axes");
    if (c.has(4)) s.steps = c.known_ints(4, "steps");
  }
  const int in = c.stored(x, x.order);
  op::strided_slice::params p;
  for (int d = 0; d < x.rank(); ++d) {
    p.ranges[static_cast<std::size_t>(3 * d) + 1] = c.shape_of(in)[d];
    p.ranges[static_cast<std::size_t>(3 * d) + 2] = 1;
  }
  bool whole = true;
  for (std::size_t i = 0; i < s.starts.size(); ++i) {
    if (i >= s.ends.size() || (!s.axes.empty() && i >= s.axes.size()) || (!s.steps.empty() && i >= s.steps.size()))
      c.fail("starts, ends, axes and steps differ in length", "correct the model");
    const int axis = c.axis(s.axes.empty() ? static_cast<std::int64_t>(i) : s.axes[i], x.dims.size());
    const std::int64_t step = s.steps.empty() ? 1 : s.steps[i];
    if (step == 0) c.fail("a step of 0", "correct the model");
    const cut r = slice_range(x.dim(axis), s.starts[i], s.ends[i], step);
    if (r.count < 1) c.fail("an empty result", "correct the model or its input sizes");
    if (r.count > 1 && std::abs(r.step) > 0x7fffffff) c.fail("a step of " + std::to_string(r.step), "correct the model");
    const std::int64_t by = r.count == 1 ? 1 : r.step;
    const std::int64_t last = r.begin + by * (r.count - 1);
    const auto k = static_cast<std::size_t>(3 * place(x.order, axis));
    p.ranges[k] = static_cast<std::int32_t>(r.begin);
    p.ranges[k + 1] = static_cast<std::int32_t>(by > 0 ? last + 1 : last - 1);
    p.ranges[k + 2] = static_cast<std::int32_t>(by);
    whole = whole && r.count == x.dim(axis) && by == 1;
  }
  c.set(0, whole ? in : c.emit<op::strided_slice>({in}, p), x.order, x.spatial);
}

void pad(call& c) {
  const value x = c.input(0);
  const auto rank = x.dims.size();
  std::vector<std::int64_t> pads = c.opset < 11 ? c.integers("pads").value_or(std::vector<std::int64_t>{}) : c.known_ints(1, "pads");
  if (c.opset < 11 && pads.empty()) pads = c.integers("paddings").value_or(std::vector<std::int64_t>{});
  std::vector<std::int64_t> axes;
  if (c.has(3)) axes = c.known_ints(3, "axes");
  else for (std::size_t d = 0; d < rank; ++d) axes.push_back(static_cast<std::int64_t>(d));
  if (pads.size() != 2 * axes.size()) c.fail("pads has " + std::to_string(pads.size()) + " numbers for " + std::to_string(axes.size()) + " axes", "correct the model");
  const std::string mode = c.word("mode", "constant");
  op::pad::params p;
  if (mode == "reflect") p.scheme = op::pad_scheme::mirror_reflect;
  else if (mode == "edge") p.scheme = op::pad_scheme::edge;
  else if (mode != "constant") c.fail("mode '" + mode + "'", "use constant, reflect or edge");
  p.pad_constant_value = c.opset < 11 ? c.real("value", 0.0f) : 0.0f;
  if (c.has(2)) {
    const std::vector<float> v = c.known_floats(2, "the padding value");
    if (v.size() != 1) c.fail("several padding values", "use one");
    p.pad_constant_value = v[0];
  }
  if (c.quantized && mode == "constant" && std::isfinite(p.pad_constant_value) && x.q) {
    // The stored value must say exactly this number.
    const float q = p.pad_constant_value / x.q->scales[0];
    if (q != std::nearbyint(q)) throw no_integer_form{};
  }
  bool any = false;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto k = static_cast<std::size_t>(2 * place(x.order, c.axis(axes[i], rank)));
    const std::int64_t before = pads[i];
    const std::int64_t after = pads[i + axes.size()];
    if (before < 0 || after < 0 || before > (1 << 24) || after > (1 << 24)) c.fail("a padding of " + std::to_string(std::min(before, after)), "cut with Slice instead");
    p.pad_amount[k] = static_cast<std::uint32_t>(before);
    p.pad_amount[k + 1] = static_cast<std::uint32_t>(after);
    any = any || before || after;
  }
  const int in = c.stored(x, x.order);
  c.set(0, any ? c.emit<op::pad>({in}, p) : in, x.order, x.spatial);
}

void repeat(call& c, const value& x, const std::vector<std::int64_t>& times) {
  op::tile::params p;
  p.multiples.count = static_cast<std::int32_t>(times.size());
  bool any = false;
  for (std::size_t d = 0; d < times.size(); ++d) {
    if (times[d] < 1 || times[d] > 0x7fffffff / std::max<std::int64_t>(1, x.dims[d])) c.fail(std::to_string(times[d]) + " repeats", "correct the model");
    p.multiples[place(x.order, static_cast<int>(d))] = static_cast<std::int32_t>(times[d]);
    any = any || times[d] != 1;
  }
  const int in = c.stored(x, x.order);
  c.set(0, any ? c.emit<op::tile>({in}, p) : in, x.order, x.spatial);
}

void tile(call& c) {
  const value x = c.input(0);
  const std::vector<std::int64_t> times = c.known_ints(1, "repeats");
  if (times.size() != x.dims.size()) c.fail("repeats has the wrong length", "correct the model");
  repeat(c, x, times);
}

void expand(call& c) {
  value x = c.input(0);
  dims_t wanted = c.known_ints(1, "the shape");
  checked_size(c, wanted);
  wanted = broadcast(c, x.dims, wanted);
  if (wanted.size() > static_cast<std::size_t>(max_rank)) c.fail("a result of rank " + std::to_string(wanted.size()), "use rank " + std::to_string(max_rank) + " or less");
  if (wanted.size() > x.dims.size()) {
    dims_t wide(wanted.size() - x.dims.size(), 1);
    wide.insert(wide.end(), x.dims.begin(), x.dims.end());
    const int t = c.reshape(c.stored(x, identity_order(x.dims.size())), wide, "wide");
    x.tensor = t;
    x.host = nullptr;
    x.spatial = false;
    x.dims = x.base = wide;
    x.order = identity_order(wide.size());
  }
  std::vector<std::int64_t> times;
  for (std::size_t d = 0; d < wanted.size(); ++d) times.push_back(x.dims[d] == wanted[d] ? 1 : wanted[d]);
  repeat(c, x, times);
}

void depth_space(call& c) {
  const value x = c.input(0);
  if (x.rank() != 4) c.fail("an input of rank " + std::to_string(x.rank()), "use [N,C,H,W]");
  const auto block = static_cast<std::uint32_t>(c.integer_in("blocksize", 0, 1, 65535));
  op::block_params p;
  p.block_size = {block, block};
  const std::string mode = c.word("mode", "DCR");
  if (mode == "CRD") p.mode = op::depth_order::crd;
  else if (mode != "DCR") c.fail("mode '" + mode + "'", "use DCR or CRD");
  const int in = image_of(c, x);
  c.set_image(c.n->op_type == "DepthToSpace" ? c.emit<op::depth_to_space>({in}, p) : c.emit<op::space_to_depth>({in}, p));
}

void resize(call& c) {
  value x = c.input(0);
  const bool upsample = c.n->op_type == "Upsample";
  const bool old = upsample || c.opset < 11;
  const std::string mode = c.word("mode", "nearest");
  const std::string transform = old ? "asymmetric" : c.word("coordinate_transformation_mode", "half_pixel");
  const std::string nearest = old ? "floor" : c.word("nearest_mode", "round_prefer_floor");
  if (c.integer("antialias", 0) != 0) c.fail("antialias", "export the model without antialiasing");
  if (c.word("keep_aspect_ratio_policy", "stretch") != "stretch") c.fail("keep_aspect_ratio_policy", "give the sizes of both axes");
  std::vector<std::int64_t> axes;
  if (const auto a = c.integers("axes"); a && !a->empty()) axes = *a;
  else for (int d = 0; d < x.rank(); ++d) axes.push_back(d);
  const std::size_t scales_at = old ? 1 : 2;
  std::vector<float> factors;
  if (const attribute_proto* a = c.n->find("scales"); upsample && a) factors = a->floats;
  else if (c.has(scales_at)) factors = c.known_floats(scales_at, "scales");
  dims_t sizes = x.dims;
  if (!factors.empty()) {
    if (factors.size() != axes.size()) c.fail("scales has the wrong length", "correct the model");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      const auto axis = static_cast<std::size_t>(c.axis(axes[i], x.dims.size()));
      const double exact = static_cast<double>(x.dims[axis]) * static_cast<double>(factors[i]);
      const double whole = std::floor(exact + 1e-4);
      if (!(exact >= 1 && exact <= 65536)) c.fail("a scale of " + std::to_string(factors[i]), "use sizes from 1 to 65536");
      if (exact - whole > 1e-3)
        c.fail("scale " + std::to_string(factors[i]) + " of " + std::to_string(x.dims[axis]) + " is not a whole size", "give sizes instead of scales");
      sizes[axis] = static_cast<std::int64_t>(whole);
    }
  } else if (c.has(3) && !old) {
    const std::vector<std::int64_t> given = c.known_ints(3, "sizes");
    if (given.size() != axes.size()) c.fail("sizes has the wrong length", "correct the model");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      if (given[i] < 1 || given[i] > 65536) c.fail("a size of " + std::to_string(given[i]), "use sizes from 1 to 65536");
      sizes[static_cast<std::size_t>(c.axis(axes[i], x.dims.size()))] = given[i];
    }
  } else {
    c.fail("neither scales nor sizes", "correct the model");
  }
  op::resize::params p;
  if (mode == "nearest") p.interpolation_mode = op::resize_interpolation::nearest;
  else if (mode == "linear" || mode == "bilinear") p.interpolation_mode = op::resize_interpolation::linear;
  else if (mode == "cubic") p.interpolation_mode = op::resize_interpolation::cubic;
  else c.fail("mode '" + mode + "'", "use nearest, linear or cubic");
  if (transform == "half_pixel") p.transformation_mode = op::resize_transformation::half_pixel;
  else if (transform == "pytorch_half_pixel") p.transformation_mode = op::resize_transformation::pytorch_half_pixel;
  else if (transform == "align_corners") p.transformation_mode = op::resize_transformation::align_corners;
  else if (transform == "asymmetric") p.transformation_mode = op::resize_transformation::asymmetric;
  else c.fail("coordinate_transformation_mode '" + transform + "'", "use half_pixel, pytorch_half_pixel, align_corners or asymmetric");
  if (nearest == "round_prefer_floor") p.nearest_mode = op::resize_nearest::round_prefer_floor;
  else if (nearest == "round_prefer_ceil") p.nearest_mode = op::resize_nearest::round_prefer_ceil;
  else if (nearest == "floor") p.nearest_mode = op::resize_nearest::floor;
  else if (nearest == "ceil") p.nearest_mode = op::resize_nearest::ceil;
  else c.fail("nearest_mode '" + nearest + "'", "use round_prefer_floor, round_prefer_ceil, floor or ceil");
  p.exclude_outside = c.integer("exclude_outside", 0) != 0;
  p.cubic_coeff = c.real("cubic_coeff_a", -0.75f);
  if (c.quantized) x = c.as_type(x, c.plan->type);
  const bool image = x.rank() == 4 && sizes[0] == x.dim(0) && sizes[1] == x.dim(1);
  if (!image) {
    const bool last = x.rank() == 4 && sizes[0] == x.dim(0) && sizes[3] == x.dim(3);  // a channel-last model
    if (last && x.order == identity_order(4)) {
      const int in = c.stored(x, x.order);
      for (std::int64_t d : sizes) p.output_size.push_back(static_cast<std::int32_t>(d));
      return c.set_plain(0, c.emit<op::resize>({in}, p));
    }
    const int in = c.stored(x, x.order);
    for (int k : x.order) p.output_size.push_back(static_cast<std::int32_t>(sizes[static_cast<std::size_t>(k)]));
    return c.set(0, c.emit<op::resize>({in}, p), x.order, x.spatial);
  }
  const int in = image_of(c, x);
  const std::array<std::uint32_t, 2> hw{static_cast<std::uint32_t>(sizes[2]), static_cast<std::uint32_t>(sizes[3])};
  using t = op::resize_transformation;
  if (p.interpolation_mode == op::resize_interpolation::linear && !p.exclude_outside && p.transformation_mode != t::pytorch_half_pixel)
    return c.set_image(c.emit<op::resize_bilinear>({in}, {.align_corners = p.transformation_mode == t::align_corners,
                                                          .half_pixel_centers = p.transformation_mode == t::half_pixel, .output_size = hw}));
  if (p.interpolation_mode == op::resize_interpolation::nearest && p.transformation_mode == t::asymmetric && p.nearest_mode == op::resize_nearest::floor)
    return c.set_image(c.emit<op::resize_nearest_neighbor>({in}, {.output_size = hw}));
  for (std::int64_t d : {sizes[0], sizes[2], sizes[3], sizes[1]}) p.output_size.push_back(static_cast<std::int32_t>(d));
  c.set_image(c.emit<op::resize>({in}, p));
}
}  // namespace

void add_movement(translator_table& t) {
  t["Concat"] = {concat, integer_form::rescale, false, true};
  t["Split"] = {split, integer_form::moves, false, true};
  t["Slice"] = {slice, integer_form::moves, false, true};
  t["Pad"] = {pad, integer_form::moves, false, true};
  t["Tile"] = {tile, integer_form::moves, false, true};
  t["Expand"] = {expand, integer_form::moves, false, true};
  t["DepthToSpace"] = {depth_space, integer_form::moves, true};
  t["SpaceToDepth"] = {depth_space, integer_form::moves, true};
  t["Resize"] = {resize, integer_form::rescale, true};
  t["Upsample"] = {resize, integer_form::rescale, true};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
