// SPDX-License-Identifier: Apache-2.0
// The programs as a user runs them: convert, compile, run; library against interpreter, byte by byte; exit codes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "drivers/folder.hpp"
#include "drivers/small_nets.hpp"
#include "qnnx/io/dlc.hpp"
#include "qnnx/io/emit_cpp.hpp"
#include "qnnx/io/file.hpp"

using namespace qnnx;
namespace fs = std::filesystem;

namespace {

std::string tool(const std::string& name) {
  const char* bin = std::getenv("QNNX_BIN");
  return std::string(bin ? bin : "bin") + "/" + name;
}

cli::finished run(const cli::temporary_folder& folder, std::vector<std::string> arguments) {
  arguments[0] = tool(arguments[0]);
  cli::process p(arguments, folder.file("program.log"));
  return p.wait();
}

/// Exit code, one line, and what the line holds.
void refuses(const cli::temporary_folder& folder, const std::vector<std::string>& arguments, int code, const std::string& words) {
  const cli::finished f = run(folder, arguments);
  INFO(f.output);
  CHECK(f.code == code);
  CHECK(std::count(f.output.begin(), f.output.end(), '\n') == 1);
  CHECK(f.output.find(words) != std::string::npos);
}

/// Bytes of float inputs that repeat exactly.
std::vector<std::byte> numbers(std::size_t count, std::uint32_t seed) {
  std::vector<float> v(count);
  for (float& x : v) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(seed >> 8) / 16777216.0f;
  }
  const auto b = std::as_bytes(std::span(v));
  return {b.begin(), b.end()};
}

/// The files of two result folders hold the same bytes; returns how many.
int same_files(const std::string& a, const std::string& b) {
  int count = 0;
  for (const auto& entry : fs::recursive_directory_iterator(a)) {
    if (!entry.is_regular_file()) continue;
    const std::string other = b + entry.path().string().substr(a.size());
    INFO(other);
    REQUIRE(fs::exists(other));
    CHECK(read_file(entry.path().string()) == read_file(other));
    ++count;
  }
  return count;
}

/// The small net as library, DLC and input list.
struct prepared {
  cli::temporary_folder folder{temporary_root()};
  std::string library = folder.file("lib/x86_64-linux-gnu/libsmall.so");
  prepared() {
    const net n = small::quantized();
    emit_model(n, folder.file("small.cpp"));
    write_dlc(n, folder.file("small.dlc"));
    for (int i = 0; i < 3; ++i) write_file(folder.file("in" + std::to_string(i) + ".raw"), numbers(32, static_cast<std::uint32_t>(i) + 7));
    write_text(folder.file("list.txt"), "in0.raw\nx:=in1.raw\nin2.raw\n");
  }
  bool compile() {
    const auto f = run(folder, {"qnnx-model-lib-generator", "-c", folder.file("small.cpp"), "-b", folder.file("small.bin"), "-o", folder.file("lib")});
    INFO(f.output);
    CHECK(f.code == 0);
    return f.code == 0;
  }
  cli::finished net_run(std::vector<std::string> more) {
    std::vector<std::string> a{"qnnx-net-run", "--input_list", folder.file("list.txt")};
    a.insert(a.end(), more.begin(), more.end());
    return run(folder, a);
  }
};

}  // namespace

TEST_CASE("library and interpreter give the same bytes for every tensor") {
  prepared p;
  REQUIRE(p.compile());
  REQUIRE(p.net_run({"--model", p.library, "--debug", "--use_native_output_files", "--output_dir", p.folder.file("a")}).code == 0);
  for (const char* backend : {"reference", "cpu"}) {
    const std::string out = p.folder.file(backend);
    REQUIRE(p.net_run({"--dlc_path", p.folder.file("small.dlc"), "--backend", backend, "--debug", "--use_native_output_files", "--output_dir", out}).code == 0);
    CHECK(same_files(p.folder.file("a"), out) == 9);  // y, z, s of three inferences
  }
  CHECK(read_file(p.folder.file("a/Result_1/y_native.raw")).size() == 32);
}

