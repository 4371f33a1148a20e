// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolMax2d and PoolAvg2d with NEON on floats, 8- and 16-bit data: 16 bytes of channels of a window at once, the last
// ones of a pixel again with some before them. Sums of bytes stand in 16-bit lanes (up to 256 elements), those of
// 16-bit data in 32-bit lanes. TFLite's mean of equal encodings is a quotient of whole numbers: floats of 24 bits, or
// doubles, divide them exactly enough to truncate. Layer 5a.

#include "qnnx/kernel/neon/doubles.hpp"
#include "qnnx/kernel/neon/requantize.hpp"
#include "qnnx/kernel/pooling/reference.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

/// The data of the channels of a window.
template <class Op, class T>
struct window_data {
  using storage = typename T::storage;
  const pool_geometry<Op>& g;
  const storage* data;
  const storage* end;
  std::int32_t channels;

  /// f(first of chunk<T> channels from `o` on) for every element of the window.
  template <class F>
  QNNX_INLINE void each(std::int32_t n, const pool_window& w, std::int32_t o, F&& f) const {
    for (std::int32_t h = w.from[1]; h < w.to[1]; ++h) {
      const storage* at =
          data + ((static_cast<std::int64_t>(n) * g.size[1] + h) * g.size[2] + w.from[2]) * channels + o;
      for (std::int32_t k = w.from[2]; k < w.to[2]; ++k, at += channels) {
        if (end - at >= chunk<T>) {
          f(at);
        } else {
          storage last[chunk<T>] = {};
          std::memcpy(last, at, static_cast<std::size_t>(end - at) * sizeof *at);
          f(static_cast<const storage*>(last));
        }
      }
    }
  }
};

template <class T>
QNNX_INLINE numbers<T> sum_of_window(const auto& each) {
  numbers<T> sum;
  if constexpr (bits_of(T::code) == 8) {
    const uint8x16_t turn = vdupq_n_u8(is_signed_fixed(T::code) ? 0x80 : 0);
    uint16x8_t a = vdupq_n_u16(0), b = a;
    std::int32_t count = 0;
    each([&](const typename T::storage* x) {
      const uint8x16_t v = veorq_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(x)), turn);
      a = vaddw_u8(a, vget_low_u8(v)), b = vaddw_high_u8(b, v);
      ++count;
    });
    const uint32x4_t more = vdupq_n_u32(static_cast<std::uint32_t>(is_signed_fixed(T::code) ? -128 * count : 0));
    sum.v[0] = vreinterpretq_s32_u32(vaddw_u16(more, vget_low_u16(a)));
    sum.v[1] = vreinterpretq_s32_u32(vaddw_high_u16(more, a));
    sum.v[2] = vreinterpretq_s32_u32(vaddw_u16(more, vget_low_u16(b)));
    sum.v[3] = vreinterpretq_s32_u32(vaddw_high_u16(more, b));
  } else {
    sum.v[0] = sum.v[1] = vdupq_n_s32(0);
    each([&](const typename T::storage* x) {
      if constexpr (is_signed_fixed(T::code)) {
        const int16x8_t v = vld1q_s16(x);
        sum.v[0] = vaddw_s16(sum.v[0], vget_low_s16(v)), sum.v[1] = vaddw_high_s16(sum.v[1], v);
      } else {
        const uint16x8_t v = vld1q_u16(x);
        sum.v[0] = vreinterpretq_s32_u32(vaddw_u16(vreinterpretq_u32_s32(sum.v[0]), vget_low_u16(v)));
        sum.v[1] = vreinterpretq_s32_u32(vaddw_high_u16(vreinterpretq_u32_s32(sum.v[1]), v));
      }
    });
  }
  return sum;
}
/// (n + half of the divisor, away from zero) / divisor, truncated.
template <class T>
QNNX_INLINE int32x4_t rounded_quotient(int32x4_t n, std::int32_t divisor) {
  const int32x4_t half = vdupq_n_s32(divisor / 2);
  const int32x4_t all = vaddq_s32(n, vbslq_s32(vcgtzq_s32(n), half, vnegq_s32(half)));
  if constexpr (bits_of(T::code) == 8)
    return vcvtq_s32_f32(vdivq_f32(vcvtq_f32_s32(all), vdupq_n_f32(static_cast<float>(divisor))));
  const float64x2_t by = vdupq_n_f64(static_cast<double>(divisor));
  const reals q = both(real_numbers(all), [&](float64x2_t v) { return vdivq_f64(v, by); });
  return vmovn_high_s64(vmovn_s64(vcvtq_s64_f64(q.low)), vcvtq_s64_f64(q.high));
}

