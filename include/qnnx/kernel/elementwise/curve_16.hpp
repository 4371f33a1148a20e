// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseUnary and its forms of 16 bits by the cubics of activation/curve_16.hpp: functions without steps. Pieces next
// to a pole, a bend or the end of where a function is defined run the reference's formula; so do waves of which a piece
// holds more than a radian, and steps (ceil, floor, round, sign, not), as a whole. Layer 5a.

#include "qnnx/kernel/activation/curve_16.hpp"
#include "qnnx/kernel/elementwise/unary.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

template <class Op, class Curve = curve>
struct unary_curve_kernel : answers_as<Op> {
  using params = typename answers_as<Op>::params;
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u16(types::u16)> || std::is_same_v<Sig, types::s16(types::s16)>;

  static constexpr bool takes(const node_facts& f, const params& p) { return takes_scale(reference::what(p), f.in[0].scale); }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) { return takes(f, p) ? curve::words : 0; }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding, std::int32_t* out) {
    if (!takes(f, p)) return;
    const op::unary o = reference::what(p);
    curve::make_for(f, [&](double x) { return is_defined(o, x) ? unary_value(o, x) : 0.0; }, out);
    const double step = static_cast<double>(f.in[0].scale), piece = (1 << curve::along) * step;
    double first = (static_cast<double>(min_value(f.c.out(0).type)) + f.in[0].offset) * step;
    for (int i = 0; i < curve::pieces; ++i, first += piece)
      if (is_rough(o, first, first + piece, piece)) out[i * curve::words_of_piece + 4] = curve::never;
    Curve::arrange(out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (!takes_scale(reference::what(c.params()), c.s.inputs[0].q.scale)) return reference::run(c);
    Curve::run(c, [&](std::int32_t x) { return exact(c, x); });
  }

 private:
  static constexpr bool takes_scale(op::unary o, float scale) {
    switch (o) {
      case op::unary::ceil:
      case op::unary::floor:
      case op::unary::round:
      case op::unary::sign:
      case op::unary::logical_not: return false;
      case op::unary::sin:
      case op::unary::cos: return scale * (1 << curve::along) <= 1.0f;
      default: return true;
    }
  }
  static constexpr bool has_origin(op::unary o) {
    return o == op::unary::log || o == op::unary::sqrt || o == op::unary::rsqrt || o == op::unary::reciprocal;
  }
  static constexpr bool is_defined(op::unary o, double x) {
    if (o == op::unary::reciprocal) return x != 0;
    if (has_origin(o)) return x > 0;
    return o != op::unary::asin || (x >= -1 && x <= 1);
  }
  /// Whether from lo to hi, or within a piece of them, f has a pole or an end or, from lo to hi, a bend.
  static constexpr bool is_rough(op::unary o, double lo, double hi, double piece) {
    if (has_origin(o)) return lo - piece <= 0 && (o != op::unary::reciprocal || hi + piece >= 0);
    if (o == op::unary::asin) return lo - piece <= -1 || hi + piece >= 1;
    return o == op::unary::abs && lo <= 0 && hi >= 0;
  }
  template <class Call>
  static QNNX_NOINLINE std::int32_t exact(const Call& c, std::int32_t x) {
    const double real = curve::real_of(x, c.s.inputs[0].q);
    return stored(unary_value(reference::what(c.params()), real), Call::out_type::code, c.s.outputs[0].q, c.rounding());
  }
};

}  // namespace dsp

#if QNNX_HAS_DSP_KERNELS
template <class Op>
  requires unary_op<Op>
struct impl<Op, isa::armv7em_dsp_mixed> : dsp::unary_curve_kernel<Op> {};
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel
