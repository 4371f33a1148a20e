// SPDX-License-Identifier: Apache-2.0
// Parts in their wholes: random graphs of concats, splits, slices and reshapes between nodes that write, planned and run
// byte by byte in one arena against tensors of their own; plans given as data; a model whose concat and split are no work.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "qnnx/ir/plan.hpp"
#include "qnnx/model/layers.hpp"
#include "qnnx/model/model.hpp"
#include "qnnx/op/ops.hpp"

using namespace qnnx;

namespace {

using bytes = std::vector<std::uint8_t>;

/// A random graph of 8-bit tensors [1, rows, width]. Nodes that are no views add their inputs, byte by byte or as a whole.
struct random_graph {
  std::mt19937 rng;
  std::vector<tensor_desc> tensors;
  std::vector<node_desc> nodes;
  std::vector<std::int64_t> distance, scratch;
  std::vector<int> readable;
  graph_view g;

  explicit random_graph(unsigned seed) : rng(seed) {
    const int width = pick(0, 3) ? 16 * pick(1, 3) : pick(3, 40);
    for (int k = pick(1, 3); k-- > 0;) readable.push_back(tensor({1, pick(1, 6), width}, tensor_kind::app_write));
    if (pick(0, 3) == 0) readable.push_back(tensor({1, 2, width}, tensor_kind::app_readwrite));
    for (int k = pick(4, 18); k-- > 0;) add();
    for (int t : readable)
      if (pick(0, 5) == 0 && at(t).kind == tensor_kind::native) at(t).kind = tensor_kind::app_read;
    at(nodes.back().outputs[0]).kind = at(nodes.back().outputs[0]).kind == tensor_kind::native ? tensor_kind::app_read : at(nodes.back().outputs[0]).kind;
    g.tensors = tensors.data();
    g.tensor_count = static_cast<int>(tensors.size());
    g.nodes = nodes.data();
    g.node_count = static_cast<int>(nodes.size());
  }
  int pick(int lo, int hi) { return lo + static_cast<int>(rng() % static_cast<unsigned>(hi - lo + 1)); }
  tensor_desc& at(int t) { return tensors[static_cast<std::size_t>(t)]; }
  int any() { return readable[rng() % readable.size()]; }
  int tensor(shape dims, tensor_kind kind = tensor_kind::native, float scale = 0) {
    tensor_desc t{.name = "t", .kind = kind, .type = dtype::ufixed_8, .dims = dims};
    t.enc = scale_offset(scale > 0 ? scale : pick(0, 4) ? 0.5f : 0.25f, 0);
    tensors.push_back(t);
    return static_cast<int>(tensors.size()) - 1;
  }
  template <class Op>
  void append(std::vector<int> in, std::vector<int> out, const typename Op::params& p, std::int64_t d = no_overlap) {
    node_desc n = node<Op>("n", {}, {}, p);
    for (int t : in) n.inputs[static_cast<std::size_t>(n.input_count++)] = t;
    for (int t : out) n.outputs[static_cast<std::size_t>(n.output_count++)] = t;
    nodes.push_back(n);
    distance.insert(distance.end(), max_inputs, d);
    scratch.push_back(pick(0, 3) ? 0 : 16 * pick(1, 4));
    for (int t : out)
      if (std::find(readable.begin(), readable.end(), t) == readable.end()) readable.push_back(t);
  }
  void add() {
    const int x = any();
    const shape dims = at(x).dims;
    const float scale = at(x).enc.scale;
    const int rows = dims[1];
    switch (pick(0, 9)) {
      case 0:
      case 1: {  // element by element, in place where the plan likes
        std::vector<int> in{x};
        if (const int y = any(); y != x && at(y).dims == dims) in.push_back(y);
        int out = -1;
        for (int t : readable)
          if (at(t).kind == tensor_kind::app_readwrite && t != x && at(t).dims == dims && pick(0, 1)) out = t;
        return append<op::relu>(in, {out >= 0 ? out : tensor(dims)}, {}, out >= 0 ? no_overlap : 0);
      }
      case 2: return append<op::relu>({x}, {tensor({1, pick(1, 6), dims[2]})}, {});
      case 3:
      case 4:
      case 5: {
        std::vector<int> in{x};
        for (int k = pick(1, 4); k-- > 0;)
          if (const int y = any(); at(y).dims[2] == dims[2]) in.push_back(y);
        int sum = 0;
        for (int t : in) sum += at(t).dims[1];
        if (sum > 60) return;
        return append<op::concat>(in, {tensor({1, sum, dims[2]}, tensor_kind::native, scale)}, {.axis = 1});
      }
      case 6:
      case 7: {
        if (rows < 2) return;
        op::split::params p;
        p.axis = 1;
        std::vector<int> out;
        int from = 0;
        for (int to = pick(1, rows - 1); from < rows; to = out.size() == 3 ? rows : pick(to + 1, rows)) {
          out.push_back(tensor({1, to - from, dims[2]}, tensor_kind::native, scale));
          if (to < rows) p.split_index.push_back(to);
          from = to;
          if (from == rows) break;
        }
        return append<op::split>({x}, out, p);
      }
      case 8: {
        op::strided_slice::params p;
        const int from = pick(0, rows - 1), to = pick(from + 1, rows), step = pick(0, 5) ? 1 : 2, narrow = pick(0, 5) ? 0 : 1;
        if (dims[2] - narrow < 1) return;
        p.ranges = {0, 1, 1, from, to, step, 0, dims[2] - narrow, 1};
        return append<op::strided_slice>({x}, {tensor({1, (to - from + step - 1) / step, dims[2] - narrow}, tensor_kind::native, scale)}, p);
      }
      default: return append<op::reshape>({x}, {tensor({1, rows, dims[2]}, tensor_kind::native, scale)}, {}, 0);
    }
  }
};

/// Runs a planned graph; false where a node reads, or the caller finds, other values than in tensors that share nothing.
struct simulation {
  const random_graph& r;
  const plan_buffers& b;
  bytes arena;
  std::vector<bytes> right;
  int copied = 0, stood = 0;

