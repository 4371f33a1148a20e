// SPDX-License-Identifier: Apache-2.0
#pragma once
// Whole files in and out. Reading names the file and the system's reason; writing goes to a temporary beside the
// target that is renamed when complete, so that a failure leaves nothing half-written. Layer 7.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI {

std::vector<std::byte> read_file(const std::string& path);
std::string read_text(const std::string& path);
void write_file(const std::string& path, std::span<const std::byte> bytes);
void write_text(const std::string& path, std::string_view text);
/// Creates a folder and its parents; an error names the path.
void make_folder(const std::string& path);
bool file_exists(const std::string& path);

/// A file written piece by piece: append(), then commit() renames it into place. Without commit() it vanishes.
class pending_file {
 public:
  explicit pending_file(std::string path);
  pending_file(const pending_file&) = delete;
  pending_file& operator=(const pending_file&) = delete;
  ~pending_file();
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(std::as_bytes(std::span(text.data(), text.size()))); }
  std::size_t size() const { return size_; }
  void commit();

 private:
  std::string path_;
  std::string temporary_;
  int handle_ = -1;
  std::size_t size_ = 0;
};

/// A file mapped read-only.
class mapped_file {
 public:
  explicit mapped_file(const std::string& path);
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  ~mapped_file();
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace qnnx::inline QNNX_ABI
