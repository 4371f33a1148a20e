// SPDX-License-Identifier: Apache-2.0
#pragma once
// LayerNorm and RmsNorm over trailing axes on vectors V, in double as the reference; the order of the sums differs, so
//   float  results are within one unit in the last place, or 2^-40 (|x - mean| factor |gamma| + |beta|)
//   8 and 16 bit  the sum is exact; a row of which a quotient lies within 2^-20 of a tie is made again by the reference's
//          formula from sums in the reference's order, so integers are the reference's (quotients beyond 2^20 saturate
//          either way; the difference of the orders is below 2^-40 of a quotient). A row is widened to doubles once
// Other axes run the reference. Layer 5a.

#include "qnnx/kernel/normalization/reference.hpp"
#include "qnnx/kernel/x86/vectors_avx2.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// A row of fixed-point numbers, offset added, as doubles (exact). Writes whole vectors.
template <class V, class X>
void widen_row(const X& x, std::int64_t base, std::int64_t count, double* row) {
  using T = typename X::type;
  const auto offset = V::all(x.offset());
  V::each(count, [&](std::int64_t i, auto part) {
    const auto q = [&] {
      if constexpr (bits_of(T::code) == 8) return V::template load_bytes<is_signed_fixed(T::code)>(part, x.data + base + i);
      else return V::template load_halves<is_signed_fixed(T::code)>(part, x.data + base + i);
    }();
    const auto numbers = V::add(q, offset);
    V::store(row + i, V::low_half(numbers));
    V::store(row + i + V::double_lanes, V::high_half(numbers));
  });
}

/// Sums in four chains, by index.
template <class V>
struct four_sums {
  typename V::doubles part[4]{V::all(0.0), V::all(0.0), V::all(0.0), V::all(0.0)};
  QNNX_INLINE typename V::doubles& of(std::int64_t k) { return part[k / V::double_lanes % 4]; }
  QNNX_INLINE double total() const { return V::total(V::add(V::add(part[0], part[1]), V::add(part[2], part[3]))); }
};

template <class Sig>
struct norm_operands;
template <class Out, class X, class G, class B>
struct norm_operands<Out(X, G, B)> {
  static constexpr bool fits = is_fixed_v<X> || std::is_same_v<Out(X, G, B), types::f32(types::f32, types::f32, types::f32)> ||
                               std::is_same_v<Out(X, G, B), types::f16(types::f16, types::f16, types::f16)>;
};

template <class Op, class V>
struct norm_kernel : answers_as<Op> {
  using params = op::norm_params;
  using reference = impl<Op, isa::reference>;
  using doubles = typename V::doubles;
  static constexpr bool centred = std::is_same_v<Op, op::layer_norm>;

  template <class Sig>
  static constexpr bool supports = norm_operands<Sig>::fits;

