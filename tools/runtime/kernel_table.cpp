// SPDX-License-Identifier: Apache-2.0
#include "qnnx/runtime/dispatch.hpp"
#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI {

#define QNNX_FAMILY_NAME(NAME) void append_family_##NAME(std::vector<kernel_entry>&, std::vector<kernel_entry>&);
#include "qnnx/kernel/families.inc"
#undef QNNX_FAMILY_NAME

namespace {
struct tables {
  std::vector<kernel_entry> reference;
  std::vector<kernel_entry> best;
  tables() {
#define QNNX_FAMILY_NAME(NAME) append_family_##NAME(reference, best);
#include "qnnx/kernel/families.inc"
#undef QNNX_FAMILY_NAME
  }
};
}  // namespace

const std::vector<kernel_entry>& kernel_table(std::string_view backend) {
  static const tables all;
  if (backend == "reference") return all.reference;
  if (backend == "cpu") return all.best;
  throw error("backend '" + std::string(backend) + "' is unknown: expected reference or cpu");
}

}  // namespace qnnx::inline QNNX_ABI
