// SPDX-License-Identifier: Apache-2.0
#pragma once
// ReduceSum, ReduceMean, ReduceMax and ReduceMin of floats, bytes and 16-bit data on vectors V, where the reduced elements or the
// kept ones lie contiguous (trailing axes; the image axes of NHWC). Integers are exact. Floats: sums in double; along
// contiguous elements in parts, so that a result is within one unit in the last place or 2^-45 of the sum of
// magnitudes; of zeros of both signs, maximum and minimum may give either. Other shapes run the reference. Threads share
// out the results (kept_share), never a sum. Layer 5a.

#include "qnnx/kernel/reduction/reference.hpp"
#include "qnnx/kernel/x86/reduction_16.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// The largest, the smallest, or sums of eight each of bytes u = q - lowest.
template <class V>
struct byte_sums {
  typename V::words bytes;
  explicit byte_sums(std::int32_t first) : bytes(V::all_bytes(first)) {}
  template <op::reduction Kind, bool Signed>
  QNNX_INLINE void add(const void* x, std::int64_t length) {
    const auto* from = static_cast<const std::uint8_t*>(x);
    const auto flip = V::all_bytes(Signed ? 0x80 : 0);
    const auto take = [&](typename V::words u, auto part) {
      if constexpr (Kind == op::reduction::max) bytes = V::select_bytes(part, V::template max_bytes<false>(bytes, u), bytes);
      else if constexpr (Kind == op::reduction::min) bytes = V::select_bytes(part, V::template min_bytes<false>(bytes, u), bytes);
      else bytes = V::add_pairs(bytes, V::sums_of_eight(V::select_bytes(part, u, V::all(0))));
    };
    V::each_bytes(length, [&](std::int64_t i, auto part) { take(V::xor_bits(flip, V::load_vector(part, from + i)), part); });
  }
};

/// The largest (smallest) of each lane, NaN where one was NaN.
template <class V, bool Largest>
struct float_pick {
  using floats = typename V::floats;
  floats best;
  decltype(V::template compare<_CMP_UNORD_Q>(floats{}, floats{})) strange;
  QNNX_INLINE explicit float_pick(floats v) : best(v), strange(V::template compare<_CMP_UNORD_Q>(v, v)) {}
  QNNX_INLINE void add(floats v) {
    best = Largest ? V::max(v, best) : V::min(v, best);  // of a NaN the second
    strange = V::either(strange, V::template compare<_CMP_UNORD_Q>(v, v));
  }
  QNNX_INLINE floats found() const { return V::select(strange, V::all(__builtin_nanf("")), best); }
};

/// The results of one piece: rows of `length` contiguous ones, cut into blocks.
struct kept_share {
  static constexpr std::int64_t block = 64;
  slice mine;             // of the blocks of all rows
  std::int64_t length = 1;

  static constexpr std::int64_t blocks(std::int64_t length) { return (length + block - 1) / block; }
  kept_share(part piece, std::int64_t rows, std::int64_t n) : mine(slice_of(piece, rows * blocks(n))), length(n) {}
  /// The results of a row that belong to the piece; none where from >= to.
  slice of_row(std::int64_t row) const {
    const std::int64_t first = row * blocks(length);
    const auto cut = [&](std::int64_t at) { return at < first ? 0 : (at - first) * block < length ? (at - first) * block : length; };
    return {cut(mine.from), cut(mine.to)};
  }
};

template <class Op, class V>
struct reduce_vectors : answers_as<Op> {
  using reference = impl<Op, isa::reference>;
  using floats = typename V::floats;
  using doubles = typename V::doubles;
  using words = typename V::words;
  static constexpr op::reduction kind = Op::kind;
  static constexpr bool picks = kind == op::reduction::max || kind == op::reduction::min;
  static constexpr bool largest = kind == op::reduction::max;

  template <class Sig>
  static constexpr bool supports =
      std::is_same_v<Sig, types::u8(types::u8)> || std::is_same_v<Sig, types::s8(types::s8)> ||
      std::is_same_v<Sig, types::f32(types::f32)> || std::is_same_v<Sig, types::f16(types::f16)> || is_half_signature<Sig>;

