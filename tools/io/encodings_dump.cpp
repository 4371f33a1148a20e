// SPDX-License-Identifier: Apache-2.0
// Encodings of a quantized net as JSON. Offsets stand on the unsigned grid, as in AIMET's files.
#include "qnnx/io/encodings.hpp"
#include "qnnx/io/text.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

struct channel {
  double scale = 0;
  std::int64_t offset = 0;  // unsigned grid
  bool symmetric = false;
};

int width_of(const net_tensor& t) { return t.enc.bits ? t.enc.bits : bits_of(t.type); }

std::vector<channel> channels_of(const net_tensor& t) {
  std::vector<channel> list;
  const std::int64_t half = std::int64_t{1} << (width_of(t) - 1);
  for (std::size_t i = 0; i < t.enc.scales.size(); ++i) {
    const std::int64_t stored = i < t.enc.offsets.size() ? t.enc.offsets[i] : 0;
    const std::int64_t offset = is_signed_fixed(t.type) ? stored - half : stored;
    list.push_back({static_cast<double>(t.enc.scales[i]), offset, offset == -half});
  }
  return list;
}

std::string real(double x) { return float_json(static_cast<float>(x)); }

std::string legacy_entry(const net_tensor& t) {
  std::string s;
  const double steps = static_cast<double>((std::int64_t{1} << width_of(t)) - 1);
  for (const channel& c : channels_of(t)) {
    if (!s.empty()) s += ", ";
    s += "{\"bitwidth\": " + std::to_string(width_of(t)) + ", \"dtype\": \"int\", \"is_symmetric\": \"" +
         (c.symmetric ? "True" : "False") + "\", \"max\": " + real(c.scale * (static_cast<double>(c.offset) + steps)) +
         ", \"min\": " + real(c.scale * static_cast<double>(c.offset)) + ", \"offset\": " + std::to_string(c.offset) +
         ", \"scale\": " + real(c.scale) + "}";
  }
  return "[" + s + "]";
}

std::string v1_entry(const net_tensor& t) {
  std::string scales;
  std::string offsets;
  bool symmetric = true;
  for (const channel& c : channels_of(t)) {
    scales += (scales.empty() ? "" : ", ") + real(c.scale);
    offsets += (offsets.empty() ? "" : ", ") + std::to_string(c.offset);
    symmetric = symmetric && c.symmetric;
  }
  return "{\"name\": " + json_string(t.source_name.empty() ? t.name : t.source_name) + ", \"enc_type\": \"" +
         (t.enc.scales.size() > 1 ? "PER_CHANNEL" : "PER_TENSOR") + "\", \"dtype\": \"INT\", \"bw\": " +
         std::to_string(width_of(t)) + ", \"is_sym\": " + (symmetric ? "true" : "false") + ", \"scale\": [" + scales +
         "], \"offset\": [" + offsets + "]}";
}

}  // namespace

std::string dump_encodings(const net& n, encodings_version version) {
  const bool legacy = version == encodings_version::v0_6_1;
  std::string section[2];
  for (const net_tensor& t : n.tensors) {
    if (!is_fixed(t.type) || t.enc.scales.empty()) continue;
    std::string& s = section[t.kind == tensor_kind::constant ? 1 : 0];
    s += s.empty() ? "\n    " : ",\n    ";
    s += legacy ? json_string(t.source_name.empty() ? t.name : t.source_name) + ": " + legacy_entry(t) : v1_entry(t);
  }
  const char* open = legacy ? "{" : "[";
  const char* close = legacy ? "}" : "]";
  std::string json = "{\n  \"version\": \"" + std::string(legacy ? "0.6.1" : "1.0.0") + "\",\n";
  json += std::string("  \"activation_encodings\": ") + open + section[0] + (section[0].empty() ? "" : "\n  ") + close + ",\n";
  json += std::string("  \"param_encodings\": ") + open + section[1] + (section[1].empty() ? "" : "\n  ") + close + "\n}\n";
  return json;
}

}  // namespace qnnx::inline QNNX_ABI
