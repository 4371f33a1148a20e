// SPDX-License-Identifier: Apache-2.0
#pragma once
// The second way to write a net by hand: layers as types, composed with >>. The result is itself a tag:
//
//   using net = decltype(input<"x", extents<1, 28, 28, 1>> >> layer::conv2d<16, 3, 3>{} >> layer::relu{} >>
//                        layer::fully_connected<10>{} >> layer::softmax{});
//   qnnx::model<net> m{weights};          // or: struct digits : net {};  for shorter symbols
//
// Branches: fork(a, b) runs each path on the current tensor and hands all results to the next layer, as
// fork(layer::identity{}, path) >> layer::add{}; residual(path) is that. Paths that begin with an input of their own
// give a net several inputs; a fork at the end gives several outputs. Layers are named by kind and step number
// (conv2d_0, relu_1) or by layer::named. Lowers to the same builder value as model/layers.hpp. Boost.Hana holds the
// stages; beyond some 64 of them use the builder. Layer 6a.

#include <boost/hana/concat.hpp>
#include <boost/hana/for_each.hpp>
#include <boost/hana/fwd/core/make.hpp>
#include <boost/hana/tuple.hpp>
#include <concepts>

#include "qnnx/base/fixed_string.hpp"
#include "qnnx/model/layers.hpp"

namespace qnnx::inline QNNX_ABI {

/// Base of everything that >> accepts.
struct stage {};
template <class T>
concept composable = std::derived_from<T, stage>;

namespace detail {
/// The tensors that flow into the next stage.
struct flow {
  std::array<tensor_id, 8> at{};
  int count = 0;
  constexpr tensor_id one() const { return at[0]; }
  constexpr void set(tensor_id t) {
    at[0] = t;
    count = 1;
  }
};
struct composer {
  layers b;
  std::string_view next_name;  // from layer::named
  scale_list next_scales;      // from layer::per_channel

  constexpr scale_list take_scales() {
    const scale_list s = next_scales;
    next_scales = {};
    return s;
  }
};

/// Static text "<Kind>_0" ... "<Kind>_95".
template <fixed_string Kind>
struct numbered_names {
  static constexpr std::size_t width = Kind.size() + 3;
  static constexpr auto make() {
    std::array<char, width * 96> text{};
    for (std::size_t k = 0; k < 96; ++k) {
      char* p = text.data() + k * width;
      for (char c : Kind.view()) *p++ = c;
      *p++ = '_';
      if (k >= 10) *p++ = static_cast<char>('0' + k / 10);
      *p = static_cast<char>('0' + k % 10);
    }
    return text;
  }
  static constexpr auto text = make();
  static constexpr std::string_view get(int k) {
    return {text.data() + static_cast<std::size_t>(k) * width, Kind.size() + (k >= 10 ? 3u : 2u)};
  }
};
template <fixed_string Kind>
constexpr std::string_view take_name(composer& c) {
  const std::string_view given = c.next_name;
  c.next_name = {};
  return given.empty() ? numbered_names<Kind>::get(c.b.node_count < 96 ? c.b.node_count : 95) : given;
}
}  // namespace detail

/// Stages in a row; the type of a composed net. `define` makes it a tag.
template <class... Stages>
struct path : stage {
  static constexpr void apply(detail::composer& c, detail::flow& f) {
    boost::hana::for_each(boost::hana::tuple<Stages...>{}, [&](auto s) { decltype(s)::apply(c, f); });
  }
  static consteval auto define() {
    detail::composer c;
    detail::flow f;
    apply(c, f);
    for (int i = 0; i < f.count; ++i) c.b.output(f.at[static_cast<std::size_t>(i)]);
    return c.b;
  }
};

namespace detail {
template <class S> constexpr auto stages_of(S s) { return boost::hana::make_tuple(s); }
template <class... S> constexpr auto stages_of(path<S...>) { return boost::hana::tuple<S...>{}; }
template <class... S> constexpr path<S...> path_of(boost::hana::tuple<S...>) { return {}; }
}  // namespace detail

template <composable A, composable B>
constexpr auto operator>>(A a, B b) {
  return detail::path_of(boost::hana::concat(detail::stages_of(a), detail::stages_of(b)));
}

template <fixed_string Name, class Extents, element Type>
struct source : stage {
  static constexpr void apply(detail::composer& c, detail::flow& f) {
    shape s;
    for (int i = 0; i < Extents::rank(); ++i) s.push_back(Extents{}.extent(i));
    f.set(c.b.input(Name.view(), s, Type));
  }
};
/// A graph input: input<"x", extents<1, 8, 8, 3>, quantized<ufixed<8>>(0.02f, -128)>.
template <fixed_string Name, class Extents, element Type = real32>
inline constexpr source<Name, Extents, Type> input{};

/// An output that has its input's datatype and encoding.
inline constexpr element as_input{dtype::undefined, {}};

template <class... Paths>
struct forked : stage {
  static constexpr void apply(detail::composer& c, detail::flow& f) {
    detail::flow all;
    const auto run = [&]<class Path>(Path) {
      detail::flow each = f;
      Path::apply(c, each);
      for (int i = 0; i < each.count && all.count < 8; ++i)
        all.at[static_cast<std::size_t>(all.count++)] = each.at[static_cast<std::size_t>(i)];
    };
    boost::hana::for_each(boost::hana::tuple<Paths...>{}, run);
    f = all;
  }
};
/// Several paths from the current tensor, or from inputs of their own.
template <composable... Paths>
constexpr forked<Paths...> fork(Paths...) { return {}; }

namespace layer {

/// How a convolution is done; the kernel's size and channels are template arguments.
struct conv_options {
  two stride{1, 1};
  padding pad{};
  activation act = activation::none;
  float lo = 0;
  float hi = 0;
  element out = as_input;
  float weight_scale = 0;
  two dilation{1, 1};
  std::uint32_t group = 1;
  bool bias = true;
};
struct dense_options {
  activation act = activation::none;
  float lo = 0;
  float hi = 0;
  element out = as_input;
  float weight_scale = 0;
  bool bias = true;
};

namespace detail {
constexpr element output_type(const qnnx::detail::composer& c, tensor_id x, const element& wanted) {
  return wanted.type == dtype::undefined ? c.b.type_of(x) : wanted;
}
constexpr conv_layer conv(qnnx::detail::composer& c, std::int32_t channels, two kernel, const conv_options& o) {
  return {.kernel = kernel, .stride = o.stride, .channels = channels, .pad = o.pad, .act = o.act, .lo = o.lo, .hi = o.hi,
          .dilation = o.dilation, .group = o.group, .bias = o.bias, .weight_scale = o.weight_scale,
          .weight_scales = c.take_scales()};
}
/// A layer with one input whose builder call needs no options but the output's type.
template <class Op, fixed_string Kind, element Out>
struct simple : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.builder::template add<Op>(qnnx::detail::take_name<Kind>(c), {f.one()}, {}, output_type(c, f.one(), Out)));
  }
};
}  // namespace detail

