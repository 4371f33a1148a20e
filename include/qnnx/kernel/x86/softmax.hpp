// SPDX-License-Identifier: Apache-2.0
#pragma once
// Softmax along the last axis on vectors V; other axes: softmax_lines.hpp.
//   float  beta 1: exponentials in float, with what the difference to the maximum loses (float_functions.hpp), their sum
//          in double: within 4 units in the last place; another beta: in double, within one (real_functions.hpp)
//   8 bit  the reference's table of 32-bit words (softmax_bytes, by the set); the sum is exact, the quotient in float
//          decides the integer unless it lies within 2^-12 of a tie (it is wrong by less than 2^-13 below 2^9; results
//          above saturate): then the reference's double division. Not TFLite's form
//   16 bit softmax_16.hpp
// Layer 5a.

#include "qnnx/kernel/softmax/reference.hpp"
#include "qnnx/kernel/x86/float_functions.hpp"
#include "qnnx/kernel/x86/softmax_16.hpp"
#include "qnnx/kernel/x86/softmax_bytes.hpp"
#include "qnnx/kernel/x86/softmax_lines.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V>
struct softmax_kernel : answers_as<op::softmax> {
  using floats = typename V::floats;
  using doubles = typename V::doubles;

  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::f32(types::f32)> || std::is_same_v<Sig, types::f16(types::f16)> || std::is_same_v<Sig, types::u8(types::u8)> ||
      std::is_same_v<Sig, types::s8(types::s8)> || is_half_signature<Sig>;

  /// The exponentials of one row of floats or of 16-bit data.
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    if (const int axis = op::along_axis::resolved(p, f.c.dims(0).rank()); axis != f.c.dims(0).rank() - 1) return line_scratch<V>(f, axis);
    if (is_fixed(f.c.out(0).type) && bits_of(f.c.out(0).type) == 16)
      return (f.c.dims(0)[f.c.dims(0).rank() - 1] + V::half_lanes - 1) / V::half_lanes * V::half_lanes * 8;
    return is_fixed(f.c.out(0).type) ? 0 : (f.c.dims(0)[f.c.dims(0).rank() - 1] + 8) * 8;
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    if (const int axis = op::along_axis::resolved(c.params(), x.rank()); axis != x.rank() - 1) {
      if (!softmax_lines<V, false, Call>(c, axis).run()) reference::run(c);
      return;
    }
    const std::int64_t count = x.extent(x.rank() - 1);
    if constexpr (is_half_data<typename Call::out_type>) {
      if (!softmax_of_halves<V, Call>(c, count).run()) reference::run(c);
    } else if constexpr (is_fixed_v<typename Call::out_type>) {
      if (c.rounding().mode() == rounding_mode::tflite || y.zero() > 1024 || y.zero() < -1024) return reference::run(c);
      softmax_bytes(V{}, c, c.constants(), count);
    } else if (c.params().beta == 1.0f) {
      plain_rows(x.data, y.data, x.size(), count, reinterpret_cast<float*>(c.scratch()));
    } else {
      float_rows(c, x, y, count);
    }
  }

 private:
  /// The first value, or a larger one: of a row that begins with NaN, NaN; other NaN are skipped, as in the reference.
  template <class Real>
  static float largest(const Real* from, std::int64_t count) {
    const auto first = static_cast<float>(from[0]);
    if (first != first) return first;
    floats most = V::all(first);
    V::each(count, [&](std::int64_t k, auto part) {
      most = V::select(part, V::max(V::load(part, from + k), most), most);  // of a NaN the second
    });
    return V::largest(most);
  }
  /// The exponentials of a row stand where its results will, of 16-bit floats in scratch.
  template <class Real>
  static void plain_rows(const Real* x, Real* y, std::int64_t size, std::int64_t count, float* scratch) {
    for (std::int64_t base = 0; base < size; base += count) {
      const Real* from = x + base;
      float* made = scratch;
      if constexpr (std::is_same_v<Real, float>) made = y + base;
      const floats most = V::all(largest(from, count));
      doubles even = V::all(0.0);
      doubles odd = V::all(0.0);
      V::each(count, [&](std::int64_t k, auto part) {
        const floats v = V::select(part, V::load(part, from + k), most);
        const floats d = V::sub(v, most);
        const floats back = V::sub(d, v);  // exact sum of two: v - most = d + lost
        const floats lost = V::sub(V::sub(v, V::sub(d, back)), V::add(most, back));
        const auto near = V::template compare<_CMP_NLE_UQ>(d, V::all(-150.0f));  // NaN too
        const floats e = exp_in_range<V>(V::select(near, d, V::all(-150.0f)), V::keep(near, lost));
        const floats kept = V::select(part, e, V::all(0.0f));
        even = V::add(even, V::low_half(kept));
        odd = V::add(odd, V::high_half(kept));
        V::store(part, made + k, kept);
      });
      const floats share = V::all(static_cast<float>(1.0 / V::total(V::add(even, odd))));
      V::each(count, [&](std::int64_t k, auto part) { V::store(part, y + base + k, V::mul(V::load(part, made + k), share)); });
    }
  }
  template <class Call, class X, class Y>
  static void float_rows(const Call& c, const X& x, const Y& y, std::int64_t count) {
    const std::int64_t rows = x.size() / count;
    auto* made = reinterpret_cast<double*>(c.scratch());
    const doubles beta = V::all(static_cast<double>(c.params().beta));
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto* from = x.data + r * count;
      const doubles most = V::all(static_cast<double>(largest(from, count)));
      doubles sum = V::all(0.0);
      V::each_doubles(count, [&](std::int64_t k, auto part) {
        const doubles e = exp_vector<V>(V::mul(V::sub(V::load_widened(part, from + k), most), beta));
        sum = V::select(part, V::add(sum, e), sum);
        V::store(part, made + k, e);
      });
      const doubles share = V::all(1.0 / V::total(sum));
      V::each_doubles(count, [&](std::int64_t k, auto part) {
        V::store_narrowed(part, y.data + r * count + k, V::mul(V::load(part, made + k), share));
      });
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
