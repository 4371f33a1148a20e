// SPDX-License-Identifier: Apache-2.0
// Every kernel that an instruction set has of its own, against the reference: each operand signature with random
// extents, encodings, parameters, activations and rounding policies, through the interpreter with both tables.
// Integers are equal bit for bit. Floats of nodes with weights: see float_bound.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <span>
#include <sstream>

#include "kernels_isa/amx_unit.hpp"
#include "kernels_isa/depthwise_nets.hpp"
#include "kernels_isa/edge_nets.hpp"
#include "kernels_isa/nets.hpp"
#include "kernels_isa/phase_nets.hpp"
#include "kernels_isa/short_nets.hpp"
#include "kernels_isa/thin_nets.hpp"
#include "kernels_isa/unit_entries.hpp"
#include "kernels_isa/winograd_bound.hpp"
#include "kernels_isa/winograd_nets.hpp"
#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/node_needs.hpp"

using namespace qnnx;
using namespace qnnx::isa_test;

namespace {

struct outcome {
  std::vector<std::byte> bytes;
  std::string isa;
};

/// Nodes whose float results may differ by some units in the last place.
bool real_function(const node_desc& n) {
  for (const std::string_view name : {op::softmax::name, op::log_softmax::name, op::elementwise_neuron::name, op::sigmoid::name, op::tanh::name, op::gelu::name, op::elu::name,
                                   op::hard_swish::name, op::elementwise_unary::name, op::elementwise_exp::name, op::elementwise_rsqrt::name, op::erf::name,
                                   op::elementwise_log::name, op::elementwise_sin::name, op::elementwise_cos::name, op::elementwise_asin::name,
                                   op::elementwise_atan::name, op::elementwise_softplus::name, op::layer_norm::name, op::rms_norm::name,
                                   op::reduce_sum::name, op::reduce_mean::name})
    if (n.op->name == name) return true;
  return false;
}

/// How many: functions and activations are computed in floats (kernel/x86/float_functions.hpp; float_functions_test.cpp has
/// the bound of each), norms and sums in doubles.
int units_allowed(const node_desc& n) {
  for (const std::string_view name : {op::layer_norm::name, op::rms_norm::name, op::reduce_sum::name, op::reduce_mean::name, op::log_softmax::name})
    if (n.op->name == name) return 1;
  return 8;
}

/// Pieces one after the other, the last one first.
void run_backwards(void*, void (*work)(void*, std::int32_t), void* data, std::int32_t count) {
  while (count-- > 0) work(data, count);
}

outcome result(const std::shared_ptr<const frozen_net>& n, const std::string& backend, unsigned seed, std::span<const kernel_entry> more = {}, int pieces = 1) {
  interpreter run(n, {.backend = backend, .extra_kernels = more, .threads = {pieces, nullptr, run_backwards}, .least_ns = pieces > 1 ? 0 : kernel::serial_ns});
  dice d(seed);
  for (int i = 0; i < n->g.tensor_count; ++i) {
    const tensor_desc& t = n->g.tensors[i];
    if (t.kind != tensor_kind::app_write) continue;
    std::vector<std::byte> b = random_bytes(d, {.type = t.type, .dims = t.dims}, real_function(n->g.nodes[0]) && seed % 2 ? 24.0f : 2.0f);
    if (t.name == "ends") {  // of the range: all the low one, all the high one, or both
      const std::uint8_t low = is_signed_fixed(t.type) ? 128 : 0;
      for (std::byte& v : b) v = std::byte{static_cast<std::uint8_t>(low ^ (seed % 3 == 0 ? 0 : seed % 3 == 1 ? 255 : std::to_integer<int>(v) % 2 * 255))};
    }
    std::copy(b.begin(), b.end(), run.bytes(i).begin());
  }
  run.run();
  const auto y = run.bytes(n->g.nodes[n->g.node_count - 1].outputs[0]);
  return {{y.begin(), y.end()}, std::string(run.kernel_isa(0))};
}

/// Data, weights and biases lie in [-2, 2): n products sum to at most 4 n + 2 in magnitude, and each of the two orders
/// of rounding is within n u / (1 - n u) of that, u = 2^-24. Nodes without products give the reference's bits.
double float_bound(const graph_view& g) {
  const bound_context b(g, g.nodes[0]);
  const std::int64_t macs = g.nodes[0].op->price(b.get(), g.nodes[0].params).macs;
  if (macs == 0) return 0;
  const auto n = static_cast<double>(macs / g.tensors[g.nodes[0].outputs[0]].dims.size() + 2);
  return 2 * n * 0x1p-24 / (1 - n * 0x1p-24) * (4 * n + 4);
}

/// How far results near 0 are off beside their units in the last place: kernel/x86/softmax_lines.hpp.
double log_bound(const graph_view& g) {
  if (g.nodes[0].op->name != op::log_softmax::name) return 0;
  return 0x1p-40 + 0x1p-52 * static_cast<double>(g.tensors[g.nodes[0].inputs[0]].dims.size());
}

/// winograd_bounds of a net with one node.
std::vector<double> tile_bounds(const net& made, const graph_view& g, unsigned seed) {
  dice d(seed);
  const std::vector<std::byte> x = random_bytes(d, {.type = dtype::float_32, .dims = g.tensors[g.nodes[0].inputs[0]].dims});
  const auto constant = [&](std::size_t i) { return reinterpret_cast<const float*>(made.tensors[static_cast<std::size_t>(made.nodes[0].inputs[i])].data.data()); };
  return winograd_bounds(g, reinterpret_cast<const float*>(x.data()), constant(1), made.nodes[0].inputs.size() > 2 ? constant(2) : nullptr);
}

/// `more`: kernels of a set that this processor does not have.
void compare(const net& made, const kernel_entry& e, unsigned seed, int& own, std::span<const kernel_entry> more) {
  const std::string isa = e.isa;
  const auto n = std::shared_ptr<const frozen_net>(made.freeze());
  const outcome expected = result(n, "reference", seed);
  const outcome fast = result(n, more.empty() ? isa : "reference", seed, more);
  CHECK(expected.isa == "reference");
  own += fast.isa == isa;
  REQUIRE(fast.bytes.size() == expected.bytes.size());
  const outcome in_pieces = result(n, more.empty() ? isa : "reference", seed, more, 2 + static_cast<int>(seed % 4));
  CHECK(in_pieces.bytes == fast.bytes);
  if (n->g.tensors[n->g.nodes[0].outputs[0]].type != dtype::float_32) {
    CHECK(fast.bytes == expected.bytes);
    return;
  }
  const bool tiles = winograd_form(e, n->g, 0);
  const double whole = tiles ? 0 : float_bound(n->g) + log_bound(n->g);
  const std::vector<double> by_tile = tiles ? tile_bounds(made, n->g, seed) : std::vector<double>{};
  std::size_t wrong = 0;
  for (std::size_t i = 0; i + 4 <= fast.bytes.size(); i += 4) {
    float a = 0;
    float b = 0;
    std::memcpy(&a, &fast.bytes[i], 4);
    std::memcpy(&b, &expected.bytes[i], 4);
    const bool same = std::memcmp(&a, &b, 4) == 0 || (std::isnan(a) && std::isnan(b));
    // with a residual both round once more
    const double bound = tiles ? by_tile[i / 4] + (n->g.nodes[0].epi.residual >= 0 ? 0x1p-23 * (std::fabs(b) + by_tile[i / 4]) : 0) : whole;
    bool neighbours = false;
    if (real_function(n->g.nodes[0])) {
      float near = a;
      for (int step = 0; step < units_allowed(n->g.nodes[0]) && !neighbours; ++step) neighbours = (near = std::nextafter(near, b)) == b;
    }
    wrong += !same && !neighbours && !(std::fabs(static_cast<double>(a) - static_cast<double>(b)) <= bound);
  }
  CHECK(wrong == 0);
}

/// What a net makes of `data`, by input; of 32-bit floats where the net is widened.
outcome result_of(const net& made, const std::string& backend, const std::vector<std::vector<std::byte>>& data, bool wide, std::span<const kernel_entry> more = {},
                  int pieces = 1) {
  const auto n = std::shared_ptr<const frozen_net>(made.freeze());
  interpreter run(n, {.backend = backend, .extra_kernels = more, .threads = {pieces, nullptr, run_backwards}, .least_ns = pieces > 1 ? 0 : kernel::serial_ns});
  std::size_t k = 0;
  for (int i = 0; i < n->g.tensor_count; ++i) {
    if (n->g.tensors[i].kind != tensor_kind::app_write) continue;
    const std::vector<std::byte>& b = data[k++];
    const std::vector<std::byte> in = wide && b.size() < run.bytes(i).size() ? widened_bytes(b) : b;
    std::copy(in.begin(), in.end(), run.bytes(i).begin());
  }
  run.run();
  const auto y = run.bytes(n->g.nodes[n->g.node_count - 1].outputs[0]);
  return {{y.begin(), y.end()}, std::string(run.kernel_isa(0))};
}
/// 16-bit floats: the bits of the same set's float kernel, rounded, as the reference's are those of its own floats. So they
/// are as far from it as floats of 32 bits are, and half a unit in the last place of 16 bits.
void compare_shorts(net made, const std::string& isa, unsigned seed, int& own, std::span<const kernel_entry> more) {
  const bool products = float_bound(std::shared_ptr<const frozen_net>(made.freeze())->g) > 0;
  std::vector<std::vector<std::byte>> data;
  dice d(seed);
  for (net_tensor& t : made.tensors) {
    if (products && t.kind == tensor_kind::constant) tame(t.data, false, false);
    if (t.kind != tensor_kind::app_write) continue;
    data.push_back(random_bytes(d, t, real_function(std::shared_ptr<const frozen_net>(made.freeze())->g.nodes[0]) && seed % 2 ? 24.0f : 2.0f));
    if (products && t.type == dtype::float_16) tame(data.back(), seed % 4 == 0, seed % 4 == 1);
  }
  const net wide = widened_net(made);
  const std::string backend = more.empty() ? isa : "reference";
  const outcome fast = result_of(made, backend, data, false, more);
  const outcome floats = result_of(wide, backend, data, true, more);
  CHECK(result_of(made, backend, data, false, more, 2 + static_cast<int>(seed % 4)).bytes == fast.bytes);
  own += fast.isa == isa;
  if (made.tensors.back().type == dtype::float_16) {
    if (fast.isa == isa && floats.isa == isa) CHECK(different_shorts(fast.bytes, narrowed_bytes(floats.bytes)) == 0);
    const outcome slow = result_of(made, "reference", data, false);
    CHECK(different_shorts(slow.bytes, narrowed_bytes(result_of(wide, "reference", data, true).bytes)) == 0);
  } else {
    CHECK(fast.bytes == result_of(made, "reference", data, false).bytes);
  }
}

/// Whether the weights of the first node have Winograd's form for tiles of 4x4: 36 values of 16 bits for 9 weights.
bool packed_as_tiles(const net& made, const kernel_entry& e) {
  const auto n = std::shared_ptr<const frozen_net>(made.freeze());
  const facts_storage facts(n->g, 0);
  const graph_view& g = n->g;
  return e.packed_bytes(facts.get(), g.nodes[0].params) >= g.tensors[g.nodes[0].inputs[1]].dims.size() * 8;
}

struct kernel_bytes {
  std::int64_t packed, scratch;
};
/// What a kernel wants for the first node.
kernel_bytes bytes_needed(const net& made, const kernel_entry& e) {
  const auto n = std::shared_ptr<const frozen_net>(made.freeze());
  const facts_storage facts(n->g, 0);
  return {e.packed_bytes(facts.get(), n->g.nodes[0].params), e.scratch_bytes(facts.get(), n->g.nodes[0].params)};
}

struct kernel_line {
  std::string_view op, isa, header;
};
constexpr kernel_line lines[] = {
#define QNNX_KERNEL(TYPE, ISA, HEADER, TYPES) {op::TYPE::name, #ISA, HEADER},
#include "qnnx/kernel/kernels.inc"
#undef QNNX_KERNEL
};

/// All signatures of all ops for which `isa` has a kernel of its own.
void check_entries(const std::string& isa, std::span<const kernel_entry> entries, std::span<const kernel_entry> more = {}) {
  for (const kernel_entry& e : entries) {
    if (e.isa != isa) continue;
    CAPTURE(e.op->name);
    CAPTURE(to_string(e.types.out));
    CAPTURE(to_string(e.types.in[0]));
    CAPTURE(to_string(e.types.in[1]));
    const auto make = generators().find(e.op->name);
    REQUIRE_MESSAGE(make != generators().end(), "an op with a kernel of its own needs a generator in nets.hpp");
    int own = 0;
    if (is_short(e.types)) {
      for (unsigned seed = 1; seed <= 160; ++seed) {
        CAPTURE(seed);
        compare_shorts(make->second(seed, e.types), isa, seed, own, more);
      }
      for (const std::string_view name : {op::conv2d::name, op::depthwise_conv2d::name, op::matmul::name, op::fully_connected::name})
        for (unsigned seed = 1; seed <= 6 && e.op->name == name; ++seed) {
          CAPTURE("several bands");
          CAPTURE(seed);
          compare_shorts(tall_net(seed, e.types, name), isa, seed, own, more);
        }
      CHECK(own > 0);
      continue;
    }
    for (unsigned seed = 1; seed <= 120; ++seed) {
      CAPTURE(seed);
      compare(make->second(seed, e.types), e, seed, own, more);
    }
    const bool connected = e.op->name == op::fully_connected::name;
    if ((connected || e.op->name == op::conv2d::name) && is_fixed(e.types.out)) {
      for (unsigned seed = 1; seed <= 20; ++seed) {
        CAPTURE("chain of three");
        CAPTURE(seed);
        compare(chain_net(seed, e.types, connected), e, seed, own, more);
      }
    }
    if (e.op->name == op::conv2d::name && is_fixed(e.types.out)) {
      for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE("few channels");
        CAPTURE(seed);
        compare(thin_net(seed, e.types), e, seed, own, more);
      }
    }
    if (e.op->name == op::depthwise_conv2d::name && is_fixed(e.types.out)) {
      for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE("3x3 windows");
        CAPTURE(seed);
        compare(columns_net(seed, e.types), e, seed, own, more);
        if (e.types.out == e.types.in[0] && seed <= 60) compare(columns_chain(seed, e.types), e, seed, own, more);
      }
    }
    if (e.op->name == op::conv2d::name && is_fixed(e.types.out) && bits_of(e.types.out) == 8) {
      int as_tiles = 0;
      for (unsigned seed = 1; seed <= 40; ++seed) {
        CAPTURE("3x3");
        CAPTURE(seed);
        const net made = winograd_net(seed, e.types);
        compare(made, e, seed, own, more);
        as_tiles += packed_as_tiles(made, e);
      }
      if (isa == "avx512vnni" || isa == "avx2") CHECK(as_tiles >= 20);
      for (unsigned seed = 1; seed <= 24; ++seed) {
        CAPTURE("without the taps at padding");
        CAPTURE(seed);
        compare(edge_net(seed, e.types), e, seed, own, more);
      }
    }
    if (e.op->name == op::conv2d::name && is_fixed(e.types.out)) {
      for (unsigned seed = 1; seed <= 120; ++seed) {
        CAPTURE("one pixel");
        CAPTURE(seed);
        compare(pointwise_net(seed, e.types), e, seed, own, more);
      }
    }
    if (e.op->name == op::transpose_conv2d::name && is_fixed(e.types.out)) {
      for (unsigned seed = 1; seed <= 60; ++seed) {
        CAPTURE("chain of two");
        CAPTURE(seed);
        compare(transposed_chain(seed, e.types), e, seed, own, more);
      }
    }
    if (e.op->name == op::transpose_conv2d::name && is_fixed(e.types.out) && bits_of(e.types.out) == 16) {
      for (unsigned seed = 1; seed <= 120; ++seed) {
        CAPTURE("phases");
        CAPTURE(seed);
        const net made = phase_net(seed, e.types);
        CHECK(bytes_needed(made, e).packed > 0);  // the reference packs nothing
        compare(made, e, seed, own, more);
      }
    }
    if (e.op->name == op::matmul::name && (!is_fixed(e.types.out) || bits_of(e.types.out) == 8)) {
      for (unsigned seed = 1; seed <= 120; ++seed) {
        CAPTURE("left side transposed");
        CAPTURE(seed);
        const net made = turned_matmul_net(seed, e.types);
        CHECK(bytes_needed(made, e).scratch > 0);  // the reference has none
        compare(made, e, seed, own, more);
      }
    }
    CHECK(own > 0);
  }
}
/// Quantize of what a division by the scale makes ties, infinities, no numbers and more than any integer of.
void check_extremes(const std::string& isa, std::span<const kernel_entry> more = {}) {
  if (!processor_has(isa)) return;
  for (const dtype out : {dtype::ufixed_8, dtype::sfixed_8})
    for (unsigned seed = 1; seed <= 60; ++seed) {
      CAPTURE(seed);
      const signature types{.out = out, .in = {dtype::float_32}};
      net_maker m(seed, types);
      const int x = m.input("x", {m.d.roll(1, 400)});
      m.n.add_node<op::quantize>("node", {x}, {}, {});
      const auto n = std::shared_ptr<const frozen_net>(m.finish(false, 0.01f, 2.0f).freeze());
      const auto bytes = [&](const std::string& backend) {
        const bool other = backend != "reference" && !more.empty();
        interpreter run(n, {.backend = other ? "reference" : backend, .extra_kernels = other ? more : std::span<const kernel_entry>{}});
        auto* data = reinterpret_cast<float*>(run.bytes(0).data());
        dice d(seed);
        const float scale = n->g.tensors[n->g.nodes[0].outputs[0]].enc.scale;
        const float far[] = {NAN, -NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e10f, -1e10f, 4194304.5f * scale, -12582912.0f * scale, 1e-40f, -0.0f};
        const int ties = d.chance(50) ? 20 : 0;  // a tie has its whole block done again
        for (std::size_t i = 0; i < run.bytes(0).size() / 4; ++i)
          data[i] = d.chance(3) ? far[d.roll(0, 11)] : d.chance(ties) ? (static_cast<float>(d.roll(-200, 200)) + 0.5f) * scale : d.real(-100 * scale, 100 * scale);
        run.run();
        CHECK(run.kernel_isa(0) == backend);
        const auto y = run.bytes(n->g.nodes[0].outputs[0]);
        return std::vector<std::byte>(y.begin(), y.end());
      };
      CHECK(bytes(isa) == bytes("reference"));
    }
}
void check_isa(const std::string& isa) {
  if (processor_has(isa)) check_entries(isa, kernel_table(isa));
  else std::printf("skipped: this processor does not have %s\n", isa.c_str());
}

}  // namespace

