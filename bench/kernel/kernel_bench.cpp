// SPDX-License-Identifier: Apache-2.0
// Times every kernel of kernels.inc beside the reference, or beside other libraries, on shapes of well-known networks:
//   kernel_bench [--isa avx512vnni] [--filter TEXT] [--milliseconds N] [--no-reference] [--json F] [--markdown F]
//                [--peers FOLDER --peer onednn xnnpack] [--rounds 5] [--core 1]
// A peer is a shared library that bench/setup_peers.sh builds (peers/peer.h). Ours and the peers take turns in each
// round, on one core; the table has medians over the rounds, and the median of the rounds' ratios (the peer's time over
// ours). Without peers a row is the least time of one round.
// Multiply-adds count as two operations. The peak is measured here: a loop of independent vpdpbusd (AVX2:
// vpmaddwd and an addition; floats: fused multiply-adds) on registers, on one core. Bytes are inputs, constants and output, once each. Random data.
#include <dlfcn.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "peers/peer.h"
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
  for (int k = 0; k < 300; ++k) {
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
/// Pairs of 16 bits, which every product of bytes fits (kernel/x86/widened_windows.hpp).
double word_peak_256() {
  return fastest_loop([] { asm volatile("vpmaddwd %%ymm12, %%ymm12, %%ymm6\n" "vpaddd %%ymm6, %%ymm0, %%ymm0\n" "vpmaddwd %%ymm12, %%ymm12, %%ymm7\n" "vpaddd %%ymm7, %%ymm1, %%ymm1\n" "vpmaddwd %%ymm12, %%ymm12, %%ymm8\n" "vpaddd %%ymm8, %%ymm2, %%ymm2\n" "vpmaddwd %%ymm12, %%ymm12, %%ymm9\n" "vpaddd %%ymm9, %%ymm3, %%ymm3\n" "vpmaddwd %%ymm12, %%ymm12, %%ymm10\n" "vpaddd %%ymm10, %%ymm4, %%ymm4\n" "vpmaddwd %%ymm12, %%ymm12, %%ymm11\n" "vpaddd %%ymm11, %%ymm5, %%ymm5\n" ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12"); }, 6.0 * 16 * 2);
}
#endif

struct bench_case {
  std::string_view op;
  std::string label;
  net n;
  peer_layer layer{};  // the same for a peer; kind 0: none has it
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
  } else if (t == dtype::float_16) {
    std::uniform_real_distribution<float> real(-1.0f, 1.0f);
    for (std::size_t i = 0; i + 2 <= b.size(); i += 2) {
      const half v(real(g));
      std::memcpy(&b[i], &v, 2);
    }
  } else {
    for (std::byte& v : b) v = static_cast<std::byte>(g());
  }
  return b;
}

/// Builds one-node nets of a data type: float32, float16, or unsigned 8 or signed 16 bit with signed weights.
struct maker {
  bool floats;
  dtype weight_type = dtype::sfixed_8;  // of integers
  dtype integers = dtype::ufixed_8;
  net n{};
  dtype data() const { return floats ? dtype::float_32 : integers; }
  dtype weight_data() const { return floats || !is_fixed(integers) ? data() : weight_type; }
  net_encoding enc(float scale = 0.05f) const {
    return floats || !is_fixed(integers) ? net_encoding{} : net_encoding::tensor(scale, is_signed_fixed(integers) ? 0 : -128);
  }
  int input(const char* name, const shape& s) {
    return n.add_tensor({.name = name, .kind = tensor_kind::app_write, .type = data(), .dims = s, .enc = enc()});
  }
  int weights(const shape& s) {
    net_tensor w{.name = "w", .kind = tensor_kind::constant, .type = weight_data(), .dims = s};
    if (is_fixed(w.type)) w.enc = net_encoding::tensor(0.01f, 0);
    w.data = random_bytes(w.type, s.size() * bits_of(w.type) / 8, 3);
    return n.add_tensor(w);
  }
  int bias(int channels) {
    net_tensor b{.name = "b", .kind = tensor_kind::constant, .type = is_fixed(data()) ? dtype::sfixed_32 : data(), .dims = {channels}};
    b.data.resize(static_cast<std::size_t>(channels * bits_of(b.type) / 8));
    return n.add_tensor(b);
  }
  net finish(dtype type, float scale) {
    net_tensor y{.name = "y", .kind = tensor_kind::app_read, .type = type, .dims = n.infer(n.nodes.back())[0],
                 .enc = is_fixed(type) ? net_encoding::tensor(scale, is_signed_fixed(type) ? 0 : -128) : net_encoding{}};
    n.nodes.back().outputs = {n.add_tensor(y)};
    return std::move(n);
  }
};

std::string type_suffix(bool floats, dtype integers) {
  return floats ? " f32" : integers == dtype::ufixed_8 ? " u8" : integers == dtype::float_16 ? " f16" : " s16";
}

template <class Op>
void add_window(std::vector<bench_case>& all, bool floats, int size, int ci, int co, int kernel, int stride, dtype integers = dtype::ufixed_8) {
  maker m{.floats = floats, .integers = integers};
  typename Op::params p;
  const auto pad = static_cast<std::uint32_t>((kernel - 1) / 2);
  p.stride = {static_cast<std::uint32_t>(stride), static_cast<std::uint32_t>(stride)};
  p.pad_amount = {pad, pad, pad, pad};
  if constexpr (requires { p.output_padding; }) p.output_padding = {static_cast<std::uint32_t>(kernel % 2 ? stride - 1 : 0), static_cast<std::uint32_t>(kernel % 2 ? stride - 1 : 0)};
  constexpr bool depthwise = std::is_same_v<Op, op::depthwise_conv2d>;
  const int x = m.input("x", {1, size, size, ci});
  m.n.add_node<Op>("node", {x, m.weights({kernel, kernel, depthwise ? 1 : ci, co}), m.bias(co)}, {}, p);
  all.push_back({Op::name, std::to_string(kernel) + "x" + std::to_string(kernel) + " s" + std::to_string(stride) + " " + std::to_string(size) + "x" +
                               std::to_string(size) + " " + std::to_string(ci) + "->" + std::to_string(co) + type_suffix(floats, integers),
                 m.finish(m.data(), 1.0f),
                 {integers != dtype::ufixed_8 || std::is_same_v<Op, op::transpose_conv2d> ? peer_none : depthwise ? peer_depthwise : peer_conv, floats, size, size, ci, co, kernel, stride}});
}
template <class Op>
constexpr peer_kind elementwise_peer() {
  if (std::is_same_v<Op, op::elementwise_add>) return peer_add;
  if (std::is_same_v<Op, op::elementwise_multiply>) return peer_multiply;
  if (std::is_same_v<Op, op::sigmoid>) return peer_sigmoid;
  if (std::is_same_v<Op, op::tanh>) return peer_tanh;
  if (std::is_same_v<Op, op::softmax>) return peer_softmax;
  return peer_none;
}
template <class Op>
void add_elementwise(std::vector<bench_case>& all, bool floats, int inputs, const shape& dims, dtype integers = dtype::ufixed_8) {
  maker m{.floats = floats, .integers = integers};
  std::vector<int> in{m.input("x", dims)};
  typename Op::params p;
  if constexpr (std::is_same_v<Op, op::lookup>) {
    if (floats) return;
    in.push_back(m.n.add_constant<std::byte>("table", m.data(), {256}, random_bytes(m.data(), 256, 9), m.enc()));
  } else if constexpr (std::is_same_v<Op, op::elementwise_power>) {
    if (!floats) return;
    in.push_back(m.n.add_constant<float>("exponent", dtype::float_32, {1}, {2.0f}));
  } else if (inputs == 2) {
    in.push_back(m.input("z", dims));
  }
  if constexpr (requires { p.perm; }) p.perm = {0, 3, 1, 2};
  if constexpr (requires { p.axes; }) p.axes = {3};
  if constexpr (requires { p.num_groups; }) p.num_groups = 2;
  if constexpr (requires { p.filter_size; }) p.filter_size = {3, 3}, p.stride = {2, 2};
  if constexpr (requires { p.max_value; }) p.min_value = 0.0f, p.max_value = 6.0f;
  m.n.add_node<Op>("node", in, {}, p);
  if constexpr (requires { p.perm; } || requires { p.num_groups; }) {  // data keeps its encoding
    bench_case b{Op::name, (requires { p.perm; } ? "56x56x64 to NCHW" : "56x56x64") + type_suffix(floats, integers), m.finish(m.data(), 0.05f)};
    all.push_back(std::move(b));
    return;
  }
  const auto rows = static_cast<int>(dims.size() / dims[dims.rank() - 1]);
  std::string label;
  for (int d = 1; d < dims.rank(); ++d) label += (d > 1 ? "x" : "") + std::to_string(dims[d]);
  all.push_back({Op::name, label + type_suffix(floats, integers), m.finish(m.data(), 0.05f),
                 {floats || integers == dtype::ufixed_8 ? elementwise_peer<Op>() : peer_none, floats, rows, 1, dims[dims.rank() - 1], 0, 0, 0}});
}
template <class Op>
void add_conversion(std::vector<bench_case>& all, bool from_float, dtype to, dtype integers = dtype::ufixed_8) {
  maker m{.floats = from_float, .integers = integers};
  m.n.add_node<Op>("node", {m.input("x", {1, 224, 224, 3})}, {}, {});
  all.push_back({Op::name, std::string("224x224x3") + type_suffix(from_float, integers) + " to " + std::string(to_string(to)), m.finish(to, 0.03f)});
}

/// 28x28x64 to twice the size.
template <class Op>
void add_resize(std::vector<bench_case>& all, bool floats, dtype integers = dtype::ufixed_8) {
  maker m{.floats = floats, .integers = integers};
  typename Op::params p;
  if constexpr (std::is_same_v<Op, op::resize>) p.interpolation_mode = op::resize_interpolation::cubic, p.output_size = {1, 56, 56, 64};
  else p.output_size = {56, 56}, p.half_pixel_centers = true;
  m.n.add_node<Op>("node", {m.input("x", {1, 28, 28, 64})}, {}, p);
  const std::string kind = std::is_same_v<Op, op::resize> ? "cubic " : "";
  all.push_back({Op::name, kind + "28x28x64 to 56x56" + type_suffix(floats, integers), m.finish(m.data(), 0.05f)});
}

/// Two images side by side, the second one in another encoding than the result.
template <class Op>
void add_concat(std::vector<bench_case>& all) {
  maker m{false};
  const int x = m.input("x", {1, 56, 56, 64}), z = m.input("z", {1, 56, 56, 64});
  m.n.tensors[static_cast<std::size_t>(z)].enc.scales[0] *= 0.7f;
  m.n.add_node<Op>("node", {x, z}, {}, {});
  all.push_back({Op::name, "2 of 56x56x64 u8", m.finish(m.data(), 0.05f)});
}

/// The cases of an op that kernels.inc names with these types.
template <class Op>
void add_cases(std::vector<bench_case>& all, std::string_view types) {
  const bool sixteen_bits = types.find("s16") != std::string_view::npos;
  const bool short_floats = types.find("f16") != std::string_view::npos || types.find("16-") != std::string_view::npos;
  for (const bool floats : {true, false}) {
    if constexpr (std::is_same_v<Op, op::conv2d>) {
      for (const auto& [size, ci, co, kernel, stride] : {std::array{56, 64, 64, 3, 1}, {28, 128, 128, 3, 1}, {14, 256, 256, 3, 1}, {7, 512, 512, 3, 1},
                                                         {112, 32, 16, 1, 1}, {56, 24, 144, 1, 1}, {14, 96, 576, 1, 1}, {7, 320, 1280, 1, 1}, {224, 3, 32, 3, 2}})
        add_window<Op>(all, floats, size, ci, co, kernel, stride);
      if (!floats)
        for (const auto& [size, ci, co, kernel] : {std::array{56, 64, 64, 3}, {7, 512, 512, 3}, {56, 24, 144, 1}, {14, 96, 576, 1}})
          add_window<Op>(all, false, size, ci, co, kernel, 1, dtype::sfixed_16);
      if (!floats && short_floats)
        for (const auto& [size, ci, co, kernel, stride] : {std::array{56, 64, 64, 3, 1}, {14, 256, 256, 3, 1}, {112, 32, 16, 1, 1}, {14, 96, 576, 1, 1}, {7, 320, 1280, 1, 1}, {224, 3, 32, 3, 2}})
          add_window<Op>(all, false, size, ci, co, kernel, stride, dtype::float_16);
    } else if constexpr (std::is_same_v<Op, op::depthwise_conv2d>) {
      for (const auto& [size, c, stride] : {std::array{112, 32, 1}, {56, 144, 2}, {14, 576, 1}}) add_window<Op>(all, floats, size, c, c, 3, stride);
      if (!floats)
        for (const auto& [size, c, stride] : {std::array{112, 32, 1}, {14, 576, 1}}) add_window<Op>(all, false, size, c, c, 3, stride, dtype::sfixed_16);
      if (!floats && short_floats)
        for (const auto& [size, c, stride] : {std::array{112, 32, 1}, {56, 144, 2}, {14, 576, 1}}) add_window<Op>(all, false, size, c, c, 3, stride, dtype::float_16);
    } else if constexpr (std::is_same_v<Op, op::transpose_conv2d>) {
      for (const auto& [size, ci, co, kernel] : {std::array{28, 128, 64, 2}, {28, 64, 64, 3}, {16, 256, 128, 4}}) {
        add_window<Op>(all, floats, size, ci, co, kernel, 2);
        if (!floats && short_floats) add_window<Op>(all, false, size, ci, co, kernel, 2, dtype::float_16);
      }
    } else if constexpr (std::is_same_v<Op, op::fully_connected>) {
      for (const auto& [rows, depth, columns, bits] : {std::array{1, 1280, 1000, 8}, {1, 640, 128, 8}, {128, 256, 1024, 8}, {512, 512, 512, 8}, {1, 4096, 4096, 8}, {1, 4096, 4096, 4}, {1, 640, 128, 16}, {128, 256, 1024, 16}}) {
        const bool wide = bits == 16;
        if (floats && (bits == 4 || wide)) continue;
        maker m{floats, bits == 4 ? dtype::sfixed_4 : dtype::sfixed_8, wide ? dtype::sfixed_16 : dtype::ufixed_8};
        m.n.add_node<Op>("node", {m.input("x", {rows, depth}), m.weights({columns, depth}), m.bias(columns)}, {}, {});
        all.push_back({Op::name, std::to_string(rows) + "x" + std::to_string(depth) + "x" + std::to_string(columns) + (floats ? " f32" : bits == 4 ? " u8 x s4" : wide ? " s16" : " u8"),
                       m.finish(m.data(), 1.0f), {bits == 4 || wide ? peer_none : peer_product, floats, rows, 1, depth, columns, 0, 0}});
      }
      if (!floats && short_floats)
        for (const auto& [rows, depth, columns] : {std::array{1, 640, 128}, {1, 1280, 1000}, {1, 4096, 4096}, {128, 256, 1024}, {512, 512, 512}}) {
          maker m{.floats = false, .integers = dtype::float_16};
          m.n.add_node<Op>("node", {m.input("x", {rows, depth}), m.weights({columns, depth}), m.bias(columns)}, {}, {});
          all.push_back({Op::name, std::to_string(rows) + "x" + std::to_string(depth) + "x" + std::to_string(columns) + " f16", m.finish(m.data(), 1.0f)});
        }
    } else if constexpr (std::is_same_v<Op, op::matmul>) {
      if (!floats && short_floats) {
        maker m{.floats = false, .integers = dtype::float_16};
        m.n.add_node<Op>("node", {m.input("x", {512, 512}), m.weights({512, 512})}, {}, {});
        all.push_back({Op::name, "512x512x512 f16", m.finish(m.data(), 1.0f)});
        maker d{.floats = false, .integers = dtype::float_16};
        const int x = d.input("x", {4, 128, 64}), z = d.input("z", {4, 64, 128});
        d.n.add_node<Op>("node", {x, z}, {}, {});
        all.push_back({Op::name, "4 of 128x64x128, computed f16", d.finish(d.data(), 1.0f)});
      }
      maker m{floats};
      m.n.add_node<Op>("node", {m.input("x", {512, 512}), m.weights({512, 512})}, {}, {});
      all.push_back({Op::name, std::string("512x512x512") + (floats ? " f32" : " u8"), m.finish(m.data(), 1.0f), {peer_product, floats, 512, 1, 512, 512, 0, 0}});
      maker d{floats};  // both sides computed, as in attention
      const int x = d.input("x", {4, 128, 64});
      const int z = d.input("z", {4, 64, 128});
      d.n.add_node<Op>("node", {x, z}, {}, {});
      all.push_back({Op::name, std::string("4 of 128x64x128, computed") + (floats ? " f32" : " u8"), d.finish(d.data(), 1.0f)});
    } else if constexpr (std::is_same_v<Op, op::quantize>) {
      if (floats)
        for (const dtype to : {dtype::ufixed_8, dtype::sfixed_16}) add_conversion<Op>(all, true, to);
      if (!floats && short_floats) add_conversion<Op>(all, false, dtype::ufixed_8, dtype::float_16);
    } else if constexpr (std::is_same_v<Op, op::dequantize>) {
      if (!floats) add_conversion<Op>(all, false, dtype::float_32);
      if (!floats && short_floats) add_conversion<Op>(all, false, dtype::float_16);
    } else if constexpr (std::is_same_v<Op, op::convert>) {
      if (!floats)
        for (const dtype to : {dtype::sfixed_8, dtype::sfixed_16}) add_conversion<Op>(all, false, to);
      if (!floats && short_floats) add_conversion<Op>(all, false, dtype::float_32, dtype::float_16);
    } else if constexpr (std::is_same_v<Op, op::cast>) {
      if (!floats) add_conversion<Op>(all, false, dtype::float_32, dtype::float_16);
    } else if constexpr (std::is_same_v<Op, op::resize> || std::is_same_v<Op, op::resize_bilinear> || std::is_same_v<Op, op::resize_nearest_neighbor>) {
      add_resize<Op>(all, floats);
      if (!floats && short_floats) add_resize<Op>(all, false, dtype::float_16);
    } else if constexpr (std::is_same_v<Op, op::concat>) {
      if (!floats) add_concat<Op>(all);
    } else if constexpr (std::is_same_v<Op, op::softmax>) {
      add_elementwise<Op>(all, floats, 1, {1, 512, 128});
      if (!floats && sixteen_bits) add_elementwise<Op>(all, false, 1, {1, 512, 128}, dtype::sfixed_16);
      if (!floats && short_floats) add_elementwise<Op>(all, false, 1, {1, 512, 128}, dtype::float_16);
      add_elementwise<Op>(all, floats, 1, {1, 1, 1000});
    } else if constexpr (std::is_same_v<Op, op::layer_norm> || std::is_same_v<Op, op::rms_norm>) {
      add_elementwise<Op>(all, floats, 1, {1, 128, 256});
      if (!floats && short_floats) add_elementwise<Op>(all, false, 1, {1, 128, 256}, dtype::float_16);
    } else {
      add_elementwise<Op>(all, floats, Op::inputs.size() == 2 ? 2 : 1, {1, 56, 56, 64});
      if (!floats && sixteen_bits) add_elementwise<Op>(all, false, Op::inputs.size() == 2 ? 2 : 1, {1, 56, 56, 64}, dtype::sfixed_16);
      if (!floats && short_floats && !std::is_same_v<Op, op::elementwise_power>)
        add_elementwise<Op>(all, false, Op::inputs.size() == 2 ? 2 : 1, {1, 56, 56, 64}, dtype::float_16);
    }
  }
}

/// A library that has some of the layers.
struct peer {
  std::string name;
  const char* (*version)() = nullptr;
  void* (*open)(const peer_layer*) = nullptr;
  void (*run)(void*) = nullptr;
  void (*close)(void*) = nullptr;
};
peer load_peer(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/libpeer_" + name + ".so";
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw error(path + ": " + dlerror() + "; bench/setup_peers.sh builds it");
  peer p{name};
  p.version = reinterpret_cast<const char* (*)()>(dlsym(library, "peer_version"));
  p.open = reinterpret_cast<void* (*)(const peer_layer*)>(dlsym(library, "peer_open"));
  p.run = reinterpret_cast<void (*)(void*)>(dlsym(library, "peer_run"));
  p.close = reinterpret_cast<void (*)(void*)>(dlsym(library, "peer_close"));
  if (!p.version || !p.open || !p.run || !p.close) throw error(path + ": no peer of this bench");
  return p;
}
double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v[v.size() / 2];
}

struct line {
  std::string_view op, isa, types;
  void (*cases)(std::vector<bench_case>&, std::string_view types);
};
constexpr line lines[] = {
#define QNNX_KERNEL(TYPE, ISA, HEADER, TYPES) {op::TYPE::name, #ISA, TYPES, &add_cases<op::TYPE>},
#include "qnnx/kernel/kernels.inc"
#undef QNNX_KERNEL
};

}  // namespace

int main(int argc, char** argv) try {
  std::string isa = processor_has("avx512vnni") ? "avx512vnni" : "avx2";
  std::string filter, json, markdown, folder;
  std::vector<std::string> names;
  int rounds = 5;
  int core = -1;
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
    else if (a == "--peers") folder = value();
    else if (a == "--rounds") rounds = std::max(std::atoi(value().c_str()), 1);
    else if (a == "--core") core = std::atoi(value().c_str());
    else if (a == "--peer")
      do names.push_back(value());
      while (i + 1 < argc && argv[i + 1][0] != '-');
    else {
      std::fprintf(stderr, "kernel_bench: unknown option %s\n", a.c_str());
      return 2;
    }
  }
  if (folder.empty() != names.empty()) {
    std::fprintf(stderr, "kernel_bench: --peer NAME... and --peers FOLDER (made by bench/setup_peers.sh) go together\n");
    return 2;
  }
  if (core >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) throw error("--core " + std::to_string(core) + ": this machine has no such core");
  }
  setenv("OMP_NUM_THREADS", "1", 0);
  std::vector<peer> peers;
  for (const std::string& name : names) peers.push_back(load_peer(folder, name));
  if (!peers.empty()) with_reference = false;
  double peak_bytes = 0;
  double peak_floats = 0;
