// SPDX-License-Identifier: Apache-2.0
#pragma once
// From 32 sums to 32 outputs; the same bits as requantize().
//   fast   one rounding, ties upward: acc * M = acc * factor / 2^(31 + s), factor below 2^31, s > 0. h = floor(acc *
//          factor / 2^31) is the doubling high multiply; (h >> (s - 1)) + 2 zero, halved and rounded up, is
//          floor(acc * M + 1/2) + zero: no bits that matter are below h. half_up, TFLite's fully connected layers and
//          its 16-bit data round so. So does rne where no tie counts: ties are odd multiples of f / 2, f the odd part
//          of the 24-bit mantissa; with f / 2 beyond the range of outputs both roundings are clamped to the same.
//          Other 8-bit layers of TFLite round twice: as kernel/arm/finish.hpp has it.
//   ties   rne with the others: acc * M is a tie where acc = 2^(k-1) modulo 2^k, 2^k the denominator of M: one off again
//          where that made an odd number. Multipliers from 1/2 on get their sums shifted left, so that s > 0: under every
//          policy (TFLite rounds those once).
//   else   sum by sum, by the reference's functions.
// A node has the form that all of its channels fit. Outputs are made as unsigned bytes or signed halfwords, of the other
// sign with the highest bit turned over. Layer 5a.

#include "qnnx/kernel/arm/mixed.hpp"
#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/hexagon/hvx.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel::hvx {

inline constexpr std::int32_t head_bytes = 4 * vector_bytes;  // four rows of 32 words
enum form : std::int32_t { one_by_one = 0, fast = 1, ties = 2 };

/// The first vector of a packed form.
struct node_head : dsp::node_head {
  std::byte rest[vector_bytes - sizeof(dsp::node_head)] = {};
};
/// What is added to numbers of a type to get those that are made: unsigned bytes, signed halfwords.
constexpr std::int32_t turned(dtype t) {
  return t == dtype::sfixed_8 ? 128 : t == dtype::ufixed_16 ? -32768 : 0;
}

/// A channel as the packer knows it: |sum - bias| <= spread. `zero` is that of the outputs that are made. Wide: 16-bit
/// outputs; Long: the reference's sums have 64 bits, which is another rule of tflite.
template <bool Once, bool Wide, bool Long = Wide>
struct channel_facts {
  multiplier m;
  std::int64_t bias = 0;
  std::int64_t spread = 0;
  std::int32_t zero = 0;

