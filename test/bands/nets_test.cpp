// SPDX-License-Identifier: Apache-2.0
// Nets run in bands of rows give the bytes that they give whole: random chains and residual blocks by a seed that is known
// to the compiler, bands of several heights, three rounding policies, 8 and 16 bits, run
// at once and step by step. This file is compiled for the portable kernels and, with their instructions written out, for
// those of firmware (bands.cmake); all give the same bytes.
#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <vector>

#include "qnnx/model/export.hpp"
#include "qnnx/model/layers.hpp"
#include "qnnx/model/model.hpp"

/// The bytes of each net by the kernels that ran first: shared by what this file is compiled for.
inline std::vector<std::byte>& bytes_of_net(unsigned seed) {
  static std::vector<std::byte> known[64];
  return known[seed];
}

namespace {
using namespace qnnx;

struct dice {
  std::uint32_t state;
  constexpr std::uint32_t roll(std::uint32_t sides) {
    state = state * 1664525u + 1013904223u;
    return (state >> 16) % sides;
  }
};
constexpr std::string_view names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};

/// Layers of 16 channels, so that each row is whole lines of 16 bytes.
template <unsigned Seed>
struct net {
  static consteval auto define() {
    dice d{Seed * 7919u + 13u};
    layers b;
    b.rounding = std::array{rounding_mode::rne, rounding_mode::tflite, rounding_mode::half_up}[Seed % 3];
    const auto type = [&](float scale, int zero) {
      return Seed % 4 == 3   ? quantized<sfixed<16>>(scale / 256, 0)
             : Seed % 4 == 1 ? quantized<ufixed<8>>(scale, zero - 128)
                             : quantized<sfixed<8>>(scale, zero);
    };
    const auto height = static_cast<std::int32_t>(9 + d.roll(14)), width = static_cast<std::int32_t>(5 + d.roll(6));
    tensor_id x = b.input("x", {1, height, width, 3}, type(0.02f, 3));
    x = b.conv2d("first", x, {.kernel = {3, 3}, .stride = {1 + d.roll(2), 1}, .channels = 16, .pad = same, .act = activation::relu, .weight_scale = 0.01f}, type(0.05f, -20));
    for (int k = 0; k < 5; ++k) {
      const std::string_view name = names[2 * k], second = names[2 * k + 1];
      const padding pad = d.roll(3) == 0 ? padding{{d.roll(2), d.roll(2), 1, 1}} : same;
      const auto out = type(0.03f + 0.01f * static_cast<float>(k), 5 - 7 * k);
      switch (d.roll(7)) {
        case 0: x = b.conv2d(name, x, {.kernel = {3, 3}, .channels = 16, .pad = pad, .weight_scale = 0.01f}, out); break;
        case 1: x = b.conv2d(name, x, {.channels = 16, .act = activation::relu, .weight_scale = 0.02f}, out); break;
        case 2: x = b.depthwise_conv2d(name, x, {.kernel = {3, 3}, .stride = {1 + d.roll(2), 1}, .pad = pad, .weight_scale = 0.03f}, out); break;
        case 3: x = b.max_pool(name, x, {.window = {2, 2}, .stride = {1, 1}, .pad = {{d.roll(2), 1, 0, 1}}}); break;
        case 4: x = b.avg_pool(name, x, {.window = {3, 3}, .stride = {1, 1}, .pad = same}); break;
        case 5: x = b.conv2d(name, x, {.kernel = {5, 1}, .stride = {2, 1}, .channels = 16, .pad = same, .weight_scale = 0.01f}, out); break;
        default: x = b.add(second, x, b.conv2d(name, x, {.kernel = {3, 3}, .channels = 16, .pad = same, .weight_scale = 0.02f}, out), out);
      }
    }
    b.output(x);
    return b;
  }
};
/// From node First to the last one.
template <unsigned Seed, int First, int Rows>
struct in_bands : net<Seed> {};

