// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolAvg2d on 8-bit data for instruction sets that add several channels at once. Sums become outputs by the
// reference's functions. Layer 5a.

#include "qnnx/kernel/code_parts.hpp"
#include "qnnx/kernel/pooling/reference.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Adder::channels neighbouring channels are summed by Adder::add(first element, rows, columns, step, pitch, sums).
template <class Adder>
struct summed_average_pool : answers_as<op::pool_avg2d> {
  static constexpr bool takes_shape(const shape& x, const params& p) {
    return x[3] % Adder::channels == 0 &&
           std::int64_t{p.filter_size[0]} * p.filter_size[1] <= 256;  // 256 * 255 fits an unsigned lane
  }
  /// Whether every window lies in the data: then no multiplier is made at run time.
  static constexpr bool all_full(const shape& x, const shape& y, const params& p) {
    for (std::size_t a = 0; a < 2; ++a) {
      const int axis = static_cast<int>(a) + 1;
      if (p.pad_amount[2 * a] != 0) return false;
      if ((y[axis] - 1) * static_cast<std::int32_t>(p.stride[a]) + static_cast<std::int32_t>(p.filter_size[a]) >
          x[axis])
        return false;
    }
    return true;
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return takes_shape(f.c.dims(0), p) && all_full(f.c.dims(0), f.c.out(0).dims, p) && f.epi.residual < 0 &&
           f.epi.table < 0;
  }

  static constexpr bool same_encoding(const quant& x, const quant& y, rounding_mode r) {
    return r == rounding_mode::tflite && x.scale == y.scale && x.offset == y.offset;
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    return !takes(f, p) ? 0
                        : bit(same_encoding(f.in[0], f.out[0], f.rounding) ? code_part::mean : code_part::scaled_mean);
  }

  template <class Call>
  static void run(const Call& c) {
    const params& p = c.params();
    if constexpr (!config::embedded_packed)
      if (!takes_shape(c.s.inputs[0].dims, p) || c.s.epi.residual >= 0 || c.s.epi.table >= 0) return reference::run(c);
    const shape& xs = c.s.inputs[0].dims;
    const shape& ys = c.s.outputs[0].dims;
    const std::int32_t channels = xs[3];
    const std::byte* data = c.input_bytes(0);
    auto* to = reinterpret_cast<typename Call::out_type::storage*>(c.output_bytes());
    const auto part = [](std::int32_t at, std::uint32_t stride, std::uint32_t before, std::uint32_t after,
                         std::uint32_t filter, std::int32_t size) {
      window w;
      if constexpr (config::embedded_packed) {  // all_full
        w.from = at * static_cast<std::int32_t>(stride);
        w.padded = static_cast<std::int32_t>(filter);
        w.to = w.from + w.padded;
        return w;
      }
      const std::int32_t start = at * static_cast<std::int32_t>(stride) - static_cast<std::int32_t>(before);
      const std::int32_t end = start + static_cast<std::int32_t>(filter);
      w.from = start > 0 ? start : 0;
      w.to = end < size ? end : size;
      const std::int32_t limit = size + static_cast<std::int32_t>(after);
      w.padded = (end < limit ? end : limit) - start;
      return w;
    };
    for (std::int32_t n = 0; n < ys[0]; ++n, data += static_cast<std::ptrdiff_t>(xs[1]) * xs[2] * channels)
      for (std::int32_t oh = 0; oh < ys[1]; ++oh) {
        const window rows = part(oh, p.stride[0], p.pad_amount[0], p.pad_amount[1], p.filter_size[0], xs[1]);
        for (std::int32_t ow = 0; ow < ys[2]; ++ow, to += channels) {
          const window columns = part(ow, p.stride[1], p.pad_amount[2], p.pad_amount[3], p.filter_size[1], xs[2]);
          const std::int32_t inside = (rows.to - rows.from) * (columns.to - columns.from);
          const std::int32_t count = p.count_pad_for_edges ? rows.padded * columns.padded : inside;
          const output store(c, count, inside);
          for (std::int32_t o = 0; o < channels; o += Adder::channels) {
            std::int32_t sum[Adder::channels];
            Adder::template add<is_signed_fixed(Call::out_type::code)>(
                data + (rows.from * xs[2] + columns.from) * channels + o, rows.to - rows.from,
                columns.to - columns.from, channels, xs[2] * channels, sum);
            for (int j = 0; j < Adder::channels; ++j) to[o + j] = store(sum[j]);
          }
        }
      }
  }

 private:
  struct window {
    std::int32_t from = 0, to = 0, padded = 0;
  };

  /// From a window's sum to the output, as average_pool does.
  template <class Call>
  struct output {
    using T = typename Call::out_type;
    const Call& c;
    multiplier m;
    std::int32_t count, shift, lo, hi, zero;
    bool mean;

    output(const Call& call, std::int32_t window_count, std::int32_t inside) : c(call), count(window_count) {
      const quant& x = c.s.inputs[0].q;
      const quant& y = c.s.outputs[0].q;
      const std::int32_t* k = c.constants();
      lo = k[0], hi = k[1], zero = y.zero();
      m = {k[finish_constants::header], k[finish_constants::header + 1]};
      mean = needs<code_part::mean> && (!needs<code_part::scaled_mean> || same_encoding(x, y, c.rounding().mode()));
      if constexpr (!config::embedded_packed)
        if (!mean && count != static_cast<std::int32_t>(c.params().filter_size[0] * c.params().filter_size[1]))
          m = make_multiplier(
              static_cast<double>(x.scale) * (1.0 / static_cast<double>(count)) / static_cast<double>(y.scale),
              c.rounding());
      shift = mean ? -(count - inside) * x.offset : inside * x.offset;
    }
    QNNX_INLINE typename T::storage operator()(std::int32_t sum) const {
      sum += shift;
      if (needs<code_part::scaled_mean> && !mean)
        return static_cast<typename T::storage>(requantize(sum, m, zero, lo, hi, c.rounding()));
      const std::int32_t q = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
      return static_cast<typename T::storage>(q < lo ? lo : q > hi ? hi : q);
    }
  };
  template <class Call>
  output(const Call&, std::int32_t, std::int32_t) -> output<Call>;
};

}  // namespace qnnx::inline QNNX_ABI::kernel
