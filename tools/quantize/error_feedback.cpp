// SPDX-License-Identifier: Apache-2.0
#include "error_feedback.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace qnnx::inline QNNX_ABI::quantizing {

void moments::add(const float* row) {
  ++rows;
  for (int i = 0; i < n; ++i) {
    const auto x = static_cast<double>(row[i]);
    if (x == 0) continue;  // half of what follows a Relu
    sum[static_cast<std::size_t>(i)] += x;
    double* out = product.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(n);
    for (int j = i; j < n; ++j) out[j] += x * static_cast<double>(row[j]);
  }
}

error_feedback::error_feedback(const moments& m, bool centred) : n_(m.n), order_(static_cast<std::size_t>(m.n)) {
  const auto n = static_cast<std::size_t>(n_);
  const auto product = [&](std::size_t i, std::size_t j) {
    if (i > j) std::swap(i, j);
    const double mean = centred && m.rows > 0 ? m.sum[i] * m.sum[j] / static_cast<double>(m.rows) : 0.0;
    return m.product[i * n + j] - mean;
  };
  double energy = 0;
  for (std::size_t i = 0; i < n; ++i) energy += std::max(product(i, i), 0.0) / static_cast<double>(n);
  const double damping = energy > 0 ? 0.01 * energy : 1.0;  // GPTQ's; without any input all weights count the same
  std::iota(order_.begin(), order_.end(), 0);
  std::stable_sort(order_.begin(), order_.end(), [&](int a, int b) {
    return product(static_cast<std::size_t>(a), static_cast<std::size_t>(a)) > product(static_cast<std::size_t>(b), static_cast<std::size_t>(b));
  });
  upper_.assign(n * n, 0.0);
  // H = U U^T from the last column to the first: U_ij = (H_ij - sum_{k>j} U_ik U_jk) / U_jj
  for (std::size_t j = n; j-- > 0;)
    for (std::size_t i = j + 1; i-- > 0;) {
      double v = product(static_cast<std::size_t>(order_[i]), static_cast<std::size_t>(order_[j])) + (i == j ? damping : 0.0);
      const double* a = upper_.data() + i * n;
      const double* b = upper_.data() + j * n;
      for (std::size_t k = j + 1; k < n; ++k) v -= a[k] * b[k];
      upper_[i * n + j] = i == j ? std::sqrt(std::max(v, 0.5 * damping)) : v / b[j];
    }
}

std::vector<std::int64_t> error_feedback::round(const std::vector<double>& weights, const grid& g) const {
  const auto n = static_cast<std::size_t>(n_);
  std::vector<std::int64_t> nearest(n);
  std::vector<std::int64_t> fed(n);
  std::vector<double> pull(n, 0.0);  // sum_{i<j} U_ij d_i
  for (std::size_t j = 0; j < n; ++j) {
    const auto at = static_cast<std::size_t>(order_[j]);
    nearest[at] = quantize_value(weights[at], g);
    fed[at] = quantize_value(weights[at] - pull[j] / upper_[j * n + j], g);
    const double d = dequantize_value(fed[at], g) - weights[at];
    for (std::size_t k = j + 1; k < n; ++k) pull[k] += upper_[j * n + k] * d;
  }
  return error(weights, fed, g) < error(weights, nearest, g) ? fed : nearest;
}

double error_feedback::error(const std::vector<double>& weights, const std::vector<std::int64_t>& q, const grid& g) const {
  const auto n = static_cast<std::size_t>(n_);
  std::vector<double> terms(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(order_[i]);
    const double d = dequantize_value(q[at], g) - weights[at];
    for (std::size_t k = i; k < n; ++k) terms[k] += upper_[i * n + k] * d;
  }
  double sum = 0;
  for (double t : terms) sum += t * t;
  return sum;
}

}  // namespace qnnx::inline QNNX_ABI::quantizing
