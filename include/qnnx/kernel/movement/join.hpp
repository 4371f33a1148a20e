// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of Concat, Pack, Split, UnPack and Pad. Concat and constant Pad bring quantized inputs to the
// output's encoding: q = clamp(zero + round((q_in + offset) * s_in / s_out)); under the tflite policy 8-bit unsigned
// inputs of Concat take TFLite's float form, round(q_in * (s_in * (1 / s_out)) - zero_in * ...) + zero_out
// (reference_ops::ConcatenationWithScaling). Layer 5a.

#include <bit>

#include "qnnx/kernel/movement/walk.hpp"
#include "qnnx/op/concat.hpp"
#include "qnnx/op/pad.hpp"
#include "qnnx/op/split.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Words that bring one quantized input to the output's encoding: kind, two numbers.
struct rescale_words {
  static constexpr int count = 3;
  enum : std::int32_t { copy = 0, integer = 1, real = 2 };

  template <class Rounding>
  static constexpr void make(const quant& in, const quant& out, bool float_form, Rounding r, std::int32_t* w) {
    w[0] = copy;
    if (!in.defined() || !out.defined() || in.scales || out.scales ||
        (in.scale == out.scale && in.offset == out.offset))
      return;
    if (float_form) {
      const float inverse = 1.0f / out.scale;
      const float scale = in.scale * inverse;
      w[0] = real;
      w[1] = std::bit_cast<std::int32_t>(scale);
      w[2] = std::bit_cast<std::int32_t>(static_cast<float>(in.offset) * scale);
      return;
    }
    const multiplier m = make_multiplier(static_cast<double>(in.scale) / static_cast<double>(out.scale), r);
    w[0] = integer;
    w[1] = m.mantissa;
    w[2] = m.exponent;
  }
  /// The stored value in the output's encoding.
  template <class T, class Rounding>
  static constexpr std::int32_t apply(std::int32_t q, const quant& in, const quant& out, const std::int32_t* w,
                                      Rounding r) {
    const auto lo = static_cast<std::int32_t>(min_value(T::code));
    const auto hi = static_cast<std::int32_t>(max_value(T::code));
    if (w[0] == real) {
      const float x = static_cast<float>(q) * std::bit_cast<float>(w[1]) + std::bit_cast<float>(w[2]);
      return static_cast<std::int32_t>(
          clamp<std::int64_t>(round_half_away(static_cast<double>(x)) - out.offset, lo, hi));
    }
    return requantize(q + in.offset, multiplier{w[1], w[2]}, -out.offset, lo, hi, r);
  }
};

/// One input to its place in the output, values as they are or requantized.
template <class X, class Y, class Rounding>
void place(const X& x, const Y& y, const walk& w, const std::int32_t* k, Rounding r) {
  using T = typename Y::type;
  move_along(x, y, w);
  if constexpr (is_fixed_v<T> && bits_of(T::code) <= 16) {
    if (k[0] == rescale_words::copy) return;
    std::array<std::int64_t, 2 * max_rank> at{};  // the same walk again, in the target
    for (std::int64_t to = w.target;;) {
      y.store(to, rescale_words::apply<T>(static_cast<std::int32_t>(y.data[to]), *x.q, *y.q, k, r));
      int d = w.rank - 1;
      for (; d >= 0; --d) {
        const walk::axis& a = w.axes[static_cast<std::size_t>(d)];
        to += a.to;
        if (++at[static_cast<std::size_t>(d)] < a.extent) break;
        to -= a.to * a.extent;
        at[static_cast<std::size_t>(d)] = 0;
      }
      if (d < 0) return;
    }
  }
}

template <>
struct impl<op::concat, isa::reference> {
  using params = op::concat::params;
  static constexpr int independent_dims(const node_facts& f, const params& p) { return op::concat::axis_of(p, f.c.out(0).dims); }
  static constexpr bool rescales(dtype t) { return is_fixed(t) && bits_of(t) <= 16; }
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return rescales(f.c.out(0).type) ? rescale_words::count * f.c.input_count : 0;
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    const dtype t = f.c.out(0).type;
    if (!rescales(t)) return;
    const bool float_form = r.mode() == rounding_mode::tflite && t == dtype::ufixed_8;
    for (int i = 0; i < f.c.input_count; ++i)
      rescale_words::make(f.in[i], f.out[0], float_form, r, out + rescale_words::count * i);
  }
  template <class Call>
  static void run(const Call& c) {
    const auto y = c.out();
    const int axis = op::concat::axis_of(c.params(), y);
    const std::int64_t outer = y.ext.product(0, axis);
    const std::int64_t row = y.ext.product(axis, y.rank());
    std::int64_t at = 0;
    for (int i = 0; i < c.input_count(); ++i) {
      const auto x = c.in_at(i);
      const std::int64_t part = x.ext.product(axis, x.rank());
      walk w;
      w.target = at;
      w.add(outer, part, row);
      w.add(part, 1, 1);
      if (!stands(x, y, w)) place(x, y, w, c.constants() + rescale_words::count * i, c.rounding());
      at += part;
    }
  }
};

