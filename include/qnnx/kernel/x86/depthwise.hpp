// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with channel multiplier 1. A step takes all taps of one output pixel, or, where 2 or more pixels fill
// a vector (8 channels of 8 bit: 8 pixels), of neighbouring ones: with stride 1 their taps lie side by side in memory,
// with stride 2 every other pixel is taken. Lanes that belong to the second and later pixels have copies of the
// channels' weights ("virtual channels"). Rows outside the data are a line of padding; windows that
// leave a row are copied.
//   float   fused multiply-add in the order of the taps
//   8 bit   4 taps of a channel are brought together (unpack) and multiplied at once (vpdpbusd); weights with an offset
//           take a second sum, of the data alone
// Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

struct depthwise_shape {
  std::int64_t batch, height, width, channels, out_h, out_w, kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w, top, left;
  constexpr std::int64_t taps() const { return kernel_h * kernel_w; }
  /// Pixels that share a vector of `lanes` channels.
  constexpr std::int64_t together(std::int64_t lanes) const {
    return stride_w <= 2 && channels < lanes && lanes % channels == 0 ? lanes / channels : 1;
  }
  /// Virtual channels, whole vectors.
  constexpr std::int64_t padded(std::int64_t lanes) const { return (channels + lanes - 1) / lanes * lanes; }
};
constexpr depthwise_shape depthwise_of(const shape& x, const shape& w, const shape& y, const op::depthwise_conv2d::params& p) {
  return {x[0], x[1], x[2], x[3], y[1], y[2], w[0], w[1], p.stride[0], p.stride[1], p.dilation[0], p.dilation[1], p.pad_amount[0], p.pad_amount[2]};
}
inline constexpr int most_taps = 128;
/// Bytes of scratch of a padded node: a line of padding for rows outside the data, and one window for pixels whose
/// window leaves a row.
constexpr std::int64_t padding_line(const depthwise_shape& s, std::int64_t element) { return (s.width * s.channels * element + 192 + 63) / 64 * 64; }
/// Small data is copied with its padding around it: then no window leaves a row, and pixels go in full groups.
constexpr padded_image padded_of(const depthwise_shape& s, std::int64_t element, bool padded) {
  padded_image p{s.batch, s.height, s.width, s.channels * element, (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1,
                 (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1, s.top, s.left, padded};
  p.needed = padded && p.bytes() <= 64 * 1024;
  return p;
}
constexpr std::int64_t padding_scratch(const depthwise_shape& s, std::int64_t element, bool padded) {
  if (const padded_image p = padded_of(s, element, padded); p.needed) return p.scratch();
  return padded ? padding_line(s, element) + (s.taps() + 4) * s.channels * element + 64 : 0;
}

/// The data of a node and where its windows are.
struct depthwise_data {
  const std::byte* data;
  std::int64_t element;
  std::byte* scratch;     // of a padded node: padding_scratch bytes
  std::uint8_t padding;   // byte that stands for real 0
  bool padded;
};

/// Output rows and blocks of channels of one piece: cut where the pieces are more alike.
struct depthwise_share {
  slice rows;
  slice channels;
};
constexpr depthwise_share share_of(const depthwise_shape& s, std::int64_t block, part p, std::int64_t rows_together = 1) {
  const std::int64_t rows = s.batch * s.out_h;
  const std::int64_t blocks = (s.channels + block - 1) / block;
  if (p.count == 1) return {{0, rows}, {0, s.channels}};
  const auto largest = [&](std::int64_t n, std::int64_t of) { return (n + p.count - 1) / p.count * of; };
  if (largest(rows, blocks) <= largest(blocks, rows)) return {slice_of(p, rows, rows_together), {0, s.channels}};
  return {{0, rows}, slice_of(p, s.channels, block)};
}
constexpr int depthwise_parts(const depthwise_shape& s, std::int64_t block) {
  const std::int64_t rows = s.batch * s.out_h;
  const std::int64_t blocks = (s.channels + block - 1) / block;
  const std::int64_t most = rows > blocks ? rows : blocks;
  return static_cast<int>(most < 256 ? most : 256);
}

/// The windows of output rows `rows`; changes `s` to the padded copy where one is made.
inline depthwise_data place_data(depthwise_shape& s, const void* data, std::int64_t element, std::byte* scratch, std::uint8_t padding, bool padded, slice rows) {
  depthwise_data d{static_cast<const std::byte*>(data), element, scratch, padding, padded};
  const padded_image p = padded_of(s, element, padded);
  if (!p.needed || rows.from >= rows.to) return d;
  const auto row = [&](std::int64_t r) { return r / s.out_h * p.padded_height + r % s.out_h * s.stride_h; };
  d.data = p.make(d.data, scratch, padding, row(rows.from), row(rows.to - 1) + (s.kernel_h - 1) * s.dilation_h + 1);
  d.padded = false;
  s.height = p.padded_height;
  s.width = p.padded_width;
  s.top = s.left = 0;
  return d;
}

/// Calls step(corner, offsets, pixel, count) for the pixels of output rows [from, to) in order, `together` neighbours at
/// once where their windows lie inside a row. Tap t of the first pixel begins at corner + offsets[t]; the taps are
/// rounded up to 4 and the last one repeats (it meets zero weights).
template <class Step>
QNNX_INLINE void each_window(const depthwise_shape& s, const depthwise_data& d, std::int64_t from, std::int64_t to, std::int64_t together, Step&& step) {
  const std::int64_t pixel_bytes = s.channels * d.element;
  const std::int64_t line = s.width * pixel_bytes;
  const std::int64_t up = (s.taps() + 3) / 4 * 4;
  const std::int64_t reach_h = (s.kernel_h - 1) * s.dilation_h;
  const std::int64_t reach_w = (s.kernel_w - 1) * s.dilation_w;
  std::int64_t inside_from = (s.left + s.stride_w - 1) / s.stride_w;  // output columns whose windows lie inside a row
  std::int64_t inside_to = s.width - 1 - reach_w + s.left < 0 ? 0 : (s.width - 1 - reach_w + s.left) / s.stride_w + 1;
  if (inside_to > s.out_w) inside_to = s.out_w;
  if (inside_from > inside_to) inside_from = inside_to = 0;
  std::int64_t whole[most_taps];  // all rows inside
  std::int64_t part[most_taps];   // some rows are the line of padding
  std::int64_t alone[most_taps];  // a window of its own
  for (std::int64_t t = 0; t < up; ++t) {
    const std::int64_t tap = t < s.taps() ? t : s.taps() - 1;
    whole[t] = tap / s.kernel_w * s.dilation_h * line + tap % s.kernel_w * s.dilation_w * pixel_bytes;
    alone[t] = tap * pixel_bytes;
  }
  std::byte* window = d.scratch + (d.padded ? padding_line(s, d.element) : 0);
  if (d.padded) std::memset(d.scratch, d.padding, static_cast<std::size_t>(padding_line(s, d.element)));
  const std::int64_t move = s.stride_w * pixel_bytes;
  std::int64_t pixel = from * s.out_w;
  for (std::int64_t row = from; row < to; ++row) {
    const std::int64_t n = row / s.out_h;
    const std::int64_t top = row % s.out_h * s.stride_h - s.top;
    const std::byte* image = d.data + n * s.height * line;
    const bool rows_inside = top >= 0 && top + reach_h < s.height;
    const std::byte* corner = image + top * line - s.left * pixel_bytes;
    const std::int64_t* offsets = whole;
    const auto line_of = [&](std::int64_t kh) {
      const std::int64_t ih = top + kh * s.dilation_h;
      return ih >= 0 && ih < s.height ? image + ih * line : d.scratch;
    };
    if (!rows_inside) {
      corner = image - s.left * pixel_bytes;
      for (std::int64_t t = 0; t < up; ++t) {
        const std::int64_t tap = t < s.taps() ? t : s.taps() - 1;
        part[t] = line_of(tap / s.kernel_w) - image + tap % s.kernel_w * s.dilation_w * pixel_bytes;
      }
      offsets = part;
    }
    const auto edge = [&](std::int64_t ow) {
      for (std::int64_t t = 0; t < s.taps(); ++t) {
        const std::int64_t iw = ow * s.stride_w - s.left + t % s.kernel_w * s.dilation_w;
        const std::byte* tap = iw >= 0 && iw < s.width ? line_of(t / s.kernel_w) + iw * pixel_bytes : d.scratch;
        std::memcpy(window + t * pixel_bytes, tap, static_cast<std::size_t>(pixel_bytes));
      }
    };
    for (std::int64_t ow = 0; ow < s.out_w;) {  // one call of step: it is inlined
      const bool inside = ow >= inside_from && ow < inside_to;
      const std::int64_t count = inside && ow + together <= inside_to ? together : 1;
      if (!inside) edge(ow);
      step(inside ? corner + ow * move : window, inside ? offsets : alone, pixel, count);
      ow += count;
      pixel += count;
    }
  }
}

/// Floats: `take` stores what has a residual.
template <class V>
void depthwise_floats(const depthwise_shape& s, const depthwise_data& d, const depthwise_share& mine, const std::byte* packed, const float_output& o, take_function take) {
  constexpr std::int64_t lanes = V::lanes;
  const std::int64_t padded = s.padded(lanes);
  const auto* bias = reinterpret_cast<const float*>(packed);
  const float* weights = bias + padded;
  const std::int64_t taps = s.taps();
  alignas(64) float sums[8 * lanes];
  // Pixels whose channels do not fill a vector come together in one; else two pixels share the loads of weights.
  const std::int64_t in_vector = s.stride_w == 1 ? s.together(lanes) : 1;
  const std::int64_t second = s.stride_w * s.channels;
  if (s.channels % lanes == 0) {
    each_window(s, d, mine.rows.from, mine.rows.to, 2, [&](const std::byte* corner, const std::int64_t* offsets, std::int64_t pixel, std::int64_t count) __attribute__((always_inline)) {
      const auto block = [&](std::int64_t c, auto wide, auto rows) __attribute__((always_inline)) {
        constexpr int w = decltype(wide)::value;
        constexpr int r = decltype(rows)::value;
        typename V::vec acc[r][w];
#pragma GCC unroll 4
        for (int v = 0; v < w; ++v)
#pragma GCC unroll 2
          for (int k = 0; k < r; ++k) acc[k][v] = V::load(bias + c + v * lanes);
        const float* at = weights + c;
        for (std::int64_t t = 0; t < taps; ++t, at += padded) {
          const auto* x = reinterpret_cast<const float*>(corner + offsets[t]) + c;
#pragma GCC unroll 4
          for (int v = 0; v < w; ++v) {
            const typename V::vec weight = V::load(at + v * lanes);
#pragma GCC unroll 2
            for (int k = 0; k < r; ++k) V::add_product(acc[k][v], V::load(x + k * second + v * lanes), weight);
          }
        }
#pragma GCC unroll 2
        for (int k = 0; k < r; ++k) {
#pragma GCC unroll 4
          for (int v = 0; v < w; ++v) V::store(sums + v * lanes, acc[k][v]);
          take(&o, reinterpret_cast<const std::byte*>(sums), 1, pixel + k, c, w * lanes);
        }
      };
      const auto all = [&](auto rows) __attribute__((always_inline)) {
        std::int64_t c = mine.channels.from;
        for (; c + 4 * lanes <= mine.channels.to; c += 4 * lanes) block(c, std::integral_constant<int, 4>{}, rows);
        for (; c < mine.channels.to; c += lanes) block(c, std::integral_constant<int, 1>{}, rows);
      };
      if (count == 2) all(std::integral_constant<int, 2>{});
      else all(std::integral_constant<int, 1>{});
    });
    return;
  }
  each_window(s, d, mine.rows.from, mine.rows.to, in_vector, [&](const std::byte* corner, const std::int64_t* offsets, std::int64_t pixel, std::int64_t count) {
    const std::int64_t elements = count * s.channels;
    alignas(64) float last[lanes] = {};
    const std::int64_t end = mine.channels.to < s.channels ? mine.channels.to : elements;
    for (std::int64_t c = mine.channels.from; c < end; c += lanes) {
      const std::int64_t left = end - c < lanes ? end - c : lanes;
      typename V::vec acc = V::load(bias + c);
      for (std::int64_t t = 0; t < taps; ++t) {
        const float* x = reinterpret_cast<const float*>(corner + offsets[t]) + c;
        if (left < lanes) {
          std::memcpy(last, x, static_cast<std::size_t>(left) * 4);
          x = last;
        }
        V::add_product(acc, V::load(x), V::load(weights + t * padded + c));
      }
      V::store(sums, acc);
      float_output flat = o;
      flat.channels = 0;
      flat.y = o.y + pixel * s.channels;
      if (o.residual) flat.residual = o.residual + pixel * s.channels;
      take(&flat, reinterpret_cast<const std::byte*>(sums), 1, 0, c, left);
    }
  });
}

/// Packed floats: biases, then weights [taps], each of padded virtual channels.
template <class W, class B>
void pack_depthwise_floats(const depthwise_shape& s, std::int64_t lanes, const W& w, const B& bias, std::byte* out) {
  const std::int64_t padded = s.padded(lanes);
  auto* to = reinterpret_cast<float*>(out);
  const std::int64_t used = s.together(lanes) * s.channels;
  for (std::int64_t row = 0; row <= s.taps(); ++row)
    for (std::int64_t c = 0; c < padded; ++c) {
      float v = 0;
      const std::int64_t channel = c % s.channels;
      if (c < used || c < s.channels) {
        if (row == 0) v = bias.present() ? static_cast<float>(bias.load(channel)) : 0.0f;
        else v = static_cast<float>(w.load((row - 1) * s.channels + channel));
      }
      to[row * padded + c] = v;
    }
}

template <class Float, class Bytes>
struct depthwise_kernel : answers_as<op::depthwise_conv2d> {
  template <class Sig>
  static constexpr bool supports = operand_types<Sig>::floats || (!std::is_void_v<Bytes> && operand_types<Sig>::bytes);

  static constexpr bool takes(const depthwise_shape& s, std::int64_t weight_channels, bool constant_weights) {
    return constant_weights && s.channels == weight_channels && s.taps() <= most_taps;
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    const depthwise_shape s = depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
    if (!takes(s, f.c.dims(1)[3], f.c.in(1).kind == tensor_kind::constant)) return 0;
    if constexpr (!std::is_void_v<Bytes>) {
      if (is_fixed(f.c.out(0).type)) return Bytes::takes(s) ? Bytes::packed_bytes(s) : 0;
    }
    return s.padded(Float::lanes) * 4 * (1 + s.taps());
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const depthwise_shape s = depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
    return is_fixed(f.c.out(0).type) ? 0 : padding_scratch(s, 4, has_padding(p));
  }

  static constexpr int parts(const node_facts& f, const params& p) {
    const depthwise_shape s = depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
    if (!takes(s, f.c.dims(1)[3], f.c.in(1).kind == tensor_kind::constant)) return kernel::parts<reference>(f, p);
    if constexpr (!std::is_void_v<Bytes>)
      if (is_fixed(f.c.out(0).type)) return Bytes::takes(s) ? depthwise_parts(s, Bytes::share_block(s)) : kernel::parts<reference>(f, p);
    return depthwise_parts(s, 4 * Float::lanes);
  }

  static constexpr bool has_padding(const params& p) { return p.pad_amount != std::array<std::uint32_t, 4>{}; }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const depthwise_shape s = depthwise_of(dims_of(c.template in<0>()), dims_of(w), dims_of(c.out()), c.params());
    if constexpr (is_float_v<typename Call::out_type>) {
      pack_depthwise_floats(s, Float::lanes, w, c.template in<2>(), out);
    } else if constexpr (!std::is_void_v<Bytes>) {
      Bytes::pack(c, s, out);
    }
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto y = c.out();
    depthwise_shape s = depthwise_of(dims_of(x), dims_of(w), dims_of(y), c.params());
    if (c.packed_missing() || !takes(s, w.extent(3), c.s.inputs[1].where == bank::weights)) return reference::run(c);
    if constexpr (is_float_v<typename Call::out_type>) {
      const bool padded = has_padding(c.params());
      const depthwise_share mine = share_of(s, 4 * Float::lanes, c.piece);
      const depthwise_data d = place_data(s, x.data, 4, c.scratch(), 0, padded, mine.rows);
      float_output o;
      o.y = y.data;
      o.channels = s.channels;
      o.epi = c.epi();
      if (o.epi.residual >= 0) o.residual = c.residual().data;
      depthwise_floats<Float>(s, d, mine, c.packed(), o, float_take<Float>());
    } else if constexpr (!std::is_void_v<Bytes>) {
      if (Bytes::takes(s)) Bytes::run(c, s);
      else reference::run(c);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
