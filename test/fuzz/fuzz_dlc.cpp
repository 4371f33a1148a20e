// SPDX-License-Identifier: Apache-2.0
// libFuzzer entry of the containers: whatever the bytes are, as a DLC, as a ZIP whose member `model` they are (so that
// the fuzzer gets past the checksums), and as a ustar archive, the answer is a value or one line.
#include <cstdint>
#include <cstdlib>

#include "qnnx/io/dlc.hpp"
#include "qnnx/io/ustar.hpp"

namespace {
template <class F>
void one_line(F&& f) {
  try {
    f();
  } catch (const qnnx::error& e) {
    for (const char* c = e.what(); *c; ++c)
      if (*c == '\n') std::abort();
  }
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  one_line([&] { qnnx::parse_dlc(bytes, "fuzz.dlc"); });
  one_line([&] { qnnx::read_ustar(bytes, "fuzz.bin"); });
  const std::vector<std::byte> params(size < 64 ? size : 64);
  one_line([&] { qnnx::parse_model(bytes, params, "fuzz.dlc"); });
  return 0;
}