template <>
struct impl<op::pack, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    const auto y = c.out();
    const int axis = static_cast<int>(c.params().axis);
    const std::int64_t outer = y.ext.product(0, axis);
    const std::int64_t inner = step_of(y.ext, axis);
    for (int i = 0; i < c.input_count(); ++i) {
      walk w;
      w.target = i * inner;
      w.add(outer, inner, inner * y.extent(axis));
      w.add(inner, 1, 1);
      if (const auto x = c.in_at(i); !stands(x, y, w)) move_along(x, y, w);
    }
  }
};

/// Cuts axis `axis` of the input into the outputs one behind the other.
template <class Call>
void cut_axis(const Call& c, int axis) {
  const auto x = c.template in<0>();
  const std::int64_t outer = x.ext.product(0, axis);
  const std::int64_t row = x.ext.product(axis, x.rank());
  std::int64_t at = 0;
  for (int i = 0; i < c.output_count(); ++i) {
    const auto y = c.out_at(i);
    const std::int64_t part = y.size() / outer;
    walk w;
    w.source = at;
    w.add(outer, row, part);
    w.add(part, 1, 1);
    if (!stands(x, y, w)) move_along(x, y, w);
    at += part;
  }
}
template <>
struct impl<op::split, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    cut_axis(c, static_cast<int>(c.params().axis));
  }
};
template <>
struct impl<op::unpack, isa::reference> {
  template <class Call>
  static void run(const Call& c) {
    cut_axis(c, static_cast<int>(c.params().axis));
  }
};

template <>
struct impl<op::pad, isa::reference> {
  using params = op::pad::params;
  static constexpr std::int64_t constant_words(const node_facts&, const params&) { return rescale_words::count; }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    out[0] = rescale_words::copy;
    const dtype t = f.c.out(0).type;
    if (is_fixed(t) && bits_of(t) <= 16) rescale_words::make(f.in[0], f.out[0], false, r, out);
  }
  /// Index of the input that output index i of an axis takes.
  static constexpr std::int64_t source(op::pad_scheme scheme, std::int64_t i, std::int64_t size) {
    if (i >= 0 && i < size) return i;
    if (scheme == op::pad_scheme::edge) return i < 0 ? 0 : size - 1;
    if (scheme == op::pad_scheme::mirror_reflect) return i < 0 ? -i : 2 * (size - 1) - i;
    return i < 0 ? -i - 1 : 2 * size - 1 - i;
  }
  template <int Size, class X, class Y>
  static void mirror(const X& x, const Y& y, const params& p) {
    std::array<std::int32_t, max_rank> at{};
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) {
      std::int64_t from = 0;
      for (int d = 0; d < y.rank(); ++d)
        from =
            from * x.extent(d) + source(p.scheme, at[static_cast<std::size_t>(d)] - op::pad::before(p, d), x.extent(d));
      copy_element<Size>(bytes_out(y) + i * Size, bytes_in(x) + from * Size);
      for (int d = y.rank() - 1; d >= 0; --d) {
        if (++at[static_cast<std::size_t>(d)] < y.extent(d)) break;
        at[static_cast<std::size_t>(d)] = 0;
      }
    }
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const params& p = c.params();
    constexpr int size = element_size<decltype(y)>;
    if (p.scheme != op::pad_scheme::constant) return mirror<size>(x, y, p);
    const stored_real value(y, static_cast<double>(p.pad_constant_value), c.rounding());
    fill<size>(bytes_out(y), y.size(), value.bytes());
    walk w;
    for (int d = 0; d < x.rank(); ++d) {
      w.target += op::pad::before(p, d) * step_of(y.ext, d);
      w.add(x.extent(d), step_of(x.ext, d), step_of(y.ext, d));
    }
    place(x, y, w, c.constants(), c.rounding());
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
