// SPDX-License-Identifier: Apache-2.0
#pragma once
// The input list: one inference per line, a bare path for a single input, `name:=path name:=path` for several. The
// first lines may name what to keep: `#layer layer ...`, `%tensor tensor ...`. A relative path is taken from the
// working folder, or from the list's own folder where there is no such file. Layer 7.

#include <string>
#include <utility>
#include <vector>

#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI {

struct input_line {
  int number = 0;                                         // line of the list, from 1
  std::vector<std::pair<std::string, std::string>> files;  // tensor name (may be empty) and path
};
struct input_list {
  std::string path;
  std::vector<std::string> output_layers;   // "#" line
  std::vector<std::string> output_tensors;  // "%" line
  std::vector<input_line> lines;
};

input_list read_input_list(const std::string& path);
/// The files of a line in the order of `names` (the graph's inputs). A name matches a tensor's clean name or, with
/// other characters replaced, its source name.
std::vector<std::string> files_for(const input_list& list, const input_line& line, const std::vector<std::string>& names);

}  // namespace qnnx::inline QNNX_ABI
