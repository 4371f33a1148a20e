// SPDX-License-Identifier: Apache-2.0
#pragma once
// Panels of a right side that is known when a MatMul runs: 8-bit matrices of one scale, in the packed form of
// neon/panels.hpp. All columns have one multiplier, so one bound of all sums says whether they are finished in the fast
// form. Weights go in blocks of eight by eight, which are transposed where the matrix or the panel asks for it. Layer 5a.

#include "qnnx/kernel/neon/products.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

/// What all matrices of a node have in common.
template <class Call>
struct late_heads {
  using X = typename Call::out_type;
  using W = typename Call::template in_type<1>;
  static constexpr bool is_signed = is_signed_fixed(X::code);

  std::int32_t fold;    // what every weight is multiplied with beside the stored data
  std::int32_t centre;  // of the weights
  bool fast;
  dsp::channel_head head;

  late_heads(const Call& c, const panel_sizes& size)
      : fold(c.s.inputs[0].q.offset + (is_signed ? 0 : 128)), centre(centre_of<W>(c.s.inputs[1].q, 0)) {
    const auto largest = [](dtype t, std::int32_t offset) {
      const std::int64_t low = min_value(t) + offset, high = max_value(t) + offset;
      return -low > high ? -low : high;
    };
    std::int64_t most = largest(Call::template in_type<0>::code, c.s.inputs[0].q.offset) *
                        largest(W::code, c.s.inputs[1].q.offset) * size.elements;
    std::int64_t bias = 0;
    if (const auto b = c.template in<2>(); b.present())
      for (std::int32_t o = 0; o < size.channels; ++o) {
        const std::int64_t v = b.load(o);
        bias = v > bias ? v : -v > bias ? -v : bias;
      }
    most += bias;
    const std::int32_t* m = c.constants() + finish_constants::header;
    const dsp::channel_facts f{multiplier{m[0], m[1]}, 0, most, c.s.outputs[0].q.zero()};
    fast = f.template fits_fast<false, is_signed>(c.rounding());
    head = f.template head<false, is_signed>(c.rounding(), fast);
  }
};

/// Eight by eight bytes.
struct byte_block {
  int8x8_t row[8];
  QNNX_INLINE byte_block transposed() const {
    byte_block b = *this;
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
      const int8x8_t x = b.row[i], y = b.row[i + 1];
      b.row[i] = vtrn1_s8(x, y), b.row[i + 1] = vtrn2_s8(x, y);
    }
#pragma GCC unroll 4
    for (const int i : {0, 1, 4, 5}) {
      const int16x4_t x = vreinterpret_s16_s8(b.row[i]), y = vreinterpret_s16_s8(b.row[i + 2]);
      b.row[i] = vreinterpret_s8_s16(vtrn1_s16(x, y)), b.row[i + 2] = vreinterpret_s8_s16(vtrn2_s16(x, y));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int32x2_t x = vreinterpret_s32_s8(b.row[i]), y = vreinterpret_s32_s8(b.row[i + 4]);
      b.row[i] = vreinterpret_s8_s32(vtrn1_s32(x, y)), b.row[i + 4] = vreinterpret_s8_s32(vtrn2_s32(x, y));
    }
    return b;
  }
};
/// `rows` rows of up to eight bytes, `pitch` apart, as signed numbers, and zeros.
QNNX_INLINE byte_block load_block(const std::uint8_t* from, std::ptrdiff_t pitch, std::int32_t rows, std::int32_t bytes,
                                  std::uint8_t turn) {
  byte_block b;
  const uint8x8_t t = vdup_n_u8(turn);
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    uint8x8_t v = t;
    if (i < rows && bytes >= 8) {
      v = vld1_u8(from + i * pitch);
    } else if (i < rows && bytes > 0) {
      std::uint8_t last[8];
      vst1_u8(last, t);
      std::memcpy(last, from + i * pitch, static_cast<std::size_t>(bytes));
      v = vld1_u8(last);
    }
    b.row[i] = vreinterpret_s8_u8(veor_u8(v, t));
  }
  return b;
}
/// A block [k][channel] to half a panel.
QNNX_INLINE void store_block(const byte_block& b, std::int8_t* to) {
  if constexpr (std::is_same_v<isa::best, isa::i8mm>) {
    const byte_block t = b.transposed();
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) vst1_s8(to + 8 * i, t.row[i]);
  } else if constexpr (splits_words) {  // [4][8][4]
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
      const int8x16_t even = vcombine_s8(vzip1_s8(b.row[i], b.row[i + 1]), vzip2_s8(b.row[i], b.row[i + 1]));
      const int8x16_t odd = vcombine_s8(vzip1_s8(b.row[i + 2], b.row[i + 3]), vzip2_s8(b.row[i + 2], b.row[i + 3]));
      const int16x8_t x = vreinterpretq_s16_s8(even), y = vreinterpretq_s16_s8(odd);
      vst1q_s8(to + 8 * i, vreinterpretq_s8_s16(vzip1q_s16(x, y)));
      vst1q_s8(to + 8 * i + 16, vreinterpretq_s8_s16(vzip2q_s16(x, y)));
    }
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) vst1_s8(to + 8 * i, b.row[i]);
  }
}

