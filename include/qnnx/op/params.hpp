// SPDX-License-Identifier: Apache-2.0
#pragma once
// An op's parameters are one plain aggregate, written once. Boost.PFR reads its fields, so that a graph value can
// hold any op's parameters as 32-bit words: `to_words`, `from_words`. Fields are bool, enums, 32-bit integers,
// float, std::array of those, or a number_list. Layer 4.

#include <array>
#include <bit>
#include <boost/pfr/core.hpp>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <utility>

#include "qnnx/config.hpp"

namespace qnnx::inline QNNX_ABI {

/// A list of up to Capacity numbers.
template <int Capacity>
struct number_list {
  std::array<std::int32_t, static_cast<std::size_t>(Capacity)> values{};
  std::int32_t count = 0;

  constexpr number_list() = default;
  constexpr number_list(std::initializer_list<std::int32_t> list) {
    for (std::int32_t a : list)
      if (count < Capacity) values[static_cast<std::size_t>(count++)] = a;
  }
  static constexpr int capacity() { return Capacity; }
  constexpr int size() const { return count; }
  constexpr std::int32_t operator[](int i) const { return values[static_cast<std::size_t>(i)]; }
  constexpr std::int32_t& operator[](int i) { return values[static_cast<std::size_t>(i)]; }
  constexpr void push_back(std::int32_t v) { values[static_cast<std::size_t>(count++)] = v; }
  constexpr bool contains(std::int32_t v) const {
    for (int i = 0; i < count; ++i)
      if ((*this)[i] == v) return true;
    return false;
  }
  friend constexpr bool operator==(const number_list&, const number_list&) = default;
};
/// A list with at most one number per axis: axes, permutations, multiples.
using axes = number_list<max_rank>;
/// Where Split cuts: one number less than a node has outputs.
using split_points = number_list<max_outputs - 1>;

using words = std::array<std::uint32_t, max_param_words>;

namespace detail {
template <class T> inline constexpr bool is_std_array = false;
template <class T, std::size_t N> inline constexpr bool is_std_array<std::array<T, N>> = true;

template <class T> inline constexpr bool is_number_list = false;
template <int N> inline constexpr bool is_number_list<number_list<N>> = true;

template <class F>
constexpr void put_words(const F& field, words& w, std::size_t& n) {
  if constexpr (is_std_array<F>) {
    for (const auto& e : field) put_words(e, w, n);
  } else if constexpr (is_number_list<F>) {
    put_words(field.count, w, n);
    put_words(field.values, w, n);
  } else if constexpr (std::is_same_v<F, float>) {
    w[n++] = std::bit_cast<std::uint32_t>(field);
  } else {
    static_assert(sizeof(F) <= 4 && (std::is_integral_v<F> || std::is_enum_v<F>),
                  "qnnx: a parameter is bool, enum, 32-bit integer, float, std::array of those, or qnnx::number_list");
    w[n++] = static_cast<std::uint32_t>(field);
  }
}
/// A bare pointer and index loops: a graph of a thousand nodes runs this a thousand times in the compiler.
template <class F>
constexpr void get_words(F& field, const std::uint32_t*& at) {
  if constexpr (is_std_array<F>) {
    auto* values = field.data();
    for (std::size_t i = 0; i < std::tuple_size_v<F>; ++i) get_words(values[i], at);
  } else if constexpr (is_number_list<F>) {
    get_words(field.count, at);
    get_words(field.values, at);
  } else if constexpr (std::is_same_v<F, float>) {
    field = std::bit_cast<float>(*at++);
  } else {
    field = static_cast<F>(*at++);
  }
}
/// Calls f on every field in order. (pfr::for_each_field of 1.81 is not constexpr; pfr::get is.)
template <class Params, class F>
constexpr void each_field(Params& p, F&& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f(boost::pfr::get<I>(p)), ...);
  }(std::make_index_sequence<boost::pfr::tuple_size_v<std::remove_const_t<Params>>>{});
}
}  // namespace detail

template <class Params>
constexpr words to_words(const Params& p) {
  words w{};
  std::size_t n = 0;
  detail::each_field(p, [&](const auto& f) { detail::put_words(f, w, n); });
  return w;
}
template <class Params>
constexpr Params from_words(const words& w) {
  Params p{};
  const std::uint32_t* at = w.data();
  detail::each_field(p, [&](auto& f) { detail::get_words(f, at); });
  return p;
}
template <class Params>
constexpr std::size_t word_count() {
  words w{};
  std::size_t n = 0;
  const Params p{};
  detail::each_field(p, [&](const auto& f) { detail::put_words(f, w, n); });
  return n;
}

/// Parameters of an op that has none.
struct no_params {
  friend constexpr bool operator==(const no_params&, const no_params&) = default;
};

}  // namespace qnnx::inline QNNX_ABI
