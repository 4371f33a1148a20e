// SPDX-License-Identifier: Apache-2.0
// The kernels for Cortex-M, Hexagon and processors without vectors give the reference's bits: random shapes, encodings,
// paddings, activations, weights at the ends of their range, dead channels and rounding policies, through the
// interpreter, with portable definitions of the instructions (test/firmware runs the instructions themselves;
// test/kernels_neon compiles this file for aarch64).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "qnnx/kernel/softmax/quotient.hpp"
#include "qnnx/op/ops.hpp"
#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;
using kernel::softmax_quotient;

#define UNIT(FAMILY)                                                        \
  extern "C" const void* qnnx_kernels_##FAMILY##_armv7em_dsp(std::size_t*); \
  extern "C" const void* qnnx_kernels_##FAMILY##_mve(std::size_t*);
UNIT(convolution)
UNIT(elementwise)
UNIT(pooling)
UNIT(softmax)
UNIT(activation)
UNIT(reduction)
UNIT(function)
#undef UNIT

// Sets of test/kernels_neon/unit.cpp. A build for another machine names its own: -DQNNX_TEST_SETS='SET(neon)'.
#ifdef QNNX_TEST_SETS
#define QNNX_ONE_UNIT_SETS QNNX_TEST_SETS
#else
#define QNNX_ONE_UNIT_SETS SET(armv7m) SET(rv64) SET(hvx)
#endif
#define SET(NAME) extern "C" const void* qnnx_test_kernels_##NAME(std::size_t*);
QNNX_ONE_UNIT_SETS
#undef SET

