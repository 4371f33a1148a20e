// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with channel multiplier 1. A step takes all taps of one output pixel, or, where 2 or more pixels fill
// a vector (8 channels of 8 bit: 8 pixels), of neighbouring ones: with stride 1 their taps lie side by side in memory,
// with stride 2 every other pixel is taken. Lanes that belong to the second and later pixels have copies of the
// channels' weights ("virtual channels"). Nodes with padding run on a padded copy of the data.
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
/// The padded image that padded nodes are computed from: one copy, then no tap is outside.
constexpr padded_image padded_of(const depthwise_shape& s, std::int64_t element, bool padded) {
  return {s.batch, s.height, s.width, s.channels * element, (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1,
          (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1, s.top, s.left, padded};
}

/// Calls step(taps, pixel, count): taps[t] is where tap t of pixel `pixel` begins, `count` neighbours follow in the row.
/// Every tap is inside `data`, whose rows are `line` bytes.
template <class Step>
QNNX_INLINE void each_depthwise(const depthwise_shape& s, const std::byte* data, std::int64_t height, std::int64_t line, std::int64_t element,
                                std::int64_t together, Step&& step) {
  const std::int64_t pixel_bytes = s.channels * element;
  const std::int64_t taps_up = (s.taps() + 3) / 4 * 4;
  alignas(64) std::int64_t offset[most_taps];
  alignas(64) const std::byte* taps[most_taps];
  for (std::int64_t t = 0; t < taps_up; ++t) {  // partners of the last taps meet zero weights
    const std::int64_t last = t < s.taps() ? t : s.taps() - 1;
    offset[t] = last / s.kernel_w * s.dilation_h * line + last % s.kernel_w * s.dilation_w * pixel_bytes;
  }
  std::int64_t pixel = 0;
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t oh = 0; oh < s.out_h; ++oh) {
      const std::byte* base = data + (n * height + oh * s.stride_h) * line;
      for (std::int64_t ow = 0; ow < s.out_w;) {
        const __m256i at = _mm256_set1_epi64x(static_cast<long long>(reinterpret_cast<std::intptr_t>(base + ow * s.stride_w * pixel_bytes)));
        for (std::int64_t t = 0; t < taps_up; t += 4)
          _mm256_store_si256(reinterpret_cast<__m256i*>(taps + t), _mm256_add_epi64(at, _mm256_load_si256(reinterpret_cast<const __m256i*>(offset + t))));
        const std::int64_t count = ow + together <= s.out_w ? together : 1;
        step(taps, pixel, count);
        ow += count;
        pixel += count;
      }
    }
}

/// Floats. V has lanes, load, store, fused multiply-add.
template <class V>
void depthwise_floats(const depthwise_shape& s, const std::byte* data, std::int64_t height, std::int64_t line, const std::byte* packed, const float_output& o,
                      void (*take)(const void*, const std::byte*, int, std::int64_t, std::int64_t, std::int64_t)) {
  constexpr std::int64_t lanes = V::lanes;
  constexpr int wide = 4;
  const std::int64_t padded = s.padded(lanes);
  const std::int64_t together = s.stride_w == 1 ? s.together(lanes) : 1;
  const auto* bias = reinterpret_cast<const float*>(packed);
  const float* weights = bias + padded;
  const std::int64_t taps = s.taps();
  each_depthwise(s, data, height, line, 4, together, [&](const std::byte* const* tap, std::int64_t pixel, std::int64_t count) {
    const std::int64_t elements = count * s.channels;
    alignas(64) float sums[wide * lanes];
    alignas(64) float last[lanes] = {};
    for (std::int64_t c = 0; c < elements; c += wide * lanes) {
      const std::int64_t have = elements - c < wide * lanes ? elements - c : wide * lanes;
      const std::int64_t vectors = (have + lanes - 1) / lanes;
      if (vectors == wide && have == wide * lanes) {
        typename V::vec acc[wide];
#pragma GCC unroll 4
        for (int v = 0; v < wide; ++v) acc[v] = V::load(bias + c + v * lanes);
        for (std::int64_t t = 0; t < taps; ++t) {
          const auto* x = reinterpret_cast<const float*>(tap[t]) + c;
          const float* w = weights + t * padded + c;
#pragma GCC unroll 4
          for (int v = 0; v < wide; ++v) V::add_product(acc[v], V::load(x + v * lanes), V::load(w + v * lanes));
        }
#pragma GCC unroll 4
        for (int v = 0; v < wide; ++v) V::store(sums + v * lanes, acc[v]);
      } else {
        for (std::int64_t v = 0; v < vectors; ++v) {
          const std::int64_t at = c + v * lanes;
          const std::int64_t left = elements - at < lanes ? elements - at : lanes;
          typename V::vec acc = V::load(bias + at);
          for (std::int64_t t = 0; t < taps; ++t) {
            const float* x = reinterpret_cast<const float*>(tap[t]) + at;
            if (left < lanes) {
              std::memcpy(last, x, static_cast<std::size_t>(left) * 4);
              x = last;
            }
            V::add_product(acc, V::load(x), V::load(weights + t * padded + at));
          }
          V::store(sums + v * lanes, acc);
        }
      }
      take(&o, reinterpret_cast<const std::byte*>(sums), 1, 0, pixel * s.channels + c, have);
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
  const std::int32_t down = is_signed_fixed(W::type::code) ? 0 : 128;
  const std::int32_t fold = q.data_offset - (q.data_signed ? 128 : 0);
  scaling_choice choice;
  packed_flags flags;
  const auto multiplier_of = [&](std::int64_t channel) {
    const std::int32_t* m = q.multipliers + (q.per_channel ? 2 * channel : 0);
    return vector_form({m[0], m[1]}, q.mode);
  };
  for (std::int64_t c = 0; c < l.padded; ++c) {
    const std::int64_t place = c / 64 * 64 + unpacked_place(c % 64);
    word(shift_word)[place] = 31;
    if (c >= used && c >= s.channels) continue;
    const std::int64_t channel = c % s.channels;
    std::int32_t sum = 0;
    std::int64_t most = 0;
    for (std::int64_t t = 0; t < s.taps(); ++t) {
      const std::int32_t v = weight_value(w, t * s.channels + channel) - down;
      sum += v;
      most += v < 0 ? -v : v;
      out[l.weights_at() + ((c / 64 * l.groups + t / 4) * 64 + place % 64) * 4 + t % 4] = static_cast<std::byte>(v);
    }
    const std::int32_t offset = w.q->offset_at(q.per_channel ? channel : 0) + down;
    const std::uint32_t folded =
        static_cast<std::uint32_t>(fold) * (static_cast<std::uint32_t>(sum) + static_cast<std::uint32_t>(s.taps()) * static_cast<std::uint32_t>(offset));
    word(bias_word)[place] = static_cast<std::int32_t>(folded + (bias.present() ? static_cast<std::uint32_t>(bias.load(channel)) : 0u));
    word(offset_word)[place] = offset;
    flags.weight_offset |= offset != 0;
    most = 255 * (most + s.taps() * (offset < 0 ? -offset : offset));
    const std::int64_t biased = word(bias_word)[place];
    choice.add(multiplier_of(channel), most + (biased < 0 ? -biased : biased) < (std::int64_t{1} << 30));
  }
  flags.how = choice.best();
  for (std::int64_t c = 0; c < l.padded; ++c) {
    if (c >= used && c >= s.channels) continue;
    const std::int64_t place = c / 64 * 64 + unpacked_place(c % 64);
    store_multiplier(multiplier_of(c % s.channels), flags.how, word(factor_word) + place, word(mantissa_word) + place, word(shift_word) + place);
  }
  std::memcpy(out, &flags, sizeof flags);
}

/// Sums of one block of 64 channels in unpacked order. Doubled: stride 2, every other pixel of `bytes` channels each.
template <bool Offsets, bool Doubled>
QNNX_INLINE void depthwise_block(const std::byte* const* tap, std::int64_t at, std::int64_t groups, std::int64_t taps, __mmask64 mask,
                                 __mmask64 high_mask, __m512i every_other, __m512i flip, const std::byte* w, __m512i* acc, __m512i* data) {
  for (std::int64_t g = 0; g < groups; ++g, tap += 4, w += 256) {
    __m512i x[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      x[i] = _mm512_maskz_loadu_epi8(mask, tap[i] + at);
      if constexpr (Doubled)
        x[i] = _mm512_permutex2var_epi64(x[i], every_other, _mm512_maskz_loadu_epi8(high_mask, tap[i] + at + 64));
      x[i] = _mm512_xor_si512(x[i], flip);
    }
    const __m512i a = _mm512_unpacklo_epi8(x[0], x[1]);
    const __m512i b = _mm512_unpackhi_epi8(x[0], x[1]);
    const __m512i c = _mm512_unpacklo_epi8(x[2], x[3]);
    const __m512i d = _mm512_unpackhi_epi8(x[2], x[3]);
    const __m512i four[4] = {_mm512_unpacklo_epi16(a, c), _mm512_unpackhi_epi16(a, c), _mm512_unpacklo_epi16(b, d), _mm512_unpackhi_epi16(b, d)};
    const std::int64_t left = taps - 4 * g;
    const __m512i ones = _mm512_set1_epi32(left >= 4 ? 0x01010101 : (1 << (8 * left)) / 255);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      u8s8x16::add_product(acc[i], four[i], _mm512_loadu_si512(w + 64 * i));
      if constexpr (Offsets) u8s8x16::add_product(data[i], four[i], ones);
    }
  }
}

/// Rounds and stores 64 results; acc in unpacked order.
QNNX_INLINE void store_unpacked(const byte_output& o, const packed_flags& flags, const std::byte* words, std::int64_t padded, __m512i* acc,
                                std::int64_t element, std::int64_t count, std::int64_t channel) {
  const std::int32_t* k = o.constants;
  const auto word = [&](int i, int v) { return _mm512_loadu_si512(words + (i * padded + 16 * v) * 4); };
  if (!o.vector || o.residual || flags.how == scaling::scalar) {
    alignas(64) std::int32_t plain[64];
    for (int v = 0; v < 4; ++v) _mm512_store_si512(plain + 16 * v, acc[v]);
    for (std::int64_t j = 0; j < count; ++j)
      o.store(o.finish, element + j, (channel + j) % o.channels, plain[unpacked_place(j)]);
    return;
  }
  if (flags.how == scaling::rne) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) acc[v] = scale_rne(acc[v], _mm512_castsi512_ps(word(factor_word, v)));
  } else if (flags.how == scaling::narrow) {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) acc[v] = scale_narrow(acc[v], word(mantissa_word, v), word(factor_word, v), word(shift_word, v));
  } else {
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) acc[v] = shifted_scale(word(mantissa_word, v), word(shift_word, v), o.mode == rounding_mode::tflite)(acc[v]);
  }
  // Saturating packs keep what clamps later; they also bring the channels back in order.
  const __m512i zero = _mm512_set1_epi16(static_cast<short>(o.zero));
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(acc[0], acc[1]), zero);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(acc[2], acc[3]), zero);
  __m512i q;
  if (o.is_signed) {
    q = _mm512_packs_epi16(low, high);
    q = _mm512_min_epi8(_mm512_max_epi8(q, _mm512_set1_epi8(static_cast<char>(k[0]))), _mm512_set1_epi8(static_cast<char>(k[1])));
  } else {
    q = _mm512_packus_epi16(low, high);
    q = _mm512_min_epu8(_mm512_max_epu8(q, _mm512_set1_epi8(static_cast<char>(k[0]))), _mm512_set1_epi8(static_cast<char>(k[1])));
  }
  _mm512_mask_storeu_epi8(o.y + element, count >= 64 ? ~0ull : (1ull << count) - 1, q);
}

