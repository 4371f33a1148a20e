// SPDX-License-Identifier: Apache-2.0
#pragma once
// TensorProto files of ONNX's test data, read without the front end that is under test. Values as double and int64.
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace conformance {

struct wire_field {
  std::uint32_t number = 0;
  int type = 0;
  std::uint64_t value = 0;
  std::string_view bytes{};
  std::string_view whole{};  // with its key
};
/// The fields of one protobuf message.
class wire_message {
 public:
  explicit wire_message(std::string_view b) : rest_(b) {}
  bool next(wire_field& f) {
    if (rest_.empty()) return false;
    const std::string_view begin = rest_;
    const std::uint64_t key = varint();
    f = {};
    f.number = static_cast<std::uint32_t>(key >> 3);
    f.type = static_cast<int>(key & 7);
    if (f.type == 0) {
      f.value = varint();
    } else {
      const std::size_t n = f.type == 1   ? 8
                            : f.type == 5 ? 4
                            : f.type == 2 ? varint()
                                          : throw std::runtime_error("wire type");
      if (n > rest_.size()) throw std::runtime_error("cut short");
      f.bytes = rest_.substr(0, n);
      rest_.remove_prefix(n);
    }
    f.whole = begin.substr(0, begin.size() - rest_.size());
    return true;
  }

 private:
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) throw std::runtime_error("cut short");
      const auto b = static_cast<unsigned char>(rest_[0]);
      rest_.remove_prefix(1);
      v |= static_cast<std::uint64_t>(b & 127u) << shift;
      if (b < 128) return v;
    }
    throw std::runtime_error("a varint of more than 64 bits");
  }
  std::string_view rest_;
};

struct tensor_file {
  std::string name;
  std::vector<std::int64_t> dims;
  int type = 0;  // TensorProto.DataType
  std::vector<double> reals;
  std::vector<std::int64_t> ints;
  bool whole_numbers() const { return type != 1 && type != 10 && type != 11 && type != 16; }
  std::size_t size() const { return whole_numbers() ? ints.size() : reals.size(); }
};

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error(path + ": cannot be opened");
  return {std::istreambuf_iterator<char>(in), {}};
}
inline double half_real(std::uint16_t h) {
  const int e = (h >> 10) & 31;
  const double m = h & 1023;
  const double sign = h & 0x8000 ? -1.0 : 1.0;
  if (e == 31)
    return m != 0 ? std::bit_cast<double>(0x7ff8000000000000ull) : sign * std::bit_cast<double>(0x7ff0000000000000ull);
  double v = e == 0 ? m / 1024.0 : 1.0 + m / 1024.0;
  for (int i = e == 0 ? 1 : e; i < 15; ++i) v /= 2;
  for (int i = 15; i < e; ++i) v *= 2;
  return sign * v;
}
template <class T>
void append_raw(std::string_view raw, auto& out) {
  for (std::size_t i = 0; i + sizeof(T) <= raw.size(); i += sizeof(T)) {
    T v;
    std::memcpy(&v, raw.data() + i, sizeof v);
    out.push_back(static_cast<typename std::remove_reference_t<decltype(out)>::value_type>(v));
  }
}
/// Parses a TensorProto; throws where its type has no numbers (strings, complex, 8-bit floats).
inline tensor_file parse_tensor(std::string_view bytes) {
  tensor_file t;
  std::string_view raw;
  std::vector<std::int64_t> words;  // int32_data, int64_data
  wire_message m(bytes);
  const auto numbers = [](const wire_field& f, std::vector<std::int64_t>& out) {
    if (f.type == 0) return out.push_back(static_cast<std::int64_t>(f.value));
    for (std::size_t i = 0; i < f.bytes.size();) {
      std::uint64_t v = 0;
      for (int shift = 0; i < f.bytes.size() && shift < 64; shift += 7) {
        const auto b = static_cast<unsigned char>(f.bytes[i++]);
        v |= static_cast<std::uint64_t>(b & 127u) << shift;
        if (b < 128) break;
      }
      out.push_back(static_cast<std::int64_t>(v));
    }
  };
  for (wire_field f; m.next(f);) {
    switch (f.number) {
      case 1:
        numbers(f, t.dims);
        break;
      case 2:
        t.type = static_cast<int>(f.value);
        break;
      case 4:
        append_raw<float>(f.bytes, t.reals);
        break;
      case 5:
      case 7:
      case 11:
        numbers(f, words);
        break;
      case 8:
        t.name = std::string(f.bytes);
        break;
      case 9:
        raw = f.bytes;
        break;
      case 10:
        append_raw<double>(f.bytes, t.reals);
        break;
      default:
        break;
    }
  }
  switch (t.type) {
    case 1:
      append_raw<float>(raw, t.reals);
      break;
    case 2:
    case 9:
      append_raw<std::uint8_t>(raw, t.ints);
      break;
    case 3:
      append_raw<std::int8_t>(raw, t.ints);
      break;
    case 4:
      append_raw<std::uint16_t>(raw, t.ints);
      break;
    case 5:
      append_raw<std::int16_t>(raw, t.ints);
      break;
    case 6:
      append_raw<std::int32_t>(raw, t.ints);
      break;
    case 7:
      append_raw<std::int64_t>(raw, t.ints);
      break;
    case 12:
      append_raw<std::uint32_t>(raw, t.ints);
      break;
    case 13:
      append_raw<std::uint64_t>(raw, t.ints);
      break;
    case 11:
      append_raw<double>(raw, t.reals);
      break;
    case 10:
      for (std::size_t i = 0; i + 2 <= raw.size(); i += 2) {
        std::uint16_t h;
        std::memcpy(&h, raw.data() + i, 2);
        t.reals.push_back(half_real(h));
      }
      for (std::int64_t w : words) t.reals.push_back(half_real(static_cast<std::uint16_t>(w)));
      words.clear();
      break;
    default:
      throw std::runtime_error("a tensor of ONNX type " + std::to_string(t.type));
  }
  for (std::int64_t w : words)
    t.ints.push_back(t.type == 6 || t.type == 3 || t.type == 5 ? static_cast<std::int32_t>(w) : w);
  return t;
}

/// The model with the named tensors as initializers instead of inputs (ModelProto.graph = 7, GraphProto.initializer =
/// 5, GraphProto.input = 11).
inline std::string with_constants(std::string_view model,
                                  const std::vector<std::pair<std::string, std::string>>& constants) {
  const auto put = [](std::string& out, std::uint32_t number, std::string_view body) {
    const auto varint = [&](std::uint64_t v) {
      for (; v > 127; v >>= 7) out += static_cast<char>((v & 127) | 128);
      out += static_cast<char>(v);
    };
    varint((number << 3) | 2u);
    varint(body.size());
    out += body;
  };
  std::string result;
  wire_message m(model);
  for (wire_field f; m.next(f);) {
    if (f.number != 7) {
      result += f.whole;
      continue;
    }
    std::string graph;
    wire_message g(f.bytes);
    for (wire_field field; g.next(field);) {
      bool dropped = false;
      if (field.number == 11) {
        wire_message info(field.bytes);
        for (wire_field part; info.next(part);)
          if (part.number == 1)
            for (const auto& c : constants) dropped = dropped || c.first == part.bytes;
      }
      if (!dropped) graph += field.whole;
    }
    for (const auto& c : constants) put(graph, 5, c.second);
    put(result, 7, graph);
  }
  return result;
}

}  // namespace conformance