TEST_CASE("outputs: float by default, chosen tensors, kept results, batches of files, profile") {
  prepared p;
  const std::string dlc = p.folder.file("small.dlc");
  const std::string out = p.folder.file("out");
  cli::finished f = p.net_run({"--dlc_path", dlc, "--output_dir", out, "--num_inferences", "7", "--profiling_level", "detailed"});
  INFO(f.output);
  REQUIRE(f.code == 0);
  CHECK(f.output.find("7 inferences, 3 results, latency us: avg ") != std::string::npos);
  CHECK(read_file(out + "/Result_2/s.raw").size() == 8 * 4);
  CHECK(!fs::exists(out + "/Result_0/y.raw"));
  const std::string profile = read_text(out + "/qnnx-profiling-data_0.csv");
  CHECK(profile.starts_with("Msg Timestamp,Message,Time,Unit of Measurement,Timing Source,Event Level,Event Identifier\n"));
  CHECK(profile.find(",BACKEND,SUB-EVENT,conv_2:OpId_1") != std::string::npos);
  REQUIRE(p.net_run({"--dlc_path", dlc, "--output_dir", p.folder.file("chosen"), "--set_output_tensors", "small:z", "--keep_num_outputs", "1"}).code == 0);
  CHECK(fs::exists(p.folder.file("chosen/Result_0/z.raw")));
  CHECK(!fs::exists(p.folder.file("chosen/Result_0/s.raw")));
  CHECK(!fs::exists(p.folder.file("chosen/Result_1")));
  REQUIRE(p.net_run({"--dlc_path", dlc, "--output_dir", p.folder.file("joined"), "--batch_multiplier", "2"}).code == 0);
  const auto both = read_file(p.folder.file("joined/Result_0/s.raw"));
  auto two = read_file(out + "/Result_0/s.raw");
  const auto second = read_file(out + "/Result_1/s.raw");
  two.insert(two.end(), second.begin(), second.end());
  CHECK(both == two);
  CHECK(fs::exists(p.folder.file("joined/Result_1/s.raw")));
  CHECK(!fs::exists(p.folder.file("joined/Result_2")));
}

TEST_CASE("qnnx-net-run: exit codes") {
  prepared p;
  const std::string dlc = p.folder.file("small.dlc");
  const std::string list = p.folder.file("list.txt");
  const auto net_run = [&](const std::vector<std::string>& more, int code, const std::string& words) {
    std::vector<std::string> a{"qnnx-net-run", "--output_dir", p.folder.file("out")};
    a.insert(a.end(), more.begin(), more.end());
    refuses(p.folder, a, code, words);
  };
  net_run({"--input_list", list}, 4, "one of --model and --dlc_path is required");
  net_run({"--dlc_path", dlc}, 4, "--input_list is required");
  net_run({"--dlc_path", dlc, "--input_list", list, "--perf_profile", "burst"}, 4, "option --perf_profile is not supported: ");
  net_run({"--dlc_path", dlc, "--input_list", list, "--nonsense"}, 4, "unknown option --nonsense");
  net_run({"--dlc_path", dlc, "--model", "x.so", "--input_list", list}, 4, "exclude each other");
  net_run({"--dlc_path", dlc, "--input_list", list, "--num_inferences", "0"}, 4, "expected an integer from 1");
  net_run({"--dlc_path", dlc, "--input_list", list, "--backend", "gpu"}, 10, "backend 'gpu' is unknown");
  net_run({"--model", p.folder.file("none.so"), "--input_list", list}, 14, "no such file");
  net_run({"--dlc_path", list, "--input_list", list}, 14, "not a container that can be read");
  net_run({"--dlc_path", dlc, "--input_list", p.folder.file("none.txt")}, 17, "No such file");
  write_text(p.folder.file("short.txt"), "small.cpp\n");
  net_run({"--dlc_path", dlc, "--input_list", p.folder.file("short.txt")}, 17, "expected 128 for input 'x' float32[1,4,4,2]");
  write_text(p.folder.file("plain"), "a file");
  refuses(p.folder, {"qnnx-net-run", "--dlc_path", dlc, "--input_list", list, "--output_dir", p.folder.file("plain/out")}, 4, "cannot make the folder");
}

TEST_CASE("qnnx-model-lib-generator: faults are one line and leave nothing") {
  prepared p;
  const std::string cpp = p.folder.file("small.cpp");
  const std::string lib = p.folder.file("lib");
  refuses(p.folder, {"qnnx-model-lib-generator", "-c", p.folder.file("none.cpp"), "-o", lib}, 1, "no such file");
  refuses(p.folder, {"qnnx-model-lib-generator", "-c", cpp, "-b", cpp, "-o", lib}, 1, "is not a ustar archive");
  refuses(p.folder, {"qnnx-model-lib-generator", "-c", cpp, "-t", "aarch64-android", "-o", lib}, 2, "target 'aarch64-android' is unknown: expected x86_64-linux-gnu");
  net other = small::quantized();
  other.tensors[1].name = "v";
  write_file(p.folder.file("other.bin"), model_bin(other));
  refuses(p.folder, {"qnnx-model-lib-generator", "-c", cpp, "-b", p.folder.file("other.bin"), "-o", lib, "--isa", "reference"}, 1, "qnnx: the weights file belongs to another model");
  net wrong = small::quantized();
  std::string text = model_cpp(wrong);
  text.replace(text.find(".dims = {1, 2, 2, 2}"), 20, ".dims = {1, 3, 2, 2}");
  write_text(p.folder.file("wrong.cpp"), text);
  refuses(p.folder, {"qnnx-model-lib-generator", "-c", p.folder.file("wrong.cpp"), "-o", lib, "--isa", "reference"}, 1, "error");
  int files = 0;
  for (const auto& e : fs::recursive_directory_iterator(lib)) files += e.is_regular_file();
  CHECK(files == 0);
}

