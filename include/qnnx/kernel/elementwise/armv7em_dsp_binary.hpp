// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseMultiply, -Maximum and -Minimum of 8 and 16 bits, of one shape or with one operand repeated
// (elementwise/pairs.hpp), finished by arm/scaler.hpp.
//   multiply          products are taken where they fit 32 bits
//   maximum, minimum  both operands are brought to the output's encoding; where all have one, the stored numbers compare
// Layer 5a.

#include "qnnx/kernel/arm/scaler.hpp"
#include "qnnx/kernel/elementwise/binary.hpp"
#include "qnnx/kernel/elementwise/pairs.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// Signatures of two operands and a result of one type of 8 or 16 bits.
template <class Sig>
inline constexpr bool is_pair_of_bytes = std::is_same_v<Sig, types::u8(types::u8, types::u8)> || std::is_same_v<Sig, types::s8(types::s8, types::s8)>;
template <class Sig>
inline constexpr bool is_pair_of_halves =
    std::is_same_v<Sig, types::u16(types::u16, types::u16)> || std::is_same_v<Sig, types::s16(types::s16, types::s16)>;

/// Multipliers of a node: k as the reference's prepare() makes them.
template <bool Halves>
struct product_scaling {
  static constexpr std::int64_t largest(dtype t, std::int32_t oa, std::int32_t ob) {
    const std::int64_t most = largest_centred(t, oa) * largest_centred(t, ob);
    return Halves && oa != ob ? most + 1 : most;  // of one offset none is -most
  }
  scaler<Halves> s;
  template <class Rounding>
  constexpr product_scaling(dtype t, const std::int32_t* k, std::int32_t oa, std::int32_t ob, std::int32_t zero, Rounding r)
      : s({k[2], k[3]}, zero, largest(t, oa, ob), r) {}
  constexpr bool fits() const { return s.fits; }
};
struct compared_scaling {
  bool kept;
  scaler<false> a, b;
  template <class Rounding>
  constexpr compared_scaling(dtype t, const std::int32_t* k, std::int32_t oa, std::int32_t ob, std::int32_t zero, Rounding r)
      : kept(is_one({k[2], k[3]}, r) && is_one({k[4], k[5]}, r) && oa == -zero && ob == -zero),
        a({k[2], k[3]}, zero, largest_centred(t, oa), r),
        b({k[4], k[5]}, zero, largest_centred(t, ob), r) {}
  constexpr bool fits() const { return kept || (a.fits && b.fits); }
};

/// What the kernels of pairs are written in, one number at a time (elementwise/mve.hpp has four).
struct one_by_one {
  static QNNX_INLINE std::int32_t plus(std::int32_t a, std::int32_t b) { return a + b; }
  static QNNX_INLINE std::int32_t times(std::int32_t a, std::int32_t b) { return a * b; }
  static QNNX_INLINE std::int32_t larger(std::int32_t a, std::int32_t b) { return a > b ? a : b; }
  static QNNX_INLINE std::int32_t smaller(std::int32_t a, std::int32_t b) { return a < b ? a : b; }
  template <bool Wide>
  static QNNX_INLINE const scaler<Wide>& scaled(const scaler<Wide>& s, std::int32_t) { return s; }
  template <class T, class F>
  static QNNX_INLINE void with_bounds(const bounder<T>& b, F&& f) { b.with_form(f); }
  template <class T, class F>
  static QNNX_INLINE void each(const pair_walk& w, const T* a, const T* b, T* to, F&& f) { each_pair(w, a, b, to, f); }
};

template <class Op, class Engine>
struct pair_kernel : answers_as<Op> {
  using base = answers_as<Op>;
  using typename base::params;
  using reference = typename base::reference;
  static constexpr bool multiplies = Op::operation == op::binary::multiply;
  template <bool Halves>
  using scaling = std::conditional_t<multiplies, product_scaling<Halves>, compared_scaling>;

  template <class Sig>
  static constexpr bool supports = is_pair_of_bytes<Sig> || is_pair_of_halves<Sig>;

  static constexpr bool takes(const node_facts& f, const params& p) { return code_parts(f, p, nullptr) != 0; }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    return bits_of(f.c.out(0).type) == 8 ? parts_of<false>(f, p) : parts_of<true>(f, p);
  }
  template <bool Halves>
  static constexpr unsigned parts_of(const node_facts& f, const params& p) {
    const rounding::dynamic r{f.rounding};
    std::int32_t k[reference::words] = {};
    reference::prepare(f, p, r, k);
    const pair_walk walk(f.c.dims(0), f.c.dims(1), f.c.out(0).dims);
    const dtype t = f.c.out(0).type;
    const scaling<Halves> s(t, k, f.in[0].offset, f.in[1].offset, -f.out[0].offset, r);
    if (!walk.fits() || !s.fits()) return 0;
    unsigned parts = walk.code_parts() | bounds_part(t, k[0], k[1]);
    if constexpr (!multiplies) parts |= bit(s.kept ? code_part::kept : code_part::scaled);
    return parts;
  }

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    const operand &xa = c.s.inputs[0], &xb = c.s.inputs[1], &xy = c.s.outputs[0];
    const std::int32_t oa = xa.q.offset, ob = xb.q.offset;
    const std::int32_t* k = c.constants();
    const auto r = c.rounding();
    const pair_walk walk(xa.dims, xb.dims, xy.dims);
    const scaling<bits_of(T::code) == 16> s(T::code, k, oa, ob, -xy.q.offset, r);
    if constexpr (!config::embedded_packed)
      if (!walk.fits() || !s.fits()) return reference::run(c);
    const storage *a = c.template in<0>().data, *b = c.template in<1>().data;
    storage* to = c.out().data;
    const std::int32_t zero = -xy.q.offset;
    Engine::with_bounds(bounder<T>{k[0], k[1]}, [&](auto bound) {
      if constexpr (multiplies) {
        const auto scale = Engine::scaled(s.s, zero);
        Engine::each(walk, a, b, to, [&](auto x, auto z) { return bound(scale(Engine::times(Engine::plus(x, oa), Engine::plus(z, ob)), r)); });
      } else {
        const auto pick = [](auto x, auto z) { return Op::operation == op::binary::maximum ? Engine::larger(x, z) : Engine::smaller(x, z); };
        if (needs<code_part::kept> && (!needs<code_part::scaled> || s.kept)) {
          Engine::each(walk, a, b, to, [&](auto x, auto z) { return bound(pick(x, z)); });
        } else if constexpr (needs<code_part::scaled>) {
          const auto scale_a = Engine::scaled(s.a, zero), scale_b = Engine::scaled(s.b, zero);
          Engine::each(walk, a, b, to, [&](auto x, auto z) { return bound(pick(scale_a(Engine::plus(x, oa), r), scale_b(Engine::plus(z, ob), r))); });
        }
      }
    });
  }
};

}  // namespace dsp

template <>
struct impl<op::elementwise_multiply, isa::armv7em_dsp> : dsp::pair_kernel<op::elementwise_multiply, dsp::one_by_one> {};
template <>
struct impl<op::elementwise_maximum, isa::armv7em_dsp> : dsp::pair_kernel<op::elementwise_maximum, dsp::one_by_one> {};
template <>
struct impl<op::elementwise_minimum, isa::armv7em_dsp> : dsp::pair_kernel<op::elementwise_minimum, dsp::one_by_one> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
