// SPDX-License-Identifier: Apache-2.0
#pragma once
// The epilogue of kernel/epilogue.hpp on tiles of sums: bias is in; weight offset, scale, round, activation, residual,
// store. The same bits as `finish` for integers; floats as there, on floats. Packed constants per channel, in words
// of `packed_layout`: folded bias, factor, mantissa, shift, weight offset. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/x86/requantize.hpp"
#include "qnnx/kernel/x86/window_products.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class T>
inline constexpr bool is_byte_v = is_fixed_v<T> && bits_of(T::code) == 8;

/// Indices of the word arrays of packed 8-bit weights, packed_flags before them.
enum packed_word : int { bias_word = 0, factor_word = 1, mantissa_word = 2, shift_word = 3, offset_word = 4, packed_words = 5 };
#if QNNX_HAS_AVX2
/// Where float tiles go.
struct float_output {
  float* y = nullptr;
  const float* residual = nullptr;
  std::int64_t channels = 0;  // of a pixel
  epilogue epi{};
};

struct packed_flags {
  scaling how = scaling::scalar;
  bool weight_offset = false;
  bool ordered = false;  // depthwise: blocks of channels are in the order of depthwise_blocks.hpp
  bool bounded = false;  // scaling_choice
  bool quads = false;    // depthwise: units of channels are in the order of depthwise_quads.hpp
};

/// Where 8-bit tiles go.
struct byte_output {
  std::uint8_t* y = nullptr;
  const std::uint8_t* residual = nullptr;
  std::int64_t channels = 0;            // of a pixel
  std::int64_t first_pixel = 0;         // added to the pixels that tiles name
  std::int64_t group_channels = 0;      // of a channel group
  const std::byte* packed = nullptr;    // of the first channel group
  std::int64_t packed_step = 0;
  std::int64_t padded = 0;
  const std::int32_t* constants = nullptr;  // finish_constants
  rounding_mode mode = rounding_mode::rne;
  bool once = false;                    // TFLite's fully connected layers
  bool is_signed = false;
  bool vector = false;
  bool shares_memory = false;           // with the data that is still read
  std::int32_t zero = 0, mid_zero = 0, residual_offset = 0;
  const std::int32_t* data_sums = nullptr;  // per row of the tile, for weights with an offset
  // Results that have no vector form go through the reference's finish.
  void (*store)(const void* finish, std::int64_t index, std::int64_t channel, std::int32_t sum) = nullptr;
  const void* finish = nullptr;
};

/// MultiplyByQuantizedMultiplier of values below 2^30 by a multiplier <= 1.
template <int Lanes>
struct narrow_scale_of {
  using V = typename words_of<Lanes>::type;
  V mantissa, half, e;
  bool second = false;
  explicit narrow_scale_of(const std::int32_t* m)
      : mantissa(every<Lanes>(m[0])), half(every<Lanes>(m[1] < 0 ? 1 << (-m[1] - 1) : 0)), e(every<Lanes>(-m[1])), second(m[1] < 0) {}
  static bool fits(const std::int32_t* m) { return m[1] <= 0 && m[1] >= -30; }
  QNNX_INLINE V operator()(V x) const { return second ? scale_narrow(x, mantissa, half, e) : multiply_high(x, mantissa); }
};

/// Sum of two quantized 8-bit vectors (kernel/rescale.hpp), offsets added; without zero point and clamp.
template <int Lanes>
class vector_add_of {
 public:
  using V = typename words_of<Lanes>::type;
  vector_add_of(const std::int32_t* k, rounding_mode mode)
      : mode_(mode), a_(k), b_(k + 2), out_(k + 4), m0_(every<Lanes>(k[0])), m1_(every<Lanes>(k[2])),
        shift_(_mm_cvtsi32_si128(k[6])), nudge_(every<Lanes>(mode == rounding_mode::tflite ? 0 : (1 << (k[6] - 1)) - (mode == rounding_mode::rne))) {}
  /// Whether these constants have a vector form.
  static bool fits(const std::int32_t* k, rounding_mode mode) {
    using narrow = narrow_scale_of<Lanes>;
    if (mode == rounding_mode::tflite) return narrow::fits(k) && narrow::fits(k + 2) && narrow::fits(k + 4) && k[6] == 20;
    return k[6] >= 1 && k[6] <= 30;
  }
  QNNX_INLINE V operator()(V a, V b) const {
    if (mode_ == rounding_mode::tflite) return out_(plus(a_(up20(a)), b_(up20(b))));
    const V sum = plus(times(a, m0_), times(b, m1_));
    V nudge = nudge_;
    if (mode_ == rounding_mode::rne)  // half - 1, and one more where the floor is odd
      nudge = plus(nudge, common_bits(down(sum, shift_), every<Lanes>(1)));
    return down(plus(sum, nudge), shift_);
  }
  /// a - b.
  QNNX_INLINE V difference(V a, V b) const {
    if (mode_ == rounding_mode::tflite) return out_(minus(a_(up20(a)), b_(up20(b))));
    return (*this)(a, minus(every<Lanes>(0), b));
  }

