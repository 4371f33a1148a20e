// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d on 8- and 16-bit data for instruction sets that add several channels at once. Sums become outputs by a scaler
// (the reference's functions, or faster ones with its bits); the multipliers of windows that padding cuts are constants,
// so that no float is left at run time. Layer 5a.

#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/pooling/clipped.hpp"
#include "qnnx/kernel/pooling/reference.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// The numbers of elements that windows are divided by, beside that of a full one.
struct cut_windows {
  static constexpr int most = 32;  // along an axis, and in all
  std::int32_t counts[most] = {};
  int size = 0;
  bool fits = true;

  template <class Params>
  constexpr cut_windows(const shape& x, const shape& y, const Params& p) {
    std::int32_t along[2][most] = {};
    int sizes[2] = {};
    for (std::size_t axis = 0; axis < 2; ++axis)
      for (std::int32_t at = 0; at < y[static_cast<int>(axis) + 1] && fits; ++at) {
        const pool_span s = pool_span::along(axis, at, p, x);
        put(along[axis], sizes[axis], p.count_pad_for_edges ? s.padded : s.count());
      }
    const auto full = static_cast<std::int32_t>(p.filter_size[0] * p.filter_size[1]);
    for (int i = 0; i < sizes[0]; ++i)
      for (int j = 0; j < sizes[1]; ++j)
        if (along[0][i] * along[1][j] != full) put(counts, size, along[0][i] * along[1][j]);
  }

 private:
  constexpr void put(std::int32_t* list, int& n, std::int32_t value) {
    for (int i = 0; i < n; ++i)
      if (list[i] == value) return;
    if (n < most) list[n++] = value;
    else fits = false;
  }
};

/// The reference's functions as a scaler: from a sum to an output without its bounds.
template <dtype T>
struct exact_scaler {
  using sum_t = std::conditional_t<(bits_of(T) > 8), std::int64_t, std::int32_t>;  // as the reference has it
  multiplier m{};
  std::int32_t zero = 0;
  bool fits = true;

  constexpr exact_scaler() = default;
  template <class Rounding>
  constexpr exact_scaler(multiplier by, std::int32_t z, std::int64_t, Rounding) : m(by), zero(z) {}
  template <class Rounding>
  QNNX_INLINE std::int64_t operator()(std::int32_t sum, Rounding r) const { return scale_accumulator(sum_t{sum}, m, r) + zero; }
};

/// Adder::channels neighbouring bytes are summed by Adder::add(first element, rows, columns, step, pitch, sums); other
/// channels, and 16-bit ones where Adder has no add_halves, one by one.
template <class Adder, template <dtype> class Scaler = exact_scaler>
struct summed_average_pool : answers_as<op::pool_avg2d> {
  using base = answers_as<op::pool_avg2d>;

