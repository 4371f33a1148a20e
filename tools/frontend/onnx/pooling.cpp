// SPDX-License-Identifier: Apache-2.0
#include "frontend/onnx/window.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

namespace {
int pooled(call& c, bool average, const window& g, const std::vector<int>& in, const std::string& part) {
  const auto rounding = c.integer("ceil_mode", 0) ? op::pool_rounding::ceil : op::pool_rounding::floor;
  if (average)
    return c.emit<op::pool_avg2d>(in, {.filter_size = g.kernel, .stride = g.stride, .pad_amount = g.pad,
                                       .count_pad_for_edges = c.integer("count_include_pad", 0) != 0, .rounding_mode = rounding}, part);
  return c.emit<op::pool_max2d>(in, {.filter_size = g.kernel, .stride = g.stride, .pad_amount = g.pad, .rounding_mode = rounding}, part);
}

void pool(call& c) {
  const bool average = c.n->op_type == "AveragePool";
  if (c.reads_output(1)) c.fail("the output with indices", "only the values of MaxPool are supported");
  if (c.integer("storage_order", 0) != 0) c.fail("column-major storage_order", "use storage_order 0");
  value x = c.input(0);
  if (c.quantized && average) x = c.as_type(x, c.plan->type);
  const auto kernel = c.integers("kernel_shape");
  if (!kernel) c.fail("kernel_shape is missing", "correct the model");
  const int in = image_of(c, x);
  const window g = read_window(c, *kernel, dims_t(x.dims.begin() + 2, x.dims.end()));
  if (g.dilation[0] != 1 || g.dilation[1] != 1) c.fail("dilations other than 1", "pools have none; use dilation 1");
  set_image(c, pooled(c, average, g, {in}, x.rank() == 3 ? "2d" : ""), x.rank() == 3);
}

void global_pool(call& c) {
  const bool average = c.n->op_type == "GlobalAveragePool";
  value x = c.input(0);
  if (c.quantized && average) x = c.as_type(x, c.plan->type);
  const int in = image_of(c, x);
  const shape& s = c.shape_of(in);
  window g;
  g.kernel = {static_cast<std::uint32_t>(s[1]), static_cast<std::uint32_t>(s[2])};
  set_image(c, pooled(c, average, g, {in}, x.rank() == 3 ? "2d" : ""), x.rank() == 3);
}
}  // namespace

void add_pools(translator_table& t) {
  t["AveragePool"] = {pool, integer_form::rescale, true};
  t["MaxPool"] = {pool, integer_form::moves, true};
  t["GlobalAveragePool"] = {global_pool, integer_form::rescale, true};
  t["GlobalMaxPool"] = {global_pool, integer_form::moves, true};
}

}  // namespace qnnx::inline QNNX_ABI::onnx
