// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of pooling. Channels are walked in blocks, windows in row-major order.
//   avg  rne, half_up: q = clamp(zero + round(sum (q + offset) * M)), M = s_in / (s_out * count)
//        tflite: round(sum q / count), half away from zero, for equal encodings (reference_ops::AveragePool), else as
//        above in Q31
//   max  q = clamp(zero + round((max q + offset) * M)), M = s_in / s_out: the value itself for equal encodings
//   float: sum / count, max, sqrt(sum x^2) in the order of the window. Layer 5a.

#include <cmath>

#include "qnnx/kernel/epilogue.hpp"
#include "qnnx/op/pool.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Whether every window of a pool over height and width lies in the data.
template <class Params>
constexpr bool all_full(const shape& x, const shape& y, const Params& p) {
  for (std::size_t a = 0; a < 2; ++a) {
    const int axis = static_cast<int>(a) + 1;
    if (p.pad_amount[2 * a] != 0) return false;
    if ((y[axis] - 1) * static_cast<std::int32_t>(p.stride[a]) + static_cast<std::int32_t>(p.filter_size[a]) > x[axis])
      return false;
  }
  return true;
}

/// The window of one output pixel: its part inside the data, and the size its mean is divided by.
struct pool_window {
  std::int32_t from[3] = {0, 0, 0};
  std::int32_t to[3] = {1, 1, 1};
  std::int64_t count = 1;
};

/// Window positions of a pool with up to three spatial axes.
template <class Op>
struct pool_geometry {
  using params = typename Op::params;
  static constexpr int axes = Op::spatial_axes;
  std::int32_t size[3] = {1, 1, 1};
  std::int32_t out[3] = {1, 1, 1};
  std::int32_t filter[3] = {1, 1, 1};
  std::int32_t stride[3] = {1, 1, 1};
  std::int32_t before[3] = {0, 0, 0};
  std::int32_t after[3] = {0, 0, 0};
  bool count_pads = false;

  template <class X, class Y>
  pool_geometry(const X& x, const Y& y, const params& p) {
    for (int k = 0; k < axes; ++k) {
      const auto a = static_cast<std::size_t>(k);
      const int to = k + 3 - axes;
      size[to] = x.extent(k + 1);
      out[to] = y.extent(k + 1);
      filter[to] = static_cast<std::int32_t>(p.filter_size[a]);
      stride[to] = static_cast<std::int32_t>(p.stride[a]);
      before[to] = static_cast<std::int32_t>(p.pad_amount[2 * a]);
      after[to] = static_cast<std::int32_t>(p.pad_amount[2 * a + 1]);
    }
    if constexpr (requires { p.count_pad_for_edges; }) count_pads = p.count_pad_for_edges;
  }
  pool_window at(const std::int32_t* position) const {
    pool_window w;
    for (int k = 0; k < 3; ++k) {
      const std::int32_t start = position[k] * stride[k] - before[k];
      const std::int32_t end = start + filter[k];
      w.from[k] = start > 0 ? start : 0;
      w.to[k] = end < size[k] ? end : size[k];
      const std::int32_t padded_end = end < size[k] + after[k] ? end : size[k] + after[k];
      w.count *= count_pads ? padded_end - start : w.to[k] - w.from[k];
    }
    return w;
  }
};

/// Calls f(index of the first channel of the output pixel, batch, window) for every output pixel of a piece.
template <class Op, class Y, class F>
QNNX_INLINE void each_window(const pool_geometry<Op>& g, const Y& y, part piece, F&& f) {
  const std::int32_t channels = y.extent(y.rank() - 1);
  const slice mine = slice_of(piece, y.size() / channels);
  std::int64_t pixel = 0;
  std::int32_t at[3];
  for (std::int32_t n = 0; n < y.extent(0); ++n)
    for (at[0] = 0; at[0] < g.out[0]; ++at[0])
      for (at[1] = 0; at[1] < g.out[1]; ++at[1])
        for (at[2] = 0; at[2] < g.out[2]; ++at[2], ++pixel)
          if (mine.holds(pixel)) f(pixel * channels, n, g.at(at));
}

