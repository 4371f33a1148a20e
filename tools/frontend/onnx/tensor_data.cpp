// SPDX-License-Identifier: Apache-2.0
// Values of tensors: raw bytes, typed fields, files beside the model; 4-bit types unpacked, bfloat16 and double kept as
// they are until somebody asks for floats.
#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "frontend/onnx/model.hpp"
#include "qnnx/numeric/half.hpp"

namespace qnnx::inline QNNX_ABI::onnx {

std::string to_string(element e) {
  static const char* const names[] = {"undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string",
                                      "bool", "float16", "double", "uint32", "uint64", "complex64", "complex128", "bfloat16",
                                      "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4", "int4",
                                      "float4e2m1"};
  const auto i = static_cast<std::int32_t>(e);
  return i >= 0 && i < 24 ? names[i] : "type " + std::to_string(i);
}

int element_bytes(element e) {
  switch (e) {
    case element::uint8: case element::int8: case element::boolean: case element::uint4: case element::int4: return 1;
    case element::uint16: case element::int16: case element::float16: case element::bfloat16: return 2;
    case element::float32: case element::int32: case element::uint32: return 4;
    case element::int64: case element::uint64: case element::float64: return 8;
    default: return 0;
  }
}

std::int64_t constant::size() const {
  std::int64_t n = 1;
  for (std::int64_t d : dims) n *= d;
  return n;
}

bool constant::is_integer() const {
  return type != element::float32 && type != element::float16 && type != element::bfloat16 && type != element::float64;
}

namespace {
template <class To>
std::vector<To> converted(const constant& c) {
  const auto n = static_cast<std::size_t>(c.size());
  std::vector<To> v(n);
  const auto copy = [&]<class T>(const T* p) {
    for (std::size_t i = 0; i < n; ++i) v[i] = static_cast<To>(p[i]);
  };
  const auto from_float = [&](auto get) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto x = get(i);
      if constexpr (std::is_integral_v<To>) v[i] = std::isfinite(x) && std::abs(x) < 9e18 ? static_cast<To>(x) : To{};
      else v[i] = static_cast<To>(x);
    }
  };
  switch (c.type) {
    case element::uint8: case element::boolean: case element::uint4: copy(c.as<std::uint8_t>()); break;
    case element::int8: case element::int4: copy(c.as<std::int8_t>()); break;
    case element::uint16: copy(c.as<std::uint16_t>()); break;
    case element::int16: copy(c.as<std::int16_t>()); break;
    case element::int32: copy(c.as<std::int32_t>()); break;
    case element::uint32: copy(c.as<std::uint32_t>()); break;
    case element::int64: copy(c.as<std::int64_t>()); break;
    case element::uint64: copy(c.as<std::uint64_t>()); break;
    case element::float32: from_float([&](std::size_t i) { return c.as<float>()[i]; }); break;
    case element::float64: from_float([&](std::size_t i) { return c.as<double>()[i]; }); break;
    case element::float16: from_float([&](std::size_t i) { return half_value(c.as<std::uint16_t>()[i]); }); break;
    case element::bfloat16:
      from_float([&](std::size_t i) { return std::bit_cast<float>(static_cast<std::uint32_t>(c.as<std::uint16_t>()[i]) << 16); });
      break;
    default: break;
  }
  return v;
}

template <class T, class From>
void store(const std::vector<From>& values, std::vector<std::byte>& out) {
  out.resize(values.size() * sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T v = static_cast<T>(values[i]);
    std::memcpy(out.data() + i * sizeof(T), &v, sizeof(T));
  }
}

std::vector<std::byte> unpack_nibbles(std::string_view packed, std::size_t count, bool is_signed) {
  std::vector<std::byte> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto b = static_cast<std::uint8_t>(packed[i / 2]);
    int v = i % 2 ? b >> 4 : b & 15;
    if (is_signed && v > 7) v -= 16;
    out[i] = static_cast<std::byte>(static_cast<std::uint8_t>(v));
  }
  return out;
}

