// SPDX-License-Identifier: Apache-2.0
#pragma once
// Quantize, Dequantize and Convert between floats (of 32 or 16 bits) and 8- or 16-bit data of one scale, and between
// encodings of 8 and 16 bits; Convert and Cast between floats of 32 and of 16 bits. On vectors V. The reference's bits.
//   quantize    to 8 bits: a block in fixed point (quantizer::blocks), where nothing lies close to a tie. Else vector by vector.
//               tflite: the float quotient, halves away from zero. Others: x * (1 / scale) in float decides the integer
//               unless a lane lies within 2^-13 of a tie; then the vector is divided in double, as the reference does.
//               For |x / scale| < 2^10 the product is wrong by less than 2^-13; beyond, 8-bit results saturate.
//               To 16 bits: divided in double
//   dequantize  (q + offset) is exact as a float: one multiplication rounds once, and once more to 16 bits
// Layer 5a.

#include "qnnx/kernel/conversion/reference.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// What AVX-512 and AVX2 do their own way with words of two halves, for quantizer.
namespace fixed_point {
QNNX_INLINE __m256i least_low_half(__m256i least, __m256i q) { return _mm256_min_epu16(least, _mm256_or_si256(q, _mm256_set1_epi32(-65536))); }
/// Whether one is at most `limit`.
QNNX_INLINE bool any_low_half(__m256i least, short limit) {
  const __m256i few = _mm256_min_epu16(least, _mm256_set1_epi16(limit));
  return _mm256_movemask_epi8(_mm256_cmpeq_epi16(few, least)) != 0;
}
/// The upper halves of four vectors as bytes in order, clamped.
template <bool Signed>
QNNX_INLINE __m256i high_halves(const __m256i (&q)[4], __m256i lo, __m256i hi) {
  const __m256i down[4] = {_mm256_srai_epi32(q[0], 16), _mm256_srai_epi32(q[1], 16), _mm256_srai_epi32(q[2], 16), _mm256_srai_epi32(q[3], 16)};
  return avx2_vectors::saturated_bytes<Signed>(down, _mm256_setzero_si256(), lo, hi);
}
#if QNNX_HAS_AVX512VNNI
QNNX_INLINE __m512i least_low_half(__m512i least, __m512i q) { return _mm512_mask_min_epu16(least, 0x55555555, least, q); }
QNNX_INLINE bool any_low_half(__m512i least, short limit) { return _mm512_cmple_epu16_mask(least, _mm512_set1_epi16(limit)) != 0; }
template <bool Signed>
QNNX_INLINE __m512i high_halves(const __m512i (&q)[4], __m512i lo, __m512i hi) {
#if QNNX_HAS_AVX512VBMI
  const auto two = [](__m512i a, __m512i b) { return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(a, 16), b); };
  const __m512i low = two(q[0], q[1]);  // by turns
  const __m512i high = two(q[2], q[3]);
  const __m512i all = Signed ? _mm512_packs_epi16(low, high) : _mm512_packus_epi16(low, high);
  // byte 16 v + 4 k + i is byte 16 k + 8 (v / 2) + 2 i + v % 2
  const __m512i order = _mm512_add_epi8(_mm512_set4_epi32(0x36343230, 0x26242220, 0x16141210, 0x06040200),
                                        _mm512_setr_epi32(0, 0, 0, 0, 0x01010101, 0x01010101, 0x01010101, 0x01010101, 0x08080808, 0x08080808, 0x08080808,
                                                          0x08080808, 0x09090909, 0x09090909, 0x09090909, 0x09090909));
  const __m512i bytes = _mm512_permutexvar_epi8(order, all);
  return avx512_vectors::min_bytes<Signed>(avx512_vectors::max_bytes<Signed>(bytes, lo), hi);
#else
  const __m512i down[4] = {_mm512_srai_epi32(q[0], 16), _mm512_srai_epi32(q[1], 16), _mm512_srai_epi32(q[2], 16), _mm512_srai_epi32(q[3], 16)};
  return avx512_vectors::saturated_bytes<Signed>(down, _mm512_setzero_si512(), lo, hi);
#endif
}
#endif
}  // namespace fixed_point

/// round(x / scale) as int32, within +-2^20.
template <class V>
class quantizer {
  using floats = typename V::floats;
  using doubles = typename V::doubles;
  using words = typename V::words;