  constexpr std::int64_t largest() const { return spread + (bias < 0 ? -bias : bias); }
  template <class Rounding>
  static constexpr bool rounds_twice(Rounding r) {
    return !Once && !Long && r.mode() == rounding_mode::tflite;
  }
  template <class Rounding>
  constexpr std::int32_t output(std::int64_t sum, Rounding r) const {
    using acc = std::conditional_t<Long, std::int64_t, std::int32_t>;
    const std::int64_t q = Once ? scale_accumulator_once(static_cast<acc>(sum), m, r)
                                : scale_accumulator(static_cast<acc>(sum), m, r);
    return static_cast<std::int32_t>(clamp<std::int64_t>(q + zero, Wide ? -32768 : 0, Wide ? 32767 : 255));
  }
  /// Whether all sums have one output: dead channels, with zero weights and multipliers out of all proportion.
  template <class Rounding>
  constexpr bool is_constant(Rounding r) const {
    return largest() < (std::int64_t{1} << 31) && output(bias - spread, r) == output(bias + spread, r);
  }
  /// acc * M = acc * mantissa / 2^(31 + exponent).
  template <class Rounding>
  constexpr multiplier fixed(Rounding r) const {
    if (r.mode() != rounding_mode::tflite) return {m.mantissa * 128, -m.exponent - 24};
    if constexpr (Once || !Long) return {m.mantissa, -m.exponent};
    return {(m.mantissa < 0x7fff0000 ? (m.mantissa + (1 << 15)) >> 16 : 0x7fff) * 65536, -m.exponent};
  }
  /// How far sums are shifted left.
  template <class Rounding>
  constexpr std::int32_t left(Rounding r) const {
    const std::int32_t s = fixed(r).exponent;
    return s < 1 ? 1 - s : 0;
  }
  constexpr bool ties_count() const {
    std::int32_t odd = m.mantissa;
    while (odd != 0 && odd % 2 == 0) odd /= 2;
    return odd / 2 <= (Wide ? 65535 : 255) + (zero < 0 ? -zero : zero);
  }
  /// k, where M is an odd number over 2^k.
  constexpr std::int32_t denominator() const {
    std::int32_t k = -m.exponent;
    for (std::int32_t odd = m.mantissa; odd != 0 && odd % 2 == 0; odd /= 2) --k;
    return k;
  }
  template <class Rounding>
  constexpr bool fits(form f, Rounding r) const {
    if (largest() >= (std::int64_t{1} << 31)) return false;
    if (is_constant(r)) return true;
    if (rounds_twice(r)) {
      const int e = -m.exponent;  // below 1 TFLite rounds once
      if (f == ties) return e <= 0 && e > -30 && (largest() << left(r)) < (std::int64_t{1} << 31);
      return f == fast && e >= 1 && e <= 30 && largest() <= (std::int64_t{1} << 30) &&
             largest() + (std::int64_t{1} << (e - 1)) + (zero < 0 ? -zero : zero) * (std::int64_t{1} << e) <
                 (std::int64_t{1} << 31);
    }
    const std::int32_t s = fixed(r).exponent;
    if (f == fast) return s >= 1 && s <= 32 && (r.mode() != rounding_mode::rne || !ties_count());
    return f == ties && s <= 32 && left(r) < 31 &&
           (largest() << left(r)) < (std::int64_t{1} << 31);
  }
  /// The four words of a channel's head.
  template <class Rounding>
  constexpr std::array<std::int32_t, 4> head(form f, Rounding r) const {
    const auto low = static_cast<std::int32_t>(static_cast<std::uint32_t>(bias & 0xffffffff));
    if (f == one_by_one) return {low, m.mantissa, m.exponent, static_cast<std::int32_t>(bias >> 32)};
    if (f == fast && rounds_twice(r)) {
      if (is_constant(r)) return {low, 0, 2 * output(bias, r) + 1, 1};
      return {low, m.mantissa, (1 << (-m.exponent - 1)) + zero * (1 << -m.exponent), -m.exponent};
    }
    if (is_constant(r)) return {low, 0, 2 * output(bias, r), 0};
    const std::int32_t l = f == ties ? left(r) : 0, k = denominator() + l;
    const std::int32_t to_tie = f == ties && r.mode() == rounding_mode::rne && k > 0 && k < 32 ? 32 - k : 0;
    return {low, fixed(r).mantissa, 2 * zero, fixed(r).exponent + l - 1 + to_tie * 256 + l * 65536};
  }
};

/// Puts a channel's head into word `lane` of the four rows at `to`.
inline void put_head(std::byte* to, std::int32_t lane, const std::array<std::int32_t, 4>& row) {
  for (std::size_t k = 0; k < 4; ++k)
    std::memcpy(to + static_cast<std::int32_t>(k) * vector_bytes + lane * 4, &row[k], 4);
}
/// Packs all channels: put(o, head). weight(k, o): element k of channel o. Returns the node's form.
template <bool Once, class Call, class Weight, class Put>
form pack_channels(const Call& c, std::int32_t channels, std::int32_t depth, scale_product product, Weight&& weight,
                   Put&& put) {
  constexpr dtype type = Call::out_type::code;
  constexpr bool wide = bits_of(type) == 16;
  using facts_type = channel_facts<Once, wide>;
  const auto facts = [&](std::int32_t o) -> facts_type {
    if constexpr (wide) {
      const dsp::channel_facts_16 f = dsp::facts_of_16(c, o, depth, product, weight);
      return {f.m, f.bias, f.spread, f.zero + turned(type)};
    } else {
      const dsp::channel_facts f = dsp::facts_of(c, o, depth, c.s.inputs[0].q.offset, product, weight);
      return {f.m, f.bias, f.spread, f.zero + turned(type)};
    }
  };
  form of = fast;
  for (std::int32_t o = 0; o < channels && of != one_by_one; ++o)
    if (!facts(o).fits(of, c.rounding())) {
      of = of == fast && !facts_type::rounds_twice(c.rounding()) ? ties : one_by_one;
      o = -1;
    }
  for (std::int32_t o = 0; o < channels; ++o) put(o, facts(o).head(of, c.rounding()));
  return of;
}

