// SPDX-License-Identifier: Apache-2.0
#pragma once
// The protobuf wire format, as much as ONNX uses: varints, 32- and 64-bit words, length-delimited bytes. A message is
// a view into the file; nothing is copied. Every read is checked against the end of the enclosing message, so that a
// damaged file ends in one line with the byte where it broke. Layer 8.
// Format: https://protobuf.dev/programming-guides/encoding

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI::onnx::wire {

/// The file that views point into: for messages with a place.
struct source {
  std::string name;
  const char* base = nullptr;

  /// "FILE: byte N: what: remedy".
  [[noreturn]] void fail(const char* at, const std::string& what,
                         const std::string& remedy = "the file is damaged or cut short, export it again") const;
};

enum class kind : std::uint8_t { varint = 0, word64 = 1, bytes = 2, word32 = 5 };

struct field {
  std::uint32_t number = 0;
  kind type = kind::varint;
  std::uint64_t value = 0;  // varint and words
  std::string_view bytes;   // length-delimited
  const char* at = nullptr;

  std::int64_t as_int() const { return static_cast<std::int64_t>(value); }
  float as_float() const;
};

/// Reads the fields of one message in file order.
class message {
 public:
  message(const source& file, std::string_view bytes) : file_(&file), at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  bool next(field& f);
  const source& file() const { return *file_; }

 private:
  std::uint64_t varint();

  const source* file_;
  const char* at_;
  const char* end_;
};

/// Complains unless the field has the wire type its schema asks for.
void expect(const source& file, const field& f, kind wanted, const char* name);
/// Appends a repeated number: packed in one field or one per field.
void append_ints(const source& file, const field& f, const char* name, std::vector<std::int64_t>& out);
void append_floats(const source& file, const field& f, const char* name, std::vector<float>& out);
void append_doubles(const source& file, const field& f, const char* name, std::vector<double>& out);

}  // namespace qnnx::inline QNNX_ABI::onnx::wire
