// SPDX-License-Identifier: Apache-2.0
#include "cli/model_library.hpp"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/firmware_header.hpp"
#include "cli/firmware_package.hpp"
#include "cli/firmware_plan.hpp"
#include "cli/library_targets.hpp"
#include "cli/options.hpp"
#include "cli/process.hpp"
#include "qnnx/io/file.hpp"
#include "qnnx/io/text.hpp"
#include "qnnx/io/ustar.hpp"
#include "qnnx/model/abi.h"

namespace qnnx::cli {

namespace {

namespace fs = std::filesystem;

/// Headers: QNNX_INCLUDE, beside an installed driver, the source tree of the build.
std::string header_folder() {
  const auto holds = [](const std::string& folder) { return file_exists(folder + "/qnnx/config.hpp"); };
  if (const char* set = std::getenv("QNNX_INCLUDE"); set && *set) {
    if (!holds(set)) throw error(std::string("QNNX_INCLUDE is '") + set + "', which has no qnnx/config.hpp");
    return set;
  }
  std::error_code code;
  const fs::path self = fs::read_symlink("/proc/self/exe", code);
  if (!code)
    if (const std::string installed = (self.parent_path().parent_path() / "include").string(); holds(installed)) return installed;
  if (holds(QNNX_HEADERS)) return QNNX_HEADERS;
  throw error("the qnnx headers were not found: set QNNX_INCLUDE to the folder that has qnnx/config.hpp");
}

std::string boost_folder() {
  for (const char* root : {static_cast<const char*>(std::getenv("BOOST_ROOT")), "/usr/include", "/usr/local/include"}) {
    if (!root) continue;
    for (const std::string& folder : {std::string(root), std::string(root) + "/include"})
      if (file_exists(folder + "/boost/pfr/core.hpp")) return folder + "/boost";
  }
  throw error("Boost.PFR was not found: install libboost1.81-dev or set BOOST_ROOT");
}

struct weights {
  std::vector<std::byte> blob;  // tensor order, each 16-byte aligned
  std::uint64_t id = 14695981039346656037u;
};
weights read_weights(const std::string& path) {
  weights w;
  const mapped_file file(path);
  for (const archive_member& m : read_ustar(file.bytes(), path)) {
    if (!m.name.ends_with(".raw")) throw error("'" + path + "': member '" + m.name + "' is not a .raw tensor");
    w.blob.insert(w.blob.end(), m.bytes.begin(), m.bytes.end());
    w.blob.resize((w.blob.size() + 15) / 16 * 16);
    for (char c : m.name.substr(0, m.name.size() - 4)) w.id = (w.id ^ static_cast<unsigned char>(c)) * 1099511628211u;
    w.id = (w.id ^ static_cast<std::uint64_t>(m.bytes.size())) * 1099511628211u;
  }
  return w;
}

#if defined(__x86_64__) && defined(__linux__)
/// Writes what the library's pack() makes of its weights to a file. Another process does it: it may meet instructions
/// that this machine lacks. False where it has them not, or where there is nothing to pack.
bool write_packed(const std::string& library, const std::string& isa, const std::string& to) {
  const pid_t child = ::fork();
  if (child < 0) return false;
  if (child == 0) {
    if (!isa.empty()) ::setenv("QNNX_ISA", isa.c_str(), 1);
    void* object = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    const auto get = object ? reinterpret_cast<const qnnx_model* (*)()>(::dlsym(object, "qnnx_model_get")) : nullptr;
    const qnnx_model* m = get ? get() : nullptr;
    if (!m || m->packed_bytes == 0 || !m->weights) ::_exit(1);
    const auto room = [](std::int64_t n) { return std::aligned_alloc(64, (static_cast<std::size_t>(n) + 127) / 64 * 64); };
    void* packed = room(m->packed_bytes);
    void* arena = room(m->arena_bytes);
    if (!packed || !arena) ::_exit(1);
    std::memset(packed, 0, static_cast<std::size_t>(m->packed_bytes));
    m->pack(arena, m->weights, packed);
    std::FILE* f = std::fopen(to.c_str(), "wb");
    const bool written = f && std::fwrite(packed, 1, static_cast<std::size_t>(m->packed_bytes), f) == static_cast<std::size_t>(m->packed_bytes) && std::fclose(f) == 0;
    ::_exit(written ? 0 : 1);
  }
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
#else
bool write_packed(const std::string&, const std::string&, const std::string&) { return false; }
#endif

std::string weights_assembly(const std::string& symbol, const std::string& blob, bool wasm) {
  if (wasm)
    return "  .section .rodata.qnnx_weights,\"\",@\n  .p2align 6\n  .globl " + symbol + "\n  .hidden " + symbol + "\n  .type " + symbol + ",@object\n" +
           symbol + ":\n  .incbin \"" + blob + "\"\n  .int8 0\n.Lend:\n  .size " + symbol + ", .Lend-" + symbol + "\n";
  return "  .section .rodata.qnnx_weights,\"a\",%progbits\n  .balign 64\n  .globl " + symbol + "\n  .hidden " + symbol + "\n" + symbol +
         ":\n  .incbin \"" + blob + "\"\n  .byte 0\n  .size " + symbol + ", .-" + symbol + "\n  .section .note.GNU-stack,\"\",%progbits\n";
}

/// The program that prints what a target's kernels ask of the memory plan. Given two files, it turns the weights of a
/// model.bin into those of a firmware as well and prints, first, which forms of finishing its kernels need. With one word
/// more or alone it prints the chains that can run in bands of rows, and nothing else.
std::string pack_source(const std::string& model, bool chains) {
  return "#include \"" + model + "\"\n#include <cstdio>\n#include <cstdlib>\n" + print_needs_source +
         (chains ? print_chains_source : "") +
         "int main(int count, char** file) {\n  if (count == 2) return " +
         (chains ? "qnnx_firmware_chains(nullptr, nullptr, &print_chain), " : "") + "0;\n"
         "  if (count < 3) return print_needs(), 0;\n"
         "  std::FILE* f = std::fopen(file[1], \"rb\");\n  if (!f) return 1;\n"
         "  std::fseek(f, 0, SEEK_END);\n  const long n = std::ftell(f);\n  std::rewind(f);\n"
         "  auto* in = static_cast<std::byte*>(std::aligned_alloc(64, (static_cast<std::size_t>(n) + 64) / 64 * 64));\n"
         "  if (!in || std::fread(in, 1, static_cast<std::size_t>(n), f) != static_cast<std::size_t>(n)) return 1;\n"
         "  std::fclose(f);\n  const auto m = static_cast<std::size_t>(qnnx_firmware_bytes());\n"
         "  auto* out = static_cast<std::byte*>(std::aligned_alloc(64, (m + 64) / 64 * 64));\n  if (!out) return 1;\n"
         "  std::memset(out, 0, m);\n  const unsigned forms = qnnx_make_firmware_weights(in, out);\n"
         "  f = std::fopen(file[2], \"wb\");\n  if (!f || std::fwrite(out, 1, m, f) != m || std::fclose(f) != 0) return 1;\n"
         "  " +
         (chains ? "if (count > 3) return qnnx_firmware_chains(in, out, &print_chain), 0;\n  " : "") +
         "std::printf(\"%u\\n\", forms);\n  print_needs();\n  return 0;\n}\n";
}

/// An instruction set that a host library may have: its compiler flags, and the C condition that a processor has it.
struct host_isa {
  const char* name;
  std::vector<std::string> flags;
  const char* condition;
};
const std::vector<host_isa>& host_isas(bool x86) {
  static const std::vector<host_isa> intel{
      {"reference", {}, "1"},
      {"avx2", {"-mavx2", "-mfma", "-mf16c"}, "__builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\")"},
      {"avxvnni", {"-mavxvnni", "-mavx2", "-mfma", "-mf16c"}, "__builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\") && has_avxvnni()"},
      {"avx512vnni",
       {"-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni", "-mavx512vbmi", "-mavx2", "-mfma", "-mf16c"},
       "__builtin_cpu_supports(\"avx512vnni\") && __builtin_cpu_supports(\"avx512bw\") && __builtin_cpu_supports(\"avx512vl\") && "
       "__builtin_cpu_supports(\"avx512vbmi\")"},
      {"amx",
       {"-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni", "-mavx512vbmi", "-mavx2", "-mfma", "-mf16c", "-mamx-tile", "-mamx-int8",
        "-D__AMX_TILE__=1", "-D__AMX_INT8__=1", "-DQNNX_TILES_PERMITTED"},  // clang 14 says __AMXTILE__ and __AMXINT8__
       "__builtin_cpu_supports(\"avx512vnni\") && __builtin_cpu_supports(\"avx512bw\") && __builtin_cpu_supports(\"avx512vl\") && "
       "__builtin_cpu_supports(\"avx512vbmi\") && qnnx::tiles_permitted()"},
      {"native", {"-march=native"}, "1"}};
  static const std::vector<host_isa> arm{
      {"reference", {"-DQNNX_FORCE_REFERENCE"}, "1"},
      {"neon", {}, "1"},
      {"neon_dot", {"-march=armv8.2-a+dotprod"}, "getauxval(AT_HWCAP) & (1ul << 20)"},  // HWCAP_ASIMDDP
      {"i8mm", {"-march=armv8.2-a+dotprod+i8mm"}, "(getauxval(AT_HWCAP) & (1ul << 20)) && (getauxval(AT_HWCAP2) & (1ul << 13))"}};  // HWCAP2_I8MM
  return x86 ? intel : arm;
}
const host_isa* find_isa(bool x86, const std::string& name) {
  for (const host_isa& i : host_isas(x86))
    if (name == i.name) return &i;
  return nullptr;
}
/// The sets of a list that this kind of processor may have; the usual ones where the list has none of them.
std::vector<const host_isa*> isas_of(bool x86, const std::vector<std::string>& names) {
  std::vector<const host_isa*> found;
  for (const std::string& name : names) {
    if (const host_isa* i = find_isa(x86, name)) found.push_back(i);
    else if (!find_isa(!x86, name))
      throw usage_error("instruction set '" + name + "' is unknown: expected reference, avx2, avxvnni, avx512vnni, amx, native, neon, neon_dot or i8mm");
  }
  if (found.empty())
    for (const char* name : x86 ? std::vector<const char*>{"reference", "avx2", "avx512vnni"} : std::vector<const char*>{"neon", "neon_dot", "i8mm"})
      found.push_back(find_isa(x86, name));
  return found;
}

/// The set of an archive that takes one: the first of a list that has kernels of its own, the plainest where none is named.
const host_isa* archive_isa(const std::vector<std::string>& names) {
  if (names == std::vector<std::string>{"reference"}) return find_isa(false, "reference");
  for (const host_isa* i : isas_of(false, names))
    if (i->name != std::string("reference")) return i;
  return find_isa(false, "neon");
}

/// Chooses among the builds of one model by the processor, the last that it has; QNNX_ISA forces one of them.
std::string chooser_source(const std::vector<const host_isa*>& isas, bool x86) {
  std::string s = "#include <stdlib.h>\n#include <string.h>\n#include \"qnnx/model/abi.h\"\n";
  if (!x86) s += "#include <sys/auxv.h>\n";
  if (x86)  // leaf 7.1, EAX bit 4
    s += "#include <cpuid.h>\n#include \"qnnx/runtime/tile_permission.hpp\"\nstatic inline bool has_avxvnni() {\n  unsigned a = 0, b = 0, c = 0, d = 0;\n"
         "  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);\n}\n";
  s += "extern \"C\" {\n";
  for (const host_isa* isa : isas) s += "const qnnx_model* qnnx_model_" + std::string(isa->name) + "_get(void);\n";
  s += "__attribute__((visibility(\"default\"))) uint32_t qnnx_model_abi_version(void) { return QNNX_MODEL_ABI_VERSION; }\n"
       "__attribute__((visibility(\"default\"))) const qnnx_model* qnnx_model_get(void) {\n"
       "  const char* forced = getenv(\"QNNX_ISA\");\n  const bool any = !forced || !*forced;\n";
  if (x86) s += "  __builtin_cpu_init();\n";
  for (auto isa = isas.rbegin(); isa != isas.rend(); ++isa) {
    const std::string name = (*isa)->name;
    s += "  if ((any || strcmp(forced, \"" + name + "\") == 0) && (" + (*isa)->condition + ")) return qnnx_model_" + name + "_get();\n";
  }
  return s + "  return nullptr;\n}\n}\n";
}

/// The line of a compiler's output that says what is wrong.
std::string first_error(const std::string& output) {
  std::size_t at = 0;
  std::string fallback;
  while (at < output.size()) {
    const std::size_t end = std::min(output.find('\n', at), output.size());
    const std::string line = output.substr(at, end - at);
    if (line.find("qnnx: ") != std::string::npos) return line.substr(line.find("qnnx: "));
    if (fallback.empty() && (line.find("error") != std::string::npos || line.find("undefined reference") != std::string::npos)) fallback = line;
    at = end + 1;
  }
  return fallback.empty() ? output.substr(0, output.find('\n')) : fallback;
}

/// Starts all, waits for all, throws for the first that failed.
class build_steps {
 public:
  build_steps(const temporary_folder& folder, bool verbose, std::string what) : folder_(folder), verbose_(verbose), what_(std::move(what)) {}
  void start(std::vector<std::string> arguments) {
    if (verbose_) std::fprintf(stderr, "%s\n", joined(arguments, " ").c_str());
    running_.emplace_back(arguments, folder_.file("log" + std::to_string(count_++)));
  }
  void finish() {
    std::string failed;
    for (process& p : running_) {
      const finished f = p.wait();
      if (verbose_ && !f.output.empty()) std::fputs(f.output.c_str(), stderr);
      if (f.code != 0 && failed.empty()) failed = what_ + ": " + first_error(f.output);
    }
    running_.clear();
    if (!failed.empty()) throw error(failed);
  }
  void run(std::vector<std::string> arguments) {
    start(std::move(arguments));
    finish();
  }

 private:
  const temporary_folder& folder_;
  bool verbose_;
  std::string what_;
  std::vector<process> running_;
  int count_ = 0;
};

struct section_sizes {
  long text = 0, rodata = 0, data = 0, bss = 0;
};
/// By the target's size program; nothing where it is missing.
section_sizes sizes_of(const target_info& t, const std::string& file, const temporary_folder& folder) {
  section_sizes n;
  const std::string tool = t.tool_or_none("size");
  if (tool.empty()) return n;
  process p({tool, "-A", file}, folder.file("sizes"));
  const finished f = p.wait();
  std::size_t at = 0;
  while (at < f.output.size()) {
    const std::size_t end = std::min(f.output.find('\n', at), f.output.size());
    char section[200];
    long bytes = 0;
    if (std::sscanf(f.output.substr(at, end - at).c_str(), "%199s %ld", section, &bytes) == 2) {
      const std::string s = section;
      if (s.starts_with(".text") || s == "CODE") n.text += bytes;
      else if (s.starts_with(".rodata") || s.starts_with(".data.rel.ro") || s == "DATA") n.rodata += bytes;
      else if (s.starts_with(".data")) n.data += bytes;
      else if (s.starts_with(".bss")) n.bss += bytes;
    }
    at = end + 1;
  }
  return n;
}
/// What the target's nm says of each symbol's bytes, the largest first; nothing where it is missing.
std::string symbols_by_size(const target_info& t, const std::string& file, const temporary_folder& folder) {
  const std::string tool = t.tool_or_none("nm");
  if (tool.empty() || t.wasm) return {};  // a module's functions have no sizes there
  process p({tool, "--print-size", "--size-sort", "--reverse-sort", "--radix=d", "--demangle", file}, folder.file("symbols"));
  const finished f = p.wait();
  return f.code == 0 ? f.output : std::string{};
}
std::string spelled(const section_sizes& n) {
  return "text " + std::to_string(n.text) + ", rodata " + std::to_string(n.rodata) + ", data " + std::to_string(n.data) + ", bss " +
         std::to_string(n.bss) + " bytes";
}

/// The line of an archive; throws where it is over a budget.
std::string firmware_report(const library_request& r, const firmware_sizes& n, std::span<const std::byte> facts, const firmware_plan* plan) {
  if (r.ram_budget >= 0 && n.arena > r.ram_budget)
    throw error("arena: got " + std::to_string(n.arena) + " bytes, expected at most " + std::to_string(r.ram_budget) + " (--ram_budget); at " + arena_peak(facts) +
                (r.stream_rows == "never" ? "" : "; it is the smallest found") + (plan ? plan->chain_list() : ""));
  if (r.flash_budget >= 0 && n.flash() > r.flash_budget)
    throw error("flash: got " + std::to_string(n.flash()) + " bytes (" + n.parts() + "), expected at most " + std::to_string(r.flash_budget) + " (--flash_budget)");
  return "flash " + std::to_string(n.flash()) + " bytes (" + n.parts() + "), arena " + std::to_string(n.arena) + (plan ? plan->bank_list() : "") +
         ", other RAM " + std::to_string(n.other_ram) + (plan ? plan->chain_list() + "; " + plan->bounds() : "");
}

}  // namespace

ram_bank parse_ram_bank(const std::string& text) {
  ram_bank b;
  const std::size_t equals = text.find('='), colon = text.find(':');
  b.name = text.substr(0, equals);
  const std::string bytes = equals == std::string::npos ? "" : text.substr(equals + 1, colon == std::string::npos ? colon : colon - equals - 1);
  if (colon != std::string::npos) b.section = text.substr(colon + 1);
  const bool number = !bytes.empty() && bytes.size() < 12 && bytes.find_first_not_of("0123456789") == std::string::npos;
  if (number) b.bytes = std::stol(bytes);
  if (b.name.empty() || b.name != clean_name(b.name) || b.bytes < arena_alignment || (colon != std::string::npos && b.section.empty()))
    throw usage_error("option --ram_bank: got '" + text + "', expected NAME=BYTES or NAME=BYTES:SECTION with a C name and 16 bytes or more");
  return b;
}

namespace {

/// The shared library of a host, or an archive with what stands beside it.
std::vector<std::string> build_one(const library_request& r, const target_info& t) {
  const std::string target = t.name;
  const std::string compiler = find_program(t.compilers);
  if (compiler.empty())
    throw error("target " + target + ": got no compiler, expected " + joined(t.compilers, " or ") + " on PATH: install " + t.package);
  if (!file_exists(r.cpp)) throw error("cannot read '" + r.cpp + "': no such file");
  weights w;
  if (!r.bin.empty()) w = read_weights(r.bin);
  const std::string headers = header_folder();
  const std::string folder = r.output_dir + "/" + target;
  make_folder(folder);
  const temporary_folder work(fs::absolute(folder).string());
  fs::create_directory(work.file("boost_only"));
  fs::create_directory_symlink(boost_folder(), work.file("boost_only/boost"));

  const std::string level = "-O" + (r.optimize.empty() ? std::string(t.firmware && t.archive_flags.empty() ? "s" : "2") : r.optimize);
  std::vector<std::string> common{compiler, "-std=c++20", level, "-ffp-contract=off", "-fno-exceptions", "-fno-rtti",
                                  "-fno-threadsafe-statics", "-ffunction-sections", "-fdata-sections", "-w"};
  common.insert(common.end(), t.flags.begin(), t.flags.end());
  common.insert(common.end(), {"-I" + headers, "-isystem", work.file("boost_only")});
  const std::vector<std::string> borrowed = t.header_flags();
  common.insert(common.end(), borrowed.begin(), borrowed.end());
  if (!t.firmware) common.insert(common.end(), {"-fPIC", "-fvisibility=hidden", "-DQNNX_SPLIT_STEPS"});
  const std::string symbol = t.firmware ? clean_name(r.name) : "qnnx_model";
  const std::string weights_symbol = symbol + "_weights";
  common.push_back("-DQNNX_WEIGHTS_SYMBOL=" + weights_symbol);
  if (!r.bin.empty()) common.push_back("-DQNNX_WEIGHTS_ID=" + std::to_string(w.id) + "u");
  if (t.firmware) common.push_back("-DQNNX_MODEL_FACTS");

  const bool plain = t.firmware && r.isas == std::vector<std::string>{"reference"};
  const host_isa* const chosen = t.firmware && t.chooses_isa() && !plain ? archive_isa(r.isas) : nullptr;
  const std::string emulate = plain ? "QNNX_FORCE_REFERENCE" : t.emulate + std::string(chosen ? chosen->name : "");
  if (plain) common.push_back("-DQNNX_FORCE_REFERENCE");
  if (chosen) common.insert(common.end(), chosen->flags.begin(), chosen->flags.end());
  const bool packs = t.firmware && t.emulate[0] != '\0' && !r.bin.empty() && !plain;  // then the archive's weights are in its kernels' form

  build_steps steps(work, r.verbose, "target " + target + ": '" + r.cpp + "'");
  std::vector<std::string> objects;
  const auto compile = [&](const std::string& source, const std::string& object, const std::vector<std::string>& more) {
    std::vector<std::string> a = common;
    a.insert(a.end(), more.begin(), more.end());
    a.insert(a.end(), {"-c", source, "-o", work.file(object)});
    objects.push_back(work.file(object));
    steps.start(std::move(a));
  };
  std::string forms;
  std::unique_ptr<firmware_plan> plan;
  if (packs || (t.firmware && (r.ram_budget >= 0 || !r.banks.empty() || r.stream_rows == "always"))) {  // first: what it says decides what is compiled
    const target_info& host = target_named("x86_64-linux-gnu");
    const std::string own = find_program(host.compilers);
    if (own.empty()) throw error("target " + target + ": got no compiler for this machine, which plans the memory: install g++");
    const bool may_stream = r.stream_rows == "always" || (r.stream_rows == "auto" && (r.ram_budget >= 0 || !r.banks.empty()));
    write_text(work.file("pack.cpp"), pack_source(fs::absolute(r.cpp).string(), may_stream));
    std::vector<std::string> a{own, "-std=c++20", "-O0", "-w", "-ffp-contract=off", "-DQNNX_PACK_PROGRAM",
                               "-D" + (emulate.empty() ? std::string("QNNX_FORCE_REFERENCE") : emulate), "-I" + headers, "-isystem",
                               work.file("boost_only"), work.file("pack.cpp"), "-o", work.file("pack")};
    if (may_stream) a.insert(a.end(), {"-DQNNX_PACK_CHAINS", "-include", "qnnx/io/band_choices.hpp"});
    a.push_back(packs ? "-DQNNX_WEIGHTS_ID=" + std::to_string(w.id) + "u" : "-DQNNX_SHARED_PLAN");
    steps.run(std::move(a));
    write_file(work.file("plain.blob"), w.blob);
    process pack(packs ? std::vector<std::string>{work.file("pack"), work.file("plain.blob"), work.file("weights.blob")}
                       : std::vector<std::string>{work.file("pack")}, work.file("needs"));
    const finished f = pack.wait();
    if (f.code != 0 || f.output.empty()) throw error("target " + target + ": the weights could not be packed");
    const std::size_t line = packs ? f.output.find('\n') + 1 : 0;
    forms = f.output.substr(0, line ? line - 1 : 0);
    try {
      plan = std::make_unique<firmware_plan>(f.output.substr(line), r.banks);
      const bool fits = plan->fits_banks() && (r.ram_budget < 0 || plan->bytes() <= r.ram_budget);
      if (may_stream && (!fits || r.stream_rows == "always")) {
        process more(packs ? std::vector<std::string>{work.file("pack"), work.file("plain.blob"), work.file("weights.again"), "chains"}
                           : std::vector<std::string>{work.file("pack"), "chains"}, work.file("chains"));
        const finished found = more.wait();
        if (found.code != 0) throw error("the chains of nodes could not be listed");
        plan->stream(found.output, r.stream_rows == "always" ? 0 : r.ram_budget >= 0 ? r.ram_budget : plan->room());
        unsigned parts = forms.empty() ? 0 : static_cast<unsigned>(std::stoul(forms));
        for (const streamed_chain& c : plan->chains()) parts |= c.code;
        if (!forms.empty()) forms = std::to_string(parts);
      }
      plan->check_banks();
    } catch (const error& e) {
      throw error("target " + target + ": " + e.what());
    }
    write_text(work.file("plan.h"), plan->macros());
    common.insert(common.end(), {"-include", work.file("plan.h"), "-DQNNX_ABI_VARIANT=v1_" + clean_name(target) + "_" + (chosen ? chosen->name : "") + forms + plan->variant()});
  }
  const std::vector<const host_isa*> isas = t.firmware ? std::vector<const host_isa*>{} : isas_of(t.x86, r.isas);
  if (isas.size() > 1) {
    for (const host_isa* isa : isas) {  // the plainest first: the linker keeps its copy of what all share
      std::vector<std::string> flags = isa->flags;
      flags.push_back(std::string("-DQNNX_MODEL_SYMBOL=qnnx_model_") + isa->name);
      compile(r.cpp, std::string("model_") + isa->name + ".o", flags);
    }
    write_text(work.file("choose.cpp"), chooser_source(isas, t.x86));
    compile(work.file("choose.cpp"), "choose.o", {});
  } else {
    std::vector<std::string> flags = isas.empty() ? std::vector<std::string>{} : isas[0]->flags;
    flags.push_back("-DQNNX_MODEL_SYMBOL=" + symbol);
    if (packs) flags.insert(flags.end(), {"-DQNNX_EMBEDDED_PACKED", "-DQNNX_PACKED_FORMS=" + forms + "u"});
    compile(r.cpp, "model.o", flags);
  }
  const auto embed = [&](const std::string& bytes_symbol, const std::string& stem) {
    write_text(work.file(stem + ".S"), weights_assembly(bytes_symbol, work.file(stem + ".blob"), t.wasm));
    std::vector<std::string> a{compiler};
    for (const std::string& f : t.flags)
      if (f.starts_with("-m") || f.starts_with("--target")) a.push_back(f);
    a.insert(a.end(), {"-c", work.file(stem + ".S"), "-o", work.file(stem + ".o")});
    objects.push_back(work.file(stem + ".o"));
    steps.start(std::move(a));
  };
  if (!r.bin.empty()) {
    if (!packs) write_file(work.file("weights.blob"), w.blob);
    embed(weights_symbol, "weights");
  }
  steps.finish();

  const std::string library = "lib" + r.name + (t.firmware ? ".a" : ".so");
  std::vector<std::string> link, linker;
  if (t.firmware) {
    // One object: the model refers to its weights weakly, and a linker takes nothing out of an archive for that.
    linker = {t.tool("ld")};
    if (!t.join.empty()) linker.insert(linker.end(), t.join.begin() + 1, t.join.end());
    std::vector<std::string> join = linker;
    join.insert(join.end(), {"-r", "-o", work.file(r.name + ".o")});
    join.insert(join.end(), objects.begin(), objects.end());
    steps.run(std::move(join));
    link = {t.tool("ar"), "rcsD", work.file(library), work.file(r.name + ".o")};
  } else {
    link = {compiler, "-shared", "-Wl,--gc-sections", "-Wl,--build-id=none", "-Wl,-soname," + library, "-o", work.file(library)};
    const std::size_t plain = link.size();
    link.insert(link.end(), objects.begin(), objects.end());
    if (t.x86 && !r.bin.empty()) {  // once without: the library packs its own weights
      steps.run(link);
      bool more = false;
      const bool chosen = isas.size() > 1;
      std::vector<std::string> names;
      for (const host_isa* isa : isas) names.emplace_back(isa->name);
      if (names.empty()) names.emplace_back();
      for (const std::string& isa : names) {
        const std::string stem = chosen ? "packed_" + isa : "packed";
        if (!write_packed(work.file(library), chosen ? isa : "", work.file(stem + ".blob"))) continue;
        embed(chosen ? "qnnx_model_" + isa + "_packed" : symbol + "_packed", stem);
        more = true;
      }
      if (more) steps.finish();
      link.resize(plain);
      link.insert(link.end(), objects.begin(), objects.end());
    }
  }
  steps.run(std::move(link));
  std::vector<std::string> files{folder + "/" + library};
  std::string report;
  if (t.firmware) {
    std::string facts_object = work.file("model.o"), objcopy = t.tool("objcopy");
    if (t.wasm) {  // whose objects have no sections to take out: the same numbers from an object of this machine
      const std::string own = find_program(target_named("x86_64-linux-gnu").compilers);
      if (own.empty()) throw error("target " + target + ": got no compiler for this machine, which computes the header: install g++");
      facts_object = work.file("facts.o");
      objcopy = target_named("x86_64-linux-gnu").tool("objcopy");
      std::vector<std::string> a{own, "-std=c++20", "-O0", "-w", "-ffp-contract=off", "-DQNNX_MODEL_FACTS", "-DQNNX_MODEL_SYMBOL=" + symbol,
                                 "-DQNNX_WEIGHTS_SYMBOL=" + weights_symbol, "-I" + headers, "-isystem", work.file("boost_only"), "-c", r.cpp,
                                 "-o", facts_object};
      if (packs) a.insert(a.end(), {"-D" + emulate, "-DQNNX_EMBEDDED_PACKED", "-DQNNX_PACKED_FORMS=" + forms + "u"});
      if (plan) a.insert(a.end(), {"-include", work.file("plan.h")});
      steps.run(std::move(a));
    }
    steps.run({objcopy, "-O", "binary", "--only-section=.qnnx_facts", "--set-section-flags", ".qnnx_facts=alloc", facts_object, work.file("facts")});
    const std::vector<std::byte> facts = read_file(work.file("facts"));
    std::vector<std::string> alone = linker;  // what a program that only runs the model carries
    if (t.wasm) alone.insert(alone.end(), {"--gc-sections", "--no-entry", "--export=" + symbol + "_run", "--allow-undefined"});
    else alone.insert(alone.end(), {"--gc-sections", "-e", symbol + "_run", "--unresolved-symbols=ignore-all"});
    alone.insert(alone.end(), {"-o", work.file("run.elf"), work.file(r.name + ".o")});
    steps.run(std::move(alone));
    const section_sizes found = sizes_of(t, work.file("run.elf"), work);
    firmware_sizes n{.code = found.text, .arena = plan ? plan->bytes() : arena_bytes(facts), .other_ram = found.data + found.bss};
    if (!r.bin.empty()) n.weights = static_cast<std::int64_t>(read_file(work.file("weights.blob")).size());
    n.tables = found.rodata - n.weights + found.data;
    try {
      report = firmware_report(r, n, facts, plan.get());
    } catch (const error& e) {
      throw error("target " + target + ": " + e.what());
    }
    const std::vector<used_bank> banks = plan ? plan->banks() : std::vector<used_bank>{};
    const std::string symbols = clean_name(r.name);
    const auto put = [&](const std::string& file, const std::string& text) {
      write_text(work.file(file), text);
      fs::rename(work.file(file), folder + "/" + file);
      files.push_back(folder + "/" + file);
    };
    put(r.name + ".h", firmware_header(facts, symbols, banks));
    put(r.name + ".hpp", firmware_class(facts, symbols, r.name, banks));
    put(r.name + "-config.cmake", package_file(t, r.name, library));
    put(r.name + "_size.txt", size_file(t, r.name, n, plan ? plan->bounds() : std::string{}, symbols_by_size(t, work.file("run.elf"), work)));
    if (plan) put(r.name + "_memory.txt", plan->report());
  } else {
    report = spelled(sizes_of(t, work.file(library), work));
  }
  fs::rename(work.file(library), files[0]);
  std::printf("%s: %s\n", files[0].c_str(), report.c_str());
  return files;
}

}  // namespace

std::vector<std::string> build_library(const library_request& r, const std::string& target) {
  const target_info& t = target_named(target);
  const bool both = !t.archive_flags.empty();
  if (!t.firmware && !both && (r.ram_budget >= 0 || r.flash_budget >= 0 || !r.banks.empty() || r.stream_rows == "always"))
    throw usage_error("options --ram_budget, --ram_bank, --flash_budget and --stream_rows are for firmware: got target " + target);
  std::vector<std::string> files;
  if (both) files = build_one(r, t.as_archive());  // first: a budget that refuses the model leaves no library behind
  for (std::string& file : build_one(r, t)) files.push_back(std::move(file));
  return files;
}

}  // namespace qnnx::cli
