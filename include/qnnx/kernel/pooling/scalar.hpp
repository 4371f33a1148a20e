// SPDX-License-Identifier: Apache-2.0
#pragma once
// PoolMax2d without vectors: four channels of a window in registers, compared one by one. Layer 5a.

#include "qnnx/kernel/pooling/armv7em_dsp_max.hpp"

#if QNNX_HAS_SCALAR
namespace qnnx::inline QNNX_ABI::kernel {

namespace scalar {

struct channel_folder {
  static constexpr std::int32_t least_channels(dtype) { return 1; }
  template <class T>
  struct kept {
    dsp::bounder<T> bound;
    explicit kept(const dsp::bounder<T>& b) : bound(b) {}
    QNNX_INLINE std::int32_t operator()(std::int32_t v) const { return bound(v); }
  };
  template <class T, class Rounding>
  struct scaled {
    dsp::bounder<T> bound;
    dsp::scaler<false> s;
    std::int32_t offset;
    Rounding r;
    scaled(const dsp::bounder<T>& b, const dsp::scaler<false>& by, std::int32_t o, std::int32_t, Rounding rounding)
        : bound(b), s(by), offset(o), r(rounding) {}
    QNNX_NOINLINE std::int32_t operator()(std::int32_t v) const { return bound(s(v + offset, r)); }  // once in the code
  };
  template <int Channels, class Storage, class Finish>
  static QNNX_INLINE void block(const Storage* from, std::int32_t rows, std::int32_t columns, std::int32_t step, std::int32_t pitch,
                                Storage* to, const Finish& finish) {
    std::int32_t most[Channels];
#pragma GCC unroll 4
    for (int j = 0; j < Channels; ++j) most[j] = from[j];
    for (std::int32_t y = rows; y > 0; --y, from += pitch) {
      const Storage* at = from;
      for (std::int32_t x = columns; x > 0; --x, at += step)
#pragma GCC unroll 4
        for (int j = 0; j < Channels; ++j)
          if (at[j] > most[j]) most[j] = at[j];
    }
#pragma GCC unroll 4
    for (int j = 0; j < Channels; ++j) to[j] = static_cast<Storage>(finish(most[j]));
  }
  template <class T, class Finish>
  static QNNX_INLINE void fold(const typename T::storage* from, std::int32_t rows, std::int32_t columns, std::int32_t channels,
                               std::int32_t pitch, typename T::storage* to, const Finish& finish) {
    std::int32_t o = channels;
    for (; o >= 4; o -= 4, from += 4, to += 4) block<4>(from, rows, columns, channels, pitch, to, finish);
    for (; o > 0; --o) block<1>(from++, rows, columns, channels, pitch, to++, finish);
  }
};

}  // namespace scalar

template <>
struct impl<op::pool_max2d, isa::scalar> : dsp::max_pool_kernel<scalar::channel_folder> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
