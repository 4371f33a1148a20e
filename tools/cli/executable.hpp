// SPDX-License-Identifier: Apache-2.0
#pragma once
// One face for the two ways a model runs: a compiled library through its C descriptor, or a net in the interpreter.
// Drivers see tensors, steps, and run with an observer after each step. Layer 8.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "qnnx/model/abi.h"
#include "qnnx/runtime/dispatch.hpp"
#include "qnnx/runtime/net.hpp"

namespace qnnx::cli {

struct exec_tensor {
  tensor_desc desc;  // the name lives as long as the executable
  quant q;
};
struct exec_step {
  std::string name;
  std::string type;
  std::int64_t macs = 0;
  std::vector<int> inputs;   // -1: left out
  std::vector<int> outputs;
};

class executable {
 public:
  virtual ~executable() = default;
  /// After a step: its index and its time in microseconds.
  using observer = std::function<void(int step, double microseconds)>;

  std::string name;
  std::string isa;  // instruction set of the code, for the log
  rounding_mode rounding = rounding_mode::rne;
  std::int64_t arena_bytes = 0;
  std::int64_t weight_bytes = 0;
  std::vector<exec_tensor> tensors;
  std::vector<exec_step> steps;
  std::vector<int> inputs;
  std::vector<int> outputs;

  virtual void run() = 0;
  virtual void run(const observer& seen) = 0;
  /// Valid for inputs before run(), for outputs after it, for others right after the step that makes them.
  virtual std::span<std::byte> bytes(int tensor) = 0;

  int find(std::string_view tensor) const;
  /// Names of the graph's inputs.
  std::vector<std::string> input_names() const;
};

/// A shared library made by qnnx-model-lib-generator. Throws error where it is none, or of another ABI version. `threads`
/// outlive it.
std::unique_ptr<executable> open_library(const std::string& path, const executor& threads = {});

/// A net in the interpreter; `kernels` come before the backend's own.
std::unique_ptr<executable> interpret(const net& n, const std::string& backend, std::span<const kernel_entry> kernels = {}, const executor& threads = {});

/// What --backend names: a table of the library, or a shared library that exports
///   extern "C" unsigned qnnx_backend_abi_version();             // qnnx_backend_version
///   extern "C" void qnnx_backend_kernels(std::vector<qnnx::kernel_entry>* out);
/// whose kernels come before those of "cpu".
inline constexpr unsigned qnnx_backend_version = 2;
struct backend {
  std::string table = "cpu";
  std::vector<kernel_entry> kernels;
};
backend find_backend(const std::string& name);

}  // namespace qnnx::cli