struct result {
  std::vector<std::byte> bytes, by_steps;
  std::int64_t arena = 0;
};
template <class Tag>
result run(unsigned seed) {
  using traits = model_traits<Tag>;
  std::mt19937 random(seed);
  const auto room = [](std::int64_t n) { return std::vector<std::byte>(static_cast<std::size_t>(n) + 192); };
  const auto aligned = [](std::vector<std::byte>& v) { return v.data() + (64 - reinterpret_cast<std::uintptr_t>(v.data()) % 64) % 64; };
  auto weights = room(traits::weight_bytes), packed = room(traits::packed_bytes), arena = room(traits::arena_bytes);
  std::byte *const w = aligned(weights), *const p = aligned(packed), *const a = aligned(arena);
  for (std::int64_t k = 0; k < traits::weight_bytes; ++k) w[k] = static_cast<std::byte>(random());
  for (int t = 0; t < traits::lowered::g.tensor_count; ++t) {  // biases of a size that sums have
    const tensor_desc& d = traits::lowered::g.tensors[t];
    if (d.kind != tensor_kind::constant || d.type != dtype::sfixed_32) continue;
    for (std::int64_t k = 0; k < d.dims.size(); ++k) {
      const std::int32_t bias = static_cast<std::int32_t>(random() % 4001) - 2000;
      std::memcpy(w + traits::lowered::data.offset[static_cast<std::size_t>(t)] + 4 * k, &bias, 4);
    }
  }
  exported<Tag>::pack(a, w, p);
  const auto& io = traits::lowered::io;
  const auto offset = [](std::int32_t t) { return traits::lowered::plan.offset[static_cast<std::size_t>(t)]; };
  const auto bytes = [](std::int32_t t) { return byte_size(traits::lowered::g.tensors[t]); };
  std::vector<std::byte> input(static_cast<std::size_t>(bytes(io.inputs[0])));
  for (std::byte& v : input) v = static_cast<std::byte>(random());
  result r;
  r.arena = traits::arena_bytes;
  for (std::vector<std::byte>* to : {&r.bytes, &r.by_steps}) {
    for (std::int64_t k = 0; k < traits::arena_bytes + 64; ++k) a[k] = static_cast<std::byte>(0xa5 + k % 3);
    std::memcpy(a + offset(io.inputs[0]), input.data(), input.size());
    if (to == &r.bytes) model_view<Tag>(w, a, p).run();
    else
      for (int k = 0; k < traits::step_count; ++k) exported<Tag>::run_step(a, w, p, k);
    for (std::int64_t k = traits::arena_bytes; k < traits::arena_bytes + 64; ++k) REQUIRE(a[k] == static_cast<std::byte>(0xa5 + k % 3));
    const std::byte* from = a + offset(io.outputs[0]);
    to->assign(from, from + bytes(io.outputs[0]));
  }
  return r;
}

template <unsigned Seed, int First, int Rows>
void check(const result& whole) {
  const result r = run<in_bands<Seed, First, Rows>>(Seed);
  CAPTURE(Seed);
  CAPTURE(First);
  CAPTURE(Rows);
  CHECK(r.bytes == whole.bytes);
  CHECK(r.by_steps == whole.bytes);
}
template <unsigned... Seed>
void check_all(std::integer_sequence<unsigned, Seed...>) {
  const auto one = []<unsigned S>(std::integral_constant<unsigned, S>) {
    const result whole = run<net<S>>(S);
    CHECK(whole.bytes == whole.by_steps);
    std::vector<std::byte>& known = bytes_of_net(S);
    if (known.empty()) known = whole.bytes;
    CAPTURE(S);
    CHECK(known == whole.bytes);
    check<S, 0, 1>(whole);
    check<S, static_cast<int>(S % 2), 2 + static_cast<int>(S % 4)>(whole);
  };
  (one(std::integral_constant<unsigned, Seed>{}), ...);
}

}  // namespace

template <unsigned Seed, int First, int Rows>
struct qnnx::target_bands<in_bands<Seed, First, Rows>> {
  static constexpr qnnx::graph_view g = qnnx::detail::graph_source<net<Seed>>::get();
  static constexpr qnnx::band_chain chains[] = {{First, g.node_count - 1, Rows}};
  static constexpr int count = 1;
};

#define QNNX_TEXT2(A) #A
#define QNNX_TEXT(A) QNNX_TEXT2(A)
TEST_CASE("bands of rows give the bytes of the whole: " QNNX_TEXT(QNNX_ISA_BEST)) {
  check_all(std::make_integer_sequence<unsigned, 8>{});
}
