// SPDX-License-Identifier: Apache-2.0
#pragma once
// Products of bytes in tiles (AMX): 32 pixels by 32 channels or 16 by 64 at a time, the sums of 64 channels side by side in memory,
// where take_bytes finishes them a few rows at a time between the steps of the next block: a tile product keeps its unit
// busy for 16 cycles, in which vectors finish about two rows.
// Rows of a data tile lie a constant step apart. Of a window with strides of 1 they are pixels of the data, or of its copy
// with the padding around it, taken as one long line (`flat`): tap (kh, kw) is one byte offset, and sums of positions that
// are no output are dropped. Other windows, and blocks that would read beyond the data or share memory with the result,
// are staged: their taps are copied side by side.
// Packed weights: per 16 channels [run][piece][16][4], a run in steps of up to 16 pieces of equal size, rounded up with
// zero weights, which meet whatever data follows. Layer 5a.

#include "qnnx/kernel/x86/dot_windows.hpp"
#include "qnnx/kernel/x86/tile_passes.hpp"

#if QNNX_HAS_AMX
namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr std::int64_t tile_weights = 1024 * 1024;  // of which all blocks of pixels are made before others

/// How a window is laid out for tiles.
struct tile_layout {
  bool flat = false;
  packed_layout packed;
  std::int64_t steps = 1;  // of a run

  constexpr explicit tile_layout(const window_shape& s) : flat(is_flat(s)), packed(s, 16, 4) {
    if (!flat) {  // staged taps are one run
      packed.runs = 1;
      packed.pieces = (s.taps() + 3) / 4;
    }
    packed.group = 1;
    steps = (packed.pieces + 15) / 16;
    packed.pieces = (packed.pieces + steps - 1) / steps * steps;
  }
  /// Where positions that are no output would cost more than staging: about 3 cycles per step of a pixel, a position 1
  /// per step and vector of channels. Does not depend on the rows of a product.
  static constexpr bool is_flat(const window_shape& s) {
    if (s.pointwise()) return true;
    if (s.stride_h != 1 || s.stride_w != 1) return false;
    const padded_image image = padded_of(s, 1);
    if (s.padded && !image.needed) return false;
    const std::int64_t positions = s.batch * image.rows() * (image.needed ? image.padded_width : s.width);
    return (positions - s.pixels()) * ((s.group_channels() + 15) / 16) <= 3 * s.pixels();
  }
  constexpr int step_pieces() const { return static_cast<int>(packed.pieces / steps); }
  constexpr std::int64_t run_bytes() const { return packed.pieces * 4; }
  constexpr std::int64_t row_bytes() const { return packed.runs * run_bytes(); }  // of a staged pixel
  constexpr std::int64_t staged_bytes(const window_shape& s) const {
    if (flat && padded_of(s, 1).needed) return 0;
    const bool gaps = flat && !s.pointwise();  // a block may have more rows than there are outputs
    return (!gaps && s.pixels() < tile_pixels ? s.pixels() : tile_pixels) * row_bytes();
  }
};

namespace detail {

QNNX_INLINE void copy_run(std::byte* to, const std::byte* from, std::int64_t n) {
  for (; n >= 64; n -= 64, to += 64, from += 64) _mm512_storeu_si512(to, _mm512_loadu_si512(from));
  if (n <= 0) return;
  const __mmask64 mask = (1ull << n) - 1;
  _mm512_mask_storeu_epi8(to, mask, _mm512_maskz_loadu_epi8(mask, from));
}

/// Output positions as tiles count them: lines of `line`, of which the first `width` are outputs, `lines` of an image, of
/// which the first `height` are.
struct tile_grid {
  std::int64_t line, width, lines, height;
  std::int64_t position(std::int64_t pixel) const {
    const std::int64_t row = pixel / width;
    return (row / height * lines + row % height) * line + pixel % width;
  }
  /// The first position from `at` on that is an output.
  std::int64_t output_from(std::int64_t at) const {
    std::int64_t row = at / line;
    std::int64_t column = at % line;
    if (column >= width) column = 0, ++row;
    if (row % lines >= height) column = 0, row += lines - row % lines;
    return row * line + column;
  }
  /// The block of at most `most` positions from `from` on, which is an output; returns where it ends.
  std::int64_t fill(tile_block& b, std::int64_t from, std::int64_t most) const {
    std::int64_t column = from % line;
    std::int64_t row = from / line;
    b.count = 0;
    std::int64_t at = 0;
    while (at < most) {
      if (column < width && row % lines < height) {
        const std::int64_t left = width - column < most - at ? width - column : most - at;
        b.segments[b.count++] = {static_cast<int>(at), static_cast<int>(left), (row / lines * height + row % lines) * width + column};
        b.rows = static_cast<int>(at + left);
        column += left;
        at += left;
      }
      if (at < most) at += line - column, column = 0, ++row;
    }
    return from + at;
  }
};

}  // namespace detail

