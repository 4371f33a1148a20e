// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of ops that move data by index, and of those that make indices. Layer 5a.

#include "qnnx/kernel/indexing/gather.hpp"
#include "qnnx/kernel/indexing/order.hpp"
