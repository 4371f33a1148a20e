// SPDX-License-Identifier: Apache-2.0
// The promise of overlap(): with the output that many bytes before the input, in one piece of memory, every result is
// what it is in separate memory.
#include "kernels_accumulate/operands.hpp"
#include "qnnx/kernel/kernels.hpp"

using namespace accumulate_test;

namespace {

int shared_runs = 0;  // those in which the two regions really had bytes in common

template <class Op, class Sig>
void compare(std::mt19937& g, const std::vector<shape>& dims, const typename Op::params& p) {
  using K = kernel::select<Op, isa::reference, Sig>;
  const signature t = signature_of<Sig>;
  const int count = static_cast<int>(dims.size());
  std::vector<tensor_values> v;
  std::vector<tensor_desc> descs(dims.size() + 1);
  std::vector<quant> quants(dims.size() + 1);
  std::vector<const tensor_desc*> in;
  for (int i = 0; i < count; ++i) {
    const auto k = static_cast<std::size_t>(i);
    v.push_back(random_tensor(g, t.in[k], dims[k], -1, 3000));
    descs[k].type = t.in[k];
    descs[k].dims = dims[k];
    if (is_fixed(t.in[k])) quants[k].scale = v[k].scales[0], quants[k].offset = v[k].v.enc.offset();
    in.push_back(&descs[k]);
  }
  tensor_desc& out = descs[dims.size()];
  context c{"node", in.data(), count, nullptr, 0};
  shapes s;
  REQUIRE(!Op::check(c, p));
  if (Op::infer(c, p, s)) return;
  out.type = t.out;
  out.dims = s[0];
  quants[dims.size()].scale = 0.1f;
  quants[dims.size()].offset = -3;
  const tensor_desc* outs[] = {&out};
  c.outputs = outs;
  c.output_count = 1;
  const node_facts f{c, quants.data(), quants.data() + dims.size(), {}};
  const std::int64_t distance = kernel::overlap<K>(f, p, 0);
  if (distance < 0) return;
  std::vector<std::int32_t> constants(static_cast<std::size_t>(kernel::constant_words<K>(f, p)) + 1);
  kernel::prepare<K>(f, p, rounding::rne{}, constants.data());

  std::vector<std::byte> weights;
  std::vector<operand> operands(dims.size() + 1);
  for (std::size_t k = 0; k < dims.size(); ++k) {
    operands[k] = {k ? bank::weights : bank::arena, static_cast<std::int64_t>(weights.size()), dims[k], quants[k]};
    if (k)
      weights.insert(weights.end(), v[k].v.data.begin(), v[k].v.data.end()),
          weights.resize((weights.size() + 15) / 16 * 16);
  }
  operands[dims.size()] = {bank::arena, 0, s[0], quants[dims.size()]};
  const auto in_bytes = static_cast<std::size_t>(byte_size(descs[0])),
             out_bytes = static_cast<std::size_t>(byte_size(out));
  const auto at_distance = [&](std::int64_t d) {
    bytes arena(static_cast<std::size_t>(d) + in_bytes + out_bytes);
    std::memcpy(arena.data() + d, v[0].v.data.data(), in_bytes);
    operands[0].at = d;
    std::vector<const operand*> refs;
    for (const operand& o : operands) refs.push_back(&o);
    const step st{operand_list(refs.data()), operand_list(refs.data() + dims.size()), static_cast<std::int16_t>(count), 1,
                  &p, constants.data(), 0, 0};
    kernel::run_shared<Op, isa::reference, Sig, rounding::rne>(st, {arena.data(), weights.data(), nullptr}, {}, {});
    arena.resize(out_bytes);
    return arena;
  };
  if (static_cast<std::size_t>(distance) < out_bytes) ++shared_runs;
  REQUIRE(at_distance(distance) == at_distance(static_cast<std::int64_t>(out_bytes + 15) / 16 * 16));
}

std::uint32_t some(std::mt19937& g, int lo, int hi) {
  return static_cast<std::uint32_t>(between(g, lo, hi));
}

template <class Data, class Weight, class Bias>
void all_ops(std::mt19937& g) {
  using sig = Data(Data, Weight, Bias);
  for (int round = 0; round < 60; ++round) {
    const int h = between(g, 1, 9), w = between(g, 1, 9), kh = between(g, 1, 4), kw = between(g, 1, 4),
              group = between(g, 1, 2);
    const int ci = group * between(g, 1, 20), co = group * between(g, 1, 20), multiplier = between(g, 1, 3);
    const std::array<std::uint32_t, 2> stride{some(g, 1, 3), some(g, 1, 3)}, dilation{some(g, 1, 2), some(g, 1, 2)};
    const std::array<std::uint32_t, 4> pad{some(g, 0, 3), some(g, 0, 3), some(g, 0, 3), some(g, 0, 3)};
    compare<op::conv2d, sig>(
        g, {{1, h, w, ci}, {kh, kw, ci / group, co}, {co}},
        {.stride = stride, .pad_amount = pad, .group = static_cast<std::uint32_t>(group), .dilation = dilation});
    compare<op::depthwise_conv2d, sig>(g, {{1, h, w, ci}, {kh, kw, 1, ci * multiplier}, {ci * multiplier}},
                                       {.stride = stride, .pad_amount = pad, .dilation = dilation});
    compare<op::transpose_conv2d, sig>(
        g, {{1, h, w, ci}, {kh, kw, ci, co / group}, {co}},
        {.stride = stride, .pad_amount = pad, .group = static_cast<std::uint32_t>(group)});
    compare<op::fully_connected, sig>(g, {{h, w, ci}, {co, ci}, {co}}, {.keep_dims = round % 2 != 0});
    const std::array<std::uint32_t, 2> filter{some(g, 1, 4), some(g, 1, 4)};
    const std::array<std::uint32_t, 4> inner{some(g, 0, 3) % filter[0], some(g, 0, 3) % filter[0],
                                             some(g, 0, 3) % filter[1], some(g, 0, 3) % filter[1]};
    compare<op::pool_max2d, Data(Data)>(
        g, {{1, h, w, ci}},
        {.filter_size = filter, .stride = stride, .pad_amount = inner, .rounding_mode = op::pool_rounding::ceil});
    compare<op::pool_avg2d, Data(Data)>(g, {{1, h, w, ci}},
                                        {.filter_size = filter,
                                         .stride = stride,
                                         .pad_amount = inner,
                                         .count_pad_for_edges = false,
                                         .rounding_mode = op::pool_rounding::floor});
  }
}
}  // namespace

TEST_CASE("an output that shares its dying input's memory at the promised distance") {
  auto g = generator();
  all_ops<types::s8, types::s8, types::s32>(g);
  all_ops<types::f32, types::f32, types::f32>(g);
  std::printf("%d runs shared bytes\n", shared_runs);
  CHECK(shared_runs > 100);
}
