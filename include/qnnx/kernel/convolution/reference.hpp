// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of the convolution family: the formulas, in row-major order of the output. Layer 5a.

#include "qnnx/kernel/convolution/conv2d_reference.hpp"
#include "qnnx/kernel/convolution/depthwise_reference.hpp"
#include "qnnx/kernel/convolution/fully_connected_reference.hpp"
#include "qnnx/kernel/convolution/matmul_reference.hpp"
#include "qnnx/kernel/convolution/transpose_conv_reference.hpp"
