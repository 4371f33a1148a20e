// SPDX-License-Identifier: Apache-2.0
// Operators that move data: sizes, order, cutting, joining, padding, indexing.
#include <algorithm>

#include "frontend/tflite/importer.hpp"
#include "qnnx/op/concat.hpp"
#include "qnnx/op/gather.hpp"
#include "qnnx/op/pad.hpp"
#include "qnnx/op/reshape.hpp"
#include "qnnx/op/resize.hpp"
#include "qnnx/op/slice.hpp"
#include "qnnx/op/space.hpp"
#include "qnnx/op/split.hpp"
#include "qnnx/op/tile.hpp"
#include "qnnx/op/transpose.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

namespace {

constexpr std::int32_t most_padding = 1 << 20;


axes list_of(importer& t, const std::vector<std::int32_t>& v, const char* what) {
  if (v.size() > max_rank) t.fail(std::string("the ") + what + " has " + std::to_string(v.size()) + " numbers", "use at most " + std::to_string(max_rank));
  axes a;
  for (std::int32_t n : v) a.push_back(n);
  return a;
}

void reshape_to(importer& t, const axes& sizes) {
  std::int64_t known = 1;
  int free = 0;
  for (int i = 0; i < sizes.size(); ++i) {
    if (sizes[i] < -1 || (sizes[i] == 0)) t.fail("a new size of " + std::to_string(sizes[i]), "use sizes of 1 or more, one may be -1");
    if (sizes[i] == -1) ++free;
    else known = std::min<std::int64_t>(known * sizes[i], std::int64_t{1} << 32);
  }
  if (free > 1 || known >= (std::int64_t{1} << 32)) t.fail("new sizes that do not fit the data", "give sizes with the same number of elements");
  t.emit_moved<op::reshape>({t.value(0)}, {.shape = sizes});
}

void reshape(importer& t) {
  std::vector<std::int32_t> sizes;
  if (t.has(1)) sizes = t.integers(1, "new shape");
  else sizes = t.opt().list;
  if (!t.has(1) && sizes.size() == 1 && sizes[0] == 0) sizes.clear();  // how old converters write a scalar
  reshape_to(t, list_of(t, sizes, "new shape"));
}

void squeeze(importer& t) {
  const shape x = t.dims(0);
  std::vector<bool> gone(max_rank, false);
  for (std::int32_t a : t.opt().list) gone[static_cast<std::size_t>(t.axis(a, x.rank()))] = true;
  axes sizes;
  for (int d = 0; d < x.rank(); ++d) {
    const bool drop = t.opt().list.empty() ? x[d] == 1 : gone[static_cast<std::size_t>(d)];
    if (drop && x[d] != 1) t.fail("dimension " + std::to_string(d) + " of size " + std::to_string(x[d]) + " cannot be dropped", "repair the model");
    if (!drop) sizes.push_back(x[d]);
  }
  reshape_to(t, sizes);
}

void expand_dims(importer& t) {
  const shape x = t.dims(0);
  if (x.rank() >= max_rank) t.fail("a result with more than " + std::to_string(max_rank) + " dimensions", "use fewer");
  const std::int32_t at = t.axis(t.integer(1, "axis"), x.rank() + 1);
  axes sizes;
  for (int d = 0; d <= x.rank(); ++d) {
    if (d == at) sizes.push_back(1);
    if (d < x.rank()) sizes.push_back(x[d]);
  }
  reshape_to(t, sizes);
}

void transpose(importer& t) {
  t.emit_moved<op::transpose>({t.value(0)}, {.perm = list_of(t, t.integers(1, "permutation"), "permutation")});
}

void tile(importer& t) {
  t.emit_moved<op::tile>({t.value(0)}, {.multiples = list_of(t, t.integers(1, "list of multiples"), "list of multiples")});
}

void broadcast_to(importer& t) {
  const shape x = t.dims(0);
  const axes wanted = list_of(t, t.integers(1, "shape"), "shape");
  const int more = wanted.size() - x.rank();
  if (more < 0) t.fail("a shape with fewer dimensions than the data", "repair the model");
  axes widened;
  axes multiples;
  for (int d = 0; d < wanted.size(); ++d) {
    const std::int32_t size = d < more ? 1 : x[d - more];
    if (wanted[d] < 1 || (size != 1 && size != wanted[d])) t.fail("the data does not broadcast to the shape", "repair the model");
    widened.push_back(size);
    multiples.push_back(wanted[d] / size);
  }
  int v = t.value(0);
  if (more > 0) v = t.intermediate<op::reshape>({v}, {.shape = widened}, t.at(v).type, t.at(v).enc, "widened");
  t.emit_moved<op::tile>({v}, {.multiples = multiples});
}

void concatenation(importer& t) {
  std::vector<int> inputs;
  for (int i = 0; i < t.input_count(); ++i) inputs.push_back(t.value(i));
  if (inputs.empty()) t.fail("no operands", "repair the model");
  if (t.opt().act != fused_activation::none) t.fail("a fused activation is not supported here", "export the activation as an operator of its own");
  t.emit<op::concat>(std::move(inputs), {.axis = static_cast<std::uint32_t>(t.axis(t.opt().axis, t.rank(0)))});
}

void split_at(importer& t, int data, std::int32_t at, const std::vector<std::int32_t>& sizes) {
  if (sizes.size() != static_cast<std::size_t>(t.output_count()) || sizes.size() > max_outputs)
    t.fail(std::to_string(sizes.size()) + " parts for " + std::to_string(t.output_count()) + " results", "use at most " + std::to_string(max_outputs));
  split_points points;
  std::int64_t end = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    end += sizes[i];
    if (sizes[i] < 1 || end > t.dims(data)[at]) t.fail("parts that do not fit the data", "use parts of 1 or more");
    if (i + 1 < sizes.size()) points.push_back(static_cast<std::int32_t>(end));
  }
  if (end != t.dims(data)[at]) t.fail("parts of " + std::to_string(end) + " in all for a size of " + std::to_string(t.dims(data)[at]), "repair the model");
  t.emit_all<op::split>({t.value(data)}, {.axis = static_cast<std::uint32_t>(at), .split_index = points});
}

