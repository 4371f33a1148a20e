// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of Gather, GatherElements, GatherNd, ScatterNd, ScatterElements. Indices are read as int64 from any
// index type; negative ones count from the end. An index outside reads real 0 and writes nothing, so that no data can
// make a kernel touch foreign memory. Layer 5a.

#include "qnnx/kernel/movement/walk.hpp"
#include "qnnx/op/gather.hpp"
#include "qnnx/op/scatter.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// A tensor of indices, whatever its type.
struct index_list {
  const void* data = nullptr;
  dtype type = dtype::int_32;

  /// Index i as a place on an axis of `size`, or -1 where it is outside.
  std::int64_t place(std::int64_t i, std::int64_t size) const {
    std::int64_t v = 0;
    if (type == dtype::int_64)
      v = static_cast<const std::int64_t*>(data)[i];
    else if (type == dtype::uint_32)
      v = static_cast<const std::uint32_t*>(data)[i];
    else
      v = static_cast<const std::int32_t*>(data)[i];
    if (v < 0) v += size;
    return v >= 0 && v < size ? v : -1;
  }
};
template <class View>
index_list indices_of(const View& v) {
  return {v.data, View::type::code};
}

/// Copies runs of `run` elements: run k of the target is the run place(k) of the source, or `zero` where that is < 0.
template <int Size, class Place>
QNNX_NOINLINE void gather_runs(std::byte* target, const std::byte* source, std::int64_t runs, std::int64_t run,
                               const std::byte* zero, const Place& place) {
  for (std::int64_t k = 0; k < runs; ++k) {
    const std::int64_t from = place(k);
    if (from < 0)
      fill<Size>(target + k * run * Size, run, zero);
    else
      std::memcpy(target + k * run * Size, source + from * run * Size, static_cast<std::size_t>(run * Size));
  }
}

struct gather_place {
  index_list index;
  std::int64_t count = 1;  // indices
  std::int64_t size = 1;   // of the axis
  std::int64_t operator()(std::int64_t k) const {
    const std::int64_t i = index.place(k % count, size);
    return i < 0 ? -1 : k / count * size + i;
  }
};
template <>
struct impl<op::gather, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto i = c.template in<1>();
    const auto y = c.out();
    const int axis = op::gather::axis_of(c.params(), x);
    const stored_real zero(y, 0.0, c.rounding());
    gather_runs<element_size<decltype(y)>>(bytes_out(y), bytes_in(x), x.ext.product(0, axis) * i.size(),
                                           step_of(x.ext, axis), zero.bytes(),
                                           gather_place{indices_of(i), i.size(), x.extent(axis)});
  }
};

/// Place of element k of the indices in the data: its own coordinates, with the index on the axis.
struct along_axis {
  index_list index;
  shape data;
  shape taken;
  int axis = 0;
  std::int64_t operator()(std::int64_t k) const {
    std::int64_t at = 0;
    std::int64_t rest = k;
    std::int64_t step = 1;
    for (int d = taken.rank() - 1; d >= 0; --d) {
      std::int64_t here = rest % taken[d];
      rest /= taken[d];
      if (d == axis) here = index.place(k, data[d]);
      if (here < 0) return -1;
      at += here * step;
      step *= data[d];
    }
    return at;
  }
};
template <class Extents>
constexpr shape as_shape(const Extents& e) {
  shape s;
  for (int d = 0; d < e.rank(); ++d) s.push_back(e.extent(d));
  return s;
}
template <>
struct impl<op::gather_elements, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto i = c.template in<1>();
    const auto y = c.out();
    const stored_real zero(y, 0.0, c.rounding());
    gather_runs<element_size<decltype(y)>>(
        bytes_out(y), bytes_in(x), y.size(), 1, zero.bytes(),
        along_axis{indices_of(i), as_shape(x.ext), as_shape(i.ext), static_cast<int>(c.params().axis)});
  }
};

/// Place of the run that the k-th index tuple names, counted in runs.
struct tuple_place {
  index_list index;
  shape data;
  std::int64_t per_batch = 1;  // tuples of one batch item
  int batch = 0;
  int depth = 0;
  std::int64_t operator()(std::int64_t k) const {
    std::int64_t at = k / per_batch;
    for (int d = 0; d < depth; ++d) {
      const std::int64_t i = index.place(k * depth + d, data[batch + d]);
      if (i < 0) return -1;
      at = at * data[batch + d] + i;
    }
    return at;
  }
};
template <class I>
tuple_place tuples(const I& i, const shape& data, int batch) {
  const int depth = i.extent(i.rank() - 1);
  return {indices_of(i), data, i.ext.product(batch, i.rank() - 1), batch, depth};
}
template <>
struct impl<op::gather_nd, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto i = c.template in<1>();
    const auto y = c.out();
    const tuple_place place = tuples(i, as_shape(x.ext), static_cast<int>(c.params().batch_dims));
    const std::int64_t runs = i.ext.product(0, i.rank() - 1);
    const stored_real zero(y, 0.0, c.rounding());
    gather_runs<element_size<decltype(y)>>(bytes_out(y), bytes_in(x), runs, y.size() / runs, zero.bytes(), place);
  }
};

