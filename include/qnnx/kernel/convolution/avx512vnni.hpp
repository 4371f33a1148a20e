// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d on 8-bit data and symmetric 8-bit weights with VNNI: acc += 4 x (u8 * s8) per lane and instruction.
//   sum (x + ox) * w = sum x' * w + (ox - flip) * sum w, x' = x + flip in u8 (flip = 128 for signed data, else 0),
// so zero point and sign are folded into the bias when the weights are packed; padding is filled with the zero point.
// Packed form: per 16 output channels a panel [K/4][16][4]; before them the folded biases and float multipliers.
// Tiles of 6 pixels x 64 channels; windows are gathered in blocks into scratch, 1x1 convolutions read the data as it is.
// Integers equal the reference's bit for bit. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"

#if QNNX_HAS_AVX512VNNI
#include <immintrin.h>

#include <cstring>

namespace qnnx::inline QNNX_ABI::kernel {

namespace vnni {

/// What one call needs to know about its packed operands.
struct panel_layout {
  std::int64_t depth = 0;     // kh * kw * Ci
  std::int64_t depth4 = 0;    // rounded up to 4
  std::int64_t channels = 0;  // Co
  std::int64_t channels16 = 0;

  constexpr panel_layout(std::int64_t k, std::int64_t n)
      : depth(k), depth4((k + 3) / 4 * 4), channels(n), channels16((n + 15) / 16 * 16) {}
  constexpr std::int64_t bias_at() const { return 64; }
  constexpr std::int64_t multiplier_at() const { return 64 + channels16 * 4; }
  constexpr std::int64_t mantissa_at() const { return 64 + channels16 * 8; }   // tflite
  constexpr std::int64_t exponent_at() const { return 64 + channels16 * 12; }  // tflite
  constexpr std::int64_t panels_at() const { return 64 + channels16 * 16; }
  constexpr std::int64_t bytes() const { return panels_at() + channels16 * depth4; }
};

/// g++ 12 spills around the intrinsic; one line of assembly does not.
QNNX_INLINE void dot(__m512i& acc, __m512i data, __m512i weights) {
  asm("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(data), "v"(weights));
}

/// Rows x (16 * Panels) accumulators of one tile.
template <int Rows, int Panels>
QNNX_INLINE void tile(const std::uint8_t* const* rows, const std::byte* panels, std::int64_t panel_stride,
                      std::int64_t depth4, const std::int32_t* bias, std::int32_t* out, std::int64_t out_stride) {
  __m512i acc[Rows][Panels];
  for (int p = 0; p < Panels; ++p) {
    const __m512i b = _mm512_loadu_si512(bias + 16 * p);
    for (int r = 0; r < Rows; ++r) acc[r][p] = b;
  }
  for (std::int64_t k = 0; k < depth4; k += 4) {
    __m512i w[Panels];
    for (int p = 0; p < Panels; ++p) w[p] = _mm512_loadu_si512(panels + p * panel_stride + k * 16);
    for (int r = 0; r < Rows; ++r) {
      std::int32_t four = 0;
      std::memcpy(&four, rows[r] + k, 4);
      const __m512i x = _mm512_set1_epi32(four);  // a broadcast from memory
      for (int p = 0; p < Panels; ++p) dot(acc[r][p], x, w[p]);
    }
  }
  for (int r = 0; r < Rows; ++r)
    for (int p = 0; p < Panels; ++p) _mm512_storeu_si512(out + r * out_stride + 16 * p, acc[r][p]);
}

template <int Panels>
QNNX_INLINE void tile_rows(int count, const std::uint8_t* const* rows, const std::byte* panels,
                           std::int64_t panel_stride, std::int64_t depth4, const std::int32_t* bias, std::int32_t* out,
                           std::int64_t out_stride) {
  switch (count) {
    case 6: return tile<6, Panels>(rows, panels, panel_stride, depth4, bias, out, out_stride);
    case 5: return tile<5, Panels>(rows, panels, panel_stride, depth4, bias, out, out_stride);
    case 4: return tile<4, Panels>(rows, panels, panel_stride, depth4, bias, out, out_stride);
    case 3: return tile<3, Panels>(rows, panels, panel_stride, depth4, bias, out, out_stride);
    case 2: return tile<2, Panels>(rows, panels, panel_stride, depth4, bias, out, out_stride);
    default: return tile<1, Panels>(rows, panels, panel_stride, depth4, bias, out, out_stride);
  }
}

/// clamp(zero + round(acc * M)) of 16 channels, rne: one fused multiply-add with 1.5 * 2^23 rounds the exact product
/// to an integer in the low mantissa bits. Right for 2^-16 <= M < 2^8: where acc is not exact as a float, or the sum
/// leaves the magic binade, the result is outside the 8-bit range on the correct side.
QNNX_INLINE __m512i requantize_rne(__m512i acc, __m512 m, __m512i zero, __m512i lo, __m512i hi) {
  const __m512 magic = _mm512_set1_ps(12582912.0f);
  const __m512i magic_bits = _mm512_castps_si512(magic);
  const __m512i lowest = _mm512_castps_si512(_mm512_set1_ps(12582912.0f - 4194304.0f));
  __m512i q = _mm512_castps_si512(_mm512_fmadd_ps(_mm512_cvtepi32_ps(acc), m, magic));
  q = _mm512_sub_epi32(_mm512_max_epi32(q, lowest), magic_bits);
  q = _mm512_add_epi32(q, zero);  // at most 0x3480_0000 + 255: no overflow
  return _mm512_min_epi32(_mm512_max_epi32(q, lo), hi);
}

/// The same under tflite: MultiplyByQuantizedMultiplier of 16 channels. (a * b + 2^30) >> 31 is the saturating
/// rounding doubling high multiply for b >= 0; the division by a power rounds half away from zero.
QNNX_INLINE __m512i requantize_tflite(__m512i acc, __m512i mantissa, __m512i exponent, __m512i zero, __m512i lo, __m512i hi) {
  const __m512i none = _mm512_setzero_si512();
  const __m512i left = _mm512_max_epi32(exponent, none);
  const __m512i right = _mm512_max_epi32(_mm512_sub_epi32(none, exponent), none);
  const __m512i x = _mm512_sllv_epi32(acc, left);
  const __m512i half = _mm512_set1_epi64(std::int64_t{1} << 30);
  const __m512i even = _mm512_srai_epi64(_mm512_add_epi64(_mm512_mul_epi32(x, mantissa), half), 31);
  const __m512i odd = _mm512_srai_epi64(
      _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(mantissa, 32)), half), 31);
  const __m512i high = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  const __m512i one = _mm512_set1_epi32(1);
  const __m512i mask = _mm512_sub_epi32(_mm512_sllv_epi32(one, right), one);
  const __mmask16 negative = _mm512_cmplt_epi32_mask(high, none);
  const __m512i threshold = _mm512_mask_add_epi32(_mm512_srli_epi32(mask, 1), negative, _mm512_srli_epi32(mask, 1), one);
  const __mmask16 up = _mm512_cmpgt_epi32_mask(_mm512_and_si512(high, mask), threshold);
  __m512i q = _mm512_srav_epi32(high, right);
  q = _mm512_mask_add_epi32(q, up, q, one);
  q = _mm512_min_epi32(_mm512_max_epi32(q, _mm512_sub_epi32(lo, zero)), _mm512_sub_epi32(hi, zero));
  return _mm512_add_epi32(q, zero);
}

/// Writes the packed form of weights addressed by weight(k, o).
template <class Weight>
void pack_panels(const panel_layout& l, const std::int32_t* bias, std::int32_t fold, const std::int32_t* multipliers,
                 bool per_channel, Weight&& weight, std::byte* out) {
  auto* folded = reinterpret_cast<std::int32_t*>(out + l.bias_at());
  auto* m = reinterpret_cast<float*>(out + l.multiplier_at());
  auto* mantissa = reinterpret_cast<std::int32_t*>(out + l.mantissa_at());
  auto* exponent = reinterpret_cast<std::int32_t*>(out + l.exponent_at());
  auto* panels = reinterpret_cast<std::int8_t*>(out + l.panels_at());
  std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
  std::int32_t vector_ok = 1;
  for (std::int64_t o = 0; o < l.channels; ++o) {
    std::int32_t sum = 0;
    for (std::int64_t k = 0; k < l.depth; ++k) {
      const std::int32_t w = weight(k, o);
      sum += w;
      panels[(o / 16) * l.depth4 * 16 + (k / 4) * 64 + (o % 16) * 4 + k % 4] = static_cast<std::int8_t>(w);
    }
    folded[o] = static_cast<std::int32_t>((bias ? static_cast<std::uint32_t>(bias[o]) : 0u) +
                                          static_cast<std::uint32_t>(fold) * static_cast<std::uint32_t>(sum));
    const std::int32_t* mult = multipliers + (per_channel ? 2 * o : 0);
    float value = static_cast<float>(mult[0]);
    for (int e = mult[1]; e < 0; ++e) value *= 0.5f;
    m[o] = value;
    mantissa[o] = mult[0];
    exponent[o] = mult[1];
    if (!(value >= 0x1p-16f && value < 0x1p8f)) vector_ok = 0;
  }
  *reinterpret_cast<std::int32_t*>(out) = vector_ok;
}

/// Rounds and stores a block of accumulators [pixels][stride] as channels first..first + count of consecutive pixels.
template <class Call>
QNNX_INLINE void store_block(const Call& c, const finish<Call>& done, const panel_layout& l, const std::byte* packed,
                             const std::int32_t* acc, std::int64_t stride, int pixels, std::int64_t first_pixel,
                             std::int64_t first, std::int64_t count) {
  using T = typename Call::out_type;
  const bool tflite = c.rounding().mode() == rounding_mode::tflite;
  const bool exact = tflite || (c.rounding().mode() == rounding_mode::rne && *reinterpret_cast<const std::int32_t*>(packed) != 0);
  const bool vector_ok = exact && c.epi().residual < 0 && c.epi().table < 0;
  if (!vector_ok) {
    for (int r = 0; r < pixels; ++r)
      for (std::int64_t o = 0; o < count; ++o)
        done.store((first_pixel + r) * l.channels + first + o, first + o, acc[r * stride + o]);
    return;
  }
  const std::int32_t* k = c.constants();
  const __m512i lo = _mm512_set1_epi32(k[0]);
  const __m512i hi = _mm512_set1_epi32(k[1]);
  const auto y = c.out();
  const __m512i zero = _mm512_set1_epi32(y.zero());
  const auto* m = reinterpret_cast<const float*>(packed + l.multiplier_at()) + first;
  for (std::int64_t o = 0; o < count; o += 16) {
    const __m512 mv = _mm512_loadu_ps(m + o);
    const __m512i mantissa = _mm512_loadu_si512(packed + l.mantissa_at() + (first + o) * 4);
    const __m512i exponent = _mm512_loadu_si512(packed + l.exponent_at() + (first + o) * 4);
    const auto mask = static_cast<__mmask16>(count - o >= 16 ? 0xffff : (1u << (count - o)) - 1);
    for (int r = 0; r < pixels; ++r) {
      const __m512i a = _mm512_loadu_si512(acc + r * stride + o);
      const __m512i q = tflite ? requantize_tflite(a, mantissa, exponent, zero, lo, hi) : requantize_rne(a, mv, zero, lo, hi);
      _mm_mask_storeu_epi8(y.data + (first_pixel + r) * l.channels + first + o, mask, _mm512_cvtepi32_epi8(q));
      static_assert(sizeof(typename T::storage) == 1);
    }
  }
}

/// Whether input and output have bytes in common (the planner may let them).
template <class X, class Y>
bool shared(const X& x, const Y& y) {
  const auto from = reinterpret_cast<std::uintptr_t>(x.data);
  const auto to = reinterpret_cast<std::uintptr_t>(y.data);
  return from < to + static_cast<std::uintptr_t>(y.size()) && to < from + static_cast<std::uintptr_t>(x.size());
}

/// s8 to u8: adds 128 to every byte.
QNNX_INLINE void flip_signs(std::uint8_t* bytes, std::int64_t n) {
  const __m512i sign = _mm512_set1_epi8(static_cast<char>(0x80));
  std::int64_t i = 0;
  for (; i + 64 <= n; i += 64) _mm512_storeu_si512(bytes + i, _mm512_xor_si512(_mm512_loadu_si512(bytes + i), sign));
  for (; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(bytes[i] ^ 0x80u);
}

/// Rows of `l.depth4` bytes times the packed panels, for `pixels` consecutive output pixels.
template <class Call>
QNNX_INLINE void multiply_rows(const Call& c, const finish<Call>& done, const panel_layout& l, const std::byte* packed,
                               const std::uint8_t* data, std::int64_t row_stride, std::int64_t pixels,
                               std::int64_t first_pixel) {
  alignas(64) std::int32_t acc[6 * 64];
  const std::byte* panels = packed + l.panels_at();
  const auto* bias = reinterpret_cast<const std::int32_t*>(packed + l.bias_at());
  const std::int64_t panel_stride = l.depth4 * 16;
  for (std::int64_t n = 0; n < l.channels16; n += 64) {
    const std::int64_t left = l.channels16 - n;
    const std::int64_t wanted = l.channels - n < 64 ? l.channels - n : 64;
    for (std::int64_t p = 0; p < pixels; p += 6) {
      const int rows = static_cast<int>(pixels - p < 6 ? pixels - p : 6);
      const std::uint8_t* row[6];
      for (int r = 0; r < rows; ++r) row[r] = data + (p + r) * row_stride;
      const std::byte* from = panels + n / 16 * panel_stride;
      if (left >= 64) tile_rows<4>(rows, row, from, panel_stride, l.depth4, bias + n, acc, 64);
      else if (left == 48) tile_rows<3>(rows, row, from, panel_stride, l.depth4, bias + n, acc, 64);
      else if (left == 32) tile_rows<2>(rows, row, from, panel_stride, l.depth4, bias + n, acc, 64);
      else tile_rows<1>(rows, row, from, panel_stride, l.depth4, bias + n, acc, 64);
      store_block(c, done, l, packed, acc, 64, rows, first_pixel + p, n, wanted);
    }
  }
}

}  // namespace vnni

template <>
struct impl<op::conv2d, isa::avx512vnni> {
  using params = op::conv2d::params;
  using reference = impl<op::conv2d, isa::reference>;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8, types::s8, types::s32)> ||
                                   std::is_same_v<Sig, types::s8(types::s8, types::s8, types::s32)>;

  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) { return reference::constant_words(f, p); }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    reference::prepare(f, p, r, out);
  }
  /// One group and symmetric weights; everything else runs the reference.
  static constexpr bool packable(const node_facts& f, const params& p) {
    if (p.group != 1 || f.c.in(1).kind != tensor_kind::constant) return false;
    return f.in[1].scales ? f.in[1].offsets == nullptr || all_zero(f.in[1]) : f.in[1].offset == 0;
  }
  static constexpr bool all_zero(const quant& q) {
    for (std::int32_t i = 0; i < q.count; ++i)
      if (q.offsets[i] != 0) return false;
    return true;
  }
  static constexpr vnni::panel_layout layout(const shape& w) {
    return {static_cast<std::int64_t>(w[0]) * w[1] * w[2], w[3]};
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return packable(f, p) ? layout(f.c.dims(1)).bytes() : 0;
  }
  /// As the reference: a block's windows are gathered before any of it is written, rows in order.
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return reference::overlap(f, p, input);
  }
  static constexpr std::int64_t block_pixels(std::int64_t depth4) {
    const std::int64_t fit = 65536 / depth4 / 6 * 6;
    return fit < 6 ? 6 : (fit > 96 ? 96 : fit);
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!packable(f, p)) return 0;
    const std::int64_t depth4 = layout(f.c.dims(1)).depth4;
    return block_pixels(depth4) * depth4;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const vnni::panel_layout l(static_cast<std::int64_t>(w.extent(0)) * w.extent(1) * w.extent(2), w.extent(3));
    const std::int32_t flip = is_signed_fixed(Call::out_type::code) ? 128 : 0;
    vnni::pack_panels(l, b.present() ? b.data : nullptr, x.offset() - flip, c.constants() + finish_constants::header,
                      w.q->scales != nullptr, [&](std::int64_t k, std::int64_t o) { return w.load(k * l.channels + o); }, out);
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const params& p = c.params();
    bool symmetric = true;
    if (w.q->scales) symmetric = w.q->offsets == nullptr || all_zero(*w.q);
    else symmetric = w.q->offset == 0;
    if (p.group != 1 || !symmetric || c.packed_missing()) return reference::run(c);
    const auto y = c.out();
    const vnni::panel_layout l(static_cast<std::int64_t>(w.extent(0)) * w.extent(1) * w.extent(2), w.extent(3));
    const finish<Call> done(c, w.q->scales != nullptr);
    const std::byte* packed = c.packed();
    constexpr bool flip = is_signed_fixed(Call::out_type::code);
    const auto* data = reinterpret_cast<const std::uint8_t*>(x.data);
    const std::int64_t pixels = static_cast<std::int64_t>(y.extent(0)) * y.extent(1) * y.extent(2);
    const bool pointwise = w.extent(0) == 1 && w.extent(1) == 1 && p.stride[0] == 1 && p.stride[1] == 1 && l.depth % 4 == 0 &&
                           p.pad_amount == std::array<std::uint32_t, 4>{};
    if (!flip && pointwise && !vnni::shared(x, y)) return vnni::multiply_rows(c, done, l, packed, data, l.depth, pixels, 0);
    auto* block = reinterpret_cast<std::uint8_t*>(c.scratch());
    const std::int64_t most = block_pixels(l.depth4);
    for (std::int64_t first = 0; first < pixels; first += most) {
      const std::int64_t count = pixels - first < most ? pixels - first : most;
      if (pointwise) {
        std::memcpy(block, data + first * l.depth, static_cast<std::size_t>(count * l.depth));
      } else {
        for (std::int64_t i = 0; i < count; ++i) gather(x, w, p, y, first + i, block + i * l.depth4, l);
      }
      if constexpr (flip) vnni::flip_signs(block, count * l.depth4);
      vnni::multiply_rows(c, done, l, packed, block, l.depth4, count, first);
    }
  }

 private:
  /// The window of one output pixel as a row; outside the data it holds the zero point.
  template <class X, class W, class Y>
  QNNX_INLINE static void gather(const X& x, const W& w, const params& p, const Y& y, std::int64_t pixel,
                                 std::uint8_t* row, const vnni::panel_layout& l) {
    const auto ow = static_cast<std::int32_t>(pixel % y.extent(2));
    const auto oh = static_cast<std::int32_t>(pixel / y.extent(2) % y.extent(1));
    const std::int64_t n = pixel / y.extent(2) / y.extent(1);
    const auto ci = static_cast<std::size_t>(x.extent(3));
    const auto zero = static_cast<int>(static_cast<std::uint8_t>(x.zero()));
    const auto* data = reinterpret_cast<const std::uint8_t*>(x.data);
    const std::int32_t left = ow * static_cast<std::int32_t>(p.stride[1]) - static_cast<std::int32_t>(p.pad_amount[2]);
    const auto step_w = static_cast<std::int32_t>(p.dilation[1]);
    const bool whole = left >= 0 && step_w == 1 && left + w.extent(1) <= x.extent(2);
    for (std::int32_t kh = 0; kh < w.extent(0); ++kh) {
      const std::int32_t ih = oh * static_cast<std::int32_t>(p.stride[0]) + kh * static_cast<std::int32_t>(p.dilation[0]) -
                              static_cast<std::int32_t>(p.pad_amount[0]);
      const std::size_t width = ci * static_cast<std::size_t>(w.extent(1));
      if (ih < 0 || ih >= x.extent(1)) {
        std::memset(row, zero, width);
      } else {
        const std::uint8_t* line = data + ((n * x.extent(1) + ih) * x.extent(2)) * x.extent(3);
        if (whole) {
          std::memcpy(row, line + left * x.extent(3), width);
        } else {
          for (std::int32_t kw = 0; kw < w.extent(1); ++kw) {
            const std::int32_t iw = left + kw * step_w;
            if (iw < 0 || iw >= x.extent(2)) std::memset(row + static_cast<std::size_t>(kw) * ci, zero, ci);
            else std::memcpy(row + static_cast<std::size_t>(kw) * ci, line + static_cast<std::int64_t>(iw) * x.extent(3), ci);
          }
        }
      }
      row += width;
    }
    for (std::int64_t k = l.depth; k < l.depth4; ++k) *row++ = 0;  // meets zero weights
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
