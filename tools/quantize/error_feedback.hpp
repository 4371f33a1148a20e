// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rounding a row of weights so that what it computes moves least, not so that each weight moves least. With d = stored
// minus exact weights and H = the sum of x x^T over inputs x, the squared error of the outputs is d^T H d. H = U U^T with
// U upper triangular turns that into sum_j (sum_{i<=j} U_ij d_i)^2, which is made small term by term: weight j is aimed
// at the value that would make term j zero, given the weights before it, and then rounded to nearest. That is GPTQ
// (arXiv 2210.17323), equally Babai's nearest plane. Deterministic; double arithmetic. Layer 6b.

#include <cstdint>
#include <vector>

#include "qnnx/quant/range.hpp"

namespace qnnx::inline QNNX_ABI::quantizing {

/// Sums over input rows of n values: of the rows and of their products (upper triangle, row major, n x n).
struct moments {
  explicit moments(int size) : n(size), sum(static_cast<std::size_t>(n), 0.0), product(static_cast<std::size_t>(n) * static_cast<std::size_t>(n), 0.0) {}
  int n = 0;
  std::int64_t rows = 0;
  std::vector<double> sum;
  std::vector<double> product;
  void add(const float* row);
};

/// Rounds rows of n weights against one set of moments.
class error_feedback {
 public:
  /// `centred`: the mean of the error does not count, because a bias takes it out afterwards.
  error_feedback(const moments& m, bool centred);
  /// Stored values of the row, within the grid; nearest rounding where feedback would not lower the error.
  std::vector<std::int64_t> round(const std::vector<double>& weights, const grid& g) const;
  /// d^T H d for stored values q, with the damping that keeps H invertible.
  double error(const std::vector<double>& weights, const std::vector<std::int64_t>& q, const grid& g) const;

 private:
  int n_ = 0;
  std::vector<int> order_;     // inputs with the most energy first: they leave the most to the others
  std::vector<double> upper_;  // U in that order
};

}  // namespace qnnx::inline QNNX_ABI::quantizing
