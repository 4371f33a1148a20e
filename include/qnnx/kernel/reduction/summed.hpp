// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReduceMean and ReduceSum of 8 and 16 bits over neighbouring axes (height and width: the global average pool of many
// networks; or the last ones), for instruction sets that add several channels at once (pooling/summed.hpp). Sums become
// outputs by the reference's functions. Layer 5a.

#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/reduction/reference.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Axes that are reduced as one loop of `count` between `outer` and `inner`; count 0: they are apart.
struct joined_axes {
  std::int32_t outer = 1, count = 1, inner = 1;

  constexpr joined_axes(const shape& x, const qnnx::axes& axes) {
    int stage = 0;
    for (int d = 0; d < x.rank(); ++d) {
      const bool reduced = axes.contains(d);
      if (x[d] == 1) continue;
      if (reduced && stage == 0) stage = 1;
      if (!reduced && stage == 1) stage = 2;
      if (reduced && stage == 2) {
        count = 0;
        return;
      }
      (stage == 0 ? outer : stage == 1 ? count : inner) *= x[d];
    }
  }
};

template <class Op, class Adder>
struct summed_reduction : answers_as<Op> {
  using params = typename answers_as<Op>::params;

  static constexpr bool takes_shape(const joined_axes& j) { return j.count > 0 && j.count <= 16384; }  // sums fit 32 bits
  static constexpr bool in_blocks(const joined_axes& j) { return j.inner % Adder::channels == 0; }
  static constexpr bool takes(const node_facts& f, const params& p) { return takes_shape(joined_axes(f.c.dims(0), p.axes)); }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    const joined_axes j(f.c.dims(0), p.axes);
    return !takes_shape(j) ? 0 : bit(in_blocks(j) ? code_part::channel_blocks : code_part::single_channels);
  }

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    const joined_axes j(c.s.inputs[0].dims, c.params().axes);
    if constexpr (!config::embedded_packed)
      if (!takes_shape(j)) return impl<Op, isa::reference>::run(c);
    const auto* from = reinterpret_cast<const storage*>(c.input_bytes(0));
    auto* to = reinterpret_cast<storage*>(c.output_bytes());
    const std::int32_t added = j.count * c.s.inputs[0].q.offset, zero = -c.s.outputs[0].q.offset;
    const multiplier m{c.constants()[0], c.constants()[1]};
    const auto finish = [&](std::int32_t sum) {
      return static_cast<storage>(requantize(sum + added, m, zero, static_cast<std::int32_t>(min_value(T::code)),
                                             static_cast<std::int32_t>(max_value(T::code)), c.rounding()));
    };
    for (std::int32_t n = j.outer; n > 0; --n, from += std::ptrdiff_t{j.count} * j.inner, to += j.inner) {
      std::int32_t o = 0;
      if constexpr (bits_of(T::code) == 8 && needs<code_part::channel_blocks>)
        if (!needs<code_part::single_channels> || in_blocks(j))
          for (; o < j.inner; o += Adder::channels) {
            std::int32_t sum[Adder::channels] = {};
            for (std::int32_t k = 0; k < j.count; k += 256) {  // 256 * 255 fits an unsigned lane
              std::int32_t part[Adder::channels];
              Adder::template add<is_signed_fixed(T::code)>(reinterpret_cast<const std::byte*>(from + std::ptrdiff_t{k} * j.inner + o), 1,
                                                            j.count - k < 256 ? j.count - k : 256, j.inner, 0, part);
              for (int i = 0; i < Adder::channels; ++i) sum[i] += part[i];
            }
            for (int i = 0; i < Adder::channels; ++i) to[o + i] = finish(sum[i]);
          }
      if constexpr (bits_of(T::code) != 8 || needs<code_part::single_channels>)
        for (; o < j.inner; ++o) {
          std::int32_t sum = 0;
          const storage* at = from + o;
          for (std::int32_t k = j.count; k > 0; --k, at += j.inner) sum += *at;
          to[o] = finish(sum);
        }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
