// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with multiplier 1 on 8-bit data and symmetric 8-bit weights: 32 channels at a time, two taps per
// instruction (vpdpwssd on pairs of 16-bit values). The zero point is folded into the bias when the weights are packed;
// taps outside the data read a row of zero points. Integers equal the reference's bit for bit. Layer 5a.

#include "qnnx/kernel/convolution/avx512vnni.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"

#if QNNX_HAS_AVX512VNNI
namespace qnnx::inline QNNX_ABI::kernel {

namespace vnni {

/// 32 channels of 8 bits as 16 bits; beyond `mask` zeros.
template <bool Signed>
QNNX_INLINE __m512i widen(const std::uint8_t* at, __mmask32 mask) {
  const __m256i x = _mm256_maskz_loadu_epi8(mask, at);
  if constexpr (Signed) return _mm512_cvtepi8_epi16(x);
  else return _mm512_cvtepu8_epi16(x);
}
QNNX_INLINE void dot_pairs(__m512i& acc, __m512i data, __m512i weights) {
  asm("vpdpwssd %2, %1, %0" : "+v"(acc) : "v"(data), "v"(weights));
}

}  // namespace vnni

template <>
struct impl<op::depthwise_conv2d, isa::avx512vnni> {
  using params = op::depthwise_conv2d::params;
  using reference = impl<op::depthwise_conv2d, isa::reference>;
  static constexpr int most_taps = 64;

  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8, types::s8, types::s32)> ||
                                   std::is_same_v<Sig, types::s8(types::s8, types::s8, types::s32)>;

  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) { return reference::constant_words(f, p); }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    reference::prepare(f, p, r, out);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return reference::overlap(f, p, input);
  }
  static constexpr bool fits(const shape& x, const shape& w, const quant& q) {
    if (x[3] != w[3] || static_cast<std::int64_t>(w[0]) * w[1] > most_taps) return false;
    return q.scales ? q.offsets == nullptr || impl<op::conv2d, isa::avx512vnni>::all_zero(q) : q.offset == 0;
  }
  static constexpr std::int64_t pairs(std::int64_t taps) { return (taps + 1) / 2; }
  static constexpr std::int64_t blocks(std::int64_t channels) { return (channels + 31) / 32; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params&) {
    const shape& w = f.c.dims(1);
    if (f.c.in(1).kind != tensor_kind::constant || !fits(f.c.dims(0), w, f.in[1])) return 0;
    return vnni::panel_layout(0, w[3] + 31).bytes() + pairs(static_cast<std::int64_t>(w[0]) * w[1]) * blocks(w[3]) * 128;
  }
  /// One row of zero points, read by taps outside the data.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params&) { return f.c.dims(0)[3] + 64; }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const std::int64_t channels = w.extent(3);
    const std::int64_t taps = static_cast<std::int64_t>(w.extent(0)) * w.extent(1);
    const vnni::panel_layout l(0, channels);
    vnni::pack_panels(l, nullptr, 0, c.constants() + finish_constants::header, w.q->scales != nullptr,
                      [](std::int64_t, std::int64_t) { return 0; }, out);
    auto* folded = reinterpret_cast<std::int32_t*>(out + l.bias_at());
    auto* pairs16 = reinterpret_cast<std::int16_t*>(out + weights_at(channels));
    std::memset(pairs16, 0, static_cast<std::size_t>(pairs(taps) * blocks(channels) * 128));
    for (std::int64_t o = 0; o < channels; ++o) {
      std::int32_t sum = 0;
      for (std::int64_t t = 0; t < taps; ++t) {
        const std::int32_t v = w.load(t * channels + o);
        sum += v;
        // unpacklo/hi of two 32-channel vectors put channel c of a 128-bit lane into low (c % 8 < 4) or high vectors.
        const std::int64_t in_block = o % 32;
        const std::int64_t half = in_block % 8 / 4;
        const std::int64_t slot = in_block / 8 * 4 + in_block % 4;
        pairs16[((o / 32 * pairs(taps) + t / 2) * 2 + half) * 32 + slot * 2 + t % 2] = static_cast<std::int16_t>(v);
      }
      folded[o] = static_cast<std::int32_t>((b.present() ? static_cast<std::uint32_t>(b.load(o)) : 0u) +
                                            static_cast<std::uint32_t>(x.offset()) * static_cast<std::uint32_t>(sum));
    }
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const params& p = c.params();
    shape xs;
    shape ws;
    for (int i = 0; i < 4; ++i) {
      xs.push_back(x.extent(i));
      ws.push_back(w.extent(i));
    }
    if (c.packed_missing() || !fits(xs, ws, *w.q)) return reference::run(c);
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const auto y = c.out();
    const std::int64_t channels = x.extent(3);
    const int taps = w.extent(0) * w.extent(1);
    const vnni::panel_layout l(0, channels);
    const finish<Call> done(c, w.q->scales != nullptr);
    const std::byte* packed = c.packed();
    const std::byte* weights = packed + weights_at(channels);
    const auto* folded = reinterpret_cast<const std::int32_t*>(packed + l.bias_at());
    const auto* data = reinterpret_cast<const std::uint8_t*>(x.data);
    auto* outside = reinterpret_cast<std::uint8_t*>(c.scratch());
    std::memset(outside, static_cast<int>(static_cast<std::uint8_t>(x.zero())), static_cast<std::size_t>(channels));
    const __m512i first_half = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
    const __m512i second_half = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    alignas(64) std::int32_t acc[32];
    const std::uint8_t* tap[most_taps + 1];
    std::int64_t pixel = 0;
    for (std::int64_t n = 0; n < y.extent(0); ++n)
      for (std::int32_t oh = 0; oh < y.extent(1); ++oh)
        for (std::int32_t ow = 0; ow < y.extent(2); ++ow, ++pixel) {
          int k = 0;
          for (std::int32_t kh = 0; kh < w.extent(0); ++kh) {
            const std::int32_t ih = oh * static_cast<std::int32_t>(p.stride[0]) + kh * static_cast<std::int32_t>(p.dilation[0]) - static_cast<std::int32_t>(p.pad_amount[0]);
            for (std::int32_t kw = 0; kw < w.extent(1); ++kw, ++k) {
              const std::int32_t iw = ow * static_cast<std::int32_t>(p.stride[1]) + kw * static_cast<std::int32_t>(p.dilation[1]) - static_cast<std::int32_t>(p.pad_amount[2]);
              const bool inside = ih >= 0 && ih < x.extent(1) && iw >= 0 && iw < x.extent(2);
              tap[k] = inside ? data + ((n * x.extent(1) + ih) * x.extent(2) + iw) * channels : outside;
            }
          }
          tap[k] = outside;  // an odd tap's partner meets zero weights
          for (std::int64_t first = 0; first < channels; first += 32) {
            const std::int64_t count = channels - first < 32 ? channels - first : 32;
            const auto mask = static_cast<__mmask32>(count == 32 ? 0xffffffffu : (1u << count) - 1);
            __m512i low = _mm512_setzero_si512();
            __m512i high = _mm512_setzero_si512();
            const std::byte* pair = weights + first / 32 * pairs(taps) * 128;
            for (int t = 0; t < taps; t += 2, pair += 128) {
              const __m512i a = vnni::widen<is_signed>(tap[t] + first, mask);
              const __m512i b = vnni::widen<is_signed>(tap[t + 1] + first, mask);
              vnni::dot_pairs(low, _mm512_unpacklo_epi16(a, b), _mm512_loadu_si512(pair));
              vnni::dot_pairs(high, _mm512_unpackhi_epi16(a, b), _mm512_loadu_si512(pair + 64));
            }
            // low holds channels 0-3, 8-11, 16-19, 24-27; high the others.
            _mm512_store_si512(acc, _mm512_add_epi32(_mm512_permutex2var_epi64(low, first_half, high), _mm512_loadu_si512(folded + first)));
            if (count > 16)
              _mm512_store_si512(acc + 16, _mm512_add_epi32(_mm512_permutex2var_epi64(low, second_half, high), _mm512_loadu_si512(folded + first + 16)));
            vnni::store_block(c, done, l, packed, acc, 32, 1, pixel, first, count);
          }
        }
  }

 private:
  static constexpr std::int64_t weights_at(std::int64_t channels) { return vnni::panel_layout(0, channels + 31).bytes(); }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
