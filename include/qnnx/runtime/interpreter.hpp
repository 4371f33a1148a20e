// SPDX-License-Identifier: Apache-2.0
#pragma once
// The dynamic path: the same graph value, kernels and planner, with everything looked up when the model is loaded.
// Layer 6b.

#include <chrono>
#include <functional>

#include "qnnx/ir/plan.hpp"
#include "qnnx/runtime/dispatch.hpp"
#include "qnnx/runtime/net.hpp"

namespace qnnx::inline QNNX_ABI {

struct interpreter_options {
  std::string backend = "cpu";
  bool keep_all = false;                           // every tensor keeps its bytes until the end (for --debug)
  std::span<const kernel_entry> extra_kernels{};   // ops from outside
  executor threads{};                              // that steps run on in pieces; it outlives the interpreter
  std::int64_t least_ns = kernel::serial_ns;       // steps estimated below this run whole
};

/// 64-byte aligned bytes.
class aligned_bytes {
 public:
  explicit aligned_bytes(std::size_t n = 0) : raw_(n + 64) {}
  std::byte* data() {
    auto p = reinterpret_cast<std::uintptr_t>(raw_.data());
    return raw_.data() + ((64 - p % 64) % 64);
  }
  std::size_t size() const { return raw_.size() - 64; }

 private:
  std::vector<std::byte> raw_;
};

class interpreter {
 public:
  explicit interpreter(std::shared_ptr<const frozen_net> model, interpreter_options options = {});
  interpreter(const interpreter&) = delete;
  interpreter& operator=(const interpreter&) = delete;
  ~interpreter();

  const graph_view& graph() const { return model_->g; }
  std::int64_t arena_bytes() const { return arena_size_; }
  std::int64_t arena_offset(int tensor) const { return plan_offset_[static_cast<std::size_t>(tensor)]; }
  /// Bytes of a tensor. Inputs: write before run(). Others: valid after run() for outputs, or for all with keep_all,
  /// or in the observer right after the step that makes it.
  std::span<std::byte> bytes(int tensor);

  void run();
  /// Called after each step with its index and its time in microseconds.
  using observer = std::function<void(int step, double microseconds)>;
  void run(const observer& seen);
  std::string_view kernel_isa(int node) const { return entries_[static_cast<std::size_t>(node)]->isa; }

 private:
  void prepare_steps(std::span<const kernel_entry> extra, const std::vector<kernel_entry>& table, bool keep_all, std::int64_t least_ns);
  void allow_pieces(int k, std::int64_t scratch);
  void run_step(std::size_t k);

  std::shared_ptr<const frozen_net> model_;
  std::vector<const kernel_entry*> entries_;
  std::vector<kernel_entry> extra_;
  std::vector<std::vector<operand>> operands_;
  std::vector<std::vector<const operand*>> operand_refs_;
  std::vector<step> steps_;
  std::vector<split> pieces_;
  kernel::piece_scratch piece_scratch_;
  executor threads_;
  std::vector<std::vector<std::int32_t>> constants_;
  std::vector<std::int64_t> plan_offset_;
  std::int64_t arena_size_ = 0;
  aligned_bytes arena_;
  aligned_bytes weights_;
  aligned_bytes packed_;
  memory memory_;
};

}  // namespace qnnx::inline QNNX_ABI
