// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax along the last axis with NEON, the reference's bits:
//   8 bit   tflite: the fixed-point exponentials, four at a time, twice; else the table, quotients in pairs of doubles
//   16 bit  tflite's interpolated tables: exponentials stand in the output until their sum is known
//   floats, other 16-bit data  the formula in pairs of doubles, summed in order
// Other axes run the reference. Layer 5a.

#include <algorithm>

#include "qnnx/kernel/neon/doubles.hpp"
#include "qnnx/kernel/neon/requantize.hpp"
#include "qnnx/kernel/neon/tflite_exp.hpp"
#include "qnnx/kernel/softmax/reference.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::softmax, isa::neon> : answers_as<op::softmax> {
  template <class Sig>
  static constexpr bool supports = neon::is_of_one_type<Sig>;

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const axis_rows rows(x, op::along_axis::resolved(c.params(), x.rank()));
    const bool tflite = c.rounding().mode() == rounding_mode::tflite;
    if constexpr (is_fixed_v<T>)
      if (!neon::has_zero(y)) return reference::run(c);
    if (rows.stride != 1) return reference::run(c);
    const auto each = [&](auto&& row) {
      for (std::int64_t o = 0; o < rows.outer; ++o) row(x.data + o * rows.count, y.data + o * rows.count, rows.count);
    };
    if constexpr (is_fixed_v<T> && bits_of(T::code) == 8) {
      if (tflite)
        each([&](const auto* from, auto* to, std::int64_t n) { fixed_point_row<T>(c.constants(), from, to, n); });
      else
        each([&](const auto* from, auto* to, std::int64_t n) { table_row(c, from, to, n); });
    } else {
      if constexpr (std::is_same_v<T, types::s16>)
        if (tflite && y.offset() == 0 && y.scale() == 1.0f / 32768) {
          const multiplier m = split_q31(static_cast<double>(x.scale() * c.params().beta) / (10.0 / 65535.0));
          return each([&](const auto* from, auto* to, std::int64_t n) { interpolated_row(m, from, to, n); });
        }
      each([&](const auto* from, auto* to, std::int64_t n) { real_row(c, from, to, n); });
    }
  }

 private:
  template <class X>
  static std::int32_t top_of(const X* x, std::int64_t n) {
    X most = x[0];
    std::int64_t i = 1;
    if constexpr (std::is_same_v<X, std::uint8_t>) {
      for (; i + 16 <= n; i += 16) most = std::max(most, vmaxvq_u8(vld1q_u8(x + i)));
    } else if constexpr (std::is_same_v<X, std::int8_t>) {
      for (; i + 16 <= n; i += 16) most = std::max(most, vmaxvq_s8(vld1q_s8(x + i)));
    } else {
      for (; i + 8 <= n; i += 8) most = std::max(most, vmaxvq_s16(vld1q_s16(x + i)));
    }
    for (; i < n; ++i) most = std::max(most, x[i]);
    return most;
  }

  template <class T>
  static void fixed_point_row(const std::int32_t* k, const typename T::storage* x, typename T::storage* y,
                              std::int64_t n) {
    using storage = typename T::storage;
    const neon::reader<T> read(-top_of(x, n));
    const int32x4_t left = vdupq_n_s32(k[1] > 0 ? k[1] : 0), factor = vdupq_n_s32(k[0]), least = vdupq_n_s32(k[2]);
    const auto exponential = [&](int32x4_t diff) {  // 0 for those too far below
      const int32x4_t e = neon::exp_negative(vqrdmulhq_s32(vshlq_s32(diff, left), factor));
      return vandq_s32(e, vreinterpretq_s32_u32(vcgeq_s32(diff, least)));
    };
    int32x4_t total = vdupq_n_s32(0);
    std::int64_t at = 0;
    for (; at + 16 <= n; at += 16)
      for (const int32x4_t diff : read(x + at).v) total = vaddq_s32(total, vrshrq_n_s32(exponential(diff), 12));
    std::int32_t sum = vaddvq_s32(total);
    if (at < n) {
      storage last[16] = {};
      std::int32_t parts[16];
      std::memcpy(last, x + at, static_cast<std::size_t>(n - at));
      const neon::numbers<T> diff = read(last);
      for (int i = 0; i < 4; ++i) vst1q_s32(parts + 4 * i, vrshrq_n_s32(exponential(diff.v[i]), 12));
      for (std::int64_t i = 0; i < n - at; ++i) sum = tflite::wrap_add(sum, parts[i]);
    }
    const tflite::reciprocal inverse = tflite::invert(sum);
    const int32x4_t value = vdupq_n_s32(inverse.value), right = vdupq_n_s32(-(inverse.over_unit + 31 - 8));
    const auto lowest = static_cast<std::int32_t>(min_value(T::code));
    const neon::writer<T> write(lowest, lowest, static_cast<std::int32_t>(max_value(T::code)));
    neon::each_chunk<16>(x, y, n, [&](const storage* from, storage* to) {
      neon::numbers<T> q = read(from);
      for (int32x4_t& v : q.v) v = vrshlq_s32(vqrdmulhq_s32(value, exponential(v)), right);
      write(to, q);
    });
  }

  template <class Call, class Storage>
  static void table_row(const Call& c, const Storage* x, Storage* y, std::int64_t n) {
    using T = typename Call::out_type;
    const std::int32_t* table = c.constants();
    const auto out = c.out();
    const std::int32_t top = top_of(x, n);
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += table[top - x[i]];
    const float64x2_t unit = neon::all_of(static_cast<double>(sum) * static_cast<double>(out.scale()));
    const neon::real_rounding round(c.rounding());
    const neon::writer<T> write(out.zero(), static_cast<std::int32_t>(min_value(T::code)),
                                static_cast<std::int32_t>(max_value(T::code)));
    neon::each_chunk<16>(x, y, n, [&](const Storage* from, Storage* to) {
      std::int32_t entries[16];
      for (int i = 0; i < 16; ++i) entries[i] = table[(top - from[i]) & 255];
      neon::numbers<T> q;
      for (int i = 0; i < 4; ++i)
        q.v[i] = round(neon::both(neon::real_numbers(vld1q_s32(entries + 4 * i)),
                                  [&](float64x2_t v) { return vdivq_f64(v, unit); }));
      write(to, q);
    });
  }

  static void interpolated_row(multiplier m, const std::int16_t* x, std::int16_t* y, std::int64_t n) {
    const neon::reader<types::s16> read(-top_of(x, n));
    const neon::doubled_scaler scale(m);
    const std::int16_t* table = tflite::softmax_tables<>::exponential.data() + 256;
    neon::each_chunk<8>(x, y, n, [&](const std::int16_t* from, std::int16_t* to) {
      neon::numbers<types::s16> d = read(from);
      std::int16_t low[8], high[8], at[8];
      for (int32x4_t& v : d.v) v = vqaddq_s32(scale(v), vdupq_n_s32(32767));
      const int16x8_t place = vqmovn_high_s32(vqmovn_s32(d.v[0]), d.v[1]);
      vst1q_s16(at, vshrq_n_s16(place, 7));
      for (int i = 0; i < 8; ++i) low[i] = table[at[i]], high[i] = table[at[i] + 1];
      const int16x8_t first = vld1q_s16(low), slope = vsubq_s16(vld1q_s16(high), first);
      const int16x8_t part = vandq_s16(place, vdupq_n_s16(127));
      const int16x4_t a = vrshrn_n_s32(vmull_s16(vget_low_s16(slope), vget_low_s16(part)), 7);
      vst1q_s16(to, vaddq_s16(first, vrshrn_high_n_s32(a, vmull_high_s16(slope, part), 7)));
    });
    std::int32_t sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += y[i];
    const tflite::softmax_scale_16 by(sum);
    const int32x4_t reciprocal = vdupq_n_s32(by.reciprocal), right = vdupq_n_s32(-by.shift);
    const neon::reader<types::s16> plain(0);
    const neon::writer<types::s16> write(0, 0, 32767);
    neon::each_chunk<8>(y, y, n, [&](const std::int16_t* from, std::int16_t* to) {
      neon::numbers<types::s16> e = plain(from);
      for (int32x4_t& v : e.v) v = vrshlq_s32(vmulq_s32(v, reciprocal), right);
      write(to, e);
    });
  }

  template <class Call, class Storage>
  static void real_row(const Call& c, const Storage* x, Storage* y, std::int64_t n) {
    using T = typename Call::out_type;
    constexpr std::int32_t step = is_float_v<T> ? 4 : 8;
    const auto in = c.template in<0>();
    const auto out = c.out();
    const double beta = static_cast<double>(c.params().beta);
    const auto real = [&](Storage v) {
      if constexpr (is_float_v<T>) return static_cast<double>(v);
      else return (static_cast<double>(v) + static_cast<double>(in.offset())) * static_cast<double>(in.scale());
    };
    double top = real(x[0]);
    for (std::int64_t i = 1; i < n; ++i)
      if (const double v = real(x[i]); v > top) top = v;
    const float64x2_t most = neon::all_of(top), by = neon::all_of(beta);
    const neon::reader<std::conditional_t<is_float_v<T>, types::s16, T>> read(is_float_v<T> ? 0 : in.offset());
    const float64x2_t scale = neon::all_of(is_float_v<T> ? 1.0 : static_cast<double>(in.scale()));
    const auto exponentials = [&](const Storage* from, neon::reals* e) {  // of `step` elements
      if constexpr (is_float_v<T>) {
        e[0] = neon::real_numbers(vld1q_f32(from));
      } else {
        const auto q = read(from);
        for (int i = 0; i < 2; ++i)
          e[i] = neon::both(neon::real_numbers(q.v[i]), [&](float64x2_t v) { return vmulq_f64(v, scale); });
      }
      for (int i = 0; i < step / 4; ++i)
        e[i] = neon::both(e[i], [&](float64x2_t v) { return neon::exp_of(vmulq_f64(vsubq_f64(v, most), by)); });
    };
    double sum = 0;
    for (std::int64_t i = 0; i < n; i += step) {
      Storage last[step] = {};
      const bool whole = i + step <= n;
      if (!whole) std::memcpy(last, x + i, static_cast<std::size_t>(n - i) * sizeof *x);
      neon::reals e[step / 4];
      exponentials(whole ? x + i : last, e);
      double terms[step];
      for (int j = 0; j < step / 4; ++j) vst1q_f64(terms + 4 * j, e[j].low), vst1q_f64(terms + 4 * j + 2, e[j].high);
      for (std::int64_t j = 0; j < (whole ? step : n - i); ++j) sum += terms[j];
    }
    const float64x2_t total = neon::all_of(sum);
    if constexpr (is_float_v<T>) {
      neon::each_chunk<step>(x, y, n, [&](const Storage* from, Storage* to) {
        neon::reals e[1];
        exponentials(from, e);
        vst1q_f32(to, neon::floats_of(neon::both(e[0], [&](float64x2_t v) { return vdivq_f64(v, total); })));
      });
    } else {
      const neon::real_rounding round(c.rounding());
      const float64x2_t unit = neon::all_of(static_cast<double>(out.scale()));
      const neon::writer<T> write(out.zero(), static_cast<std::int32_t>(min_value(T::code)),
                                  static_cast<std::int32_t>(max_value(T::code)));
      neon::each_chunk<step>(x, y, n, [&](const Storage* from, Storage* to) {
        neon::reals e[2];
        exponentials(from, e);
        neon::numbers<T> q;
        for (int i = 0; i < 2; ++i)
          q.v[i] = round(neon::both(e[i], [&](float64x2_t v) { return vdivq_f64(vdivq_f64(v, total), unit); }));
        write(to, q);
      });
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
