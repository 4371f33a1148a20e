// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of 3x3 windows over one channel. A line holds, for each pair of neighbouring columns, the words of three data
// rows ("slots"): (x0, x1) of row a, b, c, then (x2, x3) of row a, b, c, ...; so one pointer walks all three.
//   stride 1: y0 += x0 w0 + x1 w1 + x2 w2, y1 += x1 w0 + x2 w1 + x3 w2 a row, by four multiply instructions
//   stride 2: y0 alone, by two
// Rows replace each other in turn: which weights meet which slot changes from output row to output row. Layer 5a.

#include "qnnx/kernel/arm/dsp.hpp"

namespace qnnx::inline QNNX_ABI::kernel::dsp {

/// Sizes of the lines of some channels, and of the sums of one output row behind them.
struct lines {
  std::int32_t channels;
  std::int32_t pairs;  // that the windows of an output row touch
  std::int32_t sums;
  constexpr lines(std::int32_t c, std::int32_t out_width, std::int32_t stride)
      : channels(c), pairs(stride == 1 ? (out_width + 1) / 2 + 1 : out_width + 1), sums(out_width + 1) {}
  constexpr std::int32_t line_words() const { return 3 * pairs; }
  constexpr std::int64_t bytes() const { return (std::int64_t{line_words()} * channels + sums) * 4; }
};

/// `count` channels of a data row [width][channels] into a slot of their lines; element j of a line is data column
/// j - left, outside the data the zero point. count % 4 == 0.
template <bool Signed>
QNNX_NOINLINE void split_row(const lines& size, const std::byte* row, std::int32_t channels, std::int32_t count,
                             std::int32_t width, std::int32_t left, word zeros, word* to) {
  const std::int32_t step = size.line_words();
  for (std::int32_t q = size.pairs, column = -left; q > 0; --q, column += 2, to += 3) {
    const bool first = column >= 0 && column < width, second = column + 1 >= 0 && column + 1 < width;
    const std::byte* a = first ? row + column * channels : reinterpret_cast<const std::byte*>(&zeros);
    const std::byte* b = second ? row + (column + 1) * channels : reinterpret_cast<const std::byte*>(&zeros);
    const std::int32_t next_a = first ? 4 : 0, next_b = second ? 4 : 0;
    word* line = to;
    for (std::int32_t c = count; c > 0; c -= 4, a += next_a, b += next_b, line += 4 * step) {
      const word x = load_word(a), y = load_word(b);
      const word low = pkhbt16(x, y), high = pkhtb16(x, y);
      line[0] = even_bytes<Signed>(low);
      line[step] = odd_bytes<Signed>(low);
      line[2 * step] = even_bytes<Signed>(high);
      line[3 * step] = odd_bytes<Signed>(high);
    }
  }
}

#if QNNX_HAS_DSP_INSTRUCTIONS

/// `count` sums (one more may be written where it is odd) of a line with the weight bytes w0 w1 w1 w2 of each slot.
template <int Stride>
QNNX_INLINE void window_sums(const word* line, word k0, word k1, word k2, std::int32_t* sums, std::int32_t count) {
  register const word* p asm("r0") = line;
  register std::int32_t* to asm("r1") = sums;
  register std::int32_t n asm("r2") = Stride == 1 ? (count + 1) / 2 : count;
  register word a0 asm("r4") = k0;
  register word a1 asm("r5") = k1;
  register word a2 asm("r6") = k2;
  if constexpr (Stride == 1)
    asm volatile(
        "push {r7}\n\t"  // may be the frame pointer: not in the clobber list
        "sxtb16 r8, r4, ror #8\n\t"
        "sxtb16 r9, r5, ror #8\n\t"
        "sxtb16 r10, r6, ror #8\n\t"
        "sxtb16 r4, r4\n\t"
        "sxtb16 r5, r5\n\t"
        "sxtb16 r6, r6\n"
        "1:\n\t"
        "ldmia r0!, {r3, r12, lr}\n\t"
        "smuad r7, r3, r4\n\t"
        "smultb r11, r3, r4\n\t"
        "smlad r7, r12, r5, r7\n\t"
        "smlatb r11, r12, r5, r11\n\t"
        "smlad r7, lr, r6, r7\n\t"
        "smlatb r11, lr, r6, r11\n\t"
        "ldmia r0, {r3, r12, lr}\n\t"
        "smlabt r7, r3, r8, r7\n\t"
        "smlad r11, r3, r8, r11\n\t"
        "smlabt r7, r12, r9, r7\n\t"
        "smlad r11, r12, r9, r11\n\t"
        "smlabt r7, lr, r10, r7\n\t"
        "smlad r11, lr, r10, r11\n\t"
        "strd r7, r11, [r1], #8\n\t"
        "subs r2, r2, #1\n\t"
        "bne 1b\n\t"
        "pop {r7}"
        : "+r"(p), "+r"(to), "+r"(n), "+r"(a0), "+r"(a1), "+r"(a2)
        :
        : "r3", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
  else
    asm volatile(
        "sxtb16 r8, r4, ror #8\n\t"
        "sxtb16 r9, r5, ror #8\n\t"
        "sxtb16 r10, r6, ror #8\n\t"
        "sxtb16 r4, r4\n\t"
        "sxtb16 r5, r5\n\t"
        "sxtb16 r6, r6\n"
        "1:\n\t"
        "ldmia r0!, {r3, r12, lr}\n\t"
        "smuad r11, r3, r4\n\t"
        "smlad r11, r12, r5, r11\n\t"
        "smlad r11, lr, r6, r11\n\t"
        "ldmia r0, {r3, r12, lr}\n\t"
        "smlabt r11, r3, r8, r11\n\t"
        "smlabt r11, r12, r9, r11\n\t"
        "smlabt r11, lr, r10, r11\n\t"
        "str r11, [r1], #4\n\t"
        "subs r2, r2, #1\n\t"
        "bne 1b"
        : "+r"(p), "+r"(to), "+r"(n), "+r"(a0), "+r"(a1), "+r"(a2)
        :
        : "r3", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}

#else

template <int Stride>
void window_sums(const word* line, word k0, word k1, word k2, std::int32_t* sums, std::int32_t count) {
  const word k[3] = {k0, k1, k2};
  for (std::int32_t i = 0; i < count; i += Stride == 1 ? 2 : 1, line += 3) {
    std::int32_t s = 0, t = 0;
    for (int slot = 0; slot < 3; ++slot) {
      const word a = sxtb16(k[slot]), b = sxtb16_ror8(k[slot]), lo = line[slot], hi = line[3 + slot];
      s = smlabt(hi, b, smlad(lo, a, s));
      t = smlad(hi, b, smlatb(lo, a, t));
    }
    *sums++ = s;
    if (Stride == 1) *sums++ = t;
  }
}

#endif

}  // namespace qnnx::inline QNNX_ABI::kernel::dsp