TEST_CASE("a Cortex-M archive comes with a C header") {
  if (cli::find_program({"arm-none-eabi-g++"}).empty()) {
    MESSAGE("skipped: no arm-none-eabi-g++");
    return;
  }
  prepared p;
  const auto f = run(p.folder, {"qnnx-model-lib-generator", "-c", p.folder.file("small.cpp"), "-b", p.folder.file("small.bin"), "-t", "cortex-m4", "-o", p.folder.file("lib")});
  INFO(f.output);
  REQUIRE(f.code == 0);
  const std::string header = read_text(p.folder.file("lib/cortex-m4/small.h"));
  // what the archive embeds: 32 bytes of weights in the form that the dual-multiply kernels read
  CHECK(header.find("#define SMALL_WEIGHT_BYTES 128") != std::string::npos);
  CHECK(header.find("#define SMALL_INPUT_X_SCALE 0.5f") != std::string::npos);
  CHECK(header.find("uint8_t* small_input_x(void* arena)") != std::string::npos);
  write_text(p.folder.file("use.c"), "#include \"small.h\"\nstatic char arena[SMALL_ARENA_BYTES] __attribute__((aligned(16)));\n"
                                     "int main(void) { small_input_x(arena)[0] = 1; small_infer(arena); return small_output_s(arena)[0]; }\n");
  cli::process c({cli::find_program({"arm-none-eabi-gcc"}), "-mthumb", "-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "-Os", "-I" + p.folder.file("lib/cortex-m4"),
                  p.folder.file("use.c"), p.folder.file("lib/cortex-m4/libsmall.a"), "-Wl,--gc-sections", "-specs=nano.specs", "-specs=nosys.specs", "-o", p.folder.file("use.elf")},
                 p.folder.file("cc.log"));
  const auto linked = c.wait();
  INFO(linked.output);
  CHECK(linked.code == 0);  // C links the archive without the C++ run-time library
  const std::vector<std::string> again{"qnnx-model-lib-generator", "-c", p.folder.file("small.cpp"), "-b", p.folder.file("small.bin"), "-o", p.folder.file("lib"), "-t"};
  const auto with = [&](std::initializer_list<std::string> more) {
    std::vector<std::string> a = again;
    a.insert(a.end(), more);
    return a;
  };
  refuses(p.folder, with({"cortex-m4", "--ram_budget", "1"}), 1, "expected at most 1 (--ram_budget); at step '");
  refuses(p.folder, with({"cortex-m4", "--ram_bank", "a=16", "b=16"}), 1, "memory banks: got 32 bytes in all, expected ");
  refuses(p.folder, with({"cortex-m4", "--ram_bank", "a-b=16"}), 2, "option --ram_bank: got 'a-b=16', expected NAME=BYTES");
  refuses(p.folder, with({"cortex-m4", "--flash_budget", "100"}), 1, "expected at most 100 (--flash_budget)");
  refuses(p.folder, with({"x86_64-linux-gnu", "--ram_budget", "1"}), 2, "are for firmware");
  if (!cli::find_program({"aarch64-linux-gnu-g++"}).empty()) {  // the archive's budget: no library beside it either
    refuses(p.folder, with({"aarch64-linux-gnu", "--ram_budget", "1"}), 1, "expected at most 1 (--ram_budget)");
    CHECK(!file_exists(p.folder.file("lib/aarch64-linux-gnu/libsmall.so")));
  }
  refuses(p.folder, with({"cortex-m4", "--optimize", "fast"}), 2, "option --optimize: got 'fast', expected s, 2 or 3");
}

