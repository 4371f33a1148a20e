// SPDX-License-Identifier: Apache-2.0
#pragma once
// A kernel whose operands, scratch and packed weights each lie in an allocation of exactly their bytes, for nets of one node:
// AddressSanitizer then sees each byte too many that is read or written, other builds those written shortly behind.

#include <cstdlib>
#include <deque>

#include "qnnx/runtime/interpreter.hpp"
#include "qnnx/runtime/node_needs.hpp"

namespace qnnx::isa_test {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr std::size_t tail_bytes = 0;
#else
inline constexpr std::size_t tail_bytes = 64;
#endif

class exact_bytes {
 public:
  explicit exact_bytes(std::int64_t bytes) : bytes_(static_cast<std::size_t>(bytes)) {
    if (::posix_memalign(&raw_, 64, bytes_ + tail_bytes) != 0) std::abort();  // not aligned_alloc, which wants a multiple of 64
    std::memset(raw_, 0xa5, bytes_ + tail_bytes);
  }
  exact_bytes(const exact_bytes&) = delete;
  exact_bytes& operator=(const exact_bytes&) = delete;
  ~exact_bytes() { std::free(raw_); }
  std::byte* data() const { return static_cast<std::byte*>(raw_); }
  bool whole() const {
    for (std::size_t i = bytes_; i < bytes_ + tail_bytes; ++i)
      if (data()[i] != std::byte{0xa5}) return false;
    return true;
  }

 private:
  std::size_t bytes_;
  void* raw_ = nullptr;
};

/// The entry of a kernel for the one node of a net; one at a time.
class exact_memory {
 public:
  exact_memory(const kernel_entry& e, const frozen_net& n) {
    now_ = {&e, &n.g, true};
    entry = e;
    entry.run = run;
    if (e.pack) entry.pack = pack;
  }
  exact_memory(const exact_memory&) = delete;
  exact_memory& operator=(const exact_memory&) = delete;

  kernel_entry entry;
  /// No byte behind an allocation was written.
  bool whole() const { return now_.whole; }

 private:
  struct job {
    const kernel_entry* e;
    const graph_view* g;
    bool whole;
  };
  static inline job now_{};

  static std::ptrdiff_t distance(const std::byte* from, const std::byte* to) {
    return static_cast<std::ptrdiff_t>(reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from));
  }
  static std::int64_t packed_bytes() {
    const facts_storage facts(*now_.g, 0);
    return now_.e->packed_bytes(facts.get(), now_.g->nodes[0].params);
  }
  static void pack(const step& s, const memory& m, rounding_mode r, std::byte* out) {
    const exact_bytes made(packed_bytes());
    now_.e->pack(s, m, r, made.data());
    now_.whole &= made.whole();
    std::memcpy(out, made.data(), static_cast<std::size_t>(packed_bytes()));
  }
  static void run(const step& s, const memory& m, rounding_mode r, part piece) {
    const node_desc& n = now_.g->nodes[0];
    std::deque<exact_bytes> all;
    std::deque<operand> moved;
    std::vector<const operand*> refs;
    const auto move = [&](const operand& o, std::int32_t tensor) {
      moved.push_back(o);
      refs.push_back(&moved.back());
      if (tensor < 0 || o.where != bank::arena || o.at < 0) return;
      const std::int64_t bytes = byte_size(now_.g->tensors[tensor]);
      all.emplace_back(bytes);
      std::memcpy(all.back().data(), m.arena + o.at, static_cast<std::size_t>(bytes));
      moved.back().at = distance(m.arena, all.back().data());
    };
    for (int i = 0; i < n.input_count; ++i) move(s.inputs[i], n.inputs[static_cast<std::size_t>(i)]);
    move(s.outputs[0], n.outputs[0]);
    const std::byte* const y = all.back().data();
    const facts_storage facts(*now_.g, 0);
    all.emplace_back(now_.e->scratch_bytes(facts.get(), n.params));
    const std::byte* const scratch = all.back().data();
    all.emplace_back(packed_bytes());
    std::memcpy(all.back().data(), static_cast<const std::byte*>(m.packed) + s.packed_at, static_cast<std::size_t>(packed_bytes()));
    memory with = m;
    with.packed = all.back().data();
    const step there{.inputs = operand_list(refs.data()), .outputs = operand_list(refs.data() + n.input_count), .input_count = s.input_count,
                     .output_count = s.output_count, .params = s.params, .constants = s.constants, .scratch_at = distance(m.arena, scratch),
                     .packed_at = 0, .epi = s.epi};
    now_.e->run(there, with, r, piece);
    for (const exact_bytes& b : all) now_.whole &= b.whole();
    std::memcpy(m.arena + s.outputs[0].at, y, static_cast<std::size_t>(byte_size(now_.g->tensors[n.outputs[0]])));
  }
};

}  // namespace qnnx::isa_test
