// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/input_list.hpp"

#include <filesystem>
#include <sstream>

#include "qnnx/io/file.hpp"
#include "qnnx/io/text.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {
std::vector<std::string> split_words(const std::string& s) {
  std::istringstream in(s);
  std::vector<std::string> words;
  for (std::string w; in >> w;) words.push_back(w);
  return words;
}
}  // namespace

input_list read_input_list(const std::string& path) {
  input_list list;
  list.path = path;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const auto resolve = [&](const std::string& file) {
    if (std::filesystem::path(file).is_absolute() || file_exists(file)) return file;
    const std::string beside = (folder / file).string();
    return file_exists(beside) ? beside : file;
  };
  std::istringstream in(read_text(path));
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) line.pop_back();
    line.erase(0, line.find_first_not_of(" \t"));
    if (line.empty()) continue;
    if (line[0] == '#' || line[0] == '%') {
      if (!list.lines.empty())
        throw error("'" + path + "': line " + std::to_string(number) + ": got a '" + line[0] + "' line after the first input, expected it before");
      auto& names = line[0] == '#' ? list.output_layers : list.output_tensors;
      for (std::string& w : split_words(line.substr(1))) names.push_back(std::move(w));
      continue;
    }
    input_line one;
    one.number = number;
    for (const std::string& w : split_words(line)) {
      const std::size_t sign = w.find(":=");
      if (sign == std::string::npos) one.files.emplace_back("", resolve(w));
      else one.files.emplace_back(w.substr(0, sign), resolve(w.substr(sign + 2)));
    }
    list.lines.push_back(std::move(one));
  }
  return list;
}

std::vector<std::string> files_for(const input_list& list, const input_line& line, const std::vector<std::string>& names) {
  const auto fail = [&](const std::string& what) {
    throw error("'" + list.path + "': line " + std::to_string(line.number) + ": " + what);
  };
  std::vector<std::string> files(names.size());
  if (line.files.size() != names.size())
    fail("got " + std::to_string(line.files.size()) + " files, expected " + std::to_string(names.size()) + " (" + joined(names) + ")");
  std::size_t position = 0;
  for (const auto& [name, path] : line.files) {
    std::size_t i = position++;
    if (!name.empty()) {
      for (i = 0; i < names.size() && names[i] != name && names[i] != clean_name(name); ++i) {}
      if (i == names.size()) fail("the model has no input '" + name + "' (it has " + joined(names) + ")");
    }
    if (!files[i].empty()) fail("input '" + names[i] + "' is given twice");
    files[i] = path;
  }
  return files;
}

}  // namespace qnnx::inline QNNX_ABI
