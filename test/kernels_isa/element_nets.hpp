// SPDX-License-Identifier: Apache-2.0
#pragma once
// Random nets that go element by element: two operands that broadcast, functions, powers, tables.

#include "kernels_isa/net_maker.hpp"

namespace qnnx::isa_test {

/// Shapes that broadcast in every way a row walk can meet.
template <class Op>
net binary_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool large = d.chance(25);  // forms of sums that long rows only have
  const shape whole{d.roll(1, 3), large ? d.roll(6, 9) : d.roll(1, 6), large ? 12 : d.roll(1, 6), d.roll(large ? 60 : 1, large ? 100 : 70)};
  shape a = whole;
  shape b = whole;
  switch (d.roll(0, 5)) {
    case 0: b = {whole[3]}; break;                   // a row of channels
    case 1: b = {1}; break;                          // one value
    case 2: a = {whole[0], 1, 1, whole[3]}; break;   // channel-wise scale
    case 3: b = {whole[0], whole[1], whole[2], 1}; break;
    default: break;
  }
  const int x = m.input("x", a);
  const int z = m.input("z", b, 0.02f, 0.06f, 1);
  typename Op::params p;
  if constexpr (requires { p.operation; }) {
    constexpr op::binary all[] = {op::binary::add, op::binary::subtract, op::binary::multiply, op::binary::divide,
                                  op::binary::maximum, op::binary::minimum, op::binary::squared_difference};
    p.operation = all[d.roll(0, 6)];
  }
  m.n.template add_node<Op>("node", {x, z}, {}, p);
  const bool wide = bits_of(types.out) == 16;
  op::binary what = op::binary::add;
  if constexpr (requires { p.operation; }) what = p.operation;
  else if constexpr (requires { Op::operation; }) what = Op::operation;
  float unit = 1.0f;  // results in range
  if (wide && (what == op::binary::multiply || what == op::binary::squared_difference)) unit = 1000.0f;
  if (wide && what == op::binary::divide) unit = 0.01f;
  if (!wide && what == op::binary::multiply && d.chance(15)) unit = 0.002f;  // multipliers from 16 on
  net n = m.finish(false, 0.01f * unit, 0.2f * unit);
  if ((what == op::binary::maximum || what == op::binary::minimum) && d.chance(40))
    for (net_tensor& t : n.tensors) t.enc = n.tensors[0].enc;
  return n;
}

/// Elements one by one: conversions (data with ties on purpose) and activations.
template <class Op>
net one_input_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool wide = is_fixed(types.in[0]) && bits_of(types.in[0]) == 16 && is_fixed(types.out) && bits_of(types.out) == 16;
  const bool fine = wide && (std::is_same_v<Op, op::softmax> || d.chance(60));  // else curves are steps
  const bool many = wide && d.chance(10);
  const bool halves = wide && std::is_same_v<Op, op::softmax> && d.chance(15);  // short rows, results that are ties
  const int x = m.input("x", {many ? 60 : d.roll(1, 4), halves ? d.roll(1, 4) : many ? 1024 : d.roll(1, 300)}, fine ? 1e-4f : 0.02f, fine ? 1e-3f : 0.06f);
  typename Op::params p;
  if constexpr (std::is_same_v<Op, op::elementwise_unary>) {
    p.operation = static_cast<op::unary>(d.roll(0, 15));
    if (p.operation == op::unary::logical_not) p.operation = op::unary::sqrt;
  } else if constexpr (requires { p.operation; }) {
    p.operation = d.chance(10) ? op::neuron::silu : static_cast<op::neuron>(d.roll(0, 8));
  }
  if constexpr (requires { p.beta; p.threshold; })
    if (d.chance(40)) p.beta = d.real(0.2f, 5.0f), p.threshold = d.chance(50) ? d.real(0.0f, 2.0f) : -1.0f;
  if constexpr (requires { p.min_value; }) p.min_value = -0.5f, p.max_value = 1.5f;
  m.n.template add_node<Op>("node", {x}, {}, p);
  net n = m.finish(false, fine ? 1.2e-5f : 0.004f, fine ? 1e-4f : 0.1f);
  n.nodes[0].epi = {};
  net_tensor& y = n.tensors[static_cast<std::size_t>(n.find("y"))];
  if (wide && d.chance(15)) y.enc.scales[0] = n.tensors[0].enc.scales[0];
  else if (is_fixed(y.type) && !fine && d.chance(40)) y.enc.scales[0] = 1.0f / 64;  // inputs are multiples of 2^-14: many ties
  if (y.type == dtype::sfixed_16 && d.chance(40)) {  // as TFLite's curves
    y.enc = net_encoding::tensor(1.0f / 32768, 0);
    if (wide && d.chance(60)) n.tensors[0].enc = net_encoding::tensor(d.real(3e-4f, 1e-3f), 0);
  }
  if (halves) {
    y.enc.scales[0] = std::exp2(static_cast<float>(d.roll(-2, 1)));
    n.tensors[0].enc.scales[0] = 0.5f;
  }
  return n;
}

/// Slopes of channels, of one value or of every element; results with ties now and then.
inline net prelu_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const shape whole{d.roll(1, 2), d.roll(1, 5), d.roll(1, 5), d.roll(1, 70)};
  shape slopes = whole;
  const int kind = d.roll(0, 3);
  if (kind <= 1) slopes = {whole[3]};
  if (kind == 2) slopes = {1};
  const int x = m.input("x", whole), s = m.input("s", slopes, 0.001f, 0.02f, 1);
  m.n.add_node<op::prelu>("node", {x, s}, {}, {});
  const bool wide = bits_of(types.out) == 16;
  net n = m.finish(false, wide ? 0.0001f : 0.01f, wide ? 0.1f : 0.2f);
  n.nodes[0].epi = {};
  if (d.chance(40))
    for (net_tensor& t : n.tensors)
      if (is_fixed(t.type)) t.enc.scales[0] = std::exp2(std::floor(std::log2(t.enc.scales[0])));
  if (is_fixed(types.out) && d.chance(5)) {  // a factor beyond floats, which 0 still takes to 0
    n.tensors[static_cast<std::size_t>(x)].enc.scales[0] = 1e30f;
    n.tensors[static_cast<std::size_t>(n.find("y"))].enc.scales[0] = 1e-10f;
  }
  return n;
}

/// Powers by a constant: mostly squares.
inline net power_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  const int x = m.input("x", {m.d.roll(1, 5), m.d.roll(1, 70)});
  net_tensor z{.name = "z", .kind = tensor_kind::constant, .type = types.in[1], .dims = {1}};
  const float exponent = m.d.chance(75) ? 2.0f : m.d.real(-3, 3);
  const half short_exponent(exponent);
  const bool is_short = z.type == dtype::float_16;
  z.data.resize(is_short ? 2 : 4);
  std::memcpy(z.data.data(), is_short ? static_cast<const void*>(&short_exponent) : &exponent, z.data.size());
  const int power = m.n.add_tensor(z);
  m.n.add_node<op::elementwise_power>("node", {x, power}, {}, {});
  return m.finish(false);
}

/// Any table.
inline net lookup_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  const int x = m.input("x", {m.d.roll(1, 5), m.d.roll(1, 300)});
  net_tensor t{.name = "t", .kind = tensor_kind::constant, .type = types.in[1], .dims = {256}, .enc = m.data_encoding(types.in[1], 0.01f, 0.1f)};
  t.data = random_bytes(m.d, t);
  m.n.add_node<op::lookup>("node", {x, m.n.add_tensor(t)}, {}, {});
  net n = m.finish(false);
  n.nodes[0].epi = {};
  return n;
}

}  // namespace qnnx::isa_test
