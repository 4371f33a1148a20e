// SPDX-License-Identifier: Apache-2.0
#pragma once
// DepthWiseConv2d with a channel multiplier above 1 as one of 1 over data whose channels are written down that many times
// (into scratch, as a whole by every piece): weights, biases and encodings stay as they are. Layer 5a.

#include "qnnx/kernel/x86/depthwise_shape.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

/// to[i] = from[i / times] for n elements of `from`.
template <class T>
void repeat_channels(const T* from, std::int64_t n, std::int64_t times, T* to) {
  const auto each = [&](auto count) {
    for (std::int64_t i = 0; i < n; ++i, to += count)
      for (std::int64_t k = 0; k < count; ++k) to[k] = from[i];
  };
  if (times == 2) each(std::integral_constant<std::int64_t, 2>{});
  else if (times == 4) each(std::integral_constant<std::int64_t, 4>{});
  else if (times == 8) each(std::integral_constant<std::int64_t, 8>{});
  else each(times);
}

/// `Kernel`: one that runs channel multipliers of 1.
template <class Kernel>
struct with_channel_multiplier : Kernel {
  using params = op::depthwise_conv2d::params;
  using reference = impl<op::depthwise_conv2d, isa::reference>;
  static constexpr int most_inputs = 5;

  static constexpr bool repeats(const node_facts& f) {
    return f.c.input_count <= most_inputs && f.c.in(1).kind == tensor_kind::constant && f.c.dims(1)[3] > f.c.dims(0)[3];
  }
  static constexpr std::int64_t repeated_bytes(const node_facts& f) {
    return (byte_size(f.c.in(0)) * (f.c.dims(1)[3] / f.c.dims(0)[3]) + 127) / 64 * 64;  // kernels may read a vector more
  }
  /// g(facts of the node with the repeated data).
  template <class G>
  static constexpr auto as_repeated(const node_facts& f, G&& g) {
    if (!repeats(f)) return g(f);
    tensor_desc x = f.c.in(0);
    x.dims[3] = f.c.dims(1)[3];
    std::array<const tensor_desc*, most_inputs> inputs{&x};
    for (int i = 1; i < f.c.input_count; ++i) inputs[static_cast<std::size_t>(i)] = f.c.inputs[i];
    node_facts repeated = f;
    repeated.c.inputs = inputs.data();
    return g(repeated);
  }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    return as_repeated(f, [&](const node_facts& r) { return Kernel::packed_bytes(r, p); });
  }
  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    const std::int64_t own = as_repeated(f, [&](const node_facts& r) { return Kernel::scratch_bytes(r, p); });
    return repeats(f) ? repeated_bytes(f) + own : own;
  }
  static constexpr int parts(const node_facts& f, const params& p) {
    return as_repeated(f, [&](const node_facts& r) { return Kernel::parts(r, p); });
  }

  template <class Call>
  using plain_call = shared_call<op::depthwise_conv2d, typename Call::signature, typename Call::rounding_type>;
  template <class Call>
  static std::int64_t times_of(const Call& c) {
    return c.s.inputs[1].where == bank::weights ? c.template in<1>().extent(3) / c.template in<0>().extent(3) : 1;
  }
  /// f(the call on data of as many channels as there are results, `at` in the arena).
  template <class Call, class F>
  static void repeated(const Call& c, std::ptrdiff_t at, F&& f) {
    operand x = c.s.inputs[0];
    x.dims[3] = static_cast<std::int32_t>(c.template in<1>().extent(3));
    x.where = bank::arena;
    x.at = at;
    std::array<const operand*, most_inputs> inputs{&x};
    for (std::int16_t i = 1; i < c.s.input_count; ++i) inputs[static_cast<std::size_t>(i)] = &c.s.inputs[i];
    step own = c.s;
    own.inputs = operand_list(inputs.data());
    f(own);
  }
  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    if (c.s.input_count > most_inputs || times_of(c) == 1) return Kernel::pack(c, out);
    repeated(c, 0, [&](const step& s) { Kernel::pack(plain_call<Call>{s, c.m, c.rounding(), c.piece}, out); });
  }
  template <class Call>
  static void run(const Call& c) {
    const std::int64_t times = c.s.input_count > most_inputs || c.packed_missing() ? 1 : times_of(c);
    if (times == 1) return Kernel::run(c);
    const auto x = c.template in<0>();
    using storage = typename Call::template in_type<0>::storage;
    repeat_channels(x.data, x.size(), times, reinterpret_cast<storage*>(c.scratch()));
    repeated(c, c.s.scratch_at, [&](step& s) {
      s.scratch_at += (x.size() * times * static_cast<std::int64_t>(sizeof(storage)) + 127) / 64 * 64;
      Kernel::run(plain_call<Call>{s, c.m, c.rounding(), c.piece});
    });
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