namespace {

using unit_function = const void* (*)(std::size_t*);
/// The entries of units, compiled under another namespace name.
std::vector<kernel_entry> entries_of(std::initializer_list<unit_function> units) {
  std::vector<kernel_entry> v;
  for (const unit_function unit : units) {
    std::size_t count = 0;
    const auto* bytes = static_cast<const unsigned char*>(unit(&count));
    for (std::size_t i = 0; i < count; ++i) {
      kernel_entry e;
      std::memcpy(static_cast<void*>(&e), bytes + i * sizeof e, sizeof e);
      v.push_back(e);
    }
  }
  return v;
}
struct instruction_set {
  const char* name;
  std::vector<kernel_entry> kernels;
  bool every_op = false;  // has kernels of every op below
};
const std::vector<instruction_set>& instruction_sets() {
  static const std::vector<instruction_set> all{
#ifndef QNNX_TEST_SETS
      {"armv7em_dsp", entries_of({qnnx_kernels_convolution_armv7em_dsp, qnnx_kernels_elementwise_armv7em_dsp,
                                  qnnx_kernels_pooling_armv7em_dsp, qnnx_kernels_softmax_armv7em_dsp,
                                  qnnx_kernels_activation_armv7em_dsp, qnnx_kernels_reduction_armv7em_dsp,
                                  qnnx_kernels_function_armv7em_dsp}), true},
      {"mve", entries_of({qnnx_kernels_convolution_mve, qnnx_kernels_elementwise_mve, qnnx_kernels_pooling_mve,
                          qnnx_kernels_softmax_mve, qnnx_kernels_activation_mve, qnnx_kernels_reduction_mve,
                          qnnx_kernels_function_mve}), true},
#endif
#define SET(NAME) {#NAME, entries_of({qnnx_test_kernels_##NAME}), \
                    std::string_view(#NAME) != "neon_dot" && std::string_view(#NAME) != "i8mm"},
      QNNX_ONE_UNIT_SETS
#undef SET
  };
  return all;
}

/// Types of data and weights: 8 bits both; 16-bit data, 4-bit weights, or both.
enum class widths { bytes, mixed };

struct dice {
  std::mt19937 g;
  widths kind;
  bool tidy;  // scales are powers of two, so that products make ties
  dice(unsigned seed, widths k, bool ties = false) : g(seed), kind(k), tidy(ties) {}
  float scale(float s) const { return tidy ? std::exp2(std::round(std::log2(s))) : s; }
  int roll(int lo, int hi) {  // the range may be half of all ints
    const unsigned count = static_cast<unsigned>(hi) - static_cast<unsigned>(lo) + 1u;
    return static_cast<int>(static_cast<unsigned>(lo) + static_cast<unsigned>(g()) % count);
  }
  bool maybe(int one_in) { return roll(1, one_in) == 1; }
  /// Mostly few; now and then what fills one or several vectors of Hexagon's, or half of one.
  int channels(int most) {
    static constexpr int wide[] = {8, 16, 24, 32, 33, 48, 64, 96, 128, 130, 160};
    return maybe(3) ? wide[roll(0, 10)] : roll(1, most);
  }
};

struct encoded {
  dtype type;
  int low;  // of the stored values
  dtype weights = dtype::sfixed_8;
  int span() const { return bits_of(type) == 16 ? 65535 : 255; }
  float unit() const { return bits_of(type) == 16 ? 1.0f / 256 : 1.0f; }  // scales of 16-bit data are smaller
};
encoded roll_type(dice& d) {
  const bool is_signed = d.maybe(2), wide = d.kind == widths::mixed && !d.maybe(3);
  const bool nibbles = d.kind == widths::mixed && (!wide || d.maybe(3));
  const dtype weights = nibbles ? dtype::sfixed_4 : dtype::sfixed_8;
  if (wide) return is_signed ? encoded{dtype::sfixed_16, -32768, weights} : encoded{dtype::ufixed_16, 0, weights};
  return is_signed ? encoded{dtype::sfixed_8, -128, weights} : encoded{dtype::ufixed_8, 0, weights};
}
int roll_offset(dice& d, encoded e) {
  return d.maybe(4) ? 0 - e.low - (e.low ? e.span() / 2 + 1 : 0) : -d.roll(e.low, e.low + e.span());
}
void roll_rounding(dice& d, net& n) {
  const int kind = d.roll(0, 4);
  n.rounding = kind <= 2 ? rounding_mode::tflite : kind == 3 ? rounding_mode::rne : rounding_mode::half_up;
}
void roll_activation(dice& d, net_node& node) {
  const int kind = d.roll(0, 3);
  if (kind == 0) node.epi.act = activation::relu;
  if (kind == 1) {
    node.epi.act = activation::clamp;
    node.epi.lo = -0.5f;
    node.epi.hi = 6.0f;
  }
}

/// Weights with some at the ends of the range; now and then a channel of zeros.
std::vector<std::int8_t> roll_weights(dice& d, std::int64_t n, int channels, bool channel_last) {
  const int dead = d.maybe(4) ? d.roll(0, channels - 1) : -1;
  std::vector<std::int8_t> w(static_cast<std::size_t>(n));
  const bool extreme = d.maybe(6);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t channel = channel_last ? i % channels : i / (n / channels);
    int v = extreme ? (d.maybe(2) ? -128 : 127) : d.roll(-128, 127);
    if (channel == dead) v = 0;
    w[static_cast<std::size_t>(i)] = static_cast<std::int8_t>(v);
  }
  return w;
}

void finish_net(dice& d, net& n, encoded e, net_node& node, float scale) {
  net_tensor out{.name = "y",
                 .kind = tensor_kind::app_read,
                 .type = e.type,
                 .enc = net_encoding::tensor(d.scale(scale), roll_offset(d, e))};
  roll_activation(d, node);
  out.dims = n.infer(node)[0];
  const int y = n.add_tensor(out);
  n.nodes.back().outputs = {y};
}

/// Bytes of 4-bit weights, those of a channel on bytes of their own where it has a scale of its own.
std::vector<std::int8_t> roll_nibbles(dice& d, std::int64_t n, int channels, bool per_axis) {
  std::vector<std::int8_t> w(static_cast<std::size_t>(per_axis ? (n / channels + 1) / 2 * channels : (n + 1) / 2));
  const bool extreme = d.maybe(6);
  for (std::int8_t& v : w) v = static_cast<std::int8_t>(extreme ? (d.maybe(2) ? 0x88 : 0x77) : d.roll(0, 255));
  return w;
}

/// Scales per channel, or one; biases that fit, are huge, or are left out.
std::vector<int> roll_operands(dice& d, net& n, encoded e, const shape& ws, std::int64_t depth, bool channel_last) {
  const int channels = channel_last ? ws[ws.rank() - 1] : ws[0];
  std::vector<float> scales(static_cast<std::size_t>(channels));
  for (float& s : scales) s = d.maybe(30) ? 1e-10f : d.scale(0.0005f * static_cast<float>(d.roll(1, 20)));
  const auto enc =
      d.maybe(3) || !channel_last ? net_encoding::tensor(d.scale(0.004f), 0) : net_encoding::per_axis(ws.rank() - 1, scales);
  const bool per_axis = enc.kind == encoding_kind::axis_scale_offset;
  const int w = n.add_constant<std::int8_t>("w", e.weights, ws,
                                            e.weights == dtype::sfixed_4
                                                ? roll_nibbles(d, ws.size(), channels, per_axis)
                                                : roll_weights(d, ws.size(), channels, channel_last),
                                            enc);
  if (d.maybe(6)) return {w};
  const int most = d.maybe(8) ? 1 << 30 : 200 * static_cast<int>(depth) * (e.span() / 255);
  std::vector<std::int32_t> bias(static_cast<std::size_t>(channels));
  for (auto& b : bias) b = d.roll(-most, most - 1);
  return {w, n.add_constant<std::int32_t>("b", dtype::sfixed_32, {channels}, bias)};
}

template <class Op>
net window_net(dice& d) {
  constexpr bool depthwise = std::is_same_v<Op, op::depthwise_conv2d>;
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int ci = depthwise    ? (d.maybe(3) ? d.channels(20) : 4 * d.roll(1, 6))
                 : d.maybe(2) ? 4 * d.roll(1, 5)
                              : d.roll(1, 9);
  const int co = depthwise ? ci * (d.maybe(6) ? d.roll(2, 3) : 1) : d.channels(9);
  const int kh = depthwise && !d.maybe(4) ? 3 : d.roll(1, 5);
  const int kw = depthwise && !d.maybe(4) ? 3 : d.roll(1, 5);
  typename Op::params p;
  p.stride = {static_cast<std::uint32_t>(d.roll(1, 3)), static_cast<std::uint32_t>(d.roll(1, depthwise && !d.maybe(8) ? 2 : 3))};
  if (d.maybe(6)) p.dilation = {static_cast<std::uint32_t>(d.roll(1, 2)), 2};
  for (std::size_t i = 0; i < 4; ++i) p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, (i < 2 ? kh : kw) - 1));
  const shape xs{d.maybe(4) ? 2 : 1, d.roll(9, 14), d.roll(9, 14), ci};
  const int x = n.add_tensor({.name = "x",
                              .kind = tensor_kind::app_write,
                              .type = e.type,
                              .dims = xs,
                              .enc = net_encoding::tensor(d.scale(0.04f) * e.unit(), roll_offset(d, e))});
  const shape ws = depthwise ? shape{kh, kw, 1, co} : shape{kh, kw, ci, co};
  std::vector<int> in = roll_operands(d, n, e, ws, ws.size() / co, true);
  in.insert(in.begin(), x);
  finish_net(d, n, e, n.add_node<Op>("node", {in.begin(), in.end()}, {}, p),
             e.unit() * 0.003f * static_cast<float>(d.roll(1, 300)));
  return n;
}

