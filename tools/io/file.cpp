// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace qnnx::inline QNNX_ABI {

namespace {
[[noreturn]] void fail(const char* what, const std::string& path, int code) {
  throw error(std::string("cannot ") + what + " '" + path + "': " + std::strerror(code));
}
/// An open regular file and its size.
struct opened {
  int handle = -1;
  std::size_t size = 0;
  explicit opened(const std::string& path) : handle(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (handle < 0) fail("read", path, errno);
    struct stat s {};
    if (::fstat(handle, &s) != 0 || !S_ISREG(s.st_mode)) {
      ::close(handle);
      throw error("cannot read '" + path + "': not a regular file");
    }
    size = static_cast<std::size_t>(s.st_size);
  }
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;
  ~opened() { ::close(handle); }
};
}  // namespace

std::vector<std::byte> read_file(const std::string& path) {
  const opened file(path);
  std::vector<std::byte> bytes(file.size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::read(file.handle, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("read", path, errno);
    if (n == 0) throw error("cannot read '" + path + "': the file became shorter while it was read");
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

std::string read_text(const std::string& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

pending_file::pending_file(std::string path) : path_(std::move(path)), temporary_(path_ + ".XXXXXX") {
  handle_ = ::mkstemp(temporary_.data());
  if (handle_ < 0) fail("write", path_, errno);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(handle_, static_cast<mode_t>(0666 & ~mask));
}

pending_file::~pending_file() {
  if (handle_ < 0) return;
  ::close(handle_);
  ::unlink(temporary_.c_str());
}

void pending_file::append(std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(handle_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write", path_, errno);
    done += static_cast<std::size_t>(n);
  }
  size_ += bytes.size();
}

void pending_file::commit() {
  const int handle = std::exchange(handle_, -1);
  if (::close(handle) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary_.c_str());
    fail("write", path_, code);
  }
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
  pending_file file(path);
  file.append(bytes);
  file.commit();
}

void write_text(const std::string& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

void make_folder(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (!code && !std::filesystem::is_directory(path, code)) code = std::make_error_code(std::errc::not_a_directory);
  if (code) throw error("cannot make the folder '" + path + "': " + code.message());
}

bool file_exists(const std::string& path) {
  std::error_code code;
  return std::filesystem::exists(path, code);
}

mapped_file::mapped_file(const std::string& path) {
  const opened file(path);
  size_ = file.size;
  if (size_ == 0) return;
  void* p = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.handle, 0);
  if (p == MAP_FAILED) fail("map", path, errno);
  data_ = p;
}

mapped_file::~mapped_file() {
  if (data_) ::munmap(data_, size_);
}

}  // namespace qnnx::inline QNNX_ABI