  simulation(const random_graph& graph, const plan_buffers& plan, std::int64_t total)
      : r(graph), b(plan), arena(static_cast<std::size_t>(total), 0xEE), right(graph.tensors.size()) {}
  std::uint8_t* place(int t) { return arena.data() + b.offset[t]; }
  bool intact(int t) { return std::equal(right[static_cast<std::size_t>(t)].begin(), right[static_cast<std::size_t>(t)].end(), place(t)); }
  std::int64_t size(int t) const { return byte_size(r.g.tensors[t]); }
  void copy(int from, std::int64_t source, int to, std::int64_t target, std::int64_t count) {
    const std::uint8_t add = r.g.tensors[from].enc.scale == r.g.tensors[to].enc.scale ? 0 : 7;  // another encoding
    for (std::int64_t i = 0; i < count; ++i)
      right[static_cast<std::size_t>(to)][static_cast<std::size_t>(target + i)] =
          static_cast<std::uint8_t>(right[static_cast<std::size_t>(from)][static_cast<std::size_t>(source + i)] + add);
    if (place(from) + source == place(to) + target) return void(++stood);
    ++copied;
    for (std::int64_t i = 0; i < count; ++i) place(to)[target + i] = static_cast<std::uint8_t>(place(from)[source + i] + add);
  }
  void run_node(int k) {
    const node_desc& n = r.nodes[static_cast<std::size_t>(k)];
    const int x = n.inputs[0], y = n.outputs[0];
    if (n.op->id == op_id(op::concat::name)) {
      std::int64_t at = 0;
      for (int i = 0; i < n.input_count; at += size(n.inputs[static_cast<std::size_t>(i++)]))
        copy(n.inputs[static_cast<std::size_t>(i)], 0, y, at, size(n.inputs[static_cast<std::size_t>(i)]));
    } else if (n.op->id == op_id(op::split::name)) {
      std::int64_t at = 0;
      for (int i = 0; i < n.output_count; at += size(n.outputs[static_cast<std::size_t>(i++)]))
        copy(x, at, n.outputs[static_cast<std::size_t>(i)], 0, size(n.outputs[static_cast<std::size_t>(i)]));
    } else if (n.op->id == op_id(op::strided_slice::name)) {
      const auto p = from_words<op::strided_slice::params>(n.params);
      const shape& d = r.g.tensors[y].dims;
      const std::int64_t row = r.g.tensors[x].dims[2];
      for (int i = 0; i < d[1]; ++i) copy(x, (p.ranges[3] + i * p.ranges[5]) * row + p.ranges[6], y, i * d[2], d[2]);
    } else if (n.op->id == op_id(op::reshape::name)) {
      copy(x, 0, y, 0, size(y));
    } else {
      const bool whole = size(x) != size(y);
      bytes sum(static_cast<std::size_t>(size(y)));
      if (whole) std::fill_n(place(y), size(y), std::uint8_t{0xDD});  // before it reads: nothing may be shared
      for (std::int64_t i = 0; i < size(y); ++i) {
        std::uint8_t now = 0, then = 0;
        for (int j = 0; j < n.input_count; ++j) {
          const int t = n.inputs[static_cast<std::size_t>(j)];
          now = static_cast<std::uint8_t>(now * 3 + place(t)[i % size(t)] + k + i);
          then = static_cast<std::uint8_t>(then * 3 + right[static_cast<std::size_t>(t)][static_cast<std::size_t>(i % size(t))] + k + i);
        }
        sum[static_cast<std::size_t>(i)] = then;
        place(y)[i] = now;
      }
      right[static_cast<std::size_t>(y)] = sum;
    }
  }
  bool run() {
    std::mt19937 data(5);
    for (int t = 0; t < r.g.tensor_count; ++t) {
      const tensor_kind kind = r.g.tensors[t].kind;
      right[static_cast<std::size_t>(t)].resize(static_cast<std::size_t>(size(t)));
      if (kind != tensor_kind::app_write && kind != tensor_kind::app_readwrite) continue;
      for (auto& v : right[static_cast<std::size_t>(t)]) v = static_cast<std::uint8_t>(data());
      std::copy(right[static_cast<std::size_t>(t)].begin(), right[static_cast<std::size_t>(t)].end(), place(t));
    }
    for (int k = 0; k < r.g.node_count; ++k) {
      const node_desc& n = r.nodes[static_cast<std::size_t>(k)];
      for (int i = 0; i < n.input_count; ++i)
        if (!intact(n.inputs[static_cast<std::size_t>(i)])) return false;
      if (b.scratch[k] > 0) std::fill_n(arena.data() + b.scratch_offset[k], b.scratch[k], std::uint8_t{0xCC});
      run_node(k);
      for (int i = 0; i < n.output_count; ++i)
        if (!intact(n.outputs[static_cast<std::size_t>(i)])) return false;
    }
    for (int t = 0; t < r.g.tensor_count; ++t)
      if ((r.g.tensors[t].kind == tensor_kind::app_read || r.g.tensors[t].kind == tensor_kind::app_readwrite) && !intact(t)) return false;
    return true;
  }
};

struct storage {
  std::vector<int> first, last, order;
  std::vector<std::int64_t> size, offset, scratch_offset;
  std::vector<tensor_view> views;
  std::vector<tensor_body> body;
  plan_buffers b;
  explicit storage(const random_graph& r, bool with_views = true)
      : first(r.tensors.size()), last(first.size()), order(first.size()), size(first.size()), offset(first.size(), -1),
        scratch_offset(r.nodes.size()), body(first.size()) {
    for (int k = 0; with_views && k < r.g.node_count; ++k) views_of(r.g, k, [&](const tensor_view& v) { views.push_back(v); });
    b = {.first = first.data(), .last = last.data(), .order = order.data(), .size = size.data(), .offset = offset.data(),
         .scratch_offset = scratch_offset.data(), .distance = r.distance.data(), .scratch = r.scratch.data(),
         .views = views.data(), .view_count = static_cast<int>(views.size()), .body = body.data()};
    lifetimes(r.g, b);
  }
};

}  // namespace

