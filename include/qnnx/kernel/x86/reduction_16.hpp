// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reductions of 16-bit data on vectors V, the reference's bits. Along contiguous elements: pairs are added into words (as
// products with 1; unsigned values with their highest bit turned over), which go to 64 bits before they can overflow.
// Across rows: words, so up to 2^15 rows; finished in vectors. Layer 5a.

#include "qnnx/kernel/reduction/reference.hpp"
#include "qnnx/kernel/x86/halves.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// The sum of signed 16-bit values.
template <class V>
class half_sum {
 public:
  QNNX_INLINE void add(typename V::words v) {
    words_ = V::add_pair_products(words_, v, V::all_halves(1));
    if (--left_ == 0) flush();
  }
  std::int64_t total() {
    flush();
    return total_;
  }

 private:
  static constexpr int most = 1 << 14;  // pairs of up to 2^16 in magnitude
  QNNX_INLINE void flush() {
    total_ += static_cast<std::int64_t>(V::total(V::add(V::low_half(words_), V::high_half(words_))));
    words_ = V::all(0);
    left_ = most;
  }
  typename V::words words_ = V::all(0);
  int left_ = most;
  std::int64_t total_ = 0;
};

template <class Op, class V, class T>
struct sixteen_bit_reduction {
  using reference = impl<Op, isa::reference>;
  using words = typename V::words;
  using storage = typename T::storage;
  static constexpr op::reduction kind = Op::kind;
  static constexpr bool largest = kind == op::reduction::max;
  static constexpr bool picks = largest || kind == op::reduction::min;
  static constexpr bool is_signed = is_signed_fixed(T::code);
  static constexpr std::int32_t worst = largest ? static_cast<std::int32_t>(min_value(T::code)) : static_cast<std::int32_t>(max_value(T::code));

  static QNNX_INLINE words better(words a, words b) {
    return largest ? V::template max_halves<is_signed>(a, b) : V::template min_halves<is_signed>(a, b);
  }
  /// Contiguous elements become one: `length` at every place of `rows`.
  template <class Call, class Share>
  static void along(const Call& c, const walk& kept, const walk& rows, std::int64_t length, std::int64_t count, const Share& share) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    std::int64_t k = 0;
    each_place(kept, 0, [&](std::int64_t start) {
      if (!share.mine.holds(k)) return void(++k);
      if constexpr (picks) {
        words best = V::all_halves(worst);
        each_place(rows, start, [&](std::int64_t at) {
          V::each_halves(length, [&](std::int64_t i, auto part) {
            best = V::select_bytes(part, better(best, V::load_vector(part, x.data + at + i)), best);
          });
        });
        constexpr std::int32_t turn = (is_signed ? 0x8000 : 0) ^ (largest ? 0xffff : 0);  // so that the smallest is asked for
        const std::uint16_t found = V::smallest_half(V::xor_bits(best, V::all_halves(turn)));
        reference::store_picked(c, y, k++, static_cast<storage>(found ^ turn));
      } else {
        half_sum<V> sum;
        const words turn = V::all_halves(is_signed ? 0 : -32768);
        each_place(rows, start, [&](std::int64_t at) {
          V::each_halves(length, [&](std::int64_t i, auto part) {
            sum.add(V::select_bytes(part, V::xor_bits(turn, V::load_vector(part, x.data + at + i)), V::all(0)));
          });
        });
        const std::int64_t centre = (is_signed ? 0 : 32768) + x.offset();
        reference::store_sum(c, y, k++, sum.total() + count * centre, count);
      }
    });
  }
  /// Rows of `length` kept elements at every place of `rows`, those of the share. False: the reference has to do it.
  template <class Call, class Share>
  static bool across(const Call& c, const walk& rows, std::int64_t length, const walk& over, std::int64_t count, const Share& share) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (count > 32767 || !has_real_zero(x) || !has_real_zero(y)) return false;
    const std::int32_t* k = c.constants();
    const number_writer<V, is_signed> write(y.zero(), static_cast<std::int32_t>(min_value(T::code)), static_cast<std::int32_t>(max_value(T::code)));
    const auto each = [&](auto&& one) {
      std::int64_t row = 0;
      each_place(rows, 0, [&](std::int64_t start) {
        const slice own = share.of_row(row);
        V::each_halves(own.to - own.from, [&](std::int64_t i, auto part) { one(start + own.from + i, part, y.data + row * length + own.from + i); });
        ++row;
      });
    };
    const auto best_of = [&](std::int64_t from, auto part) {
      words best = V::load_vector(part, x.data + from);
      each_place(over, from, [&](std::int64_t at) { best = better(best, V::load_vector(part, x.data + at)); });
      return best;
    };
    if constexpr (picks) {
      if (k[2]) {
        each([&](std::int64_t from, auto part, storage* to) { V::store_vector(part, to, best_of(from, part)); });
        return true;
      }
    }
    const auto sum_of = [&](std::int64_t from, auto part) {
      const words more = V::all(static_cast<std::int32_t>(picks ? x.offset() : count * x.offset()));
      two_words<V> sum{more, more};
      const auto take = [&](const two_words<V>& v) { sum.even = V::add(sum.even, v.even), sum.odd = V::add(sum.odd, v.odd); };
      if constexpr (picks) take(numbers_of<V, is_signed>(best_of(from, part)));
      else each_place(over, from, [&](std::int64_t at) { take(load_numbers<V, is_signed>(part, x.data + at)); });
      return sum;
    };
    return with_scale<V>({k[0], k[1]}, c.rounding().mode(), 65536.0 * static_cast<double>(picks ? 1 : count), [&](const auto& scale) {
      each([&](std::int64_t from, auto part, storage* to) {
        const two_words<V> v = sum_of(from, part);
        write(part, to, scale(v.even), scale(v.odd));
      });
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
