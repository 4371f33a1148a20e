// SPDX-License-Identifier: Apache-2.0
#pragma once
// One step on several threads: how many pieces are worth making, and how they are made. The threads are somebody
// else's: an executor is a function that calls work(data, 0 .. count - 1), each once, in any order, on any threads, and
// returns when all are done. Pieces are cut over outputs and never over a sum, so results do not depend on their
// number. Layer 5a.

#include "qnnx/kernel/contract.hpp"

namespace qnnx::inline QNNX_ABI {

/// Threads to run pieces on; the same layout as qnnx_executor of model/abi.h.
struct executor {
  std::int32_t threads = 1;  // most pieces a step is cut into
  void* context = nullptr;
  void (*run)(void* context, void (*work)(void* data, std::int32_t index), void* data, std::int32_t count) = nullptr;
};

/// How a step may be cut. Known when the model is built or loaded.
struct split {
  static constexpr int most_inputs = 7;
  std::int32_t parts = 1;      // most pieces; 1: the step runs whole
  std::int8_t dims = 0;        // leading dimensions of the output that are cut as one; 0: the kernel reads call.piece
  std::uint8_t out_bytes = 0;  // of an element of the output
  std::array<std::uint8_t, most_inputs> in_bytes{};  // of an element of input i; 0: every piece sees it whole
};

namespace kernel {

/// A step below this estimate is not worth the meeting of threads (0.3 us when they are awake, more when not); a piece
/// of one costs at least half of it.
inline constexpr std::int64_t serial_ns = 8000;

/// Rough time of a node on one core: multiply-accumulates, other arithmetic and bytes moved.
constexpr std::int64_t estimated_ns(const context& c, const cost& price, bool optimized) {
  std::int64_t bytes = byte_size(c.out(0));
  for (int i = 0; i < c.input_count; ++i)
    if (c.has(i)) bytes += byte_size(c.in(i));
  const std::int64_t results = c.out(0).dims.size();
  if (!optimized) return price.macs + price.ops + 2 * results;
  return price.macs / (is_fixed(c.out(0).type) ? 128 : 48) + price.ops / 8 + bytes / 16;
}

namespace detail {
enum class cut_as : std::uint8_t { whole, along, never };
/// What becomes of an operand when the first `dims` dimensions of the output (extents `y`) are cut.
constexpr cut_as cut_of(const tensor_desc& t, const shape& y, int dims) {
  const int ahead = y.rank() - t.dims.rank();  // broadcasts are aligned at the last dimension
  bool ones = true;
  bool equal = ahead >= 0 && y.product(0, ahead < dims ? ahead : dims) == 1;
  for (int d = ahead < 0 ? 0 : ahead; d < dims; ++d) {
    ones &= t.dims[d - ahead] == 1;
    equal &= t.dims[d - ahead] == y[d];
  }
  if (ahead < 0) return cut_as::never;
  if (ones) return cut_as::whole;
  const bool scales = t.enc.kind == encoding_kind::block || (t.enc.per_axis() && t.enc.axis < dims - ahead);
  return equal && !scales && bits_of(t.type) >= 8 ? cut_as::along : cut_as::never;
}
}  // namespace detail

/// How a node of kernel K is cut, which takes `ns` on one core; not at all below `least_ns`.
template <class K, class Params>
constexpr split split_of(const node_facts& f, const Params& p, std::int64_t ns, std::int64_t least_ns = serial_ns) {
  split s;
  if (ns < least_ns) return s;
  const std::int64_t most = least_ns > 0 ? 2 * ns / least_ns : INT32_MAX;
  std::int64_t pieces = parts<K>(f, p);
  if (pieces <= 1 && f.c.output_count == 1 && f.c.input_count <= split::most_inputs) {
    const tensor_desc& y = f.c.out(0);
    int dims = independent_dims<K>(f, p);
    for (; dims > 0; --dims) {
      bool fits = detail::cut_of(y, y.dims, dims) != detail::cut_as::never;
      for (int i = 0; i < f.c.input_count && fits; ++i)
        if (f.c.has(i) && i != f.epi.table) fits = detail::cut_of(f.c.in(i), y.dims, dims) != detail::cut_as::never;
      if (fits) break;
    }
    if (dims > 0) {
      pieces = y.dims.product(0, dims);
      s.dims = static_cast<std::int8_t>(dims);
      s.out_bytes = static_cast<std::uint8_t>(bits_of(y.type) / 8);
      for (int i = 0; i < f.c.input_count; ++i)
        if (f.c.has(i) && i != f.epi.table && detail::cut_of(f.c.in(i), y.dims, dims) == detail::cut_as::along)
          s.in_bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(bits_of(f.c.in(i).type) / 8);
    }
  }
  const std::int64_t parts = pieces < most ? pieces : most;
  if (parts <= 1) return {};
  s.parts = static_cast<std::int32_t>(parts);
  return s;
}

/// Whether every piece reads of an input just the bytes that it writes.
constexpr bool cut_in_place(const split& s, int input) {
  return s.dims > 0 && input < split::most_inputs && s.in_bytes[static_cast<std::size_t>(input)] == s.out_bytes;
}
/// The distance at which an input may lie behind the output of a cut step: a piece writes while others still read, so
/// only exactly in place.
constexpr std::int64_t overlap_when_cut(const split& s, int input, std::int64_t distance) {
  return s.parts <= 1 || (distance == 0 && cut_in_place(s, input)) ? distance : -1;
}
/// Whether the places that a plan gave an input and the output of a cut step allow it to run in pieces.
constexpr bool places_allow_pieces(const split& s, int input, std::int64_t in_at, std::int64_t in_bytes,
                                   std::int64_t out_at, std::int64_t out_bytes) {
  if (in_at >= out_at + out_bytes || out_at >= in_at + in_bytes) return true;
  return cut_in_place(s, input) && in_at == out_at && in_bytes == out_bytes;
}

/// A copy of a step for piece p of it, with the operands that are cut.
class piece_of_step {
 public:
  piece_of_step(const step& whole, const split& s, part p) : own_(whole) {
    if (s.dims == 0) return;
    const shape& y = whole.outputs[0].dims;
    const std::int64_t inner = y.product(s.dims, y.rank());
    const slice rows = slice_of(p, y.product(0, s.dims), 64 / inner > 1 ? 64 / inner : 1);
    for (int i = 0; i < whole.input_count; ++i) {
      const auto k = static_cast<std::size_t>(i);
      places_[k] = &whole.inputs[i];
      const int bytes = s.in_bytes[k];
      if (bytes == 0) continue;
      operands_[k] = whole.inputs[i];
      places_[k] = &operands_[k];
      cut(operands_[k], s.dims - (y.rank() - whole.inputs[i].dims.rank()), rows, bytes);
    }
    operand& out = operands_[split::most_inputs];
    out = whole.outputs[0];
    cut(out, s.dims, rows, s.out_bytes);
    places_[split::most_inputs] = &out;
    own_.inputs = operand_list(places_.data());
    own_.outputs = operand_list(&places_[split::most_inputs]);
    empty_ = rows.from >= rows.to;
  }
  piece_of_step(const piece_of_step&) = delete;
  bool empty() const { return empty_; }
  step& get() { return own_; }

