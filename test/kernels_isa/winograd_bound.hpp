// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which float convolutions take Winograd's form, told by the size of their packed weights, and how far their results may
// be from the reference's: the bound of kernel/x86/winograd_floats.hpp for one, n u / (1 - n u) (|bias| + sum |x w|) for
// the other, of the data at hand.

#include <cmath>
#include <vector>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/node_needs.hpp"

namespace qnnx::isa_test {

/// The kernel of node k packs 16 values for the 9 of a channel.
inline bool winograd_form(const kernel_entry& e, const graph_view& g, int k) {
  const node_desc& n = g.nodes[k];
  if (n.op->name != op::conv2d::name || e.types.out != dtype::float_32) return false;
  const tensor_desc& w = g.tensors[n.inputs[1]];
  if (w.dims[0] != 3 || w.dims[1] != 3 || w.dims[3] < 16) return false;
  const facts_storage facts(g, k);
  return e.packed_bytes(facts.get(), n.params) >= std::int64_t{16} * w.dims[2] * ((w.dims[3] + 7) / 8 * 8) * 4;
}
/// In the table of `isa`.
inline bool winograd_form(const std::string& isa, const graph_view& g, int k) {
  const bound_context b(g, g.nodes[k]);
  const kernel_entry* e = find_kernel(kernel_table(isa), *g.nodes[k].op, b.get());
  return e && e->isa == isa && winograd_form(*e, g, k);
}

/// Per result of node 0 (a 3x3 convolution of stride 1), before its activation: |fast - reference|.
inline std::vector<double> winograd_bounds(const graph_view& g, const float* x, const float* w, const float* bias) {
  constexpr double u = 0x1p-24;
  const node_desc& n = g.nodes[0];
  const auto p = from_words<op::conv2d::params>(n.params);
  const shape& in = g.tensors[n.inputs[0]].dims;
  const shape& out = g.tensors[n.outputs[0]].dims;
  const int depth = in[3], channels = out[3];
  const auto growth = [](double m) { return m * u / (1 - m * u); };
  constexpr double share[2][3] = {{2, 1, 1}, {1, 1, 2}};
  std::vector<double> r;
  for (int b = 0; b < out[0]; ++b)
    for (int oh = 0; oh < out[1]; ++oh)
      for (int ow = 0; ow < out[2]; ++ow) {
        const auto at = [&](int h, int v, int c) -> double {
          h -= static_cast<int>(p.pad_amount[0]), v -= static_cast<int>(p.pad_amount[2]);
          return h < 0 || h >= in[1] || v < 0 || v >= in[2] ? 0 : std::fabs(x[((b * in[1] + h) * in[2] + v) * depth + c]);
        };
        std::vector<double> most(static_cast<std::size_t>(depth));  // of a tile
        for (int c = 0; c < depth; ++c)
          for (int i = 0; i < 16; ++i) most[static_cast<std::size_t>(c)] = std::max(most[static_cast<std::size_t>(c)], at(oh / 2 * 2 + i / 4, ow / 2 * 2 + i % 4, c));
        for (int o = 0; o < channels; ++o) {
          double tile = 0, window = 0;
          for (int i = 0; i < 3; ++i)
            for (int j = 0; j < 3; ++j)
              for (int c = 0; c < depth; ++c) {
                const double weight = std::fabs(w[((i * 3 + j) * depth + c) * channels + o]);
                tile += most[static_cast<std::size_t>(c)] * share[oh % 2][i] * share[ow % 2][j] * weight;
                window += at(oh + i, ow + j, c) * weight;
              }
          const double first = bias ? std::fabs(bias[o]) : 0;
          r.push_back(growth(depth + 8) * (first + 4 * tile) + growth(9 * depth + 2) * (first + window));
        }
      }
  return r;
}

}  // namespace qnnx::isa_test
