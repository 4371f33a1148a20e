// SPDX-License-Identifier: Apache-2.0
#pragma once
// ElementWiseAdd and the forms of ElementWiseBinary on vectors V: floats (add, subtract, multiply, divide, maximum,
// minimum, squares by power 2: one rounding each; squared differences, the reference's bits; 16-bit floats: rounded to float, then to 16 bits, as
// there), 8-bit data (add, subtract, multiply, divide, squared difference, maximum, minimum; with AVX-512 the last two by tables of what each byte of an
// operand becomes) and 16-bit data (elementwise_16.hpp). Broadcasts are walked as rows in which an operand is contiguous or
// constant; other operations and broadcasts run the reference. Layer 5a.

#include "qnnx/kernel/elementwise/binary.hpp"
#include "qnnx/kernel/elementwise/broadcast_rows.hpp"
#include "qnnx/kernel/x86/byte_products.hpp"
#include "qnnx/kernel/x86/byte_reals.hpp"
#include "qnnx/kernel/x86/digit_sum.hpp"
#include "qnnx/kernel/x86/elements.hpp"
#include "qnnx/kernel/x86/elementwise_16.hpp"
#include "qnnx/kernel/x86/finish.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// Operands of a row: bytes as words, or one value. tail(): the same of the last `count` < a vector of bytes, copied.
template <class V, bool Signed>
struct moving_bytes {
  using words = typename V::words;
  const std::uint8_t* p;
  QNNX_INLINE words operator()(std::int64_t i) const { return V::template load_bytes<Signed>(p + i); }
  template <class Part>
  QNNX_INLINE words operator()(std::int64_t i, Part part) const { return V::template load_bytes<Signed>(part, p + i); }
  QNNX_INLINE moving_bytes tail(std::uint8_t* to, std::int64_t i, std::int64_t count) const {
    copy_few<V::byte_lanes>(to, p + i, count);
    return {to};
  }
};
template <class V>
struct still_bytes {
  using words = typename V::words;
  words v;
  QNNX_INLINE words operator()(std::int64_t) const { return v; }
  template <class Part>
  QNNX_INLINE words operator()(std::int64_t, Part) const { return v; }
  QNNX_INLINE still_bytes tail(std::uint8_t*, std::int64_t, std::int64_t) const { return *this; }
};

