// SPDX-License-Identifier: Apache-2.0
#pragma once
// The hosted path: editable nets, interpreter, readers and writers. Link qnnx::runtime.

#include "qnnx/io/dlc.hpp"
#include "qnnx/io/emit_cpp.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/passes/optimize.hpp"
#include "qnnx/runtime/quantize.hpp"
