// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reference kernels of ops that only move data. Layer 5a.

#include "qnnx/kernel/movement/join.hpp"
#include "qnnx/kernel/movement/rearrange.hpp"
