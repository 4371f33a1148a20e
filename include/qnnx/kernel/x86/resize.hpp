// SPDX-License-Identifier: Apache-2.0
#pragma once
// Resizing of height and width of NHWC data on vectors V, floats, 8- and 16-bit data; the reference's bits. The taps are the
// reference's, those of the columns made once; channels are the vectors.
//   one tap      copied, where the encoding stays and nothing is fused
//   float        sum of x (w w') in the reference's order; TFLite's form: of (x w) w', cut off at 1/2 more for unsigned data
//   8 bit        sums of up to 16 products with 34 bits of weights are exact in doubles; scaled with one rounding
//                (halves.hpp). The weights of an axis sum to 2^15, so the offset is a constant. TFLite's form: 20 bits of
//                weights, halves away from zero
//   16 bit       the same where the weights keep sums below 2^51; TFLite's form runs the reference
// Other shapes, fused residuals and tables run the reference. Layer 5a.

#include "qnnx/kernel/resize/reference.hpp"
#include "qnnx/kernel/x86/elements.hpp"
#include "qnnx/kernel/x86/finish_16.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class Op, class V>
struct resize_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;
  static constexpr bool bilinear = std::is_same_v<Op, op::resize_bilinear>;

  template <class Sig>
  static constexpr bool supports = is_real_signature<Sig> || std::is_same_v<Sig, types::u8(types::u8)> ||
                                   std::is_same_v<Sig, types::s8(types::s8)> || is_half_signature<Sig>;

  static constexpr int parts(const node_facts& f, const params&) { return resize_parts(f); }

  /// The taps of the columns.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params&) {
    const shape& y = f.c.out(0).dims;
    return y.rank() == 4 ? y[2] * static_cast<std::int64_t>(sizeof(resize_taps)) : 0;
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const bool images = y.rank() == 4 && x.extent(0) == y.extent(0) && x.extent(3) == y.extent(3);
    if (!images || c.epi().residual >= 0 || c.epi().table >= 0) return reference::run(c);
    if constexpr (is_fixed_v<typename Call::out_type>)
      if (!has_real_zero(x) || !has_real_zero(y)) return reference::run(c);
    bool tflite = false;
    if constexpr (bilinear) tflite = as_tflite(c);
    auto* columns = reinterpret_cast<resize_taps*>(c.scratch());
    for (std::int32_t i = 0; i < y.extent(2); ++i) columns[i] = taps_of(c, 2, i, tflite);
    if (!pixels(c, columns, tflite)) reference::run(c);
  }

 private:
  /// An axis that keeps its size has one tap, but in TFLite's form.
  template <class Call>
  static resize_taps taps_of(const Call& c, int axis, std::int32_t i, bool tflite) {
    const std::int32_t in = c.template in<0>().extent(axis), out = c.out().extent(axis);
    if constexpr (bilinear) {
      if (tflite) {
        using namespace tflite_resize;
        const bool corners = c.params().align_corners, half = c.params().half_pixel_centers;
        const neighbours n = is_signed_fixed(Call::out_type::code) ? fixed_neighbours(i, fixed_scale(in, out, corners), half, in)
                                                                   : real_neighbours(i, real_scale(in, out, corners), half, in);
        resize_taps t;
        t.count = 2;
        t.index[0] = n.low, t.index[1] = n.high;
        t.weight[0] = 1 - n.real, t.weight[1] = n.real;
        t.fixed[0] = 1024 - n.fixed, t.fixed[1] = n.fixed;
        return t;
      }
    }
    if (in != out) return reference::taps(c.params(), c.rounding().mode(), i, in, out);
    resize_taps t;
    t.index[0] = i;
    return t;
  }

  /// The elements and weights of one output pixel.
  template <class Storage>
  struct pixel_taps {
    const Storage* from[16];
    float real[16], row[16], column[16];
    double fixed[16];
    int count = 0;

    pixel_taps(const Storage* image, std::int64_t width, std::int64_t channels, const resize_taps& rows, const resize_taps& columns) {
      for (int h = 0; h < rows.count; ++h)
        for (int v = 0; v < columns.count; ++v, ++count) {
          from[count] = image + (rows.index[h] * width + columns.index[v]) * channels;
          row[count] = rows.weight[h], column[count] = columns.weight[v];
          real[count] = rows.weight[h] * columns.weight[v];
          fixed[count] = (rows.count == 1 ? 1.0 : rows.fixed[h]) * (columns.count == 1 ? 1.0 : columns.fixed[v]);
        }
    }
  };

  /// f(taps of the pixel, its results) for every pixel of the piece.
  template <class Call, class F>
  static void each_pixel(const Call& c, const resize_taps* columns, bool tflite, F&& f) {
    using storage = typename Call::out_type::storage;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int64_t channels = x.extent(3), width = x.extent(2);
    const slice lines = slice_of(c.piece, std::int64_t{y.extent(0)} * y.extent(1));
    storage* to = y.data + lines.from * y.extent(2) * channels;
    for (std::int32_t n = 0; n < y.extent(0); ++n) {
      const storage* image = x.data + n * x.extent(1) * width * channels;
      for (std::int32_t h = 0; h < y.extent(1); ++h) {
        if (!lines.holds(std::int64_t{n} * y.extent(1) + h)) continue;
        const resize_taps rows = taps_of(c, 1, h, tflite);
        for (std::int32_t v = 0; v < y.extent(2); ++v, to += channels) f(pixel_taps<storage>(image, width, channels, rows, columns[v]), to);
      }
    }
  }

  template <class Call>
  static bool pixels(const Call& c, const resize_taps* columns, bool tflite) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int64_t channels = x.extent(3);
    const epilogue& e = c.epi();
    const auto whole_lines = [&] {
      each_pixel(c, columns, tflite, [&](const auto& t, storage* to) { std::memcpy(to, t.from[0], static_cast<std::size_t>(channels) * sizeof *to); });
      return true;
    };
    const bool one_tap = taps_of(c, 1, 0, tflite).count == 1 && columns[0].count == 1;
    if constexpr (is_float_v<T>) {
      if (one_tap && e.plain()) return whole_lines();
      each_pixel(c, columns, tflite, [&](const auto& t, storage* to) {
        V::each(channels, [&](std::int64_t o, auto part) {
          auto sum = one_tap ? V::load(part, t.from[0] + o) : tflite ? tflite_sum(t, [&](int k) { return V::load(part, t.from[k] + o); }) : V::all(0.0f);
          if (!one_tap && !tflite)
            for (int k = 0; k < t.count; ++k) sum = V::add(sum, V::mul(V::load(part, t.from[k] + o), V::all(t.real[k])));
          V::store(part, to + o, V::activate(sum, e.act, e.lo, e.hi));
        });
      });
      return true;
    } else {
      constexpr bool is_signed = is_signed_fixed(T::code);
      if (one_tap && e.plain() && x.scale() == y.scale() && x.offset() == y.offset()) return whole_lines();
      if constexpr (is_half_data<T>)
        if (tflite) return false;
      if (tflite && !is_signed) {
        each_pixel(c, columns, tflite, [&](const auto& t, storage* to) {
          V::each(channels, [&](std::int64_t o, auto part) {
            const auto sum = tflite_sum(t, [&](int k) { return V::to_floats(V::template load_bytes<false>(part, t.from[k] + o)); });
            V::store_low_bytes(part, to + o, V::to_words_truncated(V::add(sum, V::all(0.5f))));
          });
        });
        return true;
      }
      const std::int32_t* k = c.constants();
      const multiplier m{k[finish_constants::header], k[finish_constants::header + 1]};
      const double factor = multiplier_of_16(m, c.rounding().mode(), false);
      double one = 1;  // what the weights of a pixel sum to
      for (const int axis : {1, 2})
        if (taps_of(c, axis, 0, tflite).count > 1) one *= 32768;
      if constexpr (is_half_data<T>) {
        const double most = 0x1p17 * largest_weights(c, 1, y.extent(1), tflite) * largest_weights(c, 2, y.extent(2), tflite);
        if (most >= 0x1p51 || factor * most >= 0x1p30) return false;
        const auto each = [&](const auto& result) {
          half_pixels(c, columns, one * x.offset(), k[0], k[1], result);
          return true;
        };
        const auto by = V::all(factor);
        if (c.rounding().mode() == rounding_mode::rne) return each([&](auto sum) { return scaled_double<V, true>(sum, by); });
        return each([&](auto sum) { return scaled_double<V, false>(sum, by); });
      }
      if (!tflite && factor * one * 4096 >= 0x1p30) return false;
      const auto sums = [&](const auto& t, std::int64_t o, auto part, double first) {
        auto sum = V::all(first);
        for (int i = 0; i < t.count; ++i) sum = V::fmadd(V::template load_bytes_widened<is_signed>(part, t.from[i] + o, 0), V::all(t.fixed[i]), sum);
        return sum;
      };
      const auto each = [&](double first, std::int32_t zero, std::int32_t lo, std::int32_t hi, const auto& result) {
        each_pixel(c, columns, tflite, [&](const auto& t, storage* to) {
          V::each_doubles(channels, [&](std::int64_t o, auto part) {
            V::store_doubles_as_bytes(part, to + o, result(sums(t, o, part, first)), lo - zero, hi - zero, -zero);
          });
        });
        return true;
      };
      if (tflite) {
        const real_rounding<V> round(rounding_mode::tflite);
        return each(0, 0, -128, 127, [&](auto sum) { return round(V::mul(sum, V::all(0x1p-20))); });
      }
      const auto by = V::all(factor);
      const double first = one * x.offset();
      if (c.rounding().mode() == rounding_mode::rne) return each(first, y.zero(), k[0], k[1], [&](auto sum) { return scaled_double<V, true>(sum, by); });
      return each(first, y.zero(), k[0], k[1], [&](auto sum) { return scaled_double<V, false>(sum, by); });
    }
  }
  /// The largest sum of magnitudes that the weights of one place have.
  template <class Call>
  static double largest_weights(const Call& c, int axis, std::int32_t places, bool tflite) {
    double most = 1;
    for (std::int32_t i = 0; i < places; ++i) {
      const resize_taps t = taps_of(c, axis, i, tflite);
      double sum = 0;
      for (int j = 0; j < t.count && t.count > 1; ++j) sum += t.fixed[j] < 0 ? -t.fixed[j] : t.fixed[j];
      most = sum > most ? sum : most;
    }
    return most;
  }
  /// 16-bit results: result(sums on top of `first`) as integers, kept within [lo, hi].
  template <class Call, class Result>
  static void half_pixels(const Call& c, const resize_taps* columns, double first, std::int32_t lo, std::int32_t hi, const Result& result) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const std::int32_t zero = c.out().zero();
    const auto low_bound = V::all(lo - zero), high_bound = V::all(hi - zero), nought = V::all(zero);
    const std::int64_t channels = c.out().extent(3);
    each_pixel(c, columns, false, [&](const auto& t, auto* to) {
      V::each(channels, [&](std::int64_t o, auto part) {
        auto low = V::all(first), high = V::all(first);
        for (int i = 0; i < t.count; ++i) {
          const auto q = V::template load_halves<is_signed>(part, t.from[i] + o);
          const auto weight = V::all(t.fixed[i]);
          low = V::fmadd(V::low_half(q), weight, low);
          high = V::fmadd(V::high_half(q), weight, high);
        }
        const auto r = V::to_words(result(low), result(high));
        V::store_low_halves(part, to + o, V::add(V::min(V::max(r, low_bound), high_bound), nought));
      });
    });
  }
  /// TFLite's order: rows before columns.
  template <class Taps, class Load>
  static QNNX_INLINE typename V::floats tflite_sum(const Taps& t, const Load& load) {
    const auto product = [&](int k) { return V::mul(V::mul(load(k), V::all(t.row[k])), V::all(t.column[k])); };
    return V::add(V::add(V::add(product(0), product(2)), product(1)), product(3));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