  /// Elements of the trailing axes that are normalised; 0 where the normalised axes are others.
  template <class Dims>
  static constexpr std::int64_t trailing(const Dims& x, const params& p, int rank) {
    std::int64_t count = 1;
    bool inside = true;
    for (int i = rank - 1; i >= 0; --i) {
      const bool normal = Op::normalised(p, rank, i);
      if (normal && !inside) return 0;
      inside &= normal;
      if (normal) count *= x[i];
    }
    return count;
  }
  /// Gamma and beta as doubles, and a row.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const std::int64_t count = trailing(f.c.dims(0), p, f.c.dims(0).rank());
    return (count + 8) * 16 + (is_fixed(f.c.out(0).type) ? (count + 2 * V::lanes) * 8 : 0);
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto gamma = c.template in<1>();
    const auto beta = c.template in<2>();
    const auto y = c.out();
    shape dims;
    for (int i = 0; i < x.rank(); ++i) dims.push_back(x.extent(i));
    const std::int64_t count = trailing(dims, c.params(), x.rank());
    if (count == 0) return reference::run(c);
    constexpr bool fixed = is_fixed_v<typename Call::out_type>;
    auto* factors = reinterpret_cast<double*>(c.scratch());
    double* terms = factors + count + 8;
    double* row = terms + count + 8;
    for (std::int64_t k = 0; k < count; ++k) {
      factors[k] = kernel::weight_value(gamma, k, 1.0);
      terms[k] = kernel::bias_value(beta, x, gamma, k);
    }
    const double step = fixed ? static_cast<double>(x.scale()) : 1.0;
    const doubles steps = V::all(step);
    const auto n = static_cast<double>(count);
    const std::int64_t groups = x.size() / count;
    const auto each = [&](auto&& f) {
      constexpr std::int64_t n = V::double_lanes;
      std::int64_t k = 0;
      for (; k + 4 * n <= count; k += 4 * n)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) f(k + n * i, V::every_double());
      V::each_doubles(count - k, [&](std::int64_t i, auto part) { f(k + i, part); });
    };
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t base = g * count;
      if constexpr (fixed) widen_row<V>(x, base, count, row);
      const auto number = [&](std::int64_t k, auto mask) {
        if constexpr (fixed) return V::load(mask, row + k);
        else return V::load_widened(mask, x.data + base + k);
      };
      double mean = 0;
      if constexpr (centred) {
        four_sums<V> sum;
        each([&](std::int64_t k, auto mask) { sum.of(k) = V::add(sum.of(k), number(k, mask)); });
        mean = sum.total() * step / n;
      }
      const doubles centre = V::all(mean);
      const auto distance = [&](std::int64_t k, auto mask) {
        const doubles v = number(k, mask);
        return V::sub(fixed ? V::mul(v, steps) : v, centre);
      };
      four_sums<V> squares;
      each([&](std::int64_t k, auto mask) {
        const doubles d = distance(k, mask);
        squares.of(k) = V::select(mask, V::fmadd(d, d, squares.of(k)), squares.of(k));
      });
      const double factor = 1.0 / math::sqrt(squares.total() / n + static_cast<double>(c.params().epsilon));
      const doubles scale = V::all(factor);
      const auto value = [&](std::int64_t k, auto mask) {
        return V::add(
            V::mul(V::mul(distance(k, mask), scale), V::load(mask, factors + k)),
            V::load(mask, terms + k));
      };
      if constexpr (fixed)
        fixed_row(c, x, y, base, count, factors, terms, row, value);
      else
        each([&](std::int64_t k, auto mask) {
          V::store_narrowed(mask, y.data + base + k, value(k, mask));
        });
    }
  }

 private:
  template <class Call, class X, class Y, class Value>
  static void fixed_row(const Call& c, const X& x, const Y& y, std::int64_t base, std::int64_t count,
                        const double* factors, const double* terms, double* row, const Value& value) {
    using T = typename Call::out_type;
    // Nothing is written before the row is decided: the output may lie over the data.
    const doubles inverse = V::all(1.0 / static_cast<double>(y.scale()));
    const doubles bound = V::all(1048576.0);
    bool close = false;
    V::each_doubles(count, [&](std::int64_t k, auto mask) {
      const doubles v = V::mul(value(k, mask), inverse);
      const doubles q = V::select(mask, V::select(V::template compare<_CMP_ORD_Q>(v, v), v, V::all(0.0)), V::all(0.0));  // NaN (0 / 0) is 0
      const doubles rest = V::sub(q, V::template rounded<_MM_FROUND_TO_NEAREST_INT>(q));
      const auto near = V::template compare<_CMP_GT_OQ>(V::abs(rest), V::all(0.5 - 0x1p-20));
      close |= V::any(V::both(near, V::template compare<_CMP_LT_OQ>(V::abs(q), bound)));
      V::store(mask, row + k, V::min(V::max(q, V::sub(V::all(0.0), bound)), bound));
    });
    if (close) [[unlikely]] {
      exact_row(c, x, y, base, count, factors, terms);
      return;
    }
    const auto lo = V::all(static_cast<std::int32_t>(min_value(T::code)) + y.offset()), hi = V::all(static_cast<std::int32_t>(max_value(T::code)) + y.offset());
    const auto zero = V::all(y.zero());
    V::each(count, [&](std::int64_t k, auto part) {
      const auto q = V::add(V::min(V::max(V::to_words(V::load(row + k), V::load(row + k + V::double_lanes)), lo), hi), zero);
      if constexpr (bits_of(T::code) == 8) V::store_low_bytes(part, y.data + base + k, q);
      else V::store_low_halves(part, y.data + base + k, q);
    });
  }
  /// The reference's row.
  template <class Call, class X, class Y>
  static void exact_row(const Call& c, const X& x, const Y& y, std::int64_t base, std::int64_t count,
                        const double* factors, const double* terms) {
    double mean = 0;
    if constexpr (centred) {
      for (std::int64_t k = 0; k < count; ++k) mean += x.real(base + k);
      mean /= static_cast<double>(count);
    }
    double square = 0;
    for (std::int64_t k = 0; k < count; ++k) {
      const double d = x.real(base + k) - mean;
      square += d * d;
    }
    const double factor =
        1.0 / math::sqrt(square / static_cast<double>(count) + static_cast<double>(c.params().epsilon));
    for (std::int64_t k = 0; k < count; ++k)
      store_rounded(y, base + k, (x.real(base + k) - mean) * factor * factors[k] + terms[k], c.rounding());
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
