// SPDX-License-Identifier: Apache-2.0
#pragma once
// MatMul as products of windows of one pixel: the right side is packed when the model is built where it is constant,
// else for every batch into scratch. A transposed left side is turned in scratch first. Layer 5a.

#include "qnnx/kernel/x86/accumulate_kernel.hpp"
#include "qnnx/kernel/x86/matrix_packing.hpp"
#include "qnnx/kernel/x86/turned_left.hpp"
#include "qnnx/op/matmul.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class Float, class Bytes>
struct matmul_kernel : answers_as<op::matmul> {
  template <class Sig>
  static constexpr bool supports = operand_types<Sig>::floats || operand_types<Sig>::bytes;

#if QNNX_HAS_AVX512VBMI
  using turning_vectors = std::conditional_t<Float::lanes == 16, avx512_vectors, avx2_vectors>;
#else
  using turning_vectors = avx2_vectors;
#endif

  /// The product of one matrix with `rows` rows.
  static constexpr window_shape window(std::int64_t rows, std::int64_t depth, std::int64_t columns) {
    window_shape s;
    s.depth = depth;
    s.height = rows;
    s.out_h = rows;
    s.channels = columns;
    return s;
  }
  /// For a right side of a type.
  static constexpr packed_layout layout_of(const window_shape& s, dtype right) {
    return is_fixed(right) ? Bytes::layout(s, right) : packed_layout(s, Float::lanes, 1);
  }
  static constexpr std::int64_t matrix_bytes(const window_shape& s, dtype right) {
    return layout_of(s, right).bytes(is_fixed(right) ? packed_words : 1);
  }
  static constexpr window_shape one_matrix(const node_facts& f, const params& p) {
    const shape& x = f.c.dims(0);
    const shape& y = f.c.out(0).dims;
    return window(y[y.rank() - 2], x[x.rank() - (p.transpose_in0 ? 2 : 1)], y[y.rank() - 1]);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    if (f.c.in(1).kind != tensor_kind::constant) return 0;
    const window_shape s = one_matrix(f, p);
    return matrix_bytes(s, f.c.in(1).type) * (f.c.dims(1).size() / (s.depth * s.channels));
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const window_shape s = one_matrix(f, p);
    const dtype right = f.c.in(1).type;
    return patch_bytes(window(f.c.out(0).dims.size() / s.channels, s.depth, s.channels), is_fixed(right)) + (f.c.in(1).kind == tensor_kind::constant ? 0 : matrix_bytes(s, right)) +
           (p.transpose_in0 ? (byte_size(f.c.in(0)) + 127) / 64 * 64 : 0);  // windows may read a vector more
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    const window_shape s = one_matrix(f, p);
    const dtype right = f.c.in(1).type;
    const std::int64_t matrices = f.c.out(0).dims.size() / (s.out_h * s.channels);
    const int one = is_fixed(right) ? Bytes::parts(s, right) : window_parts(s, layout_of(s, right));
    return static_cast<int>(matrices < 256 ? matrices * one : 256);
  }
  static constexpr std::int64_t patch_bytes(const window_shape& s, bool bytes) {
    return bytes ? Bytes::scratch_bytes(s) : float_scratch(s);
  }

