// SPDX-License-Identifier: Apache-2.0
#pragma once
// 16-bit floats through kernels of 32-bit floats: operands are widened (exact) into scratch, results rounded to 16 bits
// (nearest even, overflow to infinity), so a result is that of the float kernel, rounded once more. Of |x| its half unit in
// the last place is at most 2^-11 |x|, or 2^-25 where that is more. The payload of a NaN may differ from the reference's.
// V: vectors of vectors_avx2.hpp or vectors_avx512.hpp. Layer 5a.

#include "qnnx/kernel/contract.hpp"
#include "qnnx/kernel/x86/vectors_avx2.hpp"
#include "qnnx/kernel/x86/vectors_avx512.hpp"

#if QNNX_HAS_AVX2
namespace qnnx::inline QNNX_ABI::kernel::x86 {

template <class T>
using widened_type = std::conditional_t<std::is_same_v<T, types::f16>, types::f32, T>;
template <class Sig>
struct widened_signature;
template <class Out, class... In>
struct widened_signature<Out(In...)> {
  using type = widened_type<Out>(widened_type<In>...);
  static constexpr bool is_short = std::is_same_v<Out, types::f16> && (std::is_same_v<In, types::f16> && ...);
};
/// All operands are 16-bit floats.
template <class Sig>
inline constexpr bool is_short_signature = widened_signature<Sig>::is_short;
constexpr bool is_short_node(const node_facts& f) { return f.c.out(0).type == dtype::float_16; }

template <class V>
QNNX_NOINLINE void widen(const half* x, float* y, std::int64_t n) {
  V::each(n, [&](std::int64_t i, auto part) { V::store(part, y + i, V::load(part, x + i)); });
}
template <class V>
QNNX_NOINLINE void narrow(const float* x, half* y, std::int64_t n) {
  V::each(n, [&](std::int64_t i, auto part) { V::store(part, y + i, V::load(part, x + i)); });
}

/// Bytes of n floats, whole lines of the cache.
constexpr std::int64_t float_area(std::int64_t n) { return (n * 4 + 63) / 64 * 64; }

/// A step whose 16-bit operands were widened: inputs and the output are floats in scratch, what lies elsewhere stays.
template <class Call>
class widened_step {
  static constexpr int most = 8;

 public:
  using wide_call = shared_call<typename Call::op, typename widened_signature<typename Call::signature>::type, typename Call::rounding_type>;
  using params = typename Call::op::params;

  /// Areas of floats are placed from the beginning of the scratch on, behind them what the float kernel asks for.
  explicit widened_step(const Call& c) : c_(c), p_(c.params()) {
    for (int i = 0; i < c.input_count() && i < most; ++i) places_[i] = &c.s.inputs[i];
    out_ = c.s.outputs[0];
    out_place_ = &out_;
  }
  widened_step(const widened_step&) = delete;
  params& own_params() { return p_; }
  /// `room` floats of scratch.
  float* area(std::int64_t room) {
    auto* p = reinterpret_cast<float*>(c_.scratch() + at_);
    last_ = at_;
    at_ += float_area(room);
    return p;
  }
  /// Input i is the area that was made last.
  void input(int i, const shape& dims) {
    own_[i] = c_.s.inputs[i];
    own_[i].where = bank::arena;
    own_[i].at = c_.s.scratch_at + static_cast<std::ptrdiff_t>(last_);
    own_[i].dims = dims;
    places_[i] = &own_[i];
  }
  void output(const shape& dims) {
    out_.at = c_.s.scratch_at + static_cast<std::ptrdiff_t>(last_);
    out_.dims = dims;
  }
  /// Only the dimensions of an input that is read in its packed form.
  void input_dims(int i, const shape& dims) {
    own_[i] = c_.s.inputs[i];
    own_[i].dims = dims;
    places_[i] = &own_[i];
  }
  template <class Kernel>
  void run(std::int64_t more_packed = 0) const {
    const step s{operand_list(places_), operand_list(&out_place_), c_.s.input_count, c_.s.output_count, &p_, c_.s.constants,
                 c_.s.scratch_at + static_cast<std::ptrdiff_t>(at_), c_.s.packed_at + static_cast<std::ptrdiff_t>(more_packed), c_.s.epi};
    Kernel::run(wide_call{s, c_.m, c_.rounding(), part{}});
  }

 private:
  const Call& c_;
  std::int64_t at_ = 0, last_ = 0;
  params p_;
  operand own_[most], out_;
  const operand* places_[most] = {};
  const operand* out_place_ = nullptr;
};

/// Kernel K of an op, and the same for 16-bit floats: Short has
///   scratch_bytes(f, p), parts(f, p), run(call)
///   packed_bytes(f, p), pack(call, out)   where the packed form is not always K's
template <class Op, class K, class Short>
struct with_short_floats : K {
  using params = typename Op::params;
  template <class Sig>
  static constexpr bool supports = K::template supports<Sig> || is_short_signature<Sig>;

  static constexpr std::int64_t scratch_bytes(const node_facts& f, const params& p) {
    return is_short_node(f) ? Short::scratch_bytes(f, p) : kernel::scratch_bytes<K>(f, p);
  }
  static constexpr int parts(const node_facts& f, const params& p) { return is_short_node(f) ? Short::parts(f, p) : kernel::parts<K>(f, p); }
  static constexpr std::int64_t packed_bytes(const node_facts& f, const params& p) {
    if constexpr (requires { Short::packed_bytes(f, p); }) return is_short_node(f) ? Short::packed_bytes(f, p) : K::packed_bytes(f, p);
    else return K::packed_bytes(f, p);
  }
  template <class Call>
  static constexpr bool is_short_call = std::is_same_v<typename Call::out_type, types::f16>;
  template <class Call>
  static void pack(const Call& c, std::byte* out) {
    if constexpr (is_short_call<Call> && requires { Short::pack(c, out); }) Short::pack(c, out);
    else K::pack(c, out);
  }
  template <class Call>
  static void run(const Call& c) {
    if constexpr (is_short_call<Call>) Short::run(c);
    else K::run(c);
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::x86
#endif
