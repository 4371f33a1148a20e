// SPDX-License-Identifier: Apache-2.0
#pragma once
// Row streaming: consecutive nodes of a graph run in bands of rows, so that only what enters the chain and its last output
// exist whole. Each node makes in a band just the rows that the next ones still lack; rows that will be read again stay
// in the node's line buffer and move to its front, so no row is made twice. Here: which rows each band makes and reads,
// what a line buffer holds, where the buffers stand, and how far the chain's output may overlap its input. Layer 5b;
// usable in constant evaluation.

#include <array>
#include <cstdint>

#include "qnnx/ir/plan.hpp"
#include "qnnx/op/conv2d.hpp"
#include "qnnx/op/depthwise_conv2d.hpp"
#include "qnnx/op/pool.hpp"

namespace qnnx::inline QNNX_ABI {

/// Nodes [first, last] run in bands of `rows` rows of the last one's output.
struct band_chain {
  std::int32_t first = 0;
  std::int32_t last = -1;
  std::int32_t rows = 1;
  constexpr bool holds(int node) const { return node >= first && node <= last; }
};

/// Rows of an input that rows [r, s) of the output read: [r * stride - before, (s - 1) * stride - before + size).
struct row_window {
  std::int32_t size = 0;  // 0: this node is not made by rows
  std::int32_t stride = 1;
  std::int32_t before = 0;
};

namespace detail {
constexpr row_window window_rows(std::int64_t size, std::uint32_t stride, std::uint32_t before, std::uint32_t after) {
  if (size > 4096 || before >= size || after >= size) return {};  // a window could lie outside the data
  return {static_cast<std::int32_t>(size), static_cast<std::int32_t>(stride), static_cast<std::int32_t>(before)};
}
template <class Op>
constexpr row_window convolution_rows(const graph_view& g, const node_desc& n) {
  const auto p = from_words<typename Op::params>(n.params);
  return window_rows(static_cast<std::int64_t>(g.tensors[n.inputs[1]].dims[0] - 1) * p.dilation[0] + 1, p.stride[0], p.pad_amount[0], p.pad_amount[1]);
}
template <class Op>
constexpr row_window pool_rows(const node_desc& n) {
  const auto p = from_words<typename Op::params>(n.params);
  if (p.rounding_mode == op::pool_rounding::ceil) return {};  // its last window may count rows that do not exist
  return window_rows(p.filter_size[0], p.stride[0], p.pad_amount[0], p.pad_amount[1]);
}
}  // namespace detail

/// The window of input 0. `row_wise`: the kernel makes each row from nothing but the same row of its operands.
constexpr row_window rows_of(const graph_view& g, const node_desc& n, bool row_wise) {
  if (n.op->id == op_id(op::conv2d::name)) return detail::convolution_rows<op::conv2d>(g, n);
  if (n.op->id == op_id(op::depthwise_conv2d::name)) return detail::convolution_rows<op::depthwise_conv2d>(g, n);
  if (n.op->id == op_id(op::pool_avg2d::name)) return detail::pool_rows<op::pool_avg2d>(n);
  if (n.op->id == op_id(op::pool_max2d::name)) return detail::pool_rows<op::pool_max2d>(n);
  return row_wise ? row_window{1, 1, 0} : row_window{};
}

/// The sizes that a node sees in one band.
struct band_shape {
  std::int32_t rows = 0;                  // of the output
  std::int32_t top = 0;                   // padding
  std::int32_t bottom = 0;
  std::array<std::int32_t, 4> in_rows{};  // of its inputs in the arena, in order
  friend constexpr bool operator==(const band_shape&, const band_shape&) = default;
};
/// What its kernel answers for such a size.
struct band_asks {
  bool same = true;  // constants, packed weights and kernel are those of the whole node
  std::int64_t scratch = 0;
  std::array<std::int64_t, 4> distance{};  // as plan_buffers, by inputs in the arena
  unsigned code = 0;                       // parts of the kernel's code (kernel/code_parts.hpp), where asked
};

/// The bands of a chain, one after the other.
class band_walk {
 public:
  static constexpr int most_stages = 48;
  static constexpr int most_reads = 96;
  /// Input `input` of node first + stage, which stage `source` makes (-1: `tensor` stands whole).
  struct read {
    int stage = 0, input = 0, source = -1, tensor = 0;
    row_window window{};
  };