void split(importer& t) {
  const std::int32_t at = t.axis(t.integer(0, "axis"), t.rank(1));
  const std::int32_t size = t.dims(1)[at];
  const std::int32_t parts = t.opt().count;
  if (parts < 1 || size % parts != 0) t.fail("a size of " + std::to_string(size) + " in " + std::to_string(parts) + " equal parts", "repair the model");
  split_at(t, 1, at, std::vector<std::int32_t>(static_cast<std::size_t>(std::min(parts, max_outputs + 1)), size / parts));
}

void split_v(importer& t) {
  const std::int32_t at = t.axis(t.integer(2, "axis"), t.rank(0));
  std::vector<std::int32_t> sizes = t.integers(1, "list of sizes");
  std::int64_t known = 0;
  for (std::int32_t s : sizes) known += s > 0 ? s : 0;
  for (std::int32_t& s : sizes)
    if (s == -1) s = static_cast<std::int32_t>(std::clamp<std::int64_t>(t.dims(0)[at] - known, -1, INT32_MAX));
  split_at(t, 0, at, sizes);
}

void pack(importer& t) {
  std::vector<int> inputs;
  for (int i = 0; i < t.input_count(); ++i) inputs.push_back(t.value(i));
  if (inputs.empty()) t.fail("no operands", "repair the model");
  t.emit_moved<op::pack>(std::move(inputs), {.axis = static_cast<std::uint32_t>(t.axis(t.opt().axis, t.rank(0) + 1))});
}

void unpack(importer& t) {
  const std::int32_t at = t.axis(t.opt().axis, t.rank(0));
  if (t.dims(0)[at] != t.output_count() || t.output_count() > max_outputs)
    t.fail(std::to_string(t.output_count()) + " results for a size of " + std::to_string(t.dims(0)[at]), "use at most " + std::to_string(max_outputs));
  t.emit_all<op::unpack>({t.value(0)}, {.axis = static_cast<std::uint32_t>(at)});
}