net dense_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int depth = d.maybe(4) ? d.roll(500, 1100) : d.roll(1, 80), channels = d.channels(11);
  const int x = n.add_tensor({.name = "x",
                              .kind = tensor_kind::app_write,
                              .type = e.type,
                              .dims = {d.roll(1, 3), depth},
                              .enc = net_encoding::tensor(d.scale(0.04f) * e.unit(), roll_offset(d, e))});
  std::vector<int> in = roll_operands(d, n, e, {channels, depth}, depth, false);
  in.insert(in.begin(), x);
  finish_net(d, n, e, n.add_node<op::fully_connected>("node", {in.begin(), in.end()}, {}, {}),
             e.unit() * 0.003f * static_cast<float>(d.roll(1, 300)));
  return n;
}

int add_input(net& n, const char* name, encoded e, const shape& dims, float scale, int offset) {
  return n.add_tensor({.name = name, .kind = tensor_kind::app_write, .type = e.type, .dims = dims, .enc = net_encoding::tensor(scale, offset)});
}

/// Operands of one shape, or one of them repeated along rows, for each row, everywhere, or (seldom) in another way.
template <class Op>
net pair_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const shape dims{1, d.roll(1, 5), d.roll(1, 5), d.channels(40)};
  const shape others[] = {dims, dims, {dims[3]}, {1, 1, 1, dims[3]}, {1}, {1, dims[1], dims[2], 1}, {1, dims[1], 1, dims[3]}};
  const auto scale = [&] {
    return e.unit() * d.scale(d.maybe(3) ? 0.01f : 0.0003f * static_cast<float>(d.roll(1, 1000)));
  };
  const bool turned = d.maybe(3), same = d.maybe(3);
  const shape other = others[d.roll(0, 6)];
  const float first = scale();
  const bool centred = bits_of(e.type) == 16 && !d.maybe(4);  // mostly, as products of other ones may not fit 32 bits
  const int middle = e.low ? 0 : -32768, offset = centred ? middle : roll_offset(d, e);
  const int x = add_input(n, "x", e, turned ? other : dims, first, offset);
  const int z = add_input(n, "z", e, turned ? dims : other, same ? first : scale(), same ? offset : centred ? middle : roll_offset(d, e));
  constexpr bool product = std::is_same_v<Op, op::elementwise_multiply>;
  net_node& node = n.add_node<Op>("node", {x, z}, {}, {});
  if (!same || product) {
    finish_net(d, n, e, node, product ? 0.02f * static_cast<float>(d.roll(1, 300)) * scale() : scale());
    return n;
  }
  roll_activation(d, node);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type, .enc = net_encoding::tensor(first, offset)};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

