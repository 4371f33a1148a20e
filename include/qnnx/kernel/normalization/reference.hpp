// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of Batchnorm, LayerNorm and RmsNorm: the formula on real values in double, sums in index order,
// one rounding by the model's policy. A bias without encoding has the scale in * weight. Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/numeric/math.hpp"
#include "qnnx/op/normalization.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

/// Stores a real as the output's type.
template <class View, class Rounding>
void store_rounded(const View& y, std::int64_t i, double real, Rounding r) {
  using T = typename View::type;
  if constexpr (is_fixed_v<T>) {
    const std::int64_t q = round_real(real / static_cast<double>(y.scale()), r) - y.offset();
    y.store(i, clamp<std::int64_t>(q, min_value(T::code), max_value(T::code)));
  } else {
    y.store(i, static_cast<float>(real));
  }
}

/// Real value of weight i, per tensor or per axis 0.
template <class View>
double weight_value(const View& w, std::int64_t i, double otherwise) {
  if (!w.present()) return otherwise;
  if constexpr (is_fixed_v<typename View::type>) {
    return (static_cast<double>(w.load(i)) + w.q->offset_at(i)) * static_cast<double>(w.q->scale_at(i));
  } else {
    return static_cast<double>(w.load(i));
  }
}
template <class Bias, class X, class W>
double bias_value(const Bias& b, const X& x, const W& w, std::int64_t i) {
  if (!b.present()) return 0.0;
  if constexpr (is_fixed_v<typename Bias::type>) {
    if (!b.q->defined())
      return static_cast<double>(b.load(i)) * static_cast<double>(x.scale()) * (w.present() ? static_cast<double>(w.q->scale_at(i)) : 1.0);
  }
  return weight_value(b, i, 0.0);
}

template <>
struct impl<op::batchnorm, isa::reference> {
  static constexpr std::int64_t overlap(const node_facts& f, const no_params&, int input) {
    return input == 0 ? elementwise_overlap(f.c, 0) : -1;
  }
  static constexpr int independent_dims(const node_facts& f, const no_params&) { return every_dim(f) - 1; }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto b = c.template in<2>();
    const auto y = c.out();
    const std::int64_t channels = x.extent(x.rank() - 1);
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) {
      const std::int64_t o = i % channels;
      store_rounded(y, i, x.real(i) * weight_value(w, o, 1.0) + bias_value(b, x, w, o), c.rounding());
    }
  }
};

template <class Op>
  requires std::is_base_of_v<op::norm_over_axes, Op>
struct impl<Op, isa::reference> {
  using params = op::norm_params;

  /// Each group is read whole before it is written; over trailing axes groups are contiguous and in order.
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    const int rank = f.c.dims(0).rank();
    bool trailing = true;
    for (int i = 1; i < rank; ++i)
      if (Op::normalised(p, rank, i - 1) && !Op::normalised(p, rank, i)) trailing = false;
    return input == 0 && trailing ? elementwise_overlap(f.c, 0) : -1;
  }
  static constexpr int independent_dims(const node_facts& f, const params& p) {
    const int rank = f.c.dims(0).rank();
    int n = 0;
    while (n < rank && !Op::normalised(p, rank, n)) ++n;
    return n;
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto gamma = c.template in<1>();
    const auto beta = c.template in<2>();
    const auto y = c.out();
    const params& p = c.params();
    const int rank = x.rank();
    shape kept;   // sizes with the normalised axes at 1
    shape inner;  // sizes of the normalised axes, else 1
    std::array<std::int64_t, max_rank> stride{};
    std::int64_t step = 1;
    for (int i = rank - 1; i >= 0; --i) {
      stride[static_cast<std::size_t>(i)] = step;
      step *= x.extent(i);
    }
    for (int i = 0; i < rank; ++i) {
      const bool in = Op::normalised(p, rank, i);
      kept.push_back(in ? 1 : x.extent(i));
      inner.push_back(in ? x.extent(i) : 1);
    }
    const auto place = [&](const shape& s, std::int64_t k) {
      std::int64_t at = 0;
      for (int i = rank - 1; i >= 0; --i) {
        at += k % s[i] * stride[static_cast<std::size_t>(i)];
        k /= s[i];
      }
      return at;
    };
    const std::int64_t count = inner.size();
    for (std::int64_t g = 0, groups = kept.size(); g < groups; ++g) {
      const std::int64_t base = place(kept, g);
      double mean = 0;
      if constexpr (std::is_same_v<Op, op::layer_norm>) {
        for (std::int64_t k = 0; k < count; ++k) mean += x.real(base + place(inner, k));
        mean /= static_cast<double>(count);
      }
      double square = 0;
      for (std::int64_t k = 0; k < count; ++k) {
        const double d = x.real(base + place(inner, k)) - mean;
        square += d * d;
      }
      const double factor = 1.0 / math::sqrt(square / static_cast<double>(count) + static_cast<double>(p.epsilon));
      for (std::int64_t k = 0; k < count; ++k) {
        const std::int64_t at = base + place(inner, k);
        store_rounded(y, at, (x.real(at) - mean) * factor * weight_value(gamma, k, 1.0) + bias_value(beta, x, gamma, k), c.rounding());
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
