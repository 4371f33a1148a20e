// SPDX-License-Identifier: Apache-2.0
#pragma once
// A reader of FlatBuffers that trusts nothing: every offset, vector and string is checked against the file before it
// is followed, nesting is limited, and the number of elements handed out is bounded by the file's size, so that a
// small file whose tables all point at one long vector cannot exhaust the machine. Format: flatbuffers.dev,
// "FlatBuffer internals": a table starts with a signed distance to its vtable {u16 bytes of the vtable, u16 bytes of
// the table, u16 place of each field or 0}; vectors and strings are a u32 length and their items; little endian.
// Layer 8.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI::flatbuffer {

/// The file: its bytes and its name for messages. Must outlive every table read from it.
class source {
 public:
  static constexpr int max_depth = 32;

  source(std::span<const std::byte> bytes, std::string file)
      : bytes_(bytes), file_(std::move(file)), budget_(static_cast<std::uint64_t>(bytes.size()) * 4 + 65536) {}

  std::uint64_t size() const { return bytes_.size(); }
  const std::string& file() const { return file_; }

  [[noreturn]] void fail(const std::string& what, std::uint64_t at) const {
    throw error(file_ + ": byte " + std::to_string(at) + ": " + what + "; the file is truncated or damaged, get it again");
  }
  /// [at, at + count) must lie inside the file.
  void check(std::uint64_t at, std::uint64_t count, const char* what) const {
    if (at > bytes_.size() || count > bytes_.size() - at)
      fail(std::string(what) + " of " + std::to_string(count) + " bytes ends outside the file of " +
               std::to_string(bytes_.size()) + " bytes", at);
  }
  /// Elements about to be handed out.
  void spend(std::uint64_t count, std::uint64_t at) const {
    if (count > budget_) fail("the tables share so much data that reading them all would take too long", at);
    budget_ -= count;
  }
  template <class T>
  T load(std::uint64_t at, const char* what) const {
    check(at, sizeof(T), what);
    T value;
    std::memcpy(&value, bytes_.data() + at, sizeof(T));
    return value;
  }
  std::span<const std::byte> slice(std::uint64_t at, std::uint64_t count, const char* what) const {
    check(at, count, what);
    return bytes_.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
  }
  /// Follows the u32 distance stored at `at`.
  std::uint64_t follow(std::uint64_t at, const char* what) const {
    const auto distance = load<std::uint32_t>(at, what);
    if (distance < 4) fail(std::string(what) + " points at itself", at);
    check(at + distance, 4, what);
    return at + distance;
  }

 private:
  std::span<const std::byte> bytes_;
  std::string file_;
  mutable std::uint64_t budget_;
};

/// Items of a vector of scalars, loaded one at a time (a file need not be aligned).
template <class T>
class scalars {
 public:
  scalars() = default;
  scalars(const source* s, std::uint64_t at, std::uint32_t count) : source_(s), at_(at), count_(count) {}
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  T operator[](std::size_t i) const { return source_->load<T>(at_ + i * sizeof(T), "a vector item"); }
  std::vector<T> copy() const {
    std::vector<T> r(count_);
    if (count_ > 0) std::memcpy(r.data(), source_->slice(at_, std::uint64_t{count_} * sizeof(T), "a vector").data(), count_ * sizeof(T));
    return r;
  }

 private:
  const source* source_ = nullptr;
  std::uint64_t at_ = 0;
  std::uint32_t count_ = 0;
};

/// A table, or nothing (a field that is left out): then every field has its default.
class table {
 public:
  table() = default;
  table(const source& s, std::uint64_t at, int depth) : source_(&s), at_(at), depth_(depth) {
    if (depth > source::max_depth) s.fail("tables are nested too deep", at);
    s.spend(1, at);
    const std::int64_t back = s.load<std::int32_t>(at, "a table");
    const std::int64_t vtable = static_cast<std::int64_t>(at) - back;
    if (vtable < 0) s.fail("the vtable lies before the file", at);
    vtable_ = static_cast<std::uint64_t>(vtable);
    vtable_bytes_ = s.load<std::uint16_t>(vtable_, "a vtable");
    if (vtable_bytes_ < 4 || vtable_bytes_ % 2 != 0) s.fail("the vtable has an impossible size", vtable_);
    s.check(vtable_, vtable_bytes_, "a vtable");
    table_bytes_ = s.load<std::uint16_t>(vtable_ + 2, "a vtable");
    if (table_bytes_ < 4) s.fail("the table has an impossible size", vtable_ + 2);
    s.check(at, table_bytes_, "a table");
  }
  static table root(const source& s) { return {s, s.follow(0, "the root"), 0}; }

