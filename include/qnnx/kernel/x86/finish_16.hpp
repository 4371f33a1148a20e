// SPDX-License-Identifier: Apache-2.0
#pragma once
// From sums of 16-bit data to 16-bit outputs, the bits of numeric/requantize.hpp for 64-bit sums, in doubles. Sums,
// biases and zero points below 2^53 are exact there, so are multipliers of 31 bits, and a fused multiply-add rounds the
// exact product once:
//   rne      r = fma(acc, M, 1.5 * 2^52) - 1.5 * 2^52
//   half_up  r + 1 where acc M - (r + 1/2) >= 0: the sign of a fused multiply-add is exact
//   tflite   half_up with TFLite's multipliers of 64-bit sums: 16 bits for convolutions, 31 for fully connected layers
// Beyond 2^51 r is only right in size; the clamp cuts it. Layer 5a.

#include "qnnx/kernel/epilogue.hpp"
#include "qnnx/kernel/x86/vectors_avx2.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// mantissa * 2^exponent: a multiplier of 64-bit sums.
inline double multiplier_of_16(multiplier m, rounding_mode mode, bool once) {
  auto v = static_cast<double>(m.mantissa);
  std::int32_t e = m.exponent;
  if (mode == rounding_mode::tflite) {
    e -= once ? 31 : 15;
    if (!once) v = m.mantissa < 0x7fff0000 ? (m.mantissa + (1 << 15)) >> 16 : 0x7fff;
  }
  for (; e < 0; ++e) v *= 0.5;
  for (; e > 0; --e) v *= 2;
  return v;
}

/// Where a channel of a block of V::half_lanes stands in two vectors of words, and in doubles made of them.
template <class V>
constexpr std::int64_t place_of(std::int64_t channel) {
  return channel / 4 % 2 * V::lanes + channel / 8 * 4 + channel % 4;
}

/// The outputs of one call.
struct output_16 {
  std::byte* y = nullptr;
  std::int64_t channels = 0;  // of a pixel
  bool is_signed = false;
  bool half_up = false;
  double lo = 0, hi = 0, zero = 0;
  /// Where something is added or looked up afterwards: the reference's store.
  const void* finish = nullptr;
  void (*store)(const void* finish, std::int64_t index, std::int64_t channel, std::int64_t sum) = nullptr;
};

template <class Call, class Finish>
output_16 output_of_16(const Call& c, const Finish& done, std::int64_t channels) {
  output_16 o;
  const auto y = c.out();
  const epilogue& e = c.epi();
  o.y = reinterpret_cast<std::byte*>(y.data);
  o.channels = channels;
  o.is_signed = is_signed_fixed(Call::out_type::code);
  o.half_up = c.rounding().mode() != rounding_mode::rne;
  o.lo = c.constants()[0], o.hi = c.constants()[1], o.zero = y.zero();
  o.finish = &done;
  if (e.residual >= 0 || e.table >= 0)
    o.store = [](const void* f, std::int64_t index, std::int64_t channel, std::int64_t sum) {
      static_cast<const Finish*>(f)->store(index, channel, sum);
    };
  return o;
}

/// Sums of V::half_lanes channels as doubles, in the order of place_of.
template <class V>
struct block_sums {
  static constexpr int parts = V::half_lanes / V::double_lanes;
  typename V::doubles part[parts];

  QNNX_INLINE block_sums(typename V::words even, typename V::words odd)
      : part{V::low_half(even), V::high_half(even), V::low_half(odd), V::high_half(odd)} {}
  QNNX_INLINE void add(const double* more) {
#pragma GCC unroll 4
    for (int i = 0; i < parts; ++i) part[i] = V::add(part[i], V::load(more + i * V::double_lanes));
  }
  QNNX_INLINE void store(double* to) const {
#pragma GCC unroll 4
    for (int i = 0; i < parts; ++i) V::store(to + i * V::double_lanes, part[i]);
  }
};

/// Stores `count` channels of a pixel from `channel` on; sums have their biases. factors: in the order of place_of.
template <class V>
QNNX_INLINE void finish_block(const output_16& o, const block_sums<V>& s, const double* factors, std::int64_t pixel,
                              std::int64_t channel, std::int64_t count) {
  const std::int64_t index = pixel * o.channels + channel;
  if (o.store) {
    alignas(64) double sums[V::half_lanes];
    s.store(sums);
    for (std::int64_t c = 0; c < count; ++c)
      o.store(o.finish, index + c, channel + c, static_cast<std::int64_t>(sums[place_of<V>(c)]));
    return;
  }
  const auto magic = V::all(6755399441055744.0);  // 1.5 * 2^52
  typename V::doubles q[block_sums<V>::parts];
#pragma GCC unroll 4
  for (int i = 0; i < block_sums<V>::parts; ++i) {
    const auto m = V::load(factors + i * V::double_lanes);
    q[i] = V::sub(V::fmadd(s.part[i], m, magic), magic);
    if (o.half_up) {
      const auto tie = V::add(q[i], V::all(0.5));
      const auto up = V::template compare<_CMP_GE_OQ>(V::fmsub(s.part[i], m, tie), V::all(0.0));
      q[i] = V::select(up, V::add(q[i], V::all(1.0)), q[i]);
    }
    q[i] = V::min(V::max(V::add(q[i], V::all(o.zero)), V::all(o.lo)), V::all(o.hi));
  }
  const auto even = V::to_words(q[0], q[1]), odd = V::to_words(q[2], q[3]);
  const auto packed = o.is_signed ? V::template pack_words<true>(even, odd) : V::template pack_words<false>(even, odd);
  if (count >= V::half_lanes) V::store_vector(o.y + 2 * index, packed);
  else V::store_vector(V::first_halves(count), o.y + 2 * index, packed);
}

