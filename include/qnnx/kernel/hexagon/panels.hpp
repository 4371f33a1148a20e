// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of windows with all output channels, 32 channels a vector of sums; one, two or four groups of 32 channels at
// once, eight vectors of sums in registers. By data and weights:
//   8 x 8    a word of four data bytes is splatted and multiplied with the same four weights of 32 channels (vrmpy)
//   8 x 4    two of these from one vector of nibbles: masked, a nibble is 16 times the weight, so are the sums
//   16 x 8   a word of two data halfwords with the same two weights of 32 channels (vdmpy), two of these from a vector
//            of bytes
//   16 x 4   four of these from a vector of nibbles
// Packed form: a node head, then per group of 32 channels a head of four rows (hexagon/finish.hpp) and the weights of
// the window, a vector or two a step. Layers of 8 or 16 channels repeat their head, so that two or four pixels are
// finished at once ("fold"). Sums of 16-bit data that need more than 32 bits are added up in 64, piece by piece.
// Layer 5a.

#include "qnnx/kernel/hexagon/finish.hpp"
#include "qnnx/kernel/hexagon/rows.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel::hvx {

inline constexpr std::int32_t block_pixels = 8;

/// Signatures that kernels of packed weights take.
template <class Sig>
inline constexpr bool is_packed = dsp::is_8_bit<Sig> || dsp::is_mixed<Sig>;

/// Bits of data and weights as they are packed.
struct widths {
  std::int32_t data, weights;  // 1 or 2 bytes; 8 or 4 bits
  /// Of data, that one step of the loop multiplies.
  constexpr std::int32_t step_bits() const { return data == 2 && weights == 4 ? 4 : 3; }
  constexpr std::int32_t step_bytes() const { return 1 << step_bits(); }
  constexpr std::int32_t step_elements() const { return step_bytes() / data; }
  constexpr std::int32_t step_weights() const { return data == 1 && weights == 8 ? 2 * vector_bytes : vector_bytes; }
  /// Puts weight `value` of element k of a step and channel `lane` of a group at its place; begins as zeros.
  constexpr void put(std::byte* step, std::int32_t k, std::int32_t lane, std::int32_t value) const {
    if (weights == 8) {
      if (data == 1) step[k / 4 * vector_bytes + lane * 4 + k % 4] = static_cast<std::byte>(value);
      else step[(lane * 2 + k % 2) * 2 + k / 2] = static_cast<std::byte>(value);
      return;
    }
    const std::int32_t nibble = data == 1 ? k / 4 : k / 2 % 2;
    std::byte& b = step[data == 1 ? lane * 4 + k % 4 : (lane * 2 + k % 2) * 2 + k / 4];
    b |= static_cast<std::byte>((value & 15) << (4 * nibble));
  }
};
constexpr widths widths_of(const node_facts& f) {
  return {bits_of(f.c.in(0).type) / 8, bits_of(f.c.in(1).type)};
}
template <class Call>
inline constexpr widths call_widths{bits_of(Call::out_type::code) / 8, bits_of(Call::template in_type<1>::code)};

/// Sums of 8-bit data with nibbles are 16 times as large: the most elements whose sums fit.
inline constexpr std::int32_t most_nibbles = 65535;

