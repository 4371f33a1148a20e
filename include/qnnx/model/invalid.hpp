// SPDX-License-Identifier: Apache-2.0
#pragma once
// How a wrong graph fails to compile: one static_assert whose template argument is the sentence, as
// "Conv2d 'stem': wrong shape: input 1 (weight): got [3,3,4,8], expected [3,3,3,8]". Layer 6a.
// Clang before 16 prints a string argument as numbers, ten of them; there the sentence is a list of characters, which
// it prints as characters and whole.
// Large graphs are verified in pieces, because compilers count the steps of one constant expression.

#include <utility>

#include "qnnx/base/fixed_string.hpp"
#include "qnnx/ir/verify.hpp"

namespace qnnx::inline QNNX_ABI {

template <fixed_string Sentence>
struct sentence {};
template <char... Sentence>
struct letters {};

template <class Sentence, bool Valid = false>
struct graph_is_wrong {
  static_assert(Valid, "qnnx: this graph is wrong; the sentence in the template argument says where and why");
  static constexpr bool value = Valid;
};

namespace detail {

/// The names that a builder composed ("conv" + "_weight"), as static text.
template <class Tag>
struct composed_names {
  static constexpr auto source = Tag::define();
  static constexpr auto letters = source.template spell_names<source.letters_of_names()>();
};
template <class Tag>
constexpr auto define_graph() {
  if constexpr (requires(decltype(Tag::define()) b) { b.letters_of_names(); })
    return composed_names<Tag>::source.named(composed_names<Tag>::letters.data());
  else
    return Tag::define();
}

/// The graph of a tag: either define() returns a graph_view over the tag's own arrays, or a builder.
template <class Tag>
struct graph_source {
  static constexpr auto defined = define_graph<Tag>();
  static constexpr graph_view get() {
    if constexpr (std::is_same_v<std::remove_const_t<decltype(defined)>, graph_view>) return defined;
    else return defined.view();
  }
};

inline constexpr int piece = 256;  // tensors or nodes verified in one constant expression

template <class Tag>
constexpr verdict order_verdict() {
  constexpr graph_view g = graph_source<Tag>::get();
  if constexpr (g.tensor_count <= 256)  // larger graphs come from a converter, which has looked
    if (const verdict v = verify_names(g); !v.ok()) return v;
  std::array<int, static_cast<std::size_t>(g.tensor_count) + 1> maker{};
  return verify_order(g, maker.data());
}
/// Piece 0 is names and the order of execution, then come the tensors, then the nodes.
template <class Tag, int Piece>
constexpr verdict piece_verdict() {
  constexpr graph_view g = graph_source<Tag>::get();
  constexpr int of_tensors = (g.tensor_count + piece - 1) / piece;
  if constexpr (Piece == 0) {
    return order_verdict<Tag>();
  } else if constexpr (Piece <= of_tensors) {
    constexpr int from = (Piece - 1) * piece;
    return verify_tensors(g, from, from + piece < g.tensor_count ? from + piece : g.tensor_count);
  } else {
    constexpr int from = (Piece - 1 - of_tensors) * piece;
    return verify_nodes(g, from, from + piece < g.node_count ? from + piece : g.node_count);
  }
}
template <class Tag, int Piece>
inline constexpr bool piece_ok = piece_verdict<Tag, Piece>().ok();

/// The sentence about the first fault; empty for a valid graph.
template <class Tag, int Piece = 0>
constexpr basic_text<512> sentence_of() {
  constexpr graph_view g = graph_source<Tag>::get();
  constexpr int pieces = 1 + (g.tensor_count + piece - 1) / piece + (g.node_count + piece - 1) / piece;
  if constexpr (Piece == 0 && requires { graph_source<Tag>::defined.problem; }) {
    if constexpr (!graph_source<Tag>::defined.problem.empty()) return graph_source<Tag>::defined.problem;
  }
  if constexpr (!piece_ok<Tag, Piece>) return describe(g, piece_verdict<Tag, Piece>());
  else if constexpr (Piece + 1 < pieces) return sentence_of<Tag, Piece + 1>();
  else return {};
}
template <std::size_t N>
constexpr fixed_string<N> cut_to(const basic_text<512>& line) {
  fixed_string<N> s;
  for (std::size_t i = 0; i + 1 < N; ++i) s.data[i] = line.data[i];
  return s;
}
template <class Tag>
struct fault {
  static constexpr basic_text<512> line = sentence_of<Tag>();
};

template <fixed_string S>
constexpr auto spell() {
  if constexpr (config::prints_string_arguments) return sentence<S>{};
  else return []<std::size_t... I>(std::index_sequence<I...>) { return letters<S.data[I]...>{}; }(
      std::make_index_sequence<S.size()>{});
}
template <fixed_string S>
using spelled = decltype(spell<S>());
}  // namespace detail

/// True where Fault::line is empty, else the compilation ends with it.
template <class Fault>
consteval bool none() {
  if constexpr (Fault::line.empty()) return true;
  else return graph_is_wrong<detail::spelled<detail::cut_to<Fault::line.length + 1>(Fault::line)>>::value;
}
/// True, or the compilation ends with the sentence.
template <class Tag>
consteval bool valid_graph() { return none<detail::fault<Tag>>(); }

}  // namespace qnnx::inline QNNX_ABI
