// SPDX-License-Identifier: Apache-2.0
#include "cli/library_targets.hpp"

#include <cstdlib>
#include <filesystem>

#include "cli/options.hpp"
#include "cli/process.hpp"
#include "qnnx/io/text.hpp"
#include "qnnx/runtime/error.hpp"

namespace qnnx::cli {

namespace {

namespace fs = std::filesystem;

/// A program of LLVM's under its plain name or with a version, Debian 12's first.
std::vector<std::string> llvm_names(const std::string& program) {
  std::vector<std::string> names{program};
  for (const char* version : {"-14", "-15", "-16", "-17", "-18", "-19"}) names.push_back(program + version);
  return names;
}

/// The Arm package's libstdc++: <root>/c++/<version>, <root>/c++/<version>/arm-none-eabi and newlib's C headers. Only
/// what a freestanding program may include is used.
std::vector<std::string> arm_headers() {
  std::vector<std::string> roots{"/usr/lib/arm-none-eabi/include", "/usr/arm-none-eabi/include"};
  if (const char* set = std::getenv("QNNX_CXX_HEADERS"); set && *set) roots.insert(roots.begin(), set);
  for (const std::string& root : roots) {
    std::error_code code;
    for (const fs::directory_entry& e : fs::directory_iterator(root + "/c++", code))
      if (const std::string versioned = e.path().string(); fs::exists(versioned + "/arm-none-eabi"))
        return {"-nostdinc++", "-D__IEEE_LITTLE_ENDIAN", "-isystem", versioned, "-isystem", versioned + "/arm-none-eabi", "-isystem", root};
  }
  throw error("got no C++ headers for a processor without an operating system: install libstdc++-arm-none-eabi-newlib or set "
              "QNNX_CXX_HEADERS to the folder that has c++/<version>");
}

}  // namespace

const std::vector<target_info>& targets() {
  static const std::vector<std::string> arm{"arm-none-eabi-g++"};
  static const std::vector<std::string> riscv{"riscv64-unknown-elf-g++"};
  static const std::vector<std::string> clang = llvm_names("clang++");
  static const char* const arm_package = "gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib";
  static const char* const riscv_package = "gcc-riscv64-unknown-elf libstdc++-arm-none-eabi-newlib";
  static const char* const clang_package = "clang-14 lld-14 llvm-14 libstdc++-arm-none-eabi-newlib";
  static const char* const dsp = "QNNX_EMULATE_ARMV7EM_DSP";
  static const char* const mve = "QNNX_EMULATE_MVE";
  static const char* const scalar = "QNNX_EMULATE_ARMV7M";   // the packed form depends on the size of words alone
  static const char* const scalar_64 = "QNNX_EMULATE_RV64";
  static const char* const hvx = "QNNX_EMULATE_HVX";
  static const char* const neon = "QNNX_EMULATE_NEON=";
  static const std::vector<target_info> all{
      {"x86_64-linux-gnu", {"x86_64-linux-gnu-g++", "g++"}, {}, "", false, true, "g++"},
      {"x86_64-linux-clang", clang, {"-fconstexpr-steps=50000000"}, "", false, true, "clang"},
      {.name = "aarch64-linux-gnu", .compilers = {"aarch64-linux-gnu-g++"}, .flags = {}, .tools = "aarch64-linux-gnu-", .firmware = false,
       .x86 = false, .package = "g++-aarch64-linux-gnu", .emulate = neon, .archive_flags = {"-ffreestanding", "-fPIC", "-fno-stack-protector", "-fno-gnu-unique"}},
      {"aarch64-none-elf", {"aarch64-linux-gnu-g++"}, {"-ffreestanding", "-fno-pic", "-fno-stack-protector", "-fno-gnu-unique", "-mno-outline-atomics"},
       "aarch64-linux-gnu-", true, false, "g++-aarch64-linux-gnu", neon},
      {"cortex-m0plus", arm, {"-mthumb", "-mcpu=cortex-m0plus", "-mfloat-abi=soft"}, "arm-none-eabi-", true, false, arm_package, scalar},
      {"cortex-m3", arm, {"-mthumb", "-mcpu=cortex-m3", "-mfloat-abi=soft"}, "arm-none-eabi-", true, false, arm_package, scalar},
      {"cortex-m4", arm, {"-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"}, "arm-none-eabi-", true, false, arm_package, dsp},
      {"cortex-m7", arm, {"-mthumb", "-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"}, "arm-none-eabi-", true, false, arm_package, dsp},
      {"cortex-m33", arm, {"-mthumb", "-mcpu=cortex-m33", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16"}, "arm-none-eabi-", true, false, arm_package, dsp},
      {"cortex-m55", arm, {"-mthumb", "-mcpu=cortex-m55", "-mfloat-abi=hard"}, "arm-none-eabi-", true, false, arm_package, mve},
      {"cortex-m85", arm, {"-mthumb", "-march=armv8.1-m.main+mve.fp+fp.dp", "-mfloat-abi=hard"}, "arm-none-eabi-", true, false, arm_package, mve},
      {.name = "riscv32", .compilers = riscv, .flags = {"-march=rv32imac", "-mabi=ilp32"}, .tools = "riscv64-unknown-elf-", .firmware = true,
       .x86 = false, .package = riscv_package, .emulate = scalar, .join = {"riscv64-unknown-elf-ld", "-melf32lriscv"}, .borrows_headers = true},
      {.name = "riscv64", .compilers = riscv, .flags = {"-march=rv64imac", "-mabi=lp64", "-mcmodel=medany"}, .tools = "riscv64-unknown-elf-",
       .firmware = true, .x86 = false, .package = riscv_package, .emulate = scalar_64, .join = {"riscv64-unknown-elf-ld"}, .borrows_headers = true},
      {.name = "hexagon-v67", .compilers = clang,
       .flags = {"--target=hexagon-unknown-linux-musl", "-mv67", "-mhvx", "-mhvx-length=128B", "-G0", "-ffreestanding", "-fno-pic", "-fconstexpr-steps=50000000"},
       .tools = "llvm", .firmware = true, .x86 = false, .package = clang_package, .emulate = hvx, .join = {"ld.lld"}, .borrows_headers = true},
      {.name = "wasm32", .compilers = clang, .flags = {"--target=wasm32", "-mbulk-memory", "-ffreestanding", "-fconstexpr-steps=50000000"},
       .tools = "llvm", .firmware = true, .x86 = false, .package = clang_package, .emulate = scalar_64, .join = {"wasm-ld"}, .borrows_headers = true, .wasm = true},
  };
  return all;
}

const target_info& target_named(const std::string& name) {
  for (const target_info& t : targets())
    if (name == t.name) return t;
  throw usage_error("target '" + name + "' is unknown: expected " + joined(library_targets(), ", "));
}

std::vector<std::string> library_targets() {
  std::vector<std::string> names;
  for (const target_info& t : targets()) names.emplace_back(t.name);
  return names;
}

std::string target_info::tool_or_none(const std::string& kind) const {
  if (kind == "ld" && !join.empty()) return find_program(llvm_names(join[0]));
  if (std::string(tools) == "llvm") return find_program(llvm_names("llvm-" + kind));
  return find_program({tools + kind});
}

std::string target_info::tool(const std::string& kind) const {
  const std::string found = tool_or_none(kind);
  if (!found.empty()) return found;
  const bool llvm = std::string(tools) == "llvm";
  throw error(std::string("target ") + name + ": got no " + (kind == "ld" && !join.empty() ? join[0] : tools + std::string(llvm ? "-" : "") + kind) +
              " on PATH: install " + (llvm ? package : "binutils"));
}

target_info target_info::as_archive() const {
  target_info t = *this;
  t.firmware = true;
  t.flags = archive_flags;
  return t;
}
bool target_info::chooses_isa() const { return std::string(emulate).ends_with('='); }

std::vector<std::string> target_info::header_flags() const { return borrows_headers ? arm_headers() : std::vector<std::string>{}; }

}  // namespace qnnx::cli
