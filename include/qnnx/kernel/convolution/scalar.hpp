// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d without vectors: the windows of a few output pixels are gathered in scratch as a block (scalar/layout.hpp), then
// every channel is one pass over its weights. Packed form: a node head, then a record per channel: head, chunk, and the
// window's weights in the order [kh][kw][ci]. Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/scalar/lines.hpp"
#include "qnnx/kernel/scalar/products.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel {

/// Memory is shared by pixels: the windows of a block are gathered before any of it is written. The reference's
/// distance is longer, so it will do too.
template <>
struct impl<op::conv2d, isa::scalar> : dsp::packed_kernel<impl<op::conv2d, isa::scalar>, op::conv2d> {
  template <class Sig>
  static constexpr bool supports = scalar::is_taken<Sig>;

  static constexpr std::int32_t elements_of(const shape& w) { return w[0] * w[1] * w[2]; }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return p.group == 1 && elements_of(f.c.dims(1)) < scalar::most_elements && dsp::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    const shape& w = f.c.dims(1);
    return takes(f, p) ? static_cast<std::int64_t>(sizeof(dsp::node_head)) +
                             w[3] * scalar::layout_of(f).record_bytes(elements_of(w))
                       : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (!takes(f, p)) return 0;
    const shape& w = f.c.dims(1);
    const scalar::layout l = scalar::layout_of(f);
    return l.block_bytes(elements_of(w)) + scalar::window_lines(w, l.bytes()).patch_bytes(scalar::pixels);
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, scalar::pixels, true) : -1;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    using kind = scalar::kind_of<Call>;
    const auto w = c.template in<1>();
    const shape& ws = c.s.inputs[1].dims;
    const std::int32_t elements = elements_of(ws), channels = ws[3];
    const std::int64_t bytes = kind::form.record_bytes(elements);
    std::memset(out, 0, sizeof(dsp::node_head) + static_cast<std::size_t>(bytes * channels));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    const bool fast = scalar::heads_of<kind, false>(
        c, channels, elements, kind::base, scale_product::exact, weight,
        [&](std::int32_t o, const dsp::channel_head& h) {
          std::byte* record = out + sizeof(dsp::node_head) + o * bytes;
          std::memcpy(record, &h, sizeof h);
#if QNNX_HAS_SCALAR_32
          if constexpr (kind::form.chunks()) {
            const std::int32_t chunk =
                scalar::chunk_of(elements, [&](std::int32_t k) { return weight(k, o); });
            const std::int32_t filled = kind::form.filled(elements);
            const scalar::chunk_head head{h, static_cast<std::uint16_t>(chunk),
                                          static_cast<std::uint16_t>(filled / chunk),
                                          static_cast<std::uint16_t>(filled % chunk), 0};
            std::memcpy(record, &head, sizeof head);
          }
#endif
          for (std::int32_t k = 0; k < elements; ++k)
            kind::put_weight(record + kind::form.head_bytes(), k, weight(k, o));
        });
    const dsp::node_head head{fast ? 1 : 0, 0, {}};
    std::memcpy(out, &head, sizeof head);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (c.packed_missing() || c.params().group != 1 || elements_of(c.s.inputs[1].dims) >= scalar::most_elements ||
          !dsp::takes_operands(c))
        return reference::run(c);
    using kind = scalar::kind_of<Call>;
    const auto done = scalar::finish_of<kind, false>(c);
    dsp::with_form(done, c.packed(),
                   [&](auto form) { blocks(c, done, &multiply<kind, form.value, std::decay_t<decltype(done)>>); });
  }

 private:
  /// Channels [o, o + Channels) of a block.
  template <class Kind, int Form, std::int32_t Channels, class Finisher>
  static QNNX_INLINE void multiply_channels(const Finisher& done, const std::byte* records, std::int64_t bytes,
                                            const scalar::word* block, std::int32_t elements, std::int32_t channels,
                                            typename Kind::storage* y, std::int32_t count) {
    const std::byte* r[Channels];
    for (std::int32_t k = 0; k < Channels; ++k) r[k] = records + k * bytes;
    std::int32_t sums[Channels * scalar::pixels];
    if constexpr (dsp::adds_pieces<Kind, Form>) {
      std::int64_t totals[Channels * scalar::pixels] = {};
      for (std::int32_t first = 0; first < elements; first += dsp::piece) {
        const std::byte* w[Channels];
        for (std::int32_t k = 0; k < Channels; ++k)
          w[k] = r[k] + Kind::form.head_bytes() + first / (Kind::nibbles ? 2 : 1);
        scalar::plain_sums<Kind, Channels>(block + std::int64_t{first} * Kind::words, w,
                                           elements - first < dsp::piece ? elements - first : dsp::piece, sums);
        for (std::int32_t i = 0; i < Channels * scalar::pixels; ++i) totals[i] += sums[i];
      }
      for (std::int32_t k = 0; k < Channels; ++k)
        for (std::int32_t i = 0; i < count; ++i)
          y[i * channels + k] = static_cast<typename Kind::storage>(
              done.general(totals[k * scalar::pixels + i], *reinterpret_cast<const dsp::channel_head*>(r[k])));
    } else {
      scalar::block_sums<Kind, Channels>(block, r, elements, sums);
      for (std::int32_t k = 0; k < Channels; ++k) {
        const dsp::channel_head h = *reinterpret_cast<const dsp::channel_head*>(r[k]);
        typename Kind::storage* to = y + k;
        const std::int32_t* sum = sums + k * scalar::pixels;
        for (const std::int32_t* const end = sum + count; sum != end; ++sum, to += channels)
          *to = static_cast<typename Kind::storage>(done.template operator()<Form>(
              static_cast<std::int32_t>(static_cast<std::uint32_t>(*sum) + static_cast<std::uint32_t>(h.bias)), h));
      }
    }
  }
  /// All channels of a block of `count` pixels.
  template <class Kind, int Form, class Finisher>
  static QNNX_NOINLINE void multiply(const Finisher& done, const std::byte* packed, const scalar::word* block,
                                     std::int32_t elements, std::int32_t channels, typename Kind::storage* y,
                                     std::int32_t count) {
    constexpr std::int32_t at_once = dsp::adds_pieces<Kind, Form> ? 1 : scalar::channels_at_once<Kind>;
    const std::byte* at = packed + sizeof(dsp::node_head);
    const std::int64_t bytes = Kind::form.record_bytes(elements);
    std::int32_t o = 0;
    for (; o + at_once <= channels; o += at_once, at += at_once * bytes)
      multiply_channels<Kind, Form, at_once>(done, at, bytes, block, elements, channels, y + o, count);
    if constexpr (at_once > 1)
      for (; o < channels; ++o, at += bytes)
        multiply_channels<Kind, Form, 1>(done, at, bytes, block, elements, channels, y + o, count);
  }

  template <class Call, class Finisher, class Multiply>
  static QNNX_NOINLINE void blocks(const Call& c, const Finisher& done, Multiply multiply_block) {
    using kind = scalar::kind_of<Call>;
    const std::int32_t elements = elements_of(c.s.inputs[1].dims);
    auto* const block = reinterpret_cast<scalar::word*>(c.scratch());
    const scalar::window_lines g(c, c.scratch() + kind::form.block_bytes(elements));
    auto* y = c.out().data;
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    const std::int32_t count = g.pixels(), batches = c.s.outputs[0].dims[0];
    for (std::int32_t i = elements * kind::words; i < kind::form.filled(elements) * kind::words; ++i)
      block[i] = 0;  // meets a zero weight
    for (std::int32_t n = 0; n < batches; ++n, image += g.image_bytes()) {
      std::int32_t oh = 0, ow = 0;
      for (std::int32_t first = 0; first < count; first += scalar::pixels) {
        const std::int32_t have = count - first < scalar::pixels ? count - first : scalar::pixels;
        std::int32_t row[scalar::pixels], column[scalar::pixels];
        for (std::int32_t i = 0; i < scalar::pixels; ++i) {
          row[i] = oh, column[i] = ow;
          if (i + 1 < have || (i + 1 == have && have == scalar::pixels))
            if (++ow == g.out_width) ow = 0, ++oh;
        }
        scalar::word* to = block;
        for (std::int32_t kh = 0; kh < g.rows; ++kh) {
          const std::byte* lines[scalar::pixels];
          for (std::int32_t i = 0; i < scalar::pixels; ++i) lines[i] = g.at(image, row[i], column[i], kh, i);
          to = scalar::interleave<kind>(lines, g.line() / kind::form.bytes(), to);
        }
        multiply_block(done, c.packed(), block, elements, g.channels, y, have);
        y += have * g.channels;
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
