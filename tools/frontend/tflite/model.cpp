// SPDX-License-Identifier: Apache-2.0
#include "frontend/tflite/model.hpp"

#include <fstream>
#include <system_error>

#include "frontend/flatbuffer.hpp"

namespace qnnx::inline QNNX_ABI::tflite {

namespace {

using flatbuffer::source;
using flatbuffer::table;

// Numbers of the union BuiltinOptions.
enum option_table : int {
  conv_2d = 1, depthwise = 2, pool_2d = 5, fully_connected = 8, softmax = 9, concatenation = 10, add = 11,
  l2_norm = 12, resize_bilinear = 15, reshape = 17, space_to_depth = 19, mul = 21, gather = 23, reducer = 27, sub = 28,
  div = 29, squeeze = 30, strided_slice = 32, split = 35, cast = 37, arg_max = 40, transpose_conv = 49, shape = 55,
  arg_min = 57, pack = 59, one_hot = 61, unpack = 64, resize_nearest = 74, leaky_relu = 75, mirror_pad = 77,
  split_v = 79, depth_to_space = 94, batch_matmul = 101, cumsum = 102, gelu = 116,
};

options read_options(int kind, const table& t) {
  options o;
  o.kind = kind;
  switch (kind) {
    case conv_2d:
      o.pad = t.scalar<padding>(0);
      o.stride_w = t.scalar<std::int32_t>(1);
      o.stride_h = t.scalar<std::int32_t>(2);
      o.act = t.scalar<fused_activation>(3);
      o.dilation_w = t.scalar<std::int32_t>(4, 1);
      o.dilation_h = t.scalar<std::int32_t>(5, 1);
      break;
    case depthwise:
      o.pad = t.scalar<padding>(0);
      o.stride_w = t.scalar<std::int32_t>(1);
      o.stride_h = t.scalar<std::int32_t>(2);
      o.depth_multiplier = t.scalar<std::int32_t>(3);
      o.act = t.scalar<fused_activation>(4);
      o.dilation_w = t.scalar<std::int32_t>(5, 1);
      o.dilation_h = t.scalar<std::int32_t>(6, 1);
      break;
    case pool_2d:
      o.pad = t.scalar<padding>(0);
      o.stride_w = t.scalar<std::int32_t>(1);
      o.stride_h = t.scalar<std::int32_t>(2);
      o.filter_w = t.scalar<std::int32_t>(3);
      o.filter_h = t.scalar<std::int32_t>(4);
      o.act = t.scalar<fused_activation>(5);
      break;
    case transpose_conv:
      o.pad = t.scalar<padding>(0);
      o.stride_w = t.scalar<std::int32_t>(1);
      o.stride_h = t.scalar<std::int32_t>(2);
      o.act = t.scalar<fused_activation>(3);
      break;
    case fully_connected:
      o.act = t.scalar<fused_activation>(0);
      o.weights_format = t.scalar<std::int8_t>(1);
      o.keep_dims = t.scalar<bool>(2);
      break;
    case add:
    case sub:
      o.act = t.scalar<fused_activation>(0);
      o.pot_scale_int16 = t.scalar<bool>(1, true);
      break;
    case mul:
    case div:
    case l2_norm: o.act = t.scalar<fused_activation>(0); break;
    case concatenation:
      o.axis = t.scalar<std::int32_t>(0);
      o.act = t.scalar<fused_activation>(1);
      break;
    case softmax:
    case leaky_relu: o.factor = t.scalar<float>(0); break;
    case resize_bilinear:
      o.align_corners = t.scalar<bool>(2);
      o.half_pixel_centers = t.scalar<bool>(3);
      break;
    case resize_nearest:
      o.align_corners = t.scalar<bool>(0);
      o.half_pixel_centers = t.scalar<bool>(1);
      break;
    case reshape:
    case squeeze: o.list = t.vector<std::int32_t>(0).copy(); break;
    case space_to_depth:
    case depth_to_space: o.block_size = t.scalar<std::int32_t>(0); break;
    case gather:
      o.axis = t.scalar<std::int32_t>(0);
      o.batch_dims = t.scalar<std::int32_t>(1);
      break;
    case reducer: o.keep_dims = t.scalar<bool>(0); break;
    case strided_slice:
      o.begin_mask = t.scalar<std::int32_t>(0);
      o.end_mask = t.scalar<std::int32_t>(1);
      o.ellipsis_mask = t.scalar<std::int32_t>(2);
      o.new_axis_mask = t.scalar<std::int32_t>(3);
      o.shrink_axis_mask = t.scalar<std::int32_t>(4);
      o.offset = t.scalar<bool>(5);
      break;
    case split:
    case split_v: o.count = t.scalar<std::int32_t>(0); break;
    case cast:
      o.in_type = t.scalar<tensor_type>(0);
      o.out_type = t.scalar<tensor_type>(1);
      break;
    case arg_max:
    case arg_min:
    case shape: o.out_type = t.scalar<tensor_type>(0); break;
    case pack:
    case unpack:
      o.count = t.scalar<std::int32_t>(0);
      o.axis = t.scalar<std::int32_t>(1);
      break;
    case one_hot: o.axis = t.scalar<std::int32_t>(0); break;
    case mirror_pad: o.mode = t.scalar<std::int8_t>(0); break;
    case batch_matmul:
      o.adj_x = t.scalar<bool>(0);
      o.adj_y = t.scalar<bool>(1);
      break;
    case cumsum:
      o.exclusive = t.scalar<bool>(0);
      o.reverse = t.scalar<bool>(1);
      break;
    case gelu: o.approximate = t.scalar<bool>(0); break;
    default: break;
  }
  return o;
}

tensor read_tensor(const table& t) {
  tensor r;
  r.shape = t.vector<std::int32_t>(0).copy();
  r.type = t.scalar<tensor_type>(1);
  r.buffer = t.scalar<std::uint32_t>(2);
  r.name = t.string(3);
  if (const table q = t.child(4)) {
    r.quant.scale = q.vector<float>(2).copy();
    r.quant.zero_point = q.vector<std::int64_t>(3).copy();
    r.quant.custom = q.scalar<std::uint8_t>(4) != 0;
    r.quant.dimension = q.scalar<std::int32_t>(6);
  }
  r.variable = t.scalar<bool>(5);
  r.sparse = t.has(6);
  r.signature = t.vector<std::int32_t>(7).copy();
  return r;
}

struct operator_code {
  std::int32_t code = 0;
  std::string custom;
};

/// Every index of the subgraph must name something.
void check_indices(const source& s, const table& at, const char* what, const std::vector<std::int32_t>& list, std::size_t count, bool optional) {
  for (std::int32_t i : list)
    if (i < (optional ? -1 : 0) || i >= static_cast<std::int64_t>(count))
      s.fail(std::string(what) + " names tensor " + std::to_string(i) + " of " + std::to_string(count), at.at());
}

}  // namespace

std::string_view to_string(tensor_type t) {
  constexpr std::string_view names[] = {"FLOAT32", "FLOAT16", "INT32", "UINT8", "INT64", "STRING", "BOOL", "INT16",
                                        "COMPLEX64", "INT8", "FLOAT64", "COMPLEX128", "UINT64", "RESOURCE", "VARIANT",
                                        "UINT32", "UINT16", "INT4", "BFLOAT16"};
  const auto i = static_cast<std::size_t>(t);
  return static_cast<int>(t) >= 0 && i < std::size(names) ? names[i] : std::string_view("an unknown type");
}

int bits_of(tensor_type t) {
  switch (t) {
    case tensor_type::int4: return 4;
    case tensor_type::uint8:
    case tensor_type::int8:
    case tensor_type::boolean: return 8;
    case tensor_type::float16:
    case tensor_type::bfloat16:
    case tensor_type::int16:
    case tensor_type::uint16: return 16;
    case tensor_type::float32:
    case tensor_type::int32:
    case tensor_type::uint32: return 32;
    case tensor_type::int64:
    case tensor_type::uint64:
    case tensor_type::float64:
    case tensor_type::complex64: return 64;
    default: return 0;
  }
}

std::string operator_name(std::int32_t code, const std::string& custom) {
  if (!custom.empty()) return "CUSTOM " + custom.substr(0, 80);
  switch (code) {
#define QNNX_TFLITE_OP(NAME, NUMBER) \
  case NUMBER: return #NAME;
#include "frontend/tflite/operators.inc"
#undef QNNX_TFLITE_OP
    default: return "operator " + std::to_string(code);
  }
}

model parse_model(std::vector<std::byte> bytes, const std::string& file) {
  model m;
  m.file = file;
  m.bytes = std::move(bytes);
  const source s(m.bytes, file);
  if (m.bytes.size() < 8) s.fail("a .tflite file of " + std::to_string(m.bytes.size()) + " bytes has no header", 0);
  if (std::memcmp(m.bytes.data() + 4, "TFL3", 4) != 0)
    throw error(file + ": byte 4: the identifier is not TFL3; this is not a TensorFlow Lite model, give a .tflite file");
  const table root = table::root(s);
  if (const auto version = root.scalar<std::uint32_t>(0); version != 3)
    throw error(file + ": schema version " + std::to_string(version) + ", expected 3; convert the model again with a newer TensorFlow");
  m.description = root.string(3);

  for (const table& b : root.children(4)) {
    if (b.scalar<std::uint64_t>(1) > 1)
      throw error(file + ": byte " + std::to_string(b.at()) +
                  ": weights stored outside of the FlatBuffer (models over 2 GB) are not supported; give a model under 2 GB");
    m.buffers.push_back(b.bytes(0));
  }
  std::vector<operator_code> codes;
  for (const table& c : root.children(1)) {
    const std::int32_t old = c.scalar<std::int8_t>(0);
    const auto wide = c.scalar<std::int32_t>(3);
    codes.push_back({old > wide ? old : wide, c.string(1)});
  }
  for (const table& g : root.children(2)) {
    subgraph r;
    r.name = g.string(4);
    for (const table& t : g.children(0)) {
      r.tensors.push_back(read_tensor(t));
      if (r.tensors.back().buffer >= m.buffers.size() && r.tensors.back().buffer != 0)
        s.fail("tensor '" + r.tensors.back().name + "' names buffer " + std::to_string(r.tensors.back().buffer) + " of " +
                   std::to_string(m.buffers.size()), t.at());
    }
    r.inputs = g.vector<std::int32_t>(1).copy();
    r.outputs = g.vector<std::int32_t>(2).copy();
    check_indices(s, g, "the list of inputs", r.inputs, r.tensors.size(), false);
    check_indices(s, g, "the list of outputs", r.outputs, r.tensors.size(), false);
    for (const table& o : g.children(3)) {
      operation op;
      const auto index = o.scalar<std::uint32_t>(0);
      if (index >= codes.size()) s.fail("an operator names code " + std::to_string(index) + " of " + std::to_string(codes.size()), o.at());
      op.code = codes[index].code;
      op.custom = codes[index].custom;
      op.inputs = o.vector<std::int32_t>(1).copy();
      op.outputs = o.vector<std::int32_t>(2).copy();
      check_indices(s, o, "an operator", op.inputs, r.tensors.size(), true);
      check_indices(s, o, "an operator", op.outputs, r.tensors.size(), false);
      op.opt = read_options(o.scalar<std::uint8_t>(3), o.child(4));
      r.operators.push_back(std::move(op));
    }
    m.subgraphs.push_back(std::move(r));
  }
  if (m.subgraphs.empty()) s.fail("the model has no subgraph", root.at());
  for (const table& d : root.children(7)) {
    signature_def sig;
    sig.key = d.string(2);
    sig.subgraph = d.scalar<std::uint32_t>(4);
    if (sig.subgraph >= m.subgraphs.size()) s.fail("signature '" + sig.key + "' names a subgraph that does not exist", d.at());
    const auto read = [&](int field, std::vector<signature_def::entry>& list) {
      for (const table& e : d.children(field)) {
        const auto t = e.scalar<std::uint32_t>(1);
        if (t >= m.subgraphs[sig.subgraph].tensors.size())
          s.fail("signature '" + sig.key + "' names tensor " + std::to_string(t), e.at());
        list.push_back({e.string(0), static_cast<std::int32_t>(t)});
      }
    };
    read(0, sig.inputs);
    read(1, sig.outputs);
    m.signatures.push_back(std::move(sig));
  }
  return m;
}

model read_model(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) throw error(path + ": cannot be opened; check the path and the permissions");
  const auto size = static_cast<std::int64_t>(in.tellg());
  if (size < 0) throw error(path + ": cannot be read; give a file");
  if (size > INT32_MAX) throw error(path + ": " + std::to_string(size) + " bytes; a .tflite file of 2 GB or more is not supported");
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  in.seekg(0);
  if (size > 0 && !in.read(reinterpret_cast<char*>(bytes.data()), size)) throw error(path + ": cannot be read; give a file");
  return parse_model(std::move(bytes), path);
}

}  // namespace qnnx::inline QNNX_ABI::tflite
