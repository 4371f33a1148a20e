// SPDX-License-Identifier: Apache-2.0
#pragma once
// TFLite's 16-bit softmax along the last axis with Helium, four elements at a time: softmax/interpolated_16.hpp. Other
// nodes of 16 bits run the kernel of armv7em_dsp. Layer 5a.

#include "qnnx/kernel/activation/mve.hpp"
#include "qnnx/kernel/softmax/halves.hpp"
#include "qnnx/kernel/softmax/interpolated_16.hpp"

#if QNNX_HAS_MVE
namespace qnnx::inline QNNX_ABI::kernel {

namespace mve {

/// The passes over a row of neighbours.
struct row_of_halves {
  static QNNX_INLINE std::int32_t top(const std::int16_t* x, std::ptrdiff_t n, std::ptrdiff_t) {
    std::int32_t top = x[0];
    for (; n >= 4; n -= 4, x += 4) top = largest(top, load(x));
    for (; n > 0; --n, ++x) top = *x > top ? *x : top;
    return top;
  }
  static QNNX_INLINE dsp::word exponentials(const std::int16_t* x, std::int16_t* y, std::ptrdiff_t count, std::ptrdiff_t,
                                            std::int32_t top, const dsp::scaler<true>& by) {
    const std::int16_t* table = tflite::softmax_tables<>::exponential.data();
    const scaler<true> distance{by, 65535};
    const four zero = splat(0);
    const auto exponential = [&](four v) {
      return shifted(between<7>(table, larger(distance(plus(v, -top), rounding::tflite{}), zero), 64), -7);
    };
    std::int32_t sum = 0;
    auto n = static_cast<std::int32_t>(count);
    for (; n >= 4; n -= 4, x += 4, y += 4) {
      const four e = exponential(load(x));
      sum = added(sum, e);
      store(y, e);
    }
    if (n > 0) {  // lanes behind the row are 0: none may be above the largest
      const four e = exponential(smaller(load(x, n), splat(top)));
      sum = added(sum, e, n);
      store(y, e, n);
    }
    return static_cast<dsp::word>(sum);
  }
  static QNNX_INLINE void divide(std::int16_t* y, std::ptrdiff_t count, std::ptrdiff_t, const tflite::softmax_scale_16& by) {
    const std::int32_t factor = by.reciprocal, half = 1 << (by.shift - 1);
    const four most = splat(32767);
    const auto quotient = [&](four e) { return smaller(shifted(plus(times(e, factor), half), -by.shift), most); };
    auto n = static_cast<std::int32_t>(count);
    for (; n >= 4; n -= 4, y += 4) store(y, quotient(load(y)));
    if (n > 0) store(y, quotient(load(y, n)), n);
  }
};

struct interpolated_softmax : answers_as<op::softmax, isa::armv7em_dsp_mixed> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::s16(types::s16)>;

  static constexpr bool is_along_last(const params& p, int rank) { return op::along_axis::resolved(p, rank) == rank - 1; }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return is_along_last(p, f.c.dims(0).rank()) && dsp::interpolated_softmax::takes(f, p);
  }

  template <class Call>
  static void run(const Call& c) {
    if constexpr (!config::embedded_packed)
      if (!dsp::interpolated_softmax::is_tflite(dtype::sfixed_16, c.s.outputs[0].q, c.rounding().mode()) ||
          !is_along_last(c.params(), c.s.inputs[0].dims.rank()))
        return impl<op::softmax, isa::armv7em_dsp_mixed>::run(c);
    dsp::interpolated_softmax::run<row_of_halves>(c);
  }
};

}  // namespace mve

template <>
struct impl<op::softmax, isa::mve_mixed> : mve::interpolated_softmax {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
