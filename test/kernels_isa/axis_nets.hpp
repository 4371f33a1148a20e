// SPDX-License-Identifier: Apache-2.0
#pragma once
// Random nets along axes: reductions, softmax and norms, transposition, concatenation.

#include <algorithm>

#include "kernels_isa/net_maker.hpp"

namespace qnnx::isa_test {

/// Any axes of up to four.
template <class Op>
net reduce_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const shape dims{d.roll(1, 3), d.roll(1, 7), d.roll(1, 9), d.chance(50) ? d.roll(1, 8) : d.roll(1, 200)};
  typename Op::params p;
  p.keep_dims = d.chance(50);
  for (int axis = 0; axis < 4; ++axis)
    if (d.chance(40)) p.axes.push_back(axis);
  if (p.axes.size() == 0) p.axes.push_back(d.roll(0, 3));
  const int x = m.input("x", dims);
  m.n.template add_node<Op>("node", {x}, {}, p);
  net n = m.finish(false, 0.01f, 0.2f);
  n.nodes[0].epi = {};
  if (d.chance(50)) n.tensors[static_cast<std::size_t>(n.find("y"))].enc = n.tensors[static_cast<std::size_t>(x)].enc;
  return n;
}

/// Rows that are long, short, constant (ties on purpose; or no variance and no epsilon), with and without gamma and beta.
template <class Op>
net norm_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool ties = is_fixed(types.out) && d.chance(20);  // rows of one: a result is beta, halves of steps
  const bool nothing = is_fixed(types.out) && !ties && d.chance(10);  // 0 / 0
  const shape dims{d.roll(1, 3), d.roll(1, 6), ties || nothing ? 1 : d.roll(1, 150)};
  typename Op::params p;
  const int kind = ties || nothing ? 9 : d.roll(0, 9);
  p.over = kind == 0 ? axes{1} : kind == 1 ? axes{1, 2} : axes{-1};
  p.epsilon = nothing ? 0.0f : d.chance(50) ? 1e-5f : 1e-12f;
  const int count = kind == 0 ? dims[1] : kind == 1 ? dims[1] * dims[2] : dims[2];
  std::vector<int> inputs{m.input("x", dims)};
  if (ties || d.chance(80)) {
    inputs.push_back(m.weights({count}, 0));
    if (ties || d.chance(80)) inputs.push_back(m.bias(count));
  }
  m.n.template add_node<Op>("node", inputs, {}, p);
  net n = m.finish(false, 0.01f, 0.1f);
  n.nodes[0].epi = {};
  if (ties) {
    n.tensors[static_cast<std::size_t>(inputs[0])].enc.scales[0] = 0x1p-6f;
    n.tensors[static_cast<std::size_t>(inputs[1])].enc = net_encoding::tensor(0x1p-7f, 0);
    *n.tensors[static_cast<std::size_t>(inputs[2])].template as<std::int32_t>() = d.roll(-200, 200);
    n.tensors[static_cast<std::size_t>(n.find("y"))].enc.scales[0] = 0x1p-12f;
  }
  return n;
}

/// Softmax and LogSoftmax along any axis: lines that are short, long, constant (ends of the range), with ties.
template <class Op>
net line_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const bool fixed = is_fixed(types.out), wide = bits_of(types.out) == 16;
  const bool ties = fixed && d.chance(35);
  shape dims;
  const int rank = d.roll(1, 4), axis = d.chance(35) ? rank - 1 : d.roll(0, rank - 1);
  for (int i = 0; i < rank; ++i) {
    const bool is_long = rank > 1 && i == rank - 1;
    dims.push_back(d.chance(10) ? 1 : i == axis ? d.roll(1, ties ? 4 : d.chance(20) ? 300 : 24) : d.roll(1, is_long ? 70 : 5));
  }
  typename Op::params p;
  p.axis = d.chance(30) ? axis - rank : axis;
  if (d.chance(25)) p.beta = d.real(0.0f, 3.0f);
  const bool ends = fixed && !wide && d.chance(ties ? 70 : 15);
  const int x = m.input(ends ? "ends" : "x", dims, wide ? 1e-4f : 0.02f, wide ? 1e-3f : 0.2f);
  m.n.template add_node<Op>("node", {x}, {}, p);
  constexpr bool logarithm = std::is_same_v<Op, op::log_softmax>;
  net n = wide ? m.finish(false, logarithm ? 1e-4f : 1.2e-5f, 1e-3f) : m.finish(false, logarithm ? 0.02f : 0.002f, logarithm ? 0.2f : 0.02f);
  n.nodes[0].epi = {};
  if (ties) {
    n.tensors[static_cast<std::size_t>(x)].enc.scales[0] = 0.5f;
    n.tensors[static_cast<std::size_t>(n.find("y"))].enc.scales[0] = logarithm ? std::exp2(static_cast<float>(d.roll(0, 2))) : 2.0f / static_cast<float>(dims[axis]);  // halves of steps
  } else if (fixed && d.chance(5)) {  // the reference does it
    n.tensors[static_cast<std::size_t>(n.find("y"))].enc.scales[0] = 1e-7f;
  }
  return n;
}

