// SPDX-License-Identifier: Apache-2.0
#pragma once
// What an op is: a struct with
//   name      the QNN type name
//   params    an aggregate (op/params.hpp)
//   inputs, outputs   port tables
//   types     signatures<u8(u8, s8, s32), ...>: out(in...), the last input repeats for variadic ops
//   check     (context, params) -> issue: operands fit together            (optional)
//   infer     (context, params, shapes&) -> issue: sizes of the outputs
//   cost      (context, params) -> cost: multiply-accumulates and operations (optional)
//   data_movement = true where the output has the input's encoding by definition (optional)
// and no loops over data. `info<Op>` makes it a value for the graph. Layer 4.

#include <array>
#include <cstdint>
#include <string_view>

#include "qnnx/base/issue.hpp"
#include "qnnx/op/epilogue.hpp"
#include "qnnx/op/params.hpp"
#include "qnnx/tensor/desc.hpp"

namespace qnnx::inline QNNX_ABI {

/// What a kernel answers where asked how far before a dying input its output must begin so that both may share memory.
inline constexpr std::int64_t no_overlap = -1;
inline constexpr std::int64_t in_place_only = -2;  // the output begins where the input begins, or shares nothing with it

enum class port_kind : std::uint8_t { required, optional, variadic };
struct port {
  std::string_view name;
  port_kind kind = port_kind::required;
  bool constant = false;  // must be static data
};

/// The type table of an op: function types, result first.
template <class... Signatures>
struct signatures {};

/// One signature as a value.
struct signature {
  dtype out = dtype::undefined;
  std::array<dtype, 5> in{};
  int count = 0;
};
namespace detail {
template <class Out, class... In>
constexpr signature signature_value(Out (*)(In...)) {
  return {Out::code, {In::code...}, static_cast<int>(sizeof...(In))};
}
}  // namespace detail
template <class Sig>
inline constexpr signature signature_of = detail::signature_value(static_cast<Sig*>(nullptr));

/// A node with its operands, as the rules see it.
struct context {
  std::string_view node;
  const tensor_desc* const* inputs = nullptr;
  int input_count = 0;
  const tensor_desc* const* outputs = nullptr;
  int output_count = 0;

  constexpr bool has(int i) const { return i < input_count && inputs[i]->kind != tensor_kind::null; }
  constexpr const tensor_desc& in(int i) const { return *inputs[i]; }
  constexpr const tensor_desc& out(int i) const { return *outputs[i]; }
  constexpr const shape& dims(int i) const { return inputs[i]->dims; }
};

struct shapes {
  std::array<shape, max_outputs> dims{};
  int count = 0;
  constexpr shape& operator[](int i) { return dims[static_cast<std::size_t>(i)]; }
  constexpr const shape& operator[](int i) const { return dims[static_cast<std::size_t>(i)]; }
  constexpr void set(const shape& s) {
    dims[0] = s;
    count = 1;
  }
};

struct cost {
  std::int64_t macs = 0;  // multiply-accumulates
  std::int64_t ops = 0;   // other arithmetic per inference
};

/// FNV-1a of the type name: the identity of an op in graph values, open to ops from outside.
constexpr std::uint32_t op_id(std::string_view name) {
  std::uint32_t h = 2166136261u;
  for (char c : name) h = (h ^ static_cast<unsigned char>(c)) * 16777619u;
  return h;
}
/// Maps an id back to the op type; specialised for every op in ops.inc and by QNNX_REGISTER_OP.
template <std::uint32_t Id>
struct op_of;
#define QNNX_REGISTER_OP(OP) \
  template <>                \
  struct qnnx::op_of<qnnx::op_id(OP::name)> { using type = OP; };

struct op_info {
  std::string_view name;
  std::uint32_t id = 0;
  const port* inputs = nullptr;
  int input_count = 0;
  const port* outputs = nullptr;
  int output_count = 0;
  const signature* types = nullptr;
  int type_count = 0;
  bool data_movement = false;
  issue (*check)(const context&, const words&) = nullptr;
  issue (*infer)(const context&, const words&, shapes&) = nullptr;
  issue (*rules)(const context&, const words&, shapes&) = nullptr;  // check, then infer
  cost (*price)(const context&, const words&) = nullptr;

