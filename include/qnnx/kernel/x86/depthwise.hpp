// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with channel multiplier 1 on floats, in the tiles of depthwise_tiles.hpp or, where those do not fit: a
// vector of channels of up to 8 neighbouring pixels at once, which share the loads of weights. Fused multiply-add in the
// order of the taps; taps outside the data are left out. Small data is copied with its padding around it, of large data a
// few channels of all rows are made before the next ones: their rows stay in L1. Where `together` pixels fill whole
// vectors that one does not (stride 1), lanes of the second and later pixels have copies of the channels' weights
// ("virtual channels"). 8-bit data: depthwise_bytes.hpp, depthwise_pairs.hpp. Layer 5a.

#include "qnnx/kernel/x86/depthwise_tiles.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Neighbouring pixels whose windows have the same taps; offsets in floats.
struct float_pixels {
  const float* x;              // first channel of the first pixel's window
  const std::int64_t* data;    // offset of each tap there
  const std::int64_t* weight;  // and in the packed weights
  std::int64_t taps;
  std::int64_t step;           // from one pixel's window to the next
  std::int64_t out;            // element of the result
  std::int64_t out_step;
};

/// Count pixels of one vector of channels from `c` on, of which `lanes` exist.
template <class V, int Count>
QNNX_INLINE void depthwise_vector(const float_pixels& p, std::int64_t first, std::int64_t c, std::int64_t lanes, const float* bias, const float* weights,
                                  const float_output& o) {
  typename V::vec acc[Count];
#pragma GCC unroll 8
  for (int k = 0; k < Count; ++k) acc[k] = V::load(bias + c);
  const float* x = p.x + first * p.step + c;
  const bool whole = lanes == V::lanes;
  for (std::int64_t t = 0; t < p.taps; ++t) {
    const typename V::vec weight = V::load(weights + p.weight[t] + c);
    const float* from = x + p.data[t];
    if (whole) {
#pragma GCC unroll 8
      for (int k = 0; k < Count; ++k) V::add_product(acc[k], V::load(from + k * p.step), weight);
    } else {
#pragma GCC unroll 8
      for (int k = 0; k < Count; ++k) V::add_product(acc[k], V::load_first(from + k * p.step, lanes), weight);
    }
  }
  std::int64_t to = p.out + first * p.out_step + c;
#pragma GCC unroll 8
  for (int k = 0; k < Count; ++k, to += p.out_step) {
    typename V::vec v = acc[k];
    if (o.residual) v = V::sum(V::activate(v, o.epi.mid_act, o.epi.mid_lo, o.epi.mid_hi), V::load_first(o.residual + to, lanes));
    v = V::activate(v, o.epi.act, o.epi.lo, o.epi.hi);
    if (whole) V::store(o.y + to, v);
    else V::store_first(o.y + to, v, lanes);
  }
}

/// `count` pixels of channels [first, last).
template <class V>
QNNX_NOINLINE void depthwise_pixels(const float_pixels& p, std::int64_t count, std::int64_t first, std::int64_t last, const float* bias, const float* weights,
                                    const float_output& o) {
  for (std::int64_t c = first; c < last; c += V::lanes) {
    const std::int64_t lanes = last - c < V::lanes ? last - c : V::lanes;
    const auto some = [&](auto n, std::int64_t k) __attribute__((always_inline)) {
      depthwise_vector<V, decltype(n)::value>(p, k, c, lanes, bias, weights, o);
    };
    std::int64_t k = 0;
    for (; count - k >= 8; k += 8) some(std::integral_constant<int, 8>{}, k);
    switch (count - k) {
      case 7: some(std::integral_constant<int, 7>{}, k); break;
      case 6: some(std::integral_constant<int, 6>{}, k); break;
      case 5: some(std::integral_constant<int, 5>{}, k); break;
      case 4: some(std::integral_constant<int, 4>{}, k); break;
      case 3: some(std::integral_constant<int, 3>{}, k); break;
      case 2: some(std::integral_constant<int, 2>{}, k); break;
      case 1: some(std::integral_constant<int, 1>{}, k); break;
      default: break;
    }
  }
}

inline constexpr std::int64_t most_copied_floats = 16 * 1024;

