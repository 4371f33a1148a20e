// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the packed kernels of this folder share: which nodes they take, and the heads of their channels. A node is
// taken when weights and bias are static, the weights symmetric 8-bit, and nothing is fused behind the clamp. Then the
// packed form replaces weights, bias and multipliers. Layer 5a.

#include "qnnx/kernel/arm/finish.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

/// Signatures: 8-bit data of either sign, signed 8-bit weights, 32-bit bias.
template <class Sig>
inline constexpr bool is_8_bit = std::is_same_v<Sig, types::u8(types::u8, types::s8, types::s32)> ||
                                 std::is_same_v<Sig, types::s8(types::s8, types::s8, types::s32)>;

constexpr bool is_symmetric(const quant& q) {
  if (!q.scales) return q.offset == 0;
  for (std::int32_t i = 0; i < q.count && q.offsets; ++i)
    if (q.offsets[i] != 0) return false;
  return true;
}
/// As the compiler asks, and as a running interpreter finds out.
constexpr bool takes_operands(const node_facts& f) {
  const bool bias =
      f.c.input_count < 3 || f.c.in(2).kind == tensor_kind::constant || f.c.in(2).kind == tensor_kind::null;
  return f.epi.residual < 0 && f.epi.table < 0 && f.c.in(1).kind == tensor_kind::constant && bias &&
         is_symmetric(f.in[1]);
}
template <class Call>
bool takes_operands(const Call& c) {
  const step& s = c.s;
  const bool bias = s.input_count < 3 || s.inputs[2].where != bank::arena;
  return s.epi.residual < 0 && s.epi.table < 0 && s.inputs[1].where == bank::weights && bias &&
         is_symmetric(s.inputs[1].q);
}

/// Words in the constants: the bounds alone where the reference's multipliers are not needed beside them.
template <class Rounding>
constexpr void make_bounds(const node_facts& f, Rounding, std::int32_t* out) {
  const bounds b = activation_bounds(f.c.out(0).type, f.epi.act, f.epi.lo, f.epi.hi, f.out[0].scale, f.out[0].offset);
  out[0] = b.lo;
  out[1] = b.hi;
}

/// Base of the kernels whose packed form replaces weights, bias and multipliers of the nodes that `Kernel::takes`: an
/// archive of packed weights keeps two bounds of the constants, other nodes and other builds all that the reference has.
template <class Kernel, class Op>
struct packed_kernel : answers_as<Op> {
  using params = typename Op::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return config::embedded_packed && Kernel::takes(f, p) ? 2 : answers_as<Op>::constant_words(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (config::embedded_packed && Kernel::takes(f, p))
      make_bounds(f, r, out);
    else
      answers_as<Op>::prepare(f, p, r, out);
  }
  static constexpr bool replaces(const node_facts& f, const params& p, int input) {
    return input > 0 && Kernel::takes(f, p);
  }
};

template <bool Once, class Call>
auto finisher_of(const Call& c) {
  using rounding_type = std::decay_t<decltype(c.rounding())>;
  constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
  return finisher<is_signed, Once, rounding_type>{c.rounding(), c.constants()[0], c.constants()[1],
                                                  c.s.outputs[0].q.zero()};
}

/// What the packer knows of a channel. weight(k, o) is weight k < depth of channel o. `fold`: what every weight is
/// multiplied with and added to the bias (the data's offset).
template <class Call, class Weight>
channel_facts facts_of(const Call& c, std::int32_t o, std::int32_t depth, std::int32_t fold, scale_product product,
                       Weight&& weight) {
  const auto x = c.template in<0>();
  const auto b = c.template in<2>();
  const auto y = c.out();
  std::int32_t sum = 0;
  std::int64_t magnitude = 0;
  for (std::int32_t k = 0; k < depth; ++k) {
    const std::int32_t v = weight(k, o);
    sum += v;
    magnitude += v < 0 ? -v : v;
  }
  const word bias = b.present() ? static_cast<word>(b.load(o)) : 0u;
  return {finish_constants::of_channel(x.scale(), c.template in<1>().q, o, y.scale(), 1.0, Call::out_type::code,
                                       c.rounding(), product),
          static_cast<std::int32_t>(bias + static_cast<word>(fold) * static_cast<word>(sum)), magnitude * 255,
          y.zero()};
}

/// Packs all channels: put(o, facts, whether the fast form is used). Returns whether it is.
/// Data is seen as x - base.
template <bool Once, class Call, class Weight, class Put>
bool each_channel(const Call& c, std::int32_t channels, std::int32_t depth, scale_product product, Weight&& weight,
                  Put&& put, std::int32_t base = 0) {
  constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
  const std::int32_t fold = c.s.inputs[0].q.offset + base;
  bool fast = true;
  for (std::int32_t o = 0; o < channels && fast; ++o)
    fast = facts_of(c, o, depth, fold, product, weight).template fits_fast<Once, is_signed>(c.rounding());
  for (std::int32_t o = 0; o < channels; ++o) put(o, facts_of(c, o, depth, fold, product, weight), fast);
  return fast;
}
/// The same with heads: put(o, head).
template <bool Once, class Call, class Weight, class Put>
bool make_heads(const Call& c, std::int32_t channels, std::int32_t depth, scale_product product, Weight&& weight,
                Put&& put) {
  constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
  return each_channel<Once>(c, channels, depth, product, weight,
                            [&](std::int32_t o, const channel_facts& f, bool fast) {
                              put(o, f.template head<Once, is_signed>(c.rounding(), fast));
                            });
}

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