#if defined(__x86_64__)
  if (isa == "avx512vnni" && processor_has(isa)) peak_bytes = byte_peak(), peak_floats = float_peak_512();
  if (isa == "avx2" && processor_has(isa)) peak_bytes = word_peak_256(), peak_floats = float_peak_256();
#endif
  char text[512];
  std::snprintf(text, sizeof text, "isa %s, measured peaks: 8-bit %.0f, float %.0f op/ns", isa.c_str(), peak_bytes, peak_floats);
  std::string head = text;
  std::string columns = with_reference ? " x reference |" : "";
  std::string under = with_reference ? "---|" : "";
  for (const peer& p : peers) {
    head += std::string(", ") + p.version();
    columns += " " + p.name + ", us | ratio |";
    under += "---|---|";
  }
  std::printf("%s\n", head.c_str());
  std::string rows_json, rows_markdown = head + "\n\n| op | case | us | op/ns | % of peak | GB/s |" + columns + "\n|---|---|---|---|---|---|" + under + "\n";
  for (const line& l : lines) {
    if (l.isa != isa) continue;
    std::vector<bench_case> all;
    l.cases(all, l.types);
    for (bench_case& b : all) {
      if (!filter.empty() && (std::string(b.op) + " " + b.label).find(filter) == std::string::npos) continue;
      const auto frozen = std::shared_ptr<const frozen_net>(b.n.freeze());
      const auto fill = [&](interpreter& run) {
        for (int i = 0; i < frozen->g.tensor_count; ++i) {
          const tensor_desc& t = frozen->g.tensors[i];
          if (t.kind != tensor_kind::app_write) continue;
          const std::vector<std::byte> in = random_bytes(t.type, byte_size(t), 5);
          std::copy(in.begin(), in.end(), run.bytes(i).begin());
        }
      };
      interpreter ours(frozen, {.backend = isa});
      if (ours.kernel_isa(0) != isa) continue;  // this operand type runs a parent set's kernel
      fill(ours);
      std::vector<std::pair<const peer*, void*>> layers;
      if (b.layer.kind != peer_none)
        for (const peer& p : peers)
          if (void* opened = p.open(&b.layer)) layers.emplace_back(&p, opened);
      if (!peers.empty() && layers.empty() && filter.empty()) continue;
      std::vector<double> times;
      std::vector<std::vector<double>> theirs(layers.size()), ratios(layers.size());
      for (int round = 0; round < (layers.empty() ? 1 : rounds); ++round) {
        times.push_back(measure([&] { ours.run(); }, milliseconds));
        for (std::size_t k = 0; k < layers.size(); ++k) {
          theirs[k].push_back(measure([&] { layers[k].first->run(layers[k].second); }, milliseconds));
          ratios[k].push_back(theirs[k].back() / times.back());
        }
      }
      const double ns = median(times);
      const bound_context c(frozen->g, frozen->g.nodes[0]);
      const auto macs = static_cast<double>(frozen->g.nodes[0].op->price(c.get(), frozen->g.nodes[0].params).macs);
      double bytes = 0;
      for (int i = 0; i < frozen->g.tensor_count; ++i) bytes += static_cast<double>(byte_size(frozen->g.tensors[i]));
      const double peak = frozen->g.tensors[frozen->g.nodes[0].inputs[0]].type == dtype::float_32 ? peak_floats : peak_bytes;
      const double percent = peak > 0 ? 200 * macs / ns / peak : 0;
      std::string more, more_json, more_markdown;
      if (with_reference) {
        interpreter reference(frozen, {.backend = "reference"});
        fill(reference);
        const double faster = measure([&] { reference.run(); }, milliseconds / 2) / ns;
        std::snprintf(text, sizeof text, " %7.1fx", faster);
        more = text;
        std::snprintf(text, sizeof text, ", \"times_reference\": %.2f", faster);
        more_json = text;
        std::snprintf(text, sizeof text, " %.1f |", faster);
        more_markdown = text;
      }
      for (const peer& p : peers) {
        const auto at = std::find_if(layers.begin(), layers.end(), [&](const auto& l) { return l.first == &p; });
        if (at == layers.end()) {
          more_markdown += " | |";
          continue;
        }
        const auto k = static_cast<std::size_t>(at - layers.begin());
        std::snprintf(text, sizeof text, "  %s %.2f us, ratio %.2f", p.name.c_str(), median(theirs[k]) / 1e3, median(ratios[k]));
        more += text;
        std::snprintf(text, sizeof text, ", \"%s_ns\": %.1f, \"%s_ratio\": %.3f", p.name.c_str(), median(theirs[k]), p.name.c_str(), median(ratios[k]));
        more_json += text;
        std::snprintf(text, sizeof text, " %.2f | %.2f |", median(theirs[k]) / 1e3, median(ratios[k]));
        more_markdown += text;
        p.close(at->second);
      }
      std::printf("%-24s %-34s %10.2f us %8.1f op/ns %5.1f %% %7.1f GB/s%s\n", std::string(b.op).c_str(), b.label.c_str(), ns / 1e3, 2 * macs / ns, percent,
                  bytes / ns, more.c_str());
      std::fflush(stdout);
      std::snprintf(text, sizeof text, "%s  {\"op\": \"%s\", \"case\": \"%s\", \"ns\": %.1f, \"ops_per_ns\": %.2f, \"percent_of_peak\": %.1f, \"bytes_per_ns\": %.2f",
                    rows_json.empty() ? "" : ",\n", std::string(b.op).c_str(), b.label.c_str(), ns, 2 * macs / ns, percent, bytes / ns);
      rows_json += text + more_json + "}";
      std::snprintf(text, sizeof text, "| %s | %s | %.2f | %.1f | %.0f | %.1f |", std::string(b.op).c_str(), b.label.c_str(), ns / 1e3, 2 * macs / ns, percent, bytes / ns);
      rows_markdown += text + more_markdown + "\n";
    }
  }
  if (!json.empty()) std::ofstream(json) << "{\"isa\": \"" << isa << "\", \"peak_8bit_ops_per_ns\": " << peak_bytes << ", \"peak_float_ops_per_ns\": " << peak_floats << ", \"rows\": [\n" << rows_json << "\n]}\n";
  if (!markdown.empty()) std::ofstream(markdown) << rows_markdown;
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "kernel_bench: %s\n", e.what());
  return 1;
}
