// SPDX-License-Identifier: Apache-2.0
#pragma once
// Packing of a computed matrix, the right side of MatMul, in vectors: the same bytes as pack_floats and pack_bytes make
// for a matrix of one scale. Words of 32 bits (a float, or 4 bytes along the depth) are gathered from columns by
// transposes of 16x16 blocks, or from rows side by side. Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/transpose.hpp"

#if QNNX_HAS_AVX512VBMI
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// The panels of a matrix whose columns are contiguous: column o begins at from + o * column_bytes and has `bytes`.
/// seen(o, words) gets each vector of 16 columns.
template <class Seen>
QNNX_INLINE void pack_columns(const packed_layout& l, const std::byte* from, std::int64_t bytes, __m512i flip,
                              std::byte* panels, Seen&& seen) {
  for (std::int64_t o = 0; o < l.channels; o += 16) {
    const int columns = static_cast<int>(l.channels - o < 16 ? l.channels - o : 16);
    std::byte* to = panels + l.at(0, 0, o);
    const std::int64_t step = l.pieces > 1 ? l.at(0, 1, o) - l.at(0, 0, o) : 0;
    for (std::int64_t k = 0; k < bytes; k += 64) {
      const __mmask64 mask = bytes - k >= 64 ? ~0ull : (1ull << (bytes - k)) - 1;
      __m512i r[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i)
        r[i] = i < columns
                   ? _mm512_maskz_mov_epi8(
                         mask, _mm512_xor_si512(flip, _mm512_maskz_loadu_epi8(mask, from + (o + i) * bytes + k)))
                   : _mm512_setzero_si512();
      transpose_words(r);
      const std::int64_t pieces = (bytes - k + 3) / 4 < 16 ? (bytes - k + 3) / 4 : 16;
#pragma GCC unroll 16
      for (int p = 0; p < 16; ++p) {
        if (p >= pieces) break;
        _mm512_storeu_si512(to + (k / 4 + p) * step, r[p]);
        seen(o, r[p]);
      }
    }
  }
}
/// The panels of a matrix of bytes whose rows are contiguous, l.channels bytes each.
template <class Seen>
QNNX_INLINE void pack_byte_rows(const packed_layout& l, const std::byte* from, std::int64_t depth, __m512i flip,
                                std::byte* panels, Seen&& seen) {
  const __m128i flip16 = _mm512_castsi512_si128(flip);
  for (std::int64_t o = 0; o < l.channels; o += 16) {
    const auto mask = static_cast<__mmask16>(l.channels - o < 16 ? (1u << (l.channels - o)) - 1 : 0xffff);
    std::byte* to = panels + l.at(0, 0, o);
    const std::int64_t step = l.pieces > 1 ? l.at(0, 1, o) - l.at(0, 0, o) : 0;
    const auto row = [&](std::int64_t k) {
      return k < depth ? _mm_maskz_mov_epi8(
                             mask, _mm_xor_si128(flip16, _mm_maskz_loadu_epi8(mask, from + k * l.channels + o)))
                       : _mm_setzero_si128();
    };
    for (std::int64_t k = 0; k < depth; k += 4, to += step) {
      __m512i v = _mm512_castsi128_si512(row(k));
      v = _mm512_inserti32x4(v, row(k + 1), 1);
      v = _mm512_inserti32x4(v, row(k + 2), 2);
      v = columns_to_words(_mm512_inserti32x4(v, row(k + 3), 3));
      _mm512_storeu_si512(to, v);
      seen(o, v);
    }
  }
}
/// The panels of a matrix of floats whose rows are contiguous.
QNNX_INLINE void pack_float_rows(const packed_layout& l, const std::byte* from, std::int64_t depth, std::byte* panels) {
  for (std::int64_t o = 0; o < l.channels; o += 16) {
    const auto mask = static_cast<__mmask16>(l.channels - o < 16 ? (1u << (l.channels - o)) - 1 : 0xffff);
    std::byte* to = panels + l.at(0, 0, o);
    const std::int64_t step = l.pieces > 1 ? l.at(0, 1, o) - l.at(0, 0, o) : 0;
    for (std::int64_t k = 0; k < depth; ++k)
      _mm512_storeu_si512(to + k * step, _mm512_maskz_loadu_epi32(mask, from + (k * l.channels + o) * 4));
  }
}