  static constexpr bool takes_shape(dtype t, const params& p) {  // 256 * 255 fits an unsigned lane
    return std::int64_t{p.filter_size[0]} * p.filter_size[1] <= (bits_of(t) == 8 ? 256 : 16384);
  }
  static constexpr bool in_blocks(const shape& x) { return x[3] % Adder::channels == 0; }
  static constexpr bool same_encoding(const quant& x, const quant& y, rounding_mode r) {
    return r == rounding_mode::tflite && x.scale == y.scale && x.offset == y.offset;
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(f.c.out(0).type, p) && f.epi.residual < 0 && f.epi.table < 0 &&
           cut_windows(f.c.dims(0), f.c.out(0).dims, p).fits && scales(f, p);
  }
  static constexpr std::int64_t largest_sum(const params& p, dtype t, std::int32_t offset) {
    const std::int64_t low = min_value(t) + std::int64_t{offset}, high = max_value(t) + std::int64_t{offset};
    return (-low > high ? -low : high) * p.filter_size[0] * p.filter_size[1];
  }
  /// Whether the scaler has the multipliers of all windows.
  static constexpr bool scales(const node_facts& f, const params& p) {
    if (same_encoding(f.in[0], f.out[0], f.rounding)) return true;
    const dtype t = f.c.out(0).type;
    const rounding::dynamic r{f.rounding};
    const auto fits = [&](std::int32_t count) {
      const multiplier m = made(f.in[0].scale, f.out[0].scale, count, r);
      const std::int64_t largest = largest_sum(p, t, f.in[0].offset);
      switch (t) {
        case dtype::ufixed_8: return Scaler<dtype::ufixed_8>(m, -f.out[0].offset, largest, r).fits;
        case dtype::sfixed_8: return Scaler<dtype::sfixed_8>(m, -f.out[0].offset, largest, r).fits;
        case dtype::ufixed_16: return Scaler<dtype::ufixed_16>(m, -f.out[0].offset, largest, r).fits;
        default: return Scaler<dtype::sfixed_16>(m, -f.out[0].offset, largest, r).fits;
      }
    };
    const cut_windows cut(f.c.dims(0), f.c.out(0).dims, p);
    for (int i = 0; i < cut.size; ++i)
      if (!fits(cut.counts[i])) return false;
    return fits(static_cast<std::int32_t>(p.filter_size[0] * p.filter_size[1]));
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    if (!takes(f, p)) return 0;
    return bit(same_encoding(f.in[0], f.out[0], f.rounding) ? code_part::mean : code_part::scaled_mean) |
           bit(all_full(f.c.dims(0), f.c.out(0).dims, p) ? code_part::full_windows : code_part::cut_windows) |
           bit(in_blocks(f.c.dims(0)) ? code_part::channel_blocks : code_part::single_channels);
  }

  // Behind the reference's constants: how many cut windows, then count, mantissa, exponent of each.
  static constexpr bool lists(const node_facts& f, const params& p) {
    return is_fixed(f.c.out(0).type) && !same_encoding(f.in[0], f.out[0], f.rounding) &&
           cut_windows(f.c.dims(0), f.c.out(0).dims, p).size > 0;
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    const std::int64_t plain = base::constant_words(f, p);
    return plain + (lists(f, p) ? 1 + 3 * cut_windows(f.c.dims(0), f.c.out(0).dims, p).size : 0);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    base::prepare(f, p, r, out);
    if (!lists(f, p)) return;
    const cut_windows cut(f.c.dims(0), f.c.out(0).dims, p);
    out += base::constant_words(f, p);
    *out++ = cut.size;
    for (int i = 0; i < cut.size; ++i, out += 3) {
      const multiplier m = made(f.in[0].scale, f.out[0].scale, cut.counts[i], r);
      out[0] = cut.counts[i];
      out[1] = m.mantissa;
      out[2] = m.exponent;
    }
  }

