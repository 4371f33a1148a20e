// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <utility>

namespace qnnx::inline QNNX_ABI {

std::string float_text(float x) {
  if (std::isnan(x)) return "nan";
  if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
  std::array<char, 48> shortest{};
  const auto r = std::to_chars(shortest.data(), shortest.data() + shortest.size(), x);
  std::string s(shortest.data(), r.ptr);
  if (static_cast<float>(std::strtod(s.c_str(), nullptr)) == x) return s;  // readers may go through double
  std::snprintf(shortest.data(), shortest.size(), "%.9g", static_cast<double>(x));
  return shortest.data();
}

std::string float_literal(float x) {
  if (std::isnan(x)) return "std::numeric_limits<float>::quiet_NaN()";
  if (std::isinf(x)) return x > 0 ? "std::numeric_limits<float>::infinity()" : "-std::numeric_limits<float>::infinity()";
  std::string s = float_text(x);
  if (s.find_first_of(".e") == std::string::npos) s += ".0";
  return s + "f";
}

std::string float_json(float x) { return std::isfinite(x) ? float_text(x) : '"' + float_text(x) + '"'; }

bool parse_float(std::string_view text, float& x) {
  const std::string copy(text);
  char* end = nullptr;
  x = std::strtof(copy.c_str(), &end);
  return !copy.empty() && end == copy.c_str() + copy.size();
}

std::string json_string(std::string_view text) {
  std::string s = "\"";
  for (char c : text) {
    switch (c) {
      case '"': s += "\\\""; break;
      case '\\': s += "\\\\"; break;
      case '\n': s += "\\n"; break;
      case '\r': s += "\\r"; break;
      case '\t': s += "\\t"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          std::array<char, 8> code{};
          std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
          s += code.data();
        } else {
          s += c;
        }
    }
  }
  return s + '"';
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string s = "\"";
  for (char c : text) s += c == '"' ? "\"\"" : std::string(1, c);
  return s + '"';
}

std::string dims_text(const shape& s, std::string_view separator) {
  std::string t;
  for (int i = 0; i < s.rank(); ++i) {
    if (i) t += separator;
    t += std::to_string(s[i]);
  }
  return t;
}

namespace {
template <class T>
using name_of = std::pair<T, std::string_view>;
constexpr std::array<name_of<tensor_kind>, 6> kinds{{{tensor_kind::app_write, "app_write"},
                                                     {tensor_kind::app_read, "app_read"},
                                                     {tensor_kind::app_readwrite, "app_readwrite"},
                                                     {tensor_kind::native, "native"},
                                                     {tensor_kind::constant, "constant"},
                                                     {tensor_kind::null, "null"}}};
constexpr std::array<name_of<encoding_kind>, 7> encodings{{{encoding_kind::scale_offset, "scale_offset"},
                                                           {encoding_kind::axis_scale_offset, "axis_scale_offset"},
                                                           {encoding_kind::bw_scale_offset, "bw_scale_offset"},
                                                           {encoding_kind::bw_axis_scale_offset, "bw_axis_scale_offset"},
                                                           {encoding_kind::block, "block"},
                                                           {encoding_kind::blockwise_expansion, "blockwise_expansion"},
                                                           {encoding_kind::none, "none"}}};
constexpr std::array<name_of<activation>, 3> activations{
    {{activation::none, "none"}, {activation::relu, "relu"}, {activation::clamp, "clamp"}}};
constexpr std::array<name_of<rounding_mode>, 3> roundings{
    {{rounding_mode::rne, "rne"}, {rounding_mode::tflite, "tflite"}, {rounding_mode::half_up, "half_up"}}};
constexpr std::array dtypes{dtype::int_8,    dtype::int_16,    dtype::int_32,    dtype::int_64,   dtype::uint_8,
                            dtype::uint_16,  dtype::uint_32,   dtype::uint_64,   dtype::float_16, dtype::float_32,
                            dtype::float_64, dtype::sfixed_4,  dtype::sfixed_8,  dtype::sfixed_16, dtype::sfixed_32,
                            dtype::ufixed_4, dtype::ufixed_8,  dtype::ufixed_16, dtype::ufixed_32, dtype::bool_8};

template <class T, std::size_t N>
std::string_view spelled(const std::array<name_of<T>, N>& table, T value) {
  for (const auto& [v, name] : table)
    if (v == value) return name;
  return "?";
}
template <class T, std::size_t N>
bool find_name(const std::array<name_of<T>, N>& table, std::string_view text, T& value) {
  for (const auto& [v, name] : table)
    if (name == text) {
      value = v;
      return true;
    }
  return false;
}
}  // namespace

std::string_view to_string(tensor_kind kind) { return spelled(kinds, kind); }
std::string_view to_string(encoding_kind kind) { return spelled(encodings, kind); }
std::string_view to_string(activation a) { return spelled(activations, a); }
std::string_view rounding_text(rounding_mode mode) { return spelled(roundings, mode); }
bool from_string(std::string_view text, tensor_kind& kind) { return find_name(kinds, text, kind); }
bool from_string(std::string_view text, encoding_kind& kind) { return find_name(encodings, text, kind); }
bool from_string(std::string_view text, activation& a) { return find_name(activations, text, a); }
bool from_string(std::string_view text, rounding_mode& mode) { return find_name(roundings, text, mode); }
bool from_string(std::string_view text, dtype& type) {
  for (dtype d : dtypes)
    if (to_string(d) == text) {
      type = d;
      return true;
    }
  return false;
}

std::string clean_name(std::string_view name) {
  std::string s;
  for (char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (digit && s.empty()) s += '_';
    s += letter || digit ? c : '_';
  }
  return s.empty() ? "_" : s;
}

}  // namespace qnnx::inline QNNX_ABI
