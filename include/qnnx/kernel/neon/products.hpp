// SPDX-License-Identifier: Apache-2.0
#pragma once
// Rows of data times all channels, for Conv2d, FullyConnected and MatMul: the packed form and its use. Integers: a
// node head, then per eight channels two quad heads and panels of 16 elements; floats: per eight channels their biases
// and panels of four elements. Layer 5a.

#include "qnnx/kernel/neon/finish.hpp"

#if QNNX_HAS_NEON
namespace qnnx::inline QNNX_ABI::kernel::neon {

/// A matrix of weights [elements][channels] in packed form.
struct panel_sizes {
  std::int32_t elements, channels;
  bool floats;
  constexpr std::int32_t step() const { return floats ? 4 : panel_elements; }
  constexpr std::int32_t padded() const {
    return (elements + step() - 1) / step() * step();
  }  // elements of a row of data
  constexpr std::int32_t element_bytes() const { return floats ? 4 : 1; }
  constexpr std::int64_t row_bytes() const { return std::int64_t{padded()} * element_bytes(); }
  constexpr std::int64_t head_bytes() const {
    return static_cast<std::int64_t>(floats ? panel_channels * sizeof(float) : 2 * sizeof(quad_head));
  }
  constexpr std::int64_t group_bytes() const { return head_bytes() + panel_channels * row_bytes(); }
  constexpr std::int64_t groups_at() const { return floats ? 0 : static_cast<std::int64_t>(sizeof(dsp::node_head)); }
  constexpr std::int64_t bytes() const { return groups_at() + (channels + 7) / 8 * group_bytes(); }
};

template <bool Once, class Call, class Weight>
void pack_panels(const Call& c, const panel_sizes& size, scale_product product, Weight&& weight, std::byte* out) {
  std::memset(out, 0, static_cast<std::size_t>(size.bytes()));
  const auto group = [&](std::int32_t g) { return out + size.groups_at() + g * size.group_bytes(); };
  if constexpr (is_float_v<typename Call::out_type>) {
    const auto b = c.template in<2>();
    for (std::int32_t o = 0; o < size.channels; ++o) {
      auto* to = reinterpret_cast<float*>(group(o / 8));
      if (b.present()) to[o % 8] = b.load(o);
      for (std::int32_t k = 0; k < size.elements; ++k) to[8 + 8 * k + o % 8] = weight(k, o);
    }
  } else {
    constexpr std::int32_t base = is_signed_fixed(Call::out_type::code) ? 0 : 128;
    const bool fast = pack_heads<Once>(c, size.channels, size.elements, base, product, weight, group);
    for (std::int32_t o = 0; o < size.channels; ++o)
      for (std::int32_t k = 0; k < size.elements; ++k)
        group(o / 8)[size.head_bytes() + k / 16 * 128 + panel_at(k % 16, o % 8)] = static_cast<std::byte>(weight(k, o));
    const dsp::node_head head{fast ? 1 : 0, 0, {}};
    std::memcpy(out, &head, sizeof head);
  }
}

/// `count` rows (at most most_rows) of padded data times all channels; output row r begins at element (first + r) *
/// channels. Rows beyond `count` up to the tile's size are read, not stored.
template <bool Once, class Call>
QNNX_INLINE void multiply_rows(const Call& c, const panel_sizes& size, const std::byte* packed, const std::byte* rows,
                               std::int64_t first, std::int32_t count) {
  const std::byte* at = packed + size.groups_at();
  if constexpr (is_float_v<typename Call::out_type>) {
    const finish<Call, Once> done(c, false);
    float sums[most_rows * panel_channels];
    for (std::int32_t o = 0; o < size.channels; o += 8, at += size.group_bytes()) {
      const auto* bias = reinterpret_cast<const float*>(at);
      const auto* x = reinterpret_cast<const float*>(rows);
      if (count > 4)
        float_tile<8>(x, size.padded(), bias + 8, bias, size.padded() / 4, sums);
      else if (count > 1)
        float_tile<4>(x, size.padded(), bias + 8, bias, size.padded() / 4, sums);
      else
        float_tile<1>(x, size.padded(), bias + 8, bias, size.padded() / 4, sums);
      const std::int32_t have = size.channels - o < 8 ? size.channels - o : 8;
      for (std::int32_t r = 0; r < count; ++r)
        for (std::int32_t j = 0; j < have; ++j) done.store((first + r) * size.channels + o + j, o + j, sums[8 * r + j]);
    }
  } else {
    const limits l{c.constants()[0], c.constants()[1]};
    const bool fast = reinterpret_cast<const dsp::node_head*>(packed)->fast != 0;
    auto* y = reinterpret_cast<std::byte*>(c.out().data) + first * size.channels;
    std::int32_t sums[most_rows * panel_channels];
    for (std::int32_t o = 0; o < size.channels; o += 8, at += size.group_bytes()) {
      const auto* x = reinterpret_cast<const std::int8_t*>(rows);
      const auto* w = reinterpret_cast<const std::int8_t*>(at + size.head_bytes());
      const std::int32_t panels = size.padded() / panel_elements;
      if (count > 4)
        byte_tile<8>(x, size.padded(), w, panels, sums);
      else if (count > 1)
        byte_tile<4>(x, size.padded(), w, panels, sums);
      else
        byte_tile<1>(x, size.padded(), w, panels, sums);
      for (std::int32_t r = 0; r < count; ++r)
        finish_eight<Once>(sums + 8 * r, reinterpret_cast<const quad_head*>(at), fast, l, c.s.outputs[0].q.zero(),
                           c.rounding(), y + std::int64_t{r} * size.channels + o, size.channels - o);
    }
  }
}

/// n elements as tiles take them: unsigned bytes less 128.
template <class T>
QNNX_INLINE void copy_row(std::byte* to, const std::byte* from, std::int64_t bytes) {
  if constexpr (is_float_v<T> || is_signed_fixed(T::code)) {
    std::memcpy(to, from, static_cast<std::size_t>(bytes));
  } else {
    std::int64_t i = 0;
    for (; i + 16 <= bytes; i += 16)
      vst1q_u8(reinterpret_cast<std::uint8_t*>(to + i),
               veorq_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(from + i)), vdupq_n_u8(0x80)));
    for (; i < bytes; ++i) to[i] = from[i] ^ std::byte{0x80};
  }
}

/// Which signatures and nodes the kernels on panels take.
template <class Sig>
inline constexpr bool is_float_product = std::is_same_v<Sig, types::f32(types::f32, types::f32, types::f32)>;
template <class Sig>
inline constexpr bool is_product = is_float_product<Sig> || dsp::is_8_bit<Sig>;

constexpr bool takes_operands(const node_facts& f) {
  if (!is_float(f.c.out(0).type)) return dsp::takes_operands(f);
  const bool bias =
      f.c.input_count < 3 || f.c.in(2).kind == tensor_kind::constant || f.c.in(2).kind == tensor_kind::null;
  return f.c.in(1).kind == tensor_kind::constant && bias;
}
template <class Call>
bool takes_operands(const Call& c) {
  if constexpr (!is_float_v<typename Call::out_type>) return dsp::takes_operands(c);
  const bool bias = c.s.input_count < 3 || c.s.inputs[2].where != bank::arena;
  return c.s.inputs[1].where == bank::weights && bias;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::neon
#endif
