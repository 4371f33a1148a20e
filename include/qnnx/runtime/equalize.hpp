// SPDX-License-Identifier: Apache-2.0
#pragma once
// Cross-layer equalization and high-bias absorption (arXiv 1906.04721, sections 4.1.1 and 4.1.2): what one layer's
// output channel is divided by, the next layer's weights for that channel are multiplied with. Relu commutes with
// positive factors, so the net computes the same, and weights of very different size per channel come closer. It helps
// weights with one scale per tensor; scales per channel have no use for it. Layer 6b.

#include <algorithm>
#include <cmath>

#include "qnnx/runtime/quantize.hpp"

namespace qnnx::inline QNNX_ABI {

/// Divisor of output channel i of layer 1 (and factor of input channel i of layer 2) for largest magnitudes r1 and r2
/// of those weights: sqrt(r1 / r2); both become sqrt(r1 * r2). 1 where a channel is dead.
inline double pair_divisor(double r1, double r2) { return r1 > 0 && r2 > 0 ? std::sqrt(r1 / r2) : 1.0; }

/// The same over a convolution, a depthwise one and a convolution: all three become cbrt(r1 * r2 * r3).
struct triple_divisors {
  double first = 1;   // between 1 and 2
  double second = 1;  // between 2 and 3
};
inline triple_divisors divisors_of_three(double r1, double r2, double r3) {
  if (!(r1 > 0 && r2 > 0 && r3 > 0)) return {};
  const double c = std::cbrt(r1 * r2 * r3);
  return {r1 / c, c / r3};
}

/// What moves from a bias into the next layer: the part of a channel that lies above the Relu's bend for all but one
/// in 740 values of a normal distribution. Without activation the whole mean moves.
inline double absorbed(double mean, double deviation, bool relu) {
  return relu ? std::max(0.0, mean - 3 * std::abs(deviation)) : mean;
}

struct equalize_report {
  int pairs = 0;
  int triples = 0;
  int relu6 = 0;   // became Relu: changes what the net computes
  int sweeps = 0;  // over all pairs and triples, until nothing moved by more than 1 in 10000
};

/// Equalizes Conv2d - Conv2d and Conv2d - DepthWiseConv2d - Conv2d where nothing else reads the tensors between and the
/// activation between is none, Relu or Relu6. Relu6 becomes Relu, as the SDK's tools do; other activations end a chain.
/// For optimized float nets (batch norms folded, activations fused), before calibration.
equalize_report equalize_layers(net& n);

/// High-bias absorption between the same layers, after equalize_layers. Mean and deviation of the channels before the
/// activation are measured on the samples: a Batchnorm here has its gamma and beta merged, and TFLite files have none
/// left. Layers that pad are no receivers, because their padding would not move along. Returns how many layers gave.
int absorb_biases(net& n, const sample_source& samples);

}  // namespace qnnx::inline QNNX_ABI