  /// Of a band of rows: its cut windows are some of the node's.
  static constexpr bool constants_serve(const std::int32_t* node, std::int64_t words, const std::int32_t* band, std::int64_t band_words) {
    constexpr std::int64_t plain = finish_constants::header + 2;
    for (std::int64_t i = 0; i < band_words && i < plain; ++i)
      if (i >= words || node[i] != band[i]) return false;
    for (std::int64_t i = plain + 1; i < band_words; i += 3) {
      bool found = false;
      for (std::int64_t k = plain + 1; k < words; k += 3) found |= node[k] == band[i];
      if (!found) return false;
    }
    return true;
  }

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    const params& p = c.params();
    const shape &xs = c.s.inputs[0].dims, &ys = c.s.outputs[0].dims;
    if constexpr (!config::embedded_packed)
      if (!takes_shape(T::code, p) || c.s.epi.residual >= 0 || c.s.epi.table >= 0) return reference::run(c);
    const std::int32_t channels = xs[3], pitch = xs[2] * channels;
    output store(c);
    each_clipped<needs<code_part::cut_windows>>(
        xs, ys, p, reinterpret_cast<const storage*>(c.input_bytes(0)), reinterpret_cast<storage*>(c.output_bytes()),
        [&](const pool_span& rows, const pool_span& columns, const storage* from, storage* to) {
          const std::int32_t inside = rows.count() * columns.count();
          store.choose(p.count_pad_for_edges ? rows.padded * columns.padded : inside, inside);
          std::int32_t o = 0;
          if constexpr (needs<code_part::channel_blocks>) {
            if (!needs<code_part::single_channels> || in_blocks(xs))
              for (; o < channels; o += Adder::channels) {
                std::int32_t sum[Adder::channels];
                if constexpr (bits_of(T::code) == 8)
                  Adder::template add<is_signed_fixed(T::code)>(reinterpret_cast<const std::byte*>(from + o), rows.count(),
                                                                columns.count(), channels, pitch, sum);
                else
                  add<Adder::channels>(from + o, rows.count(), columns.count(), channels, pitch, sum);
                for (int j = 0; j < Adder::channels; ++j) to[o + j] = store(sum[j]);
              }
          }
          if constexpr (needs<code_part::single_channels>)
            for (; o < channels; ++o) {
              std::int32_t sum[1];
              add<1>(from + o, rows.count(), columns.count(), channels, pitch, sum);
              to[o] = store(sum[0]);
            }
        });
  }

 private:
  template <int Channels, class T>
  static QNNX_INLINE void add(const T* from, std::int32_t rows, std::int32_t columns, std::int32_t step, std::int32_t pitch,
                              std::int32_t* sum) {
    for (int j = 0; j < Channels; ++j) sum[j] = 0;
    for (std::int32_t r = 0; r < rows; ++r, from += pitch) {
      const T* at = from;
      for (std::int32_t k = 0; k < columns; ++k, at += step)
        for (int j = 0; j < Channels; ++j) sum[j] += at[j];
    }
  }
  template <class Rounding>
  static constexpr multiplier made(float from, float to, std::int32_t count, Rounding r) {
    return make_multiplier(static_cast<double>(from) * (1.0 / static_cast<double>(count)) / static_cast<double>(to), r);
  }

  /// From a window's sum to the output, as average_pool does.
  template <class Call>
  struct output {
    using T = typename Call::out_type;
    const Call& c;
    Scaler<T::code> scale{};
    multiplier m{};
    std::int32_t count = 0, shift = 0, lo, hi, zero, full;
    bool mean;

    explicit output(const Call& call) : c(call) {
      const quant &x = c.s.inputs[0].q, &y = c.s.outputs[0].q;
      lo = c.constants()[0], hi = c.constants()[1], zero = y.zero();
      full = static_cast<std::int32_t>(c.params().filter_size[0] * c.params().filter_size[1]);
      mean = needs<code_part::mean> && (!needs<code_part::scaled_mean> || same_encoding(x, y, c.rounding().mode()));
    }
    QNNX_INLINE void choose(std::int32_t window_count, std::int32_t inside) {
      const quant& x = c.s.inputs[0].q;
      shift = mean ? -(window_count - inside) * x.offset : inside * x.offset;
      if (needs<code_part::scaled_mean> && !mean && count != window_count) {
        m = multiplier_of(window_count);
        scale = Scaler<T::code>(m, zero, largest_sum(c.params(), T::code, x.offset), c.rounding());
      }
      count = window_count;
    }
    multiplier multiplier_of(std::int32_t n) const {
      const std::int32_t* k = c.constants() + finish_constants::header;
      if (!needs<code_part::cut_windows> || n == full) return {k[0], k[1]};
      std::int32_t left = k[2];
      for (k += 3; left > 0; --left, k += 3)
        if (k[0] == n) return {k[1], k[2]};
      if constexpr (!config::embedded_packed) return made(c.s.inputs[0].q.scale, c.s.outputs[0].q.scale, n, c.rounding());
      return {};
    }
    QNNX_INLINE typename T::storage operator()(std::int32_t sum) const {
      sum += shift;
      if (needs<code_part::scaled_mean> && !mean) {
        if (!config::embedded_packed && !scale.fits) return bounded(exact_scaler<T::code>(m, zero, 0, c.rounding())(sum, c.rounding()));
        return bounded(scale(sum, c.rounding()));
      }
      const std::int32_t q = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
      return bounded(q);
    }
    template <class Q>
    QNNX_INLINE typename T::storage bounded(Q q) const {
      return static_cast<typename T::storage>(q < lo ? lo : q > hi ? hi : static_cast<std::int32_t>(q));
    }
  };
  template <class Call>
  explicit output(const Call&) -> output<Call>;
};

}  // namespace qnnx::inline QNNX_ABI::kernel