void slice(importer& t) {
  const shape x = t.dims(0);
  const std::vector<std::int32_t> begin = t.integers(1, "begin");
  const std::vector<std::int32_t> size = t.integers(2, "size");
  if (begin.size() != static_cast<std::size_t>(x.rank()) || size.size() != begin.size()) t.fail("begin and size do not fit the data", "give one number for each dimension");
  op::strided_slice::params p;
  for (int d = 0; d < x.rank(); ++d) {
    const auto i = static_cast<std::size_t>(d);
    const std::int64_t end = size[i] == -1 ? x[d] : std::int64_t{begin[i]} + size[i];
    if (begin[i] < 0 || end > x[d] || end <= begin[i]) t.fail("a slice outside of the data or empty", "repair the model");
    p.ranges[3 * i] = begin[i];
    p.ranges[3 * i + 1] = static_cast<std::int32_t>(end);
    p.ranges[3 * i + 2] = 1;
  }
  t.emit_moved<op::strided_slice>({t.value(0)}, p);
}

/// begin:end:stride of each axis with the masks of numpy slicing resolved to plain numbers.
void strided_slice(importer& t) {
  const shape x = t.dims(0);
  const options& o = t.opt();
  const std::vector<std::int32_t> begin = t.integers(1, "begin");
  const std::vector<std::int32_t> end = t.integers(2, "end");
  const std::vector<std::int32_t> stride = t.integers(3, "stride");
  const auto n = static_cast<int>(begin.size());
  if (end.size() != begin.size() || stride.size() != begin.size() || n > 2 * max_rank) t.fail("begin, end and stride do not fit each other", "repair the model");
  const auto bit = [](std::int32_t mask, int i) { return ((mask >> i) & 1) != 0; };
  int given = 0;  // dimensions of the data that are named
  for (int i = 0; i < n; ++i) given += !bit(o.new_axis_mask, i) && !bit(o.ellipsis_mask, i);
  if (given > x.rank()) t.fail("more ranges than dimensions", "repair the model");

  op::strided_slice::params p;
  axes result;
  bool reshaped = false;
  int d = 0;
  const auto whole = [&] {
    const auto i = static_cast<std::size_t>(3 * d);
    p.ranges[i] = 0;
    p.ranges[i + 1] = x[d];
    p.ranges[i + 2] = 1;
    if (result.size() < max_rank) result.push_back(x[d]);
    ++d;
  };
  bool ellipsis = false;
  for (int i = 0; i < n; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (bit(o.ellipsis_mask, i)) {
      if (ellipsis) t.fail("two ellipses", "repair the model");
      ellipsis = true;
      for (int rest = x.rank() - given; rest > 0; --rest) whole();
      continue;
    }
    if (bit(o.new_axis_mask, i)) {
      if (result.size() == max_rank) t.fail("a result with more than " + std::to_string(max_rank) + " dimensions", "use fewer");
      result.push_back(1);
      reshaped = true;
      continue;
    }
    const std::int32_t size = x[d];
    const std::int64_t step = stride[k];
    if (step == 0 || step < -(1 << 30) || step > (1 << 30)) t.fail("a stride of " + std::to_string(step), "use another stride");
    const std::int64_t low = step > 0 ? 0 : -1;
    const std::int64_t high = step > 0 ? size : size - 1;
    const auto from_end = [&](std::int64_t v) { return v < 0 ? v + size : v; };
    const std::int64_t asked = o.offset ? std::int64_t{begin[k]} + end[k] : end[k];
    std::int64_t b = bit(o.begin_mask, i) ? (step > 0 ? 0 : size - 1) : std::clamp<std::int64_t>(from_end(begin[k]), low, high);
    std::int64_t e = bit(o.end_mask, i) ? (step > 0 ? size : -1) : std::clamp<std::int64_t>(from_end(asked), low, high);
    std::int64_t s = step;
    if (bit(o.shrink_axis_mask, i)) {
      b = from_end(begin[k]);
      if (b < 0 || b >= size) t.fail("index " + std::to_string(begin[k]) + " of a size of " + std::to_string(size), "repair the model");
      e = b + 1;
      s = 1;
      p.shrink_axes |= 1u << d;
    }
    const std::int64_t count = s > 0 ? (e - b + s - 1) / s : (b - e - s - 1) / -s;
    if (count < 1) t.fail("an empty slice of dimension " + std::to_string(d), "remove it from the model");
    p.ranges[static_cast<std::size_t>(3 * d)] = static_cast<std::int32_t>(b);
    p.ranges[static_cast<std::size_t>(3 * d + 1)] = static_cast<std::int32_t>(e);
    p.ranges[static_cast<std::size_t>(3 * d + 2)] = static_cast<std::int32_t>(s);
    if (!bit(o.shrink_axis_mask, i)) {
      if (result.size() == max_rank) t.fail("a result with more than " + std::to_string(max_rank) + " dimensions", "use fewer");
      result.push_back(static_cast<std::int32_t>(count));
    }
    ++d;
  }
  while (d < x.rank()) whole();
  const int v = t.value(0);
  if (reshaped) {
    const int cut = t.intermediate<op::strided_slice>({v}, p, t.at(v).type, t.at(v).enc, "cut");
    t.emit_moved<op::reshape>({cut}, {.shape = result});
  } else {
    t.emit_moved<op::strided_slice>({v}, p);
  }
}

