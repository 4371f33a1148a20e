// SPDX-License-Identifier: Apache-2.0
// Reads what dlc_write.cpp writes, trusting nothing: types, ranges and counts are checked here, the graph by verify().
#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <set>

#include "qnnx/io/dlc.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/io/param_fields.hpp"
#include "qnnx/io/text.hpp"
#include "qnnx/io/zip.hpp"
#include "qnnx/op/ops.hpp"

namespace qnnx::inline QNNX_ABI {

namespace {

namespace dom = simdjson::dom;

constexpr std::int64_t most_tensors = 1 << 20;
constexpr std::int64_t most_elements = std::int64_t{1} << 40;

/// A JSON value with the words that lead to it, for messages.
class json_value {
 public:
  json_value(dom::element e, std::string source, std::string path) : e_(e), source_(std::move(source)), path_(std::move(path)) {}

  [[noreturn]] void fail(const std::string& what) const { throw error("'" + source_ + "': " + path_ + ": " + what); }

  bool has(const char* key) const {
    dom::element found;
    return e_.at_key(key).get(found) == simdjson::SUCCESS;
  }
  json_value operator[](const char* key) const {
    dom::element found;
    if (e_.at_key(key).get(found) != simdjson::SUCCESS) fail(std::string("got no \"") + key + "\", expected one");
    return {found, source_, path_ + "." + key};
  }
  std::string text() const {
    std::string_view s;
    if (e_.get(s) != simdjson::SUCCESS) fail("expected a string");
    return std::string(s);
  }
  std::int64_t integer(std::int64_t low, std::int64_t high) const {
    std::int64_t v = 0;
    if (e_.get(v) != simdjson::SUCCESS) fail("expected an integer");
    if (v < low || v > high) fail("got " + std::to_string(v) + ", expected " + std::to_string(low) + " to " + std::to_string(high));
    return v;
  }
  std::int32_t int32() const {
    return static_cast<std::int32_t>(integer(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()));
  }
  float real() const {
    double d = 0;
    if (e_.get(d) == simdjson::SUCCESS) {
      if (!(d <= 3.4028235677973366e38 && d >= -3.4028235677973366e38)) fail("expected a float32");
      return static_cast<float>(d);
    }
    float x = 0;
    std::string_view s;
    if (e_.get(s) == simdjson::SUCCESS && (s == "inf" || s == "-inf" || s == "nan") && parse_float(s, x)) return x;
    fail("expected a number");
  }
  bool boolean() const {
    bool b = false;
    if (e_.get(b) != simdjson::SUCCESS) fail("expected true or false");
    return b;
  }
  template <class E>
  E enumeration() const {
    E value{};
    const std::string s = text();
    if (!from_string(s, value)) fail("'" + s + "' is not known");
    return value;
  }
  std::vector<json_value> items() const {
    dom::array a;
    if (e_.get(a) != simdjson::SUCCESS) fail("expected a list");
    std::vector<json_value> all;
    std::size_t i = 0;
    for (dom::element item : a) all.emplace_back(item, source_, path_ + "[" + std::to_string(i++) + "]");
    return all;
  }
  std::vector<std::pair<std::string, json_value>> members() const {
    dom::object o;
    if (e_.get(o) != simdjson::SUCCESS) fail("expected an object");
    std::vector<std::pair<std::string, json_value>> all;
    for (const auto& m : o) all.emplace_back(std::string(m.key), json_value(m.value, source_, path_ + "." + std::string(m.key)));
    return all;
  }
  bool is_list() const { return e_.is_array(); }
  bool is_text() const { return e_.is_string(); }
  bool is_boolean() const { return e_.is_bool(); }
  bool is_integer() const { return e_.is_int64(); }