/// The net of a node that moves the elements of x: no epilogue, and the result has the encoding of x.
inline net finish_moved(net_maker& m, int x) {
  net n = m.finish(false);
  n.nodes[0].epi = {};
  n.tensors[static_cast<std::size_t>(n.find("y"))].enc = n.tensors[static_cast<std::size_t>(x)].enc;
  return n;
}

/// Up to four axes in another order.
inline net transpose_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  shape dims;
  std::vector<int> order;
  const int rank = d.roll(2, 4);
  for (int i = 0; i < rank; ++i) {
    dims.push_back(d.chance(30) ? d.roll(1, 4) : d.roll(5, 40));
    order.push_back(i);
  }
  std::shuffle(order.begin(), order.end(), d.g);
  op::transpose::params p;
  for (const int axis : order) p.perm.push_back(axis);
  const int x = m.input("x", dims);
  m.n.add_node<op::transpose>("node", {x}, {}, p);
  return finish_moved(m, x);
}

/// Two groups of the last axis most of the time.
inline net shuffle_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int groups = d.chance(70) ? 2 : d.roll(1, 5);
  const bool last = d.chance(80);
  shape dims{d.roll(1, 2), d.roll(1, 5), d.roll(1, 5), d.roll(1, 60)};
  const int axis = last ? 3 : d.roll(0, 3);
  dims[axis] = groups * d.roll(1, axis == 3 ? 70 : 5);
  op::channel_shuffle::params p;
  p.num_groups = static_cast<std::uint32_t>(groups);
  if (axis < 3 || d.chance(50)) p.axis = static_cast<std::uint32_t>(axis);
  const int x = m.input("x", dims);
  m.n.add_node<op::channel_shuffle>("node", {x}, {}, p);
  return finish_moved(m, x);
}

/// Two to four parts on any axis; some have the output's encoding. Some are long enough for a table.
inline net concat_net(unsigned seed, const signature& types) {
  net_maker m(seed, types);
  dice& d = m.d;
  const int rank = d.roll(1, 4);
  shape dims;
  for (int i = 0; i < rank; ++i) dims.push_back(rank == 1 ? d.roll(1, 900) : d.roll(1, rank == 2 ? 60 : 14));
  const int axis = d.roll(0, rank - 1);
  std::vector<int> parts;
  for (int i = d.roll(2, 4); i > 0; --i) {
    shape part = dims;
    part[axis] = d.roll(1, rank == 1 ? 900 : 40);
    parts.push_back(m.input(("x" + std::to_string(i)).c_str(), part, 0.005f, 0.06f));
  }
  op::concat::params p;
  if (axis < rank - 1 || d.chance(50)) p.axis = static_cast<std::uint32_t>(axis);
  m.n.add_node<op::concat>("node", parts, {}, p);
  net n = m.finish(false, 0.005f, 0.06f);
  n.nodes[0].epi = {};
  if (d.chance(30)) n.tensors[static_cast<std::size_t>(n.find("y"))].enc = n.tensors[static_cast<std::size_t>(parts[0])].enc;
  return n;
}

}  // namespace qnnx::isa_test