/// pack_floats for 16 lanes and one run.
template <class B>
void pack_float_matrix(const window_shape& s, const std::byte* from, bool columns_contiguous, const B& bias,
                       std::byte* out) {
  const packed_layout l(s, 16, 1);
  auto* biases = reinterpret_cast<float*>(out + l.word(bias_word));
  for (std::int64_t o = 0; o < l.padded; ++o)
    biases[o] = bias.present() && o < l.channels ? static_cast<float>(bias.load(o)) : 0.0f;
  if (columns_contiguous)
    pack_columns(l, from, s.depth * 4, _mm512_setzero_si512(), out + l.panels_at(1), [](std::int64_t, __m512i) {});
  else
    pack_float_rows(l, from, s.depth, out + l.panels_at(1));
}

/// pack_bytes for a matrix of bytes with one scale.
template <class W, class B>
void pack_byte_matrix(const packed_layout& l, const window_shape& s, const W& w, std::int64_t origin, bool columns_contiguous, const B& bias,
                      const byte_scales& q, std::byte* out) {
  const auto word = [&](int i) { return reinterpret_cast<std::int32_t*>(out + l.word(i)); };
  channel_packer<W, B> packer{q, w, bias, s.taps()};
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(packer.down ? 0x80 : 0));
  const auto* from = reinterpret_cast<const std::byte*>(w.data) + origin;
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sum = _mm512_setzero_si512();
  std::int64_t summed = 0;  // the vector of columns that `sum` belongs to
  const auto put = [&] { _mm512_storeu_si512(word(bias_word) + summed, sum); };
  const auto seen = [&](std::int64_t o, __m512i v) {
    if (o != summed) {
      put();
      summed = o;
      sum = _mm512_setzero_si512();
    }
    sum = _mm512_dpbusd_epi32(sum, ones, v);
  };
  if (columns_contiguous)
    pack_columns(l, from, s.depth, flip, out + l.panels_at(packed_words), seen);
  else
    pack_byte_rows(l, from, s.depth, flip, out + l.panels_at(packed_words), seen);
  put();
  for (std::int64_t o = 0; o < l.channels; o += 16)  // pieces beyond the last
    for (std::int64_t p = (s.depth + 3) / 4; p < l.pieces; ++p)
      _mm512_storeu_si512(out + l.panels_at(packed_words) + l.at(0, p, o), _mm512_setzero_si512());
  // channel_packer::fold on all columns: one scale, magnitudes bounded by 128
  const std::int32_t zero = q.data_offset - (q.data_signed ? 128 : 0);
  const std::int32_t weight_offset = w.q->offset + packer.down;
  const __m512i constant = _mm512_set1_epi32(
      static_cast<std::int32_t>(static_cast<std::uint32_t>(s.taps()) * static_cast<std::uint32_t>(weight_offset)));
  __m512i largest = _mm512_setzero_si512();
  for (std::int64_t o = 0; o < l.padded; o += 16) {
    const auto mask = static_cast<__mmask16>(l.channels - o < 16 ? (1u << (l.channels - o)) - 1 : 0xffff);
    __m512i folded = _mm512_mullo_epi32(_mm512_set1_epi32(zero),
                                        _mm512_add_epi32(_mm512_loadu_si512(word(bias_word) + o), constant));
    if (bias.present()) folded = _mm512_add_epi32(folded, _mm512_maskz_loadu_epi32(mask, bias.data + o));
    folded = _mm512_maskz_mov_epi32(mask, folded);
    largest = _mm512_max_epu32(largest, _mm512_abs_epi32(folded));
    _mm512_storeu_si512(word(bias_word) + o, folded);
    _mm512_storeu_si512(word(offset_word) + o, _mm512_maskz_set1_epi32(mask, weight_offset));
  }
  packer.flags.weight_offset = weight_offset != 0;
  const std::int64_t most =
      255 * s.taps() * (128 + (weight_offset < 0 ? -weight_offset : weight_offset)) + _mm512_reduce_max_epu32(largest);
  packer.choice.add(packer.multiplier_of(0), most);
  packer.flags.how = packer.choice.best();
  packer.flags.bounded = packer.choice.bounded;
  std::int32_t scaling_words[3];
  store_multiplier(packer.multiplier_of(0), packer.flags.how, scaling_words, scaling_words + 1, scaling_words + 2);
  for (std::int64_t o = 0; o < l.padded; o += 16)
    for (int i = 0; i < 3; ++i) _mm512_storeu_si512(word(factor_word + i) + o, _mm512_set1_epi32(scaling_words[i]));
  std::memcpy(out, &packer.flags, sizeof packer.flags);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
