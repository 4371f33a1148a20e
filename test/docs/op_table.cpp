// SPDX-License-Identifier: Apache-2.0
// Prints docs/reference/ops.md from ops.inc: every op with its ports and type table. A test compares the two.
#include <cstdio>
#include <string>
#include <vector>

#include "qnnx/op/ops.hpp"

using namespace qnnx;

namespace {

std::string ports(const port* list, int count) {
  std::string s;
  for (int i = 0; i < count; ++i) {
    if (i) s += ", ";
    s += list[i].name;
    if (list[i].kind == port_kind::optional) s += "?";
    if (list[i].kind == port_kind::variadic) s += "...";
  }
  return s;
}

/// The type table, folded by the data type: "u8: u8 x s32, s8 x s32".
std::string types(const op_info& op) {
  std::string s;
  for (int k = 0; k < op.type_count; ++k) {
    const signature& row = op.types[k];
    if (k) s += "; ";
    s += std::string(to_string(row.out)) + "(";
    for (int i = 0; i < row.count; ++i) s += (i ? ", " : "") + std::string(to_string(row.in[static_cast<std::size_t>(i)]));
    s += ")";
  }
  return s;
}

void row(const op_info& op, const char* family) {
  std::printf("| %s | %s | %s | %s | %s |\n", std::string(op.name).c_str(), family, ports(op.inputs, op.input_count).c_str(),
              ports(op.outputs, op.output_count).c_str(), types(op).c_str());
}

}  // namespace

int main() {
  std::printf(
      "# Ops\n\nGenerated from `include/qnnx/op/ops.inc` by `test/docs/op_table.cpp`; do not edit. `?` optional, `...` any number.\n"
      "Every row of a type table has a reference kernel, in the static and in the dynamic path.\n\n"
      "| Op | Kernel family | Inputs | Outputs | Types: out(in, ...) |\n|---|---|---|---|---|\n");
#define QNNX_OP(TYPE, HEADER, FAMILY) row(info<op::TYPE>, #FAMILY);
#include "qnnx/op/ops.inc"
#undef QNNX_OP
  return 0;
}
