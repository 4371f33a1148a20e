// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax of 16-bit data along the last axis on vectors V, the reference's bits.
//   rne, half_up, and tflite of other encodings   exponentials in doubles (relative errors below 2^-41), their sum, and
//       quotients in output steps, below 2^17 of them: wrong by less than 2^-23. A row with one that lies within 2^-18 of
//       a tie is summed as the reference does, and such elements are its quotients
//   tflite   its interpolated table of exponentials, two neighbours in one gathered word
// A row is read whole before it is written: it may stand where the data was. Layer 5a.

#include "qnnx/kernel/softmax/reference.hpp"
#include "qnnx/kernel/x86/finish_16.hpp"
#include "qnnx/kernel/x86/halves.hpp"
#include "qnnx/kernel/x86/real_functions.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V, class Call>
class softmax_of_halves {
  using T = typename Call::out_type;
  using storage = typename T::storage;
  using words = typename V::words;
  using doubles = typename V::doubles;
  static constexpr bool is_signed = is_signed_fixed(T::code);
  static constexpr double window = 0x1p-18;

 public:
  static constexpr std::int64_t scratch_bytes(std::int64_t count) { return (count + V::half_lanes - 1) / V::half_lanes * V::half_lanes * 8; }

  softmax_of_halves(const Call& c, std::int64_t count) : c_(c), count_(count) {}
  /// False: the reference has to do it.
  bool run() const {
    const auto x = c_.template in<0>();
    const auto y = c_.out();
    if (!has_real_zero(x) || !has_real_zero(y) || !(c_.params().beta >= 0)) return false;
    if constexpr (is_signed) {
      if (c_.rounding().mode() == rounding_mode::tflite && y.offset() == 0 && y.scale() == 1.0f / 32768) {
        const multiplier m = split_q31(static_cast<double>(x.scale() * c_.params().beta) / (10.0 / 65535.0));
        const vector_multiplier v = vector_form(m, rounding_mode::tflite);
        if (!v.shifted_fits) return false;
        const typename shifted_scale_of<V::lanes>::type scale(V::all(v.mantissa), V::all(v.shift), true);
        for (std::int64_t at = 0; at < y.size(); at += count_) tflite_row(x.data + at, y.data + at, scale);
        return true;
      }
    }
    for (std::int64_t at = 0; at < y.size(); at += count_) row(x.data + at, y.data + at);
    return true;
  }

 private:
  std::int32_t largest(const storage* x) const {
    words best = V::all_halves(is_signed ? -32768 : 0);
    V::each_halves(count_, [&](std::int64_t i, auto part) {
      best = V::select_bytes(part, V::template max_halves<is_signed>(best, V::load_vector(part, x + i)), best);
    });
    constexpr std::int32_t turn = is_signed ? 0x7fff : 0xffff;  // so that the smallest is asked for
    return static_cast<std::int32_t>(static_cast<storage>(V::smallest_half(V::xor_bits(best, V::all_halves(turn))) ^ turn));
  }
  /// The elements that the last block of a row lacks are 0.
  template <class Number>
  void clear_rest(Number* block, std::int64_t from) const {
    for (std::int64_t j = count_ - from; j < V::half_lanes; ++j) block[place_of<V>(j)] = 0;
  }