template <class Op>
struct pool_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;
  static constexpr bool takes_largest = std::is_same_v<Op, op::pool_max2d>;

  template <class Sig>
  static constexpr bool supports = is_of_one_type<Sig>;
  static constexpr int parts(const node_facts& f, const params&) { return pool_parts(f.c); }

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (c.epi().residual >= 0 || c.epi().table >= 0) return reference::run(c);
    if constexpr (is_fixed_v<T>) {
      const std::int64_t window = std::int64_t{c.params().filter_size[0]} * c.params().filter_size[1];
      if (!has_zero(x) || !has_zero(y)) return reference::run(c);
      if (!takes_largest && window > (bits_of(T::code) == 8 ? 256 : 32768)) return reference::run(c);
    }
    const pool_geometry<Op> g(x, y, c.params());
    const window_data<Op, T> data{g, x.data, x.data + x.size(), y.extent(3)};
    each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
      if constexpr (is_float_v<T>) floats(c, data, index, n, w);
      else if constexpr (takes_largest) largest(c, data, index, n, w);
      else means(c, data, index, n, w);
    });
  }

 private:
  /// f(first channel) gives the results of a chunk of them.
  template <class T, class F>
  static QNNX_INLINE void each_chunk_of(typename T::storage* y, std::int32_t channels, F&& f) {
    constexpr std::int32_t step = chunk<T>;
    if (channels < step) {
      typename T::storage all[step];
      f(0, all);
      std::memcpy(y, all, static_cast<std::size_t>(channels) * sizeof *y);
      return;
    }
    std::int32_t o = 0;
    for (; o + step <= channels; o += step) f(o, y + o);
    if (o < channels) f(channels - step, y + channels - step);
  }

  template <class Call, class Data>
  static void floats(const Call& c, const Data& data, std::int64_t index, std::int32_t n, const pool_window& w) {
    const float_activation act(c.epi());
    const float32x4_t count = vdupq_n_f32(static_cast<float>(w.count));
    each_chunk_of<types::f32>(c.out().data + index, data.channels, [&](std::int32_t o, float* to) {
      float32x4_t v = vdupq_n_f32(takes_largest ? -__builtin_inff() : 0.0f);
      data.each(n, w, o, [&](const float* x) {
        const float32x4_t b = vld1q_f32(x);
        if constexpr (takes_largest) v = vbslq_f32(vornq_u32(vcgtq_f32(b, v), vceqq_f32(b, b)), b, v);  // a NaN stays
        else v = vaddq_f32(v, b);
      });
      vst1q_f32(to, act(takes_largest ? v : vdivq_f32(v, count)));
    });
  }

  template <class Call, class Data>
  static void largest(const Call& c, const Data& data, std::int64_t index, std::int32_t n, const pool_window& w) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int32_t* k = c.constants();
    const auto all = [&](auto&& scale) {
      const reader<T> read(x.offset());
      const writer<T> write(y.zero(), k[0], k[1]);
      each_chunk_of<T>(y.data + index, data.channels, [&](std::int32_t o, typename T::storage* to) {
        typename T::storage most[chunk<T>];
        largest_of<T>(data, n, w, o, most);
        numbers<T> q = read(most);
#pragma GCC unroll 4
        for (int32x4_t& v : q.v) v = scale(v);
        write(to, q);
      });
    };
    if (x.scale() == y.scale()) return all([](int32x4_t v) { return v; });
    const multiplier m{k[finish_constants::header], k[finish_constants::header + 1]};
    if (!with_scalers(std::array{m}, 1 << bits_of(T::code), c.rounding(), [&](const auto& s) { all(s[0]); })) {
      const finish<Call> done(c, false);
      for (std::int32_t o = 0; o < data.channels; ++o) {
        std::int32_t most = INT32_MIN;
        fold_window(data.g, x, n, w, o, 1, &most, [](std::int32_t a, std::int32_t b) { return b > a ? b : a; });
        done.store(index + o, 0, most + x.offset());
      }
    }
  }
  template <class T, class Data>
  static QNNX_INLINE void largest_of(const Data& data, std::int32_t n, const pool_window& w, std::int32_t o,
                                     typename T::storage* most) {
    const auto fold = [&](auto v, auto load, auto max, auto store) {
      data.each(n, w, o, [&](const typename T::storage* x) { v = max(v, load(x)); });
      store(most, v);
    };
    if constexpr (std::is_same_v<T, types::u8>)
      fold(vdupq_n_u8(0), [](auto* p) { return vld1q_u8(p); }, [](auto a, auto b) { return vmaxq_u8(a, b); },
           [](auto* p, auto v) { vst1q_u8(p, v); });
    else if constexpr (std::is_same_v<T, types::s8>)
      fold(vdupq_n_s8(-128), [](auto* p) { return vld1q_s8(p); }, [](auto a, auto b) { return vmaxq_s8(a, b); },
           [](auto* p, auto v) { vst1q_s8(p, v); });
    else if constexpr (std::is_same_v<T, types::u16>)
      fold(vdupq_n_u16(0), [](auto* p) { return vld1q_u16(p); }, [](auto a, auto b) { return vmaxq_u16(a, b); },
           [](auto* p, auto v) { vst1q_u16(p, v); });
    else
      fold(vdupq_n_s16(-32768), [](auto* p) { return vld1q_s16(p); }, [](auto a, auto b) { return vmaxq_s16(a, b); },
           [](auto* p, auto v) { vst1q_s16(p, v); });
  }

  template <class Call, class Data>
  static void means(const Call& c, const Data& data, std::int64_t index, std::int32_t n, const pool_window& w) {
    using T = typename Call::out_type;
    using sum_t = std::conditional_t<bits_of(T::code) == 16, std::int64_t, std::int32_t>;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int32_t* k = c.constants();
    const std::int32_t inside = (w.to[1] - w.from[1]) * (w.to[2] - w.from[2]), count = static_cast<std::int32_t>(w.count);
    const auto all = [&](std::int32_t add, std::int32_t zero, auto&& result) {
      const writer<T> write(zero, k[0], k[1]);
      const int32x4_t more = vdupq_n_s32(add);
      each_chunk_of<T>(y.data + index, data.channels, [&](std::int32_t o, typename T::storage* to) {
        numbers<T> q = sum_of_window<T>([&](auto&& f) { data.each(n, w, o, f); });
#pragma GCC unroll 4
        for (int32x4_t& v : q.v) v = result(vaddq_s32(v, more));
        write(to, q);
      });
    };
    if (c.rounding().mode() == rounding_mode::tflite && x.scale() == y.scale() && x.offset() == y.offset())
      return all(-(count - inside) * x.offset(), 0, [&](int32x4_t v) { return rounded_quotient<T>(v, count); });
    multiplier m{k[finish_constants::header], k[finish_constants::header + 1]};
    if (count != static_cast<std::int32_t>(c.params().filter_size[0] * c.params().filter_size[1]))
      m = make_multiplier(
          static_cast<double>(x.scale()) * (1.0 / static_cast<double>(w.count)) / static_cast<double>(y.scale()),
          c.rounding());
    const std::int64_t most = std::int64_t{inside} << bits_of(T::code);
    if (with_scalers<sum_t>(std::array{m}, most, c.rounding(),
                            [&](const auto& s) { all(inside * x.offset(), y.zero(), s[0]); }))
      return;
    const finish<Call> done(c, false);
    for (std::int32_t o = 0; o < data.channels; ++o) {
      sum_t sum = 0;
      fold_window(data.g, x, n, w, o, 1, &sum, [](sum_t a, std::int32_t b) { return static_cast<sum_t>(a + b); });
      done.store_scaled(index + o, static_cast<sum_t>(sum + inside * x.offset()), m);
    }
  }
};

}  // namespace neon

template <>
struct impl<op::pool_avg2d, isa::neon> : neon::pool_kernel<op::pool_avg2d> {};
template <>
struct impl<op::pool_max2d, isa::neon> : neon::pool_kernel<op::pool_max2d> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
