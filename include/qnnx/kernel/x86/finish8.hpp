// SPDX-License-Identifier: Apache-2.0
#pragma once
// finish.hpp's 8-bit half in vectors of 8 sums (AVX2), two of them a row: 16 channels. The same bits. Values are made
// as bytes without sign (signed results + 128, whose sign bit is flipped back at last), so that two saturating packs
// do what is left of the clamp. Layer 5a.

#include "qnnx/kernel/x86/finish.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// The first n <= 16 bytes of a vector.
QNNX_INLINE void store_bytes(std::uint8_t* to, __m128i v, std::int64_t n) {
  if (n >= 16) return _mm_storeu_si128(reinterpret_cast<__m128i*>(to), v);
  alignas(16) std::uint8_t all[16];
  _mm_store_si128(reinterpret_cast<__m128i*>(all), v);
  if (n >= 8) {  // two pieces that overlap
    std::memcpy(to, all, 8);
    std::memcpy(to + n - 8, all + n - 8, 8);
  } else if (n >= 4) {
    std::memcpy(to, all, 4);
    std::memcpy(to + n - 4, all + n - 4, 4);
  } else {
    for (std::int64_t i = 0; i < n; ++i) to[i] = all[i];
  }
}

/// Sums of plain results (no residual) as bytes.
struct byte_scale8 {
  __m256i add;          // what a rounded value lacks to the byte
  __m256i less_magic;   // the same for one that still has the constant of scale_rne
  __m128i lo, hi, flip;
  scaling how;
  bool twice;  // tflite's two roundings

  QNNX_INLINE byte_scale8(scaling scale, const byte_output& o) : how(scale), twice(o.mode == rounding_mode::tflite && !o.once) {
    const int sign = o.is_signed ? 128 : 0;
    add = _mm256_set1_epi32(o.zero + sign);
    less_magic = _mm256_set1_epi32(magic_bits - o.zero - sign);
    lo = _mm_set1_epi8(static_cast<char>(o.constants[0] + sign));
    hi = _mm_set1_epi8(static_cast<char>(o.constants[1] + sign));
    flip = _mm_set1_epi8(static_cast<char>(sign));
  }
  QNNX_INLINE __m256i rne(__m256i sum, __m256 factor) const {
    const __m256i lowest = _mm256_castps_si256(_mm256_set1_ps(12582912.0f - 4194304.0f));
    const __m256i q = _mm256_castps_si256(_mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), factor, _mm256_set1_ps(12582912.0f)));
    return _mm256_sub_epi32(_mm256_max_epi32(q, lowest), less_magic);
  }
  /// A rounded value, of which no more than the sign need be right beyond 2^24.
  QNNX_INLINE __m256i value(__m256i q) const { return _mm256_add_epi32(_mm256_min_epi32(q, _mm256_set1_epi32(1 << 24)), add); }
  QNNX_INLINE __m256i other(__m256i sum, __m256i mantissa, __m256i factor, __m256i shift) const {
    return value(how == scaling::narrow ? scale_narrow(sum, mantissa, factor, shift) : shifted_scale8(mantissa, shift, twice)(sum));
  }
  /// The results of two vectors.
  QNNX_INLINE __m128i bytes(__m256i a, __m256i b) const {
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
    const __m128i q = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    return _mm_xor_si128(_mm_min_epu8(_mm_max_epu8(q, lo), hi), flip);
  }
  /// The results of four vectors.
  QNNX_INLINE __m256i bytes(__m256i a, __m256i b, __m256i c, __m256i d) const {
    const __m256i words = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));  // halves of vectors by turns
    const __m256i q = _mm256_permutevar8x32_epi32(words, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    const auto both = [](__m128i v) { return _mm256_broadcastsi128_si256(v); };
    return _mm256_xor_si256(_mm256_min_epu8(_mm256_max_epu8(q, both(lo)), both(hi)), both(flip));
  }

 private:
  static constexpr std::int32_t magic_bits = 0x4b400000;  // 12582912.0f
};

/// Plain results under rne, finished in registers.
struct finish_bytes8 {
  byte_scale8 scale;
  std::uint8_t* to;
  std::int64_t channels, count;
  const std::byte* factors;
  QNNX_INLINE explicit finish_bytes8(const detail::tile_input& in) : finish_bytes8(in, *static_cast<const byte_output*>(in.finish)) {}
  QNNX_INLINE finish_bytes8(const detail::tile_input& in, const byte_output& o) : scale(scaling::rne, o), channels(o.channels), count(in.channels) {
    const std::int64_t g = o.group_channels == o.channels ? 0 : in.channel / o.group_channels;
    to = o.y + (o.first_pixel + in.pixel) * o.channels + in.channel;
    factors = o.packed + g * o.packed_step + 64 + (factor_word * o.padded + in.channel - g * o.group_channels) * 4;
  }
  template <int Vectors>
  QNNX_INLINE void store(const __m256i (&acc)[Vectors], std::int64_t row) const {
    __m256i q[Vectors];
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) q[v] = scaled(acc[v], v);
    store_bytes(to + row * channels, scale.bytes(q[0], q[Vectors - 1]), count);
  }
  /// A tile, through memory and in a function of its own: what finishing keeps in registers, g++ takes from the sums.
  template <int Rows, int Vectors>
  QNNX_INLINE void block(const __m256i (&acc)[Rows][Vectors], std::int64_t row) const {
    alignas(32) __m256i sums[Rows][Vectors];
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < Vectors; ++v) _mm256_store_si256(&sums[r][v], acc[r][v]);
    store_rows<Rows, Vectors>(sums, row);
  }
  template <int Rows, int Vectors>
  QNNX_NOINLINE void store_rows(const __m256i (&sums)[Rows][Vectors], std::int64_t row) const {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; r += 2) {
      if (r + 1 < Rows) store_two<Vectors>(sums[r], sums[r + 1 < Rows ? r + 1 : r], row + r);
      else store<Vectors>(sums[r], row + r);
    }
  }
  /// Two rows.
  template <int Vectors>
  QNNX_INLINE void store_two(const __m256i (&a)[Vectors], const __m256i (&b)[Vectors], std::int64_t row) const {
    std::uint8_t* at = to + row * channels;
    if constexpr (Vectors == 1) {
      const __m128i q = scale.bytes(scaled(a[0], 0), scaled(b[0], 0));
      store_bytes(at, q, count);
      store_bytes(at + channels, _mm_unpackhi_epi64(q, q), count);
    } else {
      const __m256i q = scale.bytes(scaled(a[0], 0), scaled(a[1], 1), scaled(b[0], 0), scaled(b[1], 1));
      store_bytes(at, _mm256_castsi256_si128(q), count);
      store_bytes(at + channels, _mm256_extracti128_si256(q, 1), count);
    }
  }

 private:
  QNNX_INLINE __m256i scaled(__m256i sum, int v) const { return scale.rne(sum, _mm256_loadu_ps(reinterpret_cast<const float*>(factors + 32 * v))); }
};