  constexpr band_walk(const graph_view& g, band_chain c, const bool* row_wise) : chain_(c) {
    fault_ = find_fault(g, row_wise);
  }
  /// Why the chain cannot run in bands; null: it can.
  constexpr const char* fault() const { return fault_; }
  constexpr int stages() const { return stages_; }
  constexpr int reads() const { return reads_; }
  constexpr const read& read_at(int r) const { return read_[static_cast<std::size_t>(r)]; }
  constexpr std::int32_t height(int stage) const { return height_[at(stage)]; }
  constexpr std::int64_t row_bytes(int stage) const { return row_bytes_[at(stage)]; }
  constexpr int tensor(int stage) const { return tensor_[at(stage)]; }
  /// Reads of a stage: [first_read(stage), first_read(stage + 1)).
  constexpr int first_read(int stage) const { return first_read_[at(stage)]; }

  /// Goes to the first band, then to the next; false behind the last.
  constexpr bool next() {
    const int last = stages_ - 1;
    if (begun_ && end_[at(last)] == height(last)) return false;
    begun_ = true;
    for (std::size_t s = 0; s < static_cast<std::size_t>(stages_); ++s) {
      made_[s] = end_[s];
      before_[s] = low_[s];
      low_[s] = made_[s];
    }
    const std::int32_t wanted = made_[at(last)] + chain_.rows;
    end_[at(last)] = wanted < height(last) ? wanted : height(last);
    for (int r = reads_ - 1; r >= 0; --r) {  // a reader's end is known before those of what it reads
      const read& x = read_at(r);
      if (x.source < 0) continue;
      const std::int32_t to = rows_to(r);
      if (end_[at(x.stage)] > 0 && to > end_[at(x.source)]) end_[at(x.source)] = to;
      const std::int32_t from = rows_from(r);
      if (made_[at(x.stage)] < height(x.stage) && from < low_[at(x.source)]) low_[at(x.source)] = from;
    }
    return true;
  }
  // Rows of a stage's output in this band: [made, end) are made, those from low on are in its buffer.
  constexpr std::int32_t made(int stage) const { return made_[at(stage)]; }
  constexpr std::int32_t end(int stage) const { return end_[at(stage)]; }
  constexpr std::int32_t low(int stage) const { return low_[at(stage)]; }
  /// Rows that leave the buffer before this band.
  constexpr std::int32_t leaving(int stage) const { return low_[at(stage)] - before_[at(stage)]; }
  constexpr std::int32_t kept(int stage) const { return made_[at(stage)] - low_[at(stage)]; }
  // Rows [rows_from, rows_to) of what read r reads.
  constexpr std::int32_t rows_from(int r) const {
    const read& x = read_at(r);
    const std::int32_t from = made_[at(x.stage)] * x.window.stride - x.window.before;
    return from < 0 ? 0 : from < read_height_[at(r)] ? from : read_height_[at(r)];
  }
  constexpr std::int32_t rows_to(int r) const {
    const std::int32_t to = unbounded_to(r);
    return to < read_height_[at(r)] ? to : read_height_[at(r)];
  }
  constexpr band_shape shape_of(int stage) const {
    band_shape s;
    s.rows = end(stage) - made(stage);
    const int first = first_read(stage), count = first_read(stage + 1) - first;
    for (int i = 0; i < count; ++i) {
      const read& x = read_at(first + i);
      s.in_rows[at(i)] = rows_to(first + i) - rows_from(first + i);
      if (x.input != 0) continue;
      const std::int32_t above = x.window.before - made(stage) * x.window.stride;
      const std::int32_t below = unbounded_to(first + i) - read_height_[at(first + i)];
      s.top = above > 0 ? above : 0;
      s.bottom = below > 0 ? below : 0;
    }
    return s;
  }
  /// Bytes by which the chain's output must begin before read r's tensor, which stands whole, so that this band's rows
  /// stand where nothing is read any more; 0 where they do anyhow.
  constexpr std::int64_t distance(int r) const {
    const read& x = read_at(r);
    const int last = stages_ - 1;
    const std::int32_t next_row = x.stage == last ? made(last) : end(x.stage);  // the last node reads while it writes
    if (next_row >= height(x.stage)) return 0;
    std::int64_t from = static_cast<std::int64_t>(next_row) * x.window.stride - x.window.before;
    from = from < 0 ? 0 : from < read_height_[at(r)] ? from : read_height_[at(r)];
    const std::int64_t ahead = end(last) * row_bytes(last) - from * read_bytes_[at(r)];
    return ahead > 0 ? ahead : 0;
  }
  constexpr std::int64_t read_row_bytes(int r) const { return read_bytes_[at(r)]; }