 private:
  /// Leaves rows [from, to) of the first `dims` dimensions, joined in the last of them.
  static void cut(operand& o, int dims, slice rows, int bytes) {
    o.at += static_cast<std::ptrdiff_t>(rows.from * o.dims.product(dims, o.dims.rank()) * bytes);
    for (int d = 0; d < dims - 1; ++d) o.dims[d] = 1;
    o.dims[dims - 1] = static_cast<std::int32_t>(rows.to - rows.from);
  }
  step own_;
  std::array<operand, split::most_inputs + 1> operands_{};  // those that are cut, the output last
  std::array<const operand*, split::most_inputs + 1> places_{};
  bool empty_ = false;
};

/// Where pieces find scratch of their own: the first that of the step, piece k > 0 `first` + (k - 1) * `bytes` into the
/// arena.
struct piece_scratch {
  std::ptrdiff_t first = 0;
  std::ptrdiff_t bytes = 0;
};

/// Runs a step in min(s.parts, e.threads) pieces: run(step, part).
template <class Run>
void run_pieces(const executor& e, const split& s, const step& whole, piece_scratch scratch, Run&& run) {
  struct job_data {
    const split& s;
    const step& whole;
    piece_scratch scratch;
    std::remove_reference_t<Run>& run;
    std::int32_t count;
  };
  job_data job{s, whole, scratch, run, s.parts < e.threads ? s.parts : e.threads};
  const auto work = [](void* data, std::int32_t index) {
    const job_data& j = *static_cast<const job_data*>(data);
    const part p{index, j.count};
    piece_of_step piece(j.whole, j.s, p);
    if (piece.empty()) return;
    if (index > 0) piece.get().scratch_at = j.scratch.first + (index - 1) * j.scratch.bytes;
    j.run(piece.get(), j.s.dims > 0 ? part{} : p);
  };
  e.run(e.context, work, &job, job.count);
}

}  // namespace kernel
}  // namespace qnnx::inline QNNX_ABI