 private:
  rounding_mode mode_;
  narrow_scale_of<Lanes> a_, b_, out_;
  V m0_, m1_;
  __m128i shift_;
  V nudge_;
};
using vector_add8 = vector_add_of<8>;

/// A vector of float sums, `left` of which are results, from element `at` on.
template <class A>
QNNX_INLINE void store_floats(const float_output& o, std::int64_t at, std::int64_t left, typename A::vec v) {
  if (o.residual) v = A::sum(A::activate(v, o.epi.mid_act, o.epi.mid_lo, o.epi.mid_hi), A::load_first(o.residual + at, left));
  A::store_most(o.y + at, A::activate(v, o.epi.act, o.epi.lo, o.epi.hi), left);
}

/// Whether all channel groups have plain results under rne: a scale and a clamp. `bounded`: packed_flags::bounded, too.
inline bool plain_results(const window_shape& s, const byte_output& o, const std::byte* packed, bool bounded = false) {
  if (!o.vector || o.residual) return false;
  for (std::int64_t g = 0; g < s.groups; ++g) {
    packed_flags flags;
    std::memcpy(&flags, packed + g * o.packed_step, sizeof flags);
    if (flags.weight_offset || flags.how != scaling::rne || (bounded && !flags.bounded)) return false;
  }
  return true;
}
/// Whether a channel group has weights with an offset.
inline bool any_weight_offset(const window_shape& s, const byte_output& o, const std::byte* packed) {
  for (std::int64_t g = 0; g < s.groups; ++g) {
    packed_flags flags;
    std::memcpy(&flags, packed + g * o.packed_step, sizeof flags);
    if (flags.weight_offset) return true;
  }
  return false;
}

using take_function = void (*)(const void*, const std::byte*, int, std::int64_t, std::int64_t, std::int64_t);
#endif

#if QNNX_HAS_AVX512VNNI
using narrow_scale = narrow_scale_of<16>;
using vector_add = vector_add_of<16>;

/// The low bytes of the lanes of two vectors, in the low half.
QNNX_INLINE __m512i low_bytes(__m512i a, __m512i b) {
#if QNNX_HAS_AVX512VBMI
  const __m512i every_fourth = _mm512_set_epi64(0, 0, 0, 0, 0x7c7874706c686460, 0x5c5854504c484440, 0x3c3834302c282420, 0x1c1814100c080400);
  return _mm512_permutex2var_epi8(a, every_fourth, b);
#else
  return _mm512_castsi256_si512(_mm256_set_m128i(_mm512_cvtepi32_epi8(b), _mm512_cvtepi32_epi8(a)));
#endif
}

/// Sums of plain results (no residual) as clamped bytes. Each 32-bit lane's low byte is the result less the zero point,
/// the rest of it is not looked at: under rne it is the sum of the magic constant of scale_rne and the value, and the
/// clamp is one of integers, which order as those floats do. `other`: the roundings with shifts.
struct byte_scale {
  __m512i lo, hi, zero;
  scaling how;
  bool twice;  // tflite's two roundings
  QNNX_INLINE byte_scale(scaling scale, const byte_output& o) : how(scale), twice(o.mode == rounding_mode::tflite && !o.once) {
    const std::int32_t magic = how == scaling::rne ? magic_bits : 0;
    lo = _mm512_set1_epi32(magic + o.constants[0] - o.zero);
    hi = _mm512_set1_epi32(magic + o.constants[1] - o.zero);
    zero = _mm512_set1_epi8(static_cast<char>(o.zero));
  }
  QNNX_INLINE __m512i clamped(__m512i q) const { return _mm512_min_epi32(_mm512_max_epi32(q, lo), hi); }
  QNNX_INLINE __m512i rne(__m512i sum, __m512 factor) const {
    return clamped(_mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), factor, _mm512_set1_ps(12582912.0f))));
  }
  QNNX_INLINE __m512i other(__m512i sum, __m512i mantissa, __m512i factor, __m512i shift) const {
    return clamped(how == scaling::narrow ? scale_narrow(sum, mantissa, factor, shift) : shifted_scale(mantissa, shift, twice)(sum));
  }
  /// The results of two vectors, in the low half.
  QNNX_INLINE __m512i bytes(__m512i a, __m512i b) const { return _mm512_add_epi8(low_bytes(a, b), zero); }
  /// The results of four vectors.
  QNNX_INLINE __m512i bytes(__m512i a, __m512i b, __m512i c, __m512i d) const {
    return _mm512_add_epi8(_mm512_inserti64x4(low_bytes(a, b), _mm512_castsi512_si256(low_bytes(c, d)), 1), zero);
  }

 private:
  static constexpr std::int32_t magic_bits = 0x4b400000;  // 12582912.0f
};