 private:
  dom::element e_;
  std::string source_;
  std::string path_;
};

net_encoding read_encoding(const json_value& v) {
  net_encoding e;
  e.kind = v["kind"].enumeration<encoding_kind>();
  if (v.has("bits")) e.bits = static_cast<int>(v["bits"].integer(0, 32));
  if (v.has("axis")) e.axis = static_cast<int>(v["axis"].integer(-1, max_rank - 1));
  if (v.has("block")) e.block = static_cast<int>(v["block"].integer(0, 0x7fffffff));
  for (const json_value& s : v["scales"].items()) e.scales.push_back(s.real());
  if (v.has("offsets"))
    for (const json_value& o : v["offsets"].items()) e.offsets.push_back(o.int32());
  if (!e.offsets.empty() && e.offsets.size() != e.scales.size())
    v.fail("got " + std::to_string(e.offsets.size()) + " offsets, expected " + std::to_string(e.scales.size()));
  if (e.defined() && e.scales.empty()) v.fail("got no scales, expected one or more");
  return e;
}

net_tensor read_tensor(const json_value& v, std::span<const std::byte> params, std::size_t& used) {
  net_tensor t;
  t.name = v["name"].text();
  t.kind = v["kind"].enumeration<tensor_kind>();
  t.type = v["type"].enumeration<dtype>();
  std::int64_t elements = 1;
  for (const json_value& d : v["dims"].items()) {
    if (t.dims.rank() == max_rank) v.fail("got a rank above " + std::to_string(max_rank) + ", expected at most that");
    t.dims.push_back(static_cast<std::int32_t>(d.integer(0, 0x7fffffff)));
    const std::int64_t d_elements = std::max(t.dims[t.dims.rank() - 1], 1);
    if (elements > most_elements / d_elements) v.fail("more elements than a machine holds");
    elements *= d_elements;
  }
  if (v.has("encoding")) t.enc = read_encoding(v["encoding"]);
  if (v.has("source_name")) t.source_name = v["source_name"].text();
  if (v.has("layout")) t.layout = v["layout"].text();
  if (v.has("overridden")) t.overridden = v["overridden"].boolean();
  if (v.has("range")) {
    const auto r = v["range"].items();
    if (r.size() != 2) v.fail("got a range of " + std::to_string(r.size()) + " numbers, expected 2");
    t.range = {r[0].real(), r[1].real()};
  }
  if (t.kind == tensor_kind::constant) {
    const json_value data = v["data"];
    const auto r = data.items();
    if (r.size() != 2) data.fail("expected [offset, size]");
    const auto at = static_cast<std::size_t>(r[0].integer(0, std::numeric_limits<std::int64_t>::max()));
    const auto size = static_cast<std::size_t>(r[1].integer(0, std::numeric_limits<std::int64_t>::max()));
    if (at != used) data.fail("got offset " + std::to_string(at) + ", expected " + std::to_string(used) + ": tensor order, 16-byte aligned");
    if (at > params.size() || size > params.size() - at)
      data.fail("runs past the end of model.params (" + std::to_string(params.size()) + " bytes)");
    used = (at + size + 15) / 16 * 16;
    const auto bytes = params.subspan(at, size);
    t.data.assign(bytes.begin(), bytes.end());
  }
  return t;
}

words read_params(const op_info& op, const json_value& v) {
  std::vector<param_field> fields;
  for (const auto& [name, value] : v.members()) {
    param_field f;
    f.name = name;
    const auto items = value.is_list() ? value.items() : std::vector<json_value>{value};
    bool real = false;
    for (const json_value& i : items) {
      const bool special = i.is_text() && (i.text() == "inf" || i.text() == "-inf" || i.text() == "nan");
      if (i.is_text() && !special) {
        f.form = field_form::symbol;
        f.whole.push_back(0);
        f.symbols.push_back(i.text());
      } else if (i.is_boolean()) {
        f.form = field_form::boolean;
        f.whole.push_back(i.boolean() ? 1 : 0);
      } else if (i.is_integer()) {
        f.whole.push_back(i.integer(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()));
      } else {
        real = true;
      }
    }
    if (real) {
      f.form = field_form::real;
      for (const json_value& i : items) f.real.push_back(i.real());
      f.whole.clear();
      f.symbols.clear();
    }
    if (f.form == field_form::symbol && f.symbols.size() != f.whole.size()) value.fail("names and numbers are mixed");
    fields.push_back(std::move(f));
  }
  try {
    return param_words(op, fields);
  } catch (const error& e) {
    v.fail(e.what());
  }
}

epilogue read_epilogue(const json_value& v) {
  epilogue e;
  e.act = v["act"].enumeration<activation>();
  e.lo = v["lo"].real();
  e.hi = v["hi"].real();
  e.residual = static_cast<std::int8_t>(v["residual"].integer(-1, max_inputs - 1));
  e.mid_act = v["mid_act"].enumeration<activation>();
  e.mid_lo = v["mid_lo"].real();
  e.mid_hi = v["mid_hi"].real();
  e.mid_scale = v["mid_scale"].real();
  e.mid_offset = v["mid_offset"].int32();
  e.table = static_cast<std::int8_t>(v["table"].integer(-1, max_inputs - 1));
  return e;
}

net_node read_node(const json_value& v, std::int64_t tensor_count) {
  net_node d;
  d.name = v["name"].text();
  const std::string op = v["op"].text();
  d.op = find_op(op);
  if (!d.op) v.fail("op '" + op + "' is not in this build");
  for (const json_value& i : v["inputs"].items()) d.inputs.push_back(static_cast<int>(i.integer(-1, tensor_count - 1)));
  for (const json_value& i : v["outputs"].items()) d.outputs.push_back(static_cast<int>(i.integer(0, tensor_count - 1)));
  d.params = v.has("params") ? read_params(*d.op, v["params"]) : default_params(*d.op);
  if (v.has("epilogue")) d.epi = read_epilogue(v["epilogue"]);
  for (int index : {static_cast<int>(d.epi.residual), static_cast<int>(d.epi.table)})
    if (index >= static_cast<int>(d.inputs.size())) v.fail("the epilogue names an input that the node does not have");
  return d;
}

void read_metadata(std::string_view text, net& n) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string key(line.substr(0, equals));
    if (key != "model-version") n.metadata[key] = line.substr(equals + 1);
  }
}

}  // namespace

