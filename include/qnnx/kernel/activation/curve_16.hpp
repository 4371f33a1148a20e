// SPDX-License-Identifier: Apache-2.0
#pragma once
// 16-bit functions of one operand without floats: a cubic for each of 128 pieces of the input's range, in constants,
//   v = k0 + t (k1 + t (k2 + t k3)), t in [0, 1) along the piece, v in output steps with 14 bits behind the point
// and how far v may be from the reference's real value. Where rounding is decided farther from one half than that, v
// gives the reference's integer; else (about one input of 2000, and pieces with a bend or too steep) the reference's
// formula is computed. The bound is four times the largest difference found at nine places of the piece. Activations here,
// ElementWiseUnary in elementwise/curve_16.hpp. Layer 5a.

#include "qnnx/kernel/activation/interpolated_16.hpp"
#include "qnnx/kernel/activation/reference.hpp"
#include "qnnx/kernel/arm/dsp.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

struct curve {
  static constexpr int pieces = 128, words_of_piece = 5, words = pieces * words_of_piece;
  static constexpr int along = 9, point = 14;  // bits of a place in a piece, bits behind the point
  static constexpr std::int32_t half = 1 << (point - 1);

  /// k0, 2 k1, 4 k2, 8 k3, and the bound, of every piece of g(place), 0 <= place <= 65536.
  template <class G>
  static constexpr void make(G&& g, std::int32_t* out) {
    double first = g(0);
    for (int i = 0; i < pieces; ++i, out += words_of_piece) {
      const int at = i << along;
      const double last = g(at + 512);
      make_piece(first, g(at + 171), g(at + 341), last, out);
      for (const int place : {0, 65, 160, 256, 352, 447, 511}) widen(out, place, place == 0 ? first : g(at + place));
      first = last;
    }
  }
  static constexpr std::int32_t value(const std::int32_t* k, std::int32_t place) {
    const std::int32_t t = (place & 511) << (31 - along);
    if (std::is_constant_evaluated()) {
      const auto step = [&](std::int32_t x, std::int32_t add) { return add + static_cast<std::int32_t>((std::int64_t{x} * t) >> 32); };
      return step(step(step(k[3], k[2]), k[1]), k[0]);
    }
    return smmla(smmla(smmla(k[3], t, k[2]), t, k[1]), t, k[0]);
  }
  /// Whether the rounding of v is sure.
  static constexpr bool is_sure(std::int32_t v, std::int32_t bound) {
    const auto at = static_cast<std::uint32_t>(v) + static_cast<std::uint32_t>(half + bound);
    return (at & ((1u << point) - 1)) >= static_cast<std::uint32_t>(2 * bound);
  }