TEST_CASE("random graphs: every plan gives the values of tensors that share nothing") {
  std::int64_t stood = 0, copied = 0, arena = 0, arena_apart = 0;
  for (unsigned seed = 1; seed <= 4000; ++seed) {
    CAPTURE(seed);
    const random_graph r(seed);
    storage s(r), apart(r, false);
    const std::int64_t total = best_plan(r.g, s.b);
    REQUIRE(find_collision(r.g, s.b) == -1);
    REQUIRE(find_scratch_collision(r.g, s.b, total) == -1);
    simulation run(r, s.b, total);
    REQUIRE(run.run());
    stood += run.stood;
    copied += run.copied;
    const std::int64_t total_apart = best_plan(r.g, apart.b);
    CHECK(total <= total_apart);
    arena += total;
    arena_apart += total_apart;
    if (!make_bodies(r.g, s.b)) continue;
    for (const plan_order how : {plan_order::by_size, plan_order::by_time, plan_order::by_time_reversed}) {
      const std::int64_t bytes = plan(r.g, s.b, how);
      REQUIRE(find_collision(r.g, s.b) == -1);
      REQUIRE(simulation(r, s.b, bytes).run());
    }
  }
  CHECK(stood > copied);  // and the arena is a quarter smaller
  CHECK(arena * 4 < arena_apart * 3);
  MESSAGE(stood << " stood, " << copied << " copied; " << arena << " bytes, apart " << arena_apart);
}

