// SPDX-License-Identifier: Apache-2.0
#include "qnnx/io/encodings.hpp"

#include <simdjson.h>

#include <cmath>
#include <map>

#include "qnnx/io/file.hpp"
#include "qnnx/numeric/rounding.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

namespace dom = simdjson::dom;

/// One encoding object and where it stands, for messages.
struct reader {
  const std::string& file;
  std::string place;

  [[noreturn]] void fail(const std::string& what) const { throw error(file + ": " + place + ": " + what); }

  std::optional<double> number(dom::object o, const char* key) const {
    dom::element e;
    if (o.at_key(key).get(e) != simdjson::SUCCESS) return std::nullopt;
    double d = 0;
    if (e.get(d) != simdjson::SUCCESS || !std::isfinite(d)) fail(std::string("\"") + key + "\": expected a number");
    return d;
  }
  std::optional<int> integer(dom::object o, const char* key) const {
    const auto d = number(o, key);
    if (!d) return std::nullopt;
    if (*d != std::floor(*d) || std::abs(*d) > 2147483648.0) fail(std::string("\"") + key + "\": expected an integer");
    return static_cast<int>(std::max(-2147483647.0, std::min(*d, 2147483647.0)));
  }
  /// A number or a list of numbers.
  std::vector<double> numbers(dom::object o, const char* key) const {
    dom::element e;
    if (o.at_key(key).get(e) != simdjson::SUCCESS) return {};
    dom::array list;
    std::vector<double> v;
    double d = 0;
    if (e.get(list) == simdjson::SUCCESS) {
      for (dom::element item : list) {
        if (item.get(d) != simdjson::SUCCESS || !std::isfinite(d)) fail(std::string("\"") + key + "\": expected numbers");
        v.push_back(d);
      }
    } else if (e.get(d) == simdjson::SUCCESS) {
      v.push_back(d);
    } else {
      fail(std::string("\"") + key + "\": expected a number or a list of numbers");
    }
    return v;
  }
  std::string text(dom::object o, const char* key, const char* otherwise) const {
    dom::element e;
    std::string_view s;
    if (o.at_key(key).get(e) != simdjson::SUCCESS) return otherwise;
    if (e.get(s) != simdjson::SUCCESS) fail(std::string("\"") + key + "\": expected a text");
    return std::string(s);
  }
  /// true, false, "True", "false", ...
  bool flag(dom::object o, const char* key) const {
    dom::element e;
    if (o.at_key(key).get(e) != simdjson::SUCCESS) return false;
    bool b = false;
    if (e.get(b) == simdjson::SUCCESS) return b;
    std::string_view s;
    if (e.get(s) == simdjson::SUCCESS) {
      if (s == "True" || s == "true") return true;
      if (s == "False" || s == "false") return false;
    }
    fail(std::string("\"") + key + "\": expected true or false");
  }
  bool is_float(dom::object o) const {
    const std::string d = text(o, "dtype", "int");
    if (d == "int" || d == "INT") return false;
    if (d == "float" || d == "FLOAT" || d == "FP" || d == "fp") return true;
    fail("\"dtype\": got \"" + d + "\", expected int or float");
  }
  void check_bits(int bits) const {
    if (bits < 2 || bits > 32) fail("bit width: got " + std::to_string(bits) + ", expected 2 to 32");
  }
  /// Adds one scale and offset (unsigned grid).
  void add(encoding_entry& e, double scale, double offset) const {
    const double steps = std::ldexp(1.0, e.bits) - 1;
    if (!(scale > 0) || scale > 1e30) fail("got a scale that is not above 0");
    if (offset > 0) offset = -offset;  // TF exports and samples of the SDK print the zero point
    if (offset < -steps) fail("offset: got " + std::to_string(static_cast<long long>(offset)) + ", expected -" +
                              std::to_string(static_cast<long long>(steps)) + " to 0");
    e.scales.push_back(static_cast<float>(scale));
    e.offsets.push_back(e.bits > 31 ? 0 : static_cast<std::int32_t>(offset));
  }
};

