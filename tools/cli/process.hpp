// SPDX-License-Identifier: Apache-2.0
#pragma once
// Other programs: found on PATH, started without a shell, their output kept. Temporary folders that vanish. Layer 8.

#include <string>
#include <vector>

namespace qnnx::cli {

/// The first of the names that is on PATH, or empty.
std::string find_program(const std::vector<std::string>& names);

struct finished {
  int code = 0;        // exit status; 128 + signal where one ended it
  std::string output;  // stdout and stderr together
};
/// A started program; its output goes to a file until wait().
class process {
 public:
  process(const std::vector<std::string>& arguments, const std::string& log);
  finished wait();

 private:
  int id_ = -1;
  std::string log_;
};

/// A new folder inside `parent`, removed with everything in it.
class temporary_folder {
 public:
  explicit temporary_folder(const std::string& parent);
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace qnnx::cli
