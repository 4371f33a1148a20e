// SPDX-License-Identifier: Apache-2.0
#include "cli/firmware_header.hpp"

#include <cstring>

#include "qnnx/io/text.hpp"
#include "qnnx/model/abi.h"
#include "qnnx/runtime/error.hpp"

namespace qnnx::cli {

namespace {

const char* c_type(dtype t) {
  switch (t) {
    case dtype::int_8:
    case dtype::sfixed_8: return "int8_t";
    case dtype::int_16:
    case dtype::sfixed_16: return "int16_t";
    case dtype::int_32:
    case dtype::sfixed_32: return "int32_t";
    case dtype::int_64: return "int64_t";
    case dtype::uint_16:
    case dtype::ufixed_16:
    case dtype::float_16: return "uint16_t";
    case dtype::uint_32:
    case dtype::ufixed_32: return "uint32_t";
    case dtype::float_32: return "float";
    default: return "uint8_t";
  }
}

std::string upper(std::string s) {
  for (char& c : s)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return s;
}

}  // namespace

std::string firmware_header(std::span<const std::byte> facts, const std::string& name) {
  qnnx_model_facts head{};
  if (facts.size() < sizeof head) throw error("the object file of the model has no facts section");
  std::memcpy(&head, facts.data(), sizeof head);
  if (head.version != QNNX_MODEL_ABI_VERSION || head.count > 256 || facts.size() < sizeof head + head.count * sizeof(qnnx_model_fact))
    throw error("the facts section of the model's object file is of another version");
  const std::string big = upper(name);
  std::string s = "/* C interface of the model '" + name + "', written by qnnx-model-lib-generator.\n"
                  "   real = (q + OFFSET) * SCALE. The arena is " + big + "_ARENA_BYTES bytes, 16-byte aligned. */\n"
                  "#ifndef QNNX_MODEL_" + big + "_H\n#define QNNX_MODEL_" + big + "_H\n#include <stdint.h>\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  const auto define = [&](const std::string& what, const std::string& value) { s += "#define " + big + "_" + what + " " + value + "\n"; };
  define("ARENA_BYTES", std::to_string(head.arena_bytes));
  define("WEIGHT_BYTES", std::to_string(head.weight_bytes));
  define("PACKED_BYTES", std::to_string(head.packed_bytes));
  define("MACS", std::to_string(head.macs));
  s += "\nextern const unsigned char " + name + "_weights[];\n/* weights: null for the embedded ones; packed: null */\nvoid " + name +
       "_run(void* arena, const void* weights, const void* packed);\nstatic inline void " + name +
       "_infer(void* arena) { " + name + "_run(arena, 0, 0); }\n";
  for (std::uint32_t k = 0; k < head.count; ++k) {
    qnnx_model_fact f{};
    std::memcpy(&f, facts.data() + sizeof head + k * sizeof f, sizeof f);
    f.name[sizeof f.name - 1] = '\0';
    const auto type = static_cast<dtype>(f.type);
    const bool input = f.kind == static_cast<std::uint32_t>(tensor_kind::app_write);
    const std::string role = std::string(input ? "input_" : "output_") + clean_name(f.name);
    s += "\n/* " + std::string(f.name) + ": " + std::string(to_string(type)) + "[";
    for (int d = 0; d < f.rank && d < 6; ++d) s += (d ? "," : "") + std::to_string(f.dims[d]);
    s += "] */\n";
    define(upper(role) + "_BYTES", std::to_string(f.bytes));
    if (is_fixed(type)) {
      define(upper(role) + "_SCALE", float_literal(f.scale));
      define(upper(role) + "_OFFSET", "(" + std::to_string(f.offset) + ")");
    }
    const std::string c = input ? "" : "const ";
    s += "static inline " + c + c_type(type) + "* " + name + "_" + role + "(void* arena) { return (" + c + c_type(type) + "*)((char*)arena + " +
         std::to_string(f.arena_offset) + "); }\n";
  }
  return s + "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

}  // namespace qnnx::cli