template <bool Offsets>
void depthwise_bytes(const depthwise_shape& s, const std::byte* data, std::int64_t height, std::int64_t line, std::uint32_t flip_pattern, const std::byte* packed,
                     const byte_output& o) {
  const depthwise_layout l(s);
  packed_flags flags;
  std::memcpy(&flags, packed, sizeof flags);
  const std::int64_t together = s.together(64);
  const __m512i flip = _mm512_set1_epi32(static_cast<int>(flip_pattern));
  const __m512i every_other = s.channels == 8    ? _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14)
                              : s.channels == 16 ? _mm512_setr_epi64(0, 1, 4, 5, 8, 9, 12, 13)
                                                 : _mm512_setr_epi64(0, 1, 2, 3, 8, 9, 10, 11);
  // channel counts below 8 do not move in whole quadwords
  const std::int64_t grouped = s.stride_w == 1 || s.channels >= 8 ? together : 1;
  const __mmask64 high_mask = s.channels < 64 ? (1ull << (64 - s.channels)) - 1 : 0;  // not the pixel after the last
  each_depthwise(s, data, height, line, 1, grouped, [&](const std::byte* const* tap, std::int64_t pixel, std::int64_t count) {
    const std::int64_t elements = count * s.channels;
    for (std::int64_t c = 0; c < elements; c += 64) {
      const std::int64_t have = elements - c < 64 ? elements - c : 64;
      const __mmask64 mask = have == 64 ? ~0ull : (1ull << have) - 1;
      const std::byte* words = packed + 64 + c * 4;
      const std::byte* w = packed + l.weights_at() + c * l.groups * 4;
      __m512i acc[4];
      __m512i sums[4];
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) {
        acc[v] = _mm512_loadu_si512(words + 64 * v);
        sums[v] = _mm512_setzero_si512();
      }
      if (count > 1 && s.stride_w == 2)
        depthwise_block<Offsets, true>(tap, c, l.groups, s.taps(), ~0ull, high_mask, every_other, flip, w, acc, sums);
      else
        depthwise_block<Offsets, false>(tap, c, l.groups, s.taps(), mask, 0, every_other, flip, w, acc, sums);
      if constexpr (Offsets) {
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v)
          acc[v] = _mm512_add_epi32(acc[v], _mm512_mullo_epi32(sums[v], _mm512_loadu_si512(words + (offset_word * l.padded + 16 * v) * 4)));
      }
      store_unpacked(o, flags, words, l.padded, acc, pixel * s.channels + c, have, c);
    }
  });
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
  static void run(const Call& c, const depthwise_shape& s, bool padded) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const padded_image image = padded_of(s, 1, padded);
    const std::byte* data = image.make(reinterpret_cast<const std::byte*>(x.data), c.scratch(), static_cast<std::uint8_t>(x.zero()));
    const finish<Call> done(c, w.q->scales != nullptr);
    byte_output o = byte_output_of(c, done, false);
    o.channels = s.channels;
    packed_flags flags;
    std::memcpy(&flags, c.packed(), sizeof flags);
    const std::uint32_t flip = o.is_signed ? 0x80808080u : 0;
    if (flags.weight_offset) depthwise_bytes<true>(s, data, image.rows(), image.line(), flip, c.packed(), o);
    else depthwise_bytes<false>(s, data, image.rows(), image.line(), flip, c.packed(), o);
  }
};
#endif