 private:
  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
  constexpr std::int32_t unbounded_to(int r) const {
    const read& x = read_at(r);
    return (end_[at(x.stage)] - 1) * x.window.stride - x.window.before + x.window.size;
  }
  constexpr const char* find_fault(const graph_view& g, const bool* row_wise) {
    if (chain_.first < 0 || chain_.last <= chain_.first || chain_.last >= g.node_count || chain_.rows < 1) return "no chain";
    if (chain_.last - chain_.first >= most_stages) return "too many nodes";
    stages_ = chain_.last - chain_.first + 1;
    for (int s = 0; s < stages_; ++s)
      if (const char* f = add_stage(g, s, row_wise[chain_.first + s])) return f;
    for (int k = chain_.last + 1; k < g.node_count; ++k)
      for (int i = 0; i < g.nodes[k].input_count; ++i)
        for (int s = 0; s + 1 < stages_; ++s)
          if (g.nodes[k].inputs[at(i)] == tensor(s)) return "a tensor inside is read behind the chain";
    return nullptr;
  }
  constexpr const char* add_stage(const graph_view& g, int s, bool row_wise) {
    const node_desc& n = g.nodes[chain_.first + s];
    if (n.output_count != 1) return "a node with several outputs";
    const tensor_desc& y = g.tensors[n.outputs[0]];
    const bool inside = s + 1 < stages_;
    if (y.kind != tensor_kind::native && (inside || y.kind != tensor_kind::app_read)) return "a state or an output inside";
    if (!by_rows(y) || byte_size(y) / y.dims[1] % arena_alignment != 0) return "rows that are not whole lines of 16 bytes";
    const row_window window = rows_of(g, n, row_wise);
    if (window.size == 0) return "a node that is not made by rows";
    tensor_[at(s)] = n.outputs[0];
    height_[at(s)] = y.dims[1];
    row_bytes_[at(s)] = byte_size(y) / y.dims[1];
    first_read_[at(s)] = reads_;
    for (int i = 0; i < n.input_count; ++i) {
      const std::int32_t t = n.inputs[at(i)];
      if (t < 0 || !in_arena(g.tensors[t])) {
        // a constant beside a windowed input is weights; an operand of a row-wise node must be the same for all rows
        if (t >= 0 && row_wise && i != n.epi.table && g.tensors[t].kind == tensor_kind::constant && !same_for_rows(g.tensors[t])) return "a constant that differs by rows";
        continue;
      }
      const bool windowed = i == 0;
      const row_window own = windowed ? window : row_window{1, 1, 0};
      if (!windowed && !row_wise && i != n.epi.residual) return "weights that are computed";
      const tensor_desc& x = g.tensors[t];
      if (!by_rows(x) || (own.size == 1 && own.stride == 1 && x.dims[1] != y.dims[1])) return "an operand with other rows";
      read r{s, i, -1, t, own};
      for (int k = 0; k < s; ++k)
        if (tensor(k) == t) r.source = k;
      if (r.source < 0 && x.kind == tensor_kind::app_readwrite) return "a state";
      if (r.source < 0 && (!windowed || row_wise) && byte_size(x) / x.dims[1] % arena_alignment != 0) return "rows that are not whole lines of 16 bytes";
      if (reads_ == most_reads || reads_ - first_read(s) == 4) return "too many operands";
      read_height_[at(reads_)] = x.dims[1];
      read_bytes_[at(reads_)] = byte_size(x) / x.dims[1];
      read_[at(reads_++)] = r;
    }
    first_read_[at(s + 1)] = reads_;
    return reads_ == first_read(s) ? "a node that reads only constants" : nullptr;
  }
  static constexpr bool by_rows(const tensor_desc& t) {
    return t.dims.rank() == 4 && t.dims[0] == 1 && bits_of(t.type) >= 8 && !(t.enc.per_axis() && t.enc.axis < 2);
  }
  static constexpr bool same_for_rows(const tensor_desc& t) { return t.dims.rank() < 3 || t.dims[t.dims.rank() - 3] == 1; }