/// Some axes, mostly neighbours.
template <class Op>
net reduce_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int x = add_input(n, "x", e, {d.maybe(3) ? 2 : 1, d.roll(1, 20), d.roll(1, 20), d.maybe(3) ? d.roll(1, 40) : 8 * d.roll(1, 4)}, 0.04f * e.unit(), roll_offset(d, e));
  op::reduce_params p;
  const int kind = d.roll(0, 4);
  p.axes = kind <= 1 ? axes{1, 2} : kind == 2 ? axes{3} : kind == 3 ? axes{0, 1} : axes{1, 3};
  p.keep_dims = d.maybe(2);
  net_node& node = n.add_node<Op>("node", {x}, {}, p);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type,
                 .enc = net_encoding::tensor(e.unit() * 0.002f * static_cast<float>(d.roll(1, 100)), roll_offset(d, e))};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

/// Rows along some axis; equal elements, whose quotients are often ties; scales of the output far from 1/256.
net softmax_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int count = d.maybe(8) ? d.roll(900, 1200) : d.maybe(3) ? 1 << d.roll(0, 9) : d.roll(1, 300);
  op::softmax_params p;
  p.beta = d.maybe(2) ? 1.0f : 0.1f * static_cast<float>(d.roll(1, 30));
  const bool last = !d.maybe(4);
  if (!last) p.axis = 1;
  const int x = add_input(n, "x", e, last ? shape{d.roll(1, 3), count} : shape{1, count, 3},
                          e.unit() * (d.maybe(4) ? 1e-9f : 0.002f * static_cast<float>(d.roll(1, 200))), roll_offset(d, e));
  net_node& node = n.add_node<op::softmax>("node", {x}, {}, p);
  const float scale = d.maybe(3)   ? 1.0f / static_cast<float>(e.span() + 1)
                      : d.maybe(3) ? 2.0f / static_cast<float>(count * (2 * d.roll(0, 300) + 1))  // equal ones: nearly ties
                      : d.maybe(8) ? 1e-6f : 0.00003f * static_cast<float>(d.roll(1, 1000));
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type,
                 .enc = net_encoding::tensor(scale, d.maybe(2) ? -e.low : roll_offset(d, e))};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

