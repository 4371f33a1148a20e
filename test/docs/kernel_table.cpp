// SPDX-License-Identifier: Apache-2.0
// Prints docs/reference/kernels.md: which ops have a kernel of their own for which instruction set.
#include <cstdio>
#include <string>

#include "qnnx/op/ops.hpp"

int main() {
  std::puts("# Kernels of x86 instruction sets\n");
  std::puts("Every op has a reference kernel; the ones below have faster ones. They give the reference's bits for integers and for");
  std::puts("floats without products; float products are fused multiply-adds in the reference's order, within the bound that");
  std::puts("`kernel/x86/arithmetic.hpp` states, but for 3x3 windows of stride 1, which are sums of fewer products with the bound of");
  std::puts("`kernel/x86/winograd_floats.hpp`. Results of 16-bit floats (f16) are those of the 32-bit floats' kernel, rounded to");
  std::puts("nearest even. `test/kernels_isa` checks each line with random nets. This file is printed by");
  std::puts("`test/docs/kernel_table.cpp` from `kernel/kernels.inc`; a test compares.\n");
  std::puts("| Op | Set | Types | Header |\n|---|---|---|---|");
#define QNNX_KERNEL(TYPE, ISA, HEADER, TYPES) \
  std::printf("| %s | %s | %s | `kernel/%s` |\n", std::string(qnnx::op::TYPE::name).c_str(), #ISA, TYPES, HEADER);
#include "qnnx/kernel/kernels.inc"
#undef QNNX_KERNEL
}