op::pad::params amounts(importer& t) {
  const std::vector<std::int32_t> a = t.integers(1, "paddings");
  op::pad::params p;
  if (a.size() != 2 * static_cast<std::size_t>(t.rank(0))) t.fail("paddings that do not fit the data", "give two numbers for each dimension");
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] < 0 || a[i] > most_padding) t.fail("a padding of " + std::to_string(a[i]), "use 0 to " + std::to_string(most_padding));
    p.pad_amount[i] = static_cast<std::uint32_t>(a[i]);
  }
  return p;
}

void pad(importer& t) { t.emit_moved<op::pad>({t.value(0)}, amounts(t)); }

void pad_v2(importer& t) {
  op::pad::params p = amounts(t);
  if (t.has(2)) p.pad_constant_value = t.real(2, "padding value");
  t.emit_moved<op::pad>({t.value(0)}, p);
}

void mirror_pad(importer& t) {
  op::pad::params p = amounts(t);
  p.scheme = t.opt().mode == 0 ? op::pad_scheme::mirror_reflect : op::pad_scheme::mirror_symmetric;
  t.emit_moved<op::pad>({t.value(0)}, p);
}

void gather(importer& t) {
  if (t.opt().batch_dims != 0) t.fail("batch_dims " + std::to_string(t.opt().batch_dims) + " is not supported", "export the model with batch_dims 0");
  const int index = t.indices(1);
  t.emit_moved<op::gather>({t.value(0), index}, {.axis = t.axis(t.opt().axis, t.rank(0))});
}

void gather_nd(importer& t) {
  const int index = t.indices(1);
  t.emit_moved<op::gather_nd>({t.value(0), index});
}

std::array<std::uint32_t, 2> block(importer& t, std::int32_t h, std::int32_t w) {
  if (h < 1 || w < 1 || h > 65535 || w > 65535) t.fail("a block of " + std::to_string(h) + "x" + std::to_string(w), "use 1 to 65535");
  return {static_cast<std::uint32_t>(h), static_cast<std::uint32_t>(w)};
}

void depth_to_space(importer& t) { t.emit_moved<op::depth_to_space>({t.value(0)}, {.block_size = block(t, t.opt().block_size, t.opt().block_size)}); }
void space_to_depth(importer& t) { t.emit_moved<op::space_to_depth>({t.value(0)}, {.block_size = block(t, t.opt().block_size, t.opt().block_size)}); }

std::array<std::uint32_t, 4> margins(importer& t, const char* what) {
  const std::vector<std::int32_t> a = t.integers(2, what);
  if (a.size() != 4) t.fail(std::string("the ") + what + " have " + std::to_string(a.size()) + " numbers", "use data of 4 dimensions");
  std::array<std::uint32_t, 4> r{};
  for (std::size_t i = 0; i < 4; ++i) {
    if (a[i] < 0 || a[i] > most_padding) t.fail(std::string("the ") + what + " hold " + std::to_string(a[i]), "use 0 to " + std::to_string(most_padding));
    r[i] = static_cast<std::uint32_t>(a[i]);
  }
  return r;
}

