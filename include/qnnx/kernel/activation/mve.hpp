// SPDX-License-Identifier: Apache-2.0
#pragma once
// TFLite's 16-bit logistic and tanh with Helium, four inputs at a time: activation/interpolated_16.hpp. Other functions of
// 16 bits run the kernel of armv7em_dsp. Layer 5a.

#include "qnnx/kernel/activation/curve_16.hpp"
#include "qnnx/kernel/activation/interpolated_16.hpp"
#include "qnnx/kernel/arm/mve_lanes.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {

/// t[at / 2^Bits] and its neighbour, weighted by at mod 2^Bits, plus add.
template <int Bits>
QNNX_INLINE four between(const std::int16_t* t, four at, std::int32_t add) {
  const four k = shifted(at, -Bits), low = gather(t, k), high = gather(t + 1, k);
  return plus(plus(shifted(low, Bits), times(minus(high, low), both(at, splat((1 << Bits) - 1)))), add);
}

template <bool Tanh>
struct interpolated_curve {
  using scalar = dsp::interpolated_curve<Tanh>;
  static QNNX_INLINE void run(const std::int16_t* x, std::int16_t* y, std::int32_t n, std::int32_t factor, std::int32_t shift) {
    const four most = splat(scalar::most);
    const std::int32_t half = shift > 0 ? 1 << (shift - 1) : 0;
    const auto at = [&](four v) {
      v = shifted(plus(times(v, factor), half), -shift);
      const four d = between<scalar::bits>(scalar::table.data(), smaller(magnitude(v), most), 0);
      return shifted(plus(differing(d, signs(v)), scalar::add), -scalar::down);
    };
    for (; n >= 4; n -= 4, x += 4, y += 4) store(y, at(load(x)));
    if (n > 0) store(y, at(load(x, n)), n);
  }
};

template <class Op>
struct interpolated_kernel : answers_as<Op, isa::armv7em_dsp_mixed> {
  using params = typename answers_as<Op>::params;
  using parent = dsp::interpolated_kernel<Op>;
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::s16(types::s16)>;
  static constexpr bool takes(const node_facts& f, const params& p) { return parent::takes(f, p); }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (!parent::takes_call(c)) return impl<Op, isa::armv7em_dsp_mixed>::run(c);
    parent::template run<interpolated_curve>(c);
  }
};

}  // namespace mve

template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::mve_mixed> : mve::interpolated_kernel<Op> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