  explicit operator bool() const { return source_ != nullptr; }
  std::uint64_t at() const { return at_; }
  bool has(int field) const { return place(field, 1) != 0; }

  template <class T>
  T scalar(int field, T otherwise = T{}) const {
    if constexpr (std::is_enum_v<T>) {
      return static_cast<T>(scalar<std::underlying_type_t<T>>(field, static_cast<std::underlying_type_t<T>>(otherwise)));
    } else if constexpr (std::is_same_v<T, bool>) {
      return scalar<std::uint8_t>(field, otherwise ? 1 : 0) != 0;
    } else {
      const std::uint64_t p = place(field, sizeof(T));
      return p == 0 ? otherwise : source_->load<T>(p, "a field");
    }
  }
  std::string string(int field) const {
    const std::uint64_t p = place(field, 4);
    if (p == 0) return {};
    const std::uint64_t v = source_->follow(p, "a string");
    const auto n = source_->load<std::uint32_t>(v, "a string");
    const auto text = source_->slice(v + 4, n, "a string");
    source_->spend(n, v);
    return {reinterpret_cast<const char*>(text.data()), n};
  }
  template <class T>
  scalars<T> vector(int field) const {
    const auto [v, n] = items(field, sizeof(T));
    if (v != 0) source_->spend(n, v);
    return v == 0 ? scalars<T>{} : scalars<T>(source_, v, n);
  }
  /// A vector of bytes, in place.
  std::span<const std::byte> bytes(int field) const {
    const auto [v, n] = items(field, 1);
    return v == 0 ? std::span<const std::byte>{} : source_->slice(v, n, "a vector of bytes");
  }
  table child(int field) const {
    const std::uint64_t p = place(field, 4);
    return p == 0 ? table{} : table(*source_, source_->follow(p, "a table"), depth_ + 1);
  }
  std::vector<table> children(int field) const {
    const auto [v, n] = items(field, 4);
    std::vector<table> r;
    r.reserve(n);
    for (std::uint32_t i = 0; i < n; ++i) r.emplace_back(*source_, source_->follow(v + std::uint64_t{i} * 4, "a table"), depth_ + 1);
    return r;
  }

 private:
  /// Place of a field in the file, 0 where it is left out.
  std::uint64_t place(int field, std::size_t bytes) const {
    if (!source_) return 0;
    const std::uint64_t slot = 4 + 2 * static_cast<std::uint64_t>(field);
    if (slot + 2 > vtable_bytes_) return 0;
    const auto offset = source_->load<std::uint16_t>(vtable_ + slot, "a vtable");
    if (offset == 0) return 0;
    if (offset < 4 || offset + bytes > table_bytes_) source_->fail("field " + std::to_string(field) + " lies outside its table", at_);
    return at_ + offset;
  }
  std::pair<std::uint64_t, std::uint32_t> items(int field, std::size_t item_bytes) const {
    const std::uint64_t p = place(field, 4);
    if (p == 0) return {0, 0};
    const std::uint64_t v = source_->follow(p, "a vector");
    const auto n = source_->load<std::uint32_t>(v, "a vector");
    source_->check(v + 4, std::uint64_t{n} * item_bytes, "a vector");
    return {v + 4, n};
  }

  const source* source_ = nullptr;
  std::uint64_t at_ = 0;
  std::uint64_t vtable_ = 0;
  std::uint32_t vtable_bytes_ = 0;
  std::uint32_t table_bytes_ = 0;
  int depth_ = 0;
};

}  // namespace qnnx::inline QNNX_ABI::flatbuffer