  band_chain chain_;
  const char* fault_ = nullptr;
  int stages_ = 0, reads_ = 0;
  bool begun_ = false;
  std::array<int, most_stages> tensor_{};
  std::array<std::int32_t, most_stages> height_{}, made_{}, end_{}, low_{}, before_{};
  std::array<std::int64_t, most_stages> row_bytes_{};
  std::array<int, most_stages + 1> first_read_{};
  std::array<read, most_reads> read_{};
  std::array<std::int32_t, most_reads> read_height_{};
  std::array<std::int64_t, most_reads> read_bytes_{};
};

/// What a chain needs: line buffers and scratch, as one piece of memory that is the scratch of the whole chain.
struct band_memory {
  const char* fault = nullptr;
  std::int64_t bytes = 0;
  std::int64_t moved = 0;  // bytes that one run moves inside buffers
  std::int32_t calls = 0;  // of kernels in one run
  unsigned code = 0;
  std::array<std::int32_t, band_walk::most_stages> rows{};        // of the buffer of each stage but the last
  std::array<std::int64_t, band_walk::most_stages> offset{};      // of the buffer
  std::array<std::int64_t, band_walk::most_stages> scratch{};     // where the stage's scratch is
  std::array<std::int64_t, band_walk::most_stages> scratch_bytes{};
  // Tensors that enter, and how far before each the chain's output must begin to share its memory.
  std::array<std::int32_t, max_inputs> enters{};
  std::array<std::int64_t, max_inputs> distance{};
  int enter_count = 0;
};

namespace detail {
/// The distance that serves both: of another band, and so far.
constexpr std::int64_t worse_distance(std::int64_t a, std::int64_t b) {
  if (a == no_overlap || b == no_overlap) return no_overlap;
  if (a == in_place_only || b == in_place_only) return a + b <= in_place_only ? in_place_only : no_overlap;
  return a > b ? a : b;
}
}  // namespace detail

/// Walks the chain and places its buffers. ask(stage, shape) says what the stage's kernel wants for a band.
template <class Ask>
constexpr band_memory plan_bands(const graph_view& g, band_chain c, const bool* row_wise, Ask&& ask) {
  band_memory m;
  band_walk w(g, c, row_wise);
  m.fault = w.fault();
  if (m.fault) return m;
  constexpr auto at = [](int i) { return static_cast<std::size_t>(i); };
  std::array<band_shape, band_walk::most_stages> seen{};
  std::array<std::array<std::int64_t, 4>, band_walk::most_stages> distance{};
  std::array<bool, band_walk::most_stages> stays{};
  for (int r = 0; r < w.reads(); ++r) {
    if (w.read_at(r).source >= 0) continue;
    int e = 0;
    while (e < m.enter_count && m.enters[at(e)] != w.read_at(r).tensor) ++e;
    if (e == max_inputs) return m.fault = "too many tensors enter", m;
    if (e == m.enter_count) m.enters[at(m.enter_count++)] = w.read_at(r).tensor;
  }
  while (w.next()) {
    for (int s = 0; s < w.stages(); ++s) {
      if (s + 1 < w.stages()) {
        if (w.kept(s) > 0) stays[at(s)] = true;
        if (w.kept(s) > 0 && w.leaving(s) > 0) m.moved += w.kept(s) * w.row_bytes(s);
        if (w.end(s) - w.low(s) > m.rows[at(s)]) m.rows[at(s)] = w.end(s) - w.low(s);
      }
      const band_shape shape = w.shape_of(s);
      if (shape.rows > 0) ++m.calls;
      if (shape.rows == 0 || shape == seen[at(s)]) continue;
      const band_asks a = ask(s, shape);
      if (!a.same) return m.fault = "a kernel that depends on the height of the image", m;
      m.code |= a.code;
      if (a.scratch > m.scratch_bytes[at(s)]) m.scratch_bytes[at(s)] = a.scratch;
      for (std::size_t i = 0; i < 4; ++i)
        distance[at(s)][i] = seen[at(s)].rows == 0 ? a.distance[i] : detail::worse_distance(distance[at(s)][i], a.distance[i]);
      seen[at(s)] = shape;
    }
    for (int r = 0; r < w.reads(); ++r) {
      const band_walk::read& x = w.read_at(r);
      if (x.source >= 0) {
        if (w.end(x.stage) > w.made(x.stage) && w.rows_from(r) != w.low(x.source)) stays[at(x.source)] = true;
        continue;
      }
      for (int e = 0; e < m.enter_count; ++e)
        if (const std::int64_t d = w.distance(r); m.enters[at(e)] == x.tensor && d > m.distance[at(e)]) m.distance[at(e)] = d;
    }
  }

  // The buffers as tensors of a graph of their own: those that keep rows live for ever.
  constexpr std::size_t most = band_walk::most_stages;
  std::array<tensor_desc, most> tensors{};
  std::array<node_desc, most> nodes{};
  std::array<std::int64_t, most * 4> asked{};
  for (int s = 0; s < w.stages(); ++s) {
    tensor_desc& t = tensors[at(s)];
    t.kind = s + 1 == w.stages() ? tensor_kind::null : stays[at(s)] ? tensor_kind::app_readwrite : tensor_kind::native;
    t.type = dtype::uint_8;
    t.dims = {static_cast<std::int32_t>(m.rows[at(s)] * w.row_bytes(s))};
    node_desc& n = nodes[at(s)];
    n.outputs[0] = s;
    n.output_count = 1;
    const int from = w.first_read(s), count = w.first_read(s + 1) - from;
    n.input_count = count;
    for (int i = 0; i < count; ++i) {
      n.inputs[at(i)] = w.read_at(from + i).source;
      asked[at(s) * 4 + at(i)] = distance[at(s)][at(i)];
    }
  }
  graph_view inner;
  inner.tensors = tensors.data();
  inner.tensor_count = w.stages();
  inner.nodes = nodes.data();
  inner.node_count = w.stages();
  std::array<int, most> born{}, dies{}, order{};
  std::array<std::int64_t, most> size{};
  plan_buffers b{born.data(), dies.data(), order.data(), size.data(), m.offset.data(), m.scratch.data(), asked.data(), m.scratch_bytes.data(), 4};
  lifetimes(inner, b);
  m.bytes = best_plan(inner, b);
  return m;
}

}  // namespace qnnx::inline QNNX_ABI
