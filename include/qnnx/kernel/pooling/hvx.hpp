// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d and PoolMax2d of 8- and 16-bit data with HVX.
//   avg  the channels of a pixel, 128 bytes at a time, are added in lanes of 16 or 32 bits. Sums become outputs as those
//        of convolutions do (hexagon/finish.hpp); TFLite's mean of equal encodings is divided by a product:
//        floor(n / count) = floor(n ceil(2^30 / count) / 2^30) where n (count ceil(2^30 / count) - 2^30) < 2^30
//   max  a row of outputs is one sequence of bytes as in DepthWiseConv2d, padded with the lowest number
// What does not fit runs the reference. Layer 5a.

#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/hexagon/elements.hpp"
#include "qnnx/kernel/hexagon/finish.hpp"
#include "qnnx/kernel/hexagon/rows.hpp"
#include "qnnx/kernel/pooling/reference.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel {

namespace hvx {

template <class Sig>
inline constexpr bool is_poolable = false;
template <class X>
inline constexpr bool is_poolable<X(X)> = std::is_same_v<X, types::u8> || std::is_same_v<X, types::s8> ||
                                          std::is_same_v<X, types::u16> || std::is_same_v<X, types::s16>;

/// Sums of a window's numbers, as words: unsigned bytes (those of signed ones with 128 added), halfwords as they are.
template <dtype Type>
QNNX_INLINE elements<Type, false> window_sums(const std::byte* from, std::int32_t rows, std::int32_t columns,
                                              std::int32_t step, std::int32_t pitch, std::int32_t bytes) {
  elements<Type, false> sum(zeros());
  if constexpr (bits_of(Type) == 16) {
    for (std::int32_t r = 0; r < rows; ++r, from += pitch) {
      const std::byte* at = from;
      for (std::int32_t k = 0; k < columns; ++k, at += step) {
        const elements<Type> x(load_up_to(at, bytes));
        for (int i = 0; i < 2; ++i) sum.v[i] = add(sum.v[i], x.v[i]);
      }
    }
  } else {
    byte_sums s;
    const vec flip = splat_byte(turned(Type));
    for (std::int32_t r = 0; r < rows; ++r, from += pitch) {
      const std::byte* at = from;
      for (std::int32_t k = 0; k < columns; ++k, at += step) s += bit_xor(load_up_to(at, bytes), flip);
    }
    const two even = widen_halves<false>(s.even), odd = widen_halves<false>(s.odd);
    sum.v[0] = even.v[0], sum.v[1] = odd.v[0], sum.v[2] = even.v[1], sum.v[3] = odd.v[1];
  }
  return sum;
}

/// round(all / count), half away from zero, of 32 words.
struct mean_divider {
  static constexpr std::int32_t one = 1 << 30;
  std::int32_t factor, half;
  bool exact = false;
  /// Of sums up to `largest`.
  constexpr mean_divider(std::int32_t count, std::int64_t largest)
      : factor(one / count + (one % count != 0 ? 1 : 0)), half(count / 2) {
    exact = largest + half < one && (largest + half) * (std::int64_t{factor} * count - one) < one;
  }
  QNNX_INLINE vec operator()(vec all) const {
    const vec sign = shift_right(all, 31), n = add(subtract(bit_xor(all, sign), sign), splat(half));
    const vec q = multiply_floor(shift_left(n, 1), splat(factor));
    return subtract(bit_xor(q, sign), sign);
  }
};

/// The number of elements that each window is divided by, out of those that differ.
template <class Params>
struct window_counts {
  std::array<std::array<bool, 257>, 2> met{};  // sizes along height and width, the last one standing for all above