/// data[at] = data[at] op update, in the tensor's encoding.
template <class Y, class X, class Rounding>
void combine(const Y& y, std::int64_t at, const X& updates, std::int64_t k, op::scatter_reduction how,
             const std::int32_t* words, Rounding r) {
  using T = typename Y::type;
  using storage = typename T::storage;
  const storage old_value = y.data[at];
  const storage update = updates.data[k];
  if (how == op::scatter_reduction::none) {
    y.data[at] = update;
  } else if constexpr (is_float_v<T>) {
    const auto a = static_cast<float>(old_value);
    const auto b = static_cast<float>(update);
    y.store(at, how == op::scatter_reduction::add   ? a + b
                : how == op::scatter_reduction::mul ? a * b
                                                    : (b > a ? b : a));
  } else if (how == op::scatter_reduction::max) {
    y.data[at] = update > old_value ? update : old_value;
  } else if constexpr (is_fixed_v<T>) {
    const auto lo = static_cast<std::int32_t>(min_value(T::code));
    const auto hi = static_cast<std::int32_t>(max_value(T::code));
    const std::int32_t a = static_cast<std::int32_t>(old_value) + y.q->offset;
    const std::int32_t b = static_cast<std::int32_t>(update) + y.q->offset;
    if (how == op::scatter_reduction::add)
      y.store(at, clamp(a + b - y.q->offset, lo, hi));
    else
      y.store(at, requantize(static_cast<std::int64_t>(a) * b, multiplier{words[0], words[1]}, y.zero(), lo, hi, r));
  } else if constexpr (T::code == dtype::bool_8) {
    const bool both = old_value && update;
    y.data[at] = how == op::scatter_reduction::mul ? both : (old_value || update);
  } else {
    const auto a = static_cast<std::uint64_t>(old_value);
    const auto b = static_cast<std::uint64_t>(update);
    y.data[at] = static_cast<storage>(how == op::scatter_reduction::add ? a + b : a * b);  // wraps
  }
}
template <class Params>
struct scatter_kernel {
  static constexpr std::int64_t constant_words(const node_facts&, const Params&) { return 2; }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const Params&, Rounding r, std::int32_t* out) {
    const multiplier m = make_multiplier(static_cast<double>(f.out[0].scale), r);  // (a * s)(b * s) / s
    out[0] = m.mantissa;
    out[1] = m.exponent;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const Params&, int input) {
    return input == 0 ? elementwise_overlap(f.c, input) : -1;
  }
  template <class Call, class Place>
  static void scatter(const Call& c, std::int64_t runs, const Place& place) {
    const auto x = c.template in<0>();
    const auto u = c.template in<2>();
    const auto y = c.out();
    std::memmove(bytes_out(y), bytes_in(x), static_cast<std::size_t>(y.size()) * sizeof(*y.data));
    const std::int64_t run = u.size() / runs;
    for (std::int64_t k = 0; k < runs; ++k) {
      const std::int64_t to = place(k);
      if (to < 0) continue;
      for (std::int64_t e = 0; e < run; ++e)
        combine(y, to * run + e, u, k * run + e, c.params().reduction, c.constants(), c.rounding());
    }
  }
};
template <>
struct impl<op::scatter_nd, isa::reference> : scatter_kernel<op::scatter_nd::params> {
  template <class Call>
  static void run(const Call& c) {
    const auto i = c.template in<1>();
    tuple_place place = tuples(i, as_shape(c.out().ext), 0);
    place.per_batch = place.per_batch > 0 ? place.per_batch : 1;
    scatter(c, i.ext.product(0, i.rank() - 1), place);
  }
};
template <>
struct impl<op::scatter_elements, isa::reference> : scatter_kernel<op::scatter_elements::params> {
  template <class Call>
  static void run(const Call& c) {
    const auto i = c.template in<1>();
    scatter(c, i.size(),
            along_axis{indices_of(i), as_shape(c.out().ext), as_shape(i.ext), static_cast<int>(c.params().axis)});
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