  void row(const storage* x, storage* y) const {
    auto* made = reinterpret_cast<double*>(c_.scratch());
    const auto in = c_.template in<0>();
    const std::int32_t top = largest(x);
    const words most = V::all(top);
    const doubles step = V::all(static_cast<double>(in.scale()) * static_cast<double>(c_.params().beta));
    doubles sums = V::all(0.0);
    V::each_halves(count_, [&](std::int64_t i, auto part) {
      const two_words<V> q = load_numbers<V, is_signed>(part, x + i);
      const words even = V::sub(q.even, most), odd = V::sub(q.odd, most);
      const auto put = [&](int k, doubles d) { V::store(made + i + k * V::double_lanes, exp_vector<V>(V::mul(d, step))); };
      put(0, V::low_half(even)), put(1, V::high_half(even)), put(2, V::low_half(odd)), put(3, V::high_half(odd));
      if (count_ - i < V::half_lanes) clear_rest(made + i, i);
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) sums = V::add(sums, V::load(made + i + k * V::double_lanes));
    });
    const auto out = c_.out();
    const doubles share = V::all(1.0 / (V::total(sums) * static_cast<double>(out.scale())));
    bool open = false;
    for (std::int64_t i = 0; i < scratch_bytes(count_) / 8; i += V::double_lanes) {
      const doubles v = V::min(V::mul(V::load(made + i), share), V::all(0x1p20));
      const doubles apart = V::abs(V::sub(v, V::template rounded<_MM_FROUND_TO_NEAREST_INT>(v)));
      open |= V::any(V::template compare<_CMP_GE_OQ>(apart, V::all(0.5 - window)));
      V::store(made + i, v);
    }
    if (open) [[unlikely]] settle(x, made, top);
    const number_writer<V, is_signed> write(out.zero(), static_cast<std::int32_t>(min_value(T::code)), static_cast<std::int32_t>(max_value(T::code)));
    V::each_halves(count_, [&](std::int64_t i, auto part) {
      const auto v = [&](int k) { return V::load(made + i + k * V::double_lanes); };
      write(part, y + i, V::to_words(v(0), v(1)), V::to_words(v(2), v(3)));
    });
  }
  /// Where a quotient is close to a tie: the reference's.
  QNNX_NOINLINE void settle(const storage* x, double* made, std::int32_t top) const {
    const auto in = c_.template in<0>();
    const auto out = c_.out();
    const auto real = [&](std::int32_t q) { return (static_cast<double>(q) + static_cast<double>(in.offset())) * static_cast<double>(in.scale()); };
    const auto exponential = [&](std::int64_t i) {
      return math::exp((real(static_cast<std::int32_t>(x[i])) - real(top)) * static_cast<double>(c_.params().beta));
    };
    double sum = 0;
    for (std::int64_t i = 0; i < count_; ++i) sum += exponential(i);
    for (std::int64_t i = 0; i < count_; ++i) {
      double& v = made[i / V::half_lanes * V::half_lanes + place_of<V>(i % V::half_lanes)];
      if (math::abs(v - math::round_even(v)) < 0.5 - window) continue;
      v = static_cast<double>(clamp<std::int64_t>(round_real(exponential(i) / sum / static_cast<double>(out.scale()), c_.rounding()), 0, 1 << 20));
    }
  }

  template <class Scale>
  void tflite_row(const storage* x, storage* y, const Scale& scale) const {
    auto* made = reinterpret_cast<std::int32_t*>(c_.scratch());
    const words most = V::all(largest(x));
    const auto exponential = [&](words q) {
      const words at = V::min(V::max(V::add(scale(V::sub(q, most)), V::all(32767)), V::all(-32768)), V::all(32767));
      const words place = V::add(V::shifted_right(at, _mm_cvtsi32_si128(7)), V::all(256));
      const auto* table = reinterpret_cast<const std::uint16_t*>(tflite::softmax_tables<>::exponential.data());
      const words two = V::gather_at_halves(table, place), sixteen = V::all(16);
      const words low = V::shifted_right(V::shifted_left(two, 16), sixteen), rise = V::sub(V::shifted_right(two, sixteen), low);
      const words along = V::add(V::mul(rise, V::and_bits(at, V::all(0x7f))), V::all(64));
      return V::add(low, V::shifted_right(along, _mm_cvtsi32_si128(7)));
    };
    words sums = V::all(0);
    V::each_halves(count_, [&](std::int64_t i, auto part) {
      const two_words<V> q = load_numbers<V, is_signed>(part, x + i);
      V::store(made + i, exponential(q.even)), V::store(made + i + V::lanes, exponential(q.odd));
      if (count_ - i < V::half_lanes) clear_rest(made + i, i);
      sums = V::add(sums, V::add(V::load(made + i), V::load(made + i + V::lanes)));
    });
    const auto sum = static_cast<std::int32_t>(V::total(V::add(V::low_half(sums), V::high_half(sums))));
    const tflite::softmax_scale_16 share(sum);
    const words by = V::all(share.reciprocal), half = V::all(1 << (share.shift - 1));
    const __m128i right = _mm_cvtsi32_si128(share.shift);
    const number_writer<V, is_signed> write(0, 0, 32767);
    V::each_halves(count_, [&](std::int64_t i, auto part) {
      const auto q = [&](int k) { return V::shifted_right(V::add(V::mul(V::load(made + i + k * V::lanes), by), half), right); };
      write(part, y + i, q(0), q(1));
    });
  }

  const Call& c_;
  std::int64_t count_;
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
