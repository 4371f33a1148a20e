// SPDX-License-Identifier: Apache-2.0
#pragma once
// Functions of 16-bit data on vectors V of doubles; the reference's bits.
//   exact_results  f has the reference's operations, each rounded as there; then its division and its rounding
//   close_results  f is near: where its result lies within `window` of a tie between two integers (one element in some
//                  thousand, and those that are ties), the reference's formula decides; elsewhere every policy rounds
//                  alike. The window is larger than the error of f in output steps, of which a result has below 2^17
// Layer 5a.

#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/x86/finish_16.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// f(two words of numbers, index of the first) gives two words of results without zero point.
template <class V, class Call, class F>
QNNX_INLINE void each_number(const Call& c, F&& f) {
  using T = typename Call::out_type;
  constexpr bool is_signed = is_signed_fixed(T::code);
  const auto x = c.template in<0>();
  const auto y = c.out();
  const auto offset = V::all(x.offset());
  const number_writer<V, is_signed> write(y.zero(), static_cast<std::int32_t>(min_value(T::code)), static_cast<std::int32_t>(max_value(T::code)));
  V::each_halves(y.size(), [&](std::int64_t i, auto part) {
    const two_words<V> q = load_numbers<V, is_signed>(part, x.data + i);
    const two_words<V> r = f(two_words<V>{V::add(q.even, offset), V::add(q.odd, offset)}, i);
    write(part, y.data + i, r.even, r.odd);
  });
}

template <class V, class Call, class F>
QNNX_INLINE void exact_results(const Call& c, F&& f) {
  const auto in = V::all(static_cast<double>(c.template in<0>().scale()));
  const auto out = V::all(static_cast<double>(c.out().scale()));
  const real_rounding<V> round(c.rounding().mode());
  const auto one = [&](auto d) { return round(V::div(f(V::mul(d, in)), out)); };
  each_number<V>(c, [&](const two_words<V>& q, std::int64_t) {
    return two_words<V>{by_doubles<V>(q.even, one), by_doubles<V>(q.odd, one)};
  });
}

inline constexpr double tie_window = 0x1p-12;

/// Replaces the results that are close to a tie. value: in the order of place_of; from: as many elements as there are.
template <class V, class Call, class Real>
QNNX_NOINLINE two_words<V> settled(const Call& c, const double* value, const typename Call::out_type::storage* from, std::int64_t count, Real&& real) {
  using T = typename Call::out_type;
  const auto x = c.template in<0>();
  const auto y = c.out();
  std::int32_t q[V::half_lanes];
  std::int32_t known = 0, its = 0;  // an element that is a tie is often there again
  bool any = false;
  for (std::int64_t j = 0; j < V::half_lanes; ++j) {
    const std::int64_t at = place_of<V>(j);
    const double whole = math::round_even(value[at]);
    q[at] = static_cast<std::int32_t>(whole);
    if (j >= count || math::abs(value[at] - whole) < 0.5 - tie_window) continue;
    const auto stored_x = static_cast<std::int32_t>(from[j]);
    if (!any || stored_x != known) {
      const double r = (static_cast<double>(stored_x) + static_cast<double>(x.offset())) * static_cast<double>(x.scale());
      its = stored(real(r), T::code, *y.q, c.rounding()) - y.zero();
      known = stored_x, any = true;
    }
    q[at] = its;
  }
  return {V::load(q), V::load(q + V::lanes)};
}

/// real(x): the reference's value.
template <class V, class Call, class F, class Real>
QNNX_INLINE void close_results(const Call& c, F&& f, Real&& real) {
  using doubles = typename V::doubles;
  const auto x = c.template in<0>();
  const doubles in = V::all(static_cast<double>(x.scale()));
  const doubles steps = V::all(1.0 / static_cast<double>(c.out().scale()));
  const std::int64_t n = x.size();
  each_number<V>(c, [&](const two_words<V>& q, std::int64_t i) {
    bool open = false;
    const auto one = [&](doubles d) {
      doubles v = V::mul(f(V::mul(d, in)), steps);
      v = V::select(V::template compare<_CMP_ORD_Q>(v, v), v, V::all(0.0));
      v = V::min(V::max(v, V::all(-0x1p20)), V::all(0x1p20));
      const doubles apart = V::abs(V::sub(v, V::template rounded<_MM_FROUND_TO_NEAREST_INT>(v)));
      open |= V::any(V::template compare<_CMP_GE_OQ>(apart, V::all(0.5 - tie_window)));
      return v;
    };
    const doubles v[4] = {one(V::low_half(q.even)), one(V::high_half(q.even)), one(V::low_half(q.odd)), one(V::high_half(q.odd))};
    if (open) [[unlikely]] {
      double value[V::half_lanes];
      for (int k = 0; k < 4; ++k) V::store(value + k * V::double_lanes, v[k]);
      return settled<V>(c, value, x.data + i, n - i, real);
    }
    return two_words<V>{V::to_words(v[0], v[1]), V::to_words(v[2], v[3])};
  });
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
