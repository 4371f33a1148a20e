// SPDX-License-Identifier: Apache-2.0
#pragma once
// Sums over the pixels of a window of 8-bit data, a vector of bytes of channels at once: up to 256 pixels are added in 16-bit
// lanes (256 * 255 < 2^16), those to words of 32 bits. Signed bytes are read as x + 128. Unpacking stays within lanes of
// 16 bytes, where packing undoes it. Layer 5a.

#include "qnnx/kernel/x86/byte_products.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class V, bool Signed>
class pixel_sums {
  using I = product_vectors<V>;
  using vec = typename I::vec;

 public:
  /// `line`: bytes from a row of the data to the next. `first`: added to every sum.
  pixel_sums(std::int64_t line, std::int64_t channels, std::int32_t rows, std::int32_t columns, std::int32_t first)
      : line_(line), channels_(channels), rows_(rows), columns_(columns), first_(V::all(first - (Signed ? 128 * rows * columns : 0))) {}

  /// y[o] = scaled(sum of channel o) as a byte, for the channels that fill vectors, with AVX-512 for all. How many.
  template <class Scaled>
  std::int64_t each(const std::uint8_t* x, std::uint8_t* y, const Scaled& scaled) const {
    std::int64_t o = 0;
    for (; o + I::bytes <= channels_; o += I::bytes)
      I::store(y + o, packed(x + o, scaled, [](const std::uint8_t* p) { return I::load(p); }));
    if constexpr (requires { V::first_bytes(o); }) {
      if (const std::int64_t left = channels_ - o; left > V::lanes) {
        I::store(y + o, packed(x + o, scaled, [left](const std::uint8_t* p) { return I::load(p, left); }), left);
        o = channels_;
      }
    }
    return o;
  }

 private:
  template <class Scaled, class Load>
  QNNX_INLINE vec packed(const std::uint8_t* x, const Scaled& scaled, const Load& load) const {
    const vec nothing = I::all_bytes(0);
    const vec flip = I::all_bytes(Signed ? 0x80 : 0);
    vec sums[4] = {first_, first_, first_, first_};
    const std::uint8_t* at = x;
    std::int32_t column = 0;
    for (std::int32_t left = rows_ * columns_; left > 0;) {
      vec low = nothing, high = nothing;
      for (std::int32_t n = left < 256 ? left : 256; n > 0;) {
        const std::int32_t run = n < columns_ - column ? n : columns_ - column;
        for (std::int32_t i = 0; i < run; ++i, at += channels_) {
          vec b = load(at);
          if (Signed) b = I::flipped(b, flip);
          low = I::add(low, I::low_pairs(b, nothing));
          high = I::add(high, I::high_pairs(b, nothing));
        }
        column += run;
        if (column == columns_) column = 0, at += line_ - columns_ * channels_;
        n -= run;
        left -= run;
      }
      sums[0] = V::add(sums[0], I::low_halves(low, nothing));
      sums[1] = V::add(sums[1], I::high_halves(low, nothing));
      sums[2] = V::add(sums[2], I::low_halves(high, nothing));
      sums[3] = V::add(sums[3], I::high_halves(high, nothing));
    }
    const vec first = I::pack_words(scaled(sums[0]), scaled(sums[1])), second = I::pack_words(scaled(sums[2]), scaled(sums[3]));
    return Signed ? I::pack(first, second) : I::pack_unsigned(first, second);
  }

  std::int64_t line_, channels_;
  std::int32_t rows_, columns_;
  vec first_;
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
