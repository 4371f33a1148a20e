// SPDX-License-Identifier: Apache-2.0
#include "unit.hpp"

#ifndef QNNX_TEST_UNIT
#define QNNX_TEST_UNIT second_unit
#endif
#define QNNX_TEXT_OF(X) #X
#define QNNX_TEXT(X) QNNX_TEXT_OF(X)

unit_result QNNX_TEST_UNIT(const void* weights) {
  static qnnx::model<shared_net> m{weights};
  unsigned v = 7;
  for (auto& x : m.input<"x">()) x = static_cast<std::uint8_t>(v = v * 1103515245u + 12345u);
  m.run();
  unit_result r{};
  for (std::size_t i = 0; i < m.output<"y">().size(); ++i) r.bytes[i] = m.output<"y">()[i];
  r.run_name = QNNX_TEXT(QNNX_ABI);
  return r;
}
