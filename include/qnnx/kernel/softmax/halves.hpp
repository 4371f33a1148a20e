// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax of 16 bits with integers and the bits of the reference's doubles.
//   exp(-step d) = A[d / 256] B[d mod 256] in 30 bits, from two tables of 256; sums of them in 64 bits; quotients by a
//   reciprocal (softmax/quotient.hpp)
// A quotient whose rounding these bits leave open (one in some thousand) is computed as the reference does, after the
// row's sum in doubles: before anything of the row is written, which may stand where the data was. Layer 5a.

#include "qnnx/kernel/arm/dsp.hpp"
#include "qnnx/kernel/softmax/interpolated_16.hpp"
#include "qnnx/kernel/softmax/quotient.hpp"
#include "qnnx/kernel/softmax/reference.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

struct softmax_of_halves : answers_as<op::softmax> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u16(types::u16)> || std::is_same_v<Sig, types::s16(types::s16)>;

  /// Of signed data TFLite has integer tables of its own (softmax/interpolated_16.hpp); the quotient needs at most 17 bits
  /// before the point.
  static constexpr bool takes_node(dtype t, std::int64_t row, float beta, const quant& y, rounding_mode r) {
    return row <= softmax_quotient::most_elements && beta >= 0 && y.scale >= 0x1p-17f && y.scale < 0x1p8f &&
           !interpolated_softmax::is_tflite(t, y, r);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_node(f.c.out(0).type, f.c.dims(0)[op::along_axis::resolved(p, f.c.dims(0).rank())], p.beta, f.out[0], f.rounding);
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return takes(f, p) ? 512 : interpolated_softmax::constant_words(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (!takes(f, p)) return interpolated_softmax::prepare(f, p, r, out);
    const double step = static_cast<double>(p.beta) * static_cast<double>(f.in[0].scale);
    for (int k = 0; k < 512; ++k) {
      const double e = math::exp(-step * (k < 256 ? 256.0 * k : k - 256.0));
      out[k] = static_cast<std::int32_t>(static_cast<std::uint32_t>(round_rne(e * 2147483648.0)));
    }
  }

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    const auto x = c.template in<0>();
    const quant& out = c.s.outputs[0].q;
    const axis_rows rows(x, op::along_axis::resolved(c.params(), x.rank()));
    const auto r = c.rounding();
    if constexpr (!config::embedded_packed) {
      if constexpr (std::is_same_v<T, sfixed<16>>)
        if (interpolated_softmax::is_tflite(T::code, out, r.mode())) return interpolated_softmax::run(c);
      if (!takes_node(T::code, rows.count, c.params().beta, out, r.mode())) return reference::run(c);
    }
    const std::int32_t* table = c.constants();
    const std::ptrdiff_t n = rows.count * rows.stride, step = rows.stride;
    rows.each([&](std::ptrdiff_t base) {
      const storage* from = x.data + base;
      storage* to = c.out().data + base;
      std::int32_t top = from[0];
      for (std::ptrdiff_t k = step; k < n; k += step) top = from[k] > top ? from[k] : top;
      std::int64_t sum = 0;
      for (std::ptrdiff_t k = 0; k < n; k += step) sum += exponential(table, top - from[k]);
      const softmax_quotient quotient(sum, out.scale);
      const auto count = static_cast<std::uint32_t>(rows.count);
      double real_sum = 0;
      for (std::ptrdiff_t k = 0; k < n && real_sum == 0; k += step)
        if (is_open(quotient, exponential(table, top - from[k]), count)) real_sum = sum_of(c, from, n, step, top);
      for (std::ptrdiff_t k = 0; k < n; k += step) {
        const std::int32_t e = exponential(table, top - from[k]);
        if (is_open(quotient, e, count)) {
          to[k] = exact<storage>(c, from[k], top, real_sum);
        } else {
          const std::int32_t q = quotient.shift > 31 ? 0 : static_cast<std::int32_t>((scaled(quotient, e) + (1u << (quotient.shift - 1))) >> quotient.shift);
          to[k] = static_cast<storage>(saturate16<is_signed_fixed(T::code)>(q - out.offset));
        }
      }
    });
  }

 private:
  static QNNX_INLINE std::int32_t exponential(const std::int32_t* table, std::int32_t distance) {
    const auto a = static_cast<std::uint32_t>(table[distance >> 8]), b = static_cast<std::uint32_t>(table[256 + (distance & 255)]);
    return static_cast<std::int32_t>((std::uint64_t{a} * b) >> 32);
  }
  static QNNX_INLINE std::uint32_t scaled(const softmax_quotient& q, std::int32_t e) {
    return static_cast<std::uint32_t>((std::uint64_t{static_cast<std::uint32_t>(e)} * q.reciprocal) >> 32);
  }
  /// Errors in units of the scaled quotient h: below the true one by up to 1.5 of an exponential (half a unit of each factor,
  /// what the shift cuts), 0.25 of the reciprocal and 1 of this product's shift, above it by up to 1; and h x / 2^30 with x
  /// up to 1.5 a row's element, of the sum. The second term has 2 of them, less up to 3 that are cut.
  static QNNX_INLINE bool is_open(const softmax_quotient& q, std::int32_t e, std::uint32_t count) {
    if (q.shift > 31) return false;
    const std::uint32_t high = scaled(q, e), near = 6 + ((high >> 15) * count >> 14), half = 1u << (q.shift - 1);
    return ((high + half + near) & (half * 2 - 1)) < 2 * near;
  }
  template <class Call>
  static double distance_of(const Call& c, std::int32_t x, std::int32_t top) {
    const quant& in = c.s.inputs[0].q;
    const auto real = [&](std::int32_t v) { return (static_cast<double>(v) + static_cast<double>(in.offset)) * static_cast<double>(in.scale); };
    return (real(x) - real(top)) * static_cast<double>(c.params().beta);
  }
  template <class Call, class Storage>
  static QNNX_NOINLINE double sum_of(const Call& c, const Storage* from, std::ptrdiff_t n, std::ptrdiff_t step, std::int32_t top) {
    double sum = 0;
    for (std::ptrdiff_t k = 0; k < n; k += step) sum += math::exp(distance_of(c, from[k], top));
    return sum;
  }
  template <class Storage, class Call>
  static QNNX_NOINLINE Storage exact(const Call& c, std::int32_t x, std::int32_t top, double sum) {
    using T = typename Call::out_type;
    const quant& out = c.s.outputs[0].q;
    const double quotient = math::exp(distance_of(c, x, top)) / sum;
    const std::int64_t q = round_real(quotient / static_cast<double>(out.scale), c.rounding()) - out.offset;
    return static_cast<Storage>(clamp<std::int64_t>(q, min_value(T::code), max_value(T::code)));
  }
};

}  // namespace dsp

#if QNNX_HAS_DSP_KERNELS
template <>
struct impl<op::softmax, isa::armv7em_dsp_mixed> : dsp::softmax_of_halves {};
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel
