// SPDX-License-Identifier: Apache-2.0
#pragma once
// Layers by name, for nets written by hand: a builder whose layers declare their own weights. "conv" makes the static
// tensors conv_weight and conv_bias, in that order. Layer 6a. A layer computes in the datatype of its input: float in
// float; fixed point with 8-bit signed symmetric weights (`weight_scale`, or one of `weight_scales` per output
// channel) and a 32-bit bias. Without an output type of its own a layer's output has its input's.
//
//   static consteval auto define() {
//     qnnx::layers b;
//     auto x = b.input("image", {1, 28, 28, 1});
//     x = b.conv2d("conv", x, {.kernel = {3, 3}, .stride = {2, 2}, .channels = 8, .pad = qnnx::same});
//     b.output(b.softmax("probs", b.fully_connected("dense", x, {.channels = 10})));
//     return b;
//   }

#include "qnnx/model/builder.hpp"
#include "qnnx/op/ops.hpp"

namespace qnnx::inline QNNX_ABI {

/// Padding of a window: amounts, or what gives ceil(size / stride) outputs with the odd one after (TensorFlow's SAME).
struct padding {
  std::array<std::uint32_t, 4> amount{};  // top, bottom, left, right
  bool same = false;
};
inline constexpr padding same{{}, true};

using two = std::array<std::uint32_t, 2>;

/// One scale per output channel, written as a list or kept in an array.
struct scale_list {
  const float* data = nullptr;
  std::size_t count = 0;
  constexpr scale_list() = default;
  constexpr scale_list(std::initializer_list<float> list) : count(list.size()) {  // read before the full expression ends
    data = list.begin();
  }
  template <std::size_t N>
  constexpr scale_list(const std::array<float, N>& a) : data(a.data()), count(N) {}  // NOLINT: implicit
};

struct conv_layer {
  two kernel{1, 1};
  two stride{1, 1};
  std::int32_t channels = 0;  // of the output; depthwise: 0 keeps the input's
  padding pad{};
  activation act = activation::none;
  float lo = 0;  // bounds of activation::clamp
  float hi = 0;
  two dilation{1, 1};
  std::uint32_t group = 1;
  bool bias = true;
  float weight_scale = 0;
  scale_list weight_scales{};
};
struct dense_layer {
  std::int32_t channels = 0;
  activation act = activation::none;
  float lo = 0;
  float hi = 0;
  bool bias = true;
  float weight_scale = 0;
  scale_list weight_scales{};
};
struct pool_layer {
  two window{2, 2};
  two stride{2, 2};
  padding pad{};
};

class layers : public builder {
  // The helpers come first: clang 14 evaluates a member template only after its definition.
  static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static constexpr std::int32_t size(std::uint32_t n) { return static_cast<std::int32_t>(n); }
  constexpr bool known(tensor_id t) const { return t.index >= 0 && t.index < tensor_count; }
  constexpr shape dims_of(tensor_id t) const { return known(t) ? tensors[at(t.index)].dims : shape{}; }
  constexpr std::array<std::uint32_t, 4> pads(tensor_id x, two kernel, two stride, two dilation, const padding& p) const {
    std::array<std::uint32_t, 4> r = p.amount;
    if (!p.same) return r;
    for (std::size_t d = 0; d < 2; ++d) {
      const std::int64_t in = dims_of(x)[static_cast<int>(d) + 1];
      if (stride[d] == 0) continue;  // the op's own rule speaks
      const std::int64_t out = (in + stride[d] - 1) / stride[d];
      const std::int64_t total = (out - 1) * stride[d] + (kernel[d] - std::int64_t{1}) * dilation[d] + 1 - in;
      r[2 * d] = total > 0 ? static_cast<std::uint32_t>(total / 2) : 0;
      r[2 * d + 1] = total > 0 ? static_cast<std::uint32_t>(total) - r[2 * d] : 0;
    }
    return r;
  }
  template <class Layer>
  constexpr tensor_id weight_of(std::string_view name, tensor_id x, shape dims, int axis, const Layer& c) {
    tensor_desc w{.name = name, .kind = tensor_kind::constant, .type = type_of(x).type, .dims = dims};
    if (is_fixed(w.type)) {
      w.type = dtype::sfixed_8;
      if (c.weight_scales.count > 0) {
        w.enc = axis_scales(axis, static_cast<std::uint32_t>(scale_count), static_cast<std::uint32_t>(c.weight_scales.count));
        for (std::size_t i = 0; i < c.weight_scales.count; ++i) {
          if (scale_count >= static_cast<int>(scales.size())) return fail(name, "scales", "more than the builder holds"), tensor_id{};
          scales[at(scale_count++)] = c.weight_scales.data[i];
        }
      } else if (c.weight_scale > 0) {
        w.enc = scale_offset(c.weight_scale);
      }
    }
    return declare(w, "_weight");
  }
  template <class Op, class Layer>
  constexpr tensor_id finish(std::string_view name, tensor_id x, tensor_id w, std::int32_t channels, const Layer& c, element out,
                             const typename Op::params& p) {
    const epilogue e{.act = c.act, .lo = c.lo, .hi = c.hi};
    if (!c.bias) return builder::add<Op>(name, {x, w}, p, out, e);
    const dtype type = is_fixed(type_of(x).type) ? dtype::sfixed_32 : type_of(x).type;
    const tensor_id b = declare({.name = name, .kind = tensor_kind::constant, .type = type, .dims = {channels}}, "_bias");
    return builder::add<Op>(name, {x, w, b}, p, out, e);
  }