  /// Looks at more places for the bounds: from x = -10 to 10 every eighth of a unit. For functions that lie on straight lines
  /// at 0 and beyond what they do around it (Gelu, HardSwish), which nine places far apart do not see.
  template <class G>
  static constexpr void look_closer(G&& g, double unit, std::int64_t zero, std::int32_t* out) {
    const double places = unit > 1e-6 ? 1.0 / unit : 1e6;  // of a unit of x
    const auto reach = static_cast<std::int64_t>(10.0 * places) + 1, gap = static_cast<std::int64_t>(places / 8) + 1;
    for (std::int64_t at = zero - reach; at <= zero + reach; at += gap)
      if (at >= 0 && at < pieces << along)
        widen(out + (at >> along) * words_of_piece, static_cast<int>(at & 511), g(static_cast<int>(at)));
  }
  /// A node's pieces: real(x) is the function at a real x, in real units.
  template <class F>
  static constexpr void make_for(const node_facts& f, F&& real, std::int32_t* out, bool closer = false) {
    const dtype t = f.c.out(0).type;
    const double in = static_cast<double>(f.in[0].scale), to = static_cast<double>(f.out[0].scale);
    const double lowest = static_cast<double>(min_value(t)), highest = static_cast<double>(max_value(t));
    const auto g = [&](int place) { return clamp(real((lowest + place + f.in[0].offset) * in) / to - f.out[0].offset, lowest - 2, highest + 2); };
    make(g, out);
    if (closer) look_closer(g, in, -min_value(t) - f.in[0].offset, out);
  }
  /// From the order above to the one in which run() reads them.
  static constexpr void arrange(std::int32_t*) {}
  /// All elements of a call; exact(x) is the stored value that the reference gives.
  template <class Call, class F>
  static QNNX_INLINE void run(const Call& c, F&& exact) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    constexpr auto lowest = static_cast<std::int32_t>(min_value(T::code));
    const storage* x = c.template in<0>().data;
    storage* y = c.out().data;
    const std::int32_t* table = c.constants();
    for (auto n = static_cast<std::int32_t>(c.out().size()); n > 0; --n, ++x, ++y) {
      const std::int32_t place = *x - lowest;
      const std::int32_t* k = table + (place >> along) * words_of_piece;
      const std::int32_t v = value(k, place);
      if (is_sure(v, k[4])) *y = static_cast<storage>(saturate16<is_signed_fixed(T::code)>((v + half) >> point));
      else *y = static_cast<storage>(exact(*x));
    }
  }
  /// The real value of a stored one, as views have it.
  static double real_of(std::int32_t x, const quant& q) {
    return (static_cast<double>(x) + static_cast<double>(q.offset)) * static_cast<double>(q.scale);
  }
  static constexpr std::int32_t never = half;  // the bound of a piece that gives nothing

 private:
  static constexpr void make_piece(double y0, double y1, double y2, double y3, std::int32_t* k) {
    constexpr double t1 = 171.0 / 512, t2 = 341.0 / 512;
    const double d01 = (y1 - y0) / t1, d12 = (y2 - y1) / (t2 - t1), d23 = (y3 - y2) / (1 - t2);
    const double e0 = (d12 - d01) / t2, e1 = (d23 - d12) / (1 - t1), f = e1 - e0;
    const double c[4] = {y0, 2 * (d01 - e0 * t1 + f * t1 * t2), 4 * (e0 - f * (t1 + t2)), 8 * f};
    bool fits = true;
    for (int j = 0; j < 4; ++j) {
      const double fixed = c[j] * (1 << point);
      fits = fits && fixed < (j == 0 ? 1.2e9 : 5e8) && fixed > (j == 0 ? -1.2e9 : -5e8);
      k[j] = fits ? static_cast<std::int32_t>(round_half_away(fixed)) : 0;
    }
    for (int j = 0; j < 4 && !fits; ++j) k[j] = 0;
    k[4] = fits ? 3 : never;
  }
  static constexpr void widen(std::int32_t* k, int place, double y) {
    const double apart = y * (1 << point) - static_cast<double>(value(k, place));
    const double bound = 4 * (apart < 0 ? -apart : apart) + 3;
    if (bound > k[4]) k[4] = bound < never ? static_cast<std::int32_t>(bound) + 1 : never;
    if (k[4] > never) k[4] = never;
  }
};

/// The activations of 16 bits. Curve: how pieces are read, and stand in the constants.
template <class Op, class Curve = curve>
struct curve_kernel : answers_as<Op> {
  using params = typename answers_as<Op>::params;
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u16(types::u16)> || std::is_same_v<Sig, types::s16(types::s16)>;

  /// TFLite's integer logistic and tanh are another function: activation/interpolated_16.hpp.
  static constexpr bool takes(const node_facts& f, const params& p) {
    return f.c.out(0).type != dtype::sfixed_16 || !interpolated_kernel<Op>::is_tflite(p, f.in[0], f.out[0], f.rounding);
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return takes(f, p) ? curve::words : interpolated_kernel<Op>::constant_words(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (!takes(f, p)) return interpolated_kernel<Op>::prepare(f, p, r, out);
    const op::neuron_params n = reference::neuron(p);
    const bool closer = n.operation == op::neuron::gelu || n.operation == op::neuron::hard_swish;
    curve::make_for(f, [&](double x) { return neuron_value(n, x); }, out, closer);
    Curve::arrange(out);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed && std::is_same_v<typename Call::out_type, sfixed<16>>) {
      using other = interpolated_kernel<Op>;
      if (other::takes_call(c)) return other::run(c);
      if (other::is_tflite(c.params(), c.s.inputs[0].q, c.s.outputs[0].q, c.rounding().mode())) return reference::run(c);
    }
    Curve::run(c, [&](std::int32_t x) { return exact(c, x); });
  }

 private:
  template <class Call>
  static QNNX_NOINLINE std::int32_t exact(const Call& c, std::int32_t x) {
    const double real = curve::real_of(x, c.s.inputs[0].q);
    return stored(neuron_value(reference::neuron(c.params()), real), Call::out_type::code, c.s.outputs[0].q, c.rounding());
  }
};

}  // namespace dsp

#if QNNX_HAS_DSP_KERNELS
template <class Op>
  requires neuron_op<Op>
struct impl<Op, isa::armv7em_dsp_mixed> : dsp::curve_kernel<Op> {};
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel
