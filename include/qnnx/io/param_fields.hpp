// SPDX-License-Identifier: Apache-2.0
#pragma once
// An op's parameters as named fields: what the C++ emitter prints, the containers store and the reports list. The
// fields are read off the params aggregate itself (Boost.PFR for the values, the compiler's own spelling of a member
// pointer for the names), so that an op's parameters are written once. Layer 7.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "qnnx/op/contract.hpp"
#include "qnnx/runtime/error.hpp"

namespace qnnx::inline QNNX_ABI {

enum class field_form : std::uint8_t { boolean, integer, natural, real, symbol };

struct param_field {
  std::string name{};
  field_form form = field_form::integer;
  bool list = false;                  // std::array or axes; else one value
  bool open = false;                  // axes: the number of values is free
  bool is_default = true;
  std::string type{};                 // symbol: the enumeration in C++, "qnnx::op::neuron"
  std::vector<std::int64_t> whole{};  // values of all forms but real
  std::vector<float> real{};
  std::vector<std::string> symbols{};  // symbol: enumerator per value, or empty text for a value without a name

  std::size_t size() const { return form == field_form::real ? real.size() : whole.size(); }
};

/// The C++ name of an op, as in `qnnx::op::conv2d`; empty for an op from outside.
std::string_view cpp_name(const op_info& op);
/// Parameters of the op's own default.
words default_params(const op_info& op);
std::vector<param_field> param_fields(const op_info& op, const words& params);
/// The inverse. Fields that are not named keep their default; an unknown name or a wrong count is an error.
words param_words(const op_info& op, std::span<const param_field> fields);

/// "{.stride = {2, 2}}": the fields that are not at their default, as a designated initialiser.
std::string param_initializer(std::span<const param_field> fields);
/// "2", "[2,2]", "gelu": the value as JSON (symbols as strings).
std::string field_json(const param_field& field);

}  // namespace qnnx::inline QNNX_ABI