  constexpr window_counts(const shape& x, const shape& y, const Params& p) {
    for (std::size_t a = 0; a < 2; ++a) {
      const int axis = static_cast<int>(a) + 1;
      const auto size = static_cast<std::int32_t>(p.filter_size[a]), before = static_cast<std::int32_t>(p.pad_amount[2 * a]),
                 after = static_cast<std::int32_t>(p.pad_amount[2 * a + 1]);
      for (std::int32_t k = 0, start = -before; k < y[axis]; ++k, start += static_cast<std::int32_t>(p.stride[a])) {
        const std::int32_t first = p.count_pad_for_edges || start > 0 ? start : 0, most = x[axis] + (p.count_pad_for_edges ? after : 0);
        const std::int32_t n = (start + size < most ? start + size : most) - first;
        met[a][static_cast<std::size_t>(n < 0 ? 0 : n > 256 ? 256 : n)] = true;
      }
    }
  }
  /// Whether f(count) holds for all of them.
  template <class F>
  constexpr bool all(F&& f) const {
    for (std::int32_t h = 0; h < 257; ++h)
      for (std::int32_t w = 0; met[0][static_cast<std::size_t>(h)] && w < 257; ++w)
        if (met[1][static_cast<std::size_t>(w)] && !f(h * w)) return false;
    return true;
  }
};

/// Size, stride and padding of a pool as window_geometry reads them.
struct pool_steps {
  std::array<std::uint32_t, 2> stride, dilation{1, 1};
  std::array<std::uint32_t, 4> pad_amount;
  template <class Params>
  constexpr explicit pool_steps(const Params& p) : stride(p.stride), pad_amount(p.pad_amount) {}
};
template <class Params>
constexpr shape filter_of(const Params& p) {
  return {static_cast<std::int32_t>(p.filter_size[0]), static_cast<std::int32_t>(p.filter_size[1])};
}

}  // namespace hvx

template <>
struct impl<op::pool_avg2d, isa::hvx> : answers_as<op::pool_avg2d> {
  template <class Sig>
  static constexpr bool supports = hvx::is_poolable<Sig>;

  static constexpr bool same_encoding(const quant& x, const quant& y, rounding_mode r) {
    return r == rounding_mode::tflite && x.scale == y.scale && x.offset == y.offset;
  }
  static constexpr std::int64_t largest(dtype t, std::int32_t count) { return std::int64_t{count} * 2 * (bits_of(t) == 16 ? 65535 : 255); }
  // clang needs the body of a constexpr template before the functions that call it: else it is not there when `takes` is
  // asked in a constant expression.
  template <class Rounding>
  static constexpr multiplier multiplier_of(const quant& x, const quant& y, std::int32_t count, Rounding r) {
    return make_multiplier(static_cast<double>(x.scale) * (1.0 / static_cast<double>(count)) / static_cast<double>(y.scale), r);
  }
  /// Whether windows are small enough, and multipliers fit.
  template <class Rounding>
  static constexpr bool takes_encodings(dtype t, const shape& xs, const shape& ys, const quant& x, const quant& y, const params& p, Rounding r,
                                        unsigned* parts = nullptr) {
    const bool wide = bits_of(t) == 16;
    if (std::int64_t{p.filter_size[0]} * p.filter_size[1] > (wide ? 4096 : 256)) return false;
    const bool mean = same_encoding(x, y, r.mode());
    const auto fits = [&](std::int32_t count) {
      if (count == 0) return false;
      const std::int64_t most = largest(t, count);
      if (mean) return hvx::mean_divider(count, most).exact;
      const multiplier m = multiplier_of(x, y, count, r);
      const auto fits_scale = [&](const auto& s) {
        if (parts) *parts |= s.code_parts(r);
        return s.fits(r);
      };
      return wide ? fits_scale(hvx::single_scale<true, true>(t, m, most, y.zero()))
                  : fits_scale(hvx::single_scale<false, false>(t, m, most, y.zero()));
    };
    if (all_full(xs, ys, p)) return fits(static_cast<std::int32_t>(p.filter_size[0] * p.filter_size[1]));
    return p.filter_size[0] <= 256 && p.filter_size[1] <= 256 && hvx::window_counts<params>(xs, ys, p).all(fits);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return f.epi.residual < 0 && f.epi.table < 0 &&
           takes_encodings(f.c.out(0).type, f.c.dims(0), f.c.out(0).dims, f.in[0], f.out[0], p, rounding::dynamic{f.rounding});
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    unsigned scales = 0;
    if (!takes(f, p)) return 0;
    (void)takes_encodings(f.c.out(0).type, f.c.dims(0), f.c.out(0).dims, f.in[0], f.out[0], p, rounding::dynamic{f.rounding}, &scales);
    return scales | bit(same_encoding(f.in[0], f.out[0], f.rounding) ? code_part::mean : code_part::scaled_mean) |
           (all_full(f.c.dims(0), f.c.out(0).dims, p) ? 0u : bit(code_part::cut_windows));
  }

