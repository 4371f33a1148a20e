// SPDX-License-Identifier: Apache-2.0
#pragma once
// ChannelShuffle of two groups of the last axis: the halves of a row are interleaved, 16 bytes of each at once. Other shapes
// run the reference. Layer 5a.

#include "qnnx/kernel/movement/rearrange.hpp"
#include "qnnx/kernel/x86/vectors_avx2.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// to = a[0], b[0], a[1], b[1], ...: n elements of Size bytes each.
template <int Size>
void interleave_two(const std::byte* a, const std::byte* b, std::int64_t n, std::byte* to) {
  constexpr std::int64_t step = 16 / Size;
  const auto load = [](const std::byte* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); };
  const auto store = [](std::byte* p, __m128i v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); };
  std::int64_t i = 0;
  for (; i + step <= n; i += step, a += 16, b += 16, to += 32) {
    const __m128i x = load(a), z = load(b);
    if constexpr (Size == 1) store(to, _mm_unpacklo_epi8(x, z)), store(to + 16, _mm_unpackhi_epi8(x, z));
    else if constexpr (Size == 2) store(to, _mm_unpacklo_epi16(x, z)), store(to + 16, _mm_unpackhi_epi16(x, z));
    else store(to, _mm_unpacklo_epi32(x, z)), store(to + 16, _mm_unpackhi_epi32(x, z));
  }
  for (; i < n; ++i, a += Size, b += Size, to += 2 * Size) {
    copy_element<Size>(to, a);
    copy_element<Size>(to + Size, b);
  }
}

struct channel_shuffle_kernel : answers_as<op::channel_shuffle> {
  template <class Sig>
  static constexpr bool supports = sizeof(typename qnnx::detail::signature_types<Sig>::out::storage) <= 4;
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    constexpr int size = element_size<decltype(y)>;
    const int axis = op::channel_shuffle::axis_of(c.params(), x);
    if (c.params().num_groups != 2 || step_of(x.ext, axis) != 1) return reference::run(c);
    const std::int64_t row = x.extent(axis);
    for (std::int64_t at = 0; at < x.size(); at += row)
      interleave_two<size>(bytes_in(x) + at * size, bytes_in(x) + (at + row / 2) * size, row / 2, bytes_out(y) + at * size);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
