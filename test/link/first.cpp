// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <cstring>

#include "unit.hpp"

unit_result second_unit(const void* weights);
#ifdef QNNX_TEST_AVX2
unit_result avx2_unit(const void* weights);
#endif

int main() {
  alignas(16) static std::uint8_t weights[256];
  for (std::size_t i = 0; i < qnnx::model<shared_net>::weight_bytes - 16; ++i) weights[i] = static_cast<std::uint8_t>(i * 37);
  static qnnx::model<shared_net> m{weights};
  unsigned v = 7;
  for (auto& x : m.input<"x">()) x = static_cast<std::uint8_t>(v = v * 1103515245u + 12345u);
  m.run();
  const unit_result second = second_unit(weights);
  int differing = 0;
  for (std::size_t i = 0; i < 64; ++i) differing += second.bytes[i] != m.output<"y">()[i] ? 1 : 0;
#ifdef QNNX_TEST_AVX2
  if (__builtin_cpu_supports("avx2")) {
    const unit_result other = avx2_unit(weights);
    differing += std::memcmp(other.bytes, second.bytes, 64) != 0 ? 1 : 0;
    if (std::strcmp(other.run_name, "v1_avx2") != 0 || std::strcmp(second.run_name, other.run_name) == 0) {
      std::printf("the unit built with -mavx2 has the namespace %s, the others %s\n", other.run_name, second.run_name);
      return 1;
    }
  }
#endif
  std::printf("%d differences between the units\n", differing);
  return differing != 0;
}
