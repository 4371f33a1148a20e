// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <cstring>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "qnnx/runtime/dispatch.hpp"
#include "qnnx/runtime/error.hpp"
#include "qnnx/runtime/tile_permission.hpp"

namespace qnnx::inline QNNX_ABI {

#define QNNX_FAMILY_NAME(NAME) void append_family_##NAME(std::vector<kernel_entry>&);
#include "qnnx/kernel/families.inc"
#undef QNNX_FAMILY_NAME

}  // namespace qnnx::inline QNNX_ABI

#define QNNX_ISA_UNIT(FAMILY, ISA) extern "C" const void* qnnx_kernels_##FAMILY##_##ISA(std::size_t*);
#include "isa_units.inc"
#undef QNNX_ISA_UNIT

namespace qnnx::inline QNNX_ABI {

namespace {

enum class level : int { reference, avx2, avxvnni, avx512vnni, amx };

/// AVX-VNNI (leaf 7.1, EAX bit 4), which processors with AVX-512 may lack.
bool has_avxvnni() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
#else
  return false;
#endif
}

/// The best level this processor runs.
level find_best() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi"))  // all that its units are compiled for
    return tiles_permitted() ? level::amx : level::avx512vnni;
  if (has_avxvnni()) return level::avxvnni;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return level::avx2;
#endif
  return level::reference;
}

level detect() {
  static const level best = find_best();  // asks the kernel once
  return best;
}
/// The level of a name, where there is one.
bool level_of(std::string_view name, level& found) {
  constexpr std::string_view names[] = {"reference", "avx2", "avxvnni", "avx512vnni", "amx"};
  for (int i = 0; i < 5; ++i)
    if (name == names[i]) return found = static_cast<level>(i), true;
  return false;
}

/// QNNX_ISA forces a lower level: reference, avx2, avxvnni, avx512vnni, amx.
level chosen() {
  const level best = detect();
  const char* forced = std::getenv("QNNX_ISA");
  if (!forced || !*forced) return best;
  level wanted = level::reference;
  if (!level_of(forced, wanted)) throw error("QNNX_ISA is '" + std::string(forced) + "': expected reference, avx2, avxvnni, avx512vnni or amx");
  if (wanted > best || (wanted == level::avxvnni && !has_avxvnni())) throw error("QNNX_ISA is '" + std::string(forced) + "', which this processor does not have");
  return wanted;
}

/// Entries of one unit, better than what is in the table already: they are found first.
[[maybe_unused]] void prepend(std::vector<kernel_entry>& table, const void* entries, std::size_t count) {
  const auto* bytes = static_cast<const unsigned char*>(entries);
  std::vector<kernel_entry> unit(count);
  for (std::size_t i = 0; i < count; ++i)  // the same struct, compiled under another namespace name
    std::memcpy(static_cast<void*>(&unit[i]), bytes + i * sizeof(kernel_entry), sizeof(kernel_entry));
  table.insert(table.begin(), unit.begin(), unit.end());
}

/// Whether a processor of level `have` runs the units of a set: those of avxvnni are not among avx512vnni's parents.
[[maybe_unused]] bool holds(level have, level set) { return have == set || (have > set && set != level::avxvnni); }

/// Kernels of the library for everything up to `have`: better ones first.
std::vector<kernel_entry> make_table(level have) {
  std::vector<kernel_entry> table;
#define QNNX_FAMILY_NAME(NAME) append_family_##NAME(table);
#include "qnnx/kernel/families.inc"
#undef QNNX_FAMILY_NAME
  (void)have;
#define QNNX_ISA_UNIT(FAMILY, ISA)                                        \
  if (holds(have, level::ISA)) {                                            \
    std::size_t count = 0;                                                \
    const void* entries = qnnx_kernels_##FAMILY##_##ISA(&count);          \
    prepend(table, entries, count);                                       \
  }
#include "isa_units.inc"
#undef QNNX_ISA_UNIT
  return table;
}

}  // namespace

const std::vector<kernel_entry>& kernel_table(std::string_view backend) {
  if (backend == "reference") {
    static const std::vector<kernel_entry> table = make_table(level::reference);
    return table;
  }
  if (backend == "cpu") {
    static const std::vector<kernel_entry> table = make_table(chosen());
    return table;
  }
  if (backend == "avx2" && detect() >= level::avx2) {
    static const std::vector<kernel_entry> table = make_table(level::avx2);
    return table;
  }
  if (backend == "avxvnni" && has_avxvnni()) {
    static const std::vector<kernel_entry> table = make_table(level::avxvnni);
    return table;
  }
  if (backend == "avx512vnni" && detect() >= level::avx512vnni) {
    static const std::vector<kernel_entry> table = make_table(level::avx512vnni);
    return table;
  }
  if (backend == "amx" && detect() >= level::amx) {
    static const std::vector<kernel_entry> table = make_table(level::amx);
    return table;
  }
  if (level known{}; level_of(backend, known)) throw error("backend '" + std::string(backend) + "': this processor does not have it");
  throw error("backend '" + std::string(backend) + "' is unknown: expected reference, cpu, avx2, avxvnni, avx512vnni or amx");
}

bool processor_has(std::string_view isa) {
  level asked{};
  if (isa == "avxvnni") return has_avxvnni();  // a processor with AVX-512 may lack it
  return level_of(isa, asked) && detect() >= asked;
}

}  // namespace qnnx::inline QNNX_ABI
