// SPDX-License-Identifier: Apache-2.0
#pragma once
// Vectors of 16-bit data as numbers: V::half_lanes values are two vectors of words, in the order in which pack_words
// packs them, or four of doubles. Doubles hold every sum and product of these kernels exactly, so that one instruction
// rounds them:
//   scaled_double  round(x M) for |x| < 2^53, M of 31 bits, |x M| < 2^51: a fused multiply-add with 1.5 * 2^52 rounds the
//                  exact product to even; halves go up by the sign of another, which is exact too
//   real_rounding  a real result by the model's policy, kept within +-2^30; a NaN gives 0
// Layer 5a.

#include "qnnx/kernel/x86/requantize.hpp"
#include "qnnx/kernel/x86/vectors_avx2.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class T>
inline constexpr bool is_half_data = is_fixed_v<T> && bits_of(T::code) == 16;

template <class Sig>
inline constexpr bool is_half_signature = std::is_same_v<Sig, types::u16(types::u16)> || std::is_same_v<Sig, types::s16(types::s16)>;

/// The numbers of one vector of 16-bit values.
template <class V>
struct two_words {
  typename V::words even, odd;
};
template <class V, bool Signed>
QNNX_INLINE two_words<V> numbers_of(typename V::words v) {
  const auto above = Signed ? V::signs_of_halves(v) : V::all(0);
  return {V::low_pairs(v, above), V::high_pairs(v, above)};
}

template <class V, bool Signed, class Part>
QNNX_INLINE two_words<V> load_numbers(Part part, const void* p) {
  return numbers_of<V, Signed>(V::load_vector(part, p));
}

/// Numbers cut to [lo, hi] and stored.
template <class V, bool Signed>
class number_writer {
  using words = typename V::words;

 public:
  number_writer(std::int32_t zero, std::int32_t lo, std::int32_t hi) : zero_(V::all(zero)), lo_(V::all_halves(lo)), hi_(V::all_halves(hi)) {}
  template <class Part>
  QNNX_INLINE void operator()(Part part, void* p, words even, words odd) const {
    const words packed = V::template pack_words<Signed>(V::add(even, zero_), V::add(odd, zero_));
    V::store_vector(part, p, V::template min_halves<Signed>(V::template max_halves<Signed>(packed, lo_), hi_));
  }

 private:
  words zero_, lo_, hi_;
};

/// mantissa * 2^exponent.
inline double value_of(multiplier m) {
  auto v = static_cast<double>(m.mantissa);
  for (std::int32_t e = m.exponent; e < 0; ++e) v *= 0.5;
  for (std::int32_t e = m.exponent; e > 0; --e) v *= 2;
  return v;
}
/// Whether products of numbers up to `most` with a multiplier stay in the range of words.
inline bool product_fits(multiplier m, double most) { return value_of(m) * most < 0x1p30; }

template <class V, bool Even>
QNNX_INLINE typename V::doubles scaled_double(typename V::doubles x, typename V::doubles m) {
  const auto magic = V::all(6755399441055744.0);  // 1.5 * 2^52
  const auto q = V::sub(V::fmadd(x, m, magic), magic);
  if constexpr (Even) return q;
  const auto up = V::template compare<_CMP_GE_OQ>(V::fmsub(x, m, V::add(q, V::all(0.5))), V::all(0.0));
  return V::select(up, V::add(q, V::all(1.0)), q);
}
/// f of the two halves of a vector of words, as doubles; its results rounded, as words.
template <class V, class F>
QNNX_INLINE typename V::words by_doubles(typename V::words x, F&& f) {
  return V::to_words(f(V::low_half(x)), f(V::high_half(x)));
}
template <class V, class F>
QNNX_INLINE typename V::words by_doubles(typename V::words x, typename V::words y, F&& f) {
  return V::to_words(f(V::low_half(x), V::low_half(y)), f(V::high_half(x), V::high_half(y)));
}

/// Calls f(scale), scale(words) being scale_accumulator() of 32 bits for words of at most `most`; false where it has no
/// vector form or results no word holds.
template <class V, class F>
bool with_scale(multiplier m, rounding_mode mode, double most, F&& f) {
  using words = typename V::words;
  using doubles = typename V::doubles;
  if (mode == rounding_mode::tflite) {
    const vector_multiplier v = vector_form(m, mode);
    if (!v.shifted_fits) return false;
    const typename shifted_scale_of<V::lanes>::type scale(V::all(v.mantissa), V::all(v.shift), true);
    f([&](words x) { return scale(x); });
    return true;
  }
  if (!product_fits(m, most)) return false;
  const doubles d = V::all(value_of(m));
  const auto made = [&]<bool Even>() {
    f([&](words x) { return by_doubles<V>(x, [&](doubles v) { return scaled_double<V, Even>(v, d); }); });
    return true;
  };
  return mode == rounding_mode::rne ? made.template operator()<true>() : made.template operator()<false>();
}

/// round_real().
template <class V>
class real_rounding {
  using doubles = typename V::doubles;

 public:
  explicit real_rounding(rounding_mode mode) : mode_(mode) {}
  QNNX_INLINE doubles operator()(doubles x) const {
    x = V::select(V::template compare<_CMP_ORD_Q>(x, x), x, V::all(0.0));
    x = V::min(V::max(x, V::all(-0x1p30)), V::all(0x1p30));
    if (mode_ == rounding_mode::rne) return x;  // what makes words of it rounds so
    if (mode_ == rounding_mode::tflite) {       // halves go away from zero
      const doubles whole = V::template rounded<_MM_FROUND_TO_ZERO>(x);
      const doubles rest = V::sub(x, whole);
      const auto away = V::template compare<_CMP_GE_OQ>(V::abs(rest), V::all(0.5));
      return V::select(away, V::add(whole, V::with_sign_of(V::all(1.0), rest)), whole);
    }
    const doubles floor = V::template rounded<_MM_FROUND_TO_NEG_INF>(x);
    const auto up = V::template compare<_CMP_GE_OQ>(V::sub(x, floor), V::all(0.5));
    return V::select(up, V::add(floor, V::all(1.0)), floor);
  }

 private:
  rounding_mode mode_;
};

/// The zero point is a value of the type: numbers have at most 17 bits.
template <class View>
bool has_real_zero(const View& v) {
  return -std::int64_t{v.offset()} >= min_value(View::type::code) && -std::int64_t{v.offset()} <= max_value(View::type::code);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
