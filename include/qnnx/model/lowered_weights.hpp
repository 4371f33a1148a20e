// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lowering, third part: where static tensors and packed weights stand. Layer 6a.

#include "qnnx/model/lowered_plan.hpp"

namespace qnnx::inline QNNX_ABI {

namespace detail {
template <int Count>
struct laid_out {
  std::array<std::int64_t, Count + 1> offset{};
  std::int64_t total = 0;
};
}  // namespace detail

/// Byte offsets of the static tensors in the weights: in tensor order, each aligned to 16. Those marked in `left_out`
/// get none.
template <int Count>
constexpr detail::laid_out<Count> lay_out_weights(const graph_view& g, const bool* left_out = nullptr) {
  detail::laid_out<Count> d;
  for (int i = 0; i < g.tensor_count; ++i) {
    d.offset[static_cast<std::size_t>(i)] = -1;
    if (g.tensors[i].kind != tensor_kind::constant || (left_out && left_out[i])) continue;
    d.offset[static_cast<std::size_t>(i)] = d.total;
    d.total += align_up(byte_size(g.tensors[i]));
  }
  return d;
}

template <class Tag, class Isa>
struct lowered_weights : lowered_plan<Tag, Isa> {
  using planned = lowered_plan<Tag, Isa>;
  using planned::g;
  template <int I>
  using node_type = typename planned::template node_type<I>;

  static constexpr detail::laid_out<g.tensor_count> canonical = lay_out_weights<g.tensor_count>(g);
  /// Static tensors that stay beside the packed form: all but those that every reader has packed.
  static constexpr auto make_kept() {
    return [&]<int... I>(std::integer_sequence<int, I...>) {
      const std::uint32_t replaced[] = {node_type<I>::asks.replaced..., 0};
      std::array<bool, g.tensor_count + 1> gone{};
      for (bool wanted : {false, true})  // first who is packed somewhere, then who is read plainly
        for (int k = 0; k < g.node_count; ++k)
          for (int i = 0; i < g.nodes[k].input_count; ++i) {
            const std::int32_t t = g.nodes[k].inputs[static_cast<std::size_t>(i)];
            if (t >= 0 && ((replaced[k] >> i) & 1u) != wanted) gone[static_cast<std::size_t>(t)] = !wanted;
          }
      return lay_out_weights<g.tensor_count>(g, gone.data());
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static constexpr auto make_data() {
    if constexpr (config::embedded_packed) return make_kept();
    else return canonical;
  }
  static constexpr detail::laid_out<g.tensor_count> data = make_data();

  static constexpr auto make_packed() {
    return [&]<int... I>(std::integer_sequence<int, I...>) {
      detail::laid_out<g.node_count> r;
      const std::int64_t bytes[] = {node_type<I>::asks.packed..., 0};
      for (int k = 0; k < g.node_count; ++k) {
        r.offset[static_cast<std::size_t>(k)] = r.total;
        r.total += align_up(bytes[k], 64);
      }
      return r;
    }(std::make_integer_sequence<int, g.node_count>{});
  }
  static constexpr detail::laid_out<g.node_count> packed = make_packed();
};

}  // namespace qnnx::inline QNNX_ABI