/// All sums of a convolution or product, to take_bytes. `staging`: tile_layout::staged_bytes.
template <bool Signed>
void tile_products(window_shape s, const tile_layout& t, window_job j, const byte_output& o, std::byte* staging) {
  const packed_layout& l = t.packed;
  packed_layout shared = l;
  shared.group = tile_columns;
  const window_share mine = share_of(s, shared, j.piece, tile_pixels);
  if (mine.pixels.from >= mine.pixels.to || mine.vectors.from >= mine.vectors.to) return;
  if (const padded_image image = padded_of(s, 1); image.needed) {
    const auto row = [&](std::int64_t pixel) {
      const std::int64_t line = pixel / s.out_w;
      return line / s.out_h * image.padded_height + line % s.out_h * s.stride_h;
    };
    j.data = image.make(j.data, j.scratch, j.padding, row(mine.pixels.from), row(mine.pixels.to - 1) + (s.kernel_h - 1) * s.dilation_h + 1);
    s.height = image.padded_height;
    s.width = image.padded_width;
    s.top = s.left = 0;
    s.padded = false;
    j.shares_memory = false;
    j.slack = 64;
  }
  const detail::row_table rows(s, j);
  detail::tile_grid grid{s.pixels(), s.pixels(), 1, 1};
  if (t.flat && !s.pointwise()) grid = {s.width, s.out_w, s.height, s.out_h};
  // Offsets of the runs: in the data, in a staged pixel.
  std::int64_t in_data[most_runs], in_stage[most_runs];
  const std::int64_t run_elements = s.run_elements();
  const std::int64_t taps_w = s.whole_rows() ? 1 : s.kernel_w;
  for (std::int64_t run = 0; run < s.runs(); ++run) {
    in_data[run] = (run / taps_w * s.dilation_h * s.width + run % taps_w * s.dilation_w) * s.depth;
    in_stage[run] = run * (t.flat ? t.run_bytes() : run_elements);
  }
  const bool stay = j.shares_memory && s.groups > 1;  // a block in one row of outputs: the next group reads the row again
  const std::int64_t row_length = grid.lines > 1 ? grid.line : s.out_w;
  const std::byte* const end = j.data + s.batch * s.height * s.width * s.depth + j.slack;
  const std::int64_t vector_bytes = l.runs * l.pieces * 64;
  std::int64_t chunk = tile_weights / vector_bytes / tile_columns * tile_columns;
  if (chunk < tile_columns) chunk = tile_columns;
  if (j.shares_memory || s.groups > 1) chunk = mine.vectors.to - mine.vectors.from;
  detail::tile_block blocks[2];
  alignas(64) std::int32_t sums[2][(tile_pixels + 4) * 16 * tile_columns];  // take_bytes reads rows by four
  int block_turn = 0, sums_turn = 0, configured = 0;
  detail::pending_sums pending(o, plain_results(s, o, o.packed, true));
  detail::pass_input in;
  in.runs = l.runs, in.steps = t.steps, in.step_bytes = t.step_pieces() * 4, in.vector_bytes = vector_bytes;
  for (std::int64_t first = mine.vectors.from; first < mine.vectors.to; first += chunk) {
    const std::int64_t last = first + chunk < mine.vectors.to ? first + chunk : mine.vectors.to;
    const std::int64_t stop = grid.position(mine.pixels.to - 1) + 1;
    for (std::int64_t at = grid.position(mine.pixels.from); at < stop;) {
      const std::int64_t from = grid.output_from(at);
      std::int64_t most = stop - from;
      if (most >= 2 * tile_pixels || most <= tile_pixels + 16) most = most < tile_pixels ? most : tile_pixels;
      else most = (most + 1) / 2;  // 17 to 31 pixels alone would wait for their sums
      if (stay && most > row_length - from % row_length) most = row_length - from % row_length;
      detail::tile_block& block = blocks[block_turn ^= 1];
      at = grid.fill(block, from, most);
      if (configured != block.rows) tiles::configure(configured = block.rows, t.step_pieces());
      for (std::int64_t g = 0; g < s.groups; ++g) {
        const std::byte* const corner = j.data + from * s.depth + g * s.group_depth();
        const bool direct = t.flat && !j.shares_memory && corner + (block.rows - 1) * s.depth + in_data[s.runs() - 1] + t.run_bytes() <= end;
        in.data = direct ? corner : staging;
        in.row_step = direct ? s.depth : t.row_bytes();
        in.run_at = direct ? in_data : in_stage;
        if (!direct) {
          const std::byte* table[most_runs * tile_rows];
          for (int k = 0; k < block.count; ++k)
            for (int r = 0; r < block.segments[k].rows; r += tile_rows) {
              const detail::tile_segment& part = block.segments[k];
              const int have = part.rows - r < tile_rows ? part.rows - r : tile_rows;
              rows.fill(part.pixel + r, have, g * s.group_depth(), table);
              for (int p = 0; p < have; ++p)
                for (std::int64_t run = 0; run < s.runs(); ++run)
                  detail::copy_run(staging + (part.row + r + p) * t.row_bytes() + in_stage[run], table[run * tile_rows + p], run_elements);
            }
        }
        const std::byte* packed = o.packed + g * o.packed_step;
        packed_flags flags;
        std::memcpy(&flags, packed, sizeof flags);
        if (flags.weight_offset) {
          pending.rest();  // of the group before, whose sums of data these replace
          for (int k = 0; k < block.count; ++k)
            for (int r = block.segments[k].row; r < block.segments[k].row + block.segments[k].rows; ++r) {
              std::int32_t sum = 0;
              for (std::int64_t run = 0; run < s.runs(); ++run)
                sum += byte_sum(in.data + r * in.row_step + in.run_at[run], run_elements, Signed ? 0x80808080u : 0);
              block.data_sums[r] = sum - (Signed ? 128 * static_cast<std::int32_t>(s.taps()) : 0);
            }
        }
        for (std::int64_t v = first; v < last; v += tile_columns) {
          const std::int64_t vectors = last - v < tile_columns ? last - v : tile_columns;
          std::int32_t* made = sums[sums_turn ^= 1];
          for (std::int64_t c = 0; c < vectors;) {
            in.w = packed + l.panels_at(packed_words) + (v + c) * vector_bytes;
            in.bias = packed + l.word(bias_word) + (v + c) * 64;
            in.sums = made + c * 16;
            c += detail::tile_pass<Signed>(in, block.rows > 16, vectors - c, pending);
          }
          pending.rest();
          const std::int64_t left = l.channels - v * 16;
          pending.begin(block, made, g * l.channels + v * 16, left < vectors * 16 ? left : vectors * 16);
        }
      }
    }
  }
  pending.rest();
  tiles::release();
}

