// SPDX-License-Identifier: Apache-2.0
// libFuzzer entry of the TFLite front end: whatever the bytes are, the answer is a net that freezes or one line.
#include <cstdint>
#include <cstdlib>

#include "frontend/tflite/tflite.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* first = reinterpret_cast<const std::byte*>(data);
  try {
    const qnnx::net n = qnnx::tflite::import_bytes({first, first + size}, "fuzz.tflite");
    n.freeze();
  } catch (const qnnx::error& e) {
    for (const char* c = e.what(); *c; ++c)
      if (*c == '\n') std::abort();  // one line
  }
  return 0;
}