/// Sizes of the packed weights of windows of `lines` pieces of `line` elements, each filled with zeros to whole words.
struct panel_sizes {
  widths of;
  std::int32_t lines, line, channels, groups, fold;
  std::int32_t padded_line;  // in bytes
  std::int32_t steps;        // of a window
  constexpr panel_sizes(widths w, std::int32_t n, std::int32_t elements, std::int32_t outputs, bool folds)
      : of(w),
        lines(n),
        line(elements),
        channels(outputs),
        groups((outputs + lanes - 1) / lanes),
        fold(!folds          ? 1
             : outputs == 16 ? 2
             : outputs == 8  ? 4
                             : 1),
        padded_line((elements * w.data + 3) / 4 * 4),
        steps((n * padded_line + w.step_bytes() - 1) >> w.step_bits()) {}
  constexpr std::int32_t depth() const { return lines * line; }
  constexpr std::int32_t line_bytes() const { return line * of.data; }
  constexpr std::int32_t padded() const { return steps << of.step_bits(); }  // of a window, in bytes
  constexpr std::int32_t group_bytes() const { return head_bytes + steps * of.step_weights(); }
  constexpr std::int64_t bytes() const {
    return static_cast<std::int64_t>(sizeof(node_head)) + std::int64_t{groups} * group_bytes();
  }
  constexpr bool sums_fit() const { return of.data == 2 || of.weights == 8 || depth() <= most_nibbles; }
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
      c, size.channels, size.depth(), product, weight, [&](std::int32_t o, const std::array<std::int32_t, 4>& row) {
        std::byte* group = out + sizeof(node_head) + std::int64_t{o / lanes} * size.group_bytes();
        for (std::int32_t k = 0; k < size.fold; ++k) put_head(group, o % lanes + k * size.channels, row);
        for (std::int32_t k = 0; k < size.depth(); ++k) {
          const std::int32_t at = k / size.line * (size.padded_line / size.of.data) + k % size.line;
          const std::int32_t step = at / size.of.step_elements();
          size.of.put(group + head_bytes + step * size.of.step_weights(), at % size.of.step_elements(), o % lanes,
                      weight(k, o));
        }
      });
  std::memcpy(out, &head, sizeof head);
}

QNNX_INLINE std::int64_t load_eight(const std::byte* p) {
  std::int64_t both = 0;
  __builtin_memcpy(&both, __builtin_assume_aligned(p, 8), 8);  // a freestanding compiler would call memcpy
  return both;
}
QNNX_INLINE std::int32_t low_word(std::int64_t x) { return static_cast<std::int32_t>(x); }
QNNX_INLINE std::int32_t high_word(std::int64_t x) { return static_cast<std::int32_t>(x >> 32); }

/// Data and weights of a kernel: what one step does. 8-bit data is read with its sign, 16-bit data as signed halfwords.
template <dtype Data, int Bits>
struct panel_kind {
  static constexpr bool wide = bits_of(Data) == 16;
  static constexpr bool nibbles = Bits == 4;
  static constexpr widths of{wide ? 2 : 1, Bits};
  static constexpr int vectors = wide && nibbles ? 4 : 2;  // of weights, unpacked

  static QNNX_INLINE void weights(const std::byte* w, vec* to) {
    const vec first = load(w);
    if constexpr (!wide && !nibbles) {
      to[0] = first, to[1] = load(w + vector_bytes);
    } else if constexpr (!wide) {
      const vec upper = splat_byte(0xf0);
      to[0] = bit_and(shift_left(first, 4), upper), to[1] = bit_and(first, upper);
    } else if constexpr (!nibbles) {
      const two h = widen_bytes(first);
      to[0] = h.v[0], to[1] = h.v[1];
    } else {
      to[0] = shift_right_halves(shift_left_halves(first, 12), 12);
      to[1] = shift_right_halves(shift_left_halves(first, 8), 12);
      to[2] = shift_right_halves(shift_left_halves(first, 4), 12);
      to[3] = shift_right_halves(first, 12);
    }
  }
  template <int Groups>
  static QNNX_INLINE void multiply(const std::byte* x, const vec (*w)[vectors], vec* sums) {
    for (int i = 0; i < vectors; i += 2) {
      const std::int64_t both = load_eight(x + 4 * i);
      if constexpr (wide) {
        for (int g = 0; g < Groups; ++g)
          sums[g] = dot_pairs(dot_pairs(sums[g], w[g][i], low_word(both)), w[g][i + 1], high_word(both));
      } else {
        const vec a = splat(low_word(both)), b = splat(high_word(both));
        for (int g = 0; g < Groups; ++g)
          sums[g] = dot<is_signed_fixed(Data)>(dot<is_signed_fixed(Data)>(sums[g], a, w[g][i]), b, w[g][i + 1]);
      }
    }
  }
};

/// Where the windows of a block of pixels are: `lines` pieces of `steps` steps, 8-byte aligned; line l of pixel p at
/// line[l] + offset[p].
struct window_block {
  const std::byte* line[most_rows];
  std::int32_t lines, steps;
  std::int32_t offset[block_pixels];
};

