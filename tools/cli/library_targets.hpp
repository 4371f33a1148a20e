// SPDX-License-Identifier: Apache-2.0
#pragma once
// The targets of qnnx-model-lib-generator: compilers, flags, tools and packages. Layer 8.

#include <string>
#include <vector>

namespace qnnx::cli {

struct target_info {
  const char* name;
  std::vector<std::string> compilers;
  std::vector<std::string> flags;
  const char* tools;     // prefix of ar, objcopy, size; llvm: LLVM's, under any name
  bool firmware;
  bool x86;
  const char* package;   // Debian packages of the compiler
  const char* emulate = "";            // macro under which this machine runs the target's kernels, to pack their weights;
                                       // ending with =, an instruction set of --isa follows, and one is in an archive
  std::vector<std::string> join{};     // linker that makes one object of several; empty: ld
  bool borrows_headers = false;        // has no C++ headers of its own: those of the Arm compiler's package serve
  bool wasm = false;
  std::vector<std::string> archive_flags{};  // of a host: those of the firmware archive that stands beside the library

  /// Path of a tool: ar, objcopy, size, nm, ld. Throws with the package where it is absent.
  std::string tool(const std::string& kind) const;
  /// The same; empty where it is absent.
  std::string tool_or_none(const std::string& kind) const;
  /// The archive beside a host's library as a target.
  target_info as_archive() const;
  /// Whether the kernels of an archive are those of one of several instruction sets.
  bool chooses_isa() const;
  /// What a compile needs beside flags: borrowed headers.
  std::vector<std::string> header_flags() const;
};

const std::vector<target_info>& targets();
/// Throws usage_error for an unknown name.
const target_info& target_named(const std::string& name);
/// Names of the targets that can be built.
std::vector<std::string> library_targets();

}  // namespace qnnx::cli
