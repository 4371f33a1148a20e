// SPDX-License-Identifier: Apache-2.0
#pragma once
// arm/finish.hpp without floats. tflite as there; rne from the product's two words:
//   hi * 2^32 + lo = acc * (m << 7), then hi / 2^shift to nearest even: half of 2^shift is added, less one where lo is
//   0 and the kept lowest bit too. M = m * 2^-(shift + 25), 1 <= shift <= 30.
// Layer 5a.

#include "qnnx/kernel/arm/packing.hpp"

namespace qnnx::inline QNNX_ABI::kernel::scalar {

using dsp::channel_head;
using dsp::node_head;

/// Whether the sums of a channel have the fast form.
template <bool Once, bool Signed, class Rounding>
constexpr bool fits_fast(const dsp::channel_facts& f, Rounding r) {
  if (r.mode() != rounding_mode::rne) return f.template fits_fast<Once, Signed>(r);
  if (f.template is_constant<Once, Signed>(r)) return true;
  return f.m.mantissa != 0 && -f.m.exponent >= 26 && -f.m.exponent <= 55;
}
template <bool Once, bool Signed, class Rounding>
constexpr channel_head head_of(const dsp::channel_facts& f, Rounding r, bool fast) {
  if (!fast || r.mode() != rounding_mode::rne) return f.template head<Once, Signed>(r, fast);
  if (f.template is_constant<Once, Signed>(r)) return {f.bias, 0, f.template output<Once, Signed>(f.bias, r), 1};
  return {f.bias, f.m.mantissa * 128, f.zero, -f.m.exponent - 25};
}

template <bool Signed, bool Once, class Rounding>
struct finisher : dsp::finisher<Signed, Once, Rounding> {
  using base = dsp::finisher<Signed, Once, Rounding>;

  template <int Form>
  QNNX_INLINE std::int32_t operator()(std::int32_t acc, const channel_head& h) const {
    if (Form == 2 || this->r.mode() != rounding_mode::rne) return base::template operator()<Form>(acc, h);
    const dsp::long_product p = dsp::multiply_long(acc, h.factor);
    const std::int32_t odd = (p.high >> h.shift) & 1;
    const std::int32_t up = (1 << (h.shift - 1)) - 1 + ((p.low | static_cast<dsp::word>(odd)) != 0 ? 1 : 0);
    const std::int32_t q = dsp::saturate8<Signed>(((p.high + up) >> h.shift) + h.add);
    if constexpr (Form == 0) return q;
    const std::int32_t low = q < this->lo ? this->lo : q;
    return low > this->hi ? this->hi : low;
  }
};
template <bool Once, class Call>
auto finisher_of(const Call& c) {
  using rounding_type = std::decay_t<decltype(c.rounding())>;
  using made = finisher<is_signed_fixed(Call::out_type::code), Once, rounding_type>;
  return made{{c.rounding(), c.constants()[0], c.constants()[1], c.s.outputs[0].q.zero()}};
}

/// Heads of all channels: put(o, head). Data is seen as x - `base`, a weight of x - base times weight(k, o). Returns
/// whether the heads are of the fast form.
template <bool Once, class Call, class Weight, class Put>
bool make_heads(const Call& c, std::int32_t channels, std::int32_t depth, std::int32_t base, scale_product product,
                Weight&& weight, Put&& put) {
  constexpr bool is_signed = is_signed_fixed(Call::out_type::code);
  const std::int32_t fold = c.s.inputs[0].q.offset + base;
  bool fast = true;
  for (std::int32_t o = 0; o < channels && fast; ++o)
    fast = fits_fast<Once, is_signed>(dsp::facts_of(c, o, depth, fold, product, weight), c.rounding());
  for (std::int32_t o = 0; o < channels; ++o)
    put(o, head_of<Once, is_signed>(dsp::facts_of(c, o, depth, fold, product, weight), c.rounding(), fast));
  return fast;
}

}  // namespace qnnx::inline QNNX_ABI::kernel::scalar
