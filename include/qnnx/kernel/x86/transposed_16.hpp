// SPDX-License-Identifier: Apache-2.0
#pragma once
// TransposeConv2d of 16-bit data with constant weights of at most 8 bits: the phases of transposed_windows.hpp, each a
// convolution of stride 1 for products_16.hpp, all groups at once. The packed form of each phase is that of Conv2d; its
// results are made in scratch and put in place pixel by pixel. Threads share out the phases. Layer 5a.

#include "qnnx/kernel/x86/products_16.hpp"
#include "qnnx/kernel/x86/transposed_windows.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// K: the transposed_kernel of other types, which has the phases.
template <class V, class K>
struct transposed_16 : answers_as<op::transpose_conv2d> {
  using params = op::transpose_conv2d::params;
  using reference = impl<op::transpose_conv2d, isa::reference>;
  template <class Sig>
  static constexpr bool supports = operands_16<Sig>::fit;

  /// Of all groups, from the window of one.
  static constexpr window_shape whole(window_shape s, std::int64_t groups) {
    s.groups = groups;
    s.depth *= groups;
    s.channels *= groups;
    return s;
  }
  static constexpr std::int64_t packed_of(const layout_16<V>& l) { return (l.bytes() + 63) / 64 * 64; }

  /// Scratch: what a phase's rows need, its results, and the data where the output lies over it.
  struct memory_plan {
    std::int64_t windows = 0, results = 0, packed = 0;
    bool taken = false;
  };
  static constexpr memory_plan plan_of(const shape& x, const shape& w, const shape& y, const params& p) {
    memory_plan m;
    m.taken = K::each_phase(x, w, y, p, [&](const window_shape& one, const phase&, const phase&) {
      const window_shape s = whole(one, p.group);
      const layout_16<V> l(s);
      const std::int64_t rows = (l.scratch() + 63) / 64 * 64, made = (s.pixels() * s.channels * 2 + 63) / 64 * 64;
      m.windows = rows > m.windows ? rows : m.windows;
      m.results = made > m.results ? made : m.results;
      m.packed += packed_of(l);
    });
    return m;
  }
  static constexpr memory_plan plan_of(const node_facts& f, const params& p) {
    return constant_operands(f) && K::plain(f.epi) ? plan_of(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p) : memory_plan{};
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    const memory_plan m = plan_of(f, p);
    return m.taken ? m.packed : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const memory_plan m = plan_of(f, p);
    return m.taken ? m.windows + m.results + byte_size(f.c.in(0)) : 0;
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    if (!plan_of(f, p).taken) return kernel::parts<reference>(f, p);
    typename K::phase_share share;
    K::each_phase(f.c.dims(0), f.c.dims(1), f.c.out(0).dims, p, [&](const window_shape& s, const phase&, const phase&) { share.add(s); });
    return share.parts();
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const std::int64_t groups = c.params().group;
    K::each_phase(dims_of(c.template in<0>()), dims_of(c.template in<1>()), dims_of(c.out()), c.params(), [&](const window_shape& s, const phase& h, const phase& v) {
      const layout_16<V> l(whole(s, groups));
      std::memset(out, 0, static_cast<std::size_t>(packed_of(l)));
      std::int64_t largest_weight = 0, largest_sum = 0;
      bool fits = true;
      for (std::int64_t g = 0; g < groups; ++g) {
        const phase_call<Call> one(c, h, v, g, groups);
        const auto w = one.template in<1>();
        packer_16<V, phase_call<Call>> packer{one, false};
        packer.largest_weight = largest_weight, packer.largest_sum = largest_sum, packer.fits = fits;
        for (std::int64_t o = 0; o < s.channels; ++o) {
          std::byte* block = out + l.block_at(g, o / V::half_lanes);
          std::byte* to = block + sizeof(block_head<V>) + place_of<V>(o % V::half_lanes) * 4;
          std::int64_t sum = 0, most = 0;
          const std::int32_t offset = packer.weight_offset(o);
          for (std::int64_t k = 0; k < l.elements; ++k) {
            const std::int16_t value = packer.take(std::int64_t{weight_value(w, k * s.channels + o)} + offset, sum, most);
            std::memcpy(to + k / 2 * l.pair_bytes() + k % 2 * 2, &value, 2);
          }
          packer.put(reinterpret_cast<block_head<V>*>(block), o % V::half_lanes, o, sum, most);
        }
        largest_weight = packer.largest_weight, largest_sum = packer.largest_sum, fits = packer.fits;
        if (g + 1 == groups) packer.finish(l.elements, out);
      }
      out += packed_of(l);
    });
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    const params& p = c.params();
    const shape xs = dims_of(x), ws = dims_of(c.template in<1>()), ys = dims_of(y);
    const std::int64_t groups = p.group;
    if (c.packed_missing() || !constant_operands(c) || !K::plain(c.epi())) return reference::run(c);
    const memory_plan plan = plan_of(xs, ws, ys, p);
    bool fits = plan.taken;
    typename K::phase_share share;
    const std::byte* packed = c.packed();
    if (fits)
      K::each_phase(xs, ws, ys, p, [&](const window_shape& s, const phase&, const phase&) {
        head_16 head;
        std::memcpy(&head, packed, sizeof head);
        fits = fits && head.fits != 0;
        packed += packed_of(layout_16<V>(whole(s, groups)));
        if (c.piece.count > 1) share.add(s);
      });
    if (!fits) return reference::run(c);
    const auto* data = reinterpret_cast<const std::byte*>(x.data);
    std::byte* made = c.scratch() + plan.windows;
    if (memory_shared(data, x.size() * 2, y.data, y.size() * 2)) {
      std::memcpy(made + plan.results, data, static_cast<std::size_t>(x.size() * 2));
      data = made + plan.results;
    }
    const finish<Call> done(c, c.template in<1>().q->scales != nullptr);
    output_16 o = output_of_16(c, done, ys[3]);
    o.y = made;
    packed = c.packed();
    int number = 0;
    K::each_phase(xs, ws, ys, p, [&](const window_shape& one, const phase& h, const phase& v) {
      const window_shape s = whole(one, groups);
      const layout_16<V> l(s);
      const std::byte* mine = packed;
      packed += packed_of(l);
      if (c.piece.count > 1 && share.piece_of(number++, c.piece.count) != c.piece.index) return;
      const bool direct = o.is_signed && s.pointwise() && groups == 1 && l.elements % 2 == 0;
      const window_rows_16 windows{s, reinterpret_cast<const std::uint16_t*>(data), static_cast<std::uint16_t>(o.is_signed ? 0 : 0x8000), static_cast<std::uint16_t>(x.zero())};
      multiply_16<V>(s, l, windows, mine, o, c.scratch(), direct, {});
      const std::int64_t pixel = ys[3] * 2;
      const std::byte* from = made;
      for (std::int64_t n = 0; n < s.batch; ++n)
        for (std::int64_t i = 0; i < h.count; ++i) {
          std::byte* to = reinterpret_cast<std::byte*>(y.data) + ((n * ys[1] + h.first + i * p.stride[0]) * ys[2] + v.first) * pixel;
          for (std::int64_t k = 0; k < v.count; ++k, from += pixel, to += p.stride[1] * pixel) copy_pixel(to, from, pixel);
        }
    });
  }
};

/// K for 16-bit data too.
template <class V, class K>
using with_transposed_16 = with_16_bits<op::transpose_conv2d, K, transposed_16<V, K>>;

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
