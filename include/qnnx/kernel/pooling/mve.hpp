// SPDX-License-Identifier: Apache-2.0
#pragma once
// Pools with Helium. PoolAvg2d on 8-bit data: eight channels are added in 16-bit lanes. PoolMax2d: sixteen bytes or
// eight halves are compared at once; what an encoding changes is scaled four by four. Layer 5a.

#include <algorithm>

#include "qnnx/kernel/arm/mve_lanes.hpp"
#include "qnnx/kernel/pooling/armv7em_dsp.hpp"
#include "qnnx/kernel/pooling/armv7em_dsp_max.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {
struct lane_adder {
  static constexpr int channels = 8;
  template <bool Signed>
  static QNNX_INLINE void add(const std::byte* from, std::int32_t rows, std::int32_t columns, std::int32_t step,
                              std::int32_t pitch, std::int32_t* sum) {
    if constexpr (Signed) add_window(reinterpret_cast<const std::int8_t*>(from), rows, columns, step, pitch, sum);
    else add_window(reinterpret_cast<const std::uint8_t*>(from), rows, columns, step, pitch, sum);
  }
};

/// Up to sixteen bytes or eight halves of neighbouring channels.
struct vector_folder {
  static constexpr std::int32_t least_channels(dtype) { return 1; }
  template <class T>
  struct kept {
    std::int32_t lo, hi;
    explicit kept(const dsp::bounder<T>& b) : lo(b.lo < b.least ? b.least : b.lo), hi(b.hi > b.most ? b.most : b.hi) {}
  };
  template <class T, class Rounding>
  struct scaled {
    bounder<T> bound;
    scaler<false> s;
    std::int32_t offset;
    Rounding r;
    scaled(const dsp::bounder<T>& b, const dsp::scaler<false>& by, std::int32_t o, std::int32_t zero, Rounding rounding)
        : bound(b), s{by, zero}, offset(o), r(rounding) {}
  };
  template <class T, class Finish>
  static QNNX_INLINE void fold(const typename T::storage* from, std::int32_t rows, std::int32_t columns, std::int32_t channels,
                               std::int32_t pitch, typename T::storage* to, const Finish& finish) {
    constexpr std::int32_t lanes = 128 / bits_of(T::code);
    for (std::int32_t o = 0; o < channels; o += lanes)
      block<T>(from + o, rows, columns, channels, pitch, to + o, channels - o < lanes ? channels - o : lanes, finish);
  }

 private:
  template <class T, class Rounding>
  static QNNX_INLINE void rescale(typename T::storage* y, std::int32_t n, const scaled<T, Rounding>& f) {
    for (; n > 0; n -= 4, y += 4) store(y, f.bound(f.s(plus(load(y, n), f.offset), f.r)), n);
  }
#if QNNX_HAS_MVE_INSTRUCTIONS
  static QNNX_INLINE uint8x16_t all(std::uint8_t v) { return vdupq_n_u8(v); }
  static QNNX_INLINE int8x16_t all(std::int8_t v) { return vdupq_n_s8(v); }
  static QNNX_INLINE uint16x8_t all(std::uint16_t v) { return vdupq_n_u16(v); }
  static QNNX_INLINE int16x8_t all(std::int16_t v) { return vdupq_n_s16(v); }
  template <class S>
  static QNNX_INLINE void fold_vector(const S* from, std::int32_t rows, std::int32_t columns, std::int32_t step, std::int32_t pitch, S* to,
                                      std::int32_t n, std::int32_t lo, std::int32_t hi) {
    const mve_pred16_t p = sizeof(S) == 1 ? vctp8q(static_cast<std::uint32_t>(n)) : vctp16q(static_cast<std::uint32_t>(n));
    auto most = all(static_cast<S>(lo));
    for (std::int32_t r = 0; r < rows; ++r, from += pitch) {
      const S* at = from;
      for (std::int32_t k = 0; k < columns; ++k, at += step) most = vmaxq(most, vld1q_z(at, p));
    }
    vst1q_p(to, vminq(most, all(static_cast<S>(hi))), p);
  }
#else
  template <class S>
  static void fold_vector(const S* from, std::int32_t rows, std::int32_t columns, std::int32_t step, std::int32_t pitch, S* to,
                          std::int32_t n, std::int32_t lo, std::int32_t hi) {
    std::int32_t most[16];
    for (std::int32_t& m : most) m = lo;
    for (std::int32_t r = 0; r < rows; ++r)
      for (std::int32_t k = 0; k < columns; ++k)
        for (std::int32_t i = 0; i < n; ++i) most[i] = std::max<std::int32_t>(most[i], from[r * pitch + k * step + i]);
    for (std::int32_t i = 0; i < n; ++i) to[i] = static_cast<S>(std::min(most[i], hi));
  }
#endif
  template <class T, class Finish>
  static QNNX_INLINE void block(const typename T::storage* from, std::int32_t rows, std::int32_t columns, std::int32_t step,
                                std::int32_t pitch, typename T::storage* to, std::int32_t n, const Finish& finish) {
    if constexpr (std::is_same_v<Finish, kept<T>>) {
      fold_vector(from, rows, columns, step, pitch, to, n, finish.lo, finish.hi);
    } else {
      fold_vector(from, rows, columns, step, pitch, to, n, dsp::bounder<T>::least, dsp::bounder<T>::most);
      rescale<T>(to, n, finish);
    }
  }
};
}  // namespace mve

template <>
struct impl<op::pool_max2d, isa::mve> : dsp::max_pool_kernel<mve::vector_folder> {};
template <>
struct impl<op::pool_avg2d, isa::mve> : summed_average_pool<mve::lane_adder, dsp::mean_scaler> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)>;
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
