// SPDX-License-Identifier: Apache-2.0
#include "frontend/onnx/model.hpp"

#include <filesystem>
#include <fstream>

namespace qnnx::inline QNNX_ABI::onnx {

namespace {

using wire::field;
using wire::kind;

constexpr int deepest = 32;  // messages inside messages; a plain model uses 6

std::string text(const wire::source& file, const field& f, const char* name) {
  expect(file, f, kind::bytes, name);
  return std::string(f.bytes);
}

wire::message enter(const wire::source& file, const field& f, const char* name, int depth) {
  expect(file, f, kind::bytes, name);
  if (depth > deepest) file.fail(f.at, std::string(name) + " is nested deeper than " + std::to_string(deepest) + " messages",
                                 "check that this is an ONNX file");
  return {file, f.bytes};
}

std::pair<std::string, std::string> read_entry(const wire::source& file, const field& f, const char* name, int depth) {
  std::pair<std::string, std::string> e;
  wire::message m = enter(file, f, name, depth);
  for (field g; m.next(g);) {
    if (g.number == 1) e.first = text(file, g, "key");
    if (g.number == 2) e.second = text(file, g, "value");
  }
  return e;
}

tensor_proto read_tensor(const wire::source& file, const field& at, const char* name, int depth) {
  tensor_proto t;
  t.at = at.at;
  wire::message m = enter(file, at, name, depth);
  for (field f; m.next(f);) switch (f.number) {
      case 1: append_ints(file, f, "TensorProto.dims", t.dims); break;
      case 2:
        expect(file, f, kind::varint, "TensorProto.data_type");
        t.type = static_cast<element>(static_cast<std::int32_t>(f.value));
        break;
      case 3: file.fail(f.at, "a tensor is split in segments", "save the model with whole tensors");
      case 4: append_floats(file, f, "TensorProto.float_data", t.floats); break;
      case 5: append_ints(file, f, "TensorProto.int32_data", t.ints); break;
      case 7: append_ints(file, f, "TensorProto.int64_data", t.ints); break;
      case 8: t.name = text(file, f, "TensorProto.name"); break;
      case 9:
        expect(file, f, kind::bytes, "TensorProto.raw_data");
        t.raw = f.bytes;
        t.has_raw = true;
        break;
      case 10: append_doubles(file, f, "TensorProto.double_data", t.doubles); break;
      case 11: append_ints(file, f, "TensorProto.uint64_data", t.ints); break;
      case 13: t.external_data.push_back(read_entry(file, f, "TensorProto.external_data", depth + 1)); break;
      case 14:
        expect(file, f, kind::varint, "TensorProto.data_location");
        t.external = f.value == 1;
        break;
      default: break;
    }
  return t;
}

attribute_proto read_attribute(const wire::source& file, const field& at, int depth) {
  attribute_proto a;
  wire::message m = enter(file, at, "AttributeProto", depth);
  for (field f; m.next(f);) switch (f.number) {
      case 1: a.name = text(file, f, "AttributeProto.name"); break;
      case 2:
        expect(file, f, kind::word32, "AttributeProto.f");
        a.f = f.as_float();
        break;
      case 3:
        expect(file, f, kind::varint, "AttributeProto.i");
        a.i = f.as_int();
        break;
      case 4: a.s = text(file, f, "AttributeProto.s"); break;
      case 5: a.t = std::make_shared<tensor_proto>(read_tensor(file, f, "AttributeProto.t", depth + 1)); break;
      case 6:
      case 11: a.has_graph = true; break;
      case 7: append_floats(file, f, "AttributeProto.floats", a.floats); break;
      case 8: append_ints(file, f, "AttributeProto.ints", a.ints); break;
      case 9: a.strings.push_back(text(file, f, "AttributeProto.strings")); break;
      case 20:
        expect(file, f, kind::varint, "AttributeProto.type");
        a.type = static_cast<int>(f.value & 0xff);
        break;
      default: break;
    }
  return a;
}

node_proto read_node(const wire::source& file, const field& at, int depth) {
  node_proto n;
  wire::message m = enter(file, at, "NodeProto", depth);
  for (field f; m.next(f);) switch (f.number) {
      case 1: n.inputs.push_back(text(file, f, "NodeProto.input")); break;
      case 2: n.outputs.push_back(text(file, f, "NodeProto.output")); break;
      case 3: n.name = text(file, f, "NodeProto.name"); break;
      case 4: n.op_type = text(file, f, "NodeProto.op_type"); break;
      case 5: n.attributes.push_back(read_attribute(file, f, depth + 1)); break;
      case 7: n.domain = text(file, f, "NodeProto.domain"); break;
      default: break;
    }
  if (n.domain == "ai.onnx") n.domain.clear();
  return n;
}

void read_shape(const wire::source& file, const field& at, value_info& v, int depth) {
  v.has_shape = true;
  wire::message m = enter(file, at, "TensorShapeProto", depth);
  for (field f; m.next(f);) {
    if (f.number != 1) continue;
    dimension d;
    wire::message dim = enter(file, f, "TensorShapeProto.dim", depth + 1);
    for (field g; dim.next(g);) {
      if (g.number == 1) {
        expect(file, g, kind::varint, "dim_value");
        d.value = g.as_int();
      }
      if (g.number == 2) d.symbol = text(file, g, "dim_param");
    }
    v.dims.push_back(d);
  }
}

value_info read_value(const wire::source& file, const field& at, int depth) {
  value_info v;
  wire::message m = enter(file, at, "ValueInfoProto", depth);
  for (field f; m.next(f);) {
    if (f.number == 1) v.name = text(file, f, "ValueInfoProto.name");
    if (f.number != 2) continue;
    wire::message type = enter(file, f, "TypeProto", depth + 1);
    for (field g; type.next(g);) {
      if (g.number != 1) {
        v.is_tensor = v.is_tensor && (g.number == 6 || g.number > 9);
        continue;
      }
      wire::message tensor = enter(file, g, "TypeProto.Tensor", depth + 2);
      for (field h; tensor.next(h);) {
        if (h.number == 1) {
          expect(file, h, kind::varint, "elem_type");
          v.type = static_cast<element>(static_cast<std::int32_t>(h.value));
        }
        if (h.number == 2) read_shape(file, h, v, depth + 3);
      }
    }
  }
  return v;
}

graph_proto read_graph(const wire::source& file, const field& at, int depth) {
  graph_proto g;
  wire::message m = enter(file, at, "GraphProto", depth);
  for (field f; m.next(f);) switch (f.number) {
      case 1: g.nodes.push_back(read_node(file, f, depth + 1)); break;
      case 2: g.name = text(file, f, "GraphProto.name"); break;
      case 5: g.initializers.push_back(read_tensor(file, f, "GraphProto.initializer", depth + 1)); break;
      case 11: g.inputs.push_back(read_value(file, f, depth + 1)); break;
      case 12: g.outputs.push_back(read_value(file, f, depth + 1)); break;
      case 13: g.values.push_back(read_value(file, f, depth + 1)); break;
      case 15: file.fail(f.at, "the graph has a sparse initializer", "store it as a dense tensor");
      default: break;
    }
  return g;
}

std::string function_name(const wire::source& file, const field& at) {
  std::string name;
  std::string domain;
  wire::message m = enter(file, at, "FunctionProto", 1);
  for (field f; m.next(f);) {
    if (f.number == 1) name = text(file, f, "FunctionProto.name");
    if (f.number == 10) domain = text(file, f, "FunctionProto.domain");
  }
  return domain + ":" + name;
}

}  // namespace

const attribute_proto* node_proto::find(std::string_view attribute) const {
  for (const attribute_proto& a : attributes)
    if (a.name == attribute) return &a;
  return nullptr;
}

std::int64_t model::opset(std::string_view domain) const {
  for (const auto& [d, version] : opsets)
    if (d == domain || (domain.empty() && d == "ai.onnx")) return version;
  return 0;
}

std::unique_ptr<model> parse_model(std::string bytes, const std::string& name, const std::string& folder) {
  auto m = std::make_unique<model>();
  m->bytes = std::move(bytes);
  m->folder = folder;
  m->file = {name, m->bytes.data()};
  wire::message top(m->file, m->bytes);
  for (field f; top.next(f);) switch (f.number) {
      case 1:
        expect(m->file, f, kind::varint, "ModelProto.ir_version");
        m->ir_version = f.as_int();
        break;
      case 2: m->producer = text(m->file, f, "ModelProto.producer_name"); break;
      case 7:
        m->graph = read_graph(m->file, f, 1);
        m->has_graph = true;
        break;
      case 8: {
        std::pair<std::string, std::int64_t> o{"", 0};
        wire::message set = enter(m->file, f, "OperatorSetIdProto", 1);
        for (field g; set.next(g);) {
          if (g.number == 1) o.first = text(m->file, g, "domain");
          if (g.number == 2) {
            expect(m->file, g, kind::varint, "version");
            o.second = g.as_int();
          }
        }
        m->opsets.push_back(o);
        break;
      }
      case 25: m->functions.push_back(function_name(m->file, f)); break;
      default: break;
    }
  if (!m->has_graph) m->file.fail(m->bytes.data() + m->bytes.size(), "no graph found", "check that this is a whole ONNX file");
  return m;
}

std::unique_ptr<model> read_model(const std::string& path) {
  std::error_code ec;
  if (std::filesystem::is_directory(path, ec)) throw error(path + ": this is a folder: name the .onnx file in it");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw error(path + ": cannot be opened: check the path and its permissions");
  std::string bytes;
  const auto size = std::filesystem::file_size(path, ec);
  if (!ec) bytes.reserve(static_cast<std::size_t>(size));
  bytes.assign(std::istreambuf_iterator<char>(in), {});
  if (in.bad()) throw error(path + ": cannot be read to its end: check the disk");
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return parse_model(std::move(bytes), path, folder.empty() ? "." : folder.string());
}

}  // namespace qnnx::inline QNNX_ABI::onnx
