// SPDX-License-Identifier: Apache-2.0
#include "frontend/onnx/wire.hpp"

#include <bit>

namespace qnnx::inline QNNX_ABI::onnx::wire {

void source::fail(const char* at, const std::string& what, const std::string& remedy) const {
  throw error(name + ": byte " + std::to_string(at - base) + ": " + what + ": " + remedy);
}

float field::as_float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(value)); }

std::uint64_t message::varint() {
  const char* start = at_;
  std::uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ == end_) file_->fail(start, "a number runs past the end of its message");
    const auto b = static_cast<std::uint8_t>(*at_++);
    v |= static_cast<std::uint64_t>(b & 0x7fu) << shift;
    if (!(b & 0x80u)) return v;
  }
  file_->fail(start, "a number is longer than 64 bits");
}

bool message::next(field& f) {
  if (at_ == end_) return false;
  f = {};
  f.at = at_;
  const std::uint64_t key = varint();
  f.number = static_cast<std::uint32_t>(key >> 3);
  if (f.number == 0 || (key >> 3) > 0x1fffffffu) file_->fail(f.at, "field number out of range");
  const auto left = static_cast<std::uint64_t>(end_ - at_);
  switch (static_cast<kind>(key & 7)) {
    case kind::varint:
      f.type = kind::varint;
      f.value = varint();
      return true;
    case kind::word64:
    case kind::word32: {
      f.type = static_cast<kind>(key & 7);
      const std::size_t n = f.type == kind::word64 ? 8 : 4;
      if (left < n) file_->fail(f.at, "a number runs past the end of its message");
      std::memcpy(&f.value, at_, n);
      at_ += n;
      return true;
    }
    case kind::bytes: {
      f.type = kind::bytes;
      const std::uint64_t n = varint();
      if (n > static_cast<std::uint64_t>(end_ - at_))
        file_->fail(f.at, "field " + std::to_string(f.number) + " claims " + std::to_string(n) + " bytes, " +
                              std::to_string(end_ - at_) + " are left");
      f.bytes = {at_, static_cast<std::size_t>(n)};
      at_ += n;
      return true;
    }
  }
  file_->fail(f.at, "wire type " + std::to_string(key & 7) + " is not used by ONNX", "check that this is an ONNX file");
}

void expect(const source& file, const field& f, kind wanted, const char* name) {
  if (f.type != wanted)
    file.fail(f.at, std::string(name) + " has wire type " + std::to_string(static_cast<int>(f.type)) + ", expected " +
                        std::to_string(static_cast<int>(wanted)), "check that this is an ONNX file");
}

void append_ints(const source& file, const field& f, const char* name, std::vector<std::int64_t>& out) {
  if (f.type == kind::varint) return out.push_back(f.as_int());
  expect(file, f, kind::bytes, name);
  const char* at = f.bytes.data();
  const char* end = at + f.bytes.size();
  while (at != end) {
    const char* start = at;
    std::uint64_t v = 0;
    int shift = 0;
    for (;; shift += 7) {
      if (at == end || shift > 63) file.fail(start, std::string(name) + " holds a broken number");
      const auto b = static_cast<std::uint8_t>(*at++);
      v |= static_cast<std::uint64_t>(b & 0x7fu) << shift;
      if (!(b & 0x80u)) break;
    }
    out.push_back(static_cast<std::int64_t>(v));
  }
}

namespace {
template <class T>
void append_words(const source& file, const field& f, const char* name, kind single, std::vector<T>& out) {
  if (f.type == single) {
    T v;
    std::memcpy(&v, &f.value, sizeof v);
    return out.push_back(v);
  }
  expect(file, f, kind::bytes, name);
  if (f.bytes.size() % sizeof(T) != 0) file.fail(f.at, std::string(name) + " is cut inside a number");
  const std::size_t n = out.size();
  out.resize(n + f.bytes.size() / sizeof(T));
  if (!f.bytes.empty()) std::memcpy(out.data() + n, f.bytes.data(), f.bytes.size());
}
}  // namespace

void append_floats(const source& file, const field& f, const char* name, std::vector<float>& out) {
  append_words(file, f, name, kind::word32, out);
}
void append_doubles(const source& file, const field& f, const char* name, std::vector<double>& out) {
  append_words(file, f, name, kind::word64, out);
}

}  // namespace qnnx::inline QNNX_ABI::onnx::wire
