// SPDX-License-Identifier: Apache-2.0
#pragma once
// A diagnostic as a value. The same words reach the user from a static_assert, from the interpreter and from a
// driver: "Conv2d 'stem': input 1 (weight): got [3,3,4,8], expected [3,3,3,8]". Layer 0.

#include "qnnx/base/text.hpp"

namespace qnnx::inline QNNX_ABI {

enum class errc : unsigned char {
  none,
  unknown_name,      // a tensor or op that does not exist
  duplicate_name,    // two tensors or two nodes with one name
  cycle,             // a node reads a tensor that is made later
  input_count,       // too many or too few inputs or outputs
  wrong_rank,
  wrong_shape,
  wrong_dtype,
  missing_encoding,  // a quantized tensor without scale
  bad_encoding,
  bad_parameter,
  missing_data,      // a static tensor without data
  bad_plan,          // two live tensors share arena bytes
  unsupported,
};

struct issue {
  errc code = errc::none;
  text where;     // "input 1 (weight)", "parameter stride"
  text got;
  text expected;

  constexpr bool ok() const { return code == errc::none; }
  constexpr explicit operator bool() const { return code != errc::none; }
};

constexpr std::string_view to_string(errc code) {
  switch (code) {
    case errc::none: return "no error";
    case errc::unknown_name: return "unknown name";
    case errc::duplicate_name: return "duplicate name";
    case errc::cycle: return "cycle";
    case errc::input_count: return "wrong number of operands";
    case errc::wrong_rank: return "wrong rank";
    case errc::wrong_shape: return "wrong shape";
    case errc::wrong_dtype: return "wrong datatype";
    case errc::missing_encoding: return "missing encoding";
    case errc::bad_encoding: return "bad encoding";
    case errc::bad_parameter: return "bad parameter";
    case errc::missing_data: return "missing data";
    case errc::bad_plan: return "bad memory plan";
    case errc::unsupported: return "unsupported";
  }
  return "?";
}

}  // namespace qnnx::inline QNNX_ABI
