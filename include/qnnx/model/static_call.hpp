// SPDX-License-Identifier: Apache-2.0
#pragma once
// A kernel call compiled for one node: extents, parameters, multipliers and encodings are constants, so loops unroll
// and index arithmetic folds. The kernel's source is the one that shared_call runs. Layer 6a.
//
// Opt-in, since every specialised node is code of its own: a tag with `static constexpr bool specialise(int step)`
// chooses. It pays for depthwise convolutions and few channels; large matrix kernels gain nothing.

#include "qnnx/kernel/contract.hpp"

namespace qnnx::inline QNNX_ABI {

namespace detail {
template <class Tag>
constexpr bool specialises(int step) {
  if constexpr (requires { Tag::specialise(step); }) return Tag::specialise(step);
  else return (void)step, false;
}
}  // namespace detail

/// Node I of a lowering; offers what shared_call offers.
template <class Lowering, int I>
struct static_call {
  using node = typename Lowering::template node_type<I>;
  using op = typename node::op;
  using signature = typename node::signature;
  using rounding_type = typename Lowering::rounding_type;
  using out_type = typename detail::signature_types<signature>::out;
  template <int K> using in_type = typename detail::signature_types<signature>::template in<K>;
  static constexpr const step& s = Lowering::template step_data<I>::value;
  static constexpr int ins = node::ins;
  template <int K>
  using in_extents = typename Lowering::template extents_at<Lowering::g.nodes[I].inputs[K]>;
  using out_extents = typename Lowering::template extents_at<Lowering::g.nodes[I].outputs[0]>;

  const memory& m;
  part piece{};

  static constexpr const typename op::params& params() { return node::params; }
  static constexpr rounding_type rounding() { return {}; }
  static constexpr const epilogue& epi() { return s.epi; }
  static constexpr const std::int32_t* constants() { return node::constants.data(); }
  std::byte* scratch() const { return m.at(s.scratch_at); }
  const std::byte* packed() const { return static_cast<const std::byte*>(m.packed) + s.packed_at; }
  bool packed_missing() const { return m.packed == nullptr; }
  static constexpr int input_count() { return ins; }
  static constexpr int output_count() { return node::outs; }
  static constexpr bool has(int i) { return i < ins && s.inputs[i].where != bank::absent; }

  const std::byte* base(const operand& o) const {
    return o.where == bank::arena ? m.at(o.at) : static_cast<const std::byte*>(m.weights) + o.at;
  }
  const std::byte* input_bytes(int i) const { return m.at(s.inputs[i].at); }
  std::byte* output_bytes() const { return m.at(s.outputs[0].at); }
  template <class T>
  view<T, shape> read(const operand& o) const {
    if (o.where == bank::absent) return {};
    return {reinterpret_cast<const typename T::storage*>(base(o)), o.dims, &o.q};
  }
  /// Input K; a view that is not present() where an optional input is left out.
  template <int K>
  auto in() const {
    if constexpr (!has(K)) {
      return view<in_type<K>, shape>{};
    } else {
      using T = in_type<K>;
      return view<T, in_extents<K>>{reinterpret_cast<const typename T::storage*>(base(s.inputs[K])), {}, &s.inputs[K].q};
    }
  }
  template <int Type = 0>
  view<in_type<Type>, shape> in_at(int i) const { return read<in_type<Type>>(s.inputs[i]); }
  view<out_type, shape, false> out_at(int i) const {
    const operand& o = s.outputs[i];
    return {reinterpret_cast<typename out_type::storage*>(m.at(o.at)), o.dims, &o.q};
  }
  view<out_type, out_extents, false> out() const {
    return {reinterpret_cast<typename out_type::storage*>(m.at(s.outputs[0].at)), {}, &s.outputs[0].q};
  }
  view<out_type, shape> residual() const { return read<out_type>(s.inputs[s.epi.residual]); }
  view<out_type, shape> table() const { return read<out_type>(s.inputs[s.epi.table]); }
};

}  // namespace qnnx::inline QNNX_ABI
