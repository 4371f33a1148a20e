// SPDX-License-Identifier: Apache-2.0
#pragma once
// Runs one reference kernel on plain vectors, without graph or interpreter: shapes from the op's rules, constants from
// prepare(), then the kernel.
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "qnnx/kernel/contract.hpp"

namespace kernel_call {

using namespace qnnx;

/// A tensor with its bytes.
struct value {
  dtype type = dtype::float_32;
  shape dims{};
  float scale = 0;
  std::int32_t offset = 0;
  std::vector<std::byte> bytes{};

  tensor_desc desc() const {
    tensor_desc d{.name = "t", .type = type, .dims = dims};
    if (is_fixed(type)) d.enc = scale_offset(scale, offset);
    return d;
  }
};
template <class T>
value make(dtype type, const shape& dims, const std::vector<T>& v, float scale = 0, std::int32_t offset = 0) {
  value r{type, dims, scale, offset, std::vector<std::byte>(v.size() * sizeof(T))};
  std::memcpy(r.bytes.data(), v.data(), r.bytes.size());
  return r;
}
/// Element i as stored.
inline double element(const value& v, std::size_t i) {
  const auto as = [&]<class T>(T x) {
    std::memcpy(&x, v.bytes.data() + i * sizeof(T), sizeof(T));
    if constexpr (std::is_same_v<T, half>) return static_cast<double>(static_cast<float>(x));
    else return static_cast<double>(x);
  };
  switch (v.type) {
    case dtype::float_32: return as(0.0f);
    case dtype::float_16: return as(half());
    case dtype::ufixed_8:
    case dtype::bool_8: return as(std::uint8_t{});
    case dtype::sfixed_8: return as(std::int8_t{});
    case dtype::ufixed_16: return as(std::uint16_t{});
    case dtype::sfixed_16: return as(std::int16_t{});
    default: return as(std::int32_t{});
  }
}
inline double real(const value& v, std::size_t i) {
  const double x = element(v, i);
  return is_fixed(v.type) ? (x + v.offset) * static_cast<double>(v.scale) : x;
}
/// Stores a real, rounded and clamped.
inline void put(value& v, std::size_t i, double x) {
  const auto as = [&](auto stored) { std::memcpy(v.bytes.data() + i * sizeof(stored), &stored, sizeof(stored)); };
  if (v.type == dtype::float_32) return as(static_cast<float>(x));
  if (v.type == dtype::float_16) return as(half(static_cast<float>(x)));
  const auto q = clamp<std::int64_t>(
      round_rne(is_fixed(v.type) ? x / static_cast<double>(v.scale) : x) - (is_fixed(v.type) ? v.offset : 0),
      v.type == dtype::bool_8 ? 0 : min_value(v.type), v.type == dtype::bool_8 ? 1 : max_value(v.type));
  if (bits_of(v.type) == 8) as(static_cast<std::uint8_t>(q));
  else if (bits_of(v.type) == 16) as(static_cast<std::uint16_t>(q));
  else as(static_cast<std::int32_t>(q));
}

/// Op under signature Sig. `y` gives type and encoding of the output. With `in_place` the output lies over input 0.
template <class Op, class Sig>
void run_as(const std::vector<value>& in, const typename Op::params& p, value& y, rounding_mode mode, const epilogue& epi,
            bool in_place) {
  std::vector<tensor_desc> descs;
  for (const value& v : in) descs.push_back(v.desc());
  std::vector<const tensor_desc*> inputs;
  for (const tensor_desc& d : descs) inputs.push_back(&d);
  context c{"node", inputs.data(), static_cast<int>(inputs.size()), nullptr, 0};
  shapes s;
  if constexpr (requires { Op::check(c, p); }) REQUIRE(Op::check(c, p).ok());
  REQUIRE(Op::infer(c, p, s).ok());
  y.dims = s[0];
  const tensor_desc out = y.desc();
  const tensor_desc* outputs[] = {&out};
  c.outputs = outputs;
  c.output_count = 1;
  y.bytes.resize(static_cast<std::size_t>(byte_size(out)));
  std::vector<quant> q;
  for (const value& v : in) q.push_back({.scale = v.scale, .offset = v.offset});
  const quant qy{.scale = y.scale, .offset = y.offset};
  const node_facts f{c, q.data(), &qy, epi};
  using K = kernel::select<Op, isa::reference, Sig>;
  const rounding::dynamic r{mode};
  std::vector<std::int32_t> constants(static_cast<std::size_t>(kernel::constant_words<K>(f, p)) + 1);
  kernel::prepare<K>(f, p, r, constants.data());
  if (in_place) REQUIRE(kernel::overlap<K>(f, p, 0) == 0);
  std::vector<std::byte> arena;
  std::vector<operand> operands;
  for (std::size_t i = 0; i < in.size(); ++i) {
    operands.push_back({in[i].bytes.empty() ? bank::absent : bank::arena, static_cast<std::int64_t>(arena.size()), in[i].dims, q[i]});
    arena.insert(arena.end(), in[i].bytes.begin(), in[i].bytes.end());
    arena.resize((arena.size() + 15) / 16 * 16);
  }
  const operand result{bank::arena, in_place ? 0 : static_cast<std::int64_t>(arena.size()), y.dims, qy};
  if (!in_place) arena.resize(arena.size() + y.bytes.size());
  std::vector<const operand*> refs;
  for (const operand& o : operands) refs.push_back(&o);
  refs.push_back(&result);
  const step st{.inputs = operand_list(refs.data()), .outputs = operand_list(refs.data() + in.size()),
                .input_count = static_cast<std::int16_t>(in.size()), .output_count = 1,
                .params = &p, .constants = constants.data(), .epi = epi};
  const memory m{arena.data(), nullptr, nullptr};
  kernel::run_shared<Op, isa::reference, Sig, rounding::dynamic>(st, m, r, {});
  std::memcpy(y.bytes.data(), arena.data() + result.at, y.bytes.size());
}
template <class Op, class... Sigs>
void run_any(signatures<Sigs...>, const std::vector<value>& in, const typename Op::params& p, value& y, rounding_mode mode,
             const epilogue& epi, bool in_place) {
  bool found = false;
  const auto one = [&]<class Sig>(std::type_identity<Sig>) {
    const signature s = signature_of<Sig>;
    bool fits = !found && s.out == y.type;
    for (std::size_t i = 0; i < in.size() && fits; ++i)
      fits = in[i].bytes.empty() || s.in[i < static_cast<std::size_t>(s.count) ? i : static_cast<std::size_t>(s.count) - 1] == in[i].type;
    if (!fits) return;
    found = true;
    run_as<Op, Sig>(in, p, y, mode, epi, in_place);
  };
  (one(std::type_identity<Sigs>{}), ...);
  REQUIRE(found);
}
/// The output of Op on `in`; an input without bytes is left out.
template <class Op>
value run(const std::vector<value>& in, const typename Op::params& p, value y, rounding_mode mode = rounding_mode::rne,
          const epilogue& epi = {}, bool in_place = false) {
  run_any<Op>(typename Op::types{}, in, p, y, mode, epi, in_place);
  return y;
}

}  // namespace kernel_call