  template <class Call>
  static void run(const Call& c) {
    const quant &xq = c.s.inputs[0].q, &yq = c.s.outputs[0].q;
    if constexpr (!config::embedded_packed)
      if (c.s.epi.residual >= 0 || c.s.epi.table >= 0 ||
          !takes_encodings(Call::out_type::code, c.s.inputs[0].dims, c.s.outputs[0].dims, xq, yq, c.params(), c.rounding()))
        return reference::run(c);
    const pool_geometry<op::pool_avg2d> g(c.template in<0>(), c.out(), c.params());
    const std::int32_t* k = c.constants() + finish_constants::header;
    if (needs<code_part::mean> && (!needs<code_part::scaled_mean> || same_encoding(xq, yq, c.rounding().mode())))
      windows<code_part::mean>(c, g, {k[0], k[1]});
    else if constexpr (needs<code_part::scaled_mean>)
      windows<code_part::scaled_mean>(c, g, {k[0], k[1]});
  }

 private:
  template <class Call>
  using scale_type = hvx::rescaler<Call::out_type::code, std::decay_t<decltype(std::declval<const Call&>().rounding())>,
                                   (bits_of(Call::out_type::code) > 8)>;

  /// The last scales of windows that are divided by different counts: doubles are divided to make one.
  template <class Call>
  struct kept_scales {
    std::array<std::int32_t, 4> count{};
    std::array<scale_type<Call>, 4> scale;
    std::size_t next = 0;

    QNNX_NOINLINE const scale_type<Call>& of(const Call& c, std::int32_t n, multiplier known) {
      for (std::size_t i = 0; i < count.size(); ++i)
        if (count[i] == n) return scale[i];
      const std::size_t i = next++ % count.size();
      count[i] = n;
      const multiplier m = known.mantissa != 0 ? known : multiplier_of(c.s.inputs[0].q, c.s.outputs[0].q, n, c.rounding());
      return scale[i] = scale_type<Call>(c, m, largest(Call::out_type::code, n));
    }
  };

  template <code_part Part, class Call>
  static QNNX_NOINLINE void windows(const Call& c, const pool_geometry<op::pool_avg2d>& g, multiplier whole) {
    constexpr dtype type = Call::out_type::code;
    constexpr std::int32_t element = bits_of(type) / 8;
    const auto y = c.out();
    const auto* data = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* to = reinterpret_cast<std::byte*>(y.data);
    const std::int32_t pixel = y.extent(3) * element, pitch = g.size[2] * pixel, full = g.filter[1] * g.filter[2];
    const std::int32_t offset = c.s.inputs[0].q.offset;
    constexpr std::int32_t above = element == 1 ? hvx::turned(type) : 0;  // of what is added
    const hvx::vec plus = hvx::splat(hvx::turned(type));
    const hvx::finisher<type, false, std::decay_t<decltype(c.rounding())>, (element > 1)> done(c);
    [[maybe_unused]] kept_scales<Call> scales;
    scale_type<Call> scale;
    if constexpr (Part == code_part::scaled_mean) scale = scales.of(c, full, whole);
    hvx::mean_divider divided(full, largest(type, full));
    std::int32_t last = full;
    each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
      const std::int32_t rows = w.to[1] - w.from[1], columns = w.to[2] - w.from[2], inside = rows * columns;
      const auto count = static_cast<std::int32_t>(w.count);
      if constexpr (needs<code_part::cut_windows>)
        if (count != last) {
          last = count;
          if constexpr (Part == code_part::mean)
            divided = hvx::mean_divider(count, largest(type, count));
          else
            scale = scales.of(c, count, count == full ? whole : multiplier{});
        }
      const hvx::vec start = hvx::splat((Part == code_part::mean ? -(count - inside) : inside) * offset - inside * above);
      const std::byte* from = data + ((n * g.size[1] + w.from[1]) * g.size[2] + w.from[2]) * pixel;
      std::byte* out = to + static_cast<std::int32_t>(index) * element;
      std::int32_t left = pixel;
      for (std::int32_t k = hvx::vectors_of(pixel); k > 0;
           --k, left -= hvx::vector_bytes, from += hvx::vector_bytes, out += hvx::vector_bytes) {
        auto s = hvx::window_sums<type>(from, rows, columns, pixel, pitch, left);
        for (hvx::vec& v : s.v) {
          v = hvx::add(v, start);
          if constexpr (Part == code_part::mean) v = hvx::add(divided(v), plus);
          else v = scale(v, done);
        }
        hvx::put(out, done.pack_interleaved(s.v), left);
      }
    });
  }
};

/// The distance of shared memory is the reference's: rows are copied before the first output row that needs them.
template <>
struct impl<op::pool_max2d, isa::hvx> : answers_as<op::pool_max2d> {
  template <class Sig>
  static constexpr bool supports = hvx::is_poolable<Sig>;

