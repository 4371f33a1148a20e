// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a wrong graph fails to compile: one static_assert whose template argument is the sentence, as
// "Conv2d 'stem': wrong shape: input 1 (weight): got [3,3,4,8], expected [3,3,3,8]". Layer 6a.
// g++ (and clang from 16 on) print a string argument; older clang cuts it after ten characters, so there the sentence
// is a list of characters, which it prints whole.

#include <utility>

#include "qnnx/base/fixed_string.hpp"
#include "qnnx/ir/verify.hpp"

namespace qnnx::inline QNNX_ABI {

#if defined(__clang__) && __clang_major__ < 16
template <char... Sentence>
struct sentence {};
template <std::size_t N, fixed_string<N> S>
using spelled = decltype([]<std::size_t... I>(std::index_sequence<I...>) { return sentence<S.data[I]...>{}; }(std::make_index_sequence<N - 1>{}));
#else
template <fixed_string Sentence>
struct sentence {};
template <std::size_t N, fixed_string<N> S>
using spelled = sentence<S>;
#endif

template <class Sentence, bool Valid = false>
struct graph_is_wrong {
  static_assert(Valid, "qnnx: this graph is wrong; the sentence in the template argument says where and why");
  static constexpr bool value = Valid;
};

namespace detail {
template <class Tag> struct graph_source;

template <int Tensors>
constexpr verdict full_verdict(const graph_view& g) {
  std::array<int, static_cast<std::size_t>(Tensors) + 1> maker{};
  verdict v = verify_order(g, maker.data());
  return v.ok() ? verify(g) : v;
}
template <class Tag>
constexpr auto sentence_of() {
  constexpr graph_view g = graph_source<Tag>::get();
  basic_text<512> line;
  if constexpr (requires { graph_source<Tag>::defined.problem; }) {
    line = graph_source<Tag>::defined.problem;  // the builder met it first
  }
  if (line.empty()) {
    const verdict v = full_verdict<g.tensor_count>(g);
    if (!v.ok()) line = describe(g, v);
  }
  return line;
}
template <std::size_t N>
constexpr fixed_string<N> cut_to(const basic_text<512>& line) {
  fixed_string<N> s;
  for (std::size_t i = 0; i + 1 < N; ++i) s.data[i] = line.data[i];
  return s;
}
}  // namespace detail

/// True, or the compilation ends with the sentence.
template <class Tag>
consteval bool valid_graph() {
  constexpr basic_text<512> line = detail::sentence_of<Tag>();
  if constexpr (!line.empty()) {
    constexpr fixed_string<line.length + 1> cut = detail::cut_to<line.length + 1>(line);
    return graph_is_wrong<spelled<line.length + 1, cut>>::value;
  } else {
    return true;
  }
}

}  // namespace qnnx::inline QNNX_ABI