/// The bytes of a tensor that lies in a file beside the model.
std::string external_bytes(const model& m, const tensor_proto& t, std::uint64_t wanted) {
  const std::string who = "tensor '" + t.name + "'";
  std::string location;
  std::uint64_t offset = 0;
  std::uint64_t length = wanted;
  for (const auto& [key, value] : t.external_data) {
    if (key == "location") location = value;
    if (key != "offset" && key != "length") continue;
    if (value.empty() || value.size() > 18 || value.find_first_not_of("0123456789") != std::string::npos)
      m.file.fail(t.at, who + ": external " + key + " '" + value.substr(0, 40) + "' is not a number");
    (key == "offset" ? offset : length) = std::stoull(value);
  }
  const std::filesystem::path relative(location);
  bool inside = !location.empty() && !relative.is_absolute() && location.find('\0') == std::string::npos;
  for (const auto& part : relative) inside = inside && part != "..";
  if (m.folder.empty() || !inside)
    m.file.fail(t.at, who + ": external data '" + location.substr(0, 200) + "' is not inside the model's folder",
                "keep the weights file beside the model");
  if (length != wanted)
    m.file.fail(t.at, who + ": external length " + std::to_string(length) + ", expected " + std::to_string(wanted) + " bytes");
  const std::filesystem::path path = std::filesystem::path(m.folder) / relative;
  std::error_code ec;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, ec);
  const std::filesystem::path home = std::filesystem::weakly_canonical(m.folder, ec);
  const auto [stop, at] = std::mismatch(home.begin(), home.end(), real.begin(), real.end());
  (void)at;
  if (ec || stop != home.end())
    m.file.fail(t.at, who + ": external data '" + location + "' leads out of the model's folder",
                "keep the weights file beside the model");
  const auto size = std::filesystem::is_regular_file(path, ec) ? std::filesystem::file_size(path, ec) : std::uintmax_t{0};
  std::ifstream in(path, std::ios::binary);
  if (ec || !in) m.file.fail(t.at, who + ": cannot open '" + path.string() + "'", "keep the weights file beside the model");
  if (offset > size || length > size - offset)
    m.file.fail(t.at, who + ": '" + path.string() + "' has " + std::to_string(size) + " bytes, expected " +
                          std::to_string(offset + length), "copy the weights file again");
  std::string bytes(static_cast<std::size_t>(length), '\0');
  in.seekg(static_cast<std::streamoff>(offset));
  in.read(bytes.data(), static_cast<std::streamsize>(length));
  if (!in) m.file.fail(t.at, who + ": '" + path.string() + "' cannot be read to its end", "check the disk");
  return bytes;
}
}  // namespace

std::vector<std::int64_t> constant::ints() const { return converted<std::int64_t>(*this); }
std::vector<float> constant::floats() const { return converted<float>(*this); }

constant constant::of_ints(std::vector<std::int64_t> dims, const std::vector<std::int64_t>& values, element type) {
  constant c;
  c.type = type;
  c.dims = std::move(dims);
  switch (type) {
    case element::uint8: case element::boolean: case element::uint4: store<std::uint8_t>(values, c.data); break;
    case element::int8: case element::int4: store<std::int8_t>(values, c.data); break;
    case element::uint16: store<std::uint16_t>(values, c.data); break;
    case element::int16: store<std::int16_t>(values, c.data); break;
    case element::int32: store<std::int32_t>(values, c.data); break;
    case element::uint32: store<std::uint32_t>(values, c.data); break;
    case element::uint64: store<std::uint64_t>(values, c.data); break;
    default: c.type = element::int64; store<std::int64_t>(values, c.data); break;
  }
  return c;
}
constant constant::of_floats(std::vector<std::int64_t> dims, const std::vector<float>& values) {
  constant c;
  c.type = element::float32;
  c.dims = std::move(dims);
  store<float>(values, c.data);
  return c;
}

constant decode(const model& m, const tensor_proto& t) {
  constant c;
  c.type = t.type;
  c.dims = t.dims;
  const std::string who = "tensor '" + t.name + "'";
  const int width = element_bytes(t.type);
  if (width == 0) m.file.fail(t.at, who + " has type " + to_string(t.type), "only numbers and bool can be imported");
  std::uint64_t count = 1;
  for (std::int64_t d : t.dims)
    if (d < 0 || (d > 0 && count > (std::uint64_t{1} << 40) / static_cast<std::uint64_t>(d)))
      m.file.fail(t.at, who + " has an impossible size");
    else count *= static_cast<std::uint64_t>(d);
  const bool packed = t.type == element::int4 || t.type == element::uint4;
  const std::uint64_t stored = packed ? (count + 1) / 2 : count * static_cast<std::uint64_t>(width);
  std::string outside;
  std::string_view raw = t.raw;
  if (t.external) {
    outside = external_bytes(m, t, stored);
    raw = outside;
  }
  if (t.external || t.has_raw) {
    if (raw.size() != stored)
      m.file.fail(t.at, who + ": got " + std::to_string(raw.size()) + " bytes of data, expected " + std::to_string(stored));
    if (packed) {
      c.data = unpack_nibbles(raw, static_cast<std::size_t>(count), t.type == element::int4);
    } else {
      c.data.resize(raw.size());
      if (!raw.empty()) std::memcpy(c.data.data(), raw.data(), raw.size());
    }
    return c;
  }
  const auto wrong = [&](std::size_t got) {
    m.file.fail(t.at, who + ": got " + std::to_string(got) + " values, expected " + std::to_string(count));
  };
  if (packed) {  // int32_data holds a byte each
    if (t.ints.size() != stored) wrong(t.ints.size());
    std::string bytes;
    for (std::int64_t v : t.ints) bytes.push_back(static_cast<char>(v & 0xff));
    c.data = unpack_nibbles(bytes, static_cast<std::size_t>(count), t.type == element::int4);
  } else if (t.type == element::float32) {
    if (t.floats.size() != count) wrong(t.floats.size());
    store<float>(t.floats, c.data);
  } else if (t.type == element::float64) {
    if (t.doubles.size() != count) wrong(t.doubles.size());
    store<double>(t.doubles, c.data);
  } else if (t.type == element::float16 || t.type == element::bfloat16) {
    if (t.ints.size() != count) wrong(t.ints.size());
    store<std::uint16_t>(t.ints, c.data);
  } else {
    if (t.ints.size() != count) wrong(t.ints.size());
    c.data = constant::of_ints({}, t.ints, t.type).data;
  }
  return c;
}

}  // namespace qnnx::inline QNNX_ABI::onnx
