// SPDX-License-Identifier: Apache-2.0
#pragma once
// Convolutions and matrix products as one loop: for a tile of output pixels and a group of output channels, sum over
// the runs of the window. A run is a stretch of the window that lies contiguous in memory: a row of taps (kw * Ci
// elements), or one tap where dilation or groups break rows apart. Nothing is copied but windows that touch padding.
// Packed weights: per group of channel vectors [run][piece][vector][lanes], a piece is 4 bytes of the run (its weights 2
// or 4: packed_layout::lane_bytes); the rest of a last piece meets zero weights. Groups are as equal as tiles of as many
// rows allow: 6 vectors are 3 + 3, 7 (of bytes) 3 + 3 + 1.
// Sums go to memory and from there to a sink, or, where nothing but a scale and a clamp is left, are finished in
// registers (`Finish`). A 1x1 convolution needs no row table: its rows are a stride apart. The
// tiles: product_tiles.hpp.
// The output may begin the reference's distance before its dying input: a row of outputs never reaches input rows that
// it or later rows need, so a tile writes after it has read and, for several groups, stays inside one row. Layer 5a.

#include <cstring>

#include "qnnx/kernel/contract.hpp"
#include "qnnx/kernel/x86/product_tiles.hpp"

namespace qnnx::inline QNNX_ABI::kernel::x86 {

inline constexpr int batch_rows = 32;  // pixels whose sums are made before they are finished together

/// A convolution's extents; a matrix product is a 1x1 convolution of `out_w` pixels.
struct window_shape {
  std::int64_t batch = 1, height = 1, width = 1, depth = 1;     // data, NHWC
  std::int64_t out_h = 1, out_w = 1, channels = 1;              // result
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1, top = 0, left = 0;
  std::int64_t groups = 1;
  bool padded = false;

  constexpr std::int64_t group_depth() const { return depth / groups; }
  constexpr std::int64_t group_channels() const { return channels / groups; }
  constexpr bool whole_rows() const { return groups == 1 && (dilation_w == 1 || kernel_w == 1); }
  constexpr std::int64_t runs() const { return whole_rows() ? kernel_h : kernel_h * kernel_w; }
  constexpr std::int64_t run_elements() const { return whole_rows() ? kernel_w * depth : group_depth(); }
  constexpr std::int64_t taps() const { return runs() * run_elements(); }
  constexpr std::int64_t pixels() const { return batch * out_h * out_w; }
  /// Every window is one pixel, in order.
  constexpr bool pointwise() const { return kernel_h == 1 && kernel_w == 1 && stride_h == 1 && stride_w == 1 && !padded; }
};

/// Where things lie in the packed form of one channel group; sizes in bytes.
struct packed_layout {
  std::int64_t runs = 0, pieces = 0;  // pieces per run
  std::int64_t channels = 0;          // of one channel group
  std::int64_t padded = 0;            // rounded up to whole vectors
  std::int64_t vectors = 0;
  std::int64_t group = 1;             // vectors made at once
  int lanes = 16;
  int lane_bytes = 4;                 // of weights, per channel and piece

