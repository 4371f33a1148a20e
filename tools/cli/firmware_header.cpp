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

qnnx_model_facts facts_head(std::span<const std::byte> facts) {
  qnnx_model_facts head{};
  if (facts.size() < sizeof head) throw error("the object file of the model has no facts section");
  std::memcpy(&head, facts.data(), sizeof head);
  if (head.version != QNNX_MODEL_FACTS_VERSION || head.count > 256 || head.peak_count > 256 ||
      facts.size() < sizeof head + (head.count + head.peak_count) * sizeof(qnnx_model_fact))
    throw error("the facts section of the model's object file is of another version");
  return head;
}
qnnx_model_fact fact_row(std::span<const std::byte> facts, std::size_t k) {
  qnnx_model_fact f{};
  std::memcpy(&f, facts.data() + sizeof(qnnx_model_facts) + k * sizeof f, sizeof f);
  f.name[sizeof f.name - 1] = '\0';
  return f;
}

}  // namespace

std::int64_t arena_bytes(std::span<const std::byte> facts) { return facts_head(facts).arena_bytes; }

std::string arena_peak(std::span<const std::byte> facts) {
  qnnx_model_facts head = facts_head(facts);
  head.peak_name[sizeof head.peak_name - 1] = '\0';
  std::string s = "step '" + std::string(head.peak_name) + "':";
  for (std::uint32_t k = 0; k < head.peak_count; ++k) {
    const qnnx_model_fact f = fact_row(facts, head.count + k);
    s += (k ? ", " : " ") + std::string(f.name) + " " + std::to_string(f.bytes) + " bytes at " + std::to_string(f.arena_offset);
  }
  return s;
}

std::string firmware_header(std::span<const std::byte> facts, const std::string& name, const std::vector<used_bank>& banks) {
  const bool several = banks.size() > 1;
  const qnnx_model_facts head = facts_head(facts);
  const std::string big = upper(name);
  std::string s = "/* C interface of the model '" + name + "', written by qnnx-model-lib-generator.\n"
                  "   real = (q + OFFSET) * SCALE. " + (several ? "The arena is in banks" : "The arena is " + big + "_ARENA_BYTES bytes") + ", 16-byte aligned. */\n"
                  "#ifndef QNNX_MODEL_" + big + "_H\n#define QNNX_MODEL_" + big + "_H\n#include <stdint.h>\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
  const auto define = [&](const std::string& what, const std::string& value) { s += "#define " + big + "_" + what + " " + value + "\n"; };
  if (!several) define("ARENA_BYTES", std::to_string(head.arena_bytes));
  for (const used_bank& b : banks) {
    const std::string bank = "ARENA_" + upper(b.name);
    define(bank + "_BYTES", std::to_string(b.bytes));
    define(bank + "(array)", "__attribute__((" + (b.section.empty() ? "" : "section(\"" + b.section + "\"), ") + "aligned(16))) unsigned char array[" +
                                 big + "_" + bank + "_BYTES]");
  }
  define("WEIGHT_BYTES", std::to_string(head.weight_bytes));
  define("PACKED_BYTES", std::to_string(head.packed_bytes));
  define("MACS", std::to_string(head.macs));
  s += "\nextern const unsigned char " + name + "_weights[];\n/* weights: null for the embedded ones; packed: null" +
       (several ? "; arena: pointers to the banks */" : " */") + "\nvoid " + name + "_run(void* arena, const void* weights, const void* packed);\n";
  if (several) {
    std::string parameters, pointers;
    for (const used_bank& b : banks) {
      parameters += (parameters.empty() ? "void* " : ", void* ") + b.name;
      pointers += (pointers.empty() ? "" : ", ") + b.name;
    }
    s += "static inline void " + name + "_infer(" + parameters + ") {\n  void* banks[] = {" + pointers + "};\n  " + name + "_run(banks, 0, 0);\n}\n";
  } else {
    s += "static inline void " + name + "_infer(void* arena) { " + name + "_run(arena, 0, 0); }\n";
  }
  for (std::uint32_t k = 0; k < head.count; ++k) {
    const qnnx_model_fact f = fact_row(facts, k);
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
    std::string arena = "arena";
    std::int64_t at = f.arena_offset;
    for (const used_bank& b : banks)
      if (several && f.arena_offset >= b.first) arena = b.name, at = f.arena_offset - b.first;
    s += "static inline " + c + c_type(type) + "* " + name + "_" + role + "(void* " + arena + ") { return (" + c + c_type(type) + "*)((char*)" + arena +
         " + " + std::to_string(at) + "); }\n";
  }
  return s + "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

}  // namespace qnnx::cli
