// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with channel multiplier 1. A step takes all taps of one output pixel, or, where 2 or more pixels fill
// a vector (8 channels of 8 bit: 8 pixels), of neighbouring ones: with stride 1 their taps lie side by side in memory,
// with stride 2 every other pixel is taken. Lanes that belong to the second and later pixels have copies of the
// channels' weights ("virtual channels"). Rows outside the data are a line of padding; windows that
// leave a row are copied.
//   float   fused multiply-add in the order of the taps
//   8 bit   4 taps of a channel are brought together (unpack) and multiplied at once (vpdpbusd); weights with an offset
//           take a second sum, of the data alone
// Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

struct depthwise_shape {
  std::int64_t batch, height, width, channels, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left;
  constexpr std::int64_t taps() const { return kernel_h * kernel_w; }
  /// Pixels that share a vector of `lanes` channels.
  constexpr std::int64_t together(std::int64_t lanes) const {
    return stride_w <= 2 && channels < lanes && lanes % channels == 0 ? lanes / channels : 1;
  }
  /// Virtual channels, whole vectors.
  constexpr std::int64_t padded(std::int64_t lanes) const { return (channels + lanes - 1) / lanes * lanes; }
};
constexpr depthwise_shape depthwise_of(const shape& x, const shape& w, const shape& y, const op::depthwise_conv2d::params& p) {
  return {x[0], x[1], x[2], x[3], y[1], y[2], w[0], w[1], p.stride[0], p.stride[1], p.dilation[0], p.dilation[1], p.pad_amount[0], p.pad_amount[2]};
}
inline constexpr int most_taps = 128;
/// Bytes of scratch of a padded node: a line of padding for rows outside the data, and one window for pixels whose
/// window leaves a row.
constexpr std::int64_t padding_line(const depthwise_shape& s, std::int64_t element) { return (s.width * s.channels * element + 192 + 63) / 64 * 64; }
/// Small data is copied with its padding around it: then no window leaves a row, and pixels go in full groups.
constexpr padded_image padded_of(const depthwise_shape& s, std::int64_t element, bool padded) {
  padded_image p{s.batch, s.height, s.width, s.channels * element, (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1,
                 (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1, s.top, s.left, padded};
  p.needed = padded && p.bytes() <= 64 * 1024;
  return p;
}
constexpr std::int64_t padding_scratch(const depthwise_shape& s, std::int64_t element, bool padded) {
  if (const padded_image p = padded_of(s, element, padded); p.needed) return p.scratch();
  return padded ? padding_line(s, element) + (s.taps() + 4) * s.channels * element + 64 : 0;
}

/// The data of a node and where its windows are.
struct depthwise_data {
  const std::byte* data;
  std::int64_t element;
  std::byte* scratch;     // of a padded node: padding_scratch bytes
  std::uint8_t padding;   // byte that stands for real 0
  bool padded;
};

/// The windows of a call; changes `s` to the padded copy where one is made.
inline depthwise_data place_data(depthwise_shape& s, const void* data, std::int64_t element, std::byte* scratch, std::uint8_t padding, bool padded) {
  depthwise_data d{static_cast<const std::byte*>(data), element, scratch, padding, padded};
  const padded_image p = padded_of(s, element, padded);
  if (!p.needed) return d;
  d.data = p.make(d.data, scratch, padding);
  d.padded = false;
  s.height = p.padded_height;
  s.width = p.padded_width;
  s.top = s.left = 0;
  return d;
}

/// Calls step(corner, offsets, pixel, count) for the pixels of output rows [from, to) in order, `together` neighbours at
/// once where their windows lie inside a row. Tap t of the first pixel begins at corner + offsets[t]; the taps are
/// rounded up to 4 and the last one repeats (it meets zero weights).
template <class Step>
QNNX_INLINE void each_window(const depthwise_shape& s, const depthwise_data& d, std::int64_t from, std::int64_t to, std::int64_t together, Step&& step) {
  const std::int64_t pixel_bytes = s.channels * d.element;
  const std::int64_t line = s.width * pixel_bytes;
  const std::int64_t up = (s.taps() + 3) / 4 * 4;
  const std::int64_t reach_h = (s.kernel_h - 1) * s.dilation_h;
  const std::int64_t reach_w = (s.kernel_w - 1) * s.dilation_w;
  std::int64_t inside_from = (s.left + s.stride_w - 1) / s.stride_w;  // output columns whose windows lie inside a row
  std::int64_t inside_to = s.width - 1 - reach_w + s.left < 0 ? 0 : (s.width - 1 - reach_w + s.left) / s.stride_w + 1;
  if (inside_to > s.out_w) inside_to = s.out_w;
  if (inside_from > inside_to) inside_from = inside_to = 0;
  std::int64_t whole[most_taps];  // all rows inside
  std::int64_t part[most_taps];   // some rows are the line of padding
  std::int64_t alone[most_taps];  // a window of its own
  for (std::int64_t t = 0; t < up; ++t) {
    const std::int64_t tap = t < s.taps() ? t : s.taps() - 1;
    whole[t] = tap / s.kernel_w * s.dilation_h * line + tap % s.kernel_w * s.dilation_w * pixel_bytes;
    alone[t] = tap * pixel_bytes;
  }
  std::byte* window = d.scratch + (d.padded ? padding_line(s, d.element) : 0);
  if (d.padded) std::memset(d.scratch, d.padding, static_cast<std::size_t>(padding_line(s, d.element)));
  const std::int64_t move = s.stride_w * pixel_bytes;
  std::int64_t pixel = from * s.out_w;
  for (std::int64_t row = from; row < to; ++row) {
    const std::int64_t n = row / s.out_h;
    const std::int64_t top = row % s.out_h * s.stride_h - s.top;
    const std::byte* image = d.data + n * s.height * line;
    const bool rows_inside = top >= 0 && top + reach_h < s.height;
    const std::byte* corner = image + top * line - s.left * pixel_bytes;
    const std::int64_t* offsets = whole;
    const auto line_of = [&](std::int64_t kh) {
      const std::int64_t ih = top + kh * s.dilation_h;
      return ih >= 0 && ih < s.height ? image + ih * line : d.scratch;
    };
    if (!rows_inside) {
      corner = image - s.left * pixel_bytes;
      for (std::int64_t t = 0; t < up; ++t) {
        const std::int64_t tap = t < s.taps() ? t : s.taps() - 1;
        part[t] = line_of(tap / s.kernel_w) - image + tap % s.kernel_w * s.dilation_w * pixel_bytes;
      }
      offsets = part;
    }
    const auto edge = [&](std::int64_t ow) {
      for (std::int64_t t = 0; t < s.taps(); ++t) {
        const std::int64_t iw = ow * s.stride_w - s.left + t % s.kernel_w * s.dilation_w;
        const std::byte* tap = iw >= 0 && iw < s.width ? line_of(t / s.kernel_w) + iw * pixel_bytes : d.scratch;
        std::memcpy(window + t * pixel_bytes, tap, static_cast<std::size_t>(pixel_bytes));
      }
    };
    for (std::int64_t ow = 0; ow < s.out_w;) {  // one call of step: it is inlined
      const bool inside = ow >= inside_from && ow < inside_to;
      const std::int64_t count = inside && ow + together <= inside_to ? together : 1;
      if (!inside) edge(ow);
      step(inside ? corner + ow * move : window, inside ? offsets : alone, pixel, count);
      ow += count;
      pixel += count;
    }
  }
}

/// Floats: `take` stores what has a residual.
template <class V>
void depthwise_floats(const depthwise_shape& s, const depthwise_data& d, const std::byte* packed, const float_output& o, take_function take) {
  constexpr std::int64_t lanes = V::lanes;
  const std::int64_t padded = s.padded(lanes);
  const auto* bias = reinterpret_cast<const float*>(packed);
  const float* weights = bias + padded;
  const std::int64_t taps = s.taps();
  alignas(64) float sums[8 * lanes];
  // Pixels whose channels do not fill a vector come together in one; else two pixels share the loads of weights.
  const std::int64_t in_vector = s.stride_w == 1 ? s.together(lanes) : 1;
  const std::int64_t second = s.stride_w * s.channels;
  if (s.channels % lanes == 0) {
    each_window(s, d, 0, s.batch * s.out_h, 2, [&](const std::byte* corner, const std::int64_t* offsets, std::int64_t pixel, std::int64_t count) __attribute__((always_inline)) {
      const auto block = [&](std::int64_t c, auto wide, auto rows) __attribute__((always_inline)) {
        constexpr int w = decltype(wide)::value;
        constexpr int r = decltype(rows)::value;
        typename V::vec acc[r][w];
#pragma GCC unroll 4
        for (int v = 0; v < w; ++v)
#pragma GCC unroll 2
          for (int k = 0; k < r; ++k) acc[k][v] = V::load(bias + c + v * lanes);
        const float* at = weights + c;
        for (std::int64_t t = 0; t < taps; ++t, at += padded) {
          const auto* x = reinterpret_cast<const float*>(corner + offsets[t]) + c;
#pragma GCC unroll 4
          for (int v = 0; v < w; ++v) {
            const typename V::vec weight = V::load(at + v * lanes);
#pragma GCC unroll 2
            for (int k = 0; k < r; ++k) V::add_product(acc[k][v], V::load(x + k * second + v * lanes), weight);
          }
        }
#pragma GCC unroll 2
        for (int k = 0; k < r; ++k) {
#pragma GCC unroll 4
          for (int v = 0; v < w; ++v) V::store(sums + v * lanes, acc[k][v]);
          take(&o, reinterpret_cast<const std::byte*>(sums), 1, pixel + k, c, w * lanes);
        }
      };
      const auto all = [&](auto rows) __attribute__((always_inline)) {
        std::int64_t c = 0;
        for (; c + 4 * lanes <= s.channels; c += 4 * lanes) block(c, std::integral_constant<int, 4>{}, rows);
        for (; c < s.channels; c += lanes) block(c, std::integral_constant<int, 1>{}, rows);
      };
      if (count == 2) all(std::integral_constant<int, 2>{});
      else all(std::integral_constant<int, 1>{});
    });
    return;
  }
  each_window(s, d, 0, s.batch * s.out_h, in_vector, [&](const std::byte* corner, const std::int64_t* offsets, std::int64_t pixel, std::int64_t count) {
    const std::int64_t elements = count * s.channels;
    alignas(64) float last[lanes] = {};
    for (std::int64_t c = 0; c < elements; c += lanes) {
      const std::int64_t left = elements - c < lanes ? elements - c : lanes;
      typename V::vec acc = V::load(bias + c);
      for (std::int64_t t = 0; t < taps; ++t) {
        const float* x = reinterpret_cast<const float*>(corner + offsets[t]) + c;
        if (left < lanes) {
          std::memcpy(last, x, static_cast<std::size_t>(left) * 4);
          x = last;
        }
        V::add_product(acc, V::load(x), V::load(weights + t * padded + c));
      }
      V::store(sums, acc);
      float_output flat = o;
      flat.channels = 0;
      flat.y = o.y + pixel * s.channels;
      if (o.residual) flat.residual = o.residual + pixel * s.channels;
      take(&flat, reinterpret_cast<const std::byte*>(sums), 1, 0, c, left);
    }
  });
}

/// Packed floats: biases, then weights [taps], each of padded virtual channels.
template <class W, class B>
void pack_depthwise_floats(const depthwise_shape& s, std::int64_t lanes, const W& w, const B& bias, std::byte* out) {
  const std::int64_t padded = s.padded(lanes);
  auto* to = reinterpret_cast<float*>(out);
  const std::int64_t used = s.together(lanes) * s.channels;
  for (std::int64_t row = 0; row <= s.taps(); ++row)
    for (std::int64_t c = 0; c < padded; ++c) {
      float v = 0;
      const std::int64_t channel = c % s.channels;
      if (c < used || c < s.channels) {
        if (row == 0) v = bias.present() ? static_cast<float>(bias.load(channel)) : 0.0f;
        else v = static_cast<float>(w.load((row - 1) * s.channels + channel));
      }
      to[row * padded + c] = v;
    }
}

#if QNNX_HAS_AVX512VNNI
/// Position in a block of 64 of channel `c` after the two unpacks: vector * 16 + lane.
constexpr std::int64_t unpacked_place(std::int64_t c) { return c % 16 / 4 * 16 + c / 16 * 4 + c % 4; }

/// Packed bytes: flags (64 bytes), the word arrays in unpacked order, then per block of 64 channels and group of 4 taps
/// four vectors of weights.
struct depthwise_layout {
  std::int64_t padded, groups;
  constexpr explicit depthwise_layout(const depthwise_shape& s) : padded(s.padded(64)), groups((s.taps() + 3) / 4) {}
  constexpr std::int64_t word(int i) const { return 64 + i * padded * 4; }
  constexpr std::int64_t weights_at() const { return word(packed_words); }
  constexpr std::int64_t bytes() const { return weights_at() + padded * groups * 4; }
};

template <class W, class B>
void pack_depthwise_bytes(const depthwise_shape& s, const W& w, const B& bias, const byte_scales& q, std::byte* out) {
  const depthwise_layout l(s);
  std::memset(out, 0, static_cast<std::size_t>(l.bytes()));
  const auto word = [&](int i) { return reinterpret_cast<std::int32_t*>(out + l.word(i)); };
  const std::int64_t used = s.together(64) * s.channels;
  channel_packer<W, B> packer{q, w, bias, s.taps()};
  for (std::int64_t c = 0; c < l.padded; ++c) {
    const std::int64_t place = c / 64 * 64 + unpacked_place(c % 64);
    word(shift_word)[place] = 31;
    if (c >= used && c >= s.channels) continue;
    const std::int64_t channel = c % s.channels;
    std::int32_t sum = 0;
    std::int64_t most = 0;
    for (std::int64_t t = 0; t < s.taps(); ++t) {
      const std::int32_t v = weight_value(w, t * s.channels + channel) - packer.down;
      sum += v;
      most += v < 0 ? -v : v;
      out[l.weights_at() + ((c / 64 * l.groups + t / 4) * 64 + place % 64) * 4 + t % 4] = static_cast<std::byte>(v);
    }
    packer.fold(channel, sum, most, word(bias_word) + place, word(offset_word) + place);
  }
  packed_flags& flags = packer.flags;
  flags.how = packer.choice.best();
  for (std::int64_t c = 0; c < l.padded; ++c) {
    if (c >= used && c >= s.channels) continue;
    const std::int64_t place = c / 64 * 64 + unpacked_place(c % 64);
    store_multiplier(packer.multiplier_of(c % s.channels), flags.how, word(factor_word) + place, word(mantissa_word) + place, word(shift_word) + place);
  }
  std::memcpy(out, &flags, sizeof flags);
}

/// The constants of a block of 64 channels, in registers or at hand on the stack while its pixels are made.
struct block_constants {
  __m512i bias[4], factor[4], mantissa[4], shift[4], offset[4];
  block_constants(const std::byte* words, std::int64_t padded) {
    __m512i* const to[] = {bias, factor, mantissa, shift, offset};
    for (int i = 0; i < packed_words; ++i)
      for (int v = 0; v < 4; ++v) to[i][v] = _mm512_loadu_si512(words + (i * padded + 16 * v) * 4);
  }
};

/// All pixels of one block of 64 (virtual) channels. Doubled: groups of pixels with stride 2.
template <int Groups, bool Offsets, bool Doubled>
QNNX_NOINLINE void depthwise_block(const depthwise_shape& s, const depthwise_data& data, std::int64_t from, std::int64_t to, std::uint32_t flip_pattern,
                                   const std::byte* packed, const byte_output& o, std::int64_t c) {
  const depthwise_layout l(s);
  packed_flags flags;
  std::memcpy(&flags, packed, sizeof flags);
  const block_constants k(packed + 64 + c * 4, l.padded);
  const std::byte* weights = packed + l.weights_at() + c * l.groups * 4;
  const std::int64_t groups = Groups ? Groups : l.groups;
  const __m512i flip = _mm512_set1_epi32(static_cast<int>(flip_pattern));
  const std::int64_t together = s.stride_w == 1 || Doubled ? s.together(64) : 1;
  const __m512i every_other = s.channels == 8    ? _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14)
                              : s.channels == 16 ? _mm512_setr_epi64(0, 1, 4, 5, 8, 9, 12, 13)
                                                 : _mm512_setr_epi64(0, 1, 2, 3, 8, 9, 10, 11);
  const __mmask64 high_mask = s.channels < 64 ? (1ull << (64 - s.channels)) - 1 : 0;  // not the pixel after the last
  const std::int64_t taps = s.taps();
  const std::int32_t last = static_cast<std::int32_t>(taps - 4 * (groups - 1));
  const __m512i last_ones = _mm512_set1_epi32(last >= 4 ? 0x01010101 : (1 << (8 * last)) / 255);
  const bool plain = o.vector && !o.residual && flags.how != scaling::scalar;
  const __m512i zero = _mm512_set1_epi16(static_cast<short>(o.zero));
  const __m512i lo = _mm512_set1_epi8(static_cast<char>(o.constants[0]));
  const __m512i hi = _mm512_set1_epi8(static_cast<char>(o.constants[1]));
  const bool is_signed = o.is_signed;
  const scaling how = flags.how;
  const bool twice = o.mode == rounding_mode::tflite;
  each_window(s, data, from, to, together, [&](const std::byte* corner, const std::int64_t* offsets, std::int64_t pixel, std::int64_t count) __attribute__((always_inline)) {
    const std::int64_t left = count * s.channels - c;
    const std::int64_t have = left < 64 ? left : 64;
    const __mmask64 mask = have == 64 ? ~0ull : (1ull << have) - 1;
    __m512i acc[4] = {k.bias[0], k.bias[1], k.bias[2], k.bias[3]};
    __m512i sums[4];
    if constexpr (Offsets) sums[0] = sums[1] = sums[2] = sums[3] = _mm512_setzero_si512();
    const bool doubled = Doubled && count > 1;
    const __mmask64 low_mask = doubled ? ~0ull : mask;
    const std::byte* w = weights;
#pragma GCC unroll 3
    for (std::int64_t g = 0; g < groups; ++g, w += 256) {
      __m512i x[4];
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        const std::byte* at = corner + offsets[4 * g + i] + c;
        x[i] = _mm512_maskz_loadu_epi8(low_mask, at);
        if (doubled) x[i] = _mm512_permutex2var_epi64(x[i], every_other, _mm512_maskz_loadu_epi8(high_mask, at + 64));
        x[i] = _mm512_xor_si512(x[i], flip);
      }
      const __m512i a = _mm512_unpacklo_epi8(x[0], x[1]);
      const __m512i b = _mm512_unpackhi_epi8(x[0], x[1]);
      const __m512i d = _mm512_unpacklo_epi8(x[2], x[3]);
      const __m512i e = _mm512_unpackhi_epi8(x[2], x[3]);
      const __m512i four[4] = {_mm512_unpacklo_epi16(a, d), _mm512_unpackhi_epi16(a, d), _mm512_unpacklo_epi16(b, e), _mm512_unpackhi_epi16(b, e)};
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        u8s8x16::add_product(acc[i], four[i], _mm512_loadu_si512(w + 64 * i));
        if constexpr (Offsets) u8s8x16::add_product(sums[i], four[i], g + 1 == groups ? last_ones : _mm512_set1_epi32(0x01010101));
      }
    }
    if constexpr (Offsets) {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) acc[v] = _mm512_add_epi32(acc[v], _mm512_mullo_epi32(sums[v], k.offset[v]));
    }
    const std::int64_t element = pixel * s.channels + c;
    if (!plain) {
      alignas(64) std::int32_t sum[64];
      for (int v = 0; v < 4; ++v) _mm512_store_si512(sum + 16 * v, acc[v]);
      for (std::int64_t j = 0; j < have; ++j) o.store(o.finish, element + j, (c + j) % s.channels, sum[unpacked_place(j)]);
      return;
    }
    if (how == scaling::rne) {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) acc[v] = scale_rne(acc[v], _mm512_castsi512_ps(k.factor[v]));
    } else if (how == scaling::narrow) {
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) acc[v] = scale_narrow(acc[v], k.mantissa[v], k.factor[v], k.shift[v]);
    } else {
      for (int v = 0; v < 4; ++v) acc[v] = shifted_scale(k.mantissa[v], k.shift[v], twice)(acc[v]);
    }
    // Saturating packs keep what clamps later; they also bring the channels back in order.
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(acc[0], acc[1]), zero);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(acc[2], acc[3]), zero);
    const __m512i q = is_signed ? _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), lo), hi)
                                : _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(low, high), lo), hi);
    _mm512_mask_storeu_epi8(o.y + element, mask, q);
  });
}