/// Output rows [from, to) over the batch, channels [first, last): whole vectors or all.
template <class V>
void depthwise_floats(depthwise_shape s, const float* data, std::int64_t from, std::int64_t to, std::int64_t first, std::int64_t last,
                      const std::byte* packed, const float_output& o, bool shares_memory) {
  const std::int64_t padded = s.padded(V::lanes);
  const auto* bias = reinterpret_cast<const float*>(packed);
  const float* weights = bias + padded;
  const std::int64_t together = first == 0 && last == s.channels ? s.together(V::lanes) : 1;
  const bool tiles = fits_depthwise_tiles(s, V::lanes);
  alignas(64) std::byte copy[most_copied_floats * 4];
  padded_image image{s.batch, s.height, s.width, s.channels * 4, (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1,
                     (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1, s.top, s.left, true};
  const bool wants_copy = tiles ? shares_memory : s.top > 0 || s.left > 0 || image.padded_height > s.height || image.padded_width > s.width;
  if (wants_copy && image.bytes() <= static_cast<std::int64_t>(sizeof copy)) {
    data = reinterpret_cast<const float*>(image.make(reinterpret_cast<const std::byte*>(data), copy, 0));
    s.height = image.padded_height;
    s.width = image.padded_width;
    s.top = s.left = 0;
    shares_memory = false;
  }
  const bool row_aside = shares_memory && first == 0 && last == s.channels && last % V::lanes == 0 && s.out_w * s.channels <= most_copied_floats;
  if (tiles && (!shares_memory || row_aside))
    first = depthwise_tiles<V>(s, data, from, to, first, last, bias, weights, o, row_aside ? reinterpret_cast<float*>(copy) : nullptr);
  if (first == last) return;
  const std::int64_t line = s.width * s.channels;
  const std::int64_t reach = (s.kernel_w - 1) * s.dilation_w;
  std::int64_t inside_from = (s.left + s.stride_w - 1) / s.stride_w;  // output columns whose windows lie inside a row
  std::int64_t inside_to = s.width - 1 - reach + s.left < 0 ? 0 : (s.width - 1 - reach + s.left) / s.stride_w + 1;
  if (inside_to > s.out_w) inside_to = s.out_w;
  if (inside_from > inside_to) inside_from = inside_to = 0;
  std::int64_t data_at[most_taps], weight_at[most_taps];            // of whole windows
  std::int64_t edge_data_at[most_taps], edge_weight_at[most_taps];  // of one that leaves a row
  for (std::int64_t t = 0; t < s.taps(); ++t) {
    data_at[t] = t / s.kernel_w * s.dilation_h * line + t % s.kernel_w * s.dilation_w * s.channels;
    weight_at[t] = t * padded;
  }
  float_pixels p{};
  const auto make_row = [&](std::int64_t row, std::int64_t c, std::int64_t end) {
    const std::int64_t top = row % s.out_h * s.stride_h - s.top;
    const float* corner = data + (row / s.out_h * s.height + top) * line - s.left * s.channels;
    std::int64_t kh_from = top < 0 ? (-top + s.dilation_h - 1) / s.dilation_h : 0;
    std::int64_t kh_to = s.height > top ? (s.height - 1 - top) / s.dilation_h + 1 : 0;
    if (kh_to > s.kernel_h) kh_to = s.kernel_h;
    if (kh_from > kh_to) kh_from = kh_to;
    const auto edge = [&](std::int64_t ow) {
      const std::int64_t left = ow * s.stride_w - s.left;
      p.taps = 0;
      for (std::int64_t t = kh_from * s.kernel_w; t < kh_to * s.kernel_w; ++t) {
        const std::int64_t iw = left + t % s.kernel_w * s.dilation_w;
        if (iw < 0 || iw >= s.width) continue;
        edge_data_at[p.taps] = data_at[t];
        edge_weight_at[p.taps++] = weight_at[t];
      }
      p.data = edge_data_at;
      p.weight = edge_weight_at;
      p.x = corner + ow * s.stride_w * s.channels;
      p.out = (row * s.out_w + ow) * s.channels;
      depthwise_pixels<V>(p, 1, c, end, bias, weights, o);
    };
    p.step = s.stride_w * s.channels;
    p.out_step = s.channels;
    for (std::int64_t ow = 0; ow < inside_from; ++ow) edge(ow);
    for (std::int64_t ow = inside_to; ow < s.out_w; ++ow) edge(ow);
    std::int64_t n = inside_to - inside_from;
    if (n <= 0) return;
    p.taps = (kh_to - kh_from) * s.kernel_w;
    p.data = data_at + kh_from * s.kernel_w;
    p.weight = weight_at + kh_from * s.kernel_w;
    p.x = corner + inside_from * p.step;
    p.out = (row * s.out_w + inside_from) * s.channels;
    if (const std::int64_t groups = n / together; together > 1 && groups > 0) {
      p.step = p.out_step = together * s.channels;
      depthwise_pixels<V>(p, groups, 0, p.step, bias, weights, o);
      p.x += groups * p.step;
      p.out += groups * p.step;
      n -= groups * together;
      p.step = p.out_step = s.channels;
    }
    depthwise_pixels<V>(p, n, c, end, bias, weights, o);
  };
  // Channels of a window's rows that stay in L1 with the next row; all of them where a later block would read what an
  // earlier one has overwritten.
  std::int64_t block = last - first;
  if (!shares_memory && together == 1 && block * s.width * (s.kernel_h + s.stride_h) > 8 * 1024) {
    block = 8 * 1024 / (s.width * (s.kernel_h + s.stride_h)) / 64 * 64;
    if (block < 64) block = s.width * (s.kernel_h + s.stride_h) * 32 <= 10 * 1024 ? 32 : last - first;
  }
  for (std::int64_t c = first; c < last; c += block)
    for (std::int64_t row = from; row < to; ++row) make_row(row, c, c + block < last ? c + block : last);
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
  static constexpr bool supports = operand_types<Sig>::floats || operand_types<Sig>::bytes;

  static constexpr bool takes(const depthwise_shape& s, std::int64_t weight_channels, bool constant_weights) {
    return constant_weights && s.channels == weight_channels && s.taps() <= most_taps;
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    const depthwise_shape s = depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
    if (!takes(s, f.c.dims(1)[3], f.c.in(1).kind == tensor_kind::constant)) return 0;
    if (is_fixed(f.c.out(0).type)) return Bytes::takes(s) ? Bytes::packed_bytes(s) : 0;
    return s.padded(Float::lanes) * 4 * (1 + s.taps());
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return is_fixed(f.c.out(0).type) && packed_bytes(f, p) != 0 ? Bytes::scratch_bytes(depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p)) : 0;
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    const depthwise_shape s = depthwise_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p);
    if (!takes(s, f.c.dims(1)[3], f.c.in(1).kind == tensor_kind::constant)) return kernel::parts<reference>(f, p);
    if (is_fixed(f.c.out(0).type)) return Bytes::takes(s) ? depthwise_parts(s, Bytes::share_block(s)) : kernel::parts<reference>(f, p);
    return depthwise_parts(s, 4 * Float::lanes);
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const depthwise_shape s = depthwise_of(dims_of(c.template in<0>()), dims_of(w), dims_of(c.out()), c.params());
    if constexpr (is_float_v<typename Call::out_type>) {
      pack_depthwise_floats(s, Float::lanes, w, c.template in<2>(), out);
    } else {
      Bytes::pack(c, s, out);
    }
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto y = c.out();
    const depthwise_shape s = depthwise_of(dims_of(x), dims_of(w), dims_of(y), c.params());
    if (c.packed_missing() || !takes(s, w.extent(3), c.s.inputs[1].where == bank::weights)) return reference::run(c);
    if constexpr (is_float_v<typename Call::out_type>) {
      float_output o;
      o.y = y.data;
      o.channels = s.channels;
      o.epi = c.epi();
      if (o.epi.residual >= 0) o.residual = c.residual().data;
      const depthwise_share mine = share_of(s, 4 * Float::lanes, c.piece);
      depthwise_floats<Float>(s, x.data, mine.rows.from, mine.rows.to, mine.channels.from, mine.channels.to, c.packed(), o, memory_shared(x.data, x.size() * 4, y.data, y.size() * 4));
    } else {
      if (Bytes::takes(s)) Bytes::run(c, s);
      else reference::run(c);
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
