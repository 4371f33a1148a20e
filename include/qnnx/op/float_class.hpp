// SPDX-License-Identifier: Apache-2.0
#pragma once
// IsNan and IsInf: which elements are not a number, which are infinite (of the asked signs). The output is bool.
// Source: QNN op set 2.3.0 and 2.5.0; ONNX IsNaN, IsInf. Layer 4.

#include "qnnx/op/contract.hpp"

namespace qnnx::inline QNNX_ABI::op {

struct float_class {
  static constexpr std::array inputs{port{"in"}};
  static constexpr std::array outputs{port{"out"}};
  using types = signatures<types::b8(types::f32), types::b8(types::f16)>;
  template <class Params>
  static constexpr issue infer(const context& c, const Params&, shapes& out) {
    out.set(c.dims(0));
    return {};
  }
};
struct is_nan : float_class {
  static constexpr std::string_view name = "IsNan";
  using params = no_params;
};
struct is_inf : float_class {
  static constexpr std::string_view name = "IsInf";
  struct params {
    bool detect_negative = true;
    bool detect_positive = true;
    friend constexpr bool operator==(const params&, const params&) = default;
  };
};

}  // namespace qnnx::inline QNNX_ABI::op