/// The sums of tiles: [rows][16], `count` of the 16 exist.
inline void take_bytes8(const void* self, const std::byte* sums, int rows, std::int64_t pixel, std::int64_t channel, std::int64_t count) {
  const auto& o = *static_cast<const byte_output*>(self);
  const std::int64_t g = channel / o.group_channels;
  const std::byte* packed = o.packed + g * o.packed_step;
  const std::int64_t in_group = channel - g * o.group_channels;
  packed_flags flags;
  std::memcpy(&flags, packed, sizeof flags);
  const int vectors = count > 8 ? 2 : 1;
  // of two vectors of channels; the second is the first where there is none
  const auto words = [&](int i, int v) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(packed + 64 + (i * o.padded + in_group + 8 * (v < vectors ? v : 0)) * 4));
  };
  const __m256i offset[2] = {words(offset_word, 0), words(offset_word, 1)};
  const auto sum_of = [&](int r, int v) {
    const __m256i sum = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + (r * 16 + 8 * v) * 4));
    return flags.weight_offset ? _mm256_add_epi32(sum, _mm256_mullo_epi32(offset[v], _mm256_set1_epi32(o.data_sums[r]))) : sum;
  };
  std::uint8_t* to = o.y + (pixel + o.first_pixel) * o.channels + channel;
  if (!o.vector || flags.how == scaling::scalar) {
    alignas(32) std::int32_t plain[16];
    for (int r = 0; r < rows; ++r) {
      for (int v = 0; v < vectors; ++v) _mm256_store_si256(reinterpret_cast<__m256i*>(plain + 8 * v), sum_of(r, v));
      for (std::int64_t j = 0; j < count; ++j) o.store(o.finish, (to - o.y) + r * o.channels + j, channel + j, plain[j]);
    }
    return;
  }
  const byte_scale8 done(flags.how, o);
  const std::int32_t* k = o.constants;
  const bool residual = o.residual != nullptr;
  const vector_add8 add(k + 4, residual ? o.mode : rounding_mode::tflite);
  // clamp(q + zero, lo, hi) = clamp(q, lo - zero, hi - zero) + zero, which does not wrap
  const __m256i lo = _mm256_set1_epi32(residual ? k[2] - o.mid_zero : 0);
  const __m256i hi = _mm256_set1_epi32(residual ? k[3] - o.mid_zero : 0);
  const __m256i other_offset = _mm256_set1_epi32(o.residual_offset);
  const auto finish_rows = [&](auto&& rounded) __attribute__((always_inline)) {
    for (int r = 0; r < rows; ++r, to += o.channels) {
      __m256i q[2] = {};
      if (residual) {
        alignas(16) std::uint8_t other[16];
        std::memcpy(other, o.residual + (to - o.y), static_cast<std::size_t>(count));
        for (int v = 0; v < vectors; ++v) {
          const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(other + 8 * v));
          const __m256i b = _mm256_add_epi32(o.is_signed ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes), other_offset);
          q[v] = done.value(add(_mm256_min_epi32(_mm256_max_epi32(rounded(r, v), lo), hi), b));
        }
      } else {
        for (int v = 0; v < vectors; ++v) q[v] = done.value(rounded(r, v));
      }
      store_bytes(to, done.bytes(q[0], q[1]), count);
    }
  };
  const __m256i factor[2] = {words(factor_word, 0), words(factor_word, 1)};
  const __m256i mantissa[2] = {words(mantissa_word, 0), words(mantissa_word, 1)};
  const __m256i shift[2] = {words(shift_word, 0), words(shift_word, 1)};
  if (flags.how == scaling::rne) {
    finish_rows([&](int r, int v) { return scale_rne(sum_of(r, v), _mm256_castsi256_ps(factor[v])); });
  } else if (flags.how == scaling::narrow) {
    finish_rows([&](int r, int v) { return scale_narrow(sum_of(r, v), mantissa[v], factor[v], shift[v]); });
  } else {
    const shifted_scale8 scale[2] = {{mantissa[0], shift[0], done.twice}, {mantissa[1], shift[1], done.twice}};
    finish_rows([&](int r, int v) { return scale[v](sum_of(r, v)); });
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