TEST_CASE("converters: the digit network to a library and to a DLC, the same bytes") {
  const char* source = std::getenv("QNNX_SOURCE");
  const std::string onnx = std::string(source ? source : ".") + "/examples/quickstart/digits.onnx";
  REQUIRE(file_exists(onnx));
  const cli::temporary_folder folder(temporary_root());
  std::string list;
  for (int i = 0; i < 4; ++i) {
    const std::string file = folder.file("in" + std::to_string(i) + ".raw");
    write_file(file, numbers(784, static_cast<std::uint32_t>(i) + 1));
    list += file + "\n";
  }
  write_text(folder.file("list.txt"), list);
  const std::vector<std::string> quantizer{"--input_list", folder.file("list.txt"), "--use_per_channel_quantization", "--bias_bitwidth", "32"};
  for (const bool integers : {false, true}) {
    const std::string name = integers ? "digits_int8" : "digits_float";
    std::vector<std::string> cpp{"qnnx-onnx-converter", "-i", onnx, "-o", folder.file(name + ".cpp")};
    std::vector<std::string> dlc{"qnnx-converter", "-i", onnx, "-o", folder.file(name + ".dlc")};
    if (integers) {
      cpp.insert(cpp.end(), quantizer.begin(), quantizer.end());
      dlc.insert(dlc.end(), quantizer.begin(), quantizer.end());
    }
    const auto made = run(folder, cpp);
    INFO(made.output);
    REQUIRE(made.code == 0);
    REQUIRE(run(folder, dlc).code == 0);
    const auto compiled = run(folder, {"qnnx-model-lib-generator", "-c", folder.file(name + ".cpp"), "-b", folder.file(name + ".bin"), "-o", folder.file("lib")});
    INFO(compiled.output);
    REQUIRE(compiled.code == 0);
    const std::vector<std::string> common{"--input_list", folder.file("list.txt"), "--debug", "--use_native_output_files"};
    std::vector<std::string> a{"qnnx-net-run", "--model", folder.file("lib/x86_64-linux-gnu/lib" + name + ".so"), "--output_dir", folder.file("a_" + name)};
    std::vector<std::string> b{"qnnx-net-run", "--dlc_path", folder.file(name + ".dlc"), "--output_dir", folder.file("b_" + name)};
    a.insert(a.end(), common.begin(), common.end());
    b.insert(b.end(), common.begin(), common.end());
    const auto ran = run(folder, a);
    INFO(ran.output);
    REQUIRE(ran.code == 0);
    REQUIRE(run(folder, b).code == 0);
    CHECK(same_files(folder.file("a_" + name), folder.file("b_" + name)) > 4 * 4);
    const auto info = run(folder, {"qnnx-dlc-info", "-i", folder.file(name + ".dlc"), "-s", folder.file("layers.csv"), "--json", folder.file("layers.json")});
    REQUIRE(info.code == 0);
    CHECK(info.output.find("total MACs per inference: ") != std::string::npos);
    CHECK(read_text(folder.file("layers.csv")).find("Conv2d") != std::string::npos);
  }
  const auto encodings = [&](const std::vector<std::string>& more) {
    std::vector<std::string> line{"qnnx-converter", "-i", onnx, "-o", folder.file("e.dlc"), "--input_list", folder.file("list.txt"), "--dump_encoding_json", folder.file("e.json")};
    line.insert(line.end(), more.begin(), more.end());
    const auto done = run(folder, line);
    INFO(done.output);
    REQUIRE(done.code == 0);
    if (!more.empty() && more.size() > 1 && more[1] == "cle") CHECK(done.output.find("cle: ") != std::string::npos);
    return std::pair(read_text(folder.file("e.json")), read_file(folder.file("e.dlc")));
  };
  const auto standard = encodings({});
  CHECK(standard.first == encodings({"--algorithms", "bc", "gptq", "--use_per_channel_quantization", "--use_per_row_quantization=true", "--bias_bitwidth", "32"}).first);
  const auto plain = encodings({"--algorithms", "none"});
  CHECK(plain.first == standard.first);    // the scales are the same,
  CHECK(plain.second != standard.second);  // the stored weights are not
  CHECK(encodings({"--param_quantizer_schema", "asymmetric"}).first == encodings({"--use_per_channel_quantization", "false", "--use_per_row_quantization", "false"}).first);
  CHECK(encodings({"--algorithms", "cle"}).first != plain.first);
  const std::vector<std::string> base{"qnnx-converter", "-i", onnx, "--input_list", folder.file("list.txt")};
  const auto refused = [&](std::vector<std::string> more, const std::string& words) {
    more.insert(more.begin(), base.begin(), base.end());
    refuses(folder, more, 2, words);
  };
  refused({"--algorithms", "none", "bc"}, "expected none alone");
  refused({"--algorithms", "bc", "--bias_bitwidth", "8"}, "makes 32-bit biases");
  refused({"--algorithms", "cle", "--quantization_overrides", "x.json"}, "give one of them");
  refused({"--algorithms", "adaround"}, "adaround");
  refuses(folder, {"qnnx-dlc-info", "-i", folder.file("none.dlc")}, 1, "No such file");
  refuses(folder, {"qnnx-onnx-converter", "-i", folder.file("none.onnx")}, 1, "none.onnx");
  refuses(folder, {"qnnx-onnx-converter", "-i", onnx, "--custom_io", "x"}, 2, "option --custom_io");
  refuses(folder, {"qnnx-converter", "-i", onnx, "--quantization_overrides", "x", "--ignore_encodings"}, 2, "exclude each other");
}