/// Sums of windows [pixel, pixel + Pixels) with Groups groups of channels, over the lines from `line` on and
/// `steps` steps of each from `first` on.
template <class Kind, int Groups, int Pixels>
QNNX_INLINE void multiply(const panel_sizes& size, const std::byte* group, const window_block& x, std::int32_t pixel,
                          std::int32_t line, std::int32_t lines, std::int32_t first, std::int32_t steps, vec* sums) {
  const std::byte* w[Groups];
  std::int32_t offset[Pixels];
  for (int g = 0; g < Groups; ++g)
    w[g] = group + g * size.group_bytes() + head_bytes + (line * x.steps + first) * Kind::of.step_weights();
  for (int p = 0; p < Pixels; ++p) offset[p] = x.offset[pixel + p] + first * Kind::of.step_bytes();
  for (int i = 0; i < Pixels * Groups; ++i) sums[i] = zeros();
  for (const std::byte* const* at = x.line + line; lines > 0; --lines, ++at) {
    const std::byte* from[Pixels];
    for (int p = 0; p < Pixels; ++p) from[p] = *at + offset[p];
    // Unrolled, neighbouring unaligned vectors become aligned ones and shifts: a third more instructions.
    QNNX_ROLLED
    for (std::int32_t left = steps; left > 0; --left) {
      vec unpacked[Groups][Kind::vectors];
      for (int g = 0; g < Groups; ++g) {
        Kind::weights(w[g], unpacked[g]);
        w[g] += Kind::of.step_weights();
      }
      for (int p = 0; p < Pixels; ++p) {
        Kind::template multiply<Groups>(from[p], unpacked, sums + p * Groups);
        from[p] += Kind::of.step_bytes();
      }
    }
  }
  if constexpr (!Kind::wide && Kind::nibbles)
    for (int i = 0; i < Pixels * Groups; ++i) sums[i] = shift_right(sums[i], 4);
}

/// Where outputs of a block of pixels go: `count` pixels from y on, `channels` each.
struct destination {
  std::byte* y;
  std::int32_t count;
  std::int32_t channels;
};

/// The general form of a pass: sums of 16-bit data in pieces that fit 32 bits.
template <class Kind, int Groups, int Pixels, class Finisher>
QNNX_INLINE void pass_one_by_one(const Finisher& done, const panel_sizes& size, const std::byte* group,
                                 const window_block& x, std::int32_t pixel, destination to, std::int32_t channel,
                                 std::int32_t own) {
  constexpr std::int32_t most = dsp::piece / Kind::of.step_elements();
  std::int64_t total[Pixels * Groups][lanes] = {};
  for (std::int32_t line = 0; line < x.lines; ++line)
    for (std::int32_t first = 0; first < x.steps; first += most) {
      vec sums[Pixels * Groups];
      const std::int32_t left = x.steps - first;
      multiply<Kind, Groups, Pixels>(size, group, x, pixel, line, 1, first, left < most ? left : most, sums);
      for (int i = 0; i < Pixels * Groups; ++i) {
        std::int32_t sum[lanes];
        store(sum, sums[i]);
        for (int k = 0; k < lanes; ++k) total[i][k] += sum[k];
      }
    }
  for (std::int32_t p = 0; p < to.count; ++p)
    for (std::int32_t o = 0; o < own; ++o)
      done.general(total[p * Groups + o / lanes][o % lanes], group + o / lanes * size.group_bytes(), o % lanes, to.y,
                   p * to.channels + channel + o);
}

/// The sums of layers of 8 or 16 channels, those of Fold pixels in a vector: outputs of eight pixels are neighbours.
template <int Form, int Pixels, int Fold, class Finisher>
QNNX_INLINE void store_folded(const Finisher& done, const head_rows& head, const vec* sums, destination to) {
  constexpr int words = Pixels / Fold, together = Finisher::words_of_vector, apart = vector_bytes / Fold;
  std::int32_t left = to.count * to.channels * Finisher::bytes;
  unrolled<(words + together - 1) / together>([&](auto k) __attribute__((always_inline)) {
    if (left <= 0) return;
    vec q[together];
    unrolled<together>([&](auto t) __attribute__((always_inline)) {
      constexpr int i = (k * together + t) * Fold;
      if constexpr (i >= Pixels) {
        q[t] = zeros();
      } else {
        vec all = sums[i];
        unrolled<Fold - 1>([&](auto n) __attribute__((always_inline)) { all = bit_or(all, rotate(sums[i + n + 1], vector_bytes - (n + 1) * apart)); });
        q[t] = done.template words<Form>(all, head);
      }
    });
    put(to.y + k * vector_bytes, done.pack(q), left < vector_bytes ? left : vector_bytes);
    left -= vector_bytes;
  });
}