/// Rows of 2^k elements that are all alike to the table, or of which 2^k are: quotients of exactly one half.
net equal_rows_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const int power = d.roll(0, 9);
  const int x = add_input(n, "x", e, {d.roll(1, 3), 1 << power}, e.unit() * (d.maybe(2) ? 1e-9f : 50.0f), roll_offset(d, e));
  net_node& node = n.add_node<op::softmax>("node", {x}, {}, {});
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type,
                 .enc = net_encoding::tensor(std::exp2(static_cast<float>(1 - d.roll(0, power))), -e.low)};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

template <class Op>
net pool_net(dice& d) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const shape dims{d.maybe(4) ? 2 : 1, d.roll(4, 18), d.roll(4, 18),
                   d.maybe(3) ? 64 * d.roll(1, 2) : d.maybe(3) ? d.roll(1, 41) : 4 * d.roll(1, 5)};
  typename Op::params p;
  const bool global = d.maybe(3);
  p.filter_size = {static_cast<std::uint32_t>(global ? dims[1] : d.roll(1, 4)),
                   static_cast<std::uint32_t>(global ? dims[2] : d.roll(1, 4))};
  p.stride = {static_cast<std::uint32_t>(d.roll(1, 3)), static_cast<std::uint32_t>(d.roll(1, 3))};
  if (!global)
    for (std::size_t i = 0; i < 4; ++i)
      p.pad_amount[i] = static_cast<std::uint32_t>(d.roll(0, static_cast<int>(p.filter_size[i / 2]) - 1));
  if constexpr (requires { p.count_pad_for_edges; }) p.count_pad_for_edges = d.maybe(2);
  const bool same = d.maybe(2);
  const int offset = roll_offset(d, e);
  const int x = n.add_tensor({.name = "x",
                              .kind = tensor_kind::app_write,
                              .type = e.type,
                              .dims = dims,
                              .enc = net_encoding::tensor(0.04f * e.unit(), offset)});
  net_node& node = n.add_node<Op>("node", {x}, {}, p);
  roll_activation(d, node);
  net_tensor out{.name = "y",
                 .kind = tensor_kind::app_read,
                 .type = e.type,
                 .enc = net_encoding::tensor(same ? 0.04f : 0.03f, same ? offset : roll_offset(d, e))};
  out.dims = n.infer(node)[0];
  const int y = n.add_tensor(out);
  n.nodes.back().outputs = {y};
  return n;
}

/// An op of one operand, or of one and a table of 256.
template <class Op>
net one_operand(dice& d, const typename Op::params& p = {}) {
  net n;
  roll_rounding(d, n);
  const encoded e = roll_type(d);
  const shape dims{d.roll(1, 3), d.roll(1, 300)};
  const bool same = d.maybe(2);
  const auto enc = net_encoding::tensor(d.scale(0.04f) * e.unit(), roll_offset(d, e));
  std::vector<int> in{n.add_tensor({.name = "x", .kind = tensor_kind::app_write, .type = e.type, .dims = dims, .enc = enc})};
  if constexpr (std::is_same_v<Op, op::lookup>) {
    std::vector<std::int8_t> table(256);
    for (std::int8_t& v : table) v = static_cast<std::int8_t>(d.roll(-128, 127));
    in.push_back(n.add_constant<std::int8_t>("table", e.type, {256}, table, net_encoding::tensor(0.02f, -3)));
  }
  net_node& node = n.add_node<Op>("node", in, {}, p);
  net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = e.type,
                 .enc = same ? enc : net_encoding::tensor(0.02f * e.unit(), roll_offset(d, e))};
  out.dims = n.infer(node)[0];
  n.nodes.back().outputs = {n.add_tensor(out)};
  return n;
}

