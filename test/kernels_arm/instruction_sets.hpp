// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sets whose kernels this directory's tests run, and comparisons of their outputs with the reference's.
#include <doctest/doctest.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels_arm/random_nets.hpp"
#include "qnnx/runtime/dispatch.hpp"

namespace kernels_arm {

struct instruction_set {
  const char* name;
  std::vector<qnnx::kernel_entry> kernels;
  bool every_op = false;  // has kernels of every op of these tests
};
const std::vector<instruction_set>& instruction_sets();

/// Which sets have a kernel of the op: all, those with every op alone, or those of the kernels of armv7em_dsp: Cortex-M
/// and those without vectors.
enum class sets { all, with_every_op, armv7em_dsp, with_curves, with_activations, with_reductions };
// with_curves: those and Hexagon; with_activations: NEON too; with_reductions: those of armv7em_dsp and NEON
bool belongs(const instruction_set& set, sets who);
/// Whether some of them is here: a build for another machine has not even the reference of every op.
bool any_of(sets who);

/// Writes the bytes of an operand: of x first.
using fill = std::function<void(std::span<std::byte>)>;
/// The bytes of y for what `inputs` writes to x and z; `isa`: whose kernel made them.
std::vector<std::byte> result(const net& n, const std::vector<qnnx::kernel_entry>& kernels, fill inputs, std::string& isa);

using make_net = net (*)(dice&);
/// Random nets of 400 seeds, every third one with scales that are powers of two.
void compare(make_net make, widths kind = widths::bytes, sets who = sets::all);
/// One net, for the inputs that `inputs` writes.
void compare_one(const net& n, const fill& inputs, sets who);
/// The same for the kernels that Hexagon alone has.
void compare_hexagon(make_net make, widths kind = widths::bytes);

}  // namespace kernels_arm
