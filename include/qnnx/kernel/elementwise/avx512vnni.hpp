// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd and the forms of ElementWiseBinary with AVX-512: floats (add, subtract, multiply, divide, maximum,
// minimum, squares by power 2: one rounding each, the reference's bits) and 8-bit data (add, subtract, multiply,
// maximum, minimum). Broadcasts are walked as rows in which an operand is contiguous or constant; other operations and
// broadcasts run the reference. Layer 5a.

#include "qnnx/kernel/elementwise/binary.hpp"
#include "qnnx/kernel/elementwise/broadcast_rows.hpp"

#if QNNX_HAS_AVX512VNNI
#include "qnnx/kernel/x86/finish.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

namespace x86 {

QNNX_INLINE __mmask16 first_lanes(std::int64_t n) {
  return static_cast<__mmask16>(n >= 16 ? 0xffff : (1u << n) - 1);
}

template <bool Signed>
QNNX_INLINE __m512i load_bytes(const void* p, __mmask16 mask) {
  const __m128i x = _mm_maskz_loadu_epi8(mask, p);
  if constexpr (Signed)
    return _mm512_cvtepi8_epi32(x);
  else
    return _mm512_cvtepu8_epi32(x);
}

/// Four vectors of results as 64 bytes in order. The saturations keep what the clamp cuts anyway.
QNNX_INLINE __m512i saturated_bytes(__m512i a, __m512i b, __m512i c, __m512i d, __m512i zero16, bool is_signed,
                                    __m512i lo, __m512i hi) {
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(a, b), zero16);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(c, d), zero16);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  if (is_signed)
    return _mm512_permutexvar_epi32(order, _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), lo), hi));
  return _mm512_permutexvar_epi32(order, _mm512_min_epu8(_mm512_max_epu8(_mm512_packus_epi16(low, high), lo), hi));
}

/// 8-bit row: y = combine(a, b) + zero, clamped to [lo, hi]; combine sees values without offsets.
template <bool Signed, class Combine>
QNNX_INLINE void byte_row(const std::uint8_t* a, bool fixed_a, const std::uint8_t* b, bool fixed_b, std::uint8_t* y,
                          std::int64_t n, std::int32_t zero, std::int32_t lo, std::int32_t hi, Combine&& combine) {
  const auto one = [](const std::uint8_t* p) {
    return Signed ? static_cast<std::int32_t>(static_cast<std::int8_t>(*p)) : static_cast<std::int32_t>(*p);
  };
  const __m512i all_a = _mm512_set1_epi32(fixed_a ? one(a) : 0);
  const __m512i all_b = _mm512_set1_epi32(fixed_b ? one(b) : 0);
  const __m512i low = _mm512_set1_epi8(static_cast<char>(lo));
  const __m512i high = _mm512_set1_epi8(static_cast<char>(hi));
  const __m512i z = _mm512_set1_epi16(static_cast<short>(zero));
  const auto block = [&](auto load_a, auto load_b) {
    __m512i q[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) q[v] = combine(load_a(v), load_b(v));
    return saturated_bytes(q[0], q[1], q[2], q[3], z, Signed, low, high);
  };
  const auto rows = [&](auto of_a, auto of_b) {
    std::int64_t i = 0;
    for (; i + 64 <= n; i += 64)
      _mm512_storeu_si512(y + i,
                          block([&](int v) { return of_a(i + 16 * v); }, [&](int v) { return of_b(i + 16 * v); }));
    if (i == n) return;
    const auto mask = [&](int v) {
      return n - i - 16 * v <= 0 ? static_cast<__mmask16>(0) : first_lanes(n - i - 16 * v);
    };
    const __m512i last =
        block([&](int v) { return of_a(i + 16 * v, mask(v)); }, [&](int v) { return of_b(i + 16 * v, mask(v)); });
    _mm512_mask_storeu_epi8(y + i, (1ull << (n - i)) - 1, last);
  };
  struct moving {
    const std::uint8_t* p;
    QNNX_INLINE __m512i operator()(std::int64_t i) const {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + i));
      return Signed ? _mm512_cvtepi8_epi32(x) : _mm512_cvtepu8_epi32(x);
    }
    QNNX_INLINE __m512i operator()(std::int64_t i, __mmask16 mask) const { return load_bytes<Signed>(p + i, mask); }
  };
  struct still {
    __m512i v;
    QNNX_INLINE __m512i operator()(std::int64_t, __mmask16 = 0) const { return v; }
  };
  if (fixed_a && fixed_b)
    rows(still{all_a}, still{all_b});
  else if (fixed_a)
    rows(still{all_a}, moving{b});
  else if (fixed_b)
    rows(moving{a}, still{all_b});
  else
    rows(moving{a}, moving{b});
}

