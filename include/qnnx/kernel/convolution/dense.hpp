// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of data times a matrix: what FullyConnected and MatMul share. Data element (row, k) lies at
// row * row_step + k * depth_step, matrix element (k, column) at k * depth_step + column * column_step. A block of
// columns is summed at once in the order of k; where the matrix is contiguous along k, integers go along k. Layer 5a.

#include "qnnx/kernel/convolution/accumulate.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

struct matrix_steps {
  std::int64_t row = 0;
  std::int64_t column = 0;
};

/// One element of a matrix that may be packed nibbles; those are addressed as the view does.
template <class Factor, class W>
QNNX_INLINE Factor matrix_element(const W& w, std::int64_t at) {
  if constexpr (is_packed_v<typename W::type>)
    return static_cast<Factor>(w.load(at));
  else
    return static_cast<Factor>(w.data[at]);
}

/// One row of the product: columns [0, columns) of the output from `index` on.
///   x at `data`, step `data_step` along k; w at `weights`, steps {k, column}.
template <class P, class Finish, class X, class W, class B>
void dense_row(const Finish& done, const X& x, std::int64_t data, std::int64_t data_step, const W& w,
               std::int64_t weights, matrix_steps step, const B& bias, std::int32_t columns, std::int32_t depth,
               std::int64_t index, std::int32_t offset) {
  using factor = typename P::factor;
  using sum_t = typename P::sum;
  constexpr std::int32_t lanes = 16;
  for (std::int32_t o = 0; o < columns;) {
    const std::int32_t count = columns - o < channel_block ? columns - o : channel_block;
    sum_t sum[channel_block] = {};
    sum_t data_sum{};
    const std::int64_t corner = weights + o * step.column;
    if constexpr (P::fixed && !is_packed_v<typename W::type>) {
      if (step.row == 1 && data_step == 1) {
        for (std::int32_t j = 0; j < count; ++j) {
          const auto* column = w.data + corner + j * step.column;
          const auto* row = x.data + data;
          sum_t part[lanes] = {};
          std::int32_t k = 0;
          for (; k + lanes <= depth; k += lanes)
            for (std::int32_t l = 0; l < lanes; ++l)
              P::add(part[l], static_cast<factor>(row[k + l] + offset), static_cast<factor>(column[k + l]));
          for (; k < depth; ++k) P::add(part[0], static_cast<factor>(row[k] + offset), static_cast<factor>(column[k]));
          for (std::int32_t l = 0; l < lanes; ++l) sum[j] += part[l];
        }
        for (std::int32_t k = 0; k < depth; ++k) data_sum += static_cast<sum_t>(data_factor<P>(x, data + k, offset));
        for (std::int32_t j = 0; j < count; ++j, ++o, ++index)
          done.store(index, o, finished<P>(sum[j], data_sum, o, o, w, bias));
        continue;
      }
    }
    if constexpr (!P::fixed) {
      if (bias.present())
        for (std::int32_t j = 0; j < count; ++j) sum[j] = bias.load(o + j);
    }
    for (std::int32_t k = 0; k < depth; ++k) {
      const factor v = data_factor<P>(x, data + k * data_step, offset);
      const std::int64_t at = corner + k * step.row;
      if constexpr (P::fixed) data_sum += static_cast<sum_t>(v);
      if (count == channel_block && step.column == 1)
        for (std::int32_t j = 0; j < channel_block; ++j) P::add(sum[j], v, matrix_element<factor>(w, at + j));
      else
        for (std::int32_t j = 0; j < count; ++j) P::add(sum[j], v, matrix_element<factor>(w, at + j * step.column));
    }
    for (std::int32_t j = 0; j < count; ++j, ++o, ++index)
      done.store(index, o, finished<P>(sum[j], data_sum, o, o, w, bias));
  }
}

}  // namespace qnnx::inline QNNX_ABI::kernel
