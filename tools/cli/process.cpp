// SPDX-License-Identifier: Apache-2.0
#include "cli/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/options.hpp"
#include "qnnx/io/file.hpp"

extern char** environ;

namespace qnnx::cli {

std::string find_program(const std::vector<std::string>& names) {
  const char* path = std::getenv("PATH");
  for (const std::string& name : names)
    for (const std::string& folder : split(path ? path : "/usr/bin:/bin", ':')) {
      const std::string file = folder + "/" + name;
      if (::access(file.c_str(), X_OK) == 0) return file;
    }
  return {};
}

process::process(const std::vector<std::string>& arguments, const std::string& log) : log_(log) {
  std::vector<char*> raw;
  for (const std::string& a : arguments) raw.push_back(const_cast<char*>(a.c_str()));
  raw.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  pid_t id = -1;
  const int code = ::posix_spawn(&id, arguments[0].c_str(), &actions, nullptr, raw.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (code != 0) throw error("cannot start '" + arguments[0] + "': " + std::strerror(code));
  id_ = id;
}

finished process::wait() {
  int status = 0;
  while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {}
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_text(log_)};
}

temporary_folder::temporary_folder(const std::string& parent) : path_(parent + "/.qnnx.XXXXXX") {
  if (!::mkdtemp(path_.data())) throw error("cannot make a folder in '" + parent + "': " + std::strerror(errno));
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace qnnx::cli
