// SPDX-License-Identifier: Apache-2.0
// libFuzzer entry of the ONNX front end: whatever the bytes are, the answer is a net that freezes or one line.
// Symbolic sizes get a value, so that damaged dynamic models reach the translators.
#include <cstdint>
#include <cstdlib>

#include "frontend/onnx/onnx.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    qnnx::onnx::import_options options;
    if (size > 0 && data[size - 1] % 2) options.batch = 2;
    if (size > 1 && data[size - 2] % 4 == 0) options.preserve_io_layout = true;
    const qnnx::net n = qnnx::onnx::import_bytes(std::string(reinterpret_cast<const char*>(data), size), "fuzz.onnx", options);
    n.freeze();
  } catch (const qnnx::error& e) {
    for (const char* c = e.what(); *c; ++c)
      if (*c == '\n') std::abort();  // one line
  }
  return 0;
}
