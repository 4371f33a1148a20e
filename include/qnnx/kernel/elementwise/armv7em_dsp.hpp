// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd and -Subtract of 8 bits, of one shape or with one operand repeated, in about 20 instructions an element.
//   tflite  each operand: h = round(2 (x << 20) m / 2^32), divided by a power of two, ties away from zero (not where
//           the power is 1); then the sum the same way (arm/finish.hpp has the reason that the operand's sign serves)
//   rne     the sum of products fits 32 bits; adding half - 1 + the lowest kept bit before the shift rounds ties to
//           even; half_up adds half
// Layer 5a.

#include "qnnx/kernel/elementwise/armv7em_dsp_binary.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// divide_by_power(doubling_high_mul(x << Left, m), right).
template <int Left = 20>
struct scaled_operand {
  std::int32_t factor, half, sign, right;
  explicit scaled_operand(const std::int32_t* k) : factor(k[0]), half(0), sign(0), right(-k[1]) {
    if (right > 0) half = 1 << (right - 1), sign = -1;
  }
  QNNX_INLINE std::int32_t operator()(std::int32_t x) const {
    return (smmlar(x * (1 << (Left + 1)), factor, half) + ((x >> 31) & sign)) >> right;
  }
};

/// Base of the kernels of sums: which nodes they take, where words_fit(constants, offsets, ...) is their word on the
/// constants of make_add_constants.
template <class Op, class Derived, class Engine = one_by_one>
struct sum_kernel : answers_as<Op> {
  using params = typename answers_as<Op>::params;
  static constexpr std::int32_t sign = std::is_same_v<Op, op::elementwise_subtract> ? -1 : 1;

  static constexpr bool takes(const node_facts& f, const params& p) { return code_parts(f, p, nullptr) != 0; }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    const rounding::dynamic r{f.rounding};
    std::int32_t k[2 + add_constants_words] = {};
    impl<Op, isa::reference>::prepare(f, p, r, k);
    const pair_walk walk(f.c.dims(0), f.c.dims(1), f.c.out(0).dims);
    const dtype t = f.c.out(0).type;
    if (!walk.fits() || !Derived::words_fit(t, k + 2, f.in[0].offset, f.in[1].offset, f.out[0].offset, r)) return 0;
    return walk.code_parts() | bounds_part(t, k[0], k[1]);
  }
  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const operand &xa = c.s.inputs[0], &xb = c.s.inputs[1], &xy = c.s.outputs[0];
    const pair_walk walk(xa.dims, xb.dims, xy.dims);
    const std::int32_t* k = c.constants();
    const std::int32_t oa = xa.q.offset, ob = xb.q.offset;
    if constexpr (!config::embedded_packed)
      if (!walk.fits() || !Derived::words_fit(T::code, k + 2, oa, ob, xy.q.offset, c.rounding()))
        return impl<Op, isa::reference>::run(c);
    const auto *a = c.template in<0>().data, *b = c.template in<1>().data;
    auto* to = c.out().data;
    Engine::with_bounds(bounder<T>{k[0], k[1]}, [&](auto bound) {
      Derived::with_sum(k + 2, -xy.q.offset, c.rounding(), [&](auto sum) {
        Engine::each(walk, a, b, to, [&](auto x, auto z) { return bound(sum(Engine::plus(x, oa), Engine::plus(z, ob))); });
      });
    });
  }
};

template <class Op>
struct sum_of_bytes : sum_kernel<Op, sum_of_bytes<Op>> {
  template <class Sig>
  static constexpr bool supports = is_pair_of_bytes<Sig>;

  template <class Rounding>
  static constexpr bool words_fit(dtype, const std::int32_t* k, std::int32_t, std::int32_t, std::int32_t, Rounding r) {
    if (r.mode() != rounding_mode::tflite) return k[6] >= 1 && k[6] <= 24;
    return k[1] <= 0 && k[1] > -31 && k[3] <= 0 && k[3] > -31 && k[5] < 0 && k[5] >= -20;
  }
  /// f(how two numbers become an unbounded output).
  template <class Rounding, class F>
  static QNNX_INLINE void with_sum(const std::int32_t* k, std::int32_t zero, Rounding r, F&& f) {
    constexpr std::int32_t sign = sum_of_bytes::sign;
    if (r.mode() == rounding_mode::tflite) {
      const scaled_operand<> fa(k), fb(k + 2);
      const std::int32_t factor = k[4], shift = -k[5], add = (1 << (shift - 1)) + zero * (1 << shift);
      f([=](std::int32_t x, std::int32_t z) {
        const std::int32_t sum = fa(x) + sign * fb(z);
        return (smmlar(sum * 2, factor, add) + (sum >> 31)) >> shift;
      });
      return;
    }
    const std::int32_t ka = k[0], kb = sign * k[2], shift = k[6], half = 1 << (shift - 1), to_even = r.mode() == rounding_mode::rne ? 1 : 0;
    f([=](std::int32_t x, std::int32_t z) {
      const std::int32_t sum = x * ka + z * kb;
      return ((sum + half - to_even + ((sum >> shift) & to_even)) >> shift) + zero;
    });
  }
};

}  // namespace dsp

template <>
struct impl<op::elementwise_add, isa::armv7em_dsp> : dsp::sum_of_bytes<op::elementwise_add> {};
template <>
struct impl<op::elementwise_subtract, isa::armv7em_dsp> : dsp::sum_of_bytes<op::elementwise_subtract> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
