// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d and PoolMax2d on vectors V: floats in the reference's order (its bits), 8-bit data, 16-bit data
// (pooling_16.hpp); maxima in another encoding: pool_rescale.hpp. Layer 5a.

#include "qnnx/kernel/epilogue.hpp"
#include "qnnx/kernel/pooling/reference.hpp"
#include "qnnx/kernel/x86/pixel_sums.hpp"
#include "qnnx/kernel/x86/pool_rescale.hpp"
#include "qnnx/kernel/x86/pooling_16.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class Op, class V>
struct pool_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;
  using floats = typename V::floats;
  using words = typename V::words;
  static constexpr bool average = std::is_same_v<Op, op::pool_avg2d>;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::f32(types::f32)> || std::is_same_v<Sig, types::f16(types::f16)> || std::is_same_v<Sig, types::u8(types::u8)> ||
                                   std::is_same_v<Sig, types::s8(types::s8)> || is_half_signature<Sig>;

  static constexpr int parts(const node_facts& f, const params&) { return pool_parts(f.c); }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const epilogue& e = c.epi();
    if (e.residual >= 0 || e.table >= 0) return reference::run(c);
    const pool_geometry<Op> g(x, y, c.params());
    const std::int64_t channels = y.extent(3);
    const std::int64_t line = static_cast<std::int64_t>(g.size[2]) * channels;
    const auto corner = [&](std::int32_t n, const pool_window& w) {
      return x.data + ((static_cast<std::int64_t>(n) * g.size[1] + w.from[1]) * g.size[2] + w.from[2]) * channels;
    };
    /// f(element) for every pixel of a window.
    const auto each_pixel = [&](const auto* first, const pool_window& w, auto&& f) {
      for (std::int32_t h = 0; h < w.to[1] - w.from[1]; ++h)
        for (std::int32_t v = 0; v < w.to[2] - w.from[2]; ++v) f(first + h * line + v * channels);
    };
    if constexpr (is_float_v<typename Call::out_type>) {
      each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
        const auto* first = corner(n, w);
        const floats count = V::all(static_cast<float>(w.count));
        V::each(channels, [&](std::int64_t o, auto part) {
          floats sum = V::all(average ? 0.0f : -__builtin_inff());
          each_pixel(first + o, w, [&](const auto* at) {
            const floats b = V::load(part, at);
            if constexpr (average) sum = V::add(sum, b);
            else sum = V::select(V::template compare<_CMP_UNORD_Q>(b, b), b, V::max(b, sum));  // a NaN replaces
          });
          if constexpr (average) sum = V::div(sum, count);
          V::store(part, y.data + index + o, V::activate(sum, e.act, e.lo, e.hi));
        });
      });
    } else if constexpr (is_half_data<typename Call::out_type>) {
      if (!sixteen_bit_pool<average, V>(c, g, corner, each_pixel)) reference::run(c);
    } else {
      constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
      const std::int32_t* k = c.constants();
      const bool same = x.scale() == y.scale() && x.offset() == y.offset();
      if constexpr (!average) {
        const slice mine = slice_of(c.piece, y.size() / channels);
        const std::int64_t made = (mine.to - mine.from) * channels;
        if (!same && made < least_rescaled) return reference::run(c);
        const std::int32_t least = same ? k[0] : static_cast<std::int32_t>(min_value(Call::out_type::code));
        const std::int32_t most_of_all = same ? k[1] : static_cast<std::int32_t>(max_value(Call::out_type::code));
        const words lo = V::all_bytes(least), hi = V::all_bytes(most_of_all);
        each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
          const auto* first = corner(n, w);
          const auto bytes = [&](std::int64_t o, auto... part) {
            words most = V::all_bytes(is_signed ? 0x80 : 0);
            each_pixel(first + o, w, [&](const auto* at) {
              most = V::template max_bytes<is_signed>(most, V::load_vector(part..., at));
            });
            most = V::template min_bytes<is_signed>(V::template max_bytes<is_signed>(most, lo), hi);
            V::store_vector(part..., y.data + index + o, most);
          };
          if constexpr (requires { V::first_bytes(channels); }) {
            for (std::int64_t o = 0; o < channels; o += V::byte_lanes) bytes(o, V::first_bytes(channels - o));
          } else {
            std::int64_t from = 0;
            for (; from + V::byte_lanes <= channels; from += V::byte_lanes) bytes(from);
            V::each(channels - from, [&](std::int64_t o, auto part) {
              words most = V::all(is_signed ? -128 : 0);
              each_pixel(first + from + o, w, [&](const auto* at) { most = V::max(most, V::template load_bytes<is_signed>(part, at)); });
              V::store_low_bytes(part, y.data + index + from + o, V::min(V::max(most, V::all(least)), V::all(most_of_all)));
            });
          }
        });
        if (!same) rescale_maxima<V>(c, y.data + mine.from * channels, made);
      } else {
        const rounding_mode mode = c.rounding().mode();
        const bool tflite_mean = mode == rounding_mode::tflite && same;
        const std::int64_t full = static_cast<std::int64_t>(g.filter[0]) * g.filter[1] * g.filter[2];
        if (full > 65536) return reference::run(c);  // sums of more than 24 bits
        const finish<Call> done(c, false);
        each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
          multiplier m{k[finish_constants::header], k[finish_constants::header + 1]};
          if (w.count != full)
            m = make_multiplier(static_cast<double>(x.scale()) * (1.0 / static_cast<double>(w.count)) / static_cast<double>(y.scale()), c.rounding());
          const vector_multiplier v = vector_form(m, mode);
          const auto inside = static_cast<std::int32_t>((w.to[1] - w.from[1]) * (w.to[2] - w.from[2]));
          // real sum, or with tflite_mean the sum of stored values, padding that counts being real 0
          const std::int32_t shift = tflite_mean ? -static_cast<std::int32_t>(w.count - inside) * x.offset() : inside * x.offset();
          const auto* first = corner(n, w);
          const std::int32_t zero = tflite_mean ? 0 : y.zero();
          const words lo = V::all(k[0] - zero), hi = V::all(k[1] - zero), nought = V::all(zero);
          const bool vectors = tflite_mean || v.rne_fits || v.shifted_fits;
          const auto scaled = [&](words sum) {
            words q;
            if (tflite_mean) q = divide_away<V>(sum, static_cast<std::int32_t>(w.count));
            else if (v.rne_fits) q = scale_rne(sum, V::all(v.factor));
            else q = typename shifted_scale_of<V::lanes>::type(V::all(v.mantissa), V::all(v.shift), mode == rounding_mode::tflite)(sum);
            return V::add(V::min(V::max(q, lo), hi), nought);
          };
          std::int64_t from = 0;
          if (vectors && inside > 3) {
            const pixel_sums<V, is_signed> sums(line, channels, w.to[1] - w.from[1], w.to[2] - w.from[2], shift);
            from = sums.each(reinterpret_cast<const std::uint8_t*>(first), reinterpret_cast<std::uint8_t*>(y.data + index), scaled);
          }
          V::each(channels - from, [&](std::int64_t o, auto part) {
            words sum = V::all(shift);
            each_pixel(first + from + o, w, [&](const auto* at) { sum = V::add(sum, V::template load_bytes<is_signed>(part, at)); });
            if (vectors) return V::store_low_bytes(part, y.data + index + from + o, scaled(sum));
            std::int32_t plain[V::lanes];
            V::store(plain, sum);
            for (std::int64_t j = 0; j < V::lanes && o + j < channels; ++j) done.store_scaled(index + o + j, plain[j], m);
          });
        });
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