/// One pass: channels [32 first, 32 (first + Groups)) of `Pixels` pixels; some may stand in for missing ones.
template <class Kind, int Form, int Groups, int Pixels, class Finisher>
QNNX_NOINLINE void pass(const Finisher& done, const panel_sizes& size, const std::byte* packed, std::int32_t first,
                        const window_block& x, std::int32_t pixel, destination to) {
  const std::byte* group = packed + sizeof(node_head) + first * size.group_bytes();
  const std::int32_t channel = first * lanes;
  const std::int32_t own = to.channels - channel < Groups * lanes ? to.channels - channel : Groups * lanes;
  if constexpr (Form == one_by_one) {
    return pass_one_by_one<Kind, Groups, Pixels>(done, size, group, x, pixel, to, channel, own);
  } else {
    vec sums[Pixels * Groups];
    multiply<Kind, Groups, Pixels>(size, group, x, pixel, 0, x.lines, 0, x.steps, sums);
    head_rows head[Groups];
    for (int g = 0; g < Groups; ++g) head[g] = head_rows(group + g * size.group_bytes());
    if constexpr (Groups == 1 && Pixels == block_pixels) {
      if (size.fold == 2) return store_folded<Form, Pixels, 2>(done, head[0], sums, to);
      if (size.fold == 4) return store_folded<Form, Pixels, 4>(done, head[0], sums, to);
    }
    constexpr int together = Finisher::words_of_vector;
    constexpr int in_vector = together > Groups ? together / Groups : 1;  // pixels
    unrolled<(Pixels * Groups + together - 1) / together>([&](auto k) __attribute__((always_inline)) {
      constexpr int i = k * together, p = i / Groups, g = i % Groups;
      if (p >= to.count) return;
      vec q[together];
      unrolled<together>([&](auto t) __attribute__((always_inline)) {
        if constexpr (i + t < Groups * Pixels) q[t] = done.template words<Form>(sums[i + t], head[(i + t) % Groups]);
        else q[t] = zeros();
      });
      const vec v = done.pack(q);
      const std::int32_t count = to.count - p < in_vector ? to.count - p : in_vector;
      std::byte* y = to.y + (p * to.channels + channel + g * lanes) * Finisher::bytes;
      const std::int32_t left = (own - g * lanes) * Finisher::bytes;
      if (to.channels == Groups * lanes) {
        put(y, v, Groups > together ? vector_bytes : count * Groups * lanes * Finisher::bytes);
      } else if (left > 0) {
        for (std::int32_t n = 0; n < count; ++n, y += to.channels * Finisher::bytes)
          put(y, rotate(v, n * Groups * lanes * Finisher::bytes), left < vector_bytes ? left : vector_bytes);
      }
    });
  }
}

/// All channels of up to Block pixels (8 or 1). Outputs of a pass are written before the next pass reads windows again.
template <class Kind, int Form, int Block, class Finisher>
void multiply_block(const Finisher& done, const panel_sizes& size, const std::byte* packed, const window_block& x,
                    destination to) {
  for (std::int32_t g = 0; g < size.groups;) {
    const std::int32_t n = panel_sizes::in_pass(size.groups - g);
    const std::int32_t step = n == 4 ? (Block + 3) / 4 : n == 2 ? (Block + 1) / 2 : Block;
    for (std::int32_t p = 0; p < to.count; p += step) {
      const destination part{to.y + p * to.channels * Finisher::bytes, to.count - p < step ? to.count - p : step,
                             to.channels};
      if (n == 4)
        pass<Kind, Form, 4, (Block + 3) / 4>(done, size, packed, g, x, p, part);
      else if (n == 2)
        pass<Kind, Form, 2, (Block + 1) / 2>(done, size, packed, g, x, p, part);
      else
        pass<Kind, Form, 1, Block>(done, size, packed, g, x, p, part);
    }
    g += n;
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