/// Rows of plain results (no residual, no weight offset). scale(sum, vector) gives clamped values for `done`.
template <class Scale>
QNNX_INLINE void take_plain(const byte_output& o, const byte_scale& done, const std::int32_t* acc, int rows, std::int64_t pixel, std::int64_t channel, std::int64_t count, Scale&& scale) {
  std::uint8_t* to = o.y + pixel * o.channels + channel;
  if (count > 16) {
    const __mmask64 mask = count >= 64 ? ~0ull : (1ull << count) - 1;
    for (int r = 0; r < rows; ++r, acc += 64, to += o.channels) {
      const __m512i a = scale(_mm512_loadu_si512(acc), 0);
      const __m512i b = scale(_mm512_loadu_si512(acc + 16), 1);
      if (count > 32) _mm512_mask_storeu_epi8(to, mask, done.bytes(a, b, scale(_mm512_loadu_si512(acc + 32), 2), scale(_mm512_loadu_si512(acc + 48), 3)));
      else _mm256_mask_storeu_epi8(to, static_cast<__mmask32>(mask), _mm512_castsi512_si256(done.bytes(a, b)));
    }
    return;
  }
  const auto mask = static_cast<__mmask16>(count == 16 ? 0xffff : (1u << count) - 1);
  for (int r = 0; r < rows; r += 4, acc += 256, to += 4 * o.channels) {
    const __m512i q = done.bytes(scale(_mm512_loadu_si512(acc), 0), scale(_mm512_loadu_si512(acc + 64), 0), scale(_mm512_loadu_si512(acc + 128), 0),
                                 scale(_mm512_loadu_si512(acc + 192), 0));
    if (count == 16 && o.channels == 16 && rows - r >= 4) {
      _mm512_storeu_si512(to, q);
      continue;
    }
    _mm_mask_storeu_epi8(to, mask, _mm512_castsi512_si128(q));
    if (rows - r > 1) _mm_mask_storeu_epi8(to + o.channels, mask, _mm512_extracti32x4_epi32(q, 1));
    if (rows - r > 2) _mm_mask_storeu_epi8(to + 2 * o.channels, mask, _mm512_extracti32x4_epi32(q, 2));
    if (rows - r > 3) _mm_mask_storeu_epi8(to + 3 * o.channels, mask, _mm512_extracti32x4_epi32(q, 3));
  }
}

/// Plain, bounded results under rne, finished in registers, four vectors at a time. Saturating packs are the clamp to the
/// bounds of the type.
struct finish_bytes {
  __m512 magic = _mm512_set1_ps(12582912.0f);
  __m512i less_magic, lo, hi;
  std::uint8_t* to;
  std::int64_t channels;
  const std::byte* factors;
  __mmask64 mask;
  bool contiguous;  // one vector of channels is a pixel
  bool clamps;      // to other bounds than the type's
  bool is_signed;
  QNNX_INLINE explicit finish_bytes(const detail::tile_input& in) : finish_bytes(in, *static_cast<const byte_output*>(in.finish)) {}
  QNNX_INLINE finish_bytes(const detail::tile_input& in, const byte_output& o)
      : channels(o.channels), mask(in.channels >= 64 ? ~0ull : (1ull << in.channels) - 1), contiguous(o.channels == 16 && in.channels == 16),
        clamps(o.constants[1] - o.constants[0] < 255), is_signed(o.is_signed) {
    less_magic = _mm512_set1_epi32(0x4b400000 - o.zero);  // the bits of the constant
    lo = _mm512_set1_epi16(static_cast<short>(o.constants[0]));
    hi = _mm512_set1_epi16(static_cast<short>(o.constants[1]));
    const std::int64_t g = o.group_channels == o.channels ? 0 : in.channel / o.group_channels;
    to = o.y + (o.first_pixel + in.pixel) * o.channels + in.channel;
    factors = o.packed + g * o.packed_step + 64 + (factor_word * o.padded + in.channel - g * o.group_channels) * 4;
  }
  template <int Rows, int Vectors>
  QNNX_INLINE void block(const __m512i (&acc)[Rows][Vectors], std::int64_t row) const {
    constexpr int rows = Vectors == 1 ? 4 : Vectors == 2 ? 2 : 1;  // of 64 bytes
    std::uint8_t* at = to + row * channels;
#pragma GCC unroll 8
    for (int r = 0; r < Rows; r += rows, at += rows * channels) {
      __m512i q[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const bool there = i / Vectors < rows && r + i / Vectors < Rows;
        q[i] = there ? scaled(acc[there ? r + i / Vectors : r][i % Vectors], i % Vectors) : q[i - 1];
      }
      store<Vectors, Rows < rows ? 1 : rows>(at, bytes(q[0], q[1], q[2], q[3]));
    }
  }

