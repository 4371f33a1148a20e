// SPDX-License-Identifier: Apache-2.0
#pragma once
// TransposeConv2d for x86: one convolution of stride 1 for each phase of the output. Rows oh with (oh + top) mod stride = a
// meet the taps a, a + stride, ... alone:
//   out[oh] = sum over r of in[t - (n - 1) + r] w[a + stride (n - 1 - r)],  t = (oh + top - a) / stride, n such taps
// so a phase is a window of n rows of turned taps over the data. Phases are packed, run by the kernels of Conv2d
// (`Float` and `Bytes`: accumulate_kernel.hpp) into scratch, and their pixels put in place. Groups go one after the other,
// their channels copied together; where each has one channel on both sides a phase is a DepthWiseConv2d (`Deep`: the 8-bit
// half of depthwise.hpp). Residuals, tables, computed weights, windows smaller than the stride and paddings beyond them
// run the reference. Threads share out the phases. Layer 5a.

#include <array>

#include "qnnx/kernel/convolution/transpose_conv_reference.hpp"
#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/depthwise.hpp"
#include "qnnx/kernel/x86/vectors_avx2.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// The outputs of one axis that share their taps: first, first + stride, ...
struct phase {
  std::int64_t tap = 0;    // the first
  std::int64_t taps = 0;
  std::int64_t first = 0;  // output
  std::int64_t count = 0;  // outputs
  std::int64_t before = 0;  // data rows that the first output's window begins before the data

  constexpr phase(std::int64_t a, std::int64_t stride, std::int64_t kernel, std::int64_t pad, std::int64_t out)
      : tap(a), taps(kernel > a ? (kernel - a + stride - 1) / stride : 0), first(((a - pad) % stride + stride) % stride) {
    count = out > first ? (out - first + stride - 1) / stride : 0;
    before = taps - 1 - (first + pad - a) / stride;
  }
};

/// The kernels of Conv2d and DepthWiseConv2d see a phase of one group as a call of their own.
template <class Call>
struct phase_call : Call {
  using weights_view = std::decay_t<decltype(std::declval<const Call&>().template in<1>())>;
  /// A turned part of the kernel as weights [taps][taps][depth][channels]; depth: of the group, whose first is `first`.
  struct weights {
    using type = typename weights_view::type;
    weights_view w;
    const quant* q;
    phase h, v;
    std::int64_t step_h, step_w, kernel_w, depth, channels, whole_depth, first;
    auto load(std::int64_t i) const {
      const std::int64_t tap = i / (depth * channels), inner = i % (depth * channels);
      const std::int64_t kh = h.tap + step_h * (h.taps - 1 - tap / v.taps), kw = v.tap + step_w * (v.taps - 1 - tap % v.taps);
      return w.load(((kh * kernel_w + kw) * whole_depth + first) * channels + inner);
    }
  };
  phase h, v;
  std::int64_t group = 0, groups = 1;
  const std::byte* data = nullptr;     // null: the call's own
  typename Call::out_type::storage* made = nullptr;
  const std::byte* own_packed = nullptr;
  quant one_scale{};                   // of the weights, where they have one for one channel

  phase_call(const Call& c, const phase& rows, const phase& columns, std::int64_t g, std::int64_t all) : Call(c), h(rows), v(columns), group(g), groups(all) {
    this->piece = {};  // a phase is made whole
  }
  template <int I>
  auto in() const {
    auto t = Call::template in<I>();
    if constexpr (I == 0) {
      if (data) t.data = reinterpret_cast<decltype(t.data)>(data);
      return t;
    } else if constexpr (I == 1) {
      const auto& p = this->params();
      const std::int64_t depth = t.extent(hwio::i) / groups;
      return weights{t, one_scale.scale > 0 ? &one_scale : t.q, h, v, p.stride[0], p.stride[1], t.extent(hwio::w), depth, t.extent(hwio::o), t.extent(hwio::i), group * depth};
    } else {
      if constexpr (I == 2)
        if (t.present()) t.data += group * Call::template in<1>().extent(hwio::o);
      return t;
    }
  }
  auto out() const {
    auto y = Call::out();
    y.data = made;
    return y;
  }
  const std::byte* packed() const { return own_packed; }
};

/// n bytes, mostly few.
QNNX_INLINE void copy_pixel(std::byte* to, const std::byte* from, std::int64_t n) {
  for (; n >= 32; n -= 32, to += 32, from += 32)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  copy_few<32>(to, from, n);
}

