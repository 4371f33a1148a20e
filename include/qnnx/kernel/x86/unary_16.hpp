// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseUnary and its forms on 16-bit data, vectors V, the reference's bits: abs, neg, ceil, floor, round, sign and
// reciprocal in the reference's operations; sqrt, rsqrt, exp, log and erf near it (real_16.hpp). Others run the reference.
// Layer 5a.

#include "qnnx/kernel/elementwise/unary.hpp"
#include "qnnx/kernel/x86/logarithm_functions.hpp"
#include "qnnx/kernel/x86/real_16.hpp"
#include "qnnx/kernel/x86/real_functions.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Which operations have vectors here.
constexpr bool has_sixteen_bit_form(op::unary what) {
  using enum op::unary;
  for (const op::unary o : {abs, neg, ceil, floor, round, sign, reciprocal, sqrt, rsqrt, exp, log, erf})
    if (o == what) return true;
  return false;
}
/// may(what): the code of other operations is not made. False: the reference has to do it.
template <class V, class Call, class May>
bool sixteen_bit_unary(const Call& c, op::unary what, May may) {
  using doubles = typename V::doubles;
  using enum op::unary;
  if (!has_real_zero(c.template in<0>()) || !has_real_zero(c.out())) return false;
  const auto made = [&]<op::unary O>(bool is_close, auto f) {
    if constexpr (may(O)) {
      if (what != O) return false;
      if (is_close) close_results<V>(c, f, [](double r) { return unary_value(O, r); });
      else exact_results<V>(c, f);
      return true;
    } else {
      return (void)is_close, (void)f, false;
    }
  };
  const doubles zero = V::all(0.0), one = V::all(1.0);
  return made.template operator()<abs>(false, [](doubles v) { return V::abs(v); }) ||
         made.template operator()<neg>(false, [](doubles v) { return V::negated(v); }) ||
         made.template operator()<ceil>(false, [](doubles v) { return V::template rounded<_MM_FROUND_TO_POS_INF>(v); }) ||
         made.template operator()<floor>(false, [](doubles v) { return V::template rounded<_MM_FROUND_TO_NEG_INF>(v); }) ||
         made.template operator()<round>(false, [](doubles v) { return V::template rounded<_MM_FROUND_TO_NEAREST_INT>(v); }) ||
         made.template operator()<sign>(false, [&](doubles v) {
           return V::select(V::template compare<_CMP_EQ_OQ>(v, zero), zero, V::with_sign_of(one, v));
         }) ||
         made.template operator()<reciprocal>(false, [&](doubles v) { return V::div(one, v); }) ||
         made.template operator()<sqrt>(true, [](doubles v) { return V::sqrt(v); }) ||
         made.template operator()<rsqrt>(true, [&](doubles v) { return V::div(one, V::sqrt(v)); }) ||
         made.template operator()<log>(true, [](doubles v) { return log_vector<V>(v); }) ||
         made.template operator()<exp>(true, [](doubles v) { return exp_vector<V>(v); }) ||
         made.template operator()<erf>(true, [](doubles v) { return erf_vector<V>(v); });
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