/// The head of 32 channels, in registers.
struct head_rows {
  vec bias, factor, plus, shift;
  head_rows() = default;
  QNNX_INLINE explicit head_rows(const std::byte* at)
      : bias(load(at)),
        factor(load(at + vector_bytes)),
        plus(load(at + 2 * vector_bytes)),
        shift(load(at + 3 * vector_bytes)) {}
  /// The same for all.
  QNNX_INLINE explicit head_rows(const std::array<std::int32_t, 4>& row)
      : bias(splat(row[0])), factor(splat(row[1])), plus(splat(row[2])), shift(splat(row[3])) {}
};

/// How outputs of a type are finished: Once is FullyConnected's rule of tflite.
template <dtype Type, bool Once, class Rounding, bool Long = bits_of(Type) == 16>
struct finisher {
  static constexpr dtype type = Type;
  static constexpr bool wide = bits_of(Type) == 16;
  static constexpr int bytes = wide ? 2 : 1;
  static constexpr int words_of_vector = 4 / bytes;  // vectors of sums that make one of outputs
  Rounding r;
  std::int32_t lo, hi, zero;
  vec low, high;  // as made

  template <class Call>
  explicit finisher(const Call& c)
      : r(c.rounding()),
        lo(c.constants()[0]),
        hi(c.constants()[1]),
        zero(c.s.outputs[0].q.zero()),
        low(splat_output(lo + turned(Type))),
        high(splat_output(hi + turned(Type))) {}

  /// 32 sums without their biases.
  template <int Form>
  QNNX_INLINE vec words(vec sums, const head_rows& h) const {
    const vec v = add(sums, h.bias), factor = h.factor, plus = h.plus, shift = h.shift;
    if (Form == fast && channel_facts<Once, wide, Long>::rounds_twice(r))
      return shift_right_each(add(multiply_rounded(v, factor), add(shift_right(v, 31), plus)), shift);
    if constexpr (Form == fast) {
      return average_rounded(shift_right_each(multiply_floor(v, factor), shift), plus);
    } else {
      const vec a = shift_left_each(v, bit_and(shift_right(shift, 16), splat(31)));
      const vec q = average_rounded(shift_right_each(multiply_floor(a, factor), bit_and(shift, splat(31))), zeros());
      if (r.mode() != rounding_mode::rne) return add(q, shift_right(plus, 1));
      const vec tie = shift_left_each(a, bit_and(shift_right(shift, 8), splat(31)));
      return add(subtract(q, where_equal(tie, splat(INT32_MIN), bit_and(q, splat(1)))), shift_right(plus, 1));
    }
  }
  /// Outputs as made to those that are stored.
  QNNX_INLINE vec bounded(vec v) const {
    const vec q = wide ? least_halves(greatest_halves(v, low), high) : least_bytes(greatest_bytes(v, low), high);
    return turned(Type) != 0 ? bit_xor(q, splat_output(turned(Type))) : q;
  }
  QNNX_INLINE vec pack(const vec* q) const {
    if constexpr (wide) return bounded(narrow_halves(q[0], q[1]));
    else return bounded(narrow(q[0], q[1], q[2], q[3]));
  }
  /// The same of words that belong to every second or fourth output.
  QNNX_INLINE vec pack_interleaved(const vec* q) const {
    if constexpr (wide) return bounded(narrow_halves_interleaved(q[0], q[1]));
    else return bounded(narrow_interleaved(q[0], q[1], q[2], q[3]));
  }
  /// Any multiplier and policy: stores output `at` of the sum without its bias, by word `lane` of the head.
  void general(std::int64_t sum, const std::byte* head, std::int32_t lane, std::byte* y, std::int32_t at) const {
    std::int32_t row[4];
    for (int k = 0; k < 4; ++k) std::memcpy(&row[k], head + k * vector_bytes + lane * 4, 4);
    const multiplier m{row[1], row[2]};
    if constexpr (wide) {
      const auto q = static_cast<std::uint16_t>(
          dsp::finish_general_16<Once>(sum, {row[0], row[1], row[2], row[3]}, zero, lo, hi, r));
      std::memcpy(y + 2 * at, &q, sizeof q);
    } else {
      const auto acc = static_cast<std::int32_t>(static_cast<std::uint32_t>(sum & 0xffffffff) +
                                                 static_cast<std::uint32_t>(row[0]));
      y[at] = static_cast<std::byte>(dsp::finish_general<Once>(acc, m, zero, lo, hi, r));
    }
  }