template <class Float, class Bytes, class Deep>
struct transposed_kernel : answers_as<op::transpose_conv2d> {
  using params = op::transpose_conv2d::params;
  using reference = impl<op::transpose_conv2d, isa::reference>;

  template <class Sig>
  static constexpr bool supports = operand_types<Sig>::floats || operand_types<Sig>::bytes;

  /// f(window, phases) for every phase that has outputs. False: the reference has to do all.
  template <class F>
  static constexpr bool each_phase(const shape& x, const shape& w, const shape& y, const params& p, F&& f) {
    const std::int64_t sh = p.stride[0], sw = p.stride[1];
    for (std::int64_t a = 0; a < sh; ++a)
      for (std::int64_t b = 0; b < sw; ++b) {
        const phase h(a, sh, w[0], p.pad_amount[0], y[1]), v(b, sw, w[1], p.pad_amount[2], y[2]);
        if (h.count == 0 || v.count == 0) continue;
        if (h.taps == 0 || v.taps == 0 || h.taps > most_runs || h.before < 0 || v.before < 0) return false;
        window_shape s;
        s.batch = x[0], s.height = x[1], s.width = x[2], s.depth = x[3] / std::int64_t{p.group};
        s.out_h = h.count, s.out_w = v.count, s.channels = w[3];
        s.kernel_h = h.taps, s.kernel_w = v.taps;
        s.top = h.before, s.left = v.before;
        s.padded = s.top > 0 || s.left > 0 || s.out_h - 1 + s.kernel_h > s.height || s.out_w - 1 + s.kernel_w > s.width;
        if (s.pointwise() && (s.out_h != s.height || s.out_w != s.width)) s.padded = true;  // not all of the pixels in order
        f(s, h, v);
      }
    return true;
  }
  /// Who makes which phase when they are divided: the largest first, each to the piece that has least to do. Strides above
  /// 8 x 8 are not divided.
  struct phase_share {
    static constexpr int most = 64;
    std::array<std::int64_t, most> work{};
    int phases = 0;