std::vector<std::byte> result(const net& n, const std::vector<kernel_entry>& kernels, unsigned seed, std::string& isa) {
  interpreter_options options{.backend = "reference"};
  options.extra_kernels = kernels;
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()), options);
  isa = run.kernel_isa(0);
  std::mt19937 g(seed);
  for (const char* name : {"x", "z"})
    if (const int t = n.find(name); t >= 0)
      for (std::byte& b : run.bytes(t)) b = static_cast<std::byte>(g());
  run.run();
  const auto y = run.bytes(n.find("y"));
  return {y.begin(), y.end()};
}

/// Whether all sets have a kernel of the op, or those with every op alone, or those of Cortex-M.
enum class sets { all, with_every_op, with_tables, cortex_m };  // with_tables: not those without vectors
bool is_cortex_m(const instruction_set& set) {
  return std::string_view(set.name) == "armv7em_dsp" || std::string_view(set.name) == "mve";
}
/// Whether some of them is here: a build for another machine has not even the reference of its ops.
bool any_cortex_m() {
  return std::any_of(instruction_sets().begin(), instruction_sets().end(), is_cortex_m);
}

template <class Make>
void compare(Make&& make, widths kind = widths::bytes, sets who = sets::all) {
  if (who == sets::cortex_m && !any_cortex_m()) return;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    dice d(seed, kind);
    const net n = make(d);
    std::string plain;
    std::string own;
    const auto expected = result(n, {}, seed, plain);
    CHECK(plain == "reference");
    for (const instruction_set& set : instruction_sets()) {
      if ((who != sets::all && !set.every_op) ||
          (who == sets::cortex_m && !is_cortex_m(set)) ||
          (who == sets::with_tables && (std::string_view(set.name) == "armv7m" || std::string_view(set.name) == "rv64")))
        continue;
      CAPTURE(set.name);
      CHECK(result(n, set.kernels, seed, own) == expected);
      CHECK(own == set.name);
    }
  }
}

/// The same for the kernels that Hexagon alone has.
template <class Make>
void compare_hexagon(Make&& make, widths kind = widths::bytes) {
  for (const instruction_set& set : instruction_sets())
    for (unsigned seed = 1; seed <= 200 && std::string_view(set.name) == "hvx"; ++seed) {
      CAPTURE(seed);
      dice d(seed, kind, seed % 2 == 0);
      const net n = make(d);
      std::string plain, own;
      const auto expected = result(n, {}, seed, plain);
      CHECK(result(n, set.kernels, seed, own) == expected);
      CHECK(own == set.name);
    }
}

}  // namespace

TEST_CASE("Hexagon: ties of multipliers that are powers of two have the reference's bits") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare_hexagon(window_net<op::conv2d>, kind);
    compare_hexagon(window_net<op::depthwise_conv2d>, kind);
    compare_hexagon(dense_net, kind);
    compare_hexagon(pool_net<op::pool_avg2d>, kind);
    compare_hexagon(pool_net<op::pool_max2d>, kind);
    compare_hexagon(pair_net<op::elementwise_add>, kind);
    compare_hexagon(pair_net<op::elementwise_multiply>, kind);
    compare_hexagon(pair_net<op::elementwise_maximum>, kind);
  }
}
TEST_CASE("Hexagon: Softmax has the reference's bits in vectors, ties included") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare_hexagon(softmax_net, kind);
    compare_hexagon(equal_rows_net, kind);
  }
}
TEST_CASE("Hexagon: tables have the reference's bits") {
  compare_hexagon([](dice& d) { return one_operand<op::relu>(d); });
  compare_hexagon([](dice& d) { return one_operand<op::sigmoid>(d); });
  compare_hexagon([](dice& d) { return one_operand<op::elementwise_unary>(d, {.operation = op::unary::exp}); });
  compare_hexagon([](dice& d) { return one_operand<op::lookup>(d); });
  compare_hexagon([](dice& d) { return one_operand<op::sigmoid>(d); }, widths::mixed);
}