  constexpr packed_layout(const window_shape& s, int vector_lanes, int piece_elements, int weight_bytes = 4)
      : runs(s.runs()),
        pieces((s.run_elements() + piece_elements - 1) / piece_elements),
        channels(s.group_channels()),
        padded((channels + vector_lanes - 1) / vector_lanes * vector_lanes),
        vectors(padded / vector_lanes),
        lanes(vector_lanes),
        lane_bytes(weight_bytes) {
    const std::int64_t most = most_group(vector_lanes);
    const std::int64_t groups = (vectors + most - 1) / most;
    group = (vectors + groups - 1) / groups;
    // Tiles of bytes have the same rows in all groups: four vectors only where all groups have four (detail::rows_for)
    if (piece_elements > 1 && group == 4 && vectors % 4 != 0) group = 3;
  }
  /// Most vectors of channels that a tile of one arithmetic takes: registers are 32 or 16.
  static constexpr int most_group(int vector_lanes) { return vector_lanes == 16 ? 4 : 2; }
  constexpr std::int64_t word(int i) const { return 64 + i * padded * 4; }  // arrays of one 32-bit word per channel
  constexpr std::int64_t panels_at(int words) const { return (word(words) + 63) / 64 * 64; }
  constexpr std::int64_t panel_bytes() const { return runs * pieces * padded * lane_bytes; }
  constexpr std::int64_t bytes(int words) const { return (panels_at(words) + panel_bytes() + 63) / 64 * 64; }
  /// Byte offset, from the first panel, of lane `o` of piece `piece` of run `run`.
  constexpr std::int64_t at(std::int64_t run, std::int64_t piece, std::int64_t o) const {
    const std::int64_t first = o / lanes / group * group;  // vector that the group begins with
    const std::int64_t wide = vectors - first < group ? vectors - first : group;
    return ((first * runs * pieces + ((run * pieces + piece) * wide + (o / lanes - first))) * lanes + o % lanes) * lane_bytes;
  }
};

/// A copy of the data with its padding around it, cut to what windows read.
struct padded_image {
  std::int64_t batch, height, width, pixel_bytes;  // the data
  std::int64_t padded_height, padded_width, top, left;
  bool needed;