 public:
  constexpr tensor_id conv2d(std::string_view name, tensor_id x, const conv_layer& c) { return conv2d(name, x, c, type_of(x)); }
  constexpr tensor_id conv2d(std::string_view name, tensor_id x, const conv_layer& c, element out) {
    const shape& in = dims_of(x);
    const std::int32_t channels_in = c.group > 0 ? in[nhwc::c] / static_cast<std::int32_t>(c.group) : 0;
    const tensor_id w = weight_of(name, x, {size(c.kernel[0]), size(c.kernel[1]), channels_in, c.channels}, hwio::o, c);
    return finish<op::conv2d>(name, x, w, c.channels, c, out,
                              {.stride = c.stride, .pad_amount = pads(x, c.kernel, c.stride, c.dilation, c.pad),
                               .group = c.group, .dilation = c.dilation});
  }
  constexpr tensor_id depthwise_conv2d(std::string_view name, tensor_id x, const conv_layer& c) {
    return depthwise_conv2d(name, x, c, type_of(x));
  }
  constexpr tensor_id depthwise_conv2d(std::string_view name, tensor_id x, const conv_layer& c, element out) {
    const std::int32_t channels = c.channels > 0 ? c.channels : dims_of(x)[nhwc::c];
    const tensor_id w = weight_of(name, x, {size(c.kernel[0]), size(c.kernel[1]), 1, channels}, hwio::o, c);
    return finish<op::depthwise_conv2d>(name, x, w, channels, c, out,
                                        {.stride = c.stride, .pad_amount = pads(x, c.kernel, c.stride, c.dilation, c.pad),
                                         .dilation = c.dilation});
  }
  /// [N, channels] from all the rest of the input.
  constexpr tensor_id fully_connected(std::string_view name, tensor_id x, const dense_layer& c) {
    return fully_connected(name, x, c, type_of(x));
  }
  constexpr tensor_id fully_connected(std::string_view name, tensor_id x, const dense_layer& c, element out) {
    const shape& in = dims_of(x);
    const auto features = static_cast<std::int32_t>(in.product(in.rank() > 1 ? 1 : 0, in.rank()));
    return finish<op::fully_connected>(name, x, weight_of(name, x, {c.channels, features}, 0, c), c.channels, c, out, {});
  }
  constexpr tensor_id max_pool(std::string_view name, tensor_id x, const pool_layer& p = {}) {
    return add<op::pool_max2d>(name, {x}, {.filter_size = p.window, .stride = p.stride,
                                           .pad_amount = pads(x, p.window, p.stride, {1, 1}, p.pad)});
  }
  constexpr tensor_id avg_pool(std::string_view name, tensor_id x, const pool_layer& p = {}) {
    return add<op::pool_avg2d>(name, {x}, {.filter_size = p.window, .stride = p.stride,
                                           .pad_amount = pads(x, p.window, p.stride, {1, 1}, p.pad)});
  }
  /// The mean over height and width, as [N,1,1,C].
  constexpr tensor_id global_avg_pool(std::string_view name, tensor_id x) {
    const shape& in = dims_of(x);
    const two all{static_cast<std::uint32_t>(in[nhwc::h]), static_cast<std::uint32_t>(in[nhwc::w])};
    return avg_pool(name, x, {.window = all, .stride = all});
  }
  constexpr tensor_id relu(std::string_view name, tensor_id x) { return builder::add<op::relu>(name, {x}); }
  constexpr tensor_id relu(std::string_view name, tensor_id x, element out) { return builder::add<op::relu>(name, {x}, {}, out); }
  constexpr tensor_id relu6(std::string_view name, tensor_id x) { return builder::add<op::relu6>(name, {x}); }
  constexpr tensor_id relu6(std::string_view name, tensor_id x, element out) { return builder::add<op::relu6>(name, {x}, {}, out); }
  constexpr tensor_id softmax(std::string_view name, tensor_id x) { return builder::add<op::softmax>(name, {x}); }
  constexpr tensor_id softmax(std::string_view name, tensor_id x, element out) {
    return builder::add<op::softmax>(name, {x}, {}, out);
  }
  using builder::add;
  constexpr tensor_id add(std::string_view name, tensor_id a, tensor_id b) { return builder::add<op::elementwise_add>(name, {a, b}); }
  constexpr tensor_id add(std::string_view name, tensor_id a, tensor_id b, element out) {
    return builder::add<op::elementwise_add>(name, {a, b}, {}, out);
  }
  constexpr tensor_id reshape(std::string_view name, tensor_id x, axes to) { return builder::add<op::reshape>(name, {x}, {.shape = to}); }
  constexpr tensor_id flatten(std::string_view name, tensor_id x) { return reshape(name, x, {dims_of(x)[0], -1}); }
  /// Joins along `axis`, counted from the end where it is negative.
  constexpr tensor_id concat(std::string_view name, std::initializer_list<tensor_id> x, int axis = -1) {
    return concat(name, x.begin(), static_cast<int>(x.size()), axis);
  }
  constexpr tensor_id concat(std::string_view name, const tensor_id* x, int count, int axis) {
    const tensor_id first = count > 0 ? x[0] : tensor_id{};
    const int rank = dims_of(first).rank();
    tensor_id out;
    add_many<op::concat>(name, x, count, {.axis = static_cast<std::uint32_t>(axis < 0 ? axis + rank : axis)}, type_of(first),
                         {name}, &out);
    return out;
  }
  constexpr void refuse(std::string_view name, std::string_view got, std::string_view expected) { fail(name, got, expected); }
  /// Datatype and encoding of a tensor.
  constexpr element type_of(tensor_id t) const {
    return known(t) ? element{tensors[at(t.index)].type, tensors[at(t.index)].enc} : element{};
  }

  // What lowering reads: the composed names get static storage there, since an object that is returned by value
  // cannot point into itself.
  constexpr std::size_t letters_of_names() const {
    std::size_t n = 1;
    for (int t = 0; t < tensor_count; ++t)
      if (!suffix[at(t)].empty()) n += tensors[at(t)].name.size() + suffix[at(t)].size();
    return n;
  }
  template <std::size_t Letters>
  constexpr std::array<char, Letters> spell_names() const {
    std::array<char, Letters> text{};
    std::size_t n = 0;
    for (int t = 0; t < tensor_count; ++t) {
      if (suffix[at(t)].empty()) continue;
      for (char c : tensors[at(t)].name) text[n++] = c;
      for (char c : suffix[at(t)]) text[n++] = c;
    }
    return text;
  }
  /// The plain builder, its composed names in `letters`.
  constexpr builder named(const char* letters) const {
    builder b = *this;
    for (int t = 0; t < tensor_count; ++t) {
      if (suffix[at(t)].empty()) continue;
      const std::size_t n = tensors[at(t)].name.size() + suffix[at(t)].size();
      b.tensors[at(t)].name = {letters, n};
      letters += n;
    }
    return b;
  }
};

}  // namespace qnnx::inline QNNX_ABI
