// SPDX-License-Identifier: Apache-2.0
#pragma once
// The end of every accumulating kernel: bias is in, now scale, round, activate, add the residual, look up the table,
// store. Quantized: q = clamp(zero + round(acc * M)); with a residual the value is first rounded to the encoding the
// unfused tensor had, so fused and unfused graphs agree bit for bit. Float: activation on the float. Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/kernel/rescale.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

struct bounds {
  std::int32_t lo = 0;
  std::int32_t hi = 0;
};

/// Integer bounds that an activation leaves of the range of a stored type:
/// clamp(zero + round(real / scale)) for each real bound (TFLite's CalculateActivationRangeQuantized).
constexpr bounds activation_bounds(dtype t, activation act, float lo, float hi, float scale, std::int32_t offset) {
  bounds b{static_cast<std::int32_t>(min_value(t)), static_cast<std::int32_t>(max_value(t))};
  const auto to_q = [&](float real) {
    const auto steps = clamp<double>(static_cast<double>(real / scale), -4294967296.0, 4294967296.0);
    return clamp<std::int64_t>(round_half_away(steps) - offset, min_value(t), max_value(t));
  };
  if (act == activation::relu) b.lo = static_cast<std::int32_t>(to_q(0.0f));
  if (act == activation::clamp) {
    b.lo = static_cast<std::int32_t>(to_q(lo));
    b.hi = static_cast<std::int32_t>(to_q(hi));
  }
  return b;
}

constexpr float activate(float x, activation act, float lo, float hi) {
  if (act == activation::relu) return x > 0 ? x : 0.0f;
  if (act == activation::clamp) return x < lo ? lo : (x > hi ? hi : x);
  return x;
}

/// How TFLite multiplies the two input scales before it divides by the output's: convolutions of signed data in
/// double, u8 ones of one weight scale and matrix products as float32 (GetQuantizedConvolutionMultipler), fully
/// connected layers of every type in double.
enum class scale_product : std::uint8_t { exact, rounded, always_exact };

/// Words that finishing one accumulating node needs: a multiplier per output channel (or one), bounds, and the
/// rescale of a residual.
struct finish_constants {
  static constexpr int header = 4 + add_constants_words;  // lo, hi, mid lo, mid hi, residual add

  static constexpr std::int64_t words(const node_facts& f, int weight_input) {
    if (!is_fixed(f.c.out(0).type)) return 0;
    return header + 2 * channels(f, weight_input);
  }
  static constexpr std::int64_t channels(const node_facts& f, int weight_input) {
    return weight_input >= 0 && f.in[weight_input].scales ? f.in[weight_input].count : 1;
  }
  /// `factor` multiplies the accumulator's scale (1 / window size for a mean).
  template <class Rounding>
  static constexpr void make(const node_facts& f, int weight_input, double factor, Rounding r, std::int32_t* out,
                             scale_product product = scale_product::exact) {
    const dtype t = f.c.out(0).type;
    if (!is_fixed(t)) return;
    const epilogue& e = f.epi;
    const bool residual = e.residual >= 0;
    const bounds last = activation_bounds(t, e.act, e.lo, e.hi, f.out[0].scale, f.out[0].offset);
    bounds mid = last;
    if (residual) {
      mid = activation_bounds(t, e.mid_act, e.mid_lo, e.mid_hi, e.mid_scale, e.mid_offset);
      make_add_constants(e.mid_scale, f.in[e.residual].scale, f.out[0].scale, bits_of(t), r, out + 4);
    }
    out[0] = last.lo;
    out[1] = last.hi;
    out[2] = mid.lo;
    out[3] = mid.hi;
    const float s_out = residual ? e.mid_scale : f.out[0].scale;
    const std::int64_t n = channels(f, weight_input);
    for (std::int64_t k = 0; k < n; ++k) {
      const multiplier m =
          of_channel(f.in[0].scale, weight_input >= 0 ? &f.in[weight_input] : nullptr, k, s_out, factor, t, r, product);
      out[header + 2 * k] = m.mantissa;
      out[header + 2 * k + 1] = m.exponent;
    }
  }
  /// The multiplier of channel k; `weights` is null where there are none.
  template <class Rounding>
  static constexpr multiplier of_channel(float data_scale, const quant* weights, std::int64_t k, float out_scale,
                                         double factor, dtype out_type, Rounding r, scale_product product) {
    const float s_w = weights ? weights->scale_at(k) : 1.0f;
    double s_in = static_cast<double>(data_scale) * static_cast<double>(s_w);
    if (r.mode() == rounding_mode::tflite && weights && !weights->scales &&
        (product == scale_product::rounded || (product == scale_product::exact && out_type == dtype::ufixed_8)))
      s_in = static_cast<double>(static_cast<float>(s_in));  // a double holds the product exactly
    return make_multiplier(s_in * factor / static_cast<double>(out_scale), r);
  }
};

/// Stores results of one call. `acc` is int32/int64 for fixed point, float for floats. `Once`: TFLite's rule for fully
/// connected layers, one rounding (measured: LiteRT 2.3's reference kernels; convolutions there round twice).
template <class Call, bool Once = false>
struct finish {
  using out_type = typename Call::out_type;
  const Call& c;
  view<out_type, std::decay_t<decltype(std::declval<const Call&>().out().ext)>, false> y;
  bool per_channel = false;

  constexpr finish(const Call& call, bool channels) : c(call), y(call.out()), per_channel(channels) {}

  /// Stores element `index` of output channel `channel`.
  template <class Acc>
  QNNX_INLINE void store(std::int64_t index, std::int64_t channel, Acc acc) const {
    if constexpr (is_fixed_v<out_type>) {
      const std::int32_t* mult = c.constants() + finish_constants::header + (per_channel ? 2 * channel : 0);
      store_scaled(index, acc, multiplier{mult[0], mult[1]});
    } else {
      (void)channel;
      const epilogue& e = c.epi();
      auto v = static_cast<float>(acc);
      if (e.residual >= 0) v = activate(v, e.mid_act, e.mid_lo, e.mid_hi) + c.residual().load(index);
      y.store(index, activate(v, e.act, e.lo, e.hi));
    }
  }
  /// The same with a multiplier that is not among the constants.
  template <class Acc>
  QNNX_INLINE void store_scaled(std::int64_t index, Acc acc, multiplier m) const {
    const std::int32_t* k = c.constants();
    const epilogue& e = c.epi();
    const std::int32_t mid_zero = e.residual >= 0 ? -e.mid_offset : y.zero();
    std::int32_t q = 0;
    if constexpr (Once) {
      const std::int64_t scaled = scale_accumulator_once(acc, m, c.rounding());
      q = static_cast<std::int32_t>(clamp<std::int64_t>(scaled + mid_zero, k[2], k[3]));
    } else {
      q = requantize(acc, m, mid_zero, k[2], k[3], c.rounding());
    }
    if (e.residual >= 0) {
      const auto res = c.residual();
      q = add_quantized(q + e.mid_offset, static_cast<std::int32_t>(res.load(index)) + res.offset(), k + 4, y.zero(), k[0],
                        k[1], bits_of(out_type::code), c.rounding());
    }
    if (e.table >= 0) {
      const auto table = c.table();
      q = static_cast<std::int32_t>(table.load(q - static_cast<std::int32_t>(min_value(out_type::code))));
    }
    y.store(index, q);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