  constexpr std::int64_t line() const { return (needed ? padded_width : width) * pixel_bytes; }
  constexpr std::int64_t rows() const { return needed ? padded_height : height; }
  constexpr std::int64_t bytes() const { return batch * rows() * line(); }
  /// Windows may read up to 64 bytes more than there are.
  constexpr std::int64_t scratch() const { return needed ? bytes() + 64 : 0; }
  /// Rows [from_row, to_row) of the copy, counted over the batch; the others are not touched.
  const std::byte* make(const std::byte* data, std::byte* to, std::uint8_t padding, std::int64_t from_row = 0, std::int64_t to_row = -1) const {
    if (!needed) return data;
    if (to_row < 0) to_row = batch * padded_height;
    const std::int64_t wide = width < padded_width - left ? width : padded_width - left;
    const std::byte* const first = to;
    to += from_row * line();
    for (std::int64_t n = from_row / padded_height, r = from_row % padded_height; n * padded_height + r < to_row; r = 0, ++n)
      for (; r < padded_height && n * padded_height + r < to_row; ++r, to += line()) {
        const std::int64_t from = r - top;
        if (from < 0 || from >= height || wide <= 0) {
          std::memset(to, padding, static_cast<std::size_t>(line()));
          continue;
        }
        std::memset(to, padding, static_cast<std::size_t>(left * pixel_bytes));
        std::memcpy(to + left * pixel_bytes, data + (n * height + from) * width * pixel_bytes, static_cast<std::size_t>(wide * pixel_bytes));
        std::memset(to + (left + wide) * pixel_bytes, padding, static_cast<std::size_t>((padded_width - left - wide) * pixel_bytes));
      }
    return first;
  }
};
/// Padded data up to this size is copied; of larger data only the windows that touch the padding.
inline constexpr std::int64_t most_copied = 256 * 1024;
constexpr padded_image padded_of(const window_shape& s, std::int64_t element_bytes) {
  padded_image p{s.batch, s.height, s.width, s.depth * element_bytes, (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1,
                 (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1, s.top, s.left, s.padded};
  p.needed = s.padded && p.bytes() <= most_copied;
  return p;
}

/// Bytes of scratch: a run of padding, and the windows of one tile that touch padding or the end of the data.
constexpr std::int64_t window_scratch(const window_shape& s, int element_bytes) {
  const bool ragged = s.run_elements() * element_bytes % 4 != 0;
  if (!s.padded && !ragged) return 0;
  if (const padded_image p = padded_of(s, element_bytes); p.needed) return p.scratch();
  const std::int64_t run = (s.run_elements() * element_bytes + 3) / 4 * 4;
  return run * (1 + tile_rows * s.runs());
}
inline constexpr std::int64_t most_runs = 64;

#if QNNX_HAS_AVX2
/// Takes the sums of up to batch_rows pixels: [rows][A::group * lanes] of pixels from `pixel` on, channels [channel, channel + count).
struct tile_sink {
  void (*take)(const void* self, const std::byte* sums, int rows, std::int64_t pixel, std::int64_t channel, std::int64_t count);
  const void* self;
};

struct window_job {
  const std::byte* data = nullptr;
  std::int64_t element_bytes = 1;
  const std::byte* packed = nullptr;       // panels of the first channel group
  const std::byte* bias = nullptr;         // one word per channel, padded to vectors
  std::int64_t packed_step = 0;            // bytes from one channel group's packed form to the next
  std::byte* scratch = nullptr;
  std::uint8_t padding = 0;                // byte that stands for real 0
  std::uint32_t flip = 0;                  // 0x80808080: signed data
  bool shares_memory = false;              // output and input have bytes in common
  std::int64_t slack = 0;                  // bytes after the data that may be read
  part piece{};                            // of the work
  slice vectors{0, -1};                    // of channels, where the caller has divided the work
};

/// What one piece makes: all channels of some pixels, or some vectors of channels of all pixels where the weights are
/// large beside the data or pixels are few.
struct window_share {
  slice pixels;
  slice vectors;
};
constexpr window_share share_of(const window_shape& s, const packed_layout& l, part p, int tile) {
  const slice all{0, s.pixels()};
  if (p.count == 1) return {all, {0, l.vectors}};
  const bool enough = s.groups == 1 && l.vectors >= static_cast<std::int64_t>(p.count) * l.group;
  if (enough && (s.pixels() < 4 * tile * p.count || l.panel_bytes() > 512 * 1024)) return {all, slice_of(p, l.vectors, l.group)};
  return {slice_of(p, s.pixels(), tile), {0, l.vectors}};
}
/// Most pieces worth making.
constexpr int window_parts(const window_shape& s, const packed_layout& l) {
  const std::int64_t tiles = (s.pixels() + tile_rows - 1) / tile_rows;
  const std::int64_t columns = s.groups == 1 ? l.vectors / l.group : 1;
  const std::int64_t most = tiles > columns ? tiles : columns;
  return static_cast<int>(most < 1 ? 1 : most < 256 ? most : 256);
}

namespace detail {

/// Fills the row table of a tile: table[run * tile_rows + r] is where run `run` of pixel first + r begins. Rows beyond
/// the last repeat it.
class row_table {
 public:
  row_table(const window_shape& s, const window_job& j) : s_(s), j_(j) {
    pixel_bytes_ = s.depth * j.element_bytes;
    line_bytes_ = s.width * pixel_bytes_;
    run_bytes_ = s.run_elements() * j.element_bytes;
    read_bytes_ = (run_bytes_ + 3) / 4 * 4;
    end_ = j.data + s.batch * s.height * line_bytes_ + j.slack;
    if (s.padded || (read_bytes_ != run_bytes_ && j.slack == 0)) std::memset(j.scratch, j.padding, static_cast<std::size_t>(read_bytes_));
    const std::int64_t reach_w = (s.kernel_w - 1) * s.dilation_w;
    inside_from_ = (s.left + s.stride_w - 1) / s.stride_w;  // first output column with nothing left of the data
    inside_to_ = s.width - 1 - reach_w + s.left < 0 ? 0 : (s.width - 1 - reach_w + s.left) / s.stride_w + 1;
    step_ = s.stride_w * pixel_bytes_;
    line_step_ = s.stride_h * line_bytes_ - s.out_w * step_;
    batch_step_ = s.height * line_bytes_ - s.out_h * s.stride_h * line_bytes_;
    reach_ = (s.kernel_h - 1) * s.dilation_h * line_bytes_ + (s.whole_rows() ? 0 : reach_w * pixel_bytes_);
  }
  /// Whether windows may have to be copied into scratch, which serves one tile at a time.
  bool patches() const { return s_.padded || (read_bytes_ != run_bytes_ && j_.slack == 0); }
  /// `group` bytes into each pixel.
  void fill(std::int64_t first, int rows, std::int64_t group, const std::byte** table) const {
    auto ow = static_cast<std::int64_t>(static_cast<std::uint32_t>(first) % static_cast<std::uint32_t>(s_.out_w));
    const auto line = static_cast<std::uint32_t>(first) / static_cast<std::uint32_t>(s_.out_w);
    auto oh = static_cast<std::int64_t>(line % static_cast<std::uint32_t>(s_.out_h));
    auto n = static_cast<std::int64_t>(line / static_cast<std::uint32_t>(s_.out_h));
    const bool inside = !s_.padded || (ow >= inside_from_ && ow + rows <= inside_to_ && oh * s_.stride_h >= s_.top &&
                                       oh * s_.stride_h - s_.top + (s_.kernel_h - 1) * s_.dilation_h < s_.height);
    if (inside) {
      alignas(64) const std::byte* corner[tile_rows];
      std::int64_t w = ow;
      const std::byte* at = j_.data + (n * s_.height + oh * s_.stride_h - s_.top) * line_bytes_ + (ow * s_.stride_w - s_.left) * pixel_bytes_ + group;
      std::int64_t h = oh;
      for (int r = 0; r < rows; ++r) {
        corner[r] = at;
        at += step_;
        if (++w == s_.out_w) {
          w = 0;
          at += line_step_;
          if (++h == s_.out_h) h = 0, at += batch_step_;
        }
      }
      if (corner[rows - 1] + reach_ + read_bytes_ <= end_) {
        for (int r = rows; r < tile_rows; ++r) corner[r] = corner[rows - 1];
        const __m256i low = _mm256_load_si256(reinterpret_cast<const __m256i*>(corner));
        const __m256i high = _mm256_load_si256(reinterpret_cast<const __m256i*>(corner + 4));
        const std::int64_t line_step = s_.dilation_h * line_bytes_;
        const std::int64_t taps = s_.whole_rows() ? 1 : s_.kernel_w;
        for (std::int64_t kh = 0; kh < s_.kernel_h; ++kh)
          for (std::int64_t kw = 0; kw < taps; ++kw, table += tile_rows) {
            const __m256i add = _mm256_set1_epi64x(kh * line_step + kw * s_.dilation_w * pixel_bytes_);
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(table), _mm256_add_epi64(low, add));
            _mm256_storeu_si256(reinterpret_cast<__m256i*>(table + 4), _mm256_add_epi64(high, add));
          }
        return;
      }
    }
    for (int r = 0; r < tile_rows; ++r) {
      if (r >= rows) {
        for (std::int64_t i = 0; i < s_.runs(); ++i) table[i * tile_rows + r] = table[i * tile_rows + rows - 1];
        continue;
      }
      one_pixel(n, oh, ow, r, group, table + r);
      if (++ow == s_.out_w) {
        ow = 0;
        if (++oh == s_.out_h) oh = 0, ++n;
      }
    }
  }

 private:
  void one_pixel(std::int64_t n, std::int64_t oh, std::int64_t ow, int r, std::int64_t group, const std::byte** table) const {
    std::byte* patch = j_.scratch + read_bytes_ * (1 + r * s_.runs());
    const std::int64_t left = ow * s_.stride_w - s_.left;
    std::int64_t run = 0;
    for (std::int64_t kh = 0; kh < s_.kernel_h; ++kh) {
      const std::int64_t ih = oh * s_.stride_h - s_.top + kh * s_.dilation_h;
      const bool row_inside = ih >= 0 && ih < s_.height;
      const std::byte* line = j_.data + (n * s_.height + ih) * line_bytes_ + group;
      if (s_.whole_rows()) {
        const std::byte*& to = table[run * tile_rows];
        if (!row_inside) {
          to = j_.scratch;
        } else {
          const std::byte* from = line + left * pixel_bytes_;
          to = from;
          if (left < 0 || left + s_.kernel_w > s_.width || from + read_bytes_ > end_) {
            std::byte* made = patch + run * read_bytes_;
            const std::int64_t skip = left < 0 ? -left : 0;
            std::int64_t stop = s_.width - left;
            stop = stop < s_.kernel_w ? stop : s_.kernel_w;
            std::memset(made, j_.padding, static_cast<std::size_t>(read_bytes_));
            if (stop > skip)
              std::memcpy(made + skip * pixel_bytes_, from + skip * pixel_bytes_, static_cast<std::size_t>((stop - skip) * pixel_bytes_));
            to = made;
          }
        }
        ++run;
      } else {
        for (std::int64_t kw = 0; kw < s_.kernel_w; ++kw, ++run) {
          const std::int64_t iw = left + kw * s_.dilation_w;
          const std::byte*& to = table[run * tile_rows];
          if (!row_inside || iw < 0 || iw >= s_.width) {
            to = j_.scratch;
          } else {
            to = line + iw * pixel_bytes_;
            if (to + read_bytes_ > end_) {
              std::byte* made = patch + run * read_bytes_;
              std::memcpy(made, to, static_cast<std::size_t>(run_bytes_));
              to = made;
            }
          }
        }
      }
    }
  }

  const window_shape& s_;
  const window_job& j_;
  std::int64_t pixel_bytes_, line_bytes_, run_bytes_, read_bytes_, inside_from_, inside_to_, step_, line_step_, batch_step_, reach_;
  const std::byte* end_;
};

}  // namespace detail

/// All sums of a convolution, to `sink`, or with a Finish to what it makes of `finish`. `seen` is called with a tile's
/// row table, its first row in the batch and their number before its sums are made (row sums of the data); only where
/// there is no Finish.
template <class A, class Finish = detail::no_finish, class Seen>
QNNX_INLINE void window_products(window_shape s, window_job j, const tile_sink& sink, Seen&& seen, const void* finish = nullptr) {
  constexpr bool finishes = !std::is_same_v<Finish, detail::no_finish>;
  const packed_layout l(s, A::lanes, A::piece_elements, A::lane_bytes);
  int most = detail::rows_for<A>(l.group);
  window_share mine = share_of(s, l, j.piece, most);
  if (j.vectors.to >= 0) mine.vectors = j.vectors;
  if (mine.pixels.from >= mine.pixels.to || mine.vectors.from >= mine.vectors.to) return;
  if (const padded_image image = padded_of(s, j.element_bytes); image.needed) {
    const std::int64_t reach = (s.kernel_h - 1) * s.dilation_h + 1;
    const auto row = [&](std::int64_t pixel) {
      const std::int64_t line = pixel / s.out_w;
      return line / s.out_h * image.padded_height + line % s.out_h * s.stride_h;
    };
    j.data = image.make(j.data, j.scratch, j.padding, row(mine.pixels.from), row(mine.pixels.to - 1) + reach);
    s.height = image.padded_height;
    s.width = image.padded_width;
    s.top = s.left = 0;
    s.padded = false;
    j.shares_memory = false;
    j.slack = 4;
  }
  const detail::row_table rows(s, j);
  constexpr std::int64_t wide = A::group * A::lanes * 4;  // bytes of a row of sums
  const std::byte* table[most_runs * tile_rows * 2];
  alignas(64) std::byte sums[finishes ? 64 : batch_rows * wide];
  const bool stay = j.shares_memory && (l.vectors > l.group || s.groups > 1);
  bool direct = false;
  constexpr std::int64_t block_bytes = 32 * 1024;  // of data and results that stay in the first cache for all groups
  alignas(64) std::byte flipped[finishes ? detail::most_flipped + 64 : 64];
  // Tiles whose row tables are kept at once
  std::int64_t tiles = most_runs * 2 / l.runs;
  if (rows.patches()) tiles = 1;
  if (tiles > batch_rows / most) tiles = batch_rows / most;
  const std::int64_t row_bytes = s.depth * j.element_bytes;
  if constexpr (finishes) {
    direct = s.pointwise() && s.groups == 1 && !rows.patches() && (j.flip == 0 || most * row_bytes <= detail::most_flipped);
    if (direct) {
      if (most == 8 && l.group <= 2 && l.pieces <= 8) most = 4;  // finished beside the products of the next, which are few
      tiles = l.vectors <= l.group ? (s.pixels() + most - 1) / most : block_bytes / (row_bytes + s.channels) / most;
      if (j.flip != 0 && tiles * most * row_bytes > detail::most_flipped) tiles = detail::most_flipped / (most * row_bytes);
      if (tiles < 1) tiles = 1;
    }
  }
  detail::tile_input in;
  in.runs = l.runs;
  in.pieces = l.pieces;
  in.flip = j.flip;
  in.finish = finish;
  in.step = row_bytes;
  for (std::int64_t p = mine.pixels.from; p < mine.pixels.to;) {
    std::int64_t left = mine.pixels.to - p;
    if (stay && left > s.out_w - p % s.out_w) left = s.out_w - p % s.out_w;
    const int count = static_cast<int>(left < tiles * most ? left : tiles * most);
    const std::byte* panels = j.packed;
    const std::byte* bias = j.bias;
    const std::byte* data = j.data + p * row_bytes;
    if (direct && j.flip != 0) {
      detail::flip_bytes(data, count * row_bytes, j.flip, flipped);
      data = flipped;
    }
    for (std::int64_t g = 0; g < s.groups; ++g, panels += j.packed_step, bias += j.packed_step) {
      if (!direct)
        for (int r = 0, t = 0; r < count; r += most, ++t) {
          const std::byte** tile_table = table + t * l.runs * tile_rows;
          const int have = count - r < most ? count - r : most;
          rows.fill(p + r, have, g * s.group_depth() * j.element_bytes, tile_table);
          seen(tile_table, r, have);
        }
      in.w = panels + mine.vectors.from * A::lanes * A::lane_bytes * l.runs * l.pieces;
      for (std::int64_t v = mine.vectors.from; v < mine.vectors.to; v += l.group) {
        const std::int64_t vectors = l.vectors - v < l.group ? l.vectors - v : l.group;
        const std::int64_t first = v * A::lanes;
        const std::int64_t channels = l.channels - first < vectors * A::lanes ? l.channels - first : vectors * A::lanes;
        in.bias = bias + v * A::lanes * 4;
        const bool fresh = p == mine.pixels.from;  // later pixels find the weights of all groups in the cache, if any can
        in.ahead = fresh ? in.w + vectors * A::lanes * A::lane_bytes * l.runs * l.pieces : in.w;
        in.ahead_step = fresh ? detail::most_ahead : 0;
        in.channel = g * l.channels + first;
        in.channels = channels;
        for (int from = 0; from < count; from += static_cast<int>(in.rows)) {
          const int have = count - from;
          const int at_once = detail::next_rows(have, most);
          in.rows = at_once == most ? have / most * most : at_once;
          in.table = direct ? nullptr : table + from / most * l.runs * tile_rows + from % most;
          in.first = data + from * row_bytes;
          in.pixel = p + from;
          in.sums = sums + (finishes ? 0 : from * wide);
          if constexpr (finishes) {
            if (direct) {
              detail::tile_for<A, Finish, true>(at_once, vectors)(in);
              continue;
            }
          }
          detail::tile_for<A, Finish>(at_once, vectors)(in);
        }
        in.w += vectors * A::lanes * A::lane_bytes * l.runs * l.pieces;
        if constexpr (!finishes) sink.take(sink.self, sums, count, p, in.channel, channels);
      }
    }
    p += count;
  }
}
#endif

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
