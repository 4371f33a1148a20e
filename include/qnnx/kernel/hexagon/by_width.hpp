// SPDX-License-Identifier: Apache-2.0
#pragma once
// A kernel made of two, one for 8-bit and one for 16-bit outputs. Layer 5a.

#include "qnnx/kernel/code_parts.hpp"

namespace qnnx::inline QNNX_ABI::kernel {

template <class Op, class Bytes, class Halves>
struct by_width : answers_as<Op> {
  using params = typename answers_as<Op>::params;

  template <class Sig>
  static constexpr bool supports = Bytes::template supports<Sig> || Halves::template supports<Sig>;

  static constexpr bool takes(const node_facts& f, const params& p) {
    return wide(f) ? kernel::takes_node<Halves>(f, p) : kernel::takes_node<Bytes>(f, p);
  }
  static constexpr std::int64_t constant_words(const node_facts& f, const params& p) {
    return wide(f) ? kernel::constant_words<Halves>(f, p) : kernel::constant_words<Bytes>(f, p);
  }
  template <class Rounding>
  static constexpr void prepare(const node_facts& f, const params& p, Rounding r, std::int32_t* out) {
    if (wide(f)) kernel::prepare<Halves>(f, p, r, out);
    else kernel::prepare<Bytes>(f, p, r, out);
  }
  static constexpr int independent_dims(const node_facts& f, const params& p) {
    return wide(f) ? kernel::independent_dims<Halves>(f, p) : kernel::independent_dims<Bytes>(f, p);
  }
  static constexpr unsigned code_parts(const node_facts& f, const params& p, const std::byte* packed) {
    return wide(f) ? kernel::code_parts<Halves>(f, p, packed) : kernel::code_parts<Bytes>(f, p, packed);
  }
  template <class Call>
  static void run(const Call& c) {
    if constexpr (bits_of(Call::out_type::code) == 16) Halves::run(c);
    else Bytes::run(c);
  }

 private:
  static constexpr bool wide(const node_facts& f) { return bits_of(f.c.out(0).type) == 16; }
};

}  // namespace qnnx::inline QNNX_ABI::kernel
