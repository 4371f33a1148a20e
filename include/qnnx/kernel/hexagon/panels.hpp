// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of windows with all output channels, 32 channels a vector, and their way to 8-bit outputs. Layer 5a.
//   sums     a word of four data bytes is splatted and multiplied with the same four weights of 32 channels; one, two
//   or
//            four groups of 32 channels at once, eight sums in registers
//   outputs  tflite: as kernel/arm/finish.hpp has it: the doubling high multiply of sum and mantissa, minus 1 for
//   negative
//            sums, plus half and the zero point, a shift each of their own. Other policies: channel by channel.
// Outputs are made as unsigned bytes; signed ones with 128 added, which one exclusive or takes off again. Packed form:
// a node head, then per group of 32 channels four rows of words (bias, factor, add, shift) and per four window elements
// 128 bytes. Layers of 8 or 16 channels repeat their head, so that two or four pixels are finished at once ("fold").

#include "qnnx/kernel/arm/packing.hpp"
#include "qnnx/kernel/hexagon/hvx.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel::hvx {

inline constexpr std::int32_t head_bytes = 4 * vector_bytes;  // bias, factor, add, shift of 32 words
inline constexpr std::int32_t block_pixels = 8;

/// The first vector of a packed form.
struct node_head : dsp::node_head {
  std::byte rest[vector_bytes - sizeof(dsp::node_head)] = {};
};

/// Puts a channel's head into word `lane` of the four rows at `to`. Facts have the zero point of unsigned outputs.
template <bool Once, class Rounding>
void put_head(std::byte* to, std::int32_t lane, const dsp::channel_facts& f, Rounding r, bool fast) {
  const dsp::channel_head h = f.template head<Once, false>(r, fast);
  const std::int32_t row[4] = {h.bias, h.factor, h.add, h.shift};
  for (int k = 0; k < 4; ++k) std::memcpy(to + k * vector_bytes + lane * 4, &row[k], 4);
}
/// What packing knows of channel o, for unsigned outputs; `fast` only under tflite.
template <bool Once, class Call, class Weight, class Put>
bool pack_channels(const Call& c, std::int32_t channels, std::int32_t depth, scale_product product, Weight&& weight,
                   Put&& put) {
  constexpr std::int32_t above = is_signed_fixed(Call::out_type::code) ? 128 : 0;
  const auto facts = [&](std::int32_t o) {
    dsp::channel_facts f = dsp::facts_of(c, o, depth, c.s.inputs[0].q.offset, product, weight);
    f.zero += above;
    return f;
  };
  bool fast = c.rounding().mode() == rounding_mode::tflite;
  for (std::int32_t o = 0; o < channels && fast; ++o) fast = facts(o).template fits_fast<Once, false>(c.rounding());
  for (std::int32_t o = 0; o < channels; ++o) put(o, facts(o), fast);
  return fast;
}

/// How outputs are finished: Once is FullyConnected's rule of tflite.
template <bool Signed, bool Once, class Rounding>
struct finisher {
  Rounding r;
  std::int32_t lo, hi, zero;
  vec low, high;  // as unsigned bytes

  template <class Call>
  explicit finisher(const Call& c)
      : r(c.rounding()),
        lo(c.constants()[0]),
        hi(c.constants()[1]),
        zero(c.s.outputs[0].q.zero()),
        low(splat_byte(lo + (Signed ? 128 : 0))),
        high(splat_byte(hi + (Signed ? 128 : 0))) {}

  /// 32 sums without their biases, by the head at `head`.
  QNNX_INLINE vec words(vec sums, const std::byte* head) const {
    const vec v = add(sums, load(head));
    const vec factor = load(head + vector_bytes), plus = load(head + 2 * vector_bytes);
    if constexpr (Once)
      return shift_right_each(add(shift_right(multiply_floor(v, factor), 1), plus), load(head + 3 * vector_bytes));
    else
      return shift_right_each(add(multiply_rounded(v, factor), add(shift_right(v, 31), plus)),
                              load(head + 3 * vector_bytes));
  }
  /// Unsigned bytes to those that are stored.
  QNNX_INLINE vec bounded(vec v) const {
    const vec q = least_bytes(greatest_bytes(v, low), high);
    return Signed ? bit_xor(q, splat_byte(128)) : q;
  }
  /// Any multiplier and policy: the byte of word `lane`.
  std::byte general(vec sums, const std::byte* head, std::int32_t lane) const {
    std::int32_t sum[lanes], row[3];
    std::memcpy(sum, &sums, sizeof sum);
    for (int k = 0; k < 3; ++k) std::memcpy(&row[k], head + k * vector_bytes + lane * 4, 4);
    const auto acc =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(sum[lane]) + static_cast<std::uint32_t>(row[0]));
    return static_cast<std::byte>(dsp::finish_general<Once>(acc, multiplier{row[1], row[2]}, zero, lo, hi, r));
  }
};