/// add_quantized of values without offsets, not TFLite's: sum = a m0 + b m1 + what the offsets give (modulo 2^32, which
/// the sum fits), (sum + half) >> shift, one less where that was a tie and came out odd (rne).
template <bool Even>
struct quick_sum {
  __m512i m0, m1, constant, ties, shift;
  quick_sum(const std::int32_t* k, std::int32_t offset_a, std::int32_t offset_b, bool subtract)
      : shift(_mm512_set1_epi32(k[6])) {
    const auto a = static_cast<std::uint32_t>(k[0]);
    const std::uint32_t b = subtract ? 0u - static_cast<std::uint32_t>(k[2]) : static_cast<std::uint32_t>(k[2]);
    m0 = _mm512_set1_epi32(static_cast<std::int32_t>(a));
    m1 = _mm512_set1_epi32(static_cast<std::int32_t>(b));
    constant = _mm512_set1_epi32(static_cast<std::int32_t>(
        a * static_cast<std::uint32_t>(offset_a) + b * static_cast<std::uint32_t>(offset_b) + (1u << (k[6] - 1))));
    ties = _mm512_set1_epi32(static_cast<std::int32_t>((1u << k[6]) - 1u));
  }
  QNNX_INLINE __m512i operator()(__m512i a, __m512i b) const {
    const __m512i sum =
        _mm512_add_epi32(_mm512_add_epi32(_mm512_mullo_epi32(a, m0), constant), _mm512_mullo_epi32(b, m1));
    const __m512i q = _mm512_srav_epi32(sum, shift);
    return Even ? _mm512_mask_and_epi32(q, _mm512_testn_epi32_mask(sum, ties), q, _mm512_set1_epi32(-2)) : q;
  }
};

template <class Combine>
QNNX_INLINE void float_row(const float* a, bool fixed_a, const float* b, bool fixed_b, float* y, std::int64_t n,
                           const epilogue& e, Combine&& combine) {
  const __m512 all_a = _mm512_set1_ps(fixed_a ? *a : 0.0f);
  const __m512 all_b = _mm512_set1_ps(fixed_b ? *b : 0.0f);
  for (std::int64_t i = 0; i < n; i += 16) {
    const __mmask16 mask = first_lanes(n - i);
    const __m512 xa = fixed_a ? all_a : _mm512_maskz_loadu_ps(mask, a + i);
    const __m512 xb = fixed_b ? all_b : _mm512_maskz_loadu_ps(mask, b + i);
    _mm512_mask_storeu_ps(y + i, mask, activate_vector(combine(xa, xb), e.act, e.lo, e.hi));
  }
}

template <class Op>
constexpr op::binary operation_of(const typename Op::params& p) {
  if constexpr (std::is_same_v<Op, op::elementwise_binary>)
    return p.operation;
  else if constexpr (requires { Op::operation; })
    return (void)p, Op::operation;
  else
    return (void)p, op::binary::add;
}

/// Both operands and the result of one type that has a kernel.
template <class Sig>
constexpr bool same_types() {
  using t = qnnx::detail::signature_types<Sig>;
  using out = typename t::out;
  const bool same = std::is_same_v<out, typename t::template in<0>> && std::is_same_v<out, typename t::template in<1>>;
  return same && (std::is_same_v<out, types::f32> || is_byte_v<out>);
}

