// SPDX-License-Identifier: Apache-2.0
#pragma once
// The bands of a chain as data: what each makes, moves and reads, bands that differ by constant steps of their addresses
// written down once. Layer 5b; usable in constant evaluation.

#include "qnnx/ir/bands.hpp"

namespace qnnx::inline QNNX_ABI {

/// Bytes at `at` in the arena, `step` further in each repetition; `rows` rows, or bytes where they are moved.
struct band_operand {
  std::int32_t at = 0;
  std::int32_t step = 0;
  std::int32_t rows = 0;
};
/// One call: node first + stage of the chain on its arena inputs and its output; or, stage -1, a move of rows to the front
/// of a buffer: its operands are from and to.
struct band_call {
  std::int16_t stage = -1;
  std::int16_t operands = 2;
  std::int16_t top = 0;
  std::int16_t bottom = 0;
  friend constexpr bool operator==(const band_call&, const band_call&) = default;
};
/// Calls of one band, `bands` times.
struct band_group {
  std::int32_t bands = 0;
  std::int32_t calls = 0;
};

template <int Calls, int Operands, int Groups>
struct band_program {
  std::array<band_group, static_cast<std::size_t>(Groups)> groups{};
  std::array<band_call, static_cast<std::size_t>(Calls)> calls{};
  std::array<band_operand, static_cast<std::size_t>(Operands)> operands{};
  int group_count = 0, call_count = 0, operand_count = 0, bands = 0;
  bool full = false;

  constexpr void add_call(band_call c) {
    if (call_count == Calls) full = true;
    else calls[static_cast<std::size_t>(call_count++)] = c;
  }
  constexpr void add_operand(std::int64_t at, std::int64_t rows) {
    if (operand_count == Operands) full = true;
    else operands[static_cast<std::size_t>(operand_count++)] = {static_cast<std::int32_t>(at), 0, static_cast<std::int32_t>(rows)};
  }
  /// The calls from `call` on, operands from `operand` on, become a band of their own or one more of the last group.
  constexpr void end_band(int call, int operand) {
    ++bands;
    const int added = call_count - call, used = operand_count - operand;
    if (group_count > 0 && repeats(call, operand, added, used)) {
      band_group& g = groups[static_cast<std::size_t>(group_count - 1)];
      if (g.bands == 1)
        for (int i = 0; i < used; ++i) {
          band_operand& before = operands[static_cast<std::size_t>(operand - used + i)];
          before.step = operands[static_cast<std::size_t>(operand + i)].at - before.at;
        }
      ++g.bands;
      call_count = call;
      operand_count = operand;
    } else if (group_count == Groups) {
      full = true;
    } else {
      groups[static_cast<std::size_t>(group_count++)] = {1, added};
    }
  }

 private:
  constexpr bool repeats(int call, int operand, int added, int used) const {
    const band_group& g = groups[static_cast<std::size_t>(group_count - 1)];
    if (g.calls != added) return false;
    int before = 0;
    for (int i = 0; i < added; ++i) {
      if (calls[static_cast<std::size_t>(call - added + i)] != calls[static_cast<std::size_t>(call + i)]) return false;
      before += calls[static_cast<std::size_t>(call + i)].operands;
    }
    for (int i = 0; i < before; ++i) {
      const band_operand& a = operands[static_cast<std::size_t>(operand - used + i)];
      const band_operand& b = operands[static_cast<std::size_t>(operand + i)];
      if (a.rows != b.rows || (g.bands > 1 && b.at != a.at + g.bands * a.step)) return false;
    }
    return true;
  }
};

/// `offset`: of the tensors that stand whole; `base`: of the chain's buffers and scratch.
template <int Calls, int Operands, int Groups>
constexpr band_program<Calls, Operands, Groups> write_bands(const graph_view& g, band_chain c, const bool* row_wise, const band_memory& m,
                                                            const std::int64_t* offset, std::int64_t base) {
  band_program<Calls, Operands, Groups> p;
  band_walk w(g, c, row_wise);
  const int last = w.stages() - 1;
  const auto place = [&](int stage, std::int64_t row) {
    return stage == last ? offset[w.tensor(last)] + row * w.row_bytes(last)
                         : base + m.offset[static_cast<std::size_t>(stage)] + (row - w.low(stage)) * w.row_bytes(stage);
  };
  while (w.next()) {
    const int call = p.call_count, operand = p.operand_count;
    for (int s = 0; s < last; ++s) {
      if (w.kept(s) == 0 || w.leaving(s) == 0) continue;
      p.add_call({});
      p.add_operand(place(s, w.low(s)) + w.leaving(s) * w.row_bytes(s), w.kept(s) * w.row_bytes(s));
      p.add_operand(place(s, w.low(s)), w.kept(s) * w.row_bytes(s));
    }
    for (int s = 0; s <= last; ++s) {
      const band_shape shape = w.shape_of(s);
      if (shape.rows == 0) continue;
      const int first = w.first_read(s), count = w.first_read(s + 1) - first;
      p.add_call({static_cast<std::int16_t>(s), static_cast<std::int16_t>(count + 1), static_cast<std::int16_t>(shape.top), static_cast<std::int16_t>(shape.bottom)});
      for (int r = first; r < first + count; ++r) {
        const band_walk::read& x = w.read_at(r);
        p.add_operand(x.source >= 0 ? place(x.source, w.rows_from(r)) : offset[x.tensor] + w.rows_from(r) * w.read_row_bytes(r),
                      shape.in_rows[static_cast<std::size_t>(r - first)]);
      }
      p.add_operand(place(s, w.made(s)), shape.rows);
    }
    p.end_band(call, operand);
  }
  return p;
}

}  // namespace qnnx::inline QNNX_ABI