net parse_dlc(std::span<const std::byte> bytes, const std::string& source) {
  const auto members = read_zip(bytes, source);
  const auto member = [&](const char* name) {
    for (const archive_member& m : members)
      if (m.name == name) return m.bytes;
    throw error("'" + source + "': got a container without the member '" + name + "': not a DLC of qnnx");
  };
  const auto model = member("model");
  const auto params = member("model.params");
  net n = parse_model(model, params, source);
  for (const archive_member& m : members)
    if (m.name == "dlc.metadata") read_metadata({reinterpret_cast<const char*>(m.bytes.data()), m.bytes.size()}, n);
  return n;
}

net parse_model(std::span<const std::byte> model, std::span<const std::byte> params, const std::string& source) {
  if (model.size() >= 8 && model[0] == std::byte{0xd5} && model[1] == std::byte{0x0a})
    throw error("'" + source + "': a DLC of another tool chain (FlatBuffer model); convert the source model with qnnx-converter");
  dom::parser parser;
  dom::element root;
  const simdjson::padded_string text(reinterpret_cast<const char*>(model.data()), model.size());
  if (const auto code = parser.parse(text).get(root); code != simdjson::SUCCESS)
    throw error("'" + source + "': member 'model' is not JSON: " + simdjson::error_message(code));
  const json_value v(root, source, "model");
  if (v["format"].text() != "qnnx-graph") v["format"].fail("expected qnnx-graph");
  if (const auto version = v["version"].integer(0, 1 << 30); version != dlc_version)
    v["version"].fail("got version " + std::to_string(version) + ", expected " + std::to_string(dlc_version));
  net n;
  n.name = v["name"].text();
  n.rounding = v["rounding"].enumeration<rounding_mode>();
  std::size_t used = 0;
  std::set<std::string> names;
  for (const json_value& t : v["tensors"].items()) {
    n.tensors.push_back(read_tensor(t, params, used));
    if (n.tensors.back().kind != tensor_kind::null && !names.insert(n.tensors.back().name).second)
      t.fail("two tensors with the name '" + n.tensors.back().name + "'");
    if (static_cast<std::int64_t>(n.tensors.size()) > most_tensors) v.fail("more than " + std::to_string(most_tensors) + " tensors");
  }
  if (used != params.size())
    throw error("'" + source + "': model.params has " + std::to_string(params.size()) + " bytes, the tensors need " + std::to_string(used));
  names.clear();
  for (const json_value& d : v["nodes"].items()) {
    n.nodes.push_back(read_node(d, static_cast<std::int64_t>(n.tensors.size())));
    if (!names.insert(n.nodes.back().name).second) d.fail("two nodes with the name '" + n.nodes.back().name + "'");
  }
  try {
    n.freeze();
  } catch (const error& e) {
    throw error("'" + source + "': " + e.what());
  }
  return n;
}

net read_dlc(const std::string& path) {
  const mapped_file file(path);
  return parse_dlc(file.bytes(), path);
}

}  // namespace qnnx::inline QNNX_ABI