template <class Op>
struct elementwise_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;

  /// Divisions and powers of bytes have no vector form.
  static constexpr bool bytes =
      !std::is_same_v<Op, op::elementwise_power> && !std::is_same_v<Op, op::elementwise_divide>;
  template <class Sig>
  static constexpr bool supports = same_types<Sig>() &&
                                   (bytes ||
                                    std::is_same_v<typename qnnx::detail::signature_types<Sig>::out, types::f32>);

  template <class Call>
  static void run(const Call& c) {
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    const broadcast_rows rows(a, b, y);
    const op::binary what = operation_of<Op>(c.params());
    if (rows.length < 4) return reference::run(c);
    if constexpr (is_fixed_v<typename Call::out_type>) {
      if (y.zero() > 1024 || y.zero() < -1024) return reference::run(c);
    }
    if constexpr (is_float_v<typename Call::out_type>) {
      const auto each = [&](auto combine) {
        rows.each(a, b, y, [&](std::int64_t i, std::int64_t ia, std::int64_t ib) {
          float_row(a.data + ia, rows.fixed_a, b.data + ib, rows.fixed_b, y.data + i, rows.length, c.epi(), combine);
        });
      };
      switch (what) {
        case op::binary::add:
          return each([](__m512 p, __m512 q) { return _mm512_add_ps(p, q); });
        case op::binary::subtract:
          return each([](__m512 p, __m512 q) { return _mm512_sub_ps(p, q); });
        case op::binary::multiply:
          return each([](__m512 p, __m512 q) { return _mm512_mul_ps(p, q); });
        case op::binary::divide:
          return each([](__m512 p, __m512 q) { return _mm512_div_ps(p, q); });
        case op::binary::maximum:
          return each([](__m512 p, __m512 q) { return _mm512_max_ps(q, p); });  // a NaN on either side: the first
        case op::binary::minimum:
          return each([](__m512 p, __m512 q) { return _mm512_min_ps(q, p); });
        case op::binary::power:
          if (b.size() == 1 && b.data[0] == 2.0f) return each([](__m512 p, __m512) { return _mm512_mul_ps(p, p); });
          return reference::run(c);
        default:
          return reference::run(c);
      }
    } else {
      const std::int32_t* k = c.constants();
      const rounding_mode mode = c.rounding().mode();
      const auto each = [&](const auto& combine) {
        rows.each(a, b, y, [&](std::int64_t i, std::int64_t ia, std::int64_t ib) {
          byte_row<is_signed_fixed(Call::out_type::code)>(
              reinterpret_cast<const std::uint8_t*>(a.data) + ia, rows.fixed_a,
              reinterpret_cast<const std::uint8_t*>(b.data) + ib, rows.fixed_b,
              reinterpret_cast<std::uint8_t*>(y.data) + i, rows.length, y.zero(), k[0], k[1], combine);
        });
      };
      const __m512i offset_a = _mm512_set1_epi32(a.offset());
      const __m512i offset_b = _mm512_set1_epi32(b.offset());
      const auto each_real = [&](const auto& combine) {
        each([&](__m512i p, __m512i q) {
          return combine(_mm512_add_epi32(p, offset_a), _mm512_add_epi32(q, offset_b));
        });
      };
      const bool subtract = what == op::binary::subtract;
      if ((what == op::binary::add || subtract) && vector_add::fits(k + 2, mode)) {
        if (mode == rounding_mode::rne) return each(quick_sum<true>(k + 2, a.offset(), b.offset(), subtract));
        if (mode == rounding_mode::half_up) return each(quick_sum<false>(k + 2, a.offset(), b.offset(), subtract));
        const vector_add add(k + 2, mode);
        if (subtract) return each_real([&](__m512i p, __m512i q) { return add.difference(p, q); });
        return each_real(add);
      }
      if (what == op::binary::maximum || what == op::binary::minimum) {
        const bool larger = what == op::binary::maximum;
        const auto pick = [larger](__m512i p, __m512i q) {
          return larger ? _mm512_max_epi32(p, q) : _mm512_min_epi32(p, q);
        };
        const vector_multiplier v = vector_form({k[2], k[3]}, mode);
        const vector_multiplier w = vector_form({k[4], k[5]}, mode);
        if (v.rne_fits && w.rne_fits) {
          const __m512 m = _mm512_set1_ps(v.factor);
          const __m512 n = _mm512_set1_ps(w.factor);
          return each_real([&](__m512i p, __m512i q) { return pick(scale_rne(p, m), scale_rne(q, n)); });
        }
        if (v.shifted_fits && w.shifted_fits) {
          const bool twice = mode == rounding_mode::tflite;
          const shifted_scale m(_mm512_set1_epi32(v.mantissa), _mm512_set1_epi32(v.shift), twice);
          const shifted_scale n(_mm512_set1_epi32(w.mantissa), _mm512_set1_epi32(w.shift), twice);
          return each_real([&](__m512i p, __m512i q) { return pick(m(p), n(q)); });
        }
      }
      if (what == op::binary::multiply) {
        const vector_multiplier v = vector_form({k[2], k[3]}, mode);
        if (v.rne_fits) {
          const __m512 m = _mm512_set1_ps(v.factor);
          return each_real([&](__m512i p, __m512i q) { return scale_rne(_mm512_mullo_epi32(p, q), m); });
        }
        if (v.shifted_fits) {
          const shifted_scale scale(_mm512_set1_epi32(v.mantissa), _mm512_set1_epi32(v.shift),
                                    mode == rounding_mode::tflite);
          return each_real([&](__m512i p, __m512i q) { return scale(_mm512_mullo_epi32(p, q)); });
        }
      }
      return reference::run(c);
    }
  }
};

}  // namespace x86

template <>
struct impl<op::elementwise_add, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_add> {};
template <>
struct impl<op::elementwise_binary, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_binary> {};
template <>
struct impl<op::elementwise_subtract, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_subtract> {};
template <>
struct impl<op::elementwise_multiply, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_multiply> {};
template <>
struct impl<op::elementwise_divide, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_divide> {};
template <>
struct impl<op::elementwise_power, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_power> {};
template <>
struct impl<op::elementwise_maximum, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_maximum> {};
template <>
struct impl<op::elementwise_minimum, isa::avx512vnni> : x86::elementwise_kernel<op::elementwise_minimum> {};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