TEST_CASE("a plan given as data is accepted only where its values are right") {
  int accepted = 0, refused = 0, wrong = 0;
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    CAPTURE(seed);
    random_graph r(seed);
    storage s(r);
    const std::int64_t total = best_plan(r.g, s.b) + 256;
    for (int k = 0; k < 6; ++k) {  // move a tensor, at random or to where a view would have it
      const int t = r.pick(0, r.g.tensor_count - 1);
      if (s.offset[static_cast<std::size_t>(t)] < 0) continue;
      const std::int64_t before = s.offset[static_cast<std::size_t>(t)];
      std::int64_t to = 16 * r.pick(0, static_cast<int>((total - s.size[static_cast<std::size_t>(t)]) / 16));
      if (!s.views.empty() && r.pick(0, 1)) {
        const tensor_view& v = s.views[r.rng() % s.views.size()];
        if (v.part == t) to = s.offset[static_cast<std::size_t>(v.whole)] + v.at;
        if (v.whole == t) to = s.offset[static_cast<std::size_t>(v.part)] - v.at;
        if (to % 16 != 0 || to < 0 || to + s.size[static_cast<std::size_t>(t)] > total) continue;
      }
      s.offset[static_cast<std::size_t>(t)] = to;
      std::int64_t end = total;
      place_scratch(r.g, s.b, end);
      const bool right = simulation(r, s.b, end).run();
      if (find_collision(r.g, s.b) == -1) {
        ++accepted;
        REQUIRE(right);
        continue;
      }
      ++refused;
      wrong += right ? 0 : 1;
      s.offset[static_cast<std::size_t>(t)] = before;
    }
  }
  CHECK(accepted > 500);
  CHECK(wrong > 500);
  MESSAGE(accepted << " accepted, " << refused << " refused, of which " << wrong << " are wrong");
}

