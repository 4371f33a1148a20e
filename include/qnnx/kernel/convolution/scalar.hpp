// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d on 8-bit data without vectors: the windows of a few output pixels are gathered in scratch, two pixels a word
// (scalar/products.hpp), then every channel is one pass over its weights.
// Packed form: a node head, then a record per channel: head, chunk, and the window's weights in the order [kh][kw][ci].
// Layer 5a.

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
  static constexpr bool supports = dsp::is_8_bit<Sig>;

  static constexpr std::int32_t elements_of(const shape& w) { return w[0] * w[1] * w[2]; }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return p.group == 1 && elements_of(f.c.dims(1)) < scalar::most_elements && dsp::takes_operands(f);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? static_cast<std::int64_t>(sizeof(dsp::node_head)) +
                             f.c.dims(1)[3] * scalar::record_bytes(elements_of(f.c.dims(1)))
                       : 0;
  }
  static constexpr std::int64_t block_bytes(std::int32_t elements) {
    return std::int64_t{scalar::even(elements)} * scalar::words * static_cast<std::int64_t>(sizeof(scalar::word));
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const shape& w = f.c.dims(1);
    return takes(f, p) ? block_bytes(elements_of(w)) + scalar::window_lines(w).patch_bytes(scalar::pixels) : 0;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, scalar::pixels, true) : -1;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const shape& ws = c.s.inputs[1].dims;
    const std::int32_t elements = elements_of(ws), channels = ws[3];
    const std::int64_t bytes = scalar::record_bytes(elements);
    std::memset(out, 0, sizeof(dsp::node_head) + static_cast<std::size_t>(bytes * channels));
    const auto weight = [&](std::int32_t k, std::int32_t o) {
      return std::int32_t{w.load(std::int64_t{k} * channels + o)};
    };
    const bool fast = scalar::make_heads<false>(
        c, channels, elements, scalar::base_of<is_signed_fixed(Call::out_type::code)>, scale_product::exact, weight,
        [&](std::int32_t o, const dsp::channel_head& h) {
          std::byte* record = out + sizeof(dsp::node_head) + o * bytes;
          const std::int32_t chunk = scalar::chunk_of(elements, [&](std::int32_t k) { return weight(k, o); });
          const std::int32_t filled = chunk == 1 ? elements : scalar::even(elements);
          const scalar::record_head head{h, static_cast<std::uint16_t>(chunk),
                                         static_cast<std::uint16_t>(filled / chunk),
                                         static_cast<std::uint16_t>(filled % chunk), 0};
          std::memcpy(record, &head, sizeof head);
          for (std::int32_t k = 0; k < elements; ++k)
            record[sizeof head + static_cast<std::size_t>(k)] = static_cast<std::byte>(weight(k, o));
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
    const auto done = scalar::finisher_of<false>(c);
    dsp::with_form(done, c.packed(),
                   [&](auto form) { blocks(c, done, &multiply<form.value, std::decay_t<decltype(done)>>); });
  }

 private:
  /// Channels [o, o + Channels) of a block.
  template <int Form, std::int32_t Channels, class Finisher>
  static QNNX_INLINE void multiply_channels(const Finisher& done, const std::byte* records, std::int64_t bytes,
                                            const scalar::word* block, std::int32_t elements, std::int32_t channels,
                                            std::byte* y, std::int32_t count) {
    const scalar::record_head* r[Channels];
    for (std::int32_t k = 0; k < Channels; ++k)
      r[k] = reinterpret_cast<const scalar::record_head*>(records + k * bytes);
    std::int32_t sums[Channels * scalar::pixels];
    scalar::block_sums<Channels>(block, r, elements, sums);
    for (std::int32_t k = 0; k < Channels; ++k) {
      const dsp::channel_head h = r[k]->head;
      std::byte* to = y + k;
      const std::int32_t* sum = sums + k * scalar::pixels;
      for (const std::int32_t* const end = sum + count; sum != end; ++sum, to += channels)
        *to = static_cast<std::byte>(done.template operator()<Form>(
            static_cast<std::int32_t>(static_cast<std::uint32_t>(*sum) + static_cast<std::uint32_t>(h.bias)), h));
    }
  }
  /// All channels of a block of `count` pixels.
  template <int Form, class Finisher>
  static QNNX_NOINLINE void multiply(const Finisher& done, const std::byte* packed, const scalar::word* block,
                                     std::int32_t elements, std::int32_t channels, std::byte* y, std::int32_t count) {
    const std::byte* at = packed + sizeof(dsp::node_head);
    const std::int64_t bytes = scalar::record_bytes(elements);
    std::int32_t o = 0;
    for (; o + scalar::channels_at_once <= channels;
         o += scalar::channels_at_once, at += scalar::channels_at_once * bytes)
      multiply_channels<Form, scalar::channels_at_once>(done, at, bytes, block, elements, channels, y + o, count);
    if constexpr (scalar::channels_at_once > 1)
      for (; o < channels; ++o, at += bytes)
        multiply_channels<Form, 1>(done, at, bytes, block, elements, channels, y + o, count);
  }

  template <class Call, class Finisher, class Multiply>
  static QNNX_NOINLINE void blocks(const Call& c, const Finisher& done, Multiply multiply_block) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const std::int32_t elements = elements_of(c.s.inputs[1].dims);
    auto* const block = reinterpret_cast<scalar::word*>(c.scratch());
    const scalar::window_lines g(c, c.scratch() + block_bytes(elements));
    auto* y = reinterpret_cast<std::byte*>(c.out().data);
    const auto* image = reinterpret_cast<const std::byte*>(c.template in<0>().data);
    const std::int32_t count = g.pixels(), batches = c.s.outputs[0].dims[0];
    if (elements % 2 != 0)  // meets a zero weight
      for (std::int32_t i = 0; i < scalar::words; ++i) block[elements * scalar::words + i] = 0;
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
          to = scalar::interleave<is_signed>(lines, g.line(), to);
        }
        multiply_block(done, c.packed(), block, elements, g.channels, y, have);
        y += have * g.channels;
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