TEST_CASE("kernels.inc: a line for every kernel, a kernel for every line") {
  for (const std::string isa : {"avx2", "avxvnni", "avx512vnni", "amx"}) {
    CAPTURE(isa);
    std::set<std::string_view> listed;
    for (const kernel_line& l : lines)
      if (l.isa == isa) listed.insert(l.op);
    CHECK_FALSE(listed.empty());
    if (!processor_has(isa)) continue;
    std::set<std::string_view> there;
    for (const kernel_entry& e : kernel_table(isa))
      if (e.isa == isa) there.insert(e.op->name);
    for (const std::string_view name : listed) {
      CAPTURE(name);
      CHECK_MESSAGE(there.contains(name), "a line of kernels.inc without a kernel");
    }
    for (const std::string_view name : there) {
      CAPTURE(name);
      CHECK_MESSAGE(listed.contains(name), "a kernel without a line in kernels.inc");
    }
  }
}
TEST_CASE("kernels.inc: every header is included") {
  const char* source = std::getenv("QNNX_SOURCE");
  if (!source) {
    std::printf("skipped: QNNX_SOURCE is not set\n");
    return;
  }
  std::ifstream file(std::string(source) + "/include/qnnx/kernel/kernels.hpp");
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  for (const kernel_line& l : lines) {
    CAPTURE(l.header);
    // a set's header may come with a better set's
    const bool direct = all.find("qnnx/kernel/" + std::string(l.header)) != std::string::npos;
    const std::string family(l.header.substr(0, l.header.find('/')));
    CHECK((direct || all.find("qnnx/kernel/" + family + "/avx512vnni.hpp") != std::string::npos));
  }
}