    constexpr void add(const window_shape& s) {
      if (phases < most) work[static_cast<std::size_t>(phases)] = s.pixels() * s.taps() + 1;
      ++phases;
    }
    constexpr int parts() const { return phases <= most ? phases : 1; }
    /// The piece that makes phase k.
    constexpr int piece_of(int k, int pieces) const {
      std::array<std::int64_t, most> given{}, left = work;
      for (int n = 0; n < phases; ++n) {
        std::size_t largest = 0, idle = 0;
        for (std::size_t i = 1; i < static_cast<std::size_t>(phases); ++i) largest = left[i] > left[largest] ? i : largest;
        for (std::size_t i = 1; i < static_cast<std::size_t>(pieces); ++i) idle = given[i] < given[idle] ? i : idle;
        if (largest == static_cast<std::size_t>(k)) return static_cast<int>(idle);
        given[idle] += left[largest];
        left[largest] = 0;
      }
      return 0;
    }
  };
  static constexpr packed_layout layout_of(const window_shape& s, dtype weights) {
    return is_fixed(weights) ? Bytes::layout(s, weights) : packed_layout(s, Float::lanes, 1);
  }
  /// Whether a group has one channel on both sides, and there are several.
  static constexpr bool is_deep(const window_shape& s, std::int64_t groups) { return groups > 1 && s.depth == 1 && s.channels == 1; }
  static constexpr depthwise_shape deep_shape(const window_shape& s, std::int64_t groups) {
    return {s.batch, s.height, s.width, groups, s.out_h, s.out_w, s.kernel_h, s.kernel_w, 1, 1, 1, 1, s.top, s.left};
  }
  /// Of a phase of one group; of all where is_deep().
  static constexpr std::int64_t packed_of(const window_shape& s, dtype weights, std::int64_t groups) {
    std::int64_t n = 0;
    if (is_deep(s, groups)) {
      const depthwise_shape d = deep_shape(s, groups);
      n = is_fixed(weights) ? Deep::packed_bytes(d) : d.padded(Float::lanes) * 4 * (1 + d.taps());
    } else {
      n = is_fixed(weights) ? Bytes::packed_bytes(s, weights) : layout_of(s, weights).bytes(1);
    }
    return (n + 63) / 64 * 64;
  }
  /// Scratch: what a phase's windows need, its results, the data of one of several groups, and the data where the output
  /// lies over it.
  struct memory_plan {
    std::int64_t windows = 0, results = 0, group_data = 0, packed = 0;
    bool taken = false;
    constexpr std::int64_t bytes() const { return windows + results + group_data; }
  };
  static constexpr memory_plan plan_of(const shape& x, const shape& w, const shape& y, const params& p, dtype weights) {
    memory_plan m;
    const bool bytes = is_fixed(weights);
    const std::int64_t groups = p.group;
    bool fits = true, deep = false;
    const bool phases = each_phase(x, w, y, p, [&](const window_shape& s, const phase&, const phase&) {
      deep = is_deep(s, groups);
      const depthwise_shape d = deep_shape(s, groups);
      fits = fits && (!deep || (d.taps() <= most_taps && (!bytes || Deep::takes(d))));
      const std::int64_t patch = !fits ? 0 : !bytes ? (deep ? 0 : float_scratch(s)) : deep ? Deep::scratch_bytes(d) : Bytes::scratch_bytes(s);
      const std::int64_t made = s.pixels() * (deep ? groups : s.channels) * (bytes ? 1 : 4);
      m.windows = patch > m.windows ? patch : m.windows;
      m.results = made > m.results ? made : m.results;
      if (fits) m.packed += packed_of(s, weights, groups) * (deep ? 1 : groups);
    });
    m.taken = phases && fits;
    m.windows = (m.windows + 63) / 64 * 64;
    m.results = (m.results + 127) / 64 * 64;
    if (groups > 1 && !deep) m.group_data = (x.size() / groups * (bytes ? 1 : 4) + 127) / 64 * 64;  // windows may read a vector more
    return m;
  }
  static constexpr memory_plan plan_of(const node_facts& f, const params& p) {
    return plan_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p, f.c.in(1).type);
  }
  static constexpr bool plain(const epilogue& e) { return e.residual < 0 && e.table < 0; }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    if (f.c.in(1).kind != tensor_kind::constant || !plain(f.epi)) return 0;
    const memory_plan m = plan_of(f, p);
    return m.taken ? m.packed : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (packed_bytes(f, p) == 0) return 0;
    return plan_of(f, p).bytes() + byte_size(f.c.in(0)) + 64;
  }

  /// f(window, rows, columns, group) in the order of the packed form; of all groups at once where is_deep().
  template <class F>
  static void each_group(const shape& x, const shape& w, const shape& y, const params& p, F&& f) {
    const std::int64_t groups = p.group, turns = groups > 1 && x[3] == groups && w[3] == 1 ? 1 : groups;
    for (std::int64_t g = 0; g < turns; ++g)
      each_phase(x, w, y, p, [&](const window_shape& s, const phase& h, const phase& v) { f(s, h, v, g); });
  }
  template <class Call>
  static phase_call<Call> call_of(const Call& c, const window_shape& s, const phase& h, const phase& v, std::int64_t group) {
    const std::int64_t groups = c.params().group;
    const bool deep = is_deep(s, groups);
    phase_call<Call> one(c, h, v, group, deep ? 1 : groups);
    if (const quant& q = *c.template in<1>().q; deep && q.scales) {
      one.one_scale = q;
      one.one_scale.scale = q.scales[0];
      one.one_scale.offset = q.offset_at(0);
      one.one_scale.scales = nullptr;
    }
    return one;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    constexpr dtype type = Call::template in_type<1>::code;
    const std::int64_t groups = c.params().group;
    each_group(dims_of(c.template in<0>()), dims_of(w), dims_of(c.out()), c.params(), [&](const window_shape& s, const phase& h, const phase& v, std::int64_t g) {
      const auto one = call_of(c, s, h, v, g);
      if (is_deep(s, groups)) {
        const depthwise_shape d = deep_shape(s, groups);
        if constexpr (is_float_v<typename Call::out_type>) pack_depthwise_floats(d, Float::lanes, one.template in<1>(), one.template in<2>(), out);
        else Deep::pack(one, d, out);
      } else {
        if constexpr (is_float_v<typename Call::out_type>) pack_floats<Float>(s, one.template in<1>(), 0, {s.channels, 1}, one.template in<2>(), 0, out);
        else Bytes::pack(one, s, {s.channels, 1}, 0, false, out);
      }
      out += packed_of(s, type, groups);
    });
  }

  static constexpr int parts(const node_facts& f, const params& p) {
    if (packed_bytes(f, p) == 0) return kernel::parts<reference>(f, p);
    phase_share share;
    each_phase(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p, [&](const window_shape& s, const phase&, const phase&) { share.add(s); });
    return share.parts();
  }

  template <class Call>
  static void run(const Call& c) {
    using storage = typename Call::out_type::storage;
    constexpr dtype type = Call::template in_type<1>::code;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const params& p = c.params();
    const shape xs = dims_of(x), ws = dims_of(c.template in<1>()), ys = dims_of(y);
    if (c.packed_missing() || c.s.inputs[1].where != bank::weights || !plain(c.epi())) return reference::run(c);
    const memory_plan plan = plan_of(xs, ws, ys, p, type);
    if (!plan.taken) return reference::run(c);
    const std::int64_t element = sizeof(storage), pixel = ys[3] * element, groups = p.group;
    const auto* data = reinterpret_cast<const std::byte*>(x.data);
    if (memory_shared(x.data, x.size() * element, y.data, y.size() * element)) {
      std::byte* copy = c.scratch() + plan.bytes();
      std::memcpy(copy, data, static_cast<std::size_t>(x.size() * element));
      data = copy;
    }
    std::byte* made = c.scratch() + plan.windows;
    std::byte* group_data = made + plan.results;
    const std::byte* packed = c.packed();
    phase_share share;
    if (c.piece.count > 1) each_phase(xs, ws, ys, p, [&](const window_shape& s, const phase&, const phase&) { share.add(s); });
    int number = 0;
    std::int64_t gathered = -1;
    each_group(xs, ws, ys, p, [&](const window_shape& s, const phase& h, const phase& v, std::int64_t g) {
      const bool deep = is_deep(s, groups);
      auto one = call_of(c, s, h, v, g);
      one.own_packed = packed;
      one.made = reinterpret_cast<storage*>(made);
      packed += packed_of(s, type, groups);
      if (number == share.phases) number = 0;
      if (c.piece.count > 1 && share.piece_of(number++, c.piece.count) != c.piece.index) return;
      one.data = data;
      if (groups > 1 && !deep) {
        const std::int64_t some = s.depth * element;
        for (std::int64_t i = 0; g != gathered && i < x.size() / xs[3]; ++i) copy_pixel(group_data + i * some, data + (i * groups + g) * some, some);
        gathered = g;
        one.data = group_data;
      }
      const std::int64_t channels = deep ? groups : s.channels;
      if (deep) make_deep(one, deep_shape(s, groups));
      else make(one, s, c.scratch());
      const std::byte* from = made;
      for (std::int64_t n = 0; n < s.batch; ++n)
        for (std::int64_t i = 0; i < h.count; ++i) {
          std::byte* to = reinterpret_cast<std::byte*>(y.data) + ((n * ys[1] + h.first + i * p.stride[0]) * ys[2] + v.first) * pixel + g * channels * element;
          for (std::int64_t k = 0; k < v.count; ++k, from += channels * element, to += p.stride[1] * pixel) copy_pixel(to, from, channels * element);
        }
    });
  }

 private:
  /// The results of a phase.
  template <class Call>
  static void make(const phase_call<Call>& one, const window_shape& s, std::byte* scratch) {
    constexpr bool floats = is_float_v<typename Call::out_type>;
    const packed_layout l = layout_of(s, Call::template in_type<1>::code);
    window_job j;
    j.data = one.data;
    j.element_bytes = sizeof(typename Call::out_type::storage);
    j.packed_step = l.bytes(floats ? 1 : packed_words);
    j.packed = one.own_packed + l.panels_at(floats ? 1 : packed_words);
    j.bias = one.own_packed + l.word(bias_word);
    j.scratch = scratch;
    if constexpr (floats) float_windows<Float>(s, j, output_of(one, s.channels));
    else Bytes::template run<false>(one, s, l, j, one.own_packed, 0);
  }
  template <class Call>
  static void make_deep(const phase_call<Call>& one, const depthwise_shape& d) {
    if constexpr (is_float_v<typename Call::out_type>)
      depthwise_floats<Float>(d, reinterpret_cast<const float*>(one.data), 0, d.batch * d.out_h, 0, d.channels, one.own_packed, output_of(one, d.channels), false);
    else Deep::run(one, d);
  }
  template <class Call>
  static float_output output_of(const phase_call<Call>& one, std::int64_t channels) {
    float_output o;
    o.y = one.made;
    o.channels = channels;
    o.epi = one.epi();
    return o;
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