 private:
  QNNX_INLINE __m512i scaled(__m512i sum, int v) const {
    return _mm512_sub_epi32(_mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_loadu_ps(factors + 64 * v), magic)), less_magic);
  }
  QNNX_INLINE __m512i bytes(__m512i a, __m512i b, __m512i c, __m512i d) const {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i low = _mm512_packs_epi32(a, b);
    __m512i high = _mm512_packs_epi32(c, d);
    if (clamps) {
      low = _mm512_min_epi16(_mm512_max_epi16(low, lo), hi);
      high = _mm512_min_epi16(_mm512_max_epi16(high, lo), hi);
    }
    return _mm512_permutexvar_epi32(order, is_signed ? _mm512_packs_epi16(low, high) : _mm512_packus_epi16(low, high));
  }
  /// The rows of a vector of 64 bytes.
  template <int Vectors, int Rows>
  QNNX_INLINE void store(std::uint8_t* at, __m512i q) const {
    if constexpr (Vectors > 2) {
      _mm512_mask_storeu_epi8(at, mask, q);
    } else if constexpr (Vectors == 2) {
      _mm256_mask_storeu_epi8(at, static_cast<__mmask32>(mask), _mm512_castsi512_si256(q));
      if constexpr (Rows > 1) _mm256_mask_storeu_epi8(at + channels, static_cast<__mmask32>(mask), _mm512_extracti64x4_epi64(q, 1));
    } else {
      if (Rows == 4 && contiguous) return _mm512_storeu_si512(at, q);
      const auto few = static_cast<__mmask16>(mask);
      _mm_mask_storeu_epi8(at, few, _mm512_castsi512_si128(q));
      if constexpr (Rows == 4) {
        _mm_mask_storeu_epi8(at + channels, few, _mm512_extracti32x4_epi32(q, 1));
        _mm_mask_storeu_epi8(at + 2 * channels, few, _mm512_extracti32x4_epi32(q, 2));
        _mm_mask_storeu_epi8(at + 3 * channels, few, _mm512_extracti32x4_epi32(q, 3));
      }
    }
  }
};