/// The matrix that begins at `from`, weight k of column o at [k][o], or `turned` at [o][k].
template <class Call>
void pack_late(const Call& c, const panel_sizes& size, const late_heads<Call>& all, const void* from, bool turned,
               std::byte* out) {
  using W = typename Call::template in_type<1>;
  constexpr std::uint8_t turn = W::code == dtype::ufixed_8 ? 0x80 : 0;
  const auto* w = static_cast<const std::uint8_t*>(from);
  const auto b = c.template in<2>();
  for (std::int32_t o = 0; o < size.channels; o += 8) {
    std::byte* const group = out + size.groups_at() + o / 8 * size.group_bytes();
    auto* to = reinterpret_cast<std::int8_t*>(group + size.head_bytes());
    const std::int32_t have = size.channels - o < 8 ? size.channels - o : 8;
    int32x4_t low = vdupq_n_s32(0), high = low;  // sums of columns
    for (std::int32_t k = 0; k < size.padded(); k += 8, to += 64) {
      const std::int32_t left = size.elements - k;
      const byte_block block = turned ? load_block(w + std::int64_t{o} * size.elements + k, size.elements, have, left, turn).transposed()
                                      : load_block(w + std::int64_t{k} * size.channels + o, size.channels, left, have, turn);
      int16x8_t sum = vmovl_s8(block.row[0]);
#pragma GCC unroll 7
      for (int i = 1; i < 8; ++i) sum = vaddw_s8(sum, block.row[i]);
      low = vaddw_s16(low, vget_low_s16(sum)), high = vaddw_high_s16(high, sum);
      store_block(block, to);
    }
    const std::int32_t centres = all.centre * size.elements;
    std::int32_t bias[8] = {};
    for (std::int32_t i = 0; b.present() && i < have; ++i) bias[i] = b.load(o + i);
    auto* h = reinterpret_cast<quad_head*>(group);
    const int32x4_t fold = vdupq_n_s32(all.fold), more = vdupq_n_s32(centres);
    vst1q_s32(h[0].bias, vmlaq_s32(vld1q_s32(bias), fold, vaddq_s32(low, more)));
    vst1q_s32(h[1].bias, vmlaq_s32(vld1q_s32(bias + 4), fold, vaddq_s32(high, more)));
    for (int i = 0; i < 2; ++i) {
      vst1q_s32(h[i].factor, vdupq_n_s32(all.head.factor)), vst1q_s32(h[i].add, vdupq_n_s32(all.head.add));
      vst1q_s32(h[i].shift, vdupq_n_s32(all.head.shift));
      vst1q_s32(reinterpret_cast<std::int32_t*>(out + size.offsets_at()) + o + 4 * i, vdupq_n_s32(all.centre));
    }
  }
  if (all.centre != 0) {
    std::memset(out + size.ones_at(), 0, static_cast<std::size_t>(size.offsets_at() - size.ones_at()));
    for (std::int32_t k = 0; k < size.elements; ++k) out[size.ones_at() + k / 16 * 128 + panel_at(k % 16, 0)] = std::byte{1};
  }
  const dsp::node_head head{all.fast ? 1 : 0, all.centre != 0 ? 1 : 0, {}};
  std::memcpy(out, &head, sizeof head);
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