TEST_CASE("Quantize: the reference's bits of extremes") {
  check_extremes("avx2");
  check_extremes("avx512vnni");
}
TEST_CASE("avx2: the reference's bits") { check_isa("avx2"); }
#if defined(__x86_64__)
extern "C" const void* qnnx_test_kernels_avxvnni(std::size_t*);  // units.cmake
TEST_CASE("avxvnni, its one instruction made of others: the reference's bits") {
  if (!processor_has("avx2")) {
    std::printf("skipped: this processor does not have avx2\n");
    return;
  }
  const std::vector<kernel_entry> entries = entries_of(qnnx_test_kernels_avxvnni);
  CHECK_FALSE(entries.empty());
  check_entries("avxvnni", entries, entries);
}
TEST_CASE("amx, its tiles in memory: the reference's bits") {
  if (!processor_has("avx512vnni")) {
    std::printf("skipped: this processor does not have avx512vnni, which amx's kernels are compiled for\n");
    return;
  }
  const std::vector<kernel_entry> entries = entries_of(qnnx_test_kernels_amx);
  for (const std::string_view name : {op::conv2d::name, op::fully_connected::name, op::matmul::name})
    CHECK(std::any_of(entries.begin(), entries.end(), [&](const kernel_entry& e) { return e.op->name == name; }));
  const std::int64_t before = qnnx_test_tiles().products;
  check_entries("amx", entries, entries);
  CHECK(qnnx_test_tiles().products > before + 100000);
  CHECK(qnnx_test_tiles().configured == 0);
}
#endif
TEST_CASE("avxvnni: the reference's bits") { check_isa("avxvnni"); }
TEST_CASE("avx512vnni: the reference's bits") { check_isa("avx512vnni"); }
TEST_CASE("amx: the reference's bits") { check_isa("amx"); }
