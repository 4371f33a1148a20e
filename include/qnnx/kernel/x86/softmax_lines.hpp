// SPDX-License-Identifier: Apache-2.0
#pragma once
// LogSoftmax along the last axis, and Softmax and LogSoftmax along another one, on vectors V, in double as the reference.
//   rows     one after the other, a vector along the axis
//   columns  V::lanes of them side by side, a vector across the index behind the axis; sums in the reference's order
// Exponentials have relative errors below 2^-41, sums of n in another order 2^-52 n; logarithms of sums are the reference's.
//   float    Softmax within one unit in the last place; LogSoftmax too, or within 2^-40 + 2^-52 n
//   8 bit    Softmax by the reference's table, each operation as there. Not TFLite's form
//   others   integers: a line with a result within 2^-18 of a tie is summed as the reference does, and such elements are
//            its results; where that error could be more (tiny output steps) the reference runs. Not TFLite's 16-bit tables
// Layer 5a.

#include "qnnx/kernel/softmax/reference.hpp"
#include "qnnx/kernel/x86/halves.hpp"
#include "qnnx/kernel/x86/real_functions.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// A row, or V::lanes columns.
template <class V>
constexpr std::int64_t line_scratch(const node_facts& f, int axis) {
  const std::int64_t count = f.c.dims(0)[axis];
  return axis == f.c.dims(0).rank() - 1 ? (count + V::lanes) * 8 : (count + 1) * V::lanes * 8;
}

template <class V, bool Logarithm, class Call>
class softmax_lines {
  using T = typename Call::out_type;
  using doubles = typename V::doubles;
  using words = typename V::words;
  static constexpr bool fixed = is_fixed_v<T>;
  static constexpr bool is_signed = fixed && is_signed_fixed(T::code);
  static constexpr bool bytes = fixed && bits_of(T::code) == 8;
  static constexpr bool by_table = bytes && !Logarithm;
  static constexpr double window = 0x1p-18;
  struct pair {
    doubles low, high;
  };

 public:
  softmax_lines(const Call& c, int axis) : c_(c), x_(c.template in<0>()), y_(c.out()), lines_(x_, axis) {}

  /// False: the reference has to do it.
  bool run() const {
    if (!(c_.params().beta >= 0)) return false;
    if constexpr (fixed) {
      if (!has_real_zero(x_) || !has_real_zero(y_)) return false;
      const bool tflite = c_.rounding().mode() == rounding_mode::tflite;
      if (!Logarithm && tflite && (bytes || (is_signed && y_.offset() == 0 && y_.scale() == 1.0f / 32768))) return false;
      const double error = 0x1p-40 + static_cast<double>(lines_.count) * 0x1p-52;
      if (Logarithm && !(error < static_cast<double>(y_.scale()) * 0x1p-20)) return false;
    }
    const std::int64_t size = lines_.count * lines_.stride;
    for (std::int64_t base = 0; base < lines_.outer * size; base += size) {
      if constexpr (Logarithm)
        if (lines_.stride == 1) {
          row(base);
          continue;
        }
      V::each(lines_.stride, [&](std::int64_t i, auto part) { columns(base + i, part, lines_.stride - i); });
    }
    return true;
  }

 private:
  double step() const { return static_cast<double>(fixed ? x_.scale() : 1.0f) * static_cast<double>(c_.params().beta); }
  double* made() const { return reinterpret_cast<double*>(c_.scratch()); }

  /// V::lanes elements; integers without scale.
  template <class Part>
  QNNX_INLINE pair load(Part part, std::int64_t at) const {
    const auto v = [&] {
      if constexpr (!fixed) return V::load(part, x_.data + at);
      else if constexpr (bytes) return V::template load_bytes<is_signed>(part, x_.data + at);
      else return V::template load_halves<is_signed>(part, x_.data + at);
    }();
    return {V::low_half(v), V::high_half(v)};
  }
  static QNNX_INLINE void put(double* to, pair v) {
    V::store(to, v.low);
    V::store(to + V::double_lanes, v.high);
  }
  static QNNX_INLINE pair take(const double* from) { return {V::load(from), V::load(from + V::double_lanes)}; }
  template <class Part>
  QNNX_INLINE void store(Part part, std::int64_t at, words q) const {
    const words lo = V::all(static_cast<std::int32_t>(min_value(T::code)) + y_.offset()), hi = V::all(static_cast<std::int32_t>(max_value(T::code)) + y_.offset());
    const words v = V::add(V::min(V::max(q, lo), hi), V::all(y_.zero()));
    if constexpr (bytes) V::store_low_bytes(part, y_.data + at, v);
    else V::store_low_halves(part, y_.data + at, v);
  }
  static QNNX_INLINE doubles kept(doubles v) { return V::min(V::max(v, V::all(-0x1p20)), V::all(0x1p20)); }
  static QNNX_INLINE bool close(doubles v) {
    const doubles apart = V::abs(V::sub(v, V::template rounded<_MM_FROUND_TO_NEAREST_INT>(v)));
    return V::any(V::template compare<_CMP_GE_OQ>(apart, V::all(0.5 - window)));
  }

