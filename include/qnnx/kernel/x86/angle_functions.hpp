// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sine and cosine of vectors of doubles up to 2^20: x = n pi / 2 + r, pi / 2 in two parts, |r| <= pi / 4, polynomials with the
// least largest error (2^-37 and 2^-43). Rounded to float they differ from the reference's by one unit in the last place
// at most. Larger values take the reference's functions. Layer 5a.

#include "qnnx/kernel/x86/real_functions.hpp"
#include "qnnx/numeric/trigonometry.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V, bool Cosine>
QNNX_INLINE typename V::doubles sine_vector(typename V::doubles x) {
  using doubles = typename V::doubles;
  if (V::any(V::template compare<_CMP_NLE_UQ>(V::abs(x), V::all(0x1p20)))) [[unlikely]] {
    double lane[V::double_lanes];
    V::store(lane, x);
    for (double& v : lane) v = Cosine ? math::cos(v) : math::sin(v);
    return V::load(lane);
  }
  const doubles magic = V::all(0x1.8p52);  // leaves an integer, and 0 of -0
  const doubles n = V::sub(V::fmadd(x, V::all(0x1.45f306dc9c883p-1), magic), magic);
  const doubles r = V::fnmadd(n, V::all(0x1.1a62633145c07p-54), V::fnmadd(n, V::all(0x1.921fb54442d18p+0), x));
  const doubles square = V::mul(r, r);
  doubles s = horner<V>(V::all(0x1.6cd5ebc21a15bp-19), square, -0x1.a00f9396b112ep-13, 0x1.11110889f3852p-7, -0x1.5555554ca92cdp-3, 1.0);
  s = V::mul(r, s);
  const doubles c = horner<V>(V::all(-0x1.23d6064a50b9ap-22), square, 0x1.a00f06c78e4b0p-16, -0x1.6c16b3ec7d46cp-10, 0x1.55555546d7ebbp-5,
                              -0x1.ffffffffebcb1p-2, 1.0);
  const doubles turn = Cosine ? V::add(n, V::all(1.0)) : n;
  const doubles quarter = V::fnmadd(V::all(4.0), V::template rounded<_MM_FROUND_TO_NEG_INF>(V::mul(turn, V::all(0.25))), turn);
  const auto odd = V::template compare<_CMP_EQ_OQ>(V::abs(V::sub(quarter, V::all(2.0))), V::all(1.0));
  const doubles y = V::select(odd, c, s);
  return V::select(V::template compare<_CMP_GE_OQ>(quarter, V::all(2.0)), V::negated(y), y);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
