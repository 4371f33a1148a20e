// SPDX-License-Identifier: Apache-2.0
#pragma once
// A net as C++: <name>.cpp (the graph value behind a tag, and the export of a library), <name>.bin (a ustar archive of
// the static tensors), <name>_net.json (the SDK's description of the graph). Layer 7.
// Source: the file layouts of the SDK's converters; model_net.json as in its documentation.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI {

/// A memory plan that comes with a model: arena offset per tensor (-1: not in the arena).
struct memory_plan {
  std::vector<std::int64_t> offsets;
  std::int64_t bytes = 0;
};

struct emit_options {
  std::string command{};            // converter name and options, for the header comment and net.json
  std::string copyright{};          // text for the header comment
  std::optional<memory_plan> plan{};  // else the compiler plans
};

/// The text of the three files. The net must be compact and valid; freeze() is asked first.
std::string model_cpp(const net& n, const emit_options& options = {});
std::vector<std::byte> model_bin(const net& n);
std::string model_net_json(const net& n, const emit_options& options = {});

/// Writes all three beside each other: `path` ends in .cpp or names the common stem.
struct emitted_files {
  std::string cpp;
  std::string bin;
  std::string net_json;
};
emitted_files emit_model(const net& n, const std::string& path, const emit_options& options = {});

/// Multiply-accumulates per node and in all.
std::vector<std::int64_t> node_macs(const frozen_net& f);

}  // namespace qnnx::inline QNNX_ABI