  static constexpr std::int32_t most_taps = 64;
  static constexpr bool takes_shape(const params& p) {
    return p.filter_size[0] <= hvx::most_rows && std::int64_t{p.filter_size[0]} * p.filter_size[1] <= most_taps;
  }
  /// ask(single_scale, policy) of a node.
  template <class F>
  static constexpr auto asked(const node_facts& f, F&& ask) {
    const dtype t = f.c.out(0).type;
    const rounding::dynamic r{f.rounding};
    const multiplier m = make_multiplier(static_cast<double>(f.in[0].scale) / static_cast<double>(f.out[0].scale), r);
    return bits_of(t) == 16 ? ask(hvx::single_scale<true>(t, m, 131070, f.out[0].zero()), r)
                            : ask(hvx::single_scale<false>(t, m, 510, f.out[0].zero()), r);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(p) && f.epi.residual < 0 && f.epi.table < 0 && asked(f, [](const auto& s, auto r) { return s.fits(r); });
  }
  static constexpr unsigned code_parts(const node_facts& f, const params&, const std::byte*) {
    return asked(f, [](const auto& s, auto r) { return s.code_parts(r); });
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return takes_shape(p) ? geometry(f.c.dims(0), bits_of(f.c.in(0).type) / 8, f.c.out(0).dims, p).bytes() : 0;
  }

  template <class Call>
  static void run(const Call& c) {
    constexpr dtype type = Call::out_type::code;
    const hvx::rescaler<type, std::decay_t<decltype(c.rounding())>> scale(
        c, {c.constants()[finish_constants::header], c.constants()[finish_constants::header + 1]},
        bits_of(type) == 16 ? 131070 : 510);
    if constexpr (!config::embedded_packed)
      if (!takes_shape(c.params()) || c.s.epi.residual >= 0 || c.s.epi.table >= 0 || !scale.fits()) return reference::run(c);
    rows(c, scale);
  }

 private:
  static constexpr hvx::window_geometry geometry(const shape& x, std::int32_t element, const shape& y, const params& p) {
    return {x, element, hvx::filter_of(p), y, hvx::pool_steps(p), true};
  }
  template <class Call, class Scale>
  static QNNX_NOINLINE void rows(const Call& c, const Scale& scale) {
    constexpr dtype type = Call::out_type::code;
    constexpr std::int32_t element = bits_of(type) / 8;
    constexpr std::int32_t turn = type == dtype::ufixed_16 ? 32768 : 0;
    const shape& ys = c.s.outputs[0].dims;
    const hvx::window_geometry g = geometry(c.s.inputs[0].dims, element, ys, c.params());
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    auto* y = reinterpret_cast<std::byte*>(c.out().data);
    hvx::padded_rows<type> rows(g, static_cast<std::int32_t>(min_value(type)), c.scratch());
    const std::int32_t bytes = g.out_width * g.depth;
    const hvx::vec plus = hvx::splat(c.s.inputs[0].q.offset + turn);
    const hvx::finisher<type, false, std::decay_t<decltype(c.rounding())>, false> done(c);
    std::int32_t columns[most_taps];
    g.find_columns(columns);
    for (std::int32_t n = 0; n < ys[0]; ++n, image += g.height * g.width * g.depth) {
      rows.begin(image);
      for (std::int32_t oh = 0; oh < g.out_height; ++oh, y += bytes) {
        if (oh > 0) rows.advance();
        const std::byte* tap[most_taps];
        std::int32_t taps = 0;
        for (std::int32_t kh = 0; kh < g.rows; ++kh) {
          const std::byte* const line = rows.line(kh);
          for (std::int32_t kw = 0; kw < g.columns; ++kw) tap[taps++] = line + columns[kw];
        }
        std::int32_t at = 0;
        for (std::int32_t k = hvx::vectors_of(bytes); k > 0; --k, at += hvx::vector_bytes) {
          hvx::vec most = hvx::load(tap[0] + at);
          for (std::int32_t t = 1; t < taps; ++t) {
            const hvx::vec v = hvx::load(tap[t] + at);
            if constexpr (element == 2) most = hvx::greatest_halves(most, v);
            else most = hvx::greatest_bytes_of<is_signed_fixed(type)>(most, v);
          }
          hvx::elements<type, is_signed_fixed(type) || element == 2> x(most);
          for (hvx::vec& v : x.v) v = scale(hvx::add(v, plus), done);
          hvx::put(y + at, done.pack_interleaved(x.v), bytes - at);
        }
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
