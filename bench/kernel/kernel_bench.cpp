// SPDX-License-Identifier: Apache-2.0
// Times every kernel of kernels.inc beside the reference on shapes of well-known networks:
//   kernel_bench [--isa avx512vnni] [--filter TEXT] [--milliseconds N] [--no-reference] [--json F] [--markdown F]
// Multiply-adds count as two operations. The peak is measured here: a loop of independent vpdpbusd (or fused
// multiply-adds) on registers, on one core. Bytes are inputs, constants and output, once each. Random data.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

namespace {

using clock_type = std::chrono::steady_clock;

/// Least nanoseconds of one call.
double measure(const std::function<void()>& f, double milliseconds) {
  long repeat = 1;
  double best = 1e300;
  const auto once = [&] {
    const auto start = clock_type::now();
    for (long i = 0; i < repeat; ++i) f();
    return std::chrono::duration<double, std::nano>(clock_type::now() - start).count();
  };
  double total = once();
  while (total < milliseconds * 1e5 && repeat < (1L << 30)) {
    repeat *= 2;
    total = once();
  }
  for (int k = 0; k < 10; ++k) best = std::min(best, once() / static_cast<double>(repeat));
  return best;
}

#if defined(__x86_64__)
/// Operations per nanosecond of independent chains in registers. (Assembly: no flags of the compiler needed.)
template <class F>
double fastest_loop(F&& f, double operations) {
  constexpr long rounds = 100000;
  double best = 1e300;
  for (int k = 0; k < 20; ++k) {
    const auto start = clock_type::now();
    for (long r = 0; r < rounds; ++r) f();
    best = std::min(best, std::chrono::duration<double, std::nano>(clock_type::now() - start).count());
  }
  return operations * rounds / best;
}
double byte_peak() {
  return fastest_loop([] { asm volatile("vpdpbusd %%zmm12, %%zmm12, %%zmm0\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm1\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm2\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm3\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm4\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm5\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm6\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm7\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm8\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm9\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm10\n" "vpdpbusd %%zmm12, %%zmm12, %%zmm11\n" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12"); }, 12.0 * 64 * 2);
}
double float_peak_512() {
  return fastest_loop([] { asm volatile("vfmadd231ps %%zmm12, %%zmm12, %%zmm0\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm1\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm2\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm3\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm4\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm5\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm6\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm7\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm8\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm9\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm10\n" "vfmadd231ps %%zmm12, %%zmm12, %%zmm11\n" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12"); }, 12.0 * 16 * 2);
}
double float_peak_256() {
  return fastest_loop([] { asm volatile("vfmadd231ps %%ymm12, %%ymm12, %%ymm0\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm1\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm2\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm3\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm4\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm5\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm6\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm7\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm8\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm9\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm10\n" "vfmadd231ps %%ymm12, %%ymm12, %%ymm11\n" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12"); }, 12.0 * 8 * 2);
}
#endif

struct bench_case {
  std::string_view op;
  std::string label;
  net n;
};

std::vector<std::byte> random_bytes(dtype t, std::int64_t bytes, unsigned seed) {
  std::mt19937 g(seed);
  std::vector<std::byte> b(static_cast<std::size_t>(bytes));
  if (t == dtype::float_32) {
    std::uniform_real_distribution<float> real(-1.0f, 1.0f);
    for (std::size_t i = 0; i + 4 <= b.size(); i += 4) {
      const float v = real(g);
      std::memcpy(&b[i], &v, 4);
    }
  } else {
    for (std::byte& v : b) v = static_cast<std::byte>(g());
  }
  return b;
}

/// Builds one-node nets of a data type: float32, or unsigned 8 bit with signed weights.
struct maker {
  bool floats;
  net n{};
  dtype data() const { return floats ? dtype::float_32 : dtype::ufixed_8; }
  net_encoding enc(float scale = 0.05f) const { return floats ? net_encoding{} : net_encoding::tensor(scale, -128); }
  int input(const char* name, const shape& s) {
    return n.add_tensor({.name = name, .kind = tensor_kind::app_write, .type = data(), .dims = s, .enc = enc()});
  }
  int weights(const shape& s) {
    net_tensor w{.name = "w", .kind = tensor_kind::constant, .type = floats ? dtype::float_32 : dtype::sfixed_8, .dims = s};
    if (!floats) w.enc = net_encoding::tensor(0.01f, 0);
    w.data = random_bytes(w.type, s.size() * (floats ? 4 : 1), 3);
    return n.add_tensor(w);
  }
  int bias(int channels) {
    net_tensor b{.name = "b", .kind = tensor_kind::constant, .type = floats ? dtype::float_32 : dtype::sfixed_32, .dims = {channels}};
    b.data.resize(static_cast<std::size_t>(channels) * 4);
    return n.add_tensor(b);
  }
  net finish(dtype type, float scale) {
    net_tensor y{.name = "y", .kind = tensor_kind::app_read, .type = type, .dims = n.infer(n.nodes.back())[0],
                 .enc = is_fixed(type) ? net_encoding::tensor(scale, -128) : net_encoding{}};
    n.nodes.back().outputs = {n.add_tensor(y)};
    return std::move(n);
  }
};

template <class Op>
void add_window(std::vector<bench_case>& all, bool floats, int size, int ci, int co, int kernel, int stride) {
  maker m{floats};
  typename Op::params p;
  const auto pad = static_cast<std::uint32_t>((kernel - 1) / 2);
  p.stride = {static_cast<std::uint32_t>(stride), static_cast<std::uint32_t>(stride)};
  p.pad_amount = {pad, pad, pad, pad};
  constexpr bool depthwise = std::is_same_v<Op, op::depthwise_conv2d>;
  const int x = m.input("x", {1, size, size, ci});
  m.n.add_node<Op>("node", {x, m.weights({kernel, kernel, depthwise ? 1 : ci, co}), m.bias(co)}, {}, p);
  all.push_back({Op::name, std::to_string(kernel) + "x" + std::to_string(kernel) + " s" + std::to_string(stride) + " " + std::to_string(size) + "x" +
                               std::to_string(size) + " " + std::to_string(ci) + "->" + std::to_string(co) + (floats ? " f32" : " u8"),
                 m.finish(m.data(), 1.0f)});
}
template <class Op>
void add_elementwise(std::vector<bench_case>& all, bool floats, int inputs) {
  maker m{floats};
  std::vector<int> in{m.input("x", {1, 56, 56, 64})};
  if (inputs == 2) in.push_back(m.input("z", {1, 56, 56, 64}));
  typename Op::params p;
  if constexpr (requires { p.filter_size; }) p.filter_size = {3, 3}, p.stride = {2, 2};
  if constexpr (requires { p.max_value; }) p.min_value = 0.0f, p.max_value = 6.0f;
  m.n.add_node<Op>("node", in, {}, p);
  all.push_back({Op::name, std::string("56x56x64") + (floats ? " f32" : " u8"), m.finish(m.data(), 0.05f)});
}
template <class Op>
void add_conversion(std::vector<bench_case>& all, bool from_float, dtype to) {
  maker m{from_float};
  m.n.add_node<Op>("node", {m.input("x", {1, 224, 224, 3})}, {}, {});
  all.push_back({Op::name, std::string("224x224x3 ") + (from_float ? "f32" : "u8") + " to " + std::string(to_string(to)), m.finish(to, 0.03f)});
}

/// The cases of an op that kernels.inc names.
template <class Op>
void add_cases(std::vector<bench_case>& all) {
  for (const bool floats : {true, false}) {
    if constexpr (std::is_same_v<Op, op::conv2d>) {
      for (const auto& [size, ci, co, kernel, stride] : {std::array{56, 64, 64, 3, 1}, {28, 128, 128, 3, 1}, {14, 256, 256, 3, 1}, {7, 512, 512, 3, 1},
                                                         {112, 32, 16, 1, 1}, {56, 24, 144, 1, 1}, {14, 96, 576, 1, 1}, {7, 320, 1280, 1, 1}, {224, 3, 32, 3, 2}})
        add_window<Op>(all, floats, size, ci, co, kernel, stride);
    } else if constexpr (std::is_same_v<Op, op::depthwise_conv2d>) {
      for (const auto& [size, c, stride] : {std::array{112, 32, 1}, {56, 144, 2}, {14, 576, 1}}) add_window<Op>(all, floats, size, c, c, 3, stride);
    } else if constexpr (std::is_same_v<Op, op::fully_connected>) {
      for (const auto& [rows, depth, columns] : {std::array{1, 1280, 1000}, {1, 640, 128}, {512, 512, 512}}) {
        maker m{floats};
        m.n.add_node<Op>("node", {m.input("x", {rows, depth}), m.weights({columns, depth}), m.bias(columns)}, {}, {});
        all.push_back({Op::name, std::to_string(rows) + "x" + std::to_string(depth) + "x" + std::to_string(columns) + (floats ? " f32" : " u8"), m.finish(m.data(), 1.0f)});
      }
    } else if constexpr (std::is_same_v<Op, op::matmul>) {
      maker m{floats};
      m.n.add_node<Op>("node", {m.input("x", {512, 512}), m.weights({512, 512})}, {}, {});
      all.push_back({Op::name, std::string("512x512x512") + (floats ? " f32" : " u8"), m.finish(m.data(), 1.0f)});
    } else if constexpr (std::is_same_v<Op, op::quantize>) {
      if (floats) add_conversion<Op>(all, true, dtype::ufixed_8);
    } else if constexpr (std::is_same_v<Op, op::dequantize>) {
      if (!floats) add_conversion<Op>(all, false, dtype::float_32);
    } else if constexpr (std::is_same_v<Op, op::convert>) {
      if (!floats) add_conversion<Op>(all, false, dtype::sfixed_8);
    } else {
      add_elementwise<Op>(all, floats, Op::inputs.size() == 2 ? 2 : 1);
    }
  }
}

struct line {
  std::string_view op, isa;
  void (*cases)(std::vector<bench_case>&);
};
constexpr line lines[] = {
#define QNNX_KERNEL(TYPE, ISA, HEADER, TYPES) {op::TYPE::name, #ISA, &add_cases<op::TYPE>},
#include "qnnx/kernel/kernels.inc"
#undef QNNX_KERNEL
};

}  // namespace

int main(int argc, char** argv) try {
  std::string isa = processor_has("avx512vnni") ? "avx512vnni" : "avx2";
  std::string filter, json, markdown;
  double milliseconds = 2;
  bool with_reference = true;
  for (int i = 1; i < argc; ++i) {
    const std::string a = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) {
        std::fprintf(stderr, "kernel_bench: %s needs a value\n", a.c_str());
        std::exit(2);
      }
      return argv[++i];
    };
    if (a == "--isa") isa = value();
    else if (a == "--filter") filter = value();
    else if (a == "--milliseconds") milliseconds = std::atof(value().c_str());
    else if (a == "--no-reference") with_reference = false;
    else if (a == "--json") json = value();
    else if (a == "--markdown") markdown = value();
    else {
      std::fprintf(stderr, "kernel_bench: unknown option %s\n", a.c_str());
      return 2;
    }
  }
  double peak_bytes = 0;
  double peak_floats = 0;
#if defined(__x86_64__)
  if (isa == "avx512vnni" && processor_has(isa)) peak_bytes = byte_peak(), peak_floats = float_peak_512();
  if (isa == "avx2" && processor_has(isa)) peak_floats = float_peak_256();
#endif
  char text[512];
  std::snprintf(text, sizeof text, "isa %s, measured peaks: 8-bit %.0f, float %.0f op/ns", isa.c_str(), peak_bytes, peak_floats);
  const std::string head = text;
  std::printf("%s\n", head.c_str());
  std::string rows_json, rows_markdown = head + "\n\n| op | case | us | op/ns | % of peak | GB/s | x reference |\n|---|---|---|---|---|---|---|\n";
  for (const line& l : lines) {
    if (l.isa != isa) continue;
    std::vector<bench_case> all;
    l.cases(all);
    for (bench_case& b : all) {
      if (!filter.empty() && (std::string(b.op) + " " + b.label).find(filter) == std::string::npos) continue;
      const auto frozen = std::shared_ptr<const frozen_net>(b.n.freeze());
      const auto time = [&](const std::string& backend, std::string& ran) {
        interpreter run(frozen, {.backend = backend});
        ran = run.kernel_isa(0);
        for (int i = 0; i < frozen->g.tensor_count; ++i) {
          const tensor_desc& t = frozen->g.tensors[i];
          if (t.kind != tensor_kind::app_write) continue;
          const std::vector<std::byte> in = random_bytes(t.type, byte_size(t), 5);
          std::copy(in.begin(), in.end(), run.bytes(i).begin());
        }
        return measure([&] { run.run(); }, backend == "reference" ? milliseconds / 2 : milliseconds);
      };
      std::string ran;
      const double ns = time(isa, ran);
      if (ran != isa) continue;  // this operand type runs a parent set's kernel
      std::string plain;
      const double reference_ns = with_reference ? time("reference", plain) : 0;
      const bound_context c(frozen->g, frozen->g.nodes[0]);
      const auto macs = static_cast<double>(frozen->g.nodes[0].op->price(c.get(), frozen->g.nodes[0].params).macs);
      double bytes = 0;
      for (int i = 0; i < frozen->g.tensor_count; ++i) bytes += static_cast<double>(byte_size(frozen->g.tensors[i]));
      const double peak = frozen->g.tensors[frozen->g.nodes[0].inputs[0]].type == dtype::float_32 ? peak_floats : peak_bytes;
      const double percent = peak > 0 ? 200 * macs / ns / peak : 0;
      const double faster = reference_ns / ns;
      std::printf("%-24s %-34s %10.2f us %8.1f op/ns %5.1f %% %7.1f GB/s %7.1fx\n", std::string(b.op).c_str(), b.label.c_str(), ns / 1e3, 2 * macs / ns, percent,
                  bytes / ns, faster);
      std::fflush(stdout);
      std::snprintf(text, sizeof text, "%s  {\"op\": \"%s\", \"case\": \"%s\", \"ns\": %.1f, \"ops_per_ns\": %.2f, \"percent_of_peak\": %.1f, \"bytes_per_ns\": %.2f, \"times_reference\": %.2f}",
                    rows_json.empty() ? "" : ",\n", std::string(b.op).c_str(), b.label.c_str(), ns, 2 * macs / ns, percent, bytes / ns, faster);
      rows_json += text;
      std::snprintf(text, sizeof text, "| %s | %s | %.2f | %.1f | %.0f | %.1f | %.1f |\n", std::string(b.op).c_str(), b.label.c_str(), ns / 1e3, 2 * macs / ns, percent,
                    bytes / ns, faster);
      rows_markdown += text;
    }
  }
  if (!json.empty()) std::ofstream(json) << "{\"isa\": \"" << isa << "\", \"peak_8bit_ops_per_ns\": " << peak_bytes << ", \"peak_float_ops_per_ns\": " << peak_floats << ", \"rows\": [\n" << rows_json << "\n]}\n";
  if (!markdown.empty()) std::ofstream(markdown) << rows_markdown;
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "kernel_bench: %s\n", e.what());
  return 1;
}