/// Version 0.x: one object per channel.
void read_legacy_object(const reader& r, dom::object o, encoding_entry& e) {
  e.is_float = r.is_float(o);
  e.bits = r.integer(o, "bitwidth").value_or(8);
  r.check_bits(e.bits);
  if (e.is_float) return;
  e.symmetric = r.flag(o, "is_symmetric");
  const auto lo = r.number(o, "min");
  const auto hi = r.number(o, "max");
  const auto scale = r.number(o, "scale");
  const auto offset = r.integer(o, "offset");
  if (lo && hi) {
    if (!(*lo <= *hi)) r.fail("got min above max");
    const double steps = std::ldexp(1.0, e.bits) - 1;
    const double low = std::min(*lo, 0.0);
    const double width = std::max(std::max(*hi, 0.0) - low, 1e-4);
    double step = width / steps;
    if (scale && std::abs(*scale - step) < 1e-5 * step) step = *scale;  // the same number, without our rounding
    r.add(e, step, std::max(-steps, static_cast<double>(round_rne(low / step))));
  } else if (scale && offset) {
    r.add(e, *scale, *offset);
  } else {
    r.fail("got neither min and max nor scale and offset, expected one of the pairs");
  }
}

void read_legacy(encodings_file& f, const std::string& file, dom::object root, const char* section, bool parameter) {
  dom::object tensors;
  if (root.at_key(section).get(tensors) != simdjson::SUCCESS)
    throw error(file + ": \"" + section + "\": got none, expected an object of tensor names (it may be empty)");
  for (dom::key_value_pair kv : tensors) {
    encoding_entry e;
    e.name = std::string(kv.key);
    e.parameter = parameter;
    const reader r{file, std::string(section) + " '" + e.name + "'"};
    dom::array list;
    if (kv.value.get(list) != simdjson::SUCCESS) r.fail("expected a list of encodings");
    for (dom::element item : list) {
      dom::object o;
      if (item.get(o) != simdjson::SUCCESS) r.fail("expected a list of encodings");
      read_legacy_object(r, o, e);
    }
    if (!e.is_float && e.scales.empty()) r.fail("got an empty list, expected one encoding or one per channel");
    f.entries.push_back(std::move(e));
  }
}

void read_v1(encodings_file& f, const std::string& file, dom::object root, const char* section, bool parameter) {
  dom::array list;
  if (root.at_key(section).get(list) != simdjson::SUCCESS)
    throw error(file + ": \"" + section + "\": got none, expected a list (it may be empty)");
  std::size_t k = 0;
  for (dom::element item : list) {
    reader r{file, std::string(section) + " entry " + std::to_string(k++)};
    dom::object o;
    if (item.get(o) != simdjson::SUCCESS) r.fail("expected an object");
    encoding_entry e;
    e.parameter = parameter;
    e.name = r.text(o, "name", "");
    if (e.name.empty()) r.fail("got no name, expected the tensor's name");
    r.place = std::string(section) + " '" + e.name + "'";
    e.is_float = r.is_float(o);
    e.bits = r.integer(o, "bw").value_or(8);
    r.check_bits(e.bits);
    const std::string kind = r.text(o, "enc_type", "PER_TENSOR");
    if (!e.is_float) {
      if (kind != "PER_TENSOR" && kind != "PER_CHANNEL")
        r.fail("got enc_type " + kind + ", expected PER_TENSOR or PER_CHANNEL: block encodings are not read");
      e.symmetric = r.flag(o, "is_sym");
      const auto scales = r.numbers(o, "scale");
      const auto offsets = r.numbers(o, "offset");
      if (scales.empty()) r.fail("got no scale, expected one or one per channel");
      if (!offsets.empty() && offsets.size() != scales.size())
        r.fail("got " + std::to_string(scales.size()) + " scales and " + std::to_string(offsets.size()) + " offsets");
      for (std::size_t i = 0; i < scales.size(); ++i)
        r.add(e, scales[i], offsets.empty() ? (e.symmetric ? -std::ldexp(1.0, e.bits - 1) : 0) : offsets[i]);
    }
    f.entries.push_back(std::move(e));
  }
}

