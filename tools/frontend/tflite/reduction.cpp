// SPDX-License-Identifier: Apache-2.0
// Reductions, positions of extremes, running sums, and changes of type or encoding.
#include "frontend/tflite/importer.hpp"
#include "qnnx/op/convert.hpp"
#include "qnnx/op/indexing.hpp"
#include "qnnx/op/reduce.hpp"
#include "qnnx/op/reshape.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

void importer::recode(int v, int o) {
  warn("'" + out(o).name + "' has another encoding than the data that is moved to it: a Convert was added");
  emit<qnnx::op::convert>({v}, {}, o);
}

namespace {

template <class Op>
void reduce(importer& t) {
  const int rank = t.rank(0);
  op::reduce_params p{.axes = {}, .keep_dims = t.opt().keep_dims};
  for (std::int32_t a : t.integers(1, "axes"))
    if (const std::int32_t d = t.axis(a, rank); !p.axes.contains(d)) p.axes.push_back(d);
  if (p.axes.size() == 0) {
    axes same;
    for (int d = 0; d < rank; ++d) same.push_back(t.dims(0)[d]);
    t.emit_moved<op::reshape>({t.value(0)}, {.shape = same});
    return;
  }
  t.emit<Op>({t.value(0)}, p);
}

/// TFLite finds positions as INT32 or INT64; ours are 32-bit.
template <class Op>
void find_extreme(importer& t) {
  const typename Op::params p{.axis = static_cast<std::uint32_t>(t.axis(t.integer(1, "axis"), t.rank(0))), .keep_dims = false};
  if (t.out().type == tensor_type::int64) {
    const int v = t.intermediate<Op>({t.value(0)}, p, dtype::int_32, {}, "position");
    t.emit<op::cast>({v});
  } else {
    t.emit<Op>({t.value(0)}, p);
  }
}

void cumsum(importer& t) {
  t.emit<op::cumulative_sum>({t.value(0)}, {.axis = static_cast<std::uint32_t>(t.axis(t.integer(1, "axis"), t.rank(0))),
                                            .exclusive = t.opt().exclusive, .reverse = t.opt().reverse});
}

void one_hot(importer& t) {
  const std::int32_t depth = t.integer(1, "depth");
  if (depth < 1) t.fail("a depth of " + std::to_string(depth), "use 1 or more");
  const int index = t.indices(0);
  op::one_hot::params p{.depth = static_cast<std::uint32_t>(depth)};
  if (t.opt().axis != -1) p.axis = static_cast<std::uint32_t>(t.axis(t.opt().axis, t.rank(0) + 1));
  p.on_value = t.real(2, "on value");
  p.off_value = t.real(3, "off value");
  t.emit<op::one_hot>({index}, p);
}

void top_k(importer& t) {
  const std::int32_t k = t.integer(1, "k");
  if (k < 1) t.fail("a k of " + std::to_string(k), "use 1 or more");
  if (t.output_count() != 2) t.fail(std::to_string(t.output_count()) + " results", "repair the model");
  t.emit_all<op::top_k>({t.value(0)}, {.k = static_cast<std::uint32_t>(k), .largest = true});
}

void quantize(importer& t) {
  if (!is_fixed(t.out_type())) t.fail("a result without a scale", "quantize the model again");
  if (is_fixed(t.in_type(0))) t.emit<op::convert>({t.value(0)});
  else t.emit<op::quantize>({t.value(0)});
}

void dequantize(importer& t) {
  if (t.out_type() != dtype::float_32) t.fail("a result of type " + std::string(to_string(t.out().type)), "use FLOAT32");
  if (t.is_constant(0)) {
    const std::vector<float> values = t.reals(0, "data");
    folded_value f;
    const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
    f.data.assign(bytes, bytes + values.size() * 4);
    f.dims = t.constant_dims(0);
    t.fold(0, std::move(f));
  } else if (is_fixed(t.in_type(0))) {
    t.emit<op::dequantize>({t.value(0)});
  } else {
    t.emit<op::cast>({t.value(0)});
  }
}

void cast(importer& t) { t.emit<op::cast>({t.value(0)}); }

}  // namespace

translator find_reduction(builtin code) {
  switch (code) {
    case builtin::MEAN: return reduce<op::reduce_mean>;
    case builtin::SUM: return reduce<op::reduce_sum>;
    case builtin::REDUCE_MAX: return reduce<op::reduce_max>;
    case builtin::REDUCE_MIN: return reduce<op::reduce_min>;
    case builtin::REDUCE_PROD: return reduce<op::reduce_prod>;
    case builtin::ARG_MAX: return find_extreme<op::argmax>;
    case builtin::ARG_MIN: return find_extreme<op::argmin>;
    case builtin::CUMSUM: return cumsum;
    case builtin::ONE_HOT: return one_hot;
    case builtin::TOPK_V2: return top_k;
    case builtin::QUANTIZE: return quantize;
    case builtin::DEQUANTIZE: return dequantize;
    case builtin::CAST: return cast;
    default: return nullptr;
  }
}

}  // namespace qnnx::inline QNNX_ABI::tflite