TEST_CASE("Cortex-M, Hexagon: Conv2d has the reference's bits") {
  compare(window_net<op::conv2d>);
}
TEST_CASE("Cortex-M, Hexagon: DepthWiseConv2d has the reference's bits") {
  compare(window_net<op::depthwise_conv2d>);
}
TEST_CASE("Cortex-M, Hexagon: FullyConnected has the reference's bits") {
  compare(dense_net);
}
TEST_CASE("Cortex-M, Hexagon: ElementWiseAdd has the reference's bits") {
  compare(pair_net<op::elementwise_add>);
}
TEST_CASE("Cortex-M, Hexagon: PoolAvg2d has the reference's bits") {
  compare(pool_net<op::pool_avg2d>);
}
TEST_CASE("Cortex-M, Hexagon: PoolAvg2d of 16 bits has the reference's bits") {
  compare(pool_net<op::pool_avg2d>, widths::mixed, sets::with_every_op);
}
TEST_CASE("Cortex-M, Hexagon: PoolMax2d has the reference's bits") {
  compare(pool_net<op::pool_max2d>, widths::bytes, sets::with_every_op);
  compare(pool_net<op::pool_max2d>, widths::mixed, sets::with_every_op);
}
TEST_CASE("Cortex-M, Hexagon: ElementWiseSubtract, Multiply, Maximum, Minimum have the reference's bits") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare(pair_net<op::elementwise_subtract>, kind, sets::with_every_op);
    compare(pair_net<op::elementwise_multiply>, kind, sets::with_every_op);
    compare(pair_net<op::elementwise_maximum>, kind, sets::with_every_op);
    compare(pair_net<op::elementwise_minimum>, kind, sets::with_every_op);
  }
}
TEST_CASE("Cortex-M, Hexagon: functions of one operand and Lookup have the reference's bits") {
  compare([](dice& d) { return one_operand<op::relu>(d); }, widths::bytes, sets::with_tables);
  compare([](dice& d) { return one_operand<op::sigmoid>(d); }, widths::bytes, sets::with_tables);
  compare([](dice& d) { return one_operand<op::elementwise_unary>(d, {.operation = op::unary::exp}); }, widths::bytes, sets::with_tables);
  compare([](dice& d) { return one_operand<op::lookup>(d); }, widths::bytes, sets::with_tables);
}
namespace {
/// All 65536 inputs of an activation of 16 bits, in steps and ranges of all sizes, on the sets that have it.
template <class Op>
void compare_curves(dtype type) {
  for (unsigned seed = 1; seed <= 12 && any_cortex_m(); ++seed) {
    dice d(seed, widths::mixed);
    net n;
    n.rounding = seed % 3 == 0 ? rounding_mode::tflite : seed % 3 == 1 ? rounding_mode::rne : rounding_mode::half_up;
    const encoded e{type, static_cast<int>(min_value(type))};
    const int centre = -e.low - 32768;
    const int x = add_input(n, "x", e, {65536}, std::ldexp(d.maybe(3) ? 1.0f : 0.7f, -d.roll(6, 16)), d.maybe(2) ? centre : roll_offset(d, e));
    net_node& node = n.add_node<Op>("node", {x}, {}, {});
    net_tensor out{.name = "y", .kind = tensor_kind::app_read, .type = type,
                   .enc = net_encoding::tensor(std::ldexp(d.maybe(3) ? 1.0f : 0.9f, -d.roll(8, 16)), d.maybe(2) ? centre : roll_offset(d, e))};
    out.dims = n.infer(node)[0];
    n.nodes.back().outputs = {n.add_tensor(out)};
    const auto all = [&](const std::vector<kernel_entry>& kernels, const char* isa) {
      interpreter_options options{.backend = "reference"};
      options.extra_kernels = kernels;
      interpreter run(std::shared_ptr<const frozen_net>(n.freeze()), options);
      CHECK(std::string_view(run.kernel_isa(0)) == isa);
      const auto to = run.bytes(n.find("x"));
      for (std::size_t i = 0; i < 65536; ++i) to[2 * i] = static_cast<std::byte>(i & 255), to[2 * i + 1] = static_cast<std::byte>(i >> 8);
      run.run();
      const auto y = run.bytes(n.find("y"));
      return std::vector<std::byte>(y.begin(), y.end());
    };
    CAPTURE(seed);
    const auto expected = all({}, "reference");
    for (const instruction_set& set : instruction_sets())
      if (is_cortex_m(set)) CHECK(all(set.kernels, set.name) == expected);
  }
}
}  // namespace
TEST_CASE("Cortex-M: activations of 16 bits have the reference's bits for every input") {
  for (const dtype type : {dtype::sfixed_16, dtype::ufixed_16}) {
    compare_curves<op::relu>(type);
    compare_curves<op::relu6>(type);
    compare_curves<op::sigmoid>(type);
    compare_curves<op::tanh>(type);
    compare_curves<op::gelu>(type);
    compare_curves<op::elu>(type);
    compare_curves<op::hard_swish>(type);
  }
}
TEST_CASE("Cortex-M: ReduceMean, ReduceSum have the reference's bits") {
  for (const widths kind : {widths::bytes, widths::mixed}) {
    compare(reduce_net<op::reduce_mean>, kind, sets::cortex_m);
    compare(reduce_net<op::reduce_sum>, kind, sets::cortex_m);
  }
}
TEST_CASE("Cortex-M: the quotient of the softmax is that of doubles, ties and their neighbours included") {
  std::mt19937_64 g(1);
  const auto below = [&](std::uint64_t n) { return static_cast<std::int64_t>(g() % n); };
  for (int i = 0; i < 2000000; ++i) {
    const int kind = static_cast<int>(below(4)), power = static_cast<int>(below(16));
    std::int64_t sum = (std::int64_t{1} << 30) + below(std::uint64_t{1} << (20 + below(20)));
    float scale = std::bit_cast<float>(static_cast<std::uint32_t>((111 + below(32)) << 23 | below(1 << 23)));
    if (kind == 0) scale = std::ldexp(1.0f, -power);
    if (kind == 1) sum &= -(std::int64_t{1} << 29), scale = std::ldexp(1.0f, -power);
    const double unit = static_cast<double>(sum) * static_cast<double>(scale);
    const auto middle = static_cast<double>(below(260)) + 0.5;  // t as near to a tie as whole numbers come, or any
    double t = kind == 3 ? static_cast<double>(below(1u << 30)) : std::floor(middle * unit) + static_cast<double>(below(3) - 1);
    if (t < 0 || t > 1073741824.0) t = static_cast<double>(below(1u << 30));
    const auto whole = static_cast<std::int32_t>(t);
    const softmax_quotient q(sum, scale);
    const auto limited = [](std::int64_t v) { return static_cast<std::int32_t>(v < 512 ? v : 512); };
    const bool even = q.rounded(whole, rounding::rne{}) == limited(round_real(t / unit, rounding::rne{}));
    const bool up = q.rounded(whole, rounding::half_up{}) == limited(round_real(t / unit, rounding::half_up{}));
    if (even && up) continue;
    CAPTURE(sum);
    CAPTURE(scale);
    CAPTURE(whole);
    CHECK(even);
    CHECK(up);
    return;
  }
}
TEST_CASE("Cortex-M, Hexagon: Softmax has the reference's bits") {
  compare(softmax_net, widths::bytes, sets::with_every_op);
  compare(softmax_net, widths::mixed, sets::with_tables);
}
TEST_CASE("Cortex-M, Hexagon: Conv2d on 16-bit data and with 4-bit weights has the reference's bits") {
  compare(window_net<op::conv2d>, widths::mixed);
}
TEST_CASE("Cortex-M, Hexagon: DepthWiseConv2d on 16-bit data and with 4-bit weights has the reference's bits") {
  compare(window_net<op::depthwise_conv2d>, widths::mixed);
}
TEST_CASE("Cortex-M, Hexagon: FullyConnected on 16-bit data and with 4-bit weights has the reference's bits") {
  compare(dense_net, widths::mixed);
}
TEST_CASE("Cortex-M, Hexagon: ElementWiseAdd of 16 bits has the reference's bits") {
  compare(pair_net<op::elementwise_add>, widths::mixed);
}
