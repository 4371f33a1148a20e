// SPDX-License-Identifier: Apache-2.0
#pragma once
// Conv2d, FullyConnected and MatMul on aarch64, without the work: which nodes they take, their packed form, their scratch.
// Layer 5a.

#include "qnnx/kernel/convolution/reference.hpp"
#include "qnnx/kernel/neon/panels.hpp"

#if QNNX_HAS_NEON_PACKING
namespace qnnx::inline QNNX_ABI::kernel {

/// Windows are copied before their pixels are written, rows in order: the reference's distance will do, a firmware's plan
/// shares memory by pixels.
template <>
struct impl<op::conv2d, isa::neon> : neon::packed_kernel<impl<op::conv2d, isa::neon>, op::conv2d> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr neon::panel_sizes sizes(const node_facts& f, const params& p) {
    const shape& w = f.c.dims(1);
    const auto groups = static_cast<std::int32_t>(p.group);
    return neon::sizes_of(f, w[0] * w[1] * w[2], w[3] / groups, groups);
  }
  template <class Call>
  static constexpr neon::panel_sizes sizes(const Call& c) {
    const shape& w = c.s.inputs[1].dims;
    const auto groups = static_cast<std::int32_t>(c.params().group);
    return neon::sizes_of<Call>(w[0] * w[1] * w[2], w[3] / groups, groups);
  }
  static constexpr bool takes(const node_facts& f, const params& p) {
    return neon::takes_operands(f) && sizes(f, p).fits();
  }
  static constexpr bool packs(const node_facts& f, const params& p) { return takes(f, p); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? neon::packed_bytes_of(f, sizes(f, p)) : 0;
  }
  /// Windows of a tile, those of a group behind those of another.
  static constexpr std::int32_t rows_of(const shape& y) { return neon::tile_rows(std::int64_t{y[1]} * y[2]); }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const neon::panel_sizes s = sizes(f, p);
    return takes(f, p) ? std::int64_t{s.groups} * rows_of(f.c.out(0).dims) * s.row_bytes() : 0;
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params& p, int input) {
    if (!config::own_plan || !takes(f, p)) return kernel::overlap<reference>(f, p, input);
    return input == 0 ? pixel_overlap(f.c, p, neon::most_rows, true) : no_overlap;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const neon::panel_sizes s = sizes(c);
    neon::pack_panels<false>(
        c, s, scale_product::exact,
        [&](std::int32_t k, std::int32_t o) { return w.load(std::int64_t{k} * s.all_channels() + o); }, out);
  }

  template <class Call>
  static void run(const Call& c);
};

/// The distance of shared memory is the reference's: rows are copied before they are written, in order.
template <>
struct impl<op::fully_connected, isa::neon>
    : neon::packed_kernel<impl<op::fully_connected, isa::neon>, op::fully_connected> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr neon::panel_sizes sizes(const node_facts& f) {
    return neon::sizes_of(f, f.c.dims(1)[1], f.c.dims(1)[0]);
  }
  template <class Call>
  static constexpr neon::panel_sizes sizes(const Call& c) {
    return neon::sizes_of<Call>(c.s.inputs[1].dims[1], c.s.inputs[1].dims[0]);
  }
  static constexpr bool takes(const node_facts& f, const params&) {
    return neon::takes_operands(f) && sizes(f).fits();
  }
  static constexpr bool packs(const node_facts& f, const params& p) { return takes(f, p); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return takes(f, p) ? neon::packed_bytes_of(f, sizes(f)) : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const neon::panel_sizes s = sizes(f);
    return takes(f, p) ? neon::tile_rows(f.c.dims(0).size() / s.elements) * s.row_bytes() : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const neon::panel_sizes s = sizes(c);
    neon::pack_panels<true>(
        c, s, scale_product::always_exact,
        [&](std::int32_t k, std::int32_t o) { return w.load(std::int64_t{o} * s.elements + k); }, out);
  }

  template <class Call>
  static void run(const Call& c);
};