/// Folds a window channel by channel: f(state of channel j, element).
template <class State, class Op, class X, class F>
QNNX_INLINE void fold_window(const pool_geometry<Op>& g, const X& x, std::int32_t n, const pool_window& w,
                             std::int32_t first, std::int32_t count, State* state, F&& f) {
  const std::int32_t channels = x.extent(x.rank() - 1);
  for (std::int32_t d = w.from[0]; d < w.to[0]; ++d)
    for (std::int32_t h = w.from[1]; h < w.to[1]; ++h)
      for (std::int32_t v = w.from[2]; v < w.to[2]; ++v) {
        const std::int64_t at =
            (((static_cast<std::int64_t>(n) * g.size[0] + d) * g.size[1] + h) * g.size[2] + v) * channels + first;
        for (std::int32_t j = 0; j < count; ++j) state[j] = f(state[j], x.load(at + j));
      }
}

/// Output rows are made in order of the first spatial axis; row r reads from r * stride - before on.
template <class Params>
constexpr std::int64_t pool_overlap(const context& c, const Params& p, int input) {
  if (input != 0 || c.dims(0)[0] != 1) return -1;
  const std::int64_t in_row = byte_size(c.in(0)) / c.dims(0)[1];
  const std::int64_t out_row = byte_size(c.out(0)) / c.out(0).dims[1];
  std::int64_t worst = 0;
  for (std::int32_t r = 0; r < c.out(0).dims[1]; ++r) {
    const std::int64_t low = static_cast<std::int64_t>(r) * p.stride[0] - p.pad_amount[0];
    const std::int64_t ahead = (r + 1) * out_row - (low > 0 ? low : 0) * in_row;
    if (ahead > worst) worst = ahead;
  }
  return worst;
}

/// Output pixels, which pieces share.
constexpr int pool_parts(const context& c) {
  const shape& y = c.out(0).dims;
  return static_cast<int>(y.product(0, y.rank() - 1));
}

inline constexpr std::int32_t pool_block = 16;

template <class Op>
struct average_pool {
  using params = typename Op::params;
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, -1);
  }
  /// The multiplier of a full window; windows at the edges make theirs by the same function.
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    std::int64_t full = 1;
    for (const std::uint32_t s : p.filter_size) full *= s;
    finish_constants::make(f, -1, 1.0 / static_cast<double>(full), r, out);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return pool_overlap(f.c, p, input);
  }
  static constexpr int parts(const node_facts& f, const params&) { return pool_parts(f.c); }

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const pool_geometry<Op> g(x, y, c.params());
    const finish<Call> done(c, false);
    const std::int32_t channels = y.extent(y.rank() - 1);
    if constexpr (is_fixed_v<T>) {
      using sum_t = std::conditional_t<(bits_of(T::code) > 8), std::int64_t, std::int32_t>;
      const bool tflite_mean = c.rounding().mode() == rounding_mode::tflite && x.scale() == y.scale() &&
                               x.offset() == y.offset() && c.epi().residual < 0 && c.epi().table < 0;
      const epilogue& e = c.epi();
      const auto s_out = static_cast<double>(e.residual >= 0 ? e.mid_scale : y.scale());
      const std::int32_t* k = c.constants();
      const std::int64_t full = static_cast<std::int64_t>(g.filter[0]) * g.filter[1] * g.filter[2];
      each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
        multiplier m{k[finish_constants::header], k[finish_constants::header + 1]};
        if (w.count != full)
          m = make_multiplier(static_cast<double>(x.scale()) * (1.0 / static_cast<double>(w.count)) / s_out,
                              c.rounding());
        const std::int64_t inside =
            static_cast<std::int64_t>(w.to[0] - w.from[0]) * (w.to[1] - w.from[1]) * (w.to[2] - w.from[2]);
        const auto shift = static_cast<sum_t>(inside * x.offset());
        for (std::int32_t o = 0; o < channels; o += pool_block) {
          const std::int32_t count = channels - o < pool_block ? channels - o : pool_block;
          sum_t sum[pool_block] = {};
          fold_window(g, x, n, w, o, count, sum, [](sum_t a, std::int32_t b) { return static_cast<sum_t>(a + b); });
          for (std::int32_t j = 0; j < count; ++j) {
            if (tflite_mean) {
              // Padding that counts is real 0, which is -offset.
              const std::int64_t all = sum[j] - (w.count - inside) * static_cast<std::int64_t>(x.offset());
              const std::int64_t mean = (all > 0 ? all + w.count / 2 : all - w.count / 2) / w.count;
              y.store(index + o + j, static_cast<std::int32_t>(clamp<std::int64_t>(mean, k[0], k[1])));
            } else {
              done.store_scaled(index + o + j, static_cast<sum_t>(sum[j] + shift), m);
            }
          }
        }
      });
    } else {
      each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
        for (std::int32_t o = 0; o < channels; o += pool_block) {
          const std::int32_t count = channels - o < pool_block ? channels - o : pool_block;
          float sum[pool_block] = {};
          fold_window(g, x, n, w, o, count, sum, [](float a, float b) { return a + b; });
          for (std::int32_t j = 0; j < count; ++j) done.store(index + o + j, 0, sum[j] / static_cast<float>(w.count));
        }
      });
    }
  }
};

