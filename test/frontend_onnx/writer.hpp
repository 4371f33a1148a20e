// SPDX-License-Identifier: Apache-2.0
#pragma once
// A small writer of ONNX files for the tests, by hand from onnx.proto3: independent of the reader under test.
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace writer {

inline std::string varint(std::uint64_t v) {
  std::string s;
  for (; v > 127; v >>= 7) s += static_cast<char>(v | 128);
  return s += static_cast<char>(v);
}
inline std::string number(int field, std::int64_t v) { return varint(static_cast<std::uint64_t>(field) * 8) + varint(static_cast<std::uint64_t>(v)); }
inline std::string bytes(int field, const std::string& s) { return varint(static_cast<std::uint64_t>(field) * 8 + 2) + varint(s.size()) + s; }
inline std::string real(int field, float f) {
  std::string s(4, '\0');
  std::memcpy(s.data(), &f, 4);
  return varint(static_cast<std::uint64_t>(field) * 8 + 5) + s;
}
using dims = std::vector<std::int64_t>;

template <class T>
std::string raw(const std::vector<T>& v) {
  std::string s(v.size() * sizeof(T), '\0');
  if (!v.empty()) std::memcpy(s.data(), v.data(), s.size());
  return s;
}
inline std::string tensor(const std::string& name, int type, const dims& d, const std::string& data) {
  std::string s;
  for (std::int64_t k : d) s += number(1, k);
  return s + number(2, type) + bytes(8, name) + bytes(9, data);
}
inline std::string floats(const std::string& name, const dims& d, const std::vector<float>& v) { return tensor(name, 1, d, raw(v)); }
inline std::string longs(const std::string& name, const dims& d, const std::vector<std::int64_t>& v) { return tensor(name, 7, d, raw(v)); }

struct attribute {
  std::string text;
  attribute(const char* name, std::int64_t i) : text(bytes(1, name) + number(3, i) + number(20, 2)) {}
  attribute(const char* name, float f) : text(bytes(1, name) + real(2, f) + number(20, 1)) {}
  attribute(const char* name, const char* s) : text(bytes(1, name) + bytes(4, s) + number(20, 3)) {}
  attribute(const char* name, const dims& v) : text(bytes(1, name)) {
    for (std::int64_t i : v) text += number(8, i);
    text += number(20, 7);
  }
};
inline std::string node(const std::string& op, const std::vector<std::string>& in, const std::vector<std::string>& out,
                        const std::vector<attribute>& attributes = {}, const std::string& name = "", const std::string& domain = "") {
  std::string s;
  for (const auto& i : in) s += bytes(1, i);
  for (const auto& o : out) s += bytes(2, o);
  s += bytes(3, name.empty() ? op + "_" + out[0] : name) + bytes(4, op);
  for (const auto& a : attributes) s += bytes(5, a.text);
  if (!domain.empty()) s += bytes(7, domain);
  return s;
}
/// Negative sizes are symbols: -1 is "N", -2 is "M".
inline std::string value(const std::string& name, int type, const dims& d) {
  std::string shape;
  for (std::int64_t k : d) shape += bytes(1, k < 0 ? bytes(2, k == -1 ? "N" : "M") : number(1, k));
  return bytes(1, name) + bytes(2, bytes(1, number(1, type) + bytes(2, shape)));
}

struct graph {
  std::string text;
  graph& add(const std::string& n) { return text += bytes(1, n), *this; }
  graph& initializer(const std::string& t) { return text += bytes(5, t), *this; }
  graph& input(const std::string& name, const dims& d, int type = 1) { return text += bytes(11, value(name, type, d)), *this; }
  graph& output(const std::string& name, const dims& d = {}, int type = 1) { return text += bytes(12, value(name, type, d)), *this; }
  std::string model(int opset = 13) const {
    return number(1, 8) + bytes(7, text + bytes(2, "tested")) + bytes(8, number(2, opset)) + bytes(8, bytes(1, "com.microsoft") + number(2, 1));
  }
};

}  // namespace writer