template <class Float, class Bytes>
struct depthwise_kernel {
  using Op = op::depthwise_conv2d;
  using params = Op::params;
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = operand_types<Sig>::floats || (!std::is_void_v<Bytes> && operand_types<Sig>::bytes);

  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) { return reference::constant_words(f, p); }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) { reference::prepare(f, p, r, out); }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) { return reference::overlap(f, p, input); }

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
    return padded_of(s, is_fixed(f.c.out(0).type) ? 1 : 4, has_padding(p)).scratch();
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
    const depthwise_shape s = depthwise_of(dims_of(x), dims_of(w), dims_of(y), c.params());
    if (c.packed_missing() || !takes(s, w.extent(3), c.s.inputs[1].where == bank::weights)) return reference::run(c);
    const bool padded = has_padding(c.params());
    if constexpr (is_float_v<typename Call::out_type>) {
      const padded_image image = padded_of(s, 4, padded);
      const std::byte* data = image.make(reinterpret_cast<const std::byte*>(x.data), c.scratch(), 0);
      float_output o;
      o.y = y.data;
      o.channels = s.channels;
      o.epi = c.epi();
      if (o.epi.residual >= 0) o.residual = c.residual().data;
      depthwise_floats<Float>(s, data, image.rows(), image.line(), c.packed(), o, float_take<Float>());
    } else if constexpr (!std::is_void_v<Bytes>) {
      Bytes::run(c, s, padded);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
