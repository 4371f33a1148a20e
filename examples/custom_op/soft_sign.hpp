// SPDX-License-Identifier: Apache-2.0
#pragma once
// An op of somebody else's: y = s*x / (1 + |s*x|). Nothing in qnnx knows it. Four things make it a citizen: the rules
// (a struct), the registration, the reference kernel, and for the interpreter one append_kernels call (main.cpp).

#include "qnnx/kernel/contract.hpp"

namespace acme {

/// Rules: name, parameters, ports, types, sizes. No loops over data.
struct soft_sign {
  static constexpr std::string_view name = "acme.SoftSign";
  struct params {
    float steepness = 1.0f;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
  static constexpr std::array inputs{qnnx::port{"in"}};
  static constexpr std::array outputs{qnnx::port{"out"}};
  using types = qnnx::signatures<qnnx::types::f32(qnnx::types::f32), qnnx::types::u8(qnnx::types::u8)>;

  static constexpr qnnx::issue check(const qnnx::context&, const params& p) {
    if (!(p.steepness > 0)) return qnnx::op::bad_parameter("steepness", "0 or less", "a number above 0");
    return {};
  }
  static constexpr qnnx::issue infer(const qnnx::context& c, const params&, qnnx::shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};

constexpr double soft_sign_of(double x) {
  return x / (1.0 + (x < 0 ? -x : x));
}

}  // namespace acme

QNNX_REGISTER_OP(acme::soft_sign)

/// Kernel. Floats: the formula. 8-bit: a table of 256 results, made once from the encodings (by the compiler in the
/// static path, at load time in the interpreter), so that both give the same integers on every machine.
template <>
struct qnnx::kernel::impl<acme::soft_sign, qnnx::isa::reference> {
  using params = acme::soft_sign::params;

  static constexpr std::int64_t constant_words(const node_facts& f, const params&) {
    return f.c.out(0).type == dtype::ufixed_8 ? 256 : 0;
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (f.c.out(0).type != dtype::ufixed_8) return;
    for (int q = 0; q < 256; ++q) {
      const double x = (q + f.in[0].offset) * static_cast<double>(f.in[0].scale);
      const double y = acme::soft_sign_of(static_cast<double>(p.steepness) * x);
      out[q] = static_cast<std::int32_t>(
          clamp<std::int64_t>(round_real(y / static_cast<double>(f.out[0].scale), r) - f.out[0].offset, 0, 255));
    }
  }
  static constexpr std::int64_t overlap(const node_facts& f, const params&, int input) {
    return elementwise_overlap(f.c, input);  // may run in place
  }
  template <class Call>
  static void run(const Call& c) {
    const auto x = c.template in<0>();
    const auto y = c.out();
    for (std::int64_t i = 0, n = y.size(); i < n; ++i) {
      if constexpr (is_fixed_v<typename Call::out_type>)
        y.store(i, c.constants()[x.load(i)]);
      else
        y.store(i, static_cast<float>(acme::soft_sign_of(static_cast<double>(c.params().steepness * x.load(i)))));
    }
  }
};
