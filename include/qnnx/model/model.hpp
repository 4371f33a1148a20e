// SPDX-License-Identifier: Apache-2.0
#pragma once
// The static path: model<Tag> for a tag whose define() gives a graph value. Verification, inference, the memory plan
// and every constant are computed by the compiler; run() is straight calls. No heap, exceptions, RTTI. Layer 6a.
//
//   struct net { static consteval auto define() { qnnx::builder b; ...; return b; } };
//   qnnx::model<net> m{weights};            // owns its arena
//   m.input<"x">()[0] = ...; m.run(); m.output<"probs">()[0];

#include <concepts>
#include <cstring>

#include "qnnx/base/fixed_string.hpp"
#include "qnnx/model/invalid.hpp"  // first: a compiler prints the chain of includes before the sentence of a wrong graph
#include "qnnx/model/lower.hpp"
#include "qnnx/tensor/tensor.hpp"

namespace qnnx::inline QNNX_ABI {

/// A tensor of a model in memory: pointer and length with the tensor's real-value conversions.
template <class Tensor, class Storage>
struct tensor_ref {
  Storage* data = nullptr;
  float scale = 0;
  std::int32_t offset = 0;

  static constexpr std::size_t size() { return Tensor::length; }
  Storage& operator[](std::size_t i) const { return data[i]; }
  Storage* begin() const { return data; }
  Storage* end() const { return data + size(); }
  /// Real value of element i.
  float real(std::size_t i) const {
    if constexpr (is_fixed_v<typename Tensor::datatype>)
      return (static_cast<float>(data[i]) + static_cast<float>(offset)) * scale;
    else
      return static_cast<float>(data[i]);
  }
  /// Stores the value nearest to a real (ties to even), saturated.
  void set_real(std::size_t i, float x) const {
    using T = typename Tensor::datatype;
    if constexpr (is_fixed_v<T>) {
      const std::int64_t q = round_rne(static_cast<double>(x) / static_cast<double>(scale)) - offset;
      data[i] = static_cast<std::remove_const_t<Storage>>(clamp<std::int64_t>(q, min_value(T::code), max_value(T::code)));
    } else {
      data[i] = static_cast<std::remove_const_t<Storage>>(x);
    }
  }
};

/// A buffer handed to a model has the very type of the model's tensor.
template <class Got, class Expected>
struct tensor_fits {
  static_assert(std::is_same_v<Got, Expected>, "qnnx: this buffer is not of the model's tensor type: tensor_fits<got, expected>");
  static constexpr bool value = true;
};

/// Everything about a model that needs no memory: constants, types, and run over memory that the caller gives.
template <class Tag, class Isa = isa::best>
struct model_traits {
  using lowered = lowering<Tag, Isa>;
  static constexpr graph_view graph() { return lowered::g; }

  static constexpr std::int64_t arena_bytes = lowered::plan.total;
  /// What run() on an executor of so many threads needs.
  static constexpr std::int64_t arena_bytes_for(int threads) { return lowered::arena_bytes(threads); }
  static constexpr std::int64_t weight_bytes = lowered::data.total;
  static constexpr std::int64_t packed_bytes = lowered::packed.total;
  static constexpr int step_count = lowered::g.node_count;
  static constexpr int tensor_count = lowered::g.tensor_count;
  static constexpr std::int64_t macs = lowered::cost_total().macs;

  static constexpr std::string_view step_name(int i) { return lowered::g.nodes[i].name; }
  static constexpr std::string_view step_type(int i) { return lowered::g.nodes[i].op->name; }

  /// Index of a tensor by name; a name that does not exist does not compile.
  template <fixed_string Name>
  static consteval int index() {
    static_assert(none<missing_tensor<Name>>());
    return lowered::g.find(Name.view());
  }
  template <fixed_string Name>
  struct missing_tensor {
    static constexpr auto make_line() {
      basic_text<512> line;
      if (lowered::g.find(Name.view()) >= 0) return line;
      line << "model " << lowered::g.name << ": unknown name: tensor: got " << Name.view() << ", expected one of";
      for (int t = 0; t < lowered::g.tensor_count; ++t)
        if (lowered::g.tensors[t].kind != tensor_kind::constant) line << " " << lowered::g.tensors[t].name;
      return line;
    }
    static constexpr basic_text<512> line = make_line();
  };
  template <fixed_string Name>
  using tensor = typename lowered::template tensor_type<index<Name>()>;
  template <int I>
  using step_op = typename lowered::template node_type<I>::op;
};

/// Threads of the caller: threads() says how many, run(count, f) calls f(0) .. f(count - 1), each once, on any of them,
/// and returns when all are done.
template <class E>
concept thread_executor = requires(E& e, void (*work)(std::int32_t)) {
  { e.threads() } -> std::convertible_to<std::int32_t>;
  e.run(std::int32_t{}, work);
};
template <thread_executor E>
executor executor_for(E& e) {
  return {static_cast<std::int32_t>(e.threads()), &e, [](void* self, void (*work)(void*, std::int32_t), void* data, std::int32_t count) {
            static_cast<E*>(self)->run(count, [=](std::int32_t index) { work(data, index); });
          }};
}

template <class Tag, class Isa = isa::best>
class model_view : public model_traits<Tag, Isa> {
 public:
  using traits = model_traits<Tag, Isa>;
  using lowered = typename traits::lowered;