template <class Op>
struct max_pool {
  using params = typename Op::params;
  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return finish_constants::words(f, -1);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params&, Rounding r, std::int32_t* out) {
    finish_constants::make(f, -1, 1.0, r, out);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return pool_overlap(f.c, p, input);
  }
  static constexpr int parts(const node_facts& f, const params&) { return pool_parts(f.c); }

  template <class Call>
  static void run(const Call& c) {
    using value = std::conditional_t<is_fixed_v<typename Call::out_type>, std::int32_t, float>;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const pool_geometry<Op> g(x, y, c.params());
    const finish<Call> done(c, false);
    const std::int32_t channels = y.extent(y.rank() - 1);
    each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
      for (std::int32_t o = 0; o < channels; o += pool_block) {
        const std::int32_t count = channels - o < pool_block ? channels - o : pool_block;
        value most[pool_block];
        for (std::int32_t j = 0; j < count; ++j) {
          if constexpr (is_fixed_v<typename Call::out_type>)
            most[j] = INT32_MIN;
          else
            most[j] = -__builtin_inff();
        }
        // A NaN stays: only a greater element replaces, and a NaN replaces everything.
        fold_window(g, x, n, w, o, count, most, [](value a, value b) { return b > a || !(b == b) ? b : a; });
        for (std::int32_t j = 0; j < count; ++j) {
          if constexpr (is_fixed_v<typename Call::out_type>)
            done.store(index + o + j, 0, most[j] + x.offset());
          else
            done.store(index + o + j, 0, most[j]);
        }
      }
    });
  }
};

template <>
struct impl<op::pool_avg2d, isa::reference> : average_pool<op::pool_avg2d> {};
template <>
struct impl<op::pool_avg3d, isa::reference> : average_pool<op::pool_avg3d> {};
template <>
struct impl<op::pool_max2d, isa::reference> : max_pool<op::pool_max2d> {};
template <>
struct impl<op::pool_max3d, isa::reference> : max_pool<op::pool_max3d> {};

template <>
struct impl<op::l2_pool2d, isa::reference> {
  using params = op::l2_pool2d::params;
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    return pool_overlap(f.c, p, input);
  }
  static constexpr int parts(const node_facts& f, const params&) { return pool_parts(f.c); }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const pool_geometry<op::l2_pool2d> g(x, y, c.params());
    const finish<Call> done(c, false);
    const std::int32_t channels = y.extent(y.rank() - 1);
    each_window(g, y, c.piece, [&](std::int64_t index, std::int32_t n, const pool_window& w) {
      for (std::int32_t o = 0; o < channels; o += pool_block) {
        const std::int32_t count = channels - o < pool_block ? channels - o : pool_block;
        float sum[pool_block] = {};
        fold_window(g, x, n, w, o, count, sum, [](float a, float b) { return a + b * b; });
        for (std::int32_t j = 0; j < count; ++j) done.store(index + o + j, 0, std::sqrt(sum[j]));  // exact by IEEE 754
      }
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