void batch_to_space(importer& t) {
  const std::vector<std::int32_t> b = t.integers(1, "block sizes");
  if (b.size() != 2) t.fail(std::to_string(b.size()) + " block sizes", "use data of 4 dimensions");
  t.emit_moved<op::batch_to_space>({t.value(0)}, {.block_size = block(t, b[0], b[1]), .crops = margins(t, "crops")});
}

void space_to_batch(importer& t) {
  const std::vector<std::int32_t> b = t.integers(1, "block sizes");
  if (b.size() != 2) t.fail(std::to_string(b.size()) + " block sizes", "use data of 4 dimensions");
  t.emit_moved<op::space_to_batch>({t.value(0)}, {.block_size = block(t, b[0], b[1]), .pad_amount = margins(t, "paddings")});
}

template <class Op>
void resize(importer& t) {
  const std::vector<std::int32_t> size = t.integers(1, "new size");
  if (size.size() != 2 || size[0] < 1 || size[1] < 1) t.fail("a new size that is not height and width", "give two numbers of 1 or more");
  t.emit_moved<Op>({t.value(0)}, {.align_corners = t.opt().align_corners, .half_pixel_centers = t.opt().half_pixel_centers,
                                  .output_size = {static_cast<std::uint32_t>(size[0]), static_cast<std::uint32_t>(size[1])}});
}

void fold_integers(importer& t, const std::vector<std::int32_t>& values, const shape& dims) {
  folded_value f;
  f.dims = dims;
  const bool wide = t.out().type == tensor_type::int64;
  if (!wide && t.out().type != tensor_type::int32) t.fail("a result of type " + std::string(to_string(t.out().type)), "use INT32 or INT64");
  for (std::int32_t v : values) {
    const std::int64_t w = v;
    const auto* bytes = wide ? reinterpret_cast<const std::byte*>(&w) : reinterpret_cast<const std::byte*>(&v);
    f.data.insert(f.data.end(), bytes, bytes + (wide ? 8 : 4));
  }
  t.fold(0, std::move(f));
}

void shape_op(importer& t) {
  const shape x = t.dims(0);
  std::vector<std::int32_t> v;
  for (int d = 0; d < x.rank(); ++d) v.push_back(x[d]);
  fold_integers(t, v, {x.rank()});
}

void rank_op(importer& t) { fold_integers(t, {t.rank(0)}, {}); }

}  // namespace

translator find_movement(builtin code) {
  switch (code) {
    case builtin::RESHAPE: return reshape;
    case builtin::SQUEEZE: return squeeze;
    case builtin::EXPAND_DIMS: return expand_dims;
    case builtin::TRANSPOSE: return transpose;
    case builtin::TILE: return tile;
    case builtin::BROADCAST_TO: return broadcast_to;
    case builtin::CONCATENATION: return concatenation;
    case builtin::SPLIT: return split;
    case builtin::SPLIT_V: return split_v;
    case builtin::PACK: return pack;
    case builtin::UNPACK: return unpack;
    case builtin::SLICE: return slice;
    case builtin::STRIDED_SLICE: return strided_slice;
    case builtin::PAD: return pad;
    case builtin::PADV2: return pad_v2;
    case builtin::MIRROR_PAD: return mirror_pad;
    case builtin::GATHER: return gather;
    case builtin::GATHER_ND: return gather_nd;
    case builtin::DEPTH_TO_SPACE: return depth_to_space;
    case builtin::SPACE_TO_DEPTH: return space_to_depth;
    case builtin::BATCH_TO_SPACE_ND: return batch_to_space;
    case builtin::SPACE_TO_BATCH_ND: return space_to_batch;
    case builtin::RESIZE_BILINEAR: return resize<op::resize_bilinear>;
    case builtin::RESIZE_NEAREST_NEIGHBOR: return resize<op::resize_nearest_neighbor>;
    case builtin::SHAPE: return shape_op;
    case builtin::RANK: return rank_op;
    default: return nullptr;
  }
}

}  // namespace qnnx::inline QNNX_ABI::tflite