/// Sizes of the packed weights of windows of `lines` pieces of `line` elements, each filled with zeros to whole words.
struct panel_sizes {
  std::int32_t lines, line, channels, groups, fold;
  constexpr panel_sizes(std::int32_t n, std::int32_t bytes, std::int32_t outputs, bool folds)
      : lines(n),
        line(bytes),
        channels(outputs),
        groups((outputs + lanes - 1) / lanes),
        fold(!folds          ? 1
             : outputs == 16 ? 2
             : outputs == 8  ? 4
                             : 1) {}
  constexpr std::int32_t depth() const { return lines * line; }
  constexpr std::int32_t padded_line() const { return (line + 3) / 4 * 4; }
  constexpr std::int32_t padded() const { return (lines * padded_line() + 7) / 8 * 8; }  // of a window, in bytes
  constexpr std::int32_t group_bytes() const { return head_bytes + padded() * lanes; }
  constexpr std::int64_t bytes() const {
    return static_cast<std::int64_t>(sizeof(node_head)) + std::int64_t{groups} * group_bytes();
  }
  /// Groups that a pass over a window takes, with `left` to go.
  static constexpr std::int32_t in_pass(std::int32_t left) { return left >= 4 ? 4 : left >= 2 ? 2 : 1; }
  constexpr bool one_pass() const { return groups == in_pass(groups); }
};

/// weight(k, o): element k of channel o.
template <bool Once, class Call, class Weight>
void pack_panels(const Call& c, const panel_sizes& size, scale_product product, Weight&& weight, std::byte* out) {
  std::memset(out, 0, static_cast<std::size_t>(size.bytes()));
  node_head head;
  head.fast = pack_channels<Once>(
      c, size.channels, size.depth(), product, weight, [&](std::int32_t o, const dsp::channel_facts& f, bool fast) {
        std::byte* group = out + sizeof(node_head) + std::int64_t{o / lanes} * size.group_bytes();
        for (std::int32_t k = 0; k < size.fold; ++k)
          put_head<Once>(group, o % lanes + k * size.channels, f, c.rounding(), fast);
        for (std::int32_t k = 0; k < size.depth(); ++k) {
          const std::int32_t at = k / size.line * size.padded_line() + k % size.line;
          group[head_bytes + at / 4 * vector_bytes + o % lanes * 4 + at % 4] = static_cast<std::byte>(weight(k, o));
        }
      });
  std::memcpy(out, &head, sizeof head);
}

/// Sums of Pixels windows (words at x[p]) with Groups groups of channels.
template <bool Signed, int Groups, int Pixels>
QNNX_INLINE void multiply(const panel_sizes& size, const std::byte* group, const std::byte* const* x, vec* sums) {
  const std::byte* w[Groups];
  const std::byte* from[Pixels];
  for (int g = 0; g < Groups; ++g) w[g] = group + g * size.group_bytes() + head_bytes;
  for (int p = 0; p < Pixels; ++p) from[p] = x[p];
  for (int i = 0; i < Pixels * Groups; ++i) sums[i] = zeros();
  for (std::int32_t left = size.padded(); left > 0; left -= 8) {
    vec first[Groups], second[Groups];
    for (int g = 0; g < Groups; ++g) {
      first[g] = load(w[g]);
      second[g] = load(w[g] + vector_bytes);
      w[g] += 2 * vector_bytes;
    }
    for (int p = 0; p < Pixels; ++p) {
      std::int64_t both = 0;
      __builtin_memcpy(&both, __builtin_assume_aligned(from[p], 8), 8);  // a freestanding compiler would call memcpy
      from[p] += 8;
      const vec a = splat(static_cast<std::int32_t>(both)), b = splat(static_cast<std::int32_t>(both >> 32));
      for (int g = 0; g < Groups; ++g)
        sums[p * Groups + g] = dot<Signed>(dot<Signed>(sums[p * Groups + g], a, first[g]), b, second[g]);
    }
  }
}