template <int Channels, int Height, int Width, conv_options O = conv_options{}>
struct conv2d : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.conv2d(qnnx::detail::take_name<"conv2d">(c), f.one(), detail::conv(c, Channels, {Height, Width}, O),
                     detail::output_type(c, f.one(), O.out)));
  }
};
template <int Height, int Width, conv_options O = conv_options{}>
struct depthwise_conv2d : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.depthwise_conv2d(qnnx::detail::take_name<"depthwise_conv2d">(c), f.one(), detail::conv(c, 0, {Height, Width}, O),
                               detail::output_type(c, f.one(), O.out)));
  }
};
template <int Channels, dense_options O = dense_options{}>
struct fully_connected : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.fully_connected(qnnx::detail::take_name<"fully_connected">(c), f.one(),
                              {.channels = Channels, .act = O.act, .lo = O.lo, .hi = O.hi, .bias = O.bias,
                               .weight_scale = O.weight_scale, .weight_scales = c.take_scales()},
                              detail::output_type(c, f.one(), O.out)));
  }
};
template <int Height = 2, int Width = 2, pool_layer P = pool_layer{.window = {Height, Width}, .stride = {Height, Width}}>
struct max_pool : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.max_pool(qnnx::detail::take_name<"max_pool">(c), f.one(), P));
  }
};
template <int Height = 2, int Width = 2, pool_layer P = pool_layer{.window = {Height, Width}, .stride = {Height, Width}}>
struct avg_pool : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.avg_pool(qnnx::detail::take_name<"avg_pool">(c), f.one(), P));
  }
};
struct global_avg_pool : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.global_avg_pool(qnnx::detail::take_name<"global_avg_pool">(c), f.one()));
  }
};
template <element Out = as_input> struct relu : detail::simple<op::relu, "relu", Out> {};
template <element Out = as_input> struct relu6 : detail::simple<op::relu6, "relu6", Out> {};
template <element Out = as_input> struct softmax : detail::simple<op::softmax, "softmax", Out> {};
struct flatten : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.flatten(qnnx::detail::take_name<"flatten">(c), f.one()));
  }
};
/// The sum of the two tensors of a fork.
template <element Out = as_input>
struct add : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    const std::string_view name = qnnx::detail::take_name<"add">(c);
    if (f.count != 2) return c.b.refuse(name, "a fork of other than 2 paths", "2 paths");
    f.set(c.b.add(name, f.at[0], f.at[1], detail::output_type(c, f.at[0], Out)));
  }
};
/// All tensors of a fork along an axis (-1: the last).
template <int Axis = -1>
struct concat : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    f.set(c.b.concat(qnnx::detail::take_name<"concat">(c), f.at.data(), f.count, Axis));
  }
};
/// The unchanged tensor: the skip of a residual block.
struct identity : stage {
  static constexpr void apply(qnnx::detail::composer&, qnnx::detail::flow&) {}
};
/// A layer under a name of its own.
template <fixed_string Name, composable Layer>
struct named : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    c.next_name = Name.view();
    Layer::apply(c, f);
  }
};
/// A layer whose weights have one scale per output channel, from a constexpr std::array<float, N>.
template <const auto& Scales, composable Layer>
struct per_channel : stage {
  static constexpr void apply(qnnx::detail::composer& c, qnnx::detail::flow& f) {
    c.next_scales = Scales;
    Layer::apply(c, f);
  }
};

}  // namespace layer

/// x + path(x).
template <composable Path>
constexpr auto residual(Path p) { return fork(layer::identity{}, p) >> layer::add<>{}; }

}  // namespace qnnx::inline QNNX_ABI
