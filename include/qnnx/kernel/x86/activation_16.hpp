// SPDX-License-Identifier: Apache-2.0
#pragma once
// One-input activations of 16-bit data on vectors V, the reference's bits.
//   Relu and its bounded forms   of one scale a clamp of numbers; else the reference's operations
//   HardSwish, HardSigmoid       the reference's operations
//   Sigmoid, Tanh, Elu, Gelu, Softplus, SiLU near it by real_functions.hpp: relative errors below 2^-36 (found: 2^-37), 2^-19 of a step
//   TFLite's Sigmoid and Tanh    two neighbours of its table in one gathered word
// Layer 5a.

#include "qnnx/kernel/x86/logarithm_functions.hpp"
#include "qnnx/kernel/x86/real_16.hpp"
#include "qnnx/kernel/x86/real_functions.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V>
QNNX_INLINE typename V::doubles sigmoid_vector(typename V::doubles x) {
  const auto one = V::all(1.0);
  return V::div(one, V::add(one, exp_vector<V>(V::negated(x))));
}
template <class V>
QNNX_INLINE typename V::doubles tanh_vector(typename V::doubles x) {
  const auto a = V::min(V::abs(x), V::all(22.0));
  const auto m = expm1_vector<V>(V::add(a, a));
  return V::with_sign_of(V::div(m, V::add(m, V::all(2.0))), x);
}
template <class V>
QNNX_INLINE typename V::doubles gelu_vector(typename V::doubles x) {
  const auto half = V::mul(x, V::all(-0.5));
  const auto tail = normal_tail<V>(V::abs(x), exp_vector<V>(V::mul(half, x)));
  return V::mul(x, V::select(V::template compare<_CMP_GE_OQ>(x, V::all(0.0)), V::sub(V::all(1.0), tail), tail));
}

/// TFLite's 16-bit logistic or tanh (activation/tflite.hpp) of numbers without offset.
template <class V, bool Tanh>
struct tflite_curve_of {
  using words = typename V::words;
  static constexpr int bits = Tanh ? 8 : 9;  // between two entries of the table
  words factor, half;
  __m128i shift;

  explicit tflite_curve_of(const tflite::curve_scale& s)
      : factor(V::all(s.factor)), half(V::all(s.shift > 0 ? 1 << (s.shift - 1) : 0)), shift(_mm_cvtsi32_si128(s.shift)) {}
  QNNX_INLINE words operator()(words x) const {
    const words v = V::shifted_right(V::add(V::mul(x, factor), half), shift);
    const words below = V::shifted_right(v, _mm_cvtsi32_si128(31));  // -1 or 0
    const words a = V::sub(V::xor_bits(v, below), below);
    const words at = V::shifted_right(a, _mm_cvtsi32_si128(bits));
    const words inside = V::min(at, V::all(254));
    const words two = V::gather_at_halves(tflite::sigmoid_table<>::values.data(), inside);
    const words low = V::and_bits(two, V::all(0xffff)), rise = V::sub(V::shifted_right_zero(two, 16), low);
    const words line = V::add(V::shifted_left(low, bits), V::mul(V::and_bits(a, V::all((1 << bits) - 1)), rise));
    const words r = V::select(V::not_positive(V::sub(at, V::all(254))), line, V::all(Tanh ? 0xffff << 8 : 0x7fff << 10));
    if constexpr (Tanh) {  // (r - 2^23 + 2^7) >> 8, below 0: (2^23 - r + 2^7 - 1) >> 8
      const words from = V::sub(r, V::all(1 << 23));
      return V::shifted_right(V::add(V::add(V::sub(V::xor_bits(from, below), below), V::all(1 << 7)), below), _mm_cvtsi32_si128(8));
    } else {  // (r + 2^9) >> 10, below 0: (2^25 - r + 2^9 - 1) >> 10
      const words mirrored = V::add(V::sub(V::xor_bits(r, below), below), V::and_bits(below, V::all(1 << 25)));
      return V::shifted_right(V::add(V::add(mirrored, V::all(1 << 9)), below), _mm_cvtsi32_si128(10));
    }
  }
};