/// The 8-bit half of accumulate_kernel and matmul_kernel with tiles. Few rows with 4-bit weights stay with vpdpbusd: they
/// wait for memory.
struct tile_windows : dot_windows<u8s8x16> {
  static constexpr bool flips = false;

  static constexpr packed_layout layout(const window_shape& s, dtype) { return tile_layout(s).packed; }
  static constexpr std::int64_t packed_bytes(const window_shape& s, dtype weights) { return layout(s, weights).bytes(packed_words) * s.groups; }
  static constexpr std::int64_t patches(const window_shape& s) { return (window_scratch(s, 1) + 63) / 64 * 64; }
  static constexpr std::int64_t scratch_bytes(const window_shape& s) { return (patches(s) + tile_layout(s).staged_bytes(s) + 63) / 64 * 64; }
  static constexpr bool copies(const window_shape&) { return false; }
  /// Windows of few channels are tiles too: the weights of thin_windows.hpp have another order and do not fit in this packed form.
  static constexpr std::int64_t thin_scratch(const window_shape&) { return 0; }
  static constexpr int parts(const window_shape& s, dtype weights) {
    packed_layout l = layout(s, weights);
    l.group = tile_columns;
    return window_parts(s, l);
  }
  template <class Call>
  static void pack(const Call& c, const window_shape& s, weight_steps step, std::int64_t first, bool once, std::byte* out, std::int64_t origin = 0) {
    const auto w = c.template in<1>();
    const byte_scales q{c.template in<0>().offset(), false, c.constants() + finish_constants::header, w.q->scales != nullptr, c.rounding().mode(), once};
    pack_bytes(layout(s, dtype::sfixed_8), s, w, origin, step, c.template in<2>(), first, q, out);
  }
  template <bool Once, class Call>
  static void run(const Call& c, const window_shape& s, const packed_layout& l, window_job j, const std::byte* packed, std::int64_t first) {
    const auto x = c.template in<0>();
    const finish<Call, Once> done(c, c.template in<1>().q->scales != nullptr);
    byte_output o = output(c, done, s, l, packed, Once);
    o.first_pixel = first;
    o.packed_step = j.packed_step;
    j.padding = static_cast<std::uint8_t>(x.zero());
    tile_products<is_signed_fixed(Call::out_type::code)>(s, tile_layout(s), j, o, j.scratch + patches(s));
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