inline void take_bytes(const void* self, const std::byte* sums, int rows, std::int64_t pixel, std::int64_t channel, std::int64_t count) {
  const auto& o = *static_cast<const byte_output*>(self);
  const std::int64_t g = channel / o.group_channels;
  const std::byte* packed = o.packed + g * o.packed_step;
  pixel += o.first_pixel;
  const auto& flags = *reinterpret_cast<const packed_flags*>(packed);
  const auto* acc = reinterpret_cast<const std::int32_t*>(sums);
  const auto words = [&](int i, std::int64_t at) { return _mm512_loadu_si512(packed + 64 + (i * o.padded + at) * 4); };
  const std::int64_t in_group = channel - g * o.group_channels;
  const bool residual = o.residual != nullptr;
  const std::int32_t* k = o.constants;
  if (o.vector && !residual && (flags.how == scaling::rne || flags.how == scaling::narrow)) {
    if (flags.weight_offset) {  // added in the sums, which are this tile's own
      auto* own = const_cast<std::int32_t*>(acc);
      for (std::int64_t v = 0; v < count; v += 16) {
        const __m512i offset = words(offset_word, in_group + v);
        for (int r = 0; r < rows; ++r)
          _mm512_storeu_si512(own + r * 64 + v, _mm512_add_epi32(_mm512_loadu_si512(own + r * 64 + v), _mm512_mullo_epi32(offset, _mm512_set1_epi32(o.data_sums[r]))));
      }
    }
    // constants of vectors beyond the last are read from the last: their results are not stored
    const std::int64_t last = (count - 1) / 16 * 16;
    const auto at = [&](int v) { return in_group + (16 * v < last ? 16 * v : last); };
    const byte_scale done(flags.how, o);
    if (flags.how == scaling::rne) {
      const __m512i m[4] = {words(factor_word, at(0)), words(factor_word, at(1)), words(factor_word, at(2)), words(factor_word, at(3))};
      return take_plain(o, done, acc, rows, pixel, channel, count, [&](__m512i sum, int v) { return done.rne(sum, _mm512_castsi512_ps(m[v])); });
    }
    const __m512i m[4] = {words(mantissa_word, at(0)), words(mantissa_word, at(1)), words(mantissa_word, at(2)), words(mantissa_word, at(3))};
    const __m512i half[4] = {words(factor_word, at(0)), words(factor_word, at(1)), words(factor_word, at(2)), words(factor_word, at(3))};
    const __m512i e[4] = {words(shift_word, at(0)), words(shift_word, at(1)), words(shift_word, at(2)), words(shift_word, at(3))};
    return take_plain(o, done, acc, rows, pixel, channel, count, [&](__m512i sum, int v) { return done.clamped(scale_narrow(sum, m[v], half[v], e[v])); });
  }
  // clamp(q + zero, lo, hi) = clamp(q, lo - zero, hi - zero) + zero, which does not wrap
  const std::int32_t first_zero = residual ? o.mid_zero : o.zero;
  const __m512i lo = _mm512_set1_epi32((residual ? k[2] : k[0]) - first_zero);
  const __m512i hi = _mm512_set1_epi32((residual ? k[3] : k[1]) - first_zero);
  const __m512i zero = _mm512_set1_epi32(o.zero);
  const vector_add add(k + 4, residual ? o.mode : rounding_mode::tflite);
  for (std::int64_t v = 0; v < count; v += 16) {
    const auto mask = static_cast<__mmask16>(count - v >= 16 ? 0xffff : (1u << (count - v)) - 1);
    const std::int64_t at = in_group + v;
    __m512i sum[batch_rows];
    for (int r = 0; r < rows; ++r) sum[r] = _mm512_loadu_si512(acc + r * 64 + v);
    if (flags.weight_offset) {
      const __m512i offset = words(offset_word, at);
      for (int r = 0; r < rows; ++r) sum[r] = _mm512_add_epi32(sum[r], _mm512_mullo_epi32(offset, _mm512_set1_epi32(o.data_sums[r])));
    }
    if (!o.vector || flags.how == scaling::scalar) {
      alignas(64) std::int32_t plain[16];
      for (int r = 0; r < rows; ++r) {
        _mm512_store_si512(plain, sum[r]);
        for (std::int64_t j = 0; j < 16 && v + j < count; ++j)
          o.store(o.finish, (pixel + r) * o.channels + channel + v + j, channel + v + j, plain[j]);
      }
      continue;
    }
    if (flags.how == scaling::rne) {
      const __m512 m = _mm512_castsi512_ps(words(factor_word, at));
      for (int r = 0; r < rows; ++r) sum[r] = scale_rne(sum[r], m);
    } else if (flags.how == scaling::narrow) {
      const __m512i mantissa = words(mantissa_word, at);
      const __m512i half = words(factor_word, at);
      const __m512i e = words(shift_word, at);
      for (int r = 0; r < rows; ++r) sum[r] = scale_narrow(sum[r], mantissa, half, e);
    } else {
      const shifted_scale scale(words(mantissa_word, at), words(shift_word, at), o.mode == rounding_mode::tflite && !o.once);
      for (int r = 0; r < rows; ++r) sum[r] = scale(sum[r]);
    }
    for (int r = 0; r < rows; ++r) {
      __m512i q = _mm512_min_epi32(_mm512_max_epi32(sum[r], lo), hi);
      std::uint8_t* to = o.y + (pixel + r) * o.channels + channel + v;
      if (residual) {
        const __m128i bytes = _mm_maskz_loadu_epi8(mask, o.residual + (to - o.y));
        const __m512i other = _mm512_add_epi32(o.is_signed ? _mm512_cvtepi8_epi32(bytes) : _mm512_cvtepu8_epi32(bytes), _mm512_set1_epi32(o.residual_offset));
        q = _mm512_min_epi32(_mm512_max_epi32(add(q, other), _mm512_set1_epi32(k[0] - o.zero)), _mm512_set1_epi32(k[1] - o.zero));
      }
      q = _mm512_add_epi32(q, zero);
      _mm_mask_storeu_epi8(to, mask, _mm512_cvtepi32_epi8(q));
    }
  }
}
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
