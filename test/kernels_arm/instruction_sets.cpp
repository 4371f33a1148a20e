// SPDX-License-Identifier: Apache-2.0
// Runs nets with the interpreter's reference kernels and with those of each set.
#include "kernels_arm/instruction_sets.hpp"

#include <algorithm>
#include <cstring>

#include "qnnx/runtime/interpreter.hpp"

using namespace qnnx;

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

namespace kernels_arm {
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

}  // namespace

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

bool belongs(const instruction_set& set, sets who) {
  const std::string_view name = set.name;
  switch (who) {
    case sets::all: return true;
    case sets::with_every_op: return set.every_op;
    case sets::with_activations: return name == "neon" || belongs(set, sets::with_curves);
    case sets::with_reductions: return name == "neon" || belongs(set, sets::armv7em_dsp);
    case sets::with_curves:
      if (name == "hvx") return true;
      [[fallthrough]];
    case sets::armv7em_dsp: return name == "armv7em_dsp" || name == "mve" || name == "armv7m" || name == "rv64";
  }
  return false;
}
bool any_of(sets who) {
  return std::any_of(instruction_sets().begin(), instruction_sets().end(), [&](const auto& set) { return belongs(set, who); });
}

std::vector<std::byte> result(const net& n, const std::vector<kernel_entry>& kernels, fill inputs, std::string& isa) {
  interpreter_options options{.backend = "reference"};
  options.extra_kernels = kernels;
  interpreter run(std::shared_ptr<const frozen_net>(n.freeze()), options);
  isa = run.kernel_isa(0);
  for (const char* name : {"x", "z"})
    if (const int t = n.find(name); t >= 0) inputs(run.bytes(t));
  run.run();
  const auto y = run.bytes(n.find("y"));
  return {y.begin(), y.end()};
}

void compare_one(const net& n, const fill& inputs, sets who) {
  std::string plain, own;
  const auto expected = result(n, {}, inputs, plain);
  CHECK(plain == "reference");
  for (const instruction_set& set : instruction_sets()) {
    if (!belongs(set, who)) continue;
    CAPTURE(set.name);
    CHECK(result(n, set.kernels, inputs, own) == expected);
    CHECK(own == set.name);
  }
}

namespace {
/// Random bytes; for every fourth seed the ends of the ranges and their neighbours alone, for every eighth one of them.
fill random_bytes(unsigned seed) {
  return [g = std::mt19937(seed), seed](std::span<std::byte> bytes) mutable {
    static constexpr unsigned ends[] = {0x0000, 0x8080, 0x7f7f, 0xffff, 0x8000, 0x7fff, 0x8001, 0x80ff};
    const unsigned one = ends[g() % 6];
    unsigned v = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      v = i % 2 ? v >> 8 : seed % 8 == 0 ? one : seed % 4 == 0 ? ends[g() % 8] : static_cast<unsigned>(g());
      bytes[i] = static_cast<std::byte>(v & 0xffu);
    }
  };
}
}  // namespace

void compare(make_net make, widths kind, sets who) {
  if (!any_of(who)) return;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    dice d(seed, kind, seed % 3 == 0);
    compare_one(make(d), random_bytes(seed), who);
  }
}

void compare_hexagon(make_net make, widths kind) {
  for (const instruction_set& set : instruction_sets())
    for (unsigned seed = 1; seed <= 200 && std::string_view(set.name) == "hvx"; ++seed) {
      CAPTURE(seed);
      dice d(seed, kind, seed % 2 == 0);
      const net n = make(d);
      std::string plain, own;
      const auto expected = result(n, {}, random_bytes(seed), plain);
      CHECK(result(n, set.kernels, random_bytes(seed), own) == expected);
      CHECK(own == set.name);
    }
}

}  // namespace kernels_arm