/// Factors and biases of blocks of channels: what the packed forms begin a block with.
template <class V>
struct block_head {
  double factor[V::half_lanes];
  double bias[V::half_lanes];
};
/// Before the blocks of a packed form.
struct head_16 {
  std::int32_t fits = 0;   // 0: the reference has to do it
  std::int32_t pairs = 0;  // of elements whose sums fit 32 bits
  std::byte rest[56];
};

/// What the packers of 16-bit data go over the channels with: data is x' - t, t = turned + offset, |x'| <= 2^15.
template <class V, class Call>
struct packer_16 {
  const Call& c;
  bool once;
  std::int64_t turned = is_signed_fixed(Call::out_type::code) ? 0 : 32768;
  std::int64_t largest_weight = 0, largest_sum = 0;
  bool fits = true;

  std::int32_t weight_offset(std::int64_t channel) const { return c.template in<1>().q->offset_at(channel); }
  /// A weight with its offset.
  std::int16_t take(std::int64_t weight, std::int64_t& sum, std::int64_t& most) {
    const std::int64_t size = weight < 0 ? -weight : weight;
    fits = fits && size <= 255;
    largest_weight = size > largest_weight ? size : largest_weight;
    sum += weight, most += size;
    return static_cast<std::int16_t>(weight);
  }
  void put(block_head<V>* h, std::int64_t in_block, std::int64_t channel, std::int64_t sum, std::int64_t most) {
    const auto b = c.template in<2>();
    const bool per_channel = c.template in<1>().q->scales != nullptr;
    const std::int32_t* m = c.constants() + finish_constants::header + (per_channel ? 2 * channel : 0);
    const std::int64_t bias = (turned + c.template in<0>().offset()) * sum + (b.present() ? static_cast<std::int64_t>(b.load(channel)) : 0);
    largest_sum = most > largest_sum ? most : largest_sum;
    h->factor[place_of<V>(in_block)] = multiplier_of_16({m[0], m[1]}, c.rounding().mode(), once);
    h->bias[place_of<V>(in_block)] = static_cast<double>(bias);
  }
  /// `elements` of a sum. Sums of `pairs` pairs stay below 2^31 whatever the data.
  void finish(std::int64_t elements, std::byte* out) {
    const auto x = c.template in<0>();
    const std::int64_t zero = -std::int64_t{x.offset()};
    const bool real_zero = zero >= min_value(Call::out_type::code) && zero <= max_value(Call::out_type::code);
    head_16 head{};
    head.fits = fits && real_zero && elements < 1 << 20;  // |sum| < 2^47
    const std::int64_t most = largest_sum < 65536 || largest_weight == 0 ? elements : 65535 / largest_weight;
    head.pairs = static_cast<std::int32_t>(largest_sum < 65536 ? (elements + 1) / 2 : most / 2);
    std::memcpy(out, &head, sizeof head);
  }
};

/// Constant weights of at most 8 bits and a constant bias, or none.
template <class Sig>
struct operands_16;
template <class Out, class X, class W, class B>
struct operands_16<Out(X, W, B)> {
  static constexpr bool fit = is_fixed_v<X> && is_fixed_v<W> && bits_of(X::code) == 16 && bits_of(W::code) <= 8;
};
constexpr bool constant_operands(const node_facts& f) {
  const bool bias = f.c.input_count < 3 || f.c.in(2).kind == tensor_kind::constant || f.c.in(2).kind == tensor_kind::null;
  return f.c.in(1).kind == tensor_kind::constant && bias;
}
template <class Call>
bool constant_operands(const Call& c) {
  return c.s.inputs[1].where == bank::weights && (c.s.input_count < 3 || c.s.inputs[2].where != bank::arena);
}

/// A kernel made of two, one for 16-bit data and one for the rest.
template <class Op, class Other, class Sixteens>
struct with_16_bits : Other {
  using params = typename Op::params;
  template <class Sig>
  static constexpr bool supports = Other::template supports<Sig> || Sixteens::template supports<Sig>;

  static constexpr bool wide(const node_facts& f) {
    return is_fixed(f.c.out(0).type) && bits_of(f.c.out(0).type) == 16;
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return wide(f) ? Sixteens::packed_bytes(f, p) : Other::packed_bytes(f, p);
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return wide(f) ? Sixteens::scratch_bytes(f, p) : Other::scratch_bytes(f, p);
  }
  static constexpr int parts(const node_facts& f, const params& p) { return wide(f) ? Sixteens::parts(f, p) : Other::parts(f, p); }
  template <class Call>
  static constexpr bool wide_call = is_fixed_v<typename Call::out_type> && bits_of(Call::out_type::code) == 16;
  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    if constexpr (wide_call<Call>) Sixteens::pack(c, out);
    else Other::pack(c, out);
  }
  template <class Call>
  static void run(const Call& c) {
    if constexpr (wide_call<Call>) Sixteens::run(c);
    else Other::run(c);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
