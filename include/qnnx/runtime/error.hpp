// SPDX-License-Identifier: Apache-2.0
#pragma once
// The one exception of the hosted side: a clear line for the user. Files are named with place and remedy by whoever
// throws. Layer 6b.

#include <stdexcept>
#include <string>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

struct error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace qnnx::inline QNNX_ABI