  /// Contiguous elements of the nest's innermost axis; 0 where there are none.
  static constexpr std::int64_t contiguous(const walk& n) {
    return n.rank > 0 && n.axes[static_cast<std::size_t>(n.rank - 1)].from == 1 ? n.axes[static_cast<std::size_t>(n.rank - 1)].extent : 0;
  }
  static constexpr bool takes(const reduce_walk& w) { return w.count <= (1 << 20) && (contiguous(w.over) > 0 || contiguous(w.kept) > 0); }
  static constexpr int parts(const node_facts& f, const op::reduce_params& p) {
    const reduce_walk w(f.c.dims(0), p.axes);
    if (!takes(w)) return kernel::parts<reference>(f, p);
    const std::int64_t results = f.c.out(0).dims.size(), row = contiguous(w.over) > 0 ? 1 : contiguous(w.kept);
    const std::int64_t all = results / row * kept_share::blocks(row);
    return static_cast<int>(all < 256 ? all : 256);
  }

  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const reduce_walk w(x.ext, c.params().axes);
    if (!takes(w)) return reference::run(c);
    const std::int64_t over = contiguous(w.over), kept = contiguous(w.kept);
    const kept_share share(c.piece, c.out().size() / (over > 0 ? 1 : kept), over > 0 ? 1 : kept);
    if constexpr (is_half_data<typename Call::out_type>) {
      using halves = sixteen_bit_reduction<Op, V, typename Call::out_type>;
      if (over > 0) halves::along(c, w.kept, outer(w.over), over, w.count, share);
      else if (!halves::across(c, outer(w.kept), kept, w.over, w.count, share) && c.piece.index == 0) reference::run(c);
    } else if (over > 0) {
      along(c, w, share);
    } else {
      across(c, w, share);
    }
  }

 private:
  /// The nest without its innermost axis.
  static walk outer(walk n) {
    --n.rank;
    return n;
  }
  /// Contiguous elements become one.
  template <class Call>
  static void along(const Call& c, const reduce_walk& w, const kept_share& share) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    const std::int64_t length = w.over.axes[static_cast<std::size_t>(w.over.rank - 1)].extent;
    const walk rows = outer(w.over);
    constexpr bool is_signed = is_signed_fixed(T::code);
    std::int64_t k = 0;
    each_place(w.kept, 0, [&](std::int64_t start) {
      if (!share.mine.holds(k)) return void(++k);
      if constexpr (is_float_v<T> && picks) {
        float_pick<V, largest> pick(V::all(static_cast<float>(x.data[start])));
        each_place(rows, start, [&](std::int64_t at) {
          V::each(length, [&](std::int64_t i, auto part) { pick.add(V::select(part, V::load(part, x.data + at + i), pick.best)); });
        });
        const float found = largest ? V::largest(pick.best) : -V::largest(V::sub(V::all(-0.0f), pick.best));
        y.store(k++, V::any(pick.strange) ? __builtin_nanf("") : found);
      } else if constexpr (is_float_v<T>) {
        doubles even = V::all(0.0);
        doubles odd = V::all(0.0);
        each_place(rows, start, [&](std::int64_t at) {
          V::each(length, [&](std::int64_t i, auto part) {
            const floats v = V::load(part, x.data + at + i);
            even = V::add(even, V::low_half(v));
            odd = V::add(odd, V::high_half(v));
          });
        });
        reference::store_sum(c, y, k++, V::total(V::add(even, odd)), w.count);
      } else {
        // unsigned bytes u = q - lowest
        byte_sums<V> acc(largest || !picks ? 0 : 255);
        each_place(rows, start, [&](std::int64_t at) {
          acc.template add<kind, is_signed>(x.data + at, length);
        });
        if constexpr (picks) {
          std::uint8_t lane[V::byte_lanes];
          V::store_vector(lane, acc.bytes);
          std::uint8_t found = lane[0];
          for (const std::uint8_t v : lane)
            if (largest ? v > found : v < found) found = v;
          reference::store_picked(c, y, k++, stored_byte<T>(found));
        } else {
          store_bytes_sum(c, y, k++, V::total_pairs(acc.bytes), w.count);
        }
      }
    });
  }
  /// Rows of kept elements, one after the other.
  template <class Call>
  static void across(const Call& c, const reduce_walk& w, const kept_share& share) {
    using T = typename Call::out_type;
    const auto x = c.template in<0>();
    const auto y = c.out();
    constexpr std::int32_t sign = is_signed_fixed(T::code) ? 0x80 : 0;
    std::int64_t row = 0;
    each_place(outer(w.kept), 0, [&](std::int64_t whole_row) {
      const slice own = share.of_row(row);
      const std::int64_t start = whole_row + own.from, first = row * share.length + own.from, length = own.to - own.from;
      ++row;
      std::int64_t done = 0;
      if constexpr (is_float_v<T> && picks) {
        constexpr std::int64_t n = V::lanes;
        for (; done + 4 * n <= length; done += 4 * n) {  // four chains
          const auto* from = x.data + start + done;
          float_pick<V, largest> p0(V::load(from)), p1(V::load(from + n)), p2(V::load(from + 2 * n)), p3(V::load(from + 3 * n));
          each_place(w.over, start + done, [&](std::int64_t at) {
            p0.add(V::load(x.data + at));
            p1.add(V::load(x.data + at + n));
            p2.add(V::load(x.data + at + 2 * n));
            p3.add(V::load(x.data + at + 3 * n));
          });
          auto* to = y.data + first + done;
          V::store(to, p0.found());
          V::store(to + n, p1.found());
          V::store(to + 2 * n, p2.found());
          V::store(to + 3 * n, p3.found());
        }
      }
      V::each(length - done, [&](std::int64_t past, auto part) {
        const std::int64_t i = done + past;
        const std::int64_t k = first + i;
        if constexpr (is_float_v<T> && picks) {
          float_pick<V, largest> pick(V::load(part, x.data + start + i));
          each_place(w.over, start + i, [&](std::int64_t at) { pick.add(V::load(part, x.data + at)); });
          V::store(part, y.data + k, pick.found());
        } else if constexpr (is_float_v<T>) {
          doubles low = V::all(0.0);
          doubles high = V::all(0.0);
          each_place(w.over, start + i, [&](std::int64_t at) {
            const floats v = V::load(part, x.data + at);
            low = V::add(low, V::low_half(v));
            high = V::add(high, V::high_half(v));
          });
          double sum[V::lanes];
          V::store(sum, low);
          V::store(sum + V::double_lanes, high);
          for (std::int64_t j = 0; j < V::lanes && i + j < length; ++j) reference::store_sum(c, y, k + j, sum[j], w.count);
        } else {
          words acc = V::all(largest || !picks ? 0 : 255);
          each_place(w.over, start + i, [&](std::int64_t at) {
            const words u = V::xor_bits(V::template load_bytes<false>(part, x.data + at), V::all(sign));
            if constexpr (kind == op::reduction::max)
              acc = V::max(acc, u);
            else if constexpr (kind == op::reduction::min)
              acc = V::min(acc, u);
            else
              acc = V::add(acc, u);
          });
          std::int32_t lane[V::lanes];
          V::store(lane, acc);
          for (std::int64_t j = 0; j < V::lanes && i + j < length; ++j) {
            if constexpr (picks)
              reference::store_picked(c, y, k + j, stored_byte<T>(static_cast<std::uint8_t>(lane[j])));
            else
              store_bytes_sum(c, y, k + j, lane[j], w.count);
          }
        }
      });
    });
  }
  template <class T>
  static typename T::storage stored_byte(std::uint8_t u) {
    return static_cast<typename T::storage>(is_signed_fixed(T::code) ? u ^ 0x80u : u);
  }
  /// `sum` of u = q - lowest over `count` elements.
  template <class Call, class Y>
  static void store_bytes_sum(const Call& c, const Y& y, std::int64_t k, std::int64_t sum, std::int64_t count) {
    const std::int64_t centre = min_value(Call::out_type::code) + c.template in<0>().offset();
    reference::store_sum(c, y, k, sum + count * centre, count);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