  template <class Call>
  static void pack_one(const Call& c, const window_shape& s, std::int64_t matrix, std::byte* out) {
    const auto w = c.template in<1>();
    const weight_steps step = c.params().transpose_in1 ? weight_steps{1, s.depth} : weight_steps{s.channels, 1};
    const std::int64_t origin = matrix * s.depth * s.channels;
#if QNNX_HAS_AVX512VBMI
    if constexpr (Float::lanes == 16) {
      if (c.s.inputs[1].where != bank::weights && !w.q->scales) return pack_in_vectors(c, s, origin, out);
    }
#endif
    if constexpr (!is_float_v<typename Call::out_type> && Bytes::packs_matrices) {
      if (c.s.inputs[1].where != bank::weights && !w.q->scales) return Bytes::pack_matrix(c, s, c.params().transpose_in1, out, origin);
    }
    if constexpr (is_float_v<typename Call::out_type>) pack_floats<Float>(s, w, origin, step, c.template in<2>(), 0, out);
    else Bytes::pack(c, s, step, 0, false, out, origin);
  }
#if QNNX_HAS_AVX512VBMI
  /// The same for a computed matrix.
  template <class Call>
  static void pack_in_vectors(const Call& c, const window_shape& s, std::int64_t origin, std::byte* out) {
    const auto w = c.template in<1>();
    const bool columns = c.params().transpose_in1;
    if constexpr (is_float_v<typename Call::out_type>) {
      pack_float_matrix(s, reinterpret_cast<const std::byte*>(w.data + origin), columns, c.template in<2>(), out);
    } else {
      const byte_scales q{c.template in<0>().offset(), Bytes::flips && is_signed_fixed(Call::out_type::code), c.constants() + finish_constants::header, false, c.rounding().mode(), false};
      pack_byte_matrix(layout_of(s, Call::template in_type<1>::code), s, w, origin, columns, c.template in<2>(), q, out);
    }
  }
#endif
  template <class Call>
  static window_shape window_of_call(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    return window(y.extent(y.rank() - 2), x.extent(x.rank() - (c.params().transpose_in0 ? 2 : 1)), y.extent(y.rank() - 1));
  }
  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const window_shape s = window_of_call(c);
    const std::int64_t matrices = c.template in<1>().size() / (s.depth * s.channels);
    for (std::int64_t k = 0; k < matrices; ++k) pack_one(c, s, k, out + k * matrix_bytes(s, Call::template in_type<1>::code));
  }

  template <class Call>
  static void run(const Call& c) {
    const bool constant = c.s.inputs[1].where == bank::weights;
    if (constant && c.packed_missing()) return reference::run(c);
    constexpr bool floats = is_float_v<typename Call::out_type>;
    constexpr dtype right = Call::template in_type<1>::code;
    const auto x = c.template in<0>();
    const auto w = c.template in<1>();
    const auto y = c.out();
    window_shape s = window_of_call(c);
    const std::int64_t rows = s.out_h;
    std::byte* made = c.scratch() + patch_bytes(window(y.size() / s.channels, s.depth, s.channels), !floats);
    std::int64_t batches = y.size() / (rows * s.channels);
    if (w.size() == s.depth * s.channels && x.size() == batches * rows * s.depth) {  // one matrix for all: one tall product
      s.height = s.out_h = batches * rows;
      batches = 1;
    }
    // Whole matrices where there are enough, else each in pieces (of which each packs a computed right side for itself).
    const bool by_matrix = batches >= 2 * c.piece.count || (batches >= c.piece.count && batches % c.piece.count == 0);
    const slice mine = by_matrix ? slice_of(c.piece, batches) : slice{0, batches};
    for (std::int64_t n = mine.from; n < mine.to; ++n) {
      const std::int64_t matrix = reference::matrix_of(w, y, n);
      const std::byte* packed = constant ? c.packed() + matrix * matrix_bytes(s, right) : made;
      if (!constant) pack_one(c, s, matrix, made);
      window_job j;
      if (!by_matrix) j.piece = c.piece;
      j.element_bytes = floats ? 4 : 1;
      const std::int64_t from = batches == 1 ? 0 : reference::matrix_of(x, y, n) * rows * s.depth;
      j.data = reinterpret_cast<const std::byte*>(x.data) + from * j.element_bytes;
      if (c.params().transpose_in0) {
        std::byte* turned = made + (constant ? 0 : matrix_bytes(s, right));
        turn_left<turning_vectors, floats ? 4 : 1>(j.data, s.out_h / rows, s.depth, rows, turned);
        j.data = turned;
      }
      j.scratch = c.scratch();
      const std::int64_t first = n * rows * s.channels;
      if constexpr (floats) {
        float_output o;
        o.y = y.data + first;
        o.channels = s.channels;
        o.epi = c.epi();
        if (o.epi.residual >= 0) o.residual = c.residual().data + first;
        const packed_layout l = layout_of(s, right);
        j.bias = packed + l.word(bias_word);
        j.packed = packed + l.panels_at(1);
        float_windows<Float>(s, j, o);
      } else {
        const packed_layout l = layout_of(s, right);
        j.bias = packed + l.word(bias_word);
        j.packed = packed + l.panels_at(packed_words);
        Bytes::template run<false>(c, s, l, j, packed, n * rows);
      }
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