 private:
  static QNNX_INLINE vec splat_output(std::int32_t x) { return wide ? splat_half(x) : splat_byte(x); }
};

/// One multiplier for all elements, of numbers up to `largest`: what the compiler and a call ask.
template <bool Wide, bool Long = false>
struct single_scale {
  channel_facts<false, Wide, Long> facts;

  constexpr single_scale(dtype t, multiplier m, std::int64_t largest, std::int32_t zero) : facts{m, 0, largest, zero + turned(t)} {}
  /// Whether numbers stay as they are.
  template <class Rounding>
  constexpr bool is_same(Rounding r) const {
    return r.mode() == rounding_mode::tflite ? facts.m.mantissa == 1 << 30 && facts.m.exponent == 1
                                             : facts.m.mantissa == 1 << 23 && facts.m.exponent == -23;
  }
  template <class Rounding>
  constexpr form form_of(Rounding r) const {
    return facts.fits(fast, r) ? fast : facts.fits(ties, r) ? ties : one_by_one;
  }
  /// The parts of the code that it needs.
  template <class Rounding>
  constexpr unsigned code_parts(Rounding r) const {
    return !is_same(r) && form_of(r) == ties ? bit(code_part::ties) : 0u;
  }
  template <class Rounding>
  constexpr bool fits(Rounding r) const {
    return is_same(r) || form_of(r) != one_by_one;
  }
};

/// Words (centred) to outputs as made, by one multiplier.
template <dtype Type, class Rounding, bool Long = false>
class rescaler {
 public:
  static constexpr bool wide = bits_of(Type) == 16;
  rescaler() = default;
  /// Of numbers up to `largest`.
  template <class Call>
  rescaler(const Call& c, multiplier m, std::int64_t largest) : zero_(c.s.outputs[0].q.zero() + turned(Type)) {
    const single_scale<wide, Long> s(Type, m, largest, c.s.outputs[0].q.zero());
    const auto r = c.rounding();
    same_ = s.is_same(r);
    form_ = s.form_of(r);
    row_ = s.facts.head(form_, r);
  }
  bool fits() const { return same_ || form_ != one_by_one; }
  QNNX_INLINE vec operator()(vec v, const finisher<Type, false, Rounding, Long>& done) const {
    if (same_) return add(v, splat(zero_));
    const head_rows h(row_);
    if constexpr (needs<code_part::ties>)
      if (form_ == ties) return done.template words<ties>(v, h);
    return done.template words<fast>(v, h);
  }

 private:
  std::int32_t zero_ = 0;
  form form_ = one_by_one;
  bool same_ = false;
  std::array<std::int32_t, 4> row_{};
};

/// Calls f(std::integral_constant<int, form>) with the form of a node, out of those that the model needs.
template <class F>
QNNX_INLINE void with_form(const std::byte* packed, F&& f) {
  const std::int32_t of = reinterpret_cast<const node_head*>(packed)->fast;
  if constexpr ((config::packed_forms & 4u) != 0)
    if (of == one_by_one) return f(std::integral_constant<int, one_by_one>{});
  if constexpr (needs<code_part::ties>)
    if (of == ties) return f(std::integral_constant<int, ties>{});
  f(std::integral_constant<int, fast>{});
}
/// The parts that a packed node needs.
inline unsigned form_parts(const std::byte* packed) {
  return reinterpret_cast<const node_head*>(packed)->fast == ties ? bit(code_part::ties) : 0u;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