namespace {
inline constexpr element q8 = quantized<ufixed<8>>(0.05f, -10);
inline constexpr element other8 = quantized<ufixed<8>>(0.07f, -3);

/// Two branches joined along the rows, cut again, one piece joined with the input; a third input of another encoding.
template <int Axis, bool Same>
struct branches {
  static consteval auto define() {
    qnnx::layers b;
    const auto x = b.input("x", {1, 8, 8, 16}, q8);
    const auto one = b.add<op::relu>("one", {x}, {}, q8);
    const auto two = b.add<op::pool_max2d>("two", {x}, {.filter_size = {3, 3}, .stride = {1, 1}, .pad_amount = {1, 1, 1, 1}}, Same ? q8 : other8);
    const auto both = b.add<op::concat>("both", {one, two}, {.axis = Axis}, q8);
    tensor_id cut[2];
    op::split::params p;
    p.axis = Axis;
    p.split_index.push_back(Axis == 1 ? 4 : 8);
    b.add_many<op::split>("cut", {both}, p, q8, {"head", "tail"}, cut);
    const auto bent = b.add<op::relu>("bent", {cut[0]}, {}, q8);
    b.output(b.add<op::concat>("y", {bent, cut[1]}, {.axis = Axis}, q8));
    return b;
  }
};
template <class Net>
std::vector<std::uint8_t> run_model() {
  static model<Net> m{nullptr};
  std::mt19937 random(3);
  for (auto& v : m.template input<"x">()) v = static_cast<std::uint8_t>(random());
  m.run();
  const auto y = m.template output<"y">();
  return {y.begin(), y.end()};
}
template <class Net>
constexpr int steps_without_work() {
  using l = typename model<Net>::lowered;
  return []<int... I>(std::integer_sequence<int, I...>) { return (0 + ... + (l::template is_done<I>() ? 1 : 0)); }(std::make_integer_sequence<int, l::g.node_count>{});
}
}  // namespace

TEST_CASE("a model whose concats and split are no work") {
  using placed = branches<1, true>;
  static_assert(steps_without_work<placed>() == 3);
  // one and two in `both`, bent in place of the head, y where `both` was; the input behind, less what the pool reads ahead
  static_assert(model<placed>::arena_bytes == 2 * 1024 + 256);
  using rescaled = branches<1, false>;  // `two` is rescaled into its place: a copy, but `one` stands
  static_assert(steps_without_work<rescaled>() == 2);
  using inner = branches<2, true>;  // columns: rows of both alternate, so every concat and split copies
  static_assert(steps_without_work<inner>() == 0);

  std::vector<std::uint8_t> x(1024);
  std::mt19937 random(3);
  for (auto& v : x) v = static_cast<std::uint8_t>(random());
  const auto relu = [](std::uint8_t v) { return std::max<std::uint8_t>(v, 10); };
  std::vector<std::uint8_t> expected;
  for (std::uint8_t v : x) expected.push_back(relu(v));
  for (int r = 0; r < 8; ++r)
    for (int c = 0; c < 8; ++c)
      for (int d = 0; d < 16; ++d) {
        std::uint8_t most = 0;
        for (int i = std::max(r - 1, 0); i <= std::min(r + 1, 7); ++i)
          for (int j = std::max(c - 1, 0); j <= std::min(c + 1, 7); ++j) most = std::max(most, x[static_cast<std::size_t>((i * 8 + j) * 16 + d)]);
        expected.push_back(most);
      }
  CHECK(run_model<placed>() == expected);
  const auto got = run_model<rescaled>();  // its first half comes from `one`, which is not rescaled
  CHECK(std::equal(expected.begin(), expected.begin() + 1024, got.begin()));
  std::vector<std::uint8_t> alternating;
  for (std::ptrdiff_t row = 0; row < 8; ++row)
    for (const std::ptrdiff_t half : {0, 1024}) alternating.insert(alternating.end(), expected.begin() + half + row * 128, expected.begin() + half + (row + 1) * 128);
  CHECK(run_model<inner>() == alternating);
}
