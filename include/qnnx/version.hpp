// SPDX-License-Identifier: Apache-2.0
#pragma once
// The version of the headers; CMake's project version is the same (a test compares them). Layer 0.

#define QNNX_VERSION_MAJOR 0
#define QNNX_VERSION_MINOR 1
#define QNNX_VERSION_PATCH 0

namespace qnnx {
inline constexpr const char* version_text = "0.1.0";
}  // namespace qnnx
