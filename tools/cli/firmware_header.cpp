// SPDX-License-Identifier: Apache-2.0
#include "cli/firmware_header.hpp"

#include <cstring>
#include <utility>

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

bool is_input(const qnnx_model_fact& f) { return f.kind == static_cast<std::uint32_t>(tensor_kind::app_write); }
std::string role_of(const qnnx_model_fact& f) { return std::string(is_input(f) ? "input_" : "output_") + clean_name(f.name); }

/// The parameter that points to a tensor's memory, and where the tensor is in it.
std::pair<std::string, std::int64_t> place_of(const qnnx_model_fact& f, const std::vector<used_bank>& banks) {
  std::pair<std::string, std::int64_t> place{"arena", f.arena_offset};
  for (const used_bank& b : banks)
    if (banks.size() > 1 && f.arena_offset >= b.first) place = {b.name, f.arena_offset - b.first};
  return place;
}

/// The arena, or its banks where they are several, as parameters and as arguments.
struct bank_words {
  std::string parameters, names;
};
std::vector<std::string> names_of(const std::vector<used_bank>& banks) {
  std::vector<std::string> names;
  for (const used_bank& b : banks) names.push_back(b.name);
  return names;
}
bank_words words_of(const std::vector<used_bank>& banks) {
  if (banks.size() <= 1) return {"void* arena", "arena"};
  bank_words w;
  for (const used_bank& b : banks) {
    w.parameters += (w.parameters.empty() ? "void* " : ", void* ") + b.name;
    w.names += (w.names.empty() ? "" : ", ") + b.name;
  }
  return w;
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
  define("STEPS", std::to_string(head.steps));
  s += "\nextern const unsigned char " + name + "_weights[];\n/* weights: null for the embedded ones; packed: null; step: 0 to " + big + "_STEPS - 1, in this order" +
       (several ? "; arena: pointers to the banks */" : " */") + "\nvoid " + name + "_run(void* arena, const void* weights, const void* packed);\nvoid " + name +
       "_run_step(void* arena, const void* weights, const void* packed, int32_t step);\n";
  const bank_words w = words_of(banks);
  const std::string call = several ? "{\n  void* banks[] = {" + w.names + "};\n  " + name : "{ " + name, from = several ? "banks" : "arena", end = several ? "\n}\n" : " }\n";
  s += "static inline void " + name + "_infer(" + w.parameters + ") " + call + "_run(" + from + ", 0, 0);" + end;
  s += "static inline void " + name + "_infer_step(" + w.parameters + ", int32_t step) " + call + "_run_step(" + from + ", 0, 0, step);" + end;
  for (std::uint32_t k = 0; k < head.count; ++k) {
    const qnnx_model_fact f = fact_row(facts, k);
    const auto type = static_cast<dtype>(f.type);
    const bool input = is_input(f);
    const std::string role = role_of(f);
    s += "\n/* " + std::string(f.name) + ": " + std::string(to_string(type)) + "[";
    for (int d = 0; d < f.rank && d < 6; ++d) s += (d ? "," : "") + std::to_string(f.dims[d]);
    s += "] */\n";
    define(upper(role) + "_BYTES", std::to_string(f.bytes));
    if (is_fixed(type)) {
      define(upper(role) + "_SCALE", float_literal(f.scale));
      define(upper(role) + "_OFFSET", "(" + std::to_string(f.offset) + ")");
    }
    const std::string c = input ? "" : "const ";
    const auto [arena, at] = place_of(f, banks);
    s += "static inline " + c + c_type(type) + "* " + name + "_" + role + "(void* " + arena + ") { return (" + c + c_type(type) + "*)((char*)" + arena +
         " + " + std::to_string(at) + "); }\n";
  }
  return s + "\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
}

std::string firmware_class(std::span<const std::byte> facts, const std::string& name, const std::string& file, const std::vector<used_bank>& banks) {
  const qnnx_model_facts head = facts_head(facts);
  const std::string big = upper(name);
  const bank_words w = words_of(banks);
  std::string s = "// C++ interface of the model '" + name + "', written by qnnx-model-lib-generator: " + file + ".h as a class. No header of C++ is needed.\n"
                  "#pragma once\n#include \"" + file + ".h\"\n\nnamespace qnnx::firmware {\n\n"
                  "/// Points to the arena, which the caller places; an object of this class in static storage needs no constructor at start.\n"
                  "/// Inputs and outputs lie in the arena, and a run may overwrite its input. real = (q + offset) * scale.\n"
                  "class " + name + " {\n public:\n";
  const auto constant = [&](const std::string& type, const std::string& what, const std::string& macro) {
    s += "  static constexpr " + type + " " + what + " = " + big + "_" + macro + ";\n";
  };
  if (banks.size() <= 1) constant("unsigned long", "arena_bytes", "ARENA_BYTES");
  else
    for (const used_bank& b : banks) constant("unsigned long", b.name + "_bytes", "ARENA_" + upper(b.name) + "_BYTES");
  constant("unsigned long", "weight_bytes", "WEIGHT_BYTES");
  constant("long long", "macs", "MACS");
  constant("int32_t", "steps", "STEPS");
  std::string members, set;
  for (const std::string& bank : banks.size() <= 1 ? std::vector<std::string>{"arena"} : names_of(banks)) {
    members += "  void* " + bank + "_;\n";
    set += (set.empty() ? "" : ", ") + bank + "_(" + bank + ")";
  }
  std::string passed;
  for (const char c : w.names) passed += c == ',' ? "_," : std::string(1, c);
  passed += "_";
  s += "  constexpr explicit " + name + "(" + w.parameters + ") : " + set + " {}\n"
       "  void run() const { " + name + "_infer(" + passed + "); }\n"
       "  /// One layer: 0 to steps - 1 in this order are a run.\n"
       "  void run_step(int32_t step) const { " + name + "_infer_step(" + passed + ", step); }\n";
  for (std::uint32_t k = 0; k < head.count; ++k) {
    const qnnx_model_fact f = fact_row(facts, k);
    const std::string role = role_of(f), type = std::string(is_input(f) ? "" : "const ") + c_type(static_cast<dtype>(f.type));
    const std::string array = role + "_array";
    s += "\n  using " + array + " = " + type + "[" + big + "_" + upper(role) + "_BYTES / sizeof(" + type + ")];\n";
    if (is_fixed(static_cast<dtype>(f.type))) {
      constant("float", role + "_scale", upper(role) + "_SCALE");
      constant("int32_t", role + "_offset", upper(role) + "_OFFSET");
    }
    s += "  " + array + "& " + role + "() const { return *reinterpret_cast<" + array + "*>(" + name + "_" + role + "(" + place_of(f, banks).first + "_)); }\n";
  }
  return s + "\n private:\n" + members + "};\n\n}  // namespace qnnx::firmware\n";
}

}  // namespace qnnx::cli