/// Where outputs of a block of pixels go: `count` pixels from y on, `channels` bytes each.
struct destination {
  std::byte* y;
  std::int32_t count;
  std::int32_t channels;
};

/// One pass: channels [32 first, 32 (first + Groups)) of the pixels x[0..Pixels); some may stand in for missing ones.
template <bool Fast, int Groups, int Pixels, class Finisher, bool Signed>
QNNX_NOINLINE void pass(const Finisher& done, const panel_sizes& size, const std::byte* packed, std::int32_t first,
                        const std::byte* const* x, destination to) {
  const std::byte* group = packed + sizeof(node_head) + first * size.group_bytes();
  const std::int32_t channel = first * lanes;
  const std::int32_t own = to.channels - channel < Groups * lanes ? to.channels - channel : Groups * lanes;
  vec sums[Pixels * Groups];
  multiply<Signed, Groups, Pixels>(size, group, x, sums);
  if constexpr (!Fast) {
    for (std::int32_t p = 0; p < to.count; ++p)
      for (std::int32_t o = 0; o < own; ++o)
        to.y[p * to.channels + channel + o] =
            done.general(sums[p * Groups + o / lanes], group + o / lanes * size.group_bytes(), o % lanes);
    return;
  }
  if (Groups == 1 && size.fold > 1) {  // 128 bytes hold the outputs of `together` pixels
    const std::int32_t together = 4 * size.fold;
    vec folded[4];
    for (int t = 0; t < 4; ++t) {
      if (size.fold == 2) {
        folded[t] = bit_or(sums[2 * t % Pixels], rotate(sums[(2 * t + 1) % Pixels], 64));
      } else {
        const int i = 4 * (t % 2);
        folded[t] = bit_or(bit_or(sums[i % Pixels], rotate(sums[(i + 1) % Pixels], 96)),
                           bit_or(rotate(sums[(i + 2) % Pixels], 64), rotate(sums[(i + 3) % Pixels], 32)));
      }
      folded[t] = done.words(folded[t], group);
    }
    const std::int32_t count = to.count < together ? to.count : together;
    put(to.y, done.bounded(narrow(folded[0], folded[1], folded[2], folded[3])), count * to.channels);
    return;
  }
  constexpr int in_vector = 4 / Groups;  // pixels
  for (int p = 0; p < Pixels; p += in_vector) {
    if (p >= to.count) break;
    vec q[4];
    for (int t = 0; t < 4; ++t)
      q[t] = p * Groups + t < Groups * Pixels
                 ? done.words(sums[p * Groups + t], group + t % Groups * size.group_bytes())
                 : zeros();
    const vec v = done.bounded(narrow(q[0], q[1], q[2], q[3]));
    const std::int32_t count = to.count - p < in_vector ? to.count - p : in_vector;
    if (to.channels == Groups * lanes) {
      put(to.y + p * to.channels, v, count * to.channels);
    } else {
      for (std::int32_t i = 0; i < count; ++i)
        put(to.y + (p + i) * to.channels + channel, rotate(v, i * Groups * lanes), own);
    }
  }
}

/// All channels of up to Block pixels (8 or 1), whose windows are 8-byte aligned. Outputs of a pass are written before
/// the next pass reads windows again.
template <bool Fast, int Block, bool Signed, bool Once, class Rounding>
void multiply_block(const finisher<Signed, Once, Rounding>& done, const panel_sizes& size, const std::byte* packed,
                    const std::byte* const* x, destination to) {
  using Finisher = finisher<Signed, Once, Rounding>;
  for (std::int32_t g = 0; g < size.groups;) {
    const std::int32_t n = panel_sizes::in_pass(size.groups - g);
    const std::int32_t step = n == 4 ? (Block + 3) / 4 : n == 2 ? (Block + 1) / 2 : Block;
    for (std::int32_t p = 0; p < to.count; p += step) {
      const destination part{to.y + p * to.channels, to.count - p < step ? to.count - p : step, to.channels};
      if (n == 4)
        pass<Fast, 4, (Block + 3) / 4, Finisher, Signed>(done, size, packed, g, x + p, part);
      else if (n == 2)
        pass<Fast, 2, (Block + 1) / 2, Finisher, Signed>(done, size, packed, g, x + p, part);
      else
        pass<Fast, 1, Block, Finisher, Signed>(done, size, packed, g, x + p, part);
    }
    g += n;
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