/// 8-bit row: y = combine(a, b) + zero, clamped to [lo, hi]; combine sees values without offsets.
template <class V, bool Signed, class Combine>
QNNX_INLINE void byte_row(const std::uint8_t* a, bool fixed_a, const std::uint8_t* b, bool fixed_b, std::uint8_t* y,
                          std::int64_t n, std::int32_t zero, std::int32_t lo, std::int32_t hi, Combine&& combine) {
  using words = typename V::words;
  const auto one = [](const std::uint8_t* p) {
    return Signed ? static_cast<std::int32_t>(static_cast<std::int8_t>(*p)) : static_cast<std::int32_t>(*p);
  };
  const words low = V::all_bytes(lo);
  const words high = V::all_bytes(hi);
  const words z = V::all_halves(zero);
  const auto block = [&](auto load_a, auto load_b) {
    words q[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) q[v] = combine(load_a(v), load_b(v));
    return V::template saturated_bytes<Signed>(q, z, low, high);
  };
  const auto rows = [&](auto of_a, auto of_b) {
    std::int64_t i = 0;
    for (; i + V::byte_lanes <= n; i += V::byte_lanes)
      V::store_vector(y + i, block([&](int v) { return of_a(i + V::lanes * v); }, [&](int v) { return of_b(i + V::lanes * v); }));
    if (i == n) return;
    if constexpr (requires { V::first_bytes(n); }) {
      const auto mask = [&](int v) { return n - i - V::lanes * v <= 0 ? V::first(0) : V::first(n - i - V::lanes * v); };
      const words last = block([&](int v) { return of_a(i + V::lanes * v, mask(v)); },
                               [&](int v) { return of_b(i + V::lanes * v, mask(v)); });
      V::store_vector(V::first_bytes(n - i), y + i, last);
    } else {
      std::uint8_t tail_a[V::byte_lanes] = {};
      std::uint8_t tail_b[V::byte_lanes] = {};
      const auto rest_a = of_a.tail(tail_a, i, n - i);
      const auto rest_b = of_b.tail(tail_b, i, n - i);
      std::uint8_t result[V::byte_lanes];
      V::store_vector(result, block([&](int v) { return rest_a(V::lanes * v); }, [&](int v) { return rest_b(V::lanes * v); }));
      copy_few<V::byte_lanes>(y + i, result, n - i);
    }
  };
  const words all_a = V::all(fixed_a ? one(a) : 0);
  const words all_b = V::all(fixed_b ? one(b) : 0);
  using moving = moving_bytes<V, Signed>;
  using still = still_bytes<V>;
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
template <class V, bool Even>
struct quick_sum {
  using words = typename V::words;
  words m0, m1, constant, ties, shift;
  quick_sum(const std::int32_t* k, std::int32_t offset_a, std::int32_t offset_b, bool subtract)
      : shift(V::all(k[6])) {
    const auto a = static_cast<std::uint32_t>(k[0]);
    const std::uint32_t b = subtract ? 0u - static_cast<std::uint32_t>(k[2]) : static_cast<std::uint32_t>(k[2]);
    m0 = V::all(static_cast<std::int32_t>(a));
    m1 = V::all(static_cast<std::int32_t>(b));
    constant = V::all(static_cast<std::int32_t>(
        a * static_cast<std::uint32_t>(offset_a) + b * static_cast<std::uint32_t>(offset_b) + (1u << (k[6] - 1))));
    ties = V::all(static_cast<std::int32_t>((1u << k[6]) - 1u));
  }
  QNNX_INLINE words operator()(words a, words b) const {
    const words sum =
        V::add(V::add(V::mul(a, m0), constant), V::mul(b, m1));
    const words q = V::shifted_right(sum, shift);
    return Even ? V::even_where_none(q, sum, ties) : q;
  }
};

template <class V, class Storage, class Combine>
QNNX_INLINE void float_row(const Storage* a, bool fixed_a, const Storage* b, bool fixed_b, Storage* y, std::int64_t n,
                           const epilogue& e, Combine&& combine) {
  const auto all_a = V::all(fixed_a ? static_cast<float>(*a) : 0.0f);
  const auto all_b = V::all(fixed_b ? static_cast<float>(*b) : 0.0f);
  V::each(n, [&](std::int64_t i, auto part) {
    const auto xa = fixed_a ? all_a : V::load(part, a + i);
    const auto xb = fixed_b ? all_b : V::load(part, b + i);
    V::store(part, y + i, V::activate(combine(xa, xb), e.act, e.lo, e.hi));
  });
}

/// Whether one operand is a single row that meets every row of the other: channels of an image, say.
template <class A, class B, class Y>
bool row_meets_all(const broadcast_rows& rows, const A& a, const B& b, const Y& y) {
  if (rows.fixed_a || rows.fixed_b || y.size() == rows.length) return false;
  return (a.size() == rows.length && b.size() == y.size()) || (b.size() == rows.length && a.size() == y.size());
}

/// f(a, b, y, n) for every row. A single short row is written down several times, so that vectors are full.
template <class A, class B, class Y, class F>
QNNX_INLINE void each_row(const broadcast_rows& rows, const A& a, const B& b, const Y& y, F&& f) {
  using storage = std::remove_const_t<std::remove_pointer_t<decltype(y.data)>>;
  constexpr std::int64_t most = 1024 / sizeof(storage);
  const std::int64_t n = rows.length, all = y.size();
  if (2 * n <= most && row_meets_all(rows, a, b, y)) {
    storage repeated[most];
    const bool of_a = a.size() == n;
    const std::int64_t times = all / n < most / n ? all / n : most / n;
    for (std::int64_t t = 0; t < times; ++t) std::memcpy(repeated + t * n, of_a ? a.data : b.data, static_cast<std::size_t>(n) * sizeof(storage));
    const std::int64_t step = times * n;
    for (std::int64_t i = 0; i < all; i += step)
      f(of_a ? repeated : a.data + i, of_a ? b.data + i : repeated, y.data + i, all - i < step ? all - i : step);
    return;
  }
  rows.each(a, b, y, [&](std::int64_t i, std::int64_t ia, std::int64_t ib) { f(a.data + ia, b.data + ib, y.data + i, n); });
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
  return same && (std::is_same_v<out, types::f32> || std::is_same_v<out, types::f16> || is_byte_v<out> || is_half_data<out>);
}

template <class Op, class V>
struct elementwise_kernel : answers_as<Op> {
  using params = typename Op::params;
  using reference = impl<Op, isa::reference>;
  using floats = typename V::floats;
  using words = typename V::words;
  using shifted = typename shifted_scale_of<V::lanes>::type;

  /// Powers of integers and squared differences of 16-bit floats have no vector form.
  template <class T>
  static constexpr bool takes_type = is_fixed_v<T> ? !std::is_same_v<Op, op::elementwise_power>
                                                   : std::is_same_v<T, types::f32> || !std::is_same_v<Op, op::elementwise_squared_difference>;
  template <class Sig>
  static constexpr bool supports = same_types<Sig>() && takes_type<typename qnnx::detail::signature_types<Sig>::out>;

  /// Whether the op may be one of these operations: the code of the others is not made.
  template <class... O>
  static constexpr bool may(O... o) {
    if constexpr (std::is_same_v<Op, op::elementwise_binary>) return sizeof...(o) > 0;
    else return ((operation_of<Op>(params{}) == o) || ...);
  }

  template <class Call>
  static void run(const Call& c) {
    const broadcast_rows rows(c.template in<0>(), c.template in<1>(), c.out());
    const op::binary what = operation_of<Op>(c.params());
    if constexpr (is_half_data<typename Call::out_type>) {
      if (rows.length < 4) return reference::run(c);
      const bool done = sixteen_bit_elementwise<Op, V>::run(c, rows, what, [](auto... o) { return may(o...); });
      if (!done) reference::run(c);
    } else {
      if (rows.length < 4 && !row_meets_all(rows, c.template in<0>(), c.template in<1>(), c.out())) return reference::run(c);
      run_rows(c, rows, what);
    }
  }

 private:
  template <class Call>
  static void run_rows(const Call& c, const broadcast_rows& rows, op::binary what) {
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    if constexpr (is_fixed_v<typename Call::out_type>) {
      if (y.zero() > 1024 || y.zero() < -1024) return reference::run(c);
    }
    if constexpr (is_float_v<typename Call::out_type>) {
      const auto each = [&](auto combine) {
        each_row(rows, a, b, y, [&](const auto* p, const auto* q, auto* to, std::int64_t n) {
          float_row<V>(p, rows.fixed_a, q, rows.fixed_b, to, n, c.epi(), combine);
        });
      };
      const auto made = [&]<op::binary O>(auto combine) {
        if constexpr (may(O)) {
          if (what != O) return false;
          each(combine);
          return true;
        } else {
          return (void)combine, false;
        }
      };
      using enum op::binary;
      if (made.template operator()<add>([](floats p, floats q) { return V::add(p, q); })) return;
      if (made.template operator()<subtract>([](floats p, floats q) { return V::sub(p, q); })) return;
      if (made.template operator()<multiply>([](floats p, floats q) { return V::mul(p, q); })) return;
      if (made.template operator()<divide>([](floats p, floats q) { return V::div(p, q); })) return;
      // a NaN on either side: the first
      if (made.template operator()<maximum>([](floats p, floats q) { return V::max(q, p); })) return;
      if (made.template operator()<minimum>([](floats p, floats q) { return V::min(q, p); })) return;
      if constexpr (may(squared_difference) && std::is_same_v<typename Call::out_type, types::f32>) {
        if (what == squared_difference)
          return each_row(rows, a, b, y, [&](const auto* p, const auto* q, auto* to, std::int64_t n) {
            squared_differences<V>(p, rows.fixed_a, q, rows.fixed_b, to, n, c.epi());
          });
      }
      if (b.size() == 1 && b.load(0) == 2.0f)
        if (made.template operator()<power>([](floats p, floats) { return V::mul(p, p); })) return;
      reference::run(c);
    } else {
      const std::int32_t* k = c.constants();
      const rounding_mode mode = c.rounding().mode();
      constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
      /// f(a, b, y, n) for every row, as bytes.
      const auto each_bytes = [&](const auto& f) {
        each_row(rows, a, b, y, [&](const auto* p, const auto* q, auto* to, std::int64_t n) {
          f(reinterpret_cast<const std::uint8_t*>(p), reinterpret_cast<const std::uint8_t*>(q), reinterpret_cast<std::uint8_t*>(to), n);
        });
      };
      const auto each = [&](const auto& combine) {
        each_bytes([&](const std::uint8_t* p, const std::uint8_t* q, std::uint8_t* to, std::int64_t n) {
          byte_row<V, is_signed>(p, rows.fixed_a, q, rows.fixed_b, to, n, y.zero(), k[0], k[1], combine);
        });
      };
      const words offset_a = V::all(a.offset());
      const words offset_b = V::all(b.offset());
      const auto each_real = [&](const auto& combine) {
        each([&](words p, words q) {
          return combine(V::add(p, offset_a), V::add(q, offset_b));
        });
      };
      const bool subtract = what == op::binary::subtract;
      if constexpr (may(op::binary::add, op::binary::subtract)) {
        if ((what == op::binary::add || subtract) && vector_add_of<V::lanes>::fits(k + 2, mode)) {
          if (mode != rounding_mode::tflite && y.size() >= 4096) {  // as long as the search for ties pays
            const digit_sum<V, is_signed> sum(k + 2, a.offset(), b.offset(), y.zero(), k[0], k[1], subtract);
            if (sum.fits() && (mode == rounding_mode::half_up || !sum.has_ties()))
              return sum.rows([&](const auto& row) {
                each_bytes([&](const std::uint8_t* p, const std::uint8_t* q, std::uint8_t* to, std::int64_t n) {
                  row(p, rows.fixed_a, q, rows.fixed_b, to, n);
                });
              });
          }
          if (mode == rounding_mode::rne) return each(quick_sum<V, true>(k + 2, a.offset(), b.offset(), subtract));
          if (mode == rounding_mode::half_up) return each(quick_sum<V, false>(k + 2, a.offset(), b.offset(), subtract));
          const vector_add_of<V::lanes> add(k + 2, mode);
          if (subtract) return each_real([&](words p, words q) { return add.difference(p, q); });
          return each_real(add);
        }
      }
      if constexpr (may(op::binary::maximum, op::binary::minimum)) {
        if (what == op::binary::maximum || what == op::binary::minimum) {
          const bool larger = what == op::binary::maximum;
          if (a.scale() == y.scale() && b.scale() == y.scale() && a.offset() == y.offset() && b.offset() == y.offset())
            return each_bytes([&](const std::uint8_t* p, const std::uint8_t* q, std::uint8_t* to, std::int64_t n) {
              const words lo = V::all_bytes(k[0]), hi = V::all_bytes(k[1]);
              each_byte_vector<V>(p, rows.fixed_a, q, rows.fixed_b, to, n, [&](words u, words w) {
                const words picked = larger ? V::template max_bytes<is_signed>(u, w) : V::template min_bytes<is_signed>(u, w);
                return V::template min_bytes<is_signed>(V::template max_bytes<is_signed>(picked, lo), hi);
              });
            });
          const auto pick = [larger](words p, words q) {
            return larger ? V::max(p, q) : V::min(p, q);
          };
          const auto picked = [&](const auto& scale_a, const auto& scale_b) {
            if constexpr (requires(words w) { byte_table_of<V>(nullptr)(w); }) {
              if (y.size() >= 4096) return by_tables(c, rows, larger, scale_a, scale_b);
            }
            each_real([&](words p, words q) { return pick(scale_a(p), scale_b(q)); });
          };
          const vector_multiplier v = vector_form({k[2], k[3]}, mode);
          const vector_multiplier w = vector_form({k[4], k[5]}, mode);
          if (v.rne_fits && w.rne_fits) {
            const floats m = V::all(v.factor);
            const floats n = V::all(w.factor);
            return picked([&](words p) { return scale_rne(p, m); }, [&](words q) { return scale_rne(q, n); });
          }
          if (v.shifted_fits && w.shifted_fits) {
            const bool twice = mode == rounding_mode::tflite;
            return picked(shifted(V::all(v.mantissa), V::all(v.shift), twice), shifted(V::all(w.mantissa), V::all(w.shift), twice));
          }
        }
      }
      if constexpr (may(op::binary::multiply)) {
        if (what == op::binary::multiply) {
          const vector_multiplier v = vector_form({k[2], k[3]}, mode);
          if (byte_products<V, is_signed>::fits(v, a.offset(), b.offset())) {
            const byte_products<V, is_signed> product(v, a.offset(), b.offset(), y.zero(), k[0], k[1]);
            return each_bytes([&](const std::uint8_t* p, const std::uint8_t* q, std::uint8_t* to, std::int64_t n) {
              product.row(p, rows.fixed_a, q, rows.fixed_b, to, n);
            });
          }
          if (v.rne_fits) {
            const floats m = V::all(v.factor);
            return each_real([&](words p, words q) { return scale_rne(V::mul(p, q), m); });
          }
          if (v.shifted_fits) {
            const shifted scale(V::all(v.mantissa), V::all(v.shift), mode == rounding_mode::tflite);
            return each_real([&](words p, words q) { return scale(V::mul(p, q)); });
          }
        }
      }
      if constexpr (may(op::binary::divide, op::binary::squared_difference)) {
        const bool divide = what == op::binary::divide;
        const bool fixed_point = is_signed && mode == rounding_mode::tflite;  // TFLite's squares
        if (has_real_zero(y) && (divide || (what == op::binary::squared_difference && !fixed_point)))
          return each_real(real_combination<V>(a, b, y, mode, divide));
      }
      return reference::run(c);
    }
  }

 private:
  /// The larger (smaller) of two rescaled bytes: rounding and clamping keep their order, so each operand has a table.
  template <class Call, class Rows, class ScaleA, class ScaleB>
  static void by_tables(const Call& c, const Rows& rows, bool larger, const ScaleA& scale_a, const ScaleB& scale_b) {
    constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
    const auto a = c.template in<0>();
    const auto b = c.template in<1>();
    const auto y = c.out();
    const std::int32_t* k = c.constants();
    std::uint8_t every[256];
    for (int i = 0; i < 256; ++i) every[i] = static_cast<std::uint8_t>(i);
    const auto table = [&](std::int32_t offset, const auto& scale) {
      std::uint8_t made[256];
      byte_row<V, is_signed>(every, false, every, false, made, 256, y.zero(), k[0], k[1], [&](words p, words) { return scale(V::add(p, V::all(offset))); });
      return byte_table_of<V>(made);
    };
    const auto of_a = table(a.offset(), scale_a);
    const auto of_b = table(b.offset(), scale_b);
    rows.each(a, b, y, [&](std::int64_t i, std::int64_t ia, std::int64_t ib) {
      const auto* from_a = reinterpret_cast<const std::uint8_t*>(a.data) + ia;
      const auto* from_b = reinterpret_cast<const std::uint8_t*>(b.data) + ib;
      auto* to = reinterpret_cast<std::uint8_t*>(y.data) + i;
      V::each_bytes(rows.length, [&](std::int64_t at, auto part) {
        const words p = of_a(rows.fixed_a ? V::all_bytes(*from_a) : V::load_vector(part, from_a + at));
        const words q = of_b(rows.fixed_b ? V::all_bytes(*from_b) : V::load_vector(part, from_b + at));
        V::store_vector(part, to + at, larger ? V::template max_bytes<is_signed>(p, q) : V::template min_bytes<is_signed>(p, q));
      });
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
