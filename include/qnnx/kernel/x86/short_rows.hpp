// SPDX-License-Identifier: Apache-2.0
#pragma once
// FullyConnected of 16-bit floats with one or two rows of data: every weight is read once, so the weights stay as they are
// and become floats in registers. Sums begin with the bias and go over the depth in order, fused multiply-adds: the float
// kernel's bits, rounded. Packed: biases as floats, then per group of vectors of channels [depth][vector][lanes] weights.
// Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/short_floats.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V>
struct short_rows {
  static constexpr int most_rows = 2;
  static constexpr int group = 4;  // vectors of channels at once: as many chains of sums for each row

  std::int64_t rows, depth, channels;
  constexpr std::int64_t vectors() const { return (channels + V::lanes - 1) / V::lanes; }
  constexpr std::int64_t groups() const { return (vectors() + group - 1) / group; }
  constexpr std::int64_t padded() const { return vectors() * V::lanes; }
  constexpr std::int64_t bytes() const { return float_area(padded()) + (padded() * depth * 2 + 63) / 64 * 64; }
  /// The widened data.
  constexpr std::int64_t scratch() const { return float_area(rows * depth); }

  template <class W, class B>
  void pack(const W& w, const B& bias, std::byte* out) const {
    std::memset(out, 0, static_cast<std::size_t>(bytes()));
    auto* biases = reinterpret_cast<float*>(out);
    auto* to = reinterpret_cast<half*>(out + float_area(padded()));
    for (std::int64_t o = 0; o < channels && bias.present(); ++o) biases[o] = bias.load(o);
    for (std::int64_t v = 0; v < vectors(); v += group)
      for (std::int64_t k = 0; k < depth; ++k)
        for (std::int64_t o = v * V::lanes; o < (v + group) * V::lanes && o < padded(); ++o, ++to)
          if (o < channels) *to = w.data[o * depth + k];
  }
  /// Groups [from, to) of channels.
  void run(const half* x, const std::byte* packed, float* wide, half* y, const half* residual, const epilogue& e, slice mine) const {
    widen<V>(x, wide, rows * depth);
    for (std::int64_t g = mine.from; g < mine.to; ++g) {
      const std::int64_t v = g * group;
      const float* bias = reinterpret_cast<const float*>(packed) + v * V::lanes;
      const half* w = reinterpret_cast<const half*>(packed + float_area(padded())) + v * V::lanes * depth;
      const auto with = [&](auto count) __attribute__((always_inline)) {
        if (rows == 1) sums<1, count()>(wide, w, bias, v * V::lanes, y, residual, e);
        else sums<2, count()>(wide, w, bias, v * V::lanes, y, residual, e);
      };
      switch (vectors() - v) {
        case 1: with(std::integral_constant<int, 1>{}); break;
        case 2: with(std::integral_constant<int, 2>{}); break;
        case 3: with(std::integral_constant<int, 3>{}); break;
        default: with(std::integral_constant<int, group>{});
      }
    }
  }

 private:
  template <int R, int N>
  QNNX_NOINLINE void sums(const float* x, const half* w, const float* bias, std::int64_t first, half* y, const half* residual, const epilogue& e) const {
    typename V::floats acc[R][N];
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) acc[r][n] = V::load(bias + n * V::lanes);
    for (std::int64_t k = 0; k < depth; ++k, w += N * V::lanes) {
#pragma GCC unroll 4
      for (int n = 0; n < N; ++n) {
        const auto weight = V::load(w + n * V::lanes);
#pragma GCC unroll 2
        for (int r = 0; r < R; ++r) acc[r][n] = V::fmadd(V::all(x[r * depth + k]), weight, acc[r][n]);
      }
    }
    for (int r = 0; r < R; ++r)
      V::each(channels - first < N * V::lanes ? channels - first : N * V::lanes, [&](std::int64_t i, auto part) {
        const std::int64_t at = r * channels + first + i;
        auto v = acc[r][i / V::lanes];
        if (residual) v = V::add(V::activate(v, e.mid_act, e.mid_lo, e.mid_hi), V::load(part, residual + at));
        V::store(part, y + at, V::activate(v, e.act, e.lo, e.hi));
      });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