  constexpr bool variadic_in() const { return input_count && inputs[input_count - 1].kind == port_kind::variadic; }
  constexpr bool variadic_out() const { return output_count && outputs[output_count - 1].kind == port_kind::variadic; }
  constexpr const port& input_port(int i) const { return inputs[i < input_count ? i : input_count - 1]; }
};

namespace detail {
template <class T> struct signature_table;
template <class... S>
struct signature_table<signatures<S...>> {
  static constexpr std::array<signature, sizeof...(S)> rows{signature_of<S>...};
};
template <class Op>
constexpr issue check_of(const context& c, const words& w) {
  if constexpr (requires { Op::check(c, typename Op::params{}); }) return Op::check(c, from_words<typename Op::params>(w));
  else return (void)c, (void)w, issue{};
}
template <class Op>
constexpr issue infer_of(const context& c, const words& w, shapes& out) {
  return Op::infer(c, from_words<typename Op::params>(w), out);
}
template <class Op>
constexpr issue rules_of(const context& c, const words& w, shapes& out) {
  const auto p = from_words<typename Op::params>(w);
  if constexpr (requires { Op::check(c, p); })
    if (issue e = Op::check(c, p)) return e;
  return Op::infer(c, p, out);
}
template <class Op>
constexpr qnnx::cost cost_of(const context& c, const words& w) {
  if constexpr (requires { Op::cost(c, typename Op::params{}); }) {
    return Op::cost(c, from_words<typename Op::params>(w));
  } else {
    (void)w;
    return {0, c.output_count > 0 ? c.out(0).dims.size() : 0};
  }
}
template <class Op>
constexpr bool moves_data() {
  if constexpr (requires { Op::data_movement; }) return Op::data_movement;
  else return false;
}
template <class Op>
constexpr op_info make_info() {
  op_info i;
  i.name = Op::name;
  i.id = op_id(Op::name);
  i.inputs = Op::inputs.data();
  i.input_count = static_cast<int>(Op::inputs.size());
  i.outputs = Op::outputs.data();
  i.output_count = static_cast<int>(Op::outputs.size());
  i.types = signature_table<typename Op::types>::rows.data();
  i.type_count = static_cast<int>(signature_table<typename Op::types>::rows.size());
  i.data_movement = moves_data<Op>();
  i.check = &check_of<Op>;
  i.infer = &infer_of<Op>;
  i.rules = &rules_of<Op>;
  i.price = &cost_of<Op>;
  return i;
}
}  // namespace detail

/// An op as a value: rules by function pointer, so that a graph can hold ops this library has never seen.
template <class Op>
inline constexpr op_info info = detail::make_info<Op>();

// Words for the ops' own checks.
namespace op {
constexpr text operand(const char* direction, int i, std::string_view port) {
  text t;
  t << direction << " " << i;
  if (!port.empty()) t << " (" << port << ")";
  return t;
}
constexpr issue bad_shape(int input, std::string_view port, const shape& got, const shape& expected) {
  return {errc::wrong_shape, operand("input", input, port), to_text(got), to_text(expected)};
}
constexpr issue bad_rank(int input, std::string_view port, const shape& got, const char* expected) {
  return {errc::wrong_rank, operand("input", input, port), to_text(got), expected};
}
constexpr issue bad_parameter(const char* name, const text& got, const text& expected) {
  text where;
  where << "parameter " << name;
  return {errc::bad_parameter, where, got, expected};
}
constexpr text number(std::int64_t n) {
  text t;
  t << n;
  return t;
}
/// Numpy broadcast of two shapes; rank -1 where they do not fit.
constexpr shape broadcast(const shape& a, const shape& b) {
  shape r;
  r.count = a.rank() > b.rank() ? a.rank() : b.rank();
  for (int i = 0; i < r.count; ++i) {
    const int ia = i - (r.count - a.rank());
    const int ib = i - (r.count - b.rank());
    const std::int32_t da = ia >= 0 ? a[ia] : 1;
    const std::int32_t db = ib >= 0 ? b[ib] : 1;
    if (da != db && da != 1 && db != 1) {
      r.count = -1;
      return r;
    }
    r[i] = da == 1 ? db : da;
  }
  return r;
}
}  // namespace op

}  // namespace qnnx::inline QNNX_ABI