 public:
  quantizer(float scale, rounding_mode mode) : scale_(scale), mode_(mode), inverse_(V::all(1.0f / scale)), inverts_(1.0f / scale <= 0x1.fffffep127f) {}
  QNNX_INLINE words operator()(floats x) const {
    x = number(x);
    if (mode_ == rounding_mode::tflite) return divided(x);
    if (!inverts_) [[unlikely]] return exact(x);
    const floats q = bounded(V::mul(x, inverse_));
    const floats whole = V::template rounded<_MM_FROUND_TO_NEAREST_INT>(q);
    if (V::any(close_to_tie(q, whole))) [[unlikely]] return exact(x);
    return V::to_words(whole);
  }
  /// For results of more than 10 bits.
  QNNX_INLINE words wide(floats x) const { return mode_ == rounding_mode::tflite ? divided(number(x)) : exact(number(x)); }

  /// As many blocks of four vectors as there are: bytes clamped to [lo, hi], stored values. In fixed point, 16 digits after
  /// the point: the upper half of a word is floor(x / scale + zero + 1/2 + 3 units). Where the result is not clamped, both
  /// |x / scale| and the sum are below 2^8 + 1, so the factor makes a word wrong by 1 unit, the sum's rounding by 1, and tflite's
  /// quotient, a float, by 1/2: another integer comes out only within 3 units of a tie, that is 6 units of the lower half from 0
  /// on. Such blocks are done again, one vector at a time. Words that do not fit have 0 there, of NaN too.
  template <class Real, class Byte>
  std::int64_t blocks(const Real* x, Byte* y, std::int64_t n, std::int32_t lo, std::int32_t hi, std::int32_t zero) const {
    if (zero != static_cast<Byte>(zero)) return 0;
    const floats factor = V::all(65536.0f / scale_);
    const floats start = V::all(static_cast<float>(zero * 65536 + 32768 + 3));
    const words low8 = V::all_bytes(lo);
    const words high8 = V::all_bytes(hi);
    std::int64_t i = 0;
    for (; i + V::byte_lanes <= n; i += V::byte_lanes) {
      words q[4];
      words least = V::all(-1);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        q[v] = V::to_words(V::fmadd(V::load(x + i + V::lanes * v), factor, start));
        least = fixed_point::least_low_half(least, q[v]);
      }
      words bytes = fixed_point::high_halves<std::is_signed_v<Byte>>(q, low8, high8);
      if (fixed_point::any_low_half(least, 6)) [[unlikely]] {
        for (int v = 0; v < 4; ++v)
          q[v] = V::add(V::min(V::max((*this)(V::load(x + i + V::lanes * v)), V::all(lo - zero)), V::all(hi - zero)), V::all(zero));
        bytes = V::low_bytes(q);
      }
      V::store_vector(y + i, bytes);
    }
    return i;
  }

 private:
  static QNNX_INLINE floats number(floats x) { return V::keep(V::template compare<_CMP_ORD_Q>(x, x), x); }  // NaN is 0
  static QNNX_INLINE floats bounded(floats v) { return V::min(V::max(v, V::all(-1048576.0f)), V::all(1048576.0f)); }
  static QNNX_INLINE auto close_to_tie(floats q, floats whole) {
    return V::template compare<_CMP_GT_OQ>(V::abs(V::sub(q, whole)), V::all(0.5f - 0x1p-13f));
  }
  /// TFLite's: the quotient is a float, halves go away from zero.
  QNNX_INLINE words divided(floats x) const {
    const floats q = bounded(V::div(x, V::all(scale_)));
    const floats whole = V::template rounded<_MM_FROUND_TO_ZERO>(q);
    const floats rest = V::sub(q, whole);
    const auto up = V::template compare<_CMP_GE_OQ>(V::abs(rest), V::all(0.5f));
    return V::to_words_truncated(V::select(up, V::add(whole, V::with_sign_of(V::all(1.0f), rest)), whole));
  }
  QNNX_INLINE words exact(floats x) const {
    const doubles low = rounded(V::low_half(x));
    const doubles high = rounded(V::high_half(x));
    return mode_ == rounding_mode::rne ? V::to_words(low, high) : V::to_words_truncated(low, high);
  }
  QNNX_INLINE doubles rounded(doubles x) const {
    const doubles q = V::min(V::max(V::div(x, V::all(static_cast<double>(scale_))), V::all(-1048576.0)), V::all(1048576.0));
    if (mode_ == rounding_mode::rne) return q;
    const doubles floor = V::template rounded<_MM_FROUND_TO_NEG_INF>(q);
    const auto up = V::template compare<_CMP_GE_OQ>(V::sub(q, floor), V::all(0.5));
    return V::select(up, V::add(floor, V::all(1.0)), floor);
  }
  float scale_;
  rounding_mode mode_;
  floats inverse_;
  bool inverts_;  // not for scales below 2^-128
};

template <class V, class T, class Part>
QNNX_INLINE typename V::words load_fixed(Part part, const typename T::storage* p) {
  if constexpr (bits_of(T::code) == 8) return V::template load_bytes<is_signed_fixed(T::code)>(part, p);
  else return V::template load_halves<is_signed_fixed(T::code)>(part, p);
}

