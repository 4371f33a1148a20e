// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pools of 16-bit data on vectors V, the reference's bits: sums of a window of up to 2^14 elements are words, finished in
// doubles (halves.hpp). TFLite's mean of equal encodings is a quotient of whole numbers; its other means have the 16-bit
// multipliers of 64-bit sums. A maximum keeps its encoding. Layer 5a.

#include "qnnx/kernel/pooling/reference.hpp"
#include "qnnx/kernel/x86/finish_16.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// (x + half of count away from zero) / count, toward zero. In double: the quotient is at least 1 / count from the
/// next integer, far more than a rounding.
template <class V>
QNNX_INLINE typename V::words divide_away(typename V::words x, std::int32_t count) {
  const auto half = V::all(count / 2);
  const auto nudged = V::select(V::not_positive(x), V::sub(x, half), V::add(x, half));
  const auto d = V::all(static_cast<double>(count));
  return V::to_words_truncated(V::div(V::low_half(nudged), d), V::div(V::high_half(nudged), d));
}

/// corner(batch, window): the window's first element; each_pixel(element, window, f): f of it at every place. False: the
/// reference has to do it.
template <bool Average, class V, class Call, class Geometry, class Corner, class EachPixel>
bool sixteen_bit_pool(const Call& c, const Geometry& g, const Corner& corner, const EachPixel& each_pixel) {
  using T = typename Call::out_type;
  using words = typename V::words;
  constexpr bool is_signed = is_signed_fixed(T::code);
  const auto x = c.template in<0>();
  const auto y = c.out();
  const std::int64_t channels = y.extent(3);
  const std::int32_t* k = c.constants();
  const rounding_mode mode = c.rounding().mode();
  const bool same = x.scale() == y.scale() && x.offset() == y.offset();
  const std::int64_t full = static_cast<std::int64_t>(g.filter[0]) * g.filter[1] * g.filter[2];
  if (!has_real_zero(x) || !has_real_zero(y) || (Average ? full > 16384 : !same)) return false;
  if constexpr (!Average) {
    const words lo = V::all_halves(k[0]), hi = V::all_halves(k[1]);
    each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
      const auto* first = corner(n, w);
      V::each_halves(channels, [&](std::int64_t o, auto part) {
        words most = V::all_halves(is_signed ? -32768 : 0);
        each_pixel(first + o, w, [&](const auto* at) { most = V::template max_halves<is_signed>(most, V::load_vector(part, at)); });
        V::store_vector(part, y.data + index + o, V::template min_halves<is_signed>(V::template max_halves<is_signed>(most, lo), hi));
      });
    });
  } else {
    const bool quotient = mode == rounding_mode::tflite && same;
    const finish<Call> done(c, false);
    each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
      const auto count = static_cast<std::int32_t>(w.count);
      const auto inside = static_cast<std::int32_t>((w.to[1] - w.from[1]) * (w.to[2] - w.from[2]));
      const auto* first = corner(n, w);
      const auto sums = [&](std::int64_t o, auto part, std::int32_t more) {
        two_words<V> sum{V::all(more), V::all(more)};
        each_pixel(first + o, w, [&](const auto* at) {
          const two_words<V> v = load_numbers<V, is_signed>(part, at);
          sum.even = V::add(sum.even, v.even), sum.odd = V::add(sum.odd, v.odd);
        });
        return sum;
      };
      if (quotient) {  // of stored values, padding that counts being real 0
        const number_writer<V, is_signed> write(0, k[0], k[1]);
        V::each_halves(channels, [&](std::int64_t o, auto part) {
          const two_words<V> sum = sums(o, part, -(count - inside) * x.offset());
          write(part, y.data + index + o, divide_away<V>(sum.even, count), divide_away<V>(sum.odd, count));
        });
        return;
      }
      multiplier m{k[finish_constants::header], k[finish_constants::header + 1]};
      if (w.count != full)
        m = make_multiplier(static_cast<double>(x.scale()) * (1.0 / static_cast<double>(w.count)) / static_cast<double>(y.scale()), c.rounding());
      const double factor = multiplier_of_16(m, mode, false);
      const bool fits = factor * 65536.0 * inside < 0x1p30;
      const auto by = V::all(factor);
      const number_writer<V, is_signed> write(y.zero(), k[0], k[1]);
      V::each_halves(channels, [&](std::int64_t o, auto part) {
        const two_words<V> sum = sums(o, part, inside * x.offset());
        if (!fits) {
          std::int32_t plain[V::half_lanes];
          V::store(plain, sum.even), V::store(plain + V::lanes, sum.odd);
          for (std::int64_t j = 0; j < V::half_lanes && o + j < channels; ++j)
            done.store_scaled(index + o + j, std::int64_t{plain[place_of<V>(j)]}, m);
          return;
        }
        const auto scaled = [&](words v) {
          return by_doubles<V>(v, [&](auto d) { return mode == rounding_mode::rne ? scaled_double<V, true>(d, by) : scaled_double<V, false>(d, by); });
        };
        write(part, y.data + index + o, scaled(sum.even), scaled(sum.odd));
      });
    });
  }
  return true;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