template <bool Offsets>
void depthwise_bytes(const depthwise_shape& s, const depthwise_data& d, std::uint32_t flip, const std::byte* packed, const byte_output& o) {
  // stride 2 moves whole quadwords: channel counts below 8 go pixel by pixel
  const bool doubled = s.stride_w == 2 && s.channels >= 8 && s.together(64) > 1;
  const bool nine = s.taps() > 8 && s.taps() <= 12;
  const auto block = doubled ? (nine ? &depthwise_block<3, Offsets, true> : &depthwise_block<0, Offsets, true>)
                             : (nine ? &depthwise_block<3, Offsets, false> : &depthwise_block<0, Offsets, false>);
  // Where the output may overwrite rows of the data that are done, all channels of a row come before the next row;
  // else as many rows as stay near.
  const std::int64_t rows = s.batch * s.out_h;
  const std::int64_t step = s.channels <= 64 ? rows : o.shares_memory ? 1 : 8;
  for (std::int64_t row = 0; row < rows; row += step)
    for (std::int64_t c = 0; c < s.channels; c += 64) block(s, d, row, row + step < rows ? row + step : rows, flip, packed, o, c);
}

/// The 8-bit half of depthwise_kernel.
struct vnni_depthwise {
  template <class Call>
  static void pack(const Call& c, const depthwise_shape& s, std::byte* out) {
    const auto w = c.template in<1>();
    const byte_scales q{c.template in<0>().offset(), is_signed_fixed(Call::out_type::code), c.constants() + finish_constants::header,
                        w.q->scales != nullptr, c.rounding().mode(), false};
    pack_depthwise_bytes(s, w, c.template in<2>(), q, out);
  }
  template <class Call>
  static void run(const Call& c, depthwise_shape s, bool padded) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const depthwise_data d = place_data(s, x.data, 1, c.scratch(), static_cast<std::uint8_t>(x.zero()), padded);
    const finish<Call> done(c, w.q->scales != nullptr);
    byte_output o = byte_output_of(c, done, false);
    o.channels = s.channels;
    o.shares_memory = memory_shared(d.data, s.batch * s.height * s.width * s.channels, o.y, c.out().size());
    packed_flags flags;
    std::memcpy(&flags, c.packed(), sizeof flags);
    const std::uint32_t flip = o.is_signed ? 0x80808080u : 0;
    if (flags.weight_offset) depthwise_bytes<true>(s, d, flip, c.packed(), o);
    else depthwise_bytes<false>(s, d, flip, c.packed(), o);
  }
};
#endif