  void row(std::int64_t base) const {
    const std::int64_t count = lines_.count;
    double* const m = made();
    V::each(count, [&](std::int64_t k, auto part) { put(m + k, load(part, base + k)); });
    for (std::int64_t k = count; k % V::lanes != 0; ++k) m[k] = m[0];
    doubles most = V::all(m[0]);
    for (std::int64_t k = 0; k < count; k += V::double_lanes) most = V::max(V::load(m + k), most);
    double lane[V::double_lanes];
    V::store(lane, most);
    for (const double v : lane) most = V::max(V::all(v), most);
    const doubles by = V::all(step());
    doubles sums = V::all(0.0);
    V::each_doubles(count, [&](std::int64_t k, auto part) {
      const doubles d = V::mul(V::sub(V::load(m + k), most), by);
      sums = V::select(part, V::add(sums, exp_vector<V>(d)), sums);
      V::store(m + k, d);
    });
    const doubles whole = V::all(math::log(V::total(sums)));
    if constexpr (!fixed) {
      V::each_doubles(count, [&](std::int64_t k, auto part) { V::store_narrowed(part, y_.data + base + k, V::sub(V::load(m + k), whole)); });
    } else {
      const doubles unit = V::all(1.0 / static_cast<double>(y_.scale()));
      bool open = false;
      for (std::int64_t k = 0; k < count; k += V::double_lanes) {
        const doubles v = kept(V::mul(V::sub(V::load(m + k), whole), unit));
        open |= close(v);
        V::store(m + k, v);
      }
      if (open) [[unlikely]] settle(base, m, 1);
      V::each(count, [&](std::int64_t k, auto part) { store(part, base + k, V::to_words(V::load(m + k), V::load(m + k + V::double_lanes))); });
    }
  }

