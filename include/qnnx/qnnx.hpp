// SPDX-License-Identifier: Apache-2.0
#pragma once
// The static path: everything that a hand-written or generated model needs. Headers only.

#include "qnnx/model/compose.hpp"
#include "qnnx/model/layers.hpp"
#include "qnnx/model/model.hpp"