template <class T>
inline constexpr bool is_byte_data = is_fixed_v<T> && bits_of(T::code) == 8;
template <class T>
inline constexpr bool is_narrow_data = is_byte_data<T> || is_half_data<T>;
template <class T>
inline constexpr bool is_real_type = std::is_same_v<T, types::f32> || std::is_same_v<T, types::f16>;
template <class Sig>
struct conversion_types;
template <class Out, class In>
struct conversion_types<Out(In)> {
  static constexpr bool quantizes = is_narrow_data<Out> && is_real_type<In>;
  static constexpr bool dequantizes = is_real_type<Out> && is_narrow_data<In>;
  static constexpr bool resizes = is_real_type<Out> && is_real_type<In> && !std::is_same_v<Out, In>;  // floats of 32 and 16 bits
  static constexpr bool rescales = is_narrow_data<Out> && is_narrow_data<In>;
};

template <class Op, class V>
struct conversion_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = conversion_types<Sig>::resizes || (!std::is_same_v<Op, op::cast> && (conversion_types<Sig>::quantizes || conversion_types<Sig>::dequantizes ||
                                                                                                       conversion_types<Sig>::rescales));

  template <class Call>
  static void run(const Call& c) {
    using In = typename Call::template in_type<0>;
    using kind = conversion_types<typename Call::out_type(In)>;
    const auto x = c.template in<0>();
    const auto y = c.out();
    if constexpr (kind::resizes) {
      V::each(y.size(), [&](std::int64_t i, auto part) { V::store(part, y.data + i, V::load(part, x.data + i)); });
    } else {
      run_scaled(c, x, y);
    }
  }

 private:
  template <class Call, class X, class Y>
  static void run_scaled(const Call& c, const X& x, const Y& y) {
    using In = typename Call::template in_type<0>;
    using Out = typename Call::out_type;
    using kind = conversion_types<Out(In)>;
    using words = typename V::words;
    if (x.q->scales || y.q->scales) return reference::run(c);
    if constexpr (is_half_data<In>)
      if (!has_real_zero(x)) return reference::run(c);
    if constexpr (is_half_data<Out>)
      if (!has_real_zero(y)) return reference::run(c);  // numbers and quotients have at most 17 bits
    const std::int32_t* w = c.constants();
    const std::int64_t n = y.size();
    if constexpr (kind::dequantizes) {
      const words offset = V::all(x.offset());
      const auto scale = V::all(x.scale());
      V::each(n, [&](std::int64_t i, auto part) {
        const words q = V::add(load_fixed<V, In>(part, x.data + i), offset);
        V::store(part, y.data + i, V::mul(V::to_floats(q), scale));
      });
    } else {
      const std::int32_t least = w[0] - y.zero();
      const std::int32_t most = w[1] - y.zero();
      const words lo = V::all(least);
      const words hi = V::all(most);
      const words zero = V::all(y.zero());
      const auto store = [&](std::int64_t i, auto part, words q) {
        const words cut = V::add(V::min(V::max(q, lo), hi), zero);
        if constexpr (is_half_data<Out>) V::store_low_halves(part, y.data + i, cut);
        else V::store_low_bytes(part, y.data + i, cut);
      };
      if constexpr (kind::quantizes && is_half_data<Out>) {
        const quantizer<V> quantize(y.scale(), c.rounding().mode());
        V::each(n, [&](std::int64_t i, auto part) { store(i, part, quantize.wide(V::load(part, x.data + i))); });
      } else if constexpr (kind::quantizes) {
        const quantizer<V> quantize(y.scale(), c.rounding().mode());
        const std::int64_t from = quantize.blocks(x.data, y.data, n, w[0], w[1], y.zero());
        V::each(n - from, [&](std::int64_t i, auto part) { store(from + i, part, quantize(V::load(part, x.data + from + i))); });
      } else {
        const vector_multiplier v = vector_form({w[2], w[3]}, c.rounding().mode());
        const words offset = V::all(x.offset());
        const auto each = [&](const auto& scale) {
          V::each(n, [&](std::int64_t i, auto part) { store(i, part, scale(V::add(load_fixed<V, In>(part, x.data + i), offset))); });
        };
        if (v.rne_fits) {
          const auto m = V::all(v.factor);
          each([&](words q) { return scale_rne(q, m); });
        } else if (v.shifted_fits) {
          each(typename shifted_scale_of<V::lanes>::type(V::all(v.mantissa), V::all(v.shift), c.rounding().mode() == rounding_mode::tflite));
        } else {
          bool done = false;
          if constexpr (is_half_data<In> || is_half_data<Out>)
            done = with_scale<V>({w[2], w[3]}, c.rounding().mode(), 0x1p16, each);
          if (!done) reference::run(c);
        }
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