  constexpr model_view() = default;
  /// `weights`: weight_bytes bytes, 16-byte aligned, static tensors in order. `arena`: arena_bytes bytes, 16-byte
  /// aligned. `packed`: packed_bytes bytes, null where that is 0.
  constexpr model_view(const void* weights, std::byte* arena, const void* packed = nullptr) : m_{arena, weights, packed} {}

  void run() const { lowered::run(m_); }
  /// On the caller's threads, with the results of run(). The arena has arena_bytes_for(threads); compile with
  /// QNNX_SPLIT_STEPS, else no step is cut.
  template <thread_executor Executor>
  void run(Executor& threads) const { lowered::run_on(executor_for(threads), m_); }
  /// Runs step by step and calls tap(step index) after each, for traces and debugging.
  template <class Tap>
  void run(Tap&& tap) const { lowered::run_tapped(m_, tap); }
  /// Runs one step; an RTOS can interleave.
  void run_step(int i) const { lowered::run_one(m_, i); }

  template <fixed_string Name>
  auto input() const {
    constexpr int i = traits::template index<Name>();
    static_assert(lowered::g.tensors[i].kind == tensor_kind::app_write || lowered::g.tensors[i].kind == tensor_kind::app_readwrite,
                  "qnnx: this tensor is not an input of the model");
    return ref<i, false>();
  }
  template <fixed_string Name>
  auto output() const {
    constexpr int i = traits::template index<Name>();
    static_assert(lowered::g.tensors[i].kind == tensor_kind::app_read || lowered::g.tensors[i].kind == tensor_kind::app_readwrite,
                  "qnnx: this tensor is not an output of the model");
    return ref<i, true>();
  }
  /// Any tensor of the arena; its bytes are valid right after the step that makes it.
  template <fixed_string Name>
  auto tap() const { return ref<traits::template index<Name>(), true>(); }

  /// Copies typed inputs in (order of the graph's inputs), runs. A tensor of another type does not compile.
  template <class... Tensors>
  void set_inputs(const Tensors&... in) const {
    set_each(std::make_integer_sequence<int, static_cast<int>(sizeof...(Tensors))>{}, in...);
  }
  /// Copies an output into a typed tensor.
  template <int K = 0, class Tensor>
  void get_output(Tensor& out) const {
    constexpr int i = lowered::io.outputs[K];
    static_assert(tensor_fits<Tensor, typename lowered::template tensor_type<i>>::value);
    std::memcpy(out.data.data(), m_.arena + lowered::plan.offset[i], Tensor::byte_count());
  }

  std::byte* arena() const { return m_.arena; }
  const memory& mem() const { return m_; }

 private:
  template <int I, bool Const>
  auto ref() const {
    static_assert(lowered::plan.offset[I] >= 0, "qnnx: this tensor is never whole: its nodes run in bands of rows");
    using T = typename lowered::template tensor_type<I>;
    using storage = std::conditional_t<Const, const typename T::storage, typename T::storage>;
    constexpr tensor_desc d = lowered::g.tensors[I];
    return tensor_ref<T, storage>{reinterpret_cast<storage*>(m_.arena + lowered::plan.offset[I]), d.enc.scale, d.enc.offset};
  }
  template <int... K, class... Tensors>
  void set_each(std::integer_sequence<int, K...>, const Tensors&... in) const {
    static_assert(sizeof...(Tensors) == static_cast<std::size_t>(lowered::io.input_count), "qnnx: wrong number of inputs");
    static_assert((tensor_fits<Tensors, typename lowered::template tensor_type<lowered::io.inputs[K]>>::value && ...));
    (std::memcpy(m_.arena + lowered::plan.offset[lowered::io.inputs[K]], in.data.data(), Tensors::byte_count()), ...);
  }
  memory m_{};
};

/// A model that owns its arena. Make it static or global: the arena is a member. A constant-initialised global needs no
/// constructor call, but its arena then has an image in flash (.data, beside the pointer to the weights); where flash
/// is short, give a model_view an array of your own, which is .bss.
template <class Tag, class Isa = isa::best>
class model : public model_view<Tag, Isa> {
 public:
  constexpr explicit model(const void* weights, const void* packed = nullptr) : model_view<Tag, Isa>(weights, arena_, packed) {}
  model(const model&) = delete;
  model& operator=(const model&) = delete;

 private:
  alignas(64) std::byte arena_[static_cast<std::size_t>(model_traits<Tag, Isa>::arena_bytes) + 1]{};
};

}  // namespace qnnx::inline QNNX_ABI