template <class Float, class Bytes>
struct depthwise_kernel : answers_as<op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = operand_types<Sig>::floats || (!std::is_void_v<Bytes> && operand_types<Sig>::bytes);

  static constexpr bool takes(const depthwise_shape& s, std::int64_t weight_channels, bool constant_weights) {
    return constant_weights && s.channels == weight_channels && s.taps() <= most_taps;
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    const depthwise_shape s = depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
    if (!takes(s, f.c.dims(1)[3], f.c.in(1).kind == tensor_kind::constant)) return 0;
    if (is_fixed(f.c.out(0).type)) {
      const std::int64_t padded = s.padded(64);
      return 64 + packed_words * padded * 4 + padded * ((s.taps() + 3) / 4) * 4;
    }
    return s.padded(Float::lanes) * 4 * (1 + s.taps());
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const depthwise_shape s = depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
    return padding_scratch(s, is_fixed(f.c.out(0).type) ? 1 : 4, has_padding(p));
  }

  static constexpr bool has_padding(const params& p) { return p.pad_amount != std::array<std::uint32_t, 4>{}; }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const depthwise_shape s = depthwise_of(dims_of(c.template in<0>()), dims_of(w), dims_of(c.out()), c.params());
    if constexpr (is_float_v<typename Call::out_type>) {
      pack_depthwise_floats(s, Float::lanes, w, c.template in<2>(), out);
    } else if constexpr (!std::is_void_v<Bytes>) {
      Bytes::pack(c, s, out);
    }
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto y = c.out();
    depthwise_shape s = depthwise_of(dims_of(x), dims_of(w), dims_of(y), c.params());
    if (c.packed_missing() || !takes(s, w.extent(3), c.s.inputs[1].where == bank::weights)) return reference::run(c);
    const bool padded = has_padding(c.params());
    if constexpr (is_float_v<typename Call::out_type>) {
      const depthwise_data d = place_data(s, x.data, 4, c.scratch(), 0, padded);
      float_output o;
      o.y = y.data;
      o.channels = s.channels;
      o.epi = c.epi();
      if (o.epi.residual >= 0) o.residual = c.residual().data;
      depthwise_floats<Float>(s, d, c.packed(), o, float_take<Float>());
    } else if constexpr (!std::is_void_v<Bytes>) {
      Bytes::run(c, s, padded);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