  /// Columns side by side, `left` or V::lanes.
  template <class Part>
  void columns(std::int64_t base, Part part, std::int64_t left) const {
    double* const m = made();
    const std::int64_t count = lines_.count, stride = lines_.stride;
    pair most = load(part, base);
    for (std::int64_t k = 0; k < count; ++k) {
      const pair v = load(part, base + k * stride);
      most = {V::max(v.low, most.low), V::max(v.high, most.high)};
      put(m + k * V::lanes, v);
    }
    const doubles by = V::all(step());
    pair sums{V::all(0.0), V::all(0.0)};
    for (std::int64_t k = 0; k < count; ++k) {
      const pair v = take(m + k * V::lanes);
      pair d{V::sub(v.low, most.low), V::sub(v.high, most.high)}, e;
      if constexpr (by_table) {
        const words at = V::sub(V::all(0), V::to_words(d.low, d.high));
        const words w = V::gather_at_halves(reinterpret_cast<const std::uint16_t*>(c_.constants()), V::add(at, at));
        d = e = {V::low_half(w), V::high_half(w)};
      } else {
        d = {V::mul(d.low, by), V::mul(d.high, by)};
        e = {exp_vector<V>(d.low), exp_vector<V>(d.high)};
      }
      sums = {V::add(sums.low, e.low), V::add(sums.high, e.high)};
      put(m + k * V::lanes, Logarithm ? d : e);
    }
    if constexpr (Logarithm) {
      double lane[V::lanes];
      put(lane, sums);
      for (double& v : lane) v = math::log(v);
      sums = take(lane);
    }
    if constexpr (by_table) {
      const doubles scale = V::all(static_cast<double>(y_.scale()));
      const pair unit{V::mul(sums.low, scale), V::mul(sums.high, scale)};
      const real_rounding<V> round(c_.rounding().mode());
      for (std::int64_t k = 0; k < count; ++k) {
        const pair e = take(m + k * V::lanes);
        store(part, base + k * stride, V::to_words(round(V::div(e.low, unit.low)), round(V::div(e.high, unit.high))));
      }
    } else {
      const doubles unit = V::all(1.0 / (fixed ? static_cast<double>(y_.scale()) : 1.0));
      const pair share{V::div(unit, sums.low), V::div(unit, sums.high)};  // of Softmax
      const auto results = [&](std::int64_t k) -> pair {
        const pair v = take(m + k * V::lanes);
        if constexpr (!Logarithm) return {V::mul(v.low, share.low), V::mul(v.high, share.high)};
        else if constexpr (!fixed) return {V::sub(v.low, sums.low), V::sub(v.high, sums.high)};
        else return {V::mul(V::sub(v.low, sums.low), unit), V::mul(V::sub(v.high, sums.high), unit)};
      };
      if constexpr (!fixed) {
        for (std::int64_t k = 0; k < count; ++k) {
          const pair r = results(k);
          auto* to = y_.data + base + k * stride;
          V::each_doubles(left < V::double_lanes ? left : V::double_lanes, [&](std::int64_t, auto some) { V::store_narrowed(some, to, r.low); });
          if (left > V::double_lanes)
            V::each_doubles(left < V::lanes ? left - V::double_lanes : V::double_lanes, [&](std::int64_t, auto some) { V::store_narrowed(some, to + V::double_lanes, r.high); });
        }
      } else {
        bool open = false;
        for (std::int64_t k = 0; k < count; ++k) {
          const pair r = results(k), q{kept(r.low), kept(r.high)};
          open |= close(q.low) || close(q.high);
          put(m + k * V::lanes, q);
        }
        if (open) [[unlikely]]
          for (std::int64_t j = 0; j < V::lanes && j < left; ++j) settle(base + j, m + j, V::lanes);
        for (std::int64_t k = 0; k < count; ++k) {
          const pair q = take(m + k * V::lanes);
          store(part, base + k * stride, V::to_words(q.low, q.high));
        }
      }
    }
  }

  /// Where a result of the line is close to a tie: the reference's. Its other results stand in `line`, `pitch` apart.
  QNNX_NOINLINE void settle(std::int64_t base, double* line, std::int64_t pitch) const {
    const auto is_open = [&](std::int64_t k) { return !(math::abs(line[k * pitch] - math::round_even(line[k * pitch])) < 0.5 - window); };
    const auto real = [&](std::int64_t k) { return x_.real(base + k * lines_.stride); };
    const double beta = static_cast<double>(c_.params().beta);
    std::int64_t first = 0;
    while (first < lines_.count && !is_open(first)) ++first;
    if (first == lines_.count) return;
    double top = real(0), sum = 0;
    for (std::int64_t k = 1; k < lines_.count; ++k)
      if (const double v = real(k); v > top) top = v;
    for (std::int64_t k = 0; k < lines_.count; ++k) sum += math::exp((real(k) - top) * beta);
    const double log_sum = Logarithm ? math::log(sum) : 0.0;
    for (std::int64_t k = first; k < lines_.count; ++k) {
      if (!is_open(k)) continue;
      const double d = (real(k) - top) * beta;
      const double r = Logarithm ? d - log_sum : math::exp(d) / sum;
      line[k * pitch] = static_cast<double>(clamp<std::int64_t>(round_real(r / static_cast<double>(y_.scale()), c_.rounding()), -(1 << 20), 1 << 20));
    }
  }

  const Call& c_;
  decltype(std::declval<const Call&>().template in<0>()) x_;
  decltype(std::declval<const Call&>().out()) y_;
  axis_rows lines_;
};

template <class V>
struct log_softmax_kernel : answers_as<op::log_softmax> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::f32(types::f32)> || std::is_same_v<Sig, types::f16(types::f16)> || std::is_same_v<Sig, types::u8(types::u8)> ||
                                   std::is_same_v<Sig, types::s8(types::s8)> || is_half_signature<Sig>;
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return line_scratch<V>(f, op::along_axis::resolved(p, f.c.dims(0).rank()));
  }
  template <class Call>
  static void run(const Call& c) {
    const softmax_lines<V, true, Call> lines(c, op::along_axis::resolved(c.params(), c.s.inputs[0].dims.rank()));
    if (!lines.run()) answers_as<op::log_softmax>::reference::run(c);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
