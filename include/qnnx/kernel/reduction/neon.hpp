// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReduceMean and ReduceSum of 8 and 16 bits over neighbouring axes with NEON: sums of 16 bytes of channels at once
// (pooling/neon.hpp), of rows along the last axis by pairwise additions; finished a chunk at a time. Axes that are apart
// run the reference. Layer 5a.

#include "qnnx/kernel/pooling/neon.hpp"
#include "qnnx/kernel/reduction/summed.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel {

namespace neon {

/// Sum of n elements that follow each other; it fits 32 bits.
template <class Storage>
QNNX_INLINE std::int32_t sum_of_row(const Storage* x, std::int32_t n) {
  std::uint32_t sum = 0;
  std::int32_t i = 0;
  if constexpr (std::is_same_v<Storage, std::uint8_t>) {
    uint32x4_t all = vdupq_n_u32(0);
    for (; i + 16 <= n; i += 16) all = vpadalq_u16(all, vpaddlq_u8(vld1q_u8(x + i)));
    sum = vaddvq_u32(all);
  } else if constexpr (std::is_same_v<Storage, std::int8_t>) {
    int32x4_t all = vdupq_n_s32(0);
    for (; i + 16 <= n; i += 16) all = vpadalq_s16(all, vpaddlq_s8(vld1q_s8(x + i)));
    sum = static_cast<std::uint32_t>(vaddvq_s32(all));
  } else if constexpr (std::is_same_v<Storage, std::uint16_t>) {
    uint32x4_t all = vdupq_n_u32(0);
    for (; i + 8 <= n; i += 8) all = vpadalq_u16(all, vld1q_u16(x + i));
    sum = vaddvq_u32(all);
  } else {
    int32x4_t all = vdupq_n_s32(0);
    for (; i + 8 <= n; i += 8) all = vpadalq_s16(all, vld1q_s16(x + i));
    sum = static_cast<std::uint32_t>(vaddvq_s32(all));
  }
  for (; i < n; ++i) sum += static_cast<std::uint32_t>(std::int32_t{x[i]});
  return static_cast<std::int32_t>(sum);
}

template <class Sig>
inline constexpr bool is_of_narrow_type = false;
template <class T>
inline constexpr bool is_of_narrow_type<T(T)> = is_narrow<T>;

template <class Op>
struct reduction_kernel : answers_as<Op> {
  using reference = impl<Op, isa::reference>;

  template <class Sig>
  static constexpr bool supports = is_of_narrow_type<Sig>;

  template <class Call>
  static void run(const Call& c) {
    using T = typename Call::out_type;
    const joined_axes j(c.s.inputs[0].dims, c.params().axes);
    const bool fits = j.count > 0 && j.count <= 16384 && has_zero(c.template in<0>()) && has_zero(c.out());
    const std::int64_t most = std::int64_t{j.count} << bits_of(T::code);
    const multiplier m{c.constants()[0], c.constants()[1]};
    if (!fits || !with_scalers(std::array{m}, most, c.rounding(), [&](const auto& scale) { all(c, j, scale[0]); }))
      reference::run(c);
  }

 private:
  template <class Call, class Scaler>
  static void all(const Call& c, const joined_axes& j, const Scaler& scale) {
    using T = typename Call::out_type;
    using storage = typename T::storage;
    constexpr std::int32_t step = chunk<T>;
    const storage* x = c.template in<0>().data;
    storage* y = c.out().data;
    const writer<T> write(c.out().zero(), static_cast<std::int32_t>(min_value(T::code)),
                          static_cast<std::int32_t>(max_value(T::code)));
    const int32x4_t added = vdupq_n_s32(j.count * c.s.inputs[0].q.offset);
    const auto finish = [&](storage* to, numbers<T> sums) {
#pragma GCC unroll 4
      for (int32x4_t& v : sums.v) v = scale(vaddq_s32(v, added));
      write(to, sums);
    };
    if (j.inner >= step) {
      for (std::int32_t n = 0; n < j.outer; ++n, x += std::ptrdiff_t{j.count} * j.inner, y += j.inner)
        for (std::int32_t o = 0; o < j.inner; o += step) {
          const std::int32_t first = o + step <= j.inner ? o : j.inner - step;  // the last ones with some before them
          finish(y + first, sum_of_column<T>(x + first, j.count, j.inner));
        }
      return;
    }
    // Fewer channels than a chunk: results one by one, finished together.
    std::int32_t left = j.outer * j.inner, o = 0;
    for (; left > 0; left -= step, y += step) {
      const std::int32_t have = left < step ? left : step;
      std::int32_t sums[step] = {};
      for (std::int32_t i = 0; i < have; ++i) {
        if (j.inner == 1) {
          sums[i] = sum_of_row(x, j.count);
        } else {
          for (std::int32_t k = 0; k < j.count; ++k) sums[i] += x[std::ptrdiff_t{k} * j.inner + o];
        }
        if (++o == j.inner) o = 0, x += std::ptrdiff_t{j.count} * j.inner;
      }
      numbers<T> q;
      for (int i = 0; i < numbers<T>::count; ++i) q.v[i] = vld1q_s32(sums + 4 * i);
      if (have == step) {
        finish(y, q);
      } else {
        storage last[step];
        finish(last, q);
        std::memcpy(y, last, static_cast<std::size_t>(have) * sizeof *y);
      }
    }
  }
  /// Sums of a chunk of channels; bytes up to 256 at a time.
  template <class T>
  static QNNX_INLINE numbers<T> sum_of_column(const typename T::storage* x, std::int32_t count, std::int32_t pitch) {
    numbers<T> sum{};
    for (std::int32_t k = 0; k < count; k += 256) {
      const std::int32_t have = count - k < 256 ? count - k : 256;
      const numbers<T> part = sum_of_window<T>([&](auto&& f) {
        for (std::int32_t i = 0; i < have; ++i, x += pitch) f(x);
      });
#pragma GCC unroll 4
      for (int i = 0; i < numbers<T>::count; ++i) sum.v[i] = vaddq_s32(sum.v[i], part.v[i]);
    }
    return sum;
  }
};

}  // namespace neon

template <>
struct impl<op::reduce_mean, isa::neon> : neon::reduction_kernel<op::reduce_mean> {};
template <>
struct impl<op::reduce_sum, isa::neon> : neon::reduction_kernel<op::reduce_sum> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