/// Where the left side is not transposed: the right side is one constant matrix, packed ahead; or 8-bit matrices, of one
/// scale, which are packed in scratch for eight rows or more of the left side.
template <>
struct impl<op::matmul, isa::neon> : neon::packed_kernel<impl<op::matmul, isa::neon>, op::matmul> {
  template <class Sig>
  static constexpr bool supports = neon::is_product<Sig>;

  static constexpr bool one_matrix(const shape& w) {
    return w.size() == std::int64_t{w[w.rank() - 1]} * w[w.rank() - 2];
  }
  static constexpr neon::panel_sizes sizes(const node_facts& f, const params& p) {
    const shape& w = f.c.dims(1);
    const std::int32_t a = w[w.rank() - 2], b = w[w.rank() - 1];
    return p.transpose_in1 ? neon::sizes_of(f, b, a) : neon::sizes_of(f, a, b);
  }
  template <class Call>
  static constexpr neon::panel_sizes sizes(const Call& c) {
    const shape& w = c.s.inputs[1].dims;
    const std::int32_t a = w[w.rank() - 2], b = w[w.rank() - 1];
    return c.params().transpose_in1 ? neon::sizes_of<Call>(b, a) : neon::sizes_of<Call>(a, b);
  }
  static constexpr bool packs(const node_facts& f, const params& p) {
    return !p.transpose_in0 && one_matrix(f.c.dims(1)) && neon::takes_operands(f) && sizes(f, p).fits();
  }
  /// Rows of the left side that meet one matrix.
  static constexpr std::int32_t rows_of(const shape& y) { return y[y.rank() - 2]; }
  static constexpr std::int32_t least_rows = 8;
  static constexpr bool packs_late(const node_facts& f, const params& p) {
    const bool bytes = is_fixed(f.c.out(0).type) && bits_of(f.c.out(0).type) == 8 && bits_of(f.c.in(1).type) == 8;
    return bytes && !p.transpose_in0 && !packs(f, p) && f.epi.residual < 0 && f.epi.table < 0 && !f.in[1].scales &&
           rows_of(f.c.out(0).dims) >= least_rows && neon::largest_centre(f.in[1], f.c.in(1).type) <= neon::most_centre;
  }
  template <class Call>
  static bool packs_late(const Call& c) {
    constexpr dtype w = Call::template in_type<1>::code;
    if constexpr (!is_fixed_v<typename Call::out_type> || bits_of(Call::out_type::code) != 8 || bits_of(w) != 8) return false;
    else
      return !c.params().transpose_in0 && c.s.epi.residual < 0 && c.s.epi.table < 0 && !c.s.inputs[1].q.scales &&
             rows_of(c.s.outputs[0].dims) >= least_rows && neon::largest_centre(c.s.inputs[1].q, w) <= neon::most_centre;
  }
  static constexpr bool takes(const node_facts& f, const params& p) { return packs(f, p) || packs_late(f, p); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return packs(f, p) ? neon::packed_bytes_of(f, sizes(f, p)) : 0;
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const neon::panel_sizes s = sizes(f, p);
    if (packs(f, p)) return neon::tile_rows(f.c.dims(0).size() / s.elements) * s.row_bytes();
    return packs_late(f, p) ? rows_bytes(s) + s.bytes(true) : 0;
  }
  /// Before the panels that are packed late.
  static constexpr std::int64_t rows_bytes(const neon::panel_sizes& s) {
    return (neon::most_rows * s.row_bytes() + 15) / 16 * 16;
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte*) {
    if (packs_late(f, p)) return 7u | neon::weight_offsets;
    return packs(f, p) && neon::has_offsets(f) ? neon::weight_offsets : 0;
  }

  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    const auto w = c.template in<1>();
    const neon::panel_sizes s = sizes(c);
    const std::int64_t row = c.params().transpose_in1 ? 1 : s.channels,
                       column = c.params().transpose_in1 ? s.elements : 1;
    neon::pack_panels<false>(
        c, s, scale_product::rounded, [&](std::int32_t k, std::int32_t o) { return w.load(k * row + o * column); },
        out);
  }

  template <class Call>
  static void run(const Call& c);
};

}  // namespace qnnx::inline QNNX_ABI::kernel
#endif