void read_v2(encodings_file& f, const std::string& file, dom::object root) {
  dom::array list;
  if (root.at_key("encodings").get(list) != simdjson::SUCCESS)
    throw error(file + ": \"encodings\": got none, expected a list (it may be empty)");
  std::size_t k = 0;
  for (dom::element item : list) {
    reader r{file, "encodings entry " + std::to_string(k++)};
    dom::object o;
    if (item.get(o) != simdjson::SUCCESS) r.fail("expected an object");
    encoding_entry e;
    e.name = r.text(o, "name", "");
    if (e.name.empty()) r.fail("got no name, expected the tensor's name");
    r.place = "encodings '" + e.name + "'";
    const std::string type = r.text(o, "output_dtype", "uint8");
    if (r.number(o, "block_size").value_or(0) > 0) r.fail("got block_size, expected per tensor or per channel: block encodings are not read");
    const std::map<std::string, int, std::less<>> types{{"uint4", 4}, {"int4", 4},   {"uint8", 8},   {"int8", 8},
                                                        {"uint16", 16}, {"int16", 16}, {"int32", 32}, {"uint32", 32}};
    if (type.rfind("float", 0) == 0) {
      e.is_float = true;
      f.entries.push_back(std::move(e));
      continue;
    }
    const auto at = types.find(type);
    if (at == types.end()) r.fail("output_dtype: got \"" + type + "\", expected int4, uint8, int16, ... or float32");
    e.bits = at->second;
    const bool is_signed = type[0] == 'i';
    const auto scales = r.numbers(o, "y_scale");
    auto zeros = r.numbers(o, "y_zero_point");
    if (scales.empty()) r.fail("got no y_scale, expected one or one per channel");
    if (zeros.empty()) zeros.assign(scales.size(), 0);
    if (zeros.size() != scales.size())
      r.fail("got " + std::to_string(scales.size()) + " scales and " + std::to_string(zeros.size()) + " zero points");
    e.symmetric = is_signed;
    for (std::size_t i = 0; i < scales.size(); ++i) {
      if (zeros[i] != 0) e.symmetric = false;
      const double lowest = is_signed ? std::ldexp(1.0, e.bits - 1) : 0;
      if (zeros[i] + lowest < 0) r.fail("y_zero_point: got a value below the type's range");
      r.add(e, scales[i], -(zeros[i] + lowest));
    }
    f.entries.push_back(std::move(e));
  }
}

/// Names as front ends clean them.
std::string cleaned(std::string_view name) {
  std::string s;
  for (char c : name) s += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  if (!s.empty() && std::isdigit(static_cast<unsigned char>(s[0]))) s.insert(0, "_");
  return s;
}

}  // namespace

encodings_file parse_encodings(std::string_view json, const std::string& file) {
  dom::parser parser;
  dom::element doc;
  if (const auto e = parser.parse(simdjson::padded_string(json)).get(doc); e != simdjson::SUCCESS)
    throw error(file + ": got text that is not JSON (" + simdjson::error_message(e) + "), expected an encodings file");
  dom::object root;
  if (doc.get(root) != simdjson::SUCCESS) throw error(file + ": got JSON that is not an object, expected an encodings file");
  encodings_file f;
  f.version = reader{file, "version"}.text(root, "version", "0.4.0");
  if (f.version == "1.0.0") {
    read_v1(f, file, root, "activation_encodings", false);
    read_v1(f, file, root, "param_encodings", true);
  } else if (f.version == "2.0.0") {
    read_v2(f, file, root);
  } else if (f.version.rfind("0.", 0) == 0) {
    read_legacy(f, file, root, "activation_encodings", false);
    read_legacy(f, file, root, "param_encodings", true);
  } else {
    throw error(file + ": version: got \"" + f.version + "\", expected 0.4.0, 0.5.0, 0.6.1, 1.0.0 or 2.0.0");
  }
  return f;
}

encodings_file read_encodings(const std::string& path) { return parse_encodings(read_text(path), path); }

std::vector<std::string> apply_encodings(net& n, const encodings_file& f) {
  std::map<std::string, int, std::less<>> by_name;
  for (std::size_t t = 0; t < n.tensors.size(); ++t) by_name.emplace(n.tensors[t].name, static_cast<int>(t));
  for (std::size_t t = 0; t < n.tensors.size(); ++t)
    if (!n.tensors[t].source_name.empty()) by_name.emplace(n.tensors[t].source_name, static_cast<int>(t));
  std::vector<std::string> unknown;
  for (const encoding_entry& e : f.entries) {
    auto at = by_name.find(e.name);
    if (at == by_name.end()) at = by_name.find(cleaned(e.name));
    if (at == by_name.end()) {
      unknown.push_back(e.name);
      continue;
    }
    net_tensor& t = n.tensors[static_cast<std::size_t>(at->second)];
    if (!is_float(t.type)) {
      unknown.push_back(e.name);
      continue;
    }
    t.overridden = true;
    t.enc = {};
    if (e.is_float) continue;
    t.enc.kind = e.scales.size() > 1 ? encoding_kind::bw_axis_scale_offset : encoding_kind::bw_scale_offset;
    t.enc.bits = e.bits;
    t.enc.scales = e.scales;
    t.enc.offsets = e.offsets;
    if (e.scales.size() == 1 && e.bits <= 16) {
      const auto s = static_cast<double>(e.scales[0]);
      t.range = std::pair(static_cast<float>(s * e.offsets[0]),
                          static_cast<float>(s * (e.offsets[0] + std::ldexp(1.0, e.bits) - 1)));
    }
  }
  return unknown;
}

}  // namespace qnnx::inline QNNX_ABI
