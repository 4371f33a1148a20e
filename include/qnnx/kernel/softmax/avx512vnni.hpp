// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax of floats along the last axis with AVX-512: as the reference in double, within one unit in the last place
// (kernel/x86/real_functions.hpp; the order of the sum differs). Layer 5a.

#include "qnnx/kernel/softmax/reference.hpp"

#if QNNX_HAS_AVX512VNNI
#include "qnnx/kernel/x86/real_functions.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <>
struct impl<op::softmax, isa::avx512vnni> : answers_as<op::softmax> {
  template <class Sig>
  static constexpr bool supports = std::is_same_v<Sig, types::f32(types::f32)>;

  /// The exponentials of one row.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params&) { return (f.c.dims(0)[f.c.dims(0).rank() - 1] + 8) * 8; }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (op::along_axis::resolved(c.params(), x.rank()) != x.rank() - 1) return reference::run(c);
    const std::int64_t count = x.extent(x.rank() - 1);
    const std::int64_t rows = x.size() / count;
    auto* made = reinterpret_cast<double*>(c.scratch());
    const __m512d beta = _mm512_set1_pd(static_cast<double>(c.params().beta));
    for (std::int64_t r = 0; r < rows; ++r) {
      const float* from = x.data + r * count;
      float top = from[0];
      for (std::int64_t k = 1; k < count; ++k) top = from[k] > top ? from[k] : top;
      const __m512d most = _mm512_set1_pd(static_cast<double>(top));
      __m512d sum = _mm512_setzero_pd();
      for (std::int64_t k = 0; k < count; k += 8) {
        const auto mask = static_cast<__mmask8>(count - k >= 8 ? 0xff : (1u << (count - k)) - 1);
        const __m512d v = _mm512_cvtps_pd(_mm256_maskz_loadu_ps(mask, from + k));
        const __m512d e = x86::exp_vector(_mm512_mul_pd(_mm512_sub_pd(v, most), beta));
        sum = _mm512_mask_add_pd(sum, mask, sum, e);
        _mm512_mask_storeu_pd(made + k, mask, e);
      }
      const __m512d total = _mm512_set1_pd(_mm512_reduce_add_pd(sum));
      for (std::int64_t k = 0; k < count; k += 8) {
        const auto mask = static_cast<__mmask8>(count - k >= 8 ? 0xff : (1u << (count - k)) - 1);
        _mm256_mask_storeu_ps(y.data + r * count + k, mask, _mm512_cvtpd_ps(_mm512_div_pd(_mm512_maskz_loadu_pd(mask, made + k), total)));
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
