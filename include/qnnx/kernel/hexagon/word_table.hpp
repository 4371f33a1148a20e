// SPDX-License-Identifier: Apache-2.0
#pragma once
// A table of 256 words for look-ups of 128 elements at a time: four tables of bytes, each in the order that look_up()
// wants. Layer 5a.

#include "qnnx/kernel/hexagon/hvx.hpp"

#if QNNX_HAS_HVX
namespace qnnx::inline QNNX_ABI::kernel::hvx {

struct word_table {
  vec bytes[4][2];  // by place in a word

  /// Of f(words).
  template <class F>
  word_table(const std::int32_t* words, F&& f) {
    for (int part = 0; part < 2; ++part, words += 4 * lanes) {
      const vec a = f(load(words)), b = f(load(words + lanes)), c = f(load(words + 2 * lanes)), d = f(load(words + 3 * lanes));
      const two even = turns_of_bytes(pack_even_bytes(a, b), pack_even_bytes(c, d));
      const two odd = turns_of_bytes(pack_odd_bytes(a, b), pack_odd_bytes(c, d));
      for (int k = 0; k < 2; ++k) bytes[2 * k][part] = even.v[k], bytes[2 * k + 1][part] = odd.v[k];
    }
  }
};

}  // namespace qnnx::inline QNNX_ABI::kernel::hvx
#endif
