// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolMax2d on 8- and 16-bit data: four channels of 8 bits, or two of 16, are compared in two instructions
// (USUB8/SSUB8 and SEL). A value that keeps its encoding is bounded in the same way, others by arm/scaler.hpp. The last
// word of a pixel may be made of channels that the one before had. Layer 5a.

#include "qnnx/kernel/arm/scaler.hpp"
#include "qnnx/kernel/pooling/clipped.hpp"
#include "qnnx/kernel/pooling/reference.hpp"

#if QNNX_HAS_DSP_KERNELS
namespace qnnx::inline QNNX_ABI::kernel {

namespace dsp {

/// What a max pool makes of its largest elements.
struct kept_or_scaled {
  bool kept;
  scaler<false> s;
  template <class Rounding>
  constexpr kept_or_scaled(dtype t, multiplier m, std::int32_t from, std::int32_t to, Rounding r)
      : kept(is_one(m, r) && from == to), s(m, -to, largest_centred(t, from), r) {}
  constexpr bool fits() const { return kept || s.fits; }
  constexpr code_part part() const { return kept ? code_part::kept : code_part::scaled; }
};

/// Which nodes a kernel of PoolMax2d takes; run() of Folder::fold(...).
template <class Folder>
struct max_pool_kernel : answers_as<op::pool_max2d> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
                                   std::is_same_v<Sig, types::u16(types::u16)> || std::is_same_v<Sig, types::s16(types::s16)>;

  static constexpr bool takes(const node_facts& f, const params& p) { return code_parts(f, p, nullptr) != 0; }
  static constexpr unsigned code_parts(const node_facts& f, const params&, const std::byte*) {
    if (f.epi.residual >= 0 || f.epi.table >= 0 || f.c.dims(0)[3] < Folder::least_channels(f.c.out(0).type)) return 0;
    const rounding::dynamic r{f.rounding};
    const dtype t = f.c.out(0).type;
    const multiplier m = finish_constants::of_channel(f.in[0].scale, nullptr, 0, f.out[0].scale, 1.0, t, r, scale_product::exact);
    const kept_or_scaled s(t, m, f.in[0].offset, f.out[0].offset, r);
    return s.fits() ? bit(s.part()) : 0;
  }
  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    const operand &xo = c.s.inputs[0], &yo = c.s.outputs[0];
    const std::int32_t* k = c.constants();
    const auto r = c.rounding();
    const kept_or_scaled s(T::code, {k[finish_constants::header], k[finish_constants::header + 1]}, xo.q.offset, yo.q.offset, r);
    if constexpr (!config::embedded_packed)
      if (!s.fits() || c.s.epi.residual >= 0 || c.s.epi.table >= 0 || xo.dims[3] < Folder::least_channels(T::code)) return reference::run(c);
    const bounder<T> bound{k[0], k[1]};
    const auto pixels = [&](auto finish) {
      each_clipped(xo.dims, yo.dims, c.params(), reinterpret_cast<const storage*>(c.input_bytes(0)), reinterpret_cast<storage*>(c.output_bytes()),
                   [&](const pool_span& rows, const pool_span& columns, const storage* from, storage* to) {
                     Folder::template fold<T>(from, rows.count(), columns.count(), xo.dims[3], xo.dims[2] * xo.dims[3], to, finish);
                   });
    };
    if (needs<code_part::kept> && (!needs<code_part::scaled> || s.kept)) pixels(typename Folder::template kept<T>(bound));
    else if constexpr (needs<code_part::scaled>) pixels(typename Folder::template scaled<T, decltype(r)>(bound, s.s, xo.q.offset, -yo.q.offset, r));
  }
};

/// Words of neighbouring channels.
struct word_folder {
  static constexpr std::int32_t least_channels(dtype t) { return 32 / bits_of(t); }
  template <class T>
  static constexpr int bits = bits_of(T::code);
  template <class T, bool Larger>
  static QNNX_INLINE word pick(word a, word b) {
    return pick_lanes<bits<T>, is_signed_fixed(T::code), Larger>(a, b);
  }
  /// The finished word of a word of largest elements.
  template <class T>
  struct kept {
    word lo, hi;
    explicit kept(const bounder<T>& b) : lo(splat(b.lo < b.least ? b.least : b.lo)), hi(splat(b.hi > b.most ? b.most : b.hi)) {}
    static word splat(std::int32_t v) { return (static_cast<word>(v) & ((word{1} << bits<T>) - 1)) * (bits<T> == 8 ? 0x01010101u : 0x00010001u); }
    QNNX_INLINE word operator()(word v) const { return pick<T, false>(pick<T, true>(v, lo), hi); }
  };
  template <class T, class Rounding>
  struct scaled {
    bounder<T> bound;
    scaler<false> s;
    std::int32_t offset;
    Rounding r;
    scaled(const bounder<T>& b, const scaler<false>& by, std::int32_t o, std::int32_t, Rounding rounding) : bound(b), s(by), offset(o), r(rounding) {}
    QNNX_NOINLINE word operator()(word v) const {  // once in the code, for all places
      using storage = typename T::storage;
      word y = 0;
      for (int at = 0; at < 32; at += bits<T>) {
        const std::int32_t q = bound(s(std::int32_t{static_cast<storage>(v >> at)} + offset, r));
        y |= (static_cast<word>(q) & ((word{1} << bits<T>) - 1)) << at;
      }
      return y;
    }
  };
  template <int Words, class T, class Finish>
  static QNNX_INLINE void block(const typename T::storage* from, std::int32_t rows, std::int32_t columns, std::int32_t step,
                                std::int32_t pitch, typename T::storage* to, const Finish& finish) {
    constexpr int lanes = 32 / bits<T>;
    word most[Words];
    for (int j = 0; j < Words; ++j) most[j] = load_word(from + lanes * j);
    for (std::int32_t y = 0; y < rows; ++y, from += pitch) {
      const auto* at = from;
      for (std::int32_t x = 0; x < columns; ++x, at += step)
        for (int j = 0; j < Words; ++j) most[j] = pick<T, true>(load_word(at + lanes * j), most[j]);
    }
    for (int j = 0; j < Words; ++j) {
      const word v = finish(most[j]);
      std::memcpy(to + lanes * j, &v, 4);
    }
  }
  template <class T, class Finish>
  static QNNX_INLINE void fold(const typename T::storage* from, std::int32_t rows, std::int32_t columns, std::int32_t channels,
                               std::int32_t pitch, typename T::storage* to, const Finish& finish) {
    constexpr int lanes = 32 / bits<T>;
    std::int32_t o = 0;
    for (; o + 4 * lanes <= channels; o += 4 * lanes) block<4, T>(from + o, rows, columns, channels, pitch, to + o, finish);
    for (; o < channels; o += lanes) {
      if (o + lanes > channels) o = channels - lanes;
      block<1, T>(from + o, rows, columns, channels, pitch, to + o, finish);
    }
  }
};

}  // namespace dsp

template <>
struct impl<op::pool_max2d, isa::armv7em_dsp> : dsp::max_pool_kernel<dsp::word_folder> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