/// may(operation): the code of other operations is not made. False: the reference has to do it.
template <class V, class Call, class May>
bool sixteen_bit_neuron(const Call& c, const op::neuron_params& p, May may) {
  using T = typename Call::out_type;
  using doubles = typename V::doubles;
  using enum op::neuron;
  const auto x = c.template in<0>();
  const auto y = c.out();
  if (!has_real_zero(x) || !has_real_zero(y)) return false;
  [[maybe_unused]] const doubles zero = V::all(0.0), alpha = V::all(static_cast<double>(p.alpha));
  [[maybe_unused]] const auto close = [&](auto f) { return close_results<V>(c, f, [&](double r) { return neuron_value(p, r); }), true; };
  [[maybe_unused]] const auto exact = [&](auto f) { return exact_results<V>(c, f), true; };
  [[maybe_unused]] const auto within = [](doubles v, doubles lo, doubles hi) { return V::min(V::max(v, lo), hi); };
  if constexpr (std::is_same_v<T, sfixed<16>> && (may(sigmoid) || may(tanh))) {
    const bool logistic = p.operation == sigmoid;
    if (c.rounding().mode() == rounding_mode::tflite && (logistic || p.operation == tanh) && x.offset() == 0 && y.offset() == 0 && y.scale() == 1.0f / 32768) {
      const tflite::curve_scale s(x.scale(), !logistic);
      const auto all = [&](const auto& f) {
        each_number<V>(c, [&](const two_words<V>& q, std::int64_t) { return two_words<V>{f(q.even), f(q.odd)}; });
        return true;
      };
      return logistic ? all(tflite_curve_of<V, false>(s)) : all(tflite_curve_of<V, true>(s));
    }
  }
  if constexpr (may(relu) || may(relu_min_max)) {
    if (p.operation == relu || p.operation == relu_min_max) {
      const bool bounded = p.operation == relu_min_max;
      if (bounded && !(p.min_value <= p.max_value)) return false;
      if (x.scale() == y.scale()) {
        const auto bound = [&](float v) { return V::all(stored(static_cast<double>(v), T::code, *y.q, c.rounding()) - y.zero()); };
        const auto lo = bounded ? bound(p.min_value) : V::all(0);
        const auto hi = bounded ? bound(p.max_value) : V::all(1 << 20);
        const auto cut = [&](auto q) { return V::min(V::max(q, lo), hi); };
        each_number<V>(c, [&](const two_words<V>& q, std::int64_t) { return two_words<V>{cut(q.even), cut(q.odd)}; });
        return true;
      }
      const doubles lo = V::all(bounded ? static_cast<double>(p.min_value) : 0.0);
      const doubles hi = V::all(bounded ? static_cast<double>(p.max_value) : static_cast<double>(__builtin_inff()));
      return exact([&](doubles v) { return within(v, lo, hi); });
    }
  }
  if constexpr (may(hard_swish))
    if (p.operation == hard_swish)
      return exact([&](doubles v) { return V::div(V::mul(v, within(V::add(v, V::all(3.0)), zero, V::all(6.0))), V::all(6.0)); });
  if constexpr (may(hard_sigmoid))
    if (p.operation == hard_sigmoid)
      return exact([&](doubles v) { return within(V::add(V::mul(alpha, v), V::all(static_cast<double>(p.beta))), zero, V::all(1.0)); });
  if constexpr (may(sigmoid))
    if (p.operation == sigmoid) return close([](doubles v) { return sigmoid_vector<V>(v); });
  if constexpr (may(tanh))
    if (p.operation == tanh) return close([](doubles v) { return tanh_vector<V>(v); });
  if constexpr (may(gelu))
    if (p.operation == gelu) return close([](doubles v) { return gelu_vector<V>(v); });
  if constexpr (may(silu))
    if (p.operation == silu) return close([](doubles v) { return V::mul(v, sigmoid_vector<V>(v)); });
  if constexpr (may(softplus)) {
    if (p.operation == softplus) {
      if (!(p.beta >= 1e-6f && p.beta <= 1e6f)) return false;  // results that are no numbers
      const doubles beta = V::all(static_cast<double>(p.beta));
      const doubles threshold = V::all(p.threshold >= 0 ? static_cast<double>(p.threshold) : static_cast<double>(__builtin_inff()));
      return close([&](doubles v) {
        const doubles t = V::mul(v, beta);
        return V::select(V::template compare<_CMP_GT_OQ>(t, threshold), v, V::div(softplus_vector<V>(t), beta));
      });
    }
  }
  if constexpr (may(elu))
    if (p.operation == elu)
      return close([&](doubles v) { return V::select(V::template compare<_CMP_GT_OQ>(v, zero), v, V::mul(alpha, expm1_vector<V>(V::min(v, zero)))); });
  return false;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
